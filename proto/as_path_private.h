/* Walking and building canonical AS paths; shared by the files of as_path. */
#ifndef PROTO_AS_PATH_PRIVATE_H
#define PROTO_AS_PATH_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/cursor.h"

#define AS_SEGMENT_COUNT_MAX 255u

struct as_segment {
    uint8_t type; /* enum as_path_segment */
    uint8_t count;
    const uint8_t *asns; /* count * 4 octets */
};

/* Takes the next segment of a canonical path; false at its end. */
bool as_segment_next(struct byte_view *path, struct as_segment *segment_out);

static inline uint32_t as_segment_asn(const struct as_segment *segment, unsigned index)
{
    return load_be32(segment->asns + 4u * index);
}

/* Appends numbers segment by segment and keeps the result canonical. */
struct as_path_builder {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t open; /* offset of the segment that may still grow; SIZE_MAX when there is none */
};

/* capacity octets bound the result (asserted on every append). */
void as_path_builder_init(struct as_path_builder *builder, struct arena *arena, size_t capacity);

/* A segment of the input begins; sequences go on in the one before. */
void as_path_builder_segment(struct as_path_builder *builder, uint8_t type);
void as_path_builder_asn(struct as_path_builder *builder, uint8_t type, uint32_t asn);
struct byte_view as_path_builder_finish(struct as_path_builder *builder);

#endif
