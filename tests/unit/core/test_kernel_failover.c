/* Failover and protection through the boundary: whatever dies in whatever order, a packet to a
 * protected destination leaves through a tunnel or nowhere, and what can move has moved. */
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

START_TEST(mission_stands)
{
    struct model *model = mission_up(1);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.200"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.5"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.12"), WAY(IPSEC0));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.13"), WAY(IPSEC1));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(pins_are_plain_routes)
{
    struct model *model = mission_up(2);
    struct ip_addr addr = addr_of("10.51.230.4");
    const struct fib_route *pin = model_lookup(model, &addr);
    ck_assert_uint_eq(pin->prefix.len_bits, 32);
    ck_assert_uint_eq(pin->nexthop_object, 0);
    ck_assert_uint_eq(pin->leg_count, 2);
    ck_assert(ip_equal(&pin->preferred_source, &model->kernel.links[LO].addrs[0].addr));
    model_free(model);
}
END_TEST

START_TEST(guard_comes_first_and_before_the_dump)
{
    struct model *model = model_new(3);
    model_configure(model, mission_config());
    ck_assert_uint_eq(model->operations, 1);
    struct ip_addr addr = addr_of("10.51.231.1");
    const struct fib_route *guard = model_lookup(model, &addr);
    ck_assert_ptr_nonnull(guard);
    ck_assert_uint_eq(guard->type, FIB_ROUTE_UNREACHABLE);
    ck_assert_uint_ge(guard->metric, 4294967000u);
    model_free(model);
}
END_TEST

START_TEST(dead_sa_moves_all_with_few_messages)
{
    struct model *model = mission_up(4);
    uint32_t routes_before = model->route_operations;
    model->is_holding = true;
    mission_sa(model, 1, false);
    struct core_action action;
    /* The very first word to the kernel is the replacement. */
    while (core_take_action(model->top->core, &action) && action.kind == ACTION_LOG) {
    }
    ck_assert_int_eq(action.kind, ACTION_FIB_NEXTHOP);
    ck_assert(action.fib_nexthop.is_urgent);
    model_act(model, &action);
    model_do_one(model);
    ck_assert_uint_eq(model->route_operations, routes_before);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    model->is_holding = false;
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    mission_sa(model, 1, true);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(both_tunnels_dead_blocks)
{
    struct model *model = mission_up(5);
    mission_sa(model, 1, false);
    mission_sa(model, 2, false);
    model_wait_ms(model, 5000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.10"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model->leaks, 0);
    mission_sa(model, 2, true);
    model_wait_ms(model, 5000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    model_free(model);
}
END_TEST

START_TEST(silent_link_moves_pins_by_bfd)
{
    struct model *model = mission_up(6);
    mission_bfd(model, "172.16.0.2", true);
    mission_bfd(model, "172.16.0.2", false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
    model_free(model);
}
END_TEST

START_TEST(a_new_session_proves_the_way_that_bfd_gave_up)
{
    struct model *model = mission_up(6);
    mission_bfd(model, "172.16.0.2", true);
    mission_bfd(model, "172.16.0.2", false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
    /* The far end is back without BFD: its daemon was started anew, say. */
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1) | WAY(ER2));
    mission_bfd(model, "172.16.0.2", true);
    mission_bfd(model, "172.16.0.2", false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER2));
    model_free(model);
}
END_TEST

/* Whoever waits for the teardown of a session waits for milliseconds of walking its routes. */
START_TEST(bfd_down_is_told_to_the_kernel_before_the_session_is_torn_down)
{
    struct model *model = mission_up(12);
    struct core_action action;
    uint32_t words_to_kernel = 0;
    bool is_told = false;
    conn_id session = far_end_of(model->top, "172.16.0.2")->conn;
    mission_bfd(model, "172.16.0.2", true);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    model->is_holding = true;
    mission_bfd(model, "172.16.0.2", false);
    while (core_take_action(model->top->core, &action)) {
        if (action.kind == ACTION_FIB_NEXTHOP) {
            ck_assert(words_to_kernel != 0 || action.fib_nexthop.is_urgent);
            words_to_kernel++;
        }
        if ((action.kind == ACTION_SEND && action.send.conn == session) ||
            (action.kind == ACTION_CLOSE && action.close.conn == session)) {
            ck_assert_uint_ne(words_to_kernel, 0);
            is_told = true;
        }
        model_act(model, &action);
    }
    ck_assert(is_told); /* Cease, BFD Down, in the same turn */
    model->is_holding = false;
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(carrier_loss_is_repaired)
{
    struct model *model = mission_up(7);
    model_link_set(model, ER1, false);
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER2));
    model_link_set(model, ER2, false);
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_link_set(model, ER1, true);
    model_wait_ms(model, 200000);
    mission_announce(model, "172.16.0.2");
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1));
    model_free(model);
}
END_TEST

/* A destination becomes protected, and before it is decided again its tunnels die: the backup of
 * its old group is in the clear. */
START_TEST(backup_from_before_a_protection_is_not_used)
{
    struct model *model = mission_up(48);
    far_announce(model->top, far_end_of(model->top, "10.51.230.12"), "10.60.0.0/16");
    far_announce(model->top, far_end_of(model->top, "10.51.230.13"), "10.60.0.0/16");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(IPSEC0) | WAY(IPSEC1));
    struct config *config = mission_config();
    struct protection_def *protections = arena_alloc(&config->arena, 2 * sizeof *protections);
    protections[0] = config->protections[0];
    protections[1] = protections[0];
    protections[1].prefix = prefix_of("10.60.0.0/16");
    config->protections = protections;
    config->protection_count = 2;
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    top_feed(model->top, &event);
    model->guarded[model->guarded_count++] = addr_of("10.60.1.1");
    mission_sa(model, 1, false);
    mission_sa(model, 2, false);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model->leaks, 0);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), 0);
    mission_sa(model, 1, true);
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(IPSEC0));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

/* One unprotected prefix by ER1, with the longer path by ER2 as its backup. */
static struct model *mission_with_backup(uint64_t seed, bool refuses_resilient)
{
    static const uint32_t longer[] = {12076, 12076, 12076};
    struct far_attrs wish = {.asns = longer, .asn_count = 3};
    struct model *model = model_new(seed);
    model->refuses_resilient = refuses_resilient;
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    far_announce(model->top, far_end_of(model->top, "172.16.0.2"), "12.0.0.0/16");
    far_announce_with(model->top, far_end_of(model->top, "172.16.0.6"), "12.0.0.0/16", &wish);
    model_wait_ms(model, 2000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER1));
    return model;
}

START_TEST(carrier_loss_leaves_the_backup_before_we_hear_of_it)
{
    struct model *model = mission_with_backup(17, false);
    model_kernel_set_up(&model->kernel, ER1,
                        false); /* the kernel alone: nobody has told the core */
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER2));
    uint32_t routes = model->route_operations;
    model_feed_link(model, ER1);
    model_carry_out(model);
    ck_assert_uint_eq(model->route_operations, routes);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER2));
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER2));
    model_link_set(model, ER1, true);
    model_wait_ms(model, 200000);
    far_announce(model->top, far_end_of(model->top, "172.16.0.2"), "12.0.0.0/16");
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER1));
    model_free(model);
}
END_TEST

/* The tunnels' device is gone and the clear link announces the prefix too: the step into the clear
 * is ours to decide, the kernel alone does not take it. */
START_TEST(no_carrier_loss_moves_packets_into_the_clear)
{
    struct model *model = model_new(19);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    far_announce(model->top, far_end_of(model->top, "10.51.230.12"), "12.0.0.0/16");
    far_announce(model->top, far_end_of(model->top, "172.16.0.2"), "12.0.0.0/16");
    model_wait_ms(model, 2000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(IPSEC0));
    model_kernel_set_up(&model->kernel, IPSEC0, false);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), 0);
    model_link_set(model, IPSEC0, false);
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER1));
    model_free(model);
}
END_TEST

START_TEST(a_kernel_without_resilient_groups_moves_when_told)
{
    struct model *model = mission_with_backup(18, true);
    model_link_set(model, ER1, false);
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "12.0.0.1"), WAY(ER2));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(tunnel_device_vanishes)
{
    struct model *model = mission_up(8);
    model_link_vanish(model, IPSEC0);
    model_wait_ms(model, 3000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(IPSEC1));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.12"), 0);
    /* Not even where somebody else's route would take it. */
    struct fib_route route = {.prefix = prefix_of("10.51.230.0/28"),
                              .protocol = 4,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0].ifindex = ER1;
    model_foreign(model, &route, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.12"), 0);
    model_free(model);
}
END_TEST

START_TEST(withdrawn_everywhere_leaves_the_guard)
{
    struct model *model = mission_up(9);
    far_withdraw(model->top, far_end_of(model->top, "10.51.230.12"), "10.51.231.0/24");
    far_withdraw(model->top, far_end_of(model->top, "10.51.230.13"), "10.51.231.0/24");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    /* A clear path that is there does not take its place, nor a clear more-specific. */
    far_announce(model->top, far_end_of(model->top, "172.16.0.2"), "10.51.231.0/25");
    model_wait_ms(model, 1000);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

START_TEST(pin_follows_paths_that_are_not_used)
{
    struct model *model = mission_up(10);
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.2"), "10.51.230.0/24");
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER2));
    far_announce(model->top, far_end_of(model->top, "172.16.0.2"), "10.51.230.0/25");
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.4"), WAY(ER1));
    model_free(model);
}
END_TEST

START_TEST(no_underlay_is_unreachable_not_a_circle)
{
    struct model *model = mission_up(11);
    far_close(model->top, far_end_of(model->top, "172.16.0.2"));
    far_end_of(model->top, "172.16.0.2")->refuses_connects = true;
    far_close(model->top, far_end_of(model->top, "172.16.0.6"));
    far_end_of(model->top, "172.16.0.6")->refuses_connects = true;
    model_wait_ms(model, 1000);
    struct ip_addr addr = addr_of("10.51.230.4");
    const struct fib_route *pin = model_lookup(model, &addr);
    ck_assert_uint_eq(pin->prefix.len_bits, 32);
    ck_assert_uint_eq(pin->type, FIB_ROUTE_UNREACHABLE);
    model_free(model);
}
END_TEST

/* ---- The stopwatch ---- */

static struct mono_time ms_later(struct mono_time time, int64_t ms)
{
    return mono_add(time, mono_span_ms(ms));
}

/* Carries out what is queued as a kernel that takes its time. */
static void answer_slowly(struct model *model, int64_t decide_ms, int64_t program_ms)
{
    struct table_top *top = model->top;
    struct core_action action;
    while (core_take_action(top->core, &action)) {
        model_act(model, &action);
    }
    struct mono_time told = ms_later(top->now, decide_ms);
    struct mono_time done = ms_later(told, program_ms);
    top->now = ms_later(done, 1);
    while (model->queue_count != 0) {
        model_take(model, model_next(model), &action);
        struct core_event event = {.kind = EVENT_FIB_RESULT};
        bool is_route = action.kind == ACTION_FIB_ROUTE;
        event.fib_result.operation =
            is_route ? action.fib_route.operation : action.fib_nexthop.operation;
        event.fib_result.error = is_route ? model_do_route(model, &action.fib_route)
                                          : model_do_nexthop(model, &action.fib_nexthop);
        event.fib_result.told = told;
        event.fib_result.done = done;
        top_feed(top, &event);
    }
}

static int64_t ms_between(struct mono_time earlier, struct mono_time later)
{
    return mono_span_to_ms(mono_between(earlier, later));
}

START_TEST(a_failover_is_timed_as_detect_decide_program_confirmed)
{
    struct model *model = mission_up(30);
    struct table_top *top = model->top;
    uint32_t before = snapshot_failover_total(top->core);
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact = (struct tunnel_fact){
        .tunnel_number = 1, .source = LIVENESS_XFRM, .is_known = true, .is_alive = false};
    struct mono_time seen = top->now;
    top->now = ms_later(seen, 5);
    model->is_holding = true;
    core_feed_seen(top->core, top->now, seen, &event);
    answer_slowly(model, 2, 7);
    struct failover_record record;
    ck_assert_uint_eq(snapshot_failover_total(top->core), before + 1);
    ck_assert(snapshot_failover(top->core, 0, &record));
    ck_assert_ptr_nonnull(strstr(record.cause, "tunnel ipsec0 down, says its xfrm"));
    ck_assert_int_eq(ms_between(record.seen, record.began), 5);
    ck_assert_int_eq(ms_between(record.began, record.told), 2);
    ck_assert_int_eq(ms_between(record.told, record.programmed), 7);
    ck_assert_int_eq(ms_between(record.programmed, record.confirmed), 1);
    ck_assert_uint_eq(record.group_count, 1);
    ck_assert_uint_eq(record.destination_count, 2);
    ck_assert_uint_eq(record.discarding_count, 0);
    model_free(model);
}
END_TEST

START_TEST(a_failover_that_ends_nowhere_says_so_and_pins_count)
{
    struct model *model = mission_up(31);
    struct failover_record record;
    mission_sa(model, 1, false);
    model_settle(model);
    mission_sa(model, 2, false);
    model_settle(model);
    ck_assert(snapshot_failover(model->top->core, 0, &record));
    ck_assert_uint_eq(record.discarding_count, record.group_count);
    mission_bfd(model, "172.16.0.2", true);
    mission_bfd(model, "172.16.0.2", false);
    model_settle(model);
    ck_assert(snapshot_failover(model->top->core, 0, &record));
    ck_assert_ptr_nonnull(strstr(record.cause, "172.16.0.2 down, says BFD"));
    ck_assert_uint_eq(record.route_count, 2); /* the pins of both endpoints */
    model_free(model);
}
END_TEST

START_TEST(the_history_keeps_the_last_failovers_only)
{
    struct model *model = mission_up(32);
    struct failover_record record;
    for (int i = 0; i < 100; i++) {
        mission_sa(model, 1, false);
        model_wait_ms(model, 10);
        mission_sa(model, 1, true);
        model_wait_ms(model, 10);
    }
    ck_assert_uint_ge(snapshot_failover_total(model->top->core), 100);
    ck_assert(snapshot_failover(model->top->core, 63, &record));
    ck_assert_ptr_nonnull(strstr(record.cause, "ipsec0"));
    ck_assert(!snapshot_failover(model->top->core, 64, &record));
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}
END_TEST

/* ---- All orders ---- */

#define EVENTS 6

static void do_event(struct model *model, unsigned number)
{
    switch (number) {
    case 0:
        mission_sa(model, 1, false);
        break;
    case 1:
        model_link_set(model, IPSEC1, false);
        break;
    case 2:
        model_link_set(model, ER1, false);
        break;
    case 3:
        mission_bfd(model, "172.16.0.6", false);
        break;
    case 4:
        if (far_end_of(model->top, "10.51.230.12")->conn != 0) {
            far_close(model->top, far_end_of(model->top, "10.51.230.12"));
        }
        break;
    default:
        mission_sa(model, 1, true);
        model_link_set(model, IPSEC1, true);
        break;
    }
    model_check(model);
}

/* The number's digits in the factorial system pick the order. */
static void order_of(unsigned number, unsigned order_out[EVENTS])
{
    bool is_used[EVENTS] = {false};
    for (unsigned i = 0; i < EVENTS; i++) {
        unsigned skip = number % (EVENTS - i);
        number /= EVENTS - i;
        for (unsigned k = 0; k < EVENTS; k++) {
            if (!is_used[k] && skip-- == 0) {
                order_out[i] = k;
                is_used[k] = true;
                break;
            }
        }
    }
}

START_TEST(no_order_of_faults_leaks)
{
    for (unsigned number = 0; number < 720; number++) {
        struct model *model = mission_up(number);
        unsigned order[EVENTS];
        order_of(number, order);
        for (unsigned i = 0; i < EVENTS; i++) {
            do_event(model, order[i]);
            /* Sometimes the next fault comes while the kernel still works on the last one. */
            model->is_holding = (number + i) % 3 == 0;
            model_settle(model);
            for (unsigned k = 0; model->is_holding && k < 2 && model->queue_count != 0; k++) {
                model_do_one(model);
            }
        }
        model->is_holding = false;
        model_wait_ms(model, 2000);
        ck_assert_msg(model->leaks == 0, "order %u leaks %u times", number, model->leaks);
        uint32_t ways = model_ways_to(model, "10.51.231.10");
        ck_assert_msg((ways & ~(WAY(IPSEC0) | WAY(IPSEC1))) == 0, "order %u", number);
        model_free(model);
    }
}
END_TEST

START_TEST(planted_leak_rings)
{
    struct model *model = mission_up(12);
    struct fib_route route = {.prefix = prefix_of("10.51.231.0/25"),
                              .protocol = 3,
                              .type = FIB_ROUTE_UNICAST,
                              .leg_count = 1};
    route.legs[0].ifindex = ER1;
    model_foreign(model, &route, false);
    model_check(model);
    model_settle(model);
    ck_assert_uint_ne(model->leaks, 0);
    ck_assert_uint_ne(model->top->log_total[LOG_PROTECTION], 0);
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernel failover");
    TCase *tcase = tcase_create("failover");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, mission_stands);
    tcase_add_test(tcase, pins_are_plain_routes);
    tcase_add_test(tcase, guard_comes_first_and_before_the_dump);
    tcase_add_test(tcase, dead_sa_moves_all_with_few_messages);
    tcase_add_test(tcase, both_tunnels_dead_blocks);
    tcase_add_test(tcase, silent_link_moves_pins_by_bfd);
    tcase_add_test(tcase, a_new_session_proves_the_way_that_bfd_gave_up);
    tcase_add_test(tcase, bfd_down_is_told_to_the_kernel_before_the_session_is_torn_down);
    tcase_add_test(tcase, carrier_loss_is_repaired);
    tcase_add_test(tcase, backup_from_before_a_protection_is_not_used);
    tcase_add_test(tcase, carrier_loss_leaves_the_backup_before_we_hear_of_it);
    tcase_add_test(tcase, no_carrier_loss_moves_packets_into_the_clear);
    tcase_add_test(tcase, a_kernel_without_resilient_groups_moves_when_told);
    tcase_add_test(tcase, tunnel_device_vanishes);
    tcase_add_test(tcase, withdrawn_everywhere_leaves_the_guard);
    tcase_add_test(tcase, pin_follows_paths_that_are_not_used);
    tcase_add_test(tcase, no_underlay_is_unreachable_not_a_circle);
    tcase_add_test(tcase, no_order_of_faults_leaks);
    tcase_add_test(tcase, planted_leak_rings);
    tcase_add_test(tcase, a_failover_is_timed_as_detect_decide_program_confirmed);
    tcase_add_test(tcase, a_failover_that_ends_nowhere_says_so_and_pins_count);
    tcase_add_test(tcase, the_history_keeps_the_last_failovers_only);
    suite_add_tcase(suite, tcase);
    return suite;
}
