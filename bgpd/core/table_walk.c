/* Long walks in slices: policy run again, next hops changed, everything decided again, routes of
 * ended sessions removed, ranges announced again. A wish that comes while a walk runs is granted by
 * the next one. */
#include "bgpd/core/routes_private.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* Routes removed per unit of work: removal alone is cheap, the decision is counted by itself. */
#define DRAIN_ROUTES_PER_UNIT 1u

static void wishes_init(struct walk_wishes *wishes)
{
    *wishes = (struct walk_wishes){0};
    bitset_init(&wishes->reimport_sources);
}

static void wishes_fini(struct walk_wishes *wishes)
{
    bitset_fini(&wishes->reimport_sources);
}

void walks_init(struct core *core)
{
    struct route_engine *engine = core->routes;
    list_init(&engine->drains);
    list_init(&engine->range_walks);
    list_init(&engine->conditions);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        wishes_init(&engine->walks[family].active);
        wishes_init(&engine->walks[family].pending);
    }
}

static void drain_free(struct source_drain *drain)
{
    list_remove(&drain->node);
    mem_free(MEM_ROUTE, drain);
}

static void range_walk_free(struct range_walk *walk)
{
    list_remove(&walk->node);
    mem_free(MEM_ROUTE, walk);
}

void walks_fini(struct core *core)
{
    struct route_engine *engine = core->routes;
    LIST_FOREACH(node, &engine->drains)
    {
        struct source_drain *drain = CONTAINER_OF(node, struct source_drain, node);
        if (!drain->is_sweep) {
            while (adj_rib_in_drop(core->ribs[drain->afi_safi], drain->source, UINT32_MAX) != 0) {
            }
            loc_rib_source_remove(core->ribs[drain->afi_safi], drain->source);
        }
        drain_free(drain);
    }
    LIST_FOREACH(range_node, &engine->range_walks)
    {
        range_walk_free(CONTAINER_OF(range_node, struct range_walk, node));
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        wishes_fini(&engine->walks[family].active);
        wishes_fini(&engine->walks[family].pending);
    }
}

/* ---- Wishes ---- */

void walk_wish_decide_all(struct core *core, enum afi_safi afi_safi)
{
    struct walk_wishes *wishes = &core->routes->walks[afi_safi].pending;
    wishes->decide_all = true;
    wishes->is_any = true;
}

void walk_wish_reimport(struct core *core, enum afi_safi afi_safi, uint16_t source)
{
    ASSERT(source != 0);
    struct walk_wishes *wishes = &core->routes->walks[afi_safi].pending;
    bitset_add(&wishes->reimport_sources, source);
    wishes->is_any = true;
}

void walk_wish_nexthop(struct core *core, const struct nexthop *nexthop)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct walk_wishes *wishes = &core->routes->walks[family].pending;
        bool is_known = wishes->decide_all;
        for (uint32_t i = 0; i < wishes->nexthop_count && !is_known; i++) {
            is_known = wishes->nexthops[i] == nexthop;
        }
        if (is_known) {
            continue;
        }
        wishes->is_any = true;
        if (wishes->nexthop_count == WALK_NEXTHOPS_MAX) {
            wishes->decide_all = true;
        } else {
            wishes->nexthops[wishes->nexthop_count++] = nexthop;
        }
    }
}

void walk_export_range(struct core *core, const struct prefix *within)
{
    struct range_walk *walk = mem_alloc(MEM_ROUTE, sizeof *walk);
    walk->afi_safi = prefix_afi_safi(within);
    rib_walker_init(&walk->walker, within);
    list_append(&core->routes->range_walks, &walk->node);
}

void walk_drain_source(struct core *core, enum afi_safi afi_safi, uint16_t source, bool is_sweep)
{
    ASSERT(source != 0);
    LIST_FOREACH(node, &core->routes->drains)
    {
        struct source_drain *known = CONTAINER_OF(node, struct source_drain, node);
        if (known->afi_safi == afi_safi && known->source == source) {
            known->is_sweep = known->is_sweep && is_sweep;
            is_sweep = known->is_sweep;
            if (!is_sweep) {
                struct rib_source value = *loc_rib_source(core->ribs[afi_safi], source);
                value.owner = NULL;
                loc_rib_source_set(core->ribs[afi_safi], source, &value);
            }
            return;
        }
    }
    if (!is_sweep) {
        struct rib_source value = *loc_rib_source(core->ribs[afi_safi], source);
        value.owner = NULL; /* the peer may be gone before its routes are */
        loc_rib_source_set(core->ribs[afi_safi], source, &value);
    }
    struct source_drain *drain = mem_alloc(MEM_ROUTE, sizeof *drain);
    drain->afi_safi = afi_safi;
    drain->source = source;
    drain->is_sweep = is_sweep;
    list_append(&core->routes->drains, &drain->node);
}

/* ---- Work ---- */

static bool wishes_name_nexthop(const struct walk_wishes *wishes, const struct attr_set *set)
{
    const struct nexthop *nexthop = attr_set_nexthop(set);
    for (uint32_t i = 0; i < wishes->nexthop_count; i++) {
        if (wishes->nexthops[i] == nexthop) {
            return nexthop != NULL;
        }
    }
    return false;
}

/* Imports again what is wished for. Paths stay in their places while their policy is re-run, so the
 * list may be walked meanwhile; where one goes the walk is taken up again before it. */
static void walk_visit(struct core *core, enum afi_safi afi_safi, const struct walk_wishes *wishes,
                       dest_id dest)
{
    struct loc_rib *rib = core->ribs[afi_safi];
    bool is_dirty = wishes->decide_all;
    struct route_view route = {0};
    struct route_view before = {0};
    dest_hold(rib, dest);
    for (; dest_next_route(rib, dest, &route); before = route) {
        bool names_nexthop = false;
        if (wishes->nexthop_count != 0) {
            names_nexthop = wishes_name_nexthop(wishes, route.received) ||
                            (route.accepted != NULL && wishes_name_nexthop(wishes, route.accepted));
        }
        is_dirty = is_dirty || names_nexthop;
        bool is_again = bitset_has(&wishes->reimport_sources, route.source);
        if (names_nexthop && !is_again) {
            const struct peer *peer = source_peer(rib, route.source);
            is_again = peer != NULL && peer_family_of(peer, afi_safi)->in.uses_nexthop;
        }
        if (is_again && source_is_local(loc_rib_source(rib, route.source))) {
            redistribute_again(core, afi_safi, dest, route.source);
        } else if (is_again && !import_again(core, afi_safi, &route)) {
            route = before;
        }
    }
    if (is_dirty) {
        loc_rib_mark_dirty(rib, dest);
    }
    dest_release(rib, dest);
}

static void walk_begin(struct table_walk *walk)
{
    struct walk_wishes spent = walk->active;
    walk->active = walk->pending;
    walk->pending = spent;
    walk->pending.decide_all = false;
    walk->pending.is_any = false;
    walk->pending.nexthop_count = 0;
    bitset_fini(&walk->pending.reimport_sources);
    walk->walked = 0;
    walk->is_walking = true;
}

static uint32_t table_walk_work(struct core *core, enum afi_safi afi_safi, uint32_t work_max)
{
    struct table_walk *walk = &core->routes->walks[afi_safi];
    uint32_t used = 0;
    while (used < work_max) {
        if (!walk->is_walking) {
            if (!walk->pending.is_any) {
                break;
            }
            walk_begin(walk);
        }
        dest_id dest = loc_rib_next_dest(core->ribs[afi_safi], walk->walked);
        walk->walked = dest;
        if (dest == 0) {
            walk->is_walking = false;
            continue;
        }
        walk_visit(core, afi_safi, &walk->active, dest);
        used++;
    }
    return used;
}

static uint32_t drains_work(struct core *core, uint32_t work_max)
{
    uint32_t used = 0;
    LIST_FOREACH(node, &core->routes->drains)
    {
        if (used >= work_max) {
            break;
        }
        struct source_drain *drain = CONTAINER_OF(node, struct source_drain, node);
        struct loc_rib *rib = core->ribs[drain->afi_safi];
        uint32_t max = (work_max - used) * DRAIN_ROUTES_PER_UNIT;
        uint32_t gone = drain->is_sweep ? adj_rib_in_sweep_stale(rib, drain->source, max)
                                        : adj_rib_in_drop(rib, drain->source, max);
        used += gone / DRAIN_ROUTES_PER_UNIT;
        if (gone < max) {
            if (!drain->is_sweep) {
                loc_rib_source_remove(rib, drain->source);
            }
            drain_free(drain);
        }
    }
    return used;
}

static uint32_t group_walks_work(struct core *core, uint32_t work_max)
{
    uint32_t used = 0;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        LIST_FOREACH(node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
            while (group->is_walking && used < work_max) {
                dest_id dest = loc_rib_next_dest(core->ribs[family], group->walked);
                group->walked = dest;
                if (dest == 0) {
                    group->is_walking = false;
                    group->has_news = true; /* End-of-RIB may be due */
                    core->routes->has_news = true;
                    break;
                }
                export_dest_to(core, group, dest);
                used++;
            }
        }
    }
    return used;
}

static uint32_t range_walks_work(struct core *core, uint32_t work_max)
{
    uint32_t used = 0;
    LIST_FOREACH(node, &core->routes->range_walks)
    {
        struct range_walk *walk = CONTAINER_OF(node, struct range_walk, node);
        while (used < work_max) {
            dest_id dest = rib_walker_next(&walk->walker, core->ribs[walk->afi_safi]);
            if (dest == 0) {
                range_walk_free(walk);
                break;
            }
            export_dest(core, walk->afi_safi, dest);
            used++;
        }
    }
    return used;
}

bool walks_have_work(const struct core *core)
{
    const struct route_engine *engine = core->routes;
    if (!list_is_empty(&engine->drains) || !list_is_empty(&engine->range_walks)) {
        return true;
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (engine->walks[family].is_walking || engine->walks[family].pending.is_any) {
            return true;
        }
        LIST_FOREACH(node, &engine->groups[family])
        {
            if (CONTAINER_OF(node, struct update_group, engine_node)->is_walking) {
                return true;
            }
        }
    }
    return false;
}

uint32_t walks_work(struct core *core, uint32_t work_max)
{
    uint32_t used = drains_work(core, work_max);
    for (unsigned family = 0; family < AFI_SAFI_COUNT && used < work_max; family++) {
        used += table_walk_work(core, family, work_max - used);
    }
    if (used < work_max) {
        used += group_walks_work(core, work_max - used);
    }
    if (used < work_max) {
        used += range_walks_work(core, work_max - used);
    }
    return used;
}
