#include "bgpd/io/tunnel_watch.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/io/probe_watch.h"
#include "bgpd/io/vici_watch.h"
#include "bgpd/io/xfrm_watch.h"
#include "proto/base/list.h"
#include "proto/base/mem.h"

struct watched_tunnel {
    struct list_node node;
    uint16_t number;
    struct vici_watch *vici;
    char *vici_socket;
    char *vici_child;
    struct ip_addr local_endpoint;
    struct ip_addr remote_endpoint;
    struct probe_watch *probe;
    struct probe_setup probe_setup;
};

struct tunnel_watch {
    struct ev_loop *loop;
    struct evidence_hooks hooks;
    struct ack_source connections;
    struct xfrm_watch *xfrm;
    struct list_node tunnels;
};

static struct watched_tunnel *find(struct tunnel_watch *watch, uint16_t number)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        struct watched_tunnel *tunnel = CONTAINER_OF(node, struct watched_tunnel, node);
        if (tunnel->number == number) {
            return tunnel;
        }
    }
    return NULL;
}

static void vici_stop(struct watched_tunnel *tunnel)
{
    if (tunnel->vici != NULL) {
        vici_watch_free(tunnel->vici);
        tunnel->vici = NULL;
    }
    mem_free(MEM_IO, tunnel->vici_socket);
    mem_free(MEM_IO, tunnel->vici_child);
    tunnel->vici_socket = NULL;
    tunnel->vici_child = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void vici_set(struct tunnel_watch *watch, struct watched_tunnel *tunnel,
                     const struct config_tunnel *config)
{
    if (tunnel->vici != NULL && same_text(tunnel->vici_socket, config->vici_socket) &&
        same_text(tunnel->vici_child, config->vici_child) &&
        ip_equal(&tunnel->local_endpoint, &config->local_endpoint) &&
        ip_equal(&tunnel->remote_endpoint, &config->remote_endpoint)) {
        return;
    }
    vici_stop(tunnel);
    tunnel->vici_socket = mem_strdup(MEM_IO, config->vici_socket);
    tunnel->vici_child = mem_strdup(MEM_IO, config->vici_child);
    tunnel->local_endpoint = config->local_endpoint;
    tunnel->remote_endpoint = config->remote_endpoint;
    tunnel->vici = vici_watch_new(watch->loop, &watch->hooks, tunnel->number, config);
}

static void probe_stop(struct watched_tunnel *tunnel)
{
    if (tunnel->probe != NULL) {
        probe_watch_free(tunnel->probe);
        tunnel->probe = NULL;
    }
}

static bool same_probe(const struct probe_setup *a, const struct probe_setup *b)
{
    return strcmp(a->interface, b->interface) == 0 && ip_equal(&a->peer, &b->peer) &&
           ip_equal(&a->local, &b->local) && a->interval_ms == b->interval_ms &&
           a->multiplier == b->multiplier && a->kind == b->kind;
}

static void probe_set(struct tunnel_watch *watch, struct watched_tunnel *tunnel,
                      const struct tunnel_watch_action *action)
{
    const struct config_tunnel *config = action->tunnel;
    struct probe_setup setup = {.tunnel_number = tunnel->number,
                                .peer = action->probe_peer,
                                .local = action->probe_local,
                                .interval_ms = config->probe_interval_ms,
                                .multiplier = config->probe_multiplier,
                                .kind = config->probe_kind};
    snprintf(setup.interface, sizeof setup.interface, "%s",
             config->interface != NULL ? config->interface : config->name);
    if (tunnel->probe == NULL || !same_probe(&tunnel->probe_setup, &setup)) {
        probe_stop(tunnel);
        tunnel->probe_setup = setup;
        tunnel->probe = probe_watch_new(watch->loop, &watch->hooks, &watch->connections, &setup);
    }
    probe_watch_session(tunnel->probe, action->probe_conn, action->probe_hold_s);
}

static void forget(struct watched_tunnel *tunnel)
{
    vici_stop(tunnel);
    probe_stop(tunnel);
    list_remove(&tunnel->node);
    mem_free(MEM_IO, tunnel);
}

void tunnel_watch_set(struct tunnel_watch *watch, const struct tunnel_watch_action *action)
{
    struct watched_tunnel *tunnel = find(watch, action->tunnel_number);
    if (action->is_delete || (action->sources & LIVENESS_XFRM) == 0) {
        xfrm_watch_remove(watch->xfrm, action->tunnel_number);
    } else {
        xfrm_watch_put(watch->xfrm, action->tunnel_number, action->tunnel);
    }
    if (action->is_delete) {
        if (tunnel != NULL) {
            forget(tunnel);
        }
        return;
    }
    if (tunnel == NULL) {
        tunnel = mem_alloc(MEM_IO, sizeof *tunnel);
        tunnel->number = action->tunnel_number;
        list_append(&watch->tunnels, &tunnel->node);
    }
    if ((action->sources & LIVENESS_VICI) != 0) {
        vici_set(watch, tunnel, action->tunnel);
    } else {
        vici_stop(tunnel);
    }
    if ((action->sources & LIVENESS_PROBE) != 0) {
        probe_set(watch, tunnel, action);
    } else {
        probe_stop(tunnel);
    }
}

struct tunnel_watch *tunnel_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                      const struct ack_source *connections)
{
    struct tunnel_watch *watch = mem_alloc(MEM_IO, sizeof *watch);
    watch->loop = loop;
    watch->hooks = *hooks;
    watch->connections = *connections;
    watch->xfrm = xfrm_watch_new(loop, hooks);
    list_init(&watch->tunnels);
    return watch;
}

void tunnel_watch_free(struct tunnel_watch *watch)
{
    LIST_FOREACH(node, &watch->tunnels)
    {
        forget(CONTAINER_OF(node, struct watched_tunnel, node));
    }
    xfrm_watch_free(watch->xfrm);
    mem_free(MEM_IO, watch);
}
