/* How sessions follow the configuration: what is reset, what is not, and how sessions run. */
#include <errno.h>

#include "tests/unit/core/session_rig.h"
#include "tests/unit/unit.h"

#define PEER           "10.0.0.2"
#define PEER_ASN       65002u
#define CEASE(subcode) (NOTIFICATION_CEASE << 8 | (subcode))

static struct config *config_with(void (*edit)(struct config *, struct config_neighbor *))
{
    struct config *config = rig_config();
    struct config_neighbor *neighbor = rig_neighbor(config, PEER, PEER_ASN);
    if (edit != NULL) {
        edit(config, neighbor);
    }
    return config;
}

static struct rig *rig_established(struct rig_conn **conn_out)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(NULL));
    *conn_out = rig_establish(rig, PEER, PEER_ASN);
    rig_count(*conn_out, MESSAGE_OPEN);
    return rig;
}

/* ---- Edits ---- */

static void edit_remote_as(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->remote_asn = 65003;
}

static void edit_external(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->remote_as_kind = REMOTE_AS_EXTERNAL;
}

static void edit_local_as(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->local_asn = (struct opt_u32){true, 64999};
}

static void edit_own_as(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    config->bgp.asn = 64998;
}

static void edit_router_id(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    config->bgp.router_id.value = 0x0a0000fe;
}

static void edit_password(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->password = "invented";
}

static void edit_multihop(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->ebgp_multihop = (struct opt_u32){true, 5};
}

static void edit_ttl_security(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->ttl_security_hops = (struct opt_u32){true, 1};
}

static void edit_source(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->update_source = rig_addr("10.0.0.1");
}

static void edit_port(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->port = (struct opt_u32){true, 1179};
}

static void edit_mss(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->tcp_mss = (struct opt_u32){true, 1000};
}

static void edit_family(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->families[AFI_SAFI_IPV6_UNICAST].activate = (struct opt_bool){true, true};
}

static void edit_add_path(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->families[0].add_path_receive = (struct opt_bool){true, true};
}

static void edit_restart(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    config->bgp.graceful_restart = (struct opt_bool){true, true};
}

static void edit_extended(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->extended_message = (struct opt_bool){true, false};
}

static void edit_role(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->role = (struct opt_u32){true, BGP_ROLE_CUSTOMER};
}

START_TEST(changes_that_need_it_reset_the_session_with_6_6)
{
    static void (*const edits[])(struct config *, struct config_neighbor *) = {
        edit_remote_as, edit_external, edit_local_as, edit_own_as,
        edit_router_id, edit_password, edit_multihop, edit_ttl_security,
        edit_source,    edit_port,     edit_mss,      edit_family,
        edit_add_path,  edit_extended, edit_role,     edit_restart,
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct rig_conn *conn;
        struct rig *rig = rig_established(&conn);
        rig_configure(rig, config_with(edits[i]));
        ck_assert_msg(conn->is_closed, "edit %zu", i);
        ck_assert_msg(rig_notification(conn) == CEASE(CEASE_CONFIG_CHANGE), "edit %zu", i);
        ck_assert_msg(rig_ours(rig) != NULL, "edit %zu: a new attempt at once", i);
        rig_free(rig);
    }
}
END_TEST

/* ---- What must not reset ---- */

static void write_defaults_out(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->keepalive_s = (struct opt_u32){true, 60};
    neighbor->hold_time_s = (struct opt_u32){true, 180};
    neighbor->connect_retry_s = (struct opt_u32){true, 10};
    neighbor->port = (struct opt_u32){true, 179};
    neighbor->shutdown = (struct opt_bool){true, false};
    neighbor->passive = (struct opt_bool){true, false};
    neighbor->extended_message = (struct opt_bool){true, true};
    neighbor->tcp_mss = (struct opt_u32){true, 0};
    neighbor->families[0].activate = (struct opt_bool){true, true};
    neighbor->families[1].activate = (struct opt_bool){true, false};
    neighbor->families[0].allow_own_as = (struct opt_u32){true, 0};
}

static void edit_timers(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->hold_time_s = (struct opt_u32){true, 30};
    neighbor->keepalive_s = (struct opt_u32){true, 10};
}

static void edit_policy(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->families[0].route_map_in = "missing";
    neighbor->families[0].weight = (struct opt_u32){true, 7};
}

static void edit_description(struct config *config, struct config_neighbor *neighbor)
{
    config->hostname = "other";
    neighbor->description = "the one in the cellar";
}

static void edit_into_group(struct config *config, struct config_neighbor *neighbor)
{
    struct config_neighbor *group = rig_group(config, "G");
    group->remote_as_kind = REMOTE_AS_NUMBER;
    group->remote_asn = PEER_ASN;
    neighbor->peer_group = "G";
    neighbor->remote_as_kind = REMOTE_AS_UNSET;
}

static void edit_another_neighbor(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    rig_neighbor(config, "10.0.0.3", 65003);
}

static void edit_listen(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    config->bgp.default_local_pref = (struct opt_u32){true, 200};
}

START_TEST(changes_that_do_not_need_it_reset_nothing)
{
    static void (*const edits[])(struct config *, struct config_neighbor *) = {
        NULL,
        write_defaults_out,
        edit_timers,
        edit_policy,
        edit_description,
        edit_into_group,
        edit_another_neighbor,
        edit_listen,
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct rig_conn *conn;
        struct rig *rig = rig_established(&conn);
        rig_configure(rig, config_with(edits[i]));
        ck_assert_msg(!conn->is_closed, "edit %zu", i);
        ck_assert_msg(rig_state(rig, PEER) == PEER_ESTABLISHED, "edit %zu", i);
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_key_change_restarts_only_its_own_session)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002)->password = "first";
    rig_neighbor(config, "10.0.0.3", 65003);
    rig_configure(rig, config);
    ck_assert_str_eq(rig->last_key, "first");
    ck_assert(!rig->key_came_after_listen);
    struct rig_conn *changed = rig_establish(rig, "10.0.0.2", 65002);
    struct rig_conn *other = rig_establish(rig, "10.0.0.3", 65003);
    ck_assert_str_eq(changed->md5_key, "first");
    ck_assert_str_eq(other->md5_key, "");
    config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002)->password = "second";
    rig_neighbor(config, "10.0.0.3", 65003);
    rig_configure(rig, config);
    ck_assert(changed->is_closed && !other->is_closed);
    ck_assert_str_eq(rig->last_key, "second");
    ck_assert_int_eq(rig->key_count, 2);
    ck_assert_str_eq(rig_ours(rig)->md5_key, "second");
    for (int i = 0; i < rig->log_count; i++) {
        ck_assert_ptr_null(strstr(rig->logs[i].text, "first"));
        ck_assert_ptr_null(strstr(rig->logs[i].text, "second"));
    }
    rig_free(rig);
}
END_TEST

START_TEST(the_key_goes_with_an_incoming_connection_and_leaves_with_the_neighbor)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->password = "invented";
    rig_configure(rig, config);
    ck_assert_str_eq(rig_incoming(rig, PEER)->md5_key, "invented");
    rig_configure(rig, rig_config());
    ck_assert_int_eq(rig->key_count, 2);
    ck_assert_str_eq(rig->last_key, "");
    ck_assert_uint_eq(rig->last_key_peer.len_bits, 32);
    rig_free(rig);
}
END_TEST

/* 10.0.0.2 with the keys of a chain, 10.0.0.3 without; the second key has this secret. */
static struct config *config_with_ao(const char *secret, bool includes_options)
{
    struct config *config = rig_config();
    struct config_key_chain *chain = arena_alloc(&config->arena, sizeof *chain);
    *chain = (struct config_key_chain){.name = "KC", .key_count = 2};
    chain->keys[0] = (struct config_tcp_key){1, 1, 1, TCP_AO_HMAC_SHA1, "invented-one"};
    chain->keys[1] = (struct config_tcp_key){2, 12, 22, TCP_AO_AES_128_CMAC, ""};
    snprintf(chain->keys[1].secret, sizeof chain->keys[1].secret, "%s", secret);
    config->key_chains = chain;
    config->key_chain_count = 1;
    struct config_neighbor *neighbor = rig_neighbor(config, "10.0.0.2", 65002);
    neighbor->ao_key_chain = "KC";
    neighbor->ao_include_options = (struct opt_bool){true, includes_options};
    rig_neighbor(config, "10.0.0.3", 65003);
    return config;
}

START_TEST(the_keys_of_tcp_ao_go_with_connections_both_ways)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_ao("two", true));
    ck_assert(!rig->key_came_after_listen);
    ck_assert_uint_eq(rig->last_ao.key_count, 2);
    ck_assert_str_eq(rig->last_ao.keys[1].secret, "two");
    struct rig_conn *theirs = rig_incoming(rig, "10.0.0.2");
    ck_assert_uint_eq(theirs->ao.key_count, 2);
    ck_assert_uint_eq(theirs->ao.keys[1].recv_id, 22);
    ck_assert(theirs->setup.ao_includes_options);
    ck_assert_uint_eq(rig_incoming(rig, "10.0.0.3")->ao.key_count, 0);
    rig_configure(rig, rig_config());
    ck_assert_uint_eq(rig->last_ao.key_count, 0);
    ck_assert_int_eq(rig->key_count, 2);
    rig_free(rig);
}
END_TEST

START_TEST(a_change_of_a_key_chain_restarts_its_own_sessions_only)
{
    static const struct {
        const char *secret;
        bool includes_options, restarts;
    } rows[] = {{"two", true, false}, {"other", true, true}, {"two", false, true}};
    for (int i = 0; i < 3; i++) {
        struct rig *rig = rig_new();
        rig_configure(rig, config_with_ao("two", true));
        struct rig_conn *keyed = rig_establish(rig, "10.0.0.2", 65002);
        struct rig_conn *other = rig_establish(rig, "10.0.0.3", 65003);
        rig_configure(rig, config_with_ao(rows[i].secret, rows[i].includes_options));
        ck_assert_int_eq(keyed->is_closed, rows[i].restarts);
        ck_assert(!other->is_closed);
        ck_assert_int_eq(rig->key_count, rows[i].restarts ? 2 : 1);
        for (int line = 0; line < rig->log_count; line++) {
            ck_assert_ptr_null(strstr(rig->logs[line].text, "invented-one"));
        }
        rig_free(rig);
    }
}
END_TEST

START_TEST(a_kernel_without_tcp_ao_is_said)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with_ao("two", false));
    for (int i = 0; i < rig->conn_count; i++) {
        if (rig->conns[i].ao.key_count != 0) {
            rig_failed(rig, &rig->conns[i], ENOPROTOOPT);
            break;
        }
    }
    ck_assert_ptr_nonnull(strstr(rig_peer(rig, "10.0.0.2").why_not, "this kernel has no TCP-AO"));
    ck_assert_ptr_null(strstr(rig_peer(rig, "10.0.0.3").why_not, "TCP-AO"));
    rig_free(rig);
}
END_TEST

/* ---- Coming and going ---- */

START_TEST(a_removed_neighbor_hears_6_3)
{
    struct rig_conn *conn;
    struct rig *rig = rig_established(&conn);
    rig_configure(rig, rig_config());
    ck_assert(conn->is_closed);
    ck_assert_int_eq(rig_notification(conn), CEASE(CEASE_DECONFIGURED));
    ck_assert_uint_eq(snapshot_peer_count(rig->core), 0);
    ck_assert_int_eq(rig->listening[0], 0);
    rig_free(rig);
}
END_TEST

static void edit_shutdown(struct config *config, struct config_neighbor *neighbor)
{
    (void)config;
    neighbor->shutdown = (struct opt_bool){true, true};
    neighbor->shutdown_message = "maintenance until noon";
}

START_TEST(shutdown_says_6_2_with_its_message_and_can_be_taken_back)
{
    struct rig_conn *conn;
    struct rig *rig = rig_established(&conn);
    rig_configure(rig, config_with(edit_shutdown));
    uint8_t body[4096];
    size_t size;
    enum message_type type;
    do {
        ck_assert(rig_next(conn, &type, body, &size));
    } while (type != MESSAGE_NOTIFICATION);
    struct notification notification = {body[0], body[1], {body + 2, size - 2}};
    char text[256];
    shutdown_message_read(&notification, text);
    ck_assert_int_eq(body[0] << 8 | body[1], CEASE(CEASE_ADMIN_SHUTDOWN));
    ck_assert_str_eq(text, "maintenance until noon");
    ck_assert(rig_peer(rig, PEER).is_admin_down);
    rig_wait_ms(rig, 120000);
    ck_assert_ptr_null(rig_ours(rig));
    rig_configure(rig, config_with(NULL));
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_establish(rig, PEER, PEER_ASN);
    rig_free(rig);
}
END_TEST

START_TEST(clear_says_6_4_and_touches_whom_it_names)
{
    struct rig *rig = rig_new();
    struct config *config = rig_config();
    rig_neighbor(config, "10.0.0.2", 65002);
    rig_neighbor(config, "10.0.0.3", 65003);
    rig_configure(rig, config);
    struct rig_conn *named = rig_establish(rig, "10.0.0.2", 65002);
    struct rig_conn *other = rig_establish(rig, "10.0.0.3", 65003);
    struct ip_addr addr = rig_addr("10.0.0.2");
    ck_assert_uint_eq(core_clear(rig->core, rig->now, &addr, 0, CLEAR_HARD, "hello"), 1);
    rig_settle(rig);
    ck_assert(named->is_closed && !other->is_closed);
    ck_assert_int_eq(rig_notification(named), CEASE(CEASE_ADMIN_RESET));
    ck_assert_uint_eq(core_clear(rig->core, rig->now, &addr, 0, CLEAR_SOFT_BOTH, NULL), 0);
    addr = rig_addr("10.0.0.9");
    ck_assert_uint_eq(core_clear(rig->core, rig->now, &addr, 0, CLEAR_HARD, NULL), 0);
    addr = (struct ip_addr){.family = IP_NONE};
    ck_assert_uint_eq(core_clear(rig->core, rig->now, &addr, 0, CLEAR_SOFT_BOTH, NULL), 1);
    ck_assert(!other->is_closed);
    rig_free(rig);
}
END_TEST

START_TEST(stop_says_6_2_to_everyone_closes_listeners_and_ends)
{
    struct rig_conn *conn;
    struct rig *rig = rig_established(&conn);
    struct core_event event = {.kind = EVENT_STOP};
    core_feed(rig->core, rig->now, &event);
    struct core_action action;
    while (core_take_action(rig->core, &action)) {
        ck_assert(!rig->is_stopped); /* nothing follows ACTION_STOPPED */
        rig_take(rig, &action);
    }
    ck_assert(rig->is_stopped);
    ck_assert_int_eq(rig_notification(conn), CEASE(CEASE_ADMIN_SHUTDOWN));
    ck_assert_int_eq(rig->listening[0], 0);
    ck_assert(mono_is_never(core_deadline(rig->core)));
    rig_say_keepalive(rig, conn); /* what still comes is ignored */
    struct core_event late = {.kind = EVENT_CONFIG, .config = config_new()};
    rig_feed(rig, &late);
    rig_free(rig);
}
END_TEST

START_TEST(a_configuration_that_cannot_be_used_changes_nothing)
{
    struct rig_conn *conn;
    struct rig *rig = rig_established(&conn);
    struct config *config = rig_config();
    rig_neighbor(config, PEER, PEER_ASN)->peer_group = "nowhere";
    rig_configure(rig, config);
    ck_assert(!conn->is_closed);
    ck_assert(rig_logged(rig, LOG_CONFIG, "there is no peer-group nowhere"));
    ck_assert(rig_logged(rig, LOG_CONFIG, "stays in force"));
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    rig_free(rig);
}
END_TEST

/* ---- Router id ---- */

static void edit_no_router_id(struct config *config, struct config_neighbor *neighbor)
{
    (void)neighbor;
    config->bgp.router_id.is_set = false;
}

static uint32_t shown_router_id(struct rig *rig)
{
    struct snapshot_global global;
    snapshot_global(rig->core, &global);
    return global.router_id;
}

START_TEST(router_id_is_chosen_once_from_our_addresses)
{
    struct rig *rig = rig_new();
    rig_addr_add(rig, 2, "10.0.0.9", 24);
    rig_configure(rig, config_with(edit_no_router_id));
    ck_assert_uint_eq(shown_router_id(rig), 0x0a000009);
    struct rig_conn *conn = rig_establish(rig, PEER, PEER_ASN);
    rig_addr_add(rig, 2, "10.0.0.200", 24);
    rig_configure(rig, config_with(edit_no_router_id));
    ck_assert_uint_eq(shown_router_id(rig), 0x0a000009);
    ck_assert(!conn->is_closed);
    rig_free(rig);
}
END_TEST

START_TEST(a_loopback_address_is_the_better_router_id)
{
    struct rig *rig = rig_new();
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = 1;
    event.link.is_up = true;
    event.link.is_loopback = true;
    snprintf(event.link.name, sizeof event.link.name, "lo");
    rig_feed(rig, &event);
    rig_addr_add(rig, 1, "127.0.0.1", 8);
    rig_addr_add(rig, 1, "1.1.1.1", 32);
    rig_configure(rig, config_with(edit_no_router_id));
    ck_assert_uint_eq(shown_router_id(rig), 0x01010101);
    rig_free(rig);
}
END_TEST

START_TEST(without_a_router_id_sessions_wait_for_one)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->core = core_new(NULL, 1);
    rig->now = (struct mono_time){1000000000};
    rig->next_incoming = CONN_ID_INCOMING_FIRST;
    rig_configure(rig, config_with(edit_no_router_id));
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    rig_feed(rig, &event);
    rig_link(rig, 2, "eth0", true);
    rig_dump_end(rig);
    ck_assert(strstr(rig_peer(rig, PEER).why_not, "router id") != NULL);
    rig_addr_add(rig, 2, "10.0.0.1", 24);
    ck_assert_uint_eq(shown_router_id(rig), 0x0a000001);
    ck_assert_ptr_nonnull(rig_ours(rig));
    rig_free(rig);
}
END_TEST

/* ---- RFC 7705 ---- */

static void edit_dual_as(struct config *config, struct config_neighbor *neighbor)
{
    edit_local_as(config, neighbor);
    neighbor->local_as_no_prepend = true;
    neighbor->local_as_replace = true;
    neighbor->local_as_dual = true;
}

static void edit_dual_as_internal(struct config *config, struct config_neighbor *neighbor)
{
    edit_dual_as(config, neighbor);
    neighbor->remote_as_kind = REMOTE_AS_INTERNAL;
}

/* The AS number in the OPEN of the next attempt, which is left open. */
static uint32_t next_open_asn(struct rig *rig)
{
    for (int i = 0; i < 90 && rig_ours(rig) == NULL; i++) {
        rig_wait_ms(rig, 1000);
    }
    struct rig_conn *conn = rig_ours(rig);
    ck_assert_ptr_nonnull(conn);
    rig_opened(rig, conn);
    enum message_type type;
    uint8_t body[4096];
    size_t size;
    struct open_message open;
    ck_assert(rig_next(conn, &type, body, &size));
    ck_assert_int_eq(type, MESSAGE_OPEN);
    ck_assert_int_eq(open_decode((struct byte_view){body, size}, &open).disposition, WIRE_ACCEPT);
    return open.asn;
}

static void refuse_as(struct rig *rig)
{
    struct rig_conn *conn = rig_ours(rig);
    rig_say_notification(rig, conn, NOTIFICATION_OPEN, 2);
    if (!conn->is_closed) {
        rig_closed(rig, conn);
    }
}

static void accept_as(struct rig *rig, uint32_t asn)
{
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(asn, 0x0a000002);
    rig_say_open(rig, conn, &open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
}

START_TEST(dual_as_tries_the_other_number_when_one_is_refused)
{
    struct rig *rig = rig_new();
    struct config *config = config_with(edit_dual_as);
    uint32_t own_asn = config->bgp.asn;
    rig_configure(rig, config);
    ck_assert_uint_eq(next_open_asn(rig), 64999);
    refuse_as(rig);
    ck_assert_uint_eq(next_open_asn(rig), own_asn);
    refuse_as(rig);
    ck_assert_uint_eq(next_open_asn(rig), 64999);
    refuse_as(rig);
    ck_assert_uint_eq(next_open_asn(rig), own_asn);
    accept_as(rig, PEER_ASN);
    /* The same configuration again leaves the number and the session alone. */
    rig_configure(rig, config_with(edit_dual_as));
    ck_assert_int_eq(rig_state(rig, PEER), PEER_ESTABLISHED);
    ck_assert_uint_eq(rig_peer(rig, PEER).local_asn, own_asn);
    rig_free(rig);
}
END_TEST

START_TEST(without_dual_as_the_number_stays)
{
    struct rig *rig = rig_new();
    rig_configure(rig, config_with(edit_local_as));
    ck_assert_uint_eq(next_open_asn(rig), 64999);
    refuse_as(rig);
    ck_assert_uint_eq(next_open_asn(rig), 64999);
    rig_free(rig);
}
END_TEST

/* RFC 7705 4: an internal neighbour that has come to the new number already says it in its OPEN. */
START_TEST(an_internal_alias_meets_the_neighbor_in_either_as)
{
    struct rig *rig = rig_new();
    struct config *config = config_with(edit_dual_as_internal);
    uint32_t own_asn = config->bgp.asn;
    rig_configure(rig, config);
    ck_assert_uint_eq(next_open_asn(rig), 64999);
    struct rig_conn *conn = rig_ours(rig);
    struct open_message open = rig_open(own_asn, 0x0a000002);
    rig_say_open(rig, conn, &open);
    ck_assert_int_eq(rig_notification(conn), NOTIFICATION_OPEN << 8 | 2);
    if (!conn->is_closed) {
        rig_closed(rig, conn);
    }
    ck_assert_uint_eq(next_open_asn(rig), own_asn);
    accept_as(rig, own_asn);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("session_config");
    TCase *tcase = tcase_create("session_config");
    tcase_add_test(tcase, changes_that_need_it_reset_the_session_with_6_6);
    tcase_add_test(tcase, changes_that_do_not_need_it_reset_nothing);
    tcase_add_test(tcase, a_key_change_restarts_only_its_own_session);
    tcase_add_test(tcase, the_key_goes_with_an_incoming_connection_and_leaves_with_the_neighbor);
    tcase_add_test(tcase, the_keys_of_tcp_ao_go_with_connections_both_ways);
    tcase_add_test(tcase, a_change_of_a_key_chain_restarts_its_own_sessions_only);
    tcase_add_test(tcase, a_kernel_without_tcp_ao_is_said);
    tcase_add_test(tcase, a_removed_neighbor_hears_6_3);
    tcase_add_test(tcase, shutdown_says_6_2_with_its_message_and_can_be_taken_back);
    tcase_add_test(tcase, clear_says_6_4_and_touches_whom_it_names);
    tcase_add_test(tcase, stop_says_6_2_to_everyone_closes_listeners_and_ends);
    tcase_add_test(tcase, a_configuration_that_cannot_be_used_changes_nothing);
    tcase_add_test(tcase, router_id_is_chosen_once_from_our_addresses);
    tcase_add_test(tcase, a_loopback_address_is_the_better_router_id);
    tcase_add_test(tcase, without_a_router_id_sessions_wait_for_one);
    tcase_add_test(tcase, dual_as_tries_the_other_number_when_one_is_refused);
    tcase_add_test(tcase, without_dual_as_the_number_stays);
    tcase_add_test(tcase, an_internal_alias_meets_the_neighbor_in_either_as);
    suite_add_tcase(suite, tcase);
    return suite;
}
