/* Shared by the two halves of config_check. */
#ifndef BGPD_CORE_CONFIG_CHECK_PRIVATE_H
#define BGPD_CORE_CONFIG_CHECK_PRIVATE_H

#include "bgpd/core/config_model.h"

#define HOLD_TIME_S_MIN 3u /* RFC 4271 4.2: zero, or at least three seconds */

struct config_checker {
    const struct config *config;
    struct config_messages *messages;
    bool has_error;
};

/* path and text are arena strings or static. */
void check_error(struct config_checker *checker, const char *path, const char *text);
void check_warning(struct config_checker *checker, const char *path, const char *text);

/* Warns when a named route-map is not defined. name may be NULL. */
void check_route_map(struct config_checker *checker, const char *path, const char *name);

/* Neighbors, peer-groups and listen ranges. */
void check_neighbors(struct config_checker *checker);

#endif
