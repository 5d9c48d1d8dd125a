/* What the files of this room share: compiled rows, the loader, the tree under construction. */
#ifndef BGPD_CONFIG_CONFIG_PRIVATE_H
#define BGPD_CONFIG_CONFIG_PRIVATE_H

#include <libyang/libyang.h>

#include "bgpd/config/config.h"

/* ---- Rows: one table both reads and prints ---- */

enum config_mode {
    MODE_TOP,
    MODE_INTERFACE,
    MODE_TUNNEL,
    MODE_ROUTE_MAP,
    MODE_BGP,
    MODE_FAMILY,
    MODE_BFD,
    MODE_BFD_PROFILE,
    MODE_BFD_PEER,
    MODE_KEY_CHAIN,
    MODE_KEY,
    MODE_VTY,
    MODE_COUNT,
};

enum row_flags {
    ROW_ALIAS = 1,         /* read; printed by another row */
    ROW_NO = 2,            /* `no` writes the opposite of the row's boolean */
    ROW_IGNORE = 4,        /* accepted without effect; help is the reason */
    ROW_CREATE_GROUP = 8,  /* the line that makes a peer-group */
    ROW_IF_CHILDREN = 16,  /* printed only when something follows inside */
    ROW_IPV6 = 32,         /* enters the IPv6 family */
    ROW_DEFER = 64,        /* applied when everything else is read */
    ROW_AUTO_NUMBER = 128, /* a missing key is the next multiple of five */
    ROW_SECRET = 256,      /* its slot is masked */
};

/* words: blank-separated tokens.
 *   word          a literal
 *   <leaf>        one word into the leaf at this path below the base, or into the base's key of
 *                 this name; <leaf+> one or more words into a leaf-list, <leaf+2> pairs of words,
 *                 <leaf*> the rest of the line; <leaf!conv> through a converter (value.c)
 *   =leaf:value   no word; the leaf gets this value
 *   [ ... ]       may be missing; neighbouring groups come in any order
 *   ...           any further words, ignored
 * base: path below the mode's node, first node with its module. list[key] binds a slot named after
 *   the key, list[key:slot] one of another name, list[key=value] a constant, list[key=$family] the
 *   address family, list[key=$peer] the address of the bfd peer. "%peer" in front stands for both
 *   a neighbour and a peer-group. */
struct config_row {
    uint8_t mode;
    uint8_t enters; /* mode that the following lines are in; MODE_TOP for none */
    uint16_t flags;
    const char *base;
    const char *words;
    const char *help;
};

struct config_row_table {
    const struct config_row *rows;
    size_t count;
};

extern const struct config_row_table config_rows_system;
extern const struct config_row_table config_rows_policy;
extern const struct config_row_table config_rows_route_map;
extern const struct config_row_table config_rows_bgp;
extern const struct config_row_table config_rows_neighbor;
extern const struct config_row_table config_rows_neighbor_family;
extern const struct config_row_table config_rows_family;

extern const char *const config_mode_names[MODE_COUNT];
enum config_mode config_mode_parent(enum config_mode mode);

enum key_source {
    KEY_FROM_SLOT,
    KEY_CONSTANT,
    KEY_FAMILY,
    KEY_BFD_PEER,
};

#define ROW_KEYS_MAX   2u
#define ROW_STEPS_MAX  6u
#define ROW_PATH_MAX   5u
#define ROW_TOKENS_MAX 24u

struct row_key {
    const struct lysc_node *schema;
    uint8_t source; /* enum key_source */
    uint8_t token;  /* KEY_FROM_SLOT */
    const char *constant;
};

/* A container or list on the way from the mode's node to the row's node. */
struct row_step {
    const struct lysc_node *schema;
    struct row_key keys[ROW_KEYS_MAX];
    uint8_t key_count;
};

enum token_kind {
    TOKEN_WORD,
    TOKEN_SLOT,
    TOKEN_LIST, /* one or more items */
    TOKEN_REST,
    TOKEN_CONSTANT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_ANYTHING,
};

struct value_converter;

struct row_token {
    uint8_t kind;       /* enum token_kind */
    uint8_t item_words; /* TOKEN_LIST */
    uint8_t path_count; /* 0: a key of the base, or no data */
    bool is_key;
    bool is_number;
    const char *text; /* literal, or the constant's value */
    const char *name; /* of a slot */
    const struct value_converter *converter;
    const struct lysc_node *path[ROW_PATH_MAX]; /* the last one is the leaf */
};

struct compiled_row {
    const struct config_row *row;
    uint8_t step_count;
    uint8_t token_count;
    bool is_group_variant;    /* of a %peer row: the peer-group's */
    bool is_neighbor_variant; /* of a %peer row: the neighbour's */
    bool replaces;            /* the line says all about its list entry: leaves given before go */
    const struct lysc_node *node_schema; /* where the steps end */
    struct row_step steps[ROW_STEPS_MAX];
    struct row_token tokens[ROW_TOKENS_MAX];
};

/* ---- Values ---- */

#define VALUE_BYTES_MAX 256u

enum value_result {
    VALUE_OK,
    VALUE_OTHER, /* not the sort of word that this row is about: another row may fit */
    VALUE_BAD,   /* error_out says why */
};

struct value_converter {
    const char *name;
    const char *metavariable; /* in manuals */
    enum value_result (*read)(const char *word, char value_out[VALUE_BYTES_MAX],
                              char error_out[VALUE_BYTES_MAX]);
    /* False when the value cannot be written by this row. */
    bool (*print)(const char *value, char word_out[VALUE_BYTES_MAX]);
    bool is_selective; /* read can say VALUE_OTHER */
};

const struct value_converter *value_converter_find(const char *name, size_t name_bytes);

/* The rule of a leaf's type in words ("a number from 1 to 65535"). Returns text_out. */
char *value_rule(const struct lysc_node *leaf, char text_out[VALUE_BYTES_MAX]);

/* What a manual puts for a value of the leaf. */
const char *value_metavariable(const struct lysc_node *leaf);

/* ---- Loader ---- */

#define CONFIG_SECRETS 7

struct config_loader {
    struct ly_ctx *context;
    struct arena arena; /* words of the rows */
    struct compiled_row *rows;
    size_t row_count;
    const struct lysc_node *mode_nodes[MODE_COUNT];  /* NULL: the root */
    const struct lysc_node *secrets[CONFIG_SECRETS]; /* leaves that are masked */
    const struct lysc_node *peer_group_list;
    const struct lysc_node *neighbor_list;
    uint16_t *row_order; /* indexes of rows, mode by mode */
    struct {
        size_t first;
        size_t count;
    } mode_rows[MODE_COUNT]; /* in row_order */
};

/* Whether values of this leaf are masked and kept out of reports. */
bool config_is_secret(const struct config_loader *loader, const struct lysc_node *leaf);

struct config_tree {
    struct lyd_node *root; /* first of the siblings; NULL for an empty one */
};

/* Compiles all rows into loader. */
void rows_compile(struct config_loader *loader);

/* Walks a path of names below parent ("transport/bfd/profile"); the first name below NULL carries
 * its module. NULL when there is none. */
const struct lysc_node *schema_find(const struct ly_ctx *context, const struct lysc_node *parent,
                                    const char *path, size_t path_bytes);

/* ---- json_ends.c ---- */

/* False, with a finding, when JSON text breaks off or goes on behind its end. */
bool json_ends_are_sound(struct byte_view bytes, struct config_report *report);

/* ---- Report ---- */

/* Adds an item; text is copied. Returns it for more detail, or NULL when the report is full. */
struct config_report_item *report_add(struct config_report *report, enum config_severity severity,
                                      const char *format, ...) PRINTF_LIKE(3, 4);

/* Adds the error that libyang left in context, with its data path. */
void report_add_libyang(struct config_report *report, const struct ly_ctx *context,
                        const char *fallback);

/* ---- Tree under construction ---- */

/* node is NULL in a slot whose entry was removed. */
struct tree_index_slot {
    uint64_t hash;
    struct lyd_node *node;
};

/* A tree with an index of list entries, since finding one by libyang costs a parsed path. */
struct tree_edit {
    struct ly_ctx *context;
    struct lyd_node *root;
    struct tree_index_slot *slots;
    size_t slot_count; /* a power of two */
    size_t used_count;
};

void tree_edit_init(struct tree_edit *edit, struct ly_ctx *context);

/* The tree is the caller's. */
struct lyd_node *tree_edit_take(struct tree_edit *edit);
void tree_edit_fini(struct tree_edit *edit);

/* The container below parent (NULL: at the top), made when it is not there. */
struct lyd_node *tree_put_container(struct tree_edit *edit, struct lyd_node *parent,
                                    const struct lysc_node *schema);
struct tree_index_slot *tree_find_entry(const struct tree_edit *edit, const struct lyd_node *parent,
                                        const struct lysc_node *schema, const char *const *keys,
                                        size_t key_count);

/* The list entry with these keys, made when it is not there; NULL when a key has a bad value. */
struct lyd_node *tree_put_entry(struct tree_edit *edit, struct lyd_node *parent,
                                const struct lysc_node *schema, const char *const *keys,
                                size_t key_count);

/* Sets a leaf, or adds to a leaf-list. LY_SUCCESS, else the value is bad. */
LY_ERR tree_put_leaf(struct lyd_node *parent, const struct lysc_node *schema, const char *value,
                     uint32_t line);
void tree_remove(struct tree_edit *edit, struct lyd_node *node);

/* The first child with this schema; NULL when there is none. parent NULL: among root's siblings. */
struct lyd_node *tree_child(const struct lyd_node *parent, const struct lyd_node *root,
                            const struct lysc_node *schema);

/* The node at the end of path below parent; NULL when something is missing. */
struct lyd_node *tree_descend(struct lyd_node *parent, const struct lysc_node *const *path,
                              size_t path_count);

/* ---- Text ---- */

#define LINE_WORDS_MAX 512u

/* A line cut into words, in place. */
struct text_line {
    char text[CONFIG_LINE_BYTES_MAX + 1];   /* words end in zeros */
    char source[CONFIG_LINE_BYTES_MAX + 1]; /* as it was, without blanks at the end */
    const char *words[LINE_WORDS_MAX];
    uint16_t columns[LINE_WORDS_MAX]; /* from 0 */
    size_t word_count;
    uint32_t number;
};

/* STATUS_LIMIT: too long or too many words; STATUS_INVALID: a control character at *column_out. */
enum status text_line_split(struct text_line *line, const char *bytes, size_t size,
                            size_t *column_out);

struct token_match {
    uint16_t word;
    uint16_t word_count; /* TOKEN_LIST and TOKEN_REST */
    bool is_present;
};

/* Words of a line, token by token of a row. */
struct row_match {
    const struct compiled_row *row;
    struct token_match tokens[ROW_TOKENS_MAX];
    size_t literal_count; /* literal words that agreed */
    size_t furthest;      /* the first word that did not fit; the word count if they ended early */
    const char *wanted;   /* literal wanted there; NULL when anything else was */
};

/* True when all words from first on fit the row. */
bool row_match_words(const struct compiled_row *row, const struct text_line *line, size_t first,
                     struct row_match *match_out);

struct deferred_line {
    const struct compiled_row *row;
    char *source;
    const char *peer;
    uint32_t number;
    bool is_no;
};

struct text_reader {
    struct config_loader *loader;
    struct config_report *report;
    struct tree_edit edit;
    struct arena scratch;
    struct text_line line;
    enum config_mode mode;
    struct lyd_node *nodes[MODE_COUNT]; /* of the modes entered */
    bool is_dry[MODE_COUNT];            /* the mode's own line was wrong: check, write nothing */
    bool is_ipv6_family;
    const char *bfd_peer; /* NULL outside */
    uint32_t skip_indent; /* lines further in belong to an unknown block; UINT32_MAX: none */
    struct deferred_line *deferred;
    size_t deferred_count;
    size_t deferred_capacity;
};

/* Carries out a matched line; with is_no its opposite. */
void text_apply(struct text_reader *reader, const struct row_match *match, bool is_no,
                bool is_ipv6_family);

/* Reports the word-th word of the current line. */
void text_error(struct text_reader *reader, size_t word, bool is_secret, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Reports a line that fits no row: rows of the modes are tried again for what would have fitted. */
void text_error_unknown(struct text_reader *reader, size_t first);

enum status text_read(struct config_loader *loader, struct byte_view bytes,
                      struct lyd_node **root_out, struct config_report *report);
enum status text_print(const struct config_loader *loader, const struct lyd_node *root,
                       bool with_secrets, struct buffer *out);

/* ---- Model ---- */

/* Hooks the model's fields to the schema. Once per loader. */
void model_bind(struct config_loader *loader);

/* Makes the model; NULL when the tree breaks a rule that YANG cannot state (in report). */
struct config *model_build(const struct config_loader *loader, const struct lyd_node *root,
                           struct config_report *report);

#endif
