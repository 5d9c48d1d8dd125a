"""Restarts beside other daemons: theirs is killed and started again while we
keep its routes, and ours is while they keep ours. Throughout, somebody asks the
helper for the route and counts how often it has none.
"""

import contextlib
import re
import signal
import threading
import time

import netlab
from base import PATIENCE_S, Skip, Wire, check, wait_listening
from restart_ends import DROPPED, DUT, KEPT, PEER, BirdFar, FrrFar, GoBgpFar, OpenBgpdFar

OURS, OURS_DROPPED = "198.51.100.0/24", "198.51.101.0/24"
DOWN_S = 2.0


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

    def look_on(self):
        """A while, and at least ten looks, however long they take."""
        wanted = self.asked + 10
        time.sleep(DOWN_S)
        netlab.wait_for("ten looks", lambda: self.asked >= wanted, PATIENCE_S, 0.05)

    def verdict(self, what):
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

    def _established(self):
        return self._neighbor().get("connectionsEstablished", 0)

    def _is_kept(self, established_before):
        """Held until the session is back. RFC 4724 4.2: a session that comes back without the F
        bit ends the kept routes until they are said again; GoBGP sets it with the R bit only."""
        if self._has(KEPT):
            return True
        neighbor = self._neighbor()
        restart = neighbor.get("gracefulRestartInfo", {}).get("ipv4Unicast", {})
        is_back = neighbor.get("connectionsEstablished", 0) > established_before
        return is_back and restart.get("fBit") is False


class TheyRestart(RestartCase):
    title = "%s is killed, we help"

    def live(self):
        with Watch(lambda: self._has(KEPT)) as watch:
            self.far.kill()
            netlab.wait_for("stale routes", lambda: self._is_stale(KEPT), PATIENCE_S, 0.05)
            watch.look_on()
            check(self._has(DROPPED), "a route went while its speaker is away")
            self.far.start_with_less()
            self._wait_up()
            netlab.wait_for("the end of what is not said again",
                            lambda: not self._has(DROPPED), PATIENCE_S, 0.1)
            check(not self._is_stale(KEPT), "what was said again is still stale")
        return watch.verdict(KEPT)


class NothingKept(RestartCase):
    """RFC 4724 4.2: who lists no family asks for no help. His routes go at once, and End-of-RIB
    is understood both ways."""

    title = "%s is killed, it wants no help"

    def live(self):
        self.far.kill()
        netlab.wait_for("the end of its routes", lambda: not self._has(KEPT), PATIENCE_S, 0.05)
        check(not self._has(DROPPED), "one of its routes was kept")
        self.far.start_with_less()
        self._wait_up()
        netlab.wait_for("its route", lambda: self._has(KEPT), PATIENCE_S, 0.1)
        check(not self._has(DROPPED), "what is not said again is there")


class WeRestart(RestartCase):
    title = "sealaned is killed, %s helps"

    def live(self):
        with Watch(lambda: self.far.has(OURS)) as watch:
            self.dut.process.kill()
            watch.look_on()
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
        "GoBGP": ("restart-time = 2\nlong-lived-enabled = true",
                  "[neighbors.afi-safis.long-lived-graceful-restart.config]\n"
                  "enabled = true\nrestart-time = 60"),
    }

    def _is_marked(self):
        return "llgr-stale" in self._path(KEPT).get("community", {}).get("string", "")

    def live(self):
        with Watch(lambda: self._has(KEPT)) as watch:
            self.far.kill()
            netlab.wait_for("the mark", self._is_marked, PATIENCE_S, 0.05)
            watch.look_on()
            self.far.start_with_less()
            self._wait_up()
            netlab.wait_for("a fresh route", lambda: self._has(KEPT) and not self._is_marked(),
                            PATIENCE_S, 0.1)
            netlab.wait_for("the end of what is not said again",
                            lambda: not self._has(DROPPED), PATIENCE_S, 0.1)
        return watch.verdict(KEPT)


class WeStayAway(RestartCase):
    """RFC 9494: beyond our restart time our routes are a last resort over there, marked so."""

    title = "sealaned stays away, %s keeps its routes long"
    dut_options = ("bgp graceful-restart restart-time 2",
                   "bgp long-lived-graceful-restart stale-time 60")
    far_options = StayAway.far_options

    def live(self):
        with Watch(lambda: self.far.has(OURS)) as watch:
            self.dut.process.kill()
            netlab.wait_for("the mark", lambda: self.far.has_mark(OURS), PATIENCE_S, 0.1)
            watch.look_on()
            netlab.write(self.dut.path, self.dut_config((OURS,)), 0o640)
            self.dut.start()
            self._wait_up()
            netlab.wait_for("a fresh route", lambda: self.far.has(OURS) and not
                            self.far.has_mark(OURS), PATIENCE_S, 0.1)
            netlab.wait_for("the end of what is not said again",
                            lambda: not self.far.has(OURS_DROPPED), PATIENCE_S, 0.1)
        return watch.verdict(OURS)


class HoldTimer(RestartCase):
    """RFC 8538: the hold timer expires here, and the routes stay."""

    title = "hold timer with %s, both say N"

    def live(self):
        before = self._established()
        with Watch(lambda: self._is_kept(before)) as watch:
            self.far.pause(signal.SIGSTOP)
            netlab.wait_for("the end of the session", lambda: not self._is_up(), PATIENCE_S, 0.05)
            check(self._is_stale(KEPT), "the routes are not kept")
            self.far.pause(signal.SIGCONT)
            self._wait_up()
            netlab.wait_for("fresh routes", lambda: self._has(KEPT) and not
                            self._is_stale(KEPT), PATIENCE_S, 0.1)
        return watch.verdict(KEPT)


class HardReset(RestartCase):
    """RFC 8538: a reset by the operator over there ends the routes, and says what it is."""

    title = "hard reset by %s"

    def live(self):
        before = self._established()
        self.far.reset()
        netlab.wait_for("another session", lambda: self._is_up() and
                        self._established() > before, PATIENCE_S, 0.05)
        reason = self._neighbor().get("lastResetDueTo", "")
        check("Hard Reset, Cease/Administrative Reset" in reason, "last reset: " + reason)
        check("withdrawn" in self.dut.process.log_tail(60), "its routes were kept")
        return reason


class SoftReset(RestartCase):
    """RFC 8538: a reset that is not called hard leaves the routes where they are."""

    title = "reset by %s, which is no hard one"

    def live(self):
        before = self._established()
        with Watch(lambda: self._is_kept(before)) as watch:
            self.far.reset()
            netlab.wait_for("stale routes", lambda: self._is_stale(KEPT), PATIENCE_S, 0.05)
            netlab.wait_for("another session", lambda: self._is_up() and
                            self._established() > before, 2 * PATIENCE_S, 0.1)  # it rests for 30 s
            netlab.wait_for("fresh routes", lambda: self._has(KEPT) and not
                            self._is_stale(KEPT), PATIENCE_S, 0.1)
        reason = self._neighbor().get("lastResetDueTo", "")
        check("Cease/Administrative Reset" in reason, "last reset: " + reason)
        return watch.verdict(KEPT)


class OurHardReset(RestartCase):
    """RFC 8538: an order of our operator is a hard reset, and the far end takes it so."""

    title = "shutdown here, a hard reset for %s"

    def live(self):
        config = self.dut_config((OURS, OURS_DROPPED)) + " neighbor %s shutdown\n" % PEER
        netlab.write(self.dut.path, config, 0o640)
        self.dut.process.signal(signal.SIGHUP)
        netlab.wait_for("the end of our routes there", lambda: not self.far.has(OURS),
                        PATIENCE_S, 0.1)  # kept routes would be there for two minutes
        check(not self.far.has(OURS_DROPPED), "one of our routes was kept")


def cases(make_dut):
    made = []
    for far in (FrrFar, BirdFar, GoBgpFar):
        made += [TheyRestart(make_dut, far), WeRestart(make_dut, far), StayAway(make_dut, far),
                 WeStayAway(make_dut, far)]
        if far.has_notification:
            made += [HoldTimer(make_dut, far), OurHardReset(make_dut, far)]
    made += [HardReset(make_dut, FrrFar), SoftReset(make_dut, GoBgpFar)]
    made += [WeRestart(make_dut, OpenBgpdFar), NothingKept(make_dut, OpenBgpdFar)]
    return made
