/* What is said about a configuration: bounded, in order, each item with its place and its rule. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

void config_report_init(struct config_report *report)
{
    *report = (struct config_report){0};
    arena_init(&report->arena);
}

void config_report_fini(struct config_report *report)
{
    mem_free(MEM_CONFIG, report->items);
    arena_fini(&report->arena);
    *report = (struct config_report){0};
}

/* An error that comes when only notes have filled the report takes the place of the last note. */
static struct config_report_item *report_slot(struct config_report *report,
                                              enum config_severity severity)
{
    if (report->item_count < CONFIG_REPORT_ITEMS_MAX) {
        if (report->item_count == report->item_capacity) {
            size_t capacity = report->item_capacity == 0 ? 8 : report->item_capacity * 2;
            report->items =
                mem_realloc(MEM_CONFIG, report->items, capacity * sizeof *report->items);
            report->item_capacity = capacity;
        }
        return &report->items[report->item_count++];
    }
    if (severity != CONFIG_ERROR) {
        return NULL;
    }
    for (size_t i = report->item_count; i > 0; i--) {
        if (report->items[i - 1].severity == CONFIG_NOTE) {
            memmove(&report->items[i - 1], &report->items[i],
                    (report->item_count - i) * sizeof *report->items);
            return &report->items[report->item_count - 1];
        }
    }
    return NULL;
}

struct config_report_item *report_add(struct config_report *report, enum config_severity severity,
                                      const char *format, ...)
{
    if (severity == CONFIG_ERROR) {
        report->error_count++;
    } else if (severity == CONFIG_NOTE) {
        report->note_count++;
    }
    struct config_report_item *item = report_slot(report, severity);
    if (item == NULL) {
        return NULL;
    }
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *item = (struct config_report_item){.severity = severity};
    item->text = arena_strdup(&report->arena, text);
    return item;
}

/* libyang says where as 'Schema location "...", data location "...", line number 3.', each part
 * only when it is known. */
static void place_of_libyang(struct config_report *report, struct config_report_item *item,
                             const char *place)
{
    const char *line = strcasestr(place, "line number ");
    if (line != NULL) {
        item->line = (uint32_t)strtoul(line + strlen("line number "), NULL, 10);
    }
    const char *location = strcasestr(place, "data location \"");
    location = location == NULL ? strcasestr(place, "location \"") : location;
    const char *path = location == NULL ? place : strchr(location, '"') + 1;
    if (path[0] == '/') {
        item->path = arena_printf(&report->arena, "%.*s", (int)strcspn(path, "\""), path);
    }
}

/* The leaf that a data path leads to, its list keys left out; NULL when it leads to no leaf. */
static const struct lysc_node *leaf_of_path(const struct ly_ctx *context, const char *path)
{
    char names[512];
    size_t size = 0;
    char quote = '\0';
    bool is_key = false;
    for (const char *at = path + 1; *at != '\0' && size + 1 < sizeof names; at++) {
        if (quote != '\0') {
            quote = *at == quote ? '\0' : quote;
        } else if (is_key && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (*at == '[' || *at == ']') {
            is_key = *at == '[';
        } else if (!is_key) {
            names[size++] = *at;
        }
    }
    const struct lysc_node *node = schema_find(context, NULL, names, size);
    return node != NULL && (node->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0 ? node : NULL;
}

/* libyang quotes the value it refuses; a secret is known by its leaf's name. */
void report_add_libyang(struct config_report *report, const struct ly_ctx *context,
                        const char *fallback)
{
    const struct ly_err_item *last = ly_err_first(context);
    const char *message = last != NULL && last->msg != NULL ? last->msg : fallback;
    const char *place = last != NULL ? last->path : NULL;
    if (place != NULL && strstr(place, "key-string") != NULL) {
        message = "the key is not 1 to 80 characters of text";
    } else if (place != NULL && strstr(place, "authentication/key") != NULL &&
               strstr(place, "authentication/key-id") == NULL) {
        message = "the key is not 1 to 20 characters of text";
    }
    struct config_report_item *item = report_add(report, CONFIG_ERROR, "%.900s", message);
    if (item == NULL || place == NULL) {
        return;
    }
    place_of_libyang(report, item, place);
    const struct lysc_node *leaf = item->path == NULL ? NULL : leaf_of_path(context, item->path);
    if (leaf != NULL && item->line != 0) {
        char rule[VALUE_BYTES_MAX];
        item->text =
            arena_printf(&report->arena, "%s (expected: %s)", item->text, value_rule(leaf, rule));
    }
}

static const char *severity_name(enum config_severity severity)
{
    switch (severity) {
    case CONFIG_ERROR:
        return "error";
    case CONFIG_WARNING:
        return "warning";
    case CONFIG_NOTE:
        return "note";
    }
    UNREACHABLE();
    return "";
}

/* The line and, below the word at fault, a caret; tabs stay tabs so that it stands right. */
static void format_source(const struct config_report_item *item, struct buffer *out)
{
    buffer_printf(out, "    %s\n    ", item->source);
    for (uint32_t i = 0; i + 1 < item->column && item->source[i] != '\0'; i++) {
        buffer_append(out, item->source[i] == '\t' ? "\t" : " ", 1);
    }
    buffer_append(out, "^\n", 2);
}

void config_report_format(const struct config_report *report, struct buffer *out)
{
    const char *name = report->file_name == NULL ? "configuration" : report->file_name;
    for (size_t i = 0; i < report->item_count; i++) {
        const struct config_report_item *item = &report->items[i];
        buffer_printf(out, "%s:", name);
        if (item->line != 0) {
            buffer_printf(out, "%u:", item->line);
        }
        buffer_printf(out, " %s: ", severity_name(item->severity));
        if (item->path != NULL) {
            buffer_printf(out, "%s: ", item->path);
        }
        if (item->value != NULL) {
            buffer_printf(out, "\"%s\": ", item->value);
        }
        buffer_printf(out, "%s\n", item->text);
        if (item->severity == CONFIG_ERROR && item->source != NULL && item->column != 0) {
            format_source(item, out);
        }
    }
    size_t shown_errors = 0;
    for (size_t i = 0; i < report->item_count; i++) {
        shown_errors += report->items[i].severity == CONFIG_ERROR;
    }
    if (report->error_count > shown_errors) {
        buffer_printf(out, "%s: error: %zu more errors are not shown\n", name,
                      report->error_count - shown_errors);
    }
}
