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
/* A session whose sockets cannot be had, or clocks gone wild, must not keep the thread asleep. */
#define SLEEP_NS_MAX 1000000000

struct bfd_thread {
    void (*wake)(void *context);
    void *wake_context;
    pthread_t thread;
    int event;
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

static void *thread_main(void *argument)
{
    struct bfd_thread *thread = argument;
    struct mono_time deadline = MONO_NEVER;
    raise_priority();
    for (;;) {
        size_t count;
        bool is_ending;
        wait_for_work(thread, deadline);
        struct bfd_session_action *actions = take_actions(thread, &count, &is_ending);
        struct mono_time now = clock_mono_now();
        pthread_mutex_lock(&thread->table_lock);
        if (count != 0) {
            bfd_table_apply(thread->table, actions, count, now);
        }
        bfd_table_turn(thread->table, deadline, now);
        deadline = bfd_table_deadline(thread->table);
        pthread_mutex_unlock(&thread->table_lock);
        mem_free(MEM_IO, actions);
        pthread_mutex_lock(&thread->queue_lock);
        bool must_wake = thread->must_wake;
        thread->must_wake = false;
        pthread_mutex_unlock(&thread->queue_lock);
        if (must_wake) {
            thread->wake(thread->wake_context);
        }
        if (is_ending) {
            return NULL;
        }
    }
}

static void signal_thread(const struct bfd_thread *thread)
{
    uint64_t one = 1;
    if (write(thread->event, &one, sizeof one) < 0) {
        ASSERT(errno == EAGAIN); /* Full of signals: it will wake. */
    }
}

struct bfd_thread *bfd_thread_new(void (*wake)(void *context), void *context, uint64_t seed)
{
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) {
        return NULL;
    }
    struct bfd_thread *thread = mem_alloc(MEM_IO, sizeof *thread);
    thread->wake = wake;
    thread->wake_context = context;
    thread->event = event;
    thread->table = bfd_table_new(seed, on_report, thread);
    pthread_mutex_init(&thread->queue_lock, NULL);
    pthread_mutex_init(&thread->table_lock, NULL);
    int error = pthread_create(&thread->thread, NULL, thread_main, thread);
    if (error != 0) {
        bfd_table_free(thread->table);
        close(event);
        mem_free(MEM_IO, thread);
        errno = error;
        return NULL;
    }
    return thread;
}

void bfd_thread_free(struct bfd_thread *thread)
{
    pthread_mutex_lock(&thread->queue_lock);
    thread->is_ending = true;
    thread->kicked_count = thread->action_count;
    pthread_mutex_unlock(&thread->queue_lock);
    signal_thread(thread);
    pthread_join(thread->thread, NULL);
    bfd_table_free(thread->table);
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
        signal_thread(thread);
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
