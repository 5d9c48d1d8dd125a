#include "proto/base/pool.h"

#include <string.h>

#include "proto/base/assert.h"

struct pool_page {
    struct pool_page *next;
    uint8_t blocks[];
};

void pool_init(struct pool *pool, enum mem_kind kind)
{
    *pool = (struct pool){.kind = kind};
}

static void pages_free(struct pool *pool)
{
    while (pool->pages != NULL) {
        struct pool_page *page = pool->pages;
        pool->pages = page->next;
        mem_free(pool->kind, page);
    }
    pool_init(pool, pool->kind);
}

void pool_fini(struct pool *pool)
{
    pages_free(pool);
}

static void page_add(struct pool *pool, struct pool_class *class)
{
    struct pool_page *page = mem_alloc(pool->kind, POOL_PAGE_BYTES);
    page->next = pool->pages;
    pool->pages = page;
    class->fresh = page->blocks;
    class->fresh_bytes = POOL_PAGE_BYTES - (uint32_t)sizeof *page;
}

void *pool_take(struct pool *pool, size_t size)
{
    ASSERT(size != 0);
    if (size > POOL_BLOCK_MAX) {
        return mem_alloc(pool->kind, size);
    }
    uint32_t class_index = (uint32_t)(size - 1) / POOL_STEP;
    uint32_t rounded = (class_index + 1) * POOL_STEP;
    struct pool_class *class = &pool->classes[class_index];
    pool->live_count++;
    uint8_t *block = class->free;
    if (block != NULL) {
        memcpy(&class->free, block, sizeof class->free);
        return block;
    }
    if (class->fresh_bytes < rounded) {
        page_add(pool, class);
    }
    block = class->fresh;
    class->fresh += rounded;
    class->fresh_bytes -= rounded;
    return block;
}

void pool_give(struct pool *pool, void *block, size_t size)
{
    if (size > POOL_BLOCK_MAX) {
        mem_free(pool->kind, block);
        return;
    }
    struct pool_class *class = &pool->classes[(size - 1) / POOL_STEP];
    memcpy(block, &class->free, sizeof class->free);
    class->free = block;
    ASSERT(pool->live_count > 0);
    pool->live_count--;
    if (pool->live_count == 0) {
        pages_free(pool);
    }
}
