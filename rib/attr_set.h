/* Interned, immutable, reference-counted path attributes: equal sets exist once, so that equality
 * is a pointer comparison. */
#ifndef RIB_ATTR_SET_H
#define RIB_ATTR_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/path_attr.h"

struct attr_set;
struct attr_table;
struct nexthop;

/* hash_key keeps peers from aiming at one bucket; hand in a random number. */
struct attr_table *attr_table_new(uint64_t hash_key);

/* All sets must have been given back (asserted). */
void attr_table_free(struct attr_table *table);

uint32_t attr_table_count(const struct attr_table *table);

/* The canonical set equal to attrs; owes one attr_set_unref. Copies what it keeps. O(size). */
struct attr_set *attr_set_intern(struct attr_table *table, const struct path_attrs *attrs);
struct attr_set *attr_set_ref(struct attr_set *set);
void attr_set_unref(struct attr_table *table, struct attr_set *set);

/* Fills a plain view whose pointers live as long as the set. */
void attr_set_view(const struct attr_set *set, struct path_attrs *view_out);

/* The single values the decision process reads, without filling a view. */
bool attr_set_has_weight(const struct attr_set *set);
bool attr_set_is_last(const struct attr_set *set);   /* PATH_LOCAL_LAST */
bool attr_set_is_shaped(const struct attr_set *set); /* PATH_LOCAL_SHAPED */
bool attr_set_discards(const struct attr_set *set);  /* PATH_LOCAL_DISCARD */
uint32_t attr_set_weight(const struct attr_set *set);
uint32_t attr_set_local_pref(const struct attr_set *set, uint32_t default_local_pref);
uint32_t attr_set_med(const struct attr_set *set); /* 0 when absent */
uint8_t attr_set_origin(const struct attr_set *set);
uint16_t attr_set_as_path_length(const struct attr_set *set);
uint32_t attr_set_first_asn(const struct attr_set *set);
bool attr_set_has_originator(const struct attr_set *set);
uint32_t attr_set_originator_id(const struct attr_set *set);
uint16_t attr_set_cluster_count(const struct attr_set *set);
struct ip_addr attr_set_next_hop(const struct attr_set *set);

/* One pointer for bgpd/core: the tracked next hop of this set's NEXT_HOP. Not part of its value;
 * the core sets it once and gives it back when the table calls its release hook. */
struct nexthop *attr_set_nexthop(const struct attr_set *set);
void attr_set_bind_nexthop(struct attr_set *set, struct nexthop *nexthop);

/* Called with the bound next hop just before a set that has one is freed. */
void attr_table_on_release(struct attr_table *table,
                           void (*release)(void *context, struct nexthop *nexthop), void *context);

#endif
