/* OPEN and its capabilities (RFC 4271 4.2, 5492, 9072). */
#ifndef PROTO_OPEN_H
#define PROTO_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/afi_safi.h"
#include "proto/base/cursor.h"
#include "proto/wire_error.h"

enum capability_code {
    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_ROUTE_REFRESH = 2,
    CAPABILITY_EXTENDED_NEXT_HOP = 5,
    CAPABILITY_EXTENDED_MESSAGE = 6,
    CAPABILITY_ROLE = 9,
    CAPABILITY_GRACEFUL_RESTART = 64,
    CAPABILITY_AS4 = 65,
    CAPABILITY_ADD_PATH = 69,
    CAPABILITY_ENHANCED_REFRESH = 70,
    CAPABILITY_LONG_LIVED_GR = 71,
    CAPABILITY_FQDN = 73,
};

enum bgp_role {
    BGP_ROLE_PROVIDER = 0,
    BGP_ROLE_RS = 1,
    BGP_ROLE_RS_CLIENT = 2,
    BGP_ROLE_CUSTOMER = 3,
    BGP_ROLE_PEER = 4,
    BGP_ROLE_NONE = 255,
};

#define ADD_PATH_RECEIVE 1u
#define ADD_PATH_SEND    2u

struct capabilities {
    uint32_t families;          /* AFI_SAFI_BIT of each multiprotocol family */
    bool has_any_multiprotocol; /* also families we do not know */
    bool route_refresh;
    bool enhanced_refresh;
    bool extended_message;
    bool as4;
    uint32_t as4_asn;
    bool graceful_restart;
    bool restart_state;        /* R bit */
    bool restart_notification; /* N bit, RFC 8538 */
    uint16_t restart_time_s;
    uint32_t gr_families;   /* families with GR */
    uint32_t gr_forwarding; /* those with the F bit */
    bool long_lived_gr;
    uint32_t llgr_families;
    uint32_t llgr_forwarding;
    uint32_t llgr_stale_time_s[AFI_SAFI_COUNT];
    uint8_t add_path[AFI_SAFI_COUNT]; /* ADD_PATH_ bits as the sender of the OPEN states them */
    uint32_t extended_next_hop;       /* families whose NLRI may have an IPv6 next hop, RFC 8950 */
    uint8_t role;                     /* enum bgp_role */
    bool roles_differ;                /* several roles, not all the same (RFC 9234 4.2) */
    bool fqdn;
    char hostname[65];
    char domain_name[65];
};

struct open_message {
    uint32_t asn; /* from the AS4 capability when present, else the 2-octet field */
    uint16_t hold_time_s;
    uint32_t router_id; /* host order */
    struct capabilities capabilities;
    struct byte_view raw_capabilities; /* for `show`: the TLVs as received, view into body; empty
                                          when they were spread over several parameters */
};

/* RFC 4271 6.2 for all that needs no configuration: version, parameters, identifier 0, hold time 1
 * or 2, capability lengths, AS 0, roles that differ. Repeated and unknown ones are tolerated. */
struct wire_error open_decode(struct byte_view body, struct open_message *open_out);

/* Uses the extended form of RFC 9072 only when the capabilities need more than 255 octets. */
void open_encode(struct writer *writer, const struct open_message *open);

const char *capability_name(uint8_t code);

#endif
