/* Plain values to and from message fields. */
#include "bgpd/control/control_private.h"

bool value_addr_read(const ProtobufCBinaryData *bytes, struct ip_addr *addr_out)
{
    *addr_out = ip_from_bytes(bytes->data, bytes->len);
    return bytes->len == 0 || addr_out->family != IP_NONE;
}

bool value_prefix_read(const ProtobufCBinaryData *bytes, uint32_t len_bits, uint8_t family,
                       struct prefix *prefix_out)
{
    struct ip_addr addr;
    if (!value_addr_read(bytes, &addr) || addr.family == IP_NONE || addr.family != family ||
        len_bits > ip_family_bits(family)) {
        return false;
    }
    *prefix_out = prefix_make(&addr, (uint8_t)len_bits);
    return true;
}

/* The messages are only packed, never written to. */
static uint8_t *unconst(const uint8_t *data)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } cast = {.in = data};
    return cast.out;
}

ProtobufCBinaryData value_addr(const struct ip_addr *addr)
{
    return (ProtobufCBinaryData){ip_family_bytes(addr->family), unconst(addr->bytes)};
}

ProtobufCBinaryData value_prefix(const struct prefix *prefix)
{
    return (ProtobufCBinaryData){ip_family_bytes(prefix->family), unconst(prefix->bytes)};
}

ProtobufCBinaryData value_bytes(struct byte_view view)
{
    return (ProtobufCBinaryData){view.size, unconst(view.data)};
}

char *value_text(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = text == NULL ? "" : text};
    return cast.out;
}

int64_t value_age_ms(struct mono_time now, struct mono_time then)
{
    if (mono_is_never(then)) {
        return -1;
    }
    int64_t ms = mono_span_to_ms(mono_between(then, now));
    return ms < 0 ? 0 : ms;
}

Control__Evidence **value_evidence(struct control_client *client,
                                   const struct snapshot_evidence *evidence, size_t count)
{
    Control__Evidence **out = arena_alloc(&client->scratch, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        Control__Evidence *row = arena_alloc(&client->scratch, sizeof *row);
        control__evidence__init(row);
        row->source = evidence[i].source;
        row->is_known = evidence[i].is_known;
        row->is_alive = evidence[i].is_alive;
        row->age_ms = value_age_ms(client->now, evidence[i].since);
        row->detail = value_text(evidence[i].detail);
        out[i] = row;
    }
    return out;
}

Control__Leg **value_legs(struct control_client *client, const struct snapshot_leg *legs,
                          size_t count)
{
    Control__Leg **out = arena_alloc(&client->scratch, count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        Control__Leg *leg = arena_alloc(&client->scratch, sizeof *leg);
        control__leg__init(leg);
        leg->gateway = value_addr(&legs[i].gateway);
        leg->interface = value_text(legs[i].interface_name);
        leg->weight = legs[i].weight;
        leg->is_backup = legs[i].is_backup;
        leg->is_active = legs[i].is_active;
        leg->path_class = value_path_class(true, legs[i].path_class);
        leg->recursive_via = value_addr(&legs[i].recursive_via);
        out[i] = leg;
    }
    return out;
}
