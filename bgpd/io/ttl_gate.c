#include "bgpd/io/ttl_gate.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/assert.h"
#include "proto/base/cursor.h"
#include "proto/base/mem.h"

#define STEPS_MAX BPF_MAXINSNS

/* One gate: three steps for each of up to four words of the address, and five for the rest. */
#define GATE_STEPS_MAX 17u

#define TAKE_ALL UINT32_MAX

/* Where the network header has what is asked for. */
static uint32_t source_at(uint8_t family)
{
    return (uint32_t)SKF_NET_OFF + (family == IP_V6 ? 8u : 12u);
}

static uint32_t ttl_at(uint8_t family)
{
    return (uint32_t)SKF_NET_OFF + (family == IP_V6 ? 7u : 8u);
}

/* ---- The gates ---- */

static void remove_at(struct ttl_gates *gates, uint32_t index)
{
    memmove(&gates->items[index], &gates->items[index + 1],
            (gates->count - index - 1) * sizeof *gates->items);
    gates->count--;
}

void ttl_gates_put(struct ttl_gates *gates, const struct prefix *peer, uint8_t ttl_min)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < gates->count; i++) {
        if (prefix_equal(&gates->items[i].peer, peer)) {
            remove_at(gates, i);
            break;
        }
    }
    if (ttl_min == 0) {
        return;
    }
    gates->items = mem_realloc(MEM_IO, gates->items, (gates->count + 1) * sizeof *gates->items);
    while (at < gates->count && gates->items[at].peer.len_bits > peer->len_bits) {
        at++;
    }
    memmove(&gates->items[at + 1], &gates->items[at], (gates->count - at) * sizeof *gates->items);
    gates->items[at] = (struct ttl_gate){*peer, ttl_min};
    gates->count++;
}

void ttl_gates_fini(struct ttl_gates *gates)
{
    mem_free(MEM_IO, gates->items);
    *gates = (struct ttl_gates){NULL, 0};
}

/* ---- As a program for the kernel ---- */

static uint32_t word_mask(uint8_t len_bits, unsigned word)
{
    unsigned begin = word * 32;
    if (len_bits <= begin) {
        return 0;
    }
    return len_bits >= begin + 32 ? UINT32_MAX : UINT32_MAX << (begin + 32 - len_bits);
}

/* "If the source is inside the prefix: take the packet when its TTL is high enough, else drop it."
 * Returns the number of steps. */
static unsigned compile_gate(const struct ttl_gate *gate, struct sock_filter *out)
{
    uint8_t family = gate->peer.family;
    unsigned words = family == IP_V6 ? 4 : 1;
    unsigned steps = 4; /* those behind the address */
    unsigned at = 0;
    for (unsigned i = 0; i < words; i++) {
        steps += word_mask(gate->peer.len_bits, i) != 0 ? 3 : 0;
    }
    for (unsigned i = 0; i < words; i++) {
        uint32_t mask = word_mask(gate->peer.len_bits, i);
        if (mask != 0) {
            out[at++] =
                (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, source_at(family) + 4 * i);
            out[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
            out[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                   load_be32(gate->peer.bytes + 4 * i), 0,
                                                   (uint8_t)(steps - at - 1));
            at++;
        }
    }
    out[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ttl_at(family));
    out[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, gate->ttl_min, 0, 1);
    out[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKE_ALL);
    out[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    ASSERT(at == steps && at <= GATE_STEPS_MAX);
    return at;
}

bool ttl_gates_attach(const struct ttl_gates *gates, int fd, uint8_t family)
{
    struct sock_filter *steps = mem_alloc(MEM_IO, STEPS_MAX * sizeof *steps);
    unsigned count = 0;
    bool is_whole = true;
    for (uint32_t i = 0; i < gates->count && is_whole; i++) {
        if (gates->items[i].peer.family == family) {
            is_whole = count + GATE_STEPS_MAX + 1 <= STEPS_MAX;
            count += is_whole ? compile_gate(&gates->items[i], &steps[count]) : 0;
        }
    }
    if (count == 0) {
        ttl_gates_detach(fd);
        mem_free(MEM_IO, steps);
        return true;
    }
    steps[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKE_ALL);
    struct sock_fprog program = {.len = (unsigned short)count, .filter = steps};
    bool is_taken = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
    int error = is_taken ? E2BIG : errno;
    mem_free(MEM_IO, steps);
    errno = error;
    return is_taken && is_whole;
}

void ttl_gates_detach(int fd)
{
    int none = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none,
                     sizeof none); /* ENOENT: there is none */
}
