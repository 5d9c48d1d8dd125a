/* The keeper of BFD sessions: a daemon in a process of its own is killed, and the far end of the
 * line is asked what it noticed. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bgpd/io/bfd_keeper.h"
#include "tests/unit/io/bfd_line.h"

#define LONG_S 60

static char folder[32];
static char memory_path[64];
static char keeper_path[64];
static pid_t daemon_process;

static bool setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/sealane-bfd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(memory_path, sizeof memory_path, "%s/memory", folder);
    snprintf(keeper_path, sizeof keeper_path, "%s/keeper", folder);
    if (!line_make()) {
        return false;
    }
    bfd_thread_free(ends[0].thread, false); /* The end that is a process of its own. */
    ends[0].thread = NULL;
    /* Whoever loses his parent becomes our child, so that no test leaves a keeper behind. */
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    return true;
}

static void teardown(void)
{
    line_free();
    (void)unlink(memory_path);
    ck_assert_int_eq(rmdir(folder), 0); /* The keeper's socket must be gone. */
}

static struct bfd_session_action kept_session(int end, uint32_t kept_s)
{
    struct bfd_session_action action = session_of(end, false, false);
    action.kept_s = kept_s;
    return action;
}

/* What the daemon does until it is killed, or told to stop by SIGTERM. */
static void daemon_run(uint32_t kept_s, bool keeps_sessions)
{
    static const struct config_log quiet = {.level = 0};
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    namespace_into(ends[0].namespace);
    struct bfd_keeper *keeper = bfd_keeper_new(memory_path, keeper_path, &quiet);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    struct bfd_thread *thread = bfd_thread_new(on_wake, &ends[0], 99, memory_path);
    struct bfd_session_action action = kept_session(0, kept_s);
    if (keeper == NULL || thread == NULL) {
        _exit(EXIT_FAILURE);
    }
    bfd_keeper_put(keeper, &action);
    bfd_thread_put(thread, &action);
    bfd_thread_kick(thread);
    (void)sigwait(&set, &number);
    keeps_sessions = keeps_sessions && bfd_keeper_is_there(keeper);
    bfd_thread_free(thread, keeps_sessions);
    bfd_keeper_free(keeper, keeps_sessions);
    _exit(EXIT_SUCCESS);
}

static void daemon_start(uint32_t kept_s, bool keeps_sessions)
{
    struct bfd_report report;
    struct stat info;
    daemon_process = fork();
    ck_assert_int_ge(daemon_process, 0);
    if (daemon_process == 0) {
        daemon_run(kept_s, keeps_sessions);
    }
    struct bfd_session_action action = kept_session(1, 0);
    put(1, &action);
    ck_assert(next_report(1, scaled_ms(3000), &report));
    ck_assert(!report.is_trouble && report.fact.is_up);
    for (int tries = 0; tries < 1000 && stat(memory_path, &info) != 0; tries++) {
        usleep(2000);
    }
    ck_assert_int_eq(stat(memory_path, &info), 0);
}

static void daemon_end(int number)
{
    int status;
    ck_assert_int_eq(kill(daemon_process, number), 0);
    ck_assert_int_eq(waitpid(daemon_process, &status, 0), daemon_process);
    ck_assert(number == SIGKILL ? WIFSIGNALED(status)
                                : WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

/* The keeper is our child now; waits for its end. */
static void keeper_is_gone(void)
{
    pid_t ended = 0;
    for (int tries = 0; tries < 2500 && ended == 0; tries++) {
        ended = waitpid(-1, NULL, WNOHANG);
        usleep(2000);
    }
    ck_assert_int_gt(ended, 0);
    ck_assert_int_ne(access(keeper_path, F_OK), 0);
}

static void far_end_hears(bool is_admin_down, int within_ms)
{
    struct bfd_report report;
    ck_assert(next_report(1, within_ms, &report));
    ck_assert(!report.is_trouble && !report.fact.is_up);
    ck_assert(report.fact.is_admin_down == is_admin_down);
}

/* Some detection times pass, and the far end has nothing to say. */
static void far_end_notices_nothing(void)
{
    struct bfd_report report;
    ck_assert(!next_report(1, scaled_ms(500), &report));
}

static enum bfd_relief relieve(void)
{
    return bfd_keeper_relieve(keeper_path);
}

/* In this process, so that its sessions can be looked at. */
static void next_daemon_goes_on(void)
{
    ck_assert_int_eq(relieve(), BFD_RELIEF_DONE);
    keeper_is_gone();
    namespace_into(ends[0].namespace);
    ends[0].thread = bfd_thread_new(on_wake, &ends[0], 7, memory_path);
    namespace_into(middle);
    struct bfd_session_action action = kept_session(0, LONG_S);
    put(0, &action);
    far_end_notices_nothing();
}

START_TEST(a_daemon_that_is_killed_is_stood_in_for_until_the_next)
{
    if (!setup()) {
        return;
    }
    struct bfd_session_view view;
    daemon_start(LONG_S, false);
    daemon_end(SIGKILL);
    far_end_notices_nothing();
    next_daemon_goes_on();
    ck_assert_int_eq(relieve(), BFD_RELIEF_NONE);
    ck_assert_uint_eq(read_sessions(1, &view, 1), 1);
    ck_assert_uint_eq(view.machine.statistics.downs, 0);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_eq(view.machine.state, BFD_UP);
    teardown();
}
END_TEST

START_TEST(a_daemon_that_comes_at_once_finds_its_sessions)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, false);
    daemon_end(SIGKILL);
    next_daemon_goes_on();
    teardown();
}
END_TEST

START_TEST(nobody_is_stood_in_for_longer_than_his_routes_are_kept)
{
    if (!setup()) {
        return;
    }
    daemon_start(2, false);
    daemon_end(SIGKILL);
    far_end_hears(true, 2000 + scaled_ms(500));
    keeper_is_gone();
    ck_assert_int_ne(access(memory_path, F_OK), 0);
    teardown();
}
END_TEST

START_TEST(a_session_whose_routes_are_not_kept_ends_with_the_daemon)
{
    if (!setup()) {
        return;
    }
    daemon_start(0, false);
    daemon_end(SIGKILL);
    keeper_is_gone();
    far_end_hears(false, scaled_ms(500));
    teardown();
}
END_TEST

START_TEST(an_orderly_stop_takes_the_keeper_along)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, false);
    daemon_end(SIGTERM);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* ended, and waited for by the daemon */
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(relieve(), BFD_RELIEF_NONE);
    far_end_hears(true, scaled_ms(500));
    teardown();
}
END_TEST

START_TEST(a_stop_that_keeps_routes_is_stood_in_for)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, true);
    daemon_end(SIGTERM);
    far_end_notices_nothing();
    ck_assert_int_eq(relieve(), BFD_RELIEF_DONE);
    keeper_is_gone();
    teardown();
}
END_TEST

START_TEST(a_second_daemon_takes_nothing_from_a_living_one)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, false);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(relieve(), BFD_RELIEF_REFUSED);
    }
    daemon_end(SIGKILL);
    far_end_notices_nothing();
    ck_assert_int_eq(relieve(), BFD_RELIEF_DONE);
    keeper_is_gone();
    teardown();
}
END_TEST

/* The only child of a process, as the kernel lists it. */
static pid_t child_of(pid_t process)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &child), 1);
    fclose(file);
    return child;
}

START_TEST(whoever_ends_the_keeper_ends_its_sessions_in_good_order)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, false);
    pid_t keeper = child_of(daemon_process);
    daemon_end(SIGKILL);
    far_end_notices_nothing();
    ck_assert_int_eq(kill(keeper, SIGTERM), 0);
    far_end_hears(true, scaled_ms(500));
    keeper_is_gone();
    teardown();
}
END_TEST

/* Silence would be a dead line to the far end. */
START_TEST(without_a_keeper_a_stop_that_keeps_routes_tells_the_far_end)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, true);
    ck_assert_int_eq(kill(child_of(daemon_process), SIGTERM), 0); /* as all of a service at once */
    usleep(100000);
    daemon_end(SIGTERM);
    far_end_hears(true, scaled_ms(500));
    (void)unlink(keeper_path); /* the next keeper would */
    teardown();
}
END_TEST

START_TEST(a_keeper_that_does_not_answer_is_not_waited_for_long)
{
    if (!setup()) {
        return;
    }
    daemon_start(LONG_S, false);
    pid_t keeper = child_of(daemon_process);
    ck_assert_int_eq(kill(keeper, SIGSTOP), 0);
    ck_assert_int_eq(relieve(), BFD_RELIEF_SILENCE);
    ck_assert_int_eq(kill(keeper, SIGCONT), 0);
    daemon_end(SIGTERM);
    far_end_hears(true, scaled_ms(500));
    teardown();
}
END_TEST

START_TEST(where_no_keeper_can_be_is_said)
{
    static const struct config_log quiet = {.level = 0};
    char path[256];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    ck_assert_ptr_null(bfd_keeper_new("/tmp/memory", path, &quiet));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    ck_assert_int_eq(bfd_keeper_relieve(path), BFD_RELIEF_NONE);
    ck_assert_ptr_null(bfd_keeper_new("/tmp/memory", "/nowhere/at/all", &quiet));
    ck_assert_int_eq(errno, ENOENT);
    bfd_keeper_free(NULL, false);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io: bfd keeper");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, a_daemon_that_is_killed_is_stood_in_for_until_the_next);
    tcase_add_test(cases, a_daemon_that_comes_at_once_finds_its_sessions);
    tcase_add_test(cases, nobody_is_stood_in_for_longer_than_his_routes_are_kept);
    tcase_add_test(cases, a_session_whose_routes_are_not_kept_ends_with_the_daemon);
    tcase_add_test(cases, an_orderly_stop_takes_the_keeper_along);
    tcase_add_test(cases, a_stop_that_keeps_routes_is_stood_in_for);
    tcase_add_test(cases, a_second_daemon_takes_nothing_from_a_living_one);
    tcase_add_test(cases, whoever_ends_the_keeper_ends_its_sessions_in_good_order);
    tcase_add_test(cases, without_a_keeper_a_stop_that_keeps_routes_tells_the_far_end);
    tcase_add_test(cases, a_keeper_that_does_not_answer_is_not_waited_for_long);
    tcase_add_test(cases, where_no_keeper_can_be_is_said);
    suite_add_tcase(suite, cases);
    return suite;
}
