/* Connections as byte streams: in order, with any delay, in any segments, and breakable. */
#include <errno.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "tests/sim/sim_world.h"

#define WINDOW_BYTES 262144u

struct sim_end {
    uint32_t node;
    conn_id conn;
    bool is_known;        /* the core knows of the connection and has not closed it */
    struct buffer coming; /* sent by the other side, not told yet */
    bool is_arriving;     /* a happening is under way for coming */
    bool is_ending;       /* the other side has closed: told once coming is empty */
};

struct sim_pipe {
    uint32_t number;
    bool is_open;     /* the listener has accepted */
    bool is_answered; /* the opener knows */
    bool is_broken;
    struct sim_wire wire;
    struct sim_end ends[2]; /* opener, listener */
};

/* The mesh: every node on one wire. */
static bool find_in_mesh(const struct sim_world *world, const struct sim_node *from,
                         const struct conn_setup_action *setup, struct sim_wire *wire_out)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (ip_equal(&world->nodes[i].addr, &setup->remote_addr)) {
            *wire_out = (struct sim_wire){.nodes = {from->number, i},
                                          .addrs = {from->addr, world->nodes[i].addr},
                                          .ifindex = SIM_IFINDEX};
            return true;
        }
    }
    return false;
}

static bool passes(struct sim_world *world, const struct sim_pipe *pipe)
{
    if (world->hooks.passes != NULL) {
        return world->hooks.passes(world, &pipe->wire);
    }
    return world->nodes[pipe->wire.nodes[0]].is_link_up &&
           world->nodes[pipe->wire.nodes[1]].is_link_up;
}

/* Every end that a core knows of is one it has open. */
static void set_known(struct sim_world *world, struct sim_end *end, bool is_known)
{
    if (end->is_known != is_known) {
        end->is_known = is_known;
        world->nodes[end->node].conn_count += is_known ? 1 : UINT32_MAX;
    }
}

static struct sim_node *node_of(struct sim_world *world, const struct sim_end *end)
{
    return &world->nodes[end->node];
}

static struct sim_pipe *find(struct sim_world *world, const struct sim_node *node, conn_id conn,
                             uint8_t *side_out)
{
    for (uint32_t i = world->pipe_count; i-- > 0;) {
        struct sim_pipe *pipe = world->pipes[i];
        for (uint8_t side = 0; pipe != NULL && side < 2; side++) {
            if (pipe->ends[side].is_known && pipe->ends[side].node == node->number &&
                pipe->ends[side].conn == conn) {
                *side_out = side;
                return pipe;
            }
        }
    }
    return NULL;
}

static void free_pipe(struct sim_world *world, uint32_t number)
{
    struct sim_pipe *pipe = world->pipes[number];
    if (pipe != NULL) {
        buffer_fini(&pipe->ends[0].coming);
        buffer_fini(&pipe->ends[1].coming);
        mem_free(MEM_MISC, pipe);
        world->pipes[number] = NULL;
    }
}

static void tell_room(struct sim_world *world, const struct sim_end *end, uint32_t room_bytes)
{
    struct core_event event = {.kind = EVENT_CONN_ROOM};
    event.conn.conn = end->conn;
    event.conn.room_bytes = room_bytes;
    if (end->is_known) {
        sim_feed(world, node_of(world, end), &event);
    }
}

void sim_connect(struct sim_world *world, struct sim_node *node,
                 const struct conn_setup_action *setup)
{
    struct sim_pipe *pipe = mem_alloc(MEM_MISC, sizeof *pipe);
    pipe->number = world->pipe_count;
    pipe->ends[0].node = node->number;
    pipe->ends[0].conn = setup->conn;
    set_known(world, &pipe->ends[0], true);
    bool is_found = world->hooks.find != NULL ? world->hooks.find(world, node, setup, &pipe->wire)
                                              : find_in_mesh(world, node, setup, &pipe->wire);
    pipe->ends[1].node = is_found ? pipe->wire.nodes[1] : SIM_NODES_MAX;
    buffer_init(&pipe->ends[0].coming, MEM_MISC);
    buffer_init(&pipe->ends[1].coming, MEM_MISC);
    world->pipes =
        mem_realloc(MEM_MISC, world->pipes, (world->pipe_count + 1) * sizeof *world->pipes);
    world->pipes[world->pipe_count++] = pipe;
    struct sim_happening arrives = {.kind = SIM_CONNECT_ARRIVES, .pipe = pipe->number, .side = 1};
    sim_schedule(world, sim_delay(world), &arrives);
}

static void schedule_bytes(struct sim_world *world, struct sim_pipe *pipe, uint8_t side)
{
    struct sim_end *end = &pipe->ends[side];
    if (end->is_arriving || (end->coming.size == 0 && !end->is_ending)) {
        return;
    }
    struct sim_happening arrives = {.kind = SIM_BYTES_ARRIVE, .pipe = pipe->number, .side = side};
    end->is_arriving = true;
    sim_schedule(world, sim_delay(world), &arrives);
}

void sim_send(struct sim_world *world, struct sim_node *node, conn_id conn, struct byte_view bytes)
{
    uint8_t side;
    struct sim_pipe *pipe = find(world, node, conn, &side);
    ASSERT(pipe != NULL && (pipe->is_open || side == 1)); /* only on what is up, or to refuse it */
    pipe->is_open = true;
    struct sim_end *other = &pipe->ends[1 - side];
    ASSERT(other->coming.size + bytes.size <= WINDOW_BYTES); /* never more than the room told */
    buffer_append(&other->coming, bytes.data, bytes.size);
    schedule_bytes(world, pipe, (uint8_t)(1 - side));
}

void sim_close(struct sim_world *world, struct sim_node *node, conn_id conn)
{
    uint8_t side;
    struct sim_pipe *pipe = find(world, node, conn, &side);
    ASSERT(pipe != NULL);
    if (world->plant != SIM_PLANT_KEPT_CONN) {
        set_known(world, &pipe->ends[side], false);
    }
    pipe->ends[1 - side].is_ending = true;
    if (pipe->is_open) {
        schedule_bytes(world, pipe, (uint8_t)(1 - side));
    }
}

void sim_accept(struct sim_world *world, struct sim_node *node, conn_id conn)
{
    uint8_t side;
    struct sim_pipe *pipe = find(world, node, conn, &side);
    ASSERT(pipe != NULL && side == 1);
    pipe->is_open = true;
}

/* ---- What happens ---- */

static void tell_failed(struct sim_world *world, struct sim_pipe *pipe, int error)
{
    struct core_event event = {.kind = EVENT_CONN_FAILED};
    event.conn.conn = pipe->ends[0].conn;
    event.conn.error = error;
    if (pipe->ends[0].is_known) {
        set_known(world, &pipe->ends[0], false);
        sim_feed(world, node_of(world, &pipe->ends[0]), &event);
    }
    free_pipe(world, pipe->number);
}

static void connect_arrives(struct sim_world *world, struct sim_pipe *pipe)
{
    struct sim_happening answered = {.kind = SIM_CONNECT_ANSWERED, .pipe = pipe->number, .side = 0};
    struct sim_end *theirs = &pipe->ends[1];
    if (theirs->node == SIM_NODES_MAX || !passes(world, pipe)) {
        return; /* Nobody answers: the opener gives up by itself. */
    }
    sim_schedule(world, sim_delay(world), &answered);
    struct sim_node *listener = node_of(world, theirs);
    if (listener->refuses || listener->is_stopped || listener->core == NULL ||
        !pipe->ends[0].is_known) {
        return;
    }
    theirs->conn = listener->next_incoming++;
    set_known(world, theirs, true);
    struct core_event event = {.kind = EVENT_CONN_INCOMING};
    event.conn.conn = theirs->conn;
    event.conn.remote_addr = pipe->wire.addrs[0];
    event.conn.local_addr = pipe->wire.addrs[1];
    event.conn.local_port = 179;
    event.conn.remote_port = (uint16_t)(20000 + pipe->number % 40000);
    event.conn.ifindex = pipe->wire.ifindex;
    sim_feed(world, listener, &event);
    if (pipe->is_open) {
        tell_room(world, theirs, WINDOW_BYTES);
    }
}

static void connect_answered(struct sim_world *world, struct sim_pipe *pipe)
{
    struct sim_end *ours = &pipe->ends[0];
    pipe->is_answered = true;
    if (!ours->is_known) {
        schedule_bytes(world, pipe, 1);
        return; /* Given up meanwhile. */
    }
    if (!pipe->is_open) {
        tell_failed(world, pipe, ECONNREFUSED);
        return;
    }
    struct core_event event = {.kind = EVENT_CONN_OPENED};
    event.conn.conn = ours->conn;
    event.conn.local_addr = pipe->wire.addrs[0];
    event.conn.remote_addr = pipe->wire.addrs[1];
    event.conn.local_port = (uint16_t)(20000 + pipe->number % 40000);
    event.conn.remote_port = 179;
    sim_feed(world, node_of(world, ours), &event);
    tell_room(world, ours, WINDOW_BYTES);
    schedule_bytes(world, pipe, 0);
}

static void tell_closed(struct sim_world *world, struct sim_pipe *pipe, uint8_t side, int error)
{
    struct sim_end *end = &pipe->ends[side];
    struct core_event event = {.kind = EVENT_CONN_CLOSED};
    event.conn.conn = end->conn;
    event.conn.error = error;
    if (end->is_known) {
        set_known(world, end, false);
        pipe->ends[1 - side].is_ending = true;
        sim_feed(world, node_of(world, end), &event);
    }
}

/* Segments of one octet, of a few, or of all there is. */
static size_t segment_bytes(struct sim_world *world, size_t available)
{
    switch (random_below(&world->random, 4)) {
    case 0:
        return 1;
    case 1:
        return 1 + random_below(&world->random, 40) % available;
    default:
        return available;
    }
}

static void bytes_arrive(struct sim_world *world, struct sim_pipe *pipe, uint8_t side)
{
    struct sim_end *end = &pipe->ends[side];
    struct sim_node *node = node_of(world, end);
    end->is_arriving = false;
    if (side == 0 && !pipe->is_answered) {
        return;
    }
    if (!end->is_known && !pipe->ends[1 - side].is_known) {
        free_pipe(world, pipe->number);
        return;
    }
    if (!passes(world, pipe)) {
        end->is_arriving = true;
        struct sim_happening again = {.kind = SIM_BYTES_ARRIVE, .pipe = pipe->number, .side = side};
        sim_schedule(world, mono_span_ms(200), &again);
        return;
    }
    size_t available = end->coming.size;
    uint32_t room = end->is_known ? core_receive_room(node->core, end->conn) : UINT32_MAX;
    available = available < room ? available : room;
    if (available != 0) {
        uint8_t copy[WINDOW_BYTES];
        size_t size = segment_bytes(world, available);
        memcpy(copy, end->coming.data, size);
        buffer_drop(&end->coming, size);
        tell_room(world, &pipe->ends[1 - side], (uint32_t)size);
        struct core_event event = {.kind = EVENT_CONN_BYTES};
        event.conn.conn = end->conn;
        event.conn.bytes = (struct byte_view){copy, size};
        if (end->is_known) {
            sim_feed(world, node, &event);
        }
    } else if (end->coming.size == 0 && end->is_ending) {
        tell_closed(world, pipe, side, 0);
        return;
    }
    schedule_bytes(world, pipe, side);
}

const struct sim_node *sim_net_node(const struct sim_world *world,
                                    const struct sim_happening *happening)
{
    const struct sim_pipe *pipe = world->pipes[happening->pipe];
    uint32_t node = pipe == NULL ? SIM_NODES_MAX : pipe->ends[happening->side].node;
    return node == SIM_NODES_MAX ? NULL : &world->nodes[node];
}

void sim_net_happens(struct sim_world *world, const struct sim_happening *happening)
{
    struct sim_pipe *pipe = world->pipes[happening->pipe];
    if (pipe == NULL) {
        return;
    }
    switch (happening->kind) {
    case SIM_CONNECT_ARRIVES:
        connect_arrives(world, pipe);
        return;
    case SIM_CONNECT_ANSWERED:
        connect_answered(world, pipe);
        return;
    case SIM_BYTES_ARRIVE:
        if (!pipe->is_broken) {
            bytes_arrive(world, pipe, happening->side);
        }
        return;
    case SIM_CLOSE_ARRIVES:
        tell_closed(world, pipe, happening->side, ECONNRESET);
        return;
    default:
        UNREACHABLE();
    }
}

static void break_pipe(struct sim_world *world, struct sim_pipe *pipe)
{
    pipe->is_broken = true;
    for (uint8_t side = 0; side < 2; side++) {
        struct sim_happening closed = {
            .kind = SIM_CLOSE_ARRIVES, .pipe = pipe->number, .side = side};
        sim_schedule(world, sim_delay(world), &closed);
    }
}

bool sim_break_connection(struct sim_world *world)
{
    for (uint32_t tries = 0; world->pipe_count != 0 && tries < 32; tries++) {
        struct sim_pipe *pipe = world->pipes[random_below(&world->random, world->pipe_count)];
        if (pipe != NULL && pipe->is_open && !pipe->is_broken &&
            (pipe->ends[0].is_known || pipe->ends[1].is_known)) {
            break_pipe(world, pipe);
            return true;
        }
    }
    return false;
}

void sim_break_node(struct sim_world *world, const struct sim_node *node)
{
    for (uint32_t i = 0; i < world->pipe_count; i++) {
        struct sim_pipe *pipe = world->pipes[i];
        if (pipe != NULL && pipe->is_open && !pipe->is_broken &&
            (pipe->ends[0].node == node->number || pipe->ends[1].node == node->number) &&
            random_below(&world->random, 2) == 0) {
            break_pipe(world, pipe); /* The others find out by their hold timers. */
        }
    }
}

bool sim_net_is_under_way(const struct sim_world *world, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < world->pipe_count; i++) {
        const struct sim_pipe *pipe = world->pipes[i];
        for (uint8_t side = 0; pipe != NULL && side < 2; side++) {
            if (pipe->ends[side].node == to && pipe->ends[1 - side].node == from &&
                pipe->ends[side].is_known && !pipe->is_broken &&
                pipe->ends[side].coming.size != 0) {
                return true;
            }
        }
    }
    return false;
}

void sim_net_forget_node(struct sim_world *world, const struct sim_node *node)
{
    for (uint32_t i = 0; i < world->pipe_count; i++) {
        struct sim_pipe *pipe = world->pipes[i];
        for (uint8_t side = 0; pipe != NULL && side < 2; side++) {
            if (!pipe->ends[side].is_known || pipe->ends[side].node != node->number) {
                continue;
            }
            set_known(world, &pipe->ends[side], false);
            pipe->ends[1 - side].is_ending = true;
            if (pipe->is_open && !pipe->is_broken) {
                schedule_bytes(world, pipe, (uint8_t)(1 - side));
            }
        }
    }
}

void sim_net_free(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->pipe_count; i++) {
        free_pipe(world, i);
    }
    mem_free(MEM_MISC, world->pipes);
}
