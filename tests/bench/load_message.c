/* Messages of the simulated peers. */
#include <string.h>

#include "tests/bench/load.h"

static void put_header(struct buffer *out, uint8_t type, size_t body_bytes)
{
    uint8_t *at = buffer_reserve(out, 19);
    memset(at, 0xff, 16);
    store_be16(at + 16, (uint16_t)(19 + body_bytes));
    at[18] = type;
    out->size += 19;
}

static void put_update(struct load_peer *peer, const uint8_t *body, const struct writer *w)
{
    put_header(&peer->out, 2, writer_size(w));
    buffer_append(&peer->out, body, writer_size(w));
}

void load_put_keepalive(struct load_peer *peer)
{
    put_header(&peer->out, 4, 0);
}

void load_put_open(struct load_peer *peer, uint16_t hold_time_s)
{
    uint8_t body[64];
    struct writer w = writer_of(body, sizeof body);
    writer_u8(&w, 4);
    writer_u16(&w, 23456);
    writer_u16(&w, hold_time_s);
    writer_u32(&w, peer->addr);
    static const uint8_t capabilities[] = {14, 2, 12, 1, 4, 0, 1, 0, 1, 65, 4};
    writer_bytes(&w, capabilities, sizeof capabilities);
    writer_u32(&w, peer->asn);
    put_header(&peer->out, 1, writer_size(&w));
    buffer_append(&peer->out, body, writer_size(&w));
}

uint32_t load_prepends(const struct load *load, int sender, uint32_t group)
{
    int best = load->is_first_best ? 0 : (int)(group % (uint32_t)load->sender_count);
    return 1u + (best != sender) + (uint32_t)(sender > best);
}

static void put_origin_and_path(struct writer *w, uint32_t asn, uint32_t own, const uint32_t *rest,
                                uint32_t rest_count)
{
    static const uint8_t origin[] = {0x40, 1, 1, 0};
    writer_bytes(w, origin, sizeof origin);
    writer_u8(w, 0x40);
    writer_u8(w, 2);
    writer_u8(w, (uint8_t)(2 + 4 * (own + rest_count)));
    writer_u8(w, 2);
    writer_u8(w, (uint8_t)(own + rest_count));
    for (uint32_t i = 0; i < own; i++) {
        writer_u32(w, asn);
    }
    for (uint32_t i = 0; i < rest_count; i++) {
        writer_u32(w, rest[i]);
    }
}

static void put_next_hop(struct writer *w, uint32_t addr)
{
    static const uint8_t head[] = {0x40, 3, 4};
    writer_bytes(w, head, sizeof head);
    writer_u32(w, addr);
}

static void put_attrs(const struct load *load, const struct load_peer *peer, uint32_t own,
                      uint32_t group_number, struct writer *w)
{
    const struct table_group *group = &load->table.groups[group_number];
    put_origin_and_path(w, peer->asn, own, group->path, group->path_count);
    put_next_hop(w, peer->next_hop);
    if (group->has_med) {
        static const uint8_t med[] = {0x80, 4, 4};
        writer_bytes(w, med, sizeof med);
        writer_u32(w, group->med);
    }
    if (group->community_count != 0) {
        writer_u8(w, 0xc0);
        writer_u8(w, 8);
        writer_u8(w, (uint8_t)(4 * group->community_count));
        for (uint32_t i = 0; i < group->community_count; i++) {
            writer_u32(w, group->communities[i]);
        }
    }
}

static void put_nlri(struct writer *w, const struct table_prefix *prefix)
{
    uint8_t bytes[4];
    store_be32(bytes, prefix->addr);
    writer_u8(w, prefix->len_bits);
    writer_bytes(w, bytes, (prefix->len_bits + 7u) / 8u);
}

/* The prefixes first, first + 1, ... of one group. */
static void put_announcement(const struct load *load, struct load_peer *peer, uint32_t own,
                             uint32_t first, uint32_t count)
{
    uint8_t body[4096];
    struct writer w = writer_of(body, sizeof body);
    writer_u16(&w, 0);
    uint8_t *length = writer_claim(&w, 2);
    put_attrs(load, peer, own, load->table.prefixes[first].group, &w);
    store_be16(length, (uint16_t)(writer_size(&w) - 4));
    for (uint32_t i = 0; i < count; i++) {
        put_nlri(&w, &load->table.prefixes[first + i]);
    }
    put_update(peer, body, &w);
}

void load_put_table(const struct load *load, struct load_peer *peer, int sender)
{
    for (uint32_t g = 0; g < load->table.group_count; g++) {
        const struct table_group *group = &load->table.groups[g];
        put_announcement(load, peer, load_prepends(load, sender, g), group->first, group->count);
    }
}

void load_put_one(const struct load *load, struct load_peer *peer, int sender, uint32_t place,
                  bool is_longer)
{
    uint32_t own = load_prepends(load, sender, load->table.prefixes[place].group);
    put_announcement(load, peer, own + is_longer, place, 1);
}

void load_put_probe(struct load_peer *peer, uint32_t serial)
{
    uint8_t body[128];
    uint32_t last = LOAD_PROBE_SERIAL + serial;
    struct table_prefix prefix = {.addr = LOAD_PROBE_ADDR, .len_bits = 24};
    struct writer w = writer_of(body, sizeof body);
    writer_u16(&w, 0);
    uint8_t *length = writer_claim(&w, 2);
    put_origin_and_path(&w, peer->asn, 1, &last, 1);
    put_next_hop(&w, peer->next_hop);
    store_be16(length, (uint16_t)(writer_size(&w) - 4));
    put_nlri(&w, &prefix);
    put_update(peer, body, &w);
}

void load_put_withdrawals(const struct load *load, struct load_peer *peer)
{
    uint8_t body[4096];
    uint32_t place = 0;
    while (place < load->table.prefix_count) {
        struct writer w = writer_of(body, 4000);
        uint8_t *length = writer_claim(&w, 2);
        while (place < load->table.prefix_count && writer_room(&w) > 8) {
            put_nlri(&w, &load->table.prefixes[place++]);
        }
        store_be16(length, (uint16_t)(writer_size(&w) - 2));
        writer_u16(&w, 0);
        put_update(peer, body, &w);
    }
}
