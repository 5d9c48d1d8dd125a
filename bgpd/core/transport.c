/* Where a session runs: addresses, interface, TTL, key. The same settings govern connections in
 * both directions. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/session.h"

#define TTL_FULL 255u

static bool is_directly_connected(const struct neighbor_settings *settings)
{
    const struct config_neighbor *merged = &settings->merged;
    return settings->is_ebgp && settings->tunnel_number == 0 &&
           (!merged->ebgp_multihop.is_set || merged->ebgp_multihop.value <= 1) &&
           (!merged->ttl_security_hops.is_set || merged->ttl_security_hops.value <= 1) &&
           !merged->disable_connected_check.value;
}

static const char *tunnel_interface(const struct core *core, uint16_t tunnel_number)
{
    const struct config_tunnel *tunnel = &core->config->tunnels[tunnel_number - 1];
    return tunnel->interface != NULL ? tunnel->interface : tunnel->name;
}

uint32_t transport_ifindex(const struct core *core, const struct peer *peer)
{
    const struct neighbor_settings *settings = &peer->settings;
    if (settings->tunnel_number != 0) {
        return kernel_tunnel_ifindex(core, settings->tunnel_number);
    }
    if (settings->merged.interface != NULL) {
        return kernel_interface_by_name(core, settings->merged.interface);
    }
    bool is_multihop = settings->is_ebgp && !is_directly_connected(settings);
    return is_multihop ? 0 : kernel_connected_interface(core, &peer->addr);
}

uint8_t transport_ttl_min(const struct neighbor_settings *settings)
{
    struct opt_u32 hops = settings->merged.ttl_security_hops;
    if (!hops.is_set || hops.value == 0) {
        return 0;
    }
    return (uint8_t)(hops.value > TTL_FULL ? 1 : TTL_FULL + 1 - hops.value);
}

static void fill_ttl(const struct neighbor_settings *settings, struct conn_setup_action *setup)
{
    const struct config_neighbor *merged = &settings->merged;
    setup->ttl_min = transport_ttl_min(settings);
    if (setup->ttl_min != 0) {
        setup->ttl = TTL_FULL; /* RFC 5082 3 */
    } else if (!settings->is_ebgp) {
        setup->ttl = TTL_FULL;
    } else {
        setup->ttl = merged->ebgp_multihop.is_set ? (uint8_t)merged->ebgp_multihop.value : 1;
    }
}

/* The address a session must be sourced from; IP_NONE when the kernel may choose. */
static const char *find_source(const struct core *core, const struct ip_addr *peer_addr,
                               const struct neighbor_settings *settings, struct ip_addr *source_out,
                               char text_out[OBSTACLE_BYTES])
{
    const struct config_neighbor *merged = &settings->merged;
    char addr[IP_TEXT_BYTES];
    *source_out = (struct ip_addr){.family = IP_NONE};
    if (merged->update_source.family != IP_NONE) {
        *source_out = merged->update_source;
        if (!kernel_is_local_addr(core, source_out)) {
            snprintf(text_out, OBSTACLE_BYTES, "update-source %s is no address of this router",
                     ip_format(source_out, addr));
            return text_out;
        }
        return NULL;
    }
    if (merged->update_source_interface != NULL) {
        uint32_t ifindex = kernel_interface_by_name(core, merged->update_source_interface);
        if (ifindex != 0) {
            *source_out = kernel_interface_addr(core, ifindex, peer_addr->family);
        }
        if (source_out->family == IP_NONE) {
            snprintf(text_out, OBSTACLE_BYTES, "update-source %s has no IPv%u address",
                     merged->update_source_interface, peer_addr->family);
            return text_out;
        }
        return NULL;
    }
    bool uses_loopback = merged->azure_role != AZURE_ROLE_NONE &&
                         azure_role_profile(merged->azure_role)->uses_loopback_source;
    struct ip_addr router_id = ip_from_v4(core->router_id);
    if (uses_loopback && peer_addr->family == IP_V4 && kernel_is_local_addr(core, &router_id)) {
        *source_out = router_id;
    }
    return NULL;
}

struct ip_addr transport_source(const struct core *core, const struct ip_addr *peer_addr,
                                const struct neighbor_settings *settings)
{
    struct ip_addr source;
    char text[OBSTACLE_BYTES];
    return find_source(core, peer_addr, settings, &source, text) == NULL
               ? source
               : (struct ip_addr){.family = IP_NONE};
}

const char *transport_setup(const struct core *core, const struct peer *peer,
                            struct conn_setup_action *setup_out, char text_out[OBSTACLE_BYTES])
{
    const struct neighbor_settings *settings = &peer->settings;
    const struct config_neighbor *merged = &settings->merged;
    *setup_out = (struct conn_setup_action){
        .remote_addr = peer->addr,
        .port = (uint16_t)merged->port.value,
        .tcp_mss = merged->tcp_mss.value,
        .md5_key = merged->password,
        .ao = config_find_key_chain(core->config, merged->ao_key_chain),
        .ao_includes_options = merged->ao_include_options.value,
    };
    fill_ttl(settings, setup_out);
    if (settings->tunnel_number != 0) {
        const char *interface = tunnel_interface(core, settings->tunnel_number);
        if (kernel_tunnel_ifindex(core, settings->tunnel_number) == 0) {
            snprintf(text_out, OBSTACLE_BYTES, "tunnel %s has no interface %s", merged->tunnel,
                     interface);
            return text_out;
        }
        snprintf(setup_out->bind_interface, sizeof setup_out->bind_interface, "%s", interface);
    }
    if (merged->interface != NULL) {
        setup_out->ifindex = kernel_interface_by_name(core, merged->interface);
        if (setup_out->ifindex == 0) {
            snprintf(text_out, OBSTACLE_BYTES, "there is no interface %s", merged->interface);
            return text_out;
        }
    } else if (ip_is_link_local(&peer->addr)) {
        return "a link-local neighbor needs its interface: neighbor X interface NAME";
    }
    return find_source(core, &peer->addr, settings, &setup_out->local_addr, text_out);
}

const char *transport_obstacle(const struct core *core, const struct peer *peer,
                               char text_out[OBSTACLE_BYTES])
{
    char addr[IP_TEXT_BYTES];
    if (peer->settings.merged.tunnel != NULL && peer->settings.tunnel_number == 0) {
        snprintf(text_out, OBSTACLE_BYTES, "there is no tunnel %s", peer->settings.merged.tunnel);
        return text_out;
    }
    if (is_directly_connected(&peer->settings) && !ip_is_link_local(&peer->addr) &&
        kernel_connected_interface(core, &peer->addr) == 0) {
        snprintf(text_out, OBSTACLE_BYTES,
                 "%s is on no connected network that is up; a neighbor further away needs "
                 "ebgp-multihop",
                 ip_format(&peer->addr, addr));
        return text_out;
    }
    const char *bfd = peer_bfd_obstacle(core, peer);
    if (bfd != NULL) {
        return bfd;
    }
    return kernel_session_obstacle(core, &peer->addr, peer->settings.tunnel_number);
}

const char *transport_refusal(const struct core *core, const struct peer *peer,
                              const struct conn_event *event, char text_out[OBSTACLE_BYTES])
{
    const struct neighbor_settings *settings = &peer->settings;
    struct ip_addr source;
    char addr[IP_TEXT_BYTES];
    if (settings->merged.tunnel != NULL && settings->tunnel_number == 0) {
        return "its tunnel is not configured";
    }
    if (settings->tunnel_number != 0 && event->ifindex != 0 &&
        event->ifindex != kernel_tunnel_ifindex(core, settings->tunnel_number)) {
        const char *name = kernel_interface_name(core, event->ifindex);
        snprintf(text_out, OBSTACLE_BYTES, "it came over %s and not over tunnel %s",
                 name != NULL ? name : "another interface", settings->merged.tunnel);
        return text_out;
    }
    if (settings->merged.interface != NULL && event->ifindex != 0 &&
        event->ifindex != kernel_interface_by_name(core, settings->merged.interface)) {
        snprintf(text_out, OBSTACLE_BYTES, "it did not come over interface %s",
                 settings->merged.interface);
        return text_out;
    }
    const char *bfd = peer_bfd_obstacle(core, peer);
    if (bfd != NULL) {
        return bfd;
    }
    bool has_source = settings->merged.update_source.family != IP_NONE ||
                      settings->merged.update_source_interface != NULL;
    if (has_source && find_source(core, &peer->addr, settings, &source, text_out) == NULL &&
        !ip_equal(&source, &event->local_addr)) {
        snprintf(text_out, OBSTACLE_BYTES, "it was made to %s and not to our update-source",
                 ip_format(&event->local_addr, addr));
        return text_out;
    }
    return NULL;
}
