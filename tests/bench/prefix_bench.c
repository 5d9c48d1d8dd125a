/* The prefix index against other ways to do it, on the same table: exact lookup with insert, exact
 * lookup of what is there, in random order too, and octets per prefix. prefix_bench [prefixes]
 *
 * The others are here only to be measured, for IPv4, without removal:
 * - a path-compressed binary trie with 32-bit links (exact, longest match and order in one);
 * - a trie of 8-bit strides with plain arrays of 256 children and 511 prefixes per node. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "rib/prefix_index.h"
#include "tests/bench/table_gen.h"

/* ---- Binary trie ---- */

struct binary_node {
    uint32_t key;
    uint32_t number;
    uint32_t child[2];
    uint8_t len_bits;
};

struct binary {
    struct slab nodes;
    uint32_t root;
    uint32_t next_number;
};

static uint32_t mask_of(unsigned len_bits)
{
    return len_bits == 0 ? 0 : UINT32_MAX << (32 - len_bits);
}

static unsigned bit_of(uint32_t key, unsigned index)
{
    return key >> (31 - index) & 1;
}

static uint32_t binary_new(struct binary *trie, uint32_t key, unsigned len_bits)
{
    uint32_t number = slab_take(&trie->nodes);
    struct binary_node *node = slab_at(&trie->nodes, number);
    node->key = key & mask_of(len_bits);
    node->len_bits = (uint8_t)len_bits;
    return number;
}

static struct binary_node *binary_at(const struct binary *trie, uint32_t number)
{
    return slab_at(&trie->nodes, number);
}

static unsigned common_bits(uint32_t a, uint32_t b, unsigned max)
{
    unsigned same = a == b ? 32 : (unsigned)__builtin_clz(a ^ b);
    return same < max ? same : max;
}

static uint32_t binary_put(struct binary *trie, uint32_t key, unsigned len_bits)
{
    uint32_t *link = &trie->root;
    while (*link != 0) {
        uint32_t here = *link;
        struct binary_node *node = binary_at(trie, here);
        unsigned shorter = node->len_bits < len_bits ? node->len_bits : len_bits;
        unsigned same = common_bits(node->key, key, shorter);
        if (same < node->len_bits) {
            /* Part here: a node above this one, and the new one beside or as it. */
            uint32_t above = binary_new(trie, key, same);
            node = binary_at(trie, here);
            binary_at(trie, above)->child[bit_of(node->key, same)] = here;
            *link = above;
            continue;
        }
        if (node->len_bits == len_bits) {
            if (node->number == 0) {
                node->number = ++trie->next_number;
            }
            return node->number;
        }
        link = &node->child[bit_of(key, node->len_bits)];
    }
    uint32_t leaf = binary_new(trie, key, len_bits);
    *link = leaf;
    binary_at(trie, leaf)->number = ++trie->next_number;
    return trie->next_number;
}

/* ---- Strides of 8 bits ---- */

struct stride_node {
    struct stride_node *child[256];
    uint32_t numbers[511]; /* prefixes that end here: lengths 0 to 8 within the stride */
};

static uint32_t stride_put(struct stride_node *node, uint32_t key, unsigned len_bits,
                           uint32_t *next_number)
{
    unsigned shift = 24;
    while (len_bits > 8) {
        struct stride_node **child = &node->child[key >> shift & 0xff];
        if (*child == NULL) {
            *child = mem_alloc(MEM_HASH, sizeof **child);
        }
        node = *child;
        len_bits -= 8;
        shift -= 8;
    }
    unsigned at = (1u << len_bits) - 1 + ((key >> shift & 0xff) >> (8 - len_bits));
    if (node->numbers[at] == 0) {
        node->numbers[at] = ++*next_number;
    }
    return node->numbers[at];
}

/* ---- Measuring ---- */

enum contestant {
    CONTESTANT_INDEX,
    CONTESTANT_BINARY,
    CONTESTANT_STRIDE,
    CONTESTANT_COUNT,
};

struct arena_of_three {
    struct prefix_index *index;
    struct binary binary;
    struct stride_node *stride;
    uint32_t stride_next;
};

static uint32_t put(struct arena_of_three *all, enum contestant which, const struct prefix *prefix)
{
    if (which == CONTESTANT_INDEX) {
        return prefix_index_put(all->index, prefix);
    }
    struct ip_addr addr = prefix_addr(prefix);
    uint32_t key = ip_to_v4(&addr);
    return which == CONTESTANT_BINARY
               ? binary_put(&all->binary, key, prefix->len_bits)
               : stride_put(all->stride, key, prefix->len_bits, &all->stride_next);
}

static double pass(struct arena_of_three *all, enum contestant which, const struct gen_table *table,
                   const uint32_t *order)
{
    uint64_t sum = 0;
    int64_t start = gen_now_ns();
    for (uint32_t i = 0; i < table->prefix_count; i++) {
        sum += put(all, which, &table->prefixes[order == NULL ? i : order[i]]);
    }
    int64_t took = gen_now_ns() - start;
    ASSERT(sum == (uint64_t)table->prefix_count * (table->prefix_count + 1) / 2);
    return (double)took / table->prefix_count;
}

static uint32_t *shuffled(uint32_t count)
{
    uint32_t *order = mem_alloc(MEM_MISC, count * sizeof *order);
    struct random_source random;
    random_init(&random, 4);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = random_below(&random, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    return order;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"prefix_index", "binary trie", "8-bit strides"};
    uint32_t prefixes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    struct gen_table table;
    gen_table_init(&table, prefixes, 1);
    uint32_t *order = shuffled(prefixes);
    struct arena_of_three all = {.index = prefix_index_new(IP_V4, 1)};
    slab_init(&all.binary.nodes, MEM_ROUTE, sizeof(struct binary_node));
    all.stride = mem_alloc(MEM_HASH, sizeof *all.stride);
    static const enum mem_kind kinds[] = {MEM_PREFIX_INDEX, MEM_ROUTE, MEM_HASH};
    printf("%-16s %12s %12s %12s %14s\n", "", "insert ns", "again ns", "random ns", "octets each");
    for (int which = 0; which < CONTESTANT_COUNT; which++) {
        double insert = pass(&all, (enum contestant)which, &table, NULL);
        double again = pass(&all, (enum contestant)which, &table, NULL);
        double random = pass(&all, (enum contestant)which, &table, order);
        printf("%-16s %12.1f %12.1f %12.1f %14.1f\n", names[which], insert, again, random,
               (double)mem_bytes(kinds[which]) / prefixes);
    }
    mem_free(MEM_MISC, order);
    gen_table_fini(&table);
    prefix_index_free(all.index);
    return 0;
}
