/* A kernel on the table top: the simulator's model of one, with operations that wait in a queue.
 * After each single step it looks where packets to protected destinations would go. */
#ifndef TESTS_UNIT_CORE_KERNEL_MODEL_H
#define TESTS_UNIT_CORE_KERNEL_MODEL_H

#include <check.h>
#include <errno.h>

#include "tests/sim/model_kernel.h"
#include "tests/unit/core/far_end.h"

#define MODEL_OBJECTS_MAX 1024
#define MODEL_QUEUE_MAX   65536

struct model {
    struct table_top *top;
    struct model_kernel kernel; /* links by ifindex */
    struct core_action *queue;  /* FIB actions not done yet */
    uint32_t queue_first;
    uint32_t queue_count;
    bool is_holding;            /* nothing is done until told */
    struct ip_addr guarded[16]; /* destinations that must never leave in the clear */
    uint32_t guarded_count;
    uint32_t leaks;
    uint32_t operations;
    uint32_t nexthop_operations;
    uint32_t route_operations;
    uint32_t refused;
    uint32_t urgent_first; /* urgent operations seen before any other of a turn */
    int fail_routes_with;  /* errno for every route operation of ours */
    int fail_legs_with;
    bool refuses_resilient; /* a kernel before 5.13 */
    bool is_stopped;
};

/* ---- Forwarding ---- */

static inline const struct fib_route *model_lookup(const struct model *model,
                                                   const struct ip_addr *addr)
{
    const struct fib_route *route;
    model_kernel_ways(&model->kernel, addr, &route);
    return route;
}

/* Interfaces a packet may leave through, as a set of bits; 0: nowhere. */
static inline uint32_t model_ways(struct model *model, const struct ip_addr *addr)
{
    return model_kernel_ways(&model->kernel, addr, NULL);
}

static inline uint32_t model_ways_to(struct model *model, const char *text)
{
    struct ip_addr addr = addr_of(text);
    return model_ways(model, &addr);
}

static inline void model_check(struct model *model)
{
    for (uint32_t i = 0; i < model->guarded_count; i++) {
        uint32_t ways = model_ways(model, &model->guarded[i]);
        model->leaks += model_kernel_clear_ways(&model->kernel, ways) != 0 ? 1 : 0;
    }
}

/* ---- Operations ---- */

static inline int model_do_nexthop(struct model *model, const struct fib_nexthop_action *action)
{
    if (action->nexthop.is_resilient && !action->is_delete && model->refuses_resilient) {
        return EINVAL;
    }
    const struct fib_nexthop *wish = &action->nexthop;
    bool is_leg = !action->is_delete && wish->member_count == 0 && !wish->is_blackhole;
    return is_leg && model->fail_legs_with != 0 ? model->fail_legs_with
                                                : model_kernel_do_nexthop(&model->kernel, action);
}

/* Borrowed until the next change. */
static inline struct fib_route *model_route(struct model *model, const struct fib_route *place)
{
    return model_kernel_route(&model->kernel, &place->prefix, place->metric);
}

static inline void model_route_put(struct model *model, const struct fib_route *route)
{
    model_kernel_route_put(&model->kernel, route);
}

static inline struct fib_nexthop *model_object(struct model *model, uint32_t id)
{
    return model_kernel_object(&model->kernel, id);
}

static inline void model_object_gone(struct model *model, uint32_t id)
{
    model_kernel_object_drop(&model->kernel, id);
}

/* It is gone, and nobody was told. */
static inline void model_route_lose(struct model *model, const struct fib_route *place)
{
    ck_assert(model_kernel_route_drop(&model->kernel, &place->prefix, place->metric));
}

static inline int model_do_route(struct model *model, const struct fib_route_action *action)
{
    if (model->fail_routes_with != 0 && action->route.type == FIB_ROUTE_UNICAST) {
        return model->fail_routes_with;
    }
    int error = model_kernel_do_route(&model->kernel, action);
    /* Somebody else's route is never written over and never deleted. */
    ck_assert_uint_eq(model->kernel.wrong + model->kernel.overwritten, 0);
    return error;
}

/* ---- The queue ---- */

static inline void model_take(struct model *model, uint32_t at, struct core_action *out)
{
    *out = model->queue[at];
    for (uint32_t i = at; i > model->queue_first; i--) {
        model->queue[i] = model->queue[i - 1];
    }
    model->queue_first++;
    model->queue_count--;
    if (model->queue_count == 0) {
        model->queue_first = 0;
    }
}

/* As the io's thread: urgent ones first, and an urgent one voids older ones of the same object. */
static inline uint32_t model_next(const struct model *model)
{
    uint32_t end = model->queue_first + model->queue_count;
    for (uint32_t i = model->queue_first; i < end; i++) {
        if (model->queue[i].kind == ACTION_FIB_NEXTHOP && model->queue[i].fib_nexthop.is_urgent) {
            return i;
        }
    }
    return model->queue_first;
}

static inline void model_void_older(struct model *model, const struct fib_nexthop_action *urgent)
{
    for (uint32_t i = 0; i < model->queue_count; i++) {
        struct core_action *other = &model->queue[model->queue_first + i];
        if (other->kind == ACTION_FIB_NEXTHOP && !other->fib_nexthop.is_urgent &&
            other->fib_nexthop.nexthop.id == urgent->nexthop.id &&
            other->fib_nexthop.operation < urgent->operation) {
            other->kind = ACTION_LISTEN; /* nothing is done for it, the answer is given */
        }
    }
}

static inline void model_do_one(struct model *model)
{
    struct core_action action;
    model_take(model, model_next(model), &action);
    struct core_event event = {.kind = EVENT_FIB_RESULT};
    if (action.kind == ACTION_FIB_ROUTE) {
        event.fib_result.operation = action.fib_route.operation;
        event.fib_result.error = model_do_route(model, &action.fib_route);
        model->route_operations++;
    } else if (action.kind == ACTION_FIB_NEXTHOP) {
        event.fib_result.operation = action.fib_nexthop.operation;
        if (action.fib_nexthop.is_urgent) {
            model_void_older(model, &action.fib_nexthop);
        }
        event.fib_result.error = model_do_nexthop(model, &action.fib_nexthop);
        model->nexthop_operations++;
    } else {
        event.fib_result.operation = action.fib_nexthop.operation;
    }
    model->operations++;
    model->refused += event.fib_result.error != 0 ? 1 : 0;
    model_check(model);
    top_feed(model->top, &event);
}

static inline void model_act(struct model *model, const struct core_action *action)
{
    if (action->kind == ACTION_FIB_ROUTE || action->kind == ACTION_FIB_NEXTHOP) {
        ck_assert_uint_lt(model->queue_first + model->queue_count, MODEL_QUEUE_MAX);
        model->queue[model->queue_first + model->queue_count++] = *action;
        return;
    }
    model->is_stopped = model->is_stopped || action->kind == ACTION_STOPPED;
    top_act(model->top, action);
}

/* What the core has asked for, and nothing it would go on to do. */
static inline void model_carry_out(struct model *model)
{
    struct core_action action;
    while (core_take_action(model->top->core, &action)) {
        model_act(model, &action);
    }
    while (model->queue_count != 0) {
        model_do_one(model);
    }
}

static inline void model_settle(struct model *model)
{
    for (uint32_t turn = 0; turn < 1000000; turn++) {
        bool has_more = core_work(model->top->core, model->top->now, 16);
        bool has_acted = false;
        struct core_action action;
        while (core_take_action(model->top->core, &action)) {
            has_acted = true;
            model_act(model, &action);
        }
        if (!model->is_holding && model->queue_count != 0) {
            model_do_one(model);
            has_acted = true;
        }
        if (!has_more && !has_acted) {
            return;
        }
    }
    ck_abort_msg("the core never comes to rest");
}

static inline void model_wait_ms(struct model *model, int64_t ms)
{
    struct table_top *top = model->top;
    struct mono_time end = mono_add(top->now, mono_span_ms(ms));
    struct core_event event = {.kind = EVENT_TIME};
    for (;;) {
        model_settle(model);
        struct mono_time next = core_deadline(top->core);
        if (mono_before(end, next)) {
            break;
        }
        top->now = mono_before(top->now, next) ? next : top->now;
        top_feed(top, &event);
    }
    top->now = end;
    top_feed(top, &event);
    model_settle(model);
}

/* ---- Links ---- */

static inline void model_feed_link(struct model *model, uint32_t ifindex)
{
    const struct model_link *link = &model->kernel.links[ifindex];
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = ifindex;
    event.link.is_removed = link->is_absent;
    event.link.is_up = link->is_up;
    event.link.is_loopback = ifindex == 1;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "%.15s", link->name);
    snprintf(event.link.kind, sizeof event.link.kind, "%.15s", link->kind);
    top_feed(model->top, &event);
}

static inline void model_feed_addr(struct model *model, uint32_t ifindex)
{
    const struct model_link *link = &model->kernel.links[ifindex];
    for (uint8_t i = 0; i < link->addr_count && !link->is_absent; i++) {
        struct core_event event = {.kind = EVENT_ADDR};
        event.addr.ifindex = ifindex;
        event.addr.addr = link->addrs[i].addr;
        event.addr.len_bits = link->addrs[i].len_bits;
        top_feed(model->top, &event);
    }
}

static inline void model_link_add(struct model *model, uint32_t ifindex, const char *name,
                                  const char *kind, const char *addr, uint8_t len_bits)
{
    model_kernel_link_put(&model->kernel, ifindex, name, kind);
    if (addr != NULL) {
        struct ip_addr parsed = addr_of(addr);
        model_kernel_addr_put(&model->kernel, ifindex, &parsed, len_bits);
    }
}

/* The kernel acts first; the core hears of it afterwards. */
static inline void model_link_set(struct model *model, uint32_t ifindex, bool is_up)
{
    model_kernel_set_up(&model->kernel, ifindex, is_up);
    model_check(model);
    model_feed_link(model, ifindex);
    model_check(model);
}

static inline void model_link_vanish(struct model *model, uint32_t ifindex)
{
    model_kernel_link_remove(&model->kernel, ifindex);
    model_check(model);
    model_feed_link(model, ifindex);
    model_check(model);
}

/* ---- Accounts of the kernel's state ---- */

static inline void model_tell_all(struct model *model)
{
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    top_feed(model->top, &event);
    for (uint32_t i = 1; i < MODEL_LINKS_MAX; i++) {
        if (model->kernel.links[i].name[0] != 0 && !model->kernel.links[i].is_absent) {
            model_feed_link(model, i);
            model_feed_addr(model, i);
        }
    }
    for (uint32_t i = 0; i < model->kernel.object_count; i++) {
        struct core_event told = {.kind = EVENT_KERNEL_NEXTHOP};
        told.kernel_nexthop.is_ours = model->kernel.objects[i].is_ours;
        told.kernel_nexthop.nexthop = model->kernel.objects[i].nexthop;
        top_feed(model->top, &told);
    }
    for (uint32_t i = 0; i < model->kernel.route_count; i++) {
        struct core_event told = {.kind = EVENT_KERNEL_ROUTE};
        told.kernel_route.is_from_dump = true;
        told.kernel_route.route = model->kernel.routes[i];
        told.kernel_route.route.table = CONFIG_FIB_TABLE_DEFAULT;
        top_feed(model->top, &told);
    }
    event.kind = EVENT_KERNEL_DUMP_END;
    top_feed(model->top, &event);
}

/* Somebody adds or removes a route; the core is told. */
static inline void model_foreign(struct model *model, const struct fib_route *route,
                                 bool is_removed)
{
    if (is_removed) {
        model_kernel_route_drop(&model->kernel, &route->prefix, route->metric);
    } else {
        model_route_put(model, route);
    }
    struct core_event told = {.kind = EVENT_KERNEL_ROUTE};
    told.kernel_route.is_removed = is_removed;
    told.kernel_route.route = *route;
    told.kernel_route.route.table = CONFIG_FIB_TABLE_DEFAULT;
    top_feed(model->top, &told);
}

static inline uint32_t model_count(const struct model *model, uint8_t protocol)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->kernel.route_count; i++) {
        count += model->kernel.routes[i].protocol == protocol ? 1 : 0;
    }
    return count;
}

static inline uint32_t model_object_count(const struct model *model)
{
    return model->kernel.object_count;
}

/* ---- The mission: two ER links, two tunnels, four far ends ---- */

enum mission_interface {
    LO = 1,
    ER1 = 2,
    ER2 = 3,
    IPSEC0 = 4,
    IPSEC1 = 5,
};

#define WAY(ifindex) (1u << (ifindex))

static inline struct config *mission_config(void)
{
    struct config *config = config_begin(65001);
    struct protection_def *protection = arena_alloc(&config->arena, sizeof *protection);
    *protection = (struct protection_def){.prefix = prefix_of("10.51.230.0/23"),
                                          .allowed_classes = PATH_CLASS_BIT(PATH_CLASS_IPSEC)};
    config->protections = protection;
    config->protection_count = 1;
    config_tunnel_add(config, "ipsec0", "10.1.255.1", "10.51.230.4")->liveness =
        LIVENESS_INTERFACE | LIVENESS_XFRM;
    config_tunnel_add(config, "ipsec1", "10.1.255.1", "10.51.230.5")->liveness =
        LIVENESS_INTERFACE | LIVENESS_XFRM;
    config_neighbor_add(config, "172.16.0.2", 0)->azure_role = AZURE_ROLE_MSEE;
    config_neighbor_add(config, "172.16.0.6", 0)->azure_role = AZURE_ROLE_MSEE;
    struct config_neighbor *inner = config_neighbor_add(config, "10.51.230.12", 0);
    inner->azure_role = AZURE_ROLE_VWAN_HUB;
    inner->tunnel = "ipsec0";
    inner = config_neighbor_add(config, "10.51.230.13", 0);
    inner->azure_role = AZURE_ROLE_VWAN_HUB;
    inner->tunnel = "ipsec1";
    config_network_add(config, "10.1.0.0/16", PATH_CLASS_BIT(PATH_CLASS_CLEAR));
    config_network_add(config, "10.1.1.0/24", PATH_CLASS_BIT(PATH_CLASS_IPSEC));
    return config;
}

static inline struct model *model_new(uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    struct table_top *top = calloc(1, sizeof *top);
    model->queue = calloc(MODEL_QUEUE_MAX, sizeof *model->queue);
    model->top = top;
    top->now = (struct mono_time){INT64_C(1000000000000)};
    top->core = core_new(NULL, seed);
    model_link_add(model, LO, "lo", "", "10.1.255.1", 32);
    model_link_add(model, ER1, "er1", "veth", "172.16.0.1", 30);
    model_link_add(model, ER2, "er2", "veth", "172.16.0.5", 30);
    model_link_add(model, IPSEC0, "ipsec0", "xfrm", NULL, 0);
    model_link_add(model, IPSEC1, "ipsec1", "xfrm", NULL, 0);
    const char *guarded[] = {"10.51.230.0",  "10.51.230.10", "10.51.230.12",
                             "10.51.230.13", "10.51.231.10", "10.51.231.255"};
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        model->guarded[model->guarded_count++] = addr_of(guarded[i]);
    }
    top_far_end(top, "172.16.0.2", "172.16.0.1", 12076, ER1);
    top_far_end(top, "172.16.0.6", "172.16.0.5", 12076, ER2);
    top_far_end(top, "10.51.230.12", "10.1.255.1", 65515, IPSEC0);
    top_far_end(top, "10.51.230.13", "10.1.255.1", 65515, IPSEC1);
    return model;
}

static inline void model_free(struct model *model)
{
    top_free(model->top);
    model_kernel_fini(&model->kernel);
    free(model->queue);
    free(model);
}

static inline void model_configure(struct model *model, struct config *config)
{
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    top_feed(model->top, &event);
    model_settle(model);
}

static inline void mission_announce(struct model *model, const char *peer)
{
    struct far_end *end = far_end_of(model->top, peer);
    if (!end->is_up) {
        return;
    }
    far_announce(model->top, end, "10.51.230.0/24");
    far_announce(model->top, end, "10.51.231.0/24");
    if (end->asn == 12076) {
        far_announce(model->top, end, "10.60.0.0/16");
    }
    model_settle(model);
}

/* Everything up, announced and installed. */
static inline struct model *mission_up(uint64_t seed)
{
    struct model *model = model_new(seed);
    model_configure(model, mission_config());
    model_tell_all(model);
    model_wait_ms(model, 20000);
    mission_announce(model, "172.16.0.2");
    mission_announce(model, "172.16.0.6");
    mission_announce(model, "10.51.230.12");
    mission_announce(model, "10.51.230.13");
    model_wait_ms(model, 2000);
    return model;
}

static inline void mission_sa(struct model *model, uint16_t tunnel_number, bool is_alive)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact.tunnel_number = tunnel_number;
    event.tunnel_fact.source = LIVENESS_XFRM;
    event.tunnel_fact.is_alive = is_alive;
    event.tunnel_fact.is_known = true;
    top_feed(model->top, &event);
}

static inline void mission_bfd(struct model *model, const char *peer, bool is_up)
{
    struct core_event event = {.kind = EVENT_BFD_STATE};
    event.bfd.peer = addr_of(peer);
    event.bfd.is_up = is_up;
    top_feed(model->top, &event);
}

#endif
