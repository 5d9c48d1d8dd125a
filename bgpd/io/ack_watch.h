/* Looks at the acknowledgements of one TCP connection again and again: evidence that needs nothing
 * of the far end but its TCP. */
#ifndef BGPD_IO_ACK_WATCH_H
#define BGPD_IO_ACK_WATCH_H

#include <ev.h>

#include "bgpd/io/ack_judge.h"

struct ack_watch;

/* Where connections are found: -1 when there is none of that number. */
struct ack_source {
    void *context;
    int (*socket_of)(void *context, conn_id conn);
};

/* changed is called from the loop when the verdict is another one. */
struct ack_hooks {
    void *context;
    void (*changed)(void *context);
};

/* source is copied; 0 takes the default of interval and multiplier. */
struct ack_watch *ack_watch_new(struct ev_loop *loop, const struct ack_source *source,
                                const struct ack_hooks *hooks, uint32_t interval_ms,
                                uint32_t multiplier);
void ack_watch_free(struct ack_watch *watch);

/* The session inside the tunnel runs over this connection now; 0: there is none. The kernel repeats
 * what is lost on it quickly, and gives it up when nothing is acknowledged for the hold time. */
void ack_watch_session(struct ack_watch *watch, conn_id conn, uint32_t hold_time_s);

enum probe_verdict ack_watch_verdict(const struct ack_watch *watch);

/* As ack_judge_doubt, seen at the next look. */
void ack_watch_doubt(struct ack_watch *watch);

/* False when the socket cannot say it. */
bool ack_reading_take(int socket, struct ack_reading *reading_out);

#endif
