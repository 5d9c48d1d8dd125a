#include "bgpd/core/config_apply.h"

#include "bgpd/core/kernel_side.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/router_id.h"
#include "bgpd/core/routes.h"
#include "bgpd/core/session.h"
#include "policy/policy.h"
#include "policy/protection.h"

#define LOCAL_PREF_DEFAULT 100u

/* Weights by path class (docs: the protected path wins with no policy at all). */
static const uint32_t class_weights[PATH_CLASS_COUNT] = {
    [PATH_CLASS_CLEAR] = 0,
    [PATH_CLASS_MACSEC] = 100,
    [PATH_CLASS_IPSEC] = 200,
};

static bool is_msee(const struct config_neighbor *merged)
{
    return merged->azure_role == AZURE_ROLE_MSEE ||
           merged->azure_role == AZURE_ROLE_MICROSOFT_PEERING;
}

/* The two sessions of a circuit share load unless told otherwise: as many paths as one family has
 * MSEE neighbours. */
static uint32_t count_msee_neighbors(const struct config *config)
{
    uint32_t counts[AFI_SAFI_COUNT] = {0};
    for (size_t i = 0; i < config->bgp.neighbor_count; i++) {
        struct neighbor_settings settings;
        config_resolve_neighbor(config, &config->bgp.neighbors[i], &settings);
        if (is_msee(&settings.merged)) {
            counts[settings.merged.addr.family == IP_V6]++;
        }
    }
    return counts[0] > counts[1] ? counts[0] : counts[1];
}

static uint8_t multipath_max(struct opt_u32 configured, uint32_t built_in)
{
    uint32_t value = configured.is_set ? configured.value : built_in;
    value = value < 1 ? 1 : value;
    return (uint8_t)(value > DECISION_PATHS_MAX ? DECISION_PATHS_MAX : value);
}

/* One ladder serves both families: the wider of what they ask for. */
static struct opt_u32 wider(struct opt_u32 a, struct opt_u32 b)
{
    if (!a.is_set || !b.is_set) {
        return a.is_set ? a : b;
    }
    return a.value > b.value ? a : b;
}

static void derive_decision_options(const struct config *config, struct decision_options *options)
{
    const struct config_bgp *bgp = &config->bgp;
    uint32_t msee_count = count_msee_neighbors(config);
    *options = (struct decision_options){
        .default_local_pref =
            bgp->default_local_pref.is_set ? bgp->default_local_pref.value : LOCAL_PREF_DEFAULT,
        .multipath_ebgp_max = multipath_max(
            wider(bgp->families[0].maximum_paths_ebgp, bgp->families[1].maximum_paths_ebgp),
            msee_count),
        .multipath_ibgp_max = multipath_max(
            wider(bgp->families[0].maximum_paths_ibgp, bgp->families[1].maximum_paths_ibgp), 1),
        .multipath_relax =
            bgp->multipath_relax.is_set ? bgp->multipath_relax.value : msee_count != 0,
        .always_compare_med = bgp->always_compare_med,
        .med_missing_as_worst = bgp->med_missing_as_worst,
        .ignore_as_path = bgp->ignore_as_path,
    };
    for (int i = 0; i < PATH_CLASS_COUNT; i++) {
        options->default_weight[i] = config->path_class_weight[i].is_set
                                         ? config->path_class_weight[i].value
                                         : class_weights[i];
    }
}

/* Everything that can fail, before anything changes. */
static bool prepare(struct core *core, const struct config *config,
                    struct policy_set **policies_out)
{
    struct arena scratch;
    arena_init(&scratch);
    struct config_messages messages = {.arena = &scratch};
    bool is_usable = config_check(config, &messages);
    for (size_t i = 0; i < messages.count; i++) {
        if (!messages.items[i].is_warning) { /* whoever loaded it has shown the warnings */
            core_log(core, LOG_CONFIG, LOG_SEVERITY_ERROR, NULL, NULL, "%s: %s",
                     messages.items[i].path, messages.items[i].text);
        }
    }
    arena_fini(&scratch);
    char error[256] = "";
    if (is_usable && policy_set_compile(&config->policy, policies_out, error) != STATUS_OK) {
        core_log(core, LOG_CONFIG, LOG_SEVERITY_ERROR, NULL, NULL, "%s", error);
        is_usable = false;
    }
    return is_usable;
}

void config_apply(struct core *core, struct config *owned_config)
{
    struct policy_set *policies = NULL;
    if (!prepare(core, owned_config, &policies)) {
        core_log(core, LOG_CONFIG, LOG_SEVERITY_ERROR, NULL, NULL, "configuration refused; %s",
                 core->config == NULL ? "nothing runs until it is mended"
                                      : "the running configuration stays in force");
        config_free(owned_config);
        return;
    }
    struct config *old = core->config;
    struct policy_set *old_policies = core->policies;
    struct protection_set *old_protections = core->protections;
    core->config = owned_config;
    core->policies = policies;
    core->protections =
        protection_set_new(owned_config->protections, owned_config->protection_count);
    derive_decision_options(owned_config, &core->decision);
    router_id_apply_config(core);
    peers_resolve_config(core);
    kernel_side_apply_config(core, old); /* guards stand before the first session */
    routes_apply_config(core, old, old_policies);
    peers_apply_config(core, old);
    if (old_protections != NULL) {
        protection_set_free(old_protections);
    }
    if (old_policies != NULL) {
        policy_set_free(old_policies);
    }
    config_free(old);
}
