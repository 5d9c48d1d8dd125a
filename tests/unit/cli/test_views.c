/* Every view in both formats against its golden file. GOLDEN=write makes the files anew: the
 * difference is then to be read, not believed. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

#include "tests/unit/cli/sample_rows.h"
#include "tests/unit/unit.h"

#define GOLDEN_FOLDER "tests/unit/cli/golden"

struct view_case {
    const char *name;
    const char *line;
    Control__Answer *(*answer)(void);
};

static const struct view_case cases[] = {
    {"summary", "show bgp summary", sample_neighbors},
    {"summary-ipv4-wide", "show bgp ipv4 unicast summary wide", sample_neighbors},
    {"summary-empty", "show bgp ipv4 summary", sample_nothing},
    {"table", "show bgp ipv4 unicast", sample_table},
    {"table-empty", "show bgp", sample_nothing},
    {"table-advertised", "show bgp neighbors 172.16.0.2 advertised-routes", sample_table},
    {"table-received", "show bgp neighbors 172.16.0.2 received-routes", sample_table},
    {"prefix", "show bgp 10.51.230.0/24", sample_prefix},
    {"prefix-absent", "show bgp 198.51.100.0/24", sample_absent},
    {"detail", "show bgp detail", sample_prefix},
    {"detail-empty", "show bgp detail", sample_nothing},
    {"neighbors", "show bgp neighbors", sample_neighbors},
    {"neighbors-empty", "show bgp neighbors", sample_nothing},
    {"ip-routes", "show ip route", sample_ip_routes},
    {"ip-route", "show ip route 10.51.230.9", sample_ip_route},
    {"ip-route-absent", "show ip route 198.51.100.0/24", sample_absent},
    {"ip-summary", "show ip route summary", sample_ip_routes},
    {"tunnels", "show tunnels", sample_tunnels},
    {"tunnels-empty", "show tunnels", sample_nothing},
    {"protection", "show protection", sample_protection},
    {"protection-empty", "show protection", sample_nothing},
    {"bfd-peers", "show bfd peers", sample_bfd_peers},
    {"bfd-peers-empty", "show bfd peers", sample_nothing},
    {"bfd-brief", "show bfd peers brief", sample_bfd_peers},
    {"bfd-brief-empty", "show bfd peers brief", sample_nothing},
    {"bfd-counters", "show bfd peers counters", sample_bfd_peers},
    {"failovers", "show failover history", sample_failovers},
    {"failovers-empty", "show failover history", sample_nothing},
    {"verify", "verify path 10.51.231.10 from 10.1.1.10", sample_verdict},
    {"fib-audit", "show fib audit", sample_fib_audit},
    {"config", "show running-config", sample_config},
    {"version", "show version", sample_version},
    {"memory", "show memory", sample_memory},
    {"done", "reload", sample_config},
};

#define CASE_COUNT (sizeof cases / sizeof cases[0])

/* Renders as the shell does: every request of the command gets the same answer. */
static void render_case(const struct view_case *view_case, bool is_json, struct out *out)
{
    struct grammar *grammar = commands_grammar();
    struct command_line line;
    struct grammar_candidates candidates;
    struct render render;
    char text[128];
    size_t column;
    snprintf(text, sizeof text, "%s%s", view_case->line, is_json ? " json" : "");
    ck_assert_int_eq(grammar_parse(grammar, text, &line, &column, &candidates), GRAMMAR_OK);
    const struct command *command = &commands[line.command];
    const struct view_ops *view = (is_json ? &render_json : &render_text)->views[command->view];
    struct connection_status status = {.code = CONTROL__STATUS__CODE__OK, .count = 1};
    render_init(&render, out);
    render.line = &line;
    render.schema = command->schema;
    render.now_epoch_s = SAMPLE_NOW;
    view->begin(&render);
    for (unsigned i = 0;; i++) {
        struct request_box box;
        char error[128] = "";
        control__request__init(&box.request);
        if (!command->request(&line, i, &box, error)) {
            ck_assert_str_eq(error, "");
            break;
        }
        render.family = box.family;
        view->request_begin(&render);
        view->answer(&render, view_case->answer());
        view->request_end(&render, &status);
    }
    view->end(&render);
    out_finish(out);
    render_fini(&render);
    grammar_free(grammar);
}

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = keep(1 << 20);
    if (file != NULL) {
        size_t size = fread(text, 1, (1 << 20) - 1, file);
        text[size] = '\0';
        fclose(file);
    }
    return text;
}

static void check_golden(const struct view_case *view_case, bool is_json)
{
    char path[256];
    struct out out;
    setenv("TZ", "UTC", 1);
    tzset();
    snprintf(path, sizeof path, "%s/%s.%s", GOLDEN_FOLDER, view_case->name,
             is_json ? "json" : "txt");
    out_init(&out, -1);
    render_case(view_case, is_json, &out);
    const char *text = buffer_text(&out.passed);
    if (getenv("GOLDEN") != NULL) {
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
    }
    ck_assert_msg(strcmp(text, file_read(path)) == 0, "%s differs; this came out:\n%s", path, text);
    if (is_json) {
        struct json_object *parsed = json_tokener_parse(text);
        ck_assert_msg(json_object_is_type(parsed, json_type_object), "%s is no JSON object", path);
        ck_assert(json_object_object_get_ex(parsed, "schema", NULL) ||
                  strcmp(view_case->name, "config") == 0);
        json_object_put(parsed);
    } else {
        for (const char *at = text; *at != '\0'; at++) {
            ck_assert_msg(at[0] != ' ' || at[1] != '\n', "%s: blanks at the end of a line", path);
        }
    }
    out_fini(&out);
}

START_TEST(views_print_their_golden_text)
{
    check_golden(&cases[_i], false);
}
END_TEST

START_TEST(views_print_their_golden_json)
{
    check_golden(&cases[_i], true);
}
END_TEST

START_TEST(no_format_forgets_a_view)
{
    const struct render_format *const formats[] = {&render_text, &render_json};
    for (size_t i = 0; i < 2; i++) {
        for (int view = 0; view < VIEW_COUNT; view++) {
            const struct view_ops *ops = formats[i]->views[view];
            ck_assert_ptr_nonnull(ops);
            ck_assert(ops->begin != NULL && ops->request_begin != NULL && ops->answer != NULL &&
                      ops->request_end != NULL && ops->end != NULL);
        }
    }
}
END_TEST

/* The daemon is believed no more than any other input. */
START_TEST(rows_without_content_are_rendered_without_harm)
{
    for (size_t i = 0; i < CASE_COUNT; i++) {
        for (int is_json = 0; is_json < 2; is_json++) {
            struct view_case odd = cases[i];
            struct out out;
            out_init(&out, -1);
            odd.answer = sample_answer;
            render_case(&odd, is_json != 0, &out);
            out_fini(&out);
        }
    }
    Control__Path path = CONTROL__PATH__INIT;
    static const uint8_t torn[] = {2, 200, 0, 0};
    path.as_path = sample_bytes(torn, sizeof torn);
    path.prefix = sample_bytes(torn, 3);
    path.communities = sample_bytes(torn, 3);
    path.cluster_list = sample_bytes(torn, 3);
    path.flags = UINT32_MAX;
    path.reason = UINT32_MAX;
    path.path_class = UINT32_MAX;
    path.source_kind = UINT32_MAX;
    path.prefix_len = UINT32_MAX;
    path.is_first = true;
    Control__Path *paths[] = {&path};
    static Control__Answer answer;
    control__answer__init(&answer);
    answer.global = sample_global();
    answer.n_paths = 1;
    answer.paths = paths;
    const enum view views[] = {VIEW_TABLE, VIEW_PATHS};
    for (size_t i = 0; i < 2; i++) {
        struct command_line line = {.token_count = 0};
        struct render render;
        struct out out;
        out_init(&out, -1);
        render_init(&render, &out);
        render.line = &line;
        render.schema = "x";
        render_text.views[views[i]]->answer(&render, &answer);
        render_json.views[views[i]]->begin(&render);
        render_json.views[views[i]]->answer(&render, &answer);
        render_fini(&render);
        out_fini(&out);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli views");
    TCase *tcase = tcase_create("views");
    tcase_add_loop_test(tcase, views_print_their_golden_text, 0, CASE_COUNT);
    tcase_add_loop_test(tcase, views_print_their_golden_json, 0, CASE_COUNT);
    tcase_add_test(tcase, no_format_forgets_a_view);
    tcase_add_test(tcase, rows_without_content_are_rendered_without_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
