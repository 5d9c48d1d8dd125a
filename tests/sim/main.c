/* build/sim --seeds N [--seed S]: runs N scenarios, from seed S on, each twice; one line per
 * failure with the command that shows it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_world.h"

static int run_one(uint64_t seed, bool is_verbose)
{
    char text[SIM_TEXT_BYTES];
    uint64_t first;
    uint64_t second;
    const char *failure = sim_scenario_run(seed, is_verbose, text, &first);
    if (failure != NULL) {
        printf("seed %llu: %s; build/sim --seeds 1 --verbose --seed %llu\n",
               (unsigned long long)seed, failure, (unsigned long long)seed);
        return 1;
    }
    failure = sim_scenario_run(seed, false, text, &second);
    if (failure != NULL || first != second) {
        printf("seed %llu: a second run differs; build/sim --seeds 1 --verbose --seed %llu\n",
               (unsigned long long)seed, (unsigned long long)seed);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    uint64_t count = 64;
    bool is_verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--verbose") == 0) {
            is_verbose = true;
        } else {
            fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--verbose]\n");
            return 2;
        }
    }
    unsigned failed = 0;
    for (uint64_t i = 0; i < count; i++) {
        failed += (unsigned)run_one(seed + i, is_verbose);
    }
    printf("sim: %llu seeds, %u failed\n", (unsigned long long)count, failed);
    return failed == 0 ? 0 : 1;
}
