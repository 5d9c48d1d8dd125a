/* Helpers of this room's tests: load a text, print it in each spelling. */
#ifndef TESTS_UNIT_CONFIG_CONFIG_TEST_H
#define TESTS_UNIT_CONFIG_CONFIG_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/config/config.h"
#include "tests/unit/unit.h"

struct loaded {
    struct config_loader *loader;
    struct config *config;
    struct config_tree *tree;
    struct config_report report;
    enum status status;
};

static inline struct loaded load_as(enum config_format format, const char *text)
{
    struct loaded loaded = {.loader = config_loader_new()};
    config_report_init(&loaded.report);
    loaded.status = config_load(loaded.loader, "test", format,
                                (struct byte_view){(const uint8_t *)text, strlen(text)},
                                &loaded.config, &loaded.tree, &loaded.report);
    return loaded;
}

static inline struct loaded load_text(const char *text)
{
    return load_as(CONFIG_FORMAT_TEXT, text);
}

static inline void unload(struct loaded *loaded)
{
    config_free(loaded->config);
    config_tree_free(loaded->tree);
    config_report_fini(&loaded->report);
    config_loader_free(loaded->loader);
}

/* The report as text; the caller owes free. */
static inline char *report_text(const struct config_report *report)
{
    struct buffer out;
    buffer_init(&out, MEM_CONFIG);
    config_report_format(report, &out);
    char *text = strdup(buffer_text(&out));
    buffer_fini(&out);
    return text;
}

static inline struct loaded load_good(enum config_format format, const char *text)
{
    struct loaded loaded = load_as(format, text);
    if (loaded.status != STATUS_OK) {
        char *report = report_text(&loaded.report);
        ck_abort_msg("refused:\n%s\n---\n%s", report, text);
    }
    return loaded;
}

/* The tree in a spelling; the caller owes free. */
static inline char *printed(const struct loaded *loaded, enum config_format format,
                            bool with_secrets)
{
    struct buffer out;
    buffer_init(&out, MEM_CONFIG);
    enum status status = config_print(loaded->loader, loaded->tree, format, with_secrets, &out);
    if (status != STATUS_OK) {
        status = config_print(loaded->loader, loaded->tree, CONFIG_FORMAT_JSON, true, &out);
        ck_abort_msg("cannot be printed: %s", buffer_text(&out));
    }
    char *text = strdup(buffer_text(&out));
    buffer_fini(&out);
    return text;
}

#endif
