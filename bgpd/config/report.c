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

/* libyang quotes the value it refuses; a secret is known by its leaf's name. */
void report_add_libyang(struct config_report *report, const struct ly_ctx *context,
                        const char *fallback)
{
    const struct ly_err_item *last = ly_err_first(context);
    const char *message = last != NULL && last->msg != NULL ? last->msg : fallback;
    const char *path = last != NULL ? last->path : NULL;
    bool is_secret = path != NULL && strstr(path, "md5-key-string") != NULL;
    if (is_secret) {
        message = "the key is not 1 to 80 characters of text";
    }
    struct config_report_item *item = report_add(report, CONFIG_ERROR, "%.900s", message);
    if (item == NULL || path == NULL) {
        return;
    }
    const char *line = strstr(path, "Line number ");
    if (line != NULL) {
        item->line = (uint32_t)strtoul(line + strlen("Line number "), NULL, 10);
    }
    const char *data = strchr(path, '/');
    if (data != NULL) {
        char *copy = arena_strdup(&report->arena, data);
        size_t size = strlen(copy);
        while (size > 0 && (copy[size - 1] == '.' || copy[size - 1] == '"')) {
            copy[--size] = '\0';
        }
        char *end = strstr(copy, ", line number");
        if (end != NULL) {
            *end = '\0';
        }
        item->path = copy;
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
        if (item->path != NULL && item->line == 0) {
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
