#ifndef BGPD_CLI_NEIGHBOR_RESTART_H
#define BGPD_CLI_NEIGHBOR_RESTART_H

#include "bgpd/cli/json.h"
#include "bgpd/cli/out.h"
#include "proto/control.pb-c.h"

/* Nothing for a session without graceful restart whose routes are not kept. */
void neighbor_restart_text(struct out *out, const Control__Neighbor *row);
void neighbor_restart_json(struct json *json, const Control__Neighbor *row);

#endif
