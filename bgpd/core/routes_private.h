/* The inside of the route engine: shared by the files of bgpd/core that import, originate, walk,
 * decide about conditions, export, pace and pack routes, and by their tests. */
#ifndef BGPD_CORE_ROUTES_PRIVATE_H
#define BGPD_CORE_ROUTES_PRIVATE_H

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/routes.h"
#include "policy/policy.h"
#include "policy/protection.h"
#include "proto/base/bitset.h"
#include "proto/base/list.h"
#include "rib/adj_rib_out.h"
#include "rib/out_paths.h"

/* ---- Policies of a neighbour, looked up once ---- */

struct peer_policy {
    const struct route_map *route_map;
    const struct prefix_list *prefix_list;
    const struct as_path_list *filter_list;
    const struct route_map *default_map;   /* of default-originate; NULL for none */
    const struct route_map *advertise_map; /* what it permits is sent on a condition */
    bool default_refused;                  /* its route-map does not exist */
    bool refuses_all;      /* RFC 8212, or a named list or map that does not exist */
    bool is_missing;       /* RFC 8212 is why */
    bool has_role_default; /* the azure-role's own safe policy */
    bool is_prefix_blind;  /* the route-map may be evaluated once per attribute set */
    bool uses_nexthop;
};

void peer_policy_resolve(const struct core *core, const struct peer *peer, enum afi_safi afi_safi,
                         bool is_import, struct peer_policy *policy_out);

/* True when both decide alike for every route; both policy sets must be alive. */
bool route_maps_equal(const struct route_map *a, const struct route_map *b); /* or NULL */
bool peer_policy_equal(const struct peer_policy *a, const struct peer_policy *b);

/* ---- One family of one peer ---- */

struct update_group;
struct pace;
struct condition;

/* What was said ahead of its turn (tunnel endpoints go first), so that it is not said twice. */
#define EARLY_ROUTES_MAX 16u

struct early_route {
    uint32_t key;
    const struct attr_set *attrs; /* compared, never read */
};

struct peer_family {
    struct peer *peer;
    enum afi_safi afi_safi;
    uint16_t source; /* 0: neither up nor stale */
    struct peer_policy in;
    struct peer_policy out;
    bool refused_unconnected; /* a route was refused because its next hop is on no link of ours */
    bool limit_reached;
    bool limit_warned;
    bool paths_limit_logged;
    bool maintenance_seen; /* MSEE drain: 12076 prepended eight times */
    bool end_of_rib_received;
    bool is_stale;      /* routes of a session before may be among those of source */
    bool is_long_lived; /* and are a last resort by now (RFC 9494) */
    bool is_outlived;   /* its long-lived time ended before End-of-RIB */
    struct timer long_lived_timer;

    struct update_group *group; /* NULL while the session is down */
    struct list_node group_node;
    uint32_t reader;
    struct bitset told; /* out keys the peer holds from us */
    uint32_t told_count;
    struct bitset held; /* new ones kept back by the outbound limit */
    uint32_t held_count;
    bool out_limit_warned;
    struct bitset owed; /* told by a former group, numbers held: compared once all is exported */
    bool owes;
    struct early_route early[EARLY_ROUTES_MAX];
    uint8_t early_count;
    bool early_done;
    bool end_of_rib_due;
    bool end_of_rib_sent;
    bool refresh_begin_due;
    bool refresh_end_due;
    struct timer refresh_timer;   /* armed from the peer's BoRR to its EoRR */
    struct pace *pace;            /* advertisement-interval; NULL for none */
    struct ip_addr self_next_hop; /* IP_NONE: this family cannot be announced now */
    struct ip_addr self_link_local;
};

/* Which errors of a neighbor's UPDATEs were told lately (update_log.c). */
struct update_error_log {
    struct mono_time window_end;
    uint8_t types[4]; /* of attributes */
    uint32_t type_count;
    uint32_t left_out;
};

struct peer_routes {
    struct peer *peer;
    bool is_up;
    struct peer_family families[AFI_SAFI_COUNT];
    struct timer stale_timer;
    struct update_error_log update_errors;
    uint8_t notification_data[8];
};

/* ---- Wrong UPDATEs (update_log.c, RFC 7606 8) ---- */

/* Says what is wrong with a message, what was done about it, which prefixes it names, and its
 * octets. Bounded per peer. */
void update_log_error(struct core *core, struct peer *peer, struct byte_view body,
                      const struct update *update, const char *done);

/* ---- Refreshes (route_refresh.c, RFC 7313) ---- */

void refresh_init(struct peer_family *family);
void refresh_stop(struct core *core, struct peer_family *family);

/* Whether a refresh may go out between BoRR and EoRR. */
bool refresh_may_be_marked(const struct peer_family *family);

/* ---- Update groups ---- */

enum group_class {
    GROUP_CLASS_UNKNOWN = PATH_CLASS_COUNT, /* the session's way is not known now */
    GROUP_CLASS_COUNT,
};

#define GROUP_CLASS_ALL ((1u << GROUP_CLASS_COUNT) - 1u)

/* Everything that decides what is announced and how it is written. */
struct group_key {
    bool is_ebgp;
    uint32_t own_asn;   /* of `router bgp` */
    uint32_t local_asn; /* towards these peers */
    bool local_as_replace;
    bool next_hop_self;
    bool next_hop_self_force;
    bool as_override;
    uint32_t remote_asn; /* only with as_override, else 0 */
    uint8_t private_as;
    uint8_t send_community;
    bool is_reflector_client;
    uint8_t azure_role;
    uint8_t bgp_role; /* enum bgp_role; none towards internal peers */
    bool graceful_shutdown;
    bool has_long_lived;   /* the neighbours know LLGR_STALE (RFC 9494) */
    uint8_t add_path_mode; /* enum add_path_mode; none when not agreed on */
    uint8_t add_path_best;
    bool default_originate;
    const struct condition *condition; /* of policy.advertise_map */
    bool condition_is_absence;
    uint8_t path_class;    /* enum path_class or GROUP_CLASS_UNKNOWN */
    uint32_t link_ifindex; /* of single-hop eBGP: third-party next hops on it are kept */
    struct peer_policy policy;
    struct update_options options;
};

#define EXPORT_CACHE_SLOTS 64u /* bits of cache_used */

struct export_cache_slot {
    struct attr_set *from;
    uint16_t source;
    struct attr_set *to; /* NULL: refused */
};

struct update_group {
    uint32_t number;
    enum afi_safi afi_safi;
    struct group_key key;
    struct adj_rib_out *out;
    struct list_node engine_node;
    struct list_node members;
    uint32_t member_count;
    dest_id walked; /* export of everything: at first, after a change of policy */
    bool is_walking;
    struct bitset conditional; /* destinations that the advertise-map permits; held */
    dest_id flipped;           /* of them exported again since the condition changed */
    bool is_flipping;
    bool has_news;
    struct export_cache_slot cache[EXPORT_CACHE_SLOTS];
    uint64_t cache_used; /* a bit for each slot */
};

/* ---- What may be announced over which class of path (announce_class.c) ---- */

struct announce_entry {
    struct prefix prefix;
    uint32_t classes;          /* 1 << group class: sessions that are told */
    uint32_t required_classes; /* as configured; 0 when nothing is */
    uint32_t hold_classes;     /* cover hold: these only once the networks inside stand */
    bool is_restricted;        /* configured with classes: lends its own attributes */
    bool is_network;
    bool is_endpoint;
    bool is_piece;          /* of the complement of a cover */
    struct attr_set *attrs; /* owned; NULL when there is nothing to lend */
};

struct announce_table {
    struct announce_entry *entries; /* ascending prefix */
    uint32_t count;
    uint32_t capacity;
    bool has_restricted;
};

/* What export may do with one destination, for all groups at once. */
struct announce_verdict {
    uint32_t refused_classes;
    struct attr_set *own_attrs; /* borrowed; announce these whatever the best path is */
};

void announce_classes_rebuild(struct core *core, enum afi_safi afi_safi);
void announce_classes_fini(struct core *core);
struct announce_verdict announce_verdict_of(const struct core *core, enum afi_safi afi_safi,
                                            const struct prefix *prefix);

/* A destination was told to a peer, or is not any more: covers held for it are looked at again by
 * announce_work. */
void announce_told_changed(struct core *core, enum afi_safi afi_safi, dest_id dest);
void announce_work(struct core *core);

/* A tunnel lives or is dead: what was told through it counts or does not (cover hold). */
void announce_tunnels_changed(struct core *core);

/* ---- Aggregates (aggregate.c) ---- */

struct aggregate {
    struct prefix prefix;
    bool is_summary_only;
    bool keeps_head; /* as-set: the common head of the paths */
    const struct route_map *map;
    bool is_map_missing;
    bool is_active;
    bool is_stale; /* something inside changed since the walk began */
    bool is_walking;
    struct rib_walker walker;
    uint32_t contributors; /* of this walk so far */
    uint8_t origin;
    bool path_lost;     /* contributors differ behind the head */
    struct buffer head; /* 4-octet AS numbers, network order */
};

/* ---- The engine ---- */

struct source_drain {
    struct list_node node;
    enum afi_safi afi_safi;
    uint16_t source;
    bool is_sweep; /* only what is stale, and the source stays */
};

/* Everything in a family looked at again; asked for again while it runs, it runs once more. */
#define WALK_NEXTHOPS_MAX 32u

struct walk_wishes {
    bool decide_all;
    bool is_any;
    struct bitset reimport_sources;
    const struct nexthop *nexthops[WALK_NEXTHOPS_MAX]; /* compared, never read */
    uint32_t nexthop_count;
};

struct table_walk {
    struct walk_wishes active;
    struct walk_wishes pending;
    dest_id walked;
    bool is_walking;
};

struct range_walk {
    struct list_node node;
    enum afi_safi afi_safi;
    struct rib_walker walker;
};

struct route_engine {
    uint16_t network_source[AFI_SAFI_COUNT];
    uint16_t
        anchor_source[AFI_SAFI_COUNT]; /* keeps destinations that only we announce; never used */
    uint16_t aggregate_source[AFI_SAFI_COUNT];
    uint16_t redistribute_source[AFI_SAFI_COUNT][REDISTRIBUTE_KIND_COUNT];
    struct list_node groups[AFI_SAFI_COUNT];
    struct out_paths *out_paths[AFI_SAFI_COUNT]; /* NULL until somebody takes several paths */
    uint32_t add_path_groups[AFI_SAFI_COUNT];
    uint32_t next_group_number;
    struct list_node drains;
    struct list_node conditions;
    struct list_node range_walks; /* re-export inside a prefix */
    struct table_walk walks[AFI_SAFI_COUNT];
    struct announce_table announce[AFI_SAFI_COUNT];
    struct aggregate *aggregates[AFI_SAFI_COUNT];
    uint32_t aggregate_count[AFI_SAFI_COUNT];
    struct prefix *own_prefixes[AFI_SAFI_COUNT];
    uint32_t own_prefix_count[AFI_SAFI_COUNT];
    struct decision_options decision_applied;
    struct bitset discarded[AFI_SAFI_COUNT];   /* destinations with a discard route; held */
    struct bitset fib_refused[AFI_SAFI_COUNT]; /* destinations the kernel would not take */
    char why_text[256];                        /* of snapshot_why_absent */
    bool has_blackholes;                       /* some path was accepted to be discarded */
    bool has_flips;                            /* some group is_flipping */
    bool has_news;                             /* some group has_news */
    bool has_stale_covers;
    bool awaits_end_of_rib; /* some peer has not been sent its End-of-RIB yet */
};

#define LOCAL_WEIGHT 32768u

static inline struct peer_family *peer_family_of(const struct peer *peer, enum afi_safi afi_safi)
{
    return &peer->routes->families[afi_safi];
}

/* The peer a source belongs to; NULL for local sources and for those being drained. */
static inline struct peer *source_peer(const struct loc_rib *rib, uint16_t source)
{
    const struct rib_source *value = loc_rib_source(rib, source);
    return value->owner;
}

static inline bool source_is_local(const struct rib_source *source)
{
    return source->kind != SOURCE_PEER_EBGP && source->kind != SOURCE_PEER_IBGP;
}

/* A route that exists for the engine only and is never shown. */
bool route_is_hidden(const struct core *core, enum afi_safi afi_safi, uint16_t source,
                     const struct attr_set *accepted);

/* ---- import.c ---- */

/* Gives set its tracked next hop; none for sets without NEXT_HOP. */
void route_bind_nexthop(struct core *core, struct attr_set *set);

/* Import policy again for a path that a peer sent. The destination keeps its paths and their order,
 * unless this path went (RFC 9494 4.2): then false. */
bool import_again(struct core *core, enum afi_safi afi_safi, const struct route_view *route);

/* ---- import_limit.c ---- */

/* True when the route may be stored (or no limit minds). */
bool import_limit_allows(struct core *core, struct peer_family *family, const struct nlri *nlri);

/* After routes were added: the session's end when that is what a limit asks for. */
struct wire_error import_check_limit(struct core *core, struct peer_family *family);

/* ---- originate.c ---- */

void originate_init(struct core *core);
void originate_fini(struct core *core);

/* Networks and redistribution as core->config has them; true when our own prefixes changed. */
bool originate_apply_config(struct core *core);

/* Interns attributes of a local route; owes an unref. */
struct attr_set *originate_attrs(struct core *core, uint8_t origin, uint32_t med,
                                 const uint32_t *tag);

/* map on a local route: NULL when it denies, else a set that owes an unref. Takes over owned. */
struct attr_set *originate_apply_map(struct core *core, const struct route_map *map,
                                     const struct prefix *prefix, uint8_t protocol,
                                     struct attr_set *owned);

/* Redistribution decided again for what source says about dest. */
void redistribute_again(struct core *core, enum afi_safi afi_safi, dest_id dest, uint16_t source);

/* Keeps a destination number for prefix, with or without a path. */
void anchor_put(struct core *core, const struct prefix *prefix, struct attr_set *attrs);

/* ---- aggregate.c ---- */

void aggregates_apply_config(struct core *core);
void aggregates_fini(struct core *core);
void aggregates_dest_changed(struct core *core, enum afi_safi afi_safi,
                             const struct prefix *prefix);
bool aggregates_suppress(const struct core *core, enum afi_safi afi_safi,
                         const struct prefix *prefix);
bool aggregates_have_work(const struct core *core);
uint32_t aggregates_work(struct core *core, uint32_t work_max);

/* ---- table_walk.c ---- */

void walks_init(struct core *core);
void walks_fini(struct core *core);
void walk_wish_decide_all(struct core *core, enum afi_safi afi_safi);
void walk_wish_reimport(struct core *core, enum afi_safi afi_safi, uint16_t source);
void walk_wish_nexthop(struct core *core, const struct nexthop *nexthop);
void walk_export_range(struct core *core, const struct prefix *within);
void walk_drain_source(struct core *core, enum afi_safi afi_safi, uint16_t source, bool is_sweep);
bool walks_have_work(const struct core *core);

/* Returns units used. */
uint32_t walks_work(struct core *core, uint32_t work_max);

/* ---- update_group.c ---- */

void group_join(struct core *core, struct peer_family *family);
void group_leave(struct core *core, struct peer_family *family);

/* Keys of all established peers again: groups change in place, split, and export what differs. */
void groups_rekey(struct core *core);
void groups_fini(struct core *core);

/* Everything of this group is exported again in slices; only differences are sent. */
void group_export_all(struct core *core, struct update_group *group);
void groups_export_all(struct core *core, enum afi_safi afi_safi);

/* The session learns that there is something to send. */
void groups_tell_news(struct core *core);
void group_flush_cache(struct core *core, struct update_group *group);

/* ---- forward.c ---- */

/* What was decided for dest, to the kernel side. */
void forward_dest(struct core *core, enum afi_safi afi_safi, dest_id dest,
                  struct decision_result *result);
void forward_fini(struct core *core);

/* ---- export.c ---- */

/* A route to be exported, with where it came from. */
struct export_route {
    dest_id dest;
    struct prefix prefix;
    struct attr_set *attrs; /* NULL: there is none */
    uint16_t source;
    bool is_local;
    bool is_ebgp;
    const struct peer *peer; /* NULL for local routes and drained sources */
};

/* What stands for the destination towards everybody, before any rule of a group. */
struct export_route export_route_of(const struct core *core, enum afi_safi afi_safi, dest_id dest,
                                    const struct prefix *prefix, uint32_t best_number,
                                    struct announce_verdict *verdict_out);

/* One path of the destination. */
struct export_route export_route_from(const struct core *core, enum afi_safi afi_safi, dest_id dest,
                                      const struct prefix *prefix, uint32_t route_number);

/* What a policy may look at of it, but for the session; the interface only where it is wanted. */
struct policy_route export_policy_route(const struct core *core, enum afi_safi afi_safi,
                                        const struct export_route *route, bool uses_nexthop);

/* The group holds under key what its rules make of route. */
void export_route_to(struct core *core, struct update_group *group, uint32_t key,
                     const struct export_route *route, const struct announce_verdict *verdict);
void group_put(struct core *core, struct update_group *group, uint32_t key, struct attr_set *attrs);

void export_dest(struct core *core, enum afi_safi afi_safi, dest_id dest);

/* The same with what the decision has just found: the prefix, and the best route or 0. */
void export_decided(struct core *core, enum afi_safi afi_safi, dest_id dest,
                    const struct prefix *prefix, uint32_t best_number);
void export_dest_to(struct core *core, struct update_group *group, dest_id dest);

/* What stands in adj-rib-out as it goes out to the group's peers, but for a next hop of ours.
 * Export leaves to this what depends on the group and the set alone: so a set that no policy edits
 * is kept once, as it was accepted, however many groups are told it. scratch backs the result. */
void export_shape(const struct core *core, const struct update_group *group, struct arena *scratch,
                  struct path_attrs *attrs);

/* ---- condition.c: conditional advertisement ---- */

/* Conditions of the new configuration; those that are gone stay until no group has them. */
void conditions_apply_config(struct core *core);
void conditions_prune(struct core *core);
void conditions_fini(struct core *core);

/* NULL when no neighbour has it. */
struct condition *condition_find(const struct core *core, enum afi_safi afi_safi, const char *name);

/* The best path of dest, or what it resolves to, changed. */
void conditions_dest_changed(struct core *core, enum afi_safi afi_safi, dest_id dest);
bool conditions_have_work(const struct core *core);
uint32_t conditions_work(struct core *core, uint32_t work_max);

bool condition_is_met(const struct group_key *key);

/* True when the group's advertise-map, which it must have, permits route and its condition is not
 * met. */
bool condition_withholds(struct core *core, struct update_group *group,
                         const struct export_route *route);

/* Before a destination is exported again; and before everything is. */
void condition_unmark_dest(struct core *core, struct update_group *group, dest_id dest);
void condition_unmark_all(struct core *core, struct update_group *group);

static inline void condition_unmark(struct core *core, struct update_group *group, dest_id dest)
{
    if (group->key.policy.advertise_map != NULL) {
        condition_unmark_dest(core, group, dest);
    }
}

/* ---- export_paths.c: groups that are told several paths (RFC 7911) ---- */

static inline bool group_has_paths(const struct update_group *group)
{
    return group->key.add_path_mode != ADD_PATH_MODE_NONE;
}

void export_paths_to(struct core *core, struct update_group *group, dest_id dest);

/* To those groups only: something about dest was decided, if not its best path. */
void export_dest_paths(struct core *core, enum afi_safi afi_safi, dest_id dest);

/* The out key is what adj-rib-out and the sets of what a peer was told go by: the destination, or
 * the number of a path where the group has paths. */
static inline dest_id out_key_dest(const struct core *core, const struct update_group *group,
                                   uint32_t key)
{
    return group_has_paths(group) ? out_path_dest(core->routes->out_paths[group->afi_safi], key)
                                  : key;
}

void out_key_hold(struct core *core, const struct update_group *group, uint32_t key);
void out_key_release(struct core *core, const struct update_group *group, uint32_t key);

/* Keys of dest one after the other: after 0 the first, 0 at the end. */
uint32_t out_key_next(const struct core *core, const struct update_group *group, dest_id dest,
                      uint32_t key);
bool family_has_told(const struct core *core, const struct peer_family *family, dest_id dest);

/* ---- routes.c ---- */

struct rib_source peer_source_value(const struct peer *peer, enum afi_safi afi_safi);

/* The neighbour has said all it had to say again: stale routes that are left are removed. */
void family_synchronized(struct core *core, struct peer_family *family);

/* Router id as cluster id when none is configured. */
uint32_t routes_cluster_id(const struct core *core);

/* ---- pace.c: MinRouteAdvertisementInterval ---- */

/* Brings the pace in line with the settings; only while the family has a group. */
void pace_configure(struct core *core, struct peer_family *family);
void pace_end(struct core *core, struct peer_family *family);

/* Whatever waits goes out now (a refresh is to be answered). */
void pace_skip_pause(struct core *core, struct peer_family *family);

/* True when key must not be announced now: it waits from now on. */
bool pace_holds_key(struct core *core, struct peer_family *family, uint32_t key);
void pace_said_key(struct core *core, struct peer_family *family, uint32_t key);
void pace_drop_key(struct core *core, struct peer_family *family, uint32_t key);

/* Something has waited long enough; the next run of it with one attribute set. */
bool pace_is_due(const struct peer_family *family);
uint32_t pace_next_run(const struct peer_family *family, uint32_t *keys_out, uint32_t max,
                       struct attr_set **attrs_out);

/* All that is due has been said: the pause begins. */
void pace_rest(struct core *core, struct peer_family *family);

/* ---- update_packer.c ---- */

/* Forgets what the peer was told (session down). */
void packer_forget(struct peer_family *family);
bool packer_has_output(const struct core *core, const struct peer_family *family);

/* What stands in adj-rib-out as this peer is told it; false when this peer is not told. */
bool packer_view_for(const struct core *core, const struct peer_family *family,
                     const struct attr_set *set, struct arena *scratch,
                     struct path_attrs *view_out);
void packer_update_self(struct core *core, struct peer_family *family);

#endif
