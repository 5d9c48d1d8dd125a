#include "rib/prefix_order.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* Leaf, its length words and the allocator's header make 2048 octets. */
#define ORDER_LEAF_MAX 508u

/* An unsorted tail up to this long is searched as it is: cheaper than sorting again and again when
 * walks and inserts alternate. */
#define ORDER_TAIL_MAX 24u

/* How many keys of a leaf a split looks at to find its middle. */
#define ORDER_SAMPLES 15u

struct order_leaf {
    uint32_t count;
    uint32_t sorted_count; /* so many from the start are in order */
    uint32_t numbers[ORDER_LEAF_MAX];
};

struct prefix_order {
    struct order_key (*key_of)(const void *context, uint32_t number);
    const void *context;
    struct order_leaf **leaves;
    struct order_key *bounds; /* no key of leaf i is below bounds[i]; bounds[0] is not looked at */
    uint32_t leaf_count;
    uint32_t leaf_capacity;
    uint32_t last_found; /* where the last search ended */
    struct order_key scratch[2][ORDER_LEAF_MAX];
};

struct prefix_order *prefix_order_new(struct order_key (*key_of)(const void *context,
                                                                 uint32_t number),
                                      const void *context)
{
    struct prefix_order *order = mem_alloc(MEM_PREFIX_INDEX, sizeof *order);
    order->key_of = key_of;
    order->context = context;
    return order;
}

void prefix_order_free(struct prefix_order *order)
{
    for (uint32_t i = 0; i < order->leaf_count; i++) {
        mem_free(MEM_PREFIX_INDEX, order->leaves[i]);
    }
    mem_free(MEM_PREFIX_INDEX, order->leaves);
    mem_free(MEM_PREFIX_INDEX, order->bounds);
    mem_free(MEM_PREFIX_INDEX, order);
}

static bool leaf_holds(const struct prefix_order *order, uint32_t at, const struct order_key *key)
{
    return at < order->leaf_count && (at == 0 || order_key_compare(&order->bounds[at], key) <= 0) &&
           (at + 1 == order->leaf_count || order_key_compare(&order->bounds[at + 1], key) > 0);
}

/* The leaf that holds key, or would. */
static uint32_t leaf_find(struct prefix_order *order, const struct order_key *key)
{
    uint32_t low = 0;
    uint32_t high = order->leaf_count;
    if (leaf_holds(order, order->last_found, key)) {
        return order->last_found; /* The prefixes of one message are often neighbours. */
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (order_key_compare(&order->bounds[middle], key) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    order->last_found = low;
    return low;
}

static struct order_leaf *leaf_insert(struct prefix_order *order, uint32_t at,
                                      const struct order_key *bound)
{
    if (order->leaf_count == order->leaf_capacity) {
        order->leaf_capacity = order->leaf_capacity == 0 ? 8 : order->leaf_capacity * 2;
        order->leaves = mem_realloc(MEM_PREFIX_INDEX, order->leaves,
                                    order->leaf_capacity * sizeof *order->leaves);
        order->bounds = mem_realloc(MEM_PREFIX_INDEX, order->bounds,
                                    order->leaf_capacity * sizeof *order->bounds);
    }
    uint32_t behind = order->leaf_count - at;
    memmove(order->leaves + at + 1, order->leaves + at, behind * sizeof *order->leaves);
    memmove(order->bounds + at + 1, order->bounds + at, behind * sizeof *order->bounds);
    order->leaves[at] = mem_alloc(MEM_PREFIX_INDEX, sizeof **order->leaves);
    order->bounds[at] = *bound;
    order->leaf_count++;
    return order->leaves[at];
}

static void leaf_delete(struct prefix_order *order, uint32_t at)
{
    mem_free(MEM_PREFIX_INDEX, order->leaves[at]);
    uint32_t behind = order->leaf_count - at - 1;
    memmove(order->leaves + at, order->leaves + at + 1, behind * sizeof *order->leaves);
    memmove(order->bounds + at, order->bounds + at + 1, behind * sizeof *order->bounds);
    order->leaf_count--;
}

static void merge_runs(const struct order_key *from, struct order_key *to, uint32_t start,
                       uint32_t middle, uint32_t end)
{
    uint32_t left = start;
    uint32_t right = middle;
    for (uint32_t at = start; at < end; at++) {
        bool take_left =
            left < middle && (right >= end || order_key_compare(&from[left], &from[right]) <= 0);
        to[at] = take_left ? from[left++] : from[right++];
    }
}

/* Sorts the tail bottom-up, then merges it with the part in order. */
static void leaf_sort(struct prefix_order *order, struct order_leaf *leaf)
{
    uint32_t count = leaf->count;
    uint32_t tail = leaf->sorted_count;
    if (tail == count) {
        return;
    }
    struct order_key *from = order->scratch[0];
    struct order_key *to = order->scratch[1];
    for (uint32_t i = 0; i < count; i++) {
        from[i] = order->key_of(order->context, leaf->numbers[i]);
        from[i].number = leaf->numbers[i];
    }
    memcpy(to, from, tail * sizeof *from);
    for (uint32_t width = 1; width < count - tail; width *= 2) {
        for (uint32_t start = tail; start < count; start += 2 * width) {
            uint32_t middle = start + width < count ? start + width : count;
            uint32_t end = start + 2 * width < count ? start + 2 * width : count;
            merge_runs(from, to, start, middle, end);
        }
        struct order_key *swap = from;
        from = to;
        to = swap;
    }
    merge_runs(from, to, 0, tail, count);
    for (uint32_t i = 0; i < count; i++) {
        leaf->numbers[i] = to[i].number;
    }
    leaf->sorted_count = count;
}

/* A key between the others of a leaf that is in no order: the middle one of a few. It is not the
 * lowest, so that both halves get something. */
static struct order_key pivot_of(const struct prefix_order *order, const struct order_leaf *leaf)
{
    struct order_key samples[ORDER_SAMPLES];
    for (uint32_t i = 0; i < ORDER_SAMPLES; i++) {
        uint32_t number = leaf->numbers[i * (leaf->count / ORDER_SAMPLES)];
        struct order_key key = order->key_of(order->context, number);
        uint32_t at = i;
        for (; at > 0 && order_key_compare(&samples[at - 1], &key) > 0; at--) {
            samples[at] = samples[at - 1];
        }
        samples[at] = key;
    }
    return samples[ORDER_SAMPLES / 2];
}

/* Moves what is not below pivot to upper. Neither is in order afterwards: nobody has asked for it
 * yet, and sorting at every split would cost a loading table more than all else here. */
static void leaf_partition(struct prefix_order *order, struct order_leaf *leaf,
                           struct order_leaf *upper, const struct order_key *pivot)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < leaf->count; i++) {
        uint32_t number = leaf->numbers[i];
        struct order_key key = order->key_of(order->context, number);
        if (order_key_compare(&key, pivot) < 0) {
            leaf->numbers[kept++] = number;
        } else {
            upper->numbers[upper->count++] = number;
        }
    }
    ASSERT(kept > 0 && kept < leaf->count);
    leaf->count = kept;
    leaf->sorted_count = 0;
}

static void leaf_halve(struct prefix_order *order, uint32_t at)
{
    struct order_leaf *leaf = order->leaves[at];
    uint32_t kept = leaf->count / 2;
    struct order_key bound = order->key_of(order->context, leaf->numbers[kept]);
    struct order_leaf *upper = leaf_insert(order, at + 1, &bound);
    upper->count = leaf->count - kept;
    upper->sorted_count = upper->count;
    memcpy(upper->numbers, leaf->numbers + kept, upper->count * sizeof *upper->numbers);
    leaf->count = kept;
    leaf->sorted_count = kept;
}

/* Makes room in a full leaf. A table that arrives in order leaves full leaves behind. */
static void leaf_split(struct prefix_order *order, uint32_t at, const struct order_key *key)
{
    struct order_leaf *leaf = order->leaves[at];
    if (leaf->sorted_count < leaf->count) {
        struct order_key pivot = pivot_of(order, leaf);
        leaf_partition(order, leaf, leaf_insert(order, at + 1, &pivot), &pivot);
        return;
    }
    struct order_key last = order->key_of(order->context, leaf->numbers[leaf->count - 1]);
    if (order_key_compare(&last, key) < 0) {
        leaf_insert(order, at + 1, key);
    } else {
        leaf_halve(order, at);
    }
}

void prefix_order_add(struct prefix_order *order, uint32_t number)
{
    struct order_key key = order->key_of(order->context, number);
    if (order->leaf_count == 0) {
        leaf_insert(order, 0, &key);
    }
    uint32_t at = leaf_find(order, &key);
    if (order->leaves[at]->count == ORDER_LEAF_MAX) {
        leaf_split(order, at, &key);
        at = leaf_find(order, &key);
    }
    struct order_leaf *leaf = order->leaves[at];
    bool in_order = leaf->sorted_count == leaf->count;
    if (in_order && leaf->count > 0) {
        struct order_key last = order->key_of(order->context, leaf->numbers[leaf->count - 1]);
        in_order = order_key_compare(&last, &key) < 0;
    }
    leaf->numbers[leaf->count++] = number;
    leaf->sorted_count += in_order;
}

/* Joins a leaf that has become small with the next one, so that a table that shrinks gives back. */
static void leaf_join_next(struct prefix_order *order, uint32_t at)
{
    struct order_leaf *leaf = order->leaves[at];
    if (at + 1 >= order->leaf_count || leaf->count > ORDER_LEAF_MAX / 4) {
        return;
    }
    struct order_leaf *next = order->leaves[at + 1];
    if (leaf->count + next->count > ORDER_LEAF_MAX / 2) {
        return;
    }
    if (leaf->sorted_count == leaf->count) {
        leaf->sorted_count += next->sorted_count;
    }
    memcpy(leaf->numbers + leaf->count, next->numbers, next->count * sizeof *next->numbers);
    leaf->count += next->count;
    leaf_delete(order, at + 1);
}

void prefix_order_remove(struct prefix_order *order, uint32_t number)
{
    struct order_key key = order->key_of(order->context, number);
    ASSERT(order->leaf_count > 0);
    uint32_t at = leaf_find(order, &key);
    struct order_leaf *leaf = order->leaves[at];
    uint32_t slot = 0;
    while (slot < leaf->count && leaf->numbers[slot] != number) {
        slot++;
    }
    ASSERT(slot < leaf->count);
    if (slot < leaf->sorted_count) {
        leaf->sorted_count--;
    }
    leaf->count--;
    memmove(leaf->numbers + slot, leaf->numbers + slot + 1,
            (leaf->count - slot) * sizeof *leaf->numbers);
    if (leaf->count == 0) {
        leaf_delete(order, at);
    } else {
        leaf_join_next(order, at);
    }
}

/* The smallest member of leaf above key; 0 when there is none. */
static uint32_t leaf_after(const struct prefix_order *order, const struct order_leaf *leaf,
                           const struct order_key *key, bool or_equal)
{
    int limit = or_equal ? 0 : 1;
    uint32_t low = 0;
    uint32_t high = leaf->sorted_count;
    struct order_key best = {0};
    uint32_t found = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct order_key at = order->key_of(order->context, leaf->numbers[middle]);
        if (order_key_compare(&at, key) >= limit) {
            high = middle;
            best = at;
            found = leaf->numbers[middle];
        } else {
            low = middle + 1;
        }
    }
    for (uint32_t i = leaf->sorted_count; i < leaf->count; i++) {
        struct order_key at = order->key_of(order->context, leaf->numbers[i]);
        if (order_key_compare(&at, key) >= limit &&
            (found == 0 || order_key_compare(&at, &best) < 0)) {
            best = at;
            found = leaf->numbers[i];
        }
    }
    return found;
}

uint32_t prefix_order_after(struct prefix_order *order, const struct order_key *key, bool or_equal)
{
    if (order->leaf_count == 0) {
        return 0;
    }
    for (uint32_t at = leaf_find(order, key); at < order->leaf_count; at++) {
        struct order_leaf *leaf = order->leaves[at];
        if (leaf->count - leaf->sorted_count > ORDER_TAIL_MAX) {
            leaf_sort(order, leaf);
        }
        uint32_t found = leaf_after(order, leaf, key, or_equal);
        if (found != 0) {
            return found;
        }
    }
    return 0;
}
