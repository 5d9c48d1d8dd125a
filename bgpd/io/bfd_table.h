/* All BFD sessions of the process with their sockets: what one turn of the BFD thread does. Owned
 * by that thread; nothing here locks. */
#ifndef BGPD_IO_BFD_TABLE_H
#define BGPD_IO_BFD_TABLE_H

#include <poll.h>

#include "bgpd/core/bfd.h"
#include "bgpd/core/core.h"

#define BFD_SESSIONS_MAX 1024u /* a power of two: the low bits of a discriminator are the place */
#define BFD_LISTENERS    4u    /* two families, two hop kinds */

/* News for the core, or trouble for the log. */
struct bfd_report {
    bool is_trouble;
    struct bfd_fact fact;
    struct mono_time at; /* of the verdict */
    char trouble[192];
};

struct bfd_table;

/* report is called from within the other functions. memory_path: the file (see bfd_memory.h) from
 * which sessions of a process before are gone on with, and that follows those of this one; NULL for
 * none. */
struct bfd_table *bfd_table_new(uint64_t seed, const char *memory_path,
                                void (*report)(void *context, const struct bfd_report *report),
                                void *context);

/* Tells every far end AdminDown first: that we leave is no failure of the path. keeps_sessions:
 * those that another process can go on with end without a word, and their memory stays. */
void bfd_table_free(struct bfd_table *table, bool keeps_sessions);

/* Adds, changes and removes sessions. What is removed and added again in one call keeps its state
 * and takes the new intervals by a Poll Sequence. */
void bfd_table_apply(struct bfd_table *table, const struct bfd_session_action *actions,
                     size_t count, struct mono_time now);

/* The sockets to wait for; returns how many, at most BFD_LISTENERS. */
size_t bfd_table_poll_set(const struct bfd_table *table, struct pollfd *out);

/* Receives (a bounded number), detects, sends. due is the deadline that was waited for. */
void bfd_table_turn(struct bfd_table *table, struct mono_time due, struct mono_time now);

struct mono_time bfd_table_deadline(const struct bfd_table *table);

/* Copies from the place *next on, and moves it behind the last; 0 when there are no more. */
size_t bfd_table_read(const struct bfd_table *table, uint32_t *next,
                      struct bfd_session_view *views_out, size_t max);

/* Packets discarded before a session was found, by enum bfd_fault. */
const uint64_t *bfd_table_discarded(const struct bfd_table *table);

/* True when both are the same session, whatever their parameters. */
bool bfd_same_session(const struct bfd_session_action *a, const struct bfd_session_action *b);

#endif
