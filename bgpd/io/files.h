/* Whole files, bounded. */
#ifndef BGPD_IO_FILES_H
#define BGPD_IO_FILES_H

#include <stdbool.h>

#include "proto/base/buffer.h"
#include "proto/base/status.h"

/* Reads all of path into out. On failure error_out says what and why ("cannot read X: Permission
 * denied"); STATUS_LIMIT when the file is larger than bytes_max. */
NODISCARD enum status file_read(const char *path, size_t bytes_max, struct buffer *out,
                                char error_out[256]);

/* Writes text to a small kernel file such as a sysctl. False with errno set on failure. */
bool file_write_small(const char *path, const char *text);

/* Makes the folder that path is in, if it is missing and the one above is there. Whoever opens path
 * reports what went wrong, with the whole name. */
void file_make_folder_of(const char *path);

/* Tells the service manager through NOTIFY_SOCKET ("READY=1"); does nothing when there is none. */
void service_notify(const char *state);

#endif
