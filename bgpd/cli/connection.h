/* The shell's end of the control protocol: connects, shakes hands, asks, hands answers on. */
#ifndef BGPD_CLI_CONNECTION_H
#define BGPD_CLI_CONNECTION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/control.pb-c.h"

#define CONNECTION_ERROR_BYTES 1152

struct connection;

enum connection_result {
    CONNECTION_OK,
    CONNECTION_LOST,    /* error_out says how */
    CONNECTION_STOPPED, /* by on_answer or an interrupt: the connection is of no more use */
};

struct connection_status {
    Control__Status__Code code;
    uint32_t count;
    char message[1024];
};

/* NULL with error_out when nobody answers or speaks another version. */
struct connection *connection_new(const char *path, char error_out[CONNECTION_ERROR_BYTES]);

/* Over a connected socket, which it owns from here on. */
struct connection *connection_new_fd(int fd, char error_out[CONNECTION_ERROR_BYTES]);
void connection_free(struct connection *connection);

const char *connection_hostname(const struct connection *connection);

/* Sends request and hands every Answer to on_answer, the one with the status too; false from it
 * stops. interrupted, when not NULL, is looked at whenever a wait is broken by a signal. */
enum connection_result
connection_ask(struct connection *connection, Control__Request *request,
               bool (*on_answer)(void *context, const Control__Answer *answer), void *context,
               const volatile sig_atomic_t *interrupted, struct connection_status *status_out,
               char error_out[CONNECTION_ERROR_BYTES]);

#endif
