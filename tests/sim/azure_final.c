/* After long peace: the obvious computation of where everything should be, written without the
 * daemon's means, against what the kernel, the tables and the far ends hold. */
#include <stdio.h>

#include "bgpd/core/kernel_private.h"
#include "tests/sim/azure.h"

#define FAMILY(azure)                                                                              \
    ((azure)->plan->family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST)

/* ---- Oracle: where a packet should go ---- */

static uint32_t weight_of(const struct azure *azure, uint32_t node)
{
    if (node <= AZURE_MSEE1) {
        return azure->setup.er_is_primary ? 300 : 0;
    }
    return node == AZURE_GATEWAY1 && azure->setup.is_active_standby ? 150 : 200;
}

static bool is_protected(const struct azure *azure, const struct prefix *prefix)
{
    struct prefix hub = azure_prefix(azure->plan->hub_protected);
    struct prefix spoke = azure_prefix(azure->plan->spoke);
    return prefix_contains(&hub, prefix) ||
           (azure->setup.protects_spoke && prefix_contains(&spoke, prefix));
}

static uint32_t way_of(uint32_t node)
{
    return MODEL_WAY(SLOT_ER0 + (node - AZURE_MSEE0));
}

static bool offers(const struct azure *azure, uint32_t node, uint32_t k)
{
    bool is_configured = node != AZURE_GATEWAY0 || !azure->setup.lacks_tunnel0;
    return is_configured && !azure->setup.is_shut[node - 1] &&
           (azure->offers[node] & (1u << k)) != 0;
}

static uint32_t best_ways(const struct azure *azure, uint32_t k)
{
    struct prefix prefix = azure_prefix(azure->plan->offers[k]);
    uint32_t ways = 0;
    uint32_t best = 0;
    for (uint32_t node = AZURE_MSEE0; node < AZURE_NODE_COUNT; node++) {
        uint32_t weight = weight_of(azure, node);
        if (!offers(azure, node, k) || (node <= AZURE_MSEE1 && is_protected(azure, &prefix))) {
            continue;
        }
        if (ways == 0 || weight > best) {
            best = weight;
            ways = 0;
        }
        ways |= weight == best ? way_of(node) : 0;
    }
    return ways;
}

static uint32_t expected_ways(const struct azure *azure, const struct ip_addr *addr)
{
    struct prefix host = prefix_host(addr);
    for (uint32_t i = 0; i < 2; i++) {
        struct ip_addr inner = azure_addr(azure->plan->inner_remote[i]);
        if (ip_equal(addr, &inner) && (i != 0 || !azure->setup.lacks_tunnel0)) {
            return MODEL_WAY(SLOT_TUN0 + i); /* pinned */
        }
    }
    struct prefix fixed = azure_prefix(azure->plan->static_prefix);
    if (azure->setup.has_static && !azure->setup.protects_spoke &&
        prefix_contains_ip(&fixed, addr)) {
        return MODEL_WAY(SLOT_ER0); /* longer than all that is offered there */
    }
    uint32_t ways = 0;
    int len_bits = -1;
    for (uint32_t k = 0; k < AZURE_HUB_PREFIXES_MAX; k++) {
        struct prefix prefix = azure_prefix(azure->plan->offers[k]);
        uint32_t own = prefix_contains_ip(&prefix, addr) ? best_ways(azure, k) : 0;
        /* Shorter than the guard: the guard is met first. */
        bool is_guarded = is_protected(azure, &host) && !is_protected(azure, &prefix);
        if (own != 0 && !is_guarded && prefix.len_bits > len_bits) {
            len_bits = prefix.len_bits;
            ways = own;
        }
    }
    return ways;
}

static void check_forwarding(struct sim_world *world)
{
    const struct azure *azure = azure_of(world);
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        const struct ip_addr *addr = &azure->forward[i].addr;
        const struct fib_route *route = NULL;
        uint32_t wanted = expected_ways(azure, addr);
        uint32_t found = model_kernel_ways(&azure_ce(world)->kernel.model, addr, &route);
        bool is_right = azure->setup.is_single_path
                            ? (found & ~wanted) == 0 && (found != 0) == (wanted != 0)
                            : found == wanted;
        if (!is_right) {
            char text[IP_TEXT_BYTES];
            char prefix[PREFIX_TEXT_BYTES] = "nothing";
            if (route != NULL) {
                prefix_format(&route->prefix, prefix);
            }
            sim_fail(world, "in peace %s goes by ways %02x (%s) instead of %02x",
                     ip_format(addr, text), found, prefix, wanted);
        }
    }
}

/* ---- Sessions ---- */

static void check_sessions(struct sim_world *world)
{
    const struct azure *azure = azure_of(world);
    struct snapshot_peer peer;
    for (uint32_t i = 0; snapshot_peer(azure_ce(world)->core, i, &peer); i++) {
        bool is_up = peer.state == PEER_ESTABLISHED;
        if (is_up == peer.is_admin_down) {
            char addr[IP_TEXT_BYTES];
            sim_fail(world, "in peace the session with %s is %s (%.120s)",
                     ip_format(&peer.settings->merged.addr, addr), peer_state_name(peer.state),
                     peer.why_not);
        }
        if (!is_up && peer.families[FAMILY(azure)].received != 0) {
            sim_fail(world, "a peer that is down has prefixes");
        }
    }
}

uint32_t azure_dropped_count(struct sim_world *world)
{
    struct snapshot_peer peer;
    uint32_t count = 0;
    for (uint32_t node = 0; node < AZURE_NODE_COUNT; node++) {
        for (uint32_t i = 0; snapshot_peer(world->nodes[node].core, i, &peer); i++) {
            count += peer.dropped_count;
        }
    }
    return count;
}

/* ---- Mirror: what one end sent is what the other has ---- */

static void collect(void *context, const struct snapshot_path *path)
{
    struct azure_table *table = context;
    if (table->count < AZURE_ROUTES_MAX) {
        table->routes[table->count++].prefix = path->prefix;
    }
}

static void read_table(const struct sim_node *node, enum snapshot_table which,
                       const struct azure *azure, const struct ip_addr *peer,
                       struct azure_table *table_out)
{
    struct snapshot_cursor cursor;
    table_out->count = 0;
    if (snapshot_open(node->core, which, FAMILY(azure), peer, NULL, false, &cursor) == STATUS_OK) {
        while (!cursor.is_done) {
            snapshot_read(node->core, &cursor, 7, collect, table_out);
        }
    }
}

static void check_mirror(struct sim_world *world, uint32_t from, uint32_t to,
                         const struct ip_addr *from_addr, const struct ip_addr *to_addr)
{
    struct azure_table sent;
    struct azure_table held;
    read_table(&world->nodes[from], SNAPSHOT_ADJ_OUT, azure_of(world), to_addr, &sent);
    read_table(&world->nodes[to], SNAPSHOT_ADJ_IN, azure_of(world), from_addr, &held);
    bool is_same = sent.count == held.count;
    for (uint32_t i = 0; i < sent.count && is_same; i++) {
        is_same = prefix_equal(&sent.routes[i].prefix, &held.routes[i].prefix);
    }
    if (!is_same) {
        sim_fail(world, "node %u sent %u prefixes to node %u, which holds %u", from, sent.count, to,
                 held.count);
    }
}

static void check_mirrors(struct sim_world *world)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    for (uint32_t node = AZURE_MSEE0; node < AZURE_NODE_COUNT; node++) {
        bool is_msee = node <= AZURE_MSEE1;
        uint32_t i = node - (is_msee ? AZURE_MSEE0 : AZURE_GATEWAY0);
        struct ip_addr ours = azure_addr(is_msee ? plan->er_local[i] : plan->inner_local);
        struct ip_addr theirs = azure_addr(is_msee ? plan->er_remote[i] : plan->inner_remote[i]);
        check_mirror(world, AZURE_CE, node, &ours, &theirs);
        check_mirror(world, node, AZURE_CE, &theirs, &ours);
    }
}

/* ---- Kernel: what is installed is what was selected, and nothing else of ours is there ---- */

struct installed {
    struct sim_world *world;
    uint32_t count;
};

static void installed_row(void *context, const struct snapshot_ip_route *row)
{
    struct installed *installed = context;
    struct sim_world *world = installed->world;
    if (row->kind == IP_ROUTE_CONNECTED || row->kind == IP_ROUTE_KERNEL ||
        row->install != IP_ROUTE_INSTALLED) {
        return;
    }
    installed->count++;
    uint32_t metric = row->kind == IP_ROUTE_BGP ? CONFIG_FIB_METRIC_DEFAULT : row->metric;
    const struct fib_route *route =
        model_kernel_route(&azure_ce(world)->kernel.model, &row->prefix, metric);
    if (route == NULL || route->protocol != MODEL_OURS || route->type != row->type ||
        route->nexthop_object != row->nexthop_object) {
        char prefix[PREFIX_TEXT_BYTES];
        sim_fail(world, "%s is shown as installed, the kernel has %s",
                 prefix_format(&row->prefix, prefix), route == NULL ? "nothing" : "another");
    }
}

static bool is_used(const struct model_kernel *model, const struct fib_nexthop *object)
{
    for (uint32_t i = 0; i < model->route_count; i++) {
        if (model->routes[i].nexthop_object == object->id) {
            return true;
        }
    }
    for (uint32_t i = 0; i < model->object_count; i++) {
        for (uint8_t k = 0; k < model->objects[i].nexthop.member_count; k++) {
            if (model->objects[i].nexthop.members[k] == object->id) {
                return true;
            }
        }
    }
    return false;
}

static void check_kernel(struct sim_world *world)
{
    const struct model_kernel *model = &azure_ce(world)->kernel.model;
    struct installed installed = {.world = world};
    struct ip_route_cursor cursor;
    uint32_t ours = 0;
    snapshot_ip_routes_open(azure_ce(world)->core, azure_of(world)->plan->family, NULL, &cursor);
    while (!cursor.is_done) {
        snapshot_ip_routes_read(azure_ce(world)->core, &cursor, 16, installed_row, &installed);
    }
    for (uint32_t i = 0; i < model->route_count; i++) {
        ours += model->routes[i].protocol == MODEL_OURS ? 1 : 0;
    }
    if (ours != installed.count) {
        sim_fail(world, "the kernel holds %u routes of ours, %u are shown as installed", ours,
                 installed.count);
    }
    for (uint32_t i = 0; i < model->object_count; i++) {
        if (!is_used(model, &model->objects[i].nexthop)) {
            sim_fail(world, "next-hop object %x is left over", model->objects[i].nexthop.id);
        }
    }
}

void azure_final_check(struct sim_world *world)
{
    if (world->failure[0] != 0) {
        return;
    }
    check_sessions(world);
    check_forwarding(world);
    check_mirrors(world);
    check_kernel(world);
}

/* ---- Leaving ---- */

void azure_stop_check(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    struct core_event event = {.kind = EVENT_STOP};
    if (world->failure[0] != 0 || ce->core == NULL) {
        return;
    }
    sim_feed(world, ce, &event);
    sim_run_ms(world, 1000);
    if (ce->conn_count != 0) {
        sim_fail(world, "%u connections are left open after a stop", ce->conn_count);
    }
    for (uint32_t i = 0; i < ce->kernel.model.route_count; i++) {
        const struct fib_route *route = &ce->kernel.model.routes[i];
        if (route->protocol == MODEL_OURS && route->metric != GUARD_METRIC) {
            char prefix[PREFIX_TEXT_BYTES];
            sim_fail(world, "%s is left over after a stop", prefix_format(&route->prefix, prefix));
        }
    }
    if (ce->kernel.model.object_count != 0) {
        sim_fail(world, "%u next-hop objects are left over after a stop",
                 ce->kernel.model.object_count);
    }
}
