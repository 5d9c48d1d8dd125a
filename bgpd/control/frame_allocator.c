#include "bgpd/control/frame_allocator.h"

static void *frame_alloc(void *data, size_t size)
{
    struct frame_allocator *allocator = data;
    if (size > allocator->left_bytes) {
        return NULL; /* protobuf-c gives the message up */
    }
    allocator->left_bytes -= size;
    return arena_alloc(allocator->arena, size);
}

static void frame_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

void frame_allocator_init(struct frame_allocator *allocator, struct arena *arena,
                          size_t ceiling_bytes)
{
    *allocator = (struct frame_allocator){
        .base = {.alloc = frame_alloc, .free = frame_free, .allocator_data = allocator},
        .arena = arena,
        .left_bytes = ceiling_bytes,
    };
}
