/* The decision process (RFC 4271 9.1.2 with the steps of docs/decisions): which of a destination's
 * paths is used, and for every path which step decided. The result never depends on the order in
 * which paths arrived. */
#ifndef RIB_DECISION_H
#define RIB_DECISION_H

#include <stdbool.h>
#include <stdint.h>

/* Kept per path. For the best path: the step that put it ahead of the last rival. For a loser: the
 * step at which it fell behind the best one. For an ineligible path: why. */
enum decision_reason {
    DECISION_NONE = 0, /* not decided yet */
    DECISION_ONLY_PATH,
    /* Steps of the ladder, in order. */
    DECISION_WEIGHT,
    DECISION_LOCAL_PREF,
    DECISION_LOCAL_ORIGIN,
    DECISION_AS_PATH_LENGTH,
    DECISION_ORIGIN,
    DECISION_MED,
    DECISION_EBGP_OVER_IBGP,
    DECISION_NEXTHOP_COST,
    DECISION_MULTIPATH,        /* equal so far and used beside the best path */
    DECISION_LONG_LIVED_STALE, /* RFC 9494 4.6: taken before all others */
    DECISION_ROUTER_ID,
    DECISION_CLUSTER_LENGTH,
    DECISION_PEER_ADDRESS,
    DECISION_PATH_ID,
    /* Ineligible: step 0. */
    DECISION_POLICY_REJECTED,
    DECISION_NEXTHOP_UNRESOLVED,
    DECISION_TUNNEL_DOWN,
    DECISION_ENDPOINT_CAPTURE,
    DECISION_LIVENESS_DOWN,
    DECISION_NEXTHOP_OWN,
    DECISION_AS_LOOP,
    DECISION_ORIGINATOR_LOOP,
    DECISION_CLUSTER_LOOP,
    DECISION_PROTECTION, /* the path's class does not meet the protection of the prefix */
    DECISION_ROUTE_LEAK, /* RFC 9234 5: OTC from somebody who must not send it */
    DECISION_REASON_COUNT,
};

static inline bool decision_reason_is_ineligible(enum decision_reason reason)
{
    return reason >= DECISION_POLICY_REJECTED;
}

/* FRR's words where FRR has the reason ("Weight", "Local Pref", "AS Path", ...), ours else
 * ("Protection requires ipsec"). */
const char *decision_reason_text(enum decision_reason reason);

/* kebab-case identity for JSON and YANG: "weight-lower" style names of features.md D.5. */
const char *decision_reason_identity(enum decision_reason reason);

struct decision_options {
    uint32_t default_local_pref; /* 100 */
    uint32_t default_weight[3];  /* by enum path_class: clear 0, macsec 100, ipsec 200 */
    uint8_t multipath_ebgp_max;  /* 1: no multipath */
    uint8_t multipath_ibgp_max;
    bool multipath_relax; /* as-path multipath-relax: same length is enough */
    bool always_compare_med;
    bool med_missing_as_worst;
    bool ignore_as_path;
};

#endif
