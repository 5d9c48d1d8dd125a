/* What goes wrong, in any order. Whatever the kernel does by itself is done, and checked, before
 * the daemon hears of it. */
#include <stdio.h>

#include "tests/sim/azure.h"

static void checked(struct sim_world *world)
{
    azure_check(world, azure_ce(world));
}

static uint32_t either(struct sim_world *world)
{
    return random_below(&world->random, 2);
}

/* ---- Links ---- */

static void link_silent(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    uint32_t i = either(world);
    azure->is_er_silent[i] = !azure->is_er_silent[i];
    sim_trace(world, NULL, "fault: link %u is %s", i,
              azure->is_er_silent[i] ? "silent" : "heard again");
}

static void link_carrier(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    uint32_t slot = SLOT_ER0 + either(world);
    bool has_carrier = !ce->kernel.model.links[slot].has_carrier;
    sim_trace(world, NULL, "fault: carrier of %s %s", ce->kernel.model.links[slot].name,
              has_carrier ? "found" : "lost");
    model_kernel_set_carrier(&ce->kernel.model, slot, has_carrier);
    checked(world);
    sim_kernel_tell_link(world, ce, slot);
}

static void link_down(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    uint32_t slot = SLOT_ER0 + random_below(&world->random, 4);
    bool is_up = !ce->kernel.model.links[slot].is_up;
    if (ce->kernel.model.links[slot].is_absent) {
        return;
    }
    sim_trace(world, NULL, "fault: %s is set %s", ce->kernel.model.links[slot].name,
              is_up ? "up" : "down");
    model_kernel_set_up(&ce->kernel.model, slot, is_up);
    checked(world);
    sim_kernel_tell_link(world, ce, slot);
}

/* One of the two on lo: where the tunnels end, or where the sessions inside come from. */
static void local_addr_set(struct sim_world *world, const char *text, bool is_there)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    struct sim_node *ce = azure_ce(world);
    struct model_addr addr = {azure_addr(text), plan->host_bits};
    if (model_kernel_is_local(&ce->kernel.model, &addr.addr) == is_there) {
        return;
    }
    sim_trace(world, NULL, "fault: address %s %s", text, is_there ? "comes" : "goes");
    if (is_there) {
        model_kernel_addr_put(&ce->kernel.model, SLOT_LO, &addr.addr, addr.len_bits);
    } else {
        model_kernel_addr_drop(&ce->kernel.model, SLOT_LO, &addr.addr);
    }
    checked(world);
    sim_kernel_tell_addr(world, ce, SLOT_LO, &addr, !is_there);
}

static void local_addr(struct sim_world *world)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    const char *text = either(world) == 0 ? plan->local_endpoint : plan->inner_local;
    struct ip_addr addr = azure_addr(text);
    local_addr_set(world, text, !model_kernel_is_local(&azure_ce(world)->kernel.model, &addr));
}

/* ---- Tunnels ---- */

static void device(struct sim_world *world, uint32_t tunnel, bool is_there)
{
    struct sim_node *ce = azure_ce(world);
    uint32_t slot = SLOT_TUN0 + tunnel;
    if (ce->kernel.model.links[slot].is_absent != is_there) {
        return;
    }
    sim_trace(world, NULL, "fault: device ipsec%u %s", tunnel, is_there ? "returns" : "vanishes");
    if (is_there) {
        model_kernel_link_return(&ce->kernel.model, slot, azure_of(world)->next_ifindex++);
        checked(world);
    } else {
        model_kernel_link_remove(&ce->kernel.model, slot);
        checked(world);
    }
    sim_kernel_tell_link(world, ce, slot);
}

static void sa_deleted(struct sim_world *world, uint32_t tunnel)
{
    sim_trace(world, NULL, "fault: SA of tunnel %u deleted", tunnel);
    azure_of(world)->has_gateway_sa[tunnel] = false;
    azure_sa_set(world, tunnel, false);
}

static void ike(struct sim_world *world, uint32_t tunnel, bool is_dead)
{
    struct azure *azure = azure_of(world);
    azure->is_ike_dead[tunnel] = is_dead;
    sim_trace(world, NULL, "fault: IKE of tunnel %u is %s", tunnel, is_dead ? "dead" : "back");
    if (is_dead && either(world) == 0) {
        azure_sa_set(world, tunnel, false);
        device(world, tunnel, false); /* as a daemon whose device is its own */
    }
    if (!is_dead) {
        device(world, tunnel, true);
    }
}

static void gateway_gone(struct sim_world *world, uint32_t tunnel, bool is_gone)
{
    struct azure *azure = azure_of(world);
    uint32_t node = AZURE_GATEWAY(tunnel);
    if (azure->is_gateway_gone[tunnel] == is_gone) {
        return;
    }
    sim_trace(world, NULL, "fault: gateway %u %s", tunnel, is_gone ? "vanishes" : "returns");
    azure->is_gateway_gone[tunnel] = is_gone;
    azure->has_gateway_sa[tunnel] = false;
    if (is_gone) {
        sim_node_kill(world, &world->nodes[node]);
        azure->far_restart_at[node] = MONO_NEVER;
    } else {
        azure_start(world, node);
    }
    azure_hub_read(world, node);
    checked(world);
}

static void tunnel_dies(struct sim_world *world, uint32_t tunnel)
{
    switch (random_below(&world->random, 4)) {
    case 0:
        sa_deleted(world, tunnel);
        return;
    case 1:
        device(world, tunnel, false);
        return;
    case 2:
        gateway_gone(world, tunnel, true);
        return;
    default:
        ike(world, tunnel, true);
        return;
    }
}

static void tunnel_fault(struct sim_world *world)
{
    const struct azure *azure = azure_of(world);
    uint32_t i = either(world);
    switch (random_below(&world->random, 7)) {
    case 0:
        tunnel_dies(world, 0);
        tunnel_dies(world, 1);
        return;
    case 1:
        gateway_gone(world, i, !azure->is_gateway_gone[i]);
        return;
    case 2:
        device(world, i, azure_ce(world)->kernel.model.links[SLOT_TUN0 + i].is_absent);
        return;
    case 3:
        ike(world, i, !azure->is_ike_dead[i]);
        return;
    case 4:
        azure_sa_set(world, i, azure->has_sa[i]); /* a new one in time */
        return;
    default:
        sa_deleted(world, i);
        return;
    }
}

/* ---- Daemons ---- */

static void ce_killed(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    if (azure_ce(world)->core == NULL) {
        azure_start(world, AZURE_CE);
        return;
    }
    sim_trace(world, NULL, "fault: the daemon is killed");
    sim_node_kill(world, azure_ce(world));
    azure->restart_at =
        mono_add(world->now, mono_span_ms(random_below(&world->random, 2) == 0
                                              ? random_below(&world->random, 20)
                                              : random_below(&world->random, 90000)));
    if (sim_chance(world, 4)) {
        azure_setup_change(world); /* somebody edits the file meanwhile */
        azure_points_update(world);
    }
}

static void ce_stopped(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    struct core_event event = {.kind = EVENT_STOP};
    if (ce->core == NULL || mono_before(world->now, ce->stalled_until)) {
        return;
    }
    event.stop.keep_routes = either(world) == 0;
    sim_trace(world, NULL, "fault: the daemon is told to stop%s",
              event.stop.keep_routes ? " and to keep its routes" : "");
    sim_feed(world, ce, &event);
    if (!ce->is_stopped) {
        sim_fail(world, "the daemon does not stop");
    }
    /* The netlink thread works off its queue before the process ends. */
    azure_of(world)->restart_at =
        mono_add(world->now, mono_span_ms(500 + random_below(&world->random, 20000)));
}

static void far_killed(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    uint32_t node = 1 + random_below(&world->random, AZURE_NODE_COUNT - 1);
    if (world->nodes[node].core == NULL ||
        (node >= AZURE_GATEWAY0 && azure->is_gateway_gone[node - AZURE_GATEWAY0])) {
        return;
    }
    sim_trace(world, NULL, "fault: far daemon %u is killed", node);
    sim_node_kill(world, &world->nodes[node]);
    azure->far_restart_at[node] =
        mono_add(world->now, mono_span_ms(random_below(&world->random, 60000)));
    azure_hub_read(world, node);
    checked(world);
}

static void stall(struct sim_world *world)
{
    struct sim_node *node =
        &world->nodes[sim_chance(world, 3) ? random_below(&world->random, AZURE_NODE_COUNT)
                                           : AZURE_CE];
    uint32_t ms = 1 + random_below(&world->random, sim_chance(world, 4) ? 200000 : 3000);
    sim_trace(world, NULL, "fault: node %u gets no processor for %u ms", node->number, ms);
    node->stalled_until = mono_add(world->now, mono_span_ms(ms));
}

static void clear(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    struct ip_addr all = {.family = IP_NONE};
    if (ce->core != NULL && !ce->is_stopped && !mono_before(world->now, ce->stalled_until)) {
        sim_trace(world, NULL, "fault: somebody clears all");
        core_clear(ce->core, world->now, &all, 0,
                   (enum clear_kind)random_below(&world->random, CLEAR_SOFT_BOTH + 1), "sim");
        sim_settle(world, ce);
    }
}

/* ---- Routes ---- */

#define FOREIGN_PROTOCOL 4u
#define FOREIGN_MAX      6u

static void tell_foreign(struct sim_world *world, const struct fib_route *route, bool is_removed,
                         bool is_replacing)
{
    struct core_event event = {.kind = EVENT_KERNEL_ROUTE};
    event.kernel_route.is_removed = is_removed;
    event.kernel_route.is_replacing = is_replacing;
    event.kernel_route.route = *route;
    sim_kernel_tell(world, azure_ce(world), &event);
}

static bool is_foreign(const struct fib_route *route)
{
    return route->protocol == FOREIGN_PROTOCOL || route->protocol == FOREIGN_PROTOCOL + 1;
}

/* A route of another program's choice: by the management's link, by an MSEE, or, where it takes an
 * endpoint, into a tunnel. */
static struct fib_route any_foreign(struct sim_world *world)
{
    static const uint32_t metrics[] = {0, 0, 1, 19, 20, 20, 21, 50, 1024};
    const struct azure_plan *plan = azure_of(world)->plan;
    uint32_t k = random_below(&world->random, 8);
    struct fib_route route = {
        .prefix = azure_prefix(plan->foreign[k]),
        .table = CONFIG_FIB_TABLE_DEFAULT,
        .metric = metrics[random_below(&world->random, sizeof metrics / sizeof metrics[0])],
        .protocol = (uint8_t)(FOREIGN_PROTOCOL + either(world)),
        .type = FIB_ROUTE_UNICAST,
        .leg_count = 1};
    if (plan->family == IP_V6 && route.metric == 0) {
        route.metric = 1024; /* what 0 means there */
    }
    uint32_t i = either(world);
    route.legs[0] = (struct fib_leg){.ifindex = SLOT_MGMT, .weight = 1};
    if (k >= 6 && either(world) == 0) {
        route.legs[0].ifindex = azure_ce(world)->kernel.model.links[SLOT_TUN0 + i].ifindex;
    } else if (either(world) == 0) {
        route.legs[0].ifindex = SLOT_ER0 + i;
        route.legs[0].gateway = azure_addr(plan->er_remote[i]);
    }
    return route;
}

static void foreign_comes(struct sim_world *world)
{
    struct model_kernel *model = &azure_ce(world)->kernel.model;
    struct fib_route route = any_foreign(world);
    enum model_how how = (enum model_how)random_below(&world->random, MODEL_APPEND + 1);
    uint32_t at = model_kernel_route_replaced(model, &route);
    char prefix[PREFIX_TEXT_BYTES];
    uint32_t slot = model_kernel_slot(model, route.legs[0].ifindex);
    if (slot == UINT32_MAX || !model_kernel_carries(&model->links[slot]) ||
        (at != UINT32_MAX && sim_chance(world, 3))) {
        return; /* nowhere to, or it was to be alone there */
    }
    sim_trace(world, NULL, "fault: a foreign route to %s metric %u dev %s comes%s",
              prefix_format(&route.prefix, prefix), route.metric, model->links[slot].name,
              how == MODEL_REPLACE  ? ", replacing"
              : how == MODEL_APPEND ? ", behind others"
                                    : "");
    if (model_kernel_route_add(model, &route, how, &route) != 0) {
        return;
    }
    checked(world);
    tell_foreign(world, &route, false, how == MODEL_REPLACE && at != UINT32_MAX);
}

static void foreign_goes(struct sim_world *world, uint32_t at)
{
    struct model_kernel *model = &azure_ce(world)->kernel.model;
    struct fib_route gone = model->routes[at];
    char prefix[PREFIX_TEXT_BYTES];
    sim_trace(world, NULL, "fault: a foreign route to %s metric %u goes",
              prefix_format(&gone.prefix, prefix), gone.metric);
    model_kernel_route_drop_at(model, at);
    checked(world);
    tell_foreign(world, &gone, true, false);
}

static void foreign(struct sim_world *world)
{
    const struct model_kernel *model = &azure_ce(world)->kernel.model;
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->route_count; i++) {
        count += is_foreign(&model->routes[i]) ? 1 : 0;
    }
    if (count < FOREIGN_MAX && (count == 0 || either(world) == 0)) {
        foreign_comes(world);
        return;
    }
    uint32_t left = random_below(&world->random, count);
    for (uint32_t i = 0; i < model->route_count; i++) {
        if (is_foreign(&model->routes[i]) && left-- == 0) {
            foreign_goes(world, i);
            return;
        }
    }
}

static void sabotage(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    struct model_kernel *model = &ce->kernel.model;
    if (model->route_count == 0) {
        return;
    }
    uint32_t at = random_below(&world->random, model->route_count);
    struct fib_route route = model->routes[at];
    if (route.protocol != MODEL_OURS) {
        return;
    }
    char prefix[PREFIX_TEXT_BYTES];
    sim_trace(world, NULL, "fault: somebody deletes our route to %s metric %u",
              prefix_format(&route.prefix, prefix), route.metric);
    azure_points_excuse(world);
    model_kernel_route_drop_at(model, at);
    sim_kernel_tell_route(world, ce, &route, true);
}

/* Routes on it go with it, and nobody says so of each. The guards are no such routes. */
static void object_deleted(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    struct model_kernel *model = &ce->kernel.model;
    if (model->object_count == 0) {
        return;
    }
    struct core_event event = {.kind = EVENT_KERNEL_NEXTHOP};
    event.kernel_nexthop.is_removed = true;
    event.kernel_nexthop.is_ours = true;
    event.kernel_nexthop.nexthop =
        model->objects[random_below(&world->random, model->object_count)].nexthop;
    sim_trace(world, NULL, "fault: somebody deletes object %x", event.kernel_nexthop.nexthop.id);
    model_kernel_object_drop(model, event.kernel_nexthop.nexthop.id);
    checked(world);
    if (sim_chance(world, 2)) {
        sim_kernel_tell(world, ce, &event);
    }
}

static void overrun(struct sim_world *world)
{
    if (azure_ce(world)->core != NULL) {
        sim_trace(world, NULL, "fault: notifications are lost");
        sim_kernel_overrun(world, azure_ce(world));
    }
}

static void bad_kernel(struct sim_world *world)
{
    struct sim_kernel *kernel = &azure_ce(world)->kernel;
    if (kernel->refuse_one_in != 0 || sim_chance(world, 2)) {
        kernel->refuse_one_in = kernel->refuse_one_in != 0 ? 0 : 2 + either(world) * 8;
        azure_points_excuse(world);
    } else {
        kernel->delay_us = sim_chance(world, 2) ? 400 : 200000;
    }
    sim_trace(world, NULL, "fault: the kernel refuses one in %u, takes %u us",
              kernel->refuse_one_in, kernel->delay_us);
}

static void far_offers(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    uint32_t node = 1 + random_below(&world->random, AZURE_NODE_COUNT - 1);
    if (mono_before(world->now, world->nodes[node].stalled_until)) {
        return;
    }
    azure->offers[node] ^= 1u << random_below(&world->random, AZURE_HUB_PREFIXES_MAX);
    if (node <= AZURE_MSEE1 && sim_chance(world, 5)) {
        azure->is_limited[node - AZURE_MSEE0] = !azure->is_limited[node - AZURE_MSEE0];
    }
    sim_trace(world, NULL, "fault: node %u offers %02x", node, azure->offers[node]);
    azure_commit(world, node);
}

void azure_fault(struct sim_world *world)
{
    static void (*const faults[])(struct sim_world *) = {
        link_silent,  link_carrier, link_down,  tunnel_fault, tunnel_fault,
        tunnel_fault, ce_killed,    ce_stopped, far_killed,   stall,
        clear,        foreign,      foreign,    sabotage,     overrun,
        bad_kernel,   far_offers,   far_offers, local_addr,   object_deleted,
    };
    uint32_t which = random_below(&world->random, sizeof faults / sizeof faults[0] + 3);
    azure_of(world)->faults++;
    if (which < sizeof faults / sizeof faults[0]) {
        faults[which](world);
    } else if (which == sizeof faults / sizeof faults[0]) {
        sim_trace(world, NULL, "fault: a connection breaks");
        sim_break_connection(world);
    } else if (!mono_before(world->now, azure_ce(world)->stalled_until)) {
        azure_setup_change(world);
        azure_commit(world, AZURE_CE);
    }
    checked(world);
}

/* ---- Peace ---- */

static void links_return(struct sim_world *world)
{
    struct sim_node *ce = azure_ce(world);
    for (uint32_t slot = SLOT_ER0; slot <= SLOT_TUN1; slot++) {
        struct model_link *link = &ce->kernel.model.links[slot];
        if (link->is_absent) {
            device(world, slot - SLOT_TUN0, true);
        } else if (!model_kernel_carries(link)) {
            model_kernel_set_carrier(&ce->kernel.model, slot, true);
            model_kernel_set_up(&ce->kernel.model, slot, true);
            sim_kernel_tell_link(world, ce, slot);
        }
    }
}

void azure_make_peace(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    struct sim_node *ce = azure_ce(world);
    sim_trace(world, NULL, "peace");
    ce->kernel.refuse_one_in = 0;
    ce->kernel.delay_us = 400;
    for (uint32_t i = 0; i < AZURE_NODE_COUNT; i++) {
        world->nodes[i].stalled_until = world->now;
    }
    links_return(world);
    local_addr_set(world, azure->plan->local_endpoint, true);
    local_addr_set(world, azure->plan->inner_local, true);
    for (uint32_t i = ce->kernel.model.route_count; i-- > 0;) {
        if (is_foreign(&ce->kernel.model.routes[i])) {
            foreign_goes(world, i);
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        azure->is_er_silent[i] = false;
        azure->is_ike_dead[i] = false;
        azure->is_limited[i] = false;
        gateway_gone(world, i, false);
    }
    if (ce->is_stopped) {
        sim_node_kill(world, ce);
    }
    /* Without a way to the endpoints no tunnel comes up. */
    azure->setup.is_shut[0] = azure->setup.is_shut[0] && !azure->setup.is_shut[1];
    azure->offers[AZURE_MSEE0] |= 1u;
    azure->offers[AZURE_MSEE1] |= 1u;
    for (uint32_t node = 0; node < AZURE_NODE_COUNT; node++) {
        azure->far_restart_at[node] = MONO_NEVER;
        azure_start(world, node);
        azure_commit(world, node);
    }
    azure->restart_at = MONO_NEVER;
}
