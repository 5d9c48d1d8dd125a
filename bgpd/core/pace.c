/* MinRouteAdvertisementInterval (RFC 4271 9.2.1.1), per neighbour, where one is configured. After
 * everything due has been said a pause begins, in which announcements wait; between pauses nothing
 * is said twice. So two announcements of a prefix are at least the interval apart, and what goes
 * out is the newest state only. Withdrawals, the first full announcement and answers to a refresh
 * wait for nothing. */
#include "bgpd/core/routes_private.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

struct pace {
    struct peer_family *family;
    struct timer timer;    /* the end of the pause */
    struct bitset said;    /* out keys announced since the last pause */
    struct bitset waiting; /* to be announced after the pause; held */
    uint32_t due_count;    /* of those waiting, not said since the last pause */
    bool has_said;
    bool is_pausing;
};

static uint32_t interval_s(const struct peer_family *family)
{
    return family->peer->settings.merged.advertisement_interval_s.value;
}

static void pace_open(struct pace *pace)
{
    pace->is_pausing = false;
    pace->has_said = false;
    bitset_fini(&pace->said);
    pace->due_count = bitset_count(&pace->waiting);
}

static void pause_ended(struct core *core, struct timer *timer)
{
    struct pace *pace = CONTAINER_OF(timer, struct pace, timer);
    pace_open(pace);
    if (pace->due_count != 0) {
        peer_wants_to_send(core, pace->family->peer);
    }
}

static void stop_waiting(struct core *core, struct pace *pace, uint32_t key)
{
    if (!bitset_has(&pace->waiting, key)) {
        return;
    }
    bitset_remove(&pace->waiting, key);
    if (!bitset_has(&pace->said, key)) {
        ASSERT(pace->is_pausing || pace->due_count > 0);
        pace->due_count -= pace->is_pausing ? 0 : 1;
    }
    out_key_release(core, pace->family->group, key);
}

void pace_end(struct core *core, struct peer_family *family)
{
    struct pace *pace = family->pace;
    if (pace == NULL) {
        return;
    }
    for (uint32_t key = bitset_next(&pace->waiting, 0); key != UINT32_MAX;
         key = bitset_next(&pace->waiting, key + 1)) {
        out_key_release(core, family->group, key);
    }
    timer_stop(&core->timers, &pace->timer);
    bitset_fini(&pace->said);
    bitset_fini(&pace->waiting);
    mem_free(MEM_PEER, pace);
    family->pace = NULL;
}

void pace_configure(struct core *core, struct peer_family *family)
{
    struct pace *pace = family->pace;
    if (pace == NULL && interval_s(family) != 0 && family->group != NULL) {
        pace = mem_alloc(MEM_PEER, sizeof *pace);
        pace->family = family;
        pace->timer.expired = pause_ended;
        bitset_init(&pace->said);
        bitset_init(&pace->waiting);
        family->pace = pace;
    } else if (pace != NULL && interval_s(family) == 0) {
        pace_skip_pause(core, family);
    }
}

void pace_skip_pause(struct core *core, struct peer_family *family)
{
    struct pace *pace = family->pace;
    if (pace != NULL) {
        timer_stop(&core->timers, &pace->timer);
        pause_ended(core, &pace->timer);
    }
}

bool pace_holds_key(struct core *core, struct peer_family *family, uint32_t key)
{
    struct pace *pace = family->pace;
    if (interval_s(family) == 0 || !(pace->is_pausing || bitset_has(&pace->said, key))) {
        return false;
    }
    if (!bitset_has(&pace->waiting, key)) {
        out_key_hold(core, family->group, key);
        bitset_add(&pace->waiting, key);
    }
    return true;
}

void pace_said_key(struct core *core, struct peer_family *family, uint32_t key)
{
    stop_waiting(core, family->pace, key);
    bitset_add(&family->pace->said, key);
    family->pace->has_said = true;
}

void pace_drop_key(struct core *core, struct peer_family *family, uint32_t key)
{
    stop_waiting(core, family->pace, key);
}

bool pace_is_due(const struct peer_family *family)
{
    const struct pace *pace = family->pace;
    return pace != NULL && !pace->is_pausing && pace->due_count != 0;
}

uint32_t pace_next_run(const struct peer_family *family, uint32_t *keys_out, uint32_t max,
                       struct attr_set **attrs_out)
{
    const struct pace *pace = family->pace;
    uint32_t count = 0;
    for (uint32_t key = bitset_next(&pace->waiting, 0); key != UINT32_MAX && count < max;
         key = bitset_next(&pace->waiting, key + 1)) {
        if (bitset_has(&pace->said, key)) {
            continue;
        }
        struct attr_set *attrs = adj_rib_out_find(family->group->out, key);
        if (count == 0) {
            *attrs_out = attrs;
        } else if (attrs != *attrs_out) {
            break;
        }
        keys_out[count++] = key;
    }
    ASSERT(count != 0);
    return count;
}

void pace_rest(struct core *core, struct peer_family *family)
{
    struct pace *pace = family->pace;
    if (pace == NULL || pace_is_due(family)) {
        return;
    }
    if (interval_s(family) == 0) {
        pace_end(core, family);
    } else if (pace->has_said && !pace->is_pausing) {
        pace->is_pausing = true;
        timer_start(&core->timers, &pace->timer,
                    mono_add(core->now, mono_span_s(interval_s(family))));
    }
}
