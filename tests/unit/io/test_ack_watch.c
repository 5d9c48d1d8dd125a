/* A tunnel judged by acknowledgements: the rule with readings made up, and the kernel's own with a
 * far end that drops echo and then drops everything. */
#include <ev.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "bgpd/io/clock.h"
#include "bgpd/io/probe_watch.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

#define CONN 7u

/* ---- The rule ---- */

static struct ack_judge judge;

static struct mono_time at_ms(int64_t ms)
{
    return (struct mono_time){1000000000000 + ms * 1000000};
}

static void look(int64_t ms, uint64_t acked, uint32_t waiting, uint32_t repeats, uint32_t sent_ago)
{
    struct ack_reading reading = {.acked_bytes = acked,
                                  .waiting = waiting,
                                  .repeats = repeats,
                                  .since_sent_ms = sent_ago,
                                  .round_trip_us = 20000};
    ack_judge_look(&judge, CONN, &reading, at_ms(ms));
}

START_TEST(a_session_that_stands_is_alive_at_the_first_look)
{
    ack_judge_init(&judge, 0, 0);
    ck_assert_int_eq(judge.verdict, PROBE_UNKNOWN);
    look(0, 100, 0, 0, 10);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    ck_assert(mono_is_never(ack_judge_deadline(&judge)));
}
END_TEST

START_TEST(dead_exactly_when_the_patience_is_over)
{
    ack_judge_init(&judge, 300, 3);
    look(0, 100, 0, 0, 10);
    look(1000, 100, 1, 0, 60); /* was sent at 940 */
    ck_assert_int_eq(ack_judge_deadline(&judge).ns, at_ms(1840).ns);
    look(1300, 100, 1, 1, 100);
    look(1839, 100, 1, 2, 100);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    look(1840, 100, 1, 2, 101);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
}
END_TEST

START_TEST(every_acknowledgement_starts_the_wait_anew)
{
    ack_judge_init(&judge, 300, 3);
    look(0, 100, 0, 0, 0);
    for (int64_t ms = 300; ms < 60000; ms += 300) { /* a full pipe that moves on */
        look(ms, 100 + (uint64_t)ms, 50, (uint32_t)ms / 300, 1);
        ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    }
}
END_TEST

START_TEST(what_was_sent_only_once_condemns_nobody)
{
    ack_judge_init(&judge, 50, 2);
    look(0, 100, 0, 0, 0);
    look(50, 100, 1, 0, 0);
    look(1000, 100, 1, 0, 950);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    look(1001, 100, 1, 1, 0);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
}
END_TEST

START_TEST(a_slow_line_gets_four_round_trips)
{
    struct ack_reading reading = {100, 1, 0, 0, 500000};
    ack_judge_init(&judge, 50, 2);
    ack_judge_look(&judge, CONN, &reading, at_ms(0));
    reading.repeats = 2;
    ack_judge_look(&judge, CONN, &reading, at_ms(1999));
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
    ack_judge_look(&judge, CONN, &reading, at_ms(2000));
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
}
END_TEST

static void die(void)
{
    ack_judge_init(&judge, 300, 3);
    look(0, 100, 0, 0, 0);
    look(100, 100, 1, 0, 0);
    look(1100, 100, 1, 3, 0);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
}

START_TEST(back_to_life_after_two_acknowledgements_patience_apart)
{
    die();
    look(5000, 119, 0, 9, 0);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
    look(5800, 138, 0, 9, 0);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
    look(7000, 138, 0, 9, 0); /* nothing new */
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
    look(7100, 157, 0, 9, 0);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
}
END_TEST

START_TEST(a_relapse_starts_the_proof_anew)
{
    die();
    look(5000, 119, 0, 9, 0);
    look(5100, 119, 1, 9, 0);
    look(6100, 119, 1, 12, 0); /* overdue again */
    look(6200, 138, 0, 12, 0);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
    look(7200, 157, 0, 12, 0);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
}
END_TEST

START_TEST(without_a_session_nothing_is_known_but_the_dead_stay_dead)
{
    ack_judge_init(&judge, 300, 3);
    look(0, 100, 0, 0, 0);
    ack_judge_no_session(&judge);
    ck_assert_int_eq(judge.verdict, PROBE_UNKNOWN);
    die();
    ack_judge_no_session(&judge);
    ck_assert_int_eq(judge.verdict, PROBE_DEAD);
    look(9000, 40, 0, 0, 0); /* another connection, counted from its own beginning */
    look(10000, 59, 0, 0, 0);
    ck_assert_int_eq(judge.verdict, PROBE_ALIVE);
}
END_TEST

/* ---- The kernel ---- */

struct bench {
    struct ev_loop *loop;
    struct tunnel_fact fact;
    uint32_t count;
    int ours;
    int theirs;
    struct ev_timer talk;
    struct probe_watch *watch;
};

static struct bench bench;

static void keep_fact(void *context, const struct core_event *event)
{
    (void)context;
    bench.fact = event->tunnel_fact;
    bench.count++;
}

static int socket_of(void *context, conn_id conn)
{
    (void)context;
    return conn == CONN ? bench.ours : -1;
}

/* Nineteen octets a second: what a KEEPALIVE is. */
static void on_talk(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    static const uint8_t keepalive[19] = {0};
    (void)loop;
    (void)timer;
    (void)events;
    (void)!send(bench.ours, keepalive, sizeof keepalive, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void connect_both(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t size = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&addr, &size), 0);
    bench.ours = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(bench.ours, (struct sockaddr *)&addr, size), 0);
    bench.theirs = accept(listener, NULL, NULL);
    ck_assert_int_ge(bench.theirs, 0);
    close(listener);
    on_talk(NULL, NULL, 0); /* the OPEN */
}

/* Everything that comes to the far end is lost before its TCP sees it. */
static void set_lossy(bool is_lossy)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &drop};
    int none = 0;
    int error =
        is_lossy ? setsockopt(bench.theirs, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)
                 : setsockopt(bench.theirs, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    ck_assert_int_eq(error, 0);
}

static void drop_echo(bool is_dropped)
{
    FILE *file = fopen("/proc/sys/net/ipv4/icmp_echo_ignore_all", "w");
    ck_assert_ptr_nonnull(file);
    fputs(is_dropped ? "1" : "0", file);
    fclose(file);
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Milliseconds until the probe says so; fails after 10 s. */
static int64_t wait_for(bool is_alive, const char *text)
{
    struct mono_time begin = clock_mono_now();
    for (int tries = 0; tries < 500; tries++) {
        if (bench.count != 0 && bench.fact.is_known && bench.fact.is_alive == is_alive &&
            strstr(bench.fact.detail, text) != NULL) {
            return mono_span_to_ms(mono_between(begin, clock_mono_now()));
        }
        struct ev_timer timeout;
        ev_timer_init(&timeout, on_timeout, 0.02, 0.);
        ev_now_update(bench.loop);
        ev_timer_start(bench.loop, &timeout);
        ev_run(bench.loop, 0);
    }
    ck_abort_msg("still: %s", bench.fact.detail);
    return 0;
}

static void begin(uint8_t kind)
{
    struct evidence_hooks hooks = {NULL, keep_fact};
    struct ack_source source = {NULL, socket_of};
    struct probe_setup setup = {.tunnel_number = 1, .interface = "lo", .kind = kind};
    ck_assert_int_eq(ip_parse("127.0.0.1", &setup.peer), STATUS_OK);
    memset(&bench, 0, sizeof bench);
    bench.loop = ev_loop_new(EVFLAG_AUTO);
    connect_both();
    ev_timer_init(&bench.talk, on_talk, 0.5, 1.05);
    ev_timer_start(bench.loop, &bench.talk);
    bench.watch = probe_watch_new(bench.loop, &hooks, &source, &setup);
    probe_watch_session(bench.watch, CONN, 180);
}

static void end(void)
{
    probe_watch_free(bench.watch);
    ev_timer_stop(bench.loop, &bench.talk);
    ev_loop_destroy(bench.loop);
    close(bench.ours);
    close(bench.theirs);
}

START_TEST(a_far_end_that_drops_echo_is_dead_within_2500_ms_by_its_acknowledgements)
{
    if (!namespace_enter()) {
        return;
    }
    drop_echo(true);
    begin(PROBE_KIND_AUTO);
    wait_for(true, "127.0.0.1 acknowledges TCP (never answered echo)");
    set_lossy(true);
    ck_assert_int_le(wait_for(false, "has stopped acknowledging TCP"), 2500);
    set_lossy(false);
    wait_for(true, "acknowledges TCP");
    ck_assert_uint_le(bench.count, 4); /* news only */
    end();
}
END_TEST

START_TEST(echo_goes_first_where_it_is_answered_and_acknowledgements_take_over)
{
    if (!namespace_enter()) {
        return;
    }
    begin(PROBE_KIND_AUTO);
    wait_for(true, "answers echo");
    drop_echo(true); /* a new filter over there, not a failure */
    ck_assert_int_le(wait_for(false, "has stopped answering echo"), 1500);
    ck_assert_int_le(wait_for(true, "acknowledges TCP (no longer answers echo)"), 5000);
    set_lossy(true);
    ck_assert_int_le(wait_for(false, ""), 2500);
    end();
}
END_TEST

START_TEST(kind_tcp_asks_for_no_echo_and_kind_echo_for_no_session)
{
    if (!namespace_enter()) {
        return;
    }
    begin(PROBE_KIND_TCP);
    wait_for(true, "127.0.0.1 acknowledges TCP");
    ck_assert_ptr_null(strstr(bench.fact.detail, "echo"));
    probe_watch_session(bench.watch, 0, 0);
    for (int tries = 0; tries < 100 && bench.fact.is_known; tries++) {
        ev_run(bench.loop, EVRUN_ONCE);
    }
    ck_assert(!bench.fact.is_known);
    ck_assert_ptr_nonnull(strstr(bench.fact.detail, "no session with 127.0.0.1"));
    end();
    drop_echo(true);
    begin(PROBE_KIND_ECHO);
    for (int tries = 0; tries < 100 && bench.count == 0; tries++) {
        ev_run(bench.loop, EVRUN_ONCE);
    }
    ck_assert(!bench.fact.is_known);
    ck_assert_str_eq(bench.fact.detail, "127.0.0.1 has never answered echo");
    end();
}
END_TEST

START_TEST(the_kernel_gives_up_when_nothing_is_acknowledged_for_the_hold_time)
{
    unsigned timeout_ms = 0;
    socklen_t size = sizeof timeout_ms;
    begin(PROBE_KIND_TCP);
    ck_assert_int_eq(getsockopt(bench.ours, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &size), 0);
    ck_assert_uint_eq(timeout_ms, 180000);
    end();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/ack_watch");
    TCase *rule = tcase_create("rule");
    tcase_add_test(rule, a_session_that_stands_is_alive_at_the_first_look);
    tcase_add_test(rule, dead_exactly_when_the_patience_is_over);
    tcase_add_test(rule, every_acknowledgement_starts_the_wait_anew);
    tcase_add_test(rule, what_was_sent_only_once_condemns_nobody);
    tcase_add_test(rule, a_slow_line_gets_four_round_trips);
    tcase_add_test(rule, back_to_life_after_two_acknowledgements_patience_apart);
    tcase_add_test(rule, a_relapse_starts_the_proof_anew);
    tcase_add_test(rule, without_a_session_nothing_is_known_but_the_dead_stay_dead);
    suite_add_tcase(suite, rule);
    TCase *kernel = tcase_create("kernel");
    tcase_set_timeout(kernel, 60);
    tcase_add_test(kernel,
                   a_far_end_that_drops_echo_is_dead_within_2500_ms_by_its_acknowledgements);
    tcase_add_test(kernel, echo_goes_first_where_it_is_answered_and_acknowledgements_take_over);
    tcase_add_test(kernel, kind_tcp_asks_for_no_echo_and_kind_echo_for_no_session);
    tcase_add_test(kernel, the_kernel_gives_up_when_nothing_is_acknowledged_for_the_hold_time);
    suite_add_tcase(suite, kernel);
    return suite;
}
