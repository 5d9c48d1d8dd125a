/* The inside of one family's tables, for the modules of rib and their tests. */
#ifndef RIB_LOC_RIB_PRIVATE_H
#define RIB_LOC_RIB_PRIVATE_H

#include "rib/attr_set_private.h"
#include "rib/column.h"
#include "rib/dest_paths.h"
#include "rib/loc_rib.h"
#include "rib/prefix_index.h"
#include "rib/route_store.h"

/* prefix_node.flags below the block's kind. */
#define DEST_DIRTY              0x01u /* in the queue */
#define DEST_BEST_TOUCHED       0x02u /* the best path went or got other attributes */
#define DEST_FORWARDING_TOUCHED 0x04u /* a used or backup path went or got another next hop */
#define DEST_OFFERED            0x08u /* had an accepted path when it was last decided */

struct candidate;

struct dirty_queue {
    uint32_t *ring;
    uint32_t head;
    uint32_t count;
    uint32_t capacity; /* a power of two, or 0 */
};

struct loc_rib {
    enum afi_safi afi_safi;
    struct attr_table *attrs;
    struct prefix_index *index;
    struct route_store routes;
    struct dest_paths paths;
    struct column core_words[2];
    struct dirty_queue dirty;
    uint64_t version;
    uint32_t offered_count;       /* destinations with DEST_OFFERED */
    struct candidate *candidates; /* scratch of decision_run */
    struct candidate **ranked;    /* three runs of candidate_capacity */
    uint32_t candidate_capacity;
    uint32_t *selected; /* scratch of decision_select */
    uint32_t selected_capacity;
};

static inline struct prefix_node *dest_node(const struct loc_rib *rib, dest_id dest)
{
    return prefix_index_node(rib->index, dest);
}

static inline uint32_t *dest_routes(const struct loc_rib *rib, dest_id dest, uint32_t *count_out)
{
    return dest_paths_peek(&rib->paths, dest_node(rib, dest), count_out);
}

void route_fill_view(const struct loc_rib *rib, uint32_t number, struct route_view *view_out);

/* True when nothing keeps dest any more. */
bool dest_is_unused(const struct loc_rib *rib, dest_id dest);

/* Recounts one destination. */
bool dest_is_consistent(const struct loc_rib *rib, dest_id dest);

/* Recounts everything: links, counters, references held on attribute sets. */
bool loc_rib_is_consistent(const struct loc_rib *rib);

/* References this table holds on attribute sets. */
uint64_t loc_rib_attr_references(const struct loc_rib *rib);

#endif
