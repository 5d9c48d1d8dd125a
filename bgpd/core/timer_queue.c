/* A binary heap of deadlines. Equal deadlines come out in an order that depends on the calls made
 * alone, so that a run can be repeated. */
#include "bgpd/core/timer_queue.h"

#include <stddef.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

void timer_queue_init(struct timer_queue *queue)
{
    *queue = (struct timer_queue){0};
}

void timer_queue_fini(struct timer_queue *queue)
{
    ASSERT(queue->count == 0);
    mem_free(MEM_MISC, queue->heap);
    *queue = (struct timer_queue){0};
}

static void place(struct timer_queue *queue, uint32_t index, struct timer *timer)
{
    queue->heap[index - 1] = timer;
    timer->heap_index = index;
}

static bool comes_before(const struct timer *a, const struct timer *b)
{
    return mono_before(a->deadline, b->deadline);
}

static void sift_up(struct timer_queue *queue, uint32_t index, struct timer *timer)
{
    while (index > 1 && comes_before(timer, queue->heap[index / 2 - 1])) {
        place(queue, index, queue->heap[index / 2 - 1]);
        index /= 2;
    }
    place(queue, index, timer);
}

static void sift_down(struct timer_queue *queue, uint32_t index, struct timer *timer)
{
    for (;;) {
        uint32_t child = index * 2;
        if (child > queue->count) {
            break;
        }
        if (child < queue->count && comes_before(queue->heap[child], queue->heap[child - 1])) {
            child++;
        }
        if (!comes_before(queue->heap[child - 1], timer)) {
            break;
        }
        place(queue, index, queue->heap[child - 1]);
        index = child;
    }
    place(queue, index, timer);
}

void timer_start(struct timer_queue *queue, struct timer *timer, struct mono_time deadline)
{
    ASSERT(timer->expired != NULL);
    timer_stop(queue, timer);
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 32 : queue->capacity * 2;
        queue->heap = mem_realloc(MEM_MISC, queue->heap, queue->capacity * sizeof(struct timer *));
    }
    timer->deadline = deadline;
    queue->count++;
    sift_up(queue, queue->count, timer);
}

void timer_stop(struct timer_queue *queue, struct timer *timer)
{
    uint32_t index = timer->heap_index;
    if (index == 0) {
        return;
    }
    ASSERT(index <= queue->count && queue->heap[index - 1] == timer);
    struct timer *last = queue->heap[--queue->count];
    timer->heap_index = 0;
    if (last == timer) {
        return;
    }
    if (index > 1 && comes_before(last, queue->heap[index / 2 - 1])) {
        sift_up(queue, index, last);
    } else {
        sift_down(queue, index, last);
    }
}

struct mono_time timer_queue_deadline(const struct timer_queue *queue)
{
    return queue->count == 0 ? MONO_NEVER : queue->heap[0]->deadline;
}

struct timer *timer_queue_expire(struct timer_queue *queue, struct mono_time now)
{
    if (queue->count == 0 || !mono_reached(queue->heap[0]->deadline, now)) {
        return NULL;
    }
    struct timer *timer = queue->heap[0];
    timer_stop(queue, timer);
    return timer;
}
