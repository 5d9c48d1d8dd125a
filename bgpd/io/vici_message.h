/* strongSwan's VICI protocol: packets, elements, and what they say about IKE and CHILD SAs. Pure:
 * octets in, plain structs out; nothing is trusted. */
#ifndef BGPD_IO_VICI_MESSAGE_H
#define BGPD_IO_VICI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/cursor.h"
#include "proto/prefix.h"

/* A packet is a 32-bit length and that many octets: a type, for some types a name, a message. */
#define VICI_LENGTH_BYTES      4u
#define VICI_PACKET_BYTES_MAX  (512u << 10)
#define VICI_REQUEST_BYTES_MAX 600u
#define VICI_DEPTH_MAX         8u
#define VICI_NAME_BYTES        64u /* of a CHILD_SA; longer ones are cut and match nothing */
#define VICI_CHILDREN_MAX      64u /* per IKE_SA; the rest is left out */

enum vici_packet_type {
    VICI_CMD_REQUEST,
    VICI_CMD_RESPONSE,
    VICI_CMD_UNKNOWN,
    VICI_EVENT_REGISTER,
    VICI_EVENT_UNREGISTER,
    VICI_EVENT_CONFIRM,
    VICI_EVENT_UNKNOWN,
    VICI_EVENT,
    VICI_PACKET_TYPE_COUNT,
};

struct vici_packet {
    enum vici_packet_type type;
    struct byte_view name; /* of a command or event; empty when the type has none */
    struct byte_view message;
};

struct vici_child {
    uint32_t unique_id;
    char name[VICI_NAME_BYTES]; /* as configured, "all" */
    bool is_installed;          /* traffic can pass: INSTALLED, UPDATING, REKEYING, REKEYED */
    bool is_old;                /* of a rekeying: the one that leaves */
};

/* One IKE_SA of a message with its children. */
struct vici_ike {
    bool is_up; /* of an up/down event; charon leaves the key out for down */
    uint32_t unique_id;
    uint32_t old_unique_id; /* of a rekeying of the IKE_SA itself; else 0 */
    struct ip_addr local_host;
    struct ip_addr remote_host;
    struct vici_child children[VICI_CHILDREN_MAX];
    size_t child_count;
};

/* Reads one packet after its length. */
bool vici_packet_parse(struct byte_view octets, struct vici_packet *packet_out);
bool vici_packet_is(const struct vici_packet *packet, enum vici_packet_type type, const char *name);

/* Writes a whole packet of a named type, with one key=value as its message when key is not NULL.
 * 0 when it does not fit. */
size_t vici_packet_write(uint8_t *buffer, size_t size, enum vici_packet_type type, const char *name,
                         const char *key, const char *value);

/* Reads the message of list-sa, child-updown, ike-updown, child-rekey and ike-rekey; the last
 * IKE_SA counts if there are several (charon sends one). False when malformed. */
bool vici_message_parse(struct byte_view message, struct vici_ike *ike_out);

#endif
