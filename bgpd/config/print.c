/* A tree as JSON, XML or command lines, and the table of rows as a list for manuals. */
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

static bool has_secret(const struct config_loader *loader, const struct lyd_node *root)
{
    const struct lyd_node *tree = NULL;
    LY_LIST_FOR(root, tree)
    {
        struct lyd_node *node = NULL;
        LYD_TREE_DFS_BEGIN(tree, node)
        {
            if (config_is_secret(loader, node->schema)) {
                return true;
            }
            LYD_TREE_DFS_END(tree, node);
        }
    }
    return false;
}

/* A copy with every secret masked; the tree itself is in use. */
static struct lyd_node *masked_copy(const struct config_loader *loader, const struct lyd_node *root)
{
    struct lyd_node *copy = NULL;
    LY_ERR error = lyd_dup_siblings(root, NULL, LYD_DUP_RECURSIVE, &copy);
    ASSERT(error == LY_SUCCESS);
    struct lyd_node *tree = NULL;
    LY_LIST_FOR(copy, tree)
    {
        struct lyd_node *node = NULL;
        LYD_TREE_DFS_BEGIN(tree, node)
        {
            if (config_is_secret(loader, node->schema)) {
                (void)lyd_change_term(node, CONFIG_SECRET_MASK);
            }
            LYD_TREE_DFS_END(tree, node);
        }
    }
    return copy;
}

static ssize_t write_buffer(void *out, const void *data, size_t size)
{
    buffer_append(out, data, size);
    return (ssize_t)size;
}

static enum status print_structured(const struct config_loader *loader, const struct lyd_node *root,
                                    LYD_FORMAT format, bool with_secrets, struct buffer *out)
{
    struct lyd_node *copy =
        !with_secrets && has_secret(loader, root) ? masked_copy(loader, root) : NULL;
    struct ly_out *sink = NULL;
    LY_ERR error = ly_out_new_clb(write_buffer, out, &sink);
    ASSERT(error == LY_SUCCESS);
    error = lyd_print_all(sink, copy != NULL ? copy : root, format, 0);
    ly_out_free(sink, NULL, 0);
    lyd_free_all(copy);
    return error == LY_SUCCESS ? STATUS_OK : STATUS_INVALID;
}

enum status config_print(struct config_loader *loader, const struct config_tree *tree,
                         enum config_format format, bool with_secrets, struct buffer *out)
{
    switch (format) {
    case CONFIG_FORMAT_TEXT:
        return text_print(loader, tree->root, with_secrets, out);
    case CONFIG_FORMAT_JSON:
        if (tree->root == NULL) {
            buffer_append(out, "{}\n", 3);
            return STATUS_OK;
        }
        return print_structured(loader, tree->root, LYD_JSON, with_secrets, out);
    case CONFIG_FORMAT_XML:
        return tree->root == NULL
                   ? STATUS_OK
                   : print_structured(loader, tree->root, LYD_XML, with_secrets, out);
    }
    UNREACHABLE();
    return STATUS_INVALID;
}
