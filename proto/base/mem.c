#include "proto/base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"

static _Atomic int64_t block_counts[MEM_KIND_COUNT];
static _Atomic int64_t byte_counts[MEM_KIND_COUNT];

static void count(enum mem_kind kind, void *ptr, int sign)
{
    ASSERT(kind < MEM_KIND_COUNT);
    int64_t bytes = (int64_t)malloc_usable_size(ptr);
    atomic_fetch_add_explicit(&block_counts[kind], sign, memory_order_relaxed);
    atomic_fetch_add_explicit(&byte_counts[kind], sign * bytes, memory_order_relaxed);
}

static void *checked(void *ptr, enum mem_kind kind, size_t size)
{
    if (ptr == NULL) {
        fprintf(stderr, "sealane: out of memory: %zu octets for %s\n", size, mem_kind_name(kind));
        abort();
    }
    return ptr;
}

void *mem_alloc(enum mem_kind kind, size_t size)
{
    void *ptr = checked(calloc(1, size == 0 ? 1 : size), kind, size);
    count(kind, ptr, 1);
    return ptr;
}

void *mem_realloc(enum mem_kind kind, void *ptr, size_t size)
{
    if (ptr != NULL) {
        count(kind, ptr, -1);
    }
    ptr = checked(realloc(ptr, size == 0 ? 1 : size), kind, size);
    count(kind, ptr, 1);
    return ptr;
}

void mem_free(enum mem_kind kind, void *ptr)
{
    if (ptr != NULL) {
        count(kind, ptr, -1);
        free(ptr);
    }
}

char *mem_strdup(enum mem_kind kind, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(kind, size), text, size);
}

int64_t mem_blocks(enum mem_kind kind)
{
    ASSERT(kind < MEM_KIND_COUNT);
    return atomic_load_explicit(&block_counts[kind], memory_order_relaxed);
}

int64_t mem_bytes(enum mem_kind kind)
{
    ASSERT(kind < MEM_KIND_COUNT);
    return atomic_load_explicit(&byte_counts[kind], memory_order_relaxed);
}

const char *mem_kind_name(enum mem_kind kind)
{
    static const char *const names[MEM_KIND_COUNT] = {
        [MEM_MISC] = "misc",
        [MEM_ARENA] = "arenas",
        [MEM_SLAB] = "slabs",
        [MEM_HASH] = "hash tables",
        [MEM_ATTR_SET] = "attribute sets",
        [MEM_PREFIX_INDEX] = "prefix index",
        [MEM_ROUTE] = "routes",
        [MEM_ADJ_RIB_OUT] = "adj-rib-out",
        [MEM_NEXTHOP] = "next hops",
        [MEM_POLICY] = "policy",
        [MEM_CONFIG] = "configuration",
        [MEM_PEER] = "peers",
        [MEM_QUEUE] = "queues",
        [MEM_FIB] = "kernel routes",
        [MEM_CONTROL] = "control clients",
        [MEM_IO] = "input and output",
    };
    ASSERT(kind < MEM_KIND_COUNT);
    return names[kind];
}
