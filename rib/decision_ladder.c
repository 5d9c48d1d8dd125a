/* The steps of the decision (RFC 4271 9.1.2.2 and docs: design, section 3) as an elimination: each
 * step keeps those that are level with the best of the field. MED removes paths only in favour of
 * a path from the same neighbour AS, so it cannot be an order; elimination makes the result the
 * same whatever the order of arrival. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "rib/decision_private.h"

/* Fields this small come almost sorted from the decision before. */
#define INSERTION_SORT_MAX 32u

static int compare_u32(uint32_t a, uint32_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

/* Below 0 when a is better at this step. */
static int compare_at(const struct candidate *a, const struct candidate *b,
                      enum decision_reason step, const struct decision_options *options)
{
    switch (step) {
    case DECISION_LONG_LIVED_STALE:
        return (int)a->is_last - (int)b->is_last;
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

/* A stretch of the ladder whose steps are taken one after the other, so that it is one comparison.
 */
struct stretch {
    const uint8_t *steps;
    size_t step_count;
};

static const uint8_t steps_before_med[] = {
    DECISION_LONG_LIVED_STALE, DECISION_WEIGHT,         DECISION_LOCAL_PREF,
    DECISION_LOCAL_ORIGIN,     DECISION_AS_PATH_LENGTH, DECISION_ORIGIN,
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
static const struct stretch before_med = {steps_before_med, sizeof steps_before_med};
static const struct stretch before_cut = {steps_before_cut, sizeof steps_before_cut};
static const struct stretch after_cut = {steps_after_cut, sizeof steps_after_cut};

void candidate_set_keys(struct candidate *candidate, const struct decision_options *options)
{
    uint64_t length = options->ignore_as_path ? 0 : candidate->as_path_length;
    uint64_t weight = candidate->weight > INT32_MAX ? INT32_MAX : candidate->weight; /* 16 bits */
    candidate->preference =
        (uint64_t)!candidate->is_last << 63 | weight << 32 | candidate->local_pref;
    candidate->distance =
        (uint64_t)!candidate->is_local << 32 | length << 8 | (uint64_t)candidate->origin;
    candidate->cost = (uint64_t)candidate->is_ibgp << 32 | candidate->metric;
}

/* Below 0 when a is better in the whole stretch. */
static inline int compare_stretch(const struct candidate *a, const struct candidate *b,
                                  const struct stretch *stretch)
{
    if (stretch == &before_cut) {
        return a->cost == b->cost ? 0 : a->cost < b->cost ? -1 : 1;
    }
    if (a->preference != b->preference) {
        return a->preference > b->preference ? -1 : 1;
    }
    return a->distance == b->distance ? 0 : a->distance < b->distance ? -1 : 1;
}

/* The first step of stretch at which loser is behind best: it is level in the ones before, so that
 * is where an elimination step by step drops it. */
static uint8_t fall_of(const struct candidate *loser, const struct candidate *best,
                       const struct stretch *stretch, const struct decision_options *options)
{
    size_t at = 0;
    while (at + 1 < stretch->step_count &&
           compare_at(best, loser, (enum decision_reason)stretch->steps[at], options) == 0) {
        at++;
    }
    return stretch->steps[at];
}

/* Keeps those level with the best in stretch, at the front; returns how many. */
static uint32_t eliminate(struct candidate **field, uint32_t count, const struct stretch *stretch,
                          const struct decision_options *options, bool is_recording)
{
    const struct candidate *best = field[0];
    for (uint32_t i = 1; i < count; i++) {
        if (compare_stretch(field[i], best, stretch) < 0) {
            best = field[i];
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct candidate *candidate = field[i];
        if (compare_stretch(candidate, best, stretch) == 0) {
            field[i] = field[kept];
            field[kept++] = candidate;
        } else if (is_recording) {
            candidate->fell_at = fall_of(candidate, best, stretch, options);
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
    int order = 0;
    for (size_t i = 0; order == 0 && i < after_cut.step_count; i++) {
        order = compare_at(a, b, (enum decision_reason)after_cut.steps[i], &none);
    }
    return order;
}

static int compare_tied(const void *left, const void *right)
{
    return compare_after_cut(*(struct candidate *const *)left, *(struct candidate *const *)right);
}

void candidates_sort(struct candidate **field, uint32_t count,
                     int (*compare)(const void *left, const void *right))
{
    if (count > INSERTION_SORT_MAX) {
        qsort(field, count, sizeof *field, compare);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct candidate *candidate = field[i];
        uint32_t at = i;
        for (; at > 0 && compare(&field[at - 1], &candidate) > 0; at--) {
            field[at] = field[at - 1];
        }
        field[at] = candidate;
    }
}

void ladder_run(struct candidate **field, uint32_t count, const struct decision_options *options,
                bool is_recording, uint32_t *tied_out)
{
    ASSERT(count > 0);
    if (count > 1) {
        count = eliminate(field, count, &before_med, options, is_recording);
        count = eliminate_by_med(field, count, options, is_recording);
        count = eliminate(field, count, &before_cut, options, is_recording);
    }
    ASSERT(count > 0);
    candidates_sort(field, count, compare_tied);
    for (uint32_t i = 1; is_recording && i < count; i++) {
        field[i]->fell_at = fall_of(field[i], field[0], &after_cut, options);
    }
    if (is_recording) {
        field[0]->fell_at = DECISION_NONE;
    }
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
    if ((candidate->new_flags & ROUTE_MULTIPATH) != 0) {
        return 1;
    }
    /* Who fell later stands nearer to the best. */
    uint32_t step = candidate->fell_at == DECISION_LONG_LIVED_STALE ? 0 : candidate->fell_at;
    return 2u + (uint32_t)DECISION_REASON_COUNT - step;
}

int candidate_compare_rank(const void *left, const void *right)
{
    const struct candidate *a = *(struct candidate *const *)left;
    const struct candidate *b = *(struct candidate *const *)right;
    int order = compare_u32(rank_class(a), rank_class(b));
    if (order == 0 && a->is_eligible) {
        order = compare_stretch(a, b, &before_med);
    }
    if (order == 0 && a->is_eligible) {
        order = compare_stretch(a, b, &before_cut);
    }
    if (order == 0 && a->is_eligible) {
        order = compare_u32(a->med, b->med);
    }
    return order != 0 ? order : compare_after_cut(a, b);
}
