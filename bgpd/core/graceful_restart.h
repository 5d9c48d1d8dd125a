/* Our own restart (RFC 4724 4.1): what an earlier run left in the kernel goes on forwarding, so the
 * choice of paths and all announcements wait until the peers have said what they know. */
#ifndef BGPD_CORE_GRACEFUL_RESTART_H
#define BGPD_CORE_GRACEFUL_RESTART_H

#include "bgpd/core/core_private.h"
#include "proto/message.h"
#include "proto/open.h"

struct peer;

/* An earlier run's routes were found in the kernel: the deferral begins, before any session. */
void restart_begin(struct core *core);

/* A peer came, went or sent End-of-RIB: families nobody is waited for are decided from now on. */
void restart_check(struct core *core);

/* What stands in the kernel cannot be relied on any more: fresh routes are decided at once. */
void restart_abandon(struct core *core, const char *why);
void restart_fini(struct core *core);

/* While true nothing of the family is decided, and no End-of-RIB goes out. */
bool restart_defers(const struct core *core, enum afi_safi afi_safi);
bool restart_defers_any(const struct core *core);

/* The far end's BFD still belongs to the run before ours, and falls when it hears of the new one; a
 * session that is up by then would fall with it. Just after a restart sessions wait for their BFD.
 */
bool restart_waits_for_bfd(const struct core *core);

/* R and F bits of an OPEN to peer (RFC 4724 3), once its families are set. F says that what was
 * forwarded when the last session with the peer ended is still forwarded: that session was one of
 * this run, or the restart was found in time. */
void restart_mark_open(const struct core *core, const struct peer *peer,
                       struct capabilities *capabilities);

/* ---- Helping others (RFC 4724 4.2) ---- */

/* Families whose routes are kept when the session with peer breaks: both sides speak graceful
 * restart, and the peer has listed them. */
uint32_t helped_families(const struct peer *peer);

/* Of the stale routes of before a restart these may stay until End-of-RIB: the peer says again that
 * it restarts gracefully, and that it has kept what it forwards. */
uint32_t preserved_families(const struct peer *peer);

/* RFC 9494: how long the routes of a family are kept beyond the restart time, the shorter of what
 * both sides say; 0: not at all. And of such families, those that the peer says again it has kept.
 */
uint32_t long_lived_time_s(const struct peer *peer, enum afi_safi afi_safi);
uint32_t long_preserved_families(const struct peer *peer);

/* Both sides keep routes also when a NOTIFICATION ends the session (N bit, RFC 8538). */
bool notification_is_agreed_on(const struct peer *peer);

/* What ends the routes together with the session when we send it: an order of our operator, limits
 * that are exceeded, a path that is dead. A neighbour that means such a thing calls it a hard reset
 * (RFC 8538 4); only a dead path is one under whatever name. */
bool notification_is_hard(const struct notification *notification);
bool received_notification_is_hard(const struct notification *notification);

#endif
