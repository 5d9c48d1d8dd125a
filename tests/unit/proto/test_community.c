/* Communities: text both ways, and lists that stay sorted and unique. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/random.h"
#include "proto/community.h"
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

static void check_text(enum community_kind kind, const char *text, const char *expected)
{
    struct community community;
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    ck_assert_msg(community_parse(kind, text, &community) == STATUS_OK, "%s", text);
    ck_assert_uint_eq(community.kind, kind);
    community_format(kind, community.bytes, &buffer);
    ck_assert_str_eq(buffer_text(&buffer), expected);
    buffer_fini(&buffer);
}

START_TEST(standard_communities_have_numbers_and_names)
{
    static const char *const cases[][2] = {
        {"65001:100", "65001:100"},
        {"0:0", "0:0"},
        {"internet", "0:0"},
        {"65535:65535", "65535:65535"},
        {"4259840100", "65000:100"},
        {"4294967041", "no-export"},
        {"65535:65281", "no-export"},
        {"no-export", "no-export"},
        {"no-advertise", "no-advertise"},
        {"local-AS", "local-AS"},
        {"no-peer", "no-peer"},
        {"blackhole", "blackhole"},
        {"65535:666", "blackhole"},
        {"graceful-shutdown", "graceful-shutdown"},
        {"65535:0", "graceful-shutdown"},
        {"llgr-stale", "llgr-stale"},
        {"no-llgr", "no-llgr"},
        {"accept-own", "accept-own"},
        {"12076:50004", "12076:50004"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_text(COMMUNITY_STANDARD, cases[i][0], cases[i][1]);
    }
}
END_TEST

START_TEST(extended_communities_take_three_forms_and_hex)
{
    static const char *const cases[][2] = {
        {"rt 65001:100", "RT:65001:100"},
        {"soo 65001:4294967295", "SoO:65001:4294967295"},
        {"rt 4200000001:100", "RT:4200000001:100"},
        {"soo 192.0.2.1:65535", "SoO:192.0.2.1:65535"},
        {"RT:65001:100", "RT:65001:100"},
        {"SoO:192.0.2.1:5", "SoO:192.0.2.1:5"},
        {"0x0002fde900000064", "RT:65001:100"},
        {"0x0203000100000064", "SoO:65536:100"},
        {"0x0203000000000a64", "0x0203000000000a64"}, /* would read back as the 2-octet form */
        {"0x4004000000000000", "0x4004000000000000"},
        {"0xffffffffffffffff", "0xffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_text(COMMUNITY_EXTENDED, cases[i][0], cases[i][1]);
    }
}
END_TEST

START_TEST(large_communities_are_three_numbers)
{
    check_text(COMMUNITY_LARGE, "65001:1:2", "65001:1:2");
    check_text(COMMUNITY_LARGE, "4294967295:0:4294967295", "4294967295:0:4294967295");
}
END_TEST

START_TEST(text_that_is_no_community_is_refused_and_changes_nothing)
{
    static const struct {
        enum community_kind kind;
        const char *text;
    } cases[] = {
        {COMMUNITY_STANDARD, ""},
        {COMMUNITY_STANDARD, "65536:1"},
        {COMMUNITY_STANDARD, "1:65536"},
        {COMMUNITY_STANDARD, "4294967296"},
        {COMMUNITY_STANDARD, "1:"},
        {COMMUNITY_STANDARD, ":1"},
        {COMMUNITY_STANDARD, "1:2:3"},
        {COMMUNITY_STANDARD, "1:2 "},
        {COMMUNITY_STANDARD, " 1:2"},
        {COMMUNITY_STANDARD, "-1:2"},
        {COMMUNITY_STANDARD, "no-exports"},
        {COMMUNITY_EXTENDED, ""},
        {COMMUNITY_EXTENDED, "65001:100"},
        {COMMUNITY_EXTENDED, "rt"},
        {COMMUNITY_EXTENDED, "rt 65001"},
        {COMMUNITY_EXTENDED, "rt 65001:4294967296"},
        {COMMUNITY_EXTENDED, "rt 65536:65536"},
        {COMMUNITY_EXTENDED, "rt 192.0.2.1:65536"},
        {COMMUNITY_EXTENDED, "rt 192.0.2:1"},
        {COMMUNITY_EXTENDED, "rt 65001:1:2"},
        {COMMUNITY_EXTENDED, "rt 192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1:1"},
        {COMMUNITY_EXTENDED, "0x0002fde90000006"},
        {COMMUNITY_EXTENDED, "0x0002fde9000000640"},
        {COMMUNITY_EXTENDED, "0x0002fde90000006g"},
        {COMMUNITY_LARGE, "1:2"},
        {COMMUNITY_LARGE, "1:2:3:4"},
        {COMMUNITY_LARGE, "1:2:4294967296"},
        {COMMUNITY_LARGE, "1:2:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct community community = {.kind = 77};
        ck_assert_msg(community_parse(cases[i].kind, cases[i].text, &community) == STATUS_INVALID,
                      "'%s'", cases[i].text);
        ck_assert_uint_eq(community.kind, 77);
    }
}
END_TEST

START_TEST(a_list_is_shown_with_blanks_between)
{
    static const uint8_t list[] = {0xfd, 0xe9, 0, 100, 0xff, 0xff, 0xff, 1};
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    community_list_format(COMMUNITY_STANDARD, (struct byte_view){list, sizeof list}, &buffer);
    ck_assert_str_eq(buffer_text(&buffer), "65001:100 no-export");
    buffer_fini(&buffer);
}
END_TEST

START_TEST(a_sorted_list_stays_where_it_is)
{
    static const uint8_t list[] = {0, 1, 0, 2, 0, 1, 0, 3, 0xff, 0xff, 0xff, 1};
    struct byte_view view = {list, sizeof list};
    struct byte_view same = community_list_canonical(&arena, COMMUNITY_STANDARD, view);
    ck_assert_ptr_eq(same.data, list);
    ck_assert_uint_eq(same.size, sizeof list);
    ck_assert(community_list_has_u32(view, COMMUNITY_NO_EXPORT));
    ck_assert(!community_list_has_u32(view, COMMUNITY_NO_ADVERTISE));
    ck_assert(!community_list_has_u32((struct byte_view){NULL, 0}, COMMUNITY_NO_EXPORT));
}
END_TEST

enum { VALUES = 12 };

/* count random members out of VALUES; members[i] tells whether i is among them. */
static struct byte_view random_list(struct random_source *random, enum community_kind kind,
                                    bool members[VALUES])
{
    size_t bytes = community_bytes(kind);
    uint32_t count = random_below(random, 20);
    uint8_t *list = arena_alloc(&arena, count * bytes);
    memset(members, 0, VALUES * sizeof members[0]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = random_below(random, VALUES);
        members[value] = true;
        list[i * bytes + value % bytes] = (uint8_t)(value + 1);
    }
    return (struct byte_view){list, count * bytes};
}

static void check_members(enum community_kind kind, struct byte_view list,
                          const bool members[VALUES])
{
    size_t bytes = community_bytes(kind);
    size_t expected = 0;
    for (uint32_t value = 0; value < VALUES; value++) {
        uint8_t wanted[COMMUNITY_BYTES_MAX] = {0};
        wanted[value % bytes] = (uint8_t)(value + 1);
        ck_assert_int_eq(community_list_has(kind, list, wanted), members[value]);
        expected += members[value];
    }
    ck_assert_uint_eq(list.size, expected * bytes);
    for (size_t at = bytes; at < list.size; at += bytes) {
        ck_assert_int_lt(memcmp(list.data + at - bytes, list.data + at, bytes), 0);
    }
}

START_TEST(lists_are_sets_under_every_operation)
{
    struct random_source random;
    random_init(&random, 5);
    for (int round = 0; round < 6000; round++) {
        bool a_members[VALUES], b_members[VALUES], expected[VALUES];
        enum community_kind kind = (enum community_kind)(round % 3);
        struct byte_view a = random_list(&random, kind, a_members);
        struct byte_view b = random_list(&random, kind, b_members);
        a = community_list_canonical(&arena, kind, a);
        check_members(kind, a, a_members);
        for (unsigned i = 0; i < VALUES; i++) {
            expected[i] = a_members[i] || b_members[i];
        }
        check_members(kind, community_list_union(&arena, kind, a, b), expected);
        for (unsigned i = 0; i < VALUES; i++) {
            expected[i] = a_members[i] && !b_members[i];
        }
        check_members(kind, community_list_subtract(&arena, kind, a, b), expected);
        arena_reset(&arena);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: communities");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, standard_communities_have_numbers_and_names);
    tcase_add_test(cases, extended_communities_take_three_forms_and_hex);
    tcase_add_test(cases, large_communities_are_three_numbers);
    tcase_add_test(cases, text_that_is_no_community_is_refused_and_changes_nothing);
    tcase_add_test(cases, a_list_is_shown_with_blanks_between);
    tcase_add_test(cases, a_sorted_list_stays_where_it_is);
    tcase_add_test(cases, lists_are_sets_under_every_operation);
    suite_add_tcase(suite, cases);
    return suite;
}
