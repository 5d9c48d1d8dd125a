/* Refreshes that a peer asks for or sends (RFC 2918, RFC 7313). Between BoRR and EoRR the peer says
 * again all that it has; what it leaves out is gone at EoRR, or when EoRR does not come in time. */
#include "bgpd/core/routes_private.h"
#include "proto/base/assert.h"

/* RFC 7313 4 lets us bound the wait for EoRR: a full table takes seconds, a slow peer minutes. */
#define REFRESH_TIME_S 360

static bool is_enhanced(const struct peer *peer)
{
    return peer->local_open.capabilities.enhanced_refresh &&
           peer->remote_open.capabilities.enhanced_refresh;
}

static bool has_graceful_restart(const struct peer *peer)
{
    return peer->local_open.capabilities.graceful_restart &&
           peer->remote_open.capabilities.graceful_restart;
}

static void sweep(struct core *core, const struct peer_family *family)
{
    walk_drain_source(core, family->afi_safi, family->source, true);
}

static void on_refresh_timer(struct core *core, struct timer *timer)
{
    struct peer_family *family = CONTAINER_OF(timer, struct peer_family, refresh_timer);
    if (family->source == 0) {
        return;
    }
    core_log(core, LOG_PEER_ERROR, LOG_SEVERITY_WARNING, &family->peer->addr, NULL,
             "%s: no end of its route refresh after %d s: what it did not send again is withdrawn",
             afi_safi_title(family->afi_safi), REFRESH_TIME_S);
    sweep(core, family);
}

void refresh_init(struct peer_family *family)
{
    family->refresh_timer.expired = on_refresh_timer;
}

void refresh_stop(struct core *core, struct peer_family *family)
{
    timer_stop(&core->timers, &family->refresh_timer);
}

bool refresh_may_be_marked(const struct peer_family *family)
{
    /* RFC 7313 4: with graceful restart no BoRR goes before End-of-RIB. */
    return is_enhanced(family->peer) &&
           (family->end_of_rib_sent || !has_graceful_restart(family->peer));
}

static void begin(struct core *core, struct peer_family *family)
{
    if (has_graceful_restart(family->peer) && !family->end_of_rib_received) {
        return; /* RFC 7313 4: such a BoRR is ignored */
    }
    adj_rib_in_mark_stale(core->ribs[family->afi_safi], family->source);
    timer_start(&core->timers, &family->refresh_timer,
                mono_add(core->now, mono_span_s(REFRESH_TIME_S)));
}

static void end(struct core *core, struct peer_family *family)
{
    if (timer_is_armed(&family->refresh_timer)) { /* RFC 7313 4: else it has no BoRR */
        timer_stop(&core->timers, &family->refresh_timer);
        sweep(core, family);
    }
}

void routes_peer_refresh(struct core *core, struct peer *peer, const struct route_refresh *refresh)
{
    if (refresh->afi_safi >= AFI_SAFI_COUNT || !peer->routes->is_up) {
        return;
    }
    struct peer_family *family = peer_family_of(peer, refresh->afi_safi);
    if (family->source == 0) {
        return;
    }
    switch (refresh->kind) {
    case ROUTE_REFRESH_REQUEST:
        routes_peer_soft_out(core, peer, AFI_SAFI_BIT(refresh->afi_safi));
        break;
    case ROUTE_REFRESH_BEGIN:
        begin(core, family);
        break;
    case ROUTE_REFRESH_END:
        end(core, family);
        break;
    default:
        break; /* RFC 7313 5: unknown kinds are ignored */
    }
}
