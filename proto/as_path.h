/* AS_PATH in its one canonical form: segments of (type, count, count * 4-octet AS), adjacent
 * AS_SEQUENCE segments merged up to 255 numbers each. Two-octet paths are widened, and AS4_PATH
 * merged in (RFC 6793), before anybody else sees them. */
#ifndef PROTO_AS_PATH_H
#define PROTO_AS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/cursor.h"

enum as_path_segment {
    AS_PATH_SET = 1,
    AS_PATH_SEQUENCE = 2,
    AS_PATH_CONFED_SEQUENCE = 3,
    AS_PATH_CONFED_SET = 4,
};

#define ASN_TRANS 23456u

/* Number of AS hops as the decision process counts them: an AS_SET is one, confederation segments
 * are none (RFC 4271 9.1.2.2, RFC 5065 5.3). */
uint32_t as_path_length(struct byte_view path);

/* All AS numbers, sets counted member by member. */
uint32_t as_path_count(struct byte_view path);
uint32_t as_path_occurrences(struct byte_view path, uint32_t asn);
bool as_path_has_set(struct byte_view path);

/* The leftmost AS of a leading AS_SEQUENCE; 0 when the path is empty or starts with a set. */
uint32_t as_path_first(struct byte_view path);

/* The rightmost AS of a trailing AS_SEQUENCE; 0 when there is none. */
uint32_t as_path_origin(struct byte_view path);

/* path with asn put in front count times; memory from arena. */
struct byte_view as_path_prepend(struct arena *arena, struct byte_view path, uint32_t asn,
                                 uint32_t count);

/* Every occurrence of old_asn replaced. */
struct byte_view as_path_replace(struct arena *arena, struct byte_view path, uint32_t old_asn,
                                 uint32_t new_asn);

/* Every occurrence of the asn_count numbers removed; empty segments vanish. */
struct byte_view as_path_exclude(struct arena *arena, struct byte_view path, const uint32_t *asns,
                                 size_t asn_count);

/* Private numbers (RFC 6996) removed, or replaced by replace_asn when that is not 0. */
struct byte_view as_path_remove_private(struct arena *arena, struct byte_view path,
                                        uint32_t replace_asn);

bool asn_is_private(uint32_t asn);

/* Builds a canonical path of one AS_SEQUENCE. */
struct byte_view as_path_from_asns(struct arena *arena, const uint32_t *asns, size_t asn_count);

/* "65515 12076 {64512,64513} (65001)"; an empty path gives "". Appends to text. */
void as_path_format(struct byte_view path, struct buffer *text);

/* True for a canonical path; used by assertions and fuzzers. */
bool as_path_is_canonical(struct byte_view path);

#endif
