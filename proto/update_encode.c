/* UPDATE on its way out. */
#include <string.h>

#include "proto/as_path_wire.h"
#include "proto/base/assert.h"
#include "proto/message.h"
#include "proto/update.h"

#define FLAGS_WELL_KNOWN          PATH_ATTR_FLAG_TRANSITIVE
#define FLAGS_OPTIONAL            PATH_ATTR_FLAG_OPTIONAL
#define FLAGS_OPTIONAL_TRANSITIVE (PATH_ATTR_FLAG_OPTIONAL | PATH_ATTR_FLAG_TRANSITIVE)

static void put_head(struct writer *writer, uint8_t flags, enum path_attr_type type, size_t size)
{
    if (size > 255) {
        writer_u8(writer, flags | PATH_ATTR_FLAG_EXTENDED);
        writer_u8(writer, (uint8_t)type);
        writer_u16(writer, (uint16_t)size);
    } else {
        writer_u8(writer, flags);
        writer_u8(writer, (uint8_t)type);
        writer_u8(writer, (uint8_t)size);
    }
}

static void put_view(struct writer *writer, uint8_t flags, enum path_attr_type type,
                     struct byte_view value)
{
    put_head(writer, flags, type, value.size);
    writer_bytes(writer, value.data, value.size);
}

static void put_u32(struct writer *writer, uint8_t flags, enum path_attr_type type, uint32_t value)
{
    put_head(writer, flags, type, 4);
    writer_u32(writer, value);
}

static void put_as_path(struct writer *writer, const struct path_attrs *attrs, bool as4)
{
    if (as4) {
        put_view(writer, FLAGS_WELL_KNOWN, PATH_ATTR_AS_PATH, attrs->as_path);
        return;
    }
    put_head(writer, FLAGS_WELL_KNOWN, PATH_ATTR_AS_PATH, as_path_narrow_bytes(attrs->as_path));
    as_path_write_narrow(writer, attrs->as_path);
}

static void put_aggregator(struct writer *writer, const struct path_attrs *attrs, bool as4)
{
    uint8_t flags = (uint8_t)(FLAGS_OPTIONAL_TRANSITIVE | attrs->aggregator_partial);
    put_head(writer, flags, PATH_ATTR_AGGREGATOR, as4 ? 8 : 6);
    if (as4) {
        writer_u32(writer, attrs->aggregator_asn);
    } else {
        writer_u16(writer, (uint16_t)(attrs->aggregator_asn > UINT16_MAX ? ASN_TRANS
                                                                         : attrs->aggregator_asn));
    }
    writer_u32(writer, attrs->aggregator_id);
}

static void put_as4_path(struct writer *writer, const struct path_attrs *attrs)
{
    put_head(writer, FLAGS_OPTIONAL_TRANSITIVE, PATH_ATTR_AS4_PATH,
             as_path_as4_bytes(attrs->as_path));
    as_path_write_as4(writer, attrs->as_path);
}

static void put_as4_aggregator(struct writer *writer, const struct path_attrs *attrs)
{
    put_head(writer, FLAGS_OPTIONAL_TRANSITIVE, PATH_ATTR_AS4_AGGREGATOR, 8);
    writer_u32(writer, attrs->aggregator_asn);
    writer_u32(writer, attrs->aggregator_id);
}

static uint8_t community_flags(const struct path_attrs *attrs, unsigned kind)
{
    bool is_partial = (attrs->communities_partial >> kind & 1) != 0;
    return (uint8_t)(FLAGS_OPTIONAL_TRANSITIVE | (is_partial ? PATH_ATTR_FLAG_PARTIAL : 0));
}

/* Whether this attribute is written at all on this session. */
static bool is_written(const struct path_attrs *attrs, enum path_attr_type type, bool as4,
                       bool uses_mp)
{
    switch (type) {
    case PATH_ATTR_NEXT_HOP:
        return !uses_mp && path_attrs_has(attrs, type);
    /* A list without members is malformed on the wire (RFC 7606 7): the attribute stays away. */
    case PATH_ATTR_COMMUNITIES:
        return path_attrs_has(attrs, type) && attrs->communities.size != 0;
    case PATH_ATTR_EXT_COMMUNITIES:
        return path_attrs_has(attrs, type) && attrs->ext_communities.size != 0;
    case PATH_ATTR_LARGE_COMMUNITIES:
        return path_attrs_has(attrs, type) && attrs->large_communities.size != 0;
    case PATH_ATTR_IPV6_EXT_COMMUNITIES:
        return path_attrs_has(attrs, type) && attrs->ipv6_ext_communities.size != 0;
    case PATH_ATTR_CLUSTER_LIST:
        return path_attrs_has(attrs, type) && attrs->cluster_list.size != 0;
    case PATH_ATTR_AS4_PATH:
        return !as4 && path_attrs_has(attrs, PATH_ATTR_AS_PATH) &&
               as_path_needs_as4(attrs->as_path) && as_path_as4_bytes(attrs->as_path) != 0;
    case PATH_ATTR_AS4_AGGREGATOR:
        return !as4 && path_attrs_has(attrs, PATH_ATTR_AGGREGATOR) &&
               attrs->aggregator_asn > UINT16_MAX;
    default:
        return path_attrs_has(attrs, type);
    }
}

static void put_one(struct writer *writer, const struct path_attrs *attrs, enum path_attr_type type,
                    bool as4)
{
    switch (type) {
    case PATH_ATTR_ORIGIN:
        put_head(writer, FLAGS_WELL_KNOWN, type, 1);
        writer_u8(writer, attrs->origin);
        return;
    case PATH_ATTR_AS_PATH:
        put_as_path(writer, attrs, as4);
        return;
    case PATH_ATTR_NEXT_HOP:
        put_view(writer, FLAGS_WELL_KNOWN, type, (struct byte_view){attrs->next_hop.bytes, 4});
        return;
    case PATH_ATTR_MED:
        put_u32(writer, FLAGS_OPTIONAL, type, attrs->med);
        return;
    case PATH_ATTR_LOCAL_PREF:
        put_u32(writer, FLAGS_WELL_KNOWN, type, attrs->local_pref);
        return;
    case PATH_ATTR_ATOMIC_AGGREGATE:
        put_head(writer, FLAGS_WELL_KNOWN, type, 0);
        return;
    case PATH_ATTR_AGGREGATOR:
        put_aggregator(writer, attrs, as4);
        return;
    case PATH_ATTR_COMMUNITIES:
        put_view(writer, community_flags(attrs, 0), type, attrs->communities);
        return;
    case PATH_ATTR_ORIGINATOR_ID:
        put_u32(writer, FLAGS_OPTIONAL, type, attrs->originator_id);
        return;
    case PATH_ATTR_CLUSTER_LIST:
        put_view(writer, FLAGS_OPTIONAL, type, attrs->cluster_list);
        return;
    case PATH_ATTR_EXT_COMMUNITIES:
        put_view(writer, community_flags(attrs, 1), type, attrs->ext_communities);
        return;
    case PATH_ATTR_AS4_PATH:
        put_as4_path(writer, attrs);
        return;
    case PATH_ATTR_AS4_AGGREGATOR:
        put_as4_aggregator(writer, attrs);
        return;
    case PATH_ATTR_IPV6_EXT_COMMUNITIES:
        put_view(writer, FLAGS_OPTIONAL_TRANSITIVE, type, attrs->ipv6_ext_communities);
        return;
    case PATH_ATTR_LARGE_COMMUNITIES:
        put_view(writer, community_flags(attrs, 2), type, attrs->large_communities);
        return;
    case PATH_ATTR_OTC:
        put_u32(writer, FLAGS_OPTIONAL_TRANSITIVE, type, attrs->otc_asn);
        return;
    default:
        UNREACHABLE();
    }
}

/* Copies the unknown attributes whose type is below type_end; returns what is left of them. */
static struct byte_view put_unknown(struct writer *writer, struct byte_view unknown,
                                    unsigned type_end)
{
    while (unknown.size != 0 && unknown.data[1] < type_end) {
        bool is_extended = (unknown.data[0] & PATH_ATTR_FLAG_EXTENDED) != 0;
        size_t size = is_extended ? 4u + load_be16(unknown.data + 2) : 3u + (size_t)unknown.data[2];
        ASSERT(size <= unknown.size);
        writer_bytes(writer, unknown.data, size);
        unknown.data += size;
        unknown.size -= size;
    }
    return unknown;
}

static void put_attrs(struct writer *writer, const struct path_attrs *attrs, bool as4, bool uses_mp)
{
    static const enum path_attr_type order[] = {
        PATH_ATTR_ORIGIN,
        PATH_ATTR_AS_PATH,
        PATH_ATTR_NEXT_HOP,
        PATH_ATTR_MED,
        PATH_ATTR_LOCAL_PREF,
        PATH_ATTR_ATOMIC_AGGREGATE,
        PATH_ATTR_AGGREGATOR,
        PATH_ATTR_COMMUNITIES,
        PATH_ATTR_ORIGINATOR_ID,
        PATH_ATTR_CLUSTER_LIST,
        PATH_ATTR_EXT_COMMUNITIES,
        PATH_ATTR_AS4_PATH,
        PATH_ATTR_AS4_AGGREGATOR,
        PATH_ATTR_IPV6_EXT_COMMUNITIES,
        PATH_ATTR_LARGE_COMMUNITIES,
        PATH_ATTR_OTC,
    };
    struct byte_view unknown = attrs->unknown;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (unknown.size != 0) {
            unknown = put_unknown(writer, unknown, order[i]);
        }
        if (is_written(attrs, order[i], as4, uses_mp)) {
            put_one(writer, attrs, order[i], as4);
        }
    }
    put_unknown(writer, unknown, 256);
}

/* Moves the attributes just written to the end of the message's space, where they wait. */
static void park_attrs(struct update_builder *builder, size_t attrs_start)
{
    struct writer *writer = &builder->writer;
    size_t size = writer_size(writer) - attrs_start;
    if (writer->failed) {
        return;
    }
    memmove(writer->end - size, writer->start + attrs_start, size);
    writer->end -= size;
    writer->at = writer->start + attrs_start;
    builder->parked_bytes = size;
}

static void put_mp_head(struct update_builder *builder, enum path_attr_type type)
{
    struct writer *writer = &builder->writer;
    writer_u8(writer, PATH_ATTR_FLAG_OPTIONAL | PATH_ATTR_FLAG_EXTENDED);
    writer_u8(writer, (uint8_t)type);
    builder->mp_length_at = writer_size(writer);
    writer_u16(writer, 0);
    writer_u16(writer, afi_safi_afi(builder->afi_safi));
    writer_u8(writer, SAFI_UNICAST);
}

static void put_mp_next_hop(struct writer *writer, const struct path_attrs *attrs)
{
    size_t size = ip_family_bytes(attrs->next_hop.family);
    bool has_second = attrs->next_hop_link_local.family == IP_V6 && size == 16;
    writer_u8(writer, (uint8_t)(has_second ? 32 : size));
    writer_bytes(writer, attrs->next_hop.bytes, size);
    if (has_second) {
        writer_bytes(writer, attrs->next_hop_link_local.bytes, 16);
    }
    writer_u8(writer, 0); /* reserved */
}

static void begin_withdrawal(struct update_builder *builder)
{
    struct writer *writer = &builder->writer;
    if (!builder->uses_mp) {
        builder->length_at = writer_size(writer);
        writer_u16(writer, 0);
        if (writer_room(writer) >= 2) {
            writer->end -= 2; /* the length of no attributes comes last */
        } else {
            writer->failed = true;
        }
        return;
    }
    writer_u16(writer, 0);
    builder->length_at = writer_size(writer);
    writer_u16(writer, 0);
    put_mp_head(builder, PATH_ATTR_MP_UNREACH_NLRI);
}

static void begin_announcement(struct update_builder *builder, const struct path_attrs *attrs)
{
    struct writer *writer = &builder->writer;
    writer_u16(writer, 0);
    builder->length_at = writer_size(writer);
    writer_u16(writer, 0);
    size_t attrs_start = writer_size(writer);
    put_attrs(writer, attrs, builder->options->as4, builder->uses_mp);
    if (builder->uses_mp) {
        park_attrs(builder, attrs_start);
        put_mp_head(builder, PATH_ATTR_MP_REACH_NLRI);
        put_mp_next_hop(writer, attrs);
    } else if (!writer->failed) {
        store_be16(writer->start + builder->length_at,
                   (uint16_t)(writer_size(writer) - attrs_start));
    }
}

/* What the receiver would take for a malformed message is not sent: a set without what is mandatory
 * (RFC 4271 5), a next hop that the family cannot have on this session (RFC 2545, RFC 8950). */
static bool may_be_sent(const struct update_options *options, enum afi_safi afi_safi,
                        const struct path_attrs *attrs)
{
    const uint64_t mandatory = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) | PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                               PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP);
    if ((attrs->present & mandatory) != mandatory) {
        return false;
    }
    if (attrs->next_hop.family == IP_V6) {
        return afi_safi == AFI_SAFI_IPV6_UNICAST ||
               (options->extended_next_hop & AFI_SAFI_BIT(afi_safi)) != 0;
    }
    return attrs->next_hop.family == IP_V4 && afi_safi == AFI_SAFI_IPV4_UNICAST;
}

enum status update_begin(struct update_builder *builder, struct writer *out,
                         const struct update_options *options, enum afi_safi afi_safi,
                         const struct path_attrs *attrs)
{
    size_t space = writer_room(out);
    if (out->failed) {
        return STATUS_TRUNCATED;
    }
    if (attrs != NULL && !may_be_sent(options, afi_safi, attrs)) {
        return STATUS_INVALID;
    }
    space = space < options->message_bytes_max ? space : options->message_bytes_max;
    *builder = (struct update_builder){
        .writer = writer_of(out->at, space),
        .options = options,
        .afi_safi = afi_safi,
        .is_withdraw = attrs == NULL,
        .uses_mp =
            afi_safi != AFI_SAFI_IPV4_UNICAST || (attrs != NULL && attrs->next_hop.family == IP_V6),
    };
    message_begin(&builder->writer, MESSAGE_UPDATE);
    if (attrs == NULL) {
        begin_withdrawal(builder);
    } else {
        begin_announcement(builder, attrs);
    }
    builder->nlri_start = writer_size(&builder->writer);
    size_t longest = 4u + 1u + ip_family_bytes(afi_safi_family(afi_safi));
    if (builder->writer.failed || writer_room(&builder->writer) < longest) {
        return STATUS_TRUNCATED;
    }
    return STATUS_OK;
}

/* Most of what is ever written: an IPv4 prefix without a path id, with room to spare. */
static bool add_fast(struct update_builder *builder, const struct prefix *prefix)
{
    struct writer *writer = &builder->writer;
    if (prefix->family != IP_V4 || builder->options->add_path_send != 0 ||
        writer_room(writer) < 5) {
        return false;
    }
    writer->at[0] = prefix->len_bits;
    memcpy(writer->at + 1, prefix->bytes, 4); /* what is too much is written over */
    writer->at += 1 + (prefix->len_bits + 7u) / 8u;
    builder->prefix_count++;
    return true;
}

bool update_add(struct update_builder *builder, const struct nlri *nlri)
{
    ASSERT(prefix_afi_safi(&nlri->prefix) == builder->afi_safi);
    if (add_fast(builder, &nlri->prefix)) {
        return true;
    }
    bool has_path_id = (builder->options->add_path_send & AFI_SAFI_BIT(builder->afi_safi)) != 0;
    size_t size = prefix_wire_bytes(&nlri->prefix) + (has_path_id ? 4 : 0);
    if (writer_room(&builder->writer) < size) {
        return false;
    }
    if (has_path_id) {
        writer_u32(&builder->writer, nlri->path_id);
    }
    prefix_write(&builder->writer, &nlri->prefix);
    builder->prefix_count++;
    return true;
}

static void patch_length(struct writer *writer, size_t field_at, size_t from)
{
    store_be16(writer->start + field_at, (uint16_t)(writer_size(writer) - from));
}

size_t update_finish(struct update_builder *builder, struct writer *out)
{
    struct writer *writer = &builder->writer;
    ASSERT(builder->prefix_count > 0 && !writer->failed);
    if (builder->uses_mp) {
        patch_length(writer, builder->mp_length_at, builder->mp_length_at + 2);
        memmove(writer->at, writer->end, builder->parked_bytes);
        writer->end += builder->parked_bytes;
        writer->at += builder->parked_bytes;
        patch_length(writer, builder->length_at, builder->length_at + 2);
    } else if (builder->is_withdraw) {
        patch_length(writer, builder->length_at, builder->length_at + 2);
        writer->end += 2;
        writer_u16(writer, 0);
    }
    message_end(writer, 0);
    ASSERT(!writer->failed);
    size_t length = writer_size(writer);
    out->at += length;
    return length;
}

void end_of_rib_encode(struct writer *writer, enum afi_safi afi_safi)
{
    size_t start = writer_size(writer);
    message_begin(writer, MESSAGE_UPDATE);
    writer_u16(writer, 0);
    if (afi_safi == AFI_SAFI_IPV4_UNICAST) {
        writer_u16(writer, 0);
    } else {
        writer_u16(writer, 6);
        writer_u8(writer, PATH_ATTR_FLAG_OPTIONAL);
        writer_u8(writer, PATH_ATTR_MP_UNREACH_NLRI);
        writer_u8(writer, 3);
        writer_u16(writer, afi_safi_afi(afi_safi));
        writer_u8(writer, SAFI_UNICAST);
    }
    message_end(writer, start);
}
