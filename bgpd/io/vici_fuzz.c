/* What strongSwan says: packets and their messages, which our own writer must agree with. */
#include <string.h>

#include "bgpd/io/vici_message.h"
#include "proto/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void vici_fuzz_write(const struct vici_packet *packet)
{
    char name[64];
    uint8_t buffer[VICI_REQUEST_BYTES_MAX];
    if (packet->name.size == 0 || packet->name.size >= sizeof name ||
        memchr(packet->name.data, 0, packet->name.size) != NULL) {
        return;
    }
    memcpy(name, packet->name.data, packet->name.size);
    name[packet->name.size] = 0;
    ASSERT(vici_packet_is(packet, packet->type, name));
    size_t size = vici_packet_write(buffer, sizeof buffer, packet->type, name, "key", "value");
    ASSERT(size > VICI_LENGTH_BYTES && size <= sizeof buffer);
    struct vici_packet again;
    bool is_read = vici_packet_parse(
        (struct byte_view){buffer + VICI_LENGTH_BYTES, size - VICI_LENGTH_BYTES}, &again);
    ASSERT(is_read && again.type == packet->type && byte_view_equal(again.name, packet->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vici_packet packet;
    struct vici_ike ike;
    if (!vici_packet_parse((struct byte_view){data, size}, &packet)) {
        return 0;
    }
    ASSERT(packet.type < VICI_PACKET_TYPE_COUNT);
    vici_fuzz_write(&packet);
    if (vici_message_parse(packet.message, &ike)) {
        ASSERT(ike.child_count <= VICI_CHILDREN_MAX);
        for (size_t i = 0; i < ike.child_count; i++) {
            ASSERT(memchr(ike.children[i].name, 0, VICI_NAME_BYTES) != NULL);
        }
    }
    return 0;
}
