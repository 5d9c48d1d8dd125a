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

static bool parse_put(const struct nlmsghdr *message, size_t info_bytes, struct xfrm_sa *sa)
{
    struct attributes found = {0};
    if (mnl_attr_parse(message, (unsigned)info_bytes, read_attribute, &found) < 0) {
        return false;
    }
    sa->if_id = found.if_id;
    /* Without an algorithm it only reserves its SPI while IKE is still talking. */
    return found.has_algorithm;
}

static bool parse_delete(const struct nlmsghdr *message, struct xfrm_sa *sa)
{
    const struct xfrm_usersa_id *id = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *id || id->proto != IPPROTO_ESP) {
        return false;
    }
    sa->destination = address_of(&id->daddr, id->family);
    sa->spi = ntohl(id->spi);
    return sa->destination.family != IP_NONE && sa->spi != 0;
}

bool xfrm_message_parse(const struct nlmsghdr *message, struct xfrm_change *change_out)
{
    const void *payload = mnl_nlmsg_get_payload(message);
    size_t size = mnl_nlmsg_get_payload_len(message);
    memset(change_out, 0, sizeof *change_out);
    switch (message->nlmsg_type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
        change_out->kind = XFRM_SA_PUT;
        return size >= sizeof(struct xfrm_usersa_info) && read_info(payload, &change_out->sa) &&
               parse_put(message, sizeof(struct xfrm_usersa_info), &change_out->sa);
    case XFRM_MSG_DELSA:
        change_out->kind = XFRM_SA_REMOVED;
        return parse_delete(message, &change_out->sa);
    case XFRM_MSG_EXPIRE: {
        const struct xfrm_user_expire *expire = payload;
        change_out->kind = XFRM_SA_REMOVED;
        return size >= sizeof *expire && expire->hard != 0 &&
               read_info(&expire->state, &change_out->sa);
    }
    case XFRM_MSG_FLUSHSA: {
        const struct xfrm_usersa_flush *flush = payload;
        change_out->kind = XFRM_SA_ALL_REMOVED;
        /* 0 and 255 (IPSEC_PROTO_ANY) stand for all protocols. */
        return size >= sizeof *flush &&
               (flush->proto == IPPROTO_ESP || flush->proto == 0 || flush->proto == 255);
    }
    default:
        return false;
    }
}

size_t xfrm_message_dump_request(uint8_t *buffer, uint32_t sequence)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = XFRM_MSG_GETSA;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = sequence;
    return message->nlmsg_len;
}
