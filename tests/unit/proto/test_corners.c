/* Corners where a plain reading of the tables goes wrong: families nobody agreed on, AS4_PATH with
 * what AS_PATH may not hold, attributes an encoder could be asked to write and must not. */
#include <string.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/message.h"
#include "proto/open.h"
#include "proto/update.h"
#include "tests/unit/unit.h"

#define V4 AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define V6 AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)

#define BAD_ORIGIN  0x40, 1, 1, 9
#define GOOD_ORIGIN 0x40, 1, 1, 0
#define PATH_1_AS2  0x40, 2, 4, 2, 1, 0x5b, 0xa0 /* 23456 */
#define NEXT_HOP    0x40, 3, 4, 192, 0, 2, 1

static struct arena scratch;
static struct update update;

static void setup(void)
{
    arena_init(&scratch);
}

static void teardown(void)
{
    arena_fini(&scratch);
}

static struct update_options options_for(uint32_t families)
{
    return (struct update_options){
        .as4 = true, .is_ebgp = true, .families = families, .message_bytes_max = 4096};
}

/* An UPDATE with these attributes and this NLRI field. */
static void decode(const struct update_options *options, const uint8_t *attrs, size_t attrs_size,
                   const uint8_t *nlri, size_t nlri_size)
{
    static uint8_t body[512];
    struct writer writer = writer_of(body, sizeof body);
    writer_u16(&writer, 0);
    writer_u16(&writer, (uint16_t)attrs_size);
    writer_bytes(&writer, attrs, attrs_size);
    writer_bytes(&writer, nlri, nlri_size);
    ck_assert(!writer.failed);
    update_decode((struct byte_view){body, writer_size(&writer)}, options, &scratch, &update);
}

static const uint8_t net10[] = {8, 10};

START_TEST(error_beside_nlri_of_an_unnegotiated_family_hides_nothing)
{
    static const uint8_t mp_reach[] = {BAD_ORIGIN, 0x80, 14, 9, 0, 1, 1, 4, 1, 1, 1, 1, 0};
    static const uint8_t only_origin[] = {BAD_ORIGIN};
    struct update_options options = options_for(V6);
    decode(&options, mp_reach, sizeof mp_reach, NULL, 0);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
    decode(&options, only_origin, sizeof only_origin, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
    decode(&options, only_origin, sizeof only_origin, NULL, 0);
    ck_assert_int_eq(update.error.disposition, WIRE_SESSION_RESET);
}
END_TEST

START_TEST(end_of_rib_of_an_unnegotiated_family_is_none)
{
    static const uint8_t v6_end[] = {0x80, 15, 3, 0, 2, 1};
    static const uint8_t other_end[] = {0x80, 15, 3, 0, 25, 70};
    static const uint32_t families[] = {0, V4, V6, V4 | V6};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        struct update_options options = options_for(families[i]);
        decode(&options, NULL, 0, NULL, 0);
        ck_assert_uint_eq(update.end_of_rib, families[i] & V4);
        decode(&options, v6_end, sizeof v6_end, NULL, 0);
        ck_assert_uint_eq(update.end_of_rib, families[i] & V6);
        decode(&options, other_end, sizeof other_end, NULL, 0);
        ck_assert_uint_eq(update.end_of_rib, 0);
        ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    }
}
END_TEST

START_TEST(as4_path_may_not_smuggle_in_an_as_set)
{
    static const uint8_t attrs[] = {GOOD_ORIGIN, PATH_1_AS2, NEXT_HOP, 0xc0, 17, 6,
                                    1,           1,          0,        1,    0,  0};
    struct update_options options = options_for(V4);
    options.as4 = false;
    decode(&options, attrs, sizeof attrs, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert(as_path_has_set(update.attrs.as_path));
    options.reject_as_sets = true;
    decode(&options, attrs, sizeof attrs, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
}
END_TEST

START_TEST(as4_path_is_held_to_the_length_limit)
{
    static const uint8_t attrs[] = {GOOD_ORIGIN, PATH_1_AS2, NEXT_HOP, 0xc0, 17, 14, 1, 3, 0, 1,
                                    0,           0,          0,        1,    0,  1,  0, 1, 0, 2};
    struct update_options options = options_for(V4);
    options.as4 = false;
    options.as_path_count_max = 3;
    decode(&options, attrs, sizeof attrs, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    options.as_path_count_max = 2;
    decode(&options, attrs, sizeof attrs, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
}
END_TEST

START_TEST(plain_and_mp_routes_of_one_message_keep_their_own_next_hops)
{
    static const uint8_t attrs[] = {
        0x80, 14, 26, 0, 2, 1, 16, 0x20, 1,    0x0d, 0xb8, 0,    0,           0,    0, 0, 0,
        0,    0,  0,  0, 0, 1, 0,  32,   0x20, 1,    0x0d, 0xb8, GOOD_ORIGIN, 0x40, 2, 0, NEXT_HOP};
    struct update_options options = options_for(V4 | V6);
    struct ip_addr next_hop;
    decode(&options, attrs, sizeof attrs, net10, sizeof net10);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert_int_eq(ip_parse("192.0.2.1", &next_hop), STATUS_OK);
    ck_assert(ip_equal(&update.attrs.next_hop, &next_hop));
    ck_assert_int_eq(ip_parse("2001:db8::1", &next_hop), STATUS_OK);
    ck_assert(ip_equal(&update.mp_next_hop, &next_hop));
}
END_TEST

START_TEST(link_local_behind_the_unspecified_address_is_the_next_hop)
{
    uint8_t attrs[] = {0x80, 14, 42,   0, 2,    1,    32,          0,    0, 0, 0,    0,    0,
                       0,    0,  0,    0, 0,    0,    0,           0,    0, 0, 0xfe, 0x80, 0,
                       0,    0,  0,    0, 0,    0,    0,           0,    0, 0, 0,    0,    7,
                       0,    32, 0x20, 1, 0x0d, 0xb8, GOOD_ORIGIN, 0x40, 2, 0};
    struct update_options options = options_for(V6);
    struct ip_addr next_hop;
    decode(&options, attrs, sizeof attrs, NULL, 0);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert(!update.next_hop_unusable);
    ck_assert_int_eq(ip_parse("fe80::7", &next_hop), STATUS_OK);
    ck_assert(ip_equal(&update.attrs.next_hop, &next_hop));
    ck_assert_uint_eq(update.attrs.next_hop_link_local.family, IP_NONE);
    attrs[23] = 0; /* neither address is one */
    decode(&options, attrs, sizeof attrs, NULL, 0);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert(update.next_hop_unusable);
}
END_TEST

static struct path_attrs attrs_with(const char *next_hop)
{
    struct path_attrs attrs = {0};
    path_attrs_set(&attrs, PATH_ATTR_ORIGIN);
    path_attrs_set(&attrs, PATH_ATTR_AS_PATH);
    path_attrs_set(&attrs, PATH_ATTR_NEXT_HOP);
    if (next_hop != NULL) {
        ck_assert_int_eq(ip_parse(next_hop, &attrs.next_hop), STATUS_OK);
    }
    return attrs;
}

START_TEST(a_next_hop_the_session_cannot_carry_is_not_written)
{
    static const struct {
        const char *next_hop;
        enum afi_safi family;
        uint32_t extended_next_hop;
        enum status status;
    } cases[] = {
        {"192.0.2.1", AFI_SAFI_IPV4_UNICAST, 0, STATUS_OK},
        {"192.0.2.1", AFI_SAFI_IPV6_UNICAST, 0, STATUS_INVALID},
        {"2001:db8::1", AFI_SAFI_IPV6_UNICAST, 0, STATUS_OK},
        {"2001:db8::1", AFI_SAFI_IPV4_UNICAST, 0, STATUS_INVALID},
        {"2001:db8::1", AFI_SAFI_IPV4_UNICAST, V4, STATUS_OK},
        {NULL, AFI_SAFI_IPV4_UNICAST, V4, STATUS_INVALID},
        {NULL, AFI_SAFI_IPV6_UNICAST, V4, STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[4096];
        struct writer writer = writer_of(out, sizeof out);
        struct update_builder builder;
        struct update_options options = options_for(V4 | V6);
        struct path_attrs attrs = attrs_with(cases[i].next_hop);
        options.extended_next_hop = cases[i].extended_next_hop;
        ck_assert_int_eq(update_begin(&builder, &writer, &options, cases[i].family, &attrs),
                         cases[i].status);
        ck_assert_uint_eq(writer_size(&writer), 0);
    }
}
END_TEST

START_TEST(lists_without_members_are_not_written)
{
    uint8_t out[4096];
    struct writer writer = writer_of(out, sizeof out);
    struct update_builder builder;
    struct update_options options = options_for(V4);
    struct path_attrs attrs = attrs_with("192.0.2.1");
    struct nlri nlri = {0};
    path_attrs_set(&attrs, PATH_ATTR_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_EXT_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_LARGE_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_CLUSTER_LIST);
    ck_assert_int_eq(prefix_parse("10.0.0.0/8", &nlri.prefix), STATUS_OK);
    ck_assert_int_eq(update_begin(&builder, &writer, &options, AFI_SAFI_IPV4_UNICAST, &attrs),
                     STATUS_OK);
    ck_assert(update_add(&builder, &nlri));
    size_t length = update_finish(&builder, &writer);
    update_decode((struct byte_view){out + BGP_HEADER_BYTES, length - BGP_HEADER_BYTES}, &options,
                  &scratch, &update);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(update.attrs.present, PATH_ATTR_BIT(PATH_ATTR_ORIGIN) |
                                                PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                                                PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP));
}
END_TEST

/* RFC 9072 2: the one-octet length is ignored once the first parameter's type is 255. */
START_TEST(extended_open_parameters_do_not_need_the_length_255)
{
    static const uint8_t lengths[] = {1, 8, 254, 255};
    for (size_t i = 0; i < sizeof lengths; i++) {
        uint8_t body[] = {4, 0xfd, 0xe9, 0, 180, 1, 2, 3, 4, 0, 255, 0, 5, 2, 0, 2, 2, 0};
        body[9] = lengths[i];
        struct open_message open;
        struct wire_error error = open_decode((struct byte_view){body, sizeof body}, &open);
        ck_assert_int_eq(error.disposition, WIRE_ACCEPT);
        ck_assert(open.capabilities.route_refresh);
        body[9] = 0;
        error = open_decode((struct byte_view){body, sizeof body}, &open);
        ck_assert_int_eq(error.disposition, WIRE_SESSION_RESET);
        ck_assert_uint_eq(error.subcode, 0);
    }
}
END_TEST

START_TEST(shutdown_text_is_utf8_or_question_marks)
{
    static const struct {
        const char *wire; /* with its length octet */
        const char *text;
    } cases[] = {
        {"\x04"
         "back",
         "back"},
        {"\x03\xe2\x9c\x93", "\xe2\x9c\x93"},
        {"\x04\xf0\x9f\x9a\xa7", "\xf0\x9f\x9a\xa7"},
        {"\x03"
         "a\x1b"
         "b",
         "a?b"},
        {"\x02\xc2\x9b", "??"},           /* a control sequence introducer */
        {"\x02\xc2\xa7", "\xc2\xa7"},     /* a printable one */
        {"\x02\xc0\xaf", "??"},           /* overlong */
        {"\x03\xe0\x80\xaf", "???"},      /* overlong */
        {"\x03\xed\xa0\x80", "???"},      /* surrogate */
        {"\x04\xf4\x90\x80\x80", "????"}, /* past the last character */
        {"\x02\xe2\x9c", "??"},           /* cut off */
        {"\x05zzzz", ""},                 /* longer than the data */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint8_t subcode = 0; subcode < 12; subcode++) {
            char text[256];
            struct notification notification = {
                NOTIFICATION_CEASE,
                subcode,
                {(const uint8_t *)cases[i].wire, strlen(cases[i].wire)}};
            bool has_text = subcode == CEASE_ADMIN_SHUTDOWN || subcode == CEASE_ADMIN_RESET;
            shutdown_message_read(&notification, text);
            ck_assert_str_eq(text, has_text ? cases[i].text : "");
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: corners");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, error_beside_nlri_of_an_unnegotiated_family_hides_nothing);
    tcase_add_test(cases, end_of_rib_of_an_unnegotiated_family_is_none);
    tcase_add_test(cases, as4_path_may_not_smuggle_in_an_as_set);
    tcase_add_test(cases, as4_path_is_held_to_the_length_limit);
    tcase_add_test(cases, plain_and_mp_routes_of_one_message_keep_their_own_next_hops);
    tcase_add_test(cases, link_local_behind_the_unspecified_address_is_the_next_hop);
    tcase_add_test(cases, a_next_hop_the_session_cannot_carry_is_not_written);
    tcase_add_test(cases, lists_without_members_are_not_written);
    tcase_add_test(cases, extended_open_parameters_do_not_need_the_length_255);
    tcase_add_test(cases, shutdown_text_is_utf8_or_question_marks);
    suite_add_tcase(suite, cases);
    return suite;
}
