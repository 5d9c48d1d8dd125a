/* The inside of attribute sets, for the tables of rib and their tests: they hold sets by number. */
#ifndef RIB_ATTR_SET_PRIVATE_H
#define RIB_ATTR_SET_PRIVATE_H

#include "proto/base/assert.h"
#include "proto/base/buffer.h"
#include "proto/base/pool.h"
#include "rib/attr_set.h"
#include "rib/number_hash.h"

/* value is the canonical form: two sets are equal exactly when these octets are. It starts with
 * ATTR_FIXED_BYTES of flags; numbers, addresses and runs of octets follow, each only when present,
 * in the order of attr_set_form.c. */
struct attr_set {
    struct nexthop *nexthop;
    uint32_t ref_count;
    uint32_t number;
    uint32_t first_asn;
    uint16_t as_path_length;
    uint8_t origin;
    uint8_t next_hop_bytes; /* 0, 4 or 16 */
    uint32_t value_bytes;
    uint8_t value[];
};

/* present (8), origin, next-hop octets, link-local octets, preferred-source octets, partial bits of
 * AGGREGATOR and of the communities. */
#define ATTR_FIXED_BYTES 14u

/* Offsets into the fixed part. */
enum attr_fixed {
    ATTR_FIXED_PRESENT = 0,
    ATTR_FIXED_ORIGIN = 8,
    ATTR_FIXED_NEXT_HOP,
    ATTR_FIXED_LINK_LOCAL,
    ATTR_FIXED_SOURCE,
    ATTR_FIXED_AGGREGATOR_PARTIAL,
    ATTR_FIXED_COMMUNITIES_PARTIAL,
};

static inline uint32_t attr_set_number(const struct attr_set *set)
{
    return set == NULL ? 0 : set->number;
}

struct attr_table {
    uint64_t hash_key;
    struct number_hash by_value;
    struct pool blocks;     /* of the sets */
    struct attr_set **sets; /* by number; NULL: free */
    uint32_t *free_numbers;
    uint32_t free_count;
    uint32_t next_unused;
    uint32_t capacity;  /* of sets and free_numbers */
    struct buffer form; /* scratch of intern */
    void (*release)(void *context, struct nexthop *nexthop);
    void *release_context;
};

/* NULL for 0. */
static inline struct attr_set *attr_table_set(const struct attr_table *table, uint32_t number)
{
    if (number == 0) {
        return NULL;
    }
    ASSERT(number < table->next_unused);
    return table->sets[number];
}

bool attr_set_has_med(const struct attr_set *set);

/* An AS_PATH without any hop: the path starts in our own AS. */
static inline bool attr_set_is_own_as(const struct attr_set *set)
{
    return set->as_path_length == 0;
}

/* Same AS_PATH, octet by octet. */
bool attr_set_same_as_path(const struct attr_set *a, const struct attr_set *b);

/* Recounts: every set filed once under its own number and hash, references above zero. */
bool attr_table_is_consistent(const struct attr_table *table);

/* References of all sets together. */
uint64_t attr_table_references(const struct attr_table *table);

/* ---- The canonical form (attr_set_form.c) ---- */

/* Writes the form of attrs into form, which is emptied first. */
void attr_form_build(struct buffer *form, const struct path_attrs *attrs);
void attr_form_view(const uint8_t *value, struct path_attrs *view_out);

#endif
