/* TCP-AO where the kernel has it; where not, that sessions which want it stay closed. */
#include <errno.h>
#include <string.h>

#include "bgpd/io/tcp_ao.h"
#include "tests/unit/io/namespace.h"
#include "tests/unit/io/tcp_ends.h"
#include "tests/unit/unit.h"

static const struct config_key_chain chain = {
    .key_count = 2,
    .keys = {{1, 1, 1, TCP_AO_HMAC_SHA1, "invented-one"},
             {2, 12, 12, TCP_AO_AES_128_CMAC, "invented-two"}}};

static struct ev_loop *loop;
static struct side client, server;

static void begin(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    side_init(&client, loop);
    side_init(&server, loop);
}

static void end(void)
{
    side_fini(&client);
    side_fini(&server);
    ev_loop_destroy(loop);
}

/* The client's connection with keys of its own, to a listener that wants those of the chain. */
static void dial(const struct config_key_chain *keys)
{
    struct conn_setup_action setup = setup_to("127.0.0.1");
    struct prefix peer = prefix_host(&setup.remote_addr);
    struct tcp_key_setup listener_key = {.ao = &chain, .ao_includes_options = true};
    tcp_peer_key(server.tcp, &peer, &listener_key);
    tcp_listen(server.tcp, IP_V4, PORT, 0);
    ck_assert_str_eq(server.listen_error, "");
    setup.ao = keys;
    setup.ao_includes_options = true;
    setup.timeout = mono_span_ms(300);
    tcp_connect(client.tcp, &setup);
}

START_TEST(sessions_that_want_tcp_ao_have_it_or_are_none)
{
    if (!namespace_enter()) {
        return;
    }
    begin();
    dial(&chain);
    if (tcp_ao_is_available()) {
        RUN_UNTIL(&client, &server, client.opened == 1 && server.incoming != 0);
    } else {
        ck_assert(client.is_failed);
        ck_assert_int_eq(client.failed_error, ENOPROTOOPT);
    }
    end();
}
END_TEST

START_TEST(a_connection_without_the_keys_is_nobodys)
{
    static const struct config_key_chain wrong = {.key_count = 1,
                                                  .keys = {{1, 1, 1, TCP_AO_HMAC_SHA1, "another"}}};
    if (!namespace_enter()) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        begin();
        dial(i == 0 ? NULL : &wrong);
        for (int spin = 0; spin < 100; spin++) {
            tcp_flush(client.tcp);
            ev_run(loop, EVRUN_NOWAIT);
            usleep(1000);
        }
        ck_assert_uint_eq(server.incoming, 0);
        end();
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("tcp_ao");
    TCase *tcase = tcase_create("loopback");
    quiet_log = log_sink_new();
    tcase_add_test(tcase, sessions_that_want_tcp_ao_have_it_or_are_none);
    tcase_add_test(tcase, a_connection_without_the_keys_is_nobodys);
    suite_add_tcase(suite, tcase);
    return suite;
}
