/* What is true in the kernel and how fast it became so: the stopwatch, the audit, the way of a
 * packet. */
#include "bgpd/control/control_private.h"

/* ---- Failovers ---- */

static uint64_t us_between(struct mono_time earlier, struct mono_time later)
{
    return mono_before(earlier, later) ? (uint64_t)mono_between(earlier, later).ns / 1000 : 0;
}

static void put_failover(struct control_client *client, uint32_t number,
                         const struct failover_record *record)
{
    Control__Failover row = CONTROL__FAILOVER__INIT;
    row.number = number;
    row.cause = value_text(record->cause);
    row.age_ms = value_age_ms(client->now, record->confirmed);
    row.detect_us = us_between(record->seen, record->began);
    row.decide_us = us_between(record->began, record->told);
    row.program_us = us_between(record->told, record->programmed);
    row.confirm_us = us_between(record->programmed, record->confirmed);
    row.groups = record->group_count;
    row.destinations = record->destination_count;
    row.discarding = record->discarding_count;
    row.plain_routes = record->route_count;
    Control__Failover *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_failovers = 1;
    part.failovers = rows;
    answer_put(client, &part);
}

void request_failovers(struct control_client *client)
{
    const struct core *core = client->server->core;
    struct failover_record record;
    uint32_t count = 0;
    for (; snapshot_failover(core, count, &record); count++) {
        put_failover(client, snapshot_failover_total(core) - count, &record);
    }
    answer_finish(client, CONTROL__STATUS__CODE__OK, count, "%s", "");
}

/* ---- The audit ---- */

_Static_assert((int)CONTROL__DRIFT__KIND__STRAY == DRIFT_STRAY &&
                   (int)CONTROL__DRIFT__WHAT__MISSING == DRIFT_MISSING,
               "drift is part of the protocol");

void request_fib_audit(struct control_client *client)
{
    struct snapshot_fib_audit audit;
    snapshot_fib_audit(client->server->core, &audit);
    Control__Drift drifts[DRIFTS_KEPT];
    Control__Drift *drift_rows[DRIFTS_KEPT];
    for (uint32_t i = 0; i < audit.drift_count; i++) {
        const struct snapshot_drift *drift = &audit.drifts[i];
        control__drift__init(&drifts[i]);
        drifts[i].kind = (Control__Drift__Kind)drift->kind;
        drifts[i].what = (Control__Drift__What)drift->what;
        drifts[i].prefix = value_prefix(&drift->prefix);
        drifts[i].prefix_len = drift->prefix.len_bits;
        drifts[i].object = drift->object;
        drifts[i].age_ms = value_age_ms(client->now, drift->at);
        drift_rows[i] = &drifts[i];
    }
    Control__FibAudit row = CONTROL__FIB_AUDIT__INIT;
    row.interval_s = audit.interval_s;
    row.is_running = audit.is_running;
    row.rounds = audit.rounds;
    row.rereads = audit.rereads;
    row.ended_age_ms = value_age_ms(client->now, audit.ended);
    row.took_us = mono_is_never(audit.ended) ? 0 : us_between(audit.began, audit.ended);
    row.routes = audit.checked_routes;
    row.plain_routes = audit.checked_plain;
    row.objects = audit.checked_objects;
    row.refused = audit.refused;
    row.n_repaired = DRIFT_KIND_COUNT;
    row.repaired = audit.repaired;
    row.n_drifts = audit.drift_count;
    row.drifts = drift_rows;
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.fib_audit = &row;
    answer_put(client, &part);
    answer_finish(client, CONTROL__STATUS__CODE__OK, 1, "%s", "");
}

/* ---- The way of a packet ---- */

_Static_assert((int)CONTROL__PATH_VERDICT__VERDICT__UNKNOWN == VERIFY_UNKNOWN &&
                   (int)CONTROL__PATH_VERDICT__VERDICT__EXPOSED == VERIFY_EXPOSED,
               "verdicts are part of the protocol");
_Static_assert((int)CONTROL__PATH_VERDICT__XFRM__READ == KERNEL_XFRM_READ, "and what XFRM told");

static Control__PathHop *hop_row(struct control_client *client, const struct verify_hop *hop)
{
    Control__PathHop *row = arena_alloc(&client->scratch, sizeof *row);
    struct snapshot_tunnel tunnel;
    control__path_hop__init(row);
    row->leg = *value_legs(client, &hop->leg, 1);
    row->is_chosen = hop->is_chosen;
    row->is_dropped = hop->is_dropped;
    row->encryption = value_text(hop->encryption);
    if (hop->tunnel_number != 0 &&
        snapshot_tunnel(client->server->core, hop->tunnel_number - 1u, &tunnel)) {
        row->tunnel = value_text(tunnel.tunnel->name);
        row->is_tunnel_alive = tunnel.is_alive;
        row->n_evidence = tunnel.evidence_count;
        row->evidence = value_evidence(client, tunnel.evidence, tunnel.evidence_count);
    }
    return row;
}

static void put_verdict(struct control_client *client, const struct kernel_path *path,
                        const struct verify_result *result)
{
    Control__PathVerdict row = CONTROL__PATH_VERDICT__INIT;
    struct snapshot_tunnel tunnel;
    row.destination = value_addr(&path->destination);
    row.source = value_addr(&path->source);
    row.verdict = (Control__PathVerdict__Verdict)result->verdict;
    row.text = value_text(result->text);
    row.is_protected = result->is_protected;
    row.protection = value_prefix(&result->protection);
    row.protection_len = result->protection.len_bits;
    row.required_classes = result->required_classes;
    row.is_guard_installed = result->is_guard_installed;
    row.has_route = path->has_route;
    row.route = value_prefix(&path->route.prefix);
    row.route_len = path->route.prefix.len_bits;
    row.protocol = path->route.protocol;
    row.metric = path->route.metric;
    row.is_route_ours = result->is_route_ours;
    row.nexthop_object = path->route.nexthop_object;
    row.n_hops = result->hop_count;
    row.hops = arena_alloc(&client->scratch, (result->hop_count + 1u) * sizeof *row.hops);
    for (uint8_t i = 0; i < result->hop_count; i++) {
        row.hops[i] = hop_row(client, &result->hops[i]);
    }
    if (result->endpoint_of != 0 &&
        snapshot_tunnel(client->server->core, result->endpoint_of - 1u, &tunnel)) {
        row.endpoint_of = value_text(tunnel.tunnel->name);
    }
    row.xfrm = (Control__PathVerdict__Xfrm)path->xfrm;
    row.policies = path->policy_count;
    Control__PathVerdict *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_verdicts = 1;
    part.verdicts = rows;
    answer_put(client, &part);
}

void request_verify(struct control_client *client, const Control__VerifyRequest *request)
{
    const struct control_hooks *hooks = &client->server->hooks;
    struct ip_addr destination;
    struct ip_addr source;
    if (!value_addr_read(&request->destination, &destination) || destination.family == IP_NONE ||
        !value_addr_read(&request->source, &source) ||
        (source.family != IP_NONE && source.family != destination.family)) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "malformed address");
        return;
    }
    if (hooks->query_path == NULL) {
        answer_finish(client, CONTROL__STATUS__CODE__FAILED, 0,
                      "this daemon cannot ask the kernel");
        return;
    }
    struct kernel_path *path = arena_alloc(&client->scratch, sizeof *path);
    struct verify_result *result = arena_alloc(&client->scratch, sizeof *result);
    hooks->query_path(hooks->context, &destination, &source, path);
    core_verify_path(client->server->core, path, result);
    put_verdict(client, path, result);
    bool is_bad = result->verdict == VERIFY_EXPOSED || result->verdict == VERIFY_UNKNOWN;
    answer_finish(client, is_bad ? CONTROL__STATUS__CODE__FAILED : CONTROL__STATUS__CODE__OK, 1,
                  "%s", is_bad ? result->text : "");
}
