#include "bgpd/io/ack_watch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "bgpd/io/clock.h"
#include "proto/base/mem.h"

#define LOOK_INTERVAL_MS_MAX 300u
/* Since Linux 6.15, also where the headers are older. */
#define RTO_MAX_OPTION 44
#define RTO_MAX_MS     1000

struct ack_watch {
    struct ev_loop *loop;
    struct ack_source source;
    struct ack_hooks hooks;
    struct ack_judge judge;
    conn_id conn; /* 0: none */
    double look_interval_s;
    struct ev_timer look_timer;
};

bool ack_reading_take(int socket, struct ack_reading *reading_out)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return false;
    }
    *reading_out = (struct ack_reading){
        .acked_bytes = info.tcpi_bytes_acked,
        .waiting = info.tcpi_unacked,
        .repeats = info.tcpi_total_retrans,
        .since_sent_ms = info.tcpi_last_data_sent,
        .round_trip_us = info.tcpi_rtt,
    };
    return true;
}

static void schedule(struct ack_watch *watch)
{
    double wait_s = watch->look_interval_s;
    struct mono_time deadline = ack_judge_deadline(&watch->judge);
    if (!mono_is_never(deadline)) {
        double left_s = (double)mono_between(clock_mono_now(), deadline).ns / 1e9;
        wait_s = left_s > 0. && left_s < wait_s ? left_s : wait_s;
    }
    ev_timer_stop(watch->loop, &watch->look_timer);
    ev_now_update(watch->loop);
    ev_timer_set(&watch->look_timer, wait_s, 0.);
    ev_timer_start(watch->loop, &watch->look_timer);
}

static void on_look(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct ack_watch *watch = timer->data;
    struct ack_reading reading;
    enum probe_verdict before = watch->judge.verdict;
    int socket = watch->source.socket_of(watch->source.context, watch->conn);
    if (socket >= 0 && ack_reading_take(socket, &reading)) {
        ack_judge_look(&watch->judge, watch->conn, &reading, clock_mono_now());
    } else {
        ack_judge_no_session(&watch->judge);
    }
    if (watch->conn != 0) {
        schedule(watch);
    }
    if (watch->judge.verdict != before) {
        watch->hooks.changed(watch->hooks.context);
    }
}

/* Best effort: without them a loss is noticed later, never wrongly. */
static void prepare_socket(int socket, uint32_t hold_time_s)
{
    int one = 1;
    int rto_max_ms = RTO_MAX_MS;
    unsigned timeout_ms = hold_time_s * 1000;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &one, sizeof one);
    (void)setsockopt(socket, IPPROTO_TCP, RTO_MAX_OPTION, &rto_max_ms, sizeof rto_max_ms);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

void ack_watch_session(struct ack_watch *watch, conn_id conn, uint32_t hold_time_s)
{
    int socket = watch->source.socket_of(watch->source.context, conn);
    if (conn == watch->conn) {
        return;
    }
    watch->conn = conn;
    if (socket >= 0) {
        prepare_socket(socket, hold_time_s);
    }
    ev_timer_stop(watch->loop, &watch->look_timer);
    ev_timer_set(&watch->look_timer, 0., 0.);
    ev_timer_start(watch->loop, &watch->look_timer);
}

enum probe_verdict ack_watch_verdict(const struct ack_watch *watch)
{
    return watch->judge.verdict;
}

void ack_watch_doubt(struct ack_watch *watch)
{
    ack_judge_doubt(&watch->judge);
}

struct ack_watch *ack_watch_new(struct ev_loop *loop, const struct ack_source *source,
                                const struct ack_hooks *hooks, uint32_t interval_ms,
                                uint32_t multiplier)
{
    struct ack_watch *watch = mem_alloc(MEM_IO, sizeof *watch);
    uint32_t interval = interval_ms == 0 ? PROBE_INTERVAL_DEFAULT_MS : interval_ms;
    watch->loop = loop;
    watch->source = *source;
    watch->hooks = *hooks;
    watch->look_interval_s =
        (interval < LOOK_INTERVAL_MS_MAX ? interval : LOOK_INTERVAL_MS_MAX) / 1000.;
    ack_judge_init(&watch->judge, interval_ms, multiplier);
    ev_timer_init(&watch->look_timer, on_look, 0., 0.);
    watch->look_timer.data = watch;
    return watch;
}

void ack_watch_free(struct ack_watch *watch)
{
    ev_timer_stop(watch->loop, &watch->look_timer);
    mem_free(MEM_IO, watch);
}
