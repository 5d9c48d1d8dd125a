/* The BFD thread against a second one over a real line. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/io/bfd_socket.h"
#include "tests/unit/io/bfd_line.h"

START_TEST(a_silent_line_is_detected_and_its_return_too)
{
    if (!line_make()) {
        return;
    }
    bool is_v6 = _i & 1;
    bool is_multihop = _i & 2;
    both_come_up(is_v6, is_multihop);
    settle();
    struct mono_time cut_at = clock_mono_now();
    command("ip link set port1 nomaster");
    struct mono_time cut_done_at = clock_mono_now();
    for (int i = 0; i < ENDS; i++) {
        struct bfd_report report;
        ck_assert(next_report(i, scaled_ms(1000), &report));
        ck_assert(!report.is_trouble && !report.fact.is_up && !report.fact.is_admin_down);
        ck_assert_str_eq(report.fact.detail, "control detection time expired");
    }
    struct mono_time now = clock_mono_now();
    ck_assert_int_ge(mono_span_to_ms(mono_between(cut_at, now)), scaled_ms(100));
    ck_assert_int_le(mono_span_to_ms(mono_between(cut_done_at, now)), scaled_ms(400));
    command("ip link set port1 master mid");
    for (int i = 0; _i == 0 && i < ENDS; i++) {
        struct bfd_report report;
        ck_assert(next_report(i, scaled_ms(3000), &report));
        ck_assert(report.fact.is_up);
    }
    line_free();
}
END_TEST

START_TEST(a_removed_session_is_no_failure_over_there)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    both_come_up(false, false);
    settle();
    struct bfd_session_action action = session_of(0, false, false);
    action.is_delete = true;
    put(0, &action);
    ck_assert(next_report(1, scaled_ms(100), &report));
    ck_assert(!report.fact.is_up && report.fact.is_admin_down);
    ck_assert(!next_report(0, 50, &report)); /* nothing of what is gone */
    action.is_delete = false;
    put(0, &action);
    ck_assert(next_report(1, scaled_ms(3000), &report) && report.fact.is_up);
    bfd_thread_free(ends[0].thread, false); /* as the daemon ends */
    ends[0].thread = NULL;
    ck_assert(next_report(1, scaled_ms(100), &report));
    ck_assert(!report.fact.is_up && report.fact.is_admin_down);
    line_free();
}
END_TEST

static void start_remembering(const char *path)
{
    namespace_into(ends[0].namespace);
    ends[0].thread = bfd_thread_new(on_wake, &ends[0], 99, path);
    ck_assert_ptr_nonnull(ends[0].thread);
    namespace_into(middle);
}

/* Seconds of detection, so that only the restart and no busy machine is judged. */
static void put_patient(int end)
{
    struct bfd_session_action action = session_of(end, false, false);
    action.detect_multiplier = 200;
    put(end, &action);
}

START_TEST(a_session_outlives_a_daemon_that_is_killed)
{
    static const char path[] = "/run/bfd-memory";
    static const char copy[] = "cp /run/bfd-memory /run/bfd-memory.kept";
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    struct bfd_session_view view;
    bfd_thread_free(ends[0].thread, false);
    start_remembering(path);
    put_patient(0);
    put_patient(1);
    for (int i = 0; i < ENDS; i++) {
        ck_assert(next_report(i, scaled_ms(3000), &report) && report.fact.is_up);
    }
    for (int tries = 0; tries < 1000 && access(path, R_OK) != 0; tries++) {
        usleep(2000);
    }
    /* Its last words are lost on the line, and the file is put back, as if it had been killed. */
    command("ip link set port0 nomaster");
    command(copy);
    bfd_thread_free(ends[0].thread, false);
    ck_assert_int_ne(access(path, F_OK), 0); /* an orderly end leaves nothing to go on with */
    command("mv /run/bfd-memory.kept /run/bfd-memory && ip link set port0 master mid");
    start_remembering(path);
    put_patient(0);
    ck_assert(next_report(0, scaled_ms(3000), &report) && report.fact.is_up);
    ck_assert(!next_report(1, scaled_ms(100), &report)); /* the far end has not noticed */
    ck_assert_uint_eq(read_sessions(1, &view, 1), 1);
    ck_assert_uint_eq(view.machine.statistics.downs, 0);
    line_free();
}
END_TEST

START_TEST(a_port_that_somebody_else_had_is_taken_when_he_leaves)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    namespace_into(ends[0].namespace);
    int other = bfd_socket_listen(IP_V4, false);
    ck_assert_int_ge(other, 0);
    namespace_into(middle);
    for (int i = 0; i < ENDS; i++) {
        struct bfd_session_action action = session_of(i, false, false);
        put(i, &action);
    }
    ck_assert(next_report(0, scaled_ms(100), &report) && report.is_trouble);
    ck_assert_str_eq(report.trouble,
                     "BFD: cannot listen on UDP port 3784 for IPv4: Address already in use");
    ck_assert(!next_report(0, scaled_ms(300), &report)); /* said once, and not up */
    close(other);
    for (int i = 0; i < ENDS; i++) {
        ck_assert(next_report(i, scaled_ms(3000), &report));
        ck_assert(!report.is_trouble && report.fact.is_up);
    }
    line_free();
}
END_TEST

START_TEST(changed_intervals_keep_the_session_up)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    struct bfd_session_view view;
    both_come_up(false, false);
    settle();
    struct bfd_session_action action = session_of(0, false, false);
    action.is_delete = true;
    bfd_thread_put(ends[0].thread, &action);
    action.is_delete = false;
    action.transmit_interval_us *= 2;
    action.receive_interval_us *= 2;
    put(0, &action);
    ck_assert(next_report(0, scaled_ms(500), &report) && report.fact.is_up); /* told anew */
    ck_assert(!next_report(1, scaled_ms(400), &report));
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_eq(view.machine.state, BFD_UP);
    ck_assert_int_eq(bfd_detection_time(&view.machine).ns, (int64_t)interval_ms() * 6 * 1000000);
    ck_assert_int_eq(bfd_transmit_interval(&view.machine).ns, (int64_t)interval_ms() * 2 * 1000000);
    line_free();
}
END_TEST

/* What a stranger could send: a first packet with the given hop limit, from the far end's host. */
static void send_stray(int ttl, uint16_t port, uint32_t your_discriminator, const char *source)
{
    uint8_t octets[BFD_PACKET_BYTES_MAX];
    struct bfd_packet packet = {.state = BFD_DOWN,
                                .detect_multiplier = 3,
                                .my_discriminator = 77,
                                .your_discriminator = your_discriminator,
                                .desired_min_tx_us = 1000000,
                                .required_min_rx_us = 1000000};
    struct writer writer = writer_of(octets, sizeof octets);
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, source, &from.sin_addr);
    inet_pton(AF_INET, "10.9.0.1", &to.sin_addr);
    bfd_packet_encode(&writer, &packet);
    namespace_into(ends[1].namespace);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    ck_assert_int_eq(sendto(fd, octets, writer_size(&writer), 0, (struct sockaddr *)&to, sizeof to),
                     (ssize_t)writer_size(&writer));
    close(fd);
    namespace_into(middle);
}

static uint64_t discarded(enum bfd_fault fault)
{
    uint64_t counters[BFD_FAULT_COUNT];
    for (int tries = 0; tries < 100; tries++) {
        bfd_thread_read_discarded(ends[0].thread, counters);
        if (counters[fault] != 0) {
            break;
        }
        usleep(2000);
    }
    return counters[fault];
}

START_TEST(strangers_are_discarded_under_their_own_counters)
{
    if (!line_make()) {
        return;
    }
    struct bfd_session_view view;
    struct bfd_session_action action = session_of(0, false, false);
    put(0, &action);
    usleep(50000);
    namespace_into(ends[1].namespace);
    command("ip addr add 10.9.0.3/24 dev line");
    namespace_into(middle);
    send_stray(254, BFD_PORT_SINGLE_HOP, 0, "10.9.0.2");
    ck_assert_uint_eq(discarded(BFD_FAULT_TTL), 1);
    send_stray(255, BFD_PORT_SINGLE_HOP, 0, "10.9.0.3");
    ck_assert_uint_eq(discarded(BFD_FAULT_NO_SESSION), 1);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    send_stray(255, BFD_PORT_SINGLE_HOP, view.machine.local_discriminator, "10.9.0.3");
    ck_assert_uint_eq(discarded(BFD_FAULT_WRONG_SENDER), 1);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_eq(view.machine.state, BFD_DOWN);
    send_stray(255, BFD_PORT_SINGLE_HOP, 0, "10.9.0.2"); /* the one that is expected */
    usleep(50000);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_eq(view.machine.state, BFD_INIT);
    line_free();
}
END_TEST

/* RFC 5883 3: how far away a far end may be is for the operator to say. */
START_TEST(multihop_packets_below_the_minimum_ttl_are_discarded)
{
    if (!line_make()) {
        return;
    }
    struct bfd_session_view view;
    struct bfd_session_action action = session_of(0, false, true);
    action.minimum_ttl = 250;
    put(0, &action);
    usleep(50000);
    send_stray(249, BFD_PORT_MULTIHOP, 0, "10.9.0.2");
    ck_assert_uint_eq(discarded(BFD_FAULT_TTL), 1);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_eq(view.machine.state, BFD_DOWN);
    send_stray(250, BFD_PORT_MULTIHOP, 0, "10.9.0.2");
    for (int tries = 0; tries < 100 && view.machine.state == BFD_DOWN; tries++) {
        usleep(5000);
        ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    }
    ck_assert_uint_eq(view.machine.state, BFD_INIT);
    line_free();
}
END_TEST

static struct bfd_session_action keyed_session(int end, const char *secret)
{
    struct bfd_session_action action = session_of(end, false, false);
    action.auth = (struct bfd_auth_key){
        .type = BFD_AUTH_METICULOUS_SHA1, .key_id = 1, .secret_bytes = (uint8_t)strlen(secret)};
    memcpy(action.auth.secret, secret, strlen(secret));
    return action;
}

START_TEST(over_the_line_both_ends_need_the_key)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    struct bfd_session_view view;
    for (int end = 0; end < ENDS; end++) {
        struct bfd_session_action action = keyed_session(end, "one key");
        put(end, &action);
    }
    for (int end = 0; end < ENDS; end++) {
        ck_assert(next_report(end, 4000, &report) && report.fact.is_up);
    }
    struct bfd_session_action other = keyed_session(1, "another");
    put(1, &other);
    ck_assert(next_report(0, scaled_ms(1000), &report) && !report.fact.is_up);
    ck_assert(!report.fact.is_admin_down);
    ck_assert_uint_eq(read_sessions(0, &view, 1), 1);
    ck_assert_uint_ge(view.machine.statistics.discarded[BFD_FAULT_AUTH_KEY], 1);
    line_free();
}
END_TEST

/* RFC 5882 3.2: a wish of the operator, and told as one to both sides. */
START_TEST(a_session_that_is_shut_down_is_no_failure_on_either_end)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    both_come_up(false, false);
    settle();
    struct bfd_session_action action = session_of(0, false, false);
    action.is_shutdown = true;
    put(0, &action);
    for (int end = 0; end < ENDS; end++) {
        ck_assert(next_report(end, 2000, &report));
        ck_assert(!report.fact.is_up && report.fact.is_admin_down);
    }
    action.is_shutdown = false;
    put(0, &action);
    for (int end = 0; end < ENDS; end++) {
        do {
            ck_assert(next_report(end, 4000, &report));
        } while (!report.fact.is_up);
    }
    line_free();
}
END_TEST

/* A turn takes a bounded number of packets, and what a session needs is among them. */
START_TEST(a_flood_of_strangers_starves_no_session)
{
    if (!line_make()) {
        return;
    }
    struct bfd_session_view view;
    both_come_up(false, false);
    settle();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(BFD_PORT_SINGLE_HOP)};
    uint8_t junk[24] = {0x20, 0x40, 3, 24, 0, 0, 0, 1, 9, 9, 9, 9};
    int ttl = 255;
    inet_pton(AF_INET, "10.9.0.1", &to.sin_addr);
    namespace_into(ends[1].namespace);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
    struct mono_time end = mono_add(clock_mono_now(), mono_span_ms(scaled_ms(400)));
    while (!mono_reached(end, clock_mono_now())) {
        (void)sendto(fd, junk, sizeof junk, 0, (struct sockaddr *)&to, sizeof to);
    }
    close(fd);
    namespace_into(middle);
    ck_assert_uint_ge(discarded(BFD_FAULT_NO_SESSION), 1000);
    for (int i = 0; i < ENDS; i++) {
        ck_assert_uint_eq(read_sessions(i, &view, 1), 1);
        ck_assert_uint_eq(view.machine.state, BFD_UP);
        ck_assert_uint_eq(view.machine.statistics.downs, 0);
    }
    line_free();
}
END_TEST

static void stand_still(int number)
{
    (void)number;
    struct mono_time end = mono_add(clock_mono_now(), mono_span_ms(scaled_ms(400)));
    while (!mono_reached(end, clock_mono_now())) {
    }
}

/* The threads of both ends that keep the time, and not those that stand in. */
static int stop_threads(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[300];
        char name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            (void)!fgets(name, sizeof name, file);
            fclose(file);
        }
        if (strcmp(name, "bfd\n") == 0) {
            count++;
            ck_assert_int_eq(tgkill(getpid(), (pid_t)strtol(entry->d_name, NULL, 10), SIGUSR1), 0);
        }
    }
    closedir(folder);
    return count;
}

/* As when the kernel is busy on its core, or the core itself is taken away for a while. */
START_TEST(a_thread_that_is_held_up_is_stood_in_for)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) < 2 || !line_make()) {
        return;
    }
    struct bfd_session_view view;
    struct sigaction action = {.sa_handler = stand_still};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    both_come_up(false, false);
    settle();
    ck_assert_int_eq(stop_threads(), ENDS);
    usleep((useconds_t)scaled_ms(450) * 1000);
    for (int i = 0; i < ENDS; i++) {
        ck_assert_uint_eq(read_sessions(i, &view, 1), 1);
        ck_assert_uint_eq(view.machine.state, BFD_UP);
        ck_assert_uint_eq(view.machine.statistics.downs, 0);
    }
    line_free();
}
END_TEST

START_TEST(an_interface_made_anew_is_found_again)
{
    if (!line_make()) {
        return;
    }
    struct bfd_report report;
    both_come_up(false, false);
    settle();
    command("ip link del port0");
    ck_assert(next_report(0, scaled_ms(1000), &report) && !report.fact.is_up);
    char text[256];
    snprintf(text, sizeof text,
             "ip link add port0 type veth peer name line netns /proc/%d/fd/%d && "
             "ip link set port0 master mid up",
             (int)getpid(), ends[0].namespace);
    command(text);
    namespace_into(ends[0].namespace);
    command("ip addr add 10.9.0.1/24 dev line && ip link set line up");
    namespace_into(middle);
    bool is_up = false;
    while (!is_up) {
        ck_assert(next_report(0, 4000, &report));
        is_up = !report.is_trouble && report.fact.is_up;
    }
    line_free();
}
END_TEST

/* ---- Many, on a busy machine ---- */

#define MANY   64
#define BURN_S 2

static struct bfd_session_action many_session(int end, int number)
{
    struct bfd_session_action action = session_of(end, false, false);
    action.local = ip_from_v4(0x0a090100u + (uint32_t)(end * MANY + number));
    action.peer = ip_from_v4(0x0a090100u + (uint32_t)((1 - end) * MANY + number));
    return action;
}

static void many_addresses(int end)
{
    namespace_into(ends[end].namespace);
    FILE *batch = popen("ip -batch -", "w");
    ck_assert_ptr_nonnull(batch);
    for (int i = 0; i < MANY; i++) {
        fprintf(batch, "addr add 10.9.1.%d/24 dev line\n", end * MANY + i);
    }
    ck_assert_int_eq(pclose(batch), 0);
    namespace_into(middle);
}

static void *burn(void *argument)
{
    volatile uint64_t *sum = argument;
    struct mono_time end = mono_add(clock_mono_now(), mono_span_s(BURN_S));
    while (!mono_reached(end, clock_mono_now())) {
        *sum += 1;
    }
    return NULL;
}

static bool may_be_realtime(void)
{
    struct sched_param param = {.sched_priority = 1};
    struct sched_param normal = {.sched_priority = 0};
    bool is_permitted = sched_setscheduler(0, SCHED_RR, &param) == 0;
    (void)sched_setscheduler(0, SCHED_OTHER, &normal);
    return is_permitted;
}

static uint32_t many_count(int end, bool (*claim)(const struct bfd_machine *machine))
{
    static struct bfd_session_view views[MANY];
    uint32_t count = 0;
    size_t known = read_sessions(end, views, MANY);
    for (size_t i = 0; i < known; i++) {
        count += claim(&views[i].machine);
    }
    return count;
}

static bool is_up(const struct bfd_machine *machine)
{
    return machine->state == BFD_UP && !machine->is_polling;
}

static bool was_down(const struct bfd_machine *machine)
{
    return machine->statistics.downs != 0;
}

START_TEST(sixty_four_sessions_hold_while_every_core_is_busy)
{
    if (!may_be_realtime() || !line_make()) {
        return;
    }
    many_addresses(0);
    many_addresses(1);
    for (int i = 0; i < MANY; i++) {
        for (int end = 0; end < ENDS; end++) {
            struct bfd_session_action action = many_session(end, i);
            bfd_thread_put(ends[end].thread, &action);
        }
    }
    bfd_thread_kick(ends[0].thread);
    bfd_thread_kick(ends[1].thread);
    for (int tries = 0; tries < 300 && many_count(0, is_up) + many_count(1, is_up) < 2 * MANY;
         tries++) {
        usleep(10000);
    }
    ck_assert_uint_eq(many_count(0, is_up), MANY);
    ck_assert_uint_eq(many_count(1, is_up), MANY);
    pthread_t burners[4];
    uint64_t sums[4] = {0};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&burners[i], NULL, burn, &sums[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(burners[i], NULL);
    }
    for (int end = 0; end < ENDS; end++) {
        ck_assert_uint_eq(many_count(end, is_up), MANY);
        ck_assert_uint_eq(many_count(end, was_down), 0);
    }
    line_free();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io: bfd thread");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, a_silent_line_is_detected_and_its_return_too, 0, 4);
    tcase_add_test(cases, a_removed_session_is_no_failure_over_there);
    tcase_add_test(cases, a_session_outlives_a_daemon_that_is_killed);
    tcase_add_test(cases, a_port_that_somebody_else_had_is_taken_when_he_leaves);
    tcase_add_test(cases, changed_intervals_keep_the_session_up);
    tcase_add_test(cases, strangers_are_discarded_under_their_own_counters);
    tcase_add_test(cases, multihop_packets_below_the_minimum_ttl_are_discarded);
    tcase_add_test(cases, over_the_line_both_ends_need_the_key);
    tcase_add_test(cases, a_session_that_is_shut_down_is_no_failure_on_either_end);
    tcase_add_test(cases, a_flood_of_strangers_starves_no_session);
    tcase_add_test(cases, a_thread_that_is_held_up_is_stood_in_for);
    tcase_add_test(cases, an_interface_made_anew_is_found_again);
    /* It asks a whole idle machine for itself: a load test, `make soak`, not a unit test. */
    if (getenv("SEALANE_SOAK") != NULL) {
        tcase_add_test(cases, sixty_four_sessions_hold_while_every_core_is_busy);
    }
    suite_add_tcase(suite, cases);
    return suite;
}
