/* A model of the kernel's forwarding: links with carrier and addresses, routes by longest match and
 * metric, plain or through next-hop objects and groups, and what the kernel does by itself when a
 * link goes. Nobody is told of anything here: who owns the model tells. Shared by the simulator and
 * the unit tests of the core. */
#ifndef TESTS_SIM_MODEL_KERNEL_H
#define TESTS_SIM_MODEL_KERNEL_H

#include "bgpd/core/core.h"

#define MODEL_LINKS_MAX      8u
#define MODEL_LINK_ADDRS_MAX 6u
#define MODEL_OURS           CONFIG_FIB_PROTOCOL_DEFAULT
#define MODEL_GUARD_METRIC   4294967294u

/* Ways of a packet as a set of links. */
#define MODEL_WAY(slot) (1u << (slot))

struct model_addr {
    struct ip_addr addr;
    uint8_t len_bits;
};

struct model_link {
    char name[16]; /* "": no such link, now or ever */
    char kind[16];
    uint32_t ifindex;
    bool is_absent; /* the device is gone; another one of that name may come */
    bool is_up;     /* by its administrator */
    bool has_carrier;
    bool is_protected; /* what leaves here is encrypted */
    struct model_addr addrs[MODEL_LINK_ADDRS_MAX];
    uint8_t addr_count;
};

struct model_object {
    bool is_ours;
    struct fib_nexthop nexthop;
};

/* Behaviour that no kernel has, to see whether the tests notice. */
enum model_plant {
    MODEL_PLANT_NONE,
    MODEL_PLANT_NO_GUARDS,      /* discard routes are acknowledged and forgotten */
    MODEL_PLANT_WRONG_LINK,     /* objects out of a protected link lead out of another */
    MODEL_PLANT_NO_DELETES,     /* removing a route is acknowledged and forgotten */
    MODEL_PLANT_NO_HOST_ROUTES, /* pins are acknowledged and forgotten */
    MODEL_PLANT_NO_OVERRULES    /* routes ahead of those of others are */
};

struct model_kernel {
    struct model_link links[MODEL_LINKS_MAX]; /* slot 0 is never used */
    struct fib_route *routes; /* in order of precedence among those of one prefix and metric */
    uint32_t route_count;
    uint32_t route_capacity;
    struct model_object *objects; /* no order */
    uint32_t object_count;
    uint32_t object_capacity;
    uint64_t version;       /* one more with each change of anything */
    bool ignores_linkdown;  /* net.ipv4.conf.*.ignore_routes_with_linkdown */
    uint32_t wrong;         /* operations on what is somebody else's */
    uint32_t overwritten;   /* routes of others that one of ours took the place of */
    enum model_plant plant; /* usually none */
};

void model_kernel_init(struct model_kernel *kernel);
void model_kernel_fini(struct model_kernel *kernel);

/* ---- Links ---- */

/* Slot and ifindex are the same until the device is replaced. */
struct model_link *model_kernel_link_put(struct model_kernel *kernel, uint32_t slot,
                                         const char *name, const char *kind);
void model_kernel_addr_put(struct model_kernel *kernel, uint32_t slot, const struct ip_addr *addr,
                           uint8_t len_bits);

/* Takes the routes along that name it as their source. False when it is not there. */
bool model_kernel_addr_drop(struct model_kernel *kernel, uint32_t slot, const struct ip_addr *addr);
bool model_kernel_is_local(const struct model_kernel *kernel, const struct ip_addr *addr);

/* UINT32_MAX when there is none. */
uint32_t model_kernel_slot(const struct model_kernel *kernel, uint32_t ifindex);
bool model_kernel_carries(const struct model_link *link);

/* Carrier lost or found, set down or up by somebody, device gone or made anew: the kernel's own
 * consequences, in silence. */
void model_kernel_set_carrier(struct model_kernel *kernel, uint32_t slot, bool has_carrier);
void model_kernel_set_up(struct model_kernel *kernel, uint32_t slot, bool is_up);
void model_kernel_link_remove(struct model_kernel *kernel, uint32_t slot);
void model_kernel_link_return(struct model_kernel *kernel, uint32_t slot, uint32_t ifindex);

/* ---- Routes and objects ---- */

/* Where a new route goes among those of its prefix and metric. */
enum model_how {
    MODEL_REPLACE, /* in the place of the first */
    MODEL_FIRST,   /* before them; IPv6 knows no such thing */
    MODEL_APPEND,  /* behind them */
};

/* The first of them: the one that counts. Borrowed until the next change; NULL when there is none.
 */
struct fib_route *model_kernel_route(const struct model_kernel *kernel, const struct prefix *prefix,
                                     uint32_t metric);

/* 0, or EEXIST when the very same is there. IPv6 makes one route of those that can share the load.
 * told_out (may be NULL) is what the kernel tells of it. */
int model_kernel_route_add(struct model_kernel *kernel, const struct fib_route *route,
                           enum model_how how, struct fib_route *told_out);

/* Index of the one that REPLACE would take the place of; UINT32_MAX: none. */
uint32_t model_kernel_route_replaced(const struct model_kernel *kernel,
                                     const struct fib_route *route);

/* REPLACE, whatever comes of it. */
void model_kernel_route_put(struct model_kernel *kernel, const struct fib_route *route);

/* The first of this protocol and, unless it is ours in a place of its own, with this first leg; or
 * one leg of a merged route. 0 or ESRCH. */
int model_kernel_route_del(struct model_kernel *kernel, const struct fib_route *like);

/* The first of them, whoever's. False when there is none. */
bool model_kernel_route_drop(struct model_kernel *kernel, const struct prefix *prefix,
                             uint32_t metric);
void model_kernel_route_drop_at(struct model_kernel *kernel, uint32_t at);
void *model_kernel_grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes);
struct fib_nexthop *model_kernel_object(const struct model_kernel *kernel, uint32_t id);

/* The object goes, and with it the routes on it and its place in groups; the last member's end is
 * the group's. */
void model_kernel_object_drop(struct model_kernel *kernel, uint32_t id);

/* All that carries our protocol number or marker vanishes, in silence. */
void model_kernel_forget_ours(struct model_kernel *kernel);

/* Operations of ours: 0 or an errno. */
bool model_kernel_overwrites(const struct model_kernel *kernel,
                             const struct fib_route_action *action);
int model_kernel_do_route(struct model_kernel *kernel, const struct fib_route_action *action);
int model_kernel_do_nexthop(struct model_kernel *kernel, const struct fib_nexthop_action *action);

/* ---- Forwarding ---- */

/* Links a packet to addr may leave through, as MODEL_WAY bits; 0: nowhere. route_out (may be NULL)
 * is the route that decides, or NULL. */
uint32_t model_kernel_ways(const struct model_kernel *kernel, const struct ip_addr *addr,
                           const struct fib_route **route_out);

/* The route leads out of an unprotected link, whether or not that carries anything now. */
bool model_kernel_is_clear(const struct model_kernel *kernel, const struct fib_route *route);

/* Ways that are not protected. */
uint32_t model_kernel_clear_ways(const struct model_kernel *kernel, uint32_t ways);

#endif
