#include "bgpd/cli/grammar.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define STEPS_MAX  2048u
#define GROUPS_MAX 8u

enum step_kind {
    STEP_SYMBOL, /* takes one token */
    STEP_SPLIT,  /* goes on at next and at other */
    STEP_END,    /* the row is complete */
};

struct step {
    enum step_kind kind;
    enum grammar_arg arg;
    const char *word;
    uint16_t next;
    uint16_t other;
    uint16_t command;
};

struct grammar {
    struct step steps[STEPS_MAX];
    uint16_t step_count;
    uint16_t starts[STEPS_MAX / 4];
    size_t command_count;
    char words[STEPS_MAX * 16]; /* zero-terminated words of the patterns */
    size_t words_size;
};

/* A set of steps, in the order they were added. */
struct state {
    uint16_t steps[STEPS_MAX];
    size_t count;
    bool has[STEPS_MAX];
};

/* ---- Arguments ---- */

const char *grammar_arg_name(enum grammar_arg arg)
{
    static const char *const names[ARG_COUNT] = {
        [ARG_WORD] = "",         [ARG_PREFIX] = "PREFIX",
        [ARG_ADDR] = "ADDRESS",  [ARG_NEIGHBOR] = "NEIGHBOR",
        [ARG_TUNNEL] = "TUNNEL", [ARG_NUMBER] = "NUMBER",
        [ARG_TEXT] = "TEXT",
    };
    ASSERT(arg < ARG_COUNT);
    return names[arg];
}

const char *grammar_arg_form(enum grammar_arg arg)
{
    static const char *const forms[ARG_COUNT] = {
        [ARG_WORD] = "",
        [ARG_PREFIX] = "A.B.C.D/M|X:X::X:X/M",
        [ARG_ADDR] = "A.B.C.D|X:X::X:X",
        [ARG_NEIGHBOR] = "NEIGHBOR",
        [ARG_TUNNEL] = "TUNNEL",
        [ARG_NUMBER] = "(0-512)",
        [ARG_TEXT] = "\"TEXT\"",
    };
    ASSERT(arg < ARG_COUNT);
    return forms[arg];
}

static bool is_addr(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_number(const char *text, unsigned long max)
{
    size_t digits = strspn(text, "0123456789");
    return digits != 0 && digits <= 5 && text[digits] == '\0' && strtoul(text, NULL, 10) <= max;
}

static bool is_prefix(const char *text)
{
    char addr[64];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof addr) {
        return false;
    }
    memcpy(addr, text, (size_t)(slash - text));
    addr[slash - text] = '\0';
    return is_addr(addr) && is_number(slash + 1, strchr(addr, ':') != NULL ? 128 : 32);
}

bool grammar_arg_accepts(enum grammar_arg arg, const char *text)
{
    switch (arg) {
    case ARG_PREFIX:
        return is_prefix(text);
    case ARG_ADDR:
    case ARG_NEIGHBOR:
        return is_addr(text);
    case ARG_TUNNEL:
        return text[0] != '\0';
    case ARG_NUMBER:
        return is_number(text, 512);
    case ARG_TEXT: /* a quote that is left was never closed */
        return text[0] != '\0' && text[0] != '"';
    case ARG_WORD:
    case ARG_COUNT:
        break;
    }
    return false;
}

/* True when more typing can make a valid argument of text. */
static bool arg_may_begin(enum grammar_arg arg, const char *text)
{
    switch (arg) {
    case ARG_PREFIX:
    case ARG_ADDR:
    case ARG_NEIGHBOR:
        return strspn(text, "0123456789abcdefABCDEF.:/") == strlen(text);
    case ARG_NUMBER:
        return strspn(text, "0123456789") == strlen(text);
    default:
        return true;
    }
}

/* ---- Compiling ---- */

struct group {
    bool is_optional;
    uint16_t split;    /* of the alternative being read */
    uint16_t ends[16]; /* splits at the end of alternatives, to be led to the group's end */
    size_t end_count;
};

static struct step *step_add(struct grammar *grammar, enum step_kind kind, size_t command)
{
    ASSERT(grammar->step_count < STEPS_MAX);
    struct step *step = &grammar->steps[grammar->step_count++];
    *step = (struct step){.kind = kind,
                          .next = grammar->step_count,
                          .other = grammar->step_count,
                          .command = (uint16_t)command};
    return step;
}

static void symbol_add(struct grammar *grammar, const char *word, size_t size, size_t command)
{
    struct step *step = step_add(grammar, STEP_SYMBOL, command);
    ASSERT(grammar->words_size + size + 1 <= sizeof grammar->words);
    char *copy = grammar->words + grammar->words_size;
    memcpy(copy, word, size);
    copy[size] = '\0';
    for (int arg = ARG_WORD + 1; arg < ARG_COUNT; arg++) {
        if (strcmp(copy, grammar_arg_name((enum grammar_arg)arg)) == 0) {
            step->arg = (enum grammar_arg)arg;
            return;
        }
    }
    step->word = copy;
    grammar->words_size += size + 1;
}

static void alternative_begin(struct grammar *grammar, struct group *group, size_t command)
{
    group->split = grammar->step_count;
    step_add(grammar, STEP_SPLIT, command);
}

/* Both ways out of the split added here lead to the group's end once that is known. */
static void alternative_end(struct grammar *grammar, struct group *group, size_t command)
{
    ASSERT(group->end_count < sizeof group->ends / sizeof group->ends[0]);
    group->ends[group->end_count++] = grammar->step_count;
    step_add(grammar, STEP_SPLIT, command);
    grammar->steps[group->split].other = grammar->step_count;
}

static void group_end(struct grammar *grammar, struct group *group)
{
    struct step *last = &grammar->steps[group->split];
    last->other = group->is_optional ? grammar->step_count : last->next;
    for (size_t i = 0; i < group->end_count; i++) {
        grammar->steps[group->ends[i]].next = grammar->step_count;
        grammar->steps[group->ends[i]].other = grammar->step_count;
    }
}

static void pattern_compile(struct grammar *grammar, const char *pattern, size_t command)
{
    struct group groups[GROUPS_MAX];
    size_t depth = 0;
    grammar->starts[command] = grammar->step_count;
    for (const char *at = pattern; *at != '\0';) {
        size_t size = strcspn(at, " []()|");
        if (size != 0) {
            symbol_add(grammar, at, size, command);
            at += size;
            continue;
        }
        char c = *at++;
        if (c == '[' || c == '(') {
            ASSERT(depth < GROUPS_MAX);
            groups[depth] = (struct group){.is_optional = c == '['};
            alternative_begin(grammar, &groups[depth++], command);
        } else if (c == '|') {
            ASSERT(depth > 0);
            alternative_end(grammar, &groups[depth - 1], command);
            alternative_begin(grammar, &groups[depth - 1], command);
        } else if (c == ']' || c == ')') {
            ASSERT(depth > 0);
            group_end(grammar, &groups[--depth]);
        }
    }
    ASSERT(depth == 0);
    step_add(grammar, STEP_END, command);
}

struct grammar *grammar_new(const char *const *patterns, size_t count)
{
    struct grammar *grammar = mem_alloc(MEM_MISC, sizeof *grammar);
    ASSERT(count <= sizeof grammar->starts / sizeof grammar->starts[0]);
    grammar->command_count = count;
    for (size_t i = 0; i < count; i++) {
        pattern_compile(grammar, patterns[i], i);
    }
    return grammar;
}

void grammar_free(struct grammar *grammar)
{
    mem_free(MEM_MISC, grammar);
}

bool grammar_symbol(const struct grammar *grammar, size_t index, struct grammar_candidate *out)
{
    for (uint16_t i = 0; i < grammar->step_count; i++) {
        const struct step *step = &grammar->steps[i];
        if (step->kind == STEP_SYMBOL && index-- == 0) {
            *out = (struct grammar_candidate){step->arg, step->word};
            return true;
        }
    }
    return false;
}

/* ---- Running ---- */

static void state_put(struct state *state, uint16_t step)
{
    if (!state->has[step]) {
        state->has[step] = true;
        state->steps[state->count++] = step;
    }
}

/* Follows splits; the list grows while it is read. */
static void state_close(const struct grammar *grammar, struct state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct step *step = &grammar->steps[state->steps[i]];
        if (step->kind == STEP_SPLIT) {
            state_put(state, step->next);
            state_put(state, step->other);
        }
    }
}

static void candidate_put(struct grammar_candidates *candidates, const struct step *step)
{
    for (size_t i = 0; i < candidates->count; i++) {
        const struct grammar_candidate *known = &candidates->items[i];
        if (known->arg == step->arg &&
            (step->word == NULL || strcmp(known->word, step->word) == 0)) {
            return;
        }
    }
    if (candidates->count < CANDIDATES_MAX) {
        candidates->items[candidates->count++] = (struct grammar_candidate){step->arg, step->word};
    }
}

/* Words that token is, or begins; an exact word stands alone. */
static void match_words(const struct grammar *grammar, const struct state *state, const char *token,
                        struct grammar_candidates *candidates)
{
    size_t size = strlen(token);
    for (size_t i = 0; i < state->count; i++) {
        const struct step *step = &grammar->steps[state->steps[i]];
        if (step->kind != STEP_SYMBOL || step->word == NULL) {
            continue;
        }
        if (strcmp(step->word, token) == 0) {
            candidates->count = 0;
            candidate_put(candidates, step);
            return;
        }
        if (strncmp(step->word, token, size) == 0) {
            candidate_put(candidates, step);
        }
    }
}

static void match_args(const struct grammar *grammar, const struct state *state, const char *token,
                       struct grammar_candidates *candidates)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct step *step = &grammar->steps[state->steps[i]];
        if (step->kind == STEP_SYMBOL && step->word == NULL &&
            grammar_arg_accepts(step->arg, token)) {
            candidate_put(candidates, step);
        }
    }
}

static bool candidate_is(const struct grammar_candidates *candidates, const struct step *step)
{
    for (size_t i = 0; i < candidates->count; i++) {
        const struct grammar_candidate *item = &candidates->items[i];
        if (item->arg == step->arg && (step->word == NULL) == (item->word == NULL) &&
            (step->word == NULL || strcmp(step->word, item->word) == 0)) {
            return true;
        }
    }
    return false;
}

/* One token. OK: state has moved on and candidates holds what it was taken for. */
static enum grammar_result state_advance(const struct grammar *grammar, struct state *state,
                                         const char *token, struct grammar_candidates *candidates)
{
    static const struct state empty;
    candidates->count = 0;
    match_words(grammar, state, token, candidates);
    if (candidates->count > 1) {
        return GRAMMAR_AMBIGUOUS;
    }
    if (candidates->count == 0) {
        match_args(grammar, state, token, candidates);
    }
    if (candidates->count == 0) {
        return GRAMMAR_UNKNOWN;
    }
    struct state after = empty;
    for (size_t i = 0; i < state->count; i++) {
        const struct step *step = &grammar->steps[state->steps[i]];
        if (step->kind == STEP_SYMBOL && candidate_is(candidates, step)) {
            state_put(&after, step->next);
        }
    }
    state_close(grammar, &after);
    *state = after;
    return GRAMMAR_OK;
}

static void state_start(const struct grammar *grammar, struct state *state)
{
    memset(state, 0, sizeof *state);
    for (size_t i = 0; i < grammar->command_count; i++) {
        state_put(state, grammar->starts[i]);
    }
    state_close(grammar, state);
}

/* The first row that is complete; false when none is. */
static bool state_end(const struct grammar *grammar, const struct state *state, size_t *command_out)
{
    bool is_found = false;
    for (size_t i = 0; i < state->count; i++) {
        const struct step *step = &grammar->steps[state->steps[i]];
        if (step->kind == STEP_END && (!is_found || step->command < *command_out)) {
            *command_out = step->command;
            is_found = true;
        }
    }
    return is_found;
}

/* Octets of the token at text; *skip_out is 1 for one in quotes, which stand on either side. A
 * quote that is never closed takes the rest of the line with it. */
static size_t token_size(const char *text, size_t *skip_out)
{
    const char *end = text[0] == '"' ? strchr(text + 1, '"') : NULL;
    *skip_out = end != NULL ? 1 : 0;
    if (end != NULL) {
        return (size_t)(end - text) - 1;
    }
    return text[0] == '"' ? strlen(text) : strcspn(text, " \t\r\n");
}

/* Cuts text into tokens in line->storage. */
static bool line_split(const char *text, struct command_line *line)
{
    size_t size = strlen(text);
    line->token_count = 0;
    if (size >= sizeof line->storage) {
        return false;
    }
    memcpy(line->storage, text, size + 1);
    size_t at = strspn(line->storage, " \t\r\n");
    while (line->storage[at] != '\0') {
        if (line->token_count == LINE_TOKENS_MAX) {
            return false;
        }
        size_t skip;
        size_t token_bytes = token_size(line->storage + at, &skip);
        line->tokens[line->token_count++] =
            (struct line_token){ARG_WORD, line->storage + at + skip, at};
        at += skip + token_bytes;
        if (line->storage[at] != '\0') {
            line->storage[at++] = '\0';
            at += strspn(line->storage + at, " \t\r\n");
        }
    }
    return true;
}

enum grammar_result grammar_parse(const struct grammar *grammar, const char *text,
                                  struct command_line *line_out, size_t *column_out,
                                  struct grammar_candidates *candidates_out)
{
    struct state state;
    *column_out = 0;
    candidates_out->count = 0;
    if (!line_split(text, line_out)) {
        return GRAMMAR_TOO_LONG;
    }
    if (line_out->token_count == 0) {
        return GRAMMAR_EMPTY;
    }
    state_start(grammar, &state);
    for (size_t i = 0; i < line_out->token_count; i++) {
        struct line_token *token = &line_out->tokens[i];
        *column_out = token->column;
        enum grammar_result result = state_advance(grammar, &state, token->text, candidates_out);
        if (result != GRAMMAR_OK) {
            return result;
        }
        token->arg = candidates_out->items[0].arg;
        if (candidates_out->items[0].word != NULL) {
            token->text = candidates_out->items[0].word;
        }
    }
    return state_end(grammar, &state, &line_out->command) ? GRAMMAR_OK : GRAMMAR_INCOMPLETE;
}

static int candidate_compare(const void *a, const void *b)
{
    const struct grammar_candidate *left = a;
    const struct grammar_candidate *right = b;
    if ((left->word == NULL) != (right->word == NULL)) {
        return left->word == NULL ? -1 : 1;
    }
    return left->word == NULL ? (int)left->arg - (int)right->arg : strcmp(left->word, right->word);
}

enum grammar_result grammar_next(const struct grammar *grammar, const char *text,
                                 struct grammar_candidates *candidates_out, size_t *column_out)
{
    struct command_line line;
    struct state state;
    size_t size = strlen(text);
    candidates_out->count = 0;
    candidates_out->may_end = false;
    *column_out = 0;
    if (!line_split(text, &line)) {
        return GRAMMAR_TOO_LONG;
    }
    bool is_inside = size != 0 && strchr(" \t\r\n", text[size - 1]) == NULL;
    size_t whole = line.token_count - (is_inside ? 1 : 0);
    state_start(grammar, &state);
    for (size_t i = 0; i < whole; i++) {
        *column_out = line.tokens[i].column;
        enum grammar_result result =
            state_advance(grammar, &state, line.tokens[i].text, candidates_out);
        if (result != GRAMMAR_OK) {
            return result;
        }
    }
    const char *begun = is_inside ? line.tokens[whole].text : "";
    *column_out = is_inside ? line.tokens[whole].column : size;
    candidates_out->count = 0;
    for (size_t i = 0; i < state.count; i++) {
        const struct step *step = &grammar->steps[state.steps[i]];
        if (step->kind != STEP_SYMBOL) {
            continue;
        }
        if (step->word != NULL ? strncmp(step->word, begun, strlen(begun)) == 0
                               : arg_may_begin(step->arg, begun)) {
            candidate_put(candidates_out, step);
        }
    }
    size_t command;
    candidates_out->may_end = !is_inside && state_end(grammar, &state, &command);
    qsort(candidates_out->items, candidates_out->count, sizeof candidates_out->items[0],
          candidate_compare);
    return GRAMMAR_OK;
}

/* ---- Lines ---- */

bool line_has(const struct command_line *line, const char *word)
{
    for (size_t i = 0; i < line->token_count; i++) {
        if (line->tokens[i].arg == ARG_WORD && strcmp(line->tokens[i].text, word) == 0) {
            return true;
        }
    }
    return false;
}

const char *line_arg(const struct command_line *line, enum grammar_arg arg)
{
    for (size_t i = 0; i < line->token_count; i++) {
        if (line->tokens[i].arg == arg) {
            return line->tokens[i].text;
        }
    }
    return NULL;
}

const char *line_arg_after(const struct command_line *line, const char *word)
{
    for (size_t i = 0; i + 1 < line->token_count; i++) {
        if (line->tokens[i].arg == ARG_WORD && strcmp(line->tokens[i].text, word) == 0) {
            return line->tokens[i + 1].text;
        }
    }
    return NULL;
}
