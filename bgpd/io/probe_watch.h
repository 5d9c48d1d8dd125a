/* Probes through one tunnel to the peer inside it, evidence that the far end still forwards: ICMP
 * echo, the acknowledgements of the TCP session with that peer, or whichever of them can tell. */
#ifndef BGPD_IO_PROBE_WATCH_H
#define BGPD_IO_PROBE_WATCH_H

#include <ev.h>

#include "bgpd/io/ack_watch.h"
#include "bgpd/io/evidence.h"

struct probe_watch;

struct probe_setup {
    uint16_t tunnel_number;
    char interface[16];
    struct ip_addr peer;  /* IP_NONE: nobody to ask */
    struct ip_addr local; /* IP_NONE: the kernel chooses */
    uint32_t interval_ms; /* 0: default */
    uint32_t multiplier;  /* 0: default */
    uint8_t kind;         /* enum probe_kind */
};

/* Facts come from the loop, never from within this call. */
struct probe_watch *probe_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                    const struct ack_source *connections,
                                    const struct probe_setup *setup);
void probe_watch_free(struct probe_watch *watch);

/* As ack_watch_session. */
void probe_watch_session(struct probe_watch *watch, conn_id conn, uint32_t hold_time_s);

#endif
