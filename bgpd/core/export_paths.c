/* Several paths for a destination (RFC 7911): which of them a group is told, under which numbers,
 * and what is taken back. The rules for each path are those of export.c. */
#include "bgpd/core/routes_private.h"
#include "proto/base/assert.h"

/* ---- Keys ---- */

void out_key_hold(struct core *core, const struct update_group *group, uint32_t key)
{
    if (group_has_paths(group)) {
        out_path_hold(core->routes->out_paths[group->afi_safi], key);
    } else {
        dest_hold(core->ribs[group->afi_safi], key);
    }
}

void out_key_release(struct core *core, const struct update_group *group, uint32_t key)
{
    if (group_has_paths(group)) {
        out_path_release(core->routes->out_paths[group->afi_safi], key);
    } else {
        dest_release(core->ribs[group->afi_safi], key);
    }
}

uint32_t out_key_next(const struct core *core, const struct update_group *group, dest_id dest,
                      uint32_t key)
{
    if (group_has_paths(group)) {
        return out_paths_next(core->routes->out_paths[group->afi_safi], dest, key);
    }
    return key == 0 ? dest : 0;
}

bool family_has_told(const struct core *core, const struct peer_family *family, dest_id dest)
{
    if (family->group == NULL) {
        return false;
    }
    for (uint32_t key = out_key_next(core, family->group, dest, 0); key != 0;
         key = out_key_next(core, family->group, dest, key)) {
        if (bitset_has(&family->told, key)) {
            return true;
        }
    }
    return false;
}

/* ---- Which paths ---- */

/* Whatever a neighbour sends for one prefix, so many of the best paths are passed on. */
#define PATHS_SENT_MAX 256u

struct paths_export {
    struct core *core;
    struct update_group *group;
    dest_id dest;
    struct announce_verdict verdict;
};

static void say(const struct paths_export *export, uint32_t path_id,
                const struct export_route *route)
{
    struct out_paths *paths = export->core->routes->out_paths[export->group->afi_safi];
    uint32_t number = out_paths_take(paths, export->dest, route->source, path_id);
    export_route_to(export->core, export->group, number, route, &export->verdict);
    out_path_release(paths, number);
}

static void say_path(const struct paths_export *export, const struct prefix *prefix,
                     const struct route_view *path)
{
    struct export_route route = export_route_from(export->core, export->group->afi_safi, path->dest,
                                                  prefix, path->route_number);
    say(export, path->path_id, &route);
}

static bool path_is_usable(const struct paths_export *export, const struct route_view *path)
{
    return path->accepted != NULL && path->reason != DECISION_NONE &&
           !decision_reason_is_ineligible(path->reason) &&
           !route_is_hidden(export->core, export->group->afi_safi, path->source, path->accepted);
}

static void say_all(const struct paths_export *export, const struct prefix *prefix)
{
    struct route_view path = {0};
    uint32_t left = PATHS_SENT_MAX;
    while (left > 0 &&
           dest_next_route(export->core->ribs[export->group->afi_safi], export->dest, &path)) {
        if (path_is_usable(export, &path)) {
            say_path(export, prefix, &path);
            left--;
        }
    }
}

static void say_selected(const struct paths_export *export, const struct prefix *prefix)
{
    const struct group_key *key = &export->group->key;
    struct loc_rib *rib = export->core->ribs[export->group->afi_safi];
    uint32_t best_max = key->add_path_mode == ADD_PATH_MODE_BEST ? key->add_path_best : 0;
    uint32_t count;
    const uint32_t *selected =
        decision_select(rib, export->dest, best_max, &export->core->decision, &count);
    for (uint32_t i = 0; i < count && i < PATHS_SENT_MAX; i++) {
        struct route_view path;
        bool is_there = route_by_number(rib, selected[i], &path);
        ASSERT(is_there);
        if (path_is_usable(export, &path)) {
            say_path(export, prefix, &path);
        }
    }
}

/* What the group still holds of dest and was not said in this round. */
static void take_back(const struct paths_export *export)
{
    struct out_paths *paths = export->core->routes->out_paths[export->group->afi_safi];
    uint32_t number = out_paths_next(paths, export->dest, 0);
    while (number != 0) {
        uint32_t next = out_paths_next(paths, export->dest, number);
        if (!out_path_is_current(paths, number)) {
            group_put(export->core, export->group, number, NULL);
        }
        number = next;
    }
}

void export_paths_to(struct core *core, struct update_group *group, dest_id dest)
{
    enum afi_safi afi_safi = group->afi_safi;
    struct paths_export export = {.core = core, .group = group, .dest = dest};
    struct prefix prefix = dest_prefix(core->ribs[afi_safi], dest);
    struct export_route best =
        export_route_of(core, afi_safi, dest, &prefix, dest_best_route(core->ribs[afi_safi], dest),
                        &export.verdict);
    dest_hold(core->ribs[afi_safi], dest);
    out_paths_begin_round(core->routes->out_paths[afi_safi]);
    bool is_ours = export.verdict.own_attrs != NULL ||
                   (group->key.default_originate && best.prefix.len_bits == 0);
    if (is_ours) {
        best.source = core->routes->network_source[afi_safi];
        say(&export, 0, &best);
    } else if (best.attrs != NULL && group->key.add_path_mode == ADD_PATH_MODE_ALL) {
        say_all(&export, &best.prefix);
    } else if (best.attrs != NULL) {
        say_selected(&export, &best.prefix);
    }
    take_back(&export);
    dest_release(core->ribs[afi_safi], dest);
}

void export_dest_paths(struct core *core, enum afi_safi afi_safi, dest_id dest)
{
    if (core->routes->add_path_groups[afi_safi] == 0) {
        return;
    }
    dest_hold(core->ribs[afi_safi], dest);
    LIST_FOREACH(node, &core->routes->groups[afi_safi])
    {
        struct update_group *group = CONTAINER_OF(node, struct update_group, engine_node);
        if (group_has_paths(group)) {
            condition_unmark(core, group, dest);
            export_paths_to(core, group, dest);
        }
    }
    dest_release(core->ribs[afi_safi], dest);
}
