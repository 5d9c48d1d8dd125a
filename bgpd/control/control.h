/* The daemon's side of the control protocol (proto/control.proto): octets of a client in, octets
 * for it out. Knows requests and rows, reads the core through bgpd/core/snapshot.h, formats no text
 * for people. Sockets and credentials are bgpd/io's business. A client costs one request, one
 * cursor and one frame, however long its answer is and however slowly it reads. */
#ifndef BGPD_CONTROL_CONTROL_H
#define BGPD_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bgpd/core/bfd.h"
#include "bgpd/core/core.h"
#include "bgpd/core/verify.h"
#include "proto/base/buffer.h"

/* A client of another protocol version is told so and closed. */
#define CONTROL_VERSION 1u

/* Largest request frame, length field not counted. */
#define CONTROL_REQUEST_BYTES_MAX 4096u

/* Octets of requests a client may send ahead of their answers. */
#define CONTROL_BACKLOG_BYTES_MAX 65536u

enum control_config_format {
    CONTROL_CONFIG_TEXT,
    CONTROL_CONFIG_JSON,
    CONTROL_CONFIG_XML,
};

/* What only the program around the core can do. Each may be NULL: the request is then refused. */
struct control_hooks {
    void *context;
    /* Appends the running configuration; false when there is none. */
    bool (*print_running_config)(void *context, enum control_config_format format,
                                 bool with_secrets, struct buffer *out);
    /* Loads the configuration file anew; message_out says what happened, in lines. */
    bool (*reload)(void *context, struct buffer *message_out);
    /* Carries out the actions a request has made the core queue. */
    void (*settle)(void *context);
    /* Asks the kernel for the way of a packet; source may be IP_NONE. Failures are in path_out. */
    void (*query_path)(void *context, const struct ip_addr *destination,
                       const struct ip_addr *source, struct kernel_path *path_out);
    /* Copies BFD sessions from the place *next on and moves it behind the last; 0: no more. */
    size_t (*read_bfd)(void *context, uint32_t *next, struct bfd_session_view *views_out,
                       size_t max);
    /* Packets discarded before a session was found, by enum bfd_fault. */
    void (*read_bfd_discarded)(void *context, uint64_t discarded_out[BFD_FAULT_COUNT]);
};

struct control_server;
struct control_client;

/* core and what hooks point to must outlive the server. */
struct control_server *control_server_new(struct core *core, const struct control_hooks *hooks);

/* All clients must be gone (asserted). */
void control_server_free(struct control_server *server);

/* Never NULL. An administrator may clear, reload and see secrets; others may look. */
struct control_client *control_client_new(struct control_server *server, uid_t uid, gid_t gid,
                                          bool is_admin);
void control_client_free(struct control_client *client);

/* Takes what the client sent. Anything but STATUS_OK ends the client: what control_client_output
 * still has (an error frame) is written, then the connection is closed. */
NODISCARD enum status control_client_input(struct control_client *client, struct mono_time now,
                                           struct byte_view bytes);

/* Appends at most room octets of the answer. A call looks at a bounded number of rows and may
 * append nothing although more is to come. */
void control_client_output(struct control_client *client, struct mono_time now, struct buffer *out,
                           size_t room);
bool control_client_wants_output(const struct control_client *client);

#endif
