/* Next-hop objects as the kernel has them: what it drops by itself when a link goes, what somebody
 * removes or changes, what an account does not mention. A group that is gone has taken its routes
 * with it, without a word about each: they are installed again behind it. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

void fib_group_vanished(struct core *core, struct nexthop_group *group)
{
    group->is_told = false;
    operation_forget(core, group->operation);
    group->operation = 0;
    if (group->entry_count != 0) {
        group->needs_reinstall = true;
        fib_walk_start(core);
    }
}

static void leg_vanished(struct core *core, struct leg_object *leg)
{
    leg->is_told = false;
    operation_forget(core, leg->operation);
    leg->operation = 0;
}

void fib_groups_on_link_down(struct core *core, uint32_t ifindex)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        struct leg_object *leg = leg_object_at(core, ks->leg_numbers[i]);
        if (!leg->is_blackhole && leg->leg.ifindex == ifindex) {
            leg_vanished(core, leg);
        }
    }
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        uint8_t left = 0;
        for (uint8_t k = 0; k < group->member_count; k++) {
            left = (uint8_t)(left + (leg_object_at(core, group->members[k])->is_told ? 1 : 0));
        }
        if (group->is_told && left == 0) {
            fib_group_vanished(core, group);
        }
    }
}

static struct leg_object *leg_by_id(const struct core *core, uint32_t id)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        struct leg_object *leg = leg_object_at(core, ks->leg_numbers[i]);
        if (leg->id == id) {
            return leg;
        }
    }
    return NULL;
}

static struct nexthop_group *group_by_id(const struct core *core, uint32_t id)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        if (group->id == id) {
            return group;
        }
    }
    return NULL;
}

static void delete_stray(struct core *core, const struct fib_nexthop *nexthop)
{
    struct operation what = {.kind = OPERATION_OTHER};
    struct fib_nexthop gone = {.id = nexthop->id, .family = nexthop->family};
    for (uint32_t i = 0; i < kernel_of(core)->adopted_object_count; i++) {
        if (kernel_of(core)->adopted_objects[i].id == nexthop->id) {
            return;
        }
    }
    operation_send_nexthop(core, &gone, true, false, &what);
}

/* As told, whatever order its members are in. */
static bool is_group_whole(const struct core *core, const struct nexthop_group *group,
                           const struct fib_nexthop *seen)
{
    if (seen->is_blackhole || seen->member_count != group->member_count ||
        seen->is_resilient != group->is_resilient) {
        return false;
    }
    for (uint8_t i = 0; i < group->member_count; i++) {
        uint32_t id = leg_object_at(core, group->members[i])->id;
        bool is_there = false;
        for (uint8_t k = 0; k < seen->member_count; k++) {
            is_there = is_there ||
                       (seen->members[k] == id && seen->member_weights[k] == group->weights[i]);
        }
        if (!is_there) {
            return false;
        }
    }
    return true;
}

static bool is_leg_whole(const struct leg_object *leg, const struct fib_nexthop *seen)
{
    return seen->member_count == 0 && seen->is_blackhole == leg->is_blackhole &&
           (leg->is_blackhole || (seen->leg.ifindex == leg->leg.ifindex &&
                                  ip_equal(&seen->leg.gateway, &leg->leg.gateway)));
}

/* An object stands: as we made it, or as somebody else would have it. What is on its way to the
 * kernel, or was answered since the account began, is newer than this. */
static void object_stands(struct core *core, struct leg_object *leg, struct nexthop_group *group,
                          const struct fib_nexthop *seen)
{
    bool is_reading = kernel_of(core)->is_dumping || kernel_of(core)->audit.is_reading;
    bool is_told = leg != NULL ? leg->is_told : group->is_told;
    bool is_known = leg != NULL ? leg->is_seen : group->is_seen;
    bool is_busy = (leg != NULL ? leg->operation : group->operation) != 0;
    bool is_whole = leg != NULL ? is_leg_whole(leg, seen) : is_group_whole(core, group, seen);
    if (leg != NULL) {
        leg->is_seen = true;
    } else {
        group->is_seen = true;
    }
    if (is_whole || !is_told || is_busy || (is_reading && is_known)) {
        return;
    }
    drift_note_object(core, DRIFT_CHANGED, seen->id);
    if (leg != NULL) {
        leg->is_told = false;
    } else {
        group->is_told = false; /* a replacement in place: its routes stay on it */
    }
    fib_groups_refresh(core, NULL, true);
}

static void leg_is_gone(struct core *core, struct leg_object *leg, enum drift_what what)
{
    leg_vanished(core, leg);
    drift_note_object(core, what, leg->id);
}

static void group_is_gone(struct core *core, struct nexthop_group *group, enum drift_what what)
{
    fib_group_vanished(core, group);
    drift_note_object(core, what, group->id);
}

void fib_groups_on_kernel_nexthop(struct core *core, const struct kernel_nexthop_event *event)
{
    struct kernel_side *ks = kernel_of(core);
    if (!event->is_ours) {
        foreign_object_put(core, event);
        return;
    }
    if (!ks->is_ready) {
        if (!event->is_removed) {
            adoption_add_object(core, &event->nexthop);
        }
        return;
    }
    struct leg_object *leg = leg_by_id(core, event->nexthop.id);
    struct nexthop_group *group = leg != NULL ? NULL : group_by_id(core, event->nexthop.id);
    if (leg == NULL && group == NULL) {
        if (!event->is_removed && (ks->is_dumping || ks->audit.is_reading)) {
            delete_stray(core, &event->nexthop);
        }
    } else if (!event->is_removed) {
        object_stands(core, leg, group, &event->nexthop);
    } else if (leg != NULL && leg->is_told) {
        leg_is_gone(core, leg, DRIFT_REMOVED);
        fib_groups_refresh(core, NULL, true);
    } else if (group != NULL && group->is_told) {
        group_is_gone(core, group, DRIFT_REMOVED);
        fib_groups_refresh(core, NULL, true);
    }
}

void fib_groups_dump_begin(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        leg_object_at(core, ks->leg_numbers[i])->is_seen = false;
    }
    for (uint32_t i = 0; i < ks->group_count; i++) {
        fib_group_at(core, ks->group_numbers[i])->is_seen = false;
    }
}

/* What is still on its way to the kernel could not be in the account. */
void fib_groups_dump_end(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        struct leg_object *leg = leg_object_at(core, ks->leg_numbers[i]);
        if (leg->is_told && leg->operation == 0 && !leg->is_seen) {
            leg_is_gone(core, leg, DRIFT_MISSING);
        }
    }
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        if (group->is_told && group->operation == 0 && !group->is_seen) {
            group_is_gone(core, group, DRIFT_MISSING);
        }
    }
    fib_groups_refresh(core, NULL, true);
}
