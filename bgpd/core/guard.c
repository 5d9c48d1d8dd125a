/* Guards: for every protected prefix a route that leads nowhere, with the worst metric. They are in
 * the kernel before the first session, and stay when the daemon is gone: whatever else vanishes,
 * longest match ends here and not on a clear path. */
#include <stdio.h>

#include "bgpd/core/kernel_private.h"

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
