/* `clear bgp`: an operator wants a session, or its routes, looked at anew. */
#include "bgpd/core/peer.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"

static bool clear_one(struct core *core, struct peer *peer, uint32_t families, enum clear_kind kind,
                      const char *message)
{
    if (kind == CLEAR_HARD) {
        if (peer_is_admin_down(peer)) {
            return false;
        }
        session_restart(core, peer, CEASE_ADMIN_RESET, message, "cleared by the operator");
        return true;
    }
    if (!peer_is_established(peer)) {
        return false;
    }
    families = families == 0 ? peer->families : families & peer->families;
    if (kind != CLEAR_SOFT_OUT) {
        routes_peer_soft_in(core, peer, families);
    }
    if (kind != CLEAR_SOFT_IN) {
        routes_peer_soft_out(core, peer, families);
    }
    return true;
}

uint32_t core_clear(struct core *core, struct mono_time now, const struct ip_addr *peer_addr,
                    uint32_t families, enum clear_kind kind, const char *message)
{
    uint32_t touched = 0;
    if (mono_before(core->now, now)) {
        core->now = now;
    }
    if (core->is_stopping) {
        return 0;
    }
    for (uint32_t i = 0; i < core->peers->count; i++) {
        struct peer *peer = core->peers->by_addr[i];
        if (peer_addr->family == IP_NONE || ip_equal(peer_addr, &peer->addr)) {
            touched += clear_one(core, peer, families, kind, message) ? 1 : 0;
        }
    }
    peers_reap(core);
    return touched;
}
