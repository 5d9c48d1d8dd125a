/* Socket options of BGP sessions. Each returns false with errno set. */
#ifndef BGPD_IO_TCP_OPTIONS_H
#define BGPD_IO_TCP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/prefix.h"

socklen_t sockaddr_from_ip(const struct ip_addr *addr, uint16_t port, uint32_t ifindex,
                           struct sockaddr_storage *out);
struct ip_addr sockaddr_to_ip(const struct sockaddr_storage *addr, uint16_t *port_out);

/* RFC 2385. peer may be a range; key NULL removes it. */
bool tcp_option_md5(int fd, const struct prefix *peer, const char *key);

/* ttl 0 leaves the default; ttl_min 0 switches RFC 5082 off. */
bool tcp_option_ttl(int fd, uint8_t family, uint8_t ttl, uint8_t ttl_min);

/* The largest segment of connections made from now on; 0 takes it back. */
bool tcp_option_mss(int fd, uint32_t tcp_mss);

/* The interface the connection's packets came in on; 0 when the kernel does not say. */
uint32_t tcp_incoming_ifindex(int fd, uint8_t family);

#endif
