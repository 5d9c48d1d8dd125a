/* The queues under everything: actions out, timers. */
#include <string.h>

#include "bgpd/core/action_queue.h"
#include "bgpd/core/log_events.h"
#include "bgpd/core/timer_queue.h"
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "tests/unit/unit.h"

/* ---- Actions ---- */

START_TEST(actions_come_out_in_the_order_they_went_in)
{
    struct action_queue queue;
    struct core_action action = {.kind = ACTION_CLOSE};
    struct random_source random;
    conn_id put = 0;
    conn_id taken = 0;
    random_init(&random, 7);
    action_queue_init(&queue);
    for (int round = 0; round < 2000; round++) {
        for (uint32_t i = random_below(&random, 50); i > 0; i--) {
            action.close.conn = ++put;
            action_queue_put(&queue, &action);
        }
        for (uint32_t i = random_below(&random, 52); i > 0; i--) {
            struct core_action out;
            bool has_one = action_queue_take(&queue, &out);
            ck_assert_int_eq(has_one, taken < put);
            if (has_one) {
                ck_assert_uint_eq(out.close.conn, ++taken);
            }
        }
        ck_assert_uint_eq(queue.count, put - taken);
    }
    action_queue_fini(&queue);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), 0);
}
END_TEST

START_TEST(what_an_action_points_to_is_copied)
{
    struct action_queue queue;
    struct core_action out;
    char key[] = "invented";
    uint8_t bytes[] = {1, 2, 3};
    action_queue_init(&queue);
    struct core_action connect = {.kind = ACTION_CONNECT, .conn_setup = {.md5_key = key}};
    action_queue_put(&queue, &connect);
    struct core_action peer_key = {.kind = ACTION_PEER_KEY, .peer_key = {.md5_key = NULL}};
    action_queue_put(&queue, &peer_key);
    struct core_action send = {.kind = ACTION_SEND, .send = {5, {bytes, sizeof bytes}}};
    action_queue_put(&queue, &send);
    memset(key, 'x', sizeof key - 1);
    memset(bytes, 0, sizeof bytes);
    ck_assert(action_queue_take(&queue, &out));
    ck_assert_str_eq(out.conn_setup.md5_key, "invented");
    ck_assert(action_queue_take(&queue, &out));
    ck_assert_ptr_null(out.peer_key.md5_key);
    ck_assert(action_queue_take(&queue, &out));
    ck_assert_uint_eq(out.send.bytes.size, 3);
    ck_assert_mem_eq(out.send.bytes.data, "\1\2\3", 3);
    ck_assert(!action_queue_take(&queue, &out));
    action_queue_fini(&queue);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), 0);
}
END_TEST

START_TEST(a_watched_tunnel_is_copied_with_all_it_names)
{
    struct action_queue queue;
    struct core_action out;
    char name[] = "ipsec0";
    char child[] = "azure";
    struct ip_addr peers[2] = {ip_from_v4(1), ip_from_v4(2)};
    struct config_tunnel tunnel = {
        .name = name, .vici_child = child, .inner_peers = peers, .inner_peer_count = 2};
    struct core_action watch = {.kind = ACTION_TUNNEL_WATCH, .tunnel_watch = {.tunnel = &tunnel}};
    action_queue_init(&queue);
    action_queue_put(&queue, &watch);
    memset(name, 'x', sizeof name - 1);
    memset(child, 'x', sizeof child - 1);
    memset(peers, 0, sizeof peers);
    memset(&tunnel, 0, sizeof tunnel);
    ck_assert(action_queue_take(&queue, &out));
    ck_assert_str_eq(out.tunnel_watch.tunnel->name, "ipsec0");
    ck_assert_str_eq(out.tunnel_watch.tunnel->vici_child, "azure");
    ck_assert_ptr_null(out.tunnel_watch.tunnel->interface);
    ck_assert_uint_eq(ip_to_v4(&out.tunnel_watch.tunnel->inner_peers[1]), 2);
    action_queue_fini(&queue);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), 0);
}
END_TEST

START_TEST(sent_octets_change_hands)
{
    struct action_queue queue;
    struct core_action out;
    uint8_t *owned = mem_alloc(MEM_QUEUE, 4);
    memcpy(owned, "abcd", 4);
    action_queue_init(&queue);
    action_queue_put_send(&queue, 9, owned, 4);
    ck_assert(action_queue_take(&queue, &out));
    ck_assert_int_eq(out.kind, ACTION_SEND);
    ck_assert_ptr_eq(out.send.bytes.data, owned);
    owned = mem_alloc(MEM_QUEUE, 4);
    action_queue_put_send(&queue, 9, owned, 4); /* never taken */
    action_queue_fini(&queue);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), 0);
}
END_TEST

/* ---- Timers ---- */

static void expired(struct core *core, struct timer *timer)
{
    (void)core;
    (void)timer;
}

START_TEST(timers_expire_in_the_order_of_their_deadlines)
{
    enum { COUNT = 500 };
    struct timer timers[COUNT] = {0};
    struct timer_queue queue;
    struct random_source random;
    random_init(&random, 3);
    timer_queue_init(&queue);
    ck_assert(mono_is_never(timer_queue_deadline(&queue)));
    for (int i = 0; i < COUNT; i++) {
        timers[i].expired = expired;
    }
    uint32_t armed = 0;
    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &timers[random_below(&random, COUNT)];
        armed -= timer_is_armed(timer) ? 1 : 0;
        if (random_below(&random, 3) == 0) {
            timer_stop(&queue, timer);
            ck_assert(!timer_is_armed(timer));
        } else {
            timer_start(&queue, timer, (struct mono_time){random_below(&random, 1000)});
            armed++;
        }
        ck_assert_uint_eq(queue.count, armed);
        struct mono_time earliest = MONO_NEVER;
        for (int i = 0; step % 100 == 0 && i < COUNT; i++) {
            if (timer_is_armed(&timers[i])) {
                earliest = mono_earlier(earliest, timers[i].deadline);
            }
        }
        ck_assert(step % 100 != 0 || earliest.ns == timer_queue_deadline(&queue).ns);
    }
    struct mono_time half = {500};
    struct mono_time last = {-1};
    struct timer *timer;
    while ((timer = timer_queue_expire(&queue, half)) != NULL) {
        ck_assert(!timer_is_armed(timer));
        ck_assert(timer->deadline.ns >= last.ns && timer->deadline.ns <= half.ns);
        last = timer->deadline;
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert(!timer_is_armed(&timers[i]) || timers[i].deadline.ns > half.ns);
        timer_stop(&queue, &timers[i]);
    }
    timer_queue_fini(&queue);
}
END_TEST

START_TEST(a_timer_can_be_armed_anew_while_armed)
{
    struct timer_queue queue;
    struct timer timer = {.expired = expired};
    timer_queue_init(&queue);
    timer_start(&queue, &timer, (struct mono_time){10});
    timer_start(&queue, &timer, (struct mono_time){20});
    ck_assert_uint_eq(queue.count, 1);
    ck_assert_ptr_null(timer_queue_expire(&queue, (struct mono_time){19}));
    ck_assert_ptr_eq(timer_queue_expire(&queue, (struct mono_time){20}), &timer);
    ck_assert_ptr_null(timer_queue_expire(&queue, (struct mono_time){20}));
    timer_stop(&queue, &timer); /* stopping what is not armed is fine */
    timer_queue_fini(&queue);
}
END_TEST

/* ---- Log names ---- */

START_TEST(every_kind_of_line_has_a_name_of_its_own)
{
    for (int i = 0; i < LOG_EVENT_KIND_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(log_event_kind_name((enum log_event_kind)i),
                             log_event_kind_name((enum log_event_kind)j));
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plumbing");
    TCase *tcase = tcase_create("plumbing");
    tcase_add_test(tcase, actions_come_out_in_the_order_they_went_in);
    tcase_add_test(tcase, what_an_action_points_to_is_copied);
    tcase_add_test(tcase, a_watched_tunnel_is_copied_with_all_it_names);
    tcase_add_test(tcase, sent_octets_change_hands);
    tcase_add_test(tcase, timers_expire_in_the_order_of_their_deadlines);
    tcase_add_test(tcase, a_timer_can_be_armed_anew_while_armed);
    tcase_add_test(tcase, every_kind_of_line_has_a_name_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
