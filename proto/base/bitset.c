#include "proto/base/bitset.h"

#include <string.h>

#include "proto/base/mem.h"

void bitset_init(struct bitset *set)
{
    *set = (struct bitset){NULL, 0};
}

void bitset_fini(struct bitset *set)
{
    mem_free(MEM_MISC, set->words);
    bitset_init(set);
}

void bitset_add(struct bitset *set, uint32_t bit)
{
    uint32_t word = bit / 64;
    if (word >= set->word_count) {
        uint32_t more = set->word_count + set->word_count / 2;
        uint32_t count = word + 1 > more ? word + 1 : more;
        set->words = mem_realloc(MEM_MISC, set->words, count * sizeof *set->words);
        memset(set->words + set->word_count, 0, (count - set->word_count) * sizeof *set->words);
        set->word_count = count;
    }
    set->words[word] |= UINT64_C(1) << (bit % 64);
}

void bitset_remove(struct bitset *set, uint32_t bit)
{
    if (bit / 64 < set->word_count) {
        set->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    }
}

bool bitset_is_empty(const struct bitset *set)
{
    return bitset_next(set, 0) == UINT32_MAX;
}

uint32_t bitset_count(const struct bitset *set)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->word_count; i++) {
        count += (uint32_t)__builtin_popcountll(set->words[i]);
    }
    return count;
}

uint32_t bitset_next(const struct bitset *set, uint32_t from)
{
    for (uint32_t word = from / 64; word < set->word_count; word++) {
        uint64_t bits = set->words[word];
        if (word == from / 64) {
            bits &= ~UINT64_C(0) << (from % 64);
        }
        if (bits != 0) {
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
        }
    }
    return UINT32_MAX;
}
