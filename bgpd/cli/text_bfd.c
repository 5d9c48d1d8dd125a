/* Text of BFD sessions, in FRR's shapes. */
#include <stdio.h>

#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

#define BRIEF_FORM "%-10s %-40s %-40s %s\n"

static void begin_peers(struct render *render)
{
    out_text(render->out, "BFD Peers:\n");
}

static void end_peer(struct render *render)
{
    if (render->prefix_count == 0 && line_arg(render->line, ARG_ADDR) == NULL) {
        out_text(render->out, "No BFD sessions\n");
    }
}

static void title_show(struct out *out, const Control__BfdPeer *row)
{
    char addr[WORDS_ADDR_BYTES];
    out_printf(out, "\tpeer %s%s", words_addr(&row->peer, addr),
               row->is_multihop ? " multihop" : "");
    if (row->local.len != 0) {
        out_printf(out, " local-address %s", words_addr(&row->local, addr));
    }
    out_printf(out, " vrf default%s%s\n", row->interface[0] != '\0' ? " interface " : "",
               row->interface);
}

/* ---- show bfd peers, show bfd peer X ---- */

static void age_show(struct out *out, const char *what, int64_t age_ms)
{
    int64_t s = age_ms / 1000;
    out_printf(out, "\t\t%s: ", what);
    if (s >= 86400) {
        out_printf(out, "%lld day(s), ", (long long)(s / 86400));
    }
    if (s >= 3600) {
        out_printf(out, "%lld hour(s), ", (long long)(s / 3600 % 24));
    }
    if (s >= 60) {
        out_printf(out, "%lld minute(s), ", (long long)(s / 60 % 60));
    }
    out_printf(out, "%lld second(s)\n", (long long)(s % 60));
}

static void timers_show(struct out *out, const char *whose, uint32_t multiplier,
                        uint32_t receive_us, uint32_t transmit_us)
{
    out_printf(out, "\t\t%s timers:\n\t\t\tDetect-multiplier: %u\n\t\t\tReceive interval: %ums\n",
               whose, multiplier, receive_us / 1000);
    out_printf(out, "\t\t\tTransmission interval: %ums\n", transmit_us / 1000);
    out_text(out, "\t\t\tEcho receive interval: disabled\n");
}

static void options_show(struct out *out, const Control__BfdPeer *row)
{
    if (row->auth_type != 0) {
        out_printf(out, "\t\tAuthentication: %s, key id %u\n", words_bfd_auth(row->auth_type),
                   row->auth_key_id);
    }
    if (row->minimum_ttl != 0) {
        out_printf(out, "\t\tMinimum TTL: %u\n", row->minimum_ttl);
    }
    if (row->hold_down_ms != 0) {
        out_printf(out, "\t\tHold-down: %ums%s\n", row->hold_down_ms,
                   row->is_held_down ? ", not over yet" : "");
    }
}

static void peer_show(struct render *render, const Control__BfdPeer *row)
{
    struct out *out = render->out;
    title_show(out, row);
    out_printf(out, "\t\tID: %u\n\t\tRemote ID: %u\n\t\t%s mode\n", row->discriminator,
               row->remote_discriminator, row->is_passive ? "Passive" : "Active");
    out_printf(out, "\t\tStatus: %s\n", words_bfd_state(row->state));
    age_show(out, row->state == BFD_STATE_UP ? "Uptime" : "Downtime", row->age_ms);
    out_printf(out, "\t\tDiagnostics: %s\n\t\tRemote diagnostics: %s\n",
               words_bfd_diagnostic(row->diagnostic), words_bfd_diagnostic(row->remote_diagnostic));
    out_text(out, "\t\tPeer Type: dynamic\n");
    options_show(out, row);
    timers_show(out, "Local", row->multiplier, row->receive_us, row->transmit_us);
    out_text(out, "\t\t\tEcho transmission interval: disabled\n");
    timers_show(out, "Remote", row->remote_multiplier, row->remote_receive_us,
                row->remote_transmit_us);
    out_printf(out,
               "\t\tIn force:\n\t\t\tTransmission interval: %llums\n\t\t\tDetection time: %llums\n",
               (unsigned long long)row->transmit_in_force_us / 1000,
               (unsigned long long)row->detection_us / 1000);
    out_text(out, "\n");
}

static void peers_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        render->prefix_count++;
        peer_show(render, answer->bfd_peers[i]);
    }
}

const struct view_ops text_bfd_peers = {begin_peers, render_nothing, peers_answer,
                                        render_ignore_status, end_peer};

/* ---- show bfd peers brief ---- */

/* The count comes first, so the rows wait. */
static void brief_answer(struct render *render, const Control__Answer *answer)
{
    char id[16];
    char local[WORDS_ADDR_BYTES];
    char peer[WORDS_ADDR_BYTES];
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        const Control__BfdPeer *row = answer->bfd_peers[i];
        snprintf(id, sizeof id, "%u", row->discriminator);
        render->prefix_count++;
        buffer_printf(&render->scratch, BRIEF_FORM, id, words_addr(&row->local, local),
                      words_addr(&row->peer, peer), words_bfd_state(row->state));
    }
}

static void begin_brief(struct render *render)
{
    render->scratch.size = 0;
}

static void end_brief(struct render *render)
{
    out_printf(render->out, "Session count: %u\n", render->prefix_count);
    out_printf(render->out, BRIEF_FORM, "SessionId", "LocalAddress", "PeerAddress", "Status");
    out_printf(render->out, BRIEF_FORM, "=========", "============", "===========", "======");
    out_text(render->out, buffer_text(&render->scratch));
}

const struct view_ops text_bfd_brief = {begin_brief, render_nothing, brief_answer,
                                        render_ignore_status, end_brief};

/* ---- show bfd peers counters ---- */

static void discards_show(struct out *out, Control__BfdDiscard *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out_printf(out, "\t\tDiscarded, %s: %llu packets\n", rows[i]->reason,
                   (unsigned long long)rows[i]->packets);
    }
}

static void counters_answer(struct render *render, const Control__Answer *answer)
{
    struct out *out = render->out;
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        const Control__BfdPeer *row = answer->bfd_peers[i];
        render->prefix_count++;
        title_show(out, row);
        out_printf(out, "\t\tControl packet input: %llu packets\n",
                   (unsigned long long)row->received);
        out_printf(out, "\t\tControl packet output: %llu packets\n", (unsigned long long)row->sent);
        out_text(out, "\t\tEcho packet input: 0 packets\n\t\tEcho packet output: 0 packets\n");
        out_printf(out, "\t\tSession up events: %u\n\t\tSession down events: %u\n", row->ups,
                   row->downs);
        out_printf(out, "\t\tTx fail packet: %llu\n", (unsigned long long)row->send_errors);
        discards_show(out, row->discards, row->n_discards);
        out_text(out, "\n");
    }
    if (answer->n_bfd_discards != 0) {
        out_text(out, "\tpackets that belong to no session\n");
        discards_show(out, answer->bfd_discards, answer->n_bfd_discards);
    }
}

const struct view_ops text_bfd_counters = {begin_peers, render_nothing, counters_answer,
                                           render_ignore_status, end_peer};
