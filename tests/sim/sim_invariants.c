/* What holds inside a core whenever it rests: timers are armed exactly where a state asks for them
 * and never lie behind, and what was opened for a session is closed once, and is gone with it. */
#include <stdio.h>

#include "bgpd/core/core_private.h"
#include "bgpd/core/session.h"
#include "tests/sim/sim_world.h"

/* RFC 4271 8.2.2: until the OPEN is there. A timer that was late gets one more second. */
#define OPEN_HOLD_S 240u
#define GRACE_S     2u

/* ---- Timers ---- */

/* In place in the heap, and not before those above it. */
static void check_queue(struct sim_world *world, const struct sim_node *node)
{
    const struct timer_queue *queue = &node->core->timers;
    for (uint32_t i = 1; i <= queue->count; i++) {
        const struct timer *timer = queue->heap[i - 1];
        if (timer->heap_index != i ||
            (i > 1 && mono_before(timer->deadline, queue->heap[i / 2 - 1]->deadline))) {
            sim_fail(world, "node %u: the timer queue is out of order", node->number);
        }
    }
    if (mono_before(core_deadline(node->core), world->now)) {
        sim_fail(world, "node %u: a timer of the past has not fired", node->number);
    }
}

static void fail_timer(struct sim_world *world, const struct sim_node *node,
                       const struct session_conn *conn, const char *name, const char *what)
{
    char addr[IP_TEXT_BYTES];
    sim_fail(world, "node %u: session with %s, %s: timer %s %s", node->number,
             ip_format(&conn->peer->addr, addr), peer_state_name(conn->state), name, what);
}

static void check_timer(struct sim_world *world, const struct sim_node *node,
                        const struct session_conn *conn, const struct timer *timer,
                        const char *name, bool is_due, struct mono_span limit)
{
    if (timer_is_armed(timer) != is_due) {
        fail_timer(world, node, conn, name, is_due ? "is not armed" : "is armed");
    } else if (is_due && mono_before(mono_add(world->now, limit), timer->deadline)) {
        fail_timer(world, node, conn, name, "lies too far ahead");
    }
}

/* A connection that is up and whose machine is past its OPEN has deadlines; nothing else has. */
static void check_conn_timers(struct sim_world *world, const struct sim_node *node,
                              const struct session_conn *conn)
{
    bool is_opening = conn->state == PEER_OPEN_SENT;
    bool is_agreed = conn->state == PEER_OPEN_CONFIRM || conn->state == PEER_ESTABLISHED;
    uint32_t hold_s = is_opening ? OPEN_HOLD_S : conn->hold_time_s;
    check_timer(world, node, conn, &conn->hold, "hold",
                is_opening || (is_agreed && conn->hold_time_s != 0), mono_span_s(hold_s + GRACE_S));
    check_timer(world, node, conn, &conn->keepalive_timer, "keepalive",
                is_agreed && conn->keepalive.ns != 0, mono_span_s(conn->hold_time_s + GRACE_S));
    if (timer_is_armed(&conn->send_hold) && !is_opening && !is_agreed) {
        fail_timer(world, node, conn, "send hold", "is armed");
    }
    bool is_calling = conn->state == PEER_CONNECT || conn->state == PEER_ACTIVE;
    if (timer_is_armed(&conn->connect_retry) && !is_calling) {
        fail_timer(world, node, conn, "connect retry", "is armed");
    }
    if (conn->slot == CONN_OURS && is_calling && !timer_is_armed(&conn->connect_retry) &&
        !timer_is_armed(&conn->delay_open)) {
        fail_timer(world, node, conn, "connect retry", "is not armed");
    }
}

/* Nobody waits for ever: a neighbour that is wanted is tried, or will be. */
static void check_peer_timers(struct sim_world *world, const struct sim_node *node,
                              const struct peer *peer)
{
    const struct peer_session *session = peer->session;
    bool is_idle = session->conns[CONN_OURS].state == PEER_IDLE &&
                   session->conns[CONN_THEIRS].state <= PEER_ACTIVE;
    bool is_wanted = !peer_is_admin_down(peer) && !session->is_gone && !session->is_blocked &&
                     !session->is_prefix_limited && !node->core->is_stopping && !peer->is_dynamic &&
                     !peer->settings.merged.passive.value;
    if (is_idle && is_wanted && !timer_is_armed(&session->idle_hold)) {
        fail_timer(world, node, &session->conns[CONN_OURS], "idle hold", "is not armed");
    }
}

/* ---- Handles ---- */

static bool same_handle(const struct sim_handle *a, const struct sim_handle *b)
{
    return a->kind == b->kind && a->number == b->number && prefix_equal(&a->peer, &b->peer);
}

static struct sim_handle handle_of(const struct core_action *action, bool *is_opened_out)
{
    struct sim_handle handle = {.kind = action->kind};
    *is_opened_out = true;
    if (action->kind == ACTION_BFD_SESSION) {
        handle.peer = prefix_host(&action->bfd_session.peer);
        *is_opened_out = !action->bfd_session.is_delete;
    } else if (action->kind == ACTION_TUNNEL_WATCH) {
        handle.number = action->tunnel_watch.tunnel_number;
        *is_opened_out = !action->tunnel_watch.is_delete;
    } else if (action->kind == ACTION_PEER_TTL) {
        handle.peer = action->peer_ttl.peer;
        *is_opened_out = action->peer_ttl.ttl_min != 0;
    } else if (action->kind == ACTION_PEER_KEY) {
        handle.peer = action->peer_key.peer;
        *is_opened_out = action->peer_key.md5_key != NULL || action->peer_key.ao != NULL;
    } else {
        handle.number = action->listen.family;
        *is_opened_out = action->listen.port != 0;
    }
    return handle;
}

void sim_handles_note(struct sim_world *world, struct sim_node *node,
                      const struct core_action *action)
{
    bool is_opened;
    if (action->kind != ACTION_BFD_SESSION && action->kind != ACTION_TUNNEL_WATCH &&
        action->kind != ACTION_PEER_TTL && action->kind != ACTION_PEER_KEY &&
        action->kind != ACTION_LISTEN) {
        return;
    }
    struct sim_handle handle = handle_of(action, &is_opened);
    uint32_t at = 0;
    while (at < node->handle_count && !same_handle(&node->handles[at], &handle)) {
        at++;
    }
    if (is_opened && at == node->handle_count) {
        if (node->handle_count == SIM_HANDLES_MAX) {
            sim_fail(world, "node %u: more handles than anything asks for", node->number);
            return;
        }
        node->handles[node->handle_count++] = handle;
    } else if (!is_opened && at == node->handle_count) {
        sim_fail(world, "node %u: a handle of kind %d is closed that is not open", node->number,
                 (int)action->kind);
    } else if (!is_opened && world->plant != SIM_PLANT_KEPT_HANDLE) {
        node->handles[at] = node->handles[--node->handle_count];
    }
}

/* Everything that is open belongs to somebody who is configured. */
static void check_handles(struct sim_world *world, const struct sim_node *node)
{
    const struct core *core = node->core;
    for (uint32_t i = 0; i < node->handle_count; i++) {
        const struct sim_handle *handle = &node->handles[i];
        struct ip_addr addr = prefix_addr(&handle->peer);
        bool is_owned = true;
        if (handle->kind == ACTION_TUNNEL_WATCH) {
            is_owned = core->config != NULL && handle->number <= core->config->tunnel_count;
        } else if (handle->kind != ACTION_LISTEN) {
            is_owned = peer_find(core, &addr) != NULL;
        }
        if (!is_owned) {
            sim_fail(world, "node %u: a handle of kind %d is left of somebody who is gone",
                     node->number, (int)handle->kind);
        }
    }
}

/* ---- The whole ---- */

static void plant_timer(struct sim_world *world, struct sim_node *node, struct session_conn *conn)
{
    struct timer_queue *timers = &node->core->timers;
    if (conn->state != PEER_ESTABLISHED || !sim_chance(world, 1000)) {
        return;
    }
    if (world->plant == SIM_PLANT_STOPPED_TIMER) {
        timer_stop(timers, &conn->hold);
    } else if (world->plant == SIM_PLANT_PAST_TIMER) {
        timer_start(timers, &conn->keepalive_timer, (struct mono_time){world->now.ns - 1});
    }
}

void sim_invariants_check(struct sim_world *world, struct sim_node *node)
{
    uint32_t conns = 0;
    if (node->core == NULL) {
        return;
    }
    const struct peer_table *peers = node->core->peers;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer_session *session = peers->by_addr[i]->session;
        for (uint32_t slot = 0; slot < CONN_SLOT_COUNT; slot++) {
            struct session_conn *conn = &session->conns[slot];
            conns += conn->id != 0 ? 1 : 0;
            if (world->plant != SIM_PLANT_NONE) {
                plant_timer(world, node, conn);
            }
            check_conn_timers(world, node, conn);
        }
        check_peer_timers(world, node, peers->by_addr[i]);
    }
    check_queue(world, node);
    check_handles(world, node);
    if (conns != node->conn_count) {
        sim_fail(world, "node %u: %u connections are open, its sessions know of %u", node->number,
                 node->conn_count, conns);
    }
}
