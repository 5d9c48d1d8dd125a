/* What is announced over which class of path: networks with classes, covers, tunnel endpoints. The
 * far ends are those of the example for Virtual WAN over ExpressRoute. */
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

#define CLEAR PATH_CLASS_BIT(PATH_CLASS_CLEAR)
#define IPSEC PATH_CLASS_BIT(PATH_CLASS_IPSEC)

static struct config *mission_config(void)
{
    struct config *config = config_begin(65001);
    config_tunnel_add(config, "ipsec0", "10.1.255.1", "10.51.230.4");
    config_tunnel_add(config, "ipsec1", "10.1.255.1", "10.51.230.5");
    struct protection_def *protections = arena_alloc(&config->arena, sizeof *protections);
    *protections =
        (struct protection_def){.prefix = prefix_of("10.51.230.0/23"), .allowed_classes = IPSEC};
    config->protections = protections;
    config->protection_count = 1;
    config_neighbor_add(config, "172.16.0.2", 0)->azure_role = AZURE_ROLE_MSEE;
    config_neighbor_add(config, "172.16.0.6", 0)->azure_role = AZURE_ROLE_MSEE;
    struct config_neighbor *hub = config_neighbor_add(config, "10.51.230.12", 0);
    hub->azure_role = AZURE_ROLE_VWAN_HUB;
    hub->tunnel = "ipsec0";
    hub = config_neighbor_add(config, "10.51.230.13", 0);
    hub->azure_role = AZURE_ROLE_VWAN_HUB;
    hub->tunnel = "ipsec1";
    return config;
}

static struct table_top *mission(void)
{
    struct table_top *top = top_new(11);
    top_link(top, 1, "lo", "", "192.168.255.1", 32);
    top_link(top, 2, "eth0", "veth", "172.16.0.1", 30);
    top_link(top, 3, "eth1", "veth", "172.16.0.5", 30);
    top_link(top, 4, "ipsec0", "xfrm", NULL, 0);
    top_link(top, 5, "ipsec1", "xfrm", NULL, 0);
    top_far_end(top, "172.16.0.2", "172.16.0.1", 12076, 2);
    top_far_end(top, "172.16.0.6", "172.16.0.5", 12076, 3);
    top_far_end(top, "10.51.230.12", "192.168.255.1", 65515, 4);
    top_far_end(top, "10.51.230.13", "192.168.255.1", 65515, 5);
    return top;
}

static void mission_up(struct table_top *top, struct config *config)
{
    top_configure(top, config);
    top_wait_s(top, 30);
    /* The endpoints' own host routes need underlay routes from the MSEEs. */
    for (int i = 0; i < 2; i++) {
        far_announce(top, &top->ends[i], "10.51.230.0/24");
    }
    top_wait_s(top, 120);
    for (uint32_t i = 0; i < top->end_count; i++) {
        ck_assert_msg(top->ends[i].is_up, "session %u", i);
    }
}

static bool end_covers(const struct far_end *end, const char *addr)
{
    struct ip_addr wanted = addr_of(addr);
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_contains_ip(&end->routes[i].prefix, &wanted)) {
            return true;
        }
    }
    return false;
}

START_TEST(the_example_announces_the_complement_in_the_clear_and_the_rest_by_ipsec)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    static const char *const pieces[] = {"10.1.0.0/24",  "10.1.2.0/23",  "10.1.4.0/22",
                                         "10.1.8.0/21",  "10.1.16.0/20", "10.1.32.0/19",
                                         "10.1.64.0/18", "10.1.128.0/17"};
    for (int i = 0; i < 2; i++) {
        struct far_end *msee = &top->ends[i];
        for (int piece = 0; piece < 8; piece++) {
            ck_assert_msg(far_route_find(msee, pieces[piece]) != NULL, "%s", pieces[piece]);
        }
        ck_assert_ptr_nonnull(far_route_find(msee, "10.1.255.1/32"));
        ck_assert_uint_eq(msee->route_count, 9);
        ck_assert(!end_covers(msee, "10.1.1.77"));
        struct prefix endpoint = prefix_of("10.1.255.1/32");
        ck_assert(prefix_equal(&msee->first, &endpoint));
        ck_assert_uint_eq(far_route_find(msee, "10.1.255.1/32")->times, 1);
        struct far_end *hub = &top->ends[2 + i];
        ck_assert_uint_eq(hub->route_count, 1);
        ck_assert_ptr_nonnull(far_route_find(hub, "10.1.1.0/24"));
    }
    top_free(top);
}
END_TEST

START_TEST(parts_of_a_cover_are_announced_and_never_used_for_forwarding)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, "10.1.128.0/17").total, 0);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_OUT, "172.16.0.2", NULL).total, 9);
    struct prefix piece = prefix_of("10.1.128.0/17");
    ck_assert_ptr_nonnull(strstr(snapshot_why_absent(top->core, &piece), "cover"));
    struct ip_addr told[8];
    ck_assert_uint_eq(snapshot_advertised_to(top->core, &piece, told, 8), 2);
    struct prefix network = prefix_of("10.1.1.0/24");
    ck_assert_uint_eq(snapshot_advertised_to(top->core, &network, told, 8), 2);
    top_free(top);
}
END_TEST

START_TEST(rib_entries_count_what_show_bgp_lists_and_no_anchors)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    struct snapshot_global global;
    snapshot_global(top->core, &global);
    ck_assert_uint_eq(global.dest_count[AFI_SAFI_IPV4_UNICAST], 3);
    far_withdraw(top, &top->ends[0], "10.51.230.0/24");
    far_withdraw(top, &top->ends[1], "10.51.230.0/24");
    top_wait_s(top, 1);
    snapshot_global(top->core, &global);
    ck_assert_uint_eq(global.dest_count[AFI_SAFI_IPV4_UNICAST], 2);
    top_free(top);
}
END_TEST

START_TEST(nothing_of_an_ipsec_network_goes_out_in_the_clear_whatever_its_source)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.1.0/24", IPSEC);
    config_network_add(config, "10.1.1.64/26", 0); /* inside: bound by the class around it */
    config_network_add(config, "10.0.0.0/8", 0);   /* a cover without classes */
    config_aggregate_add(config, "10.1.0.0/16");   /* a cover of another kind */
    config->bgp.families[0].redistribute[REDISTRIBUTE_CONNECTED].is_enabled = true;
    mission_up(top, config);
    top_link(top, 9, "lan", "veth", "10.1.1.1", 25);
    top_settle(top);
    for (int i = 0; i < 2; i++) {
        ck_assert(!end_covers(&top->ends[i], "10.1.1.0"));
        ck_assert(!end_covers(&top->ends[i], "10.1.1.70"));
        ck_assert(!end_covers(&top->ends[i], "10.1.1.255"));
        ck_assert(end_covers(&top->ends[i], "10.1.2.1")); /* the rest of 10/8 */
        ck_assert(end_covers(&top->ends[i], "10.200.0.1"));
        ck_assert_ptr_nonnull(far_route_find(&top->ends[2 + i], "10.1.1.0/24"));
        ck_assert_ptr_nonnull(far_route_find(&top->ends[2 + i], "10.0.0.0/8"));
    }
    top_free(top);
}
END_TEST

START_TEST(a_better_path_from_elsewhere_does_not_defeat_a_network_with_a_class)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.1.0/24", IPSEC);
    struct config_neighbor *lan = config_neighbor_add(config, "172.16.1.2", 65001);
    lan->families[0].weight = (struct opt_u32){true, 60000};
    top_link(top, 6, "eth2", "veth", "172.16.1.1", 30);
    struct far_end *inside = top_far_end(top, "172.16.1.2", "172.16.1.1", 65001, 6);
    inside->options.is_ebgp = false;
    mission_up(top, config);
    struct far_attrs wish = {.has_local_pref = true, .local_pref = 500};
    far_announce_with(top, inside, "10.1.1.0/24", &wish);
    far_announce_with(top, inside, "10.1.1.0/25", &wish);
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "10.1.1.0/24");
    ck_assert_uint_eq(shown_best(&shown)->source_kind, SOURCE_PEER_IBGP);
    for (int i = 0; i < 2; i++) {
        ck_assert(!end_covers(&top->ends[i], "10.1.1.1"));
        struct far_route *told = far_route_find(&top->ends[2 + i], "10.1.1.0/24");
        ck_assert_ptr_nonnull(told);
        ck_assert_uint_eq(as_path_length(told->attrs.as_path), 1);
    }
    top_free(top);
}
END_TEST

START_TEST(cover_hold_waits_for_the_network_inside_to_stand)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config->bgp.cover = COVER_HOLD;
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    top->ends[2].refuses_connects = true;
    top->ends[3].refuses_connects = true;
    top_configure(top, config);
    top_wait_s(top, 30);
    far_announce(top, &top->ends[0], "10.51.230.0/24");
    far_announce(top, &top->ends[1], "10.51.230.0/24");
    top_settle(top);
    ck_assert(!end_covers(&top->ends[0], "10.1.2.1"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.255.1/32"));
    top->ends[2].refuses_connects = false;
    top_wait_s(top, 150);
    ck_assert(top->ends[2].is_up);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.0.0/16"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.1.0.0/16"));
    top->ends[2].refuses_connects = true;
    far_close(top, &top->ends[2]);
    top_settle(top);
    ck_assert_ptr_null(far_route_find(&top->ends[0], "10.1.0.0/16"));
    top_free(top);
}
END_TEST

static void tell_sa(struct table_top *top, uint16_t tunnel_number, bool is_alive)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact.tunnel_number = tunnel_number;
    event.tunnel_fact.source = LIVENESS_XFRM;
    event.tunnel_fact.is_known = true;
    event.tunnel_fact.is_alive = is_alive;
    top_feed(top, &event);
    top_settle(top);
}

/* The sessions inside live on until their hold timers: what they were told is of no use meanwhile.
 */
START_TEST(cover_hold_ends_with_the_tunnels_not_with_their_sessions)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config->bgp.cover = COVER_HOLD;
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    config_aggregate_add(config, "10.0.0.0/8"); /* a cover of another kind */
    for (int i = 0; i < 2; i++) {
        ((struct config_tunnel *)(uintptr_t)config->tunnels)[i].liveness =
            LIVENESS_INTERFACE | LIVENESS_XFRM;
    }
    mission_up(top, config);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.0.0/16"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.0.0.0/8"));
    tell_sa(top, 1, false);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.0.0/16"));
    tell_sa(top, 2, false);
    ck_assert(top->ends[2].is_up && top->ends[3].is_up);
    ck_assert_ptr_null(far_route_find(&top->ends[0], "10.1.0.0/16"));
    ck_assert_ptr_null(far_route_find(&top->ends[0], "10.0.0.0/8"));
    tell_sa(top, 1, true);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.0.0/16"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.0.0.0/8"));
    top_free(top);
}
END_TEST

START_TEST(cover_allow_announces_it_and_warns)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config->bgp.cover = COVER_ALLOW;
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[0], "10.1.0.0/16"));
    ck_assert_ptr_null(far_route_find(&top->ends[0], "10.1.1.0/24"));
    ck_assert_uint_ge(top->log_total[LOG_PROTECTION], 1);
    top_free(top);
}
END_TEST

START_TEST(a_changed_class_moves_a_network_without_resetting_anything)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", CLEAR);
    top_configure(top, config);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(far_route_find(&top->ends[i], "10.1.0.0/16"));
        ck_assert_ptr_nonnull(far_route_find(&top->ends[i], "10.1.1.0/24"));
        ck_assert_uint_eq(top->ends[i].route_count, 3);
        ck_assert_uint_eq(top->ends[2 + i].route_count, 0);
    }
    config = mission_config();
    config_network_add(config, "10.1.0.0/16", CLEAR);
    config_network_add(config, "10.1.1.0/24", IPSEC);
    top_configure(top, config);
    for (int i = 0; i < 2; i++) {
        ck_assert(!end_covers(&top->ends[i], "10.1.1.1"));
        ck_assert_uint_eq(top->ends[i].route_count, 9);
        ck_assert_uint_eq(top->ends[2 + i].route_count, 1);
    }
    const struct snapshot_peer peer = show_peer(top, "172.16.0.2");
    ck_assert_uint_eq(peer.established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(a_default_route_originated_in_the_clear_is_a_cover_too)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.1.0/24", IPSEC);
    for (int i = 0; i < 2; i++) {
        config_neighbor_of(config, i == 0 ? "172.16.0.2" : "10.51.230.12")
            ->families[0]
            .default_originate = (struct opt_bool){true, true};
    }
    mission_up(top, config);
    ck_assert_ptr_null(far_route_find(&top->ends[0], "0.0.0.0/0"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[2], "0.0.0.0/0"));
    ck_assert_ptr_null(far_route_find(&top->ends[3], "0.0.0.0/0"));
    top_free(top);
}
END_TEST

START_TEST(what_azure_says_is_never_passed_on_to_azure)
{
    struct table_top *top = mission();
    struct config *config = mission_config();
    config_network_add(config, "10.1.1.0/24", IPSEC);
    mission_up(top, config);
    far_announce(top, &top->ends[0], "10.60.0.0/16");
    far_announce(top, &top->ends[2], "10.61.0.0/16");
    top_settle(top);
    for (int i = 0; i < 4; i++) {
        ck_assert(!end_covers(&top->ends[i], "10.60.0.1"));
        ck_assert(!end_covers(&top->ends[i], "10.61.0.1"));
    }
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_announce");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, the_example_announces_the_complement_in_the_clear_and_the_rest_by_ipsec);
    tcase_add_test(tcase, parts_of_a_cover_are_announced_and_never_used_for_forwarding);
    tcase_add_test(tcase, rib_entries_count_what_show_bgp_lists_and_no_anchors);
    tcase_add_test(tcase, nothing_of_an_ipsec_network_goes_out_in_the_clear_whatever_its_source);
    tcase_add_test(tcase, a_better_path_from_elsewhere_does_not_defeat_a_network_with_a_class);
    tcase_add_test(tcase, cover_hold_waits_for_the_network_inside_to_stand);
    tcase_add_test(tcase, cover_hold_ends_with_the_tunnels_not_with_their_sessions);
    tcase_add_test(tcase, cover_allow_announces_it_and_warns);
    tcase_add_test(tcase, a_changed_class_moves_a_network_without_resetting_anything);
    tcase_add_test(tcase, a_default_route_originated_in_the_clear_is_a_cover_too);
    tcase_add_test(tcase, what_azure_says_is_never_passed_on_to_azure);
    suite_add_tcase(suite, tcase);
    return suite;
}
