/* The kernel's side as rows for show: routes of every origin by prefix, tunnels with their
 * evidence, protections with what they cover. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/assert.h"

/* ---- Rows ---- */

static enum ip_route_kind row_kind(const struct local_route *local)
{
    switch ((enum local_kind)local->kind) {
    case LOCAL_PIN_ENDPOINT:
    case LOCAL_PIN_INNER:
        return IP_ROUTE_PIN;
    case LOCAL_CONNECTED:
        return IP_ROUTE_CONNECTED;
    case LOCAL_STATIC:
        return IP_ROUTE_STATIC;
    case LOCAL_KERNEL:
        return IP_ROUTE_KERNEL;
    case LOCAL_DISCARD:
        return IP_ROUTE_BGP;
    case LOCAL_GUARD:
    case LOCAL_OVERRULE:
        return IP_ROUTE_GUARD;
    }
    UNREACHABLE();
}

static enum ip_route_install own_install(const struct own_route *own)
{
    if (own->is_told) {
        return own->is_installed ? IP_ROUTE_INSTALLED : IP_ROUTE_QUEUED;
    }
    if (!own->local.is_usable) {
        return IP_ROUTE_NOT_WANTED;
    }
    return own->error != 0 ? IP_ROUTE_FAILED : IP_ROUTE_NOT_WANTED;
}

static bool bgp_stands(const struct core *core, const struct prefix *prefix)
{
    uint32_t number;
    const struct fib_entry *entry = fib_entry_find(core, prefix, &number);
    return entry != NULL && entry->group != 0 && (entry->flags & ENTRY_LOST) == 0;
}

static void local_row(const struct core *core, const struct local_route *local,
                      struct snapshot_ip_route *row)
{
    bool is_foreign = local->kind == LOCAL_CONNECTED || local->kind == LOCAL_KERNEL;
    memset(row, 0, sizeof *row);
    row->prefix = local->route.prefix;
    row->kind = (uint8_t)row_kind(local);
    row->type = local->route.type;
    row->distance = local->distance;
    row->metric = local->route.metric;
    row->table = is_foreign && local->route.table == 0
                     ? core->config == NULL ? CONFIG_FIB_TABLE_DEFAULT : core->config->fib_table
                     : local->route.table;
    row->tag = local->tag;
    row->nexthop_object = local->route.nexthop_object;
    row->since = local->since;
    row->note = "";
    if (is_foreign) {
        row->install = IP_ROUTE_INSTALLED;
        row->is_selected = slot_best_local(core, &local->route.prefix) == local &&
                           !bgp_stands(core, &local->route.prefix);
    } else {
        const struct own_route *own = CONTAINER_OF(local, struct own_route, local);
        row->install = (uint8_t)own_install(own);
        row->is_selected = own->is_selected && local->is_usable;
        row->note = row->install == IP_ROUTE_FAILED ? fib_error_text(own->error) : own->note;
    }
    for (uint8_t i = 0; i < local->route.leg_count; i++) {
        const struct fib_leg *leg = &local->route.legs[i];
        row->legs[row->leg_count++] = (struct snapshot_leg){
            .gateway = leg->gateway,
            .interface_name = kernel_interface_name(core, leg->ifindex),
            .weight = leg->weight,
            .is_active = kernel_interface_is_up(core, leg->ifindex),
            .path_class = (uint8_t)kernel_interface_class(core, leg->ifindex)};
    }
}

static bool is_member(const struct core *core, const struct nexthop_group *group,
                      const struct fib_leg *leg)
{
    for (uint8_t i = 0; i < group->member_count - group->has_standby; i++) {
        const struct leg_object *member = leg_object_at(core, group->members[i]);
        if (!member->is_blackhole && member->leg.ifindex == leg->ifindex &&
            ip_equal(&member->leg.gateway, &leg->gateway)) {
            return true;
        }
    }
    return false;
}

static void hop_legs(const struct core *core, const struct nexthop_group *group, uint8_t index,
                     struct snapshot_ip_route *row)
{
    const struct tracked_nexthop *hop = group->hops[index];
    size_t legs_max = sizeof row->legs / sizeof row->legs[0];
    for (uint8_t i = 0; i < hop->leg_count && row->leg_count < legs_max; i++) {
        const struct nexthop_leg *leg = &hop->legs[i];
        struct snapshot_leg *out = &row->legs[row->leg_count++];
        *out =
            (struct snapshot_leg){.gateway = leg->fib.gateway,
                                  .interface_name = kernel_interface_name(core, leg->fib.ifindex),
                                  .weight = leg->fib.weight,
                                  .is_backup = index == group->hop_count,
                                  .is_active = is_member(core, group, &leg->fib),
                                  .path_class = leg->path_class};
        if (!ip_equal(&leg->fib.gateway, &hop->nexthop.addr)) {
            out->recursive_via = hop->nexthop.addr;
        }
    }
}

static enum ip_route_install entry_install(const struct fib_entry *entry)
{
    if ((entry->flags & ENTRY_LOST) != 0 || entry->group == 0) {
        return IP_ROUTE_NOT_WANTED;
    }
    if ((entry->flags & ENTRY_FAILED) != 0) {
        return IP_ROUTE_FAILED;
    }
    bool is_settled =
        (entry->flags & (ENTRY_INSTALLED | ENTRY_QUEUED | ENTRY_IN_FLIGHT)) == ENTRY_INSTALLED &&
        entry->told == entry->group;
    return is_settled ? IP_ROUTE_INSTALLED : IP_ROUTE_QUEUED;
}

/* False when BGP wants nothing for prefix. */
static bool bgp_row(const struct core *core, const struct prefix *prefix,
                    struct snapshot_ip_route *row)
{
    uint32_t number;
    const struct fib_entry *entry = fib_entry_find(core, prefix, &number);
    if (entry == NULL || entry->group == 0) {
        return false;
    }
    const struct nexthop_group *group = fib_group_at(core, entry->group);
    struct route_view best;
    memset(row, 0, sizeof *row);
    row->prefix = *prefix;
    row->kind = IP_ROUTE_BGP;
    row->install = (uint8_t)entry_install(entry);
    row->type = group->is_discarding ? FIB_ROUTE_BLACKHOLE : FIB_ROUTE_UNICAST;
    row->is_selected = (entry->flags & ENTRY_LOST) == 0;
    row->distance = entry->distance;
    row->table = core->config->fib_table;
    row->nexthop_object = group->id;
    row->since = (struct mono_time){(int64_t)entry->since_s * 1000000000};
    row->note = (entry->flags & ENTRY_FAILED) != 0 ? fib_error_text(entry->error)
                : group->is_discarding             ? "no way left, discarded"
                : group->is_on_backup              ? "on the backup"
                                                   : "";
    if (dest_best(core->ribs[entry->family_index], entry->dest, &best) && best.accepted != NULL) {
        row->metric = attr_set_med(best.accepted);
    }
    for (uint8_t i = 0; i < group->hop_count + (group->has_backup ? 1 : 0); i++) {
        hop_legs(core, group, i, row);
    }
    return true;
}

/* ---- The walk: both tables in prefix order ---- */

void snapshot_ip_routes_open(const struct core *core, uint8_t family, const struct prefix *within,
                             struct ip_route_cursor *cursor_out)
{
    (void)core;
    *cursor_out = (struct ip_route_cursor){.family = family};
    if (within != NULL) {
        cursor_out->within = *within;
    }
}

static int compare_locals(const void *a, const void *b)
{
    const struct local_route *left = *(const struct local_route *const *)a;
    const struct local_route *right = *(const struct local_route *const *)b;
    int order = prefix_compare(&left->route.prefix, &right->route.prefix);
    if (order != 0) {
        return order;
    }
    return left->kind != right->kind                  ? (left->kind < right->kind ? -1 : 1)
           : left->route.metric < right->route.metric ? -1
           : left->route.metric > right->route.metric ? 1
                                                      : 0;
}

struct sorted_locals {
    const struct local_route *const *items; /* borrowed from the cache */
    uint32_t count;
    uint32_t at;
};

/* All local routes in order, kept until one comes or goes: readers come back row by row. */
static void sort_locals(const struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    const struct hash_index *index = &ks->locals;
    if (ks->sorted_version == ks->locals_version) {
        return;
    }
    ks->sorted_version = ks->locals_version;
    ks->sorted_count = 0;
    ks->sorted = mem_realloc(MEM_FIB, ks->sorted, (index->count + 1) * sizeof *ks->sorted);
    for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++) {
        for (struct hash_node *node = index->buckets[bucket]; node != NULL; node = node->next) {
            ks->sorted[ks->sorted_count++] = CONTAINER_OF(node, struct local_route, by_prefix);
        }
    }
    qsort(ks->sorted, ks->sorted_count, sizeof ks->sorted[0], compare_locals);
}

/* First place whose prefix is not before (or, is_after, is behind) prefix. */
static uint32_t sorted_place(const struct kernel_side *ks, const struct prefix *prefix,
                             bool is_after)
{
    uint32_t low = 0;
    uint32_t high = ks->sorted_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = prefix_compare(&ks->sorted[middle]->route.prefix, prefix);
        if (order < 0 || (order == 0 && is_after)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Those still ahead of the cursor. What lies inside a prefix is one run in this order. */
static void collect_locals(const struct core *core, const struct ip_route_cursor *cursor,
                           struct sorted_locals *sorted)
{
    sort_locals(core);
    const struct kernel_side *ks = kernel_of(core);
    struct prefix within = cursor->within;
    if (within.family == IP_NONE) {
        within = (struct prefix){.family = cursor->family};
    }
    uint32_t first = cursor->is_started ? sorted_place(ks, &cursor->position, true)
                                        : sorted_place(ks, &within, false);
    uint32_t end = first;
    while (end < ks->sorted_count && prefix_contains(&within, &ks->sorted[end]->route.prefix)) {
        end++;
    }
    *sorted = (struct sorted_locals){.items = ks->sorted + first, .count = end - first};
}

struct row_sink {
    void (*row)(void *context, const struct snapshot_ip_route *route);
    void *context;
    uint32_t count;
};

static void emit_prefix(const struct core *core, const struct prefix *prefix,
                        struct sorted_locals *locals, struct row_sink *sink)
{
    struct snapshot_ip_route row;
    while (locals->at < locals->count &&
           prefix_equal(&locals->items[locals->at]->route.prefix, prefix)) {
        local_row(core, locals->items[locals->at++], &row);
        sink->row(sink->context, &row);
        sink->count++;
    }
    if (bgp_row(core, prefix, &row)) {
        sink->row(sink->context, &row);
        sink->count++;
    }
}

static dest_id next_dest(const struct loc_rib *rib, struct rib_walker *walker,
                         struct prefix *prefix_out)
{
    dest_id dest = rib == NULL ? 0 : rib_walker_next(walker, rib);
    if (dest != 0) {
        *prefix_out = dest_prefix(rib, dest);
    }
    return dest;
}

/* All rows of a prefix go together, so that a position is enough to go on from. */
void snapshot_ip_routes_read(const struct core *core, struct ip_route_cursor *cursor, uint32_t max,
                             void (*row)(void *context, const struct snapshot_ip_route *route),
                             void *context)
{
    const struct loc_rib *rib =
        core->ribs[cursor->family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST];
    struct row_sink sink = {.row = row, .context = context};
    struct sorted_locals locals;
    struct rib_walker walker;
    struct prefix of_dest;
    collect_locals(core, cursor, &locals);
    rib_walker_init(&walker, cursor->within.family == IP_NONE ? NULL : &cursor->within);
    if (cursor->is_started) {
        walker.is_started = true;
        walker.position = cursor->position;
    }
    dest_id dest = next_dest(rib, &walker, &of_dest);
    while (sink.count < max && (dest != 0 || locals.at < locals.count)) {
        const struct local_route *local = locals.at < locals.count ? locals.items[locals.at] : NULL;
        bool takes_dest =
            local == NULL || (dest != 0 && prefix_compare(&of_dest, &local->route.prefix) <= 0);
        struct prefix prefix = takes_dest ? of_dest : local->route.prefix;
        emit_prefix(core, &prefix, &locals, &sink);
        cursor->is_started = true;
        cursor->position = prefix;
        if (takes_dest) {
            dest = next_dest(rib, &walker, &of_dest);
        }
    }
    cursor->is_done = dest == 0 && locals.at == locals.count;
}

/* ---- Tunnels ---- */

static uint32_t tunnel_prefixes(const struct core *core, uint32_t ifindex)
{
    const struct kernel_side *ks = kernel_of(core);
    uint32_t count = 0;
    for (uint32_t i = 0; i < ks->group_count && ifindex != 0; i++) {
        const struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        for (uint8_t k = 0; k < group->member_count - group->has_standby; k++) {
            const struct leg_object *leg = leg_object_at(core, group->members[k]);
            if (!leg->is_blackhole && leg->leg.ifindex == ifindex) {
                count += group->entry_count;
                break;
            }
        }
    }
    return count;
}

static void tunnel_evidence_rows(const struct tunnel *tunnel, const struct config_tunnel *config,
                                 struct snapshot_tunnel *out)
{
    uint32_t sources = tunnel_sources(config);
    for (uint32_t i = 0; i < TUNNEL_EVIDENCE_COUNT; i++) {
        const struct tunnel_evidence *evidence = &tunnel->evidence[i];
        bool is_said = config->liveness != 0 || evidence->is_known || evidence->detail[0] != 0;
        if (i == 0 || ((sources & (1u << i)) != 0 && is_said)) {
            out->evidence[out->evidence_count++] =
                (struct snapshot_evidence){.source = 1u << i,
                                           .is_known = evidence->is_known,
                                           .is_alive = evidence->is_alive,
                                           .since = evidence->since,
                                           .detail = evidence->detail};
        }
    }
}

bool snapshot_tunnel(const struct core *core, uint32_t index, struct snapshot_tunnel *out)
{
    const struct kernel_side *ks = kernel_of(core);
    if (index >= ks->tunnel_count) {
        return false;
    }
    const struct tunnel *tunnel = &ks->tunnels[index];
    memset(out, 0, sizeof *out);
    out->tunnel = &core->config->tunnels[index];
    out->is_alive = tunnel->is_alive;
    out->since = tunnel->since;
    out->ifindex = tunnel->ifindex;
    out->refused_capture = tunnel->refused_capture;
    out->prefixes = tunnel_prefixes(core, tunnel->ifindex);
    tunnel_evidence_rows(tunnel, out->tunnel, out);
    if (tunnel->endpoint_pin != NULL) {
        struct snapshot_ip_route row;
        local_row(core, &tunnel->endpoint_pin->local, &row);
        out->is_endpoint_pinned = tunnel->endpoint_pin->is_told && row.leg_count != 0;
        out->pin_leg_count = row.leg_count;
        memcpy(out->pin_legs, row.legs, sizeof out->pin_legs);
    }
    LIST_FOREACH(node, &ks->own_routes)
    {
        const struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        if (own->local.kind == LOCAL_PIN_INNER && own->local.tunnel_number == index + 1 &&
            out->inner_peer_count < 8) {
            out->inner_peers[out->inner_peer_count++] = prefix_addr(&own->local.route.prefix);
        }
    }
    return true;
}

/* ---- Protections ---- */

static void count_dest(const struct core *core, const struct loc_rib *rib, dest_id dest,
                       struct snapshot_protection *out)
{
    struct route_view route = {0};
    bool has_routes = false;
    while (dest_next_route(rib, dest, &route)) {
        has_routes = true;
        out->refused_paths += route.reason == DECISION_PROTECTION ? 1 : 0;
    }
    uint32_t number = dest_core_word(rib, dest, 0);
    const struct fib_entry *entry = number == 0 ? NULL : fib_entry_at(core, number);
    bool is_forwarded =
        entry != NULL && entry->told != 0 && !fib_group_at(core, entry->told)->is_discarding;
    out->protected_prefixes += is_forwarded ? 1 : 0;
    out->unreachable_prefixes += !is_forwarded && has_routes ? 1 : 0;
}

static uint32_t exposing_routes(const struct core *core, const struct prefix *prefix)
{
    const struct kernel_side *ks = kernel_of(core);
    uint32_t count = 0;
    for (uint32_t i = 0; i < ks->fault_count; i++) {
        const struct local_route *local = ks->faults[i];
        const struct own_route *own = own_route_find(core, LOCAL_OVERRULE, &local->route.prefix);
        if (local->fault != FOREIGN_CAPTURES_ENDPOINT && (own == NULL || !own->is_installed) &&
            prefix_contains(prefix, &local->route.prefix)) {
            count++;
        }
    }
    return count;
}

bool snapshot_protection(const struct core *core, uint32_t index, struct snapshot_protection *out)
{
    struct kernel_side *ks = kernel_of(core);
    if (core->config == NULL || index >= core->config->protection_count) {
        return false;
    }
    const struct protection_def *def = &core->config->protections[index];
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(&def->prefix)];
    struct rib_walker walker;
    memset(out, 0, sizeof *out);
    out->def = def;
    rib_walker_init(&walker, &def->prefix);
    for (dest_id dest = rib_walker_next(&walker, rib); dest != 0;
         dest = rib_walker_next(&walker, rib)) {
        count_dest(core, rib, dest, out);
    }
    const struct own_route *guard = own_route_find(core, LOCAL_GUARD, &def->prefix);
    out->is_guard_installed = guard != NULL && guard->is_installed;
    if (!out->is_guard_installed) {
        snprintf(ks->status, sizeof ks->status, "guard missing: %s",
                 guard == NULL || guard->error == 0 ? "not confirmed by the kernel yet"
                                                    : fib_error_text(guard->error));
        out->status = ks->status;
    } else if (exposing_routes(core, &def->prefix) != 0) {
        snprintf(ks->status, sizeof ks->status, "EXPOSED by %u routes that are not ours",
                 exposing_routes(core, &def->prefix));
        out->status = ks->status;
    } else {
        out->status = out->protected_prefixes != 0 ? "protected" : "blocked: no allowed path";
    }
    return true;
}
