/* Prefix numbers in prefix order (address, then shorter first): the ordered half of the prefix
 * index. A directory of leaves, each of up to ORDER_LEAF_MAX numbers; inside a leaf the newest are
 * in no order until somebody walks there, so that loading a table does not pay for order it never
 * uses. */
#ifndef RIB_PREFIX_ORDER_H
#define RIB_PREFIX_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* Both families as one comparable value. */
struct order_key {
    uint64_t high;
    uint64_t low;
    uint32_t len_bits;
    uint32_t number; /* whose key it is; not compared */
};

static inline int order_key_compare(const struct order_key *a, const struct order_key *b)
{
    if (a->high != b->high) {
        return a->high < b->high ? -1 : 1;
    }
    if (a->low != b->low) {
        return a->low < b->low ? -1 : 1;
    }
    return a->len_bits == b->len_bits ? 0 : a->len_bits < b->len_bits ? -1 : 1;
}

struct prefix_order;

/* key_of gives the key of a number that is in the order. */
struct prefix_order *prefix_order_new(struct order_key (*key_of)(const void *context,
                                                                 uint32_t number),
                                      const void *context);
void prefix_order_free(struct prefix_order *order);

void prefix_order_add(struct prefix_order *order, uint32_t number);
void prefix_order_remove(struct prefix_order *order, uint32_t number);

/* The first number whose key is above key (or equal, when or_equal); 0 when there is none. */
uint32_t prefix_order_after(struct prefix_order *order, const struct order_key *key, bool or_equal);

#endif
