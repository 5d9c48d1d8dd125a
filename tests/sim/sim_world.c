#include "tests/sim/sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/hash.h"
#include "proto/base/mem.h"

#define START_NS     INT64_C(3600000000000)
#define DELAY_US_MAX 20000u

#define STALL_STEP_MS 500

#define FEEDS_AN_INSTANT_MAX 100000u

/* ---- What is to happen ---- */

static bool comes_before(const struct sim_happening *a, const struct sim_happening *b)
{
    return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static void sim_schedule_life(struct sim_world *world, struct mono_span delay,
                              const struct sim_happening *happening, uint32_t life)
{
    if (world->heap_count == world->heap_capacity) {
        world->heap_capacity = world->heap_capacity == 0 ? 256 : world->heap_capacity * 2;
        world->heap =
            mem_realloc(MEM_MISC, world->heap, world->heap_capacity * sizeof *world->heap);
    }
    struct sim_happening added = *happening;
    added.at = mono_add(world->now, delay);
    added.order = random_u64(&world->random);
    added.life = life;
    uint32_t at = world->heap_count++;
    while (at > 0 && comes_before(&added, &world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = added;
}

void sim_schedule(struct sim_world *world, struct mono_span delay,
                  const struct sim_happening *happening)
{
    sim_schedule_life(world, delay, happening, world->nodes[happening->node].life);
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

bool sim_chance(struct sim_world *world, uint32_t one_in)
{
    return random_below(&world->random, one_in) == 0;
}

/* ---- Actions ---- */

void sim_trace(struct sim_world *world, const struct sim_node *node, const char *format, ...)
{
    char *line = world->trace[world->trace_count++ % SIM_TRACE_LINES];
    char who[16] = "-----";
    if (node != NULL) {
        snprintf(who, sizeof who, "node%u", node->number);
    }
    int used = snprintf(line, SIM_TRACE_BYTES, "%12.3f ms %s ",
                        (double)(world->now.ns - START_NS) / 1e6, who);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, SIM_TRACE_BYTES - (size_t)used, format, args);
    va_end(args);
    if (world->is_verbose) {
        fprintf(stderr, "%s\n", line);
    }
}

void sim_print_trace(const struct sim_world *world)
{
    uint32_t first =
        world->trace_count > SIM_TRACE_LINES ? world->trace_count - SIM_TRACE_LINES : 0;
    for (uint32_t i = first; i < world->trace_count; i++) {
        fprintf(stderr, "  %s\n", world->trace[i % SIM_TRACE_LINES]);
    }
}

void sim_fail(struct sim_world *world, const char *format, ...)
{
    if (world->failure[0] != 0) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(world->failure, sizeof world->failure, format, args);
    va_end(args);
    sim_trace(world, NULL, "FAILED: %s", world->failure);
}

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
        const struct fib_route *route = &action->fib_route.route;
        world->hash = hash_bytes(world->hash, route->prefix.bytes, 16);
        world->hash = hash_u64(world->hash, (uint64_t)route->nexthop_object << 32 | route->type);
    } else if (action->kind == ACTION_FIB_NEXTHOP) {
        const struct fib_nexthop *nexthop = &action->fib_nexthop.nexthop;
        world->hash = hash_u64(world->hash, (uint64_t)nexthop->id << 32 | nexthop->member_count);
        world->hash = hash_bytes(world->hash, nexthop->members,
                                 nexthop->member_count * sizeof nexthop->members[0]);
    }
    if (action->kind == ACTION_LOG) {
        char peer[IP_TEXT_BYTES];
        char prefix[PREFIX_TEXT_BYTES];
        sim_trace(world, node, "%s %s%s%s: %s", log_event_kind_name(action->log.kind),
                  action->log.peer.family == IP_NONE ? "" : ip_format(&action->log.peer, peer),
                  action->log.peer.family == IP_NONE ? "" : " ",
                  action->log.prefix.family == IP_NONE ? ""
                                                       : prefix_format(&action->log.prefix, prefix),
                  action->log.text);
    }
}

static void carry_out(struct sim_world *world, struct sim_node *node,
                      const struct core_action *action)
{
    note(world, node, action);
    sim_handles_note(world, node, action);
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
    case ACTION_FIB_NEXTHOP:
        sim_kernel_put(world, node, action);
        return;
    case ACTION_FIB_REQUEST_DUMP:
        if (action->request_dump.is_audit) {
            sim_kernel_audit(world, node);
        } else {
            sim_kernel_dump(world, node);
        }
        return;
    case ACTION_LOG:
        node->log_count[action->log.kind]++;
        return;
    case ACTION_STOPPED:
        node->is_stopped = true;
        return;
    default: /* whatever else there is belongs to the scenario */
        if (world->hooks.act != NULL) {
            world->hooks.act(world, node, action);
        }
        return;
    }
}

/* A core that keeps asking for the same instant will never let time pass. */
static void count_feed(struct sim_world *world, struct sim_node *node)
{
    if (node->slice_time.ns != world->now.ns) {
        node->slice_time = world->now;
        node->slice_feeds = 0;
    }
    if (++node->slice_feeds == FEEDS_AN_INSTANT_MAX) {
        sim_fail(world, "node %u never comes to rest", node->number);
    }
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
    sim_invariants_check(world, node);
    if (world->hooks.check != NULL) {
        world->hooks.check(world, node);
    }
}

void sim_feed(struct sim_world *world, struct sim_node *node, const struct core_event *event)
{
    if (node->core == NULL) {
        if (event->kind == EVENT_CONFIG) {
            config_free(event->config);
        }
        return;
    }
    count_feed(world, node);
    core_feed(node->core, world->now, event);
    sim_settle(world, node);
}

/* ---- Time ---- */

static bool is_stalled(const struct sim_world *world, const struct sim_node *node)
{
    return mono_before(world->now, node->stalled_until);
}

/* A process that gets no processor is told nothing; everything waits for it. */
static bool waits_for_stall(struct sim_world *world, const struct sim_happening *happening)
{
    const struct sim_node *node = happening->kind <= SIM_CLOSE_ARRIVES
                                      ? sim_net_node(world, happening)
                                      : &world->nodes[happening->node];
    if (node == NULL || !is_stalled(world, node) || happening->kind == SIM_KERNEL_WORK ||
        happening->kind == SIM_SCENARIO) {
        return false;
    }
    /* The stall may end sooner than it was meant to: looked at again and again. */
    struct mono_time again = mono_add(world->now, mono_span_ms(STALL_STEP_MS));
    sim_schedule_life(world, mono_between(world->now, mono_earlier(again, node->stalled_until)),
                      happening, happening->life);
    return true;
}

static void happen(struct sim_world *world, const struct sim_happening *happening)
{
    struct sim_node *node = &world->nodes[happening->node];
    struct core_event event = {.kind = EVENT_TIME};
    world->happenings++;
    if (waits_for_stall(world, happening)) {
        return;
    }
    switch (happening->kind) {
    case SIM_CONNECT_ARRIVES:
    case SIM_CONNECT_ANSWERED:
    case SIM_BYTES_ARRIVE:
    case SIM_CLOSE_ARRIVES:
        sim_net_happens(world, happening);
        return;
    case SIM_KERNEL_WORK:
    case SIM_KERNEL_ANSWER:
    case SIM_KERNEL_TELL:
    case SIM_KERNEL_DUMP:
    case SIM_KERNEL_FACT:
        if (happening->life == node->life) {
            sim_kernel_happens(world, node, happening);
        }
        return;
    case SIM_SCENARIO:
        world->hooks.happens(world, happening);
        return;
    case SIM_NODE_WORK:
        if (happening->life != node->life) {
            return;
        }
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
        if (world->nodes[i].core == NULL || is_stalled(world, &world->nodes[i])) {
            continue;
        }
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
    while (world->failure[0] == 0) {
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
    node->is_link_up = is_up;
    model_kernel_set_up(&node->kernel.model, SIM_IFINDEX, is_up);
    sim_kernel_tell_link(world, node, SIM_IFINDEX);
    if (!is_up) {
        sim_break_node(world, node);
    }
}

struct sim_world *sim_world_empty(uint64_t seed, uint32_t node_count)
{
    ASSERT(node_count >= 1 && node_count <= SIM_NODES_MAX);
    struct sim_world *world = mem_alloc(MEM_MISC, sizeof *world);
    world->seed = seed;
    random_init(&world->random, seed);
    world->now = (struct mono_time){START_NS};
    world->node_count = node_count;
    world->delay_us_max = 1 + random_below(&world->random, DELAY_US_MAX);
    for (uint32_t i = 0; i < node_count; i++) {
        world->nodes[i].number = i;
        world->nodes[i].is_link_up = true;
        world->nodes[i].next_incoming = CONN_ID_INCOMING_FIRST;
        sim_kernel_init(&world->nodes[i]);
    }
    return world;
}

struct sim_world *sim_world_new(uint64_t seed, uint32_t node_count)
{
    struct sim_world *world = sim_world_empty(seed, node_count);
    for (uint32_t i = 0; i < node_count; i++) {
        struct sim_node *node = &world->nodes[i];
        node->addr = ip_from_v4(0x0a000001u + i);
        model_kernel_link_put(&node->kernel.model, SIM_IFINDEX, "eth0", "veth");
        model_kernel_addr_put(&node->kernel.model, SIM_IFINDEX, &node->addr, 24);
        sim_node_start(world, node);
    }
    return world;
}

void sim_node_start(struct sim_world *world, struct sim_node *node)
{
    ASSERT(node->core == NULL);
    node->life++;
    node->is_stopped = false;
    node->has_backlog = false;
    node->handle_count = 0;
    node->core = core_new(NULL, random_u64(&world->random));
    sim_kernel_dump(world, node);
}

void sim_node_kill(struct sim_world *world, struct sim_node *node)
{
    if (node->core != NULL) {
        sim_net_forget_node(world, node);
        sim_kernel_forget_daemon(node);
        core_free(node->core);
        node->core = NULL;
        node->life++;
        node->stalled_until = (struct mono_time){0};
    }
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
