/* Lines into words, and words against the tokens of a row. Rows have no choice points except groups
 * that may be missing, so one pass without going back decides. */
#include <string.h>

#include "bgpd/config/config_private.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

enum status text_line_split(struct text_line *line, const char *bytes, size_t size,
                            size_t *column_out)
{
    line->word_count = 0;
    if (size > CONFIG_LINE_BYTES_MAX) {
        return STATUS_LIMIT;
    }
    while (size > 0 && (is_blank(bytes[size - 1]) || bytes[size - 1] == '\r')) {
        size--;
    }
    memcpy(line->text, bytes, size);
    line->text[size] = '\0';
    memcpy(line->source, line->text, size + 1);
    size_t at = 0;
    while (at < size) {
        if (is_blank(line->text[at])) {
            line->text[at++] = '\0';
            continue;
        }
        if (line->word_count == LINE_WORDS_MAX) {
            return STATUS_LIMIT;
        }
        line->columns[line->word_count] = (uint16_t)at;
        line->words[line->word_count++] = line->text + at;
        while (at < size && !is_blank(line->text[at])) {
            if ((unsigned char)line->text[at] < 0x20 || line->text[at] == 0x7f) {
                *column_out = at;
                return STATUS_INVALID;
            }
            at++;
        }
    }
    return STATUS_OK;
}

static bool is_digits(const char *word)
{
    return word[strspn(word, "0123456789")] == '\0';
}

struct matcher {
    const struct text_line *line;
    struct row_match *match;
    size_t word;
};

/* Where the groups that begin at token end: the first token behind them. */
static size_t groups_end(const struct compiled_row *row, size_t token)
{
    while (token < row->token_count && row->tokens[token].kind == TOKEN_OPEN) {
        while (row->tokens[token].kind != TOKEN_CLOSE) {
            token++;
        }
        token++;
    }
    return token;
}

/* True when word is the literal that the row may go on with after token: then it is no item of a
 * list and no value of a group without a literal. */
static bool is_next_literal(const struct compiled_row *row, size_t token, const char *word)
{
    while (token < row->token_count && row->tokens[token].kind == TOKEN_CLOSE) {
        token++;
    }
    size_t end = groups_end(row, token);
    for (size_t i = token; i < end; i++) {
        if (row->tokens[i].kind == TOKEN_OPEN && row->tokens[i + 1].kind == TOKEN_WORD &&
            strcmp(row->tokens[i + 1].text, word) == 0) {
            return true;
        }
    }
    return end < row->token_count && row->tokens[end].kind == TOKEN_WORD &&
           strcmp(row->tokens[end].text, word) == 0;
}

static bool fail_at(struct matcher *matcher, const char *wanted)
{
    matcher->match->furthest = matcher->word;
    matcher->match->wanted = wanted;
    return false;
}

static bool match_slot(struct matcher *matcher, size_t index)
{
    const struct row_token *token = &matcher->match->row->tokens[index];
    if (matcher->word >= matcher->line->word_count) {
        return fail_at(matcher, NULL);
    }
    if (token->converter != NULL && token->converter->is_selective) {
        char value[VALUE_BYTES_MAX];
        char error[VALUE_BYTES_MAX];
        if (token->converter->read(matcher->line->words[matcher->word], value, error) ==
            VALUE_OTHER) {
            return fail_at(matcher, NULL);
        }
    }
    matcher->match->tokens[index] = (struct token_match){(uint16_t)matcher->word, 1, true};
    matcher->word++;
    return true;
}

static bool match_list(struct matcher *matcher, size_t index)
{
    const struct compiled_row *row = matcher->match->row;
    size_t item_words = row->tokens[index].item_words;
    size_t start = matcher->word;
    size_t words = matcher->line->word_count;
    while (matcher->word + item_words <= words &&
           !is_next_literal(row, index + 1, matcher->line->words[matcher->word])) {
        matcher->word += item_words;
    }
    if (matcher->word == start) {
        matcher->word = start + item_words > words ? words : start;
        return fail_at(matcher, NULL);
    }
    matcher->match->tokens[index] =
        (struct token_match){(uint16_t)start, (uint16_t)(matcher->word - start), true};
    return true;
}

/* Any token but a group. */
static bool match_token(struct matcher *matcher, size_t index)
{
    const struct row_token *token = &matcher->match->row->tokens[index];
    size_t words = matcher->line->word_count;
    switch ((enum token_kind)token->kind) {
    case TOKEN_WORD:
        if (matcher->word >= words ||
            strcmp(matcher->line->words[matcher->word], token->text) != 0) {
            return fail_at(matcher, token->text);
        }
        matcher->word++;
        matcher->match->literal_count++;
        return true;
    case TOKEN_SLOT:
        return match_slot(matcher, index);
    case TOKEN_LIST:
        return match_list(matcher, index);
    case TOKEN_REST:
        if (matcher->word >= words) {
            return fail_at(matcher, NULL);
        }
        matcher->match->tokens[index] =
            (struct token_match){(uint16_t)matcher->word, (uint16_t)(words - matcher->word), true};
        matcher->word = words;
        return true;
    case TOKEN_CONSTANT:
        matcher->match->tokens[index].is_present = true;
        return true;
    case TOKEN_ANYTHING:
        matcher->word = words;
        return true;
    case TOKEN_OPEN:
    case TOKEN_CLOSE:
        return true;
    }
    return true;
}

/* True when the group that opens at token begins with the current word. */
static bool group_begins(const struct matcher *matcher, size_t open)
{
    const struct compiled_row *row = matcher->match->row;
    if (matcher->word >= matcher->line->word_count || matcher->match->tokens[open].is_present) {
        return false;
    }
    const char *word = matcher->line->words[matcher->word];
    const struct row_token *first = &row->tokens[open + 1];
    if (first->kind == TOKEN_WORD) {
        return strcmp(first->text, word) == 0;
    }
    if (first->is_number) {
        return is_digits(word);
    }
    return !is_digits(word);
}

static bool match_group(struct matcher *matcher, size_t open)
{
    matcher->match->tokens[open].is_present = true;
    for (size_t i = open + 1; matcher->match->row->tokens[i].kind != TOKEN_CLOSE; i++) {
        if (!match_token(matcher, i)) {
            return false;
        }
    }
    return true;
}

/* The groups from token on, in any order; groups with a literal go first. */
static bool match_groups(struct matcher *matcher, size_t token, size_t end)
{
    const struct compiled_row *row = matcher->match->row;
    bool progress = true;
    while (progress) {
        progress = false;
        for (int with_literal = 1; with_literal >= 0 && !progress; with_literal--) {
            for (size_t i = token; i < end && !progress; i++) {
                if (row->tokens[i].kind != TOKEN_OPEN ||
                    (row->tokens[i + 1].kind == TOKEN_WORD) != (with_literal == 1) ||
                    !group_begins(matcher, i) ||
                    (with_literal == 0 &&
                     is_next_literal(row, end, matcher->line->words[matcher->word]))) {
                    continue;
                }
                if (!match_group(matcher, i)) {
                    return false;
                }
                progress = true;
            }
        }
    }
    return true;
}

bool row_match_words(const struct compiled_row *row, const struct text_line *line, size_t first,
                     struct row_match *match_out)
{
    match_out->row = row;
    memset(match_out->tokens, 0, row->token_count * sizeof match_out->tokens[0]);
    match_out->literal_count = 0;
    match_out->wanted = NULL;
    struct matcher matcher = {.line = line, .match = match_out, .word = first};
    size_t i = 0;
    while (i < row->token_count) {
        if (row->tokens[i].kind == TOKEN_OPEN) {
            size_t end = groups_end(row, i);
            if (!match_groups(&matcher, i, end)) {
                return false;
            }
            i = end;
            continue;
        }
        if (!match_token(&matcher, i)) {
            return false;
        }
        i++;
    }
    if (matcher.word < line->word_count) {
        return fail_at(&matcher, NULL);
    }
    match_out->furthest = matcher.word;
    return true;
}
