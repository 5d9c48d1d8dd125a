/* Neighbors: settings, session and families of each. */
#include <string.h>

#include "bgpd/control/control_private.h"

_Static_assert((int)PEER_IDLE == 0 && (int)PEER_ESTABLISHED == 5,
               "states are part of the protocol");

static Control__MessageCounts *counts_row(struct arena *arena,
                                          const struct peer_message_counts *counts)
{
    Control__MessageCounts *row = arena_alloc(arena, sizeof *row);
    control__message_counts__init(row);
    row->opens = counts->opens;
    row->notifications = counts->notifications;
    row->updates = counts->updates;
    row->keepalives = counts->keepalives;
    row->route_refreshes = counts->route_refreshes;
    return row;
}

static Control__Capabilities *capabilities_row(struct arena *arena, const struct capabilities *caps)
{
    Control__Capabilities *row = arena_alloc(arena, sizeof *row);
    control__capabilities__init(row);
    row->families = caps->families;
    row->route_refresh = caps->route_refresh;
    row->enhanced_refresh = caps->enhanced_refresh;
    row->extended_message = caps->extended_message;
    row->as4 = caps->as4;
    row->graceful_restart = caps->graceful_restart;
    row->restart_state = caps->restart_state;
    row->restart_notification = caps->restart_notification;
    row->restart_time_s = caps->restart_time_s;
    row->gr_families = caps->gr_families;
    row->gr_forwarding = caps->gr_forwarding;
    row->long_lived_gr = caps->long_lived_gr;
    for (unsigned i = 0; i < AFI_SAFI_COUNT; i++) {
        row->add_path_receive |= (caps->add_path[i] & ADD_PATH_RECEIVE) != 0 ? 1u << i : 0;
        row->add_path_send |= (caps->add_path[i] & ADD_PATH_SEND) != 0 ? 1u << i : 0;
    }
    row->extended_next_hop = caps->extended_next_hop;
    row->role = caps->role == BGP_ROLE_NONE ? 0 : caps->role + 1u;
    row->fqdn = caps->fqdn;
    row->hostname = value_text(caps->hostname);
    row->domain_name = value_text(caps->domain_name);
    return row;
}

static uint32_t opt_value(struct opt_u32 option, uint32_t otherwise)
{
    return option.is_set ? option.value : otherwise;
}

static bool opt_flag(struct opt_bool option)
{
    return option.is_set && option.value;
}

static Control__NeighborFamily *family_row(struct arena *arena, struct mono_time now,
                                           enum afi_safi afi_safi,
                                           const struct config_family *config,
                                           const struct snapshot_peer_family *family)
{
    Control__NeighborFamily *row = arena_alloc(arena, sizeof *row);
    control__neighbor_family__init(row);
    row->family = afi_safi_family(afi_safi);
    row->is_configured = family->is_configured;
    row->is_negotiated = family->is_negotiated;
    row->received = family->received;
    row->accepted = family->accepted;
    row->sent = family->sent;
    row->policy_missing_in = family->policy_missing_in;
    row->policy_missing_out = family->policy_missing_out;
    row->end_of_rib_received = family->end_of_rib_received;
    row->end_of_rib_sent = family->end_of_rib_sent;
    row->update_group = family->update_group;
    row->queued_out = family->queued_out;
    row->limit_reached = family->limit_reached;
    row->max_prefixes = opt_value(config->max_prefixes, 0);
    row->max_prefixes_out = opt_value(config->max_prefixes_out, 0);
    row->route_map_in = value_text(config->route_map_in);
    row->route_map_out = value_text(config->route_map_out);
    row->prefix_list_in = value_text(config->prefix_list_in);
    row->prefix_list_out = value_text(config->prefix_list_out);
    row->filter_list_in = value_text(config->filter_list_in);
    row->filter_list_out = value_text(config->filter_list_out);
    row->next_hop_self = opt_flag(config->next_hop_self) || opt_flag(config->next_hop_self_force);
    row->send_community =
        opt_value(config->send_community,
                  SEND_COMMUNITY_STANDARD | SEND_COMMUNITY_EXTENDED | SEND_COMMUNITY_LARGE);
    row->has_weight = config->weight.is_set;
    row->weight = opt_value(config->weight, 0);
    row->route_reflector_client = opt_flag(config->route_reflector_client);
    row->advertise_map = value_text(config->advertise_map);
    row->condition_map = value_text(config->condition_map);
    row->condition_is_absence = config->condition_is_absence;
    row->condition_is_met = family->condition_is_met;
    row->is_stale = family->is_stale;
    row->is_long_lived = family->is_long_lived;
    if (family->is_stale && mono_before(now, family->stale_until)) {
        row->stale_left_s = (uint32_t)mono_span_to_s(mono_between(now, family->stale_until));
    }
    return row;
}

/* What the configuration says. Never the password, only that there is one. */
static void neighbor_put_settings(const struct neighbor_settings *settings, Control__Neighbor *row)
{
    const struct config_neighbor *config = &settings->merged;
    row->addr = value_addr(&config->addr);
    row->interface = value_text(config->interface);
    row->description = value_text(config->description);
    row->peer_group = value_text(config->peer_group);
    row->azure_role = value_text(
        config->azure_role == AZURE_ROLE_NONE ? "" : azure_role_profile(config->azure_role)->name);
    row->tunnel = value_text(config->tunnel);
    row->is_ebgp = settings->is_ebgp;
    row->uses_azure_policy = settings->is_azure_default_policy;
    row->configured_hold_time_s = opt_value(config->hold_time_s, 0);
    row->configured_keepalive_s = opt_value(config->keepalive_s, 0);
    row->connect_retry_s = opt_value(config->connect_retry_s, 0);
    row->advertisement_interval_s = opt_value(config->advertisement_interval_s, 0);
    row->has_password = config->password != NULL;
    row->ttl = opt_value(config->ebgp_multihop, 0);
    row->ttl_hops = opt_value(config->ttl_security_hops, 0);
    row->bfd = opt_flag(config->bfd);
    row->bfd_interval_ms = opt_value(config->bfd_interval_ms, 0);
    row->bfd_multiplier = opt_value(config->bfd_multiplier, 0);
    row->is_passive = opt_flag(config->passive);
    row->update_source = value_addr(&config->update_source);
    row->shutdown_message = value_text(config->shutdown_message);
}

static void neighbor_put_session(struct arena *arena, struct mono_time now,
                                 const struct snapshot_peer *peer, Control__Neighbor *row)
{
    row->remote_asn = peer->remote_asn;
    row->local_asn = peer->local_asn;
    row->state = peer->state;
    row->is_admin_down = peer->is_admin_down;
    row->is_prefix_limited = peer->is_prefix_limited;
    row->remote_router_id = peer->remote_router_id;
    row->local_addr = value_addr(&peer->local_addr);
    row->local_port = peer->local_port;
    row->remote_port = peer->remote_port;
    row->state_age_ms = value_age_ms(now, peer->state_since);
    row->last_read_ms = value_age_ms(now, peer->last_read);
    row->last_write_ms = value_age_ms(now, peer->last_write);
    row->hold_time_s = peer->hold_time_s;
    row->stale_path_time_s = peer->stale_path_time_s;
    row->keepalive_s = peer->keepalive_s;
    row->received = counts_row(arena, &peer->received);
    row->sent = counts_row(arena, &peer->sent);
    row->treat_as_withdraw = peer->treat_as_withdraw_count;
    row->attr_discard = peer->attr_discard_count;
    row->established_count = peer->established_count;
    row->dropped_count = peer->dropped_count;
    row->last_reset_ms = value_age_ms(now, peer->last_reset);
    row->last_reset_reason = value_text(peer->last_reset_reason);
    if (peer->has_capabilities && peer->local_capabilities != NULL) {
        row->local_capabilities = capabilities_row(arena, peer->local_capabilities);
    }
    if (peer->has_capabilities && peer->remote_capabilities != NULL) {
        row->remote_capabilities = capabilities_row(arena, peer->remote_capabilities);
    }
    row->in_queue_bytes = peer->in_queue_bytes;
    row->out_queue_messages = peer->out_queue_messages;
    row->path_class = value_path_class(peer->has_path_class, peer->path_class);
    row->liveness = value_text(peer->liveness);
    row->why_not = value_text(peer->why_not);
}

static void put_neighbor(struct control_client *client, const struct snapshot_peer *peer)
{
    arena_reset(&client->scratch);
    Control__Neighbor row = CONTROL__NEIGHBOR__INIT;
    Control__NeighborFamily *families[AFI_SAFI_COUNT];
    neighbor_put_settings(peer->settings, &row);
    neighbor_put_session(&client->scratch, client->now, peer, &row);
    for (unsigned i = 0; i < AFI_SAFI_COUNT; i++) {
        const struct config_family *config = &peer->settings->merged.families[i];
        families[i] =
            family_row(&client->scratch, client->now, (enum afi_safi)i, config, &peer->families[i]);
    }
    row.n_families = AFI_SAFI_COUNT;
    row.families = families;
    Control__Neighbor *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_neighbors = 1;
    part.neighbors = rows;
    answer_put(client, &part);
}

/* Peers may come and go between calls: the walk goes on after the last address shown. */
static void resume(struct control_client *client)
{
    struct neighbors_request *request = &client->neighbors;
    struct snapshot_peer peer;
    const struct core *core = client->server->core;
    if (request->index == 0 || (snapshot_peer(core, request->index - 1, &peer) &&
                                ip_equal(&peer.settings->merged.addr, &request->last))) {
        return;
    }
    request->index = 0;
    while (snapshot_peer(core, request->index, &peer) &&
           ip_compare(&peer.settings->merged.addr, &request->last) <= 0) {
        request->index++;
    }
}

static void step_neighbors(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct neighbors_request *request = &client->neighbors;
    struct snapshot_peer peer;
    resume(client);
    while (answer_pending(client) < ANSWER_FRAME_BYTES) {
        if (!snapshot_peer(client->server->core, request->index, &peer)) {
            answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
            return;
        }
        put_neighbor(client, &peer);
        request->last = peer.settings->merged.addr;
        request->index++;
    }
}

void request_neighbors(struct control_client *client, const Control__NeighborsRequest *request)
{
    struct neighbors_request *neighbors = &client->neighbors;
    const struct core *core = client->server->core;
    memset(neighbors, 0, sizeof *neighbors);
    if (!value_addr_read(&request->peer, &neighbors->only)) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "malformed peer address");
        return;
    }
    if (neighbors->only.family == IP_NONE) {
        answer_global(client);
        client->step = step_neighbors;
        return;
    }
    uint32_t index;
    struct snapshot_peer peer;
    if (!snapshot_peer_find(core, &neighbors->only, &index) || !snapshot_peer(core, index, &peer)) {
        answer_no_neighbor(client, &neighbors->only);
        return;
    }
    answer_global(client);
    put_neighbor(client, &peer);
    answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
}
