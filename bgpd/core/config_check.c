/* What the schema cannot say about a configuration: the router, its tunnels, what is protected and
 * what is announced. Errors refuse it, warnings tell what it will do. */
#include <string.h>

#include "bgpd/core/config_check_private.h"

#define TEXT(checker, ...) arena_printf((checker)->messages->arena, __VA_ARGS__)

static void append(struct config_messages *messages, const struct config_message *message)
{
    if (messages->count == messages->capacity) {
        size_t capacity = messages->capacity == 0 ? 16 : messages->capacity * 2;
        struct config_message *items =
            arena_alloc(messages->arena, capacity * sizeof *messages->items);
        if (messages->count != 0) {
            memcpy(items, messages->items, messages->count * sizeof *items);
        }
        messages->items = items;
        messages->capacity = capacity;
    }
    messages->items[messages->count++] = *message;
}

void check_error(struct config_checker *checker, const char *path, const char *text)
{
    checker->has_error = true;
    append(checker->messages, &(struct config_message){false, path, text});
}

void check_warning(struct config_checker *checker, const char *path, const char *text)
{
    append(checker->messages, &(struct config_message){true, path, text});
}

void check_route_map(struct config_checker *checker, const char *path, const char *name)
{
    const struct policy_defs *policy = &checker->config->policy;
    for (size_t i = 0; name != NULL && i < policy->route_map_count; i++) {
        if (strcmp(policy->route_maps[i].name, name) == 0) {
            return;
        }
    }
    if (name != NULL) {
        check_warning(checker, path,
                      TEXT(checker, "route-map %s does not exist: it denies everything", name));
    }
}

/* ---- The router ---- */

static void check_bgp(struct config_checker *checker)
{
    const struct config_bgp *bgp = &checker->config->bgp;
    if (!bgp->is_configured) {
        return;
    }
    if (bgp->asn == 0 || bgp->asn == 23456) {
        check_error(
            checker, "router bgp",
            TEXT(checker, "%u is no AS number a router can have (RFC 7607, RFC 6793)", bgp->asn));
    }
    if (bgp->router_id.is_set && bgp->router_id.value == 0) {
        check_error(checker, "bgp router-id", "0.0.0.0 identifies no router (RFC 6286)");
    }
    if (bgp->hold_time_s.is_set && bgp->hold_time_s.value != 0 &&
        bgp->hold_time_s.value < HOLD_TIME_S_MIN) {
        check_error(checker, "timers bgp",
                    TEXT(checker, "hold time %u: it is 0 or at least 3 seconds (RFC 4271 4.2)",
                         bgp->hold_time_s.value));
    }
}

/* ---- Tunnels ---- */

static const char *interface_of(const struct config_tunnel *tunnel)
{
    return tunnel->interface != NULL ? tunnel->interface : tunnel->name;
}

static void check_tunnel(struct config_checker *checker, size_t index)
{
    const struct config_tunnel *tunnel = &checker->config->tunnels[index];
    const char *path = TEXT(checker, "tunnel %s", tunnel->name);
    for (size_t i = 0; i < index; i++) {
        const struct config_tunnel *other = &checker->config->tunnels[i];
        if (strcmp(other->name, tunnel->name) == 0) {
            check_error(checker, path, "there is another tunnel of this name");
        } else if (strcmp(interface_of(other), interface_of(tunnel)) == 0) {
            check_error(checker, path,
                        TEXT(checker, "interface %s belongs to tunnel %s: each tunnel has its own",
                             interface_of(tunnel), other->name));
        }
    }
    bool has_local = tunnel->local_endpoint.family != IP_NONE;
    bool has_remote = tunnel->remote_endpoint.family != IP_NONE;
    if (has_local && has_remote &&
        tunnel->local_endpoint.family != tunnel->remote_endpoint.family) {
        check_error(checker, path, "local and remote endpoint are of different IP versions");
    }
    if (has_local && ip_equal(&tunnel->local_endpoint, &tunnel->remote_endpoint)) {
        check_error(checker, path, "local and remote endpoint are the same address");
    }
    if (!has_remote) {
        check_warning(checker, path,
                      "no remote-endpoint: its outer address is not pinned to the underlay, so a "
                      "learned route may capture it");
    }
    if (strlen(interface_of(tunnel)) > 15) {
        check_error(
            checker, path,
            TEXT(checker, "interface %s: a name has at most 15 characters", interface_of(tunnel)));
    }
}

/* ---- Protection ---- */

static const char *class_list(struct config_checker *checker, uint32_t classes)
{
    const char *text = "";
    for (int i = 0; i < PATH_CLASS_COUNT; i++) {
        if ((classes & PATH_CLASS_BIT(i)) != 0) {
            text = TEXT(checker, "%s%s%s", text, text[0] != 0 ? " or " : "",
                        path_class_name((enum path_class)i));
        }
    }
    return text;
}

static uint32_t classes_that_exist(const struct config *config)
{
    uint32_t classes = PATH_CLASS_BIT(PATH_CLASS_CLEAR);
    for (size_t i = 0; i < config->tunnel_count; i++) {
        classes |= PATH_CLASS_BIT(config->tunnels[i].path_class);
    }
    for (size_t i = 0; i < config->interface_count; i++) {
        if (config->interfaces[i].path_class.is_set) {
            classes |= PATH_CLASS_BIT(config->interfaces[i].path_class.value);
        }
    }
    return classes;
}

static void check_protection(struct config_checker *checker, size_t index)
{
    const struct config *config = checker->config;
    const struct protection_def *def = &config->protections[index];
    char prefix[PREFIX_TEXT_BYTES];
    const char *path = TEXT(checker, "protect %s", prefix_format(&def->prefix, prefix));
    if ((def->allowed_classes & classes_that_exist(config)) == 0) {
        check_warning(checker, path,
                      TEXT(checker,
                           "no tunnel or interface is of class %s: everything inside stays "
                           "unreachable",
                           class_list(checker, def->allowed_classes)));
    }
    for (size_t i = 0; i < index; i++) {
        if (prefix_equal(&config->protections[i].prefix, &def->prefix)) {
            check_warning(checker, path, "it is given twice; both requirements must be met");
        }
    }
}

/* ---- Announcements ---- */

static bool is_secret_network(const struct config_network *network)
{
    return network->path_classes != 0 &&
           (network->path_classes & PATH_CLASS_BIT(PATH_CLASS_CLEAR)) == 0;
}

static bool is_clear_network(const struct config_network *network)
{
    return network->path_classes == 0 ||
           (network->path_classes & PATH_CLASS_BIT(PATH_CLASS_CLEAR)) != 0;
}

static void check_network_pair(struct config_checker *checker, const char *path,
                               const struct config_network *clear,
                               const struct config_network *secret)
{
    char text[PREFIX_TEXT_BYTES];
    prefix_format(&secret->prefix, text);
    if (prefix_contains(&secret->prefix, &clear->prefix)) {
        check_warning(checker, path,
                      TEXT(checker,
                           "it lies inside network %s, which never travels in the clear, and is "
                           "announced in the clear itself: Azure will send it back unprotected; "
                           "give it path-class %s or take it out",
                           text, class_list(checker, secret->path_classes)));
    } else if (prefix_contains(&clear->prefix, &secret->prefix) &&
               checker->config->bgp.cover == COVER_ALLOW) {
        check_warning(checker, path,
                      TEXT(checker,
                           "cover allow: when no tunnel stands, Azure reaches %s through this "
                           "announcement in the clear; cover split keeps it out",
                           text));
    }
}

static void check_networks(struct config_checker *checker, const struct config_bgp_family *family)
{
    const struct config *config = checker->config;
    char text[PREFIX_TEXT_BYTES];
    for (size_t i = 0; i < family->network_count; i++) {
        const struct config_network *network = &family->networks[i];
        const char *path = TEXT(checker, "network %s", prefix_format(&network->prefix, text));
        check_route_map(checker, path, network->route_map);
        for (size_t j = 0; j < family->network_count && is_clear_network(network); j++) {
            if (is_secret_network(&family->networks[j])) {
                check_network_pair(checker, path, network, &family->networks[j]);
            }
        }
        for (size_t j = 0; j < config->protection_count; j++) {
            if (prefix_contains(&config->protections[j].prefix, &network->prefix)) {
                check_warning(checker, path,
                              TEXT(checker,
                                   "it is ours and lies inside protect %s, which is meant "
                                   "for destinations on the far side",
                                   prefix_format(&config->protections[j].prefix, text)));
            }
        }
    }
}

static void check_family(struct config_checker *checker, const struct config_bgp_family *family)
{
    static const char *const kinds[REDISTRIBUTE_KIND_COUNT] = {
        [REDISTRIBUTE_CONNECTED] = "redistribute connected",
        [REDISTRIBUTE_STATIC] = "redistribute static",
        [REDISTRIBUTE_KERNEL] = "redistribute kernel",
    };
    char text[PREFIX_TEXT_BYTES];
    check_networks(checker, family);
    for (size_t i = 0; i < family->aggregate_count; i++) {
        const struct config_aggregate *aggregate = &family->aggregates[i];
        check_route_map(
            checker, TEXT(checker, "aggregate-address %s", prefix_format(&aggregate->prefix, text)),
            aggregate->route_map);
    }
    for (int i = 0; i < REDISTRIBUTE_KIND_COUNT; i++) {
        check_route_map(checker, kinds[i], family->redistribute[i].route_map);
    }
    check_route_map(checker, "table-map", family->table_map);
}

static void check_static_routes(struct config_checker *checker)
{
    const struct config *config = checker->config;
    char text[PREFIX_TEXT_BYTES];
    for (size_t i = 0; i < config->static_route_count; i++) {
        const struct config_static_route *route = &config->static_routes[i];
        const char *path = TEXT(checker, "ip route %s", prefix_format(&route->prefix, text));
        if (route->gateway.family != IP_NONE && route->gateway.family != route->prefix.family) {
            check_error(checker, path, "prefix and gateway are of different IP versions");
        }
        if (route->gateway.family == IP_NONE && route->interface == NULL && !route->is_blackhole &&
            !route->is_reject) {
            check_error(checker, path, "it names no gateway, no interface and no discard");
        }
    }
}

bool config_check(const struct config *config, struct config_messages *messages)
{
    struct config_checker checker = {.config = config, .messages = messages};
    check_bgp(&checker);
    for (size_t i = 0; i < config->tunnel_count; i++) {
        check_tunnel(&checker, i);
    }
    for (size_t i = 0; i < config->protection_count; i++) {
        check_protection(&checker, i);
    }
    for (int i = 0; config->bgp.is_configured && i < AFI_SAFI_COUNT; i++) {
        check_family(&checker, &config->bgp.families[i]);
    }
    if (config->bgp.is_configured) {
        check_neighbors(&checker);
    }
    check_static_routes(&checker);
    return !checker.has_error;
}
