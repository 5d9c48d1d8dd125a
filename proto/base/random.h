/* Reproducible randomness from a seed (xoshiro256**). The only randomness of the core. */
#ifndef PROTO_BASE_RANDOM_H
#define PROTO_BASE_RANDOM_H

#include <stdint.h>

struct random_source {
    uint64_t state[4];
};

void random_init(struct random_source *source, uint64_t seed);
uint64_t random_u64(struct random_source *source);

/* Uniform in [0, bound); bound > 0. */
uint32_t random_below(struct random_source *source, uint32_t bound);

#endif
