/* What every source says: storing, forgetting, walking and sweeping its routes. */
#include "proto/base/assert.h"
#include "rib/loc_rib_private.h"

static uint32_t find_route(const struct loc_rib *rib, dest_id dest, uint16_t source,
                           uint32_t path_id)
{
    return dest_paths_find(&rib->paths, dest_node(rib, dest), source, path_id);
}

/* What a route holds, as numbers. */
struct holding {
    uint32_t attrs;
    uint32_t received; /* 0: the same as attrs */
    bool is_filtered;
};

static struct holding holding_of(const struct loc_rib *rib, uint32_t number)
{
    const struct route *route = route_store_at(&rib->routes, number);
    uint32_t received = route_store_received(&rib->routes, number);
    return (struct holding){route->attrs, received == route->attrs ? 0 : received,
                            (route->flags & ROUTE_FILTERED) != 0};
}

static void holding_unref(struct loc_rib *rib, struct holding held)
{
    if (held.attrs != 0) {
        attr_set_unref(rib->attrs, attr_table_set(rib->attrs, held.attrs));
    }
    if (held.received != 0) {
        attr_set_unref(rib->attrs, attr_table_set(rib->attrs, held.received));
    }
}

/* Leaves a note for the next decision when a path that was chosen goes or becomes another one. */
static void note_change(struct loc_rib *rib, const struct route *route, bool is_other_best,
                        bool is_other_next_hop)
{
    struct prefix_node *node = dest_node(rib, route->dest);
    if ((route->flags & ROUTE_BEST) != 0 && is_other_best) {
        node->flags |= DEST_BEST_TOUCHED;
    }
    if ((route->flags & (ROUTE_BEST | ROUTE_MULTIPATH | ROUTE_BACKUP)) != 0 && is_other_next_hop) {
        node->flags |= DEST_FORWARDING_TOUCHED;
    }
}

static void note_replaced(struct loc_rib *rib, const struct route *route, struct holding old,
                          const struct attr_set *accepted)
{
    if (old.is_filtered) {
        return;
    }
    const struct attr_set *was = attr_table_set(rib->attrs, old.attrs);
    bool is_other = was != accepted;
    bool is_other_next_hop = accepted == NULL || was->nexthop != accepted->nexthop;
    note_change(rib, route, is_other, is_other_next_hop);
}

static uint32_t route_add(struct loc_rib *rib, dest_id dest, uint16_t source, uint32_t path_id)
{
    uint32_t number = route_store_take(&rib->routes, source);
    route_store_at(&rib->routes, number)->dest = dest;
    route_store_set_path_id(&rib->routes, number, path_id);
    dest_paths_add(&rib->paths, dest_node(rib, dest), number);
    return number;
}

static void route_store_value(struct loc_rib *rib, uint32_t number, struct holding value,
                              enum decision_reason reason, struct mono_time now)
{
    struct route *route = route_store_at(&rib->routes, number);
    route->attrs = value.attrs;
    route_store_set_received(&rib->routes, number, value.received);
    route->changed_s = (uint32_t)(now.ns / 1000000000);
    if (value.is_filtered) {
        ASSERT(decision_reason_is_ineligible(reason));
        route->flags = ROUTE_FILTERED;
        route->reason = (uint8_t)reason;
    } else if ((route->flags & ROUTE_FILTERED) != 0) {
        route->flags = 0;
        route->reason = DECISION_NONE;
    }
}

enum route_change adj_rib_in_put(struct loc_rib *rib, uint16_t source, const struct prefix *prefix,
                                 uint32_t path_id, struct attr_set *received,
                                 struct attr_set *accepted, enum decision_reason reason,
                                 struct mono_time now)
{
    ASSERT(received != NULL);
    struct source_slot *slot = route_store_source(&rib->routes, source);
    dest_id dest = prefix_index_put(rib->index, prefix);
    uint32_t number = find_route(rib, dest, source, path_id);
    bool is_new = number == 0;
    struct holding value = {
        .attrs = accepted != NULL ? accepted->number : received->number,
        .received = accepted != NULL && accepted != received ? received->number : 0,
        .is_filtered = accepted == NULL,
    };
    struct holding old = {.is_filtered = true};
    if (is_new) {
        number = route_add(rib, dest, source, path_id);
    } else {
        old = holding_of(rib, number);
        struct route *route = route_store_at(&rib->routes, number);
        route_store_clear_stale(&rib->routes, number);
        if (old.attrs == value.attrs && old.received == value.received &&
            old.is_filtered == value.is_filtered &&
            (!value.is_filtered || route->reason == reason)) {
            return ROUTE_UNCHANGED;
        }
        note_replaced(rib, route, old, accepted);
    }
    attr_set_ref(accepted != NULL ? accepted : received);
    if (value.received != 0) {
        attr_set_ref(received);
    }
    slot->accepted_count += !value.is_filtered;
    slot->accepted_count -= !old.is_filtered;
    route_store_value(rib, number, value, reason, now);
    if (!value.is_filtered || !old.is_filtered) {
        loc_rib_mark_dirty(rib, dest);
    }
    holding_unref(rib, old);
    return is_new ? ROUTE_ADDED : ROUTE_REPLACED;
}

static void route_remove(struct loc_rib *rib, uint32_t number)
{
    struct route *route = route_store_at(&rib->routes, number);
    dest_id dest = route->dest;
    struct source_slot *slot =
        route_store_source(&rib->routes, route_store_source_of(&rib->routes, number));
    struct holding old = holding_of(rib, number);
    note_change(rib, route, true, true);
    struct prefix_node *node = dest_node(rib, dest);
    dest_paths_remove(&rib->paths, node, number);
    slot->accepted_count -= !old.is_filtered;
    route_store_give(&rib->routes, number);
    if (!old.is_filtered || node->paths == 0) {
        loc_rib_mark_dirty(rib, dest);
    }
    holding_unref(rib, old);
}

enum route_change adj_rib_in_remove(struct loc_rib *rib, uint16_t source,
                                    const struct prefix *prefix, uint32_t path_id)
{
    dest_id dest = prefix_index_find(rib->index, prefix);
    uint32_t number = dest == 0 ? 0 : find_route(rib, dest, source, path_id);
    if (number == 0) {
        return ROUTE_UNCHANGED;
    }
    route_remove(rib, number);
    return ROUTE_REMOVED;
}

enum status adj_rib_in_find(const struct loc_rib *rib, uint16_t source, const struct prefix *prefix,
                            uint32_t path_id, struct route_view *route_out)
{
    dest_id dest = prefix_index_find(rib->index, prefix);
    uint32_t number = dest == 0 ? 0 : find_route(rib, dest, source, path_id);
    if (number == 0) {
        return STATUS_NOT_FOUND;
    }
    route_fill_view(rib, number, route_out);
    return STATUS_OK;
}

/* The next number is taken before the visit, so that the visitor may remove what it visits. */
bool source_walker_next(struct source_walker *walker, const struct loc_rib *rib, uint16_t source,
                        struct route_view *route_out)
{
    if (!walker->is_started) {
        walker->is_started = true;
        walker->next_route = route_store_first(&rib->routes, source);
    }
    uint32_t number = walker->next_route;
    if (number == 0) {
        return false;
    }
    walker->next_route = route_store_next(&rib->routes, number);
    route_fill_view(rib, number, route_out);
    return true;
}

void adj_rib_in_mark_route_stale(struct loc_rib *rib, uint32_t route_number)
{
    route_store_mark_one_stale(&rib->routes, route_number);
}

void adj_rib_in_mark_stale(struct loc_rib *rib, uint16_t source)
{
    route_store_mark_stale(&rib->routes, source);
}

uint32_t adj_rib_in_sweep_stale(struct loc_rib *rib, uint16_t source, uint32_t max)
{
    uint32_t swept = 0;
    uint32_t number;
    while (swept < max && (number = route_store_next_stale(&rib->routes, source)) != 0) {
        route_remove(rib, number);
        swept++;
    }
    return swept;
}

uint32_t adj_rib_in_drop(struct loc_rib *rib, uint16_t source, uint32_t max)
{
    uint32_t dropped = 0;
    uint32_t number;
    while (dropped < max && (number = route_store_first(&rib->routes, source)) != 0) {
        route_remove(rib, number);
        dropped++;
    }
    return dropped;
}
