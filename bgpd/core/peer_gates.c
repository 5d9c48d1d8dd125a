/* What the listening sockets demand before a connection is anybody's (RFC 5082), and the segment
 * size they offer: of all neighbors at once, since there is one socket for all of them. */
#include "bgpd/core/session.h"

static void put_gate(struct core *core, const struct prefix *peer, uint8_t ttl_min)
{
    struct core_action action = {.kind = ACTION_PEER_TTL, .peer_ttl = {*peer, ttl_min}};
    action_queue_put(&core->actions, &action);
}

static uint8_t range_ttl_min(const struct config *config, const struct config_listen_range *range)
{
    struct neighbor_settings settings;
    peer_range_settings(config, range, &settings);
    return transport_ttl_min(&settings);
}

static uint8_t ttl_min_of_range(const struct config *config, const struct prefix *prefix)
{
    for (size_t i = 0; config != NULL && i < config->bgp.listen_range_count; i++) {
        if (prefix_equal(&config->bgp.listen_ranges[i].prefix, prefix)) {
            return range_ttl_min(config, &config->bgp.listen_ranges[i]);
        }
    }
    return 0;
}

/* A neighbor without security inside a range with it still needs a gate of its own: an open one. */
static uint8_t ttl_min_of_peer(const struct config *config, const struct peer *peer)
{
    uint8_t own = transport_ttl_min(&peer->settings);
    for (size_t i = 0; own == 0 && i < config->bgp.listen_range_count; i++) {
        const struct config_listen_range *range = &config->bgp.listen_ranges[i];
        if (prefix_contains_ip(&range->prefix, &peer->addr) && range_ttl_min(config, range) != 0) {
            own = 1;
        }
    }
    return own;
}

void peer_gate_remove(struct core *core, const struct peer *peer)
{
    if (peer->session->listener_ttl_min != 0) {
        struct prefix host = prefix_host(&peer->addr);
        put_gate(core, &host, 0);
    }
}

static void apply_range(struct core *core, const struct config *old, const struct prefix *prefix)
{
    uint8_t ttl_min = ttl_min_of_range(core->config, prefix);
    if (ttl_min != ttl_min_of_range(old, prefix)) {
        put_gate(core, prefix, ttl_min);
    }
}

void peer_gates_apply(struct core *core, const struct config *old)
{
    const struct config *new = core->config;
    for (size_t i = 0; old != NULL && i < old->bgp.listen_range_count; i++) {
        apply_range(core, old, &old->bgp.listen_ranges[i].prefix);
    }
    for (size_t i = 0; i < new->bgp.listen_range_count; i++) {
        if (ttl_min_of_range(old, &new->bgp.listen_ranges[i].prefix) == 0) {
            apply_range(core, old, &new->bgp.listen_ranges[i].prefix);
        }
    }
    for (uint32_t i = 0; i < core->peers->count; i++) {
        struct peer *peer = core->peers->by_addr[i];
        uint8_t ttl_min = peer->is_dynamic ? 0 : ttl_min_of_peer(new, peer);
        if (ttl_min != peer->session->listener_ttl_min) {
            struct prefix host = prefix_host(&peer->addr);
            put_gate(core, &host, ttl_min);
            peer->session->listener_ttl_min = ttl_min;
        }
    }
}

uint32_t peer_listening_mss(const struct core *core, uint8_t family)
{
    uint32_t smallest = 0;
    for (uint32_t i = 0; i < core->peers->count; i++) {
        const struct peer *peer = core->peers->by_addr[i];
        uint32_t mss = peer->settings.merged.tcp_mss.value;
        bool counts = peer->addr.family == family && !peer_is_admin_down(peer) && mss != 0;
        if (counts && (smallest == 0 || mss < smallest)) {
            smallest = mss;
        }
    }
    return smallest;
}
