#include "bgpd/io/netlink_monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/fib_message.h"
#include "proto/base/mem.h"

#define RECEIVE_BUFFER_BYTES (16 << 20)
#define DATAGRAM_BYTES_MAX   (64u << 10)
#define DATAGRAMS_PER_TURN   32
/* After an overrun the kernel is asked again only when the storm is likely over. */
#define RESYNC_DELAY_S 0.1

/* One account is these requests one after the other. */
static const struct {
    uint16_t type;
    uint8_t family;
} dump_steps[] = {
    {RTM_GETLINK, AF_UNSPEC},    {RTM_GETADDR, AF_INET},  {RTM_GETADDR, AF_INET6},
    {RTM_GETNEXTHOP, AF_UNSPEC}, {RTM_GETROUTE, AF_INET}, {RTM_GETROUTE, AF_INET6},
};

#define DUMP_STEP_COUNT (sizeof dump_steps / sizeof dump_steps[0])

struct netlink_monitor {
    struct ev_loop *loop;
    struct netlink_hooks hooks;
    struct log_sink *log;
    int notify_socket;
    int dump_socket;
    uint8_t protocol;
    bool is_dumping;
    size_t dump_step;
    uint32_t dump_sequence;
    struct ev_io notify_readable;
    struct ev_io dump_readable;
    struct ev_timer resync;
    _Alignas(8) uint8_t buffer[DATAGRAM_BYTES_MAX];
};

static void feed_kind(struct netlink_monitor *monitor, enum core_event_kind kind)
{
    struct core_event event = {.kind = kind};
    monitor->hooks.feed(monitor->hooks.context, &event);
}

static void feed_message(struct netlink_monitor *monitor, const struct nlmsghdr *message)
{
    struct core_event event;
    memset(&event, 0, sizeof event);
    bool is_ours = false;
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        event.kind = EVENT_LINK;
        is_ours = fib_message_parse_link(message, &event.link);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        event.kind = EVENT_ADDR;
        is_ours = fib_message_parse_addr(message, &event.addr);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        event.kind = EVENT_KERNEL_ROUTE;
        is_ours = fib_message_parse_route(message, &event.kernel_route);
        event.kernel_route.is_from_dump = monitor->is_dumping;
        break;
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        event.kind = EVENT_KERNEL_NEXTHOP;
        is_ours = fib_message_parse_nexthop(message, monitor->protocol, &event.kernel_nexthop);
        break;
    default:
        break;
    }
    if (is_ours) {
        monitor->hooks.feed(monitor->hooks.context, &event);
    }
}

static bool send_dump_request(struct netlink_monitor *monitor)
{
    _Alignas(8) uint8_t buffer[MNL_NLMSG_HDRLEN + 64];
    union {
        struct rtmsg route;
        struct ifinfomsg link;
        struct ifaddrmsg addr;
        struct nhmsg nexthop;
    } * body;
    uint16_t type = dump_steps[monitor->dump_step].type;
    size_t body_bytes = type == RTM_GETROUTE     ? sizeof(struct rtmsg)
                        : type == RTM_GETLINK    ? sizeof(struct ifinfomsg)
                        : type == RTM_GETNEXTHOP ? sizeof(struct nhmsg)
                                                 : sizeof(struct ifaddrmsg);
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = ++monitor->dump_sequence;
    body = mnl_nlmsg_put_extra_header(message, body_bytes);
    memset(body, 0, body_bytes);
    *(uint8_t *)body = dump_steps[monitor->dump_step].family; /* first octet of all four */
    return send(monitor->dump_socket, message, message->nlmsg_len, 0) >= 0;
}

static void finish_dump(struct netlink_monitor *monitor)
{
    monitor->is_dumping = false;
    ev_io_stop(monitor->loop, &monitor->dump_readable);
    ev_io_start(monitor->loop, &monitor->notify_readable);
    feed_kind(monitor, EVENT_KERNEL_DUMP_END);
}

static void schedule_resync(struct netlink_monitor *monitor)
{
    if (!ev_is_active(&monitor->resync)) {
        ev_timer_set(&monitor->resync, RESYNC_DELAY_S, 0.);
        ev_timer_start(monitor->loop, &monitor->resync);
    }
}

static void next_dump_step(struct netlink_monitor *monitor)
{
    monitor->dump_step++;
    if (monitor->dump_step == DUMP_STEP_COUNT) {
        finish_dump(monitor);
    } else if (!send_dump_request(monitor)) {
        schedule_resync(monitor);
    }
}

/* False when this account cannot be completed and a new one was scheduled. */
static bool dump_message(struct netlink_monitor *monitor, const struct nlmsghdr *message)
{
    if (message->nlmsg_seq != monitor->dump_sequence) {
        return true; /* The rest of an account that was given up. */
    }
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        schedule_resync(monitor);
        return false;
    }
    if (message->nlmsg_type == NLMSG_DONE) {
        next_dump_step(monitor);
        return true;
    }
    if (message->nlmsg_type == NLMSG_ERROR) {
        /* A kernel without next-hop objects or IPv6 refuses that step and no other. */
        next_dump_step(monitor);
        return true;
    }
    feed_message(monitor, message);
    return true;
}

static void on_dump_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct netlink_monitor *monitor = watcher->data;
    for (int i = 0; i < DATAGRAMS_PER_TURN && monitor->is_dumping; i++) {
        ssize_t got =
            recv(monitor->dump_socket, monitor->buffer, sizeof monitor->buffer, MSG_DONTWAIT);
        if (got < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
                schedule_resync(monitor);
            }
            return;
        }
        int left = (int)got;
        for (struct nlmsghdr *message = (struct nlmsghdr *)monitor->buffer;
             mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (!dump_message(monitor, message) || !monitor->is_dumping) {
                return;
            }
        }
    }
}

static void on_notify_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct netlink_monitor *monitor = watcher->data;
    for (int i = 0; i < DATAGRAMS_PER_TURN && !monitor->is_dumping; i++) {
        ssize_t got =
            recv(monitor->notify_socket, monitor->buffer, sizeof monitor->buffer, MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS) {
            log_sink_printf(monitor->log, LOG_FIB, LOG_SEVERITY_WARNING,
                            "kernel notifications were lost (netlink overrun); "
                            "reading the whole kernel state again");
            schedule_resync(monitor);
            continue;
        }
        if (got < 0) {
            return;
        }
        int left = (int)got;
        for (struct nlmsghdr *message = (struct nlmsghdr *)monitor->buffer;
             mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            feed_message(monitor, message);
        }
    }
}

static void on_resync(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    netlink_monitor_dump(watcher->data);
}

/* Drops in the kernel what the FIB thread itself caused: a million installs would otherwise come
 * back as a million notifications. Offset 12 of a netlink message is the sender's port. */
static bool filter_echoes(int fd, uint32_t port)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static int open_socket(const unsigned *groups, size_t group_count, uint32_t fib_port)
{
    int size = RECEIVE_BUFFER_BYTES;
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    bool is_ready = bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
                    (fib_port == 0 || filter_echoes(fd, fib_port));
    for (size_t i = 0; i < group_count && is_ready; i++) {
        int group = (int)groups[i];
        is_ready = setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
    }
    if (!is_ready) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void netlink_monitor_dump(struct netlink_monitor *monitor)
{
    ev_timer_stop(monitor->loop, &monitor->resync);
    /* Notifications wait in their socket until the account is complete: they are newer than it. */
    ev_io_stop(monitor->loop, &monitor->notify_readable);
    ev_io_start(monitor->loop, &monitor->dump_readable);
    monitor->is_dumping = true;
    monitor->dump_step = 0;
    feed_kind(monitor, EVENT_KERNEL_DUMP_BEGIN);
    if (!send_dump_request(monitor)) {
        schedule_resync(monitor); /* EBUSY: the old account still runs out of the socket. */
    }
}

struct netlink_monitor *netlink_monitor_new(struct ev_loop *loop, const struct netlink_hooks *hooks,
                                            struct log_sink *log, uint32_t fib_port)
{
    static const unsigned groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP};
    struct netlink_monitor *monitor = mem_alloc(MEM_IO, sizeof *monitor);
    monitor->loop = loop;
    monitor->hooks = *hooks;
    monitor->log = log;
    monitor->protocol = CONFIG_FIB_PROTOCOL_DEFAULT;
    monitor->notify_socket = open_socket(groups, sizeof groups / sizeof groups[0], fib_port);
    monitor->dump_socket = monitor->notify_socket < 0 ? -1 : open_socket(NULL, 0, 0);
    if (monitor->dump_socket < 0) {
        int error = errno;
        if (monitor->notify_socket >= 0) {
            close(monitor->notify_socket);
        }
        mem_free(MEM_IO, monitor);
        errno = error;
        return NULL;
    }
    ev_io_init(&monitor->notify_readable, on_notify_readable, monitor->notify_socket, EV_READ);
    ev_io_init(&monitor->dump_readable, on_dump_readable, monitor->dump_socket, EV_READ);
    ev_timer_init(&monitor->resync, on_resync, 0., 0.);
    monitor->notify_readable.data = monitor;
    monitor->dump_readable.data = monitor;
    monitor->resync.data = monitor;
    return monitor;
}

void netlink_monitor_free(struct netlink_monitor *monitor)
{
    ev_io_stop(monitor->loop, &monitor->notify_readable);
    ev_io_stop(monitor->loop, &monitor->dump_readable);
    ev_timer_stop(monitor->loop, &monitor->resync);
    close(monitor->notify_socket);
    close(monitor->dump_socket);
    mem_free(MEM_IO, monitor);
}

void netlink_monitor_set_protocol(struct netlink_monitor *monitor, uint8_t protocol)
{
    monitor->protocol = protocol;
}
