/* Which routes a destination has: none or one in the destination itself, more in a block of numbers
 * beside each other, so that looking for a source's route among ten touches one line or two. */
#ifndef RIB_DEST_PATHS_H
#define RIB_DEST_PATHS_H

#include <stdint.h>

#include "proto/base/slab.h"
#include "rib/prefix_index.h"

/* The block's kind in prefix_node.flags: 0 for none or one, then slabs of 3, 7, 15, 31 and 63 route
 * numbers, then blocks of their own. */
#define DEST_PATHS_SHIFT  5u
#define DEST_PATHS_SLABS  5u
#define DEST_PATHS_SINGLE 0u
#define DEST_PATHS_BIG    (DEST_PATHS_SLABS + 1u)

struct dest_paths {
    struct slab blocks[DEST_PATHS_SLABS]; /* words: count, then route numbers */
    struct slab big;                      /* struct big_block */
};

void dest_paths_init(struct dest_paths *paths);
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
void dest_paths_add(struct dest_paths *paths, struct prefix_node *node, uint32_t route);

/* route must be there (asserted). Keeps the order of the others. */
void dest_paths_remove(struct dest_paths *paths, struct prefix_node *node, uint32_t route);

#endif
