/* A chained hash table of nodes embedded in their owners. Keys stay with the owner: a look-up walks
 * the nodes of one hash and compares. */
#ifndef BGPD_CORE_HASH_INDEX_H
#define BGPD_CORE_HASH_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct hash_node {
    struct hash_node *next;
    uint64_t hash;
};

struct hash_index {
    struct hash_node **buckets;
    uint32_t bucket_count; /* 0 or a power of two */
    uint32_t count;
};

void hash_index_init(struct hash_index *index);

/* Frees the buckets; the nodes belong to their owners. */
void hash_index_fini(struct hash_index *index);

void hash_index_put(struct hash_index *index, struct hash_node *node, uint64_t hash);

/* The node must be in the index (asserted). */
void hash_index_remove(struct hash_index *index, struct hash_node *node);

/* Nodes with exactly this hash, in no particular order; NULL at the end. */
struct hash_node *hash_index_first(const struct hash_index *index, uint64_t hash);
struct hash_node *hash_index_next(const struct hash_node *node);

#endif
