/* The changes of one update group that not every reader has taken: entries, one per destination at
 * most, in blocks that stand in a list. Blocks of the same attribute set stand together as a
 * bundle. A new entry joins the bundle of its set as long as no reader has gone beyond it, so
 * messages fill whatever the order of changes. Private to adj_rib_out. */
#ifndef RIB_OUT_JOURNAL_H
#define RIB_OUT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/slab.h"
#include "rib/column.h"

#define JOURNAL_BLOCK_SLOTS 11u

/* No reader can have seen the destination announced: a withdrawal need not be told. */
#define JOURNAL_FRESH 0x80000000u

/* One cache line. A block without entries does not exist. */
struct journal_block {
    uint32_t prev;
    uint32_t next;
    uint32_t bundle;
    uint32_t first_reader;                 /* of those that stand in this block */
    uint8_t used;                          /* slots filled so far, in order */
    uint8_t live;                          /* of them still with an entry */
    uint8_t first;                         /* none below it */
    uint32_t entries[JOURNAL_BLOCK_SLOTS]; /* destination and JOURNAL_FRESH; 0: gone */
};
_Static_assert(sizeof(struct journal_block) == 64, "a line per message");

struct journal_bundle {
    uint64_t sequence;
    uint32_t attrs; /* number of the set; 0: withdrawn */
    uint32_t count; /* of entries */
    uint32_t tail;  /* last block */
    uint32_t spare;
};

/* All blocks before its own have been taken, and of that one the slots before slot. */
struct journal_reader {
    uint32_t block; /* 0: the journal is empty */
    uint32_t slot;
    uint32_t next_here; /* readers in the same block, or of the empty journal */
    uint32_t prev_here;
};

struct out_journal {
    struct column pending; /* destination -> entry: block and slot */
    struct column open;    /* set -> bundle that takes new entries */
    struct slab blocks;
    struct slab bundles;
    struct journal_reader *readers; /* by reader number; 0 is none */
    uint32_t reader_capacity;
    uint32_t first_idle; /* of the readers of an empty journal */
    uint32_t head;
    uint32_t tail;
    uint32_t entry_count;
    uint32_t reader_count;
    uint64_t next_sequence;
    uint64_t furthest; /* the last bundle that a reader has taken from: earlier ones are closed */
};

void out_journal_init(struct out_journal *journal);
void out_journal_fini(struct out_journal *journal);

/* The reader starts behind all entries, which seals them. */
void out_journal_reader_add(struct out_journal *journal, uint32_t reader);
void out_journal_reader_remove(struct out_journal *journal, uint32_t reader);

/* Closes all bundles and forgets which entries are fresh. */
void out_journal_seal(struct out_journal *journal);

/* Files the change of dest to attrs in place of an older one. is_fresh: no reader has been told
 * anything about dest but by an entry still here. */
void out_journal_put(struct out_journal *journal, uint32_t dest, uint32_t attrs, bool is_fresh);

static inline bool out_journal_has(const struct out_journal *journal, uint32_t dest)
{
    return column_get(&journal->pending, dest) != 0;
}

/* The entries in front of reader that have the same set, at most max. */
uint32_t out_journal_peek(const struct out_journal *journal, uint32_t reader, uint32_t *dests_out,
                          uint32_t max, uint32_t *attrs_out);
void out_journal_advance(struct out_journal *journal, uint32_t reader, const uint32_t *dests,
                         uint32_t count);

/* Takes off entries that all readers have passed and gives their destinations; 0 when there are no
 * more. */
uint32_t out_journal_reap(struct out_journal *journal, uint32_t dests_out[JOURNAL_BLOCK_SLOTS]);

bool out_journal_has_next(const struct out_journal *journal, uint32_t reader);

/* Entries in front of reader: exact for the last of the readers, else at least. 0 when none. */
uint32_t out_journal_backlog(const struct out_journal *journal, uint32_t reader);

bool out_journal_is_consistent(const struct out_journal *journal);

#endif
