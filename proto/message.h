/* BGP message framing (RFC 4271 4.1) and the messages without a grammar of their own. */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/afi_safi.h"
#include "proto/base/cursor.h"
#include "proto/base/status.h"
#include "proto/wire_error.h"

#define BGP_HEADER_BYTES               19u
#define BGP_MESSAGE_BYTES_MAX          4096u
#define BGP_EXTENDED_MESSAGE_BYTES_MAX 65535u

enum message_type {
    MESSAGE_OPEN = 1,
    MESSAGE_UPDATE = 2,
    MESSAGE_NOTIFICATION = 3,
    MESSAGE_KEEPALIVE = 4,
    MESSAGE_ROUTE_REFRESH = 5,
};

struct message_view {
    enum message_type type;
    struct byte_view body;  /* without the header */
    struct byte_view whole; /* with it */
};

/* Looks at the octets received so far. STATUS_OK: *message_out is the first message, *taken_out its
 * whole length. STATUS_TRUNCATED: more octets are needed (the header is checked as soon as it is
 * there). STATUS_INVALID: *error_out tells (RFC 4271 6.1: code 1). bytes_max is 4096, or 65535
 * after RFC 8654 was negotiated (OPEN and KEEPALIVE stay at 4096). */
NODISCARD enum status framer_next(struct byte_view received, size_t bytes_max,
                                  struct message_view *message_out, size_t *taken_out,
                                  struct wire_error *error_out);

/* Writes the header with length 0; message_end fills the length in. */
void message_begin(struct writer *writer, enum message_type type);
void message_end(struct writer *writer, size_t message_start);

void keepalive_encode(struct writer *writer);

struct notification {
    uint8_t code;
    uint8_t subcode;
    struct byte_view data;
};

/* RFC 4271 4.5. A body shorter than 2 octets is WIRE_SESSION_RESET without an answer. */
struct wire_error notification_decode(struct byte_view body, struct notification *notification_out);
void notification_encode(struct writer *writer, const struct notification *notification);

/* "Cease/Administrative Shutdown", FRR's wording; never NULL. */
const char *notification_code_name(uint8_t code);
const char *notification_subcode_name(uint8_t code, uint8_t subcode);

/* RFC 8538 3.1: what a Cease/Hard Reset stands for; false when it is none, or says nothing. The
 * data is a view into that of outer. */
bool hard_reset_read(const struct notification *outer, struct notification *inner_out);

/* Data octets of a Cease/Hard Reset in place of inner. */
void hard_reset_write(struct writer *writer, const struct notification *inner);

/* RFC 9003: the text of a Cease 6/2 or 6/4, also of one inside a hard reset, with unprintable
 * octets replaced; "" when there is none. text_out holds at least 256 octets. */
void shutdown_message_read(const struct notification *notification, char text_out[256]);

/* True for printable UTF-8 of at most 255 octets: what arrives at the other side as it is. */
bool shutdown_message_is_valid(const char *text);

/* Data octets (length, UTF-8) of a shutdown message; at most 255 octets are used. */
void shutdown_message_write(struct writer *writer, const char *text);

enum route_refresh_kind {
    ROUTE_REFRESH_REQUEST = 0,
    ROUTE_REFRESH_BEGIN = 1, /* RFC 7313 BoRR */
    ROUTE_REFRESH_END = 2,   /* RFC 7313 EoRR */
};

struct route_refresh {
    enum afi_safi afi_safi; /* AFI_SAFI_NONE for a family we do not know */
    uint8_t kind;           /* enum route_refresh_kind, or another value to be ignored */
};

/* RFC 2918 3 and, when enhanced refresh was negotiated, RFC 7313 5: any other length is 7/1. */
struct wire_error route_refresh_decode(const struct message_view *message, bool enhanced,
                                       struct route_refresh *refresh_out);
void route_refresh_encode(struct writer *writer, const struct route_refresh *refresh);

#endif
