/* A sparse array of 32-bit words keyed by dense numbers. Pages without a word other than zero do
 * not exist, so what is unused costs nothing, and what was used for a while is given back, but for
 * one page. */
#ifndef RIB_COLUMN_H
#define RIB_COLUMN_H

#include <stdint.h>

#include "proto/base/mem.h"

#define COLUMN_PAGE_BITS  10u
#define COLUMN_PAGE_WORDS (1u << COLUMN_PAGE_BITS)

struct column_page {
    uint32_t used_count; /* words that are not zero */
    uint32_t words[COLUMN_PAGE_WORDS];
};

struct column {
    struct column_page **pages;
    uint32_t page_capacity;
    enum mem_kind kind;
    struct column_page *spare; /* the page that ran empty last: a single word comes and goes */
};

void column_init(struct column *column, enum mem_kind kind);
void column_fini(struct column *column);
void column_set(struct column *column, uint32_t index, uint32_t value);

static inline uint32_t column_get(const struct column *column, uint32_t index)
{
    uint32_t page = index >> COLUMN_PAGE_BITS;
    if (page >= column->page_capacity || column->pages[page] == NULL) {
        return 0;
    }
    return column->pages[page]->words[index & (COLUMN_PAGE_WORDS - 1)];
}

/* The first index at or above from and below end whose word is not zero, or end. */
uint32_t column_next_used(const struct column *column, uint32_t from, uint32_t end);

#endif
