/* The fifteen lines of the whole mission, in a model. */
#include "tests/unit/config/config_test.h"

static const char mission[] = "tunnel ipsec0\n"
                              " local-endpoint 10.1.255.1\n"
                              " remote-endpoint 10.51.230.4\n"
                              "tunnel ipsec1\n"
                              " local-endpoint 10.1.255.1\n"
                              " remote-endpoint 10.51.230.5\n"
                              "protect 10.51.230.0/23 require ipsec\n"
                              "router bgp 65001\n"
                              " bgp router-id 192.168.255.1\n"
                              " neighbor 172.16.0.2 azure-role msee\n"
                              " neighbor 172.16.0.6 azure-role msee\n"
                              " neighbor 10.51.230.12 azure-role vwan-hub tunnel ipsec0\n"
                              " neighbor 10.51.230.13 azure-role vwan-hub tunnel ipsec1\n"
                              " network 10.1.0.0/16 path-class clear\n"
                              " network 10.1.1.0/24 path-class ipsec\n";

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

static struct prefix prefix(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

START_TEST(mission_fills_the_model)
{
    struct loaded loaded = load_good(CONFIG_FORMAT_TEXT, mission);
    const struct config *config = loaded.config;
    ck_assert_uint_eq(loaded.report.item_count, 0);
    ck_assert_uint_eq(config->tunnel_count, 2);
    const struct config_tunnel *tunnel = &config->tunnels[1];
    ck_assert_str_eq(tunnel->name, "ipsec1");
    ck_assert_str_eq(tunnel->interface, "ipsec1");
    struct ip_addr remote = ip("10.51.230.5");
    ck_assert(ip_equal(&tunnel->remote_endpoint, &remote));
    ck_assert_uint_eq(tunnel->path_class, PATH_CLASS_IPSEC);
    ck_assert_uint_eq(tunnel->underlay_classes,
                      PATH_CLASS_BIT(PATH_CLASS_CLEAR) | PATH_CLASS_BIT(PATH_CLASS_MACSEC));
    ck_assert_uint_eq(config->protection_count, 1);
    struct prefix protect = prefix("10.51.230.0/23");
    ck_assert(prefix_equal(&config->protections[0].prefix, &protect));
    ck_assert_uint_eq(config->protections[0].allowed_classes, PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    ck_assert_int_eq(config->protections[0].guard, PROTECTION_GUARD_UNREACHABLE);
    const struct config_bgp *bgp = &config->bgp;
    ck_assert(bgp->is_configured);
    ck_assert_uint_eq(bgp->asn, 65001);
    ck_assert(bgp->router_id.is_set);
    ck_assert_uint_eq(bgp->router_id.value, 0xc0a8ff01);
    ck_assert(bgp->ebgp_requires_policy);
    ck_assert_uint_eq(bgp->neighbor_count, 4);
    ck_assert_str_eq(bgp->neighbors[0].tunnel, "ipsec0");
    ck_assert_uint_eq(bgp->neighbors[0].azure_role, AZURE_ROLE_VWAN_HUB);
    ck_assert_uint_eq(bgp->neighbors[3].azure_role, AZURE_ROLE_MSEE);
    ck_assert_ptr_null(bgp->neighbors[3].tunnel);
    struct ip_addr last = ip("172.16.0.6");
    ck_assert(ip_equal(&bgp->neighbors[3].addr, &last));
    const struct config_bgp_family *v4 = &bgp->families[AFI_SAFI_IPV4_UNICAST];
    ck_assert_uint_eq(v4->network_count, 2);
    ck_assert_uint_eq(v4->networks[0].path_classes, PATH_CLASS_BIT(PATH_CLASS_CLEAR));
    ck_assert_uint_eq(v4->networks[1].path_classes, PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    unload(&loaded);
}
END_TEST

START_TEST(mission_prints_and_loads_again)
{
    struct loaded loaded = load_good(CONFIG_FORMAT_TEXT, mission);
    char *text = printed(&loaded, CONFIG_FORMAT_TEXT, true);
    static const enum config_format formats[] = {CONFIG_FORMAT_TEXT, CONFIG_FORMAT_JSON,
                                                 CONFIG_FORMAT_XML};
    for (size_t i = 0; i < 3; i++) {
        char *other = printed(&loaded, formats[i], true);
        struct loaded again = load_good(formats[i], other);
        char *text_again = printed(&again, CONFIG_FORMAT_TEXT, true);
        ck_assert_str_eq(text, text_again);
        free(other);
        free(text_again);
        unload(&again);
    }
    free(text);
    unload(&loaded);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config mission");
    TCase *tests = tcase_create("mission");
    tcase_add_test(tests, mission_fills_the_model);
    tcase_add_test(tests, mission_prints_and_loads_again);
    suite_add_tcase(suite, tests);
    return suite;
}
