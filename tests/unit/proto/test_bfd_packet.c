/* BFD control packets: every bit where RFC 5880 4.1 puts it, and every reception check discards
 * with its own name. */
#include <string.h>

#include "proto/bfd_packet.h"
#include "tests/unit/unit.h"

/* Up, your discriminator known, no flags: accepted as it stands. */
static const uint8_t good[BFD_PACKET_BYTES] = {
    0x20, 0xc0, 3,    24,   0x11, 0x22, 0x33, 0x44, 0xaa, 0xbb, 0xcc, 0xdd,
    0,    4,    0x93, 0xe0, 0,    3,    0x0d, 0x40, 0,    0,    0,    7,
};

static enum bfd_fault fault_of(const uint8_t *octets, size_t size)
{
    struct bfd_packet packet;
    return bfd_packet_decode((struct byte_view){octets, size}, &packet);
}

/* The good packet with one octet changed. */
static enum bfd_fault fault_with(size_t at, uint8_t value)
{
    uint8_t octets[BFD_PACKET_BYTES];
    memcpy(octets, good, sizeof octets);
    octets[at] = value;
    return fault_of(octets, sizeof octets);
}

START_TEST(every_field_is_where_the_rfc_puts_it)
{
    struct bfd_packet packet;
    ck_assert_int_eq(bfd_packet_decode((struct byte_view){good, sizeof good}, &packet),
                     BFD_FAULT_NONE);
    ck_assert_uint_eq(packet.state, BFD_UP);
    ck_assert_uint_eq(packet.diagnostic, 0);
    ck_assert_uint_eq(packet.detect_multiplier, 3);
    ck_assert_uint_eq(packet.my_discriminator, 0x11223344);
    ck_assert_uint_eq(packet.your_discriminator, 0xaabbccdd);
    ck_assert_uint_eq(packet.desired_min_tx_us, 300000);
    ck_assert_uint_eq(packet.required_min_rx_us, 200000);
    ck_assert_uint_eq(packet.required_min_echo_us, 7);
    ck_assert(!packet.poll && !packet.final && !packet.demand && !packet.has_auth &&
              !packet.control_plane_independent);
}
END_TEST

START_TEST(every_flag_state_and_diagnostic_survives_a_round_trip)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        for (unsigned diagnostic = 0; diagnostic < 32; diagnostic++) {
            uint8_t octets[BFD_PACKET_BYTES];
            uint8_t out[BFD_PACKET_BYTES_MAX];
            struct bfd_packet packet;
            memcpy(octets, good, sizeof octets);
            octets[0] = (uint8_t)(0x20 | diagnostic);
            octets[1] = (uint8_t)flags;
            enum bfd_fault expected = flags & 0x01             ? BFD_FAULT_MULTIPOINT
                                      : (flags & 0x30) == 0x30 ? BFD_FAULT_POLL_AND_FINAL
                                                               : BFD_FAULT_NONE;
            if (flags & 0x04) {
                expected = BFD_FAULT_LENGTH; /* 24 octets cannot hold the section */
            }
            ck_assert_int_eq(bfd_packet_decode((struct byte_view){octets, 24}, &packet), expected);
            if (expected == BFD_FAULT_NONE) {
                struct writer writer = writer_of(out, sizeof out);
                bfd_packet_encode(&writer, &packet);
                ck_assert_uint_eq(writer_size(&writer), 24);
                ck_assert_mem_eq(out, octets, 24);
            }
        }
    }
}
END_TEST

START_TEST(each_reception_check_discards_under_its_own_name)
{
    uint8_t zero_discriminator[BFD_PACKET_BYTES];
    for (size_t size = 0; size < BFD_PACKET_BYTES; size++) {
        ck_assert_int_eq(fault_of(good, size), BFD_FAULT_SHORT);
    }
    for (unsigned version = 0; version < 8; version++) {
        ck_assert_int_eq(fault_with(0, (uint8_t)(version << 5)),
                         version == 1 ? BFD_FAULT_NONE : BFD_FAULT_VERSION);
    }
    for (unsigned length = 0; length < 256; length++) {
        ck_assert_int_eq(fault_with(3, (uint8_t)length),
                         length == 24 ? BFD_FAULT_NONE : BFD_FAULT_LENGTH);
    }
    ck_assert_int_eq(fault_with(2, 0), BFD_FAULT_MULTIPLIER);
    ck_assert_int_eq(fault_with(1, 0xc1), BFD_FAULT_MULTIPOINT);
    ck_assert_int_eq(fault_with(1, 0xf0), BFD_FAULT_POLL_AND_FINAL);
    memcpy(zero_discriminator, good, sizeof good);
    memset(zero_discriminator + 4, 0, 4);
    ck_assert_int_eq(fault_of(zero_discriminator, 24), BFD_FAULT_MY_DISCRIMINATOR);
}
END_TEST

START_TEST(no_your_discriminator_only_in_down_and_admin_down)
{
    for (unsigned state = 0; state < 4; state++) {
        uint8_t octets[BFD_PACKET_BYTES];
        memcpy(octets, good, sizeof octets);
        memset(octets + 8, 0, 4);
        octets[1] = (uint8_t)(state << 6);
        ck_assert_int_eq(fault_of(octets, 24),
                         state <= BFD_DOWN ? BFD_FAULT_NONE : BFD_FAULT_YOUR_DISCRIMINATOR);
    }
}
END_TEST

START_TEST(octets_beyond_the_length_are_ignored)
{
    uint8_t octets[BFD_PACKET_BYTES + 10];
    memset(octets, 0xff, sizeof octets);
    memcpy(octets, good, sizeof good);
    ck_assert_int_eq(fault_of(octets, sizeof octets), BFD_FAULT_NONE);
}
END_TEST

START_TEST(an_authentication_section_has_the_length_of_its_type)
{
    for (unsigned type = 0; type < 8; type++) {
        for (unsigned bytes = 0; bytes <= 40; bytes++) {
            uint8_t octets[BFD_PACKET_BYTES + 40] = {0};
            memcpy(octets, good, sizeof good);
            octets[1] = 0xc4;
            octets[3] = sizeof octets;
            octets[24] = (uint8_t)type;
            octets[25] = (uint8_t)bytes;
            bool is_good = bytes >= 2;
            if (type == BFD_AUTH_SIMPLE) {
                is_good = bytes >= 4 && bytes <= 19;
            } else if (type == BFD_AUTH_KEYED_MD5 || type == BFD_AUTH_METICULOUS_MD5) {
                is_good = bytes == 24;
            } else if (type == BFD_AUTH_KEYED_SHA1 || type == BFD_AUTH_METICULOUS_SHA1) {
                is_good = bytes == 28;
            }
            ck_assert_int_eq(fault_of(octets, sizeof octets),
                             is_good ? BFD_FAULT_NONE : BFD_FAULT_AUTH_FORMAT);
        }
    }
}
END_TEST

START_TEST(an_authentication_section_cannot_outrun_the_length_field)
{
    uint8_t octets[BFD_PACKET_BYTES + 28] = {0};
    memcpy(octets, good, sizeof good);
    octets[1] = 0xc4;
    octets[24] = BFD_AUTH_KEYED_SHA1;
    octets[25] = 28;
    for (unsigned length = 24; length <= 52; length++) {
        octets[3] = (uint8_t)length;
        ck_assert_int_eq(fault_of(octets, sizeof octets), length < 26   ? BFD_FAULT_LENGTH
                                                          : length < 52 ? BFD_FAULT_AUTH_FORMAT
                                                                        : BFD_FAULT_NONE);
    }
}
END_TEST

START_TEST(every_code_has_a_name)
{
    for (int fault = 0; fault <= BFD_FAULT_COUNT; fault++) {
        ck_assert_ptr_nonnull(bfd_fault_name((enum bfd_fault)fault));
    }
    ck_assert_str_eq(bfd_diagnostic_name(BFD_DIAG_TIME_EXPIRED), "control detection time expired");
    ck_assert_str_eq(bfd_diagnostic_name(31), "unknown diagnostic");
    ck_assert_str_eq(bfd_state_name(BFD_UP), "up");
    ck_assert_str_eq(bfd_state_name(9), "unknown");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: bfd packet");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, every_field_is_where_the_rfc_puts_it);
    tcase_add_test(cases, every_flag_state_and_diagnostic_survives_a_round_trip);
    tcase_add_test(cases, each_reception_check_discards_under_its_own_name);
    tcase_add_test(cases, no_your_discriminator_only_in_down_and_admin_down);
    tcase_add_test(cases, octets_beyond_the_length_are_ignored);
    tcase_add_test(cases, an_authentication_section_has_the_length_of_its_type);
    tcase_add_test(cases, an_authentication_section_cannot_outrun_the_length_field);
    tcase_add_test(cases, every_code_has_a_name);
    suite_add_tcase(suite, cases);
    return suite;
}
