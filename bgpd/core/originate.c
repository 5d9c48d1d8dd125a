/* Routes of our own: `network` statements, redistributed routes, and anchors: unseen routes that
 * keep a destination number for prefixes which only we announce (tunnel endpoints, parts of a
 * cover, default-originate). */
#include "bgpd/core/routes_private.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"

static uint16_t local_source_new(struct core *core, enum afi_safi afi_safi, uint8_t kind)
{
    struct rib_source value = {.kind = kind};
    uint16_t number = 0;
    enum status status = loc_rib_source_add(core->ribs[afi_safi], &value, &number);
    ASSERT(status == STATUS_OK); /* the first sources of an empty table */
    return number;
}

void originate_init(struct core *core)
{
    struct route_engine *engine = core->routes;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        engine->network_source[family] = local_source_new(core, family, SOURCE_NETWORK);
        engine->anchor_source[family] = local_source_new(core, family, SOURCE_NETWORK);
        engine->aggregate_source[family] = local_source_new(core, family, SOURCE_AGGREGATE);
        for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
            engine->redistribute_source[family][kind] =
                local_source_new(core, family, SOURCE_REDISTRIBUTE);
        }
    }
}

static void local_source_free(struct core *core, enum afi_safi afi_safi, uint16_t source)
{
    while (adj_rib_in_drop(core->ribs[afi_safi], source, UINT32_MAX) != 0) {
    }
    loc_rib_source_remove(core->ribs[afi_safi], source);
}

void originate_fini(struct core *core)
{
    struct route_engine *engine = core->routes;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        local_source_free(core, family, engine->network_source[family]);
        local_source_free(core, family, engine->anchor_source[family]);
        local_source_free(core, family, engine->aggregate_source[family]);
        for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
            local_source_free(core, family, engine->redistribute_source[family][kind]);
        }
        mem_free(MEM_ROUTE, engine->own_prefixes[family]);
        engine->own_prefixes[family] = NULL;
        engine->own_prefix_count[family] = 0;
    }
}

struct attr_set *originate_attrs(struct core *core, uint8_t origin, uint32_t med,
                                 const uint32_t *tag)
{
    struct path_attrs attrs = {
        .present = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) | PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                   PATH_ATTR_BIT(PATH_ATTR_MED) | PATH_LOCAL_WEIGHT,
        .origin = origin,
        .med = med,
        .weight = LOCAL_WEIGHT,
    };
    if (tag != NULL && *tag != 0) {
        attrs.present |= PATH_LOCAL_TAG;
        attrs.tag = *tag;
    }
    return attr_set_intern(core->attrs, &attrs);
}

struct attr_set *originate_apply_map(struct core *core, const struct route_map *map,
                                     const struct prefix *prefix, uint8_t protocol,
                                     struct attr_set *owned)
{
    if (map == NULL) {
        return owned;
    }
    struct path_attrs attrs;
    attr_set_view(owned, &attrs);
    struct policy_route route = {
        .prefix = prefix,
        .local_asn = core->config != NULL ? core->config->bgp.asn : 0,
        .protocol = protocol,
    };
    struct policy_verdict verdict = route_map_apply(map, &route, &attrs, &core->scratch);
    struct attr_set *result = NULL;
    if (verdict.is_permit) {
        result = verdict.attrs_changed ? attr_set_intern(core->attrs, &attrs) : attr_set_ref(owned);
    }
    attr_set_unref(core->attrs, owned);
    return result;
}

void anchor_put(struct core *core, const struct prefix *prefix, struct attr_set *attrs)
{
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    (void)adj_rib_in_put(core->ribs[afi_safi], core->routes->anchor_source[afi_safi], prefix, 0,
                         attrs, NULL, DECISION_POLICY_REJECTED, core->now);
}

/* ---- network ---- */

static void originate_network(struct core *core, enum afi_safi afi_safi,
                              const struct config_network *network)
{
    const struct route_map *map = NULL;
    if (network->route_map != NULL) {
        map = core->policies != NULL ? policy_route_map(core->policies, network->route_map) : NULL;
        if (map == NULL) {
            return; /* as in FRR, a missing route-map says no */
        }
    }
    arena_reset(&core->scratch);
    struct attr_set *attrs = originate_apply_map(core, map, &network->prefix, POLICY_PROTOCOL_BGP,
                                                 originate_attrs(core, BGP_ORIGIN_IGP, 0, NULL));
    if (attrs == NULL) {
        return;
    }
    route_bind_nexthop(core, attrs);
    (void)adj_rib_in_put(core->ribs[afi_safi], core->routes->network_source[afi_safi],
                         &network->prefix, 0, attrs, attrs, DECISION_NONE, core->now);
    attr_set_unref(core->attrs, attrs);
}

static bool originate_networks(struct core *core, enum afi_safi afi_safi)
{
    struct route_engine *engine = core->routes;
    struct loc_rib *rib = core->ribs[afi_safi];
    const struct config_bgp_family *family = &core->config->bgp.families[afi_safi];
    uint16_t source = engine->network_source[afi_safi];
    adj_rib_in_mark_stale(rib, source);
    for (size_t i = 0; i < family->network_count; i++) {
        originate_network(core, afi_safi, &family->networks[i]);
    }
    while (adj_rib_in_sweep_stale(rib, source, UINT32_MAX) != 0) {
    }

    /* What a safe import must never take back: our networks and aggregates. */
    size_t count = family->network_count + family->aggregate_count;
    struct prefix *own = mem_alloc(MEM_ROUTE, (count + 1) * sizeof *own);
    for (size_t i = 0; i < family->network_count; i++) {
        own[i] = family->networks[i].prefix;
    }
    for (size_t i = 0; i < family->aggregate_count; i++) {
        own[family->network_count + i] = family->aggregates[i].prefix;
    }
    bool is_changed = count != engine->own_prefix_count[afi_safi];
    for (size_t i = 0; i < count && !is_changed; i++) {
        is_changed = !prefix_equal(&own[i], &engine->own_prefixes[afi_safi][i]);
    }
    mem_free(MEM_ROUTE, engine->own_prefixes[afi_safi]);
    engine->own_prefixes[afi_safi] = own;
    engine->own_prefix_count[afi_safi] = (uint32_t)count;
    return is_changed;
}

/* ---- redistribute ---- */

static enum policy_protocol protocol_of(enum redistribute_kind kind)
{
    switch (kind) {
    case REDISTRIBUTE_CONNECTED:
        return POLICY_PROTOCOL_CONNECTED;
    case REDISTRIBUTE_STATIC:
        return POLICY_PROTOCOL_STATIC;
    case REDISTRIBUTE_KERNEL:
        return POLICY_PROTOCOL_KERNEL;
    case REDISTRIBUTE_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

/* received as redistribution lets it into the table; NULL when it does not. Owes an unref. */
static struct attr_set *redistribute_accept(struct core *core, enum afi_safi afi_safi,
                                            enum redistribute_kind kind,
                                            const struct prefix *prefix, struct attr_set *received)
{
    if (core->config == NULL) {
        return NULL;
    }
    const struct config_redistribute *config =
        &core->config->bgp.families[afi_safi].redistribute[kind];
    if (!config->is_enabled || !core->config->bgp.is_configured) {
        return NULL;
    }
    const struct route_map *map = NULL;
    if (config->route_map != NULL) {
        map = core->policies != NULL ? policy_route_map(core->policies, config->route_map) : NULL;
        if (map == NULL) {
            return NULL;
        }
    }
    struct path_attrs attrs;
    attr_set_view(received, &attrs);
    if (config->metric.is_set) {
        attrs.med = config->metric.value;
    }
    arena_reset(&core->scratch);
    struct attr_set *accepted = originate_apply_map(core, map, prefix, protocol_of(kind),
                                                    attr_set_intern(core->attrs, &attrs));
    if (accepted != NULL) {
        route_bind_nexthop(core, accepted);
    }
    return accepted;
}

static void redistribute_put(struct core *core, enum afi_safi afi_safi, enum redistribute_kind kind,
                             const struct prefix *prefix, struct attr_set *received)
{
    struct attr_set *accepted = redistribute_accept(core, afi_safi, kind, prefix, received);
    (void)adj_rib_in_put(core->ribs[afi_safi], core->routes->redistribute_source[afi_safi][kind],
                         prefix, 0, received, accepted,
                         accepted == NULL ? DECISION_POLICY_REJECTED : DECISION_NONE, core->now);
    if (accepted != NULL) {
        attr_set_unref(core->attrs, accepted);
    }
}

void routes_local_route(struct core *core, enum redistribute_kind kind, const struct prefix *prefix,
                        uint32_t metric, uint32_t tag, bool is_removed)
{
    ASSERT(kind < REDISTRIBUTE_KIND_COUNT);
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    if (is_removed) {
        (void)adj_rib_in_remove(core->ribs[afi_safi],
                                core->routes->redistribute_source[afi_safi][kind], prefix, 0);
        return;
    }
    struct attr_set *received = originate_attrs(core, BGP_ORIGIN_INCOMPLETE, metric, &tag);
    redistribute_put(core, afi_safi, kind, prefix, received);
    attr_set_unref(core->attrs, received);
}

void redistribute_again(struct core *core, enum afi_safi afi_safi, dest_id dest, uint16_t source)
{
    for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
        if (core->routes->redistribute_source[afi_safi][kind] != source) {
            continue;
        }
        struct prefix prefix = dest_prefix(core->ribs[afi_safi], dest);
        struct route_view route;
        if (adj_rib_in_find(core->ribs[afi_safi], source, &prefix, 0, &route) != STATUS_OK) {
            return;
        }
        struct attr_set *received = attr_set_ref(route.received);
        redistribute_put(core, afi_safi, kind, &prefix, received);
        attr_set_unref(core->attrs, received);
    }
}

bool originate_apply_config(struct core *core)
{
    struct route_engine *engine = core->routes;
    bool own_changed = false;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        own_changed = originate_networks(core, family) || own_changed;
        /* Its route-map may have changed in any way: what is known is put through it again. */
        for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
            uint16_t source = engine->redistribute_source[family][kind];
            if (loc_rib_source_routes(core->ribs[family], source) != 0) {
                walk_wish_reimport(core, family, source);
            }
        }
    }
    return own_changed;
}
