/* Replays the corpus of the fuzz targets of this room. */
#include "tests/unit/corpus.h"
#include "tests/unit/unit.h"

#define LLVMFuzzerTestOneInput netlink_fuzz_one
#include "bgpd/io/netlink_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput vici_fuzz_one
#include "bgpd/io/vici_fuzz.c"
#undef LLVMFuzzerTestOneInput

START_TEST(netlink_corpus_is_taken_and_read_back)
{
    corpus_replay("netlink", netlink_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(vici_corpus_is_taken_and_read_back)
{
    corpus_replay("vici", vici_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io: corpus");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, netlink_corpus_is_taken_and_read_back);
    tcase_add_test(cases, vici_corpus_is_taken_and_read_back);
    suite_add_tcase(suite, cases);
    return suite;
}
