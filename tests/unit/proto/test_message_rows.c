/* RFC 4271 6.1 row by row: framing, and the messages without a grammar of their own. Every wrong
 * message is followed by a right one. */
#include <string.h>

#include "proto/message.h"
#include "tests/unit/unit.h"

static struct message_view message;
static struct wire_error error;
static size_t taken;

static enum status next(const uint8_t *data, size_t size, size_t bytes_max)
{
    return framer_next((struct byte_view){data, size}, bytes_max, &message, &taken, &error);
}

static void fill_header(uint8_t header[BGP_HEADER_BYTES], uint16_t length, uint8_t type)
{
    memset(header, 0xff, 16);
    store_be16(header + 16, length);
    header[18] = type;
}

static void check_a_keepalive_is_taken(void)
{
    uint8_t header[BGP_HEADER_BYTES];
    fill_header(header, BGP_HEADER_BYTES, MESSAGE_KEEPALIVE);
    ck_assert_int_eq(next(header, sizeof header, 4096), STATUS_OK);
    ck_assert_int_eq(message.type, MESSAGE_KEEPALIVE);
    ck_assert_uint_eq(message.body.size, 0);
    ck_assert_uint_eq(taken, BGP_HEADER_BYTES);
    ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
}

static void check_refused(uint8_t subcode, size_t data_size)
{
    ck_assert_int_eq(error.disposition, WIRE_SESSION_RESET);
    ck_assert_uint_eq(error.code, NOTIFICATION_HEADER);
    ck_assert_uint_eq(error.subcode, subcode);
    ck_assert_uint_eq(error.data.size, data_size);
    ck_assert_ptr_nonnull(error.what);
    check_a_keepalive_is_taken();
}

START_TEST(marker_with_any_bit_clear_is_1_1)
{
    for (unsigned octet = 0; octet < 16; octet++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t header[BGP_HEADER_BYTES];
            fill_header(header, BGP_HEADER_BYTES, MESSAGE_KEEPALIVE);
            header[octet] = (uint8_t)(header[octet] ^ 1u << bit);
            ck_assert_int_eq(next(header, sizeof header, 4096), STATUS_INVALID);
            check_refused(1, 0);
        }
    }
}
END_TEST

/* Lengths of every type, with and without RFC 8654; all of them up to where the bounds lie. */
START_TEST(length_out_of_bounds_is_1_2_with_the_length)
{
    static const struct {
        uint8_t type;
        uint32_t low, high;
    } bounds[] = {
        {MESSAGE_OPEN, 29, 4096},           {MESSAGE_UPDATE, 23, 65535},
        {MESSAGE_NOTIFICATION, 21, 65535},  {MESSAGE_KEEPALIVE, 19, 19},
        {MESSAGE_ROUTE_REFRESH, 19, 65535},
    };
    static uint8_t stream[65535];
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (uint32_t bytes_max = 4096; bytes_max <= 65535; bytes_max += 61439) {
            for (uint32_t length = 0; length <= 65535; length += length < 4200 ? 1 : 61) {
                uint32_t high = bounds[i].high < bytes_max ? bounds[i].high : bytes_max;
                bool fits = length >= bounds[i].low && length <= high;
                fill_header(stream, (uint16_t)length, bounds[i].type);
                enum status status = next(stream, sizeof stream, bytes_max);
                ck_assert_int_eq(status, fits ? STATUS_OK : STATUS_INVALID);
                if (!fits && error.subcode != 2) {
                    ck_abort_msg("type %u length %u: 1/%u", bounds[i].type, length, error.subcode);
                }
                if (!fits && length < 30) {
                    ck_assert_uint_eq(load_be16(error.data.data), length);
                    check_refused(2, 2);
                }
            }
        }
    }
}
END_TEST

START_TEST(unknown_type_is_1_3_with_the_type)
{
    for (unsigned type = 0; type < 256; type++) {
        uint8_t octets[29];
        fill_header(octets, type == MESSAGE_KEEPALIVE ? 19 : 29, (uint8_t)type);
        enum status status = next(octets, sizeof octets, 4096);
        bool is_known = type >= MESSAGE_OPEN && type <= MESSAGE_ROUTE_REFRESH;
        ck_assert_int_eq(status, is_known ? STATUS_OK : STATUS_INVALID);
        if (!is_known) {
            ck_assert_uint_eq(error.data.data[0], type);
            check_refused(3, 1);
        }
    }
}
END_TEST

START_TEST(a_message_is_taken_only_when_all_of_it_is_there)
{
    uint8_t octets[64];
    struct writer writer = writer_of(octets, sizeof octets);
    struct notification sent = {NOTIFICATION_CEASE, CEASE_ADMIN_RESET, {(const uint8_t *)"abc", 3}};
    notification_encode(&writer, &sent);
    size_t size = writer_size(&writer);
    keepalive_encode(&writer);
    for (size_t have = 0; have < size; have++) {
        ck_assert_int_eq(next(octets, have, 4096), STATUS_TRUNCATED);
        ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
    }
    for (size_t have = size; have <= writer_size(&writer); have++) {
        ck_assert_int_eq(next(octets, have, 4096), STATUS_OK);
        ck_assert_uint_eq(taken, size);
        ck_assert_int_eq(message.type, MESSAGE_NOTIFICATION);
    }
}
END_TEST

START_TEST(a_wrong_header_is_told_before_its_body_comes)
{
    uint8_t header[BGP_HEADER_BYTES];
    fill_header(header, 4097, MESSAGE_UPDATE);
    ck_assert_int_eq(next(header, sizeof header, 4096), STATUS_INVALID);
    check_refused(2, 2);
    fill_header(header, 4097, MESSAGE_UPDATE);
    ck_assert_int_eq(next(header, sizeof header, 65535), STATUS_TRUNCATED);
    fill_header(header, 100, 9);
    ck_assert_int_eq(next(header, sizeof header, 4096), STATUS_INVALID);
    check_refused(3, 1);
}
END_TEST

START_TEST(a_short_notification_is_never_answered)
{
    static const uint8_t octets[] = {6, 2, 4, 'b', 'a', 'c', 'k'};
    for (size_t size = 0; size <= sizeof octets; size++) {
        struct notification notification;
        struct wire_error found =
            notification_decode((struct byte_view){octets, size}, &notification);
        ck_assert_uint_eq(found.code, 0);
        ck_assert_int_eq(found.disposition, size < 2 ? WIRE_SESSION_RESET : WIRE_ACCEPT);
        if (size >= 2) {
            ck_assert_uint_eq(notification.code, NOTIFICATION_CEASE);
            ck_assert_uint_eq(notification.subcode, CEASE_ADMIN_SHUTDOWN);
            ck_assert_uint_eq(notification.data.size, size - 2);
        }
    }
}
END_TEST

START_TEST(a_notification_never_exceeds_4096_octets)
{
    static uint8_t data[65535];
    static uint8_t out[65535];
    struct notification sent = {NOTIFICATION_UPDATE, 9, {data, sizeof data}};
    struct writer writer = writer_of(out, sizeof out);
    notification_encode(&writer, &sent);
    ck_assert_uint_eq(writer_size(&writer), 4096);
    ck_assert_int_eq(next(out, writer_size(&writer), 4096), STATUS_OK);
}
END_TEST

START_TEST(every_code_has_names)
{
    for (unsigned code = 0; code < 256; code++) {
        ck_assert_uint_gt(strlen(notification_code_name((uint8_t)code)), 0);
        for (unsigned subcode = 0; subcode < 256; subcode++) {
            ck_assert_uint_gt(strlen(notification_subcode_name((uint8_t)code, (uint8_t)subcode)),
                              0);
        }
    }
    ck_assert_str_eq(notification_code_name(NOTIFICATION_CEASE), "Cease");
    ck_assert_str_eq(notification_subcode_name(NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN),
                     "Administrative Shutdown");
    ck_assert_str_eq(notification_subcode_name(NOTIFICATION_CEASE, CEASE_BFD_DOWN), "BFD Down");
}
END_TEST

START_TEST(shutdown_texts_are_cut_between_characters)
{
    char text[400];
    char read[256];
    uint8_t octets[300];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'a', lead);
        for (size_t i = lead; i + 3 < sizeof text; i += 3) {
            memcpy(text + i, "\xe2\x9c\x93", 4);
        }
        struct writer writer = writer_of(octets, sizeof octets);
        shutdown_message_write(&writer, text);
        struct notification sent = {
            NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN, {octets, writer_size(&writer)}};
        shutdown_message_read(&sent, read);
        ck_assert_uint_eq(strlen(read), lead + (255 - lead) / 3 * 3);
        ck_assert_int_eq(memcmp(read, text, strlen(read)), 0);
    }
}
END_TEST

/* A ROUTE-REFRESH as the framer gives it. */
static struct wire_error decode_refresh(const uint8_t *body, size_t size, bool enhanced,
                                        struct route_refresh *refresh)
{
    static uint8_t octets[64];
    fill_header(octets, (uint16_t)(BGP_HEADER_BYTES + size), MESSAGE_ROUTE_REFRESH);
    memcpy(octets + BGP_HEADER_BYTES, body, size);
    ck_assert_int_eq(next(octets, sizeof octets, 4096), STATUS_OK);
    return route_refresh_decode(&message, enhanced, refresh);
}

START_TEST(route_refresh_of_another_length_is_7_1_with_the_whole_message)
{
    static const uint8_t octets[] = {0, 2, 1, 1, 9, 9};
    for (size_t size = 0; size <= sizeof octets; size++) {
        struct route_refresh refresh;
        struct wire_error found = decode_refresh(octets, size, true, &refresh);
        if (size != 4) {
            ck_assert_int_eq(found.disposition, WIRE_SESSION_RESET);
            ck_assert_uint_eq(found.code, NOTIFICATION_ROUTE_REFRESH);
            ck_assert_uint_eq(found.subcode, 1);
            ck_assert_uint_eq(found.data.size, BGP_HEADER_BYTES + size);
            ck_assert_uint_eq(load_be16(found.data.data + 16), BGP_HEADER_BYTES + size);
            ck_assert_int_eq(memcmp(found.data.data + BGP_HEADER_BYTES, octets, size), 0);
        } else {
            ck_assert_int_eq(found.disposition, WIRE_ACCEPT);
            ck_assert_int_eq(refresh.afi_safi, AFI_SAFI_IPV6_UNICAST);
            ck_assert_uint_eq(refresh.kind, ROUTE_REFRESH_BEGIN);
        }
    }
}
END_TEST

START_TEST(route_refresh_of_an_unknown_family_is_tolerated)
{
    static const uint8_t octets[] = {0, 25, 0, 70};
    struct route_refresh refresh;
    ck_assert_int_eq(decode_refresh(octets, 4, true, &refresh).disposition, WIRE_ACCEPT);
    ck_assert_int_eq(refresh.afi_safi, AFI_SAFI_NONE);
}
END_TEST

START_TEST(without_enhanced_refresh_the_subtype_is_reserved)
{
    static const uint8_t octets[] = {0, 1, 2, 1};
    struct route_refresh refresh;
    ck_assert_int_eq(decode_refresh(octets, 4, false, &refresh).disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(refresh.kind, ROUTE_REFRESH_REQUEST);
    ck_assert_int_eq(refresh.afi_safi, AFI_SAFI_IPV4_UNICAST);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: messages");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, marker_with_any_bit_clear_is_1_1);
    tcase_add_test(cases, length_out_of_bounds_is_1_2_with_the_length);
    tcase_add_test(cases, unknown_type_is_1_3_with_the_type);
    tcase_add_test(cases, a_message_is_taken_only_when_all_of_it_is_there);
    tcase_add_test(cases, a_wrong_header_is_told_before_its_body_comes);
    tcase_add_test(cases, a_short_notification_is_never_answered);
    tcase_add_test(cases, a_notification_never_exceeds_4096_octets);
    tcase_add_test(cases, every_code_has_names);
    tcase_add_test(cases, shutdown_texts_are_cut_between_characters);
    tcase_add_test(cases, route_refresh_of_another_length_is_7_1_with_the_whole_message);
    tcase_add_test(cases, route_refresh_of_an_unknown_family_is_tolerated);
    tcase_add_test(cases, without_enhanced_refresh_the_subtype_is_reserved);
    suite_add_tcase(suite, cases);
    return suite;
}
