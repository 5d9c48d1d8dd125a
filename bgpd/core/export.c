/* What a destination looks like to an update group: the rules of RFC 4271 9.1.3 and 9.2, RFC 4456,
 * RFC 1997, the export policy, and what path classes allow. The result has no NEXT_HOP where it is
 * ourselves: each peer of the group is told its own. */
#include <string.h>

#include "bgpd/core/roles.h"
#include "bgpd/core/routes_private.h"
#include "proto/as_path.h"
#include "proto/base/assert.h"
#include "proto/community.h"

/* ---- Rules before any policy ---- */

static bool communities_forbid(const struct group_key *key, const struct path_attrs *attrs)
{
    if (!path_attrs_has(attrs, PATH_ATTR_COMMUNITIES)) {
        return false;
    }
    if (community_list_has_u32(attrs->communities, COMMUNITY_NO_ADVERTISE)) {
        return true;
    }
    return key->is_ebgp &&
           (community_list_has_u32(attrs->communities, COMMUNITY_NO_EXPORT) ||
            community_list_has_u32(attrs->communities, COMMUNITY_NO_EXPORT_SUBCONFED));
}

static bool source_is_reflector_client(const struct export_route *route, enum afi_safi afi_safi)
{
    return route->peer != NULL &&
           route->peer->settings.merged.families[afi_safi].route_reflector_client.value;
}

/* RFC 4271 9.2: what an internal peer said is not told to internal peers, unless RFC 4456 says so.
 */
static bool internal_rule_forbids(const struct update_group *group,
                                  const struct export_route *route)
{
    bool is_internal_source = !route->is_local && !route->is_ebgp;
    if (!is_internal_source || group->key.is_ebgp) {
        return false;
    }
    return !group->key.is_reflector_client && !source_is_reflector_client(route, group->afi_safi);
}

/* Does not look into the rest of the path attributes. */
static bool policy_refuses_prefix(const struct update_group *group,
                                  const struct export_route *route)
{
    const struct peer_policy *policy = &group->key.policy;
    if (policy->prefix_list != NULL && !prefix_list_permits(policy->prefix_list, &route->prefix)) {
        return true;
    }
    if (!policy->has_role_default) {
        return false;
    }
    struct path_attrs attrs;
    attr_set_view(route->attrs, &attrs);
    return azure_export_refusal(group->key.azure_role, &route->prefix, &attrs, route->is_local) !=
           NULL;
}

/* ---- Attributes ---- */

/* RFC 4360 6: bit 1 of the type says that a community stays inside the AS. The same octet leads
 * those of RFC 5701, 20 octets long. */
#define EXT_COMMUNITY_NON_TRANSITIVE 0x40u

static struct byte_view without_non_transitive(struct arena *scratch, struct byte_view list,
                                               size_t bytes_each)
{
    uint8_t *kept = NULL;
    size_t size = 0;
    for (size_t at = 0; at + bytes_each <= list.size; at += bytes_each) {
        bool stays = (list.data[at] & EXT_COMMUNITY_NON_TRANSITIVE) != 0;
        if (stays && kept == NULL) {
            kept = arena_alloc(scratch, list.size);
            memcpy(kept, list.data, at);
            size = at;
        } else if (!stays && kept != NULL) {
            memcpy(kept + size, list.data + at, bytes_each);
            size += bytes_each;
        }
    }
    return kept == NULL ? list : (struct byte_view){kept, size};
}

static void drop_non_transitive(struct path_attrs *attrs, struct arena *scratch)
{
    if (path_attrs_has(attrs, PATH_ATTR_EXT_COMMUNITIES)) {
        attrs->ext_communities = without_non_transitive(scratch, attrs->ext_communities, 8);
        if (attrs->ext_communities.size == 0) {
            path_attrs_clear(attrs, PATH_ATTR_EXT_COMMUNITIES);
        }
    }
    if (path_attrs_has(attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES)) {
        attrs->ipv6_ext_communities =
            without_non_transitive(scratch, attrs->ipv6_ext_communities, 20);
        if (attrs->ipv6_ext_communities.size == 0) {
            path_attrs_clear(attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
        }
    }
}

static void prepare_external(const struct update_group *group, const struct export_route *route,
                             struct path_attrs *attrs, struct arena *scratch)
{
    const struct group_key *key = &group->key;
    path_attrs_clear(attrs, PATH_ATTR_LOCAL_PREF); /* RFC 4271 5.1.5 */
    path_attrs_clear(attrs, PATH_ATTR_ORIGINATOR_ID);
    path_attrs_clear(attrs, PATH_ATTR_CLUSTER_LIST);
    drop_non_transitive(attrs, scratch);
    role_export_mark(key->bgp_role, key->local_asn, attrs);
    if (!route->is_local) {
        path_attrs_clear(attrs, PATH_ATTR_MED); /* RFC 4271 5.1.4: not to other ASes */
    }
    switch ((enum private_as_mode)key->private_as) {
    case PRIVATE_AS_KEEP:
        break;
    case PRIVATE_AS_REMOVE: {
        struct byte_view rest = as_path_remove_private(scratch, attrs->as_path, 0);
        if (rest.size == 0) {
            attrs->as_path = rest; /* only when the whole path is private */
        }
        break;
    }
    case PRIVATE_AS_REMOVE_ALL:
        attrs->as_path = as_path_remove_private(scratch, attrs->as_path, 0);
        break;
    case PRIVATE_AS_REPLACE_ALL:
        attrs->as_path = as_path_remove_private(scratch, attrs->as_path, key->local_asn);
        break;
    }
    if (key->as_override && key->remote_asn != 0) {
        attrs->as_path = as_path_replace(scratch, attrs->as_path, key->remote_asn, key->local_asn);
    }
}

static void prepare_internal(struct core *core, const struct update_group *group,
                             const struct export_route *route, struct path_attrs *attrs)
{
    (void)group;
    if (!path_attrs_has(attrs, PATH_ATTR_LOCAL_PREF)) {
        attrs->local_pref = core->decision.default_local_pref;
        path_attrs_set(attrs, PATH_ATTR_LOCAL_PREF);
    }
    if (route->is_local || route->is_ebgp) {
        return;
    }
    /* Reflected: RFC 4456 8. */
    const struct rib_source *source = loc_rib_source(core->ribs[group->afi_safi], route->source);
    if (!path_attrs_has(attrs, PATH_ATTR_ORIGINATOR_ID)) {
        attrs->originator_id = source->router_id;
        path_attrs_set(attrs, PATH_ATTR_ORIGINATOR_ID);
    }
    size_t old_bytes = path_attrs_has(attrs, PATH_ATTR_CLUSTER_LIST) ? attrs->cluster_list.size : 0;
    uint8_t *list = arena_alloc(&core->scratch, old_bytes + 4);
    store_be32(list, routes_cluster_id(core));
    if (old_bytes != 0) {
        memcpy(list + 4, attrs->cluster_list.data, old_bytes);
    }
    attrs->cluster_list = (struct byte_view){list, old_bytes + 4};
    path_attrs_set(attrs, PATH_ATTR_CLUSTER_LIST);
}

static void next_hop_becomes_self(struct path_attrs *attrs)
{
    path_attrs_clear(attrs, PATH_ATTR_NEXT_HOP);
    attrs->next_hop = (struct ip_addr){0};
    attrs->next_hop_link_local = (struct ip_addr){0};
}

/* RFC 4271 5.1.3. */
static void decide_next_hop(const struct core *core, const struct update_group *group,
                            const struct export_route *route, const struct policy_verdict *verdict,
                            struct path_attrs *attrs)
{
    const struct group_key *key = &group->key;
    if (!path_attrs_has(attrs, PATH_ATTR_NEXT_HOP)) {
        return;
    }
    if (verdict->next_hop_self) {
        next_hop_becomes_self(attrs);
        return;
    }
    if (verdict->next_hop_set || verdict->next_hop_unchanged) {
        return;
    }
    if (!key->is_ebgp) {
        bool is_reflected = !route->is_local && !route->is_ebgp;
        if (key->next_hop_self_force || (key->next_hop_self && !is_reflected)) {
            next_hop_becomes_self(attrs);
        } else {
            attrs->next_hop_link_local = (struct ip_addr){0}; /* RFC 2545 3: of another link */
        }
        return;
    }
    bool is_third_party = !key->next_hop_self && key->link_ifindex != 0 &&
                          !ip_is_link_local(&attrs->next_hop) &&
                          kernel_connected_interface(core, &attrs->next_hop) == key->link_ifindex;
    if (!is_third_party) {
        next_hop_becomes_self(attrs);
    }
}

static void prepend_own_as(const struct group_key *key, struct path_attrs *attrs,
                           struct arena *scratch)
{
    if (!key->is_ebgp) {
        return;
    }
    if (key->local_asn != key->own_asn && !key->local_as_replace) {
        attrs->as_path = as_path_prepend(scratch, attrs->as_path, key->own_asn, 1);
    }
    attrs->as_path = as_path_prepend(scratch, attrs->as_path, key->local_asn, 1);
    path_attrs_set(attrs, PATH_ATTR_AS_PATH);
}

static void strip_communities(const struct group_key *key, struct path_attrs *attrs)
{
    if ((key->send_community & SEND_COMMUNITY_STANDARD) == 0) {
        path_attrs_clear(attrs, PATH_ATTR_COMMUNITIES);
    }
    if ((key->send_community & SEND_COMMUNITY_EXTENDED) == 0) {
        path_attrs_clear(attrs, PATH_ATTR_EXT_COMMUNITIES);
        path_attrs_clear(attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
    }
    if ((key->send_community & SEND_COMMUNITY_LARGE) == 0) {
        path_attrs_clear(attrs, PATH_ATTR_LARGE_COMMUNITIES);
    }
}

/* RFC 9494 4.3: who does not know the mark is not told; 4.7: inside the AS, as the last choice and
 * no further. The mark stays with the route whatever a policy does to communities. */
static bool long_lived_rule_forbids(const struct group_key *key, const struct path_attrs *attrs)
{
    return (attrs->present & PATH_LOCAL_LAST) != 0 && !key->has_long_lived && key->is_ebgp;
}

static void ask_to_use_last(const struct group_key *key, struct path_attrs *attrs,
                            struct arena *scratch)
{
    if ((attrs->present & PATH_LOCAL_LAST) == 0) {
        return;
    }
    path_attrs_add_community(attrs, scratch, COMMUNITY_LLGR_STALE);
    if (!key->has_long_lived && !key->is_ebgp) {
        attrs->local_pref = 0;
        path_attrs_add_community(attrs, scratch, COMMUNITY_NO_EXPORT);
    }
}

/* RFC 8326 4: the other end is to prefer every other path. */
static void ask_to_leave(const struct group_key *key, struct path_attrs *attrs,
                         struct arena *scratch)
{
    if (!key->graceful_shutdown) {
        return;
    }
    if (!key->is_ebgp) {
        attrs->local_pref = 0;
        return;
    }
    path_attrs_add_community(attrs, scratch, COMMUNITY_GRACEFUL_SHUTDOWN);
}

struct policy_route export_policy_route(const struct core *core, enum afi_safi afi_safi,
                                        const struct export_route *route, bool uses_nexthop)
{
    struct policy_route view = {
        .prefix = &route->prefix,
        .peer_addr = route->peer != NULL ? route->peer->addr : (struct ip_addr){0},
        .protocol = POLICY_PROTOCOL_BGP,
    };
    const struct route_engine *engine = core->routes;
    for (unsigned kind = 0; kind < REDISTRIBUTE_KIND_COUNT; kind++) {
        if (route->source == engine->redistribute_source[afi_safi][kind]) {
            view.protocol = kind == REDISTRIBUTE_CONNECTED ? POLICY_PROTOCOL_CONNECTED
                            : kind == REDISTRIBUTE_STATIC  ? POLICY_PROTOCOL_STATIC
                                                           : POLICY_PROTOCOL_KERNEL;
        }
    }
    const struct nexthop *nexthop = attr_set_nexthop(route->attrs);
    if (nexthop != NULL && nexthop->state == NEXTHOP_RESOLVED) {
        view.has_path_class = true;
        view.path_class = nexthop->path_class;
        view.interface_name = uses_nexthop ? nexthop_interface_name(core, nexthop) : NULL;
    }
    return view;
}

static struct policy_route policy_route_of(const struct core *core,
                                           const struct update_group *group,
                                           const struct export_route *route)
{
    const struct peer_family *member =
        CONTAINER_OF(group->members.next, const struct peer_family, group_node);
    struct policy_route view =
        export_policy_route(core, group->afi_safi, route, group->key.policy.uses_nexthop);
    view.local_addr = member->peer->local_addr;
    view.local_asn = group->key.local_asn;
    return view;
}

#define LOCAL_TO_US                                                                                \
    (PATH_LOCAL_LAST | PATH_LOCAL_DISCARD | PATH_LOCAL_VIA | PATH_LOCAL_WEIGHT | PATH_LOCAL_TAG |  \
     PATH_LOCAL_SRC)

/* What is done to attributes behind the policy. */
static void finish(const struct core *core, const struct update_group *group,
                   const struct export_route *route, const struct policy_verdict *verdict,
                   struct arena *scratch, struct path_attrs *attrs)
{
    decide_next_hop(core, group, route, verdict, attrs);
    prepend_own_as(&group->key, attrs, scratch);
    strip_communities(&group->key, attrs);
    ask_to_leave(&group->key, attrs, scratch);
    ask_to_use_last(&group->key, attrs, scratch);
    if (group->key.is_ebgp) {
        path_attrs_clear(attrs, PATH_ATTR_LOCAL_PREF); /* also when policy set it */
    }
    attrs->present &= ~LOCAL_TO_US;
}

/* True when what the group is told depends on the group and the set alone. */
static bool is_shaped_later(const struct update_group *group, const struct export_route *route)
{
    return group->key.is_ebgp && group->key.policy.route_map == NULL && !route->is_local;
}

void export_shape(const struct core *core, const struct update_group *group, struct arena *scratch,
                  struct path_attrs *attrs)
{
    if ((attrs->present & PATH_LOCAL_SHAPED) == 0) {
        static const struct export_route learned = {.is_ebgp = true};
        static const struct policy_verdict permit = {.is_permit = true};
        prepare_external(group, &learned, attrs, scratch);
        finish(core, group, &learned, &permit, scratch, attrs);
    }
    attrs->present &= ~(PATH_LOCAL_SHAPED | PATH_LOCAL_PEER);
}

/* The set as the group is told it, owing an unref; NULL when it is not told. */
static struct attr_set *export_transform(struct core *core, struct update_group *group,
                                         const struct export_route *route)
{
    const struct group_key *key = &group->key;
    const struct peer_family *from =
        route->peer != NULL ? peer_family_of(route->peer, group->afi_safi) : NULL;
    bool is_from_member = from != NULL && from->group == group;
    if (is_from_member && group->member_count == 1) {
        return NULL; /* nobody else to tell */
    }
    struct path_attrs attrs;
    attr_set_view(route->attrs, &attrs);
    if (communities_forbid(key, &attrs) || internal_rule_forbids(group, route) ||
        role_export_forbids(key->bgp_role, &attrs) || long_lived_rule_forbids(key, &attrs) ||
        (key->policy.filter_list != NULL &&
         !as_path_list_permits(key->policy.filter_list, attrs.as_path))) {
        return NULL;
    }
    if (is_shaped_later(group, route)) {
        return attr_set_ref(route->attrs);
    }
    if (key->is_ebgp) {
        prepare_external(group, route, &attrs, &core->scratch);
    } else {
        prepare_internal(core, group, route, &attrs);
    }
    struct policy_verdict verdict = {.is_permit = true};
    if (key->policy.route_map != NULL) {
        struct policy_route view = policy_route_of(core, group, route);
        verdict = route_map_apply(key->policy.route_map, &view, &attrs, &core->scratch);
        if (!verdict.is_permit) {
            return NULL;
        }
    }
    finish(core, group, route, &verdict, &core->scratch, &attrs);
    attrs.present |= PATH_LOCAL_SHAPED;
    attrs.present &= ~PATH_LOCAL_PEER;
    if (is_from_member) {
        attrs.present |= PATH_LOCAL_PEER;
        attrs.peer = route->peer->number;
    }
    return attr_set_intern(core->attrs, &attrs);
}

/* ---- The cache: sets come in runs ---- */

static bool group_can_cache(const struct update_group *group)
{
    return group->key.policy.is_prefix_blind && !group->key.policy.uses_nexthop;
}

static struct attr_set *export_cached(struct core *core, struct update_group *group,
                                      const struct export_route *route)
{
    if (!group_can_cache(group)) {
        return export_transform(core, group, route);
    }
    size_t index = ((uintptr_t)route->attrs >> 4) % EXPORT_CACHE_SLOTS;
    struct export_cache_slot *slot = &group->cache[index];
    if (slot->from != route->attrs || slot->source != route->source) {
        if (slot->from != NULL) {
            attr_set_unref(core->attrs, slot->from);
        }
        if (slot->to != NULL) {
            attr_set_unref(core->attrs, slot->to);
        }
        slot->from = attr_set_ref(route->attrs);
        slot->source = route->source;
        slot->to = export_transform(core, group, route);
        group->cache_used |= UINT64_C(1) << index;
        core->routes->has_news = true; /* so that the cache is flushed at the end of the slice */
    }
    return slot->to != NULL ? attr_set_ref(slot->to) : NULL;
}

/* ---- One destination ---- */

static bool has_member(const struct update_group *group, uint16_t number)
{
    LIST_FOREACH(node, &group->members)
    {
        if (CONTAINER_OF(node, struct peer_family, group_node)->peer->number == number) {
            return true;
        }
    }
    return false;
}

/* The member that is not told since it came from there; 0 for none. */
static uint16_t excluded_member(const struct update_group *group, const struct path_attrs *attrs)
{
    bool is_excluded = (attrs->present & PATH_LOCAL_PEER) != 0 && has_member(group, attrs->peer);
    return is_excluded ? attrs->peer : 0;
}

/* True when different AS paths stay different: the same is put in front of both. */
static bool paths_stay_different(const struct update_group *group, const struct attr_set *a,
                                 const struct attr_set *b)
{
    bool is_shaped = attr_set_is_shaped(a);
    bool keeps_path = group->key.private_as == PRIVATE_AS_KEEP && !group->key.as_override;
    return is_shaped == attr_set_is_shaped(b) && (is_shaped || keeps_path);
}

static bool differs_at_a_glance(const struct attr_set *a, const struct attr_set *b)
{
    return attr_set_as_path_length(a) != attr_set_as_path_length(b) ||
           attr_set_first_asn(a) != attr_set_first_asn(b);
}

static bool same_octets(struct byte_view a, struct byte_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* True when no member sees a difference between the two. */
static bool is_same_outside(struct core *core, const struct update_group *group,
                            const struct attr_set *a, const struct attr_set *b)
{
    struct path_attrs left;
    struct path_attrs right;
    bool is_path_enough = paths_stay_different(group, a, b);
    if (is_path_enough && differs_at_a_glance(a, b)) {
        return false;
    }
    attr_set_view(a, &left);
    attr_set_view(b, &right);
    if ((is_path_enough && !same_octets(left.as_path, right.as_path)) ||
        excluded_member(group, &left) != excluded_member(group, &right)) {
        return false;
    }
    arena_reset(&core->scratch);
    export_shape(core, group, &core->scratch, &left);
    export_shape(core, group, &core->scratch, &right);
    return path_attrs_equal(&left, &right);
}

void group_put(struct core *core, struct update_group *group, uint32_t key, struct attr_set *attrs)
{
    struct attr_set *old = attrs == NULL ? NULL : adj_rib_out_find(group->out, key);
    if (old != NULL && old != attrs && is_same_outside(core, group, old, attrs) &&
        adj_rib_out_exchange(group->out, key, attrs)) {
        return;
    }
    if (adj_rib_out_put(group->out, key, attrs)) {
        group->has_news = true;
        core->routes->has_news = true;
    }
}

/* default-originate: what policy makes of the default route; owes an unref. */
static struct attr_set *export_default(struct core *core, struct update_group *group,
                                       const struct prefix *prefix)
{
    if (group->key.policy.default_refused) {
        return NULL;
    }
    struct attr_set *own =
        originate_apply_map(core, group->key.policy.default_map, prefix, POLICY_PROTOCOL_BGP,
                            originate_attrs(core, BGP_ORIGIN_IGP, 0, NULL));
    if (own == NULL) {
        return NULL;
    }
    struct update_group plain = *group; /* the group's own filters do not apply, as in FRR */
    plain.key.policy = (struct peer_policy){0};
    struct export_route route = {.prefix = *prefix,
                                 .attrs = own,
                                 .source = core->routes->network_source[group->afi_safi],
                                 .is_local = true};
    struct attr_set *set = export_transform(core, &plain, &route);
    attr_set_unref(core->attrs, own);
    return set;
}

static struct attr_set *export_evaluate(struct core *core, struct update_group *group,
                                        const struct export_route *route,
                                        const struct announce_verdict *verdict)
{
    arena_reset(&core->scratch);
    if ((verdict->refused_classes & (1u << group->key.path_class)) != 0) {
        return NULL;
    }
    if (group->key.default_originate && route->prefix.len_bits == 0) {
        return export_default(core, group, &route->prefix);
    }
    if (route->attrs == NULL || group->key.policy.refuses_all) {
        return NULL;
    }
    if (policy_refuses_prefix(group, route)) {
        return NULL;
    }
    if (group->key.policy.advertise_map != NULL && condition_withholds(core, group, route)) {
        return NULL;
    }
    return export_cached(core, group, route);
}

struct export_route export_route_from(const struct core *core, enum afi_safi afi_safi, dest_id dest,
                                      const struct prefix *prefix, uint32_t route_number)
{
    const struct loc_rib *rib = core->ribs[afi_safi];
    const struct rib_source *source = route_source(rib, route_number);
    return (struct export_route){
        .dest = dest,
        .prefix = *prefix,
        .attrs = route_accepted(rib, route_number),
        .source = route_source_number(rib, route_number),
        .is_local = source_is_local(source),
        .is_ebgp = source->kind == SOURCE_PEER_EBGP,
        .peer = source->owner,
    };
}

struct export_route export_route_of(const struct core *core, enum afi_safi afi_safi, dest_id dest,
                                    const struct prefix *prefix, uint32_t best_number,
                                    struct announce_verdict *verdict_out)
{
    struct export_route route = {.dest = dest, .prefix = *prefix};
    *verdict_out = announce_verdict_of(core, afi_safi, prefix);
    if (verdict_out->own_attrs != NULL) {
        /* Announced for what it is, whatever else is known for the prefix. */
        route.attrs = verdict_out->own_attrs;
        route.source = core->routes->network_source[afi_safi];
        route.is_local = true;
        return route;
    }
    if (best_number == 0 || aggregates_suppress(core, afi_safi, prefix)) {
        return route;
    }
    return export_route_from(core, afi_safi, dest, prefix, best_number);
}

void export_route_to(struct core *core, struct update_group *group, uint32_t key,
                     const struct export_route *route, const struct announce_verdict *verdict)
{
    struct attr_set *set = export_evaluate(core, group, route, verdict);
    group_put(core, group, key, set);
    if (set != NULL) {
        attr_set_unref(core->attrs, set);
    }
}

void export_dest_to(struct core *core, struct update_group *group, dest_id dest)
{
    condition_unmark(core, group, dest);
    if (group_has_paths(group)) {
        export_paths_to(core, group, dest);
        return;
    }
    const struct loc_rib *rib = core->ribs[group->afi_safi];
    struct prefix prefix = dest_prefix(rib, dest);
    struct announce_verdict verdict;
    struct export_route route =
        export_route_of(core, group->afi_safi, dest, &prefix, dest_best_route(rib, dest), &verdict);
    export_route_to(core, group, dest, &route, &verdict);
}

void export_decided(struct core *core, enum afi_safi afi_safi, dest_id dest,
                    const struct prefix *prefix, uint32_t best_number)
{
    if (list_is_empty(&core->routes->groups[afi_safi])) {
        return;
    }
    struct announce_verdict verdict;
    struct export_route route =
        export_route_of(core, afi_safi, dest, prefix, best_number, &verdict);
    export_dest_paths(core, afi_safi, dest);
    LIST_FOREACH(node, &core->routes->groups[afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        if (!group_has_paths(group)) {
            condition_unmark(core, group, dest);
            export_route_to(core, group, dest, &route, &verdict);
        }
    }
}

void export_dest(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    struct prefix prefix = dest_prefix(core->ribs[afi_safi], dest);
    export_decided(core, afi_safi, dest, &prefix, dest_best_route(core->ribs[afi_safi], dest));
}
