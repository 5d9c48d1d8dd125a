/* Messages of a session that needs no policy: their size, the texts of a shutdown, limits per turn.
 */
#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define PEER     "10.0.0.2"
#define PEER_ASN 65002u
#define PEER_ID  0x0a000002u

/* An established session; each side announces extended messages or does not. */
static struct rig *rig_with_sizes(bool ours, bool theirs, struct rig_conn **conn_out)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->extended_message = (struct opt_bool){true, ours};
    rig_configure(rig, config);
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    struct open_message open = rig_open(PEER_ASN, PEER_ID);
    open.capabilities.extended_message = theirs;
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_count(conn, MESSAGE_OPEN);
    *conn_out = conn;
    return rig;
}

/* An UPDATE of exactly size octets that withdraws 10.0.0.0/8 again and again. */
static void rig_say_long_update(struct rig *rig, struct rig_conn *conn, size_t size)
{
    static uint8_t bytes[BGP_EXTENDED_MESSAGE_BYTES_MAX];
    struct writer writer = writer_of(bytes, sizeof bytes);
    size_t rest = size - BGP_HEADER_BYTES - 4;
    message_begin(&writer, MESSAGE_UPDATE);
    writer_u16(&writer, (uint16_t)rest);
    for (size_t at = 0; at < rest; at += at + 2 <= rest ? 2 : 1) {
        writer_u8(&writer, at + 2 <= rest ? 8 : 0);
        if (at + 2 <= rest) {
            writer_u8(&writer, 10);
        }
    }
    writer_u16(&writer, 0);
    message_end(&writer, 0);
    ck_assert_uint_eq(writer_size(&writer), size);
    rig_say(rig, conn, bytes, size);
}

/* RFC 8654 4: whoever announced the capability takes long messages, whatever the other side said.
 */
START_TEST(long_messages_are_taken_when_we_said_so)
{
    static const size_t sizes[] = {4096, 4097, 30000, 65535};
    for (int i = 0; i < 4; i++) {
        for (int ours = 0; ours < 2; ours++) {
            for (int theirs = 0; theirs < 2; theirs++) {
                struct rig_conn *conn;
                struct rig *rig = rig_with_sizes(ours != 0, theirs != 0, &conn);
                rig_say_long_update(rig, conn, sizes[i]);
                bool fits = sizes[i] <= 4096 || ours != 0;
                ck_assert_int_eq(rig_state(rig, PEER), fits ? PEER_ESTABLISHED : PEER_IDLE);
                ck_assert_int_eq(rig_notification(conn), fits ? 0 : 0x0102);
                rig_free(rig);
            }
        }
    }
}
END_TEST

START_TEST(an_open_is_never_long)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN);
    rig_configure(rig, config);
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    rig_say_long_update(rig, conn, 4097); /* before any OPEN nothing was announced */
    ck_assert_int_eq(rig_notification(conn), 0x0102);
    rig_free(rig);
}
END_TEST

/* ---- RFC 9003 ---- */

static void rig_say_shutdown(struct rig *rig, struct rig_conn *conn, uint8_t subcode,
                             const char *text)
{
    uint8_t data[256];
    uint8_t bytes[512];
    struct writer writer = writer_of(data, sizeof data);
    shutdown_message_write(&writer, text);
    struct notification notification = {NOTIFICATION_CEASE, subcode, {data, writer_size(&writer)}};
    writer = writer_of(bytes, sizeof bytes);
    notification_encode(&writer, &notification);
    rig_say(rig, conn, bytes, writer_size(&writer));
}

START_TEST(a_shutdown_message_is_logged_and_shown)
{
    static const uint8_t subcodes[] = {CEASE_ADMIN_SHUTDOWN, CEASE_ADMIN_RESET};
    for (int i = 0; i < 2; i++) {
        struct rig_conn *conn;
        struct rig *rig = rig_with_sizes(true, true, &conn);
        rig_say_shutdown(rig, conn, subcodes[i], "back at noon, ticket 42");
        ck_assert(rig_logged(rig, LOG_PEER_ERROR, "\"back at noon, ticket 42\""));
        ck_assert_ptr_nonnull(
            strstr(rig_peer(rig, PEER).last_reset_reason, "\"back at noon, ticket 42\""));
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_long_shutdown_message_is_shown_as_far_as_there_is_room)
{
    char text[256];
    memset(text, 'x', 255);
    text[255] = 0;
    struct rig_conn *conn;
    struct rig *rig = rig_with_sizes(true, true, &conn);
    rig_say_shutdown(rig, conn, CEASE_ADMIN_SHUTDOWN, text);
    ck_assert_ptr_nonnull(strstr(rig_peer(rig, PEER).last_reset_reason, "\"xxxxx"));
    rig_free(rig);
}
END_TEST

START_TEST(a_reset_by_the_operator_carries_his_message)
{
    struct rig_conn *conn;
    struct rig *rig = rig_with_sizes(true, true, &conn);
    struct ip_addr peer = rig_addr(PEER);
    core_clear(rig->core, rig->now, &peer, 0, CLEAR_HARD, "new cables");
    rig_settle(rig);
    enum message_type type;
    uint8_t body[300];
    size_t size = 0;
    ck_assert(rig_next(conn, &type, body, &size));
    ck_assert_int_eq(type, MESSAGE_NOTIFICATION);
    ck_assert_uint_eq(size, 3 + strlen("new cables"));
    ck_assert_uint_eq(body[0], NOTIFICATION_CEASE);
    ck_assert_uint_eq(body[1], CEASE_ADMIN_RESET);
    ck_assert_uint_eq(body[2], strlen("new cables"));
    ck_assert_int_eq(memcmp(body + 3, "new cables", strlen("new cables")), 0);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("session_messages");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, long_messages_are_taken_when_we_said_so);
    tcase_add_test(tcase, an_open_is_never_long);
    tcase_add_test(tcase, a_shutdown_message_is_logged_and_shown);
    tcase_add_test(tcase, a_long_shutdown_message_is_shown_as_far_as_there_is_room);
    tcase_add_test(tcase, a_reset_by_the_operator_carries_his_message);
    suite_add_tcase(suite, tcase);
    return suite;
}
