/* From adj-rib-out to UPDATE messages of one peer: tunnel endpoints first, then changes in runs of
 * equal attributes, withdrawals of what a former group announced, what an outbound limit kept back,
 * and the markers that close a refresh or the first full announcement. */
#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/routes_private.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define PACKER_RUN_MAX 1024u

/* Outbound guard (azure.md 5): warn at 80 %, hold back at 100 %. */
#define OUT_LIMIT_WARNING_PCT 80u

struct packer {
    struct core *core;
    struct peer_family *family;
    struct writer *out;
    uint32_t messages;
    bool is_full; /* no room for another message */
};

/* ---- Next hop of our own ---- */

/* RFC 2545 3: the link-local address goes with ours when the peer is on the same link. */
static struct ip_addr packer_link_local(const struct core *core, const struct peer *peer)
{
    if (ip_is_link_local(&peer->local_addr)) {
        return peer->local_addr;
    }
    if (peer->ifindex == 0 || kernel_connected_interface(core, &peer->addr) != peer->ifindex) {
        return (struct ip_addr){0};
    }
    return kernel_interface_link_local(core, peer->ifindex);
}

void packer_update_self(struct core *core, struct peer_family *family)
{
    const struct peer *peer = family->peer;
    uint8_t wanted = afi_safi_family(family->afi_safi);
    struct ip_addr none = {0};
    struct ip_addr self = none;
    family->self_link_local = none;
    if (peer->local_addr.family == wanted && !ip_is_link_local(&peer->local_addr)) {
        self = peer->local_addr;
    } else if (peer->ifindex != 0) {
        self = kernel_interface_addr(core, peer->ifindex, wanted);
    }
    if (self.family == IP_NONE && wanted == IP_V4 && core->router_id != 0) {
        struct ip_addr router = ip_from_v4(core->router_id);
        if (kernel_is_local_addr(core, &router)) {
            self = router;
        }
    }
    if (self.family == IP_NONE && ip_is_link_local(&peer->local_addr) && wanted == IP_V6) {
        self = peer->local_addr;
    }
    if (self.family == IP_NONE && wanted == IP_V4 &&
        (peer->update_options.extended_next_hop & AFI_SAFI_BIT(family->afi_safi)) != 0) {
        self = peer->local_addr; /* RFC 8950 */
    }
    family->self_next_hop = self;
    if (self.family == IP_V6) {
        family->self_link_local = packer_link_local(core, peer);
    }
}

bool packer_view_for(const struct core *core, const struct peer_family *family,
                     const struct attr_set *set, struct arena *scratch, struct path_attrs *view_out)
{
    attr_set_view(set, view_out);
    if ((view_out->present & PATH_LOCAL_PEER) != 0 && view_out->peer == family->peer->number) {
        return false; /* it came from there */
    }
    export_shape(core, family->group, scratch, view_out);
    bool is_theirs = path_attrs_has(view_out, PATH_ATTR_NEXT_HOP) &&
                     ip_equal(&view_out->next_hop, &family->peer->addr);
    if (!path_attrs_has(view_out, PATH_ATTR_NEXT_HOP) || is_theirs) {
        if (family->self_next_hop.family == IP_NONE) {
            return false; /* we have no address of this family towards the peer */
        }
        view_out->next_hop = family->self_next_hop;
        view_out->next_hop_link_local = family->self_link_local;
        path_attrs_set(view_out, PATH_ATTR_NEXT_HOP);
    }
    return true;
}

/* The view lasts until the next one. */
static bool packer_sees(const struct packer *packer, const struct attr_set *set,
                        struct path_attrs *view_out)
{
    arena_reset(&packer->core->scratch);
    return packer_view_for(packer->core, packer->family, set, &packer->core->scratch, view_out);
}

/* ---- What the peer holds ---- */

void packer_forget(struct peer_family *family)
{
    bitset_fini(&family->told);
    bitset_fini(&family->held);
    family->told_count = 0;
    family->held_count = 0;
    family->early_count = 0;
    family->early_done = false;
    family->end_of_rib_due = false;
    family->refresh_begin_due = false;
    family->refresh_end_due = false;
    family->out_limit_warned = false;
}

static dest_id packer_dest(const struct packer *packer, uint32_t key)
{
    return out_key_dest(packer->core, packer->family->group, key);
}

static struct prefix packer_prefix(const struct packer *packer, uint32_t key)
{
    return dest_prefix(packer->core->ribs[packer->family->afi_safi], packer_dest(packer, key));
}

static void told_add(struct packer *packer, uint32_t key)
{
    struct peer_family *family = packer->family;
    bitset_add(&family->told, key);
    family->told_count++;
    announce_told_changed(packer->core, family->afi_safi, packer_dest(packer, key));
}

static void told_remove(struct packer *packer, uint32_t key)
{
    struct peer_family *family = packer->family;
    bitset_remove(&family->told, key);
    family->told_count--;
    announce_told_changed(packer->core, family->afi_safi, packer_dest(packer, key));
}

static void held_remove(struct peer_family *family, uint32_t key)
{
    if (family->held_count != 0 && bitset_has(&family->held, key)) {
        bitset_remove(&family->held, key);
        family->held_count--;
    }
}

/* 0: no limit. */
static uint32_t out_limit(const struct peer_family *family)
{
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    return config->max_prefixes_out.is_set ? config->max_prefixes_out.value : 0;
}

/* True when a prefix, which the peer does not hold yet, must wait. */
static bool out_limit_holds(struct packer *packer, uint32_t key)
{
    struct peer_family *family = packer->family;
    uint32_t limit = out_limit(family);
    if (limit == 0) {
        return false;
    }
    if (family->told_count < limit) {
        if (!family->out_limit_warned &&
            (uint64_t)(family->told_count + 1) * 100 > (uint64_t)limit * OUT_LIMIT_WARNING_PCT) {
            family->out_limit_warned = true;
            core_log(packer->core, LOG_AZURE, LOG_SEVERITY_WARNING, &family->peer->addr, NULL,
                     "%s: over %u%% of the %u prefixes that may be announced are in use",
                     afi_safi_title(family->afi_safi), OUT_LIMIT_WARNING_PCT, limit);
        }
        return false;
    }
    if (family->held_count == 0) {
        struct prefix prefix = packer_prefix(packer, key);
        core_log(packer->core, LOG_AZURE, LOG_SEVERITY_ERROR, &family->peer->addr, &prefix,
                 "%s: %u prefixes announced, the far end takes no more: further ones are held "
                 "back; aggregate or filter",
                 afi_safi_title(family->afi_safi), limit);
    }
    if (!bitset_has(&family->held, key)) {
        bitset_add(&family->held, key);
        family->held_count++;
    }
    return true;
}

/* ---- Messages ---- */

/* Starts a message only where a whole one of usual size fits, unless nothing is written yet. */
static bool packer_has_room(struct packer *packer)
{
    if (packer->is_full) {
        return false;
    }
    if (packer->messages != 0 && writer_room(packer->out) < BGP_MESSAGE_BYTES_MAX) {
        packer->is_full = true;
    }
    return !packer->is_full;
}

/* With several paths the number of the path is its identifier, else nobody looks at it. */
static struct nlri packer_nlri(const struct packer *packer, uint32_t key)
{
    return (struct nlri){.prefix = packer_prefix(packer, key), .path_id = key};
}

/* With an advertisement interval: an announcement may have to wait, a withdrawal ends the wait. */
static bool packer_waits(struct packer *packer, uint32_t key, bool is_withdrawal)
{
    if (is_withdrawal) {
        pace_drop_key(packer->core, packer->family, key);
        return false;
    }
    if (!pace_holds_key(packer->core, packer->family, key)) {
        return false;
    }
    held_remove(packer->family, key);
    return true;
}

enum pack_verdict {
    PACK_WRITTEN,  /* as many as *done_out tells */
    PACK_FULL,     /* not even one: the writer has no room */
    PACK_TOO_LONG, /* the attributes alone exceed a message */
};

/* Writes one message with the first of count keys, skipping those that need nothing. attrs
 * NULL withdraws. *done_out: how many of the run are dealt with. */
static enum pack_verdict pack_message(struct packer *packer, const uint32_t *keys, uint32_t count,
                                      const struct path_attrs *attrs, uint32_t *done_out)
{
    struct peer_family *family = packer->family;
    struct update_builder builder;
    bool is_open = false;
    uint32_t done = 0;
    *done_out = 0;
    for (; done < count; done++) {
        uint32_t key = keys[done];
        bool is_told = bitset_has(&family->told, key);
        if (family->pace != NULL && packer_waits(packer, key, attrs == NULL)) {
            continue;
        }
        if (attrs == NULL && !is_told) {
            held_remove(family, key);
            continue;
        }
        if (attrs != NULL && !is_told && out_limit_holds(packer, key)) {
            continue;
        }
        if (!is_open) {
            if (!packer_has_room(packer)) {
                *done_out = done;
                return done == 0 ? PACK_FULL : PACK_WRITTEN;
            }
            size_t room = writer_room(packer->out);
            if (update_begin(&builder, packer->out, &family->peer->update_options, family->afi_safi,
                             attrs) != STATUS_OK) {
                *done_out = done;
                if (room >= family->peer->update_options.message_bytes_max) {
                    return PACK_TOO_LONG;
                }
                packer->is_full = true;
                return done == 0 ? PACK_FULL : PACK_WRITTEN;
            }
            is_open = true;
        }
        struct nlri nlri = packer_nlri(packer, key);
        if (!update_add(&builder, &nlri)) {
            break;
        }
        if (attrs == NULL) {
            told_remove(packer, key);
        } else {
            held_remove(family, key);
            if (!is_told) {
                told_add(packer, key);
            }
            if (family->pace != NULL) {
                pace_said_key(packer->core, family, key);
            }
        }
    }
    if (is_open) {
        (void)update_finish(&builder, packer->out);
        packer->messages++;
    }
    *done_out = done;
    return PACK_WRITTEN;
}

static void log_too_long(struct packer *packer, uint32_t key)
{
    struct prefix prefix = packer_prefix(packer, key);
    core_log(packer->core, LOG_UPDATE_ERROR, LOG_SEVERITY_WARNING, &packer->family->peer->addr,
             &prefix, "attributes do not fit a message of %u octets: the prefix is not announced",
             packer->family->peer->update_options.message_bytes_max);
}

/* A run of equal attributes; returns how many entries are dealt with, 0 when there is no room. */
static uint32_t pack_run(struct packer *packer, const uint32_t *keys, uint32_t count,
                         struct attr_set *set)
{
    struct path_attrs view;
    const struct path_attrs *attrs = NULL;
    if (set != NULL && packer_sees(packer, set, &view)) {
        attrs = &view;
    }
    uint32_t done = 0;
    enum pack_verdict verdict = pack_message(packer, keys, count, attrs, &done);
    if (verdict == PACK_TOO_LONG) {
        log_too_long(packer, keys[done]);
        uint32_t withdrawn = 0;
        (void)pack_message(packer, keys + done, count - done, NULL, &withdrawn);
        return done + withdrawn;
    }
    return done;
}

/* ---- Ahead of everything: tunnel endpoints ---- */

/* One endpoint; false when there is no room. */
static bool pack_endpoint(struct packer *packer, dest_id dest)
{
    struct peer_family *family = packer->family;
    const struct update_group *group = family->group;
    export_dest_to(packer->core, family->group, dest);
    for (uint32_t key = out_key_next(packer->core, group, dest, 0); key != 0;
         key = out_key_next(packer->core, group, dest, key)) {
        struct attr_set *set = adj_rib_out_find(group->out, key);
        struct path_attrs view;
        if (family->early_count == EARLY_ROUTES_MAX || set == NULL ||
            !packer_sees(packer, set, &view)) {
            continue;
        }
        uint32_t done = 0;
        if (pack_message(packer, &key, 1, &view, &done) == PACK_FULL) {
            return false;
        }
        family->early[family->early_count++] = (struct early_route){key, set};
        /* Said behind the journal's back: looked at once more when all is said. */
        if (!bitset_has(&family->owed, key)) {
            out_key_hold(packer->core, group, key);
            bitset_add(&family->owed, key);
            family->owes = true;
        }
    }
    return true;
}

static void pack_early(struct packer *packer)
{
    struct peer_family *family = packer->family;
    const struct announce_table *table = &packer->core->routes->announce[family->afi_safi];
    for (uint32_t i = 0; i < table->count && family->early_count < EARLY_ROUTES_MAX; i++) {
        if (!table->entries[i].is_endpoint) {
            continue;
        }
        dest_id dest =
            loc_rib_find(packer->core->ribs[family->afi_safi], &table->entries[i].prefix);
        if (dest == 0 || family_has_told(packer->core, family, dest)) {
            continue;
        }
        if (!pack_endpoint(packer, dest)) {
            return;
        }
    }
    family->early_done = true;
}

/* Said already, with these attributes, and nothing else since. */
static bool early_was_said(struct peer_family *family, uint32_t key, const struct attr_set *set)
{
    for (unsigned i = 0; i < family->early_count; i++) {
        if (family->early[i].key == key) {
            bool is_same = family->early[i].attrs == set;
            family->early[i].key = 0;
            return is_same;
        }
    }
    return false;
}

/* ---- The journal ---- */

static void pack_journal(struct packer *packer)
{
    struct peer_family *family = packer->family;
    struct adj_rib_out *out = family->group->out;
    uint32_t keys[PACKER_RUN_MAX];
    while (!packer->is_full) {
        struct attr_set *set = NULL;
        uint32_t count = adj_rib_out_reader_peek(out, family->reader, keys, PACKER_RUN_MAX, &set);
        if (count == 0) {
            return;
        }
        if (family->early_count != 0 && early_was_said(family, keys[0], set)) {
            adj_rib_out_reader_advance(out, family->reader, keys, 1);
            continue;
        }
        uint32_t run = 1; /* up to the next one that was said early */
        while (family->early_count != 0 && run < count) {
            bool is_early = false;
            for (unsigned i = 0; i < family->early_count; i++) {
                is_early = is_early || family->early[i].key == keys[run];
            }
            if (is_early) {
                break;
            }
            run++;
        }
        uint32_t done = pack_run(packer, keys, family->early_count != 0 ? run : count, set);
        if (done == 0) {
            return;
        }
        adj_rib_out_reader_advance(out, family->reader, keys, done);
    }
}

/* What has waited for the end of a pause, as it is now. */
static void pack_waiting(struct packer *packer)
{
    struct peer_family *family = packer->family;
    uint32_t keys[PACKER_RUN_MAX];
    while (!packer->is_full && pace_is_due(family)) {
        struct attr_set *set = NULL;
        uint32_t count = pace_next_run(family, keys, PACKER_RUN_MAX, &set);
        uint32_t done = pack_run(packer, keys, count, set);
        if (done == 0) {
            return;
        }
        for (uint32_t i = 0; i < done; i++) {
            pace_drop_key(packer->core, family, keys[i]); /* also what was left out */
        }
    }
}

/* Everything that is due was said, and the first full announcement is over. */
static bool pack_is_at_rest(const struct packer *packer)
{
    const struct peer_family *family = packer->family;
    return !packer->is_full && !family->group->is_walking && !family->end_of_rib_due &&
           !family->refresh_end_due &&
           adj_rib_out_reader_is_idle(family->group->out, family->reader);
}

/* ---- What is left of a former group, and what a limit kept back ---- */

static void pack_owed(struct packer *packer)
{
    struct peer_family *family = packer->family;
    for (uint32_t key = bitset_next(&family->owed, 0); key != UINT32_MAX;
         key = bitset_next(&family->owed, key + 1)) {
        struct attr_set *set = adj_rib_out_find(family->group->out, key);
        struct path_attrs view;
        if (bitset_has(&family->told, key) && (set == NULL || !packer_sees(packer, set, &view))) {
            uint32_t done = 0;
            if (pack_message(packer, &key, 1, NULL, &done) == PACK_FULL) {
                return;
            }
        }
        bitset_remove(&family->owed, key);
        out_key_release(packer->core, family->group, key);
    }
    bitset_fini(&family->owed);
    family->owes = false;
}

static bool held_has_room(const struct peer_family *family)
{
    uint32_t limit = out_limit(family);
    return family->held_count != 0 && (limit == 0 || family->told_count < limit);
}

static void pack_held(struct packer *packer)
{
    struct peer_family *family = packer->family;
    for (uint32_t key = bitset_next(&family->held, 0); key != UINT32_MAX && held_has_room(family);
         key = bitset_next(&family->held, key + 1)) {
        struct attr_set *set = adj_rib_out_find(family->group->out, key);
        struct path_attrs view;
        uint32_t done = 0;
        if (set == NULL || !packer_sees(packer, set, &view)) {
            held_remove(family, key);
            continue;
        }
        if (pack_message(packer, &key, 1, &view, &done) == PACK_FULL) {
            return;
        }
    }
}

/* ---- Markers ---- */

static bool end_of_rib_is_ready(const struct core *core, const struct peer_family *family)
{
    return !restart_defers(core, family->afi_safi) && !family->group->is_walking && !family->owes &&
           adj_rib_out_reader_is_idle(family->group->out, family->reader) &&
           !loc_rib_has_dirty(core->ribs[family->afi_safi]);
}

#define MARKER_BYTES_MAX 64u

static bool packer_takes_marker(struct packer *packer)
{
    if (writer_room(packer->out) < MARKER_BYTES_MAX) {
        packer->is_full = true;
        return false;
    }
    packer->messages++;
    return true;
}

static void pack_refresh_marker(struct packer *packer, uint8_t kind)
{
    struct route_refresh refresh = {.afi_safi = packer->family->afi_safi, .kind = kind};
    route_refresh_encode(packer->out, &refresh);
}

static void pack_family(struct packer *packer)
{
    struct peer_family *family = packer->family;
    if (!family->early_done) {
        pack_early(packer);
    }
    if (family->refresh_begin_due && !packer->is_full && packer_takes_marker(packer)) {
        pack_refresh_marker(packer, ROUTE_REFRESH_BEGIN);
        family->refresh_begin_due = false;
    }
    pack_journal(packer);
    bool is_idle = adj_rib_out_reader_is_idle(family->group->out, family->reader);
    if (is_idle && pace_is_due(family)) {
        pack_waiting(packer);
    }
    if (family->owes && is_idle && !family->group->is_walking && !packer->is_full) {
        pack_owed(packer);
    }
    if (is_idle && held_has_room(family) && !packer->is_full) {
        pack_held(packer);
    }
    if (is_idle && family->refresh_end_due && !packer->is_full && packer_takes_marker(packer)) {
        pack_refresh_marker(packer, ROUTE_REFRESH_END);
        family->refresh_end_due = false;
    }
    if (family->end_of_rib_due && !packer->is_full && end_of_rib_is_ready(packer->core, family) &&
        packer_takes_marker(packer)) {
        end_of_rib_encode(packer->out, family->afi_safi);
        family->end_of_rib_due = false;
        family->end_of_rib_sent = true;
    }
    if (family->pace != NULL && pack_is_at_rest(packer)) {
        pace_rest(packer->core, family);
    }
}

bool packer_has_output(const struct core *core, const struct peer_family *family)
{
    if (family->group == NULL) {
        return false;
    }
    bool is_idle = adj_rib_out_reader_is_idle(family->group->out, family->reader);
    return !is_idle || !family->early_done || family->refresh_begin_due ||
           (family->refresh_end_due && is_idle) || held_has_room(family) || pace_is_due(family) ||
           (family->owes && !family->group->is_walking) ||
           (family->end_of_rib_due && end_of_rib_is_ready(core, family));
}

uint32_t routes_peer_fill(struct core *core, struct peer *peer, struct writer *out)
{
    if (peer->routes == NULL || !peer->routes->is_up) {
        return 0;
    }
    struct packer packer = {.core = core, .out = out};
    for (unsigned family = 0; family < AFI_SAFI_COUNT && !packer.is_full; family++) {
        packer.family = peer_family_of(peer, family);
        if (packer.family->group != NULL) {
            pack_family(&packer);
        }
    }
    return packer.messages;
}
