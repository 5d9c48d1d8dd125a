/* One message in: decoded as far as the session needs it, then handed to the machine. */
#include "bgpd/core/negotiate.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"

#define NOTIFICATION_OPEN_VERSION     1u
#define NOTIFICATION_OPEN_BAD_PEER_AS 2u

static void feed_error(struct core *core, struct session_conn *conn, enum fsm_event event,
                       const struct wire_error *error)
{
    struct notification notification = {error->code, error->subcode, error->data};
    struct fsm_input input = {.event = event,
                              .notification = error->code != 0 ? &notification : NULL,
                              .reason = error->what};
    session_feed(core, conn, &input);
}

static bool awaits_open(const struct session_conn *conn)
{
    return conn->state == PEER_OPEN_SENT || timer_is_armed(&conn->delay_open);
}

static void on_open(struct core *core, struct session_conn *conn, struct byte_view body)
{
    struct peer *peer = conn->peer;
    struct fsm_input input = {.event = FSM_OPEN};
    peer->received.opens++;
    if (!awaits_open(conn)) {
        session_feed(core, conn, &input);
        return;
    }
    struct open_message open;
    uint8_t data[AFI_SAFI_COUNT * MP_CAPABILITY_BYTES];
    struct wire_error error = open_decode(body, &open);
    if (error.disposition == WIRE_ACCEPT) {
        error = negotiate_check_open(core, &peer->settings, &conn->local_open, &open, data);
    }
    if (error.disposition == WIRE_ACCEPT && conn->local_open.asn != peer->settings.local_asn) {
        error = (struct wire_error){.disposition = WIRE_SESSION_RESET,
                                    .code = NOTIFICATION_CEASE,
                                    .subcode = CEASE_CONFIG_CHANGE,
                                    .what = "our AS number changed meanwhile"};
    }
    if (error.disposition != WIRE_ACCEPT) {
        if (error.code == NOTIFICATION_OPEN && error.subcode == NOTIFICATION_OPEN_BAD_PEER_AS &&
            !peer->settings.is_ebgp) {
            peer_try_other_as(core, peer); /* RFC 7705 4: it may be on the other side already */
        }
        feed_error(core, conn, FSM_OPEN_ERROR, &error);
        return;
    }
    input.open = &open;
    session_feed(core, conn, &input);
}

static void on_notification(struct core *core, struct session_conn *conn, struct byte_view body)
{
    struct notification notification;
    struct wire_error error = notification_decode(body, &notification);
    conn->peer->received.notifications++;
    if (error.disposition != WIRE_ACCEPT) {
        /* Nobody answers a NOTIFICATION with one: the connection just ends. */
        struct fsm_input input = {.event = FSM_NOTIFICATION, .reason = error.what};
        session_feed(core, conn, &input);
        return;
    }
    session_log_notification(core, conn, &notification, false);
    bool is_version =
        notification.code == NOTIFICATION_OPEN && notification.subcode == NOTIFICATION_OPEN_VERSION;
    if (notification.code == NOTIFICATION_OPEN &&
        notification.subcode == NOTIFICATION_OPEN_BAD_PEER_AS && conn->state < PEER_ESTABLISHED) {
        peer_try_other_as(core, conn->peer);
    }
    struct fsm_input input = {.event = is_version ? FSM_NOTIFICATION_VERSION : FSM_NOTIFICATION,
                              .notification = &notification};
    session_feed(core, conn, &input);
}

void session_message(struct core *core, struct session_conn *conn,
                     const struct message_view *message)
{
    struct fsm_input input = {.message = message};
    switch (message->type) {
    case MESSAGE_OPEN:
        on_open(core, conn, message->body);
        return;
    case MESSAGE_NOTIFICATION:
        on_notification(core, conn, message->body);
        return;
    case MESSAGE_UPDATE:
        conn->peer->received.updates++;
        input.event = FSM_UPDATE;
        break;
    case MESSAGE_KEEPALIVE:
        conn->peer->received.keepalives++;
        input.event = FSM_KEEPALIVE;
        break;
    case MESSAGE_ROUTE_REFRESH:
        conn->peer->received.route_refreshes++;
        input.event = FSM_ROUTE_REFRESH;
        break;
    }
    session_feed(core, conn, &input);
}
