/* Tunnels and gateways: who is alive by which evidence. A tunnel is alive while its interface is up
 * and every configured source that knows anything says so. */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "proto/base/assert.h"

#define LIVENESS_WATCHED (LIVENESS_XFRM | LIVENESS_VICI | LIVENESS_PROBE)

static const char *const evidence_names[TUNNEL_EVIDENCE_COUNT] = {"interface", "xfrm", "vici",
                                                                  "probe", "bfd"};

/* ---- Gateways that BFD says are dead ---- */

static bool fact_matches(const struct bfd_fact *fact, const struct ip_addr *gateway,
                         uint32_t ifindex)
{
    return ip_equal(&fact->peer, gateway) &&
           (fact->ifindex == 0 || ifindex == 0 || fact->ifindex == ifindex);
}

bool gateway_is_dead(const struct core *core, const struct ip_addr *gateway, uint32_t ifindex)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->dead_gateway_count; i++) {
        if (fact_matches(&ks->dead_gateways[i], gateway, ifindex)) {
            return true;
        }
    }
    return false;
}

static void dead_gateway_set(struct core *core, const struct bfd_fact *fact, bool is_dead)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t at = 0;
    while (at < ks->dead_gateway_count && (!ip_equal(&ks->dead_gateways[at].peer, &fact->peer) ||
                                           ks->dead_gateways[at].ifindex != fact->ifindex)) {
        at++;
    }
    if (!is_dead) {
        if (at < ks->dead_gateway_count) {
            ks->dead_gateways[at] = ks->dead_gateways[--ks->dead_gateway_count];
        }
        return;
    }
    if (at == ks->dead_gateway_count) {
        ks->dead_gateways = array_grow(ks->dead_gateways, ks->dead_gateway_count,
                                       &ks->dead_gateway_capacity, sizeof *ks->dead_gateways);
        ks->dead_gateway_count++;
    }
    ks->dead_gateways[at] = *fact;
}

void kernel_gateway_answers(struct core *core, const struct ip_addr *addr)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t count_before = ks->dead_gateway_count;
    for (uint32_t i = ks->dead_gateway_count; i-- > 0;) {
        if (ip_equal(&ks->dead_gateways[i].peer, addr)) {
            ks->dead_gateways[i] = ks->dead_gateways[--ks->dead_gateway_count];
        }
    }
    if (ks->dead_gateway_count == count_before) {
        return;
    }
    core_log(
        core, LOG_PEER_UP, LOG_SEVERITY_WARNING, addr, NULL,
        "the session is back before BFD: until BFD follows, only the hold timer notices a failure");
    nexthops_mark_gateway(core, addr);
    ks->pins_dirty = true;
    ks->statics_dirty = true;
    kernel_settle(core);
}

/* ---- Look-ups ---- */

static struct tunnel *tunnel_at(const struct core *core, uint16_t tunnel_number)
{
    const struct kernel_side *ks = kernel_of(core);
    return tunnel_number == 0 || tunnel_number > ks->tunnel_count ? NULL
                                                                  : &ks->tunnels[tunnel_number - 1];
}

bool kernel_tunnel_is_alive(const struct core *core, uint16_t tunnel_number)
{
    const struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    return tunnel != NULL && tunnel->is_alive;
}

bool kernel_tunnel_was_dead(const struct core *core, uint16_t tunnel_number, struct mono_time since)
{
    const struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    return tunnel != NULL && (!tunnel->is_alive || mono_before(since, tunnel->since));
}

uint32_t kernel_tunnel_ifindex(const struct core *core, uint16_t tunnel_number)
{
    const struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    return tunnel == NULL ? 0 : tunnel->ifindex;
}

uint16_t tunnel_by_ifindex(const struct core *core, uint32_t ifindex)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->tunnel_count && ifindex != 0; i++) {
        if (ks->tunnels[i].ifindex == ifindex) {
            return (uint16_t)(i + 1);
        }
    }
    return 0;
}

uint16_t tunnel_by_endpoint(const struct core *core, const struct ip_addr *addr)
{
    const struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        if (ip_equal(&core->config->tunnels[i].remote_endpoint, addr)) {
            return (uint16_t)(i + 1);
        }
    }
    return 0;
}

uint32_t tunnel_underlay_classes(const struct config_tunnel *tunnel)
{
    return tunnel->underlay_classes != 0
               ? tunnel->underlay_classes
               : PATH_CLASS_BIT(PATH_CLASS_CLEAR) | PATH_CLASS_BIT(PATH_CLASS_MACSEC);
}

/* ---- Liveness ---- */

uint32_t tunnel_sources(const struct config_tunnel *config)
{
    return config->liveness == 0 ? LIVENESS_INTERFACE | LIVENESS_WATCHED | LIVENESS_BFD
                                 : config->liveness;
}

static bool judge(const struct config_tunnel *config, const struct tunnel *tunnel,
                  const char **source_out)
{
    *source_out = evidence_names[0];
    if (tunnel->ifindex == 0 || !tunnel->is_interface_up) {
        return false;
    }
    uint32_t sources = tunnel_sources(config);
    for (uint32_t i = 1; i < TUNNEL_EVIDENCE_COUNT; i++) {
        if ((sources & (1u << i)) != 0 && tunnel->evidence[i].is_known &&
            !tunnel->evidence[i].is_alive) {
            *source_out = evidence_names[i];
            return false;
        }
    }
    return true;
}

/* Marks what depends on the tunnel; the caller settles. */
static void tunnel_judge(struct core *core, uint16_t tunnel_number)
{
    struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    const struct config_tunnel *config = &core->config->tunnels[tunnel_number - 1];
    const char *source;
    bool is_alive = judge(config, tunnel, &source);
    if (is_alive == tunnel->is_alive) {
        return;
    }
    if (!is_alive) {
        failover_begin(core, "tunnel %s down, says its %s", config->name, source);
    }
    tunnel->is_alive = is_alive;
    tunnel->since = core->now;
    nexthops_mark_tunnel(core, tunnel_number);
    kernel_of(core)->pins_dirty = true;
    kernel_of(core)->announcements_dirty = true;
    core_log(core, LOG_TUNNEL, is_alive ? LOG_SEVERITY_NOTICE : LOG_SEVERITY_WARNING, NULL, NULL,
             "tunnel %s is %s%s%s", config->name, is_alive ? "up" : "down",
             is_alive ? "" : ", says its ", is_alive ? "" : source);
}

void tunnels_on_interfaces(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        struct tunnel *tunnel = &ks->tunnels[i];
        const char *name = core->config->tunnels[i].interface;
        uint32_t ifindex = name == NULL ? 0 : kernel_interface_by_name(core, name);
        bool is_up = ifindex != 0 && kernel_interface_is_up(core, ifindex);
        if (ifindex == tunnel->ifindex && is_up == tunnel->is_interface_up) {
            continue;
        }
        if (ifindex != tunnel->ifindex) {
            ks->faults_dirty = true; /* the class of an interface has changed */
            kernel_settle_soon(core);
            nexthops_mark_tunnel(core, (uint16_t)(i + 1));
        }
        tunnel->ifindex = ifindex;
        tunnel->is_interface_up = is_up;
        tunnel->evidence[0] =
            (struct tunnel_evidence){.is_known = true, .is_alive = is_up, .since = core->now};
        snprintf(tunnel->evidence[0].detail, sizeof tunnel->evidence[0].detail, "interface %s %s",
                 name == NULL ? "?" : name,
                 ifindex == 0 ? "is absent"
                 : is_up      ? "is up"
                              : "is down");
        nexthops_mark_tunnel(core, (uint16_t)(i + 1));
        ks->pins_dirty = true;
        ks->announcements_dirty = true;
        tunnel_judge(core, (uint16_t)(i + 1));
    }
}

static void evidence_set(struct core *core, uint16_t tunnel_number, uint32_t source,
                         const struct tunnel_evidence *now)
{
    struct tunnel *tunnel = tunnel_at(core, tunnel_number);
    bool is_chosen = core->config->tunnels[tunnel_number - 1].liveness != 0;
    for (uint32_t i = 1; i < TUNNEL_EVIDENCE_COUNT; i++) {
        if (source != (1u << i)) {
            continue;
        }
        struct tunnel_evidence *evidence = &tunnel->evidence[i];
        struct tunnel_evidence old = *evidence;
        *evidence = *now;
        evidence->was_alive = old.was_alive || (now->is_known && now->is_alive);
        /* A source nobody asked for may be blind to this tunnel: what never saw it alive does not
         * see it dead either. */
        evidence->is_known = now->is_known && (is_chosen || evidence->was_alive);
        bool is_news = old.is_known != evidence->is_known || old.is_alive != evidence->is_alive;
        evidence->since = is_news ? core->now : old.since;
    }
    tunnel_judge(core, tunnel_number);
}

void tunnel_on_fact(struct core *core, const struct tunnel_fact *fact)
{
    if (tunnel_at(core, fact->tunnel_number) == NULL) {
        return; /* Evidence about a tunnel that has left the configuration. */
    }
    struct tunnel_evidence evidence = {.is_known = fact->is_known, .is_alive = fact->is_alive};
    snprintf(evidence.detail, sizeof evidence.detail, "%.*s", (int)sizeof fact->detail,
             fact->detail);
    evidence_set(core, fact->tunnel_number, fact->source, &evidence);
    kernel_settle(core);
}

/* A session over a tunnel may be watched by BFD: then it is evidence about the tunnel. */
static void tunnels_on_bfd(struct core *core, const struct bfd_fact *fact)
{
    struct kernel_side *ks = kernel_of(core);
    LIST_FOREACH(node, &ks->own_routes)
    {
        const struct own_route *own = CONTAINER_OF(node, struct own_route, node);
        struct ip_addr addr = prefix_addr(&own->local.route.prefix);
        if (own->local.kind == LOCAL_PIN_INNER && ip_equal(&addr, &fact->peer)) {
            struct tunnel_evidence evidence = {.is_known = !fact->is_admin_down,
                                               .is_alive = fact->is_up};
            snprintf(evidence.detail, sizeof evidence.detail, "%.*s", (int)sizeof fact->detail,
                     fact->detail);
            evidence_set(core, own->local.tunnel_number, LIVENESS_BFD, &evidence);
        }
    }
}

void tunnel_on_bfd(struct core *core, const struct bfd_fact *fact)
{
    /* RFC 5882 4.2: AdminDown is a wish of the operator over there, not a failure of the path. */
    dead_gateway_set(core, fact, !fact->is_up && !fact->is_admin_down);
    nexthops_mark_gateway(core, &fact->peer);
    if (!fact->is_up && !fact->is_admin_down) {
        char text[IP_TEXT_BYTES];
        failover_begin(core, "gateway %s down, says BFD", ip_format(&fact->peer, text));
    }
    tunnels_on_bfd(core, fact);
    kernel_of(core)->pins_dirty = true;
    kernel_of(core)->statics_dirty = true;
    kernel_settle(core);
    peers_on_bfd(core, fact);
}

/* ---- Configuration ---- */

static const struct tunnel *find_old(const struct config *old, const struct tunnel *tunnels,
                                     const char *name, uint32_t *index_out)
{
    for (uint32_t i = 0; old != NULL && i < old->tunnel_count; i++) {
        if (strcmp(old->tunnels[i].name, name) == 0) {
            *index_out = i;
            return &tunnels[i];
        }
    }
    return NULL;
}

/* The io knows tunnels by number: whoever moved is watched anew. */
static void watch_all(struct core *core, const struct config *old, uint32_t old_count,
                      const uint16_t *map)
{
    struct kernel_side *ks = kernel_of(core);
    for (uint32_t i = 0; i < old_count; i++) {
        const struct tunnel *tunnel = tunnel_at(core, map[i]);
        if ((tunnel == NULL || map[i] != i + 1) &&
            (tunnel_sources(&old->tunnels[i]) & LIVENESS_WATCHED) != 0) {
            tunnel_watch_update(core, (uint16_t)(i + 1), &old->tunnels[i], 0);
        }
    }
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        const struct config_tunnel *config = &core->config->tunnels[i];
        uint32_t sources = tunnel_sources(config) & LIVENESS_WATCHED;
        if (sources != 0 || ks->tunnels[i].watched != 0) {
            tunnel_watch_update(core, (uint16_t)(i + 1), config, sources);
        }
        ks->tunnels[i].watched = sources;
    }
}

void tunnels_apply_config(struct core *core, const struct config *old)
{
    struct kernel_side *ks = kernel_of(core);
    const struct config *config = core->config;
    uint32_t old_count = ks->tunnel_count;
    struct tunnel *old_tunnels = ks->tunnels;
    uint16_t *map = mem_alloc(MEM_FIB, (old_count + 1) * sizeof *map);
    for (uint32_t i = 0; i < old_count; i++) {
        map[i] = TUNNEL_NUMBER_GONE;
    }
    ks->tunnel_count = (uint32_t)config->tunnel_count;
    ks->tunnels = mem_alloc(MEM_FIB, (config->tunnel_count + 1) * sizeof(struct tunnel));
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        uint32_t index = 0;
        const struct tunnel *before = find_old(old, old_tunnels, config->tunnels[i].name, &index);
        ks->tunnels[i].since = core->now;
        if (before != NULL) {
            ks->tunnels[i] = *before;
            ks->tunnels[i].endpoint_pin = NULL;
            map[index] = (uint16_t)(i + 1);
        }
    }
    nexthops_renumber_tunnels(core, map, old_count);
    watch_all(core, old, old_count, map);
    mem_free(MEM_FIB, map);
    mem_free(MEM_FIB, old_tunnels);
    tunnels_on_interfaces(core);
    for (uint32_t i = 0; i < ks->tunnel_count; i++) {
        tunnel_judge(core, (uint16_t)(i + 1));
    }
}

void tunnels_free(struct core *core)
{
    mem_free(MEM_FIB, kernel_of(core)->tunnels);
    mem_free(MEM_FIB, kernel_of(core)->dead_gateways);
}
