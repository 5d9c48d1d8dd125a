/* The grammar of the shell: patterns of rows compiled into one small machine, and lines run through
 * it. A pattern is words, ARGUMENTS in capitals, [optional] parts, (groups) and | alternatives.
 * Words may be shortened while they stay unique among what may come next. A token in "double
 * quotes" may hold blanks. */
#ifndef BGPD_CLI_GRAMMAR_H
#define BGPD_CLI_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES_MAX  1024u
#define LINE_TOKENS_MAX 32u

enum grammar_arg {
    ARG_WORD, /* no argument: a word of the pattern */
    ARG_PREFIX,
    ARG_ADDR,
    ARG_NEIGHBOR,
    ARG_TUNNEL,
    ARG_NUMBER,
    ARG_TEXT,
    ARG_COUNT,
};

/* How the argument is written in patterns and help: "A.B.C.D/M". */
const char *grammar_arg_name(enum grammar_arg arg);
const char *grammar_arg_form(enum grammar_arg arg);
bool grammar_arg_accepts(enum grammar_arg arg, const char *text);

struct line_token {
    enum grammar_arg arg;
    const char *text; /* the whole word of the pattern, or the argument as typed */
    size_t column;    /* where it began in the line */
};

/* A line that matched a row. text of arguments points into storage. */
struct command_line {
    size_t command; /* row number */
    size_t token_count;
    struct line_token tokens[LINE_TOKENS_MAX];
    char storage[LINE_BYTES_MAX];
};

bool line_has(const struct command_line *line, const char *word);

/* The first argument of that kind; NULL when there is none. */
const char *line_arg(const struct command_line *line, enum grammar_arg arg);

/* What follows word; NULL when word is not there, or last. */
const char *line_arg_after(const struct command_line *line, const char *word);

enum grammar_result {
    GRAMMAR_OK,
    GRAMMAR_EMPTY, /* nothing but blanks */
    GRAMMAR_AMBIGUOUS,
    GRAMMAR_UNKNOWN,
    GRAMMAR_INCOMPLETE,
    GRAMMAR_TOO_LONG,
};

#define CANDIDATES_MAX 64u

/* Something that may stand at a place: a word, or an argument (word NULL). */
struct grammar_candidate {
    enum grammar_arg arg;
    const char *word;
};

struct grammar_candidates {
    size_t count;
    struct grammar_candidate items[CANDIDATES_MAX];
    bool may_end; /* the line is a whole command as it stands */
};

struct grammar;

/* patterns must outlive the grammar. */
struct grammar *grammar_new(const char *const *patterns, size_t count);
void grammar_free(struct grammar *grammar);

/* On AMBIGUOUS and UNKNOWN column_out is where the bad token begins; on AMBIGUOUS candidates_out
 * lists what it may mean. */
enum grammar_result grammar_parse(const struct grammar *grammar, const char *text,
                                  struct command_line *line_out, size_t *column_out,
                                  struct grammar_candidates *candidates_out);

/* What may stand where text ends: completions of a token that has begun, or the next tokens after a
 * blank. The result tells what is wrong before that place; GRAMMAR_OK when nothing is. */
enum grammar_result grammar_next(const struct grammar *grammar, const char *text,
                                 struct grammar_candidates *candidates_out, size_t *column_out);

/* The index-th word or argument of all patterns, in no useful order; false past the end. */
bool grammar_symbol(const struct grammar *grammar, size_t index, struct grammar_candidate *out);

#endif
