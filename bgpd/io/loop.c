#include "bgpd/io/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bgpd/io/bfd_thread.h"
#include "bgpd/io/clock.h"
#include "bgpd/io/fib_thread.h"
#include "bgpd/io/files.h"
#include "bgpd/io/netlink_monitor.h"
#include "bgpd/io/tcp.h"
#include "bgpd/io/tunnel_watch.h"
#include "proto/base/mem.h"

/* Destinations decided between two looks at the sockets: about a millisecond. */
#define WORK_UNITS_PER_TURN 2048u
#define RESULTS_PER_TURN    4096u
/* How long the kernel may take to carry out the last operations of a stop. */
#define STOP_DRAIN_MS 4000
/* Guards must stand before the first session; the kernel takes microseconds for them. */
#define GUARDS_DRAIN_MS    1000
#define COMPAT_MODE_SYSCTL "/proc/sys/net/ipv4/nexthop_compat_mode"

struct daemon_loop {
    struct ev_loop *loop;
    struct log_sink *log;
    struct core *core;
    struct tcp_side *tcp;
    struct fib_thread *fib;
    struct bfd_thread *bfd;
    struct bfd_keeper *keeper; /* NULL: none */
    struct netlink_monitor *monitor;
    struct tunnel_watch *tunnels;
    struct ev_prepare prepare;
    struct ev_check check; /* runs first when the loop wakes */
    struct mono_time woke;
    struct ev_timer deadline;
    struct ev_idle busy; /* keeps the loop from sleeping while the core has backlog */
    struct ev_async fib_results;
    struct ev_async bfd_reports;
    struct ev_timer stop_linger;
    bool is_stopping;
    bool keeps_routes; /* of a stop */
    bool is_stopped;
    bool is_compat_checked;
    char fatal[LOG_TEXT_BYTES];
};

static void feed_seen(struct daemon_loop *daemon, struct mono_time seen,
                      const struct core_event *event)
{
    if (!daemon->is_stopped) {
        core_feed_seen(daemon->core, clock_mono_now(), seen, event);
    }
}

static void feed(struct daemon_loop *daemon, const struct core_event *event)
{
    feed_seen(daemon, clock_mono_now(), event);
}

static void hook_feed(void *context, const struct core_event *event)
{
    feed(context, event);
}

/* Facts of sockets lay there at the latest when the loop woke. */
static void hook_feed_fact(void *context, const struct core_event *event)
{
    struct daemon_loop *daemon = context;
    feed_seen(daemon, daemon->woke, event);
}

static void on_check(struct ev_loop *loop, struct ev_check *watcher, int events)
{
    (void)loop;
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    daemon->woke = clock_mono_now();
}

static uint32_t hook_receive_room(void *context, conn_id conn)
{
    struct daemon_loop *daemon = context;
    return core_receive_room(daemon->core, conn);
}

static int hook_socket_of(void *context, conn_id conn)
{
    struct daemon_loop *daemon = context;
    return tcp_socket_of(daemon->tcp, conn);
}

static void hook_listen_failed(void *context, const char *text)
{
    struct daemon_loop *daemon = context;
    snprintf(daemon->fatal, sizeof daemon->fatal, "%s", text);
    ev_break(daemon->loop, EVBREAK_ALL);
}

static void hook_fib_wake(void *context)
{
    struct daemon_loop *daemon = context;
    ev_async_send(daemon->loop, &daemon->fib_results);
}

static void on_fib_results(struct ev_loop *loop, struct ev_async *watcher, int events)
{
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    struct fib_result results[256];
    for (uint32_t total = 0; total < RESULTS_PER_TURN;) {
        size_t count = fib_thread_take_results(daemon->fib, results, 256);
        if (count == 0) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            struct core_event event = {.kind = EVENT_FIB_RESULT, .fib_result = results[i]};
            feed(daemon, &event);
        }
        total += (uint32_t)count;
    }
    ev_async_send(loop, watcher); /* More wait; sockets first. */
}

static void hook_bfd_wake(void *context)
{
    struct daemon_loop *daemon = context;
    ev_async_send(daemon->loop, &daemon->bfd_reports);
}

static void on_bfd_reports(struct ev_loop *loop, struct ev_async *watcher, int events)
{
    (void)loop;
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    struct bfd_report report;
    /* One at a time: what the core does about one may make the next one void. */
    while (bfd_thread_take_reports(daemon->bfd, &report, 1) != 0) {
        if (report.is_trouble) {
            log_sink_printf(daemon->log, LOG_GENERAL, LOG_SEVERITY_WARNING, "%s", report.trouble);
            continue;
        }
        struct core_event event = {.kind = EVENT_BFD_STATE, .bfd = report.fact};
        feed_seen(daemon, report.at, &event);
        daemon_loop_settle(daemon);
    }
}

static void stop_finished(struct daemon_loop *daemon)
{
    daemon->is_stopped = true;
    if (!fib_thread_drain(daemon->fib, STOP_DRAIN_MS)) {
        log_sink_printf(daemon->log, LOG_FIB, LOG_SEVERITY_WARNING,
                        "the kernel did not answer within %d ms; stopping all the same",
                        STOP_DRAIN_MS);
    }
    tcp_flush(daemon->tcp);
    ev_timer_set(&daemon->stop_linger, 0., 0.02);
    ev_timer_start(daemon->loop, &daemon->stop_linger);
}

static void on_stop_linger(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    if (!tcp_is_closing(daemon->tcp)) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void put_peer_key(struct daemon_loop *daemon, const struct core_action *action)
{
    struct tcp_key_setup setup = {action->peer_key.md5_key, action->peer_key.ao,
                                  action->peer_key.ao_includes_options};
    tcp_peer_key(daemon->tcp, &action->peer_key.peer, &setup);
}

static void carry_out(struct daemon_loop *daemon, const struct core_action *action)
{
    switch (action->kind) {
    case ACTION_CONNECT:
        tcp_connect(daemon->tcp, &action->conn_setup);
        return;
    case ACTION_ACCEPT:
        tcp_accept(daemon->tcp, &action->conn_setup);
        return;
    case ACTION_SEND:
        tcp_send(daemon->tcp, action->send.conn, action->send.bytes);
        return;
    case ACTION_CLOSE:
        tcp_close(daemon->tcp, action->close.conn);
        return;
    case ACTION_LISTEN:
        tcp_listen(daemon->tcp, action->listen.family, action->listen.port, action->listen.tcp_mss);
        return;
    case ACTION_PEER_KEY:
        put_peer_key(daemon, action);
        return;
    case ACTION_PEER_TTL:
        tcp_peer_ttl(daemon->tcp, &action->peer_ttl.peer, action->peer_ttl.ttl_min);
        return;
    case ACTION_FIB_ROUTE:
        fib_thread_put_route(daemon->fib, &action->fib_route);
        return;
    case ACTION_FIB_NEXTHOP:
        fib_thread_put_nexthop(daemon->fib, &action->fib_nexthop);
        return;
    case ACTION_FIB_REQUEST_DUMP:
        if (action->request_dump.is_audit) {
            netlink_monitor_audit(daemon->monitor);
        } else {
            netlink_monitor_dump(daemon->monitor);
        }
        return;
    case ACTION_BFD_SESSION:
        bfd_thread_put(daemon->bfd, &action->bfd_session);
        if (daemon->keeper != NULL) {
            bfd_keeper_put(daemon->keeper, &action->bfd_session);
        }
        return;
    case ACTION_TUNNEL_WATCH:
        tunnel_watch_set(daemon->tunnels, &action->tunnel_watch);
        return;
    case ACTION_LOG:
        log_sink_write(daemon->log, &action->log);
        return;
    case ACTION_STOPPED:
        stop_finished(daemon);
        return;
    }
}

void daemon_loop_settle(struct daemon_loop *daemon)
{
    struct core_action action;
    while (core_take_action(daemon->core, &action)) {
        carry_out(daemon, &action);
    }
    fib_thread_kick(daemon->fib); /* Packets on a dead way do not wait for what is said to peers. */
    tcp_flush(daemon->tcp);
    while (core_take_action(daemon->core, &action)) {
        carry_out(daemon, &action); /* What broken connections of the flush gave rise to. */
    }
    fib_thread_kick(daemon->fib);
    bfd_thread_kick(daemon->bfd);
}

static void set_deadline(struct daemon_loop *daemon, bool has_backlog)
{
    ev_timer_stop(daemon->loop, &daemon->deadline);
    if (has_backlog) {
        ev_idle_start(daemon->loop, &daemon->busy);
        return;
    }
    ev_idle_stop(daemon->loop, &daemon->busy);
    struct mono_time deadline = core_deadline(daemon->core);
    if (!mono_is_never(deadline)) {
        double wait_s = (double)mono_between(clock_mono_now(), deadline).ns / 1e9;
        ev_now_update(daemon->loop);
        ev_timer_set(&daemon->deadline, wait_s > 0. ? wait_s : 0., 0.);
        ev_timer_start(daemon->loop, &daemon->deadline);
    }
}

/* Once per turn, just before the loop would sleep. */
static void on_prepare(struct ev_loop *loop, struct ev_prepare *watcher, int events)
{
    (void)loop;
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    if (daemon->is_stopped) {
        ev_idle_stop(daemon->loop, &daemon->busy);
        return;
    }
    daemon_loop_settle(daemon);
    bool has_backlog = core_work(daemon->core, clock_mono_now(), WORK_UNITS_PER_TURN);
    daemon_loop_settle(daemon);
    tcp_resume_reading(daemon->tcp);
    set_deadline(daemon, has_backlog);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    struct core_event event = {.kind = EVENT_TIME};
    feed(daemon, &event);
}

static void on_busy(struct ev_loop *loop, struct ev_idle *watcher, int events)
{
    (void)loop;
    (void)events;
    struct daemon_loop *daemon = watcher->data;
    struct core_event event = {.kind = EVENT_TIME};
    feed(daemon, &event); /* Timers run on time also while there is backlog. */
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        seed = (uint64_t)clock_mono_now().ns;
    }
    return seed;
}

static bool open_kernel(struct daemon_loop *daemon, bool is_dry_fib, char error_out[256])
{
    struct netlink_hooks hooks = {daemon, hook_feed_fact};
    daemon->fib = fib_thread_new(hook_fib_wake, daemon, is_dry_fib);
    if (daemon->fib == NULL) {
        snprintf(error_out, 256, "cannot open the kernel's routing interface (netlink): %s",
                 strerror(errno));
        return false;
    }
    daemon->monitor = netlink_monitor_new(daemon->loop, &hooks, daemon->log,
                                          is_dry_fib ? 0 : fib_thread_port(daemon->fib));
    if (daemon->monitor == NULL) {
        snprintf(error_out, 256, "cannot watch the kernel's routes (netlink): %s", strerror(errno));
        fib_thread_free(daemon->fib);
        return false;
    }
    return true;
}

static bool open_threads(struct daemon_loop *daemon, const struct daemon_options *options,
                         char error_out[256])
{
    daemon->bfd = bfd_thread_new(hook_bfd_wake, daemon, random_seed(), options->bfd_memory_path);
    if (daemon->bfd == NULL) {
        snprintf(error_out, 256, "cannot start the BFD thread: %s", strerror(errno));
        return false;
    }
    if (!open_kernel(daemon, options->is_dry_fib, error_out)) {
        bfd_thread_free(daemon->bfd, false);
        return false;
    }
    return true;
}

struct daemon_loop *daemon_loop_new(struct ev_loop *loop, struct log_sink *log,
                                    const struct daemon_options *options, char error_out[256])
{
    struct daemon_loop *daemon = mem_alloc(MEM_IO, sizeof *daemon);
    daemon->loop = loop;
    daemon->log = log;
    daemon->keeper = options->keeper;
    daemon->is_compat_checked = options->is_dry_fib;
    ev_async_init(&daemon->fib_results, on_fib_results);
    daemon->fib_results.data = daemon;
    ev_async_start(loop, &daemon->fib_results);
    ev_async_init(&daemon->bfd_reports, on_bfd_reports);
    daemon->bfd_reports.data = daemon;
    ev_async_start(loop, &daemon->bfd_reports);
    if (!open_threads(daemon, options, error_out)) {
        ev_async_stop(loop, &daemon->fib_results);
        ev_async_stop(loop, &daemon->bfd_reports);
        mem_free(MEM_IO, daemon);
        return NULL;
    }
    struct core_limits limits = {.no_fib = options->is_dry_fib};
    struct tcp_hooks hooks = {daemon, hook_feed, hook_receive_room, hook_listen_failed};
    daemon->core = core_new(&limits, random_seed());
    daemon->tcp = tcp_side_new(loop, &hooks, log);
    struct evidence_hooks evidence_hooks = {daemon, hook_feed_fact};
    struct ack_source connections = {daemon, hook_socket_of};
    daemon->tunnels = tunnel_watch_new(loop, &evidence_hooks, &connections);
    ev_prepare_init(&daemon->prepare, on_prepare);
    ev_check_init(&daemon->check, on_check);
    ev_set_priority(&daemon->check, EV_MAXPRI);
    ev_timer_init(&daemon->deadline, on_deadline, 0., 0.);
    ev_idle_init(&daemon->busy, on_busy);
    ev_timer_init(&daemon->stop_linger, on_stop_linger, 0., 0.);
    daemon->prepare.data = daemon;
    daemon->check.data = daemon;
    daemon->woke = clock_mono_now();
    daemon->deadline.data = daemon;
    daemon->busy.data = daemon;
    daemon->stop_linger.data = daemon;
    return daemon;
}

bool daemon_loop_free(struct daemon_loop *daemon)
{
    bool keeps_sessions =
        daemon->keeps_routes && daemon->keeper != NULL && bfd_keeper_is_there(daemon->keeper);
    ev_prepare_stop(daemon->loop, &daemon->prepare);
    ev_check_stop(daemon->loop, &daemon->check);
    ev_timer_stop(daemon->loop, &daemon->deadline);
    ev_timer_stop(daemon->loop, &daemon->stop_linger);
    ev_idle_stop(daemon->loop, &daemon->busy);
    tunnel_watch_free(daemon->tunnels);
    netlink_monitor_free(daemon->monitor);
    bfd_thread_free(daemon->bfd, keeps_sessions);
    fib_thread_free(daemon->fib);
    ev_async_stop(daemon->loop, &daemon->fib_results);
    ev_async_stop(daemon->loop, &daemon->bfd_reports);
    tcp_side_free(daemon->tcp);
    core_free(daemon->core);
    mem_free(MEM_IO, daemon);
    return keeps_sessions;
}

struct core *daemon_loop_core(const struct daemon_loop *daemon)
{
    return daemon->core;
}

/* One-message failover needs the kernel not to walk every route of a changed next-hop object. */
static void check_compat_mode(struct daemon_loop *daemon, const struct config *config)
{
    if (daemon->is_compat_checked) {
        return;
    }
    daemon->is_compat_checked = true;
    struct buffer value;
    char error[256];
    buffer_init(&value, MEM_IO);
    bool is_known = file_read(COMPAT_MODE_SYSCTL, 16, &value, error) == STATUS_OK;
    bool is_off = is_known && buffer_text(&value)[0] == '0';
    buffer_fini(&value);
    if (is_off) {
        return;
    }
    if (config->fib_forbid_compat_mode_change) {
        log_sink_printf(daemon->log, LOG_FIB, LOG_SEVERITY_WARNING,
                        "net.ipv4.nexthop_compat_mode is not 0 and may not be changed by "
                        "configuration: a failover takes longer with many routes");
    } else if (file_write_small(COMPAT_MODE_SYSCTL, "0\n")) {
        log_sink_printf(daemon->log, LOG_FIB, LOG_SEVERITY_NOTICE,
                        "set net.ipv4.nexthop_compat_mode=0 (route dumps now show next-hop ids "
                        "instead of gateways)");
    } else {
        log_sink_printf(daemon->log, LOG_FIB, LOG_SEVERITY_WARNING,
                        "cannot set net.ipv4.nexthop_compat_mode=0: %s; a failover takes longer "
                        "with many routes",
                        strerror(errno));
    }
}

void daemon_loop_configure(struct daemon_loop *daemon, struct config *config)
{
    check_compat_mode(daemon, config);
    log_sink_configure(daemon->log, &config->log);
    fib_thread_set_protocol(daemon->fib, config->fib_protocol);
    netlink_monitor_set_protocol(daemon->monitor, config->fib_protocol);
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    daemon_loop_feed(daemon, &event);
}

void daemon_loop_feed(struct daemon_loop *daemon, const struct core_event *event)
{
    feed(daemon, event);
    daemon_loop_settle(daemon);
}

void daemon_loop_start(struct daemon_loop *daemon)
{
    ev_prepare_start(daemon->loop, &daemon->prepare);
    ev_check_start(daemon->loop, &daemon->check);
    if (!fib_thread_drain(daemon->fib, GUARDS_DRAIN_MS)) {
        log_sink_printf(daemon->log, LOG_FIB, LOG_SEVERITY_WARNING,
                        "the kernel did not answer within %d ms", GUARDS_DRAIN_MS);
    }
    netlink_monitor_dump(daemon->monitor);
}

void daemon_loop_stop(struct daemon_loop *daemon, bool keep_routes)
{
    if (daemon->is_stopping) {
        ev_break(daemon->loop, EVBREAK_ALL); /* Asked twice: at once. */
        return;
    }
    daemon->is_stopping = true;
    daemon->keeps_routes = keep_routes;
    struct core_event event = {.kind = EVENT_STOP, .stop = {keep_routes}};
    daemon_loop_feed(daemon, &event);
}

size_t daemon_loop_read_bfd(struct daemon_loop *daemon, uint32_t *next,
                            struct bfd_session_view *views_out, size_t max)
{
    return bfd_thread_read(daemon->bfd, next, views_out, max);
}

void daemon_loop_read_bfd_discarded(struct daemon_loop *daemon,
                                    uint64_t discarded_out[BFD_FAULT_COUNT])
{
    bfd_thread_read_discarded(daemon->bfd, discarded_out);
}

const char *daemon_loop_fatal(const struct daemon_loop *daemon)
{
    return daemon->fatal[0] != 0 ? daemon->fatal : NULL;
}
