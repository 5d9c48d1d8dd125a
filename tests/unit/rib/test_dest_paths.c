/* The routes of one destination, beside a plain list of them, around the sizes at which the form
 * they are kept in changes. */
#include <string.h>

#include "proto/base/random.h"
#include "rib/dest_paths.h"
#include "tests/unit/unit.h"

#define SOURCES     3u
#define PATHS_MAX   700u
#define BIG_AT      64u /* where the hash begins */
#define BIG_UNTIL   31u /* and where it ends on the way down */
#define SPAN_STEPS  9u
#define RANDOM_ENDS 12u

static struct {
    struct route_store store;
    struct dest_paths paths;
    struct prefix_node node;
    uint16_t sources[SOURCES];
    uint32_t number[PATHS_MAX]; /* of path i; 0: it is not there */
    uint32_t order[PATHS_MAX];  /* paths in the order in which they came */
    uint32_t count;
} stage;

static uint16_t source_of(uint32_t path)
{
    return stage.sources[path % SOURCES];
}

/* Neighbouring paths differ in the source alone. */
static uint32_t path_id_of(uint32_t path)
{
    return path / SOURCES * 0x10001u;
}

static void stage_init(void)
{
    memset(&stage, 0, sizeof stage);
    route_store_init(&stage.store);
    dest_paths_init(&stage.paths, &stage.store, 7);
    for (uint32_t i = 0; i < SOURCES; i++) {
        struct rib_source source = {.kind = SOURCE_PEER_EBGP, .router_id = i + 1};
        enum status status = route_store_source_add(&stage.store, &source, &stage.sources[i]);
        ck_assert_int_eq(status, STATUS_OK);
    }
}

static void add(uint32_t path)
{
    stage.number[path] = route_store_take(&stage.store, source_of(path));
    route_store_set_path_id(&stage.store, stage.number[path], path_id_of(path));
    dest_paths_add(&stage.paths, &stage.node, stage.number[path]);
    stage.order[stage.count++] = path;
}

static void remove_at(uint32_t place)
{
    uint32_t path = stage.order[place];
    dest_paths_remove(&stage.paths, &stage.node, stage.number[path]);
    route_store_give(&stage.store, stage.number[path]);
    stage.number[path] = 0;
    stage.count--;
    memmove(&stage.order[place], &stage.order[place + 1],
            (stage.count - place) * sizeof stage.order[0]);
}

static bool is_found(uint32_t path)
{
    return dest_paths_find(&stage.paths, &stage.node, source_of(path), path_id_of(path)) ==
           stage.number[path];
}

/* One assertion for all: Check is slow to count them. */
static void check_all(uint32_t path_limit)
{
    uint32_t count;
    const uint32_t *routes = dest_paths_peek(&stage.paths, &stage.node, &count);
    bool is_right = count == stage.count;
    for (uint32_t i = 0; is_right && i < count; i++) {
        is_right = routes[i] == stage.number[stage.order[i]];
    }
    for (uint32_t path = 0; is_right && path < path_limit; path++) {
        is_right = is_found(path);
    }
    ck_assert(is_right);
}

static bool is_big(void)
{
    return stage.node.flags >> DEST_PATHS_SHIFT == DEST_PATHS_BIG;
}

static void stage_fini(void)
{
    while (stage.count != 0) {
        remove_at(stage.count / 2);
    }
    check_all(1);
    ck_assert_uint_eq(stage.node.paths, 0);
    dest_paths_fini(&stage.paths);
    for (uint32_t i = 0; i < SOURCES; i++) {
        route_store_source_remove(&stage.store, stage.sources[i]);
    }
    route_store_fini(&stage.store);
}

/* Which of those there goes: first, last and middle take turns. */
static uint32_t some_place(uint32_t step)
{
    uint32_t last = stage.count - 1;
    return step % 3 == 0 ? 0 : step % 3 == 1 ? last : last / 2;
}

/* Every sequence of so many arrivals and departures that begins at start paths. */
static void try_all_orders(uint32_t start)
{
    for (uint32_t sequence = 0; sequence < 1u << SPAN_STEPS; sequence++) {
        stage_init();
        uint32_t next = 0;
        while (next < start) {
            add(next++);
        }
        for (uint32_t step = 0; step < SPAN_STEPS; step++) {
            if ((sequence >> step & 1) != 0) {
                add(next++);
            } else {
                remove_at(some_place(step + sequence));
            }
            check_all(next + 1);
        }
        stage_fini();
    }
}

START_TEST(every_order_around_the_first_big_block_finds_what_is_there)
{
    try_all_orders(BIG_AT - 4 + (uint32_t)_i);
}
END_TEST

/* From a big block back, and up again from where it ended. */
START_TEST(every_order_around_the_end_of_a_big_block_finds_what_is_there)
{
    stage_init();
    for (uint32_t path = 0; path < BIG_AT; path++) {
        add(path);
    }
    ck_assert(is_big());
    while (stage.count > BIG_UNTIL + 1) {
        remove_at(some_place(stage.count + (uint32_t)_i));
        check_all(BIG_AT);
    }
    ck_assert(is_big());
    uint32_t next = BIG_AT;
    for (uint32_t step = 0; step < 200; step++) {
        bool is_arrival = (step >> (uint32_t)_i & 1) != 0;
        if (is_arrival) {
            add(next++);
        } else {
            remove_at(some_place(step));
        }
        if (stage.count < 20 || next == PATHS_MAX) {
            break;
        }
        check_all(next);
    }
    stage_fini();
}
END_TEST

/* The first path from there on, round and round, that is not there; there must be one. */
static uint32_t some_absent(uint32_t path)
{
    while (stage.number[path] != 0) {
        path = (path + 1) % PATHS_MAX;
    }
    return path;
}

START_TEST(any_number_of_paths_grows_and_shrinks)
{
    struct random_source random;
    random_init(&random, (uint64_t)_i + 1);
    stage_init();
    for (uint32_t end = 0; end < RANDOM_ENDS; end++) {
        uint32_t wanted = random_below(&random, PATHS_MAX);
        while (stage.count != wanted) {
            bool is_growing = stage.count < wanted;
            bool can_turn = stage.count != 0 && stage.count < PATHS_MAX;
            bool is_against = can_turn && random_below(&random, 4) == 0;
            if (is_growing != is_against) {
                add(some_absent(random_below(&random, PATHS_MAX)));
            } else {
                remove_at(random_below(&random, stage.count));
            }
        }
        check_all(PATHS_MAX);
    }
    stage_fini();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("dest_paths");
    TCase *tcase = tcase_create("dest_paths");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_order_around_the_first_big_block_finds_what_is_there, 0, 8);
    tcase_add_loop_test(tcase, every_order_around_the_end_of_a_big_block_finds_what_is_there, 0, 5);
    tcase_add_loop_test(tcase, any_number_of_paths_grows_and_shrinks, 0, 8);
    suite_add_tcase(suite, tcase);
    return suite;
}
