/* Security associations: messages laid out as the kernel does, what they mean for a tunnel, and the
 * watcher against the kernel's own (empty) list. */
#include <arpa/inet.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/io/xfrm_table.h"
#include "bgpd/io/xfrm_watch.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

#define CE "10.1.255.1"
#define GW "10.51.230.4"

_Alignas(8) static uint8_t buffer[2048];
static struct xfrm_change change;
static struct xfrm_table table;

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr = {.family = IP_NONE};
    ck_assert(text[0] == 0 || ip_parse(text, &addr) == STATUS_OK);
    return addr;
}

static void fill_info(struct xfrm_usersa_info *info, const char *source, const char *destination,
                      uint32_t spi)
{
    struct ip_addr from = ip(source);
    struct ip_addr to = ip(destination);
    memcpy(&info->saddr, from.bytes, 16);
    memcpy(&info->id.daddr, to.bytes, 16);
    info->id.spi = htonl(spi);
    info->id.proto = IPPROTO_ESP;
    info->family = to.family == IP_V6 ? AF_INET6 : AF_INET;
    info->mode = XFRM_MODE_TUNNEL;
}

static struct nlmsghdr *begin(uint16_t type)
{
    memset(buffer, 0, sizeof buffer);
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    return message;
}

static struct nlmsghdr *new_sa(uint16_t type, const char *source, const char *destination,
                               uint32_t spi, uint32_t if_id)
{
    struct nlmsghdr *message = begin(type);
    struct xfrm_usersa_info *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    struct xfrm_algo_aead aead = {.alg_key_len = 0, .alg_icv_len = 128};
    fill_info(info, source, destination, spi);
    mnl_attr_put(message, XFRMA_ALG_AEAD, sizeof aead, &aead);
    if (if_id != 0) {
        mnl_attr_put_u32(message, XFRMA_IF_ID, if_id);
    }
    return message;
}

static struct nlmsghdr *delete_sa(const char *destination, uint32_t spi)
{
    struct nlmsghdr *message = begin(XFRM_MSG_DELSA);
    struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(message, sizeof *id);
    struct ip_addr to = ip(destination);
    memcpy(&id->daddr, to.bytes, 16);
    id->spi = htonl(spi);
    id->proto = IPPROTO_ESP;
    id->family = to.family == IP_V6 ? AF_INET6 : AF_INET;
    return message;
}

static struct nlmsghdr *expire_sa(const char *source, const char *destination, uint32_t spi,
                                  uint8_t hard)
{
    struct nlmsghdr *message = begin(XFRM_MSG_EXPIRE);
    struct xfrm_user_expire *expire = mnl_nlmsg_put_extra_header(message, sizeof *expire);
    fill_info(&expire->state, source, destination, spi);
    expire->hard = hard;
    return message;
}

static struct nlmsghdr *flush(uint8_t proto)
{
    struct nlmsghdr *message = begin(XFRM_MSG_FLUSHSA);
    struct xfrm_usersa_flush *body = mnl_nlmsg_put_extra_header(message, sizeof *body);
    body->proto = proto;
    return message;
}

static void tell(const struct nlmsghdr *message)
{
    if (xfrm_message_parse(message, &change)) {
        xfrm_table_apply(&table, &change);
    }
}

static void watch_for(uint32_t if_id, const char *local, const char *remote)
{
    struct xfrm_match match = {if_id, ip(local), ip(remote)};
    xfrm_table_init(&table, &match);
}

static void both_ways(uint32_t spi, uint32_t if_id)
{
    tell(new_sa(XFRM_MSG_NEWSA, CE, GW, spi, if_id));
    tell(new_sa(XFRM_MSG_NEWSA, GW, CE, spi + 1, if_id));
}

START_TEST(a_new_sa_reads_with_addresses_spi_and_if_id)
{
    static const char *const pairs[][2] = {{CE, GW}, {"2001:db8::1", "2001:db8::2"}};
    static const uint16_t types[] = {XFRM_MSG_NEWSA, XFRM_MSG_UPDSA};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            struct ip_addr from = ip(pairs[i][0]);
            struct ip_addr to = ip(pairs[i][1]);
            ck_assert(
                xfrm_message_parse(new_sa(types[k], pairs[i][0], pairs[i][1], 0xc1, 7), &change));
            ck_assert_int_eq(change.kind, XFRM_SA_PUT);
            ck_assert(ip_equal(&change.sa.source, &from));
            ck_assert(ip_equal(&change.sa.destination, &to));
            ck_assert_uint_eq(change.sa.spi, 0xc1);
            ck_assert_uint_eq(change.sa.if_id, 7);
        }
    }
}
END_TEST

START_TEST(what_is_no_usable_esp_sa_is_passed_over)
{
    struct nlmsghdr *message = new_sa(XFRM_MSG_NEWSA, CE, GW, 0, 0);
    ck_assert(!xfrm_message_parse(message, &change)); /* waits for an answer of IKE */
    message = new_sa(XFRM_MSG_NEWSA, CE, GW, 1, 0);
    struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(message);
    info->id.proto = IPPROTO_AH;
    ck_assert(!xfrm_message_parse(message, &change));
    info->id.proto = IPPROTO_ESP;
    info->family = AF_UNIX;
    ck_assert(!xfrm_message_parse(message, &change));
    message = begin(XFRM_MSG_NEWSA); /* an SPI reserved, no keys yet */
    fill_info(mnl_nlmsg_put_extra_header(message, sizeof *info), GW, CE, 5);
    ck_assert(!xfrm_message_parse(message, &change));
    ck_assert(!xfrm_message_parse(expire_sa(CE, GW, 1, 0), &change)); /* soft: rekeying is due */
    ck_assert(!xfrm_message_parse(flush(IPPROTO_AH), &change));
    ck_assert(!xfrm_message_parse(begin(XFRM_MSG_NEWPOLICY), &change));
}
END_TEST

START_TEST(cut_messages_are_refused)
{
    for (int kind = 0; kind < 4; kind++) {
        uint32_t whole = kind == 0   ? new_sa(XFRM_MSG_NEWSA, CE, GW, 1, 3)->nlmsg_len
                         : kind == 1 ? delete_sa(GW, 1)->nlmsg_len
                         : kind == 2 ? expire_sa(CE, GW, 1, 1)->nlmsg_len
                                     : flush(0)->nlmsg_len;
        for (uint32_t size = MNL_NLMSG_HDRLEN; size < whole; size++) {
            uint8_t *copy = aligned_alloc(8, (whole + 7u) / 8 * 8);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, buffer, whole);
            ((struct nlmsghdr *)copy)->nlmsg_len = size;
            bool is_read = xfrm_message_parse((struct nlmsghdr *)copy, &change);
            /* The fixed part is padded, and if_id comes last: without it it is another SA. */
            ck_assert(!is_read || kind == 0 || size + 4 > whole);
            ck_assert(!is_read || kind != 0 || size + 4 > whole || change.sa.if_id == 0);
            free(copy);
        }
    }
}
END_TEST

START_TEST(alive_means_one_sa_each_way)
{
    watch_for(0, CE, GW);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_NEITHER);
    tell(new_sa(XFRM_MSG_NEWSA, CE, GW, 1, 0));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_OUTBOUND_ONLY);
    tell(new_sa(XFRM_MSG_NEWSA, GW, CE, 2, 0));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
    tell(delete_sa(GW, 1));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_INBOUND_ONLY);
    tell(delete_sa(CE, 2));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_NEITHER);
}
END_TEST

START_TEST(rekeying_make_before_break_is_no_outage)
{
    watch_for(0, CE, GW);
    both_ways(10, 0);
    for (uint32_t spi = 20; spi < 200; spi += 10) {
        both_ways(spi, 0);
        ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
        tell(delete_sa(GW, spi - 10));
        ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
        tell(delete_sa(CE, spi - 9));
        ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
        ck_assert_uint_eq(table.count, 2);
    }
}
END_TEST

START_TEST(hard_expiry_and_flush_take_sas_away)
{
    watch_for(0, "", GW);
    both_ways(1, 0);
    tell(expire_sa(GW, CE, 2, 0));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
    tell(expire_sa(GW, CE, 2, 1));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_OUTBOUND_ONLY);
    both_ways(5, 0);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
    tell(flush(0));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_NEITHER);
    both_ways(7, 0);
    tell(flush(IPPROTO_ESP));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_NEITHER);
}
END_TEST

START_TEST(other_tunnels_sas_do_not_count)
{
    watch_for(0, CE, "10.51.230.5");
    both_ways(1, 0);
    ck_assert_uint_eq(table.count, 0);
    watch_for(8, CE, GW);
    both_ways(1, 0);
    both_ways(3, 9);
    ck_assert_uint_eq(table.count, 0);
    both_ways(5, 8);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
    tell(delete_sa(GW, 3)); /* of the other if_id */
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
}
END_TEST

START_TEST(if_id_alone_wants_both_directions)
{
    watch_for(8, "", "");
    tell(new_sa(XFRM_MSG_NEWSA, GW, CE, 1, 8));
    tell(new_sa(XFRM_MSG_NEWSA, GW, CE, 2, 8));
    ck_assert_int_ne(xfrm_table_verdict(&table), XFRM_BOTH);
    tell(new_sa(XFRM_MSG_NEWSA, CE, GW, 3, 8));
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
}
END_TEST

START_TEST(a_new_account_ends_what_it_does_not_mention)
{
    watch_for(0, CE, GW);
    both_ways(1, 0);
    xfrm_table_dump_begin(&table);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH); /* no gap while it is read */
    both_ways(11, 0);
    xfrm_table_dump_end(&table);
    ck_assert_uint_eq(table.count, 2);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_BOTH);
    xfrm_table_dump_begin(&table);
    tell(new_sa(XFRM_MSG_NEWSA, CE, GW, 11, 0));
    xfrm_table_dump_end(&table);
    ck_assert_int_eq(xfrm_table_verdict(&table), XFRM_OUTBOUND_ONLY);
}
END_TEST

START_TEST(a_flood_of_sas_is_bounded)
{
    watch_for(0, CE, GW);
    for (uint32_t spi = 1; spi < 4 * XFRM_TABLE_SAS_MAX; spi++) {
        tell(new_sa(XFRM_MSG_NEWSA, CE, GW, spi, 0));
    }
    ck_assert_uint_eq(table.count, XFRM_TABLE_SAS_MAX);
}
END_TEST

static void keep_fact(void *context, const struct core_event *event)
{
    *(struct tunnel_fact *)context = event->tunnel_fact;
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

START_TEST(a_kernel_without_sas_says_dead)
{
    if (!namespace_enter()) {
        return;
    }
    int probe = socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM);
    if (probe < 0) {
        return; /* a kernel without XFRM */
    }
    close(probe);
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct tunnel_fact fact = {.tunnel_number = 0};
    struct evidence_hooks hooks = {&fact, keep_fact};
    struct xfrm_watch *watch = xfrm_watch_new(loop, &hooks);
    struct config_tunnel tunnel = {.name = "t", .remote_endpoint = ip(GW)};
    struct ev_timer timeout;
    xfrm_watch_put(watch, 3, &tunnel);
    ck_assert_uint_eq(fact.tunnel_number, 0); /* not from within */
    ev_timer_init(&timeout, on_timeout, 0.2, 0.);
    ev_timer_start(loop, &timeout);
    ev_run(loop, 0);
    ck_assert_uint_eq(fact.tunnel_number, 3);
    ck_assert_uint_eq(fact.source, LIVENESS_XFRM);
    ck_assert(fact.is_known && !fact.is_alive);
    xfrm_watch_remove(watch, 3);
    xfrm_watch_free(watch);
    ev_loop_destroy(loop);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/xfrm");
    TCase *tests = tcase_create("associations");
    tcase_add_test(tests, a_new_sa_reads_with_addresses_spi_and_if_id);
    tcase_add_test(tests, what_is_no_usable_esp_sa_is_passed_over);
    tcase_add_test(tests, cut_messages_are_refused);
    tcase_add_test(tests, alive_means_one_sa_each_way);
    tcase_add_test(tests, rekeying_make_before_break_is_no_outage);
    tcase_add_test(tests, hard_expiry_and_flush_take_sas_away);
    tcase_add_test(tests, other_tunnels_sas_do_not_count);
    tcase_add_test(tests, if_id_alone_wants_both_directions);
    tcase_add_test(tests, a_new_account_ends_what_it_does_not_mention);
    tcase_add_test(tests, a_flood_of_sas_is_bounded);
    tcase_add_test(tests, a_kernel_without_sas_says_dead);
    suite_add_tcase(suite, tests);
    return suite;
}
