/* One row per attribute: its flags, and the function that reads its value. The dispositions are
 * those of RFC 7606 section 7 and of each attribute's own document. */
#include <string.h>

#include "proto/as_path_wire.h"
#include "proto/community.h"
#include "proto/update_private.h"

#define FLAGS_WELL_KNOWN          PATH_ATTR_FLAG_TRANSITIVE
#define FLAGS_OPTIONAL            PATH_ATTR_FLAG_OPTIONAL
#define FLAGS_OPTIONAL_TRANSITIVE (PATH_ATTR_FLAG_OPTIONAL | PATH_ATTR_FLAG_TRANSITIVE)

enum update_subcode {
    SUBCODE_ATTR_LIST = 1,
    SUBCODE_UNRECOGNISED = 2,
    SUBCODE_FLAGS = 4,
    SUBCODE_LENGTH = 5,
    SUBCODE_ORIGIN = 6,
    SUBCODE_OPTIONAL = 9,
    SUBCODE_AS_PATH = 11,
};

static void withdraw(struct update_decoder *decoder, uint8_t subcode, const struct raw_attr *attr,
                     const char *what)
{
    update_report(decoder, WIRE_TREAT_AS_WITHDRAW, subcode, attr, what);
}

static void discard(struct update_decoder *decoder, uint8_t subcode, const struct raw_attr *attr,
                    const char *what)
{
    update_report(decoder, WIRE_ATTR_DISCARD, subcode, attr, what);
}

/* RFC 7606 5.3, 7.11: with the MP attributes it is not known what they would have said. */
static void reset(struct update_decoder *decoder, const struct raw_attr *attr, const char *what)
{
    update_report(decoder, WIRE_SESSION_RESET, SUBCODE_OPTIONAL, attr, what);
}

static void decode_origin(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size != 1) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "ORIGIN length is not 1");
    } else if (attr->value.data[0] > BGP_ORIGIN_INCOMPLETE) {
        withdraw(decoder, SUBCODE_ORIGIN, attr, "ORIGIN value is unknown");
    } else {
        decoder->update->attrs.origin = attr->value.data[0];
        path_attrs_set(&decoder->update->attrs, PATH_ATTR_ORIGIN);
    }
}

static void decode_as_path(struct update_decoder *decoder, const struct raw_attr *attr)
{
    const struct update_options *options = decoder->options;
    size_t asn_bytes = options->as4 ? 4 : 2;
    struct as_path_facts facts = as_path_inspect(attr->value, asn_bytes);
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_AS_PATH); /* there, if unusable */
    if (facts.fault != NULL) {
        withdraw(decoder, SUBCODE_AS_PATH, attr, facts.fault);
    } else if (facts.has_zero) {
        withdraw(decoder, SUBCODE_AS_PATH, attr, "AS_PATH contains AS 0");
    } else if (facts.has_confed && !options->is_confed_member) {
        withdraw(decoder, SUBCODE_AS_PATH, attr, "AS_PATH has confederation segments");
    } else if (facts.has_set && options->reject_as_sets) {
        withdraw(decoder, SUBCODE_AS_PATH, attr, "AS_PATH contains an AS_SET");
    } else if (options->as_path_count_max != 0 && facts.as_count > options->as_path_count_max) {
        withdraw(decoder, SUBCODE_AS_PATH, attr, "AS_PATH is longer than the limit");
    } else {
        decoder->update->attrs.as_path =
            as_path_canonical(decoder->scratch, attr->value, asn_bytes, &facts);
    }
}

static void decode_next_hop(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size != 4) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "NEXT_HOP length is not 4");
        decoder->next_hop = (struct ip_addr){.family = IP_V4}; /* there, if unusable */
    } else {
        decoder->next_hop = ip_from_bytes(attr->value.data, 4);
    }
}

/* A 4-octet number; false when the length is wrong. */
static bool take_u32(const struct raw_attr *attr, uint32_t *value_out)
{
    if (attr->value.size != 4) {
        return false;
    }
    *value_out = load_be32(attr->value.data);
    return true;
}

static void decode_med(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (!take_u32(attr, &decoder->update->attrs.med)) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "MULTI_EXIT_DISC length is not 4");
        return;
    }
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_MED);
}

static void decode_local_pref(struct update_decoder *decoder, const struct raw_attr *attr)
{
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_LOCAL_PREF);
    if (!take_u32(attr, &decoder->update->attrs.local_pref)) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "LOCAL_PREF length is not 4");
    }
}

static void decode_atomic_aggregate(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size != 0) {
        discard(decoder, SUBCODE_LENGTH, attr, "ATOMIC_AGGREGATE is not empty");
        return;
    }
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_ATOMIC_AGGREGATE);
}

static void decode_aggregator(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct path_attrs *attrs = &decoder->update->attrs;
    size_t asn_bytes = decoder->options->as4 ? 4 : 2;
    if (attr->value.size != asn_bytes + 4) {
        discard(decoder, SUBCODE_LENGTH, attr, "AGGREGATOR length is wrong");
        return;
    }
    struct reader reader = reader_of_view(attr->value);
    uint32_t asn = asn_bytes == 4 ? reader_u32(&reader) : reader_u16(&reader);
    if (asn == 0) {
        discard(decoder, SUBCODE_OPTIONAL, attr, "AGGREGATOR has AS 0");
        return;
    }
    attrs->aggregator_asn = asn;
    attrs->aggregator_id = reader_u32(&reader);
    attrs->aggregator_partial = attr->flags & PATH_ATTR_FLAG_PARTIAL;
    path_attrs_set(attrs, PATH_ATTR_AGGREGATOR);
}

static void decode_communities(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct path_attrs *attrs = &decoder->update->attrs;
    if (attr->value.size == 0 || attr->value.size % 4 != 0) {
        withdraw(decoder, SUBCODE_OPTIONAL, attr, "COMMUNITIES length is no multiple of 4");
        return;
    }
    attrs->communities =
        community_list_canonical(decoder->scratch, COMMUNITY_STANDARD, attr->value);
    attrs->communities_partial |= (attr->flags & PATH_ATTR_FLAG_PARTIAL) != 0 ? 1 : 0;
    path_attrs_set(attrs, PATH_ATTR_COMMUNITIES);
}

static void decode_ext_communities(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct path_attrs *attrs = &decoder->update->attrs;
    if (attr->value.size == 0 || attr->value.size % 8 != 0) {
        withdraw(decoder, SUBCODE_OPTIONAL, attr,
                 "EXTENDED COMMUNITIES length is no multiple of 8");
        return;
    }
    attrs->ext_communities =
        community_list_canonical(decoder->scratch, COMMUNITY_EXTENDED, attr->value);
    attrs->communities_partial |= (attr->flags & PATH_ATTR_FLAG_PARTIAL) != 0 ? 2 : 0;
    path_attrs_set(attrs, PATH_ATTR_EXT_COMMUNITIES);
}

static void decode_large_communities(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct path_attrs *attrs = &decoder->update->attrs;
    if (attr->value.size == 0 || attr->value.size % 12 != 0) {
        withdraw(decoder, SUBCODE_OPTIONAL, attr, "LARGE COMMUNITY length is no multiple of 12");
        return;
    }
    attrs->large_communities =
        community_list_canonical(decoder->scratch, COMMUNITY_LARGE, attr->value);
    attrs->communities_partial |= (attr->flags & PATH_ATTR_FLAG_PARTIAL) != 0 ? 4 : 0;
    path_attrs_set(attrs, PATH_ATTR_LARGE_COMMUNITIES);
}

static void decode_ipv6_ext_communities(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size == 0 || attr->value.size % 20 != 0) {
        withdraw(decoder, SUBCODE_OPTIONAL, attr,
                 "IPv6 EXTENDED COMMUNITIES length is no multiple of 20");
        return;
    }
    decoder->update->attrs.ipv6_ext_communities = attr->value;
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_IPV6_EXT_COMMUNITIES);
}

static void decode_originator_id(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (!take_u32(attr, &decoder->update->attrs.originator_id)) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "ORIGINATOR_ID length is not 4");
        return;
    }
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_ORIGINATOR_ID);
}

static void decode_cluster_list(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size == 0 || attr->value.size % 4 != 0) {
        withdraw(decoder, SUBCODE_LENGTH, attr, "CLUSTER_LIST length is no multiple of 4");
        return;
    }
    decoder->update->attrs.cluster_list = attr->value;
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_CLUSTER_LIST);
}

static void decode_otc(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (!take_u32(attr, &decoder->update->attrs.otc_asn)) {
        withdraw(decoder, SUBCODE_OPTIONAL, attr, "OTC length is not 4");
        return;
    }
    path_attrs_set(&decoder->update->attrs, PATH_ATTR_OTC);
}

static void decode_as4_path(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct as_path_facts facts = as_path_inspect(attr->value, 4);
    if (facts.fault != NULL || facts.has_zero || facts.as_count == 0) {
        discard(decoder, SUBCODE_OPTIONAL, attr, "AS4_PATH is malformed");
        return;
    }
    decoder->has_as4_path = true;
    decoder->as4_path = as_path_canonical(decoder->scratch, attr->value, 4, &facts);
}

static void decode_as4_aggregator(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if (attr->value.size != 8 || load_be32(attr->value.data) == 0) {
        discard(decoder, SUBCODE_OPTIONAL, attr, "AS4_AGGREGATOR is malformed");
        return;
    }
    decoder->has_as4_aggregator = true;
    decoder->as4_aggregator_asn = load_be32(attr->value.data);
    decoder->as4_aggregator_id = load_be32(attr->value.data + 4);
}

/* RFC 2545 3, RFC 8950 4. False when the length fits no next hop of the family. */
static bool read_mp_next_hop(struct update_decoder *decoder, enum afi_safi family,
                             struct byte_view bytes)
{
    struct update *update = decoder->update;
    bool may_be_v6 = family == AFI_SAFI_IPV6_UNICAST ||
                     (decoder->options->extended_next_hop & AFI_SAFI_BIT(family)) != 0;
    if (bytes.size == 4 && family == AFI_SAFI_IPV4_UNICAST) {
        update->mp_next_hop = ip_from_bytes(bytes.data, 4);
        return true;
    }
    if (!may_be_v6 || (bytes.size != 16 && bytes.size != 32)) {
        return false;
    }
    update->mp_next_hop = ip_from_bytes(bytes.data, 16);
    if (bytes.size == 32) {
        struct ip_addr second = ip_from_bytes(bytes.data + 16, 16);
        if (ip_is_link_local(&second) && ip_is_unspecified(&update->mp_next_hop)) {
            update->mp_next_hop = second; /* a sender without a global address */
        } else if (ip_is_link_local(&second)) {
            update->mp_next_hop_link_local = second;
        }
    }
    return true;
}

static struct nlri_run mp_run(const struct update_decoder *decoder, enum afi_safi family,
                              struct byte_view bytes)
{
    return (struct nlri_run){bytes, afi_safi_family(family),
                             (decoder->options->add_path_receive & AFI_SAFI_BIT(family)) != 0};
}

static void decode_mp_reach(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct reader reader = reader_of_view(attr->value);
    uint16_t afi = reader_u16(&reader);
    enum afi_safi family = afi_safi_from_wire(afi, reader_u8(&reader));
    struct byte_view next_hop = reader_view(&reader, reader_u8(&reader));
    reader_u8(&reader); /* reserved */
    if (reader.failed) {
        reset(decoder, attr, "MP_REACH_NLRI is too short");
        return;
    }
    if (family == AFI_SAFI_NONE || (decoder->options->families & AFI_SAFI_BIT(family)) == 0) {
        decoder->has_ignored_nlri = true;
        return; /* RFC 4760 6: a family nobody agreed on is ignored. */
    }
    if (!read_mp_next_hop(decoder, family, next_hop)) {
        reset(decoder, attr, "MP_REACH_NLRI next hop length is wrong");
        return;
    }
    struct nlri_run run = mp_run(decoder, family, reader_rest(&reader));
    if (!nlri_check(run.bytes, run.family, run.has_path_ids)) {
        reset(decoder, attr, "MP_REACH_NLRI prefix is malformed");
        return;
    }
    decoder->update->reachable[1] = run;
}

static void decode_mp_unreach(struct update_decoder *decoder, const struct raw_attr *attr)
{
    struct reader reader = reader_of_view(attr->value);
    uint16_t afi = reader_u16(&reader);
    enum afi_safi family = afi_safi_from_wire(afi, reader_u8(&reader));
    if (reader.failed) {
        reset(decoder, attr, "MP_UNREACH_NLRI is too short");
        return;
    }
    if (family == AFI_SAFI_NONE || (decoder->options->families & AFI_SAFI_BIT(family)) == 0) {
        return;
    }
    struct nlri_run run = mp_run(decoder, family, reader_rest(&reader));
    if (!nlri_check(run.bytes, run.family, run.has_path_ids)) {
        reset(decoder, attr, "MP_UNREACH_NLRI prefix is malformed");
        return;
    }
    decoder->update->unreachable[1] = run;
}

struct attr_row {
    void (*decode)(struct update_decoder *decoder, const struct raw_attr *attr);
    uint8_t flags;      /* Optional and Transitive as they must be */
    bool is_ibgp_only;  /* RFC 7606 7.5, 7.9, 7.10: discarded whole from other ASes */
    bool is_as4_helper; /* RFC 6793 4.1: discarded whole from 4-octet speakers */
};

static const struct attr_row rows[PATH_ATTR_OTC + 1] = {
    [PATH_ATTR_ORIGIN] = {decode_origin, FLAGS_WELL_KNOWN, false, false},
    [PATH_ATTR_AS_PATH] = {decode_as_path, FLAGS_WELL_KNOWN, false, false},
    [PATH_ATTR_NEXT_HOP] = {decode_next_hop, FLAGS_WELL_KNOWN, false, false},
    [PATH_ATTR_MED] = {decode_med, FLAGS_OPTIONAL, false, false},
    [PATH_ATTR_LOCAL_PREF] = {decode_local_pref, FLAGS_WELL_KNOWN, true, false},
    [PATH_ATTR_ATOMIC_AGGREGATE] = {decode_atomic_aggregate, FLAGS_WELL_KNOWN, false, false},
    [PATH_ATTR_AGGREGATOR] = {decode_aggregator, FLAGS_OPTIONAL_TRANSITIVE, false, false},
    [PATH_ATTR_COMMUNITIES] = {decode_communities, FLAGS_OPTIONAL_TRANSITIVE, false, false},
    [PATH_ATTR_ORIGINATOR_ID] = {decode_originator_id, FLAGS_OPTIONAL, true, false},
    [PATH_ATTR_CLUSTER_LIST] = {decode_cluster_list, FLAGS_OPTIONAL, true, false},
    [PATH_ATTR_MP_REACH_NLRI] = {decode_mp_reach, FLAGS_OPTIONAL, false, false},
    [PATH_ATTR_MP_UNREACH_NLRI] = {decode_mp_unreach, FLAGS_OPTIONAL, false, false},
    [PATH_ATTR_EXT_COMMUNITIES] = {decode_ext_communities, FLAGS_OPTIONAL_TRANSITIVE, false, false},
    [PATH_ATTR_AS4_PATH] = {decode_as4_path, FLAGS_OPTIONAL_TRANSITIVE, false, true},
    [PATH_ATTR_AS4_AGGREGATOR] = {decode_as4_aggregator, FLAGS_OPTIONAL_TRANSITIVE, false, true},
    [PATH_ATTR_IPV6_EXT_COMMUNITIES] = {decode_ipv6_ext_communities, FLAGS_OPTIONAL_TRANSITIVE,
                                        false, false},
    [PATH_ATTR_LARGE_COMMUNITIES] = {decode_large_communities, FLAGS_OPTIONAL_TRANSITIVE, false,
                                     false},
    [PATH_ATTR_OTC] = {decode_otc, FLAGS_OPTIONAL_TRANSITIVE, false, false},
};

static void decode_unknown(struct update_decoder *decoder, const struct raw_attr *attr)
{
    if ((attr->flags & PATH_ATTR_FLAG_OPTIONAL) == 0) {
        update_report(decoder, WIRE_SESSION_RESET, SUBCODE_UNRECOGNISED, attr,
                      "well-known attribute is not recognised");
    } else if ((attr->flags & PATH_ATTR_FLAG_TRANSITIVE) == 0) {
        return; /* RFC 4271 5: quietly dropped. */
    } else if (decoder->unknown_count == UNKNOWN_ATTRS_MAX) {
        withdraw(decoder, SUBCODE_ATTR_LIST, attr, "too many unknown attributes");
    } else {
        decoder->unknown[decoder->unknown_count++] = *attr;
    }
}

void attr_decode(struct update_decoder *decoder, const struct raw_attr *attr)
{
    const struct attr_row *row = attr->type <= PATH_ATTR_OTC ? &rows[attr->type] : &rows[0];
    uint8_t class_bits = attr->flags & FLAGS_OPTIONAL_TRANSITIVE;
    if (attr->type == PATH_ATTR_AIGP) {
        return; /* RFC 7311 3: quietly ignored, however it looks, where no session enables it */
    }
    if (row->decode == NULL) {
        decode_unknown(decoder, attr);
        return;
    }
    if (row->is_ibgp_only && decoder->options->is_ebgp) {
        discard(decoder, SUBCODE_ATTR_LIST, attr, "attribute is not for sessions between ASes");
        return;
    }
    if (row->is_as4_helper && decoder->options->as4) {
        discard(decoder, SUBCODE_ATTR_LIST, attr, "AS4 attribute from a 4-octet speaker");
        return;
    }
    if (class_bits != row->flags) {
        if (row->is_as4_helper) {
            discard(decoder, SUBCODE_FLAGS, attr, "attribute flags are wrong");
            return;
        }
        withdraw(decoder, SUBCODE_FLAGS, attr, "attribute flags are wrong");
    }
    row->decode(decoder, attr);
}

/* AS4_PATH can bring in what AS_PATH was checked for already: sets, and their many members. */
static void check_merged_path(struct update_decoder *decoder)
{
    const struct update_options *options = decoder->options;
    const struct raw_attr as4_path = {.type = PATH_ATTR_AS4_PATH};
    struct byte_view path = decoder->update->attrs.as_path;
    if (options->reject_as_sets && as_path_has_set(path)) {
        withdraw(decoder, SUBCODE_AS_PATH, &as4_path, "AS4_PATH contains an AS_SET");
    } else if (options->as_path_count_max != 0 &&
               as_path_count(path) > options->as_path_count_max) {
        withdraw(decoder, SUBCODE_AS_PATH, &as4_path, "AS_PATH with AS4_PATH is over the limit");
    }
}

/* RFC 6793 4.2.3. */
static void merge_as4(struct update_decoder *decoder)
{
    struct path_attrs *attrs = &decoder->update->attrs;
    bool has_aggregator = path_attrs_has(attrs, PATH_ATTR_AGGREGATOR);
    if (has_aggregator && decoder->has_as4_aggregator && attrs->aggregator_asn != ASN_TRANS) {
        return; /* A 2-octet speaker aggregated since: both AS4 attributes are stale. */
    }
    if (has_aggregator && decoder->has_as4_aggregator) {
        attrs->aggregator_asn = decoder->as4_aggregator_asn;
        attrs->aggregator_id = decoder->as4_aggregator_id;
    }
    if (decoder->has_as4_path && path_attrs_has(attrs, PATH_ATTR_AS_PATH)) {
        attrs->as_path = as_path_merge_as4(decoder->scratch, attrs->as_path, decoder->as4_path);
        check_merged_path(decoder);
    }
}

static void gather_unknown(struct update_decoder *decoder)
{
    size_t size = 0;
    for (uint32_t i = 1; i < decoder->unknown_count; i++) {
        struct raw_attr attr = decoder->unknown[i];
        uint32_t at = i;
        while (at > 0 && decoder->unknown[at - 1].type > attr.type) {
            decoder->unknown[at] = decoder->unknown[at - 1];
            at--;
        }
        decoder->unknown[at] = attr;
    }
    for (uint32_t i = 0; i < decoder->unknown_count; i++) {
        size += decoder->unknown[i].whole.size;
    }
    if (size == 0) {
        return;
    }
    uint8_t *bytes = arena_alloc(decoder->scratch, size);
    decoder->update->attrs.unknown = (struct byte_view){bytes, size};
    for (uint32_t i = 0; i < decoder->unknown_count; i++) {
        const struct raw_attr *attr = &decoder->unknown[i];
        memcpy(bytes, attr->whole.data, attr->whole.size);
        bytes[0] |= PATH_ATTR_FLAG_PARTIAL; /* RFC 4271 5: we do not know it either */
        bytes += attr->whole.size;
    }
}

void attr_decode_finish(struct update_decoder *decoder)
{
    if (!decoder->options->as4) {
        merge_as4(decoder);
    }
    gather_unknown(decoder);
}
