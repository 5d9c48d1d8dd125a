/* Update groups against plain mirrors: random changes, readers that come, go, rewind and stall. */
#include <stdlib.h>

#include "rib/adj_rib_out_private.h"
#include "tests/unit/rib/rib_fixture.h"

#define DESTS   40u
#define SETS    6u
#define READERS 5u
#define RUN_MAX 8u

struct out_stage {
    struct rib_fixture base;
    struct adj_rib_out *out;
    dest_id dests[DESTS];
    struct attr_set *sets[SETS + 1]; /* 0: nothing */
    struct attr_set *truth[DESTS];
    uint16_t source;
};

static void out_init(struct out_stage *stage, uint32_t dest_count)
{
    *stage = (struct out_stage){0};
    fixture_init(&stage->base, AFI_SAFI_IPV4_UNICAST);
    stage->source = fixture_source(&stage->base, SOURCE_NETWORK, 0, 1);
    for (uint32_t i = 1; i <= SETS; i++) {
        stage->sets[i] = fixture_set(&stage->base, i);
    }
    for (uint32_t i = 0; i < dest_count; i++) {
        struct prefix prefix = fixture_prefix(0x0a000000 + (i << 8), 24);
        fixture_put(&stage->base, stage->source, &prefix, stage->sets[1]);
        stage->dests[i] = loc_rib_find(stage->base.rib, &prefix);
    }
    stage->out = adj_rib_out_new(stage->base.rib, stage->base.attrs);
}

/* Drops all routes and lets every destination go that nothing keeps. */
static void out_fini(struct out_stage *stage)
{
    adj_rib_out_free(stage->out);
    (void)adj_rib_in_drop(stage->base.rib, stage->source, UINT32_MAX);
    dest_id dest;
    struct decision_options options = {0};
    struct decision_result result;
    while ((dest = loc_rib_take_dirty(stage->base.rib)) != 0) {
        decision_run(stage->base.rib, dest, PATH_CLASS_ANY, &options, &result);
    }
    ck_assert_uint_eq(loc_rib_dest_count(stage->base.rib), 0);
    for (uint32_t i = 1; i <= SETS; i++) {
        attr_set_unref(stage->base.attrs, stage->sets[i]);
    }
    fixture_fini(&stage->base);
}

/* One peer: what it has been told. */
struct mirror {
    bool is_used;
    uint32_t reader;
    struct attr_set *held[DESTS];
};

static uint32_t index_of(const struct out_stage *stage, dest_id dest)
{
    for (uint32_t i = 0; i < DESTS; i++) {
        if (stage->dests[i] == dest) {
            return i;
        }
    }
    ck_abort_msg("a destination that was never announced");
}

/* Reads one run and takes part of it. A run has one set, no destination twice, and what it says is
 * true now: so a stale value can never follow a newer one. */
static uint32_t mirror_read(struct out_stage *stage, struct mirror *mirror, uint32_t max,
                            uint32_t take_max)
{
    dest_id dests[RUN_MAX];
    struct attr_set *attrs = NULL;
    uint32_t count = adj_rib_out_reader_peek(stage->out, mirror->reader, dests, max, &attrs);
    ck_assert_uint_le(count, max);
    uint32_t taken = count < take_max ? count : take_max;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = index_of(stage, dests[i]);
        ck_assert_ptr_eq(stage->truth[index], attrs);
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_uint_ne(dests[i], dests[j]);
        }
        if (i < taken) {
            mirror->held[index] = attrs;
        }
    }
    adj_rib_out_reader_advance(stage->out, mirror->reader, dests, taken);
    return count;
}

static void mirror_check(const struct out_stage *stage, const struct mirror *mirror)
{
    bool is_idle = adj_rib_out_reader_is_idle(stage->out, mirror->reader);
    ck_assert_int_eq(is_idle, adj_rib_out_reader_backlog(stage->out, mirror->reader) == 0);
    bool is_equal = memcmp(mirror->held, stage->truth, sizeof mirror->held) == 0;
    if (is_idle) {
        ck_assert(is_equal);
    }
}

static void mirror_drain(struct out_stage *stage, struct mirror *mirror)
{
    uint32_t runs = 0;
    while (!adj_rib_out_reader_is_idle(stage->out, mirror->reader)) {
        ck_assert_uint_gt(mirror_read(stage, mirror, RUN_MAX, RUN_MAX), 0);
        ck_assert_uint_lt(runs++, 10 * DESTS);
    }
    struct attr_set *attrs;
    dest_id dest;
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage->out, mirror->reader, &dest, 1, &attrs), 0);
    mirror_check(stage, mirror);
}

static void put_random(struct out_stage *stage, struct random_source *random)
{
    uint32_t at = random_below(random, DESTS);
    struct attr_set *set = stage->sets[random_below(random, SETS + 1)];
    bool differs = adj_rib_out_put(stage->out, stage->dests[at], set);
    ck_assert_int_eq(differs, stage->truth[at] != set);
    stage->truth[at] = set;
    ck_assert_ptr_eq(adj_rib_out_find(stage->out, stage->dests[at]), set);
}

static void step_random(struct out_stage *stage, struct random_source *random,
                        struct mirror *mirrors)
{
    struct mirror *mirror = &mirrors[random_below(random, READERS)];
    uint32_t what = random_below(random, 100);
    if (!mirror->is_used) {
        if (what < 10) {
            *mirror = (struct mirror){.is_used = true};
            ck_assert_int_eq(adj_rib_out_reader_add(stage->out, &mirror->reader), STATUS_OK);
        }
    } else if (what < 2) {
        adj_rib_out_reader_remove(stage->out, mirror->reader);
        mirror->is_used = false;
    } else if (what < 4) {
        adj_rib_out_reader_rewind(stage->out, mirror->reader);
    } else if (what < 50) {
        (void)mirror_read(stage, mirror, 1 + random_below(random, RUN_MAX),
                          random_below(random, RUN_MAX + 1));
    } else if (what < 55) {
        mirror_drain(stage, mirror);
    }
    if (mirror->is_used) {
        mirror_check(stage, mirror);
    }
}

START_TEST(every_reader_ends_with_the_truth_and_never_sees_a_stale_value)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct random_source random;
    random_init(&random, (uint64_t)_i + 1);
    struct mirror mirrors[READERS] = {0};
    for (uint32_t step = 0; step < 6000; step++) {
        if (random_below(&random, 3) != 0) {
            put_random(&stage, &random);
        }
        step_random(&stage, &random, mirrors);
        if (step % 64 == 0) {
            ck_assert(adj_rib_out_is_consistent(stage.out));
        }
    }
    for (uint32_t i = 0; i < READERS; i++) {
        if (mirrors[i].is_used) {
            mirror_drain(&stage, &mirrors[i]);
        }
    }
    uint32_t announced = 0;
    for (uint32_t i = 0; i < DESTS; i++) {
        announced += stage.truth[i] != NULL;
    }
    ck_assert_uint_eq(adj_rib_out_count(stage.out), announced);
    out_fini(&stage);
}
END_TEST

START_TEST(a_change_between_peek_and_advance_is_told_again)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct mirror mirror = {.is_used = true};
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirror.reader), STATUS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(adj_rib_out_put(stage.out, stage.dests[i], stage.sets[1]));
    }
    dest_id dests[4];
    struct attr_set *attrs;
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage.out, mirror.reader, dests, 4, &attrs), 4);
    ck_assert(adj_rib_out_put(stage.out, dests[1], stage.sets[2]));
    adj_rib_out_reader_advance(stage.out, mirror.reader, dests, 4);
    dest_id again;
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage.out, mirror.reader, &again, 1, &attrs), 1);
    ck_assert_uint_eq(again, dests[1]);
    ck_assert_ptr_eq(attrs, stage.sets[2]);
    adj_rib_out_reader_advance(stage.out, mirror.reader, &again, 1);
    ck_assert(adj_rib_out_reader_is_idle(stage.out, mirror.reader));
    out_fini(&stage);
}
END_TEST

START_TEST(scattered_changes_of_one_set_fill_one_run)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct mirror mirrors[2];
    for (uint32_t i = 0; i < 2; i++) {
        mirrors[i] = (struct mirror){.is_used = true};
        ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirrors[i].reader), STATUS_OK);
    }
    for (uint32_t i = 0; i < DESTS; i++) {
        stage.truth[i] = stage.sets[1 + i % 5];
        ck_assert(adj_rib_out_put(stage.out, stage.dests[i], stage.truth[i]));
    }
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t run = 0; run < 5; run++) {
            ck_assert_uint_eq(mirror_read(&stage, &mirrors[i], RUN_MAX, RUN_MAX), DESTS / 5);
        }
        mirror_drain(&stage, &mirrors[i]);
    }
    out_fini(&stage);
}
END_TEST

START_TEST(what_no_reader_was_told_needs_no_withdrawal)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct mirror mirror = {.is_used = true};
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirror.reader), STATUS_OK);
    ck_assert(adj_rib_out_reader_is_idle(stage.out, mirror.reader));
    dest_id none;
    struct attr_set *attrs;
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage.out, mirror.reader, &none, 1, &attrs), 0);
    ck_assert(adj_rib_out_put(stage.out, stage.dests[3], stage.sets[1]));
    ck_assert_uint_eq(adj_rib_out_reader_backlog(stage.out, mirror.reader), 1);
    ck_assert(adj_rib_out_put(stage.out, stage.dests[3], stage.sets[2]));
    ck_assert_uint_eq(adj_rib_out_reader_backlog(stage.out, mirror.reader), 1);
    ck_assert(adj_rib_out_put(stage.out, stage.dests[3], NULL));
    ck_assert(adj_rib_out_reader_is_idle(stage.out, mirror.reader));
    ck_assert(!adj_rib_out_put(stage.out, stage.dests[3], NULL));
    out_fini(&stage);
}
END_TEST

/* The walk of a reader that came late, or was rewound, tells what lies untaken in the journal. */
START_TEST(what_a_walk_has_told_is_withdrawn)
{
    for (uint32_t is_rewound = 0; is_rewound < 2; is_rewound++) {
        struct out_stage stage;
        out_init(&stage, DESTS);
        struct mirror first = {.is_used = true};
        struct mirror second = {.is_used = true};
        ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &first.reader), STATUS_OK);
        stage.truth[3] = stage.sets[1];
        ck_assert(adj_rib_out_put(stage.out, stage.dests[3], stage.sets[1]));
        if (is_rewound != 0) {
            adj_rib_out_reader_rewind(stage.out, first.reader);
            ck_assert_uint_eq(mirror_read(&stage, &first, 1, 1), 1);
        } else {
            ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &second.reader), STATUS_OK);
            mirror_drain(&stage, &second);
        }
        stage.truth[3] = NULL;
        ck_assert(adj_rib_out_put(stage.out, stage.dests[3], NULL));
        mirror_drain(&stage, &first);
        if (is_rewound == 0) {
            mirror_drain(&stage, &second);
        }
        out_fini(&stage);
    }
}
END_TEST

/* A set that was announced before a reader came, and comes again behind it, reaches it too. */
START_TEST(a_reader_that_comes_gets_later_changes_of_the_sets_before_it)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct mirror mirrors[2] = {{.is_used = true}, {.is_used = true}};
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirrors[0].reader), STATUS_OK);
    for (uint32_t i = 0; i < 3; i++) {
        stage.truth[i] = stage.sets[1 + i];
        ck_assert(adj_rib_out_put(stage.out, stage.dests[i], stage.truth[i]));
    }
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirrors[1].reader), STATUS_OK);
    mirror_drain(&stage, &mirrors[1]);
    stage.truth[7] = stage.sets[1];
    ck_assert(adj_rib_out_put(stage.out, stage.dests[7], stage.sets[1]));
    for (uint32_t i = 0; i < 2; i++) {
        mirror_drain(&stage, &mirrors[i]);
    }
    out_fini(&stage);
}
END_TEST

START_TEST(a_number_lives_until_the_slowest_reader_knows_it_is_gone)
{
    struct out_stage stage;
    out_init(&stage, DESTS);
    struct mirror mirror = {.is_used = true};
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &mirror.reader), STATUS_OK);
    stage.truth[0] = stage.sets[1];
    ck_assert(adj_rib_out_put(stage.out, stage.dests[0], stage.sets[1]));
    mirror_drain(&stage, &mirror);
    stage.truth[0] = NULL;
    ck_assert(adj_rib_out_put(stage.out, stage.dests[0], NULL));
    struct prefix prefix = dest_prefix(stage.base.rib, stage.dests[0]);
    (void)adj_rib_in_remove(stage.base.rib, stage.source, &prefix, 0);
    struct decision_options options = {0};
    struct decision_result result;
    decision_run(stage.base.rib, stage.dests[0], PATH_CLASS_ANY, &options, &result);
    dest_id dest;
    while ((dest = loc_rib_take_dirty(stage.base.rib)) != 0) {
        decision_run(stage.base.rib, dest, PATH_CLASS_ANY, &options, &result);
    }
    ck_assert_uint_eq(loc_rib_find(stage.base.rib, &prefix), stage.dests[0]);
    mirror_drain(&stage, &mirror);
    while ((dest = loc_rib_take_dirty(stage.base.rib)) != 0) {
        decision_run(stage.base.rib, dest, PATH_CLASS_ANY, &options, &result);
    }
    ck_assert_uint_eq(loc_rib_find(stage.base.rib, &prefix), 0);
    out_fini(&stage);
}
END_TEST

START_TEST(there_are_so_many_readers_and_no_more)
{
    struct out_stage stage;
    out_init(&stage, 1);
    uint32_t reader;
    for (uint32_t i = 0; i < ADJ_RIB_OUT_READERS_MAX; i++) {
        ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &reader), STATUS_OK);
    }
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &reader), STATUS_LIMIT);
    adj_rib_out_reader_remove(stage.out, 17);
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &reader), STATUS_OK);
    ck_assert_uint_eq(reader, 17);
    out_fini(&stage);
}
END_TEST

START_TEST(an_exchange_is_told_to_nobody_and_never_overtakes_a_change)
{
    struct out_stage stage;
    out_init(&stage, 1);
    uint32_t reader;
    dest_id dest = stage.dests[0];
    struct attr_set *attrs;
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &reader), STATUS_OK);
    ck_assert(adj_rib_out_put(stage.out, dest, stage.sets[1]));
    ck_assert(!adj_rib_out_exchange(stage.out, dest, stage.sets[2])); /* not told yet */
    ck_assert_ptr_eq(adj_rib_out_find(stage.out, dest), stage.sets[1]);
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage.out, reader, &dest, 1, &attrs), 1);
    adj_rib_out_reader_advance(stage.out, reader, &dest, 1);
    ck_assert(adj_rib_out_exchange(stage.out, dest, stage.sets[2]));
    ck_assert_ptr_eq(adj_rib_out_find(stage.out, dest), stage.sets[2]);
    ck_assert(adj_rib_out_reader_is_idle(stage.out, reader));
    ck_assert(!adj_rib_out_put(stage.out, dest, stage.sets[2]));
    ck_assert(adj_rib_out_is_consistent(stage.out));
    out_fini(&stage);
}
END_TEST

/* A backlog far larger than what is kept is given back when all readers are in step. */
START_TEST(a_drained_journal_gives_its_memory_back)
{
    struct out_stage stage;
    out_init(&stage, 1);
    uint32_t count = 80000;
    uint32_t reader;
    ck_assert_int_eq(adj_rib_out_reader_add(stage.out, &reader), STATUS_OK);
    dest_id dests[512];
    struct attr_set *attrs;
    ck_assert_uint_eq(adj_rib_out_reader_peek(stage.out, reader, dests, 1, &attrs), 0);
    int64_t before = mem_bytes(MEM_ADJ_RIB_OUT);
    for (uint32_t i = 1; i < count; i++) {
        struct prefix prefix = fixture_prefix(0x14000000 + i, 32);
        fixture_put(&stage.base, stage.source, &prefix, stage.sets[1]);
        dest_id dest = loc_rib_find(stage.base.rib, &prefix);
        ck_assert(adj_rib_out_put(stage.out, dest, stage.sets[1 + i % SETS]));
    }
    ck_assert_int_gt(mem_bytes(MEM_ADJ_RIB_OUT) - before, count * 12);
    uint32_t told = 0;
    uint32_t runs = 0;
    uint32_t got;
    while ((got = adj_rib_out_reader_peek(stage.out, reader, dests, 512, &attrs)) != 0) {
        told += got;
        runs++;
        adj_rib_out_reader_advance(stage.out, reader, dests, got);
    }
    ck_assert_uint_eq(told, count - 1);
    ck_assert_uint_le(runs, (count / SETS / 512 + 1) * SETS);
    ck_assert_int_lt(mem_bytes(MEM_ADJ_RIB_OUT) - before, count * 6);
    ck_assert(adj_rib_out_is_consistent(stage.out));
    out_fini(&stage);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("adj_rib_out");
    TCase *tcase = tcase_create("journal");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, every_reader_ends_with_the_truth_and_never_sees_a_stale_value, 0,
                        10);
    tcase_add_test(tcase, a_change_between_peek_and_advance_is_told_again);
    tcase_add_test(tcase, scattered_changes_of_one_set_fill_one_run);
    tcase_add_test(tcase, what_no_reader_was_told_needs_no_withdrawal);
    tcase_add_test(tcase, what_a_walk_has_told_is_withdrawn);
    tcase_add_test(tcase, a_reader_that_comes_gets_later_changes_of_the_sets_before_it);
    tcase_add_test(tcase, a_number_lives_until_the_slowest_reader_knows_it_is_gone);
    tcase_add_test(tcase, there_are_so_many_readers_and_no_more);
    tcase_add_test(tcase, an_exchange_is_told_to_nobody_and_never_overtakes_a_change);
    tcase_add_test(tcase, a_drained_journal_gives_its_memory_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
