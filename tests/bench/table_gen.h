/* A table with the shape of the Internet's: prefix lengths, and how many prefixes share one set of
 * attributes (about 6.5). Made from a seed, nothing stored. */
#ifndef TESTS_BENCH_TABLE_GEN_H
#define TESTS_BENCH_TABLE_GEN_H

#include <stdint.h>

#include "proto/path_attr.h"
#include "proto/prefix.h"

struct gen_group {
    uint32_t first; /* index of its first prefix */
    uint32_t count;
    uint32_t asns[8];
    uint32_t asn_count;
    uint32_t communities[6];
    uint32_t community_count;
};

struct gen_table {
    struct prefix *prefixes;
    struct gen_group *groups;
    uint32_t prefix_count;
    uint32_t group_count;
};

/* prefix_count different IPv4 prefixes, group by group as a peer would send them. */
void gen_table_init(struct gen_table *table, uint32_t prefix_count, uint64_t seed);
void gen_table_fini(struct gen_table *table);

/* The attributes of a group; views point into group and into path_out (40 octets). */
void gen_attrs(const struct gen_group *group, uint8_t path_out[40], uint32_t peer,
               struct path_attrs *attrs_out);

/* Nanoseconds of the monotonic clock, and resident octets of this process. */
int64_t gen_now_ns(void);
int64_t gen_resident_bytes(void);

#endif
