/* What a sound UPDATE decodes to: runs, next hops, families, AS4 merging, unknown attributes,
 * End-of-RIB; and that every truncation of it is survived. */
#include <stdio.h>

#include "proto/as_path.h"
#include "proto/base/buffer.h"
#include "proto/community.h"
#include "tests/unit/proto/octets.h"

static struct arena scratch;
static struct byte_view body;
static struct update update;

static void set_up(void)
{
    arena_init(&scratch);
    body = (struct byte_view){NULL, 0};
}

static void tear_down(void)
{
    free_octets(body);
    arena_fini(&scratch);
}

static void decode(const struct update_options *options, const char *withdrawn, const char *attrs,
                   const char *nlri)
{
    free_octets(body);
    body = update_body(withdrawn, attrs, nlri);
    update_decode(body, options, &scratch, &update);
}

static void assert_accepted(void)
{
    ck_assert_msg(update.error.disposition == WIRE_ACCEPT, "%s", update.error.what);
}

static void assert_path(const char *text)
{
    struct buffer buffer;
    buffer_init(&buffer, MEM_MISC);
    as_path_format(update.attrs.as_path, &buffer);
    ck_assert_str_eq(buffer_text(&buffer), text);
    ck_assert(as_path_is_canonical(update.attrs.as_path));
    buffer_fini(&buffer);
}

static void assert_ip(const struct ip_addr *addr, const char *text)
{
    char got[IP_TEXT_BYTES];
    ck_assert_str_eq(ip_format(addr, got), text);
}

START_TEST(every_attribute_arrives)
{
    struct update_options options = ibgp_session();
    decode(&options, "",
           "40 01 01 02 " AS_PATH NEXT_HOP "80 04 04 00000007 40 05 04 000000c8 40 06 00"
           "e0 07 08 0001fde9 0a000009 c0 08 08 fde80002 fde80001 80 09 04 0a000002"
           "80 0a 08 0a000003 0a000004 c0 10 10 0002fde800000002 0002fde800000001"
           "c0 19 14 0002 20010db8000000000000000000000001 0001"
           "e0 20 0c 0000fde9 00000001 00000002 c0 23 04 0000fde9",
           NLRI);
    assert_accepted();
    const struct path_attrs *attrs = &update.attrs;
    ck_assert_uint_eq(attrs->origin, BGP_ORIGIN_INCOMPLETE);
    assert_path("65001");
    assert_ip(&attrs->next_hop, "10.0.0.1");
    ck_assert_uint_eq(attrs->med, 7);
    ck_assert_uint_eq(attrs->local_pref, 200);
    ck_assert(path_attrs_has(attrs, PATH_ATTR_ATOMIC_AGGREGATE));
    ck_assert_uint_eq(attrs->aggregator_asn, 0x1fde9);
    ck_assert_uint_eq(attrs->aggregator_id, 0x0a000009);
    ck_assert_uint_eq(attrs->aggregator_partial, PATH_ATTR_FLAG_PARTIAL);
    assert_octets(attrs->communities, "fde80001 fde80002");
    assert_octets(attrs->ext_communities, "0002fde800000001 0002fde800000002");
    assert_octets(attrs->ipv6_ext_communities, "0002 20010db8000000000000000000000001 0001");
    assert_octets(attrs->large_communities, "0000fde9 00000001 00000002");
    ck_assert_uint_eq(attrs->communities_partial, 4);
    ck_assert_uint_eq(attrs->originator_id, 0x0a000002);
    assert_octets(attrs->cluster_list, "0a000003 0a000004");
    ck_assert_uint_eq(attrs->otc_asn, 65001);
    ck_assert_uint_eq(attrs->unknown.size, 0);
    assert_only_prefix(update.reachable[0], "192.0.2.0/24");
}
END_TEST

START_TEST(attributes_arrive_in_any_order_and_with_extended_length)
{
    struct update_options options = ebgp_session();
    decode(&options, "",
           "50 03 0004 0a000001 50 02 0006 02 01 0000fde9 d0 08 0004 fde80001 50 01 0001 01", NLRI);
    assert_accepted();
    assert_path("65001");
    ck_assert_uint_eq(update.attrs.origin, BGP_ORIGIN_EGP);
    assert_octets(update.attrs.communities, "fde80001");
}
END_TEST

START_TEST(communities_are_sorted_and_unique)
{
    struct update_options options = ebgp_session();
    decode(&options, "", MANDATORY "c0 08 10 ffffff01 fde80001 fde80001 00010001", NLRI);
    assert_accepted();
    assert_octets(update.attrs.communities, "00010001 fde80001 ffffff01");
}
END_TEST

START_TEST(host_bits_are_cleared)
{
    struct update_options options = ebgp_session();
    decode(&options, "", MANDATORY, "17 c00003");
    assert_only_prefix(update.reachable[0], "192.0.2.0/23");
    decode(&options, "", MANDATORY, "00");
    assert_only_prefix(update.reachable[0], "0.0.0.0/0");
    decode(&options, "", MANDATORY, "01 ff");
    assert_only_prefix(update.reachable[0], "128.0.0.0/1");
}
END_TEST

START_TEST(plain_and_mp_prefixes_in_one_message_have_both_next_hops)
{
    struct update_options options = ebgp_session();
    decode(&options, "10 ac10", MANDATORY MP_REACH "80 0f 08 0002 01 20 20010db9", NLRI);
    assert_accepted();
    assert_only_prefix(update.reachable[0], "192.0.2.0/24");
    assert_only_prefix(update.reachable[1], "2001:db8::/32");
    assert_only_prefix(update.unreachable[0], "172.16.0.0/16");
    assert_only_prefix(update.unreachable[1], "2001:db9::/32");
    assert_ip(&update.attrs.next_hop, "10.0.0.1");
    assert_ip(&update.mp_next_hop, "2001:db8::1");
    ck_assert(!update.next_hop_unusable);
}
END_TEST

START_TEST(next_hop_beside_mp_prefixes_alone_is_ignored)
{
    struct update_options options = ebgp_session();
    decode(&options, "", ORIGIN AS_PATH "40 03 04 00000000 " MP_REACH, "");
    assert_accepted();
    assert_ip(&update.attrs.next_hop, "2001:db8::1");
    ck_assert(!update.next_hop_unusable);
}
END_TEST

START_TEST(a_second_next_hop_counts_when_link_local)
{
    static const struct {
        const char *second;
        const char *link_local;
    } cases[] = {
        {"fe800000000000000000000000000009", "fe80::9"},
        {"20010db8000000000000000000000009", "-"},
        {"00000000000000000000000000000000", "-"},
    };
    struct update_options options = ebgp_session();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char attrs[400];
        snprintf(attrs, sizeof attrs,
                 "%s 80 0e 2a 0002 01 20 20010db8000000000000000000000001 %s 00 20 20010db8",
                 ORIGIN AS_PATH, cases[i].second);
        decode(&options, "", attrs, "");
        assert_accepted();
        assert_ip(&update.attrs.next_hop, "2001:db8::1");
        assert_ip(&update.attrs.next_hop_link_local, cases[i].link_local);
        assert_ip(&update.mp_next_hop_link_local, cases[i].link_local);
    }
}
END_TEST

START_TEST(unusable_ipv6_next_hops_are_told)
{
    static const struct {
        const char *hop;
        bool is_unusable;
    } cases[] = {
        {"00000000000000000000000000000000", true},  {"00000000000000000000000000000001", true},
        {"ff020000000000000000000000000001", true},  {"fe800000000000000000000000000001", false},
        {"20010db8000000000000000000000001", false},
    };
    struct update_options options = ebgp_session();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char attrs[400];
        snprintf(attrs, sizeof attrs, "%s 80 0e 1a 0002 01 10 %s 00 20 20010db8", ORIGIN AS_PATH,
                 cases[i].hop);
        decode(&options, "", attrs, "");
        assert_accepted();
        ck_assert_msg(update.next_hop_unusable == cases[i].is_unusable, "%s", cases[i].hop);
    }
}
END_TEST

/* RFC 8950. */
START_TEST(ipv4_prefixes_have_ipv6_next_hops_when_agreed)
{
    struct update_options options = ebgp_session();
    static const char one[] = ORIGIN AS_PATH "80 0e 19 0001 01 " MP_NEXT_HOP "00 18 c00002";
    static const char two[] = ORIGIN AS_PATH "80 0e 29 0001 01 20 20010db8000000000000000000000001"
                                             "fe800000000000000000000000000001 00 18 c00002";
    static const char plain[] = ORIGIN AS_PATH "80 0e 0d 0001 01 04 0a000001 00 18 c00002";
    decode(&options, "", one, "");
    ck_assert_int_eq(update.error.disposition, WIRE_SESSION_RESET);
    decode(&options, "", plain, "");
    assert_accepted();
    assert_ip(&update.mp_next_hop, "10.0.0.1");
    options.extended_next_hop = IPV4_BIT;
    decode(&options, "", plain, "");
    assert_accepted();
    decode(&options, "", one, "");
    assert_accepted();
    assert_ip(&update.attrs.next_hop, "2001:db8::1");
    assert_only_prefix(update.reachable[1], "192.0.2.0/24");
    decode(&options, "", two, "");
    assert_accepted();
    assert_ip(&update.mp_next_hop_link_local, "fe80::1");
}
END_TEST

/* Families nobody agreed on are not even parsed: what is inside them may be anything. */
START_TEST(families_not_agreed_on_are_ignored_whatever_they_hold)
{
    static const char *const strange[] = {
        "80 0e 0a 0001 80 01 ff 00 ffffffff",
        "80 0e 09 0002 80 00 00 ffffffff",
        "80 0e 08 4004 47 00 00 ffffff",
        "80 0f 07 0001 80 ffffffff",
        "80 0f 04 4004 47 ff",
        "80 0e 0e 0002 01 01 ff 00 ffffffffffffffff",
        "80 0f 05 0002 01 ffff",
    };
    struct update_options options = ebgp_session();
    options.families = IPV4_BIT;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        char attrs[400];
        snprintf(attrs, sizeof attrs, "%s %s", MANDATORY, strange[i]);
        decode(&options, "", attrs, NLRI);
        ck_assert_msg(update.error.disposition == WIRE_ACCEPT, "%s: %s", strange[i],
                      update.error.what);
        assert_only_prefix(update.reachable[0], "192.0.2.0/24");
        ck_assert_uint_eq(update.reachable[1].bytes.size, 0);
        ck_assert_uint_eq(update.unreachable[1].bytes.size, 0);
        decode(&options, "", strange[i], "");
        assert_accepted();
        ck_assert_uint_eq(update.end_of_rib, 0);
    }
}
END_TEST

START_TEST(the_plain_fields_are_ignored_without_ipv4)
{
    struct update_options options = ebgp_session();
    options.families = IPV6_BIT;
    decode(&options, "21 00", MANDATORY MP_REACH, "ff");
    assert_accepted();
    ck_assert_uint_eq(update.reachable[0].bytes.size, 0);
    ck_assert_uint_eq(update.unreachable[0].bytes.size, 0);
    assert_only_prefix(update.reachable[1], "2001:db8::/32");
    assert_ip(&update.attrs.next_hop, "2001:db8::1");
}
END_TEST

START_TEST(an_ignored_family_hides_nothing)
{
    struct update_options options = ebgp_session();
    options.families = IPV4_BIT;
    decode(&options, "", "40 01 01 07 " AS_PATH MP_REACH, "");
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
}
END_TEST

START_TEST(path_identifiers_are_read_for_the_families_that_have_them)
{
    static const uint32_t families[] = {0, IPV4_BIT, IPV6_BIT, IPV4_BIT | IPV6_BIT};
    for (size_t i = 0; i < 4; i++) {
        struct update_options options = ebgp_session();
        options.add_path_receive = families[i];
        bool has_4 = (families[i] & IPV4_BIT) != 0;
        bool has_6 = (families[i] & IPV6_BIT) != 0;
        char attrs[400];
        snprintf(attrs, sizeof attrs, "%s 80 0e %s 0002 01 %s 00 %s 20 20010db8 80 0f %s",
                 MANDATORY, has_6 ? "1e" : "1a", MP_NEXT_HOP, has_6 ? "00000003" : "",
                 has_6 ? "0c 0002 01 00000004 20 20010db9" : "08 0002 01 20 20010db9");
        decode(&options, has_4 ? "00000001 10 ac10" : "10 ac10", attrs,
               has_4 ? "ffffffff 18 c00002 00000000 18 c00002" : NLRI);
        assert_accepted();
        struct nlri nlri;
        struct nlri_run run = update.reachable[0];
        ck_assert(nlri_next(&run, &nlri));
        ck_assert_uint_eq(nlri.path_id, has_4 ? 0xffffffff : 0);
        if (has_4) {
            ck_assert(nlri_next(&run, &nlri));
            ck_assert_uint_eq(nlri.path_id, 0);
        }
        ck_assert(!nlri_next(&run, &nlri));
        run = update.reachable[1];
        ck_assert(nlri_next(&run, &nlri));
        ck_assert_uint_eq(nlri.path_id, has_6 ? 3 : 0);
        assert_only_prefix(update.reachable[1], "2001:db8::/32");
        assert_only_prefix(update.unreachable[0], "172.16.0.0/16");
        assert_only_prefix(update.unreachable[1], "2001:db9::/32");
    }
}
END_TEST

START_TEST(truncated_path_identifiers_reset)
{
    static const char *const nlri[] = {
        "00", "000000", "00000001", "00000001 18", "00000001 18 c000", "00000001 18 c00002 0000"};
    struct update_options options = ebgp_session();
    options.add_path_receive = IPV4_BIT;
    for (size_t i = 0; i < sizeof nlri / sizeof nlri[0]; i++) {
        decode(&options, "", MANDATORY, nlri[i]);
        ck_assert_int_eq(update.error.disposition, WIRE_SESSION_RESET);
        ck_assert_uint_eq(update.error.subcode, 10);
        decode(&options, nlri[i], MANDATORY, "");
        ck_assert_int_eq(update.error.disposition, WIRE_SESSION_RESET);
    }
}
END_TEST

START_TEST(end_of_rib_is_known_for_the_families_agreed_on)
{
    static const struct {
        const char *promise;
        uint32_t families;
        const char *withdrawn;
        const char *attrs;
        const char *nlri;
        uint32_t end_of_rib;
    } cases[] = {
        {"IPv4", 3, "", "", "", IPV4_BIT},
        {"IPv6", 3, "", "80 0f 03 0002 01", "", IPV6_BIT},
        {"IPv6, extended length", 3, "", "90 0f 0003 0002 01", "", IPV6_BIT},
        {"IPv4 as MP", 3, "", "80 0f 03 0001 01", "", IPV4_BIT},
        {"IPv4 not agreed", 2, "", "", "", 0},
        {"IPv6 not agreed", 1, "", "80 0f 03 0002 01", "", 0},
        {"VPN", 3, "", "80 0f 03 0001 80", "", 0},
        {"a withdrawal", 3, "10 ac10", "", "", 0},
        {"an MP withdrawal", 3, "", "80 0f 08 0002 01 20 20010db8", "", 0},
        {"an announcement", 3, "", MANDATORY, NLRI, 0},
        {"withdrawn beside", 3, "10 ac10", "80 0f 03 0002 01", "", 0},
        {"attributes beside", 3, "", ORIGIN "80 0f 03 0002 01", "", 0},
        {"attributes behind", 3, "", "80 0f 03 0002 01" ORIGIN, "", 0},
        {"wrong flags", 3, "", "c0 0f 03 0002 01", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct update_options options = ebgp_session();
        options.families = cases[i].families;
        decode(&options, cases[i].withdrawn, cases[i].attrs, cases[i].nlri);
        ck_assert_msg(update.end_of_rib == cases[i].end_of_rib, "%s: %u", cases[i].promise,
                      update.end_of_rib);
    }
}
END_TEST

/* RFC 6793 4.2.3. 5ba0 is AS_TRANS. */
START_TEST(as4_path_replaces_the_tail_of_as_path)
{
    static const struct {
        const char *promise;
        const char *as_path;
        const char *as4_path;
        const char *merged;
    } cases[] = {
        {"no AS4_PATH", "40 02 06 02 02 fde9 5ba0", "", "65001 23456"},
        {"shorter", "40 02 08 02 03 fde9 5ba0 5ba0", "c0 11 0a 02 02 00010001 00010002",
         "65001 65537 65538"},
        {"of the same length", "40 02 06 02 02 5ba0 5ba0", "c0 11 0a 02 02 00010001 00010002",
         "65537 65538"},
        {"longer: ignored", "40 02 04 02 01 5ba0", "c0 11 0a 02 02 00010001 00010002", "23456"},
        {"of an empty path: ignored", "40 02 00", "c0 11 06 02 01 00010001", ""},
        {"a set in the tail", "40 02 0c 02 02 fde9 5ba0 01 02 5ba0 fdea",
         "c0 11 10 02 01 00010001 01 02 00010002 0000fdea", "65001 65537 {65538,65002}"},
        {"a set in front counts one", "40 02 0a 01 02 fde9 fdea 02 01 5ba0",
         "c0 11 06 02 01 00010001", "{65001,65002} 65537"},
        {"a set of AS_PATH is covered by one number", "40 02 0a 02 01 fde9 01 02 5ba0 5ba0",
         "c0 11 06 02 01 00010001", "65001 65537"},
        {"sequences are joined", "40 02 0a 02 01 fde9 02 02 5ba0 5ba0",
         "c0 11 0c 02 01 00010001 02 01 00010002", "65001 65537 65538"},
        {"the cut lies inside a second sequence", "40 02 0e 02 02 0001 0002 02 03 0003 5ba0 5ba0",
         "c0 11 0a 02 02 00010001 00010002", "1 2 3 65537 65538"},
        {"confederations in AS4_PATH are dropped", "40 02 06 02 02 fde9 5ba0",
         "c0 11 0c 03 01 00010009 02 01 00010001", "65001 65537"},
        {"AS4_PATH of confederations alone", "40 02 06 02 02 fde9 5ba0", "c0 11 06 03 01 00010009",
         "65001 23456"},
        {"a leading confederation of AS_PATH stays", "40 02 08 03 01 fdea 02 01 5ba0",
         "c0 11 06 02 01 00010001", "(65002) 65537"},
        {"a confederation beside what is kept stays", "40 02 0c 02 01 fde9 04 01 fdea 02 01 5ba0",
         "c0 11 06 02 01 00010001", "65001 [65002] 65537"},
        {"AS4_PATH stands before AS_PATH", "c0 11 06 02 01 00010001", "40 02 06 02 02 fde9 5ba0",
         "65001 65537"},
    };
    struct update_options options = two_octet_session();
    options.is_confed_member = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char attrs[400];
        snprintf(attrs, sizeof attrs, "%s %s %s", ORIGIN NEXT_HOP, cases[i].as_path,
                 cases[i].as4_path);
        decode(&options, "", attrs, NLRI);
        ck_assert_msg(update.error.disposition == WIRE_ACCEPT, "%s", cases[i].promise);
        assert_path(cases[i].merged);
    }
}
END_TEST

START_TEST(as4_aggregator_stands_for_as_trans_only)
{
    static const struct {
        const char *promise;
        const char *attrs;
        uint32_t asn;
        uint32_t id;
        const char *path;
    } cases[] = {
        {"both, AS_TRANS", "c0 07 06 5ba0 0a000001 c0 12 08 00010001 0a000002", 65537, 0x0a000002,
         "65001 65538"},
        {"both, another AS: AS4_PATH is stale too",
         "c0 07 06 fdea 0a000001 c0 12 08 00010001 0a000002", 65002, 0x0a000001, "65001 23456"},
        {"AGGREGATOR alone", "c0 07 06 fdea 0a000001", 65002, 0x0a000001, "65001 65538"},
        {"AGGREGATOR of AS_TRANS alone", "c0 07 06 5ba0 0a000001", 23456, 0x0a000001,
         "65001 65538"},
        {"AS4_AGGREGATOR alone", "c0 12 08 00010001 0a000002", 0, 0, "65001 65538"},
    };
    struct update_options options = two_octet_session();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char attrs[400];
        snprintf(attrs, sizeof attrs, "%s %s",
                 ORIGIN NEXT_HOP "40 02 06 02 02 fde9 5ba0 c0 11 06 02 01 00010002",
                 cases[i].attrs);
        decode(&options, "", attrs, NLRI);
        assert_accepted();
        ck_assert_msg(path_attrs_has(&update.attrs, PATH_ATTR_AGGREGATOR) == (cases[i].asn != 0),
                      "%s", cases[i].promise);
        if (cases[i].asn != 0) {
            ck_assert_uint_eq(update.attrs.aggregator_asn, cases[i].asn);
            ck_assert_uint_eq(update.attrs.aggregator_id, cases[i].id);
        }
        assert_path(cases[i].path);
    }
}
END_TEST

START_TEST(a_merged_path_meets_the_checks_of_as_path)
{
    struct update_options options = two_octet_session();
    static const char set[] =
        ORIGIN NEXT_HOP "40 02 06 02 02 fde9 5ba0 c0 11 0a 01 02 00010001 00010002";
    options.reject_as_sets = true;
    decode(&options, "", set, NLRI);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
    options.reject_as_sets = false;
    options.as_path_count_max = 2;
    decode(&options, "", set, NLRI);
    ck_assert_int_eq(update.error.disposition, WIRE_TREAT_AS_WITHDRAW);
    options.as_path_count_max = 3;
    decode(&options, "", set, NLRI);
    assert_accepted();
}
END_TEST

START_TEST(unknown_transitive_attributes_are_kept_octet_by_octet_with_partial)
{
    struct update_options options = ebgp_session();
    decode(&options, "",
           "c0 ff 02 0102 " MANDATORY "d0 63 0001 aa e0 28 00 80 64 01 bb f0 62 0002 cccc", NLRI);
    assert_accepted();
    assert_octets(update.attrs.unknown, "e0 28 00 f0 62 0002 cccc f0 63 0001 aa e0 ff 02 0102");
    decode(&options, "", MANDATORY, NLRI);
    ck_assert_uint_eq(update.attrs.unknown.size, 0);
}
END_TEST

START_TEST(sets_are_equal_when_every_member_is)
{
    static const char full[] = MANDATORY "80 04 04 00000007 c0 08 04 fde80001 c0 63 01 aa";
    static const char *const others[] = {
        MANDATORY,
        MANDATORY "80 04 04 00000008 c0 08 04 fde80001 c0 63 01 aa",
        MANDATORY "80 04 04 00000007 c0 08 04 fde80002 c0 63 01 aa",
        MANDATORY "80 04 04 00000007 c0 08 04 fde80001 c0 63 01 ab",
        MANDATORY "80 04 04 00000007 e0 08 04 fde80001 c0 63 01 aa",
        "40 01 01 01 " AS_PATH NEXT_HOP "80 04 04 00000007 c0 08 04 fde80001 c0 63 01 aa",
        ORIGIN AS_PATH "40 03 04 0a000002 80 04 04 00000007 c0 08 04 fde80001 c0 63 01 aa",
        ORIGIN "40 02 00 " NEXT_HOP "80 04 04 00000007 c0 08 04 fde80001 c0 63 01 aa",
    };
    struct update_options options = ebgp_session();
    struct byte_view first = update_body("", full, NLRI);
    struct update wanted;
    update_decode(first, &options, &scratch, &wanted);
    decode(&options, "", full, "10 ac10");
    ck_assert(path_attrs_equal(&wanted.attrs, &update.attrs));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        decode(&options, "", others[i], NLRI);
        assert_accepted();
        ck_assert_msg(!path_attrs_equal(&wanted.attrs, &update.attrs), "%s", others[i]);
        ck_assert_msg(!path_attrs_equal(&update.attrs, &wanted.attrs), "%s", others[i]);
    }
    free_octets(first);
}
END_TEST

/* Whatever is decoded without a reset can be walked. */
static void walk_all(void)
{
    if (update.error.disposition == WIRE_SESSION_RESET) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct nlri nlri;
        while (nlri_next(&update.reachable[i], &nlri)) {
            ck_assert_uint_le(nlri.prefix.len_bits, ip_family_bits(nlri.prefix.family));
        }
        while (nlri_next(&update.unreachable[i], &nlri)) {
            ck_assert_uint_le(nlri.prefix.len_bits, ip_family_bits(nlri.prefix.family));
        }
    }
    ck_assert(as_path_is_canonical(update.attrs.as_path));
}

START_TEST(every_truncation_is_survived)
{
    static const char *const attrs[] = {
        MANDATORY MP_REACH "80 0f 08 0002 01 20 20010db9 c0 08 08 fde80002 fde80001 d0 63 0001 aa",
        ORIGIN NEXT_HOP "40 02 06 02 02 fde9 5ba0 c0 11 06 02 01 00010002 c0 07 06 5ba0 0a000001"
                        "c0 12 08 00010001 0a000002 c0 20 0c 0000fde9 00000001 00000002",
        MANDATORY LOCAL_PREF "80 09 04 0a000002 80 0a 08 0a000003 0a000004 c0 10 08"
                             "0002fde800000002 c0 19 14 0002 20010db8000000000000000000000001 0001"
                             "c0 23 04 0000fde9 80 1a 0b 01 000b 0000000000000001",
    };
    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++) {
        struct update_options options = i == 0   ? ebgp_session()
                                        : i == 1 ? two_octet_session()
                                                 : ibgp_session();
        struct byte_view whole = update_body("10 ac10 00", attrs[i], "18 c00002 20 0a000001");
        for (size_t size = 0; size < whole.size; size++) {
            free_octets(body);
            body = exact_copy(whole.data, size);
            update_decode(body, &options, &scratch, &update);
            if (size < 8u + load_be16(whole.data + 6)) {
                ck_assert_int_eq(update.error.disposition, WIRE_SESSION_RESET);
            }
            walk_all();
        }
        /* The list cut short, its length telling so. */
        size_t list_size = load_be16(whole.data + 6);
        for (size_t size = 0; size < list_size; size++) {
            free_octets(body);
            body = exact_copy(whole.data, 8 + size);
            store_be16((uint8_t *)(uintptr_t)body.data + 6, (uint16_t)size);
            update_decode(body, &options, &scratch, &update);
            walk_all();
        }
        free_octets(whole);
        arena_reset(&scratch);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: UPDATE decoded");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, every_attribute_arrives);
    tcase_add_test(cases, attributes_arrive_in_any_order_and_with_extended_length);
    tcase_add_test(cases, communities_are_sorted_and_unique);
    tcase_add_test(cases, host_bits_are_cleared);
    tcase_add_test(cases, plain_and_mp_prefixes_in_one_message_have_both_next_hops);
    tcase_add_test(cases, next_hop_beside_mp_prefixes_alone_is_ignored);
    tcase_add_test(cases, a_second_next_hop_counts_when_link_local);
    tcase_add_test(cases, unusable_ipv6_next_hops_are_told);
    tcase_add_test(cases, ipv4_prefixes_have_ipv6_next_hops_when_agreed);
    tcase_add_test(cases, families_not_agreed_on_are_ignored_whatever_they_hold);
    tcase_add_test(cases, the_plain_fields_are_ignored_without_ipv4);
    tcase_add_test(cases, an_ignored_family_hides_nothing);
    tcase_add_test(cases, path_identifiers_are_read_for_the_families_that_have_them);
    tcase_add_test(cases, truncated_path_identifiers_reset);
    tcase_add_test(cases, end_of_rib_is_known_for_the_families_agreed_on);
    tcase_add_test(cases, as4_path_replaces_the_tail_of_as_path);
    tcase_add_test(cases, as4_aggregator_stands_for_as_trans_only);
    tcase_add_test(cases, a_merged_path_meets_the_checks_of_as_path);
    tcase_add_test(cases, unknown_transitive_attributes_are_kept_octet_by_octet_with_partial);
    tcase_add_test(cases, sets_are_equal_when_every_member_is);
    tcase_add_test(cases, every_truncation_is_survived);
    suite_add_tcase(suite, cases);
    return suite;
}
