/* What a session says to the operator, never more often than he can read. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/session.h"

#define PEER_LINES_MAX 20u
#define PEER_WINDOW_S  60

bool rate_limiter_admit(struct rate_limiter *limiter, struct mono_time now, struct mono_span window,
                        uint32_t count_max, uint32_t *suppressed_out)
{
    *suppressed_out = 0;
    if (limiter->count == 0 || mono_reached(mono_add(limiter->window_start, window), now)) {
        *suppressed_out = limiter->suppressed;
        *limiter = (struct rate_limiter){.window_start = now};
    }
    if (limiter->count >= count_max) {
        limiter->suppressed++;
        return false;
    }
    limiter->count++;
    return true;
}

void session_log(struct core *core, struct peer *peer, enum log_event_kind kind,
                 enum log_severity severity, const char *format, ...)
{
    uint32_t suppressed;
    if (!rate_limiter_admit(&peer->session->log_limiter, core->now, mono_span_s(PEER_WINDOW_S),
                            PEER_LINES_MAX, &suppressed)) {
        return;
    }
    if (suppressed != 0) {
        core_log(core, kind, severity, &peer->addr, NULL,
                 "%u lines about this neighbor were left out", suppressed);
    }
    char text[LOG_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    core_log(core, kind, severity, &peer->addr, NULL, "%s", text);
}

static size_t put_name(char *text, size_t size, const struct notification *notification)
{
    const char *code = notification_code_name(notification->code);
    const char *subcode = notification_subcode_name(notification->code, notification->subcode);
    int length = notification->subcode == 0 ? snprintf(text, size, "%s", code)
                                            : snprintf(text, size, "%s/%s", code, subcode);
    return (size_t)length < size ? (size_t)length : size - 1;
}

const char *session_notification_name(const struct notification *notification,
                                      char text_out[NOTIFICATION_NAME_BYTES])
{
    struct notification inner;
    size_t at = put_name(text_out, NOTIFICATION_NAME_BYTES, notification);
    if (hard_reset_read(notification, &inner) && NOTIFICATION_NAME_BYTES - at > 2) {
        memcpy(text_out + at, ", ", 2);
        put_name(text_out + at + 2, NOTIFICATION_NAME_BYTES - at - 2, &inner);
    }
    return text_out;
}

void session_log_notification(struct core *core, struct session_conn *conn,
                              const struct notification *notification, bool is_sent)
{
    char message[256];
    char name[NOTIFICATION_NAME_BYTES];
    shutdown_message_read(notification, message);
    session_log(core, conn->peer, LOG_PEER_ERROR, LOG_SEVERITY_NOTICE,
                "%s NOTIFICATION %u/%u (%s)%s%s%s", is_sent ? "sent" : "received",
                notification->code, notification->subcode,
                session_notification_name(notification, name), message[0] != 0 ? ": \"" : "",
                message, message[0] != 0 ? "\"" : "");
}
