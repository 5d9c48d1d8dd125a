/* How much a peer may say: prefixes of a family (maximum-prefix), paths of a prefix, routes of
 * everybody. */
#include <stdio.h>

#include "bgpd/core/routes_private.h"
#include "proto/base/assert.h"

/* With ADD-PATH (RFC 7911) a peer can put any number of paths beside each other, and every look at
 * their prefix goes over all of them. */
#define PATHS_OF_PREFIX_MAX 512u

/* True when a peer that sends several paths may add this one. */
static bool paths_leave_room(struct core *core, struct peer_family *family, const struct nlri *nlri)
{
    const struct loc_rib *rib = core->ribs[family->afi_safi];
    dest_id dest = loc_rib_find(rib, &nlri->prefix);
    struct route_view path = {0};
    uint32_t count = 0;
    while (dest != 0 && dest_next_route(rib, dest, &path)) {
        if (path.source == family->source && path.path_id == nlri->path_id) {
            return true; /* it takes the place of what is there */
        }
        count += path.source == family->source ? 1 : 0;
    }
    if (count < PATHS_OF_PREFIX_MAX) {
        return true;
    }
    if (!family->paths_limit_logged) {
        family->paths_limit_logged = true;
        core_log(core, LOG_PREFIX_LIMIT, LOG_SEVERITY_ERROR, &family->peer->addr, &nlri->prefix,
                 "%s: %u paths of one prefix are taken, further ones are refused",
                 afi_safi_title(family->afi_safi), PATHS_OF_PREFIX_MAX);
    }
    return false;
}

bool import_limit_allows(struct core *core, struct peer_family *family, const struct nlri *nlri)
{
    bool has_paths =
        (family->peer->update_options.add_path_receive & AFI_SAFI_BIT(family->afi_safi)) != 0;
    if (has_paths && !paths_leave_room(core, family, nlri)) {
        return false;
    }
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    if (!config->max_prefixes.is_set || config->max_prefixes.value == 0 ||
        config->max_prefixes_action.value != PREFIX_LIMIT_HOLD) {
        return true;
    }
    struct loc_rib *rib = core->ribs[family->afi_safi];
    if (loc_rib_source_routes(rib, family->source) < config->max_prefixes.value) {
        return true;
    }
    struct route_view known;
    if (adj_rib_in_find(rib, family->source, &nlri->prefix, nlri->path_id, &known) == STATUS_OK) {
        return true;
    }
    if (!family->limit_reached) {
        family->limit_reached = true;
        core_log(core, LOG_PREFIX_LIMIT, LOG_SEVERITY_ERROR, &family->peer->addr, &nlri->prefix,
                 "%s: maximum-prefix %u reached, further prefixes are refused",
                 afi_safi_title(family->afi_safi), config->max_prefixes.value);
    }
    return false;
}

static struct wire_error import_teardown(struct core *core, struct peer_family *family,
                                         uint32_t limit)
{
    struct peer_routes *routes = family->peer->routes;
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    uint8_t *data = routes->notification_data; /* RFC 4486 4: AFI, SAFI, upper bound */
    store_be16(data, afi_safi_afi(family->afi_safi));
    data[2] = SAFI_UNICAST;
    store_be32(data + 3, limit);
    char reason[64];
    snprintf(reason, sizeof reason, "maximum-prefix %u exceeded", limit);
    peer_hold_idle(core, family->peer,
                   config->max_prefixes_restart_min.is_set
                       ? mono_span_s((int64_t)config->max_prefixes_restart_min.value * 60)
                       : MONO_SPAN_NONE,
                   reason);
    return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                               .code = NOTIFICATION_CEASE,
                               .subcode = CEASE_MAX_PREFIXES,
                               .data = {data, 7},
                               .what = "maximum number of prefixes reached"};
}

struct wire_error import_check_limit(struct core *core, struct peer_family *family)
{
    uint32_t routes_max = core->limits.prefixes_max;
    uint32_t routes = 0;
    for (unsigned i = 0; i < AFI_SAFI_COUNT; i++) {
        routes += loc_rib_route_count(core->ribs[i]);
    }
    if (routes_max != 0 && routes > routes_max) {
        return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                                   .code = NOTIFICATION_CEASE,
                                   .subcode = CEASE_OUT_OF_RESOURCES,
                                   .what = "no room for more routes"};
    }
    const struct config_family *config = &family->peer->settings.merged.families[family->afi_safi];
    if (!config->max_prefixes.is_set || config->max_prefixes.value == 0) {
        return WIRE_NO_ERROR;
    }
    uint32_t limit = config->max_prefixes.value;
    uint32_t count = loc_rib_source_routes(core->ribs[family->afi_safi], family->source);
    uint32_t warning_pct =
        config->max_prefixes_warning_pct.is_set ? config->max_prefixes_warning_pct.value : 75;
    if (count > limit && config->max_prefixes_action.value == PREFIX_LIMIT_TEARDOWN) {
        core_log(core, LOG_PREFIX_LIMIT, LOG_SEVERITY_ERROR, &family->peer->addr, NULL,
                 "%s: %u prefixes received, maximum-prefix is %u: session ended",
                 afi_safi_title(family->afi_safi), count, limit);
        return import_teardown(core, family, limit);
    }
    if (count > limit && !family->limit_reached) {
        family->limit_reached = true;
        core_log(core, LOG_PREFIX_LIMIT, LOG_SEVERITY_WARNING, &family->peer->addr, NULL,
                 "%s: %u prefixes received, maximum-prefix is %u (warning only)",
                 afi_safi_title(family->afi_safi), count, limit);
    } else if ((uint64_t)count * 100 > (uint64_t)limit * warning_pct && !family->limit_warned) {
        family->limit_warned = true;
        core_log(core, LOG_PREFIX_LIMIT, LOG_SEVERITY_WARNING, &family->peer->addr, NULL,
                 "%s: %u prefixes received, over %u%% of maximum-prefix %u",
                 afi_safi_title(family->afi_safi), count, warning_pct, limit);
    }
    return WIRE_NO_ERROR;
}
