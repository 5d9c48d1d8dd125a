/* build/sim [--seeds N] [--seed S] [--part mesh|azure] [--plant NAME] [--verbose]: runs N seeds,
 * from S on, each twice; one line per failure with the command that shows it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/azure.h"

struct options {
    uint64_t seed;
    uint64_t count;
    bool is_verbose;
    bool has_mesh;
    bool has_azure;
    enum azure_plant plant;
};

static void report(const char *part, uint64_t seed, const char *failure)
{
    printf("seed %llu, %s: %s; build/sim --part %s --seeds 1 --verbose --seed %llu\n",
           (unsigned long long)seed, part, failure, part, (unsigned long long)seed);
}

static unsigned run_mesh(const struct options *options, uint64_t seed)
{
    char text[SIM_TEXT_BYTES];
    uint64_t first;
    uint64_t second;
    const char *failure = sim_scenario_run(seed, options->is_verbose, text, &first);
    if (failure == NULL &&
        (sim_scenario_run(seed, false, text, &second) != NULL || first != second)) {
        failure = "a second run differs";
    }
    if (failure != NULL) {
        report("mesh", seed, failure);
    }
    return failure != NULL ? 1 : 0;
}

static unsigned run_azure(const struct options *options, struct config_loader *loader,
                          uint64_t seed, uint64_t *checks)
{
    struct azure_run run = {
        .loader = loader, .is_verbose = options->is_verbose, .plant = options->plant};
    bool is_good = azure_scenario_run(seed, &run);
    struct azure_run again = {.loader = loader, .plant = options->plant, .number = 1};
    *checks += run.checks;
    if (is_good && (!azure_scenario_run(seed, &again) || again.hash != run.hash)) {
        snprintf(run.text, sizeof run.text, "a second run differs");
        is_good = false;
    }
    if (!is_good) {
        report("azure", seed, run.text);
    }
    return is_good ? 0 : 1;
}

static bool read_plant(struct options *options, const char *name)
{
    for (int plant = 0; plant < PLANT_COUNT; plant++) {
        if (strcmp(name, azure_plant_name((enum azure_plant)plant)) == 0) {
            options->plant = (enum azure_plant)plant;
            return true;
        }
    }
    return false;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--seeds") == 0 && has_value) {
            options->count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && has_value) {
            options->seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--part") == 0 && has_value) {
            options->has_mesh = strcmp(argv[++i], "mesh") == 0;
            options->has_azure = strcmp(argv[i], "azure") == 0;
        } else if (strcmp(argv[i], "--plant") == 0 && has_value) {
            if (!read_plant(options, argv[++i])) {
                return false;
            }
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options->is_verbose = true;
        } else {
            return false;
        }
    }
    return options->has_mesh || options->has_azure;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .count = 64, .has_mesh = true, .has_azure = true};
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--part mesh|azure] [--plant NAME] "
                        "[--verbose]\n");
        return 2;
    }
    struct config_loader *loader = config_loader_new();
    uint64_t checks = 0;
    unsigned failed = 0;
    for (uint64_t i = 0; i < options.count; i++) {
        unsigned bad = options.has_mesh ? run_mesh(&options, options.seed + i) : 0;
        bad += options.has_azure ? run_azure(&options, loader, options.seed + i, &checks) : 0;
        failed += bad != 0 ? 1 : 0;
    }
    config_loader_free(loader);
    printf("sim: %llu seeds, %u failed; exposure looked at %llu times\n",
           (unsigned long long)options.count, failed, (unsigned long long)checks);
    printf("%llu passed, %u failed\n", (unsigned long long)options.count - failed, failed);
    return failed == 0 ? 0 : 1;
}
