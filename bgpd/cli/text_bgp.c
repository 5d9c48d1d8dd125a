/* Text of summary, tables and single prefixes, in the shapes FRR's users know. */
#include <string.h>

#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

/* ---- show bgp summary ---- */

static void summary_close(struct render *render)
{
    if (render->is_open) {
        out_printf(render->out, "\nTotal number of neighbors %u\n", render->prefix_count);
    }
    render->is_open = false;
    render->prefix_count = 0;
}

static void summary_request_begin(struct render *render)
{
    render->is_open = false;
    render->prefix_count = 0;
}

static void summary_request_end(struct render *render, const struct connection_status *status)
{
    (void)status;
    summary_close(render);
}

static void summary_end(struct render *render)
{
    if (render->path_count == 0 && render->has_global) {
        out_text(render->out, render->is_configured ? "% No BGP neighbors found\n"
                                                    : "% BGP instance not found\n");
    }
}

static void summary_head(struct render *render, bool is_wide)
{
    char text[WORDS_ADDR_BYTES];
    char size[WORDS_AGE_BYTES];
    struct out *out = render->out;
    out_printf(out, "\n%s Summary:\n", words_family_title(render->family));
    out_printf(out, "BGP router identifier %s, local AS number %u VRF default vrf-id 0\n",
               words_router_id(render->router_id, text), render->asn);
    out_printf(out, "BGP table version %llu\n", (unsigned long long)render->table_version);
    out_printf(out, "RIB entries %u, using %s of memory\n", render->destinations,
               words_size(render->rib_bytes, size));
    out_printf(out, "Peers %u, using %s of memory\n\n", render->peers,
               words_size(render->peer_bytes, size));
    out_text(out, "Neighbor        V         AS");
    out_text(out, is_wide ? "    LocalAS" : "");
    out_text(out, "   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt");
    out_text(out, is_wide ? "    Enc     Live" : "");
    out_text(out, " Desc\n");
    render->is_open = true;
}

static uint64_t messages(const Control__MessageCounts *counts)
{
    return counts == NULL ? 0
                          : counts->opens + counts->notifications + counts->updates +
                                counts->keepalives + counts->route_refreshes;
}

static void summary_counts(struct out *out, const Control__Neighbor *row,
                           const Control__NeighborFamily *family)
{
    if (row->state != 5) {
        out_printf(out, " %12s %8u", render_peer_state(row), 0u);
        return;
    }
    if (!family->is_negotiated) {
        out_printf(out, " %12s %8s", "NoNeg", "NoNeg");
        return;
    }
    if (family->policy_missing_in) {
        out_printf(out, " %12s", "(Policy)");
    } else {
        out_printf(out, " %12u", family->received);
    }
    if (family->policy_missing_out) {
        out_printf(out, " %8s", "(Policy)");
    } else {
        out_printf(out, " %8u", family->sent);
    }
}

/* "bfd up" and "hold timer" in one short word. */
static void live_word(const char *liveness, char out[10])
{
    size_t size = strcspn(liveness, " ");
    size = size < 9 ? size : 9;
    memcpy(out, liveness, size);
    out[size] = '\0';
    if (strcmp(out, "tunnel") == 0) {
        memcpy(out, "sa", 3);
    } else if (size == 0) {
        memcpy(out, "-", 2);
    }
}

static void summary_row(struct render *render, const Control__Neighbor *row,
                        const Control__NeighborFamily *family, bool is_wide)
{
    char addr[WORDS_ADDR_BYTES];
    char age[WORDS_AGE_BYTES];
    char live[10];
    struct out *out = render->out;
    words_addr(&row->addr, addr);
    out_text(out, addr);
    if (strlen(addr) > 15) {
        out_text(out, "\n");
        out_pad(out, 16);
    } else {
        out_pad(out, 16 - (int)strlen(addr));
    }
    out_printf(out, "4 %10u", row->remote_asn);
    if (is_wide) {
        out_printf(out, " %10u", row->local_asn);
    }
    out_printf(out, " %9llu %9llu %8llu %4u %4u %8s", (unsigned long long)messages(row->received),
               (unsigned long long)messages(row->sent),
               (unsigned long long)(row->state == 5 ? render->table_version : 0),
               row->in_queue_bytes, row->out_queue_messages, words_age(row->state_age_ms, age));
    summary_counts(out, row, family);
    if (is_wide) {
        live_word(row->liveness, live);
        out_printf(out, " %6s %8s", row->path_class == 0 ? "-" : words_path_class(row->path_class),
                   live);
    }
    out_printf(out, " %s\n", row->description[0] != '\0' ? row->description : "N/A");
    render->prefix_count++;
    render->path_count++;
}

static void summary_answer(struct render *render, const Control__Answer *answer)
{
    bool is_wide = line_has(render->line, "wide");
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
    }
    for (size_t i = 0; i < answer->n_neighbors; i++) {
        const Control__Neighbor *row = answer->neighbors[i];
        const Control__NeighborFamily *family = render_neighbor_family(row, render->family);
        if (family == NULL || !family->is_configured) {
            continue;
        }
        if (!render->is_open) {
            summary_head(render, is_wide);
        }
        summary_row(render, row, family, is_wide);
    }
}

const struct view_ops text_summary = {render_nothing, summary_request_begin, summary_answer,
                                      summary_request_end, summary_end};

/* ---- Tables of paths ---- */

static void table_head(struct render *render)
{
    char id[WORDS_ADDR_BYTES];
    struct out *out = render->out;
    out_printf(out, "BGP table version is %llu, local router ID is %s, vrf id 0\n",
               (unsigned long long)render->table_version, words_router_id(render->router_id, id));
    out_printf(out, "Default local pref %u, local AS %u\n", render->default_local_pref,
               render->asn);
    out_text(out,
             "Status codes:  s suppressed, d damped, h history, u unsorted, * valid, > best, = "
             "multipath,\n"
             "               i internal, r RIB-failure, S Stale, R Removed,\n"
             "               E ineligible: would leave in clear text\n"
             "Nexthop codes: @NNN nexthop's vrf id, < announce-nh-self\n"
             "Origin codes:  i - IGP, e - EGP, ? - incomplete\n"
             "RPKI validation codes: V valid, I invalid, N Not found\n\n"
             "     Network          Next Hop            Metric LocPrf Weight Path\n");
    render->is_begun = true;
}

static void path_status(struct out *out, const Control__Path *path)
{
    char status[6] = "     ";
    status[1] = path->reason == REASON_PROTECTION                 ? 'E'
                : (path->flags & CONTROL__PATH__FLAG__STALE) != 0 ? 'S'
                : path->is_rib_failure                            ? 'r'
                : path->is_eligible                               ? '*'
                                                                  : ' ';
    status[2] = path_is_best(path) ? '>' : path_is_multipath(path) ? '=' : ' ';
    status[3] = path->source_kind == 1 ? 'i' : ' ';
    out_text(out, status);
}

static void field(struct out *out, const char *text, int width, int next_column)
{
    int size = (int)strlen(text);
    out_text(out, text);
    if (size >= width) {
        out_text(out, "\n");
        out_pad(out, next_column);
    } else {
        out_pad(out, width - size);
    }
}

static void table_row(struct render *render, const Control__Path *path)
{
    char prefix[WORDS_PREFIX_BYTES];
    char next_hop[WORDS_ADDR_BYTES];
    struct out *out = render->out;
    path_status(out, path);
    if (path->is_first) {
        field(out, words_prefix(&path->prefix, path->prefix_len, prefix), 17, 22);
        render->prefix_count++;
    } else {
        out_pad(out, 17);
    }
    if (path_is_local(path) && path->next_hop.len == 0) {
        memcpy(next_hop, render->family == 6 ? "::" : "0.0.0.0", render->family == 6 ? 3 : 8);
    } else {
        words_addr(&path->next_hop, next_hop);
    }
    field(out, next_hop, 16, 38);
    if (path->has_med) {
        out_printf(out, "%10u", path->med);
    } else {
        out_pad(out, 10);
    }
    if (path->has_local_pref) {
        out_printf(out, "%7u", path->local_pref);
    } else {
        out_pad(out, 7);
    }
    out_printf(out, "%7u ", path->weight);
    words_as_path(&path->as_path, &render->scratch);
    if (render->scratch.size != 0) {
        out_bytes(out, render->scratch.data, render->scratch.size);
        out_text(out, " ");
    }
    char end[3] = {words_origin_letter(path->origin), '\n', '\0'};
    out_text(out, end);
    render->path_count++;
}

static void table_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
    }
    for (size_t i = 0; i < answer->n_paths; i++) {
        if (!render->is_begun) {
            table_head(render);
        }
        table_row(render, answer->paths[i]);
    }
}

static void table_end(struct render *render)
{
    struct out *out = render->out;
    if (!render->has_global) {
        return; /* the error has been said */
    }
    if (!render->is_configured) {
        out_text(out, "% BGP instance not found\n");
    } else if (line_arg(render->line, ARG_NEIGHBOR) != NULL) {
        out_printf(out, "%sTotal number of prefixes %u\n", render->is_begun ? "\n" : "",
                   render->prefix_count);
    } else if (!render->is_begun) {
        out_printf(out, "No BGP prefixes displayed, %u exist\n", render->destinations);
    } else {
        out_printf(out, "\nDisplayed %u routes and %u total paths\n", render->prefix_count,
                   render->path_count);
    }
}

const struct view_ops text_table = {render_nothing, render_nothing, table_answer,
                                    render_ignore_status, table_end};

/* ---- One prefix, or all in detail ---- */

static void destination_head(struct render *render, const Control__Destination *row)
{
    char text[WORDS_PREFIX_BYTES];
    struct out *out = render->out;
    if (render->prefix_count != 0) {
        out_text(out, "\n");
    }
    out_printf(out, "BGP routing table entry for %s, version %llu\n",
               words_prefix(&row->prefix, row->prefix_len, text),
               (unsigned long long)row->table_version);
    out_printf(out, "Paths: (%u available, ", row->path_count);
    if (row->best != 0) {
        out_printf(out, "best #%u, table default)\n", row->best);
    } else {
        out_text(out, "no best path)\n");
    }
    if (row->n_advertised_to == 0) {
        out_text(out, "  Not advertised to any peer\n");
    } else {
        out_text(out, "  Advertised to peers:\n ");
        for (size_t i = 0; i < row->n_advertised_to; i++) {
            out_printf(out, " %s", words_addr(&row->advertised_to[i], text));
        }
        if (row->advertised_count > row->n_advertised_to) {
            out_printf(out, " and %u more", row->advertised_count - (uint32_t)row->n_advertised_to);
        }
        out_text(out, "\n");
    }
    render->prefix_count++;
    render->best = row->best;
    render->path_index = 0;
}

static void path_from(struct render *render, const Control__Path *path)
{
    char next_hop[WORDS_ADDR_BYTES];
    char peer[WORDS_ADDR_BYTES];
    char id[WORDS_ADDR_BYTES];
    struct out *out = render->out;
    if (path_is_local(path)) {
        const char *none = render->family == 6 ? "::" : "0.0.0.0";
        out_printf(out, "    %s from %s (%s)\n",
                   path->next_hop.len == 0 ? none : words_addr(&path->next_hop, next_hop), none,
                   words_router_id(render->router_id, id));
        return;
    }
    out_printf(out, "    %s", words_addr(&path->next_hop, next_hop));
    if (path->nexthop_state == 0) {
        out_text(out, " (inaccessible)");
    } else if (path->nexthop_metric != 0) {
        out_printf(out, " (metric %u)", path->nexthop_metric);
    }
    out_printf(out, " from %s (%s)\n", words_addr(&path->peer, peer),
               words_router_id(path->peer_router_id, id));
    if (path->next_hop_link_local.len != 0) {
        out_printf(out, "    (%s) (used)\n", words_addr(&path->next_hop_link_local, next_hop));
    }
}

static const char *source_words(uint32_t kind)
{
    static const char *const words[] = {"external", "internal", "sourced, local",
                                        "aggregated, local", "sourced"};
    return kind < sizeof words / sizeof words[0] ? words[kind] : "external";
}

static void path_attributes(struct render *render, const Control__Path *path)
{
    struct out *out = render->out;
    out_printf(out, "      Origin %s", words_origin(path->origin));
    if (path->has_med) {
        out_printf(out, ", metric %u", path->med);
    }
    out_printf(out, ", localpref %u",
               path->has_local_pref ? path->local_pref : render->default_local_pref);
    if (path->weight != 0) {
        out_printf(out, ", weight %u", path->weight);
    }
    out_printf(out, "%s, %s", path->is_eligible ? ", valid" : "", source_words(path->source_kind));
    if (path->atomic_aggregate) {
        out_text(out, ", atomic-aggregate");
    }
    if ((path->flags & CONTROL__PATH__FLAG__STALE) != 0) {
        out_text(out, ", stale");
    }
    if (path_is_multipath(path) || (path_is_best(path) && path->reason == REASON_MULTIPATH)) {
        out_text(out, ", multipath");
    }
    if (path_is_best(path)) {
        out_printf(out, ", best (%s)", words_reason_won(path->reason));
    }
    if (path->is_rib_failure) {
        out_text(out, ", rib-failure");
    }
    out_text(out, "\n");
}

static void list_line(struct render *render, const char *title, const ProtobufCBinaryData *list,
                      void (*words)(const ProtobufCBinaryData *, struct buffer *))
{
    if (list->len == 0) {
        return;
    }
    words(list, &render->scratch);
    out_printf(render->out, "      %s: ", title);
    out_bytes(render->out, render->scratch.data, render->scratch.size);
    out_text(render->out, "\n");
}

static void path_reflection(struct render *render, const Control__Path *path)
{
    char text[WORDS_ADDR_BYTES];
    if (path->originator_id == 0 && path->cluster_list.len == 0) {
        return;
    }
    out_printf(render->out, "      Originator: %s", words_router_id(path->originator_id, text));
    for (size_t at = 0; at + 4 <= path->cluster_list.len; at += 4) {
        out_printf(render->out, "%s%s", at == 0 ? ", Cluster list: " : " ",
                   words_router_id(load_be32(path->cluster_list.data + at), text));
    }
    out_text(render->out, "\n");
}

static void path_judgement(struct render *render, const Control__Path *path)
{
    struct out *out = render->out;
    if (!path_is_best(path) && !path_is_multipath(path)) {
        render_lost_reason(path, &render->scratch);
        out_printf(out, "      %s: %s\n",
                   path->reason >= REASON_INELIGIBLE_FIRST ? "Not eligible" : "Not best",
                   buffer_text(&render->scratch));
    }
    if (!path_is_local(path)) {
        render_encryption(path, &render->scratch);
        out_printf(out, "      Encryption: %s\n", buffer_text(&render->scratch));
    }
}

static void path_show(struct render *render, const Control__Path *path)
{
    char text[WORDS_ADDR_BYTES];
    char date[32];
    struct out *out = render->out;
    words_as_path(&path->as_path, &render->scratch);
    out_printf(out, "  %s", render->scratch.size != 0 ? buffer_text(&render->scratch) : "Local");
    if (path->aggregator_asn != 0) {
        out_printf(out, ", (aggregated by %u %s)", path->aggregator_asn,
                   words_router_id(path->aggregator_id, text));
    }
    out_text(out, "\n");
    path_from(render, path);
    path_attributes(render, path);
    list_line(render, "Community", &path->communities, words_communities);
    list_line(render, "Extended Community", &path->ext_communities, words_ext_communities);
    list_line(render, "Large Community", &path->large_communities, words_large_communities);
    path_reflection(render, path);
    path_judgement(render, path);
    if (path->path_id != 0) {
        out_printf(out, "      AddPath ID: RX %u\n", path->path_id);
    }
    if (path->otc_asn != 0) {
        out_printf(out, "      Only to customers: %u\n", path->otc_asn);
    }
    out_printf(out, "      Last update: %s\n",
               words_date(render->now_epoch_s - path->age_ms / 1000, date));
    render->path_count++;
}

static void absent_show(struct render *render, const Control__Absent *row)
{
    char text[WORDS_PREFIX_BYTES];
    out_text(render->out, "% Network not in table\n");
    if (row->why[0] != '\0') {
        out_printf(render->out, "  %s: %s\n",
                   row->is_address ? words_addr(&row->prefix, text)
                                   : words_prefix(&row->prefix, row->prefix_len, text),
                   row->why);
    }
    render->is_error = true;
}

static void paths_answer(struct render *render, const Control__Answer *answer)
{
    if (answer->global != NULL) {
        render_take_global(render, answer->global);
    }
    for (size_t i = 0; i < answer->n_destinations; i++) {
        destination_head(render, answer->destinations[i]);
    }
    for (size_t i = 0; i < answer->n_paths; i++) {
        path_show(render, answer->paths[i]);
    }
    for (size_t i = 0; i < answer->n_absent; i++) {
        absent_show(render, answer->absent[i]);
    }
}

static void paths_end(struct render *render)
{
    bool is_lookup =
        line_arg(render->line, ARG_PREFIX) != NULL || line_arg(render->line, ARG_ADDR) != NULL;
    if (!render->has_global) {
        return;
    }
    if (!render->is_configured) {
        out_text(render->out, "% BGP instance not found\n");
    } else if (!is_lookup || line_has(render->line, "longer-prefixes")) {
        out_printf(render->out, "%sDisplayed %u routes and %u total paths\n",
                   render->prefix_count != 0 ? "\n" : "", render->prefix_count, render->path_count);
    }
}

const struct view_ops text_paths = {render_nothing, render_nothing, paths_answer,
                                    render_ignore_status, paths_end};
