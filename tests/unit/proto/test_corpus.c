/* Replays every corpus file through the fuzz targets, whole, cut short at every octet, with every
 * octet changed, and with some thousand random changes of several octets: what libFuzzer would try
 * first, without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/random.h"
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

#define SEED_BYTES_MAX     8192u
#define MUTATIONS_PER_SEED 2000

/* A copy of exactly size octets, so that sanitizers see every read past the end. */
static void run(int (*target)(const uint8_t *data, size_t size), const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    ck_assert_int_eq(target(copy, size), 0);
    free(copy);
}

static void run_variants(int (*target)(const uint8_t *data, size_t size), uint8_t *data,
                         size_t size)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    for (size_t cut = 0; cut <= size; cut++) {
        run(target, data, cut);
    }
    for (size_t at = 0; at < size; at++) {
        uint8_t kept = data[at];
        for (size_t i = 0; i < sizeof changes; i++) {
            data[at] = kept ^ changes[i];
            run(target, data, size);
        }
        data[at] = 0;
        run(target, data, size);
        data[at] = kept;
    }
}

/* Octets set, taken out and put in, and length fields pushed about, from a fixed seed. */
static size_t mutate(struct random_source *dice, uint8_t *data, size_t size)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x02, 0x04, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xff};
    uint32_t changes = 1 + random_below(dice, 5);
    for (uint32_t i = 0; i < changes && size != 0; i++) {
        size_t at = random_below(dice, (uint32_t)size);
        switch (random_below(dice, 5)) {
        case 0:
            data[at] = (uint8_t)random_below(dice, 256);
            break;
        case 1:
            data[at] = telling[random_below(dice, sizeof telling)];
            break;
        case 2:
            data[at] = (uint8_t)(data[at] + random_below(dice, 9) - 4);
            break;
        case 3:
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default:
            memmove(data + at + 1, data + at, size - at);
            size++;
            break;
        }
    }
    return size;
}

static void run_mutations(int (*target)(const uint8_t *data, size_t size), const uint8_t *data,
                          size_t size)
{
    static uint8_t changed[SEED_BYTES_MAX + 8];
    struct random_source dice;
    random_init(&dice, size);
    for (int i = 0; i < MUTATIONS_PER_SEED; i++) {
        memcpy(changed, data, size);
        run(target, changed, mutate(&dice, changed, size));
    }
}

static void replay(const char *name, int (*target)(const uint8_t *data, size_t size))
{
    char folder[256];
    const char *root = getenv("SEALANE_CORPUS");
    snprintf(folder, sizeof folder, "%s/%s", root == NULL ? "tests/corpus" : root, name);
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s cannot be read", folder);
    unsigned count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        static uint8_t data[SEED_BYTES_MAX];
        char path[600];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        ck_assert_msg(file != NULL, "%s cannot be read", path);
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        run_variants(target, data, size);
        run_mutations(target, data, size);
        count++;
    }
    closedir(dir);
    ck_assert_msg(count != 0, "%s has no seeds", folder);
}

START_TEST(bfd_corpus_comes_back_from_the_encoder_as_it_was)
{
    replay("bfd", bfd_fuzz_one);
}
END_TEST

START_TEST(message_corpus_is_taken_without_a_crash)
{
    replay("message", message_fuzz_one);
}
END_TEST

START_TEST(notification_corpus_is_taken_without_a_crash)
{
    replay("notification", notification_fuzz_one);
}
END_TEST

START_TEST(open_corpus_is_taken_without_a_crash)
{
    replay("open", open_fuzz_one);
}
END_TEST

START_TEST(text_corpus_is_taken_without_a_crash)
{
    replay("text", text_fuzz_one);
}
END_TEST

START_TEST(update_corpus_comes_back_from_the_encoder_as_it_was)
{
    replay("update", update_fuzz_one);
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
