/* Route and next-hop messages: what is written reads back the same, and hostile or foreign messages
 * are left alone. */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/io/fib_message.h"
#include "tests/unit/unit.h"

_Alignas(8) static uint8_t buffer[FIB_MESSAGE_BYTES_MAX];

static struct prefix make_prefix(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

static struct ip_addr make_ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

static struct fib_route_action make_route(const char *prefix)
{
    struct fib_route_action action = {.operation = 7};
    action.route.prefix = make_prefix(prefix);
    action.route.table = 254;
    action.route.metric = 20;
    action.route.protocol = 165;
    return action;
}

static void check_same(const struct fib_route *a, const struct fib_route *b)
{
    ck_assert(prefix_equal(&a->prefix, &b->prefix));
    ck_assert_uint_eq(a->table, b->table);
    ck_assert_uint_eq(a->metric, b->metric);
    ck_assert_uint_eq(a->protocol, b->protocol);
    ck_assert_uint_eq(a->type, b->type);
    ck_assert_uint_eq(a->nexthop_object, b->nexthop_object);
    ck_assert_uint_eq(a->leg_count, b->leg_count);
    for (int i = 0; i < a->leg_count; i++) {
        ck_assert_uint_eq(a->legs[i].ifindex, b->legs[i].ifindex);
        ck_assert_uint_eq(a->legs[i].weight, b->legs[i].weight);
        ck_assert(ip_equal(&a->legs[i].gateway, &b->legs[i].gateway));
    }
    ck_assert(ip_equal(&a->preferred_source, &b->preferred_source));
}

static void check_round_trip(const struct fib_route_action *action)
{
    struct kernel_route_event event;
    size_t size = fib_message_route(buffer, 9, action);
    ck_assert_uint_eq(size % 4, 0);
    ck_assert(fib_message_parse_route((struct nlmsghdr *)buffer, &event));
    ck_assert_int_eq(event.is_removed, action->is_delete);
    if (!action->is_delete) {
        check_same(&action->route, &event.route);
    }
}

START_TEST(routes_of_every_type_read_back)
{
    static const char *const prefixes[] = {"0.0.0.0/0", "10.51.230.0/23", "192.0.2.1/32",
                                           "::/0",      "2001:db8::/32",  "2001:db8::1/128"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        for (int type = FIB_ROUTE_UNICAST; type <= FIB_ROUTE_PROHIBIT; type++) {
            struct fib_route_action action = make_route(prefixes[i]);
            action.route.type = (uint8_t)type;
            check_round_trip(&action);
            action.route.table = 1000;
            check_round_trip(&action);
            action.is_delete = true;
            check_round_trip(&action);
        }
    }
}
END_TEST

START_TEST(routes_with_gateways_read_back)
{
    struct fib_route_action action = make_route("10.0.0.0/8");
    action.route.nexthop_object = 0x5ea00001;
    check_round_trip(&action);
    action.route.nexthop_object = 0;
    action.route.leg_count = 1;
    action.route.legs[0] = (struct fib_leg){make_ip("172.16.0.2"), 3, 1};
    action.route.preferred_source = make_ip("10.1.255.1");
    check_round_trip(&action);
    for (uint8_t legs = 2; legs <= FIB_PLAIN_LEGS_MAX; legs++) {
        action.route.leg_count = legs;
        for (uint8_t i = 0; i < legs; i++) {
            action.route.legs[i] =
                (struct fib_leg){make_ip("172.16.0.6"), i + 1u, (uint8_t)(i + 1)};
        }
        check_round_trip(&action);
    }
}
END_TEST

START_TEST(nexthop_objects_read_back)
{
    struct kernel_nexthop_event event;
    struct fib_nexthop_action action = {.nexthop = {.id = 0x5ea00002, .family = IP_V4}};
    action.nexthop.leg = (struct fib_leg){make_ip("172.16.0.2"), 4, 1};
    fib_message_nexthop(buffer, 1, 165, &action);
    ck_assert(fib_message_parse_nexthop((struct nlmsghdr *)buffer, 165, &event));
    ck_assert(event.is_ours);
    ck_assert_uint_eq(event.nexthop.leg.ifindex, 4);
    ck_assert(ip_equal(&event.nexthop.leg.gateway, &action.nexthop.leg.gateway));
    ck_assert(fib_message_parse_nexthop((struct nlmsghdr *)buffer, 186, &event));
    ck_assert(!event.is_ours);
    action.nexthop.member_count = FIB_LEGS_MAX;
    for (uint8_t i = 0; i < FIB_LEGS_MAX; i++) {
        action.nexthop.members[i] = i + 1u;
        action.nexthop.member_weights[i] = 1;
    }
    fib_message_nexthop(buffer, 1, 165, &action);
    ck_assert(fib_message_parse_nexthop((struct nlmsghdr *)buffer, 165, &event));
    ck_assert_uint_eq(event.nexthop.member_count, FIB_LEGS_MAX);
    ck_assert_uint_eq(event.nexthop.members[63], 64);
    ck_assert(!event.nexthop.is_resilient);
    struct fib_nexthop_action standby = {.nexthop = {.id = 6, .family = IP_V4}};
    standby.nexthop.is_resilient = true;
    standby.nexthop.member_count = 2;
    standby.nexthop.members[0] = 1;
    standby.nexthop.members[1] = 2;
    standby.nexthop.member_weights[0] = FIB_WEIGHT_BESIDE_STANDBY;
    standby.nexthop.member_weights[1] = 1;
    fib_message_nexthop(buffer, 1, 165, &standby);
    ck_assert(fib_message_parse_nexthop((struct nlmsghdr *)buffer, 165, &event));
    ck_assert(event.nexthop.is_resilient);
    ck_assert(!fib_member_waits(&event.nexthop, 0));
    ck_assert(fib_member_waits(&event.nexthop, 1));
    ck_assert_uint_eq(event.nexthop.member_weights[0], FIB_WEIGHT_BESIDE_STANDBY);
    struct fib_nexthop_action hole = {.nexthop = {.id = 5, .family = IP_V6, .is_blackhole = true}};
    fib_message_nexthop(buffer, 1, 165, &hole);
    ck_assert(fib_message_parse_nexthop((struct nlmsghdr *)buffer, 165, &event));
    ck_assert(event.nexthop.is_blackhole);
}
END_TEST

START_TEST(foreign_and_short_messages_are_left_alone)
{
    struct kernel_route_event route;
    struct link_event link;
    struct addr_event addr;
    struct kernel_nexthop_event nexthop;
    struct fib_route_action action = make_route("10.0.0.0/8");
    for (int type = 0; type < 120; type++) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
        message->nlmsg_type = (uint16_t)type; /* a header and nothing behind it */
        ck_assert(!fib_message_parse_route(message, &route));
        ck_assert(!fib_message_parse_link(message, &link));
        ck_assert(!fib_message_parse_addr(message, &addr));
        ck_assert(!fib_message_parse_nexthop(message, 165, &nexthop));
    }
    action.route.table = 255; /* local */
    fib_message_route(buffer, 1, &action);
    ck_assert(!fib_message_parse_route((struct nlmsghdr *)buffer, &route));
    action = make_route("224.0.0.0/4");
    fib_message_route(buffer, 1, &action);
    ck_assert(!fib_message_parse_route((struct nlmsghdr *)buffer, &route));
}
END_TEST

START_TEST(every_truncation_is_survived)
{
    struct kernel_route_event event;
    struct fib_route_action action = make_route("10.0.0.0/8");
    action.route.leg_count = 3;
    for (uint8_t i = 0; i < 3; i++) {
        action.route.legs[i] = (struct fib_leg){make_ip("172.16.0.6"), i + 1u, 1};
    }
    size_t size = fib_message_route(buffer, 1, &action);
    for (size_t cut = sizeof(struct nlmsghdr); cut < size; cut++) {
        uint8_t *copy = malloc(NLMSG_ALIGN(cut)); /* datagrams are padded to 4 octets */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, buffer, cut);
        ((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)cut;
        (void)fib_message_parse_route((struct nlmsghdr *)copy, &event);
        free(copy);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fib_message");
    TCase *tcase = tcase_create("messages");
    tcase_add_test(tcase, routes_of_every_type_read_back);
    tcase_add_test(tcase, routes_with_gateways_read_back);
    tcase_add_test(tcase, nexthop_objects_read_back);
    tcase_add_test(tcase, foreign_and_short_messages_are_left_alone);
    tcase_add_test(tcase, every_truncation_is_survived);
    suite_add_tcase(suite, tcase);
    return suite;
}
