/* Which of our prefixes may be announced over which class of path. A network with classes goes only
 * to sessions that run over one of them. What such a network needs better protection for is a hole
 * for weaker sessions: neither it, nor anything inside, nor any cover of it is announced there; a
 * configured cover is split into its complement around the holes, or held, or allowed. Tunnel
 * endpoints are host routes over their underlay's classes. */
#include "bgpd/core/routes_private.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define COVER_PIECES_MAX 1024u

/* ---- The table: ascending prefixes, few of them ---- */

static uint32_t table_position(const struct announce_table *table, const struct prefix *prefix,
                               bool *is_found_out)
{
    uint32_t low = 0;
    uint32_t high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = prefix_compare(&table->entries[middle].prefix, prefix);
        if (order == 0) {
            *is_found_out = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *is_found_out = false;
    return low;
}

static const struct announce_entry *table_find(const struct announce_table *table,
                                               const struct prefix *prefix)
{
    bool is_found = false;
    uint32_t position = table_position(table, prefix, &is_found);
    return is_found ? &table->entries[position] : NULL;
}

/* The entry of prefix, made when there is none yet. Borrowed until the next put. */
static struct announce_entry *table_put(struct announce_table *table, const struct prefix *prefix)
{
    bool is_found = false;
    uint32_t position = table_position(table, prefix, &is_found);
    if (is_found) {
        return &table->entries[position];
    }
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 16 : 2 * table->capacity;
        table->entries = mem_realloc(MEM_ROUTE, table->entries,
                                     (size_t)table->capacity * sizeof *table->entries);
    }
    memmove(table->entries + position + 1, table->entries + position,
            (size_t)(table->count - position) * sizeof *table->entries);
    table->count++;
    table->entries[position] = (struct announce_entry){.prefix = *prefix};
    return &table->entries[position];
}

static void table_clear(struct core *core, struct announce_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].attrs != NULL) {
            attr_set_unref(core->attrs, table->entries[i].attrs);
        }
    }
    mem_free(MEM_ROUTE, table->entries);
    *table = (struct announce_table){0};
}

void announce_classes_fini(struct core *core)
{
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        table_clear(core, &core->routes->announce[family]);
    }
}

/* ---- Holes ---- */

/* A session of class is too weak for the network of entry. An unknown way counts as the weakest. */
static bool entry_is_hole(const struct announce_entry *entry, unsigned class)
{
    if (!entry->is_restricted || entry->required_classes == 0) {
        return false;
    }
    unsigned rank = class == GROUP_CLASS_UNKNOWN ? PATH_CLASS_CLEAR : class;
    return rank < (unsigned)__builtin_ctz(entry->required_classes);
}

/* Some hole of class lies strictly inside cover. */
static bool cover_has_hole(const struct announce_table *table, const struct prefix *cover,
                           unsigned class)
{
    bool is_found = false;
    uint32_t position = table_position(table, cover, &is_found);
    /* Everything inside a prefix follows it in prefix order. */
    for (uint32_t i = position + (is_found ? 1 : 0); i < table->count; i++) {
        if (!prefix_contains(cover, &table->entries[i].prefix)) {
            break;
        }
        if (entry_is_hole(&table->entries[i], class)) {
            return true;
        }
    }
    return false;
}

/* The longest network with classes that strictly contains prefix is a hole of class. */
static bool prefix_is_inside_hole(const struct announce_table *table, const struct prefix *prefix,
                                  unsigned class)
{
    const struct announce_entry *longest = NULL;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct announce_entry *entry = &table->entries[i];
        if (entry->is_restricted && !entry->is_piece && !prefix_equal(&entry->prefix, prefix) &&
            prefix_contains(&entry->prefix, prefix) &&
            (longest == NULL || entry->prefix.len_bits > longest->prefix.len_bits)) {
            longest = entry;
        }
    }
    return longest != NULL && entry_is_hole(longest, class);
}

/* ---- Building ---- */

static void add_networks(struct core *core, enum afi_safi afi_safi, struct announce_table *table)
{
    const struct config_bgp_family *family = &core->config->bgp.families[afi_safi];
    for (size_t i = 0; i < family->network_count; i++) {
        const struct config_network *network = &family->networks[i];
        struct announce_entry *entry = table_put(table, &network->prefix);
        entry->is_network = true;
        if (network->path_classes == 0) {
            entry->classes = GROUP_CLASS_ALL;
            entry->is_restricted = false;
            entry->required_classes = 0;
            continue;
        }
        if (entry->classes == GROUP_CLASS_ALL) {
            continue; /* the same network stands there without classes */
        }
        entry->is_restricted = true;
        entry->classes |= network->path_classes;
        entry->required_classes = entry->classes;
        struct route_view route;
        if (entry->attrs == NULL &&
            adj_rib_in_find(core->ribs[afi_safi], core->routes->network_source[afi_safi],
                            &network->prefix, 0, &route) == STATUS_OK &&
            route.accepted != NULL) {
            entry->attrs = attr_set_ref(route.accepted);
        }
    }
}

static void add_endpoints(struct core *core, enum afi_safi afi_safi, struct announce_table *table)
{
    for (size_t i = 0; i < core->config->tunnel_count; i++) {
        const struct config_tunnel *tunnel = &core->config->tunnels[i];
        if (tunnel->local_endpoint.family != afi_safi_family(afi_safi)) {
            continue;
        }
        struct prefix host = prefix_host(&tunnel->local_endpoint);
        struct announce_entry *entry = table_put(table, &host);
        entry->is_endpoint = true;
        if (entry->classes == GROUP_CLASS_ALL) {
            continue; /* announced to everybody as a network */
        }
        entry->is_restricted = true;
        entry->classes |= tunnel->underlay_classes != 0 ? tunnel->underlay_classes
                                                        : PATH_CLASS_BIT(PATH_CLASS_CLEAR) |
                                                              PATH_CLASS_BIT(PATH_CLASS_MACSEC);
        entry->required_classes = entry->classes;
        if (entry->attrs == NULL) {
            entry->attrs = originate_attrs(core, BGP_ORIGIN_IGP, 0, NULL);
        }
    }
}

/* A network without classes inside one that has some is bound by them. */
static void inherit_holes(struct announce_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct announce_entry *entry = &table->entries[i];
        for (unsigned class = 0; !entry->is_restricted && class < GROUP_CLASS_COUNT; class ++) {
            if (prefix_is_inside_hole(table, &entry->prefix, class)) {
                entry->classes &= ~(1u << class);
            }
        }
    }
}

/* The largest holes of class inside cover; at most max. */
static size_t collect_holes(const struct announce_table *table, const struct prefix *cover,
                            unsigned class, struct prefix *holes_out, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < table->count && count < max; i++) {
        const struct announce_entry *entry = &table->entries[i];
        if (entry_is_hole(entry, class) && !prefix_equal(&entry->prefix, cover) &&
            prefix_contains(cover, &entry->prefix) &&
            (count == 0 || !prefix_contains(&holes_out[count - 1], &entry->prefix))) {
            holes_out[count++] = entry->prefix;
        }
    }
    return count;
}

static void add_pieces(struct core *core, struct announce_table *table,
                       const struct announce_entry *cover, unsigned class)
{
    struct prefix *holes = mem_alloc(MEM_ROUTE, (table->count + 1) * sizeof *holes);
    struct prefix *pieces = mem_alloc(MEM_ROUTE, COVER_PIECES_MAX * sizeof *pieces);
    size_t hole_count = collect_holes(table, &cover->prefix, class, holes, table->count);
    size_t count = prefix_complement(&cover->prefix, holes, hole_count, pieces, COVER_PIECES_MAX);
    if (count > COVER_PIECES_MAX) {
        core_log(core, LOG_PROTECTION, LOG_SEVERITY_ERROR, NULL, &cover->prefix,
                 "the networks inside need %zu prefixes to announce the rest, more than %u: "
                 "nothing of this cover is announced there",
                 count, COVER_PIECES_MAX);
        count = 0;
    }
    struct announce_entry whole = *cover; /* putting moves the entries */
    for (size_t i = 0; i < count; i++) {
        struct announce_entry *piece = table_put(table, &pieces[i]);
        if (!piece->is_network && !piece->is_endpoint) {
            piece->is_piece = true;
            piece->is_restricted = true;
        }
        piece->classes |= 1u << class;
        if (piece->attrs == NULL) {
            piece->attrs = whole.attrs != NULL ? attr_set_ref(whole.attrs)
                                               : originate_attrs(core, BGP_ORIGIN_IGP, 0, NULL);
        }
    }
    mem_free(MEM_ROUTE, pieces);
    mem_free(MEM_ROUTE, holes);
}

/* Covers among our own networks: their announcement over weaker classes is replaced. */
static void treat_covers(struct core *core, struct announce_table *table)
{
    struct prefix *covers = mem_alloc(MEM_ROUTE, (table->count + 1) * sizeof *covers);
    uint32_t cover_count = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        covers[cover_count++] = table->entries[i].prefix;
    }
    for (uint32_t i = 0; i < cover_count; i++) {
        for (unsigned class = 0; class < GROUP_CLASS_COUNT; class ++) {
            struct announce_entry *cover = table_put(table, &covers[i]);
            if ((cover->classes & (1u << class)) == 0 || cover->is_piece ||
                !cover_has_hole(table, &covers[i], class)) {
                continue;
            }
            switch ((enum cover_mode)core->config->bgp.cover) {
            case COVER_SPLIT:
                cover->classes &= ~(1u << class);
                add_pieces(core, table, cover, class);
                break;
            case COVER_HOLD:
                cover->hold_classes |= 1u << class;
                break;
            case COVER_ALLOW:
                core_log(core, LOG_PROTECTION, LOG_SEVERITY_WARNING, NULL, &covers[i],
                         "announced over class %s although a network inside may not be: the far "
                         "end falls back to the clear when the tunnels are down",
                         class == GROUP_CLASS_UNKNOWN ? "unknown" : path_class_name(class));
                break;
            }
        }
    }
    mem_free(MEM_ROUTE, covers);
}

static bool wants_default(const struct core *core, enum afi_safi afi_safi)
{
    const struct config_bgp *bgp = &core->config->bgp;
    for (size_t i = 0; i < bgp->neighbor_count; i++) {
        const struct opt_bool *own = &bgp->neighbors[i].families[afi_safi].default_originate;
        if (own->is_set && own->value) {
            return true;
        }
    }
    for (size_t i = 0; i < bgp->peer_group_count; i++) {
        const struct opt_bool *own = &bgp->peer_groups[i].families[afi_safi].default_originate;
        if (own->is_set && own->value) {
            return true;
        }
    }
    return false;
}

static void put_anchors(struct core *core, enum afi_safi afi_safi)
{
    const struct announce_table *table = &core->routes->announce[afi_safi];
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].attrs != NULL) {
            anchor_put(core, &table->entries[i].prefix, table->entries[i].attrs);
        }
    }
    if (wants_default(core, afi_safi)) {
        struct prefix everything = {.family = afi_safi_family(afi_safi)};
        struct attr_set *attrs = originate_attrs(core, BGP_ORIGIN_IGP, 0, NULL);
        anchor_put(core, &everything, attrs);
        attr_set_unref(core->attrs, attrs);
    }
}

static void export_entries(struct core *core, enum afi_safi afi_safi,
                           const struct announce_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        dest_id dest = loc_rib_find(core->ribs[afi_safi], &table->entries[i].prefix);
        if (dest != 0) {
            export_dest(core, afi_safi, dest);
        }
    }
}

static bool tables_equal(const struct announce_table *a, const struct announce_table *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const struct announce_entry *x = &a->entries[i];
        const struct announce_entry *y = &b->entries[i];
        if (!prefix_equal(&x->prefix, &y->prefix) || x->classes != y->classes ||
            x->hold_classes != y->hold_classes || x->is_restricted != y->is_restricted ||
            x->is_piece != y->is_piece || x->attrs != y->attrs) {
            return false;
        }
    }
    return true;
}

void announce_classes_rebuild(struct core *core, enum afi_safi afi_safi)
{
    struct announce_table *table = &core->routes->announce[afi_safi];
    struct loc_rib *rib = core->ribs[afi_safi];
    uint16_t anchors = core->routes->anchor_source[afi_safi];
    struct announce_table before = *table;
    *table = (struct announce_table){0};
    if (core->config->bgp.is_configured) {
        add_networks(core, afi_safi, table);
        add_endpoints(core, afi_safi, table);
        inherit_holes(table);
        treat_covers(core, table);
    }
    for (uint32_t i = 0; i < table->count; i++) {
        table->has_restricted = table->has_restricted || table->entries[i].is_restricted;
    }
    adj_rib_in_mark_stale(rib, anchors);
    put_anchors(core, afi_safi);
    if (!tables_equal(&before, table)) {
        /* Anchors of what is gone still hold their destinations here. */
        export_entries(core, afi_safi, &before);
        export_entries(core, afi_safi, table);
        groups_export_all(core, afi_safi);
    }
    struct prefix everything = {.family = afi_safi_family(afi_safi)};
    dest_id default_dest = loc_rib_find(rib, &everything);
    if (default_dest != 0) {
        export_dest(core, afi_safi, default_dest);
    }
    while (adj_rib_in_sweep_stale(rib, anchors, UINT32_MAX) != 0) {
    }
    table_clear(core, &before);
}

/* ---- Asking ---- */

/* What a session through a dead tunnel was told is of no use: the far end may have forgotten it. */
static bool peer_is_reached(const struct core *core, const struct peer *peer)
{
    uint16_t tunnel_number = peer->settings.tunnel_number;
    return peer->routes != NULL &&
           (tunnel_number == 0 || kernel_tunnel_is_alive(core, tunnel_number));
}

/* Every hole of class inside cover is announced to somebody whose session is strong enough. */
static bool cover_stands(const struct core *core, enum afi_safi afi_safi,
                         const struct prefix *cover, unsigned class)
{
    const struct announce_table *table = &core->routes->announce[afi_safi];
    for (uint32_t i = 0; i < table->count; i++) {
        const struct announce_entry *entry = &table->entries[i];
        if (!entry_is_hole(entry, class) || !prefix_contains(cover, &entry->prefix)) {
            continue;
        }
        dest_id dest = loc_rib_find(core->ribs[afi_safi], &entry->prefix);
        bool is_told = false;
        for (uint32_t index = 0; dest != 0 && !is_told; index++) {
            const struct peer *peer = peer_by_index(core, index);
            if (peer == NULL) {
                break;
            }
            if (!peer_is_reached(core, peer)) {
                continue;
            }
            const struct peer_family *family = peer_family_of(peer, afi_safi);
            is_told = family->group != NULL &&
                      (entry->classes & (1u << family->group->key.path_class)) != 0 &&
                      family_has_told(core, family, dest);
        }
        if (!is_told) {
            return false;
        }
    }
    return true;
}

struct announce_verdict announce_verdict_of(const struct core *core, enum afi_safi afi_safi,
                                            const struct prefix *prefix)
{
    const struct announce_table *table = &core->routes->announce[afi_safi];
    struct announce_verdict verdict = {0};
    if (!table->has_restricted) {
        return verdict;
    }
    const struct announce_entry *entry = table_find(table, prefix);
    if (entry != NULL) {
        verdict.refused_classes = GROUP_CLASS_ALL & ~entry->classes;
        if (entry->is_restricted) {
            verdict.own_attrs = entry->attrs;
        }
        for (unsigned class = 0; class < GROUP_CLASS_COUNT; class ++) {
            if ((entry->hold_classes & (1u << class)) != 0 &&
                !cover_stands(core, afi_safi, prefix, class)) {
                verdict.refused_classes |= 1u << class;
            }
        }
        if (entry->is_restricted || entry->is_network) {
            return verdict;
        }
    }
    enum cover_mode mode = core->config->bgp.cover;
    for (unsigned class = 0; class < GROUP_CLASS_COUNT; class ++) {
        if (prefix_is_inside_hole(table, prefix, class)) {
            verdict.refused_classes |= 1u << class;
        } else if (mode != COVER_ALLOW && cover_has_hole(table, prefix, class) &&
                   (mode == COVER_SPLIT || !cover_stands(core, afi_safi, prefix, class))) {
            verdict.refused_classes |= 1u << class;
        }
    }
    return verdict;
}

void announce_told_changed(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    const struct announce_table *table = &core->routes->announce[afi_safi];
    if (!table->has_restricted || core->config->bgp.cover != COVER_HOLD) {
        return;
    }
    struct prefix prefix = dest_prefix(core->ribs[afi_safi], dest);
    const struct announce_entry *told = table_find(table, &prefix);
    if (told != NULL && told->is_restricted) {
        core->routes->has_stale_covers = true;
    }
}

void announce_tunnels_changed(struct core *core)
{
    if (core->config != NULL && core->config->bgp.cover == COVER_HOLD) {
        core->routes->has_stale_covers = true;
    }
}

/* Every destination that contains a network with classes, of whatever origin. */
static void export_covers(struct core *core, enum afi_safi afi_safi, const struct prefix *inside)
{
    struct ip_addr addr = prefix_addr(inside);
    for (uint8_t len_bits = 0; len_bits < inside->len_bits; len_bits++) {
        struct prefix cover = prefix_make(&addr, len_bits);
        dest_id dest = loc_rib_find(core->ribs[afi_safi], &cover);
        if (dest != 0) {
            export_dest(core, afi_safi, dest);
        }
    }
}

void announce_work(struct core *core)
{
    if (!core->routes->has_stale_covers) {
        return;
    }
    core->routes->has_stale_covers = false;
    if (core->config->bgp.cover != COVER_HOLD) {
        return;
    }
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        const struct announce_table *table = &core->routes->announce[family];
        for (uint32_t i = 0; i < table->count; i++) {
            if (table->entries[i].is_restricted && !table->entries[i].is_piece) {
                export_covers(core, (enum afi_safi)family, &table->entries[i].prefix);
            }
        }
    }
}
