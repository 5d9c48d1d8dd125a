/* One dense number and one small node per prefix of one family: exact match, longest match, and a
 * walk in order. Private to the tables of rib. docs/decisions/0002 has the choice and its figures.
 */
#ifndef RIB_PREFIX_INDEX_H
#define RIB_PREFIX_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/assert.h"
#include "proto/base/slab.h"
#include "proto/prefix.h"
#include "rib/number_hash.h"

#define PREFIX_NODE_FREE 0xffu /* len_bits of a node not in use */

/* paths, flags and holds are the table's; the index never looks at them. */
struct prefix_node {
    uint32_t paths;
    uint8_t len_bits;
    uint8_t flags;
    uint16_t holds;
    uint8_t addr[]; /* 4 or 16 octets */
};

#define PREFIX_LENGTHS 129u

struct prefix_index {
    uint8_t family;
    uint8_t addr_bytes;
    uint64_t hash_key;
    struct slab nodes;
    struct number_hash exact;
    struct prefix_order *order; /* NULL: nobody has asked for it yet */
    uint32_t length_counts[PREFIX_LENGTHS];
};

struct prefix_index *prefix_index_new(uint8_t family, uint64_t hash_key);
void prefix_index_free(struct prefix_index *index);

/* 0 when it is not there. */
uint32_t prefix_index_find(const struct prefix_index *index, const struct prefix *prefix);

/* Hints that prefix will be asked for soon: its place in the hash, then its node. */
void prefix_index_prefetch(const struct prefix_index *index, const struct prefix *prefix);
void prefix_index_prefetch_node(const struct prefix_index *index, const struct prefix *prefix);
void prefix_index_prefetch_number(const struct prefix_index *index, uint32_t number);

/* The number of prefix, new when it was not there. */
uint32_t prefix_index_put(struct prefix_index *index, const struct prefix *prefix);
void prefix_index_remove(struct prefix_index *index, uint32_t number);

struct prefix prefix_index_prefix(const struct prefix_index *index, uint32_t number);

/* number must be in use (asserted). */
static inline struct prefix_node *prefix_index_node(const struct prefix_index *index,
                                                    uint32_t number)
{
    ASSERT(number != 0 && number < index->nodes.next_unused);
    struct prefix_node *node = slab_at(&index->nodes, number);
    ASSERT(node->len_bits != PREFIX_NODE_FREE);
    return node;
}

/* The longest prefix of at most len_max_bits that covers addr; 0 when there is none. */
uint32_t prefix_index_match(const struct prefix_index *index, const struct ip_addr *addr,
                            uint8_t len_max_bits);

/* The first number in order whose prefix lies behind prefix (or is prefix, when or_equal). The
 * first to ask pays for putting all there is in order, 0.1 s for a million. */
uint32_t prefix_index_after(struct prefix_index *index, const struct prefix *prefix, bool or_equal);

/* The next number in use above number, in no order of prefixes; 0 when there is none. */
uint32_t prefix_index_next(const struct prefix_index *index, uint32_t number);

uint32_t prefix_index_count(const struct prefix_index *index);

/* One more than the highest number ever given out and not forgotten. */
uint32_t prefix_index_limit(const struct prefix_index *index);

#endif
