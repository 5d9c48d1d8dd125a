#include "proto/base/random.h"

#include "proto/base/assert.h"

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

void random_init(struct random_source *source, uint64_t seed)
{
    /* splitmix64 spreads any seed, also 0, over the whole state. */
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        source->state[i] = z ^ (z >> 31);
    }
}

uint64_t random_u64(struct random_source *source)
{
    uint64_t *s = source->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t random_below(struct random_source *source, uint32_t bound)
{
    ASSERT(bound > 0);
    return (uint32_t)(((random_u64(source) >> 32) * bound) >> 32);
}
