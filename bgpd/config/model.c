/* Tree into model: binding of fields to the schema, leaves by table, and the order of the steps. */
#include "bgpd/config/model_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/bfd_auth.h"

/* ---- Binding ---- */

/* Fields hang on their leaf's schema node, so that filling a struct is one walk over the data. */
static void bind_fields(const struct config_loader *loader, const char *path,
                        const struct model_table *table)
{
    const struct lysc_node *node = schema_find(loader->context, NULL, path, strlen(path));
    ASSERT(node != NULL);
    for (size_t i = 0; i < table->count; i++) {
        const struct model_field *field = &table->fields[i];
        const struct lysc_node *leaf =
            schema_find(loader->context, node, field->path, strlen(field->path));
        ASSERT(leaf != NULL && leaf->priv == NULL);
        ((struct lysc_node *)leaf)->priv = (void *)field;
    }
}

void model_bind(struct config_loader *loader)
{
    static const struct {
        const char *path;
        const struct model_table *table;
    } structs[] = {
        {"sealane-system:system", &model_config},
        {"sealane-system:system/interfaces/interface", &model_interface},
        {"sealane-system:system/static-routes/route", &model_static_route},
        {"sealane-system:system/bfd/default", &model_bfd_profile},
        {"sealane-system:system/bfd/profile", &model_bfd_profile},
        {"sealane-protection:protection/encryption/requirement", &model_protection},
        {"sealane-protection:protection/tunnels/tunnel", &model_tunnel},
        {"sealane-bgp:bgp/global", &model_global},
        {"sealane-bgp:bgp/global/afi-safis/afi-safi", &model_bgp_family},
        {"sealane-bgp:bgp/global/afi-safis/afi-safi/networks/network", &model_network},
        {"sealane-bgp:bgp/global/afi-safis/afi-safi/aggregates/aggregate", &model_aggregate},
        {"sealane-bgp:bgp/peer-groups/peer-group", &model_neighbor},
        {"sealane-bgp:bgp/peer-groups/peer-group/afi-safis/afi-safi", &model_family},
        {"sealane-bgp:bgp/neighbors/neighbor", &model_neighbor},
        {"sealane-bgp:bgp/neighbors/neighbor/afi-safis/afi-safi", &model_family},
    };
    for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
        bind_fields(loader, structs[i].path, structs[i].table);
    }
}

/* ---- Leaves ---- */

static const struct lyd_value *leaf_value(const struct lyd_node *leaf)
{
    const struct lyd_value *value = &((const struct lyd_node_term *)leaf)->value;
    while (value->realtype->basetype == LY_TYPE_UNION) {
        value = &value->subvalue->value;
    }
    return value;
}

bool leaf_is_enum(const struct lyd_node *leaf)
{
    return leaf_value(leaf)->realtype->basetype == LY_TYPE_ENUM;
}

bool leaf_is_number(const struct lyd_node *leaf)
{
    return leaf_value(leaf)->realtype->basetype == LY_TYPE_UINT32;
}

bool leaf_is_true(const struct lyd_node *leaf)
{
    ASSERT(leaf_value(leaf)->realtype->basetype == LY_TYPE_BOOL);
    return leaf_value(leaf)->boolean != 0;
}

uint32_t leaf_number(const struct lyd_node *leaf)
{
    const struct lyd_value *value = leaf_value(leaf);
    switch (value->realtype->basetype) {
    case LY_TYPE_UINT8:
        return value->uint8;
    case LY_TYPE_UINT16:
        return value->uint16;
    case LY_TYPE_UINT32:
        return value->uint32;
    case LY_TYPE_ENUM:
        return (uint32_t)value->enum_item->value;
    default:
        UNREACHABLE();
        return 0;
    }
}

struct ip_addr leaf_ip(const struct lyd_node *leaf)
{
    struct ip_addr addr = {.family = IP_NONE};
    enum status status = ip_parse(lyd_get_value(leaf), &addr);
    return status == STATUS_OK ? addr : (struct ip_addr){.family = IP_NONE};
}

bool leaf_prefix(const struct model_builder *builder, const struct lyd_node *leaf,
                 struct prefix *prefix_out)
{
    const char *text = lyd_get_value(leaf);
    if (prefix_parse(text, prefix_out) == STATUS_OK) {
        return true;
    }
    struct prefix loose;
    if (prefix_parse_loose(text, &loose) == STATUS_OK) {
        char right[PREFIX_TEXT_BYTES];
        model_error(builder, leaf, "host bits are set; the prefix is %s",
                    prefix_format(&loose, right));
    } else {
        model_error(builder, leaf, "an IPv4 or IPv6 prefix, ADDRESS/LENGTH, is expected");
    }
    return false;
}

void model_error(const struct model_builder *builder, const struct lyd_node *node,
                 const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct config_report_item *item = report_add(builder->report, CONFIG_ERROR, "%s", text);
    if (item == NULL) {
        return;
    }
    struct arena *arena = &builder->report->arena;
    if ((node->schema->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0) {
        item->line = (uint32_t)(uintptr_t)node->priv;
        item->value = arena_printf(arena, "%.200s", lyd_get_value(node));
    } else if (node->schema->nodetype == LYS_LIST) {
        item->line = (uint32_t)(uintptr_t)lyd_child(node)->priv;
    }
    if (item->line == 0) {
        char path[1024];
        item->path = arena_strdup(arena, lyd_path(node, LYD_PATH_STD, path, sizeof path));
    }
}

/* ---- Fields ---- */

static void set_bit(struct opt_u32 *bits, const struct model_field *field, bool value)
{
    if (!bits->is_set) {
        *bits = (struct opt_u32){true, field->bits_default};
    }
    bits->value = value ? bits->value | field->bit : bits->value & ~(uint32_t)field->bit;
}

static void store_option(const struct model_field *field, const struct lyd_node *leaf, void *at)
{
    struct opt_u32 *number = at;
    struct opt_bool *flag = at;
    switch ((enum field_type)field->type) {
    case FIELD_OPT_BOOL:
        *flag = (struct opt_bool){true, leaf_is_true(leaf)};
        return;
    case FIELD_OPT_BOOL_NOT:
        *flag = (struct opt_bool){true, !leaf_is_true(leaf)};
        return;
    case FIELD_OPT_U32:
    case FIELD_OPT_ENUM:
        *number = (struct opt_u32){true, leaf_number(leaf)};
        return;
    case FIELD_OPT_MS_MAX:
        if (!number->is_set || number->value < leaf_number(leaf) / 1000) {
            *number = (struct opt_u32){true, leaf_number(leaf) / 1000};
        }
        return;
    case FIELD_OPT_IP4: {
        struct ip_addr addr = leaf_ip(leaf);
        *number = (struct opt_u32){true, ip_to_v4(&addr)};
        return;
    }
    case FIELD_OPT_BIT:
        set_bit(number, field, leaf_is_true(leaf));
        return;
    default:
        UNREACHABLE();
    }
}

/* Fields that are more than one value of the struct. */
static void store_neighbor(const struct model_builder *builder, const struct model_field *field,
                           const struct lyd_node *leaf, void *base)
{
    struct config_neighbor *neighbor = base;
    struct config_family *family = base;
    switch ((enum field_type)field->type) {
    case FIELD_PEER_AS:
        if (leaf_is_enum(leaf)) {
            neighbor->remote_as_kind =
                leaf_number(leaf) == 0 ? REMOTE_AS_INTERNAL : REMOTE_AS_EXTERNAL;
        } else {
            neighbor->remote_as_kind = REMOTE_AS_NUMBER;
            neighbor->remote_asn = leaf_number(leaf);
        }
        return;
    case FIELD_LOCAL_ADDRESS:
        neighbor->update_source = leaf_ip(leaf);
        if (neighbor->update_source.family == IP_NONE) {
            neighbor->update_source_interface = arena_strdup(builder->arena, lyd_get_value(leaf));
        }
        return;
    case FIELD_EXIST_MAP:
    case FIELD_NON_EXIST_MAP:
        if (family->condition_map != NULL) {
            model_error(builder, leaf, "exist-map and non-exist-map exclude each other");
        }
        family->condition_map = arena_strdup(builder->arena, lyd_get_value(leaf));
        family->condition_is_absence = field->type == FIELD_NON_EXIST_MAP;
        return;
    default:
        store_option(field, leaf, (char *)base + field->offset);
        return;
    }
}

static void store(const struct model_builder *builder, const struct model_field *field,
                  const struct lyd_node *leaf, void *base)
{
    void *at = (char *)base + field->offset;
    switch ((enum field_type)field->type) {
    case FIELD_STRING:
        *(const char **)at = arena_strdup(builder->arena, lyd_get_value(leaf));
        return;
    case FIELD_BOOL:
        *(bool *)at = leaf_is_true(leaf);
        return;
    case FIELD_BOOL_NOT:
        *(bool *)at = !leaf_is_true(leaf);
        return;
    case FIELD_ENUM_BOOL:
        *(bool *)at = leaf_number(leaf) == 1;
        return;
    case FIELD_U8:
    case FIELD_ENUM_U8:
        *(uint8_t *)at = (uint8_t)leaf_number(leaf);
        return;
    case FIELD_ROLE:
        *(uint8_t *)at = (uint8_t)(leaf_number(leaf) + 1);
        return;
    case FIELD_U32:
    case FIELD_ENUM_U32:
        *(uint32_t *)at = leaf_number(leaf);
        return;
    case FIELD_MS:
        *(uint32_t *)at = leaf_number(leaf) / 1000;
        return;
    case FIELD_ENUM_BITS:
        *(uint32_t *)at |= 1u << leaf_number(leaf);
        return;
    case FIELD_IP:
        *(struct ip_addr *)at = leaf_ip(leaf);
        return;
    case FIELD_PREFIX:
        (void)leaf_prefix(builder, leaf, at);
        return;
    default:
        store_neighbor(builder, field, leaf, base);
        return;
    }
}

_Static_assert(sizeof(enum protection_guard) == sizeof(uint32_t), "FIELD_ENUM_U32 stores it");
_Static_assert(AZURE_ROLE_MSEE == 1 && AZURE_ROLE_ROUTE_SERVER == 5, "order of the enumeration");
_Static_assert(BGP_ROLE_PROVIDER == 0 && BGP_ROLE_PEER == 4, "order of the enumeration");
_Static_assert(PREFIX_LIMIT_WARN == 1 && PREFIX_LIMIT_HOLD == 2, "order of the enumeration");
_Static_assert(PRIVATE_AS_REPLACE_ALL == 3, "order of the enumeration");
_Static_assert(BFD_AUTH_SIMPLE == 1 && BFD_AUTH_METICULOUS_SHA1 == 5, "order of the enumeration");
_Static_assert(PROBE_KIND_AUTO == 0 && PROBE_KIND_TCP == 2, "order of the enumeration");
_Static_assert(LIVENESS_BFD == 1 << 4 && LIVENESS_XFRM == 1 << 1, "order of the enumeration");

void model_fill(const struct model_builder *builder, const struct lyd_node *node, void *base)
{
    struct lyd_node *at = NULL;
    LYD_TREE_DFS_BEGIN(node, at)
    {
        if (at != node && at->schema->nodetype == LYS_LIST) {
            LYD_TREE_DFS_continue = 1;
        } else if (at->schema->priv != NULL) {
            store(builder, at->schema->priv, at, base);
        }
        LYD_TREE_DFS_END(node, at);
    }
}

/* ---- Finding ---- */

const struct lyd_node *model_get(const struct model_builder *builder, const struct lyd_node *parent,
                                 const char *path)
{
    const struct lyd_node *node = parent;
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        const struct lyd_node *child = node == NULL ? builder->root : lyd_child(node);
        while (child != NULL && (strlen(child->schema->name) != size ||
                                 memcmp(child->schema->name, path, size) != 0)) {
            child = child->next;
        }
        if (child == NULL) {
            return NULL;
        }
        node = child;
        path += size;
        path += *path == '/' ? 1 : 0;
    }
    return node;
}

const char *model_text(const struct model_builder *builder, const struct lyd_node *parent,
                       const char *path)
{
    const struct lyd_node *leaf = model_get(builder, parent, path);
    return leaf == NULL ? NULL : arena_strdup(builder->arena, lyd_get_value(leaf));
}

const struct lyd_node **model_entries(const struct model_builder *builder,
                                      const struct lyd_node *parent, const char *name,
                                      size_t *count_out)
{
    size_t count = 0;
    const struct lyd_node *first = parent == NULL ? NULL : lyd_child(parent);
    for (const struct lyd_node *node = first; node != NULL; node = node->next) {
        count += strcmp(node->schema->name, name) == 0;
    }
    const struct lyd_node **entries = arena_alloc(builder->arena, (count + 1) * sizeof *entries);
    size_t used = 0;
    for (const struct lyd_node *node = first; node != NULL; node = node->next) {
        if (strcmp(node->schema->name, name) == 0) {
            entries[used++] = node;
        }
    }
    *count_out = count;
    return entries;
}

struct config *model_build(const struct config_loader *loader, const struct lyd_node *root,
                           struct config_report *report)
{
    struct config *config = config_new();
    struct model_builder builder = {loader, config, &config->arena, report, root};
    size_t errors_before = report->error_count;
    model_build_system(&builder);
    model_build_sets(&builder);
    model_build_route_maps(&builder);
    model_build_bgp(&builder);
    if (report->error_count > errors_before) {
        config_free(config);
        return NULL;
    }
    return config;
}
