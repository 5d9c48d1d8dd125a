/* Addresses and prefixes of both IP versions as plain values. */
#ifndef PROTO_PREFIX_H
#define PROTO_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/afi_safi.h"
#include "proto/base/cursor.h"
#include "proto/base/status.h"

enum ip_family {
    IP_NONE = 0,
    IP_V4 = 4,
    IP_V6 = 6,
};

/* bytes beyond the family's 4 or 16 are zero, so that values compare octet by octet. */
struct ip_addr {
    uint8_t family; /* enum ip_family */
    uint8_t bytes[16];
};

/* Host bits are zero in every prefix Sealane holds; prefix_make and the readers see to it. */
struct prefix {
    uint8_t family; /* enum ip_family */
    uint8_t len_bits;
    uint8_t bytes[16];
};

#define IP_TEXT_BYTES     46 /* an address with its terminating zero */
#define PREFIX_TEXT_BYTES 50

static inline uint8_t ip_family_bits(uint8_t family)
{
    return family == IP_V4 ? 32 : family == IP_V6 ? 128 : 0;
}

static inline uint8_t ip_family_bytes(uint8_t family)
{
    return (uint8_t)(ip_family_bits(family) / 8);
}

static inline uint8_t afi_safi_family(enum afi_safi afi_safi)
{
    return afi_safi == AFI_SAFI_IPV6_UNICAST ? IP_V6 : IP_V4;
}

static inline enum afi_safi prefix_afi_safi(const struct prefix *prefix)
{
    return prefix->family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
}

/* host is in host byte order. */
struct ip_addr ip_from_v4(uint32_t host);
uint32_t ip_to_v4(const struct ip_addr *addr);

/* size 4 or 16, network order; any other size gives IP_NONE. */
struct ip_addr ip_from_bytes(const uint8_t *bytes, size_t size);

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);

/* Total order: family, then numeric. */
int ip_compare(const struct ip_addr *a, const struct ip_addr *b);

bool ip_is_unspecified(const struct ip_addr *addr);
bool ip_is_loopback(const struct ip_addr *addr);
bool ip_is_multicast(const struct ip_addr *addr);
bool ip_is_link_local(const struct ip_addr *addr); /* fe80::/10 only */

/* RFC 4271 6.3: an address that can be a next hop: not 0/8, 127/8, class D or E; for IPv6 not
 * unspecified, loopback or multicast. */
bool ip_is_usable_next_hop(const struct ip_addr *addr);

/* Parses exactly one address; text with anything else is STATUS_INVALID. */
NODISCARD enum status ip_parse(const char *text, struct ip_addr *addr_out);

/* Writes at most IP_TEXT_BYTES octets; returns text_out. IP_NONE gives "-". */
char *ip_format(const struct ip_addr *addr, char text_out[IP_TEXT_BYTES]);

/* Zeroes the host bits. len_bits must fit the family (asserted). */
struct prefix prefix_make(const struct ip_addr *addr, uint8_t len_bits);
struct prefix prefix_host(const struct ip_addr *addr);
struct ip_addr prefix_addr(const struct prefix *prefix);

/* "10.0.0.0/16"; host bits set are STATUS_INVALID, as is a missing length. */
NODISCARD enum status prefix_parse(const char *text, struct prefix *prefix_out);

/* As prefix_parse, but clears host bits and takes a missing length as a host prefix. */
NODISCARD enum status prefix_parse_loose(const char *text, struct prefix *prefix_out);
char *prefix_format(const struct prefix *prefix, char text_out[PREFIX_TEXT_BYTES]);

bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Total order: family, address, then shorter first. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* True when inner equals outer or lies inside it; false across families. */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);
bool prefix_contains_ip(const struct prefix *outer, const struct ip_addr *addr);

/* Bit number index counted from the most significant one (0). */
static inline unsigned prefix_bit(const uint8_t *bytes, unsigned index)
{
    return (bytes[index / 8] >> (7 - index % 8)) & 1u;
}

/* Wire form of RFC 4271 4.3: length octet, then the fewest octets. Host bits beyond the length are
 * cleared on reading. A length over the family's bits or missing octets fail the reader. */
struct prefix prefix_read(struct reader *reader, uint8_t family);
void prefix_write(struct writer *writer, const struct prefix *prefix);
static inline size_t prefix_wire_bytes(const struct prefix *prefix)
{
    return 1u + (prefix->len_bits + 7u) / 8u;
}

#endif
