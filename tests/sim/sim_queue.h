/* First in, first out, of anything of one size. */
#ifndef TESTS_SIM_SIM_QUEUE_H
#define TESTS_SIM_SIM_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

struct sim_queue {
    uint8_t *items;
    size_t item_bytes;
    uint32_t first;
    uint32_t count;
    uint32_t capacity;
};

static inline void sim_queue_init(struct sim_queue *queue, size_t item_bytes)
{
    *queue = (struct sim_queue){.item_bytes = item_bytes};
}

static inline void sim_queue_fini(struct sim_queue *queue)
{
    mem_free(MEM_MISC, queue->items);
}

static inline void *sim_queue_at(const struct sim_queue *queue, uint32_t at)
{
    return queue->items + (queue->first + at) * queue->item_bytes;
}

static inline void sim_queue_put(struct sim_queue *queue, const void *item)
{
    if (queue->first != 0 && queue->first + queue->count == queue->capacity) {
        memmove(queue->items, queue->items + queue->first * queue->item_bytes,
                queue->count * queue->item_bytes);
        queue->first = 0;
    }
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 32 : queue->capacity * 2;
        queue->items = mem_realloc(MEM_MISC, queue->items, queue->capacity * queue->item_bytes);
    }
    memcpy(sim_queue_at(queue, queue->count++), item, queue->item_bytes);
}

/* Takes the item at a place out of the middle: those before it move up. */
static inline void sim_queue_take_at(struct sim_queue *queue, uint32_t at, void *item_out)
{
    ASSERT(at < queue->count);
    memcpy(item_out, sim_queue_at(queue, at), queue->item_bytes);
    memmove(sim_queue_at(queue, 1), sim_queue_at(queue, 0), at * queue->item_bytes);
    queue->first++;
    queue->count--;
}

static inline void sim_queue_take(struct sim_queue *queue, void *item_out)
{
    sim_queue_take_at(queue, 0, item_out);
}

static inline void sim_queue_clear(struct sim_queue *queue)
{
    queue->first = 0;
    queue->count = 0;
}

#endif
