/* The loader: the compiled modules and rows, and the ways in and out of the room. */
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"
#include "yang_modules.h"

static const struct lysc_node *must_find(const struct config_loader *loader, const char *path)
{
    const struct lysc_node *node = schema_find(loader->context, NULL, path, strlen(path));
    ASSERT(node != NULL);
    return node;
}

/* Rows by mode, so that a line is tried against its mode's only. */
static void order_rows(struct config_loader *loader)
{
    loader->row_order = mem_alloc(MEM_CONFIG, loader->row_count * sizeof *loader->row_order);
    size_t used = 0;
    for (enum config_mode mode = MODE_TOP; mode < MODE_COUNT; mode++) {
        loader->mode_rows[mode].first = used;
        for (size_t i = 0; i < loader->row_count; i++) {
            if (loader->rows[i].row->mode == mode) {
                loader->row_order[used++] = (uint16_t)i;
            }
        }
        loader->mode_rows[mode].count = used - loader->mode_rows[mode].first;
    }
}

static const char *const secret_paths[CONFIG_SECRETS] = {
    "sealane-bgp:bgp/peer-groups/peer-group/transport/secure-session/md5-key-string",
    "sealane-bgp:bgp/neighbors/neighbor/transport/secure-session/md5-key-string",
    "sealane-bgp:bgp/peer-groups/peer-group/transport/bfd/authentication/key",
    "sealane-bgp:bgp/neighbors/neighbor/transport/bfd/authentication/key",
    "sealane-system:system/key-chains/key-chain/key/key-string",
    "sealane-system:system/bfd/default/authentication/key",
    "sealane-system:system/bfd/profile/authentication/key",
};

struct config_loader *config_loader_new(void)
{
    struct config_loader *loader = mem_alloc(MEM_CONFIG, sizeof *loader);
    arena_init(&loader->arena);
    /* Messages go into our reports, never to standard error. */
    ly_log_options(LY_LOSTORE_LAST);
    LY_ERR error =
        ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS, &loader->context);
    ASSERT(error == LY_SUCCESS);
    for (size_t i = 0; i < sizeof yang_modules / sizeof yang_modules[0]; i++) {
        error = lys_parse_mem(loader->context, yang_modules[i].text, LYS_IN_YANG, NULL);
        ASSERT(error == LY_SUCCESS);
    }
    rows_compile(loader);
    order_rows(loader);
    loader->peer_group_list = must_find(loader, "sealane-bgp:bgp/peer-groups/peer-group");
    loader->neighbor_list = must_find(loader, "sealane-bgp:bgp/neighbors/neighbor");
    for (size_t i = 0; i < CONFIG_SECRETS; i++) {
        loader->secrets[i] = must_find(loader, secret_paths[i]);
    }
    model_bind(loader);
    return loader;
}

void config_loader_free(struct config_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    mem_free(MEM_CONFIG, loader->row_order);
    mem_free(MEM_CONFIG, loader->rows);
    arena_fini(&loader->arena);
    ly_ctx_destroy(loader->context);
    mem_free(MEM_CONFIG, loader);
}

static bool has_ending(const char *name, const char *ending)
{
    size_t name_bytes = strlen(name);
    size_t ending_bytes = strlen(ending);
    return name_bytes >= ending_bytes && strcmp(name + name_bytes - ending_bytes, ending) == 0;
}

enum config_format config_format_of(const char *name)
{
    return has_ending(name, ".json")  ? CONFIG_FORMAT_JSON
           : has_ending(name, ".xml") ? CONFIG_FORMAT_XML
                                      : CONFIG_FORMAT_TEXT;
}

/* libyang reads text that ends in a zero. */
static enum status parse_structured(struct config_loader *loader, enum config_format format,
                                    struct byte_view bytes, struct lyd_node **root_out,
                                    struct config_report *report)
{
    if (bytes.size > 0 && memchr(bytes.data, 0, bytes.size) != NULL) {
        report_add(report, CONFIG_ERROR, "the text has a zero octet in it");
        return STATUS_INVALID;
    }
    if (format == CONFIG_FORMAT_JSON && !json_ends_are_sound(bytes, report)) {
        return STATUS_INVALID;
    }
    char *text = mem_alloc(MEM_CONFIG, bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(text, bytes.data, bytes.size);
    }
    ly_err_clean(loader->context, NULL);
    LY_ERR error =
        lyd_parse_data_mem(loader->context, text, format == CONFIG_FORMAT_JSON ? LYD_JSON : LYD_XML,
                           LYD_PARSE_STRICT | LYD_PARSE_ONLY | LYD_PARSE_NO_STATE, 0, root_out);
    mem_free(MEM_CONFIG, text);
    if (error != LY_SUCCESS) {
        report_add_libyang(report, loader->context, "the text cannot be read");
        lyd_free_all(*root_out);
        *root_out = NULL;
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

bool config_is_secret(const struct config_loader *loader, const struct lysc_node *leaf)
{
    for (size_t i = 0; i < CONFIG_SECRETS; i++) {
        if (leaf == loader->secrets[i]) {
            return true;
        }
    }
    return false;
}

/* A masked secret in JSON or XML must not become the secret. */
static bool has_masked_secret(const struct config_loader *loader, const struct lyd_node *root,
                              struct config_report *report)
{
    bool found = false;
    const struct lyd_node *tree = NULL;
    LY_LIST_FOR(root, tree)
    {
        struct lyd_node *node = NULL;
        LYD_TREE_DFS_BEGIN(tree, node)
        {
            if (config_is_secret(loader, node->schema) &&
                strcmp(lyd_get_value(node), CONFIG_SECRET_MASK) == 0) {
                struct config_report_item *item =
                    report_add(report, CONFIG_ERROR, "the secret was masked when this was printed");
                char path[512];
                if (item != NULL && lyd_path(node, LYD_PATH_STD, path, sizeof path) != NULL) {
                    item->path = arena_strdup(&report->arena, path);
                }
                found = true;
            }
            LYD_TREE_DFS_END(tree, node);
        }
    }
    return found;
}

static enum status load_tree(struct config_loader *loader, enum config_format format,
                             struct byte_view bytes, struct lyd_node **root_out,
                             struct config_report *report)
{
    enum status status = format == CONFIG_FORMAT_TEXT
                             ? text_read(loader, bytes, root_out, report)
                             : parse_structured(loader, format, bytes, root_out, report);
    if (status != STATUS_OK) {
        return status;
    }
    ly_err_clean(loader->context, NULL);
    if (lyd_validate_all(root_out, loader->context, LYD_VALIDATE_PRESENT | LYD_VALIDATE_NO_STATE,
                         NULL) != LY_SUCCESS) {
        report_add_libyang(report, loader->context, "the configuration breaks its model");
        return STATUS_INVALID;
    }
    return has_masked_secret(loader, *root_out, report) ? STATUS_INVALID : STATUS_OK;
}

enum status config_load(struct config_loader *loader, const char *name, enum config_format format,
                        struct byte_view bytes, struct config **config_out,
                        struct config_tree **tree_out, struct config_report *report)
{
    *config_out = NULL;
    if (tree_out != NULL) {
        *tree_out = NULL;
    }
    report->file_name = arena_strdup(&report->arena, name);
    if (bytes.size > CONFIG_FILE_BYTES_MAX) {
        report_add(report, CONFIG_ERROR, "a configuration has at most %u octets, this one has %zu",
                   CONFIG_FILE_BYTES_MAX, bytes.size);
        return STATUS_LIMIT;
    }
    struct lyd_node *root = NULL;
    enum status status = load_tree(loader, format, bytes, &root, report);
    struct config *config = status == STATUS_OK ? model_build(loader, root, report) : NULL;
    if (config == NULL) {
        lyd_free_all(root);
        return STATUS_INVALID;
    }
    *config_out = config;
    if (tree_out == NULL) {
        lyd_free_all(root);
        return STATUS_OK;
    }
    *tree_out = mem_alloc(MEM_CONFIG, sizeof **tree_out);
    (*tree_out)->root = root;
    return STATUS_OK;
}

enum status config_load_file_bytes(struct config_loader *loader, const char *name,
                                   struct byte_view bytes, struct config **config_out,
                                   struct config_tree **tree_out, struct config_report *report)
{
    return config_load(loader, name, config_format_of(name), bytes, config_out, tree_out, report);
}

void config_tree_free(struct config_tree *tree)
{
    if (tree != NULL) {
        lyd_free_all(tree->root);
        mem_free(MEM_CONFIG, tree);
    }
}
