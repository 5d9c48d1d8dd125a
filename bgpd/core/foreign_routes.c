/* Routes of other programs that break what was promised: that would carry a protected destination
 * by a way that is not allowed, or take the endpoint of a tunnel from its underlay. They are
 * reported, never touched; by choice they are overruled: a route of exactly the same prefix, ahead
 * of theirs, by the way the destination would take without them, or nowhere. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

/* ---- What is wrong with a route ---- */

/* The host route of an endpoint ahead of our pin, over anything but the underlay. */
static bool captures_endpoint(const struct core *core, const struct fib_route *route,
                              uint16_t tunnel_number)
{
    const struct config_tunnel *tunnel = &core->config->tunnels[tunnel_number - 1];
    uint32_t allowed = tunnel_underlay_classes(tunnel);
    if (route->metric > core->config->fib_metric) {
        return false; /* The pin goes before it. */
    }
    if (route->type != FIB_ROUTE_UNICAST || (fib_route_classes(core, route) & ~allowed) != 0) {
        return true;
    }
    for (uint8_t i = 0; i < route->leg_count; i++) {
        if (tunnel_by_ifindex(core, route->legs[i].ifindex) != 0) {
            return true;
        }
    }
    return false;
}

static bool leads_to_loopback(const struct core *core, const struct fib_route *route)
{
    const struct interface *interface =
        route->leg_count == 1 ? interface_find(core, route->legs[0].ifindex) : NULL;
    return interface != NULL && interface->link.is_loopback;
}

static enum foreign_fault judge(const struct core *core, const struct local_route *local)
{
    const struct fib_route *route = &local->route;
    struct ip_addr addr = prefix_addr(&route->prefix);
    uint16_t tunnel_number = route->prefix.len_bits == ip_family_bits(route->prefix.family)
                                 ? tunnel_by_endpoint(core, &addr)
                                 : 0;
    if (core->config == NULL) {
        return FOREIGN_HARMLESS;
    }
    if (tunnel_number != 0) {
        return local->kind == LOCAL_KERNEL && captures_endpoint(core, route, tunnel_number)
                   ? FOREIGN_CAPTURES_ENDPOINT
                   : FOREIGN_HARMLESS; /* The outer packets of a tunnel go in the clear. */
    }
    if (core->protections == NULL || route->type != FIB_ROUTE_UNICAST ||
        leads_to_loopback(core, route)) {
        return FOREIGN_HARMLESS;
    }
    uint32_t allowed = protection_allowed_classes(core->protections, &route->prefix);
    uint32_t classes = fib_route_classes(core, route);
    if (route->leg_count == 0) {
        classes = PATH_CLASS_BIT(PATH_CLASS_CLEAR); /* Nobody knows where it leads. */
    }
    if ((classes & ~allowed) == 0) {
        return FOREIGN_HARMLESS;
    }
    return local->kind == LOCAL_CONNECTED ? FOREIGN_EXPOSES_LINK : FOREIGN_EXPOSES;
}

static void report(struct core *core, const struct local_route *local, enum foreign_fault fault)
{
    const struct fib_route *route = &local->route;
    const char *name =
        route->leg_count != 0 ? kernel_interface_name(core, route->legs[0].ifindex) : NULL;
    const char *what = fault == FOREIGN_CAPTURES_ENDPOINT
                           ? "takes the endpoint of a tunnel from its underlay"
                           : "carries protected destinations in the clear";
    if (fault == FOREIGN_EXPOSES_LINK) {
        core_log(core, LOG_PROTECTION, LOG_SEVERITY_ERROR, NULL, &route->prefix,
                 "the network of interface %s lies inside a protected prefix: what is on that link "
                 "is reached in the clear",
                 name == NULL ? "?" : name);
        return;
    }
    core_log(core, LOG_PROTECTION, LOG_SEVERITY_ERROR, NULL, &route->prefix,
             "a route of protocol %u, metric %u, dev %s %s; it is not ours and stays: %s",
             route->protocol, route->metric, name == NULL ? "-" : name, what,
             foreign_is_overruled_by_choice(core, local) ? "it is overruled"
                                                         : "remove it there, or overrule-foreign");
}

/* ---- The list of them ---- */

static uint32_t find_fault(const struct kernel_side *ks, const struct local_route *local)
{
    uint32_t at = 0;
    while (at < ks->fault_count && ks->faults[at] != local) {
        at++;
    }
    return at;
}

void foreign_forget(struct core *core, struct local_route *local)
{
    struct kernel_side *ks = kernel_of(core);
    if (local->fault == FOREIGN_HARMLESS) {
        return;
    }
    uint32_t at = find_fault(ks, local);
    ASSERT(at < ks->fault_count);
    ks->faults[at] = ks->faults[--ks->fault_count];
    local->fault = FOREIGN_HARMLESS;
    ks->overrules_dirty = true;
    core_log(core, LOG_PROTECTION, LOG_SEVERITY_NOTICE, NULL, &local->route.prefix,
             "the route of protocol %u, metric %u, does no harm any more", local->route.protocol,
             local->route.metric);
}

void foreign_check(struct core *core, struct local_route *local)
{
    struct kernel_side *ks = kernel_of(core);
    enum foreign_fault fault = judge(core, local);
    if (fault == local->fault) {
        ks->overrules_dirty = ks->overrules_dirty || fault != FOREIGN_HARMLESS;
        return;
    }
    if (fault == FOREIGN_HARMLESS) {
        foreign_forget(core, local);
        return;
    }
    if (local->fault == FOREIGN_HARMLESS) {
        ks->faults = array_grow(ks->faults, ks->fault_count, &ks->fault_capacity,
                                sizeof(struct local_route *));
        ks->faults[ks->fault_count++] = local;
    }
    local->fault = (uint8_t)fault;
    ks->overrules_dirty = true;
    report(core, local, fault);
}

/* ---- Overruling ---- */

bool foreign_is_overruled_by_choice(const struct core *core, const struct local_route *local)
{
    const struct config *config = core->config;
    for (size_t i = 0; i < config->protection_count; i++) {
        const struct protection_def *def = &config->protections[i];
        if (def->overrules_foreign && (local->fault == FOREIGN_CAPTURES_ENDPOINT ||
                                       prefix_contains(&def->prefix, &local->route.prefix))) {
            return true;
        }
    }
    return false;
}

static void add_leg(const struct core *core, uint32_t allowed, const struct fib_leg *leg,
                    struct fib_route *wish)
{
    if ((PATH_CLASS_BIT(kernel_interface_class(core, leg->ifindex)) & allowed) != 0 &&
        kernel_interface_is_up(core, leg->ifindex) && wish->leg_count < FIB_PLAIN_LEGS_MAX) {
        wish->legs[wish->leg_count++] = *leg;
    }
}

/* The way of BGP for prefix now, as the kernel has it: primary, survivors or backup. */
static void add_bgp_legs(const struct core *core, const struct prefix *prefix, uint32_t allowed,
                         struct fib_route *wish)
{
    uint32_t number;
    const struct fib_entry *entry = fib_entry_find(core, prefix, &number);
    if (entry == NULL || entry->group == 0) {
        return;
    }
    const struct nexthop_group *group = fib_group_at(core, entry->group);
    for (uint8_t i = 0; i < group->member_count; i++) {
        const struct leg_object *member = leg_object_at(core, group->members[i]);
        if (!member->is_blackhole) {
            struct fib_leg leg = member->leg;
            leg.weight = group->weights[i];
            add_leg(core, allowed, &leg, wish);
        }
    }
}

static void add_own_legs(const struct core *core, const struct prefix *prefix, uint32_t allowed,
                         struct fib_route *wish)
{
    const struct local_route *best = NULL;
    for (const struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        bool has_way = local->is_usable && local->fault == FOREIGN_HARMLESS &&
                       local->route.type == FIB_ROUTE_UNICAST && local->kind != LOCAL_GUARD &&
                       local->kind != LOCAL_OVERRULE;
        if (has_way && (best == NULL || local_route_rank(local) < local_route_rank(best))) {
            best = local;
        }
    }
    for (uint8_t i = 0; best != NULL && i < best->route.leg_count; i++) {
        add_leg(core, allowed, &best->route.legs[i], wish);
    }
}

/* By which way the destination goes when theirs is passed over: the longest cover that has one. */
static void fill_way(const struct core *core, const struct local_route *theirs,
                     struct fib_route *wish)
{
    uint32_t allowed = core->protections == NULL
                           ? PATH_CLASS_ANY
                           : protection_allowed_classes(core->protections, &wish->prefix);
    struct ip_addr addr = prefix_addr(&wish->prefix);
    if (theirs->fault == FOREIGN_CAPTURES_ENDPOINT) {
        const struct own_route *pin = own_route_find(core, LOCAL_PIN_ENDPOINT, &wish->prefix);
        if (pin != NULL) {
            wish->leg_count = pin->local.route.leg_count;
            memcpy(wish->legs, pin->local.route.legs, sizeof wish->legs);
            wish->preferred_source = pin->local.route.preferred_source;
        }
    }
    for (unsigned left = wish->prefix.len_bits + 1u;
         left > 0 && wish->leg_count == 0 && theirs->fault == FOREIGN_EXPOSES; left--) {
        struct prefix cover = prefix_make(&addr, (uint8_t)(left - 1));
        add_own_legs(core, &cover, allowed, wish);
        if (wish->leg_count == 0) {
            add_bgp_legs(core, &cover, allowed, wish);
        }
    }
    if (wish->leg_count == 0) {
        const struct protection_def *def = protection_find(core->protections, &wish->prefix);
        wish->type = def != NULL && def->guard == PROTECTION_GUARD_BLACKHOLE
                         ? FIB_ROUTE_BLACKHOLE
                         : FIB_ROUTE_UNREACHABLE;
    }
}

/* A metric ahead of all that do harm at this prefix. IPv4 knows 0, and an order among equals; IPv6
 * does not. */
static bool choose_metric(const struct core *core, struct fib_route *wish)
{
    uint32_t lowest = UINT32_MAX;
    for (const struct local_route *local = local_route_next(core, &wish->prefix, NULL);
         local != NULL; local = local_route_next(core, &wish->prefix, local)) {
        if (local->fault != FOREIGN_HARMLESS && local->route.metric < lowest) {
            lowest = local->route.metric;
        }
    }
    if (lowest == 0) {
        wish->metric = 0;
        wish->is_first = true;
        return wish->prefix.family == IP_V4;
    }
    uint32_t least = wish->prefix.family == IP_V4 ? 0 : 1;
    while (lowest > least) {
        lowest--;
        if (lowest != core->config->fib_metric && !slot_has_foreign(core, &wish->prefix, lowest)) {
            wish->metric = lowest;
            return true;
        }
    }
    return false;
}

static void overrule(struct core *core, const struct local_route *theirs)
{
    struct fib_route wish = own_route_template(core, &theirs->route.prefix);
    if (!choose_metric(core, &wish)) {
        return; /* foreign_obstacle says so */
    }
    fill_way(core, theirs, &wish);
    struct own_route *own = own_route_find(core, LOCAL_OVERRULE, &wish.prefix);
    if (own == NULL) {
        own = own_route_new(core, LOCAL_OVERRULE, &wish.prefix);
        snprintf(own->note, sizeof own->note, "overrules a route of protocol %u",
                 theirs->route.protocol);
    }
    own->is_in_config = true;
    own_route_set(core, own, &wish, true);
}

void overrules_update(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ks->overrules_dirty = false;
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        own->is_in_config = own->is_in_config && own->local.kind != LOCAL_OVERRULE;
    }
    for (uint32_t i = 0; i < ks->fault_count; i++) {
        if (ks->faults[i]->fault != FOREIGN_EXPOSES_LINK &&
            foreign_is_overruled_by_choice(core, ks->faults[i])) {
            overrule(core, ks->faults[i]);
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_OVERRULE && !own->is_in_config) {
            own_route_remove(core, own);
        }
    }
}

void overrules_rewrite(struct core *core, const struct prefix *prefix)
{
    struct own_route *own = own_route_find(core, LOCAL_OVERRULE, prefix);
    if (own != NULL && own->is_told) {
        own_route_rewrite(core, own);
    }
}

void overrules_discard(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_OVERRULE) {
            struct fib_route wish = own->local.route;
            wish.leg_count = 0;
            wish.type = FIB_ROUTE_UNREACHABLE;
            wish.preferred_source = (struct ip_addr){.family = IP_NONE};
            own_route_set(core, own, &wish, true);
        }
    }
}

/* ---- For show ---- */

bool snapshot_foreign_route(const struct core *core, uint32_t index,
                            struct snapshot_foreign_route *out)
{
    const struct kernel_side *ks = kernel_of(core);
    if (index >= ks->fault_count) {
        return false;
    }
    const struct local_route *local = ks->faults[index];
    const struct own_route *own = own_route_find(core, LOCAL_OVERRULE, &local->route.prefix);
    *out = (struct snapshot_foreign_route){
        .route = local->route,
        .fault = local->fault,
        .interface_name = local->route.leg_count != 0
                              ? kernel_interface_name(core, local->route.legs[0].ifindex)
                              : NULL,
        .is_overruled = own != NULL && own->is_installed,
        .since = local->since,
    };
    if (local->fault == FOREIGN_EXPOSES_LINK) {
        out->reason = "the network of a clear interface lies inside a protected prefix";
    } else if (local->fault == FOREIGN_CAPTURES_ENDPOINT) {
        out->reason = "takes the endpoint of a tunnel from its underlay";
    } else {
        out->reason = "carries protected destinations in the clear";
    }
    out->answer = out->is_overruled                              ? "overruled"
                  : local->fault == FOREIGN_EXPOSES_LINK         ? "cannot be overruled"
                  : !foreign_is_overruled_by_choice(core, local) ? "stands"
                  : own != NULL && own->error != 0               ? fib_error_text(own->error)
                  : own == NULL ? "cannot be overruled: its metric is the lowest there is"
                                : "being overruled";
    return true;
}
