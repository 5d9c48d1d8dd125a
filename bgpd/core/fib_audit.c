/* What the kernel says it has, against what it was told: in an account of everything after an
 * overrun, in the audit that goes round in the background, and when somebody touches our routes
 * behind our back. Whatever differs is put right, counted, remembered and logged. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

#define AUDIT_EVERY_S     60
#define ENTRIES_PER_SLICE 8192u
#define DRIFTS_LOGGED     10u /* per audit */

/* ---- The record of drift ---- */

static const char *drift_text(enum drift_what what)
{
    static const char *const texts[] = {
        [DRIFT_REMOVED] = "somebody removed our route; it is installed again",
        [DRIFT_CHANGED] = "somebody changed our route; it is installed again",
        [DRIFT_MISSING] = "our route was missing in the kernel; it is installed again",
    };
    return texts[what];
}

static const char *object_text(enum drift_what what)
{
    return what == DRIFT_REMOVED   ? "somebody removed"
           : what == DRIFT_MISSING ? "the kernel lost"
                                   : "somebody changed";
}

static void remember(struct core *core, const struct snapshot_drift *drift)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    ASSERT(drift->kind < DRIFT_KIND_COUNT);
    audit->repaired[drift->kind]++;
    struct snapshot_drift *kept = &audit->drifts[audit->drift_count++ % DRIFTS_KEPT];
    *kept = *drift;
    kept->at = core->now;
}

void drift_note_route(struct core *core, enum drift_kind kind, enum drift_what what,
                      const struct prefix *prefix)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    struct snapshot_drift drift = {.kind = (uint8_t)kind, .what = (uint8_t)what, .prefix = *prefix};
    remember(core, &drift);
    if (audit->logged++ < DRIFTS_LOGGED) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, prefix, "%s", drift_text(what));
    }
}

void drift_note_object(struct core *core, enum drift_what what, uint32_t id)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    struct snapshot_drift drift = {.kind = DRIFT_NEXTHOP, .what = (uint8_t)what, .object = id};
    remember(core, &drift);
    if (audit->logged++ < DRIFTS_LOGGED) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, NULL,
                 "%s our next-hop object %u; it and its routes are installed again",
                 object_text(what), id);
    }
}

static enum drift_kind kind_of_own(const struct own_route *own)
{
    switch ((enum local_kind)own->local.kind) {
    case LOCAL_GUARD:
    case LOCAL_OVERRULE:
        return DRIFT_GUARD;
    case LOCAL_STATIC:
        return DRIFT_STATIC;
    default:
        return DRIFT_PIN;
    }
}

/* ---- Accounts ---- */

/* One bit per entry says whether an account has met it. Its meaning is turned round at the start of
 * each, so that a million entries need not be touched for that. */
bool fib_entry_is_seen(const struct core *core, const struct fib_entry *entry)
{
    return ((entry->flags & ENTRY_SEEN) != 0) == kernel_of(core)->audit.seen_bit;
}

void fib_entry_mark_seen(const struct core *core, struct fib_entry *entry)
{
    entry->flags &= (uint8_t)~ENTRY_SEEN;
    entry->flags |= kernel_of(core)->audit.seen_bit ? ENTRY_SEEN : 0;
}

void fib_dump_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct fib_audit *audit = &ks->audit;
    timer_stop(&core->timers, &audit->walk_timer); /* the one before is overtaken */
    audit->position = 0;
    audit->seen_bit = !audit->seen_bit;
    audit->began = core->now;
    audit->missing_count = 0;
    audit->logged = 0;
    audit->met = (struct prefix){.family = IP_NONE};
    LIST_FOREACH(node, &ks->own_routes)
    {
        CONTAINER_OF(node, struct own_route, node)->local.is_seen = false;
    }
}

static void account_finished(struct core *core)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    audit->position = 0;
    audit->ended = core->now;
    audit->rounds++;
    audit->checked_routes = kernel_of(core)->entries.live_count;
    if (audit->missing_count != 0) {
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, NULL,
                 "%u routes of ours were missing in the kernel and are installed again",
                 audit->missing_count);
    }
}

static void check_entry(struct core *core, uint32_t number)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    if (entry->family_index == ENTRY_FREE || entry->told == 0 || fib_entry_is_seen(core, entry) ||
        (entry->flags & (ENTRY_INSTALLED | ENTRY_IN_FLIGHT)) != ENTRY_INSTALLED) {
        return;
    }
    struct prefix prefix = dest_prefix(core->ribs[entry->family_index], entry->dest);
    fib_entry_mark_seen(core, entry);
    entry->flags |= ENTRY_REWRITE;
    fib_entry_enqueue(core, number);
    drift_note_route(core, DRIFT_ROUTE, DRIFT_MISSING, &prefix);
    kernel_of(core)->audit.missing_count++;
}

static void check_slice(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t end = ks->entries.next_unused;
    for (uint32_t i = 0; i < ENTRIES_PER_SLICE && ks->audit.position < end; i++) {
        check_entry(core, ks->audit.position++);
    }
    if (ks->audit.position < end) {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_us(1)));
    } else {
        account_finished(core);
    }
    fib_pump(core);
}

void fib_dump_end(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct fib_audit *audit = &ks->audit;
    audit->checked_plain = 0;
    LIST_FOREACH(node, &ks->own_routes)
    {
        struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        audit->checked_plain += own->is_told ? 1 : 0;
        if (own->is_told && own->is_installed && own->operation == 0 && !own->local.is_seen) {
            drift_note_route(core, kind_of_own(own), DRIFT_MISSING, &own->told.prefix);
            audit->missing_count++;
            own_route_rewrite(core, own);
        }
    }
    audit->position = 1;
    check_slice(core, &audit->walk_timer);
}

/* ---- The audit in the background ---- */

static void audit_due(struct core *core, struct timer *timer)
{
    struct kernel_side *ks = kernel_of(core);
    bool is_free =
        ks->is_ready && !ks->is_dumping && !ks->audit.is_reading && ks->audit.position == 0;
    struct mono_span pause = mono_span_s(is_free || !ks->audit.is_urgent ? AUDIT_EVERY_S : 1);
    timer_start(&core->timers, timer, mono_add(core->now, pause));
    if (is_free && !ks->is_stopped) {
        ks->audit.is_urgent = false;
        struct core_action action = {.kind = ACTION_FIB_REQUEST_DUMP};
        action.request_dump.is_audit = true;
        action_queue_put(&core->actions, &action);
    }
}

void fib_audit_init(struct core *core)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    audit->timer.expired = audit_due;
    audit->walk_timer.expired = check_slice;
    audit->ended = MONO_NEVER;
    audit->urgent_after_s = 1;
}

void fib_audit_start(struct core *core)
{
    timer_start(&core->timers, &kernel_of(core)->audit.timer,
                mono_add(core->now, mono_span_s(AUDIT_EVERY_S)));
}

void fib_audit_soon(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct fib_audit *audit = &ks->audit;
    if (audit->is_urgent || !ks->is_ready || ks->is_stopped) {
        return;
    }
    audit->is_urgent = true;
    timer_start(&core->timers, &audit->timer,
                mono_add(core->now, mono_span_s(audit->urgent_after_s)));
    audit->urgent_after_s =
        audit->urgent_after_s * 2 > AUDIT_EVERY_S ? AUDIT_EVERY_S : audit->urgent_after_s * 2;
}

void fib_audit_calm(struct core *core)
{
    kernel_of(core)->audit.urgent_after_s = 1;
}

void fib_audit_stop(struct core *core)
{
    timer_stop(&core->timers, &kernel_of(core)->audit.timer);
    timer_stop(&core->timers, &kernel_of(core)->audit.walk_timer);
}

void fib_audit_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_ready || ks->is_stopped) {
        return;
    }
    ks->audit.is_reading = true;
    ks->audit.foreign_differs = false;
    kernel_routes_dump_begin(core);
    fib_groups_dump_begin(core);
    fib_dump_begin(core);
}

/* Routes of others are not corrected from an audit: it is given while they change. Where it does
 * not fit, everything is read again. */
void fib_audit_end(struct core *core, bool is_complete)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    if (!audit->is_reading) {
        return;
    }
    audit->is_reading = false;
    if (!is_complete) {
        fib_audit_soon(core); /* it may have been the one that a refused removal waits for */
        return;
    }
    if (audit->foreign_differs || kernel_routes_any_unseen(core)) {
        struct core_action action = {.kind = ACTION_FIB_REQUEST_DUMP};
        action_queue_put(&core->actions, &action);
    }
    fib_groups_dump_end(core);
    fib_dump_end(core);
    kernel_settle(core);
}

/* ---- Routes of ours as the kernel tells them ---- */

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

/* A route of ours is to stand in this place, and the kernel refused it, or so it seemed: it is
 * tried again by itself. What stands there is no leftover. */
static bool own_waits_in_slot(const struct core *core, const struct fib_route *route)
{
    for (struct local_route *local = local_route_next(core, &route->prefix, NULL); local != NULL;
         local = local_route_next(core, &route->prefix, local)) {
        if (local->kind == LOCAL_CONNECTED || local->kind == LOCAL_KERNEL) {
            continue;
        }
        const struct own_route *own = CONTAINER_OF(local, struct own_route, local);
        if (own->is_selected && local->is_usable && local->route.metric == route->metric) {
            return true;
        }
    }
    return false;
}

static bool has_all_legs(const struct fib_route *seen, const struct fib_route *told)
{
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
    return true;
}

/* Legs may be told back in another order, and with weights or sources filled in. */
static bool same_way(const struct fib_route *told, const struct fib_route *seen)
{
    if (told->type != seen->type || seen->nexthop_object != 0) {
        return told->type == seen->type && told->nexthop_object == seen->nexthop_object;
    }
    return has_all_legs(seen, told) &&
           (told->type != FIB_ROUTE_UNICAST || told->leg_count == seen->leg_count);
}

/* Several routes may share this place: one that leads elsewhere is one too many, not ours changed.
 */
static void on_first_place(struct core *core, struct own_route *own,
                           const struct kernel_route_event *event)
{
    bool is_ours = same_way(&own->told, &event->route) && own->told.scope == event->route.scope;
    if (is_ours && !event->is_removed) {
        own->local.is_seen = true;
    } else if (own->operation == 0 && is_ours) {
        drift_note_route(core, DRIFT_GUARD, DRIFT_REMOVED, &event->route.prefix);
        own_route_rewrite(core, own);
    } else if (own->operation == 0 && !event->is_removed) {
        struct fib_route extra = event->route;
        struct operation what = {.kind = OPERATION_STRAY};
        extra.is_first = true;
        operation_send_route(core, &extra, true, &what);
    }
}

static void note_met(struct core *core, const struct kernel_route_event *event)
{
    struct fib_audit *audit = &kernel_of(core)->audit;
    if (event->is_from_dump) {
        audit->met = event->route.prefix;
        audit->met_metric = event->route.metric;
    }
}

/* An account has a second one of ours in a place that is for one, behind the right one: it would
 * come to light when that goes. IPv4 tells them apart by kind and first leg, or by object. */
static void remove_twin(struct core *core, const struct fib_route *told,
                        const struct kernel_route_event *event)
{
    const struct fib_audit *audit = &kernel_of(core)->audit;
    const struct fib_route *seen = &event->route;
    bool is_behind = event->is_from_dump && seen->metric == audit->met_metric &&
                     prefix_equal(&seen->prefix, &audit->met);
    bool is_other_leg = seen->leg_count != 0 && told->leg_count != 0 &&
                        (seen->legs[0].ifindex != told->legs[0].ifindex ||
                         !ip_equal(&seen->legs[0].gateway, &told->legs[0].gateway));
    bool is_other = seen->type != told->type || seen->nexthop_object != told->nexthop_object;
    if (!is_behind || seen->prefix.family != IP_V4 || (!is_other && !is_other_leg)) {
        return;
    }
    struct fib_route twin = *seen;
    struct operation what = {.kind = OPERATION_STRAY};
    twin.is_first = true;
    operation_send_route(core, &twin, true, &what);
}

static void on_own_plain(struct core *core, struct own_route *own,
                         const struct kernel_route_event *event)
{
    if (own->told.is_first) {
        on_first_place(core, own, event);
        return;
    }
    if (!event->is_removed && same_way(&own->told, &event->route)) {
        own->local.is_seen = true;
        note_met(core, event);
        return;
    }
    if (own->operation != 0) {
        return; /* Older than what is on its way. */
    }
    if (event->is_from_dump && own->local.is_seen) {
        remove_twin(core, &own->told, event); /* else it is older than the last answer */
        return;
    }
    drift_note_route(core, kind_of_own(own), event->is_removed ? DRIFT_REMOVED : DRIFT_CHANGED,
                     &event->route.prefix);
    own->local.is_seen = true;
    own_route_rewrite(core, own);
}

static void on_own_entry(struct core *core, uint32_t number, const struct kernel_route_event *event)
{
    struct fib_entry *entry = fib_entry_at(core, number);
    bool is_older = event->is_from_dump && fib_entry_is_seen(core, entry);
    fib_entry_mark_seen(core, entry);
    if ((entry->flags & (ENTRY_IN_FLIGHT | ENTRY_QUEUED)) != 0 ||
        (entry->told == 0 && (event->is_removed || is_older))) {
        return;
    }
    uint32_t object = entry->told == 0 ? 0 : fib_group_at(core, entry->told)->id;
    if (!event->is_removed && object != 0 && event->route.nexthop_object == object) {
        note_met(core, event);
        return;
    }
    if (is_older) {
        struct fib_route told = own_route_template(core, &event->route.prefix);
        told.nexthop_object = object;
        remove_twin(core, &told, event);
        return;
    }
    drift_note_route(core, DRIFT_ROUTE, event->is_removed ? DRIFT_REMOVED : DRIFT_CHANGED,
                     &event->route.prefix);
    entry->flags |= ENTRY_REWRITE | (entry->told == 0 ? ENTRY_OCCUPIED : 0);
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
    if (!event->is_removed && !own_waits_in_slot(core, route) &&
        !adoption_has(core, &route->prefix, route->metric)) {
        struct operation what = {.kind = OPERATION_STRAY};
        operation_send_route(core, route, true, &what);
    }
}

bool fib_on_merged_route(struct core *core, const struct kernel_route_event *event)
{
    const struct kernel_side *ks = kernel_of(core);
    const struct fib_route *route = &event->route;
    struct own_route *own = own_in_slot(core, route);
    if (ks->is_stopped || !ks->is_ready || event->is_removed || route->prefix.family != IP_V6 ||
        own == NULL || own->told.leg_count == 0 || route->leg_count <= own->told.leg_count ||
        !has_all_legs(route, &own->told)) {
        return false;
    }
    drift_note_route(core, kind_of_own(own), DRIFT_CHANGED, &route->prefix);
    own_route_rewrite(core, own);
    return true;
}

/* ---- For show ---- */

void snapshot_fib_audit(const struct core *core, struct snapshot_fib_audit *out)
{
    const struct kernel_side *ks = kernel_of(core);
    const struct fib_audit *audit = &ks->audit;
    *out = (struct snapshot_fib_audit){
        .interval_s = AUDIT_EVERY_S,
        .is_running = audit->is_reading || audit->position != 0,
        .rounds = audit->rounds,
        .rereads = audit->rereads,
        .began = audit->began,
        .ended = audit->ended,
        .checked_routes = audit->checked_routes,
        .checked_plain = audit->checked_plain,
        .checked_objects = ks->group_count + ks->leg_number_count,
        .refused = ks->failed_count,
        .drift_count = audit->drift_count < DRIFTS_KEPT ? audit->drift_count : DRIFTS_KEPT,
    };
    memcpy(out->repaired, audit->repaired, sizeof out->repaired);
    for (uint32_t i = 0; i < out->drift_count; i++) {
        out->drifts[i] = audit->drifts[(audit->drift_count - 1 - i) % DRIFTS_KEPT];
    }
}
