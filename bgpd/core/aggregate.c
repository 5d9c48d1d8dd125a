/* aggregate-address: a route of ours that stands while there is a used route inside it. What it
 * says is found by a sliced walk over its inside, repeated while the inside changes. No AS_SET is
 * made (RFC 9774): as-set keeps the common head of the paths, else the path is empty as in FRR. */
#include "bgpd/core/routes_private.h"

#include "proto/as_path.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

static void aggregate_restart(struct aggregate *aggregate)
{
    aggregate->is_stale = true;
}

static bool aggregate_has_inside(const struct aggregate *aggregate, const struct prefix *prefix)
{
    return prefix->len_bits > aggregate->prefix.len_bits &&
           prefix_contains(&aggregate->prefix, prefix);
}

static void aggregate_withdraw(struct core *core, enum afi_safi afi_safi,
                               struct aggregate *aggregate)
{
    (void)adj_rib_in_remove(core->ribs[afi_safi], core->routes->aggregate_source[afi_safi],
                            &aggregate->prefix, 0);
    if (aggregate->is_active && aggregate->is_summary_only) {
        walk_export_range(core, &aggregate->prefix);
    }
    aggregate->is_active = false;
}

void aggregates_fini(struct core *core)
{
    struct route_engine *engine = core->routes;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        for (uint32_t i = 0; i < engine->aggregate_count[family]; i++) {
            buffer_fini(&engine->aggregates[family][i].head);
        }
        mem_free(MEM_ROUTE, engine->aggregates[family]);
        engine->aggregates[family] = NULL;
        engine->aggregate_count[family] = 0;
    }
}

static void aggregate_configure(struct core *core, struct aggregate *aggregate,
                                const struct config_aggregate *config)
{
    aggregate->prefix = config->prefix;
    aggregate->is_summary_only = config->summary_only;
    aggregate->keeps_head = config->as_set;
    if (config->route_map != NULL) {
        aggregate->map =
            core->policies != NULL ? policy_route_map(core->policies, config->route_map) : NULL;
        aggregate->is_map_missing = aggregate->map == NULL;
    }
    buffer_init(&aggregate->head, MEM_ROUTE);
    aggregate->is_stale = true;
}

static void family_apply_config(struct core *core, enum afi_safi afi_safi)
{
    struct route_engine *engine = core->routes;
    const struct config_bgp_family *config = &core->config->bgp.families[afi_safi];
    struct aggregate *before = engine->aggregates[afi_safi];
    uint32_t before_count = engine->aggregate_count[afi_safi];
    uint32_t count = core->config->bgp.is_configured ? (uint32_t)config->aggregate_count : 0;
    struct aggregate *after = mem_alloc(MEM_ROUTE, (count + 1) * sizeof *after);
    for (uint32_t i = 0; i < count; i++) {
        aggregate_configure(core, &after[i], &config->aggregates[i]);
    }
    for (uint32_t i = 0; i < before_count; i++) {
        struct aggregate *old = &before[i];
        bool is_kept = false;
        for (uint32_t j = 0; j < count; j++) {
            if (prefix_equal(&after[j].prefix, &old->prefix)) {
                is_kept = true;
                after[j].is_active = old->is_active;
                if (old->is_active && old->is_summary_only != after[j].is_summary_only) {
                    walk_export_range(core, &old->prefix);
                }
            }
        }
        if (!is_kept) {
            aggregate_withdraw(core, afi_safi, old);
        }
        buffer_fini(&old->head);
    }
    mem_free(MEM_ROUTE, before);
    engine->aggregates[afi_safi] = after;
    engine->aggregate_count[afi_safi] = count;
}

void aggregates_apply_config(struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        family_apply_config(core, family);
    }
}

void aggregates_dest_changed(struct core *core, enum afi_safi afi_safi, const struct prefix *prefix)
{
    struct route_engine *engine = core->routes;
    for (uint32_t i = 0; i < engine->aggregate_count[afi_safi]; i++) {
        if (aggregate_has_inside(&engine->aggregates[afi_safi][i], prefix)) {
            aggregate_restart(&engine->aggregates[afi_safi][i]);
        }
    }
}

bool aggregates_suppress(const struct core *core, enum afi_safi afi_safi,
                         const struct prefix *prefix)
{
    const struct route_engine *engine = core->routes;
    for (uint32_t i = 0; i < engine->aggregate_count[afi_safi]; i++) {
        const struct aggregate *aggregate = &engine->aggregates[afi_safi][i];
        if (aggregate->is_active && aggregate->is_summary_only &&
            aggregate_has_inside(aggregate, prefix)) {
            return true;
        }
    }
    return false;
}

/* ---- The walk ---- */

/* The AS numbers of the leading AS_SEQUENCE, as octets. */
static struct byte_view leading_sequence(struct byte_view path)
{
    if (path.size < 2 || path.data[0] != AS_PATH_SEQUENCE) {
        return (struct byte_view){NULL, 0};
    }
    return (struct byte_view){path.data + 2, 4u * path.data[1]};
}

static void aggregate_add(struct aggregate *aggregate, const struct attr_set *set)
{
    struct path_attrs view;
    attr_set_view(set, &view);
    struct byte_view head = leading_sequence(view.as_path);
    bool has_more = view.as_path.size != (head.size == 0 ? 0 : head.size + 2);
    if (aggregate->contributors == 0) {
        buffer_append(&aggregate->head, head.data, head.size);
        aggregate->origin = view.origin;
    } else {
        size_t common = 0;
        size_t limit = head.size < aggregate->head.size ? head.size : aggregate->head.size;
        while (common < limit &&
               load_be32(head.data + common) == load_be32(aggregate->head.data + common)) {
            common += 4;
        }
        aggregate->path_lost =
            aggregate->path_lost || common != head.size || common != aggregate->head.size;
        aggregate->head.size = common;
        /* RFC 4271 9.2.2.2: the worst origin. */
        aggregate->origin = view.origin > aggregate->origin ? view.origin : aggregate->origin;
    }
    aggregate->path_lost = aggregate->path_lost || has_more;
    aggregate->contributors++;
}

static void aggregate_begin(struct aggregate *aggregate)
{
    aggregate->is_stale = false;
    aggregate->is_walking = true;
    aggregate->contributors = 0;
    aggregate->origin = BGP_ORIGIN_IGP;
    aggregate->path_lost = false;
    aggregate->head.size = 0;
    rib_walker_init(&aggregate->walker, &aggregate->prefix);
}

static struct attr_set *aggregate_attrs(struct core *core, struct aggregate *aggregate)
{
    struct path_attrs attrs = {
        .present = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) | PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                   PATH_ATTR_BIT(PATH_ATTR_AGGREGATOR) | PATH_LOCAL_WEIGHT,
        .origin = aggregate->origin,
        .aggregator_asn = core->config->bgp.asn,
        .aggregator_id = core->router_id,
        .weight = LOCAL_WEIGHT,
    };
    arena_reset(&core->scratch);
    bool is_path_lost = aggregate->path_lost;
    if (aggregate->keeps_head && aggregate->head.size != 0) {
        size_t count = aggregate->head.size / 4;
        uint32_t *asns = arena_alloc(&core->scratch, count * sizeof *asns);
        for (size_t i = 0; i < count; i++) {
            asns[i] = load_be32(aggregate->head.data + 4 * i);
        }
        attrs.as_path = as_path_from_asns(&core->scratch, asns, count);
    } else {
        is_path_lost = is_path_lost || aggregate->head.size != 0;
    }
    if (is_path_lost) {
        path_attrs_set(&attrs, PATH_ATTR_ATOMIC_AGGREGATE); /* RFC 4271 9.1.4 */
    }
    struct attr_set *set = attr_set_intern(core->attrs, &attrs);
    return originate_apply_map(core, aggregate->map, &aggregate->prefix, POLICY_PROTOCOL_BGP, set);
}

static void aggregate_finish(struct core *core, enum afi_safi afi_safi, struct aggregate *aggregate)
{
    aggregate->is_walking = false;
    struct attr_set *attrs = NULL;
    if (aggregate->contributors != 0 && !aggregate->is_map_missing) {
        attrs = aggregate_attrs(core, aggregate);
    }
    if (attrs == NULL) {
        aggregate_withdraw(core, afi_safi, aggregate);
        return;
    }
    (void)adj_rib_in_put(core->ribs[afi_safi], core->routes->aggregate_source[afi_safi],
                         &aggregate->prefix, 0, attrs, attrs, DECISION_NONE, core->now);
    attr_set_unref(core->attrs, attrs);
    if (!aggregate->is_active) {
        aggregate->is_active = true;
        if (aggregate->is_summary_only) {
            walk_export_range(core, &aggregate->prefix);
        }
    }
}

bool aggregates_have_work(const struct core *core)
{
    const struct route_engine *engine = core->routes;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        for (uint32_t i = 0; i < engine->aggregate_count[family]; i++) {
            const struct aggregate *aggregate = &engine->aggregates[family][i];
            if (aggregate->is_walking || aggregate->is_stale) {
                return true;
            }
        }
    }
    return false;
}

static uint32_t aggregate_walk(struct core *core, enum afi_safi afi_safi,
                               struct aggregate *aggregate, uint32_t work_max)
{
    struct loc_rib *rib = core->ribs[afi_safi];
    uint32_t used = 0;
    while (used < work_max) {
        dest_id dest = rib_walker_next(&aggregate->walker, rib);
        if (dest == 0) {
            aggregate_finish(core, afi_safi, aggregate);
            return used + 1;
        }
        used++;
        struct prefix prefix = dest_prefix(rib, dest);
        struct route_view best;
        if (aggregate_has_inside(aggregate, &prefix) && dest_best(rib, dest, &best)) {
            aggregate_add(aggregate, best.accepted);
        }
    }
    return used;
}

uint32_t aggregates_work(struct core *core, uint32_t work_max)
{
    struct route_engine *engine = core->routes;
    uint32_t used = 0;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        for (uint32_t i = 0; i < engine->aggregate_count[family] && used < work_max; i++) {
            struct aggregate *aggregate = &engine->aggregates[family][i];
            if (aggregate->is_stale && !aggregate->is_walking) {
                aggregate_begin(aggregate);
            }
            if (aggregate->is_walking) {
                used += aggregate_walk(core, family, aggregate, work_max - used);
            }
        }
    }
    return used;
}
