/* The steps of the decision (RFC 4271 9.1.2.2 and docs: design, section 3) as an elimination: each
 * step keeps those that are level with the best of the field. MED removes paths only in favour of
 * a path from the same neighbour AS, so it cannot be an order; elimination makes the result the
 * same whatever the order of arrival. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "rib/decision_private.h"

static int compare_u32(uint32_t a, uint32_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

/* Below 0 when a is better at this step. */
static int compare_at(const struct candidate *a, const struct candidate *b,
                      enum decision_reason step, const struct decision_options *options)
{
    switch (step) {
    case DECISION_WEIGHT:
        return compare_u32(b->weight, a->weight);
    case DECISION_LOCAL_PREF:
        return compare_u32(b->local_pref, a->local_pref);
    case DECISION_LOCAL_ORIGIN:
        return (int)b->is_local - (int)a->is_local;
    case DECISION_AS_PATH_LENGTH:
        return options->ignore_as_path ? 0 : compare_u32(a->as_path_length, b->as_path_length);
    case DECISION_ORIGIN:
        return compare_u32(a->origin, b->origin);
    case DECISION_EBGP_OVER_IBGP:
        return (int)a->is_ibgp - (int)b->is_ibgp;
    case DECISION_NEXTHOP_COST:
        return compare_u32(a->metric, b->metric);
    case DECISION_ROUTER_ID:
        return compare_u32(a->router_id, b->router_id);
    case DECISION_CLUSTER_LENGTH:
        return compare_u32(a->cluster_count, b->cluster_count);
    case DECISION_PEER_ADDRESS:
        return memcmp(&a->source->addr, &b->source->addr, sizeof a->source->addr);
    case DECISION_PATH_ID:
        if (a->path_id != b->path_id) {
            return compare_u32(a->path_id, b->path_id);
        }
        /* Two sources without an address of their own: kinds of local routes. */
        if (a->source->kind != b->source->kind) {
            return compare_u32(a->source->kind, b->source->kind);
        }
        return compare_u32(a->source_number, b->source_number);
    default:
        UNREACHABLE();
    }
}

/* Steps up to the multipath cut and behind it. MED is a step of its own. */
static const uint8_t steps_before_med[] = {
    DECISION_WEIGHT,         DECISION_LOCAL_PREF, DECISION_LOCAL_ORIGIN,
    DECISION_AS_PATH_LENGTH, DECISION_ORIGIN,
};
static const uint8_t steps_before_cut[] = {
    DECISION_EBGP_OVER_IBGP,
    DECISION_NEXTHOP_COST,
};
static const uint8_t steps_after_cut[] = {
    DECISION_ROUTER_ID,
    DECISION_CLUSTER_LENGTH,
    DECISION_PEER_ADDRESS,
    DECISION_PATH_ID,
};

/* Keeps those level with the best, at the front; returns how many. */
static uint32_t eliminate(struct candidate **field, uint32_t count, enum decision_reason step,
                          const struct decision_options *options, bool is_recording)
{
    const struct candidate *best = field[0];
    for (uint32_t i = 1; i < count; i++) {
        if (compare_at(field[i], best, step, options) < 0) {
            best = field[i];
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct candidate *candidate = field[i];
        if (compare_at(candidate, best, step, options) == 0) {
            field[i] = field[kept];
            field[kept++] = candidate;
        } else if (is_recording) {
            candidate->fell_at = (uint8_t)step;
        }
    }
    return kept;
}

static bool med_compares(const struct candidate *a, const struct candidate *b,
                         const struct decision_options *options)
{
    if (options->always_compare_med) {
        return true;
    }
    return !a->has_own_group && !b->has_own_group && a->neighbour_asn == b->neighbour_asn;
}

static bool med_beaten(struct candidate *const *field, uint32_t count,
                       const struct candidate *candidate, const struct decision_options *options)
{
    for (uint32_t i = 0; i < count; i++) {
        if (field[i]->med < candidate->med && med_compares(field[i], candidate, options)) {
            return true;
        }
    }
    return false;
}

/* RFC 4271 9.1.2.2 c. Those beaten stay in the field until all have been looked at: who beats whom
 * must not depend on their order. */
static uint32_t eliminate_by_med(struct candidate **field, uint32_t count,
                                 const struct decision_options *options, bool is_recording)
{
    bool differs = false;
    for (uint32_t i = 1; i < count; i++) {
        differs = differs || field[i]->med != field[0]->med;
    }
    if (!differs) {
        return count;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct candidate *candidate = field[i];
        /* The swaps below permute the field and lose nobody, so the whole of it is still here. */
        if (!med_beaten(field, count, candidate, options)) {
            field[i] = field[kept];
            field[kept++] = candidate;
        } else if (is_recording) {
            candidate->fell_at = DECISION_MED;
        }
    }
    return kept;
}

static int compare_after_cut(const struct candidate *a, const struct candidate *b)
{
    static const struct decision_options none;
    for (size_t i = 0; i < sizeof steps_after_cut; i++) {
        int order = compare_at(a, b, steps_after_cut[i], &none);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare_tied(const void *left, const void *right)
{
    return compare_after_cut(*(struct candidate *const *)left, *(struct candidate *const *)right);
}

/* The field is level up to the cut and sorted; each but the first fell at the first step at which
 * it differs from the best. */
static void record_tail(struct candidate **field, uint32_t count)
{
    static const struct decision_options none;
    for (uint32_t i = 1; i < count; i++) {
        size_t step = 0;
        while (step + 1 < sizeof steps_after_cut &&
               compare_at(field[0], field[i], steps_after_cut[step], &none) == 0) {
            step++;
        }
        field[i]->fell_at = steps_after_cut[step];
    }
}

void ladder_run(struct candidate **field, uint32_t count, const struct decision_options *options,
                bool is_recording, uint32_t *tied_out)
{
    ASSERT(count > 0);
    for (size_t i = 0; i < sizeof steps_before_med && count > 1; i++) {
        count = eliminate(field, count, steps_before_med[i], options, is_recording);
    }
    if (count > 1) {
        count = eliminate_by_med(field, count, options, is_recording);
    }
    for (size_t i = 0; i < sizeof steps_before_cut && count > 1; i++) {
        count = eliminate(field, count, steps_before_cut[i], options, is_recording);
    }
    if (count > 1) {
        qsort(field, count, sizeof *field, compare_tied);
        if (is_recording) {
            record_tail(field, count);
        }
    }
    if (is_recording) {
        field[0]->fell_at = DECISION_NONE;
    }
    ASSERT(count > 0);
    *tied_out = count;
}

static uint32_t rank_class(const struct candidate *candidate)
{
    if (!candidate->is_eligible) {
        return UINT32_MAX;
    }
    if ((candidate->new_flags & ROUTE_BEST) != 0) {
        return 0;
    }
    /* Who fell later stands nearer to the best. */
    return (candidate->new_flags & ROUTE_MULTIPATH) != 0
               ? 1
               : 2u + (uint32_t)DECISION_REASON_COUNT - candidate->fell_at;
}

int candidate_compare_rank(const void *left, const void *right)
{
    static const struct decision_options none;
    const struct candidate *a = *(struct candidate *const *)left;
    const struct candidate *b = *(struct candidate *const *)right;
    int order = compare_u32(rank_class(a), rank_class(b));
    for (size_t i = 0; order == 0 && a->is_eligible && i < sizeof steps_before_med; i++) {
        order = compare_at(a, b, steps_before_med[i], &none);
    }
    for (size_t i = 0; order == 0 && a->is_eligible && i < sizeof steps_before_cut; i++) {
        order = compare_at(a, b, steps_before_cut[i], &none);
    }
    if (order == 0 && a->is_eligible) {
        order = compare_u32(a->med, b->med);
    }
    if (order == 0 && a->is_eligible) {
        order = compare_after_cut(a, b);
    }
    if (order == 0) {
        order = memcmp(&a->source->addr, &b->source->addr, sizeof a->source->addr);
    }
    return order != 0 ? order : compare_at(a, b, DECISION_PATH_ID, &none);
}
