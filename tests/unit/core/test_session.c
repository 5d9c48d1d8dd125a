/* Sessions through the public boundary: coming up, every wrong message in every state, collisions,
 * incoming connections. */
#include <errno.h>

#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define PEER                  "10.0.0.2"
#define PEER_ID               0x0a000002u
#define PEER_ASN              65002u
#define OPENED(code, subcode) ((code) << 8 | (subcode))

static struct rig *rig_with_peer(void)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN);
    rig_configure(rig, config);
    return rig;
}

/* ---- Coming up ---- */

START_TEST(active_session_comes_up_step_by_step)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_ours(rig);
    ck_assert_ptr_nonnull(conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_CONNECT);
    ck_assert_int_eq(conn->setup.port, 179);
    ck_assert_int_eq(conn->setup.ttl, 1);
    ck_assert_int_eq(rig->listening[0], 179);
    ck_assert_int_eq(rig->listening[1], 0);
    rig_opened(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_SENT);
    uint8_t body[4096];
    size_t size;
    enum message_type type;
    struct open_message ours;
    ck_assert(rig_next(conn, &type, body, &size));
    ck_assert_int_eq(type, MESSAGE_OPEN);
    ck_assert_int_eq(open_decode((struct byte_view){body, size}, &ours).disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(ours.asn, 65001);
    ck_assert_uint_eq(ours.hold_time_s, 180);
    ck_assert_uint_eq(ours.router_id, 0x0a000001);
    ck_assert(ours.capabilities.as4 && ours.capabilities.route_refresh);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    rig_say_open(rig, conn, &open);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_CONFIRM);
    rig_expect(conn, MESSAGE_KEEPALIVE);
    rig_say_keepalive(rig, conn);
    struct snapshot_peer peer = rig_peer(rig, PEER);
    ck_assert_int_eq(peer.state, PEER_ESTABLISHED);
    ck_assert_uint_eq(peer.hold_time_s, 90);
    ck_assert_uint_eq(peer.keepalive_s, 30);
    ck_assert_uint_eq(peer.remote_asn, PEER_ASN);
    ck_assert_uint_eq(peer.established_count, 1);
    ck_assert_str_eq(peer.why_not, "");
    ck_assert(rig_logged(rig, LOG_PEER_UP, "AS 65002 is up"));
    rig_free(rig);
}
END_TEST

START_TEST(session_comes_up_whatever_the_segmentation)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    uint8_t bytes[512];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    open_encode(&writer, &open);
    keepalive_encode(&writer);
    for (size_t i = 0; i < writer_size(&writer); i++) {
        rig_say(rig, conn, bytes + i, 1);
    }
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(incoming_session_comes_up_and_our_own_attempt_ends)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *ours = rig_ours(rig);
    struct rig_conn *theirs = rig_incoming(rig, PEER);
    ck_assert(theirs->is_accepted);
    ck_assert_int_eq(theirs->setup.ttl, 1);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    rig_expect(theirs, MESSAGE_OPEN);
    rig_say_open(rig, theirs, &open);
    rig_say_keepalive(rig, theirs);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    ck_assert(ours->is_closed);
    ck_assert(!theirs->is_closed);
    rig_free(rig);
}
END_TEST

START_TEST(passive_neighbor_is_never_dialled)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->passive = (struct opt_bool){true, true};
    rig_configure(rig, config);
    rig_wait_ms(rig, 100000);
    ck_assert_int_eq(rig->conn_count, 0);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ACTIVE);
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_SENT);
    rig_free(rig);
}
END_TEST

START_TEST(open_goes_out_when_room_comes_late)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_ours(rig);
    struct core_event event = {.kind = EVENT_CONN_OPENED};
    event.conn.conn = conn->id;
    event.conn.local_addr = rig_addr("10.0.0.1");
    rig_feed(rig, &event);
    ck_assert_uint_eq(conn->size, 0);
    rig_room(rig, conn, 10); /* not enough for a whole message */
    ck_assert_uint_eq(conn->size, 0);
    rig_room(rig, conn, 1000);
    rig_expect(conn, MESSAGE_OPEN);
    rig_free(rig);
}
END_TEST

/* ---- Connecting ---- */

START_TEST(refused_connect_is_tried_again_with_jitter)
{
    struct rig *rig = rig_with_peer();
    int64_t waits_ms[20];
    for (int i = 0; i < 20; i++) {
        struct rig_conn *conn = rig_ours(rig);
        ck_assert_ptr_nonnull(conn);
        rig_failed(rig, conn, ECONNREFUSED);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ACTIVE);
        ck_assert(strstr(rig_peer(rig, PEER).why_not, "refused") != NULL);
        struct mono_time start = rig->now;
        while (rig_ours(rig) == NULL) {
            rig_wait_ms(rig, 10);
        }
        waits_ms[i] = mono_span_to_ms(mono_between(start, rig->now));
        ck_assert_int_ge(waits_ms[i], 7490);
        ck_assert_int_le(waits_ms[i], 10010);
    }
    bool differs = false;
    for (int i = 1; i < 20; i++) {
        differs = differs || waits_ms[i] != waits_ms[0];
    }
    ck_assert(differs);
    rig_free(rig);
}
END_TEST

START_TEST(unanswered_connect_is_given_up_and_made_again)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *first = rig_ours(rig);
    rig_wait_ms(rig, 10001);
    ck_assert(first->is_closed);
    ck_assert_ptr_nonnull(rig_ours(rig));
    ck_assert_int_eq(rig_state(rig, PEER), PEER_CONNECT);
    rig_free(rig);
}
END_TEST

START_TEST(connection_lost_before_open_waits_for_the_next_attempt)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    rig_closed(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ACTIVE);
    rig_wait_ms(rig, 10001);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_CONNECT);
    rig_free(rig);
}
END_TEST

/* ---- Wrong messages, each in each state over a live connection ---- */

enum said {
    SAY_OPEN,
    SAY_KEEPALIVE,
    SAY_UPDATE,
    SAY_REFRESH,
    SAY_NOTIFICATION,
    SAY_BAD_HEADER,
    SAID_COUNT,
};

static void say(struct rig *rig, struct rig_conn *conn, enum said what)
{
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    switch (what) {
    case SAY_OPEN:
        rig_say_open(rig, conn, &open);
        break;
    case SAY_KEEPALIVE:
        rig_say_keepalive(rig, conn);
        break;
    case SAY_UPDATE:
        rig_say_update(rig, conn);
        break;
    case SAY_REFRESH:
        rig_say_refresh(rig, conn);
        break;
    case SAY_NOTIFICATION:
        rig_say_notification(rig, conn, NOTIFICATION_CEASE, CEASE_ADMIN_RESET);
        break;
    case SAY_BAD_HEADER:
        rig_say_bad_header(rig, conn);
        break;
    case SAID_COUNT:
        break;
    }
}

START_TEST(each_message_in_each_state_gets_the_answer_of_the_rfc)
{
    static const struct {
        enum peer_state state;
        enum peer_state after;
        int answer; /* code << 8 | subcode; 0: none */
    } rows[3][SAID_COUNT] = {
        {
            [SAY_OPEN] = {PEER_OPEN_SENT, PEER_OPEN_CONFIRM, 0},
            [SAY_KEEPALIVE] = {PEER_OPEN_SENT, PEER_IDLE, OPENED(5, 1)},
            [SAY_UPDATE] = {PEER_OPEN_SENT, PEER_IDLE, OPENED(5, 1)},
            [SAY_REFRESH] = {PEER_OPEN_SENT, PEER_IDLE, OPENED(5, 1)},
            [SAY_NOTIFICATION] = {PEER_OPEN_SENT, PEER_IDLE, 0},
            [SAY_BAD_HEADER] = {PEER_OPEN_SENT, PEER_IDLE, OPENED(1, 2)},
        },
        {
            [SAY_OPEN] = {PEER_OPEN_CONFIRM, PEER_IDLE, OPENED(5, 2)},
            [SAY_KEEPALIVE] = {PEER_OPEN_CONFIRM, PEER_ESTABLISHED, 0},
            [SAY_UPDATE] = {PEER_OPEN_CONFIRM, PEER_IDLE, OPENED(5, 2)},
            [SAY_REFRESH] = {PEER_OPEN_CONFIRM, PEER_IDLE, OPENED(5, 2)},
            [SAY_NOTIFICATION] = {PEER_OPEN_CONFIRM, PEER_IDLE, 0},
            [SAY_BAD_HEADER] = {PEER_OPEN_CONFIRM, PEER_IDLE, OPENED(1, 2)},
        },
        {
            [SAY_OPEN] = {PEER_ESTABLISHED, PEER_IDLE, OPENED(5, 3)},
            [SAY_KEEPALIVE] = {PEER_ESTABLISHED, PEER_ESTABLISHED, 0},
            [SAY_UPDATE] = {PEER_ESTABLISHED, PEER_ESTABLISHED, 0},
            [SAY_REFRESH] = {PEER_ESTABLISHED, PEER_ESTABLISHED, 0},
            [SAY_NOTIFICATION] = {PEER_ESTABLISHED, PEER_IDLE, 0},
            [SAY_BAD_HEADER] = {PEER_ESTABLISHED, PEER_IDLE, OPENED(1, 2)},
        },
    };
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < SAID_COUNT; j++) {
            struct rig *rig = rig_with_peer();
            struct rig_conn *conn = rig_ours(rig);
            rig_opened(rig, conn);
            if (i >= 1) {
                say(rig, conn, SAY_OPEN);
            }
            if (i >= 2) {
                say(rig, conn, SAY_KEEPALIVE);
            }
            ck_assert_int_eq(rig_state(rig, PEER), rows[i][j].state);
            say(rig, conn, (enum said)j);
            ck_assert_msg(rig_state(rig, PEER) == rows[i][j].after, "state row %d, message %d", i,
                          j);
            ck_assert_msg(rig_notification(conn) == rows[i][j].answer, "row %d, message %d", i, j);
            ck_assert_int_eq(conn->is_closed, rows[i][j].after == PEER_IDLE);
            /* And whatever went wrong, the next session is a good one. */
            if (rows[i][j].after == PEER_IDLE) {
                rig_wait_ms(rig, 1001);
                rig_establish(rig, PEER, PEER_ASN);
            }
            rig_free(rig);
        }
    }
}
END_TEST

START_TEST(nothing_is_answered_to_a_broken_notification)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_count(conn, MESSAGE_OPEN);
    rig_say_notification(rig, conn, 99, 77);
    ck_assert(conn->is_closed);
    ck_assert_int_eq(rig_notification(conn), 0);
    rig_free(rig);
}
END_TEST

/* ---- OPEN ---- */

static int answer_to_open(struct config *config, const struct open_message *open)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config);
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    rig_say_open(rig, conn, open);
    bool is_refused = conn->is_closed;
    int answer = rig_notification(conn);
    ck_assert_int_eq(is_refused, answer != 0);
    rig_free(rig);
    return answer;
}

static struct config *config_with_peer(uint32_t asn)
{
    struct config *config = rig_config();
    rig_neighbor(config, PEER, asn);
    return config;
}

static struct config *config_with_kind(enum remote_as_kind kind)
{
    struct config *config = rig_config();
    rig_neighbor(config, PEER, 0)->remote_as_kind = (uint8_t)kind;
    return config;
}

START_TEST(open_with_the_wrong_as_is_refused)
{
    struct open_message open = rig_open(65003, PEER_ID);
    ck_assert_int_eq(answer_to_open(config_with_peer(PEER_ASN), &open), OPENED(2, 2));
    ck_assert_int_eq(answer_to_open(config_with_kind(REMOTE_AS_INTERNAL), &open), OPENED(2, 2));
    ck_assert_int_eq(answer_to_open(config_with_kind(REMOTE_AS_EXTERNAL), &open), 0);
    open = rig_open(65001, PEER_ID);
    ck_assert_int_eq(answer_to_open(config_with_kind(REMOTE_AS_EXTERNAL), &open), OPENED(2, 2));
    ck_assert_int_eq(answer_to_open(config_with_kind(REMOTE_AS_INTERNAL), &open), 0);
    open = rig_open(4200000000u, PEER_ID);
    ck_assert_int_eq(answer_to_open(config_with_peer(4200000000u), &open), 0);
}
END_TEST

START_TEST(our_own_router_id_is_refused_inside_the_as_only)
{
    struct open_message open = rig_open(65001, 0x0a000001);
    ck_assert_int_eq(answer_to_open(config_with_peer(65001), &open), OPENED(2, 3));
    open = rig_open(PEER_ASN, 0x0a000001);
    ck_assert_int_eq(answer_to_open(config_with_peer(PEER_ASN), &open), 0);
}
END_TEST

START_TEST(hold_time_below_our_minimum_is_refused)
{
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    struct config *config = config_with_peer(PEER_ASN);
    config->bgp.minimum_hold_time_s = (struct opt_u32){true, 20};
    open.hold_time_s = 19;
    ck_assert_int_eq(answer_to_open(config, &open), OPENED(2, 6));
    config = config_with_peer(PEER_ASN);
    config->bgp.minimum_hold_time_s = (struct opt_u32){true, 20};
    open.hold_time_s = 20;
    ck_assert_int_eq(answer_to_open(config, &open), 0);
    open.hold_time_s = 2;
    ck_assert_int_eq(answer_to_open(config_with_peer(PEER_ASN), &open), OPENED(2, 6));
    open.hold_time_s = 0;
    ck_assert_int_eq(answer_to_open(config_with_peer(PEER_ASN), &open), 0);
}
END_TEST

START_TEST(no_family_in_common_is_refused_with_the_list_of_ours)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    open.capabilities.families = AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST);
    rig_opened(rig, conn);
    rig_expect(conn, MESSAGE_OPEN);
    rig_say_open(rig, conn, &open);
    uint8_t body[4096];
    size_t size;
    enum message_type type;
    ck_assert(rig_next(conn, &type, body, &size));
    static const uint8_t wanted[] = {2, 7, 1, 4, 0, 1, 0, 1};
    ck_assert_int_eq(type, MESSAGE_NOTIFICATION);
    ck_assert_uint_eq(size, sizeof wanted);
    ck_assert_mem_eq(body, wanted, sizeof wanted);
    rig_free(rig);
}
END_TEST

START_TEST(peer_without_any_capability_speaks_ipv4)
{
    struct open_message open = {
        .asn = PEER_ASN, .hold_time_s = 90, .router_id = PEER_ID, .capabilities = {.role = 255}};
    ck_assert_int_eq(answer_to_open(config_with_peer(PEER_ASN), &open), 0);
}
END_TEST

/* RFC 9234 4.2: which role of ours accepts which role of theirs. */
START_TEST(roles_must_fit)
{
    static const bool fits[5][5] = {
        [BGP_ROLE_PROVIDER] = {[BGP_ROLE_CUSTOMER] = true},
        [BGP_ROLE_CUSTOMER] = {[BGP_ROLE_PROVIDER] = true},
        [BGP_ROLE_RS] = {[BGP_ROLE_RS_CLIENT] = true},
        [BGP_ROLE_RS_CLIENT] = {[BGP_ROLE_RS] = true},
        [BGP_ROLE_PEER] = {[BGP_ROLE_PEER] = true},
    };
    for (uint32_t ours = 0; ours < 5; ours++) {
        for (uint32_t theirs = 0; theirs < 5; theirs++) {
            struct config *config = rig_config();
            rig_neighbor(config, PEER, PEER_ASN)->role = (struct opt_u32){true, ours};
            struct open_message open = rig_open(PEER_ASN, PEER_ID);
            open.capabilities.role = (uint8_t)theirs;
            ck_assert_int_eq(answer_to_open(config, &open), fits[ours][theirs] ? 0 : OPENED(2, 11));
        }
    }
}
END_TEST

START_TEST(a_missing_role_matters_in_strict_mode_only)
{
    for (int strict = 0; strict < 2; strict++) {
        struct config *config = rig_config();
        struct config_neighbor *neighbor = rig_neighbor(config, PEER, PEER_ASN);
        neighbor->role = (struct opt_u32){true, BGP_ROLE_CUSTOMER};
        neighbor->role_strict = (struct opt_bool){true, strict == 1};
        struct open_message open = rig_open(PEER_ASN, PEER_ID);
        ck_assert_int_eq(answer_to_open(config, &open), strict == 1 ? OPENED(2, 11) : 0);
    }
}
END_TEST

/* ---- Collisions ---- */

/* Both connections get as far as OpenSent; then the peer's OPEN arrives on the first of them. */
static void collide_in_open_sent(uint32_t their_id, bool ours_first, bool ours_stays)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *ours = rig_ours(rig);
    rig_opened(rig, ours);
    struct rig_conn *theirs = rig_incoming(rig, PEER);
    ck_assert(theirs->is_accepted);
    struct open_message open = rig_open(PEER_ASN, their_id);
    struct rig_conn *loser = ours_stays ? theirs : ours;
    struct rig_conn *winner = ours_stays ? ours : theirs;
    rig_say_open(rig, ours_first ? ours : theirs, &open);
    ck_assert(loser->is_closed && !winner->is_closed);
    ck_assert_int_eq(rig_notification(loser), OPENED(6, 7));
    if (winner != (ours_first ? ours : theirs)) {
        rig_say_open(rig, winner, &open);
    }
    rig_say_keepalive(rig, winner);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    ck_assert_int_eq(rig_notification(winner), 0);
    rig_free(rig);
}

/* The first connection is in OpenConfirm already when the second comes up. */
static void collide_in_open_confirm(uint32_t their_id, bool ours_stays)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *ours = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN, their_id);
    rig_opened(rig, ours);
    rig_say_open(rig, ours, &open);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_OPEN_CONFIRM);
    struct rig_conn *theirs = rig_incoming(rig, PEER);
    ck_assert(theirs->is_accepted);
    rig_say_open(rig, theirs, &open);
    ck_assert_int_eq(ours->is_closed, !ours_stays);
    ck_assert_int_eq(theirs->is_closed, ours_stays);
    ck_assert_int_eq(rig_notification(ours_stays ? theirs : ours), OPENED(6, 7));
    rig_say_keepalive(rig, ours_stays ? ours : theirs);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}

static void collide(uint32_t their_id, bool ours_stays)
{
    collide_in_open_sent(their_id, true, ours_stays);
    collide_in_open_sent(their_id, false, ours_stays);
    collide_in_open_confirm(their_id, ours_stays);
}

START_TEST(collision_keeps_the_connection_of_the_higher_identifier)
{
    collide(0x0a000002, false); /* theirs is higher */
    collide(0x09000002, true);
}
END_TEST

START_TEST(collision_of_equal_identifiers_is_settled_by_as)
{
    collide(0x0a000001, false); /* 65002 is above 65001 (RFC 6286 2.3) */
}
END_TEST

/* The one that was to stay ends before it has said anything: nobody else would call the peer. */
START_TEST(after_a_collision_the_peer_is_called_again_when_the_other_connection_ends)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *ours = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN, 0x0a000002);
    rig_opened(rig, ours);
    struct rig_conn *theirs = rig_incoming(rig, PEER);
    rig_say_open(rig, ours, &open);
    ck_assert(ours->is_closed && !theirs->is_closed);
    rig_closed(rig, theirs);
    ck_assert(theirs->is_closed);
    rig_wait_ms(rig, 10000);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

START_TEST(established_session_survives_another_connection)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *ours = rig_establish(rig, PEER, PEER_ASN);
    struct rig_conn *theirs = rig_incoming(rig, PEER);
    ck_assert(theirs->is_closed && !theirs->is_accepted);
    ck_assert_int_eq(rig_notification(theirs), OPENED(6, 7));
    ck_assert(!ours->is_closed);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(newer_incoming_connection_replaces_a_silent_one)
{
    struct rig *rig = rig_with_peer();
    struct rig_conn *first = rig_incoming(rig, PEER);
    struct rig_conn *second = rig_incoming(rig, PEER);
    ck_assert(first->is_closed);
    ck_assert(second->is_accepted && !second->is_closed);
    rig_free(rig);
}
END_TEST

/* ---- What becomes of routes ---- */

enum ending {
    END_TCP,
    END_NOTIFICATION,
    END_CLEAR,
    END_BAD_HEADER,
    ENDING_COUNT,
};

/* The peer's routes that are left after a session came to this end. */
static uint32_t routes_after(enum ending ending, bool has_restart)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    struct ip_addr all = {.family = IP_NONE};
    config->bgp.graceful_restart = (struct opt_bool){true, has_restart};
    rig_neighbor(config, PEER, PEER_ASN);
    rig_configure(rig, config);
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    open.capabilities.graceful_restart = has_restart;
    open.capabilities.restart_time_s = 120;
    open.capabilities.gr_families = has_restart ? AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST) : 0;
    rig_opened(rig, conn);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    rig_say_route(rig, conn, PEER_ASN, "192.0.2.0/24");
    ck_assert_uint_eq(rig_peer(rig, PEER).families[0].received, 1);
    switch (ending) {
    case END_TCP:
        rig_closed(rig, conn);
        break;
    case END_NOTIFICATION:
        rig_say_notification(rig, conn, NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN);
        break;
    case END_CLEAR:
        core_clear(rig->core, rig->now, &all, 0, CLEAR_HARD, NULL);
        rig_settle(rig);
        break;
    case END_BAD_HEADER:
        rig_say_bad_header(rig, conn);
        break;
    case ENDING_COUNT:
        break;
    }
    uint32_t left = rig_peer(rig, PEER).families[0].received;
    rig_free(rig);
    return left;
}

START_TEST(routes_outlive_only_a_broken_connection_and_only_when_agreed)
{
    for (int ending = 0; ending < ENDING_COUNT; ending++) {
        ck_assert_uint_eq(routes_after((enum ending)ending, false), 0);
        ck_assert_msg(routes_after((enum ending)ending, true) == (ending == END_TCP ? 1 : 0),
                      "ending %d", ending);
    }
}
END_TEST

/* ---- Strangers ---- */

/* RFC 4486 4: 6/5, as long as there are few of them. */
START_TEST(strangers_are_refused_with_few_words)
{
    struct rig *rig = rig_with_peer();
    int before = rig->log_count;
    int told = 0;
    for (int i = 0; i < 40; i++) {
        struct rig_conn *conn = rig_incoming(rig, "10.0.0.99");
        ck_assert(conn->is_closed && !conn->is_accepted);
        int answer = rig_notification(conn);
        ck_assert(answer == 0 || answer == OPENED(6, 5));
        told += answer != 0 ? 1 : 0;
    }
    ck_assert_int_eq(told, 10);
    ck_assert_int_eq(rig->log_count - before, 10);
    rig_free(rig);
}
END_TEST

START_TEST(connections_per_source_are_limited)
{
    struct core_limits limits = {.connections_per_source_max = 4};
    struct rig *rig = rig_new_with(&limits, 1);
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN);
    rig_configure(rig, config);
    int accepted = 0;
    for (int i = 0; i < 20; i++) {
        struct rig_conn *conn = rig_incoming(rig, PEER);
        accepted += conn->is_accepted ? 1 : 0;
        ck_assert(conn->is_accepted || conn->size == 0); /* no word to a flood */
    }
    ck_assert_int_eq(accepted, 4);
    rig_wait_ms(rig, 1100);
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    rig_free(rig);
}
END_TEST

START_TEST(a_peer_whose_open_was_wrong_may_come_back_at_once)
{
    struct rig *rig = rig_with_peer();
    struct open_message wrong = rig_open(PEER_ASN + 1, PEER_ID);
    struct open_message right = rig_open(PEER_ASN, PEER_ID);
    rig_failed(rig, rig_ours(rig), ECONNREFUSED);
    for (int i = 0; i < 10; i++) {
        struct rig_conn *conn = rig_incoming(rig, PEER);
        ck_assert(conn->is_accepted);
        rig_say_open(rig, conn, &wrong);
        ck_assert_int_eq(rig_notification(conn), OPENED(2, 2));
        ck_assert_ptr_null(rig_ours(rig)); /* but we do not dial */
    }
    struct rig_conn *conn = rig_incoming(rig, PEER);
    rig_say_open(rig, conn, &right);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(a_flapping_peer_is_refused_from_the_fourth_time_on)
{
    struct rig *rig = rig_with_peer();
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    for (int i = 0; i < 4; i++) {
        struct rig_conn *conn = rig_incoming(rig, PEER);
        ck_assert_msg(conn->is_accepted, "time %d", i);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
        rig_closed(rig, conn);
    }
    struct rig_conn *refused = rig_incoming(rig, PEER);
    ck_assert(refused->is_closed && !refused->is_accepted);
    ck_assert_int_eq(rig_notification(refused), OPENED(6, 5));
    rig_wait_ms(rig, 8001);
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    rig_free(rig);
}
END_TEST

/* RFC 4486 and 9384: what somebody wanted, and a line that BFD saw end, are no oscillation. */
START_TEST(a_peer_that_ends_in_good_order_may_come_back_every_time)
{
    static const uint8_t orderly[] = {2, 3, 4, 6, 10};
    struct rig *rig = rig_with_peer();
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    for (size_t i = 0; i < 3 * sizeof orderly; i++) {
        struct rig_conn *conn = rig_incoming(rig, PEER);
        ck_assert_msg(conn->is_accepted, "time %zu", i);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
        rig_say_notification(rig, conn, 6, orderly[i % sizeof orderly]);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_IDLE);
        rig_wait_ms(rig, 100); /* connections a second are limited all the same */
    }
    struct rig_conn *broken = rig_incoming(rig, PEER);
    rig_say_open(rig, broken, &open);
    rig_say_keepalive(rig, broken);
    rig_closed(rig, broken);
    ck_assert(rig_incoming(rig, PEER)->is_accepted); /* nor is one failure after them */
    rig_free(rig);
}
END_TEST

/* Nor do failures before make somebody wait who ends in good order. */
START_TEST(an_orderly_end_after_failures_is_no_failure)
{
    struct rig *rig = rig_with_peer();
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    for (int i = 0; i < 5; i++) {
        rig_wait_ms(rig, 16001);
        struct rig_conn *conn = rig_incoming(rig, PEER);
        ck_assert_msg(conn->is_accepted, "time %d", i);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
        if (i < 4) {
            rig_closed(rig, conn);
        } else {
            rig_say_notification(rig, conn, 6, CEASE_ADMIN_SHUTDOWN);
        }
    }
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    rig_free(rig);
}
END_TEST

START_TEST(a_neighbor_shut_down_is_refused)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    struct config_neighbor *neighbor = rig_neighbor(config, PEER, PEER_ASN);
    neighbor->shutdown = (struct opt_bool){true, true};
    neighbor->shutdown_message = "moved away";
    rig_configure(rig, config);
    ck_assert_int_eq(rig->listening[0], 0);
    struct rig_conn *conn = rig_incoming(rig, PEER);
    ck_assert(conn->is_closed && !conn->is_accepted);
    ck_assert_int_eq(rig_notification(conn), OPENED(6, 5));
    ck_assert(rig_peer(rig, PEER).is_admin_down);
    ck_assert_str_eq(rig_peer(rig, PEER).why_not, "shut down by configuration: moved away");
    rig_wait_ms(rig, 60000);
    ck_assert_ptr_null(rig_ours(rig));
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("session");
    tcase_add_test(tcase, active_session_comes_up_step_by_step);
    tcase_add_test(tcase, session_comes_up_whatever_the_segmentation);
    tcase_add_test(tcase, incoming_session_comes_up_and_our_own_attempt_ends);
    tcase_add_test(tcase, passive_neighbor_is_never_dialled);
    tcase_add_test(tcase, open_goes_out_when_room_comes_late);
    tcase_add_test(tcase, refused_connect_is_tried_again_with_jitter);
    tcase_add_test(tcase, unanswered_connect_is_given_up_and_made_again);
    tcase_add_test(tcase, connection_lost_before_open_waits_for_the_next_attempt);
    tcase_add_test(tcase, each_message_in_each_state_gets_the_answer_of_the_rfc);
    tcase_add_test(tcase, nothing_is_answered_to_a_broken_notification);
    tcase_add_test(tcase, open_with_the_wrong_as_is_refused);
    tcase_add_test(tcase, our_own_router_id_is_refused_inside_the_as_only);
    tcase_add_test(tcase, hold_time_below_our_minimum_is_refused);
    tcase_add_test(tcase, no_family_in_common_is_refused_with_the_list_of_ours);
    tcase_add_test(tcase, peer_without_any_capability_speaks_ipv4);
    tcase_add_test(tcase, roles_must_fit);
    tcase_add_test(tcase, a_missing_role_matters_in_strict_mode_only);
    tcase_add_test(tcase, collision_keeps_the_connection_of_the_higher_identifier);
    tcase_add_test(tcase, collision_of_equal_identifiers_is_settled_by_as);
    tcase_add_test(tcase,
                   after_a_collision_the_peer_is_called_again_when_the_other_connection_ends);
    tcase_add_test(tcase, established_session_survives_another_connection);
    tcase_add_test(tcase, newer_incoming_connection_replaces_a_silent_one);
    tcase_add_test(tcase, routes_outlive_only_a_broken_connection_and_only_when_agreed);
    tcase_add_test(tcase, strangers_are_refused_with_few_words);
    tcase_add_test(tcase, connections_per_source_are_limited);
    tcase_add_test(tcase, a_peer_whose_open_was_wrong_may_come_back_at_once);
    tcase_add_test(tcase, a_flapping_peer_is_refused_from_the_fourth_time_on);
    tcase_add_test(tcase, a_peer_that_ends_in_good_order_may_come_back_every_time);
    tcase_add_test(tcase, an_orderly_end_after_failures_is_no_failure);
    tcase_add_test(tcase, a_neighbor_shut_down_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
