#include "rib/prefix_index.h"

#include <string.h>

#include "proto/base/hash.h"
#include "rib/prefix_order.h"

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t load_u64(const uint8_t *bytes)
{
    return (uint64_t)load_u32(bytes) << 32 | load_u32(bytes + 4);
}

static struct prefix_node *node_at(const struct prefix_index *index, uint32_t number)
{
    return slab_at(&index->nodes, number);
}

static uint64_t hash_of(const struct prefix_index *index, const uint8_t *addr, uint8_t len_bits)
{
    if (index->family == IP_V4) {
        return hash_u64(index->hash_key, (uint64_t)load_u32(addr) << 8 | len_bits);
    }
    uint64_t high = hash_u64(index->hash_key, load_u64(addr) ^ len_bits);
    return hash_u64(high, load_u64(addr + 8));
}

static struct order_key order_key_of(const void *context, uint32_t number)
{
    const struct prefix_index *index = context;
    const struct prefix_node *node = node_at(index, number);
    if (index->family == IP_V4) {
        return (struct order_key){(uint64_t)load_u32(node->addr) << 32, 0, node->len_bits, 0};
    }
    return (struct order_key){load_u64(node->addr), load_u64(node->addr + 8), node->len_bits, 0};
}

struct prefix_index *prefix_index_new(uint8_t family, uint64_t hash_key)
{
    ASSERT(family == IP_V4 || family == IP_V6);
    struct prefix_index *index = mem_alloc(MEM_PREFIX_INDEX, sizeof *index);
    index->family = family;
    index->addr_bytes = ip_family_bytes(family);
    index->hash_key = hash_key;
    slab_init(&index->nodes, MEM_PREFIX_INDEX,
              (uint32_t)sizeof(struct prefix_node) + index->addr_bytes);
    number_hash_init(&index->exact, MEM_PREFIX_INDEX);
    return index;
}

/* ---- The order, from the first time somebody asks for it until the table is empty ---- */

static void order_make(struct prefix_index *index)
{
    index->order = prefix_order_new(order_key_of, index);
    uint32_t number = 0;
    while ((number = prefix_index_next(index, number)) != 0) {
        prefix_order_add(index->order, number);
    }
}

static void order_forget(struct prefix_index *index)
{
    if (index->order != NULL) {
        prefix_order_free(index->order);
        index->order = NULL;
    }
}

void prefix_index_free(struct prefix_index *index)
{
    order_forget(index);
    number_hash_fini(&index->exact);
    slab_fini(&index->nodes);
    mem_free(MEM_PREFIX_INDEX, index);
}

static bool addr_is(const struct prefix_index *index, const struct prefix_node *node,
                    const uint8_t *addr)
{
    return index->family == IP_V4 ? memcmp(node->addr, addr, 4) == 0
                                  : memcmp(node->addr, addr, 16) == 0;
}

static void addr_copy(const struct prefix_index *index, uint8_t *to, const uint8_t *from)
{
    if (index->family == IP_V4) {
        memcpy(to, from, 4);
    } else {
        memcpy(to, from, 16);
    }
}

static uint32_t find_exact(const struct prefix_index *index, const uint8_t *addr, uint8_t len_bits,
                           uint64_t hash)
{
    struct number_probe probe = number_probe_start(&index->exact, hash);
    uint32_t number;
    while ((number = number_probe_next(&index->exact, &probe)) != 0) {
        const struct prefix_node *node = node_at(index, number);
        if (node->len_bits == len_bits && addr_is(index, node, addr)) {
            return number;
        }
    }
    return 0;
}

uint32_t prefix_index_find(const struct prefix_index *index, const struct prefix *prefix)
{
    if (prefix->family != index->family) {
        return 0;
    }
    uint64_t hash = hash_of(index, prefix->bytes, prefix->len_bits);
    return find_exact(index, prefix->bytes, prefix->len_bits, hash);
}

void prefix_index_prefetch(const struct prefix_index *index, const struct prefix *prefix)
{
    uint64_t hash = hash_of(index, prefix->bytes, prefix->len_bits);
    __builtin_prefetch(&index->exact.groups[number_hash_home(&index->exact, hash)]);
}

void prefix_index_prefetch_node(const struct prefix_index *index, const struct prefix *prefix)
{
    uint64_t hash = hash_of(index, prefix->bytes, prefix->len_bits);
    struct number_probe probe = number_probe_start(&index->exact, hash);
    uint32_t number = number_probe_next(&index->exact, &probe);
    if (number != 0) {
        __builtin_prefetch(node_at(index, number));
    }
}

void prefix_index_prefetch_number(const struct prefix_index *index, uint32_t number)
{
    __builtin_prefetch(node_at(index, number));
}

static void exact_grow(struct prefix_index *index)
{
    number_hash_grow(&index->exact);
    struct number_refill refill = {.table = &index->exact};
    for (uint32_t number = 1; number < index->nodes.next_unused; number++) {
        const struct prefix_node *node = node_at(index, number);
        if (node->len_bits != PREFIX_NODE_FREE) {
            number_refill_add(&refill, hash_of(index, node->addr, node->len_bits), number);
        }
    }
    number_refill_end(&refill);
}

uint32_t prefix_index_put(struct prefix_index *index, const struct prefix *prefix)
{
    ASSERT(prefix->family == index->family);
    uint64_t hash = hash_of(index, prefix->bytes, prefix->len_bits);
    uint32_t number = find_exact(index, prefix->bytes, prefix->len_bits, hash);
    if (number != 0) {
        return number;
    }
    if (number_hash_is_full(&index->exact)) {
        exact_grow(index);
    }
    number = slab_take(&index->nodes);
    struct prefix_node *node = node_at(index, number);
    node->len_bits = prefix->len_bits;
    addr_copy(index, node->addr, prefix->bytes);
    number_hash_add(&index->exact, hash, number);
    if (index->order != NULL) {
        prefix_order_add(index->order, number);
    }
    index->length_counts[prefix->len_bits]++;
    return number;
}

void prefix_index_remove(struct prefix_index *index, uint32_t number)
{
    struct prefix_node *node = prefix_index_node(index, number);
    if (index->order != NULL) {
        prefix_order_remove(index->order, number);
    }
    number_hash_remove(&index->exact, hash_of(index, node->addr, node->len_bits), number);
    index->length_counts[node->len_bits]--;
    node->len_bits = PREFIX_NODE_FREE;
    slab_give(&index->nodes, number);
    if (index->nodes.live_count == 0) {
        order_forget(index);
    }
}

uint32_t prefix_index_next(const struct prefix_index *index, uint32_t number)
{
    while (++number < index->nodes.next_unused) {
        if (node_at(index, number)->len_bits != PREFIX_NODE_FREE) {
            return number;
        }
    }
    return 0;
}

struct prefix prefix_index_prefix(const struct prefix_index *index, uint32_t number)
{
    const struct prefix_node *node = prefix_index_node(index, number);
    struct prefix prefix = {.family = index->family, .len_bits = node->len_bits};
    addr_copy(index, prefix.bytes, node->addr);
    return prefix;
}

/* Clears what lies beyond len_bits. */
static void mask_addr(uint8_t *bytes, unsigned addr_bytes, unsigned len_bits)
{
    unsigned whole = len_bits / 8;
    if (whole < addr_bytes) {
        bytes[whole] &= (uint8_t)(0xff00u >> (len_bits % 8));
        memset(bytes + whole + 1, 0, addr_bytes - whole - 1);
    }
}

uint32_t prefix_index_match(const struct prefix_index *index, const struct ip_addr *addr,
                            uint8_t len_max_bits)
{
    if (addr->family != index->family) {
        return 0;
    }
    ASSERT(len_max_bits <= ip_family_bits(index->family));
    uint8_t bytes[16];
    memcpy(bytes, addr->bytes, sizeof bytes);
    for (unsigned len_bits = len_max_bits + 1u; len_bits-- > 0;) {
        if (index->length_counts[len_bits] == 0) {
            continue;
        }
        mask_addr(bytes, index->addr_bytes, len_bits);
        uint32_t number =
            find_exact(index, bytes, (uint8_t)len_bits, hash_of(index, bytes, (uint8_t)len_bits));
        if (number != 0) {
            return number;
        }
    }
    return 0;
}

uint32_t prefix_index_after(struct prefix_index *index, const struct prefix *prefix, bool or_equal)
{
    ASSERT(prefix->family == index->family);
    if (index->order == NULL) {
        if (index->nodes.live_count == 0) {
            return 0;
        }
        order_make(index);
    }
    struct order_key key = {load_u64(prefix->bytes), load_u64(prefix->bytes + 8), prefix->len_bits,
                            0};
    return prefix_order_after(index->order, &key, or_equal);
}

uint32_t prefix_index_count(const struct prefix_index *index)
{
    return index->nodes.live_count;
}

uint32_t prefix_index_limit(const struct prefix_index *index)
{
    return index->nodes.next_unused;
}
