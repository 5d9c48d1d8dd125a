/* One question to the kernel: by which way would this packet leave, and which XFRM policies and
 * associations would take it? Read only; asks and waits for the answers, which the kernel gives
 * within the system call. Bounded however many policies there are. */
#ifndef BGPD_IO_KERNEL_QUERY_H
#define BGPD_IO_KERNEL_QUERY_H

#include "bgpd/core/verify.h"

/* source IP_NONE: as this router would send it itself. Another source that is not our own address
 * means a packet that comes in where the way back to the source leads. Failures are in path_out. */
void kernel_query_path(const struct ip_addr *destination, const struct ip_addr *source,
                       struct kernel_path *path_out);

#endif
