/* Addresses and prefixes: text, order, containment. */
#include <string.h>

#include "proto/base/random.h"
#include "proto/prefix.h"
#include "tests/unit/unit.h"

START_TEST(addresses_are_written_in_the_one_way_of_rfc_5952)
{
    static const char *const cases[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one zero group is not shortened */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of equals */
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip_addr addr;
        char text[IP_TEXT_BYTES];
        ck_assert_msg(ip_parse(cases[i][0], &addr) == STATUS_OK, "%s", cases[i][0]);
        ck_assert_str_eq(ip_format(&addr, text), cases[i][1]);
    }
    char text[IP_TEXT_BYTES];
    ck_assert_str_eq(ip_format(&(struct ip_addr){.family = IP_NONE}, text), "-");
}
END_TEST

START_TEST(text_that_is_no_address_is_refused_and_changes_nothing)
{
    static const char *const cases[] = {
        "",
        " ",
        "1",
        "1.2.3",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4/8",
        "1.2.3.-4",
        "1..2.3",
        "0x1.2.3.4",
        "1.2.3.4a",
        ":",
        ":::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        "1::2::3",
        "12345::",
        "g::",
        "::1.2.3",
        "::1.2.3.4.5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "fe80::1%eth0",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "localhost",
        "1::2:3:4:5:6:7:",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip_addr addr = {.family = 77};
        ck_assert_msg(ip_parse(cases[i], &addr) == STATUS_INVALID, "'%s'", cases[i]);
        ck_assert_uint_eq(addr.family, 77);
    }
}
END_TEST

START_TEST(random_addresses_read_back)
{
    struct random_source random;
    random_init(&random, 4);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[16];
        char text[IP_TEXT_BYTES];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = random_below(&random, 2) == 0 ? 0 : (uint8_t)random_below(&random, 256);
        }
        struct ip_addr addr = ip_from_bytes(bytes, random_below(&random, 2) == 0 ? 4 : 16);
        struct ip_addr again;
        ck_assert_int_eq(ip_parse(ip_format(&addr, text), &again), STATUS_OK);
        ck_assert(ip_equal(&addr, &again));
    }
}
END_TEST

START_TEST(prefixes_are_strict_or_loose)
{
    static const struct {
        const char *text;
        const char *strict; /* NULL: refused */
        const char *loose;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"},
        {"10.0.0.1/8", NULL, "10.0.0.0/8"},
        {"10.0.0.1", NULL, "10.0.0.1/32"},
        {"10.0.0.1/32", "10.0.0.1/32", "10.0.0.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"},
        {"10.51.230.0/23", "10.51.230.0/23", "10.51.230.0/23"},
        {"10.51.231.0/23", NULL, "10.51.230.0/23"},
        {"2001:db8::/32", "2001:db8::/32", "2001:db8::/32"},
        {"2001:db8::1/127", NULL, "2001:db8::/127"},
        {"::1", NULL, "::1/128"},
        {"10.0.0.0/33", NULL, NULL},
        {"::/129", NULL, NULL},
        {"10.0.0.0/", NULL, NULL},
        {"10.0.0.0/08", NULL, NULL},
        {"10.0.0.0/8 ", NULL, NULL},
        {"10.0.0.0/-1", NULL, NULL},
        {"10.0.0.0/8/8", NULL, NULL},
        {"10/8", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct prefix prefix;
        char text[PREFIX_TEXT_BYTES];
        ck_assert_int_eq(prefix_parse(cases[i].text, &prefix),
                         cases[i].strict == NULL ? STATUS_INVALID : STATUS_OK);
        if (cases[i].strict != NULL) {
            ck_assert_str_eq(prefix_format(&prefix, text), cases[i].strict);
        }
        ck_assert_int_eq(prefix_parse_loose(cases[i].text, &prefix),
                         cases[i].loose == NULL ? STATUS_INVALID : STATUS_OK);
        if (cases[i].loose != NULL) {
            ck_assert_str_eq(prefix_format(&prefix, text), cases[i].loose);
        }
    }
}
END_TEST

static struct prefix prefix_of(const char *text)
{
    struct prefix prefix;
    ck_assert_msg(prefix_parse(text, &prefix) == STATUS_OK, "%s", text);
    return prefix;
}

/* All prefixes of the top four bits, of both families: order and containment by their definition.
 */
START_TEST(order_and_containment_follow_the_bits)
{
    struct prefix all[64];
    size_t count = 0;
    for (unsigned family = IP_V4; family <= IP_V6; family += 2) {
        for (uint8_t len_bits = 0; len_bits <= 4; len_bits++) {
            for (unsigned value = 0; value < 1u << len_bits; value++) {
                all[count] = (struct prefix){.family = (uint8_t)family, .len_bits = len_bits};
                all[count++].bytes[0] = len_bits == 0 ? 0 : (uint8_t)(value << (8 - len_bits));
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const struct prefix *a = &all[i];
            const struct prefix *b = &all[j];
            bool contains = a->family == b->family && a->len_bits <= b->len_bits;
            for (unsigned bit = 0; bit < a->len_bits && contains; bit++) {
                contains = prefix_bit(a->bytes, bit) == prefix_bit(b->bytes, bit);
            }
            ck_assert_int_eq(prefix_contains(a, b), contains);
            struct ip_addr inside = prefix_addr(b);
            struct prefix host = prefix_host(&inside);
            ck_assert_int_eq(prefix_contains_ip(a, &inside), prefix_contains(a, &host));
            int order = prefix_compare(a, b);
            ck_assert_int_eq(order == 0, i == j);
            ck_assert_int_eq(prefix_equal(a, b), i == j);
            ck_assert_int_eq(order<0, prefix_compare(b, a)> 0);
            if (i != j && contains) {
                ck_assert_int_lt(order, 0);
            }
        }
    }
}
END_TEST

START_TEST(kinds_of_addresses_are_told_apart)
{
    static const struct {
        const char *text;
        bool unspecified, loopback, multicast, link_local, usable;
    } cases[] = {
        {"0.0.0.0", true, false, false, false, false},
        {"0.1.2.3", false, false, false, false, false},
        {"1.0.0.0", false, false, false, false, true},
        {"127.0.0.1", false, true, false, false, false},
        {"169.254.21.2", false, false, false, false, true}, /* APIPA: Azure's tunnels use it */
        {"223.255.255.255", false, false, false, false, true},
        {"224.0.0.1", false, false, true, false, false},
        {"240.0.0.1", false, false, false, false, false},
        {"255.255.255.255", false, false, false, false, false},
        {"::", true, false, false, false, false},
        {"::1", false, true, false, false, false},
        {"::2", false, false, false, false, true},
        {"fe80::1", false, false, false, true, true},
        {"febf::1", false, false, false, true, true},
        {"fec0::1", false, false, false, false, true},
        {"ff02::1", false, false, true, false, false},
        {"2001:db8::1", false, false, false, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip_addr addr;
        ck_assert_int_eq(ip_parse(cases[i].text, &addr), STATUS_OK);
        ck_assert_int_eq(ip_is_unspecified(&addr), cases[i].unspecified);
        ck_assert_int_eq(ip_is_loopback(&addr), cases[i].loopback);
        ck_assert_int_eq(ip_is_multicast(&addr), cases[i].multicast);
        ck_assert_int_eq(ip_is_link_local(&addr), cases[i].link_local);
        ck_assert_int_eq(ip_is_usable_next_hop(&addr), cases[i].usable);
    }
    struct ip_addr none = {.family = IP_NONE};
    ck_assert(!ip_is_unspecified(&none) && !ip_is_usable_next_hop(&none));
    ck_assert_uint_eq(ip_from_bytes((const uint8_t *)"12345", 5).family, IP_NONE);
}
END_TEST

START_TEST(numbers_and_addresses_convert)
{
    struct ip_addr addr = ip_from_v4(0xc0a8ff01);
    char text[IP_TEXT_BYTES];
    ck_assert_str_eq(ip_format(&addr, text), "192.168.255.1");
    ck_assert_uint_eq(ip_to_v4(&addr), 0xc0a8ff01);
    struct ip_addr larger = ip_from_v4(0xc0a8ff02);
    ck_assert_int_lt(ip_compare(&addr, &larger), 0);
    ck_assert_int_gt(ip_compare(&larger, &addr), 0);
    struct prefix all = prefix_of("0.0.0.0/0");
    struct prefix all_v6 = prefix_of("::/0");
    ck_assert(prefix_contains_ip(&all, &addr));
    ck_assert(!prefix_contains_ip(&all_v6, &addr));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: addresses and prefixes");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, addresses_are_written_in_the_one_way_of_rfc_5952);
    tcase_add_test(cases, text_that_is_no_address_is_refused_and_changes_nothing);
    tcase_add_test(cases, random_addresses_read_back);
    tcase_add_test(cases, prefixes_are_strict_or_loose);
    tcase_add_test(cases, order_and_containment_follow_the_bits);
    tcase_add_test(cases, kinds_of_addresses_are_told_apart);
    tcase_add_test(cases, numbers_and_addresses_convert);
    suite_add_tcase(suite, cases);
    return suite;
}
