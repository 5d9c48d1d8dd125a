/* What BFD sessions that are up need to outlive the process, in a small text file beside the
 * control socket: a daemon that was killed and starts again goes on with them before any far end
 * misses it. Owned by the BFD thread. */
#ifndef BGPD_IO_BFD_MEMORY_H
#define BGPD_IO_BFD_MEMORY_H

#include "bgpd/core/bfd.h"
#include "bgpd/core/core.h"

struct bfd_remembered {
    struct bfd_session_action key; /* who it is; no parameters */
    struct bfd_memory memory;
};

/* Reads up to max sessions; what is not as bfd_memory_write makes it is left out. 0 for no file. */
size_t bfd_memory_read(const char *path, struct bfd_remembered *sessions_out, size_t max);

/* Replaces the file in one step; removes it for count 0. False with errno. */
bool bfd_memory_write(const char *path, const struct bfd_remembered *sessions, size_t count);

#endif
