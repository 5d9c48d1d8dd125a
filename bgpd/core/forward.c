/* From the decision to the kernel side: paths to their next hops, aggregates of ours and routes
 * tagged BLACKHOLE to discard routes, other local routes to nothing. */
#include "bgpd/core/routes_private.h"

#define DISTANCE_AGGREGATE 200u /* as FRR and IOS have it: static routes stand before it */
#define DISTANCE_EXTERNAL  20u
#define DISTANCE_INTERNAL  200u

struct discard_wish {
    uint8_t distance; /* 0: none */
    const char *note;
};

/* Which discard route the best path asks for. */
static struct discard_wish discard_wish_of(const struct core *core, enum afi_safi afi_safi,
                                           uint32_t route_number)
{
    const struct loc_rib *rib = core->ribs[afi_safi];
    const struct rib_source *source = route_source(rib, route_number);
    struct route_view best;
    if (source->kind == SOURCE_AGGREGATE) {
        return (struct discard_wish){DISTANCE_AGGREGATE, "aggregate"};
    }
    if (core->routes->has_blackholes && route_by_number(rib, route_number, &best) &&
        attr_set_discards(best.accepted)) {
        return (struct discard_wish){source->kind == SOURCE_PEER_EBGP ? DISTANCE_EXTERNAL
                                                                      : DISTANCE_INTERNAL,
                                     "tagged BLACKHOLE"};
    }
    return (struct discard_wish){0, ""};
}

static void discard_end(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    struct prefix prefix = dest_prefix(core->ribs[afi_safi], dest);
    kernel_discard_remove(core, &prefix);
    bitset_remove(&core->routes->discarded[afi_safi], dest);
    dest_release(core->ribs[afi_safi], dest);
}

void forward_dest(struct core *core, enum afi_safi afi_safi, dest_id dest,
                  struct decision_result *result)
{
    if (core->limits.no_fib) {
        return;
    }
    struct loc_rib *rib = core->ribs[afi_safi];
    struct bitset *discarded = &core->routes->discarded[afi_safi];
    struct discard_wish wish = {0, ""};
    if (result->used_count != 0) {
        wish = discard_wish_of(core, afi_safi, result->used[0]);
        if (wish.distance != 0 || source_is_local(route_source(rib, result->used[0]))) {
            result->used_count = 0; /* ours to announce, somebody else's to forward */
            result->backup = 0;
        }
    }
    if (wish.distance != 0) {
        struct prefix prefix = dest_prefix(rib, dest);
        if (!bitset_has(discarded, dest)) {
            dest_hold(rib, dest);
            bitset_add(discarded, dest);
        }
        kernel_discard_put(core, &prefix, wish.distance, wish.note);
    }
    fib_sync_dest(core, afi_safi, dest, result);
    if (wish.distance == 0 && bitset_has(discarded, dest)) {
        discard_end(core, afi_safi, dest); /* after the route that takes its place */
    }
}

void forward_fini(struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct bitset *discarded = &core->routes->discarded[family];
        for (uint32_t dest = bitset_next(discarded, 0); dest != UINT32_MAX;
             dest = bitset_next(discarded, dest + 1)) {
            dest_release(core->ribs[family], dest);
        }
        bitset_fini(discarded);
    }
}
