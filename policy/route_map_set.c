/* What a route-map entry sets: edits of path attributes in place, new blobs from scratch. */
#include "policy/policy_private.h"

#include "proto/as_path.h"
#include "proto/base/assert.h"

#define LOCAL_PREF_DEFAULT 100u

static uint32_t combine(enum set_op op, uint32_t old, uint32_t number)
{
    if (op == SET_OP_ADD) {
        return old > UINT32_MAX - number ? UINT32_MAX : old + number;
    }
    if (op == SET_OP_SUBTRACT) {
        return old < number ? 0 : old - number;
    }
    return number;
}

static void set_next_hop(const struct set_def *def, const struct policy_route *route,
                         struct path_attrs *attrs, struct policy_verdict *verdict)
{
    uint8_t family = route->prefix != NULL ? route->prefix->family : attrs->next_hop.family;
    if (def->addr.family != family && family != IP_NONE) {
        return; /* `set ip next-hop` is for IPv4 routes, `set ipv6 next-hop` for IPv6 ones. */
    }
    if (ip_is_link_local(&def->addr)) {
        attrs->next_hop_link_local = def->addr;
    } else {
        attrs->next_hop = def->addr;
        path_attrs_set(attrs, PATH_ATTR_NEXT_HOP);
    }
    verdict->next_hop_set = true;
}

static void set_next_hop_peer(const struct policy_route *route, struct path_attrs *attrs,
                              struct policy_verdict *verdict)
{
    if (route->peer_addr.family != IP_NONE) {
        attrs->next_hop = route->peer_addr;
        path_attrs_set(attrs, PATH_ATTR_NEXT_HOP);
        verdict->next_hop_set = true;
    }
}

static void set_as_path(const struct set_def *def, struct path_attrs *attrs, struct arena *scratch)
{
    switch (def->kind) {
    case SET_AS_PATH_PREPEND:
        for (size_t i = def->asn_count; i > 0; i--) {
            attrs->as_path = as_path_prepend(scratch, attrs->as_path, def->asns[i - 1], 1);
        }
        break;
    case SET_AS_PATH_PREPEND_LAST: {
        uint32_t first = as_path_first(attrs->as_path);
        if (first != 0) {
            attrs->as_path = as_path_prepend(scratch, attrs->as_path, first, def->number);
        }
        break;
    }
    default:
        attrs->as_path = as_path_exclude(scratch, attrs->as_path, def->asns, def->asn_count);
        break;
    }
    path_attrs_set(attrs, PATH_ATTR_AS_PATH);
}

static struct byte_view *community_member(struct path_attrs *attrs, enum community_kind kind,
                                          enum path_attr_type *type_out)
{
    switch (kind) {
    case COMMUNITY_STANDARD:
        *type_out = PATH_ATTR_COMMUNITIES;
        return &attrs->communities;
    case COMMUNITY_EXTENDED:
        *type_out = PATH_ATTR_EXT_COMMUNITIES;
        return &attrs->ext_communities;
    case COMMUNITY_LARGE:
        *type_out = PATH_ATTR_LARGE_COMMUNITIES;
        return &attrs->large_communities;
    }
    UNREACHABLE();
}

static void set_communities(const struct compiled_set *set, struct path_attrs *attrs,
                            struct arena *scratch)
{
    const struct set_def *def = set->def;
    enum community_kind kind = (enum community_kind)def->community_kind;
    enum path_attr_type type;
    struct byte_view *list = community_member(attrs, kind, &type);
    if (def->kind == SET_COMMUNITY_DELETE) {
        if (set->community_list != NULL) {
            *list = community_list_without(set->community_list, scratch, *list);
        }
    } else if (def->op == SET_OP_ADD) {
        *list = community_list_union(scratch, kind, *list, set->communities);
    } else if (def->op == SET_OP_NONE) {
        *list = (struct byte_view){NULL, 0};
    } else {
        *list = set->communities;
    }
    if (list->size == 0) {
        path_attrs_clear(attrs, type);
    } else {
        path_attrs_set(attrs, type);
    }
}

static void set_number(const struct set_def *def, struct path_attrs *attrs)
{
    switch (def->kind) {
    case SET_WEIGHT:
        attrs->weight = def->number;
        attrs->present |= PATH_LOCAL_WEIGHT;
        break;
    case SET_LOCAL_PREF:
        attrs->local_pref = combine(
            def->op,
            path_attrs_has(attrs, PATH_ATTR_LOCAL_PREF) ? attrs->local_pref : LOCAL_PREF_DEFAULT,
            def->number);
        path_attrs_set(attrs, PATH_ATTR_LOCAL_PREF);
        break;
    case SET_METRIC:
        attrs->med =
            combine(def->op, path_attrs_has(attrs, PATH_ATTR_MED) ? attrs->med : 0, def->number);
        path_attrs_set(attrs, PATH_ATTR_MED);
        break;
    case SET_ORIGIN:
        attrs->origin = (uint8_t)def->number;
        path_attrs_set(attrs, PATH_ATTR_ORIGIN);
        break;
    default:
        attrs->tag = def->number;
        attrs->present |= PATH_LOCAL_TAG;
        break;
    }
}

static void apply_one(const struct compiled_set *set, const struct policy_route *route,
                      struct path_attrs *attrs, struct arena *scratch,
                      struct policy_verdict *verdict)
{
    const struct set_def *def = set->def;
    switch (def->kind) {
    case SET_WEIGHT:
    case SET_LOCAL_PREF:
    case SET_METRIC:
    case SET_ORIGIN:
    case SET_TAG:
        set_number(def, attrs);
        break;
    case SET_NEXT_HOP:
        set_next_hop(def, route, attrs, verdict);
        break;
    case SET_NEXT_HOP_PEER:
        set_next_hop_peer(route, attrs, verdict);
        break;
    case SET_NEXT_HOP_UNCHANGED:
        verdict->next_hop_unchanged = true;
        return;
    case SET_NEXT_HOP_SELF:
        verdict->next_hop_self = true;
        return;
    case SET_AS_PATH_PREPEND:
    case SET_AS_PATH_PREPEND_LAST:
    case SET_AS_PATH_EXCLUDE:
        set_as_path(def, attrs, scratch);
        break;
    case SET_COMMUNITY:
    case SET_COMMUNITY_DELETE:
        set_communities(set, attrs, scratch);
        break;
    case SET_PREFERRED_SOURCE:
        attrs->preferred_source = def->addr;
        attrs->present |= PATH_LOCAL_SRC;
        break;
    case SET_ATOMIC_AGGREGATE:
        path_attrs_set(attrs, PATH_ATTR_ATOMIC_AGGREGATE);
        break;
    case SET_AGGREGATOR:
        attrs->aggregator_asn = def->number;
        attrs->aggregator_id = ip_to_v4(&def->addr);
        path_attrs_set(attrs, PATH_ATTR_AGGREGATOR);
        break;
    }
    verdict->attrs_changed = true;
}

void route_map_apply_sets(const struct compiled_entry *entry, const struct policy_route *route,
                          struct path_attrs *attrs, struct arena *scratch,
                          struct policy_verdict *verdict)
{
    for (size_t i = 0; i < entry->def->set_count; i++) {
        apply_one(&entry->sets[i], route, attrs, scratch, verdict);
    }
}
