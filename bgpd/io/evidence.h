/* What one source last said about one tunnel, so that the core hears of news only. */
#ifndef BGPD_IO_EVIDENCE_H
#define BGPD_IO_EVIDENCE_H

#include "bgpd/core/core.h"

struct evidence_hooks {
    void *context;
    void (*feed)(void *context, const struct core_event *event);
};

enum evidence_verdict {
    EVIDENCE_UNKNOWN, /* this source cannot tell (any more) */
    EVIDENCE_DEAD,
    EVIDENCE_ALIVE,
};

struct evidence {
    struct tunnel_fact fact; /* as last told */
    bool is_told;
};

void evidence_init(struct evidence *evidence, uint16_t tunnel_number, uint32_t source);

/* Feeds EVENT_TUNNEL_FACT when the verdict or its wording is new. */
void evidence_tell(struct evidence *evidence, const struct evidence_hooks *hooks,
                   enum evidence_verdict verdict, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
