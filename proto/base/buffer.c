#include "proto/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"

void buffer_init(struct buffer *buffer, enum mem_kind kind)
{
    *buffer = (struct buffer){NULL, 0, 0, kind};
}

void buffer_fini(struct buffer *buffer)
{
    mem_free(buffer->kind, buffer->data);
    *buffer = (struct buffer){NULL, 0, 0, buffer->kind};
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    ASSERT(size <= SIZE_MAX / 4);
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        buffer->data = mem_realloc(buffer->kind, buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    uint8_t *at = buffer_reserve(buffer, size);
    if (size != 0) {
        memcpy(at, data, size);
        buffer->size += size;
    }
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(length >= 0);
    char *at = (char *)buffer_reserve(buffer, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)length + 1, format, args);
    va_end(args);
    buffer->size += (size_t)length;
}

void buffer_drop(struct buffer *buffer, size_t size)
{
    ASSERT(size <= buffer->size);
    buffer->size -= size;
    if (size != 0 && buffer->size != 0) {
        memmove(buffer->data, buffer->data + size, buffer->size);
    }
}

const char *buffer_text(struct buffer *buffer)
{
    *buffer_reserve(buffer, 1) = 0;
    return (const char *)buffer->data;
}
