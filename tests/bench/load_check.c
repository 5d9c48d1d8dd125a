/* A receiver holds a prefix only when the path it got is, AS for AS, one that a sender announced.
 */
#include <errno.h>
#include <string.h>

#include "tests/bench/load.h"

/* Which sender's path this is (its number), or -1 when it is none of theirs for this group. */
static int path_sender(const struct load *load, struct byte_view as_path, uint32_t group_number)
{
    struct reader r = reader_of_view(as_path);
    const struct table_group *group = &load->table.groups[group_number];
    uint8_t type = reader_u8(&r);
    uint8_t count = reader_u8(&r);
    uint32_t first = reader_u32(&r);
    uint32_t extra = load->extra_asn != 0 ? reader_u32(&r) : 0;
    uint32_t asn = reader_u32(&r);
    if (r.failed || type != 2 || first != load->target_asn || extra != load->extra_asn ||
        asn < LOAD_FIRST_ASN || asn >= LOAD_FIRST_ASN + (uint32_t)load->sender_count) {
        return -1;
    }
    int sender = (int)(asn - LOAD_FIRST_ASN);
    uint32_t own = load_prepends(load, sender, group_number);
    if (count != 1u + (extra != 0) + own + group->path_count) {
        return -1;
    }
    for (uint32_t i = 1; i < own; i++) {
        if (reader_u32(&r) != asn) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < group->path_count; i++) {
        if (reader_u32(&r) != group->path[i]) {
            return -1;
        }
    }
    return r.failed ? -1 : sender;
}

static bool is_right(const struct load *load, uint32_t place, uint16_t held_by)
{
    int expected = load->expected_sender;
    if (expected == -1) {
        expected = load->is_first_best
                       ? 0
                       : (int)(load->table.prefixes[place].group % (uint32_t)load->sender_count);
    }
    return held_by == expected + 1;
}

static void hear_probe(struct load *load, struct byte_view as_path)
{
    if (as_path.size >= 4) {
        load->probe_seen = load_be32(as_path.data + as_path.size - 4) - LOAD_PROBE_SERIAL;
    }
}

/* The monitor must keep up with what it measures: the prefixes of a group lie together and mostly
 * arrive together. */
static uint32_t place_of(const struct load *load, struct load_peer *peer, uint32_t addr,
                         uint8_t len_bits)
{
    uint32_t place = peer->last_place + 1;
    if (place >= load->table.prefix_count || load->table.prefixes[place].addr != addr ||
        load->table.prefixes[place].len_bits != len_bits) {
        place = table_find(&load->table, addr, len_bits);
    }
    if (place == UINT32_MAX) {
        errno = 0;
        load_die("received a prefix nobody sent");
    }
    peer->last_place = place;
    return place;
}

/* What the message being read says about one group: whose path it is. */
struct checked_path {
    bool is_known;
    uint32_t group;
    uint16_t held_by; /* 0: the prefix is withdrawn */
};

static void check_path(const struct load *load, struct byte_view as_path, uint32_t group,
                       struct checked_path *checked)
{
    if (checked->is_known && checked->group == group) {
        return;
    }
    *checked = (struct checked_path){.is_known = true, .group = group};
    if (as_path.size != 0) {
        int sender = path_sender(load, as_path, group);
        checked->held_by = sender == -1 ? UINT16_MAX : (uint16_t)(sender + 1);
    }
}

static void hold(struct load *load, struct load_peer *peer, uint32_t addr, uint8_t len_bits,
                 struct byte_view as_path, struct checked_path *checked)
{
    if (addr == LOAD_PROBE_ADDR) {
        hear_probe(load, as_path);
        return;
    }
    uint32_t place = place_of(load, peer, addr, len_bits);
    uint16_t *held = &peer->held_by[place];
    check_path(load, as_path, load->table.prefixes[place].group, checked);
    peer->held_count -= *held != 0;
    peer->right_count -= is_right(load, place, *held);
    *held = checked->held_by;
    peer->held_count += *held != 0;
    peer->right_count += is_right(load, place, *held);
}

static void read_nlri(struct load *load, struct load_peer *peer, struct reader r,
                      struct byte_view as_path)
{
    struct checked_path checked = {0};
    while (reader_left(&r) != 0 && !r.failed) {
        uint8_t len_bits = reader_u8(&r);
        uint8_t bytes[4] = {0};
        const uint8_t *at = reader_bytes(&r, (len_bits + 7u) / 8u);
        if (at != NULL && len_bits <= 32) {
            memcpy(bytes, at, (len_bits + 7u) / 8u);
            hold(load, peer, load_be32(bytes), len_bits, as_path, &checked);
        }
    }
}

void load_read_update(struct load *load, struct load_peer *peer, struct reader r)
{
    struct byte_view as_path = {NULL, 0};
    peer->updates++;
    load->update_count++;
    read_nlri(load, peer, reader_sub(&r, reader_u16(&r)), as_path);
    struct reader attrs = reader_sub(&r, reader_u16(&r));
    while (reader_left(&attrs) != 0 && !attrs.failed) {
        uint8_t flags = reader_u8(&attrs);
        uint8_t type = reader_u8(&attrs);
        size_t size = (flags & 0x10) != 0 ? reader_u16(&attrs) : reader_u8(&attrs);
        struct byte_view value = reader_view(&attrs, size);
        if (type == 2) {
            as_path = value;
        }
    }
    if (reader_left(&r) != 0) {
        read_nlri(load, peer, r, as_path);
    }
}

void load_recount(struct load *load)
{
    for (int i = load->sender_count; i < load->peer_count; i++) {
        struct load_peer *peer = &load->peers[i];
        peer->right_count = 0;
        for (uint32_t place = 0; place < load->table.prefix_count; place++) {
            peer->right_count += is_right(load, place, peer->held_by[place]);
        }
    }
}
