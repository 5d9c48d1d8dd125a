/* Links and their addresses as the kernel tells them, and what others ask about them. Knows nothing
 * of routes beyond the connected prefixes it has kernel_routes.c keep in line. */
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/routes.h"
#include "proto/base/assert.h"

void *array_grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) {
        memset((uint8_t *)items + count * item_bytes, 0, item_bytes);
        return items;
    }
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    items = mem_realloc(MEM_FIB, items, *capacity * item_bytes);
    memset((uint8_t *)items + count * item_bytes, 0, (*capacity - count) * item_bytes);
    return items;
}

struct interface *interface_find(const struct core *core, uint32_t ifindex)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        struct interface *interface = CONTAINER_OF(node, struct interface, node);
        if (interface->link.ifindex == ifindex) {
            return interface;
        }
    }
    return NULL;
}

/* A packet handed to such an interface needs no neighbour address: the device is the next hop. */
bool interface_has_no_neighbors(const struct interface *interface)
{
    static const char *const kinds[] = {"xfrm", "vti", "vti6",   "tun",    "gre",
                                        "ipip", "sit", "ip6tnl", "ip6gre", "wireguard"};
    if (interface->link.is_point_to_point || interface->link.xfrm_if_id != 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(interface->link.kind, kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

static struct interface *interface_get(struct core *core, uint32_t ifindex)
{
    struct interface *interface = interface_find(core, ifindex);
    if (interface == NULL) {
        interface = mem_alloc(MEM_FIB, sizeof *interface);
        interface->link.ifindex = ifindex;
        list_append(&kernel_of(core)->interfaces, &interface->node);
    }
    return interface;
}

static void interface_free(struct interface *interface)
{
    list_remove(&interface->node);
    mem_free(MEM_FIB, interface->addrs);
    mem_free(MEM_FIB, interface);
}

void interfaces_free(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        interface_free(CONTAINER_OF(node, struct interface, node));
    }
}

/* The failover first: groups are replaced inside kernel_settle before anybody else hears of it. */
static void state_changed(struct core *core, uint32_t ifindex, bool was_up, bool is_up)
{
    struct kernel_side *ks = kernel_of(core);
    nexthops_mark_interface(core, ifindex);
    if (was_up && !is_up) {
        const char *name = kernel_interface_name(core, ifindex);
        failover_begin(core, "interface %s down", name == NULL ? "gone" : name);
        fib_groups_on_link_down(core, ifindex);
    }
    tunnels_on_interfaces(core);
    ks->pins_dirty = true;
    ks->statics_dirty = true;
    ks->announcements_dirty = true;
    kernel_settle(core);
    own_routes_rewrite_interface(core, ifindex);
    if (is_up) {
        fib_retry_soon(core);
    }
    if (was_up != is_up) {
        peers_on_interface_change(core, ifindex, is_up);
    }
}

static void interface_gone(struct core *core, struct interface *interface)
{
    uint32_t ifindex = interface->link.ifindex;
    bool was_up = interface->link.is_up;
    interface->link.is_up = false;
    interface->addr_count = 0;
    nexthops_mark_interface(core, ifindex);
    core_log(core, LOG_LINK, LOG_SEVERITY_NOTICE, NULL, NULL, "interface %s removed",
             interface->link.name);
    interface_free(interface);
    connected_remove_interface(core, ifindex);
    state_changed(core, ifindex, was_up, false);
    peers_on_address_gone(core);
}

void interface_on_link(struct core *core, const struct link_event *event)
{
    struct interface *interface = interface_find(core, event->ifindex);
    if (event->is_removed) {
        if (interface != NULL) {
            interface_gone(core, interface);
        }
        return;
    }
    interface = interface_get(core, event->ifindex);
    struct link_event old = interface->link;
    interface->is_seen = true;
    interface->link = *event;
    interface->link.name[sizeof interface->link.name - 1] = 0;
    interface->link.kind[sizeof interface->link.kind - 1] = 0;
    bool is_renamed = strcmp(old.name, interface->link.name) != 0;
    bool is_other_kind = strcmp(old.kind, interface->link.kind) != 0 ||
                         old.is_point_to_point != event->is_point_to_point ||
                         old.is_loopback != event->is_loopback;
    if (old.is_up == event->is_up && !is_renamed && !is_other_kind) {
        return;
    }
    if (old.is_up != event->is_up && old.name[0] != 0) {
        core_log(core, LOG_LINK, LOG_SEVERITY_NOTICE, NULL, NULL, "interface %s is %s",
                 interface->link.name, event->is_up ? "up" : "down");
    }
    /* Next hops that used the old state are marked before connected prefixes go. */
    nexthops_mark_interface(core, event->ifindex);
    connected_update(core, interface);
    state_changed(core, event->ifindex, old.is_up, event->is_up);
}

static struct interface_addr *addr_find(struct interface *interface, const struct addr_event *event)
{
    for (uint32_t i = 0; i < interface->addr_count; i++) {
        struct interface_addr *item = &interface->addrs[i];
        if (ip_equal(&item->addr, &event->addr) && item->len_bits == event->len_bits) {
            return item;
        }
    }
    return NULL;
}

void interface_on_addr(struct core *core, const struct addr_event *event)
{
    if (event->len_bits > ip_family_bits(event->addr.family) || event->addr.family == IP_NONE) {
        return;
    }
    struct interface *interface = interface_find(core, event->ifindex);
    if (event->is_removed && interface == NULL) {
        return;
    }
    interface = interface_get(core, event->ifindex);
    struct interface_addr *item = addr_find(interface, event);
    if (item != NULL && !event->is_removed) {
        bool is_same = ip_equal(&item->peer, &event->peer);
        item->is_seen = true;
        item->peer = event->peer;
        if (is_same) {
            return;
        }
    } else if (item == NULL && !event->is_removed) {
        interface->addrs = array_grow(interface->addrs, interface->addr_count,
                                      &interface->addr_capacity, sizeof *item);
        interface->addrs[interface->addr_count++] = (struct interface_addr){
            .addr = event->addr, .peer = event->peer, .len_bits = event->len_bits, .is_seen = true};
    } else if (item != NULL) {
        uint32_t at = (uint32_t)(item - interface->addrs);
        memmove(item, item + 1, (interface->addr_count - at - 1) * sizeof *item);
        interface->addr_count--;
    } else {
        return;
    }
    struct prefix host = prefix_host(&event->addr);
    nexthops_mark_prefix(core, &host);
    connected_update(core, interface);
    state_changed(core, event->ifindex, interface->link.is_up, interface->link.is_up);
    if (event->is_removed) {
        peers_on_address_gone(core);
    }
}

void interfaces_dump_begin(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        struct interface *interface = CONTAINER_OF(node, struct interface, node);
        interface->is_seen = false;
        for (uint32_t i = 0; i < interface->addr_count; i++) {
            interface->addrs[i].is_seen = false;
        }
    }
}

static void drop_unseen_addrs(struct core *core, struct interface *interface)
{
    uint32_t i = 0;
    while (i < interface->addr_count) {
        if (interface->addrs[i].is_seen) {
            i++;
            continue;
        }
        struct addr_event gone = {.ifindex = interface->link.ifindex,
                                  .is_removed = true,
                                  .addr = interface->addrs[i].addr,
                                  .len_bits = interface->addrs[i].len_bits};
        interface_on_addr(core, &gone);
    }
}

void interfaces_dump_end(struct core *core)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        struct interface *interface = CONTAINER_OF(node, struct interface, node);
        if (!interface->is_seen) {
            interface_gone(core, interface);
        } else {
            drop_unseen_addrs(core, interface);
        }
    }
}

/* ---- What others ask ---- */

bool kernel_is_local_addr(const struct core *core, const struct ip_addr *addr)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        const struct interface *interface = CONTAINER_OF(node, struct interface, node);
        for (uint32_t i = 0; i < interface->addr_count; i++) {
            if (ip_equal(&interface->addrs[i].addr, addr)) {
                return true;
            }
        }
    }
    return false;
}

uint32_t kernel_connected_interface(const struct core *core, const struct ip_addr *addr)
{
    struct kernel_side *ks = kernel_of(core);
    if (ks->connected_asked.version != ks->locals_version ||
        !ip_equal(&ks->connected_asked.addr, addr)) {
        const struct local_route *local =
            local_route_match(core, addr, LOCAL_KIND_BIT(LOCAL_CONNECTED), 0);
        ks->connected_asked.version = ks->locals_version;
        ks->connected_asked.addr = *addr;
        ks->connected_asked.ifindex = local == NULL ? 0 : local->route.legs[0].ifindex;
    }
    return ks->connected_asked.ifindex;
}

bool kernel_interface_is_up(const struct core *core, uint32_t ifindex)
{
    const struct interface *interface = interface_find(core, ifindex);
    return interface != NULL && interface->link.is_up;
}

const char *kernel_interface_name(const struct core *core, uint32_t ifindex)
{
    const struct interface *interface = interface_find(core, ifindex);
    return interface == NULL || interface->link.name[0] == 0 ? NULL : interface->link.name;
}

uint32_t kernel_interface_by_name(const struct core *core, const char *name)
{
    LIST_FOREACH(node, &kernel_of(core)->interfaces)
    {
        const struct interface *interface = CONTAINER_OF(node, struct interface, node);
        if (strcmp(interface->link.name, name) == 0) {
            return interface->link.ifindex;
        }
    }
    return 0;
}

struct ip_addr kernel_interface_addr(const struct core *core, uint32_t ifindex, uint8_t family)
{
    const struct interface *interface = interface_find(core, ifindex);
    for (uint32_t i = 0; interface != NULL && i < interface->addr_count; i++) {
        const struct ip_addr *addr = &interface->addrs[i].addr;
        if (addr->family == family && !ip_is_link_local(addr)) {
            return *addr;
        }
    }
    return (struct ip_addr){.family = IP_NONE};
}

struct ip_addr kernel_interface_link_local(const struct core *core, uint32_t ifindex)
{
    const struct interface *interface = interface_find(core, ifindex);
    for (uint32_t i = 0; interface != NULL && i < interface->addr_count; i++) {
        if (ip_is_link_local(&interface->addrs[i].addr)) {
            return interface->addrs[i].addr;
        }
    }
    return (struct ip_addr){.family = IP_NONE};
}

static bool configured_class(const struct core *core, const char *name, enum path_class *class_out)
{
    for (size_t i = 0; core->config != NULL && i < core->config->interface_count; i++) {
        const struct config_interface *config = &core->config->interfaces[i];
        if (config->path_class.is_set && strcmp(config->name, name) == 0) {
            *class_out = (enum path_class)config->path_class.value;
            return true;
        }
    }
    return false;
}

enum path_class kernel_interface_class(const struct core *core, uint32_t ifindex)
{
    const struct interface *interface = interface_find(core, ifindex);
    enum path_class path_class;
    if (interface == NULL) {
        return PATH_CLASS_CLEAR;
    }
    if (configured_class(core, interface->link.name, &path_class)) {
        return path_class;
    }
    uint16_t tunnel_number = tunnel_by_ifindex(core, ifindex);
    if (tunnel_number != 0) {
        return (enum path_class)core->config->tunnels[tunnel_number - 1].path_class;
    }
    if (strcmp(interface->link.kind, "xfrm") == 0) {
        return PATH_CLASS_IPSEC;
    }
    return strcmp(interface->link.kind, "macsec") == 0 ? PATH_CLASS_MACSEC : PATH_CLASS_CLEAR;
}
