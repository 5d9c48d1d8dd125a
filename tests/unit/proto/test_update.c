/* RFC 7606 and RFC 4271 6.3 row by row: what each malformation of an UPDATE leads to, and that the
 * next message is none the worse for it. */
#include <stdio.h>

#include "proto/as_path.h"
#include "tests/unit/proto/octets.h"

enum session {
    EBGP,
    IBGP,
    EBGP_2, /* 2-octet AS numbers */
};

struct row {
    const char *promise;
    enum session session;
    const char *withdrawn;
    const char *attrs;
    const char *nlri;
    enum wire_disposition disposition;
    uint8_t subcode;
    uint8_t attr_type;
    const char *data; /* of the NOTIFICATION; NULL when the test does not say */
};

#define W WIRE_TREAT_AS_WITHDRAW
#define D WIRE_ATTR_DISCARD
#define R WIRE_SESSION_RESET

static const struct row rows[] = {
    {"an announcement with what is mandatory is accepted", EBGP, "", MANDATORY, NLRI, WIRE_ACCEPT,
     0, 0, NULL},
    {"between routers of one AS LOCAL_PREF belongs to it", IBGP, "", MANDATORY LOCAL_PREF, NLRI,
     WIRE_ACCEPT, 0, 0, NULL},

    /* The message. */
    {"an attribute longer than the list withdraws", EBGP, "", MANDATORY "80 04 05 00000001", NLRI,
     W, 1, 4, ""},
    {"one octet left over in the list withdraws", EBGP, "", MANDATORY "80", NLRI, W, 1, 0, ""},
    {"two octets left over in the list withdraw", EBGP, "", MANDATORY "80 04", NLRI, W, 1, 4, ""},
    {"three left over with extended length withdraw", EBGP, "", MANDATORY "90 04 00", NLRI, W, 1, 4,
     ""},
    {"NLRI with a length over 32 resets", EBGP, "", MANDATORY, "21 c0000201 00", R, 10, 0, ""},
    {"truncated NLRI resets", EBGP, "", MANDATORY, "18 c000", R, 10, 0, ""},
    {"withdrawn routes with a length over 32 reset", EBGP, "21 c0000201 00", "", "", R, 10, 0, ""},
    {"truncated withdrawn routes reset", EBGP, "18 c000", "", "", R, 10, 0, ""},
    {"an error that calls for withdrawal resets when nothing can be withdrawn", EBGP, "",
     ORIGIN AS_PATH "40 03 03 0a0000", "", R, 5, 3, "40 03 03 0a0000"},
    {"the same beside withdrawn routes resets", EBGP, NLRI, "40 01 01 03", "", R, 6, 1,
     "40 01 01 03"},

    /* Any attribute. */
    {"a well-known attribute marked optional withdraws", EBGP, "", "c0 01 01 00 " AS_PATH NEXT_HOP,
     NLRI, W, 4, 1, "c0 01 01 00"},
    {"a well-known attribute not marked transitive withdraws", EBGP, "",
     "00 01 01 00 " AS_PATH NEXT_HOP, NLRI, W, 4, 1, "00 01 01 00"},
    {"MULTI_EXIT_DISC marked transitive withdraws", EBGP, "", MANDATORY "c0 04 04 00000001", NLRI,
     W, 4, 4, "c0 04 04 00000001"},
    {"COMMUNITIES not marked transitive withdraw", EBGP, "", MANDATORY "80 08 04 fde80001", NLRI, W,
     4, 8, "80 08 04 fde80001"},
    {"COMMUNITIES marked well-known withdraw", EBGP, "", MANDATORY "40 08 04 fde80001", NLRI, W, 4,
     8, "40 08 04 fde80001"},
    {"MP_REACH_NLRI marked transitive withdraws", EBGP, "",
     ORIGIN AS_PATH "c0 0e 1a 0002 01 " MP_NEXT_HOP "00 20 20010db8", "", W, 4, 14, NULL},
    {"MP_UNREACH_NLRI marked transitive alone resets", EBGP, "", "c0 0f 08 0002 01 20 20010db8", "",
     R, 4, 15, NULL},
    {"an attribute that appears twice counts once", EBGP, "",
     MANDATORY "80 04 04 00000001 80 04 04 00000002", NLRI, D, 1, 4, "80 04 04 00000002"},
    {"a malformed second appearance changes nothing more", EBGP, "", MANDATORY "40 01 01 07", NLRI,
     D, 1, 1, "40 01 01 07"},
    {"an unknown attribute that appears twice counts once", EBGP, "",
     MANDATORY "c0 63 01 aa c0 63 01 bb", NLRI, D, 1, 0x63, "c0 63 01 bb"},
    {"MP_REACH_NLRI twice resets", EBGP, "", ORIGIN AS_PATH MP_REACH MP_REACH, "", R, 1, 0, ""},
    {"MP_UNREACH_NLRI twice resets", EBGP, "",
     "80 0f 08 0002 01 20 20010db8 80 0f 08 0002 01 20 20010db8", "", R, 1, 0, ""},
    {"missing ORIGIN withdraws", EBGP, "", AS_PATH NEXT_HOP, NLRI, W, 3, 1, "01"},
    {"missing AS_PATH withdraws", EBGP, "", ORIGIN NEXT_HOP, NLRI, W, 3, 2, "02"},
    {"missing NEXT_HOP with NLRI withdraws", EBGP, "", ORIGIN AS_PATH, NLRI, W, 3, 3, "03"},
    {"NLRI without any attributes withdraw", EBGP, "", "", NLRI, W, 3, 1, "01"},
    {"missing NEXT_HOP beside MP_REACH_NLRI and NLRI withdraws", EBGP, "", ORIGIN AS_PATH MP_REACH,
     NLRI, W, 3, 3, "03"},
    {"NEXT_HOP is not needed beside MP_REACH_NLRI alone", EBGP, "", ORIGIN AS_PATH MP_REACH, "",
     WIRE_ACCEPT, 0, 0, NULL},
    {"missing ORIGIN with MP_REACH_NLRI withdraws", EBGP, "", AS_PATH MP_REACH, "", W, 3, 1, "01"},
    {"missing LOCAL_PREF within an AS withdraws", IBGP, "", MANDATORY, NLRI, W, 3, 5, "05"},
    {"withdrawals alone need no attributes", IBGP, NLRI, "", "", WIRE_ACCEPT, 0, 0, NULL},
    {"MP withdrawals alone need no attributes", IBGP, "", "80 0f 08 0002 01 20 20010db8", "",
     WIRE_ACCEPT, 0, 0, NULL},
    {"an unrecognised well-known attribute resets", EBGP, "", MANDATORY "40 63 01 aa", NLRI, R, 2,
     0x63, "40 63 01 aa"},

    /* ORIGIN. */
    {"ORIGIN of no octets withdraws", EBGP, "", "40 01 00 " AS_PATH NEXT_HOP, NLRI, W, 5, 1,
     "40 01 00"},
    {"ORIGIN of two octets withdraws", EBGP, "", "40 01 02 0000 " AS_PATH NEXT_HOP, NLRI, W, 5, 1,
     "40 01 02 0000"},
    {"ORIGIN 3 withdraws", EBGP, "", "40 01 01 03 " AS_PATH NEXT_HOP, NLRI, W, 6, 1, "40 01 01 03"},
    {"ORIGIN 255 withdraws", EBGP, "", "40 01 01 ff " AS_PATH NEXT_HOP, NLRI, W, 6, 1,
     "40 01 01 ff"},

    /* AS_PATH. */
    {"AS_PATH segment type 0 withdraws", EBGP, "", ORIGIN "40 02 06 00 01 0000fde9 " NEXT_HOP, NLRI,
     W, 11, 2, "40 02 06 00 01 0000fde9"},
    {"AS_PATH segment type 5 withdraws", EBGP, "", ORIGIN "40 02 06 05 01 0000fde9 " NEXT_HOP, NLRI,
     W, 11, 2, NULL},
    {"AS_PATH segment without numbers withdraws", EBGP, "", ORIGIN "40 02 02 02 00 " NEXT_HOP, NLRI,
     W, 11, 2, NULL},
    {"AS_PATH with an empty segment behind a good one withdraws", EBGP, "",
     ORIGIN "40 02 08 02 01 0000fde9 02 00 " NEXT_HOP, NLRI, W, 11, 2, NULL},
    {"AS_PATH segment past the attribute withdraws", EBGP, "",
     ORIGIN "40 02 06 02 02 0000fde9 " NEXT_HOP, NLRI, W, 11, 2, NULL},
    {"AS_PATH with half a number left withdraws", EBGP, "",
     ORIGIN "40 02 08 02 01 0000fde9 02 01 " NEXT_HOP, NLRI, W, 11, 2, NULL},
    {"AS_PATH with one octet left withdraws", EBGP, "",
     ORIGIN "40 02 07 02 01 0000fde9 02 " NEXT_HOP, NLRI, W, 11, 2, NULL},
    {"2-octet numbers on a 4-octet session withdraw", EBGP, "", ORIGIN AS_PATH_2 NEXT_HOP, NLRI, W,
     11, 2, NULL},
    {"4-octet numbers on a 2-octet session withdraw", EBGP_2, "", ORIGIN AS_PATH NEXT_HOP, NLRI, W,
     11, 2, NULL},
    {"AS 0 in a sequence withdraws", EBGP, "", ORIGIN "40 02 0a 02 02 0000fde9 00000000 " NEXT_HOP,
     NLRI, W, 11, 2, NULL},
    {"AS 0 in a set withdraws", EBGP, "", ORIGIN "40 02 0c 02 01 0000fde9 01 01 00000000 " NEXT_HOP,
     NLRI, W, 11, 2, NULL},
    {"AS 0 on a 2-octet session withdraws", EBGP_2, "", ORIGIN "40 02 04 02 01 0000 " NEXT_HOP,
     NLRI, W, 11, 2, NULL},
    {"AS_CONFED_SEQUENCE from outside withdraws", EBGP, "",
     ORIGIN "40 02 06 03 01 0000fde9 " NEXT_HOP, NLRI, W, 11, 2, NULL},
    {"AS_CONFED_SET from outside withdraws", EBGP, "", ORIGIN "40 02 06 04 01 0000fde9 " NEXT_HOP,
     NLRI, W, 11, 2, NULL},
    {"an empty AS_PATH is sound", IBGP, "", ORIGIN "40 02 00 " NEXT_HOP LOCAL_PREF, NLRI,
     WIRE_ACCEPT, 0, 0, NULL},

    /* NEXT_HOP, MULTI_EXIT_DISC, LOCAL_PREF. */
    {"NEXT_HOP of three octets withdraws", EBGP, "", ORIGIN AS_PATH "40 03 03 0a0000 ", NLRI, W, 5,
     3, "40 03 03 0a0000"},
    {"NEXT_HOP of sixteen octets withdraws", EBGP, "", ORIGIN AS_PATH "40 03 " MP_NEXT_HOP, NLRI, W,
     5, 3, NULL},
    {"NEXT_HOP of no octets withdraws", EBGP, "", ORIGIN AS_PATH "40 03 00 ", NLRI, W, 5, 3, NULL},
    {"MULTI_EXIT_DISC of three octets withdraws", EBGP, "", MANDATORY "80 04 03 000001", NLRI, W, 5,
     4, "80 04 03 000001"},
    {"MULTI_EXIT_DISC of five octets withdraws", EBGP, "", MANDATORY "80 04 05 0000000001", NLRI, W,
     5, 4, NULL},
    {"LOCAL_PREF from another AS is discarded", EBGP, "", MANDATORY LOCAL_PREF, NLRI, D, 1, 5,
     NULL},
    {"malformed LOCAL_PREF from another AS is discarded", EBGP, "", MANDATORY "c0 05 01 00", NLRI,
     D, 1, 5, NULL},
    {"LOCAL_PREF of three octets within an AS withdraws", IBGP, "", MANDATORY "40 05 03 000001",
     NLRI, W, 5, 5, "40 05 03 000001"},

    /* Aggregation. */
    {"ATOMIC_AGGREGATE with octets is discarded", EBGP, "", MANDATORY "40 06 01 00", NLRI, D, 5, 6,
     "40 06 01 00"},
    {"AGGREGATOR of six octets on a 4-octet session is discarded", EBGP, "",
     MANDATORY "c0 07 06 fde9 0a000001", NLRI, D, 5, 7, "c0 07 06 fde9 0a000001"},
    {"AGGREGATOR of eight octets on a 2-octet session is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "c0 07 08 0000fde9 0a000001", NLRI, D, 5, 7, NULL},
    {"AGGREGATOR with AS 0 is discarded", EBGP, "", MANDATORY "c0 07 08 00000000 0a000001", NLRI, D,
     9, 7, NULL},

    /* Communities. */
    {"COMMUNITIES of no octets withdraw", EBGP, "", MANDATORY "c0 08 00", NLRI, W, 9, 8,
     "c0 08 00"},
    {"COMMUNITIES of six octets withdraw", EBGP, "", MANDATORY "c0 08 06 fde80001 0000", NLRI, W, 9,
     8, NULL},
    {"EXTENDED COMMUNITIES of no octets withdraw", EBGP, "", MANDATORY "c0 10 00", NLRI, W, 9, 16,
     NULL},
    {"EXTENDED COMMUNITIES of twelve octets withdraw", EBGP, "",
     MANDATORY "c0 10 0c 0002fde800000001 00000000", NLRI, W, 9, 16, NULL},
    {"an unknown extended community is no error", EBGP, "", MANDATORY "c0 10 08 7fee000000000001",
     NLRI, WIRE_ACCEPT, 0, 0, NULL},
    {"IPv6 EXTENDED COMMUNITIES of eight octets withdraw", EBGP, "",
     MANDATORY "c0 19 08 0002fde800000001", NLRI, W, 9, 25, NULL},
    {"IPv6 EXTENDED COMMUNITIES of no octets withdraw", EBGP, "", MANDATORY "c0 19 00", NLRI, W, 9,
     25, NULL},
    {"LARGE COMMUNITY of no octets withdraws", EBGP, "", MANDATORY "c0 20 00", NLRI, W, 9, 32,
     NULL},
    {"LARGE COMMUNITY of eight octets withdraws", EBGP, "", MANDATORY "c0 20 08 0000fde900000001",
     NLRI, W, 9, 32, NULL},

    /* Reflection. */
    {"ORIGINATOR_ID from another AS is discarded", EBGP, "", MANDATORY "80 09 04 0a000001", NLRI, D,
     1, 9, NULL},
    {"malformed ORIGINATOR_ID from another AS is discarded", EBGP, "", MANDATORY "c0 09 01 0a",
     NLRI, D, 1, 9, NULL},
    {"ORIGINATOR_ID of three octets within an AS withdraws", IBGP, "",
     MANDATORY LOCAL_PREF "80 09 03 0a0000", NLRI, W, 5, 9, NULL},
    {"CLUSTER_LIST from another AS is discarded", EBGP, "", MANDATORY "80 0a 04 0a000001", NLRI, D,
     1, 10, NULL},
    {"CLUSTER_LIST of no octets within an AS withdraws", IBGP, "", MANDATORY LOCAL_PREF "80 0a 00",
     NLRI, W, 5, 10, NULL},
    {"CLUSTER_LIST of six octets within an AS withdraws", IBGP, "",
     MANDATORY LOCAL_PREF "80 0a 06 0a000001 0000", NLRI, W, 5, 10, NULL},

    /* MP_REACH_NLRI and MP_UNREACH_NLRI. */
    {"MP_REACH_NLRI of four octets resets", EBGP, "", ORIGIN AS_PATH "80 0e 04 0002 01 00", "", R,
     9, 14, "80 0e 04 0002 01 00"},
    {"an IPv6 next hop of four octets resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 0e 0002 01 04 0a000001 00 20 20010db8", "", R, 9, 14, NULL},
    {"an IPv6 next hop of no octets resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 0a 0002 01 00 00 20 20010db8", "", R, 9, 14, NULL},
    {"an IPv6 next hop past the attribute resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 0a 0002 01 10 00 20 20010db8", "", R, 9, 14, NULL},
    {"an IPv6 next hop of 24 octets resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 22 0002 01 18 20010db8000000000000000000000001 0000000000000000 00"
                    "20 20010db8",
     "", R, 9, 14, NULL},
    {"an IPv4 prefix in MP_REACH_NLRI wants an IPv4 next hop", EBGP, "",
     ORIGIN AS_PATH "80 0e 19 0001 01 " MP_NEXT_HOP "00 18 c00002", "", R, 9, 14, NULL},
    {"an IPv6 prefix over 128 bits resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 1a 0002 01 " MP_NEXT_HOP "00 81 20010db8", "", R, 9, 14, NULL},
    {"a truncated IPv6 prefix resets", EBGP, "",
     ORIGIN AS_PATH "80 0e 19 0002 01 " MP_NEXT_HOP "00 20 20010d", "", R, 9, 14, NULL},
    {"MP_UNREACH_NLRI of two octets resets", EBGP, "", "80 0f 02 0002", "", R, 9, 15,
     "80 0f 02 0002"},
    {"an unreachable prefix over 128 bits resets", EBGP, "", "80 0f 08 0002 01 81 20010db8", "", R,
     9, 15, NULL},
    {"a truncated unreachable prefix resets", EBGP, "", "80 0f 07 0002 01 20 20010d", "", R, 9, 15,
     NULL},

    /* RFC 6793. */
    {"AS4_PATH from a 4-octet speaker is discarded", EBGP, "", MANDATORY "c0 11 06 02 01 0000fde9",
     NLRI, D, 1, 17, NULL},
    {"AS4_AGGREGATOR from a 4-octet speaker is discarded", EBGP, "",
     MANDATORY "c0 12 08 0000fde9 0a000001", NLRI, D, 1, 18, NULL},
    {"malformed AS4_PATH is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "c0 11 05 02 01 0000fd", NLRI, D, 9, 17, NULL},
    {"AS4_PATH without a number is discarded", EBGP_2, "", ORIGIN AS_PATH_2 NEXT_HOP "c0 11 00",
     NLRI, D, 9, 17, "c0 11 00"},
    {"AS4_PATH with AS 0 is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "c0 11 06 02 01 00000000", NLRI, D, 9, 17, NULL},
    {"AS4_PATH with wrong flags is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "80 11 06 02 01 0000fde9", NLRI, D, 4, 17, NULL},
    {"AS4_AGGREGATOR of six octets is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "c0 12 06 fde9 0a000001", NLRI, D, 9, 18, NULL},
    {"AS4_AGGREGATOR with AS 0 is discarded", EBGP_2, "",
     ORIGIN AS_PATH_2 NEXT_HOP "c0 12 08 00000000 0a000001", NLRI, D, 9, 18, NULL},

    /* Later attributes. */
    {"AIGP is dropped quietly", EBGP, "", MANDATORY "80 1a 0b 01 000b 0000000000000001", NLRI,
     WIRE_ACCEPT, 0, 0, NULL},
    {"malformed AIGP is dropped quietly", EBGP, "", MANDATORY "80 1a 01 01", NLRI, WIRE_ACCEPT, 0,
     0, NULL},
    {"AIGP marked transitive is dropped quietly", EBGP, "",
     MANDATORY "c0 1a 0b 01 000b 0000000000000001", NLRI, WIRE_ACCEPT, 0, 0, NULL},
    {"OTC of three octets withdraws", EBGP, "", MANDATORY "c0 23 03 0000fd", NLRI, W, 9, 35, NULL},
    {"OTC of eight octets withdraws", EBGP, "", MANDATORY "c0 23 08 0000fde900000000", NLRI, W, 9,
     35, NULL},
    {"PREFIX_SID travels as any unknown attribute, whatever it holds", EBGP, "",
     MANDATORY "c0 28 03 ffffff", NLRI, WIRE_ACCEPT, 0, 0, NULL},
    {"an unknown optional transitive attribute is accepted", EBGP, "", MANDATORY "c0 63 01 aa",
     NLRI, WIRE_ACCEPT, 0, 0, NULL},
    {"an unknown optional attribute is accepted", EBGP, "", MANDATORY "80 63 01 aa", NLRI,
     WIRE_ACCEPT, 0, 0, NULL},

    /* RFC 7606 3h. */
    {"withdrawal is stronger than discard before it", EBGP, "",
     MANDATORY "40 06 01 00 80 04 03 000001", NLRI, W, 5, 4, NULL},
    {"withdrawal is stronger than discard behind it", EBGP, "",
     MANDATORY "80 04 03 000001 40 06 01 00", NLRI, W, 5, 4, NULL},
    {"reset is stronger than withdrawal before it", EBGP, "", MANDATORY "80 04 03 000001 40 63 00",
     NLRI, R, 2, 0x63, NULL},
    {"the first of two equal findings is the one told", EBGP, "",
     MANDATORY "80 04 03 000001 c0 08 03 000001", NLRI, W, 5, 4, NULL},
};

static struct update_options options_of(enum session session)
{
    return session == IBGP   ? ibgp_session()
           : session == EBGP ? ebgp_session()
                             : two_octet_session();
}

static void assert_valid_message_is_accepted(enum session session, struct arena *scratch)
{
    static const char *const attrs[] = {
        [EBGP] = MANDATORY, [IBGP] = MANDATORY LOCAL_PREF, [EBGP_2] = ORIGIN AS_PATH_2 NEXT_HOP};
    struct update_options options = options_of(session);
    struct byte_view body = update_body("10 ac10", attrs[session], NLRI);
    struct update update;
    update_decode(body, &options, scratch, &update);
    ck_assert_int_eq(update.error.disposition, WIRE_ACCEPT);
    ck_assert_uint_eq(update.minor_count, 0);
    assert_only_prefix(update.reachable[0], "192.0.2.0/24");
    assert_only_prefix(update.unreachable[0], "172.16.0.0/16");
    ck_assert_uint_eq(as_path_first(update.attrs.as_path), 65001);
    free_octets(body);
}

static void assert_error_is(const struct row *row, const struct wire_error *error)
{
    ck_assert_msg(error->disposition == row->disposition, "%s: got %d (%s)", row->promise,
                  error->disposition, error->what == NULL ? "accepted" : error->what);
    if (row->disposition == WIRE_ACCEPT) {
        return;
    }
    ck_assert_msg(error->code == NOTIFICATION_UPDATE, "%s: code %u", row->promise, error->code);
    ck_assert_msg(error->subcode == row->subcode, "%s: subcode %u", row->promise, error->subcode);
    ck_assert_msg(error->attr_type == row->attr_type, "%s: type %u", row->promise,
                  error->attr_type);
    ck_assert_msg(error->what != NULL, "%s: unexplained", row->promise);
    if (row->data != NULL) {
        struct byte_view data = octets_of(row->data);
        ck_assert_msg(byte_view_equal(error->data, data), "%s: data", row->promise);
        free_octets(data);
    }
}

START_TEST(malformed_updates_are_dealt_with_as_the_table_says)
{
    const struct row *row = &rows[_i];
    struct update_options options = options_of(row->session);
    struct byte_view body = update_body(row->withdrawn, row->attrs, row->nlri);
    struct arena scratch;
    struct update update;
    arena_init(&scratch);
    assert_valid_message_is_accepted(row->session, &scratch);
    update_decode(body, &options, &scratch, &update);
    assert_error_is(row, &update.error);
    if (row->disposition == W && row->nlri[0] != 0) {
        assert_only_prefix(update.reachable[0], "192.0.2.0/24");
    }
    if (row->disposition == W) {
        ck_assert_uint_ge(update.minor_count, 1);
    }
    assert_valid_message_is_accepted(row->session, &scratch);
    free_octets(body);
    arena_fini(&scratch);
}
END_TEST

struct raw_row {
    const char *promise;
    const char *body;
};

START_TEST(field_lengths_past_the_message_reset)
{
    static const struct raw_row bodies[] = {
        {"an empty body", ""},
        {"one octet", "00"},
        {"no attribute length", "0000"},
        {"half an attribute length", "0000 00"},
        {"withdrawn routes past the message", "0005 18c00002"},
        {"withdrawn routes that leave no attribute length", "0004 18c00002"},
        {"attributes past the message", "0000 0005 40010100"},
        {"the longest of lengths", "ffff ffff"},
    };
    struct update_options options = ebgp_session();
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct byte_view body = octets_of(bodies[i].body);
        struct update update;
        update_decode(body, &options, &scratch, &update);
        ck_assert_msg(update.error.disposition == R, "%s", bodies[i].promise);
        ck_assert_uint_eq(update.error.code, 3);
        ck_assert_uint_eq(update.error.subcode, 1);
        ck_assert_uint_eq(update.error.data.size, 0);
        free_octets(body);
        assert_valid_message_is_accepted(EBGP, &scratch);
    }
    arena_fini(&scratch);
}
END_TEST

START_TEST(nlri_is_found_by_total_attribute_length_behind_a_broken_attribute)
{
    static const char *const broken[] = {"80 04 ff 00", "c0 08 05 fde80001", "90 04 ffff 00", "40",
                                         "40 03",       "50 02 00",          "c0 63 80"};
    struct update_options options = ebgp_session();
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct byte_view body = update_body("10 ac10", broken[i], NLRI);
        struct update update;
        update_decode(body, &options, &scratch, &update);
        ck_assert_int_eq(update.error.disposition, W);
        assert_only_prefix(update.reachable[0], "192.0.2.0/24");
        assert_only_prefix(update.unreachable[0], "172.16.0.0/16");
        free_octets(body);
    }
    arena_fini(&scratch);
}
END_TEST

START_TEST(the_list_is_read_on_behind_an_attribute_that_withdraws)
{
    struct update_options options = ebgp_session();
    struct byte_view body =
        update_body("", MANDATORY "80 04 03 000001 " MP_REACH "80 0f 08 0002 01 20 20010db9", NLRI);
    struct arena scratch;
    struct update update;
    arena_init(&scratch);
    update_decode(body, &options, &scratch, &update);
    ck_assert_int_eq(update.error.disposition, W);
    assert_only_prefix(update.reachable[0], "192.0.2.0/24");
    assert_only_prefix(update.reachable[1], "2001:db8::/32");
    assert_only_prefix(update.unreachable[1], "2001:db9::/32");
    free_octets(body);
    arena_fini(&scratch);
}
END_TEST

START_TEST(findings_are_kept_in_order_up_to_the_bound)
{
    struct update_options options = ebgp_session();
    struct byte_view body =
        update_body("",
                    MANDATORY "40 06 01 00 80 04 03 000001 c0 08 00 c0 10 00 c0 20 00 c0 23 00"
                              "40 01 01 00 40 01 01 00 40 01 01 00 40 01 01 00 c0 07 00",
                    NLRI);
    struct arena scratch;
    struct update update;
    static const uint8_t types[UPDATE_ERRORS_MAX] = {6, 4, 8, 16, 32, 35, 1, 1};
    arena_init(&scratch);
    update_decode(body, &options, &scratch, &update);
    ck_assert_uint_eq(update.minor_count, UPDATE_ERRORS_MAX);
    for (size_t i = 0; i < UPDATE_ERRORS_MAX; i++) {
        ck_assert_uint_eq(update.minor[i].attr_type, types[i]);
    }
    ck_assert_uint_eq(update.error.attr_type, 4);
    free_octets(body);
    arena_fini(&scratch);
}
END_TEST

static enum wire_disposition decode_disposition(const struct update_options *options,
                                                const char *attrs, bool *next_hop_unusable_out)
{
    struct byte_view body = update_body("", attrs, NLRI);
    struct arena scratch;
    struct update update;
    arena_init(&scratch);
    update_decode(body, options, &scratch, &update);
    *next_hop_unusable_out = update.next_hop_unusable;
    free_octets(body);
    arena_fini(&scratch);
    return update.error.disposition;
}

START_TEST(as_sets_and_long_paths_withdraw_where_told_to)
{
    static const char set[] = ORIGIN "40 02 0c 02 01 0000fde9 01 01 0000fdea " NEXT_HOP;
    static const char three[] = ORIGIN "40 02 0e 02 03 0000fde9 0000fdea 0000fdeb " NEXT_HOP;
    struct update_options options = ebgp_session();
    bool ignored;
    ck_assert_int_eq(decode_disposition(&options, set, &ignored), WIRE_ACCEPT);
    options.reject_as_sets = true;
    ck_assert_int_eq(decode_disposition(&options, set, &ignored), W);
    ck_assert_int_eq(decode_disposition(&options, three, &ignored), WIRE_ACCEPT);
    options.as_path_count_max = 3;
    ck_assert_int_eq(decode_disposition(&options, three, &ignored), WIRE_ACCEPT);
    options.as_path_count_max = 2;
    ck_assert_int_eq(decode_disposition(&options, three, &ignored), W);
}
END_TEST

START_TEST(confederation_segments_are_for_members)
{
    static const char confed[] = ORIGIN "40 02 0c 03 01 0000fdea 04 01 0000fde9 " NEXT_HOP;
    struct update_options options = ebgp_session();
    bool ignored;
    options.is_confed_member = true;
    ck_assert_int_eq(decode_disposition(&options, confed, &ignored), WIRE_ACCEPT);
}
END_TEST

START_TEST(impossible_next_hops_are_told_without_an_error)
{
    static const struct {
        const char *attr;
        bool is_unusable;
    } hops[] = {
        {"40 03 04 00000000", true},  {"40 03 04 00000001", true},  {"40 03 04 7f000001", true},
        {"40 03 04 e0000001", true},  {"40 03 04 f0000001", true},  {"40 03 04 ffffffff", true},
        {"40 03 04 dfffffff", false}, {"40 03 04 01000001", false}, {"40 03 04 80000001", false},
    };
    struct update_options options = ebgp_session();
    for (size_t i = 0; i < sizeof hops / sizeof hops[0]; i++) {
        char attrs[128];
        bool is_unusable;
        snprintf(attrs, sizeof attrs, "%s%s", ORIGIN AS_PATH, hops[i].attr);
        ck_assert_int_eq(decode_disposition(&options, attrs, &is_unusable), WIRE_ACCEPT);
        ck_assert_msg(is_unusable == hops[i].is_unusable, "%s", hops[i].attr);
    }
}
END_TEST

START_TEST(more_unknown_attributes_than_are_kept_withdraw)
{
    struct update_options options = ebgp_session();
    char attrs[2000] = MANDATORY;
    bool ignored;
    for (unsigned i = 0; i < 33; i++) {
        size_t used = strlen(attrs);
        ck_assert_int_eq(decode_disposition(&options, attrs, &ignored), WIRE_ACCEPT);
        snprintf(attrs + used, sizeof attrs - used, "c0 %02x 01 aa", 100 + i);
    }
    ck_assert_int_eq(decode_disposition(&options, attrs, &ignored), W);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: malformed UPDATE");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, malformed_updates_are_dealt_with_as_the_table_says, 0,
                        (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(cases, field_lengths_past_the_message_reset);
    tcase_add_test(cases, nlri_is_found_by_total_attribute_length_behind_a_broken_attribute);
    tcase_add_test(cases, the_list_is_read_on_behind_an_attribute_that_withdraws);
    tcase_add_test(cases, findings_are_kept_in_order_up_to_the_bound);
    tcase_add_test(cases, as_sets_and_long_paths_withdraw_where_told_to);
    tcase_add_test(cases, confederation_segments_are_for_members);
    tcase_add_test(cases, impossible_next_hops_are_told_without_an_error);
    tcase_add_test(cases, more_unknown_attributes_than_are_kept_withdraw);
    suite_add_tcase(suite, cases);
    return suite;
}
