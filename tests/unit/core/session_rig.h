/* One core with the test on the other end of every wire: nothing is answered unless the test says
 * so. For tests of sessions, through the public boundary only. */
#ifndef TESTS_UNIT_CORE_SESSION_RIG_H
#define TESTS_UNIT_CORE_SESSION_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/core.h"
#include "bgpd/core/snapshot.h"
#include "proto/as_path.h"
#include "proto/base/assert.h"
#include "proto/message.h"
#include "proto/open.h"
#include "proto/update.h"

#define RIG_CONNS_MAX 64
#define RIG_LOGS_MAX  256
#define RIG_ROOM      (1u << 20)

struct rig_conn {
    conn_id id;
    bool is_ours;
    bool is_accepted;
    bool is_closed;
    struct conn_setup_action setup;
    char md5_key[32];
    struct config_key_chain ao; /* key_count 0: none */
    uint8_t bytes[1 << 16];     /* what the core sent and the test has not looked at */
    size_t size;
};

struct rig {
    struct core *core;
    struct mono_time now;
    struct rig_conn conns[RIG_CONNS_MAX];
    int conn_count;
    conn_id next_incoming;
    struct log_event logs[RIG_LOGS_MAX];
    int log_count;
    struct bfd_session_action bfd[8];
    int bfd_count;
    struct tunnel_watch_action watch; /* the last one, without the tunnel */
    uint16_t listening[2];
    int key_count;
    char last_key[32];
    struct config_key_chain last_ao;
    struct prefix last_key_peer;
    struct prefix gates[8]; /* what the listener demands by TTL */
    uint8_t gate_ttl_min[8];
    int gate_count;
    uint32_t listening_mss[2];
    bool key_came_after_listen;
    bool is_stopped;
};

static inline struct ip_addr rig_addr(const char *text)
{
    struct ip_addr addr;
    ck_assert(ip_parse(text, &addr) == STATUS_OK);
    return addr;
}

static inline struct rig_conn *rig_conn_of(struct rig *rig, conn_id id)
{
    for (int i = 0; i < rig->conn_count; i++) {
        if (rig->conns[i].id == id && !rig->conns[i].is_closed) {
            return &rig->conns[i];
        }
    }
    return NULL;
}

static inline struct rig_conn *rig_conn_add(struct rig *rig, conn_id id, bool is_ours)
{
    ck_assert_int_lt(rig->conn_count, RIG_CONNS_MAX);
    struct rig_conn *conn = &rig->conns[rig->conn_count++];
    memset(conn, 0, sizeof *conn);
    conn->id = id;
    conn->is_ours = is_ours;
    return conn;
}

static inline void rig_take_setup(struct rig_conn *conn, const struct conn_setup_action *setup)
{
    conn->setup = *setup;
    snprintf(conn->md5_key, sizeof conn->md5_key, "%s",
             setup->md5_key != NULL ? setup->md5_key : "");
    conn->setup.md5_key = NULL;
    if (setup->ao != NULL) {
        conn->ao = *setup->ao;
        conn->setup.ao = NULL;
    }
}

static inline void rig_take_gate(struct rig *rig, const struct prefix *peer, uint8_t ttl_min)
{
    int at = 0;
    while (at < rig->gate_count && !prefix_equal(&rig->gates[at], peer)) {
        at++;
    }
    ck_assert_int_lt(at, 8);
    ck_assert(at < rig->gate_count || ttl_min != 0); /* nothing is removed that was never put */
    rig->gate_count += at == rig->gate_count ? 1 : 0;
    rig->gates[at] = *peer;
    rig->gate_ttl_min[at] = ttl_min;
}

static inline void rig_take(struct rig *rig, const struct core_action *action)
{
    struct rig_conn *conn;
    switch (action->kind) {
    case ACTION_CONNECT:
        rig_take_setup(rig_conn_add(rig, action->conn_setup.conn, true), &action->conn_setup);
        break;
    case ACTION_ACCEPT:
        conn = rig_conn_of(rig, action->conn_setup.conn);
        ck_assert_ptr_nonnull(conn);
        conn->is_accepted = true;
        rig_take_setup(conn, &action->conn_setup);
        break;
    case ACTION_SEND:
        conn = rig_conn_of(rig, action->send.conn);
        ck_assert_ptr_nonnull(conn);
        ck_assert(conn->size + action->send.bytes.size <= sizeof conn->bytes);
        memcpy(conn->bytes + conn->size, action->send.bytes.data, action->send.bytes.size);
        conn->size += action->send.bytes.size;
        break;
    case ACTION_CLOSE:
        conn = rig_conn_of(rig, action->close.conn);
        ck_assert_ptr_nonnull(conn);
        conn->is_closed = true;
        break;
    case ACTION_LISTEN:
        rig->listening[action->listen.family == IP_V6] = action->listen.port;
        rig->listening_mss[action->listen.family == IP_V6] = action->listen.tcp_mss;
        break;
    case ACTION_PEER_TTL:
        rig_take_gate(rig, &action->peer_ttl.peer, action->peer_ttl.ttl_min);
        break;
    case ACTION_PEER_KEY:
        rig->key_count++;
        rig->key_came_after_listen = rig->listening[0] != 0;
        rig->last_key_peer = action->peer_key.peer;
        snprintf(rig->last_key, sizeof rig->last_key, "%s",
                 action->peer_key.md5_key != NULL ? action->peer_key.md5_key : "");
        rig->last_ao =
            action->peer_key.ao != NULL ? *action->peer_key.ao : (struct config_key_chain){0};
        break;
    case ACTION_BFD_SESSION:
        ck_assert_int_lt(rig->bfd_count, 8);
        rig->bfd[rig->bfd_count++] = action->bfd_session;
        break;
    case ACTION_TUNNEL_WATCH:
        rig->watch = action->tunnel_watch;
        rig->watch.tunnel = NULL;
        break;
    case ACTION_LOG:
        if (rig->log_count < RIG_LOGS_MAX) {
            rig->logs[rig->log_count++] = action->log;
        }
        if (getenv("RIG_VERBOSE") != NULL) {
            fprintf(stderr, "[%lld ms] %s: %s\n", (long long)(rig->now.ns / 1000000),
                    log_event_kind_name(action->log.kind), action->log.text);
        }
        break;
    case ACTION_STOPPED:
        rig->is_stopped = true;
        break;
    default:
        break;
    }
}

static inline void rig_settle(struct rig *rig)
{
    struct core_action action;
    bool has_more;
    do {
        has_more = core_work(rig->core, rig->now, 1000);
        while (core_take_action(rig->core, &action)) {
            rig_take(rig, &action);
        }
    } while (has_more);
}

static inline void rig_feed(struct rig *rig, const struct core_event *event)
{
    core_feed(rig->core, rig->now, event);
    rig_settle(rig);
}

/* Time passes; every deadline on the way is kept. */
static inline void rig_wait_ms(struct rig *rig, int64_t ms)
{
    struct mono_time end = mono_add(rig->now, mono_span_ms(ms));
    struct core_event event = {.kind = EVENT_TIME};
    for (;;) {
        struct mono_time next = core_deadline(rig->core);
        if (mono_before(end, next)) {
            break;
        }
        if (mono_before(rig->now, next)) {
            rig->now = next;
        }
        rig_feed(rig, &event);
    }
    rig->now = end;
    rig_feed(rig, &event);
}

static inline void rig_link(struct rig *rig, uint32_t ifindex, const char *name, bool is_up)
{
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = ifindex;
    event.link.is_up = is_up;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "%s", name);
    rig_feed(rig, &event);
}

static inline void rig_addr_add(struct rig *rig, uint32_t ifindex, const char *addr,
                                uint8_t len_bits)
{
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr.ifindex = ifindex;
    event.addr.addr = rig_addr(addr);
    event.addr.len_bits = len_bits;
    rig_feed(rig, &event);
}

static inline void rig_addr_gone(struct rig *rig, uint32_t ifindex, const char *addr,
                                 uint8_t len_bits)
{
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr.ifindex = ifindex;
    event.addr.is_removed = true;
    event.addr.addr = rig_addr(addr);
    event.addr.len_bits = len_bits;
    rig_feed(rig, &event);
}

static inline void rig_dump_end(struct rig *rig)
{
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_END};
    rig_feed(rig, &event);
}

/* A core that knows eth0 with 10.0.0.1/24 and 2001:db8::1/64. */
static inline struct rig *rig_new_with(const struct core_limits *limits, uint64_t seed)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->core = core_new(limits, seed);
    rig->now = (struct mono_time){INT64_C(1000000000000)};
    rig->next_incoming = CONN_ID_INCOMING_FIRST;
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    rig_feed(rig, &event);
    rig_link(rig, 2, "eth0", true);
    rig_addr_add(rig, 2, "10.0.0.1", 24);
    rig_addr_add(rig, 2, "2001:db8::1", 64);
    rig_dump_end(rig);
    return rig;
}

static inline struct rig *rig_new(void)
{
    return rig_new_with(NULL, 1);
}

static inline void rig_free(struct rig *rig)
{
    core_free(rig->core);
    free(rig);
}

/* ---- Configuration ---- */

#define RIG_NEIGHBORS_MAX 8

/* AS 65001, router id 10.0.0.1, no policy needed, hold time as built in. */
static inline struct config *rig_config(void)
{
    struct config *config = config_new();
    config->bgp.is_configured = true;
    config->bgp.asn = 65001;
    config->bgp.router_id = (struct opt_u32){true, 0x0a000001};
    config->bgp.ebgp_requires_policy = false;
    config->bgp.neighbors =
        arena_alloc(&config->arena, RIG_NEIGHBORS_MAX * sizeof *config->bgp.neighbors);
    config->bgp.peer_groups =
        arena_alloc(&config->arena, RIG_NEIGHBORS_MAX * sizeof *config->bgp.peer_groups);
    return config;
}

static inline struct config_neighbor *rig_neighbor(struct config *config, const char *addr,
                                                   uint32_t asn)
{
    ck_assert(config->bgp.neighbor_count < RIG_NEIGHBORS_MAX);
    struct config_neighbor *list = (struct config_neighbor *)(uintptr_t)config->bgp.neighbors;
    struct config_neighbor *neighbor = &list[config->bgp.neighbor_count++];
    neighbor->addr = rig_addr(addr);
    neighbor->remote_as_kind = REMOTE_AS_NUMBER;
    neighbor->remote_asn = asn;
    return neighbor;
}

static inline struct config_neighbor *rig_group(struct config *config, const char *name)
{
    struct config_neighbor *list = (struct config_neighbor *)(uintptr_t)config->bgp.peer_groups;
    struct config_neighbor *group = &list[config->bgp.peer_group_count++];
    group->group_name = name;
    return group;
}

static inline void rig_configure(struct rig *rig, struct config *config)
{
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    rig_feed(rig, &event);
}

/* ---- Connections ---- */

/* The newest connection of ours that is not closed; NULL when there is none. */
static inline struct rig_conn *rig_ours(struct rig *rig)
{
    for (int i = rig->conn_count; i-- > 0;) {
        if (rig->conns[i].is_ours && !rig->conns[i].is_closed) {
            return &rig->conns[i];
        }
    }
    return NULL;
}

static inline void rig_room(struct rig *rig, struct rig_conn *conn, uint32_t room)
{
    struct core_event event = {.kind = EVENT_CONN_ROOM};
    event.conn.conn = conn->id;
    event.conn.room_bytes = room;
    rig_feed(rig, &event);
}

static inline void rig_opened(struct rig *rig, struct rig_conn *conn)
{
    struct core_event event = {.kind = EVENT_CONN_OPENED};
    event.conn.conn = conn->id;
    event.conn.local_addr =
        rig_addr(conn->setup.remote_addr.family == IP_V6 ? "2001:db8::1" : "10.0.0.1");
    event.conn.remote_addr = conn->setup.remote_addr;
    event.conn.local_port = 40000;
    event.conn.remote_port = 179;
    rig_feed(rig, &event);
    rig_room(rig, conn, RIG_ROOM);
}

static inline void rig_failed(struct rig *rig, struct rig_conn *conn, int error)
{
    struct core_event event = {.kind = EVENT_CONN_FAILED};
    event.conn.conn = conn->id;
    event.conn.error = error;
    conn->is_closed = true;
    rig_feed(rig, &event);
}

static inline void rig_closed(struct rig *rig, struct rig_conn *conn)
{
    struct core_event event = {.kind = EVENT_CONN_CLOSED};
    event.conn.conn = conn->id;
    conn->is_closed = true;
    rig_feed(rig, &event);
}

static inline struct rig_conn *rig_incoming_over(struct rig *rig, const char *from, const char *to,
                                                 uint32_t ifindex)
{
    struct rig_conn *conn = rig_conn_add(rig, rig->next_incoming++, false);
    struct core_event event = {.kind = EVENT_CONN_INCOMING};
    event.conn.conn = conn->id;
    event.conn.remote_addr = rig_addr(from);
    event.conn.local_addr = rig_addr(to);
    event.conn.local_port = 179;
    event.conn.remote_port = 50000;
    event.conn.ifindex = ifindex;
    rig_feed(rig, &event);
    if (conn->is_accepted && !conn->is_closed) {
        rig_room(rig, conn, RIG_ROOM);
    }
    return conn;
}

static inline struct rig_conn *rig_incoming(struct rig *rig, const char *from)
{
    return rig_incoming_over(rig, from, "10.0.0.1", 2);
}

/* ---- Messages ---- */

static inline void rig_say(struct rig *rig, struct rig_conn *conn, const void *bytes, size_t size)
{
    struct core_event event = {.kind = EVENT_CONN_BYTES};
    event.conn.conn = conn->id;
    event.conn.bytes = (struct byte_view){bytes, size};
    rig_feed(rig, &event);
}

/* A peer's OPEN as most tests want it. */
static inline struct open_message rig_open(uint32_t asn, uint32_t router_id)
{
    struct open_message open = {.asn = asn, .hold_time_s = 90, .router_id = router_id};
    open.capabilities.families = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST);
    open.capabilities.has_any_multiprotocol = true;
    open.capabilities.as4 = true;
    open.capabilities.as4_asn = asn;
    open.capabilities.route_refresh = true;
    open.capabilities.role = BGP_ROLE_NONE;
    return open;
}

static inline void rig_say_open(struct rig *rig, struct rig_conn *conn,
                                const struct open_message *open)
{
    uint8_t bytes[512];
    struct writer writer = writer_of(bytes, sizeof bytes);
    open_encode(&writer, open);
    ck_assert(!writer.failed);
    rig_say(rig, conn, bytes, writer_size(&writer));
}

static inline void rig_say_keepalive(struct rig *rig, struct rig_conn *conn)
{
    uint8_t bytes[BGP_HEADER_BYTES];
    struct writer writer = writer_of(bytes, sizeof bytes);
    keepalive_encode(&writer);
    rig_say(rig, conn, bytes, sizeof bytes);
}

static inline void rig_say_notification(struct rig *rig, struct rig_conn *conn, uint8_t code,
                                        uint8_t subcode)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    notification_encode(&writer, &(struct notification){code, subcode, {NULL, 0}});
    rig_say(rig, conn, bytes, writer_size(&writer));
}

/* An UPDATE that says nothing about any prefix is an End-of-RIB: the smallest one there is. */
static inline void rig_say_update(struct rig *rig, struct rig_conn *conn)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    message_begin(&writer, MESSAGE_UPDATE);
    writer_u32(&writer, 0);
    message_end(&writer, 0);
    rig_say(rig, conn, bytes, writer_size(&writer));
}

/* One IPv4 route with the peer itself as next hop. */
static inline void rig_say_route(struct rig *rig, struct rig_conn *conn, uint32_t asn,
                                 const char *prefix)
{
    uint8_t bytes[256];
    struct arena arena;
    struct update_builder builder;
    struct nlri nlri = {.path_id = 0};
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct update_options options = {
        .as4 = true,
        .is_ebgp = true,
        .families = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST),
        .message_bytes_max = 4096,
    };
    arena_init(&arena);
    struct path_attrs attrs = {
        .present = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) | PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                   PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP),
        .as_path = as_path_from_asns(&arena, &asn, 1),
        .next_hop = conn->setup.remote_addr,
    };
    ck_assert(prefix_parse(prefix, &nlri.prefix) == STATUS_OK);
    ck_assert(update_begin(&builder, &writer, &options, AFI_SAFI_IPV4_UNICAST, &attrs) ==
              STATUS_OK);
    ck_assert(update_add(&builder, &nlri));
    update_finish(&builder, &writer);
    arena_fini(&arena);
    rig_say(rig, conn, bytes, writer_size(&writer));
}

static inline void rig_say_refresh(struct rig *rig, struct rig_conn *conn)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    route_refresh_encode(&writer, &(struct route_refresh){AFI_SAFI_IPV4_UNICAST, 0});
    rig_say(rig, conn, bytes, writer_size(&writer));
}

static inline void rig_say_bad_header(struct rig *rig, struct rig_conn *conn)
{
    uint8_t bytes[BGP_HEADER_BYTES];
    memset(bytes, 0xff, sizeof bytes);
    store_be16(bytes + 16, 5); /* below 19 */
    bytes[18] = MESSAGE_KEEPALIVE;
    rig_say(rig, conn, bytes, sizeof bytes);
}

/* Takes the next message the core sent; false when there is none. body_out may be NULL. */
static inline bool rig_next(struct rig_conn *conn, enum message_type *type_out, uint8_t *body_out,
                            size_t *size_out)
{
    struct message_view message;
    struct wire_error error;
    size_t taken;
    if (framer_next((struct byte_view){conn->bytes, conn->size}, 65535, &message, &taken, &error) !=
        STATUS_OK) {
        return false;
    }
    *type_out = message.type;
    if (body_out != NULL && message.body.size != 0) {
        memcpy(body_out, message.body.data, message.body.size);
    }
    if (size_out != NULL) {
        *size_out = message.body.size;
    }
    memmove(conn->bytes, conn->bytes + taken, conn->size - taken);
    conn->size -= taken;
    return true;
}

/* How many messages of a type are waiting; takes them all. */
static inline int rig_count(struct rig_conn *conn, enum message_type wanted)
{
    enum message_type type;
    int count = 0;
    while (rig_next(conn, &type, NULL, NULL)) {
        count += type == wanted;
    }
    return count;
}

/* The NOTIFICATION among what was sent: code << 8 | subcode; 0 when there is none. Takes all. */
static inline int rig_notification(struct rig_conn *conn)
{
    enum message_type type;
    uint8_t body[65535];
    size_t size;
    int found = 0;
    while (rig_next(conn, &type, body, &size)) {
        if (type == MESSAGE_NOTIFICATION) {
            ck_assert_int_eq(found, 0);
            found = body[0] << 8 | body[1];
        }
    }
    return found;
}

static inline void rig_expect(struct rig_conn *conn, enum message_type wanted)
{
    enum message_type type;
    ck_assert_msg(rig_next(conn, &type, NULL, NULL), "nothing was sent");
    ck_assert_int_eq(type, wanted);
}

/* ---- What is shown ---- */

static inline struct snapshot_peer rig_peer(struct rig *rig, const char *addr)
{
    struct ip_addr wanted = rig_addr(addr);
    struct snapshot_peer peer;
    uint32_t index;
    ck_assert(snapshot_peer_find(rig->core, &wanted, &index));
    ck_assert(snapshot_peer(rig->core, index, &peer));
    return peer;
}

static inline enum peer_state rig_state(struct rig *rig, const char *addr)
{
    return rig_peer(rig, addr).state;
}

static inline bool rig_logged(const struct rig *rig, enum log_event_kind kind, const char *text)
{
    for (int i = 0; i < rig->log_count; i++) {
        if (rig->logs[i].kind == kind && strstr(rig->logs[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

/* Brings the session with a peer up over our connection. */
static inline struct rig_conn *rig_establish(struct rig *rig, const char *addr, uint32_t asn)
{
    struct ip_addr wanted = rig_addr(addr);
    struct rig_conn *conn = NULL;
    for (int i = 0; i < rig->conn_count; i++) {
        if (rig->conns[i].is_ours && !rig->conns[i].is_closed &&
            ip_equal(&rig->conns[i].setup.remote_addr, &wanted)) {
            conn = &rig->conns[i];
        }
    }
    ck_assert_ptr_nonnull(conn);
    rig_opened(rig, conn);
    struct open_message open = rig_open(asn, 0x0a000000u + wanted.bytes[3]);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, addr), PEER_ESTABLISHED);
    return conn;
}

#endif
