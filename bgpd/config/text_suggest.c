/* What to say about a line that fits no row: which word is at fault and what would have fitted. */
#include <stdio.h>
#include <string.h>

#include "bgpd/config/config_private.h"

#define WANTED_MAX 64u
#define WORD_MAX   40u

struct suggestion {
    struct text_reader *reader;
    size_t first;
    size_t furthest;  /* the word at fault: the furthest that any row came */
    bool wants_value; /* some row wants a value there */
    bool wants_end;   /* some row was complete before it */
    const char *wanted[WANTED_MAX];
    size_t wanted_count;
};

static void want(struct suggestion *suggestion, const char *word)
{
    for (size_t i = 0; i < suggestion->wanted_count; i++) {
        if (strcmp(suggestion->wanted[i], word) == 0) {
            return;
        }
    }
    if (suggestion->wanted_count < WANTED_MAX) {
        suggestion->wanted[suggestion->wanted_count++] = word;
    }
}

static void try_row(struct suggestion *suggestion, const struct compiled_row *row)
{
    struct row_match match = {.furthest = 0};
    if (row_match_words(row, &suggestion->reader->line, suggestion->first, &match)) {
        return;
    }
    if (match.furthest < suggestion->furthest) {
        return;
    }
    if (match.furthest > suggestion->furthest) {
        suggestion->furthest = match.furthest;
        suggestion->wanted_count = 0;
        suggestion->wants_value = false;
        suggestion->wants_end = false;
    }
    if (match.wanted != NULL) {
        want(suggestion, match.wanted);
    } else if (match.furthest < suggestion->reader->line.word_count) {
        suggestion->wants_end = true;
    } else {
        suggestion->wants_value = true;
    }
}

/* Number of letters to change, add or drop; words longer than WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > WORD_MAX || b_size > WORD_MAX) {
        return WORD_MAX;
    }
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t drop = row[j] + 1;
            size_t add = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < drop ? change : drop;
            row[j] = row[j] < add ? row[j] : add;
        }
    }
    return row[b_size];
}

/* The nearest words when some are near, else all, as far as they fit. */
static void list_wanted(const struct suggestion *suggestion, const char *word, char text_out[256])
{
    size_t nearest = WORD_MAX;
    for (size_t i = 0; i < suggestion->wanted_count && word != NULL; i++) {
        size_t d = distance(word, suggestion->wanted[i]);
        nearest = d < nearest ? d : nearest;
    }
    bool is_near = word != NULL && nearest <= 1 + strlen(word) / 4;
    size_t used = (size_t)snprintf(text_out, 256, "%s", is_near ? "did you mean " : "expected ");
    size_t listed = 0;
    for (size_t i = 0; i < suggestion->wanted_count; i++) {
        if (is_near && distance(word, suggestion->wanted[i]) > nearest) {
            continue;
        }
        const char *join = listed == 0 ? "" : ", ";
        if (used + strlen(join) + strlen(suggestion->wanted[i]) + 8 > 256 || listed == 12) {
            snprintf(text_out + used, 256 - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text_out + used, 256 - used, "%s%s", join, suggestion->wanted[i]);
        listed++;
    }
    snprintf(text_out + used, 256 - used, "%s", is_near ? "?" : "");
}

static void try_mode(struct suggestion *suggestion, enum config_mode mode)
{
    const struct config_loader *loader = suggestion->reader->loader;
    for (size_t i = 0; i < loader->row_count; i++) {
        if (loader->rows[i].row->mode == mode) {
            try_row(suggestion, &loader->rows[i]);
        }
    }
}

/* Lines of blocks that we do not have get a sentence of their own. */
static const char *known_stranger(const struct text_reader *reader, size_t first)
{
    static const struct {
        const char *word;
        const char *next;
        const char *text;
    } strangers[] = {
        {"vrf", NULL, "VRFs are not supported; the daemon works in one network namespace"},
        {"router", NULL, "only router bgp AS, without a VRF or view, is supported"},
        {"address-family", NULL, "only ipv4 unicast and ipv6 unicast are supported"},
        {"rpki", NULL, "RPKI is not supported"},
        {"segment-routing", NULL, "segment routing is not supported"},
        {"access-list", NULL, "access lists are not supported; use a prefix list"},
        {"pbr-map", NULL, "policy routing is not supported"},
    };
    const char *word = reader->line.words[first];
    const char *next = first + 1 < reader->line.word_count ? reader->line.words[first + 1] : "";
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (strcmp(strangers[i].word, word) == 0 &&
            (strangers[i].next == NULL || strcmp(strangers[i].next, next) == 0)) {
            return strangers[i].text;
        }
    }
    return NULL;
}

/* A line that nearly says `password`, `key-string` or `authentication` is not repeated: the secret
 * may stand in it. */
static bool may_hold_secret(const struct text_line *line)
{
    for (size_t i = 0; i < line->word_count; i++) {
        if (distance(line->words[i], "password") <= 3 ||
            distance(line->words[i], "key-string") <= 3 ||
            distance(line->words[i], "authentication") <= 3) {
            return true;
        }
    }
    return false;
}

void text_error_unknown(struct text_reader *reader, size_t first)
{
    struct suggestion suggestion = {.reader = reader, .first = first, .furthest = first};
    enum config_mode mode = reader->mode;
    for (;;) {
        try_mode(&suggestion, mode);
        if (mode == MODE_BGP) {
            try_mode(&suggestion, MODE_FAMILY);
        }
        if (mode == MODE_TOP) {
            break;
        }
        mode = config_mode_parent(mode);
    }
    bool is_secret = may_hold_secret(&reader->line);
    const char *stranger = known_stranger(reader, first);
    size_t at = suggestion.furthest;
    bool is_end = at >= reader->line.word_count;
    char text[256] = "";
    if (suggestion.wanted_count > 0) {
        list_wanted(&suggestion, is_end ? NULL : reader->line.words[at], text);
    }
    if (stranger != NULL) {
        text_error(reader, at, is_secret, "%s", stranger);
    } else if (is_end && suggestion.wants_value) {
        text_error(reader, at, is_secret, "incomplete line: a value is missing at the end");
    } else if (is_end) {
        text_error(reader, at, is_secret, "incomplete line: %s", text);
    } else if (suggestion.wanted_count > 0) {
        text_error(reader, at, is_secret, "unknown word in %s mode; %s",
                   config_mode_names[reader->mode], text);
    } else {
        text_error(reader, at, is_secret, "nothing more or something else is expected here");
    }
}
