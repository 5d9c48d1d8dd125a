/* More paths than the best one, for neighbours that take several (RFC 7911). */
#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "rib/decision_private.h"
#include "rib/loc_rib_private.h"

static int compare_neighbour_asn(const void *left, const void *right)
{
    const struct candidate *a = *(struct candidate *const *)left;
    const struct candidate *b = *(struct candidate *const *)right;
    if (a->has_own_group != b->has_own_group) {
        return a->has_own_group ? 1 : -1;
    }
    return a->neighbour_asn < b->neighbour_asn ? -1 : a->neighbour_asn > b->neighbour_asn;
}

/* The paths that the last decision found eligible; returns how many. */
static uint32_t gather(struct loc_rib *rib, dest_id dest, const struct decision_options *options)
{
    uint32_t count;
    const uint32_t *routes = dest_routes(rib, dest, &count);
    decision_reserve(rib, count);
    uint32_t eligible = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct route *route = route_store_at(&rib->routes, routes[i]);
        uint8_t reason = route->reason;
        if ((route->flags & ROUTE_FILTERED) != 0 || reason == DECISION_NONE ||
            decision_reason_is_ineligible(reason)) {
            continue;
        }
        candidate_read(&rib->candidates[i], rib, routes[i], PATH_CLASS_ANY, options);
        route->reason = reason; /* which reading sets */
        rib->ranked[eligible++] = &rib->candidates[i];
    }
    return eligible;
}

static uint32_t select_per_as(struct candidate **field, uint32_t eligible, uint32_t *selected,
                              const struct decision_options *options)
{
    uint32_t count = 0;
    uint32_t tied;
    candidates_sort(field, eligible, compare_neighbour_asn);
    for (uint32_t from = 0; from < eligible;) {
        uint32_t end = from + 1;
        while (end < eligible && compare_neighbour_asn(&field[from], &field[end]) == 0) {
            end++;
        }
        ladder_run(field + from, end - from, options, false, &tied);
        selected[count++] = field[from]->route;
        from = end;
    }
    return count;
}

const uint32_t *decision_select(struct loc_rib *rib, dest_id dest, uint32_t best_max,
                                const struct decision_options *options, uint32_t *count_out)
{
    uint32_t eligible = gather(rib, dest, options);
    struct candidate **field = rib->ranked;
    if (rib->selected_capacity < rib->candidate_capacity) {
        rib->selected_capacity = rib->candidate_capacity;
        rib->selected =
            mem_realloc(MEM_ROUTE, rib->selected, rib->selected_capacity * sizeof *rib->selected);
    }
    if (best_max == 0) {
        *count_out = select_per_as(field, eligible, rib->selected, options);
        return rib->selected;
    }
    uint32_t count = eligible < best_max ? eligible : best_max;
    uint32_t tied;
    for (uint32_t i = 0; i < count; i++) {
        ladder_run(field + i, eligible - i, options, false, &tied);
        rib->selected[i] = field[i]->route;
    }
    *count_out = count;
    return rib->selected;
}
