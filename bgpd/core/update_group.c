/* Update groups: peers that are told the same in the same form share one adj-rib-out and one
 * evaluation of the export policy. A change of configuration or of a session's path class changes
 * the group in place when it meets all members, and splits it when it does not. */
#include "bgpd/core/routes_private.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"

static void group_key_of(const struct core *core, const struct peer_family *family,
                         struct group_key *key_out)
{
    const struct peer *peer = family->peer;
    const struct neighbor_settings *settings = &peer->settings;
    const struct config_family *config = &settings->merged.families[family->afi_safi];
    bool is_single_hop =
        settings->is_ebgp && settings->tunnel_number == 0 &&
        !(settings->merged.ebgp_multihop.is_set && settings->merged.ebgp_multihop.value > 1);
    *key_out = (struct group_key){
        .is_ebgp = settings->is_ebgp,
        .own_asn = core->config != NULL ? core->config->bgp.asn : settings->local_asn,
        .local_asn = settings->local_asn,
        .local_as_replace = settings->merged.local_as_replace,
        .next_hop_self = config->next_hop_self.value,
        .next_hop_self_force = config->next_hop_self_force.value,
        .as_override = config->as_override.value,
        .remote_asn = config->as_override.value ? peer->remote_open.asn : 0,
        .private_as = (uint8_t)config->private_as.value,
        .send_community =
            config->send_community.is_set
                ? (uint8_t)config->send_community.value
                : SEND_COMMUNITY_STANDARD | SEND_COMMUNITY_EXTENDED | SEND_COMMUNITY_LARGE,
        .is_reflector_client = config->route_reflector_client.value,
        .azure_role = settings->merged.azure_role,
        .bgp_role = settings->is_ebgp ? (uint8_t)settings->merged.role.value : BGP_ROLE_NONE,
        .graceful_shutdown = settings->merged.graceful_shutdown.value,
        .has_long_lived = peer->remote_open.capabilities.long_lived_gr,
        .default_originate = config->default_originate.value,
        .path_class = GROUP_CLASS_UNKNOWN,
        .link_ifindex = is_single_hop ? peer->ifindex : 0,
        .policy = family->out,
        .options = peer->update_options,
    };
    if ((key_out->options.add_path_send & AFI_SAFI_BIT(family->afi_safi)) != 0) {
        enum add_path_mode mode = config_add_path_mode(config);
        /* The session carries identifiers to its end, whatever is configured meanwhile. */
        key_out->add_path_mode = (uint8_t)(mode == ADD_PATH_MODE_NONE ? ADD_PATH_MODE_ALL : mode);
        key_out->add_path_best = (uint8_t)config->add_path_best.value;
    }
    if (family->out.advertise_map != NULL && config->condition_map != NULL) {
        key_out->condition = condition_find(core, family->afi_safi, config->condition_map);
        key_out->condition_is_absence = config->condition_is_absence;
    }
    enum path_class class = PATH_CLASS_CLEAR;
    if (kernel_session_class(core, &peer->addr, settings->tunnel_number, &class)) {
        key_out->path_class = (uint8_t) class;
    }
}

static bool options_equal(const struct update_options *a, const struct update_options *b)
{
    return a->as4 == b->as4 && a->is_ebgp == b->is_ebgp && a->families == b->families &&
           a->add_path_send == b->add_path_send && a->extended_next_hop == b->extended_next_hop &&
           a->message_bytes_max == b->message_bytes_max;
}

/* Everything but the policy. */
static bool group_key_settings_equal(const struct group_key *a, const struct group_key *b)
{
    return a->is_ebgp == b->is_ebgp && a->own_asn == b->own_asn && a->local_asn == b->local_asn &&
           a->local_as_replace == b->local_as_replace && a->next_hop_self == b->next_hop_self &&
           a->next_hop_self_force == b->next_hop_self_force && a->as_override == b->as_override &&
           a->remote_asn == b->remote_asn && a->private_as == b->private_as &&
           a->send_community == b->send_community &&
           a->is_reflector_client == b->is_reflector_client && a->azure_role == b->azure_role &&
           a->add_path_mode == b->add_path_mode && a->add_path_best == b->add_path_best &&
           a->condition == b->condition && a->condition_is_absence == b->condition_is_absence &&
           a->has_long_lived == b->has_long_lived && a->bgp_role == b->bgp_role &&
           a->graceful_shutdown == b->graceful_shutdown &&
           a->default_originate == b->default_originate && a->path_class == b->path_class &&
           a->link_ifindex == b->link_ifindex && options_equal(&a->options, &b->options);
}

/* Policies of one compiled set: the same object is the same policy. */
static bool group_key_same(const struct group_key *a, const struct group_key *b)
{
    return group_key_settings_equal(a, b) && a->policy.route_map == b->policy.route_map &&
           a->policy.prefix_list == b->policy.prefix_list &&
           a->policy.filter_list == b->policy.filter_list &&
           a->policy.default_map == b->policy.default_map &&
           a->policy.advertise_map == b->policy.advertise_map &&
           a->policy.refuses_all == b->policy.refuses_all &&
           a->policy.has_role_default == b->policy.has_role_default;
}

static struct update_group *group_new(struct core *core, enum afi_safi afi_safi,
                                      const struct group_key *key)
{
    struct route_engine *engine = core->routes;
    struct update_group *group = mem_alloc(MEM_ADJ_RIB_OUT, sizeof *group);
    group->number = ++engine->next_group_number;
    group->afi_safi = afi_safi;
    group->key = *key;
    if (group_has_paths(group)) {
        if (engine->out_paths[afi_safi] == NULL) {
            engine->out_paths[afi_safi] = out_paths_new(core->ribs[afi_safi]);
        }
        engine->add_path_groups[afi_safi]++;
        group->out = adj_rib_out_new_of_paths(engine->out_paths[afi_safi], core->attrs);
    } else {
        group->out = adj_rib_out_new(core->ribs[afi_safi], core->attrs);
    }
    list_init(&group->members);
    bitset_init(&group->conditional);
    list_append(&engine->groups[afi_safi], &group->engine_node);
    group_export_all(core, group);
    return group;
}

void group_flush_cache(struct core *core, struct update_group *group)
{
    for (uint64_t left = group->cache_used; left != 0; left &= left - 1) {
        struct export_cache_slot *slot = &group->cache[__builtin_ctzll(left)];
        attr_set_unref(core->attrs, slot->from);
        if (slot->to != NULL) {
            attr_set_unref(core->attrs, slot->to);
        }
        *slot = (struct export_cache_slot){0};
    }
    group->cache_used = 0;
}

static void group_free(struct core *core, struct update_group *group)
{
    ASSERT(group->member_count == 0);
    group_flush_cache(core, group);
    condition_unmark_all(core, group);
    adj_rib_out_free(group->out);
    if (group_has_paths(group)) {
        core->routes->add_path_groups[group->afi_safi]--;
    }
    list_remove(&group->engine_node);
    mem_free(MEM_ADJ_RIB_OUT, group);
}

void groups_fini(struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        LIST_FOREACH(node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
            LIST_FOREACH(member, &group->members)
            {
                group_leave(core, CONTAINER_OF(member, struct peer_family, group_node));
            }
        }
        ASSERT(list_is_empty(&core->routes->groups[family]));
    }
}

static void group_add_member(struct core *core, struct update_group *group,
                             struct peer_family *family)
{
    if (adj_rib_out_reader_add(group->out, &family->reader) != STATUS_OK) {
        /* The group is full: the next one takes over. */
        group = group_new(core, family->afi_safi, &group->key);
        enum status status = adj_rib_out_reader_add(group->out, &family->reader);
        ASSERT(status == STATUS_OK);
    }
    family->group = group;
    list_append(&group->members, &family->group_node);
    group->member_count++;
    group_flush_cache(core, group);
    bool has_routes = family->source != 0 &&
                      loc_rib_source_routes(core->ribs[family->afi_safi], family->source) != 0;
    if (has_routes || group->member_count == 2) {
        group_export_all(core, group); /* what came from a member is told to the others now */
    }
}

void group_join(struct core *core, struct peer_family *family)
{
    ASSERT(family->group == NULL);
    struct group_key key;
    group_key_of(core, family, &key);
    LIST_FOREACH(node, &core->routes->groups[family->afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        if (group_key_same(&group->key, &key)) {
            group_add_member(core, group, family);
            return;
        }
    }
    group_add_member(core, group_new(core, family->afi_safi, &key), family);
}

/* The reader goes; what the peer was told is the caller's to keep or forget. */
static void group_remove_member(struct core *core, struct peer_family *family)
{
    struct update_group *group = family->group;
    ASSERT(group != NULL);
    adj_rib_out_reader_remove(group->out, family->reader);
    list_remove(&family->group_node);
    group->member_count--;
    group_flush_cache(core, group); /* outcomes name the members they came from */
    family->group = NULL;
    if (group->member_count == 0) {
        group_free(core, group);
    }
}

static void release_owed(struct core *core, struct peer_family *family)
{
    if (!family->owes) {
        return;
    }
    for (uint32_t key = bitset_next(&family->owed, 0); key != UINT32_MAX;
         key = bitset_next(&family->owed, key + 1)) {
        out_key_release(core, family->group, key);
    }
    bitset_fini(&family->owed);
    family->owes = false;
}

void group_leave(struct core *core, struct peer_family *family)
{
    release_owed(core, family);
    pace_end(core, family);
    group_remove_member(core, family);
    packer_forget(family);
    core->routes->has_stale_covers = core->routes->announce[family->afi_safi].has_restricted;
}

/* From one group to another with the session up: what the peer holds and the new group does not
 * announce is withdrawn once the new group has been filled. O(destinations told). */
static void group_move(struct core *core, struct peer_family *family, struct update_group *to)
{
    ASSERT(group_has_paths(family->group) == group_has_paths(to)); /* agreed on for the session */
    for (uint32_t key = bitset_next(&family->told, 0); key != UINT32_MAX;
         key = bitset_next(&family->told, key + 1)) {
        if (!bitset_has(&family->owed, key)) {
            out_key_hold(core, family->group, key);
            bitset_add(&family->owed, key);
        }
    }
    family->owes = true;
    for (uint32_t key = bitset_next(&family->held, 0); key != UINT32_MAX;
         key = bitset_next(&family->held, key + 1)) {
        bitset_remove(&family->held, key);
    }
    family->held_count = 0;
    group_remove_member(core, family);
    group_add_member(core, to, family);
}

void group_export_all(struct core *core, struct update_group *group)
{
    (void)core;
    group->walked = 0;
    group->is_walking = true;
}

void groups_export_all(struct core *core, enum afi_safi afi_safi)
{
    LIST_FOREACH(node, &core->routes->groups[afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        group_flush_cache(core, group);
        group_export_all(core, group);
    }
}

/* True when the same set goes out in another form. */
static bool group_shapes_differ(const struct group_key *a, const struct group_key *b)
{
    struct group_key left = *a;
    left.path_class = b->path_class; /* these say what goes out, not how */
    left.azure_role = b->azure_role;
    left.default_originate = b->default_originate;
    left.condition = b->condition;
    left.condition_is_absence = b->condition_is_absence;
    left.add_path_mode = b->add_path_mode;
    left.add_path_best = b->add_path_best;
    return !group_key_settings_equal(&left, b);
}

/* What was left to the packer has changed its form without changing its set. */
static void group_tell_again(struct core *core, struct update_group *group)
{
    LIST_FOREACH(node, &group->members)
    {
        struct peer_family *member = CONTAINER_OF(node, struct peer_family, group_node);
        adj_rib_out_reader_rewind(group->out, member->reader);
        peer_wants_to_send(core, member->peer);
    }
}

/* The first member's new key becomes the group's; members that differ from it move to groups of
 * their own, those that agree with one another together. */
static void group_rekey(struct core *core, struct update_group *group)
{
    struct group_key key;
    group_key_of(core, CONTAINER_OF(list_first(&group->members), struct peer_family, group_node),
                 &key);
    bool differs = !group_key_settings_equal(&key, &group->key) ||
                   !peer_policy_equal(&key.policy, &group->key.policy);
    bool is_shaped_later =
        group->key.is_ebgp && (group->key.policy.route_map == NULL || group->is_walking);
    bool is_reshaped = is_shaped_later && group_shapes_differ(&key, &group->key);
    group->key = key;
    group_flush_cache(core, group);
    if (differs) {
        condition_unmark_all(core, group); /* found again when everything is exported below */
    }
    if (is_reshaped) {
        group_tell_again(core, group);
    }
    struct update_group *split = NULL;
    LIST_FOREACH(node, &group->members)
    {
        struct peer_family *member = CONTAINER_OF(node, struct peer_family, group_node);
        struct group_key own;
        group_key_of(core, member, &own);
        if (group_key_same(&own, &group->key)) {
            continue;
        }
        if (split == NULL || !group_key_same(&split->key, &own)) {
            split = group_new(core, group->afi_safi, &own);
        }
        group_move(core, member, split);
    }
    if (differs) {
        group_export_all(core, group);
    }
}

void groups_rekey(struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        uint32_t newest = core->routes->next_group_number;
        LIST_FOREACH(node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
            if (group->number <= newest) { /* those made here have their keys */
                group_rekey(core, group);
            }
        }
    }
}

/* The markers that wait for decisions and walks to come to an end. */
static void tell_end_of_rib(struct core *core)
{
    bool is_due = false;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        LIST_FOREACH(node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
            LIST_FOREACH(member, &group->members)
            {
                struct peer_family *pf = CONTAINER_OF(member, struct peer_family, group_node);
                is_due = is_due || pf->end_of_rib_due;
                if (pf->end_of_rib_due && packer_has_output(core, pf)) {
                    peer_wants_to_send(core, pf->peer);
                }
            }
        }
    }
    core->routes->awaits_end_of_rib = is_due;
}

void groups_tell_news(struct core *core)
{
    if (core->routes->awaits_end_of_rib) {
        tell_end_of_rib(core);
    }
    if (!core->routes->has_news) {
        return;
    }
    core->routes->has_news = false;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        LIST_FOREACH(node, &core->routes->groups[family])
        {
            struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
            group_flush_cache(core, group);
            if (!group->has_news) {
                continue;
            }
            group->has_news = false;
            LIST_FOREACH(member, &group->members)
            {
                struct peer_family *pf = CONTAINER_OF(member, struct peer_family, group_node);
                if (packer_has_output(core, pf)) {
                    peer_wants_to_send(core, pf->peer);
                }
            }
        }
    }
}
