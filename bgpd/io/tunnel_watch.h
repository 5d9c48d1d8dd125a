/* The evidence about every tunnel that is being gathered, by the sources its configuration names.
 * Facts come from the loop as EVENT_TUNNEL_FACT, never from within one of these calls. */
#ifndef BGPD_IO_TUNNEL_WATCH_H
#define BGPD_IO_TUNNEL_WATCH_H

#include <ev.h>

#include "bgpd/io/ack_watch.h"
#include "bgpd/io/evidence.h"

struct tunnel_watch;

/* connections: where the sessions of the tunnels' probes are found. */
struct tunnel_watch *tunnel_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                      const struct ack_source *connections);
void tunnel_watch_free(struct tunnel_watch *watch);

/* Carries out ACTION_TUNNEL_WATCH. A source whose settings stay as they were goes on undisturbed.
 */
void tunnel_watch_set(struct tunnel_watch *watch, const struct tunnel_watch_action *action);

#endif
