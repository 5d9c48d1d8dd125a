/* Destinations and sources of one family's tables, the dirty queue, and looking at paths. */
#include "rib/loc_rib.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "rib/loc_rib_private.h"

#define DIRTY_RING_MIN  64u
#define DIRTY_RING_KEEP 4096u /* an empty ring above this is given back */

struct loc_rib *loc_rib_new(enum afi_safi afi_safi, struct attr_table *attrs, uint64_t hash_key)
{
    ASSERT(afi_safi < AFI_SAFI_COUNT);
    struct loc_rib *rib = mem_alloc(MEM_ROUTE, sizeof *rib);
    rib->afi_safi = afi_safi;
    rib->attrs = attrs;
    rib->index = prefix_index_new(afi_safi_family(afi_safi), hash_key);
    route_store_init(&rib->routes);
    dest_paths_init(&rib->paths, &rib->routes, hash_key);
    column_init(&rib->core_words[0], MEM_ROUTE);
    column_init(&rib->core_words[1], MEM_ROUTE);
    return rib;
}

void loc_rib_free(struct loc_rib *rib)
{
    if (rib == NULL) {
        return;
    }
    ASSERT_SLOW(loc_rib_is_consistent(rib));
    for (uint32_t source = 1; source < rib->routes.source_limit; source++) {
        if (rib->routes.sources[source].is_used) {
            while (adj_rib_in_drop(rib, (uint16_t)source, UINT32_MAX) != 0) {
            }
        }
    }
    ASSERT(rib->routes.route_count == 0);
    prefix_index_free(rib->index);
    route_store_fini(&rib->routes);
    dest_paths_fini(&rib->paths);
    column_fini(&rib->core_words[0]);
    column_fini(&rib->core_words[1]);
    mem_free(MEM_ROUTE, rib->dirty.ring);
    mem_free(MEM_ROUTE, rib->candidates);
    mem_free(MEM_ROUTE, rib->ranked);
    mem_free(MEM_ROUTE, rib->selected);
    mem_free(MEM_ROUTE, rib);
}

/* ---- Sources ---- */

enum status loc_rib_source_add(struct loc_rib *rib, const struct rib_source *source,
                               uint16_t *source_out)
{
    return route_store_source_add(&rib->routes, source, source_out);
}

void loc_rib_source_set(struct loc_rib *rib, uint16_t source, const struct rib_source *value)
{
    route_store_source(&rib->routes, source)->value = *value;
}

const struct rib_source *loc_rib_source(const struct loc_rib *rib, uint16_t source)
{
    return &route_store_source(&rib->routes, source)->value;
}

void loc_rib_source_remove(struct loc_rib *rib, uint16_t source)
{
    route_store_source_remove(&rib->routes, source);
}

uint32_t loc_rib_source_routes(const struct loc_rib *rib, uint16_t source)
{
    return route_store_source(&rib->routes, source)->route_count;
}

uint32_t loc_rib_source_accepted(const struct loc_rib *rib, uint16_t source)
{
    return route_store_source(&rib->routes, source)->accepted_count;
}

/* ---- Destinations ---- */

dest_id loc_rib_find(const struct loc_rib *rib, const struct prefix *prefix)
{
    return prefix_index_find(rib->index, prefix);
}

void loc_rib_prefetch(const struct loc_rib *rib, const struct prefix *prefix)
{
    prefix_index_prefetch(rib->index, prefix);
}

void loc_rib_prefetch_dest(const struct loc_rib *rib, const struct prefix *prefix)
{
    prefix_index_prefetch_node(rib->index, prefix);
}

static dest_id match(const struct loc_rib *rib, const struct ip_addr *addr, bool needs_best)
{
    uint8_t len_bits = ip_family_bits(addr->family);
    for (;;) {
        dest_id dest = prefix_index_match(rib->index, addr, len_bits);
        if (dest == 0) {
            return 0;
        }
        struct prefix_node *node = dest_node(rib, dest);
        if (node->paths != 0 && (!needs_best || dest_best_route(rib, dest) != 0)) {
            return dest;
        }
        if (node->len_bits == 0) {
            return 0;
        }
        len_bits = (uint8_t)(node->len_bits - 1);
    }
}

dest_id loc_rib_match(const struct loc_rib *rib, const struct ip_addr *addr)
{
    return match(rib, addr, false);
}

dest_id loc_rib_match_best(const struct loc_rib *rib, const struct ip_addr *addr)
{
    return match(rib, addr, true);
}

struct prefix dest_prefix(const struct loc_rib *rib, dest_id dest)
{
    return prefix_index_prefix(rib->index, dest);
}

uint32_t loc_rib_dest_limit(const struct loc_rib *rib)
{
    return prefix_index_limit(rib->index);
}

dest_id loc_rib_next_dest(const struct loc_rib *rib, dest_id after)
{
    return prefix_index_next(rib->index, after);
}

uint32_t loc_rib_dest_count(const struct loc_rib *rib)
{
    return prefix_index_count(rib->index);
}

uint32_t loc_rib_offered_count(const struct loc_rib *rib)
{
    return rib->offered_count;
}

uint32_t loc_rib_route_count(const struct loc_rib *rib)
{
    return rib->routes.route_count;
}

uint64_t loc_rib_version(const struct loc_rib *rib)
{
    return rib->version;
}

uint32_t dest_core_word(const struct loc_rib *rib, dest_id dest, unsigned index)
{
    ASSERT(index < 2);
    return column_get(&rib->core_words[index], dest);
}

bool dest_is_unused(const struct loc_rib *rib, dest_id dest)
{
    const struct prefix_node *node = dest_node(rib, dest);
    return node->paths == 0 && node->holds == 0 && dest_core_word(rib, dest, 0) == 0 &&
           dest_core_word(rib, dest, 1) == 0;
}

/* What nothing keeps is removed by the next decision, never at once: the caller that lets go may
 * still be at work on the number. */
static void let_go(struct loc_rib *rib, dest_id dest)
{
    if (dest_is_unused(rib, dest)) {
        loc_rib_mark_dirty(rib, dest);
    }
}

void dest_set_core_word(struct loc_rib *rib, dest_id dest, unsigned index, uint32_t value)
{
    ASSERT(index < 2);
    ASSERT(dest != 0);
    column_set(&rib->core_words[index], dest, value);
    if (value == 0) {
        let_go(rib, dest);
    }
}

void dest_hold(struct loc_rib *rib, dest_id dest)
{
    struct prefix_node *node = dest_node(rib, dest);
    ASSERT(node->holds < UINT16_MAX);
    node->holds++;
}

void dest_release(struct loc_rib *rib, dest_id dest)
{
    struct prefix_node *node = dest_node(rib, dest);
    ASSERT(node->holds > 0);
    node->holds--;
    let_go(rib, dest);
}

/* ---- Dirty queue ---- */

static void ring_grow(struct dirty_queue *queue)
{
    uint32_t capacity = queue->capacity == 0 ? DIRTY_RING_MIN : queue->capacity * 2;
    uint32_t *ring = mem_alloc(MEM_ROUTE, capacity * sizeof *ring);
    for (uint32_t i = 0; i < queue->count; i++) {
        ring[i] = queue->ring[(queue->head + i) & (queue->capacity - 1)];
    }
    mem_free(MEM_ROUTE, queue->ring);
    queue->ring = ring;
    queue->head = 0;
    queue->capacity = capacity;
}

void loc_rib_mark_dirty(struct loc_rib *rib, dest_id dest)
{
    struct prefix_node *node = dest_node(rib, dest);
    if ((node->flags & DEST_DIRTY) != 0) {
        return;
    }
    node->flags |= DEST_DIRTY;
    struct dirty_queue *queue = &rib->dirty;
    if (queue->count == queue->capacity) {
        ring_grow(queue);
    }
    queue->ring[(queue->head + queue->count++) & (queue->capacity - 1)] = dest;
}

bool loc_rib_has_dirty(const struct loc_rib *rib)
{
    return rib->dirty.count != 0;
}

/* How far behind the head a destination is fetched, so that nobody waits for memory when its turn
 * comes: its node, then its paths. */
#define AHEAD_NODE  16u
#define AHEAD_PATHS 8u

static dest_id dirty_at(const struct dirty_queue *queue, uint32_t place)
{
    return queue->ring[(queue->head + place) & (queue->capacity - 1)];
}

static void dirty_fetch_ahead(const struct loc_rib *rib)
{
    const struct dirty_queue *queue = &rib->dirty;
    if (queue->count <= AHEAD_NODE) {
        return;
    }
    prefix_index_prefetch_number(rib->index, dirty_at(queue, AHEAD_NODE));
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dirty_at(queue, AHEAD_PATHS), &count);
    for (uint32_t i = 0; i < count; i++) {
        route_store_prefetch(&rib->routes, routes[i]);
    }
}

dest_id loc_rib_take_dirty(struct loc_rib *rib)
{
    struct dirty_queue *queue = &rib->dirty;
    if (queue->count == 0) {
        return 0;
    }
    dirty_fetch_ahead(rib);
    dest_id dest = queue->ring[queue->head];
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
    if (queue->count == 0 && queue->capacity > DIRTY_RING_KEEP) {
        mem_free(MEM_ROUTE, queue->ring);
        *queue = (struct dirty_queue){0};
    }
    struct prefix_node *node = dest_node(rib, dest);
    ASSERT((node->flags & DEST_DIRTY) != 0);
    node->flags &= (uint8_t)~DEST_DIRTY;
    return dest;
}

/* ---- Looking at paths ---- */

void route_fill_view(const struct loc_rib *rib, uint32_t number, struct route_view *view_out)
{
    const struct route *route = route_store_at(&rib->routes, number);
    bool is_stale = route_store_is_stale(&rib->routes, number);
    *view_out = (struct route_view){
        .dest = route->dest,
        .route_number = number,
        .source = route_store_source_of(&rib->routes, number),
        .flags = (uint8_t)(route->flags | (is_stale ? ROUTE_STALE : 0)),
        .reason = route->reason,
        .path_id = route_store_path_id(&rib->routes, number),
        .changed_s = route->changed_s,
        .received = attr_table_set(rib->attrs, route_store_received(&rib->routes, number)),
        .accepted =
            (route->flags & ROUTE_FILTERED) != 0 ? NULL : attr_table_set(rib->attrs, route->attrs),
    };
}

bool route_by_number(const struct loc_rib *rib, uint32_t route_number, struct route_view *route_out)
{
    if (!route_store_is_live(&rib->routes, route_number)) {
        return false;
    }
    route_fill_view(rib, route_number, route_out);
    return true;
}

uint16_t route_source_number(const struct loc_rib *rib, uint32_t route_number)
{
    ASSERT(route_store_is_live(&rib->routes, route_number));
    return route_store_source_of(&rib->routes, route_number);
}

const struct rib_source *route_source(const struct loc_rib *rib, uint32_t route_number)
{
    return loc_rib_source(rib, route_source_number(rib, route_number));
}

struct attr_set *route_accepted(const struct loc_rib *rib, uint32_t route_number)
{
    const struct route *route = route_store_at(&rib->routes, route_number);
    return (route->flags & ROUTE_FILTERED) != 0 ? NULL : attr_table_set(rib->attrs, route->attrs);
}

bool dest_has_routes(const struct loc_rib *rib, dest_id dest)
{
    return dest_node(rib, dest)->paths != 0;
}

bool dest_next_route(const struct loc_rib *rib, dest_id dest, struct route_view *route)
{
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dest, &count);
    uint32_t at = 0;
    if (route->route_number != 0) {
        at = route->position;
        ASSERT(at < count && routes[at] == route->route_number);
        at++;
    }
    if (at >= count) {
        return false;
    }
    route_fill_view(rib, routes[at], route);
    route->position = at;
    return true;
}

bool dest_best(const struct loc_rib *rib, dest_id dest, struct route_view *route_out)
{
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dest, &count);
    for (uint32_t i = 0; i < count; i++) {
        if ((route_store_at(&rib->routes, routes[i])->flags & ROUTE_BEST) != 0) {
            route_fill_view(rib, routes[i], route_out);
            route_out->position = i;
            return true;
        }
    }
    return false;
}

uint32_t dest_best_route(const struct loc_rib *rib, dest_id dest)
{
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dest, &count);
    for (uint32_t i = 0; i < count; i++) {
        if ((route_store_at(&rib->routes, routes[i])->flags & ROUTE_BEST) != 0) {
            return routes[i];
        }
    }
    return 0;
}
