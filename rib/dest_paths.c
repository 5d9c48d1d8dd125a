#include "rib/dest_paths.h"

#include <string.h>

#include "proto/base/assert.h"

struct big_block {
    uint32_t *words; /* count, then route numbers */
    uint32_t capacity;
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

void dest_paths_init(struct dest_paths *paths)
{
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
    return big->words;
}

static void block_free(struct dest_paths *paths, uint32_t kind, uint32_t block)
{
    if (kind == DEST_PATHS_BIG) {
        struct big_block *big = slab_at(&paths->big, block);
        mem_free(MEM_ROUTE, big->words);
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
        words[0] = count;
        memcpy(words + 1, routes, count * sizeof *routes);
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
    memmove(routes + at, routes + at + 1, (count - at - 1) * sizeof *routes);
    words_of(paths, node)[0] = count - 1;
    give_room(paths, node, count - 1);
}
