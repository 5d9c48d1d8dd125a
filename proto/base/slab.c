#include "proto/base/slab.h"

#include <string.h>

#include "proto/base/assert.h"

void slab_init(struct slab *slab, enum mem_kind kind, uint32_t object_bytes)
{
    ASSERT(object_bytes >= sizeof(uint32_t));
    *slab = (struct slab){.kind = kind, .object_bytes = object_bytes, .next_unused = 1};
}

void slab_fini(struct slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++) {
        mem_free(slab->kind, slab->chunks[i]);
    }
    mem_free(slab->kind, slab->chunks);
    slab_init(slab, slab->kind, slab->object_bytes);
}

static void add_chunk(struct slab *slab)
{
    if (slab->chunk_count == slab->chunk_capacity) {
        slab->chunk_capacity = slab->chunk_capacity == 0 ? 8 : slab->chunk_capacity * 2;
        slab->chunks =
            mem_realloc(slab->kind, slab->chunks, slab->chunk_capacity * sizeof *slab->chunks);
    }
    slab->chunks[slab->chunk_count++] =
        mem_alloc(slab->kind, (size_t)slab->object_bytes << SLAB_CHUNK_BITS);
}

uint32_t slab_take(struct slab *slab)
{
    uint32_t number = slab->free_head;
    if (number != 0) {
        memcpy(&slab->free_head, slab_at(slab, number), sizeof slab->free_head);
        memset(slab_at(slab, number), 0, slab->object_bytes); /* a new chunk is zeroed already */
    } else {
        ASSERT(slab->next_unused < UINT32_MAX);
        number = slab->next_unused++;
        if (number >> SLAB_CHUNK_BITS >= slab->chunk_count) {
            add_chunk(slab);
        }
    }
    slab->live_count++;
    return number;
}

void slab_give(struct slab *slab, uint32_t number)
{
    ASSERT(number != 0 && number < slab->next_unused);
    ASSERT(slab->live_count > 0);
    memcpy(slab_at(slab, number), &slab->free_head, sizeof slab->free_head);
    slab->free_head = number;
    slab->live_count--;
}
