/* A growable run of octets owned by one holder. */
#ifndef PROTO_BASE_BUFFER_H
#define PROTO_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/cursor.h"
#include "proto/base/mem.h"
#include "proto/base/status.h"

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    enum mem_kind kind;
};

void buffer_init(struct buffer *buffer, enum mem_kind kind);
void buffer_fini(struct buffer *buffer);

/* Room for size more octets; returns where they go. buffer->size is the caller's to raise. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forgets the first size octets. */
void buffer_drop(struct buffer *buffer, size_t size);

/* The content as text: adds a terminating zero that is not counted in size. */
const char *buffer_text(struct buffer *buffer);

static inline struct byte_view buffer_view(const struct buffer *buffer)
{
    return (struct byte_view){buffer->data, buffer->size};
}

#endif
