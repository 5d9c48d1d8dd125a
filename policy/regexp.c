/* Regular expressions on text, with `_` for a boundary as in the CLIs of routers. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <string.h>

#include "policy/policy_private.h"

/* Steps after which a pattern is given up: a hostile path must not hold the daemon. */
#define MATCH_LIMIT 20000u
#define DEPTH_LIMIT 500u

struct regexp {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static void append_translated(struct buffer *out, const char *pattern)
{
    bool in_class = false;
    for (const char *at = pattern; *at != 0; at++) {
        if (*at == '\\' && at[1] != 0) {
            buffer_append(out, at, 2);
            at++;
        } else if (*at == '_' && !in_class) {
            buffer_printf(out, "(?:^|$|[ ,{}()])");
        } else {
            in_class = *at == '[' ? true : *at == ']' ? false : in_class;
            buffer_append(out, at, 1);
        }
    }
}

struct regexp *regexp_new(const char *pattern, char *error_out, size_t error_size)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    struct buffer text;
    buffer_init(&text, MEM_POLICY);
    append_translated(&text, pattern);
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)buffer_text(&text), text.size,
                      PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    buffer_fini(&text);
    if (compiled == NULL) {
        PCRE2_UCHAR words[128];
        pcre2_get_error_message(code, words, sizeof words);
        snprintf(error_out, error_size, "\"%s\" is no regular expression: %s", pattern,
                 (const char *)words);
        return NULL;
    }
    struct regexp *regexp = mem_alloc(MEM_POLICY, sizeof *regexp);
    regexp->code = compiled;
    regexp->match = pcre2_match_data_create_from_pattern(compiled, NULL);
    regexp->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regexp->context, MATCH_LIMIT);
    pcre2_set_depth_limit(regexp->context, DEPTH_LIMIT);
    return regexp;
}

void regexp_free(struct regexp *regexp)
{
    if (regexp != NULL) {
        pcre2_match_context_free(regexp->context);
        pcre2_match_data_free(regexp->match);
        pcre2_code_free(regexp->code);
        mem_free(MEM_POLICY, regexp);
    }
}

bool regexp_matches(const struct regexp *regexp, const char *text, size_t size)
{
    return pcre2_match(regexp->code, (PCRE2_SPTR)text, size, 0, 0, regexp->match,
                       regexp->context) >= 0;
}
