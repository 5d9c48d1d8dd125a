/* A core on a table top for tests of routes: the test plays the far ends of its sessions, the links
 * and the kernel, through the public boundary only. */
#ifndef TESTS_UNIT_CORE_FAR_END_H
#define TESTS_UNIT_CORE_FAR_END_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/core.h"
#include "bgpd/core/snapshot.h"
#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/assert.h"
#include "proto/message.h"
#include "proto/open.h"
#include "proto/update.h"

#define FAR_ENDS_MAX   12
#define FAR_ROUTES_MAX 4096
#define FAR_ROOM       (4u << 20)

struct far_route {
    struct prefix prefix;
    uint32_t path_id;        /* 0 on sessions without ADD-PATH */
    struct path_attrs attrs; /* views live in the far end's arena */
    uint32_t times;          /* how often it was announced */
};

struct far_end {
    struct ip_addr addr;
    struct ip_addr local;
    uint32_t asn;
    uint32_t ifindex;
    bool has_enhanced_refresh;
    bool refuses_connects;
    bool has_restart;    /* graceful, with the forwarding state kept */
    bool has_long_lived; /* RFC 9494, of long_lived_s */
    uint32_t long_lived_s;
    conn_id conn;
    bool is_up;
    char bound_to[16]; /* interface that our side of the session is bound to; "" */
    struct update_options options;
    uint8_t bytes[1 << 17];
    size_t size;
    struct arena arena;
    struct far_route *routes;
    uint32_t route_count;
    uint32_t updates;
    uint32_t withdrawals; /* prefixes withdrawn */
    uint32_t end_of_ribs; /* AFI_SAFI_BITs */
    uint32_t refresh_begins;
    uint32_t refresh_ends;
    uint32_t refresh_requests;
    uint8_t notification_code; /* received */
    uint8_t notification_subcode;
    uint8_t notification_data[16];
    size_t notification_bytes;
    struct prefix first; /* the first prefix it was ever told */
};

struct table_top {
    struct core *core;
    struct mono_time now;
    struct config *config; /* being written */
    struct far_end ends[FAR_ENDS_MAX];
    uint32_t end_count;
    uint32_t fib_routes;
    struct fib_route last_fib_route;
    struct fib_nexthop last_nexthop;
    struct log_event logs[64];
    uint32_t log_count;
    uint32_t log_total[LOG_EVENT_KIND_COUNT];
};

static inline struct ip_addr addr_of(const char *text)
{
    struct ip_addr addr = {0};
    ASSERT(ip_parse(text, &addr) == STATUS_OK);
    return addr;
}

static inline struct prefix prefix_of(const char *text)
{
    struct prefix prefix = {0};
    ASSERT(prefix_parse(text, &prefix) == STATUS_OK);
    return prefix;
}

/* ---- Building a configuration ---- */

static inline struct config *config_begin(uint32_t asn)
{
    struct config *config = config_new();
    config->bgp.is_configured = true;
    config->bgp.asn = asn;
    config->bgp.router_id = (struct opt_u32){true, 0xc0a8ff01};
    config->bgp.neighbors =
        arena_alloc(&config->arena, FAR_ENDS_MAX * sizeof *config->bgp.neighbors);
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        config->bgp.families[i].networks =
            arena_alloc(&config->arena, 16 * sizeof *config->bgp.families[i].networks);
        config->bgp.families[i].aggregates =
            arena_alloc(&config->arena, 4 * sizeof *config->bgp.families[i].aggregates);
    }
    config->tunnels = arena_alloc(&config->arena, 4 * sizeof *config->tunnels);
    return config;
}

/* Neighbours are kept in address order. */
static inline struct config_neighbor *config_neighbor_add(struct config *config, const char *addr,
                                                          uint32_t asn)
{
    struct config_neighbor *list = (struct config_neighbor *)(uintptr_t)config->bgp.neighbors;
    struct config_neighbor added = {.addr = addr_of(addr),
                                    .remote_as_kind = asn == 0 ? REMOTE_AS_UNSET : REMOTE_AS_NUMBER,
                                    .remote_asn = asn};
    size_t at = config->bgp.neighbor_count++;
    while (at > 0 && ip_compare(&list[at - 1].addr, &added.addr) > 0) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = added;
    return &list[at];
}

static inline struct config_neighbor *config_neighbor_of(struct config *config, const char *addr)
{
    struct config_neighbor *list = (struct config_neighbor *)(uintptr_t)config->bgp.neighbors;
    struct ip_addr wanted = addr_of(addr);
    for (size_t i = 0; i < config->bgp.neighbor_count; i++) {
        if (ip_equal(&list[i].addr, &wanted)) {
            return &list[i];
        }
    }
    ASSERT(false);
    return NULL;
}

static inline void config_network_add(struct config *config, const char *prefix, uint32_t classes)
{
    struct prefix value = prefix_of(prefix);
    struct config_bgp_family *family = &config->bgp.families[prefix_afi_safi(&value)];
    struct config_network *list = (struct config_network *)(uintptr_t)family->networks;
    list[family->network_count++] =
        (struct config_network){.prefix = value, .path_classes = classes};
}

static inline struct config_aggregate *config_aggregate_add(struct config *config,
                                                            const char *prefix)
{
    struct prefix value = prefix_of(prefix);
    struct config_bgp_family *family = &config->bgp.families[prefix_afi_safi(&value)];
    struct config_aggregate *list = (struct config_aggregate *)(uintptr_t)family->aggregates;
    list[family->aggregate_count] = (struct config_aggregate){.prefix = value};
    return &list[family->aggregate_count++];
}

static inline struct config_tunnel *config_tunnel_add(struct config *config, const char *name,
                                                      const char *local, const char *remote)
{
    struct config_tunnel *list = (struct config_tunnel *)(uintptr_t)config->tunnels;
    struct config_tunnel *tunnel = &list[config->tunnel_count++];
    *tunnel = (struct config_tunnel){
        .name = name,
        .interface = name,
        .local_endpoint = addr_of(local),
        .remote_endpoint = addr_of(remote),
        .underlay_classes = PATH_CLASS_BIT(PATH_CLASS_CLEAR) | PATH_CLASS_BIT(PATH_CLASS_MACSEC),
        .path_class = PATH_CLASS_IPSEC,
    };
    return tunnel;
}

/* ---- The far end's side of a session ---- */

static inline struct far_end *far_end_of(struct table_top *top, const char *addr)
{
    struct ip_addr wanted = addr_of(addr);
    for (uint32_t i = 0; i < top->end_count; i++) {
        if (ip_equal(&top->ends[i].addr, &wanted)) {
            return &top->ends[i];
        }
    }
    ASSERT(false);
    return NULL;
}

static inline struct far_end *far_end_by_conn(struct table_top *top, conn_id conn)
{
    for (uint32_t i = 0; i < top->end_count; i++) {
        if (top->ends[i].conn == conn) {
            return &top->ends[i];
        }
    }
    return NULL;
}

static inline struct far_route *far_route_find(struct far_end *end, const char *prefix)
{
    struct prefix wanted = prefix_of(prefix);
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_equal(&end->routes[i].prefix, &wanted)) {
            return &end->routes[i];
        }
    }
    return NULL;
}

static inline struct byte_view far_keep(struct far_end *end, struct byte_view view)
{
    return view.size == 0
               ? view
               : (struct byte_view){arena_copy(&end->arena, view.data, view.size), view.size};
}

/* Paths it holds for prefix. */
static inline uint32_t far_path_count(const struct far_end *end, const char *prefix)
{
    struct prefix wanted = prefix_of(prefix);
    uint32_t count = 0;
    for (uint32_t i = 0; i < end->route_count; i++) {
        count += prefix_equal(&end->routes[i].prefix, &wanted) ? 1 : 0;
    }
    return count;
}

/* The path of prefix whose AS path starts with asn. */
static inline struct far_route *far_path_by_asn(struct far_end *end, const char *prefix,
                                                uint32_t asn)
{
    struct prefix wanted = prefix_of(prefix);
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_equal(&end->routes[i].prefix, &wanted) &&
            as_path_first(end->routes[i].attrs.as_path) == asn) {
            return &end->routes[i];
        }
    }
    return NULL;
}

static inline void far_route_put(struct far_end *end, const struct nlri *nlri,
                                 const struct path_attrs *attrs)
{
    struct far_route *route = NULL;
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_equal(&end->routes[i].prefix, &nlri->prefix) &&
            end->routes[i].path_id == nlri->path_id) {
            route = &end->routes[i];
        }
    }
    if (route == NULL) {
        ASSERT(end->route_count < FAR_ROUTES_MAX);
        route = &end->routes[end->route_count++];
        *route = (struct far_route){.prefix = nlri->prefix, .path_id = nlri->path_id};
    }
    if (end->first.family == IP_NONE) {
        end->first = nlri->prefix;
    }
    route->times++;
    route->attrs = *attrs;
    route->attrs.as_path = far_keep(end, attrs->as_path);
    route->attrs.communities = far_keep(end, attrs->communities);
    route->attrs.large_communities = far_keep(end, attrs->large_communities);
    route->attrs.ext_communities = far_keep(end, attrs->ext_communities);
    route->attrs.cluster_list = far_keep(end, attrs->cluster_list);
    route->attrs.unknown = far_keep(end, attrs->unknown);
}

static inline void far_route_drop(struct far_end *end, const struct nlri *nlri)
{
    end->withdrawals++;
    for (uint32_t i = 0; i < end->route_count; i++) {
        if (prefix_equal(&end->routes[i].prefix, &nlri->prefix) &&
            end->routes[i].path_id == nlri->path_id) {
            end->routes[i] = end->routes[--end->route_count];
            return;
        }
    }
}

static inline void top_feed(struct table_top *top, const struct core_event *event)
{
    core_feed(top->core, top->now, event);
}

static inline void far_send(struct table_top *top, struct far_end *end, const uint8_t *bytes,
                            size_t size)
{
    struct core_event event = {.kind = EVENT_CONN_BYTES};
    event.conn.conn = end->conn;
    event.conn.bytes = (struct byte_view){bytes, size};
    top_feed(top, &event);
}

static inline void far_take_update(struct far_end *end, struct byte_view body)
{
    struct update update;
    struct arena scratch;
    arena_init(&scratch);
    update_decode(body, &end->options, &scratch, &update);
    ASSERT(update.error.disposition == WIRE_ACCEPT);
    end->updates++;
    end->end_of_ribs |= update.end_of_rib;
    for (int i = 0; i < 2; i++) {
        struct nlri nlri;
        struct nlri_run run = update.unreachable[i];
        while (nlri_next(&run, &nlri)) {
            far_route_drop(end, &nlri);
        }
        run = update.reachable[i];
        while (nlri_next(&run, &nlri)) {
            far_route_put(end, &nlri, &update.attrs);
        }
    }
    arena_fini(&scratch);
}

static inline void far_answer_open(struct table_top *top, struct far_end *end)
{
    uint8_t bytes[512];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct open_message open = {.asn = end->asn, .hold_time_s = 0}; /* never too quiet */
    open.router_id =
        end->addr.family == IP_V4 ? ip_to_v4(&end->addr) : load_be32(end->addr.bytes + 12);
    open.capabilities.families = end->options.families;
    open.capabilities.has_any_multiprotocol = true;
    open.capabilities.route_refresh = true;
    open.capabilities.enhanced_refresh = end->has_enhanced_refresh;
    open.capabilities.as4 = true;
    open.capabilities.as4_asn = end->asn;
    open.capabilities.role = BGP_ROLE_NONE;
    open.capabilities.graceful_restart = end->has_restart;
    open.capabilities.restart_time_s = end->has_restart ? 60 : 0;
    open.capabilities.gr_families = end->has_restart ? end->options.families : 0;
    open.capabilities.gr_forwarding = open.capabilities.gr_families;
    open.capabilities.long_lived_gr = end->has_long_lived;
    open.capabilities.llgr_families = end->long_lived_s != 0 ? end->options.families : 0;
    open.capabilities.llgr_forwarding = open.capabilities.llgr_families;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        open.capabilities.llgr_stale_time_s[i] = end->long_lived_s;
    }
    open.capabilities.extended_next_hop = end->options.extended_next_hop;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        uint32_t bit = AFI_SAFI_BIT(i);
        open.capabilities.add_path[i] =
            (uint8_t)(((end->options.add_path_receive & bit) != 0 ? ADD_PATH_RECEIVE : 0) |
                      ((end->options.add_path_send & bit) != 0 ? ADD_PATH_SEND : 0));
    }
    open_encode(&writer, &open);
    keepalive_encode(&writer);
    ASSERT(!writer.failed);
    far_send(top, end, bytes, writer_size(&writer));
}

static inline void far_take_message(struct table_top *top, struct far_end *end,
                                    const struct message_view *message)
{
    struct notification notification;
    struct route_refresh refresh;
    switch (message->type) {
    case MESSAGE_OPEN:
        far_answer_open(top, end);
        end->is_up = true;
        break;
    case MESSAGE_UPDATE:
        far_take_update(end, message->body);
        break;
    case MESSAGE_NOTIFICATION:
        (void)notification_decode(message->body, &notification);
        end->notification_code = notification.code;
        end->notification_subcode = notification.subcode;
        end->notification_bytes = notification.data.size < 16 ? notification.data.size : 16;
        if (end->notification_bytes != 0) {
            memcpy(end->notification_data, notification.data.data, end->notification_bytes);
        }
        break;
    case MESSAGE_KEEPALIVE:
        break;
    case MESSAGE_ROUTE_REFRESH:
        (void)route_refresh_decode(message, true, &refresh);
        end->refresh_requests += refresh.kind == ROUTE_REFRESH_REQUEST;
        end->refresh_begins += refresh.kind == ROUTE_REFRESH_BEGIN;
        end->refresh_ends += refresh.kind == ROUTE_REFRESH_END;
        break;
    }
}

static inline void far_receive(struct table_top *top, struct far_end *end, struct byte_view bytes)
{
    ASSERT(end->size + bytes.size <= sizeof end->bytes);
    memcpy(end->bytes + end->size, bytes.data, bytes.size);
    end->size += bytes.size;
    for (;;) {
        struct message_view message;
        struct wire_error error;
        size_t taken = 0;
        struct byte_view view = {end->bytes, end->size};
        if (framer_next(view, 4096, &message, &taken, &error) != STATUS_OK) {
            break;
        }
        far_take_message(top, end, &message);
        memmove(end->bytes, end->bytes + taken, end->size - taken);
        end->size -= taken;
    }
}

static inline void far_forget(struct far_end *end)
{
    end->conn = 0;
    end->is_up = false;
    end->size = 0;
    end->route_count = 0;
    end->end_of_ribs = 0;
    arena_reset(&end->arena);
}

/* ---- Running ---- */

static inline void top_connect(struct table_top *top, const struct conn_setup_action *setup)
{
    struct far_end *end = NULL;
    for (uint32_t i = 0; i < top->end_count; i++) {
        if (ip_equal(&top->ends[i].addr, &setup->remote_addr)) {
            end = &top->ends[i];
        }
    }
    struct core_event event = {.kind = EVENT_CONN_FAILED};
    event.conn.conn = setup->conn;
    event.conn.remote_addr = setup->remote_addr;
    if (end == NULL || end->refuses_connects || end->conn != 0) {
        event.conn.error = 111;
        top_feed(top, &event);
        return;
    }
    far_forget(end);
    end->conn = setup->conn;
    snprintf(end->bound_to, sizeof end->bound_to, "%s", setup->bind_interface);
    event.kind = EVENT_CONN_OPENED;
    event.conn.local_addr = end->local;
    event.conn.local_port = 40000;
    event.conn.remote_port = 179;
    event.conn.ifindex = end->ifindex;
    event.conn.room_bytes = FAR_ROOM;
    top_feed(top, &event);
    event.kind = EVENT_CONN_ROOM;
    top_feed(top, &event);
}

static inline void top_act(struct table_top *top, const struct core_action *action)
{
    struct core_event event = {0};
    struct far_end *end = NULL;
    switch (action->kind) {
    case ACTION_CONNECT: {
        struct conn_setup_action setup = action->conn_setup;
        top_connect(top, &setup);
        break;
    }
    case ACTION_SEND: {
        size_t size = action->send.bytes.size;
        uint8_t *copy = malloc(size);
        memcpy(copy, action->send.bytes.data, size);
        conn_id conn = action->send.conn;
        end = far_end_by_conn(top, conn);
        if (end != NULL) {
            event.kind = EVENT_CONN_ROOM;
            event.conn.conn = conn;
            event.conn.room_bytes = (uint32_t)size;
            far_receive(top, end, (struct byte_view){copy, size});
            top_feed(top, &event);
        }
        free(copy);
        break;
    }
    case ACTION_CLOSE:
        end = far_end_by_conn(top, action->close.conn);
        if (end != NULL) {
            end->conn = 0;
            end->is_up = false;
        }
        break;
    case ACTION_FIB_ROUTE:
        top->fib_routes += action->fib_route.is_delete ? 0 : 1;
        top->last_fib_route = action->fib_route.route;
        event.kind = EVENT_FIB_RESULT;
        event.fib_result.operation = action->fib_route.operation;
        top_feed(top, &event);
        break;
    case ACTION_FIB_NEXTHOP:
        if (!action->fib_nexthop.is_delete && action->fib_nexthop.nexthop.member_count == 0) {
            top->last_nexthop = action->fib_nexthop.nexthop;
        }
        event.kind = EVENT_FIB_RESULT;
        event.fib_result.operation = action->fib_nexthop.operation;
        top_feed(top, &event);
        break;
    case ACTION_LOG:
        top->log_total[action->log.kind]++;
        top->logs[top->log_count++ % 64] = action->log;
        if (getenv("FAR_END_VERBOSE") != NULL) {
            char peer[IP_TEXT_BYTES];
            char prefix[PREFIX_TEXT_BYTES] = "-";
            if (action->log.prefix.family != IP_NONE) {
                prefix_format(&action->log.prefix, prefix);
            }
            fprintf(stderr, "log %s %s: %s\n", ip_format(&action->log.peer, peer), prefix,
                    action->log.text);
        }
        break;
    default:
        break;
    }
}

/* Everything that can happen without time passing. slice: work units per call. */
static inline void top_settle_slices(struct table_top *top, uint32_t slice)
{
    for (uint32_t turn = 0; turn < 1000000; turn++) {
        bool has_more = core_work(top->core, top->now, slice);
        bool has_acted = false;
        struct core_action action;
        while (core_take_action(top->core, &action)) {
            has_acted = true;
            top_act(top, &action);
        }
        if (!has_more && !has_acted) {
            return;
        }
    }
    ASSERT(false); /* it never comes to rest */
}

static inline void top_settle(struct table_top *top)
{
    top_settle_slices(top, 256);
}

static inline void top_wait_s(struct table_top *top, uint32_t seconds)
{
    struct mono_time end = mono_add(top->now, mono_span_s(seconds));
    for (;;) {
        top_settle(top);
        struct mono_time next = core_deadline(top->core);
        if (mono_before(end, next)) {
            break;
        }
        if (mono_before(top->now, next)) {
            top->now = next;
        }
        struct core_event event = {.kind = EVENT_TIME};
        top_feed(top, &event);
    }
    top->now = end;
    struct core_event event = {.kind = EVENT_TIME};
    top_feed(top, &event);
    top_settle(top);
}

static inline void top_link(struct table_top *top, uint32_t ifindex, const char *name,
                            const char *kind, const char *addr, uint8_t len_bits)
{
    struct core_event event = {.kind = EVENT_LINK};
    event.link.ifindex = ifindex;
    event.link.is_up = true;
    event.link.mtu = 1500;
    snprintf(event.link.name, sizeof event.link.name, "%s", name);
    snprintf(event.link.kind, sizeof event.link.kind, "%s", kind);
    top_feed(top, &event);
    if (addr != NULL) {
        struct core_event added = {.kind = EVENT_ADDR};
        added.addr.ifindex = ifindex;
        added.addr.addr = addr_of(addr);
        added.addr.len_bits = len_bits;
        top_feed(top, &added);
    }
    top_settle(top);
}

static inline struct far_end *top_far_end(struct table_top *top, const char *addr,
                                          const char *local, uint32_t asn, uint32_t ifindex)
{
    ASSERT(top->end_count < FAR_ENDS_MAX);
    struct far_end *end = &top->ends[top->end_count++];
    end->addr = addr_of(addr);
    end->local = addr_of(local);
    end->asn = asn;
    end->ifindex = ifindex;
    end->routes = calloc(FAR_ROUTES_MAX, sizeof *end->routes);
    end->options = (struct update_options){
        .as4 = true,
        .is_ebgp = true,
        .families = AFI_SAFI_BIT(end->addr.family == IP_V6 ? 1 : 0),
        .message_bytes_max = 4096,
    };
    arena_init(&end->arena);
    return end;
}

static inline void top_configure(struct table_top *top, struct config *config)
{
    struct core_event event = {.kind = EVENT_CONFIG, .config = config};
    top_feed(top, &event);
    top_settle(top);
}

static inline struct table_top *top_new(uint64_t seed)
{
    struct table_top *top = calloc(1, sizeof *top);
    top->now = (struct mono_time){INT64_C(1000000000000)};
    top->core = core_new(NULL, seed);
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    top_feed(top, &event);
    event.kind = EVENT_KERNEL_DUMP_END;
    top_feed(top, &event);
    top_settle(top);
    return top;
}

static inline void top_free(struct table_top *top)
{
    core_free(top->core);
    for (uint32_t i = 0; i < top->end_count; i++) {
        arena_fini(&top->ends[i].arena);
        free(top->ends[i].routes);
    }
    free(top);
}

/* ---- What far ends say ---- */

struct far_attrs {
    const uint32_t *asns;
    size_t asn_count;
    const char *next_hop; /* NULL: the far end itself */
    const uint32_t *communities;
    size_t community_count;
    bool has_med;
    uint32_t med;
    bool has_local_pref;
    uint32_t local_pref;
};

static inline struct path_attrs far_path_attrs(struct far_end *end, struct arena *arena,
                                               const struct far_attrs *wish)
{
    struct path_attrs attrs = {.present = PATH_ATTR_BIT(PATH_ATTR_ORIGIN) |
                                          PATH_ATTR_BIT(PATH_ATTR_AS_PATH) |
                                          PATH_ATTR_BIT(PATH_ATTR_NEXT_HOP)};
    attrs.next_hop = wish->next_hop == NULL ? end->addr : addr_of(wish->next_hop);
    if (wish->asn_count != 0) {
        attrs.as_path = as_path_from_asns(arena, wish->asns, wish->asn_count);
    }
    if (wish->community_count != 0) {
        uint8_t *octets = arena_alloc(arena, 4 * wish->community_count);
        for (size_t i = 0; i < wish->community_count; i++) {
            store_be32(octets + 4 * i, wish->communities[i]);
        }
        attrs.communities = (struct byte_view){octets, 4 * wish->community_count};
        path_attrs_set(&attrs, PATH_ATTR_COMMUNITIES);
    }
    if (wish->has_med) {
        attrs.med = wish->med;
        path_attrs_set(&attrs, PATH_ATTR_MED);
    }
    if (wish->has_local_pref) {
        attrs.local_pref = wish->local_pref;
        path_attrs_set(&attrs, PATH_ATTR_LOCAL_PREF);
    }
    return attrs;
}

/* attrs NULL withdraws. */
static inline void far_announce_paths(struct table_top *top, struct far_end *end,
                                      const char *const *prefixes, size_t count, uint32_t path_id,
                                      const struct path_attrs *attrs)
{
    uint8_t bytes[4096];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct update_builder builder;
    struct prefix first = prefix_of(prefixes[0]);
    enum status status =
        update_begin(&builder, &writer, &end->options, prefix_afi_safi(&first), attrs);
    ASSERT(status == STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        struct nlri nlri = {.prefix = prefix_of(prefixes[i]), .path_id = path_id};
        bool is_added = update_add(&builder, &nlri);
        ASSERT(is_added);
    }
    update_finish(&builder, &writer);
    far_send(top, end, bytes, writer_size(&writer));
}

static inline void far_announce_attrs(struct table_top *top, struct far_end *end,
                                      const char *const *prefixes, size_t count,
                                      const struct path_attrs *attrs)
{
    far_announce_paths(top, end, prefixes, count, 0, attrs);
}

static inline void far_announce_path(struct table_top *top, struct far_end *end, const char *prefix,
                                     uint32_t path_id, const struct far_attrs *wish)
{
    struct arena arena;
    arena_init(&arena);
    struct path_attrs attrs = far_path_attrs(end, &arena, wish);
    far_announce_paths(top, end, &prefix, 1, path_id, &attrs);
    arena_fini(&arena);
}

static inline void far_announce_with(struct table_top *top, struct far_end *end, const char *prefix,
                                     const struct far_attrs *wish)
{
    struct arena arena;
    arena_init(&arena);
    struct path_attrs attrs = far_path_attrs(end, &arena, wish);
    far_announce_attrs(top, end, &prefix, 1, &attrs);
    arena_fini(&arena);
}

/* With the far end's own AS as path. */
static inline void far_announce(struct table_top *top, struct far_end *end, const char *prefix)
{
    struct far_attrs wish = {.asns = &end->asn, .asn_count = 1};
    far_announce_with(top, end, prefix, &wish);
}

static inline void far_withdraw(struct table_top *top, struct far_end *end, const char *prefix)
{
    far_announce_attrs(top, end, &prefix, 1, NULL);
}

static inline void far_end_of_rib(struct table_top *top, struct far_end *end)
{
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof bytes);
    end_of_rib_encode(&writer,
                      end->addr.family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST);
    far_send(top, end, bytes, writer_size(&writer));
}

/* The far end breaks the connection. */
static inline void far_close(struct table_top *top, struct far_end *end)
{
    struct core_event event = {.kind = EVENT_CONN_CLOSED};
    event.conn.conn = end->conn;
    end->conn = 0;
    end->is_up = false;
    top_feed(top, &event);
}

/* ---- What the core shows ---- */

struct shown_paths {
    struct snapshot_path rows[64];
    uint32_t count;
    uint32_t total;
};

static inline void shown_row(void *context, const struct snapshot_path *path)
{
    struct shown_paths *shown = context;
    shown->total++;
    if (shown->count < 64) {
        shown->rows[shown->count++] = *path;
    }
}

static inline struct shown_paths show_table(struct table_top *top, enum snapshot_table table,
                                            const char *peer, const char *within)
{
    struct shown_paths shown = {.count = 0};
    struct snapshot_cursor cursor;
    struct ip_addr addr = {0};
    struct prefix prefix = {0};
    if (peer != NULL) {
        addr = addr_of(peer);
    }
    enum afi_safi afi_safi = addr.family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
    if (within != NULL) {
        prefix = prefix_of(within);
        afi_safi = prefix_afi_safi(&prefix);
    }
    enum status status = snapshot_open(top->core, table, afi_safi, peer == NULL ? NULL : &addr,
                                       within == NULL ? NULL : &prefix, within != NULL, &cursor);
    ASSERT(status == STATUS_OK);
    while (!cursor.is_done) {
        snapshot_read(top->core, &cursor, 3, shown_row, &shown);
    }
    return shown;
}

static inline const struct snapshot_path *shown_best(const struct shown_paths *shown)
{
    for (uint32_t i = 0; i < shown->count; i++) {
        if ((shown->rows[i].flags & ROUTE_BEST) != 0) {
            return &shown->rows[i];
        }
    }
    return NULL;
}

static inline struct snapshot_peer show_peer(struct table_top *top, const char *addr)
{
    struct ip_addr wanted = addr_of(addr);
    uint32_t index = 0;
    struct snapshot_peer peer = {0};
    bool is_found =
        snapshot_peer_find(top->core, &wanted, &index) && snapshot_peer(top->core, index, &peer);
    ASSERT(is_found);
    return peer;
}

#endif
