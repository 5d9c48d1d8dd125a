/* The thread that keeps BFD's time: sessions go in, verdicts come out. Nothing the loop or the
 * tables do can delay a 50 ms interval here, and no flood of BFD packets delays a keepalive. */
#ifndef BGPD_IO_BFD_THREAD_H
#define BGPD_IO_BFD_THREAD_H

#include "bgpd/io/bfd_table.h"

struct bfd_thread;

/* wake is called from the thread when reports wait. memory_path as for bfd_table_new. NULL with
 * errno when there is no thread. */
struct bfd_thread *bfd_thread_new(void (*wake)(void *context), void *context, uint64_t seed,
                                  const char *memory_path);

/* Ends the thread; far ends and keeps_sessions as for bfd_table_free. */
void bfd_thread_free(struct bfd_thread *thread, bool keeps_sessions);

/* Adds, changes or removes a session. After a removal is put nothing more is reported of it. */
void bfd_thread_put(struct bfd_thread *thread, const struct bfd_session_action *action);

/* Starts what was put; once per turn of the loop, so that a changed session is changed and not
 * made anew. */
void bfd_thread_kick(struct bfd_thread *thread);

/* Takes up to max reports, oldest first; returns how many. */
size_t bfd_thread_take_reports(struct bfd_thread *thread, struct bfd_report *reports_out,
                               size_t max);

/* As bfd_table_read, of the sessions as they are now. */
size_t bfd_thread_read(struct bfd_thread *thread, uint32_t *next,
                       struct bfd_session_view *views_out, size_t max);

void bfd_thread_read_discarded(struct bfd_thread *thread, uint64_t discarded_out[BFD_FAULT_COUNT]);

#endif
