/* The manual page of the configuration lists every row of the table, in its words and with its
 * meaning. SEALANE_WRITE_MANUAL=1 in the environment writes that part anew from the table. */
#include "tests/unit/config/config_test.h"

#define PAGE       "docs/man/sealane.conf.5"
#define PART_BEGIN ".\\\" Statements, written by tests/unit/config/test_manual.c\n"
#define PART_END   ".\\\" End of statements\n"

static char *read_page(void)
{
    FILE *file = fopen(PAGE, "rb");
    ck_assert_msg(file != NULL, PAGE " cannot be read; run from the top folder");
    char *text = calloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    ck_assert_uint_gt(size, 0);
    fclose(file);
    return text;
}

/* Text of a page: backslashes, hyphens that may be typed, and dots in front are taken literally. */
static void append_roff(struct buffer *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            buffer_printf(out, "\\e");
        } else if (*at == '-') {
            buffer_printf(out, "\\-");
        } else if (*at == '"') {
            buffer_printf(out, "\\(dq");
        } else {
            buffer_append(out, at, 1);
        }
    }
}

static void append_statement(struct buffer *out, const struct config_statement *statement)
{
    buffer_printf(out, ".TP\n.B \"");
    append_roff(out, statement->has_no ? "[no] " : "");
    append_roff(out, statement->words);
    buffer_printf(out, "\"\n");
    append_roff(out, statement->help);
    buffer_printf(out, "\n");
}

static void append_modes(struct buffer *out)
{
    struct buffer words;
    struct config_statement statement;
    buffer_init(&words, MEM_CONFIG);
    const char *mode = "";
    for (size_t i = 0; config_statement_at(i, &statement, &words); i++) {
        if (statement.is_ignored) {
            continue;
        }
        if (strcmp(mode, statement.mode) != 0) {
            mode = statement.mode;
            buffer_printf(out, ".SS Mode: %s\n", mode);
        }
        append_statement(out, &statement);
    }
    buffer_fini(&words);
}

static void append_ignored(struct buffer *out)
{
    struct buffer words;
    struct config_statement statement;
    buffer_init(&words, MEM_CONFIG);
    buffer_printf(out, ".SH LINES WITHOUT EFFECT\n"
                       "These lines of other daemons and of other releases are accepted, so that "
                       "a file of theirs loads as it is; each is named in a note.\n");
    for (size_t i = 0; config_statement_at(i, &statement, &words); i++) {
        if (statement.is_ignored) {
            append_statement(out, &statement);
        }
    }
    buffer_fini(&words);
}

START_TEST(manual_lists_every_statement)
{
    struct buffer part;
    buffer_init(&part, MEM_CONFIG);
    buffer_printf(&part, PART_BEGIN);
    append_modes(&part);
    append_ignored(&part);
    buffer_printf(&part, PART_END);
    char *page = read_page();
    char *begin = strstr(page, PART_BEGIN);
    char *end = strstr(page, PART_END);
    ck_assert_msg(begin != NULL && end != NULL && begin < end, "the page has lost its marks");
    const char *wanted = buffer_text(&part);
    const char *tail = end + strlen(PART_END);
    const char *write = getenv("SEALANE_WRITE_MANUAL");
    if (write != NULL && strcmp(write, "1") == 0) {
        FILE *file = fopen(PAGE, "wb");
        ck_assert_ptr_nonnull(file);
        fwrite(page, 1, (size_t)(begin - page), file);
        fputs(wanted, file);
        fputs(tail, file);
        fclose(file);
    } else {
        ck_assert_msg((size_t)(tail - begin) == part.size && memcmp(begin, wanted, part.size) == 0,
                      PAGE " differs from the table; SEALANE_WRITE_MANUAL=1 writes it anew");
    }
    free(page);
    buffer_fini(&part);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config manual");
    TCase *tests = tcase_create("manual");
    tcase_add_test(tests, manual_lists_every_statement);
    suite_add_tcase(suite, tests);
    return suite;
}
