/* Command lines as FRR writes them, read into a tree. Lines that fit no row of the present mode are
 * tried in the modes around it, so that blocks need no `exit`; indentation is free. Everything
 * wrong is collected; nothing of a text with errors is used. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

#define SKIP_NOTHING UINT32_MAX

void text_error(struct text_reader *reader, size_t word, bool is_secret, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct config_report_item *item = report_add(reader->report, CONFIG_ERROR, "%s", text);
    if (item == NULL) {
        return;
    }
    const struct text_line *line = &reader->line;
    item->line = line->number;
    if (is_secret) {
        return;
    }
    struct arena *arena = &reader->report->arena;
    item->source = arena_strdup(arena, line->source);
    if (word < line->word_count) {
        item->column = line->columns[word] + 1u;
        item->value = arena_printf(arena, "%.200s", line->words[word]);
    } else {
        item->column = (uint32_t)strlen(line->source) + 2u;
    }
}

static void text_note(struct text_reader *reader, bool is_secret, const char *reason)
{
    struct config_report_item *item = report_add(reader->report, CONFIG_NOTE, "%s", reason);
    if (item != NULL) {
        const struct text_line *line = &reader->line;
        const char *text = line->source + line->columns[0];
        item->line = line->number;
        item->value =
            arena_printf(&reader->report->arena, "%.100s", is_secret ? line->words[0] : text);
    }
}

/* ---- Finding the row ---- */

struct finder {
    struct text_reader *reader;
    size_t first;
    struct row_match match; /* the one being tried */
    struct row_match best;
    bool found;
};

static void find_in_mode(struct finder *finder, enum config_mode mode)
{
    const struct config_loader *loader = finder->reader->loader;
    const struct text_line *line = &finder->reader->line;
    const char *word = line->words[finder->first];
    size_t end = loader->mode_rows[mode].first + loader->mode_rows[mode].count;
    for (size_t i = loader->mode_rows[mode].first; i < end; i++) {
        const struct compiled_row *row = &loader->rows[loader->row_order[i]];
        if (row->tokens[0].text[0] != word[0] || strcmp(row->tokens[0].text, word) != 0 ||
            !row_match_words(row, line, finder->first, &finder->match)) {
            continue;
        }
        if (!finder->found || finder->match.literal_count > finder->best.literal_count) {
            finder->best = finder->match;
            finder->found = true;
        }
    }
}

/* The rows of the present mode first, those of the modes around it next. */
static bool find_row(struct finder *finder, enum config_mode *mode_out)
{
    enum config_mode mode = finder->reader->mode;
    for (;;) {
        find_in_mode(finder, mode);
        if (!finder->found && mode == MODE_BGP) {
            find_in_mode(finder, MODE_FAMILY); /* FRR's short form for IPv4 */
        }
        if (finder->found || mode == MODE_TOP) {
            *mode_out = mode;
            return finder->found;
        }
        mode = config_mode_parent(mode);
    }
}

/* ---- Lines ---- */

static bool word_is(const struct text_reader *reader, size_t index, const char *text)
{
    return index < reader->line.word_count && strcmp(reader->line.words[index], text) == 0;
}

static void leave_mode(struct text_reader *reader, enum config_mode mode)
{
    if (mode == MODE_BFD_PEER || mode == MODE_TOP) {
        reader->bfd_peer = NULL;
    }
    reader->mode = mode;
}

/* exit, end and the like; true when the line is one of them. */
static bool apply_control(struct text_reader *reader)
{
    if (reader->line.word_count != 1) {
        return word_is(reader, 0, "configure") && word_is(reader, 1, "terminal");
    }
    if (word_is(reader, 0, "exit") || word_is(reader, 0, "quit")) {
        leave_mode(reader, config_mode_parent(reader->mode));
        return true;
    }
    if (word_is(reader, 0, "end")) {
        leave_mode(reader, MODE_TOP);
        return true;
    }
    if (word_is(reader, 0, "exit-address-family")) {
        leave_mode(reader, reader->mode == MODE_FAMILY ? MODE_BGP : reader->mode);
        return true;
    }
    return false;
}

/* `peer ADDRESS [multihop] [local-address A] [interface I]` of a bfd block. */
static void enter_bfd_peer(struct text_reader *reader, size_t first)
{
    struct ip_addr addr;
    reader->bfd_peer = NULL;
    if (first + 1 >= reader->line.word_count ||
        ip_parse(reader->line.words[first + 1], &addr) != STATUS_OK) {
        text_error(reader, first + 1, false, "the address of a neighbour is expected");
        return;
    }
    char text[IP_TEXT_BYTES];
    reader->bfd_peer = arena_strdup(&reader->scratch, ip_format(&addr, text));
}

static void apply_found(struct text_reader *reader, struct finder *finder, enum config_mode mode,
                        bool is_no)
{
    const struct config_row *row = finder->best.row->row;
    if (mode != reader->mode) {
        leave_mode(reader, mode);
    }
    if ((row->flags & ROW_IGNORE) != 0) {
        text_note(reader, (row->flags & ROW_SECRET) != 0, row->help);
        if (row->enters != MODE_TOP) {
            reader->mode = row->enters;
        }
        return;
    }
    bool is_ipv6 =
        row->mode == MODE_FAMILY && reader->mode == MODE_FAMILY && reader->is_ipv6_family;
    if (row->enters == MODE_BFD_PEER) {
        enter_bfd_peer(reader, finder->first);
    }
    text_apply(reader, &finder->best, is_no, is_ipv6);
}

static void apply_line(struct text_reader *reader)
{
    struct text_line *line = &reader->line;
    if (line->word_count == 0 || line->words[0][0] == '!' || line->words[0][0] == '#') {
        return;
    }
    if (line->columns[0] > reader->skip_indent && reader->skip_indent != SKIP_NOTHING) {
        return; /* inside a block that was refused as a whole */
    }
    reader->skip_indent = SKIP_NOTHING;
    if (apply_control(reader)) {
        return;
    }
    bool is_no = word_is(reader, 0, "no");
    struct finder finder = {.reader = reader, .first = is_no ? 1 : 0};
    enum config_mode mode = MODE_TOP;
    if (finder.first >= line->word_count) {
        text_error(reader, 1, false, "incomplete line");
    } else if (find_row(&finder, &mode)) {
        apply_found(reader, &finder, mode, is_no);
    } else {
        text_error_unknown(reader, finder.first);
        reader->skip_indent = line->columns[0];
    }
}

static void read_line(struct text_reader *reader, const char *bytes, size_t size)
{
    size_t column = 0;
    reader->line.number++;
    switch (text_line_split(&reader->line, bytes, size, &column)) {
    case STATUS_OK:
        apply_line(reader);
        return;
    case STATUS_LIMIT: {
        reader->line.word_count = 0;
        struct config_report_item *item =
            report_add(reader->report, CONFIG_ERROR, "a line has at most %u octets and %u words",
                       CONFIG_LINE_BYTES_MAX, LINE_WORDS_MAX);
        if (item != NULL) {
            item->line = reader->line.number;
        }
        return;
    }
    default: {
        struct config_report_item *item = report_add(
            reader->report, CONFIG_ERROR, "octet %zu is a control character", column + 1);
        if (item != NULL) {
            item->line = reader->line.number;
        }
        return;
    }
    }
}

/* ---- What had to wait ---- */

static struct lyd_node *find_neighbor(struct text_reader *reader, const char *addr)
{
    const struct lysc_node *list = reader->loader->neighbor_list;
    struct lyd_node *bgp = tree_child(NULL, reader->edit.root, list->parent->parent);
    struct lyd_node *parent = bgp == NULL ? NULL : tree_child(bgp, NULL, list->parent);
    struct tree_index_slot *slot =
        parent == NULL ? NULL : tree_find_entry(&reader->edit, parent, list, &addr, 1);
    return slot == NULL ? NULL : slot->node;
}

/* Parameters of bfd peers become those of the neighbour with that address. */
static void apply_deferred(struct text_reader *reader)
{
    reader->mode = MODE_BFD_PEER;
    for (size_t i = 0; i < reader->deferred_count; i++) {
        const struct deferred_line *deferred = &reader->deferred[i];
        struct row_match match;
        size_t column = 0;
        enum status status =
            text_line_split(&reader->line, deferred->source, strlen(deferred->source), &column);
        ASSERT(status == STATUS_OK);
        reader->line.number = deferred->number;
        size_t first = deferred->is_no ? 1 : 0;
        bool fits = row_match_words(deferred->row, &reader->line, first, &match);
        ASSERT(fits);
        if (find_neighbor(reader, deferred->peer) == NULL) {
            bool is_secret = (deferred->row->row->flags & ROW_SECRET) != 0;
            text_note(reader, is_secret, "there is no neighbor with the address of this bfd peer");
            continue;
        }
        reader->bfd_peer = deferred->peer;
        reader->mode = MODE_TOP;
        text_apply(reader, &match, deferred->is_no, false);
    }
}

enum status text_read(struct config_loader *loader, struct byte_view bytes,
                      struct lyd_node **root_out, struct config_report *report)
{
    struct text_reader *reader = mem_alloc(MEM_CONFIG, sizeof *reader);
    reader->loader = loader;
    reader->report = report;
    reader->skip_indent = SKIP_NOTHING;
    arena_init(&reader->scratch);
    tree_edit_init(&reader->edit, loader->context);
    size_t errors_before = report->error_count;
    size_t at = 0;
    while (at < bytes.size) {
        const uint8_t *start = bytes.data + at;
        const uint8_t *newline = memchr(start, '\n', bytes.size - at);
        size_t size = newline == NULL ? bytes.size - at : (size_t)(newline - start);
        read_line(reader, (const char *)start, size);
        at += size + 1;
    }
    apply_deferred(reader);
    bool is_fine = report->error_count == errors_before;
    *root_out = is_fine ? tree_edit_take(&reader->edit) : NULL;
    tree_edit_fini(&reader->edit);
    arena_fini(&reader->scratch);
    mem_free(MEM_CONFIG, reader->deferred);
    mem_free(MEM_CONFIG, reader);
    return is_fine ? STATUS_OK : STATUS_INVALID;
}
