/* One address family's tables: every peer's routes as received (adj-rib-in) with the outcome of
 * import policy, and the choice among them (loc-rib). A destination has one number, dense and
 * stable while it has routes, that all other tables of the family use as their key. */
#ifndef RIB_LOC_RIB_H
#define RIB_LOC_RIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/mono.h"
#include "proto/base/status.h"
#include "proto/prefix.h"
#include "rib/attr_set.h"
#include "rib/decision.h"
#include "rib/nexthop.h"

struct loc_rib;

/* Dense destination number; 0 is none. */
typedef uint32_t dest_id;

enum source_kind {
    SOURCE_PEER_EBGP,
    SOURCE_PEER_IBGP,
    SOURCE_NETWORK, /* `network` statements */
    SOURCE_AGGREGATE,
    SOURCE_REDISTRIBUTE, /* connected, static, kernel */
};

/* Where routes come from: one per peer and one per kind of local route. Decision steps 7, 10 and 12
 * read it. Number 0 is none. */
struct rib_source {
    uint8_t kind;  /* enum source_kind */
    bool is_stale; /* graceful restart: routes stay usable until swept */
    uint32_t asn;
    uint32_t router_id; /* host order */
    struct ip_addr addr;
    uint32_t default_weight; /* the neighbour's own weight, or the role's */
    bool has_default_weight;
    void *owner; /* the core's peer; not read here */
};

#define RIB_SOURCES_MAX 4096u

struct loc_rib *loc_rib_new(enum afi_safi afi_safi, struct attr_table *attrs, uint64_t hash_key);
void loc_rib_free(struct loc_rib *rib);

/* source is copied; changing it later (router id learned in OPEN) goes through source_set, which
 * marks nothing dirty. STATUS_LIMIT at RIB_SOURCES_MAX. */
NODISCARD enum status loc_rib_source_add(struct loc_rib *rib, const struct rib_source *source,
                                         uint16_t *source_out);
void loc_rib_source_set(struct loc_rib *rib, uint16_t source, const struct rib_source *value);
const struct rib_source *loc_rib_source(const struct loc_rib *rib, uint16_t source);

/* The source must have no routes left (asserted). */
void loc_rib_source_remove(struct loc_rib *rib, uint16_t source);

/* Routes of one source: all, and those import policy accepted. */
uint32_t loc_rib_source_routes(const struct loc_rib *rib, uint16_t source);
uint32_t loc_rib_source_accepted(const struct loc_rib *rib, uint16_t source);

#define ROUTE_BEST      0x01u
#define ROUTE_MULTIPATH 0x02u /* used beside the best path */
#define ROUTE_STALE     0x04u
#define ROUTE_BACKUP    0x08u /* best of what is left without the used paths */
#define ROUTE_FILTERED  0x10u /* refused by import policy; kept for soft reconfiguration */

/* A read-only look at one path; pointers are borrowed until the table next changes. */
struct route_view {
    dest_id dest;
    uint32_t route_number; /* handle, valid while the route exists */
    uint16_t source;
    uint8_t flags;  /* ROUTE_ */
    uint8_t reason; /* enum decision_reason */
    uint32_t path_id;
    uint32_t changed_s;        /* second of the monotonic clock of the last change */
    struct attr_set *received; /* as the peer sent it */
    struct attr_set *accepted; /* after import policy; NULL when refused */
    uint32_t position;         /* of dest_next_route among the destination's paths */
};

enum route_change {
    ROUTE_UNCHANGED,
    ROUTE_ADDED,
    ROUTE_REPLACED,
    ROUTE_REMOVED,
};

/* adj-rib-in: stores or replaces what source says about prefix. Takes its own references. accepted
 * NULL means import policy refused it, with reason saying why (an ineligible reason). An eligible
 * or formerly eligible route marks its destination dirty. Clears ROUTE_STALE. O(1) expected. */
enum route_change adj_rib_in_put(struct loc_rib *rib, uint16_t source, const struct prefix *prefix,
                                 uint32_t path_id, struct attr_set *received,
                                 struct attr_set *accepted, enum decision_reason reason,
                                 struct mono_time now);

/* Forgets the route; ROUTE_UNCHANGED when there was none. */
enum route_change adj_rib_in_remove(struct loc_rib *rib, uint16_t source,
                                    const struct prefix *prefix, uint32_t path_id);

/* STATUS_NOT_FOUND when source has not sent the prefix. */
NODISCARD enum status adj_rib_in_find(const struct loc_rib *rib, uint16_t source,
                                      const struct prefix *prefix, uint32_t path_id,
                                      struct route_view *route_out);

/* ---- Destinations ---- */

dest_id loc_rib_find(const struct loc_rib *rib, const struct prefix *prefix);

/* Hints that prefix will be looked up or put soon: with all prefixes of a message hinted first, the
 * waits for memory overlap. The second one goes further, once the first has had time to work.
 * Neither changes anything. */
void loc_rib_prefetch(const struct loc_rib *rib, const struct prefix *prefix);
void loc_rib_prefetch_dest(const struct loc_rib *rib, const struct prefix *prefix);

/* Longest match that has at least one route; 0 when none. loc_rib_match_best counts only
 * destinations with a best path. */
dest_id loc_rib_match(const struct loc_rib *rib, const struct ip_addr *addr);
dest_id loc_rib_match_best(const struct loc_rib *rib, const struct ip_addr *addr);
struct prefix dest_prefix(const struct loc_rib *rib, dest_id dest);

/* Upper bound (exclusive) of destination numbers now in use: the size of arrays keyed by them. */
uint32_t loc_rib_dest_limit(const struct loc_rib *rib);
uint32_t loc_rib_dest_count(const struct loc_rib *rib);

/* Destinations with a path that policy accepted when they were last decided: without those kept for
 * routes that were refused, for what only we announce, or for local routes nobody redistributes. */
uint32_t loc_rib_offered_count(const struct loc_rib *rib);
uint32_t loc_rib_route_count(const struct loc_rib *rib);
uint64_t loc_rib_version(const struct loc_rib *rib);

/* Two words per destination for bgpd/core (its FIB entry, its group); zero at first. A destination
 * whose words are not both zero is kept, without routes, until they are. */
uint32_t dest_core_word(const struct loc_rib *rib, dest_id dest, unsigned index);
void dest_set_core_word(struct loc_rib *rib, dest_id dest, unsigned index, uint32_t value);

/* Keeps a destination's number alive although it has no route (adj-rib-out entries not sent yet).
 * Counted. */
void dest_hold(struct loc_rib *rib, dest_id dest);
void dest_release(struct loc_rib *rib, dest_id dest);

/* All paths of a destination, best first when decided, in an order that does not depend on arrival.
 * Returns false at the end; start with route_number 0 in *route. */
bool dest_next_route(const struct loc_rib *rib, dest_id dest, struct route_view *route);
bool dest_best(const struct loc_rib *rib, dest_id dest, struct route_view *route_out);

/* The number of the best route, or 0. */
uint32_t dest_best_route(const struct loc_rib *rib, dest_id dest);
bool dest_has_routes(const struct loc_rib *rib, dest_id dest);

/* ---- Deciding ---- */

void loc_rib_mark_dirty(struct loc_rib *rib, dest_id dest);
bool loc_rib_has_dirty(const struct loc_rib *rib);

/* Oldest dirty destination, taken off the queue; 0 when there is none. */
dest_id loc_rib_take_dirty(struct loc_rib *rib);

#define DECISION_PATHS_MAX 64u /* ECMP width */

struct decision_result {
    bool best_changed;       /* another path, or the same path with other attributes, or gone */
    bool forwarding_changed; /* the set of used or backup next hops changed, or best_changed */
    uint8_t used_count;      /* best first; 0 when there is no eligible path */
    uint32_t used[DECISION_PATHS_MAX]; /* route numbers */
    uint32_t backup;                   /* route number or 0: best eligible path that shares no next
                                          hop with the used ones */
};

/* Runs the ladder for one destination, stores flags and reasons, and removes the destination when
 * it has no routes, no core words and no holds. allowed_classes: PATH_CLASS_BITs that meet the
 * protection of the prefix. O(paths^2) at worst, O(paths) without MED differences. */
void decision_run(struct loc_rib *rib, dest_id dest, uint32_t allowed_classes,
                  const struct decision_options *options, struct decision_result *result_out);

/* Route numbers of the best_max best paths of a decided destination, each as if the better ones
 * were not there, best first; best_max 0: of the best path of every neighbour AS. Changes nothing;
 * borrowed until the next decision of the family. O(paths * best_max), or O(paths * log paths). */
const uint32_t *decision_select(struct loc_rib *rib, dest_id dest, uint32_t best_max,
                                const struct decision_options *options, uint32_t *count_out);

bool route_by_number(const struct loc_rib *rib, uint32_t route_number,
                     struct route_view *route_out);

/* Parts of a route; route_number must exist (asserted). */
uint16_t route_source_number(const struct loc_rib *rib, uint32_t route_number);
const struct rib_source *route_source(const struct loc_rib *rib, uint32_t route_number);
struct attr_set *route_accepted(const struct loc_rib *rib, uint32_t route_number);

/* The weight the ladder uses for a path: set by policy, else the source's, else the class's. */
uint32_t route_effective_weight(const struct loc_rib *rib, const struct route_view *route,
                                const struct decision_options *options);

/* ---- Walking ---- */

/* A resumable walk over destinations in prefix order (address, then shorter first). The table may
 * change between steps: destinations that stay are met exactly once. */
struct rib_walker {
    struct prefix position;
    struct prefix within; /* only this prefix and what lies inside it; family IP_NONE: all */
    bool is_started;
    bool is_done;
};

void rib_walker_init(struct rib_walker *walker, const struct prefix *within);

/* Next destination, or 0 when the walk is over. O(log n), but the first walk of a table puts it in
 * order, and its owner pays for the order of newcomers from then on. */
dest_id rib_walker_next(struct rib_walker *walker, const struct loc_rib *rib);

/* A resumable walk over destinations in the order of their numbers, for those who do not care about
 * prefixes: starts behind 0, returns 0 at the end. The table may change between steps: destinations
 * that stay are met exactly once. */
dest_id loc_rib_next_dest(const struct loc_rib *rib, dest_id after);

/* A walk over one source's routes in no particular order, cheap for sources with few routes. Must
 * not be kept across changes of that source's set of routes other than removal or replacement of
 * the route just visited. */
struct source_walker {
    uint32_t next_route;
    bool is_started;
};

bool source_walker_next(struct source_walker *walker, const struct loc_rib *rib, uint16_t source,
                        struct route_view *route_out);

/* Graceful restart: marks all routes of source stale; sweep removes those still stale, at most max,
 * and returns how many went. O(routes of the source). */
void adj_rib_in_mark_route_stale(struct loc_rib *rib, uint32_t route_number);
void adj_rib_in_mark_stale(struct loc_rib *rib, uint16_t source);
uint32_t adj_rib_in_sweep_stale(struct loc_rib *rib, uint16_t source, uint32_t max);

/* Removes at most max routes of source; returns how many went: 0 means none is left. */
uint32_t adj_rib_in_drop(struct loc_rib *rib, uint16_t source, uint32_t max);

#endif
