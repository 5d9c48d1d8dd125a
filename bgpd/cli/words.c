/* Addresses, ages, sizes and the names of numbers. */
#include "bgpd/cli/words.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *words_addr(const ProtobufCBinaryData *addr, char out[WORDS_ADDR_BYTES])
{
    if ((addr->len != 4 && addr->len != 16) ||
        inet_ntop(addr->len == 4 ? AF_INET : AF_INET6, addr->data, out, WORDS_ADDR_BYTES) == NULL) {
        snprintf(out, WORDS_ADDR_BYTES, "-");
    }
    return out;
}

const char *words_prefix(const ProtobufCBinaryData *addr, uint32_t len_bits,
                         char out[WORDS_PREFIX_BYTES])
{
    char text[WORDS_ADDR_BYTES];
    snprintf(out, WORDS_PREFIX_BYTES, "%s/%u", words_addr(addr, text), len_bits % 1000);
    return out;
}

const char *words_router_id(uint32_t id, char out[WORDS_ADDR_BYTES])
{
    snprintf(out, WORDS_ADDR_BYTES, "%u.%u.%u.%u", id >> 24, (id >> 16) & 255, (id >> 8) & 255,
             id & 255);
    return out;
}

const char *words_age(int64_t age_ms, char out[WORDS_AGE_BYTES])
{
    if (age_ms < 0) {
        snprintf(out, WORDS_AGE_BYTES, "never");
        return out;
    }
    int64_t s = age_ms / 1000;
    int64_t days = s / 86400;
    unsigned hours = (unsigned)(s / 3600 % 24);
    unsigned minutes = (unsigned)(s / 60 % 60);
    if (days < 1) {
        snprintf(out, WORDS_AGE_BYTES, "%02u:%02u:%02u", hours, minutes, (unsigned)(s % 60));
    } else if (days < 7) {
        snprintf(out, WORDS_AGE_BYTES, "%ud%02uh%02um", (unsigned)days, hours, minutes);
    } else if (days < 365) {
        snprintf(out, WORDS_AGE_BYTES, "%02uw%ud%02uh", (unsigned)(days / 7), (unsigned)(days % 7),
                 hours);
    } else {
        snprintf(out, WORDS_AGE_BYTES, "%02lluy%02uw%ud", (unsigned long long)(days / 365),
                 (unsigned)(days % 365 / 7), (unsigned)(days % 365 % 7));
    }
    return out;
}

const char *words_size(uint64_t bytes, char out[WORDS_AGE_BYTES])
{
    static const struct {
        unsigned shift;
        const char *unit;
    } units[] = {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (bytes >> units[i].shift > 10) {
            uint64_t half = UINT64_C(1) << (units[i].shift - 1);
            snprintf(out, WORDS_AGE_BYTES, "%llu %s",
                     (unsigned long long)((bytes + half) >> units[i].shift), units[i].unit);
            return out;
        }
    }
    snprintf(out, WORDS_AGE_BYTES, "%llu bytes", (unsigned long long)bytes);
    return out;
}

const char *words_date(int64_t epoch_s, char out[32])
{
    time_t when = (time_t)epoch_s;
    struct tm parts;
    if (localtime_r(&when, &parts) == NULL ||
        strftime(out, 32, "%a %b %e %H:%M:%S %Y", &parts) == 0) {
        snprintf(out, 32, "-");
    }
    return out;
}

const char *words_date_rfc3339(int64_t epoch_s, char out[32])
{
    time_t when = (time_t)epoch_s;
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(out, 32, "-");
    }
    return out;
}

const char *words_path_class(uint32_t path_class)
{
    static const char *const names[] = {"unknown", "clear", "macsec", "ipsec"};
    return path_class < sizeof names / sizeof names[0] ? names[path_class] : "unknown";
}

const char *words_classes(uint32_t bits)
{
    static const char *const names[] = {
        "no class at all", "clear",          "macsec",          "clear or macsec",
        "ipsec",           "clear or ipsec", "ipsec or macsec", "any class",
    };
    return names[bits & 7];
}

struct reason_words {
    const char *identity;
    const char *won;
    const char *lost;
};

/* By the numbers of the protocol. */
static const struct reason_words reasons[] = {
    {"not-decided", "Not decided", "not decided yet"},
    {"only-path", "First path received", "only path"},
    {"weight-lower", "Weight", "lower weight"},
    {"local-pref-lower", "Local Pref", "lower local preference"},
    {"prefer-local", "Local Route", "a local route is preferred"},
    {"as-path-longer", "AS Path", "longer AS path"},
    {"origin-type-higher", "Origin", "worse origin"},
    {"med-higher", "MED", "higher metric (MED)"},
    {"prefer-external", "Peer Type", "an external path is preferred"},
    {"nexthop-cost-higher", "IGP Metric", "next hop further away"},
    {"multipath", "Multipath", "used beside the best path"},
    {"long-lived-stale", "Long-lived stale", "long-lived stale (RFC 9494)"},
    {"higher-router-id", "Router ID", "higher router ID"},
    {"cluster-list-longer", "Cluster length", "longer cluster list"},
    {"higher-peer-address", "Neighbor IP", "higher neighbor address"},
    {"higher-path-id", "Path ID", "higher path ID"},
    {"rejected-import-policy", "Import policy", "refused by import policy"},
    {"ineligible-unresolvable", "Next hop", "next hop unresolved"},
    {"tunnel-down", "Tunnel down", "tunnel down"},
    {"endpoint-recursion", "Endpoint", "would capture a tunnel endpoint"},
    {"liveness-down", "Liveness", "next hop is dead by BFD or other liveness"},
    {"ineligible-own-next-hop", "Next hop", "next hop is our own address"},
    {"ineligible-as-loop", "AS loop", "own AS in AS path"},
    {"ineligible-originator", "Originator", "own router ID as originator"},
    {"ineligible-cluster-loop", "Cluster loop", "own cluster ID in cluster list"},
    {"encryption-required", "Protection", "prefix requires another path class"},
    {"ineligible-route-leak", "Route leak", "route leak (Only-to-Customer)"},
};

static const struct reason_words *reason_find(uint32_t reason)
{
    static const struct reason_words unknown = {"unknown", "Unknown",
                                                "for a reason of a newer daemon"};
    return reason < sizeof reasons / sizeof reasons[0] ? &reasons[reason] : &unknown;
}

const char *words_reason_won(uint32_t reason)
{
    return reason_find(reason)->won;
}

const char *words_reason_lost(uint32_t reason)
{
    return reason_find(reason)->lost;
}

const char *words_reason_identity(uint32_t reason)
{
    return reason_find(reason)->identity;
}

const char *words_role(uint32_t role)
{
    static const char *const names[] = {"undefined", "provider", "rs-server",
                                        "rs-client", "customer", "peer"};
    return role < sizeof names / sizeof names[0] ? names[role] : "undefined";
}

const char *words_state(uint32_t state)
{
    static const char *const names[] = {"Idle",     "Connect",     "Active",
                                        "OpenSent", "OpenConfirm", "Established"};
    return state < sizeof names / sizeof names[0] ? names[state] : "Unknown";
}

const char *words_origin(uint32_t origin)
{
    static const char *const names[] = {"IGP", "EGP", "incomplete"};
    return origin < sizeof names / sizeof names[0] ? names[origin] : "incomplete";
}

char words_origin_letter(uint32_t origin)
{
    return origin == 0 ? 'i' : origin == 1 ? 'e' : '?';
}

const char *words_family_title(uint32_t family)
{
    return family == 6 ? "IPv6 Unicast" : "IPv4 Unicast";
}

const char *words_family_json(uint32_t family)
{
    return family == 6 ? "ipv6Unicast" : "ipv4Unicast";
}

const char *words_evidence(uint32_t source)
{
    switch (source) {
    case 1:
        return "interface";
    case 2:
        return "xfrm";
    case 4:
        return "vici";
    case 8:
        return "probe";
    case 16:
        return "bfd";
    default:
        return "other";
    }
}

const char *words_verdict(uint32_t verdict)
{
    static const char *const names[] = {"protected", "encrypted", "clear",   "blocked",
                                        "local",     "endpoint",  "exposed", "unknown"};
    size_t count = sizeof names / sizeof names[0];
    return names[verdict < count ? verdict : count - 1];
}

const char *words_drift_kind(uint32_t kind)
{
    static const char *const names[] = {"route", "pin", "static", "guard", "nexthop", "stray"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

const char *words_drift_what(uint32_t what)
{
    static const char *const names[] = {"removed", "changed", "missing"};
    return what < sizeof names / sizeof names[0] ? names[what] : "unknown";
}

const char *words_bfd_state(uint32_t state)
{
    static const char *const names[] = {"shutdown", "down", "init", "up"};
    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

const char *words_bfd_diagnostic(const char *diagnostic)
{
    return strcmp(diagnostic, "no diagnostic") == 0 ? "ok" : diagnostic;
}

const char *words_bfd_auth(uint32_t type)
{
    static const char *const names[] = {"none",           "simple", "md5",
                                        "meticulous-md5", "sha1",   "meticulous-sha1"};
    return type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}
