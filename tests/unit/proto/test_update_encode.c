/* What update_begin, update_add and update_finish write: our own decoder reads the same from it, on
 * every kind of session; messages are filled and never larger than agreed. */
#include <stdio.h>

#include "proto/as_path.h"
#include "proto/base/random.h"
#include "proto/community.h"
#include "proto/message.h"
#include "tests/unit/proto/octets.h"

static struct arena scratch;
static uint8_t space[OCTETS_MAX];
static struct random_source dice;

static void set_up(void)
{
    arena_init(&scratch);
    memset(space, 0xee, sizeof space);
    random_init(&dice, 20250117);
}

static void tear_down(void)
{
    arena_fini(&scratch);
}

static bool chance(uint32_t in)
{
    return random_below(&dice, in) == 0;
}

static struct byte_view random_octets(size_t size)
{
    uint8_t *bytes = arena_alloc(&scratch, size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)random_below(&dice, 256);
    }
    return (struct byte_view){bytes, size};
}

static uint32_t random_asn(bool wide)
{
    uint32_t asn = wide && chance(2) ? (uint32_t)random_u64(&dice) : random_below(&dice, 65536);
    return asn == 0 ? 1 : asn == ASN_TRANS ? 23455 : asn;
}

/* AS_TRANS stands for numbers that AS4_PATH gives back; as a number of its own it would too. */
static struct byte_view random_path(bool wide)
{
    uint32_t asns[600];
    size_t count = chance(20) ? random_below(&dice, 600) : random_below(&dice, 6);
    for (size_t i = 0; i < count; i++) {
        asns[i] = random_asn(wide);
    }
    struct byte_view path = as_path_from_asns(&scratch, asns, count);
    if (chance(4)) {
        size_t members = 1 + random_below(&dice, 4);
        uint8_t *bytes = arena_alloc(&scratch, path.size + 2 + 4 * members);
        if (path.size != 0) {
            memcpy(bytes, path.data, path.size);
        }
        bytes[path.size] = AS_PATH_SET;
        bytes[path.size + 1] = (uint8_t)members;
        for (size_t i = 0; i < members; i++) {
            store_be32(bytes + path.size + 2 + 4 * i, random_asn(wide));
        }
        path = (struct byte_view){bytes, path.size + 2 + 4 * members};
    }
    return path;
}

static struct byte_view random_unknown(void)
{
    static const uint8_t types[] = {11, 21, 28, 40, 99, 128, 255};
    struct writer writer = writer_of(arena_alloc(&scratch, 4000), 4000);
    for (size_t i = 0; i < sizeof types; i++) {
        if (chance(3)) {
            bool is_long = chance(3);
            struct byte_view value = random_octets(random_below(&dice, is_long ? 400 : 20));
            writer_u8(&writer, is_long ? 0xf0 : 0xe0);
            writer_u8(&writer, types[i]);
            if (is_long) {
                writer_u16(&writer, (uint16_t)value.size);
            } else {
                writer_u8(&writer, (uint8_t)value.size);
            }
            writer_bytes(&writer, value.data, value.size);
        }
    }
    return (struct byte_view){writer.start, writer_size(&writer)};
}

static struct byte_view random_communities(enum community_kind kind, size_t count_max)
{
    size_t count = 1 + random_below(&dice, (uint32_t)count_max);
    return community_list_canonical(&scratch, kind, random_octets(count * community_bytes(kind)));
}

static void maybe_set(struct path_attrs *attrs, enum path_attr_type type)
{
    if (chance(2)) {
        path_attrs_set(attrs, type);
    }
}

static struct ip_addr random_ip(uint8_t family)
{
    struct byte_view bytes = random_octets(ip_family_bytes(family));
    struct ip_addr addr = ip_from_bytes(bytes.data, bytes.size);
    addr.bytes[0] = family == IP_V4 ? 10 : 0x20;
    return addr;
}

static void add_random_lists(struct path_attrs *attrs, size_t count_max)
{
    maybe_set(attrs, PATH_ATTR_COMMUNITIES);
    maybe_set(attrs, PATH_ATTR_EXT_COMMUNITIES);
    maybe_set(attrs, PATH_ATTR_LARGE_COMMUNITIES);
    maybe_set(attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
    if (path_attrs_has(attrs, PATH_ATTR_COMMUNITIES)) {
        attrs->communities = random_communities(COMMUNITY_STANDARD, count_max);
        attrs->communities_partial |= chance(2) ? 1 : 0;
    }
    if (path_attrs_has(attrs, PATH_ATTR_EXT_COMMUNITIES)) {
        attrs->ext_communities = random_communities(COMMUNITY_EXTENDED, count_max);
        attrs->communities_partial |= chance(2) ? 2 : 0;
    }
    if (path_attrs_has(attrs, PATH_ATTR_LARGE_COMMUNITIES)) {
        attrs->large_communities = random_communities(COMMUNITY_LARGE, count_max);
        attrs->communities_partial |= chance(2) ? 4 : 0;
    }
    if (path_attrs_has(attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES)) {
        attrs->ipv6_ext_communities = random_octets(20 * (1 + random_below(&dice, 3)));
    }
}

static struct path_attrs random_attrs(const struct update_options *options, uint8_t hop_family)
{
    struct path_attrs attrs = {0};
    path_attrs_set(&attrs, PATH_ATTR_ORIGIN);
    attrs.origin = (uint8_t)random_below(&dice, 3);
    path_attrs_set(&attrs, PATH_ATTR_AS_PATH);
    attrs.as_path = random_path(true);
    path_attrs_set(&attrs, PATH_ATTR_NEXT_HOP);
    attrs.next_hop = random_ip(hop_family);
    if (hop_family == IP_V6 && chance(2)) {
        attrs.next_hop_link_local = random_ip(IP_V6);
        attrs.next_hop_link_local.bytes[0] = 0xfe;
        attrs.next_hop_link_local.bytes[1] = 0x80;
    }
    maybe_set(&attrs, PATH_ATTR_MED);
    attrs.med = (uint32_t)random_u64(&dice);
    maybe_set(&attrs, PATH_ATTR_ATOMIC_AGGREGATE);
    maybe_set(&attrs, PATH_ATTR_AGGREGATOR);
    attrs.aggregator_asn = random_asn(true);
    attrs.aggregator_id = (uint32_t)random_u64(&dice);
    attrs.aggregator_partial = chance(2) ? PATH_ATTR_FLAG_PARTIAL : 0;
    maybe_set(&attrs, PATH_ATTR_OTC);
    attrs.otc_asn = random_asn(true);
    if (!options->is_ebgp) {
        path_attrs_set(&attrs, PATH_ATTR_LOCAL_PREF);
        attrs.local_pref = (uint32_t)random_u64(&dice);
        maybe_set(&attrs, PATH_ATTR_ORIGINATOR_ID);
        attrs.originator_id = (uint32_t)random_u64(&dice);
        maybe_set(&attrs, PATH_ATTR_CLUSTER_LIST);
        attrs.cluster_list = random_octets(4 * (1 + random_below(&dice, 5)));
    }
    add_random_lists(&attrs, chance(30) ? 200 : 5);
    attrs.unknown = random_unknown();
    return attrs;
}

static struct nlri random_nlri(enum afi_safi family, bool has_path_id)
{
    struct ip_addr addr = random_ip(afi_safi_family(family));
    uint8_t bits = (uint8_t)random_below(&dice, ip_family_bits(addr.family) + 1u);
    return (struct nlri){prefix_make(&addr, bits), has_path_id ? (uint32_t)random_u64(&dice) : 0};
}

/* Writes one message of at most count prefixes; returns how many it took, 0 when none can. */
static uint32_t encode(const struct update_options *options, enum afi_safi family,
                       const struct path_attrs *attrs, const struct nlri *entries, uint32_t count,
                       struct byte_view *message_out)
{
    struct writer out = writer_of(space, sizeof space);
    struct update_builder builder;
    uint32_t taken = 0;
    if (update_begin(&builder, &out, options, family, attrs) != STATUS_OK) {
        ck_assert_uint_eq(writer_size(&out), 0);
        ck_assert(!out.failed);
        return 0;
    }
    while (taken < count && update_add(&builder, &entries[taken])) {
        taken++;
    }
    ck_assert_uint_gt(taken, 0);
    size_t size = update_finish(&builder, &out);
    ck_assert_uint_eq(size, writer_size(&out));
    ck_assert_uint_le(size, options->message_bytes_max);
    *message_out = exact_copy(space, size);
    return taken;
}

/* The receiving end of a session. */
static struct update decode(struct byte_view message, struct update_options options)
{
    struct message_view view;
    struct wire_error error;
    struct update update;
    size_t taken;
    options.add_path_receive = options.add_path_send;
    ck_assert_int_eq(framer_next(message, options.message_bytes_max, &view, &taken, &error),
                     STATUS_OK);
    ck_assert_uint_eq(taken, message.size);
    ck_assert_int_eq(view.type, MESSAGE_UPDATE);
    update_decode(view.body, &options, &scratch, &update);
    ck_assert_msg(update.error.disposition == WIRE_ACCEPT, "our own message: %s",
                  update.error.what);
    ck_assert_uint_eq(update.minor_count, 0);
    return update;
}

static void assert_entries(struct nlri_run run, const struct nlri *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct nlri got;
        ck_assert(nlri_next(&run, &got));
        ck_assert(prefix_equal(&got.prefix, &entries[i].prefix));
        ck_assert_uint_eq(got.path_id, entries[i].path_id);
    }
    ck_assert_uint_eq(run.bytes.size, 0);
}

enum { ENTRIES = 40 };

static void assert_round_trip(const struct update_options *options, enum afi_safi family,
                              const struct path_attrs *attrs)
{
    struct nlri entries[ENTRIES];
    bool has_path_id = (options->add_path_send & AFI_SAFI_BIT(family)) != 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        entries[i] = random_nlri(family, has_path_id);
    }
    struct byte_view message;
    uint32_t taken = encode(options, family, attrs, entries, ENTRIES, &message);
    if (taken == 0) {
        return;
    }
    struct update update = decode(message, *options);
    bool is_mp = family != AFI_SAFI_IPV4_UNICAST || (attrs && attrs->next_hop.family == IP_V6);
    const struct nlri_run *runs = attrs != NULL ? update.reachable : update.unreachable;
    assert_entries(runs[is_mp ? 1 : 0], entries, taken);
    ck_assert_uint_eq(runs[is_mp ? 0 : 1].bytes.size, 0);
    ck_assert_uint_eq(update.end_of_rib, 0);
    if (attrs != NULL) {
        ck_assert(path_attrs_equal(attrs, &update.attrs));
        /* RFC 7606 5.1: MP_REACH_NLRI comes first. */
        ck_assert_int_eq(message.data[24] == PATH_ATTR_MP_REACH_NLRI, is_mp);
        ck_assert(!update.next_hop_unusable);
    }
    free_octets(message);
}

START_TEST(random_sets_come_back_equal_on_every_session)
{
    struct update_options options = {
        .as4 = (_i & 1) != 0,
        .is_ebgp = (_i & 2) != 0,
        .families = IPV4_BIT | IPV6_BIT,
        .message_bytes_max = (_i & 4) != 0 ? 65535 : 4096,
        .add_path_send = (_i & 8) != 0 ? IPV4_BIT | IPV6_BIT : 0,
        .extended_next_hop = IPV4_BIT,
    };
    random_init(&dice, (uint64_t)_i + 1);
    for (int round = 0; round < 150; round++) {
        static const enum afi_safi families[] = {AFI_SAFI_IPV4_UNICAST, AFI_SAFI_IPV6_UNICAST,
                                                 AFI_SAFI_IPV4_UNICAST};
        static const uint8_t hops[] = {IP_V4, IP_V6, IP_V6};
        struct path_attrs attrs = random_attrs(&options, hops[round % 3]);
        assert_round_trip(&options, families[round % 3], &attrs);
        assert_round_trip(&options, families[round % 3], NULL);
        arena_reset(&scratch);
    }
}
END_TEST

static struct path_attrs plain_attrs(uint8_t hop_family)
{
    struct path_attrs attrs = {0};
    static const uint32_t asn = 65001;
    path_attrs_set(&attrs, PATH_ATTR_ORIGIN);
    path_attrs_set(&attrs, PATH_ATTR_AS_PATH);
    attrs.as_path = as_path_from_asns(&scratch, &asn, 1);
    path_attrs_set(&attrs, PATH_ATTR_NEXT_HOP);
    attrs.next_hop = ip_of(hop_family == IP_V4 ? "10.0.0.1" : "2001:db8::1");
    return attrs;
}

START_TEST(messages_are_filled)
{
    static struct nlri entries[20000];
    for (uint32_t i = 0; i < 20000; i++) {
        struct ip_addr addr = ip_from_v4(0x0a000000 + (i << 8));
        entries[i] = (struct nlri){prefix_make(&addr, 24), 0};
    }
    struct update_options options = ebgp_session();
    struct path_attrs attrs = plain_attrs(IP_V4);
    for (int extended = 0; extended < 2; extended++) {
        options.message_bytes_max = extended ? 65535 : 4096;
        struct byte_view message;
        uint32_t taken = encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, entries, 20000, &message);
        ck_assert_uint_gt(message.size + 4, options.message_bytes_max);
        ck_assert_uint_eq(taken, (options.message_bytes_max - 23u - 20u) / 4u);
        (void)decode(message, options);
        free_octets(message);
        taken = encode(&options, AFI_SAFI_IPV4_UNICAST, NULL, entries, 20000, &message);
        ck_assert_uint_eq(taken, (options.message_bytes_max - 23u) / 4u);
        (void)decode(message, options);
        free_octets(message);
    }
}
END_TEST

START_TEST(ipv6_messages_are_filled)
{
    static struct nlri entries[5000];
    for (uint32_t i = 0; i < 5000; i++) {
        struct ip_addr addr = ip_of("2001:db8::");
        store_be32(addr.bytes + 4, i);
        entries[i] = (struct nlri){prefix_make(&addr, 64), 0};
    }
    struct update_options options = ebgp_session();
    struct path_attrs attrs = plain_attrs(IP_V6);
    struct byte_view message;
    uint32_t taken = encode(&options, AFI_SAFI_IPV6_UNICAST, &attrs, entries, 5000, &message);
    ck_assert_uint_gt(message.size + 9, options.message_bytes_max);
    assert_entries(decode(message, options).reachable[1], entries, taken);
    free_octets(message);
    taken = encode(&options, AFI_SAFI_IPV6_UNICAST, NULL, entries, 5000, &message);
    ck_assert_uint_gt(message.size + 9, options.message_bytes_max);
    assert_entries(decode(message, options).unreachable[1], entries, taken);
    free_octets(message);
}
END_TEST

/* Every room from none to ample, before and behind other octets: all or nothing. */
START_TEST(a_message_that_does_not_fit_is_not_begun)
{
    static const uint8_t families[] = {AFI_SAFI_IPV4_UNICAST, AFI_SAFI_IPV6_UNICAST};
    for (int kind = 0; kind < 4; kind++) {
        enum afi_safi family = families[kind & 1];
        struct path_attrs some = plain_attrs(afi_safi_family(family));
        const struct path_attrs *attrs = (kind & 2) != 0 ? NULL : &some;
        struct update_options options = ebgp_session();
        struct nlri entry = {prefix_of(kind & 1 ? "2001:db8::/32" : "192.0.2.0/24"), 0};
        bool has_fitted = false;
        for (size_t room = 0; room < 160; room++) {
            uint8_t *block = malloc(5 + room);
            ck_assert_ptr_nonnull(block);
            struct writer out = writer_of(block, 5 + room);
            writer_u32(&out, 0);
            writer_u8(&out, 0);
            struct update_builder builder;
            enum status status = update_begin(&builder, &out, &options, family, attrs);
            ck_assert(status == STATUS_OK || status == STATUS_TRUNCATED);
            ck_assert_uint_eq(writer_size(&out), 5);
            ck_assert(!out.failed);
            ck_assert_msg(!has_fitted || status == STATUS_OK, "%zu octets", room);
            has_fitted = status == STATUS_OK;
            if (status == STATUS_OK) {
                ck_assert(update_add(&builder, &entry));
                while (update_add(&builder, &entry)) {
                }
                size_t size = update_finish(&builder, &out);
                ck_assert_uint_eq(writer_size(&out), 5 + size);
                (void)decode((struct byte_view){block + 5, size}, options);
            }
            free(block);
        }
        ck_assert(has_fitted);
    }
}
END_TEST

START_TEST(attributes_that_fill_the_message_leave_it_unbegun)
{
    struct update_options options = ebgp_session();
    uint32_t last_ok = 0;
    for (uint32_t count = 900; count < 1100; count++) {
        struct path_attrs attrs = plain_attrs(IP_V4);
        path_attrs_set(&attrs, PATH_ATTR_COMMUNITIES);
        uint8_t *list = arena_alloc(&scratch, 4 * (size_t)count);
        for (uint32_t i = 0; i < count; i++) {
            store_be32(list + 4 * (size_t)i, i);
        }
        attrs.communities = (struct byte_view){list, 4 * (size_t)count};
        struct nlri entry = {prefix_of("192.0.2.1/32"), 0};
        struct byte_view message;
        if (encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &message) == 1) {
            ck_assert_uint_eq(last_ok, count == 900 ? 0 : count - 1);
            last_ok = count;
            free_octets(message);
        }
    }
    ck_assert_uint_gt(last_ok, 1000);
    ck_assert_uint_lt(last_ok, 1024);
}
END_TEST

START_TEST(a_prefix_that_does_not_fit_changes_nothing)
{
    struct update_options options = ebgp_session();
    struct path_attrs attrs = plain_attrs(IP_V4);
    struct writer out = writer_of(space, 80);
    struct update_builder builder;
    ck_assert_int_eq(update_begin(&builder, &out, &options, AFI_SAFI_IPV4_UNICAST, &attrs),
                     STATUS_OK);
    struct nlri wide = {prefix_of("192.0.2.1/32"), 0};
    struct nlri narrow = {prefix_of("0.0.0.0/0"), 0};
    while (update_add(&builder, &wide)) {
    }
    size_t before = writer_size(&builder.writer);
    uint32_t count = builder.prefix_count;
    ck_assert(!update_add(&builder, &wide));
    ck_assert_uint_eq(writer_size(&builder.writer), before);
    ck_assert_uint_eq(builder.prefix_count, count);
    ck_assert(update_add(&builder, &narrow));
    size_t size = update_finish(&builder, &out);
    (void)decode((struct byte_view){space, size}, options);
}
END_TEST

START_TEST(sets_the_receiver_would_refuse_are_not_begun)
{
    struct update_options options = ebgp_session();
    struct path_attrs v4 = plain_attrs(IP_V4);
    struct path_attrs v6 = plain_attrs(IP_V6);
    struct path_attrs none = plain_attrs(IP_V4);
    none.next_hop = (struct ip_addr){.family = IP_NONE};
    struct path_attrs absent = plain_attrs(IP_V4);
    path_attrs_clear(&absent, PATH_ATTR_NEXT_HOP);
    struct path_attrs no_origin = plain_attrs(IP_V4);
    path_attrs_clear(&no_origin, PATH_ATTR_ORIGIN);
    struct path_attrs no_path = plain_attrs(IP_V4);
    path_attrs_clear(&no_path, PATH_ATTR_AS_PATH);
    const struct {
        enum afi_safi family;
        const struct path_attrs *attrs;
    } refused[] = {
        {AFI_SAFI_IPV4_UNICAST, &v6},      {AFI_SAFI_IPV6_UNICAST, &v4},
        {AFI_SAFI_IPV4_UNICAST, &none},    {AFI_SAFI_IPV6_UNICAST, &none},
        {AFI_SAFI_IPV4_UNICAST, &absent},  {AFI_SAFI_IPV4_UNICAST, &no_origin},
        {AFI_SAFI_IPV4_UNICAST, &no_path},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct writer out = writer_of(space, sizeof space);
        struct update_builder builder;
        ck_assert_int_eq(
            update_begin(&builder, &out, &options, refused[i].family, refused[i].attrs),
            STATUS_INVALID);
        ck_assert_uint_eq(writer_size(&out), 0);
    }
}
END_TEST

START_TEST(two_octet_sessions_get_as_trans_and_as4_attributes)
{
    struct update_options options = two_octet_session();
    struct path_attrs attrs = plain_attrs(IP_V4);
    static const uint32_t asns[] = {65001, 65537};
    attrs.as_path = as_path_from_asns(&scratch, asns, 2);
    path_attrs_set(&attrs, PATH_ATTR_AGGREGATOR);
    attrs.aggregator_asn = 65538;
    attrs.aggregator_id = 0x0a000001;
    struct nlri entry = {prefix_of("192.0.2.0/24"), 0};
    struct byte_view message;
    ck_assert_uint_eq(encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &message), 1);
    struct byte_view body = {message.data + 19, message.size - 19};
    assert_octets(body, "0000 0035 " ORIGIN "40 02 06 02 02 fde9 5ba0 " NEXT_HOP
                        "c0 07 06 5ba0 0a000001 c0 11 0a 02 02 0000fde9 00010001"
                        "c0 12 08 00010002 0a000001" NLRI);
    free_octets(message);
    static const uint32_t small[] = {65001, 65535};
    attrs.as_path = as_path_from_asns(&scratch, small, 2);
    attrs.aggregator_asn = 65535;
    ck_assert_uint_eq(encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &message), 1);
    body = (struct byte_view){message.data + 19, message.size - 19};
    assert_octets(body, "0000 001d " ORIGIN "40 02 06 02 02 fde9 ffff " NEXT_HOP
                        "c0 07 06 ffff 0a000001" NLRI);
    free_octets(message);
}
END_TEST

START_TEST(empty_lists_are_not_written)
{
    struct update_options options = ibgp_session();
    struct path_attrs attrs = plain_attrs(IP_V4);
    path_attrs_set(&attrs, PATH_ATTR_LOCAL_PREF);
    path_attrs_set(&attrs, PATH_ATTR_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_EXT_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_LARGE_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
    path_attrs_set(&attrs, PATH_ATTR_CLUSTER_LIST);
    struct nlri entry = {prefix_of("192.0.2.0/24"), 0};
    struct byte_view message;
    ck_assert_uint_eq(encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &message), 1);
    (void)decode(message, options);
    free_octets(message);
}
END_TEST

START_TEST(facts_of_this_router_stay_here)
{
    struct update_options options = ebgp_session();
    struct path_attrs attrs = plain_attrs(IP_V4);
    struct nlri entry = {prefix_of("192.0.2.0/24"), 0};
    struct byte_view plain;
    struct byte_view local;
    ck_assert_uint_eq(encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &plain), 1);
    attrs.present |= PATH_LOCAL_VIA | PATH_LOCAL_WEIGHT | PATH_LOCAL_TAG | PATH_LOCAL_SRC;
    attrs.weight = attrs.tag = 7;
    ck_assert_uint_eq(encode(&options, AFI_SAFI_IPV4_UNICAST, &attrs, &entry, 1, &local), 1);
    ck_assert(byte_view_equal(plain, local));
    free_octets(plain);
    free_octets(local);
}
END_TEST

START_TEST(end_of_rib_is_read_back_for_both_families)
{
    struct update_options options = ebgp_session();
    for (int family = 0; family < AFI_SAFI_COUNT; family++) {
        struct writer out = writer_of(space, sizeof space);
        end_of_rib_encode(&out, (enum afi_safi)family);
        ck_assert_uint_eq(writer_size(&out), family == AFI_SAFI_IPV4_UNICAST ? 23 : 29);
        struct update update = decode((struct byte_view){space, writer_size(&out)}, options);
        ck_assert_uint_eq(update.end_of_rib, AFI_SAFI_BIT(family));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: UPDATE encoded");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, random_sets_come_back_equal_on_every_session, 0, 16);
    tcase_add_test(cases, messages_are_filled);
    tcase_add_test(cases, ipv6_messages_are_filled);
    tcase_add_test(cases, a_message_that_does_not_fit_is_not_begun);
    tcase_add_test(cases, attributes_that_fill_the_message_leave_it_unbegun);
    tcase_add_test(cases, a_prefix_that_does_not_fit_changes_nothing);
    tcase_add_test(cases, sets_the_receiver_would_refuse_are_not_begun);
    tcase_add_test(cases, two_octet_sessions_get_as_trans_and_as4_attributes);
    tcase_add_test(cases, empty_lists_are_not_written);
    tcase_add_test(cases, facts_of_this_router_stay_here);
    tcase_add_test(cases, end_of_rib_is_read_back_for_both_families);
    suite_add_tcase(suite, cases);
    return suite;
}
