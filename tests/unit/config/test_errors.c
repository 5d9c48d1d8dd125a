/* What is wrong is refused with its place, the value and the rule, and gives nothing. */
#include "tests/unit/config/config_test.h"

struct refusal {
    const char *text;
    uint32_t line;
    uint32_t column; /* 0: not looked at */
    const char *value;
    const char *rule; /* part of the message */
};

static const struct refusal refusals[] = {
    {"hostnam r1\n", 1, 1, "hostnam", "did you mean hostname?"},
    {"router bgp 65001\n neighbor 10.0.0.1 remote-az 1\n", 2, 20, "remote-az",
     "did you mean remote-as?"},
    {"router bgp 65001\n\tneighbor 10.0.0.1 remote-az 1\n", 2, 20, "remote-az", "remote-as"},
    {"router bgp 65001\n neighbor 10.0.0.1\n", 2, 0, NULL, "incomplete line"},
    {"router bgp\n", 1, 0, NULL, "router bgp AS"},
    {"router bgp 0\n", 1, 12, "0", "a number from 1 to 4294967294"},
    {"router bgp 4294967295\n", 1, 12, "4294967295", "a number from 1 to 4294967294"},
    {"router bgp 65001 vrf red\n", 1, 0, NULL, "VRF"},
    {"router ospf\n network 1.2.3.4/32 area 0\n", 1, 0, NULL, "router bgp"},
    {"vrf red\n ip route 10.0.0.0/8 10.0.0.1\nexit-vrf\n", 1, 0, NULL, "VRFs are not supported"},
    {"router bgp 65001\n address-family l2vpn evpn\n  advertise-all-vni\n exit-address-family\n", 2,
     0, NULL, "only ipv4 unicast and ipv6 unicast"},
    {"router bgp 65001\n neighbor 10.0.0.300 remote-as 1\n", 2, 11, "10.0.0.300", "no IPv4"},
    {"router bgp 65001\n neighbor GROUP remote-as 1\n", 2, 11, "GROUP",
     "neighbor GROUP peer-group"},
    {"router bgp 65001\n neighbor 10.0.0.1 remote-as 70000000000\n", 2, 30, "70000000000",
     "from 1 to 4294967294"},
    {"router bgp 65001\n neighbor 10.0.0.1 azure-role mse\n", 2, 31, "mse",
     "msee, microsoft-peering, vpn-gateway, vwan-hub or route-server"},
    {"router bgp 65001\n neighbor 10.0.0.1 timers 30 2\n", 2, 30, "2", "0 or from 3 to 65535"},
    {"router bgp 65001\n neighbor 10.0.0.1 timers 30 20\n", 2, 0, "30", "must be longer"},
    {"router bgp 65001\n neighbor 10.0.0.1 ebgp-multihop 256\n", 2, 34, "256", "from 1 to 255"},
    {"router bgp 65001\n neighbor 10.0.0.1 bfd 3 5 300\n", 2, 26, "5", "10 to 60000"},
    {"router bgp 65001\n bgp graceful-restart select-defer-time 3601\n", 2, 41, "3601",
     "from 0 to 3600"},
    {"router bgp 65001\n bgp graceful-restart restart-time 4096\n", 2, 36, "4096",
     "from 0 to 4095"},
    {"router bgp 65001\n network 10.0.0.1/8\n", 2, 10, "10.0.0.1/8",
     "host bits are set; the prefix is 10.0.0.0/8"},
    {"router bgp 65001\n network 10.0.0.0\n", 2, 10, "10.0.0.0", "ADDRESS/LENGTH"},
    {"router bgp 65001\n network 10.0.0.0/33\n", 2, 10, "10.0.0.0/33", "ADDRESS/LENGTH"},
    {"router bgp 65001\n network 2001:db8::/32\n", 2, 0, "2001:db8::/32",
     "IPv4 prefix is expected"},
    {"router bgp 65001\n network 10.0.0.0/8 path-class open\n", 2, 32, "open",
     "clear, macsec or ipsec"},
    {"router bgp 65001\n bgp router-id 1.2.3\n", 2, 16, "1.2.3", "an address"},
    {"router bgp 65001\n redistribute ospf\n", 2, 15, "ospf", "connected, static or kernel"},
    {"protect 10.0.0.0/8 require\n", 1, 0, NULL, "incomplete"},
    {"protect 10.0.0.0/8 require ipsec guard none\n", 1, 40, "none", "unreachable or blackhole"},
    {"protect 10.0.0.0/8 require ipsec overrule-foreign maybe\n", 1, 51, "maybe", ""},
    {"tunnel t0\n local-endpoint 10.0.0\n", 2, 17, "10.0.0", "an IPv4 or IPv6 address"},
    {"tunnel t0\n local-endpoint 10.0.0.1\n remote-endpoint 2001:db8::1\n", 1, 0, NULL,
     "different IP versions"},
    {"path-class ipsec weight 70000\n", 1, 25, "70000", "from 0 to 65535"},
    {"ip route 10.0.0.0/8\n", 1, 0, NULL, "incomplete line"},
    {"ip route 2001:db8::/32 10.0.0.1\n", 1, 10, "2001:db8::/32", "IPv4 prefix"},
    {"ip route 10.0.0.0/8 2001:db8::1\n", 1, 0, "2001:db8::1", "other IP version"},
    {"ip prefix-list A permit 10.0.0.0/8 ge 8\n", 1, 0, "8", "ge must be longer"},
    {"ip prefix-list A permit 10.0.0.0/8 le 33\n", 1, 0, "33", "at most 32"},
    {"ip prefix-list A permit 10.0.0.0/8 ge 24 le 16\n", 1, 0, "16", "at least ge"},
    {"ip prefix-list A allow 10.0.0.0/8\n", 1, 18, "allow", "permit or deny"},
    {"ip prefix-list A seq 0 permit 10.0.0.0/8\n", 1, 22, "0", "from 1 to 4294967295"},
    {"ip prefix-list A permit 2001:db8::/32\n", 1, 25, "2001:db8::/32", "IPv4 prefix"},
    {"route-map A permit 0\n", 1, 20, "0", "from 1 to 65535"},
    {"route-map A maybe 10\n", 1, 13, "maybe", "permit or deny"},
    {"route-map A permit 10\n match ip address 10\n", 2, 19, "10", "prefix-list"},
    {"route-map A permit 10\n on-match goto 10\n", 2, 0, "10", "further on"},
    {"route-map A permit 10\n set community 65001:70000\n", 2, 16, "65001:70000", "a community"},
    {"route-map A permit 10\n set metric 10x\n", 2, 13, "10x", "+ or - and a number"},
    {"route-map A permit 10\n set as-path prepend 0\n", 2, 0, "0", "1 to 4294967294"},
    {"route-map A permit 10\n set as-path prepend 65001 x\n", 2, 22, "65001", "AS numbers"},
    {"bgp community-list standard A permit 1:2\nbgp community-list expanded A permit 1:.*\n", 2, 0,
     NULL, "either a standard or an expanded one"},
    {"bgp large-community-list standard A permit 1:2\n", 1, 44, "1:2", "large community"},
    {"tunnel a\n probe loud\n", 2, 8, "loud", "auto, echo or tcp"},
    {"tunnel a\n probe interval 20\n", 2, 17, "20", "from 50 to 60000"},
    {"interface eth0\n path-class open\n", 2, 13, "open", "clear, macsec or ipsec"},
    {"interface a-name-of-sixteen\n", 1, 11, "a-name-of-sixteen", "1 to 15 characters"},
    {"bfd\n hold-down 256000\n", 2, 12, "256000", "from 0 to 255000"},
    {"bfd\n authentication md6 key-id 1 key k\n", 2, 0, NULL, "simple, md5"},
    {"key chain K tcp\n key 256\n", 2, 6, "256", "from 0 to 255"},
    {"key chain K tcp\n key 1\n  cryptographic-algorithm md5\n", 3, 27, "md5",
     "hmac-sha-1, aes-128-cmac or hmac-sha-256"},
    {"key chain K tcp\n key 1\n key 2\n  recv-id 1\n", 1, 0, NULL,
     "keys 1 and 2 have the same send-id or recv-id"},
    {"key chain K tcp\n key 1\n key 2\n key 3\n key 4\n key 5\n key 6\n key 7\n key 8\n key 9\n", 1,
     0, NULL, "9 keys: 8 at most"},
    {"bfd\n peer nobody\n", 2, 7, "nobody", "address of a neighbour"},
    {"ipv6 route 2001:db8::/32 fe80::1 eth0\nipv6 route 2001:db8::/32 fe80::1 eth1\n", 2, 34,
     "eth1", "line 1 gave this gateway on interface eth0"},
    {"no\n", 1, 0, NULL, "incomplete line"},
    {"log level loud\n", 1, 11, "loud", "debugging"},
    {"access-list 10 permit any\n", 1, 0, NULL, "use a prefix list"},
    {"hostname a\x01z\n", 1, 0, NULL, "control character"},
    {"router bgp 65001\n neighbor 10.0.0.1 password <hidden>\n", 2, 0, NULL, "masked"},
};

START_TEST(each_error_names_place_value_and_rule)
{
    const struct refusal *want = &refusals[_i];
    struct loaded loaded = load_text(want->text);
    char *report = report_text(&loaded.report);
    ck_assert_msg(loaded.status == STATUS_INVALID, "taken: %s", want->text);
    ck_assert_ptr_null(loaded.config);
    ck_assert_ptr_null(loaded.tree);
    ck_assert_uint_ge(loaded.report.item_count, 1);
    const struct config_report_item *item = &loaded.report.items[0];
    for (size_t i = 0; i < loaded.report.item_count && item->severity != CONFIG_ERROR; i++) {
        item = &loaded.report.items[i];
    }
    ck_assert_msg(want->line == 0 || item->line == want->line, "line %u in:\n%s", item->line,
                  report);
    ck_assert_msg(want->column == 0 || item->column == want->column, "column %u in:\n%s",
                  item->column, report);
    ck_assert_msg(strstr(item->text, want->rule) != NULL, "no \"%s\" in:\n%s", want->rule, report);
    if (want->value != NULL) {
        ck_assert_msg(item->value != NULL && strcmp(item->value, want->value) == 0,
                      "value %s in:\n%s", item->value, report);
    }
    ck_assert_msg(strncmp(report, "test:", 5) == 0, "%s", report);
    free(report);
    unload(&loaded);
}
END_TEST

START_TEST(a_block_that_we_do_not_have_is_one_error)
{
    struct loaded loaded =
        load_text("router ospf\n network 10.0.0.0/8 area 0\n passive-interface x\n"
                  "exit\nhostname r1\n");
    ck_assert_uint_eq(loaded.report.error_count, 1);
    unload(&loaded);
}
END_TEST

START_TEST(all_errors_are_collected_up_to_fifty)
{
    char text[8192] = "";
    for (size_t i = 0; i < 60; i++) {
        memcpy(text + i * 14, "nonsense here\n", 15);
    }
    struct loaded loaded = load_text(text);
    ck_assert_uint_eq(loaded.report.error_count, 60);
    ck_assert_uint_eq(loaded.report.item_count, CONFIG_REPORT_ITEMS_MAX);
    char *report = report_text(&loaded.report);
    ck_assert_ptr_nonnull(strstr(report, "10 more errors are not shown"));
    free(report);
    unload(&loaded);
}
END_TEST

START_TEST(an_error_among_many_notes_is_shown)
{
    char text[8192] = "";
    for (size_t i = 0; i < 70; i++) {
        memcpy(text + i * 21, "service advanced-vty\n", 22);
    }
    memcpy(text + 70u * 21, "nonsense\n", 10);
    struct loaded loaded = load_text(text);
    ck_assert_uint_eq(loaded.report.item_count, CONFIG_REPORT_ITEMS_MAX);
    ck_assert_int_eq(loaded.report.items[CONFIG_REPORT_ITEMS_MAX - 1].severity, CONFIG_ERROR);
    ck_assert_uint_eq(loaded.report.items[CONFIG_REPORT_ITEMS_MAX - 1].line, 71);
    unload(&loaded);
}
END_TEST

START_TEST(a_caret_stands_below_the_word_at_fault)
{
    struct loaded loaded = load_text("router bgp 65001\n neighbor 10.0.0.1 remote-az 12076\n");
    char *report = report_text(&loaded.report);
    ck_assert_ptr_nonnull(strstr(report, "     neighbor 10.0.0.1 remote-az 12076\n"
                                         "                       ^\n"));
    free(report);
    unload(&loaded);
}
END_TEST

START_TEST(secrets_are_in_no_report)
{
    static const char *const texts[] = {
        "router bgp 65001\n neighbor NOGROUP password Hush4Hush\n",
        "router bgp 65001\n neighbor 10.0.0.1 pasword Hush4Hush\n",
        "router bgp 65001\n neighbor 10.0.0.1 passwort Hush4Hush\n",
        "key chain K\n key 1\n  key-strng Hush4Hush\n",
        "key chain K\n key 1\n  key-string Hush4Hush-is-longer-than-the-eighty-characters-which-a-"
        "key-string-may-have-and-goes-on\n",
        "password Hush4Hush\nenable password Hush4Hush\nusername x password Hush4Hush\n",
        "bfd\n profile a\n  authentication md5 key Hush4Hush\n",
        "bfd\n profile a\n  authentification md5 key-id 1 key Hush4Hush\n",
        "bfd\n profile a\n  authentication md5 key-id 300 key Hush4Hush\n",
        "bfd\n authentication md5 key-id 1 key Hush4Hush-which-is-too-long\n",
        "bfd\n peer 10.0.0.1\n  authentication sha1 key-id 1 key Hush4Hush\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct loaded loaded = load_text(texts[i]);
        char *report = report_text(&loaded.report);
        ck_assert_uint_ge(loaded.report.item_count, 1);
        ck_assert_msg(strstr(report, "Hush4") == NULL, "%s", report);
        free(report);
        unload(&loaded);
    }
    char json[512];
    char key[100];
    memset(key, 'K', 90);
    key[90] = '\0';
    snprintf(json, sizeof json,
             "{\"sealane-bgp:bgp\":{\"global\":{\"as\":1},\"neighbors\":{\"neighbor\":[{"
             "\"remote-address\":\"10.0.0.1\",\"transport\":{\"secure-session\":{"
             "\"md5-key-string\":\"%s\"}}}]}}}",
             key);
    struct loaded loaded = load_as(CONFIG_FORMAT_JSON, json);
    ck_assert_int_eq(loaded.status, STATUS_INVALID);
    char *report = report_text(&loaded.report);
    ck_assert_msg(strstr(report, "KKKK") == NULL, "%s", report);
    free(report);
    unload(&loaded);
}
END_TEST

START_TEST(secrets_are_masked_unless_asked_for)
{
    struct loaded loaded =
        load_good(CONFIG_FORMAT_TEXT, "router bgp 65001\n neighbor G peer-group\n"
                                      " neighbor G password Hush4Hush\n"
                                      " neighbor 10.0.0.1 password Hush5Hush\n"
                                      " neighbor G bfd authentication md5 key-id 1 key Hush6Hush\n"
                                      "key chain K tcp\n key 7\n  key-string HushAHush\n"
                                      "bfd\n authentication simple key-id 2 key Hush7Hush\n"
                                      " profile P\n"
                                      "  authentication sha1 key-id 3 key Hush8Hush\n"
                                      " peer 10.0.0.1\n"
                                      "  authentication sha1 key-id 4 key Hush9Hush\n");
    ck_assert_str_eq(loaded.config->bgp.neighbors[0].password, "Hush5Hush");
    for (enum config_format format = CONFIG_FORMAT_TEXT; format <= CONFIG_FORMAT_XML; format++) {
        char *masked = printed(&loaded, format, false);
        char *open = printed(&loaded, format, true);
        ck_assert_ptr_null(strstr(masked, "Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush4Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush5Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush6Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush7Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush8Hush"));
        ck_assert_ptr_nonnull(strstr(open, "Hush9Hush"));
        ck_assert_ptr_nonnull(strstr(open, "HushAHush"));
        struct loaded again = load_as(format, masked);
        ck_assert_int_eq(again.status, STATUS_INVALID);
        unload(&again);
        free(masked);
        free(open);
    }
    unload(&loaded);
}
END_TEST

START_TEST(bounds_of_lines_and_files_hold)
{
    static char line[CONFIG_LINE_BYTES_MAX + 64];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "hostname ", 9);
    struct loaded loaded = load_text(line);
    ck_assert_int_eq(loaded.status, STATUS_INVALID);
    ck_assert_uint_eq(loaded.report.items[0].line, 1);
    unload(&loaded);
    static char words[26 + 2 * 590 + 1];
    memcpy(words, "protect 10.0.0.0/8 require", 26);
    for (size_t i = 0; i < 590; i++) {
        memcpy(words + 26 + 2 * i, " x", 2);
    }
    loaded = load_text(words);
    ck_assert_int_eq(loaded.status, STATUS_INVALID);
    unload(&loaded);
    struct config_loader *loader = config_loader_new();
    struct config_report report;
    struct config *config = NULL;
    config_report_init(&report);
    /* The size is looked at before any octet is. */
    struct byte_view huge = {(const uint8_t *)line, CONFIG_FILE_BYTES_MAX + 1u};
    ck_assert_int_eq(config_load(loader, "x", CONFIG_FORMAT_TEXT, huge, &config, NULL, &report),
                     STATUS_LIMIT);
    ck_assert_ptr_null(config);
    config_report_fini(&report);
    config_loader_free(loader);
}
END_TEST

struct bad_json {
    const char *text;
    const char *message;
};

static const struct bad_json bad_jsons[] = {
    {"", ""},
    {"{", ""},
    {"[]", ""},
    {"{\"nothing:here\":1}", ""},
    {"{\"sealane-bgp:bgp\":{\"global\":{}}}", "as"},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":0}}}", "expected: a number from 1 to 4294967294"},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":\"x\"}}}", ""},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":1,\"bogus\":2}}}", "bogus"},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":1},\"neighbors\":{\"neighbor\":[{\"remote-address\":"
     "\"10.0.0.300\"}]}}}",
     "/sealane-bgp:bgp/neighbors/neighbor"},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":1,\"afi-safis\":{\"afi-safi\":[{\"name\":"
     "\"ipv4-unicast\",\"networks\":{\"network\":[{\"prefix\":\"10.0.0.1/8\"}]}}]}}}}",
     "host bits are set; the prefix is 10.0.0.0/8"},
    {"{\"sealane-bgp:bgp\":{\"global\":{\"as\":1,\"afi-safis\":{\"afi-safi\":[{\"name\":"
     "\"ipv6-unicast\",\"networks\":{\"network\":[{\"prefix\":\"2001:db8::/32\"},{\"prefix\":"
     "\"2001:DB8::/32\"}]}}]}}}}",
     "2001:db8::/32 is there twice"},
    {"{\"sealane-protection:protection\":{\"encryption\":{\"requirement\":[{\"prefix\":"
     "\"10.0.0.0/8\"}]}}}",
     "require"},
    {"{\"sealane-system:system\":{\"bfd\":{\"profile\":[{\"name\":\"x\","
     "\"desired-min-tx-interval\":300001}]}}}",
     "multiple of 1000"},
};

START_TEST(bad_json_is_refused_with_a_reason)
{
    struct loaded loaded = load_as(CONFIG_FORMAT_JSON, bad_jsons[_i].text);
    if (bad_jsons[_i].text[0] == '\0') {
        /* An empty text may be an empty configuration or none; it must not be more. */
        ck_assert(loaded.config == NULL || !loaded.config->bgp.is_configured);
        unload(&loaded);
        return;
    }
    ck_assert_msg(loaded.status == STATUS_INVALID, "taken: %s", bad_jsons[_i].text);
    ck_assert_uint_ge(loaded.report.error_count, 1);
    char *report = report_text(&loaded.report);
    ck_assert_msg(strstr(report, bad_jsons[_i].message) != NULL, "no \"%s\" in %s",
                  bad_jsons[_i].message, report);
    free(report);
    unload(&loaded);
}
END_TEST

/* Every way of cutting a good text off, and every octet of it spoiled, ends in a model or a report
 * and never in both or in neither. */
START_TEST(spoiled_texts_give_a_model_or_a_report)
{
    static const char good[] = "tunnel t0\n remote-endpoint 10.0.0.1\n"
                               "protect 10.0.0.0/8 require ipsec guard blackhole\n"
                               "ip prefix-list A seq 5 permit 10.0.0.0/8 le 24\n"
                               "route-map M permit 10\n match ip address prefix-list A\n"
                               " set community 65001:1 additive\n"
                               "router bgp 65001\n neighbor 10.0.0.1 remote-as 65002\n"
                               " neighbor 10.0.0.1 route-map M in\nbfd\n peer 10.0.0.1\n"
                               "  receive-interval 300\n";
    static const char spoilers[] = {'\0', '\n', ' ', '9', '/', ':', '\xff', '[', '<', '!'};
    struct config_loader *loader = config_loader_new();
    for (size_t i = 0; i < sizeof good; i++) {
        for (size_t s = 0; s <= sizeof spoilers; s++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            size_t size = s == sizeof spoilers ? i : sizeof good - 1;
            if (s < sizeof spoilers && i < sizeof good - 1) {
                text[i] = spoilers[s];
            }
            struct config *config = NULL;
            struct config_tree *tree = NULL;
            struct config_report report;
            config_report_init(&report);
            enum status status = config_load(loader, "x", CONFIG_FORMAT_TEXT,
                                             (struct byte_view){(const uint8_t *)text, size},
                                             &config, &tree, &report);
            ck_assert((status == STATUS_OK) == (config != NULL));
            ck_assert((status == STATUS_OK) == (report.error_count == 0));
            config_free(config);
            config_tree_free(tree);
            config_report_fini(&report);
        }
    }
    config_loader_free(loader);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config errors");
    TCase *tests = tcase_create("errors");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, each_error_names_place_value_and_rule, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_loop_test(tests, bad_json_is_refused_with_a_reason, 0,
                        sizeof bad_jsons / sizeof bad_jsons[0]);
    tcase_add_test(tests, a_block_that_we_do_not_have_is_one_error);
    tcase_add_test(tests, all_errors_are_collected_up_to_fifty);
    tcase_add_test(tests, an_error_among_many_notes_is_shown);
    tcase_add_test(tests, a_caret_stands_below_the_word_at_fault);
    tcase_add_test(tests, secrets_are_in_no_report);
    tcase_add_test(tests, secrets_are_masked_unless_asked_for);
    tcase_add_test(tests, bounds_of_lines_and_files_hold);
    tcase_add_test(tests, spoiled_texts_give_a_model_or_a_report);
    suite_add_tcase(suite, tests);
    return suite;
}
