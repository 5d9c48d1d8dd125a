/* One BFD session (RFC 5880, asynchronous mode) as a value: packets and instants go in, packets, a
 * verdict about the path and the next deadline come out. It knows neither sockets nor addresses:
 * those belong to bgpd/io/bfd_thread. Not to be called from the core's own code. */
#ifndef BGPD_CORE_BFD_H
#define BGPD_CORE_BFD_H

#include "bgpd/core/core.h"
#include "proto/base/mono.h"
#include "proto/base/random.h"
#include "proto/bfd_auth.h"
#include "proto/bfd_packet.h"

/* RFC 5880 6.8.3: nobody sends faster than this while the session is not Up. */
#define BFD_SLOW_INTERVAL_US 1000000u

struct bfd_settings {
    uint32_t transmit_interval_us;
    uint32_t receive_interval_us;
    uint8_t detect_multiplier; /* 1 or more */
    bool passive;              /* silent until the far end speaks (RFC 5880 6.1) */
    uint32_t hold_down_ms;     /* up for so long before the path counts as working */
    struct bfd_auth_key auth;  /* unused octets of the secret are zero */
};

/* What the session says about the path. A path that was never up has not failed. */
enum bfd_verdict {
    BFD_VERDICT_UNKNOWN,
    BFD_VERDICT_WORKS,
    BFD_VERDICT_FAILED,
    BFD_VERDICT_ADMIN_DOWN, /* the far end's wish, not a failure (RFC 5882 4.2) */
};

struct bfd_statistics {
    uint64_t received;
    uint64_t sent;
    uint64_t discarded[BFD_FAULT_COUNT];
    uint32_t ups;
    uint32_t downs;
    struct mono_time changed_at; /* of state */
};

struct bfd_machine {
    struct bfd_settings settings;
    uint8_t state; /* enum bfd_state */
    uint8_t remote_state;
    uint8_t diagnostic;
    uint8_t remote_diagnostic;
    enum bfd_verdict verdict;
    uint32_t local_discriminator;
    uint32_t remote_discriminator; /* 0: not known */
    uint32_t remote_min_rx_us;
    uint32_t remote_desired_tx_us;
    uint8_t remote_multiplier;
    bool remote_demand;
    uint32_t desired_tx_us; /* as our packets say it */
    uint32_t tx_in_force_us;
    uint32_t rx_in_force_us;
    bool is_polling;
    bool is_poll_stale; /* values changed since the poll began: another one must follow */
    bool is_final_due;
    bool has_sent;
    bool is_detection_held;
    bool is_unconfirmed;         /* taken up from an earlier process, and nothing heard yet */
    bool is_auth_sequence_known; /* bfd.AuthSeqKnown */
    uint32_t auth_received;      /* bfd.RcvAuthSeq */
    uint32_t auth_sent;          /* bfd.XmitAuthSeq */
    struct mono_time received_at;
    struct mono_time works_at; /* the end of the hold-down; MONO_NEVER while none runs */
    struct mono_time sent_at;  /* of the last periodic packet */
    struct mono_time send_at;  /* of the next one; MONO_NEVER when none may be sent */
    struct mono_time detect_at;
    struct random_source random;
    struct bfd_statistics statistics;
};

/* What the next process needs to go on with a session that is up. */
struct bfd_memory {
    uint32_t local_discriminator;
    uint32_t remote_discriminator;
    uint32_t remote_min_rx_us;
    uint32_t remote_desired_tx_us;
    uint32_t remote_multiplier;
    uint32_t auth_sent;
};

/* A session as it stands, for show commands and tests. Its key is a secret. */
struct bfd_session_view {
    struct bfd_session_action key;
    struct bfd_machine machine;
    uint64_t send_errors;
};

/* discriminator is not 0 and unique in the system. seed feeds the jitter. */
void bfd_init(struct bfd_machine *machine, const struct bfd_settings *settings,
              uint32_t discriminator, uint64_t seed, struct mono_time now);

/* True for a session that works and can be gone on with: not where each packet needs a sequence
 * number of its own (meticulous authentication). */
bool bfd_remember(const struct bfd_machine *machine, struct bfd_memory *memory_out);

/* Goes on, right after bfd_init with memory's discriminator, where an earlier process was ended:
 * for the far end it is the same session, so that its routes to us outlive our restart. The verdict
 * waits for the first packet; silence or a far end that is not up any more lead to Down, as if
 * nothing had been remembered. */
void bfd_resume(struct bfd_machine *machine, const struct bfd_memory *memory, struct mono_time now);

/* New intervals and multiplier; a session that is up stays up (RFC 5880 6.8.3, Poll Sequence). With
 * another key it stays up if the far end gets it within the detection time. */
void bfd_configure(struct bfd_machine *machine, const struct bfd_settings *settings,
                   struct mono_time now);

/* Goes to AdminDown, or from there to Down. */
void bfd_set_admin_down(struct bfd_machine *machine, bool is_down, struct mono_time now);

/* A packet that passed bfd_packet_decode and was found to belong to this session. The answer other
 * than BFD_FAULT_NONE has been counted. */
enum bfd_fault bfd_receive(struct bfd_machine *machine, const struct bfd_packet *packet,
                           struct mono_time now);

/* Detection and the end of the hold-down: to be called when the deadline is reached, after all that
 * came was received. */
void bfd_expire(struct bfd_machine *machine, struct mono_time now);

/* Puts detection off until then, once per silence: for a caller that slept too long itself, so that
 * its own lateness is not taken for the far end's. */
void bfd_hold_detection(struct bfd_machine *machine, struct mono_time until);

/* True with the packet to send now. To be called until false. */
bool bfd_take_packet(struct bfd_machine *machine, struct mono_time now,
                     struct bfd_packet *packet_out);

/* When bfd_expire or bfd_take_packet has something to do. */
struct mono_time bfd_deadline(const struct bfd_machine *machine);

/* Without a packet for this long an Init or Up session goes Down; 0 before the first packet. */
struct mono_span bfd_detection_time(const struct bfd_machine *machine);

/* Between two of our packets, before jitter; 0 when periodic packets are not allowed. */
struct mono_span bfd_transmit_interval(const struct bfd_machine *machine);

#endif
