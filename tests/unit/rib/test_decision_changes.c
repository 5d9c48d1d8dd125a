/* What decision_run says has changed: not too little, or the kernel and the peers go stale; not too
 * much, or every flap is heard everywhere. */
#include "tests/unit/rib/rib_fixture.h"

#define PATHS 3u

struct change_stage {
    struct rib_fixture base;
    struct nexthop hops[PATHS];
    uint16_t sources[PATHS];
    struct prefix prefix;
    dest_id dest;
    struct decision_options options;
    uint32_t allowed;
};

static struct change_stage stage;

/* A set over hop with local preference pref; tag tells sets apart that are otherwise alike. Owes
 * one unref. */
static struct attr_set *hop_set(uint32_t hop, uint32_t pref, uint32_t tag)
{
    uint32_t asn = 65001;
    struct path_attrs attrs = fixture_attrs(&stage.base, &asn, 1, 0x0a000001 + hop);
    path_attrs_set(&attrs, PATH_ATTR_LOCAL_PREF);
    attrs.local_pref = pref;
    attrs.present |= PATH_LOCAL_TAG;
    attrs.tag = tag;
    struct attr_set *set = attr_set_intern(stage.base.attrs, &attrs);
    attr_set_bind_nexthop(set, &stage.hops[hop]);
    arena_reset(&stage.base.arena);
    return set;
}

static void put(uint32_t path, uint32_t hop, uint32_t pref, uint32_t tag)
{
    struct attr_set *set = hop_set(hop, pref, tag);
    fixture_put(&stage.base, stage.sources[path], &stage.prefix, set);
    attr_set_unref(stage.base.attrs, set);
    stage.dest = loc_rib_find(stage.base.rib, &stage.prefix);
}

static void refuse(uint32_t path, uint32_t hop, uint32_t pref)
{
    struct attr_set *set = hop_set(hop, pref, 0);
    adj_rib_in_put(stage.base.rib, stage.sources[path], &stage.prefix, 0, set, NULL,
                   DECISION_POLICY_REJECTED, (struct mono_time){0});
    attr_set_unref(stage.base.attrs, set);
}

static void drop(uint32_t path)
{
    ck_assert_int_eq(adj_rib_in_remove(stage.base.rib, stage.sources[path], &stage.prefix, 0),
                     ROUTE_REMOVED);
}

static struct decision_result decide(void)
{
    struct decision_result result;
    while (loc_rib_take_dirty(stage.base.rib) != 0) {
    }
    decision_run(stage.base.rib, stage.dest, stage.allowed, &stage.options, &result);
    return result;
}

static void expect(bool best_changed, bool forwarding_changed)
{
    uint64_t version = loc_rib_version(stage.base.rib);
    struct decision_result result = decide();
    ck_assert_int_eq(result.best_changed, best_changed);
    ck_assert_int_eq(result.forwarding_changed, forwarding_changed);
    ck_assert_uint_eq(loc_rib_version(stage.base.rib), version + best_changed);
    if (loc_rib_find(stage.base.rib, &stage.prefix) == stage.dest) {
        struct decision_result again = decide();
        ck_assert(!again.best_changed);
        ck_assert(!again.forwarding_changed);
        ck_assert_uint_eq(again.used_count, result.used_count);
        ck_assert_uint_eq(again.backup, result.backup);
    }
}

static void change_init(void)
{
    stage = (struct change_stage){0};
    fixture_init(&stage.base, AFI_SAFI_IPV4_UNICAST);
    stage.prefix = fixture_prefix(0x0a000000, 8);
    stage.allowed = PATH_CLASS_ANY;
    stage.options = (struct decision_options){
        .default_local_pref = 100, .multipath_ebgp_max = 4, .multipath_ibgp_max = 1};
    for (uint32_t i = 0; i < PATHS; i++) {
        stage.hops[i] = (struct nexthop){.state = NEXTHOP_RESOLVED, .metric = 10};
        stage.sources[i] = fixture_source(&stage.base, SOURCE_PEER_EBGP, 0x0a000001 + i, 1 + i);
    }
}

START_TEST(a_first_path_a_better_path_and_the_last_withdrawal_change_the_best)
{
    change_init();
    put(0, 0, 100, 0);
    expect(true, true);
    put(1, 1, 200, 0);
    expect(true, true);
    drop(1);
    expect(true, true);
    refuse(0, 0, 100);
    expect(true, true);
    put(0, 0, 100, 0);
    expect(true, true);
    drop(0);
    expect(true, true);
    ck_assert_uint_eq(loc_rib_dest_count(stage.base.rib), 0);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(other_attributes_of_the_best_path_change_the_best)
{
    change_init();
    put(0, 0, 100, 0);
    expect(true, true);
    put(0, 0, 100, 1);
    expect(true, true);
    put(0, 0, 100, 1);
    expect(false, false);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(a_backup_that_comes_moves_or_goes_changes_forwarding_only)
{
    change_init();
    put(0, 0, 200, 0);
    expect(true, true);
    put(1, 1, 100, 0);
    expect(false, true);
    put(1, 1, 90, 5);
    expect(false, false); /* other attributes, same next hop */
    put(1, 2, 90, 5);
    expect(false, true);
    put(2, 0, 150, 0);
    expect(false, false); /* shares the best path's next hop */
    drop(1);
    expect(false, true);
    drop(2);
    expect(false, false);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(a_path_no_one_uses_changes_nothing)
{
    change_init();
    put(0, 0, 200, 0);
    put(1, 1, 150, 0);
    expect(true, true);
    put(2, 2, 100, 0);
    expect(false, false);
    put(2, 2, 100, 9);
    expect(false, false);
    stage.hops[2].metric = 99;
    expect(false, false);
    drop(2);
    expect(false, false);
    fixture_fini(&stage.base);
}
END_TEST

/* What the core tells of a next hop that paths were chosen with: any part of it. */
START_TEST(state_class_and_cost_of_a_next_hop_in_use_change_forwarding)
{
    change_init();
    put(0, 0, 200, 0);
    put(1, 1, 100, 0);
    expect(true, true);
    for (uint32_t hop = 0; hop < 2; hop++) {
        stage.hops[hop].metric = 11;
        expect(false, true);
        stage.hops[hop].path_class = PATH_CLASS_MACSEC;
        expect(false, true);
        stage.hops[hop].tunnel_number = 3;
        expect(false, true);
    }
    stage.hops[1].state = NEXTHOP_LIVENESS_DOWN;
    expect(false, true);
    stage.hops[1].state = NEXTHOP_RESOLVED;
    expect(false, true);
    stage.hops[0].state = NEXTHOP_TUNNEL_DOWN;
    expect(true, true);
    stage.hops[0].state = NEXTHOP_RESOLVED;
    expect(true, true);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(a_leg_that_joins_moves_or_leaves_changes_forwarding_only)
{
    change_init();
    put(0, 0, 100, 0);
    expect(true, true);
    put(1, 1, 100, 0);
    expect(false, true);
    struct decision_result result = decide();
    ck_assert_uint_eq(result.used_count, 2);
    ck_assert_uint_eq(result.backup, 0);
    put(1, 1, 100, 7);
    expect(false, false);
    put(1, 2, 100, 7);
    expect(false, true);
    stage.hops[2].metric = 11;
    expect(false, true);
    ck_assert_uint_eq(decide().used_count, 1);
    drop(1);
    expect(false, true);
    fixture_fini(&stage.base);
}
END_TEST

/* The role of a next hop counts: leg and backup trading places is another forwarding entry. */
START_TEST(a_leg_that_becomes_backup_changes_forwarding)
{
    change_init();
    put(0, 0, 100, 0);
    put(1, 1, 100, 0);
    expect(true, true);
    stage.options.multipath_ebgp_max = 1;
    expect(false, true);
    struct decision_result result = decide();
    ck_assert_uint_eq(result.used_count, 1);
    ck_assert_uint_ne(result.backup, 0);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(protection_that_rules_the_best_path_out_changes_the_best)
{
    change_init();
    stage.hops[1].path_class = PATH_CLASS_IPSEC;
    put(0, 0, 200, 0);
    put(1, 1, 100, 0);
    expect(true, true);
    stage.allowed = PATH_CLASS_BIT(PATH_CLASS_IPSEC);
    expect(true, true);
    struct route_view view;
    ck_assert(dest_best(stage.base.rib, stage.dest, &view));
    ck_assert_uint_eq(view.source, stage.sources[1]);
    ck_assert_int_eq(view.reason, DECISION_ONLY_PATH);
    ck_assert_int_eq(adj_rib_in_find(stage.base.rib, stage.sources[0], &stage.prefix, 0, &view),
                     STATUS_OK);
    ck_assert_int_eq(view.reason, DECISION_PROTECTION);
    stage.allowed = PATH_CLASS_BIT(PATH_CLASS_MACSEC);
    expect(true, true);
    ck_assert(!dest_best(stage.base.rib, stage.dest, &view));
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(a_local_route_needs_no_next_hop_and_meets_every_protection)
{
    change_init();
    uint16_t local = fixture_source(&stage.base, SOURCE_NETWORK, 0, 9);
    struct path_attrs attrs = {0};
    path_attrs_set(&attrs, PATH_ATTR_ORIGIN);
    struct attr_set *set = attr_set_intern(stage.base.attrs, &attrs);
    stage.allowed = PATH_CLASS_BIT(PATH_CLASS_IPSEC);
    stage.hops[0].path_class = PATH_CLASS_IPSEC;
    put(0, 0, 900, 0);
    fixture_put(&stage.base, local, &stage.prefix, set);
    expect(true, true);
    struct route_view view;
    ck_assert(dest_best(stage.base.rib, stage.dest, &view));
    ck_assert_uint_eq(view.source, local);
    ck_assert_int_eq(view.reason, DECISION_WEIGHT);
    attr_set_unref(stage.base.attrs, set);
    fixture_fini(&stage.base);
}
END_TEST

START_TEST(a_peer_route_without_a_tracked_next_hop_is_not_eligible)
{
    change_init();
    struct attr_set *set = fixture_set(&stage.base, 1);
    fixture_put(&stage.base, stage.sources[0], &stage.prefix, set);
    stage.dest = loc_rib_find(stage.base.rib, &stage.prefix);
    expect(false, false);
    struct route_view view = {0};
    ck_assert(dest_next_route(stage.base.rib, stage.dest, &view));
    ck_assert_int_eq(view.reason, DECISION_NEXTHOP_UNRESOLVED);
    attr_set_unref(stage.base.attrs, set);
    fixture_fini(&stage.base);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("decision_changes");
    TCase *tcase = tcase_create("changes");
    tcase_add_test(tcase, a_first_path_a_better_path_and_the_last_withdrawal_change_the_best);
    tcase_add_test(tcase, other_attributes_of_the_best_path_change_the_best);
    tcase_add_test(tcase, a_backup_that_comes_moves_or_goes_changes_forwarding_only);
    tcase_add_test(tcase, a_path_no_one_uses_changes_nothing);
    tcase_add_test(tcase, state_class_and_cost_of_a_next_hop_in_use_change_forwarding);
    tcase_add_test(tcase, a_leg_that_joins_moves_or_leaves_changes_forwarding_only);
    tcase_add_test(tcase, a_leg_that_becomes_backup_changes_forwarding);
    tcase_add_test(tcase, protection_that_rules_the_best_path_out_changes_the_best);
    tcase_add_test(tcase, a_local_route_needs_no_next_hop_and_meets_every_protection);
    tcase_add_test(tcase, a_peer_route_without_a_tracked_next_hop_is_not_eligible);
    suite_add_tcase(suite, tcase);
    return suite;
}
