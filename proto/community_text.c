/* Communities as people write them. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "proto/base/assert.h"
#include "proto/community.h"
#include "proto/prefix.h"

static const struct {
    uint32_t value;
    const char *name;
} well_known[] = {
    {COMMUNITY_GRACEFUL_SHUTDOWN, "graceful-shutdown"},
    {0xffff0001u, "accept-own"},
    {0xffff0002u, "route-filter-translated-v4"},
    {0xffff0003u, "route-filter-v4"},
    {0xffff0004u, "route-filter-translated-v6"},
    {0xffff0005u, "route-filter-v6"},
    {COMMUNITY_LLGR_STALE, "llgr-stale"},
    {COMMUNITY_NO_LLGR, "no-llgr"},
    {0xffff0008u, "accept-own-nexthop"},
    {COMMUNITY_BLACKHOLE, "blackhole"},
    {COMMUNITY_NO_EXPORT, "no-export"},
    {COMMUNITY_NO_ADVERTISE, "no-advertise"},
    {COMMUNITY_NO_EXPORT_SUBCONFED, "local-AS"},
    {COMMUNITY_NO_PEER, "no-peer"},
    {0, "internet"},
};

#define WELL_KNOWN_COUNT (sizeof well_known / sizeof well_known[0])

/* Takes a decimal number of at most max; false when there is none or it is larger. */
static bool take_number(const char **at, uint32_t max, uint32_t *number_out)
{
    uint64_t number = 0;
    const char *start = *at;
    while (isdigit((unsigned char)**at)) {
        number = number * 10 + (uint64_t)(**at - '0');
        if (number > max) {
            return false;
        }
        (*at)++;
    }
    *number_out = (uint32_t)number;
    return *at != start;
}

static bool take_colon(const char **at)
{
    if (**at != ':') {
        return false;
    }
    (*at)++;
    return true;
}

static enum status parse_standard(const char *text, uint8_t *bytes)
{
    const char *at = text;
    uint32_t high, low;
    for (size_t i = 0; i < WELL_KNOWN_COUNT; i++) {
        if (strcasecmp(text, well_known[i].name) == 0) {
            store_be32(bytes, well_known[i].value);
            return STATUS_OK;
        }
    }
    if (!take_number(&at, UINT32_MAX, &high)) {
        return STATUS_INVALID;
    }
    if (*at == 0) {
        store_be32(bytes, high);
        return STATUS_OK;
    }
    if (high > UINT16_MAX || !take_colon(&at) || !take_number(&at, UINT16_MAX, &low) || *at != 0) {
        return STATUS_INVALID;
    }
    store_be32(bytes, high << 16 | low);
    return STATUS_OK;
}

static enum status parse_large(const char *text, uint8_t *bytes)
{
    const char *at = text;
    for (int part = 0; part < 3; part++) {
        uint32_t number;
        if ((part != 0 && !take_colon(&at)) || !take_number(&at, UINT32_MAX, &number)) {
            return STATUS_INVALID;
        }
        store_be32(bytes + 4 * part, number);
    }
    return *at == 0 ? STATUS_OK : STATUS_INVALID;
}

static enum status parse_hex(const char *text, uint8_t *bytes)
{
    for (int i = 0; i < 16; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        if (!isxdigit((unsigned char)c)) {
            return STATUS_INVALID;
        }
        uint8_t digit = (uint8_t)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
        bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | digit);
    }
    return text[16] == 0 ? STATUS_OK : STATUS_INVALID;
}

/* "65001:100" (2-octet AS), "4200000000:100" (4-octet AS), "192.0.2.1:100" (address). */
static enum status parse_target(const char *text, uint8_t subtype, uint8_t *bytes)
{
    const char *colon = strrchr(text, ':');
    const char *at = text;
    uint32_t high, low;
    if (colon == NULL) {
        return STATUS_INVALID;
    }
    bytes[1] = subtype;
    if (memchr(text, '.', (size_t)(colon - text)) != NULL) {
        char address[IP_TEXT_BYTES];
        struct ip_addr addr;
        size_t size = (size_t)(colon - text);
        at = colon + 1;
        if (size >= sizeof address) {
            return STATUS_INVALID;
        }
        memcpy(address, text, size);
        address[size] = 0;
        if (ip_parse(address, &addr) != STATUS_OK || addr.family != IP_V4 ||
            !take_number(&at, UINT16_MAX, &low) || *at != 0) {
            return STATUS_INVALID;
        }
        bytes[0] = 0x01;
        memcpy(bytes + 2, addr.bytes, 4);
        store_be16(bytes + 6, (uint16_t)low);
        return STATUS_OK;
    }
    if (!take_number(&at, UINT32_MAX, &high) || !take_colon(&at)) {
        return STATUS_INVALID;
    }
    if (!take_number(&at, high > UINT16_MAX ? UINT16_MAX : UINT32_MAX, &low) || *at != 0) {
        return STATUS_INVALID;
    }
    if (high > UINT16_MAX) {
        bytes[0] = 0x02;
        store_be32(bytes + 2, high);
        store_be16(bytes + 6, (uint16_t)low);
    } else {
        bytes[0] = 0x00;
        store_be16(bytes + 2, (uint16_t)high);
        store_be32(bytes + 4, low);
    }
    return STATUS_OK;
}

static enum status parse_extended(const char *text, uint8_t *bytes)
{
    static const struct {
        const char *word;
        uint8_t subtype;
    } kinds[] = {{"rt ", 2}, {"RT:", 2}, {"soo ", 3}, {"SoO:", 3}};
    if (strncasecmp(text, "0x", 2) == 0) {
        return parse_hex(text + 2, bytes);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].word);
        if (strncasecmp(text, kinds[i].word, length) == 0) {
            return parse_target(text + length, kinds[i].subtype, bytes);
        }
    }
    return STATUS_INVALID;
}

enum status community_parse(enum community_kind kind, const char *text,
                            struct community *community_out)
{
    struct community community = {.kind = (uint8_t)kind};
    enum status status = kind == COMMUNITY_STANDARD ? parse_standard(text, community.bytes)
                         : kind == COMMUNITY_LARGE  ? parse_large(text, community.bytes)
                                                    : parse_extended(text, community.bytes);
    if (status == STATUS_OK) {
        *community_out = community;
    }
    return status;
}

static void format_standard(const uint8_t *bytes, struct buffer *text)
{
    uint32_t value = load_be32(bytes);
    for (size_t i = 0; i < WELL_KNOWN_COUNT; i++) {
        if (well_known[i].value == value && value != 0) {
            buffer_printf(text, "%s", well_known[i].name);
            return;
        }
    }
    buffer_printf(text, "%u:%u", value >> 16, value & 0xffff);
}

static void format_extended(const uint8_t *bytes, struct buffer *text)
{
    const char *word = bytes[1] == 2 ? "RT" : bytes[1] == 3 ? "SoO" : NULL;
    uint8_t type = bytes[0] & 0xbfu; /* without the non-transitive bit */
    if (word == NULL || (bytes[0] & 0x40) != 0 || type > 2) {
        buffer_printf(text, "0x%08x%08x", load_be32(bytes), load_be32(bytes + 4));
    } else if (type == 0) {
        buffer_printf(text, "%s:%u:%u", word, load_be16(bytes + 2), load_be32(bytes + 4));
    } else if (type == 1) {
        buffer_printf(text, "%s:%u.%u.%u.%u:%u", word, bytes[2], bytes[3], bytes[4], bytes[5],
                      load_be16(bytes + 6));
    } else if (load_be32(bytes + 2) > UINT16_MAX) {
        buffer_printf(text, "%s:%u:%u", word, load_be32(bytes + 2), load_be16(bytes + 6));
    } else {
        /* A small number in the 4-octet form would read back as the 2-octet form. */
        buffer_printf(text, "0x%08x%08x", load_be32(bytes), load_be32(bytes + 4));
    }
}

void community_format(enum community_kind kind, const uint8_t *bytes, struct buffer *text)
{
    switch (kind) {
    case COMMUNITY_STANDARD:
        format_standard(bytes, text);
        return;
    case COMMUNITY_EXTENDED:
        format_extended(bytes, text);
        return;
    case COMMUNITY_LARGE:
        buffer_printf(text, "%u:%u:%u", load_be32(bytes), load_be32(bytes + 4),
                      load_be32(bytes + 8));
        return;
    }
    UNREACHABLE();
}

void community_list_format(enum community_kind kind, struct byte_view list, struct buffer *text)
{
    size_t bytes = community_bytes(kind);
    for (size_t at = 0; at + bytes <= list.size; at += bytes) {
        if (at != 0) {
            buffer_append(text, " ", 1);
        }
        community_format(kind, list.data + at, text);
    }
}
