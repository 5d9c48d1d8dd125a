/* BFD control packets (RFC 5880 4.1 to 4.4). */
#include "proto/bfd_packet.h"

#include <string.h>

#include "proto/base/assert.h"

#define FLAG_POLL       0x20u
#define FLAG_FINAL      0x10u
#define FLAG_CPI        0x08u
#define FLAG_AUTH       0x04u
#define FLAG_DEMAND     0x02u
#define FLAG_MULTIPOINT 0x01u

#define VERSION_SHIFT 5u
#define STATE_SHIFT   6u

static bool is_digest(uint8_t auth_type)
{
    return auth_type >= BFD_AUTH_KEYED_MD5 && auth_type <= BFD_AUTH_METICULOUS_SHA1;
}

/* Octets of a digest section: RFC 5880 4.3 and 4.4 give one length each. */
static size_t digest_section_bytes(uint8_t auth_type)
{
    return auth_type <= BFD_AUTH_METICULOUS_MD5 ? BFD_AUTH_MD5_BYTES : BFD_AUTH_SHA1_BYTES;
}

static bool decode_auth(struct reader section, struct bfd_auth *auth_out)
{
    size_t total = reader_left(&section);
    auth_out->type = reader_u8(&section);
    size_t bytes = reader_u8(&section);
    if (bytes < BFD_AUTH_SECTION_MIN || bytes > total) {
        return false;
    }
    bool is_known = auth_out->type == BFD_AUTH_SIMPLE || is_digest(auth_out->type);
    if (!is_known) {
        return true; /* Nobody here has a key for it: refused later, by name. */
    }
    auth_out->key_id = reader_u8(&section);
    size_t secret = bytes - 3;
    if (auth_out->type == BFD_AUTH_SIMPLE) {
        if (bytes < 4 || secret > BFD_AUTH_PASSWORD_MAX) {
            return false;
        }
    } else {
        if (bytes != digest_section_bytes(auth_out->type)) {
            return false;
        }
        (void)reader_u8(&section); /* Reserved: ignored on receipt. */
        auth_out->sequence = reader_u32(&section);
        secret = bytes - 8;
    }
    struct byte_view view = reader_view(&section, secret);
    if (section.failed) {
        return false;
    }
    memcpy(auth_out->secret, view.data, view.size);
    auth_out->secret_bytes = (uint8_t)view.size;
    return true;
}

enum bfd_fault bfd_packet_decode(struct byte_view datagram, struct bfd_packet *packet_out)
{
    struct reader reader = reader_of_view(datagram);
    memset(packet_out, 0, sizeof *packet_out);
    if (datagram.size < BFD_PACKET_BYTES) {
        return BFD_FAULT_SHORT;
    }
    uint8_t first = reader_u8(&reader);
    uint8_t flags = reader_u8(&reader);
    packet_out->detect_multiplier = reader_u8(&reader);
    size_t length = reader_u8(&reader);
    packet_out->diagnostic = first & 0x1f;
    packet_out->state = flags >> STATE_SHIFT;
    packet_out->poll = flags & FLAG_POLL;
    packet_out->final = flags & FLAG_FINAL;
    packet_out->control_plane_independent = flags & FLAG_CPI;
    packet_out->has_auth = flags & FLAG_AUTH;
    packet_out->demand = flags & FLAG_DEMAND;
    packet_out->my_discriminator = reader_u32(&reader);
    packet_out->your_discriminator = reader_u32(&reader);
    packet_out->desired_min_tx_us = reader_u32(&reader);
    packet_out->required_min_rx_us = reader_u32(&reader);
    packet_out->required_min_echo_us = reader_u32(&reader);
    size_t minimum = BFD_PACKET_BYTES + (packet_out->has_auth ? BFD_AUTH_SECTION_MIN : 0);
    if (first >> VERSION_SHIFT != BFD_PROTOCOL_VERSION) {
        return BFD_FAULT_VERSION;
    }
    if (length < minimum || length > datagram.size) {
        return BFD_FAULT_LENGTH;
    }
    packet_out->octets = (struct byte_view){datagram.data, length};
    if (packet_out->detect_multiplier == 0) {
        return BFD_FAULT_MULTIPLIER;
    }
    if (flags & FLAG_MULTIPOINT) {
        return BFD_FAULT_MULTIPOINT;
    }
    if (packet_out->my_discriminator == 0) {
        return BFD_FAULT_MY_DISCRIMINATOR;
    }
    if (packet_out->your_discriminator == 0 && packet_out->state != BFD_DOWN &&
        packet_out->state != BFD_ADMIN_DOWN) {
        return BFD_FAULT_YOUR_DISCRIMINATOR;
    }
    if (packet_out->has_auth &&
        !decode_auth(reader_sub(&reader, length - BFD_PACKET_BYTES), &packet_out->auth)) {
        return BFD_FAULT_AUTH_FORMAT;
    }
    if (packet_out->poll && packet_out->final) {
        return BFD_FAULT_POLL_AND_FINAL;
    }
    return BFD_FAULT_NONE;
}

static size_t auth_section_bytes(const struct bfd_packet *packet)
{
    if (!packet->has_auth) {
        return 0;
    }
    if (packet->auth.type == BFD_AUTH_SIMPLE) {
        return 3u + packet->auth.secret_bytes;
    }
    return is_digest(packet->auth.type) ? digest_section_bytes(packet->auth.type)
                                        : BFD_AUTH_SECTION_MIN;
}

static void encode_auth(struct writer *writer, const struct bfd_packet *packet)
{
    const struct bfd_auth *auth = &packet->auth;
    ASSERT(auth->secret_bytes <= sizeof auth->secret);
    writer_u8(writer, auth->type);
    writer_u8(writer, (uint8_t)auth_section_bytes(packet));
    if (auth->type != BFD_AUTH_SIMPLE && !is_digest(auth->type)) {
        return;
    }
    writer_u8(writer, auth->key_id);
    if (is_digest(auth->type)) {
        ASSERT(auth->secret_bytes + 8u == digest_section_bytes(auth->type));
        writer_u8(writer, 0);
        writer_u32(writer, auth->sequence);
    }
    writer_bytes(writer, auth->secret, auth->secret_bytes);
}

void bfd_packet_encode(struct writer *writer, const struct bfd_packet *packet)
{
    unsigned flags = (unsigned)packet->state << STATE_SHIFT;
    flags |= packet->poll ? FLAG_POLL : 0;
    flags |= packet->final ? FLAG_FINAL : 0;
    flags |= packet->control_plane_independent ? FLAG_CPI : 0;
    flags |= packet->has_auth ? FLAG_AUTH : 0;
    flags |= packet->demand ? FLAG_DEMAND : 0;
    ASSERT(packet->state <= BFD_UP && packet->diagnostic < 32);
    writer_u8(writer, (uint8_t)(BFD_PROTOCOL_VERSION << VERSION_SHIFT | packet->diagnostic));
    writer_u8(writer, (uint8_t)flags);
    writer_u8(writer, packet->detect_multiplier);
    writer_u8(writer, (uint8_t)(BFD_PACKET_BYTES + auth_section_bytes(packet)));
    writer_u32(writer, packet->my_discriminator);
    writer_u32(writer, packet->your_discriminator);
    writer_u32(writer, packet->desired_min_tx_us);
    writer_u32(writer, packet->required_min_rx_us);
    writer_u32(writer, packet->required_min_echo_us);
    if (packet->has_auth) {
        encode_auth(writer, packet);
    }
}

const char *bfd_state_name(uint8_t state)
{
    static const char *const names[] = {"admin-down", "down", "init", "up"};
    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

const char *bfd_diagnostic_name(uint8_t diagnostic)
{
    static const char *const names[] = {
        "no diagnostic",
        "control detection time expired",
        "echo function failed",
        "neighbor signaled down",
        "forwarding plane reset",
        "path down",
        "concatenated path down",
        "administratively down",
        "reverse concatenated path down",
    };
    return diagnostic < sizeof names / sizeof names[0] ? names[diagnostic] : "unknown diagnostic";
}

const char *bfd_fault_name(enum bfd_fault fault)
{
    static const char *const names[BFD_FAULT_COUNT] = {
        [BFD_FAULT_NONE] = "accepted",
        [BFD_FAULT_SHORT] = "too short",
        [BFD_FAULT_VERSION] = "wrong version",
        [BFD_FAULT_LENGTH] = "wrong length field",
        [BFD_FAULT_MULTIPLIER] = "detect multiplier 0",
        [BFD_FAULT_MULTIPOINT] = "multipoint bit set",
        [BFD_FAULT_MY_DISCRIMINATOR] = "my discriminator 0",
        [BFD_FAULT_YOUR_DISCRIMINATOR] = "your discriminator 0 in init or up",
        [BFD_FAULT_AUTH_FORMAT] = "malformed authentication",
        [BFD_FAULT_POLL_AND_FINAL] = "poll and final together",
        [BFD_FAULT_TTL] = "TTL is not 255",
        [BFD_FAULT_NO_SESSION] = "no such session",
        [BFD_FAULT_WRONG_SENDER] = "wrong sender for the discriminator",
        [BFD_FAULT_AUTH] = "authentication not as configured",
        [BFD_FAULT_AUTH_KEY] = "wrong authentication type, key id or secret",
        [BFD_FAULT_AUTH_SEQUENCE] = "authentication sequence number outside its window",
        [BFD_FAULT_ADMIN_DOWN] = "session administratively down",
    };
    return fault < BFD_FAULT_COUNT ? names[fault] : "unknown";
}
