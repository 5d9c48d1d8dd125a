/* Timers of a connection (RFC 4271 10, RFC 9687). */
#include "bgpd/core/kernel_side.h"
#include "bgpd/core/session.h"

/* A hold timer that runs this late was held up by us: the peer's octets may still lie in the
 * socket, so it gets one more moment. */
#define LATE_MS       100
#define LATE_GRACE_MS 1000

/* RFC 4271 4.4: no more than one KEEPALIVE a second, so the jitter of these only adds. */
#define WATCHED_KEEPALIVE_MS 1000
#define WATCHED_JITTER_MS    50

static struct session_conn *conn_of(struct timer *timer, size_t offset)
{
    return (struct session_conn *)(void *)((char *)timer - offset);
}

static void on_connect_retry(struct core *core, struct timer *timer)
{
    session_feed_event(core, conn_of(timer, offsetof(struct session_conn, connect_retry)),
                       FSM_CONNECT_RETRY_EXPIRED);
}

static void on_hold(struct core *core, struct timer *timer)
{
    struct session_conn *conn = conn_of(timer, offsetof(struct session_conn, hold));
    int64_t late_ms = mono_span_to_ms(mono_between(timer->deadline, core->now));
    if (conn_has_whole_message(conn)) {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_ms(LATE_GRACE_MS)));
        return; /* It spoke in time; the delay is ours. */
    }
    if (late_ms > LATE_MS && !conn->hold_was_late) {
        conn->hold_was_late = true;
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_ms(LATE_GRACE_MS)));
        return;
    }
    session_feed_event(core, conn, FSM_HOLD_EXPIRED);
}

static void on_keepalive(struct core *core, struct timer *timer)
{
    session_feed_event(core, conn_of(timer, offsetof(struct session_conn, keepalive_timer)),
                       FSM_KEEPALIVE_EXPIRED);
}

static void on_delay_open(struct core *core, struct timer *timer)
{
    session_feed_event(core, conn_of(timer, offsetof(struct session_conn, delay_open)),
                       FSM_DELAY_OPEN_EXPIRED);
}

static void on_send_hold(struct core *core, struct timer *timer)
{
    session_feed_event(core, conn_of(timer, offsetof(struct session_conn, send_hold)),
                       FSM_SEND_HOLD_EXPIRED);
}

void session_timers_init(struct session_conn *conn)
{
    conn->connect_retry.expired = on_connect_retry;
    conn->hold.expired = on_hold;
    conn->keepalive_timer.expired = on_keepalive;
    conn->delay_open.expired = on_delay_open;
    conn->send_hold.expired = on_send_hold;
}

struct mono_span session_jitter(struct core *core, struct mono_span span)
{
    uint32_t part = 750 + random_below(&core->random, 251);
    return mono_span_ns(span.ns / 1000 * part);
}

void session_start_connect_retry(struct core *core, struct session_conn *conn)
{
    uint32_t seconds = conn->peer->settings.merged.connect_retry_s.value;
    struct mono_span span = session_jitter(core, mono_span_s(seconds < 1 ? 1 : seconds));
    timer_start(&core->timers, &conn->connect_retry, mono_add(core->now, span));
}

void session_start_hold(struct core *core, struct session_conn *conn, uint32_t seconds)
{
    conn->hold_was_late = false;
    if (seconds == 0) {
        timer_stop(&core->timers, &conn->hold);
    } else {
        timer_start(&core->timers, &conn->hold, mono_add(core->now, mono_span_s(seconds)));
    }
}

static bool is_watched(const struct core *core, const struct session_conn *conn)
{
    return conn->keepalive.ns != 0 && conn->state == PEER_ESTABLISHED &&
           kernel_tunnel_needs_acks(core, conn->peer->settings.tunnel_number);
}

void session_start_keepalive(struct core *core, struct session_conn *conn)
{
    if (conn->keepalive.ns == 0) {
        timer_stop(&core->timers, &conn->keepalive_timer);
        return;
    }
    struct mono_span span = session_jitter(core, conn->keepalive);
    if (is_watched(core, conn)) {
        uint32_t jitter_ms = random_below(&core->random, WATCHED_JITTER_MS + 1);
        span = mono_span_ms(WATCHED_KEEPALIVE_MS + jitter_ms);
    }
    timer_start(&core->timers, &conn->keepalive_timer, mono_add(core->now, span));
}

void session_check_send_hold(struct core *core, struct session_conn *conn, bool has_progress)
{
    uint32_t seconds = conn->peer->settings.merged.send_hold_s.value;
    bool is_outstanding = conn->unsent.size != 0 || conn->room_bytes < conn->room_full_bytes;
    if (seconds == 0 || !is_outstanding) {
        timer_stop(&core->timers, &conn->send_hold);
    } else if (has_progress || !timer_is_armed(&conn->send_hold)) {
        timer_start(&core->timers, &conn->send_hold, mono_add(core->now, mono_span_s(seconds)));
    }
}
