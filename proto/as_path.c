/* Questions about canonical AS paths, and edits that give new canonical paths. */
#include "proto/as_path.h"

#include <string.h>

#include "proto/as_path_private.h"
#include "proto/base/assert.h"

bool as_segment_next(struct byte_view *path, struct as_segment *segment_out)
{
    if (path->size == 0) {
        return false;
    }
    ASSERT(path->size >= 6);
    segment_out->type = path->data[0];
    segment_out->count = path->data[1];
    segment_out->asns = path->data + 2;
    size_t size = 2u + 4u * segment_out->count;
    ASSERT(size <= path->size);
    path->data += size;
    path->size -= size;
    return true;
}

void as_path_builder_init(struct as_path_builder *builder, struct arena *arena, size_t capacity)
{
    *builder = (struct as_path_builder){arena_alloc(arena, capacity), 0, capacity, SIZE_MAX};
}

void as_path_builder_segment(struct as_path_builder *builder, uint8_t type)
{
    bool goes_on = builder->open != SIZE_MAX && type == AS_PATH_SEQUENCE &&
                   builder->bytes[builder->open] == AS_PATH_SEQUENCE;
    if (!goes_on) {
        builder->open = SIZE_MAX;
    }
}

void as_path_builder_asn(struct as_path_builder *builder, uint8_t type, uint32_t asn)
{
    if (builder->open == SIZE_MAX || builder->bytes[builder->open + 1] == AS_SEGMENT_COUNT_MAX) {
        ASSERT(builder->capacity - builder->size >= 2);
        builder->open = builder->size;
        builder->bytes[builder->size] = type;
        builder->bytes[builder->size + 1] = 0;
        builder->size += 2;
    }
    ASSERT(builder->capacity - builder->size >= 4);
    store_be32(builder->bytes + builder->size, asn);
    builder->size += 4;
    builder->bytes[builder->open + 1]++;
}

struct byte_view as_path_builder_finish(struct as_path_builder *builder)
{
    return builder->size == 0 ? (struct byte_view){NULL, 0}
                              : (struct byte_view){builder->bytes, builder->size};
}

static void append_segment(struct as_path_builder *builder, const struct as_segment *segment)
{
    as_path_builder_segment(builder, segment->type);
    for (unsigned i = 0; i < segment->count; i++) {
        as_path_builder_asn(builder, segment->type, as_segment_asn(segment, i));
    }
}

uint32_t as_path_length(struct byte_view path)
{
    struct as_segment segment;
    uint32_t length = 0;
    while (as_segment_next(&path, &segment)) {
        if (segment.type == AS_PATH_SEQUENCE) {
            length += segment.count;
        } else if (segment.type == AS_PATH_SET) {
            length += 1;
        }
    }
    return length;
}

uint32_t as_path_count(struct byte_view path)
{
    struct as_segment segment;
    uint32_t count = 0;
    while (as_segment_next(&path, &segment)) {
        count += segment.count;
    }
    return count;
}

uint32_t as_path_occurrences(struct byte_view path, uint32_t asn)
{
    struct as_segment segment;
    uint32_t count = 0;
    while (as_segment_next(&path, &segment)) {
        for (unsigned i = 0; i < segment.count; i++) {
            count += as_segment_asn(&segment, i) == asn;
        }
    }
    return count;
}

bool as_path_has_set(struct byte_view path)
{
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        if (segment.type == AS_PATH_SET || segment.type == AS_PATH_CONFED_SET) {
            return true;
        }
    }
    return false;
}

uint32_t as_path_first(struct byte_view path)
{
    struct as_segment segment;
    if (!as_segment_next(&path, &segment) || segment.type != AS_PATH_SEQUENCE) {
        return 0;
    }
    return as_segment_asn(&segment, 0);
}

uint32_t as_path_origin(struct byte_view path)
{
    struct as_segment segment;
    uint32_t origin = 0;
    while (as_segment_next(&path, &segment)) {
        origin =
            segment.type == AS_PATH_SEQUENCE ? as_segment_asn(&segment, segment.count - 1u) : 0;
    }
    return origin;
}

struct byte_view as_path_prepend(struct arena *arena, struct byte_view path, uint32_t asn,
                                 uint32_t count)
{
    if (count == 0) {
        return path;
    }
    struct as_path_builder builder;
    size_t headers = 2u * (count / AS_SEGMENT_COUNT_MAX + 1u);
    as_path_builder_init(&builder, arena, path.size + 4u * (size_t)count + headers);
    as_path_builder_segment(&builder, AS_PATH_SEQUENCE);
    for (uint32_t i = 0; i < count; i++) {
        as_path_builder_asn(&builder, AS_PATH_SEQUENCE, asn);
    }
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        append_segment(&builder, &segment);
    }
    return as_path_builder_finish(&builder);
}

struct byte_view as_path_replace(struct arena *arena, struct byte_view path, uint32_t old_asn,
                                 uint32_t new_asn)
{
    if (as_path_occurrences(path, old_asn) == 0) {
        return path;
    }
    uint8_t *copy = arena_copy(arena, path.data, path.size);
    struct byte_view result = {copy, path.size};
    struct byte_view rest = result;
    struct as_segment segment;
    while (as_segment_next(&rest, &segment)) {
        for (unsigned i = 0; i < segment.count; i++) {
            if (as_segment_asn(&segment, i) == old_asn) {
                store_be32(copy + (segment.asns - copy) + 4u * i, new_asn);
            }
        }
    }
    return result;
}

static bool is_listed(uint32_t asn, const uint32_t *asns, size_t asn_count)
{
    for (size_t i = 0; i < asn_count; i++) {
        if (asns[i] == asn) {
            return true;
        }
    }
    return false;
}

struct byte_view as_path_exclude(struct arena *arena, struct byte_view path, const uint32_t *asns,
                                 size_t asn_count)
{
    struct as_path_builder builder;
    as_path_builder_init(&builder, arena, path.size);
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        bool has_begun = false;
        for (unsigned i = 0; i < segment.count; i++) {
            uint32_t asn = as_segment_asn(&segment, i);
            if (is_listed(asn, asns, asn_count)) {
                continue;
            }
            if (!has_begun) {
                as_path_builder_segment(&builder, segment.type);
                has_begun = true;
            }
            as_path_builder_asn(&builder, segment.type, asn);
        }
    }
    return as_path_builder_finish(&builder);
}

bool asn_is_private(uint32_t asn)
{
    return (asn >= 64512u && asn <= 65534u) || (asn >= 4200000000u && asn <= 4294967294u);
}

struct byte_view as_path_remove_private(struct arena *arena, struct byte_view path,
                                        uint32_t replace_asn)
{
    struct as_path_builder builder;
    as_path_builder_init(&builder, arena, path.size);
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        bool has_begun = false;
        for (unsigned i = 0; i < segment.count; i++) {
            uint32_t asn = as_segment_asn(&segment, i);
            if (asn_is_private(asn)) {
                asn = replace_asn;
            }
            if (asn == 0) {
                continue;
            }
            if (!has_begun) {
                as_path_builder_segment(&builder, segment.type);
                has_begun = true;
            }
            as_path_builder_asn(&builder, segment.type, asn);
        }
    }
    return as_path_builder_finish(&builder);
}

struct byte_view as_path_from_asns(struct arena *arena, const uint32_t *asns, size_t asn_count)
{
    struct as_path_builder builder;
    as_path_builder_init(&builder, arena,
                         4u * asn_count + 2u * (asn_count / AS_SEGMENT_COUNT_MAX + 1u));
    as_path_builder_segment(&builder, AS_PATH_SEQUENCE);
    for (size_t i = 0; i < asn_count; i++) {
        as_path_builder_asn(&builder, AS_PATH_SEQUENCE, asns[i]);
    }
    return as_path_builder_finish(&builder);
}

void as_path_format(struct byte_view path, struct buffer *text)
{
    static const struct {
        const char *open;
        const char *separator;
        const char *close;
    } shapes[] = {
        [AS_PATH_SET] = {"{", ",", "}"},
        [AS_PATH_SEQUENCE] = {"", " ", ""},
        [AS_PATH_CONFED_SEQUENCE] = {"(", " ", ")"},
        [AS_PATH_CONFED_SET] = {"[", ",", "]"},
    };
    struct as_segment segment;
    const char *gap = "";
    while (as_segment_next(&path, &segment)) {
        ASSERT(segment.type >= AS_PATH_SET && segment.type <= AS_PATH_CONFED_SET);
        buffer_printf(text, "%s%s", gap, shapes[segment.type].open);
        for (unsigned i = 0; i < segment.count; i++) {
            buffer_printf(text, "%s%u", i == 0 ? "" : shapes[segment.type].separator,
                          as_segment_asn(&segment, i));
        }
        buffer_printf(text, "%s", shapes[segment.type].close);
        gap = " ";
    }
}

bool as_path_is_canonical(struct byte_view path)
{
    unsigned previous_type = 0;
    unsigned previous_count = 0;
    while (path.size != 0) {
        if (path.size < 2) {
            return false;
        }
        unsigned type = path.data[0];
        unsigned count = path.data[1];
        size_t size = 2u + 4u * count;
        if (type < AS_PATH_SET || type > AS_PATH_CONFED_SET || count == 0 || size > path.size) {
            return false;
        }
        if (type == AS_PATH_SEQUENCE && previous_type == AS_PATH_SEQUENCE &&
            previous_count != AS_SEGMENT_COUNT_MAX) {
            return false;
        }
        for (size_t at = 2; at < size; at += 4) {
            if (load_be32(path.data + at) == 0) {
                return false;
            }
        }
        previous_type = type;
        previous_count = count;
        path.data += size;
        path.size -= size;
    }
    return true;
}
