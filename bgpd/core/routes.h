/* Routes between peers and the tables: import, local routes, decision slices, export. */
#ifndef BGPD_CORE_ROUTES_H
#define BGPD_CORE_ROUTES_H

#include "bgpd/core/core_private.h"
#include "bgpd/core/peer.h"
#include "proto/message.h"

void routes_init(struct core *core);
void routes_fini(struct core *core);

/* Networks, aggregates, redistribution, policies, protection, weights: whatever differs from old is
 * walked again in slices. core->config, core->policies, core->protections and core->decision are
 * the new ones already, and the settings of the peers that exist are too; old_policies lives until
 * the call returns. */
void routes_apply_config(struct core *core, const struct config *old,
                         const struct policy_set *old_policies);

/* A peer was made or is about to go (its routes with it). */
void routes_peer_new(struct core *core, struct peer *peer);
void routes_peer_free(struct core *core, struct peer *peer);

/* Session reached Established: families and options are in peer. */
void routes_peer_up(struct core *core, struct peer *peer);

/* Session ended. Routes of kept_families (AFI_SAFI_BITs) stay, marked stale, until the peer says
 * them again, is back and does not, or does not come back in its restart time. */
void routes_peer_down(struct core *core, struct peer *peer, uint32_t kept_families);

/* How long routes of a neighbour that is back are kept without End-of-RIB. */
uint32_t routes_stale_time_s(const struct core *core);

/* True while routes of an ended session are kept. */
bool routes_peer_is_kept(const struct peer *peer);

/* One UPDATE body. The result's disposition is WIRE_SESSION_RESET when the session must end with
 * its NOTIFICATION; everything less has been dealt with and counted. */
struct wire_error routes_peer_update(struct core *core, struct peer *peer, struct byte_view body);
void routes_peer_refresh(struct core *core, struct peer *peer, const struct route_refresh *refresh);

/* Writes whole messages (UPDATE, End-of-RIB, BoRR, EoRR) into out until it is full or nothing is
 * left; returns how many. */
uint32_t routes_peer_fill(struct core *core, struct peer *peer, struct writer *out);
bool routes_peer_has_output(const struct core *core, const struct peer *peer);

/* Policy over adj-rib-in again, or everything announced again (clear soft). */
void routes_peer_soft_in(struct core *core, struct peer *peer, uint32_t families);
void routes_peer_soft_out(struct core *core, struct peer *peer, uint32_t families);

/* For snapshot_peer: every member of *out but is_configured, is_negotiated and the two
 * policy_missing claims, which the session side fills. */
void routes_peer_snapshot(const struct core *core, const struct peer *peer, enum afi_safi afi_safi,
                          struct snapshot_peer_family *out);

/* Fills table_version, dest_count, route_count, attr_set_count, rib_bytes and is_busy. */
void routes_snapshot_global(const struct core *core, struct snapshot_global *out);

/* ---- Work ---- */

/* At most work_max destinations of backlog; true while more remains. */
bool routes_work(struct core *core, uint32_t work_max);
bool routes_has_work(const struct core *core);

/* ---- From the kernel side ---- */

/* A tracked next hop changed state, class or cost: every destination with a path through it is
 * decided again, in slices. */
void routes_nexthop_changed(struct core *core, const struct nexthop *nexthop);

/* Paths of a family may be chosen and announced from now on (graceful_restart.h). */
void routes_deferral_ended(struct core *core);

/* The kernel refused or accepted a destination. */
void routes_fib_state(struct core *core, enum afi_safi afi_safi, dest_id dest, bool is_installed);

/* A connected, static or kernel route appeared, changed or went: for redistribution and for
 * `network` statements. */
void routes_local_route(struct core *core, enum redistribute_kind kind, const struct prefix *prefix,
                        uint32_t metric, uint32_t tag, bool is_removed);

/* A local address, tunnel or class of an interface changed: announcements that depend on path
 * classes of sessions or on tunnel endpoints are made again. */
void routes_announcements_changed(struct core *core);

#endif
