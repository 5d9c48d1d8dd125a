/* The one place that allocates. Running out of memory ends the process here after a last line; the
 * defence is bounds on what is stored (docs/decisions). Every block is counted under a kind, so
 * that a leak is a named number. Counters are process-wide and atomic; they are the only shared
 * state below bgpd/io. */
#ifndef PROTO_BASE_MEM_H
#define PROTO_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

enum mem_kind {
    MEM_MISC,
    MEM_ARENA,
    MEM_SLAB,
    MEM_HASH,
    MEM_ATTR_SET,
    MEM_PREFIX_INDEX,
    MEM_ROUTE,
    MEM_ADJ_RIB_OUT,
    MEM_NEXTHOP,
    MEM_POLICY,
    MEM_CONFIG,
    MEM_PEER,
    MEM_QUEUE,
    MEM_FIB,
    MEM_CONTROL,
    MEM_IO,
    MEM_KIND_COUNT,
};

/* Zeroed memory; never NULL (size 0 gives one octet). The caller owes one mem_free. */
void *mem_alloc(enum mem_kind kind, size_t size);

/* Grows or shrinks; new octets are not zeroed. ptr may be NULL. */
void *mem_realloc(enum mem_kind kind, void *ptr, size_t size);

/* ptr may be NULL. */
void mem_free(enum mem_kind kind, void *ptr);

/* A copy of text, owed one mem_free of the same kind. NULL gives NULL. */
char *mem_strdup(enum mem_kind kind, const char *text);

/* Live blocks of a kind in this process. */
int64_t mem_blocks(enum mem_kind kind);

/* Live octets of a kind in this process, as the allocator rounds them. */
int64_t mem_bytes(enum mem_kind kind);

const char *mem_kind_name(enum mem_kind kind);

#endif
