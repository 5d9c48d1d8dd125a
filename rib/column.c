#include "rib/column.h"

#include <string.h>

#include "proto/base/assert.h"

void column_init(struct column *column, enum mem_kind kind)
{
    *column = (struct column){.kind = kind};
}

void column_fini(struct column *column)
{
    for (uint32_t i = 0; i < column->page_capacity; i++) {
        mem_free(column->kind, column->pages[i]);
    }
    mem_free(column->kind, column->pages);
    mem_free(column->kind, column->spare);
    column_init(column, column->kind);
}

static struct column_page *page_make(struct column *column, uint32_t page)
{
    if (page >= column->page_capacity) {
        uint32_t capacity = column->page_capacity == 0 ? 16 : column->page_capacity;
        while (capacity <= page) {
            capacity *= 2;
        }
        column->pages = mem_realloc(column->kind, column->pages, capacity * sizeof *column->pages);
        memset(column->pages + column->page_capacity, 0,
               (capacity - column->page_capacity) * sizeof *column->pages);
        column->page_capacity = capacity;
    }
    ASSERT(column->pages[page] == NULL);
    struct column_page *made = column->spare;
    column->spare = NULL;
    if (made == NULL) {
        made = mem_alloc(column->kind, sizeof *made);
    }
    column->pages[page] = made;
    return made;
}

void column_set(struct column *column, uint32_t index, uint32_t value)
{
    uint32_t at = index >> COLUMN_PAGE_BITS;
    struct column_page *page = at < column->page_capacity ? column->pages[at] : NULL;
    if (page == NULL) {
        if (value == 0) {
            return;
        }
        page = page_make(column, at);
    }
    uint32_t *word = &page->words[index & (COLUMN_PAGE_WORDS - 1)];
    page->used_count += (value != 0);
    page->used_count -= (*word != 0);
    *word = value;
    if (page->used_count == 0) {
        mem_free(column->kind, column->spare);
        column->spare = page; /* all its words are zero, as in a new one */
        column->pages[at] = NULL;
    }
}

uint32_t column_next_used(const struct column *column, uint32_t from, uint32_t end)
{
    while (from < end) {
        uint32_t at = from >> COLUMN_PAGE_BITS;
        if (at >= column->page_capacity) {
            return end;
        }
        const struct column_page *page = column->pages[at];
        if (page == NULL) {
            from = (at + 1) << COLUMN_PAGE_BITS;
            if (from == 0) {
                return end;
            }
            continue;
        }
        if (page->words[from & (COLUMN_PAGE_WORDS - 1)] != 0) {
            return from;
        }
        from++;
    }
    return end;
}
