/* Sessions of peers that speak graceful restart, for tests on top of session_rig.h. */
#ifndef TESTS_UNIT_CORE_RESTART_RIG_H
#define TESTS_UNIT_CORE_RESTART_RIG_H

#include <errno.h>

#include "tests/unit/core/session_rig.h"

#define PEER      "10.0.0.2"
#define OTHER     "10.0.0.3"
#define PEER_ASN  65002u
#define OTHER_ASN 65003u
#define NET       "192.0.2.0/24"
#define V4        AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define V6        AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)

static inline struct config *restart_config(void)
{
    struct config *config = rig_config();
    config->bgp.graceful_restart = (struct opt_bool){true, true};
    rig_neighbor(config, PEER, PEER_ASN);
    rig_neighbor(config, OTHER, OTHER_ASN);
    return config;
}

/* The kernel still has a route of an earlier run. */
static inline struct rig *rig_new_over_old_routes(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->core = core_new(NULL, 1);
    rig->now = (struct mono_time){INT64_C(1000000000000)};
    rig->next_incoming = CONN_ID_INCOMING_FIRST;
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    rig_feed(rig, &event);
    rig_link(rig, 2, "eth0", true);
    rig_addr_add(rig, 2, "10.0.0.1", 24);
    struct core_event old = {.kind = EVENT_KERNEL_ROUTE};
    old.kernel_route.is_from_dump = true;
    old.kernel_route.route = (struct fib_route){
        .table = CONFIG_FIB_TABLE_DEFAULT,
        .metric = CONFIG_FIB_METRIC_DEFAULT,
        .protocol = CONFIG_FIB_PROTOCOL_DEFAULT,
        .type = FIB_ROUTE_UNICAST,
        .leg_count = 1,
        .legs = {{.ifindex = 2, .gateway = rig_addr(PEER), .weight = 1}},
    };
    ck_assert(prefix_parse(NET, &old.kernel_route.route.prefix) == STATUS_OK);
    rig_feed(rig, &old);
    return rig;
}

/* An OPEN of addr that restarts gracefully and has preserved IPv4. */
static inline struct open_message restart_open(const char *addr, uint32_t asn)
{
    struct open_message open = rig_open(asn, 0x0a000000u + rig_addr(addr).bytes[3]);
    open.capabilities.graceful_restart = true;
    open.capabilities.restart_time_s = 120;
    open.capabilities.gr_families = V4;
    open.capabilities.gr_forwarding = V4;
    return open;
}

static inline struct rig_conn *rig_dialled(struct rig *rig, const char *addr)
{
    struct ip_addr wanted = rig_addr(addr);
    for (int i = rig->conn_count; i-- > 0;) {
        if (rig->conns[i].is_ours && !rig->conns[i].is_closed &&
            ip_equal(&rig->conns[i].setup.remote_addr, &wanted)) {
            return &rig->conns[i];
        }
    }
    return NULL;
}

/* What we say in our OPEN; the connection is left in OpenSent. */
static inline struct capabilities rig_our_capabilities(struct rig_conn *conn)
{
    enum message_type type;
    uint8_t body[4096];
    size_t size;
    struct open_message open;
    ck_assert(rig_next(conn, &type, body, &size));
    ck_assert_int_eq(type, MESSAGE_OPEN);
    ck_assert_int_eq(open_decode((struct byte_view){body, size}, &open).disposition, WIRE_ACCEPT);
    return open.capabilities;
}

/* Waits for our attempt and brings it up with this OPEN. */
static inline struct rig_conn *rig_up(struct rig *rig, const char *addr,
                                      const struct open_message *open,
                                      struct capabilities *ours_out)
{
    for (int i = 0; i < 200 && rig_dialled(rig, addr) == NULL; i++) {
        rig_wait_ms(rig, 100);
    }
    struct rig_conn *conn = rig_dialled(rig, addr);
    ck_assert_ptr_nonnull(conn);
    rig_opened(rig, conn);
    struct capabilities ours = rig_our_capabilities(conn);
    if (ours_out != NULL) {
        *ours_out = ours;
    }
    rig_say_open(rig, conn, open);
    rig_say_keepalive(rig, conn);
    ck_assert_int_eq(rig_state(rig, addr), PEER_ESTABLISHED);
    return conn;
}

static inline uint32_t rig_routes(struct rig *rig, const char *addr)
{
    return rig_peer(rig, addr).families[0].received;
}

/* Prefixes announced, withdrawn and End-of-RIBs in what was sent; takes all. */
struct rig_told {
    int announced;
    int ends;
};

static inline struct rig_told rig_told(struct rig_conn *conn)
{
    struct rig_told told = {0};
    enum message_type type;
    uint8_t body[65535];
    size_t size;
    while (rig_next(conn, &type, body, &size)) {
        if (type == MESSAGE_UPDATE) {
            told.ends += size == 4;
            told.announced += size > 4;
        }
    }
    return told;
}

#endif
