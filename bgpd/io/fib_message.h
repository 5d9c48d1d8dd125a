/* Route and next-hop messages of rtnetlink: plain structs to octets and back. No sockets. */
#ifndef BGPD_IO_FIB_MESSAGE_H
#define BGPD_IO_FIB_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/core.h"

/* The largest message either function writes: a group of FIB_LEGS_MAX members with its header. */
#define FIB_MESSAGE_BYTES_MAX 2048u

/* Writes one RTM_NEWROUTE/RTM_DELROUTE (IPv4 or IPv6) to buffer, which holds FIB_MESSAGE_BYTES_MAX
 * octets; returns its length. The caller adds NLM_F_ACK where it wants an answer. */
size_t fib_message_route(uint8_t *buffer, uint32_t sequence, const struct fib_route_action *action);

/* The same for RTM_NEWNEXTHOP/RTM_DELNEXTHOP. protocol marks the object as ours. */
size_t fib_message_nexthop(uint8_t *buffer, uint32_t sequence, uint8_t protocol,
                           const struct fib_nexthop_action *action);

/* Parsers of what the kernel tells; false for messages that are none of our business (other types,
 * local and multicast routes, cached clones) or malformed. */
bool fib_message_parse_route(const struct nlmsghdr *message, struct kernel_route_event *event_out);
bool fib_message_parse_nexthop(const struct nlmsghdr *message, uint8_t our_protocol,
                               struct kernel_nexthop_event *event_out);
bool fib_message_parse_link(const struct nlmsghdr *message, struct link_event *event_out);
bool fib_message_parse_addr(const struct nlmsghdr *message, struct addr_event *event_out);

/* The kernel's extended text of an NLMSG_ERROR, or "". */
void fib_message_error_text(const struct nlmsghdr *message, char *text_out, size_t size);

#endif
