/* ADD-PATH (RFC 7911) in both directions: identifiers, which paths are sent, what is taken back,
 * and policy over many paths of one peer. */
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "tests/unit/core/five_ends.h"

#define NET  "203.0.113.0/24"
#define IPV4 AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)

/* The second far end takes several paths, the first one sends them. */
static struct table_top *five_with_paths(void)
{
    struct table_top *top = five();
    top->ends[0].options.add_path_send = IPV4;
    top->ends[1].options.add_path_receive = IPV4;
    return top;
}

static struct config *paths_config(enum add_path_mode mode, uint32_t best)
{
    struct config *config = five_config();
    config_neighbor_of(config, A)->families[0].add_path_receive = (struct opt_bool){true, true};
    struct config_family *family = &config_neighbor_of(config, B)->families[0];
    family->add_path_all = (struct opt_bool){true, mode == ADD_PATH_MODE_ALL};
    family->add_path_per_as = (struct opt_bool){true, mode == ADD_PATH_MODE_PER_AS};
    family->add_path_best = (struct opt_u32){mode == ADD_PATH_MODE_BEST, best};
    return config;
}

static void say(struct table_top *top, uint32_t end, const char *prefix, uint32_t path_id,
                uint32_t second_asn, size_t length)
{
    uint32_t asns[8] = {top->ends[end].asn};
    for (size_t i = 1; i < length; i++) {
        asns[i] = second_asn;
    }
    struct far_attrs wish = {.asns = asns, .asn_count = length};
    if (top->ends[end].asn == 65001) {
        wish.asns = asns + 1;
        wish.asn_count = length - 1;
        wish.has_local_pref = true;
        wish.local_pref = 100;
    }
    far_announce_path(top, &top->ends[end], prefix, path_id, &wish);
}

static void take(struct table_top *top, uint32_t end, const char *prefix, uint32_t path_id)
{
    far_announce_paths(top, &top->ends[end], &prefix, 1, path_id, NULL);
}

/* What the second far end holds with second_asn behind our own and the first AS. */
static struct far_route *held(struct table_top *top, const char *prefix, uint32_t second_asn)
{
    struct far_end *end = &top->ends[1];
    struct prefix wanted = prefix_of(prefix);
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_equal(&end->routes[i].prefix, &wanted) &&
            as_path_occurrences(end->routes[i].attrs.as_path, second_asn) != 0) {
            return &end->routes[i];
        }
    }
    return NULL;
}

START_TEST(all_paths_go_out_under_identifiers_of_their_own)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    say(top, 0, NET, 7, 64701, 2);
    say(top, 0, NET, 8, 64702, 3);
    say(top, 2, NET, 0, 64703, 2);
    say(top, 4, NET, 0, 64704, 2);
    say(top, 1, NET, 0, 64705, 2); /* its own: not told back */
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 4);
    uint32_t ids[4];
    for (uint32_t i = 0; i < 4; i++) {
        struct far_route *route = held(top, NET, 64701 + i);
        ck_assert_ptr_nonnull(route);
        ids[i] = route->path_id;
        ck_assert_uint_ne(ids[i], 0);
        for (uint32_t k = 0; k < i; k++) {
            ck_assert_uint_ne(ids[i], ids[k]);
        }
    }
    ck_assert_uint_eq(far_path_count(&top->ends[4], NET), 1); /* who takes one gets the best */
    struct shown_paths told = show_table(top, SNAPSHOT_ADJ_OUT, B, NET);
    ck_assert_uint_eq(told.count, 4);
    ck_assert(told.rows[0].is_first_of_prefix && !told.rows[1].is_first_of_prefix);
    top_free(top);
}
END_TEST

START_TEST(an_identifier_stays_as_long_as_its_path)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    say(top, 0, NET, 7, 64701, 2);
    say(top, 0, NET, 8, 64702, 2);
    say(top, 4, NET, 0, 64704, 2);
    top_settle(top);
    uint32_t first = held(top, NET, 64701)->path_id;
    uint32_t second = held(top, NET, 64702)->path_id;
    say(top, 0, NET, 7, 64711, 5); /* other attributes, and now the worst */
    top_settle(top);
    ck_assert_uint_eq(held(top, NET, 64711)->path_id, first);
    ck_assert_uint_eq(held(top, NET, 64711)->times, 2);
    ck_assert_uint_eq(held(top, NET, 64702)->times, 1); /* nothing is said twice */
    ck_assert_uint_eq(held(top, NET, 64704)->times, 1);
    ck_assert_uint_eq(top->ends[1].withdrawals, 0);
    take(top, 0, NET, 7);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].withdrawals, 1);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 2);
    ck_assert_uint_eq(held(top, NET, 64702)->path_id, second);
    ck_assert_uint_eq(held(top, NET, 64702)->times, 1);
    far_close(top, &top->ends[4]);
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 1);
    take(top, 0, NET, 8);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    top_free(top);
}
END_TEST

START_TEST(the_best_path_of_every_neighbor_as_goes_out)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_PER_AS, 0));
    say(top, 0, NET, 7, 64701, 3);
    say(top, 0, NET, 8, 64702, 4);
    say(top, 4, NET, 0, 64703, 2); /* the same AS, shorter */
    say(top, 2, NET, 0, 64777, 5); /* internal, of AS 64777 */
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 2);
    ck_assert_ptr_nonnull(held(top, NET, 64703));
    ck_assert_ptr_nonnull(held(top, NET, 64777));
    uint32_t other = held(top, NET, 64777)->path_id;
    take(top, 4, NET, 0);
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 2);
    ck_assert_ptr_nonnull(held(top, NET, 64701));
    ck_assert_uint_eq(held(top, NET, 64777)->path_id, other);
    ck_assert_uint_eq(held(top, NET, 64777)->times, 1);
    top_free(top);
}
END_TEST

START_TEST(so_many_of_the_best_paths_go_out)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_BEST, 2));
    say(top, 0, NET, 7, 64701, 4);
    say(top, 0, NET, 8, 64702, 3);
    say(top, 4, NET, 0, 64703, 2);
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 2);
    ck_assert_ptr_nonnull(held(top, NET, 64703));
    ck_assert_ptr_nonnull(held(top, NET, 64702));
    /* The best one gets better: the third one is still out, and nothing else was said. */
    uint32_t updates = top->ends[1].updates;
    say(top, 0, NET, 7, 64701, 5);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].updates, updates);
    take(top, 4, NET, 0);
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 2);
    ck_assert_ptr_nonnull(held(top, NET, 64701));
    /* Another mode sends the difference, and the session stays. */
    say(top, 4, NET, 0, 64703, 2);
    top_settle(top);
    top_configure(top, paths_config(ADD_PATH_MODE_ALL, 0));
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 3);
    ck_assert_uint_eq(held(top, NET, 64702)->times, 1);
    top_configure(top, paths_config(ADD_PATH_MODE_BEST, 1));
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 1);
    ck_assert_ptr_nonnull(held(top, NET, 64703));
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(only_eligible_paths_are_among_several)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    say(top, 0, NET, 7, 64701, 2);
    say(top, 0, NET, 8, 65001, 2); /* our own AS in the path */
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 1);
    ck_assert_ptr_nonnull(held(top, NET, 64701));
    top_free(top);
}
END_TEST

START_TEST(networks_and_refreshes_go_with_identifiers_too)
{
    struct table_top *top = five_with_paths();
    struct config *config = paths_config(ADD_PATH_MODE_ALL, 0);
    config_network_add(config, "10.0.0.0/8", 0);
    config_neighbor_of(config, B)->families[0].default_originate = (struct opt_bool){true, true};
    five_up(top, config);
    say(top, 0, "10.0.0.0/8", 7, 64701, 2);
    say(top, 0, "0.0.0.0/0", 7, 64701, 2);
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], "10.0.0.0/8"), 2);
    ck_assert_uint_eq(far_path_count(&top->ends[1], "0.0.0.0/0"), 1);
    ck_assert_uint_eq(as_path_length(far_route_find(&top->ends[1], "0.0.0.0/0")->attrs.as_path), 1);
    struct far_route *network = far_route_find(&top->ends[1], "10.0.0.0/8");
    uint32_t times = network->times;
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct route_refresh refresh = {.afi_safi = AFI_SAFI_IPV4_UNICAST};
    route_refresh_encode(&writer, &refresh);
    far_send(top, &top->ends[1], bytes, writer_size(&writer));
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], "10.0.0.0/8"), 2);
    ck_assert_uint_eq(far_route_find(&top->ends[1], "10.0.0.0/8")->times, times + 1);
    top_free(top);
}
END_TEST

START_TEST(the_paths_sent_for_one_prefix_are_bounded)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    for (uint32_t id = 0; id < 300; id++) {
        say(top, 0, NET, id, 64700 + id, id == 299 ? 2 : 4);
    }
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 256);
    ck_assert_ptr_nonnull(held(top, NET, 64999)); /* the best one is among them */
    for (uint32_t id = 0; id < 200; id++) {
        take(top, 0, NET, id);
    }
    top_settle(top);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 100);
    top_free(top);
}
END_TEST

/* Anything may happen: what is held in the end is what is usable, path for path. */
START_TEST(random_changes_leave_the_far_end_with_exactly_the_usable_paths)
{
    static const char *const nets[4] = {"203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8",
                                        "10.1.0.0/16"};
    struct table_top *top = five_with_paths();
    struct random_source random;
    random_init(&random, (uint64_t)_i + 1);
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    for (int step = 0; step < 300; step++) {
        static const uint32_t senders[4] = {0, 0, 2, 4};
        uint32_t end = senders[random_below(&random, 4)];
        const char *net = nets[random_below(&random, 4)];
        uint32_t path_id = end == 0 ? random_below(&random, 4) : 0;
        switch (random_below(&random, 12)) {
        case 0:
            top_settle_slices(top, 1 + random_below(&random, 3));
            break;
        case 1:
            if (random_below(&random, 4) == 0) {
                far_close(top, &top->ends[end]);
                top_wait_s(top, 90);
            }
            break;
        case 2:
            if (random_below(&random, 4) == 0) {
                far_close(top, &top->ends[1]);
                top_wait_s(top, 90);
            }
            break;
        case 3:
        case 4:
        case 5:
            take(top, end, net, path_id);
            break;
        default:
            say(top, end, net, path_id, 64700 + 10 * end + path_id, 2 + random_below(&random, 4));
        }
    }
    top_wait_s(top, 90);
    uint32_t wanted = 0;
    for (int i = 0; i < 4; i++) {
        struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, nets[i]);
        for (uint32_t k = 0; k < shown.count; k++) {
            ck_assert(shown.rows[k].is_eligible);
            wanted++;
            uint32_t asn = 64700 +
                           (shown.rows[k].peer_asn == 65001                     ? 20
                            : ip_equal(&shown.rows[k].peer, &top->ends[4].addr) ? 40
                                                                                : 0) +
                           shown.rows[k].path_id;
            struct far_route *route = held(top, nets[i], asn);
            ck_assert_ptr_nonnull(route);
            ck_assert_uint_eq(as_path_length(route->attrs.as_path),
                              as_path_length(shown.rows[k].attrs.as_path) + 1);
        }
    }
    ck_assert_uint_eq(top->ends[1].route_count, wanted);
    ck_assert_uint_eq(show_peer(top, B).families[0].sent, wanted);
    top_free(top);
    ck_assert_int_eq(mem_blocks(MEM_ADJ_RIB_OUT), 0);
}
END_TEST

/* ---- Receiving ---- */

static uint32_t accepted_paths(struct table_top *top)
{
    struct shown_paths shown = show_table(top, SNAPSHOT_ADJ_IN_ACCEPTED, A, NULL);
    return shown.total;
}

START_TEST(a_changed_policy_runs_over_every_path_of_a_peer)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_ALL, 0));
    for (uint32_t id = 0; id < 40; id++) {
        say(top, 0, NET, id, 64700 + id, 2 + id % 4);
    }
    top_settle(top);
    ck_assert_uint_eq(accepted_paths(top), 40);
    ck_assert_uint_eq(show_peer(top, A).families[0].received, 40);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 40);
    struct config *config = paths_config(ADD_PATH_MODE_ALL, 0);
    one_prefix_list(config, "none", NET, false);
    config_neighbor_of(config, A)->families[0].prefix_list_in = "none";
    top_configure(top, config);
    ck_assert_uint_eq(accepted_paths(top), 0);
    ck_assert_uint_eq(show_peer(top, A).families[0].received, 40);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 0);
    top_configure(top, paths_config(ADD_PATH_MODE_ALL, 0));
    ck_assert_uint_eq(accepted_paths(top), 40);
    ck_assert_uint_eq(far_path_count(&top->ends[1], NET), 40);
    /* A withdrawal names its path and takes no other. */
    take(top, 0, NET, 39);
    take(top, 0, NET, 77);
    top_settle(top);
    ck_assert_uint_eq(accepted_paths(top), 39);
    ck_assert_ptr_null(held(top, NET, 64739));
    ck_assert_ptr_nonnull(held(top, NET, 64738));
    top_free(top);
}
END_TEST

START_TEST(paths_of_one_prefix_are_taken_up_to_a_bound)
{
    struct table_top *top = five_with_paths();
    five_up(top, paths_config(ADD_PATH_MODE_BEST, 1));
    for (uint32_t id = 0; id < 600; id++) {
        say(top, 0, NET, id, 64700, 3);
    }
    say(top, 0, "198.51.100.0/24", 1, 64700, 3); /* other prefixes do not mind */
    top_settle(top);
    ck_assert_uint_eq(show_peer(top, A).families[0].received, 513);
    ck_assert_uint_eq(top->log_total[LOG_PREFIX_LIMIT], 1);
    say(top, 0, NET, 511, 64701, 2); /* what is there may change, */
    say(top, 0, NET, 512, 64702, 2); /* what is refused stays refused, */
    top_settle(top);
    ck_assert_ptr_nonnull(held(top, NET, 64701));
    take(top, 0, NET, 3); /* and room is used again */
    say(top, 0, NET, 512, 64702, 1);
    top_settle(top);
    ck_assert_uint_eq(show_peer(top, A).families[0].received, 513);
    ck_assert(top->ends[0].is_up);
    top_free(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_paths");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, all_paths_go_out_under_identifiers_of_their_own);
    tcase_add_test(tcase, an_identifier_stays_as_long_as_its_path);
    tcase_add_test(tcase, the_best_path_of_every_neighbor_as_goes_out);
    tcase_add_test(tcase, so_many_of_the_best_paths_go_out);
    tcase_add_test(tcase, only_eligible_paths_are_among_several);
    tcase_add_test(tcase, networks_and_refreshes_go_with_identifiers_too);
    tcase_add_test(tcase, the_paths_sent_for_one_prefix_are_bounded);
    tcase_add_loop_test(tcase, random_changes_leave_the_far_end_with_exactly_the_usable_paths, 0,
                        8);
    tcase_add_test(tcase, a_changed_policy_runs_over_every_path_of_a_peer);
    tcase_add_test(tcase, paths_of_one_prefix_are_taken_up_to_a_bound);
    suite_add_tcase(suite, tcase);
    return suite;
}
