/* RFC 8538: routes kept after a NOTIFICATION, and hard resets that end them. */
#include "tests/unit/core/restart_rig.h"
#include "tests/unit/unit.h"

#define CEASE(subcode) (NOTIFICATION_CEASE << 8 | (subcode))

static struct rig *agreed(bool is_theirs, struct rig_conn **conn_out, struct capabilities *ours_out)
{
    struct rig *rig = rig_new();
    struct open_message open = restart_open(PEER, PEER_ASN);
    open.capabilities.restart_notification = is_theirs;
    open.hold_time_s = 90;
    rig_configure(rig, restart_config());
    *conn_out = rig_up(rig, PEER, &open, ours_out);
    rig_say_route(rig, *conn_out, PEER_ASN, NET);
    rig_say_update(rig, *conn_out);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    return rig;
}

/* Routes left after the peer said this. */
static uint32_t left_after(bool is_theirs, uint8_t code, uint8_t subcode)
{
    struct rig_conn *conn;
    struct rig *rig = agreed(is_theirs, &conn, NULL);
    rig_say_notification(rig, conn, code, subcode);
    ck_assert(conn->is_closed);
    uint32_t left = rig_routes(rig, PEER);
    rig_free(rig);
    return left;
}

/* The NOTIFICATION sent, with its data. */
static struct notification sent_notification(struct rig_conn *conn, uint8_t data[4096])
{
    struct notification notification = {0};
    enum message_type type;
    uint8_t body[65535];
    size_t size;
    while (rig_next(conn, &type, body, &size)) {
        if (type == MESSAGE_NOTIFICATION) {
            memcpy(data, body, size);
            ck_assert_int_eq(
                notification_decode((struct byte_view){data, size}, &notification).disposition,
                WIRE_ACCEPT);
        }
    }
    return notification;
}

START_TEST(the_n_bit_is_said_unless_told_otherwise)
{
    struct rig_conn *conn;
    struct capabilities ours;
    struct rig *rig = agreed(true, &conn, &ours);
    ck_assert(ours.restart_notification);
    rig_free(rig);
    rig = rig_new();
    struct config *config = restart_config();
    struct open_message open = restart_open(PEER, PEER_ASN);
    config->bgp.gr_notification = (struct opt_bool){true, false};
    rig_configure(rig, config);
    rig_up(rig, PEER, &open, &ours);
    ck_assert(ours.graceful_restart && !ours.restart_notification);
    rig_free(rig);
}
END_TEST

START_TEST(routes_outlive_a_notification_when_both_say_n)
{
    ck_assert_uint_eq(left_after(true, NOTIFICATION_CEASE, CEASE_CONFIG_CHANGE), 1);
    ck_assert_uint_eq(left_after(true, NOTIFICATION_HOLD_TIMER, 0), 1);
    ck_assert_uint_eq(left_after(true, NOTIFICATION_UPDATE, 1), 1);
    ck_assert_uint_eq(left_after(false, NOTIFICATION_CEASE, CEASE_CONFIG_CHANGE), 0);
    ck_assert_uint_eq(left_after(false, NOTIFICATION_HOLD_TIMER, 0), 0);
}
END_TEST

START_TEST(a_hard_reset_ends_the_routes)
{
    ck_assert_uint_eq(left_after(true, NOTIFICATION_CEASE, CEASE_HARD_RESET), 0);
}
END_TEST

/* RFC 8538 4: whoever says N and means an order to end the routes calls it a hard reset. */
START_TEST(an_order_over_there_that_is_not_called_hard_leaves_the_routes)
{
    static const uint8_t orders[] = {CEASE_MAX_PREFIXES, CEASE_ADMIN_SHUTDOWN, CEASE_DECONFIGURED,
                                     CEASE_ADMIN_RESET, CEASE_OUT_OF_RESOURCES};
    for (size_t i = 0; i < sizeof orders; i++) {
        ck_assert_uint_eq(left_after(true, NOTIFICATION_CEASE, orders[i]), 1);
        ck_assert_uint_eq(left_after(false, NOTIFICATION_CEASE, orders[i]), 0);
    }
    ck_assert_uint_eq(left_after(true, NOTIFICATION_CEASE, CEASE_BFD_DOWN), 0);
}
END_TEST

START_TEST(routes_outlive_our_hold_timer_when_both_say_n)
{
    for (int is_theirs = 0; is_theirs < 2; is_theirs++) {
        struct rig_conn *conn;
        struct rig *rig = agreed(is_theirs == 1, &conn, NULL);
        rig_wait_ms(rig, 90100);
        ck_assert_int_eq(rig_notification(conn), NOTIFICATION_HOLD_TIMER << 8);
        ck_assert_uint_eq(rig_routes(rig, PEER), is_theirs == 1);
        rig_free(rig);
    }
}
END_TEST

START_TEST(routes_outlive_an_error_of_the_neighbor_when_both_say_n)
{
    for (int is_theirs = 0; is_theirs < 2; is_theirs++) {
        struct rig_conn *conn;
        struct rig *rig = agreed(is_theirs == 1, &conn, NULL);
        rig_say_bad_header(rig, conn);
        ck_assert_int_eq(rig_notification(conn), NOTIFICATION_HEADER << 8 | 2);
        ck_assert_uint_eq(rig_routes(rig, PEER), is_theirs == 1);
        rig_free(rig);
    }
}
END_TEST

/* Both ways of an order: 6/9 with the reason inside, or plainly to a peer without N. */
static void expect_hard(struct rig_conn *conn, bool is_hard, uint8_t subcode, const char *message)
{
    uint8_t data[4096];
    char text[256];
    struct notification inner;
    struct notification sent = sent_notification(conn, data);
    shutdown_message_read(&sent, text);
    ck_assert_str_eq(text, message);
    ck_assert_uint_eq(sent.code, NOTIFICATION_CEASE);
    if (is_hard) {
        ck_assert_uint_eq(sent.subcode, CEASE_HARD_RESET);
        ck_assert(hard_reset_read(&sent, &inner));
        sent = inner;
    }
    ck_assert_uint_eq(sent.code, NOTIFICATION_CEASE);
    ck_assert_uint_eq(sent.subcode, subcode);
}

START_TEST(orders_of_the_operator_are_hard_resets_with_their_reason_inside)
{
    struct ip_addr all = {.family = IP_NONE};
    for (int order = 0; order < 6; order++) {
        bool is_hard = order % 2 == 0;
        struct rig_conn *conn;
        struct rig *rig = agreed(is_hard, &conn, NULL);
        struct config *config = restart_config();
        struct config_neighbor *neighbors =
            (struct config_neighbor *)(uintptr_t)config->bgp.neighbors;
        switch (order / 2) {
        case 0:
            neighbors[0].shutdown = (struct opt_bool){true, true};
            neighbors[0].shutdown_message = "back at 6";
            rig_configure(rig, config);
            expect_hard(conn, is_hard, CEASE_ADMIN_SHUTDOWN, "back at 6");
            break;
        case 1:
            neighbors[0] = neighbors[1];
            config->bgp.neighbor_count = 1;
            rig_configure(rig, config);
            expect_hard(conn, is_hard, CEASE_DECONFIGURED, "");
            break;
        default:
            core_clear(rig->core, rig->now, &all, 0, CLEAR_HARD, "why not");
            rig_settle(rig);
            config_free(config);
            expect_hard(conn, is_hard, CEASE_ADMIN_RESET, "why not");
            ck_assert_uint_eq(rig_routes(rig, PEER), 0);
        }
        ck_assert(conn->is_closed);
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_change_of_configuration_is_no_hard_reset)
{
    struct rig_conn *conn;
    struct rig *rig = agreed(true, &conn, NULL);
    struct config *config = restart_config();
    ((struct config_neighbor *)(uintptr_t)config->bgp.neighbors)[0].extended_message =
        (struct opt_bool){true, false};
    rig_configure(rig, config);
    ck_assert_int_eq(rig_notification(conn), CEASE(CEASE_CONFIG_CHANGE));
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_free(rig);
}
END_TEST

START_TEST(a_hard_reset_is_logged_and_shown_with_what_it_stands_for)
{
    static const uint8_t inner[] = {
        NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN, 4, 'b', 'y', 'e', '!'};
    struct rig_conn *conn;
    struct rig *rig = agreed(true, &conn, NULL);
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct notification hard = {NOTIFICATION_CEASE, CEASE_HARD_RESET, {inner, sizeof inner}};
    notification_encode(&writer, &hard);
    rig_say(rig, conn, bytes, writer_size(&writer));
    ck_assert(rig_logged(rig, LOG_PEER_ERROR,
                         "received NOTIFICATION 6/9 (Cease/Hard Reset, "
                         "Cease/Administrative Shutdown): \"bye!\""));
    ck_assert_str_eq(rig_peer(rig, PEER).last_reset_reason,
                     "NOTIFICATION received: Cease/Hard Reset, Cease/Administrative Shutdown: "
                     "\"bye!\"");
    rig_free(rig);
}
END_TEST

/* RFC 8538 3.1 wants code and subcode; what is shorter is a hard reset all the same. */
START_TEST(a_hard_reset_without_its_reason_is_one)
{
    for (size_t size = 0; size < 2; size++) {
        static const uint8_t inner[] = {NOTIFICATION_CEASE};
        struct rig_conn *conn;
        struct rig *rig = agreed(true, &conn, NULL);
        uint8_t bytes[64];
        struct writer writer = writer_of(bytes, sizeof bytes);
        struct notification hard = {NOTIFICATION_CEASE, CEASE_HARD_RESET, {inner, size}};
        notification_encode(&writer, &hard);
        rig_say(rig, conn, bytes, writer_size(&writer));
        ck_assert_uint_eq(rig_routes(rig, PEER), 0);
        ck_assert(rig_logged(rig, LOG_PEER_ERROR, "6/9 (Cease/Hard Reset)"));
        rig_free(rig);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("restart_notification");
    TCase *tcase = tcase_create("restart_notification");
    tcase_add_test(tcase, the_n_bit_is_said_unless_told_otherwise);
    tcase_add_test(tcase, routes_outlive_a_notification_when_both_say_n);
    tcase_add_test(tcase, a_hard_reset_ends_the_routes);
    tcase_add_test(tcase, an_order_over_there_that_is_not_called_hard_leaves_the_routes);
    tcase_add_test(tcase, routes_outlive_our_hold_timer_when_both_say_n);
    tcase_add_test(tcase, routes_outlive_an_error_of_the_neighbor_when_both_say_n);
    tcase_add_test(tcase, orders_of_the_operator_are_hard_resets_with_their_reason_inside);
    tcase_add_test(tcase, a_change_of_configuration_is_no_hard_reset);
    tcase_add_test(tcase, a_hard_reset_is_logged_and_shown_with_what_it_stands_for);
    tcase_add_test(tcase, a_hard_reset_without_its_reason_is_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
