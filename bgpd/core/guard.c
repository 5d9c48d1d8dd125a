/* Guards: for every protected prefix a route that leads nowhere, with the worst metric. They are in
 * the kernel before the first session, and stay when the daemon is gone: whatever else vanishes,
 * longest match ends here and not on a clear path. */
#include <stdio.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"

#define PROTECTING_POLL_MS 100

void guards_apply_config(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    const struct config *config = core->config;
    LIST_FOREACH(node, &ks->own_routes)
    {
        CONTAINER_OF(node, struct own_route, node)->is_in_config &=
            CONTAINER_OF(node, struct own_route, node)->local.kind != LOCAL_GUARD;
    }
    for (size_t i = 0; i < config->protection_count; i++) {
        const struct protection_def *def = &config->protections[i];
        struct own_route *own = own_route_find(core, LOCAL_GUARD, &def->prefix);
        if (own == NULL) {
            own = own_route_new(core, LOCAL_GUARD, &def->prefix);
            char text[PREFIX_TEXT_BYTES];
            snprintf(own->note, sizeof own->note, "guards %s", prefix_format(&def->prefix, text));
        }
        own->is_in_config = true;
        struct fib_route wish = own_route_template(core, &def->prefix);
        wish.metric = GUARD_METRIC;
        wish.type =
            def->guard == PROTECTION_GUARD_BLACKHOLE ? FIB_ROUTE_BLACKHOLE : FIB_ROUTE_UNREACHABLE;
        own_route_set(core, own, &wish, true);
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_GUARD && !own->is_in_config) {
            own_route_remove(core, own);
        }
    }
}

void guards_tell_again(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_GUARD) {
            own_route_rewrite(core, own);
        }
    }
}

/* ---- From a commit that protects more to the last destination it concerns ---- */

uint32_t protection_strictest(const struct core *core)
{
    uint32_t classes = PATH_CLASS_ANY;
    for (size_t i = 0; i < core->config->protection_count; i++) {
        classes &= core->config->protections[i].allowed_classes;
    }
    return classes;
}

bool protection_exceeded(const struct core *core, const struct prefix *prefix,
                         const struct nexthop_group *group)
{
    return core->protections != NULL &&
           (group->allowed_classes & ~protection_allowed_classes(core->protections, prefix)) != 0;
}

void protecting_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ks->is_protecting = true;
    timer_start(&core->timers, &ks->protecting_timer,
                mono_add(core->now, mono_span_ms(PROTECTING_POLL_MS)));
}

void protecting_due(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    if (routes_has_work(core) || ks->queued_count != 0 || ks->in_flight_count != 0) {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_ms(PROTECTING_POLL_MS)));
        return;
    }
    ks->is_protecting = false;
    fib_groups_refresh(core, NULL, true);
}
