/* Whom the io probes inside a tunnel, and which session's acknowledgements it may judge by. */
#include "bgpd/core/kernel_private.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/session.h"

static struct tunnel *tunnel_at(const struct core *core, uint16_t tunnel_number)
{
    const struct kernel_side *ks = kernel_of(core);
    return tunnel_number == 0 || tunnel_number > ks->tunnel_count ? NULL
                                                                  : &ks->tunnels[tunnel_number - 1];
}

static void choose_session(const struct core *core, struct tunnel_watch_action *action)
{
    const struct peer *peer = peer_find(core, &action->probe_peer);
    const struct session_conn *conn = peer == NULL ? NULL : peer_established_conn(peer);
    if (conn != NULL) {
        action->probe_conn = conn->id;
        action->probe_hold_s = conn->hold_time_s;
    }
}

/* Probes go to the first neighbour inside the tunnel, from where its session runs: the one pair of
 * addresses that the far end is sure to have a route for. */
static void choose(const struct core *core, uint16_t tunnel_number,
                   struct tunnel_watch_action *action)
{
    const struct config *config = core->config;
    const struct config_tunnel *tunnel = &config->tunnels[tunnel_number - 1];
    for (size_t i = 0; i < config->bgp.neighbor_count; i++) {
        struct neighbor_settings settings;
        config_resolve_neighbor(config, &config->bgp.neighbors[i], &settings);
        if (settings.tunnel_number == tunnel_number) {
            action->probe_peer = config->bgp.neighbors[i].addr;
            action->probe_local = transport_source(core, &action->probe_peer, &settings);
            choose_session(core, action);
            return;
        }
    }
    if (tunnel->inner_peer_count != 0) {
        action->probe_peer = tunnel->inner_peers[0];
    }
}

void tunnel_watch_update(struct core *core, uint16_t tunnel_number,
                         const struct config_tunnel *config, uint32_t sources)
{
    struct core_action action = {.kind = ACTION_TUNNEL_WATCH};
    action.tunnel_watch = (struct tunnel_watch_action){.tunnel_number = tunnel_number,
                                                       .is_delete = sources == 0,
                                                       .sources = sources,
                                                       .tunnel = config};
    if ((sources & LIVENESS_PROBE) != 0) {
        struct tunnel *tunnel = tunnel_at(core, tunnel_number);
        choose(core, tunnel_number, &action.tunnel_watch);
        tunnel->probe_peer = action.tunnel_watch.probe_peer;
        tunnel->probe_local = action.tunnel_watch.probe_local;
        tunnel->probe_conn = action.tunnel_watch.probe_conn;
    }
    action_queue_put(&core->actions, &action);
}

static void update_one(struct core *core, uint16_t tunnel_number)
{
    const struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    if (tunnel == NULL || tunnel_number > core->config->tunnel_count ||
        (tunnel->watched & LIVENESS_PROBE) == 0) {
        return; /* Also while a new configuration is being applied, which looks again. */
    }
    struct tunnel_watch_action chosen = {.sources = tunnel->watched};
    choose(core, tunnel_number, &chosen);
    if (!ip_equal(&chosen.probe_peer, &tunnel->probe_peer) ||
        !ip_equal(&chosen.probe_local, &tunnel->probe_local) ||
        chosen.probe_conn != tunnel->probe_conn) {
        tunnel_watch_update(core, tunnel_number, &core->config->tunnels[tunnel_number - 1],
                            tunnel->watched);
    }
}

void kernel_probes_update(struct core *core)
{
    for (uint32_t i = 0; i < kernel_of(core)->tunnel_count; i++) {
        update_one(core, (uint16_t)(i + 1));
    }
}

void kernel_tunnel_session_changed(struct core *core, uint16_t tunnel_number)
{
    update_one(core, tunnel_number);
}

bool kernel_tunnel_needs_acks(const struct core *core, uint16_t tunnel_number)
{
    const struct config *config = core->config;
    if (config == NULL || tunnel_number == 0 || tunnel_number > config->tunnel_count) {
        return false;
    }
    const struct config_tunnel *tunnel = &config->tunnels[tunnel_number - 1];
    return (tunnel_sources(tunnel) & LIVENESS_PROBE) != 0 && tunnel->probe_kind != PROBE_KIND_ECHO;
}
