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
#include "bgpd/io/netlink_walk.h"
#include "proto/base/mem.h"

#define RECEIVE_BUFFER_BYTES (16 << 20)
#define DATAGRAM_BYTES_MAX   (64u << 10)
#define DATAGRAMS_PER_TURN   32
/* After an overrun the kernel is asked again only when the storm is likely over. */
#define RESYNC_DELAY_S 0.1

/* An audit reads a datagram, some 500 routes, so often: a hundred thousand routes a second, for a
 * few hundredths of the processor's time. */
#define AUDIT_TICK_S 0.005

/* One account is these requests one after the other; an audit begins behind the addresses. */
static const struct {
    uint16_t type;
    uint8_t family;
    bool is_optional; /* a kernel may not have it */
} dump_steps[] = {
    {RTM_GETLINK, AF_UNSPEC, false}, {RTM_GETADDR, AF_INET, false},
    {RTM_GETADDR, AF_INET6, true},   {RTM_GETNEXTHOP, AF_UNSPEC, true},
    {RTM_GETROUTE, AF_INET, false},  {RTM_GETROUTE, AF_INET6, true},
};

#define DUMP_STEP_COUNT  (sizeof dump_steps / sizeof dump_steps[0])
#define DUMP_STEP_AUDIT  3u
#define DUMP_STEP_ROUTES 4u

struct netlink_monitor {
    struct ev_loop *loop;
    struct netlink_hooks hooks;
    struct log_sink *log;
    uint8_t protocol;
    bool is_dumping;
    bool is_audit; /* what is being given is one */
    size_t dump_step;
    uint32_t dump_sequence;
    /* Links, addresses and next hops come apart from routes: a storm of routes, or a long account
     * of them, never holds up the word that a link is gone. */
    struct ev_io state_readable;
    struct ev_io route_readable;
    struct ev_io dump_readable;
    struct ev_timer audit_tick;
    struct ev_timer resync;
    _Alignas(8) uint8_t buffer[DATAGRAM_BYTES_MAX];
};

static void feed_dump(struct netlink_monitor *monitor, enum core_event_kind kind,
                      bool is_broken_off)
{
    struct core_event event = {.kind = kind};
    event.dump.is_audit = monitor->is_audit;
    event.dump.is_broken_off = is_broken_off;
    monitor->hooks.feed(monitor->hooks.context, &event);
}

static void feed_message(struct netlink_monitor *monitor, const struct nlmsghdr *message,
                         bool is_from_dump)
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
        event.kernel_route.is_from_dump = is_from_dump;
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
    return send(monitor->dump_readable.fd, message, message->nlmsg_len, 0) >= 0;
}

static void finish_dump(struct netlink_monitor *monitor, bool is_broken_off)
{
    monitor->is_dumping = false;
    ev_io_stop(monitor->loop, &monitor->dump_readable);
    ev_timer_stop(monitor->loop, &monitor->audit_tick);
    ev_io_start(monitor->loop, &monitor->state_readable);
    ev_io_start(monitor->loop, &monitor->route_readable);
    feed_dump(monitor, EVENT_KERNEL_DUMP_END, is_broken_off);
}

static void schedule_resync(struct netlink_monitor *monitor)
{
    if (!ev_is_active(&monitor->resync)) {
        ev_timer_set(&monitor->resync, RESYNC_DELAY_S, 0.);
        ev_timer_start(monitor->loop, &monitor->resync);
    }
}

/* An account of everything is begun anew; an audit has time until the next one. */
static void cannot_go_on(struct netlink_monitor *monitor)
{
    if (monitor->is_audit) {
        finish_dump(monitor, true);
    } else {
        schedule_resync(monitor);
    }
}

static void next_dump_step(struct netlink_monitor *monitor)
{
    monitor->dump_step++;
    if (monitor->dump_step == DUMP_STEP_COUNT) {
        finish_dump(monitor, false);
        return;
    }
    if (monitor->dump_step == DUMP_STEP_ROUTES) {
        ev_io_start(monitor->loop, &monitor->state_readable);
    }
    if (!send_dump_request(monitor)) {
        cannot_go_on(monitor);
    }
}

static void dump_refused(struct netlink_monitor *monitor, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    bool is_busy = mnl_nlmsg_get_payload_len(message) < sizeof *error || error->error == -EBUSY;
    if (dump_steps[monitor->dump_step].is_optional && !is_busy) {
        next_dump_step(monitor); /* A kernel without it refuses that step and no other. */
    } else {
        cannot_go_on(monitor);
    }
}

/* False when this account cannot be completed. */
static bool dump_message(struct netlink_monitor *monitor, const struct nlmsghdr *message)
{
    if (message->nlmsg_seq != monitor->dump_sequence) {
        return true; /* The rest of an account that was given up. */
    }
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        cannot_go_on(monitor);
        return false;
    }
    if (message->nlmsg_type == NLMSG_DONE) {
        next_dump_step(monitor);
        return true;
    }
    if (message->nlmsg_type == NLMSG_ERROR) {
        dump_refused(monitor, message);
        return true;
    }
    feed_message(monitor, message, true);
    return true;
}

/* One datagram of the account; false when there is none now, or no account any more. */
static bool read_dump(struct netlink_monitor *monitor)
{
    ssize_t got =
        recv(monitor->dump_readable.fd, monitor->buffer, sizeof monitor->buffer, MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            cannot_go_on(monitor);
        }
        return false;
    }
    int left = (int)got;
    for (struct nlmsghdr *message = (struct nlmsghdr *)monitor->buffer;
         netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (!dump_message(monitor, message) || !monitor->is_dumping) {
            return false;
        }
    }
    return true;
}

static void on_dump_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    for (int i = 0; i < DATAGRAMS_PER_TURN && read_dump(watcher->data); i++) {
    }
}

static void on_audit_tick(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    read_dump(watcher->data);
}

static void on_notify_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct netlink_monitor *monitor = watcher->data;
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        ssize_t got = recv(watcher->fd, monitor->buffer, sizeof monitor->buffer, MSG_DONTWAIT);
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
             netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            feed_message(monitor, message, false);
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

/* What is left of an account that was given up would come in between: a new socket has none. */
static bool renew_dump_socket(struct netlink_monitor *monitor)
{
    int fd = open_socket(NULL, 0, 0);
    if (fd < 0) {
        return false;
    }
    ev_io_stop(monitor->loop, &monitor->dump_readable);
    close(monitor->dump_readable.fd);
    ev_io_set(&monitor->dump_readable, fd, EV_READ);
    return true;
}

void netlink_monitor_dump(struct netlink_monitor *monitor)
{
    ev_timer_stop(monitor->loop, &monitor->resync);
    ev_timer_stop(monitor->loop, &monitor->audit_tick);
    if (monitor->is_dumping && !renew_dump_socket(monitor)) {
        schedule_resync(monitor);
        return;
    }
    /* Notifications wait in their sockets until the account has passed them: they are newer. */
    ev_io_stop(monitor->loop, &monitor->state_readable);
    ev_io_stop(monitor->loop, &monitor->route_readable);
    ev_io_start(monitor->loop, &monitor->dump_readable);
    monitor->is_dumping = true;
    monitor->is_audit = false;
    monitor->dump_step = 0;
    feed_dump(monitor, EVENT_KERNEL_DUMP_BEGIN, false);
    if (!send_dump_request(monitor)) {
        schedule_resync(monitor);
    }
}

void netlink_monitor_audit(struct netlink_monitor *monitor)
{
    if (monitor->is_dumping || ev_is_active(&monitor->resync)) {
        return;
    }
    monitor->is_dumping = true;
    monitor->is_audit = true;
    monitor->dump_step = DUMP_STEP_AUDIT;
    feed_dump(monitor, EVENT_KERNEL_DUMP_BEGIN, false);
    if (send_dump_request(monitor)) {
        ev_timer_start(monitor->loop, &monitor->audit_tick);
    } else {
        finish_dump(monitor, true);
    }
}

struct netlink_monitor *netlink_monitor_new(struct ev_loop *loop, const struct netlink_hooks *hooks,
                                            struct log_sink *log, uint32_t fib_port)
{
    static const unsigned state_groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                            RTNLGRP_NEXTHOP};
    static const unsigned route_groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
    int sockets[3] = {open_socket(state_groups, 4, fib_port), -1, -1};
    sockets[1] = sockets[0] < 0 ? -1 : open_socket(route_groups, 2, fib_port);
    sockets[2] = sockets[1] < 0 ? -1 : open_socket(NULL, 0, 0);
    if (sockets[2] < 0) {
        int error = errno;
        for (int i = 0; i < 2 && sockets[i] >= 0; i++) {
            close(sockets[i]);
        }
        errno = error;
        return NULL;
    }
    struct netlink_monitor *monitor = mem_alloc(MEM_IO, sizeof *monitor);
    monitor->loop = loop;
    monitor->hooks = *hooks;
    monitor->log = log;
    monitor->protocol = CONFIG_FIB_PROTOCOL_DEFAULT;
    ev_io_init(&monitor->state_readable, on_notify_readable, sockets[0], EV_READ);
    ev_io_init(&monitor->route_readable, on_notify_readable, sockets[1], EV_READ);
    ev_io_init(&monitor->dump_readable, on_dump_readable, sockets[2], EV_READ);
    ev_set_priority(&monitor->state_readable, EV_MAXPRI - 1); /* before the routes they carry off */
    ev_timer_init(&monitor->audit_tick, on_audit_tick, AUDIT_TICK_S, AUDIT_TICK_S);
    ev_timer_init(&monitor->resync, on_resync, 0., 0.);
    monitor->state_readable.data = monitor;
    monitor->route_readable.data = monitor;
    monitor->dump_readable.data = monitor;
    monitor->audit_tick.data = monitor;
    monitor->resync.data = monitor;
    return monitor;
}

void netlink_monitor_free(struct netlink_monitor *monitor)
{
    ev_io_stop(monitor->loop, &monitor->state_readable);
    ev_io_stop(monitor->loop, &monitor->route_readable);
    ev_io_stop(monitor->loop, &monitor->dump_readable);
    ev_timer_stop(monitor->loop, &monitor->audit_tick);
    ev_timer_stop(monitor->loop, &monitor->resync);
    close(monitor->state_readable.fd);
    close(monitor->route_readable.fd);
    close(monitor->dump_readable.fd);
    mem_free(MEM_IO, monitor);
}

void netlink_monitor_set_protocol(struct netlink_monitor *monitor, uint8_t protocol)
{
    monitor->protocol = protocol;
}
