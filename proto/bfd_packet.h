/* BFD control packets (RFC 5880 4) as plain values, and the reception checks that need no session
 * (RFC 5880 6.8.6 up to the discriminators). */
#ifndef PROTO_BFD_PACKET_H
#define PROTO_BFD_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/cursor.h"

#define BFD_PORT_SINGLE_HOP   3784
#define BFD_PORT_MULTIHOP     4784
#define BFD_PACKET_BYTES      24u
#define BFD_AUTH_SECRET_MAX   20u /* a SHA1 digest; passwords have 16 octets at most */
#define BFD_PACKET_BYTES_MAX  52u /* with the longest authentication section, SHA1 */
#define BFD_AUTH_PASSWORD_MAX 16u
#define BFD_AUTH_MD5_BYTES    24u
#define BFD_AUTH_SHA1_BYTES   28u
#define BFD_AUTH_SECTION_MIN  2u
#define BFD_PROTOCOL_VERSION  1u

enum bfd_state {
    BFD_ADMIN_DOWN = 0,
    BFD_DOWN = 1,
    BFD_INIT = 2,
    BFD_UP = 3,
};

enum bfd_diagnostic {
    BFD_DIAG_NONE = 0,
    BFD_DIAG_TIME_EXPIRED = 1,
    BFD_DIAG_ECHO_FAILED = 2,
    BFD_DIAG_NEIGHBOR_DOWN = 3,
    BFD_DIAG_FORWARDING_RESET = 4,
    BFD_DIAG_PATH_DOWN = 5,
    BFD_DIAG_CONCATENATED_DOWN = 6,
    BFD_DIAG_ADMIN_DOWN = 7,
    BFD_DIAG_REVERSE_CONCATENATED_DOWN = 8,
};

enum bfd_auth_type {
    BFD_AUTH_NONE = 0,
    BFD_AUTH_SIMPLE = 1,
    BFD_AUTH_KEYED_MD5 = 2,
    BFD_AUTH_METICULOUS_MD5 = 3,
    BFD_AUTH_KEYED_SHA1 = 4,
    BFD_AUTH_METICULOUS_SHA1 = 5,
};

struct bfd_auth {
    uint8_t type; /* enum bfd_auth_type, or one nobody has defined */
    uint8_t key_id;
    uint32_t sequence;    /* digests only */
    uint8_t secret_bytes; /* used in secret: the password or the digest; 0 for an unknown type */
    uint8_t secret[BFD_AUTH_SECRET_MAX];
};

struct bfd_packet {
    uint8_t diagnostic; /* 0 to 31: also codes not in enum bfd_diagnostic */
    uint8_t state;      /* enum bfd_state */
    bool poll;
    bool final;
    bool control_plane_independent;
    bool demand;
    bool has_auth;
    uint8_t detect_multiplier;
    uint32_t my_discriminator;
    uint32_t your_discriminator;
    uint32_t desired_min_tx_us;
    uint32_t required_min_rx_us;
    uint32_t required_min_echo_us;
    struct bfd_auth auth;
    struct byte_view octets; /* what was decoded up to its Length; borrowed; empty when made here */
};

/* Why a packet is discarded; each is a counter of its own. The first ones are found by
 * bfd_packet_decode, in this order, the later ones by whoever knows sessions and sockets. */
enum bfd_fault {
    BFD_FAULT_NONE,
    BFD_FAULT_SHORT, /* fewer octets than the fixed part */
    BFD_FAULT_VERSION,
    BFD_FAULT_LENGTH, /* the field against the minimum and the octets that came */
    BFD_FAULT_MULTIPLIER,
    BFD_FAULT_MULTIPOINT,
    BFD_FAULT_MY_DISCRIMINATOR,
    BFD_FAULT_YOUR_DISCRIMINATOR, /* zero in a state that cannot be without one */
    BFD_FAULT_AUTH_FORMAT,
    BFD_FAULT_POLL_AND_FINAL,
    BFD_FAULT_TTL,           /* RFC 5881 5: single hop, not 255 */
    BFD_FAULT_NO_SESSION,    /* nobody is expected there */
    BFD_FAULT_WRONG_SENDER,  /* the discriminator is ours, the address or interface is not */
    BFD_FAULT_AUTH,          /* authenticated when nothing is configured, or the reverse */
    BFD_FAULT_AUTH_KEY,      /* not made with our type, key id and secret */
    BFD_FAULT_AUTH_SEQUENCE, /* RFC 5880 6.7.3, 6.7.4: outside the window, perhaps replayed */
    BFD_FAULT_ADMIN_DOWN,    /* the session is administratively down here */
    BFD_FAULT_COUNT,
};

/* Octets beyond the Length field are ignored. packet_out is whole only for BFD_FAULT_NONE. */
enum bfd_fault bfd_packet_decode(struct byte_view datagram, struct bfd_packet *packet_out);

/* Writes version 1, never multipoint. The secret goes out as given. */
void bfd_packet_encode(struct writer *writer, const struct bfd_packet *packet);

const char *bfd_state_name(uint8_t state);
const char *bfd_diagnostic_name(uint8_t diagnostic);
const char *bfd_fault_name(enum bfd_fault fault);

#endif
