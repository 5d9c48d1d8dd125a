#include "bgpd/io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FOLDER_MODE 0750

enum status file_read(const char *path, size_t bytes_max, struct buffer *out, char error_out[256])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        snprintf(error_out, 256, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return STATUS_NOT_FOUND;
    }
    if (S_ISDIR(info.st_mode)) {
        snprintf(error_out, 256, "cannot read %s: it is a directory", path);
        close(fd);
        return STATUS_INVALID;
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        ssize_t got = read(fd, buffer_reserve(out, 65536), 65536);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            snprintf(error_out, 256, "cannot read %s: %s", path, strerror(errno));
            status = STATUS_INVALID;
        } else if (got > 0) {
            out->size += (size_t)got;
            if (out->size > bytes_max) {
                snprintf(error_out, 256, "%s is larger than %zu octets", path, bytes_max);
                status = STATUS_LIMIT;
            }
        }
    }
    close(fd);
    return status;
}

bool file_write_small(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t size = (ssize_t)strlen(text);
    bool is_written = write(fd, text, (size_t)size) == size;
    int error = errno;
    close(fd);
    errno = error;
    return is_written;
}

void file_make_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof folder) {
        return;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    (void)mkdir(folder, FOLDER_MODE);
}

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (path == NULL || path[0] == 0 || strlen(path) >= sizeof addr.sun_path) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    memcpy(addr.sun_path, path, strlen(path));
    if (addr.sun_path[0] == '@') {
        addr.sun_path[0] = 0;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    /* Nobody listening is no fault of ours: the service manager then times out by itself. */
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr, size);
    (void)sent;
    close(fd);
}
