/* The decision for one destination: reads its paths, runs the ladder, stores flags and reasons, and
 * says what changed. */
#include "rib/decision.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "rib/decision_private.h"
#include "rib/loc_rib_private.h"

#define LOCAL_WEIGHT 32768u
#define CHOSEN_FLAGS (ROUTE_BEST | ROUTE_MULTIPATH | ROUTE_BACKUP)

static bool kind_is_local(uint8_t kind)
{
    return kind != SOURCE_PEER_EBGP && kind != SOURCE_PEER_IBGP;
}

/* ---- Reading paths ---- */

static uint32_t weight_of(const struct attr_set *set, const struct rib_source *source,
                          const struct decision_options *options)
{
    if (set != NULL && attr_set_has_weight(set)) {
        return attr_set_weight(set);
    }
    if (kind_is_local(source->kind)) {
        return LOCAL_WEIGHT;
    }
    if (source->has_default_weight) {
        return source->default_weight;
    }
    const struct nexthop *nexthop = set == NULL ? NULL : attr_set_nexthop(set);
    return options->default_weight[nexthop == NULL ? PATH_CLASS_CLEAR : nexthop->path_class];
}

uint32_t route_effective_weight(const struct loc_rib *rib, const struct route_view *route,
                                const struct decision_options *options)
{
    return weight_of(route->accepted, loc_rib_source(rib, route->source), options);
}

static enum decision_reason nexthop_refusal(const struct nexthop *nexthop)
{
    switch ((enum nexthop_state)nexthop->state) {
    case NEXTHOP_RESOLVED:
        return DECISION_NONE;
    case NEXTHOP_UNRESOLVED:
        return DECISION_NEXTHOP_UNRESOLVED;
    case NEXTHOP_TUNNEL_DOWN:
        return DECISION_TUNNEL_DOWN;
    case NEXTHOP_CAPTURED:
        return DECISION_ENDPOINT_CAPTURE;
    case NEXTHOP_LIVENESS_DOWN:
        return DECISION_LIVENESS_DOWN;
    case NEXTHOP_OWN_ADDRESS:
        return DECISION_NEXTHOP_OWN;
    }
    UNREACHABLE();
}

/* Step 0. A local route without a next hop is this router itself: nothing to resolve, no class. */
static enum decision_reason refusal_of(const struct nexthop *nexthop, bool is_local,
                                       uint32_t allowed_classes)
{
    if (nexthop == NULL) {
        return is_local ? DECISION_NONE : DECISION_NEXTHOP_UNRESOLVED;
    }
    enum decision_reason refusal = nexthop_refusal(nexthop);
    if (refusal == DECISION_NONE && (allowed_classes & PATH_CLASS_BIT(nexthop->path_class)) == 0) {
        refusal = DECISION_PROTECTION;
    }
    return refusal;
}

static void candidate_read_attrs(struct candidate *candidate,
                                 const struct decision_options *options)
{
    const struct attr_set *set = candidate->set;
    candidate->nexthop = attr_set_nexthop(set);
    candidate->is_last = attr_set_is_last(set);
    candidate->weight = weight_of(set, candidate->source, options);
    candidate->local_pref = attr_set_local_pref(set, options->default_local_pref);
    candidate->as_path_length = attr_set_as_path_length(set);
    candidate->origin = attr_set_origin(set);
    candidate->med =
        !attr_set_has_med(set) && options->med_missing_as_worst ? UINT32_MAX : attr_set_med(set);
    candidate->neighbour_asn = attr_set_first_asn(set);
    candidate->has_own_group = candidate->neighbour_asn == 0 && !attr_set_is_own_as(set);
    candidate->metric = candidate->nexthop == NULL ? 0 : candidate->nexthop->metric;
    candidate->router_id =
        attr_set_has_originator(set) ? attr_set_originator_id(set) : candidate->source->router_id;
    candidate->cluster_count = attr_set_cluster_count(set);
    candidate_set_keys(candidate, options);
}

void candidate_read(struct candidate *candidate, const struct loc_rib *rib, uint32_t number,
                    uint32_t allowed_classes, const struct decision_options *options)
{
    struct route *route = route_store_at(&rib->routes, number);
    uint16_t source = route_store_source_of(&rib->routes, number);
    *candidate = (struct candidate){
        .route = number,
        .source = loc_rib_source(rib, source),
        .source_number = source,
        .path_id = route_store_path_id(&rib->routes, number),
        .old_flags = route->flags & CHOSEN_FLAGS,
    };
    candidate->is_local = kind_is_local(candidate->source->kind);
    candidate->is_ibgp = candidate->source->kind == SOURCE_PEER_IBGP;
    if ((route->flags & ROUTE_FILTERED) != 0) {
        return; /* The reason was stored with the refusal. */
    }
    candidate->set = attr_table_set(rib->attrs, route->attrs);
    candidate_read_attrs(candidate, options);
    enum decision_reason refusal =
        refusal_of(candidate->nexthop, candidate->is_local, allowed_classes);
    candidate->is_eligible = refusal == DECISION_NONE;
    route->reason = (uint8_t)refusal;
}

/* ---- Choosing ---- */

static bool shares_nexthop(struct candidate *const *used, uint32_t count,
                           const struct candidate *candidate)
{
    for (uint32_t i = 0; i < count; i++) {
        if (used[i]->nexthop == candidate->nexthop) {
            return true;
        }
    }
    return false;
}

/* Step 9. The tied candidates stand in ladder order, the best first; those that may carry traffic
 * beside it are moved up behind it. Two paths over one next hop are one leg. */
static uint32_t choose_used(struct candidate **tied, uint32_t count,
                            const struct decision_options *options)
{
    const struct candidate *best = tied[0];
    tied[0]->new_flags = ROUTE_BEST;
    uint32_t max = best->is_ibgp ? options->multipath_ibgp_max : options->multipath_ebgp_max;
    if (best->is_local || max > DECISION_PATHS_MAX) {
        max = best->is_local ? 1 : DECISION_PATHS_MAX;
    }
    uint32_t used = 1;
    for (uint32_t i = 1; i < count && used < max; i++) {
        struct candidate *leg = tied[i];
        if (leg->is_local || shares_nexthop(tied, used, leg) ||
            !(options->multipath_relax || attr_set_same_as_path(leg->set, best->set))) {
            continue;
        }
        leg->new_flags = ROUTE_MULTIPATH;
        tied[i] = tied[used];
        tied[used++] = leg;
    }
    return used;
}

/* The best of those over other next hops than the used ones. spare has room for count. */
static struct candidate *choose_backup(struct candidate *const *field, uint32_t count,
                                       struct candidate *const *used, uint32_t used_count,
                                       struct candidate **spare,
                                       const struct decision_options *options)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!shares_nexthop(used, used_count, field[i])) {
            spare[left++] = field[i];
        }
    }
    if (left == 0) {
        return NULL;
    }
    uint32_t tied;
    ladder_run(spare, left, options, false, &tied);
    spare[0]->new_flags |= ROUTE_BACKUP;
    return spare[0];
}

/* ---- Storing ---- */

/* What of a next hop's state forwarding depends on, in 16 bits: state and class exactly; cost and
 * tunnel folded, so that small numbers never collide. */
static uint16_t nexthop_fingerprint(const struct nexthop *nexthop)
{
    if (nexthop == NULL) {
        return 0;
    }
    uint32_t rest = nexthop->metric ^ (uint32_t)nexthop->tunnel_number << 5;
    rest ^= rest >> 11 ^ rest >> 22;
    return (uint16_t)(1u | (uint32_t)nexthop->state << 1 | (uint32_t)nexthop->path_class << 4 |
                      (rest & 0x3ffu) << 6);
}

/* True when as many next hops with flags as before are the same ones. */
static bool same_next_hops(const struct candidate *candidates, uint32_t count, uint8_t flags)
{
    uint32_t before = 0;
    uint32_t after = 0;
    for (uint32_t i = 0; i < count; i++) {
        after += (candidates[i].new_flags & flags) != 0;
        if ((candidates[i].old_flags & flags) == 0) {
            continue;
        }
        before++;
        bool is_kept = false;
        for (uint32_t j = 0; j < count && !is_kept; j++) {
            is_kept = (candidates[j].new_flags & flags) != 0 &&
                      candidates[j].nexthop == candidates[i].nexthop;
        }
        if (!is_kept) {
            return false;
        }
    }
    return before == after;
}

/* Writes flags and next-hop states; fills best_changed and forwarding_changed. */
static void store_flags(struct loc_rib *rib, struct prefix_node *node, uint32_t count,
                        struct decision_result *result)
{
    const struct candidate *candidates = rib->candidates;
    bool other_paths = false;
    bool other_states = false;
    result->best_changed = (node->flags & DEST_BEST_TOUCHED) != 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct candidate *candidate = &candidates[i];
        struct route *route = route_store_at(&rib->routes, candidate->route);
        uint8_t differs = candidate->old_flags ^ candidate->new_flags;
        result->best_changed = result->best_changed || (differs & ROUTE_BEST) != 0;
        other_paths = other_paths || differs != 0;
        route->flags = (uint8_t)((route->flags & ~CHOSEN_FLAGS) | candidate->new_flags);
        if (candidate->new_flags != 0) {
            uint16_t state = nexthop_fingerprint(candidate->nexthop);
            other_states =
                other_states || (candidate->old_flags != 0 && state != route->decided_state);
            route->decided_state = state;
        }
    }
    result->forwarding_changed =
        result->best_changed || other_states || (node->flags & DEST_FORWARDING_TOUCHED) != 0 ||
        (other_paths && !(same_next_hops(candidates, count, ROUTE_BEST | ROUTE_MULTIPATH) &&
                          same_next_hops(candidates, count, ROUTE_BACKUP)));
    node->flags &= (uint8_t) ~(DEST_BEST_TOUCHED | DEST_FORWARDING_TOUCHED);
    rib->version += result->best_changed;
}

static void store_reasons(const struct loc_rib *rib, struct candidate *const *field, uint32_t count)
{
    uint8_t last_rival = DECISION_NONE;
    for (uint32_t i = 0; i < count; i++) {
        const struct candidate *candidate = field[i];
        if (candidate->fell_at > last_rival) {
            last_rival = candidate->fell_at;
        }
        bool is_leg = (candidate->new_flags & ROUTE_MULTIPATH) != 0;
        route_store_at(&rib->routes, candidate->route)->reason =
            is_leg ? (uint8_t)DECISION_MULTIPATH : candidate->fell_at;
        ASSERT((candidate->new_flags & ROUTE_BEST) != 0 || candidate->fell_at != DECISION_NONE);
    }
    route_store_at(&rib->routes, field[0]->route)->reason =
        count == 1 ? (uint8_t)DECISION_ONLY_PATH : last_rival;
}

void decision_reserve(struct loc_rib *rib, uint32_t count)
{
    if (count <= rib->candidate_capacity) {
        return;
    }
    uint32_t capacity = count < 16 ? 16 : count * 2;
    rib->candidates = mem_realloc(MEM_ROUTE, rib->candidates, capacity * sizeof *rib->candidates);
    rib->ranked = mem_realloc(MEM_ROUTE, rib->ranked, 3 * (size_t)capacity * sizeof *rib->ranked);
    rib->candidate_capacity = capacity;
}

/* Puts the destination's paths into an order that does not depend on arrival. */
static void order_paths(struct loc_rib *rib, uint32_t *routes, uint32_t count)
{
    struct candidate **all = rib->ranked;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = &rib->candidates[i];
    }
    candidates_sort(all, count, candidate_compare_rank);
    for (uint32_t i = 0; i < count; i++) {
        routes[i] = all[i]->route;
    }
}

static void choose(struct loc_rib *rib, uint32_t count, const struct decision_options *options,
                   struct decision_result *result)
{
    struct candidate **field = rib->ranked;
    struct candidate **used = field + rib->candidate_capacity;
    struct candidate **spare = used + rib->candidate_capacity;
    uint32_t eligible = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rib->candidates[i].is_eligible) {
            field[eligible++] = &rib->candidates[i];
        }
    }
    if (eligible == 0) {
        return;
    }
    uint32_t tied;
    ladder_run(field, eligible, options, true, &tied);
    result->used_count = (uint8_t)choose_used(field, tied, options);
    for (uint32_t i = 0; i < result->used_count; i++) {
        used[i] = field[i];
        result->used[i] = field[i]->route;
    }
    const struct candidate *backup =
        choose_backup(field, eligible, used, result->used_count, spare, options);
    result->backup = backup == NULL ? 0 : backup->route;
    store_reasons(rib, field, eligible);
}

static void note_offered(struct loc_rib *rib, struct prefix_node *node, bool is_offered)
{
    if (is_offered != ((node->flags & DEST_OFFERED) != 0)) {
        node->flags ^= DEST_OFFERED;
        rib->offered_count = is_offered ? rib->offered_count + 1 : rib->offered_count - 1;
    }
}

static bool any_offered(const struct loc_rib *rib, uint32_t count)
{
    bool is_offered = false;
    for (uint32_t i = 0; i < count && !is_offered; i++) {
        is_offered = rib->candidates[i].set != NULL; /* NULL: policy refused it */
    }
    return is_offered;
}

/* A destination with one path: no ladder, nothing to compare, the same outcome. */
static void decide_only(struct loc_rib *rib, struct prefix_node *node, uint32_t number,
                        uint32_t allowed_classes, struct decision_result *result)
{
    struct route *route = route_store_at(&rib->routes, number);
    const struct nexthop *nexthop = NULL;
    uint8_t new_flags = 0;
    if ((route->flags & ROUTE_FILTERED) == 0) {
        nexthop = attr_set_nexthop(attr_table_set(rib->attrs, route->attrs));
        bool is_local =
            kind_is_local(loc_rib_source(rib, route_store_source_of(&rib->routes, number))->kind);
        enum decision_reason refusal = refusal_of(nexthop, is_local, allowed_classes);
        new_flags = refusal == DECISION_NONE ? ROUTE_BEST : 0;
        route->reason = (uint8_t)(refusal == DECISION_NONE ? DECISION_ONLY_PATH : refusal);
    }
    uint8_t old_flags = route->flags & CHOSEN_FLAGS;
    bool is_other_state = false;
    if (new_flags != 0) {
        uint16_t state = nexthop_fingerprint(nexthop);
        is_other_state = old_flags != 0 && state != route->decided_state;
        route->decided_state = state;
        result->used_count = 1;
        result->used[0] = number;
    }
    route->flags = (uint8_t)((route->flags & ~CHOSEN_FLAGS) | new_flags);
    bool was_used = (old_flags & (ROUTE_BEST | ROUTE_MULTIPATH)) != 0;
    result->best_changed =
        (node->flags & DEST_BEST_TOUCHED) != 0 || ((old_flags ^ new_flags) & ROUTE_BEST) != 0;
    result->forwarding_changed = result->best_changed || is_other_state ||
                                 (node->flags & DEST_FORWARDING_TOUCHED) != 0 ||
                                 was_used != (new_flags != 0) || (old_flags & ROUTE_BACKUP) != 0;
    node->flags &= (uint8_t) ~(DEST_BEST_TOUCHED | DEST_FORWARDING_TOUCHED);
    rib->version += result->best_changed;
    note_offered(rib, node, (route->flags & ROUTE_FILTERED) == 0);
}

/* Sets of other sources lie anywhere: their lines come while others are read. */
#define AHEAD_SETS 4u

static void set_prefetch(const struct loc_rib *rib, uint32_t number)
{
    __builtin_prefetch(attr_table_set(rib->attrs, route_store_at(&rib->routes, number)->attrs));
}

void decision_run(struct loc_rib *rib, dest_id dest, uint32_t allowed_classes,
                  const struct decision_options *options, struct decision_result *result_out)
{
    result_out->used_count = 0;
    result_out->backup = 0;
    struct prefix_node *node = dest_node(rib, dest);
    uint32_t count;
    uint32_t *routes = dest_routes(rib, dest, &count);
    if (count == 1) {
        decide_only(rib, node, routes[0], allowed_classes, result_out);
    } else {
        decision_reserve(rib, count);
        for (uint32_t i = 0; i < count; i++) {
            if (count - i > AHEAD_SETS) {
                set_prefetch(rib, routes[i + AHEAD_SETS]);
            }
            candidate_read(&rib->candidates[i], rib, routes[i], allowed_classes, options);
        }
        choose(rib, count, options, result_out);
        note_offered(rib, node, any_offered(rib, count));
        store_flags(rib, node, count, result_out);
        if (count != 0) {
            order_paths(rib, routes, count);
        }
    }
    ASSERT_SLOW(dest_is_unused(rib, dest) || dest_is_consistent(rib, dest));
    if ((node->flags & DEST_DIRTY) == 0 && dest_is_unused(rib, dest)) {
        prefix_index_remove(rib->index, dest);
    }
}
