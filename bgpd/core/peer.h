/* Peers: settings, session state and counters. The session machine is here (fsm.c drives it); what
 * a peer says about routes goes to routes.h. */
#ifndef BGPD_CORE_PEER_H
#define BGPD_CORE_PEER_H

#include "bgpd/core/core_private.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/buffer.h"
#include "proto/message.h"
#include "proto/open.h"
#include "proto/update.h"

struct peer_session; /* connections, FSM and timers: private to the session files */
struct peer_routes;  /* groups, counters of routes: private to the route files */

struct peer {
    uint16_t number; /* 1-based slot, stable while the peer exists */
    struct ip_addr addr;
    struct neighbor_settings settings; /* strings borrowed from core->config */
    enum peer_state state;             /* of the leading connection */
    bool is_dynamic;                   /* made by a listen range */

    /* Of the Established session; meaningless otherwise. */
    struct open_message remote_open; /* raw_capabilities is not kept */
    struct open_message local_open;
    struct update_options update_options;
    uint32_t families; /* AFI_SAFI_BIT negotiated */
    struct ip_addr local_addr;
    bool has_own_source; /* local_addr was an address of an interface */
    uint32_t ifindex;    /* it runs over, when bound or directly connected; else 0 */
    struct mono_time established_at;

    struct peer_message_counts received;
    struct peer_message_counts sent;
    uint64_t treat_as_withdraw_count;
    uint64_t attr_discard_count;

    struct peer_session *session;
    struct peer_routes *routes;
};

/* Borrowed; NULL past the end. Index counts ascending addresses. */
struct peer *peer_by_index(const struct core *core, uint32_t index);
struct peer *peer_by_number(const struct core *core, uint16_t number);
struct peer *peer_find(const struct core *core, const struct ip_addr *addr);
uint32_t peer_count(const struct core *core);

/* ---- For the route side ---- */

/* Ends the session with this NOTIFICATION (code 0: none) and starts over after the idle hold time.
 * reason is for people: "maximum-prefix 4000 reached". */
void peer_reset(struct core *core, struct peer *peer, const struct notification *notification,
                const char *reason);

/* Keeps the peer in Idle (PfxCt) after a reset: for restart_after, or until cleared when NONE. */
void peer_hold_idle(struct core *core, struct peer *peer, struct mono_span restart_after,
                    const char *reason);

/* Routes that were kept beyond a session are gone: a dynamic peer may have to go now. */
void peer_routes_forgotten(struct core *core);

/* There is something to send: the session asks routes_peer_fill as its connection has room. */
void peer_wants_to_send(struct core *core, struct peer *peer);

/* Appends a ROUTE_REFRESH request to the session's output when the peer can do it; false when not.
 */
bool peer_request_refresh(struct core *core, struct peer *peer, enum afi_safi afi_safi);

/* ---- For the kernel side ---- */

/* Interface, address, tunnel or BFD state changed: directly connected and bound peers on it are
 * dropped, or tried again at once. */
void peers_on_interface_change(struct core *core, uint32_t ifindex, bool is_up);
void peers_on_bfd(struct core *core, const struct bfd_fact *fact);

/* An address of ours is gone: a session that runs from it is dead, whatever TCP and the hold timer
 * still believe, unless it is back within SESSION_SOURCE_GRACE_S. */
void peers_on_address_gone(struct core *core);

/* ---- For core.c and config_apply.c ---- */

void peers_init(struct core *core);
void peers_fini(struct core *core);
void peers_on_conn_event(struct core *core, const struct core_event *event);

/* Gives every running peer its settings under core->config, before kernel_side_apply_config and
 * routes_apply_config: both see new settings on the old set of peers. The strings of the settings
 * before live until the old configuration is freed, after peers_apply_config. */
void peers_resolve_config(struct core *core);

/* Compares with what runs: new peers start, gone ones get Cease 6/3, changed ones are reset only
 * when the change needs it, the others keep their session. old is NULL at first. */
void peers_apply_config(struct core *core, const struct config *old);

/* Cease 6/2 to everyone (or closing without a word when routes are to be kept by GR). */
void peers_stop(struct core *core, bool keep_routes);

#endif
