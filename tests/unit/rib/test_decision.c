/* The ladder against a slow oracle, for every order of arrival. */
#include <stdlib.h>

#include "tests/unit/rib/decision_oracle.h"
#include "tests/unit/rib/rib_fixture.h"

/* ---- Running the real thing ---- */

struct stage {
    struct rib_fixture base;
    struct nexthop hops[PATHS_MAX];
    struct fact facts[PATHS_MAX];
    struct attr_set *sets[PATHS_MAX];
    uint32_t count;
    uint32_t allowed;
    struct decision_options options;
    struct prefix prefix;
};

static void stage_init(struct stage *stage)
{
    *stage = (struct stage){0};
    fixture_init(&stage->base, AFI_SAFI_IPV4_UNICAST);
    stage->prefix = fixture_prefix(0x0a330000, 16);
    stage->allowed = PATH_CLASS_ANY;
    stage->options = (struct decision_options){
        .default_local_pref = 100,
        .default_weight = {0, 100, 200},
        .multipath_ebgp_max = 1,
        .multipath_ibgp_max = 1,
    };
}

static void stage_fini(struct stage *stage)
{
    fixture_fini(&stage->base);
}

static struct attr_set *fact_set(struct stage *stage, const struct fact *fact)
{
    uint32_t asns[8] = {fact->first_asn, 7, 7, 7, 7, 7, 7, 7};
    struct path_attrs attrs =
        fixture_attrs(&stage->base, asns, fact->length, 0xc0a80000 + fact->hop);
    attrs.origin = (uint8_t)fact->origin;
    path_attrs_set(&attrs, PATH_ATTR_LOCAL_PREF);
    attrs.local_pref = fact->local_pref;
    attrs.med = fact->med;
    attrs.weight = fact->weight;
    if (fact->has_med) {
        path_attrs_set(&attrs, PATH_ATTR_MED);
    }
    if (fact->has_weight) {
        attrs.present |= PATH_LOCAL_WEIGHT;
    }
    if (fact->is_last) {
        attrs.present |= PATH_LOCAL_LAST;
    }
    static const uint8_t clusters[16];
    if (fact->cluster_count != 0) {
        path_attrs_set(&attrs, PATH_ATTR_CLUSTER_LIST);
        attrs.cluster_list = (struct byte_view){clusters, fact->cluster_count * 4};
    }
    if (is_local(fact)) {
        path_attrs_clear(&attrs, PATH_ATTR_NEXT_HOP);
    }
    struct attr_set *set = attr_set_intern(stage->base.attrs, &attrs);
    if (!is_local(fact)) {
        attr_set_bind_nexthop(set, &stage->hops[fact->hop]);
    }
    arena_reset(&stage->base.arena);
    return set;
}

/* Facts say what the next hop is like; paths over one hop must agree. */
static void stage_enter(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        struct fact *fact = &stage->facts[i];
        struct nexthop *hop = &stage->hops[fact->hop];
        if (is_local(fact)) {
            fact->metric = 0;
        } else {
            *hop = (struct nexthop){
                .metric = fact->metric, .state = fact->state, .path_class = fact->path_class};
        }
    }
    for (uint32_t i = 0; i < stage->count; i++) {
        struct fact *fact = &stage->facts[i];
        if (!is_local(fact)) {
            fact->metric = stage->hops[fact->hop].metric;
            fact->state = stage->hops[fact->hop].state;
            fact->path_class = stage->hops[fact->hop].path_class;
        }
        fact->source = fixture_source(&stage->base, fact->kind, fact->addr, fact->router_id);
        stage->sets[i] = fact_set(stage, fact);
    }
}

static void stage_leave(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        loc_rib_source_remove(stage->base.rib, stage->facts[i].source);
        attr_set_unref(stage->base.attrs, stage->sets[i]);
    }
}

static void stage_decide(struct stage *stage, struct decision_result *result)
{
    dest_id dest = loc_rib_find(stage->base.rib, &stage->prefix);
    while (loc_rib_take_dirty(stage->base.rib) != 0) {
    }
    decision_run(stage->base.rib, dest, stage->allowed, &stage->options, result);
}

static void stage_put(struct stage *stage, uint32_t index)
{
    const struct fact *fact = &stage->facts[index];
    struct attr_set *set = stage->sets[index];
    adj_rib_in_put(stage->base.rib, fact->source, &stage->prefix, 0, set,
                   fact->is_refused ? NULL : set, DECISION_AS_LOOP, (struct mono_time){0});
}

static void stage_remove_all(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        (void)adj_rib_in_remove(stage->base.rib, stage->facts[i].source, &stage->prefix, 0);
    }
    struct decision_result result;
    stage_decide(stage, &result);
    ck_assert_uint_eq(result.used_count, 0);
    ck_assert_uint_eq(loc_rib_dest_count(stage->base.rib), 0);
}

static void check_result(const struct stage *stage, const struct outcome *expected,
                         const struct decision_result *result)
{
    struct route_view view;
    uint32_t used = 0;
    for (uint32_t i = 0; i < stage->count; i++) {
        ck_assert_int_eq(
            adj_rib_in_find(stage->base.rib, stage->facts[i].source, &stage->prefix, 0, &view),
            STATUS_OK);
        ck_assert_uint_eq(view.flags, expected[i].flags);
        ck_assert_uint_eq(view.reason, expected[i].reason);
        used += (expected[i].flags & (ROUTE_BEST | ROUTE_MULTIPATH)) != 0;
        if ((view.flags & ROUTE_BEST) != 0) {
            ck_assert_uint_eq(result->used[0], view.route_number);
        }
        if ((view.flags & ROUTE_BACKUP) != 0) {
            ck_assert_uint_eq(result->backup, view.route_number);
        }
    }
    ck_assert_uint_eq(result->used_count, used);
}

/* The sources in the order of dest_next_route. */
static uint32_t read_order(const struct stage *stage, uint16_t *order)
{
    dest_id dest = loc_rib_find(stage->base.rib, &stage->prefix);
    struct route_view view = {0};
    uint32_t count = 0;
    while (dest_next_route(stage->base.rib, dest, &view)) {
        order[count++] = view.source;
    }
    return count;
}

static bool next_permutation(uint32_t *items, uint32_t count)
{
    uint32_t i = count - 1;
    while (i > 0 && items[i - 1] >= items[i]) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    uint32_t j = count - 1;
    while (items[j] <= items[i - 1]) {
        j--;
    }
    uint32_t swap = items[i - 1];
    items[i - 1] = items[j];
    items[j] = swap;
    for (uint32_t a = i, b = count - 1; a < b; a++, b--) {
        swap = items[a];
        items[a] = items[b];
        items[b] = swap;
    }
    return true;
}

/* Every order of arrival, decided at the end or after each arrival, gives what the oracle says and
 * the same order of paths. */
static void check_all_orders(struct stage *stage, bool decides_each)
{
    struct outcome expected[PATHS_MAX];
    oracle(stage->facts, stage->count, stage->allowed, &stage->options, expected);
    uint32_t order[PATHS_MAX] = {0, 1, 2, 3, 4, 5};
    uint16_t first_order[PATHS_MAX];
    bool is_first = true;
    do {
        struct decision_result result;
        for (uint32_t i = 0; i < stage->count; i++) {
            stage_put(stage, order[i]);
            if (decides_each) {
                stage_decide(stage, &result);
            }
        }
        stage_decide(stage, &result);
        check_result(stage, expected, &result);
        uint16_t sources[PATHS_MAX];
        ck_assert_uint_eq(read_order(stage, sources), stage->count);
        if (is_first) {
            memcpy(first_order, sources, sizeof sources);
            is_first = false;
        }
        ck_assert_mem_eq(first_order, sources, stage->count * sizeof *sources);
        stage_remove_all(stage);
    } while (next_permutation(order, stage->count));
}

static struct fact plain_fact(uint32_t index)
{
    return (struct fact){
        .local_pref = 100,
        .length = 2,
        .first_asn = 65001,
        .kind = SOURCE_PEER_EBGP,
        .router_id = 10 + index,
        .addr = 0x0a000001 + index,
        .hop = index,
        .state = NEXTHOP_RESOLVED,
    };
}

/* The next way to give five paths groups, up to their order: never less than the one before. */
static bool next_grouping(uint32_t *groups, uint32_t count, uint32_t group_count)
{
    for (uint32_t i = count; i-- > 0;) {
        if (groups[i] + 1 < group_count) {
            uint32_t value = groups[i] + 1;
            for (uint32_t j = i; j < count; j++) {
                groups[j] = value;
            }
            return true;
        }
    }
    return false;
}

/* Three neighbour ASes and two MEDs over five paths, every grouping, in all 120 orders; which paths
 * are iBGP, what their next hops cost and their router ids differ from case to case. */
START_TEST(every_med_and_as_grouping_is_decided_alike_in_every_order)
{
    struct stage stage;
    stage_init(&stage);
    stage.count = 5;
    struct random_source random;
    random_init(&random, 7);
    uint32_t groups[5] = {0};
    uint32_t groupings = 0;
    do {
        for (uint32_t i = 0; i < stage.count; i++) {
            stage.facts[i] = plain_fact(i);
            stage.facts[i].first_asn = 65001 + groups[i] / 2;
            stage.facts[i].has_med = true;
            stage.facts[i].med = groups[i] % 2;
            stage.facts[i].kind =
                random_below(&random, 3) == 0 ? SOURCE_PEER_IBGP : SOURCE_PEER_EBGP;
            stage.facts[i].metric = random_below(&random, 2);
            stage.facts[i].router_id = 10 + random_below(&random, 4);
        }
        stage.options.always_compare_med = groupings % 16 == 15;
        stage_enter(&stage);
        check_all_orders(&stage, groupings++ % 8 == 0);
        stage_leave(&stage);
    } while (next_grouping(groups, stage.count, 6));
    ck_assert_uint_eq(groupings, 252);
    stage_fini(&stage);
}
END_TEST

static void random_fact(struct random_source *random, struct fact *fact, uint32_t index)
{
    *fact = plain_fact(index);
    fact->is_last = random_below(random, 8) == 0;
    fact->has_weight = random_below(random, 8) == 0;
    fact->weight = random_below(random, 3) * 100;
    fact->local_pref = 100 + random_below(random, 8) / 7;
    fact->length = 1 + random_below(random, 4) / 3;
    fact->first_asn = 65001 + random_below(random, 3);
    fact->origin = random_below(random, 6) / 5;
    fact->has_med = random_below(random, 3) != 0;
    fact->med = random_below(random, 3);
    fact->kind = random_below(random, 3) == 0 ? SOURCE_PEER_IBGP : SOURCE_PEER_EBGP;
    if (random_below(random, 20) == 0) {
        fact->kind = SOURCE_NETWORK;
    }
    fact->metric = random_below(random, 2);
    fact->router_id = 10 + random_below(random, 3);
    fact->cluster_count = random_below(random, 4) / 2;
    fact->hop = random_below(random, PATHS_MAX);
    fact->path_class = (uint8_t)(random_below(random, 6) / 4);
    fact->state = (uint8_t)(random_below(random, 8) == 0 ? random_below(random, 6) : 1);
    fact->is_refused = random_below(random, 10) == 0;
}

START_TEST(random_paths_are_decided_as_the_oracle_does_in_every_order)
{
    struct stage stage;
    stage_init(&stage);
    struct random_source random;
    random_init(&random, 42);
    for (uint32_t round = 0; round < 500; round++) {
        stage.count = round % 40 == 0 ? 6 : 1 + random_below(&random, 4);
        for (uint32_t i = 0; i < stage.count; i++) {
            random_fact(&random, &stage.facts[i], i);
        }
        stage.options.multipath_ebgp_max = (uint8_t)(1 + random_below(&random, 4));
        stage.options.multipath_ibgp_max = (uint8_t)(1 + random_below(&random, 3));
        stage.options.multipath_relax = random_below(&random, 2) != 0;
        stage.options.always_compare_med = random_below(&random, 4) == 0;
        stage.options.med_missing_as_worst = random_below(&random, 2) != 0;
        stage.options.ignore_as_path = random_below(&random, 4) == 0;
        stage.allowed =
            random_below(&random, 4) == 0 ? PATH_CLASS_BIT(PATH_CLASS_MACSEC) : PATH_CLASS_ANY;
        stage_enter(&stage);
        check_all_orders(&stage, round % 2 == 0);
        stage_leave(&stage);
    }
    stage_fini(&stage);
}
END_TEST

/* Each step alone decides between two paths that differ in nothing before it. */
START_TEST(each_step_decides_and_is_named)
{
    struct stage stage;
    stage_init(&stage);
    stage.count = 2;
    for (int step = DECISION_WEIGHT; step <= DECISION_PEER_ADDRESS; step++) {
        struct fact *a = &stage.facts[0];
        struct fact *b = &stage.facts[1];
        *a = plain_fact(1); /* worse in all that is below the step */
        *b = plain_fact(0);
        a->has_med = b->has_med = true;
        a->has_weight = b->has_weight = true;
        switch (step) {
        case DECISION_LONG_LIVED_STALE:
            b->is_last = true;
            b->weight = 1;
            break;
        case DECISION_WEIGHT:
            a->weight = 1;
            break;
        case DECISION_LOCAL_PREF:
            a->local_pref = 101;
            break;
        case DECISION_LOCAL_ORIGIN:
            a->kind = SOURCE_NETWORK;
            a->length = b->length = 0;
            a->first_asn = b->first_asn = 0;
            break;
        case DECISION_AS_PATH_LENGTH:
            b->length = 3;
            break;
        case DECISION_ORIGIN:
            b->origin = 1;
            break;
        case DECISION_MED:
            b->med = 1;
            break;
        case DECISION_EBGP_OVER_IBGP:
            b->kind = SOURCE_PEER_IBGP;
            break;
        case DECISION_NEXTHOP_COST:
            b->metric = 1;
            break;
        case DECISION_ROUTER_ID:
            a->router_id = 1;
            break;
        case DECISION_CLUSTER_LENGTH:
            a->router_id = b->router_id;
            b->cluster_count = 1;
            break;
        case DECISION_PEER_ADDRESS:
            a->router_id = b->router_id;
            a->addr = 0x0a000000;
            break;
        default:
            continue;
        }
        stage_enter(&stage);
        stage_put(&stage, 0);
        stage_put(&stage, 1);
        struct decision_result result;
        stage_decide(&stage, &result);
        struct route_view view;
        ck_assert(route_by_number(stage.base.rib, result.used[0], &view));
        ck_assert_uint_eq(view.source, a->source);
        ck_assert_int_eq(view.reason, step);
        stage_remove_all(&stage);
        stage_leave(&stage);
    }
    stage_fini(&stage);
}
END_TEST

START_TEST(paths_of_one_peer_are_told_apart_by_path_id)
{
    struct stage stage;
    stage_init(&stage);
    stage.count = 1;
    stage.facts[0] = plain_fact(0);
    stage_enter(&stage);
    for (uint32_t path_id = 3; path_id > 0; path_id--) {
        ck_assert_int_eq(adj_rib_in_put(stage.base.rib, stage.facts[0].source, &stage.prefix,
                                        path_id, stage.sets[0], stage.sets[0], DECISION_NONE,
                                        (struct mono_time){0}),
                         ROUTE_ADDED);
    }
    struct decision_result result;
    stage_decide(&stage, &result);
    struct route_view view;
    ck_assert(route_by_number(stage.base.rib, result.used[0], &view));
    ck_assert_uint_eq(view.path_id, 1);
    ck_assert_uint_eq(view.reason, DECISION_PATH_ID);
    ck_assert_uint_eq(result.backup, 0);
    for (uint32_t path_id = 1; path_id <= 3; path_id++) {
        ck_assert_int_eq(
            adj_rib_in_remove(stage.base.rib, stage.facts[0].source, &stage.prefix, path_id),
            ROUTE_REMOVED);
    }
    stage_remove_all(&stage);
    stage_leave(&stage);
    stage_fini(&stage);
}
END_TEST

START_TEST(weight_comes_from_policy_then_source_then_class)
{
    struct stage stage;
    stage_init(&stage);
    stage.count = 2;
    stage.facts[0] = plain_fact(0);
    stage.facts[0].path_class = PATH_CLASS_IPSEC;
    stage.facts[1] = plain_fact(1);
    stage.facts[1].has_weight = true;
    stage.facts[1].weight = 7;
    stage_enter(&stage);
    stage_put(&stage, 0);
    stage_put(&stage, 1);
    struct route_view view;
    struct rib_source source = *loc_rib_source(stage.base.rib, stage.facts[0].source);
    ck_assert_int_eq(
        adj_rib_in_find(stage.base.rib, stage.facts[0].source, &stage.prefix, 0, &view), STATUS_OK);
    ck_assert_uint_eq(route_effective_weight(stage.base.rib, &view, &stage.options), 200);
    source.has_default_weight = true;
    source.default_weight = 5;
    loc_rib_source_set(stage.base.rib, stage.facts[0].source, &source);
    ck_assert_uint_eq(route_effective_weight(stage.base.rib, &view, &stage.options), 5);
    loc_rib_source_set(stage.base.rib, stage.facts[1].source, &source);
    ck_assert_int_eq(
        adj_rib_in_find(stage.base.rib, stage.facts[1].source, &stage.prefix, 0, &view), STATUS_OK);
    ck_assert_uint_eq(route_effective_weight(stage.base.rib, &view, &stage.options), 7);
    stage_remove_all(&stage);
    stage_leave(&stage);
    stage_fini(&stage);
}
END_TEST

START_TEST(every_reason_has_a_text_and_an_identity_of_its_own)
{
    for (int a = 0; a < DECISION_REASON_COUNT; a++) {
        ck_assert_ptr_nonnull(decision_reason_text((enum decision_reason)a));
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(decision_reason_identity((enum decision_reason)a),
                             decision_reason_identity((enum decision_reason)b));
        }
    }
    ck_assert_str_eq(decision_reason_text(DECISION_LOCAL_PREF), "Local Pref");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("decision");
    TCase *tcase = tcase_create("ladder");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, every_med_and_as_grouping_is_decided_alike_in_every_order);
    tcase_add_test(tcase, random_paths_are_decided_as_the_oracle_does_in_every_order);
    tcase_add_test(tcase, each_step_decides_and_is_named);
    tcase_add_test(tcase, paths_of_one_peer_are_told_apart_by_path_id);
    tcase_add_test(tcase, weight_comes_from_policy_then_source_then_class);
    tcase_add_test(tcase, every_reason_has_a_text_and_an_identity_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
