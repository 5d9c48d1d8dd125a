/* Streams of messages at every split point, headers judged before their bodies come, and the small
 * messages there and back: KEEPALIVE, NOTIFICATION, ROUTE-REFRESH. */
#include "proto/message.h"
#include "tests/unit/proto/octets.h"

#define MARKER "ffffffffffffffffffffffffffffffff "

/* A message with this length field and type and nothing but zeros behind. */
static struct byte_view message_of(size_t length, uint8_t type, size_t size)
{
    static uint8_t space[OCTETS_MAX];
    memset(space, 0xff, 16);
    memset(space + 16, 0, sizeof space - 16);
    store_be16(space + 16, (uint16_t)length);
    space[18] = type;
    return exact_copy(space, size);
}

START_TEST(messages_are_found_at_every_split_point)
{
    struct byte_view stream = octets_of(MARKER "0013 04" MARKER "0017 02 0000 0000" MARKER
                                               "0015 03 06 02" MARKER "0017 05 0001 00 01");
    static const size_t ends[] = {19, 42, 63, 86};
    static const uint8_t types[] = {4, 2, 3, 5};
    for (size_t size = 0; size <= stream.size; size++) {
        struct byte_view received = exact_copy(stream.data, size);
        size_t at = 0;
        size_t found = 0;
        for (;;) {
            struct message_view message;
            struct wire_error error;
            size_t taken = 0;
            struct byte_view rest = exact_copy(received.data + at, size - at);
            enum status status = framer_next(rest, 4096, &message, &taken, &error);
            free_octets(rest);
            ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
            if (status == STATUS_TRUNCATED) {
                break;
            }
            ck_assert_int_eq(status, STATUS_OK);
            ck_assert_int_eq(message.type, types[found]);
            ck_assert_uint_eq(message.body.size, taken - 19);
            at += taken;
            ck_assert_uint_eq(at, ends[found]);
            found++;
        }
        ck_assert(found == 4 || size < ends[found]);
        ck_assert(found == 0 || size >= ends[found - 1]);
        free_octets(received);
    }
    free_octets(stream);
}
END_TEST

/* The first octet that is wrong is enough, and octets behind it do not help. */
START_TEST(a_marker_that_is_not_all_ones_is_refused_at_once)
{
    for (size_t at = 0; at < 16; at++) {
        for (size_t size = at + 1; size <= 19; size++) {
            struct byte_view bytes = message_of(19, 4, size);
            ((uint8_t *)(uintptr_t)bytes.data)[at] = 0xfe;
            struct message_view message;
            struct wire_error error;
            size_t taken;
            ck_assert_int_eq(framer_next(bytes, 4096, &message, &taken, &error), STATUS_INVALID);
            ck_assert_int_eq(error.disposition, WIRE_SESSION_RESET);
            ck_assert_uint_eq(error.code, 1);
            ck_assert_uint_eq(error.subcode, 1);
            ck_assert_uint_eq(error.data.size, 0);
            free_octets(bytes);
        }
    }
}
END_TEST

/* Every type and every length, on sessions with and without RFC 8654. */
START_TEST(lengths_are_held_to_the_bounds_of_each_type)
{
    static const size_t shortest[] = {0, 29, 23, 21, 19, 19};
    for (int extended = 0; extended < 2; extended++) {
        size_t bytes_max = extended ? 65535 : 4096;
        for (uint8_t type = 1; type <= 5; type++) {
            size_t longest = type == 4 ? 19 : type == 1 ? 4096 : bytes_max;
            for (uint32_t length = 0; length <= 65535; length++) {
                if (length > 4200 && length < 65500) {
                    continue;
                }
                struct byte_view bytes = message_of(length, type, 19);
                struct message_view message;
                struct wire_error error;
                size_t taken;
                enum status status = framer_next(bytes, bytes_max, &message, &taken, &error);
                if (length >= shortest[type] && length <= longest) {
                    ck_assert_int_eq(status, length == 19 ? STATUS_OK : STATUS_TRUNCATED);
                } else {
                    ck_assert_msg(status == STATUS_INVALID, "type %u length %u", type, length);
                    ck_assert_uint_eq(error.code, 1);
                    ck_assert_uint_eq(error.subcode, 2);
                    ck_assert_uint_eq(error.data.size, 2);
                    ck_assert_uint_eq(load_be16(error.data.data), length);
                }
                free_octets(bytes);
            }
        }
    }
}
END_TEST

START_TEST(the_largest_messages_are_taken_whole)
{
    static const size_t sizes[] = {4096, 65535};
    for (size_t i = 0; i < 2; i++) {
        struct byte_view bytes = message_of(sizes[i], 2, sizes[i]);
        struct message_view message;
        struct wire_error error;
        size_t taken;
        ck_assert_int_eq(framer_next(bytes, sizes[i], &message, &taken, &error), STATUS_OK);
        ck_assert_uint_eq(taken, sizes[i]);
        ck_assert_uint_eq(message.body.size, sizes[i] - 19);
        struct byte_view part = {bytes.data, sizes[i] - 1};
        ck_assert_int_eq(framer_next(part, sizes[i], &message, &taken, &error), STATUS_TRUNCATED);
        free_octets(bytes);
    }
}
END_TEST

START_TEST(keepalive_is_a_header)
{
    uint8_t space[19];
    struct writer writer = writer_of(space, sizeof space);
    keepalive_encode(&writer);
    ck_assert(!writer.failed);
    assert_octets((struct byte_view){space, writer_size(&writer)}, MARKER "0013 04");
}
END_TEST

START_TEST(messages_follow_each_other_in_one_writer)
{
    uint8_t space[100];
    struct writer writer = writer_of(space, sizeof space);
    struct route_refresh refresh = {AFI_SAFI_IPV6_UNICAST, ROUTE_REFRESH_END};
    keepalive_encode(&writer);
    route_refresh_encode(&writer, &refresh);
    assert_octets((struct byte_view){space, writer_size(&writer)},
                  MARKER "0013 04" MARKER "0017 05 0002 02 01");
}
END_TEST

START_TEST(notifications_come_back)
{
    for (unsigned code = 0; code < 256; code += 5) {
        for (size_t size = 0; size < 4; size++) {
            uint8_t space[64];
            struct writer writer = writer_of(space, sizeof space);
            struct notification sent = {
                (uint8_t)code, (uint8_t)(255 - code), {(const uint8_t *)"\1\2\3", size}};
            struct notification got;
            notification_encode(&writer, &sent);
            struct byte_view body = exact_copy(space + 19, writer_size(&writer) - 19);
            ck_assert_int_eq(notification_decode(body, &got).disposition, WIRE_ACCEPT);
            ck_assert_uint_eq(got.code, sent.code);
            ck_assert_uint_eq(got.subcode, sent.subcode);
            ck_assert(byte_view_equal(got.data, sent.data));
            free_octets(body);
        }
    }
}
END_TEST

START_TEST(every_code_and_subcode_has_a_name)
{
    for (unsigned code = 0; code < 256; code++) {
        ck_assert_uint_gt(strlen(notification_code_name((uint8_t)code)), 0);
        for (unsigned subcode = 0; subcode < 256; subcode++) {
            const char *name = notification_subcode_name((uint8_t)code, (uint8_t)subcode);
            ck_assert_uint_gt(strlen(name), 0);
        }
    }
    ck_assert_str_eq(notification_code_name(6), "Cease");
    ck_assert_str_eq(notification_subcode_name(6, 2), "Administrative Shutdown");
    ck_assert_str_eq(notification_subcode_name(6, 10), "BFD Down");
    ck_assert_str_eq(notification_subcode_name(2, 11), "Role Mismatch");
    ck_assert_str_eq(notification_subcode_name(4, 0), "Unspecific");
    ck_assert_str_eq(notification_subcode_name(6, 200), "Unknown");
    ck_assert_str_eq(notification_code_name(9), "Unknown");
}
END_TEST

START_TEST(shutdown_text_is_written_with_its_length)
{
    uint8_t space[300];
    char text[400];
    for (size_t size = 0; size <= 300; size++) {
        struct writer writer = writer_of(space, sizeof space);
        memset(text, 'x', size);
        text[size] = 0;
        shutdown_message_write(&writer, text);
        ck_assert_uint_eq(space[0], size > 255 ? 255 : size);
        ck_assert_uint_eq(writer_size(&writer), 1u + space[0]);
        struct notification notification = {6, 2, {space, writer_size(&writer)}};
        char got[256];
        shutdown_message_read(&notification, got);
        ck_assert_uint_eq(strlen(got), space[0]);
        ck_assert_int_eq(strncmp(got, text, space[0]), 0);
    }
}
END_TEST

START_TEST(route_refresh_is_read_as_negotiated)
{
    static const struct {
        const char *promise;
        const char *body;
        bool enhanced;
        enum wire_disposition disposition;
        enum afi_safi family;
        uint8_t kind;
    } cases[] = {
        {"a request", "0001 00 01", false, WIRE_ACCEPT, AFI_SAFI_IPV4_UNICAST, 0},
        {"a request for IPv6", "0002 00 01", true, WIRE_ACCEPT, AFI_SAFI_IPV6_UNICAST, 0},
        {"BoRR", "0001 01 01", true, WIRE_ACCEPT, AFI_SAFI_IPV4_UNICAST, 1},
        {"EoRR", "0002 02 01", true, WIRE_ACCEPT, AFI_SAFI_IPV6_UNICAST, 2},
        {"another kind", "0001 07 01", true, WIRE_ACCEPT, AFI_SAFI_IPV4_UNICAST, 7},
        {"reserved octet without enhanced refresh", "0001 01 01", false, WIRE_ACCEPT,
         AFI_SAFI_IPV4_UNICAST, 0},
        {"another family", "0001 00 80", true, WIRE_ACCEPT, AFI_SAFI_NONE, 0},
        {"too short", "0001 00", false, WIRE_SESSION_RESET, AFI_SAFI_NONE, 0},
        {"empty", "", true, WIRE_SESSION_RESET, AFI_SAFI_NONE, 0},
        {"too long, enhanced", "0001 00 01 00", true, WIRE_SESSION_RESET, AFI_SAFI_NONE, 0},
        {"with filters, not enhanced", "0001 00 01 01 40 0000", false, WIRE_ACCEPT,
         AFI_SAFI_IPV4_UNICAST, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct byte_view body = octets_of(cases[i].body);
        struct route_refresh refresh;
        struct message_view message = {MESSAGE_ROUTE_REFRESH, body, body};
        struct wire_error error = route_refresh_decode(&message, cases[i].enhanced, &refresh);
        ck_assert_msg(error.disposition == cases[i].disposition, "%s", cases[i].promise);
        if (error.disposition == WIRE_ACCEPT) {
            ck_assert_msg(refresh.afi_safi == cases[i].family, "%s", cases[i].promise);
            ck_assert_msg(refresh.kind == cases[i].kind, "%s", cases[i].promise);
        } else {
            ck_assert_uint_eq(error.code, 7);
            ck_assert_uint_eq(error.subcode, 1);
        }
        free_octets(body);
    }
}
END_TEST

START_TEST(route_refresh_comes_back)
{
    for (int family = 0; family < AFI_SAFI_COUNT; family++) {
        for (uint8_t kind = 0; kind < 3; kind++) {
            uint8_t space[64];
            struct writer writer = writer_of(space, sizeof space);
            struct route_refresh sent = {(enum afi_safi)family, kind};
            struct route_refresh got;
            route_refresh_encode(&writer, &sent);
            ck_assert_uint_eq(writer_size(&writer), 23);
            struct message_view message = {MESSAGE_ROUTE_REFRESH, {space + 19, 4}, {space, 23}};
            ck_assert_int_eq(route_refresh_decode(&message, true, &got).disposition, WIRE_ACCEPT);
            ck_assert_int_eq(got.afi_safi, sent.afi_safi);
            ck_assert_uint_eq(got.kind, kind);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: streams of messages");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, messages_are_found_at_every_split_point);
    tcase_add_test(cases, a_marker_that_is_not_all_ones_is_refused_at_once);
    tcase_add_test(cases, lengths_are_held_to_the_bounds_of_each_type);
    tcase_add_test(cases, the_largest_messages_are_taken_whole);
    tcase_add_test(cases, keepalive_is_a_header);
    tcase_add_test(cases, messages_follow_each_other_in_one_writer);
    tcase_add_test(cases, notifications_come_back);
    tcase_add_test(cases, every_code_and_subcode_has_a_name);
    tcase_add_test(cases, shutdown_text_is_written_with_its_length);
    tcase_add_test(cases, route_refresh_is_read_as_negotiated);
    tcase_add_test(cases, route_refresh_comes_back);
    suite_add_tcase(suite, cases);
    return suite;
}
