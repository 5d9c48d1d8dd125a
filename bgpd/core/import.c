/* From UPDATE bodies to adj-rib-in: disposition, loop checks, import policy, limits. What a policy
 * refuses is stored all the same, so that a changed policy needs nothing from the peer. */
#include <stdio.h>

#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/roles.h"
#include "bgpd/core/routes_private.h"
#include "proto/as_path.h"
#include "proto/base/assert.h"
#include "proto/community.h"

/* Paths over one circuit carry 12076 once; a drain puts eight more in front (azure.md 11). */
#define MAINTENANCE_ASN_COUNT 9u

/* One attribute set on its way through import; the outcome is shared by all prefixes that can. */
struct import_run {
    struct core *core;
    struct peer_family *family;
    struct attr_set *received;
    const struct path_attrs *view; /* of received */
    struct attr_set *shared;       /* outcome of a prefix-blind policy; owned, NULL when refused */
    bool has_shared;
    enum decision_reason reason; /* the set is refused whatever the prefix is */
};

void route_bind_nexthop(struct core *core, struct attr_set *set)
{
    if (attr_set_nexthop(set) != NULL) {
        return;
    }
    struct path_attrs view;
    attr_set_view(set, &view);
    if (!path_attrs_has(&view, PATH_ATTR_NEXT_HOP)) {
        return;
    }
    bool is_bound = (view.present & PATH_LOCAL_VIA) != 0;
    struct nexthop *nexthop = nexthop_track(core, &view.next_hop, is_bound ? view.via_tunnel : 0,
                                            is_bound ? view.via_ifindex : 0);
    if (nexthop != NULL) {
        attr_set_bind_nexthop(set, nexthop);
    }
}

/* ---- Checks of the set alone ---- */

static enum decision_reason import_loop_reason(const struct core *core,
                                               const struct peer_family *family,
                                               const struct path_attrs *view)
{
    const struct neighbor_settings *settings = &family->peer->settings;
    uint32_t allowed = settings->merged.families[family->afi_safi].allow_own_as.is_set
                           ? settings->merged.families[family->afi_safi].allow_own_as.value
                           : 0;
    if (as_path_occurrences(view->as_path, settings->local_asn) > allowed) {
        return DECISION_AS_LOOP;
    }
    if (core->config != NULL && core->config->bgp.asn != settings->local_asn &&
        as_path_occurrences(view->as_path, core->config->bgp.asn) > allowed) {
        return DECISION_AS_LOOP;
    }
    if (settings->is_ebgp) {
        return role_import_is_leak(settings->merged.role.value, family->peer->remote_open.asn, view)
                   ? DECISION_ROUTE_LEAK
                   : DECISION_NONE;
    }
    if (path_attrs_has(view, PATH_ATTR_ORIGINATOR_ID) && view->originator_id == core->router_id) {
        return DECISION_ORIGINATOR_LOOP; /* RFC 4456 8 */
    }
    if (path_attrs_has(view, PATH_ATTR_CLUSTER_LIST)) {
        uint32_t cluster_id = routes_cluster_id(core);
        for (size_t i = 0; i + 4 <= view->cluster_list.size; i += 4) {
            if (load_be32(view->cluster_list.data + i) == cluster_id) {
                return DECISION_CLUSTER_LOOP;
            }
        }
    }
    return DECISION_NONE;
}

/* RFC 4271 5.1.3: a directly connected eBGP peer names a next hop on a network of ours. */
static bool import_next_hop_is_connected(const struct core *core, struct peer_family *family,
                                         const struct path_attrs *view)
{
    const struct peer *peer = family->peer;
    const struct neighbor_settings *settings = &peer->settings;
    if (!settings->is_ebgp || settings->tunnel_number != 0 || peer->ifindex == 0 ||
        (settings->merged.ebgp_multihop.is_set && settings->merged.ebgp_multihop.value > 1) ||
        settings->merged.disable_connected_check.value || (view->present & PATH_LOCAL_VIA) != 0 ||
        !path_attrs_has(view, PATH_ATTR_NEXT_HOP) || ip_equal(&view->next_hop, &peer->addr)) {
        return true;
    }
    if (kernel_connected_interface(core, &view->next_hop) != 0) {
        return true;
    }
    family->refused_unconnected = true;
    return false;
}

/* ---- Policy ---- */

static struct policy_route import_policy_route(const struct import_run *run,
                                               const struct prefix *prefix)
{
    const struct peer *peer = run->family->peer;
    struct policy_route route = {
        .prefix = prefix,
        .peer_addr = peer->addr,
        .local_addr = peer->local_addr,
        .local_asn = peer->settings.local_asn,
        .protocol = POLICY_PROTOCOL_BGP,
    };
    if (run->family->in.uses_nexthop) {
        route_bind_nexthop(run->core, run->received);
        const struct nexthop *nexthop = attr_set_nexthop(run->received);
        if (nexthop != NULL &&
            (nexthop->state == NEXTHOP_RESOLVED || nexthop->state == NEXTHOP_TUNNEL_DOWN)) {
            route.has_path_class = true;
            route.path_class = nexthop->path_class;
            route.interface_name = nexthop_interface_name(run->core, nexthop);
        }
    }
    return route;
}

/* RFC 7999 3.2, 3.3: only where that was agreed on, for long prefixes, and not to be passed on. */
static bool import_blackhole(const struct import_run *run, const struct prefix *prefix,
                             struct path_attrs *edited)
{
    enum afi_safi afi_safi = run->family->afi_safi;
    const struct config_family *config = &run->family->peer->settings.merged.families[afi_safi];
    uint32_t length_min = config->blackhole_length_min.is_set
                              ? config->blackhole_length_min.value
                              : ip_family_bits(afi_safi_family(afi_safi));
    if (!config->accept_blackhole.value || prefix->len_bits < length_min ||
        !path_attrs_has_community(edited, COMMUNITY_BLACKHOLE)) {
        return false;
    }
    edited->present |= PATH_LOCAL_DISCARD;
    run->core->routes->has_blackholes = true;
    path_attrs_add_community(edited, &run->core->scratch, COMMUNITY_NO_EXPORT);
    return true;
}

/* RFC 9494 4.2, 4.3: what a neighbour that stays away said is marked for everybody, a mark given by
 * others survives the policy, and what carries it is used only when there is nothing else. */
static bool import_long_lived(const struct import_run *run, struct path_attrs *edited)
{
    if (run->family->is_long_lived || path_attrs_has_community(run->view, COMMUNITY_LLGR_STALE)) {
        path_attrs_add_community(edited, &run->core->scratch, COMMUNITY_LLGR_STALE);
    }
    if (!path_attrs_has_community(edited, COMMUNITY_LLGR_STALE)) {
        return false;
    }
    edited->present |= PATH_LOCAL_LAST;
    return true;
}

/* The route as it is accepted, owing an unref; NULL when the policy refuses it. */
static struct attr_set *import_apply_policy(struct import_run *run, const struct prefix *prefix)
{
    struct core *core = run->core;
    const struct neighbor_settings *settings = &run->family->peer->settings;
    struct path_attrs edited = *run->view;
    bool is_edited = false;
    if (settings->is_ebgp && settings->local_asn != core->config->bgp.asn &&
        !settings->merged.local_as_no_prepend) {
        edited.as_path = as_path_prepend(&core->scratch, edited.as_path, settings->local_asn, 1);
        is_edited = true;
    }
    if (settings->is_ebgp && (settings->merged.graceful_shutdown.value ||
                              path_attrs_has_community(&edited, COMMUNITY_GRACEFUL_SHUTDOWN))) {
        edited.local_pref = 0; /* RFC 8326 4: from either end of the session */
        path_attrs_set(&edited, PATH_ATTR_LOCAL_PREF);
        is_edited = true;
    }
    if (settings->is_ebgp && role_import_mark(settings->merged.role.value,
                                              run->family->peer->remote_open.asn, &edited)) {
        is_edited = true;
    }
    if (run->family->in.route_map != NULL) {
        struct policy_route route = import_policy_route(run, prefix);
        struct policy_verdict verdict =
            route_map_apply(run->family->in.route_map, &route, &edited, &core->scratch);
        if (!verdict.is_permit) {
            return NULL;
        }
        is_edited = is_edited || verdict.attrs_changed;
    }
    is_edited = import_blackhole(run, prefix, &edited) || is_edited;
    is_edited = import_long_lived(run, &edited) || is_edited;
    struct attr_set *set =
        is_edited ? attr_set_intern(core->attrs, &edited) : attr_set_ref(run->received);
    route_bind_nexthop(core, set);
    return set;
}

static void import_run_begin(struct import_run *run, struct core *core, struct peer_family *family,
                             struct attr_set *received, const struct path_attrs *view)
{
    *run = (struct import_run){.core = core, .family = family, .received = received, .view = view};
    run->reason = import_loop_reason(core, family, run->view);
    if (run->reason != DECISION_NONE) {
        return;
    }
    const struct peer_policy *policy = &family->in;
    if (policy->refuses_all || (policy->filter_list != NULL &&
                                !as_path_list_permits(policy->filter_list, run->view->as_path))) {
        run->reason = DECISION_POLICY_REJECTED;
        return;
    }
    if (!import_next_hop_is_connected(core, family, run->view)) {
        run->reason = DECISION_NEXTHOP_UNRESOLVED;
        return;
    }
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    if (policy->is_prefix_blind && !config->accept_blackhole.value) {
        static const struct prefix none = {0};
        run->shared = import_apply_policy(run, &none);
        run->has_shared = true;
        if (run->shared == NULL) {
            run->reason = DECISION_POLICY_REJECTED;
        }
    }
}

static void import_run_end(struct import_run *run)
{
    if (run->shared != NULL) {
        attr_set_unref(run->core->attrs, run->shared);
        run->shared = NULL;
    }
}

/* What the prefix itself is refused for. */
static bool import_prefix_is_refused(const struct import_run *run, const struct prefix *prefix)
{
    const struct peer_policy *policy = &run->family->in;
    const struct route_engine *engine = run->core->routes;
    enum afi_safi afi_safi = run->family->afi_safi;
    if (policy->prefix_list != NULL && !prefix_list_permits(policy->prefix_list, prefix)) {
        return true;
    }
    const struct neighbor_settings *settings = &run->family->peer->settings;
    return policy->has_role_default &&
           azure_import_refusal(settings->merged.azure_role, prefix, run->view,
                                engine->own_prefixes[afi_safi], engine->own_prefix_count[afi_safi],
                                settings->local_asn) != NULL;
}

static enum route_change import_store(struct import_run *run, const struct prefix *prefix,
                                      uint32_t path_id)
{
    struct loc_rib *rib = run->core->ribs[run->family->afi_safi];
    uint16_t source = run->family->source;
    struct mono_time now = run->core->now;
    enum decision_reason reason = run->reason;
    if (reason == DECISION_NONE && import_prefix_is_refused(run, prefix)) {
        reason = DECISION_POLICY_REJECTED;
    }
    if (reason != DECISION_NONE) {
        return adj_rib_in_put(rib, source, prefix, path_id, run->received, NULL, reason, now);
    }
    if (run->has_shared) {
        return adj_rib_in_put(rib, source, prefix, path_id, run->received, run->shared,
                              DECISION_NONE, now);
    }
    struct attr_set *accepted = import_apply_policy(run, prefix);
    enum route_change change =
        adj_rib_in_put(rib, source, prefix, path_id, run->received, accepted,
                       accepted == NULL ? DECISION_POLICY_REJECTED : DECISION_NONE, now);
    if (accepted != NULL) {
        attr_set_unref(run->core->attrs, accepted);
    }
    return change;
}

/* ---- One UPDATE ---- */

/* Prefixes of a message are taken in blocks, so that their waits for memory overlap with one
 * another and with what is done between the two steps. */
#define IMPORT_BLOCK_MAX 32u

struct import_block {
    struct nlri_run *run;
    unsigned count;
    struct nlri items[IMPORT_BLOCK_MAX];
};

/* False at the end of the run. */
static bool import_block_read(struct import_block *block, const struct loc_rib *rib)
{
    block->count = 0;
    while (block->count < IMPORT_BLOCK_MAX && nlri_next(block->run, &block->items[block->count])) {
        loc_rib_prefetch(rib, &block->items[block->count++].prefix);
    }
    return block->count != 0;
}

static void import_block_fetch(const struct import_block *block, const struct loc_rib *rib)
{
    for (unsigned i = 0; i < block->count; i++) {
        loc_rib_prefetch_dest(rib, &block->items[i].prefix);
    }
}

static enum afi_safi nlri_run_afi_safi(struct nlri_run run)
{
    return run.family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
}

static void import_withdraw_one(struct core *core, struct peer_family *family,
                                const struct nlri *nlri)
{
    struct loc_rib *rib = core->ribs[family->afi_safi];
    adj_rib_in_remove(rib, family->source, &nlri->prefix, nlri->path_id);
    if (!family->limit_reached) {
        return;
    }
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    if (loc_rib_source_routes(rib, family->source) < config->max_prefixes.value) {
        family->limit_reached = false;
        if (config->max_prefixes_action.value == PREFIX_LIMIT_HOLD) {
            /* What was refused, once more. */
            (void)peer_request_refresh(core, family->peer, family->afi_safi);
        }
    }
}

static void import_withdraw(struct core *core, struct peer *peer, struct nlri_run run)
{
    enum afi_safi afi_safi = nlri_run_afi_safi(run);
    struct peer_family *family = peer_family_of(peer, afi_safi);
    if (family->source == 0) {
        return;
    }
    struct import_block block;
    block.run = &run;
    while (import_block_read(&block, core->ribs[afi_safi])) {
        import_block_fetch(&block, core->ribs[afi_safi]);
        for (unsigned i = 0; i < block.count; i++) {
            import_withdraw_one(core, family, &block.items[i]);
        }
    }
}

/* Facts of the session that go with the routes into our tables. */
static void import_bind_session(const struct peer *peer, struct path_attrs *attrs)
{
    if (ip_is_unspecified(&attrs->next_hop) && attrs->next_hop_link_local.family == IP_V6) {
        attrs->next_hop = attrs->next_hop_link_local; /* RFC 2545 3: only a link-local address */
    }
    if (peer->settings.is_ebgp) {
        attrs->present |= PATH_LOCAL_PEER; /* internal neighbours may share what they all say */
        attrs->peer = peer->number;
    }
    if (peer->settings.tunnel_number != 0) {
        attrs->present |= PATH_LOCAL_VIA;
        attrs->via_tunnel = peer->settings.tunnel_number;
        attrs->via_ifindex = 0;
    } else if (ip_is_link_local(&attrs->next_hop) && peer->ifindex != 0) {
        attrs->present |= PATH_LOCAL_VIA;
        attrs->via_tunnel = 0;
        attrs->via_ifindex = peer->ifindex;
    }
}

/* MSEE drains show as eight more 12076 in front (azure.md 11); said once each way. */
static void import_note_maintenance(struct core *core, struct peer_family *family,
                                    const struct path_attrs *attrs)
{
    const struct neighbor_settings *settings = &family->peer->settings;
    if (settings->merged.azure_role != AZURE_ROLE_MSEE) {
        return;
    }
    bool is_seen =
        as_path_occurrences(attrs->as_path, settings->remote_asn) >= MAINTENANCE_ASN_COUNT;
    if (is_seen == family->maintenance_seen) {
        return;
    }
    family->maintenance_seen = is_seen;
    core_log(core, LOG_AZURE, LOG_SEVERITY_NOTICE, &family->peer->addr, NULL,
             is_seen ? "AS %u prepended eight times: this MSEE is being drained for maintenance, "
                       "traffic moves to the other link"
                     : "AS %u no longer prepended: maintenance of this MSEE is over",
             settings->remote_asn);
}

/* block holds the first prefixes of the run. */
static struct wire_error import_reachable(struct core *core, struct peer *peer,
                                          struct import_block *block, struct attr_set *received,
                                          const struct path_attrs *view, bool next_hop_unusable)
{
    enum afi_safi afi_safi = nlri_run_afi_safi(*block->run);
    struct peer_family *family = peer_family_of(peer, afi_safi);
    if (family->source == 0) {
        return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                                   .code = NOTIFICATION_CEASE,
                                   .subcode = CEASE_OUT_OF_RESOURCES,
                                   .what = "no room for more sources of routes"};
    }
    struct import_run run;
    import_run_begin(&run, core, family, received, view);
    if (next_hop_unusable && run.reason == DECISION_NONE) {
        run.reason = DECISION_NEXTHOP_UNRESOLVED; /* RFC 4271 6.3 */
    }
    import_note_maintenance(core, family, run.view);
    bool has_added = false;
    do {
        import_block_fetch(block, core->ribs[afi_safi]);
        for (unsigned i = 0; i < block->count; i++) {
            const struct nlri *nlri = &block->items[i];
            if (import_limit_allows(core, family, nlri) &&
                import_store(&run, &nlri->prefix, nlri->path_id) == ROUTE_ADDED) {
                has_added = true;
            }
        }
    } while (import_block_read(block, core->ribs[afi_safi]));
    import_run_end(&run);
    return has_added ? import_check_limit(core, family) : WIRE_NO_ERROR;
}

static void import_count_findings(struct core *core, struct peer *peer, struct byte_view body,
                                  const struct update *update)
{
    for (unsigned i = 0; i < update->minor_count; i++) {
        if (update->minor[i].disposition == WIRE_ATTR_DISCARD) {
            peer->attr_discard_count++;
        }
    }
    if (update->error.disposition == WIRE_TREAT_AS_WITHDRAW) {
        peer->treat_as_withdraw_count++;
        update_log_error(core, peer, body, update, "its routes are treated as withdrawn");
    } else if (update->error.disposition == WIRE_ATTR_DISCARD) {
        update_log_error(core, peer, body, update, "attribute discarded");
    }
}

/* RFC 4271 6.3: an eBGP path starts with the AS of the peer. */
static bool import_first_as_is_wrong(const struct peer *peer, const struct path_attrs *attrs)
{
    const struct neighbor_settings *settings = &peer->settings;
    return settings->is_ebgp && settings->merged.enforce_first_as.value &&
           as_path_first(attrs->as_path) != peer->remote_open.asn;
}

static void import_end_of_rib(struct core *core, struct peer *peer, uint32_t families)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = peer_family_of(peer, family);
        if ((families & AFI_SAFI_BIT(family)) == 0 || pf->source == 0) {
            continue;
        }
        pf->end_of_rib_received = true;
        family_synchronized(core, pf); /* RFC 4724 4.2: what was not resent */
    }
    if (families != 0) {
        restart_check(core);
    }
}

/* What one field of the message announces: 0 the plain one, 1 MP_REACH_NLRI with its own next hop.
 */
static struct wire_error import_announced(struct core *core, struct peer *peer,
                                          const struct update *update, unsigned field)
{
    if (update->reachable[field].bytes.size == 0) {
        return WIRE_NO_ERROR;
    }
    struct nlri_run run = update->reachable[field];
    struct import_block block;
    block.run = &run;
    if (!import_block_read(&block, core->ribs[nlri_run_afi_safi(run)])) {
        return WIRE_NO_ERROR;
    }
    struct path_attrs attrs = update->attrs;
    if (field == 1) {
        attrs.next_hop = update->mp_next_hop;
        attrs.next_hop_link_local = update->mp_next_hop_link_local;
    }
    import_bind_session(peer, &attrs);
    struct attr_set *received = attr_set_intern(core->attrs, &attrs);
    struct wire_error result =
        import_reachable(core, peer, &block, received, &attrs, update->next_hop_unusable);
    attr_set_unref(core->attrs, received);
    return result;
}

struct wire_error routes_peer_update(struct core *core, struct peer *peer, struct byte_view body)
{
    ASSERT(peer->routes != NULL && peer->routes->is_up);
    struct update update;
    arena_reset(&core->scratch);
    update_decode(body, &peer->update_options, &core->scratch, &update);
    if (update.error.disposition == WIRE_SESSION_RESET) {
        update_log_error(core, peer, body, &update, "session ended");
        return update.error;
    }
    bool has_reachable = update.reachable[0].bytes.size != 0 || update.reachable[1].bytes.size != 0;
    if (has_reachable && update.error.disposition < WIRE_TREAT_AS_WITHDRAW &&
        import_first_as_is_wrong(peer, &update.attrs)) {
        update.error = (struct wire_error){
            .disposition = WIRE_TREAT_AS_WITHDRAW,
            .code = NOTIFICATION_UPDATE,
            .subcode = 11,
            .attr_type = PATH_ATTR_AS_PATH,
            .what = "AS_PATH does not start with the neighbor's AS",
        };
    }
    import_count_findings(core, peer, body, &update);
    for (unsigned i = 0; i < 2; i++) {
        import_withdraw(core, peer, update.unreachable[i]);
    }
    struct wire_error result = WIRE_NO_ERROR;
    if (update.error.disposition == WIRE_TREAT_AS_WITHDRAW) {
        for (unsigned i = 0; i < 2; i++) {
            import_withdraw(core, peer, update.reachable[i]);
        }
    } else if (has_reachable) {
        for (unsigned i = 0; i < 2 && result.disposition == WIRE_ACCEPT; i++) {
            result = import_announced(core, peer, &update, i);
        }
    }
    import_end_of_rib(core, peer, update.end_of_rib);
    return result;
}

/* ---- Again, with another policy ---- */

/* received with the session's present tunnel number in it; owes an unref. */
static struct attr_set *import_rebind(struct core *core, const struct peer *peer,
                                      struct attr_set *received)
{
    struct path_attrs view;
    attr_set_view(received, &view);
    uint16_t tunnel = (view.present & PATH_LOCAL_VIA) != 0 ? view.via_tunnel : 0;
    if (tunnel == peer->settings.tunnel_number) {
        return attr_set_ref(received);
    }
    view.present &= ~PATH_LOCAL_VIA;
    import_bind_session(peer, &view);
    return attr_set_intern(core->attrs, &view);
}

/* RFC 9494 4.2: whether the neighbour marked the route so or our policy does. */
static bool import_bars_long_life(const struct loc_rib *rib, const struct path_attrs *view,
                                  uint32_t route_number)
{
    struct route_view route;
    bool is_there = route_by_number(rib, route_number, &route);
    ASSERT(is_there);
    struct path_attrs accepted = {0};
    if (route.accepted != NULL) {
        attr_set_view(route.accepted, &accepted);
    }
    return path_attrs_has_community(view, COMMUNITY_NO_LLGR) ||
           path_attrs_has_community(&accepted, COMMUNITY_NO_LLGR);
}

bool import_again(struct core *core, enum afi_safi afi_safi, const struct route_view *route)
{
    struct loc_rib *rib = core->ribs[afi_safi];
    struct peer *peer = source_peer(rib, route->source);
    const struct peer_family *family = peer == NULL ? NULL : peer_family_of(peer, afi_safi);
    bool is_stale = (route->flags & ROUTE_STALE) != 0;
    if (family == NULL || family->source != route->source || (is_stale && !family->is_long_lived)) {
        return true; /* the session ended meanwhile; its routes are being removed */
    }
    struct prefix prefix = dest_prefix(rib, route->dest);
    arena_reset(&core->scratch);
    struct attr_set *received = import_rebind(core, peer, route->received);
    struct path_attrs view;
    attr_set_view(received, &view);
    struct import_run run;
    import_run_begin(&run, core, peer_family_of(peer, afi_safi), received, &view);
    if (run.reason == DECISION_NONE && path_attrs_has(&view, PATH_ATTR_NEXT_HOP) &&
        !ip_is_usable_next_hop(&view.next_hop)) {
        run.reason = DECISION_NEXTHOP_UNRESOLVED;
    }
    (void)import_store(&run, &prefix, route->path_id);
    bool is_kept =
        !family->is_long_lived || !import_bars_long_life(rib, &view, route->route_number);
    if (!is_kept) {
        adj_rib_in_remove(rib, route->source, &prefix, route->path_id);
    } else if (is_stale) {
        adj_rib_in_mark_route_stale(rib, route->route_number);
    }
    import_run_end(&run);
    attr_set_unref(core->attrs, received);
    return is_kept;
}
