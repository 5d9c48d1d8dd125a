/* The set of tracked next hops: counted, shared by key, found by the prefixes that matter to them.
 * What they resolve to is nexthop_resolve.c's. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"
#include "proto/base/hash.h"

static uint64_t key_hash(const struct ip_addr *addr, uint16_t via_tunnel, uint32_t via_ifindex)
{
    return hash_bytes(((uint64_t)via_tunnel << 32) | via_ifindex, addr, sizeof *addr);
}

static void mark_dirty(struct core *core, struct tracked_nexthop *nexthop)
{
    if (!nexthop->is_dirty) {
        nexthop->is_dirty = true;
        kernel_of(core)->dirty_count++;
    }
}

/* First place in the watched array whose address is not below addr. */
static uint32_t watch_place(const struct kernel_side *ks, const struct ip_addr *addr)
{
    uint32_t low = 0;
    uint32_t high = ks->watched_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ip_compare(&ks->watched[middle]->nexthop.addr, addr) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool heads_have(const struct kernel_side *ks, uint8_t octet)
{
    return (ks->watched_heads[octet / 64] >> (octet % 64) & 1) != 0;
}

static void heads_count(struct kernel_side *ks)
{
    memset(ks->watched_heads, 0, sizeof ks->watched_heads);
    for (uint32_t i = 0; i < ks->watched_count; i++) {
        uint8_t octet = ks->watched[i]->nexthop.addr.bytes[0];
        ks->watched_heads[octet / 64] |= UINT64_C(1) << (octet % 64);
    }
}

static void watch_add(struct core *core, struct tracked_nexthop *nexthop)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t at = watch_place(ks, &nexthop->nexthop.addr);
    ks->watched =
        array_grow(ks->watched, ks->watched_count, &ks->watched_capacity, sizeof *ks->watched);
    memmove(&ks->watched[at + 1], &ks->watched[at],
            (ks->watched_count - at) * sizeof(struct tracked_nexthop *));
    ks->watched[at] = nexthop;
    ks->watched_count++;
    heads_count(ks);
    nexthop->is_watched = true;
}

static void watch_remove(struct core *core, struct tracked_nexthop *nexthop)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t at = watch_place(ks, &nexthop->nexthop.addr);
    while (at < ks->watched_count && ks->watched[at] != nexthop) {
        at++;
    }
    ASSERT(at < ks->watched_count);
    ks->watched_count--;
    memmove(&ks->watched[at], &ks->watched[at + 1],
            (ks->watched_count - at) * sizeof(struct tracked_nexthop *));
    heads_count(ks);
    nexthop->is_watched = false;
}

struct tracked_nexthop *tracked_nexthop_get(struct core *core, const struct ip_addr *addr,
                                            uint16_t via_tunnel, uint32_t via_ifindex)
{
    struct kernel_side *ks = kernel_of(core);
    uint64_t hash = key_hash(addr, via_tunnel, via_ifindex);
    for (struct hash_node *node = hash_index_first(&ks->nexthops_by_key, hash); node != NULL;
         node = hash_index_next(node)) {
        struct tracked_nexthop *found = CONTAINER_OF(node, struct tracked_nexthop, by_key);
        if (ip_equal(&found->nexthop.addr, addr) && found->via_tunnel == via_tunnel &&
            found->via_ifindex == via_ifindex) {
            found->ref_count++;
            return found;
        }
    }
    struct tracked_nexthop *nexthop = mem_alloc(MEM_NEXTHOP, sizeof *nexthop);
    nexthop->nexthop.addr = *addr;
    nexthop->via_tunnel = via_tunnel;
    nexthop->via_ifindex = via_ifindex;
    nexthop->ref_count = 1;
    hash_index_put(&ks->nexthops_by_key, &nexthop->by_key, hash);
    list_append(&ks->nexthops, &nexthop->node);
    if (via_tunnel == 0 && via_ifindex == 0) {
        watch_add(core, nexthop);
    }
    nexthop_resolve_now(core, nexthop);
    return nexthop;
}

void tracked_nexthop_put(struct core *core, struct tracked_nexthop *nexthop)
{
    struct kernel_side *ks = kernel_of(core);
    ASSERT(nexthop->ref_count > 0);
    if (--nexthop->ref_count != 0) {
        return;
    }
    if (nexthop->is_watched) {
        watch_remove(core, nexthop);
    }
    if (nexthop->is_dirty) {
        ks->dirty_count--;
    }
    hash_index_remove(&ks->nexthops_by_key, &nexthop->by_key);
    list_remove(&nexthop->node);
    mem_free(MEM_NEXTHOP, nexthop);
}

struct nexthop *nexthop_track(struct core *core, const struct ip_addr *addr, uint16_t via_tunnel,
                              uint32_t via_ifindex)
{
    return &tracked_nexthop_get(core, addr, via_tunnel, via_ifindex)->nexthop;
}

void nexthop_untrack(struct core *core, struct nexthop *nexthop)
{
    tracked_nexthop_put(core, tracked(nexthop));
}

void nexthops_init(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    list_init(&ks->nexthops);
    hash_index_init(&ks->nexthops_by_key);
}

void nexthops_fini(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ASSERT(list_is_empty(&ks->nexthops));
    hash_index_fini(&ks->nexthops_by_key);
    mem_free(MEM_FIB, ks->watched);
}

void nexthops_mark_prefix(struct core *core, const struct prefix *prefix)
{
    struct kernel_side *ks = kernel_of(core);
    if (prefix->len_bits >= 8 && !heads_have(ks, prefix->bytes[0])) {
        return;
    }
    struct ip_addr first = prefix_addr(prefix);
    for (uint32_t i = watch_place(ks, &first); i < ks->watched_count; i++) {
        if (!prefix_contains_ip(prefix, &ks->watched[i]->nexthop.addr)) {
            break;
        }
        mark_dirty(core, ks->watched[i]);
    }
}

static bool uses_interface(const struct tracked_nexthop *nexthop, uint32_t ifindex)
{
    for (uint8_t i = 0; i < nexthop->leg_count; i++) {
        if (nexthop->legs[i].fib.ifindex == ifindex) {
            return true;
        }
    }
    return nexthop->via_ifindex == ifindex;
}

void nexthops_mark_interface(struct core *core, uint32_t ifindex)
{
    LIST_FOREACH(node, &kernel_of(core)->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        if (uses_interface(nexthop, ifindex)) {
            mark_dirty(core, nexthop);
        }
    }
}

void nexthops_mark_tunnel(struct core *core, uint16_t tunnel_number)
{
    uint32_t ifindex = kernel_tunnel_ifindex(core, tunnel_number);
    LIST_FOREACH(node, &kernel_of(core)->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        if (nexthop->via_tunnel == tunnel_number ||
            nexthop->nexthop.tunnel_number == tunnel_number ||
            (ifindex != 0 && uses_interface(nexthop, ifindex))) {
            mark_dirty(core, nexthop);
        }
    }
}

/* Everything that leaves, or would leave, through this gateway. */
void nexthops_mark_gateway(struct core *core, const struct ip_addr *gateway)
{
    LIST_FOREACH(node, &kernel_of(core)->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        bool is_touched = ip_equal(&nexthop->nexthop.addr, gateway) || nexthop->is_recursive ||
                          nexthop->leg_count == 0;
        for (uint8_t i = 0; i < nexthop->leg_count && !is_touched; i++) {
            is_touched = ip_equal(&nexthop->legs[i].fib.gateway, gateway);
        }
        if (is_touched) {
            mark_dirty(core, nexthop);
        }
    }
}

void nexthops_mark_all(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->nexthops)
    {
        mark_dirty(core, CONTAINER_OF(node, struct tracked_nexthop, node));
    }
}

void nexthops_renumber_tunnels(struct core *core, const uint16_t *map, size_t count)
{
    struct kernel_side *ks = kernel_of(core);
    LIST_FOREACH(node, &ks->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        if (nexthop->via_tunnel == 0 || nexthop->via_tunnel > count) {
            continue;
        }
        hash_index_remove(&ks->nexthops_by_key, &nexthop->by_key);
        nexthop->via_tunnel = map[nexthop->via_tunnel - 1];
        hash_index_put(&ks->nexthops_by_key, &nexthop->by_key,
                       key_hash(&nexthop->nexthop.addr, nexthop->via_tunnel, nexthop->via_ifindex));
    }
}

/* The route side may let go of any next hop from inside the call: each is held until it is told. */
void nexthops_report(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct tracked_nexthop **changed = NULL;
    uint32_t count = 0;
    uint32_t capacity = 0;
    LIST_FOREACH(node, &ks->nexthops)
    {
        struct tracked_nexthop *nexthop = CONTAINER_OF(node, struct tracked_nexthop, node);
        if (nexthop->is_reported) {
            nexthop->is_reported = false;
            nexthop->ref_count++;
            changed = array_grow(changed, count, &capacity, sizeof *changed);
            changed[count++] = nexthop;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        routes_nexthop_changed(core, &changed[i]->nexthop);
        tracked_nexthop_put(core, changed[i]);
    }
    mem_free(MEM_FIB, changed);
}

const char *nexthop_interface_name(const struct core *core, const struct nexthop *nexthop)
{
    const struct tracked_nexthop *self = tracked(nexthop);
    return self->leg_count == 0 ? NULL : kernel_interface_name(core, self->legs[0].fib.ifindex);
}
