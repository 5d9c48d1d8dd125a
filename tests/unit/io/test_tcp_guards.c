/* What the kernel itself keeps out: packets from too far away, unsigned connections, long segments.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "bgpd/io/tcp_options.h"
#include "bgpd/io/ttl_gate.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/io/tcp_ends.h"
#include "tests/unit/unit.h"

/* Longer than TCP_MD5SIG_MAXKEYLEN: no kernel takes it. */
static const char refused_key[] = "an-invented-key-that-is-longer-than-the-eighty-octets-which-the-"
                                  "kernel-takes-for-any-of-its-peers";

static struct ev_loop *loop;
static struct side server;
static int client = -1;

static struct ip_addr addr_of(const char *text)
{
    struct ip_addr addr;
    ck_assert_int_eq(ip_parse(text, &addr), STATUS_OK);
    return addr;
}

static struct prefix prefix_of(const char *text)
{
    struct prefix prefix;
    ck_assert_int_eq(prefix_parse(text, &prefix), STATUS_OK);
    return prefix;
}

static void begin(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    side_init(&server, loop);
}

static void end(void)
{
    if (client >= 0) {
        close(client);
        client = -1;
    }
    side_fini(&server);
    ev_loop_destroy(loop);
}

/* A stranger's plain socket: connects from one local address with a TTL of its choice. */
static void dial(const char *from, const char *to, uint8_t ttl)
{
    struct ip_addr local = addr_of(from);
    struct ip_addr remote = addr_of(to);
    struct sockaddr_storage addr;
    if (client >= 0) {
        close(client);
    }
    server.incoming = 0;
    client = socket(local.family == IP_V6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(client, 0);
    ck_assert(tcp_option_ttl(client, local.family, ttl, 0));
    socklen_t size = sockaddr_from_ip(&local, 0, 0, &addr);
    ck_assert_int_eq(bind(client, (struct sockaddr *)&addr, size), 0);
    size = sockaddr_from_ip(&remote, PORT, 0, &addr);
    ck_assert(connect(client, (struct sockaddr *)&addr, size) == 0 || errno == EINPROGRESS);
}

/* Turns the loop for a while; what the kernel drops does not come later either. */
static void spin_ms(int ms)
{
    for (int i = 0; i < ms; i++) {
        tcp_flush(server.tcp);
        ev_run(loop, EVRUN_NOWAIT);
        usleep(1000);
    }
}

static bool gets_in(const char *from, const char *to, uint8_t ttl)
{
    dial(from, to, ttl);
    for (int i = 0; i < 100 && server.incoming == 0; i++) {
        spin_ms(1);
    }
    return server.incoming != 0;
}

START_TEST(a_syn_from_too_far_away_is_nobodys_connection)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct prefix near = prefix_of("127.0.0.2/32");
    struct prefix far = prefix_of("127.0.0.3/32");
    tcp_peer_ttl(server.tcp, &near, 255);
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    tcp_peer_ttl(server.tcp, &far, 250); /* the listener is open already */
    ck_assert(!gets_in("127.0.0.2", "127.0.0.1", 254));
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 255));
    ck_assert(!gets_in("127.0.0.3", "127.0.0.1", 249));
    ck_assert(gets_in("127.0.0.3", "127.0.0.1", 250));
    ck_assert(gets_in("127.0.0.4", "127.0.0.1", 1)); /* guarded by nothing */
    tcp_peer_ttl(server.tcp, &near, 0);
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 1));
    ck_assert(!gets_in("127.0.0.3", "127.0.0.1", 249));
    tcp_peer_ttl(server.tcp, &far, 0);
    ck_assert(gets_in("127.0.0.3", "127.0.0.1", 1));
    end();
}
END_TEST

START_TEST(the_same_over_ipv6_where_a_host_stands_before_its_range)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct prefix range = prefix_of("::/64");
    struct prefix host = prefix_of("::1/128");
    tcp_listen(server.tcp, IP_V6, PORT, 0);
    tcp_peer_ttl(server.tcp, &range, 255);
    ck_assert(!gets_in("::1", "::1", 254));
    ck_assert(gets_in("::1", "::1", 255));
    tcp_peer_ttl(server.tcp, &host, 1);
    ck_assert(gets_in("::1", "::1", 1));
    tcp_peer_ttl(server.tcp, &host, 0);
    ck_assert(!gets_in("::1", "::1", 254));
    end();
}
END_TEST

START_TEST(what_an_accepted_session_gets_from_too_far_away_is_dropped)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 255));
    struct conn_setup_action setup = setup_to("127.0.0.2");
    setup.conn = server.incoming;
    tcp_accept(server.tcp, &setup);
    ck_assert(tcp_option_ttl(client, IP_V4, 254, 0));
    ck_assert_int_eq(send(client, "far", 3, 0), 3);
    spin_ms(150);
    ck_assert_uint_eq(server.received.size, 0);
    ck_assert(tcp_option_ttl(client, IP_V4, 255, 0));
    ck_assert_int_eq(send(client, "near", 4, 0), 4);
    for (int i = 0; i < 5000 && server.received.size != 7; i++) {
        spin_ms(1); /* until the kernel sends the dropped octets again */
    }
    ck_assert_uint_eq(server.received.size, 7);
    end();
}
END_TEST

START_TEST(more_gates_than_the_kernel_takes_leave_those_that_fit_in_force)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct ttl_gates gates = {NULL, 0};
    struct prefix host = prefix_of("127.0.0.2/32");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ttl_gates_put(&gates, &host, 255);
    ck_assert(ttl_gates_attach(&gates, fd, IP_V4));
    for (uint32_t i = 0; i < 1000; i++) {
        struct ip_addr addr = ip_from_v4(0x0a000000u + i);
        struct prefix other = prefix_host(&addr);
        ttl_gates_put(&gates, &other, 255);
    }
    ck_assert_uint_eq(gates.count, 1001);
    ck_assert(!ttl_gates_attach(&gates, fd, IP_V4));
    ck_assert_int_eq(errno, E2BIG);
    ck_assert(ttl_gates_attach(&gates, fd, IP_V6)); /* has none of them */
    ttl_gates_fini(&gates);
    close(fd);
    end();
}
END_TEST

static void check_only_the_other_neighbor_gets_in(void)
{
    ck_assert(!gets_in("127.0.0.2", "127.0.0.1", 64)); /* accepted by the kernel, closed by us */
    char octet;
    spin_ms(20);
    ck_assert_int_eq(recv(client, &octet, 1, 0), 0);
    ck_assert(gets_in("127.0.0.3", "127.0.0.1", 64));
}

START_TEST(a_neighbor_whose_key_the_kernel_refuses_gets_in_neither_with_nor_without_it)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct prefix peer = prefix_of("127.0.0.2/32");
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    side_key(&server, &peer, refused_key); /* on a listener that is open */
    check_only_the_other_neighbor_gets_in();
    tcp_listen(server.tcp, IP_V4, 0, 0);
    tcp_listen(server.tcp, IP_V4, PORT, 0); /* and before it opens: the others do not suffer */
    ck_assert_str_eq(server.listen_error, "");
    check_only_the_other_neighbor_gets_in();
    side_key(&server, &peer, "short-enough");
    ck_assert(!gets_in("127.0.0.2", "127.0.0.1", 64));
    side_key(&server, &peer, NULL);
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 64));
    end();
}
END_TEST

START_TEST(a_key_refused_for_a_host_is_not_replaced_by_that_of_its_range)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct prefix range = prefix_of("127.0.0.0/8");
    struct prefix host = prefix_of("127.0.0.2/32");
    side_key(&server, &host, refused_key);
    side_key(&server, &range, "range-key");
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    dial("127.0.0.2", "127.0.0.1", 64);
    struct prefix to = prefix_of("127.0.0.1/32");
    close(client);
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert(tcp_option_md5(client, &to, "range-key"));
    struct ip_addr local = addr_of("127.0.0.2");
    struct ip_addr remote = addr_of("127.0.0.1");
    struct sockaddr_storage addr;
    socklen_t size = sockaddr_from_ip(&local, 0, 0, &addr);
    ck_assert_int_eq(bind(client, (struct sockaddr *)&addr, size), 0);
    size = sockaddr_from_ip(&remote, PORT, 0, &addr);
    (void)connect(client, (struct sockaddr *)&addr, size);
    spin_ms(50);
    ck_assert_uint_eq(server.incoming, 0);
    end();
}
END_TEST

static int maxseg_of(int fd)
{
    int mss = 0;
    socklen_t size = sizeof mss;
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size), 0);
    return mss;
}

START_TEST(segments_are_as_short_as_configured_whoever_connects)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    struct side other;
    side_init(&other, loop);
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    struct conn_setup_action setup = setup_to("127.0.0.1");
    setup.tcp_mss = 700;
    tcp_connect(other.tcp, &setup);
    RUN_UNTIL(&other, &server, other.opened == 1);
    ck_assert_uint_le(other.opened_mss, 700);
    ck_assert_uint_gt(other.opened_mss, 600);
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 64));
    ck_assert_int_gt(maxseg_of(client), 1000);
    tcp_listen(server.tcp, IP_V4, PORT, 700); /* the same socket, from now on */
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 64));
    ck_assert_int_le(maxseg_of(client), 700);
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    ck_assert(gets_in("127.0.0.2", "127.0.0.1", 64));
    ck_assert_int_gt(maxseg_of(client), 1000);
    side_fini(&other);
    end();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("tcp_guards");
    TCase *tcase = tcase_create("loopback");
    tcase_set_timeout(tcase, 30);
    quiet_log = log_sink_new();
    tcase_add_test(tcase, a_syn_from_too_far_away_is_nobodys_connection);
    tcase_add_test(tcase, the_same_over_ipv6_where_a_host_stands_before_its_range);
    tcase_add_test(tcase, what_an_accepted_session_gets_from_too_far_away_is_dropped);
    tcase_add_test(tcase, more_gates_than_the_kernel_takes_leave_those_that_fit_in_force);
    tcase_add_test(tcase,
                   a_neighbor_whose_key_the_kernel_refuses_gets_in_neither_with_nor_without_it);
    tcase_add_test(tcase, a_key_refused_for_a_host_is_not_replaced_by_that_of_its_range);
    tcase_add_test(tcase, segments_are_as_short_as_configured_whoever_connects);
    suite_add_tcase(suite, tcase);
    return suite;
}
