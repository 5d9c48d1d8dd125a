/* Many cores on one simulated clock and one simulated network, each over a model of a kernel.
 * Everything that happens follows from the seed: delays, segmentation, slices of work, faults. */
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include "bgpd/core/core.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/buffer.h"
#include "proto/base/random.h"
#include "tests/sim/model_kernel.h"
#include "tests/sim/sim_queue.h"

#define SIM_NODES_MAX   8u
#define SIM_IFINDEX     2u
#define SIM_TRACE_LINES 48u
#define SIM_TRACE_BYTES 200u
#define SIM_TEXT_BYTES  320u

struct sim_pipe; /* one TCP connection: sim_net.c */

/* A node's kernel and the threads between it and the core: operations wait, urgent ones ahead of
 * others; answers and notifications come later, and dumps take several steps. */
struct sim_kernel {
    struct model_kernel model;
    struct sim_queue operations; /* struct core_action */
    struct sim_queue answers;    /* struct fib_result */
    struct sim_queue told[2];    /* struct core_event: notifications; routes come apart */
    struct sim_queue facts;      /* struct core_event: of the threads for BFD and tunnels */
    bool is_working;
    bool is_answering;
    bool is_telling[2];
    bool is_passing_facts;
    bool is_dumping;
    bool is_audit; /* objects and routes alone, while notifications go on */
    uint32_t dump_step;
    uint32_t dump_number;   /* of the account that is given; older ones are given up */
    uint32_t delay_us;      /* of an operation, at most */
    uint32_t refuse_one_in; /* operations refused for no reason; 0: none */
    uint32_t operation_count;
    uint32_t refused;
};

/* What a core has opened besides connections: sockets it listens on, keys and hop limits on them,
 * BFD sessions, and evidence it has gathered. */
#define SIM_HANDLES_MAX 64u

struct sim_handle {
    enum core_action_kind kind;
    struct prefix peer;
    uint32_t number;
};

/* Bugs that are put in on purpose: each has to be found (sim_invariants.c). */
enum sim_plant {
    SIM_PLANT_NONE,
    SIM_PLANT_STOPPED_TIMER, /* the hold timer of a session stands still */
    SIM_PLANT_PAST_TIMER,    /* a timer is set behind the present */
    SIM_PLANT_KEPT_CONN,     /* a connection that was closed stays open */
    SIM_PLANT_KEPT_HANDLE,   /* the same of other handles */
    SIM_PLANT_COUNT,
};

struct sim_node {
    struct core *core; /* NULL: the daemon does not run */
    uint32_t number;   /* 0-based */
    struct ip_addr addr;
    bool is_link_up; /* in a mesh: the node's one wire carries */
    bool refuses;    /* nobody listens */
    bool is_stopped;
    bool has_backlog;
    uint32_t life; /* one more with each start: what was meant for an earlier one is lost */
    struct mono_time stalled_until;
    conn_id next_incoming;
    struct sim_kernel kernel;
    uint32_t log_count[LOG_EVENT_KIND_COUNT];
    uint32_t conn_count; /* connections open as the network has them */
    struct sim_handle handles[SIM_HANDLES_MAX];
    uint32_t handle_count;
    uint32_t slice_feeds; /* of the present instant; bounded */
    struct mono_time slice_time;
};

enum sim_happening_kind {
    SIM_CONNECT_ARRIVES,
    SIM_CONNECT_ANSWERED,
    SIM_BYTES_ARRIVE,
    SIM_CLOSE_ARRIVES,
    SIM_KERNEL_WORK,
    SIM_KERNEL_ANSWER,
    SIM_KERNEL_TELL,
    SIM_KERNEL_DUMP,
    SIM_KERNEL_FACT,
    SIM_NODE_TIME,
    SIM_NODE_WORK,
    SIM_SCENARIO, /* what: the scenario's own */
};

struct sim_happening {
    struct mono_time at;
    uint64_t order; /* random: breaks ties as the seed wants */
    enum sim_happening_kind kind;
    uint32_t node;
    uint32_t life; /* of the node when it was scheduled */
    uint32_t pipe; /* number */
    uint8_t side;  /* the side that is told */
    uint32_t what;
    uint32_t number;
};

/* The way of a connection: opener, listener. */
struct sim_wire {
    uint32_t nodes[2];
    struct ip_addr addrs[2];
    uint32_t ifindex; /* where the listener sees it come in */
    uint32_t way;     /* the scenario's number of it */
};

struct sim_world;

/* What a scenario adds to the world; every member may be NULL. */
struct sim_hooks {
    /* Whom a connection would reach; false: nobody. */
    bool (*find)(struct sim_world *world, const struct sim_node *from,
                 const struct conn_setup_action *setup, struct sim_wire *wire_out);
    bool (*passes)(struct sim_world *world, const struct sim_wire *wire);
    /* After every fact and every operation of a kernel. */
    void (*check)(struct sim_world *world, struct sim_node *node);
    void (*happens)(struct sim_world *world, const struct sim_happening *happening);
    /* Actions that are not the network's or the kernel's. */
    void (*act)(struct sim_world *world, struct sim_node *node, const struct core_action *action);
};

struct sim_world {
    struct mono_time now;
    uint64_t seed;
    struct random_source random;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t node_count;
    struct sim_pipe **pipes; /* by number, never reused within a run */
    uint32_t pipe_count;
    struct sim_happening *heap;
    uint32_t heap_count;
    uint32_t heap_capacity;
    struct sim_hooks hooks;
    enum sim_plant plant; /* usually none */
    void *scenario;
    uint64_t hash;       /* over every action of every node */
    uint64_t happenings; /* so far */
    uint32_t delay_us_max;
    bool is_verbose;
    char failure[SIM_TEXT_BYTES]; /* the first one; "" while everything holds */
    char trace[SIM_TRACE_LINES][SIM_TRACE_BYTES];
    uint32_t trace_count;
};

/* Nodes with empty kernels and no core yet. */
struct sim_world *sim_world_empty(uint64_t seed, uint32_t node_count);

/* Nodes on one wire, 10.0.0.1/24 and so on, each with a core that is being told its kernel. */
struct sim_world *sim_world_new(uint64_t seed, uint32_t node_count);
void sim_world_free(struct sim_world *world);

/* A daemon starts on the node, or is killed: its connections and what is queued for it go. */
void sim_node_start(struct sim_world *world, struct sim_node *node);
void sim_node_kill(struct sim_world *world, struct sim_node *node);

/* Feeds one fact, then carries out what the core wants. */
void sim_feed(struct sim_world *world, struct sim_node *node, const struct core_event *event);
void sim_settle(struct sim_world *world, struct sim_node *node);

/* Lets time pass; ends early when something failed. */
void sim_run_ms(struct sim_world *world, int64_t ms);

void sim_schedule(struct sim_world *world, struct mono_span delay,
                  const struct sim_happening *happening);
struct mono_span sim_delay(struct sim_world *world);
bool sim_chance(struct sim_world *world, uint32_t one_in);

/* The node's link goes down or comes back: what is on its way is lost. */
void sim_set_link(struct sim_world *world, struct sim_node *node, bool is_up);

/* One line of the story; printed when is_verbose, or when the run fails. */
void sim_trace(struct sim_world *world, const struct sim_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sim_fail(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_print_trace(const struct sim_world *world);

/* ---- sim_net.c ---- */

void sim_connect(struct sim_world *world, struct sim_node *node,
                 const struct conn_setup_action *setup);
void sim_accept(struct sim_world *world, struct sim_node *node, conn_id conn);
void sim_send(struct sim_world *world, struct sim_node *node, conn_id conn, struct byte_view bytes);
void sim_close(struct sim_world *world, struct sim_node *node, conn_id conn);
void sim_net_happens(struct sim_world *world, const struct sim_happening *happening);

/* The node that would be told; NULL when the connection is gone. */
const struct sim_node *sim_net_node(const struct sim_world *world,
                                    const struct sim_happening *happening);

/* Both ends hear of an error at some time. Returns false when there is no connection to break. */
bool sim_break_connection(struct sim_world *world);
void sim_break_node(struct sim_world *world, const struct sim_node *node);

/* Octets that one node has sent have not reached the other yet. */
bool sim_net_is_under_way(const struct sim_world *world, uint32_t from, uint32_t to);

/* The node's process is gone: its ends are closed, the others are told where packets pass. */
void sim_net_forget_node(struct sim_world *world, const struct sim_node *node);
void sim_net_free(struct sim_world *world);

/* ---- sim_kernel.c ---- */

void sim_kernel_put(struct sim_world *world, struct sim_node *node,
                    const struct core_action *action);
void sim_kernel_happens(struct sim_world *world, struct sim_node *node,
                        const struct sim_happening *happening);

/* The node is told all its kernel knows, step by step. */
void sim_kernel_dump(struct sim_world *world, struct sim_node *node);
void sim_kernel_audit(struct sim_world *world, struct sim_node *node);

/* Notifications, in order, by and by. */
void sim_kernel_tell(struct sim_world *world, struct sim_node *node,
                     const struct core_event *event);
void sim_kernel_tell_link(struct sim_world *world, struct sim_node *node, uint32_t slot);
void sim_kernel_tell_addr(struct sim_world *world, struct sim_node *node, uint32_t slot,
                          const struct model_addr *addr, bool is_removed);
void sim_kernel_tell_route(struct sim_world *world, struct sim_node *node,
                           const struct fib_route *route, bool is_removed);

/* Facts of other threads: in order, no account holds them up. */
void sim_kernel_fact(struct sim_world *world, struct sim_node *node,
                     const struct core_event *event);

/* The notification socket overruns: what waits is lost, a new account follows. */
void sim_kernel_overrun(struct sim_world *world, struct sim_node *node);
bool sim_kernel_has(const struct sim_node *node, const struct prefix *prefix);

/* The daemon is gone: so are its queues. */
void sim_kernel_forget_daemon(struct sim_node *node);
void sim_kernel_init(struct sim_node *node);
void sim_kernel_free(struct sim_node *node);

/* ---- sim_invariants.c ---- */

void sim_handles_note(struct sim_world *world, struct sim_node *node,
                      const struct core_action *action);

/* A core at rest, after each fact and its consequences. */
void sim_invariants_check(struct sim_world *world, struct sim_node *node);

/* ---- sim_scenario.c ---- */

/* Cores in a full mesh, each with prefixes of its own, under random faults and then in peace.
 * Returns NULL when everything held, else what did not; the text lives in text_out. */
const char *sim_scenario_run(uint64_t seed, bool is_verbose, char text_out[SIM_TEXT_BYTES],
                             uint64_t *hash_out);

#endif
