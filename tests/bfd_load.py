#!/usr/bin/env python3
"""BFD under load: 64 sessions hold while a table is loaded, installed and judged anew.

    bfd_load.py                                   short form: 100,000 routes, 300 ms x 3
    bfd_load.py --interval 50 --prefixes 1000000  what `make soak` asks for

Two daemons with 64 BFD sessions between them; a sender feeds one of them a full
table, which goes into its kernel; then its policies are applied anew. Not one
session may have gone down at either end.
"""

import argparse
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))

import netlab  # noqa: E402

SESSIONS = 64
BUILD = os.path.join(TOP, os.environ.get("SEALANE_BUILD", "build"))


def missing():
    for name in ("sealaned", "sealane", "bench/bgp_load"):
        if not os.access(os.path.join(BUILD, name), os.X_OK):
            return "no %s in %s" % (name, os.path.relpath(BUILD, TOP))
    return netlab.missing_for_isolation()


def config(own, other, asn, other_asn, interval, loader):
    """own, other: the first three octets and the first of the last of both ends."""
    lines = ["bfd", " profile fast", "  transmit-interval %d" % interval,
             "  receive-interval %d" % interval, "router bgp %d" % asn,
             " bgp router-id %s%d" % own, " no bgp ebgp-requires-policy"]
    for number in range(SESSIONS):
        peer = "%s%d" % (other[0], other[1] + number)
        lines += [" neighbor %s remote-as %d" % (peer, other_asn),
                  " neighbor %s update-source %s%d" % (peer, own[0], own[1] + number),
                  " neighbor %s bfd profile fast" % peer]
    if loader:
        lines.append(" neighbor %s remote-as 100001" % loader)
    return "\n".join(lines) + "\n"


class Daemon:
    def __init__(self, name, netns, text, extra=()):
        self.socket = os.path.join(netlab.WORK, name + ".sock")
        path = os.path.join(netlab.WORK, name + ".conf")
        os.makedirs(netlab.WORK, exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.process = netlab.Process(name, [
            os.path.join(BUILD, "sealaned"), "-f", path, "-s", self.socket, *extra], netns=netns)

    def cli(self, command):
        return netlab.run([os.path.join(BUILD, "sealane"), "-s", self.socket, "-c", command],
                          check=False, timeout=30)[1]

    def bfd(self, what):
        text = self.cli("show bfd peers %s json" % what)
        return json.loads(text)["peers"] if text.startswith("{") else []

    def all_up(self):
        return sum(peer["status"] == "up" for peer in self.bfd("brief")) == SESSIONS

    def downs(self):
        return sum(peer.get("session-down", 0) for peer in self.bfd("counters"))


def wait_load(loader):
    """The loader says when it begins, and when the receiver holds every prefix."""
    for _line in range(2):
        line = loader.popen.stdout.readline()
        if not line:
            raise netlab.LabError("the load ended early; see %s" % loader.log_path)
    return json.loads(line)["load_s"]


def measure(options):
    dut, far = netlab.Netns("dut"), netlab.Netns("far")
    netlab.veth(dut, "line", far, "line")
    dut.ip(*["addr add 10.8.0.%d/16 dev line" % (number + 1) for number in range(SESSIONS)],
           "addr add 10.9.0.1/24 dev line")
    far.ip(*["addr add 10.8.1.%d/16 dev line" % (number + 1) for number in range(SESSIONS)],
           *["addr add 10.9.0.%d/24 dev line" % (number + 2) for number in range(2)])
    ends = (("10.8.0.", 1), ("10.8.1.", 1))
    daemons = [
        Daemon("dut", dut, config(*ends, 65001, 65002, options.interval, "10.9.0.2")
               + " neighbor 10.9.0.3 remote-as 100002\n"),
        Daemon("far", far, config(*reversed(ends), 65002, 65001, options.interval, None), ("-n",)),
    ]
    for daemon in daemons:
        netlab.wait_for("64 BFD sessions up", daemon.all_up, 60, 0.2)
    time.sleep(2)  # sessions have reached their interval
    before = [daemon.downs() for daemon in daemons]
    loader = netlab.Process("load", [
        os.path.join(BUILD, "bench/bgp_load"), "--target", "10.9.0.1", "--senders", "1",
        "--receivers", "1", "--prefixes", str(options.prefixes), "--scenario", "load"],
        netns=far, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    took = wait_load(loader)
    daemons[0].cli("clear bgp * soft in")
    time.sleep(options.prefixes / 100000 + 2)  # the walk over all routes, and the kernel's share
    after = [daemon.downs() for daemon in daemons]
    failures = sum(after) - sum(before) + sum(not daemon.all_up() for daemon in daemons)
    print("%d sessions at %d ms x 3, %d routes in %.1f s: %d downs" % (
        SESSIONS, options.interval, options.prefixes, took, sum(after) - sum(before)))
    print("%d passed, %d failed" % (failures == 0, failures != 0))
    return 0 if failures == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interval", type=int, default=300)
    parser.add_argument("--prefixes", type=int, default=100000)
    parser.add_argument("--keep", metavar="FOLDER", help="on failure, copy all logs there")
    options = parser.parse_args()
    reason = missing()
    if reason:
        print("BFD under load: cannot run here: %s" % reason, file=sys.stderr)
        return 77
    try:
        return netlab.isolate(lambda: measure(options), keep=options.keep)
    except netlab.LabMissing as error:
        print("BFD under load: cannot run here: %s" % error, file=sys.stderr)
        return 77


if __name__ == "__main__":
    sys.exit(main())
