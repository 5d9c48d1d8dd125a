"""Wrong messages over live sessions: each row of wrong_rows.py, while a second,
well-behaved session watches what is passed on and must never notice more than
that. After each wrong message comes a sound one, which must arrive."""

import time

import netlab
import speaker as bgp
import wrong_rows as rows
from base import Failed, Skip, Wire
from wrong_rows import CONNECTED, DUT, ESTABLISHED, GOOD, RESET, VICTIM, VICTIM6, WITHDRAW

CONFIG = """router bgp 65001
 bgp router-id 10.99.0.1
 no bgp ebgp-requires-policy
 bgp minimum-holdtime 6
 neighbor 10.99.0.3 remote-as 65003
 neighbor 10.99.0.3 passive
 neighbor 10.99.0.4 remote-as 65001
 neighbor 10.99.0.4 passive
 neighbor 10.99.0.2 remote-as 65005
 neighbor 10.99.0.2 passive
 neighbor 10.99.0.5 remote-as 65006
 neighbor 10.99.0.5 passive
 neighbor 10.99.0.5 local-role customer
 neighbor 10.98.0.3 remote-as 65004
 neighbor 10.98.0.3 passive
 address-family ipv6 unicast
  neighbor 10.99.0.3 activate
  neighbor 10.99.0.4 activate
  neighbor 10.99.0.2 activate
  neighbor 10.98.0.3 activate
"""
BOTH = ((bgp.IPV4, bgp.UNICAST), (bgp.IPV6, bgp.UNICAST))
ENHANCED_REFRESH = bgp.capability(70)
PATIENCE_S = 30.0
PACE_S = 0.1  # sealaned takes 16 connections a second from one source
ANSWER_S = 5.0


class Wrong:
    """A group of rows against one daemon with a watcher."""

    def __init__(self, make_dut, name, body, config=CONFIG):
        self.make_dut = make_dut
        self.name = name
        self.body = body
        self.config = config
        self.last_connect = 0.0

    def run(self):
        reason = self.make_dut.missing()
        if reason:
            raise Skip(reason)
        self.wire = Wire()
        self.wire.peer.ip("addr add 10.99.0.5/24 dev eth0")
        self.dut = self.make_dut(self.name.replace(" ", "-"), self.wire.dut, self.config)
        self.watcher = None
        try:
            self.dut.start()
            self.watcher = bgp.Speaker(65004, "10.98.0.3", 90, BOTH,
                                       make_socket=self.wire.feed.socket)
            self.watcher.connect("10.98.0.3", "10.98.0.1", timeout_s=PATIENCE_S).start()
            if not self.watcher.wait_established(PATIENCE_S):
                raise Failed("the watcher gets no session")
            detail = self.body(self)
            self.check_watcher()
            self.dut.check_alive()
            return detail
        finally:
            if self.watcher:
                self.watcher.close()
            try:
                self.dut.stop()
            finally:
                self.wire.remove()

    def check_watcher(self):
        watcher = self.watcher
        if watcher.closed.is_set() or watcher.notifications or watcher.problem:
            raise Failed("the watcher suffers: %s %s" % (watcher.notifications, watcher.problem))

    def speaker(self, sender, stage=ESTABLISHED, hold_s=90, more=()):
        """A session of the sender, as far as the stage says."""
        if hasattr(self.dut, "forgive"):
            self.dut.forgive(sender.address)
        time.sleep(max(0.0, self.last_connect + PACE_S - time.monotonic()))
        self.last_connect = time.monotonic()
        capabilities = bgp.default_capabilities(sender.asn, BOTH)
        if not sender.as4:
            capabilities.pop()
        session = bgp.Speaker(sender.asn, sender.address, hold_s, BOTH,
                              capabilities + [ENHANCED_REFRESH, *more],
                              self.wire.peer.socket)
        session.answers_open = stage == ESTABLISHED
        session.connect(sender.address, DUT, timeout_s=PATIENCE_S)
        session.start(say_open=stage != CONNECTED)
        reached = (session.wait_established(PATIENCE_S) if stage == ESTABLISHED
                   else session.wait(lambda s: s.peer_open, ANSWER_S))
        if not reached:
            session.close()
            raise Failed("no session: %s" % session.notifications)
        return session

    def sees(self, prefix, claim, what):
        if not self.watcher.wait(lambda s: claim(s.route(prefix)), ANSWER_S):
            held = self.watcher.route(prefix)
            raise Failed("%s: the watcher %s" % (
                what, "lacks " + prefix if held is None else "holds %s %s" % (prefix, held.raw)))

    def expect(self, session, notify):
        """The answer, and nothing behind it."""
        if notify is None:
            if not session.wait_closed(ANSWER_S):
                raise Failed("the connection stays open")
            if session.notifications:
                raise Failed("answered with %s" % session.notifications)
            return
        code, subcode, data = notify
        if not session.wait(lambda s: s.notifications or s.closed.is_set(), ANSWER_S) or (
                not session.notifications):
            raise Failed("no NOTIFICATION")
        got = session.notifications[0]
        if got[:2] != (code, subcode):
            raise Failed("NOTIFICATION %d/%d, not %d/%d" % (got[0], got[1], code, subcode))
        if data is not None and got[2] != data:
            raise Failed("NOTIFICATION data %s, not %s" % (got[2].hex(), data.hex()))
        if not session.wait_closed(ANSWER_S):
            raise Failed("the connection stays open")


def marked(word):
    """Whether a route is there and carries this community alone."""
    return lambda route: route is not None and route.communities == {word}


def is_gone(route):
    return route is None


def announce_sound(case, session, sender, word):
    """GOOD, VICTIM and VICTIM6 with a community that says which time it is."""
    change = {bgp.COMMUNITIES: bgp.communities([word])}
    session.send(rows.raw_update(b"", b"".join(rows.parts(sender, change)),
                                 bgp.prefix_bytes(GOOD) + bgp.prefix_bytes(VICTIM)))
    change[bgp.NEXT_HOP] = None
    session.send(rows.raw_update(b"", b"".join(rows.parts(sender, change)
                                               + [rows.reach6(sender)])))
    for prefix in (GOOD, VICTIM, VICTIM6):
        case.sees(prefix, marked(word), "a sound announcement")


def check_passed_on(case, row):
    case.sees(row.victim, marked(rows.MARK), "the route")
    route = case.watcher.route(row.victim)
    for kind, value in row.holds.items():
        if route.raw.get(kind) != value:
            raise Failed("attribute %d came as %s" % (kind, route.raw.get(kind)))
        if kind > 40 and not route.flags[kind] & 0x20:
            raise Failed("attribute %d came without the partial bit" % kind)
    for kind in row.lacks:
        if kind in route.raw:
            raise Failed("attribute %d was passed on" % kind)


def one_update(case, session, row):
    """False when the session is over, as it had to be."""
    announce_sound(case, session, row.sender, "65003:1")
    session.send(row.message)
    if row.treatment == RESET:
        case.expect(session, row.notify)
        for prefix in (GOOD, VICTIM, VICTIM6):
            case.sees(prefix, is_gone, "after the reset")
        return False
    if row.treatment == WITHDRAW:
        case.sees(row.victim, is_gone, "the prefix")
    else:
        check_passed_on(case, row)
    if case.watcher.route(GOOD) is None:
        raise Failed("another prefix fell as well")
    announce_sound(case, session, row.sender, "65003:2")
    if session.closed.is_set() or session.notifications:
        raise Failed("the session fell: %s" % session.notifications)
    return True


def updates(case):
    """Rows of one sender after another; a session that fell is made again."""
    failures = []
    for sender in rows.SENDERS:
        session = None
        for row in [row for row in rows.UPDATE_ROWS if row.sender is sender]:
            if row.name in case.make_dut.quirks:
                continue
            try:
                session = session or case.speaker(sender)
                if not one_update(case, session, row):
                    session.close()
                    session = case.speaker(sender)
                    announce_sound(case, session, sender, "65003:2")
                case.check_watcher()
            except (Failed, netlab.LabError, OSError) as error:
                failures.append("%s: %s" % (row.name, error))
                if session:
                    session.close()
                session = None
        if session:
            session.close()
    return told(failures, len(rows.UPDATE_ROWS))


def told(failures, count):
    if failures:
        raise Failed("%d of %d\n%s" % (len(failures), count, "\n".join(failures)))
    return "%d rows" % count


def answers(case):
    """Each over a connection of its own; at the end a sound session."""
    failures = []
    table = [row for row in rows.ANSWERS if row.name not in case.make_dut.quirks]
    for row in table:
        try:
            session = case.speaker(row.sender, row.stage)
            try:
                session.send(row.message)
                case.expect(session, row.notify)
            finally:
                session.close()
            case.check_watcher()
        except (Failed, netlab.LabError, OSError) as error:
            failures.append("%s: %s" % (row.name, error))
    session = case.speaker(rows.EBGP)
    announce_sound(case, session, rows.EBGP, "65003:2")
    session.close()
    return told(failures, len(table))


def cases(make_dut):
    return [
        Wrong(make_dut, "wrong messages, each answered as RFC 4271 says", answers),
        Wrong(make_dut, "wrong updates, each treated as RFC 7606 says", updates),
    ]
