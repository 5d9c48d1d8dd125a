/* JSON of what is true in the kernel: failovers, the audit, the way of a packet. */
#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

/* ---- show failover history ---- */

static void begin_failovers(struct render *render)
{
    json_document_begin(render);
    json_array_begin(&render->json, "failovers");
}

static void end_list(struct render *render)
{
    json_array_end(&render->json);
    json_document_end(render);
}

static void failovers_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_failovers; i++) {
        const Control__Failover *row = answer->failovers[i];
        json_object_begin(json, NULL);
        json_unsigned(json, "number", row->number);
        json_text(json, "cause", row->cause);
        json_uptime(render, "ago", "agoMsec", "epoch", row->age_ms);
        json_unsigned(json, "totalUsec",
                      row->detect_us + row->decide_us + row->program_us + row->confirm_us);
        json_unsigned(json, "detectUsec", row->detect_us);
        json_unsigned(json, "decideUsec", row->decide_us);
        json_unsigned(json, "programUsec", row->program_us);
        json_unsigned(json, "confirmUsec", row->confirm_us);
        json_unsigned(json, "nexthopGroups", row->groups);
        json_unsigned(json, "nexthopGroupsDiscarding", row->discarding);
        json_unsigned(json, "destinations", row->destinations);
        json_unsigned(json, "plainRoutes", row->plain_routes);
        json_object_end(json);
    }
}

const struct view_ops json_failovers = {begin_failovers, render_nothing, failovers_answer,
                                        render_ignore_status, end_list};

/* ---- show fib audit ---- */

static void drift_json(struct render *render, const Control__Drift *drift)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, NULL);
    json_text(json, "kind", words_drift_kind(drift->kind));
    json_text(json, "what", words_drift_what(drift->what));
    if (drift->kind == CONTROL__DRIFT__KIND__NEXTHOP) {
        json_unsigned(json, "nexthopId", drift->object);
    } else {
        json_text(json, "prefix", words_prefix(&drift->prefix, drift->prefix_len, text));
    }
    json_uptime(render, "ago", "agoMsec", "epoch", drift->age_ms);
    json_object_end(json);
}

static void audit_answer(struct render *render, const Control__Answer *answer)
{
    const Control__FibAudit *row = answer->fib_audit;
    struct json *json = &render->json;
    if (row == NULL) {
        return;
    }
    json_unsigned(json, "intervalSec", row->interval_s);
    json_flag(json, "running", row->is_running);
    json_unsigned(json, "rounds", row->rounds);
    json_unsigned(json, "rereads", row->rereads);
    if (row->ended_age_ms >= 0) {
        json_uptime(render, "ended", "endedMsec", "endedEpoch", row->ended_age_ms);
        json_unsigned(json, "tookUsec", row->took_us);
    }
    json_object_begin(json, "checked");
    json_unsigned(json, "routes", row->routes);
    json_unsigned(json, "plainRoutes", row->plain_routes);
    json_unsigned(json, "nexthopObjects", row->objects);
    json_object_end(json);
    json_unsigned(json, "refused", row->refused);
    json_object_begin(json, "repaired");
    for (size_t i = 0; i < row->n_repaired; i++) {
        json_unsigned(json, words_drift_kind((uint32_t)i), row->repaired[i]);
    }
    json_object_end(json);
    json_array_begin(json, "drifts");
    for (size_t i = 0; i < row->n_drifts; i++) {
        drift_json(render, row->drifts[i]);
    }
    json_array_end(json);
}

const struct view_ops json_fib_audit = {json_document_begin, render_nothing, audit_answer,
                                        render_ignore_status, json_document_end};

/* ---- verify path ---- */

static void hop_json(struct render *render, const Control__PathHop *hop)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, NULL);
    if (hop->leg->gateway.len != 0) {
        json_text(json, "ip", words_addr(&hop->leg->gateway, text));
    }
    json_text(json, "interfaceName", hop->leg->interface);
    json_text(json, "pathClass", words_path_class(hop->leg->path_class));
    json_flag(json, "chosen", hop->is_chosen);
    json_flag(json, "dropped", hop->is_dropped);
    json_text(json, "encryption", hop->encryption);
    if (hop->tunnel[0] != '\0') {
        json_text(json, "tunnel", hop->tunnel);
        json_flag(json, "tunnelAlive", hop->is_tunnel_alive);
        json_evidence(render, hop->evidence, hop->n_evidence);
    }
    json_object_end(json);
}

static void verdict_json(struct render *render, const Control__PathVerdict *row)
{
    static const char *const xfrm[] = {"absent", "failed", "read"};
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_text(json, "destination", words_addr(&row->destination, text));
    if (row->source.len != 0) {
        json_text(json, "source", words_addr(&row->source, text));
    }
    json_text(json, "verdict", words_verdict(row->verdict));
    json_text(json, "text", row->text);
    if (row->is_protected) {
        json_object_begin(json, "protection");
        json_text(json, "prefix", words_prefix(&row->protection, row->protection_len, text));
        json_classes(json, "requires", row->required_classes);
        json_flag(json, "guardInstalled", row->is_guard_installed);
        json_object_end(json);
    }
    if (row->endpoint_of[0] != '\0') {
        json_text(json, "endpointOf", row->endpoint_of);
    }
    if (row->has_route) {
        json_object_begin(json, "route");
        json_text(json, "prefix", words_prefix(&row->route, row->route_len, text));
        json_unsigned(json, "metric", row->metric);
        json_unsigned(json, "protocol", row->protocol);
        json_flag(json, "ours", row->is_route_ours);
        if (row->nexthop_object != 0) {
            json_unsigned(json, "nexthopGroupId", row->nexthop_object);
        }
        json_object_end(json);
    }
    json_text(json, "xfrm", xfrm[row->xfrm <= CONTROL__PATH_VERDICT__XFRM__READ ? row->xfrm : 1]);
    json_unsigned(json, "xfrmPolicies", row->policies);
    json_array_begin(json, "nexthops");
    for (size_t i = 0; i < row->n_hops; i++) {
        hop_json(render, row->hops[i]);
    }
    json_array_end(json);
}

static void verify_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_verdicts; i++) {
        verdict_json(render, answer->verdicts[i]);
    }
}

const struct view_ops json_verify = {json_document_begin, render_nothing, verify_answer,
                                     render_ignore_status, json_document_end};
