/* Recounts of one family's tables: slow, for tests and simulator builds. */
#include "rib/loc_rib_private.h"

bool dest_is_consistent(const struct loc_rib *rib, dest_id dest)
{
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dest, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!route_store_is_live(&rib->routes, routes[i]) ||
            route_store_at(&rib->routes, routes[i])->dest != dest) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (route_store_source_of(&rib->routes, routes[i]) ==
                    route_store_source_of(&rib->routes, routes[j]) &&
                route_store_path_id(&rib->routes, routes[i]) ==
                    route_store_path_id(&rib->routes, routes[j])) {
                return false;
            }
        }
    }
    /* What nobody keeps is in the queue, and so will go. */
    return !dest_is_unused(rib, dest) || (dest_node(rib, dest)->flags & DEST_DIRTY) != 0;
}

static bool source_is_consistent(const struct loc_rib *rib, uint16_t source)
{
    const struct source_slot *slot = route_store_source(&rib->routes, source);
    uint32_t routes = 0;
    uint32_t accepted = 0;
    uint32_t stale = 0;
    uint32_t number = route_store_first(&rib->routes, source);
    for (; number != 0; number = route_store_next(&rib->routes, number)) {
        struct route_view view;
        route_fill_view(rib, number, &view);
        if (view.source != source || view.received == NULL) {
            return false;
        }
        routes++;
        accepted += view.accepted != NULL;
        stale += (view.flags & ROUTE_STALE) != 0;
    }
    return routes == slot->route_count && accepted == slot->accepted_count &&
           stale == slot->stale_count;
}

/* The order meets every destination once, ascending, and each is found by its prefix. */
static bool order_is_consistent(const struct loc_rib *rib, uint32_t *dests_out,
                                uint32_t *routes_out)
{
    uint32_t offered = 0;
    struct rib_walker walker;
    rib_walker_init(&walker, NULL);
    *dests_out = 0;
    *routes_out = 0;
    struct prefix last = {0};
    dest_id dest;
    while ((dest = rib_walker_next(&walker, rib)) != 0) {
        struct prefix prefix = dest_prefix(rib, dest);
        uint32_t count;
        (void)dest_routes(rib, dest, &count);
        if ((*dests_out > 0 && prefix_compare(&last, &prefix) >= 0) ||
            loc_rib_find(rib, &prefix) != dest || !dest_is_consistent(rib, dest)) {
            return false;
        }
        last = prefix;
        offered += (dest_node(rib, dest)->flags & DEST_OFFERED) != 0;
        *dests_out += 1;
        *routes_out += count;
    }
    return offered == rib->offered_count;
}

bool loc_rib_is_consistent(const struct loc_rib *rib)
{
    uint32_t dests;
    uint32_t routes;
    if (!order_is_consistent(rib, &dests, &routes) || dests != loc_rib_dest_count(rib) ||
        routes != loc_rib_route_count(rib)) {
        return false;
    }
    uint32_t of_sources = 0;
    for (uint32_t source = 1; source < rib->routes.source_limit; source++) {
        if (rib->routes.sources[source].is_used) {
            if (!source_is_consistent(rib, (uint16_t)source)) {
                return false;
            }
            of_sources += rib->routes.sources[source].route_count;
        }
    }
    return of_sources == routes;
}

uint64_t loc_rib_attr_references(const struct loc_rib *rib)
{
    uint64_t references = 0;
    for (uint32_t source = 1; source < rib->routes.source_limit; source++) {
        if (!rib->routes.sources[source].is_used) {
            continue;
        }
        uint32_t number = route_store_first(&rib->routes, (uint16_t)source);
        for (; number != 0; number = route_store_next(&rib->routes, number)) {
            bool is_split = route_store_received(&rib->routes, number) !=
                            route_store_at(&rib->routes, number)->attrs;
            references += is_split ? 2 : 1;
        }
    }
    return references;
}
