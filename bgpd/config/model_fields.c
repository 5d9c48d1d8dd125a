/* Which leaf of the tree becomes which field of the model. */
#include "bgpd/config/model_private.h"

#define FIELD(owner, type, path, member)                                                           \
    {                                                                                              \
        path, offsetof(struct owner, member), type, 0, 0                                           \
    }
#define BIT_FIELD(owner, path, member, bit, bits_default)                                          \
    {                                                                                              \
        path, offsetof(struct owner, member), FIELD_OPT_BIT, bit, bits_default                     \
    }
#define TABLE(name, rows) const struct model_table name = {rows, sizeof rows / sizeof rows[0]}

static const struct model_field config_fields[] = {
    FIELD(config, FIELD_STRING, "hostname", hostname),
    FIELD(config, FIELD_STRING, "log/file", log.file),
    FIELD(config, FIELD_BOOL, "log/stdout", log.stdout_enabled),
    FIELD(config, FIELD_BOOL, "log/syslog", log.syslog_enabled),
    FIELD(config, FIELD_ENUM_BOOL, "log/format", log.json),
    FIELD(config, FIELD_ENUM_U8, "log/level", log.level),
    FIELD(config, FIELD_U32, "fib/table", fib_table),
    FIELD(config, FIELD_U32, "fib/metric", fib_metric),
    FIELD(config, FIELD_U8, "fib/protocol", fib_protocol),
    FIELD(config, FIELD_BOOL, "fib/forbid-compat-mode-change", fib_forbid_compat_mode_change),
    FIELD(config, FIELD_BOOL, "fib/keep-routes-on-stop", keep_routes_on_stop),
};
TABLE(model_config, config_fields);

static const struct model_field tunnel_fields[] = {
    FIELD(config_tunnel, FIELD_STRING, "name", name),
    FIELD(config_tunnel, FIELD_STRING, "interface", interface),
    FIELD(config_tunnel, FIELD_IP, "local-endpoint", local_endpoint),
    FIELD(config_tunnel, FIELD_IP, "remote-endpoint", remote_endpoint),
    FIELD(config_tunnel, FIELD_ENUM_BITS, "underlay", underlay_classes),
    FIELD(config_tunnel, FIELD_U32, "if-id", if_id),
    FIELD(config_tunnel, FIELD_ENUM_U8, "path-class", path_class),
    FIELD(config_tunnel, FIELD_ENUM_BITS, "liveness/method", liveness),
    FIELD(config_tunnel, FIELD_STRING, "liveness/vici-socket", vici_socket),
    FIELD(config_tunnel, FIELD_STRING, "liveness/vici-child", vici_child),
    FIELD(config_tunnel, FIELD_ENUM_U8, "liveness/probe-kind", probe_kind),
    FIELD(config_tunnel, FIELD_U32, "liveness/probe-interval", probe_interval_ms),
    FIELD(config_tunnel, FIELD_U8, "liveness/probe-multiplier", probe_multiplier),
};
TABLE(model_tunnel, tunnel_fields);

static const struct model_field interface_fields[] = {
    FIELD(config_interface, FIELD_STRING, "name", name),
    FIELD(config_interface, FIELD_STRING, "description", description),
    FIELD(config_interface, FIELD_OPT_ENUM, "path-class", path_class),
    FIELD(config_interface, FIELD_OPT_U32, "bandwidth", bandwidth_mbit),
};
TABLE(model_interface, interface_fields);

static const struct model_field static_route_fields[] = {
    FIELD(config_static_route, FIELD_PREFIX, "prefix", prefix),
    FIELD(config_static_route, FIELD_STRING, "interface", interface),
    FIELD(config_static_route, FIELD_U8, "distance", distance),
    FIELD(config_static_route, FIELD_U32, "tag", tag),
};
TABLE(model_static_route, static_route_fields);

/* Of a profile and of the default; the latter has no name. */
static const struct model_field bfd_profile_fields[] = {
    FIELD(config_bfd_profile, FIELD_MS, "desired-min-tx-interval", transmit_interval_ms),
    FIELD(config_bfd_profile, FIELD_MS, "required-min-rx-interval", receive_interval_ms),
    FIELD(config_bfd_profile, FIELD_U8, "local-multiplier", detect_multiplier),
    FIELD(config_bfd_profile, FIELD_BOOL, "passive-mode", passive),
    FIELD(config_bfd_profile, FIELD_BOOL_NOT, "enabled", shutdown),
    FIELD(config_bfd_profile, FIELD_OPT_U32, "minimum-ttl", minimum_ttl),
    FIELD(config_bfd_profile, FIELD_U32, "hold-down", hold_down_ms),
    FIELD(config_bfd_profile, FIELD_ENUM_U8, "authentication/type", auth.type),
    FIELD(config_bfd_profile, FIELD_U8, "authentication/key-id", auth.key_id),
    FIELD(config_bfd_profile, FIELD_STRING, "authentication/key", auth.key),
};
TABLE(model_bfd_profile, bfd_profile_fields);

static const struct model_field protection_fields[] = {
    FIELD(protection_def, FIELD_PREFIX, "prefix", prefix),
    FIELD(protection_def, FIELD_ENUM_BITS, "require", allowed_classes),
    FIELD(protection_def, FIELD_ENUM_U32, "on-violation", guard),
    FIELD(protection_def, FIELD_BOOL, "overrule-foreign", overrules_foreign),
};
TABLE(model_protection, protection_fields);

static const struct model_field global_fields[] = {
    FIELD(config_bgp, FIELD_U32, "as", asn),
    FIELD(config_bgp, FIELD_OPT_IP4, "identifier", router_id),
    FIELD(config_bgp, FIELD_BOOL_NOT, "enabled", shutdown),
    FIELD(config_bgp, FIELD_BOOL, "graceful-shutdown", graceful_shutdown),
    FIELD(config_bgp, FIELD_BOOL, "ebgp-requires-policy", ebgp_requires_policy),
    FIELD(config_bgp, FIELD_BOOL, "default-ipv4-unicast", default_ipv4_unicast),
    FIELD(config_bgp, FIELD_BOOL, "reject-as-sets", reject_as_sets),
    FIELD(config_bgp, FIELD_BOOL, "enforce-first-as", enforce_first_as),
    FIELD(config_bgp, FIELD_BOOL, "fast-external-failover", fast_external_failover),
    FIELD(config_bgp, FIELD_OPT_U32, "default-local-preference", default_local_pref),
    FIELD(config_bgp, FIELD_ENUM_U8, "cover", cover),
    FIELD(config_bgp, FIELD_OPT_U32, "timers/keepalive", keepalive_s),
    FIELD(config_bgp, FIELD_OPT_U32, "timers/hold-time", hold_time_s),
    FIELD(config_bgp, FIELD_OPT_U32, "timers/minimum-hold-time", minimum_hold_time_s),
    FIELD(config_bgp, FIELD_BOOL, "logging-options/log-neighbor-state-changes",
          log_neighbor_changes),
    FIELD(config_bgp, FIELD_OPT_BOOL, "graceful-restart/enabled", graceful_restart),
    FIELD(config_bgp, FIELD_OPT_BOOL, "graceful-restart/notification", gr_notification),
    FIELD(config_bgp, FIELD_OPT_U32, "graceful-restart/restart-time", gr_restart_time_s),
    FIELD(config_bgp, FIELD_OPT_U32, "graceful-restart/stale-routes-time", gr_stale_time_s),
    FIELD(config_bgp, FIELD_OPT_U32, "graceful-restart/selection-deferral-time",
          gr_select_defer_time_s),
    FIELD(config_bgp, FIELD_OPT_U32, "graceful-restart/long-lived-stale-time", llgr_stale_time_s),
    FIELD(config_bgp, FIELD_OPT_BOOL, "use-multiple-paths/allow-multiple-as", multipath_relax),
    FIELD(config_bgp, FIELD_BOOL, "route-selection-options/always-compare-med", always_compare_med),
    FIELD(config_bgp, FIELD_BOOL, "route-selection-options/ignore-as-path-length", ignore_as_path),
    FIELD(config_bgp, FIELD_BOOL, "route-selection-options/med-missing-as-worst",
          med_missing_as_worst),
    FIELD(config_bgp, FIELD_OPT_IP4, "route-reflector/cluster-id", cluster_id),
    FIELD(config_bgp, FIELD_OPT_U32, "dynamic-peers/limit", listen_limit),
};
TABLE(model_global, global_fields);

static const struct model_field neighbor_fields[] = {
    FIELD(config_neighbor, FIELD_STRING, "interface", interface),
    {"peer-as", 0, FIELD_PEER_AS, 0, 0},
    FIELD(config_neighbor, FIELD_STRING, "description", description),
    FIELD(config_neighbor, FIELD_ROLE, "azure-role", azure_role),
    FIELD(config_neighbor, FIELD_STRING, "tunnel", tunnel),
    FIELD(config_neighbor, FIELD_OPT_U32, "local-as/as", local_asn),
    FIELD(config_neighbor, FIELD_BOOL, "local-as/no-prepend", local_as_no_prepend),
    FIELD(config_neighbor, FIELD_BOOL, "local-as/replace-as", local_as_replace),
    FIELD(config_neighbor, FIELD_BOOL, "local-as/dual-as", local_as_dual),
    FIELD(config_neighbor, FIELD_OPT_BOOL_NOT, "enabled", shutdown),
    FIELD(config_neighbor, FIELD_STRING, "shutdown-message", shutdown_message),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/keepalive", keepalive_s),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/hold-time", hold_time_s),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/connect-retry-interval", connect_retry_s),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/min-route-advertisement-interval",
          advertisement_interval_s),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/send-hold-time", send_hold_s),
    FIELD(config_neighbor, FIELD_OPT_U32, "timers/delay-open", delay_open_s),
    {"transport/local-address", 0, FIELD_LOCAL_ADDRESS, 0, 0},
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/passive-mode", passive),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/remote-port", port),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/tcp-mss", tcp_mss),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/ttl-security-hops", ttl_security_hops),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/ebgp-multihop/multihop-ttl", ebgp_multihop),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/ebgp-multihop/disable-connected-check",
          disable_connected_check),
    FIELD(config_neighbor, FIELD_STRING, "transport/secure-session/md5-key-string", password),
    FIELD(config_neighbor, FIELD_STRING, "transport/secure-session/ao-keychain", ao_key_chain),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/secure-session/include-tcp-options",
          ao_include_options),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/bfd/enabled", bfd),
    FIELD(config_neighbor, FIELD_STRING, "transport/bfd/profile", bfd_profile),
    FIELD(config_neighbor, FIELD_OPT_MS_MAX, "transport/bfd/desired-min-tx-interval",
          bfd_interval_ms),
    FIELD(config_neighbor, FIELD_OPT_MS_MAX, "transport/bfd/required-min-rx-interval",
          bfd_interval_ms),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/bfd/local-multiplier", bfd_multiplier),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/bfd/strict", bfd_strict),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/bfd/shutdown", bfd_shutdown),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "transport/bfd/passive-mode", bfd_passive),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/bfd/minimum-ttl", bfd_minimum_ttl),
    FIELD(config_neighbor, FIELD_OPT_U32, "transport/bfd/hold-down", bfd_hold_down_ms),
    FIELD(config_neighbor, FIELD_ENUM_U8, "transport/bfd/authentication/type", bfd_auth.type),
    FIELD(config_neighbor, FIELD_U8, "transport/bfd/authentication/key-id", bfd_auth.key_id),
    FIELD(config_neighbor, FIELD_STRING, "transport/bfd/authentication/key", bfd_auth.key),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "enforce-first-as", enforce_first_as),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "graceful-restart/enabled", graceful_restart),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "graceful-restart/helper-only",
          graceful_restart_helper_only),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "graceful-restart/disabled", graceful_restart_disable),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "capabilities/extended-message", extended_message),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "capabilities/extended-nexthop", extended_next_hop),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "capabilities/dont-negotiate",
          dont_capability_negotiate),
    FIELD(config_neighbor, FIELD_OPT_ENUM, "role/local-role", role),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "role/strict-mode", role_strict),
    FIELD(config_neighbor, FIELD_OPT_BOOL, "graceful-shutdown", graceful_shutdown),
};
TABLE(model_neighbor, neighbor_fields);

#define SEND_COMMUNITY_ALL                                                                         \
    (SEND_COMMUNITY_STANDARD | SEND_COMMUNITY_EXTENDED | SEND_COMMUNITY_LARGE)

static const struct model_field family_fields[] = {
    FIELD(config_family, FIELD_OPT_BOOL, "enabled", activate),
    FIELD(config_family, FIELD_STRING, "apply-policy/import-policy", route_map_in),
    FIELD(config_family, FIELD_STRING, "apply-policy/export-policy", route_map_out),
    FIELD(config_family, FIELD_STRING, "apply-policy/import-prefix-set", prefix_list_in),
    FIELD(config_family, FIELD_STRING, "apply-policy/export-prefix-set", prefix_list_out),
    FIELD(config_family, FIELD_STRING, "apply-policy/import-as-path-set", filter_list_in),
    FIELD(config_family, FIELD_STRING, "apply-policy/export-as-path-set", filter_list_out),
    FIELD(config_family, FIELD_OPT_BOOL, "next-hop-self", next_hop_self),
    FIELD(config_family, FIELD_OPT_BOOL, "next-hop-self-force", next_hop_self_force),
    BIT_FIELD(config_family, "send-community/standard", send_community, SEND_COMMUNITY_STANDARD,
              SEND_COMMUNITY_ALL),
    BIT_FIELD(config_family, "send-community/extended", send_community, SEND_COMMUNITY_EXTENDED,
              SEND_COMMUNITY_ALL),
    BIT_FIELD(config_family, "send-community/large", send_community, SEND_COMMUNITY_LARGE,
              SEND_COMMUNITY_ALL),
    FIELD(config_family, FIELD_OPT_U32, "weight", weight),
    FIELD(config_family, FIELD_OPT_U32, "prefix-limit/max-prefixes", max_prefixes),
    FIELD(config_family, FIELD_OPT_U32, "prefix-limit/warning-threshold-pct",
          max_prefixes_warning_pct),
    FIELD(config_family, FIELD_OPT_ENUM, "prefix-limit/action", max_prefixes_action),
    FIELD(config_family, FIELD_OPT_U32, "prefix-limit/idle-time", max_prefixes_restart_min),
    FIELD(config_family, FIELD_OPT_U32, "prefix-limit/max-prefixes-out", max_prefixes_out),
    FIELD(config_family, FIELD_OPT_U32, "as-path-options/allow-own-as", allow_own_as),
    FIELD(config_family, FIELD_OPT_BOOL, "as-path-options/replace-peer-as", as_override),
    FIELD(config_family, FIELD_OPT_ENUM, "remove-private-as", private_as),
    FIELD(config_family, FIELD_OPT_BOOL, "default-originate/send-default-route", default_originate),
    FIELD(config_family, FIELD_STRING, "default-originate/route-map", default_originate_route_map),
    FIELD(config_family, FIELD_OPT_BOOL, "soft-reconfiguration", soft_reconfiguration),
    FIELD(config_family, FIELD_OPT_BOOL, "route-reflector/client", route_reflector_client),
    FIELD(config_family, FIELD_OPT_BOOL, "blackhole/accept", accept_blackhole),
    FIELD(config_family, FIELD_OPT_U32, "blackhole/minimum-length", blackhole_length_min),
    FIELD(config_family, FIELD_OPT_BOOL, "add-paths/receive", add_path_receive),
    FIELD(config_family, FIELD_OPT_BOOL, "add-paths/send", add_path_all),
    FIELD(config_family, FIELD_OPT_BOOL, "add-paths/send-best-per-as", add_path_per_as),
    FIELD(config_family, FIELD_OPT_U32, "add-paths/send-best", add_path_best),
    FIELD(config_family, FIELD_STRING, "conditional-advertisement/advertise-map", advertise_map),
    FIELD(config_family, FIELD_EXIST_MAP, "conditional-advertisement/exist-map", condition_map),
    FIELD(config_family, FIELD_NON_EXIST_MAP, "conditional-advertisement/non-exist-map",
          condition_map),
};
TABLE(model_family, family_fields);

static const struct model_field network_fields[] = {
    FIELD(config_network, FIELD_PREFIX, "prefix", prefix),
    FIELD(config_network, FIELD_STRING, "route-map", route_map),
    FIELD(config_network, FIELD_ENUM_BITS, "path-class", path_classes),
};
TABLE(model_network, network_fields);

static const struct model_field aggregate_fields[] = {
    FIELD(config_aggregate, FIELD_PREFIX, "prefix", prefix),
    FIELD(config_aggregate, FIELD_STRING, "route-map", route_map),
    FIELD(config_aggregate, FIELD_BOOL, "summary-only", summary_only),
    FIELD(config_aggregate, FIELD_BOOL, "as-set", as_set),
};
TABLE(model_aggregate, aggregate_fields);

static const struct model_field bgp_family_fields[] = {
    FIELD(config_bgp_family, FIELD_OPT_U32, "use-multiple-paths/ebgp/maximum-paths",
          maximum_paths_ebgp),
    FIELD(config_bgp_family, FIELD_OPT_U32, "use-multiple-paths/ibgp/maximum-paths",
          maximum_paths_ibgp),
    FIELD(config_bgp_family, FIELD_STRING, "fib/route-map", table_map),
};
TABLE(model_bgp_family, bgp_family_fields);
