/* Replays every corpus file through the fuzz targets, whole, cut short at every octet, with every
 * octet changed, and with some thousand random changes of several octets: what libFuzzer would try
 * first, without libFuzzer. */
#include "tests/unit/corpus.h"
#include "tests/unit/unit.h"

#define LLVMFuzzerTestOneInput bfd_fuzz_one
#include "proto/bfd_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput message_fuzz_one
#include "proto/message_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput notification_fuzz_one
#include "proto/notification_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput open_fuzz_one
#include "proto/open_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput text_fuzz_one
#include "proto/text_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput update_fuzz_one
#include "proto/update_fuzz.c"
#undef LLVMFuzzerTestOneInput

START_TEST(bfd_corpus_comes_back_from_the_encoder_as_it_was)
{
    corpus_replay("bfd", bfd_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(message_corpus_is_taken_without_a_crash)
{
    corpus_replay("message", message_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(notification_corpus_is_taken_without_a_crash)
{
    corpus_replay("notification", notification_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(open_corpus_is_taken_without_a_crash)
{
    corpus_replay("open", open_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(text_corpus_is_taken_without_a_crash)
{
    corpus_replay("text", text_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

START_TEST(update_corpus_comes_back_from_the_encoder_as_it_was)
{
    corpus_replay("update", update_fuzz_one, CORPUS_THOROUGH);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proto: corpus");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, bfd_corpus_comes_back_from_the_encoder_as_it_was);
    tcase_add_test(cases, message_corpus_is_taken_without_a_crash);
    tcase_add_test(cases, notification_corpus_is_taken_without_a_crash);
    tcase_add_test(cases, open_corpus_is_taken_without_a_crash);
    tcase_add_test(cases, text_corpus_is_taken_without_a_crash);
    tcase_add_test(cases, update_corpus_comes_back_from_the_encoder_as_it_was);
    suite_add_tcase(suite, cases);
    return suite;
}
