/* RFC 4271 6.2 row by row, capabilities of every kind, and the round trip of what we send. */
#include <string.h>

#include "proto/message.h"
#include "proto/open.h"
#include "tests/unit/unit.h"

static struct open_message open_message;

/* version 4, AS 65001, hold time 180, identifier 1.2.3.4 */
static const uint8_t fixed[9] = {4, 0xfd, 0xe9, 0, 180, 1, 2, 3, 4};

static struct wire_error decode(const uint8_t *body, size_t size)
{
    return open_decode((struct byte_view){body, size}, &open_message);
}

/* The fixed part and one parameter with these capabilities. */
static struct wire_error decode_capabilities(const uint8_t *list, size_t size)
{
    static uint8_t body[300];
    struct writer writer = writer_of(body, sizeof body);
    writer_bytes(&writer, fixed, sizeof fixed);
    writer_u8(&writer, (uint8_t)(size + 2));
    writer_u8(&writer, 2);
    writer_u8(&writer, (uint8_t)size);
    writer_bytes(&writer, list, size);
    ck_assert(!writer.failed);
    return decode(body, writer_size(&writer));
}

static void check_a_good_open_is_taken(void)
{
    uint8_t body[10] = {0};
    memcpy(body, fixed, sizeof fixed);
    ck_assert_int_eq(decode(body, sizeof body).disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(open_message.asn, 65001);
    ck_assert_uint_eq(open_message.hold_time_s, 180);
    ck_assert_uint_eq(open_message.router_id, 0x01020304);
    ck_assert_uint_eq(open_message.capabilities.role, BGP_ROLE_NONE);
}

static void check_refused(struct wire_error error, uint8_t subcode)
{
    ck_assert_int_eq(error.disposition, WIRE_SESSION_RESET);
    ck_assert_uint_eq(error.code, NOTIFICATION_OPEN);
    ck_assert_uint_eq(error.subcode, subcode);
    check_a_good_open_is_taken();
}

START_TEST(another_version_is_2_1_with_ours_in_two_octets)
{
    for (unsigned version = 0; version < 256; version++) {
        uint8_t body[10] = {0};
        memcpy(body, fixed, sizeof fixed);
        body[0] = (uint8_t)version;
        struct wire_error error = decode(body, sizeof body);
        if (version == 4) {
            ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
            continue;
        }
        ck_assert_uint_eq(error.data.size, 2);
        ck_assert_uint_eq(load_be16(error.data.data), 4);
        check_refused(error, 1);
    }
}
END_TEST

START_TEST(as_0_is_2_2_in_either_place)
{
    static const uint8_t as4_zero[] = {65, 4, 0, 0, 0, 0};
    uint8_t body[10] = {0};
    memcpy(body, fixed, sizeof fixed);
    store_be16(body + 1, 0);
    check_refused(decode(body, sizeof body), 2);
    check_refused(decode_capabilities(as4_zero, sizeof as4_zero), 2);
}
END_TEST

START_TEST(identifier_0_is_2_3)
{
    uint8_t body[10] = {0};
    memcpy(body, fixed, 5);
    check_refused(decode(body, sizeof body), 3);
}
END_TEST

START_TEST(unknown_parameters_are_2_4)
{
    for (unsigned type = 0; type < 255; type++) {
        uint8_t body[12] = {0};
        memcpy(body, fixed, sizeof fixed);
        body[9] = 2;
        body[10] = (uint8_t)type;
        struct wire_error error = decode(body, sizeof body);
        if (type == 2) {
            ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
        } else {
            check_refused(error, 4);
        }
    }
}
END_TEST

START_TEST(hold_times_of_1_and_2_are_2_6)
{
    for (unsigned hold_time_s = 0; hold_time_s < 70000;
         hold_time_s += hold_time_s < 5 ? 1 : 13106) {
        uint8_t body[10] = {0};
        memcpy(body, fixed, sizeof fixed);
        store_be16(body + 3, (uint16_t)hold_time_s);
        struct wire_error error = decode(body, sizeof body);
        if (hold_time_s == 1 || hold_time_s == 2) {
            check_refused(error, 6);
        } else {
            ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
        }
    }
}
END_TEST

START_TEST(parameters_that_do_not_fill_the_message_are_2_0)
{
    static const uint8_t refresh[] = {2, 2, 2, 0};
    for (unsigned length = 0; length <= 8; length++) {
        uint8_t body[14];
        memcpy(body, fixed, sizeof fixed);
        body[9] = (uint8_t)length;
        memcpy(body + 10, refresh, sizeof refresh);
        struct wire_error error = decode(body, sizeof body);
        if (length == 4) {
            ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
            ck_assert(open_message.capabilities.route_refresh);
        } else {
            check_refused(error, 0);
        }
    }
    for (size_t size = 0; size < 10; size++) {
        check_refused(decode(fixed, size < sizeof fixed ? size : sizeof fixed), 0);
    }
}
END_TEST

START_TEST(capabilities_cut_short_are_2_0)
{
    static const uint8_t lists[][8] = {
        {1, 3, 0, 1, 0},
        {65, 3, 0, 0, 1},
        {64, 1, 0},
        {9, 0}, /* their own length too small */
        {2},    /* no length */
        {2, 1}, /* past the parameter */
        {1, 200, 0, 1, 0, 1},
    };
    static const size_t sizes[] = {5, 5, 3, 2, 1, 2, 6};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_refused(decode_capabilities(lists[i], sizes[i]), 0);
    }
}
END_TEST

START_TEST(repeated_and_unknown_capabilities_are_tolerated)
{
    static const uint8_t list[] = {200, 3, 1, 2, 3,  2, 0,  2, 0, 1, 4, 0, 1, 0,
                                   1,   1, 4, 0, 25, 0, 70, 1, 4, 0, 1, 0, 1};
    ck_assert_int_eq(decode_capabilities(list, sizeof list).disposition, WIRE_ACCEPT);
    ck_assert(open_message.capabilities.route_refresh);
    ck_assert(open_message.capabilities.has_any_multiprotocol);
    ck_assert_uint_eq(open_message.capabilities.families, AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST));
    ck_assert_uint_eq(open_message.raw_capabilities.size, sizeof list);
}
END_TEST

START_TEST(capabilities_may_come_in_several_parameters)
{
    uint8_t body[10 + 10];
    static const uint8_t parameters[] = {2, 2, 2, 0, 2, 4, 65, 2, 0, 1};
    static const uint8_t good[] = {2, 2, 2, 0, 2, 4, 70, 0, 6, 0};
    memcpy(body, fixed, sizeof fixed);
    body[9] = 10;
    memcpy(body + 10, good, sizeof good);
    ck_assert_int_eq(decode(body, sizeof body).disposition, WIRE_ACCEPT);
    ck_assert(open_message.capabilities.route_refresh);
    ck_assert(open_message.capabilities.enhanced_refresh);
    ck_assert(open_message.capabilities.extended_message);
    ck_assert_uint_eq(open_message.raw_capabilities.size, 0);
    memcpy(body + 10, parameters, sizeof parameters);
    check_refused(decode(body, sizeof body), 0);
}
END_TEST

START_TEST(the_as_is_the_four_octet_one)
{
    static const uint8_t list[] = {65, 4, 0xfa, 0x56, 0xea, 1};
    ck_assert_int_eq(decode_capabilities(list, sizeof list).disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(open_message.asn, 4200000001u);
    ck_assert(open_message.capabilities.as4);
}
END_TEST

START_TEST(add_path_modes_out_of_range_are_ignored)
{
    for (unsigned mode = 0; mode < 256; mode++) {
        const uint8_t list[] = {69, 8, 0, 1, 1, (uint8_t)mode, 0, 2, 1, 2};
        ck_assert_int_eq(decode_capabilities(list, sizeof list).disposition, WIRE_ACCEPT);
        ck_assert_uint_eq(open_message.capabilities.add_path[0], mode >= 1 && mode <= 3 ? mode : 0);
        ck_assert_uint_eq(open_message.capabilities.add_path[1], 2);
    }
}
END_TEST

static void check_round_trip(const struct open_message *sent)
{
    static uint8_t out[BGP_MESSAGE_BYTES_MAX];
    struct writer writer = writer_of(out, sizeof out);
    struct message_view view;
    struct wire_error error;
    size_t taken = 0;
    open_encode(&writer, sent);
    ck_assert(!writer.failed);
    ck_assert_int_eq(
        framer_next((struct byte_view){out, writer_size(&writer)}, 4096, &view, &taken, &error),
        STATUS_OK);
    ck_assert_int_eq(view.type, MESSAGE_OPEN);
    ck_assert_int_eq(decode(view.body.data, view.body.size).disposition, WIRE_ACCEPT);
    const struct capabilities *a = &sent->capabilities;
    const struct capabilities *b = &open_message.capabilities;
    ck_assert_uint_eq(open_message.asn, sent->asn);
    ck_assert_uint_eq(open_message.router_id, sent->router_id);
    ck_assert_uint_eq(open_message.hold_time_s, sent->hold_time_s);
    ck_assert_uint_eq(b->families, a->families);
    ck_assert_int_eq(b->route_refresh, a->route_refresh);
    ck_assert_int_eq(b->enhanced_refresh, a->enhanced_refresh);
    ck_assert_int_eq(b->extended_message, a->extended_message);
    ck_assert_int_eq(b->as4, a->as4);
    ck_assert_int_eq(b->graceful_restart, a->graceful_restart);
    ck_assert_int_eq(b->restart_state, a->restart_state);
    ck_assert_int_eq(b->restart_notification, a->restart_notification);
    ck_assert_uint_eq(b->restart_time_s, a->restart_time_s);
    ck_assert_uint_eq(b->gr_families, a->gr_families);
    ck_assert_uint_eq(b->gr_forwarding, a->gr_forwarding);
    ck_assert_int_eq(b->long_lived_gr, a->long_lived_gr);
    ck_assert_uint_eq(b->llgr_families, a->llgr_families);
    ck_assert_uint_eq(b->llgr_forwarding, a->llgr_forwarding);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        ck_assert_uint_eq(b->llgr_stale_time_s[family], a->llgr_stale_time_s[family]);
        ck_assert_uint_eq(b->add_path[family], a->add_path[family]);
    }
    ck_assert_uint_eq(b->extended_next_hop, a->extended_next_hop);
    ck_assert_uint_eq(b->role, a->role);
    ck_assert_int_eq(b->fqdn, a->fqdn);
    ck_assert_str_eq(b->hostname, a->hostname);
    ck_assert_str_eq(b->domain_name, a->domain_name);
}

START_TEST(every_capability_comes_back)
{
    struct open_message sent = {
        .asn = 65001, .hold_time_s = 9, .router_id = 0xc0a8ff01, .capabilities.role = 255};
    check_round_trip(&sent);
    sent.capabilities.route_refresh = true;
    check_round_trip(&sent);
    sent.asn = 4200000001u;
    sent.capabilities.as4 = true;
    sent.capabilities.enhanced_refresh = true;
    sent.capabilities.extended_message = true;
    for (unsigned families = 0; families < 4; families++) {
        sent.capabilities.families = families;
        sent.capabilities.graceful_restart = (families & 1) != 0;
        sent.capabilities.restart_state = families == 3;
        sent.capabilities.restart_notification = families == 1;
        sent.capabilities.restart_time_s = sent.capabilities.graceful_restart ? 4095 : 0;
        sent.capabilities.gr_families = sent.capabilities.graceful_restart ? families : 0;
        sent.capabilities.gr_forwarding = sent.capabilities.gr_families & 1;
        sent.capabilities.long_lived_gr = families == 3;
        sent.capabilities.llgr_families = families == 3 ? 3 : 0;
        sent.capabilities.llgr_forwarding = families == 3 ? 2 : 0;
        sent.capabilities.llgr_stale_time_s[0] = families == 3 ? 0xffffff : 0;
        sent.capabilities.llgr_stale_time_s[1] = families == 3 ? 0x010203 : 0;
        sent.capabilities.add_path[0] = (uint8_t)families;
        sent.capabilities.add_path[1] = (uint8_t)(families / 2);
        sent.capabilities.extended_next_hop = families & 1;
        sent.capabilities.role = (uint8_t)families;
        check_round_trip(&sent);
    }
    sent.capabilities.fqdn = true;
    memset(sent.capabilities.hostname, 'h', 64);
    memset(sent.capabilities.domain_name, 'd', 64);
    check_round_trip(&sent);
}
END_TEST

START_TEST(every_capability_has_a_name)
{
    static const uint8_t codes[] = {1, 2, 5, 6, 9, 64, 65, 69, 70, 71, 73};
    for (size_t i = 0; i < sizeof codes; i++) {
        ck_assert_str_ne(capability_name(codes[i]), capability_name(255));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: OPEN");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, another_version_is_2_1_with_ours_in_two_octets);
    tcase_add_test(cases, as_0_is_2_2_in_either_place);
    tcase_add_test(cases, identifier_0_is_2_3);
    tcase_add_test(cases, unknown_parameters_are_2_4);
    tcase_add_test(cases, hold_times_of_1_and_2_are_2_6);
    tcase_add_test(cases, parameters_that_do_not_fill_the_message_are_2_0);
    tcase_add_test(cases, capabilities_cut_short_are_2_0);
    tcase_add_test(cases, repeated_and_unknown_capabilities_are_tolerated);
    tcase_add_test(cases, capabilities_may_come_in_several_parameters);
    tcase_add_test(cases, the_as_is_the_four_octet_one);
    tcase_add_test(cases, add_path_modes_out_of_range_are_ignored);
    tcase_add_test(cases, every_capability_comes_back);
    tcase_add_test(cases, every_capability_has_a_name);
    suite_add_tcase(suite, cases);
    return suite;
}
