/* Micro-benchmarks of the tables: nanoseconds per operation and octets per prefix.
 * rib_bench [prefixes [peers]] */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/mem.h"
#include "rib/adj_rib_out.h"
#include "rib/loc_rib.h"
#include "tests/bench/table_gen.h"

struct bench {
    struct gen_table table;
    struct attr_table *attrs;
    struct loc_rib *rib;
    struct adj_rib_out *out;
    struct nexthop *nexthops;
    uint32_t peer_count;
    uint16_t *sources;
    uint32_t reader;
    int64_t started_ns;
};

static void report(struct bench *bench, const char *what, uint32_t operations)
{
    int64_t took = gen_now_ns() - bench->started_ns;
    printf("%-44s %8.1f ms %8.1f ns each\n", what, (double)took / 1e6,
           (double)took / (operations == 0 ? 1 : operations));
    bench->started_ns = gen_now_ns();
}

static void load_peer(struct bench *bench, uint32_t peer)
{
    struct mono_time now = {1000000000};
    for (uint32_t i = 0; i < bench->table.group_count; i++) {
        const struct gen_group *group = &bench->table.groups[i];
        uint8_t path[40];
        struct path_attrs attrs;
        gen_attrs(group, path, peer, &attrs);
        struct attr_set *set = attr_set_intern(bench->attrs, &attrs);
        if (attr_set_nexthop(set) == NULL) {
            attr_set_bind_nexthop(set, &bench->nexthops[peer]);
        }
        for (uint32_t j = 0; j < group->count; j++) {
            loc_rib_prefetch(bench->rib, &bench->table.prefixes[group->first + j]);
        }
        for (uint32_t j = 0; j < group->count; j++) {
            adj_rib_in_put(bench->rib, bench->sources[peer],
                           &bench->table.prefixes[group->first + j], 0, set, set, DECISION_NONE,
                           now);
        }
        attr_set_unref(bench->attrs, set);
    }
}

/* Decides all that is dirty and files the outcome for one update group. */
static uint32_t decide(struct bench *bench)
{
    static const struct decision_options options = {
        .default_local_pref = 100, .multipath_ebgp_max = 1, .multipath_ibgp_max = 1};
    uint32_t decided = 0;
    dest_id dest;
    while ((dest = loc_rib_take_dirty(bench->rib)) != 0) {
        struct decision_result result;
        decision_run(bench->rib, dest, PATH_CLASS_ANY, &options, &result);
        decided++;
        if (result.best_changed && bench->out != NULL) {
            struct route_view view;
            bool is_there =
                result.used_count > 0 && route_by_number(bench->rib, result.used[0], &view);
            adj_rib_out_put(bench->out, dest, is_there ? view.accepted : NULL);
        }
    }
    return decided;
}

static uint32_t drain(struct bench *bench, uint32_t *told_out)
{
    dest_id dests[1000];
    struct attr_set *attrs;
    uint32_t runs = 0;
    uint32_t got;
    *told_out = 0;
    while ((got = adj_rib_out_reader_peek(bench->out, bench->reader, dests, 1000, &attrs)) != 0) {
        adj_rib_out_reader_advance(bench->out, bench->reader, dests, got);
        *told_out += got;
        runs++;
    }
    return runs;
}

static void drain_report(struct bench *bench, const char *what)
{
    uint32_t told;
    uint32_t runs = drain(bench, &told);
    report(bench, what, told);
    printf("  %u prefixes in %u updates: %.2f each\n", told, runs,
           runs == 0 ? 0.0 : (double)told / runs);
}

static void memory_report(const struct bench *bench, int64_t resident_before)
{
    static const enum mem_kind kinds[] = {MEM_ATTR_SET, MEM_PREFIX_INDEX, MEM_ROUTE,
                                          MEM_ADJ_RIB_OUT};
    double prefixes = bench->table.prefix_count;
    printf("octets per prefix:");
    double sum = 0;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        double each = (double)mem_bytes(kinds[i]) / prefixes;
        sum += each;
        printf(" %s %.1f,", mem_kind_name(kinds[i]), each);
    }
    printf(" together %.1f; resident %.1f (%.1f MB)\n", sum,
           (double)(gen_resident_bytes() - resident_before) / prefixes,
           (double)(gen_resident_bytes() - resident_before) / 1e6);
}

static void intern_again(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->table.group_count; i++) {
        uint8_t path[40];
        struct path_attrs attrs;
        gen_attrs(&bench->table.groups[i], path, 0, &attrs);
        attr_set_unref(bench->attrs, attr_set_intern(bench->attrs, &attrs));
    }
}

static void walk(struct bench *bench)
{
    struct rib_walker walker;
    rib_walker_init(&walker, NULL);
    uint32_t met = 0;
    while (rib_walker_next(&walker, bench->rib) != 0) {
        met++;
    }
    report(bench, "walk in prefix order", met);
}

static void match(struct bench *bench)
{
    uint32_t found = 0;
    uint32_t count = 1000000;
    for (uint32_t i = 0; i < count; i++) {
        struct ip_addr addr = ip_from_v4(i * 2654435761u);
        found += loc_rib_match_best(bench->rib, &addr) != 0;
    }
    report(bench, "longest match of random addresses", count);
    printf("  %u of %u found\n", found, count);
}

static void run(struct bench *bench)
{
    int64_t resident = gen_resident_bytes();
    uint32_t prefixes = bench->table.prefix_count;
    bench->started_ns = gen_now_ns();
    load_peer(bench, 0);
    report(bench, "first peer: intern and put", prefixes);
    memory_report(bench, resident);
    bench->started_ns = gen_now_ns();
    uint32_t decided = decide(bench);
    report(bench, "decide and put out", decided);
    drain_report(bench, "one reader takes all");
    memory_report(bench, resident);
    bench->started_ns = gen_now_ns();
    load_peer(bench, 0);
    report(bench, "the same again: nothing changes", prefixes);
    intern_again(bench);
    report(bench, "intern a known set", bench->table.group_count);
    match(bench);
    walk(bench);
    uint32_t fresh;
    if (adj_rib_out_reader_add(bench->out, &fresh) == STATUS_OK) {
        uint32_t first = bench->reader;
        bench->reader = fresh;
        drain_report(bench, "a late reader takes all");
        adj_rib_out_reader_remove(bench->out, fresh);
        bench->reader = first;
    }
    for (uint32_t peer = 1; peer < bench->peer_count; peer++) {
        bench->started_ns = gen_now_ns();
        load_peer(bench, peer);
        report(bench, "another peer: intern and put", prefixes);
        decided = decide(bench);
        report(bench, "decide", decided);
        drain_report(bench, "one reader takes what changed");
        memory_report(bench, resident);
    }
    bench->started_ns = gen_now_ns();
    while (adj_rib_in_drop(bench->rib, bench->sources[0], 1000) != 0) {
        decide(bench);
    }
    report(bench, "the best peer goes: drop, decide, put out", prefixes);
    drain_report(bench, "one reader takes it");
    memory_report(bench, resident);
}

static void bench_init(struct bench *bench, uint32_t prefixes, uint32_t peers)
{
    gen_table_init(&bench->table, prefixes, 1);
    bench->peer_count = peers;
    bench->attrs = attr_table_new(1);
    bench->rib = loc_rib_new(AFI_SAFI_IPV4_UNICAST, bench->attrs, 2);
    bench->out = adj_rib_out_new(bench->rib, bench->attrs);
    bench->nexthops = mem_alloc(MEM_MISC, peers * sizeof *bench->nexthops);
    bench->sources = mem_alloc(MEM_MISC, peers * sizeof *bench->sources);
    for (uint32_t peer = 0; peer < peers; peer++) {
        bench->nexthops[peer] = (struct nexthop){.state = NEXTHOP_RESOLVED};
        struct rib_source source = {
            .kind = SOURCE_PEER_EBGP, .router_id = 1 + peer, .addr = ip_from_v4(0x0a000001 + peer)};
        if (loc_rib_source_add(bench->rib, &source, &bench->sources[peer]) != STATUS_OK) {
            exit(1);
        }
    }
    if (adj_rib_out_reader_add(bench->out, &bench->reader) != STATUS_OK) {
        exit(1);
    }
}

int main(int argc, char **argv)
{
    uint32_t prefixes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    uint32_t peers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2;
    if (prefixes == 0 || peers == 0 || peers > 64) {
        fprintf(stderr, "usage: rib_bench [prefixes [peers, at most 64]]\n");
        return 2;
    }
    struct bench bench = {0};
    bench_init(&bench, prefixes, peers);
    printf("%u prefixes, %u attribute sets, %u peers\n", prefixes, bench.table.group_count, peers);
    run(&bench);
    adj_rib_out_free(bench.out);
    loc_rib_free(bench.rib);
    attr_table_free(bench.attrs);
    gen_table_fini(&bench.table);
    mem_free(MEM_MISC, bench.nexthops);
    mem_free(MEM_MISC, bench.sources);
    return 0;
}
