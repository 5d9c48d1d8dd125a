/* BFD sessions, as the thread that keeps their time sees them. */
#include <string.h>

#include "bgpd/control/control_private.h"

#define SESSIONS_PER_READ 16u

_Static_assert(BFD_ADMIN_DOWN == 0 && BFD_UP == 3 && BFD_AUTH_METICULOUS_SHA1 == 5,
               "states and types are part of the protocol");

/* Those that happened. */
struct discards {
    size_t count;
    Control__BfdDiscard rows[BFD_FAULT_COUNT];
    Control__BfdDiscard *list[BFD_FAULT_COUNT];
};

static void fill_discards(const uint64_t discarded[BFD_FAULT_COUNT], struct discards *out)
{
    out->count = 0;
    for (int fault = 0; fault < BFD_FAULT_COUNT; fault++) {
        if (discarded[fault] != 0) {
            Control__BfdDiscard *row = &out->rows[out->count];
            control__bfd_discard__init(row);
            row->reason = value_text(bfd_fault_name((enum bfd_fault)fault));
            row->packets = discarded[fault];
            out->list[out->count++] = row;
        }
    }
}

static void fill_far_end(const struct bfd_machine *machine, Control__BfdPeer *row)
{
    row->remote_discriminator = machine->remote_discriminator;
    row->remote_diagnostic = value_text(bfd_diagnostic_name(machine->remote_diagnostic));
    row->remote_multiplier = machine->remote_multiplier;
    row->remote_receive_us = machine->remote_min_rx_us;
    row->remote_transmit_us = machine->remote_desired_tx_us;
    row->transmit_in_force_us = (uint64_t)bfd_transmit_interval(machine).ns / 1000;
    row->detection_us = (uint64_t)bfd_detection_time(machine).ns / 1000;
}

static void put_session(struct control_client *client, const struct bfd_session_view *view)
{
    const struct bfd_machine *machine = &view->machine;
    struct discards discards;
    Control__BfdPeer row = CONTROL__BFD_PEER__INIT;
    row.peer = value_addr(&view->key.peer);
    row.local = value_addr(&view->key.local);
    row.interface = value_text(view->key.interface);
    row.is_multihop = view->key.is_multihop;
    row.discriminator = machine->local_discriminator;
    row.is_passive = view->key.passive;
    row.state = machine->state;
    row.age_ms = value_age_ms(client->now, machine->statistics.changed_at);
    row.diagnostic = value_text(bfd_diagnostic_name(machine->diagnostic));
    row.multiplier = machine->settings.detect_multiplier;
    row.receive_us = machine->settings.receive_interval_us;
    row.transmit_us = machine->settings.transmit_interval_us;
    fill_far_end(machine, &row);
    row.auth_type = machine->settings.auth.type;
    row.auth_key_id = machine->settings.auth.key_id;
    row.minimum_ttl = view->key.minimum_ttl;
    row.hold_down_ms = machine->settings.hold_down_ms;
    row.is_held_down = !mono_is_never(machine->works_at);
    row.received = machine->statistics.received;
    row.sent = machine->statistics.sent;
    row.send_errors = view->send_errors;
    row.ups = machine->statistics.ups;
    row.downs = machine->statistics.downs;
    fill_discards(machine->statistics.discarded, &discards);
    row.n_discards = discards.count;
    row.discards = discards.list;
    Control__BfdPeer *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_bfd_peers = 1;
    part.bfd_peers = rows;
    answer_put(client, &part);
}

static void put_strays(struct control_client *client)
{
    uint64_t discarded[BFD_FAULT_COUNT] = {0};
    struct discards discards;
    const struct control_hooks *hooks = &client->server->hooks;
    if (hooks->read_bfd_discarded != NULL && client->bfd.only.family == IP_NONE) {
        hooks->read_bfd_discarded(hooks->context, discarded);
    }
    fill_discards(discarded, &discards);
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_bfd_discards = discards.count;
    part.bfd_discards = discards.list;
    if (discards.count != 0) {
        answer_put(client, &part);
    }
}

static void step_bfd(struct control_client *client, struct mono_time now)
{
    (void)now;
    struct bfd_session_view views[SESSIONS_PER_READ];
    struct bfd_request *request = &client->bfd;
    const struct control_hooks *hooks = &client->server->hooks;
    while (answer_pending(client) < ANSWER_FRAME_BYTES) {
        arena_reset(&client->scratch);
        size_t count = hooks->read_bfd(hooks->context, &request->next, views, SESSIONS_PER_READ);
        for (size_t i = 0; i < count; i++) {
            if (request->only.family == IP_NONE || ip_equal(&request->only, &views[i].key.peer)) {
                put_session(client, &views[i]);
                request->count++;
            }
        }
        explicit_bzero(views, sizeof views);
        if (count == 0) {
            put_strays(client);
            bool is_missing = request->only.family != IP_NONE && request->count == 0;
            answer_finish(client,
                          is_missing ? CONTROL__STATUS__CODE__NOT_FOUND : CONTROL__STATUS__CODE__OK,
                          request->count, "%s", is_missing ? "no such BFD peer" : "");
            return;
        }
    }
}

void request_bfd(struct control_client *client, const Control__BfdRequest *request)
{
    client->bfd = (struct bfd_request){.next = 0};
    if (request->peer.len != 0 && !value_addr_read(&request->peer, &client->bfd.only)) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "malformed address");
    } else if (client->server->hooks.read_bfd == NULL) {
        answer_finish(client, CONTROL__STATUS__CODE__UNSUPPORTED, 0, "there is no BFD here");
    } else {
        client->step = step_bfd;
    }
}
