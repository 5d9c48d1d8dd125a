/* Names of reasons. */
#include "proto/base/assert.h"
#include "rib/decision.h"

struct reason_name {
    const char *text;
    const char *identity;
};

static const struct reason_name reason_names[DECISION_REASON_COUNT] = {
    [DECISION_NONE] = {"Not decided", "not-decided"},
    [DECISION_ONLY_PATH] = {"First path received", "only-path"},
    [DECISION_WEIGHT] = {"Weight", "weight-lower"},
    [DECISION_LOCAL_PREF] = {"Local Pref", "local-pref-lower"},
    [DECISION_LOCAL_ORIGIN] = {"Local Route", "prefer-local"},
    [DECISION_AS_PATH_LENGTH] = {"AS Path", "as-path-longer"},
    [DECISION_ORIGIN] = {"Origin", "origin-type-higher"},
    [DECISION_MED] = {"MED", "med-higher"},
    [DECISION_EBGP_OVER_IBGP] = {"Peer Type", "prefer-external"},
    [DECISION_NEXTHOP_COST] = {"IGP Metric", "nexthop-cost-higher"},
    [DECISION_MULTIPATH] = {"Multipath", "multipath"},
    [DECISION_LONG_LIVED_STALE] = {"Long-lived stale", "long-lived-stale"},
    [DECISION_ROUTER_ID] = {"Router ID", "higher-router-id"},
    [DECISION_CLUSTER_LENGTH] = {"Cluster length", "cluster-list-longer"},
    [DECISION_PEER_ADDRESS] = {"Neighbor IP", "higher-peer-address"},
    [DECISION_PATH_ID] = {"Path ID", "higher-path-id"},
    [DECISION_POLICY_REJECTED] = {"Refused by import policy", "rejected-import-policy"},
    [DECISION_NEXTHOP_UNRESOLVED] = {"Next hop unresolved", "ineligible-unresolvable"},
    [DECISION_TUNNEL_DOWN] = {"Tunnel down", "tunnel-down"},
    [DECISION_ENDPOINT_CAPTURE] = {"Would capture a tunnel endpoint", "endpoint-recursion"},
    [DECISION_LIVENESS_DOWN] = {"Liveness down", "liveness-down"},
    [DECISION_NEXTHOP_OWN] = {"Next hop is our own address", "ineligible-own-next-hop"},
    [DECISION_AS_LOOP] = {"Own AS in AS path", "ineligible-as-loop"},
    [DECISION_ORIGINATOR_LOOP] = {"Own router id as originator", "ineligible-originator"},
    [DECISION_CLUSTER_LOOP] = {"Own cluster id in cluster list", "ineligible-cluster-loop"},
    [DECISION_PROTECTION] = {"Protection requires another path class", "encryption-required"},
    [DECISION_ROUTE_LEAK] = {"Route leak (OTC)", "ineligible-route-leak"},
};

const char *decision_reason_text(enum decision_reason reason)
{
    ASSERT(reason < DECISION_REASON_COUNT);
    return reason_names[reason].text;
}

const char *decision_reason_identity(enum decision_reason reason)
{
    ASSERT(reason < DECISION_REASON_COUNT);
    return reason_names[reason].identity;
}
