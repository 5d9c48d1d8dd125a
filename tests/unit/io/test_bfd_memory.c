/* The file of BFD sessions that outlive a process: what is written is read again, and whatever else
 * stands there does no harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgpd/io/bfd_memory.h"
#include "tests/unit/unit.h"

#define SESSIONS 8

static char folder[32];
static char path[64];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/sealane-bfd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/memory", folder);
}

static void teardown(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* and nothing else was left */
}

static struct bfd_remembered session(const char *peer, const char *local, const char *interface)
{
    struct bfd_remembered out = {
        .memory = {.local_discriminator = 1025,
                   .remote_discriminator = UINT32_MAX,
                   .remote_min_rx_us = 300000,
                   .remote_desired_tx_us = 50000,
                   .remote_multiplier = 255,
                   .auth_sent = 7},
    };
    ck_assert_int_eq(ip_parse(peer, &out.key.peer), STATUS_OK);
    if (local != NULL) {
        ck_assert_int_eq(ip_parse(local, &out.key.local), STATUS_OK);
    }
    out.key.is_multihop = interface == NULL;
    snprintf(out.key.interface, sizeof out.key.interface, "%s", interface == NULL ? "" : interface);
    return out;
}

static void put_text(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(what_is_written_is_read_again)
{
    struct bfd_remembered in[] = {
        session("172.16.0.2", "172.16.0.1", "er1"),
        session("fe80::1", "fe80::2", "a-name-of-15-oc"),
        session("2001:db8::1", NULL, NULL),
    };
    struct bfd_remembered out[SESSIONS];
    struct stat status;
    ck_assert(bfd_memory_write(path, in, 3));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_uint_eq(bfd_memory_read(path, out, SESSIONS), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert(ip_equal(&in[i].key.peer, &out[i].key.peer));
        ck_assert(ip_equal(&in[i].key.local, &out[i].key.local));
        ck_assert_str_eq(in[i].key.interface, out[i].key.interface);
        ck_assert_int_eq(in[i].key.is_multihop, out[i].key.is_multihop);
        ck_assert_mem_eq(&in[i].memory, &out[i].memory, sizeof in[i].memory);
    }
    ck_assert_uint_eq(bfd_memory_read(path, out, 2), 2);
    ck_assert(bfd_memory_write(path, in, 0));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert(bfd_memory_write(path, in, 0)); /* nothing is no trouble */
    ck_assert_uint_eq(bfd_memory_read(path, out, SESSIONS), 0);
}
END_TEST

static const char *const hostile[] = {
    "",
    "\n",
    "sealane-bfd 2\n10.0.0.2 10.0.0.1 eth0 single 1 2 3 4 5 6\n",
    "sealane-bfd 1",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 eth0 single 1 2 3 4 5\n",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 eth0 single 0 2 3 4 5 6\n",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 eth0 single 1 0 3 4 5 6\n",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 eth0 single 1 2 3 4 0 6\n",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 eth0 single 1 2 3 4 256 6\n",
    "sealane-bfd 1\n- 10.0.0.1 eth0 single 1 2 3 4 5 6\n",
    "sealane-bfd 1\n10.0.0 10.0.0.1 eth0 single 1 2 3 4 5 6\n",
    "sealane-bfd 1\n10.0.0.2 10.0.0.1 an-interface-of-more-than-15 single 1 2 3 4 5 6\n",
};

START_TEST(what_is_not_ours_is_left_out)
{
    struct bfd_remembered out[SESSIONS];
    put_text(hostile[_i]);
    ck_assert_uint_eq(bfd_memory_read(path, out, SESSIONS), 0);
}
END_TEST

START_TEST(a_line_too_long_does_not_take_the_others_with_it)
{
    struct bfd_remembered out[SESSIONS];
    char text[1024];
    snprintf(text, sizeof text, "sealane-bfd 1\n%0700d\n%s\n", 0,
             "10.0.0.2 10.0.0.1 eth0 single 1 2 3 4 5 6");
    put_text(text);
    ck_assert_uint_eq(bfd_memory_read(path, out, SESSIONS), 1);
    ck_assert_uint_eq(out[0].memory.auth_sent, 6);
}
END_TEST

START_TEST(a_link_somebody_laid_is_not_followed)
{
    struct bfd_remembered one = session("172.16.0.2", "172.16.0.1", "er1");
    struct bfd_remembered out[SESSIONS];
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    ck_assert_uint_eq(bfd_memory_read(path, out, SESSIONS), 0);
    ck_assert(bfd_memory_write(path, &one, 1)); /* the link is replaced, not its target */
    struct stat status;
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    struct bfd_remembered one = session("172.16.0.2", "172.16.0.1", "er1");
    ck_assert(!bfd_memory_write("/nowhere/at/all", &one, 1));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/bfd_memory");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_is_read_again);
    tcase_add_loop_test(tests, what_is_not_ours_is_left_out, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_test(tests, a_line_too_long_does_not_take_the_others_with_it);
    tcase_add_test(tests, a_link_somebody_laid_is_not_followed);
    tcase_add_test(tests, a_folder_that_is_not_there_is_an_error);
    suite_add_tcase(suite, tests);
    return suite;
}
