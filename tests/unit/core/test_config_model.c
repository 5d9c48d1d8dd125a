/* What a neighbor runs with, and what is said about a configuration before it runs. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/config_model.h"
#include "proto/base/mem.h"
#include "proto/bfd_auth.h"
#include "tests/unit/unit.h"

#define SET(number)                                                                                \
    {                                                                                              \
        true, number                                                                               \
    }

static struct ip_addr addr_of(const char *text)
{
    struct ip_addr addr;
    ck_assert(ip_parse(text, &addr) == STATUS_OK);
    return addr;
}

static struct prefix prefix_of(const char *text)
{
    struct prefix prefix;
    ck_assert(prefix_parse(text, &prefix) == STATUS_OK);
    return prefix;
}

static struct config *config_of(const struct config_neighbor *neighbor,
                                const struct config_neighbor *group)
{
    struct config *config = config_new();
    config->bgp.is_configured = true;
    config->bgp.asn = 65001;
    config->bgp.neighbors = neighbor;
    config->bgp.neighbor_count = neighbor != NULL ? 1 : 0;
    config->bgp.peer_groups = group;
    config->bgp.peer_group_count = group != NULL ? 1 : 0;
    return config;
}

static struct neighbor_settings resolve(const struct config_neighbor *neighbor,
                                        const struct config_neighbor *group)
{
    struct neighbor_settings settings;
    struct config *config = config_of(neighbor, group);
    config_resolve_neighbor(config, neighbor, &settings);
    config_free(config);
    return settings;
}

/* ---- Resolving ---- */

START_TEST(a_new_configuration_holds_the_built_in_values)
{
    struct config *config = config_new();
    ck_assert(config->bgp.ebgp_requires_policy);
    ck_assert(config->bgp.default_ipv4_unicast);
    ck_assert(config->bgp.fast_external_failover);
    ck_assert_uint_eq(config->fib_table, 254);
    ck_assert_uint_eq(config->fib_protocol, 165);
    config_free(config);
    config_free(NULL);
    ck_assert_int_eq(mem_blocks(MEM_CONFIG), 0);
}
END_TEST

START_TEST(built_in_values_fill_what_nobody_gave)
{
    struct config_neighbor neighbor = {
        .addr = addr_of("10.0.0.2"), .remote_as_kind = REMOTE_AS_NUMBER, .remote_asn = 65002};
    struct neighbor_settings settings = resolve(&neighbor, NULL);
    ck_assert_uint_eq(settings.merged.hold_time_s.value, 180);
    ck_assert_uint_eq(settings.merged.keepalive_s.value, 60);
    ck_assert_uint_eq(settings.merged.connect_retry_s.value, 10);
    ck_assert_uint_eq(settings.merged.send_hold_s.value, 480);
    ck_assert_uint_eq(settings.merged.port.value, 179);
    ck_assert(settings.merged.extended_message.value);
    ck_assert(settings.merged.families[0].activate.value);
    ck_assert(!settings.merged.families[1].activate.value);
    ck_assert(!settings.merged.ebgp_multihop.is_set);
    ck_assert(settings.is_ebgp);
    ck_assert_uint_eq(settings.local_asn, 65001);
    ck_assert(!settings.has_import_policy[0] && !settings.has_export_policy[0]);
}
END_TEST

START_TEST(send_hold_is_twice_a_long_hold_time)
{
    struct config_neighbor neighbor = {.hold_time_s = SET(600)};
    ck_assert_uint_eq(resolve(&neighbor, NULL).merged.send_hold_s.value, 1200);
}
END_TEST

START_TEST(neighbor_before_group_before_router)
{
    struct config_neighbor group = {.group_name = "G",
                                    .remote_as_kind = REMOTE_AS_EXTERNAL,
                                    .hold_time_s = SET(30),
                                    .keepalive_s = SET(10),
                                    .password = "invented",
                                    .families[0].route_map_in = "IN",
                                    .families[1].activate = SET(true)};
    struct config_neighbor neighbor = {
        .addr = addr_of("10.0.0.2"), .peer_group = "G", .hold_time_s = SET(90)};
    struct config *config = config_of(&neighbor, &group);
    struct neighbor_settings settings;
    config->bgp.keepalive_s = (struct opt_u32)SET(7);
    config->bgp.hold_time_s = (struct opt_u32)SET(21);
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.merged.hold_time_s.value, 90);
    ck_assert_uint_eq(settings.merged.keepalive_s.value, 10);
    ck_assert_str_eq(settings.merged.password, "invented");
    ck_assert_str_eq(settings.merged.families[0].route_map_in, "IN");
    ck_assert(settings.merged.families[1].activate.value);
    ck_assert(settings.has_import_policy[0] && !settings.has_export_policy[0]);
    ck_assert(settings.is_ebgp && settings.remote_asn == 0);
    neighbor.peer_group = NULL;
    neighbor.hold_time_s.is_set = false;
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.merged.hold_time_s.value, 21);
    ck_assert_uint_eq(settings.merged.keepalive_s.value, 7);
    config_free(config);
}
END_TEST

START_TEST(which_paths_are_sent_is_the_neighbors_word_before_its_groups)
{
    struct config_neighbor group = {.group_name = "G",
                                    .families[0].add_path_all = SET(true),
                                    .families[0].accept_blackhole = SET(true),
                                    .families[0].blackhole_length_min = SET(24)};
    struct config_neighbor neighbor = {.addr = addr_of("10.0.0.2"), .peer_group = "G"};
    struct config_family *own = &neighbor.families[0];
    struct neighbor_settings settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_ALL);
    ck_assert_uint_eq(settings.merged.families[0].blackhole_length_min.value, 24);
    own->add_path_receive = (struct opt_bool)SET(true); /* the other direction: no choice at all */
    settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_ALL);
    own->add_path_per_as = (struct opt_bool)SET(true);
    own->accept_blackhole = (struct opt_bool)SET(true); /* host routes only, unlike the group */
    settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_PER_AS);
    ck_assert(settings.merged.families[0].add_path_receive.value);
    ck_assert(!settings.merged.families[0].blackhole_length_min.is_set);
    own->add_path_per_as = (struct opt_bool){0};
    own->add_path_best = (struct opt_u32)SET(3);
    settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_BEST);
    group.families[0].add_path_best = (struct opt_u32)SET(2);
    *own = (struct config_family){.add_path_all = SET(true)};
    settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_ALL);
    own->add_path_all.value = false; /* `no addpath-tx-all-paths` */
    settings = resolve(&neighbor, &group);
    ck_assert_int_eq(config_add_path_mode(&settings.merged.families[0]), ADD_PATH_MODE_NONE);
}
END_TEST

START_TEST(a_role_says_as_timers_hops_and_family)
{
    struct config_neighbor msee = {.addr = addr_of("172.16.0.2"), .azure_role = AZURE_ROLE_MSEE};
    struct neighbor_settings settings = resolve(&msee, NULL);
    ck_assert_uint_eq(settings.remote_asn, 12076);
    ck_assert(settings.is_ebgp && settings.merged.bfd.value);
    ck_assert_uint_eq(settings.merged.bfd_interval_ms.value, 300);
    ck_assert(settings.merged.families[0].activate.value);
    ck_assert(settings.is_azure_default_policy);
    ck_assert(settings.has_import_policy[0] && settings.has_export_policy[0]);
    ck_assert(!settings.merged.ebgp_multihop.is_set || settings.merged.ebgp_multihop.value == 1);
    struct config_neighbor hub = {.addr = addr_of("10.51.230.12"),
                                  .azure_role = AZURE_ROLE_VWAN_HUB};
    settings = resolve(&hub, NULL);
    ck_assert_uint_eq(settings.remote_asn, 65515);
    ck_assert_uint_eq(settings.merged.hold_time_s.value, 180);
    ck_assert(settings.merged.ebgp_multihop.is_set && settings.merged.ebgp_multihop.value > 1);
    ck_assert(!settings.merged.bfd.value);
    struct config_neighbor six = {.addr = addr_of("2001:db8::2"), .azure_role = AZURE_ROLE_MSEE};
    settings = resolve(&six, NULL);
    ck_assert(settings.merged.families[1].activate.value);
    ck_assert(!settings.merged.families[0].activate.value);
}
END_TEST

START_TEST(what_is_written_stands_above_the_role)
{
    struct config_neighbor hub = {.addr = addr_of("10.51.230.12"),
                                  .azure_role = AZURE_ROLE_VPN_GATEWAY,
                                  .remote_as_kind = REMOTE_AS_NUMBER,
                                  .remote_asn = 65010,
                                  .hold_time_s = SET(240),
                                  .ebgp_multihop = SET(9),
                                  .families[0].activate = SET(false)};
    struct neighbor_settings settings = resolve(&hub, NULL);
    ck_assert_uint_eq(settings.remote_asn, 65010);
    ck_assert_uint_eq(settings.merged.hold_time_s.value, 240);
    ck_assert_uint_eq(settings.merged.ebgp_multihop.value, 9);
    ck_assert(!settings.merged.families[0].activate.value);
}
END_TEST

START_TEST(policy_is_needed_on_ebgp_unless_told)
{
    struct config_neighbor ibgp = {.remote_as_kind = REMOTE_AS_INTERNAL};
    struct config_neighbor ebgp = {.remote_as_kind = REMOTE_AS_EXTERNAL};
    ck_assert(resolve(&ibgp, NULL).has_import_policy[0]);
    ck_assert(!resolve(&ebgp, NULL).has_import_policy[0]);
    static const char *const names[] = {"RM", "PL", "FL"};
    for (int i = 0; i < 3; i++) {
        struct config_neighbor named = ebgp;
        named.families[1].route_map_out = i == 0 ? names[i] : NULL;
        named.families[1].prefix_list_out = i == 1 ? names[i] : NULL;
        named.families[1].filter_list_out = i == 2 ? names[i] : NULL;
        struct neighbor_settings settings = resolve(&named, NULL);
        ck_assert(settings.has_export_policy[1]);
        ck_assert(!settings.has_export_policy[0] && !settings.has_import_policy[1]);
    }
    struct config *config = config_of(&ebgp, NULL);
    struct neighbor_settings settings;
    config->bgp.ebgp_requires_policy = false;
    config_resolve_neighbor(config, &ebgp, &settings);
    ck_assert(settings.has_import_policy[0] && settings.has_export_policy[0]);
    config_free(config);
}
END_TEST

START_TEST(tunnels_are_found_by_name)
{
    struct config_tunnel tunnels[2] = {{.name = "a"}, {.name = "b"}};
    struct config_neighbor neighbor = {.tunnel = "b"};
    struct neighbor_settings settings;
    struct config *config = config_of(&neighbor, NULL);
    config->tunnels = tunnels;
    config->tunnel_count = 2;
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.tunnel_number, 2);
    neighbor.tunnel = "c";
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.tunnel_number, 0);
    config_free(config);
}
END_TEST

START_TEST(bfd_profile_is_followed)
{
    struct config_bfd_profile profiles[2] = {
        {.name = "", .transmit_interval_ms = 500, .detect_multiplier = 4},
        {.name = "fast", .transmit_interval_ms = 50, .detect_multiplier = 3}};
    struct config_neighbor neighbor = {.bfd = SET(true), .bfd_profile = "fast"};
    struct neighbor_settings settings;
    struct config *config = config_of(&neighbor, NULL);
    config->bfd_profiles = profiles;
    config->bfd_profile_count = 2;
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.merged.bfd_interval_ms.value, 50);
    neighbor.bfd_profile = NULL;
    config_resolve_neighbor(config, &neighbor, &settings);
    ck_assert_uint_eq(settings.merged.bfd_interval_ms.value, 500);
    ck_assert_uint_eq(settings.merged.bfd_multiplier.value, 4);
    config_free(config);
}
END_TEST

/* ---- Checking ---- */

struct finding {
    int errors;
    int warnings;
    char text[4096];
};

static struct finding check(const struct config *config)
{
    struct finding finding = {0};
    struct arena arena;
    arena_init(&arena);
    struct config_messages messages = {.arena = &arena};
    bool is_usable = config_check(config, &messages);
    size_t at = 0;
    for (size_t i = 0; i < messages.count; i++) {
        finding.errors += messages.items[i].is_warning ? 0 : 1;
        finding.warnings += messages.items[i].is_warning ? 1 : 0;
        at += (size_t)snprintf(finding.text + at, sizeof finding.text - at, "%s: %s\n",
                               messages.items[i].path, messages.items[i].text);
        ck_assert_uint_lt(at, sizeof finding.text);
    }
    ck_assert_int_eq(is_usable, finding.errors == 0);
    arena_fini(&arena);
    return finding;
}

#define HAS(finding, part)                                                                         \
    ck_assert_msg(strstr((finding).text, part) != NULL, "%s is not in: %s", part, (finding).text)

static struct finding check_neighbor(const struct config_neighbor *neighbor)
{
    struct config *config = config_of(neighbor, NULL);
    struct finding finding = check(config);
    config_free(config);
    return finding;
}

static struct config_neighbor plain_neighbor(void)
{
    return (struct config_neighbor){
        .addr = addr_of("10.0.0.2"), .remote_as_kind = REMOTE_AS_NUMBER, .remote_asn = 65001};
}

START_TEST(a_key_chain_in_use_has_whole_keys)
{
    struct config_neighbor neighbor = plain_neighbor();
    neighbor.ao_key_chain = "KC";
    struct config *config = config_of(&neighbor, NULL);
    struct config_key_chain *chain = arena_alloc(&config->arena, sizeof *chain);
    *chain = (struct config_key_chain){.name = "KC"};
    config->key_chains = chain;
    config->key_chain_count = 1;
    HAS(check(config), "key chain KC has no key");
    chain->key_count = 1;
    chain->keys[0].id = 7;
    HAS(check(config), "key 7 of key chain KC has no key-string");
    memcpy(chain->keys[0].secret, "invented", 9);
    ck_assert_int_eq(check(config).errors, 0);
    config_free(config);
}
END_TEST

START_TEST(a_sound_configuration_draws_no_word)
{
    struct config_neighbor neighbor = plain_neighbor();
    struct finding finding = check_neighbor(&neighbor);
    ck_assert_msg(finding.errors == 0 && finding.warnings == 0, "%s", finding.text);
    struct config *config = config_new();
    finding = check(config);
    ck_assert_int_eq(finding.errors + finding.warnings, 0);
    config_free(config);
}
END_TEST

/* The whole mission in one configuration (examples/vwan-ipsec-over-er.conf) as a model. */
START_TEST(the_mission_configuration_is_accepted_without_errors)
{
    struct config_neighbor neighbors[4] = {
        {.addr = addr_of("10.51.230.12"), .azure_role = AZURE_ROLE_VWAN_HUB, .tunnel = "ipsec0"},
        {.addr = addr_of("10.51.230.13"), .azure_role = AZURE_ROLE_VWAN_HUB, .tunnel = "ipsec1"},
        {.addr = addr_of("172.16.0.2"), .azure_role = AZURE_ROLE_MSEE},
        {.addr = addr_of("172.16.0.6"), .azure_role = AZURE_ROLE_MSEE},
    };
    struct config_tunnel tunnels[2] = {
        {.name = "ipsec0",
         .path_class = PATH_CLASS_IPSEC,
         .local_endpoint = addr_of("10.1.255.1"),
         .remote_endpoint = addr_of("10.51.230.4")},
        {.name = "ipsec1",
         .path_class = PATH_CLASS_IPSEC,
         .local_endpoint = addr_of("10.1.255.1"),
         .remote_endpoint = addr_of("10.51.230.5")},
    };
    struct protection_def protection = {prefix_of("10.51.230.0/23"),
                                        PATH_CLASS_BIT(PATH_CLASS_IPSEC), 0, false};
    struct config_network networks[2] = {
        {.prefix = prefix_of("10.1.0.0/16"), .path_classes = PATH_CLASS_BIT(PATH_CLASS_CLEAR)},
        {.prefix = prefix_of("10.1.1.0/24"), .path_classes = PATH_CLASS_BIT(PATH_CLASS_IPSEC)},
    };
    struct config *config = config_of(neighbors, NULL);
    config->bgp.neighbor_count = 4;
    config->tunnels = tunnels;
    config->tunnel_count = 2;
    config->protections = &protection;
    config->protection_count = 1;
    config->bgp.families[0].networks = networks;
    config->bgp.families[0].network_count = 2;
    struct finding finding = check(config);
    ck_assert_msg(finding.errors == 0 && finding.warnings == 0, "%s", finding.text);
    config->bgp.cover = COVER_ALLOW;
    finding = check(config);
    HAS(finding, "network 10.1.0.0/16: cover allow");
    networks[1].prefix = prefix_of("10.1.0.0/16");
    networks[0].prefix = prefix_of("10.1.1.0/24");
    finding = check(config);
    HAS(finding, "network 10.1.1.0/24: it lies inside network 10.1.0.0/16");
    config->bgp.asn = 65515;
    ck_assert_int_gt(check(config).errors, 0);
    config->bgp.asn = 65001;
    config->tunnel_count = 1;
    finding = check(config);
    HAS(finding, "neighbor 10.51.230.13 tunnel: there is no tunnel ipsec1");
    config->tunnel_count = 0;
    finding = check(config);
    HAS(finding, "protect 10.51.230.0/23: no tunnel or interface is of class ipsec");
    config_free(config);
}
END_TEST

START_TEST(names_that_lead_nowhere_are_warned_about)
{
    struct config_neighbor neighbor = plain_neighbor();
    neighbor.families[0].route_map_in = "RM";
    neighbor.families[0].prefix_list_out = "PL";
    neighbor.families[0].filter_list_in = "FL";
    neighbor.bfd_profile = "BP";
    struct finding finding = check_neighbor(&neighbor);
    ck_assert_int_eq(finding.errors, 0);
    HAS(finding,
        "neighbor 10.0.0.2 route-map in: route-map RM does not exist: it denies everything");
    HAS(finding, "prefix-list out: IPv4 prefix-list PL does not exist");
    HAS(finding, "filter-list in: as-path access-list FL does not exist");
    HAS(finding, "bfd profile: there is no profile BP");
}
END_TEST

START_TEST(what_cannot_run_is_refused)
{
    struct config_neighbor n = plain_neighbor();
    n.hold_time_s = (struct opt_u32)SET(2);
    HAS(check_neighbor(&n), "neighbor 10.0.0.2 timers: hold time 2: it is 0 or at least 3");
    ck_assert_int_eq(check_neighbor(&n).errors, 1);
    n = plain_neighbor();
    n.peer_group = "G";
    HAS(check_neighbor(&n), "there is no peer-group G");
    n = plain_neighbor();
    n.tunnel = "T";
    HAS(check_neighbor(&n), "there is no tunnel T");
    n = plain_neighbor();
    n.ao_key_chain = "KC";
    n.password = "invented";
    HAS(check_neighbor(&n), "neighbor 10.0.0.2 ao: there is no key chain KC");
    HAS(check_neighbor(&n), "a session has a password or a key chain, not both");
    n.azure_role = AZURE_ROLE_MSEE;
    HAS(check_neighbor(&n), "Azure's BGP speakers do not have TCP-AO");
    n = plain_neighbor();
    n.bfd_auth = (struct config_bfd_auth){BFD_AUTH_METICULOUS_MD5 - 1, 1, "seventeen-octets!"};
    HAS(check_neighbor(&n), "bfd authentication: the key is longer than the 16 characters");
    n.bfd_auth.type = BFD_AUTH_KEYED_SHA1 - 1;
    struct finding finding = check_neighbor(&n);
    ck_assert_ptr_null(strstr(finding.text, "bfd authentication"));
    n = plain_neighbor();
    n.update_source = addr_of("2001:db8::1");
    HAS(check_neighbor(&n), "another IP version");
    n = plain_neighbor();
    n.ebgp_multihop = (struct opt_u32)SET(3);
    n.ttl_security_hops = (struct opt_u32)SET(3);
    HAS(check_neighbor(&n), "cannot go with ebgp-multihop");
    n = plain_neighbor();
    n.addr = addr_of("fe80::1");
    HAS(check_neighbor(&n), "needs its interface");
    n = plain_neighbor();
    n.local_asn = (struct opt_u32)SET(65001);
    HAS(check_neighbor(&n), "the router's AS already");
    n = plain_neighbor();
    n.local_asn = (struct opt_u32)SET(65009);
    n.local_as_dual = true;
    HAS(check_neighbor(&n), "dual-as needs no-prepend and replace-as");
    n = plain_neighbor();
    n.families[0].add_path_all = (struct opt_bool)SET(true);
    n.families[0].add_path_best = (struct opt_u32)SET(2);
    HAS(check_neighbor(&n), "exclude one another");
    n = plain_neighbor();
    n.families[0].accept_blackhole = (struct opt_bool)SET(true);
    n.families[0].blackhole_length_min = (struct opt_u32)SET(48);
    HAS(check_neighbor(&n), "has 32 bits at most");
    n = plain_neighbor();
    n.remote_asn = 0;
    HAS(check_neighbor(&n), "0 is no AS number");
    ck_assert_int_eq(check_neighbor(&n).errors, 1);
}
END_TEST

START_TEST(what_will_not_come_up_is_warned_about)
{
    struct config_neighbor n = plain_neighbor();
    n.remote_as_kind = REMOTE_AS_UNSET;
    HAS(check_neighbor(&n), "remote-as: none is given");
    n = plain_neighbor();
    n.families[0].activate = (struct opt_bool)SET(false);
    HAS(check_neighbor(&n), "no address family is activated");
    n = plain_neighbor();
    n.remote_asn = 65002;
    HAS(check_neighbor(&n), "(RFC 8212)");
    n = plain_neighbor();
    n.keepalive_s = (struct opt_u32)SET(100);
    HAS(check_neighbor(&n), "more than a third");
    ck_assert_int_eq(check_neighbor(&n).errors, 0);
}
END_TEST

START_TEST(azure_refusals_quote_the_rule_and_hide_the_password)
{
    struct config_neighbor n = {.addr = addr_of("172.16.0.2"), .azure_role = AZURE_ROLE_MSEE};
    n.remote_as_kind = REMOTE_AS_NUMBER;
    n.remote_asn = 65002;
    HAS(check_neighbor(&n), "always AS 12076");
    n.remote_as_kind = REMOTE_AS_UNSET;
    n.password = "not-alphanumeric!";
    struct finding finding = check_neighbor(&n);
    ck_assert_int_eq(finding.errors, 1);
    ck_assert_ptr_null(strstr(finding.text, "not-alphanumeric!"));
    n.password = NULL;
    n.hold_time_s = (struct opt_u32)SET(9);
    ck_assert_int_eq(check_neighbor(&n).errors, 1); /* the floor is 10 */
    n.azure_role = AZURE_ROLE_VWAN_HUB;
    n.hold_time_s = (struct opt_u32)SET(30);
    finding = check_neighbor(&n);
    HAS(finding, "the session will flap");
    HAS(finding, "tunnel: azure-role vwan-hub is reached through a tunnel");
}
END_TEST

START_TEST(tunnels_have_names_and_interfaces_of_their_own)
{
    struct config_tunnel tunnels[2] = {
        {.name = "a", .interface = "tun0", .remote_endpoint = addr_of("10.0.0.9")},
        {.name = "b", .interface = "tun0", .remote_endpoint = addr_of("10.0.0.8")}};
    struct config *config = config_new();
    config->tunnels = tunnels;
    config->tunnel_count = 2;
    HAS(check(config), "tunnel b: interface tun0 belongs to tunnel a");
    tunnels[1].name = "a";
    tunnels[1].interface = "tun1";
    HAS(check(config), "another tunnel of this name");
    tunnels[1] = (struct config_tunnel){.name = "b",
                                        .local_endpoint = addr_of("2001:db8::1"),
                                        .remote_endpoint = addr_of("10.0.0.8")};
    HAS(check(config), "different IP versions");
    tunnels[1] = (struct config_tunnel){.name = "a-name-that-is-long",
                                        .remote_endpoint = addr_of("10.0.0.8")};
    HAS(check(config), "at most 15 characters");
    tunnels[1] = (struct config_tunnel){.name = "b"};
    ck_assert_int_eq(check(config).errors, 0);
    HAS(check(config), "not pinned");
    config_free(config);
}
END_TEST

START_TEST(router_and_ranges_are_checked)
{
    struct config_listen_range range = {prefix_of("10.0.0.0/8"), "G"};
    struct config *config = config_of(NULL, NULL);
    config->bgp.asn = 23456;
    HAS(check(config), "router bgp: 23456");
    config->bgp.asn = 65001;
    config->bgp.router_id = (struct opt_u32)SET(0);
    HAS(check(config), "identifies no router");
    config->bgp.router_id.is_set = false;
    config->bgp.listen_ranges = &range;
    config->bgp.listen_range_count = 1;
    HAS(check(config), "bgp listen range 10.0.0.0/8: there is no peer-group G");
    config_free(config);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config_model");
    TCase *tcase = tcase_create("config_model");
    tcase_add_test(tcase, a_new_configuration_holds_the_built_in_values);
    tcase_add_test(tcase, built_in_values_fill_what_nobody_gave);
    tcase_add_test(tcase, send_hold_is_twice_a_long_hold_time);
    tcase_add_test(tcase, neighbor_before_group_before_router);
    tcase_add_test(tcase, which_paths_are_sent_is_the_neighbors_word_before_its_groups);
    tcase_add_test(tcase, a_role_says_as_timers_hops_and_family);
    tcase_add_test(tcase, what_is_written_stands_above_the_role);
    tcase_add_test(tcase, policy_is_needed_on_ebgp_unless_told);
    tcase_add_test(tcase, tunnels_are_found_by_name);
    tcase_add_test(tcase, bfd_profile_is_followed);
    tcase_add_test(tcase, a_key_chain_in_use_has_whole_keys);
    tcase_add_test(tcase, a_sound_configuration_draws_no_word);
    tcase_add_test(tcase, the_mission_configuration_is_accepted_without_errors);
    tcase_add_test(tcase, names_that_lead_nowhere_are_warned_about);
    tcase_add_test(tcase, what_cannot_run_is_refused);
    tcase_add_test(tcase, what_will_not_come_up_is_warned_about);
    tcase_add_test(tcase, azure_refusals_quote_the_rule_and_hide_the_password);
    tcase_add_test(tcase, tunnels_have_names_and_interfaces_of_their_own);
    tcase_add_test(tcase, router_and_ranges_are_checked);
    suite_add_tcase(suite, tcase);
    return suite;
}
