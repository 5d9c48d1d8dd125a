/* UPDATE: decode all of a message before anybody acts on it, encode as many prefixes as fit. */
#ifndef PROTO_UPDATE_H
#define PROTO_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/afi_safi.h"
#include "proto/base/arena.h"
#include "proto/base/cursor.h"
#include "proto/path_attr.h"
#include "proto/prefix.h"
#include "proto/wire_error.h"

/* What the OPEN exchange agreed; the grammar of UPDATE depends on it. */
struct update_options {
    bool as4;
    bool is_ebgp; /* LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST are discarded */
    bool is_confed_member;
    bool reject_as_sets;       /* RFC 9774 */
    uint32_t families;         /* AFI_SAFI_BIT of negotiated families */
    uint32_t add_path_receive; /* AFI_SAFI_BIT */
    uint32_t add_path_send;
    uint32_t extended_next_hop; /* AFI_SAFI_BIT, RFC 8950 */
    uint16_t message_bytes_max; /* 4096 or 65535 */
    uint16_t as_path_count_max; /* AS numbers in AS_PATH; 0 for no limit */
};

/* One run of NLRI of one family inside the message, checked already: nlri_next cannot fail. */
struct nlri_run {
    struct byte_view bytes;
    uint8_t family; /* enum ip_family */
    bool has_path_ids;
};

#define UPDATE_ERRORS_MAX 8u

struct update {
    struct nlri_run reachable[2];   /* IPv4 NLRI field, MP_REACH_NLRI */
    struct nlri_run unreachable[2]; /* Withdrawn Routes field, MP_UNREACH_NLRI */
    struct path_attrs attrs;    /* of reachable[]; views into the message or scratch. Its next hop
                                   is NEXT_HOP when reachable[0] has entries, else that of
                                   MP_REACH_NLRI */
    struct ip_addr mp_next_hop; /* of reachable[1]; IP_NONE without MP_REACH_NLRI */
    struct ip_addr mp_next_hop_link_local;
    uint32_t end_of_rib;     /* AFI_SAFI_BIT when the message is an End-of-RIB marker */
    struct wire_error error; /* the strongest finding; WIRE_ACCEPT when there is none */
    struct wire_error minor[UPDATE_ERRORS_MAX]; /* every finding, in order, for counters and log */
    uint8_t minor_count;
    bool next_hop_unusable; /* NEXT_HOP is well-formed but no possible next hop: RFC 4271 6.3,
                               ignore the routes, no NOTIFICATION */
};

/* Decodes the whole body and gives one disposition for it (RFC 7606 2: the strongest of all
 * findings). With WIRE_TREAT_AS_WITHDRAW the reachable runs are valid and are to be withdrawn.
 * With WIRE_SESSION_RESET nothing else in *update_out may be used. Families that were not
 * negotiated are skipped. scratch backs rewritten attributes; the caller resets it. */
void update_decode(struct byte_view body, const struct update_options *options,
                   struct arena *scratch, struct update *update_out);

struct nlri {
    struct prefix prefix;
    uint32_t path_id; /* 0 without add-path */
};

/* Takes the next entry off a run; false when it is empty. */
bool nlri_next(struct nlri_run *run, struct nlri *nlri_out);

/* Writing one UPDATE: begin with the attributes of all prefixes to come (NULL for withdrawals), add
 * prefixes until one does not fit, finish. IPv4 with an IPv4 next hop uses the plain NLRI field,
 * everything else MP_REACH/MP_UNREACH. Attributes are written in ascending type order with AS4_PATH
 * and AS_TRANS when the session has no 4-octet AS. */
struct update_builder {
    struct writer writer; /* of this message; its end leaves room for what finish adds */
    const struct update_options *options;
    enum afi_safi afi_safi;
    bool is_withdraw;
    bool uses_mp;
    size_t length_at;    /* offset of the length field of attributes, or of withdrawn routes */
    size_t mp_length_at; /* offset of the length field of MP_REACH_NLRI or MP_UNREACH_NLRI */
    size_t nlri_start;
    size_t parked_bytes; /* attributes waiting behind writer.end: RFC 7606 5.1 wants MP_REACH_NLRI
                            to be the first attribute, and its length is known last */
    uint32_t prefix_count;
};

/* STATUS_TRUNCATED when the attributes alone leave no room for one prefix in a message of the
 * negotiated size or in the writer; STATUS_INVALID when ORIGIN, AS_PATH or the next hop is absent,
 * or the next hop is none that this session can carry for the family: nothing is written then. The
 * message is appended to out (its octets are at most out's room and options->message_bytes_max). */
NODISCARD enum status update_begin(struct update_builder *builder, struct writer *out,
                                   const struct update_options *options, enum afi_safi afi_safi,
                                   const struct path_attrs *attrs);

/* False when the prefix does not fit any more; the builder is unchanged then. */
bool update_add(struct update_builder *builder, const struct nlri *nlri);

/* Completes the message and returns its length in octets. At least one prefix must have been
 * added. out is advanced. */
size_t update_finish(struct update_builder *builder, struct writer *out);

/* RFC 4724 2. */
void end_of_rib_encode(struct writer *writer, enum afi_safi afi_safi);

#endif
