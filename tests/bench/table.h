/* A made-up Internet table with a realistic distribution of prefix lengths, path lengths and
 * sharing: about 6.5 prefixes per attribute set. The same seed gives the same table. */
#ifndef TESTS_BENCH_TABLE_H
#define TESTS_BENCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define TABLE_PATH_MAX 8

struct table_prefix {
    uint32_t addr; /* host order */
    uint8_t len_bits;
    uint32_t group;
};

struct table_group {
    uint32_t first; /* of its prefixes */
    uint32_t count;
    uint8_t path_count;
    uint32_t path[TABLE_PATH_MAX]; /* behind the announcing peer's AS */
    uint8_t community_count;
    uint32_t communities[12];
    bool has_med;
    uint32_t med;
};

struct table {
    struct table_prefix *prefixes; /* those of a group lie together */
    struct table_group *groups;
    uint32_t prefix_count;
    uint32_t group_count;
    uint32_t *index; /* open addressing: place + 1 of a prefix; 0 is empty */
    uint32_t index_mask;
};

void table_make(struct table *table, uint32_t prefix_count, uint64_t seed);
void table_free(struct table *table);

/* Place of a prefix, or UINT32_MAX. */
uint32_t table_find(const struct table *table, uint32_t addr, uint8_t len_bits);

#endif
