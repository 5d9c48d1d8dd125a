/* What two OPENs agree on. */
#include <string.h>

#include "bgpd/core/negotiate.h"
#include "tests/unit/unit.h"

#define SET(number)                                                                                \
    {                                                                                              \
        true, number                                                                               \
    }
#define V4 AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define V6 AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)

struct table {
    struct core core; /* only its configuration and router id are looked at */
    struct config *config;
    struct config_neighbor neighbor;
    struct neighbor_settings settings;
    struct open_message local;
    struct open_message remote;
    struct update_options options;
};

static void table_init(struct table *table)
{
    *table = (struct table){.config = config_new()};
    table->config->bgp.is_configured = true;
    table->config->bgp.asn = 65001;
    table->core.config = table->config;
    table->core.router_id = 1;
    table->neighbor.remote_as_kind = REMOTE_AS_EXTERNAL;
    table->remote = (struct open_message){.asn = 65002, .router_id = 2, .hold_time_s = 90};
    table->remote.capabilities.families = V4;
    table->remote.capabilities.has_any_multiprotocol = true;
    table->remote.capabilities.role = BGP_ROLE_NONE;
}

static void table_agree(struct table *table)
{
    config_resolve_neighbor(table->config, &table->neighbor, &table->settings);
    negotiate_local_open(&table->core, &table->settings, &table->local);
    negotiate_update_options(&table->core, &table->settings, &table->local, &table->remote,
                             &table->options);
}

START_TEST(families_are_those_of_both)
{
    for (uint32_t ours = 0; ours < 4; ours++) {
        for (uint32_t theirs = 0; theirs < 4; theirs++) {
            struct table table;
            table_init(&table);
            for (uint32_t i = 0; i < 2; i++) {
                table.neighbor.families[i].activate = (struct opt_bool)SET((ours >> i & 1) != 0);
            }
            table.remote.capabilities.families = theirs;
            table_agree(&table);
            ck_assert_uint_eq(table.options.families, ours == 0 ? theirs & V4 : ours & theirs);
            config_free(table.config);
        }
    }
}
END_TEST

START_TEST(each_capability_needs_both_sides)
{
    for (int ours = 0; ours < 2; ours++) {
        for (int theirs = 0; theirs < 2; theirs++) {
            struct table table;
            table_init(&table);
            table.neighbor.extended_message = (struct opt_bool)SET(ours == 1);
            table.neighbor.extended_next_hop = (struct opt_bool)SET(ours == 1);
            table.neighbor.dont_capability_negotiate = (struct opt_bool)SET(ours == 0);
            table.remote.capabilities.extended_message = theirs == 1;
            table.remote.capabilities.extended_next_hop = theirs == 1 ? V4 : 0;
            table.remote.capabilities.as4 = theirs == 1;
            table_agree(&table);
            bool is_both = ours == 1 && theirs == 1;
            ck_assert_uint_eq(table.options.message_bytes_max, is_both ? 65535 : 4096);
            ck_assert_uint_eq(table.options.extended_next_hop, is_both ? V4 : 0);
            ck_assert_int_eq(table.options.as4, is_both);
            config_free(table.config);
        }
    }
}
END_TEST

START_TEST(add_path_needs_a_sender_and_a_receiver)
{
    for (uint8_t ours = 0; ours < 4; ours++) {
        for (uint8_t theirs = 0; theirs < 4; theirs++) {
            struct table table;
            table_init(&table);
            table.neighbor.families[0].add_path_receive =
                (struct opt_bool)SET((ours & ADD_PATH_RECEIVE) != 0);
            table.neighbor.families[0].add_path_all =
                (struct opt_bool)SET((ours & ADD_PATH_SEND) != 0);
            table.remote.capabilities.add_path[0] = theirs;
            table_agree(&table);
            bool receives = (ours & ADD_PATH_RECEIVE) != 0 && (theirs & ADD_PATH_SEND) != 0;
            bool sends = (ours & ADD_PATH_SEND) != 0 && (theirs & ADD_PATH_RECEIVE) != 0;
            ck_assert_uint_eq(table.options.add_path_receive, receives ? V4 : 0);
            ck_assert_uint_eq(table.options.add_path_send, sends ? V4 : 0);
            config_free(table.config);
        }
    }
}
END_TEST

START_TEST(graceful_restart_is_said_as_configured)
{
    struct table table;
    table_init(&table);
    table_agree(&table);
    ck_assert_uint_eq(table.local.capabilities.gr_families, 0);
    table.config->bgp.graceful_restart = (struct opt_bool){true, true};
    table.config->bgp.gr_restart_time_s = (struct opt_u32)SET(100000);
    table_agree(&table);
    ck_assert(table.local.capabilities.graceful_restart);
    ck_assert_uint_eq(table.local.capabilities.restart_time_s, 4095);
    ck_assert_uint_eq(table.local.capabilities.gr_families, V4);
    table.neighbor.graceful_restart_helper_only = (struct opt_bool)SET(true);
    table_agree(&table);
    ck_assert(table.local.capabilities.graceful_restart);
    ck_assert_uint_eq(table.local.capabilities.gr_families, 0);
    table.neighbor.graceful_restart_disable = (struct opt_bool)SET(true);
    table_agree(&table);
    ck_assert(!table.local.capabilities.graceful_restart);
    config_free(table.config);
}
END_TEST

START_TEST(azure_roles_restart_gracefully_unless_told_otherwise)
{
    struct table table;
    table_init(&table);
    table.neighbor.azure_role = AZURE_ROLE_MSEE;
    table_agree(&table);
    ck_assert(table.local.capabilities.graceful_restart);
    table.neighbor.graceful_restart_disable = (struct opt_bool)SET(true);
    table_agree(&table);
    ck_assert(!table.local.capabilities.graceful_restart);
    table.neighbor.graceful_restart_disable = (struct opt_bool){0};
    table.config->bgp.graceful_restart = (struct opt_bool)SET(false);
    table_agree(&table);
    ck_assert(!table.local.capabilities.graceful_restart);
    config_free(table.config);
}
END_TEST

START_TEST(a_plain_neighbor_is_helped_and_asked_for_nothing)
{
    enum { RESTARTER, HELPER, NEITHER };
    static const struct {
        struct opt_bool router;
        struct opt_bool neighbor;
        struct opt_bool helper;
        struct opt_bool disable;
        int outcome;
    } rows[] = {
        {.outcome = HELPER},
        {.router = SET(true), .outcome = RESTARTER},
        {.router = SET(false), .outcome = NEITHER},
        {.router = SET(false), .neighbor = SET(true), .outcome = RESTARTER},
        {.router = SET(false), .helper = SET(true), .outcome = HELPER},
        {.router = SET(true), .neighbor = SET(false), .outcome = HELPER},
        {.router = SET(true), .helper = SET(true), .outcome = HELPER},
        {.helper = SET(false), .outcome = NEITHER},
        {.disable = SET(true), .outcome = NEITHER},
        {.router = SET(true), .disable = SET(true), .outcome = NEITHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table table;
        table_init(&table);
        table.config->bgp.graceful_restart = rows[i].router;
        table.neighbor.graceful_restart = rows[i].neighbor;
        table.neighbor.graceful_restart_helper_only = rows[i].helper;
        table.neighbor.graceful_restart_disable = rows[i].disable;
        table_agree(&table);
        const struct capabilities *local = &table.local.capabilities;
        ck_assert_int_eq(local->graceful_restart, rows[i].outcome != NEITHER);
        ck_assert_uint_eq(local->gr_families, rows[i].outcome == RESTARTER ? local->families : 0);
        config_free(table.config);
    }
}
END_TEST

START_TEST(local_as_is_what_the_peer_hears)
{
    struct table table;
    table_init(&table);
    table.neighbor.local_asn = (struct opt_u32)SET(4200000001u);
    table_agree(&table);
    ck_assert_uint_eq(table.local.asn, 4200000001u);
    ck_assert_uint_eq(table.local.capabilities.as4_asn, 4200000001u);
    table.config->bgp.asn = 4200000001u;
    config_free(table.config);
}
END_TEST

START_TEST(only_what_the_peer_hears_counts_as_a_difference)
{
    struct table table;
    table_init(&table);
    table_agree(&table);
    struct open_message before = table.local;
    table.neighbor.hold_time_s = (struct opt_u32)SET(30);
    table_agree(&table);
    ck_assert(!negotiate_open_differs(&before, &table.local));
    table.neighbor.families[1].activate = (struct opt_bool)SET(true);
    table_agree(&table);
    ck_assert(negotiate_open_differs(&before, &table.local));
    config_free(table.config);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("negotiate");
    TCase *tcase = tcase_create("negotiate");
    tcase_add_test(tcase, families_are_those_of_both);
    tcase_add_test(tcase, each_capability_needs_both_sides);
    tcase_add_test(tcase, add_path_needs_a_sender_and_a_receiver);
    tcase_add_test(tcase, graceful_restart_is_said_as_configured);
    tcase_add_test(tcase, azure_roles_restart_gracefully_unless_told_otherwise);
    tcase_add_test(tcase, a_plain_neighbor_is_helped_and_asked_for_nothing);
    tcase_add_test(tcase, local_as_is_what_the_peer_hears);
    tcase_add_test(tcase, only_what_the_peer_hears_counts_as_a_difference);
    suite_add_tcase(suite, tcase);
    return suite;
}
