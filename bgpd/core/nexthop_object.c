/* Kernel next-hop objects of one leg, and the discard object of each family. Shared by the groups.
 */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"
#include "proto/base/hash.h"

struct leg_key {
    struct ip_addr gateway;
    uint8_t family;
    uint8_t is_blackhole;
    uint8_t zero;
    uint32_t ifindex;
};

static uint64_t key_hash(const struct fib_leg *leg, uint8_t family, bool is_blackhole)
{
    struct leg_key key;
    memset(&key, 0, sizeof key);
    key.gateway = leg->gateway;
    key.family = family;
    key.is_blackhole = is_blackhole;
    key.ifindex = leg->ifindex;
    return hash_bytes(0, &key, sizeof key);
}

struct leg_object *leg_object_at(const struct core *core, uint32_t number)
{
    ASSERT(number != 0);
    return slab_at(&kernel_of(core)->legs, number);
}

static bool id_is_ours_now(const struct core *core, uint32_t id)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        if (leg_object_at(core, ks->leg_numbers[i])->id == id) {
            return true;
        }
    }
    for (uint32_t i = 0; i < ks->group_count; i++) {
        if (fib_group_at(core, ks->group_numbers[i])->id == id) {
            return true;
        }
    }
    return false;
}

/* Numbers rise, so that nobody mistakes a new object for a dead one; only after a whole round are
 * the live ones looked at. Those an earlier run left keep theirs until they are swept. */
uint32_t object_id_take(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (;;) {
        if (ks->next_object_id < OBJECT_ID_FIRST || ks->next_object_id > OBJECT_ID_LAST) {
            ks->object_ids_wrapped = ks->next_object_id != 0;
            ks->next_object_id = OBJECT_ID_FIRST;
        }
        uint32_t id = ks->next_object_id++;
        bool is_taken = ks->object_ids_wrapped && id_is_ours_now(core, id);
        for (uint32_t i = 0; i < ks->adopted_object_count; i++) {
            is_taken = is_taken || ks->adopted_objects[i].id == id;
        }
        if (!is_taken) {
            return id;
        }
    }
}

uint32_t leg_object_intern(struct core *core, const struct fib_leg *leg, uint8_t family,
                           bool is_blackhole)
{
    struct kernel_side *ks = kernel_of(core);
    uint64_t hash = key_hash(leg, family, is_blackhole);
    for (struct hash_node *node = hash_index_first(&ks->legs_by_key, hash); node != NULL;
         node = hash_index_next(node)) {
        struct leg_object *found = CONTAINER_OF(node, struct leg_object, by_key);
        if (found->leg.ifindex == leg->ifindex && found->family == family &&
            found->is_blackhole == is_blackhole && ip_equal(&found->leg.gateway, &leg->gateway)) {
            found->ref_count++;
            return found->number;
        }
    }
    uint32_t number = slab_take(&ks->legs);
    struct leg_object *object = leg_object_at(core, number);
    object->number = number;
    object->leg = *leg;
    object->leg.weight = 1;
    object->family = family;
    object->is_blackhole = is_blackhole;
    object->ref_count = 1;
    object->id = object_id_take(core);
    hash_index_put(&ks->legs_by_key, &object->by_key, hash);
    ks->leg_numbers = array_grow(ks->leg_numbers, ks->leg_number_count, &ks->leg_number_capacity,
                                 sizeof *ks->leg_numbers);
    ks->leg_numbers[ks->leg_number_count++] = number;
    return number;
}

void leg_object_unref(struct core *core, uint32_t number)
{
    struct kernel_side *ks = kernel_of(core);
    struct leg_object *object = leg_object_at(core, number);
    ASSERT(object->ref_count > 0);
    if (--object->ref_count != 0) {
        return;
    }
    operation_forget(core, object->operation);
    if (object->is_told && !ks->is_stopped) {
        struct operation what = {.kind = OPERATION_OTHER};
        struct fib_nexthop gone = {.id = object->id, .family = object->family};
        operation_send_nexthop(core, &gone, true, false, &what);
    }
    hash_index_remove(&ks->legs_by_key, &object->by_key);
    for (uint32_t i = 0; i < ks->leg_number_count; i++) {
        if (ks->leg_numbers[i] == number) {
            ks->leg_numbers[i] = ks->leg_numbers[--ks->leg_number_count];
            break;
        }
    }
    slab_give(&ks->legs, number);
}

/* Before an urgent group its members must stand: an urgent operation overtakes the queue. */
void leg_object_tell(struct core *core, struct leg_object *object, bool is_urgent)
{
    bool is_on_its_way = object->operation != 0;
    if (object->is_told && (!is_urgent || !is_on_its_way || object->is_urgent)) {
        return;
    }
    operation_forget(core, object->operation);
    struct fib_nexthop wish;
    memset(&wish, 0, sizeof wish);
    wish.id = object->id;
    wish.family = object->family;
    wish.is_blackhole = object->is_blackhole;
    wish.leg = object->leg;
    struct operation what = {.kind = OPERATION_LEG, .number = object->number};
    object->is_told = true;
    object->is_urgent = is_urgent;
    object->error = 0;
    object->operation = operation_send_nexthop(core, &wish, false, is_urgent, &what);
}
