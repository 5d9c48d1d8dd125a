/* The boundary of the core: every fact comes in here with its time, every action leaves here. It
 * hands facts to the three parts (sessions, routes, the kernel's side) and runs their timers. */
#include "bgpd/core/core.h"

#include <stdio.h>

#include "bgpd/core/config_apply.h"
#include "bgpd/core/core_private.h"
#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/kernel_side.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/router_id.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define PEERS_MAX_DEFAULT         2000u
#define PREFIXES_MAX_DEFAULT      20000000u
#define CONNECTIONS_MAX_DEFAULT   16u
#define RECEIVE_BYTES_MAX_DEFAULT (256u << 10)
#define LISTEN_PORT_DEFAULT       179u

static uint32_t or_default(uint32_t value, uint32_t built_in)
{
    return value != 0 ? value : built_in;
}

static void limits_init(struct core_limits *limits, const struct core_limits *wanted)
{
    static const struct core_limits none;
    if (wanted == NULL) {
        wanted = &none;
    }
    limits->peers_max = or_default(wanted->peers_max, PEERS_MAX_DEFAULT);
    limits->prefixes_max = or_default(wanted->prefixes_max, PREFIXES_MAX_DEFAULT);
    limits->connections_per_source_max =
        or_default(wanted->connections_per_source_max, CONNECTIONS_MAX_DEFAULT);
    limits->receive_bytes_max = or_default(wanted->receive_bytes_max, RECEIVE_BYTES_MAX_DEFAULT);
    if (limits->receive_bytes_max < BGP_EXTENDED_MESSAGE_BYTES_MAX) {
        limits->receive_bytes_max = BGP_EXTENDED_MESSAGE_BYTES_MAX; /* one whole message */
    }
    limits->listen_port = (uint16_t)or_default(wanted->listen_port, LISTEN_PORT_DEFAULT);
    limits->no_fib = wanted->no_fib;
}

struct core *core_new(const struct core_limits *limits, uint64_t seed)
{
    struct core *core = mem_alloc(MEM_MISC, sizeof *core);
    limits_init(&core->limits, limits);
    random_init(&core->random, seed);
    action_queue_init(&core->actions);
    timer_queue_init(&core->timers);
    arena_init(&core->scratch);
    core->attrs = attr_table_new(random_u64(&core->random));
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        core->ribs[i] = loc_rib_new((enum afi_safi)i, core->attrs, random_u64(&core->random));
    }
    router_id_init(core);
    kernel_side_init(core);
    routes_init(core);
    peers_init(core);
    return core;
}

void core_free(struct core *core)
{
    if (core == NULL) {
        return;
    }
    restart_fini(core);
    peers_fini(core);
    routes_fini(core);
    /* Giving the tables back releases next hops, so the kernel's side goes after them. */
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        loc_rib_free(core->ribs[i]);
        core->ribs[i] = NULL;
    }
    attr_table_free(core->attrs);
    core->attrs = NULL;
    kernel_side_fini(core);
    router_id_fini(core);
    if (core->policies != NULL) {
        policy_set_free(core->policies);
    }
    if (core->protections != NULL) {
        protection_set_free(core->protections);
    }
    config_free(core->config);
    arena_fini(&core->scratch);
    timer_queue_fini(&core->timers);
    action_queue_fini(&core->actions);
    mem_free(MEM_MISC, core);
}

static void set_now(struct core *core, struct mono_time now)
{
    if (mono_before(core->now, now)) {
        core->now = now;
    }
}

/* At most what was armed at the start plus a few: a timer that re-arms itself for now waits for the
 * next call. */
static void run_timers(struct core *core)
{
    uint32_t left = core->timers.count + 1;
    struct timer *timer;
    while (left-- > 0 && (timer = timer_queue_expire(&core->timers, core->now)) != NULL) {
        timer->expired(core, timer);
    }
}

static void stop(struct core *core, bool keep_routes)
{
    core->is_stopping = true;
    peers_stop(core, keep_routes);
    kernel_side_stop(core, keep_routes);
    action_queue_put(&core->actions, &(struct core_action){.kind = ACTION_STOPPED});
}

static void dispatch(struct core *core, const struct core_event *event)
{
    switch (event->kind) {
    case EVENT_TIME:
        return;
    case EVENT_CONFIG:
        config_apply(core, event->config);
        return;
    case EVENT_CONN_OPENED:
    case EVENT_CONN_FAILED:
    case EVENT_CONN_INCOMING:
    case EVENT_CONN_BYTES:
    case EVENT_CONN_CLOSED:
    case EVENT_CONN_ROOM:
        peers_on_conn_event(core, event);
        return;
    case EVENT_LINK:
    case EVENT_ADDR:
    case EVENT_KERNEL_ROUTE:
    case EVENT_KERNEL_DUMP_END:
    case EVENT_TUNNEL_FACT:
        kernel_side_on_event(core, event);
        router_id_on_event(core, event);
        if (event->kind == EVENT_ADDR || event->kind == EVENT_KERNEL_DUMP_END) {
            kernel_probes_update(core);
        }
        core->peers->needs_retry = true;
        return;
    case EVENT_KERNEL_NEXTHOP:
    case EVENT_KERNEL_DUMP_BEGIN:
    case EVENT_FIB_RESULT:
    case EVENT_BFD_STATE:
        kernel_side_on_event(core, event);
        return;
    case EVENT_STOP:
        stop(core, event->stop.keep_routes);
        return;
    }
    UNREACHABLE();
}

void core_feed(struct core *core, struct mono_time now, const struct core_event *event)
{
    core_feed_seen(core, now, now, event);
}

void core_feed_seen(struct core *core, struct mono_time now, struct mono_time seen,
                    const struct core_event *event)
{
    set_now(core, now);
    core->seen = mono_earlier(seen, core->now);
    if (core->is_stopping) {
        if (event->kind == EVENT_CONFIG) {
            config_free(event->config);
        }
        return;
    }
    dispatch(core, event);
    if (!core->is_stopping) {
        run_timers(core);
        peers_reap(core);
    }
}

bool core_work(struct core *core, struct mono_time now, uint32_t work_max)
{
    set_now(core, now);
    if (core->is_stopping) {
        return false;
    }
    run_timers(core);
    peers_retry_blocked(core);
    bool has_more = sessions_receive_work(core, work_max);
    has_more = routes_work(core, work_max) || has_more;
    has_more = sessions_send_work(core, work_max) || has_more;
    peers_reap(core);
    return has_more;
}

bool core_take_action(struct core *core, struct core_action *action_out)
{
    return action_queue_take(&core->actions, action_out);
}

struct mono_time core_deadline(const struct core *core)
{
    return core->is_stopping ? MONO_NEVER : timer_queue_deadline(&core->timers);
}

void core_log(struct core *core, enum log_event_kind kind, enum log_severity severity,
              const struct ip_addr *peer, const struct prefix *prefix, const char *format, ...)
{
    struct core_action action = {.kind = ACTION_LOG, .log = {.kind = kind, .severity = severity}};
    if (peer != NULL) {
        action.log.peer = *peer;
    }
    if (prefix != NULL) {
        action.log.prefix = *prefix;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(action.log.text, sizeof action.log.text, format, args);
    va_end(args);
    action_queue_put(&core->actions, &action);
}
