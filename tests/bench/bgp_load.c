/* Load generator and monitor in one: announcing peers that send a table as fast as the socket takes
 * it, and listening peers that check that they hold the right path of every prefix.
 *
 *   bgp_load --target 10.9.0.1 --senders 2 --receivers 1 --prefixes 1000000 --scenario load
 *
 * Addresses of the peers are FIRST, FIRST+1, ... (--first 10.9.0.2); AS numbers 64601, 64602, ...
 * Prints one line of JSON. Scenarios: load; withdraw (after load the best sender withdraws all);
 * reset (after load the best sender's TCP session dies). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/cursor.h"
#include "tests/bench/table.h"

#define FIRST_ASN    64601u
#define PEERS_MAX    64
#define IDLE_LIMIT_S 60.0
#define HOLD_TIME_S  240u

struct load_peer {
    int fd;
    uint32_t addr;
    uint32_t asn;
    bool is_sender;
    bool is_up; /* their OPEN and first KEEPALIVE came */
    struct buffer in;
    struct buffer out;
    size_t out_sent;
    uint8_t *held_by; /* receivers: per prefix the sender's number + 1 whose path is held */
    uint32_t held_count;
    uint32_t right_count;
    uint64_t updates;
    double last_keepalive;
};

struct load {
    struct table table;
    struct load_peer peers[PEERS_MAX];
    int peer_count;
    int sender_count;
    uint32_t target;
    uint32_t target_asn;
    int expected_sender; /* whose path must be held now; -1: any */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "bgp_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put_header(struct buffer *out, uint8_t type, size_t body_bytes)
{
    uint8_t *at = buffer_reserve(out, 19);
    memset(at, 0xff, 16);
    store_be16(at + 16, (uint16_t)(19 + body_bytes));
    at[18] = type;
    out->size += 19;
}

static void put_open(struct load_peer *peer)
{
    uint8_t body[64];
    struct writer w = writer_of(body, sizeof body);
    writer_u8(&w, 4);
    writer_u16(&w, 23456);
    writer_u16(&w, HOLD_TIME_S);
    writer_u32(&w, peer->addr);
    static const uint8_t capabilities[] = {14, 2, 12, 1, 4, 0, 1, 0, 1, 65, 4};
    writer_bytes(&w, capabilities, sizeof capabilities);
    writer_u32(&w, peer->asn);
    put_header(&peer->out, 1, writer_size(&w));
    buffer_append(&peer->out, body, writer_size(&w));
}

/* The sender's number decides how often it prepends itself: sender 0 is the best for even groups,
 * sender 1 for odd ones, and so on, so that the best path differs per prefix. */
static uint32_t prepends(const struct load *load, int sender, uint32_t group)
{
    return 1u + (group % (uint32_t)load->sender_count != (uint32_t)sender) +
           (uint32_t)(sender > (int)(group % (uint32_t)load->sender_count));
}

static void put_attrs(const struct load *load, const struct load_peer *peer, int sender,
                      uint32_t group_number, struct writer *w)
{
    const struct table_group *group = &load->table.groups[group_number];
    uint32_t own = prepends(load, sender, group_number);
    static const uint8_t origin[] = {0x40, 1, 1, 0};
    writer_bytes(w, origin, sizeof origin);
    uint32_t count = own + group->path_count;
    writer_u8(w, 0x40);
    writer_u8(w, 2);
    writer_u8(w, (uint8_t)(2 + 4 * count));
    writer_u8(w, 2);
    writer_u8(w, (uint8_t)count);
    for (uint32_t i = 0; i < own; i++) {
        writer_u32(w, peer->asn);
    }
    for (uint32_t i = 0; i < group->path_count; i++) {
        writer_u32(w, group->path[i]);
    }
    static const uint8_t next_hop[] = {0x40, 3, 4};
    writer_bytes(w, next_hop, sizeof next_hop);
    writer_u32(w, peer->addr);
    if (group->has_med) {
        static const uint8_t med[] = {0x80, 4, 4};
        writer_bytes(w, med, sizeof med);
        writer_u32(w, group->med);
    }
    if (group->community_count != 0) {
        writer_u8(w, 0xc0);
        writer_u8(w, 8);
        writer_u8(w, (uint8_t)(4 * group->community_count));
        for (uint32_t i = 0; i < group->community_count; i++) {
            writer_u32(w, group->communities[i]);
        }
    }
}

static void put_nlri(struct writer *w, const struct table_prefix *prefix)
{
    uint8_t bytes[4];
    store_be32(bytes, prefix->addr);
    writer_u8(w, prefix->len_bits);
    writer_bytes(w, bytes, (prefix->len_bits + 7u) / 8u);
}

static void put_table(const struct load *load, struct load_peer *peer, int sender)
{
    uint8_t body[4096];
    for (uint32_t g = 0; g < load->table.group_count; g++) {
        const struct table_group *group = &load->table.groups[g];
        struct writer w = writer_of(body, sizeof body);
        writer_u16(&w, 0);
        uint8_t *length = writer_claim(&w, 2);
        put_attrs(load, peer, sender, g, &w);
        store_be16(length, (uint16_t)(writer_size(&w) - 4));
        for (uint32_t i = 0; i < group->count; i++) {
            put_nlri(&w, &load->table.prefixes[group->first + i]);
        }
        put_header(&peer->out, 2, writer_size(&w));
        buffer_append(&peer->out, body, writer_size(&w));
    }
}

static void put_withdrawals(const struct load *load, struct load_peer *peer)
{
    uint8_t body[4096];
    uint32_t place = 0;
    while (place < load->table.prefix_count) {
        struct writer w = writer_of(body, 4000);
        uint8_t *length = writer_claim(&w, 2);
        while (place < load->table.prefix_count && writer_room(&w) > 8) {
            put_nlri(&w, &load->table.prefixes[place++]);
        }
        store_be16(length, (uint16_t)(writer_size(&w) - 2));
        writer_u16(&w, 0);
        put_header(&peer->out, 2, writer_size(&w));
        buffer_append(&peer->out, body, writer_size(&w));
    }
}

/* Which sender's path this is (its number), or -1 when it is none of theirs for this group. */
static int path_sender(const struct load *load, struct byte_view as_path, uint32_t group_number)
{
    struct reader r = reader_of_view(as_path);
    const struct table_group *group = &load->table.groups[group_number];
    uint8_t type = reader_u8(&r);
    uint8_t count = reader_u8(&r);
    uint32_t first = reader_u32(&r);
    uint32_t asn = reader_u32(&r);
    if (r.failed || type != 2 || first != load->target_asn || asn < FIRST_ASN ||
        asn >= FIRST_ASN + (uint32_t)load->sender_count) {
        return -1;
    }
    int sender = (int)(asn - FIRST_ASN);
    uint32_t own = prepends(load, sender, group_number);
    if (count != 1 + own + group->path_count) {
        return -1;
    }
    for (uint32_t i = 1; i < own; i++) {
        if (reader_u32(&r) != asn) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < group->path_count; i++) {
        if (reader_u32(&r) != group->path[i]) {
            return -1;
        }
    }
    return r.failed ? -1 : sender;
}

static bool is_right(const struct load *load, uint32_t place, uint8_t held_by)
{
    int expected = load->expected_sender;
    if (expected == -1) {
        expected = (int)(load->table.prefixes[place].group % (uint32_t)load->sender_count);
    }
    return held_by == expected + 1;
}

static void hold(struct load *load, struct load_peer *peer, uint32_t addr, uint8_t len_bits,
                 struct byte_view as_path)
{
    uint32_t place = table_find(&load->table, addr, len_bits);
    if (place == UINT32_MAX) {
        errno = 0;
        die("received a prefix nobody sent");
    }
    uint8_t *held = &peer->held_by[place];
    peer->held_count -= *held != 0;
    peer->right_count -= is_right(load, place, *held);
    *held = 0;
    if (as_path.size != 0) {
        *held = (uint8_t)(path_sender(load, as_path, load->table.prefixes[place].group) + 1);
        if (*held == 0) {
            *held = 255;
        }
    }
    peer->held_count += *held != 0;
    peer->right_count += is_right(load, place, *held);
}

static void read_nlri(struct load *load, struct load_peer *peer, struct reader r,
                      struct byte_view as_path)
{
    while (reader_left(&r) != 0 && !r.failed) {
        uint8_t len_bits = reader_u8(&r);
        uint8_t bytes[4] = {0};
        const uint8_t *at = reader_bytes(&r, (len_bits + 7u) / 8u);
        if (at != NULL && len_bits <= 32) {
            memcpy(bytes, at, (len_bits + 7u) / 8u);
            hold(load, peer, load_be32(bytes), len_bits, as_path);
        }
    }
}

static void read_update(struct load *load, struct load_peer *peer, struct reader r)
{
    struct byte_view as_path = {NULL, 0};
    peer->updates++;
    read_nlri(load, peer, reader_sub(&r, reader_u16(&r)), as_path);
    struct reader attrs = reader_sub(&r, reader_u16(&r));
    while (reader_left(&attrs) != 0 && !attrs.failed) {
        uint8_t flags = reader_u8(&attrs);
        uint8_t type = reader_u8(&attrs);
        size_t size = (flags & 0x10) != 0 ? reader_u16(&attrs) : reader_u8(&attrs);
        struct byte_view value = reader_view(&attrs, size);
        if (type == 2) {
            as_path = value;
        }
    }
    if (reader_left(&r) != 0) {
        read_nlri(load, peer, r, as_path);
    }
}

static void read_messages(struct load *load, struct load_peer *peer)
{
    size_t done = 0;
    while (peer->in.size - done >= 19) {
        const uint8_t *at = peer->in.data + done;
        size_t length = load_be16(at + 16);
        if (peer->in.size - done < length) {
            break;
        }
        if (at[18] == 1) {
            put_header(&peer->out, 4, 0);
        } else if (at[18] == 4) {
            peer->is_up = true;
        } else if (at[18] == 2 && !peer->is_sender) {
            read_update(load, peer, reader_of(at + 19, length - 19));
        } else if (at[18] == 3) {
            fprintf(stderr, "bgp_load: NOTIFICATION %d/%d from the target\n", at[19], at[20]);
            exit(1);
        }
        done += length;
    }
    buffer_drop(&peer->in, done);
}

static bool peer_io(struct load *load, struct load_peer *peer, short events)
{
    bool progressed = false;
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
        ssize_t got = recv(peer->fd, buffer_reserve(&peer->in, 1 << 18), 1 << 18, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            die("the target closed a session");
        }
        if (got > 0) {
            peer->in.size += (size_t)got;
            read_messages(load, peer);
            progressed = true;
        }
    }
    if (now_s() - peer->last_keepalive > 20 && peer->is_up && peer->out_sent == peer->out.size) {
        put_header(&peer->out, 4, 0);
        peer->last_keepalive = now_s();
    }
    if (peer->out_sent < peer->out.size) {
        ssize_t sent = send(peer->fd, peer->out.data + peer->out_sent,
                            peer->out.size - peer->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            die("send");
        }
        if (sent > 0) {
            peer->out_sent += (size_t)sent;
            progressed = true;
        }
        if (peer->out_sent == peer->out.size) {
            peer->out.size = 0;
            peer->out_sent = 0;
        }
    }
    return progressed;
}

/* Runs all sessions until done says so; the run is given up when nothing moves for a minute. */
static double run_until(struct load *load, bool (*done)(const struct load *load))
{
    double start = now_s();
    double last_progress = start;
    while (!done(load)) {
        struct pollfd fds[PEERS_MAX];
        for (int i = 0; i < load->peer_count; i++) {
            struct load_peer *peer = &load->peers[i];
            bool wants_out = peer->out_sent < peer->out.size;
            fds[i] = (struct pollfd){peer->fd, (short)(POLLIN | (wants_out ? POLLOUT : 0)), 0};
        }
        poll(fds, (nfds_t)load->peer_count, 1000);
        for (int i = 0; i < load->peer_count; i++) {
            if (fds[i].fd >= 0 && peer_io(load, &load->peers[i], fds[i].revents)) {
                last_progress = now_s();
            }
        }
        if (now_s() - last_progress > IDLE_LIMIT_S) {
            const struct load_peer *peer = &load->peers[load->peer_count - 1];
            fprintf(stderr, "bgp_load: stuck: last receiver holds %u, right %u of %u\n",
                    peer->held_count, peer->right_count, load->table.prefix_count);
            exit(1);
        }
    }
    return now_s() - start;
}

static bool all_up(const struct load *load)
{
    for (int i = 0; i < load->peer_count; i++) {
        if (!load->peers[i].is_up || load->peers[i].out.size != 0) {
            return false;
        }
    }
    return true;
}

static bool all_right(const struct load *load)
{
    for (int i = load->sender_count; i < load->peer_count; i++) {
        if (load->peers[i].right_count != load->table.prefix_count) {
            return false;
        }
    }
    return true;
}

static void recount(struct load *load)
{
    for (int i = load->sender_count; i < load->peer_count; i++) {
        struct load_peer *peer = &load->peers[i];
        peer->right_count = 0;
        for (uint32_t place = 0; place < load->table.prefix_count; place++) {
            peer->right_count += is_right(load, place, peer->held_by[place]);
        }
    }
}

static int connect_from(uint32_t source, uint32_t target)
{
    int one = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    for (int attempt = 0; attempt < 300; attempt++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        addr.sin_addr.s_addr = htonl(source);
        addr.sin_port = 0;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
            die("bind");
        }
        addr.sin_addr.s_addr = htonl(target);
        addr.sin_port = htons(179);
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            return fd;
        }
        close(fd);
        usleep(100000);
    }
    die("connect");
}

static void peer_start(struct load *load, uint32_t addr, bool is_sender)
{
    struct load_peer *peer = &load->peers[load->peer_count];
    peer->addr = addr;
    peer->asn = FIRST_ASN + (uint32_t)load->peer_count;
    peer->is_sender = is_sender;
    buffer_init(&peer->in, MEM_MISC);
    buffer_init(&peer->out, MEM_MISC);
    peer->last_keepalive = now_s();
    if (!is_sender) {
        peer->held_by = mem_alloc(MEM_MISC, load->table.prefix_count);
    }
    peer->fd = connect_from(addr, load->target);
    put_open(peer);
    load->peer_count++;
}

static uint32_t parse_addr(const char *text)
{
    struct in_addr addr;
    if (inet_pton(AF_INET, text, &addr) != 1) {
        errno = EINVAL;
        die(text);
    }
    return ntohl(addr.s_addr);
}

/* What a scenario does after the table has arrived. Returns its seconds. */
static double second_act(struct load *load, const char *scenario)
{
    load->expected_sender = 1;
    recount(load);
    if (strcmp(scenario, "withdraw") == 0) {
        put_withdrawals(load, &load->peers[0]);
    } else {
        struct linger hard = {1, 0};
        setsockopt(load->peers[0].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(load->peers[0].fd);
        load->peers[0].fd = -1;
    }
    return run_until(load, all_right);
}

int main(int argc, char **argv)
{
    static struct load load;
    int receivers = 1;
    uint32_t prefixes = 100000;
    uint32_t first = parse_addr("10.9.0.2");
    const char *scenario = "load";
    load.target = parse_addr("10.9.0.1");
    load.target_asn = 65001;
    load.expected_sender = -1;
    int senders = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--target") == 0) {
            load.target = parse_addr(value);
        } else if (strcmp(argv[i], "--first") == 0) {
            first = parse_addr(value);
        } else if (strcmp(argv[i], "--senders") == 0) {
            senders = (int)strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--receivers") == 0) {
            receivers = (int)strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--prefixes") == 0) {
            prefixes = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--scenario") == 0) {
            scenario = value;
        } else {
            fprintf(stderr, "bgp_load: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    if (senders < 1 || receivers < 1 || senders + receivers > PEERS_MAX) {
        fprintf(stderr, "bgp_load: 1 to %d peers\n", PEERS_MAX);
        return 2;
    }
    load.sender_count = senders;
    table_make(&load.table, prefixes, 20160811);
    for (int i = 0; i < senders + receivers; i++) {
        peer_start(&load, first + (uint32_t)i, i < senders);
    }
    run_until(&load, all_up);
    for (int i = 0; i < senders; i++) {
        put_table(&load, &load.peers[i], i);
    }
    double load_s = run_until(&load, all_right);
    double second_s = 0;
    if (strcmp(scenario, "load") != 0) {
        second_s = second_act(&load, scenario);
    }
    printf("{\"prefixes\":%u,\"updates_sent\":%u,\"updates_received\":%llu,\"load_s\":%.3f,"
           "\"second_s\":%.3f}\n",
           load.table.prefix_count, load.table.group_count,
           (unsigned long long)load.peers[load.peer_count - 1].updates, load_s, second_s);
    fflush(stdout);
    /* Stay until told to go (end of standard input), so that the target's memory can be read. */
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
