/* Rows as the daemon sends them, made by hand, for the renderers. */
#ifndef TESTS_UNIT_CLI_SAMPLE_ROWS_H
#define TESTS_UNIT_CLI_SAMPLE_ROWS_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/cli/commands.h"
#include "proto/base/assert.h"

#define SAMPLE_NOW 1767225600 /* 2026-01-01T00:00:00Z */

/* Everything of a sample lives as long as the program: a test is one short process. The chain keeps
 * it reachable, so that a leak of the code under test stands out. */
struct kept {
    struct kept *next;
    _Alignas(16) uint8_t memory[];
};

static inline void *keep(size_t size)
{
    static struct kept *chain;
    struct kept *item = calloc(1, sizeof *item + size);
    ASSERT(item != NULL);
    item->next = chain;
    chain = item;
    return item->memory;
}

static inline ProtobufCBinaryData sample_addr(const char *text)
{
    uint8_t *bytes = keep(16);
    if (text == NULL) {
        return (ProtobufCBinaryData){0, NULL};
    }
    if (inet_pton(AF_INET, text, bytes) == 1) {
        return (ProtobufCBinaryData){4, bytes};
    }
    ASSERT(inet_pton(AF_INET6, text, bytes) == 1);
    return (ProtobufCBinaryData){16, bytes};
}

static inline char *sample_text(const char *text)
{
    char *copy = keep(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    return copy;
}

static inline ProtobufCBinaryData sample_bytes(const void *data, size_t size)
{
    uint8_t *copy = keep(size + 1);
    memcpy(copy, data, size);
    return (ProtobufCBinaryData){size, copy};
}

static inline ProtobufCBinaryData sample_as_path(const uint32_t *asns, size_t count)
{
    uint8_t *bytes = keep(2 + count * 4);
    bytes[0] = 2;
    bytes[1] = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        store_be32(bytes + 2 + i * 4, asns[i]);
    }
    return (ProtobufCBinaryData){count == 0 ? 0 : 2 + count * 4, bytes};
}

static inline Control__Answer *sample_answer(void)
{
    Control__Answer *answer = keep(sizeof *answer);
    control__answer__init(answer);
    return answer;
}

static inline Control__Global *sample_global(void)
{
    Control__Global *row = keep(sizeof *row);
    control__global__init(row);
    row->is_configured = true;
    row->hostname = sample_text("ce1");
    row->daemon_version = sample_text("0.1.0");
    row->asn = 65001;
    row->router_id = 0xc0a8ff01;
    row->default_local_pref = 100;
    row->peers = 3;
    row->rib_bytes = 896;
    row->peer_bytes = 67584;
    row->attr_sets = 7;
    row->n_families = 2;
    row->families = keep(2 * sizeof *row->families);
    for (size_t i = 0; i < 2; i++) {
        Control__GlobalFamily *family = keep(sizeof *family);
        control__global_family__init(family);
        family->family = i == 0 ? 4 : 6;
        family->table_version = i == 0 ? 12 : 3;
        family->destinations = i == 0 ? 4 : 1;
        family->routes = i == 0 ? 6 : 1;
        row->families[i] = family;
    }
    return row;
}

static inline Control__Path *sample_path(const char *prefix, uint32_t len, const char *next_hop,
                                         uint32_t asn)
{
    Control__Path *row = keep(sizeof *row);
    control__path__init(row);
    row->prefix = sample_addr(prefix);
    row->prefix_len = len;
    row->is_first = true;
    row->as_path = sample_as_path(&asn, asn == 0 ? 0 : 1);
    row->next_hop = sample_addr(next_hop);
    row->is_eligible = true;
    row->flags = CONTROL__PATH__FLAG__BEST;
    row->reason = 2;
    row->weight = 200;
    row->nexthop_state = 1;
    row->age_ms = 727000;
    if (asn != 0) {
        row->peer = sample_addr(next_hop);
        row->peer_router_id = 0x0a33e60c;
        row->peer_asn = asn;
        row->path_class = 3;
        row->tunnel = sample_text("ipsec0");
        row->interface = sample_text("ipsec0");
    } else {
        row->source_kind = 2;
        row->weight = 32768;
        row->reason = 1;
        row->has_med = true;
        row->next_hop = (ProtobufCBinaryData){0, NULL};
    }
    return row;
}

/* The table of the mission: both ways to the same prefix, one more each, two of our own. */
static inline Control__Answer *sample_table(void)
{
    Control__Answer *answer = sample_answer();
    answer->global = sample_global();
    answer->n_paths = 6;
    answer->paths = keep(6 * sizeof *answer->paths);
    answer->paths[0] = sample_path("10.1.0.0", 16, NULL, 0);
    answer->paths[1] = sample_path("10.51.230.0", 24, "10.51.230.12", 65515);
    static const uint8_t communities[] = {0x2f, 0x2c, 0xc7, 0x3c, 0xff, 0xff, 0xff, 0x01};
    answer->paths[1]->communities = sample_bytes(communities, sizeof communities);
    Control__Path *clear = sample_path("10.51.230.0", 24, "172.16.0.2", 12076);
    clear->is_first = false;
    clear->is_eligible = false;
    clear->flags = 0;
    clear->reason = 25;
    clear->required_classes = 4;
    clear->weight = 0;
    clear->path_class = 1;
    clear->tunnel = sample_text("");
    clear->interface = sample_text("eth1");
    clear->peer_router_id = 0xac100002;
    answer->paths[2] = clear;
    Control__Path *lower = sample_path("10.60.0.0", 16, "172.16.0.2", 12076);
    static const uint32_t prepended[] = {12076, 12076, 65515};
    lower->as_path = sample_as_path(prepended, 3);
    lower->has_med = true;
    lower->med = 4294967295;
    lower->has_local_pref = true;
    lower->local_pref = 150;
    lower->flags = CONTROL__PATH__FLAG__BEST;
    lower->is_rib_failure = true;
    answer->paths[3] = lower;
    Control__Path *internal = sample_path("10.60.0.0", 16, "192.168.255.2", 64512);
    internal->is_first = false;
    internal->source_kind = 1;
    internal->flags = CONTROL__PATH__FLAG__MULTIPATH | CONTROL__PATH__FLAG__STALE;
    internal->reason = 10;
    internal->origin = 2;
    internal->nexthop_metric = 20;
    answer->paths[4] = internal;
    answer->paths[5] = sample_path("203.0.113.128", 25, "10.51.230.12", 65515);
    return answer;
}

static inline Control__Answer *sample_prefix(void)
{
    Control__Answer *all = sample_table();
    Control__Answer *answer = sample_answer();
    Control__Destination *head = keep(sizeof *head);
    control__destination__init(head);
    head->prefix = sample_addr("10.51.230.0");
    head->prefix_len = 24;
    head->path_count = 2;
    head->best = 1;
    head->table_version = 12;
    head->n_advertised_to = 2;
    head->advertised_count = 3;
    head->advertised_to = keep(2 * sizeof *head->advertised_to);
    head->advertised_to[0] = sample_addr("172.16.0.2");
    head->advertised_to[1] = sample_addr("172.16.0.6");
    answer->global = sample_global();
    answer->n_destinations = 1;
    answer->destinations = keep(sizeof *answer->destinations);
    answer->destinations[0] = head;
    answer->n_paths = 2;
    answer->paths = all->paths + 1;
    answer->paths[1]->path_id = 7;
    static const uint8_t ext[] = {0, 2, 0xfd, 0xe9, 0, 0, 0, 100, 0x43, 6, 0, 0, 0, 0, 0, 1};
    static const uint8_t large[] = {0, 0, 0xfd, 0xe9, 0, 0, 0, 1, 0, 0, 0, 2};
    answer->paths[0]->ext_communities = sample_bytes(ext, sizeof ext);
    answer->paths[0]->large_communities = sample_bytes(large, sizeof large);
    answer->paths[0]->atomic_aggregate = true;
    answer->paths[0]->aggregator_asn = 65515;
    answer->paths[0]->aggregator_id = 0x0a33e60c;
    answer->paths[1]->originator_id = 0x01020304;
    static const uint8_t clusters[] = {1, 1, 1, 1, 2, 2, 2, 2};
    answer->paths[1]->cluster_list = sample_bytes(clusters, sizeof clusters);
    return answer;
}

static inline Control__Answer *sample_absent(void)
{
    Control__Answer *answer = sample_answer();
    Control__Absent *row = keep(sizeof *row);
    control__absent__init(row);
    row->prefix = sample_addr("198.51.100.0");
    row->prefix_len = 24;
    row->why = sample_text("no neighbor has sent it");
    answer->global = sample_global();
    answer->n_absent = 1;
    answer->absent = keep(sizeof *answer->absent);
    answer->absent[0] = row;
    return answer;
}

static inline Control__Capabilities *sample_capabilities(bool is_remote)
{
    Control__Capabilities *row = keep(sizeof *row);
    control__capabilities__init(row);
    row->families = is_remote ? 1 : 3;
    row->route_refresh = true;
    row->as4 = true;
    row->extended_message = !is_remote;
    row->enhanced_refresh = !is_remote;
    row->graceful_restart = true;
    row->restart_time_s = 120;
    row->gr_families = is_remote ? 1 : 0;
    row->gr_forwarding = is_remote ? 1 : 0;
    row->restart_state = is_remote;
    row->restart_notification = is_remote;
    row->fqdn = is_remote;
    row->hostname = sample_text(is_remote ? "msee1" : "");
    row->add_path_receive = is_remote ? 0 : 1;
    row->add_path_send = 1;
    row->extended_next_hop = is_remote ? 0 : 1;
    row->role = is_remote ? 1 : 4;
    return row;
}

static inline Control__MessageCounts *sample_counts(uint64_t base)
{
    Control__MessageCounts *row = keep(sizeof *row);
    control__message_counts__init(row);
    row->opens = 1;
    row->updates = base;
    row->keepalives = base * 2;
    row->route_refreshes = 1;
    return row;
}

static inline Control__NeighborFamily *sample_family(uint32_t family, bool is_configured)
{
    Control__NeighborFamily *row = keep(sizeof *row);
    control__neighbor_family__init(row);
    row->family = family;
    row->is_configured = is_configured;
    row->is_negotiated = is_configured;
    row->received = is_configured ? 3 : 0;
    row->accepted = is_configured ? 2 : 0;
    row->sent = is_configured ? 5 : 0;
    row->update_group = is_configured ? 1 : 0;
    row->send_community = 7;
    row->end_of_rib_received = is_configured;
    return row;
}

static inline Control__Neighbor *sample_neighbor(const char *addr, uint32_t asn, uint32_t state)
{
    Control__Neighbor *row = keep(sizeof *row);
    control__neighbor__init(row);
    row->addr = sample_addr(addr);
    row->remote_asn = asn;
    row->local_asn = 65001;
    row->is_ebgp = true;
    row->state = state;
    row->state_age_ms = state == 5 ? 312000 : -1;
    row->last_read_ms = state == 5 ? 12000 : -1;
    row->last_write_ms = state == 5 ? 2000 : -1;
    row->hold_time_s = 180;
    row->keepalive_s = 60;
    row->configured_hold_time_s = 180;
    row->configured_keepalive_s = 60;
    row->stale_path_time_s = 360;
    row->connect_retry_s = 120;
    row->received = sample_counts(4);
    row->sent = sample_counts(6);
    row->last_reset_ms = -1;
    row->n_families = 2;
    row->families = keep(2 * sizeof *row->families);
    row->families[0] = sample_family(4, true);
    row->families[1] = sample_family(6, false);
    return row;
}

static inline Control__Answer *sample_neighbors(void)
{
    Control__Answer *answer = sample_answer();
    answer->global = sample_global();
    answer->n_neighbors = 4;
    answer->neighbors = keep(4 * sizeof *answer->neighbors);
    Control__Neighbor *up = sample_neighbor("172.16.0.2", 12076, 5);
    up->description = sample_text("MSEE primary");
    up->azure_role = sample_text("msee");
    up->remote_router_id = 0xac100002;
    up->local_capabilities = sample_capabilities(false);
    up->remote_capabilities = sample_capabilities(true);
    up->local_addr = sample_addr("172.16.0.1");
    up->local_port = 179;
    up->remote_port = 41554;
    up->established_count = 2;
    up->dropped_count = 1;
    up->last_reset_ms = 400000;
    up->last_reset_reason = sample_text("hold timer expired");
    up->path_class = 1;
    up->liveness = sample_text("bfd up");
    up->has_password = true;
    up->bfd = true;
    up->bfd_interval_ms = 300;
    up->bfd_multiplier = 3;
    up->uses_azure_policy = true;
    up->families[0]->advertise_map = sample_text("backup");
    up->families[0]->condition_map = sample_text("isp");
    up->families[0]->condition_is_absence = true;
    up->families[0]->condition_is_met = true;
    up->treat_as_withdraw = 2;
    up->families[0]->max_prefixes = 1000;
    answer->neighbors[0] = up;
    Control__Neighbor *policy = sample_neighbor("10.51.230.12", 65515, 5);
    policy->families[0]->policy_missing_in = true;
    policy->families[0]->policy_missing_out = true;
    policy->families[0]->route_map_out = sample_text("TO-HUB");
    policy->tunnel = sample_text("ipsec0");
    policy->ttl = 2;
    policy->path_class = 3;
    policy->liveness = sample_text("tunnel ipsec0 up");
    policy->state_age_ms = 93784000;
    answer->neighbors[1] = policy;
    Control__Neighbor *down = sample_neighbor("192.0.2.9", 4200000001, 0);
    down->is_admin_down = true;
    down->shutdown_message = sample_text("maintenance");
    answer->neighbors[2] = down;
    Control__Neighbor *six = sample_neighbor("2001:db8:ffff:ffff::2", 12076, 2);
    six->families[0]->is_configured = false;
    six->families[1] = sample_family(6, true);
    six->families[1]->is_negotiated = false;
    six->families[1]->is_stale = true;
    six->families[1]->is_long_lived = true;
    six->families[1]->stale_left_s = 77;
    six->why_not = sample_text("connection refused; next attempt within 8 s");
    answer->neighbors[3] = six;
    return answer;
}

static inline Control__Leg *sample_leg(const char *gateway, const char *interface,
                                       const char *recursive_via)
{
    Control__Leg *row = keep(sizeof *row);
    control__leg__init(row);
    row->gateway = sample_addr(gateway);
    row->interface = sample_text(interface);
    row->recursive_via = sample_addr(recursive_via);
    row->weight = 1;
    row->is_active = true;
    row->path_class = strncmp(interface, "ipsec", 5) == 0 ? 3 : 1;
    return row;
}

static inline Control__IpRoute *sample_route(const char *prefix, uint32_t len, uint32_t kind)
{
    Control__IpRoute *row = keep(sizeof *row);
    control__ip_route__init(row);
    row->prefix = sample_addr(prefix);
    row->prefix_len = len;
    row->kind = (Control__IpRoute__Kind)kind;
    row->install = CONTROL__IP_ROUTE__INSTALL__INSTALLED;
    row->is_selected = true;
    row->distance = kind == CONTROL__IP_ROUTE__KIND__BGP ? 20 : 0;
    row->table = 254;
    row->age_ms = 727000;
    row->legs = keep(4 * sizeof *row->legs);
    return row;
}

static inline Control__Answer *sample_ip_routes(void)
{
    Control__Answer *answer = sample_answer();
    answer->n_ip_routes = 8;
    answer->ip_routes = keep(8 * sizeof *answer->ip_routes);
    Control__IpRoute *one = sample_route("0.0.0.0", 0, CONTROL__IP_ROUTE__KIND__KERNEL);
    one->n_legs = 1;
    one->legs[0] = sample_leg("192.0.2.254", "eth9", NULL);
    one->metric = 100;
    Control__IpRoute *two = sample_route("10.51.230.0", 23, CONTROL__IP_ROUTE__KIND__GUARD);
    two->type = CONTROL__IP_ROUTE__TYPE__UNREACHABLE;
    two->note = sample_text("guards 10.51.230.0/23");
    Control__IpRoute *three = sample_route("10.51.230.0", 24, CONTROL__IP_ROUTE__KIND__BGP);
    three->n_legs = 3;
    three->nexthop_object = 77;
    three->legs[0] = sample_leg(NULL, "ipsec0", "10.51.230.12");
    three->legs[1] = sample_leg(NULL, "ipsec1", "10.51.230.13");
    three->legs[2] = sample_leg("172.16.0.2", "eth1", NULL);
    three->legs[2]->is_backup = true;
    Control__IpRoute *four = sample_route("10.51.230.4", 32, CONTROL__IP_ROUTE__KIND__PIN);
    four->n_legs = 2;
    four->legs[0] = sample_leg("172.16.0.2", "eth1", NULL);
    four->legs[1] = sample_leg("172.16.0.6", "eth2", NULL);
    four->note = sample_text("endpoint of ipsec0");
    Control__IpRoute *five = sample_route("10.60.0.0", 16, CONTROL__IP_ROUTE__KIND__BGP);
    five->install = CONTROL__IP_ROUTE__INSTALL__QUEUED;
    five->n_legs = 1;
    five->legs[0] = sample_leg("172.16.0.2", "eth1", NULL);
    five->tag = 9;
    Control__IpRoute *six = sample_route("10.61.0.0", 16, CONTROL__IP_ROUTE__KIND__BGP);
    six->install = CONTROL__IP_ROUTE__INSTALL__FAILED;
    six->n_legs = 1;
    six->legs[0] = sample_leg("172.16.0.2", "eth1", NULL);
    six->note = sample_text("Nexthop has invalid gateway");
    Control__IpRoute *seven = sample_route("172.16.0.0", 30, CONTROL__IP_ROUTE__KIND__CONNECTED);
    seven->n_legs = 1;
    seven->legs[0] = sample_leg(NULL, "eth1", NULL);
    Control__IpRoute *eight = sample_route("192.0.2.0", 24, CONTROL__IP_ROUTE__KIND__STATIC);
    eight->type = CONTROL__IP_ROUTE__TYPE__BLACKHOLE;
    eight->distance = 1;
    eight->is_selected = false;
    eight->install = CONTROL__IP_ROUTE__INSTALL__NOT_WANTED;
    Control__IpRoute *const rows[] = {one, two, three, four, five, six, seven, eight};
    memcpy(answer->ip_routes, rows, sizeof rows);
    return answer;
}

static inline Control__Answer *sample_ip_route(void)
{
    Control__Answer *all = sample_ip_routes();
    Control__Answer *answer = sample_answer();
    answer->n_ip_routes = 1;
    answer->ip_routes = all->ip_routes + 2;
    return answer;
}

static inline Control__Evidence *sample_evidence(uint32_t source, bool is_known, bool is_alive)
{
    Control__Evidence *row = keep(sizeof *row);
    control__evidence__init(row);
    row->source = source;
    row->is_known = is_known;
    row->is_alive = is_alive;
    row->age_ms = 5000;
    row->detail = sample_text(source == 2 ? "2 SAs, rekey in 00:41:12" : "");
    return row;
}

static inline Control__Answer *sample_tunnels(void)
{
    Control__Answer *answer = sample_answer();
    Control__Tunnel *up = keep(sizeof *up);
    Control__Tunnel *down = keep(sizeof *down);
    control__tunnel__init(up);
    control__tunnel__init(down);
    up->name = sample_text("ipsec0");
    up->interface = sample_text("ipsec0");
    up->local_endpoint = sample_addr("10.1.255.1");
    up->remote_endpoint = sample_addr("10.51.230.4");
    up->path_class = 3;
    up->underlay_classes = 3;
    up->if_id = 7;
    up->is_alive = true;
    up->age_ms = 3727000;
    up->ifindex = 12;
    up->n_evidence = 2;
    up->evidence = keep(2 * sizeof *up->evidence);
    up->evidence[0] = sample_evidence(1, true, true);
    up->evidence[1] = sample_evidence(2, true, true);
    up->is_endpoint_pinned = true;
    up->n_pin_legs = 1;
    up->pin_legs = keep(sizeof *up->pin_legs);
    up->pin_legs[0] = sample_leg("172.16.0.2", "eth1", NULL);
    up->n_inner_peers = 1;
    up->inner_peer_count = 1;
    up->inner_peers = keep(sizeof *up->inner_peers);
    up->inner_peers[0] = sample_addr("10.51.230.12");
    up->prefixes = 2;
    up->refused_capture =
        sample_text("10.51.230.0/24 from 10.51.230.12 would capture the endpoint");
    down->name = sample_text("ipsec1");
    down->interface = sample_text("vti1");
    down->local_endpoint = sample_addr("10.1.255.1");
    down->remote_endpoint = sample_addr("10.51.230.5");
    down->path_class = 3;
    down->underlay_classes = 1;
    down->age_ms = -1;
    down->n_evidence = 1;
    down->evidence = keep(sizeof *down->evidence);
    down->evidence[0] = sample_evidence(8, false, false);
    answer->n_tunnels = 2;
    answer->tunnels = keep(2 * sizeof *answer->tunnels);
    answer->tunnels[0] = up;
    answer->tunnels[1] = down;
    return answer;
}

static inline Control__Answer *sample_protection(void)
{
    Control__Answer *answer = sample_answer();
    Control__Protection *row = keep(sizeof *row);
    Control__Protection *six = keep(sizeof *six);
    control__protection__init(row);
    control__protection__init(six);
    row->prefix = sample_addr("10.51.230.0");
    row->prefix_len = 23;
    row->allowed_classes = 4;
    row->is_guard_installed = true;
    row->protected_prefixes = 2;
    row->refused_paths = 1;
    row->status = sample_text("protected");
    six->prefix = sample_addr("2001:db8:1234:5678::");
    six->prefix_len = 64;
    six->allowed_classes = 6;
    six->is_blackhole_guard = true;
    six->status = sample_text("guard missing: no such device");
    answer->n_protections = 2;
    answer->protections = keep(2 * sizeof *answer->protections);
    answer->protections[0] = row;
    answer->protections[1] = six;
    row->overrules_foreign = true;
    Control__ForeignRoute *foreign = keep(2 * sizeof *foreign);
    answer->n_foreign_routes = 2;
    answer->foreign_routes = keep(2 * sizeof *answer->foreign_routes);
    for (size_t i = 0; i < 2; i++) {
        control__foreign_route__init(&foreign[i]);
        answer->foreign_routes[i] = &foreign[i];
        foreign[i].prefix = sample_addr("10.51.231.0");
        foreign[i].prefix_len = 25;
        foreign[i].interface = sample_text("er1");
        foreign[i].age_ms = 12000;
    }
    foreign[0].protocol = 4;
    foreign[0].reason = sample_text("carries protected destinations in the clear");
    foreign[0].is_overruled = true;
    foreign[0].answer = sample_text("overruled");
    foreign[1].is_connected = true;
    foreign[1].reason = sample_text("the network of a clear interface lies inside");
    foreign[1].answer = sample_text("cannot be overruled");
    return answer;
}

/* One up and quiet, one with everything that can be configured, held down. */
static inline Control__Answer *sample_bfd_peers(void)
{
    Control__Answer *answer = sample_answer();
    Control__BfdPeer *rows = keep(2 * sizeof *rows);
    answer->n_bfd_peers = 2;
    answer->bfd_peers = keep(2 * sizeof *answer->bfd_peers);
    for (size_t i = 0; i < 2; i++) {
        control__bfd_peer__init(&rows[i]);
        answer->bfd_peers[i] = &rows[i];
        rows[i].multiplier = 3;
        rows[i].receive_us = 300000;
        rows[i].transmit_us = 300000;
        rows[i].diagnostic = sample_text("no diagnostic");
        rows[i].remote_diagnostic = sample_text("control detection time expired");
    }
    rows[0].peer = sample_addr("172.16.0.2");
    rows[0].local = sample_addr("172.16.0.1");
    rows[0].interface = sample_text("er1");
    rows[0].discriminator = 2123456789;
    rows[0].remote_discriminator = 1;
    rows[0].state = 3;
    rows[0].age_ms = 93784000;
    rows[0].remote_multiplier = 5;
    rows[0].remote_receive_us = 50000;
    rows[0].remote_transmit_us = 300000;
    rows[0].transmit_in_force_us = 300000;
    rows[0].detection_us = 1500000;
    rows[0].received = 348;
    rows[0].sent = 685;
    rows[0].ups = 1;
    rows[1].peer = sample_addr("2001:db8::2");
    rows[1].is_multihop = true;
    rows[1].is_passive = true;
    rows[1].discriminator = 77;
    rows[1].state = 1;
    rows[1].age_ms = 5000;
    rows[1].auth_type = 5;
    rows[1].auth_key_id = 9;
    rows[1].minimum_ttl = 250;
    rows[1].hold_down_ms = 2000;
    rows[1].is_held_down = true;
    rows[1].send_errors = 3;
    rows[1].downs = 2;
    rows[1].n_discards = 2;
    rows[1].discards = keep(2 * sizeof *rows[1].discards);
    for (size_t i = 0; i < 2; i++) {
        rows[1].discards[i] = keep(sizeof(Control__BfdDiscard));
        control__bfd_discard__init(rows[1].discards[i]);
        rows[1].discards[i]->packets = 4 + i;
    }
    answer->n_bfd_discards = 1;
    answer->bfd_discards = keep(sizeof *answer->bfd_discards);
    answer->bfd_discards[0] = rows[1].discards[1];
    rows[1].discards[0]->reason = sample_text("wrong version");
    rows[1].discards[1]->reason = sample_text("TTL is not 255");
    return answer;
}

static inline Control__Answer *sample_failovers(void)
{
    Control__Answer *answer = sample_answer();
    Control__Failover *rows = keep(2 * sizeof *rows);
    answer->n_failovers = 2;
    answer->failovers = keep(2 * sizeof *answer->failovers);
    for (size_t i = 0; i < 2; i++) {
        control__failover__init(&rows[i]);
        answer->failovers[i] = &rows[i];
    }
    rows[0].number = 12;
    rows[0].cause = sample_text("tunnel ipsec0 down, says its vici");
    rows[0].age_ms = 12000;
    rows[0].detect_us = 31;
    rows[0].decide_us = 64;
    rows[0].program_us = 112;
    rows[0].confirm_us = 27;
    rows[0].groups = 2;
    rows[0].destinations = 1000000;
    rows[1].number = 11;
    rows[1].cause = sample_text("gateway 172.16.0.2 down, says BFD");
    rows[1].age_ms = 7200000;
    rows[1].program_us = 20112;
    rows[1].groups = 1;
    rows[1].discarding = 1;
    rows[1].destinations = 3;
    rows[1].plain_routes = 2;
    return answer;
}

static inline Control__PathHop *sample_hop(const char *gateway, const char *interface,
                                           uint32_t path_class)
{
    Control__PathHop *hop = keep(sizeof *hop);
    Control__Leg *leg = keep(sizeof *leg);
    control__path_hop__init(hop);
    control__leg__init(leg);
    leg->gateway = sample_addr(gateway);
    leg->interface = sample_text(interface);
    leg->path_class = path_class;
    hop->leg = leg;
    return hop;
}

static inline Control__Answer *sample_verdict(void)
{
    Control__Answer *answer = sample_answer();
    Control__PathVerdict *row = keep(sizeof *row);
    control__path_verdict__init(row);
    row->destination = sample_addr("10.51.231.10");
    row->source = sample_addr("10.1.1.10");
    row->verdict = CONTROL__PATH_VERDICT__VERDICT__EXPOSED;
    row->text = sample_text("10.51.231.10 must be protected and would leave in the clear");
    row->is_protected = true;
    row->protection = sample_addr("10.51.230.0");
    row->protection_len = 23;
    row->required_classes = 4;
    row->is_guard_installed = true;
    row->has_route = true;
    row->route = sample_addr("10.51.231.0");
    row->route_len = 25;
    row->protocol = 4;
    row->metric = 7;
    row->nexthop_object = 12;
    row->xfrm = CONTROL__PATH_VERDICT__XFRM__READ;
    row->policies = 2;
    row->n_hops = 2;
    row->hops = keep(2 * sizeof *row->hops);
    row->hops[0] = sample_hop("172.16.0.2", "er1", 1);
    row->hops[0]->is_chosen = true;
    row->hops[0]->encryption = sample_text("none: no XFRM policy takes it");
    row->hops[1] = sample_hop(NULL, "ipsec0", 3);
    row->hops[1]->is_dropped = true;
    row->hops[1]->encryption = sample_text("no XFRM policy of if_id 42 takes it");
    row->hops[1]->tunnel = sample_text("ipsec0");
    row->hops[1]->n_evidence = 2;
    row->hops[1]->evidence = keep(2 * sizeof *row->hops[1]->evidence);
    row->hops[1]->evidence[0] = sample_evidence(1, true, true);
    row->hops[1]->evidence[1] = sample_evidence(2, true, false);
    answer->n_verdicts = 1;
    answer->verdicts = keep(sizeof *answer->verdicts);
    answer->verdicts[0] = row;
    return answer;
}

static inline Control__Answer *sample_fib_audit(void)
{
    Control__Answer *answer = sample_answer();
    Control__FibAudit *row = keep(sizeof *row);
    Control__Drift *drifts = keep(2 * sizeof *drifts);
    control__fib_audit__init(row);
    row->interval_s = 60;
    row->rounds = 17;
    row->rereads = 1;
    row->ended_age_ms = 12000;
    row->took_us = 41200;
    row->routes = 4012;
    row->plain_routes = 7;
    row->objects = 9;
    row->refused = 3;
    row->n_repaired = 6;
    row->repaired = keep(6 * sizeof *row->repaired);
    row->repaired[3] = 1;
    row->repaired[4] = 2;
    row->n_drifts = 2;
    row->drifts = keep(2 * sizeof *row->drifts);
    for (size_t i = 0; i < 2; i++) {
        control__drift__init(&drifts[i]);
        drifts[i].age_ms = 12000;
        row->drifts[i] = &drifts[i];
    }
    drifts[0].kind = CONTROL__DRIFT__KIND__NEXTHOP;
    drifts[0].what = CONTROL__DRIFT__WHAT__CHANGED;
    drifts[0].object = 1587544068;
    drifts[1].kind = CONTROL__DRIFT__KIND__GUARD;
    drifts[1].what = CONTROL__DRIFT__WHAT__MISSING;
    drifts[1].prefix = sample_addr("10.51.230.0");
    drifts[1].prefix_len = 23;
    answer->fib_audit = row;
    return answer;
}

static inline Control__Answer *sample_memory(void)
{
    Control__Answer *answer = sample_answer();
    Control__Memory *row = keep(sizeof *row);
    control__memory__init(row);
    row->name = sample_text("routes");
    row->bytes = 123456789;
    row->blocks = 42;
    answer->global = sample_global();
    answer->n_memory = 1;
    answer->memory = keep(sizeof *answer->memory);
    answer->memory[0] = row;
    return answer;
}

static inline Control__Answer *sample_version(void)
{
    Control__Answer *answer = sample_answer();
    answer->global = sample_global();
    return answer;
}

static inline Control__Answer *sample_config(void)
{
    Control__Answer *answer = sample_answer();
    static const char text[] = "{}\n";
    answer->text = sample_bytes(text, sizeof text - 1);
    return answer;
}

static inline Control__Answer *sample_nothing(void)
{
    Control__Answer *answer = sample_answer();
    answer->global = sample_global();
    return answer;
}

#endif
