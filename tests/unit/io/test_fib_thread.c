/* The FIB thread against a real kernel, in a namespace of its own: operations arrive, errors come
 * back with their operation, urgent ones overtake, and the monitor tells the truth. Without the
 * privilege for a namespace only the dry run is tested. */
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/io/fib_thread.h"
#include "bgpd/io/netlink_monitor.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

static void wake_nobody(void *context)
{
    (void)context;
}

static struct fib_route_action blackhole(uint32_t operation, uint32_t host, bool is_delete)
{
    struct fib_route_action action = {.operation = operation, .is_delete = is_delete};
    struct ip_addr addr = ip_from_v4(host);
    action.route.prefix = prefix_host(&addr);
    action.route.table = 254;
    action.route.metric = 20;
    action.route.protocol = 165;
    action.route.type = FIB_ROUTE_BLACKHOLE;
    return action;
}

static struct fib_nexthop_action hole_object(uint32_t operation, uint32_t id, bool is_urgent)
{
    return (struct fib_nexthop_action){
        .operation = operation,
        .is_urgent = is_urgent,
        .nexthop = {.id = id, .family = IP_V4, .is_blackhole = true},
    };
}

/* Drains the thread and counts failures; every operation 1..count must have been answered once. */
static uint32_t answers(struct fib_thread *thread, uint32_t count, int *errors_out)
{
    uint8_t *seen = calloc(count + 1, 1);
    struct fib_result results[64];
    uint32_t total = 0;
    ck_assert_ptr_nonnull(seen);
    ck_assert(fib_thread_drain(thread, 10000));
    for (size_t got; (got = fib_thread_take_results(thread, results, 64)) != 0;) {
        for (size_t i = 0; i < got; i++) {
            ck_assert_uint_ge(results[i].operation, 1);
            ck_assert_uint_le(results[i].operation, count);
            ck_assert_uint_eq(seen[results[i].operation], 0);
            seen[results[i].operation] = 1;
            if (errors_out != NULL) {
                errors_out[results[i].operation] = results[i].error;
            }
        }
        total += (uint32_t)got;
    }
    free(seen);
    return total;
}

START_TEST(dry_thread_answers_everything)
{
    struct fib_thread *thread = fib_thread_new(wake_nobody, NULL, true);
    ck_assert_ptr_nonnull(thread);
    for (uint32_t i = 1; i <= 1000; i++) {
        struct fib_route_action action = blackhole(i, 0x0a000000 + i, false);
        fib_thread_put_route(thread, &action);
    }
    ck_assert_uint_eq(answers(thread, 1000, NULL), 1000);
    fib_thread_free(thread);
}
END_TEST

START_TEST(every_operation_is_answered_with_its_own_result)
{
    if (!namespace_enter()) {
        return;
    }
    enum { COUNT = 3000 };
    static int errors[COUNT + 1];
    struct fib_thread *thread = fib_thread_new(wake_nobody, NULL, false);
    ck_assert_ptr_nonnull(thread);
    for (uint32_t i = 1; i <= COUNT; i++) {
        /* Every tenth one deletes what was never there. */
        struct fib_route_action action = blackhole(i, 0x0a000000 + i, i % 10 == 0);
        fib_thread_put_route(thread, &action);
        if (i % 700 == 0) {
            fib_thread_kick(thread);
        }
    }
    ck_assert_uint_eq(answers(thread, COUNT, errors), COUNT);
    for (uint32_t i = 1; i <= COUNT; i++) {
        ck_assert_int_eq(errors[i], i % 10 == 0 ? ESRCH : 0);
    }
    fib_thread_free(thread);
}
END_TEST

START_TEST(an_urgent_operation_voids_older_ones_of_its_object)
{
    if (!namespace_enter()) {
        return;
    }
    static int errors[8];
    struct fib_thread *thread = fib_thread_new(wake_nobody, NULL, false);
    ck_assert_ptr_nonnull(thread);
    struct fib_nexthop_action old = hole_object(1, 77, false);
    old.is_delete = true; /* would remove what the urgent one makes */
    fib_thread_put_nexthop(thread, &old);
    struct fib_nexthop_action urgent = hole_object(2, 77, true);
    fib_thread_put_nexthop(thread, &urgent);
    ck_assert_uint_eq(answers(thread, 2, errors), 2);
    ck_assert_int_eq(errors[1], 0);
    ck_assert_int_eq(errors[2], 0);
    struct fib_route_action route = blackhole(3, 0x0a000001, false);
    route.route.type = FIB_ROUTE_UNICAST;
    route.route.nexthop_object = 77;
    fib_thread_put_route(thread, &route);
    ck_assert_uint_eq(answers(thread, 3, errors), 1);
    ck_assert_int_eq(errors[3], 0); /* the object is there */
    fib_thread_free(thread);
}
END_TEST

struct account {
    struct ev_loop *loop;
    uint32_t our_routes;
    uint32_t links;
    uint32_t ends;
    uint32_t removed;
};

static void count_event(void *context, const struct core_event *event)
{
    struct account *account = context;
    if (event->kind == EVENT_KERNEL_ROUTE && event->kernel_route.route.protocol == 165) {
        account->our_routes += !event->kernel_route.is_removed;
        account->removed += event->kernel_route.is_removed;
        if (event->kernel_route.is_removed) {
            ev_break(account->loop, EVBREAK_ALL);
        }
    }
    account->links += event->kind == EVENT_LINK;
    if (event->kind == EVENT_KERNEL_DUMP_END) {
        account->ends++;
        ev_break(account->loop, EVBREAK_ALL);
    }
}

static void give_up(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

START_TEST(monitor_tells_the_whole_state_then_changes_by_others)
{
    if (!namespace_enter()) {
        return;
    }
    struct account account = {.loop = ev_loop_new(EVFLAG_AUTO)};
    struct netlink_hooks hooks = {&account, count_event};
    struct log_sink *log = log_sink_new();
    struct fib_thread *thread = fib_thread_new(wake_nobody, NULL, false);
    struct fib_thread *other = fib_thread_new(wake_nobody, NULL, false);
    struct netlink_monitor *monitor =
        netlink_monitor_new(account.loop, &hooks, log, fib_thread_port(thread));
    ck_assert_ptr_nonnull(monitor);
    for (uint32_t i = 1; i <= 500; i++) {
        struct fib_route_action action = blackhole(i, 0x0a000000 + i, false);
        fib_thread_put_route(thread, &action);
    }
    ck_assert(fib_thread_drain(thread, 5000));
    struct ev_timer timeout;
    ev_timer_init(&timeout, give_up, 5., 0.);
    ev_timer_start(account.loop, &timeout);
    netlink_monitor_dump(monitor);
    ev_run(account.loop, 0);
    ck_assert_uint_eq(account.ends, 1);
    ck_assert_uint_eq(account.our_routes, 500); /* from the dump; echoes are filtered */
    ck_assert_uint_ge(account.links, 1);
    struct fib_route_action theirs = blackhole(1, 0x0a000001, true);
    fib_thread_put_route(other, &theirs);
    fib_thread_kick(other);
    ev_run(account.loop, 0);
    ck_assert_uint_eq(account.removed, 1);
    netlink_monitor_free(monitor);
    fib_thread_free(thread);
    fib_thread_free(other);
    log_sink_free(log);
    ev_loop_destroy(account.loop);
}
END_TEST

/* What an audit and an account are made of, and what comes while they are given. */
struct audit_account {
    struct ev_loop *loop;
    struct netlink_monitor *monitor;
    struct fib_thread *other;
    bool dumps_in_between; /* asks for an account of everything inside the audit */
    uint32_t audit_begins;
    uint32_t audit_ends;
    uint32_t full_begins;
    uint32_t full_ends;
    uint32_t rows; /* of the account under way */
    uint32_t rows_of_full;
    uint32_t links_in_audit;
    uint32_t removed_in_audit; /* told by notification before the end of the audit */
    bool is_audit;
};

static void audit_event(void *context, const struct core_event *event)
{
    struct audit_account *account = context;
    switch (event->kind) {
    case EVENT_KERNEL_DUMP_BEGIN:
        account->is_audit = event->dump.is_audit;
        account->rows = 0;
        *(event->dump.is_audit ? &account->audit_begins : &account->full_begins) += 1;
        return;
    case EVENT_KERNEL_DUMP_END:
        ck_assert(!event->dump.is_broken_off);
        *(event->dump.is_audit ? &account->audit_ends : &account->full_ends) += 1;
        account->rows_of_full = event->dump.is_audit ? account->rows_of_full : account->rows;
        ev_break(account->loop, EVBREAK_ALL);
        return;
    case EVENT_LINK:
        account->links_in_audit += account->is_audit;
        return;
    case EVENT_KERNEL_ROUTE:
        account->rows += event->kernel_route.is_from_dump;
        if (event->kernel_route.is_removed && account->is_audit && account->audit_ends == 0) {
            account->removed_in_audit++;
        }
        break;
    default:
        return;
    }
    if (account->rows == 1000 && account->is_audit) {
        struct fib_route_action theirs = blackhole(1, 0x0a000000 + 3, true);
        fib_thread_put_route(account->other, &theirs);
        ck_assert(fib_thread_drain(account->other, 5000));
        if (account->dumps_in_between) {
            netlink_monitor_dump(account->monitor);
        }
    }
}

static void run_audit(struct audit_account *account, uint32_t count)
{
    struct netlink_hooks hooks = {account, audit_event};
    struct log_sink *log = log_sink_new();
    struct fib_thread *thread = fib_thread_new(wake_nobody, NULL, false);
    struct ev_timer timeout;
    account->loop = ev_loop_new(EVFLAG_AUTO);
    account->other = fib_thread_new(wake_nobody, NULL, false);
    account->monitor = netlink_monitor_new(account->loop, &hooks, log, fib_thread_port(thread));
    ck_assert_ptr_nonnull(account->monitor);
    for (uint32_t i = 1; i <= count; i++) {
        struct fib_route_action action = blackhole(i, 0x0a000000 + i, false);
        fib_thread_put_route(thread, &action);
    }
    ck_assert(fib_thread_drain(thread, 5000));
    ev_timer_init(&timeout, give_up, 10., 0.);
    ev_timer_start(account->loop, &timeout);
    netlink_monitor_dump(account->monitor);
    ev_run(account->loop, 0);
    ck_assert_uint_eq(account->full_ends, 1);
    ck_assert_uint_eq(account->rows_of_full, count);
    netlink_monitor_audit(account->monitor);
    netlink_monitor_audit(account->monitor); /* one at a time */
    ev_run(account->loop, 0);
    netlink_monitor_free(account->monitor);
    fib_thread_free(thread);
    fib_thread_free(account->other);
    log_sink_free(log);
    ev_loop_destroy(account->loop);
}

START_TEST(an_audit_tells_routes_while_changes_are_told_as_ever)
{
    if (!namespace_enter()) {
        return;
    }
    struct audit_account account = {0};
    run_audit(&account, 20000);
    ck_assert_uint_eq(account.audit_begins, 1);
    ck_assert_uint_eq(account.audit_ends, 1);
    ck_assert_uint_ge(account.rows, 19999);
    ck_assert_uint_eq(account.links_in_audit, 0);
    ck_assert_uint_eq(account.removed_in_audit, 1); /* long before its end */
}
END_TEST

START_TEST(an_account_of_everything_breaks_an_audit_off_and_is_whole)
{
    if (!namespace_enter()) {
        return;
    }
    struct audit_account account = {.dumps_in_between = true};
    run_audit(&account, 20000);
    ck_assert_uint_eq(account.audit_begins, 1);
    ck_assert_uint_eq(account.audit_ends, 0);
    ck_assert_uint_eq(account.full_ends, 2);
    ck_assert_uint_eq(account.rows_of_full, 19999);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fib_thread");
    TCase *tcase = tcase_create("kernel");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, dry_thread_answers_everything);
    tcase_add_test(tcase, every_operation_is_answered_with_its_own_result);
    tcase_add_test(tcase, an_urgent_operation_voids_older_ones_of_its_object);
    tcase_add_test(tcase, monitor_tells_the_whole_state_then_changes_by_others);
    tcase_add_test(tcase, an_audit_tells_routes_while_changes_are_told_as_ever);
    tcase_add_test(tcase, an_account_of_everything_breaks_an_audit_off_and_is_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}
