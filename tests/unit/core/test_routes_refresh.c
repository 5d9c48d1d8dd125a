/* Refreshes (RFC 2918, RFC 7313): asked for, sent, broken off. */
#include "tests/unit/core/far_end.h"
#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define A "192.0.2.2"
#define B "192.0.2.6"

static struct table_top *two_established(void)
{
    struct table_top *top = top_new(7);
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    top_link(top, 3, "eth1", "veth", "192.0.2.5", 30);
    top_far_end(top, A, "192.0.2.1", 64501, 2)->has_enhanced_refresh = true;
    top_far_end(top, B, "192.0.2.5", 64502, 3)->has_enhanced_refresh = true;
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, A, 64501);
    config_neighbor_add(config, B, 64502);
    top_configure(top, config);
    top_wait_s(top, 20);
    ck_assert(top->ends[0].is_up && top->ends[1].is_up);
    return top;
}

static void far_refresh(struct table_top *top, struct far_end *end, uint8_t kind)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct route_refresh refresh = {AFI_SAFI_IPV4_UNICAST, kind};
    route_refresh_encode(&writer, &refresh);
    far_send(top, end, bytes, writer_size(&writer));
    top_settle(top);
}

START_TEST(a_refresh_is_answered_between_its_markers)
{
    struct table_top *top = two_established();
    struct far_end *b = &top->ends[1];
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    top_settle(top);
    far_refresh(top, b, ROUTE_REFRESH_REQUEST);
    ck_assert_uint_eq(b->refresh_begins, 1);
    ck_assert_uint_eq(b->refresh_ends, 1);
    ck_assert_uint_eq(far_route_find(b, "10.1.0.0/16")->times, 2);
    ck_assert_uint_eq(top->ends[0].refresh_begins, 0);
    top_free(top);
}
END_TEST

START_TEST(a_peer_without_enhanced_refresh_gets_no_markers)
{
    struct table_top *top = top_new(7);
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    struct far_end *a = top_far_end(top, A, "192.0.2.1", 64501, 2);
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, A, 64501);
    config_network_add(config, "10.9.0.0/16", 0);
    top_configure(top, config);
    top_wait_s(top, 20);
    far_refresh(top, a, ROUTE_REFRESH_REQUEST);
    ck_assert_uint_eq(a->refresh_begins + a->refresh_ends, 0);
    ck_assert_uint_eq(far_route_find(a, "10.9.0.0/16")->times, 2);
    top_free(top);
}
END_TEST

/* A announces two prefixes and says only the second one again. */
static struct table_top *half_refreshed(void)
{
    struct table_top *top = two_established();
    struct far_end *a = &top->ends[0];
    far_announce(top, a, "10.1.0.0/16");
    far_announce(top, a, "10.2.0.0/16");
    top_settle(top);
    far_refresh(top, a, ROUTE_REFRESH_BEGIN);
    far_announce(top, a, "10.2.0.0/16");
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    return top;
}

static void check_only_the_second_is_left(struct table_top *top)
{
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.2.0.0/16"));
    ck_assert(top->ends[0].is_up);
}

START_TEST(what_a_refresh_does_not_say_again_is_gone_at_its_end)
{
    struct table_top *top = half_refreshed();
    far_refresh(top, &top->ends[0], ROUTE_REFRESH_END);
    check_only_the_second_is_left(top);
    top_free(top);
}
END_TEST

START_TEST(a_refresh_that_never_ends_is_ended_after_six_minutes)
{
    struct table_top *top = half_refreshed();
    top_wait_s(top, 359);
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    top_wait_s(top, 1);
    check_only_the_second_is_left(top);
    ck_assert_uint_eq(top->log_total[LOG_PEER_ERROR], 1);
    /* The end that comes too late has nothing to end. */
    far_announce(top, &top->ends[0], "10.1.0.0/16");
    far_refresh(top, &top->ends[0], ROUTE_REFRESH_END);
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    top_free(top);
}
END_TEST

START_TEST(a_refresh_begun_again_is_given_the_whole_time_again)
{
    struct table_top *top = half_refreshed();
    top_wait_s(top, 300);
    far_refresh(top, &top->ends[0], ROUTE_REFRESH_BEGIN);
    top_wait_s(top, 359);
    ck_assert_uint_eq(top->ends[1].route_count, 2);
    top_wait_s(top, 1);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(the_end_of_a_session_ends_its_refresh)
{
    struct table_top *top = half_refreshed();
    struct far_end *a = &top->ends[0];
    far_close(top, a);
    top_wait_s(top, 60);
    ck_assert(a->is_up);
    far_announce(top, a, "10.1.0.0/16");
    top_wait_s(top, 400);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    ck_assert_ptr_nonnull(far_route_find(&top->ends[1], "10.1.0.0/16"));
    top_free(top);
}
END_TEST

/* ---- Over a session whose octets the test writes ---- */

static struct rig *rig_with_refresh(bool has_graceful_restart, struct rig_conn **conn_out)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002);
    config->bgp.graceful_restart = (struct opt_bool){true, has_graceful_restart};
    rig_configure(rig, config);
    struct rig_conn *conn = rig_ours(rig);
    rig_opened(rig, conn);
    struct open_message open = rig_open(65002, 0x0a000002);
    open.hold_time_s = 0;
    open.capabilities.enhanced_refresh = true;
    open.capabilities.graceful_restart = has_graceful_restart;
    open.capabilities.restart_time_s = has_graceful_restart ? 120 : 0;
    open.capabilities.gr_families = has_graceful_restart ? open.capabilities.families : 0;
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, "10.0.0.2"), PEER_ESTABLISHED);
    rig_count(conn, MESSAGE_OPEN);
    *conn_out = conn;
    return rig;
}

START_TEST(a_refresh_of_the_wrong_length_is_7_1_with_the_whole_message)
{
    struct rig_conn *conn;
    struct rig *rig = rig_with_refresh(false, &conn);
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    message_begin(&writer, MESSAGE_ROUTE_REFRESH);
    static const uint8_t body[] = {0, 1, 1, 1, 42};
    writer_bytes(&writer, body, sizeof body);
    message_end(&writer, 0);
    rig_say(rig, conn, bytes, writer_size(&writer));
    enum message_type type;
    uint8_t got[256];
    size_t size = 0;
    ck_assert(rig_next(conn, &type, got, &size));
    ck_assert_int_eq(type, MESSAGE_NOTIFICATION);
    ck_assert_uint_eq(got[0], 7);
    ck_assert_uint_eq(got[1], 1);
    ck_assert_uint_eq(size, 2 + writer_size(&writer));
    ck_assert_int_eq(memcmp(got + 2, bytes, writer_size(&writer)), 0);
    ck_assert(conn->is_closed);
    rig_free(rig);
}
END_TEST

static void rig_say_refresh_kind(struct rig *rig, struct rig_conn *conn, uint8_t kind)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    route_refresh_encode(&writer, &(struct route_refresh){AFI_SAFI_IPV4_UNICAST, kind});
    rig_say(rig, conn, bytes, writer_size(&writer));
}

/* RFC 7313 4. */
START_TEST(with_graceful_restart_a_begin_before_end_of_rib_is_ignored)
{
    struct rig_conn *conn;
    struct rig *rig = rig_with_refresh(true, &conn);
    rig_say_route(rig, conn, 65002, "10.2.0.0/16");
    rig_say_refresh_kind(rig, conn, ROUTE_REFRESH_BEGIN);
    rig_say_refresh_kind(rig, conn, ROUTE_REFRESH_END);
    ck_assert_uint_eq(rig_peer(rig, "10.0.0.2").families[0].received, 1);
    rig_say_update(rig, conn); /* End-of-RIB */
    rig_say_refresh_kind(rig, conn, ROUTE_REFRESH_BEGIN);
    rig_say_refresh_kind(rig, conn, ROUTE_REFRESH_END);
    ck_assert_uint_eq(rig_peer(rig, "10.0.0.2").families[0].received, 0);
    rig_free(rig);
}
END_TEST

START_TEST(unknown_kinds_of_refresh_are_ignored)
{
    struct rig_conn *conn;
    struct rig *rig = rig_with_refresh(false, &conn);
    rig_say_route(rig, conn, 65002, "10.2.0.0/16");
    for (unsigned kind = 3; kind < 256; kind++) {
        rig_say_refresh_kind(rig, conn, (uint8_t)kind);
    }
    ck_assert(!conn->is_closed);
    ck_assert_uint_eq(rig_peer(rig, "10.0.0.2").families[0].received, 1);
    ck_assert_int_eq(rig_count(conn, MESSAGE_ROUTE_REFRESH), 0);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_refresh");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_refresh_is_answered_between_its_markers);
    tcase_add_test(tcase, a_peer_without_enhanced_refresh_gets_no_markers);
    tcase_add_test(tcase, what_a_refresh_does_not_say_again_is_gone_at_its_end);
    tcase_add_test(tcase, a_refresh_that_never_ends_is_ended_after_six_minutes);
    tcase_add_test(tcase, a_refresh_begun_again_is_given_the_whole_time_again);
    tcase_add_test(tcase, the_end_of_a_session_ends_its_refresh);
    tcase_add_test(tcase, a_refresh_of_the_wrong_length_is_7_1_with_the_whole_message);
    tcase_add_test(tcase, with_graceful_restart_a_begin_before_end_of_rib_is_ignored);
    tcase_add_test(tcase, unknown_kinds_of_refresh_are_ignored);
    suite_add_tcase(suite, tcase);
    return suite;
}
