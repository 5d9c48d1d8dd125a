/* A line for BFD: two threads, each end in a namespace of its own, joined by a bridge in the
 * middle. Without the privilege for namespaces nothing can be tested. */
#ifndef TESTS_UNIT_IO_BFD_LINE_H
#define TESTS_UNIT_IO_BFD_LINE_H

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bgpd/io/bfd_thread.h"
#include "bgpd/io/clock.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/unit.h"

#define ENDS 2

struct end {
    struct bfd_thread *thread;
    int namespace;
    _Atomic uint32_t wakes;
};

static struct end ends[ENDS];
static int middle; /* the namespace of the bridge */

/* Azure's interval; `make soak` asks for the shortest one, which wants a machine that never stands
 * still for a tenth of a second. */
static inline int interval_ms(void)
{
    return getenv("SEALANE_SOAK") != NULL ? 50 : 300;
}

/* A time that is meant for intervals of 50 ms. */
static inline int scaled_ms(int ms)
{
    return ms * interval_ms() / 50;
}

static inline void on_wake(void *context)
{
    struct end *end = context;
    end->wakes++;
}

static inline void command(const char *text)
{
    FILE *shell = popen(text, "w");
    ck_assert_ptr_nonnull(shell);
    ck_assert_msg(pclose(shell) == 0, "%s", text);
}

static inline int namespace_make(void)
{
    ck_assert(namespace_enter());
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static inline void namespace_into(int fd)
{
    ck_assert_int_eq(setns(fd, CLONE_NEWNET), 0);
}

/* Two ends with 10.9.0.1 and .2 (and fd09::1, ::2) on "line", joined by a bridge in the middle
 * whose ports can be shut without either end noticing its carrier. */
static inline bool line_make(void)
{
    if (!namespace_enter()) {
        return false;
    }
    for (int i = 0; i < ENDS; i++) {
        ends[i].namespace = namespace_make();
    }
    middle = namespace_make();
    command("ip link add name mid type bridge && ip link set mid up");
    for (int i = 0; i < ENDS; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "ip link add port%d type veth peer name line netns /proc/%d/fd/%d && "
                 "ip link set port%d master mid up",
                 i, (int)getpid(), ends[i].namespace, i);
        command(text);
        namespace_into(ends[i].namespace);
        snprintf(text, sizeof text,
                 "ip addr add 10.9.0.%d/24 dev line && ip addr add fd09::%d/64 dev line nodad && "
                 "ip link set line up",
                 i + 1, i + 1);
        command(text);
        ends[i].thread = bfd_thread_new(on_wake, &ends[i], (uint64_t)i + 1, NULL);
        ck_assert_ptr_nonnull(ends[i].thread);
        namespace_into(middle);
    }
    return true;
}

static inline void line_free(void)
{
    for (int i = 0; i < ENDS; i++) {
        if (ends[i].thread != NULL) {
            bfd_thread_free(ends[i].thread, false);
        }
        close(ends[i].namespace);
    }
}

static inline struct ip_addr addr_of(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

static inline struct bfd_session_action session_of(int end, bool is_v6, bool is_multihop)
{
    static const char *const v4[ENDS] = {"10.9.0.1", "10.9.0.2"};
    static const char *const v6[ENDS] = {"fd09::1", "fd09::2"};
    struct bfd_session_action action = {
        .peer = addr_of(is_v6 ? v6[1 - end] : v4[1 - end]),
        .local = addr_of(is_v6 ? v6[end] : v4[end]),
        .is_multihop = is_multihop,
        .transmit_interval_us = (uint32_t)interval_ms() * 1000,
        .receive_interval_us = (uint32_t)interval_ms() * 1000,
        .detect_multiplier = 3,
    };
    if (!is_multihop) {
        snprintf(action.interface, sizeof action.interface, "line");
    }
    return action;
}

static inline size_t read_sessions(int end, struct bfd_session_view *views_out, size_t max)
{
    uint32_t next = 0;
    return bfd_thread_read(ends[end].thread, &next, views_out, max);
}

static inline void put(int end, const struct bfd_session_action *action)
{
    bfd_thread_put(ends[end].thread, action);
    bfd_thread_kick(ends[end].thread);
}

/* The next report of that end; waited for at most wait_ms. */
static inline bool next_report(int end, int wait_ms, struct bfd_report *report_out)
{
    for (int waited_ms = 0; waited_ms < wait_ms; waited_ms += 2) {
        if (bfd_thread_take_reports(ends[end].thread, report_out, 1) != 0) {
            for (int tries = 0; ends[end].wakes == 0 && tries < 500; tries++) {
                usleep(2000); /* the report is there a moment before the call */
            }
            ck_assert_uint_ne(ends[end].wakes, 0);
            return true;
        }
        usleep(2000);
    }
    return false;
}

static inline void both_come_up(bool is_v6, bool is_multihop)
{
    for (int i = 0; i < ENDS; i++) {
        struct bfd_session_action action = session_of(i, is_v6, is_multihop);
        put(i, &action);
    }
    for (int i = 0; i < ENDS; i++) {
        struct bfd_report report;
        struct bfd_session_action action = session_of(i, is_v6, is_multihop);
        ck_assert(next_report(i, scaled_ms(3000), &report));
        ck_assert_msg(!report.is_trouble, "%s", report.trouble);
        ck_assert(report.fact.is_up && !report.fact.is_admin_down);
        ck_assert(ip_equal(&report.fact.peer, &action.peer));
        ck_assert(ip_equal(&report.fact.local, &action.local));
        ck_assert(is_multihop == (report.fact.ifindex == 0));
    }
}

/* Until the Poll Sequence is done and detection is three intervals. */
static inline void settle(void)
{
    int64_t detection_ns = (int64_t)interval_ms() * 3 * 1000000;
    for (int i = 0; i < ENDS; i++) {
        struct bfd_session_view view;
        for (int tries = 0; tries < 1000; tries++) {
            ck_assert_uint_eq(read_sessions(i, &view, 1), 1);
            if (bfd_detection_time(&view.machine).ns == detection_ns) {
                break;
            }
            usleep(2000);
        }
        ck_assert_int_eq(bfd_detection_time(&view.machine).ns, detection_ns);
    }
}

#endif
