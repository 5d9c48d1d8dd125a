#include "bgpd/core/fsm.h"

#include "proto/base/assert.h"
#include "proto/wire_error.h"

/* RFC 6608: which state the unexpected message met. */
#define UNEXPECTED_IN_OPEN_SENT    1
#define UNEXPECTED_IN_OPEN_CONFIRM 2
#define UNEXPECTED_IN_ESTABLISHED  3

#define CELL(action, next_state)                                                                   \
    {                                                                                              \
        .act = (action), .next = (next_state)                                                      \
    }
#define IGNORE(same_state) CELL(FSM_IGNORE, same_state)
#define DROP               CELL(FSM_DROP, PEER_IDLE)
#define DROP_SAYING(c, s)                                                                          \
    {                                                                                              \
        .act = FSM_DROP, .next = PEER_IDLE, .code = (c), .subcode = (s)                            \
    }
#define CLOSE_SAYING(c, s)                                                                         \
    {                                                                                              \
        .act = FSM_CLOSE, .next = PEER_IDLE, .code = (c), .subcode = (s)                           \
    }
#define UNEXPECTED(subcode) DROP_SAYING(NOTIFICATION_FSM, subcode)

static const struct fsm_cell cells[FSM_STATE_COUNT][FSM_EVENT_COUNT] =
    {
        [PEER_IDLE] =
            {
                [FSM_START] = CELL(FSM_CONNECT, PEER_CONNECT),
                [FSM_START_PASSIVE] = CELL(FSM_LISTEN, PEER_ACTIVE),
                [FSM_STOP] = IGNORE(PEER_IDLE),
                [FSM_CONNECT_RETRY_EXPIRED] = IGNORE(PEER_IDLE),
                [FSM_HOLD_EXPIRED] = IGNORE(PEER_IDLE),
                [FSM_KEEPALIVE_EXPIRED] = IGNORE(PEER_IDLE),
                [FSM_DELAY_OPEN_EXPIRED] = IGNORE(PEER_IDLE),
                [FSM_TCP_UP] = CELL(FSM_CLOSE, PEER_IDLE), /* refused: 8.2.2 */
                [FSM_TCP_FAILED] = IGNORE(PEER_IDLE),
                [FSM_OPEN] = IGNORE(PEER_IDLE),
                [FSM_HEADER_ERROR] = IGNORE(PEER_IDLE),
                [FSM_OPEN_ERROR] = IGNORE(PEER_IDLE),
                [FSM_COLLISION_DUMP] = IGNORE(PEER_IDLE),
                [FSM_NOTIFICATION_VERSION] = IGNORE(PEER_IDLE),
                [FSM_NOTIFICATION] = IGNORE(PEER_IDLE),
                [FSM_KEEPALIVE] = IGNORE(PEER_IDLE),
                [FSM_UPDATE] = IGNORE(PEER_IDLE),
                [FSM_UPDATE_ERROR] = IGNORE(PEER_IDLE),
                [FSM_ROUTE_REFRESH] = IGNORE(PEER_IDLE),
                [FSM_SEND_HOLD_EXPIRED] = IGNORE(PEER_IDLE),
            },
        [PEER_CONNECT] =
            {
                [FSM_START] = IGNORE(PEER_CONNECT),
                [FSM_START_PASSIVE] = IGNORE(PEER_CONNECT),
                [FSM_STOP] = CLOSE_SAYING(FSM_SAY_NOTHING, 0),
                [FSM_CONNECT_RETRY_EXPIRED] = CELL(FSM_RECONNECT, PEER_CONNECT),
                [FSM_HOLD_EXPIRED] = DROP,
                [FSM_KEEPALIVE_EXPIRED] = DROP,
                [FSM_DELAY_OPEN_EXPIRED] = CELL(FSM_SEND_OPEN, PEER_OPEN_SENT),
                [FSM_TCP_UP] = CELL(FSM_BEGIN, PEER_OPEN_SENT),
                [FSM_TCP_FAILED] = CELL(FSM_WAIT, PEER_ACTIVE),
                [FSM_OPEN] = CELL(FSM_TAKE_OPEN, PEER_OPEN_CONFIRM), /* DelayOpen is running */
                [FSM_HEADER_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_OPEN_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_COLLISION_DUMP] = CLOSE_SAYING(FSM_SAY_NOTHING, 0),
                [FSM_NOTIFICATION_VERSION] = CELL(FSM_DROP_LIGHTLY, PEER_IDLE),
                [FSM_NOTIFICATION] = DROP,
                [FSM_KEEPALIVE] = DROP,
                [FSM_UPDATE] = DROP,
                [FSM_UPDATE_ERROR] = DROP,
                [FSM_ROUTE_REFRESH] = DROP,
                [FSM_SEND_HOLD_EXPIRED] = DROP,
            },
        [PEER_ACTIVE] =
            {
                [FSM_START] = IGNORE(PEER_ACTIVE),
                [FSM_START_PASSIVE] = IGNORE(PEER_ACTIVE),
                [FSM_STOP] = CLOSE_SAYING(FSM_SAY_INPUT, 0), /* said only to a delayed connection */
                [FSM_CONNECT_RETRY_EXPIRED] = CELL(FSM_CONNECT, PEER_CONNECT),
                [FSM_HOLD_EXPIRED] = DROP,
                [FSM_KEEPALIVE_EXPIRED] = DROP,
                [FSM_DELAY_OPEN_EXPIRED] = CELL(FSM_SEND_OPEN, PEER_OPEN_SENT),
                [FSM_TCP_UP] = CELL(FSM_BEGIN, PEER_OPEN_SENT),
                [FSM_TCP_FAILED] = CELL(FSM_WAIT, PEER_ACTIVE),
                [FSM_OPEN] = CELL(FSM_TAKE_OPEN, PEER_OPEN_CONFIRM), /* DelayOpen is running */
                [FSM_HEADER_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_OPEN_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_COLLISION_DUMP] = CLOSE_SAYING(FSM_SAY_NOTHING, 0),
                [FSM_NOTIFICATION_VERSION] = CELL(FSM_DROP_LIGHTLY, PEER_IDLE),
                [FSM_NOTIFICATION] = DROP,
                [FSM_KEEPALIVE] = DROP,
                [FSM_UPDATE] = DROP,
                [FSM_UPDATE_ERROR] = DROP,
                [FSM_ROUTE_REFRESH] = DROP,
                [FSM_SEND_HOLD_EXPIRED] = DROP,
            },
        [PEER_OPEN_SENT] =
            {
                [FSM_START] = IGNORE(PEER_OPEN_SENT),
                [FSM_START_PASSIVE] = IGNORE(PEER_OPEN_SENT),
                [FSM_STOP] = CLOSE_SAYING(FSM_SAY_INPUT, 0),
                [FSM_CONNECT_RETRY_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_HOLD_TIMER, 0),
                [FSM_KEEPALIVE_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_DELAY_OPEN_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_TCP_UP] = IGNORE(PEER_OPEN_SENT), /* one connection per machine */
                [FSM_TCP_FAILED] = CELL(FSM_WAIT, PEER_ACTIVE),
                [FSM_OPEN] = CELL(FSM_TAKE_OPEN, PEER_OPEN_CONFIRM),
                [FSM_HEADER_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_OPEN_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_COLLISION_DUMP] = CLOSE_SAYING(NOTIFICATION_CEASE, CEASE_COLLISION),
                [FSM_NOTIFICATION_VERSION] = CELL(FSM_DROP_LIGHTLY, PEER_IDLE),
                [FSM_NOTIFICATION] = DROP, /* not N(5/1): nobody answers a NOTIFICATION with one */
                [FSM_KEEPALIVE] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_UPDATE] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_UPDATE_ERROR] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_ROUTE_REFRESH] = UNEXPECTED(UNEXPECTED_IN_OPEN_SENT),
                [FSM_SEND_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_SEND_HOLD, 0),
            },
        [PEER_OPEN_CONFIRM] =
            {
                [FSM_START] = IGNORE(PEER_OPEN_CONFIRM),
                [FSM_START_PASSIVE] = IGNORE(PEER_OPEN_CONFIRM),
                [FSM_STOP] = CLOSE_SAYING(FSM_SAY_INPUT, 0),
                [FSM_CONNECT_RETRY_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_HOLD_TIMER, 0),
                [FSM_KEEPALIVE_EXPIRED] = CELL(FSM_SEND_KEEPALIVE, PEER_OPEN_CONFIRM),
                [FSM_DELAY_OPEN_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_TCP_UP] = IGNORE(PEER_OPEN_CONFIRM),
                [FSM_TCP_FAILED] = DROP,
                [FSM_OPEN] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_HEADER_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_OPEN_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_COLLISION_DUMP] = CLOSE_SAYING(NOTIFICATION_CEASE, CEASE_COLLISION),
                [FSM_NOTIFICATION_VERSION] = CELL(FSM_DROP_LIGHTLY, PEER_IDLE),
                [FSM_NOTIFICATION] = DROP,
                [FSM_KEEPALIVE] = CELL(FSM_ESTABLISH, PEER_ESTABLISHED),
                [FSM_UPDATE] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_UPDATE_ERROR] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_ROUTE_REFRESH] = UNEXPECTED(UNEXPECTED_IN_OPEN_CONFIRM),
                [FSM_SEND_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_SEND_HOLD, 0),
            },
        [PEER_ESTABLISHED] =
            {
                [FSM_START] = IGNORE(PEER_ESTABLISHED),
                [FSM_START_PASSIVE] = IGNORE(PEER_ESTABLISHED),
                [FSM_STOP] = CLOSE_SAYING(FSM_SAY_INPUT, 0),
                [FSM_CONNECT_RETRY_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_ESTABLISHED),
                [FSM_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_HOLD_TIMER, 0),
                [FSM_KEEPALIVE_EXPIRED] = CELL(FSM_SEND_KEEPALIVE, PEER_ESTABLISHED),
                [FSM_DELAY_OPEN_EXPIRED] = UNEXPECTED(UNEXPECTED_IN_ESTABLISHED),
                [FSM_TCP_UP] = IGNORE(PEER_ESTABLISHED),
                [FSM_TCP_FAILED] = DROP,
                [FSM_OPEN] = UNEXPECTED(UNEXPECTED_IN_ESTABLISHED),
                [FSM_HEADER_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_OPEN_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_COLLISION_DUMP] = IGNORE(PEER_ESTABLISHED), /* what stands, stands */
                [FSM_NOTIFICATION_VERSION] = CELL(FSM_DROP_LIGHTLY, PEER_IDLE),
                [FSM_NOTIFICATION] = DROP,
                [FSM_KEEPALIVE] = CELL(FSM_RESTART_HOLD, PEER_ESTABLISHED),
                [FSM_UPDATE] = CELL(FSM_TAKE_UPDATE, PEER_ESTABLISHED),
                [FSM_UPDATE_ERROR] = DROP_SAYING(FSM_SAY_INPUT, 0),
                [FSM_ROUTE_REFRESH] = CELL(FSM_TAKE_REFRESH, PEER_ESTABLISHED),
                [FSM_SEND_HOLD_EXPIRED] = DROP_SAYING(NOTIFICATION_SEND_HOLD, 0),
            },
};

static const char *const event_names[FSM_EVENT_COUNT] = {
    [FSM_START] = "start",
    [FSM_START_PASSIVE] = "passive start",
    [FSM_STOP] = "stop",
    [FSM_CONNECT_RETRY_EXPIRED] = "connect retry timer expired",
    [FSM_HOLD_EXPIRED] = "hold timer expired",
    [FSM_KEEPALIVE_EXPIRED] = "keepalive timer expired",
    [FSM_DELAY_OPEN_EXPIRED] = "delay open timer expired",
    [FSM_TCP_UP] = "TCP connection up",
    [FSM_TCP_FAILED] = "TCP connection failed",
    [FSM_OPEN] = "OPEN received",
    [FSM_HEADER_ERROR] = "message header error",
    [FSM_OPEN_ERROR] = "OPEN error",
    [FSM_COLLISION_DUMP] = "connection collision",
    [FSM_NOTIFICATION_VERSION] = "NOTIFICATION received (version)",
    [FSM_NOTIFICATION] = "NOTIFICATION received",
    [FSM_KEEPALIVE] = "KEEPALIVE received",
    [FSM_UPDATE] = "UPDATE received",
    [FSM_UPDATE_ERROR] = "UPDATE error",
    [FSM_ROUTE_REFRESH] = "ROUTE-REFRESH received",
    [FSM_SEND_HOLD_EXPIRED] = "send hold timer expired",
};

const struct fsm_cell *fsm_cell(enum peer_state state, enum fsm_event event)
{
    ASSERT((unsigned)state < FSM_STATE_COUNT);
    ASSERT((unsigned)event < FSM_EVENT_COUNT);
    return &cells[state][event];
}

const char *fsm_event_name(enum fsm_event event)
{
    ASSERT((unsigned)event < FSM_EVENT_COUNT);
    return event_names[event];
}
