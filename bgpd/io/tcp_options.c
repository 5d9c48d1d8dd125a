#include "bgpd/io/tcp_options.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

socklen_t sockaddr_from_ip(const struct ip_addr *addr, uint16_t port, uint32_t ifindex,
                           struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr->family == IP_V6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        v6->sin6_scope_id = ip_is_link_local(addr) ? ifindex : 0;
        memcpy(&v6->sin6_addr, addr->bytes, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, addr->bytes, 4);
    return sizeof *v4;
}

struct ip_addr sockaddr_to_ip(const struct sockaddr_storage *addr, uint16_t *port_out)
{
    if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
        *port_out = ntohs(v6->sin6_port);
        return ip_from_bytes(v6->sin6_addr.s6_addr, 16);
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
    *port_out = ntohs(v4->sin_port);
    return ip_from_bytes((const uint8_t *)&v4->sin_addr, 4);
}

bool tcp_option_md5(int fd, const struct prefix *peer, const char *key)
{
    struct tcp_md5sig option = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX};
    struct sockaddr_storage addr;
    struct ip_addr ip = prefix_addr(peer);
    sockaddr_from_ip(&ip, 0, 0, &addr);
    memcpy(&option.tcpm_addr, &addr, sizeof option.tcpm_addr);
    option.tcpm_prefixlen = peer->len_bits;
    if (key != NULL) {
        size_t size = strlen(key);
        if (size > TCP_MD5SIG_MAXKEYLEN) {
            errno = EINVAL;
            return false;
        }
        memcpy(option.tcpm_key, key, size);
        option.tcpm_keylen = (uint16_t)size;
    }
    int result = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &option, sizeof option);
    int error = errno;
    explicit_bzero(&option, sizeof option);
    errno = error;
    return result == 0 || (key == NULL && error == ENOENT);
}

bool tcp_option_mss(int fd, uint32_t tcp_mss)
{
    int mss = (int)tcp_mss;
    return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss) == 0;
}

bool tcp_option_ttl(int fd, uint8_t family, uint8_t ttl, uint8_t ttl_min)
{
    int level = family == IP_V6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int hops = ttl;
    int hops_min = ttl_min;
    if (ttl != 0 &&
        setsockopt(fd, level, family == IP_V6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof hops)) {
        return false;
    }
    return ttl_min == 0 || setsockopt(fd, level, family == IP_V6 ? IPV6_MINHOPCOUNT : IP_MINTTL,
                                      &hops_min, sizeof hops_min) == 0;
}

uint32_t tcp_incoming_ifindex(int fd, uint8_t family)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[256];
    } control;
    socklen_t size = sizeof control;
    int level = family == IP_V6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = family == IP_V6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS;
    if (getsockopt(fd, level, option, &control, &size) != 0) {
        return 0;
    }
    struct msghdr message = {.msg_control = &control, .msg_controllen = size};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return (uint32_t)info.ipi_ifindex;
        }
        if (c->cmsg_level == IPPROTO_IPV6 &&
            (c->cmsg_type == IPV6_PKTINFO || c->cmsg_type == IPV6_2292PKTINFO)) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return info.ipi6_ifindex;
        }
    }
    return 0;
}
