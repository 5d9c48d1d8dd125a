/* Export: what neighbours of every kind are told, in which form, and that a change of policy or
 * group sends the difference and nothing else. */
#include "tests/unit/core/five_ends.h"
#include "tests/unit/unit.h"

START_TEST(attributes_follow_the_kind_of_session)
{
    struct table_top *top = five();
    five_up(top, five_config());
    struct far_attrs wish = {
        .asns = (uint32_t[]){64501, 64999}, .asn_count = 2, .has_med = true, .med = 77};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    struct far_route *external = far_route_find(&top->ends[1], "203.0.113.0/24");
    ck_assert_ptr_nonnull(external);
    ck_assert_uint_eq(as_path_length(external->attrs.as_path), 3);
    ck_assert(!path_attrs_has(&external->attrs, PATH_ATTR_MED));
    ck_assert(!path_attrs_has(&external->attrs, PATH_ATTR_LOCAL_PREF));
    struct ip_addr self = addr_of("192.0.2.5");
    ck_assert(ip_equal(&external->attrs.next_hop, &self));
    for (int i = 2; i < 4; i++) {
        struct far_route *internal = far_route_find(&top->ends[i], "203.0.113.0/24");
        ck_assert_ptr_nonnull(internal);
        ck_assert_uint_eq(as_path_length(internal->attrs.as_path), 2);
        ck_assert_uint_eq(internal->attrs.med, 77);
        ck_assert_uint_eq(internal->attrs.local_pref, 100);
        ck_assert(ip_equal(&internal->attrs.next_hop, &top->ends[0].addr));
    }
    top_free(top);
}
END_TEST

START_TEST(internal_routes_stay_among_neighbors_that_cannot_reflect)
{
    struct table_top *top = five();
    five_up(top, five_config());
    struct far_attrs wish = {.has_local_pref = true, .local_pref = 250};
    far_announce_with(top, &top->ends[2], "10.8.0.0/16", &wish);
    top_settle(top);
    ck_assert_ptr_null(far_route_find(&top->ends[3], "10.8.0.0/16"));
    ck_assert_ptr_null(far_route_find(&top->ends[2], "10.8.0.0/16"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.8.0.0/16"));
    ck_assert_uint_eq(as_path_length(far_route_find(&top->ends[0], "10.8.0.0/16")->attrs.as_path),
                      1);
    top_free(top);
}
END_TEST

START_TEST(a_reflector_client_gets_internal_routes_with_originator_and_cluster)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, D)->families[0].route_reflector_client =
        (struct opt_bool){true, true};
    five_up(top, config);
    struct far_attrs wish = {.has_local_pref = true, .local_pref = 250};
    far_announce_with(top, &top->ends[2], "10.8.0.0/16", &wish);
    far_announce_with(top, &top->ends[3], "10.9.0.0/16", &wish);
    top_settle(top);
    struct far_route *reflected = far_route_find(&top->ends[3], "10.8.0.0/16");
    ck_assert_ptr_nonnull(reflected);
    ck_assert_uint_eq(reflected->attrs.originator_id, ip_to_v4(&top->ends[2].addr));
    ck_assert_uint_eq(reflected->attrs.cluster_list.size, 4);
    ck_assert_uint_eq(load_be32(reflected->attrs.cluster_list.data), 0xc0a8ff01);
    ck_assert_uint_eq(reflected->attrs.local_pref, 250);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[2], "10.9.0.0/16"));
    ck_assert_ptr_null(far_route_find(&top->ends[3], "10.9.0.0/16"));
    top_free(top);
}
END_TEST

START_TEST(next_hop_self_towards_internal_neighbors)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, C)->families[0].next_hop_self = (struct opt_bool){true, true};
    five_up(top, config);
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    struct ip_addr self = addr_of("192.0.2.9");
    ck_assert(ip_equal(&far_route_find(&top->ends[2], "203.0.113.0/24")->attrs.next_hop, &self));
    ck_assert(ip_equal(&far_route_find(&top->ends[3], "203.0.113.0/24")->attrs.next_hop,
                       &top->ends[0].addr));
    top_free(top);
}
END_TEST

START_TEST(well_known_communities_are_obeyed)
{
    static const struct {
        uint32_t community;
        bool to_external;
        bool to_internal;
    } rows[] = {{COMMUNITY_NO_EXPORT, false, true},
                {COMMUNITY_NO_ADVERTISE, false, false},
                {COMMUNITY_NO_EXPORT_SUBCONFED, false, true},
                {(64501u << 16) | 7, true, true}};
    struct table_top *top = five();
    five_up(top, five_config());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct far_attrs wish = {.asns = &top->ends[0].asn,
                                 .asn_count = 1,
                                 .communities = &rows[i].community,
                                 .community_count = 1};
        far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
        top_settle(top);
        ck_assert_int_eq(far_route_find(&top->ends[1], "203.0.113.0/24") != NULL,
                         rows[i].to_external);
        ck_assert_int_eq(far_route_find(&top->ends[2], "203.0.113.0/24") != NULL,
                         rows[i].to_internal);
    }
    top_free(top);
}
END_TEST

START_TEST(send_community_chooses_what_is_sent)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, B)->families[0].send_community =
        (struct opt_u32){true, SEND_COMMUNITY_LARGE};
    five_up(top, config);
    uint32_t community = (64501u << 16) | 7;
    struct far_attrs wish = {
        .asns = &top->ends[0].asn, .asn_count = 1, .communities = &community, .community_count = 1};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    ck_assert(!path_attrs_has(&far_route_find(&top->ends[1], "203.0.113.0/24")->attrs,
                              PATH_ATTR_COMMUNITIES));
    ck_assert(path_attrs_has(&far_route_find(&top->ends[2], "203.0.113.0/24")->attrs,
                             PATH_ATTR_COMMUNITIES));
    top_free(top);
}
END_TEST

START_TEST(a_soft_clear_says_everything_again_and_ends_no_session)
{
    struct table_top *top = five();
    five_up(top, five_config());
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    struct ip_addr b = addr_of(B);
    ck_assert_uint_eq(core_clear(top->core, top->now, &b, 0, CLEAR_SOFT_OUT, NULL), 1);
    top_settle(top);
    ck_assert_uint_eq(far_route_find(&top->ends[1], "203.0.113.0/24")->times, 2);
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->times, 1);
    ck_assert_uint_eq(top->ends[1].refresh_begins, 1);
    ck_assert_uint_eq(top->ends[1].refresh_ends, 1);
    core_clear(top->core, top->now, &b, AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST), CLEAR_SOFT_OUT, NULL);
    top_settle(top);
    ck_assert_uint_eq(far_route_find(&top->ends[1], "203.0.113.0/24")->times, 2);
    struct ip_addr a = addr_of(A);
    ck_assert_uint_eq(core_clear(top->core, top->now, &a, 0, CLEAR_SOFT_IN, NULL), 1);
    top_settle(top);
    ck_assert_uint_eq(top->ends[0].refresh_requests, 0); /* what it said is known here */
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->times, 1);
    ck_assert_uint_eq(show_peer(top, A).established_count, 1);
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(a_changed_form_is_told_again_and_only_where_it_changed)
{
    struct table_top *top = five();
    five_up(top, five_config());
    uint32_t community = (64501u << 16) | 7;
    struct far_attrs wish = {
        .asns = &top->ends[0].asn, .asn_count = 1, .communities = &community, .community_count = 1};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    ck_assert(path_attrs_has(&far_route_find(&top->ends[1], "203.0.113.0/24")->attrs,
                             PATH_ATTR_COMMUNITIES));
    struct config *config = five_config();
    config_neighbor_of(config, B)->families[0].send_community =
        (struct opt_u32){true, SEND_COMMUNITY_LARGE};
    top_configure(top, config);
    top_settle(top);
    ck_assert(!path_attrs_has(&far_route_find(&top->ends[1], "203.0.113.0/24")->attrs,
                              PATH_ATTR_COMMUNITIES));
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->times, 1);
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(what_external_neighbors_do_not_see_is_not_told_them_again)
{
    struct table_top *top = five();
    five_up(top, five_config());
    struct far_attrs wish = {.asns = &top->ends[0].asn, .asn_count = 1, .has_med = true, .med = 10};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    wish.med = 20;
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    ck_assert_uint_eq(far_route_find(&top->ends[1], "203.0.113.0/24")->times, 1);
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->times, 2);
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->attrs.med, 20);
    far_withdraw(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(a_route_map_that_edits_nothing_says_nothing)
{
    struct table_top *top = five();
    five_up(top, five_config());
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    uint32_t updates = top->ends[1].updates;
    struct config *config = five_config();
    one_route_map(config, "all", NULL, 0);
    config_neighbor_of(config, B)->families[0].route_map_out = "all";
    top_configure(top, config);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].updates, updates);
    top_configure(top, five_config());
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].updates, updates);
    top_free(top);
}
END_TEST

START_TEST(equal_paths_of_two_members_of_one_group_go_to_each_the_others)
{
    /* A and E have one AS and one outbound treatment but for their links; a third-party next hop is
     * out of the question with multihop, which puts them in one group. */
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, A)->ebgp_multihop = (struct opt_u32){true, 5};
    config_neighbor_of(config, E)->ebgp_multihop = (struct opt_u32){true, 5};
    five_up(top, config);
    struct far_end *a = &top->ends[0];
    struct far_end *e = &top->ends[4];
    ck_assert_uint_eq(show_peer(top, A).families[0].update_group,
                      show_peer(top, E).families[0].update_group);
    far_announce(top, e, "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(a->route_count, 1);
    ck_assert_uint_eq(e->route_count, 0);
    far_announce(top, a, "203.0.113.0/24"); /* the lower address wins */
    top_settle(top);
    ck_assert_uint_eq(a->route_count, 0);
    ck_assert_uint_eq(e->route_count, 1);
    far_withdraw(top, a, "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(a->route_count, 1);
    ck_assert_uint_eq(e->route_count, 0);
    far_withdraw(top, e, "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(a->route_count, 0);
    ck_assert_uint_eq(e->route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(a_changed_outbound_policy_sends_the_difference_only)
{
    struct table_top *top = five();
    five_up(top, five_config());
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_announce(top, &top->ends[0], "10.2.0.0/16");
    top_settle(top);
    struct far_end *b = &top->ends[1];
    uint32_t updates = b->updates;
    struct config *config = five_config();
    one_prefix_list(config, "no-10-1", "10.1.0.0/16", false);
    config_neighbor_of(config, B)->families[0].prefix_list_out = "no-10-1";
    top_configure(top, config);
    ck_assert_ptr_null(far_route_find(b, "10.1.0.0/16"));
    ck_assert_ptr_nonnull(far_route_find(b, "10.2.0.0/16"));
    ck_assert_uint_eq(b->updates, updates + 1);
    ck_assert_uint_eq(far_route_find(b, "10.2.0.0/16")->times, 1);
    /* The same policy once more, compiled anew: nothing is said. */
    config = five_config();
    one_prefix_list(config, "other-name", "10.1.0.0/16", false);
    config_neighbor_of(config, B)->families[0].prefix_list_out = "other-name";
    top_configure(top, config);
    ck_assert_uint_eq(b->updates, updates + 1);
    top_configure(top, five_config());
    ck_assert_ptr_nonnull(far_route_find(b, "10.1.0.0/16"));
    ck_assert_uint_eq(far_route_find(b, "10.2.0.0/16")->times, 1);
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(a_changed_inbound_policy_runs_over_what_is_known)
{
    struct table_top *top = five();
    five_up(top, five_config());
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_announce(top, &top->ends[0], "10.2.0.0/16");
    top_settle(top);
    struct config *config = five_config();
    one_prefix_list(config, "no-10-1", "10.1.0.0/16", false);
    config_neighbor_of(config, A)->families[0].prefix_list_in = "no-10-1";
    top_configure(top, config);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "10.1.0.0/16");
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_POLICY_REJECTED);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    ck_assert_uint_eq(show_peer(top, A).families[0].received, 2);
    ck_assert_uint_eq(show_peer(top, A).families[0].accepted, 1);
    top_configure(top, five_config());
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    ck_assert_uint_eq(show_peer(top, A).established_count, 1);
    ck_assert_uint_eq(top->ends[0].refresh_requests, 0);
    top_free(top);
}
END_TEST

START_TEST(a_route_map_in_edits_what_is_chosen_and_told)
{
    struct table_top *top = five();
    struct config *config = five_config();
    struct set_def sets[] = {{.kind = SET_LOCAL_PREF, .number = 300},
                             {.kind = SET_METRIC, .number = 5}};
    one_route_map(config, "in", sets, 2);
    config_neighbor_of(config, B)->families[0].route_map_in = "in";
    five_up(top, config);
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    far_announce(top, &top->ends[1], "203.0.113.0/24");
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    const struct snapshot_path *best = shown_best(&shown);
    ck_assert_uint_eq(best->peer_asn, 64502);
    ck_assert_uint_eq(best->attrs.local_pref, 300);
    ck_assert_uint_eq(best->reason, DECISION_LOCAL_PREF);
    ck_assert_uint_eq(far_route_find(&top->ends[2], "203.0.113.0/24")->attrs.local_pref, 300);
    struct shown_paths received = show_table(top, SNAPSHOT_ADJ_IN, B, NULL);
    ck_assert(!path_attrs_has(&received.rows[0].attrs, PATH_ATTR_LOCAL_PREF));
    top_free(top);
}
END_TEST

START_TEST(a_route_map_out_prepends_behind_our_own_as_and_sets_the_med)
{
    struct table_top *top = five();
    struct config *config = five_config();
    uint32_t prepend[] = {65100, 65100};
    struct set_def sets[] = {{.kind = SET_AS_PATH_PREPEND, .asns = prepend, .asn_count = 2},
                             {.kind = SET_METRIC, .number = 5}};
    sets[0].asns = arena_copy(&config->arena, prepend, sizeof prepend);
    one_route_map(config, "out", sets, 2);
    config_neighbor_of(config, B)->families[0].route_map_out = "out";
    five_up(top, config);
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    struct far_route *route = far_route_find(&top->ends[1], "203.0.113.0/24");
    ck_assert_uint_eq(as_path_length(route->attrs.as_path), 4);
    ck_assert_uint_eq(as_path_first(route->attrs.as_path), 65001);
    ck_assert_uint_eq(as_path_origin(route->attrs.as_path), 64501);
    ck_assert(path_attrs_has(&route->attrs, PATH_ATTR_MED));
    ck_assert_uint_eq(route->attrs.med, 5);
    top_free(top);
}
END_TEST

START_TEST(a_route_map_that_does_not_exist_lets_nothing_through)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, A)->families[0].route_map_in = "nowhere";
    config_neighbor_of(config, B)->families[0].route_map_out = "nowhere";
    five_up(top, config);
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_announce(top, &top->ends[4], "10.2.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    ck_assert_uint_eq(top->ends[2].route_count, 1);
    top_free(top);
}
END_TEST

START_TEST(as_override_and_private_as_modes)
{
    static const struct {
        uint32_t mode;
        bool as_override;
        uint32_t path[3];
        size_t count;
        uint32_t expected[4];
        size_t expected_count;
    } rows[] = {
        {PRIVATE_AS_KEEP, false, {3356, 64999}, 2, {65001, 3356, 64999}, 3},
        {PRIVATE_AS_REMOVE, false, {3356, 64999}, 2, {65001, 3356, 64999}, 3},
        {PRIVATE_AS_REMOVE, false, {64801, 64999}, 2, {65001}, 1},
        {PRIVATE_AS_REMOVE_ALL, false, {3356, 64999}, 2, {65001, 3356}, 2},
        {PRIVATE_AS_REPLACE_ALL, false, {3356, 64999}, 2, {65001, 3356, 65001}, 3},
        {PRIVATE_AS_KEEP, true, {3356, 64502}, 2, {65001, 3356, 65001}, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table_top *top = five();
        struct config *config = five_config();
        struct config_family *family = &config_neighbor_of(config, B)->families[0];
        family->private_as = (struct opt_u32){true, rows[i].mode};
        family->as_override = (struct opt_bool){true, rows[i].as_override};
        config_neighbor_of(config, A)->enforce_first_as = (struct opt_bool){true, false};
        five_up(top, config);
        struct far_attrs wish = {.asns = rows[i].path, .asn_count = rows[i].count};
        far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
        top_settle(top);
        struct far_route *route = far_route_find(&top->ends[1], "203.0.113.0/24");
        ck_assert_ptr_nonnull(route);
        struct arena arena;
        arena_init(&arena);
        struct byte_view expected =
            as_path_from_asns(&arena, rows[i].expected, rows[i].expected_count);
        ck_assert_msg(byte_view_equal(expected, route->attrs.as_path), "row %zu", i);
        arena_fini(&arena);
        top_free(top);
    }
}
END_TEST

START_TEST(local_as_is_put_in_front_of_our_own_unless_it_replaces_it)
{
    for (int replaces = 0; replaces < 2; replaces++) {
        struct table_top *top = five();
        struct config *config = five_config();
        struct config_neighbor *b = config_neighbor_of(config, B);
        b->local_asn = (struct opt_u32){true, 65077};
        b->local_as_replace = replaces == 1;
        b->local_as_no_prepend = true;
        five_up(top, config);
        far_announce(top, &top->ends[0], "203.0.113.0/24");
        top_settle(top);
        struct far_route *route = far_route_find(&top->ends[1], "203.0.113.0/24");
        ck_assert_ptr_nonnull(route);
        ck_assert_uint_eq(as_path_first(route->attrs.as_path), 65077);
        ck_assert_uint_eq(as_path_length(route->attrs.as_path), replaces == 1 ? 2 : 3);
        top_free(top);
    }
}
END_TEST

START_TEST(the_outbound_limit_holds_new_prefixes_back_and_lets_them_follow)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, B)->families[0].max_prefixes_out = (struct opt_u32){true, 5};
    five_up(top, config);
    char text[32];
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "10.%d.0.0/16", i);
        far_announce(top, &top->ends[0], text);
        top_settle(top);
    }
    struct far_end *b = &top->ends[1];
    ck_assert(b->is_up);
    ck_assert_uint_eq(b->route_count, 5);
    ck_assert_uint_eq(top->ends[2].route_count, 8);
    ck_assert_uint_eq(top->log_total[LOG_AZURE], 2); /* near it, at it */
    struct far_attrs longer = {.asns = (uint32_t[]){64501, 64999}, .asn_count = 2};
    far_announce_with(top, &top->ends[0], "10.0.0.0/16", &longer);
    top_settle(top);
    ck_assert_uint_eq(as_path_length(far_route_find(b, "10.0.0.0/16")->attrs.as_path), 3);
    far_withdraw(top, &top->ends[0], "10.7.0.0/16"); /* one that waits */
    top_settle(top);
    ck_assert_uint_eq(b->route_count, 5);
    ck_assert_uint_eq(b->withdrawals, 0);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "10.%d.0.0/16", i);
        far_withdraw(top, &top->ends[0], text);
        top_settle(top);
    }
    ck_assert_uint_eq(b->route_count, 4);
    ck_assert_ptr_nonnull(far_route_find(b, "10.6.0.0/16"));
    ck_assert_uint_eq(show_peer(top, B).families[0].sent, 4);
    top_free(top);
}
END_TEST

START_TEST(default_originate_goes_to_its_neighbor_and_to_nobody_else)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_neighbor_of(config, B)->families[0].default_originate = (struct opt_bool){true, true};
    five_up(top, config);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "0.0.0.0/0"));
    ck_assert_uint_eq(as_path_length(far_route_find(&top->ends[1], "0.0.0.0/0")->attrs.as_path), 1);
    ck_assert_uint_eq(top->ends[0].route_count, 0);
    ck_assert_uint_eq(top->ends[2].route_count, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    top_configure(top, five_config());
    ck_assert_ptr_null(far_route_find(&top->ends[1], "0.0.0.0/0"));
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(a_group_that_splits_withdraws_what_only_the_old_one_announced)
{
    struct table_top *top = five();
    five_up(top, five_config());
    ck_assert_uint_eq(show_peer(top, C).families[0].update_group,
                      show_peer(top, D).families[0].update_group);
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_announce(top, &top->ends[0], "10.2.0.0/16");
    top_settle(top);
    struct config *config = five_config();
    one_prefix_list(config, "no-10-1", "10.1.0.0/16", false);
    config_neighbor_of(config, D)->families[0].prefix_list_out = "no-10-1";
    top_configure(top, config);
    ck_assert_uint_ne(show_peer(top, C).families[0].update_group,
                      show_peer(top, D).families[0].update_group);
    ck_assert_uint_eq(top->ends[2].route_count, 2);
    ck_assert_uint_eq(top->ends[3].route_count, 1);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[3], "10.2.0.0/16"));
    ck_assert_uint_eq(show_peer(top, D).families[0].sent, 1);
    far_withdraw(top, &top->ends[0], "10.2.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->ends[2].route_count, 1);
    ck_assert_uint_eq(top->ends[3].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(prefixes_with_equal_attributes_share_messages)
{
    struct table_top *top = five();
    five_up(top, five_config());
    uint32_t before = top->ends[1].updates;
    const char *prefixes[200];
    char texts[200][32];
    for (int i = 0; i < 200; i++) {
        snprintf(texts[i], sizeof texts[i], "10.0.%d.0/24", i);
        prefixes[i] = texts[i];
    }
    struct arena arena;
    arena_init(&arena);
    struct far_attrs wish = {.asns = &top->ends[0].asn, .asn_count = 1};
    struct path_attrs attrs = far_path_attrs(&top->ends[0], &arena, &wish);
    far_announce_attrs(top, &top->ends[0], prefixes, 200, &attrs);
    arena_fini(&arena);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 200);
    ck_assert_uint_eq(top->ends[1].updates, before + 1);
    for (int i = 0; i < 200; i++) {
        ck_assert_uint_eq(top->ends[1].routes[i].times, 1);
    }
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_export");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, attributes_follow_the_kind_of_session);
    tcase_add_test(tcase, internal_routes_stay_among_neighbors_that_cannot_reflect);
    tcase_add_test(tcase, a_reflector_client_gets_internal_routes_with_originator_and_cluster);
    tcase_add_test(tcase, next_hop_self_towards_internal_neighbors);
    tcase_add_test(tcase, well_known_communities_are_obeyed);
    tcase_add_test(tcase, send_community_chooses_what_is_sent);
    tcase_add_test(tcase, a_soft_clear_says_everything_again_and_ends_no_session);
    tcase_add_test(tcase, a_changed_form_is_told_again_and_only_where_it_changed);
    tcase_add_test(tcase, what_external_neighbors_do_not_see_is_not_told_them_again);
    tcase_add_test(tcase, a_route_map_that_edits_nothing_says_nothing);
    tcase_add_test(tcase, equal_paths_of_two_members_of_one_group_go_to_each_the_others);
    tcase_add_test(tcase, a_changed_outbound_policy_sends_the_difference_only);
    tcase_add_test(tcase, a_changed_inbound_policy_runs_over_what_is_known);
    tcase_add_test(tcase, a_route_map_in_edits_what_is_chosen_and_told);
    tcase_add_test(tcase, a_route_map_out_prepends_behind_our_own_as_and_sets_the_med);
    tcase_add_test(tcase, a_route_map_that_does_not_exist_lets_nothing_through);
    tcase_add_test(tcase, as_override_and_private_as_modes);
    tcase_add_test(tcase, local_as_is_put_in_front_of_our_own_unless_it_replaces_it);
    tcase_add_test(tcase, the_outbound_limit_holds_new_prefixes_back_and_lets_them_follow);
    tcase_add_test(tcase, default_originate_goes_to_its_neighbor_and_to_nobody_else);
    tcase_add_test(tcase, a_group_that_splits_withdraws_what_only_the_old_one_announced);
    tcase_add_test(tcase, prefixes_with_equal_attributes_share_messages);
    suite_add_tcase(suite, tcase);
    return suite;
}
