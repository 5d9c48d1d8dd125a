/* Every row of the table of command lines: a line made from it loads, prints as itself, and the
 * tree survives each of the three spellings. */
#include "bgpd/config/config_private.h"
#include "tests/unit/config/config_test.h"
#include "tests/unit/config/model_dump.h"

#define SAMPLE_BYTES 2048u

static struct config_loader *loader;

static void set_up(void)
{
    loader = config_loader_new();
}

static void tear_down(void)
{
    config_loader_free(loader);
}

static const char *const mode_heads[MODE_COUNT] = {
    [MODE_TOP] = "",
    [MODE_INTERFACE] = "interface eth7\n",
    [MODE_TUNNEL] = "tunnel tun7\n",
    [MODE_ROUTE_MAP] = "route-map sample permit 1\n",
    [MODE_BGP] = "router bgp 65001\n neighbor sample peer-group\n",
    [MODE_FAMILY] = "router bgp 65001\n neighbor sample peer-group\n address-family ipv6 unicast\n",
    [MODE_BFD] = "bfd\n",
    [MODE_BFD_PROFILE] = "bfd\n profile sample\n",
    [MODE_BFD_PEER] = "router bgp 65001\n neighbor 10.9.8.7 remote-as 1\nbfd\n peer 10.9.8.7\n",
    [MODE_KEY_CHAIN] = "key chain sample tcp\n",
    [MODE_KEY] = "key chain sample tcp\n key 9\n",
    [MODE_VTY] = "line vty\n",
};

static const char *converter_sample(const char *name)
{
    static const struct {
        const char *name;
        const char *sample;
    } samples[] = {
        {"4", "10.0.0.0/8"},       {"6", "2001::/16"},     {"prefix", "2001::/16"},
        {"ip", "10.9.8.7"},        {"peer", "10.9.8.7"},   {"group", "sample"},
        {"gateway", "fe80::7"},    {"ms", "450"},          {"permit", "permit"},
        {"standard", "77"},        {"expanded", "177"},    {"member", "65001:7"},
        {"community", "65001:7"},  {"large", "65001:1:2"}, {"extended", "rt 65001:100"},
        {"rt", "65001:100"},       {"soo", "65001:100"},   {"asns", "65001 65002 65001"},
        {"secret", "S3cretKey42"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        if (strcmp(samples[i].name, name) == 0) {
            return samples[i].sample;
        }
    }
    ck_abort_msg("no sample for converter %s", name);
    return "";
}

/* A value that the leaf's type takes. Numbers grow along the line, for pairs that must. */
static void leaf_sample(const struct lysc_node *leaf, unsigned ordinal, char out[64])
{
    static const char *const words[] = {
        "sample", "10.9.8.7", "fe80::7", "next",        "2001:db8::7", "65535",  "100",
        "permit", "macsec",   "msee",    "hold",        "igp",         "static", "errors",
        "json",   "xfrm",     "peer",    "blackhole",   "+10",         "1000",   "20000",
        "1",      "echo",     "md5",     "aes-128-cmac"};
    snprintf(out, 64, "%u", 5 + 4 * ordinal);
    if (lyd_value_validate(NULL, leaf, out, strlen(out), NULL, NULL, NULL) == LY_SUCCESS &&
        leaf->nodetype == LYS_LEAF &&
        ((const struct lysc_node_leaf *)leaf)->type->basetype != LY_TYPE_STRING) {
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (lyd_value_validate(NULL, leaf, words[i], strlen(words[i]), NULL, NULL, NULL) ==
            LY_SUCCESS) {
            snprintf(out, 64, "%s", words[i]);
            return;
        }
    }
    ck_abort_msg("no sample for leaf %s", leaf->name);
}

static void append(char line[SAMPLE_BYTES], const char *word)
{
    size_t used = strlen(line);
    snprintf(line + used, SAMPLE_BYTES - used, "%s%s", used == 0 ? "" : " ", word);
}

static void append_token(char line[SAMPLE_BYTES], const struct row_token *token, unsigned ordinal)
{
    char value[64];
    switch ((enum token_kind)token->kind) {
    case TOKEN_WORD:
        append(line, token->text);
        return;
    case TOKEN_ANYTHING:
        append(line, "10.9.8.7");
        return;
    case TOKEN_SLOT:
    case TOKEN_LIST:
    case TOKEN_REST:
        if (token->converter != NULL && strcmp(token->converter->name, "gateway") == 0 &&
            strncmp(line, "ip ", 3) == 0) {
            append(line, "10.9.8.7");
        } else if (token->converter != NULL) {
            append(line, converter_sample(token->converter->name));
        } else {
            leaf_sample(token->path[token->path_count == 0 ? 0 : token->path_count - 1u], ordinal,
                        value);
            append(line, value);
        }
        return;
    default:
        return;
    }
}

/* The row's line with only the group-th of its optional groups; -1: with none. */
static bool sample_line(const struct compiled_row *row, int group, char line[SAMPLE_BYTES])
{
    int at_group = -1;
    bool is_inside = false;
    bool is_found = group < 0;
    unsigned ordinal = 0;
    line[0] = '\0';
    for (size_t i = 0; i < row->token_count; i++) {
        if (row->tokens[i].kind == TOKEN_OPEN) {
            at_group++;
            is_inside = true;
            is_found = is_found || at_group == group;
        } else if (row->tokens[i].kind == TOKEN_CLOSE) {
            is_inside = false;
        } else if (!is_inside || at_group == group) {
            append_token(line, &row->tokens[i], ordinal);
            ordinal += row->tokens[i].kind == TOKEN_SLOT;
        }
    }
    return is_found;
}

static struct loaded load_with(enum config_format format, const char *text)
{
    struct loaded loaded = {.loader = loader};
    config_report_init(&loaded.report);
    loaded.status =
        config_load(loader, "test", format, (struct byte_view){(const uint8_t *)text, strlen(text)},
                    &loaded.config, &loaded.tree, &loaded.report);
    if (loaded.status != STATUS_OK) {
        char *report = report_text(&loaded.report);
        ck_abort_msg("refused:\n%s\n---\n%s", report, text);
    }
    return loaded;
}

static void drop(struct loaded *loaded)
{
    config_free(loaded->config);
    config_tree_free(loaded->tree);
    config_report_fini(&loaded->report);
}

/* True when line stands in text as a whole line, whatever its indentation. */
static bool has_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = strstr(text, line); at != NULL; at = strstr(at + 1, line)) {
        const char *start = at;
        while (start > text && start[-1] == ' ') {
            start--;
        }
        if ((start == text || start[-1] == '\n') && at[size] == '\n') {
            return true;
        }
    }
    return false;
}

static void check_round_trip(const struct compiled_row *row, const char *line)
{
    char text[SAMPLE_BYTES + 256];
    snprintf(text, sizeof text, "%s%s\n", mode_heads[row->row->mode], line);
    struct loaded first = load_with(CONFIG_FORMAT_TEXT, text);
    char *canonical = printed(&first, CONFIG_FORMAT_TEXT, true);
    char *model = dump_model(first.config);
    bool is_shown = (row->row->flags & (ROW_ALIAS | ROW_IGNORE | ROW_DEFER)) == 0;
    bool is_empty_block = (row->row->flags & ROW_IF_CHILDREN) != 0;
    bool is_numbered = (row->row->flags & ROW_AUTO_NUMBER) != 0 && strstr(line, " seq ") == NULL;
    if (is_shown && !is_empty_block && !is_numbered) {
        ck_assert_msg(has_line(canonical, line), "\"%s\" is not in\n%s", line, canonical);
    }
    if ((row->row->flags & ROW_IGNORE) != 0) {
        ck_assert_msg(first.report.note_count > 0, "no note about \"%s\"", line);
    }
    for (enum config_format format = CONFIG_FORMAT_TEXT; format <= CONFIG_FORMAT_XML; format++) {
        char *spelled = printed(&first, format, true);
        struct loaded again = load_with(format, spelled);
        char *canonical_again = printed(&again, CONFIG_FORMAT_TEXT, true);
        char *model_again = dump_model(again.config);
        ck_assert_str_eq(canonical, canonical_again);
        ck_assert_str_eq(model, model_again);
        free(model_again);
        ck_assert_uint_eq(again.report.item_count, 0);
        free(canonical_again);
        free(spelled);
        drop(&again);
    }
    free(model);
    free(canonical);
    drop(&first);
}

START_TEST(every_row_loads_and_prints_as_itself)
{
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        char line[SAMPLE_BYTES];
        for (int group = -1; sample_line(row, group, line); group++) {
            check_round_trip(row, line);
        }
    }
}
END_TEST

START_TEST(every_boolean_row_has_a_no_form)
{
    size_t count = 0;
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        if ((row->row->flags & ROW_NO) == 0) {
            continue;
        }
        char line[SAMPLE_BYTES];
        char no_line[SAMPLE_BYTES + 8];
        sample_line(row, -1, line);
        snprintf(no_line, sizeof no_line, "no %s", line);
        check_round_trip(row, no_line);
        count++;
    }
    ck_assert_uint_gt(count, 40);
}
END_TEST

/* True when the line makes another model than its mode's head alone. */
static bool changes_model(const struct compiled_row *row, const char *no, const char *line)
{
    char text[SAMPLE_BYTES + 256];
    snprintf(text, sizeof text, "%s%s%s\n", mode_heads[row->row->mode], no, line);
    struct loaded with = load_with(CONFIG_FORMAT_TEXT, text);
    struct loaded without = load_with(CONFIG_FORMAT_TEXT, mode_heads[row->row->mode]);
    char *model_with = dump_model(with.config);
    char *model_without = dump_model(without.config);
    bool differs = strcmp(model_with, model_without) != 0;
    free(model_with);
    free(model_without);
    drop(&with);
    drop(&without);
    return differs;
}

START_TEST(every_row_reaches_the_model)
{
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        unsigned skip = ROW_IGNORE | ROW_IF_CHILDREN | ROW_CREATE_GROUP;
        if ((row->row->flags & skip) != 0 || row->row->enters == MODE_FAMILY ||
            row->row->enters == MODE_BFD_PEER) {
            continue;
        }
        if (strcmp(row->row->words, "bgp graceful-restart-disable "
                                    "=graceful-restart/enabled:false") == 0) {
            continue; /* the built-in value written out */
        }
        char line[SAMPLE_BYTES];
        for (int group = -1; sample_line(row, group, line); group++) {
            bool reaches = changes_model(row, "", line) ||
                           ((row->row->flags & ROW_NO) != 0 && changes_model(row, "no ", line));
            ck_assert_msg(reaches, "\"%s\" changes nothing", line);
        }
    }
}
END_TEST

/* Every leaf of the modules is in some line: nothing can be said in JSON alone. */
static bool has_row(const struct lysc_node *leaf)
{
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        for (size_t t = 0; t < row->token_count; t++) {
            const struct row_token *token = &row->tokens[t];
            if (token->path_count > 0 && token->path[token->path_count - 1] == leaf) {
                return true;
            }
        }
    }
    return false;
}

static LY_ERR check_leaf(struct lysc_node *node, void *count, ly_bool *skip_children)
{
    (void)skip_children;
    if ((node->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0 && (node->flags & LYS_KEY) == 0) {
        ck_assert_msg(has_row(node), "no command line for %s of %s", node->name,
                      node->parent->name);
        (*(size_t *)count)++;
    }
    return LY_SUCCESS;
}

START_TEST(every_leaf_has_a_command_line)
{
    static const char *const modules[] = {"sealane-system", "sealane-protection", "sealane-policy",
                                          "sealane-bgp"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        const struct lys_module *module =
            ly_ctx_get_module_implemented(loader->context, modules[i]);
        ck_assert_int_eq(lysc_module_dfs_full(module, check_leaf, &count), LY_SUCCESS);
    }
    ck_assert_uint_gt(count, 200);
}
END_TEST

/* `no` in front of any other line that was given before takes it away again. */
START_TEST(no_takes_a_line_away)
{
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        unsigned skip =
            ROW_NO | ROW_IGNORE | ROW_DEFER | ROW_IF_CHILDREN | ROW_CREATE_GROUP | ROW_AUTO_NUMBER;
        if ((row->row->flags & skip) != 0 || row->row->enters != MODE_TOP) {
            continue;
        }
        char line[SAMPLE_BYTES];
        char text[3 * SAMPLE_BYTES];
        sample_line(row, -1, line);
        snprintf(text, sizeof text, "%s%s\nno %s\n", mode_heads[row->row->mode], line, line);
        struct loaded loaded = load_with(CONFIG_FORMAT_TEXT, text);
        char *canonical = printed(&loaded, CONFIG_FORMAT_TEXT, true);
        ck_assert_msg(!has_line(canonical, line), "\"%s\" is still in\n%s", line, canonical);
        free(canonical);
        drop(&loaded);
    }
}
END_TEST

static bool has_fixed_end(const struct compiled_row *row)
{
    for (size_t i = 0; i < row->token_count; i++) {
        uint8_t kind = row->tokens[i].kind;
        if (kind == TOKEN_REST || kind == TOKEN_LIST || kind == TOKEN_ANYTHING ||
            kind == TOKEN_CLOSE) {
            return false;
        }
    }
    return true;
}

/* A word too many at the end is an error at that word, in every row with a fixed end. */
START_TEST(every_row_refuses_a_word_too_many)
{
    for (size_t i = 0; i < loader->row_count; i++) {
        const struct compiled_row *row = &loader->rows[i];
        if (!has_fixed_end(row) || row->row->mode == MODE_BFD_PEER) {
            continue;
        }
        char line[SAMPLE_BYTES];
        char text[2 * SAMPLE_BYTES];
        sample_line(row, -1, line);
        snprintf(text, sizeof text, "%s%s zzz zzz\n", mode_heads[row->row->mode], line);
        struct loaded loaded = {.loader = loader};
        config_report_init(&loaded.report);
        loaded.status = config_load(loader, "test", CONFIG_FORMAT_TEXT,
                                    (struct byte_view){(const uint8_t *)text, strlen(text)},
                                    &loaded.config, &loaded.tree, &loaded.report);
        ck_assert_msg(loaded.status == STATUS_INVALID, "taken: %s", text);
        ck_assert_uint_ge(loaded.report.error_count, 1);
        drop(&loaded);
    }
}
END_TEST

START_TEST(every_statement_is_listed_with_a_meaning)
{
    struct config_statement statement;
    struct buffer words;
    buffer_init(&words, MEM_CONFIG);
    size_t count = 0;
    while (config_statement_at(count, &statement, &words)) {
        ck_assert_ptr_nonnull(statement.mode);
        ck_assert_uint_gt(strlen(statement.words), 1);
        ck_assert_uint_gt(strlen(statement.help), 3);
        count++;
    }
    ck_assert_uint_gt(count, 200);
    buffer_fini(&words);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config rows");
    TCase *tests = tcase_create("rows");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_row_loads_and_prints_as_itself);
    tcase_add_test(tests, every_boolean_row_has_a_no_form);
    tcase_add_test(tests, every_row_reaches_the_model);
    tcase_add_test(tests, every_leaf_has_a_command_line);
    tcase_add_test(tests, no_takes_a_line_away);
    tcase_add_test(tests, every_row_refuses_a_word_too_many);
    tcase_add_test(tests, every_statement_is_listed_with_a_meaning);
    suite_add_tcase(suite, tests);
    return suite;
}
