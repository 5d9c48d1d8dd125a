/* What a neighbour really runs with: its own values, then its peer-group's, then what its Azure
 * role says, then the router's, then what is built in. */
#include <string.h>

#include "bgpd/core/config_model.h"

#define KEEPALIVE_S_DEFAULT     60u
#define HOLD_TIME_S_DEFAULT     180u
#define CONNECT_RETRY_S_DEFAULT 10u
#define SEND_HOLD_S_MIN         480u /* RFC 9687 3: the greater of 8 minutes and twice the hold time */
#define BGP_PORT                179u
#define BFD_INTERVAL_MS_DEFAULT 300u
#define BFD_MULTIPLIER_DEFAULT  3u
#define TTL_MAX                 255u

static void take_u32(struct opt_u32 *value, struct opt_u32 inherited)
{
    if (!value->is_set) {
        *value = inherited;
    }
}

static void take_bool(struct opt_bool *value, struct opt_bool inherited)
{
    if (!value->is_set) {
        *value = inherited;
    }
}

static void take_text(const char **value, const char *inherited)
{
    if (*value == NULL) {
        *value = inherited;
    }
}

static void take_bfd_auth(struct config_bfd_auth *auth, const struct config_bfd_auth *inherited)
{
    if (auth->key == NULL) {
        *auth = *inherited;
    }
}

static void default_u32(struct opt_u32 *value, uint32_t built_in)
{
    take_u32(value, (struct opt_u32){true, built_in});
}

static void default_bool(struct opt_bool *value, bool built_in)
{
    take_bool(value, (struct opt_bool){true, built_in});
}

enum add_path_mode config_add_path_mode(const struct config_family *family)
{
    if (family->add_path_best.is_set) {
        return ADD_PATH_MODE_BEST;
    }
    if (family->add_path_per_as.value) {
        return ADD_PATH_MODE_PER_AS;
    }
    return family->add_path_all.value ? ADD_PATH_MODE_ALL : ADD_PATH_MODE_NONE;
}

static void take_family(struct config_family *family, const struct config_family *group)
{
    take_bool(&family->activate, group->activate);
    take_text(&family->route_map_in, group->route_map_in);
    take_text(&family->route_map_out, group->route_map_out);
    take_text(&family->prefix_list_in, group->prefix_list_in);
    take_text(&family->prefix_list_out, group->prefix_list_out);
    take_text(&family->filter_list_in, group->filter_list_in);
    take_text(&family->filter_list_out, group->filter_list_out);
    take_bool(&family->next_hop_self, group->next_hop_self);
    take_bool(&family->next_hop_self_force, group->next_hop_self_force);
    take_u32(&family->send_community, group->send_community);
    take_u32(&family->weight, group->weight);
    take_u32(&family->max_prefixes, group->max_prefixes);
    take_u32(&family->max_prefixes_warning_pct, group->max_prefixes_warning_pct);
    take_u32(&family->max_prefixes_restart_min, group->max_prefixes_restart_min);
    take_u32(&family->max_prefixes_action, group->max_prefixes_action);
    take_u32(&family->max_prefixes_out, group->max_prefixes_out);
    take_u32(&family->allow_own_as, group->allow_own_as);
    take_bool(&family->as_override, group->as_override);
    take_u32(&family->private_as, group->private_as);
    if (!family->default_originate.is_set) {
        take_text(&family->default_originate_route_map, group->default_originate_route_map);
    }
    take_bool(&family->default_originate, group->default_originate);
    take_bool(&family->soft_reconfiguration, group->soft_reconfiguration);
    take_bool(&family->route_reflector_client, group->route_reflector_client);
    if (!family->accept_blackhole.is_set) {
        family->blackhole_length_min = group->blackhole_length_min;
    }
    take_bool(&family->accept_blackhole, group->accept_blackhole);
    bool says_paths = family->add_path_all.is_set || family->add_path_per_as.is_set ||
                      family->add_path_best.is_set;
    if (!says_paths) {
        family->add_path_all = group->add_path_all;
        family->add_path_per_as = group->add_path_per_as;
        family->add_path_best = group->add_path_best;
    }
    take_bool(&family->add_path_receive, group->add_path_receive);
    if (family->advertise_map == NULL) {
        family->advertise_map = group->advertise_map;
        family->condition_map = group->condition_map;
        family->condition_is_absence = group->condition_is_absence;
    }
}

static void take_group_transport(struct config_neighbor *merged,
                                 const struct config_neighbor *group)
{
    take_u32(&merged->ebgp_multihop, group->ebgp_multihop);
    take_u32(&merged->ttl_security_hops, group->ttl_security_hops);
    take_bool(&merged->disable_connected_check, group->disable_connected_check);
    if (merged->update_source.family == IP_NONE && merged->update_source_interface == NULL) {
        merged->update_source = group->update_source;
        merged->update_source_interface = group->update_source_interface;
    }
    take_bool(&merged->passive, group->passive);
    take_u32(&merged->port, group->port);
    take_u32(&merged->tcp_mss, group->tcp_mss);
    take_text(&merged->interface, group->interface);
    take_text(&merged->tunnel, group->tunnel);
    take_text(&merged->password, group->password);
    take_text(&merged->ao_key_chain, group->ao_key_chain);
    take_bool(&merged->ao_include_options, group->ao_include_options);
    take_bool(&merged->bfd, group->bfd);
    take_text(&merged->bfd_profile, group->bfd_profile);
    take_u32(&merged->bfd_interval_ms, group->bfd_interval_ms);
    take_u32(&merged->bfd_multiplier, group->bfd_multiplier);
    take_bool(&merged->bfd_strict, group->bfd_strict);
    take_bool(&merged->bfd_shutdown, group->bfd_shutdown);
    take_bool(&merged->bfd_passive, group->bfd_passive);
    take_u32(&merged->bfd_minimum_ttl, group->bfd_minimum_ttl);
    take_u32(&merged->bfd_hold_down_ms, group->bfd_hold_down_ms);
    take_bfd_auth(&merged->bfd_auth, &group->bfd_auth);
}

static void take_group(struct config_neighbor *merged, const struct config_neighbor *group)
{
    take_text(&merged->description, group->description);
    if (merged->remote_as_kind == REMOTE_AS_UNSET) {
        merged->remote_as_kind = group->remote_as_kind;
        merged->remote_asn = group->remote_asn;
    }
    if (merged->azure_role == AZURE_ROLE_NONE) {
        merged->azure_role = group->azure_role;
    }
    if (!merged->local_asn.is_set) {
        merged->local_asn = group->local_asn;
        merged->local_as_no_prepend = group->local_as_no_prepend;
        merged->local_as_replace = group->local_as_replace;
        merged->local_as_dual = group->local_as_dual;
    }
    if (!merged->shutdown.is_set) {
        take_text(&merged->shutdown_message, group->shutdown_message);
    }
    take_bool(&merged->shutdown, group->shutdown);
    take_u32(&merged->keepalive_s, group->keepalive_s);
    take_u32(&merged->hold_time_s, group->hold_time_s);
    take_u32(&merged->connect_retry_s, group->connect_retry_s);
    take_u32(&merged->advertisement_interval_s, group->advertisement_interval_s);
    take_u32(&merged->send_hold_s, group->send_hold_s);
    take_u32(&merged->delay_open_s, group->delay_open_s);
    take_group_transport(merged, group);
    take_bool(&merged->enforce_first_as, group->enforce_first_as);
    take_bool(&merged->graceful_restart, group->graceful_restart);
    take_bool(&merged->graceful_restart_helper_only, group->graceful_restart_helper_only);
    take_bool(&merged->graceful_restart_disable, group->graceful_restart_disable);
    take_bool(&merged->extended_message, group->extended_message);
    take_bool(&merged->dont_capability_negotiate, group->dont_capability_negotiate);
    take_bool(&merged->extended_next_hop, group->extended_next_hop);
    take_u32(&merged->role, group->role);
    take_bool(&merged->role_strict, group->role_strict);
    take_bool(&merged->graceful_shutdown, group->graceful_shutdown);
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        take_family(&merged->families[i], &group->families[i]);
    }
}

static void take_role(struct config_neighbor *merged, const struct azure_role_profile *profile)
{
    enum afi_safi own =
        merged->addr.family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
    if (merged->remote_as_kind == REMOTE_AS_UNSET) {
        merged->remote_as_kind = REMOTE_AS_NUMBER;
        merged->remote_asn = profile->remote_asn;
    }
    default_u32(&merged->keepalive_s, profile->keepalive_s);
    default_u32(&merged->hold_time_s, profile->hold_time_s);
    if (profile->multihop_ttl > 1 && !merged->ttl_security_hops.is_set) {
        default_u32(&merged->ebgp_multihop, profile->multihop_ttl);
    }
    if (profile->uses_bfd) {
        default_bool(&merged->bfd, true);
        if (merged->bfd_profile == NULL) {
            default_u32(&merged->bfd_interval_ms, profile->bfd_interval_ms);
            default_u32(&merged->bfd_multiplier, profile->bfd_multiplier);
        }
    }
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        struct config_family *family = &merged->families[i];
        default_bool(&family->activate, i == (int)own);
        if (profile->prefixes_out_max[i] != 0) {
            default_u32(&family->max_prefixes_out, profile->prefixes_out_max[i]);
        }
        if (profile->prefixes_in_max[i] != 0 && !family->max_prefixes.is_set) {
            family->max_prefixes = (struct opt_u32){true, profile->prefixes_in_max[i]};
            default_u32(&family->max_prefixes_action, PREFIX_LIMIT_WARN);
        }
    }
}

static void take_router(struct config_neighbor *merged, const struct config_bgp *bgp)
{
    take_u32(&merged->keepalive_s, bgp->keepalive_s);
    take_u32(&merged->hold_time_s, bgp->hold_time_s);
    default_bool(&merged->enforce_first_as, bgp->enforce_first_as);
    if (!merged->graceful_restart_disable.value) {
        take_bool(&merged->graceful_restart, bgp->graceful_restart);
        default_bool(&merged->graceful_restart, merged->azure_role != AZURE_ROLE_NONE);
    }
    /* As users of FRR expect: who does not restart gracefully helps those who do. */
    bool is_off = bgp->graceful_restart.is_set && !bgp->graceful_restart.value;
    default_bool(&merged->graceful_restart_helper_only, !is_off && !merged->graceful_restart.value);
    if (bgp->shutdown) {
        merged->shutdown = (struct opt_bool){true, true};
    }
    if (bgp->graceful_shutdown) {
        merged->graceful_shutdown = (struct opt_bool){true, true};
    }
    default_bool(&merged->families[AFI_SAFI_IPV4_UNICAST].activate, bgp->default_ipv4_unicast);
}

static void take_bfd_profile(struct config_neighbor *merged, const struct config *config)
{
    const char *name = merged->bfd_profile == NULL ? "" : merged->bfd_profile;
    for (size_t i = 0; i < config->bfd_profile_count; i++) {
        const struct config_bfd_profile *profile = &config->bfd_profiles[i];
        if (strcmp(profile->name, name) == 0) {
            if (profile->transmit_interval_ms != 0) {
                default_u32(&merged->bfd_interval_ms, profile->transmit_interval_ms);
            }
            if (profile->detect_multiplier != 0) {
                default_u32(&merged->bfd_multiplier, profile->detect_multiplier);
            }
            default_bool(&merged->bfd_passive, profile->passive);
            default_bool(&merged->bfd_shutdown, profile->shutdown);
            default_u32(&merged->bfd_hold_down_ms, profile->hold_down_ms);
            take_u32(&merged->bfd_minimum_ttl, profile->minimum_ttl);
            take_bfd_auth(&merged->bfd_auth, &profile->auth);
        }
    }
}

static void take_built_in(struct config_neighbor *merged)
{
    default_u32(&merged->hold_time_s, HOLD_TIME_S_DEFAULT);
    default_u32(&merged->keepalive_s, KEEPALIVE_S_DEFAULT);
    default_u32(&merged->connect_retry_s, CONNECT_RETRY_S_DEFAULT);
    default_u32(&merged->advertisement_interval_s, 0);
    uint32_t twice = merged->hold_time_s.value * 2;
    default_u32(&merged->send_hold_s, twice > SEND_HOLD_S_MIN ? twice : SEND_HOLD_S_MIN);
    default_u32(&merged->delay_open_s, 0);
    default_bool(&merged->shutdown, false);
    default_bool(&merged->disable_connected_check, false);
    default_bool(&merged->passive, false);
    default_u32(&merged->port, BGP_PORT);
    default_u32(&merged->tcp_mss, 0);
    default_bool(&merged->bfd, false);
    default_u32(&merged->bfd_interval_ms, BFD_INTERVAL_MS_DEFAULT);
    default_u32(&merged->bfd_multiplier, BFD_MULTIPLIER_DEFAULT);
    default_bool(&merged->bfd_strict, false);
    default_bool(&merged->bfd_shutdown, false);
    default_bool(&merged->bfd_passive, false);
    default_u32(&merged->bfd_minimum_ttl, 0);
    default_u32(&merged->bfd_hold_down_ms, 0);
    default_bool(&merged->graceful_restart, false);
    default_bool(&merged->graceful_restart_helper_only, false);
    default_bool(&merged->graceful_restart_disable, false);
    default_bool(&merged->extended_message, true);
    default_bool(&merged->dont_capability_negotiate, false);
    default_bool(&merged->extended_next_hop, false);
    default_u32(&merged->role, BGP_ROLE_NONE);
    default_bool(&merged->role_strict, false);
    default_bool(&merged->graceful_shutdown, false);
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        struct config_family *family = &merged->families[i];
        default_bool(&family->activate, false);
        default_bool(&family->next_hop_self, false);
        default_bool(&family->next_hop_self_force, false);
        default_u32(&family->send_community,
                    SEND_COMMUNITY_STANDARD | SEND_COMMUNITY_EXTENDED | SEND_COMMUNITY_LARGE);
        default_u32(&family->max_prefixes_action, PREFIX_LIMIT_TEARDOWN);
        default_u32(&family->allow_own_as, 0);
        default_bool(&family->as_override, false);
        default_u32(&family->private_as, PRIVATE_AS_KEEP);
        default_bool(&family->default_originate, false);
        default_bool(&family->soft_reconfiguration, false);
        default_bool(&family->route_reflector_client, false);
        default_bool(&family->add_path_receive, false);
    }
}

static const struct config_neighbor *find_group(const struct config_bgp *bgp, const char *name)
{
    for (size_t i = 0; name != NULL && i < bgp->peer_group_count; i++) {
        if (strcmp(bgp->peer_groups[i].group_name, name) == 0) {
            return &bgp->peer_groups[i];
        }
    }
    return NULL;
}

static uint16_t find_tunnel(const struct config *config, const char *name)
{
    for (size_t i = 0; name != NULL && i < config->tunnel_count; i++) {
        if (strcmp(config->tunnels[i].name, name) == 0) {
            return (uint16_t)(i + 1);
        }
    }
    return 0;
}

static void resolve_asns(const struct config_bgp *bgp, struct neighbor_settings *settings)
{
    const struct config_neighbor *merged = &settings->merged;
    settings->local_asn = merged->local_asn.is_set ? merged->local_asn.value : bgp->asn;
    switch ((enum remote_as_kind)merged->remote_as_kind) {
    case REMOTE_AS_INTERNAL:
        settings->remote_asn = settings->local_asn;
        settings->is_ebgp = false;
        return;
    case REMOTE_AS_NUMBER:
        settings->remote_asn = merged->remote_asn;
        settings->is_ebgp = merged->remote_asn != settings->local_asn;
        return;
    case REMOTE_AS_EXTERNAL:
    case REMOTE_AS_UNSET:
        break;
    }
    settings->remote_asn = 0;
    settings->is_ebgp = true;
}

static void resolve_policies(const struct config_bgp *bgp, struct neighbor_settings *settings)
{
    const struct config_neighbor *merged = &settings->merged;
    settings->is_azure_default_policy = merged->azure_role != AZURE_ROLE_NONE;
    bool is_free =
        !settings->is_ebgp || !bgp->ebgp_requires_policy || settings->is_azure_default_policy;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        const struct config_family *family = &merged->families[i];
        settings->has_import_policy[i] = is_free || family->route_map_in != NULL ||
                                         family->prefix_list_in != NULL ||
                                         family->filter_list_in != NULL;
        settings->has_export_policy[i] = is_free || family->route_map_out != NULL ||
                                         family->prefix_list_out != NULL ||
                                         family->filter_list_out != NULL;
    }
}

void config_resolve_neighbor(const struct config *config, const struct config_neighbor *neighbor,
                             struct neighbor_settings *settings_out)
{
    const struct config_bgp *bgp = &config->bgp;
    *settings_out = (struct neighbor_settings){.merged = *neighbor};
    struct config_neighbor *merged = &settings_out->merged;
    const struct config_neighbor *group = find_group(bgp, neighbor->peer_group);
    if (group != NULL) {
        take_group(merged, group);
    }
    if (merged->azure_role != AZURE_ROLE_NONE) {
        take_role(merged, azure_role_profile(merged->azure_role));
    }
    take_router(merged, bgp);
    take_bfd_profile(merged, config);
    take_built_in(merged);
    if (merged->ebgp_multihop.value > TTL_MAX) {
        merged->ebgp_multihop.value = TTL_MAX;
    }
    settings_out->tunnel_number = find_tunnel(config, merged->tunnel);
    resolve_asns(bgp, settings_out);
    resolve_policies(bgp, settings_out);
}

void config_use_own_as(const struct config *config, struct neighbor_settings *settings)
{
    settings->local_asn = config->bgp.asn;
    if (!settings->is_ebgp) {
        settings->remote_asn = settings->local_asn;
    }
}
