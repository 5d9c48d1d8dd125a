/* When acknowledgements that stay away mean a dead tunnel: BGP's own TCP session runs through it,
 * and the far end's kernel must acknowledge every KEEPALIVE. Pure: readings and instants go in. */
#ifndef BGPD_IO_ACK_JUDGE_H
#define BGPD_IO_ACK_JUDGE_H

#include "bgpd/core/core.h"
#include "bgpd/io/probe_judge.h"
#include "proto/base/mono.h"

/* What the kernel says about one connection. */
struct ack_reading {
    uint64_t acked_bytes; /* in its whole life */
    uint32_t waiting;     /* segments sent and not acknowledged */
    uint32_t repeats;     /* retransmissions in its whole life */
    uint32_t since_sent_ms;
    uint32_t round_trip_us;
};

struct ack_judge {
    struct mono_span patience; /* unacknowledged for longer is dead */
    enum probe_verdict verdict;
    conn_id conn; /* 0: none */
    uint64_t acked_bytes;
    bool is_waiting;
    struct mono_time waiting_since;
    uint32_t repeats; /* when the waiting began */
    struct mono_span round_trip;
    uint32_t proofs; /* while dead: acknowledgements since */
    struct mono_time first_proof;
};

/* As for probe_judge_init. */
void ack_judge_init(struct ack_judge *judge, uint32_t interval_ms, uint32_t multiplier);

/* The connection as it stands now. Dead: something was sent, sent again, and for the whole of the
 * patience (four round trips at least) nothing of it was acknowledged. */
void ack_judge_look(struct ack_judge *judge, conn_id conn, const struct ack_reading *reading,
                    struct mono_time now);

/* There is no session. What was dead stays dead until another one shows life. */
void ack_judge_no_session(struct ack_judge *judge);

/* Other evidence speaks against the tunnel: dead until two acknowledgements, patience apart. */
void ack_judge_doubt(struct ack_judge *judge);

/* When to look at the latest; MONO_NEVER while nothing is waited for. */
struct mono_time ack_judge_deadline(const struct ack_judge *judge);

#endif
