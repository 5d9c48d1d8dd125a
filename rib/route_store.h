/* Where routes live: pages of ROUTE_PAGE_SLOTS routes, each page for one source, so that a route
 * needs neither its source nor links to its neighbours, and one source's routes lie together. What
 * few routes have (a received set that policy changed, a path id) is in columns of the page that
 * exist only where used. Private to the tables of rib. */
#ifndef RIB_ROUTE_STORE_H
#define RIB_ROUTE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/assert.h"
#include "rib/loc_rib.h"

#define ROUTE_PAGE_BITS  6u
#define ROUTE_PAGE_SLOTS (1u << ROUTE_PAGE_BITS)

struct route {
    uint32_t dest;
    uint32_t attrs; /* accepted set, or the received one of a refused route (ROUTE_FILTERED) */
    uint32_t changed_s;
    uint8_t flags; /* ROUTE_ without ROUTE_STALE, which is a bit of the page */
    uint8_t reason;
    uint16_t decided_state; /* of the next hop when the route was last used or backup */
};
_Static_assert(sizeof(struct route) == 16, "a million of them");

struct route_page {
    struct route *routes; /* NULL: number not in use */
    uint32_t *received;   /* received set where it differs from the accepted one; NULL: nowhere */
    uint32_t *path_ids;   /* NULL: all zero */
    uint64_t live;
    uint64_t stale;
    uint32_t next; /* of the source's pages */
    uint32_t prev;
    uint32_t next_open; /* of the source's pages with room; the free list of page numbers */
    uint32_t prev_open;
};

struct source_slot {
    struct rib_source value;
    bool is_used;
    uint32_t first_page;
    uint32_t last_page;
    uint32_t first_open;
    uint32_t sweep_page; /* pages before it hold no stale route */
    uint32_t route_count;
    uint32_t accepted_count;
    uint32_t stale_count;
};

struct route_store {
    struct route_page *pages; /* by page number; 0 is none */
    uint16_t *page_sources;   /* by page number: a column of its own, since finds read it most */
    uint32_t page_limit;      /* one more than the highest number ever used */
    uint32_t page_capacity;
    uint32_t free_page;
    uint32_t route_count;
    struct source_slot *sources; /* by source number; 0 is none */
    uint32_t source_limit;
    uint32_t source_capacity;
};

void route_store_init(struct route_store *store);
void route_store_fini(struct route_store *store);

NODISCARD enum status route_store_source_add(struct route_store *store,
                                             const struct rib_source *source, uint16_t *source_out);
void route_store_source_remove(struct route_store *store, uint16_t source);

/* source must be in use (asserted). */
static inline struct source_slot *route_store_source(const struct route_store *store,
                                                     uint16_t source)
{
    ASSERT(source != 0 && source < store->source_limit);
    struct source_slot *slot = &store->sources[source];
    ASSERT(slot->is_used);
    return slot;
}

/* A zeroed route of source, whose path id and received set the caller sets. Counters of accepted
 * routes are the caller's. */
uint32_t route_store_take(struct route_store *store, uint16_t source);
void route_store_give(struct route_store *store, uint32_t number);

static inline struct route_page *route_store_page(const struct route_store *store, uint32_t number)
{
    return &store->pages[number >> ROUTE_PAGE_BITS];
}

static inline uint32_t route_slot(uint32_t number)
{
    return number & (ROUTE_PAGE_SLOTS - 1);
}

static inline void route_store_prefetch(const struct route_store *store, uint32_t number)
{
    __builtin_prefetch(&route_store_page(store, number)->routes[route_slot(number)]);
}

static inline uint16_t route_store_source_of(const struct route_store *store, uint32_t number)
{
    return store->page_sources[number >> ROUTE_PAGE_BITS];
}

static inline bool route_store_is_live(const struct route_store *store, uint32_t number)
{
    uint32_t page = number >> ROUTE_PAGE_BITS;
    return page != 0 && page < store->page_limit &&
           (store->pages[page].live >> route_slot(number) & 1) != 0;
}

/* number must be live (asserted). */
static inline struct route *route_store_at(const struct route_store *store, uint32_t number)
{
    ASSERT(route_store_is_live(store, number));
    return &route_store_page(store, number)->routes[route_slot(number)];
}

uint32_t route_store_path_id(const struct route_store *store, uint32_t number);
void route_store_set_path_id(struct route_store *store, uint32_t number, uint32_t path_id);

/* The number of the received set. */
uint32_t route_store_received(const struct route_store *store, uint32_t number);

/* received 0: the same as attrs. */
void route_store_set_received(struct route_store *store, uint32_t number, uint32_t received);

bool route_store_is_stale(const struct route_store *store, uint32_t number);
void route_store_clear_stale(struct route_store *store, uint32_t number);
void route_store_mark_one_stale(struct route_store *store, uint32_t number);
void route_store_mark_stale(struct route_store *store, uint16_t source);

/* A stale route of source, or 0. */
uint32_t route_store_next_stale(struct route_store *store, uint16_t source);

/* The first route of source, or the one after number in its walk; 0 at the end. */
uint32_t route_store_first(const struct route_store *store, uint16_t source);
uint32_t route_store_next(const struct route_store *store, uint32_t number);

#endif
