/* The router, its interfaces, static routes, BFD, protection and tunnels in the model. */
#include <string.h>

#include "bgpd/config/model_private.h"
#include "proto/base/assert.h"

#define BFD_INTERVAL_MS_DEFAULT 300u
#define BFD_MULTIPLIER_DEFAULT  3u

/* Arrays are sorted by what makes their entries unique, so that equal configurations are equal
 * values whatever the order of the text. */
static int compare_static(const void *a, const void *b)
{
    const struct config_static_route *left = a;
    const struct config_static_route *right = b;
    int order = prefix_compare(&left->prefix, &right->prefix);
    if (order == 0) {
        order = ip_compare(&left->gateway, &right->gateway);
    }
    if (order == 0) {
        order = strcmp(left->interface == NULL ? "" : left->interface,
                       right->interface == NULL ? "" : right->interface);
    }
    return order;
}

static int compare_protection(const void *a, const void *b)
{
    const struct protection_def *left = a;
    const struct protection_def *right = b;
    return prefix_compare(&left->prefix, &right->prefix);
}

static int compare_tunnel(const void *a, const void *b)
{
    const struct config_tunnel *left = a;
    const struct config_tunnel *right = b;
    return strcmp(left->name, right->name);
}

static int compare_interface(const void *a, const void *b)
{
    const struct config_interface *left = a;
    const struct config_interface *right = b;
    return strcmp(left->name, right->name);
}

static int compare_profile(const void *a, const void *b)
{
    const struct config_bfd_profile *left = a;
    const struct config_bfd_profile *right = b;
    return strcmp(left->name, right->name);
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1) {
        qsort(items, count, size, compare);
    }
}

static void build_interfaces(const struct model_builder *builder, const struct lyd_node *system)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, system, "interfaces");
    const struct lyd_node **entries = model_entries(builder, list, "interface", &count);
    struct config_interface *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        model_fill(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_interface);
    builder->config->interfaces = out;
    builder->config->interface_count = count;
}

static void build_next_hop(const struct model_builder *builder, const struct lyd_node *entry,
                           struct config_static_route *route)
{
    const struct lyd_node *leaf = model_get(builder, entry, "next-hop");
    const char *text = lyd_get_value(leaf);
    if (strcmp(text, "blackhole") == 0) {
        route->is_blackhole = true;
    } else if (strcmp(text, "reject") == 0) {
        route->is_reject = true;
    } else {
        route->gateway = leaf_ip(leaf);
    }
    bool is_discard = route->is_blackhole || route->is_reject;
    if (route->gateway.family == IP_NONE && !is_discard) {
        if (strlen(text) > 15) {
            model_error(builder, leaf, "an address, an interface, blackhole or reject is expected");
        }
        if (route->interface != NULL) {
            model_error(builder, leaf, "an interface twice: the next hop is one already");
        }
        route->interface = arena_strdup(builder->arena, text);
    }
    if (is_discard && route->interface != NULL) {
        model_error(builder, leaf, "a discard route has no interface");
    }
    if (route->gateway.family != IP_NONE && route->gateway.family != route->prefix.family) {
        model_error(builder, leaf, "the gateway is of the other IP version");
    }
}

static void build_static_routes(const struct model_builder *builder, const struct lyd_node *system)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, system, "static-routes");
    const struct lyd_node **entries = model_entries(builder, list, "route", &count);
    struct config_static_route *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i].distance = 1;
        model_fill(builder, entries[i], &out[i]);
        build_next_hop(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_static);
    builder->config->static_routes = out;
    builder->config->static_route_count = count;
}

static void build_profile(const struct model_builder *builder, const struct lyd_node *node,
                          const char *name, struct config_bfd_profile *profile)
{
    profile->name = arena_strdup(builder->arena, name);
    profile->transmit_interval_ms = BFD_INTERVAL_MS_DEFAULT;
    profile->receive_interval_ms = BFD_INTERVAL_MS_DEFAULT;
    profile->detect_multiplier = BFD_MULTIPLIER_DEFAULT;
    model_fill(builder, node, profile);
    const struct lyd_node *tx = model_get(builder, node, "desired-min-tx-interval");
    const struct lyd_node *rx = model_get(builder, node, "required-min-rx-interval");
    if ((tx != NULL && leaf_number(tx) % 1000 != 0) ||
        (rx != NULL && leaf_number(rx) % 1000 != 0)) {
        model_error(builder, tx != NULL && leaf_number(tx) % 1000 != 0 ? tx : rx,
                    "whole milliseconds are expected, that is a multiple of 1000");
    }
}

/* False when there is nothing but the containers that libyang puts everywhere. */
static bool has_own_nodes(const struct lyd_node *parent)
{
    const struct lyd_node *child = NULL;
    LY_LIST_FOR(parent == NULL ? NULL : lyd_child(parent), child)
    {
        if ((child->flags & LYD_DEFAULT) == 0) {
            return true;
        }
    }
    return false;
}

static void build_bfd(const struct model_builder *builder, const struct lyd_node *system)
{
    const struct lyd_node *bfd = model_get(builder, system, "bfd");
    const struct lyd_node *base = bfd == NULL ? NULL : model_get(builder, bfd, "default");
    size_t count = 0;
    const struct lyd_node **entries = model_entries(builder, bfd, "profile", &count);
    struct config_bfd_profile *out = arena_alloc(builder->arena, (count + 2) * sizeof *out);
    size_t used = 0;
    if (has_own_nodes(base)) {
        build_profile(builder, base, "", &out[used++]);
    }
    for (size_t i = 0; i < count; i++) {
        build_profile(builder, entries[i], lyd_get_value(lyd_child(entries[i])), &out[used++]);
    }
    sort(out, used, sizeof *out, compare_profile);
    builder->config->bfd_profiles = out;
    builder->config->bfd_profile_count = used;
}

static uint8_t id_of(const struct model_builder *builder, const struct lyd_node *entry,
                     const char *name, uint8_t id)
{
    const struct lyd_node *leaf = model_get(builder, entry, name);
    return leaf == NULL ? id : (uint8_t)leaf_number(leaf);
}

static void build_tcp_key(const struct model_builder *builder, const struct lyd_node *entry,
                          struct config_tcp_key *key)
{
    const struct lyd_node *algorithm = model_get(builder, entry, "crypto-algorithm");
    const char *secret = model_text(builder, entry, "key-string");
    key->id = (uint8_t)leaf_number(lyd_child(entry));
    key->send_id = id_of(builder, entry, "send-id", key->id);
    key->recv_id = id_of(builder, entry, "recv-id", key->id);
    key->algorithm = algorithm == NULL ? TCP_AO_HMAC_SHA1 : (uint8_t)leaf_number(algorithm);
    if (secret != NULL && strlen(secret) >= sizeof key->secret) {
        model_error(builder, entry, "the key-string is longer than 80 octets");
    } else if (secret != NULL) {
        memcpy(key->secret, secret, strlen(secret) + 1);
    }
}

static int compare_tcp_key(const void *a, const void *b)
{
    const struct config_tcp_key *left = a;
    const struct config_tcp_key *right = b;
    return (int)left->id - (int)right->id;
}

/* RFC 5925 3.1: no two keys of one connection share an identifier. */
static void check_key_ids(const struct model_builder *builder, const struct lyd_node *entry,
                          const struct config_key_chain *chain)
{
    for (unsigned i = 0; i < chain->key_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            const struct config_tcp_key *a = &chain->keys[j];
            const struct config_tcp_key *b = &chain->keys[i];
            if (a->send_id == b->send_id || a->recv_id == b->recv_id) {
                model_error(builder, entry, "keys %u and %u have the same send-id or recv-id",
                            a->id, b->id);
            }
        }
    }
}

static void build_key_chains(const struct model_builder *builder, const struct lyd_node *system)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, system, "key-chains");
    const struct lyd_node **entries = model_entries(builder, list, "key-chain", &count);
    struct config_key_chain *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        size_t key_count = 0;
        const struct lyd_node **keys = model_entries(builder, entries[i], "key", &key_count);
        out[i].name = model_text(builder, entries[i], "name");
        if (key_count > TCP_AO_KEYS_MAX) {
            model_error(builder, entries[i], "%zu keys: %u at most", key_count, TCP_AO_KEYS_MAX);
            key_count = TCP_AO_KEYS_MAX;
        }
        out[i].key_count = (uint8_t)key_count;
        for (size_t j = 0; j < key_count; j++) {
            build_tcp_key(builder, keys[j], &out[i].keys[j]);
        }
        sort(out[i].keys, key_count, sizeof out[i].keys[0], compare_tcp_key);
        check_key_ids(builder, entries[i], &out[i]);
    }
    builder->config->key_chains = out;
    builder->config->key_chain_count = count;
}

static void build_paths(const struct model_builder *builder, const struct lyd_node *protection)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, protection, "paths");
    const struct lyd_node **entries = model_entries(builder, list, "path-class", &count);
    for (size_t i = 0; i < count; i++) {
        const struct lyd_node *weight = model_get(builder, entries[i], "weight");
        uint32_t path_class = leaf_number(lyd_child(entries[i]));
        ASSERT(path_class < PATH_CLASS_COUNT);
        if (weight != NULL) {
            builder->config->path_class_weight[path_class] =
                (struct opt_u32){true, leaf_number(weight)};
        }
    }
}

/* Two spellings of one prefix are two entries for YANG and one for us. */
static void check_protections(const struct model_builder *builder,
                              const struct protection_def *items, size_t count,
                              const struct lyd_node *list)
{
    for (size_t i = 1; i < count; i++) {
        if (prefix_equal(&items[i - 1].prefix, &items[i].prefix)) {
            char text[PREFIX_TEXT_BYTES];
            model_error(builder, list, "%s is there twice", prefix_format(&items[i].prefix, text));
        }
    }
}

static void build_protections(const struct model_builder *builder,
                              const struct lyd_node *protection)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, protection, "encryption");
    const struct lyd_node **entries = model_entries(builder, list, "requirement", &count);
    struct protection_def *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        model_fill(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_protection);
    check_protections(builder, out, count, list);
    builder->config->protections = out;
    builder->config->protection_count = count;
}

static void build_tunnel(const struct model_builder *builder, const struct lyd_node *entry,
                         struct config_tunnel *tunnel)
{
    model_fill(builder, entry, tunnel);
    if (tunnel->interface == NULL) {
        tunnel->interface = tunnel->name;
        if (strlen(tunnel->name) > 15) {
            model_error(builder, entry,
                        "the name is too long for an interface; say which one it is");
        }
    }
    if (tunnel->underlay_classes == 0) {
        tunnel->underlay_classes =
            PATH_CLASS_BIT(PATH_CLASS_CLEAR) | PATH_CLASS_BIT(PATH_CLASS_MACSEC);
    }
    size_t count = 0;
    const struct lyd_node **peers = model_entries(builder, entry, "inner-peer", &count);
    struct ip_addr *addrs = arena_alloc(builder->arena, (count + 1) * sizeof *addrs);
    for (size_t i = 0; i < count; i++) {
        addrs[i] = leaf_ip(peers[i]);
    }
    tunnel->inner_peers = addrs;
    tunnel->inner_peer_count = count;
    if (tunnel->local_endpoint.family != IP_NONE && tunnel->remote_endpoint.family != IP_NONE &&
        tunnel->local_endpoint.family != tunnel->remote_endpoint.family) {
        model_error(builder, entry, "the endpoints are of different IP versions");
    }
}

static void build_tunnels(const struct model_builder *builder, const struct lyd_node *protection)
{
    size_t count = 0;
    const struct lyd_node *list = model_get(builder, protection, "tunnels");
    const struct lyd_node **entries = model_entries(builder, list, "tunnel", &count);
    struct config_tunnel *out = arena_alloc(builder->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i].path_class = PATH_CLASS_IPSEC;
        build_tunnel(builder, entries[i], &out[i]);
    }
    sort(out, count, sizeof *out, compare_tunnel);
    builder->config->tunnels = out;
    builder->config->tunnel_count = count;
}

/* Part by part: what else is below the container belongs to other structs. */
static void build_router(const struct model_builder *builder, const struct lyd_node *system)
{
    const struct lyd_node *log = model_get(builder, system, "log");
    const struct lyd_node *fib = model_get(builder, system, "fib");
    const char *hostname = model_text(builder, system, "hostname");
    if (hostname != NULL) {
        builder->config->hostname = hostname;
    }
    if (log != NULL) {
        model_fill(builder, log, builder->config);
    }
    if (fib != NULL) {
        model_fill(builder, fib, builder->config);
    }
}

void model_build_system(const struct model_builder *builder)
{
    const struct lyd_node *system = model_get(builder, NULL, "system");
    if (system != NULL) {
        build_router(builder, system);
        build_interfaces(builder, system);
        build_static_routes(builder, system);
        build_bfd(builder, system);
        build_key_chains(builder, system);
    }
    const struct lyd_node *protection = model_get(builder, NULL, "protection");
    if (protection != NULL) {
        build_paths(builder, protection);
        build_protections(builder, protection);
        build_tunnels(builder, protection);
    }
}
