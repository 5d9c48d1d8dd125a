/* Shared by the files that decode UPDATE. */
#ifndef PROTO_UPDATE_PRIVATE_H
#define PROTO_UPDATE_PRIVATE_H

#include "proto/update.h"

/* Unknown optional transitive attributes kept per message; a message with more is refused. */
#define UNKNOWN_ATTRS_MAX 32u

/* One attribute as it stands in the message. */
struct raw_attr {
    uint8_t flags;
    uint8_t type;
    struct byte_view value;
    struct byte_view whole; /* with its header: NOTIFICATION data */
    uint16_t offset_bytes;
};

struct update_decoder {
    const struct update_options *options;
    struct arena *scratch;
    struct update *update;
    uint64_t seen[4]; /* one bit per attribute type */
    bool has_as4_path;
    struct byte_view as4_path;
    bool has_as4_aggregator;
    uint32_t as4_aggregator_asn;
    uint32_t as4_aggregator_id;
    bool has_ignored_nlri;   /* MP_REACH_NLRI of a family nobody agreed on */
    struct ip_addr next_hop; /* of NEXT_HOP */
    struct raw_attr unknown[UNKNOWN_ATTRS_MAX];
    uint32_t unknown_count;
};

/* Notes a finding; the strongest one becomes the message's error. */
void update_report(struct update_decoder *decoder, enum wire_disposition disposition,
                   uint8_t subcode, const struct raw_attr *attr, const char *what);

/* Decodes one attribute whose header is sound. */
void attr_decode(struct update_decoder *decoder, const struct raw_attr *attr);

/* What only shows when all attributes have been seen: AS4 merging, unknown ones in order. */
void attr_decode_finish(struct update_decoder *decoder);

/* False when a prefix in the run is malformed. */
bool nlri_check(struct byte_view bytes, uint8_t family, bool has_path_ids);

#endif
