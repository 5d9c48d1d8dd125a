/* adj-rib-in, destinations and walks against a plain list of routes. */
#include "tests/unit/rib/rib_fixture.h"

#define SOURCES    4u
#define SETS       5u
#define ROUTES_MAX 4000u

struct row {
    uint16_t source;
    struct prefix prefix;
    uint32_t path_id;
    struct attr_set *received;
    struct attr_set *accepted;
    bool is_stale;
};

struct table_stage {
    struct rib_fixture base;
    uint16_t sources[SOURCES];
    struct attr_set *sets[SETS];
    struct row rows[ROUTES_MAX];
    uint32_t row_count;
    struct random_source random;
};

static struct table_stage stage;

static void table_init(enum afi_safi afi_safi, uint64_t seed)
{
    stage = (struct table_stage){0};
    fixture_init(&stage.base, afi_safi);
    for (uint32_t i = 0; i < SOURCES; i++) {
        stage.sources[i] = fixture_source(&stage.base, SOURCE_PEER_EBGP, 0x0a000001 + i, i);
    }
    for (uint32_t i = 0; i < SETS; i++) {
        stage.sets[i] = fixture_set(&stage.base, i);
    }
    random_init(&stage.random, seed);
}

static void decide_all(void)
{
    struct decision_options options = {.default_local_pref = 100};
    dest_id dest;
    while ((dest = loc_rib_take_dirty(stage.base.rib)) != 0) {
        struct decision_result result;
        decision_run(stage.base.rib, dest, PATH_CLASS_ANY, &options, &result);
    }
}

static void table_fini(void)
{
    for (uint32_t i = 0; i < SETS; i++) {
        attr_set_unref(stage.base.attrs, stage.sets[i]);
    }
    fixture_fini(&stage.base);
}

static struct row *row_find(uint16_t source, const struct prefix *prefix, uint32_t path_id)
{
    for (uint32_t i = 0; i < stage.row_count; i++) {
        struct row *row = &stage.rows[i];
        if (row->source == source && row->path_id == path_id &&
            prefix_equal(&row->prefix, prefix)) {
            return row;
        }
    }
    return NULL;
}

static uint32_t rows_of(uint16_t source, bool only_accepted)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage.row_count; i++) {
        count +=
            stage.rows[i].source == source && (!only_accepted || stage.rows[i].accepted != NULL);
    }
    return count;
}

static void put_random(const struct prefix *prefix, uint16_t source, uint32_t path_id)
{
    struct attr_set *received = stage.sets[random_below(&stage.random, SETS)];
    struct attr_set *accepted = random_below(&stage.random, 3) == 0 ? received
                                : random_below(&stage.random, 3) == 0
                                    ? NULL
                                    : stage.sets[random_below(&stage.random, SETS)];
    struct row *row = row_find(source, prefix, path_id);
    enum route_change expected = ROUTE_REPLACED;
    if (row == NULL) {
        row = &stage.rows[stage.row_count++];
        *row = (struct row){.source = source, .prefix = *prefix, .path_id = path_id};
        expected = ROUTE_ADDED;
    } else if (row->received == received && row->accepted == accepted) {
        expected = ROUTE_UNCHANGED;
    }
    row->received = received;
    row->accepted = accepted;
    row->is_stale = false;
    ck_assert_int_eq(adj_rib_in_put(stage.base.rib, source, prefix, path_id, received, accepted,
                                    DECISION_POLICY_REJECTED, (struct mono_time){5000000000}),
                     expected);
}

static void remove_random(const struct prefix *prefix, uint16_t source, uint32_t path_id)
{
    struct row *row = row_find(source, prefix, path_id);
    ck_assert_int_eq(adj_rib_in_remove(stage.base.rib, source, prefix, path_id),
                     row == NULL ? ROUTE_UNCHANGED : ROUTE_REMOVED);
    if (row != NULL) {
        *row = stage.rows[--stage.row_count];
    }
}

/* Forgets the rows of source, all or the stale ones, that the table no longer has. */
static uint32_t forget_gone(uint16_t source, bool only_stale)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; i < stage.row_count;) {
        const struct row *row = &stage.rows[i];
        struct route_view view;
        if (row->source == source && (!only_stale || row->is_stale) &&
            adj_rib_in_find(stage.base.rib, source, &row->prefix, row->path_id, &view) !=
                STATUS_OK) {
            stage.rows[i] = stage.rows[--stage.row_count];
            gone++;
        } else {
            i++;
        }
    }
    return gone;
}

static void mark_stale(uint16_t source)
{
    adj_rib_in_mark_stale(stage.base.rib, source);
    for (uint32_t i = 0; i < stage.row_count; i++) {
        stage.rows[i].is_stale = stage.rows[i].is_stale || stage.rows[i].source == source;
    }
}

static void check_row(const struct row *row)
{
    struct route_view view;
    ck_assert_int_eq(
        adj_rib_in_find(stage.base.rib, row->source, &row->prefix, row->path_id, &view), STATUS_OK);
    ck_assert_ptr_eq(view.received, row->received);
    ck_assert_ptr_eq(view.accepted, row->accepted);
    ck_assert_uint_eq(view.source, row->source);
    ck_assert_uint_eq(view.path_id, row->path_id);
    ck_assert_uint_eq(view.changed_s, 5);
    ck_assert_int_eq((view.flags & ROUTE_STALE) != 0, row->is_stale);
    ck_assert_int_eq((view.flags & ROUTE_FILTERED) != 0, row->accepted == NULL);
    if (row->accepted == NULL) {
        ck_assert_int_eq(view.reason, DECISION_POLICY_REJECTED);
    }
    struct prefix prefix = dest_prefix(stage.base.rib, view.dest);
    ck_assert(prefix_equal(&prefix, &row->prefix));
}

static void check_table(void)
{
    ck_assert(loc_rib_is_consistent(stage.base.rib));
    ck_assert_uint_eq(loc_rib_route_count(stage.base.rib), stage.row_count);
    for (uint32_t i = 0; i < stage.row_count; i++) {
        check_row(&stage.rows[i]);
    }
    for (uint32_t i = 0; i < SOURCES; i++) {
        ck_assert_uint_eq(loc_rib_source_routes(stage.base.rib, stage.sources[i]),
                          rows_of(stage.sources[i], false));
        ck_assert_uint_eq(loc_rib_source_accepted(stage.base.rib, stage.sources[i]),
                          rows_of(stage.sources[i], true));
    }
    /* Holders: the table's routes and this test's own sets. */
    ck_assert_uint_eq(attr_table_references(stage.base.attrs),
                      loc_rib_attr_references(stage.base.rib) + SETS);
    ck_assert(attr_table_is_consistent(stage.base.attrs));
}

static void step_source(uint16_t source)
{
    uint32_t max = 1 + random_below(&stage.random, 20);
    switch (random_below(&stage.random, 4)) {
    case 0:
        mark_stale(source);
        break;
    case 1: {
        uint32_t swept = adj_rib_in_sweep_stale(stage.base.rib, source, max);
        ck_assert_uint_le(swept, max);
        ck_assert_uint_eq(forget_gone(source, true), swept);
        break;
    }
    case 2: {
        uint32_t dropped = adj_rib_in_drop(stage.base.rib, source, max);
        ck_assert_uint_eq(forget_gone(source, false), dropped);
        break;
    }
    default:
        while (adj_rib_in_sweep_stale(stage.base.rib, source, max) == max) {
        }
        (void)forget_gone(source, true);
        for (uint32_t i = 0; i < stage.row_count; i++) {
            ck_assert(stage.rows[i].source != source || !stage.rows[i].is_stale);
        }
        break;
    }
}

START_TEST(the_table_is_the_list_of_what_was_said)
{
    uint8_t family = _i % 2 == 0 ? IP_V4 : IP_V6;
    table_init(_i % 2 == 0 ? AFI_SAFI_IPV4_UNICAST : AFI_SAFI_IPV6_UNICAST, (uint64_t)_i + 9);
    for (uint32_t step = 0; step < 4000; step++) {
        struct prefix prefix = fixture_random_prefix(&stage.random, family);
        prefix.len_bits = (uint8_t)(prefix.len_bits % 20);
        struct ip_addr addr = prefix_addr(&prefix);
        prefix = prefix_make(&addr, prefix.len_bits);
        uint16_t source = stage.sources[random_below(&stage.random, SOURCES)];
        uint32_t path_id = random_below(&stage.random, 8) == 0 ? 1 : 0;
        if (random_below(&stage.random, 5) != 0) {
            put_random(&prefix, source, path_id);
        } else {
            remove_random(&prefix, source, path_id);
        }
        if (random_below(&stage.random, 60) == 0) {
            step_source(source);
        }
        if (random_below(&stage.random, 30) == 0) {
            decide_all();
        }
        if (step % 100 == 0) {
            check_table();
        }
    }
    check_table();
    for (uint32_t i = 0; i < SOURCES; i++) {
        while (adj_rib_in_drop(stage.base.rib, stage.sources[i], 7) != 0) {
        }
    }
    decide_all();
    ck_assert_uint_eq(loc_rib_dest_count(stage.base.rib), 0);
    ck_assert_uint_eq(loc_rib_route_count(stage.base.rib), 0);
    table_fini();
}
END_TEST

/* Many paths of one prefix pass through every kind of block and back. */
START_TEST(a_destination_takes_any_number_of_paths)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct prefix prefix = fixture_prefix(0x0a000000, 8);
    for (uint32_t path_id = 0; path_id < 300; path_id++) {
        put_random(&prefix, stage.sources[path_id % SOURCES], path_id);
        if (path_id % 16 == 0) {
            decide_all();
            check_table();
        }
    }
    struct route_view view = {0};
    uint32_t met = 0;
    while (dest_next_route(stage.base.rib, loc_rib_find(stage.base.rib, &prefix), &view)) {
        met++;
    }
    ck_assert_uint_eq(met, 300);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t path_id = i * 7 % 300;
        remove_random(&prefix, stage.sources[path_id % SOURCES], path_id);
        if (i % 16 == 0) {
            decide_all();
            check_table();
        }
    }
    decide_all();
    ck_assert_uint_eq(loc_rib_dest_count(stage.base.rib), 0);
    table_fini();
}
END_TEST

START_TEST(only_what_could_matter_makes_a_destination_dirty)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct loc_rib *rib = stage.base.rib;
    struct prefix prefix = fixture_prefix(0x0a000000, 8);
    struct mono_time now = {0};
    uint16_t source = stage.sources[0];
    struct attr_set *set = stage.sets[0];
    adj_rib_in_put(rib, source, &prefix, 0, set, NULL, DECISION_POLICY_REJECTED, now);
    ck_assert(!loc_rib_has_dirty(rib));
    adj_rib_in_put(rib, source, &prefix, 0, set, NULL, DECISION_AS_LOOP, now);
    ck_assert(!loc_rib_has_dirty(rib));
    adj_rib_in_put(rib, source, &prefix, 0, set, set, DECISION_NONE, now);
    dest_id dest = loc_rib_find(rib, &prefix);
    ck_assert_uint_eq(loc_rib_take_dirty(rib), dest);
    ck_assert_int_eq(adj_rib_in_put(rib, source, &prefix, 0, set, set, DECISION_NONE, now),
                     ROUTE_UNCHANGED);
    ck_assert(!loc_rib_has_dirty(rib));
    adj_rib_in_put(rib, source, &prefix, 0, set, NULL, DECISION_POLICY_REJECTED, now);
    ck_assert_uint_eq(loc_rib_take_dirty(rib), dest);
    ck_assert_int_eq(adj_rib_in_remove(rib, source, &prefix, 0), ROUTE_REMOVED);
    ck_assert_int_eq(adj_rib_in_remove(rib, source, &prefix, 0), ROUTE_UNCHANGED);
    decide_all();
    ck_assert_uint_eq(loc_rib_dest_count(rib), 0);
    table_fini();
}
END_TEST

START_TEST(holds_and_core_words_keep_a_destination_and_its_number)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct loc_rib *rib = stage.base.rib;
    struct prefix prefix = fixture_prefix(0x0a000000, 8);
    fixture_put(&stage.base, stage.sources[0], &prefix, stage.sets[0]);
    dest_id dest = loc_rib_find(rib, &prefix);
    dest_set_core_word(rib, dest, 1, 77);
    dest_hold(rib, dest);
    dest_hold(rib, dest);
    adj_rib_in_remove(rib, stage.sources[0], &prefix, 0);
    decide_all();
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), dest);
    ck_assert_uint_eq(dest_core_word(rib, dest, 1), 77);
    ck_assert_uint_eq(dest_core_word(rib, dest, 0), 0);
    struct ip_addr addr = ip_from_v4(0x0a010101);
    ck_assert_uint_eq(loc_rib_match(rib, &addr), 0); /* no route */
    dest_release(rib, dest);
    dest_set_core_word(rib, dest, 1, 0);
    decide_all();
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), dest);
    dest_release(rib, dest);
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), dest); /* not while the caller looks */
    decide_all();
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), 0);
    fixture_put(&stage.base, stage.sources[0], &prefix, stage.sets[0]);
    dest = loc_rib_find(rib, &prefix);
    dest_set_core_word(rib, dest, 0, 1);
    adj_rib_in_remove(rib, stage.sources[0], &prefix, 0);
    decide_all();
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), dest);
    dest_set_core_word(rib, dest, 0, 0);
    decide_all();
    ck_assert_uint_eq(loc_rib_find(rib, &prefix), 0);
    table_fini();
}
END_TEST

START_TEST(longest_match_skips_what_has_no_route_or_no_best_path)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct loc_rib *rib = stage.base.rib;
    struct prefix wide = fixture_prefix(0, 0);
    struct prefix middle = fixture_prefix(0x0a000000, 8);
    struct prefix narrow = fixture_prefix(0x0a010000, 16);
    uint16_t local = fixture_source(&stage.base, SOURCE_NETWORK, 0, 1);
    fixture_put(&stage.base, local, &wide, stage.sets[0]);
    fixture_put(&stage.base, local, &middle, stage.sets[0]);
    adj_rib_in_put(rib, local, &narrow, 0, stage.sets[0], NULL, DECISION_POLICY_REJECTED,
                   (struct mono_time){0});
    decide_all();
    struct ip_addr addr = ip_from_v4(0x0a010101);
    struct ip_addr other = ip_from_v4(0x0b000000);
    ck_assert_uint_eq(loc_rib_match(rib, &addr), loc_rib_find(rib, &narrow));
    ck_assert_uint_eq(loc_rib_match_best(rib, &addr), loc_rib_find(rib, &middle));
    ck_assert_uint_eq(loc_rib_match_best(rib, &other), loc_rib_find(rib, &wide));
    dest_hold(rib, loc_rib_find(rib, &middle));
    adj_rib_in_remove(rib, local, &middle, 0);
    decide_all();
    ck_assert_uint_eq(loc_rib_match_best(rib, &addr), loc_rib_find(rib, &wide));
    table_fini();
}
END_TEST

START_TEST(there_are_so_many_sources_and_no_more)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct rib_source source = {.kind = SOURCE_PEER_EBGP};
    uint16_t number;
    for (uint32_t i = SOURCES; i < RIB_SOURCES_MAX; i++) {
        ck_assert_int_eq(loc_rib_source_add(stage.base.rib, &source, &number), STATUS_OK);
    }
    ck_assert_int_eq(loc_rib_source_add(stage.base.rib, &source, &number), STATUS_LIMIT);
    loc_rib_source_remove(stage.base.rib, 99);
    ck_assert_int_eq(loc_rib_source_add(stage.base.rib, &source, &number), STATUS_OK);
    ck_assert_uint_eq(number, 99);
    table_fini();
}
END_TEST

START_TEST(a_source_walk_survives_removal_and_replacement_of_what_it_visits)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        struct prefix prefix = fixture_prefix(i << 8, 24);
        put_random(&prefix, stage.sources[i % 2], 0);
    }
    struct source_walker walker = {0};
    struct route_view view;
    uint32_t met = 0;
    while (source_walker_next(&walker, stage.base.rib, stage.sources[0], &view)) {
        ck_assert_uint_eq(view.source, stage.sources[0]);
        struct prefix prefix = dest_prefix(stage.base.rib, view.dest);
        if (random_below(&stage.random, 3) != 0) {
            remove_random(&prefix, stage.sources[0], 0);
        } else {
            put_random(&prefix, stage.sources[0], 0);
        }
        met++;
    }
    ck_assert_uint_eq(met, 500);
    check_table();
    decide_all();
    table_fini();
}
END_TEST

/* Between any two steps destinations come and go; those there all the time are met exactly once and
 * in order. */
START_TEST(a_walk_meets_what_stays_exactly_once_while_the_table_changes)
{
    enum { STAYING = 300 };
    table_init(AFI_SAFI_IPV4_UNICAST, (uint64_t)_i + 3);
    uint32_t met[STAYING] = {0};
    for (uint32_t i = 0; i < STAYING; i++) {
        struct prefix prefix = fixture_prefix(0x0a000000 + (i << 12), 24);
        put_random(&prefix, stage.sources[0], 0);
    }
    struct prefix within = fixture_prefix(0x0a080000, 13);
    struct rib_walker walker;
    rib_walker_init(&walker, _i % 2 == 0 ? NULL : &within);
    struct prefix last = {0};
    dest_id dest;
    while ((dest = rib_walker_next(&walker, stage.base.rib)) != 0) {
        struct prefix prefix = dest_prefix(stage.base.rib, dest);
        ck_assert(last.family == IP_NONE || prefix_compare(&last, &prefix) < 0);
        ck_assert(_i % 2 == 0 || prefix_contains(&within, &prefix));
        last = prefix;
        struct ip_addr addr = prefix_addr(&prefix);
        uint32_t host = ip_to_v4(&addr);
        if ((host & 0xfff) == 0 && prefix.len_bits == 24) {
            met[(host - 0x0a000000) >> 12]++;
        }
        for (uint32_t i = 0; i < 6; i++) {
            uint32_t at = 0x0a000000 + random_below(&stage.random, STAYING << 12);
            struct prefix guest = fixture_prefix(at | 0x100, 24);
            if (random_below(&stage.random, 2) != 0) {
                put_random(&guest, stage.sources[1], 0);
            } else {
                remove_random(&guest, stage.sources[1], 0);
            }
        }
        decide_all();
    }
    ck_assert_uint_eq(rib_walker_next(&walker, stage.base.rib), 0);
    for (uint32_t i = 0; i < STAYING; i++) {
        struct prefix prefix = fixture_prefix(0x0a000000 + (i << 12), 24);
        bool is_inside = _i % 2 == 0 || prefix_contains(&within, &prefix);
        ck_assert_uint_eq(met[i], is_inside ? 1 : 0);
    }
    table_fini();
}
END_TEST

START_TEST(a_walk_within_the_other_family_is_empty)
{
    table_init(AFI_SAFI_IPV4_UNICAST, 1);
    struct prefix prefix = fixture_prefix(0, 0);
    put_random(&prefix, stage.sources[0], 0);
    struct prefix within = {.family = IP_V6};
    struct rib_walker walker;
    rib_walker_init(&walker, &within);
    ck_assert_uint_eq(rib_walker_next(&walker, stage.base.rib), 0);
    rib_walker_init(&walker, &prefix);
    ck_assert_uint_ne(rib_walker_next(&walker, stage.base.rib), 0);
    ck_assert_uint_eq(rib_walker_next(&walker, stage.base.rib), 0);
    table_fini();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("tables");
    TCase *tcase = tcase_create("tables");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, the_table_is_the_list_of_what_was_said, 0, 6);
    tcase_add_test(tcase, a_destination_takes_any_number_of_paths);
    tcase_add_test(tcase, only_what_could_matter_makes_a_destination_dirty);
    tcase_add_test(tcase, holds_and_core_words_keep_a_destination_and_its_number);
    tcase_add_test(tcase, longest_match_skips_what_has_no_route_or_no_best_path);
    tcase_add_test(tcase, there_are_so_many_sources_and_no_more);
    tcase_add_test(tcase, a_source_walk_survives_removal_and_replacement_of_what_it_visits);
    tcase_add_loop_test(tcase, a_walk_meets_what_stays_exactly_once_while_the_table_changes, 0, 4);
    tcase_add_test(tcase, a_walk_within_the_other_family_is_empty);
    suite_add_tcase(suite, tcase);
    return suite;
}
