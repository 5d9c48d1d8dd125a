/* What is known about Azure's BGP speakers, as data and checks: AS numbers, timers, limits, filters
 * (docs: azure.md; sources in docs/azure). */
#ifndef POLICY_AZURE_ROLE_H
#define POLICY_AZURE_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "proto/path_attr.h"
#include "proto/prefix.h"
#include "rib/nexthop.h"

enum azure_role {
    AZURE_ROLE_NONE = 0,
    AZURE_ROLE_MSEE,
    AZURE_ROLE_MICROSOFT_PEERING,
    AZURE_ROLE_VPN_GATEWAY,
    AZURE_ROLE_VWAN_HUB,
    AZURE_ROLE_ROUTE_SERVER,
    AZURE_ROLE_COUNT,
};

struct azure_role_profile {
    const char *name;         /* "msee" */
    uint32_t remote_asn;      /* default */
    bool remote_asn_is_fixed; /* refuse another one */
    uint16_t keepalive_s;
    uint16_t hold_time_s;
    uint16_t hold_time_floor_s; /* below: refused */
    uint16_t hold_time_warn_s;  /* below: warned */
    uint8_t multihop_ttl;       /* 1: directly connected */
    bool uses_loopback_source;  /* session sourced from the router id when that is local */
    bool uses_bfd;
    uint32_t bfd_interval_ms;
    uint8_t bfd_multiplier;
    bool allows_md5;
    uint8_t md5_key_bytes_max;
    bool md5_alphanumeric_only;
    bool allows_as4;
    uint32_t prefixes_out_max[AFI_SAFI_COUNT]; /* 0: no limit known */
    uint32_t prefixes_in_max[AFI_SAFI_COUNT];
    bool is_tunnelled; /* reached through a tunnel: its routes need one */
};

const struct azure_role_profile *azure_role_profile(enum azure_role role);

/* AZURE_ROLE_COUNT when name is no role. */
enum azure_role azure_role_parse(const char *name);

/* Why local_asn may not be used towards role, quoting the rule; NULL when it may. */
const char *azure_local_asn_refusal(enum azure_role role, uint32_t local_asn);

/* Why the password cannot work towards role; NULL when it can. Never contains the password. */
const char *azure_password_refusal(enum azure_role role, const char *password);

/* Safe import of the role with no route-map configured: refuses the default route, own prefixes
 * (equal to or inside one of own), routes carrying local_asn, and what the role must never send
 * (bogus classes). NULL when the route is fine, else why not. */
const char *azure_import_refusal(enum azure_role role, const struct prefix *prefix,
                                 const struct path_attrs *attrs, const struct prefix *own,
                                 size_t own_count, uint32_t local_asn);

/* Safe export of the role with no route-map configured: only local routes (not transit from another
 * Azure peer), no default route unless asked for, private space kept off Microsoft peering. */
const char *azure_export_refusal(enum azure_role role, const struct prefix *prefix,
                                 const struct path_attrs *attrs, bool is_local_route);

#endif
