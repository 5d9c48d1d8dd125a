/* What strongSwan says about one tunnel's SAs, heard over its VICI socket: events as they happen,
 * a full list at the start, after every event and now and then. */
#ifndef BGPD_IO_VICI_WATCH_H
#define BGPD_IO_VICI_WATCH_H

#include <ev.h>

#include "bgpd/io/evidence.h"

struct vici_watch;

/* Copies what it needs of tunnel. Facts come from the loop, never from within this call. */
struct vici_watch *vici_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                  uint16_t tunnel_number, const struct config_tunnel *tunnel);
void vici_watch_free(struct vici_watch *watch);

#endif
