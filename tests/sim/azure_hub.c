/* The hub: what its four edges have learned from the CE, and how Azure chooses among that: longest
 * match, then the preference of the hub, then the AS path, then all that is left. */
#include "tests/sim/azure.h"

#include "proto/as_path.h"
#include "proto/base/hash.h"

static void read_row(void *context, const struct snapshot_path *path)
{
    struct azure_table *table = context;
    if (table->count < AZURE_ROUTES_MAX) {
        table->routes[table->count++] =
            (struct azure_route){path->prefix, (uint8_t)as_path_length(path->attrs.as_path)};
    }
}

void azure_hub_read(struct sim_world *world, uint32_t node)
{
    struct azure *azure = azure_of(world);
    struct azure_table *table = &azure->held[node];
    bool is_msee = node <= AZURE_MSEE1;
    uint32_t i = node - (is_msee ? AZURE_MSEE0 : AZURE_GATEWAY0);
    struct ip_addr peer = azure_addr(is_msee ? azure->plan->er_local[i] : azure->plan->inner_local);
    struct snapshot_cursor cursor;
    struct azure_table before = *table;
    table->count = 0;
    if (world->nodes[node].core != NULL && (is_msee || !azure->is_gateway_gone[i]) &&
        snapshot_open(world->nodes[node].core, SNAPSHOT_ADJ_IN_ACCEPTED,
                      azure->plan->family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST,
                      &peer, NULL, false, &cursor) == STATUS_OK) {
        while (!cursor.is_done) {
            snapshot_read(world->nodes[node].core, &cursor, 64, read_row, table);
        }
    }
    bool is_same = before.count == table->count;
    for (uint32_t k = 0; is_same && k < table->count; k++) {
        is_same = prefix_equal(&before.routes[k].prefix, &table->routes[k].prefix) &&
                  before.routes[k].path_length == table->routes[k].path_length;
    }
    azure->is_return_dirty = azure->is_return_dirty || !is_same;
}

/* Lower is better. */
static uint32_t rank(const struct azure *azure, uint32_t node, const struct azure_route *route)
{
    uint32_t is_vpn = node >= AZURE_GATEWAY0 ? 1 : 0;
    switch (azure->preference) {
    case AZURE_PREFERS_ER:
        return is_vpn << 8 | route->path_length;
    case AZURE_PREFERS_VPN:
        return (1 - is_vpn) << 8 | route->path_length;
    case AZURE_PREFERS_AS_PATH:
        break;
    }
    /* The MSEE puts its own AS in front before the hub sees the path. */
    return ((uint32_t)route->path_length + (1 - is_vpn)) << 1 | is_vpn;
}

uint32_t azure_hub_ways(const struct azure *azure, const struct ip_addr *addr)
{
    uint32_t ways = 0;
    int len_bits = -1;
    uint32_t best = 0;
    for (uint32_t node = AZURE_MSEE0; node < AZURE_NODE_COUNT; node++) {
        for (uint32_t i = 0; i < azure->held[node].count; i++) {
            const struct azure_route *route = &azure->held[node].routes[i];
            if (!prefix_contains_ip(&route->prefix, addr) || route->prefix.len_bits < len_bits) {
                continue;
            }
            uint32_t own = rank(azure, node, route);
            if (route->prefix.len_bits > len_bits || own < best) {
                len_bits = route->prefix.len_bits;
                best = own;
                ways = 0;
            }
            ways |= own == best ? 1u << node : 0;
        }
    }
    return ways;
}

bool azure_hub_has_clear(const struct azure *azure, const struct ip_addr *addr)
{
    for (uint32_t node = AZURE_MSEE0; node <= AZURE_MSEE1; node++) {
        for (uint32_t i = 0; i < azure->held[node].count; i++) {
            if (prefix_contains_ip(&azure->held[node].routes[i].prefix, addr)) {
                return true;
            }
        }
    }
    return false;
}
