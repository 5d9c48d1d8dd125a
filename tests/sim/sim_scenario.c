/* A full mesh of cores, each in an AS of its own and with prefixes of its own; a minute of faults,
 * then peace, then everything must be where it belongs. */
#include <stdio.h>
#include <string.h>

#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/hash.h"
#include "proto/base/mem.h"
#include "tests/sim/sim_world.h"

#define PREFIXES_PER_NODE 12u
#define FAULTS            60u
#define PEACE_MS          400000 /* beyond a hold time, the longest idle hold and a retry */
#define ASN_FIRST         65001u

static struct prefix prefix_of_node(uint32_t node, uint32_t index)
{
    struct ip_addr addr = ip_from_v4(0x14000000u + (node << 16) + (index << 8));
    return prefix_make(&addr, 24);
}

/* Half of the seeds have sessions with several paths (RFC 7911) of every kind, half have neighbours
 * that want their updates paced; a session stays what it is. */
static void vary(uint64_t seed, uint32_t node, uint32_t peer, struct config_neighbor *neighbor)
{
    struct config_family *family = &neighbor->families[AFI_SAFI_IPV4_UNICAST];
    uint64_t dice = hash_u64(seed, (uint64_t)node << 32 | peer);
    if (seed % 2 == 0) {
        enum add_path_mode mode = dice % 4;
        family->add_path_receive = (struct opt_bool){true, true};
        family->add_path_all = (struct opt_bool){true, mode == ADD_PATH_MODE_ALL};
        family->add_path_per_as = (struct opt_bool){true, mode == ADD_PATH_MODE_PER_AS};
        family->add_path_best = (struct opt_u32){mode == ADD_PATH_MODE_BEST, 2};
    }
    if (seed / 2 % 2 == 0) {
        neighbor->advertisement_interval_s = (struct opt_u32){true, (uint32_t)(dice >> 8) % 6};
    }
}

/* announced: how many of its prefixes the node announces. */
static struct config *config_of(const struct sim_world *world, uint32_t node, uint32_t announced,
                                uint32_t hold_time_s)
{
    struct config *config = config_new();
    struct config_bgp *bgp = &config->bgp;
    struct config_neighbor *neighbors =
        arena_alloc(&config->arena, SIM_NODES_MAX * sizeof *neighbors);
    struct config_network *networks =
        arena_alloc(&config->arena, PREFIXES_PER_NODE * sizeof *networks);
    bgp->is_configured = true;
    bgp->asn = ASN_FIRST + node;
    bgp->router_id = (struct opt_u32){true, 0x01000001u + node};
    bgp->ebgp_requires_policy = false;
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (i != node) {
            neighbors[bgp->neighbor_count++] =
                (struct config_neighbor){.addr = world->nodes[i].addr,
                                         .remote_as_kind = REMOTE_AS_NUMBER,
                                         .remote_asn = ASN_FIRST + i,
                                         .hold_time_s = {true, hold_time_s},
                                         .keepalive_s = {true, hold_time_s / 3}};
            vary(world->seed, node, i, &neighbors[bgp->neighbor_count - 1]);
        }
    }
    bgp->neighbors = neighbors;
    for (uint32_t i = 0; i < announced; i++) {
        networks[i].prefix = prefix_of_node(node, i);
    }
    bgp->families[AFI_SAFI_IPV4_UNICAST].networks = networks;
    bgp->families[AFI_SAFI_IPV4_UNICAST].network_count = announced;
    return config;
}

static void configure(struct sim_world *world, struct sim_node *node, uint32_t announced,
                      uint32_t hold_time_s)
{
    struct core_event event = {.kind = EVENT_CONFIG};
    event.config = config_of(world, node->number, announced, hold_time_s);
    sim_feed(world, node, &event);
}

static struct sim_node *any_node(struct sim_world *world)
{
    return &world->nodes[random_below(&world->random, world->node_count)];
}

static void clear_all(struct sim_world *world, struct sim_node *node, enum clear_kind kind)
{
    struct ip_addr all = {.family = IP_NONE};
    core_clear(node->core, world->now, &all, 0, kind, "the simulator");
    sim_settle(world, node);
}

static void fault(struct sim_world *world, uint32_t *announced)
{
    struct sim_node *node = any_node(world);
    switch (random_below(&world->random, 9)) {
    case 0:
    case 1:
    case 2:
        sim_break_connection(world);
        return;
    case 3:
        node->refuses = !node->refuses;
        return;
    case 4:
        sim_set_link(world, node, !node->is_link_up);
        return;
    case 5:
        clear_all(world, node, CLEAR_HARD);
        return;
    case 6:
        clear_all(world, node, CLEAR_SOFT_BOTH);
        return;
    case 7:
        announced[node->number] = random_below(&world->random, PREFIXES_PER_NODE + 1);
        configure(world, node, announced[node->number], 9);
        return;
    default:
        sim_kernel_dump(world, node);
        return;
    }
}

/* ---- What must hold in the end ---- */

struct table_count {
    uint32_t best;
};

static void count_row(void *context, const struct snapshot_path *path)
{
    struct table_count *count = context;
    count->best += (path->flags & ROUTE_BEST) != 0 ? 1 : 0;
}

static const char *check_sessions(const struct sim_node *node, char text[SIM_TEXT_BYTES])
{
    struct snapshot_peer peer;
    for (uint32_t i = 0; snapshot_peer(node->core, i, &peer); i++) {
        if (peer.state != PEER_ESTABLISHED) {
            char addr[IP_TEXT_BYTES];
            snprintf(text, SIM_TEXT_BYTES, "node %u: session with %s is %s (%.150s)", node->number,
                     ip_format(&peer.settings->merged.addr, addr), peer_state_name(peer.state),
                     peer.why_not);
            return text;
        }
    }
    return NULL;
}

static const char *check_tables(const struct sim_world *world, const struct sim_node *node,
                                const uint32_t *announced, char text[SIM_TEXT_BYTES])
{
    struct table_count count = {0};
    struct snapshot_cursor cursor;
    uint32_t wanted = 0;
    if (snapshot_open(node->core, SNAPSHOT_LOC_RIB, AFI_SAFI_IPV4_UNICAST, NULL, NULL, false,
                      &cursor) != STATUS_OK) {
        return "the table cannot be read";
    }
    while (!cursor.is_done) {
        snapshot_read(node->core, &cursor, 7, count_row, &count);
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        wanted += announced[i];
        for (uint32_t j = 0; j < PREFIXES_PER_NODE; j++) {
            struct prefix prefix = prefix_of_node(i, j);
            bool is_wanted = i != node->number && j < announced[i];
            if (sim_kernel_has(node, &prefix) != is_wanted) {
                char name[PREFIX_TEXT_BYTES];
                snprintf(text, SIM_TEXT_BYTES, "node %u: the kernel %s %s", node->number,
                         is_wanted ? "lacks" : "still has", prefix_format(&prefix, name));
                return text;
            }
        }
    }
    if (count.best != wanted) {
        snprintf(text, SIM_TEXT_BYTES, "node %u: %u best paths instead of %u", node->number,
                 count.best, wanted);
        return text;
    }
    return NULL;
}

/* ---- Mirror: what one end sent is what the other has, path for path ---- */

#define MIRROR_ROWS_MAX 512u

struct mirror {
    struct {
        struct prefix prefix;
        uint32_t path_id;
        uint32_t hops;
    } rows[MIRROR_ROWS_MAX];
    uint32_t count;
};

static void mirror_row(void *context, const struct snapshot_path *path)
{
    struct mirror *mirror = context;
    if (mirror->count < MIRROR_ROWS_MAX) {
        mirror->rows[mirror->count].prefix = path->prefix;
        mirror->rows[mirror->count].path_id = path->path_id;
        mirror->rows[mirror->count++].hops = (uint32_t)as_path_length(path->attrs.as_path);
    }
}

static void mirror_read(const struct sim_node *node, enum snapshot_table table,
                        const struct sim_node *peer, struct mirror *mirror_out)
{
    struct snapshot_cursor cursor;
    mirror_out->count = 0;
    if (snapshot_open(node->core, table, AFI_SAFI_IPV4_UNICAST, &peer->addr, NULL, false,
                      &cursor) == STATUS_OK) {
        while (!cursor.is_done) {
            snapshot_read(node->core, &cursor, 7, mirror_row, mirror_out);
        }
    }
}

static bool mirror_has(const struct mirror *mirror, const struct mirror *other, uint32_t row)
{
    for (uint32_t i = 0; i < mirror->count; i++) {
        if (prefix_equal(&mirror->rows[i].prefix, &other->rows[row].prefix) &&
            mirror->rows[i].path_id == other->rows[row].path_id &&
            mirror->rows[i].hops == other->rows[row].hops) {
            return true;
        }
    }
    return false;
}

static const char *check_mirror(const struct sim_node *from, const struct sim_node *to,
                                char text[SIM_TEXT_BYTES])
{
    struct mirror sent;
    struct mirror held;
    mirror_read(from, SNAPSHOT_ADJ_OUT, to, &sent);
    mirror_read(to, SNAPSHOT_ADJ_IN, from, &held);
    bool is_same = sent.count == held.count;
    for (uint32_t i = 0; i < sent.count && is_same; i++) {
        is_same = mirror_has(&held, &sent, i);
    }
    if (is_same) {
        return NULL;
    }
    snprintf(text, SIM_TEXT_BYTES, "node %u sent %u paths to node %u, which holds %u", from->number,
             sent.count, to->number, held.count);
    return text;
}

static const char *check_mirrors(const struct sim_world *world, char text[SIM_TEXT_BYTES])
{
    const char *failure = NULL;
    for (uint32_t i = 0; i < world->node_count && failure == NULL; i++) {
        for (uint32_t j = 0; j < world->node_count && failure == NULL; j++) {
            failure = i == j ? NULL : check_mirror(&world->nodes[i], &world->nodes[j], text);
        }
    }
    return failure;
}

static const char *check(const struct sim_world *world, const uint32_t *announced,
                         char text[SIM_TEXT_BYTES])
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct sim_node *node = &world->nodes[i];
        const char *failure = check_sessions(node, text);
        if (failure == NULL) {
            failure = check_tables(world, node, announced, text);
        }
        if (failure != NULL) {
            return failure;
        }
    }
    return check_mirrors(world, text);
}

static const char *stop_all(struct sim_world *world)
{
    struct core_event event = {.kind = EVENT_STOP};
    for (uint32_t i = 0; i < world->node_count; i++) {
        sim_feed(world, &world->nodes[i], &event);
        if (!world->nodes[i].is_stopped) {
            return "a core did not stop when asked";
        }
        if (world->nodes[i].conn_count != 0) {
            return "a core left connections open when it stopped";
        }
    }
    return NULL;
}

const char *sim_scenario_run(uint64_t seed, bool is_verbose, char text_out[SIM_TEXT_BYTES],
                             uint64_t *hash_out)
{
    struct random_source random;
    random_init(&random, seed);
    struct sim_world *world = sim_world_new(seed, 2 + random_below(&random, 3));
    uint32_t announced[SIM_NODES_MAX];
    world->is_verbose = is_verbose;
    for (uint32_t i = 0; i < world->node_count; i++) {
        announced[i] = PREFIXES_PER_NODE;
        configure(world, &world->nodes[i], announced[i], 9);
    }
    for (uint32_t i = 0; i < FAULTS; i++) {
        sim_run_ms(world, 1 + random_below(&world->random, 2000));
        fault(world, announced);
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        world->nodes[i].refuses = false;
        sim_set_link(world, &world->nodes[i], true);
    }
    sim_run_ms(world, PEACE_MS);
    const char *failure = check(world, announced, text_out);
    if (failure == NULL) {
        failure = stop_all(world);
    }
    if (world->failure[0] != 0) { /* what came first, and kept the rest from happening */
        snprintf(text_out, SIM_TEXT_BYTES, "%s", world->failure);
        failure = text_out;
    }
    *hash_out = world->hash;
    sim_world_free(world);
    return failure;
}
