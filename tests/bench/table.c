#include "tests/bench/table.h"

#include <stdlib.h>

#include "proto/base/hash.h"
#include "proto/base/mem.h"
#include "proto/base/random.h"

/* Share of each prefix length in percent, from /8 to /24, as in today's Internet. */
static const uint8_t length_percent[25] = {
    [12] = 1, [13] = 1, [14] = 1, [15] = 1,  [16] = 2,  [17] = 1,  [18] = 2,
    [19] = 3, [20] = 5, [21] = 6, [22] = 12, [23] = 10, [24] = 55,
};

static uint8_t pick_length(struct random_source *random)
{
    uint32_t roll = random_below(random, 100);
    for (uint8_t length = 8; length < 24; length++) {
        if (roll < length_percent[length]) {
            return length;
        }
        roll -= length_percent[length];
    }
    return 24;
}

static uint32_t slot_of(const struct table *table, uint32_t addr, uint8_t len_bits)
{
    return (uint32_t)hash_u64(7, ((uint64_t)addr << 8) | len_bits) & table->index_mask;
}

uint32_t table_find(const struct table *table, uint32_t addr, uint8_t len_bits)
{
    for (uint32_t slot = slot_of(table, addr, len_bits); table->index[slot] != 0;
         slot = (slot + 1) & table->index_mask) {
        uint32_t place = table->index[slot] - 1;
        if (table->prefixes[place].addr == addr && table->prefixes[place].len_bits == len_bits) {
            return place;
        }
    }
    return UINT32_MAX;
}

static void index_add(struct table *table, uint32_t place)
{
    const struct table_prefix *prefix = &table->prefixes[place];
    uint32_t slot = slot_of(table, prefix->addr, prefix->len_bits);
    while (table->index[slot] != 0) {
        slot = (slot + 1) & table->index_mask;
    }
    table->index[slot] = place + 1;
}

static bool is_martian(uint32_t addr)
{
    uint32_t top = addr >> 24;
    return top == 0 || top == 10 || top == 127 || top >= 224;
}

static void add_prefix(struct table *table, struct random_source *random, uint32_t near)
{
    for (;;) {
        uint8_t length = pick_length(random);
        uint32_t mask = ~UINT32_C(0) << (32 - length);
        uint32_t addr = near == 0 || random_below(random, 3) == 0
                            ? (uint32_t)random_u64(random)
                            : near + (random_below(random, 64) << 8);
        addr &= mask;
        if (is_martian(addr) || table_find(table, addr, length) != UINT32_MAX) {
            near = 0;
            continue;
        }
        table->prefixes[table->prefix_count] =
            (struct table_prefix){addr, length, table->group_count};
        index_add(table, table->prefix_count++);
        return;
    }
}

static void fill_group(struct table_group *group, struct random_source *random)
{
    group->path_count = (uint8_t)(1 + random_below(random, 3) + random_below(random, 4));
    for (uint8_t i = 0; i < group->path_count; i++) {
        group->path[i] = 1 + random_below(random, i + 1 == group->path_count ? 60000 : 3000);
    }
    group->community_count = (uint8_t)(random_below(random, 2) * random_below(random, 12));
    for (uint8_t i = 0; i < group->community_count; i++) {
        group->communities[i] = (random_below(random, 64000) + 1) << 16 | random_below(random, 999);
    }
    group->has_med = random_below(random, 4) == 0;
    group->med = random_below(random, 100);
}

void table_make(struct table *table, uint32_t prefix_count, uint64_t seed)
{
    struct random_source random;
    random_init(&random, seed);
    uint32_t slots = 1024;
    while (slots < prefix_count * 2) {
        slots *= 2;
    }
    *table = (struct table){.index_mask = slots - 1};
    table->index = mem_alloc(MEM_MISC, slots * sizeof *table->index);
    table->prefixes = mem_alloc(MEM_MISC, prefix_count * sizeof *table->prefixes);
    table->groups = mem_alloc(MEM_MISC, prefix_count * sizeof *table->groups);
    while (table->prefix_count < prefix_count) {
        struct table_group *group = &table->groups[table->group_count];
        group->first = table->prefix_count;
        fill_group(group, &random);
        /* Most origins announce a few prefixes, some very many: mean about 6.5. */
        uint32_t size = random_below(&random, 10) < 6 ? 1 + random_below(&random, 4)
                                                      : 1 + random_below(&random, 24);
        uint32_t near = 0;
        for (uint32_t i = 0; i < size && table->prefix_count < prefix_count; i++) {
            add_prefix(table, &random, near);
            near = table->prefixes[table->prefix_count - 1].addr;
            group->count++;
        }
        table->group_count++;
    }
}

void table_free(struct table *table)
{
    mem_free(MEM_MISC, table->index);
    mem_free(MEM_MISC, table->prefixes);
    mem_free(MEM_MISC, table->groups);
}
