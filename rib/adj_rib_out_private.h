/* Recounts of adj-rib-out, for the tests of rib. */
#ifndef RIB_ADJ_RIB_OUT_PRIVATE_H
#define RIB_ADJ_RIB_OUT_PRIVATE_H

#include "rib/adj_rib_out.h"

/* Links, counters and positions agree with what is there. */
bool adj_rib_out_is_consistent(const struct adj_rib_out *out);

#endif
