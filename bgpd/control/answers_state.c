/* The daemon as a whole, its tunnels, its protections, its memory. */
#include <string.h>

#include "bgpd/control/control_private.h"

_Static_assert((int)PATH_CLASS_CLEAR == 0 && (int)PATH_CLASS_MACSEC == 1 &&
                   (int)PATH_CLASS_IPSEC == 2,
               "path classes are part of the protocol");
_Static_assert((int)LIVENESS_INTERFACE == 1 && (int)LIVENESS_XFRM == 2 && (int)LIVENESS_VICI == 4 &&
                   (int)LIVENESS_PROBE == 8 && (int)LIVENESS_BFD == 16,
               "evidence sources are part of the protocol");

static void put_global(struct control_client *client)
{
    struct snapshot_global global;
    snapshot_global(client->server->core, &global);
    Control__GlobalFamily families[AFI_SAFI_COUNT];
    Control__GlobalFamily *family_rows[AFI_SAFI_COUNT];
    for (unsigned i = 0; i < AFI_SAFI_COUNT; i++) {
        control__global_family__init(&families[i]);
        families[i].family = afi_safi_family((enum afi_safi)i);
        families[i].table_version = global.table_version[i];
        families[i].destinations = global.dest_count[i];
        families[i].routes = global.route_count[i];
        family_rows[i] = &families[i];
    }
    Control__Global row = CONTROL__GLOBAL__INIT;
    row.is_configured = global.is_configured;
    row.hostname = value_text(global.hostname);
    row.asn = global.asn;
    row.router_id = global.router_id;
    row.default_local_pref = global.default_local_pref;
    row.peers = global.peer_count;
    row.n_families = AFI_SAFI_COUNT;
    row.families = family_rows;
    row.attr_sets = global.attr_set_count;
    row.rib_bytes = global.rib_bytes;
    row.peer_bytes = global.peer_bytes;
    row.is_busy = global.is_busy;
    row.daemon_version = value_text(SEALANE_VERSION);
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.global = &row;
    answer_put(client, &part);
}

void answer_global(struct control_client *client)
{
    put_global(client);
}

void request_global(struct control_client *client)
{
    put_global(client);
    answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
}

/* ---- Tunnels ---- */

static void put_tunnel(struct control_client *client, const struct snapshot_tunnel *tunnel)
{
    arena_reset(&client->scratch);
    const struct config_tunnel *config = tunnel->tunnel;
    ProtobufCBinaryData inner[sizeof tunnel->inner_peers / sizeof tunnel->inner_peers[0]];
    size_t inner_max = sizeof inner / sizeof inner[0];
    size_t inner_count =
        tunnel->inner_peer_count < inner_max ? tunnel->inner_peer_count : inner_max;
    for (size_t i = 0; i < inner_count; i++) {
        inner[i] = value_addr(&tunnel->inner_peers[i]);
    }
    Control__Tunnel row = CONTROL__TUNNEL__INIT;
    row.name = value_text(config->name);
    row.interface = value_text(config->interface);
    row.local_endpoint = value_addr(&config->local_endpoint);
    row.remote_endpoint = value_addr(&config->remote_endpoint);
    row.path_class = value_path_class(true, config->path_class);
    row.underlay_classes = config->underlay_classes;
    row.if_id = config->if_id;
    row.is_alive = tunnel->is_alive;
    row.age_ms = value_age_ms(client->now, tunnel->since);
    row.ifindex = tunnel->ifindex;
    row.n_evidence = tunnel->evidence_count;
    row.evidence = value_evidence(client, tunnel->evidence, tunnel->evidence_count);
    row.is_endpoint_pinned = tunnel->is_endpoint_pinned;
    row.n_pin_legs = tunnel->pin_leg_count;
    row.pin_legs = value_legs(client, tunnel->pin_legs, tunnel->pin_leg_count);
    row.refused_capture = value_text(tunnel->refused_capture);
    row.n_inner_peers = inner_count;
    row.inner_peers = inner;
    row.inner_peer_count = tunnel->inner_peer_count;
    row.prefixes = tunnel->prefixes;
    Control__Tunnel *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_tunnels = 1;
    part.tunnels = rows;
    answer_put(client, &part);
}

static void step_tunnels(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct list_request *list = &client->list;
    struct snapshot_tunnel tunnel;
    while (answer_pending(client) < ANSWER_FRAME_BYTES) {
        if (!snapshot_tunnel(client->server->core, list->index, &tunnel)) {
            bool is_missing = list->name[0] != '\0' && list->count == 0;
            answer_finish(client,
                          is_missing ? CONTROL__STATUS__CODE__NOT_FOUND : CONTROL__STATUS__CODE__OK,
                          list->count, "%s", is_missing ? "no such tunnel" : "");
            return;
        }
        list->index++;
        if (list->name[0] == '\0' || strcmp(list->name, tunnel.tunnel->name) == 0) {
            put_tunnel(client, &tunnel);
            list->count++;
        }
    }
}

void request_tunnels(struct control_client *client, const Control__TunnelsRequest *request)
{
    struct list_request *list = &client->list;
    size_t size = strlen(request->name);
    if (size >= sizeof list->name) {
        answer_finish(client, CONTROL__STATUS__CODE__NOT_FOUND, 0, "no such tunnel");
        return;
    }
    memset(list, 0, sizeof *list);
    memcpy(list->name, request->name, size);
    client->step = step_tunnels;
}

/* ---- Protection ---- */

static void put_protection(struct control_client *client,
                           const struct snapshot_protection *protection)
{
    Control__Protection row = CONTROL__PROTECTION__INIT;
    row.prefix = value_prefix(&protection->def->prefix);
    row.prefix_len = protection->def->prefix.len_bits;
    row.allowed_classes = protection->def->allowed_classes;
    row.is_blackhole_guard = protection->def->guard == PROTECTION_GUARD_BLACKHOLE;
    row.is_guard_installed = protection->is_guard_installed;
    row.protected_prefixes = protection->protected_prefixes;
    row.refused_paths = protection->refused_paths;
    row.unreachable_prefixes = protection->unreachable_prefixes;
    row.status = value_text(protection->status);
    row.overrules_foreign = protection->def->overrules_foreign;
    Control__Protection *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_protections = 1;
    part.protections = rows;
    answer_put(client, &part);
}

static void put_foreign(struct control_client *client, const struct snapshot_foreign_route *foreign)
{
    Control__ForeignRoute row = CONTROL__FOREIGN_ROUTE__INIT;
    row.prefix = value_prefix(&foreign->route.prefix);
    row.prefix_len = foreign->route.prefix.len_bits;
    row.protocol = foreign->route.protocol;
    row.metric = foreign->route.metric;
    row.interface = value_text(foreign->interface_name);
    row.reason = value_text(foreign->reason);
    row.is_overruled = foreign->is_overruled;
    row.answer = value_text(foreign->answer);
    row.age_ms = value_age_ms(client->now, foreign->since);
    row.is_connected = foreign->fault == FOREIGN_EXPOSES_LINK;
    Control__ForeignRoute *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_foreign_routes = 1;
    part.foreign_routes = rows;
    answer_put(client, &part);
}

static void step_foreign(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct list_request *list = &client->list;
    struct snapshot_foreign_route foreign;
    for (unsigned i = 0; i < ANSWER_STEP_ROWS && answer_pending(client) < ANSWER_FRAME_BYTES; i++) {
        if (!snapshot_foreign_route(client->server->core, list->index, &foreign)) {
            answer_finish(client, CONTROL__STATUS__CODE__OK, list->count, "%s", "");
            return;
        }
        list->index++;
        const struct prefix *prefix = &foreign.route.prefix;
        if (list->within.family == IP_NONE || prefix_contains(prefix, &list->within) ||
            prefix_contains(&list->within, prefix)) {
            put_foreign(client, &foreign);
        }
    }
}

static void step_protection(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct list_request *list = &client->list;
    struct snapshot_protection protection;
    while (answer_pending(client) < ANSWER_FRAME_BYTES) {
        if (!snapshot_protection(client->server->core, list->index, &protection)) {
            if (list->within.family != IP_NONE && list->count == 0) {
                answer_finish(client, CONTROL__STATUS__CODE__NOT_FOUND, 0,
                              "nothing protects this prefix");
                return;
            }
            list->index = 0;
            client->step = step_foreign;
            return;
        }
        list->index++;
        const struct prefix *prefix = &protection.def->prefix;
        if (list->within.family == IP_NONE || prefix_contains(prefix, &list->within) ||
            prefix_contains(&list->within, prefix)) {
            put_protection(client, &protection);
            list->count++;
        }
    }
}

void request_protection(struct control_client *client, const Control__ProtectionRequest *request)
{
    struct list_request *list = &client->list;
    memset(list, 0, sizeof *list);
    uint8_t family = request->prefix.len == 16 ? IP_V6 : IP_V4;
    if (request->prefix.len != 0 &&
        !value_prefix_read(&request->prefix, request->prefix_len, family, &list->within)) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "malformed prefix");
        return;
    }
    client->step = step_protection;
}

/* ---- Memory ---- */

void request_memory(struct control_client *client)
{
    for (int kind = 0; kind < MEM_KIND_COUNT; kind++) {
        Control__Memory row = CONTROL__MEMORY__INIT;
        row.name = value_text(mem_kind_name((enum mem_kind)kind));
        row.bytes = (uint64_t)mem_bytes((enum mem_kind)kind);
        row.blocks = (uint64_t)mem_blocks((enum mem_kind)kind);
        Control__Memory *rows[] = {&row};
        Control__Answer part = CONTROL__ANSWER__INIT;
        part.n_memory = 1;
        part.memory = rows;
        answer_put(client, &part);
    }
    request_global(client);
}
