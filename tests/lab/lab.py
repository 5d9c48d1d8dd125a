#!/usr/bin/env python3
"""Faults against the CE's daemon, each with its figures: the table of `make lab`.

    lab.py                       sealaned alone, with the limits it owes
    lab.py --short               the quick rows, judged for leaks and healing only
    lab.py --peers all           and BIRD and FRR with a careful operator's set-up
    lab.py --runs 3 --write      three runs, the worst of each row into docs/lab.md
    lab.py --ce bird --shell     raise the lab and stay in it

A row: the worst stream's loss toward Azure and from Azure, packets of protected
networks seen in the clear (fault and repair together, both directions), and
how long until everything stood again after the repair.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import azure  # noqa: E402
import ce  # noqa: E402
import faults  # noqa: E402
import lab_document  # noqa: E402
import netlab  # noqa: E402
import rows  # noqa: E402

RESULT_MARK = "RESULT "
HEADS = ("fault", "daemon", "to Azure", "from it", "clear", "whole in")


def measure(kind, options):
    """Runs inside the sandbox; prints one RESULT line per row."""
    trial = faults.Trial(ce.KINDS[kind])
    trial.start_far_end()
    return 0 if rows.run_all(trial, tell, options.only, options.short, options.done) else 1


def tell(result):
    print(RESULT_MARK + json.dumps(result), flush=True)


def loss(summary):
    return "open" if summary["open"] else "%.0f ms" % summary["outage_ms"]


def line(title, result):
    if "error" in result:
        return "%-31s %-8s %s" % (result["fault"], title, result["error"].splitlines()[0])
    losses = ("-", "-") if result.get("is_start") else (loss(result["out"]), loss(result["back"]))
    return "%-31s %-8s %9s %9s %6d %7.1f s" % (
        result["fault"][:31], title, *losses, result["leaked"], result["repair_s"])


class Judge:
    """Prints the rows as they come and keeps the score."""

    def __init__(self, is_short):
        self.is_short = is_short
        self.passed = 0
        self.failed = 0
        self.seen = {}  # {fault: {kind: [result of each run]}}

    def see(self, kind, result):
        self.seen.setdefault(result["fault"], {}).setdefault(kind, []).append(result)
        print(line(ce.KINDS[kind].title, result), flush=True)
        if kind != "sealane":
            return
        complaints = self.complaints(result)
        for text in complaints:
            print("  FAIL  " + text, flush=True)
        if complaints:
            self.failed += 1
            if "picture" in result:
                print(result["picture"], flush=True)
        else:
            self.passed += 1

    def complaints(self, result):
        if "error" in result:
            return [result["error"].splitlines()[0]]
        found = []
        if result["leaked"]:
            found.append("in the clear: " + "; ".join(result["samples"]))
        if result["missed"]:
            found.append("the sniffers missed %d packets" % result["missed"])
        misses = result["misses"]
        if self.is_short:  # a busy machine may cost time, never a leak or a way back
            misses = [text for text in misses if "at most" not in text]
        return found + misses


def run_kind(kind, options, judge, done=0):
    """Runs the rows after the first `done`; gives (exit status, rows told)."""
    command = [sys.executable, os.path.abspath(__file__), "--ce", kind, "--one"]
    command += ["--done", str(done)]
    command += ["--only", options.only] if options.only else []
    command += ["--short"] if options.short else []
    command += ["--keep", os.path.join(options.keep, kind)] if options.keep else []
    told = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for text in child.stdout:
            if text.startswith(RESULT_MARK):
                result = json.loads(text[len(RESULT_MARK):])
                if done == 0 or told > 0:  # the start of a lab raised again is no row
                    judge.see(kind, result)
                told += 1
    return child.returncode, told


def run_all_of(kind, options, judge):
    """One sandbox, and another after each row that did not end."""
    done = 0
    while True:
        status, told = run_kind(kind, options, judge, done)
        if status == 0:
            return 0
        if told < 2:
            return status
        done += told - 1


def compare(kinds, options):
    """One sandbox after the other."""
    judge = Judge(options.short)
    print("%-31s %-8s %9s %9s %6s %9s" % HEADS)
    for kind in kinds:
        reason = ce.KINDS[kind].missing()
        if reason:
            print("%-31s %-8s skipped: %s" % ("", ce.KINDS[kind].title, reason))
            continue
        for _ in range(options.runs if kind == options.ce else 1):
            status = run_all_of(kind, options, judge)
            if kind == "sealane" and status != 0 and judge.failed == 0:
                print("  FAIL  the lab itself ended with %d" % status)
                judge.failed += 1
    lines = rows.configuration_lines()
    print("%-31s %-8s %d lines, 1 daemon" % ("configuration", ce.KINDS["sealane"].title, lines))
    if options.runs > 1:
        print("\nworst of %d runs, to Azure / from it" % options.runs)
        print(lab_document.text(judge.seen))
    if options.write:
        lab_document.write(judge.seen)
    print("lab: %d passed, %d failed" % (judge.passed, judge.failed))
    return 1 if judge.failed else 0


def stay(kind):
    """Raises the lab and keeps it until its shell ends."""
    trial = faults.Trial(ce.KINDS[kind])
    trial.start_far_end()
    trial.start_daemon()
    trial.wait_full_strength(60)
    print("The lab stands. Its namespaces: ce lan lan2 prov m1 m2 hub g0 g1 vm; for instance\n"
          "  ip netns exec lan ping 10.51.231.10\n"
          "Logs are in %s. Leave this shell to remove everything." % netlab.WORK)
    if kind == "sealane":
        print("  build/sealane -s %s" % trial.daemon.socket)
    return subprocess.run([os.environ.get("SHELL", "/bin/sh")], check=False).returncode


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ce", choices=sorted(ce.KINDS), default="sealane")
    parser.add_argument("--peers", choices=["none", "all"],
                        default=os.environ.get("PEERS", "none"))
    parser.add_argument("--only", help="only the faults whose name contains this")
    parser.add_argument("--short", action="store_true", help="the quick rows; times are not judged")
    parser.add_argument("--runs", type=int, default=1, help="of the first daemon; shows the worst of each row")
    parser.add_argument("--write", action="store_true", help="the worst into docs/lab.md")
    parser.add_argument("--keep", metavar="FOLDER", help="on failure, copy all logs there")
    parser.add_argument("--shell", action="store_true", help="raise the lab and open a shell in it")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--done", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    reason = azure.missing()
    if reason is None and (options.shell or options.one):
        reason = ce.KINDS[options.ce].missing()
    if reason:
        print("lab: cannot run here: %s" % reason, file=sys.stderr)
        return 77
    try:
        if options.shell:
            return netlab.isolate(lambda: stay(options.ce), keep=options.keep)
        if options.one:
            return netlab.isolate(lambda: measure(options.ce, options), keep=options.keep)
    except netlab.LabMissing as error:
        print("lab: cannot run here: %s" % error, file=sys.stderr)
        return 77
    kinds = [options.ce]
    if options.peers == "all":
        kinds += [kind for kind in ("sealane", "bird", "frr") if kind not in kinds]
    return compare(kinds, options)


if __name__ == "__main__":
    sys.exit(main())
