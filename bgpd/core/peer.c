/* The table of peers: by address for people and connections, by number for bitsets. */
#include "bgpd/core/peer.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define SEND_SCRATCH_BYTES 65536u

/* First index whose address is not below addr. */
static uint32_t lower_bound(const struct peer_table *table, const struct ip_addr *addr)
{
    uint32_t low = 0;
    uint32_t high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ip_compare(&table->by_addr[middle]->addr, addr) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct peer *peer_by_index(const struct core *core, uint32_t index)
{
    return index < core->peers->count ? core->peers->by_addr[index] : NULL;
}

struct peer *peer_by_number(const struct core *core, uint16_t number)
{
    const struct peer_table *table = core->peers;
    return number != 0 && number <= table->number_limit ? table->by_number[number - 1] : NULL;
}

struct peer *peer_find(const struct core *core, const struct ip_addr *addr)
{
    const struct peer_table *table = core->peers;
    uint32_t index = lower_bound(table, addr);
    bool is_there = index < table->count && ip_equal(&table->by_addr[index]->addr, addr);
    return is_there ? table->by_addr[index] : NULL;
}

uint32_t peer_count(const struct core *core)
{
    return core->peers->count;
}

bool peer_is_admin_down(const struct peer *peer)
{
    return peer->settings.merged.shutdown.value;
}

struct session_conn *peer_established_conn(const struct peer *peer)
{
    for (int i = 0; i < CONN_SLOT_COUNT; i++) {
        if (peer->session->conns[i].state == PEER_ESTABLISHED) {
            return &peer->session->conns[i];
        }
    }
    return NULL;
}

bool peer_is_established(const struct peer *peer)
{
    return peer_established_conn(peer) != NULL;
}

static void check_sources(struct core *core, struct timer *timer)
{
    ASSERT(timer == &core->peers->source_check);
    for (uint32_t i = 0; i < core->peers->count; i++) {
        struct peer *peer = core->peers->by_addr[i];
        if (!peer_is_established(peer) || !peer->has_own_source ||
            kernel_is_local_addr(core, &peer->local_addr)) {
            continue;
        }
        char addr[IP_TEXT_BYTES];
        char reason[RESET_REASON_BYTES];
        snprintf(reason, sizeof reason, "our address %s is gone",
                 ip_format(&peer->local_addr, addr));
        struct fsm_input input = {.event = FSM_TCP_FAILED, .reason = reason};
        session_feed(core, peer_established_conn(peer), &input);
    }
}

void peers_init(struct core *core)
{
    struct peer_table *table = mem_alloc(MEM_PEER, sizeof *table);
    table->source_check.expired = check_sources;
    for (uint32_t i = 0; i < CONN_BUCKETS; i++) {
        list_init(&table->conns[i]);
    }
    list_init(&table->ready);
    list_init(&table->senders);
    table->send_scratch = mem_alloc(MEM_PEER, SEND_SCRATCH_BYTES);
    core->peers = table;
}

void peers_fini(struct core *core)
{
    struct peer_table *table = core->peers;
    while (table->count != 0) {
        struct peer *peer = table->by_addr[table->count - 1];
        session_stop(core, peer, 0, NULL, "the core is going");
        peer_free(core, peer);
    }
    timer_stop(&core->timers, &table->source_check);
    mem_free(MEM_PEER, table->by_addr);
    mem_free(MEM_PEER, table->by_number);
    mem_free(MEM_PEER, table->send_scratch);
    mem_free(MEM_PEER, table);
    core->peers = NULL;
}

static uint16_t take_number(struct peer_table *table, struct peer *peer)
{
    for (uint32_t i = 0; i < table->number_limit; i++) {
        if (table->by_number[i] == NULL) {
            table->by_number[i] = peer;
            return (uint16_t)(i + 1);
        }
    }
    table->by_number = mem_realloc(MEM_PEER, table->by_number,
                                   (table->number_limit + 1) * sizeof *table->by_number);
    table->by_number[table->number_limit++] = peer;
    return (uint16_t)table->number_limit;
}

struct peer *peer_new(struct core *core, const struct ip_addr *addr,
                      const struct neighbor_settings *settings)
{
    struct peer_table *table = core->peers;
    ASSERT(peer_find(core, addr) == NULL);
    ASSERT(table->count < core->limits.peers_max && table->count < UINT16_MAX);
    struct peer *peer = mem_alloc(MEM_PEER, sizeof *peer);
    peer->addr = *addr;
    peer->settings = *settings;
    peer->number = take_number(table, peer);
    uint32_t index = lower_bound(table, addr);
    table->by_addr =
        mem_realloc(MEM_PEER, table->by_addr, (table->count + 1) * sizeof *table->by_addr);
    memmove(&table->by_addr[index + 1], &table->by_addr[index],
            (table->count - index) * sizeof *table->by_addr);
    table->by_addr[index] = peer;
    table->count++;
    session_init(core, peer);
    routes_peer_new(core, peer);
    return peer;
}

void peer_free(struct core *core, struct peer *peer)
{
    struct peer_table *table = core->peers;
    uint32_t index = lower_bound(table, &peer->addr);
    ASSERT(index < table->count && table->by_addr[index] == peer);
    peer_bfd_remove(core, peer);
    routes_peer_free(core, peer);
    session_fini(core, peer);
    memmove(&table->by_addr[index], &table->by_addr[index + 1],
            (table->count - index - 1) * sizeof *table->by_addr);
    table->count--;
    table->by_number[peer->number - 1] = NULL;
    if (peer->is_dynamic) {
        table->dynamic_count--;
    }
    mem_free(MEM_PEER, peer);
}

void peers_reap(struct core *core)
{
    struct peer_table *table = core->peers;
    if (!table->needs_reap) {
        return;
    }
    table->needs_reap = false;
    for (uint32_t i = table->count; i-- > 0;) {
        struct peer *peer = table->by_addr[i];
        const struct session_conn *conns = peer->session->conns;
        if (peer->is_dynamic && conns[CONN_OURS].id == 0 && conns[CONN_THEIRS].id == 0 &&
            !routes_peer_is_kept(peer)) {
            peer_free(core, peer);
        }
    }
}

void peer_routes_forgotten(struct core *core)
{
    core->peers->needs_reap = true;
}

void peers_retry_blocked(struct core *core)
{
    struct peer_table *table = core->peers;
    if (!table->needs_retry) {
        return;
    }
    table->needs_retry = false;
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->by_addr[i]->session->is_blocked) {
            session_retry_now(core, table->by_addr[i]);
        }
    }
}

void peers_stop(struct core *core, bool keep_routes)
{
    struct peer_table *table = core->peers;
    for (uint32_t i = 0; i < table->count; i++) {
        struct peer *peer = table->by_addr[i];
        /* RFC 4724 4.1: a Cease would make the helper drop what it is to keep. */
        bool is_silent = keep_routes && peer->local_open.capabilities.graceful_restart;
        session_stop(core, peer, is_silent ? 0 : CEASE_ADMIN_SHUTDOWN, NULL,
                     "this router is stopping");
        if (!keep_routes || peer->session->bfd.kept_s == 0) {
            peer_bfd_remove(core, peer); /* Else BFD must not say that anything ended. */
        }
    }
    for (int i = 0; i < 2; i++) {
        if (table->listening_port[i] != 0) {
            struct core_action action = {.kind = ACTION_LISTEN,
                                         .listen = {i == 0 ? IP_V4 : IP_V6, 0, 0}};
            action_queue_put(&core->actions, &action);
            table->listening_port[i] = 0;
        }
    }
}

bool peer_request_refresh(struct core *core, struct peer *peer, enum afi_safi afi_safi)
{
    struct session_conn *conn = peer_established_conn(peer);
    if (conn == NULL || !peer->remote_open.capabilities.route_refresh ||
        !peer->local_open.capabilities.route_refresh ||
        (peer->families & AFI_SAFI_BIT(afi_safi)) == 0) {
        return false;
    }
    uint8_t bytes[BGP_HEADER_BYTES + 8];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct route_refresh refresh = {afi_safi, ROUTE_REFRESH_REQUEST};
    route_refresh_encode(&writer, &refresh);
    ASSERT(!writer.failed);
    conn_send(core, conn, bytes, writer_size(&writer));
    peer->sent.route_refreshes++;
    return true;
}

/* ---- Facts about interfaces ---- */

static void drop_for_interface(struct core *core, struct peer *peer)
{
    struct session_conn *conn = peer_established_conn(peer);
    const char *name = kernel_interface_name(core, peer->ifindex);
    char reason[RESET_REASON_BYTES];
    snprintf(reason, sizeof reason, "interface %s is down", name != NULL ? name : "of the session");
    struct fsm_input input = {.event = FSM_TCP_FAILED, .reason = reason, .is_path_lost = true};
    session_feed(core, conn, &input);
}

void peers_on_interface_change(struct core *core, uint32_t ifindex, bool is_up)
{
    for (uint32_t i = 0; i < core->peers->count; i++) {
        struct peer *peer = core->peers->by_addr[i];
        bool is_established = peer_is_established(peer);
        bool is_bound = peer->settings.tunnel_number != 0 || peer->settings.is_ebgp;
        if (!is_up && is_established && is_bound && ifindex != 0 && peer->ifindex == ifindex &&
            core->config->bgp.fast_external_failover) {
            drop_for_interface(core, peer);
        } else if (is_up && !is_established &&
                   (peer->session->is_blocked || transport_ifindex(core, peer) == ifindex)) {
            session_retry_now(core, peer);
        }
    }
}

void peers_on_address_gone(struct core *core)
{
    struct timer *timer = &core->peers->source_check;
    if (!timer_is_armed(timer)) {
        timer_start(&core->timers, timer, mono_add(core->now, mono_span_s(SESSION_SOURCE_GRACE_S)));
    }
}
