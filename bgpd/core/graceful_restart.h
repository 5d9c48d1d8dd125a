/* Our own restart (RFC 4724 4.1): what an earlier run left in the kernel goes on forwarding, so the
 * choice of paths and all announcements wait until the peers have said what they know. */
#ifndef BGPD_CORE_GRACEFUL_RESTART_H
#define BGPD_CORE_GRACEFUL_RESTART_H

#include "bgpd/core/core_private.h"
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

#endif
