/* A kernel that does what it is told, refuses what makes no sense, and answers later. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "tests/sim/sim_world.h"

static void answer(struct sim_world *world, struct sim_node *node, uint32_t operation, int error)
{
    struct sim_happening result = {.kind = SIM_FIB_RESULT,
                                   .node = node->number,
                                   .result = {.operation = operation, .error = error}};
    if (error != 0) {
        node->kernel.refused++;
        snprintf(result.result.text, sizeof result.result.text, "%s", strerror(error));
    }
    sim_schedule(world, mono_span_us(1 + random_below(&world->random, 500)), &result);
}

static uint32_t find_route(const struct sim_kernel *kernel, const struct fib_route *route)
{
    for (uint32_t i = 0; i < kernel->route_count; i++) {
        const struct fib_route *known = &kernel->routes[i];
        if (prefix_equal(&known->prefix, &route->prefix) && known->table == route->table &&
            known->metric == route->metric) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint32_t find_nexthop(const struct sim_kernel *kernel, uint32_t id)
{
    for (uint32_t i = 0; i < kernel->nexthop_count; i++) {
        if (kernel->nexthops[i].id == id) {
            return i;
        }
    }
    return UINT32_MAX;
}

void sim_kernel_route(struct sim_world *world, struct sim_node *node,
                      const struct fib_route_action *action)
{
    struct sim_kernel *kernel = &node->kernel;
    uint32_t at = find_route(kernel, &action->route);
    int error = 0;
    if (action->is_delete) {
        if (at == UINT32_MAX) {
            error = ESRCH;
        } else {
            kernel->routes[at] = kernel->routes[--kernel->route_count];
        }
    } else if (action->route.nexthop_object != 0 &&
               find_nexthop(kernel, action->route.nexthop_object) == UINT32_MAX) {
        error = EINVAL;
    } else if (at != UINT32_MAX) {
        kernel->routes[at] = action->route;
    } else {
        kernel->routes = mem_realloc(MEM_MISC, kernel->routes,
                                     (kernel->route_count + 1) * sizeof *kernel->routes);
        kernel->routes[kernel->route_count++] = action->route;
    }
    answer(world, node, action->operation, error);
}

/* Routes through an object that goes, go with it. */
static void forget_nexthop(struct sim_kernel *kernel, uint32_t at)
{
    uint32_t id = kernel->nexthops[at].id;
    kernel->nexthops[at] = kernel->nexthops[--kernel->nexthop_count];
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        if (kernel->routes[i].nexthop_object == id) {
            kernel->routes[i] = kernel->routes[--kernel->route_count];
        }
    }
}

void sim_kernel_nexthop(struct sim_world *world, struct sim_node *node,
                        const struct fib_nexthop_action *action)
{
    struct sim_kernel *kernel = &node->kernel;
    uint32_t at = find_nexthop(kernel, action->nexthop.id);
    int error = 0;
    for (uint32_t i = 0; !action->is_delete && i < action->nexthop.member_count; i++) {
        if (find_nexthop(kernel, action->nexthop.members[i]) == UINT32_MAX) {
            error = EINVAL;
        }
    }
    if (action->is_delete && at == UINT32_MAX) {
        error = ENOENT;
    } else if (action->is_delete) {
        forget_nexthop(kernel, at);
    } else if (error == 0 && at != UINT32_MAX) {
        kernel->nexthops[at] = action->nexthop;
    } else if (error == 0) {
        kernel->nexthops = mem_realloc(MEM_MISC, kernel->nexthops,
                                       (kernel->nexthop_count + 1) * sizeof *kernel->nexthops);
        kernel->nexthops[kernel->nexthop_count++] = action->nexthop;
    }
    answer(world, node, action->operation, error);
}

void sim_kernel_dump(struct sim_world *world, struct sim_node *node)
{
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    sim_feed(world, node, &event);
    sim_set_link(world, node, node->is_link_up);
    event = (struct core_event){.kind = EVENT_ADDR};
    event.addr.ifindex = SIM_IFINDEX;
    event.addr.addr = node->addr;
    event.addr.len_bits = 24;
    sim_feed(world, node, &event);
    for (uint32_t i = 0; i < node->kernel.nexthop_count; i++) {
        event = (struct core_event){.kind = EVENT_KERNEL_NEXTHOP};
        event.kernel_nexthop.is_ours = true;
        event.kernel_nexthop.nexthop = node->kernel.nexthops[i];
        sim_feed(world, node, &event);
    }
    for (uint32_t i = 0; i < node->kernel.route_count; i++) {
        event = (struct core_event){.kind = EVENT_KERNEL_ROUTE};
        event.kernel_route.is_from_dump = true;
        event.kernel_route.route = node->kernel.routes[i];
        sim_feed(world, node, &event);
    }
    event = (struct core_event){.kind = EVENT_KERNEL_DUMP_END};
    sim_feed(world, node, &event);
}

bool sim_kernel_has(const struct sim_node *node, const struct prefix *prefix)
{
    for (uint32_t i = 0; i < node->kernel.route_count; i++) {
        if (prefix_equal(&node->kernel.routes[i].prefix, prefix)) {
            return true;
        }
    }
    return false;
}

void sim_kernel_free(struct sim_node *node)
{
    mem_free(MEM_MISC, node->kernel.routes);
    mem_free(MEM_MISC, node->kernel.nexthops);
}
