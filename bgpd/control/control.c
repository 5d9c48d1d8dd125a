/* Clients: frames in, one request at a time, frames out. */
#include "bgpd/control/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/control/control_private.h"
#include "bgpd/control/frame_allocator.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define FRAME_LENGTH_BYTES    4u
#define UNPACK_BYTES_MAX      65536u
#define STATUS_TEXT_BYTES_MAX 1024u

struct control_server *control_server_new(struct core *core, const struct control_hooks *hooks)
{
    struct control_server *server = mem_alloc(MEM_CONTROL, sizeof *server);
    server->core = core;
    server->hooks = *hooks;
    return server;
}

void control_server_free(struct control_server *server)
{
    ASSERT(server->client_count == 0);
    mem_free(MEM_CONTROL, server);
}

struct control_client *control_client_new(struct control_server *server, uid_t uid, gid_t gid,
                                          bool is_admin)
{
    struct control_client *client = mem_alloc(MEM_CONTROL, sizeof *client);
    client->server = server;
    client->uid = uid;
    client->gid = gid;
    client->is_admin = is_admin;
    buffer_init(&client->input, MEM_CONTROL);
    buffer_init(&client->pending, MEM_CONTROL);
    buffer_init(&client->text, MEM_CONTROL);
    arena_init(&client->scratch);
    server->client_count++;
    return client;
}

void control_client_free(struct control_client *client)
{
    ASSERT(client->server->client_count > 0);
    client->server->client_count--;
    buffer_fini(&client->input);
    buffer_fini(&client->pending);
    buffer_fini(&client->text);
    arena_fini(&client->scratch);
    mem_free(MEM_CONTROL, client);
}

/* ---- Frames out ---- */

void answer_flush(struct control_client *client)
{
    if (!client->is_frame_open) {
        return;
    }
    size_t body = client->pending.size - client->frame_at - FRAME_LENGTH_BYTES;
    ASSERT(body <= UINT32_MAX);
    store_be32(client->pending.data + client->frame_at, (uint32_t)body);
    client->is_frame_open = false;
}

void answer_put(struct control_client *client, Control__Answer *part)
{
    if (!client->is_frame_open) {
        client->frame_at = client->pending.size;
        client->is_frame_open = true;
        buffer_reserve(&client->pending, FRAME_LENGTH_BYTES);
        client->pending.size += FRAME_LENGTH_BYTES;
        part->id = client->request_id;
    }
    /* Encoded messages joined end to end are one message: repeated fields add up. */
    size_t size = control__answer__get_packed_size(part);
    uint8_t *at = buffer_reserve(&client->pending, size);
    client->pending.size += control__answer__pack(part, at);
    if (client->pending.size - client->frame_at >= ANSWER_FRAME_BYTES) {
        answer_flush(client);
    }
}

size_t answer_pending(const struct control_client *client)
{
    return client->pending.size - client->pending_at;
}

void answer_finish(struct control_client *client, Control__Status__Code code, uint32_t count,
                   const char *format, ...)
{
    char text[STATUS_TEXT_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Control__Status status = CONTROL__STATUS__INIT;
    status.code = code;
    status.count = count;
    status.message = text;
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.status = &status;
    answer_put(client, &part);
    answer_flush(client);
    client->step = NULL;
}

void answer_no_neighbor(struct control_client *client, const struct ip_addr *peer)
{
    char text[IP_TEXT_BYTES];
    answer_finish(client, CONTROL__STATUS__CODE__NOT_FOUND, 0,
                  "no neighbor %s; \"show bgp summary\" lists those there are",
                  ip_format(peer, text));
}

/* ---- Requests in ---- */

static void request_hello(struct control_client *client, const Control__Hello *hello)
{
    if (hello->version != CONTROL_VERSION) {
        answer_finish(client, CONTROL__STATUS__CODE__UNSUPPORTED, 0,
                      "this daemon (%s) speaks version %u of the control protocol, the client %u",
                      SEALANE_VERSION, CONTROL_VERSION, hello->version);
        client->is_broken = true;
        return;
    }
    struct snapshot_global global;
    snapshot_global(client->server->core, &global);
    Control__Welcome welcome = CONTROL__WELCOME__INIT;
    welcome.version = CONTROL_VERSION;
    welcome.daemon_version = value_text(SEALANE_VERSION);
    welcome.hostname = value_text(global.hostname);
    welcome.is_admin = client->is_admin;
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.welcome = &welcome;
    answer_put(client, &part);
    answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
    client->is_greeted = true;
}

static void request_dispatch(struct control_client *client, struct mono_time now,
                             const Control__Request *request)
{
    client->request_id = request->id;
    if (request->kind_case == CONTROL__REQUEST__KIND_HELLO) {
        request_hello(client, request->hello);
        return;
    }
    if (!client->is_greeted) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "a client begins with Hello");
        client->is_broken = true;
        return;
    }
    switch (request->kind_case) {
    case CONTROL__REQUEST__KIND_GLOBAL:
        request_global(client);
        return;
    case CONTROL__REQUEST__KIND_NEIGHBORS:
        request_neighbors(client, request->neighbors);
        return;
    case CONTROL__REQUEST__KIND_TABLE:
        request_table(client, request->table);
        return;
    case CONTROL__REQUEST__KIND_IP_ROUTES:
        request_ip_routes(client, request->ip_routes);
        return;
    case CONTROL__REQUEST__KIND_TUNNELS:
        request_tunnels(client, request->tunnels);
        return;
    case CONTROL__REQUEST__KIND_PROTECTION:
        request_protection(client, request->protection);
        return;
    case CONTROL__REQUEST__KIND_CONFIG:
        request_config(client, request->config);
        return;
    case CONTROL__REQUEST__KIND_MEMORY:
        request_memory(client);
        return;
    case CONTROL__REQUEST__KIND_CLEAR:
        request_clear(client, now, request->clear);
        return;
    case CONTROL__REQUEST__KIND_RELOAD:
        request_reload(client);
        return;
    case CONTROL__REQUEST__KIND_FIB_AUDIT:
        request_fib_audit(client);
        return;
    case CONTROL__REQUEST__KIND_VERIFY:
        request_verify(client, request->verify);
        return;
    case CONTROL__REQUEST__KIND_BFD:
        request_bfd(client, request->bfd);
        return;
    case CONTROL__REQUEST__KIND_FAILOVERS:
        request_failovers(client);
        return;
    default:
        answer_finish(client, CONTROL__STATUS__CODE__UNSUPPORTED, 0,
                      "this daemon (%s) does not know the request", SEALANE_VERSION);
    }
}

static enum status client_break(struct control_client *client, const char *why)
{
    client->request_id = 0;
    answer_flush(client);
    answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "%s", why);
    client->is_broken = true;
    return STATUS_INVALID;
}

/* Handles whole frames while no answer is under way. */
static enum status client_consume(struct control_client *client, struct mono_time now)
{
    size_t at = 0;
    enum status status = STATUS_OK;
    while (client->step == NULL && !client->is_broken) {
        size_t left = client->input.size - at;
        if (left < FRAME_LENGTH_BYTES) {
            break;
        }
        uint32_t size = load_be32(client->input.data + at);
        if (size > CONTROL_REQUEST_BYTES_MAX) {
            status = client_break(client, "request frame too long");
            break;
        }
        if (left - FRAME_LENGTH_BYTES < size) {
            break;
        }
        arena_reset(&client->scratch);
        struct frame_allocator allocator;
        frame_allocator_init(&allocator, &client->scratch, UNPACK_BYTES_MAX);
        const Control__Request *request = control__request__unpack(
            &allocator.base, size, client->input.data + at + FRAME_LENGTH_BYTES);
        if (request == NULL) {
            status = client_break(client, "request frame does not decode");
            break;
        }
        client->now = now;
        request_dispatch(client, now, request);
        answer_flush(client); /* only whole frames may be handed out */
        at += FRAME_LENGTH_BYTES + size;
        if (answer_pending(client) >= ANSWER_FRAME_BYTES) {
            break; /* the rest waits until this has been taken */
        }
    }
    buffer_drop(&client->input, at);
    return client->is_broken && status == STATUS_OK ? STATUS_INVALID : status;
}

enum status control_client_input(struct control_client *client, struct mono_time now,
                                 struct byte_view bytes)
{
    if (client->is_broken) {
        return STATUS_INVALID;
    }
    if (bytes.size > CONTROL_BACKLOG_BYTES_MAX - client->input.size) {
        client->step = NULL;
        return client_break(client, "too many requests ahead of their answers");
    }
    buffer_append(&client->input, bytes.data, bytes.size);
    return answer_pending(client) >= ANSWER_FRAME_BYTES ? STATUS_OK : client_consume(client, now);
}

void control_client_output(struct control_client *client, struct mono_time now, struct buffer *out,
                           size_t room)
{
    if (answer_pending(client) == 0) {
        client->pending.size = 0;
        client->pending_at = 0;
        if (client->step != NULL) {
            client->now = now;
            client->step(client, now);
            answer_flush(client);
        }
        if (client->step == NULL && !client->is_broken) {
            /* A broken client shows at its next octet; the error frame goes out first. */
            enum status status = client_consume(client, now);
            (void)status;
        }
    }
    ASSERT(!client->is_frame_open);
    size_t size = answer_pending(client);
    size = size < room ? size : room;
    buffer_append(out, client->pending.data + client->pending_at, size);
    client->pending_at += size;
}

bool control_client_wants_output(const struct control_client *client)
{
    return answer_pending(client) != 0 || client->step != NULL;
}
