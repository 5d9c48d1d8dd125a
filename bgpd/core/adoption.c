/* What an earlier run left in the kernel: kept without a gap until the tables are full again, taken
 * over place by place as we write our own, and the rest swept. A leftover that would carry a now
 * protected destination in the clear goes at once. */
#include <string.h>

#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

/* Long enough for every session to come back and send its table; sooner when all have. */
#define SWEEP_AFTER_S 60

static struct adopted_route *adopted_of(struct hash_node *node)
{
    return CONTAINER_OF(node, struct adopted_route, by_prefix);
}

static struct adopted_route *find(const struct core *core, const struct prefix *prefix,
                                  uint32_t metric)
{
    for (struct hash_node *node =
             hash_index_first(&kernel_of(core)->adopted, prefix_hash(core, prefix));
         node != NULL; node = hash_index_next(node)) {
        struct adopted_route *adopted = adopted_of(node);
        if (prefix_equal(&adopted->prefix, prefix) && adopted->metric == metric) {
            return adopted;
        }
    }
    return NULL;
}

void adoption_add_route(struct core *core, const struct fib_route *route)
{
    struct kernel_side *ks = kernel_of(core);
    const struct own_route *guard = own_route_find(core, LOCAL_GUARD, &route->prefix);
    if (find(core, &route->prefix, route->metric) != NULL ||
        (guard != NULL && route->metric == GUARD_METRIC)) {
        return; /* Guards are told before the kernel is read: this one is ours of this run. */
    }
    struct adopted_route *adopted = mem_alloc(MEM_FIB, sizeof *adopted);
    adopted->prefix = route->prefix;
    adopted->metric = route->metric;
    adopted->nexthop_object = route->nexthop_object;
    adopted->type = route->type;
    for (uint8_t i = 0; i < route->leg_count; i++) {
        adopted->ifindexes[adopted->leg_count++] = route->legs[i].ifindex;
    }
    if (route->nexthop_object == 0) {
        adopted->whole = mem_alloc(MEM_FIB, sizeof *adopted->whole);
        *adopted->whole = *route;
        adopted->whole->is_first = route->metric == 0 && route->prefix.family == IP_V4;
    }
    hash_index_put(&ks->adopted, &adopted->by_prefix, prefix_hash(core, &route->prefix));
}

void adoption_add_object(struct core *core, const struct fib_nexthop *nexthop)
{
    struct kernel_side *ks = kernel_of(core);
    ks->adopted_objects = array_grow(ks->adopted_objects, ks->adopted_object_count,
                                     &ks->adopted_object_capacity, sizeof *ks->adopted_objects);
    ks->adopted_objects[ks->adopted_object_count++] = *nexthop;
    /* Its number is not used again soon, even if its removal should fail: routes would be put on
     * whatever it leads to. */
    if (nexthop->id >= ks->next_object_id && nexthop->id >= OBJECT_ID_FIRST &&
        nexthop->id <= OBJECT_ID_LAST) {
        ks->next_object_id = nexthop->id + 1;
    }
}

static void forget(struct core *core, struct adopted_route *adopted)
{
    hash_index_remove(&kernel_of(core)->adopted, &adopted->by_prefix);
    mem_free(MEM_FIB, adopted->whole);
    mem_free(MEM_FIB, adopted);
}

const struct fib_route *adoption_find_whole(const struct core *core, const struct prefix *prefix,
                                            uint32_t metric)
{
    const struct adopted_route *adopted = find(core, prefix, metric);
    return adopted == NULL ? NULL : adopted->whole;
}

bool adoption_take_whole(struct core *core, const struct prefix *prefix, uint32_t metric,
                         struct fib_route *route_out)
{
    struct adopted_route *adopted = find(core, prefix, metric);
    if (adopted == NULL || adopted->whole == NULL) {
        return false;
    }
    *route_out = *adopted->whole;
    forget(core, adopted);
    return true;
}

void adoption_taken_over(struct core *core, const struct prefix *prefix, uint32_t metric)
{
    struct adopted_route *adopted = find(core, prefix, metric);
    if (adopted != NULL) {
        forget(core, adopted);
    }
}

bool adoption_has(const struct core *core, const struct prefix *prefix, uint32_t metric)
{
    return find(core, prefix, metric) != NULL;
}

static void delete_adopted(struct core *core, struct adopted_route *adopted)
{
    struct fib_route route = own_route_template(core, &adopted->prefix);
    struct operation what = {.kind = OPERATION_OTHER};
    route.metric = adopted->metric;
    route.type = adopted->type;
    route = adopted->whole != NULL ? *adopted->whole : route;
    operation_send_route(core, &route, true, &what);
    forget(core, adopted);
}

/* ---- Safety of leftovers ---- */

static const struct fib_nexthop *object_find(const struct core *core, uint32_t id)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->adopted_object_count; i++) {
        if (ks->adopted_objects[i].id == id) {
            return &ks->adopted_objects[i];
        }
    }
    return NULL;
}

static uint32_t object_classes(const struct core *core, const struct fib_nexthop *object)
{
    if (object == NULL || object->is_blackhole || object->member_count != 0) {
        return 0;
    }
    return PATH_CLASS_BIT(kernel_interface_class(core, object->leg.ifindex));
}

static uint32_t adopted_classes(const struct core *core, const struct adopted_route *adopted)
{
    uint32_t classes = 0;
    const struct fib_nexthop *object =
        adopted->nexthop_object == 0 ? NULL : object_find(core, adopted->nexthop_object);
    for (uint8_t i = 0; i < adopted->leg_count; i++) {
        classes |= PATH_CLASS_BIT(kernel_interface_class(core, adopted->ifindexes[i]));
    }
    classes |= object_classes(core, object);
    for (uint8_t i = 0; object != NULL && i < object->member_count; i++) {
        classes |= object_classes(core, object_find(core, object->members[i]));
    }
    return classes;
}

static bool is_unsafe(const struct core *core, const struct adopted_route *adopted)
{
    struct ip_addr addr = prefix_addr(&adopted->prefix);
    if (core->protections == NULL || adopted->type != FIB_ROUTE_UNICAST ||
        (adopted->prefix.len_bits == ip_family_bits(adopted->prefix.family) &&
         tunnel_by_endpoint(core, &addr) != 0)) {
        return false;
    }
    uint32_t allowed = protection_allowed_classes(core->protections, &adopted->prefix);
    return (adopted_classes(core, adopted) & ~allowed) != 0;
}

static uint32_t delete_where(struct core *core,
                             bool (*is_wanted)(const struct core *, const struct adopted_route *))
{
    struct hash_index *index = &kernel_of(core)->adopted;
    uint32_t count = 0;
    for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++) {
        struct hash_node *next;
        for (struct hash_node *node = index->buckets[bucket]; node != NULL; node = next) {
            next = node->next;
            if (is_wanted(core, adopted_of(node))) {
                delete_adopted(core, adopted_of(node));
                count++;
            }
        }
    }
    return count;
}

static bool is_any(const struct core *core, const struct adopted_route *adopted)
{
    (void)core;
    (void)adopted;
    return true;
}

/* ---- Begin and end ---- */

/* RFC 4724 4.1 waits in the same way: End-of-RIB of everybody, and all of it decided and told. */
static bool tables_are_back(struct core *core)
{
    const struct kernel_side *ks = kernel_of(core);
    uint32_t count = snapshot_peer_count(core);
    if (count == 0 || ks->queued_count != 0 || ks->in_flight_count != 0 || routes_has_work(core)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_peer peer;
        if (!snapshot_peer(core, i, &peer) || peer.is_admin_down || peer.is_prefix_limited) {
            continue;
        }
        if (peer.state != PEER_ESTABLISHED) {
            return false;
        }
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            if (peer.families[family].is_negotiated && !peer.families[family].end_of_rib_received) {
                return false;
            }
        }
    }
    return true;
}

static void sweep_due(struct core *core, struct timer *timer)
{
    bool is_late = mono_reached(kernel_of(core)->sweep_deadline, core->now);
    if (!restart_defers_any(core) && (is_late || tables_are_back(core))) {
        adoption_sweep(core);
    } else {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_s(1)));
    }
}

void adoption_check(struct core *core)
{
    uint32_t unsafe = delete_where(core, is_unsafe);
    if (unsafe != 0) {
        core_log(core, LOG_PROTECTION, LOG_SEVERITY_WARNING, NULL, NULL,
                 "%u routes of an earlier run would have carried protected destinations in the "
                 "clear and were removed",
                 unsafe);
    }
}

void adoption_start(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    adoption_check(core);
    if (ks->adopted.count != 0) {
        core_log(core, LOG_FIB, LOG_SEVERITY_NOTICE, NULL, NULL,
                 "%u routes of an earlier run are kept until the sessions are back",
                 ks->adopted.count);
    }
    ks->is_adopting = ks->adopted.count != 0 || ks->adopted_object_count != 0;
    if (ks->is_adopting) {
        restart_begin(core);
        ks->sweep_timer.expired = sweep_due;
        ks->sweep_deadline = mono_add(core->now, mono_span_s(SWEEP_AFTER_S));
        timer_start(&core->timers, &ks->sweep_timer, mono_add(core->now, mono_span_s(1)));
    }
}

/* Routes first, then the groups they stood on, then the legs of those. */
void adoption_sweep(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_adopting) {
        return;
    }
    ks->is_adopting = false;
    if (ks->fault_count != 0) {
        overrules_update(core); /* What overrules goes ahead of a leftover that did. */
    }
    uint32_t swept = delete_where(core, is_any);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < ks->adopted_object_count; i++) {
            const struct fib_nexthop *object = &ks->adopted_objects[i];
            struct fib_nexthop gone = {.id = object->id, .family = object->family};
            struct operation what = {.kind = OPERATION_OTHER};
            if ((object->member_count != 0) == (round == 0)) {
                operation_send_nexthop(core, &gone, true, false, &what);
            }
        }
    }
    ks->adopted_object_count = 0;
    timer_stop(&core->timers, &ks->sweep_timer);
    if (swept != 0) {
        core_log(core, LOG_FIB, LOG_SEVERITY_NOTICE, NULL, NULL,
                 "%u routes of an earlier run were not announced again and are removed", swept);
    }
    ks->pins_dirty = true;
    kernel_settle_soon(core);
}

void adoption_free(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t bucket = 0; bucket < ks->adopted.bucket_count; bucket++) {
        struct hash_node *next;
        for (struct hash_node *node = ks->adopted.buckets[bucket]; node != NULL; node = next) {
            next = node->next;
            mem_free(MEM_FIB, adopted_of(node)->whole);
            mem_free(MEM_FIB, adopted_of(node));
        }
    }
    hash_index_fini(&ks->adopted);
    mem_free(MEM_FIB, ks->adopted_objects);
    timer_stop(&core->timers, &ks->sweep_timer);
}
