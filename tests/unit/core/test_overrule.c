/* Routes of other programs inside what is protected, passed over by choice: in front of them, by an
 * allowed way or nowhere, also over a restart and when somebody meddles. */
#include "bgpd/core/kernel_private.h"
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

#define INSIDE "10.51.231.0/25"
#define TARGET "10.51.231.10"

static struct config *overruling(void)
{
    struct config *config = mission_config();
    ((struct protection_def *)(uintptr_t)config->protections)[0].overrules_foreign = true;
    return config;
}

static struct fib_route clear_route(const char *prefix, uint32_t metric)
{
    struct fib_route route = {.prefix = prefix_of(prefix),
                              .table = CONFIG_FIB_TABLE_DEFAULT,
                              .protocol = 77,
                              .metric = metric,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0] = (struct fib_leg){.gateway = addr_of("172.16.0.2"), .ifindex = ER1, .weight = 1};
    return route;
}

/* Somebody adds it; the core is told what the kernel tells. */
static void comes(struct model *model, const struct fib_route *route, enum model_how how)
{
    struct core_event told = {.kind = EVENT_KERNEL_ROUTE};
    told.kernel_route.is_replacing = how == MODEL_REPLACE;
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, route, how, &told.kernel_route.route),
                     0);
    top_feed(model->top, &told);
    model_settle(model);
}

static void goes(struct model *model, const struct fib_route *route)
{
    struct core_event told = {.kind = EVENT_KERNEL_ROUTE};
    ck_assert_int_eq(model_kernel_route_del(&model->kernel, route), 0);
    told.kernel_route.is_removed = true;
    told.kernel_route.route = *route;
    top_feed(model->top, &told);
    model_settle(model);
}

static void announce_all(struct model *model)
{
    const char *const peers[] = {"172.16.0.2", "172.16.0.6", "10.51.230.12", "10.51.230.13"};
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        mission_announce(model, peers[i]);
    }
    model_wait_ms(model, 2000);
}

static struct model *up_overruling(void)
{
    struct model *model = model_new(81);
    model_configure(model, overruling());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    announce_all(model);
    model->guarded_count = 0; /* theirs stands for a moment; what follows looks at the end */
    return model;
}

/* A new process over the kernel as it stands, with no session up. */
static void restart(struct model *model, struct config *config)
{
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    core_free(model->top->core);
    model->top->core = core_new(NULL, 82);
    model->queue_count = model->queue_first = 0;
    for (uint32_t i = 0; i < model->top->end_count; i++) {
        model->top->ends[i].conn = 0;
        model->top->ends[i].is_up = false;
        model->top->ends[i].refuses_connects = true;
    }
    top_feed(model->top, &event);
    model_tell_all(model);
    model_wait_ms(model, 1000);
}

static const uint32_t metrics[] = {0, 1, 19, 20, 21, 100};

START_TEST(a_clear_route_inside_is_passed_over_whatever_its_metric)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        struct model *model = up_overruling();
        struct fib_route theirs = clear_route(INSIDE, metrics[i]);
        comes(model, &theirs, MODEL_FIRST);
        ck_assert_msg(model_ways_to(model, TARGET) == (WAY(IPSEC0) | WAY(IPSEC1)), "metric %u",
                      metrics[i]);
        ck_assert_uint_eq(model_count(model, 77), 1);
        uint32_t ours = model_count(model, MODEL_OURS);
        goes(model, &theirs);
        model_wait_ms(model, 3000); /* it is known to be gone when all has been read again */
        model_tell_all(model);
        model_wait_ms(model, 3000);
        ck_assert_uint_eq(model_count(model, MODEL_OURS), ours - 1);
        model_free(model);
    }
}
END_TEST

START_TEST(one_that_is_put_in_front_is_passed_over_again)
{
    struct model *model = up_overruling();
    struct fib_route theirs = clear_route(INSIDE, 0);
    comes(model, &theirs, MODEL_FIRST);
    theirs.protocol = 78;
    comes(model, &theirs, MODEL_FIRST);
    ck_assert_uint_eq(model_ways_to(model, TARGET), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_count(model, 77) + model_count(model, 78), 2);
    model_free(model);
}
END_TEST

/* In front of ours, behind it or in its stead: theirs stays, and ours goes before it elsewhere. */
START_TEST(what_comes_into_our_place_is_passed_over_and_never_replaced)
{
    static const enum model_how hows[] = {MODEL_REPLACE, MODEL_FIRST, MODEL_APPEND};
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        for (size_t k = 0; k < sizeof hows / sizeof hows[0] && metrics[i] != 0; k++) {
            struct model *model = up_overruling();
            struct fib_route theirs = clear_route(INSIDE, metrics[i]);
            comes(model, &theirs, MODEL_FIRST);
            struct ip_addr target = addr_of(TARGET);
            struct fib_route other = clear_route(INSIDE, model_lookup(model, &target)->metric);
            other.protocol = 78;
            other.legs[0].ifindex = ER2;
            other.legs[0].gateway = addr_of("172.16.0.6");
            comes(model, &other, hows[k]);
            ck_assert_msg(model_ways_to(model, TARGET) == (WAY(IPSEC0) | WAY(IPSEC1)),
                          "metric %u, how %d", metrics[i], (int)hows[k]);
            ck_assert_uint_eq(model_count(model, 77), 1);
            ck_assert_uint_eq(model_count(model, 78), 1);
            model_wait_ms(model, 1000);
            ck_assert_uint_eq(model_lookup(model, &target)->protocol, MODEL_OURS);
            model_free(model);
        }
    }
}
END_TEST

START_TEST(overruling_follows_the_tunnels_and_then_leads_nowhere)
{
    struct model *model = up_overruling();
    struct fib_route theirs = clear_route(INSIDE, 0);
    comes(model, &theirs, MODEL_FIRST);
    mission_sa(model, 1, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, TARGET), WAY(IPSEC1));
    mission_sa(model, 2, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, TARGET), 0);
    model_free(model);
}
END_TEST

START_TEST(after_a_restart_theirs_in_front_of_what_is_left_is_passed_over_at_once)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        struct model *model = up_overruling();
        struct fib_route theirs = clear_route(INSIDE, metrics[i]);
        comes(model, &theirs, MODEL_FIRST);
        struct fib_route newer = clear_route(INSIDE, metrics[i]);
        newer.protocol = 78;
        ck_assert_int_eq(model_kernel_route_add(&model->kernel, &newer, MODEL_FIRST, NULL), 0);
        restart(model, overruling());
        ck_assert_msg(model_ways_to(model, TARGET) == (WAY(IPSEC0) | WAY(IPSEC1)), "metric %u",
                      metrics[i]);
        model_free(model);
    }
}
END_TEST

START_TEST(what_is_left_of_overruling_is_looked_after_before_the_sessions_are_back)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        struct model *model = up_overruling();
        struct fib_route theirs = clear_route(INSIDE, metrics[i]);
        comes(model, &theirs, MODEL_FIRST);
        restart(model, overruling());
        struct ip_addr target = addr_of(TARGET);
        struct fib_route ours = *model_lookup(model, &target);
        ck_assert_uint_eq(ours.protocol, MODEL_OURS);
        ck_assert(prefix_equal(&ours.prefix, &theirs.prefix));
        goes(model, &ours); /* somebody deletes it */
        model_wait_ms(model, 900);
        ck_assert_msg(model_ways_to(model, TARGET) == (WAY(IPSEC0) | WAY(IPSEC1)), "metric %u",
                      metrics[i]);
        model_free(model);
    }
}
END_TEST

/* ---- IPv6 ---- */

static struct config *overruling_ipv6(void)
{
    struct config *config = overruling();
    struct protection_def *protection =
        &((struct protection_def *)(uintptr_t)config->protections)[0];
    struct config_tunnel *tunnels = (struct config_tunnel *)(uintptr_t)config->tunnels;
    struct config_static_route *route = arena_alloc(&config->arena, sizeof *route);
    protection->prefix = prefix_of("2001:db8:51::/48");
    tunnels[0].local_endpoint = addr_of("2001:db8::1");
    tunnels[0].remote_endpoint = addr_of("2001:db8:51::4");
    *route = (struct config_static_route){
        .prefix = prefix_of("::/0"), .gateway = addr_of("2001:db8::2"), .distance = 1};
    config->static_routes = route;
    config->static_route_count = 1;
    return config;
}

static struct model *up_ipv6(void)
{
    struct model *model = model_new(83);
    struct ip_addr er1 = addr_of("2001:db8::1");
    model_kernel_addr_put(&model->kernel, ER1, &er1, 64);
    model->guarded_count = 0;
    model_configure(model, overruling_ipv6());
    model_tell_all(model);
    model_wait_ms(model, 1000);
    return model;
}

START_TEST(ipv6_knows_no_way_ahead_of_the_lowest_metric)
{
    struct model *model = up_ipv6();
    struct fib_route theirs = clear_route("2001:db8:51:1::/64", 2);
    theirs.legs[0].gateway = addr_of("2001:db8::2");
    comes(model, &theirs, MODEL_APPEND);
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51:1::1"), 0);
    theirs.metric = 1;
    comes(model, &theirs, MODEL_APPEND);
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51:1::1"), WAY(ER1));
    struct snapshot_foreign_route row;
    bool is_said = false;
    for (uint32_t i = 0; snapshot_foreign_route(model->top->core, i, &row); i++) {
        is_said = is_said || (row.route.metric == 1 && strstr(row.answer, "lowest") != NULL);
    }
    ck_assert(is_said);
    model_free(model);
}
END_TEST

START_TEST(what_ipv6_cannot_overrule_does_not_save_the_others)
{
    struct model *model = up_ipv6();
    struct fib_route lowest = clear_route("2001:db8:51:1::/64", 1);
    lowest.legs[0].gateway = addr_of("2001:db8::2");
    struct fib_route other = lowest;
    other.metric = 21;
    comes(model, &lowest, MODEL_APPEND);
    comes(model, &other, MODEL_APPEND);
    struct snapshot_foreign_route row;
    for (uint32_t i = 0; snapshot_foreign_route(model->top->core, i, &row); i++) {
        ck_assert(row.is_overruled == (row.route.metric == 21));
    }
    goes(model, &lowest);
    ck_assert_uint_eq(model_ways_to(model, "2001:db8:51:1::1"), 0);
    model_free(model);
}
END_TEST

/* Another one, come meanwhile, makes ours choose another place than the earlier run, until it goes.
 */
START_TEST(what_returns_to_the_place_of_an_earlier_run_is_no_leftover)
{
    struct model *model = up_ipv6();
    struct ip_addr target = addr_of("2001:db8:51:1::1");
    struct fib_route theirs = clear_route("2001:db8:51:1::/64", 50);
    theirs.legs[0].gateway = addr_of("2001:db8::2");
    struct fib_route other = theirs;
    other.metric = 20;
    comes(model, &theirs, MODEL_APPEND);
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, &other, MODEL_APPEND, NULL), 0);
    restart(model, overruling_ipv6());
    ck_assert_uint_eq(model_lookup(model, &target)->metric, 19);
    goes(model, &other);
    model_wait_ms(model, 2000);
    model_tell_all(model); /* so it was asked: there might have been a second one */
    model_wait_ms(model, 2000);
    ck_assert_uint_eq(model_lookup(model, &target)->metric, 49);
    model_wait_ms(model, 120000); /* what is a leftover goes */
    ck_assert_uint_eq(model_lookup(model, &target)->protocol, MODEL_OURS);
    model_free(model);
}
END_TEST

START_TEST(a_leg_that_ipv6_merges_into_a_pin_leaves_it_again)
{
    struct model *model = up_ipv6();
    struct fib_route leg = clear_route("2001:db8:51::4/128", CONFIG_FIB_METRIC_DEFAULT);
    leg.legs[0] = (struct fib_leg){.gateway = addr_of("2001:db8::9"), .ifindex = ER1, .weight = 1};
    const struct fib_route *pin = model_route(model, &leg);
    ck_assert_ptr_nonnull(pin);
    ck_assert_uint_eq(pin->leg_count, 1);
    comes(model, &leg, MODEL_APPEND);
    pin = model_route(model, &leg);
    ck_assert_uint_eq(pin->leg_count, 1);
    ck_assert_uint_eq(pin->protocol, MODEL_OURS);
    struct snapshot_foreign_route row;
    ck_assert(!snapshot_foreign_route(model->top->core, 0, &row));
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("overrule");
    TCase *tcase = tcase_create("overrule");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_clear_route_inside_is_passed_over_whatever_its_metric);
    tcase_add_test(tcase, one_that_is_put_in_front_is_passed_over_again);
    tcase_add_test(tcase, what_comes_into_our_place_is_passed_over_and_never_replaced);
    tcase_add_test(tcase, overruling_follows_the_tunnels_and_then_leads_nowhere);
    tcase_add_test(tcase, after_a_restart_theirs_in_front_of_what_is_left_is_passed_over_at_once);
    tcase_add_test(tcase, what_is_left_of_overruling_is_looked_after_before_the_sessions_are_back);
    tcase_add_test(tcase, ipv6_knows_no_way_ahead_of_the_lowest_metric);
    tcase_add_test(tcase, what_ipv6_cannot_overrule_does_not_save_the_others);
    tcase_add_test(tcase, what_returns_to_the_place_of_an_earlier_run_is_no_leftover);
    tcase_add_test(tcase, a_leg_that_ipv6_merges_into_a_pin_leaves_it_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
