#include "rib/out_journal.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* An empty journal whose nodes once took more chunks than this gives them back. */
#define NODE_CHUNKS_KEEP 16u
/* How far a backlog is counted for a reader that is not the last. */
#define BACKLOG_COUNT_MAX 64u

static struct journal_node *node_at(const struct out_journal *journal, uint32_t number)
{
    return slab_at(&journal->nodes, number);
}

static struct journal_bundle *bundle_at(const struct out_journal *journal, uint32_t number)
{
    return slab_at(&journal->bundles, number);
}

static bool is_position(const struct out_journal *journal, uint32_t number)
{
    return number != 0 && node_at(journal, number)->link == JOURNAL_POSITION;
}

static uint32_t bundle_of(const struct journal_node *entry)
{
    ASSERT(entry->link != JOURNAL_POSITION);
    return entry->link & ~JOURNAL_FRESH;
}

static void nodes_init(struct out_journal *journal)
{
    slab_init(&journal->nodes, MEM_ADJ_RIB_OUT, sizeof(struct journal_node));
    slab_init(&journal->bundles, MEM_ADJ_RIB_OUT, sizeof(struct journal_bundle));
}

void out_journal_init(struct out_journal *journal)
{
    *journal = (struct out_journal){.next_sequence = 1};
    column_init(&journal->pending, MEM_ADJ_RIB_OUT);
    column_init(&journal->open, MEM_ADJ_RIB_OUT);
    nodes_init(journal);
}

void out_journal_fini(struct out_journal *journal)
{
    column_fini(&journal->pending);
    column_fini(&journal->open);
    slab_fini(&journal->nodes);
    slab_fini(&journal->bundles);
    mem_free(MEM_ADJ_RIB_OUT, journal->readers);
    journal->readers = NULL;
}

/* ---- The list ---- */

/* after 0: at the start. */
static uint32_t node_insert(struct out_journal *journal, uint32_t after)
{
    uint32_t number = slab_take(&journal->nodes);
    struct journal_node *node = node_at(journal, number);
    node->prev = after;
    node->next = after == 0 ? journal->head : node_at(journal, after)->next;
    if (after == 0) {
        journal->head = number;
    } else {
        node_at(journal, after)->next = number;
    }
    if (node->next == 0) {
        journal->tail = number;
    } else {
        node_at(journal, node->next)->prev = number;
    }
    return number;
}

static void node_delete(struct out_journal *journal, uint32_t number)
{
    struct journal_node *node = node_at(journal, number);
    if (node->prev == 0) {
        journal->head = node->next;
    } else {
        node_at(journal, node->prev)->next = node->next;
    }
    if (node->next == 0) {
        journal->tail = node->prev;
    } else {
        node_at(journal, node->next)->prev = node->prev;
    }
    slab_give(&journal->nodes, number);
}

/* ---- Positions ---- */

static void reader_link(struct out_journal *journal, uint32_t reader, uint32_t position)
{
    struct journal_node *node = node_at(journal, position);
    journal->readers[reader] = (struct journal_reader){position, node->value, 0};
    if (node->value != 0) {
        journal->readers[node->value].prev_here = reader;
    }
    node->value = reader;
}

/* Takes reader off its position, which vanishes with its last reader. Two entries can come to stand
 * beside each other by that, never two positions. */
static void reader_unlink(struct out_journal *journal, uint32_t reader)
{
    struct journal_reader *self = &journal->readers[reader];
    uint32_t position = self->position;
    if (self->prev_here != 0) {
        journal->readers[self->prev_here].next_here = self->next_here;
    } else {
        node_at(journal, position)->value = self->next_here;
    }
    if (self->next_here != 0) {
        journal->readers[self->next_here].prev_here = self->prev_here;
    }
    *self = (struct journal_reader){0};
    if (node_at(journal, position)->value == 0) {
        node_delete(journal, position);
    }
}

/* Joins the position directly behind entry after (0: at the start), made when there is none. */
static void reader_link_after(struct out_journal *journal, uint32_t reader, uint32_t after)
{
    uint32_t position = after == 0 ? journal->head : node_at(journal, after)->next;
    if (is_position(journal, after)) {
        position = after;
    } else if (!is_position(journal, position)) {
        position = node_insert(journal, after);
        node_at(journal, position)->link = JOURNAL_POSITION;
    }
    reader_link(journal, reader, position);
}

/* The entry between two positions went: their readers are at one place now. */
static void merge_positions(struct out_journal *journal, uint32_t first, uint32_t second)
{
    uint32_t reader;
    while ((reader = node_at(journal, second)->value) != 0) {
        bool is_last = journal->readers[reader].next_here == 0;
        reader_unlink(journal, reader);
        reader_link(journal, reader, first);
        if (is_last) {
            break;
        }
    }
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

static void entry_delete(struct out_journal *journal, uint32_t number)
{
    struct journal_node *node = node_at(journal, number);
    uint32_t bundle_number = bundle_of(node);
    struct journal_bundle *bundle = bundle_at(journal, bundle_number);
    uint32_t prev = node->prev;
    uint32_t next = node->next;
    column_set(&journal->pending, node->value, 0);
    if (bundle_let_go(journal, bundle_number) && bundle->tail == number) {
        bundle->tail = is_position(journal, prev) ? node_at(journal, prev)->prev : prev;
        ASSERT(bundle_of(node_at(journal, bundle->tail)) == bundle_number);
    }
    node_delete(journal, number);
    if (is_position(journal, prev) && is_position(journal, next)) {
        merge_positions(journal, prev, next);
    }
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
    bundle->tail = journal->tail;
    column_set(&journal->open, attrs, number);
    return number;
}

static void entry_add(struct out_journal *journal, uint32_t dest, uint32_t attrs, bool is_fresh)
{
    uint32_t bundle_number = open_bundle(journal, attrs);
    struct journal_bundle *bundle = bundle_at(journal, bundle_number);
    uint32_t after = bundle->tail;
    if (after != 0 && is_position(journal, node_at(journal, after)->next)) {
        /* Readers at the end of the bundle have this entry in front of them. */
        after = node_at(journal, after)->next;
    }
    uint32_t number = node_insert(journal, after);
    struct journal_node *node = node_at(journal, number);
    node->value = dest;
    node->link = bundle_number | (is_fresh ? JOURNAL_FRESH : 0);
    bundle->tail = number;
    bundle->count++;
    journal->entry_count++;
    column_set(&journal->pending, dest, number);
}

void out_journal_put(struct out_journal *journal, uint32_t dest, uint32_t attrs, bool is_fresh)
{
    uint32_t old = column_get(&journal->pending, dest);
    if (old != 0) {
        const struct journal_node *node = node_at(journal, old);
        is_fresh = (node->link & JOURNAL_FRESH) != 0 &&
                   bundle_at(journal, bundle_of(node))->sequence > journal->furthest;
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
    reader_link_after(journal, reader, journal->tail);
    journal->reader_count++;
}

void out_journal_reader_remove(struct out_journal *journal, uint32_t reader)
{
    reader_unlink(journal, reader);
    journal->reader_count--;
}

static uint32_t entry_at_or_after(const struct out_journal *journal, uint32_t number)
{
    return is_position(journal, number) ? node_at(journal, number)->next : number;
}

uint32_t out_journal_peek(const struct out_journal *journal, uint32_t reader, uint32_t *dests_out,
                          uint32_t max, uint32_t *attrs_out)
{
    uint32_t number = node_at(journal, journal->readers[reader].position)->next;
    if (number == 0) {
        return 0;
    }
    uint32_t bundle = bundle_of(node_at(journal, number));
    *attrs_out = bundle_at(journal, bundle)->attrs;
    uint32_t count = 0;
    while (number != 0 && count < max) {
        const struct journal_node *node = node_at(journal, number);
        if (bundle_of(node) != bundle) {
            break;
        }
        dests_out[count++] = node->value;
        number = entry_at_or_after(journal, node->next);
    }
    return count;
}

/* Destinations that have changed since they were peeked have left their place: what replaced them
 * lies further on, and is not passed here. */
void out_journal_advance(struct out_journal *journal, uint32_t reader, const uint32_t *dests,
                         uint32_t count)
{
    uint32_t number = node_at(journal, journal->readers[reader].position)->next;
    uint32_t last = 0;
    for (uint32_t i = 0; i < count && number != 0; i++) {
        const struct journal_node *node = node_at(journal, number);
        if (node->value == dests[i]) {
            last = number;
            number = entry_at_or_after(journal, node->next);
        }
    }
    if (last == 0) {
        return;
    }
    uint64_t sequence = bundle_at(journal, bundle_of(node_at(journal, last)))->sequence;
    if (sequence > journal->furthest) {
        journal->furthest = sequence;
    }
    reader_unlink(journal, reader);
    reader_link_after(journal, reader, last);
}

/* With no entry left, all readers share one position: the nodes can start anew. */
static void nodes_shrink(struct out_journal *journal)
{
    uint32_t reader = journal->head == 0 ? 0 : node_at(journal, journal->head)->value;
    slab_fini(&journal->nodes);
    slab_fini(&journal->bundles);
    nodes_init(journal);
    journal->head = 0;
    journal->tail = 0;
    if (reader == 0) {
        return;
    }
    uint32_t position = node_insert(journal, 0);
    node_at(journal, position)->link = JOURNAL_POSITION;
    node_at(journal, position)->value = reader;
    for (; reader != 0; reader = journal->readers[reader].next_here) {
        journal->readers[reader].position = position;
    }
}

uint32_t out_journal_reap(struct out_journal *journal)
{
    uint32_t number = journal->head;
    if (number == 0 || is_position(journal, number)) {
        if (journal->entry_count == 0 && journal->nodes.chunk_count > NODE_CHUNKS_KEEP) {
            nodes_shrink(journal);
        }
        return 0;
    }
    const struct journal_node *node = node_at(journal, number);
    uint32_t dest = node->value;
    column_set(&journal->pending, dest, 0);
    bundle_let_go(journal, bundle_of(node));
    journal->head = node->next;
    if (node->next == 0) {
        journal->tail = 0;
    } else {
        node_at(journal, node->next)->prev = 0;
    }
    slab_give(&journal->nodes, number);
    return dest;
}

bool out_journal_has_next(const struct out_journal *journal, uint32_t reader)
{
    return node_at(journal, journal->readers[reader].position)->next != 0;
}

uint32_t out_journal_backlog(const struct out_journal *journal, uint32_t reader)
{
    uint32_t position = journal->readers[reader].position;
    if (position == journal->head) {
        return journal->entry_count;
    }
    uint32_t count = 0;
    uint32_t number = node_at(journal, position)->next;
    while (number != 0 && count < BACKLOG_COUNT_MAX) {
        count++;
        number = entry_at_or_after(journal, node_at(journal, number)->next);
    }
    return count;
}

/* ---- Recounts ---- */

static uint32_t position_reader_count(const struct out_journal *journal, uint32_t position)
{
    uint32_t count = 0;
    uint32_t prev = 0;
    uint32_t reader = node_at(journal, position)->value;
    for (; reader != 0; reader = journal->readers[reader].next_here) {
        if (journal->readers[reader].position != position ||
            journal->readers[reader].prev_here != prev) {
            return 0;
        }
        prev = reader;
        count++;
    }
    return count;
}

bool out_journal_is_consistent(const struct out_journal *journal)
{
    uint32_t entries = 0;
    uint32_t readers = 0;
    uint32_t prev = 0;
    uint64_t sequence = 0;
    uint32_t in_bundle = 0;
    for (uint32_t number = journal->head; number != 0; number = node_at(journal, number)->next) {
        const struct journal_node *node = node_at(journal, number);
        bool follows_position = is_position(journal, prev);
        if (node->prev != prev) {
            return false;
        }
        prev = number;
        if (node->link == JOURNAL_POSITION) {
            uint32_t here = position_reader_count(journal, number);
            if (here == 0 || follows_position) {
                return false;
            }
            readers += here;
            continue;
        }
        const struct journal_bundle *bundle = bundle_at(journal, bundle_of(node));
        in_bundle = bundle->sequence == sequence ? in_bundle + 1 : 1;
        if (bundle->sequence < sequence || column_get(&journal->pending, node->value) != number ||
            (in_bundle == bundle->count) != (bundle->tail == number)) {
            return false;
        }
        sequence = bundle->sequence;
        entries++;
    }
    return prev == journal->tail && entries == journal->entry_count &&
           readers == journal->reader_count;
}
