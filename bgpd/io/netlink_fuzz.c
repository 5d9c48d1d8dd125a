/* What the kernel says: every parser takes any message that claims to be whole, and a route or
 * next-hop object that we could write ourselves reads back as it was. */
#include <libmnl/libmnl.h>
#include <string.h>

#include "bgpd/io/fib_message.h"
#include "bgpd/io/netlink_walk.h"
#include "bgpd/io/xfrm_message.h"
#include "proto/base/assert.h"

#define PROTOCOL     165
#define STREAM_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nlmsghdr *netlink_fuzz_header(const uint8_t *buffer)
{
    return (const struct nlmsghdr *)(const void *)buffer;
}

static void netlink_fuzz_route(const struct kernel_route_event *event)
{
    _Alignas(NLMSG_ALIGNTO) uint8_t buffer[FIB_MESSAGE_BYTES_MAX];
    struct fib_route_action action = {.is_delete = event->is_removed, .route = event->route};
    ASSERT(event->route.leg_count <= FIB_PLAIN_LEGS_MAX);
    ASSERT(event->route.prefix.len_bits <= ip_family_bits(event->route.prefix.family));
    size_t size = fib_message_route(buffer, 1, &action);
    ASSERT(size <= sizeof buffer);
    struct kernel_route_event again;
    if (!event->is_removed && fib_message_parse_route(netlink_fuzz_header(buffer), &again)) {
        ASSERT(prefix_equal(&again.route.prefix, &event->route.prefix));
        ASSERT(again.route.type == event->route.type && again.route.table == event->route.table);
    }
}

static void netlink_fuzz_nexthop(const struct kernel_nexthop_event *event)
{
    _Alignas(NLMSG_ALIGNTO) uint8_t buffer[FIB_MESSAGE_BYTES_MAX];
    struct fib_nexthop_action action = {.nexthop = event->nexthop};
    ASSERT(event->nexthop.member_count <= FIB_LEGS_MAX);
    if (event->is_removed) {
        return;
    }
    size_t size = fib_message_nexthop(buffer, 1, PROTOCOL, &action);
    ASSERT(size <= sizeof buffer);
    struct kernel_nexthop_event again;
    bool is_read = fib_message_parse_nexthop(netlink_fuzz_header(buffer), PROTOCOL, &again);
    ASSERT(is_read && again.is_ours && again.nexthop.id == event->nexthop.id);
    ASSERT(again.nexthop.member_count == event->nexthop.member_count);
    for (unsigned i = 0; i < again.nexthop.member_count; i++) {
        ASSERT(again.nexthop.members[i] == event->nexthop.members[i]);
    }
}

static void netlink_fuzz_message(const struct nlmsghdr *message)
{
    struct kernel_route_event route;
    struct kernel_nexthop_event nexthop;
    struct link_event link;
    struct addr_event addr;
    struct xfrm_change change;
    struct xfrm_policy policy;
    char text[80];
    if (fib_message_parse_route(message, &route)) {
        netlink_fuzz_route(&route);
    }
    if (fib_message_parse_nexthop(message, PROTOCOL, &nexthop)) {
        netlink_fuzz_nexthop(&nexthop);
    }
    if (fib_message_parse_link(message, &link)) {
        ASSERT(memchr(link.name, 0, sizeof link.name) != NULL);
        ASSERT(memchr(link.kind, 0, sizeof link.kind) != NULL);
    }
    if (fib_message_parse_addr(message, &addr)) {
        ASSERT(addr.len_bits <= ip_family_bits(addr.addr.family));
    }
    if (xfrm_message_parse(message, &change)) {
        ASSERT(change.kind <= XFRM_SA_ALL_REMOVED);
    }
    if (xfrm_message_parse_policy(message, &policy)) {
        ASSERT(policy.source.len_bits <= ip_family_bits(policy.source.family));
        ASSERT(policy.destination.len_bits <= ip_family_bits(policy.destination.family));
    }
    if (message->nlmsg_type == NLMSG_ERROR &&
        mnl_nlmsg_get_payload_len(message) >= sizeof(struct nlmsgerr)) {
        fib_message_error_text(message, text, sizeof text);
        ASSERT(memchr(text, 0, sizeof text) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Alignas(NLMSG_ALIGNTO) uint8_t stream[STREAM_BYTES];
    size = size < sizeof stream ? size : sizeof stream;
    if (size != 0) {
        memcpy(stream, data, size);
    }
    int left = (int)size;
    for (const struct nlmsghdr *message = netlink_fuzz_header(stream);
         netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        netlink_fuzz_message(message);
    }
    return 0;
}
