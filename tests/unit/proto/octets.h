/* Octets from hexadecimal text, and UPDATE bodies put together from such texts. Every body is a
 * block of its own and of its exact size, so that the sanitizers see a single octet read too far.
 */
#ifndef TESTS_UNIT_PROTO_OCTETS_H
#define TESTS_UNIT_PROTO_OCTETS_H

#include <stdlib.h>
#include <string.h>

#include "proto/base/arena.h"
#include "proto/base/cursor.h"
#include "proto/prefix.h"
#include "proto/update.h"
#include "tests/unit/unit.h"

#define OCTETS_MAX 70000u

static inline int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "40 01 01 00" appended; blanks mean nothing, NULL is an empty text. */
static inline void put_hex(struct writer *writer, const char *text)
{
    for (const char *at = text; at != NULL && *at != 0; at++) {
        if (*at == ' ') {
            continue;
        }
        ck_assert_msg(hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0, "not hexadecimal: %s", text);
        writer_u8(writer, (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1])));
        at++;
    }
    ck_assert(!writer->failed);
}

/* What writer holds, as a block of exactly that size. Free data. */
static inline struct byte_view exact_copy(const void *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    return (struct byte_view){copy, size};
}

static inline void free_octets(struct byte_view octets)
{
    free((void *)(uintptr_t)octets.data);
}

static inline struct byte_view octets_of(const char *text)
{
    static uint8_t space[OCTETS_MAX];
    struct writer writer = writer_of(space, sizeof space);
    put_hex(&writer, text);
    return exact_copy(space, writer_size(&writer));
}

/* An UPDATE body with its two length fields. Free data. */
static inline struct byte_view update_body(const char *withdrawn, const char *attrs,
                                           const char *nlri)
{
    static uint8_t space[OCTETS_MAX];
    struct writer writer = writer_of(space, sizeof space);
    writer_u16(&writer, 0);
    put_hex(&writer, withdrawn);
    store_be16(space, (uint16_t)(writer_size(&writer) - 2));
    size_t attrs_at = writer_size(&writer);
    writer_u16(&writer, 0);
    put_hex(&writer, attrs);
    store_be16(space + attrs_at, (uint16_t)(writer_size(&writer) - attrs_at - 2));
    put_hex(&writer, nlri);
    return exact_copy(space, writer_size(&writer));
}

#define IPV4_BIT AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define IPV6_BIT AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)

/* Sessions the tests speak of. */
static inline struct update_options ebgp_session(void)
{
    return (struct update_options){
        .as4 = true,
        .is_ebgp = true,
        .families = IPV4_BIT | IPV6_BIT,
        .message_bytes_max = 4096,
    };
}

static inline struct update_options ibgp_session(void)
{
    struct update_options options = ebgp_session();
    options.is_ebgp = false;
    return options;
}

static inline struct update_options two_octet_session(void)
{
    struct update_options options = ebgp_session();
    options.as4 = false;
    return options;
}

/* Attributes of a sound announcement: IGP, path 65001, next hop 10.0.0.1. */
#define ORIGIN     "40 01 01 00 "
#define AS_PATH    "40 02 06 02 01 0000fde9 "
#define AS_PATH_2  "40 02 04 02 01 fde9 "
#define NEXT_HOP   "40 03 04 0a000001 "
#define LOCAL_PREF "40 05 04 00000064 "
#define MANDATORY  ORIGIN AS_PATH NEXT_HOP
#define NLRI       "18 c00002" /* 192.0.2.0/24 */

/* 2001:db8::/32 with next hop 2001:db8::1. */
#define MP_NEXT_HOP "10 20010db8000000000000000000000001 "
#define MP_REACH    "80 0e 1a 0002 01 " MP_NEXT_HOP "00 20 20010db8 "

static inline struct prefix prefix_of(const char *text)
{
    struct prefix prefix;
    ck_assert_msg(prefix_parse(text, &prefix) == STATUS_OK, "not a prefix: %s", text);
    return prefix;
}

static inline struct ip_addr ip_of(const char *text)
{
    struct ip_addr addr;
    ck_assert_msg(ip_parse(text, &addr) == STATUS_OK, "not an address: %s", text);
    return addr;
}

static inline void assert_octets(struct byte_view got, const char *wanted)
{
    struct byte_view want = octets_of(wanted);
    ck_assert_uint_eq(got.size, want.size);
    ck_assert(byte_view_equal(got, want));
    free_octets(want);
}

/* The run holds exactly this prefix. */
static inline void assert_only_prefix(struct nlri_run run, const char *text)
{
    struct nlri nlri;
    struct prefix wanted = prefix_of(text);
    ck_assert_msg(nlri_next(&run, &nlri), "no entry for %s", text);
    ck_assert_msg(prefix_equal(&nlri.prefix, &wanted), "not %s", text);
    ck_assert_msg(!nlri_next(&run, &nlri), "more than %s", text);
}

#endif
