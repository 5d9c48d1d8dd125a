/* Import: what a neighbour says, what is stored, what is chosen. */
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

/* Two eBGP neighbours on two links, no policy needed. */
static struct table_top *two_neighbors(struct config **config_out)
{
    struct table_top *top = top_new(7);
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    top_link(top, 3, "eth1", "veth", "192.0.2.5", 30);
    top_far_end(top, "192.0.2.2", "192.0.2.1", 64501, 2);
    top_far_end(top, "192.0.2.6", "192.0.2.5", 64502, 3);
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, "192.0.2.2", 64501);
    config_neighbor_add(config, "192.0.2.6", 64502);
    *config_out = config;
    return top;
}

static struct table_top *two_established(void)
{
    struct config *config = NULL;
    struct table_top *top = two_neighbors(&config);
    top_configure(top, config);
    top_wait_s(top, 20);
    ck_assert(top->ends[0].is_up);
    ck_assert(top->ends[1].is_up);
    return top;
}

START_TEST(a_route_is_stored_chosen_and_told_to_the_other_neighbor)
{
    struct table_top *top = two_established();
    struct far_end *a = far_end_of(top, "192.0.2.2");
    struct far_end *b = far_end_of(top, "192.0.2.6");
    far_announce(top, a, "203.0.113.0/24");
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert_uint_eq(shown.total, 1);
    ck_assert(shown.rows[0].is_eligible);
    ck_assert((shown.rows[0].flags & ROUTE_BEST) != 0);
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_ONLY_PATH);
    struct far_route *route = far_route_find(b, "203.0.113.0/24");
    ck_assert_ptr_nonnull(route);
    ck_assert_uint_eq(as_path_first(route->attrs.as_path), 65001);
    ck_assert_uint_eq(as_path_length(route->attrs.as_path), 2);
    struct ip_addr self = addr_of("192.0.2.5");
    ck_assert(ip_equal(&route->attrs.next_hop, &self));
    ck_assert(!path_attrs_has(&route->attrs, PATH_ATTR_LOCAL_PREF));
    ck_assert_uint_eq(show_peer(top, "192.0.2.2").families[0].received, 1);
    ck_assert_uint_eq(show_peer(top, "192.0.2.6").families[0].sent, 1);
    far_withdraw(top, a, "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(b->route_count, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    top_free(top);
}
END_TEST

START_TEST(nothing_goes_back_to_the_neighbor_it_came_from)
{
    struct table_top *top = two_established();
    struct far_end *a = far_end_of(top, "192.0.2.2");
    far_announce(top, a, "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(a->route_count, 0);
    ck_assert_uint_eq(a->withdrawals, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_OUT, "192.0.2.2", NULL).total, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_OUT, "192.0.2.6", NULL).total, 1);
    top_free(top);
}
END_TEST

START_TEST(end_of_rib_is_sent_once_after_the_first_announcement)
{
    struct table_top *top = two_established();
    ck_assert_uint_eq(top->ends[0].end_of_ribs, AFI_SAFI_BIT(0));
    ck_assert_uint_eq(top->ends[0].updates, 1);
    ck_assert(show_peer(top, "192.0.2.2").families[0].end_of_rib_sent);
    ck_assert(!show_peer(top, "192.0.2.2").families[0].end_of_rib_received);
    far_end_of_rib(top, &top->ends[0]);
    top_settle(top);
    ck_assert(show_peer(top, "192.0.2.2").families[0].end_of_rib_received);
    top_free(top);
}
END_TEST

START_TEST(a_path_with_our_own_as_is_kept_and_not_used)
{
    struct table_top *top = two_established();
    uint32_t path[] = {64501, 65001};
    struct far_attrs wish = {.asns = path, .asn_count = 2};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert_uint_eq(shown.total, 1);
    ck_assert(!shown.rows[0].is_eligible);
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_AS_LOOP);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    struct prefix prefix = prefix_of("203.0.113.0/24");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "192.0.2.2"));
    top_free(top);
}
END_TEST

START_TEST(allowas_in_takes_as_many_of_our_own_as_it_says)
{
    for (uint32_t allowed = 0; allowed < 3; allowed++) {
        struct config *config = NULL;
        struct table_top *top = two_neighbors(&config);
        config_neighbor_of(config, "192.0.2.2")->families[0].allow_own_as =
            (struct opt_u32){true, allowed};
        top_configure(top, config);
        top_wait_s(top, 20);
        for (uint32_t count = 0; count < 4; count++) {
            uint32_t path[5] = {64501, 65001, 65001, 65001, 65001};
            struct far_attrs wish = {.asns = path, .asn_count = 1 + count};
            far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
            top_settle(top);
            struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
            ck_assert_int_eq(shown.rows[0].is_eligible, count <= allowed);
        }
        top_free(top);
    }
}
END_TEST

START_TEST(a_path_that_does_not_start_with_the_neighbors_as_is_withdrawn_and_counted)
{
    struct table_top *top = two_established();
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    uint32_t path[] = {64999};
    struct far_attrs wish = {.asns = path, .asn_count = 1};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    far_announce(top, &top->ends[0], "198.51.100.0/24");
    top_settle(top);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24").total, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, "198.51.100.0/24").total, 1);
    ck_assert_uint_eq(show_peer(top, "192.0.2.2").treat_as_withdraw_count, 1);
    ck_assert_uint_eq(top->log_total[LOG_UPDATE_ERROR], 2); /* what is wrong, and its octets */
    top_free(top);
}
END_TEST

START_TEST(without_policy_ebgp_exchanges_nothing_and_says_so)
{
    struct config *config = NULL;
    struct table_top *top = two_neighbors(&config);
    config->bgp.ebgp_requires_policy = true;
    config_network_add(config, "198.51.100.0/24", 0);
    top_configure(top, config);
    top_wait_s(top, 20);
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert_uint_eq(shown.total, 1);
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_POLICY_REJECTED);
    ck_assert_uint_eq(top->ends[0].route_count, 0);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    ck_assert(show_peer(top, "192.0.2.2").families[0].policy_missing_in);
    ck_assert(show_peer(top, "192.0.2.2").families[0].policy_missing_out);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN_FILTERED, "192.0.2.2", NULL).total, 1);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN_ACCEPTED, "192.0.2.2", NULL).total, 0);
    top_free(top);
}
END_TEST

START_TEST(a_next_hop_on_no_link_of_ours_is_refused_from_a_direct_neighbor)
{
    struct table_top *top = two_established();
    struct far_attrs wish = {.asns = &top->ends[0].asn, .asn_count = 1, .next_hop = "10.9.9.9"};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert(!shown.rows[0].is_eligible);
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_NEXTHOP_UNRESOLVED);
    top_free(top);
}
END_TEST

START_TEST(our_own_address_as_next_hop_is_refused)
{
    struct table_top *top = two_established();
    struct far_attrs wish = {.asns = &top->ends[0].asn, .asn_count = 1, .next_hop = "192.0.2.1"};
    far_announce_with(top, &top->ends[0], "203.0.113.0/24", &wish);
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert_uint_eq(shown.total, 1);
    ck_assert(!shown.rows[0].is_eligible);
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_NEXTHOP_OWN);
    top_free(top);
}
END_TEST

START_TEST(the_chosen_path_does_not_depend_on_the_order_of_arrival)
{
    static const char *const prefixes[] = {"203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8"};
    uint32_t chosen[2][3];
    for (int order = 0; order < 2; order++) {
        struct table_top *top = two_established();
        for (int turn = 0; turn < 2; turn++) {
            struct far_end *end = &top->ends[turn == order ? 0 : 1];
            for (int i = 0; i < 3; i++) {
                far_announce(top, end, prefixes[i]);
            }
            if (turn == 0) {
                top_settle_slices(top, 1);
            }
        }
        top_settle_slices(top, 1);
        for (int i = 0; i < 3; i++) {
            struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, prefixes[i]);
            ck_assert_uint_eq(shown.total, 2);
            chosen[order][i] = shown_best(&shown)->peer_asn;
        }
        top_free(top);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(chosen[0][i], chosen[1][i]);
    }
}
END_TEST

START_TEST(a_lost_session_takes_its_routes_along_in_slices)
{
    struct table_top *top = two_established();
    char text[32];
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "10.%d.%d.0/24", i / 256, i % 256);
        far_announce(top, &top->ends[0], text);
    }
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 500);
    top->ends[0].refuses_connects = true;
    far_close(top, &top->ends[0]);
    ck_assert(core_work(top->core, top->now, 10));
    ck_assert(core_work(top->core, top->now, 10));
    top_settle_slices(top, 10);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    top_free(top);
}
END_TEST

START_TEST(a_new_session_does_not_wait_for_the_old_ones_routes_to_go)
{
    struct table_top *top = two_established();
    char text[32];
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "10.0.%d.0/24", i % 256);
        far_announce(top, &top->ends[0], text);
    }
    top_settle(top);
    far_close(top, &top->ends[0]);
    top_wait_s(top, 30);
    ck_assert(top->ends[0].is_up);
    far_announce(top, &top->ends[0], "10.0.7.0/24");
    top_settle(top);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 1);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    top_free(top);
}
END_TEST

static struct table_top *with_limit(uint32_t limit, enum prefix_limit_action action)
{
    struct config *config = NULL;
    struct table_top *top = two_neighbors(&config);
    struct config_family *family = &config_neighbor_of(config, "192.0.2.2")->families[0];
    family->max_prefixes = (struct opt_u32){true, limit};
    family->max_prefixes_action = (struct opt_u32){true, action};
    top_configure(top, config);
    top_wait_s(top, 20);
    return top;
}

START_TEST(maximum_prefix_ends_the_session_with_cease_1_and_its_bound)
{
    struct table_top *top = with_limit(3, PREFIX_LIMIT_TEARDOWN);
    struct far_end *a = &top->ends[0];
    static const char *const prefixes[] = {"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"};
    for (int i = 0; i < 3; i++) {
        far_announce(top, a, prefixes[i]);
        far_announce(top, a, prefixes[i]); /* the same again counts once */
    }
    top_settle(top);
    ck_assert(a->is_up);
    far_announce(top, a, "10.0.4.0/24");
    top_settle(top);
    ck_assert(!a->is_up);
    ck_assert_uint_eq(a->notification_code, NOTIFICATION_CEASE);
    ck_assert_uint_eq(a->notification_subcode, CEASE_MAX_PREFIXES);
    static const uint8_t bound[7] = {0, 1, 1, 0, 0, 0, 3};
    ck_assert_uint_eq(a->notification_bytes, 7);
    ck_assert_mem_eq(a->notification_data, bound, 7);
    top_wait_s(top, 300);
    ck_assert(!a->is_up); /* until cleared: no restart time was given */
    ck_assert(show_peer(top, "192.0.2.2").is_prefix_limited);
    top_free(top);
}
END_TEST

START_TEST(maximum_prefix_warning_only_keeps_everything)
{
    struct table_top *top = with_limit(2, PREFIX_LIMIT_WARN);
    far_announce(top, &top->ends[0], "10.0.1.0/24");
    far_announce(top, &top->ends[0], "10.0.2.0/24");
    far_announce(top, &top->ends[0], "10.0.3.0/24");
    top_settle(top);
    ck_assert(top->ends[0].is_up);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 3);
    ck_assert(show_peer(top, "192.0.2.2").families[0].limit_reached);
    ck_assert_uint_ge(top->log_total[LOG_PREFIX_LIMIT], 1);
    top_free(top);
}
END_TEST

START_TEST(maximum_prefix_hold_refuses_what_is_too_much_and_asks_again_when_there_is_room)
{
    struct table_top *top = with_limit(2, PREFIX_LIMIT_HOLD);
    struct far_end *a = &top->ends[0];
    far_announce(top, a, "10.0.1.0/24");
    far_announce(top, a, "10.0.2.0/24");
    far_announce(top, a, "10.0.3.0/24");
    top_settle(top);
    ck_assert(a->is_up);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 2);
    struct prefix refused = prefix_of("10.0.3.0/24");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &refused), "maximum-prefix"));
    far_withdraw(top, a, "10.0.1.0/24");
    top_settle(top);
    ck_assert_uint_eq(a->refresh_requests, 1);
    top_free(top);
}
END_TEST

START_TEST(a_malformed_attribute_withdraws_the_routes_and_leaves_the_session)
{
    struct table_top *top = two_established();
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    uint8_t bytes[128];
    struct writer writer = writer_of(bytes, sizeof bytes);
    message_begin(&writer, MESSAGE_UPDATE);
    writer_u16(&writer, 0);
    writer_u16(&writer, 4 + 6 + 3 + 7);
    static const uint8_t attrs[] = {0x40, 1,    1,    9,    0x40, 2, 6,   2, 1, 0,
                                    0,    0xfb, 0xf5, 0x40, 3,    4, 192, 0, 2, 2};
    writer_bytes(&writer, attrs, sizeof attrs);
    store_be16(bytes + BGP_HEADER_BYTES + 2, sizeof attrs);
    static const uint8_t nlri[] = {24, 203, 0, 113};
    writer_bytes(&writer, nlri, sizeof nlri);
    message_end(&writer, 0);
    far_send(top, &top->ends[0], bytes, writer_size(&writer));
    top_settle(top);
    ck_assert(top->ends[0].is_up);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    ck_assert_uint_eq(show_peer(top, "192.0.2.2").treat_as_withdraw_count, 1);
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    top_free(top);
}
END_TEST

START_TEST(the_azure_role_refuses_the_default_route_our_own_prefixes_and_our_own_as)
{
    struct table_top *top = top_new(3);
    top_link(top, 2, "eth0", "veth", "172.16.0.1", 30);
    top_far_end(top, "172.16.0.2", "172.16.0.1", 12076, 2);
    struct config *config = config_begin(65001);
    config_neighbor_add(config, "172.16.0.2", 0)->azure_role = AZURE_ROLE_MSEE;
    config_network_add(config, "10.1.0.0/16", 0);
    top_configure(top, config);
    top_wait_s(top, 20);
    ck_assert(top->ends[0].is_up);
    static const char *const refused[] = {"0.0.0.0/0", "10.1.0.0/16", "10.1.7.0/24"};
    for (int i = 0; i < 3; i++) {
        far_announce(top, &top->ends[0], refused[i]);
    }
    far_announce(top, &top->ends[0], "10.50.0.0/16");
    top_settle(top);
    for (int i = 0; i < 3; i++) {
        struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, refused[i]);
        for (uint32_t row = 0; row < shown.count; row++) {
            ck_assert(shown.rows[row].peer.family == IP_NONE || !shown.rows[row].is_eligible);
        }
    }
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "10.50.0.0/16");
    ck_assert_ptr_nonnull(shown_best(&shown));
    top_free(top);
}
END_TEST

START_TEST(a_drain_of_an_msee_is_said_once_each_way)
{
    struct table_top *top = top_new(3);
    top_link(top, 2, "eth0", "veth", "172.16.0.1", 30);
    top_far_end(top, "172.16.0.2", "172.16.0.1", 12076, 2);
    struct config *config = config_begin(65001);
    config_neighbor_add(config, "172.16.0.2", 0)->azure_role = AZURE_ROLE_MSEE;
    top_configure(top, config);
    top_wait_s(top, 20);
    uint32_t path[9] = {12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076};
    struct far_attrs drained = {.asns = path, .asn_count = 9};
    far_announce_with(top, &top->ends[0], "10.50.0.0/16", &drained);
    far_announce_with(top, &top->ends[0], "10.51.0.0/16", &drained);
    top_settle(top);
    ck_assert_uint_eq(top->log_total[LOG_AZURE], 1);
    far_announce(top, &top->ends[0], "10.50.0.0/16");
    far_announce(top, &top->ends[0], "10.51.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->log_total[LOG_AZURE], 2);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_import");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_route_is_stored_chosen_and_told_to_the_other_neighbor);
    tcase_add_test(tcase, nothing_goes_back_to_the_neighbor_it_came_from);
    tcase_add_test(tcase, end_of_rib_is_sent_once_after_the_first_announcement);
    tcase_add_test(tcase, a_path_with_our_own_as_is_kept_and_not_used);
    tcase_add_test(tcase, allowas_in_takes_as_many_of_our_own_as_it_says);
    tcase_add_test(tcase,
                   a_path_that_does_not_start_with_the_neighbors_as_is_withdrawn_and_counted);
    tcase_add_test(tcase, without_policy_ebgp_exchanges_nothing_and_says_so);
    tcase_add_test(tcase, a_next_hop_on_no_link_of_ours_is_refused_from_a_direct_neighbor);
    tcase_add_test(tcase, our_own_address_as_next_hop_is_refused);
    tcase_add_test(tcase, the_chosen_path_does_not_depend_on_the_order_of_arrival);
    tcase_add_test(tcase, a_lost_session_takes_its_routes_along_in_slices);
    tcase_add_test(tcase, a_new_session_does_not_wait_for_the_old_ones_routes_to_go);
    tcase_add_test(tcase, maximum_prefix_ends_the_session_with_cease_1_and_its_bound);
    tcase_add_test(tcase, maximum_prefix_warning_only_keeps_everything);
    tcase_add_test(tcase,
                   maximum_prefix_hold_refuses_what_is_too_much_and_asks_again_when_there_is_room);
    tcase_add_test(tcase, a_malformed_attribute_withdraws_the_routes_and_leaves_the_session);
    tcase_add_test(tcase, the_azure_role_refuses_the_default_route_our_own_prefixes_and_our_own_as);
    tcase_add_test(tcase, a_drain_of_an_msee_is_said_once_each_way);
    suite_add_tcase(suite, tcase);
    return suite;
}
