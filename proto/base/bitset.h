/* A growable set of small numbers (peer slots). */
#ifndef PROTO_BASE_BITSET_H
#define PROTO_BASE_BITSET_H

#include <stdbool.h>
#include <stdint.h>

struct bitset {
    uint64_t *words;
    uint32_t word_count;
};

void bitset_init(struct bitset *set);
void bitset_fini(struct bitset *set);
void bitset_add(struct bitset *set, uint32_t bit);
void bitset_remove(struct bitset *set, uint32_t bit);
static inline bool bitset_has(const struct bitset *set, uint32_t bit)
{
    return bit / 64 < set->word_count && (set->words[bit / 64] >> (bit % 64) & 1) != 0;
}

bool bitset_is_empty(const struct bitset *set);
uint32_t bitset_count(const struct bitset *set);

/* The lowest member at or above from, or UINT32_MAX. */
uint32_t bitset_next(const struct bitset *set, uint32_t from);

#endif
