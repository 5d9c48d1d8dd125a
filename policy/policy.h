/* Route policy: definitions as they are written, compiled once, evaluated on a route view. Pure: no
 * tables, no clock. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/community.h"
#include "proto/path_attr.h"
#include "proto/prefix.h"
#include "rib/nexthop.h"

/* ---- Definitions (plain, arena-owned by the configuration) ---- */

struct prefix_list_entry_def {
    uint32_t sequence;
    bool is_permit;
    struct prefix prefix;
    uint8_t ge_bits; /* 0: not given */
    uint8_t le_bits; /* 0: not given */
    const char *description;
};

struct prefix_list_def {
    const char *name;
    uint8_t family; /* enum ip_family */
    const char *description;
    const struct prefix_list_entry_def *entries; /* ascending sequence */
    size_t entry_count;
};

struct as_path_list_entry_def {
    uint32_t sequence;
    bool is_permit;
    const char *regexp; /* FRR's dialect: _ matches start, end, blank, comma, braces */
};

struct as_path_list_def {
    const char *name;
    const struct as_path_list_entry_def *entries;
    size_t entry_count;
};

struct community_list_entry_def {
    uint32_t sequence;
    bool is_permit;
    const char *regexp;                  /* expanded lists; NULL for standard ones */
    const struct community *communities; /* standard: all of them must be there; none = internet */
    size_t community_count;
};

struct community_list_def {
    const char *name;
    enum community_kind kind;
    bool is_expanded;
    const struct community_list_entry_def *entries;
    size_t entry_count;
};

enum match_kind {
    MATCH_PREFIX_LIST,          /* name */
    MATCH_NEXT_HOP_PREFIX_LIST, /* name */
    MATCH_NEXT_HOP_ADDRESS,     /* prefix (host) */
    MATCH_AS_PATH_LIST,         /* name */
    MATCH_COMMUNITY_LIST,       /* name, kind, exact */
    MATCH_METRIC,               /* number */
    MATCH_LOCAL_PREF,           /* number */
    MATCH_WEIGHT,               /* number */
    MATCH_ORIGIN,               /* number: enum bgp_origin */
    MATCH_TAG,                  /* number */
    MATCH_PEER,                 /* prefix (host address of the peer) */
    MATCH_PATH_CLASS,           /* number: enum path_class */
    MATCH_SOURCE_PROTOCOL,      /* number: enum policy_protocol */
    MATCH_AS_PATH_LENGTH,       /* number; comparison in `exact`: equal, else at most */
    MATCH_INTERFACE,            /* name: of the resolved next hop */
};

enum policy_protocol {
    POLICY_PROTOCOL_BGP,
    POLICY_PROTOCOL_CONNECTED,
    POLICY_PROTOCOL_STATIC,
    POLICY_PROTOCOL_KERNEL,
};

struct match_def {
    enum match_kind kind;
    const char *name;
    uint32_t number;
    bool exact;
    uint8_t community_kind; /* enum community_kind */
    uint8_t family;         /* of a prefix list: ip or ipv6 */
    struct prefix prefix;
};

enum set_kind {
    SET_WEIGHT,     /* number */
    SET_LOCAL_PREF, /* number; op add/subtract */
    SET_METRIC,     /* number; op */
    SET_ORIGIN,     /* number */
    SET_TAG,        /* number */
    SET_NEXT_HOP,   /* addr (either family; link-local goes to the second address) */
    SET_NEXT_HOP_PEER,
    SET_NEXT_HOP_UNCHANGED,
    SET_NEXT_HOP_SELF,
    SET_AS_PATH_PREPEND,      /* asns */
    SET_AS_PATH_PREPEND_LAST, /* number: how often the first AS of the path */
    SET_AS_PATH_EXCLUDE,      /* asns */
    SET_COMMUNITY,            /* communities, kind, op: replace, add (additive), none */
    SET_COMMUNITY_DELETE,     /* name of a list, kind */
    SET_PREFERRED_SOURCE,     /* addr */
    SET_ATOMIC_AGGREGATE,
    SET_AGGREGATOR, /* number: AS, addr */
};

enum set_op {
    SET_OP_REPLACE,
    SET_OP_ADD,
    SET_OP_SUBTRACT,
    SET_OP_NONE, /* community none */
};

struct set_def {
    enum set_kind kind;
    enum set_op op;
    const char *name;
    uint32_t number;
    struct ip_addr addr;
    const uint32_t *asns;
    size_t asn_count;
    const struct community *communities;
    size_t community_count;
    uint8_t community_kind;
};

enum route_map_exit {
    ROUTE_MAP_EXIT_STOP, /* a matching entry ends the evaluation */
    ROUTE_MAP_EXIT_NEXT, /* on-match next / continue */
    ROUTE_MAP_EXIT_GOTO, /* on-match goto N / continue N */
};

struct route_map_entry_def {
    uint32_t sequence;
    bool is_permit;
    const char *description;
    const struct match_def *matches; /* all must match */
    size_t match_count;
    const struct set_def *sets;
    size_t set_count;
    const char *call; /* another route-map that must permit; NULL for none */
    enum route_map_exit exit;
    uint32_t exit_sequence;
};

struct route_map_def {
    const char *name;
    const struct route_map_entry_def *entries; /* ascending sequence */
    size_t entry_count;
};

struct policy_defs {
    const struct prefix_list_def *prefix_lists;
    size_t prefix_list_count;
    const struct as_path_list_def *as_path_lists;
    size_t as_path_list_count;
    const struct community_list_def *community_lists;
    size_t community_list_count;
    const struct route_map_def *route_maps;
    size_t route_map_count;
};

/* ---- Compiled ---- */

struct policy_set;
struct route_map;
struct prefix_list;
struct as_path_list;

/* Compiles everything. defs and what it points to are borrowed and must outlive the set. On
 * STATUS_INVALID (a regexp that does not compile, a call cycle) error_out
 * holds a message naming object, sequence and rule. A reference to a list that does not exist
 * compiles and never matches, as in FRR; policy_missing_reference lists them. */
NODISCARD enum status policy_set_compile(const struct policy_defs *defs,
                                         struct policy_set **set_out, char error_out[256]);
void policy_set_free(struct policy_set *set);

/* The index-th dangling reference as text ("route-map A 10: prefix-list B"), or NULL past the end.
 */
const char *policy_missing_reference(const struct policy_set *set, size_t index);

/* NULL when there is none of that name. */
const struct route_map *policy_route_map(const struct policy_set *set, const char *name);
const struct prefix_list *policy_prefix_list(const struct policy_set *set, uint8_t family,
                                             const char *name);
const struct as_path_list *policy_as_path_list(const struct policy_set *set, const char *name);

/* True when the first matching entry permits; no match denies (FRR). */
bool prefix_list_permits(const struct prefix_list *list, const struct prefix *prefix);
bool as_path_list_permits(const struct as_path_list *list, struct byte_view as_path);

/* Two policies are the same when they decide alike for every route: compared structurally, so that
 * a commit can tell which peers need their routes looked at again. */
bool route_map_equal(const struct route_map *a, const struct route_map *b);
bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b);
bool as_path_list_equal(const struct as_path_list *a, const struct as_path_list *b);

/* True when the map's outcome depends on the attribute set alone (no prefix, next-hop state or peer
 * match anywhere in it), so that it may be evaluated once per attribute set. */
bool route_map_is_prefix_blind(const struct route_map *map);

/* True when the map's outcome can depend on what the next hop resolves to (path class, interface).
 */
bool route_map_uses_nexthop(const struct route_map *map);

/* What a policy may look at. */
struct policy_route {
    const struct prefix *prefix;
    struct ip_addr peer_addr;  /* IP_NONE for local routes */
    struct ip_addr local_addr; /* of the session; for next-hop self */
    uint32_t local_asn;
    uint8_t protocol; /* enum policy_protocol */
    bool has_path_class;
    uint8_t path_class;         /* enum path_class */
    const char *interface_name; /* of the resolved next hop; NULL when unknown */
};

struct policy_verdict {
    bool is_permit;
    bool attrs_changed; /* attrs was edited */
    bool next_hop_self; /* edits only the exporter can carry out */
    bool next_hop_unchanged;
    bool next_hop_set;       /* policy set an address */
    uint32_t entry_sequence; /* of the deciding entry; 0 for the implicit deny */
};

/* Evaluates map on attrs, editing it in place (new blobs come from scratch). NULL map permits. */
struct policy_verdict route_map_apply(const struct route_map *map, const struct policy_route *route,
                                      struct path_attrs *attrs, struct arena *scratch);

#endif
