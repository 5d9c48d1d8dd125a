#include "bgpd/cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define OUT_CHUNK_BYTES 65536u

void out_init(struct out *out, int fd)
{
    memset(out, 0, sizeof *out);
    buffer_init(&out->text, MEM_IO);
    buffer_init(&out->passed, MEM_IO);
    out->fd = fd;
}

void out_fini(struct out *out)
{
    for (size_t i = 0; i < out->pipe_count; i++) {
        if (out->pipes[i].kind != OUT_PIPE_COUNT) {
            regfree(&out->pipes[i].regexp);
        }
    }
    out->pipe_count = 0;
    buffer_fini(&out->text);
    buffer_fini(&out->passed);
}

bool out_pipe_put(struct out *out, enum out_pipe_kind kind, const char *regexp, char error_out[128])
{
    if (out->pipe_count == OUT_PIPES_MAX) {
        snprintf(error_out, 128, "at most %u pipes", OUT_PIPES_MAX);
        return false;
    }
    struct out_pipe *pipe = &out->pipes[out->pipe_count];
    memset(pipe, 0, sizeof *pipe);
    pipe->kind = kind;
    if (kind != OUT_PIPE_COUNT) {
        int code = regcomp(&pipe->regexp, regexp, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            regerror(code, &pipe->regexp, error_out, 128);
            return false;
        }
    }
    out->pipe_count++;
    return true;
}

void out_bytes(struct out *out, const void *bytes, size_t size)
{
    if (!out->is_stopped) {
        buffer_append(&out->text, bytes, size);
    }
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_printf(struct out *out, const char *format, ...)
{
    char small[512];
    va_list arguments;
    if (out->is_stopped) {
        return;
    }
    va_start(arguments, format);
    int size = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof small) {
        buffer_append(&out->text, small, (size_t)size);
        return;
    }
    if (size > 0) {
        uint8_t *at = buffer_reserve(&out->text, (size_t)size + 1);
        va_start(arguments, format);
        vsnprintf((char *)at, (size_t)size + 1, format, arguments);
        va_end(arguments);
        out->text.size += (size_t)size;
    }
}

void out_pad(struct out *out, int count)
{
    static const char blanks[] = "                                ";
    while (count > 0) {
        int part = count < (int)sizeof blanks - 1 ? count : (int)sizeof blanks - 1;
        out_bytes(out, blanks, (size_t)part);
        count -= part;
    }
}

/* ---- Writing ---- */

static void write_all(struct out *out, const uint8_t *data, size_t size)
{
    while (size != 0 && !out->is_stopped) {
        ssize_t written = write(out->fd, data, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            out->is_stopped = true;
            return;
        }
        data += written;
        size -= (size_t)written;
    }
}

/* Waits for a key at the foot of a page; blank: a page more, Enter: a line more, q: enough. */
static void page_wait(struct out *out)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        out->page_rows = 0;
        return;
    }
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    write_all(out, (const uint8_t *)"--More--", 8);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    char key = 'q';
    ssize_t got = read(STDIN_FILENO, &key, 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    write_all(out, (const uint8_t *)"\r        \r", 10);
    if (got != 1 || key == 'q' || key == 'Q' || key == 3) {
        out->is_stopped = true;
    } else {
        out->page_used = key == '\r' || key == '\n' ? out->page_rows - 1 : 0;
    }
}

static void write_passed(struct out *out)
{
    if (out->fd < 0) {
        return;
    }
    if (out->page_rows == 0) {
        write_all(out, out->passed.data, out->passed.size);
        out->passed.size = 0;
        return;
    }
    size_t at = 0;
    while (at < out->passed.size && !out->is_stopped) {
        const uint8_t *line = out->passed.data + at;
        const uint8_t *end = memchr(line, '\n', out->passed.size - at);
        size_t size = end == NULL ? out->passed.size - at : (size_t)(end - line) + 1;
        if (out->page_used >= out->page_rows) {
            page_wait(out);
        }
        write_all(out, line, size);
        out->page_used += end != NULL ? 1 : 0;
        at += size;
    }
    out->passed.size = 0;
}

/* ---- Pipes ---- */

static size_t line_indent(const char *line)
{
    return strspn(line, " ");
}

/* True when the line goes on through this pipe. */
static bool pipe_passes(struct out_pipe *pipe, const char *line)
{
    bool is_match = pipe->kind == OUT_PIPE_COUNT || regexec(&pipe->regexp, line, 0, NULL, 0) == 0;
    switch (pipe->kind) {
    case OUT_PIPE_INCLUDE:
        return is_match;
    case OUT_PIPE_EXCLUDE:
        return !is_match;
    case OUT_PIPE_BEGIN:
        pipe->is_open = pipe->is_open || is_match;
        return pipe->is_open;
    case OUT_PIPE_SECTION:
        if (pipe->is_open && line_indent(line) > pipe->indent) {
            return true;
        }
        pipe->is_open = is_match;
        pipe->indent = line_indent(line);
        return is_match;
    case OUT_PIPE_COUNT:
        pipe->lines++;
        return false;
    }
    return true;
}

/* line ends in a zero; with_newline puts the line's end back. */
static void line_send(struct out *out, const char *line, size_t from_pipe, bool with_newline)
{
    for (size_t i = from_pipe; i < out->pipe_count; i++) {
        if (!pipe_passes(&out->pipes[i], line)) {
            return;
        }
    }
    buffer_append(&out->passed, line, strlen(line));
    if (with_newline) {
        buffer_append(&out->passed, "\n", 1);
    }
}

static void send_lines(struct out *out, bool is_last)
{
    if (out->pipe_count == 0) {
        buffer_append(&out->passed, out->text.data, out->text.size);
        out->text.size = 0;
        return;
    }
    size_t at = 0;
    buffer_text(&out->text);
    while (at < out->text.size) {
        char *line = (char *)out->text.data + at;
        char *end = memchr(line, '\n', out->text.size - at);
        if (end == NULL && !is_last) {
            break;
        }
        if (end != NULL) {
            *end = '\0';
        }
        at = end == NULL ? out->text.size : at + (size_t)(end - line) + 1;
        line_send(out, line, 0, end != NULL);
    }
    buffer_drop(&out->text, at);
}

void out_breathe(struct out *out)
{
    if (out->text.size >= OUT_CHUNK_BYTES) {
        send_lines(out, false);
        write_passed(out);
    }
}

void out_finish(struct out *out)
{
    send_lines(out, true);
    for (size_t i = 0; i < out->pipe_count; i++) {
        if (out->pipes[i].kind == OUT_PIPE_COUNT) {
            char line[64];
            snprintf(line, sizeof line, "Count: %llu lines",
                     (unsigned long long)out->pipes[i].lines);
            line_send(out, line, i + 1, true);
        }
    }
    write_passed(out);
}
