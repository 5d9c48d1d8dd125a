/* The walk in prefix order. It keeps a position, not a place in the table, so the table may change
 * under it. */
#include "rib/loc_rib_private.h"

void rib_walker_init(struct rib_walker *walker, const struct prefix *within)
{
    *walker = (struct rib_walker){0};
    if (within != NULL) {
        walker->within = *within;
    }
}

dest_id rib_walker_next(struct rib_walker *walker, const struct loc_rib *rib)
{
    if (walker->is_done) {
        return 0;
    }
    bool is_first = !walker->is_started;
    if (is_first) {
        walker->is_started = true;
        uint8_t family = afi_safi_family(rib->afi_safi);
        walker->position =
            walker->within.family == IP_NONE ? (struct prefix){.family = family} : walker->within;
        if (walker->position.family != family) {
            walker->is_done = true;
            return 0;
        }
    }
    dest_id dest = prefix_index_after(rib->index, &walker->position, is_first);
    if (dest != 0) {
        walker->position = dest_prefix(rib, dest);
        if (walker->within.family == IP_NONE ||
            prefix_contains(&walker->within, &walker->position)) {
            return dest;
        }
    }
    walker->is_done = true;
    return 0;
}
