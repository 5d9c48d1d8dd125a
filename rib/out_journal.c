#include "rib/out_journal.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* An empty journal whose blocks once took more chunks than this gives them back. */
#define BLOCK_CHUNKS_KEEP 1u
/* How far a backlog is counted for a reader that is not the last. */
#define BACKLOG_COUNT_MAX 64u

#define SLOT_BITS 4u
_Static_assert(JOURNAL_BLOCK_SLOTS < 1u << SLOT_BITS, "block and slot in one word");

static struct journal_block *block_at(const struct out_journal *journal, uint32_t number)
{
    return slab_at(&journal->blocks, number);
}

static struct journal_bundle *bundle_at(const struct out_journal *journal, uint32_t number)
{
    return slab_at(&journal->bundles, number);
}

static void slabs_init(struct out_journal *journal)
{
    slab_init(&journal->blocks, MEM_ADJ_RIB_OUT, sizeof(struct journal_block));
    slab_init(&journal->bundles, MEM_ADJ_RIB_OUT, sizeof(struct journal_bundle));
}

void out_journal_init(struct out_journal *journal)
{
    *journal = (struct out_journal){.next_sequence = 1};
    column_init(&journal->pending, MEM_ADJ_RIB_OUT);
    column_init(&journal->open, MEM_ADJ_RIB_OUT);
    slabs_init(journal);
}

void out_journal_fini(struct out_journal *journal)
{
    column_fini(&journal->pending);
    column_fini(&journal->open);
    slab_fini(&journal->blocks);
    slab_fini(&journal->bundles);
    mem_free(MEM_ADJ_RIB_OUT, journal->readers);
    journal->readers = NULL;
}

/* ---- Where readers stand ---- */

static uint32_t *readers_of(struct out_journal *journal, uint32_t block)
{
    return block == 0 ? &journal->first_idle : &block_at(journal, block)->first_reader;
}

static void reader_link(struct out_journal *journal, uint32_t reader, uint32_t block, uint32_t slot)
{
    uint32_t *first = readers_of(journal, block);
    journal->readers[reader] = (struct journal_reader){block, slot, *first, 0};
    if (*first != 0) {
        journal->readers[*first].prev_here = reader;
    }
    *first = reader;
}

static void reader_unlink(struct out_journal *journal, uint32_t reader)
{
    const struct journal_reader *self = &journal->readers[reader];
    if (self->prev_here != 0) {
        journal->readers[self->prev_here].next_here = self->next_here;
    } else {
        *readers_of(journal, self->block) = self->next_here;
    }
    if (self->next_here != 0) {
        journal->readers[self->next_here].prev_here = self->prev_here;
    }
}

static void reader_move(struct out_journal *journal, uint32_t reader, uint32_t block, uint32_t slot)
{
    if (journal->readers[reader].block == block) {
        journal->readers[reader].slot = slot;
        return;
    }
    reader_unlink(journal, reader);
    reader_link(journal, reader, block, slot);
}

static void readers_move_all(struct out_journal *journal, uint32_t from, uint32_t block,
                             uint32_t slot)
{
    uint32_t reader;
    while ((reader = *readers_of(journal, from)) != 0) {
        reader_move(journal, reader, block, slot);
    }
}

/* ---- The list of blocks ---- */

/* after 0: at the start, which is where an empty journal begins. */
static uint32_t block_insert(struct out_journal *journal, uint32_t after, uint32_t bundle)
{
    uint32_t number = slab_take(&journal->blocks);
    struct journal_block *block = block_at(journal, number);
    block->bundle = bundle;
    block->prev = after;
    block->next = after == 0 ? journal->head : block_at(journal, after)->next;
    if (after == 0) {
        journal->head = number;
    } else {
        block_at(journal, after)->next = number;
    }
    if (block->next == 0) {
        journal->tail = number;
    } else {
        block_at(journal, block->next)->prev = number;
    }
    readers_move_all(journal, 0, number, 0);
    return number;
}

/* Takes off a block without entries. Who stood in it stands before the next one, or behind what is
 * left. */
static void block_delete(struct out_journal *journal, uint32_t number)
{
    struct journal_block *block = block_at(journal, number);
    uint32_t prev = block->prev;
    uint32_t next = block->next;
    if (next != 0) {
        readers_move_all(journal, number, next, 0);
    } else {
        readers_move_all(journal, number, prev, prev == 0 ? 0 : block_at(journal, prev)->used);
    }
    if (prev == 0) {
        journal->head = next;
    } else {
        block_at(journal, prev)->next = next;
    }
    if (next == 0) {
        journal->tail = prev;
    } else {
        block_at(journal, next)->prev = prev;
    }
    slab_give(&journal->blocks, number);
}

/* ---- Entries ---- */

/* One entry of the bundle less. False when that was the last one, and the bundle is gone. */
static bool bundle_let_go(struct out_journal *journal, uint32_t number)
{
    struct journal_bundle *bundle = bundle_at(journal, number);
    ASSERT(bundle->count > 0);
    bundle->count--;
    journal->entry_count--;
    if (bundle->count != 0) {
        return true;
    }
    if (column_get(&journal->open, bundle->attrs) == number) {
        column_set(&journal->open, bundle->attrs, 0);
    }
    slab_give(&journal->bundles, number);
    return false;
}

static void entry_delete(struct out_journal *journal, uint32_t entry)
{
    uint32_t number = entry >> SLOT_BITS;
    struct journal_block *block = block_at(journal, number);
    uint32_t *value = &block->entries[entry & ((1u << SLOT_BITS) - 1)];
    ASSERT(*value != 0 && block->live > 0);
    column_set(&journal->pending, *value & ~JOURNAL_FRESH, 0);
    *value = 0;
    block->live--;
    bool has_bundle = bundle_let_go(journal, block->bundle);
    if (block->live != 0) {
        return;
    }
    if (has_bundle && bundle_at(journal, block->bundle)->tail == number) {
        bundle_at(journal, block->bundle)->tail = block->prev;
        ASSERT(block_at(journal, block->prev)->bundle == block->bundle);
    }
    block_delete(journal, number);
}

/* The bundle of attrs that every reader still has in front of it or has just reached the end of. */
static uint32_t open_bundle(struct out_journal *journal, uint32_t attrs)
{
    uint32_t number = column_get(&journal->open, attrs);
    if (number != 0 && bundle_at(journal, number)->sequence >= journal->furthest) {
        return number;
    }
    number = slab_take(&journal->bundles);
    struct journal_bundle *bundle = bundle_at(journal, number);
    bundle->sequence = journal->next_sequence++;
    bundle->attrs = attrs;
    bundle->tail = block_insert(journal, journal->tail, number);
    column_set(&journal->open, attrs, number);
    return number;
}

static void entry_add(struct out_journal *journal, uint32_t dest, uint32_t attrs, bool is_fresh)
{
    uint32_t bundle_number = open_bundle(journal, attrs);
    struct journal_bundle *bundle = bundle_at(journal, bundle_number);
    struct journal_block *block = block_at(journal, bundle->tail);
    if (block->used == JOURNAL_BLOCK_SLOTS) {
        bundle->tail = block_insert(journal, bundle->tail, bundle_number);
        block = block_at(journal, bundle->tail);
    }
    uint32_t slot = block->used++;
    block->live++;
    block->entries[slot] = dest | (is_fresh ? JOURNAL_FRESH : 0);
    bundle->count++;
    journal->entry_count++;
    column_set(&journal->pending, dest, bundle->tail << SLOT_BITS | slot);
}

static bool entry_is_fresh(const struct out_journal *journal, uint32_t entry)
{
    const struct journal_block *block = block_at(journal, entry >> SLOT_BITS);
    uint32_t value = block->entries[entry & ((1u << SLOT_BITS) - 1)];
    return (value & JOURNAL_FRESH) != 0 &&
           bundle_at(journal, block->bundle)->sequence > journal->furthest;
}

void out_journal_put(struct out_journal *journal, uint32_t dest, uint32_t attrs, bool is_fresh)
{
    ASSERT((dest & JOURNAL_FRESH) == 0);
    uint32_t old = column_get(&journal->pending, dest);
    if (old != 0) {
        is_fresh = entry_is_fresh(journal, old);
        entry_delete(journal, old);
    }
    if (journal->reader_count == 0 || (is_fresh && attrs == 0)) {
        return;
    }
    entry_add(journal, dest, attrs, is_fresh);
}

void out_journal_seal(struct out_journal *journal)
{
    journal->furthest = journal->next_sequence - 1;
}

/* ---- Readers ---- */

void out_journal_reader_add(struct out_journal *journal, uint32_t reader)
{
    ASSERT(reader != 0);
    if (reader >= journal->reader_capacity) {
        uint32_t capacity = journal->reader_capacity == 0 ? 4 : journal->reader_capacity * 2;
        while (capacity <= reader) {
            capacity *= 2;
        }
        journal->readers =
            mem_realloc(MEM_ADJ_RIB_OUT, journal->readers, capacity * sizeof *journal->readers);
        memset(journal->readers + journal->reader_capacity, 0,
               (capacity - journal->reader_capacity) * sizeof *journal->readers);
        journal->reader_capacity = capacity;
    }
    out_journal_seal(journal);
    uint32_t tail = journal->tail;
    reader_link(journal, reader, tail, tail == 0 ? 0 : block_at(journal, tail)->used);
    journal->reader_count++;
}

void out_journal_reader_remove(struct out_journal *journal, uint32_t reader)
{
    reader_unlink(journal, reader);
    journal->reader_count--;
}

/* A place in the list while somebody reads on. */
struct place {
    uint32_t block; /* 0: at the end */
    uint32_t slot;
};

/* The first entry at or behind place. */
static struct place place_settle(const struct out_journal *journal, struct place place)
{
    while (place.block != 0) {
        const struct journal_block *block = block_at(journal, place.block);
        for (; place.slot < block->used; place.slot++) {
            if (block->entries[place.slot] != 0) {
                return place;
            }
        }
        place = (struct place){block->next, 0};
    }
    return place;
}

static struct place place_of(const struct out_journal *journal, uint32_t reader)
{
    const struct journal_reader *self = &journal->readers[reader];
    return place_settle(journal, (struct place){self->block, self->slot});
}

uint32_t out_journal_peek(const struct out_journal *journal, uint32_t reader, uint32_t *dests_out,
                          uint32_t max, uint32_t *attrs_out)
{
    struct place place = place_of(journal, reader);
    if (place.block == 0) {
        return 0;
    }
    const struct journal_block *block = block_at(journal, place.block);
    uint32_t bundle = block->bundle;
    *attrs_out = bundle_at(journal, bundle)->attrs;
    uint32_t count = 0;
    uint32_t slot = place.slot;
    while (block->bundle == bundle) {
        for (; slot < block->used && count < max; slot++) {
            dests_out[count] = block->entries[slot] & ~JOURNAL_FRESH;
            count += block->entries[slot] != 0;
        }
        if (block->next == 0 || count == max) {
            break;
        }
        block = block_at(journal, block->next);
        slot = 0;
    }
    return count;
}

/* Destinations that have changed since they were peeked have left their place: what replaced them
 * lies further on, and is not passed here. */
void out_journal_advance(struct out_journal *journal, uint32_t reader, const uint32_t *dests,
                         uint32_t count)
{
    struct place place = place_of(journal, reader);
    struct place last = {0, 0};
    uint32_t at = 0; /* in dests */
    while (place.block != 0 && at < count) {
        const struct journal_block *block = block_at(journal, place.block);
        for (; place.slot < block->used && at < count; place.slot++) {
            uint32_t dest = block->entries[place.slot] & ~JOURNAL_FRESH;
            while (dest != 0 && at < count && dests[at] != dest) {
                at++;
            }
            if (dest != 0 && at < count) {
                last = place;
                at++;
            }
        }
        place = (struct place){block->next, 0};
    }
    if (last.block == 0) {
        return;
    }
    uint64_t sequence = bundle_at(journal, block_at(journal, last.block)->bundle)->sequence;
    if (sequence > journal->furthest) {
        journal->furthest = sequence;
    }
    reader_move(journal, reader, last.block, last.slot + 1);
}

/* With no entry left, nobody stands anywhere: the slabs can start anew. */
static void slabs_shrink(struct out_journal *journal)
{
    if (journal->entry_count == 0 && journal->blocks.chunk_count > BLOCK_CHUNKS_KEEP) {
        slab_fini(&journal->blocks);
        slab_fini(&journal->bundles);
        slabs_init(journal);
    }
}

/* All slots of the first block below this one have been passed by everybody. Whoever came to the
 * block last stands first in its list, and of readers that take turns moves on last: the search for
 * one that has passed nothing new is mostly over where it begins. */
static uint32_t passed_by_all(const struct out_journal *journal, const struct journal_block *head)
{
    uint32_t slot = head->used;
    for (uint32_t reader = head->first_reader; reader != 0 && slot > head->first;
         reader = journal->readers[reader].next_here) {
        if (journal->readers[reader].slot < slot) {
            slot = journal->readers[reader].slot;
        }
    }
    return slot;
}

uint32_t out_journal_reap(struct out_journal *journal, uint32_t dests_out[JOURNAL_BLOCK_SLOTS])
{
    if (journal->head == 0) {
        slabs_shrink(journal);
        return 0;
    }
    uint32_t number = journal->head;
    struct journal_block *head = block_at(journal, number);
    uint32_t end = passed_by_all(journal, head);
    uint32_t count = 0;
    for (; head->first < end; head->first++) {
        uint32_t value = head->entries[head->first];
        if (value == 0) {
            continue;
        }
        dests_out[count++] = value & ~JOURNAL_FRESH;
        head->entries[head->first] = 0;
        column_set(&journal->pending, value & ~JOURNAL_FRESH, 0);
        head->live--;
        (void)bundle_let_go(journal, head->bundle);
    }
    if (head->live == 0) {
        block_delete(journal, number);
    }
    return count;
}

bool out_journal_has_next(const struct out_journal *journal, uint32_t reader)
{
    return place_of(journal, reader).block != 0;
}

uint32_t out_journal_backlog(const struct out_journal *journal, uint32_t reader)
{
    const struct journal_reader *self = &journal->readers[reader];
    if (self->block == journal->head && self->block != 0) {
        const struct journal_block *head = block_at(journal, self->block);
        uint32_t passed = 0;
        for (uint32_t slot = head->first; slot < self->slot; slot++) {
            passed += head->entries[slot] != 0;
        }
        return journal->entry_count - passed;
    }
    uint32_t count = 0;
    struct place place = place_of(journal, reader);
    while (place.block != 0 && count < BACKLOG_COUNT_MAX) {
        count++;
        place.slot++;
        place = place_settle(journal, place);
    }
    return count;
}

/* ---- Recounts ---- */

static bool readers_are_consistent(const struct out_journal *journal, uint32_t first,
                                   uint32_t block, uint32_t slot_max, uint32_t *count)
{
    uint32_t prev = 0;
    for (uint32_t reader = first; reader != 0; reader = journal->readers[reader].next_here) {
        const struct journal_reader *self = &journal->readers[reader];
        if (self->block != block || self->prev_here != prev || self->slot > slot_max) {
            return false;
        }
        prev = reader;
        (*count)++;
    }
    return true;
}

static bool block_is_consistent(const struct out_journal *journal, uint32_t number)
{
    const struct journal_block *block = block_at(journal, number);
    uint32_t live = 0;
    for (uint32_t slot = 0; slot < block->used; slot++) {
        uint32_t dest = block->entries[slot] & ~JOURNAL_FRESH;
        if (dest != 0 && (slot < block->first ||
                          column_get(&journal->pending, dest) != (number << SLOT_BITS | slot))) {
            return false;
        }
        live += dest != 0;
    }
    return live == block->live && live != 0;
}

bool out_journal_is_consistent(const struct out_journal *journal)
{
    uint32_t entries = 0;
    uint32_t readers = 0;
    uint32_t prev = 0;
    uint64_t sequence = 0;
    uint32_t in_bundle = 0;
    for (uint32_t number = journal->head; number != 0; number = block_at(journal, number)->next) {
        const struct journal_block *block = block_at(journal, number);
        const struct journal_bundle *bundle = bundle_at(journal, block->bundle);
        in_bundle = bundle->sequence == sequence ? in_bundle + block->live : block->live;
        if (block->prev != prev || bundle->sequence < sequence ||
            !block_is_consistent(journal, number) ||
            (in_bundle == bundle->count) != (bundle->tail == number) ||
            !readers_are_consistent(journal, block->first_reader, number, block->used, &readers)) {
            return false;
        }
        prev = number;
        sequence = bundle->sequence;
        entries += block->live;
    }
    return readers_are_consistent(journal, journal->first_idle, 0, 0, &readers) &&
           (journal->first_idle == 0 || journal->head == 0) && prev == journal->tail &&
           entries == journal->entry_count && readers == journal->reader_count;
}
