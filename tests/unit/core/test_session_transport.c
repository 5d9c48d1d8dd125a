/* How sessions run: TTL, sources, tunnels, interfaces, BFD, listen ranges. */
#include <errno.h>

#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define PEER           "10.0.0.2"
#define PEER_ASN       65002u
#define CEASE(subcode) (NOTIFICATION_CEASE << 8 | (subcode))

static struct config *config_with(void (*edit)(struct config *, struct config_neighbor *))
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = rig_neighbor(config, PEER, PEER_ASN);
    if (edit != NULL) {
        edit(config, neighbor);
    }
    return config;
}

/* ---- How a session runs ---- */

START_TEST(ttl_follows_kind_hops_and_security)
{
    static const struct {
        uint32_t asn, multihop, security;
        uint8_t ttl, ttl_min;
    } rows[] = {
        {65002, 0, 0, 1, 0},     {65002, 5, 0, 5, 0},     {65001, 0, 0, 255, 0},
        {65002, 0, 1, 255, 255}, {65002, 0, 3, 255, 253}, {65001, 0, 254, 255, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *rig = rig_new();
        struct config *config = rig_config();
        struct config_neighbor *neighbor = rig_neighbor(config, PEER, rows[i].asn);
        neighbor->ebgp_multihop = (struct opt_u32){rows[i].multihop != 0, rows[i].multihop};
        neighbor->ttl_security_hops = (struct opt_u32){rows[i].security != 0, rows[i].security};
        rig_configure(rig, config);
        ck_assert_uint_eq(rig_ours(rig)->setup.ttl, rows[i].ttl);
        ck_assert_uint_eq(rig_ours(rig)->setup.ttl_min, rows[i].ttl_min);
        struct rig_conn *theirs = rig_incoming(rig, PEER);
        ck_assert_uint_eq(theirs->setup.ttl, rows[i].ttl);
        ck_assert_uint_eq(theirs->setup.ttl_min, rows[i].ttl_min);
        rig_free(rig);
    }
}
END_TEST

static int gate_of(const struct rig *rig, const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    for (int i = 0; i < rig->gate_count; i++) {
        if (prefix_equal(&rig->gates[i], &prefix)) {
            return rig->gate_ttl_min[i];
        }
    }
    return -1;
}

START_TEST(the_listener_knows_how_far_each_neighbor_may_be)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, 65002)->ttl_security_hops = (struct opt_u32){true, 1};
    rig_neighbor(config, "10.0.0.3", 65003)->ttl_security_hops = (struct opt_u32){true, 10};
    rig_neighbor(config, "10.0.0.4", 65004);
    rig_configure(rig, config);
    ck_assert_int_eq(gate_of(rig, "10.0.0.2/32"), 255);
    ck_assert_int_eq(gate_of(rig, "10.0.0.3/32"), 246);
    ck_assert_int_eq(gate_of(rig, "10.0.0.4/32"), -1);
    config = rig_config();
    rig_neighbor(config, PEER, 65002);
    rig_neighbor(config, "10.0.0.4", 65004)->ttl_security_hops = (struct opt_u32){true, 1};
    rig_configure(rig, config);
    ck_assert_int_eq(gate_of(rig, "10.0.0.2/32"), 0);
    ck_assert_int_eq(gate_of(rig, "10.0.0.3/32"), 0);
    ck_assert_int_eq(gate_of(rig, "10.0.0.4/32"), 255);
    rig_free(rig);
}
END_TEST

static struct config *config_with_far_range(uint32_t hops)
{
    struct config *config = rig_config();
    struct config_listen_range *range = arena_alloc(&config->arena, sizeof *range);
    *range = (struct config_listen_range){.peer_group = "G"};
    ck_assert_int_eq(prefix_parse("10.0.0.0/24", &range->prefix), STATUS_OK);
    config->bgp.listen_ranges = range;
    config->bgp.listen_range_count = 1;
    struct config_neighbor *group = rig_group(config, "G");
    group->remote_as_kind = REMOTE_AS_EXTERNAL;
    group->ttl_security_hops = (struct opt_u32){hops != 0, hops};
    rig_neighbor(config, PEER, 65002);
    return config;
}

START_TEST(a_range_with_ttl_security_does_not_bind_the_neighbor_inside)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_far_range(1));
    ck_assert_int_eq(gate_of(rig, "10.0.0.0/24"), 255);
    ck_assert_int_eq(gate_of(rig, "10.0.0.2/32"), 1);
    rig_configure(rig, config_with_far_range(2));
    ck_assert_int_eq(gate_of(rig, "10.0.0.0/24"), 254);
    rig_configure(rig, config_with_far_range(0));
    ck_assert_int_eq(gate_of(rig, "10.0.0.0/24"), 0);
    ck_assert_int_eq(gate_of(rig, "10.0.0.2/32"), 0);
    rig_free(rig);
}
END_TEST

START_TEST(the_listener_offers_the_smallest_segment_of_all)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, 65002)->tcp_mss = (struct opt_u32){true, 1200};
    rig_neighbor(config, "10.0.0.3", 65003)->tcp_mss = (struct opt_u32){true, 700};
    rig_neighbor(config, "10.0.0.4", 65004);
    rig_configure(rig, config);
    ck_assert_uint_eq(rig->listening_mss[0], 700);
    ck_assert_uint_eq(rig_ours(rig)->setup.tcp_mss, 0); /* of 10.0.0.4, dialled last */
    config = rig_config();
    rig_neighbor(config, PEER, 65002)->tcp_mss = (struct opt_u32){true, 1200};
    rig_configure(rig, config);
    ck_assert_uint_eq(rig->listening_mss[0], 1200);
    ck_assert_int_eq(rig->listening[0], 179);
    rig_free(rig);
}
END_TEST

START_TEST(a_distant_neighbor_without_multihop_waits_and_says_why)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "10.9.9.9", 65002);
    rig_configure(rig, config);
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert(strstr(rig_peer(rig, "10.9.9.9").why_not, "ebgp-multihop") != NULL);
    /* The network comes: it is tried at once. */
    rig_addr_add(rig, 2, "10.9.9.1", 24);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

START_TEST(update_source_is_used_both_ways)
{
    struct rig *rig = rig_new();
    rig_addr_add(rig, 2, "10.0.0.11", 24);
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->update_source = rig_addr("10.0.0.11");
    rig_configure(rig, config);
    struct ip_addr source = rig_addr("10.0.0.11");
    ck_assert(ip_equal(&rig_ours(rig)->setup.local_addr, &source));
    ck_assert(rig_incoming_over(rig, PEER, "10.0.0.1", 2)->is_closed);
    ck_assert(rig_incoming_over(rig, PEER, "10.0.0.11", 2)->is_accepted);
    rig_free(rig);
}
END_TEST

START_TEST(a_source_that_is_not_ours_is_waited_for)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->update_source = rig_addr("10.0.0.77");
    rig_configure(rig, config);
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert(strstr(rig_peer(rig, PEER).why_not, "10.0.0.77") != NULL);
    rig_addr_add(rig, 2, "10.0.0.77", 24);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

START_TEST(update_source_may_be_an_interface)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->update_source_interface = "eth1";
    rig_configure(rig, config);
    ck_assert_ptr_null(rig_ours(rig));
    rig_link(rig, 3, "eth1", true);
    rig_addr_add(rig, 3, "10.1.0.1", 24);
    struct ip_addr source = rig_addr("10.1.0.1");
    ck_assert_ptr_nonnull(rig_ours(rig));
    ck_assert(ip_equal(&rig_ours(rig)->setup.local_addr, &source));
    rig_free(rig);
}
END_TEST

static struct config *config_with_tunnel(void)
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
    };
    config->tunnels = tunnel;
    config->tunnel_count = 1;
    struct config_neighbor *neighbor = rig_neighbor(config, "10.51.230.12", 0);
    neighbor->remote_as_kind = REMOTE_AS_UNSET;
    neighbor->azure_role = AZURE_ROLE_VWAN_HUB;
    neighbor->tunnel = "ipsec0";
    return config;
}

START_TEST(a_session_bound_to_a_tunnel_runs_there_and_nowhere_else)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_tunnel());
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert(strstr(rig_peer(rig, "10.51.230.12").why_not, "ipsec0") != NULL);
    rig_wait_ms(rig, 60000);
    ck_assert_ptr_null(rig_ours(rig));
    rig_link(rig, 7, "ipsec0", true);
    struct rig_conn *conn = rig_ours(rig);
    ck_assert_ptr_nonnull(conn);
    ck_assert_str_eq(conn->setup.bind_interface, "ipsec0");
    ck_assert_uint_gt(conn->setup.ttl, 1);
    struct ip_addr router_id = rig_addr("10.0.0.1");
    ck_assert(ip_equal(&conn->setup.local_addr, &router_id)); /* the router id is local here */
    ck_assert(rig_incoming_over(rig, "10.51.230.12", "10.0.0.1", 2)->is_closed);
    ck_assert(rig_logged(rig, LOG_PEER_ERROR, "not over tunnel ipsec0"));
    ck_assert(rig_incoming_over(rig, "10.51.230.12", "10.0.0.1", 7)->is_accepted);
    rig_free(rig);
}
END_TEST

START_TEST(a_neighbor_may_leave_together_with_its_tunnel)
{
    struct rig *rig = rig_new();
    struct config *config = config_with_tunnel();
    rig_neighbor(config, PEER, PEER_ASN);
    rig_configure(rig, config);
    rig_link(rig, 7, "ipsec0", true);
    rig_establish(rig, PEER, PEER_ASN);
    struct rig_conn *bound = rig_establish(rig, "10.51.230.12", 65515);
    rig_count(bound, MESSAGE_OPEN);
    rig_configure(rig, config_with(NULL));
    ck_assert_int_eq(rig_notification(bound), CEASE(CEASE_DECONFIGURED));
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(a_session_moves_when_its_tunnel_gets_another_interface)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_tunnel());
    rig_link(rig, 7, "ipsec0", true);
    rig_link(rig, 8, "ipsec9", true);
    struct rig_conn *bound = rig_establish(rig, "10.51.230.12", 65515);
    struct config *config = config_with_tunnel();
    struct config_tunnel *tunnel = (struct config_tunnel *)(uintptr_t)config->tunnels;
    tunnel->interface = "ipsec9";
    rig_configure(rig, config);
    ck_assert(bound->is_closed);
    ck_assert_str_eq(rig_ours(rig)->setup.bind_interface, "ipsec9");
    rig_free(rig);
}
END_TEST

START_TEST(a_router_id_that_is_no_address_of_ours_is_no_source)
{
    struct rig *rig = rig_new();
    struct config *config = config_with_tunnel();
    config->bgp.router_id.value = 0xc0a8ff01;
    rig_configure(rig, config);
    rig_link(rig, 7, "ipsec0", true);
    ck_assert_int_eq(rig_ours(rig)->setup.local_addr.family, IP_NONE);
    rig_free(rig);
}
END_TEST

START_TEST(interface_down_drops_its_external_sessions_at_once)
{
    for (int is_fast = 0; is_fast < 2; is_fast++) {
        struct rig *rig = rig_new();
        struct config *config = config_with(NULL);
        config->bgp.fast_external_failover = is_fast == 1;
        rig_configure(rig, config);
        struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
        rig_link(rig, 2, "eth0", false);
        ck_assert_int_eq(conn->is_closed, is_fast == 1);
        if (is_fast == 1) {
            ck_assert(strstr(rig_peer(rig, PEER).last_reset_reason, "eth0") != NULL);
            rig_wait_ms(rig, 30000);
            ck_assert_ptr_null(rig_ours(rig));
            rig_link(rig, 2, "eth0", true);
            ck_assert_ptr_nonnull(rig_ours(rig));
        }
        rig_free(rig);
    }
}
END_TEST

/* TCP would go on until the hold timer, and what is announced meanwhile reaches nobody. */
START_TEST(a_session_ends_when_its_own_address_is_gone)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_tunnel());
    rig_link(rig, 7, "ipsec0", true);
    rig_addr_add(rig, 3, "192.168.255.1", 32);
    struct rig_conn *conn = rig_incoming_over(rig, "10.51.230.12", "192.168.255.1", 7);
    struct open_message open = rig_open(65515, 0x0a33e60c);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, "10.51.230.12"), PEER_ESTABLISHED);

    rig_addr_gone(rig, 3, "192.168.255.1", 32);
    rig_wait_ms(rig, 500);
    rig_addr_add(rig, 3, "192.168.255.1", 32);
    rig_wait_ms(rig, 5000); /* set anew, as network managers do */
    ck_assert(!conn->is_closed);

    rig_addr_gone(rig, 3, "192.168.255.1", 32);
    rig_wait_ms(rig, 1010);
    ck_assert(conn->is_closed);
    ck_assert_str_eq(rig_peer(rig, "10.51.230.12").last_reset_reason,
                     "our address 192.168.255.1 is gone");
    rig_free(rig);
}
END_TEST

START_TEST(a_session_from_an_address_of_no_interface_stays)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_tunnel());
    rig_link(rig, 7, "ipsec0", true);
    struct rig_conn *conn = rig_incoming_over(rig, "10.51.230.12", "192.168.255.1", 7);
    struct open_message open = rig_open(65515, 0x0a33e60c);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    rig_addr_gone(rig, 2, "2001:db8::1", 64);
    rig_wait_ms(rig, 5000);
    ck_assert_int_eq(rig_state(rig, "10.51.230.12"), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

START_TEST(ipv6_sessions_have_their_own_listener)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "2001:db8::2", PEER_ASN);
    rig_configure(rig, config);
    ck_assert_int_eq(rig->listening[0], 0);
    ck_assert_int_eq(rig->listening[1], 179);
    rig_establish(rig, "2001:db8::2", PEER_ASN);
    rig_free(rig);
}
END_TEST

START_TEST(the_listening_port_is_the_callers_choice)
{
    struct core_limits limits = {.listen_port = 1790};
    struct rig *rig = rig_new_with(&limits, 1);
    rig_configure(rig, config_with(NULL));
    ck_assert_int_eq(rig->listening[0], 1790);
    rig_free(rig);
}
END_TEST

START_TEST(neighbors_beyond_the_limit_are_not_started)
{
    struct core_limits limits = {.peers_max = 1};
    struct rig *rig = rig_new_with(&limits, 1);
    struct config *config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002);
    rig_neighbor(config, "10.0.0.3", 65003);
    rig_configure(rig, config);
    ck_assert_uint_eq(snapshot_peer_count(rig->core), 1);
    ck_assert(rig_logged(rig, LOG_CONFIG, "limit of 1 neighbors"));
    rig_free(rig);
}
END_TEST

/* ---- BFD ---- */

static void edit_bfd(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->bfd = (struct opt_bool){true, true};
    neighbor->bfd_interval_ms = (struct opt_u32){true, 250};
}

static void bfd_fact(struct rig *rig, bool is_up, bool is_admin_down)
{
    struct core_event event = {.kind = EVENT_BFD_STATE};
    event.bfd.peer = rig_addr(PEER);
    event.bfd.is_up = is_up;
    event.bfd.is_admin_down = is_admin_down;
    snprintf(event.bfd.detail, sizeof event.bfd.detail, "control detection time expired");
    rig_feed(rig, &event);
}

START_TEST(bfd_down_ends_the_session_with_6_10)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd));
    ck_assert_int_eq(rig->bfd_count, 1);
    ck_assert(!rig->bfd[0].is_delete && !rig->bfd[0].is_multihop);
    ck_assert_str_eq(rig->bfd[0].interface, "eth0");
    ck_assert_uint_eq(rig->bfd[0].transmit_interval_us, 250000);
    ck_assert_uint_eq(rig->bfd[0].detect_multiplier, 3);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN); /* nothing known: nothing blocked */
    rig_count(conn, MESSAGE_OPEN);
    bfd_fact(rig, true, false);
    ck_assert_str_eq(rig_peer(rig, PEER).liveness, "bfd up");
    bfd_fact(rig, false, true);
    ck_assert(!conn->is_closed); /* AdminDown is no failure (RFC 5882 4.2) */
    bfd_fact(rig, true, false);
    bfd_fact(rig, false, false);
    ck_assert(conn->is_closed);
    ck_assert_int_eq(rig_notification(conn), CEASE(CEASE_BFD_DOWN));
    rig_configure(rig, config_with(NULL));
    ck_assert_int_eq(rig->bfd_count, 2);
    ck_assert(rig->bfd[1].is_delete);
    rig_free(rig);
}
END_TEST

START_TEST(bfd_that_never_came_up_drops_nothing)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd));
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    bfd_fact(rig, false, false);
    ck_assert(!conn->is_closed);
    rig_free(rig);
}
END_TEST

static void edit_bfd_strict(struct config *config, struct config_neighbor *neighbor)
{
    edit_bfd(config, neighbor);
    neighbor->bfd_strict = (struct opt_bool){true, true};
}

START_TEST(strict_bfd_is_waited_for)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_strict));
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert(strstr(rig_peer(rig, PEER).why_not, "BFD is not up") != NULL);
    bfd_fact(rig, true, false);
    ck_assert_ptr_null(rig_ours(rig)); /* the peer, who has just learned the same, goes first */
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    rig_free(rig);
    rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_strict));
    bfd_fact(rig, true, false);
    rig_wait_ms(rig, 310);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

START_TEST(strict_bfd_down_ends_an_attempt_too)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_strict));
    bfd_fact(rig, true, false);
    rig_wait_ms(rig, 310);
    struct rig_conn *ours = rig_ours(rig);
    ck_assert_ptr_nonnull(ours);
    bfd_fact(rig, false, false);
    ck_assert(ours->is_closed);
    ck_assert_ptr_null(rig_ours(rig));
    rig_free(rig);
}
END_TEST

static void edit_bfd_hold_down(struct config *config, struct config_neighbor *neighbor)
{
    edit_bfd(config, neighbor);
    neighbor->bfd_hold_down_ms = (struct opt_u32){true, 5000};
}

START_TEST(a_session_that_bfd_ended_waits_for_the_hold_down)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_hold_down));
    ck_assert_uint_eq(rig->bfd[0].hold_down_ms, 5000);
    rig_establish(rig, PEER, PEER_ASN); /* before BFD has ever spoken nothing is waited for */
    bfd_fact(rig, true, false);
    bfd_fact(rig, false, false);
    rig_wait_ms(rig, 120000);
    ck_assert_ptr_null(rig_ours(rig));
    ck_assert_ptr_nonnull(strstr(rig_peer(rig, PEER).why_not, "hold-down"));
    ck_assert(rig_incoming(rig, PEER)->is_closed);
    bfd_fact(rig, true, false); /* told when the hold-down is over */
    rig_wait_ms(rig, 1000);
    ck_assert_ptr_nonnull(rig_ours(rig));
    bfd_fact(rig, false, false);
    bfd_fact(rig, false, true); /* the far end gives BFD up: nothing to wait for */
    rig_wait_ms(rig, 120000);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

static void edit_bfd_shutdown(struct config *config, struct config_neighbor *neighbor)
{
    edit_bfd_strict(config, neighbor);
    neighbor->bfd_shutdown = (struct opt_bool){true, true};
}

START_TEST(bfd_that_is_shut_down_holds_no_session_back_and_ends_none)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_strict));
    bfd_fact(rig, true, false);
    rig_wait_ms(rig, 310);
    rig_establish(rig, PEER, PEER_ASN);
    rig_configure(rig, config_with(edit_bfd_shutdown));
    ck_assert(rig->bfd[rig->bfd_count - 1].is_shutdown);
    bfd_fact(rig, false, true); /* what the thread says then */
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
    rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_shutdown));
    rig_establish(rig, PEER, PEER_ASN);
    rig_free(rig);
}
END_TEST

static void edit_bfd_parameters(struct config *config, struct config_neighbor *neighbor)
{
    struct config_bfd_profile *profile = arena_alloc(&config->arena, sizeof *profile);
    *profile = (struct config_bfd_profile){.name = "P",
                                           .passive = true,
                                           .minimum_ttl = {true, 250},
                                           .hold_down_ms = 700,
                                           .auth = {BFD_AUTH_KEYED_SHA1 - 1, 9, "secret"}};
    config->bfd_profiles = profile;
    config->bfd_profile_count = 1;
    edit_bfd(config, neighbor);
    neighbor->bfd_profile = "P";
    neighbor->bfd_hold_down_ms = (struct opt_u32){true, 900}; /* its own word goes first */
}

START_TEST(what_a_profile_says_reaches_the_bfd_session)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_parameters));
    const struct bfd_session_action *action = &rig->bfd[0];
    ck_assert(action->passive && !action->is_shutdown);
    ck_assert_uint_eq(action->minimum_ttl, 250);
    ck_assert_uint_eq(action->hold_down_ms, 900);
    ck_assert_uint_eq(action->auth.type, BFD_AUTH_KEYED_SHA1);
    ck_assert_uint_eq(action->auth.key_id, 9);
    ck_assert_uint_eq(action->auth.secret_bytes, 6);
    ck_assert_mem_eq(action->auth.secret, "secret\0", 7);
    rig_free(rig);
}
END_TEST

START_TEST(strict_bfd_refuses_the_far_end_before_it_is_up)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_bfd_strict));
    ck_assert(!rig_incoming(rig, PEER)->is_accepted);
    bfd_fact(rig, true, false);
    ck_assert(rig_incoming(rig, PEER)->is_accepted);
    bfd_fact(rig, false, false);
    ck_assert(!rig_incoming(rig, PEER)->is_accepted);
    rig_free(rig);
}
END_TEST

/* ---- Listen ranges ---- */

static struct config *config_with_range(uint32_t limit)
{
    struct config *config = rig_config();
    struct config_neighbor *group = rig_group(config, "DYN");
    struct config_listen_range *range = arena_alloc(&config->arena, sizeof *range);
    group->remote_as_kind = REMOTE_AS_EXTERNAL;
    ck_assert(prefix_parse("10.0.0.64/26", &range->prefix) == STATUS_OK);
    range->peer_group = "DYN";
    config->bgp.listen_ranges = range;
    config->bgp.listen_range_count = 1;
    config->bgp.listen_limit = (struct opt_u32){true, limit};
    return config;
}

START_TEST(a_listen_range_makes_neighbors_and_forgets_them)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_range(2));
    ck_assert_int_eq(rig->listening[0], 179);
    ck_assert(rig_incoming(rig, "10.0.0.5")->is_closed);
    struct rig_conn *first = rig_incoming(rig, "10.0.0.65");
    struct rig_conn *second = rig_incoming(rig, "10.0.0.66");
    ck_assert(first->is_accepted && second->is_accepted);
    ck_assert(rig_incoming(rig, "10.0.0.67")->is_closed); /* over the limit */
    struct open_message open = rig_open(65010, 0x0a000041);
    rig_say_open(rig, first, &open);
    rig_say_keepalive(rig, first);
    ck_assert_int_eq(rig_state(rig, "10.0.0.65"), PEER_ESTABLISHED);
    rig_configure(rig, config_with_range(2));
    ck_assert(!first->is_closed);
    rig_closed(rig, first);
    ck_assert_uint_eq(snapshot_peer_count(rig->core), 1);
    rig_configure(rig, rig_config());
    ck_assert(second->is_closed);
    ck_assert_uint_eq(snapshot_peer_count(rig->core), 0);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("session_transport");
    TCase *tcase = tcase_create("session_transport");
    tcase_add_test(tcase, ttl_follows_kind_hops_and_security);
    tcase_add_test(tcase, the_listener_knows_how_far_each_neighbor_may_be);
    tcase_add_test(tcase, a_range_with_ttl_security_does_not_bind_the_neighbor_inside);
    tcase_add_test(tcase, the_listener_offers_the_smallest_segment_of_all);
    tcase_add_test(tcase, a_distant_neighbor_without_multihop_waits_and_says_why);
    tcase_add_test(tcase, update_source_is_used_both_ways);
    tcase_add_test(tcase, a_source_that_is_not_ours_is_waited_for);
    tcase_add_test(tcase, update_source_may_be_an_interface);
    tcase_add_test(tcase, a_session_bound_to_a_tunnel_runs_there_and_nowhere_else);
    tcase_add_test(tcase, a_neighbor_may_leave_together_with_its_tunnel);
    tcase_add_test(tcase, a_session_moves_when_its_tunnel_gets_another_interface);
    tcase_add_test(tcase, a_router_id_that_is_no_address_of_ours_is_no_source);
    tcase_add_test(tcase, interface_down_drops_its_external_sessions_at_once);
    tcase_add_test(tcase, a_session_ends_when_its_own_address_is_gone);
    tcase_add_test(tcase, a_session_from_an_address_of_no_interface_stays);
    tcase_add_test(tcase, ipv6_sessions_have_their_own_listener);
    tcase_add_test(tcase, the_listening_port_is_the_callers_choice);
    tcase_add_test(tcase, neighbors_beyond_the_limit_are_not_started);
    tcase_add_test(tcase, bfd_down_ends_the_session_with_6_10);
    tcase_add_test(tcase, bfd_that_never_came_up_drops_nothing);
    tcase_add_test(tcase, strict_bfd_is_waited_for);
    tcase_add_test(tcase, strict_bfd_down_ends_an_attempt_too);
    tcase_add_test(tcase, a_session_that_bfd_ended_waits_for_the_hold_down);
    tcase_add_test(tcase, bfd_that_is_shut_down_holds_no_session_back_and_ends_none);
    tcase_add_test(tcase, what_a_profile_says_reaches_the_bfd_session);
    tcase_add_test(tcase, strict_bfd_refuses_the_far_end_before_it_is_up);
    tcase_add_test(tcase, a_listen_range_makes_neighbors_and_forgets_them);
    suite_add_tcase(suite, tcase);
    return suite;
}
