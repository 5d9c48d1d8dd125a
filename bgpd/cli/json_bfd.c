/* JSON of BFD sessions, with FRR's keys. */
#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

static void begin_peers(struct render *render)
{
    json_document_begin(render);
    json_array_begin(&render->json, "peers");
}

static void end_peers(struct render *render)
{
    json_array_end(&render->json);
    json_document_end(render);
}

static void addr(struct json *json, const char *key, const ProtobufCBinaryData *value)
{
    char text[WORDS_ADDR_BYTES];
    if (value->len != 0) {
        json_text(json, key, words_addr(value, text));
    }
}

static void title(struct json *json, const Control__BfdPeer *row)
{
    json_flag(json, "multihop", row->is_multihop);
    addr(json, "peer", &row->peer);
    addr(json, "local", &row->local);
    json_text(json, "vrf", "default");
    if (row->interface[0] != '\0') {
        json_text(json, "interface", row->interface);
    }
}

static void timers(struct json *json, const Control__BfdPeer *row)
{
    json_unsigned(json, "receive-interval", row->receive_us / 1000);
    json_unsigned(json, "transmit-interval", row->transmit_us / 1000);
    json_unsigned(json, "echo-receive-interval", 0);
    json_unsigned(json, "echo-transmit-interval", 0);
    json_unsigned(json, "detect-multiplier", row->multiplier);
    json_unsigned(json, "remote-receive-interval", row->remote_receive_us / 1000);
    json_unsigned(json, "remote-transmit-interval", row->remote_transmit_us / 1000);
    json_unsigned(json, "remote-echo-receive-interval", 0);
    json_unsigned(json, "remote-detect-multiplier", row->remote_multiplier);
    json_unsigned(json, "transmit-interval-in-force", row->transmit_in_force_us / 1000);
    json_unsigned(json, "detection-time", row->detection_us / 1000);
}

static void options(struct json *json, const Control__BfdPeer *row)
{
    if (row->auth_type != 0) {
        json_object_begin(json, "authentication");
        json_text(json, "type", words_bfd_auth(row->auth_type));
        json_unsigned(json, "key-id", row->auth_key_id);
        json_object_end(json);
    }
    if (row->minimum_ttl != 0) {
        json_unsigned(json, "minimum-ttl", row->minimum_ttl);
    }
    if (row->hold_down_ms != 0) {
        json_unsigned(json, "hold-down", row->hold_down_ms);
        json_flag(json, "held-down", row->is_held_down);
    }
}

static void peers_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        const Control__BfdPeer *row = answer->bfd_peers[i];
        json_object_begin(json, NULL);
        title(json, row);
        json_unsigned(json, "id", row->discriminator);
        json_unsigned(json, "remote-id", row->remote_discriminator);
        json_flag(json, "passive-mode", row->is_passive);
        json_text(json, "status", words_bfd_state(row->state));
        json_unsigned(json, row->state == BFD_STATE_UP ? "uptime" : "downtime",
                      (uint64_t)(row->age_ms < 0 ? 0 : row->age_ms) / 1000);
        json_text(json, "diagnostic", words_bfd_diagnostic(row->diagnostic));
        json_text(json, "remote-diagnostic", words_bfd_diagnostic(row->remote_diagnostic));
        json_text(json, "type", "dynamic");
        options(json, row);
        timers(json, row);
        json_object_end(json);
    }
}

const struct view_ops json_bfd_peers = {begin_peers, render_nothing, peers_answer,
                                        render_ignore_status, end_peers};

static void brief_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        const Control__BfdPeer *row = answer->bfd_peers[i];
        json_object_begin(json, NULL);
        json_unsigned(json, "session-id", row->discriminator);
        addr(json, "local", &row->local);
        addr(json, "peer", &row->peer);
        json_text(json, "status", words_bfd_state(row->state));
        json_object_end(json);
    }
}

const struct view_ops json_bfd_brief = {begin_peers, render_nothing, brief_answer,
                                        render_ignore_status, end_peers};

static void discards(struct json *json, const char *key, Control__BfdDiscard *const *rows,
                     size_t count)
{
    json_object_begin(json, key);
    for (size_t i = 0; i < count; i++) {
        json_unsigned(json, rows[i]->reason, rows[i]->packets);
    }
    json_object_end(json);
}

static void counters_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_bfd_peers; i++) {
        const Control__BfdPeer *row = answer->bfd_peers[i];
        json_object_begin(json, NULL);
        title(json, row);
        json_unsigned(json, "control-packet-input", row->received);
        json_unsigned(json, "control-packet-output", row->sent);
        json_unsigned(json, "echo-packet-input", 0);
        json_unsigned(json, "echo-packet-output", 0);
        json_unsigned(json, "session-up", row->ups);
        json_unsigned(json, "session-down", row->downs);
        json_unsigned(json, "tx-fail-packet", row->send_errors);
        discards(json, "discarded", row->discards, row->n_discards);
        json_object_end(json);
    }
    if (answer->n_bfd_discards != 0) {
        json_object_begin(json, NULL);
        discards(json, "discarded-of-no-session", answer->bfd_discards, answer->n_bfd_discards);
        json_object_end(json);
    }
}

const struct view_ops json_bfd_counters = {begin_peers, render_nothing, counters_answer,
                                           render_ignore_status, end_peers};
