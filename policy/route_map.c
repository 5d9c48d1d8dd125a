/* Route-maps: linking, matching and the order of entries. A dangling reference never matches; an
 * entry without conditions matches everything; the end of the map denies. */
#include <stdio.h>
#include <string.h>

#include "policy/policy_private.h"
#include "proto/as_path.h"
#include "proto/base/assert.h"

#define NO_NEXT UINT32_MAX

static void note_missing(struct policy_set *set, const struct route_map_def *map,
                         const struct route_map_entry_def *entry, const char *what,
                         const char *name)
{
    if (set->missing_count == set->missing_capacity) {
        set->missing_capacity = set->missing_capacity == 0 ? 8 : set->missing_capacity * 2;
        set->missing =
            mem_realloc(MEM_POLICY, set->missing, set->missing_capacity * sizeof *set->missing);
    }
    set->missing[set->missing_count++] =
        arena_printf(&set->arena, "route-map %s %u: %s %s", map->name, entry->sequence, what, name);
}

static const char *link_match(struct policy_set *set, const struct match_def *def,
                              struct compiled_match *match)
{
    match->def = def;
    switch (def->kind) {
    case MATCH_PREFIX_LIST:
    case MATCH_NEXT_HOP_PREFIX_LIST:
        match->prefix_list = policy_prefix_list(set, def->family, def->name);
        return match->prefix_list == NULL ? "prefix-list" : NULL;
    case MATCH_AS_PATH_LIST:
        match->as_path_list = policy_as_path_list(set, def->name);
        return match->as_path_list == NULL ? "as-path access-list" : NULL;
    case MATCH_COMMUNITY_LIST:
        match->community_list =
            policy_community_list(set, (enum community_kind)def->community_kind, def->name);
        return match->community_list == NULL ? "community-list" : NULL;
    default:
        return NULL;
    }
}

static void link_set(struct policy_set *set, const struct route_map_def *map,
                     const struct route_map_entry_def *entry, const struct set_def *def,
                     struct compiled_set *compiled)
{
    enum community_kind kind = (enum community_kind)def->community_kind;
    compiled->def = def;
    if (def->kind == SET_COMMUNITY_DELETE) {
        compiled->community_list = policy_community_list(set, kind, def->name);
        if (compiled->community_list == NULL) {
            note_missing(set, map, entry, "community-list", def->name);
        }
    }
    if (def->kind == SET_COMMUNITY) {
        size_t bytes = community_bytes(kind);
        uint8_t *packed = arena_alloc(&set->arena, def->community_count * bytes);
        for (size_t i = 0; i < def->community_count; i++) {
            memcpy(packed + i * bytes, def->communities[i].bytes, bytes);
        }
        compiled->communities = community_list_canonical(
            &set->arena, kind, (struct byte_view){packed, def->community_count * bytes});
    }
}

static uint32_t next_index(const struct route_map_def *def, size_t index)
{
    const struct route_map_entry_def *entry = &def->entries[index];
    if (entry->exit == ROUTE_MAP_EXIT_STOP) {
        return NO_NEXT;
    }
    if (entry->exit == ROUTE_MAP_EXIT_NEXT) {
        return (uint32_t)index + 1;
    }
    size_t target = index + 1;
    while (target < def->entry_count && def->entries[target].sequence < entry->exit_sequence) {
        target++;
    }
    return (uint32_t)target;
}

void route_map_compile(struct policy_set *set, const struct route_map_def *def,
                       struct route_map *map)
{
    map->entry_count = def->entry_count;
    map->entries = arena_alloc(&set->arena, def->entry_count * sizeof *map->entries);
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct route_map_entry_def *source = &def->entries[i];
        struct compiled_entry *entry = &map->entries[i];
        entry->def = source;
        entry->next_index = next_index(def, i);
        entry->matches = arena_alloc(&set->arena, source->match_count * sizeof *entry->matches);
        entry->sets = arena_alloc(&set->arena, source->set_count * sizeof *entry->sets);
        for (size_t j = 0; j < source->match_count; j++) {
            const char *missing = link_match(set, &source->matches[j], &entry->matches[j]);
            if (missing != NULL) {
                note_missing(set, def, source, missing, source->matches[j].name);
            }
        }
        for (size_t j = 0; j < source->set_count; j++) {
            link_set(set, def, source, &source->sets[j], &entry->sets[j]);
        }
        entry->call = policy_route_map(set, source->call);
        if (source->call != NULL && entry->call == NULL) {
            note_missing(set, def, source, "route-map", source->call);
        }
    }
}

/* ---- Digest and traits ---- */

static void digest_match(struct digest_builder *builder, const struct compiled_match *match)
{
    const struct match_def *def = match->def;
    static const struct policy_digest none;
    const struct policy_digest *list = match->prefix_list != NULL    ? &match->prefix_list->digest
                                       : match->as_path_list != NULL ? &match->as_path_list->digest
                                       : match->community_list != NULL
                                           ? &match->community_list->digest
                                           : &none;
    digest_add_u32(builder, def->kind);
    digest_add_u32(builder, def->number);
    digest_add_u32(builder, def->exact);
    digest_add(builder, &def->prefix, sizeof def->prefix);
    digest_add(builder, list, sizeof *list);
    /* Lists count by content; only an interface is meant by its name. */
    digest_add_text(builder, def->kind == MATCH_INTERFACE ? def->name : NULL);
}

static void digest_set(struct digest_builder *builder, const struct compiled_set *set)
{
    const struct set_def *def = set->def;
    digest_add_u32(builder, def->kind);
    digest_add_u32(builder, def->op);
    digest_add_u32(builder, def->number);
    digest_add_u32(builder, def->community_kind);
    digest_add(builder, &def->addr, sizeof def->addr);
    digest_add(builder, def->asns, def->asn_count * sizeof *def->asns);
    digest_add(builder, set->communities.data, set->communities.size);
    if (set->community_list != NULL) {
        digest_add(builder, &set->community_list->digest, sizeof set->community_list->digest);
    }
}

static void note_match_traits(struct route_map *map, const struct match_def *match)
{
    switch (match->kind) {
    case MATCH_PREFIX_LIST:
    case MATCH_PEER:
        map->is_prefix_blind = false;
        break;
    case MATCH_PATH_CLASS:
    case MATCH_INTERFACE:
        map->is_prefix_blind = false;
        map->uses_nexthop = true;
        break;
    default:
        break;
    }
}

void route_map_finish(struct route_map *map)
{
    struct digest_builder builder;
    digest_begin(&builder);
    map->is_prefix_blind = true;
    for (size_t i = 0; i < map->entry_count; i++) {
        const struct compiled_entry *entry = &map->entries[i];
        digest_add_u32(&builder, entry->def->is_permit);
        digest_add_u32(&builder, entry->next_index == NO_NEXT ? NO_NEXT : entry->next_index);
        digest_add_u32(&builder, (uint32_t)entry->def->match_count);
        for (size_t j = 0; j < entry->def->match_count; j++) {
            digest_match(&builder, &entry->matches[j]);
            note_match_traits(map, entry->matches[j].def);
        }
        digest_add_u32(&builder, (uint32_t)entry->def->set_count);
        for (size_t j = 0; j < entry->def->set_count; j++) {
            digest_set(&builder, &entry->sets[j]);
            if (entry->sets[j].def->kind == SET_NEXT_HOP_PEER) {
                map->is_prefix_blind = false;
            }
        }
        digest_add_u32(&builder, entry->def->call != NULL);
        if (entry->call != NULL) {
            digest_add(&builder, &entry->call->digest, sizeof entry->call->digest);
            map->is_prefix_blind = map->is_prefix_blind && entry->call->is_prefix_blind;
            map->uses_nexthop = map->uses_nexthop || entry->call->uses_nexthop;
        }
    }
    map->digest = digest_end(&builder);
}

bool route_map_equal(const struct route_map *a, const struct route_map *b)
{
    return a == b || (a != NULL && b != NULL && digest_equal(&a->digest, &b->digest));
}

bool route_map_is_prefix_blind(const struct route_map *map)
{
    return map == NULL || map->is_prefix_blind;
}

bool route_map_uses_nexthop(const struct route_map *map)
{
    return map != NULL && map->uses_nexthop;
}

/* ---- Evaluation ---- */

static struct byte_view communities_of(const struct path_attrs *attrs, enum community_kind kind)
{
    switch (kind) {
    case COMMUNITY_STANDARD:
        return attrs->communities;
    case COMMUNITY_EXTENDED:
        return attrs->ext_communities;
    case COMMUNITY_LARGE:
        return attrs->large_communities;
    }
    UNREACHABLE();
}

static bool next_hop_is_in(const struct prefix_list *list, const struct path_attrs *attrs)
{
    if (list == NULL || !path_attrs_has(attrs, PATH_ATTR_NEXT_HOP)) {
        return false;
    }
    struct prefix host = prefix_host(&attrs->next_hop);
    return prefix_list_permits(list, &host);
}

static bool number_is(const struct path_attrs *attrs, uint64_t bit, uint32_t value, uint32_t wanted)
{
    return (attrs->present & bit) != 0 && value == wanted;
}

static bool as_path_length_is(const struct match_def *def, const struct path_attrs *attrs)
{
    uint32_t length = as_path_length(attrs->as_path);
    return def->exact ? length == def->number : length <= def->number;
}

static bool matches_one(const struct compiled_match *match, const struct policy_route *route,
                        const struct path_attrs *attrs)
{
    const struct match_def *def = match->def;
    struct prefix host;
    switch (def->kind) {
    case MATCH_PREFIX_LIST:
        return match->prefix_list != NULL && route->prefix != NULL &&
               prefix_list_permits(match->prefix_list, route->prefix);
    case MATCH_NEXT_HOP_PREFIX_LIST:
        return next_hop_is_in(match->prefix_list, attrs);
    case MATCH_NEXT_HOP_ADDRESS:
        return path_attrs_has(attrs, PATH_ATTR_NEXT_HOP) &&
               prefix_contains_ip(&def->prefix, &attrs->next_hop);
    case MATCH_AS_PATH_LIST:
        return match->as_path_list != NULL &&
               as_path_list_permits(match->as_path_list, attrs->as_path);
    case MATCH_COMMUNITY_LIST:
        return match->community_list != NULL &&
               community_list_permits(match->community_list,
                                      communities_of(attrs, match->community_list->kind),
                                      def->exact);
    case MATCH_METRIC:
        return number_is(attrs, PATH_ATTR_BIT(PATH_ATTR_MED), attrs->med, def->number);
    case MATCH_LOCAL_PREF:
        return number_is(attrs, PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF), attrs->local_pref,
                         def->number);
    case MATCH_WEIGHT:
        return number_is(attrs, PATH_LOCAL_WEIGHT, attrs->weight, def->number);
    case MATCH_ORIGIN:
        return number_is(attrs, PATH_ATTR_BIT(PATH_ATTR_ORIGIN), attrs->origin, def->number);
    case MATCH_TAG:
        return number_is(attrs, PATH_LOCAL_TAG, attrs->tag, def->number);
    case MATCH_PEER:
        host = prefix_host(&route->peer_addr);
        return route->peer_addr.family != IP_NONE && prefix_contains(&def->prefix, &host);
    case MATCH_PATH_CLASS:
        return route->has_path_class && route->path_class == def->number;
    case MATCH_SOURCE_PROTOCOL:
        return route->protocol == def->number;
    case MATCH_AS_PATH_LENGTH:
        return as_path_length_is(def, attrs);
    case MATCH_INTERFACE:
        return route->interface_name != NULL && strcmp(route->interface_name, def->name) == 0;
    }
    UNREACHABLE();
}

static bool entry_matches(const struct compiled_entry *entry, const struct policy_route *route,
                          const struct path_attrs *attrs)
{
    for (size_t i = 0; i < entry->def->match_count; i++) {
        if (!matches_one(&entry->matches[i], route, attrs)) {
            return false;
        }
    }
    return true;
}

static void merge_verdict(struct policy_verdict *into, const struct policy_verdict *from)
{
    into->attrs_changed = into->attrs_changed || from->attrs_changed;
    into->next_hop_self = into->next_hop_self || from->next_hop_self;
    into->next_hop_unchanged = into->next_hop_unchanged || from->next_hop_unchanged;
    into->next_hop_set = into->next_hop_set || from->next_hop_set;
}

/* Calls nest at most POLICY_CALL_DEPTH_MAX deep: compilation made sure of it. */
struct policy_verdict route_map_apply(const struct route_map *map, const struct policy_route *route,
                                      struct path_attrs *attrs, struct arena *scratch)
{
    struct policy_verdict verdict = {.is_permit = true};
    if (map == NULL) {
        return verdict;
    }
    verdict.is_permit = false;
    for (uint32_t i = 0; i < map->entry_count;) {
        const struct compiled_entry *entry = &map->entries[i];
        if (!entry_matches(entry, route, attrs)) {
            i++;
            continue;
        }
        verdict.entry_sequence = entry->def->sequence;
        verdict.is_permit = entry->def->is_permit;
        if (!verdict.is_permit) {
            return verdict;
        }
        route_map_apply_sets(entry, route, attrs, scratch, &verdict);
        if (entry->def->call != NULL) {
            struct policy_verdict called = {.is_permit = false};
            if (entry->call != NULL) {
                called = route_map_apply(entry->call, route, attrs, scratch);
            }
            merge_verdict(&verdict, &called);
            if (!called.is_permit) {
                verdict.is_permit = false;
                return verdict;
            }
        }
        if (entry->next_index == NO_NEXT) {
            return verdict;
        }
        i = entry->next_index;
    }
    if (!verdict.is_permit) {
        verdict.entry_sequence = 0;
    }
    return verdict;
}
