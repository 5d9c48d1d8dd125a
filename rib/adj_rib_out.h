/* What one update group's peers have been told, or are about to be: per destination one attribute
 * set, and a journal of changes that each peer of the group reads at its own speed. A newer change
 * of a destination takes the place of an older one that a peer has not read, so a slow reader costs
 * at most one entry per destination. */
#ifndef RIB_ADJ_RIB_OUT_H
#define RIB_ADJ_RIB_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "rib/attr_set.h"
#include "rib/loc_rib.h"
#include "rib/out_paths.h"

struct adj_rib_out;

/* rib gives the numbers; it must outlive the result. */
struct adj_rib_out *adj_rib_out_new(struct loc_rib *rib, struct attr_table *attrs);

/* The same for ADD-PATH: wherever a dest_id stands below, it is a number of paths. */
struct adj_rib_out *adj_rib_out_new_of_paths(struct out_paths *paths, struct attr_table *attrs);
void adj_rib_out_free(struct adj_rib_out *out);

/* What the group's peers should hold for dest from now on: attrs (a reference is taken), or NULL
 * for nothing. False when that is what they hold already. */
bool adj_rib_out_put(struct adj_rib_out *out, dest_id dest, struct attr_set *attrs);

/* attrs says the same to the group's peers as what is announced for dest (asserted to be
 * something): it takes its place and nobody is told. False, and nothing is done, when a reader has
 * not been told the present one yet. */
NODISCARD bool adj_rib_out_exchange(struct adj_rib_out *out, dest_id dest, struct attr_set *attrs);

/* Borrowed; NULL when nothing is announced. */
struct attr_set *adj_rib_out_find(const struct adj_rib_out *out, dest_id dest);
uint32_t adj_rib_out_count(const struct adj_rib_out *out);

/* Readers: one per peer of the group, at most ADJ_RIB_OUT_READERS_MAX. A new reader starts as one
 * who has been told nothing: everything announced now lies before it. */
#define ADJ_RIB_OUT_READERS_MAX 1024u

NODISCARD enum status adj_rib_out_reader_add(struct adj_rib_out *out, uint32_t *reader_out);
void adj_rib_out_reader_remove(struct adj_rib_out *out, uint32_t reader);

/* Everything announced is to be sent again to this reader (route refresh). */
void adj_rib_out_reader_rewind(struct adj_rib_out *out, uint32_t reader);

/* Changes this reader has not taken, at least; 0 exactly when it is in step. O(1). */
bool adj_rib_out_reader_is_idle(const struct adj_rib_out *out, uint32_t reader);
uint32_t adj_rib_out_reader_backlog(const struct adj_rib_out *out, uint32_t reader);

/* The next run of changes for one UPDATE: up to max destinations that all have the same attribute
 * set (or all are withdrawn: *attrs_out NULL). Returns how many; 0 when the reader is in step.
 * Takes changes out of order where that fills the message better, never two changes of the same
 * destination out of order. *attrs_out is borrowed until the next put. Entries are taken by
 * adj_rib_out_reader_advance: as many of the run, from its start, as were written. */
uint32_t adj_rib_out_reader_peek(struct adj_rib_out *out, uint32_t reader, dest_id *dests_out,
                                 uint32_t max, struct attr_set **attrs_out);
void adj_rib_out_reader_advance(struct adj_rib_out *out, uint32_t reader, const dest_id *dests,
                                uint32_t count);

#endif
