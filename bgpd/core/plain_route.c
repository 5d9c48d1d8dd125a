/* Routes of ours that are not BGP's: how they get into the kernel and who stands where several
 * routes want the same place. They carry their legs themselves, no next-hop objects, so that IKE
 * daemons and people can read them. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

struct fib_route own_route_template(const struct core *core, const struct prefix *prefix)
{
    struct fib_route route;
    memset(&route, 0, sizeof route);
    route.prefix = *prefix;
    route.table = core->config->fib_table;
    route.metric = core->config->fib_metric;
    route.protocol = core->config->fib_protocol;
    route.type = FIB_ROUTE_UNICAST;
    return route;
}

static bool is_own_kind(const struct local_route *local)
{
    return local->kind != LOCAL_CONNECTED && local->kind != LOCAL_KERNEL;
}

/* Stands beside whoever has the place of its prefix, under a metric of its own. */
static bool has_own_place(const struct local_route *local)
{
    return local->kind == LOCAL_GUARD || local->kind == LOCAL_OVERRULE;
}

static struct own_route *own_of(const struct local_route *local)
{
    return CONTAINER_OF(local, struct own_route, local);
}

struct own_route *own_route_new(struct core *core, enum local_kind kind,
                                const struct prefix *prefix)
{
    struct own_route *own = mem_alloc(MEM_FIB, sizeof *own);
    own->local.kind = (uint8_t)kind;
    own->local.route = own_route_template(core, prefix);
    local_route_add(core, &own->local);
    list_append(&kernel_of(core)->own_routes, &own->node);
    return own;
}

struct own_route *own_route_find(const struct core *core, enum local_kind kind,
                                 const struct prefix *prefix)
{
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (local->kind == kind) {
            return own_of(local);
        }
    }
    return NULL;
}

bool slot_has_foreign(const struct core *core, const struct prefix *prefix, uint32_t metric)
{
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (local->kind == LOCAL_KERNEL && local->route.metric == metric) {
            return true;
        }
    }
    return false;
}

static void own_untell(struct core *core, struct own_route *own)
{
    if (own->local.kind == LOCAL_OVERRULE) {
        overrule_untell(core, own);
        return;
    }
    if (!own->is_told) {
        return;
    }
    own->is_told = false;
    own->is_installed = false;
    operation_forget(core, own->operation);
    own->operation = 0;
    struct operation what = {.kind = OPERATION_OTHER};
    operation_send_route(core, &own->told, true, &what);
}

static void own_tell(struct core *core, struct own_route *own)
{
    struct kernel_side *ks = kernel_of(core);
    const struct fib_route *wish = &own->local.route;
    if (own->local.kind == LOCAL_OVERRULE) {
        overrule_tell(core, own);
        return;
    }
    if (ks->is_stopped || (!ks->is_ready && own->local.kind != LOCAL_GUARD) ||
        (own->is_told && fib_route_equal(&own->told, wish))) {
        return;
    }
    if (slot_has_foreign(core, &wish->prefix, wish->metric)) {
        own->error = EEXIST;
        if (!own->is_conflict_logged) {
            own->is_conflict_logged = true;
            core_log(core, LOG_FIB, LOG_SEVERITY_ERROR, NULL, &wish->prefix,
                     "a foreign route with metric %u stands in the way of ours; it stays: "
                     "remove it, or choose another `fib metric`",
                     wish->metric);
        }
        return;
    }
    if (own->is_told && (own->told.metric != wish->metric || own->told.table != wish->table)) {
        own_untell(core, own);
    }
    own->is_conflict_logged = false;
    own->is_told = true;
    own->is_installed = false;
    own->error = 0;
    own->told = *wish;
    operation_forget(core, own->operation);
    struct operation what = {.kind = OPERATION_OWN, .is_timed = failover_is_open(core), .own = own};
    if (what.is_timed) {
        failover_count_route(core);
    }
    own->operation = operation_send_route(core, wish, false, &what);
    adoption_taken_over(core, &wish->prefix, wish->metric);
}

void own_route_on_result(struct core *core, struct own_route *own, const struct fib_result *result)
{
    if (own->local.kind == LOCAL_OVERRULE) {
        overrule_on_result(core, own, result);
        return;
    }
    own->operation = 0;
    own->error = result->error;
    own->is_installed = result->error == 0;
    own->local.is_seen = true; /* newer than an account that is being given */
    if (result->error == 0) {
        return;
    }
    own->is_told = false;
    operation_remove_twin(core, &own->told, result);
    core_log(core, LOG_FIB,
             own->local.kind == LOCAL_GUARD ? LOG_SEVERITY_ERROR : LOG_SEVERITY_WARNING, NULL,
             &own->told.prefix, "the kernel refused the route (%s): %s%s%s; tried again",
             own->note[0] == 0 ? "static" : own->note, fib_error_text(result->error),
             result->text[0] == 0 ? "" : ": ", result->text);
    fib_retry_later(core);
}

/* ---- Who stands for a prefix ---- */

static bool is_protected(const struct core *core, const struct prefix *prefix)
{
    return core->protections != NULL && protection_find(core->protections, prefix) != NULL;
}

bool slot_allows_bgp(const struct core *core, const struct prefix *prefix, uint8_t distance)
{
    if (kernel_of(core)->local_lengths[prefix_afi_safi(prefix)][prefix->len_bits] == 0) {
        return true;
    }
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (!local->is_usable || has_own_place(local)) {
            continue;
        }
        /* Beside somebody else's route for a protected prefix ours is the safer one. */
        if (local->kind == LOCAL_KERNEL && local->route.metric != core->config->fib_metric &&
            is_protected(core, prefix)) {
            continue;
        }
        if (local_route_rank(local) <= distance) {
            return false;
        }
    }
    return true;
}

const struct local_route *slot_best_local(const struct core *core, const struct prefix *prefix)
{
    const struct local_route *best = NULL;
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (!local->is_usable || has_own_place(local)) {
            continue;
        }
        int rank = local_route_rank(local);
        if (best == NULL || rank < local_route_rank(best) ||
            (rank == local_route_rank(best) && local->kind < best->kind)) {
            best = local;
        }
    }
    return best;
}

/* Everybody of ours but the winner leaves; silently where somebody has taken the place over. */
static void others_leave(struct core *core, const struct prefix *prefix,
                         const struct own_route *winner, bool is_replaced)
{
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (!is_own_kind(local) || has_own_place(local) || own_of(local) == winner) {
            continue;
        }
        struct own_route *own = own_of(local);
        own->is_selected = false;
        if (is_replaced && own->is_told) {
            own->is_told = false;
            own->is_installed = false;
            operation_forget(core, own->operation);
            own->operation = 0;
        }
        own_untell(core, own);
    }
}

static bool any_own_told(const struct core *core, const struct prefix *prefix)
{
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (is_own_kind(local) && !has_own_place(local) && own_of(local)->is_told) {
            return true;
        }
    }
    return false;
}

void slot_evaluate(struct core *core, const struct prefix *prefix)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_ready || ks->is_stopped) {
        return;
    }
    uint32_t number = 0;
    struct fib_entry *entry = fib_entry_find(core, prefix, &number);
    bool is_bgp_wanted = entry != NULL && entry->group != 0;
    if (is_bgp_wanted && slot_allows_bgp(core, prefix, entry->distance)) {
        bool takes_over = any_own_told(core, prefix);
        others_leave(core, prefix, NULL, true);
        fib_entry_set_lost(core, number, false, takes_over);
        return;
    }
    const struct local_route *best = slot_best_local(core, prefix);
    struct own_route *winner = best != NULL && is_own_kind(best) ? own_of(best) : NULL;
    if (winner != NULL) {
        winner->is_selected = true;
        own_tell(core, winner);
    }
    bool is_replaced = winner != NULL && winner->is_told;
    others_leave(core, prefix, winner, is_replaced);
    if (entry != NULL) {
        fib_entry_set_lost(core, number, is_bgp_wanted, is_replaced);
    }
}

void own_route_set(struct core *core, struct own_route *own, const struct fib_route *wish,
                   bool is_usable)
{
    if (own->local.is_usable == is_usable && fib_route_equal(&own->local.route, wish) &&
        own->is_told == is_usable) {
        return;
    }
    bool is_changed =
        own->local.is_usable != is_usable || !fib_route_equal(&own->local.route, wish);
    own->local.route = *wish;
    local_route_set_usable(core, &own->local, is_usable);
    if (has_own_place(&own->local)) {
        own->is_selected = true;
        own_tell(core, own);
    } else if (is_changed) {
        local_route_changed(core, &wish->prefix);
    } else {
        slot_evaluate(core, &wish->prefix);
    }
}

void own_route_rewrite(struct core *core, struct own_route *own)
{
    bool was_told = own->is_told;
    if (own->local.kind == LOCAL_OVERRULE) {
        overrule_again(core, own);
        return;
    }
    own->is_told = false;
    if (has_own_place(&own->local)) {
        own_tell(core, own);
    } else if (was_told) {
        slot_evaluate(core, &own->local.route.prefix);
    }
}

void own_routes_move(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        own_untell(core, own);
        own->local.route.table = core->config->fib_table;
        own->local.route.protocol = core->config->fib_protocol;
        if (has_own_place(&own->local)) {
            own_tell(core, own); /* at once: nothing else stands between */
        } else {
            own->local.route.metric = core->config->fib_metric;
        }
    }
}

void own_routes_rewrite_interface(struct core *core, uint32_t ifindex)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        bool uses = false;
        for (uint8_t i = 0; own->is_told && i < own->told.leg_count; i++) {
            uses = uses || own->told.legs[i].ifindex == ifindex;
        }
        if (uses) {
            own_route_rewrite(core, own);
        }
    }
}

void own_routes_sync_all(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (has_own_place(&own->local)) {
            own_tell(core, own);
        } else {
            slot_evaluate(core, &own->local.route.prefix);
        }
    }
}

void own_route_remove(struct core *core, struct own_route *own)
{
    struct prefix prefix = own->local.route.prefix;
    if (has_own_place(&own->local) || kernel_of(core)->is_stopped) {
        own_untell(core, own);
    } else {
        local_route_set_usable(core, &own->local, false);
        local_route_changed(core, &prefix); /* hands the place on before it is gone */
        own_untell(core, own);
    }
    local_route_remove(core, &own->local);
    list_remove(&own->node);
    operation_forget(core, own->operation);
    if (own->nexthop != NULL) {
        tracked_nexthop_put(core, own->nexthop);
    }
    mem_free(MEM_FIB, own);
}

void own_routes_free(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        local_route_remove(core, &own->local);
        list_remove(&own->node);
        if (own->nexthop != NULL) {
            tracked_nexthop_put(core, own->nexthop);
        }
        mem_free(MEM_FIB, own);
    }
}
