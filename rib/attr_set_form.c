/* The canonical form of an attribute set: what is absent takes no room, and equal values give equal
 * octets whatever lies in the members that are absent. */
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/buffer.h"
#include "rib/attr_set_private.h"

/* A run's length takes two octets; from here on six. */
#define RUN_LONG 0xffffu

/* Numbers in the order in which they are written. The first three are those that the decision
 * process reads without a view. */
struct number_member {
    uint64_t bit;
    size_t offset;
};

#define NUMBER(attr, member)                                                                       \
    {                                                                                              \
        PATH_ATTR_BIT(attr), offsetof(struct path_attrs, member)                                   \
    }
static const struct number_member number_members[] = {
    NUMBER(PATH_ATTR_MED, med),
    NUMBER(PATH_ATTR_LOCAL_PREF, local_pref),
    {PATH_LOCAL_WEIGHT, offsetof(struct path_attrs, weight)},
    NUMBER(PATH_ATTR_ORIGINATOR_ID, originator_id),
    NUMBER(PATH_ATTR_AGGREGATOR, aggregator_asn),
    NUMBER(PATH_ATTR_AGGREGATOR, aggregator_id),
    NUMBER(PATH_ATTR_OTC, otc_asn),
    {PATH_LOCAL_TAG, offsetof(struct path_attrs, tag)},
    {PATH_LOCAL_VIA, offsetof(struct path_attrs, via_ifindex)},
};
#define NUMBER_MEMBERS (sizeof number_members / sizeof number_members[0])
#define NUMBER_BITS                                                                                \
    (PATH_ATTR_BIT(PATH_ATTR_MED) | PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF) | PATH_LOCAL_WEIGHT |      \
     PATH_ATTR_BIT(PATH_ATTR_ORIGINATOR_ID) | PATH_ATTR_BIT(PATH_ATTR_AGGREGATOR) |                \
     PATH_ATTR_BIT(PATH_ATTR_OTC) | PATH_LOCAL_TAG | PATH_LOCAL_VIA)

#define RUN(attr, member)                                                                          \
    {                                                                                              \
        PATH_ATTR_BIT(attr), offsetof(struct path_attrs, member)                                   \
    }
/* The unknown attributes have no bit of their own: bit 0 stands for them in the form, which no
 * attribute type uses. */
#define UNKNOWN_BIT PATH_ATTR_BIT(0)
static const struct number_member run_members[] = {
    RUN(PATH_ATTR_AS_PATH, as_path),
    RUN(PATH_ATTR_CLUSTER_LIST, cluster_list),
    RUN(PATH_ATTR_COMMUNITIES, communities),
    RUN(PATH_ATTR_EXT_COMMUNITIES, ext_communities),
    RUN(PATH_ATTR_IPV6_EXT_COMMUNITIES, ipv6_ext_communities),
    RUN(PATH_ATTR_LARGE_COMMUNITIES, large_communities),
    {UNKNOWN_BIT, offsetof(struct path_attrs, unknown)},
};
#define RUN_MEMBERS (sizeof run_members / sizeof run_members[0])
#define RUN_BITS                                                                                   \
    (PATH_ATTR_BIT(PATH_ATTR_AS_PATH) | PATH_ATTR_BIT(PATH_ATTR_CLUSTER_LIST) |                    \
     PATH_ATTR_BIT(PATH_ATTR_COMMUNITIES) | PATH_ATTR_BIT(PATH_ATTR_EXT_COMMUNITIES) |             \
     PATH_ATTR_BIT(PATH_ATTR_IPV6_EXT_COMMUNITIES) | PATH_ATTR_BIT(PATH_ATTR_LARGE_COMMUNITIES) |  \
     UNKNOWN_BIT)

static uint8_t *append_u32(uint8_t *at, const void *value)
{
    memcpy(at, value, 4);
    return at + 4;
}

static uint8_t *append_addr(uint8_t *at, const struct ip_addr *addr, uint8_t bytes)
{
    memcpy(at, addr->bytes, bytes);
    return at + bytes;
}

static uint8_t *append_run(uint8_t *at, struct byte_view run)
{
    uint16_t size = run.size < RUN_LONG ? (uint16_t)run.size : (uint16_t)RUN_LONG;
    memcpy(at, &size, 2);
    at += 2;
    if (size == RUN_LONG) {
        ASSERT(run.size <= UINT32_MAX);
        uint32_t whole = (uint32_t)run.size;
        at = append_u32(at, &whole);
    }
    if (run.size != 0) {
        memcpy(at, run.data, run.size);
    }
    return at + run.size;
}

static struct byte_view run_of(const struct path_attrs *attrs, size_t member)
{
    struct byte_view run;
    memcpy(&run, (const uint8_t *)attrs + run_members[member].offset, sizeof run);
    return run;
}

/* present as it stands in the form. */
static uint64_t present_of(const struct path_attrs *attrs)
{
    uint64_t present = attrs->present & ~UNKNOWN_BIT;
    return attrs->unknown.size != 0 ? present | UNKNOWN_BIT : present;
}

static size_t size_max(const struct path_attrs *attrs)
{
    size_t size = ATTR_FIXED_BYTES + 3 * 16 + 4 * NUMBER_MEMBERS + 2 + 2 + 8;
    for (size_t i = 0; i < RUN_MEMBERS; i++) {
        size += 6 + run_of(attrs, i).size;
    }
    return size;
}

static uint8_t communities_partial(const struct path_attrs *attrs)
{
    unsigned known = (path_attrs_has(attrs, PATH_ATTR_COMMUNITIES) ? 1u : 0u) |
                     (path_attrs_has(attrs, PATH_ATTR_EXT_COMMUNITIES) ? 2u : 0u) |
                     (path_attrs_has(attrs, PATH_ATTR_LARGE_COMMUNITIES) ? 4u : 0u);
    return (uint8_t)(attrs->communities_partial & known);
}

void attr_form_build(struct buffer *form, const struct path_attrs *attrs)
{
    form->size = 0;
    uint8_t *start = buffer_reserve(form, size_max(attrs));
    uint64_t present = present_of(attrs);
    bool has_next_hop = (present & PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP)) != 0;
    bool has_source = (present & PATH_LOCAL_SRC) != 0;
    bool has_aggregator = (present & PATH_ATTR_BIT(PATH_ATTR_AGGREGATOR)) != 0;
    memset(start, 0, ATTR_FIXED_BYTES);
    memcpy(start + ATTR_FIXED_PRESENT, &present, sizeof present);
    start[ATTR_FIXED_ORIGIN] = (present & PATH_ATTR_BIT(PATH_ATTR_ORIGIN)) != 0 ? attrs->origin : 0;
    start[ATTR_FIXED_NEXT_HOP] = has_next_hop ? ip_family_bytes(attrs->next_hop.family) : 0;
    start[ATTR_FIXED_LINK_LOCAL] =
        has_next_hop ? ip_family_bytes(attrs->next_hop_link_local.family) : 0;
    start[ATTR_FIXED_SOURCE] = has_source ? ip_family_bytes(attrs->preferred_source.family) : 0;
    start[ATTR_FIXED_AGGREGATOR_PARTIAL] = has_aggregator ? attrs->aggregator_partial : 0;
    start[ATTR_FIXED_COMMUNITIES_PARTIAL] = communities_partial(attrs);
    uint8_t *at = start + ATTR_FIXED_BYTES;
    at = append_addr(at, &attrs->next_hop, start[ATTR_FIXED_NEXT_HOP]);
    for (size_t i = 0; i < NUMBER_MEMBERS; i++) {
        if ((present & number_members[i].bit) != 0) {
            at = append_u32(at, (const uint8_t *)attrs + number_members[i].offset);
        }
    }
    if ((present & PATH_LOCAL_VIA) != 0) {
        memcpy(at, &attrs->via_tunnel, 2);
        at += 2;
    }
    if ((present & PATH_LOCAL_PEER) != 0) {
        memcpy(at, &attrs->peer, 2);
        at += 2;
    }
    for (size_t i = 0; i < RUN_MEMBERS; i++) {
        if ((present & run_members[i].bit) != 0) {
            at = append_run(at, run_of(attrs, i));
        }
    }
    at = append_addr(at, &attrs->next_hop_link_local, start[ATTR_FIXED_LINK_LOCAL]);
    at = append_addr(at, &attrs->preferred_source, start[ATTR_FIXED_SOURCE]);
    form->size = (size_t)(at - start);
}

static struct ip_addr read_addr(const uint8_t **at, uint8_t bytes)
{
    struct ip_addr addr = {.family = bytes == 4 ? IP_V4 : bytes == 16 ? IP_V6 : IP_NONE};
    memcpy(addr.bytes, *at, bytes);
    *at += bytes;
    return addr;
}

static struct byte_view read_run(const uint8_t **at)
{
    uint16_t short_size;
    memcpy(&short_size, *at, 2);
    *at += 2;
    uint32_t size = short_size;
    if (short_size == RUN_LONG) {
        memcpy(&size, *at, 4);
        *at += 4;
    }
    struct byte_view run = {*at, size};
    *at += size;
    return run;
}

void attr_form_view(const uint8_t *value, struct path_attrs *view_out)
{
    *view_out = (struct path_attrs){0};
    uint64_t present;
    memcpy(&present, value, sizeof present);
    view_out->present = present & ~UNKNOWN_BIT;
    view_out->origin = value[ATTR_FIXED_ORIGIN];
    view_out->aggregator_partial = value[ATTR_FIXED_AGGREGATOR_PARTIAL];
    view_out->communities_partial = value[ATTR_FIXED_COMMUNITIES_PARTIAL];
    const uint8_t *at = value + ATTR_FIXED_BYTES;
    view_out->next_hop = read_addr(&at, value[ATTR_FIXED_NEXT_HOP]);
    for (size_t i = 0; i < NUMBER_MEMBERS && (present & NUMBER_BITS) != 0; i++) {
        if ((present & number_members[i].bit) != 0) {
            memcpy((uint8_t *)view_out + number_members[i].offset, at, 4);
            at += 4;
        }
    }
    if ((present & PATH_LOCAL_VIA) != 0) {
        memcpy(&view_out->via_tunnel, at, 2);
        at += 2;
    }
    if ((present & PATH_LOCAL_PEER) != 0) {
        memcpy(&view_out->peer, at, 2);
        at += 2;
    }
    uint64_t left = present & RUN_BITS;
    for (size_t i = 0; left != 0; i++) {
        if ((left & run_members[i].bit) != 0) {
            left &= ~run_members[i].bit;
            struct byte_view run = read_run(&at);
            memcpy((uint8_t *)view_out + run_members[i].offset, &run, sizeof run);
        }
    }
    view_out->next_hop_link_local = read_addr(&at, value[ATTR_FIXED_LINK_LOCAL]);
    view_out->preferred_source = read_addr(&at, value[ATTR_FIXED_SOURCE]);
}
