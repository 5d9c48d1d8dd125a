#include "bgpd/io/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "bgpd/io/clock.h"
#include "proto/base/buffer.h"

struct log_sink {
    int file_fd; /* -1: none */
    char *file_name;
    bool uses_stderr;
    bool uses_syslog;
    bool is_json;
    uint8_t level;
    uint64_t dropped_count;
};

struct log_sink *log_sink_new(void)
{
    struct log_sink *sink = mem_alloc(MEM_IO, sizeof *sink);
    sink->file_fd = -1;
    sink->uses_stderr = true;
    sink->level = LOG_SEVERITY_INFO;
    return sink;
}

void log_sink_free(struct log_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    if (sink->file_fd >= 0) {
        close(sink->file_fd);
    }
    mem_free(MEM_IO, sink->file_name);
    mem_free(MEM_IO, sink);
}

static void open_file(struct log_sink *sink, const char *name)
{
    if (sink->file_fd >= 0) {
        close(sink->file_fd);
    }
    sink->file_fd = -1;
    mem_free(MEM_IO, sink->file_name);
    sink->file_name = mem_strdup(MEM_IO, name);
    if (name == NULL) {
        return;
    }
    sink->file_fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (sink->file_fd < 0) {
        log_sink_printf(sink, LOG_GENERAL, LOG_SEVERITY_WARNING,
                        "cannot open log file %s: %s; going on without it", name, strerror(errno));
    }
}

void log_sink_configure(struct log_sink *sink, const struct config_log *log)
{
    sink->level = log->level;
    sink->is_json = log->json;
    sink->uses_stderr = log->stdout_enabled || (log->file == NULL && !log->syslog_enabled);
    if (log->syslog_enabled && !sink->uses_syslog) {
        openlog("sealaned", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    }
    sink->uses_syslog = log->syslog_enabled;
    open_file(sink, log->file); /* Also reopens after the file was moved away. */
}

static const char *severity_name(enum log_severity severity)
{
    switch (severity) {
    case LOG_SEVERITY_ERROR:
        return "error";
    case LOG_SEVERITY_WARNING:
        return "warning";
    case LOG_SEVERITY_NOTICE:
        return "notice";
    case LOG_SEVERITY_INFO:
        return "info";
    case LOG_SEVERITY_DEBUG:
        return "debug";
    }
    return "info";
}

static void put_json_string(struct buffer *line, const char *text)
{
    buffer_append(line, "\"", 1);
    for (const char *at = text; *at != 0; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            buffer_printf(line, "\\%c", c);
        } else if (c < 0x20) {
            buffer_printf(line, "\\u%04x", c);
        } else {
            buffer_append(line, at, 1);
        }
    }
    buffer_append(line, "\"", 1);
}

static void format_json(struct buffer *line, const struct log_event *event, const char *when)
{
    char text[PREFIX_TEXT_BYTES];
    buffer_printf(line, "{\"time\":\"%s\",\"severity\":\"%s\",\"event\":\"%s\"", when,
                  severity_name(event->severity), log_event_kind_name(event->kind));
    if (event->peer.family != IP_NONE) {
        buffer_printf(line, ",\"peer\":\"%s\"", ip_format(&event->peer, text));
    }
    if (event->prefix.family != IP_NONE) {
        buffer_printf(line, ",\"prefix\":\"%s\"", prefix_format(&event->prefix, text));
    }
    buffer_printf(line, ",\"message\":");
    put_json_string(line, event->text);
    buffer_printf(line, "}\n");
}

static void format_text(struct buffer *line, const struct log_event *event, const char *when)
{
    char text[PREFIX_TEXT_BYTES];
    buffer_printf(line, "%s %-7s ", when, severity_name(event->severity));
    if (event->peer.family != IP_NONE) {
        buffer_printf(line, "%s: ", ip_format(&event->peer, text));
    }
    if (event->prefix.family != IP_NONE) {
        buffer_printf(line, "%s: ", prefix_format(&event->prefix, text));
    }
    size_t start = line->size;
    buffer_printf(line, "%s", event->text);
    for (size_t i = start; i < line->size; i++) {
        if (line->data[i] < 0x20 || line->data[i] == 0x7f) {
            line->data[i] = ' '; /* One event is one line, whatever a peer put into it. */
        }
    }
    buffer_printf(line, "\n");
}

static void write_fd(struct log_sink *sink, int fd, const struct buffer *line)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    /* A reader who has stopped must not stop us: standard error may be a blocking pipe. */
    ssize_t written = poll(&ready, 1, 0) == 1 ? write(fd, line->data, line->size) : -1;
    if (written != (ssize_t)line->size) {
        sink->dropped_count++;
    }
}

void log_sink_write(struct log_sink *sink, const struct log_event *event)
{
    if ((uint8_t)event->severity > sink->level) {
        return;
    }
    char when[32];
    clock_wall_text(when);
    struct buffer line;
    buffer_init(&line, MEM_IO);
    if (sink->is_json) {
        format_json(&line, event, when);
    } else {
        format_text(&line, event, when);
    }
    if (sink->uses_stderr) {
        write_fd(sink, STDERR_FILENO, &line);
    }
    if (sink->file_fd >= 0) {
        write_fd(sink, sink->file_fd, &line);
    }
    if (sink->uses_syslog) {
        syslog((int)event->severity, "%s", event->text);
    }
    buffer_fini(&line);
}

void log_sink_printf(struct log_sink *sink, enum log_event_kind kind, enum log_severity severity,
                     const char *format, ...)
{
    struct log_event event = {.kind = kind, .severity = severity};
    va_list args;
    va_start(args, format);
    vsnprintf(event.text, sizeof event.text, format, args);
    va_end(args);
    log_sink_write(sink, &event);
}

uint64_t log_sink_dropped(const struct log_sink *sink)
{
    return sink->dropped_count;
}
