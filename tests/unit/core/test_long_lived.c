/* RFC 9494: routes of a neighbour that stays away longer than its restart time are a last resort.
 */
#include "proto/community.h"
#include "tests/unit/core/five_ends.h"
#include "tests/unit/unit.h"

#define AWAY       "10.0.0.2" /* who goes away; restart time 60 s */
#define MARKED     "10.0.0.3" /* external, knows the mark */
#define PLAIN      "10.0.0.4" /* external, does not */
#define INTERNAL   "10.0.0.5" /* internal, does not */
#define NET        "192.0.2.0/24"
#define RESTART_S  60
#define OURS_S     1000
#define LONG_AFTER (RESTART_S + 5)

static struct far_end *add_end(struct table_top *top, struct config *config, const char *addr,
                               uint32_t asn)
{
    config_neighbor_add(config, addr, asn);
    return top_far_end(top, addr, "10.0.0.1", asn, 2);
}

/* The far ends, and the configuration that goes with them. */
static struct table_top *prepare(uint32_t ours_s, uint32_t theirs_s, struct config **config_out)
{
    struct table_top *top = top_new(1);
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config->bgp.graceful_restart = (struct opt_bool){true, true};
    config->bgp.llgr_stale_time_s = (struct opt_u32){ours_s != 0, ours_s};
    top_link(top, 2, "eth0", "", "10.0.0.1", 24);
    struct far_end *away = add_end(top, config, AWAY, 65002);
    away->has_restart = true;
    away->has_long_lived = theirs_s != 0;
    away->long_lived_s = theirs_s;
    add_end(top, config, MARKED, 65003)->has_long_lived = true;
    add_end(top, config, PLAIN, 65004);
    add_end(top, config, INTERNAL, 65001)->options.is_ebgp = false;
    *config_out = config;
    return top;
}

static void start(struct table_top *top, struct config *config)
{
    top_configure(top, config);
    top_wait_s(top, 1);
}

static struct table_top *begin(uint32_t ours_s, uint32_t theirs_s)
{
    struct config *config;
    struct table_top *top = prepare(ours_s, theirs_s, &config);
    start(top, config);
    return top;
}

/* `set community VALUE` in a route-map of this name, with or without `additive`. */
static void set_community(struct config *config, const char *name, const char *value,
                          enum set_op op)
{
    struct community *community = arena_alloc(&config->arena, sizeof *community);
    ck_assert_int_eq(community_parse(COMMUNITY_STANDARD, value, community), STATUS_OK);
    struct set_def set = {.kind = SET_COMMUNITY,
                          .op = op,
                          .communities = community,
                          .community_count = 1,
                          .community_kind = COMMUNITY_STANDARD};
    one_route_map(config, name, &set, 1);
}

static void announce(struct table_top *top, const char *from, uint32_t asn_count,
                     uint32_t community)
{
    struct far_end *end = far_end_of(top, from);
    uint32_t asns[4] = {end->asn, 64900, 64901, 64902};
    struct far_attrs wish = {.asns = asns,
                             .asn_count = asn_count,
                             .communities = &community,
                             .community_count = community != 0};
    far_announce_with(top, end, NET, &wish);
    top_settle(top);
}

static void leave(struct table_top *top, uint32_t for_s)
{
    struct far_end *end = far_end_of(top, AWAY);
    end->refuses_connects = true;
    far_close(top, end);
    top_wait_s(top, for_s);
}

static void come_back(struct table_top *top)
{
    far_end_of(top, AWAY)->refuses_connects = false;
    for (int i = 0; i < 120 && !far_end_of(top, AWAY)->is_up; i++) {
        top_wait_s(top, 1);
    }
    ck_assert(far_end_of(top, AWAY)->is_up);
}

static bool has_mark(const struct path_attrs *attrs, uint32_t community)
{
    return path_attrs_has(attrs, PATH_ATTR_COMMUNITIES) &&
           community_list_has_u32(attrs->communities, community);
}

static uint32_t shown_count(struct table_top *top)
{
    return show_table(top, SNAPSHOT_LOC_RIB, NULL, NET).count;
}

START_TEST(routes_stay_with_the_mark_beyond_the_restart_time)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, 0);
    leave(top, RESTART_S - 5);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown.count, 1);
    ck_assert(!has_mark(&shown.rows[0].attrs, COMMUNITY_LLGR_STALE));
    top_wait_s(top, 10);
    shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown.count, 1);
    ck_assert(has_mark(&shown.rows[0].attrs, COMMUNITY_LLGR_STALE));
    ck_assert((shown.rows[0].flags & ROUTE_STALE) != 0);
    ck_assert((shown.rows[0].flags & ROUTE_BEST) != 0);
    top_free(top);
}
END_TEST

START_TEST(the_shorter_time_of_both_ends_it)
{
    static const struct {
        uint32_t ours_s;
        uint32_t theirs_s;
        uint32_t lasts_s;
    } rows[] = {{1000, 500, 500}, {300, 500, 300}, {0, 500, 0}, {1000, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table_top *top = begin(rows[i].ours_s, rows[i].theirs_s);
        announce(top, AWAY, 1, 0);
        leave(top, RESTART_S + rows[i].lasts_s - 2);
        ck_assert_uint_eq(shown_count(top), 1);
        top_wait_s(top, 4);
        ck_assert_uint_eq(shown_count(top), 0);
        top_free(top);
    }
}
END_TEST

START_TEST(the_capability_is_said_when_a_time_is_configured)
{
    for (int is_on = 0; is_on < 2; is_on++) {
        struct table_top *top = begin(is_on ? OURS_S : 0, 500);
        struct snapshot_peer peer = show_peer(top, AWAY);
        ck_assert_int_eq(peer.local_capabilities->long_lived_gr, is_on);
        ck_assert_uint_eq(peer.local_capabilities->llgr_families, is_on ? 1 : 0);
        ck_assert_uint_eq(peer.local_capabilities->llgr_stale_time_s[0], is_on ? OURS_S : 0);
        top_free(top);
    }
}
END_TEST

START_TEST(a_stale_route_is_used_only_when_there_is_nothing_else)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, 0);
    announce(top, PLAIN, 4, 0); /* longer */
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65002);
    leave(top, LONG_AFTER);
    shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown.count, 2);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65004);
    far_withdraw(top, far_end_of(top, PLAIN), NET);
    top_settle(top);
    shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65002);
    top_free(top);
}
END_TEST

START_TEST(a_mark_that_comes_from_others_counts_too)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, MARKED, 1, COMMUNITY_LLGR_STALE);
    announce(top, PLAIN, 4, 0);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65004);
    for (uint32_t i = 0; i < shown.count; i++) {
        if (shown.rows[i].peer_asn == 65003) {
            ck_assert_uint_eq(shown.rows[i].reason, DECISION_LONG_LIVED_STALE);
        }
    }
    top_free(top);
}
END_TEST

START_TEST(no_llgr_ends_with_the_restart_time)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, COMMUNITY_NO_LLGR);
    leave(top, RESTART_S - 5);
    ck_assert_ptr_nonnull(far_route_find(far_end_of(top, MARKED), NET));
    top_wait_s(top, 10);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_ptr_null(shown_best(&shown));
    ck_assert_ptr_null(far_route_find(far_end_of(top, MARKED), NET));
    top_free(top);
}
END_TEST

/* RFC 9494 4.2: they are removed, not only unused; other routes stay, also of the same prefix. */
START_TEST(no_llgr_routes_are_removed_when_the_long_lived_time_begins)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, COMMUNITY_NO_LLGR);
    announce(top, PLAIN, 1, COMMUNITY_NO_LLGR);
    far_announce(top, far_end_of(top, AWAY), "192.0.3.0/24");
    top_settle(top);
    leave(top, RESTART_S - 5);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN, AWAY, NULL).count, 2);
    top_wait_s(top, 10);
    struct shown_paths shown = show_table(top, SNAPSHOT_ADJ_IN, AWAY, NULL);
    ck_assert_uint_eq(shown.count, 1);
    struct prefix unmarked = prefix_of("192.0.3.0/24");
    ck_assert(prefix_equal(&shown.rows[0].prefix, &unmarked));
    shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown.count, 1);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65004);
    come_back(top);
    announce(top, AWAY, 1, COMMUNITY_NO_LLGR);
    ck_assert_uint_eq(shown_count(top), 2);
    top_free(top);
}
END_TEST

START_TEST(no_llgr_set_by_our_own_policy_counts_too)
{
    struct config *config;
    struct table_top *top = prepare(OURS_S, 500, &config);
    set_community(config, "in", "no-llgr", SET_OP_ADD);
    config_neighbor_of(config, AWAY)->families[0].route_map_in = "in";
    start(top, config);
    announce(top, AWAY, 1, 0);
    leave(top, RESTART_S - 5);
    ck_assert_uint_eq(shown_count(top), 1);
    top_wait_s(top, 10);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN, AWAY, NULL).count, 0);
    top_free(top);
}
END_TEST

/* RFC 9494 4.3: whoever passes the route on passes the mark on, whatever he does to communities. */
START_TEST(no_policy_takes_the_mark_away)
{
    for (int is_out = 0; is_out < 2; is_out++) {
        struct config *config;
        struct table_top *top = prepare(OURS_S, 500, &config);
        add_end(top, config, "10.0.0.6", 65006)->has_long_lived = true;
        set_community(config, "replace", "65001:7", SET_OP_REPLACE);
        if (is_out) {
            config_neighbor_of(config, "10.0.0.6")->families[0].route_map_out = "replace";
        } else {
            config_neighbor_of(config, MARKED)->families[0].route_map_in = "replace";
        }
        start(top, config);
        announce(top, MARKED, 1, COMMUNITY_LLGR_STALE);
        struct far_route *route = far_route_find(far_end_of(top, "10.0.0.6"), NET);
        ck_assert_ptr_nonnull(route);
        ck_assert(has_mark(&route->attrs, COMMUNITY_LLGR_STALE));
        ck_assert(has_mark(&route->attrs, 65001u << 16 | 7));
        ck_assert_ptr_null(far_route_find(far_end_of(top, PLAIN), NET));
        announce(top, PLAIN, 4, 0);
        struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
        ck_assert_uint_eq(shown_best(&shown)->peer_asn, 65004);
        top_free(top);
    }
}
END_TEST

START_TEST(send_community_leaves_what_goes_with_a_stale_route)
{
    struct config *config;
    struct table_top *top = prepare(OURS_S, 500, &config);
    struct opt_u32 large_only = {true, SEND_COMMUNITY_LARGE};
    config_neighbor_of(config, MARKED)->families[0].send_community = large_only;
    config_neighbor_of(config, INTERNAL)->families[0].send_community = large_only;
    start(top, config);
    uint32_t plain = 65002u << 16 | 7;
    announce(top, AWAY, 1, plain);
    struct far_route *route = far_route_find(far_end_of(top, MARKED), NET);
    ck_assert(!path_attrs_has(&route->attrs, PATH_ATTR_COMMUNITIES));
    leave(top, LONG_AFTER);
    route = far_route_find(far_end_of(top, MARKED), NET);
    ck_assert(has_mark(&route->attrs, COMMUNITY_LLGR_STALE));
    ck_assert(!has_mark(&route->attrs, plain));
    route = far_route_find(far_end_of(top, INTERNAL), NET);
    ck_assert(has_mark(&route->attrs, COMMUNITY_LLGR_STALE));
    ck_assert(has_mark(&route->attrs, COMMUNITY_NO_EXPORT));
    ck_assert(!has_mark(&route->attrs, plain));
    top_free(top);
}
END_TEST

START_TEST(who_does_not_know_the_mark_is_not_told)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, 0);
    ck_assert_ptr_nonnull(far_route_find(far_end_of(top, PLAIN), NET));
    leave(top, LONG_AFTER);
    ck_assert_ptr_null(far_route_find(far_end_of(top, PLAIN), NET));
    struct far_route *route = far_route_find(far_end_of(top, MARKED), NET);
    ck_assert_ptr_nonnull(route);
    ck_assert(has_mark(&route->attrs, COMMUNITY_LLGR_STALE));
    top_free(top);
}
END_TEST

/* RFC 9494 4.7. */
START_TEST(inside_the_as_it_is_the_last_choice_and_stays_there)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, 0);
    leave(top, LONG_AFTER);
    struct far_route *route = far_route_find(far_end_of(top, INTERNAL), NET);
    ck_assert_ptr_nonnull(route);
    ck_assert_uint_eq(route->attrs.local_pref, 0);
    ck_assert(has_mark(&route->attrs, COMMUNITY_LLGR_STALE));
    ck_assert(has_mark(&route->attrs, COMMUNITY_NO_EXPORT));
    top_free(top);
}
END_TEST

START_TEST(what_is_said_again_is_fresh_and_the_rest_goes_at_end_of_rib)
{
    for (int is_said = 0; is_said < 2; is_said++) {
        struct table_top *top = begin(OURS_S, 500);
        announce(top, AWAY, 1, 0);
        leave(top, LONG_AFTER);
        come_back(top);
        ck_assert_uint_eq(shown_count(top), 1);
        if (is_said) {
            announce(top, AWAY, 1, 0);
        }
        far_end_of_rib(top, far_end_of(top, AWAY));
        top_settle(top);
        ck_assert_uint_eq(shown_count(top), is_said ? 1 : 0);
        struct far_route *route = far_route_find(far_end_of(top, PLAIN), NET);
        ck_assert_int_eq(route != NULL, is_said);
        top_wait_s(top, 600);
        ck_assert_uint_eq(shown_count(top), is_said ? 1 : 0);
        top_free(top);
    }
}
END_TEST

static void wait_until_s(struct table_top *top, struct mono_time since, int64_t seconds)
{
    int64_t left_s = seconds - mono_span_to_s(mono_between(since, top->now));
    ck_assert_int_gt(left_s, 0);
    top_wait_s(top, (uint32_t)left_s);
}

/* RFC 9494 4.2: a return does not stop the time, End-of-RIB does. When it ends before, what was not
 * said again goes, and at another break the rest goes with it. */
START_TEST(the_long_lived_time_runs_on_until_end_of_rib)
{
    struct table_top *top = begin(OURS_S, 300);
    announce(top, AWAY, 1, 0);
    struct mono_time since = top->now;
    leave(top, LONG_AFTER);
    come_back(top);
    far_announce(top, far_end_of(top, AWAY), "192.0.3.0/24");
    top_settle(top);
    wait_until_s(top, since, RESTART_S + 300 - 3);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN, AWAY, NULL).count, 2);
    wait_until_s(top, since, RESTART_S + 300 + 3);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_ADJ_IN, AWAY, NULL).count, 1);
    ck_assert_uint_eq(shown_count(top), 0);
    leave(top, 1);
    ck_assert_uint_eq(show_table(top, SNAPSHOT_LOC_RIB, NULL, "192.0.3.0/24").count, 0);
    top_free(top);
}
END_TEST

/* RFC 9494 4.2: nor is it begun anew by a break before End-of-RIB, which leaves the routes. */
START_TEST(another_break_before_end_of_rib_neither_ends_nor_renews_the_time)
{
    struct table_top *top = begin(OURS_S, 300);
    announce(top, AWAY, 1, 0);
    struct mono_time since = top->now;
    leave(top, LONG_AFTER);
    come_back(top);
    leave(top, 1);
    ck_assert_uint_eq(shown_count(top), 1);
    wait_until_s(top, since, RESTART_S + 300 - 3);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown.count, 1);
    ck_assert(has_mark(&shown.rows[0].attrs, COMMUNITY_LLGR_STALE));
    wait_until_s(top, since, RESTART_S + 300 + 3);
    ck_assert_uint_eq(shown_count(top), 0);
    top_free(top);
}
END_TEST

START_TEST(a_return_without_the_capability_drops_at_once)
{
    struct table_top *top = begin(OURS_S, 500);
    announce(top, AWAY, 1, 0);
    leave(top, LONG_AFTER);
    far_end_of(top, AWAY)->has_long_lived = false;
    far_end_of(top, AWAY)->long_lived_s = 0;
    come_back(top);
    ck_assert_uint_eq(shown_count(top), 0);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("long_lived");
    TCase *tcase = tcase_create("long_lived");
    tcase_add_test(tcase, routes_stay_with_the_mark_beyond_the_restart_time);
    tcase_add_test(tcase, the_shorter_time_of_both_ends_it);
    tcase_add_test(tcase, the_capability_is_said_when_a_time_is_configured);
    tcase_add_test(tcase, a_stale_route_is_used_only_when_there_is_nothing_else);
    tcase_add_test(tcase, a_mark_that_comes_from_others_counts_too);
    tcase_add_test(tcase, no_llgr_ends_with_the_restart_time);
    tcase_add_test(tcase, no_llgr_routes_are_removed_when_the_long_lived_time_begins);
    tcase_add_test(tcase, no_llgr_set_by_our_own_policy_counts_too);
    tcase_add_test(tcase, no_policy_takes_the_mark_away);
    tcase_add_test(tcase, send_community_leaves_what_goes_with_a_stale_route);
    tcase_add_test(tcase, who_does_not_know_the_mark_is_not_told);
    tcase_add_test(tcase, inside_the_as_it_is_the_last_choice_and_stays_there);
    tcase_add_test(tcase, what_is_said_again_is_fresh_and_the_rest_goes_at_end_of_rib);
    tcase_add_test(tcase, the_long_lived_time_runs_on_until_end_of_rib);
    tcase_add_test(tcase, another_break_before_end_of_rib_neither_ends_nor_renews_the_time);
    tcase_add_test(tcase, a_return_without_the_capability_drops_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
