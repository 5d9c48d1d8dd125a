/* Reading a running core: plain rows for bgpd/control. Everything is borrowed until the core is
 * next fed or worked. Long lists are walked with cursors that survive changes between calls. */
#ifndef BGPD_CORE_SNAPSHOT_H
#define BGPD_CORE_SNAPSHOT_H

#include "bgpd/core/core.h"
#include "proto/open.h"
#include "rib/decision.h"
#include "rib/loc_rib.h"

struct snapshot_global {
    bool is_configured;
    const char *hostname;
    uint32_t asn;
    uint32_t router_id;
    uint32_t default_local_pref;
    uint32_t peer_count;
    uint64_t table_version[AFI_SAFI_COUNT];
    uint32_t dest_count[AFI_SAFI_COUNT]; /* with an accepted path: what show bgp lists */
    uint32_t route_count[AFI_SAFI_COUNT];
    uint32_t attr_set_count;
    uint64_t rib_bytes;
    uint64_t peer_bytes;
    bool is_busy; /* decisions or exports are still queued */
};

void snapshot_global(const struct core *core, struct snapshot_global *out);

enum peer_state {
    PEER_IDLE,
    PEER_CONNECT,
    PEER_ACTIVE,
    PEER_OPEN_SENT,
    PEER_OPEN_CONFIRM,
    PEER_ESTABLISHED,
};

/* "Idle", "Connect", ... */
const char *peer_state_name(enum peer_state state);

struct peer_message_counts {
    uint64_t opens;
    uint64_t notifications;
    uint64_t updates;
    uint64_t keepalives;
    uint64_t route_refreshes;
};

struct snapshot_peer_family {
    bool is_configured; /* activated */
    bool is_negotiated;
    uint32_t received; /* prefixes in adj-rib-in */
    uint32_t accepted;
    uint32_t sent;          /* prefixes announced */
    bool policy_missing_in; /* RFC 8212 blocks */
    bool policy_missing_out;
    bool end_of_rib_received;
    bool end_of_rib_sent;
    uint32_t update_group; /* number; 0 when not established */
    uint32_t queued_out;   /* changes not sent yet, at least */
    bool limit_reached;
    bool condition_is_met; /* of an advertise-map: its routes go out */
    bool is_stale;         /* routes of a session before are kept (graceful restart) */
    bool is_long_lived;    /* as a last resort (RFC 9494) */
    struct mono_time stale_until;
};

struct snapshot_peer {
    const struct neighbor_settings *settings;
    enum peer_state state;
    bool is_admin_down;
    bool is_prefix_limited; /* waiting after maximum-prefix: Idle (PfxCt) */
    uint32_t remote_asn;    /* as configured or learned */
    uint32_t local_asn;
    uint32_t remote_router_id;
    struct ip_addr local_addr; /* of the established session */
    uint16_t local_port;
    uint16_t remote_port;
    struct mono_time state_since; /* last change to or from Established; NEVER when never up */
    struct mono_time last_read;
    struct mono_time last_write;
    uint32_t hold_time_s; /* negotiated */
    uint32_t stale_path_time_s;
    uint32_t keepalive_s;
    struct peer_message_counts received;
    struct peer_message_counts sent;
    uint64_t treat_as_withdraw_count;
    uint64_t attr_discard_count;
    uint32_t established_count;
    uint32_t dropped_count;
    struct mono_time last_reset;   /* NEVER when never */
    const char *last_reset_reason; /* "" when never */
    bool has_capabilities;
    const struct capabilities *local_capabilities;
    const struct capabilities *remote_capabilities;
    uint32_t in_queue_bytes;
    uint32_t out_queue_messages;
    uint8_t path_class; /* of the interface the session runs over */
    bool has_path_class;
    const char *liveness; /* "bfd up", "tunnel ipsec0 up", "hold timer" */
    const char *why_not;  /* why it is not coming up, "" when it is up or nothing is known */
    struct snapshot_peer_family families[AFI_SAFI_COUNT];
};

uint32_t snapshot_peer_count(const struct core *core);

/* index counts peers in ascending address order; false past the end. */
bool snapshot_peer(const struct core *core, uint32_t index, struct snapshot_peer *out);

/* Peer numbers are stable while the peer exists. */
bool snapshot_peer_find(const struct core *core, const struct ip_addr *addr, uint32_t *index_out);

/* ---- Tables ---- */

enum snapshot_table {
    SNAPSHOT_LOC_RIB,         /* every path of every destination */
    SNAPSHOT_ADJ_IN,          /* received-routes of one peer, before policy */
    SNAPSHOT_ADJ_IN_ACCEPTED, /* routes: after policy */
    SNAPSHOT_ADJ_IN_FILTERED, /* refused by policy */
    SNAPSHOT_ADJ_OUT,         /* advertised-routes */
};

struct snapshot_path {
    struct prefix prefix;
    bool is_first_of_prefix;
    struct path_attrs attrs; /* views live until the core changes */
    struct ip_addr peer;     /* IP_NONE for local routes */
    uint32_t peer_router_id;
    uint32_t peer_asn;
    uint8_t source_kind; /* enum source_kind */
    uint8_t flags;       /* ROUTE_ */
    uint8_t reason;      /* enum decision_reason */
    bool is_eligible;
    bool is_rib_failure; /* the kernel refused it */
    uint32_t weight;     /* effective */
    uint32_t path_id;
    struct mono_time changed;
    uint8_t nexthop_state; /* enum nexthop_state */
    bool has_path_class;
    uint8_t path_class;
    const char *tunnel_name;    /* NULL when none */
    const char *interface_name; /* it leaves through; NULL when unresolved */
    uint32_t nexthop_metric;
};

struct snapshot_cursor {
    enum snapshot_table table;
    enum afi_safi afi_safi;
    struct ip_addr peer;  /* for the adj tables */
    struct prefix within; /* family IP_NONE: all */
    bool is_exact;        /* only `within` itself */
    struct rib_walker walker;
    bool is_done;
};

/* STATUS_NOT_FOUND when the peer does not exist. */
NODISCARD enum status snapshot_open(const struct core *core, enum snapshot_table table,
                                    enum afi_safi afi_safi, const struct ip_addr *peer,
                                    const struct prefix *within, bool is_exact,
                                    struct snapshot_cursor *cursor_out);

/* Hands row every path of at most dest_max further destinations. Sets cursor->is_done at the end.
 */
void snapshot_read(const struct core *core, struct snapshot_cursor *cursor, uint32_t dest_max,
                   void (*row)(void *context, const struct snapshot_path *path), void *context);

/* The longest prefix with a path that covers addr; false when none does. */
bool snapshot_match(const struct core *core, enum afi_safi afi_safi, const struct ip_addr *addr,
                    struct prefix *prefix_out);

/* Addresses of peers that prefix is announced to now; returns how many, writes at most max. */
uint32_t snapshot_advertised_to(const struct core *core, const struct prefix *prefix,
                                struct ip_addr *peers_out, uint32_t max);

/* Why there is nothing for prefix, in words; for show of an absent prefix. */
const char *snapshot_why_absent(const struct core *core, const struct prefix *prefix);

/* ---- The kernel's side ---- */

enum ip_route_kind {
    IP_ROUTE_BGP,
    IP_ROUTE_CONNECTED,
    IP_ROUTE_STATIC, /* of our configuration */
    IP_ROUTE_KERNEL, /* somebody else's */
    IP_ROUTE_PIN,    /* endpoint or inner peer */
    IP_ROUTE_GUARD,
};

enum ip_route_install {
    IP_ROUTE_QUEUED,
    IP_ROUTE_INSTALLED,
    IP_ROUTE_FAILED,
    IP_ROUTE_NOT_WANTED, /* known but not ours to install, or not selected */
};

struct snapshot_leg {
    struct ip_addr gateway;
    const char *interface_name;
    uint8_t weight;
    bool is_backup;
    bool is_active;
    uint8_t path_class;
    struct ip_addr recursive_via; /* the BGP next hop it was found for; IP_NONE when direct */
};

struct snapshot_ip_route {
    struct prefix prefix;
    uint8_t kind;    /* enum ip_route_kind */
    uint8_t install; /* enum ip_route_install */
    uint8_t type;    /* enum fib_route_type */
    bool is_selected;
    uint8_t distance;
    uint32_t metric;
    uint32_t table;
    uint32_t tag;
    uint32_t nexthop_object;
    struct mono_time since;
    const char *note; /* "endpoint of ipsec0", "guards 10.51.230.0/23", failure reason; "" */
    uint8_t leg_count;
    struct snapshot_leg legs[16];
};

struct ip_route_cursor {
    uint8_t family;
    struct prefix position;
    struct prefix within;
    uint32_t index; /* among the routes of one prefix */
    bool is_started;
    bool is_done;
};

void snapshot_ip_routes_open(const struct core *core, uint8_t family, const struct prefix *within,
                             struct ip_route_cursor *cursor_out);
void snapshot_ip_routes_read(const struct core *core, struct ip_route_cursor *cursor, uint32_t max,
                             void (*row)(void *context, const struct snapshot_ip_route *route),
                             void *context);

struct snapshot_evidence {
    uint32_t source; /* one LIVENESS_ bit */
    bool is_known;
    bool is_alive;
    struct mono_time since;
    const char *detail;
};

struct snapshot_tunnel {
    const struct config_tunnel *tunnel;
    bool is_alive;
    struct mono_time since;
    uint32_t ifindex; /* 0: interface absent */
    uint8_t evidence_count;
    struct snapshot_evidence evidence[5];
    bool is_endpoint_pinned;
    uint8_t pin_leg_count;
    struct snapshot_leg pin_legs[8];
    const char *refused_capture; /* last refused capture of the endpoint, "" when none */
    uint32_t inner_peer_count;
    struct ip_addr inner_peers[8];
    uint32_t prefixes; /* destinations forwarded through it now */
};

bool snapshot_tunnel(const struct core *core, uint32_t index, struct snapshot_tunnel *out);

struct snapshot_protection {
    const struct protection_def *def;
    bool is_guard_installed;
    uint32_t protected_prefixes;   /* destinations inside it forwarded through an allowed class */
    uint32_t refused_paths;        /* paths refused because of it */
    uint32_t unreachable_prefixes; /* destinations inside it with no allowed path */
    const char *status;            /* "protected", "blocked: no ipsec path", "guard missing: ..." */
};

bool snapshot_protection(const struct core *core, uint32_t index, struct snapshot_protection *out);

/* ---- The audit of the kernel ---- */

enum drift_kind {
    DRIFT_ROUTE, /* of BGP */
    DRIFT_PIN,
    DRIFT_STATIC,
    DRIFT_GUARD,
    DRIFT_NEXTHOP, /* objects and groups */
    DRIFT_STRAY,   /* a route with our mark that nobody wants */
    DRIFT_KIND_COUNT,
};

enum drift_what {
    DRIFT_REMOVED, /* somebody did, and the kernel told */
    DRIFT_CHANGED,
    DRIFT_MISSING, /* found by an account or an audit */
};

/* Something of ours that was not as it should be, and was put right. */
struct snapshot_drift {
    struct prefix prefix;
    uint32_t object; /* DRIFT_NEXTHOP: its number */
    uint8_t kind;    /* enum drift_kind */
    uint8_t what;    /* enum drift_what */
    struct mono_time at;
};

#define DRIFTS_KEPT 32u

struct snapshot_fib_audit {
    uint32_t interval_s;
    bool is_running;
    uint32_t rounds;
    uint32_t rereads; /* of everything, since the start: overruns, foreign routes that differ */
    struct mono_time began; /* the last, or the one under way */
    struct mono_time ended; /* the last; NEVER before the first */
    uint32_t checked_routes;
    uint32_t checked_plain;
    uint32_t checked_objects;
    uint32_t refused; /* routes the kernel refuses now */
    uint64_t repaired[DRIFT_KIND_COUNT];
    uint32_t drift_count;
    struct snapshot_drift drifts[DRIFTS_KEPT]; /* newest first */
};

void snapshot_fib_audit(const struct core *core, struct snapshot_fib_audit *out);

/* ---- The stopwatch ---- */

/* One failover: from what was seen to the kernel's last answer. */
struct failover_record {
    char cause[96];
    struct mono_time seen;       /* by its source: netlink, XFRM, the BFD thread, a probe */
    struct mono_time began;      /* the core took it up */
    struct mono_time told;       /* the kernel got the first message */
    struct mono_time programmed; /* the kernel had carried out the last */
    struct mono_time confirmed;  /* the core had its word for it */
    uint32_t group_count;        /* next-hop groups replaced */
    uint32_t destination_count;  /* that stood on them */
    uint32_t discarding_count;   /* groups with no way left */
    uint32_t route_count;        /* plain routes rewritten: pins, static routes */
};

/* Failovers since the start; the last FAILOVERS_KEPT of them can be read. */
uint32_t snapshot_failover_total(const struct core *core);

/* index 0: the newest; false past the end. */
bool snapshot_failover(const struct core *core, uint32_t index, struct failover_record *out);

/* ---- Routes of others that do harm ---- */

enum foreign_fault {
    FOREIGN_HARMLESS,
    FOREIGN_EXPOSES,           /* carries protected destinations by a way that is not allowed */
    FOREIGN_EXPOSES_LINK,      /* a connected network does */
    FOREIGN_CAPTURES_ENDPOINT, /* takes the endpoint of a tunnel from its underlay */
};

struct snapshot_foreign_route {
    struct fib_route route;
    uint8_t fault;              /* enum foreign_fault */
    const char *interface_name; /* of its first leg; NULL: none or unknown */
    bool is_overruled;
    const char *reason;
    const char *answer; /* "overruled", "stands", or why it cannot be overruled */
    struct mono_time since;
};

bool snapshot_foreign_route(const struct core *core, uint32_t index,
                            struct snapshot_foreign_route *out);

/* The running configuration; NULL before the first. */
const struct config *snapshot_config(const struct core *core);

#endif
