/* The watcher against a charon of the test's own that plays back what a real one said. */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bgpd/io/vici_message.h"
#include "bgpd/io/vici_watch.h"
#include "tests/unit/io/vici_recorded.h"
#include "tests/unit/unit.h"

struct charon {
    char folder[64];
    char path[96];
    int listener;
    int client; /* -1: none */
    const char *list;
    size_t list_size; /* 0: no SA */
    bool is_silent;
    uint32_t registered_count;
    uint32_t list_count;
    struct ev_io accepting;
    struct ev_io reading;
};

static struct charon charon;
static struct ev_loop *loop;
static struct tunnel_fact fact;
static uint32_t fact_count;

static void keep_fact(void *context, const struct core_event *event)
{
    (void)context;
    fact = event->tunnel_fact;
    fact_count++;
}

static void say(const char *octets, size_t size)
{
    uint8_t length[4];
    store_be32(length, (uint32_t)size);
    ck_assert_int_eq(send(charon.client, length, 4, MSG_NOSIGNAL), 4);
    /* In two halves, as a stream may. */
    ck_assert_int_eq(send(charon.client, octets, size / 2, MSG_NOSIGNAL), (ssize_t)(size / 2));
    octets += size / 2;
    size -= size / 2;
    ck_assert_int_eq(send(charon.client, octets, size, MSG_NOSIGNAL), (ssize_t)size);
}
#define SAY(recorded) say(recorded, sizeof(recorded) - 1)

static void charon_answer(const struct vici_packet *packet)
{
    if (charon.is_silent) {
        return;
    }
    if (packet->type == VICI_EVENT_REGISTER) {
        charon.registered_count++;
        say("\5", 1);
        return;
    }
    ck_assert(vici_packet_is(packet, VICI_CMD_REQUEST, "list-sas"));
    charon.list_count++;
    if (charon.list_size != 0) {
        say(charon.list, charon.list_size);
    }
    say("\1", 1);
}

static void hang_up(void)
{
    if (charon.client >= 0) {
        ev_io_stop(loop, &charon.reading);
        close(charon.client);
        charon.client = -1;
    }
}

static void on_request(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev;
    (void)events;
    uint8_t octets[1024];
    struct vici_packet packet;
    ssize_t got = recv(io->fd, octets, sizeof octets, MSG_DONTWAIT);
    if (got <= 0) {
        hang_up();
        return;
    }
    ck_assert_uint_eq(load_be32(octets) + 4, got); /* one request at a time */
    ck_assert(vici_packet_parse((struct byte_view){octets + 4, (size_t)got - 4}, &packet));
    charon_answer(&packet);
}

static void on_client(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)events;
    hang_up();
    charon.client = accept(io->fd, NULL, NULL);
    ck_assert_int_ge(charon.client, 0);
    ev_io_init(&charon.reading, on_request, charon.client, EV_READ);
    ev_io_start(ev, &charon.reading);
}

static void charon_start(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", charon.path);
    unlink(charon.path);
    charon.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    charon.client = -1;
    ck_assert_int_eq(bind(charon.listener, (struct sockaddr *)&addr, sizeof addr), 0);
    ck_assert_int_eq(listen(charon.listener, 4), 0);
    ev_io_init(&charon.accepting, on_client, charon.listener, EV_READ);
    ev_io_start(loop, &charon.accepting);
}

/* As after SIGKILL: the socket file stays. */
static void charon_die(void)
{
    ev_io_stop(loop, &charon.accepting);
    close(charon.listener);
    hang_up();
}

static void set_list(const char *octets, size_t size)
{
    charon.list = octets;
    charon.list_size = size;
}
#define LIST(recorded) set_list(recorded, sizeof(recorded) - 1)

static void on_timeout(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(ev, EVBREAK_ALL);
}

static void run_for(double seconds)
{
    struct ev_timer timeout;
    ev_timer_init(&timeout, on_timeout, seconds, 0.);
    ev_now_update(loop);
    ev_timer_start(loop, &timeout);
    ev_run(loop, 0);
}

static void setup(void)
{
    memset(&charon, 0, sizeof charon);
    charon.client = -1;
    fact_count = 0;
    snprintf(charon.folder, sizeof charon.folder, "/tmp/vici-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(charon.folder));
    snprintf(charon.path, sizeof charon.path, "%s/vici", charon.folder);
    loop = ev_loop_new(EVFLAG_AUTO);
}

static void teardown(void)
{
    unlink(charon.path);
    rmdir(charon.folder);
    ev_loop_destroy(loop);
}

static struct vici_watch *watch_child(const char *child, const char *remote)
{
    struct evidence_hooks hooks = {NULL, keep_fact};
    struct config_tunnel tunnel = {.name = "t", .vici_socket = charon.path, .vici_child = child};
    if (remote != NULL) {
        ck_assert_int_eq(ip_parse(remote, &tunnel.remote_endpoint), STATUS_OK);
    }
    struct vici_watch *watch = vici_watch_new(loop, &hooks, 4, &tunnel);
    ck_assert_uint_eq(fact_count, 0); /* not from within */
    run_for(0.03);
    return watch;
}

static void check_fact(bool is_known, bool is_alive)
{
    ck_assert_uint_eq(fact.tunnel_number, 4);
    ck_assert_uint_eq(fact.source, LIVENESS_VICI);
    ck_assert_msg(fact.is_known == is_known && fact.is_alive == is_alive, "%s", fact.detail);
}

START_TEST(a_charon_never_reached_cannot_tell)
{
    struct vici_watch *watch = watch_child("all", NULL);
    check_fact(false, false);
    charon_start(); /* ... and is found when it comes */
    LIST(recorded_list_one);
    run_for(0.4);
    check_fact(true, true);
    ck_assert_uint_eq(charon.registered_count, 5);
    vici_watch_free(watch);
    charon_die();
}
END_TEST

START_TEST(the_list_decides_by_child_or_endpoint)
{
    static const struct {
        const char *child;
        const char *remote;
        bool is_alive;
    } rows[] = {{"all", NULL, true},
                {"other", NULL, false},
                {NULL, "192.0.2.2", true},
                {NULL, "192.0.2.3", false},
                {NULL, NULL, true}};
    charon_start();
    LIST(recorded_list_one);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fact_count = 0;
        struct vici_watch *watch = watch_child(rows[i].child, rows[i].remote);
        check_fact(true, rows[i].is_alive);
        vici_watch_free(watch);
    }
    charon_die();
}
END_TEST

START_TEST(events_count_at_once_and_rekeying_is_no_outage)
{
    charon_start();
    struct vici_watch *watch = watch_child("all", NULL);
    check_fact(true, false);
    SAY(recorded_ike_up);
    SAY(recorded_child_up);
    run_for(0.02);
    check_fact(true, true);
    uint32_t before = fact_count;
    LIST(recorded_list_rekeyed);
    SAY(recorded_child_rekey);
    run_for(0.3);
    LIST(recorded_list_ike_rekeyed);
    SAY(recorded_ike_rekey);
    run_for(0.3);
    ck_assert_uint_eq(fact_count, before);
    SAY(recorded_child_down);
    SAY(recorded_ike_down);
    run_for(0.02);
    check_fact(true, false);
    vici_watch_free(watch);
    charon_die();
}
END_TEST

START_TEST(the_ike_sa_takes_its_children_along)
{
    charon_start();
    LIST(recorded_list_ike_rekeyed);
    struct vici_watch *watch = watch_child("all", NULL);
    check_fact(true, true);
    SAY(recorded_ike_down);
    run_for(0.02);
    check_fact(true, false);
    vici_watch_free(watch);
    charon_die();
}
END_TEST

START_TEST(a_charon_that_dies_is_noticed_at_once_and_its_return_too)
{
    charon_start();
    LIST(recorded_list_one);
    struct vici_watch *watch = watch_child("all", NULL);
    check_fact(true, true);
    charon_die();
    run_for(0.02);
    check_fact(true, false);
    unlink(charon.path);
    run_for(0.2);
    check_fact(true, false);
    charon_start();
    run_for(1.0);
    check_fact(true, true);
    vici_watch_free(watch);
    charon_die();
}
END_TEST

START_TEST(what_speaks_no_vici_cannot_tell)
{
    static const char *const nonsense[] = {"\xff\xff\xff\xff", "\0\0\0\0", "\0\0\0\1\x55",
                                           "\0\0\0\2\7\xff", "\0\0\0\x0a\7\7list-sa\2"};
    static const size_t sizes[] = {4, 4, 5, 6, 14};
    charon.is_silent = true;
    charon_start();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fact_count = 0;
        struct vici_watch *watch = watch_child("all", NULL);
        ck_assert_int_eq(send(charon.client, nonsense[i], sizes[i], MSG_NOSIGNAL),
                         (ssize_t)sizes[i]);
        run_for(0.03);
        ck_assert_uint_ge(fact_count, 1);
        check_fact(false, false);
        vici_watch_free(watch);
        hang_up();
    }
    charon_die();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/vici_watch");
    TCase *tests = tcase_create("charon");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_charon_never_reached_cannot_tell);
    tcase_add_test(tests, the_list_decides_by_child_or_endpoint);
    tcase_add_test(tests, events_count_at_once_and_rekeying_is_no_outage);
    tcase_add_test(tests, the_ike_sa_takes_its_children_along);
    tcase_add_test(tests, a_charon_that_dies_is_noticed_at_once_and_its_return_too);
    tcase_add_test(tests, what_speaks_no_vici_cannot_tell);
    suite_add_tcase(suite, tests);
    return suite;
}
