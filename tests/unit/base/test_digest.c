/* The test vectors of RFC 1321 A.5 and RFC 3174 7.3, and every length around the padding. */
#include <stdio.h>
#include <string.h>

#include "proto/base/digest.h"
#include "tests/unit/unit.h"

static void check(const uint8_t *digest, size_t size, const char *wanted)
{
    char text[2 * DIGEST_SHA1_BYTES + 1] = "";
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    ck_assert_str_eq(text, wanted);
}

static void check_md5(const char *message, const char *wanted)
{
    uint8_t digest[DIGEST_MD5_BYTES];
    digest_md5((const uint8_t *)message, strlen(message), digest);
    check(digest, sizeof digest, wanted);
}

static void check_sha1(const char *message, size_t times, const char *wanted)
{
    static uint8_t octets[1000000];
    uint8_t digest[DIGEST_SHA1_BYTES];
    size_t size = strlen(message);
    for (size_t i = 0; i < times; i++) {
        memcpy(octets + i * size, message, size);
    }
    digest_sha1(octets, size * times, digest);
    check(digest, sizeof digest, wanted);
}

START_TEST(md5_gives_the_digests_of_rfc_1321)
{
    check_md5("", "d41d8cd98f00b204e9800998ecf8427e");
    check_md5("a", "0cc175b9c0f1b6a831c399e269772661");
    check_md5("abc", "900150983cd24fb0d6963f7d28e17f72");
    check_md5("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check_md5("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check_md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
              "d174ab98d277d9f5a5611c2c9f419d9f");
    check_md5("1234567890123456789012345678901234567890"
              "1234567890123456789012345678901234567890",
              "57edf4a22be3c955ac49da2e2107b67a");
}
END_TEST

START_TEST(sha1_gives_the_digests_of_rfc_3174)
{
    check_sha1("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_sha1("a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_sha1("0123456701234567012345670123456701234567012345670123456701234567", 10,
               "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}
END_TEST

/* A digest of all the digests: wrong padding at one length changes it. */
START_TEST(every_length_around_the_padding_is_right)
{
    uint8_t octets[130];
    uint8_t md5[131 * DIGEST_MD5_BYTES];
    uint8_t sha1[131 * DIGEST_SHA1_BYTES];
    uint8_t digest[DIGEST_SHA1_BYTES];
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t size = 0; size <= sizeof octets; size++) {
        digest_md5(octets, size, md5 + size * DIGEST_MD5_BYTES);
        digest_sha1(octets, size, sha1 + size * DIGEST_SHA1_BYTES);
    }
    digest_md5(md5, sizeof md5, digest);
    check(digest, DIGEST_MD5_BYTES, "0fdce061b612dd70208ba50a6a28de8d");
    digest_sha1(sha1, sizeof sha1, digest);
    check(digest, DIGEST_SHA1_BYTES, "93b7e7fa254bfb06a3b306e7d1fdb97785e6151e");
}
END_TEST

START_TEST(equal_looks_at_every_octet)
{
    uint8_t a[20] = {0};
    uint8_t b[20] = {0};
    ck_assert(digest_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        ck_assert(!digest_equal(a, b, sizeof a));
        b[i] = 0;
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/digest");
    TCase *tests = tcase_create("digests");
    tcase_add_test(tests, md5_gives_the_digests_of_rfc_1321);
    tcase_add_test(tests, sha1_gives_the_digests_of_rfc_3174);
    tcase_add_test(tests, every_length_around_the_padding_is_right);
    tcase_add_test(tests, equal_looks_at_every_octet);
    suite_add_tcase(suite, tests);
    return suite;
}
