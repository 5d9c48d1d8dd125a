/* Cursors fail closed, times saturate, randomness repeats, names exist. */
#include <signal.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/cursor.h"
#include "proto/base/hash.h"
#include "proto/base/mono.h"
#include "proto/base/random.h"
#include "proto/base/status.h"
#include "tests/unit/unit.h"

START_TEST(reader_reads_network_order)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct reader reader = reader_of(bytes, sizeof bytes);
    ck_assert_uint_eq(reader_u8(&reader), 0x01);
    ck_assert_uint_eq(reader_u16(&reader), 0x0203);
    ck_assert_uint_eq(reader_u32(&reader), 0x04050607);
    ck_assert_uint_eq(reader_u64(&reader), UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!reader.failed);
    ck_assert_uint_eq(reader_left(&reader), 0);
}
END_TEST

/* Every size of input against every size asked for. */
START_TEST(reader_never_passes_its_end_and_stays_failed)
{
    static const uint8_t bytes[12] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    for (size_t have = 0; have <= sizeof bytes; have++) {
        for (size_t want = 0; want <= sizeof bytes + 1; want++) {
            struct reader reader = reader_of(bytes, have);
            struct byte_view view = reader_view(&reader, want);
            ck_assert_int_eq(reader.failed, want > have);
            if (want > have) {
                ck_assert_ptr_null(view.data);
                ck_assert_uint_eq(view.size, 0);
                ck_assert_uint_eq(reader_left(&reader), 0);
                ck_assert_uint_eq(reader_u8(&reader), 0);
                ck_assert_uint_eq(reader_u64(&reader), 0);
                ck_assert(reader.failed);
            } else {
                ck_assert_uint_eq(view.size, want);
                ck_assert_uint_eq(reader_left(&reader), have - want);
            }
        }
    }
}
END_TEST

START_TEST(sub_reader_cannot_outrun_its_parent)
{
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    struct reader reader = reader_of(bytes, 4);
    struct reader sub = reader_sub(&reader, 3);
    ck_assert_uint_eq(reader_left(&sub), 3);
    ck_assert_uint_eq(reader_u32(&sub), 0);
    ck_assert(sub.failed && !reader.failed);
    ck_assert_uint_eq(reader_u8(&reader), 4);
    sub = reader_sub(&reader, 1);
    ck_assert(sub.failed && reader.failed);
    reader = reader_of(NULL, 0);
    ck_assert_uint_eq(reader_rest(&reader).size, 0);
    ck_assert(!reader.failed);
}
END_TEST

START_TEST(writer_writes_network_order)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 'a', 'b'};
    uint8_t out[sizeof expected];
    struct writer writer = writer_of(out, sizeof out);
    writer_u8(&writer, 0x01);
    writer_u16(&writer, 0x0203);
    writer_u32(&writer, 0x04050607);
    writer_bytes(&writer, "ab", 2);
    writer_bytes(&writer, NULL, 0);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer_room(&writer), 0);
    ck_assert_int_eq(memcmp(out, expected, sizeof expected), 0);
}
END_TEST

START_TEST(writer_never_passes_its_end_and_stays_failed)
{
    uint8_t out[8];
    memset(out, 0xee, sizeof out);
    struct writer writer = writer_of(out, 3);
    writer_u16(&writer, 0x0102);
    writer_u32(&writer, 0x03040506);
    ck_assert(writer.failed);
    ck_assert_uint_eq(writer_size(&writer), 2);
    writer_u8(&writer, 7);
    ck_assert_uint_eq(writer_size(&writer), 2);
    for (size_t i = 2; i < sizeof out; i++) {
        ck_assert_uint_eq(out[i], 0xee);
    }
}
END_TEST

START_TEST(views_compare_by_content)
{
    struct byte_view none = {NULL, 0};
    struct byte_view ab = {(const uint8_t *)"ab", 2};
    struct byte_view abc = {(const uint8_t *)"abc", 3};
    ck_assert(byte_view_equal(none, (struct byte_view){ab.data, 0}));
    ck_assert(byte_view_equal(ab, (struct byte_view){abc.data, 2}));
    ck_assert(!byte_view_equal(ab, abc));
    ck_assert(!byte_view_equal(ab, (struct byte_view){abc.data + 1, 2}));
}
END_TEST

START_TEST(times_saturate_and_order)
{
    struct mono_time zero = {0};
    struct mono_time late = mono_add(zero, mono_span_s(5));
    ck_assert_int_eq(late.ns, INT64_C(5000000000));
    ck_assert(mono_before(zero, late) && !mono_before(late, zero));
    ck_assert(mono_reached(late, late) && !mono_reached(late, zero));
    ck_assert_int_eq(mono_span_to_ms(mono_between(zero, late)), 5000);
    ck_assert_int_eq(mono_span_to_s(mono_between(late, zero)), -5);
    ck_assert(mono_is_never(mono_add(MONO_NEVER, mono_span_s(-1))));
    ck_assert(mono_is_never(mono_add(late, mono_span_ns(INT64_MAX))));
    ck_assert_int_eq(mono_earlier(MONO_NEVER, late).ns, late.ns);
    ck_assert_int_eq(mono_span_us(1500).ns, 1500000);
}
END_TEST

START_TEST(one_seed_gives_one_sequence)
{
    struct random_source a, b, c;
    random_init(&a, 7);
    random_init(&b, 7);
    random_init(&c, 8);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_u64(&a);
        ck_assert_uint_eq(value, random_u64(&b));
        differs = differs || value != random_u64(&c);
    }
    ck_assert(differs);
}
END_TEST

START_TEST(random_below_stays_below_and_reaches_all)
{
    struct random_source random;
    random_init(&random, 0);
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t value = random_below(&random, 7);
        ck_assert_uint_lt(value, 7);
        seen |= 1u << value;
    }
    ck_assert_uint_eq(seen, 0x7f);
    ck_assert_uint_eq(random_below(&random, 1), 0);
}
END_TEST

START_TEST(hash_depends_on_key_and_content)
{
    ck_assert_uint_eq(hash_bytes(1, "abc", 3), hash_bytes(1, "abc", 3));
    ck_assert_uint_ne(hash_bytes(1, "abc", 3), hash_bytes(2, "abc", 3));
    ck_assert_uint_ne(hash_bytes(1, "abc", 3), hash_bytes(1, "abd", 3));
    ck_assert_uint_ne(hash_bytes(1, "abc", 3), hash_bytes(1, "abc", 2));
    ck_assert_uint_ne(hash_u64(1, 5), hash_u64(2, 5));
    ck_assert_uint_ne(hash_u64(1, 5), hash_u64(1, 6));
}
END_TEST

START_TEST(every_status_has_a_name)
{
    for (enum status status = STATUS_OK; status <= STATUS_REFUSED; status++) {
        ck_assert_uint_gt(strlen(status_name(status)), 1);
    }
}
END_TEST

START_TEST(a_broken_belief_ends_the_process)
{
    ASSERT(1 + 1 == 2);
    ASSERT(1 + 1 == 3);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base: values");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, reader_reads_network_order);
    tcase_add_test(cases, reader_never_passes_its_end_and_stays_failed);
    tcase_add_test(cases, sub_reader_cannot_outrun_its_parent);
    tcase_add_test(cases, writer_writes_network_order);
    tcase_add_test(cases, writer_never_passes_its_end_and_stays_failed);
    tcase_add_test(cases, views_compare_by_content);
    tcase_add_test(cases, times_saturate_and_order);
    tcase_add_test(cases, one_seed_gives_one_sequence);
    tcase_add_test(cases, random_below_stays_below_and_reaches_all);
    tcase_add_test(cases, hash_depends_on_key_and_content);
    tcase_add_test(cases, every_status_has_a_name);
    tcase_add_test_raise_signal(cases, a_broken_belief_ends_the_process, SIGABRT);
    suite_add_tcase(suite, cases);
    return suite;
}
