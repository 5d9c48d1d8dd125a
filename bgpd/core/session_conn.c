/* Connections and the octets in and out of them. Sending goes by whole messages, so that a
 * NOTIFICATION can follow whatever was sent before. */
#include <string.h>

#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* One read of a socket is worked on at once; what a peer sends beyond waits its turn. */
#define RECEIVE_BYTES_PER_FEED 65536u
#define RECEIVE_BYTES_PER_TURN 65536u
#define RECEIVE_BYTES_PER_CONN 16384u
#define RECEIVE_KEEP_BYTES     16384u /* an empty buffer above this is given back */
#define SEND_BYTES_PER_TURN    (512u << 10)
#define SEND_CHUNK_BYTES       65536u

struct session_conn *conn_find(const struct core *core, conn_id id)
{
    struct list_node *bucket = &core->peers->conns[id % CONN_BUCKETS];
    LIST_FOREACH(node, bucket)
    {
        struct session_conn *conn = CONTAINER_OF(node, struct session_conn, bucket_node);
        if (conn->id == id) {
            return conn;
        }
    }
    return NULL;
}

void conn_attach(struct core *core, struct session_conn *conn, conn_id id)
{
    ASSERT(conn->id == 0 && id != 0);
    if (!conn->is_parsing) {
        conn->received.size = 0;
        conn->received_at = 0;
    }
    conn->id = id;
    conn->is_up = false;
    conn->room_bytes = 0;
    conn->room_full_bytes = 0;
    conn->message_bytes_max = BGP_MESSAGE_BYTES_MAX;
    conn->hold_time_s = 0;
    conn->keepalive = MONO_SPAN_NONE;
    list_append(&core->peers->conns[id % CONN_BUCKETS], &conn->bucket_node);
}

static void forget_received(struct session_conn *conn)
{
    buffer_fini(&conn->received);
    buffer_init(&conn->received, MEM_PEER);
    conn->received_at = 0;
}

void conn_shut(struct core *core, struct session_conn *conn)
{
    timer_stop(&core->timers, &conn->connect_retry);
    timer_stop(&core->timers, &conn->hold);
    timer_stop(&core->timers, &conn->keepalive_timer);
    timer_stop(&core->timers, &conn->delay_open);
    timer_stop(&core->timers, &conn->send_hold);
    if (conn->id != 0) {
        struct core_action action = {.kind = ACTION_CLOSE, .close = {conn->id}};
        if (!conn->is_lost) {
            action_queue_put(&core->actions, &action);
        }
        list_remove(&conn->bucket_node);
        conn->id = 0;
    }
    conn->is_up = false;
    conn->is_lost = false;
    if (list_is_linked(&conn->ready_node)) {
        list_remove(&conn->ready_node);
    }
    buffer_fini(&conn->unsent);
    buffer_init(&conn->unsent, MEM_PEER);
    if (!conn->is_parsing) {
        forget_received(conn);
    }
}

/* ---- Out ---- */

static void put_out(struct core *core, struct session_conn *conn, const uint8_t *bytes, size_t size)
{
    struct core_action action = {.kind = ACTION_SEND, .send = {conn->id, {bytes, size}}};
    ASSERT(size <= conn->room_bytes);
    action_queue_put(&core->actions, &action);
    conn->room_bytes -= (uint32_t)size;
    conn->last_write = core->now;
}

void conn_send(struct core *core, struct session_conn *conn, const uint8_t *message, size_t size)
{
    ASSERT(conn->id != 0);
    if (conn->unsent.size == 0 && size <= conn->room_bytes) {
        put_out(core, conn, message, size);
    } else {
        buffer_append(&conn->unsent, message, size);
    }
    session_check_send_hold(core, conn, false);
}

void conn_send_keepalive(struct core *core, struct session_conn *conn)
{
    /* RFC 4271 4.4 wants the peer to hear something now and then, not a pile of it later: one that
     * waits for room stands for all of them. */
    if (conn->unsent.size == 0) {
        uint8_t bytes[BGP_HEADER_BYTES];
        struct writer writer = writer_of(bytes, sizeof bytes);
        keepalive_encode(&writer);
        ASSERT(!writer.failed);
        conn_send(core, conn, bytes, writer_size(&writer));
        conn->peer->sent.keepalives++;
    }
    session_start_keepalive(core, conn);
}

void conn_send_open(struct core *core, struct session_conn *conn)
{
    uint8_t bytes[1024];
    struct writer writer = writer_of(bytes, sizeof bytes);
    open_encode(&writer, &conn->local_open);
    ASSERT(!writer.failed);
    conn_send(core, conn, bytes, writer_size(&writer));
    conn->peer->sent.opens++;
}

/* Never waits for room: a peer that takes nothing gets nothing, and the connection closes. */
void conn_send_notification(struct core *core, struct session_conn *conn,
                            const struct notification *notification)
{
    if (conn->id == 0 || !conn->is_up) {
        return;
    }
    uint8_t bytes[BGP_MESSAGE_BYTES_MAX];
    struct writer writer = writer_of(bytes, sizeof bytes);
    notification_encode(&writer, notification);
    size_t size = writer_size(&writer);
    if (writer.failed || conn->unsent.size + size > conn->room_bytes) {
        return;
    }
    put_out(core, conn, bytes, size);
    conn->peer->sent.notifications++;
    session_log_notification(core, conn, notification, true);
}

/* Messages that waited go out as far as there is room for whole ones. */
static void flush_unsent(struct core *core, struct session_conn *conn)
{
    size_t done = 0;
    while (done < conn->unsent.size) {
        size_t size = load_be16(conn->unsent.data + done + 16);
        ASSERT(size >= BGP_HEADER_BYTES && size <= conn->unsent.size - done);
        if (size > conn->room_bytes) {
            break;
        }
        put_out(core, conn, conn->unsent.data + done, size);
        done += size;
    }
    buffer_drop(&conn->unsent, done);
}

void conn_take_room(struct core *core, struct session_conn *conn, uint32_t room_bytes)
{
    conn->room_bytes += room_bytes;
    if (conn->room_bytes > conn->room_full_bytes) {
        conn->room_full_bytes = conn->room_bytes;
    }
    flush_unsent(core, conn);
    session_check_send_hold(core, conn, true);
    if (conn->state == PEER_ESTABLISHED && routes_peer_has_output(core, conn->peer)) {
        peer_wants_to_send(core, conn->peer);
    }
}

/* ---- In ---- */

static struct byte_view waiting(const struct session_conn *conn)
{
    return (struct byte_view){conn->received.data + conn->received_at,
                              conn->received.size - conn->received_at};
}

bool conn_has_whole_message(const struct session_conn *conn)
{
    struct message_view message;
    struct wire_error error;
    size_t taken;
    return conn->received.size > conn->received_at &&
           framer_next(waiting(conn), conn->message_bytes_max, &message, &taken, &error) !=
               STATUS_TRUNCATED;
}

static void header_error(struct core *core, struct session_conn *conn,
                         const struct wire_error *error)
{
    struct notification notification = {error->code, error->subcode, error->data};
    struct fsm_input input = {
        .event = FSM_HEADER_ERROR, .notification = &notification, .reason = error->what};
    session_feed(core, conn, &input);
}

/* Works on whole messages until view, the allowance or the connection ends; returns the octets
 * worked on. */
static size_t parse(struct core *core, struct session_conn *conn, struct byte_view view,
                    size_t bytes_max)
{
    size_t done = 0;
    conn_id id = conn->id;
    conn->is_parsing = true;
    while (conn->id == id && done < bytes_max) {
        struct byte_view rest = {view.data + done, view.size - done};
        struct message_view message;
        struct wire_error error = WIRE_NO_ERROR;
        size_t taken = 0;
        enum status status = framer_next(rest, conn->message_bytes_max, &message, &taken, &error);
        if (status == STATUS_TRUNCATED) {
            break;
        }
        if (status != STATUS_OK) {
            header_error(core, conn, &error);
            break;
        }
        done += taken;
        conn->last_read = core->now;
        session_message(core, conn, &message);
    }
    conn->is_parsing = false;
    if (conn->id != id) {
        forget_received(conn);
    }
    return done;
}

static void parse_received(struct core *core, struct session_conn *conn, size_t bytes_max)
{
    conn_id id = conn->id;
    size_t done = parse(core, conn, waiting(conn), bytes_max);
    if (conn->id != id) {
        return;
    }
    conn->received_at += done;
    if (conn->received_at == conn->received.size) {
        conn->received_at = 0;
        conn->received.size = 0;
        if (conn->received.capacity > RECEIVE_KEEP_BYTES) {
            forget_received(conn);
        }
    } else if (conn->received_at > conn->received.size / 2) {
        buffer_drop(&conn->received, conn->received_at);
        conn->received_at = 0;
    }
}

static void mark_ready(struct core *core, struct session_conn *conn)
{
    if (!list_is_linked(&conn->ready_node)) {
        list_append(&core->peers->ready, &conn->ready_node);
    }
}

/* Adds to a message begun earlier what it still lacks, and no more: the rest of the octets can be
 * worked on where they are. Returns how many were taken. */
static size_t complete_first(struct session_conn *conn, struct byte_view bytes)
{
    size_t used = 0;
    while (used < bytes.size) {
        struct byte_view have = waiting(conn);
        size_t whole = BGP_HEADER_BYTES;
        if (have.size >= BGP_HEADER_BYTES) {
            whole = load_be16(have.data + 16);
        }
        if (have.size >= whole) {
            break; /* whole, or a length that the framer will refuse */
        }
        size_t part = whole - have.size;
        part = part < bytes.size - used ? part : bytes.size - used;
        buffer_append(&conn->received, bytes.data + used, part);
        used += part;
    }
    return used;
}

void conn_receive(struct core *core, struct session_conn *conn, struct byte_view bytes)
{
    conn_id id = conn->id;
    ASSERT(id != 0 && !conn->is_parsing);
    if (list_is_linked(&conn->ready_node)) {
        buffer_append(&conn->received, bytes.data, bytes.size);
        return; /* Its turn comes in core_work. */
    }
    if (conn->received.size != 0) {
        size_t used = complete_first(conn, bytes);
        bytes.data += used;
        bytes.size -= used;
        parse_received(core, conn, 1);
    }
    if (conn->id == id && bytes.size != 0) {
        size_t done = parse(core, conn, bytes, RECEIVE_BYTES_PER_FEED);
        if (conn->id == id && done < bytes.size) {
            buffer_append(&conn->received, bytes.data + done, bytes.size - done);
        }
    }
    if (conn->id == id && conn_has_whole_message(conn)) {
        mark_ready(core, conn);
    }
}

bool sessions_receive_work(struct core *core, uint32_t work_max)
{
    struct list_node *ready = &core->peers->ready;
    size_t budget = (size_t)work_max * 8;
    budget = budget < RECEIVE_BYTES_PER_TURN ? RECEIVE_BYTES_PER_TURN : budget;
    while (!list_is_empty(ready) && budget > 0) {
        struct session_conn *conn =
            CONTAINER_OF(list_first(ready), struct session_conn, ready_node);
        conn_id id = conn->id;
        size_t share = budget < RECEIVE_BYTES_PER_CONN ? budget : RECEIVE_BYTES_PER_CONN;
        list_remove(&conn->ready_node);
        parse_received(core, conn, share);
        if (conn->id == id && conn_has_whole_message(conn)) {
            mark_ready(core, conn);
        }
        budget -= share;
    }
    return !list_is_empty(ready);
}

uint32_t core_receive_room(const struct core *core, conn_id id)
{
    const struct session_conn *conn = conn_find(core, id);
    uint32_t bytes_max = core->limits.receive_bytes_max;
    if (conn == NULL) {
        return bytes_max;
    }
    size_t used = conn->received.size - conn->received_at;
    return used < bytes_max ? bytes_max - (uint32_t)used : 0;
}

/* ---- Routes out ---- */

void peer_wants_to_send(struct core *core, struct peer *peer)
{
    if (peer_is_established(peer) && !list_is_linked(&peer->session->sender_node)) {
        list_append(&core->peers->senders, &peer->session->sender_node);
    }
}

static void count_sent(struct peer *peer, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + BGP_HEADER_BYTES <= size; at += load_be16(bytes + at + 16)) {
        ASSERT(load_be16(bytes + at + 16) >= BGP_HEADER_BYTES);
        if (bytes[at + 18] == MESSAGE_ROUTE_REFRESH) {
            peer->sent.route_refreshes++;
        } else {
            peer->sent.updates++;
        }
    }
}

/* One chunk of messages; returns its octets, 0 when nothing could be sent now. */
static size_t send_chunk(struct core *core, struct peer *peer)
{
    struct session_conn *conn = peer_established_conn(peer);
    if (conn == NULL || conn->unsent.size != 0 ||
        conn->room_bytes < peer->update_options.message_bytes_max) {
        return 0; /* Room, or the end of the session, brings it back. */
    }
    size_t room = conn->room_bytes < SEND_CHUNK_BYTES ? conn->room_bytes : SEND_CHUNK_BYTES;
    struct writer writer = writer_of(core->peers->send_scratch, room);
    peer->session->is_busy = true;
    routes_peer_fill(core, peer, &writer);
    peer->session->is_busy = false;
    size_t size = writer_size(&writer);
    ASSERT(!writer.failed && size <= room);
    if (size != 0) {
        uint8_t *owned = mem_realloc(MEM_QUEUE, NULL, size);
        memcpy(owned, core->peers->send_scratch, size);
        action_queue_put_send(&core->actions, conn->id, owned, size);
        conn->room_bytes -= (uint32_t)size;
        conn->last_write = core->now;
        count_sent(peer, owned, size);
        session_start_keepalive(core, conn);
        session_check_send_hold(core, conn, false);
    }
    session_run_pending_reset(core, peer);
    return size;
}

bool sessions_send_work(struct core *core, uint32_t work_max)
{
    struct list_node *senders = &core->peers->senders;
    size_t budget = (size_t)work_max * 64;
    budget = budget < SEND_BYTES_PER_TURN ? SEND_BYTES_PER_TURN : budget;
    size_t done = 0;
    while (!list_is_empty(senders) && done < budget) {
        struct peer_session *session =
            CONTAINER_OF(list_first(senders), struct peer_session, sender_node);
        struct peer *peer = session->conns[0].peer;
        list_remove(&session->sender_node);
        size_t size = send_chunk(core, peer);
        done += size;
        if (size != 0 && peer_is_established(peer) && routes_peer_has_output(core, peer)) {
            peer_wants_to_send(core, peer);
        }
    }
    return !list_is_empty(senders);
}
