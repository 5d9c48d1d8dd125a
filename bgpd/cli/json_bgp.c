/* JSON of summary, tables and single prefixes, with FRR's keys; ours come after them. Keys are only
 * ever added while the schema's number stays. */
#include <string.h>

#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

/* ---- show bgp summary ---- */

static bool is_one_family(const struct render *render)
{
    return line_has(render->line, "ipv4") || line_has(render->line, "ipv6") ||
           line_has(render->line, "ip");
}

static void summary_request_begin(struct render *render)
{
    render->is_open = false;
    render->prefix_count = 0;
    render->failed_count = 0;
}

static void summary_head(struct render *render)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    if (!is_one_family(render)) {
        json_object_begin(json, words_family_json(render->family));
    }
    json_text(json, "routerId", words_router_id(render->router_id, text));
    json_unsigned(json, "as", render->asn);
    json_unsigned(json, "vrfId", 0);
    json_text(json, "vrfName", "default");
    json_unsigned(json, "tableVersion", render->table_version);
    json_unsigned(json, "ribCount", render->destinations);
    json_unsigned(json, "ribMemory", render->rib_bytes);
    json_unsigned(json, "peerCount", render->peers);
    json_unsigned(json, "peerMemory", render->peer_bytes);
    json_object_begin(json, "peers");
    render->is_open = true;
}

static void summary_close(struct render *render)
{
    struct json *json = &render->json;
    if (!render->is_open && is_one_family(render) && render->has_global) {
        summary_head(render);
    }
    if (!render->is_open) {
        return;
    }
    json_object_end(json);
    json_unsigned(json, "failedPeers", render->failed_count);
    json_unsigned(json, "displayedPeers", render->prefix_count);
    json_unsigned(json, "totalPeers", render->prefix_count);
    json_unsigned(json, "dynamicPeers", 0);
    if (!is_one_family(render)) {
        json_object_end(json);
    }
    render->is_open = false;
}

static void summary_request_end(struct render *render, const struct connection_status *status)
{
    (void)status;
    summary_close(render);
}

static void summary_row(struct render *render, const Control__Neighbor *row,
                        const Control__NeighborFamily *family)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, words_addr(&row->addr, text));
    if (row->remote_capabilities != NULL && row->remote_capabilities->fqdn) {
        json_text(json, "hostname", row->remote_capabilities->hostname);
    }
    json_unsigned(json, "remoteAs", row->remote_asn);
    json_unsigned(json, "localAs", row->local_asn);
    json_unsigned(json, "version", 4);
    json_unsigned(json, "msgRcvd", json_message_total(row->received));
    json_unsigned(json, "msgSent", json_message_total(row->sent));
    json_unsigned(json, "tableVersion", row->state == 5 ? render->table_version : 0);
    json_unsigned(json, "inq", row->in_queue_bytes);
    json_unsigned(json, "outq", row->out_queue_messages);
    json_uptime(render, "peerUptime", "peerUptimeMsec", "peerUptimeEstablishedEpoch",
                row->state_age_ms);
    json_unsigned(json, "pfxRcd", family->received);
    json_unsigned(json, "pfxSnt", family->sent);
    json_text(json, "state", render_peer_state(row));
    json_text(json, "peerState",
              row->is_admin_down                                          ? "Admin"
              : (family->policy_missing_in || family->policy_missing_out) ? "Policy"
                                                                          : "OK");
    json_unsigned(json, "connectionsEstablished", row->established_count);
    json_unsigned(json, "connectionsDropped", row->dropped_count);
    if (row->description[0] != '\0') {
        json_text(json, "desc", row->description);
    }
    json_text(json, "idType", row->addr.len == 16 ? "ipv6" : "ipv4");
    json_unsigned(json, "pfxAccepted", family->accepted);
    json_flag(json, "policyMissingIn", family->policy_missing_in);
    json_flag(json, "policyMissingOut", family->policy_missing_out);
    json_text(json, "pathClass", words_path_class(row->path_class));
    json_text(json, "liveness", row->liveness);
    json_object_end(json);
    render->prefix_count++;
    render->failed_count += row->state != 5 ? 1 : 0;
}

static void summary_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
    }
    for (size_t i = 0; i < answer->n_neighbors; i++) {
        const Control__NeighborFamily *family =
            render_neighbor_family(answer->neighbors[i], render->family);
        if (family != NULL && family->is_configured) {
            if (!render->is_open) {
                summary_head(render);
            }
            summary_row(render, answer->neighbors[i], family);
        }
    }
}

const struct view_ops json_summary = {json_document_begin, summary_request_begin, summary_answer,
                                      summary_request_end, json_document_end};

/* ---- Tables ---- */

/* advertised-routes and received-routes have one path per prefix and FRR's keys for that. */
static const char *routes_key(const struct render *render)
{
    return line_has(render->line, "advertised-routes") ? "advertisedRoutes"
           : line_has(render->line, "received-routes") ? "receivedRoutes"
                                                       : "routes";
}

static bool is_adj(const struct render *render)
{
    return line_has(render->line, "advertised-routes") || line_has(render->line, "received-routes");
}

static void table_head(struct render *render)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_unsigned(json, "vrfId", 0);
    json_text(json, "vrfName", "default");
    json_unsigned(json, "tableVersion", render->table_version);
    json_text(json, "routerId", words_router_id(render->router_id, text));
    json_unsigned(json, "defaultLocPrf", render->default_local_pref);
    json_unsigned(json, "localAS", render->asn);
    json_object_begin(json, routes_key(render));
    render->is_begun = true;
}

static void table_path(struct render *render, const Control__Path *path)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    bool is_single = is_adj(render);
    if (path->is_first) {
        if (render->is_open) {
            json_array_end(json);
        }
        words_prefix(&path->prefix, path->prefix_len, text);
        if (!is_single) {
            json_array_begin(json, text);
            render->is_open = true;
        }
        render->prefix_count++;
    } else if (is_single) {
        return;
    }
    json_object_begin(json, is_single ? text : NULL);
    json_path_brief(render, path);
    json_object_end(json);
    render->path_count++;
}

static void table_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
        table_head(render);
    }
    for (size_t i = 0; i < answer->n_paths && render->is_begun; i++) {
        table_path(render, answer->paths[i]);
    }
}

static void table_end(struct render *render)
{
    struct json *json = &render->json;
    if (render->is_open) {
        json_array_end(json);
    }
    if (render->is_begun) {
        json_object_end(json);
        if (is_adj(render)) {
            json_unsigned(json, "totalPrefixCounter", render->prefix_count);
            json_unsigned(json, "filteredPrefixCounter", 0);
        }
        json_unsigned(json, "totalRoutes", render->prefix_count);
        json_unsigned(json, "totalPaths", render->path_count);
    }
    json_document_end(render);
}

const struct view_ops json_table = {json_document_begin, render_nothing, table_answer,
                                    render_ignore_status, table_end};

/* ---- One prefix, or all in detail ---- */

static bool is_lookup(const struct render *render)
{
    bool has_argument =
        line_arg(render->line, ARG_PREFIX) != NULL || line_arg(render->line, ARG_ADDR) != NULL;
    return has_argument && !line_has(render->line, "longer-prefixes");
}

static void paths_close(struct render *render)
{
    if (render->is_open) {
        json_array_end(&render->json);
        if (!is_lookup(render)) {
            json_object_end(&render->json);
        }
    }
    render->is_open = false;
}

static void destination_begin(struct render *render, const Control__Destination *row)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    paths_close(render);
    words_prefix(&row->prefix, row->prefix_len, text);
    if (!is_lookup(render)) {
        if (!render->is_begun) {
            json_object_begin(json, "routes");
            render->is_begun = true;
        }
        json_object_begin(json, text);
    }
    json_text(json, "prefix", text);
    json_unsigned(json, "version", row->table_version);
    json_unsigned(json, "pathCount", row->path_count);
    json_unsigned(json, "bestPathIndex", row->best);
    json_object_begin(json, "advertisedTo");
    for (size_t i = 0; i < row->n_advertised_to; i++) {
        json_object_begin(json, words_addr(&row->advertised_to[i], text));
        json_object_end(json);
    }
    json_object_end(json);
    json_unsigned(json, "advertisedToCount", row->advertised_count);
    json_array_begin(json, "paths");
    render->is_open = true;
    render->prefix_count++;
}

static void paths_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
    }
    for (size_t i = 0; i < answer->n_destinations; i++) {
        destination_begin(render, answer->destinations[i]);
    }
    for (size_t i = 0; i < answer->n_paths && render->is_open; i++) {
        json_path_full(render, answer->paths[i]);
        render->path_count++;
    }
    for (size_t i = 0; i < answer->n_absent; i++) {
        json_absent(render, answer->absent[i]);
    }
}

static void paths_end(struct render *render)
{
    paths_close(render);
    if (render->is_begun) {
        json_object_end(&render->json);
    }
    if (render->has_global && !is_lookup(render)) {
        if (!render->is_begun) {
            json_object_begin(&render->json, "routes");
            json_object_end(&render->json);
        }
        json_unsigned(&render->json, "totalRoutes", render->prefix_count);
        json_unsigned(&render->json, "totalPaths", render->path_count);
    }
    json_document_end(render);
}

const struct view_ops json_paths = {json_document_begin, render_nothing, paths_answer,
                                    render_ignore_status, paths_end};
