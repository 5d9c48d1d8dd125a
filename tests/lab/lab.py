#!/usr/bin/env python3
"""The same faults against sealaned, BIRD and FRR on the CE, side by side.

    lab.py                       sealaned alone
    lab.py --peers all           and BIRD and FRR with a careful operator's set-up
    lab.py --ce bird --shell     raise the lab and stay in it

Each fault: worst loss toward Azure, worst loss from Azure, and packets of
protected networks seen in the clear (fault and repair together).
"""

import argparse
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import azure  # noqa: E402
import ce  # noqa: E402
import faults  # noqa: E402
import netlab  # noqa: E402

RESULT_MARK = "RESULT "


class Case:
    """A fault, its repair, and how long it may take to heal by itself."""

    def __init__(self, name, inject, repair, heal_s=30.0, groups=("out", "in"), heals=True):
        self.name = name
        self.inject = inject
        self.repair = repair
        self.heal_s = heal_s
        self.groups = groups
        self.heals = heals


def cases(trial):
    lab = trial.azure
    return [
        Case("one tunnel's device vanishes", lambda: trial.kill_tunnels(0),
             lambda: lab.restart_tunnels([0])),
        Case("a gateway deletes its SA", lab.gateway_ends[0].terminate, lambda: None, heal_s=20),
        Case("a gateway crashes", lambda: lab.kill_gateway(0), lambda: lab.revive_gateway(0),
             heal_s=45),
        Case("a line loses carrier", lambda: lab.set_er_carrier(1, False),
             lambda: lab.set_er_carrier(1, True)),
        Case("a line goes silent", lambda: lab.set_er_silent(1, True),
             lambda: lab.set_er_silent(1, False), heal_s=45),
        Case("both tunnels vanish", lambda: trial.kill_tunnels(0, 1),
             lambda: lab.restart_tunnels([0, 1]), heals=False),
        Case("the daemon is killed, restarted", lambda: (trial.daemon.kill(), trial.daemon.start()),
             lambda: None, heal_s=30),
        Case("the daemon stops, starts again", lambda: (trial.daemon.stop(), trial.daemon.start()),
             lambda: None, heal_s=40),
    ]


def run_case(trial, case):
    if case.heals:
        hit = trial.strike(case.inject, case.heal_s, case.groups)
    else:
        hit = trial.watch(case.inject, 5.0)
    again, took = trial.repair(case.repair, 90)
    return {
        "fault": case.name, "out": hit.out, "back": hit.back, "leaked": hit.leaked + again.leaked,
        "samples": (hit.samples + again.samples)[:3], "missed": hit.missed + again.missed,
        "repair_s": round(took, 1),
    }


def measure(kind, only):
    """Runs inside the sandbox; prints one RESULT line per fault."""
    trial = faults.Trial(ce.KINDS[kind])
    trial.start_far_end()
    begin = time.monotonic()
    trial.start_daemon()
    trial.wait_full_strength(60)
    first = trial.result()
    tell({"fault": "start", "out": first.out, "back": first.back, "leaked": first.leaked,
          "samples": first.samples[:3], "missed": first.missed,
          "repair_s": round(time.monotonic() - begin, 1)})
    status = 0
    for case in cases(trial):
        if only and only not in case.name:
            continue
        try:
            tell(run_case(trial, case))
        except netlab.LabError as error:
            tell({"fault": case.name, "error": str(error)})
            status = 1
            break
    return status


def tell(result):
    print(RESULT_MARK + json.dumps(result), flush=True)


def loss(summary):
    if summary["open"]:
        return "open"
    return "%.0f ms" % summary["outage_ms"]


def row(title, result):
    if "error" in result:
        return "%-32s %-9s %s" % (result["fault"], title, result["error"].splitlines()[0])
    return "%-32s %-9s %9s %9s %8d %7.1f s" % (
        result["fault"], title, loss(result["out"]), loss(result["back"]), result["leaked"],
        result["repair_s"])


def compare(kinds, options):
    """One sandbox after the other; then a table by fault."""
    status = 0
    print("%-32s %-9s %9s %9s %8s %9s" % ("fault", "daemon", "to Azure", "from it", "in clear",
                                        "whole in"))
    for kind in kinds:
        reason = ce.KINDS[kind].missing()
        if reason:
            print("%-32s %-9s skipped: %s" % ("", ce.KINDS[kind].title, reason))
            continue
        command = [sys.executable, os.path.abspath(__file__), "--ce", kind, "--one"]
        if options.only:
            command += ["--only", options.only]
        if options.keep:
            command += ["--keep", os.path.join(options.keep, kind)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                if line.startswith(RESULT_MARK):
                    print(row(ce.KINDS[kind].title, json.loads(line[len(RESULT_MARK):])), flush=True)
        status = max(status, child.returncode)
    return status


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


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ce", choices=sorted(ce.KINDS), default="sealane")
    parser.add_argument("--peers", choices=["none", "all"],
                        default=os.environ.get("PEERS", "none"))
    parser.add_argument("--only", help="only the faults whose name contains this")
    parser.add_argument("--keep", metavar="FOLDER", help="on failure, copy all logs there")
    parser.add_argument("--shell", action="store_true", help="raise the lab and open a shell in it")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
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
            return netlab.isolate(lambda: measure(options.ce, options.only), keep=options.keep)
    except netlab.LabMissing as error:
        print("lab: cannot run here: %s" % error, file=sys.stderr)
        return 77
    kinds = [options.ce]
    if options.peers == "all":
        kinds += [kind for kind in ("sealane", "bird", "frr") if kind not in kinds]
    return compare(kinds, options)


if __name__ == "__main__":
    sys.exit(main())
