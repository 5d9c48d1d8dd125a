/* Listening sockets of BGP, and what guards them before a connection is anybody's: keys and TTLs.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/tcp_ao.h"
#include "bgpd/io/tcp_options.h"
#include "bgpd/io/tcp_private.h"
#include "proto/base/mem.h"

#define PEER_KEYS_MAX  4096u
#define LISTEN_BACKLOG 64

bool tcp_listener_is_keyed(const struct tcp_side *side, const struct ip_addr *addr)
{
    uint8_t longest_bits = 0;
    bool is_keyed = false;
    for (uint32_t i = 0; i < side->key_count; i++) {
        const struct tcp_key *key = &side->keys[i];
        if (prefix_contains_ip(&key->peer, addr) && key->peer.len_bits >= longest_bits) {
            longest_bits = key->peer.len_bits;
            is_keyed = !key->is_refused;
        }
    }
    return is_keyed;
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

/* The neighbor has a key, but the kernel did not take it: what comes unsigned is nobody's. */
static bool is_key_refused(const struct tcp_side *side, const struct ip_addr *addr)
{
    for (uint32_t i = 0; i < side->key_count; i++) {
        if (side->keys[i].is_refused && prefix_contains_ip(&side->keys[i].peer, addr)) {
            return !tcp_listener_is_keyed(side, addr);
        }
    }
    return false;
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
    struct core_event event = {.kind = EVENT_CONN_INCOMING};
    tcp_endpoints(fd, &event.conn);
    if (is_key_refused(side, &event.conn.remote_addr)) {
        close(fd);
        return;
    }
    do {
        side->next_incoming = (side->next_incoming + 1) | CONN_ID_INCOMING_FIRST;
    } while (tcp_conn_find(side, side->next_incoming) != NULL);
    event.conn.conn = tcp_conn_new(side, side->next_incoming, fd)->id;
    uint32_t ifindex = tcp_incoming_ifindex(fd, listener->family);
    if (ifindex != 0) {
        event.conn.ifindex = ifindex;
    }
    side->hooks.feed(side->hooks.context, &event);
}

static void say_key_refused(const struct tcp_side *side, const struct tcp_key *key)
{
    char text[PREFIX_TEXT_BYTES];
    log_sink_printf(side->log, LOG_PEER_ERROR, LOG_SEVERITY_ERROR,
                    "cannot set the %s of %s: %s; its sessions will not come up",
                    key->ao != NULL ? "TCP-AO keys" : "TCP MD5 key",
                    prefix_format(&key->peer, text),
                    key->ao != NULL && errno == ENOPROTOOPT
                        ? "this kernel has no TCP-AO (Linux 6.7 or later, built with CONFIG_TCP_AO)"
                        : strerror(errno));
}

/* Puts the key on the listening socket, or remembers that the kernel did not want it. */
static void key_put(const struct tcp_side *side, int fd, struct tcp_key *key)
{
    bool is_taken = key->ao != NULL ? tcp_ao_add(fd, &key->peer, key->ao, key->ao_includes_options)
                                    : tcp_option_md5(fd, &key->peer, key->md5);
    key->is_refused = !is_taken;
    if (!is_taken) {
        say_key_refused(side, key);
    }
}

static void key_take_off(int fd, const struct tcp_key *key)
{
    if (key->ao != NULL) {
        tcp_ao_remove(fd, &key->peer, key->ao);
    } else {
        (void)tcp_option_md5(fd, &key->peer, NULL);
    }
}

/* A key that the kernel refuses closes the door to its own neighbor only. */
static void put_keys(struct tcp_side *side, uint8_t family, int fd)
{
    for (uint32_t i = 0; i < side->key_count; i++) {
        if (side->keys[i].peer.family == family) {
            key_put(side, fd, &side->keys[i]);
        }
    }
}

static void put_gates(const struct tcp_side *side, uint8_t family, int fd)
{
    if (!ttl_gates_attach(&side->gates, fd, family)) {
        log_sink_printf(side->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                        "ttl-security before a connection is accepted is not in force for all "
                        "IPv%u neighbors: %s; it is checked from there on",
                        family, strerror(errno));
    }
}

static int open_listener(struct tcp_side *side, uint8_t family, uint16_t port, uint32_t tcp_mss)
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
    is_ready = is_ready && (tcp_mss == 0 || tcp_option_mss(fd, tcp_mss));
    if (is_ready) {
        put_keys(side, family, fd);
        put_gates(side, family, fd);
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

void tcp_listen(struct tcp_side *side, uint8_t family, uint16_t port, uint32_t tcp_mss)
{
    struct tcp_listener *listener = &side->listeners[family == IP_V6];
    if (listener->fd >= 0 && listener->port == port && tcp_option_mss(listener->fd, tcp_mss)) {
        return;
    }
    listener_close(listener);
    if (port == 0) {
        return;
    }
    int fd = open_listener(side, family, port, tcp_mss);
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

static void key_forget(struct tcp_side *side, uint32_t index)
{
    struct tcp_key *key = &side->keys[index];
    if (key->md5 != NULL) {
        explicit_bzero(key->md5, strlen(key->md5));
        mem_free(MEM_IO, key->md5);
    }
    if (key->ao != NULL) {
        explicit_bzero(key->ao, sizeof *key->ao);
        mem_free(MEM_IO, key->ao);
    }
    *key = side->keys[--side->key_count];
}

static struct tcp_key *key_store(struct tcp_side *side, const struct prefix *peer,
                                 const struct tcp_key_setup *setup)
{
    side->keys = mem_realloc(MEM_IO, side->keys, (side->key_count + 1) * sizeof *side->keys);
    struct tcp_key *stored = &side->keys[side->key_count++];
    *stored = (struct tcp_key){.peer = *peer, .ao_includes_options = setup->ao_includes_options};
    if (setup->ao != NULL) {
        stored->ao = mem_realloc(MEM_IO, NULL, sizeof *stored->ao);
        *stored->ao = *setup->ao;
        stored->ao->name = NULL;
    } else {
        stored->md5 = mem_strdup(MEM_IO, setup->md5_key);
    }
    return stored;
}

void tcp_peer_key(struct tcp_side *side, const struct prefix *peer,
                  const struct tcp_key_setup *setup)
{
    const struct tcp_listener *listener = &side->listeners[peer->family == IP_V6];
    for (uint32_t i = 0; i < side->key_count; i++) {
        if (prefix_equal(&side->keys[i].peer, peer)) {
            /* A new MD5 key replaces the old one in place: there is never none between. */
            bool is_replaced = side->keys[i].md5 != NULL && setup->md5_key != NULL;
            if (listener->fd >= 0 && !is_replaced) {
                key_take_off(listener->fd, &side->keys[i]);
            }
            key_forget(side, i);
            break;
        }
    }
    if ((setup->md5_key == NULL && setup->ao == NULL) || side->key_count == PEER_KEYS_MAX) {
        return; /* One too many is no key of the listener: tcp_accept refuses its sessions. */
    }
    struct tcp_key *stored = key_store(side, peer, setup);
    if (listener->fd >= 0) {
        key_put(side, listener->fd, stored);
    }
}

void tcp_peer_ttl(struct tcp_side *side, const struct prefix *peer, uint8_t ttl_min)
{
    struct tcp_listener *listener = &side->listeners[peer->family == IP_V6];
    ttl_gates_put(&side->gates, peer, ttl_min);
    if (listener->fd >= 0) {
        put_gates(side, peer->family, listener->fd);
    }
}

void tcp_listeners_init(struct tcp_side *side)
{
    for (int i = 0; i < 2; i++) {
        side->listeners[i].fd = -1;
        side->listeners[i].side = side;
        side->listeners[i].family = i == 0 ? IP_V4 : IP_V6;
    }
}

void tcp_listeners_fini(struct tcp_side *side)
{
    for (int i = 0; i < 2; i++) {
        listener_close(&side->listeners[i]);
    }
    while (side->key_count != 0) {
        key_forget(side, side->key_count - 1);
    }
    mem_free(MEM_IO, side->keys);
    ttl_gates_fini(&side->gates);
}
