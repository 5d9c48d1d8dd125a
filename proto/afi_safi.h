/* The address families Sealane routes (RFC 4760). Other families are tolerated on the wire and
 * never negotiated. */
#ifndef PROTO_AFI_SAFI_H
#define PROTO_AFI_SAFI_H

#include <stdbool.h>
#include <stdint.h>

#define AFI_IPV4     1u
#define AFI_IPV6     2u
#define SAFI_UNICAST 1u

/* Dense numbers for arrays. */
enum afi_safi {
    AFI_SAFI_IPV4_UNICAST = 0,
    AFI_SAFI_IPV6_UNICAST = 1,
    AFI_SAFI_COUNT = 2,
    AFI_SAFI_NONE = 255,
};

#define AFI_SAFI_BIT(afi_safi) (1u << (afi_safi))

static inline enum afi_safi afi_safi_from_wire(uint16_t afi, uint8_t safi)
{
    if (safi != SAFI_UNICAST) {
        return AFI_SAFI_NONE;
    }
    return afi == AFI_IPV4   ? AFI_SAFI_IPV4_UNICAST
           : afi == AFI_IPV6 ? AFI_SAFI_IPV6_UNICAST
                             : AFI_SAFI_NONE;
}

static inline uint16_t afi_safi_afi(enum afi_safi afi_safi)
{
    return afi_safi == AFI_SAFI_IPV6_UNICAST ? AFI_IPV6 : AFI_IPV4;
}

/* "IPv4 Unicast", as in FRR's show output. */
static inline const char *afi_safi_title(enum afi_safi afi_safi)
{
    return afi_safi == AFI_SAFI_IPV6_UNICAST ? "IPv6 Unicast" : "IPv4 Unicast";
}

/* "ipv4Unicast", as in FRR's JSON. */
static inline const char *afi_safi_json_name(enum afi_safi afi_safi)
{
    return afi_safi == AFI_SAFI_IPV6_UNICAST ? "ipv6Unicast" : "ipv4Unicast";
}

#endif
