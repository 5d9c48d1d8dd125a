/* The inside of struct core, for the modules of bgpd/core and their tests only. Each module owns
 * one member and reaches the others through their headers. */
#ifndef BGPD_CORE_CORE_PRIVATE_H
#define BGPD_CORE_CORE_PRIVATE_H

#include "bgpd/core/action_queue.h"
#include "bgpd/core/core.h"
#include "bgpd/core/timer_queue.h"
#include "proto/base/random.h"
#include "rib/loc_rib.h"

struct peer_table;     /* bgpd/core/peer.h */
struct route_engine;   /* bgpd/core/routes.h */
struct kernel_side;    /* bgpd/core/kernel_side.h */
struct router_id_pool; /* bgpd/core/router_id.h */

/* The first moments after a start over what an earlier run left (graceful_restart.c). */
struct restart {
    bool has_preserved; /* its routes were found in the kernel */
    bool is_deferred[AFI_SAFI_COUNT];
    struct mono_time bfd_deadline;    /* sessions wait for their BFD until then */
    struct mono_time return_deadline; /* who is not back by then is not waited for */
    struct mono_time defer_deadline;
    struct mono_time preserved_until; /* peers have given our routes up by then */
    struct timer timer;
};

struct core {
    struct core_limits limits;
    struct random_source random;
    struct mono_time now;  /* of the event or slice being worked on */
    struct mono_time seen; /* when the source of the event saw it */
    struct config *config; /* running; NULL before the first */
    struct policy_set *policies;
    struct protection_set *protections;
    uint32_t router_id; /* in force: configured, else the highest local IPv4 address seen */
    struct decision_options decision;
    struct action_queue actions;
    struct timer_queue timers;
    struct attr_table *attrs;
    struct loc_rib *ribs[AFI_SAFI_COUNT];
    struct arena scratch; /* of the message or destination in hand; its user resets it */
    struct peer_table *peers;
    struct route_engine *routes;
    struct kernel_side *kernel;
    struct router_id_pool *router_ids;
    struct restart restart;
    uint32_t next_operation;
    bool is_stopping;
};

/* Queues one line for the log. peer and prefix may be NULL. Text beyond LOG_TEXT_BYTES is cut. */
void core_log(struct core *core, enum log_event_kind kind, enum log_severity severity,
              const struct ip_addr *peer, const struct prefix *prefix, const char *format, ...)
    PRINTF_LIKE(6, 7);

#endif
