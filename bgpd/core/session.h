/* The inside of a session: its two connections with their machines, buffers and timers. For the
 * session files (session_*.c, peer*.c, collision.c, negotiate.c) and core.c only. */
#ifndef BGPD_CORE_SESSION_H
#define BGPD_CORE_SESSION_H

#include "bgpd/core/fsm.h"
#include "bgpd/core/peer.h"
#include "proto/base/list.h"

enum conn_slot {
    CONN_OURS,   /* we opened it */
    CONN_THEIRS, /* the peer opened it */
    CONN_SLOT_COUNT,
};

struct session_conn {
    struct peer *peer;
    uint8_t slot; /* enum conn_slot */
    enum peer_state state;
    conn_id id;                   /* 0 while there is no connection */
    struct list_node bucket_node; /* of the table by id; linked while id is not 0 */
    struct list_node ready_node;  /* linked while whole messages may wait in received */
    bool is_up;
    bool is_lost;    /* the connection is gone already: nothing to close */
    bool is_parsing; /* a message out of received is being worked on: received stays */
    bool hold_was_late;
    struct ip_addr local_addr;
    uint16_t local_port;
    uint16_t remote_port;
    uint32_t ifindex;
    uint32_t room_bytes;      /* may be sent now */
    uint32_t room_full_bytes; /* room when nothing is on its way */
    struct buffer received;
    size_t received_at;   /* octets of received already worked on */
    struct buffer unsent; /* whole messages that found no room */
    struct open_message local_open;
    struct open_message remote_open;
    uint32_t hold_time_s;
    struct mono_span keepalive;
    uint32_t message_bytes_max; /* we take */
    struct mono_time last_read;
    struct mono_time last_write;
    struct timer connect_retry;
    struct timer hold;
    struct timer keepalive_timer;
    struct timer delay_open;
    struct timer send_hold;
};

/* IdleHoldTime: starts here, doubles with every drop up to the maximum, and starts anew after a
 * session that stood for SESSION_STABLE_S. */
#define SESSION_IDLE_HOLD_S_MIN 1
#define SESSION_IDLE_HOLD_S_MAX 60
#define SESSION_STABLE_S        60
#define SESSION_LENIENT_HOLD_S                                                                     \
    8 /* next idle hold time up to which the peer may come back at once */

#define RESET_REASON_BYTES 400u /* a shutdown message fits */
#define OBSTACLE_BYTES     RESET_REASON_BYTES

#define SESSION_POLITE_MS 300

/* An address of ours may be away for so long, as when a network manager sets it anew, before the
 * sessions that stand on it are given up. */
#define SESSION_SOURCE_GRACE_S 1

/* At most so many in a window of time. */
struct rate_limiter {
    struct mono_time window_start;
    uint32_t count;
    uint32_t suppressed;
};

struct peer_session {
    struct session_conn conns[CONN_SLOT_COUNT];
    struct config_neighbor own_config;     /* of a dynamic peer */
    struct neighbor_settings old_settings; /* between peers_resolve_config and peers_apply_config */
    bool has_old_settings;
    bool is_gone;           /* not in the configuration any more */
    bool is_reaped;         /* a dynamic peer without a session: freed at the next safe point */
    bool is_prefix_limited; /* Idle (PfxCt) */
    bool is_busy;           /* inside a call to the route side: a reset waits until it returns */
    bool has_pending_reset;
    bool has_quick_retry;     /* the next refused attempt is repeated soon */
    uint8_t listener_ttl_min; /* what the listener demands of it; 0: nothing */
    bool has_bfd;
    bool uses_own_as; /* dual-as: the neighbour refused the local AS */
    bool is_bfd_known;
    bool is_bfd_up;
    bool is_bfd_failed; /* it was up, and has not been since */
    uint8_t pending_code;
    uint8_t pending_subcode;
    uint8_t pending_data_bytes;
    uint8_t pending_data[64];
    char pending_reason[RESET_REASON_BYTES];
    struct timer idle_hold;
    struct mono_span idle_hold_next; /* grows with each drop */
    struct mono_span limited_for;    /* of a prefix limit; NONE: until cleared */
    struct list_node sender_node;    /* linked while routes wait to be sent */
    struct bfd_session_action bfd;
    uint32_t established_count;
    uint32_t dropped_count;
    struct mono_time state_since;
    struct mono_time last_reset;
    char last_reset_reason[RESET_REASON_BYTES];
    bool is_blocked;               /* the last attempt was not made: obstacle says why */
    char obstacle[OBSTACLE_BYTES]; /* why the last attempt was not made or failed; "" */
    char why_not[OBSTACLE_BYTES];  /* texts of the last snapshot */
    char liveness[64];
    struct rate_limiter log_limiter;
    struct rate_limiter incoming_limiter;
};

#define CONN_BUCKETS 256u

struct peer_table {
    struct peer **by_addr; /* ascending */
    uint32_t count;
    uint32_t dynamic_count;
    struct peer **by_number; /* [number - 1], NULL when free */
    uint32_t number_limit;
    struct list_node conns[CONN_BUCKETS];
    struct list_node ready;   /* session_conn.ready_node */
    struct list_node senders; /* peer_session.sender_node */
    conn_id next_conn;
    uint16_t listening_port[2]; /* IPv4, IPv6; 0: not listening */
    uint32_t listening_mss[2];
    struct rate_limiter stranger_limiter;
    uint8_t *send_scratch;
    bool needs_reap;
    bool needs_retry; /* a fact of the kernel may have removed what blocked a session */
    struct timer source_check;
};

/* ---- peer.c: the table ---- */

struct peer *peer_new(struct core *core, const struct ip_addr *addr,
                      const struct neighbor_settings *settings);
void peer_free(struct core *core, struct peer *peer);
bool peer_is_admin_down(const struct peer *peer);
bool peer_is_established(const struct peer *peer);

/* The Established connection, or NULL. */
struct session_conn *peer_established_conn(const struct peer *peer);

/* Frees dynamic peers whose session is over. */
void peers_reap(struct core *core);

/* Once per turn: tries the peers again whose last attempt was not made, when a fact came since. */
void peers_retry_blocked(struct core *core);

/* ---- peer_config.c ---- */

/* Why a running session cannot go on under the new settings; NULL when it can. */
const char *peer_reset_cause(const struct core *core, const struct config *old_config,
                             const struct peer *peer);

/* dual-as: the neighbour does not know us by the AS number tried last; the next attempt is made
 * with the other one. Nothing without dual-as. */
void peer_try_other_as(struct core *core, struct peer *peer);

/* A peer for a source inside a listen range; NULL when there is none or the limit is reached. */
struct peer *peer_new_dynamic(struct core *core, const struct ip_addr *addr);

/* What a neighbor made by the range would run with. */
void peer_range_settings(const struct config *config, const struct config_listen_range *range,
                         struct neighbor_settings *settings_out);

/* ---- peer_gates.c ---- */

/* Tells the listener which TTLs the neighbors and ranges of the new configuration have at least. */
void peer_gates_apply(struct core *core, const struct config *old_config);
void peer_gate_remove(struct core *core, const struct peer *peer);

/* The smallest tcp-mss of all neighbors of a family, 0 when none has one. */
uint32_t peer_listening_mss(const struct core *core, uint8_t family);

/* ---- session_start.c: starting, stopping, resetting ---- */

void session_init(struct core *core, struct peer *peer);
void session_fini(struct core *core, struct peer *peer);

/* Starts the machines that rest, unless the peer is down by configuration. */
void session_start(struct core *core, struct peer *peer);

/* Closes everything with a Cease of this subcode (0: without a word) and stays Idle. */
void session_stop(struct core *core, struct peer *peer, uint8_t cease_subcode, const char *message,
                  const char *reason);

/* The same, but starts again at once with a fresh idle hold time. */
void session_restart(struct core *core, struct peer *peer, uint8_t cease_subcode,
                     const char *message, const char *reason);

/* An attempt now for a machine that waits for its ConnectRetry or idle hold timer. */
void session_retry_now(struct core *core, struct peer *peer);

/* As session_retry_now where the peer has the same reason to begin at this moment: it may connect
 * at once, we do after SESSION_POLITE_MS, so that no two connections collide. */
void session_retry_soon(struct core *core, struct peer *peer);

/* How the idle hold time grows with a drop. */
enum session_back_off {
    BACK_OFF_STAYS, /* nobody's failure */
    BACK_OFF_SHORT, /* an orderly end: the peer may come back at once, and we wait for seconds only
                     */
    BACK_OFF_FULL,  /* a failure: up to SESSION_IDLE_HOLD_S_MAX */
};

/* What a drop is to the back-off whose NOTIFICATION, either way, said this. */
enum session_back_off session_back_off_of(const struct notification *notification);

/* After a drop: arms the idle hold timer, which governs our own attempts. The peer may connect
 * again meanwhile unless what failed was a session, for the fourth time or more in quick
 * succession. */
void session_schedule(struct core *core, struct peer *peer, enum session_back_off back_off,
                      bool was_established);
void session_run_pending_reset(struct core *core, struct peer *peer);

/* ---- session_fsm.c: carrying out the cells ---- */

struct fsm_input {
    enum fsm_event event;
    const struct notification *notification; /* to be sent, or received */
    const char *reason;                      /* for people; NULL: the event's name */
    bool is_path_lost;                       /* the way to the peer is gone, not the peer */
    const struct open_message *open;
    const struct message_view *message; /* an UPDATE or ROUTE-REFRESH */
};

void session_feed(struct core *core, struct session_conn *conn, const struct fsm_input *input);
void session_feed_event(struct core *core, struct session_conn *conn, enum fsm_event event);

/* peer->state from its machines; logs and counts what changed. */
void session_update_state(struct core *core, struct peer *peer);

/* ---- session_conn.c: connections and octets ---- */

struct session_conn *conn_find(const struct core *core, conn_id id);
void conn_attach(struct core *core, struct session_conn *conn, conn_id id);

/* Stops the timers, forgets buffers, and closes the connection when there is one. */
void conn_shut(struct core *core, struct session_conn *conn);

/* Whole messages only, as room allows; what finds none waits. */
void conn_send(struct core *core, struct session_conn *conn, const uint8_t *message, size_t size);
void conn_send_keepalive(struct core *core, struct session_conn *conn);
void conn_send_open(struct core *core, struct session_conn *conn);
void conn_send_notification(struct core *core, struct session_conn *conn,
                            const struct notification *notification);
void conn_receive(struct core *core, struct session_conn *conn, struct byte_view bytes);
bool conn_has_whole_message(const struct session_conn *conn);
void conn_take_room(struct core *core, struct session_conn *conn, uint32_t room_bytes);

/* True while more remains to be done. */
bool sessions_receive_work(struct core *core, uint32_t work_max);
bool sessions_send_work(struct core *core, uint32_t work_max);

/* ---- session_timers.c ---- */

void session_timers_init(struct session_conn *conn);
struct mono_span session_jitter(struct core *core, struct mono_span span);
void session_start_connect_retry(struct core *core, struct session_conn *conn);
void session_start_hold(struct core *core, struct session_conn *conn, uint32_t seconds);
void session_start_keepalive(struct core *core, struct session_conn *conn);
void session_check_send_hold(struct core *core, struct session_conn *conn, bool has_progress);

/* ---- session_message.c: one message in ---- */

void session_message(struct core *core, struct session_conn *conn,
                     const struct message_view *message);

/* ---- transport.c: where a session runs ---- */

/* Options of the peer's connections in both directions, but for the connection number. NULL when
 * all of them are known, else what is missing; the text lives in text_out or is static. */
const char *transport_setup(const struct core *core, const struct peer *peer,
                            struct conn_setup_action *setup_out, char text_out[OBSTACLE_BYTES]);

/* The lowest TTL a packet of the neighbor may have (RFC 5082); 0 when any will do. */
uint8_t transport_ttl_min(const struct neighbor_settings *settings);

/* NULL when a connection may be opened now, else what stands in the way. */
const char *transport_obstacle(const struct core *core, const struct peer *peer,
                               char text_out[OBSTACLE_BYTES]);

/* NULL when an incoming connection fits what is configured, else what does not. */
const char *transport_refusal(const struct core *core, const struct peer *peer,
                              const struct conn_event *event, char text_out[OBSTACLE_BYTES]);

/* The address a session with peer_addr is sourced from; IP_NONE when the kernel may choose or the
 * address is not there (yet). */
struct ip_addr transport_source(const struct core *core, const struct ip_addr *peer_addr,
                                const struct neighbor_settings *settings);

/* The interface the session to peer runs over when that is known: its tunnel's, its link-local
 * scope, or the directly connected one; else 0. */
uint32_t transport_ifindex(const struct core *core, const struct peer *peer);

/* ---- session_incoming.c ---- */

void session_incoming(struct core *core, const struct conn_event *event);

/* ---- peer_bfd.c ---- */

/* Makes, changes or removes the peer's BFD session as its settings want it. */
void peer_bfd_update(struct core *core, struct peer *peer);
void peer_bfd_remove(struct core *core, struct peer *peer);

/* Why BFD does not let a session come up now; NULL when it does. */
const char *peer_bfd_obstacle(const struct core *core, const struct peer *peer);

/* ---- session_log.c ---- */

/* True when one more is allowed now; *suppressed_out others were not in the window before. */
bool rate_limiter_admit(struct rate_limiter *limiter, struct mono_time now, struct mono_span window,
                        uint32_t count_max, uint32_t *suppressed_out);

/* A line about a peer, rate-limited. */
void session_log(struct core *core, struct peer *peer, enum log_event_kind kind,
                 enum log_severity severity, const char *format, ...) PRINTF_LIKE(5, 6);

#define NOTIFICATION_NAME_BYTES 128u

/* "Cease/Administrative Reset", "Hold Timer Expired", "Cease/Hard Reset, Cease/Peer Unconfigured";
 * returns text_out. */
const char *session_notification_name(const struct notification *notification,
                                      char text_out[NOTIFICATION_NAME_BYTES]);
void session_log_notification(struct core *core, struct session_conn *conn,
                              const struct notification *notification, bool is_sent);

#endif
