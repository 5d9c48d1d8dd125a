#include "tests/sim/model_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"

#define PROTOCOL_KERNEL 2

void model_kernel_init(struct model_kernel *kernel)
{
    memset(kernel, 0, sizeof *kernel);
}

void model_kernel_fini(struct model_kernel *kernel)
{
    mem_free(MEM_MISC, kernel->routes);
    mem_free(MEM_MISC, kernel->objects);
}

/* ---- Objects ---- */

struct fib_nexthop *model_kernel_object(const struct model_kernel *kernel, uint32_t id)
{
    for (uint32_t i = 0; i < kernel->object_count; i++) {
        if (kernel->objects[i].nexthop.id == id) {
            return &kernel->objects[i].nexthop;
        }
    }
    return NULL;
}

/* The object alone, and the routes on it. */
static void object_forget(struct model_kernel *kernel, uint32_t id)
{
    for (uint32_t i = kernel->object_count; i-- > 0;) {
        if (kernel->objects[i].nexthop.id == id) {
            kernel->objects[i] = kernel->objects[--kernel->object_count];
        }
    }
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        if (kernel->routes[i].nexthop_object == id) {
            model_kernel_route_drop_at(kernel, i);
        }
    }
    kernel->version++;
}

static void leave_group(struct fib_nexthop *group, uint32_t id)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < group->member_count; i++) {
        if (group->members[i] != id) {
            group->member_weights[kept] = group->member_weights[i];
            group->members[kept++] = group->members[i];
        }
    }
    group->member_count = kept;
}

void model_kernel_object_drop(struct model_kernel *kernel, uint32_t id)
{
    const struct fib_nexthop *object = model_kernel_object(kernel, id);
    if (object == NULL) {
        return;
    }
    bool is_group = object->member_count != 0;
    object_forget(kernel, id);
    for (uint32_t i = is_group ? 0 : kernel->object_count; i-- > 0;) {
        struct fib_nexthop *group = &kernel->objects[i].nexthop;
        if (group->member_count == 0) {
            continue;
        }
        leave_group(group, id);
        if (group->member_count == 0) {
            object_forget(kernel, group->id);
        }
    }
}

void model_kernel_forget_ours(struct model_kernel *kernel)
{
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        if (kernel->routes[i].protocol == MODEL_OURS) {
            model_kernel_route_drop_at(kernel, i);
        }
    }
    for (uint32_t i = kernel->object_count; i-- > 0;) {
        if (kernel->objects[i].is_ours) {
            kernel->objects[i] = kernel->objects[--kernel->object_count];
        }
    }
    kernel->version++;
}

/* ---- Links ---- */

struct model_link *model_kernel_link_put(struct model_kernel *kernel, uint32_t slot,
                                         const char *name, const char *kind)
{
    struct model_link *link = &kernel->links[slot];
    *link = (struct model_link){.ifindex = slot, .is_up = true, .has_carrier = true};
    snprintf(link->name, sizeof link->name, "%s", name);
    snprintf(link->kind, sizeof link->kind, "%s", kind);
    link->is_protected = strcmp(kind, "xfrm") == 0;
    kernel->version++;
    return link;
}

static struct fib_route connected_route(const struct model_link *link, uint8_t at)
{
    struct fib_route route = {.prefix =
                                  prefix_make(&link->addrs[at].addr, link->addrs[at].len_bits),
                              .table = CONFIG_FIB_TABLE_DEFAULT,
                              .metric = link->addrs[at].addr.family == IP_V6 ? 256 : 0,
                              .protocol = PROTOCOL_KERNEL,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0] = (struct fib_leg){.ifindex = link->ifindex, .weight = 1};
    return route;
}

static void put_connected(struct model_kernel *kernel, const struct model_link *link)
{
    for (uint8_t i = 0; i < link->addr_count; i++) {
        struct fib_route route = connected_route(link, i);
        (void)model_kernel_route_add(kernel, &route, MODEL_APPEND, NULL);
    }
}

void model_kernel_addr_put(struct model_kernel *kernel, uint32_t slot, const struct ip_addr *addr,
                           uint8_t len_bits)
{
    struct model_link *link = &kernel->links[slot];
    if (link->addr_count < MODEL_LINK_ADDRS_MAX) {
        link->addrs[link->addr_count++] = (struct model_addr){*addr, len_bits};
        put_connected(kernel, link);
    }
}

bool model_kernel_is_local(const struct model_kernel *kernel, const struct ip_addr *addr)
{
    for (uint32_t slot = 1; slot < MODEL_LINKS_MAX; slot++) {
        const struct model_link *link = &kernel->links[slot];
        for (uint8_t i = 0; link->name[0] != 0 && !link->is_absent && i < link->addr_count; i++) {
            if (ip_equal(&link->addrs[i].addr, addr)) {
                return true;
            }
        }
    }
    return false;
}

bool model_kernel_addr_drop(struct model_kernel *kernel, uint32_t slot, const struct ip_addr *addr)
{
    struct model_link *link = &kernel->links[slot];
    uint8_t at = 0;
    while (at < link->addr_count && !ip_equal(&link->addrs[at].addr, addr)) {
        at++;
    }
    if (at == link->addr_count) {
        return false;
    }
    struct fib_route wire = connected_route(link, at);
    link->addrs[at] = link->addrs[--link->addr_count];
    (void)model_kernel_route_del(kernel, &wire);
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        if (ip_equal(&kernel->routes[i].preferred_source, addr)) {
            model_kernel_route_drop_at(kernel, i);
        }
    }
    kernel->version++;
    return true;
}

uint32_t model_kernel_slot(const struct model_kernel *kernel, uint32_t ifindex)
{
    for (uint32_t slot = 1; slot < MODEL_LINKS_MAX; slot++) {
        const struct model_link *link = &kernel->links[slot];
        if (link->name[0] != 0 && !link->is_absent && link->ifindex == ifindex) {
            return slot;
        }
    }
    return UINT32_MAX;
}

bool model_kernel_carries(const struct model_link *link)
{
    return link->name[0] != 0 && !link->is_absent && link->is_up && link->has_carrier;
}

static void drop_objects_of(struct model_kernel *kernel, uint32_t ifindex)
{
    for (uint32_t i = kernel->object_count; i-- > 0;) {
        /* The end of one may be the end of groups: the array shrinks by more than one. */
        if (i < kernel->object_count && kernel->objects[i].nexthop.member_count == 0 &&
            !kernel->objects[i].nexthop.is_blackhole &&
            kernel->objects[i].nexthop.leg.ifindex == ifindex) {
            model_kernel_object_drop(kernel, kernel->objects[i].nexthop.id);
            i = kernel->object_count;
        }
    }
}

static void drop_legs_of(struct model_kernel *kernel, uint32_t ifindex)
{
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        struct fib_route *route = &kernel->routes[i];
        uint8_t kept = 0;
        if (route->leg_count == 0) {
            continue;
        }
        for (uint8_t k = 0; k < route->leg_count; k++) {
            if (route->legs[k].ifindex != ifindex) {
                route->legs[kept++] = route->legs[k];
            }
        }
        route->leg_count = kept;
        if (kept == 0) {
            model_kernel_route_drop_at(kernel, i);
        }
    }
    kernel->version++;
}

/* Carrier alone: objects go, plain routes stay and lead into a dead wire. */
void model_kernel_set_carrier(struct model_kernel *kernel, uint32_t slot, bool has_carrier)
{
    struct model_link *link = &kernel->links[slot];
    link->has_carrier = has_carrier;
    kernel->version++;
    if (!has_carrier) {
        drop_objects_of(kernel, link->ifindex);
    }
}

void model_kernel_set_up(struct model_kernel *kernel, uint32_t slot, bool is_up)
{
    struct model_link *link = &kernel->links[slot];
    link->is_up = is_up;
    if (is_up) {
        put_connected(kernel, link);
    } else {
        drop_objects_of(kernel, link->ifindex);
        drop_legs_of(kernel, link->ifindex);
    }
    kernel->version++;
}

static bool leads_over(const struct fib_route *route, uint32_t ifindex)
{
    for (uint8_t i = 0; i < route->leg_count; i++) {
        if (route->legs[i].ifindex == ifindex) {
            return true;
        }
    }
    return false;
}

/* IPv4 gives the whole route up with the device of any of its legs. */
static void drop_routes_over(struct model_kernel *kernel, uint32_t ifindex)
{
    for (uint32_t i = kernel->route_count; i-- > 0;) {
        const struct fib_route *route = &kernel->routes[i];
        if (route->prefix.family == IP_V4 && leads_over(route, ifindex)) {
            model_kernel_route_drop_at(kernel, i);
        }
    }
}

void model_kernel_link_remove(struct model_kernel *kernel, uint32_t slot)
{
    drop_routes_over(kernel, kernel->links[slot].ifindex);
    model_kernel_set_up(kernel, slot, false);
    kernel->links[slot].is_absent = true;
}

void model_kernel_link_return(struct model_kernel *kernel, uint32_t slot, uint32_t ifindex)
{
    struct model_link *link = &kernel->links[slot];
    link->is_absent = false;
    link->has_carrier = true;
    link->ifindex = ifindex;
    model_kernel_set_up(kernel, slot, true);
}

/* ---- Operations ---- */

/* Objects ask for a carrier, plain routes only for an interface that is up; a gateway has to be
 * on the wire. */
static int check_leg(const struct model_kernel *kernel, const struct fib_leg *leg, bool is_object)
{
    uint32_t slot = model_kernel_slot(kernel, leg->ifindex);
    if (slot == UINT32_MAX) {
        return ENODEV;
    }
    const struct model_link *link = &kernel->links[slot];
    if (!link->is_up || (is_object && !link->has_carrier)) {
        return ENETDOWN;
    }
    for (uint8_t i = 0; i < link->addr_count && leg->gateway.family != IP_NONE; i++) {
        struct prefix wire = prefix_make(&link->addrs[i].addr, link->addrs[i].len_bits);
        if (prefix_contains_ip(&wire, &leg->gateway)) {
            return 0;
        }
    }
    return leg->gateway.family == IP_NONE ? 0 : ENETUNREACH;
}

static bool is_planted_away(const struct model_kernel *kernel,
                            const struct fib_route_action *action)
{
    const struct fib_route *route = &action->route;
    switch (kernel->plant) {
    case MODEL_PLANT_NO_GUARDS:
        return !action->is_delete && route->type != FIB_ROUTE_UNICAST;
    case MODEL_PLANT_NO_DELETES:
        return action->is_delete;
    case MODEL_PLANT_NO_OVERRULES:
        return !action->is_delete && route->metric != CONFIG_FIB_METRIC_DEFAULT &&
               route->metric != MODEL_GUARD_METRIC;
    case MODEL_PLANT_NO_HOST_ROUTES:
        return !action->is_delete && route->leg_count != 0 &&
               (route->prefix.len_bits == 32 || route->prefix.len_bits == 128);
    case MODEL_PLANT_NONE:
    case MODEL_PLANT_WRONG_LINK:
        break;
    }
    return false;
}

bool model_kernel_overwrites(const struct model_kernel *kernel,
                             const struct fib_route_action *action)
{
    const struct fib_route *wish = &action->route;
    uint32_t at = action->is_delete || wish->is_first ? UINT32_MAX
                                                      : model_kernel_route_replaced(kernel, wish);
    return at != UINT32_MAX && kernel->routes[at].protocol != MODEL_OURS;
}

int model_kernel_do_route(struct model_kernel *kernel, const struct fib_route_action *action)
{
    const struct fib_route *wish = &action->route;
    if (is_planted_away(kernel, action)) {
        return 0;
    }
    kernel->wrong += wish->protocol != MODEL_OURS ? 1 : 0;
    if (action->is_delete) {
        return model_kernel_route_del(kernel, wish);
    }
    if (wish->nexthop_object != 0 && model_kernel_object(kernel, wish->nexthop_object) == NULL) {
        return EINVAL;
    }
    if (wish->preferred_source.family != IP_NONE &&
        !model_kernel_is_local(kernel, &wish->preferred_source)) {
        return EINVAL;
    }
    for (uint8_t i = 0; i < wish->leg_count; i++) {
        int error = check_leg(kernel, &wish->legs[i], false);
        if (error != 0) {
            return error;
        }
    }
    kernel->overwritten += model_kernel_overwrites(kernel, action) ? 1 : 0;
    return model_kernel_route_add(kernel, wish, wish->is_first ? MODEL_FIRST : MODEL_REPLACE, NULL);
}

static int check_object(const struct model_kernel *kernel, const struct fib_nexthop *wish,
                        const struct fib_nexthop *found)
{
    if (wish->member_count == 0 && !wish->is_blackhole) {
        int error = check_leg(kernel, &wish->leg, true);
        if (error != 0) {
            return error;
        }
    }
    for (uint8_t i = 0; i < wish->member_count; i++) {
        const struct fib_nexthop *member = model_kernel_object(kernel, wish->members[i]);
        if (member == NULL || (member->is_blackhole && wish->member_count > 1)) {
            return EINVAL;
        }
    }
    bool is_group = wish->member_count != 0;
    bool is_other_kind = found != NULL && ((found->member_count != 0) != is_group ||
                                           found->is_resilient != wish->is_resilient);
    return is_other_kind ? EINVAL : 0;
}

static void mislead(const struct model_kernel *kernel, struct fib_nexthop *object)
{
    uint32_t slot = model_kernel_slot(kernel, object->leg.ifindex);
    if (object->member_count == 0 && slot != UINT32_MAX && kernel->links[slot].is_protected) {
        object->leg.ifindex = 2;
    }
}

int model_kernel_do_nexthop(struct model_kernel *kernel, const struct fib_nexthop_action *action)
{
    const struct fib_nexthop *wish = &action->nexthop;
    struct fib_nexthop *found = model_kernel_object(kernel, wish->id);
    if (action->is_delete) {
        if (found == NULL) {
            return ENOENT;
        }
        model_kernel_object_drop(kernel, wish->id);
        return 0;
    }
    int error = check_object(kernel, wish, found);
    if (error != 0) {
        return error;
    }
    struct fib_nexthop made = *wish;
    if (kernel->plant == MODEL_PLANT_WRONG_LINK) {
        mislead(kernel, &made);
    }
    kernel->version++;
    if (found != NULL) {
        *found = made;
        return 0;
    }
    kernel->objects = model_kernel_grow(kernel->objects, kernel->object_count,
                                        &kernel->object_capacity, sizeof *kernel->objects);
    kernel->objects[kernel->object_count++] =
        (struct model_object){.is_ours = true, .nexthop = made};
    return 0;
}

/* ---- Forwarding ---- */

static bool is_better(const struct fib_route *route, const struct fib_route *best)
{
    if (best == NULL || route->prefix.len_bits != best->prefix.len_bits) {
        return best == NULL || route->prefix.len_bits > best->prefix.len_bits;
    }
    return route->metric < best->metric;
}

static uint32_t leg_way(const struct model_kernel *kernel, const struct fib_leg *leg)
{
    uint32_t slot = model_kernel_slot(kernel, leg->ifindex);
    return slot == UINT32_MAX ? 0 : MODEL_WAY(slot);
}

/* Links that are named, whether or not they carry anything. */
static uint32_t named_ways(const struct model_kernel *kernel, const struct fib_route *route)
{
    uint32_t ways = 0;
    if (route->type != FIB_ROUTE_UNICAST) {
        return 0;
    }
    for (uint8_t i = 0; i < route->leg_count; i++) {
        ways |= leg_way(kernel, &route->legs[i]);
    }
    const struct fib_nexthop *object =
        route->nexthop_object == 0 ? NULL : model_kernel_object(kernel, route->nexthop_object);
    if (object == NULL) {
        return ways;
    }
    if (object->member_count == 0 && !object->is_blackhole) {
        return leg_way(kernel, &object->leg);
    }
    for (uint8_t i = 0; i < object->member_count; i++) {
        const struct fib_nexthop *member = model_kernel_object(kernel, object->members[i]);
        if (member != NULL && !member->is_blackhole && !fib_member_waits(object, i)) {
            ways |= leg_way(kernel, &member->leg);
        }
    }
    return ways;
}

static uint32_t route_ways(const struct model_kernel *kernel, const struct fib_route *route)
{
    uint32_t ways = named_ways(kernel, route);
    for (uint32_t slot = 1; slot < MODEL_LINKS_MAX; slot++) {
        ways &= model_kernel_carries(&kernel->links[slot]) ? UINT32_MAX : ~MODEL_WAY(slot);
    }
    return ways;
}

bool model_kernel_is_clear(const struct model_kernel *kernel, const struct fib_route *route)
{
    return model_kernel_clear_ways(kernel, named_ways(kernel, route)) != 0;
}

/* A plain route whose links have lost their carrier: passed over when the administrator wants it.
 */
static bool is_passed_over(const struct model_kernel *kernel, const struct fib_route *route)
{
    return kernel->ignores_linkdown && route->type == FIB_ROUTE_UNICAST && route->leg_count != 0 &&
           route_ways(kernel, route) == 0;
}

uint32_t model_kernel_ways(const struct model_kernel *kernel, const struct ip_addr *addr,
                           const struct fib_route **route_out)
{
    const struct fib_route *best = NULL;
    for (uint32_t i = 0; i < kernel->route_count; i++) {
        const struct fib_route *route = &kernel->routes[i];
        if (prefix_contains_ip(&route->prefix, addr) && is_better(route, best) &&
            !is_passed_over(kernel, route)) {
            best = route;
        }
    }
    if (route_out != NULL) {
        *route_out = best;
    }
    return best == NULL || model_kernel_is_local(kernel, addr) ? 0 : route_ways(kernel, best);
}

uint32_t model_kernel_clear_ways(const struct model_kernel *kernel, uint32_t ways)
{
    uint32_t clear = 0;
    for (uint32_t slot = 1; slot < MODEL_LINKS_MAX; slot++) {
        if ((ways & MODEL_WAY(slot)) != 0 && !kernel->links[slot].is_protected) {
            clear |= MODEL_WAY(slot);
        }
    }
    return clear;
}
