/* Pins and the guard against recursion, over every kind of underlay in both families: the outer
 * address of a tunnel follows its best underlay, an inner peer its own tunnel, nothing that is
 * learned through a tunnel takes an endpoint, and what lies beside an endpoint is protected. */
#include "bgpd/core/snapshot.h"
#include "tests/unit/config/config_test.h"
#include "tests/unit/core/kernel_model.h"

#define CONFIG_BYTES 2048u

enum underlay_kind {
    UNDERLAY_STATIC,    /* the hub's own prefix, by both MSEEs */
    UNDERLAY_BGP,       /* the same, as both MSEEs announce it */
    UNDERLAY_CONNECTED, /* the endpoints are on the links */
};

/* One family. The endpoints and the workloads lie inside the hub, which the tunnels announce. */
struct plan {
    uint8_t family;
    const char *word; /* of a static route */
    const char *er_local[2];
    const char *er_remote[2];
    uint8_t er_bits;
    const char *wire_local[2]; /* on the links, where the endpoints are on them too */
    uint8_t wire_bits;
    const char *router;
    uint8_t host_bits;
    const char *endpoint[2];
    const char *inner[2];
    const char *is_protected;
    const char *hub;
    const char *capture; /* the endpoint of the first tunnel, as a prefix of its own */
    const char *workloads[4];
};

static const struct plan ipv4 = {
    .family = IP_V4,
    .word = "ip",
    .er_local = {"172.16.0.1", "172.16.0.5"},
    .er_remote = {"172.16.0.2", "172.16.0.6"},
    .er_bits = 30,
    .wire_local = {"10.51.230.1", "10.51.230.2"},
    .wire_bits = 29,
    .router = "10.1.255.1",
    .host_bits = 32,
    .endpoint = {"10.51.230.4", "10.51.230.5"},
    .inner = {"10.51.230.12", "10.51.230.13"},
    .is_protected = "10.51.230.0/23",
    .hub = "10.51.230.0/24",
    .capture = "10.51.230.4/32",
    .workloads = {"10.51.230.8", "10.51.230.10", "10.51.230.200", "10.51.230.255"},
};

static const struct plan ipv6 = {
    .family = IP_V6,
    .word = "ipv6",
    .er_local = {"2001:db8:16::1", "2001:db8:16::5"},
    .er_remote = {"2001:db8:16::2", "2001:db8:16::6"},
    .er_bits = 126,
    .wire_local = {"2001:db8:230::1", "2001:db8:230::2"},
    .wire_bits = 125,
    .router = "2001:db8:1::1",
    .host_bits = 128,
    .endpoint = {"2001:db8:230::4", "2001:db8:230::5"},
    .inner = {"2001:db8:230::12", "2001:db8:230::13"},
    .is_protected = "2001:db8:230::/47",
    .hub = "2001:db8:230::/48",
    .capture = "2001:db8:230::4/128",
    .workloads = {"2001:db8:230::8", "2001:db8:230::10", "2001:db8:230::200",
                  "2001:db8:230:ffff::1"},
};

/* ---- Bringing it up ---- */

static size_t add(char *text, size_t used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t add(char *text, size_t used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text + used, CONFIG_BYTES - used, format, args);
    va_end(args);
    ck_assert_int_lt(written, (int)(CONFIG_BYTES - used));
    return used + (size_t)written;
}

static struct config *configuration(const struct plan *plan, enum underlay_kind kind,
                                    const char *const endpoints[2])
{
    char text[CONFIG_BYTES];
    size_t used = 0;
    for (int i = 0; i < 2; i++) {
        used = add(text, used, "tunnel ipsec%d\n local-endpoint %s\n remote-endpoint %s\n", i,
                   plan->router, endpoints[i]);
    }
    used = add(text, used, "protect %s require ipsec\n", plan->is_protected);
    for (int i = 0; i < 2 && kind == UNDERLAY_STATIC; i++) {
        used = add(text, used, "%s route %s %s\n", plan->word, plan->hub, plan->er_remote[i]);
    }
    used = add(text, used, "router bgp 65001\n bgp router-id 192.168.255.1\n");
    for (int i = 0; i < 2; i++) {
        used = add(text, used, " neighbor %s azure-role msee\n", plan->er_remote[i]);
        used =
            add(text, used, " neighbor %s azure-role vwan-hub tunnel ipsec%d\n", plan->inner[i], i);
        used = add(text, used, " neighbor %s update-source %s\n", plan->inner[i], plan->router);
    }
    struct loaded loaded = load_good(CONFIG_FORMAT_TEXT, text);
    struct config *config = loaded.config;
    loaded.config = NULL;
    unload(&loaded);
    return config;
}

static struct model *kernel_with_links(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = calloc(1, sizeof *model);
    model->top = calloc(1, sizeof *model->top);
    model->queue = calloc(MODEL_QUEUE_MAX, sizeof *model->queue);
    model->top->now = (struct mono_time){INT64_C(1000000000000)};
    model->top->core = core_new(NULL, 71);
    model_link_add(model, LO, "lo", "", plan->router, plan->host_bits);
    for (uint32_t i = 0; i < 2; i++) {
        const char *const names[] = {"er1", "er2"};
        model_link_add(model, ER1 + i, names[i], "veth", plan->er_local[i], plan->er_bits);
        if (kind == UNDERLAY_CONNECTED) {
            struct ip_addr addr = addr_of(plan->wire_local[i]);
            model_kernel_addr_put(&model->kernel, ER1 + i, &addr, plan->wire_bits);
        }
        top_far_end(model->top, plan->er_remote[i], plan->er_local[i], 12076, ER1 + i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const char *const names[] = {"ipsec0", "ipsec1"};
        model_link_add(model, IPSEC0 + i, names[i], "xfrm", NULL, 0);
        top_far_end(model->top, plan->inner[i], plan->router, 65515, IPSEC0 + i);
    }
    for (size_t i = 0; i < sizeof plan->workloads / sizeof plan->workloads[0]; i++) {
        model->guarded[model->guarded_count++] = addr_of(plan->workloads[i]);
    }
    return model;
}

static void announce(struct model *model, const char *peer, const char *prefix)
{
    far_announce(model->top, far_end_of(model->top, peer), prefix);
    model_wait_ms(model, 200);
}

/* Everything is up and announced. */
static struct model *up_with(const struct plan *plan, enum underlay_kind kind,
                             const char *const endpoints[2])
{
    struct model *model = kernel_with_links(plan, kind);
    model_configure(model, configuration(plan, kind, endpoints));
    model_tell_all(model);
    model_wait_ms(model, 30000);
    for (uint32_t i = 0; i < model->top->end_count; i++) {
        ck_assert_msg(model->top->ends[i].is_up, "session %u", i);
    }
    for (int i = 0; i < 2; i++) {
        if (kind == UNDERLAY_BGP) {
            announce(model, plan->er_remote[i], plan->hub);
        }
        announce(model, plan->inner[i], plan->hub);
    }
    return model;
}

static struct model *up(const struct plan *plan, enum underlay_kind kind)
{
    return up_with(plan, kind, plan->endpoint);
}

static void check_ways(struct model *model, const char *addr, uint32_t ways, const char *when)
{
    uint32_t found = model_ways_to(model, addr);
    ck_assert_msg(found == ways, "%s, %s: ways are %x instead of %x", addr, when, found, ways);
}

/* The kernel takes one of two links with the same network, and so does a pin. */
static uint32_t all_ways(enum underlay_kind kind)
{
    return kind == UNDERLAY_CONNECTED ? WAY(ER1) : WAY(ER1) | WAY(ER2);
}

static void link_set(struct model *model, uint32_t ifindex, bool is_up)
{
    model_link_set(model, ifindex, is_up);
    model_wait_ms(model, 200);
}

/* ---- What holds, whatever the underlay ---- */

static void endpoints_use_all_equal_underlays(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    for (int i = 0; i < 2; i++) {
        struct ip_addr endpoint = addr_of(plan->endpoint[i]);
        check_ways(model, plan->endpoint[i], all_ways(kind), "all up");
        const struct fib_route *pin = model_lookup(model, &endpoint);
        ck_assert_uint_eq(pin->prefix.len_bits, plan->host_bits);
        ck_assert_uint_eq(pin->protocol, MODEL_OURS);
    }
    model_free(model);
}

static void endpoints_move_with_a_link(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    link_set(model, ER1, false);
    check_ways(model, plan->endpoint[0], WAY(ER2), "er1 down");
    link_set(model, ER2, false);
    check_ways(model, plan->endpoint[0], 0, "both down");
    link_set(model, ER1, true);
    model_wait_ms(model, 150000); /* an MSEE is called again */
    if (kind == UNDERLAY_BGP) {
        announce(model, plan->er_remote[0], plan->hub);
    }
    check_ways(model, plan->endpoint[0], WAY(ER1), "er1 up again");
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

/* Nothing tells whether an endpoint is on a link that is silent: there is no gateway to watch. */
static void endpoints_move_with_bfd(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    mission_bfd(model, plan->er_remote[0], false);
    model_carry_out(model);
    check_ways(model, plan->endpoint[0], kind == UNDERLAY_CONNECTED ? WAY(ER1) : WAY(ER2),
               "BFD to one MSEE down");
    mission_bfd(model, plan->er_remote[0], true);
    model_wait_ms(model, 150000);
    if (kind == UNDERLAY_BGP) {
        announce(model, plan->er_remote[0], plan->hub);
    }
    check_ways(model, plan->endpoint[0], all_ways(kind), "BFD up again");
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

/* An underlay that is not BGP's stays where it is. */
static void endpoints_move_with_bgp_where_it_is_the_underlay(const struct plan *plan,
                                                             enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    for (int i = 0; i < 2; i++) {
        struct far_end *msee = far_end_of(model->top, plan->er_remote[i]);
        msee->refuses_connects = true;
        far_close(model->top, msee);
        model_wait_ms(model, 200);
        uint32_t left = i == 0 ? WAY(ER2) : 0;
        check_ways(model, plan->endpoint[0], kind == UNDERLAY_BGP ? left : all_ways(kind),
                   "a session has ended");
    }
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

static void inner_peers_use_their_own_tunnel(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    check_ways(model, plan->inner[0], WAY(IPSEC0), "all up");
    check_ways(model, plan->inner[1], WAY(IPSEC1), "all up");
    ck_assert_str_eq(far_end_of(model->top, plan->inner[0])->bound_to, "ipsec0");
    ck_assert_str_eq(far_end_of(model->top, plan->inner[1])->bound_to, "ipsec1");
    model_link_vanish(model, IPSEC0);
    model_wait_ms(model, 200);
    check_ways(model, plan->inner[0], 0, "its tunnel is gone");
    check_ways(model, plan->inner[1], WAY(IPSEC1), "the other tunnel is gone");
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

static const char *refused_capture(struct model *model, uint16_t index)
{
    static struct snapshot_tunnel tunnel;
    ck_assert(snapshot_tunnel(model->top->core, index, &tunnel));
    return tunnel.refused_capture;
}

static void captures_are_refused_and_listed(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    uint32_t logged = model->top->log_total[LOG_PIN];
    announce(model, plan->inner[0], plan->capture);
    check_ways(model, plan->endpoint[0], all_ways(kind), "its own tunnel wants it");
    char reason[128];
    snprintf(reason, sizeof reason, "%s via ipsec0 would carry the endpoint %s into its own tunnel",
             plan->capture, plan->endpoint[0]);
    ck_assert_str_eq(refused_capture(model, 0), reason);
    ck_assert_uint_eq(model->top->log_total[LOG_PIN], logged + 1);
    far_withdraw(model->top, far_end_of(model->top, plan->inner[0]), plan->capture);
    model_wait_ms(model, 200);
    announce(model, plan->inner[1], plan->capture);
    check_ways(model, plan->endpoint[0], all_ways(kind), "the other tunnel wants it");
    snprintf(reason, sizeof reason, "%s via ipsec1 would carry the endpoint %s into another tunnel",
             plan->capture, plan->endpoint[0]);
    ck_assert_str_eq(refused_capture(model, 0), reason);
    model_free(model);
}

/* The hub's prefix through the tunnel would take the endpoints where nothing longer leads there; a
 * static route that protection refuses does not. */
static void only_what_would_capture_is_listed(const struct plan *plan, enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    bool is_listed = strstr(refused_capture(model, 0), plan->hub) != NULL;
    ck_assert_msg(is_listed == (kind != UNDERLAY_CONNECTED), "listed: \"%s\"",
                  refused_capture(model, 0));
    model_free(model);
}

static void workloads_beside_the_endpoints_use_the_tunnels(const struct plan *plan,
                                                           enum underlay_kind kind)
{
    struct model *model = up(plan, kind);
    for (int step = 0; step < 3; step++) {
        const uint32_t ways[] = {WAY(IPSEC0) | WAY(IPSEC1), WAY(IPSEC1), 0};
        for (size_t i = 0; i < sizeof plan->workloads / sizeof plan->workloads[0]; i++) {
            check_ways(model, plan->workloads[i], ways[step], "tunnels die one by one");
        }
        check_ways(model, plan->endpoint[1], all_ways(kind), "tunnels die one by one");
        if (step < 2) {
            link_set(model, IPSEC0 + (uint32_t)step, false);
        }
    }
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

/* The session is bound to the tunnel, the outer packets go to the same address beside it. */
static void one_address_can_be_endpoint_and_peer(const struct plan *plan, enum underlay_kind kind)
{
    const char *const endpoints[] = {plan->inner[0], plan->endpoint[1]};
    struct model *model = kernel_with_links(plan, kind);
    if (kind == UNDERLAY_CONNECTED) { /* then it is on the links, too */
        struct ip_addr addr = addr_of(plan->wire_local[0]);
        model_kernel_addr_put(&model->kernel, ER1, &addr, (uint8_t)(plan->wire_bits - 2));
        model->guarded_count = 0;
    }
    model_configure(model, configuration(plan, kind, endpoints));
    model_tell_all(model);
    model_wait_ms(model, 30000);
    ck_assert(far_end_of(model->top, plan->inner[0])->is_up);
    for (int i = 0; i < 2; i++) {
        if (kind == UNDERLAY_BGP) {
            announce(model, plan->er_remote[i], plan->hub);
        }
    }
    announce(model, plan->inner[0], plan->hub);
    ck_assert_str_eq(far_end_of(model->top, plan->inner[0])->bound_to, "ipsec0");
    check_ways(model, plan->inner[0], all_ways(kind), "outer packets");
    check_ways(model, plan->workloads[2], WAY(IPSEC0), "workloads");
    announce(model, plan->inner[0], plan->capture);
    check_ways(model, plan->inner[0], all_ways(kind), "outer packets under a capture");
    ck_assert_uint_eq(model->leaks, 0);
    model_free(model);
}

/* ---- Every underlay in both families ---- */

#define MATRIX_ROW(property)                                                                       \
    START_TEST(property##__static_ipv4)                                                            \
    {                                                                                              \
        property(&ipv4, UNDERLAY_STATIC);                                                          \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(property##__bgp_ipv4)                                                               \
    {                                                                                              \
        property(&ipv4, UNDERLAY_BGP);                                                             \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(property##__connected_ipv4)                                                         \
    {                                                                                              \
        property(&ipv4, UNDERLAY_CONNECTED);                                                       \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(property##__static_ipv6)                                                            \
    {                                                                                              \
        property(&ipv6, UNDERLAY_STATIC);                                                          \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(property##__bgp_ipv6)                                                               \
    {                                                                                              \
        property(&ipv6, UNDERLAY_BGP);                                                             \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(property##__connected_ipv6)                                                         \
    {                                                                                              \
        property(&ipv6, UNDERLAY_CONNECTED);                                                       \
    }                                                                                              \
    END_TEST

MATRIX_ROW(endpoints_use_all_equal_underlays)
MATRIX_ROW(endpoints_move_with_a_link)
MATRIX_ROW(endpoints_move_with_bfd)
MATRIX_ROW(endpoints_move_with_bgp_where_it_is_the_underlay)
MATRIX_ROW(inner_peers_use_their_own_tunnel)
MATRIX_ROW(captures_are_refused_and_listed)
MATRIX_ROW(only_what_would_capture_is_listed)
MATRIX_ROW(workloads_beside_the_endpoints_use_the_tunnels)
MATRIX_ROW(one_address_can_be_endpoint_and_peer)

#define ADD_ROW(property)                                                                          \
    tcase_add_test(tcase, property##__static_ipv4);                                                \
    tcase_add_test(tcase, property##__bgp_ipv4);                                                   \
    tcase_add_test(tcase, property##__connected_ipv4);                                             \
    tcase_add_test(tcase, property##__static_ipv6);                                                \
    tcase_add_test(tcase, property##__bgp_ipv6);                                                   \
    tcase_add_test(tcase, property##__connected_ipv6)

Suite *test_suite(void)
{
    Suite *suite = suite_create("pins");
    TCase *tcase = tcase_create("every underlay");
    tcase_set_timeout(tcase, 60);
    ADD_ROW(endpoints_use_all_equal_underlays);
    ADD_ROW(endpoints_move_with_a_link);
    ADD_ROW(endpoints_move_with_bfd);
    ADD_ROW(endpoints_move_with_bgp_where_it_is_the_underlay);
    ADD_ROW(inner_peers_use_their_own_tunnel);
    ADD_ROW(captures_are_refused_and_listed);
    ADD_ROW(only_what_would_capture_is_listed);
    ADD_ROW(workloads_beside_the_endpoints_use_the_tunnels);
    ADD_ROW(one_address_can_be_endpoint_and_peer);
    suite_add_tcase(suite, tcase);
    return suite;
}
