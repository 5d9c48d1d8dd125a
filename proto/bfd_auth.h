/* BFD authentication (RFC 5880 6.7): what a key makes of a packet's octets. */
#ifndef PROTO_BFD_AUTH_H
#define PROTO_BFD_AUTH_H

#include "proto/bfd_packet.h"

struct bfd_auth_key {
    uint8_t type; /* enum bfd_auth_type; NONE: packets are not authenticated */
    uint8_t key_id;
    uint8_t secret_bytes; /* 1 to bfd_auth_secret_max(type) */
    uint8_t secret[BFD_AUTH_SECRET_MAX];
};

/* Octets a secret of this type may have: 16 for passwords and MD5, 20 for SHA-1. */
uint8_t bfd_auth_secret_max(uint8_t type);

bool bfd_auth_has_sequence(uint8_t type);
bool bfd_auth_is_meticulous(uint8_t type);

/* The section of a packet to be sent. For digests the secret, padded with zeros, stands where
 * bfd_auth_sign will put the digest. The key's type is not NONE. */
void bfd_auth_fill(const struct bfd_auth_key *key, uint32_t sequence, struct bfd_auth *auth_out);

/* Turns an encoded packet into what goes out: for the types with a digest, puts it in the place of
 * the secret. */
void bfd_auth_sign(uint8_t *octets, size_t size);

/* Whether this key made the packet, which bfd_packet_decode has just read: type, key id, password
 * or digest. The comparison takes as long whatever differs. Sequence numbers are the session's
 * business. */
bool bfd_auth_verify(const struct bfd_auth_key *key, const struct bfd_packet *packet);

#endif
