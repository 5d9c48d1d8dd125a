/* The framer: a stream gives the same messages however it is cut, and each decoder takes what comes
 * out. The first octet says how the stream is cut and what was negotiated. */
#include "proto/base/assert.h"
#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message_fuzz_refresh(const struct message_view *read, bool enhanced)
{
    struct route_refresh refresh, again;
    struct wire_error error = route_refresh_decode(read, enhanced, &refresh);
    if (error.disposition != WIRE_ACCEPT) {
        ASSERT(error.disposition == WIRE_SESSION_RESET);
        ASSERT(error.data.data == read->whole.data && error.data.size == read->whole.size);
        return;
    }
    if (refresh.afi_safi == AFI_SAFI_NONE) {
        return;
    }
    uint8_t out[64];
    struct writer writer = writer_of(out, sizeof out);
    route_refresh_encode(&writer, &refresh);
    struct message_view message;
    size_t taken = 0;
    enum status status = framer_next((struct byte_view){out, writer_size(&writer)},
                                     BGP_MESSAGE_BYTES_MAX, &message, &taken, &error);
    ASSERT(status == STATUS_OK && message.type == MESSAGE_ROUTE_REFRESH);
    error = route_refresh_decode(&message, enhanced, &again);
    ASSERT(error.disposition == WIRE_ACCEPT);
    ASSERT(again.afi_safi == refresh.afi_safi && again.kind == refresh.kind);
}

/* With fewer octets the framer may only ask for more, or find the same fault. */
static void message_fuzz_cut(struct byte_view stream, size_t bytes_max, enum status whole,
                             size_t whole_taken, size_t step)
{
    size_t end = whole == STATUS_OK ? whole_taken : stream.size;
    for (size_t have = 0; have < end; have += step) {
        struct message_view message;
        struct wire_error error;
        size_t taken = 0;
        enum status status =
            framer_next((struct byte_view){stream.data, have}, bytes_max, &message, &taken, &error);
        ASSERT(status == STATUS_TRUNCATED || (status == STATUS_INVALID && whole == STATUS_INVALID));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    bool is_extended = (data[0] & 0x80) != 0;
    bool enhanced = (data[0] & 0x40) != 0;
    size_t step = 1u + (data[0] & 0x3f);
    size_t bytes_max = is_extended ? BGP_EXTENDED_MESSAGE_BYTES_MAX : BGP_MESSAGE_BYTES_MAX;
    struct byte_view stream = {data + 1, size - 1};
    for (;;) {
        struct message_view message;
        struct wire_error error;
        size_t taken = 0;
        enum status status = framer_next(stream, bytes_max, &message, &taken, &error);
        message_fuzz_cut(stream, bytes_max, status, taken, step);
        if (status != STATUS_OK) {
            ASSERT(status == STATUS_TRUNCATED || error.code == NOTIFICATION_HEADER);
            return 0;
        }
        ASSERT(taken >= BGP_HEADER_BYTES && taken <= bytes_max && taken <= stream.size);
        ASSERT(message.body.size == taken - BGP_HEADER_BYTES);
        if (message.type == MESSAGE_ROUTE_REFRESH) {
            message_fuzz_refresh(&message, enhanced);
        }
        stream.data += taken;
        stream.size -= taken;
    }
}
