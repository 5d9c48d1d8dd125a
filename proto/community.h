/* Communities of all kinds: values, names and text (RFC 1997, 4360, 5668, 8092). */
#ifndef PROTO_COMMUNITY_H
#define PROTO_COMMUNITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/cursor.h"
#include "proto/base/status.h"

enum community_kind {
    COMMUNITY_STANDARD, /* 4 octets */
    COMMUNITY_EXTENDED, /* 8 octets */
    COMMUNITY_LARGE,    /* 12 octets */
};

#define COMMUNITY_GRACEFUL_SHUTDOWN   0xffff0000u
#define COMMUNITY_LLGR_STALE          0xffff0006u
#define COMMUNITY_NO_LLGR             0xffff0007u
#define COMMUNITY_BLACKHOLE           0xffff029au
#define COMMUNITY_NO_EXPORT           0xffffff01u
#define COMMUNITY_NO_ADVERTISE        0xffffff02u
#define COMMUNITY_NO_EXPORT_SUBCONFED 0xffffff03u
#define COMMUNITY_NO_PEER             0xffffff04u

#define COMMUNITY_BYTES_MAX 12u

/* One community, network order; kind tells how many octets count. */
struct community {
    uint8_t kind; /* enum community_kind */
    uint8_t bytes[COMMUNITY_BYTES_MAX];
};

static inline size_t community_bytes(enum community_kind kind)
{
    return kind == COMMUNITY_STANDARD ? 4 : kind == COMMUNITY_EXTENDED ? 8 : 12;
}

/* "65001:100", "no-export", "4259840100" (standard); "rt 65001:100", "soo 1.2.3.4:5",
 * "0x0002fde800000064" (extended); "65001:1:2" (large). STATUS_INVALID otherwise. */
NODISCARD enum status community_parse(enum community_kind kind, const char *text,
                                      struct community *community_out);

/* Appends the text form: FRR's ("no-export", "RT:65001:100", "65001:1:2"). */
void community_format(enum community_kind kind, const uint8_t *bytes, struct buffer *text);

/* A whole list, blank-separated. */
void community_list_format(enum community_kind kind, struct byte_view list, struct buffer *text);

/* Membership in a sorted list; O(log n). */
bool community_list_has(enum community_kind kind, struct byte_view list, const uint8_t *bytes);
bool community_list_has_u32(struct byte_view list, uint32_t community);

/* The sorted, unique union of list and the count values at bytes. */
struct byte_view community_list_union(struct arena *arena, enum community_kind kind,
                                      struct byte_view list, struct byte_view added);

/* list without the values in removed (which need not be sorted). */
struct byte_view community_list_subtract(struct arena *arena, enum community_kind kind,
                                         struct byte_view list, struct byte_view removed);

/* Sorts and removes duplicates; returns list itself when it is in order already. */
struct byte_view community_list_canonical(struct arena *arena, enum community_kind kind,
                                          struct byte_view list);

#endif
