/* The check that is always on: after every fact and every operation of a kernel, a packet to a
 * protected destination leaves protected or not at all, and a packet from the hub to a protected
 * network of ours comes back protected or not at all. */
#include <stdio.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/hash.h"
#include "tests/sim/azure.h"

/* What has only now become protected may still be on its way out of the clear for so long. */
#define FORWARD_GRACE_MS   31000  /* the longest pause before a refused operation is tried again */
#define RETURN_GRACE_MS    200000 /* a far end that hears nothing keeps what it knows: hold time */
#define FOREIGN_TICKS_MAX  10u
#define FAILOVER_TICKS_MAX 10u
#define ADOPTION_MS        70000
#define HOLD_GRACE_MS      10000 /* cover hold: until the far ends know that the tunnels are gone */

/* ---- What is protected: the tunnels' endpoints are not among the points looked at ---- */

static bool is_forward_protected(const struct azure *azure, const struct ip_addr *addr)
{
    struct prefix hub = azure_prefix(azure->plan->hub_protected);
    struct prefix spoke = azure_prefix(azure->plan->spoke);
    return prefix_contains_ip(&hub, addr) ||
           (azure->setup.protects_spoke && prefix_contains_ip(&spoke, addr));
}

static bool is_inside_protection(const struct azure *azure, const struct prefix *prefix)
{
    struct prefix hub = azure_prefix(azure->plan->hub_protected);
    struct prefix spoke = azure_prefix(azure->plan->spoke);
    return prefix_contains(&hub, prefix) ||
           (azure->setup.protects_spoke && prefix_contains(&spoke, prefix));
}

static bool is_back_protected(const struct azure *azure, const struct ip_addr *addr)
{
    struct prefix first = azure_prefix(azure->plan->site_ipsec);
    struct prefix second = azure_prefix(azure->plan->site_ipsec2);
    return azure->setup.cover != COVER_ALLOW &&
           (prefix_contains_ip(&first, addr) ||
            (azure->setup.has_second_ipsec_network && prefix_contains_ip(&second, addr)));
}

static void point_set(const struct sim_world *world, struct azure_point *point, bool is_protected,
                      bool is_renewed)
{
    if (point->is_protected != is_protected || is_renewed) {
        point->is_protected = is_protected;
        point->is_clean = false;
        point->since = world->now;
    }
}

void azure_points_update(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    bool is_renewed = azure->checked_cover != azure->setup.cover;
    azure->checked_cover = azure->setup.cover;
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        point_set(world, &azure->forward[i], is_forward_protected(azure, &azure->forward[i].addr),
                  false);
    }
    for (uint32_t i = 0; i < azure->back_count; i++) {
        point_set(world, &azure->back[i], is_back_protected(azure, &azure->back[i].addr),
                  is_renewed);
    }
    azure->is_ways_dirty = true;
    azure->is_return_dirty = true;
}

void azure_points_excuse(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        azure->forward[i].is_clean = false;
        azure->forward[i].since = world->now;
    }
}

/* ---- There ---- */

/* Nobody can do anything about it at this moment. */
static bool is_helpless(struct sim_world *world)
{
    const struct sim_node *ce = azure_ce(world);
    return ce->core == NULL || ce->is_stopped || mono_before(world->now, ce->stalled_until) ||
           ce->kernel.refuse_one_in != 0;
}

/* The guard stands, and behind it nothing of ours that is left from before the protection. */
static bool is_guarded(struct sim_world *world, const struct ip_addr *addr)
{
    const struct model_kernel *kernel = &azure_ce(world)->kernel.model;
    const struct azure_plan *plan = azure_of(world)->plan;
    struct prefix hub = azure_prefix(plan->hub_protected);
    struct prefix spoke = azure_prefix(plan->spoke);
    const struct prefix *guard = prefix_contains_ip(&hub, addr) ? &hub : &spoke;
    if (model_kernel_route(kernel, guard, GUARD_METRIC) == NULL ||
        azure_ce(world)->kernel.operations.count != 0) {
        return false; /* a removal from before may be on its way */
    }
    for (uint32_t i = 0; i < kernel->route_count; i++) {
        const struct fib_route *route = &kernel->routes[i];
        if (prefix_contains(guard, &route->prefix) && prefix_contains_ip(&route->prefix, addr) &&
            route->protocol == MODEL_OURS && model_kernel_is_clear(kernel, route)) {
            return false;
        }
    }
    return true;
}

static void check_forward(struct sim_world *world, struct azure_point *point)
{
    const struct model_kernel *kernel = &azure_ce(world)->kernel.model;
    const struct fib_route *route = NULL;
    uint32_t clear =
        model_kernel_clear_ways(kernel, model_kernel_ways(kernel, &point->addr, &route));
    if (clear != 0 && route->protocol != MODEL_OURS &&
        is_inside_protection(azure_of(world), &route->prefix)) {
        point->since = world->now; /* Somebody else's doing, see azure_foreign_tick. */
        return;
    }
    point->is_clean = point->is_clean || (clear == 0 && is_guarded(world, &point->addr));
    if (point->is_clean && clear == 0) {
        return;
    }
    if (is_helpless(world) && !point->is_clean) {
        point->since = world->now;
    }
    bool is_late = mono_before(mono_add(point->since, mono_span_ms(FORWARD_GRACE_MS)), world->now);
    char addr[IP_TEXT_BYTES];
    char prefix[PREFIX_TEXT_BYTES];
    if (clear == 0 && is_late) {
        sim_fail(world, "nothing guards %s yet", ip_format(&point->addr, addr));
    } else if (clear != 0 && (is_late || point->is_clean)) {
        sim_fail(world, "a packet to %s leaves in the clear by %s (%s metric %u object %x)",
                 ip_format(&point->addr, addr), kernel->links[__builtin_ctz(clear)].name,
                 prefix_format(&route->prefix, prefix), route->metric, route->nexthop_object);
    }
}

static bool is_listed(const struct sim_world *world, const struct fib_route *route)
{
    struct snapshot_foreign_route row;
    for (uint32_t i = 0; snapshot_foreign_route(world->nodes[AZURE_CE].core, i, &row); i++) {
        if (row.route.metric == route->metric && prefix_equal(&row.route.prefix, &route->prefix)) {
            return true;
        }
    }
    return false;
}

/* Nothing goes before the lowest metric of IPv6. */
static bool can_be_overruled(const struct fib_route *route)
{
    return route->prefix.family == IP_V4 || route->metric > 1;
}

void azure_foreign_tick(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    const struct model_kernel *kernel = &azure_ce(world)->kernel.model;
    const struct fib_route *unlisted = NULL;
    const struct fib_route *unruled = NULL;
    if (is_helpless(world)) {
        azure->foreign_ticks = azure->unruled_ticks = 0;
        return;
    }
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        const struct fib_route *route = NULL;
        uint32_t ways = model_kernel_ways(kernel, &azure->forward[i].addr, &route);
        if (!azure->forward[i].is_protected || model_kernel_clear_ways(kernel, ways) == 0 ||
            route->protocol == MODEL_OURS || !is_inside_protection(azure, &route->prefix)) {
            continue;
        }
        unlisted = is_listed(world, route) ? unlisted : route;
        unruled = azure->setup.overrules && can_be_overruled(route) ? route : unruled;
    }
    azure->foreign_ticks = unlisted != NULL ? azure->foreign_ticks + 1 : 0;
    azure->unruled_ticks = unruled != NULL ? azure->unruled_ticks + 1 : 0;
    char prefix[PREFIX_TEXT_BYTES];
    if (azure->foreign_ticks > FOREIGN_TICKS_MAX) {
        sim_fail(world, "a foreign route to %s metric %u carries protected packets, not reported",
                 prefix_format(&unlisted->prefix, prefix), unlisted->metric);
    } else if (azure->unruled_ticks > FOREIGN_TICKS_MAX) {
        sim_fail(world, "a foreign route to %s metric %u carries protected packets, not overruled",
                 prefix_format(&unruled->prefix, prefix), unruled->metric);
    }
}

/* As the evidence that is gathered says. */
static bool is_said_dead(const struct azure *azure, uint32_t tunnel)
{
    uint32_t sources = azure->tunnel_sources[tunnel];
    const struct azure_watch *probe = &azure->probe[tunnel];
    return ((sources & LIVENESS_XFRM) != 0 && !azure->has_sa[tunnel]) ||
           ((sources & LIVENESS_PROBE) != 0 && probe->has_been_up && !probe->is_up);
}

static void check_moved(struct sim_world *world, uint32_t tunnel)
{
    const struct azure *azure = azure_of(world);
    struct ip_addr inner = azure_addr(azure->plan->inner_remote[tunnel]);
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        const struct ip_addr *addr = &azure->forward[i].addr;
        uint32_t ways = model_kernel_ways(&azure_ce(world)->kernel.model, addr, NULL);
        if ((ways & MODEL_WAY(SLOT_TUN0 + tunnel)) != 0 && !ip_equal(addr, &inner)) {
            char text[IP_TEXT_BYTES];
            sim_fail(world, "packets to %s still go into tunnel %u, dead for %u s",
                     ip_format(addr, text), tunnel, FAILOVER_TICKS_MAX * 300 / 1000);
        }
    }
}

void azure_failover_tick(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    azure->able_since = is_helpless(world) ? world->now : azure->able_since;
    for (uint32_t i = 0; i < 2; i++) {
        /* What an earlier run left is kept for a while, wherever it leads. */
        bool is_settled =
            mono_before(mono_add(azure->able_since, mono_span_ms(ADOPTION_MS)), world->now);
        bool counts = is_said_dead(azure, i) && !is_helpless(world) && is_settled;
        azure->dead_ticks[i] = counts ? azure->dead_ticks[i] + 1 : 0;
        if (azure->dead_ticks[i] > FAILOVER_TICKS_MAX) {
            check_moved(world, i);
        }
    }
}

/* ---- And back ---- */

/* No MSEE has heard of it in the clear, and nothing from before is on its way to one. */
static bool is_forgotten(const struct sim_world *world, const struct ip_addr *addr)
{
    return !azure_hub_has_clear(azure_of(world), addr) &&
           !sim_net_is_under_way(world, AZURE_CE, AZURE_MSEE0) &&
           !sim_net_is_under_way(world, AZURE_CE, AZURE_MSEE1);
}

static void check_back(struct sim_world *world, struct azure_point *point)
{
    struct azure *azure = azure_of(world);
    uint32_t ways = azure_hub_ways(azure, &point->addr);
    uint32_t clear = ways & (1u << AZURE_MSEE0 | 1u << AZURE_MSEE1);
    bool is_holding = azure->setup.cover == COVER_HOLD;
    for (uint32_t i = 0; i < 2 && is_holding; i++) {
        /* Who cannot be told that the cover is held back cannot deliver anything either. */
        clear &= azure_er_passes(world, i) ? UINT32_MAX : ~(1u << AZURE_MSEE(i));
    }
    if (clear == 0) {
        point->is_clean = point->is_clean || is_holding || is_forgotten(world, &point->addr);
        point->exposed = MONO_NEVER;
        return;
    }
    if (is_helpless(world)) {
        point->since = world->now;
        point->exposed = world->now;
    }
    if (!mono_before(point->exposed, MONO_NEVER)) {
        point->exposed = world->now;
    }
    int64_t hold_ms = azure->setup.has_evidence ? HOLD_GRACE_MS : RETURN_GRACE_MS;
    struct mono_time limit =
        is_holding ? mono_add(point->exposed, mono_span_ms(hold_ms)) : point->exposed;
    bool is_late = mono_before(mono_add(point->since, mono_span_ms(RETURN_GRACE_MS)), world->now);
    if ((!point->is_clean && is_late) || (point->is_clean && !mono_before(world->now, limit))) {
        char addr[IP_TEXT_BYTES];
        sim_fail(world, "a packet from the hub to %s comes back in the clear by MSEE %u%s",
                 ip_format(&point->addr, addr), (uint32_t)__builtin_ctz(clear) - AZURE_MSEE0,
                 is_holding ? ", and stays so" : "");
    }
}

/* ---- Always ---- */

static void check_node(struct sim_world *world, const struct sim_node *node)
{
    if (node->kernel.model.wrong != 0) {
        sim_fail(world, "node %u touched somebody else's route", node->number);
    }
}

void azure_check(struct sim_world *world, struct sim_node *node)
{
    struct azure *azure = azure_of(world);
    uint64_t version = azure_ce(world)->kernel.model.version;
    if (node->number != AZURE_CE) {
        azure_hub_read(world, node->number);
    }
    check_node(world, node);
    bool has_grace = false;
    for (uint32_t i = 0; i < azure->forward_count; i++) {
        has_grace = has_grace || (azure->forward[i].is_protected && !azure->forward[i].is_clean);
    }
    bool is_forward_due = version != azure->checked_version || azure->is_ways_dirty || has_grace;
    for (uint32_t i = 0; is_forward_due && i < azure->forward_count; i++) {
        if (azure->forward[i].is_protected) {
            check_forward(world, &azure->forward[i]);
            azure->checks++;
        }
    }
    for (uint32_t i = 0; i < azure->back_count; i++) {
        if (azure->back[i].is_protected && (azure->is_return_dirty || !azure->back[i].is_clean ||
                                            mono_before(azure->back[i].exposed, MONO_NEVER))) {
            check_back(world, &azure->back[i]);
            azure->checks++;
        }
    }
    azure->checked_version = version;
    azure->is_ways_dirty = false;
    azure->is_return_dirty = false;
}
