/* Wrong UPDATEs as the operator sees them (RFC 7606 8), and routes too long for a neighbour. */
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

#define A "192.0.2.2"
#define B "192.0.2.6"

static struct table_top *two_established(void)
{
    struct table_top *top = top_new(7);
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    top_link(top, 3, "eth1", "veth", "192.0.2.5", 30);
    top_far_end(top, A, "192.0.2.1", 64501, 2);
    top_far_end(top, B, "192.0.2.5", 64502, 3);
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, A, 64501);
    config_neighbor_add(config, B, 64502);
    top_configure(top, config);
    top_wait_s(top, 20);
    ck_assert(top->ends[0].is_up && top->ends[1].is_up);
    return top;
}

/* 203.0.113.0/24 and those behind it from A, with one attribute behind the mandatory ones. */
static void say_prefixes(struct table_top *top, uint8_t count, uint8_t flags, uint8_t type,
                         size_t size)
{
    static const uint8_t mandatory[] = {0x40, 1,    1,    0,    0x40, 2, 6,   2, 1, 0,
                                        0,    0xfb, 0xf5, 0x40, 3,    4, 192, 0, 2, 2};
    uint8_t bytes[4096];
    struct writer writer = writer_of(bytes, sizeof bytes);
    message_begin(&writer, MESSAGE_UPDATE);
    writer_u16(&writer, 0);
    writer_u16(&writer, (uint16_t)(sizeof mandatory + 4 + size));
    writer_bytes(&writer, mandatory, sizeof mandatory);
    writer_u8(&writer, flags | PATH_ATTR_FLAG_EXTENDED);
    writer_u8(&writer, type);
    writer_u16(&writer, (uint16_t)size);
    for (size_t i = 0; i < size; i++) {
        writer_u8(&writer, 0xa5);
    }
    for (uint8_t i = 0; i < count; i++) {
        writer_u32(&writer, 0x18cb0071u + i);
    }
    message_end(&writer, 0);
    ck_assert(!writer.failed);
    far_send(top, &top->ends[0], bytes, writer_size(&writer));
    top_settle(top);
}

static void say_with(struct table_top *top, uint8_t flags, uint8_t type, size_t size)
{
    say_prefixes(top, 5, flags, type, size);
}

static const struct log_event *find_log(const struct table_top *top, const char *text)
{
    for (uint32_t i = 0; i < top->log_count && i < 64; i++) {
        if (strstr(top->logs[i].text, text) != NULL) {
            return &top->logs[i];
        }
    }
    return NULL;
}

START_TEST(a_wrong_update_is_logged_with_its_prefixes_and_all_its_octets)
{
    struct table_top *top = two_established();
    top->log_count = 0;
    say_with(top, 0x80, PATH_ATTR_MED, 300);
    const struct log_event *line = find_log(top, "MULTI_EXIT_DISC length is not 4");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_nonnull(strstr(line->text, "attribute 4, offset 24"));
    ck_assert_ptr_nonnull(strstr(line->text, "treated as withdrawn"));
    ck_assert_ptr_nonnull(strstr(line->text, "203.0.113.0/24 203.0.114.0/24 and 3 more"));
    ck_assert(ip_equal(&line->peer, &top->ends[0].addr));
    size_t octets = 0;
    for (uint32_t i = 0; i < top->log_count; i++) {
        const char *hex = strstr(top->logs[i].text, " of 348: ");
        octets += hex != NULL ? strlen(hex + 9) / 2 : 0;
    }
    ck_assert_uint_eq(octets, 348);
    ck_assert_ptr_nonnull(find_log(top, "octets 0 to 199 of 348: 00000144400101004002"));
    ck_assert_ptr_nonnull(find_log(top, "18cb0075"));
    ck_assert(top->ends[0].is_up);
    top_free(top);
}
END_TEST

static uint32_t error_lines(const struct table_top *top)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < top->log_count; i++) {
        count += strstr(top->logs[i].text, "UPDATE: ") != NULL ? 1 : 0;
    }
    return count;
}

START_TEST(each_attribute_is_told_once_in_ten_seconds_and_four_of_them_at_most)
{
    static const uint8_t types[] = {PATH_ATTR_MED, PATH_ATTR_COMMUNITIES, PATH_ATTR_EXT_COMMUNITIES,
                                    PATH_ATTR_LARGE_COMMUNITIES, PATH_ATTR_OTC};
    struct table_top *top = two_established();
    top->log_count = 0;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < sizeof types; i++) {
            say_with(top, types[i] == PATH_ATTR_MED ? 0x80 : 0xc0, types[i], 7);
        }
    }
    ck_assert_uint_eq(error_lines(top), 4);
    ck_assert_uint_eq(show_peer(top, A).treat_as_withdraw_count, 500);
    top_wait_s(top, 10);
    top->log_count = 0;
    say_with(top, 0xc0, PATH_ATTR_OTC, 7);
    ck_assert_ptr_nonnull(find_log(top, "496 similar lines left out"));
    top_free(top);
}
END_TEST

/* 4096 octets are full before our own AS is put in front. */
START_TEST(a_route_too_long_for_a_neighbor_is_withdrawn_from_it_and_logged)
{
    struct table_top *top = two_established();
    struct far_end *b = &top->ends[1];
    say_prefixes(top, 1, 0xc0, 99, 10);
    ck_assert_uint_eq(b->route_count, 1);
    top->log_count = 0;
    say_prefixes(top, 1, 0xc0, 99, 4096 - 23 - 20 - 4 - 4);
    ck_assert_uint_eq(b->route_count, 0);
    const struct log_event *line = find_log(top, "do not fit a message of 4096 octets");
    ck_assert_ptr_nonnull(line);
    ck_assert(ip_equal(&line->peer, &b->addr));
    ck_assert(top->ends[0].is_up && b->is_up);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, NULL).total, 1);
    say_prefixes(top, 1, 0xc0, 99, 11);
    ck_assert_uint_eq(b->route_count, 1);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("update_log");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_wrong_update_is_logged_with_its_prefixes_and_all_its_octets);
    tcase_add_test(tcase, each_attribute_is_told_once_in_ten_seconds_and_four_of_them_at_most);
    tcase_add_test(tcase, a_route_too_long_for_a_neighbor_is_withdrawn_from_it_and_logged);
    suite_add_tcase(suite, tcase);
    return suite;
}
