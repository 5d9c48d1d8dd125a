/* UPDATE as a whole: fields, attribute headers, mandatory attributes, one disposition. */
#include <string.h>

#include "proto/update_private.h"

static const struct raw_attr no_attr;

void update_report(struct update_decoder *decoder, enum wire_disposition disposition,
                   uint8_t subcode, const struct raw_attr *attr, const char *what)
{
    struct update *update = decoder->update;
    struct wire_error error = {
        .disposition = disposition,
        .code = NOTIFICATION_UPDATE,
        .subcode = subcode,
        .attr_type = attr->type,
        .offset_bytes = attr->offset_bytes,
        .data = attr->whole,
        .what = what,
    };
    if (update->minor_count < UPDATE_ERRORS_MAX) {
        update->minor[update->minor_count++] = error;
    }
    if (disposition > update->error.disposition) {
        update->error = error;
    }
}

bool nlri_check(struct byte_view bytes, uint8_t family, bool has_path_ids)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    size_t head = has_path_ids ? 5 : 1;
    uint8_t bits_max = ip_family_bits(family);
    while (left != 0) {
        if (left < head) {
            return false;
        }
        uint8_t len_bits = at[head - 1];
        size_t size = head + (len_bits + 7u) / 8u;
        if (len_bits > bits_max || size > left) {
            return false;
        }
        at += size;
        left -= size;
    }
    return true;
}

/* The plain path of a million prefixes: whole words instead of single octets where the run has
 * enough of them left. False when it has not, or the length is over the family's. */
static bool read_prefix_fast(const uint8_t *at, size_t left, uint8_t family, struct prefix *out)
{
    uint8_t len_bits = at[0];
    if (family == IP_V4 && left >= 5 && len_bits <= 32) {
        uint32_t mask = len_bits == 0 ? 0 : UINT32_MAX << (32 - len_bits);
        store_be32(out->bytes, load_be32(at + 1) & mask);
        memset(out->bytes + 4, 0, 12);
    } else if (family == IP_V6 && left >= 17 && len_bits <= 128) {
        size_t whole = len_bits / 8u;
        memcpy(out->bytes, at + 1, 16);
        if (whole < 16) {
            out->bytes[whole] &= (uint8_t)(0xff00u >> (len_bits % 8));
            memset(out->bytes + whole + 1, 0, 15 - whole);
        }
    } else {
        return false;
    }
    out->family = family;
    out->len_bits = len_bits;
    return true;
}

bool nlri_next(struct nlri_run *run, struct nlri *nlri_out)
{
    struct byte_view *bytes = &run->bytes;
    size_t head = run->has_path_ids ? 4 : 0;
    if (bytes->size <= head) {
        return false;
    }
    nlri_out->path_id = head != 0 ? load_be32(bytes->data) : 0;
    if (read_prefix_fast(bytes->data + head, bytes->size - head, run->family, &nlri_out->prefix)) {
        size_t size = head + prefix_wire_bytes(&nlri_out->prefix);
        bytes->data += size;
        bytes->size -= size;
        return true;
    }
    struct reader reader = reader_of(bytes->data + head, bytes->size - head);
    nlri_out->prefix = prefix_read(&reader, run->family);
    *bytes = reader.failed ? (struct byte_view){NULL, 0}
                           : (struct byte_view){reader.at, reader_left(&reader)};
    return !reader.failed;
}

/* Takes the header of the next attribute; false when the rest of the list cannot be read. */
static bool next_attr(struct update_decoder *decoder, struct reader *list,
                      const uint8_t *body_start, struct raw_attr *attr)
{
    const uint8_t *start = list->at;
    *attr = (struct raw_attr){.offset_bytes = (uint16_t)(start - body_start)};
    attr->flags = reader_u8(list);
    attr->type = reader_u8(list);
    size_t size = (attr->flags & PATH_ATTR_FLAG_EXTENDED) != 0 ? reader_u16(list) : reader_u8(list);
    attr->value = reader_view(list, size);
    if (list->failed) {
        update_report(decoder, WIRE_TREAT_AS_WITHDRAW, 1, attr,
                      "attribute runs past the attribute list");
        return false;
    }
    attr->whole = (struct byte_view){start, (size_t)(list->at - start)};
    return true;
}

/* RFC 7606 3g. True when the attribute is to be decoded. */
static bool note_seen(struct update_decoder *decoder, const struct raw_attr *attr)
{
    uint64_t bit = UINT64_C(1) << (attr->type % 64);
    uint64_t *word = &decoder->seen[attr->type / 64];
    bool is_first = (*word & bit) == 0;
    *word |= bit;
    if (is_first) {
        return true;
    }
    if (attr->type == PATH_ATTR_MP_REACH_NLRI || attr->type == PATH_ATTR_MP_UNREACH_NLRI) {
        update_report(decoder, WIRE_SESSION_RESET, 1, &no_attr, "MP attribute appears twice");
    } else {
        update_report(decoder, WIRE_ATTR_DISCARD, 1, attr, "attribute appears twice");
    }
    return false;
}

static void decode_attrs(struct update_decoder *decoder, struct byte_view list_bytes,
                         const uint8_t *body_start)
{
    struct reader list = reader_of_view(list_bytes);
    struct raw_attr attr;
    while (reader_left(&list) != 0 && next_attr(decoder, &list, body_start, &attr)) {
        if (note_seen(decoder, &attr)) {
            attr_decode(decoder, &attr);
        }
        if (decoder->update->error.disposition == WIRE_SESSION_RESET) {
            return;
        }
    }
    attr_decode_finish(decoder);
}

static void require(struct update_decoder *decoder, enum path_attr_type type, const char *what)
{
    static const uint8_t type_octets[] = {0, 1, 2, 3, 4, 5};
    if (!path_attrs_has(&decoder->update->attrs, type)) {
        struct raw_attr attr = {.type = (uint8_t)type, .whole = {&type_octets[type], 1}};
        update_report(decoder, WIRE_TREAT_AS_WITHDRAW, 3, &attr, what);
    }
}

/* RFC 7606 3d and RFC 4271 5. */
static void check_mandatory(struct update_decoder *decoder)
{
    struct update *update = decoder->update;
    bool has_plain = update->reachable[0].bytes.size != 0;
    if (!has_plain && update->reachable[1].bytes.size == 0) {
        return;
    }
    require(decoder, PATH_ATTR_ORIGIN, "ORIGIN is missing");
    require(decoder, PATH_ATTR_AS_PATH, "AS_PATH is missing");
    if (has_plain && decoder->next_hop.family == IP_NONE) {
        path_attrs_clear(&update->attrs, PATH_ATTR_NEXT_HOP);
        require(decoder, PATH_ATTR_NEXT_HOP, "NEXT_HOP is missing");
    }
    if (!decoder->options->is_ebgp) {
        require(decoder, PATH_ATTR_LOCAL_PREF, "LOCAL_PREF is missing");
    }
}

/* The next hop of the plain field where it has entries, else of MP_REACH_NLRI. */
static void choose_next_hop(struct update_decoder *decoder)
{
    struct update *update = decoder->update;
    struct path_attrs *attrs = &update->attrs;
    bool has_plain = update->reachable[0].bytes.size != 0;
    if (has_plain || update->mp_next_hop.family == IP_NONE) {
        attrs->next_hop = decoder->next_hop;
    } else {
        attrs->next_hop = update->mp_next_hop;
        attrs->next_hop_link_local = update->mp_next_hop_link_local;
    }
    if (attrs->next_hop.family == IP_NONE) {
        path_attrs_clear(attrs, PATH_ATTR_NEXT_HOP);
        return;
    }
    path_attrs_set(attrs, PATH_ATTR_NEXT_HOP);
    update->next_hop_unusable =
        !ip_is_usable_next_hop(&attrs->next_hop) ||
        (update->reachable[1].bytes.size != 0 && !ip_is_usable_next_hop(&update->mp_next_hop));
}

static void find_end_of_rib(struct update_decoder *decoder, struct byte_view withdrawn,
                            struct byte_view attrs, struct byte_view nlri)
{
    struct update *update = decoder->update;
    if (withdrawn.size != 0 || nlri.size != 0 || update->error.disposition != WIRE_ACCEPT) {
        return;
    }
    if (attrs.size == 0) {
        update->end_of_rib = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST) & decoder->options->families;
        return;
    }
    /* Exactly one attribute: MP_UNREACH_NLRI with nothing behind the family. */
    struct reader reader = reader_of_view(attrs);
    uint8_t flags = reader_u8(&reader);
    uint8_t type = reader_u8(&reader);
    size_t size = (flags & PATH_ATTR_FLAG_EXTENDED) != 0 ? reader_u16(&reader) : reader_u8(&reader);
    if (type == PATH_ATTR_MP_UNREACH_NLRI && size == 3 && reader_left(&reader) == 3) {
        uint16_t afi = reader_u16(&reader);
        enum afi_safi family = afi_safi_from_wire(afi, reader_u8(&reader));
        update->end_of_rib = family != AFI_SAFI_NONE ? AFI_SAFI_BIT(family) : 0;
    }
    update->end_of_rib &= decoder->options->families;
}

/* RFC 7606 5.2: with nothing to withdraw, an error that calls for withdrawal may hide what should
 * have been withdrawn. Prefixes that were read and are none of ours hide nothing. */
static void check_hidden_nlri(struct update_decoder *decoder)
{
    struct update *update = decoder->update;
    if (update->error.disposition == WIRE_TREAT_AS_WITHDRAW &&
        update->reachable[0].bytes.size == 0 && update->reachable[1].bytes.size == 0 &&
        !decoder->has_ignored_nlri) {
        update->error.disposition = WIRE_SESSION_RESET;
    }
}

static void set_plain_runs(struct update_decoder *decoder, struct byte_view withdrawn,
                           struct byte_view nlri)
{
    const struct update_options *options = decoder->options;
    uint32_t ipv4 = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST);
    bool has_path_ids = (options->add_path_receive & ipv4) != 0;
    struct update *update = decoder->update;
    update->reachable[0] = (struct nlri_run){{NULL, 0}, IP_V4, has_path_ids};
    update->unreachable[0] = update->reachable[0];
    if ((options->families & ipv4) == 0) {
        decoder->has_ignored_nlri = nlri.size != 0;
        return;
    }
    if (!nlri_check(withdrawn, IP_V4, has_path_ids)) {
        update_report(decoder, WIRE_SESSION_RESET, 10, &no_attr, "withdrawn routes are malformed");
    } else if (!nlri_check(nlri, IP_V4, has_path_ids)) {
        update_report(decoder, WIRE_SESSION_RESET, 10, &no_attr, "NLRI is malformed");
    } else {
        update->unreachable[0].bytes = withdrawn;
        update->reachable[0].bytes = nlri;
    }
}

void update_decode(struct byte_view body, const struct update_options *options,
                   struct arena *scratch, struct update *update_out)
{
    struct reader reader = reader_of_view(body);
    struct update_decoder decoder = {.options = options, .scratch = scratch, .update = update_out};
    memset(update_out, 0, sizeof *update_out);
    update_out->error = WIRE_NO_ERROR;
    size_t withdrawn_size = reader_u16(&reader);
    struct byte_view withdrawn = reader_view(&reader, withdrawn_size);
    size_t attrs_size = reader_u16(&reader);
    struct byte_view attrs = reader_view(&reader, attrs_size);
    if (reader.failed) {
        update_report(&decoder, WIRE_SESSION_RESET, 1, &no_attr,
                      "withdrawn routes or attributes run past the message");
        return;
    }
    struct byte_view nlri = reader_rest(&reader);
    set_plain_runs(&decoder, withdrawn, nlri);
    update_out->reachable[1].family = IP_V6;
    update_out->unreachable[1].family = IP_V6;
    if (update_out->error.disposition == WIRE_SESSION_RESET) {
        return;
    }
    decode_attrs(&decoder, attrs, body.data);
    if (update_out->error.disposition == WIRE_SESSION_RESET) {
        return;
    }
    choose_next_hop(&decoder);
    check_mandatory(&decoder);
    find_end_of_rib(&decoder, withdrawn, attrs, nlri);
    check_hidden_nlri(&decoder);
}
