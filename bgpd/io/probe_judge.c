#include "bgpd/io/probe_judge.h"

#include <string.h>

void probe_judge_init(struct probe_judge *judge, uint32_t interval_ms, uint32_t multiplier)
{
    memset(judge, 0, sizeof *judge);
    judge->interval = mono_span_ms(interval_ms != 0 ? interval_ms : PROBE_INTERVAL_DEFAULT_MS);
    judge->multiplier = multiplier != 0 ? multiplier : PROBE_MULTIPLIER_DEFAULT;
}

struct mono_span probe_judge_spacing(const struct probe_judge *judge)
{
    return (struct mono_span){judge->interval.ns / 8 * 7};
}

void probe_judge_sent(struct probe_judge *judge)
{
    /* More than one on its way: the one before the last is late or lost. */
    if (judge->unanswered_count != 0) {
        judge->answered_in_row = 0;
    }
    if (judge->unanswered_count < UINT32_MAX) {
        judge->unanswered_count++;
    }
}

void probe_judge_answered(struct probe_judge *judge, struct mono_time now)
{
    judge->last_answer = now;
    judge->unanswered_count = 0;
    if (judge->verdict != PROBE_DEAD) {
        judge->verdict = PROBE_ALIVE;
        return;
    }
    /* What died must answer as often in a row as it had been silent, or a lossy path flaps. */
    if (++judge->answered_in_row >= judge->multiplier) {
        judge->verdict = PROBE_ALIVE;
    }
}

struct mono_time probe_judge_deadline(const struct probe_judge *judge)
{
    if (judge->verdict != PROBE_ALIVE) {
        return MONO_NEVER;
    }
    return mono_add(judge->last_answer,
                    (struct mono_span){judge->interval.ns * (int64_t)judge->multiplier});
}

void probe_judge_time(struct probe_judge *judge, struct mono_time now)
{
    if (judge->verdict == PROBE_ALIVE && judge->unanswered_count >= judge->multiplier &&
        mono_reached(probe_judge_deadline(judge), now)) {
        judge->verdict = PROBE_DEAD;
        judge->answered_in_row = 0;
    }
}
