/* `router bgp` in the model. */
#include <string.h>

#include "bgpd/config/model_private.h"
#include "proto/base/assert.h"

static int compare_neighbor(const void *a, const void *b)
{
    const struct config_neighbor *left = a;
    const struct config_neighbor *right = b;
    return ip_compare(&left->addr, &right->addr);
}

static int compare_group(const void *a, const void *b)
{
    const struct config_neighbor *left = a;
    const struct config_neighbor *right = b;
    return strcmp(left->group_name, right->group_name);
}

static int compare_network(const void *a, const void *b)
{
    const struct config_network *left = a;
    const struct config_network *right = b;
    return prefix_compare(&left->prefix, &right->prefix);
}

static int compare_aggregate(const void *a, const void *b)
{
    const struct config_aggregate *left = a;
    const struct config_aggregate *right = b;
    return prefix_compare(&left->prefix, &right->prefix);
}

static int compare_range(const void *a, const void *b)
{
    const struct config_listen_range *left = a;
    const struct config_listen_range *right = b;
    return prefix_compare(&left->prefix, &right->prefix);
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1) {
        qsort(items, count, size, compare);
    }
}

/* Two spellings of one prefix are two entries for YANG and one for us; a prefix stands first in
 * each of the structs. */
static void check_unique(const struct model_builder *builder, const struct lyd_node *list,
                         const void *items, size_t count, size_t size)
{
    const char *at = items;
    for (size_t i = 1; i < count; i++) {
        const struct prefix *previous = (const struct prefix *)(const void *)(at + (i - 1) * size);
        const struct prefix *prefix = (const struct prefix *)(const void *)(at + i * size);
        if (prefix_equal(previous, prefix)) {
            char text[PREFIX_TEXT_BYTES];
            model_error(builder, list, "%s is there twice", prefix_format(prefix, text));
        }
    }
}

_Static_assert(offsetof(struct config_network, prefix) == 0, "check_unique reads it");
_Static_assert(offsetof(struct config_aggregate, prefix) == 0, "check_unique reads it");
_Static_assert(offsetof(struct config_listen_range, prefix) == 0, "check_unique reads it");

static void check_family(const struct model_builder *builder, const struct lyd_node *entry,
                         const struct prefix *prefix, uint8_t family)
{
    if (prefix->family != IP_NONE && prefix->family != family) {
        model_error(builder, lyd_child(entry), "an %s prefix is expected in this family",
                    family == IP_V4 ? "IPv4" : "IPv6");
    }
}

static void build_networks(const struct model_builder *builder, const struct lyd_node *node,
                           uint8_t ip_family, struct config_bgp_family *family)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, node, "networks");
    const struct lyd_node **entries = model_entries(builder, list, "network", &count);
    struct config_network *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        model_fill(builder, entries[i], &out[i]);
        check_family(builder, entries[i], &out[i].prefix, ip_family);
    }
    sort(out, count, sizeof *out, compare_network);
    check_unique(builder, list, out, count, sizeof *out);
    family->networks = out;
    family->network_count = count;
}

static void build_aggregates(const struct model_builder *builder, const struct lyd_node *node,
                             uint8_t ip_family, struct config_bgp_family *family)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, node, "aggregates");
    const struct lyd_node **entries = model_entries(builder, list, "aggregate", &count);
    struct config_aggregate *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        model_fill(builder, entries[i], &out[i]);
        check_family(builder, entries[i], &out[i].prefix, ip_family);
    }
    sort(out, count, sizeof *out, compare_aggregate);
    check_unique(builder, list, out, count, sizeof *out);
    family->aggregates = out;
    family->aggregate_count = count;
}

static void build_redistributions(const struct model_builder *builder, const struct lyd_node *node,
                                  struct config_bgp_family *family)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, node, "redistributions");
    const struct lyd_node **entries = model_entries(builder, list, "redistribution", &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = leaf_number(lyd_child(entries[i]));
        ASSERT(kind < REDISTRIBUTE_KIND_COUNT);
        struct config_redistribute *out = &family->redistribute[kind];
        const struct lyd_node *metric = model_get(builder, entries[i], "metric");
        out->is_enabled = true;
        out->route_map = model_text(builder, entries[i], "policy");
        if (metric != NULL) {
            out->metric = (struct opt_u32){true, leaf_number(metric)};
        }
    }
}

static void build_families(const struct model_builder *builder, const struct lyd_node *global)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, global, "afi-safis");
    const struct lyd_node **entries = model_entries(builder, list, "afi-safi", &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t afi_safi = leaf_number(lyd_child(entries[i]));
        ASSERT(afi_safi < AFI_SAFI_COUNT);
        uint8_t ip_family = afi_safi_family((enum afi_safi)afi_safi);
        struct config_bgp_family *family = &builder->config->bgp.families[afi_safi];
        model_fill(builder, entries[i], family);
        build_networks(builder, entries[i], ip_family, family);
        build_aggregates(builder, entries[i], ip_family, family);
        build_redistributions(builder, entries[i], family);
    }
}

static void build_listen_ranges(const struct model_builder *builder, const struct lyd_node *global)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, global, "dynamic-peers");
    const struct lyd_node **entries = model_entries(builder, list, "dynamic-peer-list", &count);
    struct config_listen_range *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        (void)leaf_prefix(builder, lyd_child(entries[i]), &out[i].prefix);
        out[i].peer_group = model_text(builder, entries[i], "peer-group");
    }
    sort(out, count, sizeof *out, compare_range);
    check_unique(builder, list, out, count, sizeof *out);
    builder->config->bgp.listen_ranges = out;
    builder->config->bgp.listen_range_count = count;
}

static void check_milliseconds(const struct model_builder *builder, const struct lyd_node *entry)
{
    static const char *const paths[] = {"transport/bfd/desired-min-tx-interval",
                                        "transport/bfd/required-min-rx-interval"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct lyd_node *leaf = model_get(builder, entry, paths[i]);
        if (leaf != NULL && leaf_number(leaf) % 1000 != 0) {
            model_error(builder, leaf,
                        "whole milliseconds are expected, that is a multiple of 1000");
        }
    }
}

static void build_peer(const struct model_builder *builder, const struct lyd_node *entry,
                       struct config_neighbor *peer)
{
    model_fill(builder, entry, peer);
    check_milliseconds(builder, entry);
    peer->peer_group = model_text(builder, entry, "peer-group");
    /* FRR: naming a profile or intervals switches BFD on. */
    if (!peer->bfd.is_set && (peer->bfd_profile != NULL || peer->bfd_interval_ms.is_set ||
                              peer->bfd_multiplier.is_set)) {
        peer->bfd = (struct opt_bool){true, true};
    }
    if (peer->keepalive_s.is_set && peer->hold_time_s.is_set && peer->hold_time_s.value != 0 &&
        peer->keepalive_s.value >= peer->hold_time_s.value) {
        model_error(builder, model_get(builder, entry, "timers/keepalive"),
                    "the hold time (%u s) must be longer", peer->hold_time_s.value);
    }
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, entry, "afi-safis");
    const struct lyd_node **entries = model_entries(builder, list, "afi-safi", &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t afi_safi = leaf_number(lyd_child(entries[i]));
        ASSERT(afi_safi < AFI_SAFI_COUNT);
        model_fill(builder, entries[i], &peer->families[afi_safi]);
    }
}

static void build_peer_groups(const struct model_builder *builder, const struct lyd_node *bgp)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, bgp, "peer-groups");
    const struct lyd_node **entries = model_entries(builder, list, "peer-group", &count);
    struct config_neighbor *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i].group_name = arena_strdup(builder->arena, lyd_get_value(lyd_child(entries[i])));
        build_peer(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_group);
    builder->config->bgp.peer_groups = out;
    builder->config->bgp.peer_group_count = count;
}

static void build_neighbors(const struct model_builder *builder, const struct lyd_node *bgp)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, bgp, "neighbors");
    const struct lyd_node **entries = model_entries(builder, list, "neighbor", &count);
    struct config_neighbor *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i].addr = leaf_ip(lyd_child(entries[i]));
        build_peer(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_neighbor);
    builder->config->bgp.neighbors = out;
    builder->config->bgp.neighbor_count = count;
}

void model_build_bgp(const struct model_builder *builder)
{
    const struct lyd_node *bgp = model_get(builder, NULL, "bgp");
    const struct lyd_node *global = bgp == NULL ? NULL : model_get(builder, bgp, "global");
    if (global == NULL) {
        return;
    }
    builder->config->bgp.is_configured = true;
    model_fill(builder, global, &builder->config->bgp);
    build_listen_ranges(builder, global);
    build_families(builder, global);
    build_peer_groups(builder, bgp);
    build_neighbors(builder, bgp);
}
