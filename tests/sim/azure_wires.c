/* Addresses and wires: two links to the MSEEs, two tunnels through them, and whether a packet gets
 * from one end to the other as the kernels and the hub stand now. */
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/azure.h"

const struct azure_plan azure_plan_v4 = {
    .name = "IPv4",
    .family = IP_V4,
    .er_bits = 30,
    .host_bits = 32,
    .er_local = {"172.16.0.1", "172.16.0.5"},
    .er_remote = {"172.16.0.2", "172.16.0.6"},
    .local_endpoint = "10.1.255.1",
    .remote_endpoint = {"10.51.230.4", "10.51.230.5"},
    .inner_local = "192.168.255.1",
    .inner_remote = {"10.51.230.12", "10.51.230.13"},
    .hub_protected = "10.51.230.0/23",
    .spoke = "10.60.0.0/16",
    .site = "10.1.0.0/16",
    .site_ipsec = "10.1.1.0/24",
    .site_ipsec2 = "10.1.2.0/25",
    .offers = {"10.51.230.0/23", "10.51.231.0/24", "10.51.231.192/26", "10.60.0.0/16",
               "10.60.128.0/17", "10.51.0.0/16", "10.51.230.8/29", "10.1.1.0/24"},
    .forward_points = {"10.51.230.0", "10.51.230.10", "10.51.230.12", "10.51.230.13",
                       "10.51.231.10", "10.51.231.200", "10.51.231.255", "10.60.1.1", "10.60.200.1",
                       "10.60.255.255"},
    .return_points = {"10.1.1.0", "10.1.1.77", "10.1.1.255", "10.1.2.1", "10.1.2.127", "10.1.2.128",
                      "10.1.200.1"},
    .static_prefix = "10.60.192.0/18",
    .foreign = {"0.0.0.0/0", "10.51.231.128/25", "10.60.0.0/20", "10.0.0.0/8", "10.51.231.0/24",
                "10.51.231.10/32", "10.51.230.4/32", "10.51.230.5/32"},
};

const struct azure_plan azure_plan_v6 = {
    .name = "IPv6",
    .family = IP_V6,
    .er_bits = 126,
    .host_bits = 128,
    .er_local = {"fd16::1", "fd16::5"},
    .er_remote = {"fd16::2", "fd16::6"},
    .local_endpoint = "fd01:255::1",
    .remote_endpoint = {"fd51:230::4", "fd51:230::5"},
    .inner_local = "fd92::1",
    .inner_remote = {"fd51:230::12", "fd51:230::13"},
    .hub_protected = "fd51:230::/31",
    .spoke = "fd60::/16",
    .site = "fd01::/16",
    .site_ipsec = "fd01:1::/32",
    .site_ipsec2 = "fd01:2::/33",
    .offers = {"fd51:230::/31", "fd51:231::/32", "fd51:231:c000::/34", "fd60::/16",
               "fd60:8000::/17", "fd51::/16", "fd51:230::10/124", "fd01:1::/32"},
    .forward_points = {"fd51:230::", "fd51:230::a", "fd51:230::12", "fd51:230::13", "fd51:231::a",
                       "fd51:231:c800::1", "fd51:231:ffff::1", "fd60:1::1", "fd60:9000::1"},
    .return_points = {"fd01:1::", "fd01:1::77", "fd01:1:ffff::1", "fd01:2::1", "fd01:2:7fff::1",
                      "fd01:2:8000::1", "fd01:200::1"},
    .static_prefix = "fd60:8000::/18",
    .foreign = {"::/0", "fd51:231:8000::/33", "fd60::/20", "fd00::/8", "fd51:231::/32",
                "fd51:231::a/128", "fd51:230::4/128", "fd51:230::5/128"},
};

struct ip_addr azure_addr(const char *text)
{
    struct ip_addr addr;
    enum status status = ip_parse(text, &addr);
    ASSERT(status == STATUS_OK);
    return addr;
}

struct prefix azure_prefix(const char *text)
{
    struct prefix prefix;
    enum status status = prefix_parse(text, &prefix);
    ASSERT(status == STATUS_OK);
    return prefix;
}

/* ---- Building ---- */

static void link_with(struct sim_node *node, uint32_t slot, const char *name, const char *kind,
                      const char *addr, uint8_t len_bits)
{
    model_kernel_link_put(&node->kernel.model, slot, name, kind);
    if (addr != NULL) {
        struct ip_addr parsed = azure_addr(addr);
        model_kernel_addr_put(&node->kernel.model, slot, &parsed, len_bits);
    }
}

static void build_ce(struct sim_world *world)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    struct sim_node *ce = azure_ce(world);
    struct ip_addr inner = azure_addr(plan->inner_local);
    link_with(ce, SLOT_LO, "lo", "", plan->local_endpoint, plan->host_bits);
    model_kernel_addr_put(&ce->kernel.model, SLOT_LO, &inner, plan->host_bits);
    link_with(ce, SLOT_ER0, "er1", "veth", plan->er_local[0], plan->er_bits);
    link_with(ce, SLOT_ER1, "er2", "veth", plan->er_local[1], plan->er_bits);
    link_with(ce, SLOT_TUN0, "ipsec0", "xfrm", NULL, 0);
    link_with(ce, SLOT_TUN1, "ipsec1", "xfrm", NULL, 0);
    link_with(ce, SLOT_MGMT, "mgmt0", "veth", NULL, 0);
    ce->kernel.model.ignores_linkdown = sim_chance(world, 2);
}

static void build_far(struct sim_world *world, uint32_t i)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    link_with(&world->nodes[AZURE_MSEE(i)], 2, "eth0", "veth", plan->er_remote[i], plan->er_bits);
    struct sim_node *gateway = &world->nodes[AZURE_GATEWAY(i)];
    link_with(gateway, 1, "lo", "", plan->inner_remote[i], plan->host_bits);
    link_with(gateway, 2, "tun0", "tun", NULL, 0);
    struct ip_addr inner = azure_addr(plan->inner_local);
    struct fib_route host = {.prefix = prefix_host(&inner),
                             .table = CONFIG_FIB_TABLE_DEFAULT,
                             .protocol = 4,
                             .type = FIB_ROUTE_UNICAST,
                             .leg_count = 1};
    host.legs[0] = (struct fib_leg){.ifindex = 2, .weight = 1};
    model_kernel_route_put(&gateway->kernel.model, &host);
}

void azure_build(struct sim_world *world)
{
    struct azure *azure = azure_of(world);
    build_ce(world);
    for (uint32_t i = 0; i < 2; i++) {
        build_far(world, i);
    }
    for (uint32_t i = 0; i < AZURE_NODE_COUNT; i++) {
        azure->far_restart_at[i] = MONO_NEVER;
        /* Most announce the hub and the spoke, the first two kinds of offer that are harmless. */
        azure->offers[i] = 1u << 0 | 1u << 3;
    }
    azure->restart_at = MONO_NEVER;
    azure->next_ifindex = 100;
}

/* ---- Packets ---- */

bool azure_er_passes(const struct sim_world *world, uint32_t link)
{
    const struct azure *azure = azure_of(world);
    return model_kernel_carries(&world->nodes[AZURE_CE].kernel.model.links[SLOT_ER0 + link]) &&
           !azure->is_er_silent[link];
}

/* One flow takes one of several ways, always the same one. */
static uint32_t pick(uint32_t ways, uint32_t flow)
{
    uint32_t skip = flow % (uint32_t)__builtin_popcount(ways);
    while (skip-- > 0) {
        ways &= ways - 1;
    }
    return (uint32_t)__builtin_ctz(ways);
}

static bool outer_there(const struct sim_world *world, uint32_t tunnel)
{
    const struct azure *azure = azure_of(world);
    struct ip_addr endpoint = azure_addr(azure->plan->remote_endpoint[tunnel]);
    uint32_t ways = model_kernel_ways(&world->nodes[AZURE_CE].kernel.model, &endpoint, NULL);
    if (ways == 0) {
        return false;
    }
    uint32_t slot = pick(ways, tunnel);
    return (slot == SLOT_ER0 || slot == SLOT_ER1) && azure_er_passes(world, slot - SLOT_ER0);
}

static bool outer_back(const struct sim_world *world, uint32_t tunnel)
{
    const struct azure *azure = azure_of(world);
    struct ip_addr endpoint = azure_addr(azure->plan->local_endpoint);
    uint32_t ways = azure_hub_ways(azure, &endpoint);
    if (ways == 0) {
        return false;
    }
    uint32_t node = pick(ways, tunnel);
    return node <= AZURE_MSEE1 && azure_er_passes(world, node - AZURE_MSEE0);
}

static bool has_addr(struct sim_world *world, const char *text)
{
    struct ip_addr addr = azure_addr(text);
    return model_kernel_is_local(&azure_ce(world)->kernel.model, &addr);
}

bool azure_underlay_passes(struct sim_world *world, uint32_t tunnel)
{
    return !azure_of(world)->is_gateway_gone[tunnel] &&
           has_addr(world, azure_of(world)->plan->local_endpoint) && outer_there(world, tunnel) &&
           outer_back(world, tunnel);
}

bool azure_tunnel_passes(struct sim_world *world, uint32_t tunnel)
{
    const struct azure *azure = azure_of(world);
    return model_kernel_carries(&azure_ce(world)->kernel.model.links[SLOT_TUN0 + tunnel]) &&
           azure->has_sa[tunnel] && azure->has_gateway_sa[tunnel] &&
           azure_underlay_passes(world, tunnel);
}

bool azure_passes(struct sim_world *world, const struct sim_wire *wire)
{
    return wire->way < 2 ? azure_er_passes(world, wire->way)
                         : azure_tunnel_passes(world, wire->way - 2) &&
                               has_addr(world, azure_of(world)->plan->inner_local);
}

/* ---- Connections ---- */

static bool same(const struct ip_addr *addr, const char *text)
{
    struct ip_addr other = azure_addr(text);
    return ip_equal(addr, &other);
}

static bool find_from_ce(struct sim_world *world, const struct conn_setup_action *setup,
                         struct sim_wire *wire)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    const struct model_link *links = azure_ce(world)->kernel.model.links;
    for (uint32_t i = 0; i < 2; i++) {
        if (same(&setup->remote_addr, plan->er_remote[i])) {
            *wire = (struct sim_wire){.nodes = {AZURE_CE, AZURE_MSEE(i)},
                                      .addrs = {azure_addr(plan->er_local[i]), setup->remote_addr},
                                      .ifindex = 2,
                                      .way = AZURE_WAY_ER(i)};
            return true;
        }
        if (!same(&setup->remote_addr, plan->inner_remote[i])) {
            continue;
        }
        if (strcmp(setup->bind_interface, links[SLOT_TUN0 + i].name) != 0) {
            sim_fail(world, "the session with gateway %u is bound to \"%s\", not to its tunnel", i,
                     setup->bind_interface);
        }
        *wire = (struct sim_wire){.nodes = {AZURE_CE, AZURE_GATEWAY(i)},
                                  .addrs = {setup->local_addr, setup->remote_addr},
                                  .ifindex = 2,
                                  .way = AZURE_WAY_TUN(i)};
        return same(&setup->local_addr, plan->inner_local);
    }
    return false;
}

bool azure_find(struct sim_world *world, const struct sim_node *from,
                const struct conn_setup_action *setup, struct sim_wire *wire_out)
{
    const struct azure_plan *plan = azure_of(world)->plan;
    if (from->number == AZURE_CE) {
        return find_from_ce(world, setup, wire_out);
    }
    bool is_msee = from->number <= AZURE_MSEE1;
    uint32_t i = from->number - (is_msee ? AZURE_MSEE0 : AZURE_GATEWAY0);
    uint32_t slot = is_msee ? SLOT_ER0 + i : SLOT_TUN0 + i;
    const char *remote = is_msee ? plan->er_local[i] : plan->inner_local;
    const char *local = is_msee ? plan->er_remote[i] : plan->inner_remote[i];
    *wire_out = (struct sim_wire){.nodes = {from->number, AZURE_CE},
                                  .addrs = {azure_addr(local), setup->remote_addr},
                                  .ifindex = azure_ce(world)->kernel.model.links[slot].ifindex,
                                  .way = is_msee ? AZURE_WAY_ER(i) : AZURE_WAY_TUN(i)};
    return same(&setup->remote_addr, remote);
}
