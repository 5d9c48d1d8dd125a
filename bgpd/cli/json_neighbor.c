/* JSON of show bgp neighbors. */
#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/neighbor_restart.h"
#include "bgpd/cli/words.h"

static const Control__Capabilities no_capabilities = CONTROL__CAPABILITIES__INIT;
static const Control__MessageCounts no_counts = CONTROL__MESSAGE_COUNTS__INIT;

static void both(struct json *json, const char *key, bool is_local, bool is_remote)
{
    if (is_local || is_remote) {
        json_text(json, key,
                  is_local && is_remote ? "advertisedAndReceived"
                  : is_local            ? "advertised"
                                        : "received");
    }
}

static void family_both(struct json *json, uint32_t local, uint32_t remote)
{
    for (unsigned i = 0; i < 2; i++) {
        bool is_local = (local >> i & 1) != 0;
        bool is_remote = (remote >> i & 1) != 0;
        if (is_local || is_remote) {
            json_object_begin(json, words_family_json(i == 0 ? 4 : 6));
            json_flag(json,
                      is_local && is_remote ? "advertisedAndReceived"
                      : is_local            ? "advertised"
                                            : "received",
                      true);
            json_object_end(json);
        }
    }
}

static void host_name(struct json *json, const Control__Capabilities *local,
                      const Control__Capabilities *remote)
{
    json_object_begin(json, "hostName");
    if (local->fqdn) {
        json_text(json, "advHostName", local->hostname);
        json_text(json, "advDomainName", local->domain_name);
    }
    if (remote->fqdn) {
        json_text(json, "rcvHostName", remote->hostname);
        json_text(json, "rcvDomainName", remote->domain_name);
    }
    json_object_end(json);
}

static void add_path_side(struct json *json, const char *advertised, const char *received,
                          const char *both_ways, bool is_local, bool is_remote)
{
    if (is_local || is_remote) {
        json_flag(json, is_local && is_remote ? both_ways : is_local ? advertised : received, true);
    }
}

static void add_path(struct json *json, const Control__Capabilities *local,
                     const Control__Capabilities *remote)
{
    uint32_t any = local->add_path_receive | local->add_path_send | remote->add_path_receive |
                   remote->add_path_send;
    if (any == 0) {
        return;
    }
    json_object_begin(json, "addPath");
    for (unsigned i = 0; i < 2; i++) {
        if ((any >> i & 1) == 0) {
            continue;
        }
        json_object_begin(json, words_family_json(i == 0 ? 4 : 6));
        add_path_side(json, "txAdvertised", "txReceived", "txAdvertisedAndReceived",
                      (local->add_path_send >> i & 1) != 0, (remote->add_path_send >> i & 1) != 0);
        add_path_side(json, "rxAdvertised", "rxReceived", "rxAdvertisedAndReceived",
                      (local->add_path_receive >> i & 1) != 0,
                      (remote->add_path_receive >> i & 1) != 0);
        json_object_end(json);
    }
    json_object_end(json);
}

static void capabilities(struct json *json, const Control__Neighbor *row)
{
    const Control__Capabilities *local =
        row->local_capabilities != NULL ? row->local_capabilities : &no_capabilities;
    const Control__Capabilities *remote =
        row->remote_capabilities != NULL ? row->remote_capabilities : &no_capabilities;
    if (row->local_capabilities == NULL && row->remote_capabilities == NULL) {
        return;
    }
    json_object_begin(json, "neighborCapabilities");
    both(json, "4byteAs", local->as4, remote->as4);
    both(json, "extendedMessage", local->extended_message, remote->extended_message);
    both(json, "routeRefresh", local->route_refresh, remote->route_refresh);
    both(json, "enhancedRouteRefresh", local->enhanced_refresh, remote->enhanced_refresh);
    add_path(json, local, remote);
    both(json, "extendedNexthop", local->extended_next_hop != 0, remote->extended_next_hop != 0);
    both(json, "longLivedGracefulRestart", local->long_lived_gr, remote->long_lived_gr);
    json_object_begin(json, "multiprotocolExtensions");
    family_both(json, local->families, remote->families);
    json_object_end(json);
    host_name(json, local, remote);
    both(json, "gracefulRestart", local->graceful_restart, remote->graceful_restart);
    if (remote->graceful_restart) {
        json_unsigned(json, "gracefulRestartRemoteTimerMsecs",
                      (uint64_t)remote->restart_time_s * 1000);
        json_flag(json, "gracefulRestartNotification", remote->restart_notification);
    }
    json_object_end(json);
}

static void counter(struct json *json, const char *sent_key, const char *received_key,
                    uint64_t sent, uint64_t received)
{
    json_unsigned(json, sent_key, sent);
    json_unsigned(json, received_key, received);
}

static void statistics(struct json *json, const Control__Neighbor *row)
{
    const Control__MessageCounts *sent = row->sent != NULL ? row->sent : &no_counts;
    const Control__MessageCounts *received = row->received != NULL ? row->received : &no_counts;
    json_object_begin(json, "messageStats");
    json_unsigned(json, "depthInq", row->in_queue_bytes);
    json_unsigned(json, "depthOutq", row->out_queue_messages);
    counter(json, "opensSent", "opensRecv", sent->opens, received->opens);
    counter(json, "notificationsSent", "notificationsRecv", sent->notifications,
            received->notifications);
    counter(json, "updatesSent", "updatesRecv", sent->updates, received->updates);
    counter(json, "keepalivesSent", "keepalivesRecv", sent->keepalives, received->keepalives);
    counter(json, "routeRefreshSent", "routeRefreshRecv", sent->route_refreshes,
            received->route_refreshes);
    counter(json, "capabilitySent", "capabilityRecv", 0, 0);
    counter(json, "totalSent", "totalRecv", json_message_total(sent), json_message_total(received));
    json_unsigned(json, "treatAsWithdraw", row->treat_as_withdraw);
    json_unsigned(json, "attributeDiscard", row->attr_discard);
    json_object_end(json);
}

static void name(struct json *json, const char *key, const char *value)
{
    if (value[0] != '\0') {
        json_text(json, key, value);
    }
}

static void family_object(struct json *json, const Control__Neighbor *row,
                          const Control__NeighborFamily *family)
{
    json_object_begin(json, words_family_json(family->family));
    json_flag(json, "negotiated", family->is_negotiated);
    json_unsigned(json, "updateGroupId", family->update_group);
    json_unsigned(json, "subGroupId", family->update_group);
    json_unsigned(json, "packetQueueLength", family->queued_out);
    json_flag(json, "endOfRibSend", family->end_of_rib_sent);
    json_flag(json, "endOfRibRecv", family->end_of_rib_received);
    name(json, "incomingUpdatePrefixFilterList", family->prefix_list_in);
    name(json, "outgoingUpdatePrefixFilterList", family->prefix_list_out);
    name(json, "incomingUpdateAsPathFilterList", family->filter_list_in);
    name(json, "outgoingUpdateAsPathFilterList", family->filter_list_out);
    name(json, "routeMapForIncomingAdvertisements", family->route_map_in);
    name(json, "routeMapForOutgoingAdvertisements", family->route_map_out);
    if (family->advertise_map[0] != '\0') {
        json_object_begin(json, "advertiseMap");
        json_text(json, "condition", family->condition_is_absence ? "NON_EXIST" : "EXIST");
        json_text(json, "conditionMap", family->condition_map);
        json_text(json, "advertiseMap", family->advertise_map);
        json_text(json, "advertiseStatus", family->condition_is_met ? "Advertise" : "Withdraw");
        json_object_end(json);
    }
    if (row->uses_azure_policy && family->route_map_in[0] == '\0') {
        json_text(json, "azureRolePolicy", row->azure_role);
    }
    json_flag(json, "inboundEbgpRequiresPolicy", family->policy_missing_in);
    json_flag(json, "outboundEbgpRequiresPolicy", family->policy_missing_out);
    json_unsigned(json, "acceptedPrefixCounter", family->accepted);
    json_unsigned(json, "receivedPrefixCounter", family->received);
    json_unsigned(json, "sentPrefixCounter", family->sent);
    if (family->max_prefixes != 0) {
        json_unsigned(json, "prefixAllowedMax", family->max_prefixes);
        json_flag(json, "prefixLimitReached", family->limit_reached);
    }
    if (family->max_prefixes_out != 0) {
        json_unsigned(json, "prefixOutAllowedMax", family->max_prefixes_out);
    }
    json_object_end(json);
}

static void timers(struct render *render, const Control__Neighbor *row)
{
    struct json *json = &render->json;
    if (row->state == 5) {
        json_uptime(render, "bgpTimerUpString", "bgpTimerUpMsec", "bgpTimerUpEstablishedEpoch",
                    row->state_age_ms);
    }
    json_number(json, "bgpTimerLastRead", row->last_read_ms);
    json_number(json, "bgpTimerLastWrite", row->last_write_ms);
    json_unsigned(json, "bgpTimerHoldTimeMsecs", (uint64_t)row->hold_time_s * 1000);
    json_unsigned(json, "bgpTimerKeepAliveIntervalMsecs", (uint64_t)row->keepalive_s * 1000);
    json_unsigned(json, "bgpTimerConfiguredHoldTimeMsecs",
                  (uint64_t)row->configured_hold_time_s * 1000);
    json_unsigned(json, "bgpTimerConfiguredKeepAliveIntervalMsecs",
                  (uint64_t)row->configured_keepalive_s * 1000);
    json_unsigned(json, "minBtwnAdvertisementRunsTimerMsecs",
                  (uint64_t)row->advertisement_interval_s * 1000);
    json_unsigned(json, "connectRetryTimer", row->connect_retry_s);
}

static void identity(struct render *render, const Control__Neighbor *row)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_unsigned(json, "remoteAs", row->remote_asn);
    json_unsigned(json, "localAs", row->local_asn);
    json_flag(json, row->is_ebgp ? "nbrExternalLink" : "nbrInternalLink", true);
    if (row->remote_capabilities != NULL && row->remote_capabilities->fqdn) {
        json_text(json, "hostname", row->remote_capabilities->hostname);
    }
    name(json, "nbrDesc", row->description);
    name(json, "peerGroup", row->peer_group);
    name(json, "azureRole", row->azure_role);
    name(json, "tunnel", row->tunnel);
    json_unsigned(json, "bgpVersion", 4);
    json_text(json, "remoteRouterId", words_router_id(row->remote_router_id, text));
    json_text(json, "localRouterId", words_router_id(render->router_id, text));
    json_text(json, "bgpState", words_state(row->state));
    if (row->local_capabilities != NULL && row->local_capabilities->role != 0) {
        json_text(json, "localRole", words_role(row->local_capabilities->role));
    }
    if (row->remote_capabilities != NULL && row->remote_capabilities->role != 0) {
        json_text(json, "remoteRole", words_role(row->remote_capabilities->role));
    }
    json_flag(json, "adminShutDown", row->is_admin_down);
    json_flag(json, "prefixLimited", row->is_prefix_limited);
    name(json, "whyNotUp", row->why_not);
}

static void history(struct render *render, const Control__Neighbor *row)
{
    struct json *json = &render->json;
    json_unsigned(json, "connectionsEstablished", row->established_count);
    json_unsigned(json, "connectionsDropped", row->dropped_count);
    if (row->last_reset_ms >= 0) {
        json_number(json, "lastResetTimerMsecs", row->last_reset_ms);
        json_text(json, "lastResetDueTo", row->last_reset_reason);
    }
}

static void ends(struct render *render, const Control__Neighbor *row)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    if (row->ttl > 1) {
        json_unsigned(json, "externalBgpNbrMaxHopsAway", row->ttl);
    }
    if (row->local_addr.len != 0) {
        json_text(json, "hostLocal", words_addr(&row->local_addr, text));
        json_unsigned(json, "portLocal", row->local_port);
        json_text(json, "hostForeign", words_addr(&row->addr, text));
        json_unsigned(json, "portForeign", row->remote_port);
    }
    json_flag(json, "authenticationEnabled", row->has_password);
    json_text(json, "pathClass", words_path_class(row->path_class));
    name(json, "liveness", row->liveness);
    if (row->bfd) {
        json_object_begin(json, "peerBfdInfo");
        json_text(json, "type", row->ttl > 1 ? "multi hop" : "single hop");
        json_unsigned(json, "detectMultiplier", row->bfd_multiplier);
        json_unsigned(json, "rxMinInterval", row->bfd_interval_ms);
        json_unsigned(json, "txMinInterval", row->bfd_interval_ms);
        json_object_end(json);
    }
}

static void neighbor(struct render *render, const Control__Neighbor *row)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, words_addr(&row->addr, text));
    identity(render, row);
    timers(render, row);
    capabilities(json, row);
    neighbor_restart_json(json, row);
    statistics(json, row);
    json_object_begin(json, "addressFamilyInfo");
    for (size_t i = 0; i < row->n_families; i++) {
        if (row->families[i]->is_configured) {
            family_object(json, row, row->families[i]);
        }
    }
    json_object_end(json);
    history(render, row);
    ends(render, row);
    json_object_end(json);
}

static void answer(struct render *render, const Control__Answer *frame)
{
    if (frame->global != NULL) {
        render_take_global(render, frame->global);
    }
    for (size_t i = 0; i < frame->n_neighbors; i++) {
        neighbor(render, frame->neighbors[i]);
    }
}

const struct view_ops json_neighbors = {json_document_begin, render_nothing, answer,
                                        render_ignore_status, json_document_end};
