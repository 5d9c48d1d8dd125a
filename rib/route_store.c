#include "rib/route_store.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define PAGE_FULL UINT64_MAX

void route_store_init(struct route_store *store)
{
    *store = (struct route_store){.page_limit = 1, .source_limit = 1};
}

static void page_release(struct route_page *page)
{
    mem_free(MEM_ROUTE, page->routes);
    mem_free(MEM_ROUTE, page->received);
    mem_free(MEM_ROUTE, page->path_ids);
    *page = (struct route_page){0};
}

void route_store_fini(struct route_store *store)
{
    for (uint32_t i = 1; i < store->page_limit; i++) {
        page_release(&store->pages[i]);
    }
    mem_free(MEM_ROUTE, store->pages);
    mem_free(MEM_ROUTE, store->page_sources);
    mem_free(MEM_ROUTE, store->sources);
    route_store_init(store);
}

/* ---- Sources ---- */

enum status route_store_source_add(struct route_store *store, const struct rib_source *source,
                                   uint16_t *source_out)
{
    uint32_t number = 1;
    while (number < store->source_limit && store->sources[number].is_used) {
        number++;
    }
    if (number > RIB_SOURCES_MAX) {
        return STATUS_LIMIT;
    }
    if (number >= store->source_capacity) {
        store->source_capacity = store->source_capacity == 0 ? 8 : store->source_capacity * 2;
        store->sources =
            mem_realloc(MEM_ROUTE, store->sources, store->source_capacity * sizeof *store->sources);
    }
    if (number == store->source_limit) {
        store->source_limit++;
    }
    store->sources[number] = (struct source_slot){.value = *source, .is_used = true};
    *source_out = (uint16_t)number;
    return STATUS_OK;
}

void route_store_source_remove(struct route_store *store, uint16_t source)
{
    struct source_slot *slot = route_store_source(store, source);
    ASSERT(slot->route_count == 0);
    ASSERT(slot->first_page == 0);
    *slot = (struct source_slot){0};
}

/* ---- Pages ---- */

static void open_link(struct route_store *store, struct source_slot *slot, uint32_t number)
{
    struct route_page *page = &store->pages[number];
    page->prev_open = 0;
    page->next_open = slot->first_open;
    if (slot->first_open != 0) {
        store->pages[slot->first_open].prev_open = number;
    }
    slot->first_open = number;
}

static void open_unlink(struct route_store *store, struct source_slot *slot, uint32_t number)
{
    struct route_page *page = &store->pages[number];
    if (page->prev_open != 0) {
        store->pages[page->prev_open].next_open = page->next_open;
    } else {
        ASSERT(slot->first_open == number);
        slot->first_open = page->next_open;
    }
    if (page->next_open != 0) {
        store->pages[page->next_open].prev_open = page->prev_open;
    }
    page->next_open = 0;
    page->prev_open = 0;
}

static uint32_t page_number_take(struct route_store *store)
{
    uint32_t number = store->free_page;
    if (number != 0) {
        store->free_page = store->pages[number].next_open;
        return number;
    }
    ASSERT(store->page_limit < 1u << (32 - ROUTE_PAGE_BITS));
    if (store->page_limit >= store->page_capacity) {
        store->page_capacity = store->page_capacity == 0 ? 16 : store->page_capacity * 2;
        store->pages =
            mem_realloc(MEM_ROUTE, store->pages, store->page_capacity * sizeof *store->pages);
        store->page_sources = mem_realloc(MEM_ROUTE, store->page_sources,
                                          store->page_capacity * sizeof *store->page_sources);
    }
    return store->page_limit++;
}

/* New pages go to the end of the source's list, where walks that have begun still meet them. */
static uint32_t page_new(struct route_store *store, uint16_t source)
{
    uint32_t number = page_number_take(store);
    struct source_slot *slot = route_store_source(store, source);
    store->pages[number] = (struct route_page){
        .routes = mem_alloc(MEM_ROUTE, ROUTE_PAGE_SLOTS * sizeof(struct route)),
        .prev = slot->last_page,
    };
    store->page_sources[number] = source;
    if (slot->last_page != 0) {
        store->pages[slot->last_page].next = number;
    } else {
        slot->first_page = number;
    }
    slot->last_page = number;
    open_link(store, slot, number);
    return number;
}

static void page_free(struct route_store *store, struct source_slot *slot, uint32_t number)
{
    struct route_page *page = &store->pages[number];
    if (slot->sweep_page == number) {
        slot->sweep_page = page->next;
    }
    open_unlink(store, slot, number);
    if (page->prev != 0) {
        store->pages[page->prev].next = page->next;
    } else {
        slot->first_page = page->next;
    }
    if (page->next != 0) {
        store->pages[page->next].prev = page->prev;
    } else {
        slot->last_page = page->prev;
    }
    page_release(page);
    store->page_sources[number] = 0;
    page->next_open = store->free_page;
    store->free_page = number;
}

/* ---- Routes ---- */

uint32_t route_store_take(struct route_store *store, uint16_t source)
{
    struct source_slot *slot = route_store_source(store, source);
    uint32_t number = slot->first_open;
    if (number == 0) {
        number = page_new(store, source);
    }
    struct route_page *page = &store->pages[number];
    ASSERT(page->live != PAGE_FULL);
    uint32_t at = (uint32_t)__builtin_ctzll(~page->live);
    page->live |= UINT64_C(1) << at;
    if (page->live == PAGE_FULL) {
        open_unlink(store, slot, number);
    }
    page->routes[at] = (struct route){0};
    slot->route_count++;
    store->route_count++;
    return number << ROUTE_PAGE_BITS | at;
}

void route_store_give(struct route_store *store, uint32_t number)
{
    ASSERT(route_store_is_live(store, number));
    uint32_t page_number = number >> ROUTE_PAGE_BITS;
    struct route_page *page = &store->pages[page_number];
    struct source_slot *slot = route_store_source(store, store->page_sources[page_number]);
    route_store_clear_stale(store, number);
    if (page->live == PAGE_FULL) {
        open_link(store, slot, page_number);
    }
    page->live &= ~(UINT64_C(1) << route_slot(number));
    ASSERT(slot->route_count > 0);
    slot->route_count--;
    store->route_count--;
    if (page->live == 0) {
        page_free(store, slot, page_number);
    }
}

uint32_t route_store_path_id(const struct route_store *store, uint32_t number)
{
    const struct route_page *page = route_store_page(store, number);
    return page->path_ids == NULL ? 0 : page->path_ids[route_slot(number)];
}

static void page_column_set(uint32_t **column, uint32_t slot, uint32_t value)
{
    if (*column == NULL) {
        if (value == 0) {
            return;
        }
        *column = mem_alloc(MEM_ROUTE, ROUTE_PAGE_SLOTS * sizeof **column);
    }
    (*column)[slot] = value;
}

void route_store_set_path_id(struct route_store *store, uint32_t number, uint32_t path_id)
{
    page_column_set(&route_store_page(store, number)->path_ids, route_slot(number), path_id);
}

uint32_t route_store_received(const struct route_store *store, uint32_t number)
{
    const struct route_page *page = route_store_page(store, number);
    uint32_t other = page->received == NULL ? 0 : page->received[route_slot(number)];
    return other != 0 ? other : page->routes[route_slot(number)].attrs;
}

void route_store_set_received(struct route_store *store, uint32_t number, uint32_t received)
{
    page_column_set(&route_store_page(store, number)->received, route_slot(number), received);
}

/* ---- Stale routes and walks ---- */

bool route_store_is_stale(const struct route_store *store, uint32_t number)
{
    return (route_store_page(store, number)->stale >> route_slot(number) & 1) != 0;
}

void route_store_clear_stale(struct route_store *store, uint32_t number)
{
    struct route_page *page = route_store_page(store, number);
    uint64_t bit = UINT64_C(1) << route_slot(number);
    if ((page->stale & bit) != 0) {
        page->stale &= ~bit;
        struct source_slot *slot = route_store_source(store, route_store_source_of(store, number));
        ASSERT(slot->stale_count > 0);
        slot->stale_count--;
    }
}

void route_store_mark_one_stale(struct route_store *store, uint32_t number)
{
    struct route_page *page = route_store_page(store, number);
    struct source_slot *slot = route_store_source(store, route_store_source_of(store, number));
    uint64_t bit = UINT64_C(1) << route_slot(number);
    ASSERT((page->live & bit) != 0);
    slot->stale_count += (page->stale & bit) == 0 ? 1 : 0;
    page->stale |= bit;
    slot->sweep_page = slot->first_page;
}

void route_store_mark_stale(struct route_store *store, uint16_t source)
{
    struct source_slot *slot = route_store_source(store, source);
    for (uint32_t number = slot->first_page; number != 0; number = store->pages[number].next) {
        store->pages[number].stale = store->pages[number].live;
    }
    slot->stale_count = slot->route_count;
    slot->sweep_page = slot->first_page;
}

uint32_t route_store_next_stale(struct route_store *store, uint16_t source)
{
    struct source_slot *slot = route_store_source(store, source);
    if (slot->stale_count == 0) {
        return 0;
    }
    while (slot->sweep_page != 0) {
        const struct route_page *page = &store->pages[slot->sweep_page];
        if (page->stale != 0) {
            return slot->sweep_page << ROUTE_PAGE_BITS | (uint32_t)__builtin_ctzll(page->stale);
        }
        slot->sweep_page = page->next;
    }
    UNREACHABLE();
}

uint32_t route_store_first(const struct route_store *store, uint16_t source)
{
    uint32_t page = route_store_source(store, source)->first_page;
    return page == 0 ? 0
                     : page << ROUTE_PAGE_BITS | (uint32_t)__builtin_ctzll(store->pages[page].live);
}

uint32_t route_store_next(const struct route_store *store, uint32_t number)
{
    uint32_t page_number = number >> ROUTE_PAGE_BITS;
    const struct route_page *page = &store->pages[page_number];
    uint32_t from = route_slot(number) + 1;
    uint64_t rest = from == ROUTE_PAGE_SLOTS ? 0 : page->live >> from << from;
    if (rest != 0) {
        return page_number << ROUTE_PAGE_BITS | (uint32_t)__builtin_ctzll(rest);
    }
    page_number = page->next;
    return page_number == 0 ? 0
                            : page_number << ROUTE_PAGE_BITS |
                                  (uint32_t)__builtin_ctzll(store->pages[page_number].live);
}
