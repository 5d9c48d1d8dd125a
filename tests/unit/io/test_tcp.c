/* BGP's TCP side over loopback: both directions, room, back pressure, close, keys and refusals. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/io/namespace.h"
#include "tests/unit/io/tcp_ends.h"
#include "tests/unit/unit.h"

static void exchange(const char *address, const char *key)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    connect_pair(&client, &server, address, key);
    tcp_send(client.tcp, 1, (struct byte_view){(const uint8_t *)"hello", 5});
    RUN_UNTIL(&client, &server, server.received.size == 5);
    tcp_send(server.tcp, server.incoming, (struct byte_view){(const uint8_t *)"bye", 3});
    tcp_close(server.tcp, server.incoming);
    RUN_UNTIL(&client, &server, client.is_closed);
    ck_assert_uint_eq(client.received.size, 3); /* the last words arrived before the end */
    RUN_UNTIL(&client, &server, !tcp_is_closing(server.tcp));
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}

START_TEST(octets_travel_both_ways_over_ipv4_and_ipv6)
{
    if (namespace_enter()) {
        exchange("127.0.0.1", NULL);
        exchange("::1", NULL);
    }
}
END_TEST

START_TEST(a_keyed_session_works_and_a_wrong_key_never_opens)
{
    if (!namespace_enter()) {
        return;
    }
    exchange("127.0.0.1", "invented-key-1");
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    struct conn_setup_action setup = setup_to("127.0.0.1");
    struct prefix peer = prefix_host(&setup.remote_addr);
    side_key(&server, &peer, "invented-key-1");
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    setup.md5_key = "invented-key-2";
    setup.timeout = mono_span_ms(300);
    tcp_connect(client.tcp, &setup);
    RUN_UNTIL(&client, &server, client.is_failed);
    ck_assert_int_eq(client.failed_error, ETIMEDOUT);
    ck_assert_uint_eq(server.incoming, 0);
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}
END_TEST

START_TEST(an_unsigned_connection_says_nothing_to_a_keyed_session)
{
    if (!namespace_enter()) {
        return;
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    tcp_listen(server.tcp, IP_V4, PORT, 0); /* without the key: as if the kernel had refused it */
    struct conn_setup_action setup = setup_to("127.0.0.1");
    tcp_connect(client.tcp, &setup);
    RUN_UNTIL(&client, &server, client.opened == 1 && server.incoming != 0);
    setup.conn = server.incoming;
    setup.md5_key = "invented-key-1";
    tcp_accept(server.tcp, &setup);
    tcp_send(client.tcp, 1, (struct byte_view){(const uint8_t *)"hello", 5});
    for (int i = 0; i < 100; i++) {
        tcp_flush(client.tcp);
        ev_run(loop, EVRUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_uint_eq(server.received.size, 0);
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}
END_TEST

START_TEST(reading_stops_while_the_core_has_no_room)
{
    if (!namespace_enter()) {
        return;
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    connect_pair(&client, &server, "127.0.0.1", NULL);
    server.receive_room = 0;
    static uint8_t block[100000];
    tcp_send(client.tcp, 1, (struct byte_view){block, sizeof block});
    for (int i = 0; i < 50; i++) {
        tcp_flush(client.tcp);
        ev_run(loop, EVRUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_uint_eq(server.received.size, 0);
    server.receive_room = 10;
    tcp_resume_reading(server.tcp);
    RUN_UNTIL(&client, &server, server.received.size >= 10);
    server.receive_room = 1 << 20;
    tcp_resume_reading(server.tcp);
    RUN_UNTIL(&client, &server, server.received.size == sizeof block);
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}
END_TEST

START_TEST(refused_connects_and_occupied_ports_are_said)
{
    if (!namespace_enter()) {
        return;
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    struct conn_setup_action setup = setup_to("127.0.0.1");
    setup.ttl_min = 0; /* a refusal comes with the kernel's default TTL */
    tcp_connect(client.tcp, &setup);
    RUN_UNTIL(&client, &server, client.is_failed);
    ck_assert_int_eq(client.failed_error, ECONNREFUSED);
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    tcp_listen(client.tcp, IP_V4, PORT, 0);
    ck_assert_ptr_nonnull(strstr(client.listen_error, "another BGP daemon"));
    memcpy(setup.bind_interface, "nosuchif0", 10);
    client.is_failed = false;
    tcp_connect(client.tcp, &setup);
    ck_assert(client.is_failed);
    ck_assert_int_eq(client.failed_error, ENODEV);
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}
END_TEST

START_TEST(incoming_interface_is_known)
{
    if (!namespace_enter()) {
        return;
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct side client, server;
    side_init(&client, loop);
    side_init(&server, loop);
    connect_pair(&client, &server, "127.0.0.1", NULL);
    ck_assert_uint_eq(server.incoming_ifindex, if_nametoindex("lo"));
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("tcp");
    TCase *tcase = tcase_create("loopback");
    tcase_set_timeout(tcase, 30);
    quiet_log = log_sink_new();
    tcase_add_test(tcase, octets_travel_both_ways_over_ipv4_and_ipv6);
    tcase_add_test(tcase, a_keyed_session_works_and_a_wrong_key_never_opens);
    tcase_add_test(tcase, an_unsigned_connection_says_nothing_to_a_keyed_session);
    tcase_add_test(tcase, reading_stops_while_the_core_has_no_room);
    tcase_add_test(tcase, refused_connects_and_occupied_ports_are_said);
    tcase_add_test(tcase, incoming_interface_is_known);
    suite_add_tcase(suite, tcase);
    return suite;
}
