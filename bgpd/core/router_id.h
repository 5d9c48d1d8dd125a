/* The router id: configured, or chosen once from our own addresses (the highest on a loopback, else
 * the highest of all) and then kept: a session is not reset because an address came. */
#ifndef BGPD_CORE_ROUTER_ID_H
#define BGPD_CORE_ROUTER_ID_H

#include "bgpd/core/core_private.h"

void router_id_init(struct core *core);
void router_id_fini(struct core *core);

/* Links, addresses and the end of a kernel dump: sets core->router_id when it is time to. */
void router_id_on_event(struct core *core, const struct core_event *event);

/* After core->config was replaced: sets core->router_id. */
void router_id_apply_config(struct core *core);

#endif
