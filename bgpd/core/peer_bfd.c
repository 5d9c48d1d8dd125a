/* BFD beside a session: asks for it, and ends the session when it says that the path is dead
 * (RFC 5882, RFC 9384). That no BFD fact ever comes is no reason to hold a session back. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/kernel_side.h"
#include "bgpd/core/negotiate.h"
#include "bgpd/core/session.h"

/* RFC 4724: so long the far end keeps our routes, if it helps us, while nobody here speaks BGP. */
static uint32_t restart_kept_s(const struct core *core, const struct peer *peer)
{
    struct open_message open;
    negotiate_local_open(core, &peer->settings, &open);
    return open.capabilities.gr_families != 0 ? open.capabilities.restart_time_s : 0;
}

static bool wanted_session(const struct core *core, const struct peer *peer,
                           struct bfd_session_action *out)
{
    const struct config_neighbor *merged = &peer->settings.merged;
    struct conn_setup_action setup;
    char text[OBSTACLE_BYTES];
    if (!merged->bfd.value || peer->is_dynamic || peer_is_admin_down(peer) ||
        transport_setup(core, peer, &setup, text) != NULL) {
        return false;
    }
    uint32_t ifindex = transport_ifindex(core, peer);
    const char *interface = kernel_interface_name(core, ifindex);
    bool is_multihop = peer->settings.is_ebgp && setup.ttl > 1 && setup.ttl_min == 0;
    *out = (struct bfd_session_action){
        .peer = peer->addr,
        .local = setup.local_addr,
        .is_multihop = is_multihop || ifindex == 0,
        .transmit_interval_us = merged->bfd_interval_ms.value * 1000,
        .receive_interval_us = merged->bfd_interval_ms.value * 1000,
        .detect_multiplier = (uint8_t)merged->bfd_multiplier.value,
        .passive = merged->bfd_passive.value,
        .is_shutdown = merged->bfd_shutdown.value,
        .minimum_ttl = (uint8_t)merged->bfd_minimum_ttl.value,
        .hold_down_ms = merged->bfd_hold_down_ms.value,
        .kept_s = restart_kept_s(core, peer),
    };
    if (merged->bfd_auth.key != NULL) {
        size_t size = strlen(merged->bfd_auth.key);
        out->auth.type = (uint8_t)(merged->bfd_auth.type + BFD_AUTH_SIMPLE);
        out->auth.key_id = merged->bfd_auth.key_id;
        size_t max = bfd_auth_secret_max(out->auth.type); /* config_check refuses longer ones */
        out->auth.secret_bytes = (uint8_t)(size < max ? size : max);
        memcpy(out->auth.secret, merged->bfd_auth.key, out->auth.secret_bytes);
    }
    if (out->local.family == IP_NONE && ifindex != 0) {
        out->local = kernel_interface_addr(core, ifindex, peer->addr.family);
    }
    if (!out->is_multihop && interface != NULL) {
        snprintf(out->interface, sizeof out->interface, "%s", interface);
    }
    return true;
}

static bool same_session(const struct bfd_session_action *a, const struct bfd_session_action *b)
{
    return ip_equal(&a->peer, &b->peer) && ip_equal(&a->local, &b->local) &&
           strcmp(a->interface, b->interface) == 0 && a->is_multihop == b->is_multihop &&
           a->transmit_interval_us == b->transmit_interval_us &&
           a->receive_interval_us == b->receive_interval_us &&
           a->detect_multiplier == b->detect_multiplier && a->passive == b->passive &&
           a->is_shutdown == b->is_shutdown && a->minimum_ttl == b->minimum_ttl &&
           a->hold_down_ms == b->hold_down_ms && a->kept_s == b->kept_s &&
           memcmp(&a->auth, &b->auth, sizeof a->auth) == 0;
}

void peer_bfd_remove(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    if (!session->has_bfd) {
        return;
    }
    struct core_action action = {.kind = ACTION_BFD_SESSION, .bfd_session = session->bfd};
    action.bfd_session.is_delete = true;
    action_queue_put(&core->actions, &action);
    session->has_bfd = false;
    session->is_bfd_known = false;
    session->is_bfd_up = false;
    session->is_bfd_failed = false;
}

const char *peer_bfd_obstacle(const struct core *core, const struct peer *peer)
{
    const struct peer_session *session = peer->session;
    if (!session->has_bfd || session->is_bfd_up || session->bfd.is_shutdown) {
        return NULL;
    }
    if (peer->settings.merged.bfd_strict.value) {
        return "BFD is not up (strict mode)";
    }
    if (restart_waits_for_bfd(core)) {
        return "BFD is not up yet after the restart";
    }
    return session->is_bfd_failed && session->bfd.hold_down_ms != 0
               ? "BFD went down and has not been up again for its hold-down"
               : NULL;
}

void peer_bfd_update(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    struct bfd_session_action wanted;
    if (!wanted_session(core, peer, &wanted)) {
        peer_bfd_remove(core, peer);
        return;
    }
    if (session->has_bfd && same_session(&wanted, &session->bfd)) {
        return;
    }
    peer_bfd_remove(core, peer);
    struct core_action action = {.kind = ACTION_BFD_SESSION, .bfd_session = wanted};
    action_queue_put(&core->actions, &action);
    session->bfd = wanted;
    session->has_bfd = true;
}

void peers_on_bfd(struct core *core, const struct bfd_fact *fact)
{
    struct peer *peer = peer_find(core, &fact->peer);
    if (peer == NULL || !peer->session->has_bfd) {
        return;
    }
    struct peer_session *session = peer->session;
    bool was_up = session->is_bfd_up;
    session->is_bfd_known = true;
    session->is_bfd_up = fact->is_up;
    session->is_bfd_failed =
        !fact->is_up && !fact->is_admin_down && (was_up || session->is_bfd_failed);
    if (fact->is_up) {
        if (session->is_blocked) {
            session_retry_soon(core, peer);
        }
        return;
    }
    /* A session that waits for BFD and is about to come up must not either. */
    bool is_waiting = peer_bfd_obstacle(core, peer) != NULL;
    if (!was_up || fact->is_admin_down || (!is_waiting && !peer_is_established(peer))) {
        return;
    }
    struct notification notification = {NOTIFICATION_CEASE, CEASE_BFD_DOWN, {NULL, 0}};
    peer_reset(core, peer, &notification, fact->detail[0] != 0 ? fact->detail : "BFD says down");
}
