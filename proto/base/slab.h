/* Equal-sized objects by 32-bit number: dense, reused, never moved. Number 0 is "none". */
#ifndef PROTO_BASE_SLAB_H
#define PROTO_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/mem.h"

#define SLAB_CHUNK_BITS 12u

struct slab {
    uint8_t **chunks;
    uint32_t chunk_count;
    uint32_t chunk_capacity;
    uint32_t object_bytes;
    uint32_t free_head; /* 0 when none is free */
    uint32_t next_unused;
    uint32_t live_count;
    enum mem_kind kind;
};

/* object_bytes at least 4; objects are aligned to 8 when object_bytes is a multiple of 8. */
void slab_init(struct slab *slab, enum mem_kind kind, uint32_t object_bytes);
void slab_fini(struct slab *slab);

/* A zeroed object's number, never 0. O(1) but for a new chunk. */
uint32_t slab_take(struct slab *slab);
void slab_give(struct slab *slab, uint32_t number);

/* The object; number must be live. Valid until slab_give. */
static inline void *slab_at(const struct slab *slab, uint32_t number)
{
    return slab->chunks[number >> SLAB_CHUNK_BITS] +
           (size_t)(number & ((1u << SLAB_CHUNK_BITS) - 1)) * slab->object_bytes;
}

#endif
