/* Load generator and monitor in one: announcing peers that send a table as fast as the socket takes
 * it, and listening peers that check that they hold the right path of every prefix.
 *
 *   bgp_load --target 10.9.0.1 --senders 2 --receivers 1 --prefixes 1000000 --scenario load
 *
 * Addresses of the peers are FIRST, FIRST+1, ... (--first 10.9.0.2); AS numbers 100001, 100002,
 * ...; next hops are the peers' own, or with --next-hop 10.77.0.1 that, 10.77.1.1, ... Prints one
 * line of JSON per act and then keeps the sessions until its standard input ends. Scenarios: load;
 * withdraw (after load the best sender withdraws all); reset (after load the best sender's TCP
 * session dies); policy (after load, until all paths carry --extra-asn); latency (one prefix
 * through the daemon --probes times, during --rate updates a second from the last sender). */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define PROBE_EVERY_S  0.001
#define PROBE_LIMIT_S  10.0
#define WARM_UP_PROBES 50u
#define SECOND_BEST    1 /* the sender whose path counts once the best is gone */

struct options {
    int senders;
    int receivers;
    uint32_t prefixes;
    uint32_t target;
    uint32_t first;
    uint32_t apart;
    uint32_t next_hop;
    const char *scenario;
    uint32_t extra_asn;
    uint32_t probes;
    uint32_t rate;
};

static uint32_t parse_addr(const char *text)
{
    struct in_addr addr;
    if (inet_pton(AF_INET, text, &addr) != 1) {
        errno = EINVAL;
        load_die(text);
    }
    return ntohl(addr.s_addr);
}

static bool parse_option(const char *name, const char *value, struct load *load,
                         struct options *options)
{
    uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(name, "--target") == 0) {
        options->target = parse_addr(value);
    } else if (strcmp(name, "--first") == 0) {
        options->first = parse_addr(value);
    } else if (strcmp(name, "--apart") == 0) {
        options->apart = parse_addr(value);
    } else if (strcmp(name, "--next-hop") == 0) {
        options->next_hop = parse_addr(value);
    } else if (strcmp(name, "--senders") == 0) {
        options->senders = (int)number;
    } else if (strcmp(name, "--receivers") == 0) {
        options->receivers = (int)number;
    } else if (strcmp(name, "--prefixes") == 0) {
        options->prefixes = number;
    } else if (strcmp(name, "--scenario") == 0) {
        options->scenario = value;
    } else if (strcmp(name, "--best") == 0) {
        load->is_first_best = strcmp(value, "first") == 0;
    } else if (strcmp(name, "--hold") == 0) {
        load->hold_time_s = (uint16_t)number;
    } else if (strcmp(name, "--extra-asn") == 0) {
        options->extra_asn = number;
    } else if (strcmp(name, "--probes") == 0) {
        options->probes = number;
    } else if (strcmp(name, "--rate") == 0) {
        options->rate = number;
    } else {
        return false;
    }
    return true;
}

/* ---- Latency ---- */

struct pulse {
    uint32_t rate; /* updates a second; 0: none */
    double start;
    uint64_t sent;
};

/* The updates that are due by now, from the last sender: the table round and round, each prefix
 * longer and shorter in turn, so that every one is a change. */
static void pulse_send(struct load *load, struct pulse *pulse)
{
    int sender = load->sender_count - 1;
    uint64_t due = (uint64_t)((load_now_s() - pulse->start) * pulse->rate);
    for (; pulse->sent < due; pulse->sent++) {
        uint32_t place = (uint32_t)(pulse->sent % load->table.prefix_count);
        bool is_longer = pulse->sent / load->table.prefix_count % 2 == 0;
        load_put_one(load, &load->peers[sender], sender, place, is_longer);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sends one probe and waits until the receiver holds it. Returns the seconds between. */
static double probe_once(struct load *load, struct pulse *pulse, uint32_t serial)
{
    double start = load_now_s();
    load_put_probe(&load->peers[0], serial);
    load_turn(load, 0);
    while (load->probe_seen != serial) {
        pulse_send(load, pulse);
        load_turn(load, pulse->rate == 0 ? 1.0 : PROBE_EVERY_S);
        if (load_now_s() - start > PROBE_LIMIT_S) {
            errno = ETIMEDOUT;
            load_die("a probe did not come through");
        }
    }
    return load_now_s() - start;
}

static void measure_latency(struct load *load, const struct options *options)
{
    double *took = mem_alloc(MEM_MISC, options->probes * sizeof *took);
    struct pulse pulse = {.rate = options->rate, .start = load_now_s()};
    for (uint32_t serial = 1; serial <= options->probes + WARM_UP_PROBES; serial++) {
        double one = probe_once(load, &pulse, serial);
        if (serial > WARM_UP_PROBES) {
            took[serial - WARM_UP_PROBES - 1] = one;
        }
        for (double next = load_now_s() + PROBE_EVERY_S; load_now_s() < next;) {
            pulse_send(load, &pulse);
            load_turn(load, PROBE_EVERY_S / 4);
        }
    }
    double lasted = load_now_s() - pulse.start;
    qsort(took, options->probes, sizeof *took, compare_doubles);
    load_put_table(load, &load->peers[load->sender_count - 1], load->sender_count - 1);
    load_run_until(load, load_all_right);
    printf("{\"p50_s\":%.6f,\"p99_s\":%.6f,\"max_s\":%.6f,\"rate\":%.0f}\n",
           took[options->probes / 2], took[options->probes - 1 - options->probes / 100],
           took[options->probes - 1], (double)pulse.sent / lasted);
    fflush(stdout);
    mem_free(MEM_MISC, took);
}

/* ---- Loads ---- */

/* What a scenario does after the table has arrived. Returns its seconds. */
static double second_act(struct load *load, const struct options *options)
{
    load->expected_sender = SECOND_BEST;
    if (strcmp(options->scenario, "policy") == 0) {
        load->expected_sender = -1;
        load->extra_asn = options->extra_asn;
        for (int i = load->sender_count; i < load->peer_count; i++) {
            memset(load->peers[i].held_by, 0,
                   load->table.prefix_count * sizeof *load->peers[i].held_by);
        }
        for (int i = 0; i < load->peer_count; i++) {
            load->peers[i].silence_max_s = 0;
        }
    } else if (strcmp(options->scenario, "withdraw") == 0) {
        load_put_withdrawals(load, &load->peers[0]);
    } else {
        struct linger hard = {1, 0};
        setsockopt(load->peers[0].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(load->peers[0].fd);
        load->peers[0].fd = -1;
    }
    load_recount(load);
    return load_run_until(load, load_all_right);
}

static void report(const struct load *load, double load_s, double second_s)
{
    printf("{\"prefixes\":%u,\"updates_sent\":%u,\"updates_received\":%llu,\"load_s\":%.4f,"
           "\"second_s\":%.4f,\"silence_s\":%.3f,\"now_s\":%.6f}\n",
           load->table.prefix_count, load->table.group_count,
           (unsigned long long)load->peers[load->peer_count - 1].updates, load_s, second_s,
           load->peers[0].silence_max_s, load_now_s());
    fflush(stdout);
}

/* In the latency scenario the last sender has the table to itself, so that all its changes count.
 */
static void run(struct load *load, const struct options *options)
{
    bool is_latency = strcmp(options->scenario, "latency") == 0;
    int first = is_latency ? load->sender_count - 1 : 0;
    load->expected_sender = is_latency ? first : -1;
    load_run_until(load, load_all_up);
    for (int i = first; i < load->sender_count; i++) {
        load_put_table(load, &load->peers[i], i);
    }
    double start = load_now_s();
    printf("{\"start_s\":%.6f}\n", start);
    fflush(stdout);
    load_run_until(load, load_all_sent);
    load_run_until(load, load_all_right);
    double load_s = load_now_s() - start;
    if (is_latency) {
        measure_latency(load, options);
        return;
    }
    report(load, load_s, 0);
    if (strcmp(options->scenario, "load") != 0) {
        report(load, load_s, second_act(load, options));
    }
}

/* Until told to go (end of standard input), so that the target's memory and routes can be read. */
static void linger(struct load *load)
{
    for (;;) {
        struct pollfd told = {STDIN_FILENO, POLLIN, 0};
        char byte;
        if (poll(&told, 1, 0) != 0 && read(STDIN_FILENO, &byte, 1) <= 0) {
            return;
        }
        load_turn(load, 0.05);
    }
}

int main(int argc, char **argv)
{
    static struct load load = {.target_asn = 65001, .hold_time_s = 240, .expected_sender = -1};
    struct options options = {
        .senders = 1, .receivers = 1, .prefixes = 100000, .scenario = "load", .probes = 2000};
    options.target = parse_addr("10.9.0.1");
    options.first = parse_addr("10.9.0.2");
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!parse_option(argv[i], argv[i + 1], &load, &options)) {
            fprintf(stderr, "bgp_load: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    int peers = options.senders + options.receivers;
    if (options.senders < 1 || options.receivers < 0 || peers > LOAD_PEERS_MAX ||
        options.probes < 100) {
        fprintf(stderr, "bgp_load: 1 to %d peers, 100 probes or more\n", LOAD_PEERS_MAX);
        return 2;
    }
    load.sender_count = options.senders;
    table_make(&load.table, options.prefixes, 20160811);
    for (int i = 0; i < peers; i++) {
        uint32_t addr = options.first + (uint32_t)i;
        uint32_t next_hop = options.next_hop == 0 ? addr : options.next_hop + ((uint32_t)i << 8);
        bool is_apart = i == 0 && options.apart != 0;
        if (is_apart) {
            load_peer_start(&load, options.apart, (options.apart & 0xffff0000u) | 1u, options.apart,
                            true);
        } else {
            load_peer_start(&load, addr, options.target, next_hop, i < options.senders);
        }
    }
    run(&load, &options);
    linger(&load);
    return 0;
}
