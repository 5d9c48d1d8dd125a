/* Loading and printing configurations: bytes in, a model or a report out. Three spellings of one
 * YANG-modelled tree: command lines as FRR writes them, JSON (RFC 7951) and XML. Nothing here opens
 * a file. */
#ifndef BGPD_CONFIG_CONFIG_H
#define BGPD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/config_model.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/status.h"

enum config_format {
    CONFIG_FORMAT_TEXT,
    CONFIG_FORMAT_JSON,
    CONFIG_FORMAT_XML,
};

#define CONFIG_FILE_BYTES_MAX   (16u * 1024u * 1024u)
#define CONFIG_LINE_BYTES_MAX   4096u
#define CONFIG_REPORT_ITEMS_MAX 50u

/* Printed in the place of a secret; refused when it is loaded. */
#define CONFIG_SECRET_MASK "<hidden>"

enum config_severity {
    CONFIG_ERROR,
    CONFIG_WARNING,
    CONFIG_NOTE, /* accepted and without effect */
};

/* Strings are the report's. */
struct config_report_item {
    enum config_severity severity;
    uint32_t line;      /* from 1; 0 when the place is known by its path alone */
    uint32_t column;    /* of the word at fault, from 1; 0 when unknown */
    const char *path;   /* data path; NULL for command lines */
    const char *value;  /* what was found; NULL when there is none. Never a secret. */
    const char *text;   /* the rule, or what to write instead */
    const char *source; /* the line itself; NULL when unknown or secret */
};

struct config_report {
    struct arena arena;
    const char *file_name;
    struct config_report_item *items; /* in order of discovery, errors before notes when full */
    size_t item_count;
    size_t item_capacity;
    size_t error_count; /* all, also those beyond CONFIG_REPORT_ITEMS_MAX */
    size_t note_count;
};

void config_report_init(struct config_report *report);
void config_report_fini(struct config_report *report);

/* One line per item, "FILE:LINE: error: ...", errors followed by the line and a caret. */
void config_report_format(const struct config_report *report, struct buffer *out);

struct config_loader;

/* The validated tree beside a model; what `show running-config` prints. */
struct config_tree;

/* Compiles the YANG modules once (some milliseconds). Never NULL: the modules are part of the
 * program and are tested. */
struct config_loader *config_loader_new(void);

/* Every tree of the loader must be gone. */
void config_loader_free(struct config_loader *loader);

/* By the ending of name: .json, .xml, else text. */
enum config_format config_format_of(const char *name);

/* Reads bytes. STATUS_OK gives a model (the caller owes config_free) and a tree (config_tree_free);
 * tree_out may be NULL. On STATUS_INVALID nothing is given and report says why; STATUS_LIMIT means
 * that the text is too large. report must be initialised; it also gets notes on success. */
NODISCARD enum status config_load(struct config_loader *loader, const char *name,
                                  enum config_format format, struct byte_view bytes,
                                  struct config **config_out, struct config_tree **tree_out,
                                  struct config_report *report);

/* As config_load, with the format told by the name's ending. */
NODISCARD enum status config_load_file_bytes(struct config_loader *loader, const char *name,
                                             struct byte_view bytes, struct config **config_out,
                                             struct config_tree **tree_out,
                                             struct config_report *report);

/* tree may be NULL. */
void config_tree_free(struct config_tree *tree);

/* Appends tree to out; what is printed loads again to the same configuration when secrets are
 * included, and masks them with CONFIG_SECRET_MASK otherwise. Sorted, so that equal configurations
 * print alike as text. STATUS_INVALID when the tree holds something that has no command line (never
 * for json and xml). */
NODISCARD enum status config_print(struct config_loader *loader, const struct config_tree *tree,
                                   enum config_format format, bool with_secrets,
                                   struct buffer *out);

/* One accepted command line, for manuals and completion. */
struct config_statement {
    const char *mode;  /* "router bgp" */
    const char *words; /* "neighbor PEER remote-as AS" */
    const char *help;
    bool is_ignored; /* accepted without effect */
    bool is_alias;   /* read, but printed in another way */
    bool has_no;     /* `no` in front means the opposite */
};

/* The index-th statement in the order of printing; false past the end. words live in buffer. */
bool config_statement_at(size_t index, struct config_statement *statement_out,
                         struct buffer *words_buffer);

#endif
