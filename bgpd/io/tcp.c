#include "bgpd/io/tcp.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/tcp_options.h"
#include "proto/base/assert.h"
#include "proto/base/buffer.h"
#include "proto/base/list.h"

#define SEND_BUFFER_BYTES_MAX (1u << 20)
#define READ_BYTES_MAX        65536u
#define CONN_BUCKETS          256u
#define PEER_KEYS_MAX         4096u
#define CLOSING_MAX           512u
#define LISTEN_BACKLOG        64

/* How long a closed connection may take to hand its last octets (a NOTIFICATION) to the peer. */
#define CLOSE_LINGER_S 1.0

struct tcp_conn {
    struct list_node bucket_node;
    struct list_node pending_node; /* in side->unsent while there is something to write */
    struct tcp_side *side;
    conn_id id;
    int fd;
    bool is_connecting;
    bool is_closing; /* the core has forgotten it; only its last octets are left */
    bool is_paused;  /* reading waits for room in the core */
    struct ev_io readable;
    struct ev_io writable;
    struct ev_timer timer; /* of the connect, or of the close */
    struct buffer unsent;
};

struct tcp_key {
    struct prefix peer;
    char *key;
    bool is_refused; /* the kernel did not take it on the listener */
};

struct tcp_listener {
    int fd;
    struct tcp_side *side;
    uint8_t family;
    uint16_t port;
    struct ev_io readable;
    struct ev_timer pause; /* after EMFILE: a readable listener must not spin */
};

struct tcp_side {
    struct ev_loop *loop;
    struct tcp_hooks hooks;
    struct log_sink *log;
    struct list_node buckets[CONN_BUCKETS];
    struct list_node unsent;
    uint32_t closing_count;
    uint32_t paused_count;
    struct tcp_listener listeners[2]; /* IPv4, IPv6 */
    struct tcp_key *keys;
    uint32_t key_count;
    conn_id next_incoming;
    int reserve_fd; /* given up to accept and refuse a connection when descriptors run out */
    uint8_t read_buffer[READ_BYTES_MAX];
};

static struct tcp_conn *conn_find(struct tcp_side *side, conn_id id)
{
    LIST_FOREACH(node, &side->buckets[id % CONN_BUCKETS])
    {
        struct tcp_conn *conn = CONTAINER_OF(node, struct tcp_conn, bucket_node);
        if (conn->id == id) {
            return conn;
        }
    }
    return NULL;
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

static void fill_endpoints(const struct tcp_conn *conn, struct conn_event *event)
{
    struct sockaddr_storage addr;
    socklen_t size = sizeof addr;
    if (getsockname(conn->fd, (struct sockaddr *)&addr, &size) == 0) {
        event->local_addr = sockaddr_to_ip(&addr, &event->local_port);
    }
    size = sizeof addr;
    if (getpeername(conn->fd, (struct sockaddr *)&addr, &size) == 0) {
        event->remote_addr = sockaddr_to_ip(&addr, &event->remote_port);
        if (addr.ss_family == AF_INET6) {
            event->ifindex = ((struct sockaddr_in6 *)&addr)->sin6_scope_id;
        }
    }
    int mss = 0;
    size = sizeof mss;
    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size) == 0) {
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
    fill_endpoints(conn, &event.conn);
    struct tcp_side *side = conn->side;
    conn_id id = conn->id;
    side->hooks.feed(side->hooks.context, &event);
    conn = conn_find(side, id);
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
    size_t room = READ_BYTES_MAX;
    if (!conn->is_closing) {
        room = side->hooks.receive_room(side->hooks.context, conn->id);
        if (room == 0) {
            pause_reading(conn);
            return;
        }
    }
    ssize_t got = recv(conn->fd, side->read_buffer, room < READ_BYTES_MAX ? room : READ_BYTES_MAX,
                       MSG_DONTWAIT);
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

static struct tcp_conn *conn_new(struct tcp_side *side, conn_id id, int fd)
{
    struct tcp_conn *conn = mem_alloc(MEM_IO, sizeof *conn);
    conn->side = side;
    conn->id = id;
    conn->fd = fd;
    buffer_init(&conn->unsent, MEM_IO);
    ev_io_init(&conn->readable, on_readable, fd, EV_READ);
    ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
    ev_timer_init(&conn->timer, on_timer, 0., 0.);
    list_append(&side->buckets[id % CONN_BUCKETS], &conn->bucket_node);
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
    if (setup->tcp_mss != 0) {
        int mss = (int)setup->tcp_mss;
        if (setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss)) {
            return false;
        }
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
    bool is_ready = apply_options(fd, setup) &&
                    (setup->md5_key == NULL || tcp_option_md5(fd, &peer, setup->md5_key));
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
    struct tcp_conn *conn = conn_new(side, setup->conn, fd);
    conn->is_connecting = true;
    ev_io_start(side->loop, &conn->writable);
    if (setup->timeout.ns > 0) {
        ev_timer_set(&conn->timer, (double)setup->timeout.ns / 1e9, 0.);
        ev_timer_start(side->loop, &conn->timer);
    }
}

/* True when the listener demands a key of everything that comes from addr. */
static bool is_keyed(const struct tcp_side *side, const struct ip_addr *addr)
{
    for (uint32_t i = 0; i < side->key_count; i++) {
        if (prefix_contains_ip(&side->keys[i].peer, addr)) {
            return !side->keys[i].is_refused;
        }
    }
    return false;
}

void tcp_accept(struct tcp_side *side, const struct conn_setup_action *setup)
{
    struct tcp_conn *conn = conn_find(side, setup->conn);
    if (conn == NULL || conn->is_closing) {
        return;
    }
    if (setup->md5_key != NULL && !is_keyed(side, &setup->remote_addr)) {
        conn_lost(conn, EKEYREJECTED); /* What it has sent so far nobody has signed. */
        return;
    }
    if (!apply_options(conn->fd, setup)) {
        conn_lost(conn, errno);
        return;
    }
    ev_io_start(side->loop, &conn->readable);
    grant_room(conn, SEND_BUFFER_BYTES_MAX);
}

void tcp_send(struct tcp_side *side, conn_id id, struct byte_view bytes)
{
    struct tcp_conn *conn = conn_find(side, id);
    if (conn == NULL || conn->is_closing) {
        return; /* It went while the action was on its way. */
    }
    buffer_append(&conn->unsent, bytes.data, bytes.size);
    if (!list_is_linked(&conn->pending_node)) {
        list_append(&side->unsent, &conn->pending_node);
    }
}

void tcp_flush(struct tcp_side *side)
{
    while (!list_is_empty(&side->unsent)) {
        struct tcp_conn *conn =
            CONTAINER_OF(list_first(&side->unsent), struct tcp_conn, pending_node);
        list_remove(&conn->pending_node);
        if (!conn->is_connecting && conn->unsent.size != 0 && !ev_is_active(&conn->writable)) {
            conn_write(conn);
        }
    }
}

void tcp_close(struct tcp_side *side, conn_id id)
{
    struct tcp_conn *conn = conn_find(side, id);
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
    for (uint32_t i = 0; i < CONN_BUCKETS && side->paused_count != 0; i++) {
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

static void refuse_one(struct tcp_listener *listener)
{
    struct tcp_side *side = listener->side;
    if (side->reserve_fd >= 0) {
        close(side->reserve_fd);
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
        }
        side->reserve_fd = dup(STDERR_FILENO);
    }
    ev_io_stop(side->loop, &listener->readable);
    ev_timer_set(&listener->pause, 0.1, 0.);
    ev_timer_start(side->loop, &listener->pause);
    log_sink_printf(side->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                    "no file descriptors left: a connection was refused; raise the limit "
                    "(LimitNOFILE) or lower the number of peers");
}

static void on_pause_over(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)events;
    struct tcp_listener *listener = CONTAINER_OF(watcher, struct tcp_listener, pause);
    if (listener->fd >= 0) {
        ev_io_start(loop, &listener->readable);
    }
}

static void on_incoming(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct tcp_listener *listener = CONTAINER_OF(watcher, struct tcp_listener, readable);
    struct tcp_side *side = listener->side;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            refuse_one(listener);
        }
        return;
    }
    do {
        side->next_incoming = (side->next_incoming + 1) | CONN_ID_INCOMING_FIRST;
    } while (conn_find(side, side->next_incoming) != NULL);
    struct tcp_conn *conn = conn_new(side, side->next_incoming, fd);
    struct core_event event = {.kind = EVENT_CONN_INCOMING, .conn = {.conn = conn->id}};
    fill_endpoints(conn, &event.conn);
    uint32_t ifindex = tcp_incoming_ifindex(fd, listener->family);
    if (ifindex != 0) {
        event.conn.ifindex = ifindex;
    }
    side->hooks.feed(side->hooks.context, &event);
}

static int open_listener(const struct tcp_side *side, uint8_t family, uint16_t port)
{
    int one = 1;
    int fd =
        socket(family == IP_V6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    struct ip_addr any = {.family = family};
    struct sockaddr_storage addr;
    socklen_t size = sockaddr_from_ip(&any, port, 0, &addr);
    bool is_ready = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
    if (family == IP_V6) {
        is_ready = is_ready && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0;
        is_ready =
            is_ready && setsockopt(fd, IPPROTO_IPV6, IPV6_2292PKTINFO, &one, sizeof one) == 0;
    } else {
        is_ready = is_ready && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) == 0;
    }
    /* RFC 5082: the answer to a SYN leaves with the listener's TTL, and a peer with GTSM wants 255.
     */
    is_ready = is_ready && tcp_option_ttl(fd, family, 255, 0);
    for (uint32_t i = 0; is_ready && i < side->key_count; i++) {
        if (side->keys[i].peer.family == family) {
            is_ready = tcp_option_md5(fd, &side->keys[i].peer, side->keys[i].key);
        }
    }
    is_ready = is_ready && bind(fd, (struct sockaddr *)&addr, size) == 0 &&
               listen(fd, LISTEN_BACKLOG) == 0;
    if (!is_ready) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void listener_close(struct tcp_listener *listener)
{
    if (listener->fd >= 0) {
        ev_io_stop(listener->side->loop, &listener->readable);
        ev_timer_stop(listener->side->loop, &listener->pause);
        close(listener->fd);
        listener->fd = -1;
    }
}

static const char *listen_advice(int error)
{
    if (error == EADDRINUSE) {
        return "another BGP daemon is running here; stop it first";
    }
    if (error == EACCES || error == EPERM) {
        return "run as root or with CAP_NET_BIND_SERVICE";
    }
    return "no session can come in";
}

void tcp_listen(struct tcp_side *side, uint8_t family, uint16_t port)
{
    struct tcp_listener *listener = &side->listeners[family == IP_V6];
    listener_close(listener);
    if (port == 0) {
        return;
    }
    int fd = open_listener(side, family, port);
    if (fd < 0) {
        int error = errno;
        if (error == EAFNOSUPPORT && family == IP_V6) {
            return; /* A kernel without IPv6 has nobody to listen to. */
        }
        char text[LOG_TEXT_BYTES];
        snprintf(text, sizeof text, "cannot listen on TCP port %u (IPv%u): %s: %s", port, family,
                 strerror(error), listen_advice(error));
        side->hooks.listen_failed(side->hooks.context, text);
        return;
    }
    listener->fd = fd;
    listener->port = port;
    ev_io_init(&listener->readable, on_incoming, fd, EV_READ);
    ev_timer_init(&listener->pause, on_pause_over, 0., 0.);
    ev_io_start(side->loop, &listener->readable);
}

/* The stored key, or NULL when it was removed or there is no room for it. */
static struct tcp_key *key_store(struct tcp_side *side, const struct prefix *peer, const char *key)
{
    for (uint32_t i = 0; i < side->key_count; i++) {
        if (prefix_equal(&side->keys[i].peer, peer)) {
            explicit_bzero(side->keys[i].key, strlen(side->keys[i].key));
            mem_free(MEM_IO, side->keys[i].key);
            side->keys[i] = side->keys[--side->key_count];
            break;
        }
    }
    if (key == NULL || side->key_count == PEER_KEYS_MAX) {
        return NULL;
    }
    side->keys = mem_realloc(MEM_IO, side->keys, (side->key_count + 1) * sizeof *side->keys);
    struct tcp_key *stored = &side->keys[side->key_count++];
    *stored = (struct tcp_key){*peer, mem_strdup(MEM_IO, key), false};
    return stored;
}

void tcp_peer_key(struct tcp_side *side, const struct prefix *peer, const char *md5_key)
{
    char text[PREFIX_TEXT_BYTES];
    struct tcp_listener *listener = &side->listeners[peer->family == IP_V6];
    struct tcp_key *stored = key_store(side, peer, md5_key);
    bool is_taken = listener->fd < 0 || tcp_option_md5(listener->fd, peer, md5_key);
    if (stored != NULL) {
        stored->is_refused = !is_taken;
    }
    if (!is_taken) {
        log_sink_printf(side->log, LOG_PEER_ERROR, LOG_SEVERITY_ERROR,
                        "cannot set the TCP MD5 key of %s: %s; its sessions will not come up",
                        prefix_format(peer, text), strerror(errno));
    }
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
    for (uint32_t i = 0; i < CONN_BUCKETS; i++) {
        list_init(&side->buckets[i]);
    }
    for (int i = 0; i < 2; i++) {
        side->listeners[i].fd = -1;
        side->listeners[i].side = side;
        side->listeners[i].family = i == 0 ? IP_V4 : IP_V6;
    }
    return side;
}

void tcp_side_free(struct tcp_side *side)
{
    for (uint32_t i = 0; i < CONN_BUCKETS; i++) {
        LIST_FOREACH(node, &side->buckets[i])
        {
            conn_free(CONTAINER_OF(node, struct tcp_conn, bucket_node));
        }
    }
    for (int i = 0; i < 2; i++) {
        listener_close(&side->listeners[i]);
    }
    while (side->key_count != 0) {
        struct prefix peer = side->keys[0].peer;
        (void)key_store(side, &peer, NULL);
    }
    mem_free(MEM_IO, side->keys);
    if (side->reserve_fd >= 0) {
        close(side->reserve_fd);
    }
    mem_free(MEM_IO, side);
}
