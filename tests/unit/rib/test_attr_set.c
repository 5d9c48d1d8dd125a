/* Interned attribute sets: equal values are one set, a view gives back what went in. */
#include "tests/unit/rib/rib_fixture.h"

static uint8_t octets[70000];

/* Attributes with about every second member present, from a small space of values. */
static struct path_attrs random_attrs(struct rib_fixture *fixture, struct random_source *random,
                                      uint32_t values)
{
    uint32_t asns[3] = {65001 + random_below(random, values), 7, 8};
    struct path_attrs attrs = fixture_attrs(fixture, asns, 1 + random_below(random, 3), 1);
    struct byte_view *runs[] = {&attrs.cluster_list,      &attrs.communities,
                                &attrs.ext_communities,   &attrs.ipv6_ext_communities,
                                &attrs.large_communities, &attrs.unknown};
    static const uint8_t run_types[] = {PATH_ATTR_CLUSTER_LIST,      PATH_ATTR_COMMUNITIES,
                                        PATH_ATTR_EXT_COMMUNITIES,   PATH_ATTR_IPV6_EXT_COMMUNITIES,
                                        PATH_ATTR_LARGE_COMMUNITIES, 0};
    for (size_t i = 0; i < sizeof run_types; i++) {
        if (random_below(random, 2) != 0) {
            *runs[i] = (struct byte_view){octets + random_below(random, values),
                                          60 * random_below(random, 2)};
            attrs.present |= run_types[i] == 0 ? 0 : PATH_ATTR_BIT(run_types[i]);
        }
    }
    uint32_t *numbers[] = {&attrs.med,           &attrs.local_pref, &attrs.aggregator_asn,
                           &attrs.originator_id, &attrs.otc_asn,    &attrs.weight,
                           &attrs.tag,           &attrs.via_ifindex};
    static const uint64_t number_bits[] = {PATH_ATTR_BIT(PATH_ATTR_MED),
                                           PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF),
                                           PATH_ATTR_BIT(PATH_ATTR_AGGREGATOR),
                                           PATH_ATTR_BIT(PATH_ATTR_ORIGINATOR_ID),
                                           PATH_ATTR_BIT(PATH_ATTR_OTC),
                                           PATH_LOCAL_WEIGHT,
                                           PATH_LOCAL_TAG,
                                           PATH_LOCAL_VIA};
    for (size_t i = 0; i < sizeof number_bits / sizeof number_bits[0]; i++) {
        if (random_below(random, 2) != 0) {
            *numbers[i] = random_below(random, values);
            attrs.present |= number_bits[i];
        }
    }
    if ((attrs.present & PATH_LOCAL_VIA) != 0) {
        attrs.via_tunnel = (uint16_t)random_below(random, values);
    }
    if (random_below(random, 2) != 0) {
        attrs.present |= PATH_LOCAL_PEER;
        attrs.peer = (uint16_t)random_below(random, values);
    }
    if (random_below(random, 2) != 0) {
        attrs.present |= PATH_LOCAL_SRC;
        attrs.preferred_source = ip_from_v4(random_below(random, values));
    }
    if (random_below(random, 2) != 0) {
        attrs.next_hop.family = IP_V6;
        attrs.next_hop_link_local = (struct ip_addr){.family = IP_V6, .bytes = {0xfe, 0x80, 1}};
    }
    attrs.origin = (uint8_t)random_below(random, 3);
    return attrs;
}

START_TEST(a_view_gives_back_what_was_interned)
{
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)(i * 31);
    }
    struct random_source random;
    random_init(&random, 5);
    for (uint32_t round = 0; round < 3000; round++) {
        struct path_attrs attrs = random_attrs(&fixture, &random, 100);
        struct attr_set *set = attr_set_intern(fixture.attrs, &attrs);
        struct path_attrs view;
        attr_set_view(set, &view);
        ck_assert_uint_eq(view.present, attrs.present);
        ck_assert(path_attrs_equal(&view, &attrs));
        ck_assert_uint_eq(view.weight, attrs.weight);
        ck_assert_uint_eq(view.tag, attrs.tag);
        ck_assert_uint_eq(view.via_ifindex, attrs.via_ifindex);
        ck_assert_uint_eq(view.via_tunnel, attrs.via_tunnel);
        ck_assert(ip_equal(&view.preferred_source, &attrs.preferred_source));
        ck_assert(ip_equal(&view.next_hop_link_local, &attrs.next_hop_link_local));
        struct ip_addr next_hop = attr_set_next_hop(set);
        ck_assert(ip_equal(&next_hop, &attrs.next_hop));
        ck_assert_int_eq(attr_set_has_weight(set), (attrs.present & PATH_LOCAL_WEIGHT) != 0);
        ck_assert_uint_eq(attr_set_weight(set), attrs.weight);
        ck_assert_uint_eq(attr_set_local_pref(set, 77),
                          path_attrs_has(&attrs, PATH_ATTR_LOCAL_PREF) ? attrs.local_pref : 77);
        ck_assert_uint_eq(attr_set_med(set), attrs.med);
        ck_assert_uint_eq(attr_set_origin(set), attrs.origin);
        ck_assert_uint_eq(attr_set_originator_id(set), attrs.originator_id);
        ck_assert_int_eq(attr_set_has_originator(set),
                         path_attrs_has(&attrs, PATH_ATTR_ORIGINATOR_ID));
        ck_assert_uint_eq(
            attr_set_cluster_count(set),
            path_attrs_has(&attrs, PATH_ATTR_CLUSTER_LIST) ? attrs.cluster_list.size / 4 : 0);
        ck_assert_uint_eq(attr_set_as_path_length(set), as_path_length(attrs.as_path));
        ck_assert_uint_eq(attr_set_first_asn(set), as_path_first(attrs.as_path));
        attr_set_unref(fixture.attrs, set);
        arena_reset(&fixture.arena);
    }
    fixture_fini(&fixture);
}
END_TEST

/* Two sets are one exactly when their values are equal, also past several growths of the table. */
START_TEST(equal_values_are_one_set_and_others_are_not)
{
    enum { COUNT = 1000 };
    static struct attr_set *sets[COUNT];
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    struct random_source random;
    random_init(&random, 6);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct path_attrs attrs = random_attrs(&fixture, &random, 2);
        sets[i] = attr_set_intern(fixture.attrs, &attrs);
        arena_reset(&fixture.arena);
    }
    ck_assert(attr_table_is_consistent(fixture.attrs));
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct path_attrs a;
        attr_set_view(sets[i], &a);
        bool is_first = true;
        for (uint32_t j = 0; j < i; j++) {
            struct path_attrs b;
            attr_set_view(sets[j], &b);
            bool equal = path_attrs_equal(&a, &b);
            ck_assert_int_eq(equal, sets[i] == sets[j]);
            is_first = is_first && !equal;
        }
        distinct += is_first;
    }
    ck_assert_uint_eq(attr_table_count(fixture.attrs), distinct);
    ck_assert_uint_eq(attr_table_references(fixture.attrs), COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        attr_set_unref(fixture.attrs, sets[i]);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(what_lies_in_absent_members_does_not_count)
{
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    uint32_t asn = 65001;
    struct path_attrs plain = fixture_attrs(&fixture, &asn, 1, 1);
    struct path_attrs dirty = plain;
    dirty.med = 9;
    dirty.local_pref = 9;
    dirty.weight = 9;
    dirty.via_tunnel = 9;
    dirty.aggregator_partial = PATH_ATTR_FLAG_PARTIAL;
    dirty.communities_partial = 7;
    dirty.communities = (struct byte_view){octets, 4};
    dirty.preferred_source = ip_from_v4(9);
    struct attr_set *a = attr_set_intern(fixture.attrs, &plain);
    struct attr_set *b = attr_set_intern(fixture.attrs, &dirty);
    ck_assert_ptr_eq(a, b);
    attr_set_unref(fixture.attrs, a);
    attr_set_unref(fixture.attrs, b);
    fixture_fini(&fixture);
}
END_TEST

/* Lengths around the point where they take more octets. */
START_TEST(long_runs_come_back_whole)
{
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    static const size_t sizes[] = {0, 1, 65534, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct path_attrs attrs = {0};
        attrs.communities = (struct byte_view){octets, sizes[i]};
        path_attrs_set(&attrs, PATH_ATTR_COMMUNITIES);
        attrs.unknown = (struct byte_view){octets, 3};
        struct attr_set *set = attr_set_intern(fixture.attrs, &attrs);
        struct path_attrs view;
        attr_set_view(set, &view);
        ck_assert_uint_eq(view.communities.size, sizes[i]);
        ck_assert_uint_eq(view.unknown.size, 3);
        ck_assert(path_attrs_equal(&view, &attrs));
        attr_set_unref(fixture.attrs, set);
    }
    fixture_fini(&fixture);
}
END_TEST

static void count_release(void *context, struct nexthop *nexthop)
{
    ck_assert_ptr_nonnull(nexthop);
    ++*(int *)context;
}

START_TEST(a_bound_next_hop_is_given_back_once_with_the_last_reference)
{
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    int released = 0;
    attr_table_on_release(fixture.attrs, count_release, &released);
    struct nexthop nexthop = {0};
    struct attr_set *bound = fixture_set(&fixture, 1);
    struct attr_set *plain = fixture_set(&fixture, 2);
    ck_assert_ptr_null(attr_set_nexthop(bound));
    attr_set_bind_nexthop(bound, &nexthop);
    ck_assert_ptr_eq(attr_set_nexthop(bound), &nexthop);
    ck_assert_ptr_eq(attr_set_ref(bound), bound);
    attr_set_unref(fixture.attrs, bound);
    ck_assert_int_eq(released, 0);
    attr_set_unref(fixture.attrs, bound);
    ck_assert_int_eq(released, 1);
    attr_set_unref(fixture.attrs, plain);
    ck_assert_int_eq(released, 1);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(numbers_of_freed_sets_are_used_again)
{
    struct rib_fixture fixture;
    fixture_init(&fixture, AFI_SAFI_IPV4_UNICAST);
    uint32_t highest = 0;
    for (uint32_t round = 0; round < 1000; round++) {
        struct attr_set *sets[3];
        for (uint32_t i = 0; i < 3; i++) {
            sets[i] = fixture_set(&fixture, round * 3 + i);
            highest = sets[i]->number > highest ? sets[i]->number : highest;
            ck_assert_ptr_eq(attr_table_set(fixture.attrs, sets[i]->number), sets[i]);
        }
        for (uint32_t i = 0; i < 3; i++) {
            attr_set_unref(fixture.attrs, sets[i]);
        }
    }
    ck_assert_uint_le(highest, 3);
    ck_assert(attr_table_is_consistent(fixture.attrs));
    fixture_fini(&fixture);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attr_set");
    TCase *tcase = tcase_create("interning");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_view_gives_back_what_was_interned);
    tcase_add_test(tcase, equal_values_are_one_set_and_others_are_not);
    tcase_add_test(tcase, what_lies_in_absent_members_does_not_count);
    tcase_add_test(tcase, long_runs_come_back_whole);
    tcase_add_test(tcase, a_bound_next_hop_is_given_back_once_with_the_last_reference);
    tcase_add_test(tcase, numbers_of_freed_sets_are_used_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
