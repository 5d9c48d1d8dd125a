#include "bgpd/core/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"

/* ---- What protects a packet on one way ---- */

static const struct kernel_xfrm_policy *policy_of(const struct kernel_path *path, uint32_t if_id)
{
    for (uint8_t i = 0; i < path->policy_count; i++) {
        if (path->policies[i].if_id == if_id) {
            return &path->policies[i];
        }
    }
    return NULL;
}

static void say_policy(const struct kernel_xfrm_policy *policy, struct verify_hop *hop)
{
    char remote[IP_TEXT_BYTES] = "the far end";
    if (policy->remote.family != IP_NONE) {
        ip_format(&policy->remote, remote);
    }
    if (policy->outbound_sa_spi != 0) {
        snprintf(hop->encryption, sizeof hop->encryption,
                 "XFRM policy to %s, outbound SA with SPI 0x%08x", remote, policy->outbound_sa_spi);
    } else {
        hop->is_dropped = true;
        snprintf(hop->encryption, sizeof hop->encryption,
                 "XFRM policy to %s without an SA: the kernel holds the packet back", remote);
    }
}

/* An XFRM interface sends nothing that no policy of its own takes. */
static void judge_xfrm_interface(const struct kernel_path *path, uint32_t if_id,
                                 struct verify_hop *hop)
{
    const struct kernel_xfrm_policy *policy = policy_of(path, if_id);
    if (path->xfrm != KERNEL_XFRM_READ) {
        snprintf(hop->encryption, sizeof hop->encryption, "XFRM cannot be read in this kernel");
    } else if (policy == NULL || policy->is_block || policy->is_bypass) {
        hop->is_dropped = true;
        snprintf(hop->encryption, sizeof hop->encryption,
                 "no XFRM policy of if_id %u takes it: the interface drops the packet", if_id);
    } else {
        say_policy(policy, hop);
    }
}

/* Policies without an interface encrypt what leaves by any other. */
static void judge_plain_interface(const struct kernel_path *path, struct verify_hop *hop)
{
    const struct kernel_xfrm_policy *policy = policy_of(path, 0);
    if (path->xfrm != KERNEL_XFRM_READ) {
        snprintf(hop->encryption, sizeof hop->encryption, "none: %s",
                 path->xfrm == KERNEL_XFRM_ABSENT ? "this kernel has no XFRM"
                                                  : "XFRM cannot be read");
    } else if (policy != NULL && policy->is_block) {
        hop->is_dropped = true;
        snprintf(hop->encryption, sizeof hop->encryption, "an XFRM policy blocks it");
    } else if (policy != NULL && !policy->is_bypass) {
        hop->path_class = PATH_CLASS_IPSEC;
        say_policy(policy, hop);
    } else {
        snprintf(hop->encryption, sizeof hop->encryption, "none: no XFRM policy takes it");
    }
}

static void judge_hop(const struct core *core, const struct kernel_path *path,
                      const struct kernel_hop *asked, struct verify_hop *hop)
{
    const struct interface *interface = interface_find(core, asked->leg.ifindex);
    memset(hop, 0, sizeof *hop);
    hop->leg.gateway = asked->leg.gateway;
    hop->leg.interface_name = kernel_interface_name(core, asked->leg.ifindex);
    hop->leg.weight = asked->leg.weight;
    hop->leg.is_active = kernel_interface_is_up(core, asked->leg.ifindex);
    hop->path_class = (uint8_t)kernel_interface_class(core, asked->leg.ifindex);
    hop->tunnel_number = tunnel_by_ifindex(core, asked->leg.ifindex);
    hop->is_chosen = asked->is_chosen;
    if (interface != NULL && strcmp(interface->link.kind, "xfrm") == 0) {
        judge_xfrm_interface(path, interface->link.xfrm_if_id, hop);
    } else if (interface != NULL && interface->link.is_loopback) {
        snprintf(hop->encryption, sizeof hop->encryption, "does not leave this router");
    } else if (hop->path_class == PATH_CLASS_CLEAR) {
        judge_plain_interface(path, hop);
    } else if (interface != NULL && strcmp(interface->link.kind, "tun") == 0) {
        snprintf(hop->encryption, sizeof hop->encryption,
                 "by the program behind the TUN device; the kernel knows nothing of it");
    } else {
        snprintf(hop->encryption, sizeof hop->encryption,
                 "by the device, says the configuration; the kernel knows nothing of it");
    }
    hop->leg.path_class = hop->path_class;
}

/* ---- The verdict ---- */

static const char *no_way_text(const struct kernel_path *path)
{
    switch (path->route_error) {
    case EHOSTUNREACH:
        return "unreachable";
    case EINVAL:
        return "discarded by a blackhole";
    case EACCES:
        return "prohibited";
    default:
        return "no route";
    }
}

/* Classes of all ways that are open, as bits. */
static uint32_t open_classes(const struct verify_result *result)
{
    uint32_t classes = 0;
    for (uint8_t i = 0; i < result->hop_count; i++) {
        if (!result->hops[i].is_dropped) {
            classes |= PATH_CLASS_BIT(result->hops[i].path_class);
        }
    }
    return classes;
}

static void judge_open(const struct kernel_path *path, struct verify_result *out)
{
    char addr[IP_TEXT_BYTES];
    uint32_t classes = open_classes(out);
    ip_format(&path->destination, addr);
    if (out->is_protected && (classes & ~out->required_classes) != 0) {
        if (out->endpoint_of != 0) {
            out->verdict = VERIFY_ENDPOINT;
            snprintf(out->text, sizeof out->text,
                     "%s is the endpoint of a tunnel: its outer packets travel the underlay", addr);
            return;
        }
        out->verdict = VERIFY_EXPOSED;
        snprintf(out->text, sizeof out->text, "%s must be protected and would leave in the clear",
                 addr);
    } else if (classes == 0) {
        out->verdict = VERIFY_BLOCKED;
        snprintf(out->text, sizeof out->text, "%s goes nowhere: every way to it drops the packet",
                 addr);
    } else if (out->is_protected) {
        out->verdict = VERIFY_PROTECTED;
        snprintf(out->text, sizeof out->text, "%s leaves protected", addr);
    } else {
        bool is_clear = (classes & PATH_CLASS_BIT(PATH_CLASS_CLEAR)) != 0;
        out->verdict = is_clear ? VERIFY_CLEAR : VERIFY_ENCRYPTED;
        snprintf(out->text, sizeof out->text, "%s leaves %s; nothing requires protection for it",
                 addr, is_clear ? "in the clear" : "protected");
    }
}

static void fill_protection(const struct core *core, const struct ip_addr *addr,
                            struct verify_result *out)
{
    struct prefix host = prefix_host(addr);
    const struct protection_def *def =
        core->protections == NULL ? NULL : protection_find(core->protections, &host);
    if (def == NULL) {
        return;
    }
    out->is_protected = true;
    out->protection = def->prefix;
    out->required_classes = protection_allowed_classes(core->protections, &host);
    const struct own_route *guard = own_route_find(core, LOCAL_GUARD, &def->prefix);
    out->is_guard_installed = guard != NULL && guard->is_installed;
}

void core_verify_path(const struct core *core, const struct kernel_path *path,
                      struct verify_result *out)
{
    char addr[IP_TEXT_BYTES];
    ip_format(&path->destination, addr);
    memset(out, 0, sizeof *out);
    if (core->config == NULL || path->error != 0) {
        out->verdict = VERIFY_UNKNOWN;
        snprintf(out->text, sizeof out->text, "the kernel cannot be asked: %s",
                 core->config == NULL ? "there is no configuration yet" : strerror(path->error));
        return;
    }
    fill_protection(core, &path->destination, out);
    out->endpoint_of = tunnel_by_endpoint(core, &path->destination);
    out->is_route_ours = path->has_route && path->route.protocol == core->config->fib_protocol;
    if (path->is_local) {
        out->verdict = VERIFY_LOCAL;
        snprintf(out->text, sizeof out->text, "%s is an address of this router", addr);
        return;
    }
    if (path->route_error != 0) {
        out->verdict = VERIFY_BLOCKED;
        snprintf(out->text, sizeof out->text, "%s goes nowhere: %s", addr, no_way_text(path));
        return;
    }
    for (uint8_t i = 0; i < path->hop_count; i++) {
        judge_hop(core, path, &path->hops[i], &out->hops[out->hop_count++]);
    }
    judge_open(path, out);
}
