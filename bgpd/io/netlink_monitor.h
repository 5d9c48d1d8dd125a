/* What the kernel says of itself: a whole account at the start and after every overrun, then
 * changes as they come. Echoes of our own route messages are left out in the kernel. */
#ifndef BGPD_IO_NETLINK_MONITOR_H
#define BGPD_IO_NETLINK_MONITOR_H

#include <ev.h>

#include "bgpd/core/core.h"
#include "bgpd/io/log_sink.h"

struct netlink_monitor;

struct netlink_hooks {
    void *context;
    void (*feed)(void *context, const struct core_event *event);
};

/* fib_port: the netlink port whose doings are not told back (0: none). NULL with errno on failure.
 */
struct netlink_monitor *netlink_monitor_new(struct ev_loop *loop, const struct netlink_hooks *hooks,
                                            struct log_sink *log, uint32_t fib_port);
void netlink_monitor_free(struct netlink_monitor *monitor);

/* Our rtm_protocol, to tell our next-hop objects. */
void netlink_monitor_set_protocol(struct netlink_monitor *monitor, uint8_t protocol);

/* Starts an account of everything: EVENT_KERNEL_DUMP_BEGIN .. EVENT_KERNEL_DUMP_END. Restarts one
 * that is under way. */
void netlink_monitor_dump(struct netlink_monitor *monitor);

/* Starts an audit: next-hop objects and routes only, slowly, while notifications go on. Nothing
 * when an account is under way. An overrun makes an end of it and starts an account. */
void netlink_monitor_audit(struct netlink_monitor *monitor);

#endif
