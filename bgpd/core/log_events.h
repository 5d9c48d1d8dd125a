/* Everything the core has to say to an operator: typed, one line per change of state. io prints
 * them as text or JSON. */
#ifndef BGPD_CORE_LOG_EVENTS_H
#define BGPD_CORE_LOG_EVENTS_H

#include <stdint.h>

#include "proto/prefix.h"

enum log_severity {
    LOG_SEVERITY_ERROR = 3,
    LOG_SEVERITY_WARNING = 4,
    LOG_SEVERITY_NOTICE = 5,
    LOG_SEVERITY_INFO = 6,
    LOG_SEVERITY_DEBUG = 7,
};

enum log_event_kind {
    LOG_PEER_UP,
    LOG_PEER_DOWN,
    LOG_PEER_STATE,   /* debug: every FSM transition */
    LOG_PEER_ERROR,   /* NOTIFICATION sent or received, refused connection, ... */
    LOG_UPDATE_ERROR, /* RFC 7606 findings, rate-limited */
    LOG_PREFIX_LIMIT,
    LOG_POLICY_MISSING, /* RFC 8212 */
    LOG_CONFIG,         /* loaded, rejected, warnings */
    LOG_TUNNEL,         /* up, down, evidence */
    LOG_PROTECTION,     /* guard in place, path refused, exposed */
    LOG_PIN,            /* endpoint pinned, moved, capture refused */
    LOG_FIB,            /* refused by the kernel, repaired, foreign route in the way */
    LOG_FAILOVER,       /* one line per failover, with its times */
    LOG_LINK,
    LOG_AZURE, /* maintenance prepend seen, limit near */
    LOG_GENERAL,
    LOG_EVENT_KIND_COUNT,
};

#define LOG_TEXT_BYTES 512u

struct log_event {
    enum log_event_kind kind;
    enum log_severity severity;
    struct ip_addr peer;       /* IP_NONE when none is meant */
    struct prefix prefix;      /* family IP_NONE when none is meant */
    char text[LOG_TEXT_BYTES]; /* what happened, what we did, what the operator can do */
};

/* "peer-up"; for JSON. */
const char *log_event_kind_name(enum log_event_kind kind);

#endif
