#include "bgpd/core/router_id.h"

#include <string.h>

#include "proto/base/mem.h"

struct known_addr {
    uint32_t ifindex;
    uint32_t addr; /* host order */
};

struct router_id_pool {
    struct known_addr *addrs;
    uint32_t addr_count;
    uint32_t *loopbacks; /* interface indexes */
    uint32_t loopback_count;
    bool is_complete; /* the kernel has told all it has at least once */
    bool is_chosen;   /* core->router_id came from here, not from the configuration */
};

void router_id_init(struct core *core)
{
    core->router_ids = mem_alloc(MEM_MISC, sizeof *core->router_ids);
}

void router_id_fini(struct core *core)
{
    mem_free(MEM_MISC, core->router_ids->addrs);
    mem_free(MEM_MISC, core->router_ids->loopbacks);
    mem_free(MEM_MISC, core->router_ids);
    core->router_ids = NULL;
}

static bool is_on_loopback(const struct router_id_pool *pool, uint32_t ifindex)
{
    for (uint32_t i = 0; i < pool->loopback_count; i++) {
        if (pool->loopbacks[i] == ifindex) {
            return true;
        }
    }
    return false;
}

/* Highest address wins, any on a loopback before any other; 0 when there is none. */
static uint32_t choose(const struct router_id_pool *pool)
{
    uint32_t best = 0;
    bool best_is_loopback = false;
    for (uint32_t i = 0; i < pool->addr_count; i++) {
        bool is_loopback = is_on_loopback(pool, pool->addrs[i].ifindex);
        bool is_better = is_loopback == best_is_loopback ? pool->addrs[i].addr > best : is_loopback;
        if (is_better) {
            best = pool->addrs[i].addr;
            best_is_loopback = is_loopback;
        }
    }
    return best;
}

static void on_link(struct router_id_pool *pool, const struct link_event *link)
{
    bool is_known = is_on_loopback(pool, link->ifindex);
    bool is_loopback = link->is_loopback && !link->is_removed;
    if (is_loopback && !is_known) {
        pool->loopbacks = mem_realloc(MEM_MISC, pool->loopbacks,
                                      (pool->loopback_count + 1) * sizeof *pool->loopbacks);
        pool->loopbacks[pool->loopback_count++] = link->ifindex;
    }
    for (uint32_t i = 0; is_known && !is_loopback && i < pool->loopback_count; i++) {
        if (pool->loopbacks[i] == link->ifindex) {
            pool->loopbacks[i] = pool->loopbacks[--pool->loopback_count];
            return;
        }
    }
}

static void on_addr(struct router_id_pool *pool, const struct addr_event *event)
{
    struct ip_addr addr = event->addr;
    if (addr.family != IP_V4 || !ip_is_usable_next_hop(&addr)) {
        return; /* 127.0.0.1 identifies nobody. */
    }
    uint32_t host = ip_to_v4(&addr);
    for (uint32_t i = 0; i < pool->addr_count; i++) {
        if (pool->addrs[i].ifindex == event->ifindex && pool->addrs[i].addr == host) {
            if (event->is_removed) {
                pool->addrs[i] = pool->addrs[--pool->addr_count];
            }
            return;
        }
    }
    if (!event->is_removed) {
        pool->addrs =
            mem_realloc(MEM_MISC, pool->addrs, (pool->addr_count + 1) * sizeof *pool->addrs);
        pool->addrs[pool->addr_count++] = (struct known_addr){event->ifindex, host};
    }
}

void router_id_on_event(struct core *core, const struct core_event *event)
{
    struct router_id_pool *pool = core->router_ids;
    switch (event->kind) {
    case EVENT_LINK:
        on_link(pool, &event->link);
        return;
    case EVENT_ADDR:
        on_addr(pool, &event->addr);
        break;
    case EVENT_KERNEL_DUMP_END:
        pool->is_complete = true;
        break;
    default:
        return;
    }
    if (core->router_id != 0 || core->config == NULL || !pool->is_complete) {
        return;
    }
    core->router_id = choose(pool);
    pool->is_chosen = core->router_id != 0;
}

void router_id_apply_config(struct core *core)
{
    struct router_id_pool *pool = core->router_ids;
    struct opt_u32 configured = core->config->bgp.router_id;
    if (configured.is_set) {
        core->router_id = configured.value;
        pool->is_chosen = false;
    } else if (!pool->is_chosen) {
        core->router_id = pool->is_complete ? choose(pool) : 0;
        pool->is_chosen = core->router_id != 0;
    }
}
