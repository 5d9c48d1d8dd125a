/* Protection by longest cover and intersection, and the complement of a cover. */
#include <string.h>

#include "policy/protection.h"
#include "proto/base/random.h"
#include "tests/unit/unit.h"

static struct prefix p(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

static uint32_t classes(const struct protection_set *set, const char *text)
{
    struct prefix prefix = p(text);
    return protection_allowed_classes(set, &prefix);
}

START_TEST(everything_inside_a_requirement_needs_it)
{
    struct protection_def defs[] = {
        {p("10.51.230.0/23"), PATH_CLASS_BIT(PATH_CLASS_IPSEC), PROTECTION_GUARD_UNREACHABLE,
         false},
        {p("10.0.0.0/8"), PATH_CLASS_BIT(PATH_CLASS_IPSEC) | PATH_CLASS_BIT(PATH_CLASS_MACSEC),
         PROTECTION_GUARD_BLACKHOLE, false},
    };
    struct protection_set *set = protection_set_new(defs, 2);
    ck_assert_uint_eq(classes(set, "10.51.230.0/23"), PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    ck_assert_uint_eq(classes(set, "10.51.231.128/25"), PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    ck_assert_uint_eq(classes(set, "10.51.230.4/32"), PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    ck_assert_uint_eq(classes(set, "10.51.232.0/24"),
                      PATH_CLASS_BIT(PATH_CLASS_IPSEC) | PATH_CLASS_BIT(PATH_CLASS_MACSEC));
    ck_assert_uint_eq(classes(set, "10.0.0.0/7"), PATH_CLASS_ANY);
    ck_assert_uint_eq(classes(set, "0.0.0.0/0"), PATH_CLASS_ANY);
    ck_assert_uint_eq(classes(set, "::/0"), PATH_CLASS_ANY);
    struct prefix inside = p("10.51.230.0/24");
    ck_assert(prefix_equal(&protection_find(set, &inside)->prefix, &defs[0].prefix));
    struct prefix around = p("0.0.0.0/0");
    ck_assert(protection_touches(set, &around));
    struct prefix beside = p("192.168.0.0/16");
    ck_assert(!protection_touches(set, &beside));
    protection_set_free(set);
    ck_assert_uint_eq(protection_allowed_classes(NULL, &inside), PATH_CLASS_ANY);
}
END_TEST

START_TEST(a_wider_requirement_cannot_loosen_a_narrower_one)
{
    struct protection_def defs[] = {
        {p("10.1.0.0/16"), PATH_CLASS_ANY, PROTECTION_GUARD_BLACKHOLE, false},
        {p("10.0.0.0/8"), PATH_CLASS_BIT(PATH_CLASS_IPSEC), PROTECTION_GUARD_BLACKHOLE, false},
    };
    struct protection_set *set = protection_set_new(defs, 2);
    ck_assert_uint_eq(classes(set, "10.1.2.0/24"), PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    protection_set_free(set);
}
END_TEST

START_TEST(complement_of_the_mission_is_eight_prefixes)
{
    static const char *const expected[] = {"10.1.0.0/24",  "10.1.2.0/23",  "10.1.4.0/22",
                                           "10.1.8.0/21",  "10.1.16.0/20", "10.1.32.0/19",
                                           "10.1.64.0/18", "10.1.128.0/17"};
    struct prefix out[16];
    struct prefix cover = p("10.1.0.0/16");
    struct prefix hole = p("10.1.1.0/24");
    ck_assert_uint_eq(prefix_complement(&cover, &hole, 1, out, 16), 8);
    for (size_t i = 0; i < 8; i++) {
        struct prefix wanted = p(expected[i]);
        ck_assert(prefix_equal(&out[i], &wanted));
    }
    ck_assert_uint_gt(prefix_complement(&cover, &hole, 1, out, 7), 7);
    ck_assert_uint_eq(prefix_complement(&cover, &cover, 1, out, 16), 0);
    ck_assert_uint_eq(prefix_complement(&cover, NULL, 0, out, 16), 1);
    struct prefix host = p("2001:db8::1/128");
    struct prefix wide = p("2001:db8::/32");
    struct prefix many[128];
    ck_assert_uint_eq(prefix_complement(&wide, &host, 1, many, 128), 96);
}
END_TEST

static bool in_any(const struct prefix *list, size_t count, const struct ip_addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (prefix_contains_ip(&list[i], addr)) {
            return true;
        }
    }
    return false;
}

START_TEST(complement_and_holes_make_up_the_cover_exactly)
{
    struct random_source random;
    random_init(&random, 11);
    struct prefix cover = p("10.1.0.0/20");
    for (int round = 0; round < 200; round++) {
        struct prefix holes[6];
        struct prefix out[128];
        size_t hole_count = 1 + random_below(&random, 6);
        for (size_t i = 0; i < hole_count; i++) {
            struct ip_addr addr = ip_from_v4(0x0a010000 + random_below(&random, 4096));
            holes[i] = prefix_make(&addr, (uint8_t)(21 + random_below(&random, 12)));
        }
        size_t count = prefix_complement(&cover, holes, hole_count, out, 128);
        ck_assert_uint_le(count, 128);
        for (uint32_t host = 0; host < 4096; host++) {
            struct ip_addr addr = ip_from_v4(0x0a010000 + host);
            ck_assert_int_ne(in_any(out, count, &addr), in_any(holes, hole_count, &addr));
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("protection");
    TCase *tcase = tcase_create("protection");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, everything_inside_a_requirement_needs_it);
    tcase_add_test(tcase, a_wider_requirement_cannot_loosen_a_narrower_one);
    tcase_add_test(tcase, complement_of_the_mission_is_eight_prefixes);
    tcase_add_test(tcase, complement_and_holes_make_up_the_cover_exactly);
    suite_add_tcase(suite, tcase);
    return suite;
}
