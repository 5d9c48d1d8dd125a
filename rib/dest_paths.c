#include "rib/dest_paths.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/hash.h"
#include "rib/number_hash.h"

struct big_block {
    uint32_t *words; /* count, then route numbers */
    uint32_t capacity;
    struct number_hash by_origin; /* every route under its source and path id */
};

static uint32_t kind_of(const struct prefix_node *node)
{
    return node->flags >> DEST_PATHS_SHIFT;
}

static void set_kind(struct prefix_node *node, uint32_t kind)
{
    uint32_t others = node->flags & ((1u << DEST_PATHS_SHIFT) - 1);
    node->flags = (uint8_t)(others | kind << DEST_PATHS_SHIFT);
}

static uint32_t block_bytes(uint32_t kind)
{
    return 8u << kind;
}

static uint32_t block_capacity(uint32_t kind)
{
    return block_bytes(kind) / 4 - 1;
}

void dest_paths_init(struct dest_paths *paths, const struct route_store *routes, uint64_t hash_key)
{
    paths->routes = routes;
    paths->hash_key = hash_key;
    for (uint32_t i = 0; i < DEST_PATHS_SLABS; i++) {
        slab_init(&paths->blocks[i], MEM_ROUTE, block_bytes(i + 1));
    }
    slab_init(&paths->big, MEM_ROUTE, sizeof(struct big_block));
}

void dest_paths_fini(struct dest_paths *paths)
{
    ASSERT(paths->big.live_count == 0);
    for (uint32_t i = 0; i < DEST_PATHS_SLABS; i++) {
        slab_fini(&paths->blocks[i]);
    }
    slab_fini(&paths->big);
}

static uint32_t *words_of(const struct dest_paths *paths, const struct prefix_node *node)
{
    uint32_t kind = kind_of(node);
    ASSERT(kind != DEST_PATHS_SINGLE);
    if (kind == DEST_PATHS_BIG) {
        return ((struct big_block *)slab_at(&paths->big, node->paths))->words;
    }
    return slab_at(&paths->blocks[kind - 1], node->paths);
}

uint32_t *dest_paths_block(const struct dest_paths *paths, const struct prefix_node *node,
                           uint32_t *count_out)
{
    uint32_t *words = words_of(paths, node);
    *count_out = words[0];
    return words + 1;
}

/* ---- Big blocks: the hash beside them ---- */

static uint64_t origin_hash(const struct dest_paths *paths, uint16_t source, uint32_t path_id)
{
    return hash_u64(paths->hash_key, (uint64_t)source << 32 | path_id);
}

static uint64_t route_hash(const struct dest_paths *paths, uint32_t route)
{
    return origin_hash(paths, route_store_source_of(paths->routes, route),
                       route_store_path_id(paths->routes, route));
}

static void origin_add(const struct dest_paths *paths, struct big_block *big, uint32_t route)
{
    if (number_hash_is_full(&big->by_origin)) {
        number_hash_grow(&big->by_origin);
        for (uint32_t i = 1; i <= big->words[0]; i++) {
            number_hash_add(&big->by_origin, route_hash(paths, big->words[i]), big->words[i]);
        }
    }
    number_hash_add(&big->by_origin, route_hash(paths, route), route);
}

static bool is_of(const struct dest_paths *paths, uint32_t route, uint16_t source, uint32_t path_id)
{
    return route_store_source_of(paths->routes, route) == source &&
           route_store_path_id(paths->routes, route) == path_id;
}

static uint32_t origin_find(const struct dest_paths *paths, const struct big_block *big,
                            uint16_t source, uint32_t path_id)
{
    struct number_probe probe =
        number_probe_start(&big->by_origin, origin_hash(paths, source, path_id));
    uint32_t route;
    while ((route = number_probe_next(&big->by_origin, &probe)) != 0) {
        if (is_of(paths, route, source, path_id)) {
            return route;
        }
    }
    return 0;
}

uint32_t dest_paths_find(const struct dest_paths *paths, struct prefix_node *node, uint16_t source,
                         uint32_t path_id)
{
    if (kind_of(node) == DEST_PATHS_BIG) {
        return origin_find(paths, slab_at(&paths->big, node->paths), source, path_id);
    }
    uint32_t count;
    const uint32_t *routes = dest_paths_peek(paths, node, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (is_of(paths, routes[i], source, path_id)) {
            return routes[i];
        }
    }
    return 0;
}

/* ---- Blocks ---- */

/* An empty block of kind with room for count and one more. */
static uint32_t *block_new(struct dest_paths *paths, struct prefix_node *node, uint32_t kind,
                           uint32_t count)
{
    set_kind(node, kind);
    if (kind < DEST_PATHS_BIG) {
        node->paths = slab_take(&paths->blocks[kind - 1]);
        return words_of(paths, node);
    }
    node->paths = slab_take(&paths->big);
    struct big_block *big = slab_at(&paths->big, node->paths);
    big->capacity = count * 2;
    big->words = mem_alloc(MEM_ROUTE, (big->capacity + 1) * sizeof *big->words);
    number_hash_init(&big->by_origin, MEM_ROUTE);
    return big->words;
}

static void block_free(struct dest_paths *paths, uint32_t kind, uint32_t block)
{
    if (kind == DEST_PATHS_BIG) {
        struct big_block *big = slab_at(&paths->big, block);
        mem_free(MEM_ROUTE, big->words);
        number_hash_fini(&big->by_origin);
        slab_give(&paths->big, block);
    } else if (kind != DEST_PATHS_SINGLE) {
        slab_give(&paths->blocks[kind - 1], block);
    }
}

/* Moves the routes of node into a block of another kind. */
static void change_kind(struct dest_paths *paths, struct prefix_node *node, uint32_t kind)
{
    uint32_t old_kind = kind_of(node);
    uint32_t old_block = node->paths;
    uint32_t count;
    const uint32_t *routes = dest_paths_peek(paths, node, &count);
    if (kind == DEST_PATHS_SINGLE) {
        ASSERT(count <= 1);
        uint32_t only = count == 0 ? 0 : routes[0];
        set_kind(node, kind);
        node->paths = only;
    } else if (old_kind == DEST_PATHS_SINGLE) {
        uint32_t *words = block_new(paths, node, kind, count);
        words[0] = count;
        words[1] = old_block;
    } else {
        uint32_t *words = block_new(paths, node, kind, count);
        for (uint32_t i = 0; i < count; i++) {
            words[1 + i] = routes[i];
            if (kind == DEST_PATHS_BIG) {
                origin_add(paths, slab_at(&paths->big, node->paths), routes[i]);
            }
            words[0] = i + 1;
        }
    }
    block_free(paths, old_kind, old_block);
}

static void make_room(struct dest_paths *paths, struct prefix_node *node, uint32_t count)
{
    uint32_t kind = kind_of(node);
    if (kind == DEST_PATHS_BIG) {
        struct big_block *big = slab_at(&paths->big, node->paths);
        if (count == big->capacity) {
            big->capacity *= 2;
            big->words = mem_realloc(MEM_ROUTE, big->words,
                                     ((size_t)big->capacity + 1) * sizeof *big->words);
        }
        return;
    }
    uint32_t capacity = kind == DEST_PATHS_SINGLE ? 1 : block_capacity(kind);
    if (count == capacity) {
        change_kind(paths, node, kind + 1);
    }
}

void dest_paths_add(struct dest_paths *paths, struct prefix_node *node, uint32_t route)
{
    ASSERT(route != 0);
    if (kind_of(node) == DEST_PATHS_SINGLE && node->paths == 0) {
        node->paths = route;
        return;
    }
    uint32_t count;
    (void)dest_paths_peek(paths, node, &count);
    make_room(paths, node, count);
    if (kind_of(node) == DEST_PATHS_BIG) {
        origin_add(paths, slab_at(&paths->big, node->paths), route);
    }
    uint32_t *words = words_of(paths, node);
    words[0] = count + 1;
    words[1 + count] = route;
}

/* Goes to a smaller block only when that is half empty afterwards, so that one route coming and
 * going does not copy each time. */
static void give_room(struct dest_paths *paths, struct prefix_node *node, uint32_t count)
{
    uint32_t kind = kind_of(node);
    uint32_t smaller = kind == 1 ? 1 : block_capacity(kind - 1);
    if (count <= 1) {
        change_kind(paths, node, DEST_PATHS_SINGLE);
    } else if (kind > 1 && count <= smaller / 2) {
        change_kind(paths, node, kind - 1);
    }
}

void dest_paths_remove(struct dest_paths *paths, struct prefix_node *node, uint32_t route)
{
    uint32_t count;
    uint32_t *routes = dest_paths_peek(paths, node, &count);
    uint32_t at = 0;
    while (at < count && routes[at] != route) {
        at++;
    }
    ASSERT(at < count);
    if (kind_of(node) == DEST_PATHS_SINGLE) {
        node->paths = 0;
        return;
    }
    if (kind_of(node) == DEST_PATHS_BIG) {
        struct big_block *big = slab_at(&paths->big, node->paths);
        number_hash_remove(&big->by_origin, route_hash(paths, route), route);
    }
    memmove(routes + at, routes + at + 1, (count - at - 1) * sizeof *routes);
    words_of(paths, node)[0] = count - 1;
    give_room(paths, node, count - 1);
}
