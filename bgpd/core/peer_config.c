/* From one configuration to the next: which peers come, go or are reset. What is compared is what a
 * neighbour really runs with, so a default written out changes nothing. Whose routes are to be
 * looked at again is found by routes_apply_config, which sees the new settings too. */
#include <string.h>

#include "bgpd/core/negotiate.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"

#define LISTEN_LIMIT_DEFAULT 100u

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_u32(struct opt_u32 a, struct opt_u32 b)
{
    return a.is_set == b.is_set && (!a.is_set || a.value == b.value);
}

static bool same_bool(struct opt_bool a, struct opt_bool b)
{
    return a.is_set == b.is_set && (!a.is_set || a.value == b.value);
}

/* ---- What needs a reset ---- */

/* What signs the segments of a session. */
struct session_key {
    const char *md5;
    const struct config_key_chain *ao;
    bool ao_includes_options;
};

static struct session_key session_key_of(const struct config *config,
                                         const struct neighbor_settings *settings)
{
    return (struct session_key){settings->merged.password,
                                config_find_key_chain(config, settings->merged.ao_key_chain),
                                settings->merged.ao_include_options.value};
}

static bool same_tcp_key(const struct config_tcp_key *a, const struct config_tcp_key *b)
{
    return a->send_id == b->send_id && a->recv_id == b->recv_id && a->algorithm == b->algorithm &&
           strcmp(a->secret, b->secret) == 0;
}

static bool same_key(const struct session_key *a, const struct session_key *b)
{
    if (!same_text(a->md5, b->md5) || (a->ao == NULL) != (b->ao == NULL)) {
        return false;
    }
    if (a->ao == NULL) {
        return true;
    }
    bool is_same =
        a->ao->key_count == b->ao->key_count && a->ao_includes_options == b->ao_includes_options;
    for (unsigned i = 0; is_same && i < a->ao->key_count; i++) {
        is_same = same_tcp_key(&a->ao->keys[i], &b->ao->keys[i]);
    }
    return is_same;
}

static bool has_key(const struct session_key *key)
{
    return key->md5 != NULL || key->ao != NULL;
}

static const char *tunnel_interface(const struct config *config,
                                    const struct neighbor_settings *settings)
{
    if (settings->tunnel_number == 0) {
        return NULL;
    }
    const struct config_tunnel *tunnel = &config->tunnels[settings->tunnel_number - 1];
    return tunnel->interface != NULL ? tunnel->interface : tunnel->name;
}

static bool same_transport(const struct core *core, const struct config *old_config,
                           const struct neighbor_settings *old, const struct neighbor_settings *new)
{
    const struct config_neighbor *a = &old->merged;
    const struct config_neighbor *b = &new->merged;
    return same_u32(a->ebgp_multihop, b->ebgp_multihop) &&
           same_u32(a->ttl_security_hops, b->ttl_security_hops) &&
           ip_equal(&a->update_source, &b->update_source) &&
           same_text(a->update_source_interface, b->update_source_interface) &&
           same_text(a->interface, b->interface) && same_text(a->tunnel, b->tunnel) &&
           same_text(tunnel_interface(old_config, old), tunnel_interface(core->config, new)) &&
           same_u32(a->port, b->port) && same_u32(a->tcp_mss, b->tcp_mss);
}

const char *peer_reset_cause(const struct core *core, const struct config *old_config,
                             const struct peer *peer)
{
    const struct neighbor_settings *old = &peer->session->old_settings;
    const struct neighbor_settings *new = &peer->settings;
    if (old->remote_asn != new->remote_asn ||
        old->merged.remote_as_kind != new->merged.remote_as_kind) {
        return "remote-as was changed";
    }
    if (old->local_asn != new->local_asn || old->is_ebgp != new->is_ebgp ||
        old->merged.local_as_no_prepend != new->merged.local_as_no_prepend ||
        old->merged.local_as_replace != new->merged.local_as_replace) {
        return "the local AS was changed";
    }
    struct session_key old_key = session_key_of(old_config, old);
    struct session_key new_key = session_key_of(core->config, new);
    if (!same_key(&old_key, &new_key)) {
        return "the key of the session was changed";
    }
    if (!same_transport(core, old_config, old, new)) {
        return "the way the session runs was changed";
    }
    if (old->merged.azure_role != new->merged.azure_role) {
        return "the Azure role was changed"; /* it decides about the source address */
    }
    struct open_message open;
    negotiate_local_open(core, new, &open);
    for (int i = 0; i < CONN_SLOT_COUNT; i++) {
        const struct session_conn *conn = &peer->session->conns[i];
        if (conn->state < PEER_OPEN_SENT || !negotiate_open_differs(&conn->local_open, &open)) {
            continue;
        }
        return conn->local_open.router_id != open.router_id ? "the router id was changed"
                                                            : "the capabilities were changed";
    }
    return NULL;
}

/* ---- Resolving ---- */

static const struct config_neighbor *find_neighbor(const struct config *config,
                                                   const struct ip_addr *addr)
{
    for (size_t i = 0; config->bgp.is_configured && i < config->bgp.neighbor_count; i++) {
        if (ip_equal(&config->bgp.neighbors[i].addr, addr)) {
            return &config->bgp.neighbors[i];
        }
    }
    return NULL;
}

/* The longest listen range that holds addr. */
static const struct config_listen_range *find_range(const struct config *config,
                                                    const struct ip_addr *addr)
{
    const struct config_listen_range *best = NULL;
    for (size_t i = 0; config->bgp.is_configured && i < config->bgp.listen_range_count; i++) {
        const struct config_listen_range *range = &config->bgp.listen_ranges[i];
        if (prefix_contains_ip(&range->prefix, addr) &&
            (best == NULL || range->prefix.len_bits > best->prefix.len_bits)) {
            best = range;
        }
    }
    return best;
}

static const struct config_neighbor *find_own_config(const struct core *core, struct peer *peer)
{
    const struct config_neighbor *neighbor = find_neighbor(core->config, &peer->addr);
    if (neighbor != NULL || !peer->is_dynamic) {
        return neighbor;
    }
    const struct config_listen_range *range = find_range(core->config, &peer->addr);
    if (range == NULL) {
        return NULL;
    }
    peer->session->own_config =
        (struct config_neighbor){.addr = peer->addr, .peer_group = range->peer_group};
    return &peer->session->own_config;
}

static void resolve_peer(const struct core *core, const struct config_neighbor *neighbor,
                         struct peer *peer)
{
    config_resolve_neighbor(core->config, neighbor, &peer->settings);
    peer->session->uses_own_as = peer->session->uses_own_as && peer->settings.merged.local_as_dual;
    if (peer->session->uses_own_as) {
        config_use_own_as(core->config, &peer->settings);
    }
}

void peer_try_other_as(struct core *core, struct peer *peer)
{
    const struct config_neighbor *neighbor = find_own_config(core, peer);
    if (neighbor == NULL || !peer->settings.merged.local_as_dual) {
        return;
    }
    peer->session->uses_own_as = !peer->session->uses_own_as;
    resolve_peer(core, neighbor, peer);
    session_log(core, peer, LOG_PEER_ERROR, LOG_SEVERITY_NOTICE,
                "the AS number was refused; the next attempt is made as AS %u (dual-as)",
                peer->settings.local_asn);
}

void peers_resolve_config(struct core *core)
{
    for (uint32_t i = 0; i < core->peers->count; i++) {
        struct peer *peer = core->peers->by_addr[i];
        struct peer_session *session = peer->session;
        const struct config_neighbor *neighbor = find_own_config(core, peer);
        session->old_settings = peer->settings;
        session->has_old_settings = true;
        session->is_gone = neighbor == NULL;
        if (neighbor != NULL) {
            resolve_peer(core, neighbor, peer);
        } else {
            peer->settings.tunnel_number = 0; /* it counts tunnels of the old configuration */
        }
    }
}

/* ---- Keys and listeners ---- */

static void put_key(struct core *core, const struct prefix *peer, const struct session_key *key)
{
    struct core_action action = {.kind = ACTION_PEER_KEY,
                                 .peer_key = {*peer, key->md5, key->ao, key->ao_includes_options}};
    action_queue_put(&core->actions, &action);
}

void peer_range_settings(const struct config *config, const struct config_listen_range *range,
                         struct neighbor_settings *settings_out)
{
    struct config_neighbor neighbor = {.peer_group = range->peer_group};
    config_resolve_neighbor(config, &neighbor, settings_out);
}

static struct session_key key_of_range(const struct config *config, const struct prefix *prefix)
{
    for (size_t i = 0; config != NULL && i < config->bgp.listen_range_count; i++) {
        if (prefix_equal(&config->bgp.listen_ranges[i].prefix, prefix)) {
            struct neighbor_settings settings;
            peer_range_settings(config, &config->bgp.listen_ranges[i], &settings);
            return session_key_of(config, &settings);
        }
    }
    return (struct session_key){NULL, NULL, false};
}

static void apply_range_keys(struct core *core, const struct config *old)
{
    for (size_t i = 0; old != NULL && i < old->bgp.listen_range_count; i++) {
        const struct prefix *prefix = &old->bgp.listen_ranges[i].prefix;
        struct session_key before = key_of_range(old, prefix);
        struct session_key after = key_of_range(core->config, prefix);
        if (has_key(&before) && !has_key(&after)) {
            put_key(core, prefix, &after);
        }
    }
    for (size_t i = 0; i < core->config->bgp.listen_range_count; i++) {
        const struct prefix *prefix = &core->config->bgp.listen_ranges[i].prefix;
        struct session_key before = key_of_range(old, prefix);
        struct session_key after = key_of_range(core->config, prefix);
        if (has_key(&after) && !same_key(&before, &after)) {
            put_key(core, prefix, &after);
        }
    }
}

static bool needs_listener(const struct core *core, uint8_t family)
{
    const struct config_bgp *bgp = &core->config->bgp;
    for (uint32_t i = 0; i < core->peers->count; i++) {
        const struct peer *peer = core->peers->by_addr[i];
        if (peer->addr.family == family && !peer_is_admin_down(peer)) {
            return true;
        }
    }
    for (size_t i = 0; bgp->is_configured && i < bgp->listen_range_count; i++) {
        if (bgp->listen_ranges[i].prefix.family == family) {
            return true;
        }
    }
    return false;
}

static void apply_listeners(struct core *core)
{
    for (int i = 0; i < 2; i++) {
        uint8_t family = i == 0 ? IP_V4 : IP_V6;
        uint16_t port = needs_listener(core, family) ? core->limits.listen_port : 0;
        uint32_t mss = peer_listening_mss(core, family);
        if (port != core->peers->listening_port[i] || mss != core->peers->listening_mss[i]) {
            struct core_action action = {.kind = ACTION_LISTEN, .listen = {family, port, mss}};
            action_queue_put(&core->actions, &action);
            core->peers->listening_port[i] = port;
            core->peers->listening_mss[i] = mss;
        }
    }
}

/* ---- Peers ---- */

static void remove_gone(struct core *core, const struct config *old)
{
    static const struct session_key none;
    for (uint32_t i = core->peers->count; i-- > 0;) {
        struct peer *peer = core->peers->by_addr[i];
        if (!peer->session->is_gone) {
            continue;
        }
        struct prefix host = prefix_host(&peer->addr);
        struct session_key key = session_key_of(old, &peer->settings);
        bool was_keyed = has_key(&key) && !peer->is_dynamic;
        session_stop(core, peer, CEASE_DECONFIGURED, NULL,
                     "the neighbor was removed from the configuration");
        peer_gate_remove(core, peer);
        peer_free(core, peer);
        if (was_keyed) {
            put_key(core, &host, &none);
        }
    }
}

static void apply_key(struct core *core, const struct peer *peer, const struct session_key *old_key)
{
    struct prefix host = prefix_host(&peer->addr);
    struct session_key key = session_key_of(core->config, &peer->settings);
    if (!peer->is_dynamic && !same_key(old_key, &key)) {
        put_key(core, &host, &key);
    }
}

static void apply_to_existing(struct core *core, const struct config *old, struct peer *peer)
{
    struct peer_session *session = peer->session;
    bool was_down = session->old_settings.merged.shutdown.value;
    const char *cause = peer_reset_cause(core, old, peer);
    struct session_key old_key = session_key_of(old, &session->old_settings);
    apply_key(core, peer, &old_key);
    if (peer_is_admin_down(peer)) {
        if (!was_down) {
            session_stop(core, peer, CEASE_ADMIN_SHUTDOWN, peer->settings.merged.shutdown_message,
                         "shut down by configuration");
        }
    } else if (was_down) {
        session_start(core, peer);
    } else if (cause != NULL) {
        session_restart(core, peer, CEASE_CONFIG_CHANGE, NULL, cause);
    } else if (!same_bool(session->old_settings.merged.enforce_first_as,
                          peer->settings.merged.enforce_first_as)) {
        if (peer_is_established(peer)) {
            routes_peer_soft_in(core, peer, peer->families);
        }
    } else if (!peer_is_established(peer)) {
        session_retry_now(core, peer); /* Whatever was in the way may be mended now. */
    }
    struct session_conn *conn = peer_established_conn(peer);
    if (conn != NULL && peer->settings.tunnel_number != 0) {
        session_start_keepalive(core, conn); /* Its tunnel may be judged by it now, or no more. */
    }
    peer_bfd_update(core, peer);
}

static void add_new(struct core *core)
{
    static const struct session_key none;
    const struct config_bgp *bgp = &core->config->bgp;
    for (size_t i = 0; bgp->is_configured && i < bgp->neighbor_count; i++) {
        const struct config_neighbor *neighbor = &bgp->neighbors[i];
        struct neighbor_settings settings;
        if (peer_find(core, &neighbor->addr) != NULL) {
            continue;
        }
        if (core->peers->count >= core->limits.peers_max) {
            core_log(core, LOG_CONFIG, LOG_SEVERITY_ERROR, &neighbor->addr, NULL,
                     "the neighbor is not started: the limit of %u neighbors is reached",
                     core->limits.peers_max);
            continue;
        }
        config_resolve_neighbor(core->config, neighbor, &settings);
        struct peer *peer = peer_new(core, &neighbor->addr, &settings);
        apply_key(core, peer, &none);
    }
}

void peers_apply_config(struct core *core, const struct config *old)
{
    struct peer_table *table = core->peers;
    remove_gone(core, old);
    for (uint32_t i = 0; i < table->count; i++) {
        struct peer *peer = table->by_addr[i];
        ASSERT(peer->session->has_old_settings && old != NULL);
        apply_to_existing(core, old, peer);
        peer->session->has_old_settings = false;
    }
    uint32_t before = table->count;
    add_new(core);
    apply_range_keys(core, old);
    peer_gates_apply(core, old);
    apply_listeners(core); /* after keys and gates: no SYN without them */
    for (uint32_t i = 0; table->count != before && i < table->count; i++) {
        struct peer *peer = table->by_addr[i];
        if (peer->state == PEER_IDLE && !timer_is_armed(&peer->session->idle_hold)) {
            session_start(core, peer);
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        table->by_addr[i]->session->old_settings = (struct neighbor_settings){0};
    }
}

struct peer *peer_new_dynamic(struct core *core, const struct ip_addr *addr)
{
    if (core->config == NULL || core->is_stopping) {
        return NULL;
    }
    struct peer_table *table = core->peers;
    const struct config_listen_range *range = find_range(core->config, addr);
    struct opt_u32 limit = core->config->bgp.listen_limit;
    uint32_t count_max = limit.is_set ? limit.value : LISTEN_LIMIT_DEFAULT;
    if (range == NULL || table->dynamic_count >= count_max ||
        table->count >= core->limits.peers_max) {
        return NULL;
    }
    struct config_neighbor own = {.addr = *addr, .peer_group = range->peer_group};
    struct neighbor_settings settings;
    config_resolve_neighbor(core->config, &own, &settings);
    struct peer *peer = peer_new(core, addr, &settings);
    peer->is_dynamic = true;
    peer->session->own_config = own;
    table->dynamic_count++;
    session_start(core, peer);
    return peer;
}
