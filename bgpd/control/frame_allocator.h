/* Memory for unpacking one protobuf message: from an arena, with a ceiling, so that a small hostile
 * frame cannot make the daemon allocate much. Nothing is freed singly. */
#ifndef BGPD_CONTROL_FRAME_ALLOCATOR_H
#define BGPD_CONTROL_FRAME_ALLOCATOR_H

#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"

struct frame_allocator {
    ProtobufCAllocator base; /* hand this to unpack */
    struct arena *arena;
    size_t left_bytes;
};

void frame_allocator_init(struct frame_allocator *allocator, struct arena *arena,
                          size_t ceiling_bytes);

#endif
