#include "bgpd/io/ack_judge.h"

#include <string.h>

/* A far end that answers may take so many round trips and is only slow. */
#define ROUND_TRIPS_MIN 4

void ack_judge_init(struct ack_judge *judge, uint32_t interval_ms, uint32_t multiplier)
{
    struct probe_judge defaults;
    probe_judge_init(&defaults, interval_ms, multiplier);
    memset(judge, 0, sizeof *judge);
    judge->patience = (struct mono_span){defaults.interval.ns * (int64_t)defaults.multiplier};
}

static struct mono_span patience(const struct ack_judge *judge)
{
    int64_t slow_ns = judge->round_trip.ns * ROUND_TRIPS_MIN;
    return slow_ns > judge->patience.ns ? (struct mono_span){slow_ns} : judge->patience;
}

static void take_proof(struct ack_judge *judge, struct mono_time now)
{
    if (judge->verdict != PROBE_DEAD) {
        judge->verdict = PROBE_ALIVE;
        return;
    }
    if (judge->proofs++ == 0) {
        judge->first_proof = now;
    }
    /* What died must stay well for as long as it took to die, or a lossy path flaps. */
    if (judge->proofs > 1 && mono_reached(mono_add(judge->first_proof, judge->patience), now)) {
        judge->verdict = PROBE_ALIVE;
    }
}

static void begin_waiting(struct ack_judge *judge, const struct ack_reading *reading,
                          struct mono_time now)
{
    judge->is_waiting = true;
    judge->waiting_since = mono_add(now, mono_span_ms(-(int64_t)reading->since_sent_ms));
    judge->repeats = reading->repeats;
}

void ack_judge_look(struct ack_judge *judge, conn_id conn, const struct ack_reading *reading,
                    struct mono_time now)
{
    if (conn != judge->conn) {
        judge->conn = conn;
        judge->is_waiting = false;
        judge->acked_bytes = 0; /* A session that stands has had its OPEN acknowledged. */
    }
    bool has_progress = reading->acked_bytes > judge->acked_bytes;
    judge->acked_bytes = reading->acked_bytes;
    judge->round_trip = mono_span_us(reading->round_trip_us);
    if (has_progress || reading->waiting == 0) {
        judge->is_waiting = false;
    }
    if (reading->waiting != 0 && !judge->is_waiting) {
        begin_waiting(judge, reading, now);
    }
    if (has_progress) {
        take_proof(judge, now);
    }
    if (judge->is_waiting && reading->repeats != judge->repeats &&
        mono_reached(mono_add(judge->waiting_since, patience(judge)), now)) {
        judge->verdict = PROBE_DEAD;
        judge->proofs = 0;
    }
}

void ack_judge_no_session(struct ack_judge *judge)
{
    judge->conn = 0;
    judge->is_waiting = false;
    if (judge->verdict == PROBE_ALIVE) {
        judge->verdict = PROBE_UNKNOWN;
    }
}

void ack_judge_doubt(struct ack_judge *judge)
{
    judge->verdict = PROBE_DEAD;
    judge->proofs = 0;
}

struct mono_time ack_judge_deadline(const struct ack_judge *judge)
{
    return judge->is_waiting && judge->verdict != PROBE_DEAD
               ? mono_add(judge->waiting_since, patience(judge))
               : MONO_NEVER;
}
