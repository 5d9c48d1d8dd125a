/* Prefix, AS-path and community lists in the model. */
#include <string.h>

#include "bgpd/config/model_private.h"
#include "proto/base/assert.h"

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1) {
        qsort(items, count, size, compare);
    }
}

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static bool entry_is_permit(const struct lyd_node *action)
{
    return action != NULL && leaf_number(action) == 0;
}

/* ---- Prefix lists: the big ones, so their leaves are found in one pass ---- */

static int compare_prefix_entry(const void *a, const void *b)
{
    const struct prefix_list_entry_def *left = a;
    const struct prefix_list_entry_def *right = b;
    return compare_u32(left->sequence, right->sequence);
}

static void check_lengths(const struct model_builder *builder, const struct lyd_node *entry,
                          const struct prefix_list_entry_def *def)
{
    uint8_t bits = ip_family_bits(def->prefix.family);
    const struct lyd_node *ge = model_get(builder, entry, "mask-length-lower");
    const struct lyd_node *le = model_get(builder, entry, "mask-length-upper");
    if (ge != NULL && (leaf_number(ge) <= def->prefix.len_bits || leaf_number(ge) > bits)) {
        model_error(builder, ge, "ge must be longer than the prefix and at most %u", bits);
    } else if (le != NULL && (leaf_number(le) < def->prefix.len_bits || leaf_number(le) > bits)) {
        model_error(builder, le, "le must be at least the prefix's length and at most %u", bits);
    } else if (ge != NULL && le != NULL && leaf_number(le) < leaf_number(ge)) {
        model_error(builder, le, "le must be at least ge (%u)", leaf_number(ge));
    }
}

static void build_prefix_entry(const struct model_builder *builder, const struct lyd_node *entry,
                               uint8_t family, struct prefix_list_entry_def *def)
{
    bool is_prefix_fine = false;
    for (const struct lyd_node *leaf = lyd_child(entry); leaf != NULL; leaf = leaf->next) {
        const char *name = leaf->schema->name;
        if (strcmp(name, "sequence") == 0) {
            def->sequence = leaf_number(leaf);
        } else if (strcmp(name, "action") == 0) {
            def->is_permit = entry_is_permit(leaf);
        } else if (strcmp(name, "ip-prefix") == 0) {
            is_prefix_fine = leaf_prefix(builder, leaf, &def->prefix);
            if (is_prefix_fine && def->prefix.family != family) {
                model_error(builder, leaf, "the list is for the other IP version");
                is_prefix_fine = false;
            }
        } else if (strcmp(name, "mask-length-lower") == 0) {
            def->ge_bits = (uint8_t)leaf_number(leaf);
        } else if (strcmp(name, "mask-length-upper") == 0) {
            def->le_bits = (uint8_t)leaf_number(leaf);
        }
    }
    if (is_prefix_fine && (def->ge_bits != 0 || def->le_bits != 0)) {
        check_lengths(builder, entry, def);
    }
}

static void build_prefix_list(const struct model_builder *builder, const struct lyd_node *set,
                              struct prefix_list_def *def)
{
    size_t count = 0;
    const struct lyd_node **entries =
        model_entries(builder, model_get(builder, set, "prefixes"), "prefix-list", &count);
    struct prefix_list_entry_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    def->name = model_text(builder, set, "name");
    def->family = leaf_number(model_get(builder, set, "mode")) == 0 ? IP_V4 : IP_V6;
    def->description = model_text(builder, set, "description");
    for (size_t i = 0; i < count; i++) {
        build_prefix_entry(builder, entries[i], def->family, &out[i]);
    }
    sort(out, count, sizeof *out, compare_prefix_entry);
    def->entries = out;
    def->entry_count = count;
}

static int compare_prefix_list(const void *a, const void *b)
{
    const struct prefix_list_def *left = a;
    const struct prefix_list_def *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : compare_u32(left->family, right->family);
}

static void build_prefix_lists(const struct model_builder *builder, const struct lyd_node *sets)
{
    size_t count = 0;
    const struct lyd_node **entries =
        model_entries(builder, model_get(builder, sets, "prefix-sets"), "prefix-set", &count);
    struct prefix_list_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        build_prefix_list(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_prefix_list);
    builder->config->policy.prefix_lists = out;
    builder->config->policy.prefix_list_count = count;
}

/* ---- AS-path lists ---- */

static int compare_as_path_entry(const void *a, const void *b)
{
    const struct as_path_list_entry_def *left = a;
    const struct as_path_list_entry_def *right = b;
    return compare_u32(left->sequence, right->sequence);
}

static int compare_as_path_list(const void *a, const void *b)
{
    const struct as_path_list_def *left = a;
    const struct as_path_list_def *right = b;
    return strcmp(left->name, right->name);
}

static void build_as_path_list(const struct model_builder *builder, const struct lyd_node *set,
                               struct as_path_list_def *def)
{
    size_t count = 0;
    const struct lyd_node **entries = model_entries(builder, set, "entry", &count);
    struct as_path_list_entry_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    def->name = model_text(builder, set, "name");
    for (size_t i = 0; i < count; i++) {
        out[i].sequence = leaf_number(lyd_child(entries[i]));
        out[i].is_permit = entry_is_permit(model_get(builder, entries[i], "action"));
        out[i].regexp = model_text(builder, entries[i], "regexp");
    }
    sort(out, count, sizeof *out, compare_as_path_entry);
    def->entries = out;
    def->entry_count = count;
}

static void build_as_path_lists(const struct model_builder *builder, const struct lyd_node *sets)
{
    size_t count = 0;
    const struct lyd_node **entries =
        model_entries(builder, model_get(builder, sets, "as-path-sets"), "as-path-set", &count);
    struct as_path_list_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        build_as_path_list(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_as_path_list);
    builder->config->policy.as_path_lists = out;
    builder->config->policy.as_path_list_count = count;
}

/* ---- Community lists ---- */

const struct community *model_communities(const struct model_builder *builder,
                                          const struct lyd_node *parent, const char *name,
                                          enum community_kind kind, const char *tag,
                                          size_t *count_out)
{
    size_t count = 0;
    const struct lyd_node **leaves = model_entries(builder, parent, name, &count);
    struct community *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = lyd_get_value(leaves[i]);
        if (strcmp(text, "internet") == 0) {
            continue; /* every route has it: nothing to compare */
        }
        if (tag != NULL) {
            text = arena_printf(builder->arena, "%s %s", tag, text);
        }
        if (community_parse(kind, text, &out[used]) != STATUS_OK) {
            model_error(builder, leaves[i], "this is no %s community",
                        kind == COMMUNITY_STANDARD   ? "standard"
                        : kind == COMMUNITY_EXTENDED ? "extended"
                                                     : "large");
            continue;
        }
        used++;
    }
    *count_out = used;
    return out;
}

static int compare_community_entry(const void *a, const void *b)
{
    const struct community_list_entry_def *left = a;
    const struct community_list_entry_def *right = b;
    return compare_u32(left->sequence, right->sequence);
}

static int compare_community_list(const void *a, const void *b)
{
    const struct community_list_def *left = a;
    const struct community_list_def *right = b;
    int order = compare_u32(left->kind, right->kind);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static void build_community_list(const struct model_builder *builder, const struct lyd_node *set,
                                 enum community_kind kind, struct community_list_def *def)
{
    size_t count = 0;
    const struct lyd_node **entries = model_entries(builder, set, "entry", &count);
    struct community_list_entry_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    def->name = model_text(builder, set, "name");
    def->kind = kind;
    size_t expanded = 0;
    for (size_t i = 0; i < count; i++) {
        out[i].sequence = leaf_number(lyd_child(entries[i]));
        out[i].is_permit = entry_is_permit(model_get(builder, entries[i], "action"));
        out[i].regexp = model_text(builder, entries[i], "regexp");
        out[i].communities =
            model_communities(builder, entries[i], "member", kind, NULL, &out[i].community_count);
        expanded += out[i].regexp != NULL;
        if ((out[i].regexp != NULL) == (model_get(builder, entries[i], "member") != NULL)) {
            model_error(builder, entries[i], "either members or a regexp are expected");
        }
    }
    if (expanded != 0 && expanded != count) {
        model_error(builder, set, "a list is either a standard or an expanded one");
    }
    sort(out, count, sizeof *out, compare_community_entry);
    def->is_expanded = expanded != 0;
    def->entries = out;
    def->entry_count = count;
}

static void build_community_lists(const struct model_builder *builder, const struct lyd_node *sets)
{
    static const struct {
        const char *container;
        const char *list;
        enum community_kind kind;
    } kinds[] = {
        {"community-sets", "community-set", COMMUNITY_STANDARD},
        {"ext-community-sets", "ext-community-set", COMMUNITY_EXTENDED},
        {"large-community-sets", "large-community-set", COMMUNITY_LARGE},
    };
    const size_t kind_count = sizeof kinds / sizeof kinds[0];
    const struct lyd_node **entries[sizeof kinds / sizeof kinds[0]];
    size_t counts[sizeof kinds / sizeof kinds[0]];
    size_t total = 0;
    for (size_t k = 0; k < kind_count; k++) {
        entries[k] = model_entries(builder, model_get(builder, sets, kinds[k].container),
                                   kinds[k].list, &counts[k]);
        total += counts[k];
    }
    struct community_list_def *out = arena_alloc(builder->arena, (total + 1) * sizeof *out);
    size_t used = 0;
    for (size_t k = 0; k < kind_count; k++) {
        for (size_t i = 0; i < counts[k]; i++) {
            build_community_list(builder, entries[k][i], kinds[k].kind, &out[used++]);
        }
    }
    sort(out, total, sizeof *out, compare_community_list);
    builder->config->policy.community_lists = out;
    builder->config->policy.community_list_count = total;
}

void model_build_sets(const struct model_builder *builder)
{
    const struct lyd_node *policy = model_get(builder, NULL, "routing-policy");
    const struct lyd_node *sets =
        policy == NULL ? NULL : model_get(builder, policy, "defined-sets");
    if (sets != NULL) {
        build_prefix_lists(builder, sets);
        build_as_path_lists(builder, sets);
        build_community_lists(builder, sets);
    }
}
