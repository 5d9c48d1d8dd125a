/* Route-maps: every match and set, order of entries, calls, dangling references, equality. */
#include <stdio.h>
#include <string.h>

#include "policy/policy_private.h"
#include "proto/as_path.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct policy_set *set;

static struct prefix p(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

static void setup(void)
{
    arena_init(&arena);
    set = NULL;
}

static void teardown(void)
{
    policy_set_free(set);
    arena_fini(&arena);
}

/* Compiles maps together with one prefix list PL (10.0.0.0/8 le 24), one as-path list AP (_12076_)
 * and one community list CL (65001:1). */
static void compile(const struct route_map_def *maps, size_t count, enum status wanted)
{
    static struct prefix_list_entry_def pl_entry;
    static struct community cl_value;
    static struct community_list_entry_def cl_entry;
    static const struct as_path_list_entry_def ap_entry = {5, true, "_12076_"};
    static struct prefix_list_def pl;
    static struct community_list_def cl;
    static const struct as_path_list_def ap = {"AP", &ap_entry, 1};
    char error[256];
    pl_entry = (struct prefix_list_entry_def){5, true, p("10.0.0.0/8"), 0, 24, NULL};
    pl = (struct prefix_list_def){"PL", IP_V4, NULL, &pl_entry, 1};
    ck_assert_int_eq(community_parse(COMMUNITY_STANDARD, "65001:1", &cl_value), STATUS_OK);
    cl_entry = (struct community_list_entry_def){5, true, NULL, &cl_value, 1};
    cl = (struct community_list_def){"CL", COMMUNITY_STANDARD, false, &cl_entry, 1};
    struct policy_defs defs = {&pl, 1, &ap, 1, &cl, 1, maps, count};
    policy_set_free(set);
    ck_assert_int_eq(policy_set_compile(&defs, &set, error), wanted);
}

static struct path_attrs sample(void)
{
    static const uint32_t asns[] = {12076, 65515};
    static const uint8_t community[] = {0xfd, 0xe9, 0, 1}; /* 65001:1 */
    struct path_attrs attrs = {.origin = BGP_ORIGIN_IGP, .med = 50, .local_pref = 120};
    attrs.as_path = as_path_from_asns(&arena, asns, 2);
    attrs.next_hop = ip("10.51.230.12");
    attrs.communities = (struct byte_view){community, 4};
    attrs.present = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) | PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                    PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP) | PATH_ATTR_BIT(PATH_ATTR_MED) |
                    PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF) | PATH_ATTR_BIT(PATH_ATTR_COMMUNITIES) |
                    PATH_LOCAL_TAG | PATH_LOCAL_WEIGHT;
    attrs.tag = 7;
    attrs.weight = 200;
    return attrs;
}

static struct policy_verdict run(const char *name, struct path_attrs *attrs)
{
    static struct prefix prefix;
    prefix = p("10.51.230.0/24");
    struct policy_route route = {.prefix = &prefix,
                                 .peer_addr = ip("10.51.230.12"),
                                 .local_asn = 65001,
                                 .has_path_class = true,
                                 .path_class = PATH_CLASS_IPSEC,
                                 .interface_name = "ipsec0"};
    const struct route_map *map = policy_route_map(set, name);
    ck_assert_ptr_nonnull(map);
    return route_map_apply(map, &route, attrs, &arena);
}

static bool match_result(struct match_def match)
{
    struct route_map_entry_def entry = {
        .sequence = 10, .is_permit = true, .matches = &match, .match_count = 1};
    struct route_map_def map = {"M", &entry, 1};
    struct path_attrs attrs = sample();
    compile(&map, 1, STATUS_OK);
    return run("M", &attrs).is_permit;
}

START_TEST(every_match_kind_accepts_and_rejects)
{
    const struct {
        struct match_def match;
        bool wanted;
    } cases[] = {
        {{.kind = MATCH_PREFIX_LIST, .name = "PL", .family = IP_V4}, true},
        {{.kind = MATCH_PREFIX_LIST, .name = "PL", .family = IP_V6}, false},
        {{.kind = MATCH_PREFIX_LIST, .name = "NONE", .family = IP_V4}, false},
        {{.kind = MATCH_NEXT_HOP_PREFIX_LIST, .name = "PL", .family = IP_V4}, false},
        {{.kind = MATCH_NEXT_HOP_ADDRESS, .prefix = p("10.51.230.12/32")}, true},
        {{.kind = MATCH_NEXT_HOP_ADDRESS, .prefix = p("10.51.230.13/32")}, false},
        {{.kind = MATCH_AS_PATH_LIST, .name = "AP"}, true},
        {{.kind = MATCH_AS_PATH_LIST, .name = "NONE"}, false},
        {{.kind = MATCH_COMMUNITY_LIST, .name = "CL"}, true},
        {{.kind = MATCH_COMMUNITY_LIST, .name = "CL", .exact = true}, true},
        {{.kind = MATCH_COMMUNITY_LIST, .name = "CL", .community_kind = COMMUNITY_LARGE}, false},
        {{.kind = MATCH_METRIC, .number = 50}, true},
        {{.kind = MATCH_METRIC, .number = 51}, false},
        {{.kind = MATCH_LOCAL_PREF, .number = 120}, true},
        {{.kind = MATCH_LOCAL_PREF, .number = 100}, false},
        {{.kind = MATCH_WEIGHT, .number = 200}, true},
        {{.kind = MATCH_WEIGHT, .number = 0}, false},
        {{.kind = MATCH_ORIGIN, .number = BGP_ORIGIN_IGP}, true},
        {{.kind = MATCH_ORIGIN, .number = BGP_ORIGIN_INCOMPLETE}, false},
        {{.kind = MATCH_TAG, .number = 7}, true},
        {{.kind = MATCH_TAG, .number = 8}, false},
        {{.kind = MATCH_PEER, .prefix = p("10.51.230.12/32")}, true},
        {{.kind = MATCH_PEER, .prefix = p("172.16.0.2/32")}, false},
        {{.kind = MATCH_PATH_CLASS, .number = PATH_CLASS_IPSEC}, true},
        {{.kind = MATCH_PATH_CLASS, .number = PATH_CLASS_CLEAR}, false},
        {{.kind = MATCH_SOURCE_PROTOCOL, .number = POLICY_PROTOCOL_BGP}, true},
        {{.kind = MATCH_SOURCE_PROTOCOL, .number = POLICY_PROTOCOL_STATIC}, false},
        {{.kind = MATCH_AS_PATH_LENGTH, .number = 2, .exact = true}, true},
        {{.kind = MATCH_AS_PATH_LENGTH, .number = 3, .exact = true}, false},
        {{.kind = MATCH_AS_PATH_LENGTH, .number = 3}, true},
        {{.kind = MATCH_AS_PATH_LENGTH, .number = 1}, false},
        {{.kind = MATCH_INTERFACE, .name = "ipsec0"}, true},
        {{.kind = MATCH_INTERFACE, .name = "eth0"}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(match_result(cases[i].match) == cases[i].wanted, "case %zu", i);
    }
}
END_TEST

static struct path_attrs after_set(struct set_def def)
{
    struct route_map_entry_def entry = {
        .sequence = 10, .is_permit = true, .sets = &def, .set_count = 1};
    struct route_map_def map = {"S", &entry, 1};
    struct path_attrs attrs = sample();
    compile(&map, 1, STATUS_OK);
    ck_assert(run("S", &attrs).is_permit);
    return attrs;
}

START_TEST(numbers_are_set_added_and_bounded)
{
    ck_assert_uint_eq(after_set((struct set_def){.kind = SET_WEIGHT, .number = 9}).weight, 9);
    ck_assert_uint_eq(after_set((struct set_def){.kind = SET_LOCAL_PREF, .number = 9}).local_pref,
                      9);
    struct set_def add = {.kind = SET_LOCAL_PREF, .op = SET_OP_ADD, .number = 5};
    ck_assert_uint_eq(after_set(add).local_pref, 125);
    add.number = UINT32_MAX;
    ck_assert_uint_eq(after_set(add).local_pref, UINT32_MAX);
    struct set_def less = {.kind = SET_METRIC, .op = SET_OP_SUBTRACT, .number = 60};
    ck_assert_uint_eq(after_set(less).med, 0);
    ck_assert_uint_eq(after_set((struct set_def){.kind = SET_TAG, .number = 3}).tag, 3);
    ck_assert_uint_eq(
        after_set((struct set_def){.kind = SET_ORIGIN, .number = BGP_ORIGIN_EGP}).origin,
        BGP_ORIGIN_EGP);
}
END_TEST

static void check_path(struct byte_view path, const char *wanted)
{
    struct buffer text;
    buffer_init(&text, MEM_MISC);
    as_path_format(path, &text);
    ck_assert_str_eq(buffer_text(&text), wanted);
    buffer_fini(&text);
}

START_TEST(as_paths_are_prepended_and_cut)
{
    uint32_t asns[] = {1, 2};
    struct set_def prepend = {.kind = SET_AS_PATH_PREPEND, .asns = asns, .asn_count = 2};
    check_path(after_set(prepend).as_path, "1 2 12076 65515");
    struct set_def last = {.kind = SET_AS_PATH_PREPEND_LAST, .number = 2};
    check_path(after_set(last).as_path, "12076 12076 12076 65515");
    uint32_t gone[] = {12076};
    struct set_def exclude = {.kind = SET_AS_PATH_EXCLUDE, .asns = gone, .asn_count = 1};
    check_path(after_set(exclude).as_path, "65515");
}
END_TEST

START_TEST(communities_are_replaced_added_emptied_and_deleted)
{
    struct community values[2];
    ck_assert_int_eq(community_parse(COMMUNITY_STANDARD, "65001:9", &values[0]), STATUS_OK);
    ck_assert_int_eq(community_parse(COMMUNITY_STANDARD, "no-export", &values[1]), STATUS_OK);
    struct set_def def = {.kind = SET_COMMUNITY, .communities = values, .community_count = 2};
    ck_assert_uint_eq(after_set(def).communities.size, 8);
    def.op = SET_OP_ADD;
    ck_assert_uint_eq(after_set(def).communities.size, 12);
    def.op = SET_OP_NONE;
    ck_assert(!path_attrs_has(&(struct path_attrs){.present = after_set(def).present},
                              PATH_ATTR_COMMUNITIES));
    struct set_def removal = {.kind = SET_COMMUNITY_DELETE, .name = "CL"};
    struct path_attrs attrs = after_set(removal);
    ck_assert(!path_attrs_has(&attrs, PATH_ATTR_COMMUNITIES));
    struct community large;
    ck_assert_int_eq(community_parse(COMMUNITY_LARGE, "65001:1:2", &large), STATUS_OK);
    struct set_def add_large = {.kind = SET_COMMUNITY,
                                .op = SET_OP_ADD,
                                .communities = &large,
                                .community_count = 1,
                                .community_kind = COMMUNITY_LARGE};
    attrs = after_set(add_large);
    ck_assert_uint_eq(attrs.large_communities.size, 12);
    ck_assert_uint_eq(attrs.communities.size, 4);
}
END_TEST

START_TEST(next_hops_are_set_by_family)
{
    struct path_attrs attrs =
        after_set((struct set_def){.kind = SET_NEXT_HOP, .addr = ip("192.0.2.1")});
    struct ip_addr wanted = ip("192.0.2.1");
    ck_assert(ip_equal(&attrs.next_hop, &wanted));
    attrs = after_set((struct set_def){.kind = SET_NEXT_HOP, .addr = ip("2001:db8::1")});
    wanted = ip("10.51.230.12");
    ck_assert(ip_equal(&attrs.next_hop, &wanted)); /* an IPv4 route keeps its own */
}
END_TEST

START_TEST(entries_go_on_stop_and_jump)
{
    struct set_def weight1 = {.kind = SET_WEIGHT, .number = 1};
    struct set_def metric2 = {.kind = SET_METRIC, .number = 2};
    struct match_def never = {.kind = MATCH_METRIC, .number = 99};
    struct route_map_entry_def entries[] = {
        {.sequence = 10,
         .is_permit = true,
         .sets = &weight1,
         .set_count = 1,
         .exit = ROUTE_MAP_EXIT_NEXT},
        {.sequence = 20, .is_permit = false, .matches = &never, .match_count = 1},
        {.sequence = 30, .is_permit = true, .sets = &metric2, .set_count = 1},
        {.sequence = 40, .is_permit = false},
    };
    struct route_map_def map = {"E", entries, 4};
    struct path_attrs attrs = sample();
    compile(&map, 1, STATUS_OK);
    struct policy_verdict verdict = run("E", &attrs);
    ck_assert(verdict.is_permit && verdict.attrs_changed);
    ck_assert_uint_eq(verdict.entry_sequence, 30);
    ck_assert_uint_eq(attrs.weight, 1);
    ck_assert_uint_eq(attrs.med, 2);
    entries[0].exit = ROUTE_MAP_EXIT_GOTO;
    entries[0].exit_sequence = 40;
    compile(&map, 1, STATUS_OK);
    attrs = sample();
    ck_assert(!run("E", &attrs).is_permit);
    entries[0].exit_sequence = 50; /* past the end: what has matched stands */
    compile(&map, 1, STATUS_OK);
    attrs = sample();
    ck_assert(run("E", &attrs).is_permit);
}
END_TEST

START_TEST(the_end_of_a_map_denies)
{
    struct route_map_def map = {"EMPTY", NULL, 0};
    struct path_attrs attrs = sample();
    compile(&map, 1, STATUS_OK);
    struct policy_verdict verdict = run("EMPTY", &attrs);
    ck_assert(!verdict.is_permit);
    ck_assert_uint_eq(verdict.entry_sequence, 0);
    ck_assert(route_map_apply(NULL, NULL, &attrs, &arena).is_permit);
}
END_TEST

START_TEST(calls_must_permit_and_may_not_circle)
{
    struct match_def never = {.kind = MATCH_METRIC, .number = 99};
    struct set_def weight = {.kind = SET_WEIGHT, .number = 77};
    struct route_map_entry_def caller = {.sequence = 10, .is_permit = true, .call = "INNER"};
    struct route_map_entry_def inner = {
        .sequence = 10, .is_permit = true, .sets = &weight, .set_count = 1};
    struct route_map_def maps[] = {{"OUTER", &caller, 1}, {"INNER", &inner, 1}};
    struct path_attrs attrs = sample();
    compile(maps, 2, STATUS_OK);
    ck_assert(run("OUTER", &attrs).is_permit);
    ck_assert_uint_eq(attrs.weight, 77);
    inner.matches = &never;
    inner.match_count = 1;
    compile(maps, 2, STATUS_OK);
    ck_assert(!run("OUTER", &attrs).is_permit);
    inner.call = "OUTER";
    compile(maps, 2, STATUS_INVALID);
    inner.call = NULL;
    caller.call = "NOWHERE";
    compile(maps, 2, STATUS_OK);
    ck_assert(!run("OUTER", &attrs).is_permit);
    ck_assert_str_eq(policy_missing_reference(set, 0), "route-map OUTER 10: route-map NOWHERE");
    ck_assert_ptr_null(policy_missing_reference(set, 1));
}
END_TEST

START_TEST(equal_means_decides_alike)
{
    struct match_def match = {.kind = MATCH_PREFIX_LIST, .name = "PL", .family = IP_V4};
    struct set_def weight = {.kind = SET_WEIGHT, .number = 1};
    struct route_map_entry_def entry = {.sequence = 10,
                                        .is_permit = true,
                                        .matches = &match,
                                        .match_count = 1,
                                        .sets = &weight,
                                        .set_count = 1};
    struct route_map_entry_def renumbered = entry;
    struct route_map_entry_def other = entry;
    struct set_def weight2 = {.kind = SET_WEIGHT, .number = 2};
    renumbered.sequence = 20;
    renumbered.description = "only a name";
    other.sets = &weight2;
    struct route_map_def maps[] = {{"A", &entry, 1}, {"B", &renumbered, 1}, {"C", &other, 1}};
    compile(maps, 3, STATUS_OK);
    const struct route_map *a = policy_route_map(set, "A");
    ck_assert(route_map_equal(a, policy_route_map(set, "B")));
    ck_assert(!route_map_equal(a, policy_route_map(set, "C")));
    ck_assert(!route_map_equal(a, NULL));
    ck_assert(route_map_equal(NULL, NULL));
    ck_assert(!route_map_is_prefix_blind(a));
    ck_assert(!route_map_uses_nexthop(a));
    match = (struct match_def){.kind = MATCH_PATH_CLASS, .number = PATH_CLASS_IPSEC};
    compile(maps, 3, STATUS_OK);
    ck_assert(route_map_uses_nexthop(policy_route_map(set, "A")));
    match = (struct match_def){.kind = MATCH_METRIC, .number = 1};
    compile(maps, 3, STATUS_OK);
    ck_assert(route_map_is_prefix_blind(policy_route_map(set, "A")));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("route_map");
    TCase *tcase = tcase_create("route_map");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_match_kind_accepts_and_rejects);
    tcase_add_test(tcase, numbers_are_set_added_and_bounded);
    tcase_add_test(tcase, as_paths_are_prepended_and_cut);
    tcase_add_test(tcase, communities_are_replaced_added_emptied_and_deleted);
    tcase_add_test(tcase, next_hops_are_set_by_family);
    tcase_add_test(tcase, entries_go_on_stop_and_jump);
    tcase_add_test(tcase, the_end_of_a_map_denies);
    tcase_add_test(tcase, calls_must_permit_and_may_not_circle);
    tcase_add_test(tcase, equal_means_decides_alike);
    suite_add_tcase(suite, tcase);
    return suite;
}
