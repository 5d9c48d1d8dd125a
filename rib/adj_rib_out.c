/* What one update group has been told: a column of attribute sets by destination, the journal of
 * changes not yet taken by all, and readers. A reader that starts from nothing walks the column
 * once, in the order of destination numbers; what changes meanwhile it finds in the journal. */
#include "rib/adj_rib_out.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "rib/adj_rib_out_private.h"
#include "rib/attr_set_private.h"
#include "rib/column.h"
#include "rib/out_journal.h"

/* A walking reader looks this far ahead for destinations with the same set ... */
#define WALK_WINDOW 1024u
/* ... and gives up after so many others in a row. */
#define WALK_MISSES_MAX 64u

struct out_reader {
    bool is_used;
    bool is_walking;
    bool peeked_walk; /* where the last run came from */
    uint32_t cursor;  /* of the walk: all announced destinations below have been taken */
    uint32_t walk_end;
    uint64_t taken[WALK_WINDOW / 64]; /* taken ahead of the cursor, by number modulo the window */
};

struct adj_rib_out {
    struct loc_rib *rib;     /* gives the numbers, unless paths does */
    struct out_paths *paths; /* NULL without ADD-PATH */
    struct attr_table *attrs;
    struct column announced; /* destination -> number of its set */
    struct out_journal journal;
    struct out_reader *readers; /* by reader number; 0 is none */
    uint32_t reader_limit;
    uint32_t reader_capacity;
    uint32_t walking_count;
    uint32_t announced_count;
};

struct adj_rib_out *adj_rib_out_new(struct loc_rib *rib, struct attr_table *attrs)
{
    struct adj_rib_out *out = mem_alloc(MEM_ADJ_RIB_OUT, sizeof *out);
    out->rib = rib;
    out->attrs = attrs;
    out->reader_limit = 1;
    column_init(&out->announced, MEM_ADJ_RIB_OUT);
    out_journal_init(&out->journal);
    return out;
}

struct adj_rib_out *adj_rib_out_new_of_paths(struct out_paths *paths, struct attr_table *attrs)
{
    struct adj_rib_out *out = adj_rib_out_new(NULL, attrs);
    out->paths = paths;
    return out;
}

/* ---- Numbers ---- */

static void number_hold(struct adj_rib_out *out, uint32_t number)
{
    if (out->paths != NULL) {
        out_path_hold(out->paths, number);
    } else {
        dest_hold(out->rib, number);
    }
}

static void number_release(struct adj_rib_out *out, uint32_t number)
{
    if (out->paths != NULL) {
        out_path_release(out->paths, number);
    } else {
        dest_release(out->rib, number);
    }
}

static uint32_t number_limit(const struct adj_rib_out *out)
{
    return out->paths != NULL ? out_paths_limit(out->paths) : loc_rib_dest_limit(out->rib);
}

/* Lets go of what all readers have passed. */
static void reap(struct adj_rib_out *out)
{
    uint32_t dests[JOURNAL_BLOCK_SLOTS];
    uint32_t count;
    while ((count = out_journal_reap(&out->journal, dests)) != 0) {
        for (uint32_t i = 0; i < count; i++) {
            if (column_get(&out->announced, dests[i]) == 0) {
                number_release(out, dests[i]);
            }
        }
    }
}

void adj_rib_out_free(struct adj_rib_out *out)
{
    if (out == NULL) {
        return;
    }
    ASSERT_SLOW(adj_rib_out_is_consistent(out));
    for (uint32_t reader = 1; reader < out->reader_limit; reader++) {
        if (out->readers[reader].is_used) {
            adj_rib_out_reader_remove(out, reader);
        }
    }
    uint32_t limit = number_limit(out);
    uint32_t dest = column_next_used(&out->announced, 0, limit);
    for (; dest < limit; dest = column_next_used(&out->announced, dest + 1, limit)) {
        attr_set_unref(out->attrs, adj_rib_out_find(out, dest));
        number_release(out, dest);
    }
    column_fini(&out->announced);
    out_journal_fini(&out->journal);
    mem_free(MEM_ADJ_RIB_OUT, out->readers);
    mem_free(MEM_ADJ_RIB_OUT, out);
}

bool adj_rib_out_put(struct adj_rib_out *out, dest_id dest, struct attr_set *attrs)
{
    uint32_t old = column_get(&out->announced, dest);
    uint32_t number = attr_set_number(attrs);
    if (old == number) {
        return false;
    }
    bool was_pending = out_journal_has(&out->journal, dest);
    if (attrs != NULL) {
        attr_set_ref(attrs);
    }
    column_set(&out->announced, dest, number);
    out->announced_count += number != 0;
    out->announced_count -= old != 0;
    bool is_fresh = old == 0 && !was_pending && out->walking_count == 0;
    out_journal_put(&out->journal, dest, number, is_fresh);
    bool was_held = old != 0 || was_pending;
    bool is_held = number != 0 || out_journal_has(&out->journal, dest);
    if (is_held && !was_held) {
        number_hold(out, dest);
    } else if (was_held && !is_held) {
        number_release(out, dest);
    }
    if (old != 0) {
        attr_set_unref(out->attrs, attr_table_set(out->attrs, old));
    }
    return true;
}

bool adj_rib_out_exchange(struct adj_rib_out *out, dest_id dest, struct attr_set *attrs)
{
    struct attr_set *old = adj_rib_out_find(out, dest);
    ASSERT(old != NULL);
    if (out_journal_has(&out->journal, dest)) {
        return false;
    }
    attr_set_ref(attrs);
    column_set(&out->announced, dest, attr_set_number(attrs));
    attr_set_unref(out->attrs, old);
    return true;
}

struct attr_set *adj_rib_out_find(const struct adj_rib_out *out, dest_id dest)
{
    return attr_table_set(out->attrs, column_get(&out->announced, dest));
}

uint32_t adj_rib_out_count(const struct adj_rib_out *out)
{
    return out->announced_count;
}

/* ---- Readers ---- */

static struct out_reader *reader_at(const struct adj_rib_out *out, uint32_t reader)
{
    ASSERT(reader != 0 && reader < out->reader_limit);
    ASSERT(out->readers[reader].is_used);
    return &out->readers[reader];
}

static void walk_stop(struct adj_rib_out *out, struct out_reader *self)
{
    if (self->is_walking) {
        self->is_walking = false;
        ASSERT(out->walking_count > 0);
        out->walking_count--;
    }
}

static void walk_start(struct adj_rib_out *out, struct out_reader *self)
{
    if (out->announced_count == 0) {
        walk_stop(out,
                  self); /* All there will be is in the journal: nothing is to be told twice. */
        return;
    }
    if (out->announced_count == 0) {
        return; /* All that will come lies in the journal. */
    }
    if (!self->is_walking) {
        self->is_walking = true;
        out->walking_count++;
    }
    self->cursor = 1;
    self->walk_end = number_limit(out);
    memset(self->taken, 0, sizeof self->taken);
}

enum status adj_rib_out_reader_add(struct adj_rib_out *out, uint32_t *reader_out)
{
    uint32_t reader = 1;
    while (reader < out->reader_limit && out->readers[reader].is_used) {
        reader++;
    }
    if (reader > ADJ_RIB_OUT_READERS_MAX) {
        return STATUS_LIMIT;
    }
    if (reader >= out->reader_capacity) {
        out->reader_capacity = out->reader_capacity == 0 ? 4 : out->reader_capacity * 2;
        out->readers =
            mem_realloc(MEM_ADJ_RIB_OUT, out->readers, out->reader_capacity * sizeof *out->readers);
    }
    if (reader == out->reader_limit) {
        out->reader_limit++;
    }
    out->readers[reader] = (struct out_reader){.is_used = true};
    out_journal_reader_add(&out->journal, reader);
    walk_start(out, &out->readers[reader]);
    *reader_out = reader;
    return STATUS_OK;
}

void adj_rib_out_reader_remove(struct adj_rib_out *out, uint32_t reader)
{
    struct out_reader *self = reader_at(out, reader);
    walk_stop(out, self);
    out_journal_reader_remove(&out->journal, reader);
    self->is_used = false;
    reap(out);
}

void adj_rib_out_reader_rewind(struct adj_rib_out *out, uint32_t reader)
{
    /* The walk tells destinations behind the journal's back: none of its entries is fresh now. */
    out_journal_seal(&out->journal);
    walk_start(out, reader_at(out, reader));
}

/* ---- The walk of a reader that starts from nothing ---- */

static bool is_taken(const struct out_reader *self, uint32_t dest)
{
    return (self->taken[dest % WALK_WINDOW / 64] >> (dest % 64) & 1) != 0;
}

static void set_taken(struct out_reader *self, uint32_t dest)
{
    self->taken[dest % WALK_WINDOW / 64] |= UINT64_C(1) << (dest % 64);
}

static void clear_taken(struct out_reader *self, uint32_t dest)
{
    self->taken[dest % WALK_WINDOW / 64] &= ~(UINT64_C(1) << (dest % 64));
}

/* Moves the cursor to the first destination that is announced and not taken yet; ends the walk when
 * there is none. */
static void walk_settle(struct adj_rib_out *out, struct out_reader *self)
{
    while (self->is_walking) {
        uint32_t next = column_next_used(&out->announced, self->cursor, self->walk_end);
        uint32_t window_end = self->cursor + WALK_WINDOW;
        for (; self->cursor < next && self->cursor < window_end; self->cursor++) {
            clear_taken(self, self->cursor);
        }
        self->cursor = next;
        if (next >= self->walk_end) {
            walk_stop(out, self);
        } else if (is_taken(self, next)) {
            clear_taken(self, next);
            self->cursor++;
        } else {
            return;
        }
    }
}

static uint32_t walk_peek(const struct adj_rib_out *out, const struct out_reader *self,
                          dest_id *dests_out, uint32_t max, uint32_t *attrs_out)
{
    uint32_t attrs = column_get(&out->announced, self->cursor);
    uint32_t end =
        self->walk_end - self->cursor < WALK_WINDOW ? self->walk_end : self->cursor + WALK_WINDOW;
    uint32_t count = 0;
    uint32_t misses = 0;
    for (uint32_t dest = self->cursor; dest < end && count < max && misses < WALK_MISSES_MAX;
         dest++) {
        if (column_get(&out->announced, dest) == attrs && !is_taken(self, dest)) {
            dests_out[count++] = dest;
            misses = 0;
        } else {
            misses++;
        }
    }
    ASSERT(attrs != 0);
    *attrs_out = attrs;
    return count;
}

/* ---- Reading ---- */

/* True when the walk still has a destination to tell. */
static bool walk_has_more(const struct adj_rib_out *out, const struct out_reader *self)
{
    if (!self->is_walking) {
        return false;
    }
    uint32_t dest = column_next_used(&out->announced, self->cursor, self->walk_end);
    while (dest < self->walk_end && dest - self->cursor < WALK_WINDOW && is_taken(self, dest)) {
        dest = column_next_used(&out->announced, dest + 1, self->walk_end);
    }
    return dest < self->walk_end;
}

bool adj_rib_out_reader_is_idle(const struct adj_rib_out *out, uint32_t reader)
{
    return !out_journal_has_next(&out->journal, reader) &&
           !walk_has_more(out, reader_at(out, reader));
}

uint32_t adj_rib_out_reader_backlog(const struct adj_rib_out *out, uint32_t reader)
{
    return out_journal_backlog(&out->journal, reader) +
           (walk_has_more(out, reader_at(out, reader)) ? 1u : 0u);
}

uint32_t adj_rib_out_reader_peek(struct adj_rib_out *out, uint32_t reader, dest_id *dests_out,
                                 uint32_t max, struct attr_set **attrs_out)
{
    struct out_reader *self = reader_at(out, reader);
    uint32_t attrs = 0;
    uint32_t count;
    walk_settle(out, self);
    self->peeked_walk = self->is_walking;
    if (self->is_walking) {
        count = walk_peek(out, self, dests_out, max, &attrs);
    } else {
        count = out_journal_peek(&out->journal, reader, dests_out, max, &attrs);
    }
    *attrs_out = attr_table_set(out->attrs, attrs);
    return count;
}

void adj_rib_out_reader_advance(struct adj_rib_out *out, uint32_t reader, const dest_id *dests,
                                uint32_t count)
{
    struct out_reader *self = reader_at(out, reader);
    if (!self->peeked_walk) {
        out_journal_advance(&out->journal, reader, dests, count);
        reap(out);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (dests[i] >= self->cursor && dests[i] - self->cursor < WALK_WINDOW) {
            set_taken(self, dests[i]);
        }
    }
    walk_settle(out, self);
}

bool adj_rib_out_is_consistent(const struct adj_rib_out *out)
{
    uint32_t limit = number_limit(out);
    uint32_t announced = 0;
    uint32_t dest = column_next_used(&out->announced, 0, limit);
    for (; dest < limit; dest = column_next_used(&out->announced, dest + 1, limit)) {
        announced++;
    }
    return announced == out->announced_count && out_journal_is_consistent(&out->journal);
}
