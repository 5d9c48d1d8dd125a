/* The life of a configuration value. */
#include "bgpd/core/config_model.h"

#include <string.h>

#include "proto/base/mem.h"

#define LOG_LEVEL_DEFAULT 6u /* informational */

struct config *config_new(void)
{
    struct config *config = mem_alloc(MEM_CONFIG, sizeof *config);
    arena_init(&config->arena);
    config->hostname = "";
    config->log.level = LOG_LEVEL_DEFAULT;
    config->bgp.ebgp_requires_policy = true;
    config->bgp.default_ipv4_unicast = true;
    config->bgp.log_neighbor_changes = true;
    config->bgp.reject_as_sets = true;
    config->bgp.enforce_first_as = true;
    config->bgp.fast_external_failover = true;
    config->fib_table = CONFIG_FIB_TABLE_DEFAULT;
    config->fib_metric = CONFIG_FIB_METRIC_DEFAULT;
    config->fib_protocol = CONFIG_FIB_PROTOCOL_DEFAULT;
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    arena_fini(&config->arena);
    mem_free(MEM_CONFIG, config);
}

const struct config_key_chain *config_find_key_chain(const struct config *config, const char *name)
{
    for (size_t i = 0; name != NULL && i < config->key_chain_count; i++) {
        if (strcmp(config->key_chains[i].name, name) == 0) {
            return &config->key_chains[i];
        }
    }
    return NULL;
}
