#include "proto/community.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"

#define FEW_MAX 32u

static int compare_standard(const void *a, const void *b)
{
    return memcmp(a, b, 4);
}

static int compare_extended(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static int compare_large(const void *a, const void *b)
{
    return memcmp(a, b, 12);
}

static bool is_canonical(size_t bytes, struct byte_view list)
{
    for (size_t at = bytes; at < list.size; at += bytes) {
        if (memcmp(list.data + at - bytes, list.data + at, bytes) >= 0) {
            return false;
        }
    }
    return true;
}

/* Sorts the usual handful of standard communities and drops what stands twice. */
static struct byte_view canonical_few(uint8_t *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = load_be32(list + 4 * i);
        size_t at = kept;
        while (at > 0 && load_be32(list + 4 * (at - 1)) > value) {
            at--;
        }
        if (at > 0 && load_be32(list + 4 * (at - 1)) == value) {
            continue;
        }
        memmove(list + 4 * (at + 1), list + 4 * at, 4 * (kept - at));
        store_be32(list + 4 * at, value);
        kept++;
    }
    return (struct byte_view){list, 4 * kept};
}

struct byte_view community_list_canonical(struct arena *arena, enum community_kind kind,
                                          struct byte_view list)
{
    size_t bytes = community_bytes(kind);
    ASSERT(list.size % bytes == 0);
    if (is_canonical(bytes, list)) {
        return list;
    }
    uint8_t *copy = arena_copy(arena, list.data, list.size);
    if (kind == COMMUNITY_STANDARD && list.size / bytes <= FEW_MAX) {
        return canonical_few(copy, list.size / bytes);
    }
    qsort(copy, list.size / bytes, bytes,
          kind == COMMUNITY_STANDARD   ? compare_standard
          : kind == COMMUNITY_EXTENDED ? compare_extended
                                       : compare_large);
    size_t size = bytes;
    for (size_t at = bytes; at < list.size; at += bytes) {
        if (memcmp(copy + size - bytes, copy + at, bytes) != 0) {
            memmove(copy + size, copy + at, bytes);
            size += bytes;
        }
    }
    return (struct byte_view){copy, size};
}

bool community_list_has(enum community_kind kind, struct byte_view list, const uint8_t *wanted)
{
    size_t bytes = community_bytes(kind);
    size_t low = 0;
    size_t high = list.size / bytes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(list.data + middle * bytes, wanted, bytes);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool community_list_has_u32(struct byte_view list, uint32_t community)
{
    uint8_t bytes[4];
    store_be32(bytes, community);
    return community_list_has(COMMUNITY_STANDARD, list, bytes);
}

struct byte_view community_list_union(struct arena *arena, enum community_kind kind,
                                      struct byte_view list, struct byte_view added)
{
    uint8_t *both = arena_alloc(arena, list.size + added.size);
    if (list.size != 0) {
        memcpy(both, list.data, list.size);
    }
    if (added.size != 0) {
        memcpy(both + list.size, added.data, added.size);
    }
    return community_list_canonical(arena, kind, (struct byte_view){both, list.size + added.size});
}

static bool contains_anywhere(size_t bytes, struct byte_view list, const uint8_t *wanted)
{
    for (size_t at = 0; at < list.size; at += bytes) {
        if (memcmp(list.data + at, wanted, bytes) == 0) {
            return true;
        }
    }
    return false;
}

struct byte_view community_list_subtract(struct arena *arena, enum community_kind kind,
                                         struct byte_view list, struct byte_view removed)
{
    size_t bytes = community_bytes(kind);
    uint8_t *kept = arena_alloc(arena, list.size);
    size_t size = 0;
    for (size_t at = 0; at < list.size; at += bytes) {
        if (!contains_anywhere(bytes, removed, list.data + at)) {
            memcpy(kept + size, list.data + at, bytes);
            size += bytes;
        }
    }
    return (struct byte_view){kept, size};
}
