/* The inside of BGP's TCP connections, for tcp*.c only. */
#ifndef BGPD_IO_TCP_PRIVATE_H
#define BGPD_IO_TCP_PRIVATE_H

#include "bgpd/io/tcp.h"
#include "bgpd/io/ttl_gate.h"
#include "proto/base/buffer.h"
#include "proto/base/list.h"

#define TCP_READ_BYTES_MAX 32768u
#define TCP_CONN_BUCKETS   256u

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
    char *md5;                   /* NULL: ao */
    struct config_key_chain *ao; /* NULL: md5 */
    bool ao_includes_options;
    bool is_refused; /* the kernel did not take it on the listener */
};

struct tcp_listener {
    int fd;
    struct tcp_side *side;
    uint8_t family;
    uint16_t port;
    uint32_t tcp_mss;
    struct ev_io readable;
    struct ev_timer pause; /* after EMFILE: a readable listener must not spin */
};

struct tcp_side {
    struct ev_loop *loop;
    struct tcp_hooks hooks;
    struct log_sink *log;
    struct list_node buckets[TCP_CONN_BUCKETS];
    struct list_node unsent;
    uint32_t closing_count;
    uint32_t paused_count;
    struct tcp_listener listeners[2]; /* IPv4, IPv6 */
    struct tcp_key *keys;
    uint32_t key_count;
    struct ttl_gates gates;
    conn_id next_incoming;
    int reserve_fd; /* given up to accept and refuse a connection when descriptors run out */
    uint8_t read_buffer[TCP_READ_BYTES_MAX];
};

/* ---- tcp.c ---- */

struct tcp_conn *tcp_conn_find(struct tcp_side *side, conn_id id);
struct tcp_conn *tcp_conn_new(struct tcp_side *side, conn_id id, int fd);

/* Addresses, ports and segment size of a connected socket. */
void tcp_endpoints(int fd, struct conn_event *event);

/* ---- tcp_listener.c ---- */

void tcp_listeners_init(struct tcp_side *side);
void tcp_listeners_fini(struct tcp_side *side);

/* True when the listener demands a key of everything that comes from addr. */
bool tcp_listener_is_keyed(const struct tcp_side *side, const struct ip_addr *addr);

#endif
