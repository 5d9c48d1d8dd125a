/* Cores against each other on a simulated clock and network. */
#include "tests/sim/sim_world.h"
#include "tests/unit/unit.h"

static struct config *config_of(uint32_t node)
{
    struct config *config = config_new();
    struct config_neighbor *neighbor = arena_alloc(&config->arena, sizeof *neighbor);
    struct config_network *network = arena_alloc(&config->arena, sizeof *network);
    struct ip_addr prefix = ip_from_v4(0x14000000u + (node << 16));
    config->bgp.is_configured = true;
    config->bgp.asn = 65001 + node;
    config->bgp.router_id = (struct opt_u32){true, 1 + node};
    config->bgp.ebgp_requires_policy = false;
    neighbor->addr = ip_from_v4(0x0a000001u + (1 - node));
    neighbor->remote_as_kind = REMOTE_AS_EXTERNAL;
    config->bgp.neighbors = neighbor;
    config->bgp.neighbor_count = 1;
    network->prefix = prefix_make(&prefix, 16);
    config->bgp.families[0].networks = network;
    config->bgp.families[0].network_count = 1;
    return config;
}

static struct sim_world *two_cores(uint64_t seed)
{
    struct sim_world *world = sim_world_new(seed, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct core_event event = {.kind = EVENT_CONFIG, .config = config_of(i)};
        sim_feed(world, &world->nodes[i], &event);
    }
    return world;
}

static bool is_up(const struct sim_world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct snapshot_peer peer;
        ck_assert(snapshot_peer(world->nodes[i].core, 0, &peer));
        if (peer.state != PEER_ESTABLISHED) {
            return false;
        }
    }
    return true;
}

static bool has_route_of_other(const struct sim_world *world, uint32_t node)
{
    struct ip_addr addr = ip_from_v4(0x14000000u + ((1 - node) << 16));
    struct prefix prefix = prefix_make(&addr, 16);
    return sim_kernel_has(&world->nodes[node], &prefix);
}

START_TEST(two_cores_reach_established_and_exchange_prefixes)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sim_world *world = two_cores(seed);
        sim_run_ms(world, 15000);
        ck_assert_msg(is_up(world), "seed %llu", (unsigned long long)seed);
        ck_assert(has_route_of_other(world, 0) && has_route_of_other(world, 1));
        ck_assert_uint_eq(world->nodes[0].kernel.refused + world->nodes[1].kernel.refused, 0);
        sim_world_free(world);
    }
}
END_TEST

START_TEST(a_reset_is_survived_within_seconds)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_world *world = two_cores(seed);
        sim_run_ms(world, 15000);
        for (int i = 0; i < 3; i++) {
            ck_assert(sim_break_connection(world));
            sim_run_ms(world, 100);
            ck_assert(!has_route_of_other(world, 0) && !has_route_of_other(world, 1));
            sim_run_ms(world, 75000);
            ck_assert_msg(is_up(world), "seed %llu", (unsigned long long)seed);
            ck_assert(has_route_of_other(world, 0) && has_route_of_other(world, 1));
        }
        sim_world_free(world);
    }
}
END_TEST

START_TEST(a_dead_link_is_noticed_by_the_hold_timer)
{
    struct sim_world *world = two_cores(5);
    sim_run_ms(world, 15000);
    world->nodes[1].is_link_up = false; /* nobody is told */
    sim_run_ms(world, 100000);
    ck_assert(is_up(world));
    sim_run_ms(world, 90000);
    ck_assert(!is_up(world) && !has_route_of_other(world, 0));
    world->nodes[1].is_link_up = true;
    sim_run_ms(world, 75000);
    ck_assert(is_up(world) && has_route_of_other(world, 0));
    sim_world_free(world);
}
END_TEST

START_TEST(a_core_that_stops_takes_its_routes_along)
{
    struct sim_world *world = two_cores(9);
    sim_run_ms(world, 15000);
    struct core_event event = {.kind = EVENT_STOP};
    sim_feed(world, &world->nodes[0], &event);
    sim_run_ms(world, 1000);
    ck_assert(world->nodes[0].is_stopped);
    ck_assert(!has_route_of_other(world, 0) && !has_route_of_other(world, 1));
    sim_world_free(world);
}
END_TEST

START_TEST(the_same_seed_does_the_same_to_the_last_octet)
{
    uint64_t seen = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hashes[2];
        for (int run = 0; run < 2; run++) {
            struct sim_world *world = two_cores(seed);
            sim_run_ms(world, 15000);
            sim_break_connection(world);
            sim_run_ms(world, 60000);
            hashes[run] = world->hash;
            sim_world_free(world);
        }
        ck_assert_uint_eq(hashes[0], hashes[1]);
        ck_assert_uint_ne(hashes[0], seen);
        seen = hashes[0];
    }
}
END_TEST

START_TEST(meshes_under_faults_converge)
{
    for (uint64_t seed = 1000; seed < 1010; seed++) {
        char text[SIM_TEXT_BYTES];
        uint64_t hash;
        const char *failure = sim_scenario_run(seed, false, text, &hash);
        ck_assert_msg(failure == NULL, "seed %llu: %s", (unsigned long long)seed, failure);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("two_cores");
    TCase *tcase = tcase_create("two_cores");
    tcase_add_test(tcase, two_cores_reach_established_and_exchange_prefixes);
    tcase_add_test(tcase, a_reset_is_survived_within_seconds);
    tcase_add_test(tcase, a_dead_link_is_noticed_by_the_hold_timer);
    tcase_add_test(tcase, a_core_that_stops_takes_its_routes_along);
    tcase_add_test(tcase, the_same_seed_does_the_same_to_the_last_octet);
    tcase_add_test(tcase, meshes_under_faults_converge);
    suite_add_tcase(suite, tcase);
    return suite;
}
