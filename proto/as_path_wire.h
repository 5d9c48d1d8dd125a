/* AS_PATH and AS4_PATH between the wire and the canonical form (RFC 4271 4.3, 6793, 7606 7.2). Only
 * the UPDATE codec of this room uses it. */
#ifndef PROTO_AS_PATH_WIRE_H
#define PROTO_AS_PATH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/cursor.h"

/* What one look at the octets of a path tells. */
struct as_path_facts {
    const char *fault; /* static text when the path is malformed, else NULL */
    uint32_t as_count;
    bool has_set; /* AS_SET or AS_CONFED_SET */
    bool has_confed;
    bool has_zero;     /* AS 0, RFC 7607 */
    bool is_mergeable; /* adjacent AS_SEQUENCE segments that canonical form would merge */
};

/* asn_bytes is 2 or 4. */
struct as_path_facts as_path_inspect(struct byte_view path, size_t asn_bytes);

/* The canonical form of a well-formed path; with 4-octet numbers and nothing to merge it is path
 * itself. */
struct byte_view as_path_canonical(struct arena *arena, struct byte_view path, size_t asn_bytes,
                                   const struct as_path_facts *facts);

/* RFC 6793 4.2.3: as_path with its tail replaced by as4_path, both canonical; as_path itself when
 * as4_path counts more numbers. Confederation segments of as4_path are dropped (section 6). */
struct byte_view as_path_merge_as4(struct arena *arena, struct byte_view as_path,
                                   struct byte_view as4_path);

/* True when a number does not fit two octets, so that AS4_PATH is needed. */
bool as_path_needs_as4(struct byte_view path);

/* Size and octets of a canonical path with 2-octet numbers, AS_TRANS where one does not fit. */
size_t as_path_narrow_bytes(struct byte_view path);
void as_path_write_narrow(struct writer *writer, struct byte_view path);

/* Size and octets of AS4_PATH: the path without confederation segments. */
size_t as_path_as4_bytes(struct byte_view path);
void as_path_write_as4(struct writer *writer, struct byte_view path);

#endif
