/* Connections of the simulated peers to the daemon under test. */
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

#include "tests/bench/load.h"

#define IDLE_LIMIT_S     60.0
#define CONNECT_RETRY_US 1000
#define CONNECT_LIMIT_S  60.0

double load_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void load_die(const char *what)
{
    fprintf(stderr, "bgp_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_from(uint32_t source, uint32_t target)
{
    int one = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    for (double start = load_now_s(); load_now_s() - start < CONNECT_LIMIT_S;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        addr.sin_addr.s_addr = htonl(source);
        addr.sin_port = 0;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
            load_die("bind");
        }
        addr.sin_addr.s_addr = htonl(target);
        addr.sin_port = htons(179);
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            return fd;
        }
        close(fd);
        usleep(CONNECT_RETRY_US);
    }
    load_die("connect");
}

static void peer_open(const struct load *load, struct load_peer *peer)
{
    peer->in.size = 0;
    peer->out.size = 0;
    peer->out_sent = 0;
    peer->last_keepalive = load_now_s();
    peer->last_heard = load_now_s();
    load_put_open(peer, load->hold_time_s);
}

/* Some daemons listen before they know their peers: until a session is up, it is tried again. */
static void peer_again(struct load *load, struct load_peer *peer)
{
    usleep(CONNECT_RETRY_US);
    close(peer->fd);
    peer->fd = connect_from(peer->addr, peer->target);
    peer_open(load, peer);
}

void load_peer_start(struct load *load, uint32_t addr, uint32_t target, uint32_t next_hop,
                     bool is_sender)
{
    struct load_peer *peer = &load->peers[load->peer_count];
    peer->addr = addr;
    peer->target = target;
    peer->next_hop = next_hop;
    peer->asn = LOAD_FIRST_ASN + (uint32_t)load->peer_count;
    peer->is_sender = is_sender;
    buffer_init(&peer->in, MEM_MISC);
    buffer_init(&peer->out, MEM_MISC);
    if (!is_sender) {
        peer->held_by = mem_alloc(MEM_MISC, load->table.prefix_count * sizeof *peer->held_by);
    }
    peer->fd = connect_from(addr, target);
    peer_open(load, peer);
    load->peer_count++;
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
            load_put_keepalive(peer);
        } else if (at[18] == 4) {
            peer->is_up = true;
        } else if (at[18] == 2 && !peer->is_sender) {
            load_read_update(load, peer, reader_of(at + 19, length - 19));
        } else if (at[18] == 3 && peer->is_up) {
            fprintf(stderr, "bgp_load: NOTIFICATION %d/%d from the target\n", at[19], at[20]);
            exit(1);
        }
        done += length;
    }
    buffer_drop(&peer->in, done);
}

static bool peer_read(struct load *load, struct load_peer *peer)
{
    ssize_t got = recv(peer->fd, buffer_reserve(&peer->in, 1 << 18), 1 << 18, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        if (peer->is_up) {
            load_die("the target closed a session");
        }
        peer_again(load, peer);
        return true;
    }
    if (got < 0) {
        return false;
    }
    double silence = load_now_s() - peer->last_heard;
    peer->silence_max_s = silence > peer->silence_max_s ? silence : peer->silence_max_s;
    peer->last_heard = load_now_s();
    peer->in.size += (size_t)got;
    read_messages(load, peer);
    return true;
}

static bool peer_write(struct load_peer *peer)
{
    if (peer->out_sent == peer->out.size) {
        return false;
    }
    ssize_t sent = send(peer->fd, peer->out.data + peer->out_sent, peer->out.size - peer->out_sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        load_die("send");
    }
    peer->out_sent += sent > 0 ? (size_t)sent : 0;
    if (peer->out_sent == peer->out.size) {
        peer->out.size = 0;
        peer->out_sent = 0;
    }
    return sent > 0;
}

static bool peer_turn(struct load *load, struct load_peer *peer, short events)
{
    bool progressed = (events & (POLLIN | POLLHUP | POLLERR)) != 0 && peer_read(load, peer);
    if (peer->is_up && peer->out.size == 0 &&
        load_now_s() - peer->last_keepalive > load->hold_time_s / 3.0) {
        load_put_keepalive(peer);
        peer->last_keepalive = load_now_s();
    }
    return peer_write(peer) || progressed;
}

bool load_turn(struct load *load, double wait_s)
{
    struct pollfd fds[LOAD_PEERS_MAX];
    struct timespec wait = {(time_t)wait_s, (long)((wait_s - (double)(time_t)wait_s) * 1e9)};
    bool progressed = false;
    for (int i = 0; i < load->peer_count; i++) {
        const struct load_peer *peer = &load->peers[i];
        bool wants_out = peer->out_sent < peer->out.size;
        fds[i] = (struct pollfd){peer->fd, (short)(POLLIN | (wants_out ? POLLOUT : 0)), 0};
    }
    if (ppoll(fds, (nfds_t)load->peer_count, &wait, NULL) < 0) {
        load_die("poll");
    }
    for (int i = 0; i < load->peer_count; i++) {
        progressed |= fds[i].fd >= 0 && peer_turn(load, &load->peers[i], fds[i].revents);
    }
    return progressed;
}

double load_run_until(struct load *load, bool (*done)(const struct load *load))
{
    double start = load_now_s();
    double last_progress = start;
    while (!done(load)) {
        uint64_t heard = load->update_count; /* KEEPALIVEs are no progress */
        if (load_turn(load, 1.0) && (load->update_count != heard || !load_all_sent(load))) {
            last_progress = load_now_s();
        }
        if (load_now_s() - last_progress > IDLE_LIMIT_S) {
            const struct load_peer *peer = &load->peers[load->peer_count - 1];
            fprintf(stderr, "bgp_load: stuck: last receiver holds %u, right %u of %u\n",
                    peer->held_count, peer->right_count, load->table.prefix_count);
            exit(1);
        }
    }
    return load_now_s() - start;
}

bool load_all_sent(const struct load *load)
{
    for (int i = 0; i < load->peer_count; i++) {
        if (load->peers[i].out.size != 0) {
            return false;
        }
    }
    return true;
}

bool load_all_up(const struct load *load)
{
    for (int i = 0; i < load->peer_count; i++) {
        if (!load->peers[i].is_up) {
            return false;
        }
    }
    return load_all_sent(load);
}

bool load_all_right(const struct load *load)
{
    for (int i = load->sender_count; i < load->peer_count; i++) {
        if (load->peers[i].right_count != load->table.prefix_count) {
            return false;
        }
    }
    return true;
}
