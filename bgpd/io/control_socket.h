/* The Unix socket of the control protocol: octets in, octets out, and who is calling. What the
 * octets mean is bgpd/control's business. A client that does not read, or asks too much, costs its
 * own bounded buffer and is then disconnected. */
#ifndef BGPD_IO_CONTROL_SOCKET_H
#define BGPD_IO_CONTROL_SOCKET_H

#include <ev.h>
#include <sys/types.h>

#include "bgpd/io/log_sink.h"
#include "proto/base/buffer.h"
#include "proto/base/mono.h"

struct control_socket;

struct control_socket_hooks {
    void *context;
    /* NULL refuses the client. */
    void *(*client_new)(void *context, uid_t uid, gid_t gid, bool is_admin);
    /* False: the client is closed once its output is written. */
    bool (*client_input)(void *client, struct mono_time now, const void *data, size_t size);
    /* Appends at most about room octets; called again as the socket takes them. */
    void (*client_output)(void *client, struct mono_time now, struct buffer *out, size_t room);
    bool (*client_wants_output)(const void *client);
    void (*client_free)(void *client);
};

/* Creates the folder's last component and the socket (mode 0660). A socket nobody answers on is
 * replaced; one that answers, or anything that is no socket, is refused. NULL with error_out on
 * failure. */
struct control_socket *control_socket_new(struct ev_loop *loop, const char *path,
                                          const struct control_socket_hooks *hooks,
                                          struct log_sink *log, char error_out[256]);
void control_socket_free(struct control_socket *socket);

#endif
