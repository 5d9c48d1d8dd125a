/* The configuration as a plain immutable value, in one arena. bgpd/config makes it from the YANG
 * tree; nobody changes it afterwards. Every leaf that may be inherited says whether it was given;
 * config_resolve_neighbor folds neighbour, peer-group, azure-role, global and built-in values. */
#ifndef BGPD_CORE_CONFIG_MODEL_H
#define BGPD_CORE_CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/azure_role.h"
#include "policy/policy.h"
#include "policy/protection.h"
#include "proto/afi_safi.h"
#include "proto/base/arena.h"
#include "proto/open.h"
#include "proto/prefix.h"

/* A value with "was it given". */
struct opt_u32 {
    bool is_set;
    uint32_t value;
};

struct opt_bool {
    bool is_set;
    bool value;
};

enum remote_as_kind {
    REMOTE_AS_UNSET,
    REMOTE_AS_NUMBER,
    REMOTE_AS_INTERNAL,
    REMOTE_AS_EXTERNAL,
};

enum send_community_bits {
    SEND_COMMUNITY_STANDARD = 1,
    SEND_COMMUNITY_EXTENDED = 2,
    SEND_COMMUNITY_LARGE = 4,
};

enum private_as_mode {
    PRIVATE_AS_KEEP,
    PRIVATE_AS_REMOVE, /* only when the whole path is private */
    PRIVATE_AS_REMOVE_ALL,
    PRIVATE_AS_REPLACE_ALL, /* with the local AS */
};

enum prefix_limit_action {
    PREFIX_LIMIT_TEARDOWN,
    PREFIX_LIMIT_WARN,
    PREFIX_LIMIT_HOLD, /* keep the session, refuse further prefixes */
};

/* Which paths go to a neighbour that takes several (RFC 7911). */
enum add_path_mode {
    ADD_PATH_MODE_NONE, /* the best one, without an identifier */
    ADD_PATH_MODE_ALL,
    ADD_PATH_MODE_PER_AS, /* the best one of every neighbour AS */
    ADD_PATH_MODE_BEST,   /* the best so many */
};

/* Per neighbour (or group) and family. */
struct config_family {
    struct opt_bool activate;
    const char *route_map_in;
    const char *route_map_out;
    const char *prefix_list_in;
    const char *prefix_list_out;
    const char *filter_list_in; /* as-path access-list */
    const char *filter_list_out;
    struct opt_bool next_hop_self;
    struct opt_bool next_hop_self_force;
    struct opt_u32 send_community; /* SEND_COMMUNITY_ bits; default all */
    struct opt_u32 weight;
    struct opt_u32 max_prefixes;
    struct opt_u32 max_prefixes_warning_pct;
    struct opt_u32 max_prefixes_restart_min;
    struct opt_u32 max_prefixes_action; /* enum prefix_limit_action */
    struct opt_u32 max_prefixes_out;
    struct opt_u32 allow_own_as;
    struct opt_bool as_override;
    struct opt_u32 private_as; /* enum private_as_mode */
    struct opt_bool default_originate;
    const char *default_originate_route_map;
    struct opt_bool soft_reconfiguration; /* accepted; adj-rib-in is always kept */
    struct opt_bool route_reflector_client;
    struct opt_bool add_path_receive;
    struct opt_bool add_path_all;        /* all paths are sent */
    struct opt_bool accept_blackhole;    /* RFC 7999: agreed on with this neighbour */
    struct opt_u32 blackhole_length_min; /* host routes when not given */
    struct opt_bool add_path_per_as;
    struct opt_u32 add_path_best; /* so many of the best */
    const char
        *advertise_map; /* conditional advertisement: advertise-map A exist|non-exist-map B */
    const char *condition_map;
    bool condition_is_absence;
};

/* One neighbour or peer-group. */
/* Of BFD packets (RFC 5880 6.7). */
struct config_bfd_auth {
    uint8_t type; /* enum bfd_auth_type less one */
    uint8_t key_id;
    const char *key; /* secret; NULL: packets are not authenticated */
};

struct config_neighbor {
    const char *group_name; /* of a peer-group; NULL for a neighbour */
    struct ip_addr addr;    /* of a neighbour */
    const char *interface;  /* scope of a link-local neighbour */
    const char *peer_group; /* it belongs to; NULL for none */
    const char *description;
    uint8_t remote_as_kind; /* enum remote_as_kind */
    uint32_t remote_asn;
    uint8_t azure_role;       /* enum azure_role */
    const char *tunnel;       /* the session runs through this tunnel and no other way */
    struct opt_u32 local_asn; /* local-as */
    bool local_as_no_prepend;
    bool local_as_replace;
    bool local_as_dual; /* the neighbour may know us by our own AS as well */
    struct opt_bool shutdown;
    const char *shutdown_message;
    const char *password; /* secret: never printed, logged or sent */
    const char *ao_key_chain;
    struct opt_bool ao_include_options;
    struct opt_u32 keepalive_s;
    struct opt_u32 hold_time_s;
    struct opt_u32 connect_retry_s;
    struct opt_u32 advertisement_interval_s;
    struct opt_u32 send_hold_s;
    struct opt_u32 delay_open_s;
    struct opt_u32 ebgp_multihop; /* TTL; 1..255 */
    struct opt_u32 ttl_security_hops;
    struct opt_bool disable_connected_check;
    struct ip_addr update_source; /* IP_NONE: not given, or by interface */
    const char *update_source_interface;
    struct opt_bool passive;
    struct opt_u32 port;
    struct opt_u32 tcp_mss;
    struct opt_bool bfd;
    const char *bfd_profile;
    struct opt_u32 bfd_interval_ms;
    struct opt_u32 bfd_multiplier;
    struct opt_bool bfd_strict;
    struct opt_bool bfd_shutdown;
    struct opt_bool bfd_passive;
    struct opt_u32 bfd_minimum_ttl;
    struct opt_u32 bfd_hold_down_ms;
    struct config_bfd_auth bfd_auth;
    struct opt_bool enforce_first_as;
    struct opt_bool graceful_restart; /* advertise it: restarting speaker */
    struct opt_bool graceful_restart_helper_only;
    struct opt_bool graceful_restart_disable;
    struct opt_bool extended_message; /* default on */
    struct opt_bool dont_capability_negotiate;
    struct opt_bool extended_next_hop;
    struct opt_u32 role; /* enum bgp_role */
    struct opt_bool role_strict;
    struct opt_bool graceful_shutdown; /* RFC 8326: traffic is to leave the session */
    struct config_family families[AFI_SAFI_COUNT];
};

struct config_listen_range {
    struct prefix prefix;
    const char *peer_group;
};

/* `network`; announced only to peers whose session runs over one of classes. */
struct config_network {
    struct prefix prefix;
    const char *route_map;
    uint32_t path_classes; /* PATH_CLASS_BITs; 0: no path-class given, announced to all */
};

struct config_aggregate {
    struct prefix prefix;
    const char *route_map;
    bool summary_only;
    bool as_set; /* accepted; the path carries no AS_SET (RFC 9774), only the common head */
};

enum redistribute_kind {
    REDISTRIBUTE_CONNECTED,
    REDISTRIBUTE_STATIC,
    REDISTRIBUTE_KERNEL,
    REDISTRIBUTE_KIND_COUNT,
};

struct config_redistribute {
    bool is_enabled;
    const char *route_map;
    struct opt_u32 metric;
};

struct config_bgp_family {
    const struct config_network *networks;
    size_t network_count;
    const struct config_aggregate *aggregates;
    size_t aggregate_count;
    struct config_redistribute redistribute[REDISTRIBUTE_KIND_COUNT];
    struct opt_u32 maximum_paths_ebgp; /* default 1, or the number of MSEE neighbours */
    struct opt_u32 maximum_paths_ibgp;
    const char *table_map; /* route-map on the way to the kernel: set src, deny */
};

enum cover_mode {
    COVER_SPLIT, /* default: the complement goes out */
    COVER_HOLD,
    COVER_ALLOW,
};

struct config_bgp {
    bool is_configured; /* there is a `router bgp` */
    uint32_t asn;
    struct opt_u32 router_id;  /* host order */
    bool ebgp_requires_policy; /* RFC 8212; default true */
    bool default_ipv4_unicast; /* default true */
    bool log_neighbor_changes; /* default true */
    bool always_compare_med;
    bool med_missing_as_worst;
    bool ignore_as_path;
    struct opt_bool multipath_relax; /* default: on when there are MSEE neighbours */
    bool reject_as_sets;             /* RFC 9774; default true */
    bool enforce_first_as;           /* default true */
    bool fast_external_failover; /* default true: interface down drops its directly connected peers
                                  */
    bool shutdown;
    struct opt_u32 default_local_pref;
    struct opt_u32 keepalive_s;
    struct opt_u32 hold_time_s;
    struct opt_u32 minimum_hold_time_s;
    struct opt_bool graceful_restart;      /* not set: with Azure roles */
    struct opt_bool gr_notification;       /* true: RFC 8538 */
    struct opt_u32 gr_restart_time_s;      /* 120 */
    struct opt_u32 gr_stale_time_s;        /* 360 */
    struct opt_u32 gr_select_defer_time_s; /* 360 */
    struct opt_u32 llgr_stale_time_s;
    bool graceful_shutdown; /* RFC 8326 on every session */
    uint8_t cover;          /* enum cover_mode */
    struct opt_u32 listen_limit;
    const struct config_listen_range *listen_ranges;
    size_t listen_range_count;
    struct opt_u32 cluster_id;
    struct config_bgp_family families[AFI_SAFI_COUNT];
    const struct config_neighbor *neighbors; /* ascending by address */
    size_t neighbor_count;
    const struct config_neighbor *peer_groups;
    size_t peer_group_count;
};

struct config_static_route {
    struct prefix prefix;
    struct ip_addr gateway; /* IP_NONE: by interface, or discard */
    const char *interface;
    bool is_blackhole; /* blackhole, Null0 */
    bool is_reject;
    uint8_t distance; /* 1 */
    uint32_t tag;
};

enum liveness_bits {
    LIVENESS_INTERFACE = 1,
    LIVENESS_XFRM = 2,
    LIVENESS_VICI = 4,
    LIVENESS_PROBE = 8,
    LIVENESS_BFD = 16,
};

/* How a probe asks. AUTO: echo where it is answered, else TCP. */
enum probe_kind {
    PROBE_KIND_AUTO,
    PROBE_KIND_ECHO,
    PROBE_KIND_TCP, /* the acknowledgements of the BGP session inside the tunnel */
};

struct config_tunnel {
    const char *name;
    const char *interface; /* default: the name */
    struct ip_addr local_endpoint;
    struct ip_addr remote_endpoint;
    uint32_t underlay_classes; /* PATH_CLASS_BITs the endpoint may resolve through; default clear,
                                  macsec */
    uint32_t if_id;            /* of the XFRM interface; 0: none given */
    uint8_t path_class;        /* of what goes through it; default ipsec */
    const struct ip_addr *inner_peers; /* besides the neighbours bound to it */
    size_t inner_peer_count;
    uint32_t liveness; /* LIVENESS_ bits; 0: not given, all that can tell */
    const char *vici_socket;
    const char *vici_child;
    uint32_t probe_interval_ms;
    uint8_t probe_multiplier;
    uint8_t probe_kind; /* enum probe_kind */
};

struct config_interface {
    const char *name;
    const char *description;
    struct opt_u32 path_class; /* enum path_class */
    struct opt_u32 bandwidth_mbit;
};

struct config_bfd_profile {
    const char *name; /* "" for the default of `bfd` */
    uint32_t transmit_interval_ms;
    uint32_t receive_interval_ms;
    uint8_t detect_multiplier;
    bool passive;
    bool shutdown;
    struct opt_u32 minimum_ttl;
    uint32_t hold_down_ms;
    struct config_bfd_auth auth;
};

enum tcp_ao_algorithm {
    TCP_AO_HMAC_SHA1,
    TCP_AO_AES_128_CMAC,
    TCP_AO_HMAC_SHA256,
};

#define TCP_AO_KEYS_MAX     8u
#define TCP_AO_SECRET_BYTES 81u

struct config_tcp_key {
    uint8_t id;
    uint8_t send_id;
    uint8_t recv_id;
    uint8_t algorithm;                /* enum tcp_ao_algorithm */
    char secret[TCP_AO_SECRET_BYTES]; /* never printed, logged or sent; "": not given */
};

/* RFC 5925: the first key signs, all are taken. In one piece, so that it is copied as one. */
struct config_key_chain {
    const char *name;
    uint8_t key_count;
    struct config_tcp_key keys[TCP_AO_KEYS_MAX]; /* ascending id */
};

struct config_log {
    const char *file;
    bool stdout_enabled;
    bool syslog_enabled;
    bool json;
    uint8_t level; /* syslog severity 0..7; default 6 */
};

struct config {
    struct arena arena; /* holds everything below and this struct's strings */
    const char *hostname;
    struct config_log log;
    struct opt_u32 path_class_weight[PATH_CLASS_COUNT];
    struct config_bgp bgp;
    struct policy_defs policy;
    const struct protection_def *protections;
    size_t protection_count;
    const struct config_tunnel *tunnels;
    size_t tunnel_count;
    const struct config_interface *interfaces;
    size_t interface_count;
    const struct config_static_route *static_routes;
    size_t static_route_count;
    const struct config_bfd_profile *bfd_profiles;
    size_t bfd_profile_count;
    const struct config_key_chain *key_chains;
    size_t key_chain_count;
    uint32_t fib_table;   /* 254 main */
    uint32_t fib_metric;  /* 20 */
    uint8_t fib_protocol; /* rtm_protocol number of ours: 186 is everybody's bgp; ours 165 */
    bool fib_forbid_compat_mode_change;
    bool keep_routes_on_stop; /* forwarding state survives a stop */
};

#define CONFIG_FIB_TABLE_DEFAULT    254u
#define CONFIG_FIB_METRIC_DEFAULT   20u
#define CONFIG_FIB_PROTOCOL_DEFAULT 165u

/* An empty configuration with built-in values; config_free releases it. */
struct config *config_new(void);
void config_free(struct config *config);

/* What a neighbour really runs with: everything that may be inherited is set in the result. Strings
 * are borrowed from config. */
struct neighbor_settings {
    struct config_neighbor merged; /* after peer-group, role, global and built-in values */
    uint32_t remote_asn;           /* resolved number; 0 when `external` leaves it open */
    uint32_t local_asn;
    bool is_ebgp;
    bool has_import_policy[AFI_SAFI_COUNT]; /* RFC 8212: something decides about routes */
    bool has_export_policy[AFI_SAFI_COUNT];
    bool is_azure_default_policy; /* the role's own safe policy is in force where none is named */
    uint16_t tunnel_number;       /* 1-based index into config->tunnels; 0 for none */
};

void config_resolve_neighbor(const struct config *config, const struct config_neighbor *neighbor,
                             struct neighbor_settings *settings_out);

enum add_path_mode config_add_path_mode(const struct config_family *family);

/* dual-as: from the neighbour's local AS to the router's own. An internal neighbour is expected in
 * the same AS (RFC 7705 4: both sides of a migration). */
void config_use_own_as(const struct config *config, struct neighbor_settings *settings);

/* NULL when name is NULL or there is none. */
const struct config_key_chain *config_find_key_chain(const struct config *config, const char *name);

struct config_message {
    bool is_warning;
    const char *path; /* "neighbor 172.16.0.2 remote-as" */
    const char *text; /* the value and the rule */
};

struct config_messages {
    struct arena *arena;
    struct config_message *items;
    size_t count;
    size_t capacity;
};

/* What YANG cannot say: names resolve, one tunnel per interface, reserved AS numbers for a role,
 * passwords a role refuses, timers, protect without any tunnel. Appends errors and warnings; false
 * when there is at least one error. */
bool config_check(const struct config *config, struct config_messages *messages);

#endif
