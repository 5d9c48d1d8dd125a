/* Authentication of BFD packets (RFC 5880 6.7) and the hold-down: two sessions with a key, what a
 * stranger or a recording can do to them, and when a path that is up again counts. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/bfd.h"
#include "tests/unit/unit.h"

#define SECRET      "ten octets"
#define TYPES_COUNT 5

static const uint8_t types[TYPES_COUNT] = {BFD_AUTH_SIMPLE, BFD_AUTH_KEYED_MD5,
                                           BFD_AUTH_METICULOUS_MD5, BFD_AUTH_KEYED_SHA1,
                                           BFD_AUTH_METICULOUS_SHA1};

static struct mono_time at_ms(int64_t ms)
{
    return mono_add((struct mono_time){1000000000}, mono_span_ms(ms));
}

static struct bfd_auth_key key_of(uint8_t type, uint8_t key_id, const char *secret)
{
    struct bfd_auth_key key = {.type = type, .key_id = key_id};
    key.secret_bytes = (uint8_t)strlen(secret);
    memcpy(key.secret, secret, strlen(secret));
    return key;
}

static struct bfd_settings settings_of(uint8_t type)
{
    struct bfd_settings settings = {
        .transmit_interval_us = 50000, .receive_interval_us = 50000, .detect_multiplier = 3};
    if (type != BFD_AUTH_NONE) {
        settings.auth = key_of(type, 7, SECRET);
    }
    return settings;
}

/* ---- Two of them over a line of octets ---- */

struct datagram {
    uint8_t octets[BFD_PACKET_BYTES_MAX];
    size_t size;
};

static struct bfd_machine ends[2];
static struct datagram last[2]; /* sent by each */
static int64_t now_ms;
static bool is_cut;

static void begin(uint8_t type)
{
    struct bfd_settings settings = settings_of(type);
    now_ms = 0;
    is_cut = false;
    bfd_init(&ends[0], &settings, 0x1001, 1, at_ms(0));
    bfd_init(&ends[1], &settings, 0x2002, 2, at_ms(0));
}

static enum bfd_fault deliver(int to, const struct datagram *datagram)
{
    struct bfd_packet packet;
    enum bfd_fault fault =
        bfd_packet_decode((struct byte_view){datagram->octets, datagram->size}, &packet);
    return fault != BFD_FAULT_NONE ? fault : bfd_receive(&ends[to], &packet, at_ms(now_ms));
}

static void run_to(int64_t until_ms)
{
    for (; now_ms < until_ms; now_ms++) {
        for (int i = 0; i < 2; i++) {
            struct bfd_packet packet;
            bfd_expire(&ends[i], at_ms(now_ms));
            while (bfd_take_packet(&ends[i], at_ms(now_ms), &packet)) {
                struct writer writer = writer_of(last[i].octets, sizeof last[i].octets);
                bfd_packet_encode(&writer, &packet);
                last[i].size = writer_size(&writer);
                bfd_auth_sign(last[i].octets, last[i].size);
                if (!is_cut) {
                    (void)deliver(1 - i, &last[i]);
                }
            }
        }
    }
}

static void check_up(void)
{
    ck_assert_uint_eq(ends[0].state, BFD_UP);
    ck_assert_uint_eq(ends[1].state, BFD_UP);
    ck_assert_uint_eq(ends[0].statistics.downs + ends[1].statistics.downs, 0);
}

/* A packet of end 0 in which one bit of an octet is another one. */
static struct datagram forged(size_t at)
{
    struct datagram datagram = last[0];
    datagram.octets[at] ^= 1;
    return datagram;
}

/* ---- Octets ---- */

static void check_digest(uint8_t type, const char *secret, const char *wanted)
{
    struct bfd_auth_key key = key_of(type, 7, secret);
    struct bfd_packet packet = {
        .state = BFD_UP,
        .detect_multiplier = 3,
        .my_discriminator = 0x1001,
        .your_discriminator = 0x2002,
        .desired_min_tx_us = 50000,
        .required_min_rx_us = 60000,
        .has_auth = true,
    };
    uint8_t octets[BFD_PACKET_BYTES_MAX];
    struct writer writer = writer_of(octets, sizeof octets);
    char text[2 * BFD_AUTH_SECRET_MAX + 1] = "";
    bfd_auth_fill(&key, 0x01020304, &packet.auth);
    bfd_packet_encode(&writer, &packet);
    bfd_auth_sign(octets, writer_size(&writer));
    for (size_t i = BFD_PACKET_BYTES + 8; i < writer_size(&writer); i++) {
        snprintf(text + 2 * (i - BFD_PACKET_BYTES - 8), 3, "%02x", octets[i]);
    }
    ck_assert_str_eq(text, wanted);
}

/* Worked out with another implementation of both digests. */
START_TEST(the_digest_covers_the_packet_with_the_padded_secret_in_its_place)
{
    check_digest(BFD_AUTH_KEYED_MD5, "secret", "7ed3173a29f339d37dbed45a32c44b22");
    check_digest(BFD_AUTH_METICULOUS_MD5, "secret", "4dfb7fa3a077258fa8edc20753e697fc");
    check_digest(BFD_AUTH_KEYED_SHA1, "twenty-octets-secret",
                 "ef8e4af5f3d041611f8e8b2baebfd00bea80ff3a");
    check_digest(BFD_AUTH_METICULOUS_SHA1, "twenty-octets-secret",
                 "c8a873f6e27528acab159c6fced3f60e4033c3df");
}
END_TEST

/* ---- Sessions ---- */

START_TEST(both_ends_with_the_key_come_up_and_stay_up)
{
    for (int i = 0; i < TYPES_COUNT; i++) {
        begin(types[i]);
        run_to(20000);
        check_up();
    }
}
END_TEST

START_TEST(every_octet_is_protected_by_every_digest)
{
    for (int i = 1; i < TYPES_COUNT; i++) {
        begin(types[i]);
        run_to(2000);
        struct bfd_machine before = ends[1];
        for (size_t at = 2; at < last[0].size; at++) {
            struct datagram datagram = forged(at);
            ck_assert_int_ne(deliver(1, &datagram), BFD_FAULT_NONE);
        }
        before.statistics = ends[1].statistics;
        ck_assert_mem_eq(&before, &ends[1], sizeof before);
    }
}
END_TEST

START_TEST(another_password_key_id_or_type_is_discarded_under_its_name)
{
    begin(BFD_AUTH_SIMPLE);
    run_to(2000);
    struct datagram datagram = forged(last[0].size - 1);
    ck_assert_int_eq(deliver(1, &datagram), BFD_FAULT_AUTH_KEY);
    datagram = forged(BFD_PACKET_BYTES + 2);
    ck_assert_int_eq(deliver(1, &datagram), BFD_FAULT_AUTH_KEY);
    datagram = last[0]; /* a beginning of the password is not the password */
    datagram.size--;
    datagram.octets[3]--;
    datagram.octets[BFD_PACKET_BYTES + 1]--;
    ck_assert_int_eq(deliver(1, &datagram), BFD_FAULT_AUTH_KEY);
    struct bfd_settings other = settings_of(BFD_AUTH_KEYED_SHA1);
    bfd_configure(&ends[1], &other, at_ms(now_ms));
    ck_assert_int_eq(deliver(1, &last[0]), BFD_FAULT_AUTH_KEY);
    ck_assert_uint_eq(ends[1].statistics.discarded[BFD_FAULT_AUTH_KEY], 4);
}
END_TEST

START_TEST(who_has_no_key_hears_nobody_who_has_one_and_the_reverse)
{
    struct bfd_settings none = settings_of(BFD_AUTH_NONE);
    begin(BFD_AUTH_KEYED_MD5);
    bfd_init(&ends[1], &none, 0x2002, 2, at_ms(0));
    run_to(5000);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(ends[i].state, BFD_DOWN);
        ck_assert_uint_ge(ends[i].statistics.discarded[BFD_FAULT_AUTH], 4);
    }
}
END_TEST

/* The window of RFC 5880 6.7.3: from the last one, or from the one after it, to 3 x multiplier. */
START_TEST(sequence_numbers_stay_in_their_window)
{
    for (int i = 1; i < TYPES_COUNT; i++) {
        bool is_meticulous = bfd_auth_is_meticulous(types[i]);
        begin(types[i]);
        run_to(2000);
        struct datagram recorded = last[0];
        ck_assert_int_eq(deliver(1, &recorded),
                         is_meticulous ? BFD_FAULT_AUTH_SEQUENCE : BFD_FAULT_NONE);
        ends[1].auth_received--; /* as if it were the next one */
        ck_assert_int_eq(deliver(1, &recorded), BFD_FAULT_NONE);
        ends[1].auth_received -= 9;
        ck_assert_int_eq(deliver(1, &recorded), BFD_FAULT_NONE);
        ends[1].auth_received -= 10;
        ck_assert_int_eq(deliver(1, &recorded), BFD_FAULT_AUTH_SEQUENCE);
        ends[1].auth_received += 11;
        ck_assert_int_eq(deliver(1, &recorded), BFD_FAULT_AUTH_SEQUENCE);
    }
}
END_TEST

START_TEST(a_sequence_number_may_wrap)
{
    for (int i = 1; i < TYPES_COUNT; i++) {
        begin(types[i]);
        ends[0].auth_sent = UINT32_MAX - 20;
        run_to(20000);
        check_up();
        if (bfd_auth_is_meticulous(types[i])) {
            ck_assert_uint_lt(ends[0].auth_sent, 1000000);
        }
    }
}
END_TEST

/* A far end that restarts counts from anywhere: after twice the detection time it is heard. */
START_TEST(the_sequence_is_forgotten_after_twice_the_detection_time)
{
    begin(BFD_AUTH_METICULOUS_SHA1);
    run_to(2000);
    struct bfd_settings settings = settings_of(BFD_AUTH_METICULOUS_SHA1);
    bfd_init(&ends[0], &settings, 0x1009, 77, at_ms(now_ms));
    ends[0].auth_sent = ends[1].auth_received - 100000;
    run_to(2100);
    ck_assert_uint_ge(ends[1].statistics.discarded[BFD_FAULT_AUTH_SEQUENCE], 1);
    run_to(8000);
    ck_assert_uint_eq(ends[0].state, BFD_UP);
    ck_assert_uint_eq(ends[1].state, BFD_UP);
}
END_TEST

/* Within the detection time on both ends: RFC 5880 6.7.1 leaves it to us. */
START_TEST(a_new_key_on_both_ends_keeps_the_session_up)
{
    struct bfd_settings settings = settings_of(BFD_AUTH_METICULOUS_MD5);
    begin(BFD_AUTH_KEYED_SHA1);
    run_to(3000);
    bfd_configure(&ends[0], &settings, at_ms(now_ms));
    run_to(3080);
    bfd_configure(&ends[1], &settings, at_ms(now_ms));
    run_to(10000);
    check_up();
}
END_TEST

/* ---- Hold-down ---- */

START_TEST(a_path_that_is_up_again_counts_after_the_hold_down)
{
    struct bfd_settings settings = settings_of(BFD_AUTH_NONE);
    settings.hold_down_ms = 2000;
    begin(BFD_AUTH_NONE);
    bfd_configure(&ends[0], &settings, at_ms(0));
    run_to(1900);
    ck_assert_uint_eq(ends[0].state, BFD_UP);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_UNKNOWN);
    ck_assert_int_eq(ends[1].verdict, BFD_VERDICT_WORKS); /* over there none is configured */
    run_to(2100);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_WORKS);
    is_cut = true;
    run_to(3000);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_FAILED); /* at once */
    is_cut = false;
    run_to(4900); /* up within a second or so */
    ck_assert_uint_eq(ends[0].state, BFD_UP);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_FAILED);
    is_cut = true; /* again, before it counted */
    run_to(5400);
    is_cut = false;
    run_to(7300);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_FAILED);
    run_to(9500);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_WORKS);
}
END_TEST

START_TEST(a_failure_during_the_first_hold_down_is_nobodys_failure)
{
    struct bfd_settings settings = settings_of(BFD_AUTH_NONE);
    settings.hold_down_ms = 60000;
    begin(BFD_AUTH_NONE);
    bfd_configure(&ends[0], &settings, at_ms(0));
    run_to(2000);
    is_cut = true;
    run_to(3000);
    ck_assert_uint_eq(ends[0].statistics.downs, 1);
    ck_assert_int_eq(ends[0].verdict, BFD_VERDICT_UNKNOWN);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core: bfd authentication");
    TCase *tests = tcase_create("keys");
    tcase_add_test(tests, the_digest_covers_the_packet_with_the_padded_secret_in_its_place);
    tcase_add_test(tests, both_ends_with_the_key_come_up_and_stay_up);
    tcase_add_test(tests, every_octet_is_protected_by_every_digest);
    tcase_add_test(tests, another_password_key_id_or_type_is_discarded_under_its_name);
    tcase_add_test(tests, who_has_no_key_hears_nobody_who_has_one_and_the_reverse);
    tcase_add_test(tests, sequence_numbers_stay_in_their_window);
    tcase_add_test(tests, a_sequence_number_may_wrap);
    tcase_add_test(tests, the_sequence_is_forgotten_after_twice_the_detection_time);
    tcase_add_test(tests, a_new_key_on_both_ends_keeps_the_session_up);
    suite_add_tcase(suite, tests);
    TCase *holding = tcase_create("hold-down");
    tcase_add_test(holding, a_path_that_is_up_again_counts_after_the_hold_down);
    tcase_add_test(holding, a_failure_during_the_first_hold_down_is_nobodys_failure);
    suite_add_tcase(suite, holding);
    return suite;
}
