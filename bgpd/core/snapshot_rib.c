/* Reading the tables: rows of paths for show, and why there is none. */
#include "bgpd/core/routes_private.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"

NODISCARD enum status snapshot_open(const struct core *core, enum snapshot_table table,
                                    enum afi_safi afi_safi, const struct ip_addr *peer,
                                    const struct prefix *within, bool is_exact,
                                    struct snapshot_cursor *cursor_out)
{
    ASSERT(afi_safi < AFI_SAFI_COUNT);
    *cursor_out = (struct snapshot_cursor){.table = table, .afi_safi = afi_safi};
    if (table != SNAPSHOT_LOC_RIB) {
        if (peer == NULL || peer_find(core, peer) == NULL) {
            return STATUS_NOT_FOUND;
        }
        cursor_out->peer = *peer;
    }
    if (within != NULL) {
        cursor_out->within = *within;
        cursor_out->is_exact = is_exact;
    }
    rib_walker_init(&cursor_out->walker, within);
    return STATUS_OK;
}

static uint32_t effective_weight(const struct core *core, const struct rib_source *source,
                                 const struct attr_set *set)
{
    if (attr_set_has_weight(set)) {
        return attr_set_weight(set);
    }
    if (source_is_local(source)) {
        return LOCAL_WEIGHT;
    }
    if (source->has_default_weight) {
        return source->default_weight;
    }
    const struct nexthop *nexthop = attr_set_nexthop(set);
    if (nexthop == NULL ||
        (nexthop->state != NEXTHOP_RESOLVED && nexthop->state != NEXTHOP_TUNNEL_DOWN)) {
        return 0;
    }
    return core->decision.default_weight[nexthop->path_class];
}

static void path_fill_nexthop(const struct core *core, const struct attr_set *set,
                              struct snapshot_path *path)
{
    const struct nexthop *nexthop = attr_set_nexthop(set);
    if (nexthop == NULL) {
        return;
    }
    path->nexthop_state = nexthop->state;
    path->nexthop_metric = nexthop->metric;
    if (nexthop->state != NEXTHOP_RESOLVED && nexthop->state != NEXTHOP_TUNNEL_DOWN) {
        return;
    }
    path->has_path_class = true;
    path->path_class = nexthop->path_class;
    path->interface_name = nexthop_interface_name(core, nexthop);
    if (nexthop->tunnel_number != 0 && core->config != NULL &&
        nexthop->tunnel_number <= core->config->tunnel_count) {
        path->tunnel_name = core->config->tunnels[nexthop->tunnel_number - 1].name;
    }
}

static void path_fill(const struct core *core, enum afi_safi afi_safi,
                      const struct route_view *route, const struct attr_set *set,
                      struct snapshot_path *path)
{
    const struct rib_source *source = loc_rib_source(core->ribs[afi_safi], route->source);
    *path = (struct snapshot_path){
        .prefix = dest_prefix(core->ribs[afi_safi], route->dest),
        .peer = source->addr,
        .peer_router_id = source->router_id,
        .peer_asn = source->asn,
        .source_kind = source->kind,
        .flags = route->flags,
        .reason = route->reason,
        .is_eligible = route->accepted != NULL && !decision_reason_is_ineligible(route->reason),
        .weight = effective_weight(core, source, set),
        .path_id = route->path_id,
        .changed = {(int64_t)route->changed_s * 1000000000},
    };
    path->is_rib_failure = (route->flags & ROUTE_BEST) != 0 &&
                           bitset_has(&core->routes->fib_refused[afi_safi], route->dest);
    attr_set_view(set, &path->attrs);
    path_fill_nexthop(core, set, path);
}

/* The set to show of a path in the cursor's table; NULL when it is not in it. */
static const struct attr_set *cursor_pick(const struct core *core,
                                          const struct snapshot_cursor *cursor,
                                          const struct route_view *route)
{
    switch (cursor->table) {
    case SNAPSHOT_LOC_RIB:
        if (route_is_hidden(core, cursor->afi_safi, route->source, route->accepted)) {
            return NULL;
        }
        return route->accepted != NULL ? route->accepted : route->received;
    case SNAPSHOT_ADJ_IN:
        return route->received;
    case SNAPSHOT_ADJ_IN_ACCEPTED:
        return route->accepted;
    case SNAPSHOT_ADJ_IN_FILTERED:
        return route->accepted == NULL ? route->received : NULL;
    case SNAPSHOT_ADJ_OUT:
        break;
    }
    return NULL;
}

/* What a path told is shown with beside its attributes. */
static void adj_out_fill(const struct core *core, enum afi_safi afi_safi,
                         const struct update_group *group, dest_id dest, uint32_t key,
                         struct snapshot_path *path)
{
    const struct loc_rib *rib = core->ribs[afi_safi];
    struct route_view route;
    bool is_there;
    if (group_has_paths(group)) {
        path->path_id = key;
        is_there = out_path_route(core->routes->out_paths[afi_safi], key, &route);
    } else {
        is_there = dest_best(rib, dest, &route);
    }
    if (!is_there || route.accepted == NULL) {
        path->source_kind = SOURCE_NETWORK;
        path->weight = LOCAL_WEIGHT;
        return;
    }
    const struct rib_source *source = loc_rib_source(rib, route.source);
    path->source_kind = source->kind;
    path->weight = effective_weight(core, source, route.accepted);
    path->flags = route.flags & ROUTE_BEST;
    path->changed.ns = (int64_t)route.changed_s * 1000000000;
}

static void read_adj_out(const struct core *core, const struct snapshot_cursor *cursor,
                         const struct peer_family *family, dest_id dest,
                         void (*row)(void *context, const struct snapshot_path *path),
                         void *context)
{
    const struct update_group *group = family->group;
    struct arena scratch;
    bool is_first = true;
    arena_init(&scratch);
    for (uint32_t key = group == NULL ? 0 : out_key_next(core, group, dest, 0); key != 0;
         key = out_key_next(core, group, dest, key)) {
        const struct attr_set *set = adj_rib_out_find(group->out, key);
        struct snapshot_path path = {.prefix = dest_prefix(core->ribs[cursor->afi_safi], dest),
                                     .is_first_of_prefix = is_first,
                                     .is_eligible = true};
        arena_reset(&scratch);
        if (!bitset_has(&family->told, key) || set == NULL ||
            !packer_view_for(core, family, set, &scratch, &path.attrs)) {
            continue; /* not said yet, or about to be withdrawn */
        }
        adj_out_fill(core, cursor->afi_safi, group, dest, key, &path);
        is_first = false;
        row(context, &path);
    }
    arena_fini(&scratch);
}

static void read_dest(const struct core *core, const struct snapshot_cursor *cursor,
                      const struct peer_family *family, dest_id dest,
                      void (*row)(void *context, const struct snapshot_path *path), void *context)
{
    if (cursor->table == SNAPSHOT_ADJ_OUT) {
        read_adj_out(core, cursor, family, dest, row, context);
        return;
    }
    struct route_view route = {0};
    bool is_first = true;
    while (dest_next_route(core->ribs[cursor->afi_safi], dest, &route)) {
        if (cursor->table != SNAPSHOT_LOC_RIB && route.source != family->source) {
            continue;
        }
        const struct attr_set *set = cursor_pick(core, cursor, &route);
        if (set == NULL) {
            continue;
        }
        struct snapshot_path path;
        path_fill(core, cursor->afi_safi, &route, set, &path);
        path.is_first_of_prefix = is_first;
        is_first = false;
        row(context, &path);
    }
}

void snapshot_read(const struct core *core, struct snapshot_cursor *cursor, uint32_t dest_max,
                   void (*row)(void *context, const struct snapshot_path *path), void *context)
{
    const struct loc_rib *rib = core->ribs[cursor->afi_safi];
    const struct peer_family *family = NULL;
    if (cursor->table != SNAPSHOT_LOC_RIB && !cursor->is_done) {
        const struct peer *peer = peer_find(core, &cursor->peer);
        if (peer == NULL || peer->routes == NULL ||
            (cursor->table != SNAPSHOT_ADJ_OUT &&
             peer_family_of(peer, cursor->afi_safi)->source == 0)) {
            cursor->is_done = true; /* it went meanwhile */
            return;
        }
        family = peer_family_of(peer, cursor->afi_safi);
    }
    for (uint32_t i = 0; i < dest_max && !cursor->is_done; i++) {
        dest_id dest = 0;
        if (cursor->is_exact) {
            dest = loc_rib_find(rib, &cursor->within);
            cursor->is_done = true;
        } else {
            dest = rib_walker_next(&cursor->walker, rib);
            cursor->is_done = dest == 0;
        }
        if (dest != 0) {
            read_dest(core, cursor, family, dest, row, context);
        }
    }
}

static bool dest_is_visible(const struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    struct route_view route = {0};
    while (dest_next_route(core->ribs[afi_safi], dest, &route)) {
        if (!route_is_hidden(core, afi_safi, route.source, route.accepted)) {
            return true;
        }
    }
    return false;
}

bool snapshot_match(const struct core *core, enum afi_safi afi_safi, const struct ip_addr *addr,
                    struct prefix *prefix_out)
{
    const struct loc_rib *rib = core->ribs[afi_safi];
    dest_id dest = loc_rib_match(rib, addr);
    if (dest != 0 && !dest_is_visible(core, afi_safi, dest)) {
        dest = loc_rib_match_best(rib, addr);
    }
    if (dest == 0) {
        return false;
    }
    *prefix_out = dest_prefix(rib, dest);
    return true;
}

uint32_t snapshot_advertised_to(const struct core *core, const struct prefix *prefix,
                                struct ip_addr *peers_out, uint32_t max)
{
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    dest_id dest = loc_rib_find(core->ribs[afi_safi], prefix);
    uint32_t count = 0;
    for (uint32_t index = 0; dest != 0; index++) {
        const struct peer *peer = peer_by_index(core, index);
        if (peer == NULL) {
            break;
        }
        if (peer->routes != NULL && family_has_told(core, peer_family_of(peer, afi_safi), dest)) {
            if (count < max) {
                peers_out[count] = peer->addr;
            }
            count++;
        }
    }
    return count;
}

/* ---- Why there is nothing ---- */

static const char *why_say(const struct core *core, const char *text)
{
    char *out = core->routes->why_text;
    snprintf(out, sizeof core->routes->why_text, "%s", text);
    return out;
}

/* A path is known and not used: who sent it and what keeps it out. */
static const char *why_ineligible(const struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    struct route_view route = {0};
    while (dest_next_route(core->ribs[afi_safi], dest, &route)) {
        if (route_is_hidden(core, afi_safi, route.source, route.accepted)) {
            continue;
        }
        if (!decision_reason_is_ineligible(route.reason)) {
            return why_say(core, "a path is there and is being decided");
        }
        char peer[IP_TEXT_BYTES];
        ip_format(&loc_rib_source(core->ribs[afi_safi], route.source)->addr, peer);
        snprintf(core->routes->why_text, sizeof core->routes->why_text,
                 "the path from %s is not used: %s", peer, decision_reason_text(route.reason));
        return core->routes->why_text;
    }
    return NULL;
}

static const char *why_local(const struct core *core, const struct prefix *prefix)
{
    static const char *const kinds[REDISTRIBUTE_KIND_COUNT] = {"connected", "static", "kernel"};
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    const struct loc_rib *rib = core->ribs[afi_safi];
    const struct config_bgp_family *family = &core->config->bgp.families[afi_safi];
    char *out = core->routes->why_text;
    size_t size = sizeof core->routes->why_text;
    const struct announce_table *table = &core->routes->announce[afi_safi];
    for (uint32_t i = 0; i < table->count; i++) {
        const struct announce_entry *entry = &table->entries[i];
        if (!prefix_equal(&entry->prefix, prefix)) {
            continue;
        }
        if (entry->is_endpoint) {
            return why_say(core, "it is a tunnel's local endpoint: announced over the underlay's "
                                 "path class only, and no route of ours");
        }
        if (entry->is_piece) {
            return why_say(core, "it is a part of a split cover: announced in the cover's place, "
                                 "and no route of ours");
        }
    }
    for (size_t i = 0; i < family->network_count; i++) {
        if (prefix_equal(&family->networks[i].prefix, prefix)) {
            snprintf(out, size, "the route-map %s of its `network` line refuses it or is missing",
                     family->networks[i].route_map == NULL ? "" : family->networks[i].route_map);
            return out;
        }
    }
    for (size_t i = 0; i < family->aggregate_count; i++) {
        if (prefix_equal(&family->aggregates[i].prefix, prefix)) {
            return why_say(core, "no route inside the aggregate is in use");
        }
    }
    for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
        struct route_view route;
        if (adj_rib_in_find(rib, core->routes->redistribute_source[afi_safi][kind], prefix, 0,
                            &route) == STATUS_OK) {
            snprintf(out, size,
                     family->redistribute[kind].is_enabled
                         ? "a %s route is known, but the route-map of redistribution refuses it"
                         : "a %s route is known, but is not redistributed into BGP",
                     kinds[kind]);
            return out;
        }
    }
    return NULL;
}

/* What the sessions have to do with it. */
static const char *why_peers(const struct core *core, const struct prefix *prefix)
{
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    char *out = core->routes->why_text;
    size_t size = sizeof core->routes->why_text;
    uint32_t up = 0;
    uint32_t count = peer_count(core);
    for (uint32_t index = 0; index < count; index++) {
        const struct peer *peer = peer_by_index(core, index);
        const struct peer_family *family =
            peer->routes != NULL ? peer_family_of(peer, afi_safi) : NULL;
        if (family == NULL || family->group == NULL) {
            continue;
        }
        up++;
        const struct config_family *config = &peer->settings.merged.families[afi_safi];
        if (family->limit_reached && config->max_prefixes_action.value == PREFIX_LIMIT_HOLD) {
            char addr[IP_TEXT_BYTES];
            snprintf(out, size,
                     "not received; neighbor %s has reached maximum-prefix %u and further prefixes "
                     "are refused",
                     ip_format(&peer->addr, addr), config->max_prefixes.value);
            return out;
        }
    }
    if (up == 0) {
        snprintf(out, size, "none of %u neighbors is established for %s", count,
                 afi_safi_title(afi_safi));
        return out;
    }
    struct prefix cover;
    struct ip_addr addr = prefix_addr(prefix);
    if (snapshot_match(core, afi_safi, &addr, &cover) && prefix_contains(&cover, prefix)) {
        char text[PREFIX_TEXT_BYTES];
        snprintf(out, size, "none of %u established neighbors announces it; %s covers it", up,
                 prefix_format(&cover, text));
    } else {
        snprintf(out, size, "none of %u established neighbors announces it or a cover of it", up);
    }
    return out;
}

const char *snapshot_why_absent(const struct core *core, const struct prefix *prefix)
{
    if (core->config == NULL || !core->config->bgp.is_configured) {
        return why_say(core, "BGP is not configured (`router bgp`)");
    }
    enum afi_safi afi_safi = prefix_afi_safi(prefix);
    dest_id dest = loc_rib_find(core->ribs[afi_safi], prefix);
    const char *why = dest != 0 ? why_ineligible(core, afi_safi, dest) : NULL;
    if (why == NULL) {
        why = why_local(core, prefix);
    }
    if (why == NULL) {
        why = why_peers(core, prefix);
    }
    return why;
}
