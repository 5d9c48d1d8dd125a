/* All policies of one configuration, compiled together so that references are resolved once. */
#include <stdio.h>
#include <string.h>

#include "policy/policy_private.h"
#include "proto/base/assert.h"

static enum status compile_lists(struct policy_set *set, const struct policy_defs *defs,
                                 char error_out[256])
{
    struct arena *arena = &set->arena;
    set->prefix_lists = arena_alloc(arena, defs->prefix_list_count * sizeof *set->prefix_lists);
    set->prefix_list_count = defs->prefix_list_count;
    for (size_t i = 0; i < defs->prefix_list_count; i++) {
        prefix_list_compile(arena, &defs->prefix_lists[i], &set->prefix_lists[i]);
    }
    set->as_path_lists = arena_alloc(arena, defs->as_path_list_count * sizeof *set->as_path_lists);
    for (size_t i = 0; i < defs->as_path_list_count; i++) {
        enum status status =
            as_path_list_compile(arena, &defs->as_path_lists[i], &set->as_path_lists[i], error_out);
        set->as_path_list_count = i + 1;
        if (status != STATUS_OK) {
            return status;
        }
    }
    set->community_lists =
        arena_alloc(arena, defs->community_list_count * sizeof *set->community_lists);
    for (size_t i = 0; i < defs->community_list_count; i++) {
        enum status status = community_list_compile(arena, &defs->community_lists[i],
                                                    &set->community_lists[i], error_out);
        set->community_list_count = i + 1;
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Call depths by repeated passes: a map's depth is one more than the deepest map it calls. A map
 * that has none after as many passes as calls may nest is in a cycle, or nested too deeply. */
static bool settle_call_depths(struct policy_set *set)
{
    bool is_settled = false;
    for (unsigned pass = 0; pass < POLICY_CALL_DEPTH_MAX && !is_settled; pass++) {
        is_settled = true;
        for (size_t i = 0; i < set->route_map_count; i++) {
            struct route_map *map = &set->route_maps[i];
            bool is_ready = map->call_depth == 0;
            uint8_t depth = 1;
            for (size_t j = 0; j < map->entry_count && is_ready; j++) {
                const struct route_map *call = map->entries[j].call;
                is_ready = call == NULL || call->call_depth != 0;
                if (call != NULL && call->call_depth >= depth) {
                    depth = (uint8_t)(call->call_depth + 1);
                }
            }
            if (is_ready) {
                map->call_depth = depth;
                route_map_finish(map);
            }
            is_settled = is_settled && map->call_depth != 0;
        }
    }
    return is_settled;
}

static enum status compile_maps(struct policy_set *set, const struct policy_defs *defs,
                                char error_out[256])
{
    set->route_map_count = defs->route_map_count;
    set->route_maps = arena_alloc(&set->arena, defs->route_map_count * sizeof *set->route_maps);
    for (size_t i = 0; i < defs->route_map_count; i++) {
        set->route_maps[i].name = defs->route_maps[i].name;
    }
    for (size_t i = 0; i < defs->route_map_count; i++) {
        route_map_compile(set, &defs->route_maps[i], &set->route_maps[i]);
    }
    if (set->route_map_count == 0 || settle_call_depths(set)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < set->route_map_count; i++) {
        if (set->route_maps[i].call_depth == 0) {
            snprintf(error_out, 256,
                     "route-map %.64s calls itself, through others or too deeply (at most %u)",
                     set->route_maps[i].name, POLICY_CALL_DEPTH_MAX);
            break;
        }
    }
    return STATUS_INVALID;
}

enum status policy_set_compile(const struct policy_defs *defs, struct policy_set **set_out,
                               char error_out[256])
{
    struct policy_set *set = mem_alloc(MEM_POLICY, sizeof *set);
    arena_init(&set->arena);
    error_out[0] = 0;
    enum status status = compile_lists(set, defs, error_out);
    if (status == STATUS_OK) {
        status = compile_maps(set, defs, error_out);
    }
    if (status != STATUS_OK) {
        policy_set_free(set);
        set = NULL;
    }
    *set_out = set;
    return status;
}

void policy_set_free(struct policy_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->as_path_list_count; i++) {
        as_path_list_fini(&set->as_path_lists[i]);
    }
    for (size_t i = 0; i < set->community_list_count; i++) {
        community_list_fini(&set->community_lists[i]);
    }
    mem_free(MEM_POLICY, set->missing);
    arena_fini(&set->arena);
    mem_free(MEM_POLICY, set);
}

const char *policy_missing_reference(const struct policy_set *set, size_t index)
{
    return index < set->missing_count ? set->missing[index] : NULL;
}

const struct route_map *policy_route_map(const struct policy_set *set, const char *name)
{
    for (size_t i = 0; set != NULL && name != NULL && i < set->route_map_count; i++) {
        if (strcmp(set->route_maps[i].name, name) == 0) {
            return &set->route_maps[i];
        }
    }
    return NULL;
}

const struct prefix_list *policy_prefix_list(const struct policy_set *set, uint8_t family,
                                             const char *name)
{
    for (size_t i = 0; set != NULL && name != NULL && i < set->prefix_list_count; i++) {
        if (set->prefix_lists[i].family == family && strcmp(set->prefix_lists[i].name, name) == 0) {
            return &set->prefix_lists[i];
        }
    }
    return NULL;
}

const struct as_path_list *policy_as_path_list(const struct policy_set *set, const char *name)
{
    for (size_t i = 0; set != NULL && name != NULL && i < set->as_path_list_count; i++) {
        if (strcmp(set->as_path_lists[i].name, name) == 0) {
            return &set->as_path_lists[i];
        }
    }
    return NULL;
}

const struct community_list *policy_community_list(const struct policy_set *set,
                                                   enum community_kind kind, const char *name)
{
    for (size_t i = 0; set != NULL && name != NULL && i < set->community_list_count; i++) {
        if (set->community_lists[i].kind == kind &&
            strcmp(set->community_lists[i].name, name) == 0) {
            return &set->community_lists[i];
        }
    }
    return NULL;
}
