/* Replays the corpus of the fuzz targets of this room. */
#include "tests/unit/corpus.h"
#include "tests/unit/unit.h"

#define LLVMFuzzerTestOneInput command_fuzz_one
#include "bgpd/cli/command_fuzz.c"
#undef LLVMFuzzerTestOneInput

START_TEST(command_corpus_is_taken_and_packed)
{
    corpus_replay("command", command_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli: corpus");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, command_corpus_is_taken_and_packed);
    suite_add_tcase(suite, cases);
    return suite;
}
