/* Static routes of the configuration: by gateway (tracked like any next hop), by interface, or
 * leading nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"

static bool same_static(const struct own_route *own, const struct config_static_route *config)
{
    const struct config_static_route *old = own->config_static;
    bool has_interface = config->interface != NULL;
    return own->local.kind == LOCAL_STATIC && old != NULL &&
           prefix_equal(&old->prefix, &config->prefix) &&
           ip_equal(&old->gateway, &config->gateway) && (old->interface != NULL) == has_interface &&
           (!has_interface || strcmp(old->interface, config->interface) == 0) &&
           old->is_blackhole == config->is_blackhole && old->is_reject == config->is_reject &&
           old->distance == config->distance && old->tag == config->tag;
}

static struct own_route *find(const struct core *core, const struct config_static_route *config)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (!own->is_in_config && same_static(own, config)) {
            return own;
        }
    }
    return NULL;
}

static void add(struct core *core, const struct config_static_route *config)
{
    struct own_route *own = own_route_new(core, LOCAL_STATIC, &config->prefix);
    own->config_static = config;
    own->is_in_config = true;
    own->local.distance = config->distance == 0 ? 1 : config->distance;
    own->local.tag = config->tag;
    if (config->gateway.family != IP_NONE && config->interface == NULL) {
        own->nexthop = tracked_nexthop_get(core, &config->gateway, 0, 0);
    }
}

/* The old configuration is still there: routes hold pointers into it until the new ones are found.
 */
void static_routes_apply_config(struct core *core)
{
    const struct config *config = core->config;
    struct kernel_side *ks = kernel_of(core);
    LIST_FOREACH(node, &ks->own_routes)
    {
        CONTAINER_OF(node, struct own_route, node)->is_in_config &=
            CONTAINER_OF(node, struct own_route, node)->local.kind != LOCAL_STATIC;
    }
    for (size_t i = 0; i < config->static_route_count; i++) {
        struct own_route *own = find(core, &config->static_routes[i]);
        if (own == NULL) {
            add(core, &config->static_routes[i]);
        } else {
            own->config_static = &config->static_routes[i];
            own->is_in_config = true;
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_STATIC && !own->is_in_config) {
            struct prefix prefix = own->local.route.prefix;
            bool was_usable = own->local.is_usable;
            own_route_remove(core, own);
            if (was_usable) {
                routes_local_route(core, REDISTRIBUTE_STATIC, &prefix, 0, 0, true);
            }
        }
    }
    ks->statics_dirty = true;
}

static void interface_leg(const struct core *core, struct own_route *own)
{
    const struct config_static_route *config = own->config_static;
    uint32_t ifindex = kernel_interface_by_name(core, config->interface);
    if (ifindex != 0 && kernel_interface_is_up(core, ifindex) &&
        !gateway_is_dead(core, &config->gateway, ifindex)) {
        own->static_legs[own->static_leg_count++] =
            (struct fib_leg){.gateway = config->gateway, .ifindex = ifindex, .weight = 1};
    }
}

static void gateway_legs(struct own_route *own)
{
    const struct tracked_nexthop *nexthop = own->nexthop;
    if (nexthop == NULL || nexthop->nexthop.state != NEXTHOP_RESOLVED) {
        return;
    }
    for (uint8_t i = 0; i < nexthop->leg_count && own->static_leg_count < FIB_PLAIN_LEGS_MAX; i++) {
        own->static_legs[own->static_leg_count++] = nexthop->legs[i].fib;
    }
}

static int compare_legs(const void *a, const void *b)
{
    const struct fib_leg *left = a;
    const struct fib_leg *right = b;
    if (left->ifindex != right->ifindex) {
        return left->ifindex < right->ifindex ? -1 : 1;
    }
    return ip_compare(&left->gateway, &right->gateway);
}

static void find_legs(const struct core *core, struct own_route *own)
{
    own->static_leg_count = 0;
    if (own->config_static->interface != NULL) {
        interface_leg(core, own);
    } else {
        gateway_legs(own);
    }
}

static void add_legs(struct fib_route *wish, const struct own_route *own)
{
    for (uint8_t i = 0; i < own->static_leg_count; i++) {
        const struct fib_leg *leg = &own->static_legs[i];
        bool is_there = wish->leg_count == FIB_PLAIN_LEGS_MAX;
        for (uint8_t k = 0; k < wish->leg_count; k++) {
            is_there = is_there || (wish->legs[k].ifindex == leg->ifindex &&
                                    ip_equal(&wish->legs[k].gateway, &leg->gateway));
        }
        if (!is_there) {
            wish->legs[wish->leg_count++] = *leg;
        }
    }
}

/* Protection is step 0 for static routes too; only the outer packets of a tunnel may go in the
 * clear, and a host route to its endpoint is how an operator says which way. */
static bool is_protected_from(const struct core *core, const struct fib_route *wish)
{
    struct ip_addr addr = prefix_addr(&wish->prefix);
    if (wish->prefix.len_bits == ip_family_bits(addr.family) &&
        tunnel_by_endpoint(core, &addr) != 0) {
        return false;
    }
    return core->protections != NULL && wish->type == FIB_ROUTE_UNICAST &&
           (fib_route_classes(core, wish) &
            ~protection_allowed_classes(core->protections, &wish->prefix)) != 0;
}

static bool is_discard(const struct config_static_route *config)
{
    return config->is_blackhole || config->is_reject;
}

/* Static routes of one prefix and distance share the load: each stands with the legs of all. */
static void add_equals(const struct core *core, const struct own_route *own, struct fib_route *wish)
{
    const struct prefix *prefix = &own->local.route.prefix;
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        const struct own_route *other = CONTAINER_OF(local, struct own_route, local);
        if (local->kind == LOCAL_STATIC && local->distance == own->local.distance &&
            !is_discard(other->config_static)) {
            add_legs(wish, other);
        }
    }
    qsort(wish->legs, wish->leg_count, sizeof wish->legs[0], compare_legs);
}

static void update(struct core *core, struct own_route *own)
{
    const struct config_static_route *config = own->config_static;
    struct fib_route wish = own_route_template(core, &config->prefix);
    bool is_usable = true;
    own->note[0] = 0;
    own->local.is_refused = false;
    if (is_discard(config)) {
        wish.type = config->is_blackhole ? FIB_ROUTE_BLACKHOLE : FIB_ROUTE_UNREACHABLE;
    } else {
        add_legs(&wish, own);
        is_usable = wish.leg_count != 0;
        add_equals(core, own, &wish);
    }
    if (!is_usable) {
        wish.leg_count = 0;
        snprintf(own->note, sizeof own->note, "gateway or interface is not reachable");
    } else if (is_protected_from(core, &wish)) {
        is_usable = false;
        own->local.is_refused = true;
        snprintf(own->note, sizeof own->note, "refused: protection does not allow its class");
    }
    bool was_usable = own->local.is_usable;
    own_route_set(core, own, &wish, is_usable);
    if (was_usable != is_usable) {
        routes_local_route(core, REDISTRIBUTE_STATIC, &config->prefix, 0, config->tag, !is_usable);
    }
}

void static_routes_update(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_STATIC) {
            find_legs(core, own);
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_STATIC) {
            update(core, own);
        }
    }
}
