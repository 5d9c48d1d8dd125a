#include "bgpd/io/bfd_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bgpd/io/clock.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* Where real-time scheduling is not permitted. */
#define NICE_VALUE (-19)
/* So late is the thread when the second one stands in for it. */
#define STANDBY_AFTER_MS 5
/* A session whose sockets cannot be had, or clocks gone wild, must not keep the thread asleep. */
#define SLEEP_NS_MAX 1000000000

struct bfd_thread {
    void (*wake)(void *context);
    void *wake_context;
    pthread_t thread;
    int event;
    pthread_t standby; /* on other cores than thread, so that what holds one of them up is no */
    bool has_standby;  /* silence of ours */
    int standby_event;
    pthread_mutex_t queue_lock; /* guards the queues; held for a copy at most */
    struct bfd_session_action *actions;
    size_t action_count;
    size_t action_capacity;
    size_t kicked_count; /* of actions */
    struct bfd_report *reports;
    size_t report_count;
    size_t report_capacity;
    bool must_wake;
    bool is_ending;
    pthread_mutex_t table_lock; /* guards table; not held while waiting */
    struct bfd_table *table;
    struct mono_time deadline; /* of the table; guarded by table_lock as the next one */
    struct mono_time standby_at;
};

/* A removal that is on its way silences the session: the core has forgotten it. */
static bool is_being_removed(const struct bfd_thread *thread, const struct bfd_report *report)
{
    bool is_removed = false;
    for (size_t i = 0; i < thread->action_count; i++) {
        const struct bfd_session_action *action = &thread->actions[i];
        if (ip_equal(&action->peer, &report->fact.peer) &&
            ip_equal(&action->local, &report->fact.local)) {
            is_removed = action->is_delete;
        }
    }
    return is_removed;
}

static void on_report(void *context, const struct bfd_report *report)
{
    struct bfd_thread *thread = context;
    pthread_mutex_lock(&thread->queue_lock);
    if (report->is_trouble || !is_being_removed(thread, report)) {
        if (thread->report_count == thread->report_capacity) {
            thread->report_capacity =
                thread->report_capacity == 0 ? 64 : thread->report_capacity * 2;
            thread->reports = mem_realloc(MEM_IO, thread->reports,
                                          thread->report_capacity * sizeof *thread->reports);
        }
        thread->reports[thread->report_count] = *report;
        thread->reports[thread->report_count++].at = clock_mono_now();
        thread->must_wake = true;
    }
    pthread_mutex_unlock(&thread->queue_lock);
}

/* The kicked actions, for the caller to free; NULL when there are none. */
static struct bfd_session_action *take_actions(struct bfd_thread *thread, size_t *count_out,
                                               bool *is_ending_out)
{
    struct bfd_session_action *taken = NULL;
    pthread_mutex_lock(&thread->queue_lock);
    size_t count = thread->kicked_count;
    if (count != 0) {
        taken = mem_alloc(MEM_IO, count * sizeof *taken);
        memcpy(taken, thread->actions, count * sizeof *taken);
        thread->action_count -= count;
        memmove(thread->actions, thread->actions + count, thread->action_count * sizeof *taken);
        thread->kicked_count = 0;
    }
    *is_ending_out = thread->is_ending;
    pthread_mutex_unlock(&thread->queue_lock);
    *count_out = count;
    return taken;
}

static void wait_for_work(struct bfd_thread *thread, struct mono_time deadline)
{
    struct pollfd ready[BFD_LISTENERS + 1];
    pthread_mutex_lock(&thread->table_lock);
    size_t count = bfd_table_poll_set(thread->table, ready);
    pthread_mutex_unlock(&thread->table_lock);
    ready[count++] = (struct pollfd){.fd = thread->event, .events = POLLIN};
    int64_t wait_ns = SLEEP_NS_MAX;
    if (!mono_is_never(deadline)) {
        int64_t left_ns = mono_between(clock_mono_now(), deadline).ns;
        left_ns = left_ns < 0 ? 0 : left_ns;
        wait_ns = left_ns < wait_ns ? left_ns : wait_ns;
    }
    struct timespec wait = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    (void)ppoll(ready, count, &wait, NULL);
    uint64_t ignored;
    if (ready[count - 1].revents != 0 && read(thread->event, &ignored, sizeof ignored) < 0) {
        ASSERT(errno == EAGAIN || errno == EINTR);
    }
}

/* The kernel lets a sleeper oversleep by its timer slack, and lets busy threads go first: neither
 * is good for 50 ms. Both are best effort. */
static void raise_priority(void)
{
    struct sched_param param = {.sched_priority = 1};
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &param) != 0) {
        (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE_VALUE);
    }
}

static void signal_event(int event)
{
    uint64_t one = 1;
    if (write(event, &one, sizeof one) < 0) {
        ASSERT(errno == EAGAIN); /* Full of signals: it will wake. */
    }
}

static void tell_loop(struct bfd_thread *thread)
{
    pthread_mutex_lock(&thread->queue_lock);
    bool must_wake = thread->must_wake;
    thread->must_wake = false;
    pthread_mutex_unlock(&thread->queue_lock);
    if (must_wake) {
        thread->wake(thread->wake_context);
    }
}

static struct mono_time standby_time(struct mono_time deadline)
{
    return mono_is_never(deadline) ? deadline : mono_add(deadline, mono_span_ms(STANDBY_AFTER_MS));
}

/* Half of the cores that the process may use: the standby gets every other one. Nothing when there
 * is only one. */
static bool choose_cores(bool is_standby, cpu_set_t *cores_out)
{
    cpu_set_t all;
    bool is_taken = is_standby;
    CPU_ZERO(cores_out);
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
        return false;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            is_taken = !is_taken;
            if (is_taken) {
                CPU_SET(cpu, cores_out);
            }
        }
    }
    return true;
}

static void stay_on_cores(bool is_standby, const char *name)
{
    cpu_set_t cores;
    if (choose_cores(is_standby, &cores)) {
        (void)pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
    }
    (void)pthread_setname_np(pthread_self(), name);
}

static bool is_ending(struct bfd_thread *thread)
{
    pthread_mutex_lock(&thread->queue_lock);
    bool is_true = thread->is_ending;
    pthread_mutex_unlock(&thread->queue_lock);
    return is_true;
}

static void standby_wait(const struct bfd_thread *thread, struct mono_time until)
{
    struct pollfd event = {.fd = thread->standby_event, .events = POLLIN};
    struct timespec wait = {.tv_sec = 0};
    bool is_idle = mono_is_never(until);
    if (!is_idle) {
        int64_t left_ns = mono_between(clock_mono_now(), until).ns;
        left_ns = left_ns < 0 ? 0 : left_ns;
        wait = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
    }
    uint64_t ignored;
    if (ppoll(&event, 1, is_idle ? NULL : &wait, NULL) > 0 &&
        read(thread->standby_event, &ignored, sizeof ignored) < 0) {
        ASSERT(errno == EAGAIN || errno == EINTR);
    }
}

/* Does a turn when the thread should have done it some time ago. Sessions are added and removed by
 * the thread alone. */
static void *standby_main(void *argument)
{
    struct bfd_thread *thread = argument;
    struct mono_time until = MONO_NEVER;
    raise_priority();
    stay_on_cores(true, "bfd-standby");
    while (!is_ending(thread)) {
        standby_wait(thread, until);
        struct mono_time now = clock_mono_now();
        if (pthread_mutex_trylock(&thread->table_lock) != 0) {
            until = mono_add(now, mono_span_ms(STANDBY_AFTER_MS)); /* It is at work. */
            continue;
        }
        if (mono_reached(standby_time(thread->deadline), now)) {
            bfd_table_turn(thread->table, thread->deadline, now);
            thread->deadline = bfd_table_deadline(thread->table);
        }
        until = standby_time(thread->deadline);
        thread->standby_at = until;
        pthread_mutex_unlock(&thread->table_lock);
        tell_loop(thread);
    }
    return NULL;
}

/* The standby sleeps until a deadline that was known; an earlier one has come. */
static void call_standby(struct bfd_thread *thread)
{
    if (thread->has_standby && mono_before(standby_time(thread->deadline), thread->standby_at)) {
        signal_event(thread->standby_event);
    }
}

static void *thread_main(void *argument)
{
    struct bfd_thread *thread = argument;
    struct mono_time deadline = MONO_NEVER;
    raise_priority();
    stay_on_cores(false, "bfd");
    for (;;) {
        size_t count;
        bool is_last;
        wait_for_work(thread, deadline);
        struct bfd_session_action *actions = take_actions(thread, &count, &is_last);
        struct mono_time now = clock_mono_now();
        pthread_mutex_lock(&thread->table_lock);
        if (count != 0) {
            bfd_table_apply(thread->table, actions, count, now);
        }
        /* Where the standby has been meanwhile, this turn is not as late as it looks. */
        bfd_table_turn(thread->table, thread->deadline, now);
        deadline = bfd_table_deadline(thread->table);
        thread->deadline = deadline;
        call_standby(thread);
        pthread_mutex_unlock(&thread->table_lock);
        mem_free(MEM_IO, actions);
        tell_loop(thread);
        if (is_last) {
            return NULL;
        }
    }
}

/* The loop holds the locks for a copy at most, but may lose its core meanwhile: then it gets the
 * thread's priority until it has let go. */
static void lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/* Without one nothing is missing but its help: on a single core it could not give any. */
static void standby_start(struct bfd_thread *thread)
{
    cpu_set_t cores;
    thread->standby_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread->has_standby = thread->standby_event >= 0 && choose_cores(true, &cores) &&
                          pthread_create(&thread->standby, NULL, standby_main, thread) == 0;
}

/* To be called when is_ending is set. */
static void standby_end(struct bfd_thread *thread)
{
    if (thread->has_standby) {
        signal_event(thread->standby_event);
        pthread_join(thread->standby, NULL);
    }
    if (thread->standby_event >= 0) {
        close(thread->standby_event);
    }
}

struct bfd_thread *bfd_thread_new(void (*wake)(void *context), void *context, uint64_t seed,
                                  const char *memory_path)
{
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) {
        return NULL;
    }
    struct bfd_thread *thread = mem_alloc(MEM_IO, sizeof *thread);
    thread->wake = wake;
    thread->wake_context = context;
    thread->event = event;
    thread->deadline = MONO_NEVER;
    thread->standby_at = MONO_NEVER;
    thread->table = bfd_table_new(seed, memory_path, on_report, thread);
    lock_init(&thread->queue_lock);
    lock_init(&thread->table_lock);
    standby_start(thread);
    int error = pthread_create(&thread->thread, NULL, thread_main, thread);
    if (error != 0) {
        thread->is_ending = true;
        standby_end(thread);
        bfd_table_free(thread->table, false);
        close(event);
        mem_free(MEM_IO, thread);
        errno = error;
        return NULL;
    }
    return thread;
}

void bfd_thread_free(struct bfd_thread *thread, bool keeps_sessions)
{
    pthread_mutex_lock(&thread->queue_lock);
    thread->is_ending = true;
    thread->kicked_count = thread->action_count;
    pthread_mutex_unlock(&thread->queue_lock);
    signal_event(thread->event);
    pthread_join(thread->thread, NULL);
    standby_end(thread);
    bfd_table_free(thread->table, keeps_sessions);
    pthread_mutex_destroy(&thread->queue_lock);
    pthread_mutex_destroy(&thread->table_lock);
    close(thread->event);
    mem_free(MEM_IO, thread->actions);
    mem_free(MEM_IO, thread->reports);
    mem_free(MEM_IO, thread);
}

/* Reports of a session that is being removed are void. Holds the queue lock. */
static void forget_reports(struct bfd_thread *thread, const struct bfd_session_action *action)
{
    size_t kept = 0;
    for (size_t i = 0; i < thread->report_count; i++) {
        const struct bfd_report *report = &thread->reports[i];
        if (report->is_trouble || !ip_equal(&report->fact.peer, &action->peer) ||
            !ip_equal(&report->fact.local, &action->local)) {
            thread->reports[kept++] = *report;
        }
    }
    thread->report_count = kept;
}

void bfd_thread_put(struct bfd_thread *thread, const struct bfd_session_action *action)
{
    pthread_mutex_lock(&thread->queue_lock);
    if (thread->action_count == thread->action_capacity) {
        thread->action_capacity = thread->action_capacity == 0 ? 64 : thread->action_capacity * 2;
        thread->actions =
            mem_realloc(MEM_IO, thread->actions, thread->action_capacity * sizeof *thread->actions);
    }
    thread->actions[thread->action_count++] = *action;
    if (action->is_delete) {
        forget_reports(thread, action);
    }
    pthread_mutex_unlock(&thread->queue_lock);
}

void bfd_thread_kick(struct bfd_thread *thread)
{
    pthread_mutex_lock(&thread->queue_lock);
    bool has_work = thread->action_count != thread->kicked_count;
    thread->kicked_count = thread->action_count;
    pthread_mutex_unlock(&thread->queue_lock);
    if (has_work) {
        signal_event(thread->event);
    }
}

size_t bfd_thread_take_reports(struct bfd_thread *thread, struct bfd_report *reports_out,
                               size_t max)
{
    pthread_mutex_lock(&thread->queue_lock);
    size_t count = thread->report_count < max ? thread->report_count : max;
    if (count != 0) {
        memcpy(reports_out, thread->reports, count * sizeof *reports_out);
        thread->report_count -= count;
        memmove(thread->reports, thread->reports + count,
                thread->report_count * sizeof *thread->reports);
    }
    pthread_mutex_unlock(&thread->queue_lock);
    return count;
}

size_t bfd_thread_read(struct bfd_thread *thread, uint32_t *next,
                       struct bfd_session_view *views_out, size_t max)
{
    pthread_mutex_lock(&thread->table_lock);
    size_t count = bfd_table_read(thread->table, next, views_out, max);
    pthread_mutex_unlock(&thread->table_lock);
    return count;
}

void bfd_thread_read_discarded(struct bfd_thread *thread, uint64_t discarded_out[BFD_FAULT_COUNT])
{
    pthread_mutex_lock(&thread->table_lock);
    memcpy(discarded_out, bfd_table_discarded(thread->table),
           BFD_FAULT_COUNT * sizeof *discarded_out);
    pthread_mutex_unlock(&thread->table_lock);
}
