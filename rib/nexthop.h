/* A tracked next hop as the decision process sees it: what it resolves to is found by bgpd/core. */
#ifndef RIB_NEXTHOP_H
#define RIB_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/prefix.h"

/* How traffic through a path is carried, by the interface its next hop really leaves through. */
enum path_class {
    PATH_CLASS_CLEAR = 0,
    PATH_CLASS_MACSEC = 1,
    PATH_CLASS_IPSEC = 2,
    PATH_CLASS_COUNT = 3,
};

#define PATH_CLASS_BIT(path_class) (1u << (path_class))
#define PATH_CLASS_ANY             ((1u << PATH_CLASS_COUNT) - 1u)

/* "clear", "macsec", "ipsec". */
const char *path_class_name(enum path_class path_class);

enum nexthop_state {
    NEXTHOP_UNRESOLVED = 0, /* no route to it */
    NEXTHOP_RESOLVED,
    NEXTHOP_TUNNEL_DOWN,   /* resolves through a tunnel that is not alive */
    NEXTHOP_CAPTURED,      /* resolves only through a route that would capture an endpoint */
    NEXTHOP_LIVENESS_DOWN, /* BFD or another liveness fact says it is dead */
    NEXTHOP_OWN_ADDRESS,   /* one of our own addresses: RFC 4271 5.1.3 */
};

/* Embedded in the core's own object. The decision process reads it and never writes. */
struct nexthop {
    struct ip_addr addr;
    uint32_t metric;        /* cost to reach it: decision step 8 */
    uint8_t state;          /* enum nexthop_state */
    uint8_t path_class;     /* enum path_class; valid when resolved or the tunnel is down */
    uint16_t tunnel_number; /* 1-based number of the tunnel it leaves through; 0 for none */
};

#endif
