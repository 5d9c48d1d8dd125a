/* MD5 (RFC 1321) and SHA-1 (RFC 3174) of short messages. Only for formats that prescribe them; new
 * uses have better choices. */
#ifndef PROTO_BASE_DIGEST_H
#define PROTO_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_MD5_BYTES  16u
#define DIGEST_SHA1_BYTES 20u

void digest_md5(const uint8_t *octets, size_t size, uint8_t digest_out[DIGEST_MD5_BYTES]);
void digest_sha1(const uint8_t *octets, size_t size, uint8_t digest_out[DIGEST_SHA1_BYTES]);

/* Takes as long whatever differs. */
bool digest_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
