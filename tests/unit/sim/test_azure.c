/* The mission in simulation: what has to hold holds, and bugs put in on purpose are found. */
#include "tests/sim/azure.h"
#include "tests/unit/unit.h"

#define SEEDS_PER_PLANT 30u

static struct config_loader *loader;

static void set_up(void)
{
    loader = config_loader_new();
}

static void tear_down(void)
{
    config_loader_free(loader);
}

/* True when one of the first seeds fails, or does not do the same twice. */
static bool is_found(enum azure_plant plant)
{
    for (uint64_t seed = 1; seed <= SEEDS_PER_PLANT; seed++) {
        struct azure_run run = {.loader = loader, .plant = plant};
        struct azure_run again = {.loader = loader, .plant = plant, .number = 1};
        if (!azure_scenario_run(seed, &run) || !azure_scenario_run(seed, &again) ||
            run.hash != again.hash) {
            return true;
        }
    }
    return false;
}

START_TEST(nothing_protected_is_ever_in_the_clear_whatever_goes_wrong)
{
    for (uint64_t seed = 2000; seed < 2020; seed++) {
        struct azure_run run = {.loader = loader};
        ck_assert_msg(azure_scenario_run(seed, &run), "seed %llu: %s", (unsigned long long)seed,
                      run.text);
        ck_assert_uint_gt(run.checks, 100);
    }
}
END_TEST

START_TEST(a_planted_bug_rings)
{
    enum azure_plant plant = (enum azure_plant)_i;
    ck_assert_msg(is_found(plant), "%s was not found", azure_plant_name(plant));
}
END_TEST

static void only_seed(enum azure_plant plant, const char *expected)
{
    struct azure_run run = {.loader = loader, .plant = plant};
    for (uint64_t seed = 1; seed <= SEEDS_PER_PLANT; seed++) {
        if (!azure_scenario_run(seed, &run) && strstr(run.text, expected) != NULL) {
            return;
        }
    }
    ck_abort_msg("%s: never \"%s\", lastly \"%s\"", azure_plant_name(plant), expected, run.text);
}

START_TEST(what_rings_is_what_was_planted)
{
    only_seed(PLANT_NO_GUARDS, "nothing guards");
    only_seed(PLANT_WRONG_LINK, "leaves in the clear");
    only_seed(PLANT_WRONG_CLASS, "leaves in the clear");
    only_seed(PLANT_CLEAR_ANNOUNCEMENT, "comes back in the clear");
    only_seed(PLANT_FAIL_OPEN, "comes back in the clear");
    only_seed(PLANT_NO_DELETES, "left over");
    only_seed(PLANT_NO_PINS, "in peace");
    only_seed(PLANT_NO_OVERRULES, "not overruled");
    only_seed(PLANT_STOPPED_TIMER, "timer hold is not armed");
    only_seed(PLANT_PAST_TIMER, "a timer of the past");
    only_seed(PLANT_KEPT_CONN, "connections are open");
    only_seed(PLANT_KEPT_HANDLE, "left of somebody who is gone");
    only_seed(PLANT_DEAF, "still go into tunnel");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("azure");
    TCase *tcase = tcase_create("azure");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, nothing_protected_is_ever_in_the_clear_whatever_goes_wrong);
    tcase_add_loop_test(tcase, a_planted_bug_rings, PLANT_NONE + 1, PLANT_COUNT);
    tcase_add_test(tcase, what_rings_is_what_was_planted);
    suite_add_tcase(suite, tcase);
    return suite;
}
