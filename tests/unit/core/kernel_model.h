/* A kernel on the table top: routes by longest match and metric, next-hop objects and groups, links
 * whose loss deletes the objects on them without a word, operations that wait in a queue. After
 * each single step it looks where packets to protected destinations would go. */
#ifndef TESTS_UNIT_CORE_KERNEL_MODEL_H
#define TESTS_UNIT_CORE_KERNEL_MODEL_H

#include <check.h>
#include <errno.h>

#include "tests/unit/core/far_end.h"

#define MODEL_ROUTES_MAX  8192
#define MODEL_OBJECTS_MAX 1024
#define MODEL_QUEUE_MAX   65536
#define MODEL_LINKS_MAX   8
#define MODEL_OURS        165

struct model_route {
    bool is_live;
    struct fib_route route;
};

struct model_object {
    bool is_live;
    bool is_ours;
    struct fib_nexthop nexthop;
};

struct model_link {
    const char *name;
    const char *kind;
    bool is_up;
    bool is_absent;
    enum path_class path_class;
    struct ip_addr addr;
    uint8_t len_bits;
};

struct model {
    struct table_top *top;
    struct model_route routes[MODEL_ROUTES_MAX];
    uint32_t route_limit;
    struct model_object objects[MODEL_OBJECTS_MAX];
    uint32_t object_limit;
    struct core_action *queue; /* FIB actions not done yet */
    uint32_t queue_first;
    uint32_t queue_count;
    bool is_holding;                          /* nothing is done until told */
    struct model_link links[MODEL_LINKS_MAX]; /* by ifindex */
    struct ip_addr guarded[16];               /* destinations that must never leave in the clear */
    uint32_t guarded_count;
    uint32_t leaks;
    uint32_t operations;
    uint32_t nexthop_operations;
    uint32_t route_operations;
    uint32_t refused;
    uint32_t urgent_first; /* urgent operations seen before any other of a turn */
    int fail_routes_with;  /* errno for every route operation of ours */
    int fail_legs_with;
    bool is_stopped;
};

/* ---- Forwarding ---- */

static inline bool model_same_place(const struct fib_route *a, const struct fib_route *b)
{
    return prefix_equal(&a->prefix, &b->prefix) && a->metric == b->metric;
}

static inline struct model_object *model_object(struct model *model, uint32_t id)
{
    for (uint32_t i = 0; i < model->object_limit; i++) {
        if (model->objects[i].is_live && model->objects[i].nexthop.id == id) {
            return &model->objects[i];
        }
    }
    return NULL;
}

static inline const struct model_route *model_lookup(const struct model *model,
                                                     const struct ip_addr *addr)
{
    const struct model_route *best = NULL;
    for (uint32_t i = 0; i < model->route_limit; i++) {
        const struct model_route *item = &model->routes[i];
        if (!item->is_live || !prefix_contains_ip(&item->route.prefix, addr)) {
            continue;
        }
        if (best == NULL || item->route.prefix.len_bits > best->route.prefix.len_bits ||
            (item->route.prefix.len_bits == best->route.prefix.len_bits &&
             item->route.metric < best->route.metric)) {
            best = item;
        }
    }
    return best;
}

/* Interfaces a packet may leave through, as a set of bits; 0: nowhere. */
static inline uint32_t model_ways(struct model *model, const struct ip_addr *addr)
{
    const struct model_route *found = model_lookup(model, addr);
    uint32_t ways = 0;
    if (found == NULL || found->route.type != FIB_ROUTE_UNICAST) {
        return 0;
    }
    if (found->route.nexthop_object == 0) {
        for (uint8_t i = 0; i < found->route.leg_count; i++) {
            ways |= 1u << found->route.legs[i].ifindex;
        }
        return ways;
    }
    const struct model_object *object = model_object(model, found->route.nexthop_object);
    for (uint8_t i = 0; object != NULL && i < object->nexthop.member_count; i++) {
        const struct model_object *member = model_object(model, object->nexthop.members[i]);
        if (member != NULL && !member->nexthop.is_blackhole) {
            ways |= 1u << member->nexthop.leg.ifindex;
        }
    }
    return ways;
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
        for (uint32_t ifindex = 0; ifindex < MODEL_LINKS_MAX; ifindex++) {
            if ((ways & (1u << ifindex)) != 0 &&
                model->links[ifindex].path_class != PATH_CLASS_IPSEC) {
                model->leaks++;
            }
        }
    }
}

/* ---- Objects ---- */

static inline void model_object_gone(struct model *model, uint32_t id);

static inline void model_leave_groups(struct model *model, uint32_t id)
{
    for (uint32_t i = 0; i < model->object_limit; i++) {
        struct fib_nexthop *group = &model->objects[i].nexthop;
        if (!model->objects[i].is_live || group->member_count == 0) {
            continue;
        }
        uint8_t kept = 0;
        for (uint8_t k = 0; k < group->member_count; k++) {
            if (group->members[k] != id) {
                group->members[kept++] = group->members[k];
            }
        }
        bool is_emptied = kept == 0;
        group->member_count = is_emptied ? group->member_count : kept;
        if (is_emptied) {
            model_object_gone(model, group->id);
        }
    }
}

static inline void model_object_gone(struct model *model, uint32_t id)
{
    struct model_object *object = model_object(model, id);
    if (object == NULL) {
        return;
    }
    bool is_group = object->nexthop.member_count != 0;
    object->is_live = false;
    for (uint32_t i = 0; i < model->route_limit; i++) {
        if (model->routes[i].is_live && model->routes[i].route.nexthop_object == id) {
            model->routes[i].is_live = false;
        }
    }
    if (!is_group) {
        model_leave_groups(model, id);
    }
}

static inline int model_do_nexthop(struct model *model, const struct fib_nexthop_action *action)
{
    const struct fib_nexthop *wish = &action->nexthop;
    struct model_object *object = model_object(model, wish->id);
    if (action->is_delete) {
        if (object == NULL) {
            return ENOENT;
        }
        model_object_gone(model, wish->id);
        return 0;
    }
    if (wish->member_count == 0 && !wish->is_blackhole) {
        if (model->fail_legs_with != 0) {
            return model->fail_legs_with;
        }
        if (wish->leg.ifindex >= MODEL_LINKS_MAX || !model->links[wish->leg.ifindex].is_up) {
            return ENETDOWN;
        }
    }
    for (uint8_t i = 0; i < wish->member_count; i++) {
        const struct model_object *member = model_object(model, wish->members[i]);
        if (member == NULL || (member->nexthop.is_blackhole && wish->member_count > 1)) {
            return EINVAL;
        }
    }
    if (object != NULL && (object->nexthop.member_count != 0) != (wish->member_count != 0)) {
        return EINVAL;
    }
    if (object == NULL) {
        for (uint32_t i = 0; i < MODEL_OBJECTS_MAX && object == NULL; i++) {
            if (!model->objects[i].is_live) {
                object = &model->objects[i];
                model->object_limit = i >= model->object_limit ? i + 1 : model->object_limit;
            }
        }
        ck_assert_ptr_nonnull(object);
    }
    *object = (struct model_object){.is_live = true, .is_ours = true, .nexthop = *wish};
    return 0;
}

/* ---- Routes ---- */

static inline struct model_route *model_route(struct model *model, const struct fib_route *place)
{
    for (uint32_t i = 0; i < model->route_limit; i++) {
        if (model->routes[i].is_live && model_same_place(&model->routes[i].route, place)) {
            return &model->routes[i];
        }
    }
    return NULL;
}

static inline void model_route_put(struct model *model, const struct fib_route *route)
{
    struct model_route *item = model_route(model, route);
    for (uint32_t i = 0; i < MODEL_ROUTES_MAX && item == NULL; i++) {
        if (!model->routes[i].is_live) {
            item = &model->routes[i];
            model->route_limit = i >= model->route_limit ? i + 1 : model->route_limit;
        }
    }
    ck_assert_ptr_nonnull(item);
    *item = (struct model_route){.is_live = true, .route = *route};
}

static inline int model_do_route(struct model *model, const struct fib_route_action *action)
{
    const struct fib_route *wish = &action->route;
    struct model_route *item = model_route(model, wish);
    ck_assert_uint_eq(wish->protocol, MODEL_OURS);
    if (model->fail_routes_with != 0 && wish->type == FIB_ROUTE_UNICAST) {
        return model->fail_routes_with;
    }
    if (item != NULL) {
        /* Somebody else's route is never written over and never deleted. */
        ck_assert_uint_eq(item->route.protocol, MODEL_OURS);
    }
    if (action->is_delete) {
        if (item == NULL) {
            return ESRCH;
        }
        item->is_live = false;
        return 0;
    }
    if (wish->nexthop_object != 0 && model_object(model, wish->nexthop_object) == NULL) {
        return EINVAL;
    }
    for (uint8_t i = 0; i < wish->leg_count; i++) {
        if (wish->legs[i].ifindex >= MODEL_LINKS_MAX ||
            !model->links[wish->legs[i].ifindex].is_up) {
            return ENETDOWN;
        }
    }
    model_route_put(model, wish);
    return 0;
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

/* What the kernel does by itself when a link loses its carrier. */
static inline void model_link_lost(struct model *model, uint32_t ifindex)
{
    for (uint32_t i = 0; i < model->object_limit; i++) {
        struct model_object *object = &model->objects[i];
        if (object->is_live && object->nexthop.member_count == 0 && !object->nexthop.is_blackhole &&
            object->nexthop.leg.ifindex == ifindex) {
            model_object_gone(model, object->nexthop.id);
        }
    }
    for (uint32_t i = 0; i < model->route_limit; i++) {
        struct fib_route *route = &model->routes[i].route;
        uint8_t kept = 0;
        if (!model->routes[i].is_live || route->leg_count == 0) {
            continue;
        }
        for (uint8_t k = 0; k < route->leg_count; k++) {
            if (route->legs[k].ifindex != ifindex) {
                route->legs[kept++] = route->legs[k];
            }
        }
        route->leg_count = kept;
        model->routes[i].is_live = kept != 0;
    }
}

static inline void model_connected(struct model *model, uint32_t ifindex)
{
    const struct model_link *link = &model->links[ifindex];
    if (link->addr.family != IP_NONE && link->is_up) {
        struct fib_route route = {.prefix = prefix_make(&link->addr, link->len_bits),
                                  .protocol = 2,
                                  .type = FIB_ROUTE_UNICAST,
                                  .leg_count = 1};
        route.legs[0].ifindex = ifindex;
        model_route_put(model, &route);
    }
}

static inline void model_feed_link(struct model *model, uint32_t ifindex)
{
    const struct model_link *link = &model->links[ifindex];
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = ifindex;
    event.link.is_removed = link->is_absent;
    event.link.is_up = link->is_up;
    event.link.is_loopback = ifindex == 1;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "%s", link->name);
    snprintf(event.link.kind, sizeof event.link.kind, "%s", link->kind);
    top_feed(model->top, &event);
}

static inline void model_feed_addr(struct model *model, uint32_t ifindex)
{
    const struct model_link *link = &model->links[ifindex];
    struct core_event event = {.kind = EVENT_ADDR};
    event.addr.ifindex = ifindex;
    event.addr.addr = link->addr;
    event.addr.len_bits = link->len_bits;
    if (link->addr.family != IP_NONE && !link->is_absent) {
        top_feed(model->top, &event);
    }
}

static inline void model_link_add(struct model *model, uint32_t ifindex, const char *name,
                                  const char *kind, const char *addr, uint8_t len_bits)
{
    struct model_link *link = &model->links[ifindex];
    *link = (struct model_link){.name = name, .kind = kind, .is_up = true};
    link->path_class = strcmp(kind, "xfrm") == 0 ? PATH_CLASS_IPSEC : PATH_CLASS_CLEAR;
    if (addr != NULL) {
        link->addr = addr_of(addr);
        link->len_bits = len_bits;
    }
    model_connected(model, ifindex);
}

/* The kernel acts first; the core hears of it afterwards. */
static inline void model_link_set(struct model *model, uint32_t ifindex, bool is_up)
{
    model->links[ifindex].is_up = is_up;
    if (is_up) {
        model_connected(model, ifindex);
    } else {
        model_link_lost(model, ifindex);
    }
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
        if (model->links[i].name != NULL && !model->links[i].is_absent) {
            model_feed_link(model, i);
            model_feed_addr(model, i);
        }
    }
    for (uint32_t i = 0; i < model->object_limit; i++) {
        if (model->objects[i].is_live) {
            struct core_event told = {.kind = EVENT_KERNEL_NEXTHOP};
            told.kernel_nexthop.is_ours = model->objects[i].is_ours;
            told.kernel_nexthop.nexthop = model->objects[i].nexthop;
            top_feed(model->top, &told);
        }
    }
    for (uint32_t i = 0; i < model->route_limit; i++) {
        if (model->routes[i].is_live) {
            struct core_event told = {.kind = EVENT_KERNEL_ROUTE};
            told.kernel_route.is_from_dump = true;
            told.kernel_route.route = model->routes[i].route;
            told.kernel_route.route.table = CONFIG_FIB_TABLE_DEFAULT;
            top_feed(model->top, &told);
        }
    }
    event.kind = EVENT_KERNEL_DUMP_END;
    top_feed(model->top, &event);
}

/* Somebody adds or removes a route; the core is told. */
static inline void model_foreign(struct model *model, const struct fib_route *route,
                                 bool is_removed)
{
    struct model_route *item = model_route(model, route);
    if (is_removed && item != NULL) {
        item->is_live = false;
    } else if (!is_removed) {
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
    for (uint32_t i = 0; i < model->route_limit; i++) {
        count += model->routes[i].is_live && model->routes[i].route.protocol == protocol ? 1 : 0;
    }
    return count;
}

static inline uint32_t model_object_count(const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->object_limit; i++) {
        count += model->objects[i].is_live ? 1 : 0;
    }
    return count;
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
