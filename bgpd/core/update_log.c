/* What is wrong with an UPDATE, for people (RFC 7606 8): the log is their only clue, so it names
 * the prefixes and has the octets; and a neighbor that keeps on does not fill the disk. */
#include <stdio.h>

#include "bgpd/core/routes_private.h"

#define WINDOW_S       10
#define TYPES_MAX      4u /* of attributes told in one window */
#define LINE_OCTETS    200u
#define OCTETS_MAX     4096u
#define PREFIXES_SHOWN 2u

_Static_assert(sizeof((struct update_error_log){0}.types) == TYPES_MAX, "types of one window");

/* True for the first error of an attribute type in a window, as long as there are few types. */
static bool admit(struct update_error_log *log, struct mono_time now, uint8_t type,
                  uint32_t *left_out)
{
    *left_out = 0;
    if (log->type_count == 0 || mono_reached(log->window_end, now)) {
        *left_out = log->left_out;
        *log = (struct update_error_log){.window_end = mono_add(now, mono_span_s(WINDOW_S))};
    }
    for (uint32_t i = 0; i < log->type_count; i++) {
        if (log->types[i] == type) {
            log->left_out++;
            return false;
        }
    }
    if (log->type_count == TYPES_MAX) {
        log->left_out++;
        return false;
    }
    log->types[log->type_count++] = type;
    return true;
}

/* ", 192.0.2.0/24 198.51.100.0/24 and 7 more"; "" when the message announces nothing readable. */
static void name_prefixes(const struct update *update, char text[128])
{
    uint32_t count = 0;
    size_t at = 0;
    text[0] = 0;
    for (unsigned field = 0; field < 2; field++) {
        struct nlri_run run = update->reachable[field];
        struct nlri nlri;
        while (nlri_next(&run, &nlri)) {
            char prefix[PREFIX_TEXT_BYTES];
            if (count++ < PREFIXES_SHOWN) {
                at += (size_t)snprintf(text + at, 128 - at, "%s%s", count == 1 ? ", " : " ",
                                       prefix_format(&nlri.prefix, prefix));
            }
        }
    }
    if (count > PREFIXES_SHOWN) {
        snprintf(text + at, 128 - at, " and %u more", count - PREFIXES_SHOWN);
    }
}

static void log_octets(struct core *core, const struct peer *peer, struct byte_view body)
{
    size_t size = body.size < OCTETS_MAX ? body.size : OCTETS_MAX;
    for (size_t begin = 0; begin < size; begin += LINE_OCTETS) {
        size_t end = begin + LINE_OCTETS < size ? begin + LINE_OCTETS : size;
        char hex[2 * LINE_OCTETS + 1];
        for (size_t i = begin; i < end; i++) {
            snprintf(hex + 2 * (i - begin), 3, "%02x", body.data[i]);
        }
        core_log(core, LOG_UPDATE_ERROR, LOG_SEVERITY_INFO, &peer->addr, NULL,
                 "UPDATE octets %zu to %zu of %zu: %s", begin, end - 1, body.size, hex);
    }
}

void update_log_error(struct core *core, struct peer *peer, struct byte_view body,
                      const struct update *update, const char *done)
{
    const struct wire_error *error = &update->error;
    char prefixes[128];
    uint32_t left_out;
    if (!admit(&peer->routes->update_errors, core->now, error->attr_type, &left_out)) {
        return;
    }
    name_prefixes(update, prefixes);
    core_log(core, LOG_UPDATE_ERROR, LOG_SEVERITY_WARNING, &peer->addr, NULL,
             "UPDATE: %s (attribute %u, offset %u): %s%s; %u similar lines left out",
             error->what == NULL ? "malformed" : error->what, error->attr_type, error->offset_bytes,
             done, prefixes, left_out);
    log_octets(core, peer, body);
}
