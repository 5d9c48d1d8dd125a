/* What we say in OPEN, whether the peer's OPEN is acceptable, and what both together agree on. */
#ifndef BGPD_CORE_NEGOTIATE_H
#define BGPD_CORE_NEGOTIATE_H

#include "bgpd/core/peer.h"
#include "bgpd/core/session.h"

#define MP_CAPABILITY_BYTES 6u

/* AFI_SAFI_BITs the settings activate. */
uint32_t negotiate_families(const struct neighbor_settings *settings);

void negotiate_local_open(const struct core *core, const struct neighbor_settings *settings,
                          struct open_message *open_out);

/* True when a session that sent before must be reset to say after instead. Timers do not count:
 * they hold from the next session on. */
bool negotiate_open_differs(const struct open_message *before, const struct open_message *after);

/* RFC 4271 6.2 as far as it needs configuration, RFC 6286, RFC 9234. data_out backs the data of the
 * NOTIFICATION. */
struct wire_error negotiate_check_open(const struct core *core,
                                       const struct neighbor_settings *settings,
                                       const struct open_message *local,
                                       const struct open_message *remote,
                                       uint8_t data_out[AFI_SAFI_COUNT * MP_CAPABILITY_BYTES]);

/* The families both sides speak. */
uint32_t negotiate_common_families(const struct open_message *local,
                                   const struct open_message *remote);
void negotiate_update_options(const struct core *core, const struct neighbor_settings *settings,
                              const struct open_message *local, const struct open_message *remote,
                              struct update_options *options_out);

/* min(ours, theirs); 0 switches the timer off. */
uint32_t negotiate_hold_time_s(const struct open_message *local, const struct open_message *remote);

/* RFC 4271 4.4: a third of the hold time at most, a second at least; the configured interval when
 * it is shorter. */
struct mono_span negotiate_keepalive(uint32_t hold_time_s, uint32_t configured_s);

#endif
