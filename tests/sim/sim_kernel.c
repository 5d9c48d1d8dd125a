/* The model kernel as a daemon meets it: through a queue of operations, answers, notifications and
 * accounts, each of them late. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "tests/sim/sim_world.h"

enum dump_step {
    DUMP_STEP_BEGIN,
    DUMP_STEP_LINKS,
    DUMP_STEP_ADDRS,
    DUMP_STEP_OBJECTS,
    DUMP_STEP_ROUTES,
    DUMP_STEP_END,
    DUMP_STEP_COUNT,
};

#define ANSWER_DELAY_US_MAX 500u
#define TELL_DELAY_US_MAX   2000u
#define BATCH_MAX           32u

void sim_kernel_init(struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    model_kernel_init(&kernel->model);
    sim_queue_init(&kernel->operations, sizeof(struct core_action));
    sim_queue_init(&kernel->answers, sizeof(struct fib_result));
    sim_queue_init(&kernel->told[0], sizeof(struct core_event));
    sim_queue_init(&kernel->told[1], sizeof(struct core_event));
    sim_queue_init(&kernel->facts, sizeof(struct core_event));
    kernel->delay_us = 400;
}

void sim_kernel_free(struct sim_node *node)
{
    model_kernel_fini(&node->kernel.model);
    sim_queue_fini(&node->kernel.operations);
    sim_queue_fini(&node->kernel.answers);
    sim_queue_fini(&node->kernel.told[0]);
    sim_queue_fini(&node->kernel.told[1]);
    sim_queue_fini(&node->kernel.facts);
}

void sim_kernel_forget_daemon(struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    sim_queue_clear(&kernel->operations);
    sim_queue_clear(&kernel->answers);
    sim_queue_clear(&kernel->told[0]);
    sim_queue_clear(&kernel->told[1]);
    sim_queue_clear(&kernel->facts);
    kernel->is_passing_facts = false;
    kernel->is_working = false;
    kernel->is_answering = false;
    kernel->is_telling[0] = false;
    kernel->is_telling[1] = false;
    kernel->is_dumping = false;
    kernel->dump_number++;
}

/* ---- Operations ---- */

static void schedule(struct sim_world *world, const struct sim_node *node,
                     enum sim_happening_kind kind, bool *is_scheduled, uint32_t delay_us)
{
    if (!*is_scheduled) {
        struct sim_happening work = {.kind = kind, .node = node->number};
        *is_scheduled = true;
        sim_schedule(world, mono_span_us(1 + random_below(&world->random, delay_us)), &work);
    }
}

void sim_kernel_put(struct sim_world *world, struct sim_node *node,
                    const struct core_action *action)
{
    struct sim_kernel *kernel = &node->kernel;
    bool knows_all = kernel->told[1].count == 0 && !kernel->is_dumping;
    if (action->kind == ACTION_FIB_ROUTE && knows_all &&
        model_kernel_overwrites(&kernel->model, &action->fib_route)) {
        kernel->model.wrong++; /* What comes meanwhile, nobody can know of. */
    }
    sim_queue_put(&kernel->operations, action);
    schedule(world, node, SIM_KERNEL_WORK, &kernel->is_working, kernel->delay_us);
}

/* As the netlink thread: urgent ones first. */
static void take_next(struct sim_kernel *kernel, struct core_action *action_out)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < kernel->operations.count; i++) {
        const struct core_action *action = sim_queue_at(&kernel->operations, i);
        if (action->kind == ACTION_FIB_NEXTHOP && action->fib_nexthop.is_urgent) {
            at = i;
            break;
        }
    }
    sim_queue_take_at(&kernel->operations, at, action_out);
}

/* An urgent operation voids older ones of the same object: answered, not done. */
static void void_older(struct sim_kernel *kernel, const struct fib_nexthop_action *urgent)
{
    for (uint32_t i = 0; i < kernel->operations.count; i++) {
        struct core_action *other = sim_queue_at(&kernel->operations, i);
        if (other->kind == ACTION_FIB_NEXTHOP && !other->fib_nexthop.is_urgent &&
            other->fib_nexthop.nexthop.id == urgent->nexthop.id &&
            (int32_t)(urgent->operation - other->fib_nexthop.operation) > 0) {
            other->kind = ACTION_LISTEN; /* nothing is done for it */
        }
    }
}

/* Refused for no reason: not done, or done with the answer lost. */
static bool fails(struct sim_world *world, const struct sim_kernel *kernel, bool *is_done_out)
{
    if (kernel->refuse_one_in == 0 || !sim_chance(world, kernel->refuse_one_in)) {
        *is_done_out = true;
        return false;
    }
    *is_done_out = sim_chance(world, 2);
    return true;
}

static void trace_route(struct sim_world *world, const struct sim_node *node,
                        const struct fib_route_action *action, int error)
{
    static const char *const types[] = {"unicast", "blackhole", "unreachable", "prohibit"};
    char prefix[PREFIX_TEXT_BYTES];
    char legs[64] = "";
    size_t used = 0;
    for (uint8_t i = 0; i < action->route.leg_count && used < sizeof legs; i++) {
        used += (size_t)snprintf(legs + used, sizeof legs - used, " dev %u",
                                 action->route.legs[i].ifindex);
    }
    sim_trace(world, node, "kernel: %s %s metric %u %s object %x%s: %s",
              action->is_delete ? "del" : "put", prefix_format(&action->route.prefix, prefix),
              action->route.metric, types[action->route.type % 4], action->route.nexthop_object,
              legs, error == 0 ? "ok" : strerror(error));
}

static void trace_nexthop(struct sim_world *world, const struct sim_node *node,
                          const struct fib_nexthop_action *action, int error)
{
    char members[64] = "";
    size_t used = 0;
    for (uint8_t i = 0; i < action->nexthop.member_count && used < sizeof members; i++) {
        used += (size_t)snprintf(members + used, sizeof members - used, " %x",
                                 action->nexthop.members[i]);
    }
    sim_trace(world, node, "kernel: %s%s object %x%s dev %u%s%s: %s",
              action->is_urgent ? "urgent " : "", action->is_delete ? "del" : "put",
              action->nexthop.id, action->nexthop.is_blackhole ? " blackhole" : "",
              action->nexthop.leg.ifindex, members[0] == 0 ? "" : " group", members,
              error == 0 ? "ok" : strerror(error));
}

static int do_operation(struct sim_world *world, struct sim_node *node,
                        const struct core_action *action, bool is_done)
{
    struct model_kernel *model = &node->kernel.model;
    int error = 0;
    if (action->kind == ACTION_FIB_ROUTE) {
        error = is_done ? model_kernel_do_route(model, &action->fib_route) : 0;
        trace_route(world, node, &action->fib_route, error);
    } else if (action->kind == ACTION_FIB_NEXTHOP) {
        error = is_done ? model_kernel_do_nexthop(model, &action->fib_nexthop) : 0;
        trace_nexthop(world, node, &action->fib_nexthop, error);
    }
    return error;
}

static void do_one(struct sim_world *world, struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    struct core_action action;
    bool is_done;
    take_next(kernel, &action);
    if (action.kind == ACTION_FIB_NEXTHOP && action.fib_nexthop.is_urgent) {
        void_older(kernel, &action.fib_nexthop);
    }
    bool is_failed = fails(world, kernel, &is_done);
    struct fib_result result = {.operation = action.kind == ACTION_FIB_ROUTE
                                                 ? action.fib_route.operation
                                                 : action.fib_nexthop.operation};
    result.error = do_operation(world, node, &action, is_done);
    if (is_failed) {
        result.error = sim_chance(world, 2) ? ENOBUFS : ENOMEM;
        sim_trace(world, node, "kernel: that was answered with \"%s\", and %s",
                  strerror(result.error), is_done ? "done" : "not done");
    }
    kernel->operation_count++;
    if (result.error != 0) {
        kernel->refused++;
        snprintf(result.text, sizeof result.text, "%s", strerror(result.error));
    }
    sim_queue_put(&kernel->answers, &result);
    if (world->hooks.check != NULL) {
        world->hooks.check(world, node);
    }
}

static void work(struct sim_world *world, struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    uint32_t batch = 1 + random_below(&world->random, BATCH_MAX);
    kernel->is_working = false;
    while (batch-- > 0 && kernel->operations.count != 0) {
        do_one(world, node);
    }
    if (kernel->operations.count != 0) {
        schedule(world, node, SIM_KERNEL_WORK, &kernel->is_working, kernel->delay_us);
    }
    if (kernel->answers.count != 0) {
        schedule(world, node, SIM_KERNEL_ANSWER, &kernel->is_answering, ANSWER_DELAY_US_MAX);
    }
}

static void answer(struct sim_world *world, struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    kernel->is_answering = false;
    for (uint32_t left = kernel->answers.count; left > 0 && kernel->answers.count != 0; left--) {
        struct core_event event = {.kind = EVENT_FIB_RESULT};
        sim_queue_take(&kernel->answers, &event.fib_result);
        sim_feed(world, node, &event);
    }
    if (kernel->answers.count != 0) {
        schedule(world, node, SIM_KERNEL_ANSWER, &kernel->is_answering, ANSWER_DELAY_US_MAX);
    }
}

/* ---- Notifications ---- */

static void schedule_telling(struct sim_world *world, struct sim_node *node, uint32_t which)
{
    struct sim_kernel *kernel = &node->kernel;
    if (!kernel->is_telling[which] && kernel->told[which].count != 0) {
        struct sim_happening telling = {
            .kind = SIM_KERNEL_TELL, .node = node->number, .what = which};
        kernel->is_telling[which] = true;
        sim_schedule(world, mono_span_us(1 + random_below(&world->random, TELL_DELAY_US_MAX)),
                     &telling);
    }
}

void sim_kernel_tell(struct sim_world *world, struct sim_node *node, const struct core_event *event)
{
    uint32_t which = event->kind == EVENT_KERNEL_ROUTE ? 1 : 0;
    if (node->core != NULL) {
        sim_queue_put(&node->kernel.told[which], event);
        schedule_telling(world, node, which);
    }
}

/* During an account they wait in their sockets until it has passed them. */
static void tell(struct sim_world *world, struct sim_node *node, uint32_t which)
{
    struct sim_kernel *kernel = &node->kernel;
    struct core_event event;
    kernel->is_telling[which] = false;
    bool is_held = kernel->is_dumping && !kernel->is_audit &&
                   (which == 1 || kernel->dump_step < DUMP_STEP_ROUTES);
    if (is_held || kernel->told[which].count == 0) {
        return;
    }
    sim_queue_take(&kernel->told[which], &event);
    schedule_telling(world, node, which);
    sim_feed(world, node, &event);
}

void sim_kernel_fact(struct sim_world *world, struct sim_node *node, const struct core_event *event)
{
    if (node->core != NULL) {
        sim_queue_put(&node->kernel.facts, event);
        schedule(world, node, SIM_KERNEL_FACT, &node->kernel.is_passing_facts, TELL_DELAY_US_MAX);
    }
}

static void pass_fact(struct sim_world *world, struct sim_node *node)
{
    struct sim_kernel *kernel = &node->kernel;
    struct core_event event;
    kernel->is_passing_facts = false;
    if (kernel->facts.count == 0) {
        return;
    }
    sim_queue_take(&kernel->facts, &event);
    if (kernel->facts.count != 0) {
        schedule(world, node, SIM_KERNEL_FACT, &kernel->is_passing_facts, TELL_DELAY_US_MAX);
    }
    sim_feed(world, node, &event);
}

static struct core_event link_event(const struct sim_node *node, uint32_t slot)
{
    const struct model_link *link = &node->kernel.model.links[slot];
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = link->ifindex;
    event.link.is_removed = link->is_absent;
    event.link.is_up = model_kernel_carries(link);
    event.link.is_loopback = strcmp(link->name, "lo") == 0;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "%s", link->name);
    snprintf(event.link.kind, sizeof event.link.kind, "%s", link->kind);
    return event;
}

static struct core_event addr_event(const struct sim_node *node, uint32_t slot,
                                    const struct model_addr *addr)
{
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr.ifindex = node->kernel.model.links[slot].ifindex;
    event.addr.addr = addr->addr;
    event.addr.len_bits = addr->len_bits;
    return event;
}

void sim_kernel_tell_link(struct sim_world *world, struct sim_node *node, uint32_t slot)
{
    struct core_event event = link_event(node, slot);
    sim_kernel_tell(world, node, &event);
}

void sim_kernel_tell_addr(struct sim_world *world, struct sim_node *node, uint32_t slot,
                          const struct model_addr *addr, bool is_removed)
{
    struct core_event event = addr_event(node, slot, addr);
    event.addr.is_removed = is_removed;
    sim_kernel_tell(world, node, &event);
}

void sim_kernel_tell_route(struct sim_world *world, struct sim_node *node,
                           const struct fib_route *route, bool is_removed)
{
    struct core_event event = {.kind = EVENT_KERNEL_ROUTE};
    event.kernel_route.is_removed = is_removed;
    event.kernel_route.route = *route;
    sim_kernel_tell(world, node, &event);
}

void sim_kernel_overrun(struct sim_world *world, struct sim_node *node)
{
    sim_queue_clear(&node->kernel.told[0]);
    sim_queue_clear(&node->kernel.told[1]);
    sim_kernel_dump(world, node);
}

/* ---- Accounts ---- */

static void dump_links(struct sim_world *world, struct sim_node *node, bool is_addrs)
{
    for (uint32_t slot = 1; slot < MODEL_LINKS_MAX; slot++) {
        const struct model_link *link = &node->kernel.model.links[slot];
        if (link->name[0] == 0 || link->is_absent) {
            continue;
        }
        if (!is_addrs) {
            struct core_event event = link_event(node, slot);
            sim_feed(world, node, &event);
        }
        for (uint8_t i = 0; is_addrs && i < link->addr_count; i++) {
            struct core_event event = addr_event(node, slot, &link->addrs[i]);
            sim_feed(world, node, &event);
        }
    }
}

static void dump_objects(struct sim_world *world, struct sim_node *node)
{
    for (uint32_t i = 0; i < node->kernel.model.object_count; i++) {
        struct core_event event = {.kind = EVENT_KERNEL_NEXTHOP};
        event.kernel_nexthop.is_ours = node->kernel.model.objects[i].is_ours;
        event.kernel_nexthop.nexthop = node->kernel.model.objects[i].nexthop;
        sim_feed(world, node, &event);
    }
}

static void dump_routes(struct sim_world *world, struct sim_node *node)
{
    for (uint32_t i = 0; i < node->kernel.model.route_count; i++) {
        struct core_event event = {.kind = EVENT_KERNEL_ROUTE};
        event.kernel_route.is_from_dump = true;
        event.kernel_route.route = node->kernel.model.routes[i];
        sim_feed(world, node, &event);
    }
}

static void feed_dump(struct sim_world *world, struct sim_node *node, enum core_event_kind kind,
                      bool is_broken_off)
{
    struct core_event event = {.kind = kind};
    event.dump.is_audit = node->kernel.is_audit;
    event.dump.is_broken_off = is_broken_off;
    sim_feed(world, node, &event);
}

static void finish_dump(struct sim_world *world, struct sim_node *node, bool is_broken_off)
{
    node->kernel.is_dumping = false;
    feed_dump(world, node, EVENT_KERNEL_DUMP_END, is_broken_off);
    schedule_telling(world, node, 0);
    schedule_telling(world, node, 1);
}

static void dump_step(struct sim_world *world, struct sim_node *node, enum dump_step step)
{
    switch (step) {
    case DUMP_STEP_LINKS:
        dump_links(world, node, false);
        return;
    case DUMP_STEP_ADDRS:
        dump_links(world, node, true);
        return;
    case DUMP_STEP_OBJECTS:
        dump_objects(world, node);
        return;
    case DUMP_STEP_ROUTES:
        dump_routes(world, node);
        schedule_telling(world, node, 0);
        return;
    default:
        finish_dump(world, node, false);
        return;
    }
}

static void schedule_dump(struct sim_world *world, const struct sim_node *node)
{
    struct sim_happening next = {
        .kind = SIM_KERNEL_DUMP, .node = node->number, .number = node->kernel.dump_number};
    uint32_t delay_us = sim_chance(world, 4) ? TELL_DELAY_US_MAX : 50;
    sim_schedule(world, mono_span_us(1 + random_below(&world->random, delay_us)), &next);
}

/* Begins in a moment: an account is asked for from inside the core's own work. */
static void begin_soon(struct sim_world *world, struct sim_node *node, bool is_audit)
{
    node->kernel.dump_number++;
    node->kernel.is_dumping = true;
    node->kernel.is_audit = is_audit;
    node->kernel.dump_step = DUMP_STEP_BEGIN;
    schedule_dump(world, node);
}

void sim_kernel_dump(struct sim_world *world, struct sim_node *node)
{
    begin_soon(world, node, false);
}

void sim_kernel_audit(struct sim_world *world, struct sim_node *node)
{
    if (!node->kernel.is_dumping) {
        begin_soon(world, node, true);
    }
}

static void dump(struct sim_world *world, struct sim_node *node, const struct sim_happening *now)
{
    struct sim_kernel *kernel = &node->kernel;
    if (now->number != kernel->dump_number) {
        return; /* Given up for a newer one. */
    }
    if (kernel->dump_step == DUMP_STEP_BEGIN) {
        feed_dump(world, node, EVENT_KERNEL_DUMP_BEGIN, false);
        kernel->dump_step = kernel->is_audit ? DUMP_STEP_OBJECTS : DUMP_STEP_LINKS;
    } else if (kernel->is_audit && sim_chance(world, 8)) {
        finish_dump(world, node, true);
        return;
    } else {
        dump_step(world, node, kernel->dump_step++); /* the last one may begin a new account */
    }
    if (node->core != NULL && now->number == kernel->dump_number &&
        kernel->dump_step < DUMP_STEP_COUNT) {
        schedule_dump(world, node);
    }
}

void sim_kernel_happens(struct sim_world *world, struct sim_node *node,
                        const struct sim_happening *happening)
{
    switch (happening->kind) {
    case SIM_KERNEL_WORK:
        work(world, node);
        return;
    case SIM_KERNEL_ANSWER:
        answer(world, node);
        return;
    case SIM_KERNEL_TELL:
        tell(world, node, happening->what);
        return;
    case SIM_KERNEL_FACT:
        pass_fact(world, node);
        return;
    default:
        dump(world, node, happening);
        return;
    }
}

bool sim_kernel_has(const struct sim_node *node, const struct prefix *prefix)
{
    for (uint32_t i = 0; i < node->kernel.model.route_count; i++) {
        if (prefix_equal(&node->kernel.model.routes[i].prefix, prefix)) {
            return true;
        }
    }
    return false;
}
