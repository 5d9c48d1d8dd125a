/* Whole lines against a daemon that is a thread with a script: exit codes, messages, formats, and
 * what a daemon that misbehaves can do. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bgpd/cli/shell.h"
#include "tests/unit/cli/sample_rows.h"
#include "tests/unit/unit.h"

enum trick {
    TRICK_NONE,
    TRICK_HUGE_FRAME,  /* says a frame of 4 GB follows */
    TRICK_NOISE,       /* octets that are no message */
    TRICK_CLOSE,       /* closes in the middle of a frame */
    TRICK_OTHER_ID,    /* answers somebody else */
    TRICK_OLD_VERSION, /* refuses the handshake */
};

struct fake_daemon {
    int fd;
    enum trick trick;
    Control__Answer *answer; /* sent once per request, before the status */
    uint32_t repeat;         /* or this often */
    Control__Status__Code code;
    const char *message;
    uint32_t requests; /* after the handshake */
    Control__Request__KindCase last_kind;
    pthread_t thread;
};

static bool read_all(int fd, uint8_t *data, size_t size)
{
    while (size != 0) {
        ssize_t got = read(fd, data, size);
        if (got <= 0) {
            return false;
        }
        data += got;
        size -= (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size != 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void answer_send(struct fake_daemon *daemon, uint32_t id, Control__Answer *answer)
{
    answer->id = id;
    size_t size = control__answer__get_packed_size(answer);
    uint8_t *frame = malloc(size + 4);
    store_be32(frame, (uint32_t)size);
    control__answer__pack(answer, frame + 4);
    bool is_sent = write_all(daemon->fd, frame, size + 4);
    (void)is_sent;
    free(frame);
}

static void status_send(struct fake_daemon *daemon, uint32_t id, Control__Status__Code code,
                        const char *message)
{
    Control__Answer answer = CONTROL__ANSWER__INIT;
    Control__Status status = CONTROL__STATUS__INIT;
    status.code = code;
    status.count = 1;
    status.message = sample_text(message);
    answer.status = &status;
    answer_send(daemon, id, &answer);
}

static bool play_trick(struct fake_daemon *daemon)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3};
    static const uint8_t noise[] = {0, 0, 0, 3, 0xff, 0xff, 0xff};
    static const uint8_t torn[] = {0, 0, 1, 0, 8, 1};
    bool is_sent = true;
    switch (daemon->trick) {
    case TRICK_HUGE_FRAME:
        is_sent = write_all(daemon->fd, huge, sizeof huge);
        break;
    case TRICK_NOISE:
        is_sent = write_all(daemon->fd, noise, sizeof noise);
        break;
    case TRICK_CLOSE:
        is_sent = write_all(daemon->fd, torn, sizeof torn);
        break;
    case TRICK_OTHER_ID:
        status_send(daemon, 4711, CONTROL__STATUS__CODE__OK, "");
        break;
    case TRICK_OLD_VERSION:
    case TRICK_NONE:
        return false;
    }
    (void)is_sent;
    return true;
}

static void *daemon_main(void *context)
{
    struct fake_daemon *daemon = context;
    uint8_t head[4];
    static uint8_t body[65536];
    while (read_all(daemon->fd, head, 4) && load_be32(head) <= sizeof body &&
           read_all(daemon->fd, body, load_be32(head))) {
        Control__Request *request = control__request__unpack(NULL, load_be32(head), body);
        if (request == NULL) {
            break;
        }
        uint32_t id = request->id;
        Control__Request__KindCase kind = request->kind_case;
        control__request__free_unpacked(request, NULL);
        if (kind == CONTROL__REQUEST__KIND_HELLO) {
            Control__Welcome welcome = CONTROL__WELCOME__INIT;
            Control__Answer answer = CONTROL__ANSWER__INIT;
            welcome.hostname = sample_text("ce1");
            answer.welcome = &welcome;
            answer_send(daemon, id, &answer);
            bool is_old = daemon->trick == TRICK_OLD_VERSION;
            status_send(daemon, id,
                        is_old ? CONTROL__STATUS__CODE__UNSUPPORTED : CONTROL__STATUS__CODE__OK,
                        is_old ? "this daemon speaks version 0" : "");
            continue;
        }
        daemon->requests++;
        daemon->last_kind = kind;
        if (play_trick(daemon)) {
            break;
        }
        for (uint32_t i = 0; daemon->answer != NULL && i < daemon->repeat; i++) {
            answer_send(daemon, id, daemon->answer);
        }
        status_send(daemon, id, daemon->code, daemon->message);
    }
    close(daemon->fd);
    return NULL;
}

/* ---- The shell's side ---- */

static struct fake_daemon fake;
static struct shell shell;
static int out_fd;
static int error_fd;
static char out_text_copy[65536];
static char error_text_copy[65536];

static void shell_start(enum trick trick, Control__Answer *answer)
{
    int ends[2];
    char error[CONNECTION_ERROR_BYTES] = "";
    memset(&fake, 0, sizeof fake);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fake.fd = ends[0];
    fake.trick = trick;
    fake.answer = answer;
    fake.repeat = 1;
    fake.message = "";
    ck_assert_int_eq(pthread_create(&fake.thread, NULL, daemon_main, &fake), 0);
    shell_init(&shell, "/nonexistent/sealane.sock");
    shell.connection = connection_new_fd(ends[1], error);
    out_fd = memfd_create("out", 0);
    error_fd = memfd_create("error", 0);
    shell.out_fd = out_fd;
    shell.error_fd = error_fd;
}

static void shell_stop(void)
{
    shell_fini(&shell);
    pthread_join(fake.thread, NULL);
    close(out_fd);
    close(error_fd);
}

static void take(int fd, char *out, size_t size)
{
    lseek(fd, 0, SEEK_SET);
    ssize_t got = read(fd, out, size - 1);
    out[got < 0 ? 0 : got] = '\0';
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    lseek(fd, 0, SEEK_SET);
}

static enum shell_code run(const char *text)
{
    enum shell_code code = shell_run(&shell, text);
    take(out_fd, out_text_copy, sizeof out_text_copy);
    take(error_fd, error_text_copy, sizeof error_text_copy);
    return code;
}

START_TEST(a_command_prints_and_leaves_with_zero)
{
    shell_start(TRICK_NONE, sample_table());
    ck_assert_int_eq(run("sh bg"), SHELL_OK);
    ck_assert_ptr_nonnull(strstr(out_text_copy, " *>  10.51.230.0/24"));
    ck_assert_str_eq(error_text_copy, "");
    ck_assert_int_eq(run("show bgp json"), SHELL_OK);
    ck_assert_int_eq(out_text_copy[0], '{');
    ck_assert_int_eq(run("show bgp | json"), SHELL_OK);
    ck_assert_int_eq(out_text_copy[0], '{');
    shell.is_json = true;
    ck_assert_int_eq(run("show bgp"), SHELL_OK);
    ck_assert_int_eq(out_text_copy[0], '{');
    shell_stop();
}
END_TEST

START_TEST(arguments_reach_the_daemon_in_json_as_well)
{
    shell_start(TRICK_NONE, sample_ip_route());
    shell.is_json = true;
    ck_assert_int_eq(run("show ip route 10.51.230.9"), SHELL_OK);
    ck_assert_ptr_nonnull(strstr(out_text_copy, "\"10.51.230.0/24\""));
    ck_assert_int_eq(fake.last_kind, CONTROL__REQUEST__KIND_IP_ROUTES);
    shell_stop();
}
END_TEST

START_TEST(mistakes_are_pointed_at_and_leave_with_one)
{
    shell_start(TRICK_NONE, NULL);
    ck_assert_int_eq(run("show bpg"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "show bpg\n     ^\n% Unknown command\n");
    ck_assert_int_eq(run("show i"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "show i\n     ^\n% Ambiguous command: ip, ipv6\n");
    ck_assert_int_eq(run("show"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "% Command incomplete.\n");
    ck_assert_int_eq(run("show ip route 2001:db8::/32"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "% 2001:db8::/32 is no IPv4 prefix or address\n");
    ck_assert_int_eq(run("show bgp | bogus"), SHELL_COMMAND_ERROR);
    ck_assert_int_eq(run("show bgp |"), SHELL_COMMAND_ERROR);
    ck_assert_int_eq(run("show bgp | include"), SHELL_COMMAND_ERROR);
    ck_assert_int_eq(run("show bgp | include ("), SHELL_COMMAND_ERROR);
    ck_assert_int_eq(run("show bgp | count 3"), SHELL_COMMAND_ERROR);
    ck_assert_int_eq(run("configure terminal"), SHELL_COMMAND_ERROR);
    ck_assert_ptr_nonnull(strstr(error_text_copy, "reload"));
    ck_assert_int_eq(run("! a remark"), SHELL_OK);
    ck_assert_int_eq(run("   "), SHELL_OK);
    ck_assert_uint_eq(fake.requests, 0);
    shell_stop();
}
END_TEST

START_TEST(the_caret_stands_under_the_word_on_a_terminal)
{
    shell_start(TRICK_NONE, NULL);
    shell.is_interactive = true;
    shell.prompt_width = 5;
    ck_assert_int_eq(run("show bpg"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "          ^\n% Unknown command\n");
    shell_stop();
}
END_TEST

START_TEST(operations_need_the_enabled_mode)
{
    shell_start(TRICK_NONE, NULL);
    ck_assert_int_eq(run("disable"), SHELL_OK);
    ck_assert_int_eq(run("clear bgp *"), SHELL_COMMAND_ERROR);
    ck_assert_ptr_nonnull(strstr(error_text_copy, "enable"));
    ck_assert_int_eq(run("reload"), SHELL_COMMAND_ERROR);
    ck_assert_uint_eq(fake.requests, 0);
    ck_assert_int_eq(run("enable"), SHELL_OK);
    ck_assert_int_eq(run("clear bgp *"), SHELL_OK);
    ck_assert_int_eq(fake.last_kind, CONTROL__REQUEST__KIND_CLEAR);
    ck_assert_int_eq(run("exit"), SHELL_OK);
    ck_assert(shell.wants_exit);
    shell_stop();
}
END_TEST

START_TEST(what_the_daemon_refuses_is_said_and_leaves_with_one)
{
    shell_start(TRICK_NONE, NULL);
    fake.code = CONTROL__STATUS__CODE__REFUSED;
    fake.message = "clear needs an administrator";
    ck_assert_int_eq(run("clear bgp *"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(error_text_copy, "% clear needs an administrator\n");
    ck_assert_int_eq(run("show bgp json"), SHELL_COMMAND_ERROR);
    ck_assert_ptr_nonnull(strstr(out_text_copy, "\"error\":\"clear needs"));
    ck_assert_int_eq(run("show running-config json"), SHELL_COMMAND_ERROR);
    ck_assert_ptr_nonnull(strstr(out_text_copy, "\"schema\":\"sealane/show-running-config@1\""));
    shell_stop();
}
END_TEST

START_TEST(an_absent_prefix_says_why_and_leaves_with_one)
{
    shell_start(TRICK_NONE, sample_absent());
    fake.code = CONTROL__STATUS__CODE__NOT_FOUND;
    ck_assert_int_eq(run("show bgp 198.51.100.0/24"), SHELL_COMMAND_ERROR);
    ck_assert_str_eq(out_text_copy, "% Network not in table\n"
                                    "  198.51.100.0/24: no neighbor has sent it\n");
    shell_stop();
}
END_TEST

START_TEST(a_daemon_that_is_not_there_leaves_with_two)
{
    shell_init(&shell, "/nonexistent/sealane.sock");
    out_fd = memfd_create("out", 0);
    error_fd = memfd_create("error", 0);
    shell.out_fd = out_fd;
    shell.error_fd = error_fd;
    ck_assert_int_eq(run("show bgp"), SHELL_CONNECTION_ERROR);
    ck_assert_ptr_nonnull(strstr(error_text_copy, "/nonexistent/sealane.sock"));
    ck_assert_str_eq(out_text_copy, "");
    ck_assert_int_eq(run("show bgp json"), SHELL_CONNECTION_ERROR);
    ck_assert_str_eq(out_text_copy, "");
    ck_assert_int_eq(run("show bpg"), SHELL_COMMAND_ERROR);
    shell_fini(&shell);
    close(out_fd);
    close(error_fd);
}
END_TEST

START_TEST(a_daemon_that_misbehaves_leaves_with_two)
{
    static const enum trick tricks[] = {TRICK_HUGE_FRAME, TRICK_NOISE, TRICK_CLOSE, TRICK_OTHER_ID};
    shell_start(tricks[_i], NULL);
    ck_assert_int_eq(run("clear bgp *"), SHELL_CONNECTION_ERROR);
    ck_assert_int_eq(strncmp(error_text_copy, "sealane: ", 9), 0);
    ck_assert_ptr_null(shell.connection);
    shell_stop();
}
END_TEST

START_TEST(another_version_is_told)
{
    shell_start(TRICK_OLD_VERSION, NULL);
    ck_assert_ptr_null(shell.connection);
    shell_stop();
}
END_TEST

START_TEST(pipes_apply_to_what_comes)
{
    shell_start(TRICK_NONE, sample_table());
    ck_assert_int_eq(run("show bgp | include 65515 i$ | count"), SHELL_OK);
    ck_assert_str_eq(out_text_copy, "Count: 3 lines\n");
    ck_assert_int_eq(run("show bgp|inc 10.1.0.0|^Displayed"), SHELL_OK);
    ck_assert_str_eq(out_text_copy,
                     " *>  10.1.0.0/16      0.0.0.0                  0         32768 i\n"
                     "Displayed 4 routes and 6 total paths\n");
    shell_stop();
}
END_TEST

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 200,000 routes. The bound is loose: builds differ, machines are busy. */
START_TEST(a_long_table_is_printed_without_keeping_it)
{
    Control__Answer *answer = sample_answer();
    answer->n_paths = 200;
    answer->paths = keep(200 * sizeof *answer->paths);
    for (size_t i = 0; i < 200; i++) {
        answer->paths[i] = sample_path("203.0.113.0", 24, "10.51.230.12", 65515);
    }
    answer->global = sample_global();
    shell_start(TRICK_NONE, answer);
    fake.repeat = 1000;
    shell.out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    double begin = seconds();
    ck_assert_int_eq(shell_run(&shell, "show bgp"), SHELL_OK);
    double text = seconds() - begin;
    ck_assert_int_lt(mem_bytes(MEM_IO) + mem_bytes(MEM_ARENA), 4 << 20);
    if (getenv("SEALANE_TIMES") != NULL) {
        fprintf(stderr, "200,000 routes as text: %.2f s\n", text);
    }
    ck_assert_double_lt(text, 20);
    close(shell.out_fd);
    shell_stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli shell");
    TCase *tcase = tcase_create("shell");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_command_prints_and_leaves_with_zero);
    tcase_add_test(tcase, arguments_reach_the_daemon_in_json_as_well);
    tcase_add_test(tcase, mistakes_are_pointed_at_and_leave_with_one);
    tcase_add_test(tcase, the_caret_stands_under_the_word_on_a_terminal);
    tcase_add_test(tcase, operations_need_the_enabled_mode);
    tcase_add_test(tcase, what_the_daemon_refuses_is_said_and_leaves_with_one);
    tcase_add_test(tcase, an_absent_prefix_says_why_and_leaves_with_one);
    tcase_add_test(tcase, a_daemon_that_is_not_there_leaves_with_two);
    tcase_add_loop_test(tcase, a_daemon_that_misbehaves_leaves_with_two, 0, 4);
    tcase_add_test(tcase, another_version_is_told);
    tcase_add_test(tcase, pipes_apply_to_what_comes);
    tcase_add_test(tcase, a_long_table_is_printed_without_keeping_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
