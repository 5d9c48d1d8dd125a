#include "bgpd/io/xfrm_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/netlink_walk.h"
#include "bgpd/io/xfrm_message.h"
#include "bgpd/io/xfrm_table.h"
#include "proto/base/list.h"
#include "proto/base/mem.h"

#define RECEIVE_BUFFER_BYTES (4 << 20)
#define DATAGRAM_BYTES_MAX   (64u << 10)
#define DATAGRAMS_PER_TURN   64
#define RESYNC_DELAY_S       0.05
#define REOPEN_DELAY_S       5.0

struct xfrm_tunnel {
    struct list_node node;
    struct evidence evidence;
    struct xfrm_table table;
};

struct xfrm_watch {
    struct ev_loop *loop;
    struct evidence_hooks hooks;
    struct list_node tunnels;
    bool is_open;
    bool is_dumping;
    bool is_complete; /* a whole account has been read, and nothing was lost since */
    uint32_t dump_sequence;
    struct ev_io notify_readable;
    struct ev_io dump_readable;
    struct ev_timer resync; /* when to open the sockets or to ask for an account */
    _Alignas(8) uint8_t buffer[DATAGRAM_BYTES_MAX];
};

/* ---- Verdicts ---- */

static bool is_told_apart(const struct xfrm_match *match)
{
    return match->if_id != 0 || match->remote.family != IP_NONE;
}

static void tell(struct xfrm_watch *watch, struct xfrm_tunnel *tunnel)
{
    static const char *const texts[] = {
        [XFRM_NEITHER] = "no SA in the kernel",
        [XFRM_INBOUND_ONLY] = "no outbound SA in the kernel",
        [XFRM_OUTBOUND_ONLY] = "no inbound SA in the kernel",
        [XFRM_BOTH] = "inbound and outbound SA in the kernel",
    };
    if (!is_told_apart(&tunnel->table.match)) {
        evidence_tell(&tunnel->evidence, &watch->hooks, EVIDENCE_UNKNOWN,
                      "which SA? give remote-endpoint or if-id");
        return;
    }
    enum xfrm_verdict verdict = xfrm_table_verdict(&tunnel->table);
    evidence_tell(&tunnel->evidence, &watch->hooks,
                  verdict == XFRM_BOTH ? EVIDENCE_ALIVE : EVIDENCE_DEAD, "%s", texts[verdict]);
}

static void tell_all(struct xfrm_watch *watch)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        tell(watch, CONTAINER_OF(node, struct xfrm_tunnel, node));
    }
}

static void tell_unknown(struct xfrm_watch *watch, const char *what, int error)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        struct xfrm_tunnel *tunnel = CONTAINER_OF(node, struct xfrm_tunnel, node);
        evidence_tell(&tunnel->evidence, &watch->hooks, EVIDENCE_UNKNOWN, "%s: %s", what,
                      strerror(error));
    }
}

/* ---- Sockets ---- */

static int open_socket(void)
{
    int size = RECEIVE_BUFFER_BYTES;
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_XFRM);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool join(int fd, int group)
{
    return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
}

static bool open_sockets(struct xfrm_watch *watch)
{
    int notify = open_socket();
    int dump = notify < 0 ? -1 : open_socket();
    if (dump < 0 || !join(notify, XFRMNLGRP_SA) || !join(notify, XFRMNLGRP_EXPIRE)) {
        tell_unknown(watch, "cannot watch the kernel's SAs", errno);
        if (notify >= 0) {
            close(notify);
        }
        if (dump >= 0) {
            close(dump);
        }
        return false;
    }
    ev_io_set(&watch->notify_readable, notify, EV_READ);
    ev_io_set(&watch->dump_readable, dump, EV_READ);
    watch->is_open = true;
    return true;
}

static void close_sockets(struct xfrm_watch *watch)
{
    if (watch->is_open) {
        ev_io_stop(watch->loop, &watch->notify_readable);
        ev_io_stop(watch->loop, &watch->dump_readable);
        close(watch->notify_readable.fd);
        close(watch->dump_readable.fd);
        watch->is_open = false;
    }
}

static void schedule(struct xfrm_watch *watch, double after_s)
{
    ev_timer_stop(watch->loop, &watch->resync);
    ev_now_update(watch->loop);
    ev_timer_set(&watch->resync, after_s, 0.);
    ev_timer_start(watch->loop, &watch->resync);
}

/* ---- Messages ---- */

static void apply(struct xfrm_watch *watch, const struct nlmsghdr *message)
{
    struct xfrm_change change;
    if (!xfrm_message_parse(message, &change)) {
        return;
    }
    LIST_FOREACH(node, &watch->tunnels)
    {
        struct xfrm_tunnel *tunnel = CONTAINER_OF(node, struct xfrm_tunnel, node);
        xfrm_table_apply(&tunnel->table, &change);
    }
}

static void request_dump(struct xfrm_watch *watch)
{
    _Alignas(8) uint8_t request[XFRM_DUMP_REQUEST_BYTES];
    size_t size = xfrm_message_dump_request(request, ++watch->dump_sequence);
    /* Notifications wait in their socket until the account is complete: they are newer than it. */
    ev_io_stop(watch->loop, &watch->notify_readable);
    ev_io_start(watch->loop, &watch->dump_readable);
    watch->is_dumping = true;
    LIST_FOREACH(node, &watch->tunnels)
    {
        xfrm_table_dump_begin(&CONTAINER_OF(node, struct xfrm_tunnel, node)->table);
    }
    if (send(watch->dump_readable.fd, request, size, 0) < 0) {
        schedule(watch, RESYNC_DELAY_S);
    }
}

static void finish_dump(struct xfrm_watch *watch)
{
    watch->is_dumping = false;
    watch->is_complete = true;
    ev_io_stop(watch->loop, &watch->dump_readable);
    ev_io_start(watch->loop, &watch->notify_readable);
    LIST_FOREACH(node, &watch->tunnels)
    {
        xfrm_table_dump_end(&CONTAINER_OF(node, struct xfrm_tunnel, node)->table);
    }
    tell_all(watch);
}

static void dump_refused(struct xfrm_watch *watch, int error)
{
    if (error == EBUSY) { /* The old account still runs out of the socket. */
        schedule(watch, RESYNC_DELAY_S);
        return;
    }
    watch->is_complete = false;
    tell_unknown(watch, "the kernel does not list its SAs", error);
    close_sockets(watch);
    watch->is_dumping = false;
    schedule(watch, REOPEN_DELAY_S);
}

static void dump_message(struct xfrm_watch *watch, const struct nlmsghdr *message)
{
    if (message->nlmsg_seq != watch->dump_sequence) {
        return; /* The rest of an account that was given up. */
    }
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        watch->dump_sequence++; /* nothing more of this one counts */
        schedule(watch, RESYNC_DELAY_S);
    } else if (message->nlmsg_type == NLMSG_DONE) {
        finish_dump(watch);
    } else if (message->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);
        bool is_whole = mnl_nlmsg_get_payload_len(message) >= sizeof *answer;
        dump_refused(watch, is_whole ? -answer->error : EPROTO);
    } else {
        apply(watch, message);
    }
}

/* The octets of a datagram; keys of the SAs are in them and do not stay in our memory. */
static ssize_t receive(struct xfrm_watch *watch, int fd)
{
    return recv(fd, watch->buffer, sizeof watch->buffer, MSG_DONTWAIT);
}

static void forget_keys(struct xfrm_watch *watch, ssize_t got)
{
    explicit_bzero(watch->buffer, (size_t)got);
}

static void on_dump_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
    (void)loop;
    (void)events;
    struct xfrm_watch *watch = io->data;
    for (int i = 0; i < DATAGRAMS_PER_TURN && watch->is_dumping; i++) {
        ssize_t got = receive(watch, io->fd);
        if (got < 0) {
            if (errno == ENOBUFS) {
                schedule(watch, RESYNC_DELAY_S);
            }
            return;
        }
        int left = (int)got;
        for (struct nlmsghdr *message = (struct nlmsghdr *)watch->buffer;
             watch->is_dumping && netlink_message_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            dump_message(watch, message);
        }
        forget_keys(watch, got);
    }
}

static void on_notify_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
    (void)loop;
    (void)events;
    struct xfrm_watch *watch = io->data;
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        ssize_t got = receive(watch, io->fd);
        if (got < 0 && errno == ENOBUFS) {
            watch->is_complete = false; /* Something was lost: no verdict before a new account. */
            schedule(watch, RESYNC_DELAY_S);
            continue;
        }
        if (got < 0) {
            break;
        }
        int left = (int)got;
        for (struct nlmsghdr *message = (struct nlmsghdr *)watch->buffer;
             netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            apply(watch, message);
        }
        forget_keys(watch, got);
    }
    if (watch->is_complete) {
        tell_all(watch);
    }
}

static void on_resync(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct xfrm_watch *watch = timer->data;
    if (!watch->is_open && !open_sockets(watch)) {
        schedule(watch, REOPEN_DELAY_S);
        return;
    }
    request_dump(watch);
}

/* ---- Life ---- */

static struct xfrm_tunnel *find(struct xfrm_watch *watch, uint16_t tunnel_number)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        struct xfrm_tunnel *tunnel = CONTAINER_OF(node, struct xfrm_tunnel, node);
        if (tunnel->evidence.fact.tunnel_number == tunnel_number) {
            return tunnel;
        }
    }
    return NULL;
}

void xfrm_watch_put(struct xfrm_watch *watch, uint16_t tunnel_number,
                    const struct config_tunnel *config)
{
    struct xfrm_tunnel *tunnel = find(watch, tunnel_number);
    struct xfrm_match match = {config->if_id, config->local_endpoint, config->remote_endpoint};
    if (tunnel != NULL && tunnel->table.match.if_id == match.if_id &&
        ip_equal(&tunnel->table.match.local, &match.local) &&
        ip_equal(&tunnel->table.match.remote, &match.remote)) {
        return;
    }
    if (tunnel == NULL) {
        tunnel = mem_alloc(MEM_IO, sizeof *tunnel);
        list_append(&watch->tunnels, &tunnel->node);
    }
    evidence_init(&tunnel->evidence, tunnel_number, LIVENESS_XFRM);
    xfrm_table_init(&tunnel->table, &match);
    watch->is_complete = false; /* Its SAs were passed over so far. */
    schedule(watch, 0.);
}

void xfrm_watch_remove(struct xfrm_watch *watch, uint16_t tunnel_number)
{
    struct xfrm_tunnel *tunnel = find(watch, tunnel_number);
    if (tunnel == NULL) {
        return;
    }
    list_remove(&tunnel->node);
    mem_free(MEM_IO, tunnel);
    if (list_is_empty(&watch->tunnels)) {
        close_sockets(watch);
        ev_timer_stop(watch->loop, &watch->resync);
        watch->is_dumping = false;
        watch->is_complete = false;
    }
}

struct xfrm_watch *xfrm_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks)
{
    struct xfrm_watch *watch = mem_alloc(MEM_IO, sizeof *watch);
    watch->loop = loop;
    watch->hooks = *hooks;
    list_init(&watch->tunnels);
    ev_io_init(&watch->notify_readable, on_notify_readable, -1, EV_READ);
    ev_io_init(&watch->dump_readable, on_dump_readable, -1, EV_READ);
    ev_timer_init(&watch->resync, on_resync, 0., 0.);
    watch->notify_readable.data = watch;
    watch->dump_readable.data = watch;
    watch->resync.data = watch;
    return watch;
}

void xfrm_watch_free(struct xfrm_watch *watch)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        mem_free(MEM_IO, CONTAINER_OF(node, struct xfrm_tunnel, node));
    }
    close_sockets(watch);
    ev_timer_stop(watch->loop, &watch->resync);
    mem_free(MEM_IO, watch);
}
