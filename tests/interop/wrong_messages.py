"""Wrong messages from a peer: the NOTIFICATION of RFC 4271 section 6, or the
treatment of RFC 7606. Each case speaks to a daemon of its own."""

import struct
import time

import netlab
import speaker as bgp
from base import Failed, Skip, Wire

CONFIG = """router bgp 65001
 bgp router-id 10.99.0.1
 no bgp ebgp-requires-policy
 neighbor 10.99.0.3 remote-as 65003
 neighbor 10.99.0.3 passive
 address-family ipv6 unicast
  neighbor 10.99.0.3 activate
"""
LOCAL, DUT = "10.99.0.3", "10.99.0.1"
GOOD, VICTIM = "203.0.113.0/24", "203.0.114.0/24"
PATIENCE_S = 30.0
PACE_S = 0.4  # a daemon may bound how often one source connects; sealaned takes 4 a second
ANSWER_S = 5.0


def good_attributes(without=None):
    parts = {bgp.ORIGIN: bgp.origin(), bgp.AS_PATH: bgp.as_path([65003]),
             bgp.NEXT_HOP: bgp.next_hop(LOCAL)}
    return [value for kind, value in parts.items() if kind != without]


# name, what is sent before a session exists, NOTIFICATION code, subcodes allowed
BEFORE = (
    ("marker", bgp.message(bgp.OPEN, b"\0" * 10, marker=b"\0" * 16), 1, (1,)),
    ("length under 19", bgp.message(bgp.KEEPALIVE, length=18), 1, (2,)),
    ("length over 4096", bgp.message(bgp.OPEN, b"\0" * 10, length=5000), 1, (2,)),
    ("OPEN too short", bgp.message(bgp.OPEN, b"\4\0\0"), 1, (2,)),
    ("message type 9", bgp.message(9), 1, (3,)),
    ("version 3", bgp.open_message(65003, 90, LOCAL, version=3), 2, (1,)),
    ("wrong AS", bgp.open_message(65009, 90, LOCAL, [bgp.cap_as4(65009)]), 2, (2,)),
    ("router id 0.0.0.0", bgp.open_message(65003, 90, "0.0.0.0", [bgp.cap_as4(65003)]), 2, (3,)),
    ("hold time 1", bgp.open_message(65003, 1, LOCAL, [bgp.cap_as4(65003)]), 2, (6,)),
    ("UPDATE before OPEN", bgp.update(), 5, (0, 1)),
)

# name, sent in an established session, code, subcodes
FATAL = (
    ("KEEPALIVE with a body", bgp.message(bgp.KEEPALIVE, b"x"), 1, (2,)),
    ("a second OPEN", bgp.open_message(65003, 90, LOCAL, [bgp.cap_as4(65003)]), 5, (0, 3)),
    ("withdrawn length too long", bgp.message(bgp.UPDATE, b"\0\x20\0\0"), 3, (1,)),
    ("prefix of 33 bits", bgp.message(
        bgp.UPDATE, b"\0\0" + struct.pack("!H", len(b"".join(good_attributes())))
        + b"".join(good_attributes()) + b"\x21\xcb\0\x71\0\0"), 3, (10,)),
)

# name, attributes of an announcement whose prefix must count as withdrawn
WITHDRAW = (
    ("ORIGIN 9", [bgp.attribute(bgp.ORIGIN, b"\x09")] + good_attributes(bgp.ORIGIN)),
    ("no ORIGIN", good_attributes(bgp.ORIGIN)),
    ("no NEXT_HOP", good_attributes(bgp.NEXT_HOP)),
    ("no AS_PATH", good_attributes(bgp.AS_PATH)),
    ("AS_PATH segment cut", [bgp.attribute(bgp.AS_PATH, b"\x02\x04\0\0\xfd\xeb")]
     + good_attributes(bgp.AS_PATH)),
    ("AS_PATH segment type 7", [bgp.attribute(bgp.AS_PATH, b"\x07\x01\0\0\xfd\xeb")]
     + good_attributes(bgp.AS_PATH)),
    ("NEXT_HOP of 3 octets", [bgp.attribute(bgp.NEXT_HOP, b"\x0a\x63\0")]
     + good_attributes(bgp.NEXT_HOP)),
    ("MED of 3 octets", good_attributes() + [bgp.attribute(bgp.MED, b"\0\0\1")]),
    ("communities of 5 octets", good_attributes() + [bgp.attribute(bgp.COMMUNITIES, b"\0" * 5)]),
    ("large communities of 11 octets",
     good_attributes() + [bgp.attribute(bgp.LARGE_COMMUNITIES, b"\0" * 11)]),
    ("extended communities of 7 octets",
     good_attributes() + [bgp.attribute(bgp.EXT_COMMUNITIES, b"\0" * 7)]),
    ("ORIGIN marked optional", [bgp.attribute(bgp.ORIGIN, b"\0", flags=0xC0)]
     + good_attributes(bgp.ORIGIN)),
)

# name, an attribute that is thrown away while the route stays
DISCARD = (
    ("ATOMIC_AGGREGATE of 1 octet", bgp.attribute(bgp.ATOMIC, b"x")),
    ("AGGREGATOR of 5 octets", bgp.attribute(bgp.AGGREGATOR, b"\0" * 5)),
    ("LOCAL_PREF over eBGP", bgp.local_pref(500)),
    ("ORIGINATOR_ID over eBGP", bgp.attribute(bgp.ORIGINATOR, b"\1\2\3\4")),
)


class Wrong:
    """A group of wrong messages, all against one daemon."""

    def __init__(self, make_dut, name, body):
        self.make_dut = make_dut
        self.name = name
        self.body = body

    def run(self):
        reason = self.make_dut.missing()
        if reason:
            raise Skip(reason)
        self.wire = Wire()
        self.dut = self.make_dut(self.name.replace(" ", "-"), self.wire.dut, CONFIG)
        try:
            self.dut.start()
            count = self.body(self)
            self.dut.check_alive()
            return "%d messages" % count
        finally:
            try:
                self.dut.stop()
            finally:
                self.wire.remove()

    def speaker(self, established=True):
        families = ((bgp.IPV4, bgp.UNICAST), (bgp.IPV6, bgp.UNICAST))
        if hasattr(self.dut, "forgive"):
            self.dut.forgive(LOCAL)
        session = bgp.Speaker(65003, LOCAL, 90, families, make_socket=self.wire.peer.socket)
        session.connect(LOCAL, DUT, timeout_s=PATIENCE_S).start(say_open=established)
        if established and not session.wait_established(PATIENCE_S):
            session.close()
            raise Failed("no session: %s" % session.notifications)
        return session

    def expect(self, session, name, code, subcodes):
        try:
            if not session.wait(lambda s: s.notifications or s.closed.is_set(), ANSWER_S) or (
                    not session.notifications):
                raise Failed("%s: no NOTIFICATION" % name)
            got = session.notifications[0]
            if got[0] != code or got[1] not in subcodes:
                raise Failed("%s: NOTIFICATION %d/%d, not %d/%s" % (
                    name, got[0], got[1], code, " or ".join(str(x) for x in subcodes)))
            if not session.wait_closed(ANSWER_S):
                raise Failed("%s: the connection stays open" % name)
        finally:
            session.close()

    def table(self):
        return self.dut.json("show bgp ipv4 unicast").get("routes", {})


def each(case, table, established):
    """Sends every wrong message over a connection of its own."""
    failures = []
    for name, data, code, subcodes in table:
        if name in case.make_dut.quirks:
            continue
        time.sleep(PACE_S)
        try:
            session = case.speaker(established)
            session.send(data)
            case.expect(session, name, code, subcodes)
        except Failed as error:
            failures.append(str(error))
    if failures:
        raise Failed("%d of %d\n%s" % (len(failures), len(table), "\n".join(failures)))
    return len(table)


def before_session(case):
    return each(case, BEFORE, established=False)


def in_session(case):
    return each(case, FATAL, established=True)


def one_by_one(case, table, one):
    """Runs one(session, name, what) for each row; a session that fell is made
    again, so that a single wrong answer does not hide the others."""
    failures = []
    session = None
    for name, what in table:
        if session is None or session.closed.is_set():
            session = case.speaker()
        try:
            one(case, session, name, what)
        except (Failed, netlab.LabError) as error:
            failures.append("%s: %s" % (name, error))
            session.close()
    session.close()
    if failures:
        raise Failed("%d of %d\n%s" % (len(failures), len(table), "\n".join(failures)))
    return len(table)


def treated_as_withdraw(case):
    if "treated as withdraw" in case.make_dut.quirks:
        raise Skip("the stand-in does not do this")

    def one(case, session, _name, attributes):
        session.send(bgp.announce([GOOD, VICTIM], [65003], LOCAL))
        netlab.wait_for("good route", lambda: VICTIM in case.table(), PATIENCE_S, 0.05)
        session.send(bgp.update(attributes, [VICTIM]))
        try:
            netlab.wait_for("withdrawal", lambda: VICTIM not in case.table(), ANSWER_S, 0.05)
        except netlab.LabError as error:
            raise Failed("the route stays %s" % session.notifications) from error
        if GOOD not in case.table() or session.closed.is_set():
            raise Failed("more than its prefix fell %s" % session.notifications)

    return one_by_one(case, WITHDRAW, one)


def attribute_discarded(case):
    def one(case, session, _name, extra):
        session.send(bgp.withdraw([VICTIM]))
        netlab.wait_for("empty table", lambda: VICTIM not in case.table(), PATIENCE_S, 0.05)
        session.send(bgp.update(good_attributes() + [extra], [VICTIM]))
        try:
            netlab.wait_for("route", lambda: VICTIM in case.table(), ANSWER_S, 0.05)
        except netlab.LabError as error:
            raise Failed("the route is not there %s" % session.notifications) from error
        if session.closed.is_set():
            raise Failed("the session fell %s" % session.notifications)

    return one_by_one(case, DISCARD, one)


def cases(make_dut):
    return [
        Wrong(make_dut, "wrong messages before a session", before_session),
        Wrong(make_dut, "wrong messages that end a session", in_session),
        Wrong(make_dut, "wrong attributes, treated as withdraw", treated_as_withdraw),
        Wrong(make_dut, "wrong attributes, discarded", attribute_discarded),
    ]
