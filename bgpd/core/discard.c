/* Discard routes in the kernel for aggregates of ours and for routes tagged BLACKHOLE. They stand
 * among the other routes of a prefix by distance and never in the place of a guard: when they go,
 * a protected prefix is still caught. */
#include <stdio.h>

#include "bgpd/core/kernel_private.h"

void kernel_discard_put(struct core *core, const struct prefix *prefix, uint8_t distance,
                        const char *note)
{
    struct own_route *own = own_route_find(core, LOCAL_DISCARD, prefix);
    if (own == NULL) {
        own = own_route_new(core, LOCAL_DISCARD, prefix);
    } else if (own->local.distance != distance) {
        local_route_set_usable(core, &own->local, false); /* its place is judged anew */
    }
    own->local.distance = distance;
    snprintf(own->note, sizeof own->note, "%s", note);
    struct fib_route wish = own_route_template(core, prefix);
    wish.type = FIB_ROUTE_BLACKHOLE;
    own_route_set(core, own, &wish, true);
}

void kernel_discard_remove(struct core *core, const struct prefix *prefix)
{
    struct own_route *own = own_route_find(core, LOCAL_DISCARD, prefix);
    if (own != NULL) {
        own_route_remove(core, own);
    }
}
