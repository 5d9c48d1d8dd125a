/* Where a command's text goes: collected, sent line by line through the pipes the user gave, paged
 * on a terminal, written. */
#ifndef BGPD_CLI_OUT_H
#define BGPD_CLI_OUT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/base/buffer.h"

#define OUT_PIPES_MAX 4u

enum out_pipe_kind {
    OUT_PIPE_INCLUDE,
    OUT_PIPE_EXCLUDE,
    OUT_PIPE_BEGIN,
    OUT_PIPE_SECTION,
    OUT_PIPE_COUNT,
};

struct out_pipe {
    enum out_pipe_kind kind;
    regex_t regexp; /* of all but COUNT */
    bool is_open;   /* BEGIN has begun; SECTION is inside one */
    size_t indent;  /* of the line that opened the section */
    uint64_t lines;
};

struct out {
    struct buffer text;
    struct buffer passed; /* what came through the pipes */
    int fd;               /* -1: everything stays in passed */
    struct out_pipe pipes[OUT_PIPES_MAX];
    size_t pipe_count;
    unsigned page_rows; /* 0: no pager */
    unsigned page_used;
    bool is_stopped; /* the reader went away or typed q: nothing more is wanted */
};

void out_init(struct out *out, int fd);
void out_fini(struct out *out);

/* Adds a pipe; false when regexp does not compile or there are too many, with why in error_out. */
bool out_pipe_put(struct out *out, enum out_pipe_kind kind, const char *regexp,
                  char error_out[128]);

void out_text(struct out *out, const char *text);
void out_bytes(struct out *out, const void *bytes, size_t size);
void out_printf(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* count blanks; none when count is not positive. */
void out_pad(struct out *out, int count);

/* Sends on what is worth sending on; call now and then during long output. */
void out_breathe(struct out *out);

/* The end of one command: the pipes say their last word, everything is written. */
void out_finish(struct out *out);

#endif
