/* Security associations in the kernel as evidence about tunnels: all of them at the start and after
 * an overrun, then changes as they come. One socket serves all tunnels. */
#ifndef BGPD_IO_XFRM_WATCH_H
#define BGPD_IO_XFRM_WATCH_H

#include <ev.h>

#include "bgpd/io/evidence.h"

struct xfrm_watch;

struct xfrm_watch *xfrm_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks);
void xfrm_watch_free(struct xfrm_watch *watch);

/* Takes one tunnel on, or its changed settings. Facts come from the loop, never from within. */
void xfrm_watch_put(struct xfrm_watch *watch, uint16_t tunnel_number,
                    const struct config_tunnel *tunnel);
void xfrm_watch_remove(struct xfrm_watch *watch, uint16_t tunnel_number);

#endif
