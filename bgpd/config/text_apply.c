/* Carries out a line that fits a row: walks and makes the base, then puts the leaves. */
#include <stdio.h>
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

struct apply {
    struct text_reader *reader;
    const struct row_match *match;
    bool is_ipv6_family;
    bool is_secret;
};

/* The value of a slot's words; false after an error was reported. */
static bool slot_value(const struct apply *apply, size_t token_index, size_t word,
                       char value_out[VALUE_BYTES_MAX])
{
    const struct row_token *token = &apply->match->row->tokens[token_index];
    struct text_reader *reader = apply->reader;
    const char *text = reader->line.words[word];
    char joined[VALUE_BYTES_MAX];
    if (token->kind == TOKEN_REST) {
        text = reader->line.source + reader->line.columns[word];
    } else if (token->kind == TOKEN_LIST && token->item_words == 2) {
        snprintf(joined, sizeof joined, "%.100s %.100s", text, reader->line.words[word + 1]);
        text = joined;
    }
    if (token->converter == NULL) {
        if (strlen(text) >= VALUE_BYTES_MAX) {
            text_error(reader, word, apply->is_secret, "this is longer than any value may be");
            return false;
        }
        snprintf(value_out, VALUE_BYTES_MAX, "%s", text);
        return true;
    }
    char error[VALUE_BYTES_MAX] = "";
    if (token->converter->read(text, value_out, error) != VALUE_OK) {
        text_error(reader, word, apply->is_secret, "%s", error);
        return false;
    }
    return true;
}

/* The next multiple of five above the highest number below owner, as FRR counts. */
static void next_number(const struct lyd_node *owner, char value_out[VALUE_BYTES_MAX])
{
    uint64_t highest = (uintptr_t)owner->priv;
    snprintf(value_out, VALUE_BYTES_MAX, "%llu", (unsigned long long)(highest / 5 * 5 + 5));
}

static bool key_value(const struct apply *apply, const struct row_key *key,
                      const struct lyd_node *owner, char value_out[VALUE_BYTES_MAX])
{
    switch ((enum key_source)key->source) {
    case KEY_CONSTANT:
        snprintf(value_out, VALUE_BYTES_MAX, "%s", key->constant);
        return true;
    case KEY_FAMILY:
        snprintf(value_out, VALUE_BYTES_MAX, "%s",
                 apply->is_ipv6_family ? "ipv6-unicast" : "ipv4-unicast");
        return true;
    case KEY_BFD_PEER:
        snprintf(value_out, VALUE_BYTES_MAX, "%s", apply->reader->bfd_peer);
        return true;
    case KEY_FROM_SLOT:
        break;
    }
    const struct token_match *token = &apply->match->tokens[key->token];
    if (!token->is_present) {
        ASSERT((apply->match->row->row->flags & ROW_AUTO_NUMBER) != 0);
        next_number(owner, value_out);
        return true;
    }
    return slot_value(apply, key->token, token->word, value_out);
}

static size_t key_word(const struct apply *apply, const struct row_step *step)
{
    for (size_t k = 0; k < step->key_count; k++) {
        if (step->keys[k].source == KEY_FROM_SLOT &&
            apply->match->tokens[step->keys[k].token].is_present) {
            return apply->match->tokens[step->keys[k].token].word;
        }
    }
    return 0;
}

/* A name in the place of a neighbour's address must be that of a peer-group. */
static bool is_unknown_group(const struct apply *apply, const struct row_step *step,
                             const struct lyd_node *parent, const char *const *keys)
{
    return apply->match->row->is_group_variant &&
           step->schema == apply->reader->loader->peer_group_list &&
           tree_find_entry(&apply->reader->edit, parent, step->schema, keys, 1) == NULL;
}

static void note_number(const struct apply *apply, struct lyd_node *owner, const char *number)
{
    if ((apply->match->row->row->flags & ROW_AUTO_NUMBER) != 0) {
        uintptr_t value = (uintptr_t)strtoul(number, NULL, 10);
        if (value > (uintptr_t)owner->priv && value <= UINT32_MAX) {
            owner->priv = (void *)value;
        }
    }
}

/* The list entry of step below parent; with may_create false only when it is there. *failed_out
 * tells an error (reported) from an entry that is not there. */
static struct lyd_node *walk_list(const struct apply *apply, const struct row_step *step,
                                  struct lyd_node *parent, bool may_create, bool *failed_out)
{
    char values[ROW_KEYS_MAX][VALUE_BYTES_MAX];
    const char *keys[ROW_KEYS_MAX] = {NULL};
    *failed_out = true;
    for (size_t k = 0; k < step->key_count; k++) {
        if (!key_value(apply, &step->keys[k], parent, values[k])) {
            return NULL;
        }
        keys[k] = values[k];
    }
    struct tree_edit *edit = &apply->reader->edit;
    if (is_unknown_group(apply, step, parent, keys)) {
        text_error(
            apply->reader, key_word(apply, step), apply->is_secret,
            "this is neither an address nor a peer-group; \"neighbor %s peer-group\" makes one",
            keys[0]);
        return NULL;
    }
    *failed_out = false;
    if (!may_create) {
        struct tree_index_slot *slot =
            tree_find_entry(edit, parent, step->schema, keys, step->key_count);
        return slot == NULL ? NULL : slot->node;
    }
    struct lyd_node *node = tree_put_entry(edit, parent, step->schema, keys, step->key_count);
    if (node == NULL) {
        char rule[VALUE_BYTES_MAX];
        const struct row_key *last = &step->keys[0];
        for (size_t k = 0; k < step->key_count; k++) {
            last = step->keys[k].source == KEY_FROM_SLOT ? &step->keys[k] : last;
        }
        text_error(apply->reader, key_word(apply, step), apply->is_secret, "%s is expected",
                   value_rule(last->schema, rule));
        *failed_out = true;
        return NULL;
    }
    for (struct lyd_node *key = lyd_child(node); key != NULL && (key->schema->flags & LYS_KEY) != 0;
         key = key->next) {
        key->priv = (void *)(uintptr_t)apply->reader->line.number;
    }
    if (parent != NULL) {
        note_number(apply, parent, keys[0]);
    }
    return node;
}

/* Follows the base from the mode's node. */
static struct lyd_node *walk_base(const struct apply *apply, bool may_create, bool *failed_out)
{
    const struct compiled_row *row = apply->match->row;
    struct lyd_node *node = apply->reader->nodes[row->row->mode];
    *failed_out = false;
    for (size_t i = 0; i < row->step_count; i++) {
        const struct row_step *step = &row->steps[i];
        struct lyd_node *parent = step->schema->parent == NULL ? NULL : node;
        if (step->schema->nodetype == LYS_LIST) {
            node = walk_list(apply, step, parent, may_create, failed_out);
        } else if (may_create) {
            node = tree_put_container(&apply->reader->edit, parent, step->schema);
        } else {
            node = tree_child(parent, apply->reader->edit.root, step->schema);
        }
        if (node == NULL) {
            return NULL;
        }
    }
    return node;
}

/* A gateway on two interfaces would be two next hops of one name: the second one must not silently
 * take the place of the first. */
static bool is_other_interface(const struct apply *apply, const struct lyd_node *entry)
{
    const struct compiled_row *row = apply->match->row;
    for (size_t i = 0; i < row->token_count; i++) {
        const struct row_token *token = &row->tokens[i];
        if (token->path_count != 1 || strcmp(token->path[0]->name, "interface") != 0) {
            continue;
        }
        const struct lyd_node *leaf = tree_child(entry, NULL, token->path[0]);
        const struct token_match *match = &apply->match->tokens[i];
        if (leaf != NULL && match->is_present &&
            strcmp(lyd_get_value(leaf), apply->reader->line.words[match->word]) != 0) {
            text_error(apply->reader, match->word, false,
                       "line %u gave this gateway on interface %s; one gateway has one interface",
                       (unsigned)(uintptr_t)leaf->priv, lyd_get_value(leaf));
            return true;
        }
    }
    return false;
}

/* Leaves that an earlier line gave to the same entry. */
static void forget_leaves(struct lyd_node *entry)
{
    struct lyd_node *node = lyd_child_no_keys(entry);
    while (node != NULL) {
        struct lyd_node *next = node->next;
        if ((node->schema->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0) {
            lyd_free_tree(node);
        }
        node = next;
    }
}

static void forget_list_items(struct lyd_node *parent, const struct lysc_node *schema)
{
    struct lyd_node *node = tree_child(parent, NULL, schema);
    while (node != NULL && node->schema == schema) {
        struct lyd_node *next = node->next;
        lyd_free_tree(node);
        node = next;
    }
}

static struct lyd_node *put_path(const struct apply *apply, struct lyd_node *node,
                                 const struct row_token *token)
{
    for (size_t i = 0; i + 1 < token->path_count; i++) {
        node = tree_put_container(&apply->reader->edit, node, token->path[i]);
    }
    return node;
}

static void put_value(const struct apply *apply, struct lyd_node *parent,
                      const struct row_token *token, const char *value, size_t word)
{
    const struct lysc_node *leaf = token->path[token->path_count - 1];
    if (tree_put_leaf(parent, leaf, value, apply->reader->line.number) != LY_SUCCESS) {
        char rule[VALUE_BYTES_MAX];
        text_error(apply->reader, word, apply->is_secret, "%s is expected", value_rule(leaf, rule));
    }
}

static const char *opposite(const char *value)
{
    return strcmp(value, "true") == 0 ? "false" : "true";
}

static void put_token(const struct apply *apply, struct lyd_node *node, size_t index, bool is_no)
{
    const struct row_token *token = &apply->match->row->tokens[index];
    const struct token_match *match = &apply->match->tokens[index];
    if (!match->is_present || token->path_count == 0) {
        return;
    }
    struct lyd_node *parent = put_path(apply, node, token);
    if (token->kind == TOKEN_CONSTANT) {
        put_value(apply, parent, token, is_no ? opposite(token->text) : token->text, 0);
        return;
    }
    if (token->kind == TOKEN_LIST && apply->match->row->row->mode == MODE_ROUTE_MAP) {
        forget_list_items(parent, token->path[token->path_count - 1]);
    }
    size_t step = token->kind == TOKEN_LIST ? token->item_words : match->word_count;
    for (size_t word = match->word; word < match->word + (size_t)match->word_count; word += step) {
        char value[VALUE_BYTES_MAX];
        if (slot_value(apply, index, word, value)) {
            put_value(apply, parent, token, value, word);
        }
    }
}

static void enter_mode(struct text_reader *reader, const struct row_match *match,
                       struct lyd_node *node)
{
    enum config_mode mode = match->row->row->enters;
    if (mode == MODE_TOP) {
        return;
    }
    reader->mode = mode;
    reader->nodes[mode] = node;
    reader->is_dry[mode] = node == NULL && reader->loader->mode_nodes[mode] != NULL;
    if (mode == MODE_BGP) {
        /* Lines of the IPv4 family may stand without an address-family around them. */
        reader->nodes[MODE_FAMILY] = node;
        reader->is_dry[MODE_FAMILY] = reader->is_dry[MODE_BGP];
    }
    reader->is_ipv6_family = (match->row->row->flags & ROW_IPV6) != 0;
}

/* `no` in front of a line that has no opposite: what it would put is taken away. */
static void remove_line(const struct apply *apply)
{
    bool failed = false;
    struct lyd_node *node = walk_base(apply, false, &failed);
    if (node == NULL) {
        return;
    }
    const struct compiled_row *row = apply->match->row;
    bool has_leaves = false;
    for (size_t i = 0; i < row->token_count; i++) {
        const struct row_token *token = &row->tokens[i];
        if (token->path_count == 0) {
            continue;
        }
        has_leaves = true;
        struct lyd_node *leaf = tree_descend(node, token->path, token->path_count);
        if (leaf != NULL && !row->replaces) {
            forget_list_items(lyd_parent(leaf), leaf->schema);
        }
    }
    bool is_entry = row->node_schema != NULL && row->node_schema->nodetype == LYS_LIST;
    if (is_entry && (row->replaces || !has_leaves || row->row->enters != MODE_TOP)) {
        tree_remove(&apply->reader->edit, node);
    }
}

static void defer_line(struct text_reader *reader, const struct compiled_row *row, bool is_no)
{
    if (reader->deferred_count == reader->deferred_capacity) {
        size_t capacity = reader->deferred_capacity == 0 ? 16 : reader->deferred_capacity * 2;
        reader->deferred =
            mem_realloc(MEM_CONFIG, reader->deferred, capacity * sizeof *reader->deferred);
        reader->deferred_capacity = capacity;
    }
    reader->deferred[reader->deferred_count++] =
        (struct deferred_line){row, arena_strdup(&reader->scratch, reader->line.source),
                               reader->bfd_peer, reader->line.number, is_no};
}

void text_apply(struct text_reader *reader, const struct row_match *match, bool is_no,
                bool is_ipv6_family)
{
    const struct config_row *row = match->row->row;
    struct apply apply = {reader, match, is_ipv6_family, (row->flags & ROW_SECRET) != 0};
    if ((row->flags & ROW_DEFER) != 0 && reader->bfd_peer != NULL &&
        reader->mode == MODE_BFD_PEER) {
        defer_line(reader, match->row, is_no);
        return;
    }
    if (reader->is_dry[row->mode]) {
        enter_mode(reader, match, NULL);
        return;
    }
    if (is_no && (row->flags & ROW_NO) == 0) {
        remove_line(&apply);
        return;
    }
    bool failed = false;
    struct lyd_node *node = walk_base(&apply, true, &failed);
    if (node != NULL) {
        if (match->row->replaces) {
            if (is_other_interface(&apply, node)) {
                return;
            }
            forget_leaves(node);
        }
        for (size_t i = 0; i < match->row->token_count; i++) {
            put_token(&apply, node, i, is_no);
        }
    }
    enter_mode(reader, match, node);
}
