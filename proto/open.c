#include "proto/open.h"

#include <string.h>

#include "proto/as_path.h"
#include "proto/base/assert.h"
#include "proto/message.h"

#define BGP_VERSION            4u
#define PARAMETER_CAPABILITIES 2u
#define PARAMETER_EXTENDED     255u
#define CAPABILITIES_BYTES_MAX 1024u

static struct wire_error open_error(uint8_t subcode, struct byte_view data, const char *what)
{
    return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                               .code = NOTIFICATION_OPEN,
                               .subcode = subcode,
                               .data = data,
                               .what = what};
}

static struct wire_error malformed(const char *what)
{
    return open_error(0, (struct byte_view){NULL, 0}, what);
}

static void read_graceful_restart(struct reader *reader, struct capabilities *capabilities)
{
    uint16_t head = reader_u16(reader);
    capabilities->graceful_restart = true;
    capabilities->restart_state = (head & 0x8000) != 0;
    capabilities->restart_notification = (head & 0x4000) != 0;
    capabilities->restart_time_s = head & 0x0fff;
    capabilities->gr_families = 0;
    capabilities->gr_forwarding = 0;
    while (!reader->failed && reader_left(reader) >= 4) {
        uint16_t afi = reader_u16(reader);
        uint8_t safi = reader_u8(reader);
        uint8_t flags = reader_u8(reader);
        enum afi_safi family = afi_safi_from_wire(afi, safi);
        if (family != AFI_SAFI_NONE) {
            capabilities->gr_families |= AFI_SAFI_BIT(family);
            capabilities->gr_forwarding |= (flags & 0x80) != 0 ? AFI_SAFI_BIT(family) : 0;
        }
    }
}

static void read_long_lived(struct reader *reader, struct capabilities *capabilities)
{
    capabilities->long_lived_gr = true;
    while (!reader->failed && reader_left(reader) >= 7) {
        uint16_t afi = reader_u16(reader);
        uint8_t safi = reader_u8(reader);
        uint8_t flags = reader_u8(reader);
        uint32_t stale_s = (uint32_t)reader_u8(reader) << 16;
        stale_s |= reader_u16(reader);
        enum afi_safi family = afi_safi_from_wire(afi, safi);
        if (family != AFI_SAFI_NONE) {
            capabilities->llgr_families |= AFI_SAFI_BIT(family);
            capabilities->llgr_forwarding |= (flags & 0x80) != 0 ? AFI_SAFI_BIT(family) : 0;
            capabilities->llgr_stale_time_s[family] = stale_s;
        }
    }
}

static void read_add_path(struct reader *reader, struct capabilities *capabilities)
{
    while (!reader->failed && reader_left(reader) >= 4) {
        uint16_t afi = reader_u16(reader);
        uint8_t safi = reader_u8(reader);
        uint8_t mode = reader_u8(reader);
        enum afi_safi family = afi_safi_from_wire(afi, safi);
        if (family != AFI_SAFI_NONE && mode >= 1 && mode <= 3) { /* RFC 7911 4: others ignored */
            capabilities->add_path[family] = mode;
        }
    }
}

static void read_extended_next_hop(struct reader *reader, struct capabilities *capabilities)
{
    while (!reader->failed && reader_left(reader) >= 6) {
        uint16_t afi = reader_u16(reader);
        uint16_t safi = reader_u16(reader);
        uint16_t next_hop_afi = reader_u16(reader);
        if (afi == AFI_IPV4 && safi == SAFI_UNICAST && next_hop_afi == AFI_IPV6) {
            capabilities->extended_next_hop |= AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST);
        }
    }
}

static void read_role(struct reader *reader, struct capabilities *capabilities)
{
    uint8_t role = reader_u8(reader);
    capabilities->roles_differ |= capabilities->role != BGP_ROLE_NONE && capabilities->role != role;
    capabilities->role = role;
}

/* One octet of length, then that much printable text; cut to what fits. */
static void read_name(struct reader *reader, char *out, size_t size)
{
    struct byte_view name = reader_view(reader, reader_u8(reader));
    size_t length = name.size < size - 1 ? name.size : size - 1;
    for (size_t i = 0; i < length; i++) {
        out[i] = (char)(name.data[i] < 0x21 || name.data[i] > 0x7e ? '?' : name.data[i]);
    }
    out[length] = 0;
}

/* False when the capability's own length is wrong. Unknown ones are tolerated (RFC 5492). */
static bool read_capability(uint8_t code, struct reader reader, struct capabilities *capabilities)
{
    enum afi_safi family;
    uint16_t afi;
    switch (code) {
    case CAPABILITY_MULTIPROTOCOL:
        afi = reader_u16(&reader);
        reader_u8(&reader);
        family = afi_safi_from_wire(afi, reader_u8(&reader));
        capabilities->has_any_multiprotocol = true;
        capabilities->families |= family != AFI_SAFI_NONE ? AFI_SAFI_BIT(family) : 0;
        break;
    case CAPABILITY_ROUTE_REFRESH:
        capabilities->route_refresh = true;
        return true; /* A flag is a flag, whatever follows it. */
    case CAPABILITY_ENHANCED_REFRESH:
        capabilities->enhanced_refresh = true;
        return true;
    case CAPABILITY_EXTENDED_MESSAGE:
        capabilities->extended_message = true;
        return true;
    case CAPABILITY_EXTENDED_NEXT_HOP:
        read_extended_next_hop(&reader, capabilities);
        break;
    case CAPABILITY_ROLE:
        read_role(&reader, capabilities);
        break;
    case CAPABILITY_AS4:
        capabilities->as4 = true;
        capabilities->as4_asn = reader_u32(&reader);
        break;
    case CAPABILITY_GRACEFUL_RESTART:
        read_graceful_restart(&reader, capabilities);
        break;
    case CAPABILITY_LONG_LIVED_GR:
        read_long_lived(&reader, capabilities);
        break;
    case CAPABILITY_ADD_PATH:
        read_add_path(&reader, capabilities);
        break;
    case CAPABILITY_FQDN:
        capabilities->fqdn = true;
        read_name(&reader, capabilities->hostname, sizeof capabilities->hostname);
        read_name(&reader, capabilities->domain_name, sizeof capabilities->domain_name);
        return true; /* Only a name: a broken one is no reason to refuse a session. */
    default:
        return true;
    }
    return !reader.failed && reader_left(&reader) == 0;
}

static bool read_capabilities(struct reader reader, struct capabilities *capabilities)
{
    while (!reader.failed && reader_left(&reader) != 0) {
        uint8_t code = reader_u8(&reader);
        uint8_t size = reader_u8(&reader);
        struct reader value = reader_sub(&reader, size);
        if (reader.failed || !read_capability(code, value, capabilities)) {
            return false;
        }
    }
    return !reader.failed;
}

static struct wire_error read_parameters(struct reader reader, bool is_extended,
                                         struct open_message *open)
{
    unsigned capability_parameters = 0;
    while (reader_left(&reader) != 0) {
        uint8_t type = reader_u8(&reader);
        size_t size = is_extended ? reader_u16(&reader) : reader_u8(&reader);
        struct reader value = reader_sub(&reader, size);
        if (reader.failed) {
            return malformed("optional parameter is longer than the message");
        }
        if (type != PARAMETER_CAPABILITIES) {
            return open_error(4, (struct byte_view){NULL, 0}, "optional parameter type is unknown");
        }
        open->raw_capabilities = (struct byte_view){value.at, size};
        capability_parameters++;
        if (!read_capabilities(value, &open->capabilities)) {
            return malformed("capability is malformed");
        }
    }
    if (capability_parameters != 1) {
        open->raw_capabilities = (struct byte_view){NULL, 0};
    }
    return WIRE_NO_ERROR;
}

/* RFC 9072 2: a first parameter of type 255 announces 2-octet lengths; the one-octet length is to
 * be ignored then, whatever it says, unless it says that there are no parameters. */
static struct wire_error read_all_parameters(struct reader *reader, struct open_message *open)
{
    size_t size = reader_u8(reader);
    bool is_extended = size != 0 && reader_left(reader) != 0 && reader->at[0] == PARAMETER_EXTENDED;
    if (is_extended) {
        reader_u8(reader);
        size = reader_u16(reader);
    }
    struct reader parameters = reader_sub(reader, size);
    if (reader->failed || reader_left(reader) != 0) {
        return malformed("optional parameters do not fill the message");
    }
    return read_parameters(parameters, is_extended, open);
}

struct wire_error open_decode(struct byte_view body, struct open_message *open_out)
{
    static const uint8_t our_version[2] = {0, BGP_VERSION};
    struct reader reader = reader_of_view(body);
    memset(open_out, 0, sizeof *open_out);
    open_out->capabilities.role = BGP_ROLE_NONE;
    uint8_t version = reader_u8(&reader);
    open_out->asn = reader_u16(&reader);
    open_out->hold_time_s = reader_u16(&reader);
    open_out->router_id = reader_u32(&reader);
    if (reader.failed) {
        return malformed("OPEN is too short");
    }
    if (version != BGP_VERSION) {
        return open_error(1, (struct byte_view){our_version, 2}, "version is not 4");
    }
    struct wire_error error = read_all_parameters(&reader, open_out);
    if (error.disposition != WIRE_ACCEPT) {
        return error;
    }
    if (open_out->capabilities.roles_differ) {
        return open_error(11, (struct byte_view){NULL, 0}, "roles differ from each other");
    }
    if (open_out->capabilities.as4) {
        open_out->asn = open_out->capabilities.as4_asn;
    }
    if (open_out->asn == 0) {
        return open_error(2, (struct byte_view){NULL, 0}, "AS number is 0");
    }
    if (open_out->router_id == 0) {
        return open_error(3, (struct byte_view){NULL, 0}, "BGP identifier is 0");
    }
    if (open_out->hold_time_s == 1 || open_out->hold_time_s == 2) {
        return open_error(6, (struct byte_view){NULL, 0}, "hold time is 1 or 2 seconds");
    }
    return WIRE_NO_ERROR;
}

/* ---- Writing ---- */

static void put_head(struct writer *writer, uint8_t code, uint8_t size)
{
    writer_u8(writer, code);
    writer_u8(writer, size);
}

static void put_family(struct writer *writer, enum afi_safi family)
{
    writer_u16(writer, afi_safi_afi(family));
    writer_u8(writer, SAFI_UNICAST);
}

static uint8_t family_count(uint32_t families)
{
    return (uint8_t)__builtin_popcount(families);
}

static void put_graceful_restart(struct writer *writer, const struct capabilities *capabilities)
{
    put_head(writer, CAPABILITY_GRACEFUL_RESTART,
             (uint8_t)(2 + 4 * family_count(capabilities->gr_families)));
    writer_u16(writer, (uint16_t)((capabilities->restart_state ? 0x8000 : 0) |
                                  (capabilities->restart_notification ? 0x4000 : 0) |
                                  (capabilities->restart_time_s & 0x0fff)));
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if ((capabilities->gr_families & AFI_SAFI_BIT(family)) != 0) {
            put_family(writer, (enum afi_safi)family);
            writer_u8(writer, (capabilities->gr_forwarding & AFI_SAFI_BIT(family)) != 0 ? 0x80 : 0);
        }
    }
}

static void put_long_lived(struct writer *writer, const struct capabilities *capabilities)
{
    put_head(writer, CAPABILITY_LONG_LIVED_GR,
             (uint8_t)(7 * family_count(capabilities->llgr_families)));
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if ((capabilities->llgr_families & AFI_SAFI_BIT(family)) != 0) {
            uint32_t stale_s = capabilities->llgr_stale_time_s[family];
            put_family(writer, (enum afi_safi)family);
            writer_u8(writer,
                      (capabilities->llgr_forwarding & AFI_SAFI_BIT(family)) != 0 ? 0x80 : 0);
            writer_u8(writer, (uint8_t)(stale_s >> 16));
            writer_u16(writer, (uint16_t)stale_s);
        }
    }
}

static void put_per_family(struct writer *writer, const struct capabilities *capabilities)
{
    unsigned add_path_count = 0;
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        if ((capabilities->families & AFI_SAFI_BIT(family)) != 0) {
            put_head(writer, CAPABILITY_MULTIPROTOCOL, 4);
            writer_u16(writer, afi_safi_afi((enum afi_safi)family));
            writer_u8(writer, 0);
            writer_u8(writer, SAFI_UNICAST);
        }
        add_path_count += capabilities->add_path[family] != 0;
    }
    if (add_path_count != 0) {
        put_head(writer, CAPABILITY_ADD_PATH, (uint8_t)(4 * add_path_count));
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            if (capabilities->add_path[family] != 0) {
                put_family(writer, (enum afi_safi)family);
                writer_u8(writer, capabilities->add_path[family]);
            }
        }
    }
    if ((capabilities->extended_next_hop & AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)) != 0) {
        put_head(writer, CAPABILITY_EXTENDED_NEXT_HOP, 6);
        writer_u16(writer, AFI_IPV4);
        writer_u16(writer, SAFI_UNICAST);
        writer_u16(writer, AFI_IPV6);
    }
}

static void put_fqdn(struct writer *writer, const struct capabilities *capabilities)
{
    size_t host = strlen(capabilities->hostname);
    size_t domain = strlen(capabilities->domain_name);
    put_head(writer, CAPABILITY_FQDN, (uint8_t)(2 + host + domain));
    writer_u8(writer, (uint8_t)host);
    writer_bytes(writer, capabilities->hostname, host);
    writer_u8(writer, (uint8_t)domain);
    writer_bytes(writer, capabilities->domain_name, domain);
}

static void put_capabilities(struct writer *writer, const struct open_message *open)
{
    const struct capabilities *capabilities = &open->capabilities;
    put_per_family(writer, capabilities);
    if (capabilities->route_refresh) {
        put_head(writer, CAPABILITY_ROUTE_REFRESH, 0);
    }
    if (capabilities->enhanced_refresh) {
        put_head(writer, CAPABILITY_ENHANCED_REFRESH, 0);
    }
    if (capabilities->extended_message) {
        put_head(writer, CAPABILITY_EXTENDED_MESSAGE, 0);
    }
    if (capabilities->as4) {
        put_head(writer, CAPABILITY_AS4, 4);
        writer_u32(writer, open->asn);
    }
    if (capabilities->role != BGP_ROLE_NONE) {
        put_head(writer, CAPABILITY_ROLE, 1);
        writer_u8(writer, capabilities->role);
    }
    if (capabilities->graceful_restart) {
        put_graceful_restart(writer, capabilities);
    }
    if (capabilities->long_lived_gr) {
        put_long_lived(writer, capabilities);
    }
    if (capabilities->fqdn) {
        put_fqdn(writer, capabilities);
    }
}

void open_encode(struct writer *writer, const struct open_message *open)
{
    uint8_t octets[CAPABILITIES_BYTES_MAX];
    struct writer list = writer_of(octets, sizeof octets);
    size_t start = writer_size(writer);
    put_capabilities(&list, open);
    ASSERT(!list.failed);
    size_t size = writer_size(&list);
    message_begin(writer, MESSAGE_OPEN);
    writer_u8(writer, BGP_VERSION);
    writer_u16(writer, (uint16_t)(open->asn > UINT16_MAX ? ASN_TRANS : open->asn));
    writer_u16(writer, open->hold_time_s);
    writer_u32(writer, open->router_id);
    if (size == 0) {
        writer_u8(writer, 0);
    } else if (size + 2 <= 254) {
        writer_u8(writer, (uint8_t)(size + 2));
        put_head(writer, PARAMETER_CAPABILITIES, (uint8_t)size);
    } else {
        writer_u8(writer, 255);
        writer_u8(writer, PARAMETER_EXTENDED);
        writer_u16(writer, (uint16_t)(size + 3));
        writer_u8(writer, PARAMETER_CAPABILITIES);
        writer_u16(writer, (uint16_t)size);
    }
    writer_bytes(writer, octets, size);
    message_end(writer, start);
}

const char *capability_name(uint8_t code)
{
    switch (code) {
    case CAPABILITY_MULTIPROTOCOL:
        return "multiprotocol";
    case CAPABILITY_ROUTE_REFRESH:
        return "route refresh";
    case CAPABILITY_EXTENDED_NEXT_HOP:
        return "extended next hop";
    case CAPABILITY_EXTENDED_MESSAGE:
        return "extended message";
    case CAPABILITY_ROLE:
        return "role";
    case CAPABILITY_GRACEFUL_RESTART:
        return "graceful restart";
    case CAPABILITY_AS4:
        return "4-octet AS";
    case CAPABILITY_ADD_PATH:
        return "add-path";
    case CAPABILITY_ENHANCED_REFRESH:
        return "enhanced route refresh";
    case CAPABILITY_LONG_LIVED_GR:
        return "long-lived graceful restart";
    case CAPABILITY_FQDN:
        return "host name";
    default:
        return "unknown";
    }
}
