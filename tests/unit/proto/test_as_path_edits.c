/* Edits of AS paths against plain arrays; every edit gives a canonical path again. */
#include "proto/as_path.h"

#include "proto/base/buffer.h"
#include "proto/base/random.h"
#include "tests/unit/proto/octets.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena);
}

static void tear_down(void)
{
    arena_fini(&arena);
}

/* A path that lives until the test's end. */
static struct byte_view path_of(const char *hex)
{
    struct byte_view octets = octets_of(hex);
    struct byte_view path = {arena_copy(&arena, octets.data, octets.size), octets.size};
    free_octets(octets);
    return path;
}

static void assert_path(struct byte_view path, const char *text)
{
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    as_path_format(path, &buffer);
    ck_assert_str_eq(buffer_text(&buffer), text);
    ck_assert(as_path_is_canonical(path));
    buffer_fini(&buffer);
}

/* 1 2 {3,4} 5, with a confederation in front in the second. */
#define MIXED  "02 02 00000001 00000002 01 02 00000003 00000004 02 01 00000005"
#define CONFED "03 02 0000000a 0000000b 04 01 0000000c 02 01 00000001"

START_TEST(occurrences_count_every_segment)
{
    struct byte_view path =
        path_of("02 02 00000007 00000007 01 02 00000007 00000008 03 01 00000007");
    ck_assert_uint_eq(as_path_occurrences(path, 7), 4);
    ck_assert_uint_eq(as_path_occurrences(path, 8), 1);
    ck_assert_uint_eq(as_path_occurrences(path, 9), 0);
}
END_TEST

/* Around every boundary of a segment: the numbers in their order, no more segments than needed. */
START_TEST(prepending_joins_sequences_of_255)
{
    static uint32_t asns[800];
    static const size_t sizes[] = {0, 1, 2, 254, 255, 256, 509, 510, 511, 600};
    static const uint32_t counts[] = {0, 1, 2, 10, 254, 255, 256, 300, 510};
    for (size_t i = 0; i < 800; i++) {
        asns[i] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct byte_view path = as_path_from_asns(&arena, asns, sizes[i]);
        ck_assert(as_path_is_canonical(path));
        ck_assert_uint_eq(as_path_count(path), sizes[i]);
        ck_assert_uint_eq(path.size, 4 * sizes[i] + 2 * ((sizes[i] + 254) / 255));
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            struct byte_view longer = as_path_prepend(&arena, path, 65001, counts[j]);
            size_t count = sizes[i] + counts[j];
            ck_assert(as_path_is_canonical(longer));
            ck_assert_uint_eq(longer.size, 4 * count + 2 * ((count + 254) / 255));
            ck_assert_uint_eq(as_path_occurrences(longer, 65001), counts[j]);
            ck_assert_uint_eq(as_path_origin(longer), sizes[i] != 0    ? sizes[i]
                                                      : counts[j] != 0 ? 65001
                                                                       : 0);
            ck_assert_uint_eq(as_path_first(longer), counts[j] != 0  ? 65001
                                                     : sizes[i] != 0 ? 1
                                                                     : 0);
        }
        arena_reset(&arena);
    }
}
END_TEST

START_TEST(prepending_to_other_segments_makes_a_sequence)
{
    assert_path(as_path_prepend(&arena, path_of("01 01 00000002"), 9, 2), "9 9 {2}");
    assert_path(as_path_prepend(&arena, path_of(CONFED), 9, 1), "9 (10 11) [12] 1");
    assert_path(as_path_prepend(&arena, path_of(MIXED), 9, 1), "9 1 2 {3,4} 5");
    assert_path(as_path_prepend(&arena, path_of(MIXED), 9, 0), "1 2 {3,4} 5");
}
END_TEST

START_TEST(replacing_touches_the_copy_only)
{
    struct byte_view path = path_of(MIXED);
    assert_path(as_path_replace(&arena, path, 3, 70000), "1 2 {70000,4} 5");
    assert_path(as_path_replace(&arena, path, 1, 70000), "70000 2 {3,4} 5");
    assert_path(as_path_replace(&arena, path, 99, 70000), "1 2 {3,4} 5");
    assert_path(path, "1 2 {3,4} 5");
    assert_path(as_path_replace(&arena, path_of(""), 1, 2), "");
}
END_TEST

START_TEST(excluding_leaves_no_empty_segment)
{
    static const uint32_t set[] = {3, 4};
    static const uint32_t ends[] = {1, 5};
    static const uint32_t all[] = {1, 2, 3, 4, 5};
    struct byte_view path = path_of(MIXED);
    assert_path(as_path_exclude(&arena, path, set, 2), "1 2 5");
    assert_path(as_path_exclude(&arena, path, ends, 2), "2 {3,4}");
    assert_path(as_path_exclude(&arena, path, all, 5), "");
    assert_path(as_path_exclude(&arena, path, NULL, 0), "1 2 {3,4} 5");
    assert_path(as_path_exclude(&arena, path_of(""), all, 5), "");
}
END_TEST

START_TEST(private_numbers_are_removed_or_replaced)
{
    struct byte_view path =
        path_of("02 03 0000fde9 00002f2c 0000fdea 01 02 fa56ea00 00000009 03 01 0000fde9");
    assert_path(path, "65001 12076 65002 {4200000000,9} (65001)");
    assert_path(as_path_remove_private(&arena, path, 0), "12076 {9}");
    assert_path(as_path_remove_private(&arena, path, 12076), "12076 12076 12076 {12076,9} (12076)");
    assert_path(as_path_remove_private(&arena, path_of("02 01 0000fde9"), 0), "");
}
END_TEST

/* Flat sequences against arrays. */
START_TEST(random_edits_agree_with_arrays)
{
    struct random_source dice;
    random_init(&dice, 7);
    for (int round = 0; round < 500; round++) {
        uint32_t asns[700];
        uint32_t expected[700];
        size_t count = random_below(&dice, 700);
        size_t kept = 0;
        uint32_t gone = 1 + random_below(&dice, 4);
        for (size_t i = 0; i < count; i++) {
            asns[i] = 1 + random_below(&dice, 5);
            if (asns[i] != gone) {
                expected[kept++] = asns[i];
            }
        }
        struct byte_view path = as_path_from_asns(&arena, asns, count);
        struct byte_view got = as_path_exclude(&arena, path, &gone, 1);
        struct byte_view want = as_path_from_asns(&arena, expected, kept);
        ck_assert(byte_view_equal(got, want));
        ck_assert_uint_eq(as_path_occurrences(path, gone), count - kept);
        got = as_path_replace(&arena, path, gone, 6);
        for (size_t i = 0; i < count; i++) {
            asns[i] = asns[i] == gone ? 6 : asns[i];
        }
        ck_assert(byte_view_equal(got, as_path_from_asns(&arena, asns, count)));
        arena_reset(&arena);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: AS paths edited");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, occurrences_count_every_segment);
    tcase_add_test(cases, prepending_joins_sequences_of_255);
    tcase_add_test(cases, prepending_to_other_segments_makes_a_sequence);
    tcase_add_test(cases, replacing_touches_the_copy_only);
    tcase_add_test(cases, excluding_leaves_no_empty_segment);
    tcase_add_test(cases, private_numbers_are_removed_or_replaced);
    tcase_add_test(cases, random_edits_agree_with_arrays);
    suite_add_tcase(suite, cases);
    return suite;
}
