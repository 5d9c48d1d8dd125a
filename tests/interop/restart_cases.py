"""Restarts beside FRR and BIRD: their daemon is killed and started again while we
keep its routes, and ours is while they keep ours. Throughout, somebody asks the
helper for the route and counts how often it has none.
"""

import contextlib
import re
import signal
import threading
import time

import netlab
import peers
from base import PATIENCE_S, Skip, Wire, check, wait_listening

DUT, PEER = "10.99.0.1", "10.99.0.2"
KEPT, DROPPED = "192.0.2.0/24", "192.0.3.0/24"  # of the far end
OURS, OURS_DROPPED = "198.51.100.0/24", "198.51.101.0/24"
DOWN_S = 2.0


class FrrFar:
    title = "FRR"
    has_notification = True
    missing = peers.Frr.missing

    def __init__(self, name, wire, options=()):
        self.options = list(options)
        self.frr = peers.Frr(name, wire.peer, self._config((KEPT, DROPPED)))

    def _config(self, networks):
        lines = ["router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
                 " no bgp network import-check", " bgp graceful-restart",
                 " bgp graceful-restart preserve-fw-state", " bgp graceful-restart notification",
                 *[" " + option for option in self.options],
                 " neighbor %s remote-as 65001" % DUT, " neighbor %s timers 3 9" % DUT,
                 " neighbor %s timers connect 1" % DUT,
                 " address-family ipv4 unicast", *["  network " + net for net in networks]]
        return "\n".join(lines) + "\n"

    def start(self):
        self.frr.start()

    def kill(self):
        self.frr.kill()

    def start_with_less(self):
        self.frr.config = self._config((KEPT,))
        self.frr.start()

    def pause(self, number):
        for process in self.frr.processes:
            if process.name.endswith("-bgpd"):
                process.signal(number)

    def reset(self):
        self.frr.cli("clear bgp " + DUT)

    def has(self, net):
        return bool(self.frr.json("show bgp ipv4 unicast " + net).get("paths"))

    def stop(self):
        self.frr.stop()


class RecoveringBird(peers.Bird):
    """BIRD as it is started after a crash."""

    arguments = ("-R",)


class BirdFar:
    title = "BIRD"
    has_notification = False
    missing = peers.Bird.missing

    CONFIG = """router id 10.99.0.2;
graceful restart wait 10;
protocol device { }
protocol static nets { ipv4; NETS }
protocol bgp dut { local 10.99.0.2 as 65002; neighbor 10.99.0.1 as 65001; hold time 9;
  graceful restart on; OPTIONS
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export all; }; }
"""

    def __init__(self, name, wire, options=()):
        self.name = name
        self.netns = wire.peer
        self.options = " ".join(options)
        self.bird = peers.Bird(name, wire.peer, self._config((KEPT, DROPPED)))

    def _config(self, networks):
        routes = " ".join("route %s unreachable;" % net for net in networks)
        return self.CONFIG.replace("NETS", routes).replace("OPTIONS", self.options)

    def start(self):
        self.bird.start()

    def kill(self):
        self.bird.kill()

    def start_with_less(self):
        self.bird = RecoveringBird(self.name, self.netns, self._config((KEPT,)))
        self.bird.start()

    def has(self, net):
        return "BGP.as_path" in self.bird.cli("show route all protocol dut for " + net)

    def stop(self):
        self.bird.stop()


class Watch:
    """Asks again and again whether something is there; counts the times it is not."""

    def __init__(self, is_there):
        self.is_there = is_there
        self.asked = self.absent = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.is_over.is_set():
            self.asked += 1
            self.absent += not self.is_there()
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.is_over.set()
        self.thread.join()

    def verdict(self, what):
        check(self.asked > 10, "%s was looked at %d times only" % (what, self.asked))
        check(self.absent == 0, "%s was away %d of %d times" % (what, self.absent, self.asked))
        return "%d looks, never away" % self.asked


class RestartCase:
    far_options = {}  # by title
    dut_options = ()

    def __init__(self, make_dut, far):
        self.make_dut = make_dut
        self.far_class = far
        self.name = "restart: " + self.title % far.title
        self.slug = re.sub(r"\W+", "-", self.name.lower())

    def run(self):
        reason = self.make_dut.missing() or self.far_class.missing()
        if reason:
            raise Skip(reason)
        if not hasattr(self.make_dut, "forgive"):
            raise Skip("the stand-in is not started anew here")
        wire = Wire()
        self.dut = self.make_dut(self.slug, wire.dut, self.dut_config((OURS, OURS_DROPPED)))
        self.far = self.far_class(self.slug, wire,
                                  self.far_options.get(self.far_class.title, ()))
        try:
            self.dut.start()
            wait_listening(wire.dut)
            self.far.start()
            self._wait_up()
            netlab.wait_for("our route there", lambda: self.far.has(OURS), PATIENCE_S, 0.1)
            netlab.wait_for("its route here", lambda: self._has(KEPT) and self._has(DROPPED),
                            PATIENCE_S, 0.1)
            detail = self.live()
            self.dut.check_alive()
            return detail
        finally:
            self.far.stop()
            try:
                self.dut.stop()
            finally:
                wire.remove()

    def dut_config(self, networks):
        return "\n".join([
            "router bgp 65001", " bgp router-id 10.99.0.1", " no bgp ebgp-requires-policy",
            " bgp graceful-restart", *[" " + option for option in self.dut_options],
            " neighbor %s remote-as 65002" % PEER, " neighbor %s timers 3 9" % PEER,
            *[" network " + net for net in networks],
        ]) + "\n"

    def _neighbor(self):
        with contextlib.suppress(netlab.LabError):
            return self.dut.json("show bgp neighbors " + PEER).get(PEER, {})
        return {}

    def _is_up(self):
        return self._neighbor().get("bgpState") == "Established"

    def _wait_up(self):
        netlab.wait_for("session", self._is_up, PATIENCE_S, 0.05)

    def _path(self, net):
        with contextlib.suppress(netlab.LabError):  # there is none
            return self.dut.json("show bgp ipv4 unicast " + net)["paths"][0]
        return {}

    def _has(self, net):
        return "aspath" in self._path(net)

    def _is_stale(self, net):
        return bool(self._path(net).get("stale"))


class TheyRestart(RestartCase):
    title = "%s is killed, we help"

    def live(self):
        with Watch(lambda: self._has(KEPT)) as watch:
            self.far.kill()
            netlab.wait_for("stale routes", lambda: self._is_stale(KEPT), 5, 0.05)
            time.sleep(DOWN_S)
            check(self._has(DROPPED), "a route went while its speaker is away")
            self.far.start_with_less()
            self._wait_up()
            netlab.wait_for("the end of what is not said again",
                            lambda: not self._has(DROPPED), PATIENCE_S, 0.1)
            check(not self._is_stale(KEPT), "what was said again is still stale")
        return watch.verdict(KEPT)


class WeRestart(RestartCase):
    title = "sealaned is killed, %s helps"

    def live(self):
        with Watch(lambda: self.far.has(OURS)) as watch:
            self.dut.process.kill()
            time.sleep(DOWN_S)
            check(self.far.has(OURS_DROPPED), "the far end does not help")
            netlab.write(self.dut.path, self.dut_config((OURS,)), 0o640)
            self.dut.start()
            self._wait_up()
            netlab.wait_for("the end of what is not said again",
                            lambda: not self.far.has(OURS_DROPPED), PATIENCE_S, 0.1)
        return watch.verdict(OURS)


class StayAway(RestartCase):
    """RFC 9494: beyond its restart time its routes are a last resort."""

    title = "%s stays away, we keep its routes long"
    dut_options = ("bgp long-lived-graceful-restart stale-time 60",)
    far_options = {
        "FRR": ("bgp graceful-restart restart-time 2",
                "bgp long-lived-graceful-restart stale-time 60"),
        "BIRD": ("graceful restart time 2; long lived graceful restart on; "
                 "long lived stale time 60;",),
    }

    def _is_marked(self):
        return "llgr-stale" in self._path(KEPT).get("community", {}).get("string", "")

    def live(self):
        with Watch(lambda: self._has(KEPT)) as watch:
            self.far.kill()
            netlab.wait_for("the mark", self._is_marked, 10, 0.05)
            self.far.start_with_less()
            self._wait_up()
            netlab.wait_for("a fresh route", lambda: self._has(KEPT) and not self._is_marked(),
                            PATIENCE_S, 0.1)
            netlab.wait_for("the end of what is not said again",
                            lambda: not self._has(DROPPED), PATIENCE_S, 0.1)
        return watch.verdict(KEPT)


class HoldTimer(RestartCase):
    """RFC 8538: the hold timer expires here, and the routes stay."""

    title = "hold timer with %s, both say N"

    def live(self):
        with Watch(lambda: self._has(KEPT)) as watch:
            self.far.pause(signal.SIGSTOP)
            netlab.wait_for("the end of the session", lambda: not self._is_up(), 20, 0.05)
            check(self._is_stale(KEPT), "the routes are not kept")
            self.far.pause(signal.SIGCONT)
            self._wait_up()
            netlab.wait_for("fresh routes", lambda: not self._is_stale(KEPT), PATIENCE_S, 0.1)
        return watch.verdict(KEPT)


class HardReset(RestartCase):
    """RFC 8538: a reset by the operator over there ends the routes, and says what it is."""

    title = "hard reset by %s"

    def live(self):
        before = self._neighbor()["connectionsEstablished"]
        self.far.reset()
        netlab.wait_for("another session", lambda: self._is_up() and self._neighbor()[
            "connectionsEstablished"] > before, PATIENCE_S, 0.05)
        reason = self._neighbor().get("lastResetDueTo", "")
        check("Hard Reset, Cease/Administrative Reset" in reason, "last reset: " + reason)
        check("withdrawn" in self.dut.process.log_tail(60), "its routes were kept")
        return reason


def cases(make_dut):
    made = []
    for far in (FrrFar, BirdFar):
        made += [TheyRestart(make_dut, far), WeRestart(make_dut, far), StayAway(make_dut, far)]
        if far.has_notification:
            made += [HoldTimer(make_dut, far), HardReset(make_dut, far)]
    return made
