/* The loop that drives one core: facts from sockets, kernel and clock in; actions out. */
#ifndef BGPD_IO_LOOP_H
#define BGPD_IO_LOOP_H

#include <ev.h>

#include "bgpd/core/bfd.h"
#include "bgpd/core/core.h"
#include "bgpd/io/bfd_keeper.h"
#include "bgpd/io/log_sink.h"

struct daemon_loop;

struct daemon_options {
    bool is_dry_fib;             /* -n: nothing is written to the kernel, nor kept for it */
    const char *bfd_memory_path; /* see bfd_memory.h; NULL: none */
    struct bfd_keeper *keeper;   /* borrowed; NULL: nobody is told of the BFD sessions */
};

/* NULL with error_out when the kernel interface cannot be had ("... run as root"). */
struct daemon_loop *daemon_loop_new(struct ev_loop *loop, struct log_sink *log,
                                    const struct daemon_options *options, char error_out[256]);

/* The core must have been stopped or never started. True when its BFD sessions are still up, and
 * for the keeper to go on with: after a stop that keeps routes. */
bool daemon_loop_free(struct daemon_loop *daemon);

struct core *daemon_loop_core(const struct daemon_loop *daemon);

/* Hands the core a configuration (ownership moves) and carries out what follows from it. */
void daemon_loop_configure(struct daemon_loop *daemon, struct config *config);

/* Feeds the core from outside the loop's own sources (requests of control clients), then carries
 * out what follows. */
void daemon_loop_feed(struct daemon_loop *daemon, const struct core_event *event);

/* Carries out whatever actions the core has queued. */
void daemon_loop_settle(struct daemon_loop *daemon);

/* Starts the kernel's account; call after the first configuration, so that guards come first. */
void daemon_loop_start(struct daemon_loop *daemon);

/* Begins a stop; the loop ends (ev_break) when the core and the kernel have finished with it. */
void daemon_loop_stop(struct daemon_loop *daemon, bool keep_routes);

/* As bfd_table_read. */
size_t daemon_loop_read_bfd(struct daemon_loop *daemon, uint32_t *next,
                            struct bfd_session_view *views_out, size_t max);

/* As bfd_table_discarded. */
void daemon_loop_read_bfd_discarded(struct daemon_loop *daemon,
                                    uint64_t discarded_out[BFD_FAULT_COUNT]);

/* Text of a failure that must end the process ("cannot listen on TCP port 179 ..."); NULL if none.
 */
const char *daemon_loop_fatal(const struct daemon_loop *daemon);

#endif
