/* A tree as command lines, by the rows that read them. Every leaf must be written by some row: the
 * leaves are counted, so that a leaf without a row is an error and not a silent loss. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

#define LINE_NODES_MAX LINE_WORDS_MAX

struct printer {
    const struct config_loader *loader;
    const struct lyd_node *root;
    struct buffer *out;
    bool with_secrets;
    size_t printed_count; /* leaves written */
    /* Leaves of the present entry that are written already. */
    const struct lyd_node **printed;
    size_t printed_used;
    size_t printed_capacity;
    /* Of the row being tried. */
    const struct lyd_node *nodes[LINE_NODES_MAX];
    size_t node_count;
    bool is_no;
};

struct node_list {
    const struct lyd_node **items;
    size_t count;
    size_t capacity;
};

static void list_add(struct node_list *list, const struct lyd_node *node)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items =
            mem_realloc(MEM_CONFIG, (void *)list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = node;
}

static void list_fini(struct node_list *list)
{
    mem_free(MEM_CONFIG, (void *)list->items);
    *list = (struct node_list){0};
}

/* ---- Entries in order ---- */

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int compare_text(const char *a, const char *b)
{
    struct prefix left;
    struct prefix right;
    if (is_number(a) && is_number(b)) {
        unsigned long x = strtoul(a, NULL, 10);
        unsigned long y = strtoul(b, NULL, 10);
        return (x > y) - (x < y);
    }
    if (prefix_parse_loose(a, &left) == STATUS_OK && prefix_parse_loose(b, &right) == STATUS_OK) {
        return prefix_compare(&left, &right);
    }
    return strcmp(a, b);
}

static int compare_entries(const void *a, const void *b)
{
    const struct lyd_node *left = lyd_child(*(const struct lyd_node *const *)a);
    const struct lyd_node *right = lyd_child(*(const struct lyd_node *const *)b);
    while (left != NULL && (left->schema->flags & LYS_KEY) != 0) {
        int order = compare_text(lyd_get_value(left), lyd_get_value(right));
        if (order != 0) {
            return order;
        }
        left = left->next;
        right = right->next;
    }
    return 0;
}

static bool key_fits(const struct row_key *key, const char *value, bool is_ipv6)
{
    switch ((enum key_source)key->source) {
    case KEY_CONSTANT:
        return strcmp(value, key->constant) == 0;
    case KEY_FAMILY:
        return strcmp(value, is_ipv6 ? "ipv6-unicast" : "ipv4-unicast") == 0;
    case KEY_FROM_SLOT:
        return true;
    case KEY_BFD_PEER:
        return false;
    }
    return false;
}

static bool entry_fits(const struct row_step *step, const struct lyd_node *entry, bool is_ipv6)
{
    for (size_t k = 0; k < step->key_count; k++) {
        const struct lyd_node *key = tree_child(entry, NULL, step->keys[k].schema);
        if (key == NULL || !key_fits(&step->keys[k], lyd_get_value(key), is_ipv6)) {
            return false;
        }
    }
    return true;
}

/* All nodes at the end of a row's base, sorted by their keys list by list. */
static struct node_list find_instances(const struct printer *printer,
                                       const struct compiled_row *row, const struct lyd_node *node,
                                       bool is_ipv6)
{
    struct node_list present = {0};
    list_add(&present, node);
    for (size_t s = 0; s < row->step_count; s++) {
        const struct row_step *step = &row->steps[s];
        struct node_list next = {0};
        for (size_t i = 0; i < present.count; i++) {
            const struct lyd_node *parent = step->schema->parent == NULL ? NULL : present.items[i];
            const struct lyd_node *child = tree_child(parent, printer->root, step->schema);
            size_t first = next.count;
            for (; child != NULL; child = child->next) {
                if (child->schema == step->schema && entry_fits(step, child, is_ipv6)) {
                    list_add(&next, child);
                }
            }
            if (next.count > first + 1) {
                qsort((void *)(next.items + first), next.count - first, sizeof *next.items,
                      compare_entries);
            }
        }
        list_fini(&present);
        present = next;
    }
    return present;
}

/* ---- One line ---- */

static bool was_printed(const struct printer *printer, const struct lyd_node *node)
{
    for (size_t i = 0; i < printer->printed_used; i++) {
        if (printer->printed[i] == node) {
            return true;
        }
    }
    return false;
}

static void note_printed(struct printer *printer, const struct lyd_node *node)
{
    if (was_printed(printer, node)) {
        return;
    }
    if (printer->printed_used == printer->printed_capacity) {
        printer->printed_capacity =
            printer->printed_capacity == 0 ? 64 : printer->printed_capacity * 2;
        printer->printed = mem_realloc(MEM_CONFIG, (void *)printer->printed,
                                       printer->printed_capacity * sizeof *printer->printed);
    }
    printer->printed[printer->printed_used++] = node;
    printer->printed_count++;
}

static void line_add(struct printer *printer, const char *word)
{
    buffer_append(printer->out, " ", 1);
    buffer_append(printer->out, word, strlen(word));
}

static void line_node(struct printer *printer, const struct lyd_node *node)
{
    if (printer->node_count < LINE_NODES_MAX) {
        printer->nodes[printer->node_count++] = node;
    }
}

static bool print_value(struct printer *printer, const struct row_token *token, const char *value)
{
    char word[VALUE_BYTES_MAX];
    size_t blanks = token->kind == TOKEN_LIST ? token->item_words - 1u : 0;
    if (token->converter != NULL) {
        if (strlen(value) >= VALUE_BYTES_MAX || !token->converter->print(value, word)) {
            return false;
        }
        value = word;
    }
    for (const char *at = value; *at != '\0' && token->kind != TOKEN_REST; at++) {
        if (*at == ' ' && blanks-- == 0) {
            return false; /* more than the words that would be read back */
        }
    }
    line_add(printer, value);
    return value[0] != '\0';
}

static bool print_constant(struct printer *printer, const struct compiled_row *row,
                           const struct row_token *token, const struct lyd_node *leaf)
{
    const char *value = lyd_get_value(leaf);
    line_node(printer, leaf);
    if (strcmp(value, token->text) == 0) {
        return true;
    }
    printer->is_no = (row->row->flags & ROW_NO) != 0;
    return printer->is_no;
}

/* A key of the entry or of a list around it. */
static const struct lyd_node *find_key(const struct lyd_node *entry, const struct lysc_node *key)
{
    while (entry != NULL && entry->schema != key->parent) {
        entry = lyd_parent(entry);
    }
    return entry == NULL ? NULL : tree_child(entry, NULL, key);
}

static bool print_token(struct printer *printer, const struct compiled_row *row, size_t index,
                        const struct lyd_node *entry)
{
    const struct row_token *token = &row->tokens[index];
    if (token->kind == TOKEN_WORD) {
        line_add(printer, token->text);
        return true;
    }
    if (token->kind == TOKEN_ANYTHING) {
        return false;
    }
    if (token->is_key) {
        const struct lyd_node *key = find_key(entry, token->path[0]);
        return key != NULL && print_value(printer, token, lyd_get_value(key));
    }
    const struct lyd_node *leaf =
        tree_descend((struct lyd_node *)entry, token->path, token->path_count);
    if (leaf == NULL) {
        return false;
    }
    if (token->kind == TOKEN_CONSTANT) {
        return print_constant(printer, row, token, leaf);
    }
    if (config_is_secret(printer->loader, leaf->schema) && !printer->with_secrets) {
        line_node(printer, leaf);
        line_add(printer, CONFIG_SECRET_MASK);
        return true;
    }
    const struct lysc_node *schema = leaf->schema;
    for (; leaf != NULL; leaf = leaf->next) {
        if (leaf->schema != schema) {
            continue;
        }
        line_node(printer, leaf);
        if (!print_value(printer, token, lyd_get_value(leaf))) {
            return false;
        }
    }
    return true;
}

/* A group is written when all of it is there; what was begun is taken back otherwise. */
static size_t print_group(struct printer *printer, const struct compiled_row *row, size_t open,
                          const struct lyd_node *entry)
{
    size_t size = printer->out->size;
    size_t node_count = printer->node_count;
    bool is_no = printer->is_no;
    bool is_there = true;
    size_t i = open + 1;
    for (; row->tokens[i].kind != TOKEN_CLOSE; i++) {
        is_there = is_there && print_token(printer, row, i, entry);
    }
    if (!is_there || printer->is_no != is_no) {
        printer->out->size = size;
        printer->node_count = node_count;
        printer->is_no = is_no;
    }
    return i;
}

/* True when the line is new: it says something that no line before it said. */
static bool is_news(const struct printer *printer)
{
    if (printer->node_count == 0) {
        return true;
    }
    for (size_t i = 0; i < printer->node_count; i++) {
        if (!was_printed(printer, printer->nodes[i])) {
            return true;
        }
    }
    return false;
}

/* Writes the row's line about entry, if it has one. */
static bool print_line(struct printer *printer, const struct compiled_row *row,
                       const struct lyd_node *entry, unsigned depth)
{
    size_t start = printer->out->size;
    printer->node_count = 0;
    printer->is_no = false;
    for (unsigned i = 0; i < depth; i++) {
        buffer_append(printer->out, " ", 1);
    }
    size_t words = printer->out->size;
    for (size_t i = 0; i < row->token_count; i++) {
        if (row->tokens[i].kind == TOKEN_OPEN) {
            i = print_group(printer, row, i, entry);
        } else if (!print_token(printer, row, i, entry)) {
            printer->out->size = start;
            return false;
        }
    }
    if (!is_news(printer)) {
        printer->out->size = start;
        return false;
    }
    for (size_t i = 0; i < printer->node_count; i++) {
        note_printed(printer, printer->nodes[i]);
    }
    /* Every word was written with a blank in front of it. */
    size_t line_bytes = printer->out->size - words;
    ASSERT(line_bytes > 1 && printer->out->data[words] == ' ');
    memmove(printer->out->data + words, printer->out->data + words + 1, line_bytes - 1);
    printer->out->size--;
    if (printer->is_no) {
        buffer_append(printer->out, "no ", 3);
        memmove(printer->out->data + words + 3, printer->out->data + words, line_bytes - 1);
        memcpy(printer->out->data + words, "no ", 3);
    }
    buffer_append(printer->out, "\n", 1);
    return true;
}

/* ---- Modes ---- */

static bool row_is_printable(const struct compiled_row *row)
{
    return (row->row->flags & (ROW_ALIAS | ROW_IGNORE | ROW_DEFER)) == 0;
}

static bool same_base(const struct compiled_row *a, const struct compiled_row *b)
{
    return strcmp(a->row->base, b->row->base) == 0 && a->is_group_variant == b->is_group_variant &&
           a->row->enters == MODE_TOP && b->row->enters == MODE_TOP;
}

struct print_frame {
    enum config_mode mode;
    const struct lyd_node *node;
    bool is_ipv6;
    unsigned depth;
};

static void print_mode(struct printer *printer, const struct print_frame *frame);

/* A line that enters a mode, what stands inside, and `exit`. Modes are at most three deep, so that
 * print_mode calling itself is bounded by the table and not by the input. */
static void print_block(struct printer *printer, const struct compiled_row *row,
                        const struct lyd_node *entry, const struct print_frame *frame)
{
    size_t start = printer->out->size;
    printer->printed_used = 0;
    if (!print_line(printer, row, entry, frame->depth)) {
        return;
    }
    size_t inside = printer->out->size;
    struct print_frame inner = {row->row->enters, entry, (row->row->flags & ROW_IPV6) != 0,
                                frame->depth + 1};
    print_mode(printer, &inner);
    if (printer->out->size == inside && (row->row->flags & ROW_IF_CHILDREN) != 0) {
        printer->out->size = start;
        return;
    }
    for (unsigned i = 0; i < frame->depth; i++) {
        buffer_append(printer->out, " ", 1);
    }
    buffer_printf(printer->out, "%s\n",
                  row->row->enters == MODE_FAMILY ? "exit-address-family" : "exit");
}

static void print_mode(struct printer *printer, const struct print_frame *frame)
{
    const struct config_loader *loader = printer->loader;
    const uint16_t *order = loader->row_order + loader->mode_rows[frame->mode].first;
    size_t count = loader->mode_rows[frame->mode].count;
    size_t i = 0;
    while (i < count) {
        const struct compiled_row *row = &loader->rows[order[i]];
        size_t end = i + 1;
        while (end < count && same_base(row, &loader->rows[order[end]])) {
            end++;
        }
        struct node_list entries = {0};
        if ((row->row->flags & (ROW_DEFER | ROW_IGNORE)) == 0) {
            entries = find_instances(printer, row, frame->node, frame->is_ipv6);
        }
        for (size_t e = 0; e < entries.count; e++) {
            printer->printed_used = 0;
            for (size_t r = i; r < end; r++) {
                const struct compiled_row *line = &loader->rows[order[r]];
                if (!row_is_printable(line)) {
                    continue;
                }
                if (line->row->enters != MODE_TOP) {
                    print_block(printer, line, entries.items[e], frame);
                } else {
                    (void)print_line(printer, line, entries.items[e], frame->depth);
                }
            }
        }
        list_fini(&entries);
        i = end;
    }
}

/* Values that say the same as their absence and have no line of their own. */
static bool is_redundant(const struct lyd_node *leaf)
{
    const char *value = lyd_get_value(leaf);
    const char *name = leaf->schema->name;
    return (strcmp(value, "false") == 0 &&
            (strcmp(name, "no-prepend") == 0 || strcmp(name, "replace-as") == 0 ||
             strcmp(name, "strict-mode") == 0 || strcmp(name, "exact") == 0 ||
             strcmp(name, "summary-only") == 0 || strcmp(name, "as-set") == 0)) ||
           (strcmp(name, "options") == 0 && strcmp(value, "replace") == 0) ||
           (strcmp(name, "operator") == 0 && strcmp(value, "attribute-le") == 0);
}

static size_t count_leaves(const struct lyd_node *root)
{
    size_t count = 0;
    const struct lyd_node *tree = NULL;
    LY_LIST_FOR(root, tree)
    {
        struct lyd_node *node = NULL;
        LYD_TREE_DFS_BEGIN(tree, node)
        {
            if ((node->schema->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0 &&
                (node->schema->flags & LYS_KEY) == 0 && !is_redundant(node)) {
                count++;
            }
            LYD_TREE_DFS_END(tree, node);
        }
    }
    return count;
}

enum status text_print(const struct config_loader *loader, const struct lyd_node *root,
                       bool with_secrets, struct buffer *out)
{
    struct printer *printer = mem_alloc(MEM_CONFIG, sizeof *printer);
    printer->loader = loader;
    printer->root = root;
    printer->out = out;
    printer->with_secrets = with_secrets;
    size_t start = out->size;
    if (root != NULL) {
        struct print_frame frame = {MODE_TOP, root, false, 0};
        print_mode(printer, &frame);
    }
    bool is_whole = printer->printed_count == count_leaves(root);
    mem_free(MEM_CONFIG, (void *)printer->printed);
    mem_free(MEM_CONFIG, printer);
    if (!is_whole) {
        out->size = start;
        return STATUS_INVALID;
    }
    return STATUS_OK;
}
