/* When silence means death, and echo against a real kernel's loopback. */
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/io/probe_judge.h"
#include "bgpd/io/probe_watch.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

static struct probe_judge judge;

static struct mono_time at_ms(int64_t ms)
{
    return (struct mono_time){1000000000 + ms * 1000000};
}

START_TEST(silence_from_the_start_says_nothing)
{
    probe_judge_init(&judge, 0, 0);
    for (int64_t ms = 0; ms < 100000; ms += 100) {
        probe_judge_sent(&judge);
        probe_judge_time(&judge, at_ms(ms));
        ck_assert_int_eq(judge.verdict, PROBE_UNKNOWN);
    }
    ck_assert(mono_is_never(probe_judge_deadline(&judge)));
}
END_TEST

START_TEST(defaults_are_three_times_300_ms)
{
    probe_judge_init(&judge, 0, 0);
    probe_judge_answered(&judge, at_ms(0));
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    ck_assert_int_eq(probe_judge_deadline(&judge).ns, at_ms(900).ns);
}
END_TEST

/* Whatever the settings: the probes sent by then are enough, and not a moment before. */
START_TEST(dead_exactly_after_multiplier_intervals)
{
    static const uint32_t intervals[] = {50, 300, 1000, 60000};
    for (uint32_t multiplier = 1; multiplier <= 7; multiplier++) {
        for (size_t i = 0; i < 4; i++) {
            int64_t dead_ms = (int64_t)intervals[i] * multiplier;
            struct mono_time next = at_ms(0);
            probe_judge_init(&judge, intervals[i], multiplier);
            probe_judge_answered(&judge, at_ms(0));
            while (next = mono_add(next, probe_judge_spacing(&judge)),
                   mono_before(next, at_ms(dead_ms))) {
                probe_judge_sent(&judge);
                probe_judge_time(&judge, next);
                ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
            }
            probe_judge_time(&judge, (struct mono_time){at_ms(dead_ms).ns - 1});
            ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
            probe_judge_time(&judge, at_ms(dead_ms));
            ck_assert_int_eq(judge.verdict, PROBE_DEAD);
        }
    }
}
END_TEST

START_TEST(our_own_pause_is_not_held_against_the_tunnel)
{
    probe_judge_init(&judge, 300, 3);
    probe_judge_answered(&judge, at_ms(0));
    probe_judge_sent(&judge);
    probe_judge_sent(&judge);
    probe_judge_time(&judge, at_ms(60000));
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    probe_judge_sent(&judge);
    probe_judge_time(&judge, at_ms(60001));
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
}
END_TEST

START_TEST(back_to_life_after_as_many_answers_in_a_row)
{
    probe_judge_init(&judge, 300, 3);
    judge.verdict = PROBE_DEAD;
    for (int round = 0; round < 20; round++) { /* two of three answered: not good enough */
        for (int i = 0; i < 3; i++) {
            probe_judge_sent(&judge);
            if (i != 2) {
                probe_judge_answered(&judge, at_ms(round * 900 + i * 300));
            }
            ck_assert_int_eq(judge.verdict, PROBE_DEAD);
        }
    }
    for (int i = 0; i < 4; i++) {
        probe_judge_sent(&judge);
        probe_judge_answered(&judge, at_ms(50000 + i * 300));
    }
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
}
END_TEST

/* ---- Against the kernel ---- */

static int no_socket(void *context, conn_id conn)
{
    (void)context;
    (void)conn;
    return -1;
}

static const struct ack_source no_connections = {NULL, no_socket};

struct heard {
    struct tunnel_fact fact;
    uint32_t count;
};

static void keep_fact(void *context, const struct core_event *event)
{
    struct heard *heard = context;
    heard->fact = event->tunnel_fact;
    heard->count++;
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void run_for(struct ev_loop *loop, double seconds)
{
    struct ev_timer timeout;
    ev_timer_init(&timeout, on_timeout, seconds, 0.);
    ev_now_update(loop);
    ev_timer_start(loop, &timeout);
    ev_run(loop, 0);
}

/* Until the probe says so, at most 10 s. */
static void run_until(struct ev_loop *loop, const struct heard *heard, bool is_alive)
{
    for (int tries = 0; tries < 200; tries++) {
        if (heard->count != 0 && heard->fact.is_known && heard->fact.is_alive == is_alive) {
            return;
        }
        run_for(loop, 0.05);
    }
}

static void set_echo(const char *name, bool is_ignored)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    fputs(is_ignored ? "1" : "0", file);
    fclose(file);
}

static void check_echo(const char *peer, const char *sysctl)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct heard heard = {.count = 0};
    struct evidence_hooks hooks = {&heard, keep_fact};
    struct probe_setup setup = {.tunnel_number = 2, .interface = "lo", .interval_ms = 50};
    ck_assert_int_eq(ip_parse(peer, &setup.peer), STATUS_OK);
    struct probe_watch *watch = probe_watch_new(loop, &hooks, &no_connections, &setup);
    ck_assert_uint_eq(heard.count, 0); /* not from within */
    run_until(loop, &heard, true);
    ck_assert_uint_eq(heard.fact.tunnel_number, 2);
    ck_assert_uint_eq(heard.fact.source, LIVENESS_PROBE);
    ck_assert_msg(heard.fact.is_known && heard.fact.is_alive, "%s", heard.fact.detail);
    set_echo(sysctl, true);
    run_until(loop, &heard, false);
    ck_assert_msg(heard.fact.is_known && !heard.fact.is_alive, "%s", heard.fact.detail);
    set_echo(sysctl, false);
    run_until(loop, &heard, true);
    ck_assert_msg(heard.fact.is_known && heard.fact.is_alive, "%s", heard.fact.detail);
    ck_assert_uint_le(heard.count, 4); /* news only */
    probe_watch_free(watch);
    ev_loop_destroy(loop);
}

START_TEST(echo_that_stops_and_comes_back_is_noticed)
{
    if (namespace_enter()) {
        check_echo("127.0.0.1", "/proc/sys/net/ipv4/icmp_echo_ignore_all");
    }
}
END_TEST

START_TEST(the_same_for_ipv6)
{
    if (namespace_enter() && access("/proc/sys/net/ipv6/icmp/echo_ignore_all", W_OK) == 0) {
        check_echo("::1", "/proc/sys/net/ipv6/icmp/echo_ignore_all");
    }
}
END_TEST

static void check_unknown(const char *interface, const char *peer)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct heard heard = {.count = 0};
    struct evidence_hooks hooks = {&heard, keep_fact};
    struct probe_setup setup = {.tunnel_number = 1, .interval_ms = 50};
    snprintf(setup.interface, sizeof setup.interface, "%s", interface);
    ck_assert(peer == NULL || ip_parse(peer, &setup.peer) == STATUS_OK);
    struct probe_watch *watch = probe_watch_new(loop, &hooks, &no_connections, &setup);
    run_for(loop, 0.4);
    ck_assert_uint_ge(heard.count, 1);
    ck_assert(!heard.fact.is_known && !heard.fact.is_alive);
    ck_assert_int_ne(heard.fact.detail[0], 0);
    probe_watch_free(watch);
    ev_loop_destroy(loop);
}

START_TEST(what_was_never_answered_cannot_tell)
{
    if (!namespace_enter()) {
        return;
    }
    set_echo("/proc/sys/net/ipv4/icmp_echo_ignore_all", true);
    check_unknown("lo", "127.0.0.1");
    check_unknown("absent0", "127.0.0.1");
    check_unknown("lo", NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/probe");
    TCase *tests = tcase_create("probes");
    tcase_add_test(tests, silence_from_the_start_says_nothing);
    tcase_add_test(tests, defaults_are_three_times_300_ms);
    tcase_add_test(tests, dead_exactly_after_multiplier_intervals);
    tcase_add_test(tests, our_own_pause_is_not_held_against_the_tunnel);
    tcase_add_test(tests, back_to_life_after_as_many_answers_in_a_row);
    tcase_add_test(tests, echo_that_stops_and_comes_back_is_noticed);
    tcase_add_test(tests, the_same_for_ipv6);
    tcase_add_test(tests, what_was_never_answered_cannot_tell);
    suite_add_tcase(suite, tests);
    return suite;
}
