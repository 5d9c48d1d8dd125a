/* Route maps in the model. */
#include <string.h>

#include "bgpd/config/model_private.h"
#include "proto/base/assert.h"

#define MATCHES_MAX 24u
#define SETS_MAX    24u

struct map_builder {
    const struct model_builder *model;
    const struct lyd_node *conditions; /* NULL when there is none */
    const struct lyd_node *actions;
    struct match_def matches[MATCHES_MAX];
    size_t match_count;
    struct set_def sets[SETS_MAX];
    size_t set_count;
};

/* ---- Matches ---- */

enum match_value {
    MATCH_VALUE_NAME,
    MATCH_VALUE_NUMBER,
    MATCH_VALUE_HOST,
};

struct match_row {
    const char *path;
    enum match_kind kind;
    enum match_value value;
    uint8_t family;
    uint8_t community_kind;
};

static const struct match_row match_rows[] = {
    {"match-prefix-set/ipv4-prefix-set", MATCH_PREFIX_LIST, MATCH_VALUE_NAME, IP_V4, 0},
    {"match-prefix-set/ipv6-prefix-set", MATCH_PREFIX_LIST, MATCH_VALUE_NAME, IP_V6, 0},
    {"match-next-hop-set/ipv4-prefix-set", MATCH_NEXT_HOP_PREFIX_LIST, MATCH_VALUE_NAME, IP_V4, 0},
    {"match-next-hop-set/ipv6-prefix-set", MATCH_NEXT_HOP_PREFIX_LIST, MATCH_VALUE_NAME, IP_V6, 0},
    {"match-next-hop-set/ipv4-address", MATCH_NEXT_HOP_ADDRESS, MATCH_VALUE_HOST, IP_V4, 0},
    {"match-next-hop-set/ipv6-address", MATCH_NEXT_HOP_ADDRESS, MATCH_VALUE_HOST, IP_V6, 0},
    {"match-as-path-set", MATCH_AS_PATH_LIST, MATCH_VALUE_NAME, 0, 0},
    {"match-community-set/community-set", MATCH_COMMUNITY_LIST, MATCH_VALUE_NAME, 0,
     COMMUNITY_STANDARD},
    {"match-large-community-set/large-community-set", MATCH_COMMUNITY_LIST, MATCH_VALUE_NAME, 0,
     COMMUNITY_LARGE},
    {"match-ext-community-set/ext-community-set", MATCH_COMMUNITY_LIST, MATCH_VALUE_NAME, 0,
     COMMUNITY_EXTENDED},
    {"med", MATCH_METRIC, MATCH_VALUE_NUMBER, 0, 0},
    {"local-pref", MATCH_LOCAL_PREF, MATCH_VALUE_NUMBER, 0, 0},
    {"weight", MATCH_WEIGHT, MATCH_VALUE_NUMBER, 0, 0},
    {"origin-eq", MATCH_ORIGIN, MATCH_VALUE_NUMBER, 0, 0},
    {"match-tag", MATCH_TAG, MATCH_VALUE_NUMBER, 0, 0},
    {"match-neighbor", MATCH_PEER, MATCH_VALUE_HOST, 0, 0},
    {"path-class", MATCH_PATH_CLASS, MATCH_VALUE_NUMBER, 0, 0},
    {"source-protocol", MATCH_SOURCE_PROTOCOL, MATCH_VALUE_NUMBER, 0, 0},
    {"as-path-length/value", MATCH_AS_PATH_LENGTH, MATCH_VALUE_NUMBER, 0, 0},
    {"match-interface", MATCH_INTERFACE, MATCH_VALUE_NAME, 0, 0},
};

_Static_assert(sizeof match_rows / sizeof match_rows[0] <= MATCHES_MAX, "one match per row");
/* origin-eq and source-protocol are stored as the numbers of their words. */
_Static_assert(BGP_ORIGIN_IGP == 0 && BGP_ORIGIN_EGP == 1 && BGP_ORIGIN_INCOMPLETE == 2,
               "RFC 4271");
_Static_assert(POLICY_PROTOCOL_BGP == 0 && POLICY_PROTOCOL_KERNEL == 3, "order of the words");

static bool is_exact(const struct map_builder *builder, const struct match_row *row)
{
    const char *path = NULL;
    if (row->kind == MATCH_AS_PATH_LENGTH) {
        const struct lyd_node *op =
            model_get(builder->model, builder->conditions, "as-path-length/operator");
        return op != NULL && leaf_number(op) == 0;
    }
    if (row->kind == MATCH_COMMUNITY_LIST && row->community_kind == COMMUNITY_STANDARD) {
        path = "match-community-set/exact";
    } else if (row->kind == MATCH_COMMUNITY_LIST && row->community_kind == COMMUNITY_LARGE) {
        path = "match-large-community-set/exact";
    }
    const struct lyd_node *exact =
        path == NULL ? NULL : model_get(builder->model, builder->conditions, path);
    return exact != NULL && leaf_is_true(exact);
}

static void build_match(struct map_builder *builder, const struct match_row *row,
                        const struct lyd_node *leaf)
{
    struct match_def *match = &builder->matches[builder->match_count++];
    *match = (struct match_def){.kind = row->kind,
                                .family = row->family,
                                .community_kind = row->community_kind,
                                .exact = is_exact(builder, row)};
    switch (row->value) {
    case MATCH_VALUE_NAME:
        match->name = arena_strdup(builder->model->arena, lyd_get_value(leaf));
        return;
    case MATCH_VALUE_NUMBER:
        match->number = leaf_number(leaf);
        return;
    case MATCH_VALUE_HOST: {
        struct ip_addr addr = leaf_ip(leaf);
        match->prefix = prefix_host(&addr);
        return;
    }
    }
}

static void build_matches(struct map_builder *builder)
{
    if (builder->conditions == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof match_rows / sizeof match_rows[0]; i++) {
        const struct lyd_node *leaf =
            model_get(builder->model, builder->conditions, match_rows[i].path);
        if (leaf != NULL) {
            build_match(builder, &match_rows[i], leaf);
        }
    }
}

/* ---- Sets ---- */

static struct set_def *add_set(struct map_builder *builder, enum set_kind kind)
{
    ASSERT(builder->set_count < SETS_MAX);
    struct set_def *set = &builder->sets[builder->set_count++];
    *set = (struct set_def){.kind = kind, .op = SET_OP_REPLACE};
    return set;
}

static const struct lyd_node *action(const struct map_builder *builder, const char *path)
{
    return model_get(builder->model, builder->actions, path);
}

/* "100", "+10", "-10". */
static void build_adjustable(struct map_builder *builder, const char *path, enum set_kind kind)
{
    const struct lyd_node *leaf = action(builder, path);
    if (leaf == NULL) {
        return;
    }
    struct set_def *set = add_set(builder, kind);
    if (leaf_is_number(leaf)) {
        set->number = leaf_number(leaf);
        return;
    }
    const char *text = lyd_get_value(leaf);
    unsigned long long number = strtoull(text + 1, NULL, 10);
    set->op = text[0] == '+' ? SET_OP_ADD : SET_OP_SUBTRACT;
    set->number = (uint32_t)number;
    if (number > UINT32_MAX) {
        model_error(builder->model, leaf, "at most 4294967295 can be added or taken away");
    }
}

static void build_number(struct map_builder *builder, const char *path, enum set_kind kind)
{
    const struct lyd_node *leaf = action(builder, path);
    if (leaf != NULL) {
        add_set(builder, kind)->number = leaf_number(leaf);
    }
}

static void build_addr(struct map_builder *builder, const char *path, enum set_kind kind)
{
    const struct lyd_node *leaf = action(builder, path);
    if (leaf != NULL) {
        add_set(builder, kind)->addr = leaf_ip(leaf);
    }
}

static void build_next_hop(struct map_builder *builder)
{
    const struct lyd_node *leaf = action(builder, "set-next-hop/ipv4");
    if (leaf != NULL && leaf_is_enum(leaf)) {
        static const enum set_kind kinds[] = {SET_NEXT_HOP_SELF, SET_NEXT_HOP_PEER,
                                              SET_NEXT_HOP_UNCHANGED};
        add_set(builder, kinds[leaf_number(leaf)]);
    } else if (leaf != NULL) {
        add_set(builder, SET_NEXT_HOP)->addr = leaf_ip(leaf);
    }
    build_addr(builder, "set-next-hop/ipv6-global", SET_NEXT_HOP);
    const struct lyd_node *local = action(builder, "set-next-hop/ipv6-local");
    if (local != NULL) {
        struct ip_addr addr = leaf_ip(local);
        if (!ip_is_link_local(&addr)) {
            model_error(builder->model, local, "a link-local address (fe80::/10) is expected");
        }
        add_set(builder, SET_NEXT_HOP)->addr = addr;
    }
}

static void build_prepend(struct map_builder *builder)
{
    const struct lyd_node *leaf = action(builder, "set-as-path-prepend/asns");
    build_number(builder, "set-as-path-prepend/last-as", SET_AS_PATH_PREPEND_LAST);
    if (leaf == NULL) {
        return;
    }
    const char *at = lyd_get_value(leaf);
    uint32_t *asns = arena_alloc(builder->model->arena, (strlen(at) / 2 + 1) * sizeof *asns);
    size_t count = 0;
    while (*at != '\0') {
        char *end = NULL;
        unsigned long long number = strtoull(at, &end, 10);
        if (number == 0 || number >= UINT32_MAX) {
            model_error(builder->model, leaf, "AS numbers are from 1 to 4294967294");
            return;
        }
        asns[count++] = (uint32_t)number;
        at = *end == ' ' ? end + 1 : end;
    }
    struct set_def *set = add_set(builder, SET_AS_PATH_PREPEND);
    set->asns = asns;
    set->asn_count = count;
}

static void build_exclude(struct map_builder *builder)
{
    size_t count = 0;
    const struct lyd_node **leaves =
        model_entries(builder->model, builder->actions, "as-path-exclude", &count);
    if (count == 0) {
        return;
    }
    uint32_t *asns = arena_alloc(builder->model->arena, count * sizeof *asns);
    for (size_t i = 0; i < count; i++) {
        asns[i] = leaf_number(leaves[i]);
    }
    struct set_def *set = add_set(builder, SET_AS_PATH_EXCLUDE);
    set->asns = asns;
    set->asn_count = count;
}

static void build_delete_set(struct map_builder *builder, const struct lyd_node *container,
                             enum community_kind kind)
{
    const char *name = model_text(builder->model, container, "delete-set");
    if (name != NULL) {
        struct set_def *set = add_set(builder, SET_COMMUNITY_DELETE);
        set->name = name;
        set->community_kind = (uint8_t)kind;
    }
}

/* The second list of an extended community's container adds to what the first one made. */
static void build_communities(struct map_builder *builder, const char *path,
                              enum community_kind kind)
{
    const struct lyd_node *container = action(builder, path);
    if (container == NULL) {
        return;
    }
    const struct lyd_node *options = model_get(builder->model, container, "options");
    static const enum set_op ops[] = {SET_OP_REPLACE, SET_OP_ADD, SET_OP_NONE};
    enum set_op op = options == NULL ? SET_OP_REPLACE : ops[leaf_number(options)];
    static const struct {
        const char *leaf;
        const char *tag;
    } lists[] = {{"communities", NULL}, {"route-target", "rt"}, {"site-of-origin", "soo"}};
    bool has_communities = false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && op != SET_OP_NONE; i++) {
        if (model_get(builder->model, container, lists[i].leaf) == NULL) {
            continue;
        }
        struct set_def *set = add_set(builder, SET_COMMUNITY);
        set->community_kind = (uint8_t)kind;
        set->op = has_communities ? SET_OP_ADD : op;
        set->communities = model_communities(builder->model, container, lists[i].leaf, kind,
                                             lists[i].tag, &set->community_count);
        has_communities = true;
    }
    if (op == SET_OP_NONE) {
        struct set_def *set = add_set(builder, SET_COMMUNITY);
        set->community_kind = (uint8_t)kind;
        set->op = SET_OP_NONE;
    }
    build_delete_set(builder, container, kind);
}

static void build_aggregator(struct map_builder *builder)
{
    const struct lyd_node *container = action(builder, "set-aggregator");
    if (container == NULL || lyd_child(container) == NULL) {
        return;
    }
    const struct lyd_node *as = model_get(builder->model, container, "as");
    const struct lyd_node *addr = model_get(builder->model, container, "address");
    if (as == NULL || addr == NULL) {
        model_error(builder->model, container, "an aggregator has an AS number and an address");
        return;
    }
    struct set_def *set = add_set(builder, SET_AGGREGATOR);
    set->number = leaf_number(as);
    set->addr = leaf_ip(addr);
}

static void build_sets(struct map_builder *builder)
{
    build_number(builder, "set-weight", SET_WEIGHT);
    build_adjustable(builder, "set-local-pref", SET_LOCAL_PREF);
    build_adjustable(builder, "set-med", SET_METRIC);
    build_number(builder, "set-route-origin", SET_ORIGIN);
    build_number(builder, "set-tag", SET_TAG);
    build_next_hop(builder);
    /* Taking numbers out comes before putting numbers in front, as in FRR. */
    build_exclude(builder);
    build_prepend(builder);
    build_communities(builder, "set-community", COMMUNITY_STANDARD);
    build_communities(builder, "set-large-community", COMMUNITY_LARGE);
    build_communities(builder, "set-ext-community", COMMUNITY_EXTENDED);
    build_addr(builder, "set-preferred-source", SET_PREFERRED_SOURCE);
    const struct lyd_node *atomic = action(builder, "set-atomic-aggregate");
    if (atomic != NULL && leaf_is_true(atomic)) {
        add_set(builder, SET_ATOMIC_AGGREGATE);
    }
    build_aggregator(builder);
}

/* ---- Entries ---- */

static void build_exit(const struct map_builder *builder, struct route_map_entry_def *entry)
{
    const struct lyd_node *leaf = action(builder, "on-match");
    if (leaf == NULL) {
        return;
    }
    if (leaf_is_enum(leaf)) {
        entry->exit = ROUTE_MAP_EXIT_NEXT;
        return;
    }
    entry->exit = ROUTE_MAP_EXIT_GOTO;
    entry->exit_sequence = leaf_number(leaf);
    if (entry->exit_sequence <= entry->sequence) {
        model_error(builder->model, leaf, "only statements further on can be gone to");
    }
}

static void build_entry(const struct model_builder *model, const struct lyd_node *statement,
                        struct route_map_entry_def *entry)
{
    struct map_builder builder = {.model = model,
                                  .conditions = model_get(model, statement, "conditions"),
                                  .actions = model_get(model, statement, "actions")};
    entry->sequence = leaf_number(lyd_child(statement));
    entry->description = model_text(model, statement, "description");
    if (builder.conditions != NULL) {
        entry->call = model_text(model, builder.conditions, "call-policy");
    }
    build_matches(&builder);
    if (builder.actions != NULL) {
        entry->is_permit = leaf_number(action(&builder, "policy-result")) == 0;
        build_sets(&builder);
        build_exit(&builder, entry);
    }
    entry->matches =
        arena_copy(model->arena, builder.matches, builder.match_count * sizeof builder.matches[0]);
    entry->match_count = builder.match_count;
    entry->sets =
        arena_copy(model->arena, builder.sets, builder.set_count * sizeof builder.sets[0]);
    entry->set_count = builder.set_count;
}

static int compare_entry(const void *a, const void *b)
{
    const struct route_map_entry_def *left = a;
    const struct route_map_entry_def *right = b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static int compare_map(const void *a, const void *b)
{
    const struct route_map_def *left = a;
    const struct route_map_def *right = b;
    return strcmp(left->name, right->name);
}

static void build_map(const struct model_builder *model, const struct lyd_node *definition,
                      struct route_map_def *map)
{
    size_t count = 0;
    const struct lyd_node **entries =
        model_entries(model, model_get(model, definition, "statements"), "statement", &count);
    struct route_map_entry_def *out = arena_alloc(model->arena, (count + 1) * sizeof *out);
    map->name = model_text(model, definition, "name");
    for (size_t i = 0; i < count; i++) {
        build_entry(model, entries[i], &out[i]);
    }
    if (count > 1) {
        qsort(out, count, sizeof *out, compare_entry);
    }
    map->entries = out;
    map->entry_count = count;
}

void model_build_route_maps(const struct model_builder *model)
{
    const struct lyd_node *policy = model_get(model, NULL, "routing-policy");
    const struct lyd_node *definitions =
        policy == NULL ? NULL : model_get(model, policy, "policy-definitions");
    size_t count = 0;
    const struct lyd_node **entries =
        model_entries(model, definitions, "policy-definition", &count);
    struct route_map_def *out = arena_alloc(model->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        build_map(model, entries[i], &out[i]);
    }
    if (count > 1) {
        qsort(out, count, sizeof *out, compare_map);
    }
    model->config->policy.route_maps = out;
    model->config->policy.route_map_count = count;
}
