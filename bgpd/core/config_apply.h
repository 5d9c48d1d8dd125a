/* One configuration takes the place of another, whole or not at all. */
#ifndef BGPD_CORE_CONFIG_APPLY_H
#define BGPD_CORE_CONFIG_APPLY_H

#include "bgpd/core/core_private.h"

/* Takes owned_config over. When it cannot be used, an error is logged for each reason and what runs
 * goes on untouched. */
void config_apply(struct core *core, struct config *owned_config);

#endif
