/* What changes something, or leaves the core: configuration, clear, reload. */
#include "bgpd/control/control_private.h"
#include "proto/message.h"

_Static_assert((int)CONTROL__CLEAR_REQUEST__KIND__SOFT_BOTH == CLEAR_SOFT_BOTH, "clear kinds");
_Static_assert((int)CONTROL__CONFIG_REQUEST__FORMAT__XML == CONTROL_CONFIG_XML, "formats");

/* False, and the request is over, when the client may only look. */
static bool require_admin(struct control_client *client, const char *what)
{
    if (!client->is_admin) {
        answer_finish(client, CONTROL__STATUS__CODE__REFUSED, 0, "%s needs an administrator", what);
    }
    return client->is_admin;
}

static void step_config(struct control_client *client, struct mono_time now)
{
    (void)now;
    size_t left = client->text.size - client->text_at;
    if (left == 0) {
        buffer_fini(&client->text);
        buffer_init(&client->text, MEM_CONTROL);
        answer_finish(client, CONTROL__STATUS__CODE__OK, 0, "%s", "");
        return;
    }
    size_t size = left < ANSWER_FRAME_BYTES ? left : ANSWER_FRAME_BYTES;
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.text = (ProtobufCBinaryData){size, client->text.data + client->text_at};
    answer_put(client, &part);
    answer_flush(client); /* one piece per Answer: text is no repeated field */
    client->text_at += size;
}

void request_config(struct control_client *client, const Control__ConfigRequest *request)
{
    const struct control_hooks *hooks = &client->server->hooks;
    if ((int)request->format < 0 || request->format > CONTROL__CONFIG_REQUEST__FORMAT__XML) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0, "unknown format");
        return;
    }
    if (request->with_secrets && !require_admin(client, "showing secrets")) {
        return;
    }
    client->text.size = 0;
    if (hooks->print_running_config == NULL ||
        !hooks->print_running_config(hooks->context, (enum control_config_format)request->format,
                                     request->with_secrets, &client->text)) {
        answer_finish(client, CONTROL__STATUS__CODE__FAILED, 0,
                      "there is no running configuration");
        return;
    }
    client->text_at = 0;
    client->step = step_config;
}

void request_clear(struct control_client *client, struct mono_time now,
                   const Control__ClearRequest *request)
{
    const struct control_hooks *hooks = &client->server->hooks;
    struct ip_addr peer;
    uint32_t index;
    if ((int)request->kind < 0 || request->kind > CONTROL__CLEAR_REQUEST__KIND__SOFT_BOTH ||
        request->families >= 1u << AFI_SAFI_COUNT || !value_addr_read(&request->peer, &peer)) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0,
                      "malformed peer address, families or kind");
        return;
    }
    bool has_message = request->message != NULL && request->message[0] != 0;
    if (has_message && (request->kind != CONTROL__CLEAR_REQUEST__KIND__HARD ||
                        !shutdown_message_is_valid(request->message))) {
        answer_finish(client, CONTROL__STATUS__CODE__INVALID, 0,
                      "a message goes with a reset only, and is at most 255 octets of printable "
                      "UTF-8");
        return;
    }
    if (!require_admin(client, "clear")) {
        return;
    }
    struct core *core = client->server->core;
    if (peer.family != IP_NONE && !snapshot_peer_find(core, &peer, &index)) {
        answer_no_neighbor(client, &peer);
        return;
    }
    uint32_t count = core_clear(core, now, &peer, request->families, (enum clear_kind)request->kind,
                                has_message ? request->message : NULL);
    if (hooks->settle != NULL) {
        hooks->settle(hooks->context);
    }
    answer_finish(client, CONTROL__STATUS__CODE__OK, count, "%s", "");
}

void request_reload(struct control_client *client)
{
    const struct control_hooks *hooks = &client->server->hooks;
    if (!require_admin(client, "reload")) {
        return;
    }
    if (hooks->reload == NULL) {
        answer_finish(client, CONTROL__STATUS__CODE__FAILED, 0, "this daemon cannot reload");
        return;
    }
    client->text.size = 0;
    bool is_done = hooks->reload(hooks->context, &client->text);
    if (client->text.size != 0) {
        Control__Answer part = CONTROL__ANSWER__INIT;
        part.text = (ProtobufCBinaryData){client->text.size, client->text.data};
        answer_put(client, &part);
        answer_flush(client);
    }
    answer_finish(client, is_done ? CONTROL__STATUS__CODE__OK : CONTROL__STATUS__CODE__FAILED, 0,
                  "%s", is_done ? "" : "the configuration was not loaded; nothing has changed");
}
