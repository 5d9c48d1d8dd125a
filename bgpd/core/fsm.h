/* The session machine of RFC 4271 section 8 as a table: one cell for every state and event, pure
 * data. session_fsm.c carries out what a cell says. A peer has two machines, one for the connection
 * we open and one for the connection it opens. */
#ifndef BGPD_CORE_FSM_H
#define BGPD_CORE_FSM_H

#include <stdint.h>

#include "bgpd/core/snapshot.h"

#define FSM_STATE_COUNT 6u /* enum peer_state */

/* In brackets the numbers of RFC 4271 8.1. */
enum fsm_event {
    FSM_START,         /* 1, 3, and 13 by way of the peer's idle hold timer */
    FSM_START_PASSIVE, /* 4, 5 */
    FSM_STOP,          /* 2, 8: operator, configuration, reset asked for by the route side */
    FSM_CONNECT_RETRY_EXPIRED, /* 9 */
    FSM_HOLD_EXPIRED,          /* 10 */
    FSM_KEEPALIVE_EXPIRED,     /* 11 */
    FSM_DELAY_OPEN_EXPIRED,    /* 12 */
    FSM_TCP_UP,                /* 16, 17 */
    FSM_TCP_FAILED,            /* 18 */
    FSM_OPEN,                  /* 19, 20 */
    FSM_HEADER_ERROR,          /* 21 */
    FSM_OPEN_ERROR,            /* 22 */
    FSM_COLLISION_DUMP,        /* 23 */
    FSM_NOTIFICATION_VERSION,  /* 24 */
    FSM_NOTIFICATION,          /* 25 */
    FSM_KEEPALIVE,             /* 26 */
    FSM_UPDATE,                /* 27 */
    FSM_UPDATE_ERROR,          /* 28 */
    FSM_ROUTE_REFRESH,         /* RFC 2918 */
    FSM_SEND_HOLD_EXPIRED,     /* 29, RFC 9687 */
    FSM_EVENT_COUNT,
};

enum fsm_act {
    FSM_IGNORE,
    FSM_CONNECT,   /* start ConnectRetry and open a connection */
    FSM_LISTEN,    /* wait for the peer's connection */
    FSM_RECONNECT, /* give the attempt up and make another one */
    FSM_BEGIN,     /* TCP is up: send OPEN, or delay it */
    FSM_SEND_OPEN, /* the delay is over */
    FSM_WAIT,      /* TCP failed before anything was agreed: try again after ConnectRetry */
    FSM_TAKE_OPEN, /* collision check, then KEEPALIVE (after our OPEN when that was delayed) */
    FSM_ESTABLISH,
    FSM_SEND_KEEPALIVE,
    FSM_RESTART_HOLD,
    FSM_TAKE_UPDATE,
    FSM_TAKE_REFRESH,
    FSM_CLOSE,        /* close and rest: whoever sent the event decides what comes next */
    FSM_DROP,         /* close, wait for the idle hold time (which grows), start again */
    FSM_DROP_LIGHTLY, /* the same, but the idle hold time does not grow */
};

#define FSM_SAY_NOTHING 0u
#define FSM_SAY_INPUT   255u /* the NOTIFICATION that came with the event */

struct fsm_cell {
    uint8_t act;  /* enum fsm_act */
    uint8_t next; /* enum peer_state; FSM_BEGIN with DelayOpen stays where it is */
    uint8_t code; /* of the NOTIFICATION sent first, FSM_SAY_NOTHING or FSM_SAY_INPUT */
    uint8_t subcode;
};

/* Asserts that both are in range. */
const struct fsm_cell *fsm_cell(enum peer_state state, enum fsm_event event);

/* "TCP connection failed". */
const char *fsm_event_name(enum fsm_event event);

#endif
