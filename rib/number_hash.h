/* From a hash to 32-bit object numbers: the exact-match half of the prefix index and the table
 * behind interned attribute sets. Twelve numbers with one-octet tags share a cache line, so that a
 * miss costs one line and a hit one line and the object. It does not know the objects: the caller
 * compares the candidates, and puts everything in again when it asks for a larger table. */
#ifndef RIB_NUMBER_HASH_H
#define RIB_NUMBER_HASH_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/mem.h"

#define NUMBER_GROUP_SLOTS 12u

struct number_group {
    uint8_t tags[NUMBER_GROUP_SLOTS]; /* 0: empty */
    uint32_t passed_count; /* members of earlier groups that found this one full and went on */
    uint32_t numbers[NUMBER_GROUP_SLOTS];
};
_Static_assert(sizeof(struct number_group) == 64, "one cache line");

struct number_hash {
    void *memory;                /* what was allocated */
    struct number_group *groups; /* the same, aligned to a line */
    uint32_t group_mask;
    uint32_t count;
    enum mem_kind kind;
};

void number_hash_init(struct number_hash *table, enum mem_kind kind);
void number_hash_fini(struct number_hash *table);

/* True when the next add would load the table beyond its limit: grow first. */
bool number_hash_is_full(const struct number_hash *table);

/* An empty table of twice the size; the owner adds all its members again. */
void number_hash_grow(struct number_hash *table);

void number_hash_add(struct number_hash *table, uint64_t hash, uint32_t number);

/* number must be there under hash (asserted). */
void number_hash_remove(struct number_hash *table, uint64_t hash, uint32_t number);

/* Adds members after a growth: their waits for memory overlap. */
#define NUMBER_REFILL_MAX 32u

struct number_refill {
    struct number_hash *table;
    uint32_t count;
    uint32_t numbers[NUMBER_REFILL_MAX];
    uint64_t hashes[NUMBER_REFILL_MAX];
};

void number_refill_end(struct number_refill *refill);

struct number_probe {
    uint32_t group;
    uint32_t slot;
    uint8_t tag;
};

static inline uint8_t number_hash_tag(uint64_t hash)
{
    uint8_t tag = (uint8_t)hash;
    return tag == 0 ? 1 : tag;
}

static inline uint32_t number_hash_home(const struct number_hash *table, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & table->group_mask;
}

/* True when one of the tags may equal tag; never wrong when it says no. */
static inline bool number_group_may_have(const struct number_group *group, uint8_t tag)
{
    uint64_t first;
    uint64_t last; /* overlaps the first word: tags 4 to 11 */
    memcpy(&first, group->tags, sizeof first);
    memcpy(&last, group->tags + 4, sizeof last);
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t wanted = ones * tag;
    first ^= wanted;
    last ^= wanted;
    uint64_t zero = ((first - ones) & ~first) | ((last - ones) & ~last);
    return (zero & (ones << 7)) != 0;
}

/* The first empty slot, or NUMBER_GROUP_SLOTS. */
static inline uint32_t number_group_empty_slot(const struct number_group *group)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t first;
    uint32_t last;
    memcpy(&first, group->tags, sizeof first);
    memcpy(&last, group->tags + 8, sizeof last);
    first = le64toh(first); /* the first slot in the lowest octet */
    last = le32toh(last);
    uint64_t zero = (first - ones) & ~first & ones << 7; /* its lowest bit is exact */
    if (zero != 0) {
        return (uint32_t)__builtin_ctzll(zero) / 8;
    }
    uint32_t late = (last - (uint32_t)ones) & ~last & (uint32_t)ones << 7;
    return late != 0 ? 8 + (uint32_t)__builtin_ctz(late) / 8 : NUMBER_GROUP_SLOTS;
}

static inline struct number_probe number_probe_start(const struct number_hash *table, uint64_t hash)
{
    return (struct number_probe){number_hash_home(table, hash), 0, number_hash_tag(hash)};
}

/* The next candidate, or 0 when there is none left. */
static inline uint32_t number_probe_next(const struct number_hash *table,
                                         struct number_probe *probe)
{
    for (;;) {
        const struct number_group *group = &table->groups[probe->group];
        if (probe->slot != 0 || number_group_may_have(group, probe->tag)) {
            while (probe->slot < NUMBER_GROUP_SLOTS) {
                uint32_t slot = probe->slot++;
                if (group->tags[slot] == probe->tag) {
                    return group->numbers[slot];
                }
            }
        }
        if (group->passed_count == 0) {
            return 0;
        }
        probe->group = (probe->group + 1) & table->group_mask;
        probe->slot = 0;
    }
}

static inline void number_refill_add(struct number_refill *refill, uint64_t hash, uint32_t number)
{
    struct number_hash *table = refill->table;
    if (refill->count == NUMBER_REFILL_MAX) {
        number_refill_end(refill);
    }
    __builtin_prefetch(&table->groups[number_hash_home(table, hash)], 1);
    refill->numbers[refill->count] = number;
    refill->hashes[refill->count++] = hash;
}

#endif
