#!/usr/bin/env python3
"""Keepalives and hold timers while a full table loads, while a policy is run
over it again, and while it goes.

One neighbour has a hold time of 3 s and is told no routes, so that all it hears
are KEEPALIVEs: their spacing is measured. In each phase another one falls silent
and must be given up after its 3 s, neither sooner nor much later. The number of
routes is that of SEALANE_ROUTES (200000). Prints one line per promise.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests", "lab"), os.path.join(TOP, "tests", "interop")]

import netlab  # noqa: E402
import speaker as bgp  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("SEALANE_BUILD", "build"))
ROUTES = int(os.environ.get("SEALANE_ROUTES", "200000"))
HOLD_S = 3
SPACING_MAX_S = HOLD_S / 2  # due after 0.75 to 1 s; half of the hold time would be a near miss
LATE_MAX_S = 1.2  # after the hold time: the one moment of grace that a busy core gives, and a bit

CONF = """log stdout warnings
ip prefix-list NONE seq 5 deny 0.0.0.0/0 le 32
route-map IN permit 10
 set local-preference %d
router bgp 65001
 bgp router-id 10.9.0.1
 no bgp ebgp-requires-policy
 neighbor 10.9.0.2 remote-as 100001
 neighbor 10.9.0.2 passive
 neighbor 10.9.0.3 remote-as 100002
 neighbor 10.9.0.3 passive
 neighbor 10.9.0.8 remote-as 65008
 neighbor 10.9.0.8 passive
 neighbor 10.9.0.9 remote-as 65009
 neighbor 10.9.0.9 passive
 address-family ipv4 unicast
  neighbor 10.9.0.2 route-map IN in
  neighbor 10.9.0.8 prefix-list NONE out
  neighbor 10.9.0.9 prefix-list NONE out
"""


class Result:
    passed = 0
    failed = 0


def check(promise, holds, detail=""):
    print("%-5s %s%s" % ("ok" if holds else "FAIL", promise, "" if holds else ": %s" % detail),
          flush=True)
    if holds:
        Result.passed += 1
    else:
        Result.failed += 1


class Listener(bgp.Speaker):
    """Notes when each KEEPALIVE and each NOTIFICATION came."""

    def __init__(self, asn, address, netns):
        super().__init__(asn, address, HOLD_S, make_socket=netns.socket)
        self.heard = []
        self.ended = None

    def _handle(self, kind, body):
        super()._handle(kind, body)
        if kind == bgp.KEEPALIVE:
            self.heard.append(time.monotonic())
        elif kind == bgp.NOTIFICATION:
            self.ended = time.monotonic()

    def spacing(self, begin):
        """The longest silence since begin."""
        times = [t for t in self.heard if t >= begin] + [time.monotonic()]
        return max(b - a for a, b in zip([begin] + times, times))


class Rig:
    def __init__(self):
        self.dut_ns, self.load_ns = netlab.Netns("dut"), netlab.Netns("load")
        netlab.veth(self.dut_ns, "eth0", self.load_ns, "eth0")
        self.dut_ns.ip("addr add 10.9.0.1/24 dev eth0")
        self.load_ns.ip(*["addr add 10.9.0.%d/24 dev eth0" % i for i in (2, 3, 8, 9)])
        self.path = netlab.write(netlab.WORK + "/hold.conf", CONF % 100)
        self.socket = netlab.WORK + "/hold.sock"
        self.dut = netlab.Process("hold-sealaned", [os.path.join(BUILD, "sealaned"), "-f",
                                                    self.path, "-s", self.socket],
                                  netns=self.dut_ns)
        netlab.wait_for("sealaned", lambda: os.path.exists(self.socket), 20, watch=[self.dut])
        self.steady = self.connect(65009, "10.9.0.9")
        self.load = None
        self.samples = []

    def connect(self, asn, address):
        listener = Listener(asn, address, self.load_ns)
        listener.connect(address, "10.9.0.1").start()
        if not listener.wait_established(20):
            raise netlab.LabError("no session of %s: %s" % (address, listener.notifications))
        return listener

    def wait_idle(self):
        """Until the daemon has had nothing to do for a second."""
        seen = {"cpu": 0.0, "since": time.monotonic()}

        def is_idle():
            cpu = self.dut.cpu_seconds()
            if cpu - seen["cpu"] > 0.02:
                seen.update(cpu=cpu, since=time.monotonic())
            return time.monotonic() - seen["since"] > 1.0

        netlab.wait_for("rest", is_idle, 300, 0.1, watch=[self.dut])

    def local_pref(self, address):
        """Of the path to an address; None when there is no path."""
        text = netlab.run([os.path.join(BUILD, "sealane"), "-s", self.socket, "-c",
                           "show bgp ipv4 unicast %s json" % address], check=False, timeout=30)[1]
        paths = json.loads(text[text.find("{"):]).get("paths") or [{}]
        return paths[0].get("locPrf")

    def find_routes(self):
        """Addresses all over the table that have a path."""
        found = ["%d.%d.1.1" % (high, low) for high in range(1, 224, 4) for low in (0, 100, 200)]
        return [address for address in found if self.local_pref(address) is not None]

    def start_load(self):
        self.load = netlab.Process(
            "hold-load", [os.path.join(BUILD, "bench", "bgp_load"), "--senders", "1",
                          "--receivers", "1", "--prefixes", str(ROUTES)],
            netns=self.load_ns, stdin=subprocess.PIPE)
        netlab.wait_for("the table at its receiver", lambda: "load_s" in self.load.log_tail(), 600,
                        0.1, watch=[self.dut, self.load])

    def run_policy_again(self):
        netlab.write(self.path, CONF % 200)
        self.dut.signal(signal.SIGHUP)
        netlab.wait_for("the new policy everywhere", lambda: all(
            self.local_pref(address) == 200 for address in self.samples), 300, 0.1)
        self.wait_idle()

    def end_load(self):
        self.load.popen.stdin.close()
        self.wait_idle()


def phase(rig, title, work):
    """Runs work while one neighbour keeps on and another one falls silent."""
    doomed = rig.connect(65008, "10.9.0.8")
    doomed.is_silent = True
    last_word = time.monotonic()  # its KEEPALIVE after OPEN
    begin = time.monotonic()
    cpu = rig.dut.cpu_seconds()
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    doomed.wait(lambda s: s.ended is not None, HOLD_S + 3)
    spacing = rig.steady.spacing(begin)
    took = time.monotonic() - begin
    print("      %s: %.1f s, %.1f s of processor time, longest silence %.2f s" % (
        title, took, rig.dut.cpu_seconds() - cpu, spacing), flush=True)
    check("no hold timer expires while %s" % title,
          not rig.steady.closed.is_set() and not rig.steady.notifications,
          rig.steady.notifications)
    check("keepalives keep their second while %s" % title, spacing < SPACING_MAX_S, spacing)
    late = (doomed.ended or time.monotonic()) - last_word - HOLD_S
    check("a silent neighbor is given up in time while %s" % title,
          doomed.notifications[:1] == [(4, 0, b"")] and -0.1 < late < LATE_MAX_S,
          "%s after %.2f s" % (doomed.notifications, late + HOLD_S))
    doomed.close()


def body():
    rig = Rig()
    phase(rig, "%d routes load" % ROUTES, rig.start_load)
    rig.wait_idle()
    rig.samples = rig.find_routes()
    check("routes all over the table", len(rig.samples) > 5, rig.samples)
    check("by the first policy", all(rig.local_pref(a) == 100 for a in rig.samples))
    phase(rig, "a policy is run over them again", rig.run_policy_again)
    phase(rig, "they are withdrawn", rig.end_load)
    rig.steady.close()
    rig.dut.stop(20)
    check("the daemon leaves with 0", rig.dut.popen.returncode == 0, rig.dut.log_tail())
    print("hold: %d passed, %d failed" % (Result.passed, Result.failed))
    return 0 if Result.failed == 0 else 1


def main():
    if not os.access(os.path.join(BUILD, "bench", "bgp_load"), os.X_OK):
        print("skip (no bgp_load)\nhold: 0 passed, 0 failed, 1 skipped")
        return 0
    try:
        return netlab.isolate(body, keep=os.environ.get("SEALANE_KEEP"))
    except netlab.LabMissing as reason:
        print("skip (%s)\nhold: 0 passed, 0 failed, 1 skipped" % reason)
        return 0


if __name__ == "__main__":
    sys.exit(main())
