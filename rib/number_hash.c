#include "rib/number_hash.h"

#include "proto/base/assert.h"

#define GROUPS_AT_FIRST 8u
#define LINE_BYTES      64u

static void allocate(struct number_hash *table, uint32_t group_count)
{
    table->memory =
        mem_alloc(table->kind, (size_t)group_count * sizeof *table->groups + LINE_BYTES);
    uintptr_t start = ((uintptr_t)table->memory + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
    table->groups = (struct number_group *)start;
    table->group_mask = group_count - 1;
    table->count = 0;
}

void number_hash_init(struct number_hash *table, enum mem_kind kind)
{
    *table = (struct number_hash){.kind = kind};
    allocate(table, GROUPS_AT_FIRST);
}

void number_hash_fini(struct number_hash *table)
{
    mem_free(table->kind, table->memory);
    *table = (struct number_hash){.kind = table->kind};
}

bool number_hash_is_full(const struct number_hash *table)
{
    uint64_t slots = ((uint64_t)table->group_mask + 1) * NUMBER_GROUP_SLOTS;
    return (uint64_t)table->count * 5 >= slots * 4;
}

void number_hash_grow(struct number_hash *table)
{
    uint32_t group_count = (table->group_mask + 1) * 2;
    ASSERT(group_count != 0);
    mem_free(table->kind, table->memory);
    allocate(table, group_count);
}

void number_hash_add(struct number_hash *table, uint64_t hash, uint32_t number)
{
    ASSERT(number != 0);
    ASSERT(!number_hash_is_full(table));
    uint32_t at = number_hash_home(table, hash);
    for (;;) {
        struct number_group *group = &table->groups[at];
        uint32_t slot = number_group_empty_slot(group);
        if (slot != NUMBER_GROUP_SLOTS) {
            group->tags[slot] = number_hash_tag(hash);
            group->numbers[slot] = number;
            table->count++;
            return;
        }
        group->passed_count++;
        at = (at + 1) & table->group_mask;
    }
}

void number_refill_end(struct number_refill *refill)
{
    for (uint32_t i = 0; i < refill->count; i++) {
        number_hash_add(refill->table, refill->hashes[i], refill->numbers[i]);
    }
    refill->count = 0;
}

void number_hash_remove(struct number_hash *table, uint64_t hash, uint32_t number)
{
    uint8_t tag = number_hash_tag(hash);
    uint32_t at = number_hash_home(table, hash);
    for (;;) {
        struct number_group *group = &table->groups[at];
        for (uint32_t slot = 0; slot < NUMBER_GROUP_SLOTS; slot++) {
            if (group->numbers[slot] == number && group->tags[slot] == tag) {
                group->tags[slot] = 0;
                group->numbers[slot] = 0;
                table->count--;
                return;
            }
        }
        ASSERT(group->passed_count > 0);
        group->passed_count--;
        at = (at + 1) & table->group_mask;
    }
}
