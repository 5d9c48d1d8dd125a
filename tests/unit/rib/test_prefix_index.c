/* The prefix index and its two halves against plain arrays. */
#include <stdlib.h>

#include "rib/number_hash.h"
#include "tests/unit/rib/rib_fixture.h"

#define KNOWN_MAX 3000u

struct known {
    struct prefix prefixes[KNOWN_MAX];
    uint32_t numbers[KNOWN_MAX];
    uint32_t count;
};

static uint32_t known_find(const struct known *known, const struct prefix *prefix)
{
    for (uint32_t i = 0; i < known->count; i++) {
        if (prefix_equal(&known->prefixes[i], prefix)) {
            return i;
        }
    }
    return known->count;
}

static uint32_t known_match(const struct known *known, const struct ip_addr *addr, uint8_t max)
{
    uint32_t found = 0;
    int best = -1;
    for (uint32_t i = 0; i < known->count; i++) {
        const struct prefix *prefix = &known->prefixes[i];
        if (prefix_contains_ip(prefix, addr) && prefix->len_bits <= max &&
            (int)prefix->len_bits > best) {
            best = prefix->len_bits;
            found = known->numbers[i];
        }
    }
    return found;
}

static uint32_t known_after(const struct known *known, const struct prefix *prefix, bool or_equal)
{
    uint32_t best = known->count;
    for (uint32_t i = 0; i < known->count; i++) {
        int order = prefix_compare(&known->prefixes[i], prefix);
        if ((order > 0 || (or_equal && order == 0)) &&
            (best == known->count ||
             prefix_compare(&known->prefixes[i], &known->prefixes[best]) < 0)) {
            best = i;
        }
    }
    return best == known->count ? 0 : known->numbers[best];
}

static void toggle(struct prefix_index *index, struct known *known, const struct prefix *prefix)
{
    uint32_t at = known_find(known, prefix);
    uint32_t expected = at == known->count ? 0 : known->numbers[at];
    ck_assert_uint_eq(prefix_index_find(index, prefix), expected);
    if (expected != 0) {
        prefix_index_remove(index, expected);
        known->count--;
        known->prefixes[at] = known->prefixes[known->count];
        known->numbers[at] = known->numbers[known->count];
        return;
    }
    if (known->count < KNOWN_MAX) {
        uint32_t number = prefix_index_put(index, prefix);
        ck_assert_uint_ne(number, 0);
        ck_assert_uint_lt(number, prefix_index_limit(index));
        ck_assert_uint_eq(prefix_index_put(index, prefix), number);
        struct prefix back = prefix_index_prefix(index, number);
        ck_assert(prefix_equal(&back, prefix));
        known->prefixes[known->count] = *prefix;
        known->numbers[known->count++] = number;
    }
}

static void check_random(uint8_t family, uint64_t seed, uint32_t steps, bool is_dense)
{
    struct prefix_index *index = prefix_index_new(family, seed * 77);
    struct known *known = calloc(1, sizeof *known);
    struct random_source random;
    random_init(&random, seed);
    for (uint32_t step = 0; step < steps; step++) {
        struct prefix prefix = fixture_random_prefix(&random, family);
        if (is_dense) {
            uint32_t value = random_below(&random, 4096);
            prefix = (struct prefix){.family = family, .len_bits = 24};
            prefix.bytes[0] = 10;
            prefix.bytes[1] = (uint8_t)(value >> 8);
            prefix.bytes[2] = (uint8_t)value;
        }
        toggle(index, known, &prefix);
        ck_assert_uint_eq(prefix_index_count(index), known->count);
        if (step % 4 != 0) {
            continue;
        }
        struct prefix other = fixture_random_prefix(&random, family);
        struct ip_addr addr = prefix_addr(&other);
        uint8_t max = (uint8_t)random_below(&random, ip_family_bits(family) + 1u);
        ck_assert_uint_eq(prefix_index_match(index, &addr, max), known_match(known, &addr, max));
        ck_assert_uint_eq(prefix_index_after(index, &prefix, false),
                          known_after(known, &prefix, false));
        ck_assert_uint_eq(prefix_index_after(index, &other, true),
                          known_after(known, &other, true));
    }
    while (known->count > 0) {
        struct prefix prefix = known->prefixes[random_below(&random, known->count)];
        toggle(index, known, &prefix);
        if (known->count % 8 == 0) {
            struct prefix other = fixture_random_prefix(&random, family);
            other = is_dense ? prefix : other;
            ck_assert_uint_eq(prefix_index_after(index, &other, false),
                              known_after(known, &other, false));
        }
    }
    ck_assert_uint_eq(prefix_index_count(index), 0);
    free(known);
    prefix_index_free(index);
    ck_assert_int_eq(mem_blocks(MEM_PREFIX_INDEX), 0);
}

START_TEST(random_prefixes_are_found_matched_and_ordered)
{
    check_random(_i % 2 == 0 ? IP_V4 : IP_V6, (uint64_t)_i + 1, 3000, false);
}
END_TEST

/* Enough neighbours to split and join leaves and to grow the hash. */
START_TEST(dense_tables_grow_and_shrink)
{
    check_random(_i == 0 ? IP_V4 : IP_V6, 99, 8000, true);
}
END_TEST

/* In order, against it and scattered, with the order asked for early or late: leaves come about in
 * different ways, the walk is the same. */
START_TEST(a_walk_meets_every_prefix_in_order_however_they_came)
{
    enum { COUNT = 20000 };
    struct prefix_index *index = prefix_index_new(IP_V4, 5);
    for (uint32_t i = 0; i < COUNT; i++) {
        int way = _i / 2;
        uint32_t at = way == 0 ? i : way == 1 ? COUNT - 1 - i : i * 7919 % COUNT;
        struct prefix prefix = fixture_prefix(0x0a000000 + at * 256, 24);
        (void)prefix_index_put(index, &prefix);
        if (i == 0 && _i % 2 == 0) {
            ck_assert_uint_ne(prefix_index_after(index, &prefix, true), 0);
        }
    }
    struct prefix position = {.family = IP_V4};
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t number = prefix_index_after(index, &position, false);
        ck_assert_uint_ne(number, 0);
        position = prefix_index_prefix(index, number);
        struct prefix expected = fixture_prefix(0x0a000000 + i * 256, 24);
        ck_assert(prefix_equal(&position, &expected));
    }
    ck_assert_uint_eq(prefix_index_after(index, &position, false), 0);
    prefix_index_free(index);
}
END_TEST

/* A leaf in order that has become small joins one whose end is in no order. */
START_TEST(joined_leaves_are_walked_in_order)
{
    struct prefix_index *index = prefix_index_new(IP_V4, 5);
    for (uint32_t i = 0; i < 1200; i += 2) {
        struct prefix prefix = fixture_prefix(0x0a000000 + i * 256, 24);
        (void)prefix_index_put(index, &prefix);
        (void)prefix_index_after(index, &prefix, true); /* there is an order from the first on */
    }
    for (uint32_t i = 1199; i > 1100; i -= 2) {
        struct prefix prefix = fixture_prefix(0x0a000000 + i * 256, 24);
        (void)prefix_index_put(index, &prefix);
    }
    for (uint32_t i = 80; i < 1010; i += 2) {
        struct prefix prefix = fixture_prefix(0x0a000000 + i * 256, 24);
        prefix_index_remove(index, prefix_index_find(index, &prefix));
    }
    struct prefix last = {.family = IP_V4};
    uint32_t number;
    uint32_t met = 0;
    while ((number = prefix_index_after(index, &last, false)) != 0) {
        struct prefix prefix = prefix_index_prefix(index, number);
        ck_assert_int_lt(prefix_compare(&last, &prefix), 0);
        last = prefix;
        met++;
    }
    ck_assert_uint_eq(met, prefix_index_count(index));
    prefix_index_free(index);
}
END_TEST

START_TEST(an_empty_table_forgets_its_order_and_makes_it_anew)
{
    struct prefix_index *index = prefix_index_new(IP_V4, 5);
    struct prefix first = fixture_prefix(0x0a000000, 8);
    struct prefix second = fixture_prefix(0x0b000000, 8);
    for (unsigned round = 0; round < 2; round++) {
        uint32_t high = prefix_index_put(index, &second);
        int64_t blocks = mem_blocks(MEM_PREFIX_INDEX);
        ck_assert_uint_eq(prefix_index_after(index, &first, true), high);
        ck_assert_int_gt(mem_blocks(MEM_PREFIX_INDEX), blocks);
        uint32_t low = prefix_index_put(index, &first);
        ck_assert_uint_eq(prefix_index_after(index, &first, true), low);
        prefix_index_remove(index, low);
        ck_assert_uint_eq(prefix_index_after(index, &first, true), high);
        prefix_index_remove(index, high);
        ck_assert_int_eq(mem_blocks(MEM_PREFIX_INDEX), blocks);
        ck_assert_uint_eq(prefix_index_after(index, &first, true), 0);
    }
    prefix_index_free(index);
}
END_TEST

START_TEST(numbers_are_walked_without_an_order)
{
    struct prefix_index *index = prefix_index_new(IP_V4, 5);
    uint32_t numbers[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct prefix prefix = fixture_prefix(0x0a000000 + i * 256, 24);
        numbers[i] = prefix_index_put(index, &prefix);
    }
    prefix_index_remove(index, numbers[1]);
    uint32_t at = prefix_index_next(index, 0);
    ck_assert_uint_eq(at, numbers[0]);
    at = prefix_index_next(index, at);
    ck_assert_uint_eq(at, numbers[2]);
    ck_assert_uint_eq(prefix_index_next(index, at), 0);
    prefix_index_free(index);
}
END_TEST

START_TEST(the_other_family_is_never_found)
{
    struct prefix_index *index = prefix_index_new(IP_V4, 5);
    struct prefix any = {.family = IP_V4};
    ck_assert_uint_ne(prefix_index_put(index, &any), 0);
    any.family = IP_V6;
    ck_assert_uint_eq(prefix_index_find(index, &any), 0);
    struct ip_addr addr = {.family = IP_V6};
    ck_assert_uint_eq(prefix_index_match(index, &addr, 32), 0);
    prefix_index_free(index);
}
END_TEST

/* Few hashes for many numbers: groups overflow into each other, and removals in any order leave
 * every other member reachable. */
START_TEST(colliding_numbers_stay_reachable)
{
    struct number_hash table;
    number_hash_init(&table, MEM_HASH);
    uint64_t hashes[4] = {1, UINT64_C(7) << 32 | 1, UINT64_C(7) << 32 | 2, 0};
    bool is_in[60] = {0};
    struct random_source random;
    random_init(&random, 3);
    for (uint32_t step = 0; step < 4000; step++) {
        uint32_t number = 1 + random_below(&random, 59);
        if (is_in[number]) {
            number_hash_remove(&table, hashes[number % 4], number);
        } else if (!number_hash_is_full(&table)) {
            number_hash_add(&table, hashes[number % 4], number);
        } else {
            continue;
        }
        is_in[number] = !is_in[number];
        for (uint32_t i = 1; i < 60; i++) {
            struct number_probe probe = number_probe_start(&table, hashes[i % 4]);
            bool found = false;
            uint32_t candidate;
            while ((candidate = number_probe_next(&table, &probe)) != 0) {
                found = found || candidate == i;
            }
            ck_assert_int_eq(found, is_in[i]);
        }
    }
    for (uint32_t i = 1; i < 60; i++) {
        if (is_in[i]) {
            number_hash_remove(&table, hashes[i % 4], i);
        }
    }
    for (uint32_t group = 0; group <= table.group_mask; group++) {
        ck_assert_uint_eq(table.groups[group].passed_count, 0); /* or misses would search on */
    }
    number_hash_fini(&table);
    ck_assert_int_eq(mem_blocks(MEM_HASH), 0);
}
END_TEST

START_TEST(a_column_holds_what_was_set_and_one_page_when_all_is_zero)
{
    struct column column;
    column_init(&column, MEM_HASH);
    column_set(&column, 77, 0);
    ck_assert_int_eq(mem_blocks(MEM_HASH), 0);
    column_set(&column, 5000, 1);
    column_set(&column, 1000000, 2);
    ck_assert_uint_eq(column_get(&column, 5000), 1);
    ck_assert_uint_eq(column_get(&column, 4999), 0);
    ck_assert_uint_eq(column_get(&column, UINT32_MAX), 0);
    ck_assert_uint_eq(column_next_used(&column, 0, UINT32_MAX), 5000);
    ck_assert_uint_eq(column_next_used(&column, 5001, UINT32_MAX), 1000000);
    ck_assert_uint_eq(column_next_used(&column, 5001, 900000), 900000);
    ck_assert_uint_eq(column_next_used(&column, 1000001, UINT32_MAX), UINT32_MAX);
    column_set(&column, 5000, 0);
    column_set(&column, 1000000, 0);
    ck_assert_int_eq(mem_blocks(MEM_HASH), 2); /* the directory and the spare page */
    for (uint32_t index = 0; index < 3 * COLUMN_PAGE_WORDS; index += 700) {
        column_set(&column, index, index + 1);
        ck_assert_uint_eq(column_next_used(&column, 0, UINT32_MAX), index);
        ck_assert_uint_eq(column_next_used(&column, index + 1, UINT32_MAX), UINT32_MAX);
        ck_assert_int_eq(mem_blocks(MEM_HASH), 2); /* the spare page serves */
        column_set(&column, index, 0);
    }
    column_fini(&column);
    ck_assert_int_eq(mem_blocks(MEM_HASH), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("prefix_index");
    TCase *tcase = tcase_create("index");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, random_prefixes_are_found_matched_and_ordered, 0, 6);
    tcase_add_loop_test(tcase, dense_tables_grow_and_shrink, 0, 2);
    tcase_add_loop_test(tcase, a_walk_meets_every_prefix_in_order_however_they_came, 0, 6);
    tcase_add_test(tcase, joined_leaves_are_walked_in_order);
    tcase_add_test(tcase, an_empty_table_forgets_its_order_and_makes_it_anew);
    tcase_add_test(tcase, numbers_are_walked_without_an_order);
    tcase_add_test(tcase, the_other_family_is_never_found);
    tcase_add_test(tcase, colliding_numbers_stay_reachable);
    tcase_add_test(tcase, a_column_holds_what_was_set_and_one_page_when_all_is_zero);
    suite_add_tcase(suite, tcase);
    return suite;
}
