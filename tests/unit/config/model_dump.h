/* A model as text, every field of it, so that tests can compare whole models. */
#ifndef TESTS_UNIT_CONFIG_MODEL_DUMP_H
#define TESTS_UNIT_CONFIG_MODEL_DUMP_H

#include "bgpd/core/config_model.h"
#include "proto/base/buffer.h"

static void dump_text(struct buffer *out, const char *name, const char *value)
{
    buffer_printf(out, " %s=%s", name, value == NULL ? "(null)" : value);
}

static void dump_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_printf(out, " %s=%llu", name, (unsigned long long)value);
}

static void dump_u32(struct buffer *out, const char *name, struct opt_u32 value)
{
    if (value.is_set) {
        dump_number(out, name, value.value);
    }
}

static void dump_bool(struct buffer *out, const char *name, struct opt_bool value)
{
    if (value.is_set) {
        dump_number(out, name, value.value);
    }
}

static void dump_ip(struct buffer *out, const char *name, const struct ip_addr *addr)
{
    char text[IP_TEXT_BYTES];
    dump_text(out, name, ip_format(addr, text));
}

static void dump_prefix(struct buffer *out, const char *name, const struct prefix *prefix)
{
    char text[PREFIX_TEXT_BYTES];
    dump_text(out, name, prefix->family == IP_NONE ? "-" : prefix_format(prefix, text));
}

#define T(field)  dump_text(out, #field, at->field)
#define N(field)  dump_number(out, #field, at->field)
#define OU(field) dump_u32(out, #field, at->field)
#define OB(field) dump_bool(out, #field, at->field)
#define IP(field) dump_ip(out, #field, &at->field)
#define P(field)  dump_prefix(out, #field, &at->field)

static void dump_family(struct buffer *out, const struct config_family *at)
{
    OB(activate), T(route_map_in), T(route_map_out), T(prefix_list_in), T(prefix_list_out);
    T(filter_list_in), T(filter_list_out), OB(next_hop_self), OB(next_hop_self_force);
    OU(send_community), OU(weight), OU(max_prefixes), OU(max_prefixes_warning_pct);
    OU(max_prefixes_restart_min), OU(max_prefixes_action), OU(max_prefixes_out);
    OU(allow_own_as), OB(as_override), OU(private_as), OB(default_originate);
    T(default_originate_route_map), OB(soft_reconfiguration), OB(route_reflector_client);
    OB(accept_blackhole), OU(blackhole_length_min), OB(add_path_receive), OB(add_path_all),
        OB(add_path_per_as), OU(add_path_best), T(advertise_map), T(condition_map),
        N(condition_is_absence);
}

static void dump_neighbor(struct buffer *out, const struct config_neighbor *at)
{
    buffer_printf(out, "\nneighbor");
    T(group_name), IP(addr), T(interface), T(peer_group), T(description), N(remote_as_kind);
    N(remote_asn), N(azure_role), T(tunnel), OU(local_asn), N(local_as_no_prepend);
    N(local_as_replace), N(local_as_dual), OB(shutdown), T(shutdown_message), T(password),
        OU(keepalive_s);
    OU(hold_time_s), OU(connect_retry_s), OU(advertisement_interval_s), OU(send_hold_s);
    OU(delay_open_s), OU(ebgp_multihop), OU(ttl_security_hops), OB(disable_connected_check);
    IP(update_source), T(update_source_interface), OB(passive), OU(port), OU(tcp_mss), OB(bfd);
    T(bfd_profile), OU(bfd_interval_ms), OU(bfd_multiplier), OB(bfd_strict), OB(bfd_shutdown);
    OB(bfd_passive), OU(bfd_minimum_ttl), OU(bfd_hold_down_ms), N(bfd_auth.type);
    N(bfd_auth.key_id), T(bfd_auth.key), T(ao_key_chain), OB(ao_include_options);
    OB(enforce_first_as), OB(graceful_restart), OB(graceful_restart_helper_only);
    OB(graceful_restart_disable), OB(extended_message), OB(dont_capability_negotiate);
    OB(extended_next_hop), OU(role), OB(role_strict), OB(graceful_shutdown);
    for (size_t f = 0; f < AFI_SAFI_COUNT; f++) {
        buffer_printf(out, "\n family %zu", f);
        dump_family(out, &at->families[f]);
    }
}

static void dump_bgp_family(struct buffer *out, const struct config_bgp_family *family)
{
    for (size_t i = 0; i < family->network_count; i++) {
        const struct config_network *at = &family->networks[i];
        buffer_printf(out, "\nnetwork");
        P(prefix), T(route_map), N(path_classes);
    }
    for (size_t i = 0; i < family->aggregate_count; i++) {
        const struct config_aggregate *at = &family->aggregates[i];
        buffer_printf(out, "\naggregate");
        P(prefix), T(route_map), N(summary_only), N(as_set);
    }
    for (size_t i = 0; i < REDISTRIBUTE_KIND_COUNT; i++) {
        const struct config_redistribute *at = &family->redistribute[i];
        buffer_printf(out, "\nredistribute %zu", i);
        N(is_enabled), T(route_map), OU(metric);
    }
    const struct config_bgp_family *at = family;
    OU(maximum_paths_ebgp), OU(maximum_paths_ibgp), T(table_map);
}

static void dump_bgp(struct buffer *out, const struct config_bgp *at)
{
    buffer_printf(out, "\nbgp");
    N(is_configured), N(asn), OU(router_id), N(ebgp_requires_policy), N(default_ipv4_unicast);
    N(log_neighbor_changes), N(always_compare_med), N(med_missing_as_worst), N(ignore_as_path);
    OB(multipath_relax), N(reject_as_sets), N(enforce_first_as), N(fast_external_failover);
    N(shutdown), OU(default_local_pref), OU(keepalive_s), OU(hold_time_s);
    OU(minimum_hold_time_s), OB(graceful_restart), OU(gr_restart_time_s), OU(gr_stale_time_s);
    OU(gr_select_defer_time_s), OB(gr_notification);
    OU(llgr_stale_time_s), N(graceful_shutdown), N(cover), OU(listen_limit), OU(cluster_id);
    for (size_t f = 0; f < AFI_SAFI_COUNT; f++) {
        buffer_printf(out, "\nfamily %zu", f);
        dump_bgp_family(out, &at->families[f]);
    }
    for (size_t i = 0; i < at->listen_range_count; i++) {
        buffer_printf(out, "\nlisten");
        dump_prefix(out, "prefix", &at->listen_ranges[i].prefix);
        dump_text(out, "group", at->listen_ranges[i].peer_group);
    }
    for (size_t i = 0; i < at->neighbor_count; i++) {
        dump_neighbor(out, &at->neighbors[i]);
    }
    for (size_t i = 0; i < at->peer_group_count; i++) {
        dump_neighbor(out, &at->peer_groups[i]);
    }
}

static void dump_communities(struct buffer *out, const struct community *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, " ");
        community_format((enum community_kind)items[i].kind, items[i].bytes, out);
    }
}

static void dump_lists(struct buffer *out, const struct policy_defs *defs)
{
    for (size_t i = 0; i < defs->prefix_list_count; i++) {
        const struct prefix_list_def *list = &defs->prefix_lists[i];
        buffer_printf(out, "\nprefix-list %s %u %s", list->name, list->family,
                      list->description == NULL ? "-" : list->description);
        for (size_t e = 0; e < list->entry_count; e++) {
            const struct prefix_list_entry_def *at = &list->entries[e];
            N(sequence), N(is_permit), P(prefix), N(ge_bits), N(le_bits);
        }
    }
    for (size_t i = 0; i < defs->as_path_list_count; i++) {
        const struct as_path_list_def *list = &defs->as_path_lists[i];
        buffer_printf(out, "\nas-path %s", list->name);
        for (size_t e = 0; e < list->entry_count; e++) {
            const struct as_path_list_entry_def *at = &list->entries[e];
            N(sequence), N(is_permit), T(regexp);
        }
    }
    for (size_t i = 0; i < defs->community_list_count; i++) {
        const struct community_list_def *list = &defs->community_lists[i];
        buffer_printf(out, "\ncommunity %s %d %d", list->name, list->kind, list->is_expanded);
        for (size_t e = 0; e < list->entry_count; e++) {
            const struct community_list_entry_def *at = &list->entries[e];
            N(sequence), N(is_permit), T(regexp), N(community_count);
            dump_communities(out, at->communities, at->community_count);
        }
    }
}

static void dump_map_entry(struct buffer *out, const struct route_map_entry_def *entry)
{
    const struct route_map_entry_def *head = entry;
    buffer_printf(out, "\n entry %u %d %s call %s exit %d %u", head->sequence, head->is_permit,
                  head->description == NULL ? "-" : head->description,
                  head->call == NULL ? "-" : head->call, head->exit, head->exit_sequence);
    for (size_t i = 0; i < entry->match_count; i++) {
        const struct match_def *at = &entry->matches[i];
        buffer_printf(out, "\n  match");
        N(kind), T(name), N(number), N(exact), N(community_kind), N(family), P(prefix);
    }
    for (size_t i = 0; i < entry->set_count; i++) {
        const struct set_def *at = &entry->sets[i];
        buffer_printf(out, "\n  set");
        N(kind), N(op), T(name), N(number), IP(addr), N(asn_count), N(community_kind);
        for (size_t a = 0; a < at->asn_count; a++) {
            buffer_printf(out, " %u", at->asns[a]);
        }
        dump_communities(out, at->communities, at->community_count);
    }
}

static void dump_system(struct buffer *out, const struct config *config)
{
    const struct config *at = config;
    T(hostname), T(log.file), N(log.stdout_enabled), N(log.syslog_enabled), N(log.json);
    N(log.level), N(fib_table), N(fib_metric), N(fib_protocol);
    N(fib_forbid_compat_mode_change), N(keep_routes_on_stop);
    for (size_t i = 0; i < PATH_CLASS_COUNT; i++) {
        dump_u32(out, path_class_name((enum path_class)i), at->path_class_weight[i]);
    }
    for (size_t i = 0; i < at->protection_count; i++) {
        buffer_printf(out, "\nprotect %u %d %d", at->protections[i].allowed_classes,
                      at->protections[i].guard, at->protections[i].overrules_foreign);
        dump_prefix(out, "prefix", &at->protections[i].prefix);
    }
}

static void dump_tunnels(struct buffer *out, const struct config *config)
{
    for (size_t i = 0; i < config->tunnel_count; i++) {
        const struct config_tunnel *at = &config->tunnels[i];
        buffer_printf(out, "\ntunnel");
        T(name), T(interface), IP(local_endpoint), IP(remote_endpoint), N(underlay_classes);
        N(if_id), N(path_class), N(liveness), T(vici_socket), T(vici_child);
        N(probe_kind), N(probe_interval_ms), N(probe_multiplier);
        for (size_t p = 0; p < at->inner_peer_count; p++) {
            dump_ip(out, "inner", &at->inner_peers[p]);
        }
    }
    for (size_t i = 0; i < config->interface_count; i++) {
        const struct config_interface *at = &config->interfaces[i];
        buffer_printf(out, "\ninterface");
        T(name), T(description), OU(path_class), OU(bandwidth_mbit);
    }
    for (size_t i = 0; i < config->static_route_count; i++) {
        const struct config_static_route *at = &config->static_routes[i];
        buffer_printf(out, "\nroute");
        P(prefix), IP(gateway), T(interface), N(is_blackhole), N(is_reject), N(distance), N(tag);
    }
    for (size_t i = 0; i < config->bfd_profile_count; i++) {
        const struct config_bfd_profile *at = &config->bfd_profiles[i];
        buffer_printf(out, "\nbfd");
        T(name), N(transmit_interval_ms), N(receive_interval_ms), N(detect_multiplier);
        N(passive), N(shutdown), OU(minimum_ttl), N(hold_down_ms);
        N(auth.type), N(auth.key_id), T(auth.key);
    }
    for (size_t i = 0; i < config->key_chain_count; i++) {
        const struct config_key_chain *chain = &config->key_chains[i];
        buffer_printf(out, "\nkey chain %s", chain->name);
        for (unsigned k = 0; k < chain->key_count; k++) {
            const struct config_tcp_key *at = &chain->keys[k];
            N(id), N(send_id), N(recv_id), N(algorithm), T(secret);
        }
    }
}

/* The caller owes free. */
static char *dump_model(const struct config *config)
{
    struct buffer buffer;
    struct buffer *out = &buffer;
    buffer_init(out, MEM_CONFIG);
    dump_system(out, config);
    dump_tunnels(out, config);
    dump_lists(out, &config->policy);
    for (size_t i = 0; i < config->policy.route_map_count; i++) {
        const struct route_map_def *map = &config->policy.route_maps[i];
        buffer_printf(out, "\nroute-map %s", map->name);
        for (size_t e = 0; e < map->entry_count; e++) {
            dump_map_entry(out, &map->entries[e]);
        }
    }
    dump_bgp(out, &config->bgp);
    char *text = strdup(buffer_text(out));
    buffer_fini(out);
    return text;
}

#endif
