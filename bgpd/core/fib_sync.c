/* BGP destinations in the kernel. Each has one entry: the group it should be on and the group the
 * kernel was told last. A new wish replaces an unsent one; one operation per entry is under way at
 * a time, and at most a window of them altogether. */
#include <errno.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

#define ENTRIES_PER_WALK 8192u
#define RETRY_FIRST_MS   100
#define RETRY_LAST_MS    30000

struct fib_entry *fib_entry_at(const struct core *core, uint32_t number)
{
    ASSERT(number != 0);
    return slab_at(&kernel_of(core)->entries, number);
}

struct fib_entry *fib_entry_find(const struct core *core, const struct prefix *prefix,
                                 uint32_t *number_out)
{
    const struct loc_rib *rib = core->ribs[prefix_afi_safi(prefix)];
    dest_id dest = rib == NULL ? 0 : loc_rib_find(rib, prefix);
    uint32_t number = dest == 0 ? 0 : dest_core_word(rib, dest, 0);
    *number_out = number;
    return number == 0 ? NULL : fib_entry_at(core, number);
}

static struct prefix entry_prefix(const struct core *core, const struct fib_entry *entry)
{
    return dest_prefix(core->ribs[entry->family_index], entry->dest);
}

static void maybe_free(struct core *core, uint32_t number)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    if (entry->group != 0 || entry->told != 0 ||
        (entry->flags & (ENTRY_IN_FLIGHT | ENTRY_QUEUED | ENTRY_OCCUPIED)) != 0) {
        return;
    }
    struct kernel_side *ks = kernel_of(core);
    if ((entry->flags & ENTRY_FAILED) != 0) {
        ks->failed_count--;
    }
    dest_set_core_word(core->ribs[entry->family_index], entry->dest, 0, 0);
    entry->family_index = ENTRY_FREE;
    slab_give(&ks->entries, number);
}

void fib_entry_enqueue(struct core *core, uint32_t number)
{
    struct kernel_side *ks = kernel_of(core);
    struct fib_entry *entry = fib_entry_at(core, number);
    if ((entry->flags & (ENTRY_QUEUED | ENTRY_IN_FLIGHT)) != 0) {
        return; /* The newest wish is read when its turn comes, or when the answer is there. */
    }
    entry->flags |= ENTRY_QUEUED;
    entry->next = 0;
    if (ks->queue_last == 0) {
        ks->queue_first = number;
    } else {
        fib_entry_at(core, ks->queue_last)->next = number;
    }
    ks->queue_last = number;
    ks->queued_count++;
}

/* ---- Sending ---- */

static void set_told(struct core *core, struct fib_entry *entry, uint32_t group)
{
    uint32_t old = entry->told;
    if (group != 0) {
        fib_group_ref(core, group);
        fib_group_at(core, group)->entry_count++;
    }
    entry->told = group;
    if (old != 0) {
        fib_group_at(core, old)->entry_count--;
        fib_group_unref(core, old);
    }
}

static void set_failed(struct core *core, struct fib_entry *entry, int error)
{
    struct kernel_side *ks = kernel_of(core);
    bool was_failed = (entry->flags & ENTRY_FAILED) != 0;
    if (error != 0 && !was_failed) {
        entry->flags |= ENTRY_FAILED;
        ks->failed_count++;
    } else if (error == 0 && was_failed) {
        entry->flags &= (uint8_t)~ENTRY_FAILED;
        ks->failed_count--;
    }
    entry->error = (uint8_t)(error > 254 || error < 0 ? 255 : error);
}

static void send_route(struct core *core, uint32_t number, const struct prefix *prefix,
                       uint32_t group)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    struct fib_route route = own_route_template(core, prefix);
    struct operation what = {.kind = OPERATION_ENTRY, .number = number};
    if (group != 0) {
        route.nexthop_object = fib_group_at(core, group)->id;
    }
    entry->flags &= (uint8_t) ~(ENTRY_REWRITE | ENTRY_OCCUPIED);
    entry->flags |= ENTRY_IN_FLIGHT;
    kernel_of(core)->in_flight_count++;
    operation_send_route(core, &route, group == 0, &what);
    if (kernel_of(core)->is_adopting) {
        adoption_taken_over(core, prefix, route.metric);
    }
    set_told(core, entry, group);
}

static void refuse_for_foreign(struct core *core, struct fib_entry *entry,
                               const struct prefix *prefix)
{
    struct kernel_side *ks = kernel_of(core);
    if ((entry->flags & ENTRY_FAILED) == 0 && ks->failures_logged++ < FAILURES_LOGGED) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, prefix,
                 "not installed: a foreign route with our metric %u stands there",
                 core->config->fib_metric);
    }
    set_failed(core, entry, EEXIST);
    routes_fib_state(core, (enum afi_safi)entry->family_index, entry->dest, false);
}

static void send_entry(struct core *core, uint32_t number)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    uint32_t target = (entry->flags & ENTRY_LOST) != 0 ? 0 : entry->group;
    struct prefix prefix = entry_prefix(core, entry);
    if (target == 0) {
        if (entry->told != 0 || (entry->flags & ENTRY_OCCUPIED) != 0) {
            send_route(core, number, &prefix, 0);
        } else {
            maybe_free(core, number);
        }
        return;
    }
    if (target == entry->told && (entry->flags & ENTRY_REWRITE) == 0) {
        return;
    }
    if (kernel_of(core)->is_protecting &&
        protection_exceeded(core, &prefix, fib_group_at(core, target))) {
        return; /* It waits to be decided again. */
    }
    if (slot_has_foreign(core, &prefix, core->config->fib_metric)) {
        refuse_for_foreign(core, entry, &prefix);
        return;
    }
    fib_group_ensure(core, target);
    send_route(core, number, &prefix, target);
}

void fib_pump(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_ready || ks->is_stopped) {
        return;
    }
    while (ks->queue_first != 0 && ks->in_flight_count < FIB_WINDOW) {
        uint32_t number = ks->queue_first;
        struct fib_entry *entry = fib_entry_at(core, number);
        ks->queue_first = entry->next;
        if (ks->queue_first == 0) {
            ks->queue_last = 0;
        }
        ks->queued_count--;
        entry->next = 0;
        entry->flags &= (uint8_t)~ENTRY_QUEUED;
        send_entry(core, number);
    }
}

/* ---- Answers ---- */

bool fib_is_nothing_there(int error)
{
    return error == ESRCH || error == ENOENT || error == ENODEV;
}

static void entry_refused(struct core *core, struct fib_entry *entry,
                          const struct fib_result *result)
{
    struct kernel_side *ks = kernel_of(core);
    struct prefix prefix = entry_prefix(core, entry);
    if (ks->failures_logged++ < FAILURES_LOGGED) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, &prefix,
                 "the kernel refused the %s: %s%s%s; tried again",
                 entry->told == 0 ? "removal" : "route", fib_error_text(result->error),
                 result->text[0] == 0 ? "" : ": ", result->text);
    }
    struct fib_route route = own_route_template(core, &prefix);
    operation_remove_twin(core, &route, result);
    /* What stands there now is unknown: a later withdrawal has to be sent whatever we think. */
    entry->flags |= ENTRY_OCCUPIED;
    entry->flags &= (uint8_t)~ENTRY_INSTALLED;
    set_told(core, entry, 0);
    set_failed(core, entry, result->error);
    fib_retry_later(core);
}

void fib_entry_on_result(struct core *core, uint32_t number, const struct fib_result *result)
{
    struct kernel_side *ks = kernel_of(core);
    struct fib_entry *entry = fib_entry_at(core, number);
    ASSERT((entry->flags & ENTRY_IN_FLIGHT) != 0);
    ASSERT(ks->in_flight_count > 0);
    ks->in_flight_count--;
    entry->flags &= (uint8_t)~ENTRY_IN_FLIGHT;
    bool was_delete = entry->told == 0;
    bool is_ok = result->error == 0 || (was_delete && fib_is_nothing_there(result->error));
    bool was_installed = (entry->flags & ENTRY_INSTALLED) != 0;
    enum afi_safi afi_safi = (enum afi_safi)entry->family_index;
    dest_id dest = entry->dest;
    if (!is_ok) {
        entry_refused(core, entry, result);
    } else {
        set_failed(core, entry, 0);
        fib_entry_mark_seen(core, entry); /* newer than an account that is being given */
        entry->flags &= (uint8_t)~ENTRY_INSTALLED;
        entry->flags |= was_delete ? 0 : ENTRY_INSTALLED;
        if (!was_installed && !was_delete) {
            entry->since_s = (uint32_t)(core->now.ns / 1000000000);
        }
    }
    bool is_installed = (entry->flags & ENTRY_INSTALLED) != 0;
    uint32_t target = (entry->flags & ENTRY_LOST) != 0 ? 0 : entry->group;
    if (is_ok &&
        (target != entry->told || (entry->flags & (ENTRY_REWRITE | ENTRY_OCCUPIED)) != 0)) {
        fib_entry_enqueue(core, number);
    }
    if (is_installed != was_installed || (!is_ok && !was_delete)) {
        routes_fib_state(core, afi_safi, dest, is_installed);
    }
    maybe_free(core, number);
    fib_pump(core);
}

/* ---- Wishes ---- */

void fib_entry_set_lost(struct core *core, uint32_t number, bool is_lost, bool is_replaced)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    bool was_lost = (entry->flags & ENTRY_LOST) != 0;
    if (is_lost) {
        entry->flags |= ENTRY_LOST;
    } else {
        entry->flags &= (uint8_t)~ENTRY_LOST;
    }
    if (is_replaced && !is_lost && entry->group != 0) {
        entry->flags |= ENTRY_OCCUPIED | ENTRY_REWRITE;
    } else if (is_replaced && (entry->told != 0 || (entry->flags & ENTRY_OCCUPIED) != 0)) {
        /* Written over: nothing of this destination is left to delete. */
        entry->flags &= (uint8_t) ~(ENTRY_OCCUPIED | ENTRY_INSTALLED);
        set_told(core, entry, 0);
    }
    if (is_lost && !was_lost) {
        set_failed(core, entry, 0);
        routes_fib_state(core, (enum afi_safi)entry->family_index, entry->dest, false);
    }
    fib_entry_enqueue(core, number);
    fib_pump(core);
}

static bool hop_before(const struct tracked_nexthop *a, const struct tracked_nexthop *b)
{
    int order = ip_compare(&a->nexthop.addr, &b->nexthop.addr);
    if (order != 0) {
        return order < 0;
    }
    return a->via_tunnel != b->via_tunnel ? a->via_tunnel < b->via_tunnel
                                          : a->via_ifindex < b->via_ifindex;
}

static bool key_has(const struct group_key *key, const struct tracked_nexthop *hop)
{
    for (uint8_t i = 0; i < key->hop_count; i++) {
        if (key->hops[i] == hop) {
            return true;
        }
    }
    return false;
}

/* Ascending, so that the same set is the same group in whatever order its paths are. */
static void key_add(struct group_key *key, struct tracked_nexthop *hop)
{
    if (key_has(key, hop)) {
        return;
    }
    uint8_t at = key->hop_count++;
    for (; at > 0 && hop_before(hop, key->hops[at - 1]); at--) {
        key->hops[at] = key->hops[at - 1];
    }
    key->hops[at] = hop;
}

/* The next hop of a path the kernel may use for prefix; NULL when it is not ours to install, or,
 * once more after the decision, when its class does not meet the protection. */
static struct tracked_nexthop *path_hop(const struct loc_rib *rib, uint32_t route_number,
                                        uint32_t allowed, uint8_t *distance_out)
{
    struct route_view route;
    if (route_number == 0 || !route_by_number(rib, route_number, &route) ||
        route.accepted == NULL) {
        return NULL;
    }
    uint8_t kind = loc_rib_source(rib, route.source)->kind;
    if (kind != SOURCE_PEER_EBGP && kind != SOURCE_PEER_IBGP) {
        return NULL;
    }
    struct nexthop *nexthop = attr_set_nexthop(route.accepted);
    if (nexthop == NULL || (PATH_CLASS_BIT(nexthop->path_class) & allowed) == 0) {
        return NULL;
    }
    *distance_out = kind == SOURCE_PEER_IBGP ? DISTANCE_IBGP : DISTANCE_EBGP;
    return tracked(nexthop);
}

static uint32_t wanted_group(struct core *core, const struct loc_rib *rib,
                             const struct prefix *prefix, const struct decision_result *result,
                             uint8_t *distance_out)
{
    uint32_t allowed = core->protections == NULL
                           ? PATH_CLASS_ANY
                           : protection_allowed_classes(core->protections, prefix);
    struct group_key key;
    memset(&key, 0, sizeof key);
    key.family = prefix->family;
    key.allowed_classes = (uint8_t)allowed;
    *distance_out = DISTANCE_EBGP;
    for (uint8_t i = 0; i < result->used_count && key.hop_count < DECISION_PATHS_MAX; i++) {
        uint8_t distance;
        struct tracked_nexthop *hop = path_hop(rib, result->used[i], allowed, &distance);
        if (hop != NULL) {
            *distance_out = key.hop_count == 0 ? distance : *distance_out;
            key_add(&key, hop);
        }
    }
    if (key.hop_count == 0) {
        return 0;
    }
    uint8_t distance;
    struct tracked_nexthop *backup = path_hop(rib, result->backup, allowed, &distance);
    if (backup != NULL && !key_has(&key, backup)) {
        key.hops[key.hop_count] = backup;
        key.has_backup = true;
    }
    return fib_group_intern(core, &key);
}

void fib_notice_prefix(struct core *core, const struct prefix *prefix)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t dirty_before = ks->dirty_count;
    nexthops_mark_prefix(core, prefix);
    bool is_news = ks->dirty_count != dirty_before;
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        if (prefix_contains_ip(prefix, &core->config->tunnels[i].remote_endpoint)) {
            ks->pins_dirty = true;
            is_news = true;
        }
    }
    if (is_news) {
        kernel_settle_soon(core);
    }
}

static bool has_locals(const struct core *core, const struct prefix *prefix)
{
    return kernel_of(core)->local_lengths[prefix_afi_safi(prefix)][prefix->len_bits] != 0 &&
           local_route_next(core, prefix, NULL) != NULL;
}

void fib_sync_dest(struct core *core, enum afi_safi afi_safi, dest_id dest,
                   const struct decision_result *result)
{
    if (kernel_of(core)->is_stopped) {
        return;
    }
    struct kernel_side *ks = kernel_of(core);
    struct loc_rib *rib = core->ribs[afi_safi];
    struct prefix prefix = dest_prefix(rib, dest);
    uint32_t number = dest_core_word(rib, dest, 0);
    uint8_t distance;
    uint32_t group = wanted_group(core, rib, &prefix, result, &distance);
    if (number == 0) {
        if (group == 0) {
            return;
        }
        number = slab_take(&ks->entries);
        struct fib_entry *fresh = fib_entry_at(core, number);
        fresh->dest = dest;
        fresh->family_index = (uint8_t)afi_safi;
        dest_set_core_word(rib, dest, 0, number);
    }
    struct fib_entry *entry = fib_entry_at(core, number);
    uint32_t old = entry->group;
    entry->group = group;
    entry->distance = distance;
    if (old != 0) {
        fib_group_unref(core, old);
    }
    if (ks->fault_count != 0) {
        ks->overrules_dirty = true;
        kernel_settle_soon(core);
    }
    if (has_locals(core, &prefix)) {
        slot_evaluate(core, &prefix);
        if (dest_core_word(rib, dest, 0) == 0) {
            return;
        }
    }
    fib_entry_enqueue(core, number);
    fib_pump(core);
}

/* ---- Walks over all entries, in slices ---- */

static void walk_entry(struct core *core, uint32_t number)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    if (entry->family_index == ENTRY_FREE) {
        return;
    }
    if (entry->told != 0 && fib_group_at(core, entry->told)->needs_reinstall) {
        entry->flags |= ENTRY_REWRITE;
        entry->flags &= (uint8_t)~ENTRY_INSTALLED;
        fib_entry_enqueue(core, number);
    } else if ((entry->flags & ENTRY_FAILED) != 0) {
        fib_entry_enqueue(core, number);
    }
}

static void walk_finished(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->group_count; i++) {
        fib_group_at(core, ks->group_numbers[i])->needs_reinstall = false;
    }
    ks->walk_position = 0;
}

static void walk_slice(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t end = ks->entries.next_unused;
    for (uint32_t i = 0; i < ENTRIES_PER_WALK && ks->walk_position < end; i++) {
        walk_entry(core, ks->walk_position++);
    }
    if (ks->walk_position >= end) {
        walk_finished(core);
    } else {
        /* The next slice comes after whatever else is waiting. */
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_us(1)));
    }
    fib_pump(core);
}

void fib_walk_start(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (ks->is_stopped) {
        return;
    }
    ks->walk_position = 1;
    timer_start(&core->timers, &ks->walk_timer, core->now);
}

static void retry(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    (void)timer;
    if (!ks->is_ready || ks->is_stopped) {
        return;
    }
    ks->failures_logged = 0;
    fib_groups_retry(core);
    own_routes_sync_all(core);
    if (ks->failed_count != 0) {
        fib_walk_start(core);
    }
}

void fib_retry_later(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (timer_is_armed(&ks->retry_timer) || ks->is_stopped) {
        return;
    }
    timer_start(&core->timers, &ks->retry_timer, mono_add(core->now, ks->retry_after));
    int64_t next_ms = mono_span_to_ms(ks->retry_after) * 2;
    ks->retry_after = mono_span_ms(next_ms > RETRY_LAST_MS ? RETRY_LAST_MS : next_ms);
}

void fib_retry_soon(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ks->retry_after = mono_span_ms(RETRY_FIRST_MS);
    if (ks->is_ready && !ks->is_stopped) {
        timer_start(&core->timers, &ks->retry_timer, mono_add(core->now, mono_span_ms(1)));
    }
}

void fib_init(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    slab_init(&ks->entries, MEM_FIB, sizeof(struct fib_entry));
    ks->walk_timer.expired = walk_slice;
    ks->retry_timer.expired = retry;
    ks->retry_after = mono_span_ms(RETRY_FIRST_MS);
}

void fib_fini(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 1; i < ks->entries.next_unused; i++) {
        struct fib_entry *entry = fib_entry_at(core, i);
        if (entry->family_index == ENTRY_FREE) {
            continue;
        }
        set_told(core, entry, 0);
        if (entry->group != 0) {
            fib_group_unref(core, entry->group);
        }
    }
    timer_stop(&core->timers, &ks->walk_timer);
    timer_stop(&core->timers, &ks->retry_timer);
    slab_fini(&ks->entries);
}
