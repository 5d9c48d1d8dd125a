/* When answers that stay away mean a dead tunnel. Pure: a clock reading goes in with every fact. */
#ifndef BGPD_IO_PROBE_JUDGE_H
#define BGPD_IO_PROBE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/mono.h"

#define PROBE_INTERVAL_DEFAULT_MS 300u
#define PROBE_MULTIPLIER_DEFAULT  3u

enum probe_verdict {
    PROBE_UNKNOWN, /* never answered yet: many gateways drop echo, so silence says nothing */
    PROBE_ALIVE,
    PROBE_DEAD,
};

struct probe_judge {
    struct mono_span interval;
    uint32_t multiplier;
    enum probe_verdict verdict;
    struct mono_time last_answer;
    uint32_t unanswered_count; /* probes sent since the last answer */
    uint32_t answered_in_row;  /* while dead: answers with no probe lost between them */
};

/* 0 takes the default of each. */
void probe_judge_init(struct probe_judge *judge, uint32_t interval_ms, uint32_t multiplier);

/* Between two probes: a little less than the interval, so that `multiplier` of them fit into the
 * time after which the tunnel counts as dead. */
struct mono_span probe_judge_spacing(const struct probe_judge *judge);

void probe_judge_sent(struct probe_judge *judge);
void probe_judge_answered(struct probe_judge *judge, struct mono_time now);

/* When to ask again whether it is dead; MONO_NEVER while it is not alive. */
struct mono_time probe_judge_deadline(const struct probe_judge *judge);

/* Call when answers that have arrived by now have been told. Dead means `multiplier` probes and
 * intervals without an answer: if we were too busy to send, nothing is held against the tunnel. */
void probe_judge_time(struct probe_judge *judge, struct mono_time now);

#endif
