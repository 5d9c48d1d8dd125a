#include "bgpd/io/bfd_socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOURCE_PORT_FIRST 49152u /* RFC 5881 4 */
#define SOURCE_PORT_COUNT 16384u
#define SOURCE_PORT_TRIES 64u
#define HOP_LIMIT         255
#define TRAFFIC_CLASS     0xc0 /* CS6, as routing protocols have */
#define SEND_PRIORITY     7
#define RECEIVE_BYTES     (1 << 20)
#define CONTROL_BYTES     128u

union socket_addr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t addr_fill(union socket_addr *out, const struct ip_addr *addr, uint8_t family,
                           uint16_t port, uint32_t ifindex)
{
    memset(out, 0, sizeof *out);
    if (family == IP_V4) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        memcpy(&out->v4.sin_addr, addr->bytes, 4);
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(port);
    memcpy(&out->v6.sin6_addr, addr->bytes, 16);
    out->v6.sin6_scope_id = ip_is_link_local(addr) ? ifindex : 0;
    return sizeof out->v6;
}

static int open_udp(uint8_t family)
{
    return socket(family == IP_V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  IPPROTO_UDP);
}

static int close_keeping_errno(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool set_listen_options(int fd, uint8_t family)
{
    /* A stall of the machine must not cost packets. Not needed for correctness. */
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)) {
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
    }
    if (family == IP_V4) {
        return set_int(fd, IPPROTO_IP, IP_RECVTTL, 1) && set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
    return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

int bfd_socket_listen(uint8_t family, bool is_multihop)
{
    static const struct ip_addr anybody = {.family = IP_NONE};
    union socket_addr addr;
    uint16_t port = is_multihop ? BFD_PORT_MULTIHOP : BFD_PORT_SINGLE_HOP;
    socklen_t length = addr_fill(&addr, &anybody, family, port, 0);
    int fd = open_udp(family);
    if (fd < 0) {
        return -1;
    }
    if (!set_listen_options(fd, family) || bind(fd, &addr.any, length) != 0) {
        return close_keeping_errno(fd);
    }
    return fd;
}

static void read_control(struct msghdr *message, struct bfd_datagram *out)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        const void *data = CMSG_DATA(part);
        bool is_v4 = part->cmsg_level == IPPROTO_IP;
        if ((is_v4 && part->cmsg_type == IP_TTL) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT)) {
            memcpy(&out->ttl, data, sizeof out->ttl);
        } else if (is_v4 && part->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, data, sizeof info);
            out->ifindex = (uint32_t)info.ipi_ifindex;
            out->to = ip_from_bytes((const uint8_t *)&info.ipi_addr, 4);
        } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, data, sizeof info);
            out->ifindex = info.ipi6_ifindex;
            out->to = ip_from_bytes((const uint8_t *)&info.ipi6_addr, 16);
        }
    }
}

static void read_datagram(struct mmsghdr *message, const union socket_addr *from,
                          struct bfd_datagram *out)
{
    out->ttl = -1;
    out->ifindex = 0;
    out->to = (struct ip_addr){.family = IP_NONE};
    out->size = message->msg_len;
    out->from = from->any.sa_family == AF_INET
                    ? ip_from_bytes((const uint8_t *)&from->v4.sin_addr, 4)
                    : ip_from_bytes((const uint8_t *)&from->v6.sin6_addr, 16);
    read_control(&message->msg_hdr, out);
}

size_t bfd_socket_receive(int socket, struct bfd_datagram *datagrams_out, size_t max)
{
    struct mmsghdr messages[BFD_RECEIVE_BATCH];
    struct iovec pieces[BFD_RECEIVE_BATCH];
    union socket_addr from[BFD_RECEIVE_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[BFD_RECEIVE_BATCH][CONTROL_BYTES];
    size_t wanted = max < BFD_RECEIVE_BATCH ? max : BFD_RECEIVE_BATCH;
    for (size_t i = 0; i < wanted; i++) {
        pieces[i] = (struct iovec){datagrams_out[i].data, sizeof datagrams_out[i].data};
        messages[i].msg_len = 0;
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i],
            .msg_namelen = sizeof from[i],
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
            .msg_control = control[i],
            .msg_controllen = CONTROL_BYTES,
        };
    }
    int got = recvmmsg(socket, messages, (unsigned)wanted, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        read_datagram(&messages[i], &from[i], &datagrams_out[i]);
    }
    return got > 0 ? (size_t)got : 0;
}

static bool set_send_options(int fd, uint8_t family, const char *interface)
{
    (void)set_int(fd, SOL_SOCKET, SO_PRIORITY, SEND_PRIORITY);
    (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, 0); /* Nobody has business sending to it. */
    if (interface[0] != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) != 0) {
        return false;
    }
    if (family == IP_V4) {
        (void)set_int(fd, IPPROTO_IP, IP_TOS, TRAFFIC_CLASS);
        return set_int(fd, IPPROTO_IP, IP_TTL, HOP_LIMIT);
    }
    (void)set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, TRAFFIC_CLASS);
    return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT);
}

int bfd_socket_open(uint8_t family, const struct ip_addr *local, const char *interface,
                    uint16_t first_port)
{
    int fd = open_udp(family);
    if (fd < 0) {
        return -1;
    }
    if (!set_send_options(fd, family, interface)) {
        return close_keeping_errno(fd);
    }
    uint32_t ifindex = interface[0] != 0 ? if_nametoindex(interface) : 0;
    for (uint32_t i = 0; i < SOURCE_PORT_TRIES; i++) {
        union socket_addr addr;
        uint16_t port = (uint16_t)(SOURCE_PORT_FIRST + (first_port + i) % SOURCE_PORT_COUNT);
        socklen_t length = addr_fill(&addr, local, family, port, ifindex);
        if (bind(fd, &addr.any, length) == 0) {
            return fd;
        }
        if (errno != EADDRINUSE) {
            break;
        }
    }
    return close_keeping_errno(fd);
}

bool bfd_socket_send(int socket, const struct ip_addr *peer, uint32_t ifindex, bool is_multihop,
                     struct byte_view octets)
{
    union socket_addr addr;
    uint16_t port = is_multihop ? BFD_PORT_MULTIHOP : BFD_PORT_SINGLE_HOP;
    socklen_t length = addr_fill(&addr, peer, peer->family, port, ifindex);
    return sendto(socket, octets.data, octets.size, MSG_DONTWAIT, &addr.any, length) ==
           (ssize_t)octets.size;
}
