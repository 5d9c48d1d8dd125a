#!/usr/bin/env python3
"""Sealane beside other daemons on the same made-up table, in namespaces of its own.

  make bench                       sealane and bird, three runs each, written to docs/benchmarks.md
  make bench PEERS=all             and frr, openbgpd, gobgp where they can do the scenario
  make bench-growth                the growth tables
  bench.py --prefixes 100000 --runs 1 --scenario kernel --only sealane,bird
"""
import argparse
import os
import statistics
import sys

import bench_document
from bench_daemons import DAEMONS
from bench_growth import growth
from bench_run import fill_kernel
from bench_scenarios import all_scenarios


def median_of(results):
    """Medians of several runs' results, figure by figure."""
    def median(pick):
        return statistics.median(pick(result) for result in results)
    middle = {key: median(lambda r, key=key: r[key]) for key in ("cpu_s", "peak_mb", "settled_mb")}
    middle["times"] = {key: median(lambda r, key=key: r["times"][key])
                       for key in results[0]["times"]}
    middle["note"] = results[-1].get("note", "")
    return middle


def measure(scenario, kinds, runs):
    """Per daemon its medians; the daemons take turns, so that a busy minute hits all of them. One of
    the others that never completes has no line."""
    results = {kind: [] for kind in kinds if DAEMONS[kind].can(scenario.plan)}
    bare = []
    for _ in range(runs):
        for kind, rows in results.items():
            try:
                rows.append(scenario.run(kind))
            except RuntimeError as error:
                if kind == "sealane":
                    raise
                print("%s, %s: %s" % (scenario.name, kind, error), file=sys.stderr)
        if scenario.is_compared_bare:
            bare.append(fill_kernel(scenario.prefixes))
    medians = {kind: median_of(rows) for kind, rows in results.items() if rows}
    if bare:
        medians["bare netlink"] = {"times": {"": statistics.median(bare)}}
    return medians


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefixes", type=int, default=1000000, help="size of the big table")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="daemons, with commas: " + ",".join(DAEMONS))
    parser.add_argument("--scenario", action="append", help="words of a scenario's name")
    parser.add_argument("--growth", action="store_true", help="the growth tables instead")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--section", default="table", help="which table there: table or peers")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces")
    kinds = options.only.split(",") if options.only else ["sealane", "bird"]
    if os.environ.get("PEERS") == "all" and not options.only:
        kinds = [kind for kind, daemon in DAEMONS.items() if daemon.is_installed()]
    for kind in kinds:
        if kind not in DAEMONS or not DAEMONS[kind].is_installed():
            sys.exit("bench: %s is not installed" % kind)
    if options.growth:
        text = growth(kinds, options.prefixes)
        if options.write:
            bench_document.write("growth", text)
        return
    scenarios = all_scenarios(options.prefixes)
    lines = {}
    for scenario in scenarios:
        if options.scenario and not any(word in scenario.name for word in options.scenario):
            continue
        lines[scenario.name] = bench_document.lines_of(
            scenario.name, measure(scenario, kinds, options.runs), options.runs)
        print("\n".join(lines[scenario.name]), flush=True)
        if options.write:
            bench_document.write_scenarios(options.section, lines,
                                           [row.name for row in scenarios])


if __name__ == "__main__":
    main()
