/* A JSON file that breaks off, or goes on behind its end, is refused wherever the cut is. */
#include <stdio.h>
#include <string.h>

#include "bgpd/config/config.h"
#include "tests/unit/unit.h"

static const char sample[] =
    "{\n \"sealane-bgp:bgp\": {\"global\": {\"as\": 65001}, \"neighbors\": {\"neighbor\": [\n"
    "  {\"remote-address\": \"10.0.0.1\", \"description\": \"a } \\\" ] b\"}]}}\n}";

static enum status load(const char *text, size_t size)
{
    struct config_loader *loader = config_loader_new();
    struct config_report report;
    struct config *config = NULL;
    struct config_tree *tree = NULL;
    config_report_init(&report);
    enum status status =
        config_load(loader, "x.json", CONFIG_FORMAT_JSON,
                    (struct byte_view){(const uint8_t *)text, size}, &config, &tree, &report);
    ck_assert_int_eq(status == STATUS_OK, report.error_count == 0);
    if (status == STATUS_OK) {
        config_free(config);
        config_tree_free(tree);
    }
    config_report_fini(&report);
    config_loader_free(loader);
    return status;
}

START_TEST(every_cut_is_refused)
{
    for (size_t cut = 1; cut + 1 < sizeof sample; cut++) {
        ck_assert_msg(load(sample, cut) == STATUS_INVALID, "cut at %zu", cut);
    }
}
END_TEST

START_TEST(text_behind_the_end_is_refused)
{
    static const char *const tails[] = {"x", "}", "{}", ",", " null"};
    char text[sizeof sample + 8];
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(text, sizeof text, "%s%s", sample, tails[i]);
        ck_assert_int_eq(load(text, strlen(text)), STATUS_INVALID);
    }
}
END_TEST

START_TEST(blanks_at_the_ends_and_braces_in_strings_are_fine)
{
    char text[sizeof sample + 8];
    snprintf(text, sizeof text, "\n %s \n", sample);
    ck_assert_int_eq(load(text, strlen(text)), STATUS_OK);
    ck_assert_int_eq(load("{}", 2), STATUS_OK);
    ck_assert_int_eq(load(" {} \n", 5), STATUS_OK);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("json ends");
    TCase *tcase = tcase_create("ends");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_cut_is_refused);
    tcase_add_test(tcase, text_behind_the_end_is_refused);
    tcase_add_test(tcase, blanks_at_the_ends_and_braces_in_strings_are_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
