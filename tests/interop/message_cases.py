"""Messages of a session: how it ends, in what words, and what other daemons say
to long messages, marked refreshes and shutdown messages."""

import re
import time

import netlab
import peers
import speaker as bgp
import wrong_messages
import wrong_rows as rows
from base import PATIENCE_S, Failed, Skip, Wire, check, wait_listening
from wrong_messages import Wrong

LONG_COMMUNITIES = 1500  # 6000 octets: no message of 4096 holds them
LONG = "203.0.115.0/24"
SENDER = "10.99.0.3"


# --- how a session ends ---------------------------------------------------------


def expect_cease(case, change, subcode, text=None, sender=rows.EBGP):
    """A session that stands, a change of the configuration, and the words at the end."""
    session = case.speaker(sender)
    try:
        change()
        case.expect(session, (6, subcode, None))
        data = session.notifications[0][2]
        if text is not None and data != bytes((len(text.encode()),)) + text.encode():
            raise Failed("6/%d with %r, not %r" % (subcode, data, text))
        return data
    finally:
        session.close()


def too_many_prefixes(case):
    case.dut.reload(case.config + "  neighbor 10.99.0.3 activate\n address-family ipv4 unicast\n"
                    "  neighbor 10.99.0.3 maximum-prefix 2\n")
    session = case.speaker(rows.EBGP)
    try:
        session.send(bgp.announce(["203.0.%d.0/24" % i for i in range(3)], [65003], SENDER))
        case.expect(session, (6, 1, bytes.fromhex("0001" "01" "00000002")))
    finally:
        session.close()
        case.dut.reload(case.config)


def second_connection(case):
    session = case.speaker(rows.EBGP)
    second = bgp.Speaker(65003, SENDER, 90, make_socket=case.wire.peer.socket)
    try:
        second.connect(SENDER, rows.DUT).start()
        case.expect(second, (6, 7, b""))
        check(not session.closed.is_set(), "the first connection fell")
    finally:
        second.close()
        session.close()


def stranger(case):
    case.wire.peer.ip("addr add 10.99.0.99/24 dev eth0")
    session = bgp.Speaker(65003, "10.99.0.99", 90, make_socket=case.wire.peer.socket)
    try:
        session.connect("10.99.0.99", rows.DUT).start(say_open=False)
        case.expect(session, (6, 5, b""))
    finally:
        session.close()


def neighbor_shut_down(case):
    line = " neighbor 10.99.0.3 passive\n"
    text = "back at noon, \u00fcbrigens"
    down = case.config.replace(line, line + " neighbor 10.99.0.3 shutdown message %s\n" % text)
    expect_cease(case, lambda: case.dut.reload(down), 2, text)
    time.sleep(wrong_messages.PACE_S)
    session = bgp.Speaker(65003, SENDER, 90, make_socket=case.wire.peer.socket)
    try:
        session.connect(SENDER, rows.DUT).start(say_open=False)
        case.expect(session, (6, 5, b""))
    finally:
        session.close()
        case.dut.reload(case.config)


def reset(case):
    expect_cease(case, lambda: case.dut.shell('clear bgp 10.99.0.3 message "new cables"'), 4,
                 "new cables")


def removed(case):
    lines = [line for line in case.config.splitlines() if "10.99.0.3" not in line]
    expect_cease(case, lambda: case.dut.reload("\n".join(lines) + "\n"), 3)
    case.dut.reload(case.config)


def reconfigured(case):
    line = " neighbor 10.99.0.3 passive\n"
    changed = case.config.replace(line, line + " neighbor 10.99.0.3 tcp-mss 1000\n")
    expect_cease(case, lambda: case.dut.reload(changed), 6)
    case.dut.reload(case.config)


def silent(case):
    session = case.speaker(rows.EBGP, hold_s=6)
    session.is_silent = True
    begin = time.monotonic()
    try:
        check(session.wait(lambda s: s.notifications, 12), "no end")
        took = time.monotonic() - begin
        case.expect(session, (4, 0, b""))
        check(5.5 < took < 7.0, "after %.1f s of silence, not 6" % took)
    finally:
        session.close()


def takes_nothing(case):
    """The kernels hold 24 KiB for it; 64 KiB are to be sent."""
    case.wire.dut.sysctl("net.ipv4.tcp_wmem", "4096 16384 16384")
    case.wire.peer.sysctl("net.ipv4.tcp_rmem", "4096 8192 8192")
    line = " neighbor 10.99.0.3 passive\n"
    case.dut.reload(case.config.replace(line, line + " neighbor 10.99.0.3 timers send-hold 6\n"))
    session = case.speaker(rows.EBGP, hold_s=0)
    session.reads = False
    feed = case.speaker(rows.IBGP)
    try:
        for high in range(64):
            feed.send(bgp.update(rows.parts(rows.IBGP), ["10.%d.%d.0/24" % (high, low)
                                                         for low in range(256)]))
        netlab.wait_for("the end of the session", lambda: "Send Hold Timer Expired" in
                        case.dut.process.log_tail(100), 30, 0.1)
        check(case.watcher.wait(lambda s: len(s.prefixes()) >= 64 * 256, PATIENCE_S),
              "the watcher does not get the routes")
        check(not feed.closed.is_set(), "the feed fell")
    finally:
        feed.close()
        session.close()
        case.dut.reload(case.config)


ENDS = (too_many_prefixes, neighbor_shut_down, removed, reset, stranger, reconfigured,
        second_connection, silent, takes_nothing)


def endings(case):
    if not hasattr(case.make_dut, "forgive"):
        raise Skip("the stand-in does not reload")
    failures = []
    for end in ENDS:
        try:
            end(case)
            case.check_watcher()
            session = case.speaker(rows.EBGP)
            wrong_messages.announce_sound(case, session, rows.EBGP, "65003:2")
            session.close()
        except (Failed, netlab.LabError, OSError) as error:
            failures.append("%s: %s" % (end.__name__, error))
    return wrong_messages.told(failures, len(ENDS))


# --- with other daemons ----------------------------------------------------------


class FrrFar:
    title = "FRR"
    missing = peers.Frr.missing

    def __init__(self, name, netns):
        self.frr = peers.Frr(name, netns, "\n".join([
            "router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
            " no bgp network import-check", " neighbor 10.99.0.1 remote-as 65001",
            " neighbor 10.99.0.1 timers connect 1", " address-family ipv4 unicast",
            "  network 192.0.2.0/24", ""]))

    def start(self):
        self.frr.start()

    def configure(self, *lines):
        self.frr.cli("configure terminal", "router bgp 65002", *lines)

    def shut_down(self, text):
        self.configure("neighbor 10.99.0.1 shutdown message " + text)

    def bring_back(self):
        self.configure("no neighbor 10.99.0.1 shutdown")

    def restart(self, text):
        return False  # FRR resets without a message

    def ask_refresh(self):
        self.frr.cli("clear bgp ipv4 unicast 10.99.0.1 in")

    def send_refresh(self):
        return False

    def last_words(self):
        found = self.frr.json("show bgp neighbors 10.99.0.1").get("10.99.0.1", {})
        return found.get("lastShutdownDescription", "")

    def community_count(self, prefix):
        paths = self.frr.json("show bgp ipv4 unicast " + prefix).get("paths") or [{}]
        return len(paths[0].get("community", {}).get("list", []))

    def stop(self):
        self.frr.stop()


class BirdFar:
    title = "BIRD"
    missing = peers.Bird.missing

    def __init__(self, name, netns):
        many = " ".join("bgp_community.add((65002,%d));" % i for i in range(LONG_COMMUNITIES))
        self.bird = peers.Bird(name, netns, """router id 10.99.0.2;
protocol device { }
protocol static one { ipv4; route 192.0.2.0/24 unreachable; }
protocol static many { ipv4; route %s unreachable; }
protocol bgp dut {
  local 10.99.0.2 as 65002; neighbor 10.99.0.1 as 65001; enable extended messages on;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export filter {
    if proto = "many" then { %s accept; }
    if proto = "one" then accept;
    reject; }; };
}
""" % (LONG, many))

    def start(self):
        self.bird.start()

    def shut_down(self, text):
        self.bird.cli('disable dut "%s"' % text)

    def bring_back(self):
        self.bird.cli("enable dut")

    def restart(self, text):
        self.bird.cli('restart dut "%s"' % text)
        return True

    def ask_refresh(self):
        self.bird.cli("reload in dut")

    def send_refresh(self):
        self.bird.cli("reload out dut")
        return True

    def last_words(self):
        return self.bird.process.log_tail(50) + self.bird.cli("show protocols all dut")

    def community_count(self, prefix):
        text = self.bird.cli("show route all protocol dut for " + prefix)
        return len(re.findall(r"\(\d+,\d+\)", text.partition("BGP.community:")[2]))

    def stop(self):
        self.bird.stop()


DUT_CONFIG = """router bgp 65001
 bgp router-id 10.99.0.1
 no bgp ebgp-requires-policy
 neighbor 10.99.0.2 remote-as 65002
 neighbor 10.99.0.2 timers connect 1
 neighbor 10.98.0.3 remote-as 65004
 neighbor 10.98.0.3 passive
 address-family ipv4 unicast
  network 198.51.100.0/24
ip route 198.51.100.0/24 blackhole
"""


class WithDaemon:
    """One subject against one other daemon; a speaker of our own on the other side."""

    def __init__(self, make_dut, far_class, title, body):
        self.make_dut = make_dut
        self.far_class = far_class
        self.name = "%s with %s" % (title, far_class.title)
        self.body = body

    def run(self):
        reason = self.make_dut.missing() or self.far_class.missing()
        if reason:
            raise Skip(reason)
        if not hasattr(self.make_dut, "forgive"):
            raise Skip("the stand-in is not what this asks about")
        slug = re.sub(r"\W+", "-", self.name.lower())
        self.wire = Wire()
        self.dut = self.make_dut(slug, self.wire.dut, DUT_CONFIG)
        self.far = self.far_class(slug, self.wire.peer)
        self.feed = None
        try:
            self.dut.start()
            wait_listening(self.wire.dut)
            self.far.start()
            self.wait_up()
            return self.body(self)
        finally:
            if self.feed:
                self.feed.close()
            self.far.stop()
            try:
                self.dut.stop()
            finally:
                self.wire.remove()

    def neighbor(self):
        return self.dut.json("show bgp neighbors 10.99.0.2").get("10.99.0.2", {})

    def wait_up(self):
        netlab.wait_for("the session", lambda: self.neighbor().get("bgpState") == "Established",
                        PATIENCE_S, 0.1)

    def wait_for(self, what, claim):
        netlab.wait_for(what, claim, PATIENCE_S, 0.1)

    def start_feed(self):
        self.feed = bgp.Speaker(
            65004, "10.98.0.3", 90,
            capabilities=bgp.default_capabilities(65004) + [bgp.capability(6)],
            make_socket=self.wire.feed.socket)
        self.feed.connect("10.98.0.3", "10.98.0.1").start()
        check(self.feed.wait_established(PATIENCE_S), "the feed gets no session")


def shutdown_message(case):
    text = "back at noon, ticket 42"
    case.far.shut_down(text)
    case.wait_for("their message", lambda: text in case.neighbor().get("lastResetDueTo", ""))
    case.far.bring_back()
    case.wait_up()
    if case.far.restart("restart, ticket 43"):
        case.wait_for("their message with a reset",
                      lambda: "restart, ticket 43" in case.neighbor().get("lastResetDueTo", ""))
        case.wait_up()
    case.dut.shell('clear bgp 10.99.0.2 message "new cables, ticket 44"')
    case.wait_for("our message with a reset",
                  lambda: "new cables, ticket 44" in case.far.last_words())
    case.wait_up()
    line = " neighbor 10.99.0.2 timers connect 1\n"
    case.dut.reload(DUT_CONFIG.replace(
        line, line + " neighbor 10.99.0.2 shutdown message gone, ticket 45\n"))
    case.wait_for("our message with a shutdown",
                  lambda: "gone, ticket 45" in case.far.last_words())


def extended_message(case):
    case.start_feed()
    words = ["65004:%d" % i for i in range(LONG_COMMUNITIES)]
    case.feed.send(bgp.announce(["203.0.116.0/24"], [65004], "10.98.0.3",
                                [bgp.communities(words)]))
    case.wait_for("the long route at " + case.far.title,
                  lambda: case.far.community_count("203.0.116.0/24") == LONG_COMMUNITIES)
    if isinstance(case.far, BirdFar):
        check(case.feed.wait(lambda s: s.route(LONG) is not None and
                             len(s.route(LONG).communities) == LONG_COMMUNITIES, PATIENCE_S),
              "BIRD's long route never came through")
    check(case.neighbor().get("connectionsDropped", 0) == 0, "the session fell")


def enhanced_refresh(case):
    case.start_feed()
    check(case.feed.wait(lambda s: s.route("192.0.2.0/24"), PATIENCE_S), "no route")
    before = case.neighbor()["messageStats"]
    case.far.ask_refresh()
    case.wait_for("both markers of our answer", lambda: case.neighbor()["messageStats"]
                  ["routeRefreshSent"] == before["routeRefreshSent"] + 2)
    check(case.neighbor()["messageStats"]["routeRefreshRecv"] >= before["routeRefreshRecv"] + 1,
          "no request was counted")
    case.wait_for("our route at " + case.far.title, lambda: case.neighbor()["addressFamilyInfo"]
                  ["ipv4Unicast"]["sentPrefixCounter"] >= 1)
    if case.far.send_refresh():
        case.wait_for("both markers of theirs", lambda: case.neighbor()["messageStats"]
                      ["routeRefreshRecv"] >= before["routeRefreshRecv"] + 3)
    check(case.feed.route("192.0.2.0/24") is not None, "a refresh took the route away")
    check(case.neighbor().get("connectionsDropped", 0) == 0, "the session fell")


def cases(make_dut):
    found = [Wrong(make_dut, "every end of a session is told", endings)]
    for far in (FrrFar, BirdFar):
        for title, body in (("shutdown messages", shutdown_message),
                            ("extended messages", extended_message),
                            ("enhanced refresh", enhanced_refresh)):
            found.append(WithDaemon(make_dut, far, title, body))
    return found
