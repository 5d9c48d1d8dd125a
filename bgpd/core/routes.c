/* The route engine's front: life of peers' routes, the work loop, what changes when the
 * configuration or a next hop does. What is imported, originated, walked, exported and packed is in
 * the files named in routes_private.h. */
#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/routes_private.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* A restarting peer's routes are kept this long when neither side says otherwise (RFC 4724 4.2). */
#define STALE_TIME_S_DEFAULT 360u

static void nexthop_released(void *context, struct nexthop *nexthop)
{
    nexthop_untrack(context, nexthop);
}

void routes_init(struct core *core)
{
    ASSERT(core->routes == NULL);
    struct route_engine *engine = mem_alloc(MEM_ROUTE, sizeof *engine);
    core->routes = engine;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        list_init(&engine->groups[family]);
        bitset_init(&engine->fib_refused[family]);
        bitset_init(&engine->discarded[family]);
    }
    engine->decision_applied = core->decision;
    attr_table_on_release(core->attrs, nexthop_released, core);
    walks_init(core);
    originate_init(core);
}

void routes_fini(struct core *core)
{
    struct route_engine *engine = core->routes;
    if (engine == NULL) {
        return;
    }
    groups_fini(core);
    conditions_fini(core);
    aggregates_fini(core);
    announce_classes_fini(core);
    originate_fini(core);
    walks_fini(core);
    forward_fini(core);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        bitset_fini(&engine->fib_refused[family]);
        out_paths_free(engine->out_paths[family]);
    }
    mem_free(MEM_ROUTE, engine);
    core->routes = NULL;
}

uint32_t routes_cluster_id(const struct core *core)
{
    const struct config *config = core->config;
    return config != NULL && config->bgp.cluster_id.is_set ? config->bgp.cluster_id.value
                                                           : core->router_id;
}

bool route_is_hidden(const struct core *core, enum afi_safi afi_safi, uint16_t source,
                     const struct attr_set *accepted)
{
    const struct route_engine *engine = core->routes;
    if (source == engine->anchor_source[afi_safi]) {
        return true;
    }
    if (accepted != NULL) {
        return false;
    }
    for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
        if (source == engine->redistribute_source[afi_safi][kind]) {
            return true;
        }
    }
    return false;
}

/* ---- Peers ---- */

struct rib_source peer_source_value(const struct peer *peer, enum afi_safi afi_safi)
{
    const struct config_family *family = &peer->settings.merged.families[afi_safi];
    return (struct rib_source){
        .kind = peer->settings.is_ebgp ? SOURCE_PEER_EBGP : SOURCE_PEER_IBGP,
        .asn = peer->remote_open.asn,
        .router_id = peer->remote_open.router_id,
        .addr = peer->addr,
        .default_weight = family->weight.value,
        .has_default_weight = family->weight.is_set,
        .owner = (void *)(uintptr_t)peer,
    };
}

/* The routes of an ended session are removed in slices under the old source; a new session gets a
 * source of its own, so that neither waits for the other. */
static void family_detach_source(struct core *core, struct peer_family *family)
{
    if (family->source != 0) {
        walk_drain_source(core, family->afi_safi, family->source, false);
        family->source = 0;
    }
    family->is_stale = false;
    family->is_long_lived = false;
    family->is_outlived = false;
    timer_stop(&core->timers, &family->long_lived_timer);
}

void family_synchronized(struct core *core, struct peer_family *family)
{
    family->is_stale = false;
    family->is_outlived = false;
    timer_stop(&core->timers, &family->long_lived_timer);
    walk_drain_source(core, family->afi_safi, family->source, true);
}

/* RFC 9494 4.3: what is kept beyond the restart time is a last resort. 4.2: the time is not begun
 * anew by a break before End-of-RIB. */
static void family_keep_long(struct core *core, struct peer_family *family, uint32_t seconds)
{
    family->is_long_lived = true;
    if (!timer_is_armed(&family->long_lived_timer)) {
        timer_start(&core->timers, &family->long_lived_timer,
                    mono_add(core->now, mono_span_s(seconds)));
    }
    walk_wish_reimport(core, family->afi_safi, family->source);
    core_log(
        core, LOG_PEER_DOWN, LOG_SEVERITY_NOTICE, &family->peer->addr, NULL,
        "%s: it is not back in its restart time; its routes are kept as a last resort for %u s",
        afi_safi_title(family->afi_safi), seconds);
}

static void long_lived_timer_expired(struct core *core, struct timer *timer)
{
    struct peer_family *family = CONTAINER_OF(timer, struct peer_family, long_lived_timer);
    if (family->peer->routes->is_up) {
        family_synchronized(core, family);
        family->is_outlived = true;
    } else {
        family_detach_source(core, family);
    }
    peer_routes_forgotten(core);
}

static void stale_timer_expired(struct core *core, struct timer *timer)
{
    struct peer_routes *routes = CONTAINER_OF(timer, struct peer_routes, stale_timer);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = &routes->families[family];
        if (!pf->is_stale) {
            continue;
        }
        if (routes->is_up) {
            family_synchronized(core, pf);
        } else if (long_lived_time_s(routes->peer, family) != 0) {
            family_keep_long(core, pf, long_lived_time_s(routes->peer, family));
        } else {
            family_detach_source(core, pf);
        }
    }
    peer_routes_forgotten(core);
}

void routes_peer_new(struct core *core, struct peer *peer)
{
    (void)core;
    ASSERT(peer->routes == NULL);
    struct peer_routes *routes = mem_alloc(MEM_PEER, sizeof *routes);
    routes->peer = peer;
    routes->stale_timer.expired = stale_timer_expired;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = &routes->families[family];
        pf->peer = peer;
        pf->afi_safi = family;
        refresh_init(pf);
        pf->long_lived_timer.expired = long_lived_timer_expired;
        bitset_init(&pf->told);
        bitset_init(&pf->held);
        bitset_init(&pf->owed);
    }
    peer->routes = routes;
}

void routes_peer_free(struct core *core, struct peer *peer)
{
    struct peer_routes *routes = peer->routes;
    if (routes == NULL) {
        return;
    }
    routes_peer_down(core, peer, 0);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = &routes->families[family];
        bitset_fini(&pf->told);
        bitset_fini(&pf->held);
        bitset_fini(&pf->owed);
    }
    mem_free(MEM_PEER, routes);
    peer->routes = NULL;
}

static void family_up(struct core *core, struct peer *peer, enum afi_safi afi_safi)
{
    struct peer_family *pf = peer_family_of(peer, afi_safi);
    struct loc_rib *rib = core->ribs[afi_safi];
    struct rib_source value = peer_source_value(peer, afi_safi);
    peer_policy_resolve(core, peer, afi_safi, true, &pf->in);
    peer_policy_resolve(core, peer, afi_safi, false, &pf->out);
    if (pf->source != 0) {
        loc_rib_source_set(rib, pf->source, &value); /* stale routes of before the restart */
    } else if (loc_rib_source_add(rib, &value, &pf->source) != STATUS_OK) {
        pf->source = 0; /* routes_peer_update ends the session with Cease/Out of Resources */
    }
    pf->limit_reached = false;
    pf->limit_warned = false;
    pf->paths_limit_logged = false;
    pf->refused_unconnected = false;
    pf->maintenance_seen = false;
    pf->end_of_rib_received = false;
    pf->end_of_rib_sent = false;
    pf->end_of_rib_due = true;
    core->routes->awaits_end_of_rib = true;
    pf->early_count = 0;
    pf->early_done = false;
    pf->out_limit_warned = false;
    packer_update_self(core, pf);
    group_join(core, pf);
    pace_configure(core, pf);
}

uint32_t routes_stale_time_s(const struct core *core)
{
    const struct config *config = core->config;
    return config != NULL && config->bgp.gr_stale_time_s.is_set ? config->bgp.gr_stale_time_s.value
                                                                : STALE_TIME_S_DEFAULT;
}

void routes_peer_up(struct core *core, struct peer *peer)
{
    struct peer_routes *routes = peer->routes;
    ASSERT(routes != NULL);
    ASSERT(!routes->is_up);
    routes->is_up = true;
    bool has_stale = false;
    timer_stop(&core->timers, &routes->stale_timer);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = &routes->families[family];
        uint32_t preserved =
            pf->is_long_lived ? long_preserved_families(peer) : preserved_families(peer);
        if ((preserved & AFI_SAFI_BIT(family)) == 0) {
            family_detach_source(core,
                                 pf); /* RFC 4724 4.2: not preserved, or not spoken any more */
        }
        pf->is_long_lived = false; /* its timer runs on until End-of-RIB */
        has_stale = has_stale || pf->is_stale;
        if ((peer->families & AFI_SAFI_BIT(family)) != 0) {
            family_up(core, peer, family);
        }
    }
    if (has_stale) {
        timer_start(&core->timers, &routes->stale_timer,
                    mono_add(core->now, mono_span_s(routes_stale_time_s(core))));
    }
    if (routes_peer_has_output(core, peer)) {
        peer_wants_to_send(core, peer);
    }
}

/* RFC 4724 4.2: what was stale already when the session broke again has had its chance, unless it
 * may be kept longer (RFC 9494 4.2). */
static void family_keep(struct core *core, struct peer_family *family)
{
    struct loc_rib *rib = core->ribs[family->afi_safi];
    if (family->is_stale && !timer_is_armed(&family->long_lived_timer)) {
        (void)adj_rib_in_sweep_stale(rib, family->source, UINT32_MAX);
    }
    adj_rib_in_mark_stale(rib, family->source);
    family->is_stale = true;
}

void routes_peer_down(struct core *core, struct peer *peer, uint32_t kept_families)
{
    struct peer_routes *routes = peer->routes;
    if (routes == NULL) {
        return;
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = &routes->families[family];
        if (pf->group != NULL) {
            group_leave(core, pf);
        }
        refresh_stop(core, pf);
        if (pf->source == 0) {
            continue;
        }
        if ((kept_families & AFI_SAFI_BIT(family)) != 0 && !pf->is_outlived) {
            family_keep(core, pf);
        } else {
            family_detach_source(core, pf);
        }
    }
    routes->is_up = false;
    timer_stop(&core->timers, &routes->stale_timer);
    if (kept_families != 0) {
        uint32_t restart_s = peer->remote_open.capabilities.restart_time_s;
        timer_start(&core->timers, &routes->stale_timer,
                    mono_add(core->now, mono_span_s(restart_s)));
    }
}

bool routes_peer_is_kept(const struct peer *peer)
{
    bool is_kept = false;
    for (unsigned family = 0; peer->routes != NULL && family < AFI_SAFI_COUNT; family++) {
        is_kept = is_kept || (peer->routes->families[family].is_stale && !peer->routes->is_up);
    }
    return is_kept;
}

void routes_peer_soft_in(struct core *core, struct peer *peer, uint32_t families)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = peer_family_of(peer, family);
        if ((families & AFI_SAFI_BIT(family)) != 0 && pf->source != 0) {
            pf->limit_warned = false;
            walk_wish_reimport(core, family, pf->source);
        }
    }
}

void routes_peer_soft_out(struct core *core, struct peer *peer, uint32_t families)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = peer_family_of(peer, family);
        if ((families & AFI_SAFI_BIT(family)) == 0 || pf->group == NULL) {
            continue;
        }
        adj_rib_out_reader_rewind(pf->group->out, pf->reader);
        pace_skip_pause(core, pf);
        if (refresh_may_be_marked(pf)) {
            pf->refresh_begin_due = true;
            pf->refresh_end_due = true;
        }
        peer_wants_to_send(core, peer);
    }
}

bool routes_peer_has_output(const struct core *core, const struct peer *peer)
{
    if (peer->routes == NULL || !peer->routes->is_up) {
        return false;
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (packer_has_output(core, peer_family_of(peer, family))) {
            return true;
        }
    }
    return false;
}

/* ---- Work ---- */

/* Policies that look at next hops see them change although the best path is the same. */
static void export_after_nexthop(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    LIST_FOREACH(node, &core->routes->groups[afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        if (group->key.policy.uses_nexthop) {
            export_dest_to(core, group, dest);
        }
    }
}

static void decide_dest(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    struct loc_rib *rib = core->ribs[afi_safi];
    struct prefix prefix = dest_prefix(rib, dest);
    uint32_t allowed = core->protections != NULL
                           ? protection_allowed_classes(core->protections, &prefix)
                           : PATH_CLASS_ANY;
    bool has_routes = dest_has_routes(rib, dest);
    struct decision_result result;
    decision_run(rib, dest, allowed, &core->decision, &result);
    uint32_t best_number = result.used_count == 0 ? 0 : result.used[0];
    fib_notice_prefix(core, &prefix);
    if (result.best_changed) {
        aggregates_dest_changed(core, afi_safi, &prefix);
    }
    if (!has_routes && loc_rib_find(rib, &prefix) != dest) {
        return; /* neither kernel nor peers held anything of it */
    }
    if (result.forwarding_changed) {
        forward_dest(core, afi_safi, dest, &result);
    }
    if (result.forwarding_changed && !list_is_empty(&core->routes->conditions)) {
        conditions_dest_changed(core, afi_safi, dest);
    }
    if (result.best_changed) {
        export_decided(core, afi_safi, dest, &prefix, best_number);
        return;
    }
    if (result.forwarding_changed) {
        export_after_nexthop(core, afi_safi, dest);
    }
    export_dest_paths(core, afi_safi, dest);
}

static uint32_t decide_some(struct core *core, uint32_t work_max)
{
    uint32_t used = 0;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        while (used < work_max && !restart_defers(core, family)) {
            dest_id dest = loc_rib_take_dirty(core->ribs[family]);
            if (dest == 0) {
                break;
            }
            decide_dest(core, family, dest);
            used++;
        }
    }
    return used;
}

bool routes_has_work(const struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if (loc_rib_has_dirty(core->ribs[family]) && !restart_defers(core, family)) {
            return true;
        }
    }
    return core->routes->has_news || conditions_have_work(core) || core->routes->has_stale_covers ||
           walks_have_work(core) || aggregates_have_work(core);
}

bool routes_work(struct core *core, uint32_t work_max)
{
    /* Decisions first, but a storm of them leaves half of the slice to the walks. */
    uint32_t half = work_max > 1 ? work_max - work_max / 2 : work_max;
    uint32_t used = decide_some(core, half);
    used += conditions_work(core, work_max - used);
    used += walks_work(core, work_max - used);
    if (used < work_max) {
        used += aggregates_work(core, work_max - used);
    }
    if (used < work_max) {
        decide_some(core, work_max - used);
    }
    announce_work(core);
    groups_tell_news(core);
    return routes_has_work(core);
}

/* ---- Changes from outside ---- */

void routes_nexthop_changed(struct core *core, const struct nexthop *nexthop)
{
    walk_wish_nexthop(core, nexthop);
}

void routes_deferral_ended(struct core *core)
{
    core->routes->has_news = true; /* what waits was no work until now; End-of-RIB may be due */
}

void routes_fib_state(struct core *core, enum afi_safi afi_safi, dest_id dest, bool is_installed)
{
    /* Announcing does not wait for the kernel; it is kept for show. */
    struct bitset *refused = &core->routes->fib_refused[afi_safi];
    if (is_installed) {
        bitset_remove(refused, dest);
    } else {
        bitset_add(refused, dest);
    }
}

/* ---- For snapshot.h ---- */

/* When stale routes go at the latest. */
static struct mono_time stale_until(const struct peer_family *family)
{
    const struct timer *restart = &family->peer->routes->stale_timer;
    const struct timer *long_lived = &family->long_lived_timer;
    if (!timer_is_armed(long_lived)) {
        return restart->deadline;
    }
    return timer_is_armed(restart) ? mono_earlier(restart->deadline, long_lived->deadline)
                                   : long_lived->deadline;
}

void routes_peer_snapshot(const struct core *core, const struct peer *peer, enum afi_safi afi_safi,
                          struct snapshot_peer_family *out)
{
    if (peer->routes == NULL) {
        return;
    }
    const struct peer_family *pf = peer_family_of(peer, afi_safi);
    out->received = 0;
    out->accepted = 0;
    if (pf->source != 0) {
        out->received = loc_rib_source_routes(core->ribs[afi_safi], pf->source);
        out->accepted = loc_rib_source_accepted(core->ribs[afi_safi], pf->source);
    }
    out->sent = pf->told_count;
    out->end_of_rib_received = pf->end_of_rib_received;
    out->end_of_rib_sent = pf->end_of_rib_sent;
    out->limit_reached = pf->limit_reached;
    out->is_stale = pf->is_stale;
    out->is_long_lived = pf->is_long_lived;
    out->stale_until = stale_until(pf);
    out->update_group = 0;
    out->queued_out = 0;
    out->condition_is_met = pf->group != NULL && condition_is_met(&pf->group->key);
    if (pf->group != NULL) {
        out->update_group = pf->group->number;
        out->queued_out = adj_rib_out_reader_backlog(pf->group->out, pf->reader);
    }
}

void routes_snapshot_global(const struct core *core, struct snapshot_global *out)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        const struct loc_rib *rib = core->ribs[family];
        out->table_version[family] = loc_rib_version(rib);
        out->dest_count[family] = loc_rib_offered_count(rib);
        out->route_count[family] = loc_rib_route_count(rib);
    }
    out->attr_set_count = attr_table_count(core->attrs);
    out->rib_bytes = (uint64_t)(mem_bytes(MEM_ATTR_SET) + mem_bytes(MEM_PREFIX_INDEX) +
                                mem_bytes(MEM_ROUTE) + mem_bytes(MEM_ADJ_RIB_OUT));
    out->is_busy = routes_has_work(core);
}
