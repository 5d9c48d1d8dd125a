/* AS paths: canonical in, canonical out, against a plain list of numbers as oracle. */
#include <stdlib.h>
#include <string.h>

#include "proto/as_path.h"
#include "proto/as_path_wire.h"
#include "proto/base/random.h"
#include "tests/unit/unit.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

/* "1 2 {3,4} (5) [6]" in wire form, one segment per bracket. */
static struct byte_view path_of(const char *text)
{
    uint8_t *bytes = arena_alloc(&arena, 6 * strlen(text) + 6);
    size_t size = 0;
    size_t open = SIZE_MAX;
    uint8_t type = AS_PATH_SEQUENCE;
    while (*text != 0) {
        static const char brackets[] = "{ ([";
        const char *bracket = *text == ' ' ? NULL : strchr(brackets, *text);
        if (bracket != NULL) {
            static const uint8_t types[] = {AS_PATH_SET, 0, AS_PATH_CONFED_SEQUENCE,
                                            AS_PATH_CONFED_SET};
            type = types[bracket - brackets];
            open = SIZE_MAX;
        } else if (strchr("})]|", *text) != NULL) {
            type = AS_PATH_SEQUENCE; /* | cuts a sequence in two */
            open = SIZE_MAX;
        } else if (*text >= '0' && *text <= '9') {
            char *end = NULL;
            if (open == SIZE_MAX) {
                open = size;
                bytes[size] = type;
                size += 2;
            }
            store_be32(bytes + size, (uint32_t)strtoul(text, &end, 10));
            size += 4;
            bytes[open + 1]++;
            text = end;
            continue;
        }
        text++;
    }
    return (struct byte_view){bytes, size};
}

static void check_text(struct byte_view path, const char *expected)
{
    struct buffer text;
    buffer_init(&text, MEM_MISC);
    as_path_format(path, &text);
    ck_assert_str_eq(buffer_text(&text), expected);
    ck_assert(as_path_is_canonical(path));
    buffer_fini(&text);
}

START_TEST(text_shows_every_kind_of_segment)
{
    check_text(path_of("65515 12076 {64512,64513} (65001 65002) [1,2]"),
               "65515 12076 {64512,64513} (65001 65002) [1,2]");
    check_text(path_of(""), "");
}
END_TEST

START_TEST(a_set_counts_one_and_confederations_nothing)
{
    static const struct {
        const char *path;
        uint32_t length, count, first, origin;
        bool has_set;
    } cases[] = {
        {"", 0, 0, 0, 0, false},
        {"65515", 1, 1, 65515, 65515, false},
        {"1 2 2 2", 4, 4, 1, 2, false},
        {"1 {2,3,4}", 2, 4, 1, 0, true},
        {"{2,3,4}", 1, 3, 0, 0, true},
        {"{2} 5", 2, 2, 0, 5, true},
        {"(64512 64513) 1", 1, 3, 0, 1, false},
        {"(64512) [64513,64514]", 0, 3, 0, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct byte_view path = path_of(cases[i].path);
        ck_assert_uint_eq(as_path_length(path), cases[i].length);
        ck_assert_uint_eq(as_path_count(path), cases[i].count);
        ck_assert_uint_eq(as_path_first(path), cases[i].first);
        ck_assert_uint_eq(as_path_origin(path), cases[i].origin);
        ck_assert_int_eq(as_path_has_set(path), cases[i].has_set);
    }
    ck_assert_uint_eq(as_path_occurrences(path_of("1 2 {2,3} (2)"), 2), 3);
    ck_assert_uint_eq(as_path_occurrences(path_of("1 2 {2,3} (2)"), 9), 0);
}
END_TEST

START_TEST(edits_give_canonical_paths)
{
    static const uint32_t two_three[] = {2, 3};
    check_text(as_path_prepend(&arena, path_of("1 2"), 9, 3), "9 9 9 1 2");
    check_text(as_path_prepend(&arena, path_of("{1,2}"), 9, 1), "9 {1,2}");
    check_text(as_path_prepend(&arena, path_of(""), 9, 2), "9 9");
    check_text(as_path_prepend(&arena, path_of("1"), 9, 0), "1");
    check_text(as_path_replace(&arena, path_of("1 2 {2,3} 2"), 2, 7), "1 7 {7,3} 7");
    check_text(as_path_exclude(&arena, path_of("1 2 {2,3} 4"), two_three, 2), "1 4");
    check_text(as_path_exclude(&arena, path_of("2 3"), two_three, 2), "");
    check_text(as_path_exclude(&arena, path_of("{2,4} {3,5}"), two_three, 2), "{4} {5}");
    check_text(as_path_remove_private(&arena, path_of("64512 1 {65534} 4200000000 65535"), 0),
               "1 65535");
    check_text(as_path_remove_private(&arena, path_of("64512 1 65000"), 77), "77 1 77");
}
END_TEST

/* Every length around the 255 numbers of a segment, prepended to every length around it. */
START_TEST(segments_are_refilled_at_255_numbers)
{
    static const uint32_t counts[] = {0, 1, 2, 127, 253, 254, 255, 256, 257, 509, 510, 511, 600};
    size_t n = sizeof counts / sizeof counts[0];
    uint32_t asns[600];
    for (uint32_t i = 0; i < 600; i++) {
        asns[i] = i + 1;
    }
    for (size_t i = 0; i < n; i++) {
        struct byte_view path = as_path_from_asns(&arena, asns, counts[i]);
        ck_assert(as_path_is_canonical(path));
        for (size_t j = 0; j < n; j++) {
            struct byte_view longer = as_path_prepend(&arena, path, 9, counts[j]);
            ck_assert(as_path_is_canonical(longer));
            ck_assert_uint_eq(as_path_length(longer), counts[i] + counts[j]);
            uint32_t segments = (counts[i] + counts[j] + 254) / 255;
            ck_assert_uint_eq(longer.size, 4u * (counts[i] + counts[j]) + 2u * segments);
        }
        arena_reset(&arena);
    }
}
END_TEST

START_TEST(private_numbers_are_those_of_rfc_6996)
{
    static const struct {
        uint32_t asn;
        bool is_private;
    } cases[] = {
        {0, false},         {64511, false},      {64512, true},       {65534, true},
        {65535, false},     {65536, false},      {4199999999, false}, {4200000000, true},
        {4294967294, true}, {4294967295, false}, {12076, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(asn_is_private(cases[i].asn), cases[i].is_private);
    }
}
END_TEST

START_TEST(what_is_not_canonical_is_told)
{
    static const uint8_t bad[][12] = {
        {2},                                  /* header cut off */
        {0, 1, 0, 0, 0, 1},                   /* type 0 */
        {5, 1, 0, 0, 0, 1},                   /* type 5 */
        {2, 0, 0, 0, 0, 1},                   /* empty */
        {2, 2, 0, 0, 0, 1},                   /* overrun */
        {2, 1, 0, 0, 0, 0},                   /* AS 0 */
        {2, 1, 0, 0, 0, 1, 2, 1, 0, 0, 0, 2}, /* two sequences */
    };
    static const size_t sizes[] = {1, 6, 6, 6, 6, 6, 12};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert(!as_path_is_canonical((struct byte_view){bad[i], sizes[i]}));
    }
    ck_assert(as_path_is_canonical((struct byte_view){NULL, 0}));
}
END_TEST

START_TEST(a_canonical_path_of_4_octets_stays_where_it_is)
{
    struct byte_view path = path_of("1 2 {3,4} 5");
    struct as_path_facts facts = as_path_inspect(path, 4);
    ck_assert_ptr_null(facts.fault);
    ck_assert_uint_eq(facts.as_count, 5);
    ck_assert(facts.has_set && !facts.has_confed && !facts.is_mergeable && !facts.has_zero);
    struct byte_view same = as_path_canonical(&arena, path, 4, &facts);
    ck_assert_ptr_eq(same.data, path.data);
    struct byte_view cut = path_of("1 2|3|4 {5}{6} 7|8");
    facts = as_path_inspect(cut, 4);
    ck_assert(facts.is_mergeable && !as_path_is_canonical(cut));
    check_text(as_path_canonical(&arena, cut, 4, &facts), "1 2 3 4 {5} {6} 7 8");
}
END_TEST

/* RFC 6793 4.2.3 and 6. */
START_TEST(as4_path_replaces_the_tail_of_as_path)
{
    static const struct {
        const char *as_path, *as4_path, *merged;
    } cases[] = {
        {"1 23456 23456", "1 70000 80000", "1 70000 80000"},
        {"9 1 23456", "1 70000", "9 1 70000"},
        {"9 8 7 23456", "70000", "9 8 7 70000"},
        {"23456", "1 70000", "23456"}, /* longer: ignored */
        {"1 23456", "", "1 23456"},    /* nothing in it */
        {"1 2 {3,4}", "70000 {70001,70002}", "1 70000 {70001,70002}"},
        {"1 {3,4} 23456", "70000", "1 {3,4} 70000"}, /* a set counts one */
        {"(64512) 1 23456", "1 70000", "(64512) 1 70000"},
        {"(64512) 9 1 23456", "1 70000", "(64512) 9 1 70000"},
        {"1 23456", "(64512) 70000", "1 70000"}, /* confederations do not belong there */
        {"1 23456", "(64512)", "1 23456"},
        {"", "70000", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_text(as_path_merge_as4(&arena, path_of(cases[i].as_path), path_of(cases[i].as4_path)),
                   cases[i].merged);
    }
}
END_TEST

static struct byte_view random_path(struct random_source *random)
{
    uint32_t asns[700];
    uint32_t count = random_below(random, 700);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pick = random_below(random, 4);
        asns[i] = pick == 0 ? ASN_TRANS : 1 + random_below(random, pick == 1 ? 100000 : 65535);
    }
    return as_path_from_asns(&arena, asns, count);
}

START_TEST(two_octet_sessions_carry_every_sequence_unharmed)
{
    struct random_source random;
    random_init(&random, 3);
    for (int round = 0; round < 500; round++) {
        static uint8_t narrow[4096], wide[4096];
        struct byte_view path = random_path(&random);
        struct writer narrow_writer = writer_of(narrow, sizeof narrow);
        struct writer wide_writer = writer_of(wide, sizeof wide);
        as_path_write_narrow(&narrow_writer, path);
        as_path_write_as4(&wide_writer, path);
        ck_assert_uint_eq(writer_size(&narrow_writer), as_path_narrow_bytes(path));
        ck_assert_uint_eq(writer_size(&wide_writer), as_path_as4_bytes(path));
        struct byte_view narrow_view = {narrow, writer_size(&narrow_writer)};
        struct as_path_facts facts = as_path_inspect(narrow_view, 2);
        ck_assert_ptr_null(facts.fault);
        struct byte_view back = as_path_canonical(&arena, narrow_view, 2, &facts);
        if (as_path_needs_as4(path)) {
            struct byte_view as4 = {wide, writer_size(&wide_writer)};
            back = as_path_merge_as4(&arena, back, as4);
        }
        ck_assert(byte_view_equal(back, path));
        arena_reset(&arena);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: AS paths");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, text_shows_every_kind_of_segment);
    tcase_add_test(cases, a_set_counts_one_and_confederations_nothing);
    tcase_add_test(cases, edits_give_canonical_paths);
    tcase_add_test(cases, segments_are_refilled_at_255_numbers);
    tcase_add_test(cases, private_numbers_are_those_of_rfc_6996);
    tcase_add_test(cases, what_is_not_canonical_is_told);
    tcase_add_test(cases, a_canonical_path_of_4_octets_stays_where_it_is);
    tcase_add_test(cases, as4_path_replaces_the_tail_of_as_path);
    tcase_add_test(cases, two_octet_sessions_carry_every_sequence_unharmed);
    suite_add_tcase(suite, cases);
    return suite;
}
