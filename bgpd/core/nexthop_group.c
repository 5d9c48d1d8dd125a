/* Next-hop groups: one kernel object for all destinations that share their used next hops, backup
 * and protection. When a next hop dies the few groups that hold it are replaced in place:
 * survivors, else the backup, else a discard, before any destination is decided again.
 *
 * The kernel: a group is always a group object, even of one member, so that it can be replaced by
 * any other; a discard may only be its single member. Carrier loss deletes the members of that link
 * and groups left empty, together with their routes, without a word about each. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"
#include "proto/base/hash.h"

/* Beside more members than this, or unequal ones, the buckets would not share out evenly. */
#define STANDBY_BESIDE_MAX 4u

struct member_set {
    uint8_t count;
    bool has_standby; /* the last one */
    bool is_on_backup;
    bool is_discarding;
    uint32_t legs[FIB_LEGS_MAX]; /* counted */
    uint8_t weights[FIB_LEGS_MAX];
};

void fib_groups_init(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    slab_init(&ks->legs, MEM_FIB, (uint32_t)((sizeof(struct leg_object) + 7) & ~7u));
    slab_init(&ks->groups, MEM_FIB, (uint32_t)((sizeof(struct nexthop_group) + 7) & ~7u));
    hash_index_init(&ks->legs_by_key);
    hash_index_init(&ks->groups_by_key);
}

void fib_groups_fini(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    ASSERT(ks->group_count == 0);
    ASSERT(ks->leg_number_count == 0);
    slab_fini(&ks->legs);
    slab_fini(&ks->groups);
    hash_index_fini(&ks->legs_by_key);
    hash_index_fini(&ks->groups_by_key);
    mem_free(MEM_FIB, ks->group_numbers);
    mem_free(MEM_FIB, ks->leg_numbers);
}

struct nexthop_group *fib_group_at(const struct core *core, uint32_t number)
{
    ASSERT(number != 0);
    return slab_at(&kernel_of(core)->groups, number);
}

/* ---- What a group should be now ---- */

static bool has_member(const struct core *core, const struct nexthop_group *group,
                       const struct nexthop_leg *leg)
{
    for (uint8_t i = 0; i < group->member_count; i++) {
        const struct leg_object *member = leg_object_at(core, group->members[i]);
        if (!member->is_blackhole && member->leg.ifindex == leg->fib.ifindex &&
            ip_equal(&member->leg.gateway, &leg->fib.gateway)) {
            return true;
        }
    }
    return false;
}

/* Destinations that have just become protected may still stand on a group from before: until all
 * are decided again it gets no new member that one of them might not use. */
static bool is_too_weak_now(const struct core *core, const struct nexthop_group *group,
                            const struct nexthop_leg *leg)
{
    return kernel_of(core)->is_protecting && group->entry_count != 0 &&
           (PATH_CLASS_BIT(leg->path_class) & protection_strictest(core)) == 0 &&
           !has_member(core, group, leg);
}

static void add_member(struct core *core, const struct nexthop_group *group,
                       const struct nexthop_leg *leg, bool allows_failed, struct member_set *set)
{
    if ((PATH_CLASS_BIT(leg->path_class) & group->allowed_classes) == 0 ||
        set->count == FIB_LEGS_MAX || is_too_weak_now(core, group, leg)) {
        return;
    }
    uint8_t family = leg->fib.gateway.family != IP_NONE ? leg->fib.gateway.family : group->family;
    uint32_t number = leg_object_intern(core, &leg->fib, family, false);
    bool is_known = leg_object_at(core, number)->error != 0 && !allows_failed;
    for (uint8_t i = 0; i < set->count; i++) {
        is_known = is_known || set->legs[i] == number;
    }
    if (is_known) {
        leg_object_unref(core, number);
        return;
    }
    set->legs[set->count] = number;
    set->weights[set->count] = leg->fib.weight == 0 ? 1 : leg->fib.weight;
    set->count++;
}

static void add_hop(struct core *core, const struct nexthop_group *group,
                    const struct tracked_nexthop *hop, bool allows_failed, struct member_set *set)
{
    if (hop->nexthop.state != NEXTHOP_RESOLVED) {
        return;
    }
    for (uint8_t i = 0; i < hop->leg_count; i++) {
        add_member(core, group, &hop->legs[i], allows_failed, set);
    }
}

/* What the kernel does by itself must never be a step into the clear. */
static bool is_no_weaker(const struct nexthop_leg *leg, const struct tracked_nexthop *than)
{
    for (uint8_t i = 0; i < than->leg_count; i++) {
        if (leg->path_class != PATH_CLASS_IPSEC && leg->path_class != than->legs[i].path_class) {
            return false;
        }
    }
    return true;
}

/* The backup waits in the group itself, so that the loss of a carrier, which takes the members of
 * that link away before we hear of it, leaves packets a way and the routes their group. */
static void add_standby(struct core *core, const struct nexthop_group *group,
                        struct member_set *set)
{
    const struct tracked_nexthop *backup = group->hops[group->hop_count];
    uint8_t used = set->count;
    bool is_even = used <= STANDBY_BESIDE_MAX;
    for (uint8_t i = 1; i < used; i++) {
        is_even = is_even && set->weights[i] == set->weights[0];
    }
    if (!is_even || backup->nexthop.state != NEXTHOP_RESOLVED) {
        return;
    }
    for (uint8_t i = 0; i < backup->leg_count && set->count == used; i++) {
        if (is_no_weaker(&backup->legs[i], group->hops[0])) {
            add_member(core, group, &backup->legs[i], false, set);
        }
    }
    if (set->count == used) {
        return;
    }
    memset(set->weights, FIB_WEIGHT_BESIDE_STANDBY, used);
    set->weights[used] = 1;
    set->has_standby = true;
}

/* Legs the kernel refuses are left out while there are others. */
static void compute_members(struct core *core, const struct nexthop_group *group,
                            struct member_set *set)
{
    memset(set, 0, sizeof *set);
    for (unsigned allows_failed = 0; allows_failed < 2 && set->count == 0; allows_failed++) {
        for (uint8_t i = 0; i < group->hop_count; i++) {
            add_hop(core, group, group->hops[i], allows_failed != 0, set);
        }
        if (set->count == 0 && group->has_backup) {
            add_hop(core, group, group->hops[group->hop_count], allows_failed != 0, set);
            set->is_on_backup = set->count != 0;
        }
    }
    if (group->is_resilient && set->count != 0 && !set->is_on_backup) {
        add_standby(core, group, set);
    }
    if (set->count == 0) {
        struct fib_leg none = {.weight = 1};
        set->legs[0] = leg_object_intern(core, &none, group->family, true);
        set->weights[0] = 1;
        set->count = 1;
        set->is_discarding = true;
    }
}

static bool is_as_told(const struct core *core, const struct nexthop_group *group,
                       const struct member_set *set)
{
    if (!group->is_told || group->member_count != set->count) {
        return false;
    }
    for (uint8_t i = 0; i < set->count; i++) {
        if (group->members[i] != set->legs[i] || group->weights[i] != set->weights[i] ||
            !leg_object_at(core, set->legs[i])->is_told) {
            return false;
        }
    }
    return true;
}

static void send_group(struct core *core, struct nexthop_group *group, bool is_urgent,
                       bool is_timed)
{
    struct fib_nexthop wish;
    memset(&wish, 0, sizeof wish);
    wish.id = group->id;
    wish.family = group->family;
    wish.member_count = group->member_count;
    wish.is_resilient = group->is_resilient;
    for (uint8_t i = 0; i < group->member_count; i++) {
        struct leg_object *leg = leg_object_at(core, group->members[i]);
        leg_object_tell(core, leg, is_urgent);
        wish.members[i] = leg->id;
        wish.member_weights[i] = group->weights[i];
    }
    operation_forget(core, group->operation);
    struct operation what = {
        .kind = OPERATION_GROUP, .is_timed = is_timed, .number = group->number};
    group->is_told = true;
    group->error = 0;
    group->operation = operation_send_nexthop(core, &wish, false, is_urgent, &what);
}

static void tell_group(struct core *core, struct nexthop_group *group, bool is_urgent)
{
    struct kernel_side *ks = kernel_of(core);
    if (!ks->is_ready || ks->is_stopped) {
        return;
    }
    struct member_set set;
    compute_members(core, group, &set);
    if (is_as_told(core, group, &set)) {
        for (uint8_t i = 0; i < set.count; i++) {
            leg_object_unref(core, set.legs[i]);
        }
        return;
    }
    uint32_t old[FIB_LEGS_MAX];
    uint8_t old_count = group->member_count;
    memcpy(old, group->members, sizeof old);
    memcpy(group->members, set.legs, sizeof group->members);
    memcpy(group->weights, set.weights, sizeof group->weights);
    group->member_count = set.count;
    group->has_standby = set.has_standby;
    group->is_on_backup = set.is_on_backup;
    group->is_discarding = set.is_discarding;
    bool is_timed = is_urgent && failover_is_open(core) && group->entry_count != 0;
    if (is_timed) {
        failover_count_group(core, group);
    }
    send_group(core, group, is_urgent, is_timed);
    for (uint8_t i = 0; i < old_count; i++) {
        leg_object_unref(core, old[i]); /* Only now: a deletion must come behind the replacement. */
    }
}

void fib_group_ensure(struct core *core, uint32_t number)
{
    struct nexthop_group *group = fib_group_at(core, number);
    if (!group->is_told) {
        tell_group(core, group, false);
    }
}

static bool group_holds(const struct nexthop_group *group, const struct tracked_nexthop *nexthop)
{
    for (uint8_t i = 0; i < group->hop_count + (group->has_backup ? 1 : 0); i++) {
        if (group->hops[i] == nexthop) {
            return true;
        }
    }
    return false;
}

void fib_groups_refresh(struct core *core, const struct tracked_nexthop *nexthop, bool is_urgent)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        /* One nobody stands on yet is told when the first destination needs it. */
        if ((group->is_told || group->entry_count != 0) &&
            (nexthop == NULL || group_holds(group, nexthop))) {
            tell_group(core, group, is_urgent);
        }
    }
}

/* ---- Counting ---- */

static uint64_t group_hash(const struct group_key *key)
{
    uint64_t hash = hash_u64(0, ((uint64_t)key->family << 24) | (key->allowed_classes << 16) |
                                    (key->hop_count << 8) | key->has_backup);
    for (uint8_t i = 0; i < key->hop_count + (key->has_backup ? 1 : 0); i++) {
        hash = hash_u64(hash, (uint64_t)(uintptr_t)key->hops[i]);
    }
    return hash;
}

static bool is_group_of(const struct nexthop_group *group, const struct group_key *key)
{
    size_t hops = key->hop_count + (key->has_backup ? 1u : 0u);
    return group->family == key->family && group->allowed_classes == key->allowed_classes &&
           group->hop_count == key->hop_count && group->has_backup == key->has_backup &&
           memcmp(group->hops, key->hops, hops * sizeof key->hops[0]) == 0;
}

uint32_t fib_group_intern(struct core *core, const struct group_key *key)
{
    struct kernel_side *ks = kernel_of(core);
    uint64_t hash = group_hash(key);
    for (struct hash_node *node = hash_index_first(&ks->groups_by_key, hash); node != NULL;
         node = hash_index_next(node)) {
        struct nexthop_group *found = CONTAINER_OF(node, struct nexthop_group, by_key);
        if (is_group_of(found, key)) {
            found->ref_count++;
            return found->number;
        }
    }
    uint32_t number = slab_take(&ks->groups);
    struct nexthop_group *group = fib_group_at(core, number);
    size_t hops = key->hop_count + (key->has_backup ? 1u : 0u);
    group->number = number;
    group->id = object_id_take(core);
    group->ref_count = 1;
    group->family = key->family;
    group->allowed_classes = key->allowed_classes;
    group->hop_count = key->hop_count;
    group->has_backup = key->has_backup;
    group->is_resilient = key->has_backup && key->hop_count == 1;
    group->hops = mem_alloc(MEM_FIB, hops * sizeof key->hops[0]);
    memcpy(group->hops, key->hops, hops * sizeof key->hops[0]);
    for (size_t i = 0; i < hops; i++) {
        group->hops[i]->ref_count++;
    }
    hash_index_put(&ks->groups_by_key, &group->by_key, hash);
    ks->group_numbers = array_grow(ks->group_numbers, ks->group_count, &ks->group_capacity,
                                   sizeof *ks->group_numbers);
    ks->group_numbers[ks->group_count++] = number;
    return number;
}

void fib_group_ref(struct core *core, uint32_t number)
{
    fib_group_at(core, number)->ref_count++;
}

static void group_free(struct core *core, struct nexthop_group *group)
{
    struct kernel_side *ks = kernel_of(core);
    operation_forget(core, group->operation);
    if (group->is_told && !ks->is_stopped) {
        struct operation what = {.kind = OPERATION_OTHER};
        struct fib_nexthop gone = {.id = group->id, .family = group->family};
        operation_send_nexthop(core, &gone, true, false, &what);
    }
    for (uint8_t i = 0; i < group->member_count; i++) {
        leg_object_unref(core, group->members[i]);
    }
    for (uint8_t i = 0; i < group->hop_count + (group->has_backup ? 1 : 0); i++) {
        tracked_nexthop_put(core, group->hops[i]);
    }
    mem_free(MEM_FIB, group->hops);
    hash_index_remove(&ks->groups_by_key, &group->by_key);
    for (uint32_t i = 0; i < ks->group_count; i++) {
        if (ks->group_numbers[i] == group->number) {
            ks->group_numbers[i] = ks->group_numbers[--ks->group_count];
            break;
        }
    }
    slab_give(&ks->groups, group->number);
}

void fib_group_unref(struct core *core, uint32_t number)
{
    struct nexthop_group *group = fib_group_at(core, number);
    ASSERT(group->ref_count > 0);
    if (--group->ref_count == 0) {
        group_free(core, group);
    }
}

/* ---- Answers ---- */

static bool group_uses_leg(const struct nexthop_group *group, uint32_t number)
{
    for (uint8_t i = 0; i < group->member_count; i++) {
        if (group->members[i] == number) {
            return true;
        }
    }
    return false;
}

static void leg_refused(struct core *core, struct leg_object *leg, const struct fib_result *result)
{
    struct kernel_side *ks = kernel_of(core);
    char text[IP_TEXT_BYTES];
    const char *name = kernel_interface_name(core, leg->leg.ifindex);
    uint32_t number = leg->number;
    leg->error = result->error;
    leg->is_told = false;
    core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, NULL,
             "the kernel refused next hop %s dev %s: %s%s%s; tried again",
             leg->is_blackhole ? "discard" : ip_format(&leg->leg.gateway, text),
             name == NULL ? "-" : name, fib_error_text(result->error),
             result->text[0] == 0 ? "" : ": ", result->text);
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        if (group_uses_leg(group, number) && group->is_told && group->member_count > 1) {
            tell_group(core, group, true);
        }
    }
    fib_retry_later(core);
}

static bool has_standing_members(const struct core *core, const struct nexthop_group *group)
{
    for (uint8_t i = 0; i < group->member_count; i++) {
        if (leg_object_at(core, group->members[i])->error != 0) {
            return false;
        }
    }
    return true;
}

void fib_groups_on_result(struct core *core, bool is_leg, uint32_t number,
                          const struct fib_result *result)
{
    if (is_leg) {
        struct leg_object *leg = leg_object_at(core, number);
        leg->operation = 0;
        leg->is_seen = true; /* newer than an account that is being given */
        if (result->error != 0) {
            leg_refused(core, leg, result);
        }
        return;
    }
    struct nexthop_group *group = fib_group_at(core, number);
    group->operation = 0;
    group->is_seen = true;
    group->error = result->error;
    if (result->error != 0) {
        group->is_told = false;
        if (has_standing_members(core, group)) {
            /* Kernels before 5.13 know no resilient groups, and none lets a group change its kind:
             * the next attempt is of the other kind. */
            group->is_resilient =
                !group->is_resilient && group->has_backup && group->hop_count == 1;
        }
        core_log(core, LOG_FIB, LOG_SEVERITY_WARNING, NULL, NULL,
                 "the kernel refused next-hop group %u: %s%s%s; tried again", group->id,
                 fib_error_text(result->error), result->text[0] == 0 ? "" : ": ", result->text);
        fib_retry_later(core);
    } else if (kernel_of(core)->failed_count != 0) {
        fib_retry_soon(core);
    }
}

void fib_groups_retry(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        leg_object_at(core, ks->leg_numbers[i])->error = 0;
    }
    fib_groups_refresh(core, NULL, true);
}

void fib_groups_delete_all(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct operation what = {.kind = OPERATION_OTHER};
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        struct fib_nexthop gone = {.id = group->id, .family = group->family};
        if (group->is_told) {
            operation_send_nexthop(core, &gone, true, false, &what);
        }
    }
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        struct leg_object *leg = leg_object_at(core, ks->leg_numbers[i]);
        struct fib_nexthop gone = {.id = leg->id, .family = leg->family};
        if (leg->is_told) {
            operation_send_nexthop(core, &gone, true, false, &what);
        }
    }
}

void fib_groups_move(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct operation what = {.kind = OPERATION_OTHER};
    for (uint32_t i = 0; i < ks->group_count; i++) {
        struct nexthop_group *group = fib_group_at(core, ks->group_numbers[i]);
        struct fib_nexthop gone = {.id = group->id, .family = group->family};
        if (group->is_told) {
            operation_send_nexthop(core, &gone, true, false, &what);
            fib_group_vanished(core, group);
        }
    }
    /* Not urgent: what overtook the deletion would be deleted by it. */
    fib_groups_refresh(core, NULL, false);
}
