/* Text of tunnels, protection, configuration, version, memory and operations. */
#include <string.h>

#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

/* ---- show tunnels ---- */

static void evidence_show(struct out *out, const Control__Evidence *row)
{
    char age[WORDS_AGE_BYTES];
    out_printf(out, "    %-10s %s", words_evidence(row->source),
               !row->is_known  ? "unknown"
               : row->is_alive ? "up"
                               : "down");
    if (row->is_known) {
        out_printf(out, " for %s", words_age(row->age_ms, age));
    }
    out_printf(out, "%s%s\n", row->detail[0] != '\0' ? "  " : "", row->detail);
}

static void tunnel_show(struct render *render, const Control__Tunnel *row)
{
    char local[WORDS_ADDR_BYTES];
    char remote[WORDS_ADDR_BYTES];
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    out_printf(out, "%sTunnel %s is %s", render->prefix_count++ != 0 ? "\n" : "", row->name,
               row->is_alive ? "up" : "down");
    if (row->age_ms >= 0) {
        out_printf(out, " for %s", words_age(row->age_ms, age));
    }
    out_printf(out, ", class %s\n", words_path_class(row->path_class));
    out_printf(out, "  Interface %s%s", row->interface, row->ifindex == 0 ? " (absent)" : "");
    if (row->if_id != 0) {
        out_printf(out, ", if_id %u", row->if_id);
    }
    out_printf(out, "\n  Endpoints %s -> %s, underlay %s\n",
               words_addr(&row->local_endpoint, local), words_addr(&row->remote_endpoint, remote),
               words_classes(row->underlay_classes));
    out_printf(out, "  Endpoint route: %s\n", row->is_endpoint_pinned ? "pinned" : "not pinned");
    for (size_t i = 0; i < row->n_pin_legs; i++) {
        const Control__Leg *leg = row->pin_legs[i];
        out_printf(out, "    via %s, %s\n",
                   leg->gateway.len != 0 ? words_addr(&leg->gateway, remote) : "link",
                   leg->interface);
    }
    if (row->refused_capture[0] != '\0') {
        out_printf(out, "  Refused: %s\n", row->refused_capture);
    }
    out_text(out, "  Liveness:\n");
    for (size_t i = 0; i < row->n_evidence; i++) {
        evidence_show(out, row->evidence[i]);
    }
    if (row->n_evidence == 0) {
        out_text(out, "    nothing known yet\n");
    }
    if (row->n_inner_peers != 0) {
        out_text(out, "  Inner peers:");
        for (size_t i = 0; i < row->n_inner_peers; i++) {
            out_printf(out, " %s", words_addr(&row->inner_peers[i], remote));
        }
        out_text(out, row->inner_peer_count > row->n_inner_peers ? " ...\n" : "\n");
    }
    out_printf(out, "  Prefixes forwarded: %u\n", row->prefixes);
}

static void tunnels_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_tunnels; i++) {
        tunnel_show(render, answer->tunnels[i]);
    }
}

static void tunnels_end(struct render *render)
{
    if (render->prefix_count == 0 && line_arg(render->line, ARG_TUNNEL) == NULL) {
        out_text(render->out, "No tunnels are configured\n");
    }
}

const struct view_ops text_tunnels = {render_nothing, render_nothing, tunnels_answer,
                                      render_ignore_status, tunnels_end};

/* ---- show protection ---- */

static void foreign_show(struct render *render, const Control__ForeignRoute *row)
{
    char text[WORDS_PREFIX_BYTES];
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    if (render->path_count++ == 0) {
        out_text(out, "\nNot ours, and against it:\n");
    }
    out_printf(out, "  %s", words_prefix(&row->prefix, row->prefix_len, text));
    if (!row->is_connected) {
        out_printf(out, " protocol %u metric %u", row->protocol, row->metric);
    }
    out_printf(out, " dev %s, for %s: %s\n", row->interface[0] != '\0' ? row->interface : "-",
               words_age(row->age_ms, age), row->is_overruled ? "overruled" : row->answer);
    out_printf(out, "    %s\n", row->reason);
}

static void protection_answer(struct render *render, const Control__Answer *answer)
{
    char text[WORDS_PREFIX_BYTES];
    struct out *out = render->out;
    for (size_t i = 0; i < answer->n_protections; i++) {
        const Control__Protection *row = answer->protections[i];
        if (render->prefix_count++ == 0) {
            out_text(out, "Prefix             Requires        Guard        Protected Blocked "
                          "Refused\n");
        }
        words_prefix(&row->prefix, row->prefix_len, text);
        out_text(out, text);
        if (strlen(text) > 18) {
            out_text(out, "\n");
            out_pad(out, 19);
        } else {
            out_pad(out, 19 - (int)strlen(text));
        }
        out_printf(out, "%-15s %-12s %9u %7u %7u\n", words_classes(row->allowed_classes),
                   !row->is_guard_installed  ? "missing"
                   : row->is_blackhole_guard ? "blackhole"
                                             : "unreachable",
                   row->protected_prefixes, row->unreachable_prefixes, row->refused_paths);
        out_printf(out, "  Status: %s%s\n", row->status,
                   row->overrules_foreign ? "; routes of others are overruled" : "");
    }
    for (size_t i = 0; i < answer->n_foreign_routes; i++) {
        foreign_show(render, answer->foreign_routes[i]);
    }
}

static void protection_end(struct render *render)
{
    if (render->prefix_count == 0 && line_arg(render->line, ARG_PREFIX) == NULL &&
        line_arg(render->line, ARG_ADDR) == NULL) {
        out_text(render->out, "No prefix is protected\n");
    }
}

const struct view_ops text_protection = {render_nothing, render_nothing, protection_answer,
                                         render_ignore_status, protection_end};

/* ---- show running-config ---- */

static void config_answer(struct render *render, const Control__Answer *answer)
{
    out_bytes(render->out, answer->text.data, answer->text.len);
}

const struct view_ops text_config = {render_nothing, render_nothing, config_answer,
                                     render_ignore_status, render_nothing};

/* ---- show version, show memory ---- */

static void version_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        const char *host = answer->global->hostname;
        out_printf(render->out, "Sealane %s%s%s%s\nShell %s\n", answer->global->daemon_version,
                   host[0] != '\0' ? " (" : "", host, host[0] != '\0' ? ")" : "", SEALANE_VERSION);
    }
}

const struct view_ops text_version = {render_nothing, render_nothing, version_answer,
                                      render_ignore_status, render_nothing};

static void memory_answer(struct render *render, const Control__Answer *answer)
{
    char size[WORDS_AGE_BYTES];
    struct out *out = render->out;
    for (size_t i = 0; i < answer->n_memory; i++) {
        if (!render->is_begun) {
            out_text(out, "Kind                       Blocks        Bytes\n");
            render->is_begun = true;
        }
        out_printf(out, "%-20s %12llu %12llu\n", answer->memory[i]->name,
                   (unsigned long long)answer->memory[i]->blocks,
                   (unsigned long long)answer->memory[i]->bytes);
    }
    if (answer->global != NULL) {
        out_printf(out, "\nTables use %s", words_size(answer->global->rib_bytes, size));
        out_printf(out, ", peers %s, %u attribute sets\n",
                   words_size(answer->global->peer_bytes, size), answer->global->attr_sets);
    }
}

const struct view_ops text_memory = {render_nothing, render_nothing, memory_answer,
                                     render_ignore_status, render_nothing};

/* ---- clear, reload ---- */

static void done_end(struct render *render, const struct connection_status *status)
{
    if (status->code == CONTROL__STATUS__CODE__OK && status->count == 0 &&
        line_has(render->line, "clear")) {
        out_text(render->out, "No neighbor was touched\n");
    }
}

const struct view_ops text_done = {render_nothing, render_nothing, config_answer, done_end,
                                   render_nothing};
