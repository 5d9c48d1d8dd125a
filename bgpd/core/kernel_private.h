/* The inside of the kernel's side, for its own files and tests.
 *
 * Facts change interfaces, local routes, tunnels and liveness; those mark tracked next hops dirty;
 * kernel_settle resolves them, replaces the next-hop groups that hold a changed one before anything
 * else, then moves pins and static routes, then tells the route side. */
#ifndef BGPD_CORE_KERNEL_PRIVATE_H
#define BGPD_CORE_KERNEL_PRIVATE_H

#include "bgpd/core/core_private.h"
#include "bgpd/core/hash_index.h"
#include "bgpd/core/kernel_side.h"
#include "bgpd/core/snapshot.h"
#include "policy/protection.h"
#include "proto/base/list.h"
#include "proto/base/slab.h"

#define NEXTHOP_LEGS_MAX 16u

/* Ours: a range of next-hop object numbers nobody else is likely to use. */
#define OBJECT_ID_FIRST 0x5ea00000u
#define OBJECT_ID_LAST  0x5eefffffu

/* Worse than anything a daemon installs, better than the kernel's own "no route" entry. */
#define GUARD_METRIC 4294967294u

/* Route operations the kernel has not answered yet; what comes later waits and is coalesced. */
#define FIB_WINDOW 4096u

#define DISTANCE_EBGP 20u
#define DISTANCE_IBGP 200u

/* ---- Interfaces (interfaces.c) ---- */

struct interface_addr {
    struct ip_addr addr;
    struct ip_addr peer;
    uint8_t len_bits;
    bool is_seen; /* in the dump that is running */
};

struct interface {
    struct list_node node;
    bool is_seen;
    struct link_event link; /* name "" while only an address is known */
    struct interface_addr *addrs;
    uint32_t addr_count;
    uint32_t addr_capacity;
};

struct interface *interface_find(const struct core *core, uint32_t ifindex);
bool interface_has_no_neighbors(const struct interface *interface);
void interfaces_free(struct core *core);
void interface_on_link(struct core *core, const struct link_event *event);
void interface_on_addr(struct core *core, const struct addr_event *event);

/* After a dump: what it did not mention is gone. */
void interfaces_dump_begin(struct core *core);
void interfaces_dump_end(struct core *core);

/* ---- Local routes: everything but BGP (kernel_routes.c) ---- */

enum local_kind {
    LOCAL_PIN_ENDPOINT,
    LOCAL_PIN_INNER,
    LOCAL_CONNECTED,
    LOCAL_STATIC,
    LOCAL_KERNEL,  /* somebody else's */
    LOCAL_DISCARD, /* of an aggregate of ours, or asked for by BLACKHOLE */
    LOCAL_GUARD,
    LOCAL_OVERRULE, /* ahead of a route of others, see foreign_routes.c */
};

struct local_route {
    struct hash_node by_prefix;
    struct fib_route route; /* as it is; of ours: as we want it */
    uint8_t kind;           /* enum local_kind */
    uint8_t distance;
    bool is_usable;         /* takes part in look-ups; of ours: wanted in the kernel */
    bool is_seen;           /* in the dump that is running */
    bool is_refused;        /* static: by protection; only outer packets of tunnels may take it */
    uint8_t fault;          /* enum foreign_fault */
    uint16_t tunnel_number; /* of a pin */
    uint32_t tag;
    struct mono_time since;
};

/* A route of ours that is not BGP's: guards, pins, static routes. */
struct own_route {
    struct local_route local;
    struct list_node node;           /* in kernel_side.own_routes */
    struct tracked_nexthop *nexthop; /* gateway of a static route; counted */
    const struct config_static_route *config_static;
    struct fib_leg static_legs[FIB_PLAIN_LEGS_MAX]; /* its own, before those of its equals */
    uint8_t static_leg_count;
    bool is_in_config;
    bool is_selected;  /* wins among the routes of its prefix */
    bool is_told;      /* the kernel was told `told`, and nothing since */
    bool is_installed; /* and said yes */
    bool is_conflict_logged;
    bool is_put_first;  /* the rest is of an overruling one: taken away to be put in front */
    bool is_held_back;  /* the way was refused: nowhere, for now */
    bool must_repeat;   /* somebody touched the place meanwhile */
    bool has_behind;    /* what stood there before stays until the new one is confirmed */
    uint32_t operation; /* last one, not answered yet; 0 */
    int error;
    struct fib_route told;
    struct fib_route behind;
    char note[64];
};

#define LOCAL_KIND_BIT(kind) (1u << (kind))
#define LOCAL_KINDS_RESOLVE                                                                        \
    (LOCAL_KIND_BIT(LOCAL_PIN_ENDPOINT) | LOCAL_KIND_BIT(LOCAL_PIN_INNER) |                        \
     LOCAL_KIND_BIT(LOCAL_CONNECTED) | LOCAL_KIND_BIT(LOCAL_STATIC) |                              \
     LOCAL_KIND_BIT(LOCAL_KERNEL))
#define LOCAL_KINDS_UNDERLAY                                                                       \
    (LOCAL_KIND_BIT(LOCAL_CONNECTED) | LOCAL_KIND_BIT(LOCAL_STATIC) | LOCAL_KIND_BIT(LOCAL_KERNEL))

uint64_t prefix_hash(const struct core *core, const struct prefix *prefix);
bool fib_route_equal(const struct fib_route *a, const struct fib_route *b);

/* Adding and removing changes nothing but the table: local_route_changed tells everybody. */
void local_route_add(struct core *core, struct local_route *local);
void local_route_remove(struct core *core, struct local_route *local);
void local_route_set_usable(struct core *core, struct local_route *local, bool is_usable);
void local_route_changed(struct core *core, const struct prefix *prefix);

/* Routes of exactly this prefix: pass NULL for the first. */
struct local_route *local_route_next(const struct core *core, const struct prefix *prefix,
                                     const struct local_route *previous);

/* Lower is better; ties go to the kind named first in enum local_kind. */
int local_route_rank(const struct local_route *local);

/* Best usable route of exactly this length covering addr, among kinds. Static routes that resolve
 * through a next hop of the running resolution are passed over. */
const struct local_route *local_route_at(const struct core *core, const struct ip_addr *addr,
                                         uint8_t len_bits, uint32_t kinds);

/* The same for the outer packets of a tunnel: static routes that protection refuses count, too. */
const struct local_route *local_underlay_at(const struct core *core, const struct ip_addr *endpoint,
                                            uint8_t len_bits);
const struct local_route *local_route_match(const struct core *core, const struct ip_addr *addr,
                                            uint32_t kinds, uint8_t len_min_bits);

void kernel_route_on_event(struct core *core, const struct kernel_route_event *event);
void kernel_routes_dump_begin(struct core *core);
void kernel_routes_dump_end(struct core *core);
bool kernel_routes_any_unseen(const struct core *core);
void kernel_routes_free(struct core *core);

/* Gateway and interface of a route of others that names only a next-hop object. */
void kernel_route_fill_legs(const struct core *core, struct fib_route *route);

/* Next-hop objects of others, for that. */
void foreign_object_put(struct core *core, const struct kernel_nexthop_event *event);

uint32_t fib_route_classes(const struct core *core, const struct fib_route *route);

/* What routes of others do is judged anew: interfaces, tunnels or protections have changed. */
void kernel_routes_check_faults(struct core *core);

/* ---- Routes of others that do harm (foreign_routes.c) ---- */

/* Judges a route of others, or a connected one, after it came or changed. */
void foreign_check(struct core *core, struct local_route *local);

/* It goes. */
void foreign_forget(struct core *core, struct local_route *local);
bool foreign_is_overruled_by_choice(const struct core *core, const struct local_route *local);

/* ---- Overruling them (overrule.c) ---- */

/* False for a route that nothing can go before. */
bool overrule_can_precede(const struct fib_route *theirs);

void overrule_tell(struct core *core, struct own_route *own);
void overrule_untell(struct core *core, struct own_route *own);
void overrule_on_result(struct core *core, struct own_route *own, const struct fib_result *result);

/* What was told is told again, in front. */
void overrule_again(struct core *core, struct own_route *own);

/* Our routes ahead of theirs are made, moved and taken away. */
void overrules_update(struct core *core);

/* Somebody touched the place: whether ours still stands in front is unknown. */
void overrules_rewrite(struct core *core, const struct prefix *prefix);

/* On leaving: they lead nowhere from now on, and stay. */
void overrules_discard(struct core *core);

/* Connected prefixes of one interface brought in line with its state and addresses. */
void connected_update(struct core *core, const struct interface *interface);
void connected_remove_interface(struct core *core, uint32_t ifindex);

/* ---- Next hops (nexthop_track.c, nexthop_resolve.c) ---- */

struct nexthop_leg {
    struct fib_leg fib;
    uint8_t path_class;
};

struct tracked_nexthop {
    struct nexthop nexthop; /* first: the decision process sees only this */
    struct hash_node by_key;
    struct list_node node; /* in kernel_side.nexthops */
    uint32_t ref_count;
    uint16_t via_tunnel;
    uint32_t via_ifindex;
    uint32_t visit; /* serial of the resolution that met it */
    bool is_dirty;
    bool is_watched;   /* in the sorted array of addresses */
    bool is_recursive; /* found through BGP routes */
    bool is_reported;  /* waits to be told to the route side */
    uint8_t leg_count;
    struct nexthop_leg legs[NEXTHOP_LEGS_MAX];
};

static inline struct tracked_nexthop *tracked(const struct nexthop *nexthop)
{
    return (struct tracked_nexthop *)(void *)nexthop;
}

#define TUNNEL_NUMBER_GONE 0xffffu

struct tracked_nexthop *tracked_nexthop_get(struct core *core, const struct ip_addr *addr,
                                            uint16_t via_tunnel, uint32_t via_ifindex);
void tracked_nexthop_put(struct core *core, struct tracked_nexthop *nexthop);
void nexthops_init(struct core *core);
void nexthops_fini(struct core *core);
void nexthops_mark_prefix(struct core *core, const struct prefix *prefix);
void nexthops_mark_interface(struct core *core, uint32_t ifindex);
void nexthops_mark_tunnel(struct core *core, uint16_t tunnel_number);
void nexthops_mark_gateway(struct core *core, const struct ip_addr *gateway);
void nexthops_mark_all(struct core *core);

/* Tunnel numbers moved: map[old] is the new number. */
void nexthops_renumber_tunnels(struct core *core, const uint16_t *map, size_t count);

/* Resolves what is dirty; true when something changed. Groups are up to date on return. */
bool nexthops_resolve_dirty(struct core *core);
void nexthop_resolve_now(struct core *core, struct tracked_nexthop *nexthop);

/* Tells the route side of everything that changed since the last time. */
void nexthops_report(struct core *core);

/* ---- Liveness of gateways by BFD (tunnel.c) ---- */

bool gateway_is_dead(const struct core *core, const struct ip_addr *gateway, uint32_t ifindex);

/* ---- Tunnels (tunnel.c) ---- */

#define TUNNEL_EVIDENCE_COUNT 5u

struct tunnel_evidence {
    bool is_known;
    bool is_alive;
    bool was_alive; /* has said so once */
    struct mono_time since;
    char detail[96];
};

struct tunnel {
    uint32_t ifindex; /* 0: absent */
    bool is_interface_up;
    bool is_alive;
    struct mono_time since;
    struct tunnel_evidence evidence[TUNNEL_EVIDENCE_COUNT]; /* by bit number of LIVENESS_ */
    uint32_t watched;                                       /* LIVENESS_ bits told to the io */
    struct ip_addr probe_peer;                              /* told to the io */
    struct ip_addr probe_local;
    conn_id probe_conn;
    struct own_route *endpoint_pin;
    char refused_capture[128];
    bool is_no_underlay_logged;
};

/* LIVENESS_ bits that count for the tunnel: those configured, else all there are. */
uint32_t tunnel_sources(const struct config_tunnel *config);

void tunnels_apply_config(struct core *core, const struct config *old);
void tunnels_free(struct core *core);
void tunnel_on_fact(struct core *core, const struct tunnel_fact *fact);
void tunnel_on_bfd(struct core *core, const struct bfd_fact *fact);

/* Tells the io which evidence to gather about the tunnel; sources 0: none any more
 * (tunnel_probe.c). config may be of the old configuration then. */
void tunnel_watch_update(struct core *core, uint16_t tunnel_number,
                         const struct config_tunnel *config, uint32_t sources);

/* Interfaces came, went or changed state: liveness again. */
void tunnels_on_interfaces(struct core *core);
uint16_t tunnel_by_ifindex(const struct core *core, uint32_t ifindex);
uint16_t tunnel_by_endpoint(const struct core *core, const struct ip_addr *addr);

/* PATH_CLASS_BITs its outer packets may travel over. */
uint32_t tunnel_underlay_classes(const struct config_tunnel *tunnel);

/* ---- Pins, guards, static routes ---- */

void pins_apply_config(struct core *core);
void pins_update(struct core *core);
void guards_apply_config(struct core *core);

/* More may be protected than before, and destinations wait to be decided again: meanwhile groups
 * get no weaker members, and no destination is put on a group that allows too much. */
void protecting_begin(struct core *core);
void protecting_due(struct core *core, struct timer *timer);
uint32_t protection_strictest(const struct core *core); /* classes that every protection allows */
struct nexthop_group;
bool protection_exceeded(const struct core *core, const struct prefix *prefix,
                         const struct nexthop_group *group);

/* They were told before the kernel's state was known: what happened to them since was not heard. */
void guards_tell_again(struct core *core);
void static_routes_apply_config(struct core *core);
void static_routes_update(struct core *core);

/* ---- Plain routes of ours (plain_route.c) ---- */

struct own_route *own_route_new(struct core *core, enum local_kind kind,
                                const struct prefix *prefix);
struct own_route *own_route_find(const struct core *core, enum local_kind kind,
                                 const struct prefix *prefix);

/* Takes it out of the kernel (or hands its place to another route) and frees it. */
void own_route_remove(struct core *core, struct own_route *own);

/* The wish changed: route in local.route, is_usable says whether it is wanted at all. */
void own_route_set(struct core *core, struct own_route *own, const struct fib_route *wish,
                   bool is_usable);
void own_routes_sync_all(struct core *core);
void own_routes_free(struct core *core);
/* Table, metric or protocol changed: what was told is taken back, the new is told by and by. */
void own_routes_move(struct core *core);
void own_route_rewrite(struct core *core, struct own_route *own);

/* The kernel may have dropped routes over this interface silently. */
void own_routes_rewrite_interface(struct core *core, uint32_t ifindex);
void own_route_on_result(struct core *core, struct own_route *own, const struct fib_result *result);

/* Decides who of the routes of prefix stands in the kernel under our metric. */
void slot_evaluate(struct core *core, const struct prefix *prefix);

/* True when a route of BGP with this distance may stand for prefix. */
bool slot_allows_bgp(const struct core *core, const struct prefix *prefix, uint8_t distance);

/* Somebody else's route sits exactly where ours would replace it. */
bool slot_has_foreign(const struct core *core, const struct prefix *prefix, uint32_t metric);
/* Best usable route of exactly this prefix outside BGP; guards aside. */
const struct local_route *slot_best_local(const struct core *core, const struct prefix *prefix);
struct fib_route own_route_template(const struct core *core, const struct prefix *prefix);

/* ---- Next-hop objects and groups (nexthop_group.c, nexthop_object.c) ---- */

struct leg_object {
    struct hash_node by_key;
    struct fib_leg leg; /* weight is not part of it */
    uint8_t family;
    bool is_blackhole;
    bool is_told;   /* an operation that makes it was sent after the last loss */
    bool is_urgent; /* that operation went ahead of the queue */
    bool is_seen;
    uint32_t number; /* its slab number */
    uint32_t id;
    uint32_t ref_count;
    uint32_t operation; /* last one, not answered; 0 */
    int error;
};

struct nexthop_group {
    struct hash_node by_key;
    uint32_t number;
    uint32_t id;
    uint32_t ref_count;
    uint32_t entry_count; /* FIB entries the kernel was told to put on it */
    uint8_t family;
    uint8_t allowed_classes; /* PATH_CLASS_BITs */
    uint8_t hop_count;       /* primary */
    bool has_backup;         /* hops[hop_count] */
    bool is_told;
    bool is_seen;
    bool is_on_backup;
    bool is_discarding;
    bool needs_reinstall; /* its routes vanished with it */
    bool is_resilient;    /* as fib_nexthop's; never changes while the object stands */
    bool has_standby;     /* the last member waits */
    uint8_t member_count;
    uint32_t operation;
    uint32_t failover; /* the last one that counted it */
    int error;
    struct tracked_nexthop **hops;  /* counted */
    uint32_t members[FIB_LEGS_MAX]; /* leg_object numbers as told; counted */
    uint8_t weights[FIB_LEGS_MAX];
};

struct group_key {
    uint8_t family;
    uint8_t allowed_classes;
    uint8_t hop_count;
    bool has_backup;
    struct tracked_nexthop *hops[DECISION_PATHS_MAX + 1];
};

void fib_groups_init(struct core *core);
void fib_groups_fini(struct core *core);
struct nexthop_group *fib_group_at(const struct core *core, uint32_t number);

/* Finds or makes; counted: owes one group_unref. */
uint32_t fib_group_intern(struct core *core, const struct group_key *key);
void fib_group_ref(struct core *core, uint32_t number);
void fib_group_unref(struct core *core, uint32_t number);

/* Sees to it that the kernel has been told this group, before a route uses it. */
void fib_group_ensure(struct core *core, uint32_t number);

/* The kernel has it no more, nor the routes that stood on it. */
void fib_group_vanished(struct core *core, struct nexthop_group *group);

/* Compares what each group holding nexthop should be with what the kernel was told, and replaces at
 * once what differs. NULL: all groups. */
void fib_groups_refresh(struct core *core, const struct tracked_nexthop *nexthop, bool is_urgent);

/* The kernel deletes the objects of a link that lost its carrier, without a word. */
void fib_groups_on_link_down(struct core *core, uint32_t ifindex);
void fib_groups_on_kernel_nexthop(struct core *core, const struct kernel_nexthop_event *event);
void fib_groups_on_result(struct core *core, bool is_leg, uint32_t number,
                          const struct fib_result *result);
void fib_groups_dump_begin(struct core *core);
void fib_groups_dump_end(struct core *core);

/* Objects and groups the kernel refused are tried again. */
void fib_groups_retry(struct core *core);
void fib_groups_delete_all(struct core *core);

/* Table, metric or protocol of our routes changed: all go with their groups and are written anew.
 */
void fib_groups_move(struct core *core);
uint32_t object_id_take(struct core *core);

/* nexthop_object.c */
uint32_t leg_object_intern(struct core *core, const struct fib_leg *leg, uint8_t family,
                           bool is_blackhole);
struct leg_object *leg_object_at(const struct core *core, uint32_t number);
void leg_object_unref(struct core *core, uint32_t number);
void leg_object_tell(struct core *core, struct leg_object *object, bool is_urgent);

/* ---- The stopwatch of failovers (failover.c) ---- */

#define FAILOVERS_KEPT 64u

struct failover {
    uint32_t number;
    bool is_open;           /* what is told now belongs to it */
    uint32_t waiting_count; /* answers */
    struct failover_record record;
};

void failover_begin(struct core *core, const char *format, ...) PRINTF_LIKE(2, 3);

/* True while what is told to the kernel is due to the fact that is being worked on. */
bool failover_is_open(const struct core *core);

/* Each owes one failover_on_answer, for the operation that is sent with is_timed. */
void failover_count_group(struct core *core, struct nexthop_group *group);
void failover_count_route(struct core *core);

/* The fact has been worked on: what changes from now on has another cause. */
void failover_decided(struct core *core);
void failover_on_answer(struct core *core, const struct fib_result *result);

/* ---- FIB entries of BGP destinations (fib_sync.c) ---- */

#define ENTRY_QUEUED    0x01u
#define ENTRY_IN_FLIGHT 0x02u
#define ENTRY_INSTALLED 0x04u
#define ENTRY_FAILED    0x08u
#define ENTRY_LOST      0x10u /* another route of the prefix stands in its place */
#define ENTRY_SEEN      0x20u /* read by fib_entry_is_seen */
#define ENTRY_REWRITE   0x40u /* what was told is to be told again */
#define ENTRY_OCCUPIED  0x80u /* a plain route of ours still stands in its place */

#define ENTRY_FREE      0xffu /* in family_index */
#define FAILURES_LOGGED 10u   /* per round of retries */

struct fib_entry {
    uint32_t dest;
    uint32_t group; /* wanted; 0: nothing */
    uint32_t told;  /* group the kernel was last told; 0: no route */
    uint32_t next;  /* of the queue */
    uint32_t since_s;
    uint8_t flags;
    uint8_t error; /* errno, 255 when larger */
    uint8_t distance;
    uint8_t family_index; /* enum afi_safi */
};
_Static_assert(sizeof(struct fib_entry) == 24, "an installed destination costs 24 octets");

void fib_init(struct core *core);
void fib_fini(struct core *core);
struct fib_entry *fib_entry_at(const struct core *core, uint32_t number);
struct fib_entry *fib_entry_find(const struct core *core, const struct prefix *prefix,
                                 uint32_t *number_out);

/* Another route takes the place of this destination (is_replaced: the kernel was told it already,
 * under the same metric) or leaves it (is_replaced: it still stands there, to be written over). */
void fib_entry_set_lost(struct core *core, uint32_t number, bool is_lost, bool is_replaced);
void fib_entry_on_result(struct core *core, uint32_t number, const struct fib_result *result);

void fib_entry_enqueue(struct core *core, uint32_t number);

/* The answer to a removal of what is not there. */
bool fib_is_nothing_there(int error);

/* Sends what waits, as far as the window allows. */
void fib_pump(struct core *core);

/* Entries on groups that vanished, or that the kernel refused, are queued again in slices. */
void fib_walk_start(struct core *core);
void fib_retry_soon(struct core *core);

/* Something was refused: tried again with growing pauses. */
void fib_retry_later(struct core *core);

/* ---- Accounts and audits (fib_audit.c) ---- */

struct fib_audit {
    struct timer timer;
    struct timer walk_timer;
    bool is_reading; /* an audit is being given */
    bool is_urgent;  /* the next one comes soon: a removal was refused */
    uint32_t urgent_after_s;
    bool foreign_differs; /* from what is known of routes of others */
    bool seen_bit;        /* what ENTRY_SEEN stands for in this account */
    struct prefix met;    /* the last of our routes it has that stands as it should: what it has in
                             the same place comes next */
    uint32_t met_metric;
    uint32_t position; /* of the walk after it; 0: none */
    uint32_t missing_count;
    uint32_t logged;
    uint32_t rounds;
    uint32_t rereads; /* accounts of everything, after the first */
    struct mono_time began;
    struct mono_time ended;
    uint32_t checked_routes;
    uint32_t checked_plain;
    uint64_t repaired[DRIFT_KIND_COUNT];
    struct snapshot_drift drifts[DRIFTS_KEPT]; /* ring */
    uint32_t drift_count;
};

void fib_audit_init(struct core *core);
void fib_audit_start(struct core *core);
void fib_audit_stop(struct core *core);

/* A removal was refused, and nobody else tries it again: what stands there is found by an audit.
 * With growing pauses, until one of them has worked (calm). */
void fib_audit_soon(struct core *core);
void fib_audit_calm(struct core *core);
void fib_audit_begin(struct core *core);
void fib_audit_end(struct core *core, bool is_complete);
void fib_dump_begin(struct core *core);
void fib_dump_end(struct core *core);

/* Whether the account under way, or an answer since it began, has met the entry. */
bool fib_entry_is_seen(const struct core *core, const struct fib_entry *entry);
void fib_entry_mark_seen(const struct core *core, struct fib_entry *entry);

/* Counts, remembers and logs what differed; the caller puts it right. */
void drift_note_route(struct core *core, enum drift_kind kind, enum drift_what what,
                      const struct prefix *prefix);
void drift_note_object(struct core *core, enum drift_what what, uint32_t id);

/* A route of ours that the kernel has, or lost, or that somebody changed. */
void fib_on_own_route(struct core *core, const struct kernel_route_event *event);

/* IPv6 puts the leg of another program into a route of ours with the same prefix and metric, and
 * tells the whole under the number of that program: put right, and true. False: it is theirs. */
bool fib_on_merged_route(struct core *core, const struct kernel_route_event *event);

/* ---- Operations (fib_operation.c) ---- */

enum operation_kind {
    OPERATION_NONE,
    OPERATION_ENTRY, /* number: FIB entry */
    OPERATION_OWN,   /* own */
    OPERATION_LEG,   /* number: leg object */
    OPERATION_GROUP, /* number: group */
    OPERATION_STRAY, /* a route with our mark that nobody wants */
    OPERATION_OTHER, /* nobody waits: deletes, sweeps */
};

struct operation {
    uint32_t operation; /* 0: free */
    uint8_t kind;
    bool is_timed; /* part of a failover */
    uint32_t number;
    struct own_route *own;
};

/* After an answer to a route that was put: IPv4 refuses it where a second one of exactly the same
 * stands behind another of ours, which happens when somebody's route came between, in our metric.
 * It is taken away, so that the next attempt succeeds; what stands in front stays. */
void operation_remove_twin(struct core *core, const struct fib_route *route,
                           const struct fib_result *result);

/* Both send the action and return the operation number. */
uint32_t operation_send_route(struct core *core, const struct fib_route *route, bool is_delete,
                              const struct operation *what);
uint32_t operation_send_nexthop(struct core *core, const struct fib_nexthop *nexthop,
                                bool is_delete, bool is_urgent, const struct operation *what);

/* The answer is of no more interest, but for the stopwatch. */
void operation_forget(struct core *core, uint32_t operation);
void operation_on_result(struct core *core, const struct fib_result *result);
void operations_fini(struct core *core);
const char *fib_error_text(int error);

/* ---- Adoption of what an earlier run left (adoption.c) ---- */

struct adopted_route {
    struct hash_node by_prefix;
    struct prefix prefix;
    uint32_t metric;
    uint32_t nexthop_object;
    uint8_t type;
    uint8_t leg_count;
    uint32_t ifindexes[FIB_PLAIN_LEGS_MAX];
    struct fib_route *whole; /* of one without a next-hop object; else NULL */
};

void adoption_add_route(struct core *core, const struct fib_route *route);
void adoption_add_object(struct core *core, const struct fib_nexthop *nexthop);

/* We told the kernel a route of our own for this place: it is no longer a leftover. */
void adoption_taken_over(struct core *core, const struct prefix *prefix, uint32_t metric);

/* The same for one without a next-hop object, with where it leads; false when there is none. */
bool adoption_take_whole(struct core *core, const struct prefix *prefix, uint32_t metric,
                         struct fib_route *route_out);

/* Borrowed until the next of these calls; NULL when there is none. */
const struct fib_route *adoption_find_whole(const struct core *core, const struct prefix *prefix,
                                            uint32_t metric);
bool adoption_has(const struct core *core, const struct prefix *prefix, uint32_t metric);

/* First DUMP_END: unsafe leftovers go at once, the rest after the timer. */
void adoption_start(struct core *core);

/* Protection changed: leftovers that became unsafe go. */
void adoption_check(struct core *core);
void adoption_sweep(struct core *core);
void adoption_free(struct core *core);

/* ---- The whole ---- */

struct kernel_side {
    bool is_ready; /* the kernel's state has been told once */
    bool is_dumping;
    bool dump_seen; /* one has ended */
    bool is_stopped;
    bool is_settling;
    bool is_protecting; /* see protecting_begin */
    bool pins_dirty;
    bool statics_dirty;
    bool announcements_dirty;
    bool overrules_dirty;
    bool faults_dirty;        /* all routes of others are to be judged anew */
    bool has_leadless_routes; /* of others, whose next-hop object is not known yet */
    struct list_node interfaces;

    struct hash_index locals;
    uint32_t local_lengths[AFI_SAFI_COUNT][129];
    uint32_t locals_version; /* one more with each that comes, goes or may be used or not */
    struct {
        uint32_t version; /* of locals; another one: to be found again */
        struct ip_addr addr;
        uint32_t ifindex;
    } connected_asked; /* the last answer of kernel_connected_interface: questions come in runs */
    uint32_t sorted_version;
    uint32_t sorted_count;
    const struct local_route **sorted; /* for show */
    struct list_node own_routes;
    struct local_route **faults; /* those of others that do harm */
    uint32_t fault_count;
    uint32_t fault_capacity;
    struct fib_nexthop *foreign_objects; /* ascending id */
    uint32_t foreign_object_count;
    uint32_t foreign_object_capacity;
    uint32_t *dead_objects; /* of others; routes on them are gone, and not dropped yet */
    uint32_t dead_object_count;
    uint32_t dead_object_capacity;

    struct hash_index nexthops_by_key;
    struct list_node nexthops;
    struct tracked_nexthop **watched; /* unbound ones, ascending address */
    uint32_t watched_count;
    uint32_t watched_capacity;
    uint64_t watched_heads[4]; /* by first octet: some watched address starts with it */
    uint32_t visit;
    uint32_t dirty_count;

    struct tunnel *tunnels;
    uint32_t tunnel_count;
    struct bfd_fact *dead_gateways; /* BFD sessions that went down */
    uint32_t dead_gateway_count;
    uint32_t dead_gateway_capacity;

    struct slab legs;
    struct hash_index legs_by_key;
    struct slab groups;
    struct hash_index groups_by_key;
    uint32_t *group_numbers; /* all live groups */
    uint32_t group_count;
    uint32_t group_capacity;
    uint32_t *leg_numbers; /* all live leg objects */
    uint32_t leg_number_count;
    uint32_t leg_number_capacity;
    uint32_t next_object_id;
    bool object_ids_wrapped;

    struct slab entries;
    uint32_t queue_first;
    uint32_t queue_last;
    uint32_t queued_count;
    uint32_t in_flight_count; /* route operations of entries */
    uint32_t failed_count;
    uint32_t walk_position; /* 0: no walk */
    uint32_t walk_rounds_left;
    uint32_t failures_logged;
    struct mono_span retry_after;
    struct timer walk_timer;
    struct timer retry_timer;
    struct timer settle_timer;
    struct timer reread_timer;
    struct mono_time last_reread; /* asked for by that timer */
    struct timer protecting_timer;

    struct operation *operations; /* ring by number */
    uint32_t operation_capacity;

    struct hash_index adopted;
    struct fib_nexthop *adopted_objects;
    uint32_t adopted_object_count;
    uint32_t adopted_object_capacity;
    bool is_adopting; /* leftovers are kept for now */
    struct timer sweep_timer;
    struct mono_time sweep_deadline;
    struct fib_audit audit;
    struct failover failover;
    struct failover_record failovers[FAILOVERS_KEPT]; /* ring */
    uint32_t failover_count;
    char obstacle[160];
    char status[96];
};

static inline struct kernel_side *kernel_of(const struct core *core)
{
    return core->kernel;
}

/* Brings everything derived in line: see the top of this file. */
void kernel_settle(struct core *core);

/* The same, but in a moment: from inside a decision slice. */
void kernel_settle_soon(struct core *core);

/* Grows an array kept as pointer, count and capacity by one zeroed element. */
void *array_grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes);

#endif
