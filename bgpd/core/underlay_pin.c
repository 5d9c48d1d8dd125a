/* Pins: the host route of every tunnel endpoint through its underlay classes only, following the
 * best underlay routes (BGP paths of any peer, static, connected, foreign), and the host route of
 * every inner peer through its own tunnel. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

struct underlay {
    uint32_t classes; /* allowed */
    uint32_t tunnel_ifindex;
    struct fib_route *wish;
};

static void underlay_add(const struct core *core, struct underlay *underlay,
                         const struct fib_leg *leg)
{
    struct fib_route *wish = underlay->wish;
    uint32_t path_class = PATH_CLASS_BIT(kernel_interface_class(core, leg->ifindex));
    if (!kernel_interface_is_up(core, leg->ifindex) || leg->ifindex == underlay->tunnel_ifindex ||
        (underlay->classes & path_class) == 0 || tunnel_by_ifindex(core, leg->ifindex) != 0 ||
        gateway_is_dead(core, &leg->gateway, leg->ifindex) ||
        wish->leg_count == FIB_PLAIN_LEGS_MAX) {
        return;
    }
    for (uint8_t i = 0; i < wish->leg_count; i++) {
        if (wish->legs[i].ifindex == leg->ifindex &&
            ip_equal(&wish->legs[i].gateway, &leg->gateway)) {
            return;
        }
    }
    wish->legs[wish->leg_count] = *leg;
    wish->legs[wish->leg_count].weight = 1;
    wish->leg_count++;
}

/* ---- The best underlay paths of BGP ---- */

/* Paths that decision left aside for what the path itself is, not for protection or liveness. */
static bool is_refused(enum decision_reason reason)
{
    return reason == DECISION_POLICY_REJECTED || reason == DECISION_AS_LOOP ||
           reason == DECISION_ORIGINATOR_LOOP || reason == DECISION_CLUSTER_LOOP ||
           reason == DECISION_NEXTHOP_OWN;
}

static const struct tracked_nexthop *underlay_next_hop(const struct route_view *route,
                                                       const struct underlay *underlay)
{
    if (route->accepted == NULL || is_refused((enum decision_reason)route->reason)) {
        return NULL;
    }
    const struct nexthop *nexthop = attr_set_nexthop(route->accepted);
    if (nexthop == NULL || nexthop->state != NEXTHOP_RESOLVED || nexthop->tunnel_number != 0 ||
        (PATH_CLASS_BIT(nexthop->path_class) & underlay->classes) == 0) {
        return NULL;
    }
    return tracked(nexthop);
}

/* The ladder's first steps; paths equal in them share the load. Negative: a is better. */
static int64_t underlay_compare(const struct core *core, const struct loc_rib *rib,
                                const struct route_view *a, const struct route_view *b)
{
    uint32_t local_pref = core->decision.default_local_pref;
    int64_t steps[] = {
        (int64_t)route_effective_weight(rib, b, &core->decision) -
            (int64_t)route_effective_weight(rib, a, &core->decision),
        (int64_t)attr_set_local_pref(b->accepted, local_pref) -
            (int64_t)attr_set_local_pref(a->accepted, local_pref),
        (int64_t)attr_set_as_path_length(a->accepted) -
            (int64_t)attr_set_as_path_length(b->accepted),
        (int64_t)attr_set_origin(a->accepted) - (int64_t)attr_set_origin(b->accepted),
        attr_set_first_asn(a->accepted) == attr_set_first_asn(b->accepted)
            ? (int64_t)attr_set_med(a->accepted) - (int64_t)attr_set_med(b->accepted)
            : 0,
        (int64_t)loc_rib_source(rib, a->source)->kind -
            (int64_t)loc_rib_source(rib, b->source)->kind,
        (int64_t)attr_set_nexthop(a->accepted)->metric -
            (int64_t)attr_set_nexthop(b->accepted)->metric,
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i] != 0) {
            return steps[i];
        }
    }
    return 0;
}

static void add_bgp_paths(const struct core *core, const struct loc_rib *rib, dest_id dest,
                          struct underlay *underlay)
{
    struct route_view best = {0};
    struct route_view route = {0};
    bool has_best = false;
    while (dest_next_route(rib, dest, &route)) {
        if (underlay_next_hop(&route, underlay) != NULL &&
            (!has_best || underlay_compare(core, rib, &route, &best) < 0)) {
            best = route;
            has_best = true;
        }
    }
    memset(&route, 0, sizeof route);
    while (has_best && dest_next_route(rib, dest, &route)) {
        const struct tracked_nexthop *nexthop = underlay_next_hop(&route, underlay);
        if (nexthop == NULL || underlay_compare(core, rib, &route, &best) != 0) {
            continue;
        }
        for (uint8_t i = 0; i < nexthop->leg_count; i++) {
            underlay_add(core, underlay, &nexthop->legs[i].fib);
        }
    }
}

static void add_local_legs(const struct core *core, const struct local_route *local,
                           struct underlay *underlay)
{
    for (uint8_t i = 0; local->route.type == FIB_ROUTE_UNICAST && i < local->route.leg_count; i++) {
        underlay_add(core, underlay, &local->route.legs[i]);
    }
}

/* Longest match over both tables, each length searched for a way of an allowed class. */
static bool find_underlay(const struct core *core, const struct ip_addr *endpoint,
                          struct underlay *underlay)
{
    struct prefix host = prefix_host(endpoint);
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(&host)];
    for (unsigned left = ip_family_bits(endpoint->family) + 1u; left > 0; left--) {
        uint8_t len_bits = (uint8_t)(left - 1);
        const struct local_route *local = local_underlay_at(core, endpoint, len_bits);
        if (local != NULL) {
            add_local_legs(core, local, underlay);
        }
        struct prefix prefix = prefix_make(endpoint, len_bits);
        dest_id dest =
            rib == NULL || underlay->wish->leg_count != 0 ? 0 : loc_rib_find(rib, &prefix);
        if (dest != 0) {
            add_bgp_paths(core, rib, dest, underlay);
        }
        if (underlay->wish->leg_count != 0) {
            return true;
        }
    }
    return false;
}

/* ---- Endpoints ---- */

/* Without a pin the kernel would take a route of this machine before the one of BGP. */
static bool has_better_local(const struct core *core, const struct ip_addr *endpoint,
                             const struct prefix *learned)
{
    const struct local_route *local =
        local_route_match(core, endpoint, LOCAL_KINDS_UNDERLAY, learned->len_bits);
    return local != NULL &&
           (local->route.prefix.len_bits > learned->len_bits ||
            (local->kind != LOCAL_KERNEL && local_route_rank(local) <= (int)DISTANCE_EBGP));
}

/* What would have carried the endpoint without the pin: for show, and logged when it is news. */
static void note_capture(struct core *core, uint16_t tunnel_number, const struct ip_addr *endpoint)
{
    struct tunnel *tunnel = &kernel_of(core)->tunnels[tunnel_number - 1];
    struct prefix host = prefix_host(endpoint);
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(&host)];
    dest_id dest = rib == NULL ? 0 : loc_rib_match_best(rib, endpoint);
    struct route_view route;
    if (dest == 0 || !dest_best(rib, dest, &route) || route.accepted == NULL) {
        return;
    }
    const struct nexthop *nexthop = attr_set_nexthop(route.accepted);
    struct prefix prefix = dest_prefix(rib, dest);
    if (nexthop == NULL || nexthop->tunnel_number == 0 ||
        nexthop->tunnel_number > core->config->tunnel_count ||
        has_better_local(core, endpoint, &prefix)) {
        return;
    }
    char text[128];
    char prefix_text[PREFIX_TEXT_BYTES];
    char addr_text[IP_TEXT_BYTES];
    snprintf(text, sizeof text, "%s via %s would carry the endpoint %s into %s",
             prefix_format(&prefix, prefix_text),
             core->config->tunnels[nexthop->tunnel_number - 1].name, ip_format(endpoint, addr_text),
             nexthop->tunnel_number == tunnel_number ? "its own tunnel" : "another tunnel");
    if (strcmp(text, tunnel->refused_capture) != 0) {
        snprintf(tunnel->refused_capture, sizeof tunnel->refused_capture, "%s", text);
        core_log(core, LOG_PIN, LOG_SEVERITY_INFO, NULL, &prefix, "%s; the host route keeps it out",
                 text);
    }
}

static void log_pin(struct core *core, const struct own_route *own, const struct fib_route *wish,
                    bool is_usable)
{
    if (!kernel_of(core)->dump_seen ||
        (own->local.is_usable == is_usable && fib_route_equal(&own->local.route, wish))) {
        return;
    }
    char text[160] = "";
    size_t used = 0;
    for (uint8_t i = 0; i < wish->leg_count && used < sizeof text; i++) {
        char addr_text[IP_TEXT_BYTES];
        const char *name = kernel_interface_name(core, wish->legs[i].ifindex);
        int length =
            snprintf(text + used, sizeof text - used, "%s%s dev %s", i == 0 ? "" : ", ",
                     ip_format(&wish->legs[i].gateway, addr_text), name == NULL ? "?" : name);
        used += (size_t)length;
    }
    core_log(core, LOG_PIN, LOG_SEVERITY_NOTICE, NULL, &wish->prefix, "%s: %s", own->note,
             wish->leg_count != 0                 ? text
             : !is_usable                         ? "left as an earlier run had it"
             : own->local.kind == LOCAL_PIN_INNER ? "tunnel interface is not up, unreachable"
                                                  : "no way of an allowed class, unreachable");
}

static void update_endpoint(struct core *core, uint16_t tunnel_number)
{
    struct tunnel *tunnel = &kernel_of(core)->tunnels[tunnel_number - 1];
    const struct config_tunnel *config = &core->config->tunnels[tunnel_number - 1];
    struct own_route *own = tunnel->endpoint_pin;
    if (own == NULL || own->local.tunnel_number != tunnel_number) {
        return; /* Two tunnels to one endpoint share the pin of the first. */
    }
    struct prefix host = prefix_host(&config->remote_endpoint);
    struct fib_route wish = own_route_template(core, &host);
    struct underlay underlay = {.classes = tunnel_underlay_classes(config),
                                .tunnel_ifindex = tunnel->ifindex,
                                .wish = &wish};
    bool is_usable = true;
    note_capture(core, tunnel_number, &config->remote_endpoint);
    if (find_underlay(core, &config->remote_endpoint, &underlay)) {
        if (kernel_is_local_addr(core, &config->local_endpoint)) {
            wish.preferred_source = config->local_endpoint;
        }
    } else if (adoption_has(core, &host, wish.metric)) {
        is_usable = false; /* An earlier run knew a way: it carries the tunnel until we know one. */
    } else {
        /* Any other route could be the tunnel itself: better nowhere than in a circle. */
        wish.type = FIB_ROUTE_UNREACHABLE;
    }
    log_pin(core, own, &wish, is_usable);
    own_route_set(core, own, &wish, is_usable);
}

/* ---- Inner peers ---- */

static void update_inner(struct core *core, struct own_route *own)
{
    const struct tunnel *tunnel = &kernel_of(core)->tunnels[own->local.tunnel_number - 1];
    const struct prefix *host = &own->local.route.prefix;
    struct fib_route wish = own_route_template(core, host);
    if (tunnel->ifindex != 0 && tunnel->is_interface_up) {
        wish.legs[0] = (struct fib_leg){.ifindex = tunnel->ifindex, .weight = 1};
        wish.leg_count = 1;
    } else {
        /* A guard would not do: somebody else's route may be longer than the protected prefix. */
        wish.type = FIB_ROUTE_UNREACHABLE;
    }
    log_pin(core, own, &wish, true);
    own_route_set(core, own, &wish, true);
}

void pins_update(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        update_endpoint(core, (uint16_t)(i + 1));
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_PIN_INNER) {
            update_inner(core, own);
        }
    }
}

/* ---- Configuration ---- */

static void want_inner(struct core *core, const struct ip_addr *addr, uint16_t tunnel_number)
{
    struct prefix host = prefix_host(addr);
    if (addr->family == IP_NONE || own_route_find(core, LOCAL_PIN_ENDPOINT, &host) != NULL) {
        return; /* A gateway with one address for both: the session is bound to the device. */
    }
    struct own_route *own = own_route_find(core, LOCAL_PIN_INNER, &host);
    if (own == NULL) {
        own = own_route_new(core, LOCAL_PIN_INNER, &host);
    }
    own->is_in_config = true;
    own->local.tunnel_number = tunnel_number;
    snprintf(own->note, sizeof own->note, "inner peer of %s",
             core->config->tunnels[tunnel_number - 1].name);
}

static void want_endpoint(struct core *core, uint16_t tunnel_number)
{
    const struct config_tunnel *config = &core->config->tunnels[tunnel_number - 1];
    if (config->remote_endpoint.family == IP_NONE) {
        return;
    }
    struct prefix host = prefix_host(&config->remote_endpoint);
    struct own_route *own = own_route_find(core, LOCAL_PIN_ENDPOINT, &host);
    if (own == NULL) {
        own = own_route_new(core, LOCAL_PIN_ENDPOINT, &host);
    }
    if (!own->is_in_config) {
        own->local.tunnel_number = tunnel_number;
        snprintf(own->note, sizeof own->note, "endpoint of %s", config->name);
    }
    own->is_in_config = true;
    kernel_of(core)->tunnels[tunnel_number - 1].endpoint_pin = own;
}

void pins_apply_config(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    const struct config *config = core->config;
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        own->is_in_config = own->is_in_config && own->local.kind != LOCAL_PIN_ENDPOINT &&
                            own->local.kind != LOCAL_PIN_INNER;
    }
    for (size_t i = 0; i < config->tunnel_count; i++) {
        want_endpoint(core, (uint16_t)(i + 1));
    }
    for (size_t i = 0; i < config->tunnel_count; i++) {
        for (size_t k = 0; k < config->tunnels[i].inner_peer_count; k++) {
            want_inner(core, &config->tunnels[i].inner_peers[k], (uint16_t)(i + 1));
        }
    }
    for (size_t i = 0; i < config->bgp.neighbor_count; i++) {
        struct neighbor_settings settings;
        config_resolve_neighbor(config, &config->bgp.neighbors[i], &settings);
        if (settings.tunnel_number != 0) {
            want_inner(core, &config->bgp.neighbors[i].addr, settings.tunnel_number);
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (!own->is_in_config &&
            (own->local.kind == LOCAL_PIN_ENDPOINT || own->local.kind == LOCAL_PIN_INNER)) {
            own_route_remove(core, own);
        }
    }
    ks->pins_dirty = true;
}
