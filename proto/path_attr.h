/* Path attributes as plain values: the form shared by the decoder, the interned sets of rib, policy
 * edits and the encoder. Views point into memory of the holder (message, scratch arena or set). */
#ifndef PROTO_PATH_ATTR_H
#define PROTO_PATH_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/cursor.h"
#include "proto/prefix.h"

enum path_attr_type {
    PATH_ATTR_ORIGIN = 1,
    PATH_ATTR_AS_PATH = 2,
    PATH_ATTR_NEXT_HOP = 3,
    PATH_ATTR_MED = 4,
    PATH_ATTR_LOCAL_PREF = 5,
    PATH_ATTR_ATOMIC_AGGREGATE = 6,
    PATH_ATTR_AGGREGATOR = 7,
    PATH_ATTR_COMMUNITIES = 8,
    PATH_ATTR_ORIGINATOR_ID = 9,
    PATH_ATTR_CLUSTER_LIST = 10,
    PATH_ATTR_MP_REACH_NLRI = 14,
    PATH_ATTR_MP_UNREACH_NLRI = 15,
    PATH_ATTR_EXT_COMMUNITIES = 16,
    PATH_ATTR_AS4_PATH = 17,
    PATH_ATTR_AS4_AGGREGATOR = 18,
    PATH_ATTR_IPV6_EXT_COMMUNITIES = 25,
    PATH_ATTR_AIGP = 26,
    PATH_ATTR_LARGE_COMMUNITIES = 32,
    PATH_ATTR_OTC = 35,
};

#define PATH_ATTR_FLAG_OPTIONAL   0x80u
#define PATH_ATTR_FLAG_TRANSITIVE 0x40u
#define PATH_ATTR_FLAG_PARTIAL    0x20u
#define PATH_ATTR_FLAG_EXTENDED   0x10u

#define PATH_ATTR_BIT(type) (UINT64_C(1) << (type))

/* Facts of this router that travel with an attribute set inside the daemon and never on the wire.
 * They use bits of types that RFC 4271 leaves unassigned in the one-octet range below 64. */
#define PATH_LOCAL_LAST    PATH_ATTR_BIT(56) /* RFC 9494: used when there is nothing else */
#define PATH_LOCAL_DISCARD PATH_ATTR_BIT(57) /* RFC 7999: what is sent there is thrown away */
#define PATH_LOCAL_PEER    PATH_ATTR_BIT(58) /* peer said it: it is not to be told so itself */
#define PATH_LOCAL_VIA     PATH_ATTR_BIT(59) /* via_tunnel or via_ifindex bind the next hop */
#define PATH_LOCAL_WEIGHT  PATH_ATTR_BIT(60) /* policy or neighbour set a weight */
#define PATH_LOCAL_TAG     PATH_ATTR_BIT(61)
#define PATH_LOCAL_SRC     PATH_ATTR_BIT(62) /* policy set a preferred source */
#define PATH_LOCAL_SHAPED                                                                          \
    PATH_ATTR_BIT(63) /* goes out as it stands, but for a next hop of ours                         \
                       */

enum bgp_origin {
    BGP_ORIGIN_IGP = 0,
    BGP_ORIGIN_EGP = 1,
    BGP_ORIGIN_INCOMPLETE = 2,
};

struct path_attrs {
    uint64_t present; /* PATH_ATTR_BIT of every member that has a value, and PATH_LOCAL_ bits */
    struct byte_view as_path;              /* canonical: proto/as_path.h */
    struct byte_view cluster_list;         /* n * 4 octets, network order */
    struct byte_view communities;          /* n * 4 octets, network order, sorted, unique */
    struct byte_view ext_communities;      /* n * 8 octets, sorted, unique */
    struct byte_view ipv6_ext_communities; /* n * 20 octets, as received */
    struct byte_view large_communities;    /* n * 12 octets, sorted, unique */
    struct byte_view unknown;           /* whole attributes (flags, type, length, value) of optional
                                           transitive types we do not know, Partial bit set, by
                                           ascending type */
    struct ip_addr next_hop;            /* NEXT_HOP, or the global address of MP_REACH_NLRI; its
                                           presence is PATH_ATTR_NEXT_HOP for both families */
    struct ip_addr next_hop_link_local; /* IP_NONE when MP_REACH_NLRI carried none */
    uint32_t med;
    uint32_t local_pref;
    uint32_t aggregator_asn;
    uint32_t aggregator_id; /* IPv4 address, host order */
    uint32_t originator_id; /* host order */
    uint32_t otc_asn;
    uint32_t weight;
    uint32_t tag;
    uint32_t via_ifindex; /* the next hop is on this link (link-local next hops) */
    uint16_t via_tunnel;  /* the session is bound to this tunnel (1-based), so is the next hop */
    uint16_t peer;        /* number of a neighbour */
    struct ip_addr preferred_source;
    uint8_t origin;              /* enum bgp_origin */
    uint8_t aggregator_partial;  /* PATH_ATTR_FLAG_PARTIAL as received on AGGREGATOR, else 0 */
    uint8_t communities_partial; /* the same for COMMUNITIES, EXT and LARGE in bits 0, 1, 2 */
};

static inline bool path_attrs_has(const struct path_attrs *attrs, enum path_attr_type type)
{
    return (attrs->present & PATH_ATTR_BIT(type)) != 0;
}

static inline void path_attrs_set(struct path_attrs *attrs, enum path_attr_type type)
{
    attrs->present |= PATH_ATTR_BIT(type);
}

static inline void path_attrs_clear(struct path_attrs *attrs, enum path_attr_type type)
{
    attrs->present &= ~PATH_ATTR_BIT(type);
}

bool path_attrs_has_community(const struct path_attrs *attrs, uint32_t community);

/* Adds a community of RFC 1997 to those there are, if any; the new list lies in arena. */
void path_attrs_add_community(struct path_attrs *attrs, struct arena *arena, uint32_t community);

/* Value equality, octet by octet behind the views; absent members are not compared. */
bool path_attrs_equal(const struct path_attrs *a, const struct path_attrs *b);

#endif
