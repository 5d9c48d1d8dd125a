/* Whom the core asks the io to probe inside a tunnel, and from which address: known from the
 * configuration at once, from the kernel's addresses when they come. */
#include <string.h>

#include "bgpd/core/core.h"
#include "tests/unit/unit.h"

static struct core *core;

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

/* A tunnel, perhaps with a neighbour inside and an inner-peer line. */
static struct config *make_config(uint32_t liveness, bool has_neighbor, bool has_inner_peer)
{
    static struct ip_addr inner_peer;
    struct config *config = config_new();
    struct config_tunnel *tunnel = arena_alloc(&config->arena, sizeof *tunnel);
    struct config_neighbor *neighbor = arena_alloc(&config->arena, sizeof *neighbor);
    inner_peer = ip("10.51.230.200");
    tunnel->name = "ipsec0";
    tunnel->interface = "ipsec0";
    tunnel->remote_endpoint = ip("10.51.230.4");
    tunnel->liveness = liveness;
    tunnel->inner_peers = &inner_peer;
    tunnel->inner_peer_count = has_inner_peer;
    config->tunnels = tunnel;
    config->tunnel_count = 1;
    neighbor->addr = ip("10.51.230.12");
    neighbor->azure_role = AZURE_ROLE_VWAN_HUB;
    neighbor->tunnel = "ipsec0";
    config->bgp.is_configured = true;
    config->bgp.asn = 65001;
    config->bgp.router_id = (struct opt_u32){true, 0xc0a8ff01};
    config->bgp.neighbors = neighbor;
    config->bgp.neighbor_count = has_neighbor;
    return config;
}

static void feed(const struct core_event *event)
{
    core_feed(core, (struct mono_time){1000000000}, event);
}

static void configure(struct config *config)
{
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    feed(&event);
}

static void tell_addr(const char *text, bool is_removed)
{
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr = (struct addr_event){
        .ifindex = 1, .is_removed = is_removed, .addr = ip(text), .len_bits = 32};
    feed(&event);
}

static void tell_loopback(void)
{
    struct core_event event = {.kind = EVENT_LINK};
    event.link = (struct link_event){
        .ifindex = 1, .name = "lo", .is_up = true, .is_loopback = true, .mtu = 65536};
    feed(&event);
}

/* The last watch asked for; how many there were. */
static uint32_t watches(struct tunnel_watch_action *watch_out)
{
    struct core_action action;
    uint32_t count = 0;
    while (core_take_action(core, &action)) {
        if (action.kind == ACTION_TUNNEL_WATCH) {
            *watch_out = action.tunnel_watch;
            watch_out->tunnel = NULL;
            count++;
        }
    }
    return count;
}

static void setup(void)
{
    struct core_limits limits = {0};
    core = core_new(&limits, 1);
}

static void teardown(void)
{
    core_free(core);
}

START_TEST(the_neighbour_inside_is_probed_from_its_sessions_address)
{
    struct tunnel_watch_action watch;
    struct ip_addr peer = ip("10.51.230.12");
    struct ip_addr local = ip("192.168.255.1");
    configure(make_config(LIVENESS_INTERFACE | LIVENESS_PROBE, true, true));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert_uint_eq(watch.sources, LIVENESS_PROBE);
    ck_assert(ip_equal(&watch.probe_peer, &peer));
    ck_assert_uint_eq(watch.probe_local.family, IP_NONE); /* not ours yet */
    tell_loopback();
    tell_addr("192.168.255.1", false);
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert(ip_equal(&watch.probe_local, &local));
    tell_addr("192.168.255.7", false); /* none of its business */
    ck_assert_uint_eq(watches(&watch), 0);
    tell_addr("192.168.255.1", true);
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert_uint_eq(watch.probe_local.family, IP_NONE);
}
END_TEST

START_TEST(without_a_neighbour_the_inner_peer_is_probed)
{
    struct tunnel_watch_action watch;
    struct ip_addr peer = ip("10.51.230.200");
    configure(make_config(LIVENESS_PROBE, false, true));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert(ip_equal(&watch.probe_peer, &peer));
    configure(make_config(LIVENESS_PROBE, false, false));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert_uint_eq(watch.probe_peer.family, IP_NONE);
}
END_TEST

START_TEST(without_a_liveness_line_everything_is_watched)
{
    struct tunnel_watch_action watch;
    configure(make_config(0, true, true));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert_uint_eq(watch.sources, LIVENESS_XFRM | LIVENESS_VICI | LIVENESS_PROBE);
}
END_TEST

START_TEST(a_liveness_line_says_what_is_watched)
{
    struct tunnel_watch_action watch;
    configure(make_config(LIVENESS_VICI, true, true));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert_uint_eq(watch.sources, LIVENESS_VICI);
    ck_assert_uint_eq(watch.probe_peer.family, IP_NONE);
    configure(make_config(LIVENESS_INTERFACE, true, true));
    ck_assert_uint_eq(watches(&watch), 1);
    ck_assert(watch.is_delete);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core/tunnel_probe");
    TCase *tests = tcase_create("choice");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_neighbour_inside_is_probed_from_its_sessions_address);
    tcase_add_test(tests, without_a_neighbour_the_inner_peer_is_probed);
    tcase_add_test(tests, without_a_liveness_line_everything_is_watched);
    tcase_add_test(tests, a_liveness_line_says_what_is_watched);
    suite_add_tcase(suite, tests);
    return suite;
}
