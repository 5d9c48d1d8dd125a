/* RFC 4724: our own restart over what an earlier run left, and help for neighbours that restart. */
#include "tests/unit/core/restart_rig.h"
#include "tests/unit/unit.h"

/* ---- Restarting (4.1) ---- */

/* Sessions with both peers, nothing said yet; over old routes, or after a start from nothing. */
static struct rig *restarted(bool has_old_routes, struct config *config, struct rig_conn **peer_out,
                             struct rig_conn **other_out)
{
    struct rig *rig = has_old_routes ? rig_new_over_old_routes() : rig_new();
    struct open_message peer = restart_open(PEER, PEER_ASN);
    struct open_message other = restart_open(OTHER, OTHER_ASN);
    rig_configure(rig, config);
    if (has_old_routes) {
        rig_dump_end(rig);
    }
    *peer_out = rig_up(rig, PEER, &peer, NULL);
    *other_out = other_out == peer_out ? *peer_out : rig_up(rig, OTHER, &other, NULL);
    return rig;
}

static struct capabilities said_at_start(struct rig *rig)
{
    rig_configure(rig, restart_config());
    rig_dump_end(rig);
    struct rig_conn *conn = rig_dialled(rig, PEER);
    ck_assert_ptr_nonnull(conn);
    rig_opened(rig, conn);
    struct capabilities ours = rig_our_capabilities(conn);
    rig_free(rig);
    return ours;
}

START_TEST(restart_over_old_routes_is_said_with_r_and_f)
{
    struct capabilities ours = said_at_start(rig_new_over_old_routes());
    ck_assert(ours.graceful_restart);
    ck_assert(ours.restart_state);
    ck_assert_uint_eq(ours.gr_families, V4);
    ck_assert_uint_eq(ours.gr_forwarding, V4);
}
END_TEST

START_TEST(a_start_from_nothing_says_neither_r_nor_f)
{
    struct capabilities ours = said_at_start(rig_new());
    ck_assert(ours.graceful_restart);
    ck_assert(!ours.restart_state);
    ck_assert_uint_eq(ours.gr_forwarding, 0);
}
END_TEST

/* The far end would keep the cover in the clear, and the network inside it only in the tunnels. */
START_TEST(nobody_in_the_clear_keeps_a_cover_that_is_to_be_held)
{
    struct rig *rig = rig_new_over_old_routes();
    struct config *config = restart_config();
    config->bgp.cover = COVER_HOLD;
    rig_configure(rig, config);
    rig_dump_end(rig);
    struct rig_conn *conn = rig_dialled(rig, PEER);
    ck_assert_ptr_nonnull(conn);
    rig_opened(rig, conn);
    struct capabilities ours = rig_our_capabilities(conn);
    ck_assert(ours.graceful_restart); /* as a helper */
    ck_assert_uint_eq(ours.gr_families, 0);
    rig_free(rig);
}
END_TEST

START_TEST(no_session_opens_before_the_kernel_is_read)
{
    struct rig *rig = rig_new_over_old_routes();
    rig_configure(rig, restart_config());
    rig_wait_ms(rig, 20000);
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert(rig_incoming(rig, PEER)->is_closed);
    ck_assert_ptr_nonnull(strstr(rig_peer(rig, PEER).why_not, "still being read"));
    rig_dump_end(rig);
    ck_assert_ptr_nonnull(rig_dialled(rig, PEER));
    rig_free(rig);
}
END_TEST

START_TEST(r_ends_with_the_deferral_and_f_stays_for_those_we_knew)
{
    struct rig_conn *peer;
    struct rig_conn *other;
    struct capabilities ours;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = restarted(true, restart_config(), &peer, &other);
    rig_say_update(rig, peer);
    rig_say_update(rig, other);
    rig_closed(rig, peer);
    rig_up(rig, PEER, &open, &ours);
    ck_assert(!ours.restart_state);
    ck_assert_uint_eq(ours.gr_forwarding, V4);
    rig_free(rig);
}
END_TEST

START_TEST(paths_are_chosen_once_all_have_sent_end_of_rib)
{
    struct rig_conn *peer;
    struct rig_conn *other;
    struct rig *rig = restarted(true, restart_config(), &peer, &other);
    rig_count(other, MESSAGE_OPEN);
    rig_say_route(rig, peer, PEER_ASN, NET);
    rig_say_update(rig, peer);
    rig_wait_ms(rig, 10000);
    struct rig_told told = rig_told(other);
    ck_assert_int_eq(told.announced, 0);
    ck_assert_int_eq(told.ends, 0);
    rig_say_update(rig, other);
    told = rig_told(other);
    ck_assert_int_eq(told.announced, 1);
    ck_assert_int_eq(told.ends, 1);
    rig_free(rig);
}
END_TEST

START_TEST(without_a_restart_nothing_is_deferred)
{
    struct rig_conn *peer;
    struct rig_conn *other;
    struct rig *rig = restarted(false, restart_config(), &peer, &other);
    rig_say_route(rig, peer, PEER_ASN, NET);
    struct rig_told told = rig_told(other);
    ck_assert_int_eq(told.announced, 1);
    ck_assert_int_eq(told.ends, 1);
    rig_free(rig);
}
END_TEST

/* When paths are chosen although OTHER, whose OPEN is this, says nothing; -1: not in 400 s. */
static int64_t chosen_after_ms(const struct open_message *other_open, uint32_t defer_s)
{
    struct config *config = restart_config();
    config->bgp.gr_select_defer_time_s = (struct opt_u32){defer_s != 0, defer_s};
    struct rig_conn *peer;
    struct rig *rig = restarted(true, config, &peer, &peer);
    struct mono_time begin = rig->now;
    if (other_open != NULL) {
        rig_up(rig, OTHER, other_open, NULL);
    } else {
        rig_failed(rig, rig_dialled(rig, OTHER), ECONNREFUSED);
    }
    rig_say_route(rig, peer, PEER_ASN, NET);
    rig_say_update(rig, peer);
    int64_t after_ms = -1;
    for (int i = 0; i < 4000 && after_ms < 0; i++) {
        if (rig_told(peer).ends != 0) {
            after_ms = mono_between(begin, rig->now).ns / 1000000;
        }
        rig_wait_ms(rig, 100);
        if (i % 300 == 0) {
            rig_say_keepalive(rig, peer);
        }
    }
    rig_free(rig);
    return after_ms;
}

START_TEST(a_neighbor_that_stays_away_is_not_waited_for_long)
{
    int64_t after_ms = chosen_after_ms(NULL, 0);
    ck_assert_msg(after_ms >= 13000 && after_ms <= 17000, "%lld", (long long)after_ms);
}
END_TEST

START_TEST(nobody_waits_for_those_who_restart_themselves_or_cannot)
{
    struct open_message open = restart_open(OTHER, OTHER_ASN);
    open.capabilities.restart_state = true;
    ck_assert_int_eq(chosen_after_ms(&open, 0), 0);
    open = rig_open(OTHER_ASN, 0x0a000003);
    ck_assert_int_eq(chosen_after_ms(&open, 0), 0);
}
END_TEST

START_TEST(the_deferral_timer_ends_the_wait_for_end_of_rib)
{
    struct open_message open = restart_open(OTHER, OTHER_ASN);
    open.hold_time_s = 0;
    int64_t after_ms = chosen_after_ms(&open, 30);
    ck_assert_msg(after_ms >= 29000 && after_ms <= 31000, "%lld", (long long)after_ms);
    after_ms = chosen_after_ms(&open, 0); /* 360 s when not configured */
    ck_assert_msg(after_ms >= 359000 && after_ms <= 361000, "%lld", (long long)after_ms);
}
END_TEST

START_TEST(a_failure_ends_the_deferral)
{
    struct rig_conn *peer;
    struct rig_conn *other;
    struct rig *rig = restarted(true, restart_config(), &peer, &other);
    rig_say_route(rig, peer, PEER_ASN, NET);
    rig_link(rig, 3, "eth1", true);
    ck_assert_int_eq(rig_told(other).announced, 0);
    rig_link(rig, 3, "eth1", false);
    ck_assert_int_eq(rig_told(other).announced, 1);
    rig_free(rig);
}
END_TEST

START_TEST(a_stop_that_keeps_routes_ends_graceful_sessions_without_a_word)
{
    for (int keeps = 0; keeps < 2; keeps++) {
        struct rig_conn *peer;
        struct rig_conn *other;
        struct rig *rig = restarted(false, restart_config(), &peer, &other);
        struct core_event event = {.kind = EVENT_STOP};
        event.stop.keep_routes = keeps == 1;
        rig_feed(rig, &event);
        ck_assert(peer->is_closed);
        ck_assert_int_eq(rig_notification(peer), keeps ? 0 : NOTIFICATION_CEASE << 8 | 2);
        rig_free(rig);
    }
}
END_TEST

static struct config *config_with_bfd(struct config *config)
{
    ((struct config_neighbor *)(uintptr_t)config->bgp.neighbors)[0].bfd =
        (struct opt_bool){true, true};
    return config;
}

/* Else the far end hears AdminDown, and may take it for the end of what it is to keep. */
START_TEST(a_stop_that_keeps_routes_leaves_bfd_to_the_keeper)
{
    for (int keeps = 0; keeps < 2; keeps++) {
        struct rig *rig = rig_new();
        struct core_event event = {.kind = EVENT_STOP};
        event.stop.keep_routes = keeps == 1;
        rig_configure(rig, config_with_bfd(restart_config()));
        ck_assert_int_eq(rig->bfd_count, 1);
        ck_assert_uint_eq(rig->bfd[0].kept_s, 120);
        rig_feed(rig, &event);
        ck_assert_int_eq(rig->bfd_count, keeps ? 1 : 2);
        ck_assert(keeps || rig->bfd[1].is_delete);
        rig_free(rig);
    }
}
END_TEST

START_TEST(bfd_is_kept_only_where_the_neighbor_keeps_routes)
{
    struct rig *rig = rig_new();
    struct config *config = config_with_bfd(restart_config());
    struct core_event event = {.kind = EVENT_STOP, .stop = {.keep_routes = true}};
    ((struct config_neighbor *)(uintptr_t)config->bgp.neighbors)[0].graceful_restart_disable =
        (struct opt_bool){true, true};
    rig_configure(rig, config);
    ck_assert_int_eq(rig->bfd_count, 1);
    ck_assert_uint_eq(rig->bfd[0].kept_s, 0);
    rig_feed(rig, &event);
    ck_assert_int_eq(rig->bfd_count, 2);
    ck_assert(rig->bfd[1].is_delete);
    rig_free(rig);
}
END_TEST

/* The far end's BFD falls when it hears of the new run; the BGP session comes after that. */
START_TEST(just_after_a_restart_sessions_wait_for_their_bfd)
{
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        struct rig *rig = rig_new_over_old_routes();
        struct core_event up = {.kind = EVENT_BFD_STATE};
        rig_configure(rig, config_with_bfd(restart_config()));
        rig_dump_end(rig);
        rig_wait_ms(rig, 3000);
        ck_assert_ptr_null(rig_dialled(rig, PEER));
        ck_assert_ptr_nonnull(rig_dialled(rig, OTHER));
        ck_assert(rig_incoming(rig, PEER)->is_closed);
        if (is_answered) {
            up.bfd.peer = rig_addr(PEER);
            up.bfd.is_up = true;
            rig_feed(rig, &up);
            rig_wait_ms(rig, 310); /* the peer may go first */
        } else {
            rig_wait_ms(rig, 3000);
        }
        ck_assert_ptr_nonnull(rig_dialled(rig, PEER));
        rig_free(rig);
    }
}
END_TEST

/* ---- Helping (4.2) ---- */

/* A session with a neighbour that restarts gracefully and has one route here. */
static struct rig *helping(struct rig_conn **conn_out, const struct open_message *open)
{
    struct rig *rig = rig_new();
    rig_configure(rig, restart_config());
    *conn_out = rig_up(rig, PEER, open, NULL);
    rig_say_route(rig, *conn_out, PEER_ASN, NET);
    rig_say_update(rig, *conn_out);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    return rig;
}

static struct rig *helping_plainly(struct rig_conn **conn_out)
{
    struct open_message open = restart_open(PEER, PEER_ASN);
    return helping(conn_out, &open);
}

START_TEST(only_families_that_the_neighbor_listed_are_kept)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    open.capabilities.gr_families = V6;
    struct rig *rig = helping(&conn, &open);
    rig_closed(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 0);
    rig_free(rig);
}
END_TEST

/* What is kept of it has a time limit: it is not made to wait, however often it restarts. */
START_TEST(a_neighbor_that_restarts_again_and_again_may_come_back_at_once)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = helping(&conn, &open);
    for (int i = 0; i < 8; i++) {
        rig_closed(rig, conn);
        rig_wait_ms(rig, 100);
        conn = rig_incoming(rig, PEER);
        ck_assert_msg(conn->is_accepted, "time %d", i);
        rig_say_open(rig, conn, &open);
        rig_say_keepalive(rig, conn);
        ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    }
    rig_free(rig);
}
END_TEST

/* RFC 4724 3: F tells of the last restart; before a first one it says nothing. */
START_TEST(routes_are_kept_although_the_first_open_had_no_f)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    open.capabilities.gr_forwarding = 0;
    struct rig *rig = helping(&conn, &open);
    rig_closed(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_free(rig);
}
END_TEST

/* That is no restart of the neighbour, and what it says when the link is back may be another thing.
 */
START_TEST(routes_do_not_outlive_the_link_to_the_neighbor)
{
    struct rig_conn *conn;
    struct rig *rig = helping_plainly(&conn);
    rig_link(rig, 2, "eth0", false);
    ck_assert(conn->is_closed);
    ck_assert_uint_eq(rig_routes(rig, PEER), 0);
    rig_free(rig);
}
END_TEST

START_TEST(kept_routes_go_when_the_restart_time_of_the_neighbor_is_over)
{
    struct rig_conn *conn;
    struct rig *rig = helping_plainly(&conn);
    rig_closed(rig, conn);
    struct snapshot_peer_family kept = rig_peer(rig, PEER).families[0];
    ck_assert(kept.is_stale && !kept.is_long_lived);
    ck_assert_int_eq(mono_span_to_s(mono_between(rig->now, kept.stale_until)), 120);
    rig_wait_ms(rig, 119000);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_wait_ms(rig, 2000);
    ck_assert_uint_eq(rig_routes(rig, PEER), 0);
    rig_free(rig);
}
END_TEST

START_TEST(what_is_not_said_again_goes_at_end_of_rib)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = helping(&conn, &open);
    rig_say_route(rig, conn, PEER_ASN, "198.51.100.0/24");
    rig_closed(rig, conn);
    conn = rig_up(rig, PEER, &open, NULL);
    ck_assert_uint_eq(rig_routes(rig, PEER), 2);
    rig_say_route(rig, conn, PEER_ASN, NET);
    ck_assert_uint_eq(rig_routes(rig, PEER), 2);
    rig_say_update(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_free(rig);
}
END_TEST

START_TEST(without_end_of_rib_the_stale_timer_ends_it)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = rig_new();
    struct config *config = restart_config();
    config->bgp.gr_stale_time_s = (struct opt_u32){true, 50};
    rig_configure(rig, config);
    conn = rig_up(rig, PEER, &open, NULL);
    rig_say_route(rig, conn, PEER_ASN, NET);
    rig_closed(rig, conn);
    rig_up(rig, PEER, &open, NULL);
    rig_wait_ms(rig, 49000);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_wait_ms(rig, 2000);
    ck_assert_uint_eq(rig_routes(rig, PEER), 0);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

/* Routes kept just after the neighbour is back with this OPEN. */
static uint32_t left_at_return(const struct open_message *back)
{
    struct rig_conn *conn;
    struct rig *rig = helping_plainly(&conn);
    rig_closed(rig, conn);
    rig_up(rig, PEER, back, NULL);
    uint32_t left = rig_routes(rig, PEER);
    rig_free(rig);
    return left;
}

START_TEST(a_return_without_f_or_capability_or_family_drops_at_once)
{
    struct open_message open = restart_open(PEER, PEER_ASN);
    ck_assert_uint_eq(left_at_return(&open), 1);
    open.capabilities.gr_forwarding = 0;
    ck_assert_uint_eq(left_at_return(&open), 0);
    open.capabilities.gr_families = 0;
    ck_assert_uint_eq(left_at_return(&open), 0);
    open = rig_open(PEER_ASN, 0x0a000002);
    ck_assert_uint_eq(left_at_return(&open), 0);
}
END_TEST

START_TEST(what_was_stale_already_goes_when_the_session_breaks_again)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = helping(&conn, &open);
    rig_closed(rig, conn);
    conn = rig_up(rig, PEER, &open, NULL);
    rig_say_route(rig, conn, PEER_ASN, "198.51.100.0/24");
    ck_assert_uint_eq(rig_routes(rig, PEER), 2);
    rig_closed(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_free(rig);
}
END_TEST

START_TEST(a_new_connection_replaces_the_session_of_a_restarted_neighbor)
{
    struct rig_conn *conn;
    struct open_message open = restart_open(PEER, PEER_ASN);
    struct rig *rig = helping(&conn, &open);
    rig_wait_ms(rig, 10000);
    struct rig_conn *again = rig_incoming(rig, PEER);
    ck_assert(conn->is_closed);
    ck_assert_int_eq(rig_notification(conn), 0);
    ck_assert(again->is_accepted && !again->is_closed);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_say_open(rig, again, &open);
    rig_say_keepalive(rig, again);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_free(rig);
}
END_TEST

START_TEST(two_calls_at_the_same_time_are_no_restart)
{
    struct rig_conn *conn;
    struct rig *rig = helping_plainly(&conn);
    struct rig_conn *again = rig_incoming(rig, PEER);
    ck_assert(again->is_closed);
    ck_assert(!conn->is_closed);
    rig_free(rig);
}
END_TEST

START_TEST(clear_and_shutdown_end_the_wait_for_a_neighbor)
{
    for (int is_shutdown = 0; is_shutdown < 2; is_shutdown++) {
        struct rig_conn *conn;
        struct rig *rig = helping_plainly(&conn);
        rig_closed(rig, conn);
        ck_assert_uint_eq(rig_routes(rig, PEER), 1);
        if (is_shutdown) {
            struct config *config = restart_config();
            ((struct config_neighbor *)(uintptr_t)config->bgp.neighbors)[0].shutdown =
                (struct opt_bool){true, true};
            rig_configure(rig, config);
        } else {
            struct ip_addr all = {.family = IP_NONE};
            core_clear(rig->core, rig->now, &all, 0, CLEAR_HARD, NULL);
            rig_settle(rig);
        }
        ck_assert_uint_eq(rig_routes(rig, PEER), 0);
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_neighbor_of_a_listen_range_is_helped_too)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    struct config_listen_range *ranges = arena_alloc(&config->arena, sizeof *ranges);
    struct config_neighbor *group = rig_group(config, "G");
    struct open_message open = restart_open(PEER, PEER_ASN);
    config->bgp.graceful_restart = (struct opt_bool){true, true};
    group->remote_as_kind = REMOTE_AS_EXTERNAL;
    config->bgp.peer_group_count = 1;
    ck_assert(prefix_parse("10.0.0.0/24", &ranges[0].prefix) == STATUS_OK);
    ranges[0].peer_group = "G";
    config->bgp.listen_ranges = ranges;
    config->bgp.listen_range_count = 1;
    rig_configure(rig, config);
    struct rig_conn *conn = rig_incoming(rig, PEER);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    rig_say_route(rig, conn, PEER_ASN, NET);
    rig_closed(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    conn = rig_incoming(rig, PEER);
    ck_assert(conn->is_accepted);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_uint_eq(rig_routes(rig, PEER), 1);
    rig_closed(rig, conn);
    rig_wait_ms(rig, 121000);
    ck_assert_uint_eq(snapshot_peer_count(rig->core), 0);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("graceful_restart");
    TCase *restarting = tcase_create("restarting");
    tcase_add_test(restarting, restart_over_old_routes_is_said_with_r_and_f);
    tcase_add_test(restarting, a_start_from_nothing_says_neither_r_nor_f);
    tcase_add_test(restarting, nobody_in_the_clear_keeps_a_cover_that_is_to_be_held);
    tcase_add_test(restarting, no_session_opens_before_the_kernel_is_read);
    tcase_add_test(restarting, r_ends_with_the_deferral_and_f_stays_for_those_we_knew);
    tcase_add_test(restarting, paths_are_chosen_once_all_have_sent_end_of_rib);
    tcase_add_test(restarting, without_a_restart_nothing_is_deferred);
    tcase_add_test(restarting, a_neighbor_that_stays_away_is_not_waited_for_long);
    tcase_add_test(restarting, nobody_waits_for_those_who_restart_themselves_or_cannot);
    tcase_add_test(restarting, the_deferral_timer_ends_the_wait_for_end_of_rib);
    tcase_add_test(restarting, a_stop_that_keeps_routes_ends_graceful_sessions_without_a_word);
    tcase_add_test(restarting, a_stop_that_keeps_routes_leaves_bfd_to_the_keeper);
    tcase_add_test(restarting, bfd_is_kept_only_where_the_neighbor_keeps_routes);
    tcase_add_test(restarting, just_after_a_restart_sessions_wait_for_their_bfd);
    tcase_add_test(restarting, a_failure_ends_the_deferral);
    suite_add_tcase(suite, restarting);
    TCase *helping_case = tcase_create("helping");
    tcase_add_test(helping_case, only_families_that_the_neighbor_listed_are_kept);
    tcase_add_test(helping_case, a_neighbor_that_restarts_again_and_again_may_come_back_at_once);
    tcase_add_test(helping_case, routes_are_kept_although_the_first_open_had_no_f);
    tcase_add_test(helping_case, routes_do_not_outlive_the_link_to_the_neighbor);
    tcase_add_test(helping_case, kept_routes_go_when_the_restart_time_of_the_neighbor_is_over);
    tcase_add_test(helping_case, what_is_not_said_again_goes_at_end_of_rib);
    tcase_add_test(helping_case, without_end_of_rib_the_stale_timer_ends_it);
    tcase_add_test(helping_case, a_return_without_f_or_capability_or_family_drops_at_once);
    tcase_add_test(helping_case, what_was_stale_already_goes_when_the_session_breaks_again);
    tcase_add_test(helping_case, a_new_connection_replaces_the_session_of_a_restarted_neighbor);
    tcase_add_test(helping_case, two_calls_at_the_same_time_are_no_restart);
    tcase_add_test(helping_case, clear_and_shutdown_end_the_wait_for_a_neighbor);
    tcase_add_test(helping_case, a_neighbor_of_a_listen_range_is_helped_too);
    suite_add_tcase(suite, helping_case);
    return suite;
}
