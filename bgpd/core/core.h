/* The whole daemon as a value: facts and a time in, actions and a deadline out. No globals, clock,
 * sockets or files behind it, no randomness but the seed. Not thread safe. */
#ifndef BGPD_CORE_CORE_H
#define BGPD_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/config_model.h"
#include "bgpd/core/log_events.h"
#include "proto/base/cursor.h"
#include "proto/base/mono.h"
#include "proto/bfd_auth.h"
#include "proto/prefix.h"

struct core;

struct core_limits {
    uint32_t peers_max;                  /* 0 takes the built-in value of each */
    uint32_t prefixes_max;               /* over all peers and families */
    uint32_t connections_per_source_max; /* opened within a second */
    uint32_t receive_bytes_max;          /* not yet framed octets per connection */
    uint16_t listen_port;                /* 179; tests in one process choose others */
    bool no_fib;                         /* destinations are decided, never offered to the kernel */
};

/* Numbers given by the core to connections, nexthop objects and FIB operations are never 0. */
typedef uint32_t conn_id;

/* ---- Facts ---- */

enum core_event_kind {
    EVENT_TIME,              /* only the time */
    EVENT_CONFIG,            /* config: ownership moves to the core */
    EVENT_CONN_OPENED,       /* conn: a connect of ours succeeded */
    EVENT_CONN_FAILED,       /* conn: a connect of ours failed */
    EVENT_CONN_INCOMING,     /* conn: somebody connected; id is the one the io chose, at or above
                                CONN_ID_INCOMING_FIRST */
    EVENT_CONN_BYTES,        /* conn */
    EVENT_CONN_CLOSED,       /* conn: the far end or the kernel ended it */
    EVENT_CONN_ROOM,         /* conn: room_bytes more may be sent */
    EVENT_LINK,              /* link */
    EVENT_ADDR,              /* addr */
    EVENT_KERNEL_ROUTE,      /* kernel_route: a route of somebody else, or one of ours read back */
    EVENT_KERNEL_NEXTHOP,    /* kernel_nexthop: seen in a dump or notification */
    EVENT_KERNEL_DUMP_BEGIN, /* dump: kernel state is about to be told anew (start, overrun, audit)
                              */
    EVENT_KERNEL_DUMP_END,   /* dump: all of it has been told */
    EVENT_FIB_RESULT,        /* fib_result */
    EVENT_TUNNEL_FACT,       /* tunnel_fact: SA, VICI or probe evidence */
    EVENT_BFD_STATE,         /* bfd */
    EVENT_STOP,              /* stop: leave; actions end with ACTION_STOPPED */
};

#define CONN_ID_INCOMING_FIRST 0x80000000u

struct conn_event {
    conn_id conn;
    struct ip_addr local_addr;
    struct ip_addr remote_addr;
    uint16_t local_port;
    uint16_t remote_port;
    uint32_t ifindex;       /* the interface the session is bound to, or of a link-local peer */
    struct byte_view bytes; /* borrowed until return */
    uint32_t room_bytes;
    int error; /* errno value for messages; 0 when none */
    uint32_t tcp_mss;
};

struct link_event {
    uint32_t ifindex;
    char name[16];
    bool is_removed;
    bool is_up; /* administratively up and operationally able to carry traffic */
    bool is_loopback;
    bool is_point_to_point;
    uint32_t mtu;
    uint32_t xfrm_if_id; /* 0 when it is not an XFRM interface */
    char kind[16];       /* rtnl kind: "tun", "xfrm", "veth", "macsec", ...; "" when none */
};

struct addr_event {
    uint32_t ifindex;
    bool is_removed;
    struct ip_addr addr;
    uint8_t len_bits;
    struct ip_addr peer; /* point-to-point far end; IP_NONE */
};

struct fib_leg {
    struct ip_addr gateway; /* IP_NONE: directly out of the interface */
    uint32_t ifindex;
    uint8_t weight; /* 1.. */
};

#define FIB_LEGS_MAX       64u /* members of a group */
#define FIB_PLAIN_LEGS_MAX 8u  /* legs of a route without objects */

enum fib_route_type {
    FIB_ROUTE_UNICAST, /* legs, or nexthop_object */
    FIB_ROUTE_BLACKHOLE,
    FIB_ROUTE_UNREACHABLE,
    FIB_ROUTE_PROHIBIT,
};

/* A kernel route, theirs or ours. */
struct fib_route {
    struct prefix prefix;
    uint32_t table;
    uint32_t metric;
    uint8_t protocol;        /* rtm_protocol */
    uint8_t type;            /* enum fib_route_type */
    uint32_t nexthop_object; /* 0: legs count */
    uint8_t leg_count;
    bool is_first; /* IPv4: ahead of others of the same metric, and none of them is replaced */
    uint8_t scope; /* rtm_scope; of ours only where is_first: it tells those of one place apart */
    struct fib_leg legs[FIB_PLAIN_LEGS_MAX];
    struct ip_addr preferred_source;
};

struct kernel_route_event {
    bool is_removed;
    bool is_from_dump;
    bool is_replacing; /* instead of another one of the same place */
    struct fib_route route;
};

/* A kernel next-hop object: one leg, a discard, or a group of other objects. */
struct fib_nexthop {
    uint32_t id;
    bool is_blackhole;
    uint8_t family; /* enum ip_family of a leg or blackhole */
    struct fib_leg leg;
    uint8_t member_count; /* > 0: a group */
    uint32_t members[FIB_LEGS_MAX];
    uint8_t member_weights[FIB_LEGS_MAX];
    /* A group that shares packets out in FIB_GROUP_BUCKETS only, never less: a member of weight 1
     * behind one of FIB_WEIGHT_BESIDE_STANDBY gets none. It waits, and the kernel moves to it by
     * itself when carrier loss takes the others away. */
    bool is_resilient;
};

#define FIB_GROUP_BUCKETS         32u
#define FIB_WEIGHT_BESIDE_STANDBY 128u

/* A member without packets while those before it stand. */
bool fib_member_waits(const struct fib_nexthop *group, uint8_t index);

struct kernel_nexthop_event {
    bool is_removed;
    bool is_ours;
    struct fib_nexthop nexthop;
};

struct fib_result {
    uint32_t operation; /* of the ACTION_FIB_ that it answers */
    int error;          /* 0, or errno as the kernel gave it */
    char text[80];      /* the kernel's extended message, "" when none */
    /* When the kernel was told, and when it answered; zero: not measured. */
    struct mono_time told;
    struct mono_time done;
};

struct tunnel_fact {
    uint16_t tunnel_number; /* 1-based index into the running configuration's tunnels */
    uint32_t source;        /* one LIVENESS_ bit */
    bool is_alive;
    bool is_known;   /* false: this source cannot tell any more */
    char detail[96]; /* for show tunnels */
};

struct bfd_fact {
    struct ip_addr peer;
    struct ip_addr local;
    uint32_t ifindex;
    bool is_up;
    bool is_admin_down; /* the far end says AdminDown: not a failure (RFC 5882 4.2) */
    char detail[64];
};

struct core_event {
    enum core_event_kind kind;
    union {
        struct config *config;
        struct conn_event conn;
        struct link_event link;
        struct addr_event addr;
        struct kernel_route_event kernel_route;
        struct kernel_nexthop_event kernel_nexthop;
        struct fib_result fib_result;
        struct tunnel_fact tunnel_fact;
        struct bfd_fact bfd;
        struct {
            bool is_audit;      /* objects and routes only, while changes are told as ever */
            bool is_broken_off; /* at its end: it is not complete */
        } dump;
        struct {
            bool keep_routes;
        } stop;
    };
};

/* ---- Actions ---- */

enum core_action_kind {
    ACTION_CONNECT,     /* conn_setup: answered by OPENED or FAILED */
    ACTION_ACCEPT,      /* conn_setup: keep this incoming connection with these options */
    ACTION_SEND,        /* send: never more than the room told, but for the one NOTIFICATION
                           with which an incoming connection is refused */
    ACTION_CLOSE,       /* close: after what was sent; a bounded attempt, then dropped */
    ACTION_LISTEN,      /* listen: sockets for one family; port 0 closes it */
    ACTION_PEER_KEY,    /* peer_key: TCP MD5 or TCP-AO on the listening socket, before any SYN */
    ACTION_PEER_TTL,    /* peer_ttl: GTSM on the listening socket, before any SYN */
    ACTION_FIB_ROUTE,   /* fib_route */
    ACTION_FIB_NEXTHOP, /* fib_nexthop */
    ACTION_FIB_REQUEST_DUMP, /* request_dump: tell the kernel state anew */
    ACTION_BFD_SESSION,      /* bfd_session */
    ACTION_TUNNEL_WATCH,     /* tunnel_watch: which evidence to gather */
    ACTION_LOG,              /* log */
    ACTION_STOPPED,          /* the answer to EVENT_STOP: nothing follows */
};

struct conn_setup_action {
    conn_id conn;
    struct ip_addr local_addr; /* IP_NONE: the kernel chooses */
    struct ip_addr remote_addr;
    uint16_t port;
    uint8_t ttl;                       /* outgoing */
    uint8_t ttl_min;                   /* GTSM: refuse packets below; 0: none */
    char bind_interface[16];           /* "" for none: SO_BINDTODEVICE */
    uint32_t ifindex;                  /* scope of a link-local address */
    uint32_t tcp_mss;                  /* 0: default */
    const char *md5_key;               /* secret, borrowed until the next call; NULL for none */
    const struct config_key_chain *ao; /* the same; never together with md5_key */
    bool ao_includes_options;
    struct mono_span timeout; /* of a connect */
};

struct fib_route_action {
    uint32_t operation;
    bool is_delete;
    struct fib_route route;
};

struct fib_nexthop_action {
    uint32_t operation;
    bool is_delete;
    bool is_urgent; /* failover: goes before everything queued */
    struct fib_nexthop nexthop;
};

struct bfd_session_action {
    bool is_delete;
    struct ip_addr peer;
    struct ip_addr local;
    char interface[16]; /* "" for multihop */
    bool is_multihop;
    uint32_t transmit_interval_us;
    uint32_t receive_interval_us;
    uint8_t detect_multiplier;
    bool passive;
    bool is_shutdown;         /* AdminDown from our side */
    uint8_t minimum_ttl;      /* multihop only; 0: any */
    uint32_t hold_down_ms;    /* up for so long before it is told */
    uint32_t kept_s;          /* how long the peer keeps routes of a daemon that died; 0: it drops
                                 them, and nobody need go on with the session */
    struct bfd_auth_key auth; /* secret */
};

struct tunnel_watch_action {
    uint16_t tunnel_number;
    bool is_delete;
    uint32_t sources;                   /* LIVENESS_ bits */
    const struct config_tunnel *tunnel; /* borrowed until the next call */
    struct ip_addr probe_peer;          /* whom to probe inside the tunnel; IP_NONE: nobody known */
    struct ip_addr probe_local;         /* from where; IP_NONE: the kernel chooses */
    conn_id probe_conn;                 /* of the session with probe_peer; 0: not Established */
    uint32_t probe_hold_s;              /* its hold time */
};

struct core_action {
    enum core_action_kind kind;
    union {
        struct conn_setup_action conn_setup;
        struct {
            conn_id conn;
            struct byte_view bytes;
        } send;
        struct {
            conn_id conn;
        } close;
        struct {
            uint8_t family;
            uint16_t port;
            uint32_t tcp_mss; /* of connections that come in; 0: default */
        } listen;
        struct {
            struct prefix peer;  /* host prefix, or a range */
            const char *md5_key; /* NULL and no ao: none any more */
            const struct config_key_chain *ao;
            bool ao_includes_options;
        } peer_key;
        struct {
            struct prefix peer; /* host prefix, or a range: the longest one counts */
            uint8_t ttl_min;    /* 0 removes it */
        } peer_ttl;
        struct fib_route_action fib_route;
        struct fib_nexthop_action fib_nexthop;
        struct {
            bool is_audit; /* at leisure; never an account of everything is held up for it */
        } request_dump;
        struct bfd_session_action bfd_session;
        struct tunnel_watch_action tunnel_watch;
        struct log_event log;
    };
};

/* seed feeds jitter and hash keys. */
struct core *core_new(const struct core_limits *limits, uint64_t seed);
void core_free(struct core *core);

/* Tells the core one fact. Views inside the event are borrowed until return. now never goes back.
 */
void core_feed(struct core *core, struct mono_time now, const struct core_event *event);

/* The same, of a fact that its source saw earlier: what lies between counts for the stopwatch of
 * failovers. */
void core_feed_seen(struct core *core, struct mono_time now, struct mono_time seen,
                    const struct core_event *event);

/* Does at most work_max units of backlog (a unit touches one destination); true if more remains. */
bool core_work(struct core *core, struct mono_time now, uint32_t work_max);

/* Takes the oldest action; false when there is none. What it points to lives until the next call of
 * any core function. */
bool core_take_action(struct core *core, struct core_action *action_out);

/* Octets a connection may be fed now. The io reads no more than that and asks again after
 * core_work: so a peer that talks faster than its messages are worked on is held back by its own
 * TCP window. */
uint32_t core_receive_room(const struct core *core, conn_id conn);

/* Earliest instant at which the core wants to be fed EVENT_TIME; MONO_NEVER if none. */
struct mono_time core_deadline(const struct core *core);

/* ---- Requests of an operator (bgpd/control) ---- */

enum clear_kind {
    CLEAR_HARD,
    CLEAR_SOFT_IN,
    CLEAR_SOFT_OUT,
    CLEAR_SOFT_BOTH,
};

/* peer IP_NONE means all; families 0 means all. message is told to the other side of a hard one
 * (RFC 9003); NULL for none. Returns how many peers it touched. */
uint32_t core_clear(struct core *core, struct mono_time now, const struct ip_addr *peer,
                    uint32_t families, enum clear_kind kind, const char *message);

#endif
