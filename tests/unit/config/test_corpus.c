/* Replays the corpus of the fuzz targets of this room. */
#include "tests/unit/corpus.h"
#include "tests/unit/unit.h"

#define LLVMFuzzerTestOneInput config_fuzz_one
#include "bgpd/config/config_fuzz.c"
#undef LLVMFuzzerTestOneInput

START_TEST(config_corpus_is_refused_or_prints_as_it_loads)
{
    corpus_replay("config", config_fuzz_one, ((struct corpus_effort){false, 300}));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config: corpus");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, config_corpus_is_refused_or_prints_as_it_loads);
    suite_add_tcase(suite, cases);
    return suite;
}
