#include "proto/path_attr.h"

#include "proto/community.h"

/* One bit decides whether a member counts; members without their bit are not looked at. */
static bool both_have(const struct path_attrs *a, uint64_t bit)
{
    return (a->present & bit) != 0;
}

static bool numbers_equal(const struct path_attrs *a, const struct path_attrs *b)
{
    return (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_ORIGIN)) || a->origin == b->origin) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_MED)) || a->med == b->med) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF)) || a->local_pref == b->local_pref) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_AGGREGATOR)) ||
            (a->aggregator_asn == b->aggregator_asn && a->aggregator_id == b->aggregator_id &&
             a->aggregator_partial == b->aggregator_partial)) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_ORIGINATOR_ID)) ||
            a->originator_id == b->originator_id) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_OTC)) || a->otc_asn == b->otc_asn) &&
           a->communities_partial == b->communities_partial;
}

static bool local_equal(const struct path_attrs *a, const struct path_attrs *b)
{
    return (!both_have(a, PATH_LOCAL_WEIGHT) || a->weight == b->weight) &&
           (!both_have(a, PATH_LOCAL_TAG) || a->tag == b->tag) &&
           (!both_have(a, PATH_LOCAL_VIA) ||
            (a->via_tunnel == b->via_tunnel && a->via_ifindex == b->via_ifindex)) &&
           (!both_have(a, PATH_LOCAL_PEER) || a->peer == b->peer) &&
           (!both_have(a, PATH_LOCAL_SRC) || ip_equal(&a->preferred_source, &b->preferred_source));
}

static bool views_equal(const struct path_attrs *a, const struct path_attrs *b)
{
    const struct {
        enum path_attr_type type;
        struct byte_view left;
        struct byte_view right;
    } views[] = {
        {PATH_ATTR_AS_PATH, a->as_path, b->as_path},
        {PATH_ATTR_COMMUNITIES, a->communities, b->communities},
        {PATH_ATTR_EXT_COMMUNITIES, a->ext_communities, b->ext_communities},
        {PATH_ATTR_LARGE_COMMUNITIES, a->large_communities, b->large_communities},
        {PATH_ATTR_CLUSTER_LIST, a->cluster_list, b->cluster_list},
        {PATH_ATTR_IPV6_EXT_COMMUNITIES, a->ipv6_ext_communities, b->ipv6_ext_communities},
    };
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (both_have(a, PATH_ATTR_BIT(views[i].type)) &&
            !byte_view_equal(views[i].left, views[i].right)) {
            return false;
        }
    }
    return byte_view_equal(a->unknown, b->unknown);
}

bool path_attrs_equal(const struct path_attrs *a, const struct path_attrs *b)
{
    return a->present == b->present && numbers_equal(a, b) && local_equal(a, b) &&
           (!both_have(a, PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP)) ||
            (ip_equal(&a->next_hop, &b->next_hop) &&
             ip_equal(&a->next_hop_link_local, &b->next_hop_link_local))) &&
           views_equal(a, b);
}

bool path_attrs_has_community(const struct path_attrs *attrs, uint32_t community)
{
    return path_attrs_has(attrs, PATH_ATTR_COMMUNITIES) &&
           community_list_has_u32(attrs->communities, community);
}

void path_attrs_add_community(struct path_attrs *attrs, struct arena *arena, uint32_t community)
{
    uint8_t octets[4];
    store_be32(octets, community);
    struct byte_view old =
        path_attrs_has(attrs, PATH_ATTR_COMMUNITIES) ? attrs->communities : (struct byte_view){0};
    attrs->communities = community_list_union(arena, COMMUNITY_STANDARD, old,
                                              (struct byte_view){octets, sizeof octets});
    path_attrs_set(attrs, PATH_ATTR_COMMUNITIES);
}
