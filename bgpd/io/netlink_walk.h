/* Walking the messages of a datagram from the kernel. */
#ifndef BGPD_IO_NETLINK_WALK_H
#define BGPD_IO_NETLINK_WALK_H

#include <libmnl/libmnl.h>

/* mnl_nlmsg_ok takes a length of 2^31 and more for a negative one, and lets it pass. */
static inline bool netlink_message_ok(const struct nlmsghdr *message, int left)
{
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (unsigned)left;
}

#endif
