/* Routes of our own: networks, aggregates, redistribution, IPv6, and that the tables are empty
 * again when everything has gone. */
#include "proto/base/mem.h"
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

static struct config *plain_config(void)
{
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, "192.0.2.2", 64501);
    config_neighbor_add(config, "192.0.2.6", 64502);
    return config;
}

static struct table_top *plain(void)
{
    struct table_top *top = top_new(9);
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    top_link(top, 3, "eth1", "veth", "192.0.2.5", 30);
    top_far_end(top, "192.0.2.2", "192.0.2.1", 64501, 2);
    top_far_end(top, "192.0.2.6", "192.0.2.5", 64502, 3);
    return top;
}

static void plain_up(struct table_top *top, struct config *config)
{
    top_configure(top, config);
    top_wait_s(top, 30);
    ck_assert(top->ends[0].is_up && top->ends[1].is_up);
}

START_TEST(a_network_is_announced_whether_or_not_the_kernel_has_it)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_network_add(config, "198.51.100.0/24", 0);
    plain_up(top, config);
    struct far_route *route = far_route_find(&top->ends[0], "198.51.100.0/24");
    ck_assert_ptr_nonnull(route);
    ck_assert_uint_eq(route->attrs.origin, BGP_ORIGIN_IGP);
    ck_assert_uint_eq(as_path_length(route->attrs.as_path), 1);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "198.51.100.0/24");
    ck_assert_uint_eq(shown.rows[0].weight, 32768);
    ck_assert_uint_eq(shown.rows[0].source_kind, SOURCE_NETWORK);
    ck_assert_uint_eq(top->fib_routes, 0);
    top_configure(top, plain_config());
    ck_assert_uint_eq(top->ends[0].route_count, 0);
    ck_assert_uint_eq(top->ends[0].withdrawals, 1);
    top_free(top);
}
END_TEST

START_TEST(our_own_network_wins_over_what_a_neighbor_says)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_network_add(config, "198.51.100.0/24", 0);
    plain_up(top, config);
    far_announce(top, &top->ends[0], "198.51.100.0/24");
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "198.51.100.0/24");
    ck_assert_uint_eq(shown.total, 2);
    ck_assert_uint_eq(shown_best(&shown)->source_kind, SOURCE_NETWORK);
    ck_assert_uint_eq(top->fib_routes, 0);
    ck_assert_uint_eq(
        as_path_length(far_route_find(&top->ends[1], "198.51.100.0/24")->attrs.as_path), 1);
    top_free(top);
}
END_TEST

START_TEST(an_aggregate_stands_while_something_inside_is_used)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_aggregate_add(config, "10.0.0.0/8");
    plain_up(top, config);
    ck_assert_ptr_null(far_route_find(&top->ends[1], "10.0.0.0/8"));
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    top_settle(top);
    struct far_route *route = far_route_find(&top->ends[1], "10.0.0.0/8");
    ck_assert_ptr_nonnull(route);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.1.0.0/16"));
    ck_assert_uint_eq(as_path_length(route->attrs.as_path), 1);
    ck_assert(path_attrs_has(&route->attrs, PATH_ATTR_ATOMIC_AGGREGATE));
    ck_assert_uint_eq(route->attrs.aggregator_asn, 65001);
    ck_assert_uint_eq(route->attrs.aggregator_id, 0xc0a8ff01);
    far_withdraw(top, &top->ends[0], "10.1.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(the_aggregate_itself_does_not_keep_itself_alive)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_aggregate_add(config, "10.0.0.0/8");
    config_aggregate_add(config, "10.0.0.0/16");
    plain_up(top, config);
    far_announce(top, &top->ends[0], "10.0.0.0/8"); /* the same prefix is not inside it */
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "10.0.0.0/8");
    ck_assert_uint_eq(shown.total, 1);
    far_announce(top, &top->ends[0], "10.0.1.0/24");
    top_settle(top);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.0.0.0/16"));
    far_withdraw(top, &top->ends[0], "10.0.0.0/8");
    far_withdraw(top, &top->ends[0], "10.0.1.0/24");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    top_free(top);
}
END_TEST

START_TEST(summary_only_keeps_the_inside_to_ourselves_while_the_aggregate_stands)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_aggregate_add(config, "10.0.0.0/8")->summary_only = true;
    plain_up(top, config);
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_announce(top, &top->ends[0], "10.2.0.0/16");
    far_announce(top, &top->ends[0], "172.20.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.0.0.0/8"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "172.20.0.0/16"));
    config = plain_config();
    config_aggregate_add(config, "10.0.0.0/8");
    top_configure(top, config);
    ck_assert_uint_eq(top->ends[1].route_count, 4);
    top_configure(top, plain_config());
    ck_assert_uint_eq(top->ends[1].route_count, 3);
    top_free(top);
}
END_TEST

START_TEST(as_set_keeps_the_common_head_of_the_paths_and_makes_no_set)
{
    static const struct {
        uint32_t paths[2][3];
        size_t counts[2];
        uint32_t expected[3];
        size_t expected_count;
        bool is_atomic;
    } rows[] = {
        {{{64501, 64800, 64900}, {64501, 64800, 64901}}, {3, 3}, {65001, 64501, 64800}, 3, true},
        {{{64501, 64800}, {64501, 64800}}, {2, 2}, {65001, 64501, 64800}, 3, false},
        {{{64501, 64800}, {64501}}, {2, 1}, {65001, 64501}, 2, true},
    };
    for (size_t row = 0; row < 3; row++) {
        for (int order = 0; order < 2; order++) {
            struct table_top *top = plain();
            struct config *config = plain_config();
            config_aggregate_add(config, "10.0.0.0/8")->as_set = true;
            plain_up(top, config);
            for (int i = 0; i < 2; i++) {
                int which = i ^ order;
                struct far_attrs wish = {.asns = rows[row].paths[which],
                                         .asn_count = rows[row].counts[which]};
                far_announce_with(top, &top->ends[0], which == 0 ? "10.1.0.0/16" : "10.2.0.0/16",
                                  &wish);
                top_settle(top);
            }
            struct far_route *route = far_route_find(&top->ends[1], "10.0.0.0/8");
            ck_assert_ptr_nonnull(route);
            struct arena arena;
            arena_init(&arena);
            ck_assert(byte_view_equal(
                as_path_from_asns(&arena, rows[row].expected, rows[row].expected_count),
                route->attrs.as_path));
            arena_fini(&arena);
            ck_assert(!as_path_has_set(route->attrs.as_path));
            ck_assert_int_eq(path_attrs_has(&route->attrs, PATH_ATTR_ATOMIC_AGGREGATE),
                             rows[row].is_atomic);
            top_free(top);
        }
    }
}
END_TEST

START_TEST(connected_routes_are_redistributed_while_configured)
{
    struct table_top *top = plain();
    plain_up(top, plain_config());
    top_link(top, 7, "lan0", "veth", "10.77.0.1", 16);
    ck_assert_uint_eq(top->ends[0].route_count, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    struct prefix lan = prefix_of("10.77.0.0/16");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &lan), "not redistributed"));
    struct config *config = plain_config();
    config->bgp.families[0].redistribute[REDISTRIBUTE_CONNECTED] =
        (struct config_redistribute){.is_enabled = true, .metric = {true, 42}};
    top_configure(top, config);
    struct far_route *route = far_route_find(&top->ends[0], "10.77.0.0/16");
    ck_assert_ptr_nonnull(route);
    ck_assert_uint_eq(route->attrs.origin, BGP_ORIGIN_INCOMPLETE);
    ck_assert_uint_eq(route->attrs.med, 42);
    top_configure(top, plain_config());
    ck_assert_uint_eq(top->ends[0].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(ipv6_routes_are_told_with_our_address_on_the_session)
{
    struct table_top *top = top_new(4);
    top_link(top, 2, "eth0", "veth", "2001:db8:1::1", 64);
    top_link(top, 3, "eth1", "veth", "2001:db8:2::1", 64);
    top_far_end(top, "2001:db8:1::2", "2001:db8:1::1", 64501, 2);
    top_far_end(top, "2001:db8:2::2", "2001:db8:2::1", 64502, 3);
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, "2001:db8:1::2", 64501)->families[1].activate =
        (struct opt_bool){true, true};
    config_neighbor_add(config, "2001:db8:2::2", 64502)->families[1].activate =
        (struct opt_bool){true, true};
    config_network_add(config, "2001:db8:ffff::/48", 0);
    plain_up(top, config);
    far_announce(top, &top->ends[0], "2001:db8:aaaa::/48");
    top_settle(top);
    struct far_route *route = far_route_find(&top->ends[1], "2001:db8:aaaa::/48");
    ck_assert_ptr_nonnull(route);
    struct ip_addr self = addr_of("2001:db8:2::1");
    ck_assert(ip_equal(&route->attrs.next_hop, &self));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "2001:db8:ffff::/48"));
    ck_assert_uint_eq(top->ends[0].end_of_ribs, AFI_SAFI_BIT(1));
    far_withdraw(top, &top->ends[0], "2001:db8:aaaa::/48");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    top_free(top);
}
END_TEST

START_TEST(nothing_is_left_when_everything_has_gone)
{
    struct table_top *top = plain();
    struct config *config = plain_config();
    config_network_add(config, "198.51.100.0/24", 0);
    config_aggregate_add(config, "10.0.0.0/8")->summary_only = true;
    plain_up(top, config);
    char text[32];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "10.%d.0.0/16", i);
        far_announce(top, &top->ends[i % 2], text);
    }
    top_settle(top);
    for (int i = 0; i < 2; i++) {
        top->ends[i].refuses_connects = true;
        far_close(top, &top->ends[i]);
    }
    top_configure(top, config_begin(65001));
    struct snapshot_global global;
    snapshot_global(top->core, &global);
    ck_assert(!global.is_busy);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 0);
    ck_assert_uint_le(global.attr_set_count, 1); /* of the connected routes it knows of */
    top_free(top);
    for (int kind = 0; kind < MEM_KIND_COUNT; kind++) {
        ck_assert_msg(mem_blocks(kind) == 0, "%s", mem_kind_name(kind));
    }
}
END_TEST

START_TEST(every_absence_has_a_reason)
{
    struct table_top *top = plain();
    struct prefix prefix = prefix_of("10.9.0.0/16");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "not configured"));
    struct config *config = plain_config();
    config_aggregate_add(config, "10.9.0.0/16");
    top->ends[0].refuses_connects = true;
    top->ends[1].refuses_connects = true;
    top_configure(top, config);
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "aggregate"));
    prefix = prefix_of("10.10.0.0/16");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "established"));
    top->ends[0].refuses_connects = false;
    top->ends[1].refuses_connects = false;
    top_wait_s(top, 200);
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "announces it"));
    far_announce(top, &top->ends[0], "10.0.0.0/8");
    top_settle(top);
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &prefix), "10.0.0.0/8 covers it"));
    struct ip_addr addr = addr_of("10.10.1.1");
    struct prefix match;
    ck_assert(snapshot_match(top->core, AFI_SAFI_IPV4_UNICAST, &addr, &match));
    ck_assert_uint_eq(match.len_bits, 8);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_local");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_network_is_announced_whether_or_not_the_kernel_has_it);
    tcase_add_test(tcase, our_own_network_wins_over_what_a_neighbor_says);
    tcase_add_test(tcase, an_aggregate_stands_while_something_inside_is_used);
    tcase_add_test(tcase, the_aggregate_itself_does_not_keep_itself_alive);
    tcase_add_test(tcase, summary_only_keeps_the_inside_to_ourselves_while_the_aggregate_stands);
    tcase_add_test(tcase, as_set_keeps_the_common_head_of_the_paths_and_makes_no_set);
    tcase_add_test(tcase, connected_routes_are_redistributed_while_configured);
    tcase_add_test(tcase, ipv6_routes_are_told_with_our_address_on_the_session);
    tcase_add_test(tcase, nothing_is_left_when_everything_has_gone);
    tcase_add_test(tcase, every_absence_has_a_reason);
    suite_add_tcase(suite, tcase);
    return suite;
}
