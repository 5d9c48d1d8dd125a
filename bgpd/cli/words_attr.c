/* AS paths and communities as text. */
#include <stdio.h>

#include "bgpd/cli/words.h"
#include "proto/base/cursor.h"

enum segment_type {
    SEGMENT_SET = 1,
    SEGMENT_SEQUENCE = 2,
    SEGMENT_CONFED_SEQUENCE = 3,
    SEGMENT_CONFED_SET = 4,
};

static void number_append(struct buffer *text, uint32_t number)
{
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    buffer_append(text, digits + at, sizeof digits - at);
}

static void segment_append(struct buffer *text, struct reader *asns, uint8_t type, uint8_t count)
{
    const char *open = type == SEGMENT_SET ? "{" : type == SEGMENT_CONFED_SEQUENCE ? "(" : "[";
    const char *close = type == SEGMENT_SET ? "}" : type == SEGMENT_CONFED_SEQUENCE ? ")" : "]";
    bool is_set = type == SEGMENT_SET || type == SEGMENT_CONFED_SET;
    if (text->size != 0) {
        buffer_append(text, " ", 1);
    }
    if (type != SEGMENT_SEQUENCE) {
        buffer_append(text, open, 1);
    }
    for (unsigned i = 0; i < count; i++) {
        if (i != 0) {
            buffer_append(text, is_set ? "," : " ", 1);
        }
        number_append(text, reader_u32(asns));
    }
    if (type != SEGMENT_SEQUENCE) {
        buffer_append(text, close, 1);
    }
}

bool words_as_path(const ProtobufCBinaryData *path, struct buffer *text)
{
    struct reader reader = reader_of(path->data, path->len);
    text->size = 0;
    while (reader_left(&reader) != 0) {
        uint8_t type = reader_u8(&reader);
        uint8_t count = reader_u8(&reader);
        struct reader asns = reader_sub(&reader, (size_t)count * 4);
        if (reader.failed || type < SEGMENT_SET || type > SEGMENT_CONFED_SET) {
            return false;
        }
        segment_append(text, &asns, type, count);
    }
    return true;
}

/* RFC 4271 9.1.2.2: a set counts one, confederation segments none. */
uint32_t words_as_path_length(const ProtobufCBinaryData *path)
{
    struct reader reader = reader_of(path->data, path->len);
    uint32_t length = 0;
    while (reader_left(&reader) != 0) {
        uint8_t type = reader_u8(&reader);
        uint8_t count = reader_u8(&reader);
        reader_view(&reader, (size_t)count * 4);
        length += type == SEGMENT_SET ? 1u : type == SEGMENT_SEQUENCE ? count : 0u;
    }
    return length;
}

static const char *well_known_name(uint32_t community)
{
    static const struct {
        uint32_t value;
        const char *name;
    } names[] = {
        {0xffff0000, "graceful-shutdown"}, {0xffff0001, "accept-own"}, {0xffff0006, "llgr-stale"},
        {0xffff0007, "no-llgr"},           {0xffff029a, "blackhole"},  {0xffffff01, "no-export"},
        {0xffffff02, "no-advertise"},      {0xffffff03, "local-AS"},   {0xffffff04, "no-peer"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].value == community) {
            return names[i].name;
        }
    }
    return NULL;
}

void words_communities(const ProtobufCBinaryData *list, struct buffer *text)
{
    struct reader reader = reader_of(list->data, list->len);
    text->size = 0;
    while (reader_left(&reader) >= 4) {
        uint32_t community = reader_u32(&reader);
        const char *name = well_known_name(community);
        const char *blank = text->size != 0 ? " " : "";
        if (name != NULL) {
            buffer_printf(text, "%s%s", blank, name);
        } else {
            buffer_printf(text, "%s%u:%u", blank, community >> 16, community & 0xffff);
        }
    }
}

static void ext_community_append(struct buffer *text, const uint8_t *bytes)
{
    /* RFC 4360, 5668: types 0 to 2 hold an AS or an address and a number; bit 6 is "not
     * transitive". */
    const char *name = bytes[1] == 2 ? "RT" : bytes[1] == 3 ? "SoO" : NULL;
    if (name == NULL || bytes[0] > 2) {
        buffer_printf(text, "0x%02x%02x%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2],
                      bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
    } else if (bytes[0] == 0) {
        buffer_printf(text, "%s:%u:%u", name, load_be16(bytes + 2), load_be32(bytes + 4));
    } else if (bytes[0] == 1) {
        buffer_printf(text, "%s:%u.%u.%u.%u:%u", name, bytes[2], bytes[3], bytes[4], bytes[5],
                      load_be16(bytes + 6));
    } else {
        buffer_printf(text, "%s:%u:%u", name, load_be32(bytes + 2), load_be16(bytes + 6));
    }
}

void words_ext_communities(const ProtobufCBinaryData *list, struct buffer *text)
{
    text->size = 0;
    for (size_t at = 0; at + 8 <= list->len; at += 8) {
        if (text->size != 0) {
            buffer_append(text, " ", 1);
        }
        ext_community_append(text, list->data + at);
    }
}

void words_large_communities(const ProtobufCBinaryData *list, struct buffer *text)
{
    text->size = 0;
    for (size_t at = 0; at + 12 <= list->len; at += 12) {
        const uint8_t *bytes = list->data + at;
        buffer_printf(text, "%s%u:%u:%u", text->size != 0 ? " " : "", load_be32(bytes),
                      load_be32(bytes + 4), load_be32(bytes + 8));
    }
}
