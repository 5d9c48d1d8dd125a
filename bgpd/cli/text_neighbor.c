/* Text of show bgp neighbors. */
#include <stdio.h>

#include "bgpd/cli/neighbor_restart.h"
#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

static const char *both_words(bool is_local, bool is_remote)
{
    return is_local && is_remote ? "advertised and received"
           : is_local            ? "advertised"
           : is_remote           ? "received"
                                 : "not advertised, not received";
}

static void capability_line(struct out *out, const char *name, bool is_local, bool is_remote)
{
    if (is_local || is_remote) {
        out_printf(out, "    %s: %s\n", name, both_words(is_local, is_remote));
    }
}

static void graceful_restart(struct out *out, const Control__Capabilities *local,
                             const Control__Capabilities *remote)
{
    capability_line(out, "Graceful Restart Capability", local->graceful_restart,
                    remote->graceful_restart);
    if (!remote->graceful_restart) {
        return;
    }
    out_printf(out, "      Remote Restart timer is %u seconds\n", remote->restart_time_s);
    out_text(out, "      Address families by peer:\n");
    if (remote->gr_families == 0) {
        out_text(out, "        none\n");
    }
    for (unsigned i = 0; i < 2; i++) {
        if ((remote->gr_families & (1u << i)) != 0) {
            out_printf(out, "        %s(%s)\n", words_family_title(i == 0 ? 4 : 6),
                       (remote->gr_forwarding & (1u << i)) != 0 ? "preserved" : "not preserved");
        }
    }
}

static void hostname_line(struct out *out, const char *what, const Control__Capabilities *caps)
{
    if (caps->fqdn) {
        out_printf(out, "%s (name: %s,domain name: %s)", what, caps->hostname,
                   caps->domain_name[0] != '\0' ? caps->domain_name : "n/a");
    } else {
        out_printf(out, "not %s", what);
    }
}

static void capabilities(struct out *out, const Control__Neighbor *row)
{
    static const Control__Capabilities none = CONTROL__CAPABILITIES__INIT;
    const Control__Capabilities *local =
        row->local_capabilities != NULL ? row->local_capabilities : &none;
    const Control__Capabilities *remote =
        row->remote_capabilities != NULL ? row->remote_capabilities : &none;
    if (row->local_capabilities == NULL && row->remote_capabilities == NULL) {
        return;
    }
    out_text(out, "  Neighbor capabilities:\n");
    capability_line(out, "4 Byte AS", local->as4, remote->as4);
    capability_line(out, "Extended Message", local->extended_message, remote->extended_message);
    for (unsigned i = 0; i < 2; i++) {
        if (((local->add_path_receive | local->add_path_send | remote->add_path_receive |
              remote->add_path_send) &
             (1u << i)) != 0) {
            out_printf(out, "    AddPath: %s: RX %s, TX %s\n", words_family_title(i == 0 ? 4 : 6),
                       both_words((local->add_path_receive >> i & 1) != 0,
                                  (remote->add_path_receive >> i & 1) != 0),
                       both_words((local->add_path_send >> i & 1) != 0,
                                  (remote->add_path_send >> i & 1) != 0));
        }
    }
    capability_line(out, "Extended nexthop", local->extended_next_hop != 0,
                    remote->extended_next_hop != 0);
    capability_line(out, "Long-lived Graceful Restart", local->long_lived_gr,
                    remote->long_lived_gr);
    capability_line(out, "Route refresh", local->route_refresh, remote->route_refresh);
    capability_line(out, "Enhanced Route Refresh", local->enhanced_refresh,
                    remote->enhanced_refresh);
    for (unsigned i = 0; i < 2; i++) {
        char name[48];
        snprintf(name, sizeof name, "Address Family %s", words_family_title(i == 0 ? 4 : 6));
        capability_line(out, name, (local->families >> i & 1) != 0,
                        (remote->families >> i & 1) != 0);
    }
    out_text(out, "    Hostname Capability: ");
    hostname_line(out, "advertised", local);
    out_text(out, " ");
    hostname_line(out, "received", remote);
    out_text(out, "\n");
    graceful_restart(out, local, remote);
}

static void statistics_line(struct out *out, const char *name, uint64_t sent, uint64_t received)
{
    char title[24];
    snprintf(title, sizeof title, "%s:", name);
    out_printf(out, "    %-19s %10llu %10llu\n", title, (unsigned long long)sent,
               (unsigned long long)received);
}

static void statistics(struct out *out, const Control__Neighbor *row)
{
    static const Control__MessageCounts none = CONTROL__MESSAGE_COUNTS__INIT;
    const Control__MessageCounts *sent = row->sent != NULL ? row->sent : &none;
    const Control__MessageCounts *received = row->received != NULL ? row->received : &none;
    out_text(out, "  Message statistics:\n");
    out_printf(out, "    Inq depth is %u\n    Outq depth is %u\n", row->in_queue_bytes,
               row->out_queue_messages);
    out_text(out, "                              Sent       Rcvd\n");
    statistics_line(out, "Opens", sent->opens, received->opens);
    statistics_line(out, "Notifications", sent->notifications, received->notifications);
    statistics_line(out, "Updates", sent->updates, received->updates);
    statistics_line(out, "Keepalives", sent->keepalives, received->keepalives);
    statistics_line(out, "Route Refresh", sent->route_refreshes, received->route_refreshes);
    statistics_line(out, "Capability", 0, 0);
    statistics_line(out, "Total",
                    sent->opens + sent->notifications + sent->updates + sent->keepalives +
                        sent->route_refreshes,
                    received->opens + received->notifications + received->updates +
                        received->keepalives + received->route_refreshes);
    if (row->treat_as_withdraw != 0 || row->attr_discard != 0) {
        out_printf(
            out, "    Malformed updates treated as withdrawals: %llu, attributes discarded: %llu\n",
            (unsigned long long)row->treat_as_withdraw, (unsigned long long)row->attr_discard);
    }
    out_printf(out, "  Minimum time between advertisement runs is %u seconds\n",
               row->advertisement_interval_s);
}

static void policy_line(struct out *out, const char *title, const char *name)
{
    if (name[0] != '\0') {
        out_printf(out, "  %s is *%s\n", title, name);
    }
}

static void policy_lines(struct out *out, const Control__NeighborFamily *family)
{
    policy_line(out, "Incoming update prefix filter list", family->prefix_list_in);
    policy_line(out, "Outgoing update prefix filter list", family->prefix_list_out);
    policy_line(out, "Incoming update AS path filter list", family->filter_list_in);
    policy_line(out, "Outgoing update AS path filter list", family->filter_list_out);
    policy_line(out, "Route map for incoming advertisements", family->route_map_in);
    policy_line(out, "Route map for outgoing advertisements", family->route_map_out);
    if (family->advertise_map[0] != '\0') {
        out_printf(out, "  Condition %s, Condition-map %s, Advertise-map %s, status: %s\n",
                   family->condition_is_absence ? "NON_EXIST" : "EXIST", family->condition_map,
                   family->advertise_map, family->condition_is_met ? "Advertise" : "Withdraw");
    }
}

static void family_block(struct out *out, const Control__Neighbor *row,
                         const Control__NeighborFamily *family)
{
    out_printf(out, "\n For address family: %s\n", words_family_title(family->family));
    if (row->state != 5) {
        out_text(out, "  Not part of any update group\n");
    } else if (!family->is_negotiated) {
        out_text(out, "  Not negotiated with the neighbor\n");
    } else {
        out_printf(out, "  Update group %u, subgroup %u\n  Packet Queue length %u\n",
                   family->update_group, family->update_group, family->queued_out);
        out_printf(out, "  End-of-RIB send: %s, received: %s\n",
                   family->end_of_rib_sent ? "Yes" : "No",
                   family->end_of_rib_received ? "Yes" : "No");
    }
    if (family->route_reflector_client) {
        out_text(out, "  Route-Reflector Client\n");
    }
    if (family->next_hop_self) {
        out_text(out, "  NEXT_HOP is always this router\n");
    }
    if (family->send_community == 7) {
        out_text(out, "  Community attribute sent to this neighbor(all)\n");
    } else if (family->send_community != 0) {
        out_printf(out, "  Community attribute sent to this neighbor(%s%s%s )\n",
                   (family->send_community & 1) != 0 ? " standard" : "",
                   (family->send_community & 2) != 0 ? " extended" : "",
                   (family->send_community & 4) != 0 ? " large" : "");
    }
    if (family->has_weight) {
        out_printf(out, "  Default weight %u\n", family->weight);
    }
    policy_lines(out, family);
    if (row->uses_azure_policy && family->route_map_in[0] == '\0') {
        out_printf(out, "  Policy of the azure-role %s is in force\n", row->azure_role);
    }
    if (family->policy_missing_in) {
        out_text(out, "  Inbound updates discarded due to missing policy\n");
    }
    if (family->policy_missing_out) {
        out_text(out, "  Outbound updates discarded due to missing policy\n");
    }
    out_printf(out, "  %u accepted prefixes, %u received, %u sent\n", family->accepted,
               family->received, family->sent);
    if (family->max_prefixes != 0) {
        out_printf(out, "  Maximum prefixes allowed %u%s\n", family->max_prefixes,
                   family->limit_reached ? " (reached)" : "");
    }
    if (family->max_prefixes_out != 0) {
        out_printf(out, "  Maximum allowed prefixes sent %u\n", family->max_prefixes_out);
    }
}

static void roles(struct out *out, const Control__Neighbor *row)
{
    uint32_t local = row->local_capabilities != NULL ? row->local_capabilities->role : 0;
    uint32_t remote = row->remote_capabilities != NULL ? row->remote_capabilities->role : 0;
    if (local != 0 || remote != 0) {
        out_printf(out, "  Local Role: %s\n  Remote Role: %s\n", words_role(local),
                   words_role(remote));
    }
}

static void head(struct render *render, const Control__Neighbor *row)
{
    char text[WORDS_ADDR_BYTES];
    char id[WORDS_ADDR_BYTES];
    char age[WORDS_AGE_BYTES];
    char write_age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    out_printf(out, "BGP neighbor is %s, remote AS %u, local AS %u, %s link\n",
               words_addr(&row->addr, text), row->remote_asn, row->local_asn,
               row->is_ebgp ? "external" : "internal");
    if (row->description[0] != '\0') {
        out_printf(out, " Description: %s\n", row->description);
    }
    if (row->peer_group[0] != '\0') {
        out_printf(out, " Member of peer-group %s for session parameters\n", row->peer_group);
    }
    if (row->azure_role[0] != '\0') {
        out_printf(out, "  Azure role %s\n", row->azure_role);
    }
    if (row->remote_capabilities != NULL && row->remote_capabilities->fqdn) {
        out_printf(out, "Hostname: %s\n", row->remote_capabilities->hostname);
    }
    out_printf(out, "  BGP version 4, remote router ID %s",
               words_router_id(row->remote_router_id, text));
    out_printf(out, ", local router ID %s\n", words_router_id(render->router_id, id));
    out_printf(out, "  BGP state = %s", render_peer_state(row));
    if (row->state == 5) {
        out_printf(out, ", up for %s", words_age(row->state_age_ms, age));
    }
    out_text(out, "\n");
    roles(out, row);
    if (row->is_admin_down) {
        out_printf(out, "  Administratively shut down%s%s\n",
                   row->shutdown_message[0] != '\0' ? ": " : "", row->shutdown_message);
    }
    if (row->why_not[0] != '\0') {
        out_printf(out, "  Not up: %s\n", row->why_not);
    }
    out_printf(out, "  Last read %s, Last write %s\n", words_age(row->last_read_ms, age),
               words_age(row->last_write_ms, write_age));
    out_printf(out, "  Hold time is %u seconds, keepalive interval is %u seconds\n",
               row->hold_time_s, row->keepalive_s);
    out_printf(out, "  Configured hold time is %u seconds, keepalive interval is %u seconds\n",
               row->configured_hold_time_s, row->configured_keepalive_s);
}

static void tail(struct render *render, const Control__Neighbor *row)
{
    char text[WORDS_ADDR_BYTES];
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    out_printf(out, "\n  Connections established %u; dropped %u\n", row->established_count,
               row->dropped_count);
    if (row->last_reset_ms < 0) {
        out_text(out, "  Last reset never\n");
    } else {
        out_printf(out, "  Last reset %s,  Reason: %s\n", words_age(row->last_reset_ms, age),
                   row->last_reset_reason);
    }
    if (row->ttl_hops != 0) {
        out_printf(out, "  TTL security: neighbor at most %u hops away\n", row->ttl_hops);
    } else if (row->ttl > 1) {
        out_printf(out, "  External BGP neighbor may be up to %u hops away.\n", row->ttl);
    }
    if (row->tunnel[0] != '\0') {
        out_printf(out, "  Session runs through tunnel %s only\n", row->tunnel);
    }
    if (row->path_class != 0) {
        out_printf(out, "  Path class of the session: %s\n", words_path_class(row->path_class));
    }
    if (row->liveness[0] != '\0') {
        out_printf(out, "  Liveness: %s\n", row->liveness);
    }
    if (row->local_addr.len != 0) {
        out_printf(out, "Local host: %s, Local port: %u\n", words_addr(&row->local_addr, text),
                   row->local_port);
        out_printf(out, "Foreign host: %s, Foreign port: %u\n", words_addr(&row->addr, text),
                   row->remote_port);
    }
    out_printf(out, "BGP Connect Retry Timer in Seconds: %u\n", row->connect_retry_s);
    if (row->has_password) {
        out_text(out, "Peer Authentication Enabled\n");
    }
    if (row->bfd) {
        out_printf(out, "  BFD: Type: %s, Detect Multiplier: %u, Min Rx and Tx interval: %u\n",
                   row->ttl > 1 ? "multi hop" : "single hop", row->bfd_multiplier,
                   row->bfd_interval_ms);
    }
    out_text(out, "\n");
}

static void answer(struct render *render, const Control__Answer *frame)
{
    if (frame->global != NULL) {
        render_take_global(render, frame->global);
    }
    for (size_t i = 0; i < frame->n_neighbors; i++) {
        const Control__Neighbor *row = frame->neighbors[i];
        const Control__NeighborFamily *only =
            line_has(render->line, "ipv6") || line_has(render->line, "ipv4")
                ? render_neighbor_family(row, line_has(render->line, "ipv6") ? 6 : 4)
                : NULL;
        if (only != NULL && !only->is_configured && line_arg(render->line, ARG_NEIGHBOR) == NULL) {
            continue;
        }
        head(render, row);
        capabilities(render->out, row);
        neighbor_restart_text(render->out, row);
        statistics(render->out, row);
        for (size_t j = 0; j < row->n_families; j++) {
            if (row->families[j]->is_configured) {
                family_block(render->out, row, row->families[j]);
            }
        }
        tail(render, row);
        render->path_count++;
    }
}

static void end(struct render *render)
{
    if (render->has_global && render->path_count == 0) {
        out_text(render->out, render->is_configured ? "% No BGP neighbors found\n"
                                                    : "% BGP instance not found\n");
    }
}

const struct view_ops text_neighbors = {render_nothing, render_nothing, answer,
                                        render_ignore_status, end};
