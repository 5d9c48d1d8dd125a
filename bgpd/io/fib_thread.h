/* The thread that feeds the kernel: route and next-hop operations go in, results come out by
 * operation number. A million installs never delay a keepalive, and a failover (is_urgent) goes
 * before everything queued. Operations on the same object keep their order, but that an urgent one
 * makes older ones of the same next hop void. */
#ifndef BGPD_IO_FIB_THREAD_H
#define BGPD_IO_FIB_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/core.h"

struct fib_thread;

/* wake is called from the thread when results wait. is_dry: nothing is written, everything succeeds
 * (sealaned -n). NULL with errno when the netlink socket or the thread cannot be had. */
struct fib_thread *fib_thread_new(void (*wake)(void *context), void *context, bool is_dry);

/* Finishes what is queued, then ends the thread. */
void fib_thread_free(struct fib_thread *thread);

/* The netlink port of the socket: notifications that carry it are echoes of our own doing. */
uint32_t fib_thread_port(const struct fib_thread *thread);
void fib_thread_set_protocol(struct fib_thread *thread, uint8_t protocol);

void fib_thread_put_route(struct fib_thread *thread, const struct fib_route_action *action);
void fib_thread_put_nexthop(struct fib_thread *thread, const struct fib_nexthop_action *action);

/* Starts what was put; once per turn of the loop, so that small changes travel as one batch. */
void fib_thread_kick(struct fib_thread *thread);

/* Takes up to max results; returns how many. */
size_t fib_thread_take_results(struct fib_thread *thread, struct fib_result *results_out,
                               size_t max);

/* Waits until everything put has been answered, at most timeout_ms. True when it has. */
bool fib_thread_drain(struct fib_thread *thread, int timeout_ms);

#endif
