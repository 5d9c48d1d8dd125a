#include "bgpd/io/probe_watch.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/clock.h"
#include "bgpd/io/probe_judge.h"
#include "proto/base/cursor.h"
#include "proto/base/mem.h"

#define ECHO_HEADER_BYTES 8u
#define COOKIE_BYTES      8u
#define ECHO_BYTES        (ECHO_HEADER_BYTES + COOKIE_BYTES)
#define IPV4_HEADER_MIN   20u
#define ANSWERS_PER_TURN  64
/* Answers to older probes than that say nothing about now. */
#define SEQUENCE_WINDOW 64u

struct probe_watch {
    struct ev_loop *loop;
    struct evidence_hooks hooks;
    struct evidence evidence;
    struct probe_setup setup;
    struct probe_judge judge;
    struct ack_watch *acks; /* NULL: echo alone counts */
    int fd;                 /* -1: none */
    int error;              /* why there is none, or why the last probe could not be sent; 0 */
    uint16_t sequence;
    uint8_t cookie[COOKIE_BYTES]; /* nobody can answer in advance or in another's name */
    struct ev_io readable;
    struct ev_timer send_timer;
    struct ev_timer dead_timer;
};

/* ---- Messages ---- */

static uint16_t checksum(const uint8_t *octets, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += load_be16(octets + i);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* RFC 792, RFC 4443 4.1; the kernel sums ICMPv6 itself. */
static void write_request(const struct probe_watch *watch, uint8_t octets[ECHO_BYTES])
{
    bool is_v6 = watch->setup.peer.family == IP_V6;
    memset(octets, 0, ECHO_BYTES);
    octets[0] = is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    memcpy(octets + 4, watch->cookie, 2);
    store_be16(octets + 6, watch->sequence);
    memcpy(octets + ECHO_HEADER_BYTES, watch->cookie, COOKIE_BYTES);
    if (!is_v6) {
        store_be16(octets + 2, checksum(octets, ECHO_BYTES));
    }
}

static bool is_our_answer(const struct probe_watch *watch, const uint8_t *octets, size_t size)
{
    struct reader reader = reader_of(octets, size);
    bool is_v6 = watch->setup.peer.family == IP_V6;
    if (!is_v6) { /* A raw IPv4 socket tells the IP header too. */
        size_t header = size == 0 ? 0 : (octets[0] & 0x0fu) * 4u;
        if (header < IPV4_HEADER_MIN) {
            return false;
        }
        (void)reader_bytes(&reader, header);
    }
    uint8_t type = reader_u8(&reader);
    uint8_t code = reader_u8(&reader);
    (void)reader_u16(&reader);
    const uint8_t *id = reader_bytes(&reader, 2);
    uint16_t age = (uint16_t)(watch->sequence - reader_u16(&reader));
    const uint8_t *cookie = reader_bytes(&reader, COOKIE_BYTES);
    return cookie != NULL && type == (is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && code == 0 &&
           memcmp(id, watch->cookie, 2) == 0 && age < SEQUENCE_WINDOW &&
           memcmp(cookie, watch->cookie, COOKIE_BYTES) == 0;
}

/* ---- Socket ---- */

static socklen_t fill_sockaddr(struct sockaddr_storage *storage, const struct ip_addr *addr)
{
    memset(storage, 0, sizeof *storage);
    if (addr->family == IP_V6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
        v6->sin6_family = AF_INET6;
        memcpy(&v6->sin6_addr, addr->bytes, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
    v4->sin_family = AF_INET;
    memcpy(&v4->sin_addr, addr->bytes, 4);
    return sizeof *v4;
}

/* Only echo replies reach a busy router's probe socket. */
static bool filter_replies(int fd, bool is_v6)
{
    if (is_v6) {
        struct icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0;
    }
    struct icmp_filter filter = {.data = ~(1u << ICMP_ECHOREPLY)};
    return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) == 0;
}

/* Connected: the kernel hands us nothing that comes from anybody else. */
static bool prepare(const struct probe_watch *watch, int fd)
{
    const struct probe_setup *setup = &watch->setup;
    struct sockaddr_storage addr;
    socklen_t size;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, setup->interface,
                   (socklen_t)strlen(setup->interface)) != 0 ||
        !filter_replies(fd, setup->peer.family == IP_V6)) {
        return false;
    }
    if (setup->local.family == setup->peer.family) {
        size = fill_sockaddr(&addr, &setup->local);
        if (bind(fd, (struct sockaddr *)&addr, size) != 0) {
            return false;
        }
    }
    size = fill_sockaddr(&addr, &setup->peer);
    return connect(fd, (struct sockaddr *)&addr, size) == 0;
}

static void close_socket(struct probe_watch *watch)
{
    if (watch->fd >= 0) {
        ev_io_stop(watch->loop, &watch->readable);
        close(watch->fd);
        watch->fd = -1;
    }
}

static void open_socket(struct probe_watch *watch)
{
    bool is_v6 = watch->setup.peer.family == IP_V6;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0 || !prepare(watch, fd)) {
        watch->error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    watch->fd = fd;
    ev_io_set(&watch->readable, fd, EV_READ);
    ev_io_start(watch->loop, &watch->readable);
}

/* ---- Verdicts ---- */

static void tell_unknown(struct probe_watch *watch, const char *peer)
{
    if (watch->error != 0) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN, "cannot probe %s: %.40s",
                      peer, strerror(watch->error));
    } else if (watch->setup.kind == PROBE_KIND_TCP) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN,
                      "no session with %s whose acknowledgements could tell", peer);
    } else {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN,
                      "%s has never answered echo%s", peer,
                      watch->acks == NULL ? "" : ", no session to judge by");
    }
}

/* Echo has never been answered, or not any more: what the acknowledgements say. */
static void tell_by_acks(struct probe_watch *watch, const char *peer)
{
    const char *echo = watch->setup.kind == PROBE_KIND_TCP     ? ""
                       : watch->judge.verdict == PROBE_UNKNOWN ? " (never answered echo)"
                                                               : " (no longer answers echo)";
    bool is_alive = ack_watch_verdict(watch->acks) == PROBE_ALIVE;
    evidence_tell(&watch->evidence, &watch->hooks, is_alive ? EVIDENCE_ALIVE : EVIDENCE_DEAD,
                  "%s %s TCP%s", peer, is_alive ? "acknowledges" : "has stopped acknowledging",
                  echo);
}

static void tell(struct probe_watch *watch)
{
    char peer[IP_TEXT_BYTES];
    enum probe_verdict echo = watch->judge.verdict;
    enum probe_verdict acks = watch->acks == NULL ? PROBE_UNKNOWN : ack_watch_verdict(watch->acks);
    ip_format(&watch->setup.peer, peer);
    if (echo == PROBE_ALIVE) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_ALIVE, "%s answers echo", peer);
    } else if (acks == PROBE_ALIVE || (acks == PROBE_DEAD && echo == PROBE_UNKNOWN)) {
        tell_by_acks(watch, peer);
    } else if (echo == PROBE_DEAD) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_DEAD,
                      "%s has stopped answering echo", peer);
    } else {
        tell_unknown(watch, peer);
    }
}

static void on_acks_changed(void *context)
{
    tell(context);
}

static void read_answers(struct probe_watch *watch)
{
    uint8_t octets[256];
    for (int i = 0; i < ANSWERS_PER_TURN && watch->fd >= 0; i++) {
        ssize_t got = recv(watch->fd, octets, sizeof octets, MSG_DONTWAIT);
        if (got < 0) {
            return; /* Nothing more, or an ICMP error, which silence tells as well. */
        }
        if (is_our_answer(watch, octets, (size_t)got)) {
            probe_judge_answered(&watch->judge, clock_mono_now());
        }
    }
}

static void start_timer(struct probe_watch *watch, struct ev_timer *timer, double after_s)
{
    ev_timer_stop(watch->loop, timer);
    ev_now_update(watch->loop);
    ev_timer_set(timer, after_s > 0. ? after_s : 0., 0.);
    ev_timer_start(watch->loop, timer);
}

/* After a late turn of the loop the answers that wait in the socket come first. */
static void look(struct probe_watch *watch)
{
    read_answers(watch);
    struct mono_time now = clock_mono_now();
    enum probe_verdict before = watch->judge.verdict;
    probe_judge_time(&watch->judge, now);
    if (before != PROBE_DEAD && watch->judge.verdict == PROBE_DEAD && watch->acks != NULL) {
        ack_watch_doubt(watch->acks); /* Its last acknowledgement may be older than the failure. */
    }
    tell(watch);
    struct mono_time deadline = probe_judge_deadline(&watch->judge);
    if (mono_is_never(deadline) || mono_reached(deadline, now)) {
        ev_timer_stop(watch->loop, &watch->dead_timer); /* The next probe looks again. */
    } else {
        start_timer(watch, &watch->dead_timer, (double)mono_between(now, deadline).ns / 1e9);
    }
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
    (void)loop;
    (void)events;
    look(io->data);
}

static void on_dead_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    look(timer->data);
}

static void on_send_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct probe_watch *watch = timer->data;
    uint8_t request[ECHO_BYTES];
    if (watch->setup.peer.family == IP_NONE) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN,
                      "nobody to probe: no neighbor is bound to the tunnel, no inner-peer given");
        return;
    }
    if (watch->setup.kind == PROBE_KIND_TCP) {
        tell(watch);
        return;
    }
    look(watch);
    watch->error = 0;
    if (watch->fd < 0) {
        open_socket(watch);
    }
    watch->sequence++;
    write_request(watch, request);
    /* What we cannot send counts as lost: there is no way to the peer. */
    if (watch->fd >= 0 && send(watch->fd, request, sizeof request, MSG_DONTWAIT) < 0) {
        watch->error = errno;
        close_socket(watch); /* The interface may have been made anew. */
    }
    probe_judge_sent(&watch->judge);
    start_timer(watch, &watch->send_timer, (double)probe_judge_spacing(&watch->judge).ns / 1e9);
    if (watch->judge.verdict == PROBE_UNKNOWN && watch->judge.unanswered_count >= 3) {
        tell(watch);
    }
}

/* ---- Life ---- */

struct probe_watch *probe_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                    const struct ack_source *connections,
                                    const struct probe_setup *setup)
{
    struct probe_watch *watch = mem_alloc(MEM_IO, sizeof *watch);
    watch->loop = loop;
    watch->hooks = *hooks;
    watch->setup = *setup;
    watch->fd = -1;
    evidence_init(&watch->evidence, setup->tunnel_number, LIVENESS_PROBE);
    if (setup->kind != PROBE_KIND_ECHO) {
        struct ack_hooks ack_hooks = {watch, on_acks_changed};
        watch->acks =
            ack_watch_new(loop, connections, &ack_hooks, setup->interval_ms, setup->multiplier);
    }
    probe_judge_init(&watch->judge, setup->interval_ms, setup->multiplier);
    if (getrandom(watch->cookie, sizeof watch->cookie, 0) != sizeof watch->cookie) {
        uint64_t now = (uint64_t)clock_mono_now().ns;
        memcpy(watch->cookie, &now, sizeof watch->cookie);
    }
    ev_io_init(&watch->readable, on_readable, -1, EV_READ);
    ev_timer_init(&watch->send_timer, on_send_timer, 0., 0.);
    ev_timer_init(&watch->dead_timer, on_dead_timer, 0., 0.);
    watch->readable.data = watch;
    watch->send_timer.data = watch;
    watch->dead_timer.data = watch;
    start_timer(watch, &watch->send_timer, 0.);
    return watch;
}

void probe_watch_session(struct probe_watch *watch, conn_id conn, uint32_t hold_time_s)
{
    if (watch->acks != NULL) {
        ack_watch_session(watch->acks, conn, hold_time_s);
    }
}

void probe_watch_free(struct probe_watch *watch)
{
    if (watch->acks != NULL) {
        ack_watch_free(watch->acks);
    }
    close_socket(watch);
    ev_timer_stop(watch->loop, &watch->send_timer);
    ev_timer_stop(watch->loop, &watch->dead_timer);
    mem_free(MEM_IO, watch);
}
