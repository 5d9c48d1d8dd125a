/* The only time types: instants of a monotonic clock and spans between them. Nobody below bgpd/io
 * reads a clock; instants are handed in. */
#ifndef PROTO_BASE_MONO_H
#define PROTO_BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct mono_time {
    int64_t ns;
};

struct mono_span {
    int64_t ns;
};

#define MONO_NEVER     ((struct mono_time){INT64_MAX})
#define MONO_SPAN_NONE ((struct mono_span){0})

static inline struct mono_span mono_span_ns(int64_t ns)
{
    return (struct mono_span){ns};
}

static inline struct mono_span mono_span_us(int64_t us)
{
    return (struct mono_span){us * 1000};
}

static inline struct mono_span mono_span_ms(int64_t ms)
{
    return (struct mono_span){ms * 1000000};
}

static inline struct mono_span mono_span_s(int64_t s)
{
    return (struct mono_span){s * 1000000000};
}

static inline int64_t mono_span_to_ms(struct mono_span span)
{
    return span.ns / 1000000;
}

static inline int64_t mono_span_to_s(struct mono_span span)
{
    return span.ns / 1000000000;
}

static inline bool mono_is_never(struct mono_time time)
{
    return time.ns == INT64_MAX;
}

/* Saturates at MONO_NEVER. */
static inline struct mono_time mono_add(struct mono_time time, struct mono_span span)
{
    if (mono_is_never(time) || (span.ns > 0 && time.ns > INT64_MAX - span.ns)) {
        return MONO_NEVER;
    }
    return (struct mono_time){time.ns + span.ns};
}

/* later - earlier; negative when the arguments are the other way round. */
static inline struct mono_span mono_between(struct mono_time earlier, struct mono_time later)
{
    return (struct mono_span){later.ns - earlier.ns};
}

static inline bool mono_before(struct mono_time a, struct mono_time b)
{
    return a.ns < b.ns;
}

static inline bool mono_reached(struct mono_time deadline, struct mono_time now)
{
    return deadline.ns <= now.ns;
}

static inline struct mono_time mono_earlier(struct mono_time a, struct mono_time b)
{
    return a.ns < b.ns ? a : b;
}

#endif
