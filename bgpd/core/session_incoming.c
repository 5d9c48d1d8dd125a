/* Connections that others open, and what happens to connections on the network's side. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"

#define STRANGER_LINES_MAX 10u
#define COLLISION_S        5
#define STRANGER_WINDOW_S  60

/* RFC 4486 4: with a Cease of this subcode; 0: without a word. */
static void refuse(struct core *core, const struct conn_event *event, uint8_t cease_subcode)
{
    uint8_t bytes[BGP_HEADER_BYTES + 2];
    struct writer writer = writer_of(bytes, sizeof bytes);
    if (cease_subcode != 0) {
        struct notification notification = {NOTIFICATION_CEASE, cease_subcode, {NULL, 0}};
        notification_encode(&writer, &notification);
        ASSERT(!writer.failed);
        struct core_action say = {.kind = ACTION_SEND,
                                  .send = {event->conn, {bytes, writer_size(&writer)}}};
        action_queue_put(&core->actions, &say);
    }
    struct core_action action = {.kind = ACTION_CLOSE, .close = {event->conn}};
    action_queue_put(&core->actions, &action);
}

static void refuse_stranger(struct core *core, const struct conn_event *event)
{
    uint32_t suppressed;
    bool is_told =
        rate_limiter_admit(&core->peers->stranger_limiter, core->now,
                           mono_span_s(STRANGER_WINDOW_S), STRANGER_LINES_MAX, &suppressed);
    refuse(core, event, is_told ? CEASE_REJECTED : 0);
    if (is_told) {
        core_log(core, LOG_PEER_ERROR, LOG_SEVERITY_INFO, &event->remote_addr, NULL,
                 "refused a connection: no neighbor is configured for this address (%u more in the "
                 "last minute)",
                 suppressed);
    }
}

/* Why this neighbor's connection is not wanted now; NULL when it is. */
static const char *unwanted(struct core *core, struct peer *peer, const struct conn_event *event,
                            char text[OBSTACLE_BYTES])
{
    const struct peer_session *session = peer->session;
    const struct session_conn *theirs = &session->conns[CONN_THEIRS];
    if (peer_is_admin_down(peer)) {
        return "the neighbor is shut down here";
    }
    if (peer_is_established(peer)) {
        return "the session is up already";
    }
    if (theirs->state == PEER_IDLE) {
        if (session->is_blocked) {
            return session->obstacle;
        }
        return session->is_prefix_limited ? "it sent too many prefixes"
                                          : "the session rests for a moment after its last end";
    }
    if (theirs->state == PEER_OPEN_CONFIRM) {
        return "another connection of it is about to come up";
    }
    return transport_refusal(core, peer, event, text);
}

/* What the peer is told with it: a connection beside one that does is one too many (6/7). */
static uint8_t unwanted_subcode(const struct peer *peer)
{
    bool is_second =
        peer_is_established(peer) || peer->session->conns[CONN_THEIRS].state == PEER_OPEN_CONFIRM;
    return is_second ? CEASE_COLLISION : CEASE_REJECTED;
}

static void take_endpoints(struct session_conn *conn, const struct conn_event *event)
{
    conn->local_addr = event->local_addr;
    conn->local_port = event->local_port;
    conn->remote_port = event->remote_port;
    conn->ifindex = event->ifindex;
}

static void accept_connection(struct core *core, struct session_conn *conn,
                              const struct conn_event *event)
{
    struct core_action action = {.kind = ACTION_ACCEPT};
    char text[OBSTACLE_BYTES];
    const char *missing = transport_setup(core, conn->peer, &action.conn_setup, text);
    if (missing != NULL) {
        refuse(core, event, CEASE_REJECTED);
        session_log(core, conn->peer, LOG_PEER_ERROR, LOG_SEVERITY_NOTICE,
                    "refused its connection: %s", missing);
        return;
    }
    if (conn->id != 0) {
        conn_shut(core, conn); /* The newer connection is likelier to be alive. */
        conn->state = PEER_ACTIVE;
    }
    conn_attach(core, conn, event->conn);
    take_endpoints(conn, event);
    action.conn_setup.conn = event->conn;
    action.conn_setup.local_addr = event->local_addr;
    action.conn_setup.port = event->remote_port;
    action_queue_put(&core->actions, &action);
    session_feed_event(core, conn, FSM_TCP_UP);
    session_update_state(core, conn->peer);
}

/* RFC 4724 5: a peer that restarts gracefully and connects anew has restarted, whatever TCP knows
 * of its old connection; the routes stay. A session that has just come up is no such one: there
 * both sides called at the same time, and the second connection is one too many. */
static void give_up_old_session(struct core *core, struct peer *peer)
{
    struct session_conn *old = peer_established_conn(peer);
    if (old == NULL || helped_families(peer) == 0 ||
        mono_before(core->now, mono_add(peer->established_at, mono_span_s(COLLISION_S)))) {
        return;
    }
    struct fsm_input input = {.event = FSM_TCP_FAILED,
                              .reason = "the peer has restarted: it opened a new connection"};
    session_feed(core, old, &input);
}

void session_incoming(struct core *core, const struct conn_event *event)
{
    struct peer *peer = peer_find(core, &event->remote_addr);
    if (peer == NULL) {
        peer = peer_new_dynamic(core, &event->remote_addr);
    }
    if (peer == NULL) {
        refuse_stranger(core, event);
        return;
    }
    char text[OBSTACLE_BYTES];
    uint32_t suppressed;
    if (!rate_limiter_admit(&peer->session->incoming_limiter, core->now, mono_span_s(1),
                            core->limits.connections_per_source_max, &suppressed)) {
        refuse(core, event, 0);
        return;
    }
    if (transport_refusal(core, peer, event, text) == NULL) {
        give_up_old_session(core, peer);
    }
    const char *reason = unwanted(core, peer, event, text);
    if (reason != NULL) {
        refuse(core, event, unwanted_subcode(peer));
        session_log(core, peer, LOG_PEER_ERROR, LOG_SEVERITY_INFO, "refused its connection: %s",
                    reason);
        return;
    }
    accept_connection(core, &peer->session->conns[CONN_THEIRS], event);
}

static void tcp_failed(struct core *core, struct session_conn *conn, const struct conn_event *event)
{
    char reason[RESET_REASON_BYTES];
    char addr[IP_TEXT_BYTES];
    conn->is_lost = true;
    if (!conn->is_up && event->error == ENOPROTOOPT &&
        conn->peer->settings.merged.ao_key_chain != NULL) {
        snprintf(
            reason, sizeof reason,
            "this kernel has no TCP-AO (Linux 6.7 or later, built with CONFIG_TCP_AO); without "
            "it there is no session");
    } else if (!conn->is_up) {
        snprintf(reason, sizeof reason, "connect to %s port %u: %s",
                 ip_format(&conn->peer->addr, addr), conn->peer->settings.merged.port.value,
                 event->error != 0 ? strerror(event->error) : "failed");
    } else if (event->error != 0) {
        snprintf(reason, sizeof reason, "connection failed: %s", strerror(event->error));
    } else {
        snprintf(reason, sizeof reason, "the peer closed the connection");
    }
    struct fsm_input input = {.event = FSM_TCP_FAILED, .reason = reason};
    session_feed(core, conn, &input);
    if (conn->id == event->conn) {
        conn_shut(core, conn); /* A cell that ignores the event leaves no dead connection behind. */
    }
}

void peers_on_conn_event(struct core *core, const struct core_event *event)
{
    if (event->kind == EVENT_CONN_INCOMING) {
        session_incoming(core, &event->conn);
        return;
    }
    struct session_conn *conn = conn_find(core, event->conn.conn);
    if (conn == NULL) {
        return; /* It crossed our ACTION_CLOSE. */
    }
    switch (event->kind) {
    case EVENT_CONN_OPENED:
        take_endpoints(conn, &event->conn);
        session_feed_event(core, conn, FSM_TCP_UP);
        return;
    case EVENT_CONN_FAILED:
    case EVENT_CONN_CLOSED:
        tcp_failed(core, conn, &event->conn);
        return;
    case EVENT_CONN_BYTES:
        if (conn->is_up && event->conn.bytes.size != 0) {
            conn_receive(core, conn, event->conn.bytes);
        }
        return;
    case EVENT_CONN_ROOM:
        conn_take_room(core, conn, event->conn.room_bytes);
        return;
    default:
        UNREACHABLE();
    }
}
