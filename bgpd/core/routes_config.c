/* What a new configuration, and changes of links and sessions, mean for routes: policies are looked
 * up and compared, and only what differs is walked again. */
#include "bgpd/core/routes_private.h"

#include "proto/base/assert.h"

/* ---- Policies of a neighbour ---- */

static bool named(const char *name)
{
    return name != NULL && name[0] != '\0';
}

void peer_policy_resolve(const struct core *core, const struct peer *peer, enum afi_safi afi_safi,
                         bool is_import, struct peer_policy *policy_out)
{
    const struct neighbor_settings *settings = &peer->settings;
    const struct config_family *family = &settings->merged.families[afi_safi];
    const char *map = is_import ? family->route_map_in : family->route_map_out;
    const char *list = is_import ? family->prefix_list_in : family->prefix_list_out;
    const char *filter = is_import ? family->filter_list_in : family->filter_list_out;
    struct peer_policy policy = {0};
    if (core->policies != NULL) {
        policy.route_map = named(map) ? policy_route_map(core->policies, map) : NULL;
        policy.prefix_list =
            named(list) ? policy_prefix_list(core->policies, afi_safi_family(afi_safi), list)
                        : NULL;
        policy.filter_list = named(filter) ? policy_as_path_list(core->policies, filter) : NULL;
        if (!is_import && named(family->default_originate_route_map)) {
            policy.default_map =
                policy_route_map(core->policies, family->default_originate_route_map);
        }
    }
    if (!is_import && core->policies != NULL && named(family->condition_map)) {
        policy.advertise_map = named(family->advertise_map)
                                   ? policy_route_map(core->policies, family->advertise_map)
                                   : NULL;
    }
    policy.default_refused =
        !is_import && named(family->default_originate_route_map) && policy.default_map == NULL;
    /* As in FRR, what a missing list or map would say is no. */
    policy.refuses_all = (named(map) && policy.route_map == NULL) ||
                         (named(list) && policy.prefix_list == NULL) ||
                         (named(filter) && policy.filter_list == NULL);
    bool has_policy =
        is_import ? settings->has_import_policy[afi_safi] : settings->has_export_policy[afi_safi];
    if (settings->is_ebgp && core->config != NULL && core->config->bgp.ebgp_requires_policy &&
        !has_policy) {
        policy.is_missing = true; /* RFC 8212 */
        policy.refuses_all = true;
    }
    policy.has_role_default = settings->merged.azure_role != AZURE_ROLE_NONE && !named(map) &&
                              !named(list) && !named(filter);
    policy.is_prefix_blind =
        policy.route_map == NULL || route_map_is_prefix_blind(policy.route_map);
    policy.uses_nexthop =
        (policy.route_map != NULL && route_map_uses_nexthop(policy.route_map)) ||
        (policy.advertise_map != NULL && route_map_uses_nexthop(policy.advertise_map));
    *policy_out = policy;
}

bool route_maps_equal(const struct route_map *a, const struct route_map *b)
{
    return a == b || (a != NULL && b != NULL && route_map_equal(a, b));
}

bool peer_policy_equal(const struct peer_policy *a, const struct peer_policy *b)
{
    bool lists_equal =
        a->prefix_list == b->prefix_list || (a->prefix_list != NULL && b->prefix_list != NULL &&
                                             prefix_list_equal(a->prefix_list, b->prefix_list));
    bool filters_equal =
        a->filter_list == b->filter_list || (a->filter_list != NULL && b->filter_list != NULL &&
                                             as_path_list_equal(a->filter_list, b->filter_list));
    return route_maps_equal(a->route_map, b->route_map) && lists_equal && filters_equal &&
           route_maps_equal(a->default_map, b->default_map) &&
           a->default_refused == b->default_refused &&
           route_maps_equal(a->advertise_map, b->advertise_map) &&
           a->refuses_all == b->refuses_all && a->has_role_default == b->has_role_default;
}

/* ---- Links and sessions ---- */

static void peer_reimport_unconnected(struct core *core, struct peer *peer)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = peer_family_of(peer, family);
        if (pf->source != 0 && pf->refused_unconnected) {
            pf->refused_unconnected = false;
            walk_wish_reimport(core, family, pf->source);
        }
    }
}

void routes_announcements_changed(struct core *core)
{
    announce_tunnels_changed(core);
    for (uint32_t index = 0;; index++) {
        struct peer *peer = peer_by_index(core, index);
        if (peer == NULL) {
            break;
        }
        if (peer->routes == NULL || !peer->routes->is_up) {
            continue;
        }
        peer_reimport_unconnected(core, peer);
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            struct peer_family *pf = peer_family_of(peer, family);
            if (pf->group == NULL) {
                continue;
            }
            struct ip_addr before = pf->self_next_hop;
            struct ip_addr link_local_before = pf->self_link_local;
            packer_update_self(core, pf);
            if (!ip_equal(&before, &pf->self_next_hop) ||
                !ip_equal(&link_local_before, &pf->self_link_local)) {
                adj_rib_out_reader_rewind(pf->group->out, pf->reader);
                peer_wants_to_send(core, peer);
            }
        }
    }
    groups_rekey(core);
}

static bool protections_equal(const struct config *a, const struct config *b)
{
    if (a->protection_count != b->protection_count) {
        return false;
    }
    for (size_t i = 0; i < a->protection_count; i++) {
        const struct protection_def *x = &a->protections[i];
        const struct protection_def *y = &b->protections[i];
        if (!prefix_equal(&x->prefix, &y->prefix) || x->allowed_classes != y->allowed_classes) {
            return false;
        }
    }
    return true;
}

static bool decision_options_equal(const struct decision_options *a,
                                   const struct decision_options *b)
{
    for (unsigned i = 0; i < PATH_CLASS_COUNT; i++) {
        if (a->default_weight[i] != b->default_weight[i]) {
            return false;
        }
    }
    return a->default_local_pref == b->default_local_pref &&
           a->multipath_ebgp_max == b->multipath_ebgp_max &&
           a->multipath_ibgp_max == b->multipath_ibgp_max &&
           a->multipath_relax == b->multipath_relax &&
           a->always_compare_med == b->always_compare_med &&
           a->med_missing_as_worst == b->med_missing_as_worst &&
           a->ignore_as_path == b->ignore_as_path;
}

/* What import looks at beside the policies themselves. */
static bool import_settings_equal(const struct neighbor_settings *a,
                                  const struct neighbor_settings *b, unsigned family)
{
    const struct config_family *x = &a->merged.families[family];
    const struct config_family *y = &b->merged.families[family];
    return a->tunnel_number == b->tunnel_number &&
           a->merged.graceful_shutdown.value == b->merged.graceful_shutdown.value &&
           x->allow_own_as.value == y->allow_own_as.value &&
           x->accept_blackhole.value == y->accept_blackhole.value &&
           x->blackhole_length_min.value == y->blackhole_length_min.value;
}

/* New policies and weights of one peer; the session stays. */
static void peer_apply_config(struct core *core, struct peer *peer, const struct config *old,
                              bool own_prefixes_changed)
{
    const struct config_neighbor *before = NULL;
    for (size_t i = 0; old != NULL && i < old->bgp.neighbor_count; i++) {
        if (ip_equal(&old->bgp.neighbors[i].addr, &peer->addr)) {
            before = &old->bgp.neighbors[i];
            break;
        }
    }
    struct neighbor_settings old_settings;
    if (before != NULL) {
        config_resolve_neighbor(old, before, &old_settings);
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        struct peer_family *pf = peer_family_of(peer, family);
        struct peer_policy in;
        peer_policy_resolve(core, peer, family, true, &in);
        bool differs = !peer_policy_equal(&in, &pf->in);
        pf->in = in;
        peer_policy_resolve(core, peer, family, false, &pf->out);
        pace_configure(core, pf);
        if (pf->source == 0) {
            continue;
        }
        differs = differs || (own_prefixes_changed && in.has_role_default) || before == NULL ||
                  !import_settings_equal(&old_settings, &peer->settings, family);
        if (differs) {
            walk_wish_reimport(core, family, pf->source);
        }
        if (before != NULL &&
            old_settings.merged.families[family].route_reflector_client.value !=
                peer->settings.merged.families[family].route_reflector_client.value) {
            groups_export_all(core, family); /* its routes may be told to others now, or not */
        }
        struct rib_source value = peer_source_value(peer, family);
        const struct rib_source *now = loc_rib_source(core->ribs[family], pf->source);
        if (value.default_weight != now->default_weight ||
            value.has_default_weight != now->has_default_weight) {
            value.is_stale = now->is_stale;
            loc_rib_source_set(core->ribs[family], pf->source, &value);
            walk_wish_decide_all(core, family);
        }
    }
}

void routes_apply_config(struct core *core, const struct config *old,
                         const struct policy_set *old_policies)
{
    (void)old_policies; /* the policies kept by peers and groups point into it until now */
    struct route_engine *engine = core->routes;
    if (old == NULL || !protections_equal(old, core->config) ||
        !decision_options_equal(&engine->decision_applied, &core->decision)) {
        bool pref_differs =
            engine->decision_applied.default_local_pref != core->decision.default_local_pref;
        engine->decision_applied = core->decision;
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            walk_wish_decide_all(core, family);
            if (pref_differs) {
                groups_export_all(core, family); /* internal neighbours are told it */
            }
        }
    }
    bool own_changed = originate_apply_config(core);
    aggregates_apply_config(core);
    conditions_apply_config(core);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        announce_classes_rebuild(core, family);
    }
    for (uint32_t index = 0;; index++) {
        struct peer *peer = peer_by_index(core, index);
        if (peer == NULL) {
            break;
        }
        if (peer->routes != NULL) {
            peer_apply_config(core, peer, old, own_changed);
            if (routes_peer_has_output(core, peer)) {
                peer_wants_to_send(core, peer); /* a raised limit lets held prefixes go */
            }
        }
    }
    groups_rekey(core);
    conditions_prune(core);
}
