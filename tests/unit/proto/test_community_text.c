/* Communities as text: what is read, what is refused, and that what is shown reads back. */
#include "proto/community.h"

#include "proto/base/buffer.h"
#include "proto/base/random.h"
#include "tests/unit/proto/octets.h"

struct text_case {
    enum community_kind kind;
    const char *text;
    const char *octets;
    const char *shown; /* NULL: as text */
};

static void assert_shown(enum community_kind kind, const uint8_t *bytes, const char *wanted)
{
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    community_format(kind, bytes, &buffer);
    ck_assert_str_eq(buffer_text(&buffer), wanted);
    buffer_fini(&buffer);
}

START_TEST(texts_are_read_and_shown)
{
    static const struct text_case cases[] = {
        {COMMUNITY_STANDARD, "65001:100", "fde90064", NULL},
        {COMMUNITY_STANDARD, "0:0", "00000000", NULL},
        {COMMUNITY_STANDARD, "65535:65535", "ffffffff", NULL},
        {COMMUNITY_STANDARD, "4259840100", "fde80064", "65000:100"},
        {COMMUNITY_STANDARD, "no-export", "ffffff01", NULL},
        {COMMUNITY_STANDARD, "NO-EXPORT", "ffffff01", "no-export"},
        {COMMUNITY_STANDARD, "65535:65281", "ffffff01", "no-export"},
        {COMMUNITY_STANDARD, "no-advertise", "ffffff02", NULL},
        {COMMUNITY_STANDARD, "local-AS", "ffffff03", NULL},
        {COMMUNITY_STANDARD, "no-peer", "ffffff04", NULL},
        {COMMUNITY_STANDARD, "graceful-shutdown", "ffff0000", NULL},
        {COMMUNITY_STANDARD, "blackhole", "ffff029a", NULL},
        {COMMUNITY_STANDARD, "llgr-stale", "ffff0006", NULL},
        {COMMUNITY_LARGE, "65001:1:2", "0000fde9 00000001 00000002", NULL},
        {COMMUNITY_LARGE, "4294967295:0:4294967295", "ffffffff 00000000 ffffffff", NULL},
        {COMMUNITY_EXTENDED, "rt 65001:100", "0002fde9 00000064", "RT:65001:100"},
        {COMMUNITY_EXTENDED, "RT:65001:4294967295", "0002fde9 ffffffff", NULL},
        {COMMUNITY_EXTENDED, "soo 192.0.2.1:5", "0103c000 02010005", "SoO:192.0.2.1:5"},
        {COMMUNITY_EXTENDED, "rt 4200000000:100", "0202fa56 ea000064", "RT:4200000000:100"},
        {COMMUNITY_EXTENDED, "0x0002fde800000064", "0002fde8 00000064", "RT:65000:100"},
        {COMMUNITY_EXTENDED, "0xFFEEddcc00000001", "ffeeddcc 00000001", "0xffeeddcc00000001"},
        {COMMUNITY_EXTENDED, "0x0202000000010064", "02020000 00010064", "0x0202000000010064"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct community community;
        ck_assert_msg(community_parse(cases[i].kind, cases[i].text, &community) == STATUS_OK, "%s",
                      cases[i].text);
        ck_assert_uint_eq(community.kind, cases[i].kind);
        assert_octets((struct byte_view){community.bytes, community_bytes(cases[i].kind)},
                      cases[i].octets);
        assert_shown(cases[i].kind, community.bytes,
                     cases[i].shown == NULL ? cases[i].text : cases[i].shown);
    }
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const struct text_case cases[] = {
        {COMMUNITY_STANDARD, "", NULL, NULL},
        {COMMUNITY_STANDARD, "65536:1", NULL, NULL},
        {COMMUNITY_STANDARD, "1:65536", NULL, NULL},
        {COMMUNITY_STANDARD, "4294967296", NULL, NULL},
        {COMMUNITY_STANDARD, "1:", NULL, NULL},
        {COMMUNITY_STANDARD, ":1", NULL, NULL},
        {COMMUNITY_STANDARD, "1:2:3", NULL, NULL},
        {COMMUNITY_STANDARD, "-1:2", NULL, NULL},
        {COMMUNITY_STANDARD, "1:2 ", NULL, NULL},
        {COMMUNITY_STANDARD, " 1:2", NULL, NULL},
        {COMMUNITY_STANDARD, "1:0x2", NULL, NULL},
        {COMMUNITY_STANDARD, "no-exports", NULL, NULL},
        {COMMUNITY_STANDARD, "99999999999999999999", NULL, NULL},
        {COMMUNITY_LARGE, "", NULL, NULL},
        {COMMUNITY_LARGE, "1:2", NULL, NULL},
        {COMMUNITY_LARGE, "1:2:3:4", NULL, NULL},
        {COMMUNITY_LARGE, "1:2:4294967296", NULL, NULL},
        {COMMUNITY_LARGE, "1::3", NULL, NULL},
        {COMMUNITY_LARGE, "no-export", NULL, NULL},
        {COMMUNITY_EXTENDED, "", NULL, NULL},
        {COMMUNITY_EXTENDED, "65001:100", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt ", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 65001", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 65001:", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt :1", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 65001:4294967296", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 65536:65536", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 192.0.2.1:65536", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 192.0.2:1", NULL, NULL},
        {COMMUNITY_EXTENDED, "rt 192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1:1", NULL, NULL},
        {COMMUNITY_EXTENDED, "0x", NULL, NULL},
        {COMMUNITY_EXTENDED, "0x0002fde80000006", NULL, NULL},
        {COMMUNITY_EXTENDED, "0x0002fde8000000640", NULL, NULL},
        {COMMUNITY_EXTENDED, "0x0002fde80000006g", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct community community;
        ck_assert_msg(community_parse(cases[i].kind, cases[i].text, &community) == STATUS_INVALID,
                      "%s", cases[i].text);
    }
}
END_TEST

START_TEST(what_is_shown_reads_back)
{
    static const enum community_kind kinds[] = {COMMUNITY_STANDARD, COMMUNITY_EXTENDED,
                                                COMMUNITY_LARGE};
    struct random_source dice;
    struct buffer buffer;
    random_init(&dice, 3);
    buffer_init(&buffer, MEM_MISC);
    for (int round = 0; round < 6000; round++) {
        enum community_kind kind = kinds[round % 3];
        uint8_t bytes[COMMUNITY_BYTES_MAX];
        struct community community;
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)(random_below(&dice, 2) == 0 ? random_below(&dice, 4)
                                                             : random_below(&dice, 256));
        }
        buffer_drop(&buffer, buffer.size);
        community_format(kind, bytes, &buffer);
        ck_assert_msg(community_parse(kind, buffer_text(&buffer), &community) == STATUS_OK, "%s",
                      buffer_text(&buffer));
        ck_assert_msg(memcmp(community.bytes, bytes, community_bytes(kind)) == 0, "%s",
                      buffer_text(&buffer));
    }
    buffer_fini(&buffer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: text of communities");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, texts_are_read_and_shown);
    tcase_add_test(cases, anything_else_is_refused);
    tcase_add_test(cases, what_is_shown_reads_back);
    suite_add_tcase(suite, cases);
    return suite;
}
