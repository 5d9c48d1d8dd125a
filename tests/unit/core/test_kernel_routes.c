/* Static routes, routes of others, adoption, repair and leaving, through the boundary. */
#include "bgpd/core/kernel_private.h"
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

static struct fib_route foreign_route(const char *prefix, uint32_t metric, uint32_t ifindex)
{
    struct fib_route route = {.prefix = prefix_of(prefix),
                              .protocol = 4,
                              .metric = metric,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0].ifindex = ifindex;
    route.legs[0].weight = 1;
    return route;
}

static struct config *with_static(struct config *config, const char *prefix, const char *gateway,
                                  const char *interface, uint8_t distance)
{
    struct config_static_route *list =
        arena_alloc(&config->arena, (config->static_route_count + 1) * sizeof *list);
    for (size_t i = 0; i < config->static_route_count; i++) {
        list[i] = config->static_routes[i];
    }
    list[config->static_route_count] = (struct config_static_route){
        .prefix = prefix_of(prefix),
        .gateway = gateway == NULL ? (struct ip_addr){0} : addr_of(gateway),
        .interface = interface,
        .is_blackhole = gateway == NULL && interface == NULL,
        .distance = distance};
    config->static_routes = list;
    config->static_route_count++;
    return config;
}

static struct model *up_with(struct config *config)
{
    struct model *model = model_new(77);
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

static const struct fib_route *at(struct model *model, const char *prefix)
{
    struct fib_route place = {.prefix = prefix_of(prefix), .metric = CONFIG_FIB_METRIC_DEFAULT};
    return model_route(model, &place);
}

/* ---- Static routes ---- */

START_TEST(static_follows_its_gateway)
{
    struct model *model =
        up_with(with_static(mission_config(), "10.70.0.0/16", "172.16.0.2", NULL, 1));
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER1));
    model_link_set(model, ER1, false);
    model_wait_ms(model, 100);
    ck_assert_ptr_null(at(model, "10.70.0.0/16"));
    model_link_set(model, ER1, true);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER1));
    mission_bfd(model, "172.16.0.2", false);
    model_wait_ms(model, 100);
    ck_assert_ptr_null(at(model, "10.70.0.0/16"));
    model_free(model);
}
END_TEST

/* Nobody watches it any more: what BFD said last must not keep it dead for ever. */
START_TEST(gateway_of_a_shut_neighbor_is_not_dead)
{
    struct model *model =
        up_with(with_static(mission_config(), "10.70.0.0/16", "172.16.0.2", NULL, 1));
    mission_bfd(model, "172.16.0.2", false);
    model_wait_ms(model, 100);
    ck_assert_ptr_null(at(model, "10.70.0.0/16"));
    struct config *config = with_static(mission_config(), "10.70.0.0/16", "172.16.0.2", NULL, 1);
    config_neighbor_of(config, "172.16.0.2")->shutdown = (struct opt_bool){true, true};
    model_configure(model, config);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER1));
    model_free(model);
}
END_TEST

START_TEST(static_never_holds_itself_up)
{
    /* Its gateway lies inside it: without another way to it the route must go. */
    struct model *model =
        up_with(with_static(mission_config(), "172.16.0.0/16", "172.16.0.2", NULL, 1));
    ck_assert_uint_eq(model_ways_to(model, "172.16.200.1"), WAY(ER1));
    model_link_set(model, ER1, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "172.16.200.1"), 0);
    model_free(model);
}
END_TEST

START_TEST(statics_through_each_other_resolve_neither)
{
    struct config *config = with_static(mission_config(), "10.80.0.0/16", "10.81.0.1", NULL, 1);
    struct model *model = up_with(with_static(config, "10.81.0.0/16", "10.80.0.1", NULL, 1));
    ck_assert_uint_eq(model_ways_to(model, "10.80.1.1"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.81.1.1"), 0);
    model_free(model);
}
END_TEST

START_TEST(static_beats_bgp_by_distance_only)
{
    struct model *model = up_with(with_static(mission_config(), "10.60.0.0/16", NULL, "er1", 1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1));
    ck_assert_uint_eq(at(model, "10.60.0.0/16")->nexthop_object, 0);
    /* It goes: BGP takes the place over. */
    model_configure(model, mission_config());
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    model_configure(model, with_static(mission_config(), "10.60.0.0/16", NULL, NULL, 250));
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    /* BGP goes: the floating static takes over. */
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.2"), "10.60.0.0/16");
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.6"), "10.60.0.0/16");
    model_wait_ms(model, 100);
    ck_assert_uint_eq(at(model, "10.60.0.0/16")->type, FIB_ROUTE_BLACKHOLE);
    model_free(model);
}
END_TEST

START_TEST(static_in_the_clear_is_refused_for_protected)
{
    struct model *model =
        up_with(with_static(mission_config(), "10.51.231.0/25", "172.16.0.2", NULL, 1));
    ck_assert_ptr_null(at(model, "10.51.231.0/25"));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(equal_statics_share_the_load)
{
    struct config *config = with_static(mission_config(), "10.70.0.0/16", "172.16.0.2", NULL, 1);
    config = with_static(config, "10.70.0.0/16", "172.16.0.6", NULL, 1);
    struct model *model = up_with(with_static(config, "10.70.0.0/16", NULL, "ipsec0", 9));
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER1) | WAY(ER2));
    mission_bfd(model, "172.16.0.2", false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER2));
    mission_bfd(model, "172.16.0.6", false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(IPSEC0));
    mission_bfd(model, "172.16.0.2", true);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.70.1.1"), WAY(ER1));
    model_free(model);
}
END_TEST

START_TEST(endpoint_pin_uses_equal_statics)
{
    struct config *config = with_static(mission_config(), "10.51.230.0/28", "172.16.0.2", NULL, 1);
    config = with_static(config, "10.51.230.0/28", "172.16.0.6", NULL, 1);
    config->protection_count = 0; /* else the static route itself is refused */
    struct model *model = model_new(40);
    model->guarded_count = 0;
    model_configure(model, config);
    model_tell_all(model);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_ptr_nonnull(at(model, "10.51.230.4/32"));
    model_free(model);
}
END_TEST

START_TEST(static_host_route_names_the_underlay_of_an_endpoint)
{
    struct config *config = with_static(mission_config(), "10.51.230.4/32", "172.16.0.2", NULL, 1);
    struct model *model = model_new(43);
    model_configure(model, config);
    model_tell_all(model);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.5"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

/* ---- Routes of others ---- */

START_TEST(foreign_route_wins_and_is_never_touched)
{
    struct model *model = mission_up(20);
    struct fib_route route = foreign_route("10.60.0.0/16", 0, ER2);
    model_foreign(model, &route, false);
    model_wait_ms(model, 100);
    ck_assert_ptr_null(at(model, "10.60.0.0/16"));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
    model_foreign(model, &route, true);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    model_free(model);
}
END_TEST

START_TEST(foreign_route_with_our_metric_is_not_written_over)
{
    struct model *model = model_new(21);
    struct fib_route route = foreign_route("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT, IPSEC0);
    model_route_put(model, &route);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "10.51.230.12");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(at(model, "10.51.231.0/24")->protocol, 4);
    model_foreign(model, &route, true);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(at(model, "10.51.231.0/24")->protocol, MODEL_OURS);
    model_free(model);
}
END_TEST

START_TEST(protected_route_is_installed_beside_a_foreign_one)
{
    struct model *model = mission_up(22);
    struct fib_route route = foreign_route("10.51.231.0/24", 100, ER1);
    model_foreign(model, &route, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_ne(model->top->log_total[LOG_PROTECTION], 0);
    model_free(model);
}
END_TEST

START_TEST(endpoint_pin_uses_foreign_and_connected_underlays)
{
    struct model *model = model_new(23);
    struct fib_route route = foreign_route("0.0.0.0/0", 50, ER2);
    route.legs[0].gateway = addr_of("172.16.0.6");
    model_route_put(model, &route);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER2));
    ck_assert_ptr_nonnull(at(model, "10.51.230.4/32"));
    model_free(model);
}
END_TEST

/* The answer is remembered: it must not outlive what it rests on. */
START_TEST(a_connected_network_is_found_while_its_link_is_up)
{
    struct model *model = up_with(mission_config());
    struct ip_addr near = addr_of("172.16.0.2");
    struct ip_addr other = addr_of("172.16.0.6");
    struct ip_addr far = addr_of("10.51.231.10");
    for (unsigned round = 0; round < 3; round++) {
        bool is_up = round != 1;
        model_link_set(model, ER1, is_up);
        ck_assert_uint_eq(kernel_connected_interface(model->top->core, &near), is_up ? ER1 : 0);
        ck_assert_uint_eq(kernel_connected_interface(model->top->core, &other), ER2);
        ck_assert_uint_eq(kernel_connected_interface(model->top->core, &far), 0);
        ck_assert_uint_eq(kernel_connected_interface(model->top->core, &near), is_up ? ER1 : 0);
    }
    model_free(model);
}
END_TEST

START_TEST(foreign_route_is_reported_when_its_destinations_become_protected)
{
    struct config *config = mission_config();
    config->protection_count = 0;
    struct model *model = model_new(45);
    struct fib_route inside = foreign_route("10.51.231.0/24", 100, ER1);
    struct fib_route outside = foreign_route("10.60.0.0/16", 100, ER1);
    model_route_put(model, &inside);
    model_route_put(model, &outside);
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model->top->log_total[LOG_PROTECTION], 0);
    model_configure(model, mission_config());
    ck_assert_uint_eq(model->top->log_total[LOG_PROTECTION], 1);
    model_configure(model, mission_config()); /* nothing new */
    ck_assert_uint_eq(model->top->log_total[LOG_PROTECTION], 1);
    model_free(model);
}
END_TEST

/* ---- Repair ---- */

static void tell_lost(struct model *model, const struct fib_route *item)
{
    struct fib_route route = *item;
    model_foreign(model, &route, true);
}

START_TEST(route_removed_behind_our_back_returns)
{
    static const char *const prefixes[] = {"10.51.231.0/24", "10.51.230.4/32", "10.51.230.12/32",
                                           "10.60.0.0/16"};
    struct model *model = mission_up(24);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        tell_lost(model, at(model, prefixes[i]));
        model_wait_ms(model, 900);
        ck_assert_msg(at(model, prefixes[i]) != NULL, "%s", prefixes[i]);
    }
    struct fib_route guard = {.prefix = prefix_of("10.51.230.0/23"), .metric = GUARD_METRIC};
    tell_lost(model, model_route(model, &guard));
    model_wait_ms(model, 900);
    ck_assert_ptr_nonnull(model_route(model, &guard));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(changed_route_is_put_right)
{
    struct model *model = mission_up(25);
    struct fib_route bad = *at(model, "10.51.231.0/24");
    bad.nexthop_object = 0;
    bad.leg_count = 1;
    bad.legs[0].ifindex = IPSEC1;
    model_foreign(model, &bad, false);
    model_wait_ms(model, 900);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    model_free(model);
}
END_TEST

START_TEST(overrun_is_healed_by_a_new_account)
{
    struct model *model = mission_up(26);
    model_kernel_forget_ours(&model->kernel);
    struct fib_route stray = foreign_route("10.99.0.0/16", CONFIG_FIB_METRIC_DEFAULT, ER1);
    stray.protocol = MODEL_OURS;
    model_route_put(model, &stray);
    model_tell_all(model);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_ptr_null(at(model, "10.99.0.0/16"));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(quiet_account_writes_nothing)
{
    struct model *model = mission_up(27);
    uint32_t before = model->operations;
    model_tell_all(model);
    model_wait_ms(model, 5000);
    ck_assert_uint_eq(model->operations, before);
    model_free(model);
}
END_TEST

START_TEST(tunnel_dies_while_an_account_is_given)
{
    struct model *model = mission_up(41);
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    top_feed(model->top, &event);
    mission_sa(model, 1, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    model_free(model);
}
END_TEST

START_TEST(kernel_is_audited_now_and_then)
{
    struct model *model = mission_up(42);
    struct core_action action;
    uint32_t requests = 0;
    for (uint32_t i = 0; i < 700; i++) {
        struct core_event event = {.kind = EVENT_TIME};
        model->top->now = mono_add(model->top->now, mono_span_s(1));
        top_feed(model->top, &event);
        core_work(model->top->core, model->top->now, 100);
        while (core_take_action(model->top->core, &action)) {
            requests += action.kind == ACTION_FIB_REQUEST_DUMP ? 1 : 0;
        }
    }
    ck_assert_uint_eq(requests, 12);
    model_free(model);
}
END_TEST

/* The kernel's account was given without it, or its end was not told. */
START_TEST(guard_removed_before_the_first_account_ends_returns)
{
    struct model *model = model_new(47);
    struct fib_route guard = {.prefix = prefix_of("10.51.230.0/23"), .metric = GUARD_METRIC};
    model_configure(model, mission_config());
    ck_assert_ptr_nonnull(model_route(model, &guard));
    model_route_lose(model, &guard);
    model_tell_all(model);
    model_wait_ms(model, 100);
    ck_assert_ptr_nonnull(model_route(model, &guard));
    model_free(model);
}
END_TEST

/* The kernel has done it and its answer is lost: a new account shows the route before it is written
 * again, and it must not be taken for a leftover. */
START_TEST(guard_with_a_lost_answer_is_never_deleted)
{
    struct model *model = mission_up(44);
    struct fib_route guard = {.prefix = prefix_of("10.51.230.0/23"), .metric = GUARD_METRIC};
    model->is_holding = true;
    tell_lost(model, model_route(model, &guard));
    model_settle(model);
    struct core_action action;
    model_take(model, model->queue_first, &action);
    ck_assert_uint_eq(action.fib_route.route.metric, GUARD_METRIC);
    ck_assert_int_eq(model_do_route(model, &action.fib_route), 0);
    struct core_event event = {.kind = EVENT_FIB_RESULT};
    event.fib_result.operation = action.fib_route.operation;
    event.fib_result.error = ENOBUFS;
    top_feed(model->top, &event);
    model_tell_all(model);
    model->is_holding = false;
    for (int i = 0; i < 300; i++) {
        model_wait_ms(model, 1);
        ck_assert_ptr_nonnull(model_route(model, &guard));
    }
    model_free(model);
}
END_TEST

START_TEST(refusals_are_retried_without_a_busy_loop)
{
    struct model *model = model_new(28);
    model_configure(model, mission_config());
    model_tell_all(model);
    model->fail_routes_with = ENOBUFS;
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "10.51.230.12");
    uint32_t before = model->operations;
    model_wait_ms(model, 100000);
    ck_assert_uint_lt(model->operations - before, 200);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), 0);
    model->fail_routes_with = 0;
    model_wait_ms(model, 31000);
    ck_assert_uint_ne(model_ways_to(model, "10.60.1.1"), 0);
    ck_assert_uint_ne(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(refused_legs_are_retried)
{
    struct model *model = model_new(29);
    model->fail_legs_with = EINVAL;
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    model_wait_ms(model, 5000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), 0);
    model->fail_legs_with = 0;
    model_wait_ms(model, 60000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1));
    model_free(model);
}
END_TEST

/* ---- Restart and leaving ---- */

/* The daemon is gone without a word; a new one starts over the same kernel. */
static void restart(struct model *model)
{
    core_free(model->top->core);
    model->top->core = core_new(NULL, 99);
    model->queue_first = 0;
    model->queue_count = 0;
    for (uint32_t i = 0; i < model->top->end_count; i++) {
        far_forget(&model->top->ends[i]);
    }
}

/* A leftover whose removal fails must not be taken for a new object of the same number. */
START_TEST(restart_never_uses_the_numbers_of_earlier_objects)
{
    struct model *model = mission_up(46);
    uint32_t last = 0;
    for (uint32_t i = 0; i < model->kernel.object_count; i++) {
        uint32_t id = model->kernel.objects[i].nexthop.id;
        last = id > last ? id : last;
    }
    restart(model);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 90000); /* the leftovers have been swept */
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "10.51.230.12");
    model_wait_ms(model, 1000);
    ck_assert_uint_ne(model_object_count(model), 0);
    for (uint32_t i = 0; i < model->kernel.object_count; i++) {
        ck_assert_uint_gt(model->kernel.objects[i].nexthop.id, last);
    }
    model_free(model);
}
END_TEST

START_TEST(restart_keeps_forwarding_without_a_gap)
{
    struct model *model = mission_up(30);
    restart(model);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 1);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "172.16.0.6");
    mission_announce(model, "10.51.230.12");
    mission_announce(model, "10.51.230.13");
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    uint32_t objects = model_object_count(model);
    model_wait_ms(model, 70000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_lt(model_object_count(model), objects); /* the old run's are swept */
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(restart_with_gateways_gone_sweeps_and_blocks)
{
    struct model *model = mission_up(31);
    restart(model);
    far_end_of(model->top, "10.51.230.12")->refuses_connects = true;
    far_end_of(model->top, "10.51.230.13")->refuses_connects = true;
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "172.16.0.6");
    model_wait_ms(model, 100000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(unsafe_leftover_goes_at_once)
{
    struct model *model = model_new(32);
    struct fib_route stale = foreign_route("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT, ER1);
    stale.protocol = MODEL_OURS;
    model_route_put(model, &stale);
    stale.prefix = prefix_of("10.61.0.0/16");
    model_route_put(model, &stale);
    model_configure(model, mission_config());
    model_tell_all(model);
    model->leaks = 0;
    model_settle(model);
    ck_assert_ptr_null(at(model, "10.51.231.0/24"));
    ck_assert_ptr_nonnull(at(model, "10.61.0.0/16"));
    model_wait_ms(model, 100000);
    ck_assert_ptr_null(at(model, "10.61.0.0/16"));
    model_free(model);
}
END_TEST

static void stop(struct model *model, bool keep_routes)
{
    struct core_event event = {.kind = EVENT_STOP};
    event.stop.keep_routes = keep_routes;
    top_feed(model->top, &event);
    struct core_action action;
    while (core_take_action(model->top->core, &action)) {
        model_act(model, &action);
    }
    while (model->queue_count != 0) {
        model_do_one(model);
    }
}

START_TEST(stop_leaves_only_guards_and_never_leaks)
{
    struct model *model = mission_up(33);
    stop(model, false);
    ck_assert(model->is_stopped);
    ck_assert_uint_eq(model_count(model, MODEL_OURS), 1);
    ck_assert_uint_eq(model_object_count(model), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(stop_can_keep_everything)
{
    struct model *model = mission_up(34);
    uint32_t routes = model_count(model, MODEL_OURS);
    stop(model, true);
    ck_assert_uint_eq(model_count(model, MODEL_OURS), routes);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    model_free(model);
}
END_TEST

START_TEST(protection_added_later_clears_the_path)
{
    struct config *config = mission_config();
    config->protection_count = 0;
    struct model *model = model_new(35);
    model->guarded_count = 0;
    model_configure(model, config);
    model_tell_all(model);
    far_end_of(model->top, "10.51.230.12")->refuses_connects = true;
    far_end_of(model->top, "10.51.230.13")->refuses_connects = true;
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(ER1));
    model_configure(model, mission_config());
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    model_free(model);
}
END_TEST

/* ---- Show ---- */

struct rows {
    uint32_t count;
    uint32_t kinds[6];
    uint32_t installed;
    struct prefix last;
    bool is_disordered;
};

static void on_row(void *context, const struct snapshot_ip_route *row)
{
    struct rows *rows = context;
    rows->is_disordered =
        rows->is_disordered || (rows->count != 0 && prefix_compare(&rows->last, &row->prefix) > 0);
    rows->last = row->prefix;
    rows->count++;
    rows->kinds[row->kind]++;
    rows->installed += row->install == IP_ROUTE_INSTALLED ? 1 : 0;
}

START_TEST(show_lists_every_route_once_in_order)
{
    struct model *model = mission_up(36);
    for (uint32_t max = 1; max < 20; max += 6) {
        struct rows rows = {0};
        struct ip_route_cursor cursor;
        snapshot_ip_routes_open(model->top->core, IP_V4, NULL, &cursor);
        while (!cursor.is_done) {
            snapshot_ip_routes_read(model->top->core, &cursor, max, on_row, &rows);
        }
        ck_assert_uint_eq(rows.kinds[IP_ROUTE_BGP], 3);
        ck_assert_uint_eq(rows.kinds[IP_ROUTE_CONNECTED], 3);
        ck_assert_uint_eq(rows.kinds[IP_ROUTE_PIN], 4);
        ck_assert_uint_eq(rows.kinds[IP_ROUTE_GUARD], 1);
        ck_assert_uint_eq(rows.installed, rows.count);
        ck_assert(!rows.is_disordered);
    }
    struct prefix within = prefix_of("10.51.231.0/24");
    struct rows rows = {0};
    struct ip_route_cursor cursor;
    snapshot_ip_routes_open(model->top->core, IP_V4, &within, &cursor);
    snapshot_ip_routes_read(model->top->core, &cursor, 100, on_row, &rows);
    ck_assert_uint_eq(rows.count, 1);
    model_free(model);
}
END_TEST

START_TEST(show_tunnels_and_protections)
{
    struct model *model = mission_up(37);
    struct snapshot_tunnel tunnel;
    struct snapshot_protection protection;
    ck_assert(snapshot_tunnel(model->top->core, 0, &tunnel));
    ck_assert(tunnel.is_alive);
    ck_assert(tunnel.is_endpoint_pinned);
    ck_assert_uint_eq(tunnel.pin_leg_count, 2);
    ck_assert_uint_eq(tunnel.inner_peer_count, 1);
    ck_assert_uint_eq(tunnel.prefixes, 2);
    ck_assert(strstr(tunnel.refused_capture, "10.51.230.0/24") != NULL);
    ck_assert(!snapshot_tunnel(model->top->core, 2, &tunnel));
    ck_assert(snapshot_protection(model->top->core, 0, &protection));
    ck_assert(protection.is_guard_installed);
    ck_assert_uint_eq(protection.protected_prefixes, 2);
    ck_assert_uint_eq(protection.refused_paths, 4);
    ck_assert_str_eq(protection.status, "protected");
    mission_sa(model, 1, false);
    mission_sa(model, 2, false);
    model_wait_ms(model, 1000);
    ck_assert(snapshot_protection(model->top->core, 0, &protection));
    ck_assert_uint_eq(protection.unreachable_prefixes, 2);
    ck_assert_str_eq(protection.status, "blocked: no allowed path");
    model_free(model);
}
END_TEST

START_TEST(without_a_fib_destinations_are_decided_and_go_nowhere)
{
    struct model *model = model_new(31);
    core_free(model->top->core);
    struct core_limits limits = {.no_fib = true};
    model->top->core = core_new(&limits, 31);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    model_wait_ms(model, 2000);
    const struct loc_rib *rib = model->top->core->ribs[AFI_SAFI_IPV4_UNICAST];
    struct prefix prefix = prefix_of("10.60.0.0/16");
    struct route_view best;
    dest_id dest = loc_rib_find(rib, &prefix);
    ck_assert_uint_ne(dest, 0);
    ck_assert(dest_best(rib, dest, &best));
    ck_assert_uint_eq(dest_core_word(rib, dest, 0), 0);
    ck_assert_ptr_null(at(model, "10.60.0.0/16"));
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernel routes");
    TCase *tcase = tcase_create("routes");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, static_follows_its_gateway);
    tcase_add_test(tcase, gateway_of_a_shut_neighbor_is_not_dead);
    tcase_add_test(tcase, static_never_holds_itself_up);
    tcase_add_test(tcase, statics_through_each_other_resolve_neither);
    tcase_add_test(tcase, static_beats_bgp_by_distance_only);
    tcase_add_test(tcase, static_host_route_names_the_underlay_of_an_endpoint);
    tcase_add_test(tcase, equal_statics_share_the_load);
    tcase_add_test(tcase, endpoint_pin_uses_equal_statics);
    tcase_add_test(tcase, tunnel_dies_while_an_account_is_given);
    tcase_add_test(tcase, kernel_is_audited_now_and_then);
    tcase_add_test(tcase, static_in_the_clear_is_refused_for_protected);
    tcase_add_test(tcase, foreign_route_wins_and_is_never_touched);
    tcase_add_test(tcase, foreign_route_with_our_metric_is_not_written_over);
    tcase_add_test(tcase, protected_route_is_installed_beside_a_foreign_one);
    tcase_add_test(tcase, endpoint_pin_uses_foreign_and_connected_underlays);
    tcase_add_test(tcase, a_connected_network_is_found_while_its_link_is_up);
    tcase_add_test(tcase, route_removed_behind_our_back_returns);
    tcase_add_test(tcase, changed_route_is_put_right);
    tcase_add_test(tcase, overrun_is_healed_by_a_new_account);
    tcase_add_test(tcase, quiet_account_writes_nothing);
    tcase_add_test(tcase, guard_removed_before_the_first_account_ends_returns);
    tcase_add_test(tcase, guard_with_a_lost_answer_is_never_deleted);
    tcase_add_test(tcase, foreign_route_is_reported_when_its_destinations_become_protected);
    tcase_add_test(tcase, refusals_are_retried_without_a_busy_loop);
    tcase_add_test(tcase, refused_legs_are_retried);
    tcase_add_test(tcase, restart_never_uses_the_numbers_of_earlier_objects);
    tcase_add_test(tcase, restart_keeps_forwarding_without_a_gap);
    tcase_add_test(tcase, restart_with_gateways_gone_sweeps_and_blocks);
    tcase_add_test(tcase, unsafe_leftover_goes_at_once);
    tcase_add_test(tcase, stop_leaves_only_guards_and_never_leaks);
    tcase_add_test(tcase, stop_can_keep_everything);
    tcase_add_test(tcase, protection_added_later_clears_the_path);
    tcase_add_test(tcase, show_lists_every_route_once_in_order);
    tcase_add_test(tcase, show_tunnels_and_protections);
    tcase_add_test(tcase, without_a_fib_destinations_are_decided_and_go_nowhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
