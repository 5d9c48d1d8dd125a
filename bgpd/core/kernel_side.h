/* Everything between the tables and the kernel: links and addresses, next-hop resolution, tunnels,
 * pins, guards, next-hop objects and FIB routes. */
#ifndef BGPD_CORE_KERNEL_SIDE_H
#define BGPD_CORE_KERNEL_SIDE_H

#include "bgpd/core/core_private.h"
#include "rib/loc_rib.h"
#include "rib/nexthop.h"

void kernel_side_init(struct core *core);
void kernel_side_fini(struct core *core);

/* Guards first, then tunnels, pins, static routes. core->config is the new one already. */
void kernel_side_apply_config(struct core *core, const struct config *old);

/* EVENT_LINK .. EVENT_BFD_STATE. */
void kernel_side_on_event(struct core *core, const struct core_event *event);

/* Stop: withdraws our kernel state in an order that never exposes a protected prefix (BGP routes,
 * then inner-peer pins, then endpoint pins; guards stay), or leaves it for adoption. */
void kernel_side_stop(struct core *core, bool keep_routes);

/* ---- Next hops ---- */

/* Tracks addr; counted: owes one nexthop_untrack. via_tunnel (1-based) or via_ifindex, when not 0,
 * bind it: it then resolves only that way. The same three give the same object. */
struct nexthop *nexthop_track(struct core *core, const struct ip_addr *addr, uint16_t via_tunnel,
                              uint32_t via_ifindex);
void nexthop_untrack(struct core *core, struct nexthop *nexthop);

/* Name of the interface a resolved next hop leaves through (the first leg's); NULL when unresolved.
 */
const char *nexthop_interface_name(const struct core *core, const struct nexthop *nexthop);

/* ---- Forwarding ---- */

/* What the kernel should do for dest from now on: the used paths' next hops and the backup. Uses
 * dest core words 0 and 1. With used_count 0 the route is withdrawn (guards catch protected
 * destinations). */
void fib_sync_dest(struct core *core, enum afi_safi afi_safi, dest_id dest,
                   const struct decision_result *result);

/* Some path of prefix changed, whether or not forwarding of it did: recursive next hops and tunnel
 * endpoints inside it are looked at again. For every destination decided. O(log next hops). */
void fib_notice_prefix(struct core *core, const struct prefix *prefix);

/* A discard route for prefix on behalf of BGP, in the place and with the administrative distance
 * that a route of BGP would have; note is shown, up to 63 octets. No next hop resolves through it,
 * and static routes, pins and guards keep what they have. */
void kernel_discard_put(struct core *core, const struct prefix *prefix, uint8_t distance,
                        const char *note);
void kernel_discard_remove(struct core *core, const struct prefix *prefix);

/* ---- Facts for sessions and announcements ---- */

/* False until the kernel has told all that it has: only then is it clear whether this is a restart
 * over routes of an earlier run. */
bool kernel_is_known(const struct core *core);

bool kernel_is_local_addr(const struct core *core, const struct ip_addr *addr);

/* The interface whose connected prefix contains addr; 0 when there is none up. */
uint32_t kernel_connected_interface(const struct core *core, const struct ip_addr *addr);
bool kernel_interface_is_up(const struct core *core, uint32_t ifindex);

/* NULL when unknown. Borrowed. */
const char *kernel_interface_name(const struct core *core, uint32_t ifindex);
uint32_t kernel_interface_by_name(const struct core *core, const char *name);

/* First address of family on an interface; IP_NONE when there is none. */
struct ip_addr kernel_interface_addr(const struct core *core, uint32_t ifindex, uint8_t family);

/* Its first IPv6 link-local address; IP_NONE when there is none. */
struct ip_addr kernel_interface_link_local(const struct core *core, uint32_t ifindex);

/* Class of an interface: configured, a tunnel's, or by its kind (xfrm: ipsec, macsec: macsec). */
enum path_class kernel_interface_class(const struct core *core, uint32_t ifindex);

/* Class of what is sent to addr by a session to it (bound to via_tunnel when not 0); false when
 * there is no way to it now. */
bool kernel_session_class(const struct core *core, const struct ip_addr *addr, uint16_t via_tunnel,
                          enum path_class *class_out);

/* 1-based numbers into core->config->tunnels. The interface index is 0 while it is absent. */
bool kernel_tunnel_is_alive(const struct core *core, uint16_t tunnel_number);
uint32_t kernel_tunnel_ifindex(const struct core *core, uint16_t tunnel_number);
/* True when it is dead, or was at some time since then. */
bool kernel_tunnel_was_dead(const struct core *core, uint16_t tunnel_number,
                            struct mono_time since);

/* A session with addr has just come up: the way to it works, whatever BFD said before. BFD that has
 * gone down with the last session and stays away is then no reason to leave the way unused (the far
 * end may have been started without it); when it comes back and falls again, that counts anew. */
void kernel_gateway_answers(struct core *core, const struct ip_addr *addr);

/* Why a session to this peer cannot be opened now, for show ("no route to 10.51.230.12: tunnel
 * ipsec0 has no interface"); NULL when nothing stands in the way. Text lives until the next call.
 */
const char *kernel_session_obstacle(const struct core *core, const struct ip_addr *addr,
                                    uint16_t via_tunnel);

/* Our addresses changed: probes through tunnels may have to come from another one. */
void kernel_probes_update(struct core *core);

/* A session that runs through the tunnel became Established or ceased to be. */
void kernel_tunnel_session_changed(struct core *core, uint16_t tunnel_number);

/* True when the acknowledgements of the sessions in the tunnel are evidence about it, so that there
 * must be something to acknowledge. */
bool kernel_tunnel_needs_acks(const struct core *core, uint16_t tunnel_number);

#endif
