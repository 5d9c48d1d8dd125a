/* A tunnel judged by the acknowledgements of the session inside it: there is always something to
 * acknowledge, the io knows where to look, and a dead tunnel takes the routes and not the session.
 */
#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define GATEWAY "10.51.230.12"

static struct config *config_with(uint32_t liveness, uint8_t kind)
{
    struct config *config = rig_config();
    struct config_tunnel *tunnel = arena_alloc(&config->arena, sizeof *tunnel);
    *tunnel = (struct config_tunnel){
        .name = "ipsec0",
        .interface = "ipsec0",
        .local_endpoint = rig_addr("10.0.0.1"),
        .remote_endpoint = rig_addr("10.0.0.200"),
        .underlay_classes = PATH_CLASS_BIT(PATH_CLASS_CLEAR),
        .path_class = PATH_CLASS_IPSEC,
        .liveness = liveness,
        .probe_kind = kind,
    };
    config->tunnels = tunnel;
    config->tunnel_count = 1;
    struct config_neighbor *neighbor = rig_neighbor(config, GATEWAY, 0);
    neighbor->remote_as_kind = REMOTE_AS_UNSET;
    neighbor->azure_role = AZURE_ROLE_VWAN_HUB;
    neighbor->tunnel = "ipsec0";
    return config;
}

static struct rig *rig_with(uint32_t liveness, uint8_t kind)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(liveness, kind));
    rig_link(rig, 7, "ipsec0", true);
    return rig;
}

/* KEEPALIVEs of a minute in which the peer says what it must; the shortest gap between two. */
static int keepalives_of_a_minute(struct rig *rig, struct rig_conn *conn, int64_t *shortest_ms_out)
{
    struct mono_time last = MONO_NEVER;
    int count = 0;
    *shortest_ms_out = INT64_MAX;
    rig_say_keepalive(rig, conn);
    for (int i = 0; i < 6000; i++) {
        rig_wait_ms(rig, 10);
        for (int n = rig_count(conn, MESSAGE_KEEPALIVE); n > 0; n--) {
            int64_t gap_ms =
                mono_is_never(last) ? INT64_MAX : mono_span_to_ms(mono_between(last, rig->now));
            *shortest_ms_out = gap_ms < *shortest_ms_out ? gap_ms : *shortest_ms_out;
            last = rig->now;
            count++;
        }
    }
    return count;
}

/* RFC 4271 4.4 forbids more than one a second. */
START_TEST(a_watched_session_says_keepalive_every_second_and_never_more_often)
{
    static const uint8_t kinds[] = {PROBE_KIND_AUTO, PROBE_KIND_TCP};
    for (int i = 0; i < 2; i++) {
        struct rig *rig = rig_with(LIVENESS_PROBE, kinds[i]);
        struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
        int64_t shortest_ms;
        int count = keepalives_of_a_minute(rig, conn, &shortest_ms);
        ck_assert_int_ge(count, 56);
        ck_assert_int_le(count, 61);
        ck_assert_int_ge(shortest_ms, 990); /* looked at every 10 ms */
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_session_that_is_no_evidence_keeps_its_interval)
{
    static const struct {
        uint32_t liveness;
        uint8_t kind;
    } rows[] = {{LIVENESS_PROBE, PROBE_KIND_ECHO}, {LIVENESS_INTERFACE, PROBE_KIND_TCP}};
    for (int i = 0; i < 2; i++) {
        struct rig *rig = rig_with(rows[i].liveness, rows[i].kind);
        struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
        int64_t shortest_ms;
        ck_assert_int_le(keepalives_of_a_minute(rig, conn, &shortest_ms), 3);
        rig_free(rig);
    }
}
END_TEST

START_TEST(the_interval_follows_the_configuration_at_once)
{
    struct rig *rig = rig_with(LIVENESS_INTERFACE, PROBE_KIND_AUTO);
    struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
    int64_t shortest_ms;
    ck_assert_int_le(keepalives_of_a_minute(rig, conn, &shortest_ms), 3);
    rig_configure(rig, config_with(LIVENESS_PROBE, PROBE_KIND_AUTO));
    ck_assert_int_ge(keepalives_of_a_minute(rig, conn, &shortest_ms), 56);
    ck_assert_int_eq(rig->watch.probe_conn, conn->id);
    rig_configure(rig, config_with(LIVENESS_INTERFACE, PROBE_KIND_AUTO));
    ck_assert_int_le(keepalives_of_a_minute(rig, conn, &shortest_ms), 3);
    ck_assert_int_eq(rig_state(rig, GATEWAY), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(the_io_is_told_which_connection_is_the_session)
{
    struct ip_addr peer = rig_addr(GATEWAY);
    struct rig *rig = rig_with(LIVENESS_PROBE, PROBE_KIND_AUTO);
    ck_assert(ip_equal(&rig->watch.probe_peer, &peer));
    ck_assert_uint_eq(rig->watch.probe_conn, 0);
    struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
    ck_assert_uint_eq(rig->watch.probe_conn, conn->id);
    ck_assert_uint_eq(rig->watch.probe_hold_s, 90);
    rig_closed(rig, conn);
    ck_assert_uint_eq(rig->watch.probe_conn, 0);
    rig_free(rig);
}
END_TEST

static void tell_probe(struct rig *rig, bool is_alive)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact = (struct tunnel_fact){.tunnel_number = 1,
                                             .source = LIVENESS_PROBE,
                                             .is_known = true,
                                             .is_alive = is_alive,
                                             .detail = "as the test wants it"};
    rig_feed(rig, &event);
}

static uint32_t prefixes_through_tunnel(struct rig *rig)
{
    struct snapshot_tunnel tunnel;
    ck_assert(snapshot_tunnel(rig->core, 0, &tunnel));
    return tunnel.prefixes;
}

START_TEST(a_dead_tunnel_takes_the_routes_at_once_and_leaves_the_session_to_its_hold_timer)
{
    struct rig *rig = rig_with(LIVENESS_PROBE, PROBE_KIND_AUTO);
    struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
    rig_say_route(rig, conn, 65515, "10.60.0.0/16");
    tell_probe(rig, true);
    ck_assert_uint_eq(prefixes_through_tunnel(rig), 1);
    tell_probe(rig, false); /* no time passes */
    ck_assert_uint_eq(prefixes_through_tunnel(rig), 0);
    ck_assert_int_eq(rig_state(rig, GATEWAY), PEER_ESTABLISHED);
    rig_wait_ms(rig, 88000);
    ck_assert(!conn->is_closed);
    ck_assert_int_eq(rig_state(rig, GATEWAY), PEER_ESTABLISHED);
    tell_probe(rig, true);
    ck_assert_uint_eq(prefixes_through_tunnel(rig), 1); /* its routes were never forgotten */
    tell_probe(rig, false);
    rig_wait_ms(rig, 3000);
    ck_assert_int_eq(rig_notification(conn), NOTIFICATION_HOLD_TIMER << 8);
    ck_assert(conn->is_closed);
    rig_free(rig);
}
END_TEST

/* What could show that the tunnel is back must not wait for the tunnel to be back. */
START_TEST(a_session_is_tried_through_a_dead_tunnel)
{
    struct rig *rig = rig_with(LIVENESS_PROBE, PROBE_KIND_TCP);
    struct rig_conn *conn = rig_establish(rig, GATEWAY, 65515);
    tell_probe(rig, false);
    rig_closed(rig, conn);
    rig_wait_ms(rig, 70000);
    ck_assert_ptr_nonnull(rig_ours(rig));
    ck_assert_str_eq(rig_ours(rig)->setup.bind_interface, "ipsec0");
    rig_free(rig);
}
END_TEST

/* A tunnel that comes and goes is no oscillation of the peer behind it. */
START_TEST(a_session_that_fell_with_its_tunnel_may_come_back_every_time)
{
    struct rig *rig = rig_with(LIVENESS_PROBE, PROBE_KIND_TCP);
    struct open_message open = rig_open(65515, 0x0a33e60c);
    for (int i = 0; i < 8; i++) {
        struct rig_conn *conn = rig_incoming_over(rig, GATEWAY, "10.0.0.1", 7);
        ck_assert_msg(conn->is_accepted, "time %d", i);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        ck_assert_int_eq(rig_state(rig, GATEWAY), PEER_ESTABLISHED);
        rig_wait_ms(rig, 100);
        tell_probe(rig, false);
        if (i % 2 == 0) {
            tell_probe(rig, true);
        }
        rig_closed(rig, conn);
    }
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core/tunnel_acks");
    TCase *tests = tcase_create("sessions");
    tcase_add_test(tests, a_watched_session_says_keepalive_every_second_and_never_more_often);
    tcase_add_test(tests, a_session_that_is_no_evidence_keeps_its_interval);
    tcase_add_test(tests, the_interval_follows_the_configuration_at_once);
    tcase_add_test(tests, the_io_is_told_which_connection_is_the_session);
    tcase_add_test(tests,
                   a_dead_tunnel_takes_the_routes_at_once_and_leaves_the_session_to_its_hold_timer);
    tcase_add_test(tests, a_session_is_tried_through_a_dead_tunnel);
    tcase_add_test(tests, a_session_that_fell_with_its_tunnel_may_come_back_every_time);
    suite_add_tcase(suite, tests);
    return suite;
}
