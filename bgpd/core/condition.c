/* Conditional advertisement: `neighbor X advertise-map A exist-map|non-exist-map B`. For every B
 * the destinations whose used path B permits are counted as they are decided; when the count comes
 * to or leaves zero, what A permits is exported again in the same turn. Nothing is scanned but the
 * table once, when B is new or changed; until then the routes of A are held back. */
#include <string.h>

#include "bgpd/core/routes_private.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

enum condition_state {
    CONDITION_UNKNOWN, /* the table has not been walked yet */
    CONDITION_ABSENT,
    CONDITION_EXISTS,
};

struct condition {
    struct list_node node; /* in route_engine.conditions */
    enum afi_safi afi_safi;
    const char *name;            /* of the route-map; belongs to the configuration */
    const struct route_map *map; /* NULL: it does not exist and permits nothing */
    struct bitset matching;      /* destinations; held */
    uint32_t count;
    enum condition_state state;
    dest_id walked;
    bool is_walking;
    bool is_wanted;
};

struct condition *condition_find(const struct core *core, enum afi_safi afi_safi, const char *name)
{
    LIST_FOREACH(node, &core->routes->conditions)
    {
        struct condition *condition = CONTAINER_OF(node, struct condition, node);
        if (condition->afi_safi == afi_safi && strcmp(condition->name, name) == 0) {
            return condition;
        }
    }
    return NULL;
}

/* ---- Groups ---- */

bool condition_is_met(const struct group_key *key)
{
    enum condition_state wanted = key->condition_is_absence ? CONDITION_ABSENT : CONDITION_EXISTS;
    return key->condition != NULL && key->condition->state == wanted;
}

bool condition_withholds(struct core *core, struct update_group *group,
                         const struct export_route *route)
{
    ASSERT(group->key.policy.advertise_map != NULL);
    struct path_attrs attrs;
    attr_set_view(route->attrs, &attrs);
    struct policy_route view =
        export_policy_route(core, group->afi_safi, route, group->key.policy.uses_nexthop);
    if (!route_map_apply(group->key.policy.advertise_map, &view, &attrs, &core->scratch)
             .is_permit) {
        return false;
    }
    if (!bitset_has(&group->conditional, route->dest)) {
        dest_hold(core->ribs[group->afi_safi], route->dest);
        bitset_add(&group->conditional, route->dest);
    }
    return !condition_is_met(&group->key);
}

void condition_unmark_dest(struct core *core, struct update_group *group, dest_id dest)
{
    if (bitset_has(&group->conditional, dest)) {
        bitset_remove(&group->conditional, dest);
        dest_release(core->ribs[group->afi_safi], dest);
    }
}

void condition_unmark_all(struct core *core, struct update_group *group)
{
    for (uint32_t dest = bitset_next(&group->conditional, 0); dest != UINT32_MAX;
         dest = bitset_next(&group->conditional, dest + 1)) {
        dest_release(core->ribs[group->afi_safi], dest);
    }
    bitset_fini(&group->conditional);
    group->is_flipping = false;
}

static uint32_t flip_some(struct core *core, struct update_group *group, uint32_t work_max)
{
    uint32_t used = 0;
    while (group->is_flipping && used < work_max) {
        uint32_t dest = bitset_next(&group->conditional, group->flipped);
        if (dest == UINT32_MAX) {
            group->is_flipping = false;
            break;
        }
        group->flipped = dest + 1;
        export_dest_to(core, group, dest);
        used++;
    }
    return used;
}

static void flip_groups(struct core *core, const struct condition *condition)
{
    LIST_FOREACH(node, &core->routes->groups[condition->afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        if (group->key.condition == condition) {
            group->flipped = 0;
            group->is_flipping = true;
            core->routes->has_flips = true;
        }
    }
}

/* ---- What is there ---- */

static bool is_permitted(struct core *core, const struct condition *condition, dest_id dest)
{
    const struct loc_rib *rib = core->ribs[condition->afi_safi];
    struct route_view best;
    if (condition->map == NULL || !dest_best(rib, dest, &best) ||
        route_is_hidden(core, condition->afi_safi, best.source, best.accepted)) {
        return false;
    }
    struct prefix prefix = dest_prefix(rib, dest);
    struct export_route route =
        export_route_from(core, condition->afi_safi, dest, &prefix, best.route_number);
    struct policy_route view = export_policy_route(core, condition->afi_safi, &route, true);
    struct path_attrs attrs;
    attr_set_view(route.attrs, &attrs);
    arena_reset(&core->scratch);
    return route_map_apply(condition->map, &view, &attrs, &core->scratch).is_permit;
}

static void settle(struct core *core, struct condition *condition)
{
    enum condition_state now = condition->count != 0 ? CONDITION_EXISTS : CONDITION_ABSENT;
    if (condition->is_walking || now == condition->state) {
        return;
    }
    condition->state = now;
    flip_groups(core, condition);
}

static void look_at(struct core *core, struct condition *condition, dest_id dest)
{
    bool is_matching = is_permitted(core, condition, dest);
    if (is_matching == bitset_has(&condition->matching, dest)) {
        return;
    }
    if (is_matching) {
        dest_hold(core->ribs[condition->afi_safi], dest);
        bitset_add(&condition->matching, dest);
        condition->count++;
    } else {
        bitset_remove(&condition->matching, dest);
        condition->count--;
        dest_release(core->ribs[condition->afi_safi], dest);
    }
}

void conditions_dest_changed(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    LIST_FOREACH(node, &core->routes->conditions)
    {
        struct condition *condition = CONTAINER_OF(node, struct condition, node);
        if (condition->afi_safi == afi_safi) {
            look_at(core, condition, dest);
            settle(core, condition);
        }
    }
}

/* ---- Configuration ---- */

static void forget_matching(struct core *core, struct condition *condition)
{
    for (uint32_t dest = bitset_next(&condition->matching, 0); dest != UINT32_MAX;
         dest = bitset_next(&condition->matching, dest + 1)) {
        dest_release(core->ribs[condition->afi_safi], dest);
    }
    bitset_fini(&condition->matching);
    condition->count = 0;
}

static void want(struct core *core, enum afi_safi afi_safi, const char *name)
{
    struct condition *condition = condition_find(core, afi_safi, name);
    const struct route_map *map =
        core->policies == NULL ? NULL : policy_route_map(core->policies, name);
    bool is_new = condition == NULL;
    if (is_new) {
        condition = mem_alloc(MEM_ROUTE, sizeof *condition);
        condition->afi_safi = afi_safi;
        bitset_init(&condition->matching);
        list_append(&core->routes->conditions, &condition->node);
    }
    if (is_new || !route_maps_equal(condition->map, map)) {
        forget_matching(core, condition);
        condition->walked = 0;
        condition->is_walking = true;
    }
    condition->map = map;
    condition->name = name;
    condition->is_wanted = true;
}

static void want_all(struct core *core, const struct config_neighbor *neighbors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            const struct config_family *config = &neighbors[i].families[family];
            if (config->advertise_map != NULL && config->condition_map != NULL) {
                want(core, family, config->condition_map);
            }
        }
    }
}

void conditions_apply_config(struct core *core)
{
    const struct config_bgp *bgp = &core->config->bgp;
    LIST_FOREACH(node, &core->routes->conditions)
    {
        CONTAINER_OF(node, struct condition, node)->is_wanted = false;
    }
    if (bgp->is_configured) {
        want_all(core, bgp->neighbors, bgp->neighbor_count);
        want_all(core, bgp->peer_groups, bgp->peer_group_count);
    }
}

static void condition_free(struct core *core, struct condition *condition)
{
    forget_matching(core, condition);
    list_remove(&condition->node);
    mem_free(MEM_ROUTE, condition);
}

void conditions_prune(struct core *core)
{
    LIST_FOREACH(node, &core->routes->conditions)
    {
        struct condition *condition = CONTAINER_OF(node, struct condition, node);
        if (!condition->is_wanted) {
            condition_free(core, condition);
        }
    }
}

void conditions_fini(struct core *core)
{
    LIST_FOREACH(node, &core->routes->conditions)
    {
        condition_free(core, CONTAINER_OF(node, struct condition, node));
    }
}

/* ---- Work ---- */

bool conditions_have_work(const struct core *core)
{
    LIST_FOREACH(node, &core->routes->conditions)
    {
        if (CONTAINER_OF(node, struct condition, node)->is_walking) {
            return true;
        }
    }
    return core->routes->has_flips;
}

static uint32_t walk_some(struct core *core, struct condition *condition, uint32_t work_max)
{
    uint32_t used = 0;
    while (condition->is_walking && used < work_max) {
        dest_id dest = loc_rib_next_dest(core->ribs[condition->afi_safi], condition->walked);
        condition->walked = dest;
        if (dest == 0) {
            condition->is_walking = false;
            settle(core, condition);
            break;
        }
        look_at(core, condition, dest);
        used++;
    }
    return used;
}

uint32_t conditions_work(struct core *core, uint32_t work_max)
{
    uint32_t used = 0;
    LIST_FOREACH(node, &core->routes->conditions)
    {
        used += walk_some(core, CONTAINER_OF(node, struct condition, node), work_max - used);
    }
    if (!core->routes->has_flips) {
        return used;
    }
    bool has_more = false;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        LIST_FOREACH(group_node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(group_node, struct update_group, engine_node);
            used += flip_some(core, group, work_max - used);
            has_more = has_more || group->is_flipping;
        }
    }
    core->routes->has_flips = has_more;
    return used;
}
