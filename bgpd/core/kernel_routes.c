/* The table of everything but BGP: connected prefixes, routes of others (foreign_table.c), and our
 * own pins, guards and static routes, with longest-match look-ups for resolution. */
#include <errno.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"
#include "proto/base/hash.h"

uint64_t prefix_hash(const struct core *core, const struct prefix *prefix)
{
    (void)core;
    return hash_bytes(0, prefix, sizeof *prefix);
}

bool fib_route_equal(const struct fib_route *a, const struct fib_route *b)
{
    if (!prefix_equal(&a->prefix, &b->prefix) || a->table != b->table || a->metric != b->metric ||
        a->type != b->type || a->nexthop_object != b->nexthop_object ||
        a->leg_count != b->leg_count || a->is_first != b->is_first ||
        !ip_equal(&a->preferred_source, &b->preferred_source)) {
        return false;
    }
    for (uint8_t i = 0; i < a->leg_count; i++) {
        if (!ip_equal(&a->legs[i].gateway, &b->legs[i].gateway) ||
            a->legs[i].ifindex != b->legs[i].ifindex || a->legs[i].weight != b->legs[i].weight) {
            return false;
        }
    }
    return true;
}

static struct local_route *local_of(struct hash_node *node)
{
    return node == NULL ? NULL : CONTAINER_OF(node, struct local_route, by_prefix);
}

struct local_route *local_route_next(const struct core *core, const struct prefix *prefix,
                                     const struct local_route *previous)
{
    const struct hash_index *index = &kernel_of(core)->locals;
    struct hash_node *node = previous == NULL ? hash_index_first(index, prefix_hash(core, prefix))
                                              : hash_index_next(&previous->by_prefix);
    while (node != NULL && !prefix_equal(&local_of(node)->route.prefix, prefix)) {
        node = hash_index_next(node);
    }
    return local_of(node);
}

static uint32_t *length_counter(struct core *core, const struct prefix *prefix)
{
    return &kernel_of(core)->local_lengths[prefix_afi_safi(prefix)][prefix->len_bits];
}

void local_route_add(struct core *core, struct local_route *local)
{
    hash_index_put(&kernel_of(core)->locals, &local->by_prefix,
                   prefix_hash(core, &local->route.prefix));
    ++*length_counter(core, &local->route.prefix);
    kernel_of(core)->locals_version++;
    local->since = core->now;
}

void local_route_remove(struct core *core, struct local_route *local)
{
    hash_index_remove(&kernel_of(core)->locals, &local->by_prefix);
    --*length_counter(core, &local->route.prefix);
    kernel_of(core)->locals_version++;
}

void local_route_set_usable(struct core *core, struct local_route *local, bool is_usable)
{
    if (local->is_usable != is_usable) {
        local->is_usable = is_usable;
        local->since = core->now;
        kernel_of(core)->locals_version++;
    }
}

void local_route_changed(struct core *core, const struct prefix *prefix)
{
    struct kernel_side *ks = kernel_of(core);
    nexthops_mark_prefix(core, prefix);
    ks->pins_dirty = true;
    slot_evaluate(core, prefix);
}

int local_route_rank(const struct local_route *local)
{
    switch ((enum local_kind)local->kind) {
    case LOCAL_PIN_ENDPOINT:
        return -2;
    case LOCAL_PIN_INNER:
        return -1;
    case LOCAL_CONNECTED:
    case LOCAL_KERNEL:
    case LOCAL_STATIC:
    case LOCAL_DISCARD:
        return local->distance;
    case LOCAL_GUARD:
    case LOCAL_OVERRULE:
        return 256;
    }
    UNREACHABLE();
}

/* RFC 4271 9.1.2.1 forbids a route that resolves through itself; static routes obey the same. */
static bool is_being_resolved(const struct core *core, const struct local_route *local)
{
    if (local->kind != LOCAL_STATIC) {
        return false;
    }
    const struct own_route *own = CONTAINER_OF(local, struct own_route, local);
    return own->nexthop != NULL && own->nexthop->visit == kernel_of(core)->visit;
}

static bool is_better(const struct local_route *a, const struct local_route *b)
{
    if (b == NULL) {
        return true;
    }
    int rank_a = local_route_rank(a);
    int rank_b = local_route_rank(b);
    if (rank_a != rank_b) {
        return rank_a < rank_b;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind;
    }
    if (a->route.metric != b->route.metric) {
        return a->route.metric < b->route.metric;
    }
    return a->route.leg_count != 0 && b->route.leg_count != 0 &&
           a->route.legs[0].ifindex < b->route.legs[0].ifindex;
}

static const struct local_route *best_at(const struct core *core, const struct ip_addr *addr,
                                         uint8_t len_bits, uint32_t kinds, bool has_refused)
{
    struct prefix prefix = prefix_make(addr, len_bits);
    const struct local_route *best = NULL;
    if (kernel_of(core)->local_lengths[prefix_afi_safi(&prefix)][len_bits] == 0) {
        return NULL;
    }
    for (struct local_route *local = local_route_next(core, &prefix, NULL); local != NULL;
         local = local_route_next(core, &prefix, local)) {
        bool is_usable = local->is_usable || (has_refused && local->is_refused);
        if (is_usable && (kinds & LOCAL_KIND_BIT(local->kind)) != 0 &&
            !is_being_resolved(core, local) && is_better(local, best)) {
            best = local;
        }
    }
    return best;
}

const struct local_route *local_route_at(const struct core *core, const struct ip_addr *addr,
                                         uint8_t len_bits, uint32_t kinds)
{
    return best_at(core, addr, len_bits, kinds, false);
}

const struct local_route *local_underlay_at(const struct core *core, const struct ip_addr *endpoint,
                                            uint8_t len_bits)
{
    return best_at(core, endpoint, len_bits, LOCAL_KINDS_UNDERLAY, true);
}

const struct local_route *local_route_match(const struct core *core, const struct ip_addr *addr,
                                            uint32_t kinds, uint8_t len_min_bits)
{
    enum afi_safi afi_safi = addr->family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
    const uint32_t *lengths = kernel_of(core)->local_lengths[afi_safi];
    for (unsigned left = ip_family_bits(addr->family) + 1u; left > len_min_bits; left--) {
        const struct local_route *local =
            lengths[left - 1] == 0 ? NULL : local_route_at(core, addr, (uint8_t)(left - 1), kinds);
        if (local != NULL) {
            return local;
        }
    }
    return NULL;
}

/* ---- Connected prefixes ---- */

static struct local_route *connected_find(const struct core *core, const struct prefix *prefix,
                                          uint32_t ifindex)
{
    for (struct local_route *local = local_route_next(core, prefix, NULL); local != NULL;
         local = local_route_next(core, prefix, local)) {
        if (local->kind == LOCAL_CONNECTED && local->route.legs[0].ifindex == ifindex) {
            return local;
        }
    }
    return NULL;
}

static void connected_drop(struct core *core, struct local_route *local)
{
    struct prefix prefix = local->route.prefix;
    foreign_forget(core, local);
    local_route_remove(core, local);
    mem_free(MEM_FIB, local);
    local_route_changed(core, &prefix);
    routes_local_route(core, REDISTRIBUTE_CONNECTED, &prefix, 0, 0, true);
}

static bool connected_prefix(const struct interface_addr *item, struct prefix *prefix_out)
{
    bool has_peer = item->peer.family == item->addr.family && !ip_equal(&item->peer, &item->addr);
    const struct ip_addr *addr = has_peer ? &item->peer : &item->addr;
    if (ip_is_link_local(addr) || ip_is_loopback(addr)) {
        return false;
    }
    *prefix_out = prefix_make(addr, item->len_bits);
    return true;
}

static void connected_drop_unnamed(struct core *core, uint32_t ifindex,
                                   const struct interface *interface)
{
    /* The table has no list per interface: there are few connected prefixes and changes are rare.
     */
    struct hash_index *index = &kernel_of(core)->locals;
    for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++) {
        struct hash_node *next;
        for (struct hash_node *node = index->buckets[bucket]; node != NULL; node = next) {
            next = node->next;
            struct local_route *local = local_of(node);
            if (local->kind != LOCAL_CONNECTED || local->route.legs[0].ifindex != ifindex) {
                continue;
            }
            bool is_named = false;
            for (uint32_t i = 0; interface != NULL && i < interface->addr_count; i++) {
                struct prefix prefix;
                is_named = is_named || (connected_prefix(&interface->addrs[i], &prefix) &&
                                        prefix_equal(&prefix, &local->route.prefix));
            }
            if (!is_named) {
                connected_drop(core, local);
            }
        }
    }
}

void connected_remove_interface(struct core *core, uint32_t ifindex)
{
    connected_drop_unnamed(core, ifindex, NULL);
}

void connected_update(struct core *core, const struct interface *interface)
{
    uint32_t ifindex = interface->link.ifindex;
    if (!interface->link.is_up) {
        connected_drop_unnamed(core, ifindex, NULL);
        return;
    }
    connected_drop_unnamed(core, ifindex, interface);
    for (uint32_t i = 0; i < interface->addr_count; i++) {
        struct prefix prefix;
        if (!connected_prefix(&interface->addrs[i], &prefix) ||
            connected_find(core, &prefix, ifindex) != NULL) {
            continue;
        }
        struct local_route *local = mem_alloc(MEM_FIB, sizeof *local);
        local->kind = LOCAL_CONNECTED;
        local->is_usable = true;
        local->route.prefix = prefix;
        local->route.type = FIB_ROUTE_UNICAST;
        local->route.leg_count = 1;
        local->route.legs[0] = (struct fib_leg){.ifindex = ifindex, .weight = 1};
        local_route_add(core, local);
        foreign_check(core, local);
        local_route_changed(core, &prefix);
        routes_local_route(core, REDISTRIBUTE_CONNECTED, &prefix, 0, 0, false);
    }
}
