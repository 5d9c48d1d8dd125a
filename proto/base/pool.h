/* Blocks of a few dozen octets in sizes that differ, without a header each: sizes go up in steps of
 * POOL_STEP, blocks of one size share pages. Pages are given back when the last block is. */
#ifndef PROTO_BASE_POOL_H
#define PROTO_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/mem.h"

#define POOL_STEP    8u
#define POOL_CLASSES 40u
/* Larger ones are allocated one by one; all are where a sanitizer is to see each. */
#ifdef SEALANE_SLOW_CHECKS
#define POOL_BLOCK_MAX 0u
#else
#define POOL_BLOCK_MAX (POOL_STEP * POOL_CLASSES)
#endif
#define POOL_PAGE_BYTES 4080u /* with the allocator's header, 4096 */

struct pool_page;

struct pool_class {
    void *free;     /* blocks given back; each starts with a pointer to the next */
    uint8_t *fresh; /* never given out yet */
    uint32_t fresh_bytes;
};

struct pool {
    enum mem_kind kind;
    struct pool_class classes[POOL_CLASSES];
    struct pool_page *pages;
    uint64_t live_count; /* of blocks in pages */
};

void pool_init(struct pool *pool, enum mem_kind kind);
void pool_fini(struct pool *pool);

/* size octets (at least 1), aligned for pointers, not zeroed. Owes one pool_give with the same
 * size. */
void *pool_take(struct pool *pool, size_t size);
void pool_give(struct pool *pool, void *block, size_t size);

#endif
