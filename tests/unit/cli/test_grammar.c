/* Lines against patterns: abbreviation, ambiguity, carets, completion, help; and the manual. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/cli/complete.h"
#include "tests/unit/unit.h"

static struct grammar *grammar;
static struct command_line line;
static struct grammar_candidates candidates;
static size_t column;

static void setup(void)
{
    grammar = commands_grammar();
}

static void teardown(void)
{
    grammar_free(grammar);
}

static enum grammar_result parse(const char *text)
{
    return grammar_parse(grammar, text, &line, &column, &candidates);
}

static const char *pattern(void)
{
    return commands[line.command].pattern;
}

static void words(char out[256])
{
    out[0] = '\0';
    for (size_t i = 0; i < line.token_count; i++) {
        size_t size = strlen(out);
        snprintf(out + size, 256 - size, "%s%s", i == 0 ? "" : " ", line.tokens[i].text);
    }
}

START_TEST(words_may_be_shortened_while_unique)
{
    static const struct {
        const char *typed;
        const char *whole;
    } rows[] = {
        {"sh bg su", "show bgp summary"},
        {"show bgp", "show bgp"},
        {"sh bgp ipv4 u su w j", "show bgp ipv4 unicast summary wide json"},
        {"sh bgp ipv6 su", "show bgp ipv6 summary"},
        {"sh ip b su", "show ip bgp summary"},
        {"sh ip r", "show ip route"},
        {"sh ipv6 r", "show ipv6 route"},
        {"sh ip ro bgp", "show ip route bgp"},
        {"sh bg n 10.0.0.1 adv", "show bgp neighbors 10.0.0.1 advertised-routes"},
        {"sh bg n 10.0.0.1 ro", "show bgp neighbors 10.0.0.1 routes"},
        {"sh bg 10.0.0.0/8 lo d", "show bgp 10.0.0.0/8 longer-prefixes detail"},
        {"sh t ipsec0", "show tunnels ipsec0"},
        {"sh ru x w", "show running-config xml with-secrets"},
        {"cl bg * so i", "clear bgp * soft in"},
        {"cl ip b 10.0.0.1", "clear ip bgp 10.0.0.1"},
        {"rel", "reload"},
        {"conf t", "configure terminal"},
        {"ter le 0", "terminal length 0"},
        {"  sh   ver  ", "show version"},
    };
    char out[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum grammar_result result = parse(rows[i].typed);
        ck_assert_msg(result == GRAMMAR_OK, "%s: %d at %zu", rows[i].typed, (int)result, column);
        words(out);
        ck_assert_str_eq(out, rows[i].whole);
    }
}
END_TEST

START_TEST(an_exact_word_wins_over_longer_ones)
{
    ck_assert_int_eq(parse("show ip route"), GRAMMAR_OK);
    ck_assert_int_eq(parse("show bgp neighbors 1.1.1.1 routes"), GRAMMAR_OK);
}
END_TEST

START_TEST(ambiguous_words_are_named_with_their_place)
{
    ck_assert_int_eq(parse("show i route"), GRAMMAR_AMBIGUOUS);
    ck_assert_uint_eq(column, 5);
    ck_assert_uint_eq(candidates.count, 2);
    ck_assert_int_eq(parse("e"), GRAMMAR_AMBIGUOUS);
    ck_assert_uint_eq(column, 0);
    ck_assert_int_eq(parse("clear bgp * soft in j"), GRAMMAR_OK);
    ck_assert_int_eq(parse("show bgp neighbors 1.1.1.1 r"), GRAMMAR_AMBIGUOUS);
    ck_assert_uint_eq(column, 27);
}
END_TEST

START_TEST(unknown_words_are_found_where_they_stand)
{
    static const struct {
        const char *typed;
        size_t column;
    } rows[] = {
        {"show bpg", 5},
        {"bogus", 0},
        {"show bgp 10.0.0.0/33", 9},
        {"show bgp 10.0.0", 9},
        {"show bgp 2001:db8::/129", 9},
        {"show bgp summary extra", 17},
        {"show bgp ipv4 unicast summary  wrong", 31},
        {"terminal length 513", 16},
        {"show bgp 10.0.0.1 longer-prefixes", 18},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(parse(rows[i].typed) == GRAMMAR_UNKNOWN, "%s", rows[i].typed);
        ck_assert_uint_eq(column, rows[i].column);
    }
}
END_TEST

START_TEST(incomplete_and_empty_lines_are_told_apart)
{
    ck_assert_int_eq(parse("show"), GRAMMAR_INCOMPLETE);
    ck_assert_int_eq(parse("clear bgp"), GRAMMAR_INCOMPLETE);
    ck_assert_int_eq(parse("show ip"), GRAMMAR_INCOMPLETE);
    ck_assert_int_eq(parse("show bgp 10.0.0.0/8 longer-prefixes"), GRAMMAR_OK);
    ck_assert_int_eq(parse(""), GRAMMAR_EMPTY);
    ck_assert_int_eq(parse(" \t \n"), GRAMMAR_EMPTY);
}
END_TEST

START_TEST(lines_too_long_or_of_too_many_words_are_refused)
{
    char text[LINE_BYTES_MAX + 100];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(parse(text), GRAMMAR_TOO_LONG);
    for (size_t i = 1; i < 200; i += 2) {
        text[i] = ' ';
    }
    text[200] = '\0';
    ck_assert_int_eq(parse(text), GRAMMAR_TOO_LONG);
}
END_TEST

START_TEST(arguments_keep_what_was_typed)
{
    ck_assert_int_eq(parse("show bgp 2001:DB8::/32 json"), GRAMMAR_OK);
    ck_assert_str_eq(line_arg(&line, ARG_PREFIX), "2001:DB8::/32");
    ck_assert(line_has(&line, "json"));
    ck_assert(!line_has(&line, "2001:DB8::/32"));
    ck_assert_ptr_null(line_arg(&line, ARG_ADDR));
    ck_assert_int_eq(parse("show bgp fe80::1"), GRAMMAR_OK);
    ck_assert_str_eq(line_arg(&line, ARG_ADDR), "fe80::1");
}
END_TEST

START_TEST(every_pattern_is_reached_in_its_shortest_and_longest_form)
{
    /* A word of each pattern, options taken or not, leads to that pattern. */
    ck_assert_int_eq(parse("show bgp ipv4 unicast 10.0.0.0/8 bestpath detail json"), GRAMMAR_OK);
    ck_assert_ptr_nonnull(strstr(pattern(), "bestpath"));
    ck_assert_int_eq(parse("show ip bgp neighbors json"), GRAMMAR_OK);
    ck_assert_ptr_nonnull(strstr(pattern(), "neighbors [NEIGHBOR]"));
    ck_assert_int_eq(parse("quit"), GRAMMAR_OK);
    ck_assert_int_eq(commands[line.command].local, LOCAL_EXIT);
    ck_assert_int_eq(parse("exit"), GRAMMAR_OK);
    ck_assert_int_eq(commands[line.command].local, LOCAL_EXIT);
}
END_TEST

/* ---- Help and completion ---- */

static size_t fake_names(void *context, enum grammar_arg arg, char (*out)[COMPLETE_WORD_BYTES],
                         size_t max)
{
    (void)context;
    ck_assert_uint_ge(max, 3);
    if (arg == ARG_TUNNEL) {
        snprintf(out[0], COMPLETE_WORD_BYTES, "ipsec0");
        snprintf(out[1], COMPLETE_WORD_BYTES, "ipsec1");
        return 2;
    }
    snprintf(out[0], COMPLETE_WORD_BYTES, "10.51.230.12");
    snprintf(out[1], COMPLETE_WORD_BYTES, "172.16.0.2");
    snprintf(out[2], COMPLETE_WORD_BYTES, "172.16.0.6");
    return 3;
}

static const struct complete_source source = {NULL, fake_names};

static const char *help(const char *text)
{
    static char copy[8192];
    struct buffer out;
    buffer_init(&out, MEM_MISC);
    complete_help(grammar, text, &source, &out);
    snprintf(copy, sizeof copy, "%s", buffer_text(&out));
    buffer_fini(&out);
    return copy;
}

START_TEST(a_text_in_quotes_is_one_token)
{
    static const struct {
        const char *typed;
        const char *text;
    } rows[] = {
        {"clear bgp * message \"new cables, back soon\"", "new cables, back soon"},
        {"clear bgp * message \"new cables\" json", "new cables"},
        {"clear bgp 10.0.0.1 message cables", "cables"},
        {"clear bgp * message \"json\"", "json"},
        {"clear bgp * message \"  \"", "  "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(parse(rows[i].typed) == GRAMMAR_OK, "%s", rows[i].typed);
        ck_assert_str_eq(line_arg(&line, ARG_TEXT), rows[i].text);
    }
    ck_assert_int_eq(parse("clear bgp * message"), GRAMMAR_INCOMPLETE);
    static const char *const wrong[] = {
        "clear bgp * message \"never closed", "clear bgp * message \"\"",
        "clear bgp * message two words",      "clear bgp * soft message x",
        "clear bgp * message x soft",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(parse(wrong[i]) == GRAMMAR_UNKNOWN, "%s", wrong[i]);
    }
    ck_assert_int_eq(parse("clear bgp * message \"never closed"), GRAMMAR_UNKNOWN);
    ck_assert_uint_eq(column, 20);
    ck_assert_ptr_nonnull(strstr(help("clear bgp * message "), "\"TEXT\""));
}
END_TEST

START_TEST(a_question_mark_lists_what_may_follow)
{
    ck_assert_str_eq(help("show t"), "  tunnels               IPsec tunnels and their liveness\n");
    ck_assert_str_eq(help("show tunnels "), "  TUNNEL                Name of a tunnel\n"
                                            "  ipsec0\n"
                                            "  ipsec1\n"
                                            "  json                  As JSON\n"
                                            "  |                     Pipe the output\n"
                                            "  <cr>\n");
    ck_assert_str_eq(help("show ip route s"),
                     "  static                Static routes of the configuration\n"
                     "  summary               An overview, one line each\n");
    ck_assert_ptr_nonnull(strstr(help("clear bgp "), "*  "));
    ck_assert_ptr_nonnull(strstr(help("clear bgp "), "172.16.0.6"));
    ck_assert_ptr_null(strstr(help("clear bgp "), "<cr>"));
    ck_assert_ptr_nonnull(strstr(help(""), "show"));
}
END_TEST

START_TEST(a_question_mark_after_a_mistake_says_so)
{
    ck_assert_str_eq(help("show bpg "), "% There is no matched command.\n");
    ck_assert_str_eq(help("show zz"), "% There is no matched command.\n");
    ck_assert_str_eq(help("show i "), "% Ambiguous command\n");
}
END_TEST

START_TEST(a_question_mark_after_a_bar_lists_pipes)
{
    ck_assert_ptr_nonnull(strstr(help("show bgp | "), "section"));
    ck_assert_str_eq(help("show bgp | inc"), "  include               Only lines that match\n");
    ck_assert_ptr_nonnull(strstr(help("show bgp | include "), "PATTERN"));
}
END_TEST

static struct completions found;

static void complete(const char *text)
{
    complete_words(grammar, text, &source, &found);
}

START_TEST(tab_completes_words_and_names)
{
    complete("show sum");
    ck_assert_uint_eq(found.count, 0);
    complete("show bgp sum");
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.words[0], "summary");
    ck_assert_uint_eq(found.begun_bytes, 3);
    complete("show bgp neighbors 1");
    ck_assert_uint_eq(found.count, 3);
    ck_assert_uint_eq(found.common_bytes, 1);
    complete("show bgp neighbors 17");
    ck_assert_uint_eq(found.count, 2);
    ck_assert_uint_eq(found.common_bytes, strlen("172.16.0."));
    complete("show tunnels ip");
    ck_assert_uint_eq(found.count, 2);
    complete("show i");
    ck_assert_uint_eq(found.count, 2);
    ck_assert_uint_eq(found.common_bytes, 2);
    complete("show bgp | se");
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.words[0], "section");
    complete("show bpg n");
    ck_assert_uint_eq(found.count, 0);
    complete("");
    ck_assert_uint_ge(found.count, 8);
}
END_TEST

START_TEST(every_prefix_of_every_completion_is_accepted_by_the_parser)
{
    /* Walks the grammar by its own completions, three words deep. */
    struct completions *first = calloc(1, sizeof *first);
    complete("");
    *first = found;
    for (size_t i = 0; i < first->count; i++) {
        char text[300];
        struct completions second;
        snprintf(text, sizeof text, "%s ", first->words[i]);
        complete(text);
        second = found;
        for (size_t j = 0; j < second.count; j++) {
            snprintf(text, sizeof text, "%s %s", first->words[i], second.words[j]);
            enum grammar_result result = parse(text);
            ck_assert_msg(result == GRAMMAR_OK || result == GRAMMAR_INCOMPLETE, "%s", text);
        }
    }
    free(first);
}
END_TEST

/* ---- The table and the manual ---- */

START_TEST(every_word_has_a_line_of_help)
{
    struct grammar_candidate symbol;
    for (size_t i = 0; grammar_symbol(grammar, i, &symbol); i++) {
        if (symbol.word != NULL) {
            ck_assert_msg(command_word_help(symbol.word) != NULL, "no help for %s", symbol.word);
        }
    }
    for (size_t i = 0; i < command_count; i++) {
        ck_assert_ptr_nonnull(commands[i].help);
        ck_assert((commands[i].local == LOCAL_NONE) == (commands[i].request != NULL));
        ck_assert((strstr(commands[i].pattern, "json") != NULL) == (commands[i].schema != NULL));
    }
}
END_TEST

START_TEST(the_manual_lists_exactly_the_commands_of_the_table)
{
    FILE *file = fopen("docs/man/sealane.1", "r");
    char text[1024];
    bool is_commands = false;
    bool is_entry = false;
    size_t entries = 0;
    ck_assert_ptr_nonnull(file);
    while (fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        if (strncmp(text, ".SH ", 4) == 0) {
            is_commands = strcmp(text, ".SH COMMANDS") == 0;
        }
        if (is_commands && is_entry && strncmp(text, ".B ", 3) == 0) {
            ck_assert_msg(entries < command_count &&
                              strcmp(text + 3, commands[entries].pattern) == 0,
                          "entry %zu of the manual is %s", entries, text + 3);
            entries++;
        }
        is_entry = strcmp(text, ".TP") == 0;
    }
    fclose(file);
    ck_assert_uint_eq(entries, command_count);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli grammar");
    TCase *tcase = tcase_create("grammar");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_text_in_quotes_is_one_token);
    tcase_add_test(tcase, words_may_be_shortened_while_unique);
    tcase_add_test(tcase, an_exact_word_wins_over_longer_ones);
    tcase_add_test(tcase, ambiguous_words_are_named_with_their_place);
    tcase_add_test(tcase, unknown_words_are_found_where_they_stand);
    tcase_add_test(tcase, incomplete_and_empty_lines_are_told_apart);
    tcase_add_test(tcase, lines_too_long_or_of_too_many_words_are_refused);
    tcase_add_test(tcase, arguments_keep_what_was_typed);
    tcase_add_test(tcase, every_pattern_is_reached_in_its_shortest_and_longest_form);
    tcase_add_test(tcase, a_question_mark_lists_what_may_follow);
    tcase_add_test(tcase, a_question_mark_after_a_mistake_says_so);
    tcase_add_test(tcase, a_question_mark_after_a_bar_lists_pipes);
    tcase_add_test(tcase, tab_completes_words_and_names);
    tcase_add_test(tcase, every_prefix_of_every_completion_is_accepted_by_the_parser);
    tcase_add_test(tcase, every_word_has_a_line_of_help);
    tcase_add_test(tcase, the_manual_lists_exactly_the_commands_of_the_table);
    suite_add_tcase(suite, tcase);
    return suite;
}
