/* Text of addresses and prefixes: strict reading (RFC 4291 2.2, dotted quads without leading zeros)
 * and the one spelling of RFC 5952 for writing. */
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/prefix.h"

/* Reads up to digits_max decimal digits without a leading zero; false when there are none or the
 * value is over value_max. */
static bool take_decimal(const char **text, unsigned digits_max, unsigned value_max, unsigned *out)
{
    const char *at = *text;
    unsigned value = 0;
    unsigned digits = 0;
    while (*at >= '0' && *at <= '9') {
        if (++digits > digits_max || (digits == 2 && value == 0)) {
            return false;
        }
        value = value * 10 + (unsigned)(*at - '0');
        at++;
    }
    if (digits == 0 || value > value_max) {
        return false;
    }
    *text = at;
    *out = value;
    return true;
}

static bool take_v4(const char **text, uint8_t bytes_out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0;
        if (i > 0 && *(*text)++ != '.') {
            return false;
        }
        if (!take_decimal(text, 3, 255, &value)) {
            return false;
        }
        bytes_out[i] = (uint8_t)value;
    }
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool take_hex_group(const char **text, uint8_t bytes_out[2])
{
    unsigned value = 0;
    unsigned digits = 0;
    while (hex_value(**text) >= 0) {
        if (++digits > 4) {
            return false;
        }
        value = value * 16 + (unsigned)hex_value(**text);
        (*text)++;
    }
    store_be16(bytes_out, (uint16_t)value);
    return digits > 0;
}

/* A dotted quad may stand for the last two groups. */
static bool is_v4_tail(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] == '.';
}

static bool take_v6(const char **text, uint8_t bytes_out[16])
{
    uint8_t bytes[16] = {0};
    size_t filled = 0;
    size_t gap = SIZE_MAX; /* where :: stood */
    const char *at = *text;
    if (at[0] == ':') {
        if (at[1] != ':') {
            return false;
        }
        gap = 0;
        at += 2;
    }
    while (filled < 16 && (hex_value(*at) >= 0)) {
        if (is_v4_tail(at)) {
            if (filled > 12 || !take_v4(&at, bytes + filled)) {
                return false;
            }
            filled += 4;
            break;
        }
        if (!take_hex_group(&at, bytes + filled)) {
            return false;
        }
        filled += 2;
        if (*at != ':') {
            break;
        }
        if (at[1] == ':') {
            if (gap != SIZE_MAX) {
                return false;
            }
            gap = filled;
            at += 2;
        } else if (filled < 16 && hex_value(at[1]) >= 0) {
            at++;
        } else {
            return false;
        }
    }
    if (gap == SIZE_MAX ? filled != 16 : filled > 14) {
        return false;
    }
    if (gap != SIZE_MAX) {
        size_t tail = filled - gap;
        memmove(bytes + 16 - tail, bytes + gap, tail);
        memset(bytes + gap, 0, 16 - tail - gap);
    }
    memcpy(bytes_out, bytes, 16);
    *text = at;
    return true;
}

static bool take_ip(const char **text, struct ip_addr *addr_out)
{
    struct ip_addr addr = {.family = IP_NONE};
    if (is_v4_tail(*text)) {
        addr.family = IP_V4;
        if (!take_v4(text, addr.bytes)) {
            return false;
        }
    } else {
        addr.family = IP_V6;
        if (!take_v6(text, addr.bytes)) {
            return false;
        }
    }
    *addr_out = addr;
    return true;
}

enum status ip_parse(const char *text, struct ip_addr *addr_out)
{
    struct ip_addr addr;
    if (!take_ip(&text, &addr) || *text != 0) {
        return STATUS_INVALID;
    }
    *addr_out = addr;
    return STATUS_OK;
}

static enum status parse_prefix(const char *text, bool is_loose, struct prefix *prefix_out)
{
    struct ip_addr addr;
    if (!take_ip(&text, &addr)) {
        return STATUS_INVALID;
    }
    unsigned len_bits = ip_family_bits(addr.family);
    if (*text == '/') {
        text++;
        if (!take_decimal(&text, 3, len_bits, &len_bits)) {
            return STATUS_INVALID;
        }
    } else if (!is_loose) {
        return STATUS_INVALID;
    }
    if (*text != 0) {
        return STATUS_INVALID;
    }
    struct prefix prefix = prefix_make(&addr, (uint8_t)len_bits);
    if (!is_loose && memcmp(prefix.bytes, addr.bytes, sizeof addr.bytes) != 0) {
        return STATUS_INVALID;
    }
    *prefix_out = prefix;
    return STATUS_OK;
}

enum status prefix_parse(const char *text, struct prefix *prefix_out)
{
    return parse_prefix(text, false, prefix_out);
}

enum status prefix_parse_loose(const char *text, struct prefix *prefix_out)
{
    return parse_prefix(text, true, prefix_out);
}

/* RFC 5952 4.2: the longest run of at least two zero groups, the first of equals. */
static void find_zero_run(const uint8_t *bytes, size_t group_count, size_t *start_out,
                          size_t *length_out)
{
    size_t best_start = 0;
    size_t best = 0;
    size_t run = 0;
    for (size_t i = 0; i < group_count; i++) {
        run = load_be16(bytes + 2 * i) == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            best_start = i + 1 - run;
        }
    }
    *start_out = best_start;
    *length_out = best >= 2 ? best : 0;
}

static void format_v6(const uint8_t *bytes, char text_out[IP_TEXT_BYTES])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
    size_t group_count = is_mapped ? 6 : 8;
    size_t zero_start = 0;
    size_t zero_length = 0;
    find_zero_run(bytes, group_count, &zero_start, &zero_length);
    size_t used = 0;
    for (size_t i = 0; i < group_count; i++) {
        if (zero_length != 0 && i == zero_start) {
            text_out[used++] = ':';
            text_out[used++] = ':';
            i += zero_length - 1;
            continue;
        }
        bool needs_colon = i > 0 && text_out[used - 1] != ':';
        used += (size_t)snprintf(text_out + used, IP_TEXT_BYTES - used, "%s%x",
                                 needs_colon ? ":" : "", load_be16(bytes + 2 * i));
    }
    text_out[used] = 0;
    if (is_mapped) {
        snprintf(text_out + used, IP_TEXT_BYTES - used, ":%u.%u.%u.%u", bytes[12], bytes[13],
                 bytes[14], bytes[15]);
    }
}

char *ip_format(const struct ip_addr *addr, char text_out[IP_TEXT_BYTES])
{
    switch (addr->family) {
    case IP_V4:
        snprintf(text_out, IP_TEXT_BYTES, "%u.%u.%u.%u", addr->bytes[0], addr->bytes[1],
                 addr->bytes[2], addr->bytes[3]);
        break;
    case IP_V6:
        format_v6(addr->bytes, text_out);
        break;
    default:
        memcpy(text_out, "-", 2);
        break;
    }
    return text_out;
}

char *prefix_format(const struct prefix *prefix, char text_out[PREFIX_TEXT_BYTES])
{
    struct ip_addr addr = prefix_addr(prefix);
    char addr_text[IP_TEXT_BYTES];
    if (prefix->family == IP_NONE) {
        memcpy(text_out, "-", 2);
        return text_out;
    }
    snprintf(text_out, PREFIX_TEXT_BYTES, "%s/%u", ip_format(&addr, addr_text), prefix->len_bits);
    return text_out;
}
