#include "bgpd/io/fib_message.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/assert.h"

static uint8_t wire_family(uint8_t family)
{
    return family == IP_V6 ? AF_INET6 : AF_INET;
}

static uint8_t our_family(uint8_t family)
{
    return family == AF_INET6 ? IP_V6 : family == AF_INET ? IP_V4 : IP_NONE;
}

/* A gateway of the other family goes as RTA_VIA (RFC 8950 in the kernel). */
static void put_gateway(struct nlmsghdr *message, uint8_t route_family, const struct ip_addr *addr)
{
    if (addr->family == route_family) {
        mnl_attr_put(message, RTA_GATEWAY, ip_family_bytes(addr->family), addr->bytes);
        return;
    }
    uint8_t via[2 + 16];
    uint16_t family = wire_family(addr->family);
    memcpy(via, &family, 2);
    memcpy(via + 2, addr->bytes, ip_family_bytes(addr->family));
    mnl_attr_put(message, RTA_VIA, 2u + ip_family_bytes(addr->family), via);
}

static void put_multipath(struct nlmsghdr *message, const struct fib_route *route)
{
    struct nlattr *nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
    for (uint8_t i = 0; i < route->leg_count; i++) {
        const struct fib_leg *leg = &route->legs[i];
        struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(message);
        memset(hop, 0, sizeof *hop);
        hop->rtnh_ifindex = (int)leg->ifindex;
        hop->rtnh_hops = (uint8_t)(leg->weight == 0 ? 0 : leg->weight - 1);
        message->nlmsg_len += (uint32_t)sizeof *hop;
        if (leg->gateway.family != IP_NONE) {
            put_gateway(message, route->prefix.family, &leg->gateway);
        }
        hop->rtnh_len = (uint16_t)((uint8_t *)mnl_nlmsg_get_payload_tail(message) - (uint8_t *)hop);
    }
    mnl_attr_nest_end(message, nest);
}

static void put_target(struct nlmsghdr *message, const struct fib_route *route)
{
    if (route->type != FIB_ROUTE_UNICAST) {
        return;
    }
    if (route->nexthop_object != 0) {
        mnl_attr_put_u32(message, RTA_NH_ID, route->nexthop_object);
    } else if (route->leg_count > 1) {
        put_multipath(message, route);
    } else if (route->leg_count == 1) {
        mnl_attr_put_u32(message, RTA_OIF, route->legs[0].ifindex);
        if (route->legs[0].gateway.family != IP_NONE) {
            put_gateway(message, route->prefix.family, &route->legs[0].gateway);
        }
    }
}

static uint8_t kernel_route_type(uint8_t type)
{
    switch ((enum fib_route_type)type) {
    case FIB_ROUTE_UNICAST:
        return RTN_UNICAST;
    case FIB_ROUTE_BLACKHOLE:
        return RTN_BLACKHOLE;
    case FIB_ROUTE_UNREACHABLE:
        return RTN_UNREACHABLE;
    case FIB_ROUTE_PROHIBIT:
        return RTN_PROHIBIT;
    }
    UNREACHABLE();
}

static uint8_t route_scope(const struct fib_route_action *action)
{
    const struct fib_route *route = &action->route;
    if (route->is_first) {
        return route->scope;
    }
    if (action->is_delete) {
        return RT_SCOPE_NOWHERE; /* any scope */
    }
    bool is_direct = route->type == FIB_ROUTE_UNICAST && route->nexthop_object == 0 &&
                     route->prefix.family == IP_V4;
    for (uint8_t i = 0; is_direct && i < route->leg_count; i++) {
        is_direct = route->legs[i].gateway.family == IP_NONE;
    }
    return is_direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

size_t fib_message_route(uint8_t *buffer, uint32_t sequence, const struct fib_route_action *action)
{
    const struct fib_route *route = &action->route;
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = action->is_delete ? RTM_DELROUTE : RTM_NEWROUTE;
    /* Without REPLACE, EXCL and APPEND a route goes before its equals. */
    uint16_t add_flags = route->is_first ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_REPLACE;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (action->is_delete ? 0 : add_flags));
    message->nlmsg_seq = sequence;
    struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    memset(header, 0, sizeof *header);
    header->rtm_family = wire_family(route->prefix.family);
    header->rtm_dst_len = route->prefix.len_bits;
    header->rtm_table = (uint8_t)(route->table < 256 ? route->table : RT_TABLE_UNSPEC);
    header->rtm_protocol = route->protocol;
    header->rtm_scope = route_scope(action);
    header->rtm_type = kernel_route_type(route->type);
    if (route->table >= 256) {
        mnl_attr_put_u32(message, RTA_TABLE, route->table);
    }
    if (route->prefix.len_bits != 0) {
        mnl_attr_put(message, RTA_DST, ip_family_bytes(route->prefix.family), route->prefix.bytes);
    }
    mnl_attr_put_u32(message, RTA_PRIORITY, route->metric);
    if (!action->is_delete || route->is_first) { /* a place of its own has only what stands there */
        put_target(message, route);
    }
    if (!action->is_delete) {
        if (route->preferred_source.family != IP_NONE) {
            mnl_attr_put(message, RTA_PREFSRC, ip_family_bytes(route->preferred_source.family),
                         route->preferred_source.bytes);
        }
    }
    ASSERT(message->nlmsg_len <= FIB_MESSAGE_BYTES_MAX);
    return NLMSG_ALIGN(message->nlmsg_len);
}

static void put_group(struct nlmsghdr *message, const struct fib_nexthop *nexthop)
{
    struct nexthop_grp members[FIB_LEGS_MAX];
    memset(members, 0, sizeof members);
    for (uint8_t i = 0; i < nexthop->member_count; i++) {
        members[i].id = nexthop->members[i];
        uint8_t weight = nexthop->member_weights[i];
        members[i].weight = (uint8_t)(weight == 0 ? 0 : weight - 1);
    }
    mnl_attr_put(message, NHA_GROUP, nexthop->member_count * sizeof members[0], members);
    if (nexthop->is_resilient) {
        mnl_attr_put_u16(message, NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_RES);
        struct nlattr *nest = mnl_attr_nest_start(message, NHA_RES_GROUP);
        mnl_attr_put_u16(message, NHA_RES_GROUP_BUCKETS, FIB_GROUP_BUCKETS);
        mnl_attr_put_u32(message, NHA_RES_GROUP_IDLE_TIMER, 0); /* all flows move at once */
        mnl_attr_nest_end(message, nest);
    }
}

size_t fib_message_nexthop(uint8_t *buffer, uint32_t sequence, uint8_t protocol,
                           const struct fib_nexthop_action *action)
{
    const struct fib_nexthop *nexthop = &action->nexthop;
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = action->is_delete ? RTM_DELNEXTHOP : RTM_NEWNEXTHOP;
    message->nlmsg_flags =
        (uint16_t)(NLM_F_REQUEST | (action->is_delete ? 0 : NLM_F_CREATE | NLM_F_REPLACE));
    message->nlmsg_seq = sequence;
    struct nhmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    memset(header, 0, sizeof *header);
    mnl_attr_put_u32(message, NHA_ID, nexthop->id);
    if (action->is_delete) {
        return NLMSG_ALIGN(message->nlmsg_len);
    }
    header->nh_protocol = protocol;
    if (nexthop->member_count > 0) {
        put_group(message, nexthop);
        return NLMSG_ALIGN(message->nlmsg_len);
    }
    const struct ip_addr *gateway = &nexthop->leg.gateway;
    header->nh_family = wire_family(gateway->family != IP_NONE ? gateway->family : nexthop->family);
    if (nexthop->is_blackhole) {
        mnl_attr_put(message, NHA_BLACKHOLE, 0, NULL);
        return NLMSG_ALIGN(message->nlmsg_len);
    }
    mnl_attr_put_u32(message, NHA_OIF, nexthop->leg.ifindex);
    if (gateway->family != IP_NONE) {
        mnl_attr_put(message, NHA_GATEWAY, ip_family_bytes(gateway->family), gateway->bytes);
    }
    return NLMSG_ALIGN(message->nlmsg_len);
}

/* ---- Parsing ---- */

#define ATTRS_MAX 64

struct attr_index {
    const struct nlattr *attrs[ATTRS_MAX];
};

static int index_attr(const struct nlattr *attr, void *data)
{
    struct attr_index *index = data;
    uint16_t type = mnl_attr_get_type(attr);
    if (type < ATTRS_MAX) {
        index->attrs[type] = attr;
    }
    return MNL_CB_OK;
}

/* Attributes behind a fixed header; false when the message is too short for the header. */
static bool index_message(const struct nlmsghdr *message, size_t header_bytes,
                          struct attr_index *index)
{
    memset(index, 0, sizeof *index);
    if (mnl_nlmsg_get_payload_len(message) < header_bytes) {
        return false;
    }
    return mnl_attr_parse(message, (unsigned)header_bytes, index_attr, index) >= MNL_CB_STOP;
}

static bool attr_u32(const struct attr_index *index, unsigned type, uint32_t *value_out)
{
    const struct nlattr *attr = index->attrs[type];
    if (attr == NULL || mnl_attr_get_payload_len(attr) < sizeof(uint32_t)) {
        return false;
    }
    *value_out = mnl_attr_get_u32(attr);
    return true;
}

static struct ip_addr attr_ip(const struct attr_index *index, unsigned type)
{
    const struct nlattr *attr = index->attrs[type];
    if (attr == NULL) {
        return (struct ip_addr){.family = IP_NONE};
    }
    return ip_from_bytes(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

static void attr_text(const struct attr_index *index, unsigned type, char *out, size_t size)
{
    const struct nlattr *attr = index->attrs[type];
    out[0] = 0;
    if (attr != NULL) {
        snprintf(out, size, "%.*s", (int)mnl_attr_get_payload_len(attr),
                 (const char *)mnl_attr_get_payload(attr));
    }
}

static void parse_multipath(const struct nlattr *attr, struct fib_route *route)
{
    const uint8_t *at = mnl_attr_get_payload(attr);
    size_t left = mnl_attr_get_payload_len(attr);
    while (left >= sizeof(struct rtnexthop) && route->leg_count < FIB_PLAIN_LEGS_MAX) {
        struct rtnexthop hop;
        memcpy(&hop, at, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left) {
            return;
        }
        struct fib_leg *leg = &route->legs[route->leg_count++];
        *leg = (struct fib_leg){.ifindex = (uint32_t)hop.rtnh_ifindex,
                                .weight = (uint8_t)(hop.rtnh_hops + 1)};
        struct attr_index index = {{NULL}};
        mnl_attr_parse_payload(at + sizeof hop, hop.rtnh_len - sizeof hop, index_attr, &index);
        leg->gateway = attr_ip(&index, RTA_GATEWAY);
        size_t step = RTNH_ALIGN(hop.rtnh_len);
        if (step > left) {
            return;
        }
        at += step;
        left -= step;
    }
}

static bool route_type_from_kernel(uint8_t type, uint8_t *type_out)
{
    switch (type) {
    case RTN_UNICAST:
        *type_out = FIB_ROUTE_UNICAST;
        return true;
    case RTN_BLACKHOLE:
        *type_out = FIB_ROUTE_BLACKHOLE;
        return true;
    case RTN_UNREACHABLE:
        *type_out = FIB_ROUTE_UNREACHABLE;
        return true;
    case RTN_PROHIBIT:
        *type_out = FIB_ROUTE_PROHIBIT;
        return true;
    default:
        return false;
    }
}

bool fib_message_parse_route(const struct nlmsghdr *message, struct kernel_route_event *event_out)
{
    struct attr_index index;
    if ((message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE) ||
        !index_message(message, sizeof(struct rtmsg), &index)) {
        return false;
    }
    const struct rtmsg *header = mnl_nlmsg_get_payload(message);
    uint8_t family = our_family(header->rtm_family);
    memset(event_out, 0, sizeof *event_out);
    struct fib_route *route = &event_out->route;
    if (family == IP_NONE || (header->rtm_flags & RTM_F_CLONED) != 0 ||
        header->rtm_dst_len > ip_family_bits(family) ||
        !route_type_from_kernel(header->rtm_type, &route->type)) {
        return false;
    }
    struct ip_addr destination = attr_ip(&index, RTA_DST);
    if (destination.family == IP_NONE) {
        destination.family = family;
    }
    if (destination.family != family || ip_is_multicast(&destination) ||
        ip_is_link_local(&destination)) {
        return false;
    }
    route->prefix = prefix_make(&destination, header->rtm_dst_len);
    route->table = header->rtm_table;
    attr_u32(&index, RTA_TABLE, &route->table);
    attr_u32(&index, RTA_PRIORITY, &route->metric);
    attr_u32(&index, RTA_NH_ID, &route->nexthop_object);
    route->protocol = header->rtm_protocol;
    route->scope = header->rtm_scope;
    route->preferred_source = attr_ip(&index, RTA_PREFSRC);
    if (index.attrs[RTA_MULTIPATH] != NULL) {
        parse_multipath(index.attrs[RTA_MULTIPATH], route);
    } else if (attr_u32(&index, RTA_OIF, &route->legs[0].ifindex)) {
        route->legs[0].gateway = attr_ip(&index, RTA_GATEWAY);
        route->legs[0].weight = 1;
        route->leg_count = 1;
    }
    event_out->is_removed = message->nlmsg_type == RTM_DELROUTE;
    event_out->is_replacing = (message->nlmsg_flags & NLM_F_REPLACE) != 0;
    return route->table != RT_TABLE_LOCAL;
}

static void parse_group(const struct nlattr *attr, struct fib_nexthop *nexthop)
{
    const uint8_t *at = mnl_attr_get_payload(attr);
    size_t left = mnl_attr_get_payload_len(attr);
    while (left >= sizeof(struct nexthop_grp) && nexthop->member_count < FIB_LEGS_MAX) {
        struct nexthop_grp member;
        memcpy(&member, at, sizeof member);
        nexthop->members[nexthop->member_count] = member.id;
        nexthop->member_weights[nexthop->member_count] = (uint8_t)(member.weight + 1);
        nexthop->member_count++;
        at += sizeof member;
        left -= sizeof member;
    }
}

bool fib_message_parse_nexthop(const struct nlmsghdr *message, uint8_t our_protocol,
                               struct kernel_nexthop_event *event_out)
{
    struct attr_index index;
    if ((message->nlmsg_type != RTM_NEWNEXTHOP && message->nlmsg_type != RTM_DELNEXTHOP) ||
        !index_message(message, sizeof(struct nhmsg), &index)) {
        return false;
    }
    const struct nhmsg *header = mnl_nlmsg_get_payload(message);
    memset(event_out, 0, sizeof *event_out);
    struct fib_nexthop *nexthop = &event_out->nexthop;
    if (!attr_u32(&index, NHA_ID, &nexthop->id)) {
        return false;
    }
    event_out->is_removed = message->nlmsg_type == RTM_DELNEXTHOP;
    event_out->is_ours = header->nh_protocol == our_protocol;
    nexthop->family = our_family(header->nh_family);
    nexthop->is_blackhole = index.attrs[NHA_BLACKHOLE] != NULL;
    attr_u32(&index, NHA_OIF, &nexthop->leg.ifindex);
    nexthop->leg.gateway = attr_ip(&index, NHA_GATEWAY);
    nexthop->leg.weight = 1;
    if (index.attrs[NHA_GROUP] != NULL) {
        const struct nlattr *type = index.attrs[NHA_GROUP_TYPE];
        parse_group(index.attrs[NHA_GROUP], nexthop);
        nexthop->is_resilient = type != NULL &&
                                mnl_attr_get_payload_len(type) >= sizeof(uint16_t) &&
                                mnl_attr_get_u16(type) == NEXTHOP_GRP_TYPE_RES;
    }
    return true;
}

static void parse_link_kind(const struct nlattr *info, struct link_event *event)
{
    struct attr_index index = {{NULL}};
    mnl_attr_parse_nested(info, index_attr, &index);
    attr_text(&index, IFLA_INFO_KIND, event->kind, sizeof event->kind);
    if (strcmp(event->kind, "xfrm") == 0 && index.attrs[IFLA_INFO_DATA] != NULL) {
        struct attr_index data = {{NULL}};
        mnl_attr_parse_nested(index.attrs[IFLA_INFO_DATA], index_attr, &data);
        attr_u32(&data, IFLA_XFRM_IF_ID, &event->xfrm_if_id);
    }
}

bool fib_message_parse_link(const struct nlmsghdr *message, struct link_event *event_out)
{
    struct attr_index index;
    if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
        !index_message(message, sizeof(struct ifinfomsg), &index)) {
        return false;
    }
    const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
    if (header->ifi_family != AF_UNSPEC || header->ifi_index <= 0) {
        return false; /* Bridge port messages repeat a link under AF_BRIDGE. */
    }
    memset(event_out, 0, sizeof *event_out);
    event_out->ifindex = (uint32_t)header->ifi_index;
    event_out->is_removed = message->nlmsg_type == RTM_DELLINK;
    event_out->is_up = (header->ifi_flags & IFF_UP) != 0 && (header->ifi_flags & IFF_RUNNING) != 0;
    event_out->is_loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    event_out->is_point_to_point = (header->ifi_flags & IFF_POINTOPOINT) != 0;
    attr_text(&index, IFLA_IFNAME, event_out->name, sizeof event_out->name);
    attr_u32(&index, IFLA_MTU, &event_out->mtu);
    if (index.attrs[IFLA_LINKINFO] != NULL) {
        parse_link_kind(index.attrs[IFLA_LINKINFO], event_out);
    }
    return true;
}

bool fib_message_parse_addr(const struct nlmsghdr *message, struct addr_event *event_out)
{
    struct attr_index index;
    if ((message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) ||
        !index_message(message, sizeof(struct ifaddrmsg), &index)) {
        return false;
    }
    const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
    memset(event_out, 0, sizeof *event_out);
    uint32_t flags = header->ifa_flags;
    attr_u32(&index, IFA_FLAGS, &flags);
    /* An IPv6 address whose duplicate detection still runs cannot be used yet; it is told again. */
    bool is_tentative = message->nlmsg_type == RTM_NEWADDR && (flags & IFA_F_TENTATIVE) != 0;
    struct ip_addr local = attr_ip(&index, IFA_LOCAL);
    struct ip_addr address = attr_ip(&index, IFA_ADDRESS);
    if (local.family == IP_NONE) {
        local = address;
    } else if (!ip_equal(&local, &address)) {
        event_out->peer = address;
    }
    event_out->ifindex = header->ifa_index;
    event_out->is_removed = message->nlmsg_type == RTM_DELADDR;
    event_out->addr = local;
    event_out->len_bits = header->ifa_prefixlen;
    return local.family != IP_NONE && !is_tentative &&
           header->ifa_prefixlen <= ip_family_bits(local.family);
}

void fib_message_error_text(const struct nlmsghdr *message, char *text_out, size_t size)
{
    text_out[0] = 0;
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0 ||
        mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr)) {
        return;
    }
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    size_t offset = sizeof *error;
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
        offset += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof error->msg;
    }
    struct attr_index index = {{NULL}};
    if (mnl_nlmsg_get_payload_len(message) > offset &&
        mnl_attr_parse(message, (unsigned)offset, index_attr, &index) >= MNL_CB_STOP) {
        attr_text(&index, NLMSGERR_ATTR_MSG, text_out, size);
    }
}
