#include "bgpd/core/hash_index.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define BUCKETS_MIN 64u

void hash_index_init(struct hash_index *index)
{
    *index = (struct hash_index){NULL, 0, 0};
}

void hash_index_fini(struct hash_index *index)
{
    mem_free(MEM_HASH, index->buckets);
    hash_index_init(index);
}

static void link_node(struct hash_index *index, struct hash_node *node)
{
    struct hash_node **bucket = &index->buckets[node->hash & (index->bucket_count - 1)];
    node->next = *bucket;
    *bucket = node;
}

static void grow(struct hash_index *index)
{
    struct hash_node **old = index->buckets;
    uint32_t old_count = index->bucket_count;
    index->bucket_count = old_count == 0 ? BUCKETS_MIN : old_count * 2;
    index->buckets = mem_alloc(MEM_HASH, index->bucket_count * sizeof(struct hash_node *));
    for (uint32_t i = 0; i < old_count; i++) {
        struct hash_node *next;
        for (struct hash_node *node = old[i]; node != NULL; node = next) {
            next = node->next;
            link_node(index, node);
        }
    }
    mem_free(MEM_HASH, old);
}

void hash_index_put(struct hash_index *index, struct hash_node *node, uint64_t hash)
{
    if (index->count >= index->bucket_count) {
        grow(index);
    }
    node->hash = hash;
    link_node(index, node);
    index->count++;
}

void hash_index_remove(struct hash_index *index, struct hash_node *node)
{
    ASSERT(index->bucket_count != 0);
    struct hash_node **link = &index->buckets[node->hash & (index->bucket_count - 1)];
    while (*link != node) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    index->count--;
}

static struct hash_node *same_hash(struct hash_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct hash_node *hash_index_first(const struct hash_index *index, uint64_t hash)
{
    if (index->bucket_count == 0) {
        return NULL;
    }
    return same_hash(index->buckets[hash & (index->bucket_count - 1)], hash);
}

struct hash_node *hash_index_next(const struct hash_node *node)
{
    return same_hash(node->next, node->hash);
}
