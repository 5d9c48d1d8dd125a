"""BFD against FRR's bfdd and BIRD: up, silence, return, a wish to be left alone.

The far end is stopped as a process, so that nothing but BFD can tell: the
carrier stays and the hold timer is far away.
"""

import contextlib
import re
import signal
import time

import far_ends
import netlab
import peers
from base import PATIENCE_S, Skip, Wire, check, wait_listening
from restart_cases import Watch

INTERVAL_MS, MULTIPLIER = 300, 3
SETTLED_S = 1.5
# Detection, the kernel, and a shell that asks once in a while.
DETECT_S = INTERVAL_MS * MULTIPLIER / 1000 + 1.5


KEY = "a Key of 16 octs"


class FrrFar:
    title = "FRR"
    proofs = ()  # FRR 8.4 has no authentication
    missing = peers.Frr.missing

    def __init__(self, name, wire, plan, is_multihop, _proof):
        hops = [" neighbor %s ebgp-multihop 3" % plan.dut] if is_multihop else []
        lines = [
            "bfd", " profile fast", "  transmit-interval %d" % INTERVAL_MS,
            "  receive-interval %d" % INTERVAL_MS, "  detect-multiplier %d" % MULTIPLIER,
            "router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
            " neighbor %s remote-as 65001" % plan.dut, " neighbor %s timers 30 90" % plan.dut,
            " neighbor %s timers connect 1" % plan.dut, " bgp graceful-restart",
            " neighbor %s update-source %s" % (plan.dut, plan.peer), *hops,
            " neighbor %s bfd" % plan.dut, " neighbor %s bfd profile fast" % plan.dut,
            " address-family %s unicast" % plan.word, "  neighbor %s activate" % plan.dut,
        ]
        self.frr = peers.Frr(name, wire.peer, "\n".join(lines) + "\n",
                             ("zebra", "bfdd", "bgpd"))

    def start(self):
        self.frr.start()

    def sees_up(self):
        return bool(re.search(r"Status: up", self.frr.cli("show bfd peers")))

    def signal(self, number):
        for process in self.frr.processes:
            if process.name.endswith("-bfdd"):
                process.signal(number)

    def leave_bfd(self):
        self.frr.cli("configure terminal", "bfd", "profile fast", "shutdown")
        return True

    def stop(self):
        self.frr.stop()


class BirdFar:
    title = "BIRD"
    proofs = {  # our word for each, and BIRD's
        "simple": "simple", "md5": "keyed md5", "meticulous-md5": "meticulous keyed md5",
        "sha1": "keyed sha1", "meticulous-sha1": "meticulous keyed sha1"}
    missing = peers.Bird.missing

    def __init__(self, name, wire, plan, is_multihop, proof):
        secret = "authentication %s; password \"%s\" { id 7; };" % (
            self.proofs[proof], KEY) if proof else ""
        where = "multihop" if is_multihop else "interface \"eth0\""
        self.bird = peers.Bird(name, wire.peer, """router id 10.99.0.2;
protocol device { }
protocol bfd { %s { min rx interval %d ms; min tx interval %d ms; multiplier %d; %s }; }
protocol bgp dut {
  local %s as 65002; neighbor %s as 65001; hold time 90; bfd on; graceful restart on; %s
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  %s { import all; export none; };
}
""" % (where, INTERVAL_MS, INTERVAL_MS, MULTIPLIER, secret, plan.peer, plan.dut,
       "multihop 3;" if is_multihop else "", plan.word))

    def start(self):
        self.bird.start()

    def sees_up(self):
        return bool(re.search(r"\bUp\b", self.bird.cli("show bfd sessions")))

    def signal(self, number):
        self.bird.process.signal(number)

    def leave_bfd(self):
        return False  # BIRD 2.0 falls silent without a word: nothing to tell it by

    def stop(self):
        self.bird.stop()


def dut_config(plan, is_multihop, is_strict, proof):
    hops = [" neighbor %s ebgp-multihop 3" % plan.peer,
            " neighbor %s update-source %s" % (plan.peer, plan.dut)] if is_multihop else []
    return "\n".join([
        "bfd", " profile fast", "  transmit-interval %d" % INTERVAL_MS,
        "  receive-interval %d" % INTERVAL_MS, "  detect-multiplier %d" % MULTIPLIER,
        *(["  authentication %s key-id 7 key %s" % (proof, KEY)] if proof else []),
        "router bgp 65001", " bgp router-id 10.99.0.1", " no bgp ebgp-requires-policy",
        " neighbor %s remote-as 65002" % plan.peer, " neighbor %s timers 30 90" % plan.peer,
        " neighbor %s timers connect 1" % plan.peer, *hops,
        " neighbor %s bfd%s" % (plan.peer, " strict" if is_strict else ""),
        " neighbor %s bfd profile fast" % plan.peer,
        " address-family %s unicast" % plan.word, "  neighbor %s activate" % plan.peer,
    ]) + "\n"


class BfdCase:
    """One far end, one family, one kind of hop."""

    def __init__(self, make_dut, far, version, is_multihop=False, is_strict=False,
                 proof=None):
        self.make_dut = make_dut
        self.far_class = far
        self.plan = far_ends.Plan(version)
        self.is_multihop = is_multihop
        self.is_strict = is_strict
        self.proof = proof
        self.name = "BFD with %s ipv%d%s%s%s" % (far.title, version,
                                                 ", multihop" if is_multihop else "",
                                                 ", strict" if is_strict else "",
                                                 ", " + proof if proof else "")
        self.slug = re.sub(r"\W+", "-", self.name.lower())

    def run(self):
        reason = self.make_dut.missing() or self.far_class.missing()
        if reason:
            raise Skip(reason)
        if not hasattr(self.make_dut, "forgive"):
            raise Skip("the stand-in does not say what BFD says")
        wire = Wire()
        self.dut = self.make_dut(
            self.slug, wire.dut, self.dut_config())
        self.far = self.far_class(self.slug, wire, self.plan, self.is_multihop, self.proof)
        try:
            self.dut.start()
            wait_listening(wire.dut)
            self.far.start()
            return self._live()
        finally:
            self.far.signal(signal.SIGCONT)
            self.far.stop()
            try:
                self.dut.stop()
            finally:
                wire.remove()

    def dut_config(self):
        return dut_config(self.plan, self.is_multihop, self.is_strict, self.proof)

    def _neighbor(self):
        return self.dut.json("show bgp neighbors " + self.plan.peer).get(self.plan.peer, {})

    def _is_up(self):
        neighbor = self._neighbor()
        return (neighbor.get("bgpState") == "Established"
                and neighbor.get("liveness") == "bfd up")

    def _wait_up(self, when):
        netlab.wait_for("session and BFD " + when, self._is_up, PATIENCE_S, 0.05)
        netlab.wait_for("BFD at %s %s" % (self.far.title, when), self.far.sees_up, PATIENCE_S, 0.1)

    def _wait_settled(self, when):
        """Up at both ends and the same session for SETTLED_S.

        FRR's bgpd may hear of a BFD down so late that it closes the session that has come
        after it: what is up for an instant is no ground to stand on.
        """
        seen = {"count": None, "since": 0.0}

        def is_settled():
            count = self._neighbor().get("connectionsEstablished")
            if not self._is_up() or count != seen["count"]:
                seen.update(count=count, since=time.monotonic())
            return time.monotonic() - seen["since"] > SETTLED_S

        self._wait_up(when)
        netlab.wait_for("a session that stays " + when, is_settled, PATIENCE_S, 0.05)

    def _live(self):
        self._wait_settled("at the start")  # and both ends have polled for the fast interval
        begin = time.monotonic()
        self.far.signal(signal.SIGSTOP)
        netlab.wait_for("the end of the session",
                        lambda: self._neighbor().get("bgpState") != "Established", 10, 0.01)
        took = time.monotonic() - begin
        check(took < DETECT_S, "silence was noticed after %.2f s" % took)
        check(took > INTERVAL_MS * (MULTIPLIER - 1) / 1000, "down after %.3f s is too early" % took)
        if self.is_strict:
            time.sleep(2)  # nothing to wait for: it must not come back by itself
            check(self._neighbor().get("bgpState") != "Established", "strict did not wait for BFD")
        self.far.signal(signal.SIGCONT)
        self._wait_settled("after the silence")
        if self.far.leave_bfd():
            netlab.wait_for("BFD down by wish", lambda: self._neighbor().get("liveness") != "bfd up",
                            PATIENCE_S, 0.05)
            time.sleep(0.5)
            after = self._neighbor()
            check(after.get("bgpState") == "Established",
                  "AdminDown over there ended the session: %s" % after)
        self.dut.check_alive()
        return "noticed after %d ms" % (took * 1000)


class AwayCase(BfdCase):
    """sealaned is away for several detection times, crashed or stopped so that it keeps routes:
    its keeper goes on, the far end's BFD never falls, and so its graceful restart helps."""

    AWAY_S = 3.0
    NETWORK = {4: "198.51.100.0/24", 6: "2001:db8:51::/48"}

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.name = self.name.replace("BFD with", "BFD while sealaned is away, with")
        self.slug = re.sub(r"\W+", "-", self.name.lower())

    def dut_config(self):
        config = super().dut_config().replace(
            "router bgp 65001", "fib keep-routes-on-stop\nrouter bgp 65001\n bgp graceful-restart")
        return config + "  network %s\n" % self.NETWORK[self.plan.version]

    def _is_up(self):
        with contextlib.suppress(netlab.LabError):  # just started
            return super()._is_up()
        return False

    def _be_away(self, end, how):
        with Watch(self.far.sees_up) as watch:
            end()
            time.sleep(self.AWAY_S)
            self.dut.start()
            self._wait_settled("after " + how)
        check(watch.absent == 0, "BFD was not up over there %d of %d times: %s" % (
            watch.absent, watch.asked, how))
        return watch.asked

    def _live(self):
        self._wait_settled("at the start")
        looks = self._be_away(self.dut.process.kill, "a crash")
        looks += self._be_away(self.dut.process.stop, "a stop that keeps routes")
        return "%d looks, never down" % looks


def cases(make_dut):
    made = []
    for far in (FrrFar, BirdFar):
        made += [BfdCase(make_dut, far, version) for version in (4, 6)]
        made.append(BfdCase(make_dut, far, 4, is_multihop=True))
        made.append(BfdCase(make_dut, far, 4, is_strict=True))
        made += [BfdCase(make_dut, far, 4, proof=proof) for proof in far.proofs]
        made += [AwayCase(make_dut, far, version) for version in (4, 6)]
    made.append(AwayCase(make_dut, BirdFar, 4, proof="sha1"))
    return made
