/* The tables of views, one per format. */
#include "bgpd/cli/render.h"

const struct render_format render_text = {
    .name = "text",
    .views =
        {
            [VIEW_SUMMARY] = &text_summary,
            [VIEW_TABLE] = &text_table,
            [VIEW_PATHS] = &text_paths,
            [VIEW_NEIGHBORS] = &text_neighbors,
            [VIEW_IP_ROUTES] = &text_ip_routes,
            [VIEW_IP_ROUTE] = &text_ip_route,
            [VIEW_IP_SUMMARY] = &text_ip_summary,
            [VIEW_TUNNELS] = &text_tunnels,
            [VIEW_BFD_PEERS] = &text_bfd_peers,
            [VIEW_BFD_BRIEF] = &text_bfd_brief,
            [VIEW_BFD_COUNTERS] = &text_bfd_counters,
            [VIEW_PROTECTION] = &text_protection,
            [VIEW_FAILOVERS] = &text_failovers,
            [VIEW_VERIFY] = &text_verify,
            [VIEW_FIB_AUDIT] = &text_fib_audit,
            [VIEW_CONFIG] = &text_config,
            [VIEW_VERSION] = &text_version,
            [VIEW_MEMORY] = &text_memory,
            [VIEW_DONE] = &text_done,
        },
};

const struct render_format render_json = {
    .name = "json",
    .views =
        {
            [VIEW_SUMMARY] = &json_summary,
            [VIEW_TABLE] = &json_table,
            [VIEW_PATHS] = &json_paths,
            [VIEW_NEIGHBORS] = &json_neighbors,
            [VIEW_IP_ROUTES] = &json_ip_routes,
            [VIEW_IP_ROUTE] = &json_ip_route,
            [VIEW_IP_SUMMARY] = &json_ip_summary,
            [VIEW_TUNNELS] = &json_tunnels,
            [VIEW_BFD_PEERS] = &json_bfd_peers,
            [VIEW_BFD_BRIEF] = &json_bfd_brief,
            [VIEW_BFD_COUNTERS] = &json_bfd_counters,
            [VIEW_PROTECTION] = &json_protection,
            [VIEW_FAILOVERS] = &json_failovers,
            [VIEW_VERIFY] = &json_verify,
            [VIEW_FIB_AUDIT] = &json_fib_audit,
            [VIEW_CONFIG] = &json_config,
            [VIEW_VERSION] = &json_version,
            [VIEW_MEMORY] = &json_memory,
            [VIEW_DONE] = &json_done,
        },
};
