/* Next hops through the boundary: recursion and its limits, both families, many destinations on few
 * groups, and the stopwatch. */
#include "bgpd/core/kernel_private.h"
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

static void announce_via(struct model *model, const char *peer, const char *prefix,
                         const char *next_hop)
{
    struct far_end *end = far_end_of(model->top, peer);
    struct far_attrs wish = {.asns = &end->asn, .asn_count = 1, .next_hop = next_hop};
    far_announce_with(model->top, end, prefix, &wish);
    model_wait_ms(model, 100);
}

/* The MSEEs may name next hops that are not on their link. */
static struct model *unconnected_up(void)
{
    struct config *config = mission_config();
    config_neighbor_of(config, "172.16.0.2")->disable_connected_check =
        (struct opt_bool){true, true};
    struct model *model = model_new(55);
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "172.16.0.6");
    mission_announce(model, "10.51.230.12");
    mission_announce(model, "10.51.230.13");
    model_wait_ms(model, 2000);
    return model;
}

static uint8_t state_of(struct model *model, const char *text, uint16_t via_tunnel)
{
    struct ip_addr addr = addr_of(text);
    struct nexthop *nexthop = nexthop_track(model->top->core, &addr, via_tunnel, 0);
    uint8_t state = nexthop->state;
    nexthop_untrack(model->top->core, nexthop);
    return state;
}

START_TEST(same_key_is_the_same_next_hop)
{
    struct model *model = mission_up(1);
    struct core *core = model->top->core;
    struct ip_addr addr = addr_of("192.0.2.1");
    struct nexthop *a = nexthop_track(core, &addr, 0, 0);
    struct nexthop *b = nexthop_track(core, &addr, 0, 0);
    struct nexthop *c = nexthop_track(core, &addr, 1, 0);
    struct nexthop *d = nexthop_track(core, &addr, 0, ER1);
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_ne(a, c);
    ck_assert_ptr_ne(a, d);
    ck_assert_uint_eq(a->state, NEXTHOP_UNRESOLVED);
    ck_assert_uint_eq(c->state, NEXTHOP_RESOLVED);
    ck_assert_uint_eq(c->path_class, PATH_CLASS_IPSEC);
    ck_assert_uint_eq(c->tunnel_number, 1);
    ck_assert_uint_eq(d->state, NEXTHOP_RESOLVED);
    ck_assert_str_eq(nexthop_interface_name(core, d), "er1");
    ck_assert_ptr_null(nexthop_interface_name(core, a));
    nexthop_untrack(core, a);
    nexthop_untrack(core, b);
    nexthop_untrack(core, c);
    nexthop_untrack(core, d);
    model_free(model);
}
END_TEST

START_TEST(states_say_why)
{
    struct model *model = mission_up(2);
    ck_assert_uint_eq(state_of(model, "172.16.0.2", 0), NEXTHOP_RESOLVED);
    ck_assert_uint_eq(state_of(model, "172.16.0.1", 0), NEXTHOP_OWN_ADDRESS);
    ck_assert_uint_eq(state_of(model, "198.51.100.1", 0), NEXTHOP_UNRESOLVED);
    ck_assert_uint_eq(state_of(model, "198.51.100.1", TUNNEL_NUMBER_GONE), NEXTHOP_TUNNEL_DOWN);
    /* Unbound, the inner peer resolves by its pin, the endpoint by its own in the clear. */
    ck_assert_uint_eq(state_of(model, "10.51.230.12", 0), NEXTHOP_RESOLVED);
    ck_assert_uint_eq(state_of(model, "10.51.230.4", 0), NEXTHOP_RESOLVED);
    mission_sa(model, 1, false);
    mission_bfd(model, "172.16.0.2", false);
    ck_assert_uint_eq(state_of(model, "10.51.230.12", 1), NEXTHOP_TUNNEL_DOWN);
    ck_assert_uint_eq(state_of(model, "10.51.230.12", 0), NEXTHOP_TUNNEL_DOWN);
    ck_assert_uint_eq(state_of(model, "172.16.0.2", 0), NEXTHOP_LIVENESS_DOWN);
    model_free(model);
}
END_TEST

START_TEST(default_route_resolves_no_next_hop)
{
    struct model *model = mission_up(3);
    struct fib_route route = {.prefix = prefix_of("0.0.0.0/0"),
                              .protocol = 4,
                              .metric = 100,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0] = (struct fib_leg){.gateway = addr_of("172.16.0.2"), .ifindex = ER1, .weight = 1};
    model_foreign(model, &route, false);
    ck_assert_uint_eq(state_of(model, "198.51.100.1", 0), NEXTHOP_UNRESOLVED);
    route.prefix = prefix_of("198.51.100.0/24");
    model_foreign(model, &route, false);
    ck_assert_uint_eq(state_of(model, "198.51.100.1", 0), NEXTHOP_RESOLVED);
    model_free(model);
}
END_TEST

START_TEST(recursion_through_bgp_follows_its_paths)
{
    struct model *model = unconnected_up();
    announce_via(model, "172.16.0.2", "10.90.0.0/16", "10.60.7.7");
    ck_assert_uint_eq(model_ways_to(model, "10.90.1.1"), WAY(ER1) | WAY(ER2));
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.2"), "10.60.0.0/16");
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.90.1.1"), WAY(ER2));
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.6"), "10.60.0.0/16");
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.90.1.1"), 0);
    model_free(model);
}
END_TEST

START_TEST(route_never_resolves_through_itself)
{
    struct model *model = unconnected_up();
    announce_via(model, "172.16.0.2", "10.91.0.0/16", "10.91.0.1");
    ck_assert_uint_eq(model_ways_to(model, "10.91.1.1"), 0);
    /* Nor two through each other. */
    announce_via(model, "172.16.0.2", "10.92.0.0/16", "10.93.0.1");
    announce_via(model, "172.16.0.2", "10.93.0.0/16", "10.92.0.1");
    ck_assert_uint_eq(model_ways_to(model, "10.92.1.1"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.93.1.1"), 0);
    /* A shorter way out is taken, and the route does not swallow it. */
    announce_via(model, "172.16.0.6", "10.88.0.0/13", NULL);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.91.1.1"), WAY(ER2));
    model_free(model);
}
END_TEST

START_TEST(clear_recursion_never_serves_a_protected_prefix)
{
    struct model *model = unconnected_up();
    announce_via(model, "10.51.230.12", "10.51.231.128/25", "172.16.0.2");
    announce_via(model, "172.16.0.2", "10.51.231.64/26", "10.51.230.4");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model->leaks, 0);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.130") & (WAY(ER1) | WAY(ER2)), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.70") & (WAY(ER1) | WAY(ER2)), 0);
    model_free(model);
}
END_TEST

START_TEST(learned_host_route_does_not_capture_an_endpoint)
{
    struct model *model = mission_up(7);
    announce_via(model, "10.51.230.12", "10.51.230.4/32", NULL);
    announce_via(model, "10.51.230.12", "10.51.230.13/32", NULL);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.13"), WAY(IPSEC1));
    model_free(model);
}
END_TEST

START_TEST(endpoint_that_is_also_the_peer_stays_outside)
{
    struct config *config = mission_config();
    ((struct config_tunnel *)(uintptr_t)config->tunnels)[0].remote_endpoint =
        addr_of("10.51.230.12");
    struct model *model = model_new(8);
    model->guarded[2] = addr_of("10.51.230.11"); /* its address is an endpoint here */
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "10.51.230.12");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.12"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

/* ---- Many destinations ---- */

/* More than the window of operations under way. */
#define MANY 4400

static void announce_many(struct model *model, const char *peer)
{
    struct far_end *end = far_end_of(model->top, peer);
    model->guarded_count = 0; /* nothing protected is touched: looking would only take time */
    for (uint32_t i = 0; i < MANY; i += 200) {
        char texts[200][PREFIX_TEXT_BYTES];
        const char *prefixes[200];
        for (uint32_t k = 0; k < 200; k++) {
            snprintf(texts[k], sizeof texts[k], "11.%u.%u.0/24", (i + k) / 256, (i + k) % 256);
            prefixes[k] = texts[k];
        }
        struct arena arena;
        arena_init(&arena);
        struct far_attrs wish = {.asns = &end->asn, .asn_count = 1};
        struct path_attrs attrs = far_path_attrs(end, &arena, &wish);
        far_announce_attrs(model->top, end, prefixes, 200, &attrs);
        arena_fini(&arena);
        model_settle(model);
    }
}

START_TEST(many_destinations_share_groups_and_move_as_one)
{
    struct config *config = mission_config();
    struct model *model = model_new(9);
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 20000);
    /* The tunnels carry what the links announce too. */
    announce_many(model, "10.51.230.12");
    announce_many(model, "10.51.230.13");
    model_wait_ms(model, 1000);
    ck_assert_uint_ge(model_count(model, MODEL_OURS), MANY);
    ck_assert_uint_lt(model_object_count(model), 8);
    uint32_t routes = model->route_operations;
    uint32_t objects = model->nexthop_operations;
    mission_sa(model, 1, false);
    model_carry_out(model);
    ck_assert_uint_eq(model->route_operations, routes);
    ck_assert_uint_le(model->nexthop_operations - objects, 4);
    ck_assert_uint_eq(model_ways_to(model, "11.0.0.1"), WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "11.16.1.1"), WAY(IPSEC1));
    model_settle(model);
    ck_assert_uint_eq(model->top->log_total[LOG_FAILOVER], 1);
    model_free(model);
}
END_TEST

START_TEST(routes_that_vanish_with_their_group_return)
{
    struct model *model = model_new(10);
    far_end_of(model->top, "172.16.0.6")->refuses_connects = true;
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    announce_many(model, "172.16.0.2");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "11.5.0.1"), WAY(ER1));
    /* The kernel drops all of them silently; the link is back before anybody re-decides. */
    model_kernel_set_up(&model->kernel, ER1, false);
    model_feed_link(model, ER1);
    model_kernel_set_up(&model->kernel, ER1, true);
    model_feed_link(model, ER1);
    model_wait_ms(model, 60000);
    announce_many(model, "172.16.0.2");
    model_wait_ms(model, 2000);
    ck_assert_uint_eq(model_ways_to(model, "11.5.0.1"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "11.17.0.1"), WAY(ER1));
    model_free(model);
}
END_TEST

START_TEST(changed_metric_moves_everything)
{
    struct model *model = mission_up(11);
    struct config *config = mission_config();
    config->fib_metric = 30;
    model_configure(model, config);
    model_wait_ms(model, 2000);
    struct fib_route old = {.prefix = prefix_of("10.51.231.0/24"), .metric = 20};
    struct fib_route now = {.prefix = prefix_of("10.51.231.0/24"), .metric = 30};
    ck_assert_ptr_null(model_route(model, &old));
    ck_assert_ptr_nonnull(model_route(model, &now));
    old.prefix = now.prefix = prefix_of("10.51.230.4/32");
    ck_assert_ptr_null(model_route(model, &old));
    ck_assert_ptr_nonnull(model_route(model, &now));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(tunnels_keep_their_state_when_numbers_move)
{
    struct model *model = mission_up(12);
    mission_sa(model, 2, false);
    model_wait_ms(model, 100);
    struct config *config = mission_config();
    struct config_tunnel *tunnels = (struct config_tunnel *)(uintptr_t)config->tunnels;
    struct config_tunnel first = tunnels[0];
    tunnels[0] = tunnels[1];
    tunnels[1] = first;
    model_configure(model, config);
    model_wait_ms(model, 100);
    ck_assert(!kernel_tunnel_is_alive(model->top->core, 1));
    ck_assert(kernel_tunnel_is_alive(model->top->core, 2));
    ck_assert_uint_eq(kernel_tunnel_ifindex(model->top->core, 1), IPSEC1);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10") & ~WAY(IPSEC0), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(classes_by_configuration_tunnel_and_kind)
{
    struct model *model = model_new(13);
    struct config *config = mission_config();
    struct config_interface *interface = arena_alloc(&config->arena, sizeof *interface);
    *interface = (struct config_interface){.name = "er2", .path_class = {true, PATH_CLASS_MACSEC}};
    config->interfaces = interface;
    config->interface_count = 1;
    ((struct config_tunnel *)(uintptr_t)config->tunnels)[0].path_class = PATH_CLASS_MACSEC;
    model_configure(model, config);
    model_tell_all(model);
    struct core *core = model->top->core;
    ck_assert_uint_eq(kernel_interface_class(core, ER1), PATH_CLASS_CLEAR);
    ck_assert_uint_eq(kernel_interface_class(core, ER2), PATH_CLASS_MACSEC);
    ck_assert_uint_eq(kernel_interface_class(core, IPSEC0), PATH_CLASS_MACSEC);
    ck_assert_uint_eq(kernel_interface_class(core, IPSEC1), PATH_CLASS_IPSEC);
    ck_assert_uint_eq(kernel_interface_class(core, 77), PATH_CLASS_CLEAR);
    enum path_class path_class;
    struct ip_addr addr = addr_of("172.16.0.6");
    ck_assert(kernel_session_class(core, &addr, 0, &path_class));
    ck_assert_uint_eq(path_class, PATH_CLASS_MACSEC);
    addr = addr_of("10.51.230.12");
    ck_assert(kernel_session_class(core, &addr, 1, &path_class));
    ck_assert_ptr_null(kernel_session_obstacle(core, &addr, 1));
    model_link_vanish(model, IPSEC0);
    ck_assert_str_eq(kernel_session_obstacle(core, &addr, 1),
                     "no route to 10.51.230.12: tunnel ipsec0 has no interface");
    model_free(model);
}
END_TEST

static void tunnel_fact(struct model *model, uint32_t source, bool is_alive)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact = (struct tunnel_fact){
        .tunnel_number = 1, .source = source, .is_alive = is_alive, .is_known = true};
    top_feed(model->top, &event);
}

START_TEST(evidence_nobody_asked_for_counts_once_it_saw_the_tunnel_alive)
{
    struct model *model = model_new(14);
    struct config *config = mission_config();
    ((struct config_tunnel *)config->tunnels)[0].liveness = 0;
    model_configure(model, config);
    model_tell_all(model);
    const uint32_t sources[] = {LIVENESS_XFRM, LIVENESS_VICI, LIVENESS_PROBE};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        tunnel_fact(model, sources[i],
                    false); /* A blind source: no SA where ESP is in user space. */
        ck_assert(kernel_tunnel_is_alive(model->top->core, 1));
        tunnel_fact(model, sources[i], true);
        tunnel_fact(model, sources[i], false);
        ck_assert(!kernel_tunnel_is_alive(model->top->core, 1));
        tunnel_fact(model, sources[i], true);
        ck_assert(kernel_tunnel_is_alive(model->top->core, 1));
    }
    /* Asked for, it counts from the first word. */
    tunnel_fact(model, LIVENESS_XFRM, true);
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact =
        (struct tunnel_fact){.tunnel_number = 2, .source = LIVENESS_XFRM, .is_known = true};
    top_feed(model->top, &event);
    ck_assert(!kernel_tunnel_is_alive(model->top->core, 2));
    model_free(model);
}
END_TEST

START_TEST(admin_down_and_unknown_evidence_are_no_failure)
{
    struct model *model = mission_up(14);
    struct core_event event = {.kind = EVENT_BFD_STATE};
    event.bfd.peer = addr_of("172.16.0.2");
    event.bfd.is_admin_down = true;
    top_feed(model->top, &event);
    ck_assert_uint_eq(state_of(model, "172.16.0.2", 0), NEXTHOP_RESOLVED);
    mission_sa(model, 1, false);
    ck_assert(!kernel_tunnel_is_alive(model->top->core, 1));
    event = (struct core_event){.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact = (struct tunnel_fact){.tunnel_number = 1, .source = LIVENESS_XFRM};
    top_feed(model->top, &event);
    ck_assert(kernel_tunnel_is_alive(model->top->core, 1));
    /* A source that is not configured says nothing, nor does one for a tunnel that is not there. */
    event.tunnel_fact =
        (struct tunnel_fact){.tunnel_number = 1, .source = LIVENESS_PROBE, .is_known = true};
    top_feed(model->top, &event);
    event.tunnel_fact.tunnel_number = 9;
    top_feed(model->top, &event);
    ck_assert(kernel_tunnel_is_alive(model->top->core, 1));
    model_free(model);
}
END_TEST

START_TEST(ipv6_has_pins_guards_and_static_routes)
{
    struct config *config = mission_config();
    struct protection_def *protection = arena_alloc(&config->arena, sizeof *protection);
    *protection = (struct protection_def){.prefix = prefix_of("2001:db8:51::/48"),
                                          .allowed_classes = PATH_CLASS_BIT(PATH_CLASS_IPSEC)};
    config->protections = protection;
    struct config_tunnel *tunnels = (struct config_tunnel *)(uintptr_t)config->tunnels;
    struct ip_addr *inner = arena_alloc(&config->arena, sizeof *inner);
    *inner = addr_of("2001:db8:51::12");
    tunnels[0].local_endpoint = addr_of("2001:db8::1");
    tunnels[0].remote_endpoint = addr_of("2001:db8:51::4");
    tunnels[0].inner_peers = inner;
    tunnels[0].inner_peer_count = 1;
    struct config_static_route *route = arena_alloc(&config->arena, sizeof *route);
    *route = (struct config_static_route){
        .prefix = prefix_of("::/0"), .gateway = addr_of("2001:db8::2"), .distance = 1};
    config->static_routes = route;
    config->static_route_count = 1;
    struct model *model = model_new(15);
    model->guarded[0] = addr_of("2001:db8:51::99");
    model->guarded_count = 1;
    struct ip_addr er1 = addr_of("2001:db8::1");
    model_kernel_addr_put(&model->kernel, ER1, &er1, 64);
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:99::1"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51::4"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51::12"), WAY(IPSEC0));
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51::99"), 0);
    model_link_set(model, ER1, false);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:99::1"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernel next hops");
    TCase *tcase = tcase_create("next hops");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, same_key_is_the_same_next_hop);
    tcase_add_test(tcase, states_say_why);
    tcase_add_test(tcase, default_route_resolves_no_next_hop);
    tcase_add_test(tcase, recursion_through_bgp_follows_its_paths);
    tcase_add_test(tcase, route_never_resolves_through_itself);
    tcase_add_test(tcase, clear_recursion_never_serves_a_protected_prefix);
    tcase_add_test(tcase, learned_host_route_does_not_capture_an_endpoint);
    tcase_add_test(tcase, endpoint_that_is_also_the_peer_stays_outside);
    tcase_add_test(tcase, many_destinations_share_groups_and_move_as_one);
    tcase_add_test(tcase, routes_that_vanish_with_their_group_return);
    tcase_add_test(tcase, changed_metric_moves_everything);
    tcase_add_test(tcase, tunnels_keep_their_state_when_numbers_move);
    tcase_add_test(tcase, classes_by_configuration_tunnel_and_kind);
    tcase_add_test(tcase, evidence_nobody_asked_for_counts_once_it_saw_the_tunnel_alive);
    tcase_add_test(tcase, admin_down_and_unknown_evidence_are_no_failure);
    tcase_add_test(tcase, ipv6_has_pins_guards_and_static_routes);
    suite_add_tcase(suite, tcase);
    return suite;
}
