/* The ladder over plain candidates, apart from the tables; decision.c fills and stores them. */
#ifndef RIB_DECISION_PRIVATE_H
#define RIB_DECISION_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "rib/attr_set.h"
#include "rib/decision.h"
#include "rib/loc_rib.h"

/* One path with everything the ladder reads. */
struct candidate {
    const struct attr_set *set; /* NULL: refused */
    const struct nexthop *nexthop;
    const struct rib_source *source;
    uint64_t preference; /* not stale, weight, local preference: higher is better */
    uint64_t distance;   /* local origin, AS_PATH length, origin: lower is better */
    uint64_t cost;       /* eBGP over iBGP, next-hop cost: lower is better */
    uint32_t route;
    uint32_t weight;
    uint32_t local_pref;
    uint32_t med;
    uint32_t neighbour_asn; /* MED group */
    uint32_t metric;
    uint32_t router_id;
    uint32_t path_id;
    uint16_t source_number;
    uint16_t as_path_length;
    uint16_t cluster_count;
    uint8_t origin;
    bool is_last; /* RFC 9494 4.6 */
    bool is_local;
    bool is_ibgp;
    bool is_eligible;
    bool has_own_group; /* MED compares with nobody: the path starts with an AS_SET */
    uint8_t fell_at;    /* the step at which it left; DECISION_NONE for the best */
    uint8_t old_flags;
    uint8_t new_flags;
};

/* Room for count candidates in the table's scratch. */
void decision_reserve(struct loc_rib *rib, uint32_t count);

/* Fills a candidate and sets its route's reason to why it is ineligible, or to none. */
void candidate_read(struct candidate *candidate, const struct loc_rib *rib, uint32_t number,
                    uint32_t allowed_classes, const struct decision_options *options);

/* Packs the steps on either side of MED into preference, distance and cost. */
void candidate_set_keys(struct candidate *candidate, const struct decision_options *options);

void candidates_sort(struct candidate **field, uint32_t count,
                     int (*compare)(const void *left, const void *right));

/* Runs the steps over the count candidates of field, which must be eligible, and reorders field:
 * the best comes first. With is_recording each candidate's fell_at is set. *tied_out: so many from
 * the start of field were level after DECISION_NEXTHOP_COST; they stand in ladder order. */
void ladder_run(struct candidate **field, uint32_t count, const struct decision_options *options,
                bool is_recording, uint32_t *tied_out);

/* An order of all candidates of a destination that depends on nothing but themselves: eligible and
 * best first. fell_at must be set. */
int candidate_compare_rank(const void *left, const void *right);

#endif
