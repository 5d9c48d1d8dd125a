/* Rows about the router and its peers. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

const char *peer_state_name(enum peer_state state)
{
    switch (state) {
    case PEER_IDLE:
        return "Idle";
    case PEER_CONNECT:
        return "Connect";
    case PEER_ACTIVE:
        return "Active";
    case PEER_OPEN_SENT:
        return "OpenSent";
    case PEER_OPEN_CONFIRM:
        return "OpenConfirm";
    case PEER_ESTABLISHED:
        return "Established";
    }
    UNREACHABLE();
}

void snapshot_global(const struct core *core, struct snapshot_global *out)
{
    const struct config *config = core->config;
    *out = (struct snapshot_global){
        .is_configured = config != NULL && config->bgp.is_configured,
        .hostname = config != NULL && config->hostname != NULL ? config->hostname : "",
        .asn = config != NULL ? config->bgp.asn : 0,
        .router_id = core->router_id,
        .default_local_pref = core->decision.default_local_pref,
        .peer_count = core->peers->count,
    };
    routes_snapshot_global(core, out);
    out->is_busy = out->is_busy || !list_is_empty(&core->peers->ready) ||
                   !list_is_empty(&core->peers->senders);
    out->peer_bytes = (uint64_t)mem_bytes(MEM_PEER);
}

uint32_t snapshot_peer_count(const struct core *core)
{
    return core->peers->count;
}

const struct config *snapshot_config(const struct core *core)
{
    return core->config;
}

static const struct session_conn *leading_conn(const struct peer *peer)
{
    const struct session_conn *ours = &peer->session->conns[CONN_OURS];
    const struct session_conn *theirs = &peer->session->conns[CONN_THEIRS];
    return theirs->state > ours->state && theirs->id != 0 ? theirs : ours;
}

static void describe_absence(const struct core *core, const struct peer *peer)
{
    struct peer_session *session = peer->session;
    char *text = session->why_not;
    text[0] = 0;
    if (peer_is_established(peer)) {
        return;
    }
    if (peer_is_admin_down(peer)) {
        const char *message = peer->settings.merged.shutdown_message;
        snprintf(text, OBSTACLE_BYTES, "shut down by configuration%s%s",
                 message != NULL ? ": " : "", message != NULL ? message : "");
        return;
    }
    const struct timer *next = timer_is_armed(&session->idle_hold)
                                   ? &session->idle_hold
                                   : &session->conns[CONN_OURS].connect_retry;
    int64_t wait_s = -1;
    if (timer_is_armed(next)) {
        wait_s = mono_span_to_s(mono_between(core->now, next->deadline)) + 1;
    }
    if (session->obstacle[0] == 0) {
        if (peer->state == PEER_ACTIVE && peer->settings.merged.passive.value) {
            snprintf(text, OBSTACLE_BYTES, "passive: waiting for the peer to connect");
        }
    } else if (wait_s < 0) {
        snprintf(text, OBSTACLE_BYTES, "%s", session->obstacle);
    } else {
        snprintf(text, OBSTACLE_BYTES, "%.160s; next attempt within %lld s", session->obstacle,
                 (long long)wait_s);
    }
}

static void describe_liveness(const struct core *core, const struct peer *peer)
{
    struct peer_session *session = peer->session;
    uint16_t tunnel_number = peer->settings.tunnel_number;
    char *text = session->liveness;
    if (session->has_bfd && session->is_bfd_known) {
        snprintf(text, sizeof session->liveness, "bfd %s", session->is_bfd_up ? "up" : "down");
    } else if (tunnel_number != 0) {
        snprintf(text, sizeof session->liveness, "tunnel %.32s %s", peer->settings.merged.tunnel,
                 kernel_tunnel_is_alive(core, tunnel_number) ? "up" : "down");
    } else {
        snprintf(text, sizeof session->liveness, "hold timer");
    }
}

static void fill_family(const struct core *core, const struct peer *peer, int family,
                        struct snapshot_peer_family *out)
{
    enum afi_safi afi_safi = (enum afi_safi)family;
    routes_peer_snapshot(core, peer, afi_safi, out);
    out->is_configured = peer->settings.merged.families[family].activate.value;
    out->is_negotiated = peer_is_established(peer) && (peer->families & AFI_SAFI_BIT(family)) != 0;
    out->policy_missing_in = out->is_configured && !peer->settings.has_import_policy[family];
    out->policy_missing_out = out->is_configured && !peer->settings.has_export_policy[family];
}

static uint32_t count_messages(const struct buffer *unsent)
{
    uint32_t count = 0;
    for (size_t at = 0; at + BGP_HEADER_BYTES <= unsent->size;
         at += load_be16(unsent->data + at + 16)) {
        count++;
    }
    return count;
}

static void fill_session(const struct core *core, const struct peer *peer,
                         struct snapshot_peer *out)
{
    const struct peer_session *session = peer->session;
    const struct session_conn *conn = leading_conn(peer);
    bool is_up = peer_is_established(peer);
    out->remote_asn = is_up ? peer->remote_open.asn : peer->settings.remote_asn;
    out->remote_router_id = is_up ? peer->remote_open.router_id : 0;
    if (conn->is_up) {
        out->local_addr = conn->local_addr;
        out->local_port = conn->local_port;
        out->remote_port = conn->remote_port;
        out->last_read = conn->last_read;
        out->last_write = conn->last_write;
        out->in_queue_bytes = (uint32_t)(conn->received.size - conn->received_at);
        out->out_queue_messages = count_messages(&conn->unsent);
    }
    if (is_up) {
        out->hold_time_s = conn->hold_time_s;
        out->keepalive_s = (uint32_t)mono_span_to_s(conn->keepalive);
        out->has_capabilities = true;
        out->local_capabilities = &peer->local_open.capabilities;
        out->remote_capabilities = &peer->remote_open.capabilities;
    }
    out->stale_path_time_s = routes_stale_time_s(core);
    out->state_since = session->state_since;
    out->established_count = session->established_count;
    out->dropped_count = session->dropped_count;
    out->last_reset = session->last_reset;
    out->last_reset_reason = session->last_reset_reason;
}

bool snapshot_peer(const struct core *core, uint32_t index, struct snapshot_peer *out)
{
    const struct peer *peer = peer_by_index(core, index);
    if (peer == NULL) {
        return false;
    }
    enum path_class path_class = PATH_CLASS_CLEAR;
    describe_absence(core, peer);
    describe_liveness(core, peer);
    *out = (struct snapshot_peer){
        .settings = &peer->settings,
        .state = peer->state,
        .is_admin_down = peer_is_admin_down(peer),
        .is_prefix_limited = peer->session->is_prefix_limited,
        .local_asn = peer->settings.local_asn,
        .received = peer->received,
        .sent = peer->sent,
        .treat_as_withdraw_count = peer->treat_as_withdraw_count,
        .attr_discard_count = peer->attr_discard_count,
        .liveness = peer->session->liveness,
        .why_not = peer->session->why_not,
        .last_read = MONO_NEVER,
        .last_write = MONO_NEVER,
    };
    fill_session(core, peer, out);
    out->has_path_class =
        kernel_session_class(core, &peer->addr, peer->settings.tunnel_number, &path_class);
    out->path_class = (uint8_t)path_class;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        fill_family(core, peer, i, &out->families[i]);
    }
    return true;
}

bool snapshot_peer_find(const struct core *core, const struct ip_addr *addr, uint32_t *index_out)
{
    for (uint32_t i = 0; i < core->peers->count; i++) {
        if (ip_equal(&core->peers->by_addr[i]->addr, addr)) {
            *index_out = i;
            return true;
        }
    }
    return false;
}
