#include "bgpd/io/vici_message.h"

#include <string.h>

enum vici_element {
    VICI_SECTION_START = 1,
    VICI_SECTION_END,
    VICI_KEY_VALUE,
    VICI_LIST_START,
    VICI_LIST_ITEM,
    VICI_LIST_END,
};

static bool view_is(struct byte_view view, const char *text)
{
    return byte_view_equal(view, (struct byte_view){(const uint8_t *)text, strlen(text)});
}

/* ---- Packets ---- */

static bool has_name(enum vici_packet_type type)
{
    return type == VICI_CMD_REQUEST || type == VICI_EVENT_REGISTER ||
           type == VICI_EVENT_UNREGISTER || type == VICI_EVENT;
}

bool vici_packet_parse(struct byte_view octets, struct vici_packet *packet_out)
{
    struct reader reader = reader_of_view(octets);
    uint8_t type = reader_u8(&reader);
    memset(packet_out, 0, sizeof *packet_out);
    if (type >= VICI_PACKET_TYPE_COUNT) {
        return false;
    }
    packet_out->type = (enum vici_packet_type)type;
    if (has_name(packet_out->type)) {
        packet_out->name = reader_view(&reader, reader_u8(&reader));
    }
    packet_out->message = reader_rest(&reader);
    return !reader.failed;
}

bool vici_packet_is(const struct vici_packet *packet, enum vici_packet_type type, const char *name)
{
    return packet->type == type && view_is(packet->name, name);
}

size_t vici_packet_write(uint8_t *buffer, size_t size, enum vici_packet_type type, const char *name,
                         const char *key, const char *value)
{
    struct writer writer = writer_of(buffer, size);
    size_t name_bytes = strlen(name);
    size_t key_bytes = key == NULL ? 0 : strlen(key);
    size_t value_bytes = key == NULL ? 0 : strlen(value);
    if (name_bytes > UINT8_MAX || key_bytes > UINT8_MAX || value_bytes > UINT16_MAX) {
        return 0;
    }
    writer_u32(&writer, 0);
    writer_u8(&writer, (uint8_t)type);
    writer_u8(&writer, (uint8_t)name_bytes);
    writer_bytes(&writer, name, name_bytes);
    if (key != NULL) {
        writer_u8(&writer, VICI_KEY_VALUE);
        writer_u8(&writer, (uint8_t)key_bytes);
        writer_bytes(&writer, key, key_bytes);
        writer_u16(&writer, (uint16_t)value_bytes);
        writer_bytes(&writer, value, value_bytes);
    }
    if (writer.failed) {
        return 0;
    }
    store_be32(buffer, (uint32_t)(writer_size(&writer) - VICI_LENGTH_BYTES));
    return writer_size(&writer);
}

/* ---- What the sections of a message mean ---- */

enum place {
    PLACE_TOP,
    PLACE_IKE,      /* NAME { } */
    PLACE_IKE_OLD,  /* NAME { old { } }: ike-rekey */
    PLACE_IKE_NEW,  /* NAME { new { } } */
    PLACE_CHILDREN, /* NAME { child-sas { } } */
    PLACE_CHILD,    /* NAME { child-sas { NAME-7 { } } } */
    PLACE_CHILD_OLD,
    PLACE_CHILD_NEW,
    PLACE_ELSEWHERE,
};

static enum place place_below(enum place place, struct byte_view name)
{
    switch (place) {
    case PLACE_TOP:
        return PLACE_IKE;
    case PLACE_IKE:
    case PLACE_IKE_NEW:
        return view_is(name, "child-sas") ? PLACE_CHILDREN
               : place == PLACE_IKE_NEW   ? PLACE_ELSEWHERE
               : view_is(name, "old")     ? PLACE_IKE_OLD
               : view_is(name, "new")     ? PLACE_IKE_NEW
                                          : PLACE_ELSEWHERE;
    case PLACE_CHILDREN:
        return PLACE_CHILD;
    case PLACE_CHILD:
        return view_is(name, "old")   ? PLACE_CHILD_OLD
               : view_is(name, "new") ? PLACE_CHILD_NEW
                                      : PLACE_ELSEWHERE;
    case PLACE_IKE_OLD:
    case PLACE_CHILD_OLD:
    case PLACE_CHILD_NEW:
    case PLACE_ELSEWHERE:
        break;
    }
    return PLACE_ELSEWHERE;
}

/* Decimal; 0 for anything else, which no SA has for a number. */
static uint32_t number_of(struct byte_view value)
{
    uint64_t number = 0;
    if (value.size == 0 || value.size > 10) {
        return 0;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    return number > UINT32_MAX ? 0 : (uint32_t)number;
}

static struct ip_addr address_of(struct byte_view value)
{
    char text[IP_TEXT_BYTES] = "";
    struct ip_addr addr = {.family = IP_NONE};
    if (value.size < sizeof text && value.size != 0) {
        memcpy(text, value.data, value.size);
        if (ip_parse(text, &addr) != STATUS_OK) {
            addr = (struct ip_addr){.family = IP_NONE};
        }
    }
    return addr;
}

static bool is_installed(struct byte_view state)
{
    return view_is(state, "INSTALLED") || view_is(state, "UPDATING") ||
           view_is(state, "REKEYING") || view_is(state, "REKEYED");
}

static void read_ike_key(struct vici_ike *ike, struct byte_view key, struct byte_view value)
{
    if (view_is(key, "uniqueid")) {
        ike->unique_id = number_of(value);
    } else if (view_is(key, "local-host")) {
        ike->local_host = address_of(value);
    } else if (view_is(key, "remote-host")) {
        ike->remote_host = address_of(value);
    }
}

static void read_child_key(struct vici_child *child, struct byte_view key, struct byte_view value)
{
    if (view_is(key, "uniqueid")) {
        child->unique_id = number_of(value);
    } else if (view_is(key, "state")) {
        child->is_installed = is_installed(value);
    } else if (view_is(key, "name")) {
        memset(child->name, 0, sizeof child->name);
        memcpy(child->name, value.data,
               value.size < sizeof child->name ? value.size : sizeof child->name - 1);
    }
}

static void read_key(struct vici_ike *ike, enum place place, struct byte_view key,
                     struct byte_view value)
{
    struct vici_child *child = ike->child_count != 0 ? &ike->children[ike->child_count - 1] : NULL;
    switch (place) {
    case PLACE_TOP:
        if (view_is(key, "up")) {
            ike->is_up = view_is(value, "yes");
        }
        return;
    case PLACE_IKE:
    case PLACE_IKE_NEW:
        read_ike_key(ike, key, value);
        return;
    case PLACE_IKE_OLD:
        if (view_is(key, "uniqueid")) {
            ike->old_unique_id = number_of(value);
        }
        return;
    case PLACE_CHILD:
    case PLACE_CHILD_OLD:
    case PLACE_CHILD_NEW:
        if (child != NULL && value.size != 0) {
            read_child_key(child, key, value);
        }
        return;
    case PLACE_CHILDREN:
    case PLACE_ELSEWHERE:
        return;
    }
}

/* The wrapper section of a rekeying holds no keys of its own: it opens a child that old and new
 * replace, and a child without a number is taken out at the end. */
static bool open_section(struct vici_ike *ike, enum place place)
{
    if (place != PLACE_CHILD && place != PLACE_CHILD_OLD && place != PLACE_CHILD_NEW) {
        return true;
    }
    if (ike->child_count == VICI_CHILDREN_MAX) {
        return false;
    }
    ike->children[ike->child_count] = (struct vici_child){.is_old = place == PLACE_CHILD_OLD};
    ike->child_count++;
    return true;
}

static void drop_unnumbered(struct vici_ike *ike)
{
    size_t kept = 0;
    for (size_t i = 0; i < ike->child_count; i++) {
        if (ike->children[i].unique_id != 0) {
            ike->children[kept++] = ike->children[i];
        }
    }
    ike->child_count = kept;
}

/* ---- Elements ---- */

struct walk {
    struct vici_ike *ike;
    enum place places[VICI_DEPTH_MAX + 1];
    size_t depth;
    bool is_in_list;
};

static bool walk_section_start(struct walk *walk, struct byte_view name)
{
    if (walk->is_in_list || walk->depth == VICI_DEPTH_MAX) {
        return false;
    }
    enum place place = place_below(walk->places[walk->depth], name);
    if (!open_section(walk->ike, place)) {
        place = PLACE_ELSEWHERE;
    }
    walk->places[++walk->depth] = place;
    return true;
}

static bool walk_element(struct walk *walk, struct reader *reader)
{
    struct byte_view name;
    struct byte_view value;
    switch (reader_u8(reader)) {
    case VICI_SECTION_START:
        name = reader_view(reader, reader_u8(reader));
        return walk_section_start(walk, name);
    case VICI_SECTION_END:
        return !walk->is_in_list && walk->depth-- != 0;
    case VICI_KEY_VALUE:
        name = reader_view(reader, reader_u8(reader));
        value = reader_view(reader, reader_u16(reader));
        if (reader->failed || walk->is_in_list) {
            return false;
        }
        read_key(walk->ike, walk->places[walk->depth], name, value);
        return true;
    case VICI_LIST_START:
        (void)reader_view(reader, reader_u8(reader));
        if (walk->is_in_list) {
            return false;
        }
        walk->is_in_list = true;
        return true;
    case VICI_LIST_ITEM:
        (void)reader_view(reader, reader_u16(reader));
        return walk->is_in_list;
    case VICI_LIST_END:
        if (!walk->is_in_list) {
            return false;
        }
        walk->is_in_list = false;
        return true;
    default:
        return false;
    }
}

bool vici_message_parse(struct byte_view message, struct vici_ike *ike_out)
{
    struct reader reader = reader_of_view(message);
    struct walk walk = {.ike = ike_out, .places = {PLACE_TOP}};
    memset(ike_out, 0, sizeof *ike_out);
    while (reader_left(&reader) != 0) {
        if (!walk_element(&walk, &reader) || reader.failed) {
            return false;
        }
    }
    drop_unnumbered(ike_out);
    return walk.depth == 0 && !walk.is_in_list;
}
