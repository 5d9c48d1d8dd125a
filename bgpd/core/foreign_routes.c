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
    const char *answer =
        !overrule_can_precede(route) ? "remove it there; its metric is too low to be overruled"
        : foreign_is_overruled_by_choice(core, local) ? "it is overruled"
                                                      : "remove it there, or overrule-foreign";
    core_log(core, LOG_PROTECTION, LOG_SEVERITY_ERROR, NULL, &route->prefix,
             "a route of protocol %u, metric %u, dev %s %s; it is not ours and stays: %s",
             route->protocol, route->metric, name == NULL ? "-" : name, what, answer);
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
    if (local->kind == LOCAL_CONNECTED) {
        core_log(core, LOG_PROTECTION, LOG_SEVERITY_NOTICE, NULL, &local->route.prefix,
                 "the network of an interface does no harm any more");
    } else {
        core_log(core, LOG_PROTECTION, LOG_SEVERITY_NOTICE, NULL, &local->route.prefix,
                 "the route of protocol %u, metric %u, does no harm any more",
                 local->route.protocol, local->route.metric);
    }
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
        .is_overruled = own != NULL && own->is_installed && own->told.metric <= local->route.metric,
        .since = local->since,
    };
    if (local->fault == FOREIGN_EXPOSES_LINK) {
        out->reason = "the network of a clear interface lies inside a protected prefix";
    } else if (local->fault == FOREIGN_CAPTURES_ENDPOINT) {
        out->reason = "takes the endpoint of a tunnel from its underlay";
    } else {
        out->reason = "carries protected destinations in the clear";
    }
    out->answer = "being overruled";
    if (out->is_overruled) {
        out->answer = "overruled";
    } else if (local->fault == FOREIGN_EXPOSES_LINK) {
        out->answer = "cannot be overruled";
    } else if (!overrule_can_precede(&local->route)) {
        out->answer = "cannot be overruled: its metric is the lowest there is";
    } else if (!foreign_is_overruled_by_choice(core, local)) {
        out->answer = "stands";
    } else if (own != NULL && own->error != 0) {
        out->answer = fib_error_text(own->error);
    } else if (own == NULL && ks->is_adopting) {
        out->answer = "overruled by an earlier run";
    }
    return true;
}
