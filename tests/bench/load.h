/* The parts of bgp_load: simulated peers, what they announce, and the check of what they hear. */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "proto/base/buffer.h"
#include "proto/base/cursor.h"
#include "tests/bench/table.h"

#define LOAD_FIRST_ASN 100001u
#define LOAD_PEERS_MAX 1100
/* Probes of the latency scenario: one prefix that is in no table, its serial number in the path. */
#define LOAD_PROBE_ADDR   0x0ac80000u /* 10.200.0.0/24 */
#define LOAD_PROBE_SERIAL 1000000u

struct load_peer {
    int fd; /* -1: gone */
    uint32_t addr;
    uint32_t target;
    uint32_t asn;
    uint32_t next_hop;
    bool is_sender;
    bool is_up; /* their OPEN and first KEEPALIVE came */
    struct buffer in;
    struct buffer out;
    size_t out_sent;
    uint16_t *held_by; /* receivers: per prefix the sender's number + 1 whose path is held */
    uint32_t held_count;
    uint32_t right_count;
    uint64_t updates;
    uint32_t last_place; /* of the prefix taken last: its neighbour often comes next */
    double last_keepalive;
    double last_heard;
    double silence_max_s; /* longest time in which nothing came from the target */
};

struct load {
    struct table table;
    struct load_peer peers[LOAD_PEERS_MAX];
    int peer_count;
    int sender_count;
    uint32_t target_asn;
    uint16_t hold_time_s;
    bool is_first_best;    /* sender 0 is the best for every prefix; else each for its share */
    int expected_sender;   /* whose path must be held now; -1: the best's */
    uint32_t extra_asn;    /* what the target's policy must have prepended; 0: nothing */
    uint64_t update_count; /* heard by all receivers */
    uint32_t probe_seen;   /* serial number of the last probe that came back */
};

double load_now_s(void);
_Noreturn void load_die(const char *what);

/* ---- load_message.c: what the peers say ---- */

void load_put_keepalive(struct load_peer *peer);
void load_put_open(struct load_peer *peer, uint16_t hold_time_s);

/* The whole table as sender's, in as many UPDATEs as it has groups. */
void load_put_table(const struct load *load, struct load_peer *peer, int sender);
void load_put_withdrawals(const struct load *load, struct load_peer *peer);

/* One UPDATE of one prefix of the table; is_longer prepends once more than the table's path. */
void load_put_one(const struct load *load, struct load_peer *peer, int sender, uint32_t place,
                  bool is_longer);
void load_put_probe(struct load_peer *peer, uint32_t serial);

/* How often sender prepends itself for a group: least where it is the best. */
uint32_t load_prepends(const struct load *load, int sender, uint32_t group);

/* ---- load_check.c: whether what came is right ---- */

void load_read_update(struct load *load, struct load_peer *peer, struct reader r);

/* Counts the right paths again; needed when what is expected changes. */
void load_recount(struct load *load);

/* ---- load_session.c: connections ---- */

void load_peer_start(struct load *load, uint32_t addr, uint32_t target, uint32_t next_hop,
                     bool is_sender);

/* Moves octets on all sessions, waiting at most wait_s for the first. True when any moved. */
bool load_turn(struct load *load, double wait_s);

/* Runs all sessions until done says so, and returns the seconds it took. The run is given up when
 * nothing moves for a minute. */
double load_run_until(struct load *load, bool (*done)(const struct load *load));

bool load_all_up(const struct load *load); /* Established, and nothing left to send */
bool load_all_sent(const struct load *load);
bool load_all_right(
    const struct load *load); /* every receiver holds the right path of every prefix */

#endif
