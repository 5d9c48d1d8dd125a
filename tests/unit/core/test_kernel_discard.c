/* Discard routes: aggregates of ours, BLACKHOLE (RFC 7999), and that neither exposes anything. */
#include "bgpd/core/kernel_private.h"
#include "proto/community.h"
#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

#define MSEE "172.16.0.2"
#define HUB  "10.51.230.12"

static const struct fib_route *at(struct model *model, const char *prefix)
{
    struct fib_route place = {.prefix = prefix_of(prefix), .metric = CONFIG_FIB_METRIC_DEFAULT};
    return model_route(model, &place);
}

static bool is_discarded(struct model *model, const char *prefix)
{
    const struct fib_route *route = at(model, prefix);
    return route != NULL && route->type == FIB_ROUTE_BLACKHOLE;
}

static struct model *up_with(struct config *config)
{
    struct model *model = model_new(78);
    model_configure(model, config);
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, MSEE);
    mission_announce(model, "172.16.0.6");
    mission_announce(model, HUB);
    mission_announce(model, "10.51.230.13");
    model_wait_ms(model, 2000);
    return model;
}

static void guard_stands(struct model *model)
{
    struct fib_route guard = {.prefix = prefix_of("10.51.230.0/23"), .metric = GUARD_METRIC};
    ck_assert_ptr_nonnull(model_route(model, &guard));
    ck_assert_uint_eq(model->leaks, 0);
}

/* ---- Aggregates ---- */

/* With policies of their own: the roles' would refuse what lies inside an aggregate of ours. */
static struct config *aggregate_config(const char *prefix)
{
    static const char *const peers[] = {MSEE, "172.16.0.6", HUB, "10.51.230.13"};
    struct config *config = mission_config();
    struct prefix_list_def *list = arena_alloc(&config->arena, sizeof *list);
    struct prefix_list_entry_def *entry = arena_alloc(&config->arena, sizeof *entry);
    *entry = (struct prefix_list_entry_def){
        .sequence = 5, .is_permit = true, .prefix = prefix_of("0.0.0.0/0"), .le_bits = 32};
    *list = (struct prefix_list_def){
        .name = "all", .family = IP_V4, .entries = entry, .entry_count = 1};
    config->policy.prefix_lists = list;
    config->policy.prefix_list_count = 1;
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        config_neighbor_of(config, peers[i])->families[0].prefix_list_in = "all";
    }
    config_aggregate_add(config, prefix);
    return config;
}

START_TEST(an_aggregate_discards_while_it_stands)
{
    struct model *model = up_with(aggregate_config("10.60.0.0/15"));
    ck_assert(is_discarded(model, "10.60.0.0/15"));
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.61.1.1"), 0);
    far_withdraw(model->top, far_end_of(model->top, MSEE), "10.60.0.0/16");
    far_withdraw(model->top, far_end_of(model->top, "172.16.0.6"), "10.60.0.0/16");
    model_wait_ms(model, 200);
    ck_assert_ptr_null(at(model, "10.60.0.0/15"));
    far_announce(model->top, far_end_of(model->top, MSEE), "10.60.0.0/16");
    model_wait_ms(model, 200);
    ck_assert(is_discarded(model, "10.60.0.0/15"));
    model_configure(model, mission_config());
    model_wait_ms(model, 200);
    ck_assert_ptr_null(at(model, "10.60.0.0/15"));
    model_free(model);
}
END_TEST

START_TEST(a_static_route_stands_before_the_discard_of_an_aggregate)
{
    struct config *config = aggregate_config("10.60.0.0/15");
    struct config_static_route *route = arena_alloc(&config->arena, sizeof *route);
    *route = (struct config_static_route){
        .prefix = prefix_of("10.60.0.0/15"), .gateway = addr_of(MSEE), .distance = 1};
    config->static_routes = route;
    config->static_route_count = 1;
    struct model *model = up_with(config);
    ck_assert_uint_eq(model_ways_to(model, "10.61.1.1"), WAY(ER1));
    model_configure(model, aggregate_config("10.60.0.0/15"));
    model_wait_ms(model, 200);
    ck_assert(is_discarded(model, "10.60.0.0/15"));
    model_free(model);
}
END_TEST

/* The aggregate is the protected prefix itself: coming and going it leaves the guard alone. */
START_TEST(an_aggregate_never_uncovers_a_protected_prefix)
{
    struct model *model = up_with(aggregate_config("10.51.230.0/23"));
    ck_assert(is_discarded(model, "10.51.230.0/23"));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.10"), WAY(IPSEC0) | WAY(IPSEC1));
    guard_stands(model);
    model_configure(model, mission_config());
    model_wait_ms(model, 200);
    ck_assert_ptr_null(at(model, "10.51.230.0/23"));
    guard_stands(model);
    model_free(model);
}
END_TEST

START_TEST(the_discard_of_an_aggregate_leaves_with_the_daemon)
{
    struct model *model = up_with(aggregate_config("10.60.0.0/15"));
    struct core_event event = {.kind = EVENT_STOP};
    top_feed(model->top, &event);
    model_wait_ms(model, 1000);
    ck_assert_ptr_null(at(model, "10.60.0.0/15"));
    guard_stands(model);
    model_free(model);
}
END_TEST

/* ---- BLACKHOLE ---- */

static struct config *blackhole_config(const char *peer, uint32_t length_min)
{
    struct config *config = mission_config();
    struct config_family *family = &config_neighbor_of(config, peer)->families[0];
    family->accept_blackhole = (struct opt_bool){true, true};
    family->blackhole_length_min = (struct opt_u32){length_min != 0, length_min};
    return config;
}

static void tag(struct model *model, const char *peer, const char *prefix)
{
    struct far_end *end = far_end_of(model->top, peer);
    struct far_attrs wish = {.asns = &end->asn,
                             .asn_count = 1,
                             .communities = (uint32_t[]){COMMUNITY_BLACKHOLE},
                             .community_count = 1};
    far_announce_with(model->top, end, prefix, &wish);
    model_wait_ms(model, 200);
}

START_TEST(a_host_route_tagged_blackhole_is_discarded_where_agreed)
{
    struct model *model = up_with(blackhole_config(MSEE, 0));
    tag(model, MSEE, "10.60.7.7/32");
    tag(model, MSEE, "10.60.8.0/24");         /* longer prefixes were not agreed on */
    tag(model, "172.16.0.6", "10.60.9.9/32"); /* nothing was, with this one */
    ck_assert(is_discarded(model, "10.60.7.7/32"));
    ck_assert_uint_eq(model_ways_to(model, "10.60.7.8"), WAY(ER1) | WAY(ER2));
    ck_assert_uint_eq(model_ways_to(model, "10.60.8.1"), WAY(ER1));
    ck_assert_uint_eq(model_ways_to(model, "10.60.9.9"), WAY(ER2));
    struct shown_paths shown = show_table(model->top, SNAPSHOT_LOC_RIB, NULL, "10.60.7.7/32");
    ck_assert(community_list_has_u32(shown.rows[0].attrs.communities, COMMUNITY_NO_EXPORT));
    ck_assert_ptr_null(far_route_find(far_end_of(model->top, "172.16.0.6"), "10.60.7.7/32"));
    /* Without the tag it is a route like any other, and gone it is gone. */
    far_announce(model->top, far_end_of(model->top, MSEE), "10.60.7.7/32");
    model_wait_ms(model, 200);
    ck_assert_uint_eq(model_ways_to(model, "10.60.7.7"), WAY(ER1));
    tag(model, MSEE, "10.60.7.7/32");
    ck_assert(is_discarded(model, "10.60.7.7/32"));
    far_withdraw(model->top, far_end_of(model->top, MSEE), "10.60.7.7/32");
    model_wait_ms(model, 200);
    ck_assert_ptr_null(at(model, "10.60.7.7/32"));
    model_free(model);
}
END_TEST

START_TEST(a_changed_agreement_is_applied_to_what_is_known)
{
    struct model *model = up_with(blackhole_config(MSEE, 24));
    tag(model, MSEE, "10.60.8.0/24");
    tag(model, MSEE, "10.64.0.0/16");
    ck_assert(is_discarded(model, "10.60.8.0/24"));
    ck_assert_uint_eq(model_ways_to(model, "10.64.1.1"), WAY(ER1));
    model_configure(model, blackhole_config(MSEE, 0));
    model_wait_ms(model, 200);
    ck_assert_uint_eq(model_ways_to(model, "10.60.8.1"), WAY(ER1));
    model_configure(model, blackhole_config(MSEE, 16));
    model_wait_ms(model, 200);
    ck_assert(is_discarded(model, "10.60.8.0/24"));
    ck_assert(is_discarded(model, "10.64.0.0/16"));
    model_free(model);
}
END_TEST

/* Who may not carry the traffic of a protected prefix may not have it thrown away either. */
START_TEST(blackhole_from_a_clear_session_does_not_reach_a_protected_prefix)
{
    struct model *model = up_with(blackhole_config(MSEE, 8));
    tag(model, MSEE, "10.51.230.10/32");
    tag(model, MSEE, "10.51.230.0/23");
    ck_assert_ptr_null(at(model, "10.51.230.10/32"));
    ck_assert_ptr_null(at(model, "10.51.230.0/23"));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.10"), WAY(IPSEC0) | WAY(IPSEC1));
    struct shown_paths shown = show_table(model->top, SNAPSHOT_LOC_RIB, NULL, "10.51.230.10/32");
    ck_assert_uint_eq(shown.rows[0].reason, DECISION_PROTECTION);
    guard_stands(model);
    model_free(model);
}
END_TEST

START_TEST(blackhole_through_the_tunnel_does_and_the_guard_stays)
{
    struct model *model = up_with(blackhole_config(HUB, 0));
    tag(model, HUB, "10.51.230.10/32");
    tag(model, HUB, "10.51.230.4/32"); /* the tunnel's own endpoint stays pinned */
    ck_assert(is_discarded(model, "10.51.230.10/32"));
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.11"), WAY(IPSEC0) | WAY(IPSEC1));
    ck_assert(!is_discarded(model, "10.51.230.4/32"));
    guard_stands(model);
    far_withdraw(model->top, far_end_of(model->top, HUB), "10.51.230.10/32");
    model_wait_ms(model, 200);
    ck_assert_uint_eq(model_ways_to(model, "10.51.230.10"), WAY(IPSEC0) | WAY(IPSEC1));
    guard_stands(model);
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernel_discard");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, an_aggregate_discards_while_it_stands);
    tcase_add_test(tcase, a_static_route_stands_before_the_discard_of_an_aggregate);
    tcase_add_test(tcase, an_aggregate_never_uncovers_a_protected_prefix);
    tcase_add_test(tcase, the_discard_of_an_aggregate_leaves_with_the_daemon);
    tcase_add_test(tcase, a_host_route_tagged_blackhole_is_discarded_where_agreed);
    tcase_add_test(tcase, a_changed_agreement_is_applied_to_what_is_known);
    tcase_add_test(tcase, blackhole_from_a_clear_session_does_not_reach_a_protected_prefix);
    tcase_add_test(tcase, blackhole_through_the_tunnel_does_and_the_guard_stays);
    suite_add_tcase(suite, tcase);
    return suite;
}
