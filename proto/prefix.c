/* Addresses and prefixes as values: making, ordering and their wire form. Text is in ip_text.c. */
#include "proto/prefix.h"

#include <string.h>

#include "proto/base/assert.h"

struct ip_addr ip_from_v4(uint32_t host)
{
    struct ip_addr addr = {.family = IP_V4};
    store_be32(addr.bytes, host);
    return addr;
}

uint32_t ip_to_v4(const struct ip_addr *addr)
{
    return load_be32(addr->bytes);
}

struct ip_addr ip_from_bytes(const uint8_t *bytes, size_t size)
{
    struct ip_addr addr = {.family = IP_NONE};
    if (size == 4 || size == 16) {
        addr.family = size == 4 ? IP_V4 : IP_V6;
        memcpy(addr.bytes, bytes, size);
    }
    return addr;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int ip_compare(const struct ip_addr *a, const struct ip_addr *b)
{
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool ip_is_unspecified(const struct ip_addr *addr)
{
    static const uint8_t zero[16];
    return addr->family != IP_NONE && memcmp(addr->bytes, zero, sizeof zero) == 0;
}

bool ip_is_loopback(const struct ip_addr *addr)
{
    static const uint8_t loopback[16] = {[15] = 1};
    return (addr->family == IP_V4 && addr->bytes[0] == 127) ||
           (addr->family == IP_V6 && memcmp(addr->bytes, loopback, sizeof loopback) == 0);
}

bool ip_is_multicast(const struct ip_addr *addr)
{
    return (addr->family == IP_V4 && (addr->bytes[0] & 0xf0) == 0xe0) ||
           (addr->family == IP_V6 && addr->bytes[0] == 0xff);
}

bool ip_is_link_local(const struct ip_addr *addr)
{
    return addr->family == IP_V6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

bool ip_is_usable_next_hop(const struct ip_addr *addr)
{
    switch (addr->family) {
    case IP_V4:
        return addr->bytes[0] != 0 && addr->bytes[0] != 127 && addr->bytes[0] < 224;
    case IP_V6:
        return !ip_is_unspecified(addr) && !ip_is_loopback(addr) && !ip_is_multicast(addr);
    default:
        return false;
    }
}

struct prefix prefix_make(const struct ip_addr *addr, uint8_t len_bits)
{
    ASSERT(len_bits <= ip_family_bits(addr->family));
    struct prefix prefix = {.family = addr->family, .len_bits = len_bits};
    size_t whole = len_bits / 8u;
    memcpy(prefix.bytes, addr->bytes, whole);
    if (len_bits % 8 != 0) {
        prefix.bytes[whole] = (uint8_t)(addr->bytes[whole] & (0xff00u >> (len_bits % 8)));
    }
    return prefix;
}

struct prefix prefix_host(const struct ip_addr *addr)
{
    return prefix_make(addr, ip_family_bits(addr->family));
}

struct ip_addr prefix_addr(const struct prefix *prefix)
{
    struct ip_addr addr = {.family = prefix->family};
    memcpy(addr.bytes, prefix->bytes, sizeof addr.bytes);
    return addr;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
    return a->family == b->family && a->len_bits == b->len_bits &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order != 0 ? order : (int)a->len_bits - (int)b->len_bits;
}

/* Do the first len_bits agree? */
static bool bits_agree(const uint8_t *a, const uint8_t *b, unsigned len_bits)
{
    size_t whole = len_bits / 8u;
    if (memcmp(a, b, whole) != 0) {
        return false;
    }
    return len_bits % 8 == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> (len_bits % 8)) & 0xffu) == 0;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
    return outer->family == inner->family && outer->len_bits <= inner->len_bits &&
           bits_agree(outer->bytes, inner->bytes, outer->len_bits);
}

bool prefix_contains_ip(const struct prefix *outer, const struct ip_addr *addr)
{
    return outer->family == addr->family && bits_agree(outer->bytes, addr->bytes, outer->len_bits);
}

struct prefix prefix_read(struct reader *reader, uint8_t family)
{
    struct prefix prefix = {.family = family};
    uint8_t len_bits = reader_u8(reader);
    if (len_bits > ip_family_bits(family)) {
        reader->failed = true;
        reader->at = reader->end;
        return prefix;
    }
    size_t size = (len_bits + 7u) / 8u;
    const uint8_t *bytes = reader_bytes(reader, size);
    if (bytes == NULL || size == 0) {
        return prefix;
    }
    prefix.len_bits = len_bits;
    memcpy(prefix.bytes, bytes, size);
    if (len_bits % 8 != 0) {
        prefix.bytes[size - 1] &= (uint8_t)(0xff00u >> (len_bits % 8));
    }
    return prefix;
}

void prefix_write(struct writer *writer, const struct prefix *prefix)
{
    size_t size = prefix_wire_bytes(prefix);
    uint8_t *bytes = writer_claim(writer, size);
    if (bytes != NULL) {
        bytes[0] = prefix->len_bits;
        if (size <= 5 && writer_room(writer) >= 4) {
            memcpy(bytes + 1, prefix->bytes, 4); /* what is too much is written over */
        } else {
            memcpy(bytes + 1, prefix->bytes, size - 1);
        }
    }
}
