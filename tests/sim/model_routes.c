/* The model kernel's table: which of several routes of one prefix and metric counts, and what
 * adding and removing one does to the others, as Linux has it. The array's order is theirs. */
#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "tests/sim/model_kernel.h"

void *model_kernel_grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    return mem_realloc(MEM_MISC, items, *capacity * item_bytes);
}

/* ---- Looking ---- */

static bool is_at(const struct fib_route *route, const struct prefix *prefix, uint32_t metric)
{
    return route->metric == metric && prefix_equal(&route->prefix, prefix);
}

static bool same_leg(const struct fib_leg *a, const struct fib_leg *b)
{
    return a->ifindex == b->ifindex && ip_equal(&a->gateway, &b->gateway);
}

static bool same_way(const struct fib_route *a, const struct fib_route *b)
{
    if (a->type != b->type || a->nexthop_object != b->nexthop_object ||
        a->leg_count != b->leg_count) {
        return false;
    }
    for (uint8_t i = 0; i < a->leg_count; i++) {
        if (!same_leg(&a->legs[i], &b->legs[i])) {
            return false;
        }
    }
    return true;
}

static bool is_identical(const struct fib_route *a, const struct fib_route *b)
{
    return a->protocol == b->protocol && a->scope == b->scope &&
           ip_equal(&a->preferred_source, &b->preferred_source) && same_way(a, b);
}

/* IPv6 shares the load among routes with gateways of their own. */
static bool can_share(const struct fib_route *route)
{
    return route->prefix.family == IP_V6 && route->type == FIB_ROUTE_UNICAST &&
           route->nexthop_object == 0 && route->leg_count != 0 &&
           route->legs[0].gateway.family != IP_NONE;
}

static uint32_t first_at(const struct model_kernel *kernel, const struct prefix *prefix,
                         uint32_t metric)
{
    for (uint32_t i = 0; i < kernel->route_count; i++) {
        if (is_at(&kernel->routes[i], prefix, metric)) {
            return i;
        }
    }
    return UINT32_MAX;
}

struct fib_route *model_kernel_route(const struct model_kernel *kernel, const struct prefix *prefix,
                                     uint32_t metric)
{
    uint32_t at = first_at(kernel, prefix, metric);
    return at == UINT32_MAX ? NULL : &kernel->routes[at];
}

uint32_t model_kernel_route_replaced(const struct model_kernel *kernel,
                                     const struct fib_route *route)
{
    uint32_t first = first_at(kernel, &route->prefix, route->metric);
    for (uint32_t i = first; route->prefix.family == IP_V6 && i < kernel->route_count; i++) {
        if (is_at(&kernel->routes[i], &route->prefix, route->metric) &&
            can_share(&kernel->routes[i]) == can_share(route)) {
            return i; /* IPv6 looks for one of its own kind first. */
        }
    }
    return first;
}

/* ---- Adding ---- */

static void insert_at(struct model_kernel *kernel, uint32_t at, const struct fib_route *route)
{
    kernel->routes = model_kernel_grow(kernel->routes, kernel->route_count, &kernel->route_capacity,
                                       sizeof *kernel->routes);
    memmove(&kernel->routes[at + 1], &kernel->routes[at],
            (kernel->route_count - at) * sizeof *kernel->routes);
    kernel->routes[at] = *route;
    kernel->route_count++;
}

/* IPv4: REPLACE takes the first one's place, CREATE alone goes before it, APPEND behind all. */
static int add4(struct model_kernel *kernel, const struct fib_route *route, enum model_how how)
{
    uint32_t first = first_at(kernel, &route->prefix, route->metric);
    uint32_t behind = first; /* Those of one place stand, and are told, one after the other. */
    while (behind < kernel->route_count &&
           is_at(&kernel->routes[behind], &route->prefix, route->metric)) {
        if (is_identical(&kernel->routes[behind], route)) {
            return how == MODEL_REPLACE && behind == first ? 0 : EEXIST;
        }
        behind++;
    }
    if (first == UINT32_MAX || how == MODEL_APPEND) {
        insert_at(kernel, first == UINT32_MAX ? kernel->route_count : behind, route);
    } else if (how == MODEL_FIRST) {
        insert_at(kernel, first, route);
    } else {
        kernel->routes[first] = *route;
    }
    return 0;
}

static bool has_leg(const struct fib_route *route, const struct fib_leg *leg)
{
    for (uint8_t i = 0; i < route->leg_count; i++) {
        if (same_leg(&route->legs[i], leg)) {
            return true;
        }
    }
    return false;
}

/* IPv6: one that can share the load becomes legs of one that can as well; others queue up. */
static int add6(struct model_kernel *kernel, const struct fib_route *route,
                struct fib_route *told_out)
{
    uint32_t first = first_at(kernel, &route->prefix, route->metric);
    for (uint32_t i = first; i < kernel->route_count; i++) {
        struct fib_route *other = &kernel->routes[i];
        if (!is_at(other, &route->prefix, route->metric)) {
            continue;
        }
        if (!can_share(route) || !can_share(other)) {
            if (same_way(other, route)) {
                return EEXIST;
            }
            continue;
        }
        for (uint8_t k = 0; k < route->leg_count; k++) {
            if (has_leg(other, &route->legs[k]) || other->leg_count == FIB_PLAIN_LEGS_MAX) {
                return EEXIST;
            }
            other->legs[other->leg_count++] = route->legs[k];
        }
        /* Told as a whole, in the name of who came. */
        memcpy(told_out->legs, other->legs, sizeof told_out->legs);
        told_out->leg_count = other->leg_count;
        return 0;
    }
    insert_at(kernel, kernel->route_count, route);
    return 0;
}

int model_kernel_route_add(struct model_kernel *kernel, const struct fib_route *route,
                           enum model_how how, struct fib_route *told_out)
{
    struct fib_route told = *route;
    int error = 0;
    kernel->version++;
    if (route->prefix.family == IP_V4) {
        error = add4(kernel, route, how);
    } else {
        uint32_t at = model_kernel_route_replaced(kernel, route);
        if (how == MODEL_REPLACE && at != UINT32_MAX) {
            kernel->routes[at] = *route;
        } else {
            error = add6(kernel, route, &told);
        }
    }
    if (told_out != NULL) {
        *told_out = told;
    }
    return error;
}

void model_kernel_route_put(struct model_kernel *kernel, const struct fib_route *route)
{
    (void)model_kernel_route_add(kernel, route, MODEL_REPLACE, NULL);
}

/* ---- Removing ---- */

void model_kernel_route_drop_at(struct model_kernel *kernel, uint32_t at)
{
    memmove(&kernel->routes[at], &kernel->routes[at + 1],
            (kernel->route_count - at - 1) * sizeof *kernel->routes);
    kernel->route_count--;
    kernel->version++;
}

bool model_kernel_route_drop(struct model_kernel *kernel, const struct prefix *prefix,
                             uint32_t metric)
{
    uint32_t at = first_at(kernel, prefix, metric);
    if (at != UINT32_MAX) {
        model_kernel_route_drop_at(kernel, at);
    }
    return at != UINT32_MAX;
}

/* The leg of others that was merged into a route leaves it again. */
static bool leave(struct model_kernel *kernel, struct fib_route *route, const struct fib_leg *leg)
{
    for (uint8_t i = 0; i < route->leg_count && route->leg_count > 1 && can_share(route); i++) {
        if (same_leg(&route->legs[i], leg)) {
            memmove(&route->legs[i], &route->legs[i + 1],
                    (size_t)(route->leg_count - i - 1) * sizeof route->legs[0]);
            route->leg_count--;
            kernel->version++;
            return true;
        }
    }
    return false;
}

/* IPv4 looks at the kind and, with a place named, at scope and object or first leg; IPv6 at neither
 * without. */
static bool is_meant(const struct fib_route *route, const struct fib_route *like)
{
    bool is_named = like->is_first || like->protocol != MODEL_OURS;
    if (route->protocol != like->protocol) {
        return false;
    }
    if (route->prefix.family == IP_V4 &&
        (route->type != like->type || (like->is_first && route->scope != like->scope))) {
        return false;
    }
    if (is_named && like->nexthop_object != 0) {
        return route->nexthop_object == like->nexthop_object;
    }
    return !is_named || like->leg_count == 0 ||
           (route->leg_count != 0 && same_leg(&route->legs[0], &like->legs[0]));
}

int model_kernel_route_del(struct model_kernel *kernel, const struct fib_route *like)
{
    uint32_t first = first_at(kernel, &like->prefix, like->metric);
    for (uint32_t i = first; i < kernel->route_count; i++) {
        struct fib_route *route = &kernel->routes[i];
        if (!is_at(route, &like->prefix, like->metric)) {
            continue;
        }
        if (is_meant(route, like)) {
            model_kernel_route_drop_at(kernel, i);
            return 0;
        }
        if (like->protocol != MODEL_OURS && like->leg_count == 1 &&
            leave(kernel, route, &like->legs[0])) {
            return 0;
        }
    }
    return ESRCH;
}
