#include "bgpd/io/xfrm_message.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static struct ip_addr address_of(const xfrm_address_t *addr, uint16_t family)
{
    return ip_from_bytes((const uint8_t *)addr, family == AF_INET    ? 4
                                                : family == AF_INET6 ? 16
                                                                     : 0);
}

/* The fixed part of a message, copied out: messages start at multiples of four octets, and these
 * structures want eight. False when the message is shorter. */
static bool take_payload(const struct nlmsghdr *message, void *out, size_t size)
{
    bool is_whole = mnl_nlmsg_get_payload_len(message) >= size;
    if (is_whole) {
        memcpy(out, mnl_nlmsg_get_payload(message), size);
    }
    return is_whole;
}

static bool read_info(const struct xfrm_usersa_info *info, struct xfrm_sa *sa)
{
    if (info->id.proto != IPPROTO_ESP || info->id.spi == 0) {
        return false;
    }
    sa->destination = address_of(&info->id.daddr, info->family);
    sa->source = address_of(&info->saddr, info->family);
    sa->spi = ntohl(info->id.spi);
    return sa->destination.family != IP_NONE;
}

struct attributes {
    uint32_t if_id;
    bool has_algorithm;
};

static int read_attribute(const struct nlattr *attribute, void *data)
{
    struct attributes *found = data;
    uint16_t type = mnl_attr_get_type(attribute);
    if (type == XFRMA_IF_ID && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t)) {
        found->if_id = mnl_attr_get_u32(attribute);
    } else if (type == XFRMA_ALG_CRYPT || type == XFRMA_ALG_AEAD) {
        found->has_algorithm = true;
    }
    return MNL_CB_OK;
}

static bool parse_put(const struct nlmsghdr *message, struct xfrm_sa *sa)
{
    struct xfrm_usersa_info info;
    struct attributes found = {0};
    if (!take_payload(message, &info, sizeof info) || !read_info(&info, sa) ||
        mnl_attr_parse(message, sizeof info, read_attribute, &found) < 0) {
        return false;
    }
    sa->if_id = found.if_id;
    /* Without an algorithm it only reserves its SPI while IKE is still talking. */
    return found.has_algorithm;
}

static bool parse_delete(const struct nlmsghdr *message, struct xfrm_sa *sa)
{
    struct xfrm_usersa_id id;
    if (!take_payload(message, &id, sizeof id) || id.proto != IPPROTO_ESP) {
        return false;
    }
    sa->destination = address_of(&id.daddr, id.family);
    sa->spi = ntohl(id.spi);
    return sa->destination.family != IP_NONE && sa->spi != 0;
}

static bool parse_expire(const struct nlmsghdr *message, struct xfrm_sa *sa)
{
    struct xfrm_user_expire expire;
    return take_payload(message, &expire, sizeof expire) && expire.hard != 0 &&
           read_info(&expire.state, sa);
}

bool xfrm_message_parse(const struct nlmsghdr *message, struct xfrm_change *change_out)
{
    struct xfrm_usersa_flush flush;
    memset(change_out, 0, sizeof *change_out);
    switch (message->nlmsg_type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
        change_out->kind = XFRM_SA_PUT;
        return parse_put(message, &change_out->sa);
    case XFRM_MSG_DELSA:
        change_out->kind = XFRM_SA_REMOVED;
        return parse_delete(message, &change_out->sa);
    case XFRM_MSG_EXPIRE:
        change_out->kind = XFRM_SA_REMOVED;
        return parse_expire(message, &change_out->sa);
    case XFRM_MSG_FLUSHSA:
        change_out->kind = XFRM_SA_ALL_REMOVED;
        /* 0 and 255 (IPSEC_PROTO_ANY) stand for all protocols. */
        return take_payload(message, &flush, sizeof flush) &&
               (flush.proto == IPPROTO_ESP || flush.proto == 0 || flush.proto == 255);
    default:
        return false;
    }
}

/* ---- Policies ---- */

struct policy_attributes {
    struct xfrm_user_tmpl template; /* the first */
    bool has_template;
    bool has_mark;
    uint32_t if_id;
};

static int read_policy_attribute(const struct nlattr *attribute, void *data)
{
    struct policy_attributes *found = data;
    size_t size = mnl_attr_get_payload_len(attribute);
    switch (mnl_attr_get_type(attribute)) {
    case XFRMA_TMPL:
        if (size >= sizeof found->template) {
            memcpy(&found->template, mnl_attr_get_payload(attribute), sizeof found->template);
            found->has_template = true;
        }
        break;
    case XFRMA_MARK:
        if (size >= sizeof(struct xfrm_mark)) {
            struct xfrm_mark mark;
            memcpy(&mark, mnl_attr_get_payload(attribute), sizeof mark);
            found->has_mark = mark.m != 0;
        }
        break;
    case XFRMA_IF_ID:
        found->if_id = size == sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static bool selector_prefix(const xfrm_address_t *addr, uint16_t family, uint8_t len_bits,
                            struct prefix *prefix_out)
{
    struct ip_addr ip = address_of(addr, family);
    if (ip.family == IP_NONE || len_bits > ip_family_bits(ip.family)) {
        return false;
    }
    *prefix_out = prefix_make(&ip, len_bits);
    return true;
}

bool xfrm_message_parse_policy(const struct nlmsghdr *message, struct xfrm_policy *policy_out)
{
    struct xfrm_userpolicy_info info;
    struct policy_attributes found = {0};
    memset(policy_out, 0, sizeof *policy_out);
    if (message->nlmsg_type != XFRM_MSG_NEWPOLICY || !take_payload(message, &info, sizeof info) ||
        mnl_attr_parse(message, sizeof info, read_policy_attribute, &found) < MNL_CB_STOP) {
        return false;
    }
    const struct xfrm_selector *selector = &info.sel;
    if (selector->proto != 0 || selector->sport_mask != 0 || selector->dport_mask != 0 ||
        selector->ifindex != 0 || found.has_mark ||
        !selector_prefix(&selector->saddr, selector->family, selector->prefixlen_s,
                         &policy_out->source) ||
        !selector_prefix(&selector->daddr, selector->family, selector->prefixlen_d,
                         &policy_out->destination)) {
        return false;
    }
    policy_out->priority = info.priority;
    policy_out->if_id = found.if_id;
    policy_out->is_outbound = info.dir == XFRM_POLICY_OUT;
    policy_out->is_block = info.action == XFRM_POLICY_BLOCK;
    policy_out->is_bypass =
        !policy_out->is_block && (!found.has_template || found.template.optional != 0);
    if (found.has_template && found.template.mode == XFRM_MODE_TUNNEL) {
        policy_out->remote = address_of(&found.template.id.daddr, found.template.family);
    }
    return true;
}

size_t xfrm_message_dump_request(uint8_t *buffer, uint32_t sequence)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = XFRM_MSG_GETSA;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = sequence;
    return message->nlmsg_len;
}
