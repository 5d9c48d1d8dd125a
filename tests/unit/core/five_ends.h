/* Five neighbours on links of their own around one core: three external, two internal. */
#ifndef TESTS_UNIT_CORE_FIVE_ENDS_H
#define TESTS_UNIT_CORE_FIVE_ENDS_H

#include "tests/unit/core/far_end.h"
#include "tests/unit/unit.h"

#define A "192.0.2.2"  /* eBGP 64501 */
#define B "192.0.2.6"  /* eBGP 64502 */
#define C "192.0.2.10" /* iBGP */
#define D "192.0.2.14" /* iBGP */
#define E "192.0.2.18" /* eBGP 64501 again */

static inline struct config *five_config(void)
{
    struct config *config = config_begin(65001);
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, A, 64501);
    config_neighbor_add(config, B, 64502);
    config_neighbor_add(config, C, 65001);
    config_neighbor_add(config, D, 65001);
    config_neighbor_add(config, E, 64501);
    return config;
}

static inline struct table_top *five(void)
{
    static const uint32_t asns[5] = {64501, 64502, 65001, 65001, 64501};
    struct table_top *top = top_new(5);
    for (uint32_t i = 0; i < 5; i++) {
        char name[16];
        char local[32];
        char remote[32];
        snprintf(name, sizeof name, "eth%u", i);
        snprintf(local, sizeof local, "192.0.2.%u", 4 * i + 1);
        snprintf(remote, sizeof remote, "192.0.2.%u", 4 * i + 2);
        top_link(top, 2 + i, name, "veth", local, 30);
        struct far_end *end = top_far_end(top, remote, local, asns[i], 2 + i);
        end->options.is_ebgp = asns[i] != 65001;
        end->has_enhanced_refresh = true;
    }
    return top;
}

static inline void five_up(struct table_top *top, struct config *config)
{
    top_configure(top, config);
    top_wait_s(top, 30);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert(top->ends[i].is_up);
    }
}

static inline struct prefix_list_def *one_prefix_list(struct config *config, const char *name,
                                                      const char *prefix, bool is_permit)
{
    struct prefix_list_def *list = arena_alloc(&config->arena, sizeof *list);
    struct prefix_list_entry_def *entry = arena_alloc(&config->arena, 2 * sizeof *entry);
    entry[0] = (struct prefix_list_entry_def){
        .sequence = 5, .is_permit = is_permit, .prefix = prefix_of(prefix), .le_bits = 32};
    entry[1] = (struct prefix_list_entry_def){
        .sequence = 10, .is_permit = true, .prefix = prefix_of("0.0.0.0/0"), .le_bits = 32};
    *list = (struct prefix_list_def){
        .name = name, .family = IP_V4, .entries = entry, .entry_count = is_permit ? 1 : 2};
    config->policy.prefix_lists = list;
    config->policy.prefix_list_count = 1;
    return list;
}

static inline struct route_map_def *one_route_map(struct config *config, const char *name,
                                                  const struct set_def *sets, size_t set_count)
{
    struct route_map_def *map = arena_alloc(&config->arena, sizeof *map);
    struct route_map_entry_def *entry = arena_alloc(&config->arena, sizeof *entry);
    *entry = (struct route_map_entry_def){
        .sequence = 10,
        .is_permit = true,
        .sets = arena_copy(&config->arena, sets, set_count * sizeof *sets),
        .set_count = set_count};
    *map = (struct route_map_def){.name = name, .entries = entry, .entry_count = 1};
    config->policy.route_maps = map;
    config->policy.route_map_count = 1;
    return map;
}

#endif
