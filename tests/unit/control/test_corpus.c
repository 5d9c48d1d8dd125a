/* Replays the corpus of the fuzz targets of this room. */
#include "tests/unit/corpus.h"
#include "tests/unit/unit.h"

#define LLVMFuzzerTestOneInput control_fuzz_one
#include "bgpd/control/control_fuzz.c"
#undef LLVMFuzzerTestOneInput

START_TEST(control_corpus_is_answered_in_whole_frames)
{
    corpus_replay("control", control_fuzz_one, ((struct corpus_effort){false, 2000}));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("control: corpus");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, control_corpus_is_answered_in_whole_frames);
    suite_add_tcase(suite, cases);
    return suite;
}
