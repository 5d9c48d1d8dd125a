#include "bgpd/io/bfd_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bgpd/io/bfd_memory.h"
#include "bgpd/io/bfd_thread.h"
#include "bgpd/io/clock.h"
#include "bgpd/io/files.h"
#include "bgpd/io/log_sink.h"
#include "proto/base/mem.h"

#define RELIEF_MS        2000
#define FAREWELL_MS      1000
#define FAREWELL_STEP_US 1000
#define FIRST_FREE_FD    3u

/* A record is void while it is written: whoever dies meanwhile loses that session and no other. */
struct record {
    _Atomic bool is_valid;
    struct bfd_session_action action;
};

/* Seen by both processes; the daemon writes, and the keeper reads once the daemon is dead. */
struct shared {
    _Atomic bool is_over; /* nothing is to be kept */
    struct record records[BFD_SESSIONS_MAX];
};

/* The daemon's side. */
struct bfd_keeper {
    struct shared *shared;
    int lifeline; /* held open for as long as the daemon lives */
    pid_t process;
};

/* The keeper's side. */
struct watch {
    struct shared *shared;
    const char *memory_path;
    const char *socket_path;
    const struct config_log *log_config;
    struct log_sink *log;
    int lifeline; /* readable when the daemon is dead */
    int listener;
    int terminate; /* SIGTERM, once there are sessions to look after */
    int reports;
    struct bfd_thread *thread;
    uint32_t kept_s;
    size_t kept_count;
};

/* ---- The socket ---- */

static bool socket_addr_fill(struct sockaddr_un *out, const char *path)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof out->sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(out->sun_path, path, strlen(path));
    return true;
}

static int listen_on(const char *path)
{
    struct sockaddr_un addr;
    if (!socket_addr_fill(&addr, path)) {
        return -1;
    }
    file_make_folder_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    mode_t old_mask = umask(0177);
    (void)unlink(path); /* of one that was killed */
    bool is_ready = bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(fd, 1) == 0;
    int error = errno;
    umask(old_mask);
    if (!is_ready) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* A keeper that leaves closes the connection without a word; one that stays says so in one octet.
 */
enum bfd_relief bfd_keeper_relieve(const char *socket_path)
{
    struct sockaddr_un addr;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !socket_addr_fill(&addr, socket_path) ||
        connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return BFD_RELIEF_NONE;
    }
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    char word;
    bool is_answered = poll(&answer, 1, RELIEF_MS) > 0;
    bool is_refused = is_answered && read(fd, &word, 1) == 1;
    close(fd);
    return is_refused ? BFD_RELIEF_REFUSED : is_answered ? BFD_RELIEF_DONE : BFD_RELIEF_SILENCE;
}

/* ---- The daemon's side ---- */

static struct record *record_find(struct shared *shared, const struct bfd_session_action *key)
{
    for (uint32_t i = 0; i < BFD_SESSIONS_MAX; i++) {
        struct record *record = &shared->records[i];
        if (record->is_valid && bfd_same_session(&record->action, key)) {
            return record;
        }
    }
    return NULL;
}

static struct record *record_free_place(struct shared *shared)
{
    for (uint32_t i = 0; i < BFD_SESSIONS_MAX; i++) {
        if (!shared->records[i].is_valid) {
            return &shared->records[i];
        }
    }
    return NULL;
}

void bfd_keeper_put(struct bfd_keeper *keeper, const struct bfd_session_action *action)
{
    struct record *record = record_find(keeper->shared, action);
    if (record != NULL) {
        record->is_valid = false;
        explicit_bzero(&record->action, sizeof record->action); /* its key is a secret */
    }
    if (action->is_delete || action->kept_s == 0) {
        return;
    }
    record = record_free_place(keeper->shared);
    if (record != NULL) {
        record->action = *action;
        record->is_valid = true;
    }
}

/* Nobody else holds the other end of the lifeline. */
bool bfd_keeper_is_there(const struct bfd_keeper *keeper)
{
    struct pollfd lifeline = {.fd = keeper->lifeline};
    return poll(&lifeline, 1, 0) == 0;
}

/* Bounded: a keeper that hangs must not keep the daemon from ending. */
static void wait_for_end(pid_t process)
{
    for (int waited_ms = 0; waited_ms < FAREWELL_MS; waited_ms++) {
        if (waitpid(process, NULL, WNOHANG) != 0) {
            return; /* Ended, or the loop has seen its end already. */
        }
        usleep(FAREWELL_STEP_US);
    }
}

void bfd_keeper_free(struct bfd_keeper *keeper, bool keeps_sessions)
{
    if (keeper == NULL) {
        return;
    }
    keeper->shared->is_over = !keeps_sessions;
    close(keeper->lifeline);
    if (!keeps_sessions) {
        wait_for_end(keeper->process);
    }
    munmap(keeper->shared, sizeof *keeper->shared);
    mem_free(MEM_IO, keeper);
}

/* ---- The keeper's side: until the daemon dies ---- */

/* Of what the daemon had open only the standard descriptors stay, and the two to wait for. */
static void take_descriptors(struct watch *watch)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
    }
    unsigned low =
        (unsigned)(watch->lifeline < watch->listener ? watch->lifeline : watch->listener);
    unsigned high = (unsigned)(watch->lifeline + watch->listener) - low;
    (void)close_range(FIRST_FREE_FD, low - 1, 0);
    (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, UINT_MAX, 0);
}

static bool is_dead(const struct watch *watch)
{
    struct pollfd lifeline = {.fd = watch->lifeline, .events = POLLIN};
    return poll(&lifeline, 1, 0) > 0;
}

/* Somebody comes while the daemon lives: a second one by mistake, which must not take anything. */
static void refuse_one(const struct watch *watch)
{
    int fd = accept4(watch->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)send(fd, "w", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
}

static void wait_for_death(const struct watch *watch)
{
    struct pollfd waited[] = {{.fd = watch->lifeline, .events = POLLIN},
                              {.fd = watch->listener, .events = POLLIN}};
    while (!is_dead(watch)) {
        if (poll(waited, 2, -1) > 0 && waited[1].revents != 0 && !is_dead(watch)) {
            refuse_one(watch);
        }
    }
}

/* ---- The keeper's side: after that ---- */

static void on_reports(void *context)
{
    const struct watch *watch = context;
    uint64_t one = 1;
    ssize_t written = write(watch->reports, &one, sizeof one);
    (void)written; /* Full of signals: it will wake. */
}

static void log_reports(const struct watch *watch)
{
    struct bfd_report report;
    uint64_t ignored;
    ssize_t got = read(watch->reports, &ignored, sizeof ignored);
    (void)got;
    while (bfd_thread_take_reports(watch->thread, &report, 1) != 0) {
        char addr[IP_TEXT_BYTES];
        if (report.is_trouble) {
            log_sink_printf(watch->log, LOG_GENERAL, LOG_SEVERITY_WARNING, "%s", report.trouble);
        } else if (!report.fact.is_up) {
            log_sink_printf(watch->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                            "%s: %s while no daemon runs", ip_format(&report.fact.peer, addr),
                            report.fact.detail);
        }
    }
}

/* Only what was up is worth going on with. */
static void take_sessions(struct watch *watch)
{
    struct bfd_remembered *remembered = mem_alloc(MEM_IO, BFD_SESSIONS_MAX * sizeof *remembered);
    size_t count = bfd_memory_read(watch->memory_path, remembered, BFD_SESSIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = record_find(watch->shared, &remembered[i].key);
        if (record != NULL) {
            bfd_thread_put(watch->thread, &record->action);
            watch->kept_count++;
            watch->kept_s =
                record->action.kept_s > watch->kept_s ? record->action.kept_s : watch->kept_s;
        }
    }
    mem_free(MEM_IO, remembered);
    bfd_thread_kick(watch->thread);
}

static int open_terminate(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The connection of the next daemon; -1 when the time is over or somebody ends this process. */
static int wait_for_successor(const struct watch *watch)
{
    struct mono_time end = mono_add(clock_mono_now(), mono_span_s(watch->kept_s));
    struct pollfd waited[] = {{.fd = watch->listener, .events = POLLIN},
                              {.fd = watch->terminate, .events = POLLIN},
                              {.fd = watch->reports, .events = POLLIN}};
    for (struct mono_time now = clock_mono_now(); !mono_reached(end, now); now = clock_mono_now()) {
        (void)poll(waited, 3, (int)mono_span_to_ms(mono_between(now, end)) + 1);
        if (waited[2].revents != 0) {
            log_reports(watch);
        }
        int successor =
            waited[0].revents != 0 ? accept4(watch->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (successor >= 0) {
            return successor;
        }
        if (waited[1].revents != 0) {
            break;
        }
    }
    return -1;
}

static void keep_sessions(struct watch *watch)
{
    log_sink_configure(watch->log, watch->log_config);
    watch->terminate = open_terminate();
    watch->reports = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch->thread =
        bfd_thread_new(on_reports, watch, (uint64_t)clock_mono_now().ns, watch->memory_path);
    if (watch->thread == NULL) {
        return;
    }
    take_sessions(watch);
    int successor = -1;
    if (watch->kept_count != 0) {
        log_sink_printf(watch->log, LOG_GENERAL, LOG_SEVERITY_NOTICE,
                        "BFD: sealaned is gone; %zu of its sessions %s kept up until it is back, "
                        "for %u s at most",
                        watch->kept_count, watch->kept_count == 1 ? "is" : "are", watch->kept_s);
        successor = wait_for_successor(watch);
        log_sink_printf(watch->log, LOG_GENERAL, LOG_SEVERITY_NOTICE, "BFD: the kept sessions %s",
                        successor >= 0 ? "are left to the sealaned that has come"
                                       : "end: no other sealaned came for them");
    }
    bfd_thread_free(watch->thread, successor >= 0);
    (void)unlink(watch->socket_path);
    if (successor >= 0) {
        close(successor); /* It may go on from here. */
    }
}

static void watch_main(struct watch *watch)
{
    (void)prctl(PR_SET_NAME, "bfd-keeper");
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN); /* whoever reads the log may be gone with the daemon */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* of a terminal: the daemon is told, too */
    take_descriptors(watch);
    wait_for_death(watch);
    if (watch->shared->is_over) {
        (void)unlink(watch->socket_path);
        return;
    }
    watch->log = log_sink_new();
    keep_sessions(watch);
    log_sink_free(watch->log);
}

/* Ends the process it is called in. */
static _Noreturn void watch_run(struct watch *watch)
{
    watch_main(watch);
    _exit(EXIT_SUCCESS); /* What the daemon had in its buffers is the daemon's. */
}

static pid_t watch_start(struct watch *watch, int *lifeline_out)
{
    int lifeline[2];
    if (pipe2(lifeline, O_CLOEXEC) != 0) {
        return -1;
    }
    watch->lifeline = lifeline[0];
    pid_t process = fork();
    if (process == 0) {
        watch_run(watch);
    }
    int error = errno;
    close(lifeline[0]);
    *lifeline_out = lifeline[1];
    if (process < 0) {
        close(lifeline[1]);
        errno = error;
    }
    return process;
}

struct bfd_keeper *bfd_keeper_new(const char *memory_path, const char *socket_path,
                                  const struct config_log *log)
{
    struct watch watch = {
        .memory_path = memory_path, .socket_path = socket_path, .log_config = log};
    watch.shared =
        mmap(NULL, sizeof *watch.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (watch.shared == MAP_FAILED) {
        return NULL;
    }
    int lifeline = -1;
    watch.listener = listen_on(socket_path);
    pid_t process = watch.listener < 0 ? -1 : watch_start(&watch, &lifeline);
    int error = errno;
    if (watch.listener >= 0) {
        close(watch.listener);
    }
    if (process < 0) {
        munmap(watch.shared, sizeof *watch.shared);
        errno = error;
        return NULL;
    }
    struct bfd_keeper *keeper = mem_alloc(MEM_IO, sizeof *keeper);
    *keeper = (struct bfd_keeper){watch.shared, lifeline, process};
    return keeper;
}
