/* What the tests of rib share: a table with its attribute sets, and sets from a few numbers. */
#ifndef TESTS_UNIT_RIB_FIXTURE_H
#define TESTS_UNIT_RIB_FIXTURE_H

#include <string.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "rib/adj_rib_out.h"
#include "rib/loc_rib.h"
#include "rib/loc_rib_private.h"
#include "tests/unit/unit.h"

struct rib_fixture {
    struct attr_table *attrs;
    struct loc_rib *rib;
    struct arena arena;
};

static inline void fixture_init(struct rib_fixture *fixture, enum afi_safi afi_safi)
{
    fixture->attrs = attr_table_new(0x1234567);
    fixture->rib = loc_rib_new(afi_safi, fixture->attrs, 0x7654321);
    arena_init(&fixture->arena);
}

/* Frees all and claims that nothing is left behind. */
static inline void fixture_fini(struct rib_fixture *fixture)
{
    loc_rib_free(fixture->rib);
    ck_assert_uint_eq(attr_table_count(fixture->attrs), 0);
    attr_table_free(fixture->attrs);
    arena_fini(&fixture->arena);
    ck_assert_int_eq(mem_blocks(MEM_ROUTE), 0);
    ck_assert_int_eq(mem_blocks(MEM_ATTR_SET), 0);
    ck_assert_int_eq(mem_blocks(MEM_PREFIX_INDEX), 0);
    ck_assert_int_eq(mem_blocks(MEM_ADJ_RIB_OUT), 0);
}

/* Plain eBGP attributes: ORIGIN IGP, the given path, a next hop. */
static inline struct path_attrs fixture_attrs(struct rib_fixture *fixture, const uint32_t *asns,
                                              size_t asn_count, uint32_t next_hop)
{
    struct path_attrs attrs = {0};
    path_attrs_set(&attrs, PATH_ATTR_ORIGIN);
    path_attrs_set(&attrs, PATH_ATTR_AS_PATH);
    path_attrs_set(&attrs, PATH_ATTR_NEXT_HOP);
    attrs.as_path = as_path_from_asns(&fixture->arena, asns, asn_count);
    attrs.next_hop = ip_from_v4(next_hop);
    return attrs;
}

/* A set that is told apart by tag alone; owes one unref. */
static inline struct attr_set *fixture_set(struct rib_fixture *fixture, uint32_t tag)
{
    uint32_t asn = 65001;
    struct path_attrs attrs = fixture_attrs(fixture, &asn, 1, 0x0a000001);
    path_attrs_set(&attrs, PATH_ATTR_MED);
    attrs.med = tag;
    struct attr_set *set = attr_set_intern(fixture->attrs, &attrs);
    arena_reset(&fixture->arena);
    return set;
}

static inline uint16_t fixture_source(struct rib_fixture *fixture, uint8_t kind, uint32_t addr,
                                      uint32_t router_id)
{
    struct rib_source source = {.kind = kind, .asn = 65001, .router_id = router_id};
    if (addr != 0) {
        source.addr = ip_from_v4(addr);
    }
    uint16_t number;
    ck_assert_int_eq(loc_rib_source_add(fixture->rib, &source, &number), STATUS_OK);
    return number;
}

static inline struct prefix fixture_prefix(uint32_t addr, uint8_t len_bits)
{
    struct ip_addr ip = ip_from_v4(addr);
    return prefix_make(&ip, len_bits);
}

/* An IPv4 or IPv6 prefix out of a small space with many covers, and some from far away. */
static inline struct prefix fixture_random_prefix(struct random_source *random, uint8_t family)
{
    struct ip_addr addr = {.family = family};
    unsigned bytes = ip_family_bytes(family);
    for (unsigned i = 0; i < bytes; i++) {
        addr.bytes[i] = (uint8_t)(random_below(random, 4) == 0 ? random_below(random, 4) * 85 : 0);
    }
    return prefix_make(&addr, (uint8_t)random_below(random, ip_family_bits(family) + 1u));
}

static inline enum route_change fixture_put(struct rib_fixture *fixture, uint16_t source,
                                            const struct prefix *prefix, struct attr_set *set)
{
    return adj_rib_in_put(fixture->rib, source, prefix, 0, set, set, DECISION_NONE,
                          (struct mono_time){0});
}

#endif
