/* What may cross the border of an AS, and between neighbours of which role: RFC 9234, RFC 4360 6,
 * RFC 8326, RFC 7705, and the loop checks of RFC 4456. */
#include "proto/community.h"
#include "tests/unit/core/five_ends.h"
#include "tests/unit/unit.h"

#define NET "203.0.113.0/24"

static struct opt_u32 role_of(enum bgp_role role)
{
    return (struct opt_u32){true, role};
}

/* The first far end announces NET with this OTC; 0: without. */
static void announce_otc(struct table_top *top, uint32_t otc_asn)
{
    struct far_end *end = &top->ends[0];
    struct far_attrs wish = {.asns = (uint32_t[]){64501, 64777}, .asn_count = 2};
    struct arena arena;
    arena_init(&arena);
    struct path_attrs attrs = far_path_attrs(end, &arena, &wish);
    if (otc_asn != 0) {
        attrs.otc_asn = otc_asn;
        path_attrs_set(&attrs, PATH_ATTR_OTC);
    }
    const char *net = NET;
    far_announce_attrs(top, end, &net, 1, &attrs);
    arena_fini(&arena);
    top_settle(top);
}

/* RFC 9234 5, on receipt: by our role, what becomes of a route without OTC, with the neighbour's
 * own number in it and with another. 1: a leak. */
START_TEST(only_to_customer_is_checked_and_added_on_receipt)
{
    static const struct {
        enum bgp_role ours;
        uint32_t without; /* the OTC that the accepted route has; 1: refused */
        uint32_t with_theirs;
        uint32_t with_other;
    } rows[] = {
        {BGP_ROLE_PROVIDER, 0, 1, 1},
        {BGP_ROLE_RS, 0, 1, 1},
        {BGP_ROLE_PEER, 64501, 64501, 1},
        {BGP_ROLE_CUSTOMER, 64501, 64501, 64777},
        {BGP_ROLE_RS_CLIENT, 64501, 64501, 64777},
        {BGP_ROLE_NONE, 0, 64501, 64777},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table_top *top = five();
        struct config *config = five_config();
        config_neighbor_of(config, A)->role = role_of(rows[i].ours);
        five_up(top, config);
        static const uint32_t sent[3] = {0, 64501, 64777};
        const uint32_t wanted[3] = {rows[i].without, rows[i].with_theirs, rows[i].with_other};
        for (int k = 0; k < 3; k++) {
            announce_otc(top, sent[k]);
            struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
            ck_assert_uint_eq(shown.count, 1);
            const struct snapshot_path *path = &shown.rows[0];
            if (wanted[k] == 1) {
                ck_assert_uint_eq(path->reason, DECISION_ROUTE_LEAK);
                ck_assert(!path->is_eligible);
                ck_assert_ptr_null(far_route_find(&top->ends[2], NET));
                continue;
            }
            ck_assert(path->is_eligible);
            ck_assert_uint_eq(path_attrs_has(&path->attrs, PATH_ATTR_OTC) ? path->attrs.otc_asn : 0,
                              wanted[k]);
            ck_assert_ptr_nonnull(far_route_find(&top->ends[2], NET));
        }
        top_free(top);
    }
}
END_TEST

/* RFC 9234 5, on sending. 1: not sent. */
START_TEST(only_to_customer_is_obeyed_and_added_on_sending)
{
    static const struct {
        enum bgp_role ours;
        uint32_t without;
        uint32_t with;
    } rows[] = {
        {BGP_ROLE_PROVIDER, 65001, 64777}, {BGP_ROLE_RS, 65001, 64777}, {BGP_ROLE_PEER, 65001, 1},
        {BGP_ROLE_CUSTOMER, 0, 1},         {BGP_ROLE_RS_CLIENT, 0, 1},  {BGP_ROLE_NONE, 0, 64777},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table_top *top = five();
        struct config *config = five_config();
        config_neighbor_of(config, B)->role = role_of(rows[i].ours);
        config_neighbor_of(config, C)->role = role_of(rows[i].ours); /* internal: of no effect */
        five_up(top, config);
        for (int k = 0; k < 2; k++) {
            announce_otc(top, k == 0 ? 0 : 64777);
            uint32_t wanted = k == 0 ? rows[i].without : rows[i].with;
            const struct far_route *told = far_route_find(&top->ends[1], NET);
            ck_assert_int_eq(told != NULL, wanted != 1);
            if (told != NULL) {
                ck_assert_uint_eq(
                    path_attrs_has(&told->attrs, PATH_ATTR_OTC) ? told->attrs.otc_asn : 0, wanted);
            }
            const struct far_route *internal = far_route_find(&top->ends[2], NET);
            ck_assert_ptr_nonnull(internal);
            ck_assert_int_eq(path_attrs_has(&internal->attrs, PATH_ATTR_OTC), k == 1);
        }
        top_free(top);
    }
}
END_TEST

START_TEST(non_transitive_communities_stop_at_the_border)
{
    static const uint8_t both[16] = {0x00, 2, 0xfd, 0xe8, 0, 0, 0, 1,
                                     0x40, 4, 0xfd, 0xe8, 0, 0, 0, 9};
    struct table_top *top = five();
    five_up(top, five_config());
    struct far_end *from = &top->ends[2];
    struct far_attrs wish = {.has_local_pref = true, .local_pref = 100};
    for (int k = 0; k < 2; k++) { /* with a transitive one beside it, and alone */
        struct arena arena;
        arena_init(&arena);
        struct path_attrs attrs = far_path_attrs(from, &arena, &wish);
        attrs.ext_communities = (struct byte_view){both + 8 * k, (size_t)(16 - 8 * k)};
        path_attrs_set(&attrs, PATH_ATTR_EXT_COMMUNITIES);
        const char *net = "10.8.0.0/16";
        far_announce_attrs(top, from, &net, 1, &attrs);
        arena_fini(&arena);
        top_settle(top);
        const struct far_route *told = far_route_find(&top->ends[0], net);
        ck_assert_ptr_nonnull(told);
        ck_assert_int_eq(path_attrs_has(&told->attrs, PATH_ATTR_EXT_COMMUNITIES), k == 0);
        if (k == 0) {
            ck_assert_uint_eq(told->attrs.ext_communities.size, 8);
            ck_assert_mem_eq(told->attrs.ext_communities.data, both, 8);
        }
    }
    /* Inside the AS it stays. */
    static const uint8_t lone[8] = {0x40, 4, 0xfd, 0xe8, 0, 0, 0, 9};
    struct arena arena;
    arena_init(&arena);
    struct far_attrs outside = {.asns = &top->ends[0].asn, .asn_count = 1};
    struct path_attrs attrs = far_path_attrs(&top->ends[0], &arena, &outside);
    attrs.ext_communities = (struct byte_view){lone, sizeof lone};
    path_attrs_set(&attrs, PATH_ATTR_EXT_COMMUNITIES);
    const char *net = NET;
    far_announce_attrs(top, &top->ends[0], &net, 1, &attrs);
    arena_fini(&arena);
    top_settle(top);
    ck_assert_uint_eq(far_route_find(&top->ends[2], NET)->attrs.ext_communities.size, 8);
    ck_assert(
        !path_attrs_has(&far_route_find(&top->ends[1], NET)->attrs, PATH_ATTR_EXT_COMMUNITIES));
    top_free(top);
}
END_TEST

START_TEST(graceful_shutdown_received_is_the_last_choice)
{
    struct table_top *top = five();
    five_up(top, five_config());
    struct far_attrs leaving = {.asns = (uint32_t[]){64501},
                                .asn_count = 1,
                                .communities = (uint32_t[]){COMMUNITY_GRACEFUL_SHUTDOWN},
                                .community_count = 1};
    struct far_attrs staying = {.asns = (uint32_t[]){64502, 64777, 64778}, .asn_count = 3};
    far_announce_with(top, &top->ends[0], NET, &leaving);
    top_settle(top);
    const struct far_route *told = far_route_find(&top->ends[2], NET);
    ck_assert_ptr_nonnull(told); /* still used: nothing is lost while there is no other */
    ck_assert_uint_eq(told->attrs.local_pref, 0);
    ck_assert(community_list_has_u32(told->attrs.communities, COMMUNITY_GRACEFUL_SHUTDOWN));
    far_announce_with(top, &top->ends[1], NET, &staying);
    top_settle(top);
    struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown_best(&shown)->peer_asn, 64502);
    ck_assert_uint_eq(shown_best(&shown)->reason, DECISION_LOCAL_PREF);
    /* From an internal neighbour the community alone says nothing. */
    struct far_attrs internal = leaving;
    internal.asn_count = 0;
    internal.has_local_pref = true;
    internal.local_pref = 150;
    far_announce_with(top, &top->ends[2], NET, &internal);
    top_settle(top);
    shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, NET);
    ck_assert_uint_eq(shown_best(&shown)->attrs.local_pref, 150);
    top_free(top);
}
END_TEST

START_TEST(graceful_shutdown_of_a_neighbor_asks_both_ends_to_leave)
{
    struct table_top *top = five();
    struct config *config = five_config();
    five_up(top, config);
    far_announce(top, &top->ends[0], NET);
    far_announce(top, &top->ends[1], "198.51.100.0/24");
    top_settle(top);
    ck_assert(!path_attrs_has(&far_route_find(&top->ends[1], NET)->attrs, PATH_ATTR_COMMUNITIES));
    config = five_config();
    config_neighbor_of(config, B)->graceful_shutdown = (struct opt_bool){true, true};
    top_configure(top, config);
    ck_assert(community_list_has_u32(far_route_find(&top->ends[1], NET)->attrs.communities,
                                     COMMUNITY_GRACEFUL_SHUTDOWN));
    ck_assert(!path_attrs_has(&far_route_find(&top->ends[4], NET)->attrs, PATH_ATTR_COMMUNITIES));
    ck_assert_uint_eq(far_route_find(&top->ends[2], "198.51.100.0/24")->attrs.local_pref, 0);
    ck_assert_uint_eq(far_route_find(&top->ends[2], NET)->attrs.local_pref, 100);
    ck_assert(top->ends[1].is_up); /* nothing was reset */
    top_configure(top, five_config());
    ck_assert(!path_attrs_has(&far_route_find(&top->ends[1], NET)->attrs, PATH_ATTR_COMMUNITIES));
    ck_assert_uint_eq(far_route_find(&top->ends[2], "198.51.100.0/24")->attrs.local_pref, 100);
    top_free(top);
}
END_TEST

START_TEST(graceful_shutdown_of_the_router_covers_every_session)
{
    struct table_top *top = five();
    five_up(top, five_config());
    far_announce(top, &top->ends[0], NET);
    top_settle(top);
    struct config *config = five_config();
    config->bgp.graceful_shutdown = true;
    config_network_add(config, "10.0.0.0/8", 0);
    top_configure(top, config);
    ck_assert(community_list_has_u32(far_route_find(&top->ends[1], NET)->attrs.communities,
                                     COMMUNITY_GRACEFUL_SHUTDOWN));
    ck_assert(community_list_has_u32(far_route_find(&top->ends[0], "10.0.0.0/8")->attrs.communities,
                                     COMMUNITY_GRACEFUL_SHUTDOWN));
    ck_assert_uint_eq(far_route_find(&top->ends[2], NET)->attrs.local_pref, 0);
    ck_assert_uint_eq(far_route_find(&top->ends[2], "10.0.0.0/8")->attrs.local_pref, 0);
    top_free(top);
}
END_TEST

/* RFC 4456 8. The router id is 192.168.255.1, and so is the cluster id where none is given. */
START_TEST(reflected_routes_that_come_back_are_refused)
{
    static const uint8_t ours[8] = {10, 0, 0, 1, 192, 168, 255, 1};
    static const uint8_t configured[4] = {0, 0, 0, 77};
    struct table_top *top = five();
    struct config *config = five_config();
    five_up(top, config);
    struct far_attrs wish = {.has_local_pref = true, .local_pref = 100};
    const char *net = "10.8.0.0/16";
    for (int k = 0; k < 4; k++) {
        if (k == 3) {
            config = five_config();
            config->bgp.cluster_id = (struct opt_u32){true, 77};
            top_configure(top, config);
        }
        struct arena arena;
        arena_init(&arena);
        struct path_attrs attrs = far_path_attrs(&top->ends[2], &arena, &wish);
        attrs.originator_id = k == 0 ? 0xc0a8ff01 : 0x0a000001;
        attrs.cluster_list =
            k == 3 ? (struct byte_view){configured, 4} : (struct byte_view){ours, k == 1 ? 8 : 4};
        path_attrs_set(&attrs, PATH_ATTR_ORIGINATOR_ID);
        path_attrs_set(&attrs, PATH_ATTR_CLUSTER_LIST);
        far_announce_attrs(top, &top->ends[2], &net, 1, &attrs);
        arena_fini(&arena);
        top_settle(top);
        static const enum decision_reason wanted[4] = {DECISION_ORIGINATOR_LOOP,
                                                       DECISION_CLUSTER_LOOP, DECISION_ONLY_PATH,
                                                       DECISION_CLUSTER_LOOP};
        struct shown_paths shown = show_table(top, SNAPSHOT_LOC_RIB, NULL, net);
        ck_assert_uint_eq(shown.rows[0].reason, wanted[k]);
        ck_assert_int_eq(far_route_find(&top->ends[0], net) != NULL, k == 2);
    }
    top_free(top);
}
END_TEST

/* RFC 7705 3: the old number is put in front of what the neighbour sends, unless no-prepend. */
START_TEST(local_as_is_put_in_front_of_what_is_received)
{
    for (int no_prepend = 0; no_prepend < 2; no_prepend++) {
        struct table_top *top = five();
        struct config *config = five_config();
        struct config_neighbor *neighbor = config_neighbor_of(config, A);
        neighbor->local_asn = (struct opt_u32){true, 64999};
        neighbor->local_as_no_prepend = no_prepend == 1;
        five_up(top, config);
        far_announce(top, &top->ends[0], NET);
        top_settle(top);
        const struct far_route *internal = far_route_find(&top->ends[2], NET);
        ck_assert_ptr_nonnull(internal);
        ck_assert_uint_eq(as_path_length(internal->attrs.as_path), no_prepend == 1 ? 1 : 2);
        ck_assert_uint_eq(as_path_first(internal->attrs.as_path), no_prepend == 1 ? 64501 : 64999);
        const struct far_route *external = far_route_find(&top->ends[1], NET);
        ck_assert_uint_eq(as_path_length(external->attrs.as_path), no_prepend == 1 ? 2 : 3);
        ck_assert_uint_eq(as_path_first(external->attrs.as_path), 65001);
        top_free(top);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("routes_borders");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, only_to_customer_is_checked_and_added_on_receipt);
    tcase_add_test(tcase, only_to_customer_is_obeyed_and_added_on_sending);
    tcase_add_test(tcase, non_transitive_communities_stop_at_the_border);
    tcase_add_test(tcase, graceful_shutdown_received_is_the_last_choice);
    tcase_add_test(tcase, graceful_shutdown_of_a_neighbor_asks_both_ends_to_leave);
    tcase_add_test(tcase, graceful_shutdown_of_the_router_covers_every_session);
    tcase_add_test(tcase, reflected_routes_that_come_back_are_refused);
    tcase_add_test(tcase, local_as_is_put_in_front_of_what_is_received);
    suite_add_tcase(suite, tcase);
    return suite;
}
