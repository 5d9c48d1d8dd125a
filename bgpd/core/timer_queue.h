/* Deadlines of the core on a heap. A timer is embedded in its owner and knows its place. */
#ifndef BGPD_CORE_TIMER_QUEUE_H
#define BGPD_CORE_TIMER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/mono.h"

struct core;
struct timer;

struct timer {
    struct mono_time deadline;
    uint32_t heap_index; /* 1-based; 0 when not armed */
    void (*expired)(struct core *core,
                    struct timer *timer); /* called once per expiry, with the timer disarmed */
};

struct timer_queue {
    struct timer **heap;
    uint32_t count;
    uint32_t capacity;
};

void timer_queue_init(struct timer_queue *queue);
void timer_queue_fini(struct timer_queue *queue);

/* Arms or re-arms. O(log n). */
void timer_start(struct timer_queue *queue, struct timer *timer, struct mono_time deadline);
void timer_stop(struct timer_queue *queue, struct timer *timer);

static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->heap_index != 0;
}

/* MONO_NEVER when nothing is armed. */
struct mono_time timer_queue_deadline(const struct timer_queue *queue);

/* Takes one timer whose deadline has been reached, disarmed; NULL when there is none. */
struct timer *timer_queue_expire(struct timer_queue *queue, struct mono_time now);

#endif
