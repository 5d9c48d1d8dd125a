/* Routes of other programs as the kernel tells them, with the next-hop objects they stand on. They
 * are read and never written; which of them do harm is judged in foreign_routes.c. */
#include <errno.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

#define RTPROT_KERNEL_NUMBER 2u

static struct local_route *local_of(struct hash_node *node)
{
    return node == NULL ? NULL : CONTAINER_OF(node, struct local_route, by_prefix);
}

/* ---- Where they lead ---- */

static const struct fib_nexthop *foreign_object_find(const struct core *core, uint32_t id)
{
    const struct kernel_side *ks = kernel_of(core);
    uint32_t low = 0;
    uint32_t high = ks->foreign_object_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ks->foreign_objects[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ks->foreign_object_count && ks->foreign_objects[low].id == id
               ? &ks->foreign_objects[low]
               : NULL;
}

static void add_object_leg(struct fib_route *route, const struct fib_nexthop *object,
                           uint8_t weight)
{
    if (object == NULL || object->is_blackhole || object->member_count != 0 ||
        route->leg_count == FIB_PLAIN_LEGS_MAX) {
        return;
    }
    route->legs[route->leg_count] = object->leg;
    route->legs[route->leg_count].weight = weight;
    route->leg_count++;
}

void kernel_route_fill_legs(const struct core *core, struct fib_route *route)
{
    if (route->nexthop_object == 0 || route->leg_count != 0) {
        return;
    }
    const struct fib_nexthop *object = foreign_object_find(core, route->nexthop_object);
    if (object == NULL) {
        return;
    }
    if (object->is_blackhole) {
        route->type = FIB_ROUTE_BLACKHOLE;
    }
    add_object_leg(route, object, 1);
    for (uint8_t i = 0; i < object->member_count; i++) {
        add_object_leg(route, foreign_object_find(core, object->members[i]),
                       object->member_weights[i]);
    }
}

uint32_t fib_route_classes(const struct core *core, const struct fib_route *route)
{
    uint32_t classes = 0;
    for (uint8_t i = 0; i < route->leg_count; i++) {
        classes |= PATH_CLASS_BIT(kernel_interface_class(core, route->legs[i].ifindex));
    }
    return classes;
}

/* ---- The table ---- */

/* What tells routes of one place apart; sources and metrics of TCP are no part of it. */
static bool same_way(const struct fib_route *a, const struct fib_route *b)
{
    if (a->nexthop_object != 0 || b->nexthop_object != 0) {
        return a->nexthop_object == b->nexthop_object;
    }
    if (a->type != b->type || a->leg_count != b->leg_count) {
        return false;
    }
    for (uint8_t i = 0; i < a->leg_count; i++) {
        if (a->legs[i].ifindex != b->legs[i].ifindex ||
            !ip_equal(&a->legs[i].gateway, &b->legs[i].gateway)) {
            return false;
        }
    }
    return true;
}

/* The kernel keeps several routes of one prefix, metric and protocol, told apart by where they
 * lead. */
static struct local_route *foreign_find(const struct core *core, const struct fib_route *route,
                                        bool is_exact)
{
    for (struct local_route *local = local_route_next(core, &route->prefix, NULL); local != NULL;
         local = local_route_next(core, &route->prefix, local)) {
        if (local->kind == LOCAL_KERNEL && local->route.metric == route->metric &&
            local->route.protocol == route->protocol &&
            (!is_exact || same_way(&local->route, route))) {
            return local;
        }
    }
    return NULL;
}

static void redistribute(struct core *core, const struct prefix *prefix)
{
    const struct local_route *best = NULL;
    for (const struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (local->kind == LOCAL_KERNEL &&
            (best == NULL || local->route.metric < best->route.metric)) {
            best = local;
        }
    }
    routes_local_route(core, REDISTRIBUTE_KERNEL, prefix, best != NULL ? best->route.metric : 0, 0,
                       best == NULL);
}

static void foreign_drop(struct core *core, struct local_route *local)
{
    struct prefix prefix = local->route.prefix;
    foreign_forget(core, local);
    local_route_remove(core, local);
    mem_free(MEM_FIB, local);
    local_route_changed(core, &prefix);
    redistribute(core, &prefix);
}

static void foreign_put(struct core *core, const struct kernel_route_event *event)
{
    struct fib_route route = event->route;
    kernel_route_fill_legs(core, &route);
    kernel_of(core)->has_leadless_routes |= route.nexthop_object != 0 && route.leg_count == 0;
    struct local_route *local = foreign_find(core, &route, true);
    if (local == NULL && event->is_replacing) {
        local = foreign_find(core, &route, false);
    }
    bool is_known = local != NULL && fib_route_equal(&local->route, &route);
    if (local == NULL) {
        local = mem_alloc(MEM_FIB, sizeof *local);
        local->kind = LOCAL_KERNEL;
        local->is_usable = true;
        local->route = route;
        local_route_add(core, local);
    } else if (!is_known) {
        local->route = route;
        local->since = core->now;
    }
    local->is_seen = true;
    if (!event->is_from_dump) {
        /* It may stand in front of ours, or in its place. */
        overrules_rewrite(core, &route.prefix);
    }
    if (!is_known) {
        foreign_check(core, local);
        local_route_changed(core, &route.prefix);
        redistribute(core, &route.prefix);
    }
}

static void reread_due(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    (void)timer;
    if (ks->is_dumping || ks->is_stopped) {
        return; /* An account is on its way. */
    }
    struct core_action action = {.kind = ACTION_FIB_REQUEST_DUMP};
    action_queue_put(&core->actions, &action);
}

/* Of a route that does harm there may be a second one, in nothing different that is known here. It
 * counts as there until an account of everything has not met it. */
static void doubt(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!timer_is_armed(&ks->reread_timer)) {
        bool is_soon = mono_reached(mono_add(ks->last_reread, mono_span_s(1)), core->now);
        ks->reread_timer.expired = reread_due;
        timer_start(&core->timers, &ks->reread_timer,
                    is_soon ? core->now : mono_add(ks->last_reread, mono_span_s(1)));
        ks->last_reread = is_soon ? core->now : mono_add(ks->last_reread, mono_span_s(1));
    }
}

static void foreign_gone(struct core *core, const struct fib_route *route)
{
    struct local_route *local = foreign_find(core, route, true);
    local = local == NULL ? foreign_find(core, route, false) : local;
    if (local == NULL) {
        return;
    }
    if (local->fault == FOREIGN_HARMLESS) {
        foreign_drop(core, local);
    } else {
        doubt(core);
    }
}

/* A row of an audit may be older than what notifications have told since: it only shows that
 * something differs. */
static void foreign_audit(struct core *core, const struct fib_route *seen)
{
    struct fib_route route = *seen;
    kernel_route_fill_legs(core, &route);
    struct local_route *local = foreign_find(core, &route, true);
    if (local != NULL && fib_route_equal(&local->route, &route)) {
        local->is_seen = true;
    } else {
        kernel_of(core)->audit.foreign_differs = true;
    }
}

void kernel_route_on_event(struct core *core, const struct kernel_route_event *event)
{
    struct kernel_side *ks = kernel_of(core);
    const struct fib_route *route = &event->route;
    uint32_t table = core->config == NULL ? CONFIG_FIB_TABLE_DEFAULT : core->config->fib_table;
    uint8_t ours = core->config == NULL ? CONFIG_FIB_PROTOCOL_DEFAULT : core->config->fib_protocol;
    if (route->table != table || route->prefix.len_bits > ip_family_bits(route->prefix.family) ||
        ip_family_bits(route->prefix.family) == 0 || route->leg_count > FIB_PLAIN_LEGS_MAX) {
        return;
    }
    if (route->protocol == ours) {
        if (!ks->is_ready && !event->is_removed) {
            adoption_add_route(core, route);
        } else {
            fib_on_own_route(core, event);
        }
        return;
    }
    if (route->protocol == RTPROT_KERNEL_NUMBER && route->nexthop_object == 0) {
        return; /* Connected prefixes are derived from links and addresses. */
    }
    if (event->is_from_dump && ks->audit.is_reading) {
        foreign_audit(core, route);
        return;
    }
    if (event->is_removed) {
        foreign_gone(core, route);
    } else if (!fib_on_merged_route(core, event)) {
        foreign_put(core, event);
    }
    if (!ks->is_dumping) { /* Its end settles all of it at once. */
        kernel_settle(core);
    }
}

static void check_fault(struct core *core, struct local_route *local);
static void drop_orphans(struct core *core);

/* ---- All of them ---- */

static void foreign_each(struct core *core, void (*visit)(struct core *, struct local_route *))
{
    struct hash_index *index = &kernel_of(core)->locals;
    for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++) {
        struct hash_node *next;
        for (struct hash_node *node = index->buckets[bucket]; node != NULL; node = next) {
            next = node->next;
            struct local_route *local = local_of(node);
            if (local->kind == LOCAL_KERNEL ||
                (local->kind == LOCAL_CONNECTED && visit == check_fault)) {
                visit(core, local);
            }
        }
    }
}

static void check_fault(struct core *core, struct local_route *local)
{
    if (local->route.nexthop_object != 0) { /* The object may lead elsewhere by now. */
        local->route.leg_count = 0;
        local->route.type = FIB_ROUTE_UNICAST;
        kernel_route_fill_legs(core, &local->route);
    }
    foreign_check(core, local);
}

void kernel_routes_check_faults(struct core *core)
{
    kernel_of(core)->faults_dirty = false;
    drop_orphans(core);
    foreign_each(core, check_fault);
}

static void mark_unseen(struct core *core, struct local_route *local)
{
    (void)core;
    local->is_seen = false;
}

static void drop_unseen(struct core *core, struct local_route *local)
{
    if (!local->is_seen) {
        foreign_drop(core, local);
    }
}

void kernel_routes_dump_begin(struct core *core)
{
    foreign_each(core, mark_unseen);
}

void kernel_routes_dump_end(struct core *core)
{
    foreign_each(core, drop_unseen);
}

bool kernel_routes_any_unseen(const struct core *core)
{
    const struct hash_index *index = &kernel_of(core)->locals;
    for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++) {
        for (struct hash_node *node = index->buckets[bucket]; node != NULL; node = node->next) {
            if (local_of(node)->kind == LOCAL_KERNEL && !local_of(node)->is_seen) {
                return true;
            }
        }
    }
    return false;
}

void kernel_routes_free(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t bucket = 0; bucket < ks->locals.bucket_count; bucket++) {
        struct hash_node *next;
        for (struct hash_node *node = ks->locals.buckets[bucket]; node != NULL; node = next) {
            next = node->next;
            struct local_route *local = local_of(node);
            ASSERT(local->kind == LOCAL_CONNECTED || local->kind == LOCAL_KERNEL);
            mem_free(MEM_FIB, local);
        }
    }
    hash_index_fini(&ks->locals);
    mem_free(MEM_FIB, ks->foreign_objects);
    mem_free(MEM_FIB, ks->dead_objects);
    mem_free(MEM_FIB, ks->faults);
    mem_free(MEM_FIB, ks->sorted);
}

/* Routes that name it lead elsewhere now. */
static void objects_changed(struct core *core)
{
    kernel_of(core)->faults_dirty = true;
    kernel_settle_soon(core);
}

static bool is_object_dead(const struct kernel_side *ks, uint32_t id)
{
    for (uint32_t i = 0; i < ks->dead_object_count; i++) {
        if (ks->dead_objects[i] == id) {
            return true;
        }
    }
    return false;
}

static void drop_orphan(struct core *core, struct local_route *local)
{
    if (local->route.nexthop_object != 0 &&
        is_object_dead(kernel_of(core), local->route.nexthop_object)) {
        foreign_drop(core, local);
    }
}

/* The kernel takes the routes of an object away with it and says nothing of them. */
static void drop_orphans(struct core *core)
{
    if (kernel_of(core)->dead_object_count != 0) {
        foreign_each(core, drop_orphan);
        kernel_of(core)->dead_object_count = 0;
    }
}

static void foreign_object_gone(struct core *core, uint32_t at)
{
    struct kernel_side *ks = kernel_of(core);
    ks->dead_objects = array_grow(ks->dead_objects, ks->dead_object_count,
                                  &ks->dead_object_capacity, sizeof *ks->dead_objects);
    ks->dead_objects[ks->dead_object_count++] = ks->foreign_objects[at].id;
    ks->foreign_object_count--;
    memmove(&ks->foreign_objects[at], &ks->foreign_objects[at + 1],
            (ks->foreign_object_count - at) * sizeof *ks->foreign_objects);
    objects_changed(core);
}

void foreign_object_put(struct core *core, const struct kernel_nexthop_event *event)
{
    struct kernel_side *ks = kernel_of(core);
    const struct fib_nexthop *found = foreign_object_find(core, event->nexthop.id);
    if (found != NULL) {
        uint32_t at = (uint32_t)(found - ks->foreign_objects);
        if (event->is_removed) {
            foreign_object_gone(core, at);
        } else {
            ks->foreign_objects[at] = event->nexthop;
            objects_changed(core);
        }
        return;
    }
    if (event->is_removed) {
        return;
    }
    drop_orphans(core); /* before the number is used again */
    ks->foreign_objects = array_grow(ks->foreign_objects, ks->foreign_object_count,
                                     &ks->foreign_object_capacity, sizeof event->nexthop);
    uint32_t at = ks->foreign_object_count++;
    for (; at > 0 && ks->foreign_objects[at - 1].id > event->nexthop.id; at--) {
        ks->foreign_objects[at] = ks->foreign_objects[at - 1];
    }
    ks->foreign_objects[at] = event->nexthop;
    if (ks->has_leadless_routes) {
        ks->has_leadless_routes = false;
        objects_changed(core); /* A route came before its object. */
    }
}
