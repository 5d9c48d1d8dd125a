/* AS_PATH and AS4_PATH between the wire and the canonical form. */
#include "proto/as_path_wire.h"

#include <string.h>

#include "proto/as_path_private.h"
#include "proto/base/assert.h"

struct as_path_facts as_path_inspect(struct byte_view path, size_t asn_bytes)
{
    struct as_path_facts facts = {0};
    unsigned previous_type = 0;
    unsigned previous_count = 0;
    const uint8_t *at = path.data;
    size_t left = path.size;
    while (left != 0) {
        if (left < 2) {
            facts.fault = "AS_PATH ends inside a segment header";
            return facts;
        }
        unsigned type = at[0];
        unsigned count = at[1];
        if (type < AS_PATH_SET || type > AS_PATH_CONFED_SET) {
            facts.fault = "AS_PATH segment type is unknown";
            return facts;
        }
        if (count == 0) {
            facts.fault = "AS_PATH segment is empty";
            return facts;
        }
        size_t size = 2u + asn_bytes * count;
        if (size > left) {
            facts.fault = "AS_PATH segment runs past the attribute";
            return facts;
        }
        for (size_t i = 2; i < size; i += asn_bytes) {
            uint32_t asn = asn_bytes == 4 ? load_be32(at + i) : load_be16(at + i);
            facts.has_zero |= asn == 0;
        }
        facts.has_set |= type == AS_PATH_SET || type == AS_PATH_CONFED_SET;
        facts.has_confed |= type >= AS_PATH_CONFED_SEQUENCE;
        facts.is_mergeable |= type == AS_PATH_SEQUENCE && previous_type == AS_PATH_SEQUENCE &&
                              previous_count != AS_SEGMENT_COUNT_MAX;
        facts.as_count += count;
        previous_type = type;
        previous_count = count;
        at += size;
        left -= size;
    }
    return facts;
}

struct byte_view as_path_canonical(struct arena *arena, struct byte_view path, size_t asn_bytes,
                                   const struct as_path_facts *facts)
{
    ASSERT(facts->fault == NULL);
    if ((asn_bytes == 4 && !facts->is_mergeable) || path.size == 0) {
        return path;
    }
    struct as_path_builder builder;
    as_path_builder_init(&builder, arena, path.size * (asn_bytes == 4 ? 1 : 2));
    const uint8_t *at = path.data;
    const uint8_t *end = path.data + path.size;
    while (at != end) {
        uint8_t type = at[0];
        unsigned count = at[1];
        at += 2;
        as_path_builder_segment(&builder, type);
        for (unsigned i = 0; i < count; i++, at += asn_bytes) {
            as_path_builder_asn(&builder, type, asn_bytes == 4 ? load_be32(at) : load_be16(at));
        }
    }
    return as_path_builder_finish(&builder);
}

static void append_count(struct as_path_builder *builder, const struct as_segment *segment,
                         unsigned count)
{
    as_path_builder_segment(builder, segment->type);
    for (unsigned i = 0; i < count; i++) {
        as_path_builder_asn(builder, segment->type, as_segment_asn(segment, i));
    }
}

struct byte_view as_path_merge_as4(struct arena *arena, struct byte_view as_path,
                                   struct byte_view as4_path)
{
    uint32_t length = as_path_length(as_path);
    uint32_t as4_length = as_path_length(as4_path);
    if (as4_length == 0 || length < as4_length) {
        return as_path;
    }
    uint32_t lead = length - as4_length;
    struct as_path_builder builder;
    as_path_builder_init(&builder, arena, as_path.size + as4_path.size);
    struct as_segment segment;
    /* Confederation segments in front of, or between, what is kept stay; they count nothing. */
    while (as_segment_next(&as_path, &segment)) {
        if (segment.type == AS_PATH_SEQUENCE) {
            if (lead == 0) {
                break;
            }
            unsigned count = segment.count < lead ? segment.count : lead;
            append_count(&builder, &segment, count);
            lead -= count;
            if (count < segment.count) {
                break;
            }
        } else if (segment.type == AS_PATH_SET) {
            if (lead == 0) {
                break;
            }
            append_count(&builder, &segment, segment.count);
            lead--;
        } else {
            append_count(&builder, &segment, segment.count);
        }
    }
    while (as_segment_next(&as4_path, &segment)) {
        if (segment.type <= AS_PATH_SEQUENCE) {
            append_count(&builder, &segment, segment.count);
        }
    }
    return as_path_builder_finish(&builder);
}

bool as_path_needs_as4(struct byte_view path)
{
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        for (unsigned i = 0; i < segment.count; i++) {
            if (as_segment_asn(&segment, i) > UINT16_MAX) {
                return true;
            }
        }
    }
    return false;
}

size_t as_path_narrow_bytes(struct byte_view path)
{
    struct as_segment segment;
    size_t size = 0;
    while (as_segment_next(&path, &segment)) {
        size += 2u + 2u * segment.count;
    }
    return size;
}

void as_path_write_narrow(struct writer *writer, struct byte_view path)
{
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        writer_u8(writer, segment.type);
        writer_u8(writer, segment.count);
        for (unsigned i = 0; i < segment.count; i++) {
            uint32_t asn = as_segment_asn(&segment, i);
            writer_u16(writer, asn > UINT16_MAX ? ASN_TRANS : (uint16_t)asn);
        }
    }
}

size_t as_path_as4_bytes(struct byte_view path)
{
    struct as_segment segment;
    size_t size = 0;
    while (as_segment_next(&path, &segment)) {
        size += segment.type <= AS_PATH_SEQUENCE ? 2u + 4u * segment.count : 0;
    }
    return size;
}

void as_path_write_as4(struct writer *writer, struct byte_view path)
{
    struct as_segment segment;
    while (as_segment_next(&path, &segment)) {
        if (segment.type <= AS_PATH_SEQUENCE) {
            writer_u8(writer, segment.type);
            writer_u8(writer, segment.count);
            writer_bytes(writer, segment.asns, 4u * segment.count);
        }
    }
}
