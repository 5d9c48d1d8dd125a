/* Prefix, AS-path and community lists: every shape against a plain oracle. */
#include <stdio.h>
#include <string.h>

#include "policy/policy_private.h"
#include "proto/as_path.h"
#include "proto/base/random.h"
#include "tests/unit/unit.h"

static struct prefix p(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

static bool plain_permits(const struct prefix_list_def *def, const struct prefix *prefix)
{
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct prefix_list_entry_def *e = &def->entries[i];
        unsigned low = e->ge_bits != 0 ? e->ge_bits : e->prefix.len_bits;
        unsigned high = e->le_bits != 0 ? e->le_bits : e->ge_bits != 0 ? 32 : e->prefix.len_bits;
        if (prefix_contains(&e->prefix, prefix) && prefix->len_bits >= low &&
            prefix->len_bits <= high) {
            return e->is_permit;
        }
    }
    return false;
}

START_TEST(first_matching_entry_decides_in_any_list)
{
    struct random_source random;
    random_init(&random, 3);
    for (int round = 0; round < 300; round++) {
        struct prefix_list_entry_def entries[12];
        struct prefix_list_def def = {"L", IP_V4, NULL, entries, 1 + random_below(&random, 12)};
        struct arena arena;
        struct prefix_list list;
        for (size_t i = 0; i < def.entry_count; i++) {
            struct ip_addr addr = ip_from_v4(0x0a000000 + (random_below(&random, 16) << 20));
            uint8_t length = (uint8_t)(8 + random_below(&random, 8));
            entries[i] = (struct prefix_list_entry_def){.sequence = (uint32_t)i,
                                                        .is_permit = random_below(&random, 2) == 0,
                                                        .prefix = prefix_make(&addr, length)};
            entries[i].ge_bits =
                (uint8_t)(random_below(&random, 2) * (length + random_below(&random, 6)));
            uint8_t low = entries[i].ge_bits != 0 ? entries[i].ge_bits : length;
            entries[i].le_bits =
                (uint8_t)(random_below(&random, 2) * (low + random_below(&random, 6)));
        }
        arena_init(&arena);
        prefix_list_compile(&arena, &def, &list);
        for (int i = 0; i < 300; i++) {
            struct ip_addr addr = ip_from_v4(0x0a000000 + (random_below(&random, 64) << 18));
            struct prefix prefix = prefix_make(&addr, (uint8_t)(6 + random_below(&random, 22)));
            ck_assert_int_eq(prefix_list_permits(&list, &prefix), plain_permits(&def, &prefix));
        }
        arena_fini(&arena);
    }
}
END_TEST

START_TEST(a_list_of_one_family_never_permits_the_other)
{
    struct prefix_list_entry_def any = {.is_permit = true, .prefix = p("0.0.0.0/0"), .le_bits = 32};
    struct prefix_list_def def = {"ANY", IP_V4, NULL, &any, 1};
    struct arena arena;
    struct prefix_list list;
    arena_init(&arena);
    prefix_list_compile(&arena, &def, &list);
    struct prefix v4 = p("10.0.0.0/8");
    struct prefix v6 = p("2001:db8::/32");
    ck_assert(prefix_list_permits(&list, &v4));
    ck_assert(!prefix_list_permits(&list, &v6));
    arena_fini(&arena);
}
END_TEST

static bool path_matches(const char *pattern, bool as_shape, struct byte_view path)
{
    struct as_path_list_entry_def entry = {5, true, pattern};
    struct as_path_list_def def = {"A", &entry, 1};
    struct as_path_list list;
    struct arena arena;
    char error[256];
    arena_init(&arena);
    ck_assert_int_eq(as_path_list_compile(&arena, &def, &list, error), STATUS_OK);
    if (!as_shape) {
        list.patterns[0].is_shape = false;
    }
    bool matches = as_path_list_permits(&list, path);
    as_path_list_fini(&list);
    arena_fini(&arena);
    return matches;
}

START_TEST(number_patterns_agree_with_the_regexp_engine)
{
    static const char *const patterns[] = {
        "^$",       ".*",       "^65515$", "_12076_", "^12076_",       "_12076$", "^12076 65515$",
        "_1_2_",    "^1_2$",    "_2_1$",   "^1_",     "_65515_12076_", "12076",   "^(1|2)$",
        "^[0-9]+$", "_3_.*_1_",
    };
    static const uint32_t numbers[] = {1, 2, 3, 12076, 65515, 412076, 120761};
    struct random_source random;
    struct arena arena;
    random_init(&random, 5);
    arena_init(&arena);
    for (int round = 0; round < 400; round++) {
        uint32_t asns[200];
        size_t count = round < 390 ? random_below(&random, 6) : 120 + random_below(&random, 80);
        for (size_t i = 0; i < count; i++) {
            asns[i] = numbers[random_below(&random, 7)];
        }
        struct byte_view path = as_path_from_asns(&arena, asns, count);
        for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
            ck_assert_msg(path_matches(patterns[i], true, path) ==
                              path_matches(patterns[i], false, path),
                          "pattern %s round %d", patterns[i], round);
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(a_bad_regexp_names_list_and_rule)
{
    struct as_path_list_entry_def entry = {10, true, "^(12076"};
    struct as_path_list_def def = {"BAD", &entry, 1};
    struct policy_defs defs = {.as_path_lists = &def, .as_path_list_count = 1};
    struct policy_set *set;
    char error[256];
    ck_assert_int_eq(policy_set_compile(&defs, &set, error), STATUS_INVALID);
    ck_assert_ptr_null(set);
    ck_assert_ptr_nonnull(strstr(error, "BAD"));
    ck_assert_ptr_nonnull(strstr(error, "seq 10"));
    ck_assert_ptr_nonnull(strstr(error, "^(12076"));
}
END_TEST

START_TEST(a_hostile_pattern_is_given_up)
{
    struct arena arena;
    uint32_t asns[40];
    arena_init(&arena);
    for (int i = 0; i < 40; i++) {
        asns[i] = 1111111111;
    }
    struct byte_view path = as_path_from_asns(&arena, asns, 40);
    ck_assert(!path_matches("^((1+)+ ?)+x$", true, path));
    arena_fini(&arena);
}
END_TEST

static struct community c(enum community_kind kind, const char *text)
{
    struct community community;
    ck_assert_int_eq(community_parse(kind, text, &community), STATUS_OK);
    return community;
}

START_TEST(standard_lists_want_all_and_exact_wants_no_more)
{
    struct community both[] = {c(COMMUNITY_STANDARD, "65001:1"), c(COMMUNITY_STANDARD, "65001:2")};
    struct community_list_entry_def entry = {
        .sequence = 5, .is_permit = true, .communities = both, .community_count = 2};
    struct community_list_def def = {"C", COMMUNITY_STANDARD, false, &entry, 1};
    struct community_list list;
    struct arena arena;
    char error[256];
    arena_init(&arena);
    ck_assert_int_eq(community_list_compile(&arena, &def, &list, error), STATUS_OK);
    uint8_t have[12];
    memcpy(have, both[0].bytes, 4);
    ck_assert(!community_list_permits(&list, (struct byte_view){have, 4}, false));
    memcpy(have + 4, both[1].bytes, 4);
    ck_assert(community_list_permits(&list, (struct byte_view){have, 8}, false));
    ck_assert(community_list_permits(&list, (struct byte_view){have, 8}, true));
    struct community more = c(COMMUNITY_STANDARD, "65001:3");
    memcpy(have + 8, more.bytes, 4);
    ck_assert(community_list_permits(&list, (struct byte_view){have, 12}, false));
    ck_assert(!community_list_permits(&list, (struct byte_view){have, 12}, true));
    community_list_fini(&list);
    arena_fini(&arena);
}
END_TEST

START_TEST(deletion_looks_at_each_community_alone)
{
    struct community_list_entry_def entry = {.is_permit = true, .regexp = "^65001:[0-9]+$"};
    struct community_list_def def = {"X", COMMUNITY_STANDARD, true, &entry, 1};
    struct community_list list;
    struct arena arena;
    char error[256];
    arena_init(&arena);
    ck_assert_int_eq(community_list_compile(&arena, &def, &list, error), STATUS_OK);
    struct community a = c(COMMUNITY_STANDARD, "65001:7");
    struct community b = c(COMMUNITY_STANDARD, "65002:7");
    uint8_t have[8];
    memcpy(have, a.bytes, 4);
    memcpy(have + 4, b.bytes, 4);
    struct byte_view left = community_list_without(&list, &arena, (struct byte_view){have, 8});
    ck_assert_uint_eq(left.size, 4);
    ck_assert_mem_eq(left.data, b.bytes, 4);
    community_list_fini(&list);
    arena_fini(&arena);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("policy lists");
    TCase *tcase = tcase_create("lists");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, first_matching_entry_decides_in_any_list);
    tcase_add_test(tcase, a_list_of_one_family_never_permits_the_other);
    tcase_add_test(tcase, number_patterns_agree_with_the_regexp_engine);
    tcase_add_test(tcase, a_bad_regexp_names_list_and_rule);
    tcase_add_test(tcase, a_hostile_pattern_is_given_up);
    tcase_add_test(tcase, standard_lists_want_all_and_exact_wants_no_more);
    tcase_add_test(tcase, deletion_looks_at_each_community_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}
