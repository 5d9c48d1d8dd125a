#include "bgpd/cli/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"

#define PROTOCOL_VERSION   1u
#define FRAME_LENGTH_BYTES 4u
#define FRAME_BYTES_MAX    (8u << 20)
#define UNPACK_BYTES_MAX   (256u << 20)
#define READ_BYTES         65536u
#define ANSWER_TIMEOUT_MS  60000
#define REQUEST_BYTES_MAX  4096u

struct connection {
    int fd;
    uint32_t request_id;
    struct buffer input;
    size_t input_at;
    struct arena scratch;
    size_t unpack_left_bytes;
    char hostname[256];
};

static void *unpack_alloc(void *data, size_t size)
{
    struct connection *connection = data;
    if (size > connection->unpack_left_bytes) {
        return NULL;
    }
    connection->unpack_left_bytes -= size;
    return arena_alloc(&connection->scratch, size);
}

static void unpack_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

const char *connection_hostname(const struct connection *connection)
{
    return connection->hostname;
}

void connection_free(struct connection *connection)
{
    if (connection == NULL) {
        return;
    }
    close(connection->fd);
    buffer_fini(&connection->input);
    arena_fini(&connection->scratch);
    mem_free(MEM_IO, connection);
}

static bool send_all(int fd, const uint8_t *data, size_t size)
{
    while (size != 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool request_send(struct connection *connection, Control__Request *request)
{
    uint8_t frame[FRAME_LENGTH_BYTES + REQUEST_BYTES_MAX];
    request->id = ++connection->request_id;
    size_t size = control__request__get_packed_size(request);
    if (size > REQUEST_BYTES_MAX) {
        return false;
    }
    store_be32(frame, (uint32_t)size);
    control__request__pack(request, frame + FRAME_LENGTH_BYTES);
    return send_all(connection->fd, frame, FRAME_LENGTH_BYTES + size);
}

/* Reads what there is, or waits for it. */
static enum connection_result input_more(struct connection *connection,
                                         const volatile sig_atomic_t *interrupted,
                                         char error_out[CONNECTION_ERROR_BYTES])
{
    for (;;) {
        if (interrupted != NULL && *interrupted != 0) {
            return CONNECTION_STOPPED;
        }
        struct pollfd wait = {.fd = connection->fd, .events = POLLIN};
        int ready = poll(&wait, 1, ANSWER_TIMEOUT_MS);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready == 0) {
            snprintf(error_out, CONNECTION_ERROR_BYTES, "sealaned does not answer");
            return CONNECTION_LOST;
        }
        uint8_t *at = buffer_reserve(&connection->input, READ_BYTES);
        ssize_t got = recv(connection->fd, at, READ_BYTES, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            snprintf(error_out, CONNECTION_ERROR_BYTES, "sealaned closed the connection%s%s",
                     got < 0 ? ": " : "", got < 0 ? strerror(errno) : "");
            return CONNECTION_LOST;
        }
        connection->input.size += (size_t)got;
        return CONNECTION_OK;
    }
}

/* The next whole frame; its octets are borrowed until the next call. */
static enum connection_result frame_next(struct connection *connection,
                                         const volatile sig_atomic_t *interrupted,
                                         struct byte_view *frame_out,
                                         char error_out[CONNECTION_ERROR_BYTES])
{
    for (;;) {
        const uint8_t *at = connection->input.data + connection->input_at;
        size_t left = connection->input.size - connection->input_at;
        if (left >= FRAME_LENGTH_BYTES) {
            uint32_t size = load_be32(at);
            if (size > FRAME_BYTES_MAX) {
                snprintf(error_out, CONNECTION_ERROR_BYTES, "sealaned sent a frame of %u octets",
                         size);
                return CONNECTION_LOST;
            }
            if (left - FRAME_LENGTH_BYTES >= size) {
                *frame_out = (struct byte_view){at + FRAME_LENGTH_BYTES, size};
                connection->input_at += FRAME_LENGTH_BYTES + size;
                return CONNECTION_OK;
            }
        }
        buffer_drop(&connection->input, connection->input_at);
        connection->input_at = 0;
        enum connection_result result = input_more(connection, interrupted, error_out);
        if (result != CONNECTION_OK) {
            return result;
        }
    }
}

static void status_copy(const Control__Status *status, struct connection_status *out)
{
    out->code = status->code;
    out->count = status->count;
    snprintf(out->message, sizeof out->message, "%s", status->message);
}

enum connection_result
connection_ask(struct connection *connection, Control__Request *request,
               bool (*on_answer)(void *context, const Control__Answer *answer), void *context,
               const volatile sig_atomic_t *interrupted, struct connection_status *status_out,
               char error_out[CONNECTION_ERROR_BYTES])
{
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, connection};
    if (!request_send(connection, request)) {
        snprintf(error_out, CONNECTION_ERROR_BYTES, "sealaned closed the connection");
        return CONNECTION_LOST;
    }
    for (;;) {
        struct byte_view frame;
        enum connection_result result = frame_next(connection, interrupted, &frame, error_out);
        if (result != CONNECTION_OK) {
            return result;
        }
        arena_reset(&connection->scratch);
        connection->unpack_left_bytes = UNPACK_BYTES_MAX;
        const Control__Answer *answer = control__answer__unpack(&allocator, frame.size, frame.data);
        /* id 0 is the daemon's word about a frame it could not read. */
        if (answer == NULL || (answer->id != request->id && answer->id != 0)) {
            snprintf(error_out, CONNECTION_ERROR_BYTES, "sealaned sent an answer nobody asked for");
            return CONNECTION_LOST;
        }
        if (!on_answer(context, answer)) {
            return CONNECTION_STOPPED;
        }
        if (answer->status != NULL) {
            status_copy(answer->status, status_out);
            return CONNECTION_OK;
        }
    }
}

/* ---- Opening ---- */

static bool on_welcome(void *context, const Control__Answer *answer)
{
    struct connection *connection = context;
    if (answer->welcome != NULL) {
        snprintf(connection->hostname, sizeof connection->hostname, "%s",
                 answer->welcome->hostname);
    }
    return true;
}

struct connection *connection_new_fd(int fd, char error_out[CONNECTION_ERROR_BYTES])
{
    struct connection *connection = mem_alloc(MEM_IO, sizeof *connection);
    connection->fd = fd;
    buffer_init(&connection->input, MEM_IO);
    arena_init(&connection->scratch);
    Control__Hello hello = CONTROL__HELLO__INIT;
    static char program[] = "sealane " SEALANE_VERSION;
    hello.version = PROTOCOL_VERSION;
    hello.program = program;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_HELLO;
    request.hello = &hello;
    struct connection_status status;
    enum connection_result result =
        connection_ask(connection, &request, on_welcome, connection, NULL, &status, error_out);
    if (result == CONNECTION_OK && status.code != CONTROL__STATUS__CODE__OK) {
        snprintf(error_out, CONNECTION_ERROR_BYTES, "%s", status.message);
    }
    if (result != CONNECTION_OK || status.code != CONTROL__STATUS__CODE__OK) {
        connection_free(connection);
        return NULL;
    }
    return connection;
}

struct connection *connection_new(const char *path, char error_out[CONNECTION_ERROR_BYTES])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof addr.sun_path) {
        snprintf(error_out, CONNECTION_ERROR_BYTES, "%.200s...: the path is too long", path);
        return NULL;
    }
    memcpy(addr.sun_path, path, size + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof addr) != 0) {
        snprintf(error_out, CONNECTION_ERROR_BYTES, "cannot reach sealaned at %s: %s", path,
                 strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    return connection_new_fd(fd, error_out);
}
