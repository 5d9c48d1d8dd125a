#include "proto/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define ARENA_BLOCK_BYTES 8192u

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){NULL, 0};
}

void arena_fini(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        mem_free(MEM_ARENA, arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks != NULL && arena->blocks->next != NULL) {
        struct arena_block *next = arena->blocks->next;
        mem_free(MEM_ARENA, arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    ASSERT(size <= SIZE_MAX / 2);
    size = (size + align - 1) & ~(align - 1);
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - arena->used_bytes < size) {
        size_t block_size = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
        block = mem_alloc(MEM_ARENA, sizeof *block + block_size);
        block->size = block_size;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used_bytes = 0;
    }
    void *out = block->data + arena->used_bytes;
    arena->used_bytes += size;
    return memset(out, 0, size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *out = arena_alloc(arena, size);
    if (size != 0) {
        memcpy(out, data, size);
    }
    return out;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(length >= 0);
    char *out = arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(out, (size_t)length + 1, format, args);
    va_end(args);
    return out;
}
