#include "proto/bfd_auth.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/digest.h"

#define DIGEST_AT (BFD_PACKET_BYTES + 8u) /* type, length, key id, reserved, sequence before it */

static bool is_sha1(uint8_t type)
{
    return type == BFD_AUTH_KEYED_SHA1 || type == BFD_AUTH_METICULOUS_SHA1;
}

bool bfd_auth_has_sequence(uint8_t type)
{
    return type >= BFD_AUTH_KEYED_MD5 && type <= BFD_AUTH_METICULOUS_SHA1;
}

bool bfd_auth_is_meticulous(uint8_t type)
{
    return type == BFD_AUTH_METICULOUS_MD5 || type == BFD_AUTH_METICULOUS_SHA1;
}

uint8_t bfd_auth_secret_max(uint8_t type)
{
    return is_sha1(type) ? DIGEST_SHA1_BYTES : BFD_AUTH_PASSWORD_MAX;
}

void bfd_auth_fill(const struct bfd_auth_key *key, uint32_t sequence, struct bfd_auth *auth_out)
{
    bool has_sequence = bfd_auth_has_sequence(key->type);
    ASSERT(key->secret_bytes != 0 && key->secret_bytes <= bfd_auth_secret_max(key->type));
    memset(auth_out, 0, sizeof *auth_out);
    auth_out->type = key->type;
    auth_out->key_id = key->key_id;
    auth_out->sequence = has_sequence ? sequence : 0;
    auth_out->secret_bytes = has_sequence ? bfd_auth_secret_max(key->type) : key->secret_bytes;
    memcpy(auth_out->secret, key->secret, key->secret_bytes);
}

static void make_digest(uint8_t type, const uint8_t *octets, size_t size, uint8_t *digest_out)
{
    if (is_sha1(type)) {
        digest_sha1(octets, size, digest_out);
    } else {
        digest_md5(octets, size, digest_out);
    }
}

void bfd_auth_sign(uint8_t *octets, size_t size)
{
    uint8_t digest[BFD_AUTH_SECRET_MAX];
    uint8_t type = size > BFD_PACKET_BYTES ? octets[BFD_PACKET_BYTES] : BFD_AUTH_NONE;
    if (bfd_auth_has_sequence(type)) {
        ASSERT(size == DIGEST_AT + bfd_auth_secret_max(type));
        make_digest(type, octets, size, digest);
        memcpy(octets + DIGEST_AT, digest, bfd_auth_secret_max(type));
    }
}

bool bfd_auth_verify(const struct bfd_auth_key *key, const struct bfd_packet *packet)
{
    uint8_t octets[BFD_PACKET_BYTES_MAX];
    uint8_t digest[BFD_AUTH_SECRET_MAX];
    uint8_t max = bfd_auth_secret_max(key->type);
    const struct bfd_auth *auth = &packet->auth;
    if (!packet->has_auth || auth->type != key->type || auth->key_id != key->key_id) {
        return false;
    }
    if (!bfd_auth_has_sequence(key->type)) {
        /* Padded: the comparison does not tell where a longer password goes wrong. */
        bool is_same = digest_equal(auth->secret, key->secret, max);
        return is_same && auth->secret_bytes == key->secret_bytes;
    }
    ASSERT(packet->octets.size >= DIGEST_AT + max);
    memcpy(octets, packet->octets.data, DIGEST_AT);
    memset(octets + DIGEST_AT, 0, max);
    memcpy(octets + DIGEST_AT, key->secret, key->secret_bytes);
    make_digest(key->type, octets, DIGEST_AT + max, digest);
    return digest_equal(digest, auth->secret, max);
}
