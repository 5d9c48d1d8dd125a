#include "bgpd/io/tcp.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/tcp_ao.h"
#include "bgpd/io/tcp_options.h"
#include "bgpd/io/tcp_private.h"
#include "proto/base/assert.h"
#include "proto/base/buffer.h"
#include "proto/base/list.h"

#define SEND_BUFFER_BYTES_MAX (1u << 20)
#define CLOSING_MAX           512u

/* How long a closed connection may take to hand its last octets (a NOTIFICATION) to the peer. */
#define CLOSE_LINGER_S 1.0

struct tcp_conn *tcp_conn_find(struct tcp_side *side, conn_id id)
{
    LIST_FOREACH(node, &side->buckets[id % TCP_CONN_BUCKETS])
    {
        struct tcp_conn *conn = CONTAINER_OF(node, struct tcp_conn, bucket_node);
        if (conn->id == id) {
            return conn;
        }
    }
    return NULL;
}

int tcp_socket_of(struct tcp_side *side, conn_id id)
{
    const struct tcp_conn *conn = tcp_conn_find(side, id);
    return conn == NULL || conn->is_closing || conn->is_connecting ? -1 : conn->fd;
}

static void conn_free(struct tcp_conn *conn)
{
    struct tcp_side *side = conn->side;
    ev_io_stop(side->loop, &conn->readable);
    ev_io_stop(side->loop, &conn->writable);
    ev_timer_stop(side->loop, &conn->timer);
    list_remove(&conn->bucket_node);
    if (list_is_linked(&conn->pending_node)) {
        list_remove(&conn->pending_node);
    }
    if (conn->is_closing) {
        side->closing_count--;
    }
    if (conn->is_paused) {
        side->paused_count--;
    }
    close(conn->fd);
    buffer_fini(&conn->unsent);
    mem_free(MEM_IO, conn);
}

/* Ends a connection the core knows and tells it. */
static void conn_lost(struct tcp_conn *conn, int error)
{
    struct tcp_side *side = conn->side;
    enum core_event_kind kind = conn->is_connecting ? EVENT_CONN_FAILED : EVENT_CONN_CLOSED;
    struct core_event event = {.kind = kind, .conn = {.conn = conn->id, .error = error}};
    bool is_known = !conn->is_closing;
    conn_free(conn);
    if (is_known) {
        side->hooks.feed(side->hooks.context, &event);
    }
}

static void grant_room(struct tcp_conn *conn, uint32_t room_bytes)
{
    struct core_event event = {.kind = EVENT_CONN_ROOM,
                               .conn = {.conn = conn->id, .room_bytes = room_bytes}};
    conn->side->hooks.feed(conn->side->hooks.context, &event);
}

void tcp_endpoints(int fd, struct conn_event *event)
{
    struct sockaddr_storage addr;
    socklen_t size = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &size) == 0) {
        event->local_addr = sockaddr_to_ip(&addr, &event->local_port);
    }
    size = sizeof addr;
    if (getpeername(fd, (struct sockaddr *)&addr, &size) == 0) {
        event->remote_addr = sockaddr_to_ip(&addr, &event->remote_port);
        if (addr.ss_family == AF_INET6) {
            event->ifindex = ((struct sockaddr_in6 *)&addr)->sin6_scope_id;
        }
    }
    int mss = 0;
    size = sizeof mss;
    if (getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size) == 0) {
        event->tcp_mss = (uint32_t)mss;
    }
}

static void conn_opened(struct tcp_conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        conn_lost(conn, error);
        return;
    }
    conn->is_connecting = false;
    ev_timer_stop(conn->side->loop, &conn->timer);
    ev_io_stop(conn->side->loop, &conn->writable);
    ev_io_start(conn->side->loop, &conn->readable);
    struct core_event event = {.kind = EVENT_CONN_OPENED, .conn = {.conn = conn->id}};
    tcp_endpoints(conn->fd, &event.conn);
    struct tcp_side *side = conn->side;
    conn_id id = conn->id;
    side->hooks.feed(side->hooks.context, &event);
    conn = tcp_conn_find(side, id);
    if (conn != NULL && !conn->is_closing) {
        grant_room(conn, SEND_BUFFER_BYTES_MAX);
    }
}

/* Writes as much as the socket takes. False when the connection is gone. */
static bool conn_write(struct tcp_conn *conn)
{
    size_t done = 0;
    while (done < conn->unsent.size) {
        ssize_t sent = send(conn->fd, conn->unsent.data + done, conn->unsent.size - done,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (sent < 0) {
            conn_lost(conn, errno);
            return false;
        }
        done += (size_t)sent;
    }
    buffer_drop(&conn->unsent, done);
    if (conn->unsent.size == 0) {
        ev_io_stop(conn->side->loop, &conn->writable);
    } else {
        ev_io_start(conn->side->loop, &conn->writable);
    }
    if (done != 0 && !conn->is_closing) {
        grant_room(conn, (uint32_t)done);
    }
    return true;
}

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct tcp_conn *conn = CONTAINER_OF(watcher, struct tcp_conn, writable);
    if (conn->is_connecting) {
        conn_opened(conn);
        return;
    }
    if (conn_write(conn) && conn->is_closing && conn->unsent.size == 0) {
        shutdown(conn->fd, SHUT_WR);
    }
}

static void pause_reading(struct tcp_conn *conn)
{
    if (!conn->is_paused) {
        conn->is_paused = true;
        conn->side->paused_count++;
        ev_io_stop(conn->side->loop, &conn->readable);
    }
}

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct tcp_conn *conn = CONTAINER_OF(watcher, struct tcp_conn, readable);
    struct tcp_side *side = conn->side;
    size_t room = TCP_READ_BYTES_MAX;
    if (!conn->is_closing) {
        room = side->hooks.receive_room(side->hooks.context, conn->id);
        if (room == 0) {
            pause_reading(conn);
            return;
        }
    }
    ssize_t got = recv(conn->fd, side->read_buffer,
                       room < TCP_READ_BYTES_MAX ? room : TCP_READ_BYTES_MAX, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        conn_lost(conn, got < 0 ? errno : 0);
        return;
    }
    if (conn->is_closing) {
        return; /* What the peer still says after our goodbye is read so that it is not reset. */
    }
    struct core_event event = {
        .kind = EVENT_CONN_BYTES,
        .conn = {.conn = conn->id, .bytes = {side->read_buffer, (size_t)got}}};
    side->hooks.feed(side->hooks.context, &event);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct tcp_conn *conn = CONTAINER_OF(watcher, struct tcp_conn, timer);
    conn_lost(conn, ETIMEDOUT);
}

struct tcp_conn *tcp_conn_new(struct tcp_side *side, conn_id id, int fd)
{
    struct tcp_conn *conn = mem_alloc(MEM_IO, sizeof *conn);
    conn->side = side;
    conn->id = id;
    conn->fd = fd;
    buffer_init(&conn->unsent, MEM_IO);
    ev_io_init(&conn->readable, on_readable, fd, EV_READ);
    ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
    ev_timer_init(&conn->timer, on_timer, 0., 0.);
    list_append(&side->buckets[id % TCP_CONN_BUCKETS], &conn->bucket_node);
    return conn;
}

/* Options both directions share. Fails closed: a session without its key is no session. */
static bool apply_options(int fd, const struct conn_setup_action *setup)
{
    uint8_t family = setup->remote_addr.family;
    int one = 1;
    if (setup->bind_interface[0] != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, setup->bind_interface,
                   (socklen_t)strnlen(setup->bind_interface, sizeof setup->bind_interface))) {
        return false;
    }
    if (setup->tcp_mss != 0 && !tcp_option_mss(fd, setup->tcp_mss)) {
        return false;
    }
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           tcp_option_ttl(fd, family, setup->ttl, setup->ttl_min);
}

static int open_socket(const struct conn_setup_action *setup)
{
    struct sockaddr_storage addr;
    int family = setup->remote_addr.family == IP_V6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    struct prefix peer = prefix_host(&setup->remote_addr);
    bool is_ready =
        apply_options(fd, setup) &&
        (setup->md5_key == NULL || tcp_option_md5(fd, &peer, setup->md5_key)) &&
        (setup->ao == NULL || tcp_ao_add(fd, &peer, setup->ao, setup->ao_includes_options));
    if (is_ready && setup->local_addr.family != IP_NONE) {
        socklen_t size = sockaddr_from_ip(&setup->local_addr, 0, setup->ifindex, &addr);
        is_ready = bind(fd, (struct sockaddr *)&addr, size) == 0;
    }
    if (is_ready) {
        socklen_t size = sockaddr_from_ip(&setup->remote_addr, setup->port, setup->ifindex, &addr);
        is_ready = connect(fd, (struct sockaddr *)&addr, size) == 0 || errno == EINPROGRESS;
    }
    if (!is_ready) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void tcp_connect(struct tcp_side *side, const struct conn_setup_action *setup)
{
    int fd = open_socket(setup);
    if (fd < 0) {
        struct core_event event = {.kind = EVENT_CONN_FAILED,
                                   .conn = {.conn = setup->conn, .error = errno}};
        side->hooks.feed(side->hooks.context, &event);
        return;
    }
    struct tcp_conn *conn = tcp_conn_new(side, setup->conn, fd);
    conn->is_connecting = true;
    ev_io_start(side->loop, &conn->writable);
    if (setup->timeout.ns > 0) {
        ev_timer_set(&conn->timer, (double)setup->timeout.ns / 1e9, 0.);
        ev_timer_start(side->loop, &conn->timer);
    }
}

void tcp_accept(struct tcp_side *side, const struct conn_setup_action *setup)
{
    struct tcp_conn *conn = tcp_conn_find(side, setup->conn);
    if (conn == NULL || conn->is_closing) {
        return;
    }
    bool needs_key = setup->md5_key != NULL || setup->ao != NULL;
    if (needs_key && !tcp_listener_is_keyed(side, &setup->remote_addr)) {
        conn_lost(conn, EKEYREJECTED); /* What it has sent so far nobody has signed. */
        return;
    }
    if (!apply_options(conn->fd, setup)) {
        conn_lost(conn, errno);
        return;
    }
    ttl_gates_detach(conn->fd); /* its own minimum stands now */
    ev_io_start(side->loop, &conn->readable);
    grant_room(conn, SEND_BUFFER_BYTES_MAX);
}

void tcp_send(struct tcp_side *side, conn_id id, struct byte_view bytes)
{
    struct tcp_conn *conn = tcp_conn_find(side, id);
    if (conn == NULL || conn->is_closing) {
        return; /* It went while the action was on its way. */
    }
    buffer_append(&conn->unsent, bytes.data, bytes.size);
    if (!list_is_linked(&conn->pending_node)) {
        list_append(&side->unsent, &conn->pending_node);
    }
}

static struct tcp_conn *unsent_conn(struct list_node *node)
{
    return CONTAINER_OF(node, struct tcp_conn, pending_node);
}

/* A write costs what it costs to wake the peer, however much it carries: most news travels soonest
 * when whoever is told most comes first. */
static void fullest_first(struct tcp_side *side)
{
    struct tcp_conn *fullest = NULL;
    LIST_FOREACH(node, &side->unsent)
    {
        struct tcp_conn *conn = unsent_conn(node);
        if (fullest == NULL || conn->unsent.size > fullest->unsent.size) {
            fullest = conn;
        }
    }
    if (fullest != NULL) {
        list_remove(&fullest->pending_node);
        list_insert_before(side->unsent.next, &fullest->pending_node);
    }
}

void tcp_flush(struct tcp_side *side)
{
    fullest_first(side);
    while (!list_is_empty(&side->unsent)) {
        struct tcp_conn *conn = unsent_conn(list_first(&side->unsent));
        list_remove(&conn->pending_node);
        if (!conn->is_connecting && conn->unsent.size != 0 && !ev_is_active(&conn->writable)) {
            conn_write(conn);
        }
    }
}

void tcp_close(struct tcp_side *side, conn_id id)
{
    struct tcp_conn *conn = tcp_conn_find(side, id);
    if (conn == NULL || conn->is_closing) {
        return;
    }
    conn->is_closing = true;
    side->closing_count++;
    if (conn->is_connecting || side->closing_count > CLOSING_MAX) {
        conn_free(conn);
        return;
    }
    if (!conn_write(conn)) {
        return;
    }
    if (conn->unsent.size == 0) {
        shutdown(conn->fd, SHUT_WR);
    }
    if (conn->is_paused) {
        conn->is_paused = false;
        side->paused_count--;
    }
    ev_io_start(side->loop, &conn->readable);
    ev_timer_set(&conn->timer, CLOSE_LINGER_S, 0.);
    ev_timer_start(side->loop, &conn->timer);
}

void tcp_resume_reading(struct tcp_side *side)
{
    for (uint32_t i = 0; i < TCP_CONN_BUCKETS && side->paused_count != 0; i++) {
        LIST_FOREACH(node, &side->buckets[i])
        {
            struct tcp_conn *conn = CONTAINER_OF(node, struct tcp_conn, bucket_node);
            if (conn->is_paused && side->hooks.receive_room(side->hooks.context, conn->id) != 0) {
                conn->is_paused = false;
                side->paused_count--;
                ev_io_start(side->loop, &conn->readable);
            }
        }
    }
}

bool tcp_is_closing(const struct tcp_side *side)
{
    return side->closing_count != 0;
}

struct tcp_side *tcp_side_new(struct ev_loop *loop, const struct tcp_hooks *hooks,
                              struct log_sink *log)
{
    struct tcp_side *side = mem_alloc(MEM_IO, sizeof *side);
    side->loop = loop;
    side->hooks = *hooks;
    side->log = log;
    side->next_incoming = CONN_ID_INCOMING_FIRST;
    side->reserve_fd = dup(STDERR_FILENO);
    list_init(&side->unsent);
    for (uint32_t i = 0; i < TCP_CONN_BUCKETS; i++) {
        list_init(&side->buckets[i]);
    }
    tcp_listeners_init(side);
    return side;
}

void tcp_side_free(struct tcp_side *side)
{
    for (uint32_t i = 0; i < TCP_CONN_BUCKETS; i++) {
        LIST_FOREACH(node, &side->buckets[i])
        {
            conn_free(CONTAINER_OF(node, struct tcp_conn, bucket_node));
        }
    }
    tcp_listeners_fini(side);
    if (side->reserve_fd >= 0) {
        close(side->reserve_fd);
    }
    mem_free(MEM_IO, side);
}
