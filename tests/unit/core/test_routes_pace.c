/* MinRouteAdvertisementInterval: who waits, for how long, and for what nobody waits. */
#include "proto/base/mem.h"
#include "proto/base/random.h"
#include "tests/unit/core/five_ends.h"

#define NET "203.0.113.0/24"

static struct config *paced_config(uint32_t seconds)
{
    struct config *config = five_config();
    config_neighbor_of(config, B)->advertisement_interval_s = (struct opt_u32){true, seconds};
    return config;
}

static struct table_top *paced(uint32_t seconds)
{
    struct table_top *top = five();
    five_up(top, paced_config(seconds));
    return top;
}

/* The first far end says prefix with so many hops. */
static void say(struct table_top *top, const char *prefix, size_t length)
{
    uint32_t asns[8] = {64501, 64700, 64701, 64702, 64703, 64704, 64705, 64706};
    struct far_attrs wish = {.asns = asns, .asn_count = length};
    far_announce_with(top, &top->ends[0], prefix, &wish);
    top_settle(top);
}

static uint32_t times(struct table_top *top, uint32_t end, const char *prefix)
{
    const struct far_route *route = far_route_find(&top->ends[end], prefix);
    return route == NULL ? 0 : route->times;
}

static size_t hops(struct table_top *top, const char *prefix)
{
    return as_path_length(far_route_find(&top->ends[1], prefix)->attrs.as_path);
}

START_TEST(without_an_interval_nothing_waits)
{
    struct table_top *top = paced(0);
    for (size_t i = 1; i <= 4; i++) {
        say(top, NET, i);
        ck_assert_uint_eq(times(top, 1, NET), i);
    }
    top_free(top);
}
END_TEST

START_TEST(changes_wait_for_the_interval_and_the_newest_goes_out)
{
    struct table_top *top = paced(5);
    say(top, NET, 1); /* after a quiet time: at once */
    ck_assert_uint_eq(times(top, 1, NET), 1);
    for (size_t i = 2; i <= 5; i++) {
        say(top, NET, i);
    }
    say(top, "198.51.100.0/24", 1);
    ck_assert_uint_eq(times(top, 4, NET), 5); /* the others are told as before */
    ck_assert_uint_eq(times(top, 1, NET), 1);
    top_wait_s(top, 4);
    ck_assert_uint_eq(times(top, 1, NET), 1);
    top_wait_s(top, 1);
    ck_assert_uint_eq(times(top, 1, NET), 2);
    ck_assert_uint_eq(hops(top, NET), 6);
    ck_assert_uint_eq(times(top, 1, "198.51.100.0/24"), 1);
    say(top, NET, 1); /* in the pause that these began */
    top_wait_s(top, 4);
    ck_assert_uint_eq(times(top, 1, NET), 2);
    top_wait_s(top, 1);
    ck_assert_uint_eq(times(top, 1, NET), 3);
    top_wait_s(top, 20);
    ck_assert_uint_eq(times(top, 1, NET), 3);
    say(top, NET, 2); /* the pause is over long since */
    ck_assert_uint_eq(times(top, 1, NET), 4);
    top_free(top);
}
END_TEST

/* 9.2.1.2: no interval of their own, the neighbour's counts for them. */
START_TEST(our_own_networks_wait_as_all_others_do)
{
    static const char *const networks[] = {NET, "198.51.100.0/24", "198.51.101.0/24"};
    struct table_top *top = paced(5);
    for (size_t count = 1; count <= 3; count++) {
        struct config *config = paced_config(5);
        for (size_t i = 0; i < count; i++) {
            config_network_add(config, networks[i], 0);
        }
        top_configure(top, config);
        top_settle(top);
        ck_assert_uint_eq(times(top, 4, networks[count - 1]), 1);
        ck_assert_uint_eq(times(top, 1, networks[count - 1]), count == 1);
    }
    top_wait_s(top, 4);
    ck_assert_uint_eq(times(top, 1, networks[1]), 0);
    top_wait_s(top, 1);
    ck_assert_uint_eq(times(top, 1, networks[1]), 1);
    ck_assert_uint_eq(times(top, 1, networks[2]), 1);
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_free(top);
}
END_TEST

START_TEST(withdrawals_do_not_wait)
{
    struct table_top *top = paced(5);
    say(top, NET, 1);
    far_withdraw(top, &top->ends[0], NET);
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    say(top, NET, 2); /* said again within the interval: waits */
    ck_assert_uint_eq(top->ends[1].route_count, 0);
    say(top, "198.51.100.0/24", 1);
    far_withdraw(top, &top->ends[0], "198.51.100.0/24"); /* never said at all */
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].withdrawals, 1);
    top_wait_s(top, 5);
    ck_assert_uint_eq(top->ends[1].route_count, 1);
    ck_assert_uint_eq(hops(top, NET), 3);
    ck_assert_uint_eq(top->ends[1].withdrawals, 1);
    top_free(top);
}
END_TEST

START_TEST(the_first_full_announcement_does_not_wait)
{
    struct table_top *top = five();
    top->ends[1].refuses_connects = true;
    top_configure(top, paced_config(30));
    top_wait_s(top, 30);
    for (uint32_t i = 0; i < 600; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.%u.%u.0/24", i / 256, i % 256);
        say(top, prefix, 1 + i % 7);
    }
    top->ends[1].refuses_connects = false;
    while (!top->ends[1].is_up) {
        top_wait_s(top, 1);
    }
    top_settle_slices(top, 3);
    ck_assert_uint_eq(top->ends[1].route_count, 600);
    ck_assert_uint_ne(top->ends[1].end_of_ribs, 0);
    top_free(top);
}
END_TEST

START_TEST(a_refresh_does_not_wait)
{
    struct table_top *top = paced(30);
    say(top, NET, 1);
    say(top, NET, 2);
    ck_assert_uint_eq(times(top, 1, NET), 1);
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct route_refresh refresh = {.afi_safi = AFI_SAFI_IPV4_UNICAST};
    route_refresh_encode(&writer, &refresh);
    far_send(top, &top->ends[1], bytes, writer_size(&writer));
    top_settle(top);
    ck_assert_uint_eq(top->ends[1].refresh_begins, 1);
    ck_assert_uint_eq(top->ends[1].refresh_ends, 1);
    ck_assert_uint_eq(hops(top, NET), 3);
    top_free(top);
}
END_TEST

START_TEST(an_interval_taken_away_lets_everything_go)
{
    struct table_top *top = paced(30);
    say(top, NET, 1);
    say(top, NET, 2);
    top_configure(top, paced_config(0));
    ck_assert_uint_eq(hops(top, NET), 3);
    say(top, NET, 3);
    ck_assert_uint_eq(hops(top, NET), 4);
    ck_assert_uint_eq(show_peer(top, B).established_count, 1);
    top_configure(top, paced_config(30));
    say(top, NET, 4);
    say(top, NET, 5);
    ck_assert_uint_eq(hops(top, NET), 5);
    top_free(top);
}
END_TEST

/* However changes fall: in the end the paced neighbour holds what the other one does, no prefix was
 * announced twice within the interval, and nothing of the pace is left behind. */
START_TEST(random_changes_end_alike_for_who_waits_and_who_does_not)
{
    struct table_top *top = paced(3);
    struct random_source random;
    random_init(&random, (uint64_t)_i + 7);
    uint32_t seen[6] = {0};
    int64_t last[6] = {0};
    for (int step = 0; step < 400; step++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.%u.0.0/16", random_below(&random, 6));
        if (random_below(&random, 3) == 0) {
            far_withdraw(top, &top->ends[0], prefix);
            top_settle(top);
        } else {
            say(top, prefix, 1 + random_below(&random, 7));
        }
        if (random_below(&random, 3) == 0) {
            top_wait_s(top, 1);
        }
        for (uint32_t i = 0; i < 6; i++) {
            snprintf(prefix, sizeof prefix, "10.%u.0.0/16", i);
            uint32_t now = times(top, 1, prefix);
            if (now > seen[i] && seen[i] != 0) {
                ck_assert_uint_eq(now, seen[i] + 1);
            }
            if (now > seen[i] && last[i] != 0) {
                /* What is seen was said up to a second before. */
                ck_assert_int_ge(top->now.ns - last[i], INT64_C(2000000000));
            }
            last[i] = now != 0 && now != seen[i] ? top->now.ns : last[i];
            seen[i] = now;
        }
        if (random_below(&random, 60) == 0) {
            far_close(top, &top->ends[1]);
            top_wait_s(top, 90);
            memset(last, 0, sizeof last); /* what was said meanwhile was not timed */
            for (uint32_t i = 0; i < 6; i++) {
                snprintf(prefix, sizeof prefix, "10.%u.0.0/16", i);
                seen[i] = times(top, 1, prefix);
            }
        }
    }
    top_wait_s(top, 90);
    ck_assert_uint_eq(top->ends[1].route_count, top->ends[4].route_count);
    for (uint32_t i = 0; i < top->ends[1].route_count; i++) {
        char prefix[PREFIX_TEXT_BYTES];
        prefix_format(&top->ends[1].routes[i].prefix, prefix);
        const struct far_route *other = far_route_find(&top->ends[4], prefix);
        ck_assert_ptr_nonnull(other);
        ck_assert_uint_eq(as_path_length(other->attrs.as_path), hops(top, prefix));
    }
    top_free(top);
    ck_assert_int_eq(mem_blocks(MEM_ADJ_RIB_OUT), 0);
    ck_assert_int_eq(mem_blocks(MEM_PEER), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_pace");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_an_interval_nothing_waits);
    tcase_add_test(tcase, changes_wait_for_the_interval_and_the_newest_goes_out);
    tcase_add_test(tcase, our_own_networks_wait_as_all_others_do);
    tcase_add_test(tcase, withdrawals_do_not_wait);
    tcase_add_test(tcase, the_first_full_announcement_does_not_wait);
    tcase_add_test(tcase, a_refresh_does_not_wait);
    tcase_add_test(tcase, an_interval_taken_away_lets_everything_go);
    tcase_add_loop_test(tcase, random_changes_end_alike_for_who_waits_and_who_does_not, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
