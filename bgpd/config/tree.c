/* The tree under construction: containers, list entries and leaves are put one by one with known
 * parents, and list entries are found through an index of our own. */
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"
#include "proto/base/hash.h"

#define INDEX_SLOTS_MIN 64u

void tree_edit_init(struct tree_edit *edit, struct ly_ctx *context)
{
    *edit = (struct tree_edit){.context = context, .slot_count = INDEX_SLOTS_MIN};
    edit->slots = mem_alloc(MEM_CONFIG, INDEX_SLOTS_MIN * sizeof *edit->slots);
}

struct lyd_node *tree_edit_take(struct tree_edit *edit)
{
    struct lyd_node *root = edit->root;
    edit->root = NULL;
    return root;
}

void tree_edit_fini(struct tree_edit *edit)
{
    lyd_free_all(edit->root);
    mem_free(MEM_CONFIG, edit->slots);
    *edit = (struct tree_edit){0};
}

struct lyd_node *tree_child(const struct lyd_node *parent, const struct lyd_node *root,
                            const struct lysc_node *schema)
{
    const struct lyd_node *node = parent == NULL ? root : lyd_child(parent);
    while (node != NULL && node->schema != schema) {
        node = node->next;
    }
    return (struct lyd_node *)node;
}

struct lyd_node *tree_descend(struct lyd_node *parent, const struct lysc_node *const *path,
                              size_t path_count)
{
    for (size_t i = 0; i < path_count && parent != NULL; i++) {
        parent = tree_child(parent, NULL, path[i]);
    }
    return parent;
}

struct lyd_node *tree_put_container(struct tree_edit *edit, struct lyd_node *parent,
                                    const struct lysc_node *schema)
{
    struct lyd_node *node = tree_child(parent, edit->root, schema);
    if (node != NULL) {
        return node;
    }
    LY_ERR error = lyd_new_inner(parent, schema->module, schema->name, 0, &node);
    ASSERT(error == LY_SUCCESS);
    if (parent == NULL) {
        lyd_insert_sibling(edit->root, node, &edit->root);
    }
    return node;
}

static uint64_t entry_hash(const struct lyd_node *parent, const struct lysc_node *schema,
                           const char *const *keys, size_t key_count)
{
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)parent, (uint64_t)(uintptr_t)schema);
    for (size_t i = 0; i < key_count; i++) {
        hash = hash_bytes(hash, keys[i], strlen(keys[i]));
    }
    return hash == 0 ? 1 : hash;
}

static bool entry_has_keys(const struct lyd_node *node, const char *const *keys, size_t key_count)
{
    const struct lyd_node *key = lyd_child(node);
    for (size_t i = 0; i < key_count; i++, key = key->next) {
        if (strcmp(lyd_get_value(key), keys[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct tree_index_slot *index_probe(const struct tree_edit *edit, uint64_t hash,
                                           const struct lyd_node *parent,
                                           const struct lysc_node *schema, const char *const *keys,
                                           size_t key_count)
{
    size_t mask = edit->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct tree_index_slot *slot = &edit->slots[i];
        if (slot->hash == 0) {
            return slot;
        }
        if (slot->hash == hash && slot->node != NULL && lyd_parent(slot->node) == parent &&
            slot->node->schema == schema && entry_has_keys(slot->node, keys, key_count)) {
            return slot;
        }
    }
}

static void index_grow(struct tree_edit *edit)
{
    struct tree_index_slot *old = edit->slots;
    size_t old_count = edit->slot_count;
    edit->slot_count *= 2;
    edit->slots = mem_alloc(MEM_CONFIG, edit->slot_count * sizeof *edit->slots);
    edit->used_count = 0;
    size_t mask = edit->slot_count - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].hash == 0 || old[i].node == NULL) {
            continue;
        }
        size_t at = old[i].hash & mask;
        while (edit->slots[at].hash != 0) {
            at = (at + 1) & mask;
        }
        edit->slots[at] = old[i];
        edit->used_count++;
    }
    mem_free(MEM_CONFIG, old);
}

struct tree_index_slot *tree_find_entry(const struct tree_edit *edit, const struct lyd_node *parent,
                                        const struct lysc_node *schema, const char *const *keys,
                                        size_t key_count)
{
    uint64_t hash = entry_hash(parent, schema, keys, key_count);
    struct tree_index_slot *slot = index_probe(edit, hash, parent, schema, keys, key_count);
    return slot->hash == 0 ? NULL : slot;
}

struct lyd_node *tree_put_entry(struct tree_edit *edit, struct lyd_node *parent,
                                const struct lysc_node *schema, const char *const *keys,
                                size_t key_count)
{
    ASSERT(key_count >= 1 && key_count <= ROW_KEYS_MAX);
    uint64_t hash = entry_hash(parent, schema, keys, key_count);
    struct tree_index_slot *slot = index_probe(edit, hash, parent, schema, keys, key_count);
    if (slot->hash != 0) {
        return slot->node;
    }
    struct lyd_node *node = NULL;
    if (lyd_new_list(parent, schema->module, schema->name, 0, &node, keys[0],
                     key_count > 1 ? keys[1] : NULL) != LY_SUCCESS) {
        return NULL;
    }
    *slot = (struct tree_index_slot){.hash = hash, .node = node};
    if (++edit->used_count * 2 > edit->slot_count) {
        index_grow(edit);
    }
    return node;
}

static LY_ERR put_leaf_list(struct lyd_node *parent, const struct lysc_node *schema,
                            const char *value, struct lyd_node **node_out)
{
    for (struct lyd_node *node = lyd_child(parent); node != NULL; node = node->next) {
        if (node->schema == schema && strcmp(lyd_get_value(node), value) == 0) {
            *node_out = node;
            return LY_SUCCESS;
        }
    }
    return lyd_new_term(parent, schema->module, schema->name, value, 0, node_out);
}

LY_ERR tree_put_leaf(struct lyd_node *parent, const struct lysc_node *schema, const char *value,
                     uint32_t line)
{
    struct lyd_node *node = NULL;
    LY_ERR error = LY_SUCCESS;
    if (schema->nodetype == LYS_LEAFLIST) {
        error = put_leaf_list(parent, schema, value, &node);
    } else {
        node = tree_child(parent, NULL, schema);
        if (node == NULL) {
            error = lyd_new_term(parent, schema->module, schema->name, value, 0, &node);
        } else {
            error = lyd_change_term(node, value);
            /* The same value again is no error for us. */
            error = error == LY_EEXIST || error == LY_ENOT ? LY_SUCCESS : error;
        }
    }
    if (error == LY_SUCCESS) {
        node->priv = (void *)(uintptr_t)line;
    }
    return error;
}

/* Entries below node leave the index too; a removed slot keeps its hash so that probing goes on. */
void tree_remove(struct tree_edit *edit, struct lyd_node *node)
{
    for (size_t i = 0; i < edit->slot_count; i++) {
        const struct lyd_node *at = edit->slots[i].node;
        while (at != NULL && at != node) {
            at = lyd_parent(at);
        }
        if (at != NULL) {
            edit->slots[i].node = NULL;
        }
    }
    if (edit->root == node) {
        edit->root = node->next;
    }
    lyd_free_tree(node);
}
