#include "tests/sim/sim_world.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/hash.h"
#include "proto/base/mem.h"

#define START_NS     INT64_C(3600000000000)
#define DELAY_US_MAX 20000u

/* ---- What is to happen ---- */

static bool comes_before(const struct sim_happening *a, const struct sim_happening *b)
{
    return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

void sim_schedule(struct sim_world *world, struct mono_span delay,
                  const struct sim_happening *happening)
{
    if (world->heap_count == world->heap_capacity) {
        world->heap_capacity = world->heap_capacity == 0 ? 256 : world->heap_capacity * 2;
        world->heap =
            mem_realloc(MEM_MISC, world->heap, world->heap_capacity * sizeof *world->heap);
    }
    struct sim_happening added = *happening;
    added.at = mono_add(world->now, delay);
    added.order = random_u64(&world->random);
    uint32_t at = world->heap_count++;
    while (at > 0 && comes_before(&added, &world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = added;
}

static struct sim_happening take_next(struct sim_world *world)
{
    struct sim_happening first = world->heap[0];
    struct sim_happening last = world->heap[--world->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= world->heap_count) {
            break;
        }
        if (child + 1 < world->heap_count &&
            comes_before(&world->heap[child + 1], &world->heap[child])) {
            child++;
        }
        if (!comes_before(&world->heap[child], &last)) {
            break;
        }
        world->heap[at] = world->heap[child];
        at = child;
    }
    world->heap[at] = last;
    return first;
}

struct mono_span sim_delay(struct sim_world *world)
{
    return mono_span_us(1 + random_below(&world->random, world->delay_us_max));
}

/* ---- Actions ---- */

static void note(struct sim_world *world, const struct sim_node *node,
                 const struct core_action *action)
{
    uint64_t word = (uint64_t)node->number << 32 | (uint64_t)action->kind;
    world->hash = hash_u64(world->hash, word ^ (uint64_t)world->now.ns);
    if (action->kind == ACTION_SEND) {
        world->hash = hash_bytes(world->hash, action->send.bytes.data, action->send.bytes.size);
    } else if (action->kind == ACTION_LOG) {
        world->hash = hash_bytes(world->hash, action->log.text, strlen(action->log.text));
    } else if (action->kind == ACTION_FIB_ROUTE) {
        world->hash = hash_bytes(world->hash, action->fib_route.route.prefix.bytes, 16);
    }
    if (world->is_verbose && action->kind == ACTION_LOG) {
        char peer[IP_TEXT_BYTES];
        fprintf(stderr, "%10lld ms node %u %s %s: %s\n",
                (long long)(world->now.ns - START_NS) / 1000000, node->number,
                log_event_kind_name(action->log.kind), ip_format(&action->log.peer, peer),
                action->log.text);
    }
}

static void carry_out(struct sim_world *world, struct sim_node *node,
                      const struct core_action *action)
{
    note(world, node, action);
    switch (action->kind) {
    case ACTION_CONNECT:
        sim_connect(world, node, &action->conn_setup);
        return;
    case ACTION_ACCEPT:
        sim_accept(world, node, action->conn_setup.conn);
        return;
    case ACTION_SEND:
        sim_send(world, node, action->send.conn, action->send.bytes);
        return;
    case ACTION_CLOSE:
        sim_close(world, node, action->close.conn);
        return;
    case ACTION_FIB_ROUTE:
        sim_kernel_route(world, node, &action->fib_route);
        return;
    case ACTION_FIB_NEXTHOP:
        sim_kernel_nexthop(world, node, &action->fib_nexthop);
        return;
    case ACTION_FIB_REQUEST_DUMP:
        sim_kernel_dump(world, node);
        return;
    case ACTION_LOG:
        node->log_count[action->log.kind]++;
        return;
    case ACTION_STOPPED:
        node->is_stopped = true;
        return;
    case ACTION_LISTEN:
    case ACTION_PEER_KEY:
    case ACTION_PEER_TTL:
    case ACTION_BFD_SESSION:
    case ACTION_TUNNEL_WATCH:
        return;
    }
    UNREACHABLE();
}

void sim_settle(struct sim_world *world, struct sim_node *node)
{
    struct core_action action;
    uint32_t slice = 1 + random_below(&world->random, 64);
    bool has_more = core_work(node->core, world->now, slice);
    while (core_take_action(node->core, &action)) {
        carry_out(world, node, &action);
    }
    if (has_more && !node->has_backlog) {
        struct sim_happening work = {.kind = SIM_NODE_WORK, .node = node->number};
        node->has_backlog = true;
        sim_schedule(world, mono_span_us(100), &work);
    }
}

void sim_feed(struct sim_world *world, struct sim_node *node, const struct core_event *event)
{
    core_feed(node->core, world->now, event);
    sim_settle(world, node);
}

/* ---- Time ---- */

static void happen(struct sim_world *world, const struct sim_happening *happening)
{
    struct sim_node *node = &world->nodes[happening->node];
    struct core_event event = {.kind = EVENT_TIME};
    world->happenings++;
    switch (happening->kind) {
    case SIM_CONNECT_ARRIVES:
    case SIM_CONNECT_ANSWERED:
    case SIM_BYTES_ARRIVE:
    case SIM_CLOSE_ARRIVES:
        sim_net_happens(world, happening);
        return;
    case SIM_FIB_RESULT:
        event.kind = EVENT_FIB_RESULT;
        event.fib_result = happening->result;
        break;
    case SIM_NODE_WORK:
        node->has_backlog = false;
        break;
    case SIM_NODE_TIME:
        break;
    }
    sim_feed(world, node, &event);
}

/* The node whose deadline is earliest; NULL when no deadline comes before limit. */
static struct sim_node *earliest_node(struct sim_world *world, struct mono_time limit)
{
    struct sim_node *best = NULL;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct mono_time deadline = core_deadline(world->nodes[i].core);
        if (mono_before(deadline, limit)) {
            limit = deadline;
            best = &world->nodes[i];
        }
    }
    return best;
}

void sim_run_ms(struct sim_world *world, int64_t ms)
{
    struct mono_time end = mono_add(world->now, mono_span_ms(ms));
    for (;;) {
        struct mono_time next = world->heap_count != 0 ? world->heap[0].at : MONO_NEVER;
        struct sim_node *node = earliest_node(world, mono_earlier(next, end));
        if (node != NULL) {
            struct mono_time deadline = core_deadline(node->core);
            world->now = mono_before(world->now, deadline) ? deadline : world->now;
            struct sim_happening time = {.kind = SIM_NODE_TIME, .node = node->number};
            happen(world, &time);
        } else if (world->heap_count != 0 && !mono_before(end, next)) {
            struct sim_happening happening = take_next(world);
            ASSERT(!mono_before(happening.at, world->now));
            world->now = happening.at;
            happen(world, &happening);
        } else {
            break;
        }
    }
    world->now = end;
}

/* ---- Nodes ---- */

void sim_set_link(struct sim_world *world, struct sim_node *node, bool is_up)
{
    struct core_event event = {.kind = EVENT_LINK};
    node->is_link_up = is_up;
    event.link.ifindex = SIM_IFINDEX;
    event.link.is_up = is_up;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "eth0");
    sim_feed(world, node, &event);
    if (!is_up) {
        sim_break_node(world, node);
    }
}

struct sim_world *sim_world_new(uint64_t seed, uint32_t node_count)
{
    ASSERT(node_count >= 1 && node_count <= SIM_NODES_MAX);
    struct sim_world *world = mem_alloc(MEM_MISC, sizeof *world);
    random_init(&world->random, seed);
    world->now = (struct mono_time){START_NS};
    world->node_count = node_count;
    world->delay_us_max = 1 + random_below(&world->random, DELAY_US_MAX);
    for (uint32_t i = 0; i < node_count; i++) {
        struct sim_node *node = &world->nodes[i];
        node->number = i;
        node->addr = ip_from_v4(0x0a000001u + i);
        node->is_link_up = true;
        node->next_incoming = CONN_ID_INCOMING_FIRST;
        node->core = core_new(NULL, random_u64(&world->random));
        sim_kernel_dump(world, node);
    }
    return world;
}

void sim_world_free(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        core_free(world->nodes[i].core);
        sim_kernel_free(&world->nodes[i]);
    }
    sim_net_free(world);
    mem_free(MEM_MISC, world->heap);
    mem_free(MEM_MISC, world);
}
