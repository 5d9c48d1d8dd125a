#include "proto/base/digest.h"

#include <string.h>

#include "proto/base/cursor.h"

#define BLOCK_BYTES  64u
#define LENGTH_BYTES 8u

static uint32_t rotate_left(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

/* Both pad alike: a one bit, zeros, the length in bits. Calls block for each whole block. */
static void digest_blocks(const uint8_t *octets, size_t size, bool is_big_endian, uint32_t *state,
                          void (*block)(uint32_t *state, const uint8_t octets[BLOCK_BYTES]))
{
    uint8_t last[2 * BLOCK_BYTES] = {0};
    size_t whole = size / BLOCK_BYTES * BLOCK_BYTES;
    size_t rest = size - whole;
    size_t last_size = rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    for (size_t at = 0; at < whole; at += BLOCK_BYTES) {
        block(state, octets + at);
    }
    if (rest != 0) {
        memcpy(last, octets + whole, rest);
    }
    last[rest] = 0x80;
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        size_t shift = is_big_endian ? LENGTH_BYTES - 1 - i : i;
        last[last_size - LENGTH_BYTES + i] = (uint8_t)((uint64_t)size * 8 >> (8 * shift));
    }
    for (size_t at = 0; at < last_size; at += BLOCK_BYTES) {
        block(state, last + at);
    }
}

/* ---- MD5 ---- */

/* RFC 1321 3.4: floor(2^32 * |sin(i + 1)|). */
static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void md5_block(uint32_t *state, const uint8_t octets[BLOCK_BYTES])
{
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static const uint8_t steps[4][2] = {{1, 0}, {5, 1}, {3, 5}, {7, 0}};
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t round = i / 16;
        uint32_t word = (i * steps[round][0] + steps[round][1]) % 16 * 4;
        uint32_t mix = round == 0   ? (b & c) | (~b & d)
                       : round == 1 ? (b & d) | (c & ~d)
                       : round == 2 ? b ^ c ^ d
                                    : c ^ (b | ~d);
        uint32_t value = (uint32_t)octets[word] | (uint32_t)octets[word + 1] << 8 |
                         (uint32_t)octets[word + 2] << 16 | (uint32_t)octets[word + 3] << 24;
        uint32_t sum = a + mix + value + md5_sines[i];
        a = d;
        d = c;
        c = b;
        b += rotate_left(sum, shifts[round][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void digest_md5(const uint8_t *octets, size_t size, uint8_t digest_out[DIGEST_MD5_BYTES])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    digest_blocks(octets, size, false, state, md5_block);
    for (size_t i = 0; i < DIGEST_MD5_BYTES; i++) {
        digest_out[i] = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
    }
}

/* ---- SHA-1 ---- */

static void sha1_block(uint32_t *state, const uint8_t octets[BLOCK_BYTES])
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t words[80];
    uint32_t v[5];
    for (uint32_t i = 0; i < 16; i++) {
        words[i] = load_be32(octets + (size_t)i * 4);
    }
    for (uint32_t i = 16; i < 80; i++) {
        words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    memcpy(v, state, sizeof v);
    for (uint32_t i = 0; i < 80; i++) {
        uint32_t round = i / 20;
        uint32_t mix = round == 0   ? (v[1] & v[2]) | (~v[1] & v[3])
                       : round == 2 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])
                                    : v[1] ^ v[2] ^ v[3];
        uint32_t sum = rotate_left(v[0], 5) + mix + v[4] + words[i] + constants[round];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate_left(v[1], 30);
        v[1] = v[0];
        v[0] = sum;
    }
    for (uint32_t i = 0; i < 5; i++) {
        state[i] += v[i];
    }
}

void digest_sha1(const uint8_t *octets, size_t size, uint8_t digest_out[DIGEST_SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    digest_blocks(octets, size, true, state, sha1_block);
    for (size_t i = 0; i < DIGEST_SHA1_BYTES; i++) {
        digest_out[i] = (uint8_t)(state[i / 4] >> (8 * (3 - i % 4)));
    }
}

bool digest_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}
