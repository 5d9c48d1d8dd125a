/* From answers to what people and programs read. A view is the form of one kind of answer, a format
 * is a table with the functions of every view: none can be forgotten in one of them. */
#ifndef BGPD_CLI_RENDER_H
#define BGPD_CLI_RENDER_H

#include "bgpd/cli/connection.h"
#include "bgpd/cli/grammar.h"
#include "bgpd/cli/json.h"
#include "bgpd/cli/out.h"
#include "proto/control.pb-c.h"

enum view {
    VIEW_SUMMARY,
    VIEW_TABLE,
    VIEW_PATHS, /* one prefix, or all in detail */
    VIEW_NEIGHBORS,
    VIEW_IP_ROUTES,
    VIEW_IP_ROUTE, /* one prefix */
    VIEW_IP_SUMMARY,
    VIEW_TUNNELS,
    VIEW_BFD_PEERS,
    VIEW_BFD_BRIEF,
    VIEW_BFD_COUNTERS,
    VIEW_PROTECTION,
    VIEW_FAILOVERS,
    VIEW_FIB_AUDIT,
    VIEW_VERIFY,
    VIEW_CONFIG,
    VIEW_VERSION,
    VIEW_MEMORY,
    VIEW_DONE, /* of an operation: clear, reload */
    VIEW_COUNT,
};

#define IP_ROUTE_KINDS 6

struct render {
    struct out *out;
    struct json json;
    const struct command_line *line;
    const char *schema; /* "sealane/show-bgp-summary@1" */
    int64_t now_epoch_s;
    uint32_t family; /* of the request under way */
    bool is_begun;   /* the head of the request's part has been written */
    bool is_open;    /* an object or list is open */
    /* Of the last Global row. */
    bool has_global;
    bool is_configured;
    uint32_t asn;
    uint32_t router_id;
    uint32_t default_local_pref;
    uint64_t table_version;
    uint32_t destinations;
    uint64_t rib_bytes;
    uint64_t peer_bytes;
    uint32_t peers;
    /* Counts of rows so far. */
    uint32_t prefix_count;
    uint32_t path_count;
    uint32_t failed_count;
    uint32_t kind_counts[IP_ROUTE_KINDS];
    uint32_t fib_counts[IP_ROUTE_KINDS];
    uint32_t best; /* of the Destination under way */
    uint32_t path_index;
    bool is_error; /* the document says what went wrong */
    struct buffer scratch;
};

void render_init(struct render *render, struct out *out);
void render_fini(struct render *render);

/* Keeps the Global row of an answer. */
void render_take_global(struct render *render, const Control__Global *global);

struct view_ops {
    void (*begin)(struct render *render);
    void (*request_begin)(struct render *render); /* before the answers of each request */
    void (*answer)(struct render *render, const Control__Answer *answer);
    void (*request_end)(struct render *render, const struct connection_status *status);
    void (*end)(struct render *render);
};

struct render_format {
    const char *name;
    const struct view_ops *views[VIEW_COUNT];
};

extern const struct render_format render_text;
extern const struct render_format render_json;

/* ---- Shared by the views ---- */

void render_nothing(struct render *render);
void render_ignore_status(struct render *render, const struct connection_status *status);

/* The path's encryption in words: "ipsec (ipsec0)", "clear-text (eth1): ineligible, ...". */
void render_encryption(const Control__Path *path, struct buffer *text);

/* Why a path that is not the best one is not. */
void render_lost_reason(const Control__Path *path, struct buffer *text);

/* What stands in the State/PfxRcd column while not Established. */
const char *render_peer_state(const Control__Neighbor *neighbor);

const Control__NeighborFamily *render_neighbor_family(const Control__Neighbor *neighbor,
                                                      uint32_t family);

static inline bool path_is_best(const Control__Path *path)
{
    return (path->flags & CONTROL__PATH__FLAG__BEST) != 0;
}

static inline bool path_is_multipath(const Control__Path *path)
{
    return (path->flags & CONTROL__PATH__FLAG__MULTIPATH) != 0;
}

static inline bool path_is_local(const Control__Path *path)
{
    return path->source_kind >= 2;
}

/* ---- The views of each format (render_text_*.c, render_json_*.c) ---- */

extern const struct view_ops text_summary, text_table, text_paths, text_neighbors, text_ip_routes,
    text_ip_route, text_ip_summary, text_tunnels, text_protection, text_config, text_version,
    text_memory, text_done, text_failovers, text_verify, text_fib_audit, text_bfd_peers,
    text_bfd_brief, text_bfd_counters;
extern const struct view_ops json_summary, json_table, json_paths, json_neighbors, json_ip_routes,
    json_ip_route, json_ip_summary, json_tunnels, json_protection, json_config, json_version,
    json_memory, json_done, json_failovers, json_verify, json_fib_audit, json_bfd_peers,
    json_bfd_brief, json_bfd_counters;

#endif
