/* What a tracked next hop resolves to: legs out of interfaces, their weakest class, and why not
 * when it does not. Follows our own pins, connected, static and foreign routes by longest match,
 * and the BGP best paths, never through itself. A default route resolves nothing here. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

/* Next hops one resolution may go through; a longer tangle counts as unresolved. */
#define RESOLUTION_STEPS_MAX 64u

struct resolution {
    const struct tracked_nexthop *root;
    struct tracked_nexthop *steps[RESOLUTION_STEPS_MAX];
    uint32_t step_count;
    struct nexthop_leg legs[NEXTHOP_LEGS_MAX];
    uint8_t leg_count;
    uint8_t path_class;
    uint16_t tunnel_number;
    uint32_t metric;
    bool is_recursive;
    bool is_tunnel_down;
    bool is_liveness_down;
    bool is_captured;
    uint8_t down_class;
    uint16_t down_tunnel;
};

static void push(struct core *core, struct resolution *resolution, struct tracked_nexthop *step)
{
    if (step->visit != kernel_of(core)->visit && resolution->step_count < RESOLUTION_STEPS_MAX) {
        step->visit = kernel_of(core)->visit;
        resolution->steps[resolution->step_count++] = step;
    }
}

static void note_tunnel_down(struct resolution *resolution, uint16_t tunnel_number,
                             enum path_class path_class)
{
    resolution->is_tunnel_down = true;
    resolution->down_class = (uint8_t)path_class;
    resolution->down_tunnel = tunnel_number;
}

/* Refuses a leg that leads nowhere now, remembering why. */
static bool leg_is_usable(struct core *core, struct resolution *resolution,
                          const struct interface *interface, const struct fib_leg *leg)
{
    uint16_t tunnel_number = tunnel_by_ifindex(core, leg->ifindex);
    if (tunnel_number != 0 && !kernel_tunnel_is_alive(core, tunnel_number)) {
        note_tunnel_down(resolution, tunnel_number, kernel_interface_class(core, leg->ifindex));
        return false;
    }
    if (interface == NULL || !interface->link.is_up) {
        return false;
    }
    if (gateway_is_dead(core, &leg->gateway, leg->ifindex)) {
        resolution->is_liveness_down = true;
        return false;
    }
    if (tunnel_number != 0 &&
        ip_equal(&core->config->tunnels[tunnel_number - 1].remote_endpoint,
                 &resolution->root->nexthop.addr) &&
        resolution->root->via_tunnel == 0) {
        resolution->is_captured = true;
        return false;
    }
    return true;
}

static void add_leg(struct core *core, struct resolution *resolution, const struct fib_leg *wanted)
{
    const struct interface *interface = interface_find(core, wanted->ifindex);
    struct fib_leg leg = *wanted;
    if (!leg_is_usable(core, resolution, interface, &leg)) {
        return;
    }
    if (interface_has_no_neighbors(interface)) {
        leg.gateway = (struct ip_addr){.family = IP_NONE};
    }
    for (uint8_t i = 0; i < resolution->leg_count; i++) {
        const struct fib_leg *other = &resolution->legs[i].fib;
        if (other->ifindex == leg.ifindex && ip_equal(&other->gateway, &leg.gateway)) {
            return;
        }
    }
    if (resolution->leg_count == NEXTHOP_LEGS_MAX) {
        return;
    }
    enum path_class path_class = kernel_interface_class(core, leg.ifindex);
    if (resolution->leg_count == 0 || path_class < resolution->path_class) {
        resolution->path_class = (uint8_t)path_class;
    }
    if (resolution->leg_count == 0) {
        resolution->tunnel_number = tunnel_by_ifindex(core, leg.ifindex);
    }
    resolution->legs[resolution->leg_count++] =
        (struct nexthop_leg){.fib = leg, .path_class = (uint8_t)path_class};
}

/* Gateways of all static routes that stand together; false when they name interfaces. */
static bool follow_statics(struct core *core, struct resolution *resolution,
                           const struct local_route *local)
{
    const struct prefix *prefix = &local->route.prefix;
    bool is_found = false;
    for (struct local_route *other = local_route_next(core, prefix, NULL); other != NULL;
         other = local_route_next(core, prefix, other)) {
        const struct own_route *own = CONTAINER_OF(other, struct own_route, local);
        if (other->kind == LOCAL_STATIC && other->is_usable && other->distance == local->distance &&
            own->nexthop != NULL) {
            push(core, resolution, own->nexthop);
            is_found = true;
        }
    }
    return is_found;
}

static void follow_local(struct core *core, struct resolution *resolution,
                         const struct local_route *local, const struct ip_addr *addr)
{
    if (resolution->step_count == 1) {
        resolution->metric = local->kind == LOCAL_KERNEL ? local->route.metric : 0;
    }
    if (local->kind == LOCAL_STATIC && follow_statics(core, resolution, local)) {
        return;
    }
    if (local->route.type != FIB_ROUTE_UNICAST) {
        return;
    }
    for (uint8_t i = 0; i < local->route.leg_count; i++) {
        struct fib_leg leg = local->route.legs[i];
        if (leg.gateway.family == IP_NONE) {
            leg.gateway = *addr;
        }
        add_leg(core, resolution, &leg);
    }
}

/* Next hops of the used paths of dest, NULL-terminated by the count. False when there is no used
 * path, or one of them is being resolved already: RFC 4271 9.1.2.1 forbids a route through itself.
 */
static bool bgp_next_hops(struct core *core, const struct loc_rib *rib, dest_id dest,
                          struct tracked_nexthop **hops_out, uint32_t max, uint32_t *count_out)
{
    struct route_view route = {0};
    uint32_t count = 0;
    while (dest_next_route(rib, dest, &route)) {
        if ((route.flags & (ROUTE_BEST | ROUTE_MULTIPATH)) == 0 || route.accepted == NULL) {
            continue;
        }
        struct nexthop *nexthop = attr_set_nexthop(route.accepted);
        if (nexthop == NULL) {
            continue; /* A route of our own: nothing to follow. */
        }
        if (tracked(nexthop)->visit == kernel_of(core)->visit) {
            return false;
        }
        if (count < max) {
            hops_out[count++] = tracked(nexthop);
        }
    }
    *count_out = count;
    return count != 0;
}

/* True when BGP gave next hops to follow: the longest best path covering addr that is longer than
 * what the local table has. */
static bool follow_bgp(struct core *core, struct resolution *resolution, const struct ip_addr *addr,
                       int local_len_bits)
{
    struct prefix host = prefix_host(addr);
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(&host)];
    dest_id dest = rib == NULL ? 0 : loc_rib_match_best(rib, addr);
    if (dest == 0) {
        return false;
    }
    int len_bits = dest_prefix(rib, dest).len_bits;
    while (len_bits > 0 && len_bits > local_len_bits) {
        struct tracked_nexthop *hops[RESOLUTION_STEPS_MAX];
        uint32_t count;
        if (dest != 0 && bgp_next_hops(core, rib, dest, hops, RESOLUTION_STEPS_MAX, &count)) {
            for (uint32_t i = 0; i < count; i++) {
                push(core, resolution, hops[i]);
            }
            resolution->is_recursive = true;
            return true;
        }
        len_bits--;
        struct prefix shorter = prefix_make(addr, (uint8_t)len_bits);
        dest = loc_rib_find(rib, &shorter);
    }
    return false;
}

static void follow_tunnel(struct core *core, struct resolution *resolution,
                          const struct tracked_nexthop *step)
{
    const struct kernel_side *ks = kernel_of(core);
    uint16_t tunnel_number = step->via_tunnel;
    if (tunnel_number > ks->tunnel_count) {
        note_tunnel_down(resolution, 0, PATH_CLASS_CLEAR);
        return;
    }
    const struct tunnel *tunnel = &ks->tunnels[tunnel_number - 1];
    if (tunnel->ifindex == 0) {
        note_tunnel_down(resolution, tunnel_number,
                         (enum path_class)core->config->tunnels[tunnel_number - 1].path_class);
        return;
    }
    struct fib_leg leg = {.gateway = step->nexthop.addr, .ifindex = tunnel->ifindex, .weight = 1};
    add_leg(core, resolution, &leg);
}

static void follow(struct core *core, struct resolution *resolution,
                   const struct tracked_nexthop *step)
{
    const struct ip_addr *addr = &step->nexthop.addr;
    if (step->via_tunnel != 0) {
        follow_tunnel(core, resolution, step);
        return;
    }
    if (step->via_ifindex != 0) {
        struct fib_leg leg = {.gateway = *addr, .ifindex = step->via_ifindex, .weight = 1};
        add_leg(core, resolution, &leg);
        return;
    }
    const struct local_route *local = local_route_match(core, addr, LOCAL_KINDS_RESOLVE, 1);
    int local_len_bits = local == NULL ? 0 : local->route.prefix.len_bits;
    if (!follow_bgp(core, resolution, addr, local_len_bits) && local != NULL) {
        follow_local(core, resolution, local, addr);
    }
}

static enum nexthop_state state_of(const struct resolution *resolution)
{
    if (resolution->leg_count != 0) {
        return NEXTHOP_RESOLVED;
    }
    if (resolution->is_captured) {
        return NEXTHOP_CAPTURED;
    }
    if (resolution->is_tunnel_down) {
        return NEXTHOP_TUNNEL_DOWN;
    }
    return resolution->is_liveness_down ? NEXTHOP_LIVENESS_DOWN : NEXTHOP_UNRESOLVED;
}

static bool legs_equal(const struct tracked_nexthop *nexthop, const struct resolution *resolution)
{
    if (nexthop->leg_count != resolution->leg_count) {
        return false;
    }
    for (uint8_t i = 0; i < nexthop->leg_count; i++) {
        const struct nexthop_leg *a = &nexthop->legs[i];
        const struct nexthop_leg *b = &resolution->legs[i];
        if (a->path_class != b->path_class || a->fib.ifindex != b->fib.ifindex ||
            a->fib.weight != b->fib.weight || !ip_equal(&a->fib.gateway, &b->fib.gateway)) {
            return false;
        }
    }
    return true;
}

/* Own addresses are refused as RFC 4271 5.1.3 asks, whatever else they resolve to. */
static bool store(struct core *core, struct tracked_nexthop *nexthop,
                  const struct resolution *resolution)
{
    struct nexthop now = nexthop->nexthop;
    bool is_own = nexthop->via_tunnel == 0 && kernel_is_local_addr(core, &now.addr);
    now.state = (uint8_t)(is_own ? NEXTHOP_OWN_ADDRESS : state_of(resolution));
    now.path_class = resolution->path_class;
    now.tunnel_number = resolution->tunnel_number;
    if (now.state == NEXTHOP_TUNNEL_DOWN) {
        now.path_class = resolution->down_class;
        now.tunnel_number = resolution->down_tunnel;
    }
    now.metric = resolution->metric;
    const struct nexthop *before = &nexthop->nexthop;
    bool is_same_choice = before->state == now.state && before->path_class == now.path_class &&
                          before->tunnel_number == now.tunnel_number &&
                          before->metric == now.metric;
    bool is_same = is_same_choice && legs_equal(nexthop, resolution);
    nexthop->nexthop = now;
    nexthop->is_recursive = resolution->is_recursive;
    nexthop->leg_count = is_own ? 0 : resolution->leg_count;
    memcpy(nexthop->legs, resolution->legs, sizeof nexthop->legs);
    return !is_same;
}

static bool resolve(struct core *core, struct tracked_nexthop *nexthop)
{
    struct resolution resolution;
    memset(&resolution, 0, sizeof resolution);
    resolution.root = nexthop;
    kernel_of(core)->visit++;
    push(core, &resolution, nexthop);
    for (uint32_t i = 0; i < resolution.step_count; i++) {
        follow(core, &resolution, resolution.steps[i]);
    }
    kernel_of(core)->visit++; /* nothing counts as being resolved any more */
    return store(core, nexthop, &resolution);
}

void nexthop_resolve_now(struct core *core, struct tracked_nexthop *nexthop)
{
    resolve(core, nexthop);
}

bool nexthops_resolve_dirty(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    bool is_changed = false;
    if (ks->dirty_count == 0) {
        return false;
    }
    LIST_FOREACH(node, &ks->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        if (!nexthop->is_dirty) {
            continue;
        }
        nexthop->is_dirty = false;
        ks->dirty_count--;
        if (resolve(core, nexthop)) {
            is_changed = true;
            nexthop->is_reported = true;
            fib_groups_refresh(core, nexthop, true);
        }
    }
    return is_changed;
}

/* ---- Questions of the sessions ---- */

bool kernel_session_class(const struct core *core, const struct ip_addr *addr, uint16_t via_tunnel,
                          enum path_class *class_out)
{
    if (via_tunnel != 0) {
        uint32_t ifindex = kernel_tunnel_ifindex(core, via_tunnel);
        if (ifindex == 0 || !kernel_interface_is_up(core, ifindex)) {
            return false;
        }
        *class_out = kernel_interface_class(core, ifindex);
        return true;
    }
    const struct local_route *local = local_route_match(core, addr, LOCAL_KINDS_RESOLVE, 0);
    struct prefix host = prefix_host(addr);
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(&host)];
    dest_id dest = rib == NULL ? 0 : loc_rib_match_best(rib, addr);
    struct route_view route;
    if (dest != 0 && dest_best(rib, dest, &route) &&
        (local == NULL || dest_prefix(rib, dest).len_bits > local->route.prefix.len_bits)) {
        const struct nexthop *nexthop =
            route.accepted == NULL ? NULL : attr_set_nexthop(route.accepted);
        if (nexthop != NULL && nexthop->state == NEXTHOP_RESOLVED) {
            *class_out = (enum path_class)nexthop->path_class;
            return true;
        }
    }
    if (local == NULL || local->route.type != FIB_ROUTE_UNICAST || local->route.leg_count == 0) {
        return false;
    }
    enum path_class weakest = PATH_CLASS_IPSEC;
    for (uint8_t i = 0; i < local->route.leg_count; i++) {
        enum path_class path_class = kernel_interface_class(core, local->route.legs[i].ifindex);
        weakest = path_class < weakest ? path_class : weakest;
    }
    *class_out = weakest;
    return true;
}
