/* Overruling: a route of exactly the prefix of a route of others that does harm, ahead of it, by
 * the way the destination would take without them, or nowhere. In IPv4 it can stand before theirs
 * even under the same metric, 0 in the worst case; the kernel then keeps several routes of one
 * prefix and metric, told apart by where they lead. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

/* Deleting, the kernel looks at the first leg only, but it does look at the scope: anything below
 * that of a link is good for a route with a gateway, and means nothing else to forwarding. */
#define SCOPES 100u

#define IPV6_METRIC_MIN 1u /* the kernel takes 0 for 1024 */

/* ---- Telling the kernel ---- */

static struct fib_route nowhere(const struct core *core, const struct fib_route *wish)
{
    struct fib_route route = *wish;
    const struct protection_def *def =
        core->protections == NULL ? NULL : protection_find(core->protections, &wish->prefix);
    memset(route.legs, 0, sizeof route.legs);
    route.leg_count = 0;
    route.preferred_source = (struct ip_addr){.family = IP_NONE};
    route.type = def != NULL && def->guard == PROTECTION_GUARD_BLACKHOLE ? FIB_ROUTE_BLACKHOLE
                                                                         : FIB_ROUTE_UNREACHABLE;
    return route;
}

static void send_told(struct core *core, struct own_route *own)
{
    struct operation what = {.kind = OPERATION_OWN, .is_timed = failover_is_open(core), .own = own};
    if (what.is_timed) {
        failover_count_route(core);
    }
    own->is_told = true;
    own->is_installed = false;
    own->operation = operation_send_route(core, &own->told, false, &what);
}

static void take_away(struct core *core, const struct fib_route *route)
{
    struct operation nobody = {.kind = OPERATION_OTHER};
    operation_send_route(core, route, true, &nobody);
}

/* What stood there stays behind the new one until that is confirmed: never a moment without. */
static void send_new(struct core *core, struct own_route *own, const struct fib_route *route)
{
    if (own->is_told) {
        own->behind = own->told;
        own->has_behind = true;
    } else {
        own->has_behind = adoption_take_whole(core, &route->prefix, route->metric, &own->behind);
    }
    adoption_taken_over(core, &route->prefix, route->metric); /* or the sweep would take ours */
    own->told = *route;
    own->told.scope = own->has_behind ? (uint8_t)(own->behind.scope % SCOPES + 1) : 1;
    own->error = 0;
    send_told(core, own);
}

/* What is put where theirs stands replaces it, unless it goes in front. Another place has to be
 * chosen. */
static bool is_place_taken(struct core *core, const struct fib_route *route)
{
    if (route->is_first || !slot_has_foreign(core, &route->prefix, route->metric)) {
        return false;
    }
    kernel_of(core)->overrules_dirty = true;
    kernel_settle_soon(core);
    return true;
}

/* One operation at a time; the answer goes on with what is wanted then. */
static void go_on(struct core *core, struct own_route *own)
{
    const struct fib_route *wish = &own->local.route;
    const struct kernel_side *ks = kernel_of(core);
    if (ks->is_stopped || !ks->is_ready || own->operation != 0 || own->is_held_back ||
        (own->is_told && fib_route_equal(&own->told, wish)) || is_place_taken(core, wish)) {
        return;
    }
    if (own->is_told || adoption_has(core, &wish->prefix, wish->metric)) {
        send_new(core, own, wish);
    } else {
        struct fib_route first = nowhere(core, wish); /* The way may be refused; this is not. */
        send_new(core, own, &first);
    }
}

void overrule_tell(struct core *core, struct own_route *own)
{
    own->is_held_back = false;
    go_on(core, own);
}

static void drop_behind(struct core *core, struct own_route *own)
{
    bool is_replaced = !own->told.is_first && own->told.metric == own->behind.metric;
    if (own->has_behind && !is_replaced) {
        take_away(core, &own->behind);
    }
    own->has_behind = false;
}

void overrule_untell(struct core *core, struct own_route *own)
{
    if (own->is_told) {
        take_away(core, &own->told);
    }
    if (own->has_behind) {
        take_away(core, &own->behind);
    }
    operation_forget(core, own->operation);
    own->operation = 0;
    own->is_told = false;
    own->is_installed = false;
    own->has_behind = false;
    own->is_held_back = false;
    own->must_repeat = false;
}

void overrule_again(struct core *core, struct own_route *own)
{
    if (own->operation != 0) {
        own->must_repeat = true;
    } else if (!own->is_told) {
        go_on(core, own);
    } else if (!is_place_taken(core, &own->told)) {
        send_told(core, own);
    }
}

static void refused(struct core *core, struct own_route *own, const struct fib_result *result)
{
    bool was_way = own->told.type == FIB_ROUTE_UNICAST;
    core_log(core, LOG_PROTECTION, LOG_SEVERITY_WARNING, NULL, &own->told.prefix,
             "the kernel refused the route that %s: %s%s%s; tried again", own->note,
             fib_error_text(result->error), result->text[0] == 0 ? "" : ": ", result->text);
    own->is_told = own->has_behind;
    own->told = own->has_behind ? own->behind : own->told;
    own->is_installed = own->has_behind;
    own->has_behind = false;
    own->is_held_back = true; /* until the next round of retries, or another wish */
    fib_retry_later(core);
    struct fib_route safe = nowhere(core, &own->local.route);
    if (was_way && !(own->is_told && fib_route_equal(&own->told, &safe))) {
        send_new(core, own, &safe); /* What stands behind may be dead. */
    }
}

void overrule_on_result(struct core *core, struct own_route *own, const struct fib_result *result)
{
    own->operation = 0;
    if (result->error == EEXIST && own->told.is_first && !own->is_put_first) {
        /* The very same stands there, perhaps behind theirs: away with it, to be put in front. */
        own->is_put_first = true;
        take_away(core, &own->told);
        send_told(core, own);
        return;
    }
    own->is_put_first = false;
    own->local.is_seen = true;
    own->error = result->error;
    if (result->error != 0) {
        refused(core, own, result);
        return;
    }
    own->is_installed = true;
    drop_behind(core, own);
    if (own->must_repeat) {
        own->must_repeat = false;
        overrule_again(core, own);
    } else {
        go_on(core, own);
    }
}

/* ---- Which of them, and by which way ---- */

static void add_leg(const struct core *core, uint32_t allowed, const struct fib_leg *leg,
                    struct fib_route *wish)
{
    if ((PATH_CLASS_BIT(kernel_interface_class(core, leg->ifindex)) & allowed) != 0 &&
        kernel_interface_is_up(core, leg->ifindex) && wish->leg_count < FIB_PLAIN_LEGS_MAX) {
        wish->legs[wish->leg_count++] = *leg;
    }
}

/* The way of BGP for prefix now, as the kernel has it: primary, survivors or backup. */
static void add_bgp_legs(struct core *core, const struct prefix *prefix, uint32_t allowed,
                         struct fib_route *wish)
{
    uint32_t number;
    const struct fib_entry *entry = fib_entry_find(core, prefix, &number);
    if (entry == NULL || entry->group == 0) {
        return;
    }
    fib_group_ensure(core, entry->group); /* Its members are known once it is told. */
    const struct nexthop_group *group = fib_group_at(core, entry->group);
    for (uint8_t i = 0; i < group->member_count; i++) {
        const struct leg_object *member = leg_object_at(core, group->members[i]);
        if (!member->is_blackhole) {
            struct fib_leg leg = member->leg;
            leg.weight = group->weights[i];
            add_leg(core, allowed, &leg, wish);
        }
    }
}

static void add_own_legs(const struct core *core, const struct prefix *prefix, uint32_t allowed,
                         struct fib_route *wish)
{
    const struct local_route *best = NULL;
    for (const struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        bool has_way = local->is_usable && local->fault == FOREIGN_HARMLESS &&
                       local->route.type == FIB_ROUTE_UNICAST && local->kind != LOCAL_GUARD &&
                       local->kind != LOCAL_OVERRULE;
        if (has_way && (best == NULL || local_route_rank(local) < local_route_rank(best))) {
            best = local;
        }
    }
    for (uint8_t i = 0; best != NULL && i < best->route.leg_count; i++) {
        add_leg(core, allowed, &best->route.legs[i], wish);
    }
}

/* Classes that may carry what theirs takes. */
static uint32_t allowed_classes(const struct core *core, const struct local_route *theirs)
{
    struct ip_addr addr = prefix_addr(&theirs->route.prefix);
    uint16_t tunnel_number =
        theirs->fault == FOREIGN_CAPTURES_ENDPOINT ? tunnel_by_endpoint(core, &addr) : 0;
    if (tunnel_number != 0) {
        return tunnel_underlay_classes(&core->config->tunnels[tunnel_number - 1]);
    }
    return core->protections == NULL
               ? PATH_CLASS_ANY
               : protection_allowed_classes(core->protections, &theirs->route.prefix);
}

/* By which way the destination goes when theirs is passed over: the longest cover that has one. */
static void fill_way(struct core *core, const struct local_route *theirs, struct fib_route *wish)
{
    uint32_t allowed = allowed_classes(core, theirs);
    struct ip_addr addr = prefix_addr(&wish->prefix);
    if (theirs->fault == FOREIGN_CAPTURES_ENDPOINT) {
        const struct own_route *pin = own_route_find(core, LOCAL_PIN_ENDPOINT, &wish->prefix);
        if (pin != NULL) {
            wish->leg_count = pin->local.route.leg_count;
            memcpy(wish->legs, pin->local.route.legs, sizeof wish->legs);
            wish->preferred_source = pin->local.route.preferred_source;
        }
    }
    for (unsigned left = wish->prefix.len_bits + 1u;
         left > 0 && wish->leg_count == 0 && theirs->fault == FOREIGN_EXPOSES; left--) {
        struct prefix cover = prefix_make(&addr, (uint8_t)(left - 1));
        add_own_legs(core, &cover, allowed, wish);
        if (wish->leg_count == 0) {
            add_bgp_legs(core, &cover, allowed, wish);
        }
    }
    if (wish->leg_count == 0) {
        *wish = nowhere(core, wish);
    }
}

/* An earlier run knew a way: it is kept until we know one. It is told anew, since theirs may have
 * come before it meanwhile, and from then on somebody looks after it. */
static void keep_way(const struct core *core, const struct local_route *theirs,
                     const struct own_route *own, struct fib_route *wish)
{
    const struct fib_route *standing = own != NULL && own->is_told
                                           ? &own->told
                                           : adoption_find_whole(core, &wish->prefix, wish->metric);
    struct fib_route kept = *wish;
    if (standing == NULL || standing->type != FIB_ROUTE_UNICAST) {
        return;
    }
    kept.type = FIB_ROUTE_UNICAST;
    kept.preferred_source = standing->preferred_source;
    for (uint8_t i = 0; i < standing->leg_count; i++) {
        if (theirs->fault != FOREIGN_CAPTURES_ENDPOINT ||
            tunnel_by_ifindex(core, standing->legs[i].ifindex) == 0) {
            add_leg(core, allowed_classes(core, theirs), &standing->legs[i], &kept);
        }
    }
    if (kept.leg_count != 0) {
        *wish = kept;
    }
}

bool overrule_can_precede(const struct fib_route *theirs)
{
    return theirs->prefix.family == IP_V4 || theirs->metric > IPV6_METRIC_MIN;
}

/* The lowest metric of those at this prefix that do harm and can be preceded; UINT32_MAX for none.
 */
static uint32_t lowest_harmful(const struct core *core, const struct prefix *prefix)
{
    uint32_t lowest = UINT32_MAX;
    for (const struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (local->fault != FOREIGN_HARMLESS && overrule_can_precede(&local->route) &&
            local->route.metric < lowest) {
            lowest = local->route.metric;
        }
    }
    return lowest;
}

/* A metric ahead of them. IPv4 knows 0, and an order among equals; IPv6 does not. */
static bool choose_metric(const struct core *core, struct fib_route *wish)
{
    bool is_v4 = wish->prefix.family == IP_V4;
    uint32_t least = is_v4 ? 0 : IPV6_METRIC_MIN;
    uint32_t metric = lowest_harmful(core, &wish->prefix);
    if (metric == UINT32_MAX) {
        return false;
    }
    while (metric > least) {
        metric--;
        if (metric != core->config->fib_metric && !slot_has_foreign(core, &wish->prefix, metric)) {
            wish->metric = metric;
            /* Theirs may come to 0 as well: only what has a place of its own can be told apart from
             * it, and from what went before it. */
            wish->is_first = is_v4 && metric == 0;
            return true;
        }
    }
    wish->metric = 0;
    wish->is_first = is_v4;
    return is_v4;
}

static void overrule(struct core *core, const struct local_route *theirs)
{
    struct fib_route wish = own_route_template(core, &theirs->route.prefix);
    if (!choose_metric(core, &wish)) {
        return; /* snapshot_foreign_route says so */
    }
    fill_way(core, theirs, &wish);
    struct own_route *own = own_route_find(core, LOCAL_OVERRULE, &wish.prefix);
    const struct kernel_side *ks = kernel_of(core);
    if (wish.type != FIB_ROUTE_UNICAST && (ks->is_adopting || !ks->is_ready)) {
        keep_way(core, theirs, own, &wish);
    }
    if (own == NULL) {
        own = own_route_new(core, LOCAL_OVERRULE, &wish.prefix);
        snprintf(own->note, sizeof own->note, "overrules a route of protocol %u",
                 theirs->route.protocol);
    }
    own->is_in_config = true;
    own_route_set(core, own, &wish, true);
}

void overrules_update(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ks->overrules_dirty = false;
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        own->is_in_config = own->is_in_config && own->local.kind != LOCAL_OVERRULE;
    }
    for (uint32_t i = 0; i < ks->fault_count; i++) {
        if (ks->faults[i]->fault != FOREIGN_EXPOSES_LINK &&
            foreign_is_overruled_by_choice(core, ks->faults[i])) {
            overrule(core, ks->faults[i]);
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_OVERRULE && !own->is_in_config) {
            own_route_remove(core, own);
        }
    }
}

void overrules_rewrite(struct core *core, const struct prefix *prefix)
{
    struct own_route *own = own_route_find(core, LOCAL_OVERRULE, prefix);
    if (own != NULL) {
        overrule_again(core, own);
    }
}

/* Answers no longer matter then, and the kernel works in order: nowhere goes in front at once. */
void overrules_discard(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_OVERRULE && own->is_told &&
            own->told.type == FIB_ROUTE_UNICAST) {
            struct fib_route safe = nowhere(core, &own->told);
            send_new(core, own, &safe);
            drop_behind(core, own);
        }
    }
}
