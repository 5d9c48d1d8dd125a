/* The judgement on one packet's way: the io asks the kernel, the core knows what interfaces,
 * tunnels and protection mean. Changes nothing. */
#ifndef BGPD_CORE_VERIFY_H
#define BGPD_CORE_VERIFY_H

#include "bgpd/core/snapshot.h"

/* One way the kernel may choose for the packet. */
struct kernel_hop {
    struct fib_leg leg;
    bool is_chosen; /* by the kernel, for exactly this packet */
};

/* An outbound XFRM policy whose selector takes the packet, best first. */
struct kernel_xfrm_policy {
    uint32_t if_id; /* 0: packets of every interface but the XFRM ones */
    uint32_t priority;
    bool is_block;
    bool is_bypass;           /* allows it without a template */
    struct ip_addr remote;    /* of the template; IP_NONE: the packet's own */
    uint32_t outbound_sa_spi; /* of an association that fits the template; 0: there is none */
};

#define KERNEL_XFRM_POLICIES_MAX 16u

enum kernel_xfrm_answer {
    KERNEL_XFRM_ABSENT, /* not in this kernel */
    KERNEL_XFRM_FAILED, /* it did not tell: xfrm_error */
    KERNEL_XFRM_READ,
};

/* What the kernel answered, filled by bgpd/io/kernel_query.h. */
struct kernel_path {
    struct ip_addr destination;
    struct ip_addr source; /* asked for, or the one the kernel would take; IP_NONE: unknown */
    int error;             /* of the question itself: errno; the rest is then empty */
    int route_error;       /* no way: what the sender would get (ENETUNREACH, EHOSTUNREACH, ...) */
    bool is_local;         /* the destination is an address of ours */
    bool has_route;        /* route says what matched: prefix, metric, protocol, type */
    struct fib_route route;
    uint8_t hop_count;
    struct kernel_hop hops[FIB_LEGS_MAX];
    enum kernel_xfrm_answer xfrm;
    int xfrm_error;
    uint8_t policy_count;
    struct kernel_xfrm_policy policies[KERNEL_XFRM_POLICIES_MAX];
};

enum verify_verdict {
    VERIFY_PROTECTED, /* every way meets what the destination requires */
    VERIFY_ENCRYPTED, /* nothing requires it, but every way is protected */
    VERIFY_CLEAR,     /* in the clear, and nothing requires otherwise */
    VERIFY_BLOCKED,   /* it goes nowhere */
    VERIFY_LOCAL,     /* it stays here */
    VERIFY_ENDPOINT,  /* the endpoint of a tunnel: its outer packets travel the underlay */
    VERIFY_EXPOSED,   /* it must be protected and would leave in the clear */
    VERIFY_UNKNOWN,   /* the kernel could not be asked */
};

struct verify_hop {
    struct snapshot_leg leg;
    uint8_t path_class;     /* with what XFRM policies make of a clear interface */
    uint16_t tunnel_number; /* 0: none; for snapshot_tunnel: minus one */
    bool is_chosen;
    bool is_dropped;      /* the kernel drops it there: no association to encrypt it with */
    char encryption[112]; /* what does it, or why nobody can say */
};

struct verify_result {
    enum verify_verdict verdict;
    bool is_protected; /* requires says of what classes */
    struct prefix protection;
    uint32_t required_classes;
    bool is_guard_installed;
    bool is_route_ours;
    uint16_t endpoint_of; /* tunnel number; 0: none */
    uint8_t hop_count;
    struct verify_hop hops[FIB_LEGS_MAX];
    char text[160]; /* the verdict in a sentence */
};

void core_verify_path(const struct core *core, const struct kernel_path *path,
                      struct verify_result *out);

#endif
