/* One run: everything comes up, things go wrong in random order, then there is peace and all must
 * be where it belongs, then the daemon leaves. */
#include <stdio.h>

#include "proto/base/hash.h"
#include "proto/base/mem.h"
#include "tests/sim/azure.h"

#define TICK_MS    300
#define FAULTS_MIN 15u
#define FAULTS_MAX 60u
#define PEACE_MS   500000

static const char *const plant_names[PLANT_COUNT] = {
    [PLANT_NONE] = "none",
    [PLANT_NO_GUARDS] = "no-guards",
    [PLANT_WRONG_LINK] = "wrong-link",
    [PLANT_NO_DELETES] = "no-deletes",
    [PLANT_NO_PINS] = "no-pins",
    [PLANT_CLEAR_ANNOUNCEMENT] = "clear-announcement",
    [PLANT_FAIL_OPEN] = "fail-open",
    [PLANT_WRONG_CLASS] = "wrong-class",
    [PLANT_NO_OVERRULES] = "no-overrules",
    [PLANT_DEAF] = "deaf",
    [PLANT_STOPPED_TIMER] = "stopped-timer",
    [PLANT_PAST_TIMER] = "past-timer",
    [PLANT_KEPT_CONN] = "kept-connection",
    [PLANT_KEPT_HANDLE] = "kept-handle",
    [PLANT_CHANCE] = "chance",
};

const char *azure_plant_name(enum azure_plant plant)
{
    return plant_names[plant];
}

static bool is_due(const struct sim_world *world, struct mono_time at)
{
    return !mono_before(world->now, at);
}

static void restarts(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    if (is_due(world, azure->restart_at)) {
        azure->restart_at = MONO_NEVER;
        sim_node_kill(world, azure_ce(world)); /* the rest of a process that was told to stop */
        azure_start(world, AZURE_CE);
    }
    for (uint32_t node = AZURE_MSEE0; node < AZURE_NODE_COUNT; node++) {
        if (is_due(world, azure->far_restart_at[node])) {
            azure->far_restart_at[node] = MONO_NEVER;
            azure_start(world, node);
        }
    }
}

static void schedule_tick(struct sim_world *world)
{
    struct sim_happening tick = {.kind = SIM_SCENARIO, .what = AZURE_TICK};
    sim_schedule(world, mono_span_ms(TICK_MS), &tick);
}

static void happens(struct sim_world *world, const struct sim_happening *happening)
{
    (void)happening;
    azure_tick(world);
    restarts(world);
    azure_check(world, azure_ce(world));
    azure_foreign_tick(world);
    azure_failover_tick(world);
    if (azure_of(world)->plant == PLANT_CHANCE) {
        world->hash = hash_u64(world->hash, azure_of(world)->run_number); /* is not the seed's */
    }
    schedule_tick(world);
}

static void plant(struct sim_world *world, enum azure_plant what)
{
    static const enum model_plant in_the_kernel[PLANT_COUNT] = {
        [PLANT_NO_GUARDS] = MODEL_PLANT_NO_GUARDS,
        [PLANT_WRONG_LINK] = MODEL_PLANT_WRONG_LINK,
        [PLANT_NO_DELETES] = MODEL_PLANT_NO_DELETES,
        [PLANT_NO_PINS] = MODEL_PLANT_NO_HOST_ROUTES,
        [PLANT_NO_OVERRULES] = MODEL_PLANT_NO_OVERRULES,
    };
    static const enum sim_plant in_the_core[PLANT_COUNT] = {
        [PLANT_STOPPED_TIMER] = SIM_PLANT_STOPPED_TIMER,
        [PLANT_PAST_TIMER] = SIM_PLANT_PAST_TIMER,
        [PLANT_KEPT_CONN] = SIM_PLANT_KEPT_CONN,
        [PLANT_KEPT_HANDLE] = SIM_PLANT_KEPT_HANDLE,
    };
    azure_of(world)->plant = what;
    world->plant = in_the_core[what];
    azure_ce(world)->kernel.model.plant = in_the_kernel[what];
}

static void add_points(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    for (uint32_t i = 0; i < AZURE_POINTS_MAX; i++) {
        if (azure->plan->forward_points[i] != NULL) {
            azure->forward[azure->forward_count++].addr =
                azure_addr(azure->plan->forward_points[i]);
        }
        if (azure->plan->return_points[i] != NULL) {
            azure->back[azure->back_count].addr = azure_addr(azure->plan->return_points[i]);
            azure->back[azure->back_count++].exposed = MONO_NEVER;
        }
    }
}

static void begin(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    azure->setup = (struct azure_setup){.has_site = true};
    azure->preference = (enum azure_preference)random_below(&world->random, 3);
    azure->setup.has_evidence = sim_chance(world, 2);
    azure->setup.overrules = sim_chance(world, 2);
    azure->helpers = random_below(&world->random, 1u << AZURE_NODE_COUNT);
    azure_build(world);
    add_points(world);
    for (uint32_t left = AZURE_NODE_COUNT; left > 0; left--) {
        /* In any order; the CE may find the far ends there or not yet. */
        uint32_t node = random_below(&world->random, AZURE_NODE_COUNT);
        azure_start(world, node);
        sim_run_ms(world, random_below(&world->random, 3000));
    }
    for (uint32_t node = 0; node < AZURE_NODE_COUNT; node++) {
        azure_start(world, node);
    }
    if (!sim_chance(world, 4)) {
        sim_run_ms(world, 30000);
    }
}

static void war(struct sim_world *world)
{
    uint32_t count = FAULTS_MIN + random_below(&world->random, FAULTS_MAX - FAULTS_MIN);
    for (uint32_t i = 0; i < count && world->failure[0] == 0; i++) {
        azure_fault(world);
        switch (random_below(&world->random, 6)) {
        case 0:
            break; /* the next one at the same instant */
        case 1:
        case 2:
            sim_run_ms(world, 1 + random_below(&world->random, 30));
            break;
        case 3:
        case 4:
            sim_run_ms(world, 1 + random_below(&world->random, 5000));
            break;
        default:
            sim_run_ms(world, 1 + random_below(&world->random, 60000));
            break;
        }
    }
}

bool azure_scenario_run(uint64_t seed, struct azure_run *run)
{
    int64_t before = mem_blocks(MEM_FIB) + mem_blocks(MEM_ROUTE) + mem_blocks(MEM_PEER);
    struct sim_world *world = sim_world_empty(seed, AZURE_NODE_COUNT);
    struct azure *azure = mem_alloc(MEM_MISC, sizeof *azure);
    world->scenario = azure;
    world->is_verbose = run->is_verbose;
    world->hooks = (struct sim_hooks){.find = azure_find,
                                      .passes = azure_passes,
                                      .check = azure_check,
                                      .happens = happens,
                                      .act = azure_act};
    azure->plan = sim_chance(world, 4) ? &azure_plan_v6 : &azure_plan_v4;
    azure->loader = run->loader;
    azure->run_number = run->number;
    plant(world, run->plant);
    schedule_tick(world);
    begin(world);
    war(world);
    if (world->failure[0] == 0) {
        azure_make_peace(world);
        sim_run_ms(world, PEACE_MS / 2);
        uint32_t dropped = azure_dropped_count(world);
        sim_run_ms(world, PEACE_MS / 2);
        if (azure_dropped_count(world) != dropped) {
            sim_fail(world, "in peace a session went down");
        }
        azure_final_check(world);
    }
    azure_stop_check(world);
    bool is_good = world->failure[0] == 0;
    if (!is_good && run->plant == PLANT_NONE) {
        sim_print_trace(world);
    }
    snprintf(run->text, sizeof run->text, "%s", world->failure);
    run->hash = world->hash;
    run->checks = azure->checks;
    sim_world_free(world);
    mem_free(MEM_MISC, azure);
    int64_t after = mem_blocks(MEM_FIB) + mem_blocks(MEM_ROUTE) + mem_blocks(MEM_PEER);
    if (is_good && after != before) {
        snprintf(run->text, sizeof run->text, "%lld blocks of memory are left over",
                 (long long)(after - before));
        return false;
    }
    return is_good;
}
