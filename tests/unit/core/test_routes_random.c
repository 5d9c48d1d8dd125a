/* Random announcements, withdrawals, lost sessions, refreshes and commits, in slices of random
 * size: when all is quiet, every far end holds exactly what the tables and the policies say, each
 * table shows it, and the choice is the one an obvious comparison makes. */
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

#define END_COUNT    5
#define PREFIX_COUNT 24

struct world {
    struct table_top *top;
    struct random_source random;
    bool filters_odd_out[END_COUNT]; /* prefixes of odd number are refused */
    bool filters_odd_in[END_COUNT];
    bool is_multihop;
    uint32_t path_length[END_COUNT][PREFIX_COUNT]; /* said by each far end; 0 for nothing */
};

static bool end_is_internal(int end)
{
    return end >= 3;
}

static void prefix_text(int number, char text[32])
{
    snprintf(text, 32, "10.%d.0.0/16", number % 256);
}

static struct config *world_config(const struct world *world)
{
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    struct prefix_list_def *list = arena_alloc(&config->arena, sizeof *list);
    struct prefix_list_entry_def *entries =
        arena_alloc(&config->arena, (PREFIX_COUNT + 1) * sizeof *entries);
    for (int i = 0; i < PREFIX_COUNT; i++) {
        char text[32];
        prefix_text(i, text);
        entries[i] = (struct prefix_list_entry_def){
            .sequence = (uint32_t)i + 1, .is_permit = i % 2 == 0, .prefix = prefix_of(text)};
    }
    *list = (struct prefix_list_def){
        .name = "even", .family = IP_V4, .entries = entries, .entry_count = PREFIX_COUNT};
    config->policy.prefix_lists = list;
    config->policy.prefix_list_count = 1;
    for (int i = 0; i < END_COUNT; i++) {
        char addr[32];
        snprintf(addr, sizeof addr, "192.0.2.%d", 4 * i + 2);
        struct config_neighbor *neighbor =
            config_neighbor_add(config, addr, end_is_internal(i) ? 65001 : 64500);
        if (world->filters_odd_out[i]) {
            neighbor->families[0].prefix_list_out = "even";
        }
        if (world->filters_odd_in[i]) {
            neighbor->families[0].prefix_list_in = "even";
        }
        if (!end_is_internal(i) && world->is_multihop) {
            neighbor->ebgp_multihop = (struct opt_u32){true, 3};
        }
    }
    return config;
}

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.top = top_new(seed), .is_multihop = (seed & 1) != 0};
    random_init(&world->random, seed);
    for (int i = 0; i < END_COUNT; i++) {
        char name[16];
        char local[32];
        char remote[32];
        snprintf(name, sizeof name, "eth%d", i);
        snprintf(local, sizeof local, "192.0.2.%d", 4 * i + 1);
        snprintf(remote, sizeof remote, "192.0.2.%d", 4 * i + 2);
        top_link(world->top, (uint32_t)i + 2, name, "veth", local, 30);
        struct far_end *end = top_far_end(world->top, remote, local,
                                          end_is_internal(i) ? 65001 : 64500, (uint32_t)i + 2);
        end->options.is_ebgp = !end_is_internal(i);
        end->has_enhanced_refresh = i % 2 == 0;
    }
    top_configure(world->top, world_config(world));
    top_wait_s(world->top, 60);
}

static void say(struct world *world, int end, int number, uint32_t length)
{
    char text[32];
    prefix_text(number, text);
    struct far_end *far = &world->top->ends[end];
    if (!far->is_up) {
        return;
    }
    world->path_length[end][number] = length;
    if (length == 0) {
        far_withdraw(world->top, far, text);
        return;
    }
    /* Equal paths from the external ones, now and then; internal ones say shorter ones. */
    uint32_t path[6] = {64500, 64510, 64511, 64512, 64513, 64514};
    struct far_attrs wish = {.asns = path, .asn_count = length};
    if (end_is_internal(end)) {
        wish.has_local_pref = true;
        wish.local_pref = 100;
    }
    far_announce_with(world->top, far, text, &wish);
}

static void step(struct world *world)
{
    uint32_t what = random_below(&world->random, 100);
    int end = (int)random_below(&world->random, END_COUNT);
    struct far_end *far = &world->top->ends[end];
    if (what < 80) {
        int number = (int)random_below(&world->random, PREFIX_COUNT);
        say(world, end, number, random_below(&world->random, 4));
    } else if (what < 84 && far->is_up) {
        far_close(world->top, far);
        memset(world->path_length[end], 0, sizeof world->path_length[end]);
        if (random_below(&world->random, 2) == 0) {
            top_wait_s(world->top, 1 + random_below(&world->random, 20));
        }
    } else if (what < 88) {
        world->filters_odd_out[end] = !world->filters_odd_out[end];
        struct core_event event = {.kind = EVENT_CONFIG, .config = world_config(world)};
        top_feed(world->top, &event);
    } else if (what < 91) {
        world->filters_odd_in[end] = !world->filters_odd_in[end];
        struct core_event event = {.kind = EVENT_CONFIG, .config = world_config(world)};
        top_feed(world->top, &event);
    } else if (what < 94 && far->is_up) {
        uint8_t bytes[64];
        struct writer writer = writer_of(bytes, sizeof bytes);
        struct route_refresh refresh = {.afi_safi = AFI_SAFI_IPV4_UNICAST};
        route_refresh_encode(&writer, &refresh);
        far_send(world->top, far, bytes, writer_size(&writer));
    } else {
        (void)core_work(world->top->core, world->top->now, 1 + random_below(&world->random, 7));
    }
}

/* The far end whose path for number is the best one; -1 for none. */
static int oracle_best(const struct world *world, int number)
{
    int best = -1;
    for (int end = 0; end < END_COUNT; end++) {
        uint32_t length = world->path_length[end][number];
        if (length == 0 || (world->filters_odd_in[end] && number % 2 != 0)) {
            continue;
        }
        if (best < 0 || length < world->path_length[best][number]) {
            best =
                end; /* then external over internal, then the lower address: as they are numbered */
        }
    }
    return best;
}

static bool oracle_is_told(const struct world *world, int end, int number, int best)
{
    if (best < 0 || best == end || (world->filters_odd_out[end] && number % 2 != 0)) {
        return false;
    }
    return !(end_is_internal(best) && end_is_internal(end));
}

static void check(struct world *world, uint64_t seed)
{
    for (int number = 0; number < PREFIX_COUNT; number++) {
        char text[32];
        prefix_text(number, text);
        int best = oracle_best(world, number);
        struct shown_paths shown = show_table(world->top, SNAPSHOT_LOC_RIB, NULL, text);
        const struct snapshot_path *chosen = shown_best(&shown);
        ck_assert_msg((chosen != NULL) == (best >= 0), "seed %llu %s", (unsigned long long)seed,
                      text);
        ck_assert(chosen == NULL || ip_equal(&chosen->peer, &world->top->ends[best].addr));
        for (int end = 0; end < END_COUNT; end++) {
            struct far_end *far = &world->top->ends[end];
            struct far_route *route = far_route_find(far, text);
            bool is_told = oracle_is_told(world, end, number, best);
            ck_assert_msg((route != NULL) == is_told, "seed %llu end %d %s: %s",
                          (unsigned long long)seed, end, text,
                          is_told ? "not told" : "told in vain");
            if (is_told) {
                uint32_t length = world->path_length[best][number] + (end_is_internal(end) ? 0 : 1);
                ck_assert_uint_eq(as_path_length(route->attrs.as_path), length);
            }
        }
    }
    for (int end = 0; end < END_COUNT; end++) {
        struct far_end *far = &world->top->ends[end];
        char addr[IP_TEXT_BYTES];
        struct shown_paths shown =
            show_table(world->top, SNAPSHOT_ADJ_OUT, ip_format(&far->addr, addr), NULL);
        ck_assert_uint_eq(shown.total, far->route_count);
        ck_assert_uint_eq(show_peer(world->top, addr).families[0].sent, far->route_count);
    }
}

START_TEST(far_ends_hold_what_the_tables_say_after_any_history)
{
    for (uint64_t seed = (uint64_t)_i * 6 + 1; seed <= (uint64_t)_i * 6 + 6; seed++) {
        struct world world;
        world_init(&world, seed);
        for (int round = 0; round < 4; round++) {
            uint32_t steps = 20 + random_below(&world.random, 120);
            for (uint32_t i = 0; i < steps; i++) {
                step(&world);
                if (random_below(&world.random, 8) == 0) {
                    top_settle_slices(world.top, 1 + random_below(&world.random, 9));
                }
            }
            top_wait_s(world.top, 400);
            for (int end = 0; end < END_COUNT; end++) {
                ck_assert(world.top->ends[end].is_up);
            }
            check(&world, seed);
        }
        top_free(world.top);
    }
    for (int kind = 0; kind < MEM_KIND_COUNT; kind++) {
        ck_assert_msg(mem_blocks(kind) == 0, "%s", mem_kind_name(kind));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_random");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, far_ends_hold_what_the_tables_say_after_any_history, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
