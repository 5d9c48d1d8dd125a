/* NOTIFICATION: names exist for every code, texts cannot drive a terminal, octets come back. */
#include <string.h>

#include "proto/base/assert.h"
#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notification notification;
    struct wire_error error = notification_decode((struct byte_view){data, size}, &notification);
    ASSERT((error.disposition == WIRE_ACCEPT) == (size >= 2));
    if (error.disposition != WIRE_ACCEPT) {
        ASSERT(error.code == 0);
        return 0;
    }
    ASSERT(notification_code_name(notification.code) != NULL);
    ASSERT(notification_subcode_name(notification.code, notification.subcode) != NULL);
    char text[256];
    shutdown_message_read(&notification, text);
    ASSERT(strlen(text) < sizeof text);
    for (const char *at = text; *at != 0; at++) {
        ASSERT((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
    uint8_t octets[300];
    struct writer writer = writer_of(octets, sizeof octets);
    shutdown_message_write(&writer, text);
    struct notification written = {
        NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN, {octets, writer_size(&writer)}};
    char text_again[256];
    shutdown_message_read(&written, text_again);
    ASSERT(strcmp(text, text_again) == 0);

    uint8_t out[BGP_MESSAGE_BYTES_MAX];
    writer = writer_of(out, sizeof out);
    notification_encode(&writer, &notification);
    struct message_view message;
    size_t taken = 0;
    enum status status = framer_next((struct byte_view){out, writer_size(&writer)},
                                     BGP_MESSAGE_BYTES_MAX, &message, &taken, &error);
    ASSERT(status == STATUS_OK && message.type == MESSAGE_NOTIFICATION);
    ASSERT(message.body.size <= size);
    ASSERT(memcmp(message.body.data, data, message.body.size) == 0);
    return 0;
}
