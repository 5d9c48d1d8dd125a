/* IPv6 next hops: link-local addresses beside ours (RFC 2545) and IPv4 routes over them (RFC 8950),
 * from one session to the next and into the kernel. */
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

#define IPV4 AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define IPV6 AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)
#define ON1  "2001:db8:1::2"
#define ON2  "2001:db8:2::2"
#define FAR  "2001:db8:9::2" /* behind the first link */

static void link_local(struct table_top *top, uint32_t ifindex, const char *addr, bool is_removed)
{
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr.ifindex = ifindex;
    event.addr.addr = addr_of(addr);
    event.addr.len_bits = 64;
    event.addr.is_removed = is_removed;
    top_feed(top, &event);
    top_settle(top);
}

static struct table_top *three(void)
{
    struct table_top *top = top_new(4);
    top_link(top, 2, "eth0", "veth", "2001:db8:1::1", 64);
    top_link(top, 3, "eth1", "veth", "2001:db8:2::1", 64);
    link_local(top, 2, "fe80::1", false);
    link_local(top, 3, "fe80::2", false);
    top_far_end(top, ON1, "2001:db8:1::1", 64501, 2);
    top_far_end(top, ON2, "2001:db8:2::1", 64502, 3);
    top_far_end(top, FAR, "2001:db8:1::1", 64503, 2);
    return top;
}

static struct config *three_config(bool is_extended)
{
    static const char *const addrs[] = {ON1, ON2, FAR};
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    for (uint32_t i = 0; i < 3; i++) {
        struct config_neighbor *neighbor = config_neighbor_add(config, addrs[i], 64501 + i);
        neighbor->families[0].activate = (struct opt_bool){true, is_extended};
        neighbor->families[1].activate = (struct opt_bool){true, true};
        neighbor->extended_next_hop = (struct opt_bool){true, is_extended};
    }
    config_neighbor_of(config, FAR)->ebgp_multihop = (struct opt_u32){true, 5};
    struct config_static_route *way = arena_alloc(&config->arena, sizeof *way);
    *way = (struct config_static_route){
        .prefix = prefix_of("2001:db8:9::/48"), .gateway = addr_of(ON1), .distance = 1};
    config->static_routes = way;
    config->static_route_count = 1;
    return config;
}

static void up(struct table_top *top, struct config *config)
{
    top_configure(top, config);
    top_wait_s(top, 30);
    for (uint32_t i = 0; i < top->end_count; i++) {
        ck_assert(top->ends[i].is_up);
    }
}

static void next_hops_are(struct table_top *top, uint32_t end, const char *prefix,
                          const char *global, const char *local)
{
    const struct far_route *route = far_route_find(&top->ends[end], prefix);
    ck_assert_ptr_nonnull(route);
    struct ip_addr wanted = addr_of(global);
    ck_assert(ip_equal(&route->attrs.next_hop, &wanted));
    if (local == NULL) {
        ck_assert_uint_eq(route->attrs.next_hop_link_local.family, IP_NONE);
    } else {
        wanted = addr_of(local);
        ck_assert(ip_equal(&route->attrs.next_hop_link_local, &wanted));
    }
}

START_TEST(the_link_local_address_goes_with_ours_on_a_shared_link_only)
{
    struct table_top *top = three();
    up(top, three_config(false));
    const char *net = "2001:db8:aaaa::/48";
    far_announce(top, &top->ends[0], net);
    top_settle(top);
    next_hops_are(top, 1, net, "2001:db8:2::1", "fe80::2");
    next_hops_are(top, 2, net, "2001:db8:1::1", NULL); /* not on our link */
    link_local(top, 3, "fe80::2", true);
    next_hops_are(top, 1, net, "2001:db8:2::1", NULL);
    link_local(top, 3, "fe80::22", false);
    next_hops_are(top, 1, net, "2001:db8:2::1", "fe80::22");
    top_free(top);
}
END_TEST

static struct table_top *three_extended(void)
{
    struct table_top *top = three();
    for (uint32_t i = 0; i < top->end_count; i++) {
        top->ends[i].options.families = IPV4 | IPV6;
        top->ends[i].options.extended_next_hop = IPV4;
    }
    return top;
}

START_TEST(ipv4_routes_over_ipv6_go_from_session_to_kernel_and_session)
{
    struct table_top *top = three_extended();
    up(top, three_config(true));
    far_announce(top, &top->ends[0], "203.0.113.0/24"); /* with its own IPv6 address */
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, "203.0.113.0/24");
    ck_assert_uint_eq(shown.count, 1);
    ck_assert(shown.rows[0].is_eligible);
    struct prefix prefix = prefix_of("203.0.113.0/24");
    ck_assert(prefix_equal(&top->last_fib_route.prefix, &prefix));
    ck_assert_uint_ne(top->last_fib_route.nexthop_object, 0);
    struct ip_addr gateway = addr_of(ON1);
    ck_assert_uint_eq(top->last_nexthop.family, IP_V6);
    ck_assert(ip_equal(&top->last_nexthop.leg.gateway, &gateway));
    ck_assert_uint_eq(top->last_nexthop.leg.ifindex, 2);
    next_hops_are(top, 1, "203.0.113.0/24", "2001:db8:2::1", "fe80::2");
    next_hops_are(top, 2, "203.0.113.0/24", "2001:db8:1::1", NULL);
    far_withdraw(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    top_free(top);
}
END_TEST

/* Who does not take them over IPv6, and shares no IPv4 address with us, is not told. */
START_TEST(without_the_capability_no_ipv4_route_goes_over_ipv6)
{
    struct table_top *top = three_extended();
    top->ends[1].options.extended_next_hop = 0;
    up(top, three_config(true));
    far_announce(top, &top->ends[0], "203.0.113.0/24");
    top_settle(top);
    ck_assert_ptr_null(far_route_find(&top->ends[1], "203.0.113.0/24"));
    ck_assert_ptr_nonnull(far_route_find(&top->ends[2], "203.0.113.0/24"));
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_nexthop6");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, the_link_local_address_goes_with_ours_on_a_shared_link_only);
    tcase_add_test(tcase, ipv4_routes_over_ipv6_go_from_session_to_kernel_and_session);
    tcase_add_test(tcase, without_the_capability_no_ipv4_route_goes_over_ipv6);
    suite_add_tcase(suite, tcase);
    return suite;
}
