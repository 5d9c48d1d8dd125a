/* Small forms: ages, sizes, AS paths, communities, JSON, pipes. */
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bgpd/cli/json.h"
#include "bgpd/cli/words.h"
#include "tests/unit/unit.h"

START_TEST(ages_are_in_the_forms_of_frr)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {-1, "never"},
        {0, "00:00:00"},
        {999, "00:00:00"},
        {727000, "00:12:07"},
        {86399999, "23:59:59"},
        {86400000, "1d00h00m"},
        {93784000, "1d02h03m"},
        {604799000, "6d23h59m"},
        {604800000, "01w0d00h"},
        {INT64_C(31535999000), "52w0d23h"},
        {INT64_C(31536000000), "01y00w0d"},
        {INT64_MAX, NULL},
    };
    char out[WORDS_AGE_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        words_age(rows[i].ms, out);
        if (rows[i].text != NULL) {
            ck_assert_str_eq(out, rows[i].text);
        }
    }
}
END_TEST

START_TEST(sizes_change_unit_past_ten)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 bytes"},
        {896, "896 bytes"},
        {11263, "11263 bytes"},
        {11264, "11 KiB"},
        {67584, "66 KiB"},
        {UINT64_C(10) << 20, "10240 KiB"},
        {UINT64_C(11) << 20, "11 MiB"},
        {UINT64_C(11) << 30, "11 GiB"},
        {UINT64_MAX, NULL},
    };
    char out[WORDS_AGE_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        words_size(rows[i].bytes, out);
        if (rows[i].text != NULL) {
            ck_assert_str_eq(out, rows[i].text);
        }
    }
}
END_TEST

static ProtobufCBinaryData bytes(uint8_t *data, size_t size)
{
    return (ProtobufCBinaryData){size, data};
}

START_TEST(as_paths_show_every_kind_of_segment_and_refuse_torn_ones)
{
    uint8_t path[] = {2, 2, 0, 0, 0xff, 0xeb, 0, 0, 0x2f, 0x2c, 1,    2,   0, 0,
                      0, 7, 0, 0, 0,    8,    3, 2, 0,    0,    0,    1,   0, 0,
                      0, 2, 4, 2, 0,    0,    0, 3, 0xff, 0xff, 0xff, 0xff};
    struct buffer text;
    buffer_init(&text, MEM_MISC);
    ProtobufCBinaryData whole = bytes(path, sizeof path);
    ck_assert(words_as_path(&whole, &text));
    ck_assert_str_eq(buffer_text(&text), "65515 12076 {7,8} (1 2) [3,4294967295]");
    ck_assert_uint_eq(words_as_path_length(&whole), 3);
    for (size_t size = 1; size < sizeof path; size++) {
        ProtobufCBinaryData torn = bytes(path, size);
        bool is_whole = size == 10 || size == 20 || size == 30;
        ck_assert_int_eq(words_as_path(&torn, &text), is_whole);
        words_as_path_length(&torn);
    }
    path[0] = 9;
    ck_assert(!words_as_path(&whole, &text));
    ProtobufCBinaryData none = bytes(NULL, 0);
    ck_assert(words_as_path(&none, &text));
    ck_assert_str_eq(buffer_text(&text), "");
    buffer_fini(&text);
}
END_TEST

START_TEST(communities_are_named_where_names_are_known)
{
    uint8_t standard[] = {0x2f, 0x2c, 0xc7, 0x3c, 0xff, 0xff, 0, 0, 0xff, 0xff, 2, 0x9a, 0xff};
    uint8_t extended[] = {0, 2, 0xfd, 0xe9, 0, 0, 0, 100, 1,    3, 1, 2, 3, 4, 0, 5,
                          2, 2, 0,    1,    0, 0, 0, 9,   0x80, 6, 0, 0, 0, 0, 0, 1};
    uint8_t large[] = {0, 0, 0xfd, 0xe9, 0, 0, 0, 1, 0, 0, 0, 2};
    struct buffer text;
    buffer_init(&text, MEM_MISC);
    ProtobufCBinaryData list = bytes(standard, sizeof standard);
    words_communities(&list, &text);
    ck_assert_str_eq(buffer_text(&text), "12076:51004 graceful-shutdown blackhole");
    list = bytes(extended, sizeof extended);
    words_ext_communities(&list, &text);
    ck_assert_str_eq(buffer_text(&text),
                     "RT:65001:100 SoO:1.2.3.4:5 RT:65536:9 0x8006000000000001");
    list = bytes(large, sizeof large);
    words_large_communities(&list, &text);
    ck_assert_str_eq(buffer_text(&text), "65001:1:2");
    buffer_fini(&text);
}
END_TEST

START_TEST(numbers_of_newer_daemons_have_words)
{
    for (uint32_t number = 0; number < 300; number++) {
        ck_assert_ptr_nonnull(words_reason_won(number));
        ck_assert_ptr_nonnull(words_reason_lost(number));
        ck_assert_ptr_nonnull(words_reason_identity(number));
        ck_assert_ptr_nonnull(words_state(number));
        ck_assert_ptr_nonnull(words_origin(number));
        ck_assert_ptr_nonnull(words_path_class(number));
        ck_assert_ptr_nonnull(words_classes(number));
        ck_assert_ptr_nonnull(words_evidence(number));
    }
    ck_assert_str_eq(words_reason_identity(REASON_PROTECTION), "encryption-required");
    ck_assert_str_eq(words_reason_identity(REASON_MULTIPATH), "multipath");
    ck_assert_str_eq(words_reason_identity(REASON_TUNNEL_DOWN), "tunnel-down");
    ck_assert_str_eq(words_reason_identity(REASON_INELIGIBLE_FIRST), "rejected-import-policy");
    ck_assert_str_eq(words_classes(4), "ipsec");
    ck_assert_str_eq(words_classes(6), "ipsec or macsec");
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_text_survives_every_octet)
{
    struct out out;
    struct json json;
    char value[257];
    for (unsigned i = 1; i < 128; i++) {
        value[i - 1] = (char)i;
    }
    value[127] = '\0';
    out_init(&out, -1);
    json_init(&json, &out);
    json_object_begin(&json, NULL);
    json_text(&json, "text", value);
    json_number(&json, "low", INT64_MIN);
    json_unsigned(&json, "high", UINT64_MAX);
    json_array_begin(&json, "list");
    json_flag(&json, NULL, true);
    json_flag(&json, NULL, false);
    json_array_end(&json);
    json_object_begin(&json, "empty");
    json_object_end(&json);
    json_object_end(&json);
    out_finish(&out);
    struct json_object *parsed = json_tokener_parse(buffer_text(&out.passed));
    struct json_object *member;
    ck_assert_ptr_nonnull(parsed);
    ck_assert(json_object_object_get_ex(parsed, "text", &member));
    ck_assert_str_eq(json_object_get_string(member), value);
    ck_assert(json_object_object_get_ex(parsed, "low", &member));
    ck_assert_int_eq(json_object_get_int64(member), INT64_MIN);
    ck_assert(json_object_object_get_ex(parsed, "high", &member));
    ck_assert_uint_eq(json_object_get_uint64(member), UINT64_MAX);
    ck_assert(json_object_object_get_ex(parsed, "list", &member));
    ck_assert_uint_eq(json_object_array_length(member), 2);
    json_object_put(parsed);
    out_fini(&out);
}
END_TEST

/* ---- Pipes ---- */

static const char lines[] = "router bgp 65001\n"
                            " neighbor 1.1.1.1\n"
                            "  description one\n"
                            " neighbor 2.2.2.2\n"
                            "tunnel ipsec0\n"
                            " local 3\n"
                            "end";

static const char *piped(size_t count, const enum out_pipe_kind *kinds, const char *const *patterns)
{
    static char copy[1024];
    char error[128];
    struct out out;
    out_init(&out, -1);
    for (size_t i = 0; i < count; i++) {
        ck_assert(out_pipe_put(&out, kinds[i], patterns[i], error));
    }
    for (const char *at = lines; *at != '\0'; at++) {
        out_bytes(&out, at, 1);
        out_breathe(&out);
    }
    out_finish(&out);
    snprintf(copy, sizeof copy, "%s", buffer_text(&out.passed));
    out_fini(&out);
    return copy;
}

static const char *one_pipe(enum out_pipe_kind kind, const char *pattern)
{
    return piped(1, &kind, &pattern);
}

START_TEST(pipes_choose_lines)
{
    ck_assert_str_eq(piped(0, NULL, NULL), lines);
    ck_assert_str_eq(one_pipe(OUT_PIPE_INCLUDE, "neighbor [12]"),
                     " neighbor 1.1.1.1\n neighbor 2.2.2.2\n");
    ck_assert_str_eq(one_pipe(OUT_PIPE_EXCLUDE, "^ "), "router bgp 65001\ntunnel ipsec0\nend");
    ck_assert_str_eq(one_pipe(OUT_PIPE_BEGIN, "local"), " local 3\nend");
    ck_assert_str_eq(one_pipe(OUT_PIPE_SECTION, "^tunnel|1.1.1.1"),
                     " neighbor 1.1.1.1\n  description one\ntunnel ipsec0\n local 3\n");
    ck_assert_str_eq(one_pipe(OUT_PIPE_SECTION, "^router"),
                     "router bgp 65001\n neighbor 1.1.1.1\n  description one\n neighbor 2.2.2.2\n");
    ck_assert_str_eq(one_pipe(OUT_PIPE_COUNT, NULL), "Count: 7 lines\n");
    ck_assert_str_eq(one_pipe(OUT_PIPE_INCLUDE, "nothing"), "");
}
END_TEST

START_TEST(pipes_follow_each_other)
{
    const enum out_pipe_kind kinds[] = {OUT_PIPE_INCLUDE, OUT_PIPE_EXCLUDE, OUT_PIPE_COUNT};
    const char *const patterns[] = {"neighbor", "2", NULL};
    ck_assert_str_eq(piped(2, kinds, patterns), " neighbor 1.1.1.1\n");
    ck_assert_str_eq(piped(3, kinds, patterns), "Count: 1 lines\n");
}
END_TEST

START_TEST(malformed_and_too_many_pipes_are_refused)
{
    struct out out;
    char error[128] = "";
    out_init(&out, -1);
    ck_assert(!out_pipe_put(&out, OUT_PIPE_INCLUDE, "(", error));
    ck_assert_uint_ne(strlen(error), 0);
    for (unsigned i = 0; i < OUT_PIPES_MAX; i++) {
        ck_assert(out_pipe_put(&out, OUT_PIPE_INCLUDE, "x", error));
    }
    ck_assert(!out_pipe_put(&out, OUT_PIPE_COUNT, NULL, error));
    out_fini(&out);
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_the_output)
{
    int ends[2];
    struct out out;
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    out_init(&out, ends[1]);
    for (unsigned i = 0; i < 100000; i++) {
        out_text(&out, "a line of text\n");
        out_breathe(&out);
    }
    ck_assert(out.is_stopped);
    ck_assert_uint_lt(out.text.capacity, 1u << 20);
    out_finish(&out);
    out_fini(&out);
    close(ends[1]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli words");
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, ages_are_in_the_forms_of_frr);
    tcase_add_test(tcase, sizes_change_unit_past_ten);
    tcase_add_test(tcase, as_paths_show_every_kind_of_segment_and_refuse_torn_ones);
    tcase_add_test(tcase, communities_are_named_where_names_are_known);
    tcase_add_test(tcase, numbers_of_newer_daemons_have_words);
    tcase_add_test(tcase, json_text_survives_every_octet);
    tcase_add_test(tcase, pipes_choose_lines);
    tcase_add_test(tcase, pipes_follow_each_other);
    tcase_add_test(tcase, malformed_and_too_many_pipes_are_refused);
    tcase_add_test(tcase, a_reader_that_goes_away_ends_the_output);
    suite_add_tcase(suite, tcase);
    return suite;
}
