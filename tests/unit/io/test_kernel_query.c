/* Questions to the kernel about one packet, asked in a namespace of the test's own. */
#include "bgpd/io/kernel_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "bgpd/io/fib_message.h"
#include "bgpd/io/xfrm_message.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

static const struct ip_addr nobody = {.family = IP_NONE};
static struct kernel_path path;

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

/* Sends one message and waits for its answer; errno of the kernel, 0 when it was taken. */
static int tell(int protocol, void *buffer)
{
    struct nlmsghdr *message = buffer;
    _Alignas(8) uint8_t answer[8192];
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW, protocol);
    if (fd < 0) {
        return errno;
    }
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    ck_assert_int_gt(send(fd, message, message->nlmsg_len, 0), 0);
    ck_assert_int_gt(recv(fd, answer, sizeof answer, 0), 0);
    close(fd);
    const struct nlmsghdr *got = (const struct nlmsghdr *)answer;
    ck_assert_int_eq(got->nlmsg_type, NLMSG_ERROR);
    return -((const struct nlmsgerr *)mnl_nlmsg_get_payload(got))->error;
}

static void add_route(const char *prefix, uint8_t type, uint32_t metric, uint32_t nexthop_object)
{
    _Alignas(8) uint8_t buffer[FIB_MESSAGE_BYTES_MAX];
    struct fib_route_action action = {.route = {.table = 254,
                                                .metric = metric,
                                                .protocol = 165,
                                                .type = type,
                                                .nexthop_object = nexthop_object}};
    ck_assert_int_eq(prefix_parse(prefix, &action.route.prefix), STATUS_OK);
    if (type == FIB_ROUTE_UNICAST && nexthop_object == 0) {
        action.route.leg_count = 1;
        action.route.legs[0] = (struct fib_leg){.ifindex = 1, .weight = 1};
    }
    fib_message_route(buffer, 1, &action);
    ck_assert_int_eq(tell(NETLINK_ROUTE, buffer), 0);
}

static void add_object(uint32_t id, uint32_t member)
{
    _Alignas(8) uint8_t buffer[FIB_MESSAGE_BYTES_MAX];
    struct fib_nexthop_action action = {.nexthop = {.id = id, .family = IP_V4}};
    if (member != 0) {
        action.nexthop.member_count = 1;
        action.nexthop.members[0] = member;
        action.nexthop.member_weights[0] = 1;
    } else {
        action.nexthop.leg = (struct fib_leg){.ifindex = 1, .weight = 1};
    }
    fib_message_nexthop(buffer, 1, 165, &action);
    ck_assert_int_eq(tell(NETLINK_ROUTE, buffer), 0);
}

static void ask(const char *destination, const struct ip_addr *source)
{
    struct ip_addr addr = ip(destination);
    kernel_query_path(&addr, source, &path);
}

START_TEST(a_route_is_read_with_its_ways)
{
    if (!namespace_enter()) {
        return;
    }
    add_route("10.1.0.0/16", FIB_ROUTE_UNICAST, 20, 0);
    ask("10.1.2.3", &nobody);
    ck_assert_int_eq(path.error, 0);
    ck_assert_int_eq(path.route_error, 0);
    ck_assert(path.has_route);
    ck_assert_uint_eq(path.route.prefix.len_bits, 16);
    ck_assert_uint_eq(path.route.metric, 20);
    ck_assert_uint_eq(path.route.protocol, 165);
    ck_assert_uint_eq(path.hop_count, 1);
    ck_assert_uint_eq(path.hops[0].leg.ifindex, 1);
    ck_assert(path.hops[0].is_chosen);
}
END_TEST

START_TEST(members_of_a_group_are_its_ways)
{
    if (!namespace_enter()) {
        return;
    }
    add_object(7, 0);
    add_object(8, 7);
    add_route("10.1.0.0/16", FIB_ROUTE_UNICAST, 20, 8);
    ask("10.1.2.3", &nobody);
    ck_assert_uint_eq(path.route.nexthop_object, 8);
    ck_assert_uint_eq(path.hop_count, 1);
    ck_assert_uint_eq(path.hops[0].leg.ifindex, 1);
}
END_TEST

START_TEST(what_goes_nowhere_says_how)
{
    if (!namespace_enter()) {
        return;
    }
    add_route("10.1.0.0/16", FIB_ROUTE_UNREACHABLE, 4294967294u, 0);
    add_route("10.2.0.0/16", FIB_ROUTE_BLACKHOLE, 20, 0);
    add_route("10.3.0.0/16", FIB_ROUTE_PROHIBIT, 20, 0);
    add_route("2001:db8::/32", FIB_ROUTE_UNREACHABLE, 4294967294u, 0);
    static const struct {
        const char *addr;
        int error;
    } cases[] = {{"10.1.2.3", EHOSTUNREACH},    {"10.2.2.3", EINVAL},
                 {"10.3.2.3", EACCES},          {"10.4.2.3", ENETUNREACH},
                 {"2001:db8::1", EHOSTUNREACH}, {"2001:db9::1", ENETUNREACH}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(cases[i].addr, &nobody);
        ck_assert_msg(path.error == 0 && path.route_error == cases[i].error, "%s: %d, %d",
                      cases[i].addr, path.error, path.route_error);
        ck_assert_uint_eq(path.hop_count, 0);
    }
    ask("127.0.0.1", &nobody);
    ck_assert(path.is_local);
}
END_TEST

START_TEST(a_source_from_nowhere_is_an_error_of_the_question)
{
    if (!namespace_enter()) {
        return;
    }
    struct ip_addr source = ip("192.0.2.1");
    add_route("10.1.0.0/16", FIB_ROUTE_UNICAST, 20, 0);
    ask("10.1.2.3", &source);
    ck_assert_int_eq(path.error, ENETUNREACH);
    source = ip("127.0.0.1");
    ask("10.1.2.3", &source);
    ck_assert_int_eq(path.error, 0);
}
END_TEST

/* ---- XFRM ---- */

struct policy_case {
    const char *destination;
    uint32_t priority;
    uint32_t if_id;
    uint8_t dir;
    uint8_t action;
    uint16_t port;
    const char *remote; /* NULL: no template */
};

static void *policy_message(uint8_t *buffer, size_t size, const struct policy_case *what)
{
    memset(buffer, 0, size);
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = XFRM_MSG_NEWPOLICY;
    message->nlmsg_flags = NLM_F_CREATE;
    struct xfrm_userpolicy_info *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    struct prefix destination;
    ck_assert_int_eq(prefix_parse(what->destination, &destination), STATUS_OK);
    memcpy(&info->sel.daddr, destination.bytes, 16);
    info->sel.family = destination.family == IP_V6 ? AF_INET6 : AF_INET;
    info->sel.prefixlen_d = destination.len_bits;
    info->sel.dport = htons(what->port);
    info->sel.dport_mask = what->port != 0 ? 0xffff : 0;
    info->lft.soft_byte_limit = info->lft.hard_byte_limit = XFRM_INF;
    info->lft.soft_packet_limit = info->lft.hard_packet_limit = XFRM_INF;
    info->priority = what->priority;
    info->dir = what->dir;
    info->action = what->action;
    if (what->remote != NULL) {
        struct xfrm_user_tmpl template = {.family = AF_INET, .mode = XFRM_MODE_TUNNEL};
        struct ip_addr remote = ip(what->remote);
        struct ip_addr local = ip("10.1.255.1");
        memcpy(&template.id.daddr, remote.bytes, 4);
        memcpy(&template.saddr, local.bytes, 4);
        template.id.proto = IPPROTO_ESP;
        template.aalgos = template.ealgos = template.calgos = ~0u;
        mnl_attr_put(message, XFRMA_TMPL, sizeof template, &template);
    }
    if (what->if_id != 0) {
        mnl_attr_put_u32(message, XFRMA_IF_ID, what->if_id);
    }
    return message;
}

static const struct policy_case policies[] = {
    {"10.51.0.0/16", 200, 0, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, "203.0.113.4"},
    {"10.51.230.0/23", 100, 42, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, "203.0.113.5"},
    {"10.51.230.0/24", 50, 0, XFRM_POLICY_OUT, XFRM_POLICY_BLOCK, 0, NULL},
    {"10.51.0.0/16", 20, 0, XFRM_POLICY_IN, XFRM_POLICY_ALLOW, 0, "203.0.113.4"},
    {"10.51.0.0/16", 10, 0, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 179, "203.0.113.4"},
    {"10.52.0.0/16", 5, 0, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, "203.0.113.4"},
};

START_TEST(policies_that_take_the_packet_come_best_first)
{
    _Alignas(8) uint8_t buffer[1024];
    if (!namespace_enter()) {
        return;
    }
    add_route("10.0.0.0/8", FIB_ROUTE_UNICAST, 20, 0);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        int error = tell(NETLINK_XFRM, policy_message(buffer, sizeof buffer, &policies[i]));
        if (error == EPROTONOSUPPORT) {
            ask("10.51.230.1", &nobody);
            ck_assert_int_eq(path.xfrm, KERNEL_XFRM_ABSENT);
            return;
        }
        ck_assert_int_eq(error, 0);
    }
    ask("10.51.230.1", &nobody);
    ck_assert_int_eq(path.xfrm, KERNEL_XFRM_READ);
    ck_assert_uint_eq(path.policy_count, 3);
    ck_assert(path.policies[0].is_block);
    ck_assert_uint_eq(path.policies[1].if_id, 42);
    ck_assert_uint_eq(path.policies[1].outbound_sa_spi, 0);
    struct ip_addr remote = ip("203.0.113.4");
    ck_assert_uint_eq(path.policies[2].priority, 200);
    ck_assert(ip_equal(&path.policies[2].remote, &remote));
    ask("10.60.0.1", &nobody);
    ck_assert_uint_eq(path.policy_count, 0);
}
END_TEST

START_TEST(many_policies_are_bounded_and_the_best_are_kept)
{
    _Alignas(8) uint8_t buffer[1024];
    if (!namespace_enter()) {
        return;
    }
    add_route("10.0.0.0/8", FIB_ROUTE_UNICAST, 20, 0);
    for (uint32_t i = 0; i < 40; i++) {
        struct policy_case what = policies[0];
        what.priority = 1000 - i;
        what.if_id = i + 1;
        if (tell(NETLINK_XFRM, policy_message(buffer, sizeof buffer, &what)) != 0) {
            return;
        }
    }
    ask("10.51.0.1", &nobody);
    ck_assert_uint_eq(path.policy_count, KERNEL_XFRM_POLICIES_MAX);
    for (uint32_t i = 0; i < KERNEL_XFRM_POLICIES_MAX; i++) {
        ck_assert_uint_eq(path.policies[i].priority, 961 + i);
    }
}
END_TEST

START_TEST(a_policy_message_reads_back_and_cut_ones_are_refused)
{
    _Alignas(8) uint8_t buffer[1024];
    struct xfrm_policy policy;
    struct nlmsghdr *message = policy_message(buffer, sizeof buffer, &policies[1]);
    ck_assert(xfrm_message_parse_policy(message, &policy));
    ck_assert_uint_eq(policy.if_id, 42);
    ck_assert_uint_eq(policy.destination.len_bits, 23);
    ck_assert(policy.is_outbound && !policy.is_block && !policy.is_bypass);
    ck_assert(
        !xfrm_message_parse_policy(policy_message(buffer, sizeof buffer, &policies[4]), &policy));
    message = policy_message(buffer, sizeof buffer, &policies[1]);
    for (uint32_t size = NLMSG_HDRLEN; size < NLMSG_HDRLEN + sizeof(struct xfrm_userpolicy_info);
         size += 4) {
        message->nlmsg_len = size;
        ck_assert(!xfrm_message_parse_policy(message, &policy));
    }
    struct policy_case long_one = policies[1];
    message = policy_message(buffer, sizeof buffer, &long_one);
    ((struct xfrm_userpolicy_info *)mnl_nlmsg_get_payload(message))->sel.prefixlen_d = 33;
    ck_assert(!xfrm_message_parse_policy(message, &policy));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernel query");
    TCase *tcase = tcase_create("query");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_route_is_read_with_its_ways);
    tcase_add_test(tcase, members_of_a_group_are_its_ways);
    tcase_add_test(tcase, what_goes_nowhere_says_how);
    tcase_add_test(tcase, a_source_from_nowhere_is_an_error_of_the_question);
    tcase_add_test(tcase, policies_that_take_the_packet_come_best_first);
    tcase_add_test(tcase, many_policies_are_bounded_and_the_best_are_kept);
    tcase_add_test(tcase, a_policy_message_reads_back_and_cut_ones_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
