/* Two connections between the same two speakers: which one stays (RFC 4271 6.8, RFC 6286 2.3). */
#ifndef BGPD_CORE_COLLISION_H
#define BGPD_CORE_COLLISION_H

#include <stdbool.h>
#include <stdint.h>

struct collision_sides {
    uint32_t our_router_id;
    uint32_t their_router_id;
    uint32_t our_asn;
    uint32_t their_asn;
};

/* True when the connection that we opened stays, false when the peer's does. */
bool collision_ours_stays(const struct collision_sides *sides);

#endif
