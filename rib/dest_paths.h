/* Which routes a destination has: none or one in the destination itself, more in a block of numbers
 * beside each other, so that looking for a source's route among ten touches one line or two. From
 * 64 on a hash beside the block finds it. */
#ifndef RIB_DEST_PATHS_H
#define RIB_DEST_PATHS_H

#include <stdint.h>

#include "proto/base/slab.h"
#include "rib/prefix_index.h"
#include "rib/route_store.h"

/* The block's kind in prefix_node.flags: 0 for none or one, then slabs of 3, 7, 15, 31 and 63 route
 * numbers, then blocks of their own. */
#define DEST_PATHS_SHIFT  5u
#define DEST_PATHS_SLABS  5u
#define DEST_PATHS_SINGLE 0u
#define DEST_PATHS_BIG    (DEST_PATHS_SLABS + 1u)

struct dest_paths {
    struct slab blocks[DEST_PATHS_SLABS]; /* words: count, then route numbers */
    struct slab big;                      /* struct big_block */
    const struct route_store *routes;     /* whose each is, and its path id */
    uint64_t hash_key;
};

/* routes are those whose numbers will be stored. Peers choose path ids: hand in a random key. */
void dest_paths_init(struct dest_paths *paths, const struct route_store *routes, uint64_t hash_key);
void dest_paths_fini(struct dest_paths *paths);

/* The same for a node whose routes are in a block. */
uint32_t *dest_paths_block(const struct dest_paths *paths, const struct prefix_node *node,
                           uint32_t *count_out);

/* The routes of node, borrowed until they change; the caller may reorder them. */
static inline uint32_t *dest_paths_peek(const struct dest_paths *paths, struct prefix_node *node,
                                        uint32_t *count_out)
{
    if (node->flags >> DEST_PATHS_SHIFT == DEST_PATHS_SINGLE) {
        *count_out = node->paths != 0;
        return &node->paths;
    }
    return dest_paths_block(paths, node, count_out);
}

/* The route of source with path_id, or 0. O(1) expected: at most 63 are looked through. */
uint32_t dest_paths_find(const struct dest_paths *paths, struct prefix_node *node, uint16_t source,
                         uint32_t path_id);

/* route is live, has its path id and keeps it while it is here; nobody else's has both. */
void dest_paths_add(struct dest_paths *paths, struct prefix_node *node, uint32_t route);

/* route must be there (asserted) and still live. Keeps the order of the others. O(routes). */
void dest_paths_remove(struct dest_paths *paths, struct prefix_node *node, uint32_t route);

#endif
