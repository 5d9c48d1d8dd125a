/* Azure's rules at their borders. */
#include <string.h>

#include "policy/azure_role.h"
#include "proto/as_path.h"
#include "tests/unit/unit.h"

static bool refused(enum azure_role role, uint32_t asn)
{
    return azure_local_asn_refusal(role, asn) != NULL;
}

START_TEST(expressroute_reserves_65515_to_65520)
{
    static const enum azure_role roles[] = {AZURE_ROLE_MSEE, AZURE_ROLE_MICROSOFT_PEERING};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!refused(roles[i], 65514));
        for (uint32_t asn = 65515; asn <= 65520; asn++) {
            ck_assert(refused(roles[i], asn));
        }
        ck_assert(!refused(roles[i], 65521));
        ck_assert(refused(roles[i], 12076));
        ck_assert(!refused(roles[i], 65001));
        ck_assert(!refused(roles[i], 4200000000u));
    }
    ck_assert(!refused(AZURE_ROLE_MSEE, 64500));
    ck_assert(refused(AZURE_ROLE_MICROSOFT_PEERING, 64496));
    ck_assert(refused(AZURE_ROLE_MICROSOFT_PEERING, 64511));
    ck_assert(!refused(AZURE_ROLE_MICROSOFT_PEERING, 64512));
}
END_TEST

START_TEST(gateways_refuse_what_azure_lists)
{
    static const uint32_t bad[] = {8074,  8075,  12076, 65515, 65517, 65518,     65519,      65520,
                                   23456, 64496, 64511, 65535, 65551, 429496729, UINT32_MAX, 0};
    static const uint32_t good[] = {8073, 8076, 64495, 64512, 65514, 65516, 65521, 65534, 65552};
    static const enum azure_role roles[] = {AZURE_ROLE_VPN_GATEWAY, AZURE_ROLE_VWAN_HUB,
                                            AZURE_ROLE_ROUTE_SERVER};
    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            ck_assert_msg(refused(roles[r], bad[i]), "role %zu AS %u", r, bad[i]);
        }
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
            bool is_two_octets_only = roles[r] == AZURE_ROLE_ROUTE_SERVER && good[i] > 65535;
            ck_assert_int_eq(refused(roles[r], good[i]), is_two_octets_only);
        }
    }
    ck_assert(!refused(AZURE_ROLE_NONE, 65515));
}
END_TEST

START_TEST(passwords_are_what_the_far_end_takes)
{
    ck_assert_ptr_null(azure_password_refusal(AZURE_ROLE_MSEE, "Invented25CharactersLong1"));
    ck_assert_ptr_nonnull(azure_password_refusal(AZURE_ROLE_MSEE, "Invented26CharactersLong12"));
    ck_assert_ptr_nonnull(azure_password_refusal(AZURE_ROLE_MSEE, "with-dash"));
    ck_assert_ptr_nonnull(azure_password_refusal(AZURE_ROLE_VWAN_HUB, "any"));
    ck_assert_ptr_null(azure_password_refusal(AZURE_ROLE_NONE, "any-thing!"));
}
END_TEST

START_TEST(roles_have_names_and_numbers)
{
    for (int role = AZURE_ROLE_NONE + 1; role < AZURE_ROLE_COUNT; role++) {
        const struct azure_role_profile *profile = azure_role_profile((enum azure_role)role);
        ck_assert_int_eq(azure_role_parse(profile->name), role);
        ck_assert(profile->remote_asn == 12076 || profile->remote_asn == 65515);
        ck_assert_uint_eq(profile->hold_time_s, 180);
        ck_assert_uint_eq(profile->keepalive_s, 60);
        ck_assert_int_eq(profile->multihop_ttl > 1, profile->remote_asn == 65515);
    }
    ck_assert_int_eq(azure_role_parse("msee2"), AZURE_ROLE_COUNT);
    ck_assert_int_eq(azure_role_parse("none"), AZURE_ROLE_COUNT);
}
END_TEST

static const char *imported(enum azure_role role, const char *text, uint32_t path_asn)
{
    static struct arena arena;
    arena_reset(&arena);
    struct prefix own, prefix;
    ck_assert_int_eq(prefix_parse("10.1.0.0/16", &own), STATUS_OK);
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    uint32_t asns[] = {12076, path_asn};
    struct path_attrs attrs = {.as_path = as_path_from_asns(&arena, asns, 2)};
    return azure_import_refusal(role, &prefix, &attrs, &own, 1, 65001);
}

START_TEST(safe_import_refuses_what_azure_should_not_send)
{
    ck_assert_ptr_null(imported(AZURE_ROLE_MSEE, "10.51.230.0/24", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MSEE, "0.0.0.0/0", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MSEE, "::/0", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MSEE, "10.1.0.0/16", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MSEE, "10.1.7.0/24", 65515));
    ck_assert_ptr_null(imported(AZURE_ROLE_MSEE, "10.0.0.0/15", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MSEE, "10.51.230.0/24", 65001));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_VWAN_HUB, "127.0.0.0/8", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_VWAN_HUB, "239.0.0.0/8", 65515));
    ck_assert_ptr_nonnull(imported(AZURE_ROLE_MICROSOFT_PEERING, "172.16.0.0/12", 65515));
    ck_assert_ptr_null(imported(AZURE_ROLE_MICROSOFT_PEERING, "20.0.0.0/11", 65515));
}
END_TEST

static const char *exported(enum azure_role role, const char *text, bool is_local)
{
    struct prefix prefix;
    struct path_attrs attrs = {0};
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return azure_export_refusal(role, &prefix, &attrs, is_local);
}

START_TEST(safe_export_is_no_transit)
{
    ck_assert_ptr_null(exported(AZURE_ROLE_MSEE, "10.1.0.0/16", true));
    ck_assert_ptr_nonnull(exported(AZURE_ROLE_MSEE, "10.1.0.0/16", false));
    ck_assert_ptr_nonnull(exported(AZURE_ROLE_MSEE, "0.0.0.0/0", true));
    ck_assert_ptr_nonnull(exported(AZURE_ROLE_MICROSOFT_PEERING, "10.1.0.0/16", true));
    ck_assert_ptr_nonnull(exported(AZURE_ROLE_MICROSOFT_PEERING, "fd00::/8", true));
    ck_assert_ptr_null(exported(AZURE_ROLE_MICROSOFT_PEERING, "203.0.113.0/24", true));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("azure_role");
    TCase *tcase = tcase_create("rules");
    tcase_add_test(tcase, expressroute_reserves_65515_to_65520);
    tcase_add_test(tcase, gateways_refuse_what_azure_lists);
    tcase_add_test(tcase, passwords_are_what_the_far_end_takes);
    tcase_add_test(tcase, roles_have_names_and_numbers);
    tcase_add_test(tcase, safe_import_refuses_what_azure_should_not_send);
    tcase_add_test(tcase, safe_export_is_no_transit);
    suite_add_tcase(suite, tcase);
    return suite;
}
