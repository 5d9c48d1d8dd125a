/* A network namespace of the test's own, so that nothing of the host is touched. */
#ifndef TESTS_UNIT_IO_NAMESPACE_H
#define TESTS_UNIT_IO_NAMESPACE_H

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Moves the process into a fresh namespace with lo up; false without the privilege for it. */
static inline bool namespace_enter(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        return false;
    }
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_up;
}

#endif
