/* The associations that matter to one tunnel, and whether they make it alive. Pure. */
#ifndef BGPD_IO_XFRM_TABLE_H
#define BGPD_IO_XFRM_TABLE_H

#include "bgpd/io/xfrm_message.h"

#define XFRM_TABLE_SAS_MAX 256u /* more than that cannot be rekeyings of one tunnel */

/* Which associations are the tunnel's. */
struct xfrm_match {
    uint32_t if_id;        /* 0: the endpoints decide */
    struct ip_addr local;  /* IP_NONE: any */
    struct ip_addr remote; /* IP_NONE: any; then if_id must be given */
};

struct xfrm_table_entry {
    struct xfrm_sa sa;
    bool is_inbound;
    bool is_seen; /* in the account under way */
};

struct xfrm_table {
    struct xfrm_match match;
    struct xfrm_table_entry entries[XFRM_TABLE_SAS_MAX];
    uint32_t count;
};

enum xfrm_verdict {
    XFRM_NEITHER,
    XFRM_INBOUND_ONLY,
    XFRM_OUTBOUND_ONLY,
    XFRM_BOTH,
};

void xfrm_table_init(struct xfrm_table *table, const struct xfrm_match *match);
void xfrm_table_apply(struct xfrm_table *table, const struct xfrm_change *change);

/* Around an account of everything: what it does not mention is gone at its end. */
void xfrm_table_dump_begin(struct xfrm_table *table);
void xfrm_table_dump_end(struct xfrm_table *table);

/* Alive is both: one direction alone means half a tunnel (RFC 4301 4.1). */
enum xfrm_verdict xfrm_table_verdict(const struct xfrm_table *table);

#endif
