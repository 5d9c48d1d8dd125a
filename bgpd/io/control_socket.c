#include "bgpd/io/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bgpd/io/clock.h"
#include "bgpd/io/files.h"
#include "proto/base/list.h"

#define CLIENTS_MAX      64u
#define OUTPUT_BYTES_MAX (256u << 10)
#define INPUT_BYTES      16384u
#define STALLED_CLIENT_S 30.
#define OUTPUTS_PER_TURN 2

struct control_client {
    struct list_node node;
    struct control_socket *server;
    int fd;
    void *session;  /* of the hooks */
    bool is_ending; /* no more input; goes once the output is written */
    struct buffer unsent;
    struct ev_io readable;
    struct ev_io writable;
    struct ev_timer stalled;
};

struct control_socket {
    struct ev_loop *loop;
    struct control_socket_hooks hooks;
    struct log_sink *log;
    char *path;
    int fd;
    struct ev_io readable;
    struct list_node clients;
    uint32_t client_count;
};

static void client_free(struct control_client *client)
{
    struct control_socket *server = client->server;
    ev_io_stop(server->loop, &client->readable);
    ev_io_stop(server->loop, &client->writable);
    ev_timer_stop(server->loop, &client->stalled);
    server->hooks.client_free(client->session);
    list_remove(&client->node);
    server->client_count--;
    close(client->fd);
    buffer_fini(&client->unsent);
    mem_free(MEM_IO, client);
}

/* Asks the session for more octets while there is room, and writes. Frees the client when it is
 * over or broken. */
static void client_pump(struct control_client *client)
{
    struct control_socket *server = client->server;
    for (int turn = 0; turn < OUTPUTS_PER_TURN; turn++) {
        if (client->unsent.size < OUTPUT_BYTES_MAX &&
            server->hooks.client_wants_output(client->session)) {
            server->hooks.client_output(client->session, clock_mono_now(), &client->unsent,
                                        OUTPUT_BYTES_MAX - client->unsent.size);
        }
        if (client->unsent.size == 0) {
            break;
        }
        ssize_t sent =
            send(client->fd, client->unsent.data, client->unsent.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            break;
        }
        if (sent < 0) {
            client_free(client);
            return;
        }
        buffer_drop(&client->unsent, (size_t)sent);
        ev_timer_again(server->loop, &client->stalled);
    }
    bool has_more = client->unsent.size != 0 || server->hooks.client_wants_output(client->session);
    if (has_more) {
        ev_io_start(server->loop, &client->writable);
        if (!ev_is_active(&client->stalled)) {
            ev_timer_again(server->loop, &client->stalled);
        }
        return;
    }
    ev_io_stop(server->loop, &client->writable);
    ev_timer_stop(server->loop, &client->stalled);
    if (client->is_ending) {
        client_free(client);
    }
}

static void on_client_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    client_pump(watcher->data);
}

static void on_client_stalled(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct control_client *client = watcher->data;
    log_sink_printf(client->server->log, LOG_GENERAL, LOG_SEVERITY_NOTICE,
                    "control client did not read its answer for %.0f s: disconnected",
                    STALLED_CLIENT_S);
    client_free(client);
}

static void on_client_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)events;
    struct control_client *client = watcher->data;
    struct control_socket *server = client->server;
    uint8_t input[INPUT_BYTES];
    if (client->unsent.size >= OUTPUT_BYTES_MAX) {
        return; /* It asks faster than it reads; the stall timer is running. */
    }
    ssize_t got = recv(client->fd, input, sizeof input, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (got < 0) {
        client_free(client);
        return;
    }
    if (got == 0 ||
        !server->hooks.client_input(client->session, clock_mono_now(), input, (size_t)got)) {
        client->is_ending = true;
        ev_io_stop(loop, &client->readable);
    }
    client_pump(client);
}

static void client_start(struct control_socket *server, int fd, const struct ucred *who)
{
    bool is_admin = who->uid == 0 || who->uid == geteuid();
    void *session = server->hooks.client_new(server->hooks.context, who->uid, who->gid, is_admin);
    if (session == NULL) {
        close(fd);
        return;
    }
    struct control_client *client = mem_alloc(MEM_IO, sizeof *client);
    client->server = server;
    client->fd = fd;
    client->session = session;
    buffer_init(&client->unsent, MEM_IO);
    ev_io_init(&client->readable, on_client_readable, fd, EV_READ);
    ev_io_init(&client->writable, on_client_writable, fd, EV_WRITE);
    ev_timer_init(&client->stalled, on_client_stalled, STALLED_CLIENT_S, STALLED_CLIENT_S);
    client->readable.data = client;
    client->writable.data = client;
    client->stalled.data = client;
    list_append(&server->clients, &client->node);
    server->client_count++;
    ev_io_start(server->loop, &client->readable);
}

static void on_listener_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct control_socket *server = watcher->data;
    struct ucred who;
    socklen_t size = sizeof who;
    int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (server->client_count >= CLIENTS_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
        log_sink_printf(server->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                        "control client refused: %u are connected", server->client_count);
        close(fd);
        return;
    }
    client_start(server, fd, &who);
}

/* Removes a socket that a dead daemon left behind. False when somebody answers on it. */
static bool clear_stale(const char *path, const struct sockaddr_un *addr, char error_out[256])
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return true;
    }
    if (!S_ISSOCK(info.st_mode)) {
        snprintf(error_out, 256, "%s exists and is no socket; remove it or choose another with -s",
                 path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_answered = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (is_answered) {
        snprintf(error_out, 256,
                 "another sealaned answers on %s; stop it or choose another with -s", path);
        return false;
    }
    unlink(path);
    return true;
}

static int listen_on(const char *path, char error_out[256])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path) {
        snprintf(error_out, 256, "control socket path is longer than %zu octets",
                 sizeof addr.sun_path - 1);
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path));
    file_make_folder_of(path);
    if (!clear_stale(path, &addr, error_out)) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old_mask = umask(0117);
    bool is_ready =
        fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(fd, 16) == 0;
    int error = errno;
    umask(old_mask);
    if (!is_ready) {
        snprintf(error_out, 256, "cannot open control socket %s: %s", path, strerror(error));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

struct control_socket *control_socket_new(struct ev_loop *loop, const char *path,
                                          const struct control_socket_hooks *hooks,
                                          struct log_sink *log, char error_out[256])
{
    int fd = listen_on(path, error_out);
    if (fd < 0) {
        return NULL;
    }
    struct control_socket *server = mem_alloc(MEM_IO, sizeof *server);
    server->loop = loop;
    server->hooks = *hooks;
    server->log = log;
    server->path = mem_strdup(MEM_IO, path);
    server->fd = fd;
    list_init(&server->clients);
    ev_io_init(&server->readable, on_listener_readable, fd, EV_READ);
    server->readable.data = server;
    ev_io_start(loop, &server->readable);
    return server;
}

void control_socket_free(struct control_socket *server)
{
    if (server == NULL) {
        return;
    }
    LIST_FOREACH(node, &server->clients)
    {
        client_free(CONTAINER_OF(node, struct control_client, node));
    }
    ev_io_stop(server->loop, &server->readable);
    close(server->fd);
    unlink(server->path);
    mem_free(MEM_IO, server->path);
    mem_free(MEM_IO, server);
}
