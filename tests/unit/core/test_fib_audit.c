/* The audit: what vanished or changed without a word is found and put right, what is merely on its
 * way is left alone, and every correction is counted and remembered. */
#include "bgpd/core/kernel_private.h"
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

static struct model *model;
static struct snapshot_fib_audit audit;

static void up(void)
{
    model = mission_up(50);
    snapshot_fib_audit(model->top->core, &audit);
}

static void down(void)
{
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

static struct fib_route *at(const char *prefix, uint32_t metric)
{
    struct fib_route place = {.prefix = prefix_of(prefix), .metric = metric};
    return model_route(model, &place);
}

static void lose(const char *prefix, uint32_t metric)
{
    struct fib_route place = {.prefix = prefix_of(prefix), .metric = metric};
    model_route_lose(model, &place);
}

static void tell_border(enum core_event_kind kind, bool is_broken_off)
{
    struct core_event event = {.kind = kind};
    event.dump.is_audit = true;
    event.dump.is_broken_off = is_broken_off;
    top_feed(model->top, &event);
}

static void tell_object(const struct fib_nexthop *nexthop)
{
    struct core_event event = {.kind = EVENT_KERNEL_NEXTHOP};
    event.kernel_nexthop.is_ours = true;
    event.kernel_nexthop.nexthop = *nexthop;
    top_feed(model->top, &event);
}

static void tell_route(const struct fib_route *route)
{
    struct core_event event = {.kind = EVENT_KERNEL_ROUTE};
    event.kernel_route.is_from_dump = true;
    event.kernel_route.route = *route;
    event.kernel_route.route.table = CONFIG_FIB_TABLE_DEFAULT;
    top_feed(model->top, &event);
}

static void tell_all(void)
{
    for (uint32_t i = 0; i < model->kernel.object_count; i++) {
        tell_object(&model->kernel.objects[i].nexthop);
    }
    for (uint32_t i = 0; i < model->kernel.route_count; i++) {
        tell_route(&model->kernel.routes[i]);
    }
}

static void run_audit(void)
{
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_all();
    tell_border(EVENT_KERNEL_DUMP_END, false);
    model_wait_ms(model, 500);
    snapshot_fib_audit(model->top->core, &audit);
}

static uint64_t repaired(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < DRIFT_KIND_COUNT; i++) {
        sum += audit.repaired[i];
    }
    return sum;
}

static bool is_whole(void)
{
    return model_ways_to(model, "10.51.231.10") == (WAY(IPSEC0) | WAY(IPSEC1)) &&
           model_ways_to(model, "10.60.1.1") == (WAY(ER1) | WAY(ER2)) &&
           model_ways_to(model, "10.51.230.4") == (WAY(ER1) | WAY(ER2)) &&
           model_ways_to(model, "10.51.230.12") == WAY(IPSEC0) &&
           at("10.51.230.0/23", GUARD_METRIC) != NULL;
}

START_TEST(a_kernel_as_it_should_be_is_left_alone)
{
    uint32_t operations = model->operations;
    uint32_t rounds = audit.rounds;
    run_audit();
    ck_assert_uint_eq(model->operations, operations);
    ck_assert_uint_eq(repaired(), 0);
    ck_assert_uint_eq(audit.rounds, rounds + 1);
    ck_assert_uint_eq(audit.checked_routes, 3);
    ck_assert_uint_eq(audit.checked_plain, 5); /* guard, two endpoints, two inner peers */
    ck_assert_uint_gt(audit.checked_objects, 4);
    ck_assert(!audit.is_running);
    ck_assert(is_whole());
}
END_TEST

START_TEST(what_vanished_without_a_word_is_found)
{
    lose("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT);
    lose("10.51.230.4/32", CONFIG_FIB_METRIC_DEFAULT);
    lose("10.51.230.12/32", CONFIG_FIB_METRIC_DEFAULT);
    lose("10.51.230.0/23", GUARD_METRIC);
    run_audit();
    ck_assert(is_whole());
    ck_assert_uint_eq(audit.repaired[DRIFT_ROUTE], 1);
    ck_assert_uint_eq(audit.repaired[DRIFT_PIN], 2);
    ck_assert_uint_eq(audit.repaired[DRIFT_GUARD], 1);
    ck_assert_uint_eq(repaired(), 4);
    ck_assert_uint_eq(audit.drift_count, 4);
    struct prefix newest = prefix_of("10.51.231.0/24"); /* plain routes are looked at first */
    ck_assert(prefix_equal(&audit.drifts[0].prefix, &newest));
    ck_assert_uint_eq(audit.drifts[0].what, DRIFT_MISSING);
    run_audit();
    ck_assert_uint_eq(repaired(), 4);
}
END_TEST

START_TEST(objects_that_vanished_come_back_with_their_routes)
{
    uint32_t group = at("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT)->nexthop_object;
    uint32_t leg = model_object(model, group)->members[0];
    model_object_gone(model, group); /* and all routes on it */
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    model_object_gone(model, leg);
    run_audit();
    ck_assert(is_whole());
    ck_assert_uint_eq(audit.repaired[DRIFT_NEXTHOP], 2);
}
END_TEST

START_TEST(a_changed_object_is_put_right_in_place)
{
    uint32_t group = at("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT)->nexthop_object;
    struct fib_nexthop *object = model_object(model, group);
    uint32_t routes = model->route_operations;
    ck_assert_uint_eq(object->member_count, 2);
    object->member_count = 1;
    run_audit();
    ck_assert_uint_eq(object->member_count, 2);
    struct fib_nexthop *leg = model_object(model, object->members[0]);
    uint32_t ifindex = leg->leg.ifindex;
    leg->leg.ifindex = LO;
    run_audit();
    ck_assert_uint_eq(leg->leg.ifindex, ifindex);
    ck_assert_uint_eq(audit.repaired[DRIFT_NEXTHOP], 2);
    ck_assert_uint_eq(model->route_operations, routes);
}
END_TEST

START_TEST(an_object_changed_by_somebody_is_put_right_at_once)
{
    uint32_t group = at("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT)->nexthop_object;
    struct fib_nexthop *object = model_object(model, group);
    object->member_count = 1;
    tell_object(object);
    model_settle(model);
    ck_assert_uint_eq(object->member_count, 2);
    snapshot_fib_audit(model->top->core, &audit);
    ck_assert_uint_eq(audit.drifts[0].what, DRIFT_CHANGED);
    ck_assert_uint_eq(audit.drifts[0].object, group);
}
END_TEST

START_TEST(what_is_older_than_an_answer_is_no_drift)
{
    /* The rows were read before the tunnel died; its groups were replaced while they waited. */
    struct fib_nexthop rows[MODEL_OBJECTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->kernel.object_count; i++) {
        rows[count++] = model->kernel.objects[i].nexthop;
    }
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    mission_sa(model, 1, false);
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.2"), "10.60.0.0/16");
    struct fib_route stale = *at("10.60.0.0/16", CONFIG_FIB_METRIC_DEFAULT);
    model_wait_ms(model, 100);
    uint32_t operations = model->operations;
    for (uint32_t i = 0; i < count; i++) {
        tell_object(&rows[i]);
    }
    tell_route(&stale);
    for (uint32_t i = 0; i < model->kernel.route_count; i++) {
        tell_route(&model->kernel.routes[i]);
    }
    tell_border(EVENT_KERNEL_DUMP_END, false);
    model_wait_ms(model, 100);
    snapshot_fib_audit(model->top->core, &audit);
    ck_assert_uint_eq(repaired(), 0);
    ck_assert_uint_le(model->operations - operations, 4); /* deletes of objects already gone */
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
}
END_TEST

START_TEST(a_route_with_our_mark_that_nobody_wants_is_removed)
{
    struct fib_route stray = {.prefix = prefix_of("10.99.0.0/16"),
                              .metric = 77,
                              .protocol = MODEL_OURS,
                              .type = FIB_ROUTE_BLACKHOLE};
    model_route_put(model, &stray);
    run_audit();
    ck_assert_ptr_null(at("10.99.0.0/16", 77));
    ck_assert_uint_eq(audit.repaired[DRIFT_STRAY], 1);
}
END_TEST

/* Two of ours in one place: somebody's route was between them for a moment. */
START_TEST(a_second_one_of_ours_behind_the_right_one_is_removed)
{
    struct fib_route entry = *at("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT);
    struct fib_route pin = *at("10.51.230.4/32", CONFIG_FIB_METRIC_DEFAULT);
    uint32_t count = model_count(model, MODEL_OURS);
    entry.nexthop_object = at("10.60.0.0/16", CONFIG_FIB_METRIC_DEFAULT)->nexthop_object;
    pin.legs[0] = pin.legs[1];
    pin.leg_count = 1;
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, &entry, MODEL_APPEND, NULL), 0);
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, &pin, MODEL_APPEND, NULL), 0);
    run_audit();
    ck_assert_uint_eq(model_count(model, MODEL_OURS), count);
    ck_assert_uint_eq(audit.repaired[DRIFT_STRAY], 2);
    ck_assert_uint_eq(repaired(), 2);
    ck_assert(is_whole());
}
END_TEST

/* The kernel refuses to put in front what stands behind. */
START_TEST(a_second_one_of_ours_in_front_of_the_right_one_gives_way)
{
    struct fib_route entry = *at("10.51.231.0/24", CONFIG_FIB_METRIC_DEFAULT);
    struct fib_route pin = *at("10.51.230.4/32", CONFIG_FIB_METRIC_DEFAULT);
    uint32_t count = model_count(model, MODEL_OURS);
    entry.nexthop_object = 0;
    entry.type = pin.type = FIB_ROUTE_UNREACHABLE;
    pin.leg_count = 0;
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, &entry, MODEL_FIRST, NULL), 0);
    ck_assert_int_eq(model_kernel_route_add(&model->kernel, &pin, MODEL_FIRST, NULL), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), 0);
    run_audit();
    model_wait_ms(model, 1000);
    ck_assert(is_whole());
    ck_assert_uint_eq(model_count(model, MODEL_OURS), count);
}
END_TEST

START_TEST(an_audit_that_is_broken_off_repairs_nothing)
{
    uint32_t operations = model->operations;
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_border(EVENT_KERNEL_DUMP_END, true);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model->operations, operations);
    run_audit();
    ck_assert_uint_eq(repaired(), 0);
}
END_TEST

START_TEST(an_account_of_everything_overtakes_an_audit)
{
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    model_tell_all(model);
    tell_border(EVENT_KERNEL_DUMP_END, false); /* nobody waits for it any more */
    model_wait_ms(model, 100);
    snapshot_fib_audit(model->top->core, &audit);
    ck_assert_uint_eq(repaired(), 0);
    ck_assert_uint_eq(audit.rereads, 1);
    ck_assert(is_whole());
}
END_TEST

static uint32_t requests_of_everything(void)
{
    uint32_t count = 0;
    struct core_action action;
    while (core_take_action(model->top->core, &action)) {
        count += action.kind == ACTION_FIB_REQUEST_DUMP && !action.request_dump.is_audit ? 1 : 0;
        model_act(model, &action);
    }
    return count;
}

START_TEST(routes_of_others_that_do_not_fit_have_everything_read_again)
{
    struct fib_route foreign = {.prefix = prefix_of("198.51.100.0/24"),
                                .metric = 7,
                                .protocol = 4,
                                .type = FIB_ROUTE_UNICAST,
                                .leg_count = 1};
    foreign.legs[0].ifindex = ER1;
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_all();
    tell_border(EVENT_KERNEL_DUMP_END, false);
    ck_assert_uint_eq(requests_of_everything(), 0);
    model_route_put(model, &foreign); /* nobody told */
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_all();
    tell_border(EVENT_KERNEL_DUMP_END, false);
    ck_assert_uint_eq(requests_of_everything(), 1);
    model_tell_all(model);
    lose("198.51.100.0/24", 7); /* nobody told */
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_all();
    tell_border(EVENT_KERNEL_DUMP_END, false);
    ck_assert_uint_eq(requests_of_everything(), 1);
}
END_TEST

/* Lets time pass; how often an audit is asked for. */
static uint32_t audits_within_ms(uint32_t ms)
{
    uint32_t requests = 0;
    for (uint32_t passed = 0; passed < ms; passed += 100) {
        struct core_event event = {.kind = EVENT_TIME};
        struct core_action action;
        model->top->now = mono_add(model->top->now, mono_span_ms(100));
        top_feed(model->top, &event);
        core_work(model->top->core, model->top->now, 100);
        while (core_take_action(model->top->core, &action)) {
            requests += action.kind == ACTION_FIB_REQUEST_DUMP && action.request_dump.is_audit;
        }
    }
    return requests;
}

START_TEST(a_refused_removal_brings_the_next_audit_forward)
{
    struct fib_route stray = *at("10.60.0.0/16", CONFIG_FIB_METRIC_DEFAULT);
    stray.prefix = prefix_of("10.99.0.0/16");
    model_route_put(model, &stray);
    model->fail_routes_with = ENOBUFS;
    run_audit();
    ck_assert_ptr_nonnull(at("10.99.0.0/16", CONFIG_FIB_METRIC_DEFAULT));
    ck_assert_uint_eq(audits_within_ms(2000), 1);
    tell_border(EVENT_KERNEL_DUMP_BEGIN, false);
    tell_border(EVENT_KERNEL_DUMP_END, true); /* that one is broken off */
    ck_assert_uint_eq(audits_within_ms(3000), 1);
    run_audit(); /* refused again: the pauses grow */
    ck_assert_uint_eq(audits_within_ms(3000), 0);
    ck_assert_uint_eq(audits_within_ms(2000), 1);
    model->fail_routes_with = 0;
    run_audit();
    ck_assert_ptr_null(at("10.99.0.0/16", CONFIG_FIB_METRIC_DEFAULT));
    ck_assert_uint_eq(audits_within_ms(10000), 0);
}
END_TEST

START_TEST(the_record_of_drift_is_bounded)
{
    for (uint32_t i = 0; i < 3 * DRIFTS_KEPT; i++) {
        lose("10.51.230.0/23", GUARD_METRIC);
        run_audit();
    }
    ck_assert_uint_eq(audit.drift_count, DRIFTS_KEPT);
    ck_assert_uint_eq(audit.repaired[DRIFT_GUARD], 3 * DRIFTS_KEPT);
    ck_assert(is_whole());
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fib audit");
    TCase *tcase = tcase_create("audit");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, up, down);
    tcase_add_test(tcase, a_kernel_as_it_should_be_is_left_alone);
    tcase_add_test(tcase, what_vanished_without_a_word_is_found);
    tcase_add_test(tcase, objects_that_vanished_come_back_with_their_routes);
    tcase_add_test(tcase, a_changed_object_is_put_right_in_place);
    tcase_add_test(tcase, an_object_changed_by_somebody_is_put_right_at_once);
    tcase_add_test(tcase, what_is_older_than_an_answer_is_no_drift);
    tcase_add_test(tcase, a_route_with_our_mark_that_nobody_wants_is_removed);
    tcase_add_test(tcase, a_second_one_of_ours_behind_the_right_one_is_removed);
    tcase_add_test(tcase, a_second_one_of_ours_in_front_of_the_right_one_gives_way);
    tcase_add_test(tcase, an_audit_that_is_broken_off_repairs_nothing);
    tcase_add_test(tcase, an_account_of_everything_overtakes_an_audit);
    tcase_add_test(tcase, routes_of_others_that_do_not_fit_have_everything_read_again);
    tcase_add_test(tcase, a_refused_removal_brings_the_next_audit_forward);
    tcase_add_test(tcase, the_record_of_drift_is_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
