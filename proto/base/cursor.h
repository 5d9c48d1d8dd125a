/* Reading and writing bytes with every access checked. Both fail closed: after the first overrun
 * `failed` stays set, reads give zeros and writes do nothing, so a codec is a list of steps joined
 * by one check at the end. All integers are in network order on the wire. */
#ifndef PROTO_BASE_CURSOR_H
#define PROTO_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Memory of somebody else. data may be NULL only when size is 0. */
struct byte_view {
    const uint8_t *data;
    size_t size;
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline bool byte_view_equal(struct byte_view a, struct byte_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline struct reader reader_of(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    return (struct reader){bytes, size == 0 ? bytes : bytes + size, false};
}

static inline struct reader reader_of_view(struct byte_view view)
{
    return reader_of(view.data, view.size);
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Claims size octets and returns where they start, or NULL (and fails the reader). size 0 may
 * return NULL without failing. */
static inline const uint8_t *reader_bytes(struct reader *reader, size_t size)
{
    if (reader->failed || reader_left(reader) < size) {
        reader->failed = true;
        reader->at = reader->end;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    if (size != 0) {
        reader->at += size;
    }
    return bytes;
}

static inline uint8_t reader_u8(struct reader *reader)
{
    const uint8_t *b = reader_bytes(reader, 1);
    return b == NULL ? 0 : b[0];
}

static inline uint16_t load_be16(const uint8_t *b)
{
    return (uint16_t)((b[0] << 8) | b[1]);
}

static inline uint16_t reader_u16(struct reader *reader)
{
    const uint8_t *b = reader_bytes(reader, 2);
    if (b == NULL) {
        return 0;
    }
    return load_be16(b);
}

static inline uint32_t load_be32(const uint8_t *b)
{
    return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3];
}

static inline void store_be32(uint8_t *b, uint32_t value)
{
    b[0] = (uint8_t)(value >> 24);
    b[1] = (uint8_t)(value >> 16);
    b[2] = (uint8_t)(value >> 8);
    b[3] = (uint8_t)value;
}

static inline void store_be16(uint8_t *b, uint16_t value)
{
    b[0] = (uint8_t)(value >> 8);
    b[1] = (uint8_t)value;
}

static inline uint32_t reader_u32(struct reader *reader)
{
    const uint8_t *b = reader_bytes(reader, 4);
    return b == NULL ? 0 : load_be32(b);
}

static inline uint64_t reader_u64(struct reader *reader)
{
    uint64_t high = reader_u32(reader);
    return (high << 32) | reader_u32(reader);
}

static inline struct byte_view reader_view(struct reader *reader, size_t size)
{
    const uint8_t *bytes = reader_bytes(reader, size);
    return bytes == NULL ? (struct byte_view){NULL, 0} : (struct byte_view){bytes, size};
}

/* A reader over the next size octets; it cannot outrun its parent. */
static inline struct reader reader_sub(struct reader *reader, size_t size)
{
    const uint8_t *bytes = reader_bytes(reader, size);
    struct reader sub = reader_of(bytes, bytes == NULL ? 0 : size);
    sub.failed = reader->failed;
    return sub;
}

static inline struct byte_view reader_rest(struct reader *reader)
{
    return reader_view(reader, reader_left(reader));
}

static inline struct writer writer_of(void *data, size_t size)
{
    uint8_t *bytes = data;
    return (struct writer){bytes, bytes, size == 0 ? bytes : bytes + size, false};
}

static inline size_t writer_size(const struct writer *writer)
{
    return (size_t)(writer->at - writer->start);
}

static inline size_t writer_room(const struct writer *writer)
{
    return (size_t)(writer->end - writer->at);
}

/* Claims size octets for the caller to fill, or NULL (and fails the writer). */
static inline uint8_t *writer_claim(struct writer *writer, size_t size)
{
    if (writer->failed || writer_room(writer) < size) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *bytes = writer->at;
    if (size != 0) {
        writer->at += size;
    }
    return bytes;
}

static inline void writer_u8(struct writer *writer, uint8_t value)
{
    uint8_t *b = writer_claim(writer, 1);
    if (b != NULL) {
        b[0] = value;
    }
}

static inline void writer_u16(struct writer *writer, uint16_t value)
{
    uint8_t *b = writer_claim(writer, 2);
    if (b != NULL) {
        store_be16(b, value);
    }
}

static inline void writer_u32(struct writer *writer, uint32_t value)
{
    uint8_t *b = writer_claim(writer, 4);
    if (b != NULL) {
        store_be32(b, value);
    }
}

static inline void writer_bytes(struct writer *writer, const void *data, size_t size)
{
    uint8_t *b = writer_claim(writer, size);
    if (b != NULL && size != 0) {
        memcpy(b, data, size);
    }
}

#endif
