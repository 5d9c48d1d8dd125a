/* Timers of sessions, to the millisecond. */
#include <errno.h>

#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define PEER     "10.0.0.2"
#define PEER_ID  0x0a000002u
#define PEER_ASN 65002u

static struct rig *rig_with(struct config *config)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config);
    return rig;
}

static struct config_neighbor *only_neighbor(struct config *config)
{
    return rig_neighbor(config, PEER, PEER_ASN);
}

static struct rig *rig_with_hold(uint32_t hold_s, uint32_t keepalive_s)
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = only_neighbor(config);
    neighbor->hold_time_s = (struct opt_u32){true, hold_s};
    neighbor->keepalive_s = (struct opt_u32){true, keepalive_s};
    return rig_with(config);
}

START_TEST(hold_time_is_the_lower_of_both)
{
    static const struct {
        uint32_t ours, theirs, agreed;
    } rows[] = {{180, 90, 90}, {9, 90, 9}, {90, 90, 90}, {0, 90, 0}, {90, 0, 0}, {3, 65535, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *rig = rig_with_hold(rows[i].ours, 30);
        struct rig_conn *conn = rig_ours(rig);
        struct open_message open = rig_open(PEER_ASN, PEER_ID);
        open.hold_time_s = (uint16_t)rows[i].theirs;
        rig_opened(rig, conn);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        struct snapshot_peer peer = rig_peer(rig, PEER);
        ck_assert_uint_eq(peer.hold_time_s, rows[i].agreed);
        ck_assert_uint_le(peer.keepalive_s, rows[i].agreed / 3 == 0 ? 1 : rows[i].agreed / 3);
        rig_free(rig);
    }
}
END_TEST

START_TEST(hold_timer_fires_to_the_millisecond)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_wait_ms(rig, 8999);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_wait_ms(rig, 1);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_IDLE);
    ck_assert(conn->is_closed);
    ck_assert_int_eq(rig_notification(conn), NOTIFICATION_HOLD_TIMER << 8);
    ck_assert_str_eq(rig_peer(rig, PEER).last_reset_reason, "hold timer expired");
    rig_free(rig);
}
END_TEST

START_TEST(every_message_restarts_the_hold_timer)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    for (int i = 0; i < 12; i++) {
        rig_wait_ms(rig, 8900);
        if (i % 3 == 0) {
            rig_say_keepalive(rig, conn);
        } else if (i % 3 == 1) {
            rig_say_update(rig, conn);
        } else {
            rig_say_refresh(rig, conn);
        }
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    }
    rig_free(rig);
}
END_TEST

START_TEST(part_of_a_message_does_not_keep_a_session)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    for (int i = 0; i < 18; i++) {
        rig_wait_ms(rig, 500);
        if (!conn->is_closed) {
            rig_say(rig, conn, "\xff", 1);
        }
    }
    ck_assert_int_eq(rig_state(rig, PEER), PEER_IDLE);
    rig_free(rig);
}
END_TEST

START_TEST(a_core_that_was_held_up_does_not_blame_the_peer)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    struct core_event event = {.kind = EVENT_TIME};
    rig->now = mono_add(rig->now, mono_span_s(15)); /* nobody called us for a long time */
    rig_feed(rig, &event);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_say_keepalive(rig, conn); /* it lay in the socket */
    rig_wait_ms(rig, 8000);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(a_silent_peer_is_dropped_even_by_a_late_core)
{
    struct rig *rig = rig_with_hold(9, 3);
    rig_establish(rig, PEER, PEER_ASN);
    struct core_event event = {.kind = EVENT_TIME};
    rig->now = mono_add(rig->now, mono_span_s(15));
    rig_feed(rig, &event);
    rig_wait_ms(rig, 1001);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_IDLE);
    rig_free(rig);
}
END_TEST

START_TEST(keepalives_go_out_in_time_with_jitter)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_count(conn, MESSAGE_KEEPALIVE);
    struct mono_time last = rig->now;
    int seen = 0;
    for (int i = 0; i < 6000; i++) {
        rig_wait_ms(rig, 10);
        if (i % 300 == 0) {
            rig_say_keepalive(rig, conn);
        }
        if (rig_count(conn, MESSAGE_KEEPALIVE) != 0) {
            int64_t gap_ms = mono_span_to_ms(mono_between(last, rig->now));
            ck_assert_int_ge(gap_ms, 2240);
            ck_assert_int_le(gap_ms, 3010);
            last = rig->now;
            seen++;
        }
    }
    ck_assert_int_ge(seen, 19);
    rig_free(rig);
}
END_TEST

START_TEST(hold_time_zero_means_no_timers_at_all)
{
    struct rig *rig = rig_with_hold(0, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_room(rig, conn, RIG_ROOM); /* all that was sent has been taken */
    rig_count(conn, MESSAGE_KEEPALIVE);
    rig_wait_ms(rig, 3600000);
    ck_assert_int_eq(rig_count(conn, MESSAGE_KEEPALIVE), 0);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(keepalive_is_never_above_a_third_nor_below_a_second)
{
    static const struct {
        uint32_t hold, keepalive, agreed;
    } rows[] = {{9, 60, 3}, {9, 2, 2}, {3, 60, 1}, {3, 1, 1}, {90, 0, 30}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *rig = rig_with_hold(rows[i].hold, rows[i].keepalive);
        rig_establish(rig, PEER, PEER_ASN);
        ck_assert_uint_eq(rig_peer(rig, PEER).keepalive_s, rows[i].agreed);
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_peer_without_open_is_given_four_minutes)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    rig_wait_ms(rig, 239999);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_SENT);
    rig_wait_ms(rig, 1);
    ck_assert_int_eq(rig_notification(conn), NOTIFICATION_HOLD_TIMER << 8);
    rig_free(rig);
}
END_TEST

/* ---- Idle hold ---- */

/* Seconds until the next attempt after an end. */
static int64_t wait_for_attempt_ms(struct rig *rig)
{
    struct mono_time start = rig->now;
    while (rig_ours(rig) == NULL) {
        rig_wait_ms(rig, 10);
    }
    return mono_span_to_ms(mono_between(start, rig->now));
}

static void fail_open(struct rig *rig)
{
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN + 1, PEER_ID);
    rig_opened(rig, conn);
    rig_say_open(rig, conn, &open);
    ck_assert(conn->is_closed);
}

START_TEST(idle_hold_doubles_up_to_a_minute)
{
    struct rig *rig = rig_with_hold(9, 3);
    int64_t base_ms = 1000;
    for (int i = 0; i < 9; i++) {
        fail_open(rig);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_IDLE);
        int64_t wait_ms = wait_for_attempt_ms(rig);
        ck_assert_int_ge(wait_ms, base_ms * 3 / 4 - 10);
        ck_assert_int_le(wait_ms, base_ms + 10);
        base_ms = base_ms * 2 < 60000 ? base_ms * 2 : 60000;
    }
    rig_free(rig);
}
END_TEST

START_TEST(idle_hold_starts_anew_after_a_stable_session)
{
    struct rig *rig = rig_with_hold(90, 30);
    for (int i = 0; i < 5; i++) {
        fail_open(rig);
        wait_for_attempt_ms(rig);
    }
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_wait_ms(rig, 60000);
    rig_closed(rig, conn);
    ck_assert_int_le(wait_for_attempt_ms(rig), 1010);
    rig_free(rig);
}
END_TEST

START_TEST(a_short_session_does_not_reset_the_back_off)
{
    struct rig *rig = rig_with_hold(90, 30);
    for (int i = 0; i < 5; i++) {
        fail_open(rig);
        wait_for_attempt_ms(rig);
    }
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_wait_ms(rig, 5000);
    rig_closed(rig, conn);
    ck_assert_int_ge(wait_for_attempt_ms(rig), 23000);
    rig_free(rig);
}
END_TEST

START_TEST(clear_bypasses_the_idle_hold)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct ip_addr all = {.family = IP_NONE};
    for (int i = 0; i < 6; i++) {
        fail_open(rig);
        if (i < 5) {
            wait_for_attempt_ms(rig);
        }
    }
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert_uint_eq(core_clear(rig->core, rig->now, &all, 0, CLEAR_HARD, NULL), 1);
    rig_settle(rig);
    ck_assert_ptr_nonnull(rig_ours(rig));
    fail_open(rig);
    ck_assert_int_le(wait_for_attempt_ms(rig), 1010); /* and it starts anew */
    rig_free(rig);
}
END_TEST

START_TEST(a_refused_attempt_after_an_end_is_repeated_soon)
{
    struct rig *rig = rig_with_hold(9, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_closed(rig, conn);
    wait_for_attempt_ms(rig);
    rig_failed(rig, rig_ours(rig), ECONNREFUSED);
    ck_assert_int_le(wait_for_attempt_ms(rig), 2010);
    rig_failed(rig, rig_ours(rig), ECONNREFUSED);
    ck_assert_int_ge(wait_for_attempt_ms(rig), 7490); /* once */
    rig_free(rig);
}
END_TEST

START_TEST(version_refusal_does_not_grow_the_back_off)
{
    struct rig *rig = rig_with_hold(9, 3);
    for (int i = 0; i < 6; i++) {
        struct rig_conn *conn = rig_ours(rig);
        rig_opened(rig, conn);
        rig_say_notification(rig, conn, NOTIFICATION_OPEN, 1);
        ck_assert(conn->is_closed);
        ck_assert_int_le(wait_for_attempt_ms(rig), 1010);
    }
    rig_free(rig);
}
END_TEST

/* ---- DelayOpen ---- */

static struct rig *rig_with_delay(void)
{
    struct config *config = rig_config();
    only_neighbor(config)->delay_open_s = (struct opt_u32){true, 5};
    return rig_with(config);
}

START_TEST(delayed_open_goes_out_when_the_delay_is_over)
{
    struct rig *rig = rig_with_delay();
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    rig_wait_ms(rig, 4999);
    ck_assert_uint_eq(conn->size, 0);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_CONNECT);
    rig_wait_ms(rig, 1);
    rig_expect(conn, MESSAGE_OPEN);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_SENT);
    rig_free(rig);
}
END_TEST

START_TEST(the_peers_open_ends_the_delay)
{
    struct rig *rig = rig_with_delay();
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    rig_opened(rig, conn);
    rig_say_open(rig, conn, &open);
    rig_expect(conn, MESSAGE_OPEN);
    rig_expect(conn, MESSAGE_KEEPALIVE);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_CONFIRM);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_wait_ms(rig, 6000);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(a_bad_message_during_the_delay_ends_the_connection)
{
    for (int what = 0; what < 4; what++) {
        struct rig *rig = rig_with_delay();
        struct rig_conn *conn = rig_incoming(rig, PEER);
        struct open_message open = rig_open(PEER_ASN + 1, PEER_ID);
        if (what == 0) {
            rig_say_keepalive(rig, conn);
        } else if (what == 1) {
            rig_say_update(rig, conn);
        } else if (what == 2) {
            rig_say_bad_header(rig, conn);
        } else {
            rig_say_open(rig, conn, &open);
        }
        ck_assert(conn->is_closed);
        rig_free(rig);
    }
}
END_TEST

/* ---- Send hold (RFC 9687) ---- */

START_TEST(a_peer_that_takes_nothing_is_dropped)
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = only_neighbor(config);
    neighbor->send_hold_s = (struct opt_u32){true, 20};
    struct rig *rig = rig_with(config);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    struct mono_time start = rig->now;
    while (!conn->is_closed) {
        rig_wait_ms(rig, 100);
        if (!conn->is_closed) {
            rig_say_keepalive(rig, conn); /* it speaks, but does not read */
        }
        ck_assert_int_lt(mono_span_to_s(mono_between(start, rig->now)), 60);
    }
    ck_assert_int_ge(mono_span_to_s(mono_between(start, rig->now)), 19);
    ck_assert(strstr(rig_peer(rig, PEER).last_reset_reason, "send hold timer expired") != NULL);
    rig_free(rig);
}
END_TEST

START_TEST(a_slow_reader_is_kept)
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = only_neighbor(config);
    neighbor->send_hold_s = (struct opt_u32){true, 20};
    struct rig *rig = rig_with(config);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    for (int i = 0; i < 100; i++) {
        rig_wait_ms(rig, 10000);
        ck_assert(!conn->is_closed);
        rig_say_keepalive(rig, conn);
        rig_room(rig, conn, 10); /* it reads a little now and then */
    }
    rig_free(rig);
}
END_TEST

START_TEST(keepalives_do_not_pile_up_without_room)
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = only_neighbor(config);
    neighbor->hold_time_s = (struct opt_u32){true, 9};
    neighbor->send_hold_s = (struct opt_u32){true, 3600};
    struct rig *rig = rig_with(config);
    struct rig_conn *conn = rig_ours(rig);
    struct core_event event = {.kind = EVENT_CONN_OPENED};
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    event.conn.conn = conn->id;
    rig_feed(rig, &event);
    rig_room(rig, conn, 200);
    rig_say_open(rig, conn, &open);
    for (int i = 0; i < 200; i++) {
        rig_wait_ms(rig, 3000);
        rig_say_keepalive(rig, conn);
    }
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    ck_assert_uint_le(rig_peer(rig, PEER).out_queue_messages, 1);
    rig_free(rig);
}
END_TEST

/* ---- Fairness ---- */

START_TEST(a_talkative_peer_does_not_starve_another)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002)->hold_time_s = (struct opt_u32){true, 3};
    rig_neighbor(config, "10.0.0.3", 65003)->hold_time_s = (struct opt_u32){true, 3};
    rig_configure(rig, config);
    struct rig_conn *loud = rig_establish(rig, "10.0.0.2", 65002);
    struct rig_conn *calm = rig_establish(rig, "10.0.0.3", 65003);
    size_t size = 200000 / BGP_HEADER_BYTES * BGP_HEADER_BYTES;
    uint8_t *flood = malloc(size);
    struct writer writer = writer_of(flood, size);
    while (writer_room(&writer) >= BGP_HEADER_BYTES) {
        keepalive_encode(&writer);
    }
    struct core_event event = {.kind = EVENT_CONN_BYTES};
    event.conn.conn = loud->id;
    event.conn.bytes = (struct byte_view){flood, size};
    core_feed(rig->core, rig->now, &event);
    uint64_t done = rig_peer(rig, "10.0.0.2").received.keepalives;
    ck_assert_uint_lt(done, size / BGP_HEADER_BYTES); /* one call does not do all of it */
    ck_assert_uint_lt(core_receive_room(rig->core, loud->id), 256u << 10);
    struct core_event other = {.kind = EVENT_CONN_BYTES};
    uint8_t keepalive[BGP_HEADER_BYTES];
    struct writer one = writer_of(keepalive, sizeof keepalive);
    keepalive_encode(&one);
    other.conn.conn = calm->id;
    other.conn.bytes = (struct byte_view){keepalive, sizeof keepalive};
    uint64_t before = rig_peer(rig, "10.0.0.3").received.keepalives;
    core_feed(rig->core, rig->now, &other); /* at once, whatever waits of the other */
    ck_assert_uint_eq(rig_peer(rig, "10.0.0.3").received.keepalives, before + 1);
    rig_settle(rig);
    ck_assert_uint_eq(rig_peer(rig, "10.0.0.2").received.keepalives, size / BGP_HEADER_BYTES + 1);
    ck_assert_uint_eq(core_receive_room(rig->core, loud->id), 256u << 10);
    free(flood);
    rig_free(rig);
}
END_TEST

START_TEST(what_waits_to_be_read_counts_for_the_hold_timer)
{
    struct rig *rig = rig_with_hold(3, 1);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    size_t size = 200000 / BGP_HEADER_BYTES * BGP_HEADER_BYTES;
    uint8_t *flood = malloc(size);
    struct writer writer = writer_of(flood, size);
    while (writer_room(&writer) >= BGP_HEADER_BYTES) {
        keepalive_encode(&writer);
    }
    struct core_event event = {.kind = EVENT_CONN_BYTES};
    event.conn.conn = conn->id;
    event.conn.bytes = (struct byte_view){flood, size};
    core_feed(rig->core, rig->now, &event);
    struct core_event time = {.kind = EVENT_TIME};
    for (int i = 0; i < 10; i++) {
        rig->now = mono_add(rig->now, mono_span_s(1)); /* no work is done, time goes by */
        core_feed(rig->core, rig->now, &time);
    }
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    free(flood);
    rig_settle(rig);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("session_timers");
    TCase *tcase = tcase_create("session_timers");
    tcase_add_test(tcase, hold_time_is_the_lower_of_both);
    tcase_add_test(tcase, hold_timer_fires_to_the_millisecond);
    tcase_add_test(tcase, every_message_restarts_the_hold_timer);
    tcase_add_test(tcase, part_of_a_message_does_not_keep_a_session);
    tcase_add_test(tcase, a_core_that_was_held_up_does_not_blame_the_peer);
    tcase_add_test(tcase, a_silent_peer_is_dropped_even_by_a_late_core);
    tcase_add_test(tcase, keepalives_go_out_in_time_with_jitter);
    tcase_add_test(tcase, hold_time_zero_means_no_timers_at_all);
    tcase_add_test(tcase, keepalive_is_never_above_a_third_nor_below_a_second);
    tcase_add_test(tcase, a_peer_without_open_is_given_four_minutes);
    tcase_add_test(tcase, idle_hold_doubles_up_to_a_minute);
    tcase_add_test(tcase, idle_hold_starts_anew_after_a_stable_session);
    tcase_add_test(tcase, a_short_session_does_not_reset_the_back_off);
    tcase_add_test(tcase, clear_bypasses_the_idle_hold);
    tcase_add_test(tcase, a_refused_attempt_after_an_end_is_repeated_soon);
    tcase_add_test(tcase, version_refusal_does_not_grow_the_back_off);
    tcase_add_test(tcase, delayed_open_goes_out_when_the_delay_is_over);
    tcase_add_test(tcase, the_peers_open_ends_the_delay);
    tcase_add_test(tcase, a_bad_message_during_the_delay_ends_the_connection);
    tcase_add_test(tcase, a_peer_that_takes_nothing_is_dropped);
    tcase_add_test(tcase, a_slow_reader_is_kept);
    tcase_add_test(tcase, keepalives_do_not_pile_up_without_room);
    tcase_add_test(tcase, a_talkative_peer_does_not_starve_another);
    tcase_add_test(tcase, what_waits_to_be_read_counts_for_the_hold_timer);
    suite_add_tcase(suite, tcase);
    return suite;
}
