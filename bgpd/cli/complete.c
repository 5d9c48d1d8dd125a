#include "bgpd/cli/complete.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    const char *help;
} pipe_words[] = {
    {"begin", "Begin at the first line that matches"},
    {"count", "Count the lines"},
    {"exclude", "Leave out lines that match"},
    {"include", "Only lines that match"},
    {"json", "As JSON"},
    {"no-more", "Without pager"},
    {"section", "Only sections whose first line matches"},
};

#define PIPE_WORD_COUNT (sizeof pipe_words / sizeof pipe_words[0])

/* The stage under way when text is inside a pipe, else NULL. */
static const char *pipe_stage(const char *text)
{
    const char *bar = strchr(text, '|');
    if (bar == NULL) {
        return NULL;
    }
    for (const char *next; (next = strstr(bar + 1, " | ")) != NULL;) {
        bar = next + 1;
    }
    return bar + 1 + strspn(bar + 1, " ");
}

static size_t begun_bytes(const char *text)
{
    size_t size = strlen(text);
    size_t at = size;
    while (at != 0 && text[at - 1] != ' ' && text[at - 1] != '\t') {
        at--;
    }
    return size - at;
}

static void word_put(struct completions *out, const char *word)
{
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->words[i], word) == 0) {
            return;
        }
    }
    if (out->count < COMPLETE_WORDS_MAX && strlen(word) < COMPLETE_WORD_BYTES) {
        snprintf(out->words[out->count++], COMPLETE_WORD_BYTES, "%s", word);
    }
}

static void names_put(struct completions *out, const struct complete_source *source,
                      enum grammar_arg arg, const char *begun)
{
    char names[COMPLETE_WORDS_MAX][COMPLETE_WORD_BYTES];
    size_t count =
        source->names == NULL ? 0 : source->names(source->context, arg, names, COMPLETE_WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], begun, strlen(begun)) == 0) {
            word_put(out, names[i]);
        }
    }
}

static void common_find(struct completions *out)
{
    out->common_bytes = out->count == 0 ? 0 : strlen(out->words[0]);
    for (size_t i = 1; i < out->count; i++) {
        size_t same = 0;
        while (same < out->common_bytes && out->words[i][same] == out->words[0][same]) {
            same++;
        }
        out->common_bytes = same;
    }
}

void complete_words(const struct grammar *grammar, const char *text,
                    const struct complete_source *source, struct completions *out)
{
    const char *stage = pipe_stage(text);
    struct grammar_candidates candidates;
    size_t column;
    out->count = 0;
    out->begun_bytes = begun_bytes(text);
    out->common_bytes = 0;
    const char *begun = text + strlen(text) - out->begun_bytes;
    if (stage != NULL) {
        for (size_t i = 0; i < PIPE_WORD_COUNT && strchr(stage, ' ') == NULL; i++) {
            if (strncmp(pipe_words[i].word, stage, strlen(stage)) == 0) {
                word_put(out, pipe_words[i].word);
            }
        }
    } else if (grammar_next(grammar, text, &candidates, &column) == GRAMMAR_OK) {
        for (size_t i = 0; i < candidates.count; i++) {
            if (candidates.items[i].word != NULL) {
                word_put(out, candidates.items[i].word);
            } else if (candidates.items[i].arg == ARG_NEIGHBOR ||
                       candidates.items[i].arg == ARG_TUNNEL) {
                names_put(out, source, candidates.items[i].arg, begun);
            }
        }
    }
    common_find(out);
}

static const char *arg_help(enum grammar_arg arg)
{
    switch (arg) {
    case ARG_PREFIX:
        return "A prefix";
    case ARG_ADDR:
        return "An address: the longest match is shown";
    case ARG_NEIGHBOR:
        return "Address of a neighbor";
    case ARG_TUNNEL:
        return "Name of a tunnel";
    case ARG_NUMBER:
        return "A number";
    case ARG_TEXT:
        return "A text, in quotes when it has blanks";
    default:
        return "";
    }
}

static void help_line(struct buffer *text, const char *word, const char *help)
{
    buffer_printf(text, "  %-20s  %s\n", word, help);
}

static void help_pipes(const char *stage, struct buffer *text)
{
    const char *blank = strchr(stage, ' ');
    if (blank != NULL) {
        help_line(text, "PATTERN", "An extended regular expression");
        return;
    }
    for (size_t i = 0; i < PIPE_WORD_COUNT; i++) {
        if (strncmp(pipe_words[i].word, stage, strlen(stage)) == 0) {
            help_line(text, pipe_words[i].word, pipe_words[i].help);
        }
    }
}

static void help_names(struct buffer *text, const struct complete_source *source,
                       enum grammar_arg arg, const char *begun)
{
    struct completions names = {.count = 0};
    if (arg != ARG_NEIGHBOR && arg != ARG_TUNNEL) {
        return;
    }
    names_put(&names, source, arg, begun);
    for (size_t i = 0; i < names.count; i++) {
        help_line(text, names.words[i], "");
        while (text->size != 0 && text->data[text->size - 1] <= ' ') {
            text->size--;
        }
        buffer_append(text, "\n", 1);
    }
}

void complete_help(const struct grammar *grammar, const char *text,
                   const struct complete_source *source, struct buffer *text_out)
{
    const char *stage = pipe_stage(text);
    struct grammar_candidates candidates;
    size_t column;
    if (stage != NULL) {
        help_pipes(stage, text_out);
        return;
    }
    enum grammar_result result = grammar_next(grammar, text, &candidates, &column);
    if (result == GRAMMAR_AMBIGUOUS) {
        buffer_printf(text_out, "%% Ambiguous command\n");
        return;
    }
    if (result != GRAMMAR_OK || (candidates.count == 0 && !candidates.may_end)) {
        buffer_printf(text_out, "%% There is no matched command.\n");
        return;
    }
    const char *begun = text + strlen(text) - begun_bytes(text);
    for (size_t i = 0; i < candidates.count; i++) {
        const struct grammar_candidate *item = &candidates.items[i];
        if (item->word != NULL) {
            const char *help = command_word_help(item->word);
            help_line(text_out, item->word, help != NULL ? help : "");
        } else {
            help_line(text_out, grammar_arg_form(item->arg), arg_help(item->arg));
            help_names(text_out, source, item->arg, begun);
        }
    }
    if (candidates.may_end) {
        help_line(text_out, "|", "Pipe the output");
        buffer_printf(text_out, "  <cr>\n");
    }
}
