/* BFD control packets: what is accepted keeps the promises of the checks and comes back from the
 * encoder as it was read. */
#include <string.h>

#include "proto/base/assert.h"
#include "proto/bfd_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bfd_packet packet;
    enum bfd_fault fault = bfd_packet_decode((struct byte_view){data, size}, &packet);
    ASSERT(fault <= BFD_FAULT_POLL_AND_FINAL && bfd_fault_name(fault) != NULL);
    if (fault != BFD_FAULT_NONE) {
        return 0;
    }
    ASSERT(packet.detect_multiplier != 0 && packet.my_discriminator != 0);
    ASSERT(packet.your_discriminator != 0 || packet.state <= BFD_DOWN);
    ASSERT(!packet.poll || !packet.final);
    ASSERT(bfd_state_name(packet.state) != NULL && bfd_diagnostic_name(packet.diagnostic) != NULL);
    for (uint8_t type = BFD_AUTH_SIMPLE; type <= BFD_AUTH_METICULOUS_SHA1; type++) {
        struct bfd_auth_key key = {.type = type, .key_id = packet.auth.key_id, .secret_bytes = 1};
        (void)bfd_auth_verify(&key, &packet);
    }
    packet.octets = (struct byte_view){NULL, 0};
    uint8_t out[BFD_PACKET_BYTES_MAX];
    struct writer writer = writer_of(out, sizeof out);
    bfd_packet_encode(&writer, &packet);
    ASSERT(!writer.failed && writer_size(&writer) <= size);
    struct bfd_packet again;
    fault = bfd_packet_decode((struct byte_view){out, writer_size(&writer)}, &again);
    ASSERT(fault == BFD_FAULT_NONE);
    again.octets = packet.octets;
    ASSERT(memcmp(&again, &packet, sizeof packet) == 0);
    return 0;
}
