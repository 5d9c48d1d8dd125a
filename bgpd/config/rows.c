/* Compiles the table of command lines once: every path becomes schema nodes, so that a wrong row is
 * found when the loader is made and not when a user writes the line. */
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

static const struct config_row_table *const tables[] = {
    &config_rows_system,   &config_rows_policy, &config_rows_route_map,       &config_rows_bgp,
    &config_rows_neighbor, &config_rows_family, &config_rows_neighbor_family,
};

const char *const config_mode_names[MODE_COUNT] = {
    [MODE_TOP] = "top level",     [MODE_INTERFACE] = "interface",
    [MODE_TUNNEL] = "tunnel",     [MODE_ROUTE_MAP] = "route-map",
    [MODE_BGP] = "router bgp",    [MODE_FAMILY] = "address-family",
    [MODE_BFD] = "bfd",           [MODE_BFD_PROFILE] = "bfd profile",
    [MODE_BFD_PEER] = "bfd peer", [MODE_KEY_CHAIN] = "key chain",
    [MODE_KEY] = "key",           [MODE_VTY] = "line vty",
};

enum config_mode config_mode_parent(enum config_mode mode)
{
    switch (mode) {
    case MODE_FAMILY:
        return MODE_BGP;
    case MODE_BFD_PROFILE:
    case MODE_BFD_PEER:
        return MODE_BFD;
    case MODE_KEY:
        return MODE_KEY_CHAIN;
    default:
        return MODE_TOP;
    }
}

/* ---- Paths ---- */

static const struct lysc_node *schema_child(const struct ly_ctx *context,
                                            const struct lysc_node *parent, const char *name,
                                            size_t name_bytes)
{
    const struct lys_module *module = NULL;
    const char *colon = memchr(name, ':', name_bytes);
    if (colon != NULL) {
        char text[64];
        size_t size = (size_t)(colon - name);
        ASSERT(size < sizeof text);
        memcpy(text, name, size);
        text[size] = '\0';
        module = ly_ctx_get_module_implemented(context, text);
        name_bytes -= size + 1;
        name = colon + 1;
    } else if (parent != NULL) {
        module = parent->module;
    }
    return module == NULL ? NULL : lys_find_child(parent, module, name, name_bytes, 0, 0);
}

const struct lysc_node *schema_find(const struct ly_ctx *context, const struct lysc_node *parent,
                                    const char *path, size_t path_bytes)
{
    const char *end = path + path_bytes;
    while (path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t size = slash == NULL ? (size_t)(end - path) : (size_t)(slash - path);
        parent = schema_child(context, parent, path, size);
        if (parent == NULL) {
            return NULL;
        }
        path += size + (slash == NULL ? 0 : 1);
    }
    return parent;
}

/* ---- One row ---- */

struct row_compiler {
    struct config_loader *loader;
    struct compiled_row *out;
    /* Names of keys that slots fill, until the tokens are known. */
    const char *key_names[ROW_STEPS_MAX][ROW_KEYS_MAX];
    size_t key_name_bytes[ROW_STEPS_MAX][ROW_KEYS_MAX];
};

/* "name", "name:slot", "name=value", "name=$family". */
static void compile_key(struct row_compiler *compiler, const char *text, size_t size)
{
    struct row_step *step = &compiler->out->steps[compiler->out->step_count - 1];
    ASSERT(step->key_count < ROW_KEYS_MAX);
    struct row_key *key = &step->keys[step->key_count];
    size_t name_bytes = 0;
    while (name_bytes < size && text[name_bytes] != ':' && text[name_bytes] != '=') {
        name_bytes++;
    }
    key->schema = schema_child(compiler->loader->context, step->schema, text, name_bytes);
    ASSERT(key->schema != NULL && (key->schema->flags & LYS_KEY) != 0);
    const char *rest = text + name_bytes + 1;
    size_t rest_bytes = name_bytes < size ? size - name_bytes - 1 : 0;
    size_t row_step = compiler->out->step_count - 1u;
    if (name_bytes == size || text[name_bytes] == ':') {
        key->source = KEY_FROM_SLOT;
        compiler->key_names[row_step][step->key_count] = name_bytes == size ? text : rest;
        compiler->key_name_bytes[row_step][step->key_count] =
            name_bytes == size ? name_bytes : rest_bytes;
    } else if (rest_bytes == strlen("$family") && memcmp(rest, "$family", rest_bytes) == 0) {
        key->source = KEY_FAMILY;
    } else if (rest_bytes == strlen("$peer") && memcmp(rest, "$peer", rest_bytes) == 0) {
        key->source = KEY_BFD_PEER;
    } else {
        key->source = KEY_CONSTANT;
        static const char *const constants[] = {"ipv4", "ipv6", "blackhole", "reject"};
        for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
            if (strlen(constants[i]) == rest_bytes && memcmp(constants[i], rest, rest_bytes) == 0) {
                key->constant = constants[i];
            }
        }
        ASSERT(key->constant != NULL);
    }
    step->key_count++;
}

/* One "name[keys]" of a base path; returns where the next one begins. */
static const char *compile_step(struct row_compiler *compiler, const char *at)
{
    struct compiled_row *out = compiler->out;
    size_t name_bytes = strcspn(at, "/[");
    ASSERT(out->step_count < ROW_STEPS_MAX);
    struct row_step *step = &out->steps[out->step_count++];
    step->schema = schema_child(compiler->loader->context, out->node_schema, at, name_bytes);
    ASSERT(step->schema != NULL);
    out->node_schema = step->schema;
    at += name_bytes;
    if (*at == '[') {
        ASSERT(step->schema->nodetype == LYS_LIST);
        at++;
        while (*at != ']') {
            size_t size = strcspn(at, ",]");
            compile_key(compiler, at, size);
            at += size;
            at += *at == ',' ? 1 : 0;
        }
        at++;
    }
    return *at == '/' ? at + 1 : at;
}

static void compile_base(struct row_compiler *compiler, const char *base)
{
    struct compiled_row *out = compiler->out;
    if (base[0] == '%') {
        const char *list = out->is_group_variant ? "peer-groups/peer-group[name:peer]"
                                                 : "neighbors/neighbor[remote-address:peer]";
        while (*list != '\0') {
            list = compile_step(compiler, list);
        }
        base += strlen("%peer");
        base += *base == '/' ? 1 : 0;
    }
    if (strncmp(base, "sealane-", strlen("sealane-")) == 0) {
        out->node_schema = NULL;
    }
    while (*base != '\0') {
        base = compile_step(compiler, base);
    }
}

/* A slot whose name is that of a key of the base fills the key. */
static bool bind_key(struct row_compiler *compiler, struct row_token *token, const char *name,
                     size_t name_bytes)
{
    struct compiled_row *out = compiler->out;
    for (size_t s = 0; s < out->step_count; s++) {
        for (size_t k = 0; k < out->steps[s].key_count; k++) {
            if (out->steps[s].keys[k].source == KEY_FROM_SLOT &&
                compiler->key_name_bytes[s][k] == name_bytes &&
                memcmp(compiler->key_names[s][k], name, name_bytes) == 0) {
                out->steps[s].keys[k].token = (uint8_t)(token - out->tokens);
                token->is_key = true;
                token->path[0] = out->steps[s].keys[k].schema;
                return true;
            }
        }
    }
    return false;
}

static void bind_path(struct row_compiler *compiler, struct row_token *token, const char *name,
                      size_t name_bytes)
{
    const char *end = name + name_bytes;
    const struct lysc_node *parent = compiler->out->node_schema;
    while (name < end) {
        const char *slash = memchr(name, '/', (size_t)(end - name));
        size_t size = slash == NULL ? (size_t)(end - name) : (size_t)(slash - name);
        ASSERT(token->path_count < ROW_PATH_MAX);
        parent = schema_child(compiler->loader->context, parent, name, size);
        ASSERT(parent != NULL);
        token->path[token->path_count++] = parent;
        name += size + (slash == NULL ? 0 : 1);
    }
    ASSERT((parent->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0);
}

static bool type_is_number(const struct lysc_node *leaf)
{
    if (leaf->nodetype != LYS_LEAF) {
        return false;
    }
    LY_DATA_TYPE type = ((const struct lysc_node_leaf *)leaf)->type->basetype;
    return type == LY_TYPE_UINT8 || type == LY_TYPE_UINT16 || type == LY_TYPE_UINT32;
}

/* "<leaf>", "<leaf+>", "<leaf+2>", "<leaf*>", each with "!converter" inside. */
static void compile_slot(struct row_compiler *compiler, struct row_token *token, const char *text,
                         size_t size)
{
    size_t name_bytes = 0;
    while (name_bytes < size && strchr("+*!", text[name_bytes]) == NULL) {
        name_bytes++;
    }
    size_t at = name_bytes;
    token->kind = TOKEN_SLOT;
    if (at < size && text[at] == '+') {
        token->kind = TOKEN_LIST;
        token->item_words = 1;
        at++;
        if (at < size && text[at] == '2') {
            token->item_words = 2;
            at++;
        }
    } else if (at < size && text[at] == '*') {
        token->kind = TOKEN_REST;
        at++;
    }
    token->name = text;
    if (at < size) {
        ASSERT(text[at] == '!');
        token->converter = value_converter_find(text + at + 1, size - at - 1);
        ASSERT(token->converter != NULL);
    }
    if (!bind_key(compiler, token, text, name_bytes)) {
        bind_path(compiler, token, text, name_bytes);
    }
    bool is_peer = name_bytes == strlen("peer") && memcmp(text, "peer", name_bytes) == 0;
    if (is_peer && token->converter == NULL) {
        const char *name = compiler->out->is_group_variant ? "group" : "peer";
        token->converter = value_converter_find(name, strlen(name));
    }
    token->is_number =
        type_is_number(token->path[token->path_count == 0 ? 0 : token->path_count - 1]);
}

static void compile_token(struct row_compiler *compiler, const char *text, size_t size)
{
    struct compiled_row *out = compiler->out;
    struct arena *arena = &compiler->loader->arena;
    ASSERT(out->token_count < ROW_TOKENS_MAX);
    struct row_token *token = &out->tokens[out->token_count++];
    if (size == 1 && (text[0] == '[' || text[0] == ']')) {
        token->kind = text[0] == '[' ? TOKEN_OPEN : TOKEN_CLOSE;
    } else if (size == 3 && memcmp(text, "...", 3) == 0) {
        token->kind = TOKEN_ANYTHING;
    } else if (text[0] == '<') {
        compile_slot(compiler, token, text + 1, size - 2);
    } else if (text[0] == '=') {
        const char *colon = memchr(text, ':', size);
        ASSERT(colon != NULL);
        token->kind = TOKEN_CONSTANT;
        bind_path(compiler, token, text + 1, (size_t)(colon - text) - 1);
        char *value = arena_alloc(arena, size + 1);
        memcpy(value, colon + 1, size - (size_t)(colon + 1 - text));
        token->text = value;
    } else {
        token->kind = TOKEN_WORD;
        char *word = arena_alloc(arena, size + 1);
        memcpy(word, text, size);
        token->text = word;
    }
}

static bool has_only_leaves(const struct lysc_node *list)
{
    for (const struct lysc_node *child = lysc_node_child(list); child != NULL;
         child = child->next) {
        if ((child->nodetype & (LYS_LEAF | LYS_LEAFLIST)) == 0) {
            return false;
        }
    }
    return true;
}

static void compile_row(struct config_loader *loader, const struct config_row *row, bool is_group)
{
    struct compiled_row *out = &loader->rows[loader->row_count++];
    *out = (struct compiled_row){.row = row};
    bool is_peer_row = row->base[0] == '%';
    out->is_group_variant = is_peer_row && is_group;
    out->is_neighbor_variant = is_peer_row && !is_group;
    out->node_schema = loader->mode_nodes[row->mode];
    struct row_compiler compiler = {.loader = loader, .out = out};
    compile_base(&compiler, row->base);
    const char *at = row->words;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        compile_token(&compiler, at, size);
        at += size;
        at += strspn(at, " ");
    }
    out->replaces = out->step_count > 0 && out->node_schema->nodetype == LYS_LIST && !is_peer_row &&
                    row->enters == MODE_TOP && strstr(row->base, ":peer]") == NULL &&
                    has_only_leaves(out->node_schema);
    if (row->enters != MODE_TOP && loader->mode_nodes[row->enters] == NULL &&
        (row->flags & ROW_IGNORE) == 0) {
        loader->mode_nodes[row->enters] = out->node_schema;
    }
}

/* Rows about both kinds of peers stand in a run; first all of the run for peer-groups, then all of
 * it for neighbours, so that what is printed about one peer stays together. */
static size_t compile_peer_run(struct config_loader *loader, const struct config_row_table *table,
                               size_t start)
{
    size_t end = start;
    while (end < table->count && table->rows[end].base[0] == '%') {
        end++;
    }
    for (size_t i = start; i < end; i++) {
        compile_row(loader, &table->rows[i], true);
    }
    for (size_t i = start; i < end; i++) {
        compile_row(loader, &table->rows[i], false);
    }
    return end;
}

void rows_compile(struct config_loader *loader)
{
    size_t count = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        count += tables[t]->count * 2;
    }
    loader->rows = mem_alloc(MEM_CONFIG, count * sizeof *loader->rows);
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        size_t i = 0;
        while (i < tables[t]->count) {
            if (tables[t]->rows[i].base[0] == '%') {
                i = compile_peer_run(loader, tables[t], i);
            } else {
                compile_row(loader, &tables[t]->rows[i], false);
                i++;
            }
        }
    }
}

/* ---- The table as a list ---- */

/* "<timers/hold-time+!conv>" as a manual writes it: HOLD-TIME... */
static void append_metavariable(struct buffer *words, const char *slot, size_t size)
{
    size_t name_bytes = 0;
    while (name_bytes < size && strchr("+*!", slot[name_bytes]) == NULL) {
        name_bytes++;
    }
    size_t start = 0;
    for (size_t i = 0; i < name_bytes; i++) {
        start = slot[i] == '/' ? i + 1 : start;
    }
    for (size_t i = start; i < name_bytes; i++) {
        char letter = slot[i];
        letter = letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
        buffer_append(words, &letter, 1);
    }
    if (name_bytes < size && slot[name_bytes] == '+') {
        buffer_append(words, "...", 3);
    }
}

static void append_words(struct buffer *words, const char *at)
{
    bool wants_blank = false;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        if (at[0] != '=') {
            bool is_close = size == 1 && at[0] == ']';
            if (wants_blank && !is_close) {
                buffer_append(words, " ", 1);
            }
            wants_blank = !(size == 1 && at[0] == '[');
            if (at[0] == '<') {
                append_metavariable(words, at + 1, size - 2);
            } else {
                buffer_append(words, at, size);
            }
        }
        at += size;
        at += strspn(at, " ");
    }
}

bool config_statement_at(size_t index, struct config_statement *statement_out,
                         struct buffer *words_buffer)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        if (index >= tables[t]->count) {
            index -= tables[t]->count;
            continue;
        }
        const struct config_row *row = &tables[t]->rows[index];
        words_buffer->size = 0;
        append_words(words_buffer, row->words);
        *statement_out = (struct config_statement){
            .mode = config_mode_names[row->mode],
            .words = buffer_text(words_buffer),
            .help = row->help,
            .is_ignored = (row->flags & ROW_IGNORE) != 0,
            .is_alias = (row->flags & (ROW_ALIAS | ROW_DEFER)) != 0,
            .has_no = (row->flags & ROW_NO) != 0,
        };
        return true;
    }
    return false;
}
