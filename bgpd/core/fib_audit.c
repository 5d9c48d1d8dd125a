/* What the kernel says it has, against what it was told: after an overrun, and when somebody
 * touches our routes behind our back. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

void fib_dump_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 1; i < ks->entries.next_unused; i++) {
        fib_entry_at(core, i)->flags &= (uint8_t)~ENTRY_SEEN;
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        CONTAINER_OF(node, struct own_route, node)->local.is_seen = false;
    }
}

void fib_dump_end(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t repaired = 0;
    for (uint32_t i = 1; i < ks->entries.next_unused; i++) {
        struct fib_entry *entry = fib_entry_at(core, i);
        if (entry->family_index != ENTRY_FREE && entry->told != 0 &&
            (entry->flags & (ENTRY_INSTALLED | ENTRY_SEEN | ENTRY_IN_FLIGHT)) == ENTRY_INSTALLED) {
            entry->flags |= ENTRY_REWRITE;
            fib_entry_enqueue(core, i);
            repaired++;
        }
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->is_told && own->is_installed && own->operation == 0 && !own->local.is_seen) {
            own_route_rewrite(core, own);
            repaired++;
        }
    }
    ks->repaired_count += repaired;
    if (repaired != 0) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, NULL,
                 "%u routes of ours were missing in the kernel and are installed again", repaired);
    }
    fib_pump(core);
}

static void log_repair(struct core *core, const struct prefix *prefix, const char *what)
{
    struct kernel_side *ks = kernel_of(core);
    ks->repaired_count++;
    if (ks->failures_logged++ < FAILURES_LOGGED) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, prefix,
                 "somebody %s our route; it is installed again", what);
    }
}

static struct own_route *own_in_slot(const struct core *core, const struct fib_route *route)
{
    for (struct local_route *local = local_route_next(core, &route->prefix, NULL); local != NULL;
         local = local_route_next(core, &route->prefix, local)) {
        if (local->kind == LOCAL_CONNECTED || local->kind == LOCAL_KERNEL) {
            continue;
        }
        struct own_route *own = CONTAINER_OF(local, struct own_route, local);
        if (own->is_told && own->told.metric == route->metric) {
            return own;
        }
    }
    return NULL;
}

/* Legs may be told back in another order, and with weights or sources filled in. */
static bool same_way(const struct fib_route *told, const struct fib_route *seen)
{
    if (told->type != seen->type || seen->nexthop_object != 0) {
        return told->type == seen->type && told->nexthop_object == seen->nexthop_object;
    }
    for (uint8_t i = 0; i < told->leg_count; i++) {
        bool is_there = false;
        for (uint8_t k = 0; k < seen->leg_count; k++) {
            is_there = is_there || (told->legs[i].ifindex == seen->legs[k].ifindex &&
                                    ip_equal(&told->legs[i].gateway, &seen->legs[k].gateway));
        }
        if (!is_there) {
            return false;
        }
    }
    return told->type != FIB_ROUTE_UNICAST || told->leg_count == seen->leg_count;
}

static void on_own_plain(struct core *core, struct own_route *own,
                         const struct kernel_route_event *event)
{
    if (!event->is_removed && same_way(&own->told, &event->route)) {
        own->local.is_seen = true;
        return;
    }
    if (own->operation != 0) {
        return; /* Older than what is on its way. */
    }
    log_repair(core, &event->route.prefix, event->is_removed ? "removed" : "changed");
    own->local.is_seen = true;
    own_route_rewrite(core, own);
}

static void on_own_entry(struct core *core, uint32_t number, const struct kernel_route_event *event)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    if ((entry->flags & (ENTRY_IN_FLIGHT | ENTRY_QUEUED)) != 0) {
        entry->flags |= ENTRY_SEEN;
        return;
    }
    if (!event->is_removed && entry->told != 0 &&
        event->route.nexthop_object == fib_group_at(core, entry->told)->id) {
        entry->flags |= ENTRY_SEEN;
        return;
    }
    if (entry->told == 0 && event->is_removed) {
        return;
    }
    log_repair(core, &event->route.prefix, event->is_removed ? "removed" : "changed");
    entry->flags |= ENTRY_SEEN | ENTRY_REWRITE | (entry->told == 0 ? ENTRY_OCCUPIED : 0);
    fib_entry_enqueue(core, number);
    fib_pump(core);
}

void fib_on_own_route(struct core *core, const struct kernel_route_event *event)
{
    struct kernel_side *ks = kernel_of(core);
    const struct fib_route *route = &event->route;
    if (ks->is_stopped || !ks->is_ready) {
        return;
    }
    struct own_route *own = own_in_slot(core, route);
    if (own != NULL) {
        on_own_plain(core, own, event);
        return;
    }
    uint32_t number;
    struct fib_entry *entry = fib_entry_find(core, &route->prefix, &number);
    if (entry != NULL && route->metric == core->config->fib_metric) {
        on_own_entry(core, number, event);
        return;
    }
    if (!event->is_removed && !adoption_has(core, &route->prefix, route->metric)) {
        struct operation what = {.kind = OPERATION_OTHER};
        operation_send_route(core, route, true, &what);
    }
}
