/* NLRI runs: every prefix length of both families, with and without path ids, whatever follows. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/random.h"
#include "proto/update.h"
#include "proto/update_private.h"
#include "tests/unit/unit.h"

/* A copy of exactly these octets, so that sanitizers see every read past the end. */
static uint8_t *exact_copy(const struct writer *writer)
{
    size_t size = writer_size(writer);
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, writer->start, size);
    return copy;
}

static void check_length(uint8_t family, uint8_t len_bits, bool has_path_ids, size_t followers)
{
    uint8_t octets[256];
    uint8_t ones[16];
    struct writer writer = writer_of(octets, sizeof octets);
    memset(ones, 0xff, sizeof ones);
    struct ip_addr addr = ip_from_bytes(ones, ip_family_bytes(family));
    struct prefix expected = prefix_make(&addr, len_bits);
    size_t size = prefix_wire_bytes(&expected) - 1;
    for (size_t i = 0; i <= followers; i++) {
        if (has_path_ids) {
            writer_u32(&writer, 0x01020304u + (uint32_t)i);
        }
        writer_u8(&writer, i == 0 ? len_bits : 0);
        writer_bytes(&writer, ones, i == 0 ? size : 0); /* host bits are set on the wire */
    }
    uint8_t *copy = exact_copy(&writer);
    struct nlri_run run = {{copy, writer_size(&writer)}, family, has_path_ids};
    ck_assert(nlri_check(run.bytes, family, has_path_ids));
    struct nlri nlri;
    for (size_t i = 0; i <= followers; i++) {
        memset(&nlri, 0xee, sizeof nlri);
        ck_assert(nlri_next(&run, &nlri));
        ck_assert_uint_eq(nlri.path_id, has_path_ids ? 0x01020304u + i : 0);
        struct prefix zero = {.family = family};
        ck_assert(prefix_equal(&nlri.prefix, i == 0 ? &expected : &zero));
    }
    ck_assert(!nlri_next(&run, &nlri));
    free(copy);
}

START_TEST(every_length_is_read_whatever_follows)
{
    for (unsigned followers = 0; followers < 20; followers++) {
        for (unsigned len_bits = 0; len_bits <= 32; len_bits++) {
            check_length(IP_V4, (uint8_t)len_bits, false, followers);
            check_length(IP_V4, (uint8_t)len_bits, true, followers);
        }
        for (unsigned len_bits = 0; len_bits <= 128; len_bits++) {
            check_length(IP_V6, (uint8_t)len_bits, false, followers);
            check_length(IP_V6, (uint8_t)len_bits, true, followers);
        }
    }
}
END_TEST

/* nlri_check is what nlri_next relies on; both fail closed on anything else. */
START_TEST(reading_a_random_run_agrees_with_checking_it)
{
    struct random_source random;
    random_init(&random, 9);
    unsigned good = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t octets[24];
        size_t size = random_below(&random, sizeof octets);
        uint8_t family = random_below(&random, 2) == 0 ? IP_V4 : IP_V6;
        bool has_path_ids = random_below(&random, 4) == 0;
        for (size_t i = 0; i < size; i++) {
            octets[i] = (uint8_t)random_below(&random, 40);
        }
        struct writer writer = {octets, octets + size, octets + size, false};
        uint8_t *copy = exact_copy(&writer);
        struct nlri_run run = {{copy, size}, family, has_path_ids};
        bool is_good = nlri_check(run.bytes, family, has_path_ids);
        struct nlri nlri;
        size_t taken = 0;
        while (nlri_next(&run, &nlri)) {
            ck_assert_uint_le(nlri.prefix.len_bits, ip_family_bits(family));
            struct ip_addr addr = prefix_addr(&nlri.prefix);
            struct prefix masked = prefix_make(&addr, nlri.prefix.len_bits);
            ck_assert(prefix_equal(&nlri.prefix, &masked));
            taken += prefix_wire_bytes(&nlri.prefix) + (has_path_ids ? 4 : 0);
        }
        ck_assert(!is_good || taken == size);
        good += is_good;
        free(copy);
    }
    ck_assert_uint_gt(good, 1000);
}
END_TEST

START_TEST(writing_touches_nothing_behind_the_room)
{
    for (unsigned len_bits = 0; len_bits <= 128; len_bits++) {
        for (unsigned family = IP_V4; family <= IP_V6; family += 2) {
            uint8_t ones[16];
            memset(ones, 0xff, sizeof ones);
            struct ip_addr addr = ip_from_bytes(ones, ip_family_bytes((uint8_t)family));
            if (len_bits > ip_family_bits((uint8_t)family)) {
                continue;
            }
            struct prefix prefix = prefix_make(&addr, (uint8_t)len_bits);
            for (size_t room = 0; room < 24; room++) {
                uint8_t octets[24];
                memset(octets, 0xee, sizeof octets);
                struct writer writer = writer_of(octets, room);
                prefix_write(&writer, &prefix);
                ck_assert_int_eq(writer.failed, room < prefix_wire_bytes(&prefix));
                for (size_t i = room; i < sizeof octets; i++) {
                    ck_assert_uint_eq(octets[i], 0xee);
                }
                struct reader reader = reader_of(octets, writer_size(&writer));
                struct prefix again = prefix_read(&reader, (uint8_t)family);
                ck_assert(writer.failed || (prefix_equal(&prefix, &again) && !reader.failed));
            }
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: NLRI");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, every_length_is_read_whatever_follows);
    tcase_add_test(cases, reading_a_random_run_agrees_with_checking_it);
    tcase_add_test(cases, writing_touches_nothing_behind_the_room);
    suite_add_tcase(suite, cases);
    return suite;
}
