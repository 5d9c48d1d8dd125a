/* OPEN: the errors of RFC 4271 6.2 that need no configuration, capabilities known, unknown,
 * repeated and malformed, the extended parameters of RFC 9072, and what we write ourselves. */
#include <stdio.h>

#include "proto/message.h"
#include "proto/open.h"
#include "tests/unit/proto/octets.h"

/* Version 4, AS 65001, hold time 90 s, identifier 10.0.0.1. */
#define HEAD "04 fde9 005a 0a000001 "

static struct open_message open_got;

static struct wire_error decode(const char *text)
{
    struct byte_view body = octets_of(text);
    struct wire_error error = open_decode(body, &open_got);
    free_octets(body);
    open_got.raw_capabilities = (struct byte_view){NULL, 0};
    return error;
}

static void assert_valid_open_is_accepted(void)
{
    struct wire_error error = decode(HEAD "08 02 06 41 04 0000fde9");
    ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
    ck_assert(open_got.capabilities.as4);
    ck_assert_uint_eq(open_got.asn, 65001);
}

START_TEST(malformed_opens_are_refused_as_the_table_says)
{
    static const struct {
        const char *promise;
        const char *body;
        uint8_t subcode;
        const char *data;
    } rows[] = {
        {"version 3", "03 fde9 005a 0a000001 00", 1, "0004"},
        {"version 5", "05 fde9 005a 0a000001 00", 1, "0004"},
        {"version 0 before all else", "00 0000 0001 00000000 ff", 1, "0004"},
        {"AS 0", "04 0000 005a 0a000001 00", 2, ""},
        {"AS 0 in the capability", HEAD "08 02 06 41 04 00000000", 2, ""},
        {"identifier 0", "04 fde9 005a 00000000 00", 3, ""},
        {"hold time 1", "04 fde9 0001 0a000001 00", 6, ""},
        {"hold time 2", "04 fde9 0002 0a000001 00", 6, ""},
        {"parameter type 1", HEAD "03 01 01 00", 4, ""},
        {"parameter type 3 behind capabilities", HEAD "06 02 02 02 00 03 00", 4, ""},
        {"parameter type 255 behind capabilities", HEAD "06 02 02 02 00 ff 00", 4, ""},
        {"parameters past the message", HEAD "08 02 02 02 00", 0, ""},
        {"octets behind the parameters", HEAD "04 02 02 02 00 00", 0, ""},
        {"octets behind no parameters", HEAD "00 02 02 02 00", 0, ""},
        {"a parameter past the parameters", HEAD "04 02 04 02 00", 0, ""},
        {"a parameter without a length", HEAD "01 02", 0, ""},
        {"a capability past the parameter", HEAD "06 02 04 41 04 0000", 0, ""},
        {"a capability without a length", HEAD "03 02 01 41", 0, ""},
        {"multiprotocol of 3 octets", HEAD "07 02 05 01 03 000100", 0, ""},
        {"multiprotocol of 5 octets", HEAD "09 02 07 01 05 0001000100", 0, ""},
        {"AS4 of 2 octets", HEAD "06 02 04 41 02 fde9", 0, ""},
        {"AS4 of 6 octets", HEAD "0a 02 08 41 06 0000fde90000", 0, ""},
        {"role of no octets", HEAD "04 02 02 09 00", 0, ""},
        {"role of 2 octets", HEAD "06 02 04 09 02 0303", 0, ""},
        {"graceful restart of 1 octet", HEAD "05 02 03 40 01 00", 0, ""},
        {"graceful restart with half a family", HEAD "08 02 06 40 04 0078 0001", 0, ""},
        {"long-lived restart with half a family", HEAD "07 02 05 47 03 000101", 0, ""},
        {"add-path with half a family", HEAD "06 02 04 45 02 0001", 0, ""},
        {"extended next hop with half a family", HEAD "07 02 05 05 03 000100", 0, ""},
        {"a malformed capability behind good ones", HEAD "0b 02 09 02 00 46 00 09 00 41 01 00", 0,
         ""},
        {"two roles", HEAD "08 02 06 09 01 03 09 01 00", 11, ""},
        {"two roles in two parameters", HEAD "0a 02 03 09 01 03 02 03 09 01 00", 11, ""},
        {"extended parameters past the message", HEAD "ff ff 0006 02 0002 02 00", 0, ""},
        {"extended parameters short of the message", HEAD "ff ff 0004 02 0002 02 00", 0, ""},
        {"an extended parameter past the parameters", HEAD "ff ff 0005 02 0003 02 00", 0, ""},
        {"an extended parameter of unknown type", HEAD "ff ff 0005 01 0002 02 00", 4, ""},
        {"half an extended length", HEAD "ff ff 00", 0, ""},
        {"no extended length", HEAD "01 ff", 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct byte_view body = octets_of(rows[i].body);
        struct byte_view data = octets_of(rows[i].data);
        struct wire_error error = open_decode(body, &open_got);
        ck_assert_msg(error.disposition == WIRE_SESSION_RESET, "%s", rows[i].promise);
        ck_assert_uint_eq(error.code, 2);
        ck_assert_msg(error.subcode == rows[i].subcode, "%s: subcode %u", rows[i].promise,
                      error.subcode);
        ck_assert_msg(byte_view_equal(error.data, data), "%s: data", rows[i].promise);
        ck_assert_ptr_nonnull(error.what);
        free_octets(body);
        free_octets(data);
        assert_valid_open_is_accepted();
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    struct byte_view whole =
        octets_of(HEAD "1c 02 1a 01 04 00010001 41 04 0000fde9 40 06 0078 00010180 45 04 00010103");
    ck_assert_int_eq(open_decode(whole, &open_got).disposition, WIRE_ACCEPT);
    for (size_t size = 0; size < whole.size; size++) {
        struct byte_view body = exact_copy(whole.data, size);
        struct wire_error error = open_decode(body, &open_got);
        ck_assert_int_eq(error.disposition, WIRE_SESSION_RESET);
        ck_assert_uint_eq(error.code, 2);
        ck_assert_uint_eq(error.subcode, 0);
        free_octets(body);
    }
    free_octets(whole);
}
END_TEST

START_TEST(a_plain_open_has_no_capabilities)
{
    ck_assert_int_eq(decode(HEAD "00").disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(open_got.asn, 65001);
    ck_assert_uint_eq(open_got.hold_time_s, 90);
    ck_assert_uint_eq(open_got.router_id, 0x0a000001);
    ck_assert_uint_eq(open_got.capabilities.families, 0);
    ck_assert(!open_got.capabilities.has_any_multiprotocol);
    ck_assert(!open_got.capabilities.as4);
    ck_assert_uint_eq(open_got.capabilities.role, BGP_ROLE_NONE);
}
END_TEST

START_TEST(hold_times_0_and_from_3_on_are_accepted)
{
    for (uint32_t hold = 0; hold < 65536; hold++) {
        uint8_t body[10] = {4, 0xfd, 0xe9, (uint8_t)(hold >> 8), (uint8_t)hold, 10, 0, 0, 1, 0};
        struct wire_error error = open_decode((struct byte_view){body, 10}, &open_got);
        bool is_refused = hold == 1 || hold == 2;
        ck_assert_int_eq(error.disposition, is_refused ? WIRE_SESSION_RESET : WIRE_ACCEPT);
        ck_assert(is_refused || open_got.hold_time_s == hold);
    }
}
END_TEST

/* Three ways to send the same, RFC 5492 4. */
START_TEST(capabilities_may_share_or_have_parameters_of_their_own)
{
    static const char *const bodies[] = {
        HEAD "10 02 0e 01 04 00020001 02 00 41 04 00010001",
        HEAD "14 02 06 01 04 00020001 02 02 02 00 02 06 41 04 00010001",
        HEAD "12 02 08 01 04 00020001 02 00 02 06 41 04 00010001",
        HEAD "ff ff 0011 02 000e 01 04 00020001 02 00 41 04 00010001",
        HEAD "ff ff 0017 02 0006 01 04 00020001 02 0002 02 00 02 0006 41 04 00010001",
        HEAD "01 ff 0011 02 000e 01 04 00020001 02 00 41 04 00010001",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct wire_error error = decode(bodies[i]);
        ck_assert_msg(error.disposition == WIRE_ACCEPT, "%zu: %s", i, error.what);
        ck_assert_uint_eq(open_got.capabilities.families, IPV6_BIT);
        ck_assert(open_got.capabilities.route_refresh);
        ck_assert_uint_eq(open_got.asn, 65537);
    }
}
END_TEST

START_TEST(unknown_repeated_and_empty_capabilities_are_tolerated)
{
    static const char *const bodies[] = {
        HEAD "04 02 02 fe 00",                         /* unknown */
        HEAD "07 02 05 fe 03 ffffff",                  /* unknown, with octets */
        HEAD "04 02 02 80 00",                         /* the refresh of long ago */
        HEAD "02 02 00",                               /* an empty parameter */
        HEAD "06 02 04 02 00 02 00",                   /* twice */
        HEAD "0e 02 0c 01 04 00010001 01 04 00010001", /* twice */
        HEAD "08 02 06 09 01 03 09 01 03",             /* the same role twice */
        HEAD "08 02 06 01 04 00190046",                /* a family we do not know */
        HEAD "05 02 03 02 01 00",                      /* a flag with an octet */
        HEAD "06 02 04 49 02 ff61",                    /* a broken host name */
        HEAD "04 02 02 49 00",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct wire_error error = decode(bodies[i]);
        ck_assert_msg(error.disposition == WIRE_ACCEPT, "%zu: %s", i, error.what);
        ck_assert_uint_eq(open_got.asn, 65001);
    }
}
END_TEST

START_TEST(families_we_do_not_know_count_as_multiprotocol)
{
    ck_assert_int_eq(decode(HEAD "08 02 06 01 04 00190046").disposition, WIRE_ACCEPT);
    ck_assert(open_got.capabilities.has_any_multiprotocol);
    ck_assert_uint_eq(open_got.capabilities.families, 0);
}
END_TEST

START_TEST(capabilities_per_family_are_read)
{
    struct wire_error error = decode(HEAD "44 02 42 01 04 00010001 01 04 00020001"
                                          "40 0e c078 00010180 00020100 00190100"
                                          "47 0e 00010180 000e10 00020100 ffffff"
                                          "45 0c 00010103 00020101 00014003 05 06 0001 0001 0002");
    ck_assert_msg(error.disposition == WIRE_ACCEPT, "%s", error.what);
    const struct capabilities *got = &open_got.capabilities;
    ck_assert_uint_eq(got->families, IPV4_BIT | IPV6_BIT);
    ck_assert(got->graceful_restart && got->restart_state && got->restart_notification);
    ck_assert_uint_eq(got->restart_time_s, 120);
    ck_assert_uint_eq(got->gr_families, IPV4_BIT | IPV6_BIT);
    ck_assert_uint_eq(got->gr_forwarding, IPV4_BIT);
    ck_assert_uint_eq(got->llgr_families, IPV4_BIT | IPV6_BIT);
    ck_assert_uint_eq(got->llgr_forwarding, IPV4_BIT);
    ck_assert_uint_eq(got->llgr_stale_time_s[AFI_SAFI_IPV4_UNICAST], 3600);
    ck_assert_uint_eq(got->llgr_stale_time_s[AFI_SAFI_IPV6_UNICAST], 0xffffff);
    ck_assert_uint_eq(got->add_path[AFI_SAFI_IPV4_UNICAST], ADD_PATH_RECEIVE | ADD_PATH_SEND);
    ck_assert_uint_eq(got->add_path[AFI_SAFI_IPV6_UNICAST], ADD_PATH_RECEIVE);
    ck_assert_uint_eq(got->extended_next_hop, IPV4_BIT);
}
END_TEST

START_TEST(the_last_graceful_restart_counts)
{
    ck_assert_int_eq(decode(HEAD "10 02 0e 40 06 8078 00010180 40 02 003c 02 00").disposition,
                     WIRE_ACCEPT);
    ck_assert_uint_eq(open_got.capabilities.gr_families, 0);
    ck_assert_uint_eq(open_got.capabilities.restart_time_s, 60);
    ck_assert(!open_got.capabilities.restart_state);
}
END_TEST

START_TEST(host_names_are_printable_and_cut)
{
    ck_assert_int_eq(decode(HEAD "0b 02 09 49 07 03 611b63 02 6465").disposition, WIRE_ACCEPT);
    ck_assert_str_eq(open_got.capabilities.hostname, "a?c");
    ck_assert_str_eq(open_got.capabilities.domain_name, "de");
    uint8_t body[10 + 2 + 2 + 2 + 200] = {4, 0xfd, 0xe9, 0,   90, 10,  0,  0,
                                          1, 206,  2,    204, 73, 202, 200};
    memset(body + 15, 'h', 200);
    ck_assert_int_eq(open_decode((struct byte_view){body, sizeof body}, &open_got).disposition,
                     WIRE_ACCEPT);
    ck_assert_uint_eq(strlen(open_got.capabilities.hostname), 64);
}
END_TEST

static struct byte_view encode(const struct open_message *open)
{
    static uint8_t space[4096];
    struct writer writer = writer_of(space, sizeof space);
    open_encode(&writer, open);
    ck_assert(!writer.failed);
    return exact_copy(space, writer_size(&writer));
}

static void assert_comes_back(const struct open_message *sent)
{
    struct byte_view message = encode(sent);
    struct message_view view;
    struct wire_error error;
    size_t taken;
    ck_assert_int_eq(framer_next(message, 4096, &view, &taken, &error), STATUS_OK);
    ck_assert_int_eq(view.type, MESSAGE_OPEN);
    error = open_decode(view.body, &open_got);
    ck_assert_msg(error.disposition == WIRE_ACCEPT, "%s", error.what);
    struct byte_view again = encode(&open_got);
    ck_assert(byte_view_equal(message, again));
    ck_assert_uint_eq(open_got.asn, sent->asn);
    ck_assert_uint_eq(open_got.router_id, sent->router_id);
    ck_assert_uint_eq(open_got.hold_time_s, sent->hold_time_s);
    ck_assert_uint_eq(open_got.capabilities.families, sent->capabilities.families);
    ck_assert_uint_eq(open_got.capabilities.role, sent->capabilities.role);
    ck_assert_uint_eq(open_got.capabilities.gr_families, sent->capabilities.gr_families);
    ck_assert_uint_eq(open_got.capabilities.llgr_stale_time_s[1],
                      sent->capabilities.llgr_stale_time_s[1]);
    ck_assert_str_eq(open_got.capabilities.hostname, sent->capabilities.hostname);
    free_octets(message);
    free_octets(again);
}

/* Every set of the capabilities that are on or off. */
START_TEST(every_set_of_capabilities_comes_back)
{
    for (unsigned set = 0; set < 4096; set++) {
        struct open_message open = {.asn = 65001, .hold_time_s = 90, .router_id = 0x0a000001};
        struct capabilities *offered = &open.capabilities;
        offered->families = set & 3;
        offered->route_refresh = (set & 4) != 0;
        offered->enhanced_refresh = (set & 8) != 0;
        offered->extended_message = (set & 16) != 0;
        offered->as4 = (set & 32) != 0;
        offered->role = (set & 64) != 0 ? BGP_ROLE_CUSTOMER : BGP_ROLE_NONE;
        offered->graceful_restart = (set & 128) != 0;
        if (offered->graceful_restart) {
            offered->restart_time_s = 120;
            offered->gr_families = offered->gr_forwarding = set & 3;
        }
        offered->long_lived_gr = (set & 256) != 0;
        if (offered->long_lived_gr) {
            offered->llgr_families = set & 3;
            offered->llgr_stale_time_s[1] = (set & 2) != 0 ? 0xabcdef : 0;
        }
        offered->add_path[0] = (set & 512) != 0 ? ADD_PATH_SEND : 0;
        offered->extended_next_hop = (set & 1024) != 0 ? IPV4_BIT : 0;
        offered->fqdn = (set & 2048) != 0;
        if (offered->fqdn) {
            snprintf(offered->hostname, sizeof offered->hostname, "ce-1");
        }
        if (offered->as4) {
            open.asn = 4200000000u;
        }
        assert_comes_back(&open);
    }
}
END_TEST

START_TEST(large_as_numbers_are_as_trans_in_the_old_field)
{
    struct open_message open = {.asn = 65536, .hold_time_s = 9, .router_id = 1};
    open.capabilities.role = BGP_ROLE_NONE;
    open.capabilities.as4 = true;
    struct byte_view message = encode(&open);
    ck_assert_uint_eq(load_be16(message.data + 20), 23456);
    free_octets(message);
    open.asn = 65535;
    message = encode(&open);
    ck_assert_uint_eq(load_be16(message.data + 20), 65535);
    free_octets(message);
}
END_TEST

START_TEST(raw_capabilities_are_shown_as_received)
{
    struct byte_view body = octets_of(HEAD "06 02 04 02 00 fe 00");
    ck_assert_int_eq(open_decode(body, &open_got).disposition, WIRE_ACCEPT);
    assert_octets(open_got.raw_capabilities, "02 00 fe 00");
    free_octets(body);
    body = octets_of(HEAD "08 02 02 02 00 02 02 fe 00");
    ck_assert_int_eq(open_decode(body, &open_got).disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(open_got.raw_capabilities.size, 0);
    free_octets(body);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: malformed OPEN");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, malformed_opens_are_refused_as_the_table_says);
    tcase_add_test(cases, every_truncation_is_refused);
    tcase_add_test(cases, a_plain_open_has_no_capabilities);
    tcase_add_test(cases, hold_times_0_and_from_3_on_are_accepted);
    tcase_add_test(cases, capabilities_may_share_or_have_parameters_of_their_own);
    tcase_add_test(cases, unknown_repeated_and_empty_capabilities_are_tolerated);
    tcase_add_test(cases, families_we_do_not_know_count_as_multiprotocol);
    tcase_add_test(cases, capabilities_per_family_are_read);
    tcase_add_test(cases, the_last_graceful_restart_counts);
    tcase_add_test(cases, host_names_are_printable_and_cut);
    tcase_add_test(cases, every_set_of_capabilities_comes_back);
    tcase_add_test(cases, large_as_numbers_are_as_trans_in_the_old_field);
    tcase_add_test(cases, raw_capabilities_are_shown_as_received);
    suite_add_tcase(suite, cases);
    return suite;
}
