#include "proto/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(uint64_t key, const void *data, size_t size)
{
    return XXH3_64bits_withSeed(data, size, key);
}
