/* The decision written a second time, as slowly and plainly as it can be read: for test_decision.
 */
#ifndef TESTS_UNIT_RIB_DECISION_ORACLE_H
#define TESTS_UNIT_RIB_DECISION_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rib/loc_rib.h"
#include "tests/unit/unit.h"

#define PATHS_MAX 6u

/* One path as the oracle sees it: a row of facts. */
struct fact {
    uint16_t source;
    bool is_last;
    bool has_weight;
    uint32_t weight;
    uint32_t local_pref;
    uint32_t length;
    uint32_t first_asn;
    uint32_t origin;
    bool has_med;
    uint32_t med;
    uint8_t kind;
    uint32_t metric;
    uint32_t router_id;
    uint32_t cluster_count;
    uint32_t addr;
    uint32_t hop; /* which next hop */
    uint8_t state;
    uint8_t path_class;
    bool is_refused;
};

struct outcome {
    uint8_t flags;
    uint8_t reason;
};

static bool is_local(const struct fact *fact)
{
    return fact->kind != SOURCE_PEER_EBGP && fact->kind != SOURCE_PEER_IBGP;
}

static uint32_t fact_weight(const struct fact *fact)
{
    static const uint32_t of_class[] = {0, 100, 200};
    return fact->has_weight ? fact->weight : is_local(fact) ? 32768 : of_class[fact->path_class];
}

static uint32_t fact_med(const struct fact *fact, const struct decision_options *options)
{
    return fact->has_med ? fact->med : options->med_missing_as_worst ? UINT32_MAX : 0;
}

/* RFC 4271 9.1.2.2 and our steps before it, read off the page: does a beat b at this step? */
static bool beats(const struct fact *a, const struct fact *b, int step,
                  const struct decision_options *options)
{
    switch (step) {
    case DECISION_LONG_LIVED_STALE:
        return !a->is_last && b->is_last;
    case DECISION_WEIGHT:
        return fact_weight(a) > fact_weight(b);
    case DECISION_LOCAL_PREF:
        return a->local_pref > b->local_pref;
    case DECISION_LOCAL_ORIGIN:
        return is_local(a) && !is_local(b);
    case DECISION_AS_PATH_LENGTH:
        return !options->ignore_as_path && a->length < b->length;
    case DECISION_ORIGIN:
        return a->origin < b->origin;
    case DECISION_MED:
        return (options->always_compare_med || a->first_asn == b->first_asn) &&
               fact_med(a, options) < fact_med(b, options);
    case DECISION_EBGP_OVER_IBGP:
        return a->kind != SOURCE_PEER_IBGP && b->kind == SOURCE_PEER_IBGP;
    case DECISION_NEXTHOP_COST:
        return a->metric < b->metric;
    case DECISION_ROUTER_ID:
        return a->router_id < b->router_id;
    case DECISION_CLUSTER_LENGTH:
        return a->cluster_count < b->cluster_count;
    case DECISION_PEER_ADDRESS:
        return a->addr < b->addr;
    default:
        return false;
    }
}

/* Eliminates among those with in[i]; fell[i] is the step, 0 for the one left. */
static uint32_t oracle_best(const struct fact *facts, uint32_t count, const bool *in,
                            const struct decision_options *options, int *fell, bool *level)
{
    bool left[PATHS_MAX];
    memcpy(left, in, count * sizeof *left);
    for (int at = DECISION_WEIGHT - 1; at <= DECISION_PEER_ADDRESS; at++) {
        int step = at < DECISION_WEIGHT ? DECISION_LONG_LIVED_STALE : at; /* before all others */
        bool stays[PATHS_MAX];
        for (uint32_t i = 0; i < count; i++) {
            stays[i] = left[i];
            for (uint32_t j = 0; j < count; j++) {
                if (left[i] && left[j] && beats(&facts[j], &facts[i], step, options)) {
                    stays[i] = false;
                    fell[i] = step;
                }
            }
        }
        memcpy(left, stays, count * sizeof *left);
        if (step == DECISION_NEXTHOP_COST) {
            memcpy(level, left, count * sizeof *left);
        }
    }
    uint32_t best = count;
    for (uint32_t i = 0; i < count; i++) {
        if (left[i]) {
            ck_assert_uint_eq(best, count);
            best = i;
            fell[i] = 0;
        }
    }
    return best;
}

static int oracle_refusal(const struct fact *fact, uint32_t allowed)
{
    static const int of_state[] = {
        [NEXTHOP_UNRESOLVED] = DECISION_NEXTHOP_UNRESOLVED,
        [NEXTHOP_RESOLVED] = DECISION_NONE,
        [NEXTHOP_TUNNEL_DOWN] = DECISION_TUNNEL_DOWN,
        [NEXTHOP_CAPTURED] = DECISION_ENDPOINT_CAPTURE,
        [NEXTHOP_LIVENESS_DOWN] = DECISION_LIVENESS_DOWN,
        [NEXTHOP_OWN_ADDRESS] = DECISION_NEXTHOP_OWN,
    };
    if (fact->is_refused) {
        return DECISION_AS_LOOP;
    }
    if (is_local(fact)) {
        return DECISION_NONE;
    }
    if (fact->state != NEXTHOP_RESOLVED) {
        return of_state[fact->state];
    }
    return (allowed >> fact->path_class & 1) != 0 ? DECISION_NONE : DECISION_PROTECTION;
}

/* Same AS_PATH: the tests' paths are their first AS and a length. */
static bool may_share(const struct fact *best, const struct fact *leg,
                      const struct decision_options *options)
{
    return !is_local(best) && !is_local(leg) &&
           (options->multipath_relax ||
            (best->first_asn == leg->first_asn && best->length == leg->length));
}

/* Of those level at the cut the next in line: no other one that is left comes before it. */
static uint32_t oracle_next_leg(const struct fact *facts, uint32_t count, const bool *left)
{
    for (uint32_t i = 0; i < count; i++) {
        bool is_next = left[i];
        for (uint32_t j = 0; j < count && is_next; j++) {
            if (left[j] && j != i) {
                const struct fact *a = &facts[i];
                const struct fact *b = &facts[j];
                is_next = a->router_id != b->router_id ? a->router_id < b->router_id
                          : a->cluster_count != b->cluster_count
                              ? a->cluster_count < b->cluster_count
                              : a->addr < b->addr;
            }
        }
        if (is_next) {
            return i;
        }
    }
    return count;
}

static bool hop_in(const struct fact *facts, uint32_t count, const bool *set, uint32_t index)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t a = is_local(&facts[i]) ? UINT32_MAX : facts[i].hop;
        uint32_t b = is_local(&facts[index]) ? UINT32_MAX : facts[index].hop;
        if (set[i] && a == b) {
            return true;
        }
    }
    return false;
}

static void oracle(const struct fact *facts, uint32_t count, uint32_t allowed,
                   const struct decision_options *options, struct outcome *out)
{
    bool eligible[PATHS_MAX] = {0};
    uint32_t eligible_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        int refusal = oracle_refusal(&facts[i], allowed);
        eligible[i] = refusal == DECISION_NONE;
        eligible_count += eligible[i];
        out[i] = (struct outcome){facts[i].is_refused ? ROUTE_FILTERED : 0, (uint8_t)refusal};
    }
    if (eligible_count == 0) {
        return;
    }
    int fell[PATHS_MAX] = {0};
    bool level[PATHS_MAX];
    uint32_t best = oracle_best(facts, count, eligible, options, fell, level);
    int last = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (eligible[i]) {
            out[i].reason = (uint8_t)fell[i];
            last = fell[i] > last ? fell[i] : last;
        }
    }
    out[best].reason = (uint8_t)(eligible_count == 1 ? (int)DECISION_ONLY_PATH : last);
    out[best].flags |= ROUTE_BEST;
    bool used[PATHS_MAX] = {0};
    used[best] = true;
    uint32_t used_count = 1;
    uint32_t max = facts[best].kind == SOURCE_PEER_IBGP ? options->multipath_ibgp_max
                                                        : options->multipath_ebgp_max;
    level[best] = false;
    uint32_t leg;
    while (used_count < max && (leg = oracle_next_leg(facts, count, level)) < count) {
        level[leg] = false;
        if (may_share(&facts[best], &facts[leg], options) && !hop_in(facts, count, used, leg)) {
            used[leg] = true;
            used_count++;
            out[leg].flags |= ROUTE_MULTIPATH;
            out[leg].reason = DECISION_MULTIPATH;
        }
    }
    bool rest[PATHS_MAX];
    uint32_t rest_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        rest[i] = eligible[i] && !used[i] && !hop_in(facts, count, used, i);
        rest_count += rest[i];
    }
    if (rest_count > 0) {
        out[oracle_best(facts, count, rest, options, fell, level)].flags |= ROUTE_BACKUP;
    }
}

#endif
