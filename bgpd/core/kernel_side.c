/* The front of the kernel's side: dispatch of facts, the settling of everything derived from them,
 * configuration and leaving. */
#include "bgpd/core/kernel_side.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

/* Next hops, pins and static routes feed one another; a tangle ends here and goes on by timer. */
#define SETTLE_ROUNDS_MAX 16u

static void settle_due(struct core *core, struct timer *timer)
{
    (void)timer;
    if (kernel_of(core)->faults_dirty) {
        kernel_routes_check_faults(core);
    }
    kernel_settle(core);
}

void kernel_side_init(struct core *core)
{
    ASSERT(core->kernel == NULL);
    struct kernel_side *ks = mem_alloc(MEM_FIB, sizeof *ks);
    core->kernel = ks;
    list_init(&ks->interfaces);
    list_init(&ks->own_routes);
    hash_index_init(&ks->locals);
    ks->locals_version = 1;
    hash_index_init(&ks->adopted);
    ks->settle_timer.expired = settle_due;
    ks->protecting_timer.expired = protecting_due;
    fib_audit_init(core);
    nexthops_init(core);
    fib_groups_init(core);
    fib_init(core);
}

void kernel_side_fini(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (ks == NULL) {
        return;
    }
    ks->is_stopped = true;
    timer_stop(&core->timers, &ks->settle_timer);
    timer_stop(&core->timers, &ks->reread_timer);
    timer_stop(&core->timers, &ks->protecting_timer);
    fib_audit_stop(core);
    fib_fini(core);
    fib_groups_fini(core);
    own_routes_free(core);
    nexthops_fini(core);
    tunnels_free(core);
    kernel_routes_free(core);
    interfaces_free(core);
    adoption_free(core);
    operations_fini(core);
    mem_free(MEM_FIB, ks);
    core->kernel = NULL;
}

void kernel_settle(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (ks->is_settling || ks->is_stopped || (ks->is_dumping && !ks->is_ready) ||
        core->config == NULL) {
        return;
    }
    ks->is_settling = true;
    unsigned round = 0;
    while ((ks->dirty_count != 0 || ks->pins_dirty || ks->statics_dirty) &&
           round++ < SETTLE_ROUNDS_MAX) {
        ks->overrules_dirty = ks->overrules_dirty || ks->fault_count != 0;
        if (nexthops_resolve_dirty(core)) {
            ks->pins_dirty = true;
            ks->statics_dirty = true;
        }
        if (ks->pins_dirty) {
            ks->pins_dirty = false;
            pins_update(core);
        }
        if (ks->statics_dirty) {
            ks->statics_dirty = false;
            static_routes_update(core);
        }
    }
    if (ks->overrules_dirty) {
        overrules_update(core);
    }
    if (round > SETTLE_ROUNDS_MAX) {
        timer_start(&core->timers, &ks->settle_timer, mono_add(core->now, mono_span_s(1)));
    }
    ks->is_settling = false;
    failover_decided(core);
    nexthops_report(core);
    if (ks->announcements_dirty) {
        ks->announcements_dirty = false;
        routes_announcements_changed(core);
    }
    fib_pump(core);
}

void kernel_settle_soon(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!timer_is_armed(&ks->settle_timer) && !ks->is_stopped) {
        timer_start(&core->timers, &ks->settle_timer, core->now);
    }
}

/* ---- Facts ---- */

static void dump_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ks->is_dumping = true;
    ks->audit.is_reading = false; /* all of it is told anyway */
    interfaces_dump_begin(core);
    kernel_routes_dump_begin(core);
    if (ks->is_ready) {
        ks->audit.rereads++;
        fib_groups_dump_begin(core);
        fib_dump_begin(core);
    }
}

/* The kernel's state and the configuration are both known: only now is anything but guards said. */
static void become_ready(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (core->config == NULL || !ks->dump_seen) {
        return;
    }
    tunnels_on_interfaces(core);
    kernel_settle(core);
    ks->is_ready = true;
    fib_audit_start(core);
    adoption_start(core);
    guards_tell_again(core);
    own_routes_sync_all(core);
    ks->overrules_dirty = true;
    kernel_settle_soon(core);
    fib_pump(core);
}

static void dump_end(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_dumping) {
        return;
    }
    interfaces_dump_end(core);
    kernel_routes_dump_end(core);
    ks->is_dumping = false;
    ks->dump_seen = true;
    ks->pins_dirty = true;
    ks->statics_dirty = true;
    if (ks->is_ready) {
        fib_groups_dump_end(core);
        fib_dump_end(core);
        kernel_settle(core);
        return;
    }
    become_ready(core);
}

void kernel_side_on_event(struct core *core, const struct core_event *event)
{
    switch (event->kind) {
    case EVENT_LINK:
        interface_on_link(core, &event->link);
        return;
    case EVENT_ADDR:
        interface_on_addr(core, &event->addr);
        return;
    case EVENT_KERNEL_ROUTE:
        kernel_route_on_event(core, &event->kernel_route);
        return;
    case EVENT_KERNEL_NEXTHOP:
        fib_groups_on_kernel_nexthop(core, &event->kernel_nexthop);
        return;
    case EVENT_KERNEL_DUMP_BEGIN:
        if (event->dump.is_audit) {
            fib_audit_begin(core);
        } else {
            dump_begin(core);
        }
        return;
    case EVENT_KERNEL_DUMP_END:
        if (event->dump.is_audit) {
            fib_audit_end(core, !event->dump.is_broken_off);
        } else {
            dump_end(core);
        }
        return;
    case EVENT_FIB_RESULT:
        operation_on_result(core, &event->fib_result);
        return;
    case EVENT_TUNNEL_FACT:
        tunnel_on_fact(core, &event->tunnel_fact);
        return;
    case EVENT_BFD_STATE:
        tunnel_on_bfd(core, &event->bfd);
        return;
    default:
        return; /* Not the kernel's. */
    }
}

/* ---- Configuration ---- */

static bool has_bfd(const struct config *config, const struct ip_addr *peer)
{
    for (size_t i = 0; i < config->bgp.neighbor_count; i++) {
        if (ip_equal(&config->bgp.neighbors[i].addr, peer)) {
            struct neighbor_settings settings;
            config_resolve_neighbor(config, &config->bgp.neighbors[i], &settings);
            return settings.merged.bfd.is_set && settings.merged.bfd.value &&
                   !settings.merged.shutdown.value;
        }
    }
    return false;
}

/* Nobody watches a gateway any more: the last word on it no longer counts. */
static void drop_dead_gateways(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t i = 0;
    while (i < ks->dead_gateway_count) {
        if (has_bfd(core->config, &ks->dead_gateways[i].peer)) {
            i++;
        } else {
            ks->dead_gateways[i] = ks->dead_gateways[--ks->dead_gateway_count];
        }
    }
}

static bool places_moved(const struct config *old, const struct config *config)
{
    return old != NULL &&
           (old->fib_table != config->fib_table || old->fib_metric != config->fib_metric ||
            old->fib_protocol != config->fib_protocol);
}

void kernel_side_apply_config(struct core *core, const struct config *old)
{
    struct kernel_side *ks = kernel_of(core);
    if (places_moved(old, core->config) && ks->is_ready) {
        fib_groups_move(core);
        own_routes_move(core);
    }
    guards_apply_config(core);
    if (old != NULL && core->config->protection_count != 0) {
        protecting_begin(core);
    }
    tunnels_apply_config(core, old);
    drop_dead_gateways(core);
    pins_apply_config(core);
    static_routes_apply_config(core);
    nexthops_mark_all(core);
    kernel_routes_check_faults(core);
    ks->announcements_dirty = true;
    kernel_settle(core);
    if (!ks->is_ready && !ks->is_dumping) {
        become_ready(core);
    }
    /* Protection may have changed under groups and plain routes that are settled already. */
    if (ks->is_ready) {
        own_routes_sync_all(core);
        fib_groups_refresh(core, NULL, true);
        adoption_check(core);
    }
}

bool kernel_is_known(const struct core *core)
{
    return kernel_of(core)->dump_seen;
}

/* ---- Leaving ---- */

static void remove_kind(struct core *core, enum local_kind kind)
{
    LIST_FOREACH(node, &kernel_of(core)->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == kind && own->is_told) {
            struct operation what = {.kind = OPERATION_OTHER};
            own->is_told = false;
            operation_forget(core, own->operation);
            own->operation = 0;
            operation_send_route(core, &own->told, true, &what);
        }
    }
}

/* Deleting a group takes all its routes with it: a million destinations leave in a few messages. */
void kernel_side_stop(struct core *core, bool keep_routes)
{
    struct kernel_side *ks = kernel_of(core);
    if (ks->is_stopped) {
        return;
    }
    if (!keep_routes && ks->is_ready) {
        adoption_sweep(core);
        overrules_discard(core);
        fib_groups_delete_all(core);
        remove_kind(core, LOCAL_DISCARD);
        remove_kind(core, LOCAL_STATIC);
        remove_kind(core, LOCAL_PIN_INNER);
        remove_kind(core, LOCAL_PIN_ENDPOINT);
    }
    ks->is_stopped = true;
    timer_stop(&core->timers, &ks->settle_timer);
    timer_stop(&core->timers, &ks->reread_timer);
    timer_stop(&core->timers, &ks->protecting_timer);
    fib_audit_stop(core);
    timer_stop(&core->timers, &ks->walk_timer);
    timer_stop(&core->timers, &ks->retry_timer);
    timer_stop(&core->timers, &ks->sweep_timer);
}

const char *kernel_session_obstacle(const struct core *core, const struct ip_addr *addr,
                                    uint16_t via_tunnel)
{
    struct kernel_side *ks = kernel_of(core);
    char addr_text[IP_TEXT_BYTES];
    enum path_class path_class;
    if (kernel_session_class(core, addr, via_tunnel, &path_class)) {
        return NULL;
    }
    if (via_tunnel != 0 && core->config != NULL && via_tunnel <= core->config->tunnel_count) {
        const struct config_tunnel *tunnel = &core->config->tunnels[via_tunnel - 1];
        snprintf(ks->obstacle, sizeof ks->obstacle, "no route to %s: tunnel %s %s",
                 ip_format(addr, addr_text), tunnel->name,
                 kernel_tunnel_ifindex(core, via_tunnel) == 0 ? "has no interface"
                                                              : "has its interface down");
    } else {
        snprintf(ks->obstacle, sizeof ks->obstacle, "no route to %s", ip_format(addr, addr_text));
    }
    return ks->obstacle;
}
