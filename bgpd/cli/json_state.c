/* JSON of tunnels, protection, configuration, version, memory and operations. */
#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

/* ---- show tunnels ---- */

static void begin_tunnels(struct render *render)
{
    json_document_begin(render);
    json_object_begin(&render->json, "tunnels");
}

static void end_nested(struct render *render)
{
    json_object_end(&render->json);
    json_document_end(render);
}

static void pin(struct json *json, const Control__Tunnel *row)
{
    char text[WORDS_ADDR_BYTES];
    json_flag(json, "endpointPinned", row->is_endpoint_pinned);
    json_array_begin(json, "endpointNexthops");
    for (size_t i = 0; i < row->n_pin_legs; i++) {
        json_object_begin(json, NULL);
        if (row->pin_legs[i]->gateway.len != 0) {
            json_text(json, "ip", words_addr(&row->pin_legs[i]->gateway, text));
        }
        json_text(json, "interfaceName", row->pin_legs[i]->interface);
        json_object_end(json);
    }
    json_array_end(json);
    if (row->refused_capture[0] != '\0') {
        json_text(json, "refusedCapture", row->refused_capture);
    }
}

static void tunnel(struct render *render, const Control__Tunnel *row)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, row->name);
    json_text(json, "interfaceName", row->interface);
    json_unsigned(json, "interfaceIndex", row->ifindex);
    if (row->if_id != 0) {
        json_unsigned(json, "ifId", row->if_id);
    }
    json_text(json, "localEndpoint", words_addr(&row->local_endpoint, text));
    json_text(json, "remoteEndpoint", words_addr(&row->remote_endpoint, text));
    json_text(json, "pathClass", words_path_class(row->path_class));
    json_classes(json, "underlayClasses", row->underlay_classes);
    json_flag(json, "alive", row->is_alive);
    json_uptime(render, "since", "sinceMsec", "sinceEpoch", row->age_ms);
    json_evidence(render, row->evidence, row->n_evidence);
    pin(json, row);
    json_array_begin(json, "innerPeers");
    for (size_t i = 0; i < row->n_inner_peers; i++) {
        json_text(json, NULL, words_addr(&row->inner_peers[i], text));
    }
    json_array_end(json);
    json_unsigned(json, "innerPeerCount", row->inner_peer_count);
    json_unsigned(json, "prefixes", row->prefixes);
    json_object_end(json);
}

static void tunnels_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_tunnels; i++) {
        tunnel(render, answer->tunnels[i]);
    }
}

const struct view_ops json_tunnels = {begin_tunnels, render_nothing, tunnels_answer,
                                      render_ignore_status, end_nested};

/* ---- show protection ---- */

static void begin_protection(struct render *render)
{
    json_document_begin(render);
    json_object_begin(&render->json, "protections");
}

static void foreign_json(struct render *render, const Control__ForeignRoute *row)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, NULL);
    json_text(json, "prefix", words_prefix(&row->prefix, row->prefix_len, text));
    json_flag(json, "connected", row->is_connected);
    if (!row->is_connected) {
        json_unsigned(json, "protocol", row->protocol);
        json_unsigned(json, "metric", row->metric);
    }
    json_text(json, "interfaceName", row->interface);
    json_text(json, "reason", row->reason);
    json_flag(json, "overruled", row->is_overruled);
    json_text(json, "answer", row->answer);
    json_uptime(render, "since", "sinceMsec", "sinceEpoch", row->age_ms);
    json_object_end(json);
}

/* Protections come first, then routes of others: the object of the former ends where the list of
 * the latter begins. */
static void end_protection(struct render *render)
{
    if (!render->is_open) {
        json_object_end(&render->json);
        json_array_begin(&render->json, "foreignRoutes");
        render->is_open = true;
    }
}

static void protection_done(struct render *render)
{
    end_protection(render);
    json_array_end(&render->json);
    json_document_end(render);
}

static void protection_answer(struct render *render, const Control__Answer *answer)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_protections; i++) {
        const Control__Protection *row = answer->protections[i];
        json_object_begin(json, words_prefix(&row->prefix, row->prefix_len, text));
        json_classes(json, "requires", row->allowed_classes);
        json_text(json, "guard", row->is_blackhole_guard ? "blackhole" : "unreachable");
        json_flag(json, "guardInstalled", row->is_guard_installed);
        json_unsigned(json, "protectedPrefixes", row->protected_prefixes);
        json_unsigned(json, "unreachablePrefixes", row->unreachable_prefixes);
        json_unsigned(json, "refusedPaths", row->refused_paths);
        json_text(json, "status", row->status);
        json_flag(json, "overrulesForeign", row->overrules_foreign);
        json_object_end(json);
    }
    if (answer->n_foreign_routes != 0) {
        end_protection(render);
    }
    for (size_t i = 0; i < answer->n_foreign_routes; i++) {
        foreign_json(render, answer->foreign_routes[i]);
    }
}

const struct view_ops json_protection = {begin_protection, render_nothing, protection_answer,
                                         render_ignore_status, protection_done};

/* ---- show running-config: the daemon prints the document (RFC 7951) ---- */

static void config_answer(struct render *render, const Control__Answer *answer)
{
    out_bytes(render->out, answer->text.data, answer->text.len);
}

const struct view_ops json_config = {render_nothing, render_nothing, config_answer,
                                     render_ignore_status, render_nothing};

/* ---- show version, show memory ---- */

static void version_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        json_text(&render->json, "daemonVersion", answer->global->daemon_version);
        json_text(&render->json, "shellVersion", SEALANE_VERSION);
        json_text(&render->json, "hostname", answer->global->hostname);
    }
}

const struct view_ops json_version = {json_document_begin, render_nothing, version_answer,
                                      render_ignore_status, json_document_end};

static void memory_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    if (answer->n_memory != 0 && !render->is_open) {
        json_object_begin(json, "kinds");
        render->is_open = true;
    }
    for (size_t i = 0; i < answer->n_memory; i++) {
        json_object_begin(json, answer->memory[i]->name);
        json_unsigned(json, "blocks", answer->memory[i]->blocks);
        json_unsigned(json, "bytes", answer->memory[i]->bytes);
        json_object_end(json);
    }
    if (answer->global != NULL) {
        if (render->is_open) {
            json_object_end(json);
            render->is_open = false;
        }
        json_unsigned(json, "ribBytes", answer->global->rib_bytes);
        json_unsigned(json, "peerBytes", answer->global->peer_bytes);
        json_unsigned(json, "attributeSets", answer->global->attr_sets);
    }
}

const struct view_ops json_memory = {json_document_begin, render_nothing, memory_answer,
                                     render_ignore_status, json_document_end};

/* ---- clear, reload ---- */

static void done_begin(struct render *render)
{
    json_document_begin(render);
    render->scratch.size = 0;
}

static void done_answer(struct render *render, const Control__Answer *answer)
{
    buffer_append(&render->scratch, answer->text.data, answer->text.len);
}

static void done_request_end(struct render *render, const struct connection_status *status)
{
    json_flag(&render->json, "ok", status->code == CONTROL__STATUS__CODE__OK);
    json_unsigned(&render->json, "count", status->count);
    json_text(&render->json, "messages", buffer_text(&render->scratch));
}

const struct view_ops json_done = {done_begin, render_nothing, done_answer, done_request_end,
                                   json_document_end};
