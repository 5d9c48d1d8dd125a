/* What a decoder found wrong, and what RFC 4271 section 6 or RFC 7606 wants done about it. */
#ifndef PROTO_WIRE_ERROR_H
#define PROTO_WIRE_ERROR_H

#include <stdint.h>

#include "proto/base/cursor.h"

enum wire_disposition {
    WIRE_ACCEPT = 0,        /* nothing wrong */
    WIRE_ATTR_DISCARD,      /* drop the attribute, use the rest */
    WIRE_TREAT_AS_WITHDRAW, /* every NLRI of the message is withdrawn */
    WIRE_SESSION_RESET,     /* send NOTIFICATION code/subcode with data, close */
};

enum notification_code {
    NOTIFICATION_HEADER = 1,
    NOTIFICATION_OPEN = 2,
    NOTIFICATION_UPDATE = 3,
    NOTIFICATION_HOLD_TIMER = 4,
    NOTIFICATION_FSM = 5,
    NOTIFICATION_CEASE = 6,
    NOTIFICATION_ROUTE_REFRESH = 7,
    NOTIFICATION_SEND_HOLD = 8,
};

enum cease_subcode {
    CEASE_MAX_PREFIXES = 1,
    CEASE_ADMIN_SHUTDOWN = 2,
    CEASE_DECONFIGURED = 3,
    CEASE_ADMIN_RESET = 4,
    CEASE_REJECTED = 5,
    CEASE_CONFIG_CHANGE = 6,
    CEASE_COLLISION = 7,
    CEASE_OUT_OF_RESOURCES = 8,
    CEASE_HARD_RESET = 9,
    CEASE_BFD_DOWN = 10,
};

struct wire_error {
    enum wire_disposition disposition;
    uint8_t code; /* enum notification_code; 0 when none would be sent */
    uint8_t subcode;
    uint8_t attr_type;     /* of the attribute at fault, 0 when none */
    uint16_t offset_bytes; /* from the start of the message body */
    struct byte_view data; /* NOTIFICATION data: a view into the message, or static */
    const char *what;      /* static text, lower case: "ORIGIN length is not 1" */
};

#define WIRE_NO_ERROR ((struct wire_error){.disposition = WIRE_ACCEPT})

#endif
