/* VICI messages as charon sends them, and everything that could be sent instead. */
#include <stdlib.h>
#include <string.h>

#include "bgpd/io/vici_message.h"
#include "tests/unit/io/vici_recorded.h"
#include "tests/unit/unit.h"

#define RECORDED(name) ((struct byte_view){(const uint8_t *)(name), sizeof(name) - 1})

static struct vici_ike ike;

static const struct byte_view all_recorded[] = {
    RECORDED(recorded_ike_up),      RECORDED(recorded_child_up),     RECORDED(recorded_list_one),
    RECORDED(recorded_child_rekey), RECORDED(recorded_list_rekeyed), RECORDED(recorded_ike_rekey),
    RECORDED(recorded_ike_down),    RECORDED(recorded_child_down),
};
#define RECORDED_COUNT (sizeof all_recorded / sizeof all_recorded[0])

static void take(struct byte_view octets, const char *event)
{
    struct vici_packet packet;
    ck_assert(vici_packet_parse(octets, &packet));
    ck_assert(vici_packet_is(&packet, VICI_EVENT, event));
    ck_assert(vici_message_parse(packet.message, &ike));
}

static void check_hosts(void)
{
    ck_assert_uint_eq(ip_to_v4(&ike.local_host), 0xc0000201);
    ck_assert_uint_eq(ip_to_v4(&ike.remote_host), 0xc0000202);
}

START_TEST(an_up_event_names_ike_child_and_endpoints)
{
    take(RECORDED(recorded_ike_up), "ike-updown");
    ck_assert(ike.is_up);
    ck_assert_uint_eq(ike.unique_id, 1);
    ck_assert_uint_eq(ike.child_count, 0);
    check_hosts();
    take(RECORDED(recorded_child_up), "child-updown");
    ck_assert(ike.is_up);
    ck_assert_uint_eq(ike.child_count, 1);
    ck_assert_str_eq(ike.children[0].name, "all");
    ck_assert_uint_eq(ike.children[0].unique_id, 1);
    ck_assert(ike.children[0].is_installed);
    check_hosts();
}
END_TEST

START_TEST(a_down_event_is_not_up)
{
    take(RECORDED(recorded_child_down), "child-updown");
    ck_assert(!ike.is_up);
    ck_assert_uint_eq(ike.unique_id, 2);
    ck_assert_uint_eq(ike.child_count, 1);
    ck_assert_uint_eq(ike.children[0].unique_id, 2);
    take(RECORDED(recorded_ike_down), "ike-updown");
    ck_assert(!ike.is_up);
    ck_assert_uint_eq(ike.unique_id, 2);
}
END_TEST

START_TEST(rekeying_tells_old_from_new)
{
    take(RECORDED(recorded_child_rekey), "child-rekey");
    ck_assert_uint_eq(ike.child_count, 2);
    ck_assert(ike.children[0].is_old);
    ck_assert_uint_eq(ike.children[0].unique_id, 1);
    ck_assert(!ike.children[1].is_old);
    ck_assert_uint_eq(ike.children[1].unique_id, 2);
    ck_assert(ike.children[1].is_installed);
    take(RECORDED(recorded_ike_rekey), "ike-rekey");
    ck_assert_uint_eq(ike.old_unique_id, 1);
    ck_assert_uint_eq(ike.unique_id, 2);
}
END_TEST

START_TEST(a_list_after_rekeying_has_one_installed_child)
{
    take(RECORDED(recorded_list_one), "list-sa");
    ck_assert_uint_eq(ike.child_count, 1);
    ck_assert(ike.children[0].is_installed);
    take(RECORDED(recorded_list_rekeyed), "list-sa");
    ck_assert_uint_eq(ike.child_count, 2);
    size_t installed = 0;
    for (size_t i = 0; i < ike.child_count; i++) {
        installed += ike.children[i].is_installed;
        ck_assert(!ike.children[i].is_installed || ike.children[i].unique_id == 2);
    }
    ck_assert_uint_eq(installed, 1);
}
END_TEST

/* Copies, so that a sanitizer sees the first octet read beyond the end. */
static bool parses(const uint8_t *octets, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    struct vici_packet packet;
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, octets, size);
    bool is_good = vici_packet_parse((struct byte_view){copy, size}, &packet) &&
                   vici_message_parse(packet.message, &ike);
    ck_assert_uint_le(ike.child_count, VICI_CHILDREN_MAX);
    free(copy);
    return is_good;
}

START_TEST(a_cut_message_is_refused_or_ends_between_elements)
{
    for (size_t i = 0; i < RECORDED_COUNT; i++) {
        size_t good = 0;
        for (size_t size = 0; size < all_recorded[i].size; size++) {
            good += parses(all_recorded[i].data, size);
        }
        ck_assert_uint_le(good, 2); /* after the name, after up=yes: whole messages themselves */
    }
}
END_TEST

START_TEST(changed_octets_never_lead_out_of_the_message)
{
    uint8_t octets[2048];
    for (size_t i = 0; i < RECORDED_COUNT; i++) {
        ck_assert_uint_le(all_recorded[i].size, sizeof octets);
        for (size_t at = 0; at < all_recorded[i].size; at++) {
            static const uint8_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 0x7f, 0x80, 0xff};
            for (size_t v = 0; v < sizeof values; v++) {
                memcpy(octets, all_recorded[i].data, all_recorded[i].size);
                octets[at] = values[v];
                (void)parses(octets, all_recorded[i].size);
            }
        }
    }
}
END_TEST

static bool message_parses(const char *octets, size_t size)
{
    return vici_message_parse((struct byte_view){(const uint8_t *)octets, size}, &ike);
}
#define MESSAGE_PARSES(text) message_parses(text, sizeof(text) - 1)

START_TEST(malformed_structure_is_refused)
{
    ck_assert(MESSAGE_PARSES(""));
    ck_assert(MESSAGE_PARSES("\1\1a\2"));
    ck_assert(!MESSAGE_PARSES("\1\1a"));             /* section never closed */
    ck_assert(!MESSAGE_PARSES("\2"));                /* closed, never opened */
    ck_assert(MESSAGE_PARSES("\4\1l\5\0\1x\6"));     /* a list */
    ck_assert(!MESSAGE_PARSES("\4\1l"));             /* never closed */
    ck_assert(!MESSAGE_PARSES("\5\0\1x"));           /* item without a list */
    ck_assert(!MESSAGE_PARSES("\6"));                /* end without a list */
    ck_assert(!MESSAGE_PARSES("\4\1l\3\1k\0\1v\6")); /* key in a list */
    ck_assert(!MESSAGE_PARSES("\4\1l\1\1a\2\6"));    /* section in a list */
    ck_assert(!MESSAGE_PARSES("\4\1l\4\1m\6\6"));    /* list in a list */
    ck_assert(!MESSAGE_PARSES("\0"));                /* no such elements */
    ck_assert(!MESSAGE_PARSES("\7"));
}
END_TEST

START_TEST(depth_is_bounded)
{
    char octets[(VICI_DEPTH_MAX + 1) * 4];
    for (size_t depth = 1; depth <= VICI_DEPTH_MAX + 1; depth++) {
        for (size_t i = 0; i < depth; i++) {
            memcpy(octets + i * 3, "\1\1s", 3);
        }
        memset(octets + depth * 3, 2, depth);
        ck_assert_int_eq(message_parses(octets, depth * 4), depth <= VICI_DEPTH_MAX);
    }
}
END_TEST

START_TEST(more_children_than_fit_are_left_out)
{
    static const char head[] = "\1\1a\1\x09"
                               "child-sas";
    static const char child[] = "\1\1c\3\x08"
                                "uniqueid\0\1"
                                "7\2";
    static char octets[8192];
    size_t size = sizeof head - 1;
    memcpy(octets, head, size);
    for (size_t i = 0; i < VICI_CHILDREN_MAX + 5; i++) {
        memcpy(octets + size, child, sizeof child - 1);
        size += sizeof child - 1;
    }
    octets[size++] = 2;
    octets[size++] = 2;
    ck_assert(message_parses(octets, size));
    ck_assert_uint_eq(ike.child_count, VICI_CHILDREN_MAX);
}
END_TEST

START_TEST(requests_are_written_whole_or_not_at_all)
{
    uint8_t buffer[VICI_REQUEST_BYTES_MAX];
    static const char expected[] = "\0\0\0\x16\0\x08list-sas\3\5child\0\3all";
    size_t size =
        vici_packet_write(buffer, sizeof buffer, VICI_CMD_REQUEST, "list-sas", "child", "all");
    ck_assert_uint_eq(size, sizeof expected - 1);
    ck_assert_mem_eq(buffer, expected, size);
    for (size_t room = 0; room < size; room++) {
        ck_assert_uint_eq(
            vici_packet_write(buffer, room, VICI_CMD_REQUEST, "list-sas", "child", "all"), 0);
    }
    struct vici_packet packet;
    size = vici_packet_write(buffer, sizeof buffer, VICI_EVENT_REGISTER, "ike-rekey", NULL, NULL);
    ck_assert(vici_packet_parse((struct byte_view){buffer + 4, size - 4}, &packet));
    ck_assert(vici_packet_is(&packet, VICI_EVENT_REGISTER, "ike-rekey"));
    ck_assert_uint_eq(packet.message.size, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/vici_message");
    TCase *tests = tcase_create("messages");
    tcase_add_test(tests, an_up_event_names_ike_child_and_endpoints);
    tcase_add_test(tests, a_down_event_is_not_up);
    tcase_add_test(tests, rekeying_tells_old_from_new);
    tcase_add_test(tests, a_list_after_rekeying_has_one_installed_child);
    tcase_add_test(tests, a_cut_message_is_refused_or_ends_between_elements);
    tcase_add_test(tests, changed_octets_never_lead_out_of_the_message);
    tcase_add_test(tests, malformed_structure_is_refused);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, more_children_than_fit_are_left_out);
    tcase_add_test(tests, requests_are_written_whole_or_not_at_all);
    suite_add_tcase(suite, tests);
    return suite;
}
