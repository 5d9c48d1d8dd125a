/* The complete configurations in examples/: each loads, passes the checks of the core, and is the
 * same configuration after each of the three spellings. */
#include <dirent.h>

#include "tests/unit/config/config_test.h"
#include "tests/unit/config/model_dump.h"

#define EXAMPLES_MAX 64

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read; run from the top folder", name);
    char *text = calloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    ck_assert_uint_gt(size, 0);
    fclose(file);
    return text;
}

static void check_example(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "examples/%s", name);
    char *text = read_file(path);
    struct loaded loaded = load_good(config_format_of(name), text);
    struct config_messages messages = {.arena = &loaded.config->arena};
    bool is_fine = config_check(loaded.config, &messages);
    for (size_t i = 0; i < messages.count; i++) {
        ck_assert_msg(messages.items[i].is_warning, "%s: %s: %s", name, messages.items[i].path,
                      messages.items[i].text);
    }
    ck_assert_msg(is_fine, "%s", name);
    char *canonical = printed(&loaded, CONFIG_FORMAT_TEXT, true);
    char *model = dump_model(loaded.config);
    for (enum config_format format = CONFIG_FORMAT_TEXT; format <= CONFIG_FORMAT_XML; format++) {
        char *spelled = printed(&loaded, format, true);
        struct loaded again = load_good(format, spelled);
        char *canonical_again = printed(&again, CONFIG_FORMAT_TEXT, true);
        char *model_again = dump_model(again.config);
        ck_assert_str_eq(canonical, canonical_again);
        ck_assert_str_eq(model, model_again);
        free(model_again);
        free(canonical_again);
        free(spelled);
        unload(&again);
    }
    free(model);
    free(canonical);
    free(text);
    unload(&loaded);
}

START_TEST(every_example_loads_and_survives_each_spelling)
{
    DIR *folder = opendir("examples");
    ck_assert_msg(folder != NULL, "run from the top folder");
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending != NULL && (strcmp(ending, ".conf") == 0 || strcmp(ending, ".json") == 0 ||
                               strcmp(ending, ".xml") == 0)) {
            check_example(entry->d_name);
            count++;
        }
    }
    closedir(folder);
    ck_assert_uint_ge(count, 6);
}
END_TEST

START_TEST(mission_in_json_is_the_mission_in_lines)
{
    char *lines = read_file("examples/vwan-ipsec-over-er.conf");
    char *json = read_file("examples/vwan-ipsec-over-er.json");
    struct loaded first = load_good(CONFIG_FORMAT_TEXT, lines);
    struct loaded second = load_good(CONFIG_FORMAT_JSON, json);
    char *first_text = printed(&first, CONFIG_FORMAT_TEXT, true);
    char *second_text = printed(&second, CONFIG_FORMAT_TEXT, true);
    ck_assert_str_eq(first_text, second_text);
    free(first_text);
    free(second_text);
    free(lines);
    free(json);
    unload(&first);
    unload(&second);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config examples");
    TCase *tests = tcase_create("examples");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, every_example_loads_and_survives_each_spelling);
    tcase_add_test(tests, mission_in_json_is_the_mission_in_lines);
    suite_add_tcase(suite, tests);
    return suite;
}
