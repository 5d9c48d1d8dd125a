#include "proto/message.h"

#include <string.h>

#include "proto/base/assert.h"

#define MARKER_BYTES 16u

static struct wire_error header_error(uint8_t subcode, struct byte_view data, const char *what)
{
    return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                               .code = NOTIFICATION_HEADER,
                               .subcode = subcode,
                               .data = data,
                               .what = what};
}

/* RFC 4271 6.1, RFC 8654: what each type's length must be. */
static bool length_fits(uint8_t type, size_t length, size_t bytes_max)
{
    switch (type) {
    case MESSAGE_OPEN:
        return length >= 29 && length <= BGP_MESSAGE_BYTES_MAX;
    case MESSAGE_UPDATE:
        return length >= 23 && length <= bytes_max;
    case MESSAGE_NOTIFICATION:
        return length >= 21 && length <= bytes_max;
    case MESSAGE_KEEPALIVE:
        return length == BGP_HEADER_BYTES;
    default:
        return length >= BGP_HEADER_BYTES && length <= bytes_max;
    }
}

enum status framer_next(struct byte_view received, size_t bytes_max,
                        struct message_view *message_out, size_t *taken_out,
                        struct wire_error *error_out)
{
    static const uint8_t ones[MARKER_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                               0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    size_t seen = received.size < MARKER_BYTES ? received.size : MARKER_BYTES;
    *error_out = WIRE_NO_ERROR;
    if (seen != 0 && memcmp(received.data, ones, seen) != 0) {
        *error_out = header_error(1, (struct byte_view){NULL, 0}, "marker is not all ones");
        return STATUS_INVALID;
    }
    if (received.size < BGP_HEADER_BYTES) {
        return STATUS_TRUNCATED;
    }
    size_t length = load_be16(received.data + MARKER_BYTES);
    uint8_t type = received.data[MARKER_BYTES + 2];
    struct byte_view length_field = {received.data + MARKER_BYTES, 2};
    if (length < BGP_HEADER_BYTES || length > bytes_max) {
        *error_out = header_error(2, length_field, "message length is out of bounds");
        return STATUS_INVALID;
    }
    if (type < MESSAGE_OPEN || type > MESSAGE_ROUTE_REFRESH) {
        *error_out = header_error(3, (struct byte_view){received.data + MARKER_BYTES + 2, 1},
                                  "message type is unknown");
        return STATUS_INVALID;
    }
    if (!length_fits(type, length, bytes_max)) {
        *error_out = header_error(2, length_field, "message length is wrong for its type");
        return STATUS_INVALID;
    }
    if (received.size < length) {
        return STATUS_TRUNCATED;
    }
    message_out->type = (enum message_type)type;
    message_out->body =
        (struct byte_view){received.data + BGP_HEADER_BYTES, length - BGP_HEADER_BYTES};
    message_out->whole = (struct byte_view){received.data, length};
    *taken_out = length;
    return STATUS_OK;
}

void message_begin(struct writer *writer, enum message_type type)
{
    uint8_t *header = writer_claim(writer, BGP_HEADER_BYTES);
    if (header != NULL) {
        memset(header, 0xff, MARKER_BYTES);
        store_be16(header + MARKER_BYTES, 0);
        header[MARKER_BYTES + 2] = (uint8_t)type;
    }
}

void message_end(struct writer *writer, size_t message_start)
{
    if (!writer->failed) {
        size_t length = writer_size(writer) - message_start;
        ASSERT(length >= BGP_HEADER_BYTES && length <= BGP_EXTENDED_MESSAGE_BYTES_MAX);
        store_be16(writer->start + message_start + MARKER_BYTES, (uint16_t)length);
    }
}

void keepalive_encode(struct writer *writer)
{
    size_t start = writer_size(writer);
    message_begin(writer, MESSAGE_KEEPALIVE);
    message_end(writer, start);
}

struct wire_error route_refresh_decode(const struct message_view *message, bool enhanced,
                                       struct route_refresh *refresh_out)
{
    struct reader reader = reader_of_view(message->body);
    uint16_t afi = reader_u16(&reader);
    uint8_t kind = reader_u8(&reader);
    uint8_t safi = reader_u8(&reader);
    *refresh_out = (struct route_refresh){AFI_SAFI_NONE, ROUTE_REFRESH_REQUEST};
    if (reader.failed || (enhanced && reader_left(&reader) != 0)) {
        return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                                   .code = NOTIFICATION_ROUTE_REFRESH,
                                   .subcode = 1,
                                   .data = message->whole, /* RFC 7313 5 */
                                   .what = "ROUTE-REFRESH length is wrong"};
    }
    refresh_out->afi_safi = afi_safi_from_wire(afi, safi);
    refresh_out->kind = enhanced ? kind : ROUTE_REFRESH_REQUEST;
    return WIRE_NO_ERROR;
}

void route_refresh_encode(struct writer *writer, const struct route_refresh *refresh)
{
    size_t start = writer_size(writer);
    message_begin(writer, MESSAGE_ROUTE_REFRESH);
    writer_u16(writer, afi_safi_afi(refresh->afi_safi));
    writer_u8(writer, refresh->kind);
    writer_u8(writer, SAFI_UNICAST);
    message_end(writer, start);
}
