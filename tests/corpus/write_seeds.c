/* Writes the seeds of the fuzz targets of proto/ with our own encoders: tests/corpus/TARGET/NAME.
 * Run by `make corpus` when the formats change; the files are checked in, as are the seeds of the
 * other rooms, which were recorded or written by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/bfd_packet.h"
#include "proto/message.h"
#include "proto/open.h"
#include "proto/update.h"

#define V4   AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST)
#define V6   AFI_SAFI_BIT(AFI_SAFI_IPV6_UNICAST)
#define BOTH (V4 | V6)

static void save(const char *target, const char *name, const uint8_t *head, size_t head_bytes,
                 const uint8_t *data, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "tests/corpus/%s/%s", target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(head, 1, head_bytes, file) != head_bytes ||
        fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "%s: cannot be written\n", path);
        exit(EXIT_FAILURE);
    }
}

static struct ip_addr address(const char *text)
{
    struct ip_addr addr;
    return ip_parse(text, &addr) == STATUS_OK ? addr : (struct ip_addr){.family = IP_NONE};
}

static struct nlri nlri_of(const char *text, uint32_t path_id)
{
    struct nlri nlri = {.path_id = path_id};
    return prefix_parse(text, &nlri.prefix) == STATUS_OK ? nlri : (struct nlri){.path_id = 0};
}

/* The head octets that update_fuzz reads the options from. */
static void save_update(const char *name, const struct update_options *options,
                        const struct writer *writer)
{
    uint8_t head[3] = {
        (uint8_t)((options->as4 ? 1 : 0) | (options->is_ebgp ? 2 : 0) |
                  (options->is_confed_member ? 4 : 0) | options->families << 4 |
                  options->add_path_receive << 6),
        (uint8_t)(options->extended_next_hop != 0 ? 1 : 0),
        0,
    };
    save("update", name, head, sizeof head, writer->start + BGP_HEADER_BYTES,
         writer_size(writer) - BGP_HEADER_BYTES);
}

static void write_update(const char *name, const struct update_options *options,
                         enum afi_safi family, const struct path_attrs *attrs)
{
    uint8_t out[BGP_MESSAGE_BYTES_MAX];
    struct writer writer = writer_of(out, sizeof out);
    struct update_builder builder;
    bool is_v6 = family == AFI_SAFI_IPV6_UNICAST;
    if (update_begin(&builder, &writer, options, family, attrs) != STATUS_OK) {
        fprintf(stderr, "%s: cannot be encoded\n", name);
        exit(EXIT_FAILURE);
    }
    struct nlri first = nlri_of(is_v6 ? "2001:db8::/32" : "10.51.230.0/23", 1);
    struct nlri second = nlri_of(is_v6 ? "::/0" : "192.0.2.1/32", 2);
    (void)update_add(&builder, &first);
    (void)update_add(&builder, &second);
    (void)update_finish(&builder, &writer);
    save_update(name, options, &writer);
}

/* Every attribute there is. */
static struct path_attrs full_attrs(struct arena *arena)
{
    static const uint32_t asns[] = {12076, 4200000001u, 65515};
    static const uint8_t communities[] = {0, 1, 0, 2, 0xff, 0xff, 0xff, 1};
    static const uint8_t ext[] = {0, 2, 0xfd, 0xe9, 0, 0, 0, 100};
    static const uint8_t large[] = {0, 0, 0xfd, 0xe9, 0, 0, 0, 1, 0, 0, 0, 2};
    static const uint8_t ipv6_ext[20] = {0, 2, 0x20, 1, 0x0d, 0xb8};
    static const uint8_t clusters[] = {1, 1, 1, 1, 2, 2, 2, 2};
    static const uint8_t unknown[] = {0xe0, 99, 2, 0xab, 0xcd, 0xf0, 200, 0, 1, 7};
    struct path_attrs attrs = {
        .as_path = as_path_from_asns(arena, asns, 3),
        .communities = {communities, sizeof communities},
        .ext_communities = {ext, sizeof ext},
        .large_communities = {large, sizeof large},
        .ipv6_ext_communities = {ipv6_ext, sizeof ipv6_ext},
        .cluster_list = {clusters, sizeof clusters},
        .unknown = {unknown, sizeof unknown},
        .next_hop = address("192.0.2.1"),
        .med = 50,
        .local_pref = 200,
        .aggregator_asn = 4200000002u,
        .aggregator_id = 0x0a000001,
        .originator_id = 0x01020304,
        .otc_asn = 65001,
        .origin = BGP_ORIGIN_INCOMPLETE,
    };
    static const enum path_attr_type types[] = {
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
        PATH_ATTR_LARGE_COMMUNITIES,
        PATH_ATTR_OTC,
        PATH_ATTR_IPV6_EXT_COMMUNITIES,
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        path_attrs_set(&attrs, types[i]);
    }
    return attrs;
}

static void write_updates(void)
{
    static const uint8_t confed[] = {3,    1, 0, 0, 0xfd, 0xe8, 2, 1, 0, 0, 0xfd,
                                     0xe9, 1, 2, 0, 0,    0,    1, 0, 0, 0, 2};
    struct arena arena;
    arena_init(&arena);
    struct path_attrs attrs = full_attrs(&arena);
    struct update_options options = {
        .as4 = true, .families = BOTH, .message_bytes_max = BGP_MESSAGE_BYTES_MAX};
    write_update("ipv4-all-attributes", &options, AFI_SAFI_IPV4_UNICAST, &attrs);
    write_update("ipv4-withdraw", &options, AFI_SAFI_IPV4_UNICAST, NULL);
    write_update("ipv6-withdraw", &options, AFI_SAFI_IPV6_UNICAST, NULL);
    options.as4 = false;
    write_update("ipv4-as-trans", &options, AFI_SAFI_IPV4_UNICAST, &attrs);
    options.as4 = true;
    options.add_path_receive = BOTH;
    options.add_path_send = BOTH;
    write_update("ipv4-add-path", &options, AFI_SAFI_IPV4_UNICAST, &attrs);
    attrs.next_hop = address("2001:db8::1");
    attrs.next_hop_link_local = address("fe80::1");
    write_update("ipv6-add-path-link-local", &options, AFI_SAFI_IPV6_UNICAST, &attrs);
    options.add_path_receive = 0;
    options.add_path_send = 0;
    options.extended_next_hop = V4;
    write_update("ipv4-over-ipv6-next-hop", &options, AFI_SAFI_IPV4_UNICAST, &attrs);
    options.is_confed_member = true;
    attrs.as_path = (struct byte_view){confed, sizeof confed};
    write_update("ipv6-confederation", &options, AFI_SAFI_IPV6_UNICAST, &attrs);
    options.is_confed_member = false;
    options.is_ebgp = true;
    write_update("ipv6-ebgp-discards", &options, AFI_SAFI_IPV6_UNICAST, &attrs);
    for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
        uint8_t out[64];
        struct writer writer = writer_of(out, sizeof out);
        end_of_rib_encode(&writer, (enum afi_safi)family);
        save_update(family == 0 ? "ipv4-end-of-rib" : "ipv6-end-of-rib", &options, &writer);
    }
    arena_fini(&arena);
}

static void write_opens(void)
{
    static uint8_t out[BGP_MESSAGE_BYTES_MAX];
    struct open_message open = {
        .asn = 65001, .hold_time_s = 180, .router_id = 0xc0a8ff01, .capabilities.role = 255};
    struct writer writer = writer_of(out, sizeof out);
    open_encode(&writer, &open);
    save("open", "plain", NULL, 0, out + BGP_HEADER_BYTES, writer_size(&writer) - BGP_HEADER_BYTES);
    open.asn = 4200000001u;
    open.capabilities = (struct capabilities){
        .families = BOTH,
        .route_refresh = true,
        .enhanced_refresh = true,
        .extended_message = true,
        .as4 = true,
        .graceful_restart = true,
        .restart_notification = true,
        .restart_time_s = 120,
        .gr_families = BOTH,
        .gr_forwarding = V4,
        .long_lived_gr = true,
        .llgr_families = BOTH,
        .llgr_stale_time_s = {3600, 86400},
        .add_path = {ADD_PATH_RECEIVE, ADD_PATH_RECEIVE | ADD_PATH_SEND},
        .extended_next_hop = V4,
        .role = BGP_ROLE_CUSTOMER,
        .fqdn = true,
        .hostname = "ce1",
        .domain_name = "example.net",
    };
    writer = writer_of(out, sizeof out);
    open_encode(&writer, &open);
    const uint8_t *body = out + BGP_HEADER_BYTES;
    size_t size = writer_size(&writer) - BGP_HEADER_BYTES;
    save("open", "every-capability", NULL, 0, body, size);

    /* RFC 9072: the same capabilities in the extended form. */
    uint8_t extended[BGP_MESSAGE_BYTES_MAX];
    size_t list_bytes = size - 12;
    struct writer again = writer_of(extended, sizeof extended);
    writer_bytes(&again, body, 9);
    writer_u16(&again, 0xffff);
    writer_u16(&again, (uint16_t)(list_bytes + 3));
    writer_u8(&again, 2);
    writer_u16(&again, (uint16_t)list_bytes);
    writer_bytes(&again, body + 12, list_bytes);
    save("open", "extended-parameters", NULL, 0, extended, writer_size(&again));
}

static void write_messages(void)
{
    static uint8_t out[BGP_MESSAGE_BYTES_MAX];
    static const uint8_t heads[] = {0x40, 0x85};
    struct writer writer = writer_of(out, sizeof out);
    struct route_refresh refresh = {AFI_SAFI_IPV6_UNICAST, ROUTE_REFRESH_BEGIN};
    uint8_t text[64];
    struct writer text_writer = writer_of(text, sizeof text);
    shutdown_message_write(&text_writer, "maintenance, back at 22:00 \xe2\x9c\x93");
    struct notification notification = {
        NOTIFICATION_CEASE, CEASE_ADMIN_SHUTDOWN, {text, writer_size(&text_writer)}};
    keepalive_encode(&writer);
    route_refresh_encode(&writer, &refresh);
    end_of_rib_encode(&writer, AFI_SAFI_IPV6_UNICAST);
    notification_encode(&writer, &notification);
    save("message", "stream", &heads[0], 1, out, writer_size(&writer));
    save("message", "stream-extended", &heads[1], 1, out, writer_size(&writer));
    writer = writer_of(out, sizeof out);
    notification_encode(&writer, &notification);
    save("notification", "shutdown-text", NULL, 0, out + BGP_HEADER_BYTES,
         writer_size(&writer) - BGP_HEADER_BYTES);
    static const uint8_t hold_timer[] = {4, 0};
    save("notification", "hold-timer", NULL, 0, hold_timer, sizeof hold_timer);
}

static void write_texts(void)
{
    static const struct {
        const char *name;
        const char *text;
    } texts[] = {
        {"ipv4-prefix", "10.51.230.0/23"},
        {"ipv6-prefix", "2001:db8:0:1::/64"},
        {"ipv6-gap-in-the-middle", "fe80::1:0:0:2"},
        {"ipv6-mapped", "::ffff:192.0.2.1"},
        {"ipv6-all", "1:2:3:4:5:6:7:8"},
        {"community", "65001:100"},
        {"community-name", "no-export"},
        {"route-target-as", "rt 65001:100"},
        {"route-target-as4", "rt 4200000001:100"},
        {"route-target-address", "soo 192.0.2.1:100"},
        {"extended-hex", "0x020300000000000a"},
        {"large-community", "4200000001:1:2"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        save("text", texts[i].name, NULL, 0, (const uint8_t *)texts[i].text, strlen(texts[i].text));
    }
}

static void save_bfd(const char *name, const struct bfd_packet *packet)
{
    uint8_t out[BFD_PACKET_BYTES_MAX];
    struct writer writer = writer_of(out, sizeof out);
    bfd_packet_encode(&writer, packet);
    save("bfd", name, NULL, 0, out, writer_size(&writer));
}

static void write_bfd(void)
{
    struct bfd_packet packet = {
        .state = BFD_DOWN,
        .diagnostic = BFD_DIAG_TIME_EXPIRED,
        .detect_multiplier = 3,
        .my_discriminator = 0x12345678,
        .desired_min_tx_us = 1000000,
        .required_min_rx_us = 300000,
    };
    save_bfd("first-down", &packet);
    packet.state = BFD_UP;
    packet.diagnostic = BFD_DIAG_NONE;
    packet.your_discriminator = 0x9abcdef0;
    packet.desired_min_tx_us = 300000;
    packet.poll = true;
    save_bfd("up-poll", &packet);
    packet.poll = false;
    packet.final = true;
    packet.demand = true;
    packet.control_plane_independent = true;
    save_bfd("up-final-demand", &packet);
    packet.has_auth = true;
    packet.auth = (struct bfd_auth){
        .type = BFD_AUTH_SIMPLE, .key_id = 1, .secret_bytes = 6, .secret = "seaway"};
    save_bfd("simple-password", &packet);
    packet.auth = (struct bfd_auth){
        .type = BFD_AUTH_KEYED_MD5, .key_id = 2, .sequence = 77, .secret_bytes = 16};
    save_bfd("keyed-md5", &packet);
    packet.auth = (struct bfd_auth){
        .type = BFD_AUTH_METICULOUS_SHA1, .key_id = 3, .sequence = UINT32_MAX, .secret_bytes = 20};
    save_bfd("meticulous-sha1", &packet);
}

int main(void)
{
    write_bfd();
    write_updates();
    write_opens();
    write_messages();
    write_texts();
    return EXIT_SUCCESS;
}
