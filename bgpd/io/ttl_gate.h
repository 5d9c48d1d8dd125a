/* GTSM (RFC 5082) on a listening socket: packets of guarded peers that have come too far are
 * dropped by the kernel before they are a connection of anybody's. IP_MINTTL cannot do that, since
 * a listener has one value for all peers. */
#ifndef BGPD_IO_TTL_GATE_H
#define BGPD_IO_TTL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/prefix.h"

struct ttl_gate {
    struct prefix peer;
    uint8_t ttl_min;
};

/* The longest prefix comes first, and counts. */
struct ttl_gates {
    struct ttl_gate *items;
    uint32_t count;
};

/* Stores or replaces; ttl_min 0 removes. */
void ttl_gates_put(struct ttl_gates *gates, const struct prefix *peer, uint8_t ttl_min);
void ttl_gates_fini(struct ttl_gates *gates);

/* Puts the gates of the family on fd, or takes them off when there are none. False with errno set;
 * E2BIG when there are more than the kernel takes: as many as fit are in force then. */
bool ttl_gates_attach(const struct ttl_gates *gates, int fd, uint8_t family);

/* Takes what an accepted socket has inherited off again. */
void ttl_gates_detach(int fd);

#endif
