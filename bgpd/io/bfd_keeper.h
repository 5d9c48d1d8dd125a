/* A second process that sees the daemon die: it goes on with the BFD sessions of neighbours that
 * keep our routes meanwhile (RFC 4724), until the next daemon comes for them or the restart time is
 * over. Without it a neighbour takes the silence of a daemon that is away for longer than a
 * detection time for a dead line. All of it is help, never a condition: without a keeper sessions
 * end as they always did. */
#ifndef BGPD_IO_BFD_KEEPER_H
#define BGPD_IO_BFD_KEEPER_H

#include "bgpd/core/config_model.h"
#include "bgpd/core/core.h"

struct bfd_keeper;

enum bfd_relief {
    BFD_RELIEF_NONE,    /* nobody keeps sessions there */
    BFD_RELIEF_DONE,    /* the keeper of the process before has left them to us */
    BFD_RELIEF_REFUSED, /* the daemon it watches is alive */
    BFD_RELIEF_SILENCE, /* it is there and does not answer */
};

/* Asks the keeper of an earlier daemon to leave; to be called before a session is started, or the
 * memory read. Waits for two seconds at most. socket_path: as for bfd_keeper_new. */
enum bfd_relief bfd_keeper_relieve(const char *socket_path);

/* Starts the process; the caller must have no threads yet. memory_path: the file of the daemon's
 * sessions (see bfd_memory.h). socket_path: where its successor will find it. log: where to write
 * what happens; copied by the fork. NULL with errno. */
struct bfd_keeper *bfd_keeper_new(const char *memory_path, const char *socket_path,
                                  const struct config_log *log);

/* Tells what the BFD thread is told: a session that came, changed or goes. */
void bfd_keeper_put(struct bfd_keeper *keeper, const struct bfd_session_action *action);

/* False when the process has ended before its time: nobody will go on with anything. */
bool bfd_keeper_is_there(const struct bfd_keeper *keeper);

/* keeps_sessions: the sessions are to be gone on with, as after a crash; else the process ends, and
 * is waited for. NULL is allowed. */
void bfd_keeper_free(struct bfd_keeper *keeper, bool keeps_sessions);

#endif
