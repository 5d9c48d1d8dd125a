/* The kernel's account of its security associations: XFRM netlink messages to plain structs. No
 * sockets. Keys, which such messages carry as well, are passed over. */
#ifndef BGPD_IO_XFRM_MESSAGE_H
#define BGPD_IO_XFRM_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/prefix.h"

/* An ESP association, one direction. The kernel tells them apart by destination and SPI. */
struct xfrm_sa {
    struct ip_addr source;
    struct ip_addr destination;
    uint32_t spi;
    uint32_t if_id;
};

enum xfrm_change_kind {
    XFRM_SA_PUT,
    XFRM_SA_REMOVED,
    XFRM_SA_ALL_REMOVED,
};

struct xfrm_change {
    enum xfrm_change_kind kind;
    struct xfrm_sa sa; /* unless all were removed; of a removed one only destination and SPI */
};

/* False for what is malformed or no change to an ESP association that packets can use: other
 * protocols, soft expiry, an association that is still being negotiated. */
bool xfrm_message_parse(const struct nlmsghdr *message, struct xfrm_change *change_out);

/* A policy: what it takes and what it does with it. */
struct xfrm_policy {
    struct prefix source; /* of the selector */
    struct prefix destination;
    uint32_t priority; /* lower goes first */
    uint32_t if_id;
    bool is_outbound;
    bool is_block;
    bool is_bypass;        /* lets it pass without a required template */
    struct ip_addr remote; /* of the first template in tunnel mode; IP_NONE: none */
};

/* False for other messages, malformed ones, and policies that want a port, a protocol or a mark:
 * they do not take a whole destination. */
bool xfrm_message_parse_policy(const struct nlmsghdr *message, struct xfrm_policy *policy_out);

#define XFRM_DUMP_REQUEST_BYTES 64u

/* Writes the request for a dump to an aligned buffer of XFRM_DUMP_REQUEST_BYTES; its length. */
size_t xfrm_message_dump_request(uint8_t *buffer, uint32_t sequence);

#endif
