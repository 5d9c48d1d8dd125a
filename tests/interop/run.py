#!/usr/bin/env python3
"""Interop: sealaned against FRR, BIRD, OpenBGPD, GoBGP and ExaBGP.

Every case has three namespaces: sealaned in the middle, the other daemon and a
small Python speaker beside it. Checked in each: the session; announcements and
withdrawals both ways; every attribute, as the other daemon prints it and as
the speaker reads it from the wire behind sealaned. One line per case.
"""

import argparse
import concurrent.futures
import json
import os
import re
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lab")]

import bfd_cases  # noqa: E402
import far_ends  # noqa: E402
import limit_cases  # noqa: E402
import message_cases  # noqa: E402
import netlab  # noqa: E402
import path_cases  # noqa: E402
import peers  # noqa: E402
import replay  # noqa: E402
import restart_cases  # noqa: E402
import speaker  # noqa: E402
import wrong_messages  # noqa: E402
from base import PATIENCE_S, Failed, Skip, Wire, check, wait_listening  # noqa: E402

PASSWORD = "interop25charsnospecials9"
FEED_COMMUNITIES = {"65003:1", "65003:2"}
FEED_LARGE = {"65003:1:2", "4200000001:7:9"}
FEED_EXT = {"rt:65003:300", "soo:65003:1"}
FEED_AGGREGATOR = "4200000001 192.0.2.33"


def build_folder():
    return os.path.join(TOP, os.environ.get("SEALANE_BUILD", "build"))


# --- the daemon under test ----------------------------------------------------


class SealaneDut:
    """sealaned in its own namespace, asked through its shell."""

    quirks = ()

    def __init__(self, name, netns, config):
        self.folder = os.path.join(netlab.WORK, "dut", name)
        self.netns = netns
        self.path = netlab.write(self.folder + "/sealane.conf", config, 0o640)
        self.socket = self.folder + "/sock"
        self.name = name
        self.process = None

    @staticmethod
    def missing():
        for name in ("sealaned", "sealane"):
            if not os.access(os.path.join(build_folder(), name), os.X_OK):
                return "no %s in %s" % (name, os.path.relpath(build_folder(), TOP))
        return None

    def start(self):
        self.process = netlab.Process(
            self.name + "-sealaned",
            [os.path.join(build_folder(), "sealaned"), "-f", self.path, "-s", self.socket],
            netns=self.netns)
        netlab.wait_for("sealaned", lambda: os.path.exists(self.socket), PATIENCE_S, 0.05,
                        watch=[self.process])

    def json(self, command):
        status, text = netlab.run(
            [os.path.join(build_folder(), "sealane"), "-s", self.socket, "-c", command + " json"],
            check=False, timeout=30)
        if status != 0 or "{" not in text:
            raise netlab.LabError("%s: exit %d: %s" % (command, status, text.strip()[:200]))
        return json.loads(text[text.index("{"):])

    def shell(self, command):
        return netlab.run([os.path.join(build_folder(), "sealane"), "-s", self.socket, "-c",
                           command], timeout=30)

    def forgive(self, peer):
        """Ends the rest that a peer takes after each wrong message."""
        self.shell("clear bgp " + peer)

    def check_alive(self):
        check(self.process.is_running(), "sealaned ended:\n" + self.process.log_tail(30))

    def reload(self, config):
        netlab.write(self.path, config, 0o640)
        self.process.signal(1)

    def stop(self):
        if self.process is None:
            return
        running = self.process.is_running()
        self.process.stop(20)
        code = self.process.popen.returncode
        log = self.process.log_tail(400)
        trouble = re.search(r"(ERROR: \w+Sanitizer|runtime error:|assert\w* failed).*", log, re.I)
        check(running, "sealaned had ended by itself:\n" + log[-3000:])
        check(not trouble, "sealaned: %s\n%s" % (trouble and trouble.group(0), log[-3000:]))
        check(code == 0, "sealaned left with exit status %s:\n%s" % (code, log[-3000:]))


class FrrDut:
    """FRR in sealaned's place: it reads the same configuration and prints the
    same JSON, so it proves the cases themselves."""

    missing = staticmethod(peers.Frr.missing)
    # FRR 8.4 says nothing to a second OPEN, and loses its place in an UPDATE
    # whose attributes it has given up on.
    quirks = ("a second OPEN", "treated as withdraw")

    def __init__(self, name, netns, config):
        self.frr = peers.Frr("dut-" + name, netns, config, ("zebra", "staticd", "bgpd"))

    def start(self):
        self.frr.start()

    def json(self, command):
        return self.frr.json(command)

    def check_alive(self):
        for process in self.frr.processes:
            check(process.is_running(), "%s ended" % process.name)

    def reload(self, config):
        raise Skip("the stand-in does not reload")

    def stop(self):
        self.frr.stop()


def dut_config(plan, opens, password):
    """The configuration under test, in FRR's language."""
    peer, feed = plan.peer, plan.feed
    lines = [
        "ip route 198.51.100.0/24 blackhole" if plan.version == 4
        else "ipv6 route 2001:db8:1::/48 blackhole",
        "router bgp 65001", " bgp router-id 10.99.0.1", " no bgp ebgp-requires-policy",
        " neighbor %s remote-as 65002" % peer, " neighbor %s timers 10 30" % peer,
        " neighbor %s timers connect 1" % peer,
        " neighbor %s remote-as 65003" % feed, " neighbor %s passive" % feed,
    ]
    if not opens:
        lines.append(" neighbor %s passive" % peer)
    if password:
        lines.append(" neighbor %s password %s" % (peer, password))
    lines += [
        " address-family %s unicast" % plan.word,
        "  neighbor %s activate" % peer, "  neighbor %s activate" % feed,
        "  network %s route-map RICH" % plan.dut_rich, " exit-address-family",
        "route-map RICH permit 10", " set metric 77", " set community 65001:100 65001:200",
        " set large-community 65001:1:2", " set extcommunity rt 65001:300",
        " set as-path prepend 65001 65001",
    ]
    return "\n".join(lines) + "\n"


# --- one case -----------------------------------------------------------------


class Case:
    """One peer daemon, one role, one family."""

    def __init__(self, make_dut, end, opens, version, password=None, prove_wrong=False):
        self.make_dut = make_dut
        self.end_class = end
        self.opens = opens
        self.plan = far_ends.Plan(version)
        self.password = password
        self.prove_wrong = prove_wrong
        self.name = "%s ipv%d, sealaned %s%s" % (
            end.title, version, "opens" if opens else "listens",
            ", MD5 with a wrong key" if prove_wrong else ", MD5" if password else "")
        self.slug = re.sub(r"\W+", "-", self.name.lower())

    def run(self):
        reason = self.make_dut.missing() or self.end_class.missing()
        if reason:
            raise Skip(reason)
        if self.password and self.opens and self.end_class.no_md5:
            raise Skip(self.end_class.no_md5)
        self.wire = Wire()
        self.dut = self.end = self.feed = None
        try:
            self._start()
            if self.prove_wrong:
                self._never_up()
            else:
                self._exchange()
            self.dut.check_alive()
        finally:
            self._stop()

    def _start(self):
        self.dut = self.make_dut(
            self.slug, self.wire.dut, dut_config(self.plan, self.opens, self.password))
        self.dut.start()
        wait_listening(self.wire.dut)
        password = self.password
        if self.prove_wrong:
            password = password[::-1]
        self.end = self.end_class(self.slug, self.wire.peer, self.plan, self.opens, password)
        self.end.start()

    def _stop(self):
        for part in (self.feed and self.feed.close, self.end and self.end.stop):
            if part:
                try:
                    part()
                except (OSError, AttributeError):
                    pass
        try:
            if self.dut:
                self.dut.stop()
        finally:
            self.wire.remove()

    def _never_up(self):
        time.sleep(4)  # nothing to wait for: the claim is that nothing happens
        check(not self.end.is_established(), "established with different keys")

    def _exchange(self):
        netlab.wait_for("session with " + self.end.title, self.end.is_established, PATIENCE_S, 0.1)
        self._start_feed()
        self._from_dut()
        self._from_peer()
        self._withdrawals()

    def _start_feed(self):
        plan = self.plan
        family = (speaker.IPV4 if plan.version == 4 else speaker.IPV6, speaker.UNICAST)
        self.feed = speaker.Speaker(far_ends.FEED_AS, "10.99.0.3", 30, (family,),
                                    make_socket=self.wire.feed.socket)
        self.feed.connect(plan.feed, plan.dut_at_feed, timeout_s=PATIENCE_S).start()
        check(self.feed.wait_established(PATIENCE_S), "the feed's session does not come up")
        self.feed.send(speaker.announce(
            [plan.feed_rich], [far_ends.FEED_AS, 4200000001], plan.feed,
            [speaker.med(30), speaker.communities(sorted(FEED_COMMUNITIES)),
             speaker.large_communities(sorted(FEED_LARGE)),
             speaker.ext_communities(sorted(FEED_EXT)),
             speaker.aggregator(4200000001, "192.0.2.33"), speaker.atomic_aggregate()],
            "incomplete"))
        self.feed.send(speaker.announce([plan.feed_plain], [far_ends.FEED_AS], plan.feed))

    def _wait_view(self, prefix, present=True):
        netlab.wait_for(
            "%s %s %s" % (prefix, "at" if present else "gone from", self.end.title),
            lambda: (self.end.view(prefix) is not None) == present, PATIENCE_S, 0.15)
        return self.end.view(prefix)

    def _from_dut(self):
        """What the other daemon says it holds, from sealaned and through it."""
        own = self._wait_view(self.plan.dut_rich)
        compare(self.end.title + " about sealaned's own route", own, {
            "as_path": "65001 65001 65001", "origin": "igp", "med": 77,
            "communities": {"65001:100", "65001:200"}, "large": {"65001:1:2"},
            "ext": {"rt:65001:300"}})
        fed = self._wait_view(self.plan.feed_rich)
        compare(self.end.title + " about a route through sealaned", fed, {
            "as_path": "65001 65003 4200000001", "origin": "incomplete",
            "communities": FEED_COMMUNITIES, "large": FEED_LARGE, "ext": FEED_EXT,
            "aggregator": FEED_AGGREGATOR, "atomic": True})
        check(fed.med in (None, 0), "MED %s of one neighbour AS was given to another" % fed.med)
        self._wait_view(self.plan.feed_plain)

    def _from_peer(self):
        """What the speaker reads from the wire behind sealaned, and sealaned's table."""
        for prefix in (self.plan.rich, self.plan.plain):
            check(self.feed.wait(lambda s, p=prefix: s.route(p), PATIENCE_S),
                  "%s from %s never came through" % (prefix, self.end.title))
        wanted = dict(self.end.sends)
        med = wanted.pop("med")
        wanted["as_path"] = "65001 " + wanted["as_path"]
        compare("the wire behind sealaned", self.feed.route(self.plan.rich), wanted)
        path = self._table()[self.plan.rich][0]
        check(path.get("metric") == med, "sealaned holds MED %s, sent was %d" % (
            path.get("metric"), med))
        check(path.get("path") == self.end.sends["as_path"], "sealaned holds path %r" % path.get("path"))

    def _table(self):
        return self.dut.json("show bgp %s unicast" % self.plan.word).get("routes", {})

    def _withdrawals(self):
        self.feed.send(speaker.withdraw([self.plan.feed_plain]))
        self._wait_view(self.plan.feed_plain, present=False)
        self.end.withdraw()
        check(self.feed.wait(lambda s: s.route(self.plan.plain) is None, PATIENCE_S),
              "the withdrawal by %s never came through" % self.end.title)
        netlab.wait_for("%s gone from sealaned" % self.plan.plain,
                        lambda: self.plan.plain not in self._table(), PATIENCE_S, 0.1)
        check(self.plan.rich in self._table(), "the other route went as well")
        check(self.end.is_established(), "the session fell")
        check(not self.feed.notifications, "sealaned sent %s" % self.feed.notifications)
        check(self.feed.problem is None, "on the wire: %s" % self.feed.problem)


def compare(who, view, wanted):
    for key, value in wanted.items():
        held = getattr(view, key)
        if held is None:
            continue
        if key == "ext":
            held = {word.replace("ro:", "soo:") if word.startswith("ro:") else word for word in held}
        check(held == value, "%s: %s is %s, not %s" % (who, key, show(held), show(value)))


def show(value):
    return " ".join(sorted(value)) if isinstance(value, set) else repr(value)


# --- the replay ----------------------------------------------------------------


class ReplayCase:
    """Real updates, replayed from a speaker; the session must stand and the counts agree."""

    name = "replay of recorded updates"
    DATA = os.path.join(os.path.dirname(TOP), "shared", "data", "ris-updates-2016-08-11.mrt.gz")

    CONFIG = """router bgp 65001
 bgp router-id 10.99.0.1
 no bgp ebgp-requires-policy
 neighbor 10.99.0.3 remote-as 65003
 neighbor 10.99.0.3 passive
 neighbor 10.99.0.4 remote-as 65004
 neighbor 10.99.0.4 passive
 address-family ipv6 unicast
  neighbor 10.99.0.3 activate
  neighbor 10.99.0.4 activate
"""

    def __init__(self, make_dut):
        self.make_dut = make_dut

    def run(self):
        reason = self.make_dut.missing()
        if reason:
            raise Skip(reason)
        if not os.path.exists(self.DATA):
            raise Skip("no ../shared/data/%s" % os.path.basename(self.DATA))
        wire = Wire()
        dut = self.make_dut("replay", wire.dut, self.CONFIG)
        sessions = []
        try:
            dut.start()
            for host, asn in ((3, 65003), (4, 65004)):
                session = speaker.Speaker(
                    asn, "10.99.0.%d" % host, 90,
                    ((speaker.IPV4, speaker.UNICAST), (speaker.IPV6, speaker.UNICAST)),
                    make_socket=wire.peer.socket)
                sessions.append(session)
                session.connect("10.99.0.%d" % host, "10.99.0.1", timeout_s=PATIENCE_S).start()
                check(session.wait_established(PATIENCE_S), "no session for the replay")
            return self._replay(dut, *sessions)
        finally:
            for session in sessions:
                session.close()
            try:
                dut.stop()
            finally:
                wire.remove()

    def _replay(self, dut, source, sink):
        begin = time.monotonic()
        held, messages = replay.send_all(self.DATA, source, "10.99.0.3", "fd99::3", (65001, 65004))
        both = (4, 6)
        expected = {v: {p for p in held if (":" in p) == (v == 6)} for v in both}
        for version in both:
            try:
                netlab.wait_for(
                    "ipv%d table of %d prefixes" % (version, len(expected[version])),
                    lambda v=version: set(self._table(dut, v)) == expected[v], 60, 0.3)
            except netlab.LabError as error:
                raise Failed("%s: %s" % (error, difference(set(self._table(dut, version)),
                                                           expected[version]))) from error
        wanted = expected[4] | expected[6]
        check(sink.wait(lambda s: s.prefixes() == wanted, 60),
              "behind sealaned: %s" % difference(sink.prefixes(), wanted))
        for session in (source, sink):
            check(not session.closed.is_set() and not session.notifications,
                  "the session fell: %s" % session.notifications)
            check(session.problem is None, "on the wire: %s" % session.problem)
        dut.check_alive()
        return "%d updates, %d prefixes, %.1f s" % (messages, len(wanted), time.monotonic() - begin)

    @staticmethod
    def _table(dut, version):
        return dut.json("show bgp ipv%d unicast" % version).get("routes", {})


def difference(held, wanted):
    return "%d held, %d expected, missing %s, extra %s" % (
        len(held), len(wanted), sorted(wanted - held)[:3], sorted(held - wanted)[:3])


# --- running -------------------------------------------------------------------


def all_cases(make_dut):
    cases = []
    for version in (4, 6):
        for opens in (True, False):
            cases += [Case(make_dut, end, opens, version) for end in far_ends.ALL]
    for end in far_ends.ALL:
        cases.append(Case(make_dut, end, True, 4, PASSWORD))
        cases.append(Case(make_dut, end, False, 4, PASSWORD))
    cases.append(Case(make_dut, far_ends.BirdEnd, True, 6, PASSWORD))
    cases.append(Case(make_dut, far_ends.FrrEnd, True, 4, PASSWORD, prove_wrong=True))
    cases.append(ReplayCase(make_dut))
    cases += wrong_messages.cases(make_dut)
    cases += limit_cases.cases(make_dut)
    cases += message_cases.cases(make_dut)
    cases += bfd_cases.cases(make_dut)
    cases += path_cases.cases(make_dut)
    cases += restart_cases.cases(make_dut)
    return cases


class Score:
    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def tell(self, word, name, detail=""):
        with self.lock:
            self.counts[word] += 1
            lines = str(detail).strip().splitlines()
            first = " (%s)" % lines[0] if lines else ""
            print("%-4s %s%s" % (word, name, first), flush=True)
            for line in lines[1:]:
                print("       " + line, flush=True)


def run_one(case, score):
    try:
        detail = case.run()
        score.tell("ok", case.name, detail or "")
    except Skip as reason:
        score.tell("skip", case.name, reason)
    except (Failed, netlab.LabError, OSError, ValueError, KeyError, IndexError) as error:
        score.tell("FAIL", case.name, error if isinstance(error, (Failed, netlab.LabError))
                   else traceback.format_exc())


def chosen_cases(options):
    return [case for case in all_cases(DUTS[options.dut])
            if not options.only or re.search(options.only, case.name, re.I)]


def run_all(options):
    score = Score()
    cases = chosen_cases(options)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(run_one, case, score) for case in cases]:
            future.result()
    return finish(score)


def finish(score):
    counts = score.counts
    print("%d passed, %d failed, %d skipped" % (counts["ok"], counts["FAIL"], counts["skip"]))
    return 1 if counts["FAIL"] else 0


DUTS = {"sealane": SealaneDut, "frr": FrrDut}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name matches")
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--dut", choices=sorted(DUTS), default="sealane",
                        help="frr: FRR in sealaned's place, to test the cases")
    parser.add_argument("--keep", metavar="FOLDER", help="on failure, copy all logs there")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for case in chosen_cases(options):
            print(case.name)
        return 0
    try:
        return netlab.isolate(lambda: run_all(options), keep=options.keep)
    except netlab.LabMissing as reason:
        score = Score()
        for case in chosen_cases(options):
            score.tell("skip", case.name, reason)
        return finish(score)


if __name__ == "__main__":
    sys.exit(main())
