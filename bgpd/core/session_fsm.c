/* Carries out what the cells of fsm.c say. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/collision.h"
#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/kernel_side.h"
#include "bgpd/core/negotiate.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"

#define HARD_RESET_BYTES_MAX 300u /* code, subcode and the longest shutdown message */

/* RFC 4271 8.2.2: the hold time while no OPEN has come yet is "a large value", 4 minutes. */
#define OPEN_SENT_HOLD_S 240u

/* Just after a session ended the far end may still be busy ending it: the first refusal is no
 * reason to wait for all of ConnectRetry. */
#define QUICK_RETRY_MS 2000

static struct session_conn *other_conn(const struct session_conn *conn)
{
    return &conn->peer->session->conns[conn->slot == CONN_OURS ? CONN_THEIRS : CONN_OURS];
}

/* ---- State ---- */

static enum peer_state shown_state(const struct peer_session *session)
{
    const struct session_conn *ours = &session->conns[CONN_OURS];
    const struct session_conn *theirs = &session->conns[CONN_THEIRS];
    bool is_dialled = !ours->peer->settings.merged.passive.value && !ours->peer->is_dynamic;
    if (theirs->state == PEER_ACTIVE && theirs->id == 0 && is_dialled) {
        return ours->state; /* Listening beside an attempt of ours is nothing to show. */
    }
    return ours->state > theirs->state ? ours->state : theirs->state;
}

void session_update_state(struct core *core, struct peer *peer)
{
    enum peer_state before = peer->state;
    enum peer_state after = shown_state(peer->session);
    if (before == after) {
        return;
    }
    peer->state = after;
    if ((before == PEER_ESTABLISHED) != (after == PEER_ESTABLISHED)) {
        peer->session->state_since = core->now;
        kernel_tunnel_session_changed(core, peer->settings.tunnel_number);
    }
    core_log(core, LOG_PEER_STATE, LOG_SEVERITY_DEBUG, &peer->addr, NULL, "%s to %s",
             peer_state_name(before), peer_state_name(after));
}

static void set_state(struct core *core, struct session_conn *conn, enum peer_state state)
{
    conn->state = state;
    session_update_state(core, conn->peer);
}

/* ---- Up ---- */

static void take_agreement(struct core *core, struct session_conn *conn)
{
    struct peer *peer = conn->peer;
    peer->remote_open = conn->remote_open;
    peer->local_open = conn->local_open;
    peer->families = negotiate_common_families(&conn->local_open, &conn->remote_open);
    negotiate_update_options(core, &peer->settings, &conn->local_open, &conn->remote_open,
                             &peer->update_options);
    peer->local_addr = conn->local_addr;
    peer->has_own_source = kernel_is_local_addr(core, &conn->local_addr);
    peer->ifindex = transport_ifindex(core, peer);
    peer->established_at = core->now;
}

static void log_up(struct core *core, const struct session_conn *conn)
{
    const struct peer *peer = conn->peer;
    const char *interface = kernel_interface_name(core, peer->ifindex);
    if (!core->config->bgp.log_neighbor_changes) {
        return;
    }
    core_log(core, LOG_PEER_UP, LOG_SEVERITY_NOTICE, &peer->addr, NULL,
             "session with AS %u is up%s%s%s, hold time %u s%s%s", conn->remote_open.asn,
             (peer->families & AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)) != 0 ? ", IPv4" : "",
             (peer->families & AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)) != 0 ? ", IPv6" : "",
             conn->slot == CONN_OURS ? ", opened by us" : ", opened by the peer", conn->hold_time_s,
             interface != NULL ? ", over " : "", interface != NULL ? interface : "");
}

static void warn_missing_policy(struct core *core, const struct peer *peer)
{
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        bool in = peer->settings.has_import_policy[i];
        bool out = peer->settings.has_export_policy[i];
        if ((peer->families & AFI_SAFI_BIT(i)) == 0 || (in && out)) {
            continue;
        }
        core_log(core, LOG_POLICY_MISSING, LOG_SEVERITY_WARNING, &peer->addr, NULL,
                 "%s: no policy %s, so nothing is %s (RFC 8212); name a route-map or prefix-list, "
                 "or set no bgp ebgp-requires-policy",
                 afi_safi_title((enum afi_safi)i),
                 !in && !out ? "in or out"
                 : in        ? "out"
                             : "in",
                 !in && !out ? "accepted or announced"
                 : in        ? "announced"
                             : "accepted");
    }
}

static void establish(struct core *core, struct session_conn *conn)
{
    struct peer *peer = conn->peer;
    struct peer_session *session = peer->session;
    take_agreement(core, conn);
    session->established_count++;
    session->obstacle[0] = 0;
    session->is_blocked = false;
    timer_stop(&core->timers, &session->idle_hold);
    set_state(core, conn, PEER_ESTABLISHED);
    session_feed_event(core, other_conn(conn), FSM_COLLISION_DUMP);
    session_start_hold(core, conn, conn->hold_time_s);
    if (kernel_tunnel_needs_acks(core, peer->settings.tunnel_number)) {
        session_start_keepalive(core, conn); /* More often from now on. */
    }
    log_up(core, conn);
    warn_missing_policy(core, peer);
    kernel_gateway_answers(core, &peer->addr);
    routes_peer_up(core, peer);
    restart_check(core);
    if (routes_peer_has_output(core, peer)) {
        peer_wants_to_send(core, peer);
    }
}

/* ---- Down ---- */

/* The families whose routes outlive the session: those the peer listed (RFC 4724 4.2), when it
 * broke and was not ended; RFC 8538 4: nor by a NOTIFICATION of either side that is no hard reset.
 */
static uint32_t kept_families(const struct peer *peer, const struct fsm_cell *cell,
                              const struct fsm_input *input)
{
    if (input->event == FSM_TCP_FAILED) {
        return input->is_path_lost ? 0 : helped_families(peer);
    }
    bool is_told = input->notification != NULL ||
                   (cell->code != FSM_SAY_NOTHING && cell->code != FSM_SAY_INPUT);
    if (!is_told || !notification_is_agreed_on(peer)) {
        return 0;
    }
    bool is_received = input->event == FSM_NOTIFICATION || input->event == FSM_NOTIFICATION_VERSION;
    bool is_hard = input->notification != NULL &&
                   (is_received ? received_notification_is_hard(input->notification)
                                : notification_is_hard(input->notification));
    return is_hard ? 0 : helped_families(peer);
}

static void describe(const struct fsm_input *input, const struct fsm_cell *cell,
                     char text[RESET_REASON_BYTES])
{
    const char *reason = input->reason != NULL ? input->reason : fsm_event_name(input->event);
    bool is_received = input->event == FSM_NOTIFICATION || input->event == FSM_NOTIFICATION_VERSION;
    struct notification said = {cell->code, cell->subcode, {NULL, 0}};
    if (input->notification != NULL && (is_received || cell->code == FSM_SAY_INPUT)) {
        said = *input->notification;
    }
    char name[NOTIFICATION_NAME_BYTES];
    if (said.code == FSM_SAY_NOTHING || said.code == FSM_SAY_INPUT) {
        snprintf(text, RESET_REASON_BYTES, "%s", reason);
    } else if (is_received) {
        char message[256];
        shutdown_message_read(input->notification, message);
        snprintf(text, RESET_REASON_BYTES, "NOTIFICATION received: %s%s%s%s",
                 session_notification_name(&said, name), message[0] != 0 ? ": \"" : "", message,
                 message[0] != 0 ? "\"" : "");
    } else if (input->event == FSM_HOLD_EXPIRED) {
        snprintf(text, RESET_REASON_BYTES, "%s", reason); /* the NOTIFICATION says the same */
    } else {
        snprintf(text, RESET_REASON_BYTES, "%s (sent %s)", reason,
                 session_notification_name(&said, name));
    }
}

static void peer_down(struct core *core, struct peer *peer, uint32_t kept, const char *reason)
{
    struct peer_session *session = peer->session;
    struct mono_span up_for = mono_between(peer->established_at, core->now);
    session->dropped_count++;
    session->has_quick_retry = true;
    if (mono_span_to_s(up_for) >= SESSION_STABLE_S) {
        session->idle_hold_next = mono_span_s(SESSION_IDLE_HOLD_S_MIN);
    }
    if (list_is_linked(&session->sender_node)) {
        list_remove(&session->sender_node);
    }
    if (core->config->bgp.log_neighbor_changes) {
        core_log(core, LOG_PEER_DOWN, LOG_SEVERITY_WARNING, &peer->addr, NULL,
                 "session is down after %lld s: %s; its routes are %s",
                 (long long)mono_span_to_s(up_for), reason,
                 kept != 0 ? "kept for the restart time" : "withdrawn");
    }
    routes_peer_down(core, peer, kept);
    restart_check(core);
}

/* RFC 8538 3.1: what must end the routes as well says so to a peer that would keep them. */
static void say_given(struct core *core, struct session_conn *conn,
                      const struct notification *notification)
{
    bool is_hard = conn->state == PEER_ESTABLISHED && notification_is_agreed_on(conn->peer) &&
                   notification_is_hard(notification) && notification->subcode != CEASE_HARD_RESET;
    if (!is_hard) {
        conn_send_notification(core, conn, notification);
        return;
    }
    uint8_t data[HARD_RESET_BYTES_MAX];
    struct writer writer = writer_of(data, sizeof data);
    hard_reset_write(&writer, notification);
    ASSERT(!writer.failed);
    struct notification hard = {NOTIFICATION_CEASE, CEASE_HARD_RESET, {data, writer_size(&writer)}};
    conn_send_notification(core, conn, &hard);
}

static void say(struct core *core, struct session_conn *conn, const struct fsm_cell *cell,
                const struct fsm_input *input)
{
    struct notification own = {cell->code, cell->subcode, {NULL, 0}};
    if (cell->code == FSM_SAY_INPUT) {
        if (input->notification != NULL) {
            say_given(core, conn, input->notification);
        }
    } else if (cell->code != FSM_SAY_NOTHING) {
        conn_send_notification(core, conn, &own);
    }
}

static void note_failure(struct core *core, struct peer *peer, const struct fsm_input *input,
                         const char *reason)
{
    if (input->event == FSM_COLLISION_DUMP) {
        return; /* Two connections became one: nothing failed. */
    }
    snprintf(peer->session->obstacle, OBSTACLE_BYTES, "%s", reason);
    if (input->event != FSM_STOP) {
        session_log(core, peer, LOG_PEER_ERROR, LOG_SEVERITY_NOTICE, "no session: %s", reason);
    }
}

/* The way to the peer was gone, and the peer has nothing to do with it. */
static bool is_way_to_blame(const struct core *core, const struct peer *peer,
                            const struct fsm_input *input)
{
    bool is_silence = input->event == FSM_TCP_FAILED || input->event == FSM_HOLD_EXPIRED;
    return is_silence &&
           (input->is_path_lost ||
            kernel_tunnel_was_dead(core, peer->settings.tunnel_number, peer->established_at));
}

/* RFC 4724 4.2: so ends the session of a peer that restarts. What we keep of it has a time limit,
 * so it is wanted back. */
static bool is_restart(const struct peer *peer, const struct fsm_input *input)
{
    return input->event == FSM_TCP_FAILED && helped_families(peer) != 0;
}

static enum session_back_off back_off_of(const struct core *core, const struct peer *peer,
                                         const struct fsm_cell *cell, const struct fsm_input *input,
                                         bool was_established)
{
    if (cell->act != FSM_DROP) {
        return BACK_OFF_STAYS;
    }
    if (was_established && (is_way_to_blame(core, peer, input) || is_restart(peer, input))) {
        return BACK_OFF_SHORT;
    }
    return session_back_off_of(input->event == FSM_NOTIFICATION ? input->notification : NULL);
}

static void end_connection(struct core *core, struct session_conn *conn,
                           const struct fsm_cell *cell, const struct fsm_input *input)
{
    struct peer *peer = conn->peer;
    char reason[RESET_REASON_BYTES];
    bool was_established = conn->state == PEER_ESTABLISHED;
    bool was_connected = conn->is_up;
    describe(input, cell, reason);
    say(core, conn, cell, input);
    conn_shut(core, conn);
    set_state(core, conn, PEER_IDLE);
    if (was_established) {
        peer_down(core, peer, kept_families(peer, cell, input), reason);
    } else if (was_connected) {
        note_failure(core, peer, input, reason);
    }
    if (was_established || (was_connected && input->event != FSM_COLLISION_DUMP)) {
        peer->session->last_reset = core->now;
        memcpy(peer->session->last_reset_reason, reason, sizeof reason);
    }
    if (cell->act != FSM_CLOSE) {
        if (other_conn(conn)->id == 0) {
            session_feed_event(core, other_conn(conn), FSM_STOP); /* the neighbor rests */
        }
        session_schedule(core, peer, back_off_of(core, peer, cell, input, was_established),
                         was_established);
    }
}

/* ---- Connecting ---- */

static conn_id new_conn_id(struct core *core)
{
    struct peer_table *table = core->peers;
    do {
        table->next_conn++;
        if (table->next_conn >= CONN_ID_INCOMING_FIRST) {
            table->next_conn = 1;
        }
    } while (conn_find(core, table->next_conn) != NULL);
    return table->next_conn;
}

static void start_attempt(struct core *core, struct session_conn *conn)
{
    struct peer *peer = conn->peer;
    struct peer_session *session = peer->session;
    struct core_action action = {.kind = ACTION_CONNECT};
    char text[OBSTACLE_BYTES];
    session_start_connect_retry(core, conn);
    if (other_conn(conn)->state >= PEER_OPEN_CONFIRM) {
        set_state(core, conn, PEER_ACTIVE); /* The peer's connection is about to do. */
        return;
    }
    const char *obstacle = transport_obstacle(core, peer, text);
    if (obstacle == NULL) {
        obstacle = transport_setup(core, peer, &action.conn_setup, text);
    }
    session->is_blocked = obstacle != NULL;
    if (obstacle != NULL) {
        snprintf(session->obstacle, OBSTACLE_BYTES, "%s", obstacle);
        set_state(core, conn, PEER_ACTIVE);
        return;
    }
    conn_attach(core, conn, new_conn_id(core));
    action.conn_setup.conn = conn->id;
    action.conn_setup.timeout = mono_between(core->now, conn->connect_retry.deadline);
    action_queue_put(&core->actions, &action);
    set_state(core, conn, PEER_CONNECT);
}

static void retry_attempt(struct core *core, struct session_conn *conn)
{
    snprintf(conn->peer->session->obstacle, OBSTACLE_BYTES, "no answer to our connection attempt");
    conn_shut(core, conn);
    start_attempt(core, conn);
}

/* TCP failed and nothing was agreed yet: wait for the peer, or for the next attempt. */
static void wait_again(struct core *core, struct session_conn *conn, const struct fsm_input *input)
{
    bool was_open_sent = conn->state == PEER_OPEN_SENT;
    if (conn->slot == CONN_OURS || was_open_sent) {
        snprintf(conn->peer->session->obstacle, OBSTACLE_BYTES, "%s%s",
                 was_open_sent ? "the connection ended before the peer's OPEN: " : "",
                 input->reason != NULL ? input->reason : fsm_event_name(input->event));
    }
    conn_shut(core, conn);
    if (conn->slot == CONN_OURS) {
        session_start_connect_retry(core, conn);
        if (conn->peer->session->has_quick_retry) {
            conn->peer->session->has_quick_retry = false;
            timer_start(&core->timers, &conn->connect_retry,
                        mono_add(core->now, session_jitter(core, mono_span_ms(QUICK_RETRY_MS))));
        }
    }
    set_state(core, conn, PEER_ACTIVE);
    const struct session_conn *other = other_conn(conn);
    if (conn->slot == CONN_THEIRS && was_open_sent && other->state == PEER_IDLE &&
        !conn->peer->settings.merged.passive.value &&
        !timer_is_armed(&conn->peer->session->idle_hold)) {
        session_schedule(core, conn->peer, BACK_OFF_STAYS, false); /* Ours lost to this one. */
    }
}

static void send_open(struct core *core, struct session_conn *conn)
{
    timer_stop(&core->timers, &conn->connect_retry);
    timer_stop(&core->timers, &conn->delay_open);
    conn_send_open(core, conn);
    session_start_hold(core, conn, OPEN_SENT_HOLD_S);
}

static void begin(struct core *core, struct session_conn *conn)
{
    uint32_t delay_s = conn->peer->settings.merged.delay_open_s.value;
    conn->is_up = true;
    conn->last_read = core->now;
    negotiate_local_open(core, &conn->peer->settings, &conn->local_open);
    restart_mark_open(core, conn->peer, &conn->local_open.capabilities);
    if (delay_s != 0) {
        timer_stop(&core->timers, &conn->connect_retry);
        timer_start(&core->timers, &conn->delay_open, mono_add(core->now, mono_span_s(delay_s)));
        session_update_state(core, conn->peer);
        return;
    }
    send_open(core, conn);
    set_state(core, conn, PEER_OPEN_SENT);
}

/* ---- Agreeing ---- */

/* Whether another connection is on the way as well. One in OpenSent counts too (RFC 4271 6.8 allows
 * it once the peer's identifier is known, which its OPEN on this connection tells): both sides then
 * decide before either has said KEEPALIVE, so that they do not end one connection each. */
static bool has_collision(const struct session_conn *conn)
{
    const struct session_conn *other = other_conn(conn);
    return other->id != 0 && other->state >= PEER_OPEN_SENT;
}

/* True when conn is the one to go. */
static bool loses_collision(const struct session_conn *conn, const struct open_message *remote)
{
    if (!has_collision(conn)) {
        return false;
    }
    if (other_conn(conn)->state == PEER_ESTABLISHED) {
        return true;
    }
    struct collision_sides sides = {
        .our_router_id = conn->local_open.router_id,
        .their_router_id = remote->router_id,
        .our_asn = conn->local_open.asn,
        .their_asn = remote->asn,
    };
    return collision_ours_stays(&sides) != (conn->slot == CONN_OURS);
}

static void take_open(struct core *core, struct session_conn *conn, const struct open_message *open)
{
    if (loses_collision(conn, open)) {
        if (conn->state != PEER_OPEN_SENT) {
            send_open(core, conn); /* A delayed one: say who we are before Cease. */
            set_state(core, conn, PEER_OPEN_SENT);
        }
        session_feed_event(core, conn, FSM_COLLISION_DUMP);
        return;
    }
    if (has_collision(conn)) {
        session_feed_event(core, other_conn(conn), FSM_COLLISION_DUMP);
    }
    if (conn->state != PEER_OPEN_SENT) {
        send_open(core, conn);
    }
    conn->remote_open = *open;
    conn->remote_open.raw_capabilities = (struct byte_view){NULL, 0};
    conn->hold_time_s = negotiate_hold_time_s(&conn->local_open, open);
    conn->keepalive =
        negotiate_keepalive(conn->hold_time_s, conn->peer->settings.merged.keepalive_s.value);
    /* RFC 8654 4: we said that we take them, whatever the peer said. */
    if (conn->local_open.capabilities.extended_message) {
        conn->message_bytes_max = BGP_EXTENDED_MESSAGE_BYTES_MAX;
    }
    conn_send_keepalive(core, conn);
    session_start_hold(core, conn, conn->hold_time_s);
    set_state(core, conn, PEER_OPEN_CONFIRM);
}

static void take_update(struct core *core, struct session_conn *conn, struct byte_view body)
{
    struct peer *peer = conn->peer;
    session_start_hold(core, conn, conn->hold_time_s);
    peer->session->is_busy = true;
    struct wire_error error = routes_peer_update(core, peer, body);
    peer->session->is_busy = false;
    if (peer->session->has_pending_reset) {
        session_run_pending_reset(core, peer);
    } else if (error.disposition == WIRE_SESSION_RESET) {
        struct notification notification = {error.code, error.subcode, error.data};
        struct fsm_input input = {
            .event = FSM_UPDATE_ERROR, .notification = &notification, .reason = error.what};
        session_feed(core, conn, &input);
    }
}

static void take_refresh(struct core *core, struct session_conn *conn,
                         const struct message_view *message)
{
    struct peer *peer = conn->peer;
    struct route_refresh refresh;
    bool is_enhanced = peer->local_open.capabilities.enhanced_refresh &&
                       peer->remote_open.capabilities.enhanced_refresh;
    session_start_hold(core, conn, conn->hold_time_s);
    struct wire_error error = route_refresh_decode(message, is_enhanced, &refresh);
    if (error.disposition == WIRE_SESSION_RESET) {
        struct notification notification = {error.code, error.subcode, error.data};
        struct fsm_input input = {
            .event = FSM_UPDATE_ERROR, .notification = &notification, .reason = error.what};
        session_feed(core, conn, &input);
        return;
    }
    if (error.disposition != WIRE_ACCEPT || refresh.afi_safi == AFI_SAFI_NONE ||
        (peer->families & AFI_SAFI_BIT(refresh.afi_safi)) == 0) {
        return; /* RFC 2918 4: a family that was not negotiated is ignored. */
    }
    peer->session->is_busy = true;
    routes_peer_refresh(core, peer, &refresh);
    peer->session->is_busy = false;
    session_run_pending_reset(core, peer);
}

/* ---- Dispatch ---- */

void session_feed(struct core *core, struct session_conn *conn, const struct fsm_input *input)
{
    const struct fsm_cell *cell = fsm_cell(conn->state, input->event);
    switch ((enum fsm_act)cell->act) {
    case FSM_IGNORE:
        return;
    case FSM_CONNECT:
        start_attempt(core, conn);
        return;
    case FSM_LISTEN:
        set_state(core, conn, PEER_ACTIVE);
        return;
    case FSM_RECONNECT:
        retry_attempt(core, conn);
        return;
    case FSM_BEGIN:
        begin(core, conn);
        return;
    case FSM_SEND_OPEN:
        send_open(core, conn);
        set_state(core, conn, PEER_OPEN_SENT);
        return;
    case FSM_WAIT:
        wait_again(core, conn, input);
        return;
    case FSM_TAKE_OPEN:
        ASSERT(input->open != NULL);
        take_open(core, conn, input->open);
        return;
    case FSM_ESTABLISH:
        establish(core, conn);
        return;
    case FSM_SEND_KEEPALIVE:
        conn_send_keepalive(core, conn);
        return;
    case FSM_RESTART_HOLD:
        session_start_hold(core, conn, conn->hold_time_s);
        return;
    case FSM_TAKE_UPDATE:
        take_update(core, conn, input->message->body);
        return;
    case FSM_TAKE_REFRESH:
        take_refresh(core, conn, input->message);
        return;
    case FSM_CLOSE:
    case FSM_DROP:
    case FSM_DROP_LIGHTLY:
        end_connection(core, conn, cell, input);
        return;
    }
    UNREACHABLE();
}

void session_feed_event(struct core *core, struct session_conn *conn, enum fsm_event event)
{
    struct fsm_input input = {.event = event};
    session_feed(core, conn, &input);
}
