/* Arena, slab, buffer, bitset and list keep what they are given and give back what they took. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/arena.h"
#include "proto/base/bitset.h"
#include "proto/base/buffer.h"
#include "proto/base/list.h"
#include "proto/base/mem.h"
#include "proto/base/pool.h"
#include "proto/base/random.h"
#include "proto/base/slab.h"
#include "tests/unit/unit.h"

START_TEST(memory_is_zeroed_and_counted_under_its_kind)
{
    int64_t before = mem_blocks(MEM_QUEUE);
    uint8_t *block = mem_alloc(MEM_QUEUE, 64);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(block[i], 0);
    }
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), before + 1);
    ck_assert_int_ge(mem_bytes(MEM_QUEUE), 64);
    block = mem_realloc(MEM_QUEUE, block, 4096);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), before + 1);
    ck_assert_int_ge(mem_bytes(MEM_QUEUE), 4096);
    mem_free(MEM_QUEUE, block);
    mem_free(MEM_QUEUE, NULL);
    ck_assert_int_eq(mem_blocks(MEM_QUEUE), before);
}
END_TEST

START_TEST(memory_of_size_0_is_a_block)
{
    void *block = mem_alloc(MEM_MISC, 0);
    ck_assert_ptr_nonnull(block);
    mem_free(MEM_MISC, block);
    ck_assert_ptr_null(mem_strdup(MEM_MISC, NULL));
    char *text = mem_strdup(MEM_MISC, "abc");
    ck_assert_str_eq(text, "abc");
    mem_free(MEM_MISC, text);
}
END_TEST

START_TEST(every_kind_of_memory_has_a_name_of_its_own)
{
    for (unsigned i = 0; i < MEM_KIND_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            ck_assert_str_ne(mem_kind_name(i), mem_kind_name(j));
        }
    }
}
END_TEST

START_TEST(arena_gives_zeroed_aligned_distinct_memory)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 4000, 8192, 20000, 3};
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        uint8_t *blocks[sizeof sizes / sizeof sizes[0]];
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            blocks[i] = arena_alloc(&arena, sizes[i]);
            ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
            for (size_t j = 0; j < sizes[i]; j++) {
                ck_assert_uint_eq(blocks[i][j], 0);
            }
            memset(blocks[i], (int)(i + 1), sizes[i]);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            for (size_t j = 0; j < sizes[i]; j++) {
                ck_assert_uint_eq(blocks[i][j], i + 1);
            }
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(arena_reset_keeps_one_block_and_fini_none)
{
    int64_t before = mem_blocks(MEM_ARENA);
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < 100; i++) {
        (void)arena_alloc(&arena, 1000);
    }
    ck_assert_int_gt(mem_blocks(MEM_ARENA), before + 1);
    arena_reset(&arena);
    ck_assert_int_eq(mem_blocks(MEM_ARENA), before + 1);
    (void)arena_alloc(&arena, 1000);
    ck_assert_int_eq(mem_blocks(MEM_ARENA), before + 1);
    arena_fini(&arena);
    ck_assert_int_eq(mem_blocks(MEM_ARENA), before);
}
END_TEST

START_TEST(arena_copies_and_formats_text)
{
    struct arena arena;
    arena_init(&arena);
    ck_assert_str_eq(arena_strdup(&arena, "peer"), "peer");
    ck_assert_ptr_null(arena_strdup(&arena, NULL));
    ck_assert_str_eq(arena_printf(&arena, "%s/%d", "10.0.0.0", 8), "10.0.0.0/8");
    ck_assert_int_eq(memcmp(arena_copy(&arena, "\1\2\3", 3), "\1\2\3", 3), 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(slab_numbers_are_dense_reused_zeroed_and_never_0)
{
    struct slab slab;
    slab_init(&slab, MEM_SLAB, 24);
    for (uint32_t i = 1; i <= 10000; i++) {
        uint32_t number = slab_take(&slab);
        ck_assert_uint_eq(number, i);
        memset(slab_at(&slab, number), 0xff, 24);
    }
    uint8_t *kept = slab_at(&slab, 7);
    slab_give(&slab, 5000);
    slab_give(&slab, 9);
    ck_assert_uint_eq(slab.live_count, 9998);
    static const uint8_t zero[24];
    for (int i = 0; i < 2; i++) {
        uint32_t number = slab_take(&slab);
        ck_assert(number == 9 || number == 5000);
        ck_assert_int_eq(memcmp(slab_at(&slab, number), zero, 24), 0);
    }
    ck_assert_uint_eq(slab_take(&slab), 10001);
    ck_assert_ptr_eq(slab_at(&slab, 7), kept);
    slab_fini(&slab);
}
END_TEST

START_TEST(pool_blocks_of_all_sizes_keep_what_they_hold)
{
    enum { COUNT = 6000 };
    static uint8_t *blocks[COUNT];
    static size_t sizes[COUNT];
    int64_t before = mem_bytes(MEM_SLAB);
    struct pool pool;
    pool_init(&pool, MEM_SLAB);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            if (blocks[i] != NULL && i % 3 == round) {
                pool_give(&pool, blocks[i], sizes[i]);
                blocks[i] = NULL;
            }
            if (blocks[i] == NULL) {
                sizes[i] = 1 + (i * 7 + round * 131) % 400;
                blocks[i] = pool_take(&pool, sizes[i]);
                ck_assert_uint_eq((uintptr_t)blocks[i] % 8, 0);
                memset(blocks[i], (int)(i & 0xff), sizes[i]);
            }
        }
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(blocks[i][0], i & 0xff);
        ck_assert_uint_eq(blocks[i][sizes[i] - 1], i & 0xff);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        pool_give(&pool, blocks[i], sizes[i]);
        blocks[i] = NULL;
    }
    ck_assert_int_eq(mem_bytes(MEM_SLAB), before); /* the pages went with the last block */
    uint8_t *again = pool_take(&pool, 24);
    pool_give(&pool, again, 24);
    pool_fini(&pool);
    ck_assert_int_eq(mem_bytes(MEM_SLAB), before);
}
END_TEST

START_TEST(slab_gives_all_memory_back)
{
    int64_t before = mem_blocks(MEM_SLAB);
    struct slab slab;
    slab_init(&slab, MEM_SLAB, 4);
    for (int i = 0; i < 100000; i++) {
        (void)slab_take(&slab);
    }
    slab_fini(&slab);
    ck_assert_int_eq(mem_blocks(MEM_SLAB), before);
}
END_TEST

START_TEST(buffer_grows_drops_and_reads_as_text)
{
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    ck_assert_str_eq(buffer_text(&buffer), "");
    for (int i = 0; i < 1000; i++) {
        buffer_printf(&buffer, "%03d,", i);
    }
    ck_assert_uint_eq(buffer.size, 4000);
    buffer_drop(&buffer, 3996);
    ck_assert_str_eq(buffer_text(&buffer), "999,");
    buffer_append(&buffer, "end", 3);
    buffer_append(&buffer, NULL, 0);
    ck_assert_str_eq(buffer_text(&buffer), "999,end");
    ck_assert_uint_eq(buffer_view(&buffer).size, 7);
    buffer_drop(&buffer, 7);
    ck_assert_uint_eq(buffer.size, 0);
    buffer_fini(&buffer);
}
END_TEST

START_TEST(bitset_agrees_with_an_array_of_flags)
{
    enum { BITS = 300 };
    bool flags[BITS] = {false};
    struct bitset set;
    struct random_source random;
    random_init(&random, 1);
    bitset_init(&set);
    ck_assert(bitset_is_empty(&set));
    for (int step = 0; step < 3000; step++) {
        uint32_t bit = random_below(&random, BITS);
        flags[bit] = random_below(&random, 2) == 0;
        if (flags[bit]) {
            bitset_add(&set, bit);
        } else {
            bitset_remove(&set, bit);
        }
        uint32_t count = 0;
        uint32_t next = bitset_next(&set, 0);
        for (uint32_t i = 0; i < BITS; i++) {
            ck_assert_int_eq(bitset_has(&set, i), flags[i]);
            if (flags[i]) {
                count++;
                ck_assert_uint_eq(next, i);
                next = bitset_next(&set, i + 1);
            }
        }
        ck_assert_uint_eq(next, UINT32_MAX);
        ck_assert_uint_eq(bitset_count(&set), count);
        ck_assert_int_eq(bitset_is_empty(&set), count == 0);
    }
    ck_assert(!bitset_has(&set, UINT32_MAX));
    bitset_remove(&set, UINT32_MAX);
    bitset_fini(&set);
}
END_TEST

struct item {
    int number;
    struct list_node node;
};

START_TEST(list_keeps_order_and_survives_removal_while_walking)
{
    struct list_node head;
    struct item items[5];
    list_init(&head);
    ck_assert_ptr_null(list_first(&head));
    for (int i = 0; i < 5; i++) {
        items[i] = (struct item){.number = i};
        ck_assert(!list_is_linked(&items[i].node));
        list_append(&head, &items[i].node);
    }
    int expected = 0;
    LIST_FOREACH(node, &head)
    {
        struct item *item = CONTAINER_OF(node, struct item, node);
        ck_assert_int_eq(item->number, expected++);
        if (item->number % 2 == 0) {
            list_remove(node);
            ck_assert(!list_is_linked(node));
        }
    }
    ck_assert_int_eq(expected, 5);
    ck_assert_ptr_eq(list_first(&head), &items[1].node);
    list_remove(&items[1].node);
    list_insert_before(&items[3].node, &items[0].node);
    ck_assert_ptr_eq(list_first(&head), &items[0].node);
    list_remove(&items[0].node);
    list_remove(&items[3].node);
    ck_assert(list_is_empty(&head));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base: containers");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, memory_is_zeroed_and_counted_under_its_kind);
    tcase_add_test(cases, memory_of_size_0_is_a_block);
    tcase_add_test(cases, every_kind_of_memory_has_a_name_of_its_own);
    tcase_add_test(cases, arena_gives_zeroed_aligned_distinct_memory);
    tcase_add_test(cases, arena_reset_keeps_one_block_and_fini_none);
    tcase_add_test(cases, arena_copies_and_formats_text);
    tcase_add_test(cases, slab_numbers_are_dense_reused_zeroed_and_never_0);
    tcase_add_test(cases, pool_blocks_of_all_sizes_keep_what_they_hold);
    tcase_add_test(cases, slab_gives_all_memory_back);
    tcase_add_test(cases, buffer_grows_drops_and_reads_as_text);
    tcase_add_test(cases, bitset_agrees_with_an_array_of_flags);
    tcase_add_test(cases, list_keeps_order_and_survives_removal_while_walking);
    suite_add_tcase(suite, cases);
    return suite;
}
