/* The UDP sockets of BFD (RFC 5881 4 and 5, RFC 5883): what they must be set to, and what must be
 * known about a datagram besides its octets. */
#ifndef BGPD_IO_BFD_SOCKET_H
#define BGPD_IO_BFD_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bfd_packet.h"
#include "proto/prefix.h"

#define BFD_DATAGRAM_BYTES_MAX 128u /* longer ones are cut: trailing octets mean nothing */
#define BFD_RECEIVE_BATCH      64u

struct bfd_datagram {
    struct ip_addr from;
    struct ip_addr to;
    uint32_t ifindex; /* on which it came */
    int ttl;          /* -1: the kernel did not say */
    size_t size;
    uint8_t data[BFD_DATAGRAM_BYTES_MAX];
};

/* A socket that hears everybody on the port of the kind; -1 with errno. */
int bfd_socket_listen(uint8_t family, bool is_multihop);

/* At most max (and BFD_RECEIVE_BATCH) datagrams; 0 when none wait. */
size_t bfd_socket_receive(int socket, struct bfd_datagram *datagrams_out, size_t max);

/* A socket that sends for one session, from a port of 49152 or above. interface "" for none, local
 * may be IP_NONE. first_port varies the search for a free one. -1 with errno. */
int bfd_socket_open(uint8_t family, const struct ip_addr *local, const char *interface,
                    uint16_t first_port);

/* ifindex scopes a link-local peer. False with errno. */
bool bfd_socket_send(int socket, const struct ip_addr *peer, uint32_t ifindex, bool is_multihop,
                     struct byte_view octets);

#endif
