/* NOTIFICATION: octets, names and the shutdown message of RFC 9003. */
#include <string.h>

#include "proto/message.h"

#define SHUTDOWN_TEXT_BYTES_MAX 255u

struct wire_error notification_decode(struct byte_view body, struct notification *notification_out)
{
    struct reader reader = reader_of_view(body);
    notification_out->code = reader_u8(&reader);
    notification_out->subcode = reader_u8(&reader);
    notification_out->data = reader_rest(&reader);
    if (reader.failed) {
        /* RFC 4271 6.4: an error in a NOTIFICATION is never answered. */
        return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                                   .what = "NOTIFICATION is too short"};
    }
    return WIRE_NO_ERROR;
}

void notification_encode(struct writer *writer, const struct notification *notification)
{
    size_t start = writer_size(writer);
    size_t data_max = BGP_MESSAGE_BYTES_MAX - BGP_HEADER_BYTES - 2;
    size_t size = notification->data.size < data_max ? notification->data.size : data_max;
    message_begin(writer, MESSAGE_NOTIFICATION);
    writer_u8(writer, notification->code);
    writer_u8(writer, notification->subcode);
    writer_bytes(writer, notification->data.data, size);
    message_end(writer, start);
}

const char *notification_code_name(uint8_t code)
{
    static const char *const names[] = {
        "Unknown",
        "Message Header Error",
        "OPEN Message Error",
        "UPDATE Message Error",
        "Hold Timer Expired",
        "Neighbor Events Error",
        "Cease",
        "ROUTE-REFRESH Message Error",
        "Send Hold Timer Expired",
    };
    return code < sizeof names / sizeof names[0] ? names[code] : names[0];
}

static const char *pick(const char *const *names, size_t count, uint8_t subcode)
{
    if (subcode < count && names[subcode] != NULL) {
        return names[subcode];
    }
    return subcode == 0 ? "Unspecific" : "Unknown";
}

#define PICK(names, subcode) pick(names, sizeof(names) / sizeof((names)[0]), subcode)

const char *notification_subcode_name(uint8_t code, uint8_t subcode)
{
    static const char *const header[] = {NULL, "Connection Not Synchronized", "Bad Message Length",
                                         "Bad Message Type"};
    static const char *const open[] = {
        [1] = "Unsupported Version Number",
        [2] = "Bad Peer AS",
        [3] = "Bad BGP Identifier",
        [4] = "Unsupported Optional Parameter",
        [6] = "Unacceptable Hold Time",
        [7] = "Unsupported Capability",
        [11] = "Role Mismatch",
    };
    static const char *const update[] = {
        [1] = "Malformed Attribute List",     [2] = "Unrecognized Well-known Attribute",
        [3] = "Missing Well-known Attribute", [4] = "Attribute Flags Error",
        [5] = "Attribute Length Error",       [6] = "Invalid ORIGIN Attribute",
        [8] = "Invalid NEXT_HOP Attribute",   [9] = "Optional Attribute Error",
        [10] = "Invalid Network Field",       [11] = "Malformed AS_PATH",
    };
    static const char *const fsm[] = {NULL, "Receive Unexpected Message in OpenSent State",
                                      "Receive Unexpected Message in OpenConfirm State",
                                      "Receive Unexpected Message in Established State"};
    static const char *const cease[] = {
        NULL,
        "Maximum Number of Prefixes Reached",
        "Administrative Shutdown",
        "Peer Unconfigured",
        "Administrative Reset",
        "Connection Rejected",
        "Other Configuration Change",
        "Connection Collision Resolution",
        "Out of Resources",
        "Hard Reset",
        "BFD Down",
    };
    static const char *const refresh[] = {NULL, "Invalid Message Length"};
    static const char *const none[] = {NULL};
    switch (code) {
    case NOTIFICATION_HEADER:
        return PICK(header, subcode);
    case NOTIFICATION_OPEN:
        return PICK(open, subcode);
    case NOTIFICATION_UPDATE:
        return PICK(update, subcode);
    case NOTIFICATION_FSM:
        return PICK(fsm, subcode);
    case NOTIFICATION_CEASE:
        return PICK(cease, subcode);
    case NOTIFICATION_ROUTE_REFRESH:
        return PICK(refresh, subcode);
    default:
        return PICK(none, subcode);
    }
}

/* Octets of the well-formed UTF-8 character at the start of text, 0 when there is none; control
 * characters (also those of ISO 8859, which terminals obey) do not count as one. */
static size_t utf8_printable_bytes(struct byte_view text)
{
    uint8_t lead = text.data[0];
    if (lead < 0x80) {
        return lead < 0x20 || lead == 0x7f ? 0 : 1;
    }
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size < size) {
        return 0;
    }
    uint32_t value = lead & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (text.data[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0, 0xa0, 0x800, 0x10000};
    bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < smallest[size] || value > 0x10ffff || is_surrogate ? 0 : size;
}

bool hard_reset_read(const struct notification *outer, struct notification *inner_out)
{
    return outer->code == NOTIFICATION_CEASE && outer->subcode == CEASE_HARD_RESET &&
           notification_decode(outer->data, inner_out).disposition == WIRE_ACCEPT;
}

void hard_reset_write(struct writer *writer, const struct notification *inner)
{
    writer_u8(writer, inner->code);
    writer_u8(writer, inner->subcode);
    writer_bytes(writer, inner->data.data, inner->data.size);
}

void shutdown_message_read(const struct notification *notification, char text_out[256])
{
    struct notification inner;
    if (hard_reset_read(notification, &inner)) {
        notification = &inner;
    }
    struct reader reader = reader_of_view(notification->data);
    size_t length = reader_u8(&reader);
    struct byte_view text = reader_view(&reader, length);
    text_out[0] = 0;
    if (notification->code != NOTIFICATION_CEASE || reader.failed ||
        (notification->subcode != CEASE_ADMIN_SHUTDOWN &&
         notification->subcode != CEASE_ADMIN_RESET)) {
        return;
    }
    for (size_t i = 0; i < text.size;) {
        struct byte_view rest = {text.data + i, text.size - i};
        size_t size = utf8_printable_bytes(rest);
        memcpy(text_out + i, size == 0 ? (const uint8_t *)"?" : rest.data, size == 0 ? 1 : size);
        i += size == 0 ? 1 : size;
    }
    text_out[text.size] = 0;
}

bool shutdown_message_is_valid(const char *text)
{
    struct byte_view rest = {(const uint8_t *)text, strlen(text)};
    if (rest.size > SHUTDOWN_TEXT_BYTES_MAX) {
        return false;
    }
    while (rest.size != 0) {
        size_t size = utf8_printable_bytes(rest);
        if (size == 0) {
            return false;
        }
        rest.data += size;
        rest.size -= size;
    }
    return true;
}

void shutdown_message_write(struct writer *writer, const char *text)
{
    size_t size = strlen(text);
    if (size > SHUTDOWN_TEXT_BYTES_MAX) {
        size = SHUTDOWN_TEXT_BYTES_MAX;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
            size--; /* never half a UTF-8 character */
        }
    }
    writer_u8(writer, (uint8_t)size);
    writer_bytes(writer, text, size);
}
