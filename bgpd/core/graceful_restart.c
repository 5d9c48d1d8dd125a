#include "bgpd/core/graceful_restart.h"

#include "bgpd/core/peer.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"

/* Peers that restart with us are back within seconds, since we call them; who is not back by then
 * is not waited for, so that a dead one does not freeze the choice among the others. */
#define RETURN_S       15
#define BFD_S          5 /* two ends that send once a second find each other */
#define SELECT_DEFER_S 360u
#define RESTART_TIME_S 120u
#define CHECK_EVERY_S  1

static uint32_t configured_s(const struct core *core, struct opt_u32 value, uint32_t built_in)
{
    return core->config != NULL && value.is_set ? value.value : built_in;
}

/* RFC 4724 4.1: End-of-RIB is waited for from those that speak graceful restart and have not
 * restarted themselves. */
static bool owes_end_of_rib(const struct core *core, const struct peer *peer,
                            enum afi_safi afi_safi)
{
    const struct capabilities *remote = &peer->remote_open.capabilities;
    struct snapshot_peer_family family = {0};
    if ((peer->families & AFI_SAFI_BIT(afi_safi)) == 0 || !remote->graceful_restart ||
        remote->restart_state) {
        return false;
    }
    routes_peer_snapshot(core, peer, afi_safi, &family);
    return !family.end_of_rib_received;
}

static bool is_waited_for(const struct core *core, const struct peer *peer, enum afi_safi afi_safi)
{
    const struct config_neighbor *merged = &peer->settings.merged;
    if (peer_is_established(peer)) {
        return owes_end_of_rib(core, peer, afi_safi);
    }
    return !mono_reached(core->restart.return_deadline, core->now) && !peer_is_admin_down(peer) &&
           !peer->session->is_prefix_limited && merged->families[afi_safi].activate.value &&
           merged->graceful_restart.value && !merged->graceful_restart_disable.value;
}

static bool anybody_is_waited_for(const struct core *core, enum afi_safi afi_safi)
{
    for (uint32_t i = 0; i < peer_count(core); i++) {
        if (is_waited_for(core, peer_by_index(core, i), afi_safi)) {
            return true;
        }
    }
    return false;
}

static void end_deferral(struct core *core, enum afi_safi afi_safi, const char *why)
{
    core->restart.is_deferred[afi_safi] = false;
    core_log(core, LOG_CONFIG, LOG_SEVERITY_INFO, NULL, NULL,
             "graceful restart: %s paths are chosen from now on: %s", afi_safi_title(afi_safi),
             why);
    routes_deferral_ended(core);
    if (!restart_defers_any(core)) {
        timer_stop(&core->timers, &core->restart.timer);
    }
}

void restart_check(struct core *core)
{
    struct restart *restart = &core->restart;
    bool is_late = mono_reached(restart->defer_deadline, core->now);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (!restart->is_deferred[family]) {
            continue;
        }
        if (is_late) {
            end_deferral(core, family, "select-defer-time is over");
        } else if (!anybody_is_waited_for(core, family)) {
            end_deferral(core, family, "nobody's routes are waited for any more");
        }
    }
}

static void check_due(struct core *core, struct timer *timer)
{
    core->peers->needs_retry = core->peers->needs_retry || !restart_waits_for_bfd(core);
    restart_check(core);
    if (restart_defers_any(core)) {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_s(CHECK_EVERY_S)));
    }
}

void restart_begin(struct core *core)
{
    struct restart *restart = &core->restart;
    const struct config_bgp *bgp = &core->config->bgp;
    uint32_t defer_s = configured_s(core, bgp->gr_select_defer_time_s, SELECT_DEFER_S);
    uint32_t restart_s = configured_s(core, bgp->gr_restart_time_s, RESTART_TIME_S);
    restart->bfd_deadline = mono_add(core->now, mono_span_s(BFD_S));
    restart->return_deadline = mono_add(core->now, mono_span_s(RETURN_S));
    restart->defer_deadline = mono_add(core->now, mono_span_s(defer_s));
    restart->preserved_until = mono_add(core->now, mono_span_s(restart_s));
    restart->has_preserved = true;
    restart->timer.expired = check_due;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        restart->is_deferred[family] = defer_s != 0;
    }
    if (defer_s != 0) {
        timer_start(&core->timers, &restart->timer,
                    mono_add(core->now, mono_span_s(CHECK_EVERY_S)));
    }
}

void restart_abandon(struct core *core, const char *why)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (core->restart.is_deferred[family]) {
            end_deferral(core, family, why);
        }
    }
}

void restart_fini(struct core *core)
{
    timer_stop(&core->timers, &core->restart.timer);
}

bool restart_defers(const struct core *core, enum afi_safi afi_safi)
{
    return core->restart.is_deferred[afi_safi];
}

bool restart_defers_any(const struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (core->restart.is_deferred[family]) {
            return true;
        }
    }
    return false;
}

bool restart_waits_for_bfd(const struct core *core)
{
    return restart_defers_any(core) && !mono_reached(core->restart.bfd_deadline, core->now);
}

void restart_mark_open(const struct core *core, const struct peer *peer,
                       struct capabilities *capabilities)
{
    const struct restart *restart = &core->restart;
    bool is_preserved =
        peer->session->established_count != 0 ||
        (restart->has_preserved && !mono_reached(restart->preserved_until, core->now));
    capabilities->restart_state = capabilities->gr_families != 0 && restart_defers_any(core);
    capabilities->gr_forwarding = is_preserved ? capabilities->gr_families : 0;
    capabilities->llgr_forwarding = is_preserved ? capabilities->llgr_families : 0;
}

/* ---- Helping others ---- */

uint32_t helped_families(const struct peer *peer)
{
    const struct capabilities *local = &peer->local_open.capabilities;
    const struct capabilities *remote = &peer->remote_open.capabilities;
    return local->graceful_restart && remote->graceful_restart
               ? remote->gr_families & peer->families
               : 0;
}

uint32_t preserved_families(const struct peer *peer)
{
    return helped_families(peer) & peer->remote_open.capabilities.gr_forwarding;
}

uint32_t long_lived_time_s(const struct peer *peer, enum afi_safi afi_safi)
{
    const struct capabilities *local = &peer->local_open.capabilities;
    const struct capabilities *remote = &peer->remote_open.capabilities;
    uint32_t families = helped_families(peer) & remote->llgr_families;
    if (!local->long_lived_gr || !remote->long_lived_gr ||
        (families & AFI_SAFI_BIT(afi_safi)) == 0) {
        return 0;
    }
    uint32_t ours_s = local->llgr_stale_time_s[afi_safi];
    uint32_t theirs_s = remote->llgr_stale_time_s[afi_safi];
    return ours_s < theirs_s ? ours_s : theirs_s;
}

uint32_t long_preserved_families(const struct peer *peer)
{
    const struct capabilities *remote = &peer->remote_open.capabilities;
    return helped_families(peer) & remote->llgr_families & remote->llgr_forwarding;
}

bool notification_is_agreed_on(const struct peer *peer)
{
    return peer->local_open.capabilities.restart_notification &&
           peer->remote_open.capabilities.restart_notification;
}

bool notification_is_hard(const struct notification *notification)
{
    if (notification->code != NOTIFICATION_CEASE) {
        return false;
    }
    switch (notification->subcode) {
    case CEASE_MAX_PREFIXES:
    case CEASE_ADMIN_SHUTDOWN:
    case CEASE_DECONFIGURED:
    case CEASE_ADMIN_RESET:
    case CEASE_OUT_OF_RESOURCES:
    case CEASE_HARD_RESET:
    case CEASE_BFD_DOWN:
        return true;
    default:
        return false;
    }
}

bool received_notification_is_hard(const struct notification *notification)
{
    return notification->code == NOTIFICATION_CEASE &&
           (notification->subcode == CEASE_HARD_RESET || notification->subcode == CEASE_BFD_DOWN);
}
