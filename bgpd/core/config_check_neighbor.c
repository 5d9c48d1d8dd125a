/* What the schema cannot say about neighbors. Each is judged by what it would really run with. */
#include <string.h>

#include "bgpd/core/config_check_private.h"
#include "proto/bfd_auth.h"

#define TEXT(checker, ...) arena_printf((checker)->messages->arena, __VA_ARGS__)

struct neighbor_check {
    struct config_checker *checker;
    const char *name; /* "neighbor 172.16.0.2" */
    const struct config_neighbor *written;
    struct neighbor_settings settings;
};

static const char *path_of(const struct neighbor_check *check, const char *leaf)
{
    return TEXT(check->checker, "%s %s", check->name, leaf);
}

static void error(const struct neighbor_check *check, const char *leaf, const char *text)
{
    check_error(check->checker, path_of(check, leaf), text);
}

static void warning(const struct neighbor_check *check, const char *leaf, const char *text)
{
    check_warning(check->checker, path_of(check, leaf), text);
}

static bool has_group(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->bgp.peer_group_count; i++) {
        if (strcmp(config->bgp.peer_groups[i].group_name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_prefix_list(const struct config *config, uint8_t family, const char *name)
{
    for (size_t i = 0; i < config->policy.prefix_list_count; i++) {
        const struct prefix_list_def *list = &config->policy.prefix_lists[i];
        if (list->family == family && strcmp(list->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_as_path_list(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->policy.as_path_list_count; i++) {
        if (strcmp(config->policy.as_path_lists[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_bfd_profile(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->bfd_profile_count; i++) {
        if (strcmp(config->bfd_profiles[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_timers(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    const struct config_neighbor *merged = &check->settings.merged;
    uint32_t hold_s = merged->hold_time_s.value;
    if (hold_s != 0 && hold_s < HOLD_TIME_S_MIN) {
        error(check, "timers",
              TEXT(checker, "hold time %u: it is 0 or at least 3 seconds (RFC 4271 4.2)", hold_s));
    } else if (hold_s != 0 && merged->keepalive_s.value > hold_s / 3) {
        warning(check, "timers",
                TEXT(checker,
                     "keepalive %u is more than a third of hold time %u: a third will be used",
                     merged->keepalive_s.value, hold_s));
    }
    if (merged->azure_role == AZURE_ROLE_NONE) {
        return;
    }
    const struct azure_role_profile *profile = azure_role_profile(merged->azure_role);
    if (hold_s < profile->hold_time_floor_s) {
        error(check, "timers",
              TEXT(checker, "hold time %u: azure-role %s takes none below %u", hold_s,
                   profile->name, profile->hold_time_floor_s));
    } else if (hold_s < profile->hold_time_warn_s) {
        warning(check, "timers",
                TEXT(checker,
                     "hold time %u: azure-role %s keeps sending for %u whatever is agreed, so "
                     "the session will flap",
                     hold_s, profile->name, profile->hold_time_warn_s));
    }
}

static void check_ao(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    const struct config_neighbor *merged = &check->settings.merged;
    if (merged->ao_key_chain == NULL) {
        return;
    }
    const struct config_key_chain *chain =
        config_find_key_chain(checker->config, merged->ao_key_chain);
    if (chain == NULL || chain->key_count == 0) {
        error(check, "ao",
              TEXT(checker, chain == NULL ? "there is no key chain %s" : "key chain %s has no key",
                   merged->ao_key_chain));
    }
    for (unsigned i = 0; chain != NULL && i < chain->key_count; i++) {
        if (chain->keys[i].secret[0] == 0) {
            error(check, "ao",
                  TEXT(checker, "key %u of key chain %s has no key-string", chain->keys[i].id,
                       chain->name));
        }
    }
    if (merged->password != NULL) {
        error(check, "ao", "a session has a password or a key chain, not both");
    }
    if (merged->azure_role != AZURE_ROLE_NONE) {
        error(check, "ao", "Azure's BGP speakers do not have TCP-AO");
    }
}

static void check_role(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    const struct config_neighbor *merged = &check->settings.merged;
    if (merged->azure_role == AZURE_ROLE_NONE) {
        return;
    }
    const struct azure_role_profile *profile = azure_role_profile(merged->azure_role);
    if (profile->remote_asn_is_fixed && merged->remote_as_kind == REMOTE_AS_NUMBER &&
        merged->remote_asn != profile->remote_asn) {
        error(check, "remote-as",
              TEXT(checker, "%u: azure-role %s is always AS %u", merged->remote_asn, profile->name,
                   profile->remote_asn));
    }
    const char *refusal = azure_local_asn_refusal(merged->azure_role, check->settings.local_asn);
    if (refusal != NULL) {
        error(check, "azure-role",
              TEXT(checker, "local AS %u: %s", check->settings.local_asn, refusal));
    }
    if (merged->password != NULL) {
        refusal = azure_password_refusal(merged->azure_role, merged->password);
        if (refusal != NULL) {
            error(check, "password", refusal);
        }
    }
    if (profile->is_tunnelled && merged->tunnel == NULL) {
        warning(check, "tunnel",
                TEXT(checker,
                     "azure-role %s is reached through a tunnel and none is named: its session "
                     "goes wherever routing leads",
                     profile->name));
    }
}

static void check_identity(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    const struct config_neighbor *merged = &check->settings.merged;
    if (merged->peer_group != NULL && !has_group(checker->config, merged->peer_group)) {
        error(check, "peer-group", TEXT(checker, "there is no peer-group %s", merged->peer_group));
    }
    if (merged->remote_as_kind == REMOTE_AS_UNSET) {
        warning(check, "remote-as",
                "none is given, nor a peer-group or azure-role that has one: it will not start");
    }
    if (merged->remote_as_kind == REMOTE_AS_NUMBER && merged->remote_asn == 0) {
        error(check, "remote-as", "0 is no AS number (RFC 7607)");
    }
    if (merged->local_asn.is_set && merged->local_asn.value == checker->config->bgp.asn) {
        error(check, "local-as",
              TEXT(checker, "%u is the router's AS already", merged->local_asn.value));
    }
    if (merged->local_as_dual && !(merged->local_as_no_prepend && merged->local_as_replace)) {
        error(check, "local-as", "dual-as needs no-prepend and replace-as");
    }
    if (merged->role.value != BGP_ROLE_NONE && !check->settings.is_ebgp) {
        warning(check, "local-role", "roles are for eBGP only (RFC 9234 4): it has no effect");
    }
}

static void check_transport(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    const struct config_neighbor *merged = &check->settings.merged;
    if (check->written->ebgp_multihop.is_set && merged->ttl_security_hops.is_set) {
        error(check, "ttl-security", "it cannot go with ebgp-multihop: choose one of them");
    }
    if (merged->ttl_security_hops.is_set &&
        (merged->ttl_security_hops.value == 0 || merged->ttl_security_hops.value > 254)) {
        error(check, "ttl-security hops",
              TEXT(checker, "%u: 1 to 254 hops", merged->ttl_security_hops.value));
    }
    if (merged->tunnel != NULL && check->settings.tunnel_number == 0) {
        error(check, "tunnel", TEXT(checker, "there is no tunnel %s", merged->tunnel));
    }
    if (merged->update_source.family != IP_NONE && merged->addr.family != IP_NONE &&
        merged->update_source.family != merged->addr.family) {
        error(check, "update-source", "it is of another IP version than the neighbor");
    }
    if (ip_is_link_local(&merged->addr) && merged->interface == NULL) {
        error(check, "interface", "a link-local neighbor needs its interface");
    }
    if (merged->port.value == 0 || merged->port.value > UINT16_MAX) {
        error(check, "port", TEXT(checker, "%u: 1 to 65535", merged->port.value));
    }
    uint8_t key_max = bfd_auth_secret_max((uint8_t)(merged->bfd_auth.type + BFD_AUTH_SIMPLE));
    if (merged->bfd_auth.key != NULL && strlen(merged->bfd_auth.key) > key_max) {
        error(
            check, "bfd authentication",
            TEXT(checker, "the key is longer than the %u characters that this type has", key_max));
    }
    if (merged->bfd_profile != NULL && !has_bfd_profile(checker->config, merged->bfd_profile)) {
        warning(
            check, "bfd profile",
            TEXT(checker, "there is no profile %s: default timers are used", merged->bfd_profile));
    }
}

static void check_prefix_list(const struct neighbor_check *check, int family, const char *leaf,
                              const char *name)
{
    uint8_t version = afi_safi_family((enum afi_safi)family);
    if (name != NULL && !has_prefix_list(check->checker->config, version, name)) {
        warning(check, leaf,
                TEXT(check->checker, "IPv%u prefix-list %s does not exist: it denies everything",
                     version, name));
    }
}

static void check_filter_list(const struct neighbor_check *check, const char *leaf,
                              const char *name)
{
    if (name != NULL && !has_as_path_list(check->checker->config, name)) {
        warning(check, leaf,
                TEXT(check->checker, "as-path access-list %s does not exist: it denies everything",
                     name));
    }
}

static void check_add_path(const struct neighbor_check *check, const struct config_family *written)
{
    int modes = (written->add_path_all.value ? 1 : 0) + (written->add_path_per_as.value ? 1 : 0) +
                (written->add_path_best.is_set ? 1 : 0);
    if (modes > 1) {
        error(check, "addpath-tx",
              "all-paths, bestpath-per-AS and best-selected exclude one another");
    }
}

static void check_blackhole(const struct neighbor_check *check, enum afi_safi afi_safi,
                            const struct config_family *family)
{
    uint32_t bits = ip_family_bits(afi_safi_family(afi_safi));
    if (family->blackhole_length_min.is_set && family->blackhole_length_min.value > bits) {
        error(check, "accept-blackhole",
              TEXT(check->checker, "minimum-length %u: an %s prefix has %u bits at most",
                   family->blackhole_length_min.value, afi_safi_title(afi_safi), bits));
    }
}

static void check_policies(const struct neighbor_check *check)
{
    struct config_checker *checker = check->checker;
    bool has_family = false;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        const struct config_family *family = &check->settings.merged.families[i];
        if (!family->activate.value) {
            continue;
        }
        has_family = true;
        check_add_path(check, &check->written->families[i]);
        check_blackhole(check, (enum afi_safi)i, family);
        check_route_map(checker, path_of(check, "route-map in"), family->route_map_in);
        check_route_map(checker, path_of(check, "route-map out"), family->route_map_out);
        check_route_map(checker, path_of(check, "default-originate"),
                        family->default_originate_route_map);
        check_route_map(checker, path_of(check, "advertise-map"), family->advertise_map);
        check_route_map(checker, path_of(check, "advertise-map"), family->condition_map);
        check_prefix_list(check, i, "prefix-list in", family->prefix_list_in);
        check_prefix_list(check, i, "prefix-list out", family->prefix_list_out);
        check_filter_list(check, "filter-list in", family->filter_list_in);
        check_filter_list(check, "filter-list out", family->filter_list_out);
        if (!check->settings.has_import_policy[i] || !check->settings.has_export_policy[i]) {
            warning(check, afi_safi_title((enum afi_safi)i),
                    "no policy decides about its routes, so none are exchanged (RFC 8212)");
        }
    }
    if (!has_family) {
        warning(check, "activate", "no address family is activated: it will not start");
    }
}

static void check_neighbor(struct config_checker *checker, size_t index)
{
    const struct config_neighbor *neighbors = checker->config->bgp.neighbors;
    char addr[IP_TEXT_BYTES];
    struct neighbor_check check = {.checker = checker, .written = &neighbors[index]};
    check.name = TEXT(checker, "neighbor %s", ip_format(&check.written->addr, addr));
    config_resolve_neighbor(checker->config, check.written, &check.settings);
    for (size_t i = 0; i < index; i++) {
        if (ip_equal(&neighbors[i].addr, &check.written->addr)) {
            error(&check, "", "it is given twice");
        }
    }
    check_identity(&check);
    check_role(&check);
    check_ao(&check);
    check_timers(&check);
    check_transport(&check);
    check_policies(&check);
}

void check_neighbors(struct config_checker *checker)
{
    const struct config_bgp *bgp = &checker->config->bgp;
    char text[PREFIX_TEXT_BYTES];
    for (size_t i = 0; i < bgp->neighbor_count; i++) {
        check_neighbor(checker, i);
    }
    for (size_t i = 0; i < bgp->listen_range_count; i++) {
        const struct config_listen_range *range = &bgp->listen_ranges[i];
        if (range->peer_group == NULL || !has_group(checker->config, range->peer_group)) {
            check_error(checker,
                        TEXT(checker, "bgp listen range %s", prefix_format(&range->prefix, text)),
                        TEXT(checker, "there is no peer-group %s",
                             range->peer_group != NULL ? range->peer_group : "named"));
        }
    }
}
