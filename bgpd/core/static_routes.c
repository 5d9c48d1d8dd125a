/* Static routes of the configuration: by gateway (tracked like any next hop), by interface, or
 * leading nowhere. */
#include <stdio.h>
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

static bool interface_leg(const struct core *core, const struct config_static_route *config,
                          struct fib_route *wish)
{
    uint32_t ifindex = kernel_interface_by_name(core, config->interface);
    if (ifindex == 0 || !kernel_interface_is_up(core, ifindex) ||
        gateway_is_dead(core, &config->gateway, ifindex)) {
        return false;
    }
    wish->legs[0] = (struct fib_leg){.gateway = config->gateway, .ifindex = ifindex, .weight = 1};
    wish->leg_count = 1;
    return true;
}

static bool gateway_legs(const struct tracked_nexthop *nexthop, struct fib_route *wish)
{
    if (nexthop->nexthop.state != NEXTHOP_RESOLVED) {
        return false;
    }
    for (uint8_t i = 0; i < nexthop->leg_count && wish->leg_count < FIB_PLAIN_LEGS_MAX; i++) {
        wish->legs[wish->leg_count++] = nexthop->legs[i].fib;
    }
    return wish->leg_count != 0;
}

/* Protection is step 0 for static routes too. */
static bool is_protected_from(const struct core *core, const struct fib_route *wish)
{
    return core->protections != NULL && wish->type == FIB_ROUTE_UNICAST &&
           (fib_route_classes(core, wish) &
            ~protection_allowed_classes(core->protections, &wish->prefix)) != 0;
}

static void update(struct core *core, struct own_route *own)
{
    const struct config_static_route *config = own->config_static;
    struct fib_route wish = own_route_template(core, &config->prefix);
    bool is_usable = true;
    own->note[0] = 0;
    if (config->is_blackhole) {
        wish.type = FIB_ROUTE_BLACKHOLE;
    } else if (config->is_reject) {
        wish.type = FIB_ROUTE_UNREACHABLE;
    } else if (config->interface != NULL) {
        is_usable = interface_leg(core, config, &wish);
    } else {
        is_usable = own->nexthop != NULL && gateway_legs(own->nexthop, &wish);
    }
    if (!is_usable) {
        snprintf(own->note, sizeof own->note, "gateway or interface is not reachable");
    } else if (is_protected_from(core, &wish)) {
        is_usable = false;
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
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_STATIC) {
            update(core, own);
        }
    }
}
