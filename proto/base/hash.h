/* Keyed hashing. Tables whose keys a peer can choose pass a random key, so that nobody can aim at
 * one bucket. */
#ifndef PROTO_BASE_HASH_H
#define PROTO_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 of data under key. */
uint64_t hash_bytes(uint64_t key, const void *data, size_t size);

/* A cheap, well-mixing function of one word. */
static inline uint64_t hash_u64(uint64_t key, uint64_t value)
{
    value ^= key;
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93u;
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93u;
    return value ^ (value >> 32);
}

#endif
