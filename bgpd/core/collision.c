#include "bgpd/core/collision.h"

bool collision_ours_stays(const struct collision_sides *sides)
{
    if (sides->our_router_id != sides->their_router_id) {
        return sides->our_router_id > sides->their_router_id;
    }
    return sides->our_asn > sides->their_asn;
}
