/* Numbers of paths for ADD-PATH, and the choice of several paths against an obvious computation. */
#include "rib/out_paths.h"
#include "tests/unit/rib/rib_fixture.h"

struct paths_stage {
    struct rib_fixture base;
    struct out_paths *paths;
    struct prefix prefix;
    dest_id dest;
    uint16_t source;
};

static void stage_init(struct paths_stage *stage)
{
    fixture_init(&stage->base, AFI_SAFI_IPV4_UNICAST);
    stage->source = fixture_source(&stage->base, SOURCE_PEER_EBGP, 0x0a000001, 1);
    stage->prefix = fixture_prefix(0x0a010000, 16);
    struct attr_set *set = fixture_set(&stage->base, 1);
    fixture_put(&stage->base, stage->source, &stage->prefix, set);
    attr_set_unref(stage->base.attrs, set);
    stage->dest = loc_rib_find(stage->base.rib, &stage->prefix);
    stage->paths = out_paths_new(stage->base.rib);
}

static void decide(struct paths_stage *stage)
{
    struct decision_options options = {.default_local_pref = 100, .multipath_ebgp_max = 1};
    struct decision_result result;
    dest_id dest;
    while ((dest = loc_rib_take_dirty(stage->base.rib)) != 0) {
        decision_run(stage->base.rib, dest, PATH_CLASS_ANY, &options, &result);
    }
}

static void stage_fini(struct paths_stage *stage)
{
    out_paths_free(stage->paths);
    fixture_fini(&stage->base);
}

START_TEST(a_path_keeps_its_number_while_anybody_holds_it)
{
    struct paths_stage stage;
    stage_init(&stage);
    uint32_t first = out_paths_take(stage.paths, stage.dest, stage.source, 7);
    uint32_t second = out_paths_take(stage.paths, stage.dest, stage.source, 8);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(out_paths_take(stage.paths, stage.dest, stage.source, 7), first);
    out_path_release(stage.paths, first);
    ck_assert_uint_eq(out_paths_take(stage.paths, stage.dest, stage.source, 7), first);
    ck_assert_uint_eq(out_path_dest(stage.paths, first), stage.dest);
    ck_assert_uint_eq(out_paths_count(stage.paths), 2);
    for (int i = 0; i < 2; i++) {
        out_path_release(stage.paths, first);
    }
    ck_assert_uint_eq(out_paths_count(stage.paths), 1);
    ck_assert_uint_eq(out_paths_next(stage.paths, stage.dest, 0), second);
    ck_assert_uint_eq(out_paths_next(stage.paths, stage.dest, second), 0);
    out_path_release(stage.paths, second);
    ck_assert_uint_eq(out_paths_next(stage.paths, stage.dest, 0), 0);
    stage_fini(&stage);
}
END_TEST

START_TEST(a_number_keeps_its_destination_when_all_routes_are_gone)
{
    struct paths_stage stage;
    stage_init(&stage);
    uint32_t number = out_paths_take(stage.paths, stage.dest, stage.source, 0);
    struct route_view route;
    ck_assert(out_path_route(stage.paths, number, &route));
    (void)adj_rib_in_drop(stage.base.rib, stage.source, UINT32_MAX);
    decide(&stage);
    ck_assert(!out_path_route(stage.paths, number, &route));
    ck_assert_uint_eq(loc_rib_find(stage.base.rib, &stage.prefix), stage.dest);
    out_path_release(stage.paths, number);
    decide(&stage);
    ck_assert_uint_eq(loc_rib_find(stage.base.rib, &stage.prefix), 0);
    stage_fini(&stage);
}
END_TEST

START_TEST(what_a_round_did_not_take_is_not_current)
{
    struct paths_stage stage;
    stage_init(&stage);
    uint32_t first = out_paths_take(stage.paths, stage.dest, stage.source, 7);
    uint32_t second = out_paths_take(stage.paths, stage.dest, stage.source, 8);
    out_paths_begin_round(stage.paths);
    ck_assert(!out_path_is_current(stage.paths, first));
    (void)out_paths_take(stage.paths, stage.dest, stage.source, 8);
    ck_assert(!out_path_is_current(stage.paths, first));
    ck_assert(out_path_is_current(stage.paths, second));
    out_path_release(stage.paths, first);
    out_path_release(stage.paths, second);
    out_path_release(stage.paths, second);
    stage_fini(&stage);
}
END_TEST

/* ---- Selection ---- */

#define PATHS 24u

/* Drops the routes in want order from a second table one after the other: the best path each time
 * is what selection promises. */
static void best_by_removal(struct paths_stage *stage, uint32_t max, uint32_t *ids_out)
{
    struct attr_set *taken[PATHS];
    for (uint32_t i = 0; i < max; i++) {
        struct route_view best;
        ck_assert(dest_best(stage->base.rib, stage->dest, &best));
        ids_out[i] = best.path_id;
        taken[i] = attr_set_ref(best.received);
        (void)adj_rib_in_remove(stage->base.rib, stage->source, &stage->prefix, best.path_id);
        decide(stage);
    }
    for (uint32_t i = 0; i < max; i++) {
        adj_rib_in_put(stage->base.rib, stage->source, &stage->prefix, ids_out[i], taken[i],
                       taken[i], DECISION_NONE, (struct mono_time){0});
        attr_set_unref(stage->base.attrs, taken[i]);
    }
    decide(stage);
}

START_TEST(several_best_paths_are_what_removal_of_the_best_would_show)
{
    static struct nexthop nexthop = {.state = NEXTHOP_RESOLVED};
    struct paths_stage stage;
    struct random_source random;
    struct decision_options options = {.default_local_pref = 100, .multipath_ebgp_max = 1};
    random_init(&random, (uint64_t)_i + 1);
    stage_init(&stage);
    (void)adj_rib_in_remove(stage.base.rib, stage.source, &stage.prefix, 0);
    dest_hold(stage.base.rib, stage.dest);
    uint32_t asn_of[PATHS];
    for (uint32_t id = 0; id < PATHS; id++) {
        uint32_t asns[3] = {65001 + random_below(&random, 4), 65010, 65011};
        struct path_attrs attrs = fixture_attrs(&stage.base, asns, 1 + random_below(&random, 2),
                                                0x0a000001 + random_below(&random, 3));
        path_attrs_set(&attrs, PATH_ATTR_MED);
        attrs.med = random_below(&random, 3);
        attrs.origin = (uint8_t)random_below(&random, 2);
        struct attr_set *set = attr_set_intern(stage.base.attrs, &attrs);
        if (attr_set_nexthop(set) == NULL) {
            attr_set_bind_nexthop(set, &nexthop);
        }
        adj_rib_in_put(stage.base.rib, stage.source, &stage.prefix, id, set, set, DECISION_NONE,
                       (struct mono_time){0});
        attr_set_unref(stage.base.attrs, set);
        asn_of[id] = asns[0];
    }
    decide(&stage);
    uint32_t wanted[PATHS];
    best_by_removal(&stage, PATHS, wanted);
    uint32_t count;
    const uint32_t *selected = decision_select(stage.base.rib, stage.dest, 6, &options, &count);
    ck_assert_uint_eq(count, 6);
    struct route_view route;
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(route_by_number(stage.base.rib, selected[i], &route));
        ck_assert_uint_eq(route.path_id, wanted[i]);
        ck_assert_uint_ne(route.reason, DECISION_NONE); /* asking has changed nothing */
    }
    selected = decision_select(stage.base.rib, stage.dest, 0, &options, &count);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(route_by_number(stage.base.rib, selected[i], &route));
        uint32_t bit = 1u << (asn_of[route.path_id] - 65001);
        ck_assert_uint_eq(seen & bit, 0); /* one path of each AS */
        seen |= bit;
        for (uint32_t k = 0; wanted[k] != route.path_id; k++) { /* and the best of it */
            ck_assert_uint_ne(asn_of[wanted[k]], asn_of[route.path_id]);
        }
    }
    for (uint32_t id = 0; id < PATHS; id++) {
        ck_assert_uint_ne(seen & 1u << (asn_of[id] - 65001), 0);
    }
    (void)adj_rib_in_drop(stage.base.rib, stage.source, UINT32_MAX);
    decide(&stage);
    dest_release(stage.base.rib, stage.dest);
    stage_fini(&stage);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("out_paths");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_path_keeps_its_number_while_anybody_holds_it);
    tcase_add_test(tcase, a_number_keeps_its_destination_when_all_routes_are_gone);
    tcase_add_test(tcase, what_a_round_did_not_take_is_not_current);
    tcase_add_loop_test(tcase, several_best_paths_are_what_removal_of_the_best_would_show, 0, 16);
    suite_add_tcase(suite, tcase);
    return suite;
}
