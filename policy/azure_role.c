#include "policy/azure_role.h"

#include <ctype.h>
#include <string.h>

#include "proto/as_path.h"
#include "proto/base/assert.h"

static const struct azure_role_profile profiles[AZURE_ROLE_COUNT] = {
    [AZURE_ROLE_NONE] = {.name = "none",
                         .keepalive_s = 60,
                         .hold_time_s = 180,
                         .multihop_ttl = 1,
                         .allows_md5 = true,
                         .allows_as4 = true},
    [AZURE_ROLE_MSEE] = {.name = "msee",
                         .remote_asn = 12076,
                         .remote_asn_is_fixed = true,
                         .keepalive_s = 60,
                         .hold_time_s = 180,
                         .hold_time_floor_s = 10,
                         .hold_time_warn_s = 10,
                         .multihop_ttl = 1,
                         .uses_bfd = true,
                         .bfd_interval_ms = 300,
                         .bfd_multiplier = 3,
                         .allows_md5 = true,
                         .md5_key_bytes_max = 25,
                         .md5_alphanumeric_only = true,
                         .allows_as4 = true,
                         .prefixes_out_max = {4000, 100},
                         .prefixes_in_max = {10000, 1000}},
    [AZURE_ROLE_MICROSOFT_PEERING] = {.name = "microsoft-peering",
                                      .remote_asn = 12076,
                                      .remote_asn_is_fixed = true,
                                      .keepalive_s = 60,
                                      .hold_time_s = 180,
                                      .hold_time_floor_s = 10,
                                      .hold_time_warn_s = 10,
                                      .multihop_ttl = 1,
                                      .uses_bfd = true,
                                      .bfd_interval_ms = 300,
                                      .bfd_multiplier = 3,
                                      .allows_md5 = true,
                                      .md5_key_bytes_max = 25,
                                      .md5_alphanumeric_only = true,
                                      .allows_as4 = true,
                                      .prefixes_out_max = {200, 200},
                                      .prefixes_in_max = {20000, 20000}},
    [AZURE_ROLE_VPN_GATEWAY] = {.name = "vpn-gateway",
                                .remote_asn = 65515,
                                .keepalive_s = 60,
                                .hold_time_s = 180,
                                .hold_time_floor_s = 3,
                                .hold_time_warn_s = 180,
                                .multihop_ttl = 5,
                                .uses_loopback_source = true,
                                .allows_as4 = true,
                                .prefixes_out_max = {4000, 4000},
                                .prefixes_in_max = {10000, 1000},
                                .is_tunnelled = true},
    [AZURE_ROLE_VWAN_HUB] = {.name = "vwan-hub",
                             .remote_asn = 65515,
                             .remote_asn_is_fixed = true,
                             .keepalive_s = 60,
                             .hold_time_s = 180,
                             .hold_time_floor_s = 3,
                             .hold_time_warn_s = 180,
                             .multihop_ttl = 5,
                             .uses_loopback_source = true,
                             .allows_as4 = true,
                             .prefixes_out_max = {4000, 4000},
                             .prefixes_in_max = {10000, 1000},
                             .is_tunnelled = true},
    [AZURE_ROLE_ROUTE_SERVER] = {.name = "route-server",
                                 .remote_asn = 65515,
                                 .remote_asn_is_fixed = true,
                                 .keepalive_s = 60,
                                 .hold_time_s = 180,
                                 .hold_time_floor_s = 3,
                                 .hold_time_warn_s = 180,
                                 .multihop_ttl = 5,
                                 .prefixes_out_max = {4000, 4000},
                                 .prefixes_in_max = {10000, 1000}},
};

const struct azure_role_profile *azure_role_profile(enum azure_role role)
{
    ASSERT(role < AZURE_ROLE_COUNT);
    return &profiles[role];
}

enum azure_role azure_role_parse(const char *name)
{
    for (int role = AZURE_ROLE_NONE + 1; role < AZURE_ROLE_COUNT; role++) {
        if (strcmp(profiles[role].name, name) == 0) {
            return (enum azure_role)role;
        }
    }
    return AZURE_ROLE_COUNT;
}

static bool is_within(uint32_t asn, uint32_t first, uint32_t last)
{
    return asn >= first && asn <= last;
}

static const char *expressroute_refusal(enum azure_role role, uint32_t asn)
{
    if (asn == 12076) {
        return "AS 12076 is Microsoft's own on ExpressRoute";
    }
    if (is_within(asn, 65515, 65520)) {
        return "ExpressRoute reserves the private AS numbers 65515 to 65520";
    }
    if (role == AZURE_ROLE_MICROSOFT_PEERING && is_within(asn, 64496, 64511)) {
        return "Microsoft peering refuses the documentation AS numbers 64496 to 64511";
    }
    return NULL;
}

/* The list the VPN gateway, the virtual WAN hub and the route server share. */
static const char *gateway_refusal(uint32_t asn)
{
    if (asn == 8074 || asn == 8075 || asn == 12076) {
        return "Azure reserves the public AS numbers 8074, 8075 and 12076";
    }
    if (asn == 65515 || is_within(asn, 65517, 65520)) {
        return "Azure reserves the private AS numbers 65515 and 65517 to 65520";
    }
    if (is_within(asn, 64496, 64511) || is_within(asn, 65535, 65551)) {
        return "IANA reserves 64496 to 64511 and 65535 to 65551, and Azure refuses them";
    }
    if (asn == 429496729) {
        return "Azure's list of refused AS numbers names 429496729";
    }
    return NULL;
}

const char *azure_local_asn_refusal(enum azure_role role, uint32_t local_asn)
{
    if (role == AZURE_ROLE_NONE) {
        return NULL;
    }
    if (local_asn == 0 || local_asn == ASN_TRANS || local_asn == 65535 || local_asn == UINT32_MAX) {
        return "0, 23456, 65535 and 4294967295 are reserved and no AS of a router";
    }
    if (role == AZURE_ROLE_MSEE || role == AZURE_ROLE_MICROSOFT_PEERING) {
        return expressroute_refusal(role, local_asn);
    }
    const char *refusal = gateway_refusal(local_asn);
    if (refusal == NULL && role == AZURE_ROLE_ROUTE_SERVER && local_asn > UINT16_MAX) {
        return "Azure Route Server takes 2-octet AS numbers only";
    }
    return refusal;
}

const char *azure_password_refusal(enum azure_role role, const char *password)
{
    const struct azure_role_profile *profile = azure_role_profile(role);
    if (!profile->allows_md5) {
        return "this Azure speaker offers no TCP MD5; IPsec protects the session";
    }
    if (profile->md5_key_bytes_max != 0 && strlen(password) > profile->md5_key_bytes_max) {
        return "ExpressRoute takes at most 25 characters";
    }
    for (const char *at = password; profile->md5_alphanumeric_only && *at != 0; at++) {
        if (!isalnum((unsigned char)*at)) {
            return "ExpressRoute takes letters and digits only";
        }
    }
    return NULL;
}

struct v4_range {
    uint32_t addr;
    uint8_t len_bits;
};

static bool is_inside_v4(const struct prefix *prefix, const struct v4_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ip_addr addr = ip_from_v4(ranges[i].addr);
        struct prefix range = prefix_make(&addr, ranges[i].len_bits);
        if (prefix_contains(&range, prefix)) {
            return true;
        }
    }
    return false;
}

static bool is_martian(const struct prefix *prefix)
{
    static const struct v4_range ranges[] = {
        {0x00000000, 8}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xe0000000, 3}};
    struct ip_addr addr = prefix_addr(prefix);
    if (prefix->family == IP_V4) {
        return is_inside_v4(prefix, ranges, sizeof ranges / sizeof ranges[0]);
    }
    return ip_is_multicast(&addr) || (prefix->len_bits >= 10 && ip_is_link_local(&addr)) ||
           (prefix->len_bits == 128 && (ip_is_loopback(&addr) || ip_is_unspecified(&addr)));
}

static bool is_private(const struct prefix *prefix)
{
    static const struct v4_range ranges[] = {
        {0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0x64400000, 10}};
    if (prefix->family == IP_V4) {
        return is_inside_v4(prefix, ranges, sizeof ranges / sizeof ranges[0]);
    }
    return (prefix->bytes[0] & 0xfe) == 0xfc; /* fc00::/7 */
}

const char *azure_import_refusal(enum azure_role role, const struct prefix *prefix,
                                 const struct path_attrs *attrs, const struct prefix *own,
                                 size_t own_count, uint32_t local_asn)
{
    if (prefix->len_bits == 0) {
        return "a default route from Azure needs a route-map that permits it";
    }
    if (is_martian(prefix)) {
        return "loopback, link-local and multicast space is never Azure's";
    }
    if (role == AZURE_ROLE_MICROSOFT_PEERING && is_private(prefix)) {
        return "Microsoft peering carries public prefixes only";
    }
    if (as_path_occurrences(attrs->as_path, local_asn) != 0) {
        return "the AS path contains our own AS";
    }
    for (size_t i = 0; i < own_count; i++) {
        if (prefix_contains(&own[i], prefix)) {
            return "it is one of our own networks or lies inside one";
        }
    }
    return NULL;
}

const char *azure_export_refusal(enum azure_role role, const struct prefix *prefix,
                                 const struct path_attrs *attrs, bool is_local_route)
{
    (void)attrs;
    if (prefix->len_bits == 0) {
        return "a default route towards Azure takes over its virtual networks; it needs "
               "default-originate or a route-map";
    }
    if (!is_local_route) {
        return "routes of other peers are not passed on to Azure without a route-map";
    }
    if (role == AZURE_ROLE_MICROSOFT_PEERING && is_private(prefix)) {
        return "Microsoft peering refuses private prefixes";
    }
    return NULL;
}
