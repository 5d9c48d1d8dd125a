/* Two ends of BGP's TCP side on one loop, for tests over loopback. */
#ifndef TESTS_UNIT_IO_TCP_ENDS_H
#define TESTS_UNIT_IO_TCP_ENDS_H

#include <check.h>
#include <ev.h>
#include <stdio.h>
#include <unistd.h>

#include "bgpd/io/tcp.h"
#include "proto/base/buffer.h"

#define PORT 17179

struct side {
    struct ev_loop *loop;
    struct tcp_side *tcp;
    conn_id opened;
    conn_id incoming;
    int failed_error;
    bool is_failed;
    bool is_closed;
    uint32_t room;
    uint32_t receive_room;
    uint32_t incoming_ifindex;
    uint32_t opened_mss;
    struct buffer received;
    char listen_error[256];
};

static struct log_sink *quiet_log;

static inline void on_feed(void *context, const struct core_event *event)
{
    struct side *side = context;
    switch (event->kind) {
    case EVENT_CONN_OPENED:
        side->opened = event->conn.conn;
        side->opened_mss = event->conn.tcp_mss;
        break;
    case EVENT_CONN_INCOMING:
        side->incoming = event->conn.conn;
        side->incoming_ifindex = event->conn.ifindex;
        break;
    case EVENT_CONN_FAILED:
        side->is_failed = true;
        side->failed_error = event->conn.error;
        break;
    case EVENT_CONN_CLOSED:
        side->is_closed = true;
        break;
    case EVENT_CONN_ROOM:
        side->room += event->conn.room_bytes;
        break;
    case EVENT_CONN_BYTES:
        buffer_append(&side->received, event->conn.bytes.data, event->conn.bytes.size);
        break;
    default:
        ck_abort_msg("unexpected event %d", event->kind);
    }
}

static inline uint32_t on_receive_room(void *context, conn_id conn)
{
    (void)conn;
    return ((struct side *)context)->receive_room;
}

static inline void on_listen_failed(void *context, const char *text)
{
    snprintf(((struct side *)context)->listen_error, 256, "%s", text);
}

static inline void side_init(struct side *side, struct ev_loop *loop)
{
    *side = (struct side){.loop = loop, .receive_room = 1 << 20};
    struct tcp_hooks hooks = {side, on_feed, on_receive_room, on_listen_failed};
    buffer_init(&side->received, MEM_MISC);
    side->tcp = tcp_side_new(loop, &hooks, quiet_log);
}

static inline void side_fini(struct side *side)
{
    tcp_side_free(side->tcp);
    buffer_fini(&side->received);
}

/* An MD5 key on the listener; NULL takes it off. */
static inline void side_key(struct side *side, const struct prefix *peer, const char *md5_key)
{
    struct tcp_key_setup setup = {.md5_key = md5_key};
    tcp_peer_key(side->tcp, peer, &setup);
}

/* Turns the loop until the condition holds, at most 5 s. */
#define RUN_UNTIL(a, b, condition)                                                                 \
    do {                                                                                           \
        for (int spin = 0; spin < 5000 && !(condition); spin++) {                                  \
            tcp_flush((a)->tcp);                                                                   \
            tcp_flush((b)->tcp);                                                                   \
            ev_run((a)->loop, EVRUN_NOWAIT);                                                       \
            if (!(condition)) {                                                                    \
                usleep(1000);                                                                      \
            }                                                                                      \
        }                                                                                          \
        ck_assert_msg((condition), "never: " #condition);                                          \
    } while (0)

static inline struct conn_setup_action setup_to(const char *address)
{
    struct conn_setup_action setup = {.conn = 1, .port = PORT, .ttl = 255, .ttl_min = 255};
    setup.timeout = mono_span_s(5);
    ck_assert_int_eq(ip_parse(address, &setup.remote_addr), STATUS_OK);
    return setup;
}

static inline void connect_pair(struct side *client, struct side *server, const char *address,
                                const char *key)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(address, &addr), STATUS_OK);
    struct prefix peer = prefix_host(&addr);
    if (key != NULL) {
        side_key(server, &peer, key);
    }
    tcp_listen(server->tcp, addr.family, PORT, 0);
    ck_assert_str_eq(server->listen_error, "");
    struct conn_setup_action setup = setup_to(address);
    setup.md5_key = key;
    tcp_connect(client->tcp, &setup);
    RUN_UNTIL(client, server, client->opened == 1 && server->incoming != 0);
    setup.conn = server->incoming;
    tcp_accept(server->tcp, &setup);
    ck_assert_uint_gt(server->room, 0);
}

#endif
