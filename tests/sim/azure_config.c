/* Configurations as an operator would write them: the mission of the manual, changed by commits. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/azure.h"

#define CONFIG_TEXT_BYTES 4096u

struct text {
    char bytes[CONFIG_TEXT_BYTES];
    size_t used;
};

static void line(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text->bytes + text->used, CONFIG_TEXT_BYTES - text->used, format, args);
    va_end(args);
    ASSERT(written >= 0 && (size_t)written + 1 < CONFIG_TEXT_BYTES - text->used);
    text->used += (size_t)written;
    text->bytes[text->used++] = '\n';
}

static struct config *load(struct sim_world *world, const struct text *text)
{
    struct config *config = NULL;
    struct config_report report;
    config_report_init(&report);
    enum status status = config_load(azure_of(world)->loader, "sim.conf", CONFIG_FORMAT_TEXT,
                                     (struct byte_view){(const uint8_t *)text->bytes, text->used},
                                     &config, NULL, &report);
    if (status != STATUS_OK) {
        struct buffer out;
        buffer_init(&out, MEM_MISC);
        config_report_format(&report, &out);
        sim_fail(world, "a valid configuration is refused: %.*s", (int)out.size,
                 (const char *)out.data);
        fprintf(stderr, "%.*s\n%.*s\n", (int)text->used, text->bytes, (int)out.size,
                (const char *)out.data);
        buffer_fini(&out);
        config = config_new();
    }
    config_report_fini(&report);
    return config;
}

/* ---- The CE ---- */

static void ce_tunnels(const struct azure *azure, struct text *text)
{
    if (azure->plant == PLANT_WRONG_CLASS) {
        line(text, "interface er1");
        line(text, " path-class ipsec");
    }
    for (int i = azure->setup.lacks_tunnel0 ? 1 : 0; i < 2; i++) {
        line(text, "tunnel ipsec%d", i);
        line(text, " local-endpoint %s", azure->plan->local_endpoint);
        line(text, " remote-endpoint %s", azure->plan->remote_endpoint[i]);
        if (azure->setup.has_evidence) {
            line(text, " liveness interface xfrm probe");
        }
    }
    const char *guard = azure->setup.guard_is_blackhole ? " guard blackhole" : "";
    const char *overrule = azure->setup.overrules ? " overrule-foreign" : "";
    line(text, "protect %s require ipsec%s%s", azure->plan->hub_protected, guard, overrule);
    if (azure->setup.protects_spoke) {
        line(text, "protect %s require ipsec%s%s", azure->plan->spoke, guard, overrule);
    }
    if (azure->setup.er_is_primary) {
        line(text, "path-class clear weight 300");
    }
    if (azure->setup.has_static) {
        line(text, "%s route %s %s", azure->plan->family == IP_V6 ? "ipv6" : "ip",
             azure->plan->static_prefix, azure->plan->er_remote[0]);
    }
}

static void ce_neighbors(const struct azure *azure, struct text *text)
{
    const struct azure_plan *plan = azure->plan;
    for (int i = 0; i < 2; i++) {
        line(text, " neighbor %s azure-role msee", plan->er_remote[i]);
        if (azure->setup.is_shut[i]) {
            line(text, " neighbor %s shutdown", plan->er_remote[i]);
        }
    }
    for (int i = azure->setup.lacks_tunnel0 ? 1 : 0; i < 2; i++) {
        line(text, " neighbor %s azure-role vwan-hub tunnel ipsec%d", plan->inner_remote[i], i);
        if (plan->family == IP_V6) {
            line(text, " neighbor %s update-source %s", plan->inner_remote[i], plan->inner_local);
        }
        if (azure->setup.is_shut[2 + i]) {
            line(text, " neighbor %s shutdown", plan->inner_remote[i]);
        }
    }
}

static void ce_networks(const struct azure *azure, struct text *text)
{
    const struct azure_plan *plan = azure->plan;
    const char *class = azure->plant == PLANT_CLEAR_ANNOUNCEMENT ? "" : " path-class ipsec";
    line(text, " address-family %s unicast", plan->family == IP_V6 ? "ipv6" : "ipv4");
    if (azure->setup.has_site) {
        line(text, "  network %s path-class clear", plan->site);
    }
    line(text, "  network %s%s", plan->site_ipsec, class);
    if (azure->setup.has_second_ipsec_network) {
        line(text, "  network %s path-class ipsec", plan->site_ipsec2);
    }
    if (azure->setup.is_active_standby) {
        line(text, "  neighbor %s weight 150", plan->inner_remote[1]);
    }
    if (azure->setup.is_single_path) {
        line(text, "  maximum-paths 1");
    }
    line(text, " exit-address-family");
}

struct config *azure_ce_config(struct sim_world *world)
{
    static const char *const covers[] = {"split", "hold", "allow"};
    const struct azure *azure = azure_of(world);
    struct text text = {.used = 0};
    uint8_t cover = azure->plant == PLANT_FAIL_OPEN ? COVER_ALLOW : azure->setup.cover;
    ce_tunnels(azure, &text);
    line(&text, "router bgp 65001");
    line(&text, " bgp router-id 192.168.255.1");
    if (azure->setup.has_graceful_restart) {
        line(&text, " bgp graceful-restart");
    }
    if (cover != COVER_SPLIT) {
        line(&text, " cover %s", covers[cover]);
    }
    ce_neighbors(azure, &text);
    ce_networks(azure, &text);
    return load(world, &text);
}

/* ---- The far ends ---- */

struct config *azure_far_config(struct sim_world *world, uint32_t node)
{
    const struct azure *azure = azure_of(world);
    const struct azure_plan *plan = azure->plan;
    bool is_msee = node <= AZURE_MSEE1;
    uint32_t i = node - (is_msee ? AZURE_MSEE0 : AZURE_GATEWAY0);
    const char *peer = is_msee ? plan->er_local[i] : plan->inner_local;
    struct text text = {.used = 0};
    line(&text, "router bgp %u", is_msee ? 12076u : 65515u);
    line(&text, " bgp router-id 10.254.0.%u", node);
    line(&text, " no bgp ebgp-requires-policy");
    if ((azure->helpers & (1u << node)) != 0) {
        line(&text, " bgp graceful-restart");
    }
    line(&text, " neighbor %s remote-as 65001", peer);
    if (is_msee) {
        line(&text, " neighbor %s bfd", peer);
    } else {
        line(&text, " neighbor %s ebgp-multihop 5", peer);
        line(&text, " neighbor %s update-source %s", peer, plan->inner_remote[i]);
    }
    line(&text, " address-family %s unicast", plan->family == IP_V6 ? "ipv6" : "ipv4");
    line(&text, "  neighbor %s activate", peer);
    if (is_msee && azure->is_limited[i]) {
        line(&text, "  neighbor %s maximum-prefix 2 restart 1", peer);
    }
    for (uint32_t k = 0; k < AZURE_HUB_PREFIXES_MAX; k++) {
        if ((azure->offers[node] & (1u << k)) != 0) {
            line(&text, "  network %s", plan->offers[k]);
        }
    }
    line(&text, " exit-address-family");
    return load(world, &text);
}

/* ---- Commits ---- */

uint16_t azure_tunnel_number(const struct azure *azure, uint32_t tunnel)
{
    if (azure->setup.lacks_tunnel0) {
        return (uint16_t)tunnel;
    }
    return (uint16_t)(tunnel + 1);
}

/* They count tunnels in the old way; whoever is watched anew is told anew. */
static void drop_tunnel_facts(struct sim_node *ce)
{
    for (uint32_t left = ce->kernel.facts.count; left > 0; left--) {
        struct core_event event;
        sim_queue_take(&ce->kernel.facts, &event);
        if (event.kind != EVENT_TUNNEL_FACT) {
            sim_queue_put(&ce->kernel.facts, &event);
        }
    }
}

void azure_commit(struct sim_world *world, uint32_t node)
{
    struct core_event event = {.kind = EVENT_CONFIG};
    if (node == AZURE_CE) {
        drop_tunnel_facts(azure_ce(world));
        azure_points_update(world); /* what stands in the file, whether or not it is read now */
    }
    if (world->nodes[node].core == NULL) {
        return;
    }
    event.config = node == AZURE_CE ? azure_ce_config(world) : azure_far_config(world, node);
    sim_feed(world, &world->nodes[node], &event);
}

void azure_setup_change(struct sim_world *world)
{
    struct azure_setup *setup = &azure_of(world)->setup;
    bool *const switches[] = {&setup->protects_spoke, &setup->guard_is_blackhole,
                              &setup->has_site,       &setup->has_second_ipsec_network,
                              &setup->er_is_primary,  &setup->is_active_standby,
                              &setup->has_evidence,   &setup->is_single_path,
                              &setup->has_static,     &setup->has_graceful_restart,
                              &setup->lacks_tunnel0,  &setup->is_shut[0],
                              &setup->is_shut[1],     &setup->is_shut[2],
                              &setup->is_shut[3],     &setup->overrules};
    uint32_t count = sizeof switches / sizeof switches[0];
    for (uint32_t changes = 1 + random_below(&world->random, 2); changes > 0; changes--) {
        uint32_t which = random_below(&world->random, count + 2);
        if (which < count) {
            *switches[which] = !*switches[which];
        } else {
            setup->cover = (uint8_t)random_below(&world->random, 3);
        }
    }
    sim_trace(world, NULL,
              "commit: cover %u, spoke %d, blackhole %d, site %d, second %d, ER primary %d, "
              "standby %d, evidence %d, single %d, static %d, GR %d, lacks %d, shut %d%d%d%d, "
              "overrule %d",
              setup->cover, setup->protects_spoke, setup->guard_is_blackhole, setup->has_site,
              setup->has_second_ipsec_network, setup->er_is_primary, setup->is_active_standby,
              setup->has_evidence, setup->is_single_path, setup->has_static,
              setup->has_graceful_restart, setup->lacks_tunnel0, setup->is_shut[0],
              setup->is_shut[1], setup->is_shut[2], setup->is_shut[3], setup->overrules);
}

void azure_start(struct sim_world *world, uint32_t node)
{
    struct azure *azure = azure_of(world);
    struct sim_node *started = &world->nodes[node];
    if (started->core != NULL) {
        return;
    }
    for (uint32_t i = 0; node == AZURE_CE && i < 2; i++) {
        azure->bfd[i] = (struct azure_watch){0};
        azure->probe[i] = (struct azure_watch){0};
        azure->tunnel_sources[i] = 0;
    }
    if (node == AZURE_MSEE0 || node == AZURE_MSEE1) {
        azure->far_bfd[node - AZURE_MSEE0] = (struct azure_watch){0};
    }
    if (node == AZURE_CE) {
        azure->able_since = world->now;
    }
    sim_trace(world, started, "starts");
    sim_node_start(world, started);
    azure_commit(world, node);
}
