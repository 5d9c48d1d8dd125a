/* A growing pool freed as one: scratch of one message, one configuration, one request. */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* of the newest block */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Forgets everything but keeps one block, so that a reused arena does not allocate. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type, valid until reset or fini. */
void *arena_alloc(struct arena *arena, size_t size);

void *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
