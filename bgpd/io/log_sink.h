/* Where the core's log events go: standard error, a file, syslog; as text or JSON lines. Never
 * waits: what cannot be written at once is dropped and counted. */
#ifndef BGPD_IO_LOG_SINK_H
#define BGPD_IO_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/config_model.h"
#include "bgpd/core/log_events.h"
#include "proto/base/status.h"

struct log_sink;

struct log_sink *log_sink_new(void);
void log_sink_free(struct log_sink *sink);

/* Takes over level, format and targets; a file that cannot be opened is reported and left out. */
void log_sink_configure(struct log_sink *sink, const struct config_log *log);
void log_sink_write(struct log_sink *sink, const struct log_event *event);

/* For messages of main and io itself. */
void log_sink_printf(struct log_sink *sink, enum log_event_kind kind, enum log_severity severity,
                     const char *format, ...) PRINTF_LIKE(4, 5);
uint64_t log_sink_dropped(const struct log_sink *sink);

#endif
