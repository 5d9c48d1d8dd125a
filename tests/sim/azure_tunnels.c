/* What watches the paths: security associations that IKE makes and loses, BFD on the links, probes
 * through the tunnels. All of it judges by whether packets really pass. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/azure.h"

#define BFD_MISSED      3u
#define BFD_HEARD       4u
#define PROBES_MISSED   3u
#define PROBES_HEARD    2u
#define DPD_TICKS       100u /* half a minute */
#define SA_SETUP_ONE_IN 3u

/* ---- Facts ---- */

static void tell_tunnel(struct sim_world *world, uint32_t tunnel, uint32_t source, bool is_alive)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT};
    event.tunnel_fact.tunnel_number = azure_tunnel_number(azure_of(world), tunnel);
    event.tunnel_fact.source = source;
    event.tunnel_fact.is_known = true;
    event.tunnel_fact.is_alive = is_alive;
    snprintf(event.tunnel_fact.detail, sizeof event.tunnel_fact.detail, "simulated");
    if ((azure_of(world)->tunnel_sources[tunnel] & source) != 0 &&
        azure_of(world)->plant != PLANT_DEAF) {
        sim_kernel_fact(world, azure_ce(world), &event);
    }
}

void azure_sa_set(struct sim_world *world, uint32_t tunnel, bool is_there)
{
    struct azure *azure = azure_of(world);
    if (azure->has_sa[tunnel] != is_there) {
        sim_trace(world, NULL, "SA of tunnel %u %s", tunnel, is_there ? "is there" : "is gone");
    }
    azure->has_sa[tunnel] = is_there;
    tell_tunnel(world, tunnel, LIVENESS_XFRM, is_there);
}

static void tell_bfd(struct sim_world *world, uint32_t node, const struct azure_watch *watch,
                     bool is_admin_down)
{
    struct core_event event = {.kind = EVENT_BFD_STATE};
    event.bfd.peer = watch->peer;
    event.bfd.local = watch->local;
    event.bfd.is_up = watch->is_up;
    event.bfd.is_admin_down = is_admin_down;
    snprintf(event.bfd.detail, sizeof event.bfd.detail, "simulated");
    sim_trace(world, &world->nodes[node], "BFD %s", watch->is_up ? "up" : "down");
    sim_kernel_fact(world, &world->nodes[node], &event);
}

/* ---- Wishes of the cores ---- */

static void act_bfd(struct sim_world *world, uint32_t node, const struct bfd_session_action *action)
{
    struct azure *azure = azure_of(world);
    for (uint32_t i = 0; i < 2; i++) {
        bool is_ce = node == AZURE_CE;
        struct ip_addr remote = azure_addr(azure->plan->er_remote[i]);
        if (is_ce ? !ip_equal(&action->peer, &remote) : node != AZURE_MSEE(i)) {
            continue;
        }
        struct azure_watch *watch = is_ce ? &azure->bfd[i] : &azure->far_bfd[i];
        struct azure_watch *other = is_ce ? &azure->far_bfd[i] : &azure->bfd[i];
        if (action->is_delete && watch->is_active && other->is_active && other->is_up &&
            azure_er_passes(world, i)) {
            other->is_up = false;
            other->ticks = 0;
            tell_bfd(world, is_ce ? AZURE_MSEE(i) : AZURE_CE, other, true);
        }
        if (action->is_delete || !watch->is_active) {
            *watch = (struct azure_watch){.is_active = !action->is_delete};
        }
        watch->peer = action->peer;
        watch->local = action->local;
    }
}

static void act_tunnel(struct sim_world *world, const struct tunnel_watch_action *action)
{
    struct azure *azure = azure_of(world);
    uint32_t tunnel = strcmp(action->tunnel->name, "ipsec0") == 0 ? 0 : 1;
    azure->tunnel_sources[tunnel] = action->is_delete ? 0 : action->sources;
    bool probes = (azure->tunnel_sources[tunnel] & LIVENESS_PROBE) != 0;
    if (probes != azure->probe[tunnel].is_active) {
        azure->probe[tunnel] = (struct azure_watch){.is_active = probes};
    }
    tell_tunnel(world, tunnel, LIVENESS_XFRM, azure->has_sa[tunnel]);
    if (azure->probe[tunnel].has_been_up) {
        tell_tunnel(world, tunnel, LIVENESS_PROBE, azure->probe[tunnel].is_up);
    }
}

void azure_act(struct sim_world *world, struct sim_node *node, const struct core_action *action)
{
    if (action->kind == ACTION_BFD_SESSION) {
        act_bfd(world, node->number, &action->bfd_session);
    } else if (action->kind == ACTION_TUNNEL_WATCH && node->number == AZURE_CE) {
        act_tunnel(world, &action->tunnel_watch);
    }
}

/* ---- Every 300 ms ---- */

/* True when the watch changes its mind. */
static bool judge(struct azure_watch *watch, bool is_heard, uint32_t missed, uint32_t heard)
{
    if (!watch->is_active) {
        return false;
    }
    watch->ticks = watch->is_up == is_heard ? 0 : (uint8_t)(watch->ticks + 1);
    if (watch->ticks < (is_heard ? heard : missed)) {
        return false;
    }
    watch->is_up = is_heard;
    watch->has_been_up = watch->has_been_up || is_heard;
    watch->ticks = 0;
    return true;
}

static void tick_bfd(struct sim_world *world, uint32_t i)
{
    struct azure *azure = azure_of(world);
    bool is_heard =
        azure->bfd[i].is_active && azure->far_bfd[i].is_active && azure_er_passes(world, i);
    if (judge(&azure->bfd[i], is_heard, BFD_MISSED, BFD_HEARD)) {
        tell_bfd(world, AZURE_CE, &azure->bfd[i], false);
    }
    if (judge(&azure->far_bfd[i], is_heard, BFD_MISSED, BFD_HEARD)) {
        tell_bfd(world, AZURE_MSEE(i), &azure->far_bfd[i], false);
    }
}

static void tick_sa(struct sim_world *world, uint32_t i)
{
    struct azure *azure = azure_of(world);
    bool passes = azure_underlay_passes(world, i);
    bool has_device = !azure_ce(world)->kernel.model.links[SLOT_TUN0 + i].is_absent;
    azure->gone_ticks[i] = passes ? 0 : azure->gone_ticks[i] + 1;
    if (azure->gone_ticks[i] > DPD_TICKS && azure->has_sa[i] && !azure->is_ike_dead[i]) {
        azure_sa_set(world, i, false);
    }
    if ((!azure->has_sa[i] || !azure->has_gateway_sa[i]) && !azure->is_ike_dead[i] && passes &&
        has_device && sim_chance(world, SA_SETUP_ONE_IN)) {
        azure->has_gateway_sa[i] = true;
        azure_sa_set(world, i, true);
    }
}

static void tick_probe(struct sim_world *world, uint32_t i)
{
    struct azure_watch *watch = &azure_of(world)->probe[i];
    if (judge(watch, azure_tunnel_passes(world, i), PROBES_MISSED, PROBES_HEARD)) {
        sim_trace(world, NULL, "probe through tunnel %u: %s", i, watch->is_up ? "heard" : "lost");
        tell_tunnel(world, i, LIVENESS_PROBE, watch->is_up);
    }
}

void azure_tick(struct sim_world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        tick_bfd(world, i);
        tick_sa(world, i);
        tick_probe(world, i);
    }
}
