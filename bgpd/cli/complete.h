/* What TAB inserts and `?` lists. */
#ifndef BGPD_CLI_COMPLETE_H
#define BGPD_CLI_COMPLETE_H

#include "bgpd/cli/commands.h"

#define COMPLETE_WORDS_MAX  256u
#define COMPLETE_WORD_BYTES 64u

/* Names that exist now, asked for when an argument of the kind may come. */
struct complete_source {
    void *context;
    size_t (*names)(void *context, enum grammar_arg arg, char (*out)[COMPLETE_WORD_BYTES],
                    size_t max);
};

struct completions {
    size_t count;
    char words[COMPLETE_WORDS_MAX][COMPLETE_WORD_BYTES]; /* that begin like the token under way */
    size_t begun_bytes;                                  /* of it, typed already */
    size_t common_bytes;                                 /* that all words share */
};

/* For the text left of the cursor. */
void complete_words(const struct grammar *grammar, const char *text,
                    const struct complete_source *source, struct completions *out);

/* The lines `?` prints, appended to text_out. */
void complete_help(const struct grammar *grammar, const char *text,
                   const struct complete_source *source, struct buffer *text_out);

#endif
