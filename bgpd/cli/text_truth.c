/* Text of what is true in the kernel: failovers, the audit, the way of a packet. */
#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

/* ---- show failover history ---- */

static double ms(uint64_t us)
{
    return (double)us / 1000.;
}

static void failover_show(struct render *render, const Control__Failover *row)
{
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    if (render->path_count++ == 0) {
        out_text(out,
                 "   #  Ago        Total ms  Detect  Decide  Program  Confirm  Destinations\n");
    }
    out_printf(out, "%4u  %-9s %9.3f %7.3f %7.3f  %7.3f  %7.3f  %12u\n", row->number,
               words_age(row->age_ms, age),
               ms(row->detect_us + row->decide_us + row->program_us + row->confirm_us),
               ms(row->detect_us), ms(row->decide_us), ms(row->program_us), ms(row->confirm_us),
               row->destinations);
    out_printf(out, "      %s: %u next-hop groups (%u to nowhere), %u plain routes\n", row->cause,
               row->groups, row->discarding, row->plain_routes);
}

static void failovers_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_failovers; i++) {
        failover_show(render, answer->failovers[i]);
    }
}

static void failovers_end(struct render *render)
{
    if (render->path_count == 0) {
        out_text(render->out, "Nothing has failed over yet\n");
    }
}

const struct view_ops text_failovers = {render_nothing, render_nothing, failovers_answer,
                                        render_ignore_status, failovers_end};

/* ---- show fib audit ---- */

static void drift_show(struct out *out, const Control__Drift *drift)
{
    char text[WORDS_PREFIX_BYTES];
    char age[WORDS_AGE_BYTES];
    out_printf(out, "  %-9s %-8s %-8s ", words_age(drift->age_ms, age),
               words_drift_kind(drift->kind), words_drift_what(drift->what));
    if (drift->kind == CONTROL__DRIFT__KIND__NEXTHOP) {
        out_printf(out, "object %u\n", drift->object);
    } else {
        out_printf(out, "%s\n", words_prefix(&drift->prefix, drift->prefix_len, text));
    }
}

static void audit_show(struct out *out, const Control__FibAudit *row)
{
    char age[WORDS_AGE_BYTES];
    out_printf(out, "Audit every %u s, %u so far%s", row->interval_s, row->rounds,
               row->is_running ? ", one is running" : "");
    if (row->ended_age_ms >= 0) {
        out_printf(out, "; the last ended %s ago and took %.1f ms",
                   words_age(row->ended_age_ms, age), ms(row->took_us));
    }
    out_printf(out, "\nKernel state read again as a whole: %u times\n", row->rereads);
    out_printf(out, "Checked: %u routes, %u guards, pins and static routes, %u next-hop objects\n",
               row->routes, row->plain_routes, row->objects);
    out_printf(out, "Refused by the kernel now: %u\n", row->refused);
    out_text(out, "Repaired:");
    for (size_t i = 0; i < row->n_repaired; i++) {
        out_printf(out, "%s %s %llu", i == 0 ? "" : ",", words_drift_kind((uint32_t)i),
                   (unsigned long long)row->repaired[i]);
    }
    out_text(out, row->n_drifts != 0 ? "\nLast repairs:\n" : "\n");
    for (size_t i = 0; i < row->n_drifts; i++) {
        drift_show(out, row->drifts[i]);
    }
}

static void audit_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->fib_audit != NULL) {
        audit_show(render->out, answer->fib_audit);
    }
}

const struct view_ops text_fib_audit = {render_nothing, render_nothing, audit_answer,
                                        render_ignore_status, render_nothing};

/* ---- verify path ---- */

static void hop_show(struct out *out, const Control__PathHop *hop)
{
    char addr[WORDS_ADDR_BYTES];
    char age[WORDS_AGE_BYTES];
    out_printf(out, "  %s %s, %s, class %s%s\n", hop->is_chosen ? "*" : " ",
               hop->leg->gateway.len != 0 ? words_addr(&hop->leg->gateway, addr) : "link",
               hop->leg->interface, words_path_class(hop->leg->path_class),
               hop->is_dropped ? ", dropped there" : "");
    out_printf(out, "      Encryption: %s\n", hop->encryption);
    if (hop->tunnel[0] == '\0') {
        return;
    }
    out_printf(out, "      Tunnel %s is %s:", hop->tunnel, hop->is_tunnel_alive ? "up" : "down");
    for (size_t i = 0; i < hop->n_evidence; i++) {
        const Control__Evidence *row = hop->evidence[i];
        out_printf(out, "%s %s %s", i == 0 ? "" : ",", words_evidence(row->source),
                   !row->is_known  ? "unknown"
                   : row->is_alive ? "up"
                                   : "down");
        if (row->is_known) {
            out_printf(out, " for %s", words_age(row->age_ms, age));
        }
    }
    out_text(out, "\n");
}

static void verdict_show(struct out *out, const Control__PathVerdict *row)
{
    static const char *const xfrm[] = {"not in this kernel", "could not be read", "read"};
    char text[WORDS_PREFIX_BYTES];
    out_printf(out, "Verdict: %s: %s\n", words_verdict(row->verdict), row->text);
    if (row->is_protected) {
        out_printf(out, "Protection: %s requires %s, guard %s\n",
                   words_prefix(&row->protection, row->protection_len, text),
                   words_classes(row->required_classes),
                   row->is_guard_installed ? "installed" : "missing");
    } else {
        out_text(out, "Protection: none required\n");
    }
    if (row->endpoint_of[0] != '\0') {
        out_printf(out, "Endpoint of tunnel %s\n", row->endpoint_of);
    }
    if (row->source.len != 0) {
        out_printf(out, "Source: %s\n", words_addr(&row->source, text));
    }
    if (row->has_route) {
        out_printf(out, "Kernel route: %s, metric %u, protocol %u (%s)\n",
                   words_prefix(&row->route, row->route_len, text), row->metric, row->protocol,
                   row->is_route_ours ? "ours" : "not ours");
    }
    out_printf(out, "XFRM: %s",
               xfrm[row->xfrm <= CONTROL__PATH_VERDICT__XFRM__READ ? row->xfrm : 1]);
    out_printf(out,
               row->xfrm == CONTROL__PATH_VERDICT__XFRM__READ ? ", %u policies take it\n" : "\n",
               row->policies);
    if (row->n_hops != 0) {
        out_text(out, "Ways (* this packet's):\n");
    }
    for (size_t i = 0; i < row->n_hops; i++) {
        hop_show(out, row->hops[i]);
    }
}

static void verify_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_verdicts; i++) {
        verdict_show(render->out, answer->verdicts[i]);
    }
}

const struct view_ops text_verify = {render_nothing, render_nothing, verify_answer,
                                     render_ignore_status, render_nothing};
