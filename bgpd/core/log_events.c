/* Names of what the core says, for JSON logs and filters. */
#include "bgpd/core/log_events.h"

#include <stddef.h>

#include "proto/base/assert.h"

static const char *const kind_names[] = {
    [LOG_PEER_UP] = "peer-up",
    [LOG_PEER_DOWN] = "peer-down",
    [LOG_PEER_STATE] = "peer-state",
    [LOG_PEER_ERROR] = "peer-error",
    [LOG_UPDATE_ERROR] = "update-error",
    [LOG_PREFIX_LIMIT] = "prefix-limit",
    [LOG_POLICY_MISSING] = "policy-missing",
    [LOG_CONFIG] = "config",
    [LOG_TUNNEL] = "tunnel",
    [LOG_PROTECTION] = "protection",
    [LOG_PIN] = "pin",
    [LOG_FIB] = "fib",
    [LOG_FAILOVER] = "failover",
    [LOG_LINK] = "link",
    [LOG_AZURE] = "azure",
    [LOG_GENERAL] = "general",
};

_Static_assert(sizeof kind_names / sizeof kind_names[0] == LOG_EVENT_KIND_COUNT,
               "every kind has a name");

const char *log_event_kind_name(enum log_event_kind kind)
{
    ASSERT((unsigned)kind < LOG_EVENT_KIND_COUNT);
    return kind_names[kind];
}
