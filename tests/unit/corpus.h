/* Replays corpus files through a fuzz target: whole, cut short, with octets changed. */
#ifndef TESTS_UNIT_CORPUS_H
#define TESTS_UNIT_CORPUS_H

#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/random.h"

#define SEED_BYTES_MAX 8192u

/* How much of what libFuzzer would try first is tried per seed. */
struct corpus_effort {
    bool has_variants; /* cut short at every octet, and with every octet changed */
    int mutations;     /* random changes of several octets */
};

#define CORPUS_THOROUGH ((struct corpus_effort){true, 2000})

/* A copy of exactly size octets, so that sanitizers see every read past the end. */
static inline void corpus_run(int (*target)(const uint8_t *data, size_t size), const uint8_t *data,
                              size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    ck_assert_int_eq(target(copy, size), 0);
    free(copy);
}

static inline void corpus_variants(int (*target)(const uint8_t *data, size_t size), uint8_t *data,
                                   size_t size)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    for (size_t cut = 0; cut <= size; cut++) {
        corpus_run(target, data, cut);
    }
    for (size_t at = 0; at < size; at++) {
        uint8_t kept = data[at];
        for (size_t i = 0; i < sizeof changes; i++) {
            data[at] = kept ^ changes[i];
            corpus_run(target, data, size);
        }
        data[at] = 0;
        corpus_run(target, data, size);
        data[at] = kept;
    }
}

/* Octets set, taken out and put in, and length fields pushed about, from a fixed seed. */
static inline size_t corpus_mutate(struct random_source *dice, uint8_t *data, size_t size)
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

static inline void corpus_mutations(int (*target)(const uint8_t *data, size_t size),
                                    const uint8_t *data, size_t size, int count)
{
    static uint8_t changed[SEED_BYTES_MAX + 8];
    struct random_source dice;
    random_init(&dice, size);
    for (int i = 0; i < count; i++) {
        memcpy(changed, data, size);
        corpus_run(target, changed, corpus_mutate(&dice, changed, size));
    }
}

static inline void corpus_replay(const char *name, int (*target)(const uint8_t *data, size_t size),
                                 struct corpus_effort effort)
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
        corpus_run(target, data, size);
        if (effort.has_variants) {
            corpus_variants(target, data, size);
        }
        corpus_mutations(target, data, size, effort.mutations);
        count++;
    }
    closedir(dir);
    ck_assert_msg(count != 0, "%s has no seeds", folder);
}

#endif
