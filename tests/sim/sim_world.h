/* Many cores on one simulated clock and one simulated network. Everything that happens follows from
 * the seed: delays, segmentation, slices of work, faults. */
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include "bgpd/core/core.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/buffer.h"
#include "proto/base/random.h"

#define SIM_NODES_MAX 8u
#define SIM_IFINDEX   2u

struct sim_pipe; /* one TCP connection: sim_net.c */

/* What one node's kernel holds: sim_kernel.c. */
struct sim_kernel {
    struct fib_route *routes;
    uint32_t route_count;
    struct fib_nexthop *nexthops;
    uint32_t nexthop_count;
    uint32_t refused; /* operations that made no sense */
};

struct sim_node {
    struct core *core;
    uint32_t number; /* 0-based; its address is 10.0.0.(number + 1)/24 on eth0 */
    struct ip_addr addr;
    bool is_link_up;
    bool refuses; /* nobody listens */
    bool is_stopped;
    bool has_backlog;
    conn_id next_incoming;
    struct sim_kernel kernel;
    uint32_t log_count[LOG_EVENT_KIND_COUNT];
};

enum sim_happening_kind {
    SIM_CONNECT_ARRIVES,
    SIM_CONNECT_ANSWERED,
    SIM_BYTES_ARRIVE,
    SIM_CLOSE_ARRIVES,
    SIM_FIB_RESULT,
    SIM_NODE_TIME,
    SIM_NODE_WORK,
};

struct sim_happening {
    struct mono_time at;
    uint64_t order; /* random: breaks ties as the seed wants */
    enum sim_happening_kind kind;
    uint32_t node;
    uint32_t pipe; /* number */
    uint8_t side;  /* the side that is told */
    uint32_t size_bytes;
    struct fib_result result;
};

struct sim_world {
    struct mono_time now;
    struct random_source random;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t node_count;
    struct sim_pipe **pipes; /* by number, never reused within a run */
    uint32_t pipe_count;
    struct sim_happening *heap;
    uint32_t heap_count;
    uint32_t heap_capacity;
    uint64_t hash;       /* over every action of every node */
    uint64_t happenings; /* so far */
    uint32_t delay_us_max;
    bool is_verbose;
};

struct sim_world *sim_world_new(uint64_t seed, uint32_t node_count);
void sim_world_free(struct sim_world *world);

/* Feeds one fact, then carries out what the core wants. */
void sim_feed(struct sim_world *world, struct sim_node *node, const struct core_event *event);
void sim_settle(struct sim_world *world, struct sim_node *node);

/* Lets time pass. */
void sim_run_ms(struct sim_world *world, int64_t ms);

void sim_schedule(struct sim_world *world, struct mono_span delay,
                  const struct sim_happening *happening);
struct mono_span sim_delay(struct sim_world *world);

/* The node's link goes down or comes back: what is on its way is lost. */
void sim_set_link(struct sim_world *world, struct sim_node *node, bool is_up);

/* ---- sim_net.c ---- */

void sim_connect(struct sim_world *world, struct sim_node *node,
                 const struct conn_setup_action *setup);
void sim_accept(struct sim_world *world, struct sim_node *node, conn_id conn);
void sim_send(struct sim_world *world, struct sim_node *node, conn_id conn, struct byte_view bytes);
void sim_close(struct sim_world *world, struct sim_node *node, conn_id conn);
void sim_net_happens(struct sim_world *world, const struct sim_happening *happening);

/* Both ends hear of an error at some time. Returns false when there is no connection to break. */
bool sim_break_connection(struct sim_world *world);
void sim_break_node(struct sim_world *world, const struct sim_node *node);
void sim_net_free(struct sim_world *world);

/* ---- sim_kernel.c ---- */

void sim_kernel_route(struct sim_world *world, struct sim_node *node,
                      const struct fib_route_action *action);
void sim_kernel_nexthop(struct sim_world *world, struct sim_node *node,
                        const struct fib_nexthop_action *action);

/* Tells the node all its kernel knows. */
void sim_kernel_dump(struct sim_world *world, struct sim_node *node);
bool sim_kernel_has(const struct sim_node *node, const struct prefix *prefix);
void sim_kernel_free(struct sim_node *node);

/* ---- sim_scenario.c ---- */

/* Cores in a full mesh, each with prefixes of its own, under random faults and then in peace.
 * Returns NULL when everything held, else what did not; the text lives in text_out. */
const char *sim_scenario_run(uint64_t seed, bool is_verbose, char text_out[256],
                             uint64_t *hash_out);

#endif
