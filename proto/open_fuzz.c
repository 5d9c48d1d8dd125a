/* OPEN: what is accepted can be written again, is accepted again, and then stays as it is. */
#include <string.h>

#include "proto/base/assert.h"
#include "proto/message.h"
#include "proto/open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct byte_view open_fuzz_encode(const struct open_message *open, uint8_t *out,
                                         size_t out_bytes)
{
    struct writer writer = writer_of(out, out_bytes);
    open_encode(&writer, open);
    ASSERT(!writer.failed);
    return (struct byte_view){out, writer_size(&writer)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct open_message open;
    struct wire_error error = open_decode((struct byte_view){data, size}, &open);
    ASSERT(error.disposition == WIRE_ACCEPT || error.disposition == WIRE_SESSION_RESET);
    if (error.disposition != WIRE_ACCEPT) {
        ASSERT(error.code == NOTIFICATION_OPEN && error.what != NULL);
        return 0;
    }
    ASSERT(open.raw_capabilities.size <= size);
    uint8_t first_octets[BGP_MESSAGE_BYTES_MAX];
    uint8_t second_octets[BGP_MESSAGE_BYTES_MAX];
    struct byte_view first = open_fuzz_encode(&open, first_octets, sizeof first_octets);
    struct message_view message;
    size_t taken = 0;
    enum status status = framer_next(first, BGP_MESSAGE_BYTES_MAX, &message, &taken, &error);
    ASSERT(status == STATUS_OK && message.type == MESSAGE_OPEN);
    struct open_message again;
    error = open_decode(message.body, &again);
    ASSERT(error.disposition == WIRE_ACCEPT);
    ASSERT(again.asn == open.asn && again.router_id == open.router_id);
    ASSERT(again.hold_time_s == open.hold_time_s);
    struct byte_view second = open_fuzz_encode(&again, second_octets, sizeof second_octets);
    ASSERT(byte_view_equal(first, second));
    return 0;
}
