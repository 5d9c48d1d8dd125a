#include "tests/bench/table_gen.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/as_path.h"
#include "proto/base/mem.h"
#include "proto/base/random.h"

/* Per mille of prefixes by length, /8 to /24; as the global table had it in 2024. */
static const uint16_t length_weights[25] = {
    [8] = 1,   [11] = 1,  [12] = 1,  [13] = 1,  [14] = 1,   [15] = 2,   [16] = 14,  [17] = 9,
    [18] = 14, [19] = 26, [20] = 46, [21] = 54, [22] = 114, [23] = 106, [24] = 610,
};

static uint8_t random_length(struct random_source *random)
{
    uint32_t draw = random_below(random, 1000);
    for (uint8_t length = 8; length < 25; length++) {
        if (draw < length_weights[length]) {
            return length;
        }
        draw -= length_weights[length];
    }
    return 24;
}

/* A set of keys, open addressing; only to keep prefixes apart. */
struct seen {
    uint64_t *keys;
    uint32_t mask;
};

static int seen_add(struct seen *seen, uint32_t addr, uint8_t length)
{
    uint64_t key = (uint64_t)addr << 8 | length;
    uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & seen->mask;
    while (seen->keys[at] != 0) {
        if (seen->keys[at] == key) {
            return 0;
        }
        at = (at + 1) & seen->mask;
    }
    seen->keys[at] = key;
    return 1;
}

static void random_group(struct random_source *random, struct gen_group *group)
{
    group->asn_count = 2 + random_below(random, 3) + random_below(random, 3);
    group->asns[0] = 65010;
    for (uint32_t i = 1; i < group->asn_count; i++) {
        group->asns[i] = 1000 + random_below(random, i + 1 == group->asn_count ? 75000 : 900);
    }
    group->community_count = random_below(random, 7);
    for (uint32_t i = 0; i < group->community_count; i++) {
        group->communities[i] = 65010u << 16 | (i * 100 + random_below(random, 100));
    }
}

void gen_table_init(struct gen_table *table, uint32_t prefix_count, uint64_t seed)
{
    struct random_source random;
    random_init(&random, seed);
    *table = (struct gen_table){0};
    table->prefixes = mem_alloc(MEM_MISC, prefix_count * sizeof *table->prefixes);
    table->groups = mem_alloc(MEM_MISC, prefix_count * sizeof *table->groups);
    struct seen seen = {.mask = 4095};
    while (seen.mask < prefix_count * 2) {
        seen.mask = seen.mask * 2 + 1;
    }
    seen.keys = mem_alloc(MEM_MISC, ((size_t)seen.mask + 1) * sizeof *seen.keys);
    while (table->prefix_count < prefix_count) {
        struct gen_group *group = &table->groups[table->group_count];
        group->first = table->prefix_count;
        random_group(&random, group);
        /* Most sets have one or two prefixes, a few have many. */
        uint32_t wanted = random_below(&random, 100) < 55 ? 1 + random_below(&random, 2)
                                                          : 1 + random_below(&random, 24);
        uint32_t base = (1 + random_below(&random, 222)) << 24 | random_below(&random, 1 << 24);
        for (uint32_t i = 0; i < wanted && table->prefix_count < prefix_count; i++) {
            uint8_t length = random_length(&random);
            struct ip_addr addr = ip_from_v4(base);
            struct prefix prefix = prefix_make(&addr, length);
            struct ip_addr start = prefix_addr(&prefix);
            base += random_below(&random, 4) == 0 ? random_below(&random, 1 << 16)
                                                  : 1u << (32 - length);
            base = base % 0xdf000000u < 0x01000000u ? base + 0x01000000u : base % 0xdf000000u;
            if (seen_add(&seen, ip_to_v4(&start), length)) {
                table->prefixes[table->prefix_count++] = prefix;
                group->count++;
            }
        }
        table->group_count += group->count != 0;
    }
    mem_free(MEM_MISC, seen.keys);
}

void gen_table_fini(struct gen_table *table)
{
    mem_free(MEM_MISC, table->prefixes);
    mem_free(MEM_MISC, table->groups);
}

void gen_attrs(const struct gen_group *group, uint8_t path_out[40], uint32_t peer,
               struct path_attrs *attrs_out)
{
    *attrs_out = (struct path_attrs){0};
    path_out[0] = AS_PATH_SEQUENCE;
    path_out[1] = (uint8_t)group->asn_count;
    for (uint32_t i = 0; i < group->asn_count; i++) {
        uint32_t asn = i == 0 ? group->asns[0] + peer : group->asns[i];
        for (uint32_t octet = 0; octet < 4; octet++) {
            path_out[2 + i * 4 + octet] = (uint8_t)(asn >> (24 - 8 * octet));
        }
    }
    attrs_out->as_path = (struct byte_view){path_out, 2 + 4 * (size_t)group->asn_count};
    attrs_out->communities =
        (struct byte_view){(const uint8_t *)group->communities, 4 * group->community_count};
    attrs_out->next_hop = ip_from_v4(0x0a000001 + peer);
    path_attrs_set(attrs_out, PATH_ATTR_ORIGIN);
    path_attrs_set(attrs_out, PATH_ATTR_AS_PATH);
    path_attrs_set(attrs_out, PATH_ATTR_NEXT_HOP);
    if (group->community_count != 0) {
        path_attrs_set(attrs_out, PATH_ATTR_COMMUNITIES);
    }
}

int64_t gen_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t gen_resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
