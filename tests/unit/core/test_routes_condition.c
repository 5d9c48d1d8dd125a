/* Conditional advertisement: what an advertise-map permits follows the table in the same turn. */
#include "proto/base/mem.h"
#include "tests/unit/core/five_ends.h"

#define ISP    "203.0.113.0/24"  /* what the condition looks for */
#define BACKUP "198.51.100.0/24" /* what is sent on the condition */
#define OTHER  "192.168.0.0/16"

static void fill_map(struct config *config, struct prefix_list_def *list, struct route_map_def *map,
                     const char *name, const char *prefix)
{
    struct prefix_list_entry_def *entry = arena_alloc(&config->arena, sizeof *entry);
    struct route_map_entry_def *clause = arena_alloc(&config->arena, sizeof *clause);
    struct match_def *match = arena_alloc(&config->arena, sizeof *match);
    struct prefix wanted = prefix_of(prefix);
    *entry = (struct prefix_list_entry_def){
        .sequence = 5, .is_permit = true, .prefix = wanted, .le_bits = wanted.len_bits};
    *list =
        (struct prefix_list_def){.name = name, .family = IP_V4, .entries = entry, .entry_count = 1};
    *match = (struct match_def){.kind = MATCH_PREFIX_LIST, .name = name, .family = IP_V4};
    *clause = (struct route_map_entry_def){
        .sequence = 10, .is_permit = true, .matches = match, .match_count = 1};
    *map = (struct route_map_def){.name = name, .entries = clause, .entry_count = 1};
}

/* B is told the routes of map "backup" on the condition of map "isp". */
static struct config *condition_config(bool is_absence, const char *looked_for)
{
    struct config *config = five_config();
    struct prefix_list_def *lists = arena_alloc(&config->arena, 2 * sizeof *lists);
    struct route_map_def *maps = arena_alloc(&config->arena, 2 * sizeof *maps);
    fill_map(config, &lists[0], &maps[0], "backup", BACKUP);
    fill_map(config, &lists[1], &maps[1], "isp", looked_for);
    config->policy.prefix_lists = lists;
    config->policy.prefix_list_count = 2;
    config->policy.route_maps = maps;
    config->policy.route_map_count = 2;
    struct config_family *family = &config_neighbor_of(config, B)->families[0];
    family->advertise_map = "backup";
    family->condition_map = "isp";
    family->condition_is_absence = is_absence;
    config_network_add(config, BACKUP, 0);
    config_network_add(config, OTHER, 0);
    return config;
}

static bool is_told(struct table_top *top, const char *prefix)
{
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], OTHER));  /* what is not asked about */
    ck_assert_ptr_nonnull(far_route_find(&top->ends[4], BACKUP)); /* who has no condition */
    return far_route_find(&top->ends[1], prefix) != NULL;
}

START_TEST(non_exist_map_sends_while_nothing_matches)
{
    struct table_top *top = five();
    five_up(top, condition_config(true, ISP));
    ck_assert(is_told(top, BACKUP));
    far_announce(top, &top->ends[0], ISP);
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    far_announce(top, &top->ends[4], ISP); /* a second path: one of them is enough */
    far_withdraw(top, &top->ends[0], ISP);
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    far_close(top, &top->ends[4]);
    top_settle(top);
    ck_assert(far_route_find(&top->ends[1], BACKUP) != NULL);
    top_free(top);
}
END_TEST

START_TEST(exist_map_sends_while_something_matches)
{
    struct table_top *top = five();
    five_up(top, condition_config(false, ISP));
    ck_assert(!is_told(top, BACKUP));
    far_announce(top, &top->ends[0], ISP);
    top_settle(top);
    ck_assert(is_told(top, BACKUP));
    /* A path that is not usable is none. */
    struct far_attrs loop = {.asns = (uint32_t[]){64501, 65001}, .asn_count = 2};
    far_announce_with(top, &top->ends[0], ISP, &loop);
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    top_free(top);
}
END_TEST

/* No timer is involved: the time stands still from the withdrawal to the announcement. */
START_TEST(a_condition_is_answered_in_the_same_turn)
{
    struct table_top *top = five();
    five_up(top, condition_config(true, ISP));
    far_announce(top, &top->ends[0], ISP);
    top_settle(top);
    uint32_t withdrawals = top->ends[1].withdrawals;
    struct mono_time before = top->now;
    far_withdraw(top, &top->ends[0], ISP);
    bool has_more = core_work(top->core, top->now, 256); /* one turn */
    struct core_action action;
    while (core_take_action(top->core, &action)) {
        top_act(top, &action);
    }
    ck_assert(!has_more);
    ck_assert(far_route_find(&top->ends[1], BACKUP) != NULL);
    ck_assert_int_eq(top->now.ns, before.ns);
    ck_assert_uint_eq(top->ends[1].withdrawals, withdrawals + 1); /* of ISP itself */
    top_free(top);
}
END_TEST

START_TEST(conditional_routes_that_come_and_go_obey_too)
{
    struct table_top *top = five();
    struct config *config = condition_config(false, ISP);
    config->bgp.families[0].network_count = 0;
    config_network_add(config, OTHER, 0);
    five_up(top, config);
    far_announce(top, &top->ends[0], BACKUP); /* learned while the condition is not met */
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    far_announce(top, &top->ends[0], ISP);
    top_settle(top);
    ck_assert(is_told(top, BACKUP));
    far_withdraw(top, &top->ends[0], BACKUP);
    top_settle(top);
    ck_assert_ptr_null(far_route_find(&top->ends[1], BACKUP));
    far_withdraw(top, &top->ends[0], ISP);
    far_announce(top, &top->ends[0], BACKUP);
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    top_free(top);
}
END_TEST

START_TEST(a_changed_condition_is_found_anew_without_a_reset)
{
    struct table_top *top = five();
    five_up(top, condition_config(true, ISP));
    far_announce(top, &top->ends[0], ISP);
    top_settle(top);
    ck_assert(!is_told(top, BACKUP));
    top_configure(top, condition_config(true, "10.99.0.0/16")); /* which is not there */
    ck_assert(is_told(top, BACKUP));
    top_configure(top, condition_config(false, "10.99.0.0/16"));
    ck_assert(!is_told(top, BACKUP));
    struct config *config = five_config();
    config_network_add(config, BACKUP, 0);
    config_network_add(config, OTHER, 0);
    top_configure(top, config);
    ck_assert(is_told(top, BACKUP));
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
    ck_assert_int_eq(mem_blocks(MEM_ROUTE), 0);
}
END_TEST

/* A map that is not there permits nothing. */
START_TEST(a_condition_map_that_does_not_exist_matches_nothing)
{
    for (int is_absence = 0; is_absence < 2; is_absence++) {
        struct table_top *top = five();
        struct config *config = condition_config(is_absence == 1, ISP);
        config_neighbor_of(config, B)->families[0].condition_map = "missing";
        five_up(top, config);
        far_announce(top, &top->ends[0], ISP);
        top_settle(top);
        ck_assert_int_eq(is_told(top, BACKUP), is_absence == 1);
        top_free(top);
    }
}
END_TEST

/* However small the slices are: nothing is told before the whole table has been looked at. */
START_TEST(nothing_conditional_goes_out_before_the_table_is_known)
{
    struct table_top *top = five();
    struct config *config = five_config();
    config_network_add(config, BACKUP, 0);
    config_network_add(config, OTHER, 0);
    top->ends[1].refuses_connects = true;
    top_configure(top, config);
    top_wait_s(top, 30);
    far_announce(top, &top->ends[0], ISP);
    for (uint32_t i = 0; i < 200; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.%u.0.0/16", i);
        far_announce(top, &top->ends[0], prefix);
    }
    top_settle(top);
    struct core_event event = {.kind = EVENT_CONFIG, .config = condition_config(true, ISP)};
    top_feed(top, &event);
    top->ends[1].refuses_connects = false;
    for (int i = 0; i < 60; i++) {
        top_settle_slices(top, 1);
        ck_assert_ptr_null(far_route_find(&top->ends[1], BACKUP));
        top_wait_s(top, 1);
    }
    ck_assert(top->ends[1].is_up);
    ck_assert_uint_eq(top->ends[1].withdrawals, 0);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_condition");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, non_exist_map_sends_while_nothing_matches);
    tcase_add_test(tcase, exist_map_sends_while_something_matches);
    tcase_add_test(tcase, a_condition_is_answered_in_the_same_turn);
    tcase_add_test(tcase, conditional_routes_that_come_and_go_obey_too);
    tcase_add_test(tcase, a_changed_condition_is_found_anew_without_a_reset);
    tcase_add_test(tcase, a_condition_map_that_does_not_exist_matches_nothing);
    tcase_add_test(tcase, nothing_conditional_goes_out_before_the_table_is_known);
    suite_add_tcase(suite, tcase);
    return suite;
}
