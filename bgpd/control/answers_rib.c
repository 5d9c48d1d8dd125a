/* Tables of paths and of kernel routes, walked some rows at a time. */
#include <string.h>

#include "bgpd/control/control_private.h"
#include "proto/base/assert.h"

#define ADVERTISED_TO_MAX 64u

/* The shell has the words; the numbers on the wire are rib's own. */
_Static_assert((int)CONTROL__PATH__FLAG__BEST == ROUTE_BEST, "flag numbers");
_Static_assert((int)CONTROL__PATH__FLAG__MULTIPATH == ROUTE_MULTIPATH, "flag numbers");
_Static_assert((int)CONTROL__PATH__FLAG__STALE == ROUTE_STALE, "flag numbers");
_Static_assert((int)CONTROL__PATH__FLAG__BACKUP == ROUTE_BACKUP, "flag numbers");
_Static_assert((int)CONTROL__PATH__FLAG__FILTERED == ROUTE_FILTERED, "flag numbers");
_Static_assert(DECISION_WEIGHT == 2 && DECISION_MULTIPATH == 10 && DECISION_PATH_ID == 15 &&
                   DECISION_POLICY_REJECTED == 16 && DECISION_PROTECTION == 25 &&
                   DECISION_ROUTE_LEAK == 26 && DECISION_REASON_COUNT == 27,
               "reason numbers are part of the protocol");
_Static_assert((int)CONTROL__TABLE_REQUEST__TABLE__ADVERTISED == SNAPSHOT_ADJ_OUT, "table numbers");
_Static_assert((int)CONTROL__IP_ROUTE__KIND__GUARD == IP_ROUTE_GUARD, "route kinds");
_Static_assert((int)CONTROL__IP_ROUTE__INSTALL__NOT_WANTED == IP_ROUTE_NOT_WANTED,
               "install states");
_Static_assert((int)CONTROL__IP_ROUTE__TYPE__PROHIBIT == FIB_ROUTE_PROHIBIT, "route types");

/* Classes that meet every protection around prefix; 0 when there is none. */
static uint32_t required_classes(const struct core *core, const struct prefix *prefix)
{
    const struct config *config = snapshot_config(core);
    uint32_t classes = PATH_CLASS_ANY;
    bool is_protected = false;
    for (size_t i = 0; config != NULL && i < config->protection_count; i++) {
        if (prefix_contains(&config->protections[i].prefix, prefix)) {
            classes &= config->protections[i].allowed_classes;
            is_protected = true;
        }
    }
    return is_protected ? classes : 0;
}

static void path_put_attrs(const struct path_attrs *attrs, Control__Path *row)
{
    row->as_path = value_bytes(attrs->as_path);
    row->origin = attrs->origin;
    row->next_hop = value_addr(&attrs->next_hop);
    row->next_hop_link_local = value_addr(&attrs->next_hop_link_local);
    row->has_med = path_attrs_has(attrs, PATH_ATTR_MED);
    row->med = row->has_med ? attrs->med : 0;
    row->has_local_pref = path_attrs_has(attrs, PATH_ATTR_LOCAL_PREF);
    row->local_pref = row->has_local_pref ? attrs->local_pref : 0;
    if (path_attrs_has(attrs, PATH_ATTR_COMMUNITIES)) {
        row->communities = value_bytes(attrs->communities);
    }
    if (path_attrs_has(attrs, PATH_ATTR_EXT_COMMUNITIES)) {
        row->ext_communities = value_bytes(attrs->ext_communities);
    }
    if (path_attrs_has(attrs, PATH_ATTR_LARGE_COMMUNITIES)) {
        row->large_communities = value_bytes(attrs->large_communities);
    }
    row->atomic_aggregate = path_attrs_has(attrs, PATH_ATTR_ATOMIC_AGGREGATE);
    if (path_attrs_has(attrs, PATH_ATTR_AGGREGATOR)) {
        row->aggregator_asn = attrs->aggregator_asn;
        row->aggregator_id = attrs->aggregator_id;
    }
    if (path_attrs_has(attrs, PATH_ATTR_ORIGINATOR_ID)) {
        row->originator_id = attrs->originator_id;
    }
    if (path_attrs_has(attrs, PATH_ATTR_CLUSTER_LIST)) {
        row->cluster_list = value_bytes(attrs->cluster_list);
    }
    if (path_attrs_has(attrs, PATH_ATTR_OTC)) {
        row->otc_asn = attrs->otc_asn;
    }
}

static void on_path(void *context, const struct snapshot_path *path)
{
    struct control_client *client = context;
    if (client->table.best_only && (path->flags & (ROUTE_BEST | ROUTE_MULTIPATH)) == 0) {
        return;
    }
    Control__Path row = CONTROL__PATH__INIT;
    row.prefix = value_prefix(&path->prefix);
    row.prefix_len = path->prefix.len_bits;
    row.is_first = path->is_first_of_prefix;
    path_put_attrs(&path->attrs, &row);
    row.weight = path->weight;
    row.peer = value_addr(&path->peer);
    row.peer_router_id = path->peer_router_id;
    row.peer_asn = path->peer_asn;
    row.source_kind = path->source_kind;
    row.flags = path->flags;
    row.reason = path->reason;
    row.is_eligible = path->is_eligible;
    row.is_rib_failure = path->is_rib_failure;
    row.path_id = path->path_id;
    row.age_ms = value_age_ms(client->now, path->changed);
    row.nexthop_state = path->nexthop_state;
    row.path_class = value_path_class(path->has_path_class, path->path_class);
    row.tunnel = value_text(path->tunnel_name);
    row.interface = value_text(path->interface_name);
    row.nexthop_metric = path->nexthop_metric;
    if (path->reason == DECISION_PROTECTION) {
        row.required_classes = required_classes(client->server->core, &path->prefix);
    }
    Control__Path *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_paths = 1;
    part.paths = rows;
    answer_put(client, &part);
    client->table.count++;
}

struct head_count {
    struct prefix prefix;
    uint32_t paths;
    uint32_t best;
};

static void on_head_path(void *context, const struct snapshot_path *path)
{
    struct head_count *head = context;
    head->prefix = path->prefix;
    head->paths++;
    if ((path->flags & ROUTE_BEST) != 0) {
        head->best = head->paths;
    }
}

/* Counts the paths of the next destination ahead, with a copy of the cursor, and announces them. */
static void put_head(struct control_client *client)
{
    const struct core *core = client->server->core;
    struct snapshot_cursor ahead = client->table.cursor;
    struct head_count head = {.paths = 0};
    snapshot_read(core, &ahead, 1, on_head_path, &head);
    if (head.paths == 0) {
        return;
    }
    answer_flush(client);
    struct ip_addr peers[ADVERTISED_TO_MAX];
    uint32_t count = snapshot_advertised_to(core, &head.prefix, peers, ADVERTISED_TO_MAX);
    uint32_t listed = count < ADVERTISED_TO_MAX ? count : ADVERTISED_TO_MAX;
    ProtobufCBinaryData addrs[ADVERTISED_TO_MAX];
    for (uint32_t i = 0; i < listed; i++) {
        addrs[i] = value_addr(&peers[i]);
    }
    struct snapshot_global global;
    snapshot_global(core, &global);
    Control__Destination row = CONTROL__DESTINATION__INIT;
    row.prefix = value_prefix(&head.prefix);
    row.prefix_len = head.prefix.len_bits;
    row.path_count = head.paths;
    row.best = head.best;
    row.n_advertised_to = listed;
    row.advertised_to = addrs;
    row.advertised_count = count;
    row.table_version = global.table_version[client->table.cursor.afi_safi];
    Control__Destination *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_destinations = 1;
    part.destinations = rows;
    answer_put(client, &part);
}

static void put_absent(struct control_client *client, const struct prefix *prefix, bool is_address,
                       const char *why)
{
    Control__Absent row = CONTROL__ABSENT__INIT;
    row.prefix = value_prefix(prefix);
    row.prefix_len = prefix->len_bits;
    row.is_address = is_address;
    row.why = value_text(why);
    Control__Absent *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_absent = 1;
    part.absent = rows;
    answer_put(client, &part);
}

static void finish_absent(struct control_client *client, const struct prefix *prefix,
                          bool is_address, const char *why)
{
    put_absent(client, prefix, is_address, why);
    answer_finish(client, CONTROL__STATUS__CODE__NOT_FOUND, 0, "%s", "");
}

static void step_table(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct table_request *table = &client->table;
    const struct core *core = client->server->core;
    for (uint32_t n = 0; n < ANSWER_STEP_ROWS && answer_pending(client) < ANSWER_FRAME_BYTES; n++) {
        if (table->cursor.is_done) {
            if (table->is_lookup && table->count == 0) {
                finish_absent(client, &table->asked, table->is_address,
                              snapshot_why_absent(core, &table->asked));
            } else {
                answer_finish(client, CONTROL__STATUS__CODE__OK, table->count, "%s", "");
            }
            return;
        }
        if (table->with_heads) {
            put_head(client);
        }
        snapshot_read(core, &table->cursor, 1, on_path, client);
    }
}

/* Reads the part of a request that names prefixes; family has been checked. False when wrong. */
static bool read_scope(Control__TableRequest__Mode mode, const ProtobufCBinaryData *bytes,
                       uint32_t len_bits, uint8_t family, struct prefix *prefix_out)
{
    *prefix_out = (struct prefix){.family = IP_NONE};
    switch (mode) {
    case CONTROL__TABLE_REQUEST__MODE__ALL:
        return true;
    case CONTROL__TABLE_REQUEST__MODE__MATCH:
        return value_prefix_read(bytes, ip_family_bits(family), family, prefix_out);
    case CONTROL__TABLE_REQUEST__MODE__EXACT:
    case CONTROL__TABLE_REQUEST__MODE__LONGER:
        return value_prefix_read(bytes, len_bits, family, prefix_out);
    default:
        return false;
    }
}

static void refuse_request(struct control_client *client, const char *why)
{
    answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "%s", why);
}

void request_table(struct control_client *client, const Control__TableRequest *request)
{
    const struct core *core = client->server->core;
    struct ip_addr peer;
    struct prefix scope;
    if (request->family != IP_V4 && request->family != IP_V6) {
        refuse_request(client, "family must be 4 or 6");
        return;
    }
    uint8_t family = (uint8_t)request->family;
    if ((int)request->table < 0 || request->table > CONTROL__TABLE_REQUEST__TABLE__ADVERTISED ||
        !value_addr_read(&request->peer, &peer)) {
        refuse_request(client, "unknown table or malformed peer address");
        return;
    }
    if (!read_scope(request->mode, &request->prefix, request->prefix_len, family, &scope)) {
        refuse_request(client, "malformed prefix or mode");
        return;
    }
    enum afi_safi afi_safi = family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
    struct table_request *table = &client->table;
    memset(table, 0, sizeof *table);
    table->asked = scope;
    table->is_address = request->mode == CONTROL__TABLE_REQUEST__MODE__MATCH;
    table->is_lookup = table->is_address || request->mode == CONTROL__TABLE_REQUEST__MODE__EXACT;
    table->with_heads = request->with_heads;
    table->best_only = request->best_only;
    if (table->is_address) {
        struct ip_addr addr = prefix_addr(&scope);
        if (!snapshot_match(core, afi_safi, &addr, &scope)) {
            finish_absent(client, &table->asked, true, snapshot_why_absent(core, &table->asked));
            return;
        }
    }
    bool is_all = request->mode == CONTROL__TABLE_REQUEST__MODE__ALL;
    enum status status = snapshot_open(core, (enum snapshot_table)request->table, afi_safi, &peer,
                                       is_all ? NULL : &scope, table->is_lookup, &table->cursor);
    if (status != STATUS_OK) {
        answer_no_neighbor(client, &peer);
        return;
    }
    answer_global(client);
    client->step = step_table;
}

/* ---- Kernel routes ---- */

static void on_ip_route(void *context, const struct snapshot_ip_route *route)
{
    struct control_client *client = context;
    struct ip_routes_request *request = &client->ip_routes;
    if (request->exact.family != IP_NONE && !prefix_equal(&request->exact, &route->prefix)) {
        request->cursor.is_done = true; /* the shortest prefix of a walk comes first */
        return;
    }
    if ((request->kinds & (1u << route->kind)) == 0) {
        return;
    }
    arena_reset(&client->scratch);
    Control__IpRoute row = CONTROL__IP_ROUTE__INIT;
    row.prefix = value_prefix(&route->prefix);
    row.prefix_len = route->prefix.len_bits;
    row.kind = (Control__IpRoute__Kind)route->kind;
    row.install = (Control__IpRoute__Install)route->install;
    row.type = (Control__IpRoute__Type)route->type;
    row.is_selected = route->is_selected;
    row.distance = route->distance;
    row.metric = route->metric;
    row.table = route->table;
    row.tag = route->tag;
    row.nexthop_object = route->nexthop_object;
    row.age_ms = value_age_ms(client->now, route->since);
    row.note = value_text(route->note);
    row.n_legs = route->leg_count;
    row.legs = value_legs(client, route->legs, route->leg_count);
    Control__IpRoute *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_ip_routes = 1;
    part.ip_routes = rows;
    answer_put(client, &part);
}

static void step_ip_routes(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct ip_routes_request *request = &client->ip_routes;
    for (uint32_t n = 0; n < ANSWER_STEP_ROWS && answer_pending(client) < ANSWER_FRAME_BYTES; n++) {
        if (request->cursor.is_done) {
            answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
            return;
        }
        snapshot_ip_routes_read(client->server->core, &request->cursor, 1, on_ip_route, client);
    }
}

static void on_first_route(void *context, const struct snapshot_ip_route *route)
{
    *(struct prefix *)context = route->prefix;
}

/* Longest prefix with a route at or around scope: at most one look per prefix length. */
static bool find_cover(const struct core *core, const struct prefix *scope, bool is_exact,
                       struct prefix *cover_out)
{
    struct ip_addr addr = prefix_addr(scope);
    for (int len = scope->len_bits; len >= 0; len--) {
        struct prefix candidate = prefix_make(&addr, (uint8_t)len);
        struct prefix first = {.family = IP_NONE};
        struct ip_route_cursor cursor;
        snapshot_ip_routes_open(core, scope->family, &candidate, &cursor);
        snapshot_ip_routes_read(core, &cursor, 1, on_first_route, &first);
        if (prefix_equal(&first, &candidate)) {
            *cover_out = candidate;
            return true;
        }
        if (is_exact) {
            break;
        }
    }
    return false;
}

void request_ip_routes(struct control_client *client, const Control__IpRoutesRequest *request)
{
    struct prefix scope;
    if (request->family != IP_V4 && request->family != IP_V6) {
        refuse_request(client, "family must be 4 or 6");
        return;
    }
    uint8_t family = (uint8_t)request->family;
    if (!read_scope(request->mode, &request->prefix, request->prefix_len, family, &scope)) {
        refuse_request(client, "malformed prefix or mode");
        return;
    }
    struct ip_routes_request *routes = &client->ip_routes;
    memset(routes, 0, sizeof *routes);
    routes->kinds = request->kinds == 0 ? UINT32_MAX : request->kinds;
    bool is_match = request->mode == CONTROL__TABLE_REQUEST__MODE__MATCH;
    if (is_match || request->mode == CONTROL__TABLE_REQUEST__MODE__EXACT) {
        if (!find_cover(client->server->core, &scope, !is_match, &routes->exact)) {
            finish_absent(client, &scope, is_match, "");
            return;
        }
        scope = routes->exact;
    }
    bool is_all = request->mode == CONTROL__TABLE_REQUEST__MODE__ALL;
    snapshot_ip_routes_open(client->server->core, family, is_all ? NULL : &scope, &routes->cursor);
    client->step = step_ip_routes;
}
