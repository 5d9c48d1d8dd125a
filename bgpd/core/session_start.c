/* Starting, stopping and resetting sessions: what operator, configuration and the route side ask
 * for, and the idle hold time between attempts. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/negotiate.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

static void on_idle_hold(struct core *core, struct timer *timer)
{
    struct peer_session *session = CONTAINER_OF(timer, struct peer_session, idle_hold);
    session->is_prefix_limited = false;
    session_start(core, session->conns[0].peer);
}

void session_init(struct core *core, struct peer *peer)
{
    struct peer_session *session = mem_alloc(MEM_PEER, sizeof *session);
    peer->session = session;
    for (int i = 0; i < CONN_SLOT_COUNT; i++) {
        struct session_conn *conn = &session->conns[i];
        conn->peer = peer;
        conn->slot = (uint8_t)i;
        buffer_init(&conn->received, MEM_PEER);
        buffer_init(&conn->unsent, MEM_PEER);
        session_timers_init(conn);
    }
    session->idle_hold.expired = on_idle_hold;
    session->idle_hold_next = mono_span_s(SESSION_IDLE_HOLD_S_MIN);
    session->state_since = MONO_NEVER;
    session->last_reset = MONO_NEVER;
    (void)core;
}

void session_fini(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    timer_stop(&core->timers, &session->idle_hold);
    for (int i = 0; i < CONN_SLOT_COUNT; i++) {
        ASSERT(!session->conns[i].is_parsing);
        conn_shut(core, &session->conns[i]);
        buffer_fini(&session->conns[i].received);
        buffer_fini(&session->conns[i].unsent);
    }
    if (list_is_linked(&session->sender_node)) {
        list_remove(&session->sender_node);
    }
    mem_free(MEM_PEER, session);
    peer->session = NULL;
}

/* Why the machines may not even start; NULL when they may. */
static const char *start_obstacle(const struct core *core, const struct peer *peer)
{
    const struct neighbor_settings *settings = &peer->settings;
    if (settings->merged.remote_as_kind == REMOTE_AS_UNSET) {
        return "no remote-as is configured";
    }
    if (negotiate_families(settings) == 0) {
        return "no address family is activated";
    }
    if (!kernel_is_known(core)) {
        return "the kernel's routes are still being read";
    }
    if (core->router_id == 0) {
        return "there is no router id yet: set bgp router-id, or give an interface an IPv4 address";
    }
    return NULL;
}

void session_start(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    if (core->is_stopping || session->is_gone || peer_is_admin_down(peer) ||
        session->is_prefix_limited || peer_is_established(peer)) {
        return;
    }
    timer_stop(&core->timers, &session->idle_hold);
    const char *obstacle = start_obstacle(core, peer);
    session->is_blocked = obstacle != NULL;
    if (obstacle != NULL) {
        snprintf(session->obstacle, OBSTACLE_BYTES, "%s", obstacle);
        return;
    }
    peer_bfd_update(core, peer);
    session_feed_event(core, &session->conns[CONN_THEIRS], FSM_START_PASSIVE);
    if (!peer->settings.merged.passive.value && !peer->is_dynamic) {
        session_feed_event(core, &session->conns[CONN_OURS], FSM_START);
    }
}

static void stop_machines(struct core *core, struct peer *peer,
                          const struct notification *notification, const char *reason)
{
    struct fsm_input input = {.event = FSM_STOP, .notification = notification, .reason = reason};
    for (int i = 0; i < CONN_SLOT_COUNT; i++) {
        session_feed(core, &peer->session->conns[i], &input);
    }
    timer_stop(&core->timers, &peer->session->idle_hold);
}

void session_stop(struct core *core, struct peer *peer, uint8_t cease_subcode, const char *message,
                  const char *reason)
{
    uint8_t data[256];
    struct writer writer = writer_of(data, sizeof data);
    struct notification notification = {NOTIFICATION_CEASE, cease_subcode, {NULL, 0}};
    bool takes_text = cease_subcode == CEASE_ADMIN_SHUTDOWN || cease_subcode == CEASE_ADMIN_RESET;
    if (takes_text && message != NULL && message[0] != 0) {
        shutdown_message_write(&writer, message);
        notification.data = (struct byte_view){data, writer_size(&writer)};
    }
    peer->session->has_pending_reset = false;
    if (routes_peer_is_kept(peer)) {
        routes_peer_down(core, peer, 0); /* nobody waits for its return any more */
    }
    stop_machines(core, peer, cease_subcode != 0 ? &notification : NULL, reason);
    peer->session->idle_hold_next = mono_span_s(SESSION_IDLE_HOLD_S_MIN);
    peer->session->is_prefix_limited = false;
}

void session_restart(struct core *core, struct peer *peer, uint8_t cease_subcode,
                     const char *message, const char *reason)
{
    session_stop(core, peer, cease_subcode, message, reason);
    peer->session->has_quick_retry = true;
    session_start(core, peer);
}

void session_retry_now(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    struct session_conn *ours = &session->conns[CONN_OURS];
    if (peer_is_established(peer)) {
        return;
    }
    session_start(core, peer);
    if (ours->state == PEER_ACTIVE && ours->id == 0) {
        timer_stop(&core->timers, &ours->connect_retry);
        session_feed_event(core, ours, FSM_CONNECT_RETRY_EXPIRED);
    }
}

void session_retry_soon(struct core *core, struct peer *peer)
{
    struct session_conn *ours = &peer->session->conns[CONN_OURS];
    if (ours->state == PEER_ACTIVE && ours->id == 0) {
        struct mono_span wait = session_jitter(core, mono_span_ms(SESSION_POLITE_MS));
        timer_start(&core->timers, &ours->connect_retry, mono_add(core->now, wait));
        return;
    }
    session_retry_now(core, peer);
}

enum session_back_off session_back_off_of(const struct notification *notification)
{
    struct notification inner;
    if (notification == NULL || notification->code != NOTIFICATION_CEASE) {
        return BACK_OFF_FULL;
    }
    if (notification->subcode == CEASE_HARD_RESET && hard_reset_read(notification, &inner)) {
        notification = &inner;
    }
    switch (notification->subcode) {
    case CEASE_COLLISION:
        return BACK_OFF_STAYS;
    case CEASE_ADMIN_SHUTDOWN:
    case CEASE_DECONFIGURED:
    case CEASE_ADMIN_RESET:
    case CEASE_CONFIG_CHANGE:
    case CEASE_BFD_DOWN:
        return BACK_OFF_SHORT;
    default:
        return BACK_OFF_FULL;
    }
}

/* One failure after orderly ends does not keep the peer out yet. */
static int64_t idle_hold_limit_ns(enum session_back_off back_off)
{
    return mono_span_s(back_off == BACK_OFF_SHORT ? SESSION_LENIENT_HOLD_S / 2
                                                  : SESSION_IDLE_HOLD_S_MAX)
        .ns;
}

static void grow_idle_hold(struct peer_session *session, enum session_back_off back_off)
{
    int64_t next_ns = session->idle_hold_next.ns * 2;
    int64_t limit_ns = idle_hold_limit_ns(back_off);
    if (back_off != BACK_OFF_STAYS && session->idle_hold_next.ns < limit_ns) {
        session->idle_hold_next = mono_span_ns(next_ns < limit_ns ? next_ns : limit_ns);
    }
}

void session_schedule(struct core *core, struct peer *peer, enum session_back_off back_off,
                      bool was_established)
{
    struct peer_session *session = peer->session;
    if (core->is_stopping || session->is_gone || peer_is_admin_down(peer)) {
        return;
    }
    if (peer->is_dynamic) {
        core->peers->needs_reap = true;
        session_feed_event(core, &session->conns[CONN_THEIRS], FSM_START_PASSIVE);
        return;
    }
    if (session->is_prefix_limited) {
        timer_stop(&core->timers, &session->idle_hold);
        if (session->limited_for.ns != 0) {
            timer_start(&core->timers, &session->idle_hold,
                        mono_add(core->now, session->limited_for));
        }
        return;
    }
    /* Failures before are no reason to make somebody wait who ends in good order. */
    int64_t hold_ns = idle_hold_limit_ns(back_off);
    hold_ns = session->idle_hold_next.ns < hold_ns ? session->idle_hold_next.ns : hold_ns;
    timer_start(&core->timers, &session->idle_hold,
                mono_add(core->now, session_jitter(core, mono_span_ns(hold_ns))));
    grow_idle_hold(session, back_off);
    bool is_flapping = session->idle_hold_next.ns > mono_span_s(SESSION_LENIENT_HOLD_S).ns;
    if (!was_established || back_off == BACK_OFF_SHORT || !is_flapping) {
        session_feed_event(core, &session->conns[CONN_THEIRS], FSM_START_PASSIVE);
    }
}

/* ---- For the route side ---- */

static void reset_now(struct core *core, struct peer *peer, const struct notification *notification,
                      const char *reason)
{
    bool was_established = peer_is_established(peer);
    stop_machines(core, peer, notification, reason);
    session_schedule(core, peer, session_back_off_of(notification), was_established);
}

void peer_reset(struct core *core, struct peer *peer, const struct notification *notification,
                const char *reason)
{
    struct peer_session *session = peer->session;
    if (notification != NULL && notification->code == 0) {
        notification = NULL;
    }
    if (!session->is_busy) {
        reset_now(core, peer, notification, reason);
        return;
    }
    if (session->has_pending_reset) {
        return; /* The first reason stands. */
    }
    session->has_pending_reset = true;
    session->pending_code = notification != NULL ? notification->code : 0;
    session->pending_subcode = notification != NULL ? notification->subcode : 0;
    session->pending_data_bytes = 0;
    if (notification != NULL && notification->data.size != 0 &&
        notification->data.size <= sizeof session->pending_data) {
        memcpy(session->pending_data, notification->data.data, notification->data.size);
        session->pending_data_bytes = (uint8_t)notification->data.size;
    }
    snprintf(session->pending_reason, sizeof session->pending_reason, "%s", reason);
}

void session_run_pending_reset(struct core *core, struct peer *peer)
{
    struct peer_session *session = peer->session;
    if (!session->has_pending_reset) {
        return;
    }
    struct notification notification = {session->pending_code,
                                        session->pending_subcode,
                                        {session->pending_data, session->pending_data_bytes}};
    session->has_pending_reset = false;
    reset_now(core, peer, notification.code != 0 ? &notification : NULL, session->pending_reason);
}

void peer_hold_idle(struct core *core, struct peer *peer, struct mono_span restart_after,
                    const char *reason)
{
    struct peer_session *session = peer->session;
    session->is_prefix_limited = true;
    session->limited_for = restart_after;
    snprintf(session->obstacle, OBSTACLE_BYTES, "%s", reason);
    if (session->conns[CONN_OURS].state == PEER_IDLE &&
        session->conns[CONN_THEIRS].state == PEER_IDLE) {
        session_schedule(core, peer, BACK_OFF_STAYS, true);
    }
}
