"""Wrong messages, row by row: RFC 7606 and RFC 4271 section 6.

Each row is a whole message of one of the senders, and what must become of it:
WITHDRAW  its prefix counts as withdrawn, the session stays
DISCARD   the attribute is thrown away, the route is passed on without it
ACCEPT    nothing is wrong
RESET     a NOTIFICATION with this code, subcode and data ends the session
"""

import collections
import struct

import speaker as bgp

WITHDRAW, DISCARD, ACCEPT, RESET = "withdraw", "discard", "accept", "reset"
GOOD, VICTIM, VICTIM6 = "203.0.113.0/24", "203.0.114.0/24", "2001:db8:77::/48"
MARK = "65003:7"  # on what a row announces; sound routes carry another one
OWN_AS, DUT = 65001, "10.99.0.1"

Sender = collections.namedtuple("Sender", "name asn address address6 as4 is_internal")
EBGP = Sender("external", 65003, "10.99.0.3", "fd99::3", True, False)
IBGP = Sender("internal", OWN_AS, "10.99.0.4", "fd99::4", True, True)
TWO = Sender("2-octet", 65005, "10.99.0.2", "fd99::2", False, False)
SENDERS = (EBGP, IBGP, TWO)

Row = collections.namedtuple("Row", "name sender treatment message victim notify holds lacks")
"""notify: (code, subcode, data or None); holds: {kind: value} the watcher must see; lacks: kinds
it must not see."""


def parts(sender, change=None):
    """The attributes of a sound announcement, some of them replaced (None: left out)."""
    found = {
        bgp.ORIGIN: bgp.origin(),
        bgp.AS_PATH: bgp.as_path([] if sender.is_internal else [sender.asn], as4=sender.as4),
        bgp.NEXT_HOP: bgp.next_hop(sender.address),
    }
    if sender.is_internal:
        found[bgp.LOCAL_PREF] = bgp.local_pref(100)
    found[bgp.COMMUNITIES] = bgp.communities([MARK])
    found.update(change or {})
    return [value for value in found.values() if value is not None]


def raw_update(withdrawn=b"", attributes=b"", nlri=b"", withdrawn_length=None,
               attribute_length=None):
    body = struct.pack("!H", len(withdrawn) if withdrawn_length is None else withdrawn_length)
    body += withdrawn
    body += struct.pack("!H", len(attributes) if attribute_length is None else attribute_length)
    return bgp.message(bgp.UPDATE, body + attributes + nlri)


def row(name, treatment, change=None, extra=(), sender=EBGP, nlri=None, withdrawn=b"",
        notify=None, holds=None, lacks=(), tail=b""):
    """An announcement of VICTIM with changed attributes."""
    attributes = b"".join(parts(sender, change) + list(extra)) + tail
    nlri = bgp.prefix_bytes(VICTIM) if nlri is None else nlri
    return Row(name, sender, treatment, raw_update(withdrawn, attributes, nlri), VICTIM, notify,
               holds or {}, lacks)


def row6(name, treatment, attributes, notify=None, sender=EBGP):
    """The same for VICTIM6: the MP attributes as given, no plain fields, no NEXT_HOP."""
    whole = parts(sender, {bgp.NEXT_HOP: None}) + list(attributes)
    return Row(name, sender, treatment, raw_update(b"", b"".join(whole)), VICTIM6, notify, {}, ())


def whole(name, message, notify, sender=EBGP):
    return Row(name, sender, RESET, message, VICTIM, notify, {}, ())


def attr(kind, text, flags=None):
    return bgp.attribute(kind, bytes.fromhex(text), flags)


def reach6(sender=EBGP, prefix=None, hop=None, flags=None):
    hop_bytes = b"\x10" + bytes.fromhex("fd99" + "0" * 27 + sender.address6[-1]) if hop is None else hop
    prefix = bgp.prefix_bytes(VICTIM6) if prefix is None else prefix
    return bgp.attribute(bgp.MP_REACH, b"\0\2\1" + hop_bytes + b"\0" + prefix, flags)


def unreach6(prefix=None):
    prefix = bgp.prefix_bytes(VICTIM6) if prefix is None else prefix
    return bgp.attribute(bgp.MP_UNREACH, b"\0\2\1" + prefix)


def path(text):
    return {bgp.AS_PATH: attr(bgp.AS_PATH, text)}


def hop(address):
    return {bgp.NEXT_HOP: bgp.next_hop(address)}


AS = "0000fdeb"  # 65003
UNKNOWN, WELL_KNOWN_UNKNOWN, AIGP, OTC, PREFIX_SID, EXT6 = 99, 99, 26, 35, 40, 25
GOOD_WITHDRAWAL = bgp.prefix_bytes("192.0.2.0/24")

MESSAGE_ROWS = [
    whole("withdrawn routes past the message", raw_update(withdrawn_length=32), (3, 1, b"")),
    whole("attributes past the message", raw_update(attribute_length=32), (3, 1, b"")),
    row("an attribute past the list", WITHDRAW, tail=bytes.fromhex("8004050000")),
    row("one octet behind the last attribute", WITHDRAW, tail=b"\x80"),
    row("two octets behind the last attribute", WITHDRAW, tail=b"\x80\x04"),
    row("three octets behind it with extended length", WITHDRAW, tail=b"\x90\x04\0"),
    row("a prefix of 33 bits", RESET, nlri=b"\x21\xcb\0\x71\0\0", notify=(3, 10, b"")),
    row("a prefix cut short", RESET, nlri=b"\x18\xcb\0", notify=(3, 10, b"")),
    whole("a withdrawn prefix of 33 bits", raw_update(b"\x21\xcb\0\x71\0\0"), (3, 10, b"")),
    whole("a withdrawn prefix cut short", raw_update(b"\x18\xcb\0"), (3, 10, b"")),
    row("an error that may hide prefixes", RESET, {bgp.NEXT_HOP: attr(3, "0a6300")}, nlri=b"",
        notify=(3, 5, bytes.fromhex("4003030a6300"))),
    row("the same beside withdrawn routes", RESET, {bgp.ORIGIN: attr(1, "09")}, nlri=b"",
        withdrawn=GOOD_WITHDRAWAL, notify=(3, 6, bytes.fromhex("40010109"))),
]

ATTRIBUTE_ROWS = [
    row("ORIGIN marked optional", WITHDRAW, {bgp.ORIGIN: attr(1, "00", 0xC0)}),
    row("ORIGIN not marked transitive", WITHDRAW, {bgp.ORIGIN: attr(1, "00", 0)}),
    row("MED marked transitive", WITHDRAW, extra=[attr(bgp.MED, "00000001", 0xC0)]),
    row("COMMUNITIES not marked transitive", WITHDRAW,
        {bgp.COMMUNITIES: attr(bgp.COMMUNITIES, "fdeb0007", 0x80)}),
    row6("MP_REACH_NLRI marked transitive", WITHDRAW, [reach6(flags=0xC0)]),
    row("COMMUNITIES twice: the first counts", DISCARD, extra=[bgp.communities(["65003:8"])],
        holds={bgp.COMMUNITIES: bytes.fromhex("fdeb0007")}),
    row("a malformed ORIGIN behind a good one", DISCARD, extra=[attr(1, "07")],
        holds={bgp.ORIGIN: b"\0"}),
    row6("MP_REACH_NLRI twice", RESET, [reach6(), reach6()], (3, 1, b"")),
    row6("MP_UNREACH_NLRI twice", RESET, [unreach6(), unreach6()], (3, 1, b"")),
    row("no ORIGIN", WITHDRAW, {bgp.ORIGIN: None}),
    row("no AS_PATH", WITHDRAW, {bgp.AS_PATH: None}),
    row("no NEXT_HOP", WITHDRAW, {bgp.NEXT_HOP: None}),
    row("no LOCAL_PREF inside the AS", WITHDRAW, {bgp.LOCAL_PREF: None}, sender=IBGP),
    row("an unknown well-known attribute", RESET,
        extra=[attr(WELL_KNOWN_UNKNOWN, "aa", 0x40)], notify=(3, 2, bytes.fromhex("406301aa"))),
    row("discard and withdrawal together", WITHDRAW,
        extra=[attr(bgp.ATOMIC, "00"), attr(bgp.MED, "000001")]),
]

VALUE_ROWS = [
    row("ORIGIN of no octets", WITHDRAW, {bgp.ORIGIN: attr(1, "")}),
    row("ORIGIN of two octets", WITHDRAW, {bgp.ORIGIN: attr(1, "0000")}),
    row("ORIGIN 3", WITHDRAW, {bgp.ORIGIN: attr(1, "03")}),
    row("AS_PATH segment type 0", WITHDRAW, path("0001" + AS)),
    row("AS_PATH segment type 5", WITHDRAW, path("0501" + AS)),
    row("AS_PATH segment without numbers", WITHDRAW, path("0201" + AS + "0200")),
    row("AS_PATH segment past the attribute", WITHDRAW, path("0202" + AS)),
    row("AS_PATH with one octet left", WITHDRAW, path("0201" + AS + "02")),
    row("AS 0 in the path", WITHDRAW, path("0202" + AS + "00000000")),
    row("AS 0 in the path of a 2-octet speaker", WITHDRAW, path("0202fded0000"), sender=TWO),
    row("AS_CONFED_SEQUENCE from outside", WITHDRAW, path("0301" + AS)),
    row("AS_CONFED_SET from outside", WITHDRAW, path("0401" + AS)),
    row("a path that begins with another AS", WITHDRAW, path("02010000fdec")),
    row("an AS_SET in the path", WITHDRAW, path("0201" + AS + "01010000fdec")),
    row("our own AS in the path", WITHDRAW, path("0202" + AS + "0000fde9")),
    row("NEXT_HOP of three octets", WITHDRAW, {bgp.NEXT_HOP: attr(3, "0a6300")}),
    row("NEXT_HOP of sixteen octets", WITHDRAW, {bgp.NEXT_HOP: attr(3, "0a630003" * 4)}),
    row("NEXT_HOP 0.0.0.1", WITHDRAW, hop("0.0.0.1")),
    row("NEXT_HOP 127.0.0.1", WITHDRAW, hop("127.0.0.1")),
    row("NEXT_HOP of class D", WITHDRAW, hop("224.0.0.5")),
    row("NEXT_HOP of class E", WITHDRAW, hop("240.0.0.1")),
    row("NEXT_HOP that is ours", WITHDRAW, hop(DUT)),
    row("NEXT_HOP on no link of ours", WITHDRAW, hop("192.0.2.77")),
    row("MED of three octets", WITHDRAW, extra=[attr(bgp.MED, "000001")]),
    row("MED of five octets", WITHDRAW, extra=[attr(bgp.MED, "0000000001")]),
    row("LOCAL_PREF from another AS", DISCARD, extra=[bgp.local_pref(500)],
        lacks=(bgp.LOCAL_PREF,)),
    row("malformed LOCAL_PREF from another AS", DISCARD, extra=[attr(bgp.LOCAL_PREF, "01")],
        lacks=(bgp.LOCAL_PREF,)),
    row("LOCAL_PREF of three octets inside the AS", WITHDRAW,
        {bgp.LOCAL_PREF: attr(bgp.LOCAL_PREF, "000001")}, sender=IBGP),
    row("ATOMIC_AGGREGATE with an octet", DISCARD, extra=[attr(bgp.ATOMIC, "00")],
        lacks=(bgp.ATOMIC,)),
    row("AGGREGATOR of six octets", DISCARD, extra=[attr(bgp.AGGREGATOR, "fdeb0a630003")],
        lacks=(bgp.AGGREGATOR,)),
    row("AGGREGATOR of eight octets from a 2-octet speaker", DISCARD, sender=TWO,
        extra=[attr(bgp.AGGREGATOR, "0000fded0a630002")], lacks=(bgp.AGGREGATOR,)),
    row("AGGREGATOR with AS 0", DISCARD, extra=[attr(bgp.AGGREGATOR, "000000000a630003")],
        lacks=(bgp.AGGREGATOR,)),
    row("COMMUNITIES of no octets", WITHDRAW, {bgp.COMMUNITIES: attr(bgp.COMMUNITIES, "")}),
    row("COMMUNITIES of six octets", WITHDRAW,
        {bgp.COMMUNITIES: attr(bgp.COMMUNITIES, "fdeb00070000")}),
    row("EXTENDED COMMUNITIES of no octets", WITHDRAW, extra=[attr(bgp.EXT_COMMUNITIES, "")]),
    row("EXTENDED COMMUNITIES of twelve octets", WITHDRAW,
        extra=[attr(bgp.EXT_COMMUNITIES, "0002fde80000000100000000")]),
    row("an unknown extended community", ACCEPT,
        extra=[attr(bgp.EXT_COMMUNITIES, "3fee000000000001")],
        holds={bgp.EXT_COMMUNITIES: bytes.fromhex("3fee000000000001")}),
    row("IPv6 EXTENDED COMMUNITIES of no octets", WITHDRAW, extra=[attr(EXT6, "", 0xC0)]),
    row("IPv6 EXTENDED COMMUNITIES of eight octets", WITHDRAW,
        extra=[attr(EXT6, "0002fde800000001", 0xC0)]),
    row("LARGE COMMUNITY of no octets", WITHDRAW, extra=[attr(bgp.LARGE_COMMUNITIES, "")]),
    row("LARGE COMMUNITY of eight octets", WITHDRAW,
        extra=[attr(bgp.LARGE_COMMUNITIES, "0000fde900000001")]),
    row("ORIGINATOR_ID from another AS", DISCARD, extra=[attr(bgp.ORIGINATOR, "01020304")],
        lacks=(bgp.ORIGINATOR,)),
    row("malformed ORIGINATOR_ID from another AS", DISCARD, extra=[attr(bgp.ORIGINATOR, "01")],
        lacks=(bgp.ORIGINATOR,)),
    row("ORIGINATOR_ID of three octets inside the AS", WITHDRAW, sender=IBGP,
        extra=[attr(bgp.ORIGINATOR, "010203")]),
    row("CLUSTER_LIST from another AS", DISCARD, extra=[attr(bgp.CLUSTER_LIST, "01020304")],
        lacks=(bgp.CLUSTER_LIST,)),
    row("CLUSTER_LIST of no octets inside the AS", WITHDRAW, sender=IBGP,
        extra=[attr(bgp.CLUSTER_LIST, "")]),
    row("CLUSTER_LIST of six octets inside the AS", WITHDRAW, sender=IBGP,
        extra=[attr(bgp.CLUSTER_LIST, "010203040000")]),
    row6("MP_REACH_NLRI of four octets", RESET, [attr(bgp.MP_REACH, "00020100")],
         (3, 9, bytes.fromhex("800e0400020100"))),
    row6("an IPv6 next hop of four octets", RESET, [reach6(hop=b"\x04\x0a\x63\0\3")], (3, 9, None)),
    row6("an IPv6 next hop of 24 octets", RESET, [reach6(hop=b"\x18" + b"\xfd" * 24)],
         (3, 9, None)),
    row6("an IPv6 next hop past the attribute", RESET, [attr(bgp.MP_REACH, "000201100020")],
         (3, 9, None)),
    row6("an IPv6 prefix of 129 bits", RESET, [reach6(prefix=b"\x81" + b"\xfd" * 17)],
         (3, 9, None)),
    row6("an IPv6 prefix cut short", RESET, [reach6(prefix=b"\x30\x20\1")], (3, 9, None)),
    row6("MP_UNREACH_NLRI of two octets", RESET, [attr(bgp.MP_UNREACH, "0002")],
         (3, 9, bytes.fromhex("800f020002"))),
    row6("a withdrawn IPv6 prefix of 129 bits", RESET, [unreach6(b"\x81" + b"\xfd" * 17)],
         (3, 9, None)),
    row6("a withdrawn IPv6 prefix cut short", RESET, [unreach6(b"\x30\x20\1")], (3, 9, None)),
    row("AS4_PATH from a 4-octet speaker", DISCARD, extra=[attr(bgp.AS4_PATH, "0201" + AS)],
        lacks=(bgp.AS4_PATH,)),
    row("AS4_AGGREGATOR from a 4-octet speaker", DISCARD,
        extra=[attr(bgp.AS4_AGGREGATOR, AS + "0a630003")], lacks=(bgp.AS4_AGGREGATOR,)),
    row("malformed AS4_PATH from a 2-octet speaker", DISCARD, sender=TWO,
        extra=[attr(bgp.AS4_PATH, "02010000fd")], lacks=(bgp.AS4_PATH,)),
    row("malformed AS4_AGGREGATOR from a 2-octet speaker", DISCARD, sender=TWO,
        extra=[attr(bgp.AS4_AGGREGATOR, "fded0a630002")], lacks=(bgp.AS4_AGGREGATOR,)),
    row("AIGP on a session without it", ACCEPT, extra=[attr(AIGP, "01000b0000000000000001", 0x80)],
        lacks=(AIGP,)),
    row("malformed AIGP on a session without it", ACCEPT, extra=[attr(AIGP, "01", 0x80)],
        lacks=(AIGP,)),
    row("OTC of three octets", WITHDRAW, extra=[attr(OTC, "0000fd", 0xC0)]),
    row("PREFIX_SID that makes no sense to anybody", ACCEPT,
        extra=[attr(PREFIX_SID, "ffffff", 0xC0)], holds={PREFIX_SID: b"\xff\xff\xff"}),
    row("an unknown optional transitive attribute", ACCEPT,
        extra=[attr(UNKNOWN, "0102030405", 0xC0)], holds={UNKNOWN: bytes.fromhex("0102030405")}),
    row("an unknown optional transitive attribute of 300 octets", ACCEPT,
        extra=[attr(UNKNOWN, "aa" * 300, 0xC0)], holds={UNKNOWN: b"\xaa" * 300}),
    row("an unknown optional non-transitive attribute", ACCEPT,
        extra=[attr(UNKNOWN, "0102", 0x80)], lacks=(UNKNOWN,)),
]

UPDATE_ROWS = MESSAGE_ROWS + ATTRIBUTE_ROWS + VALUE_ROWS

# --- RFC 4271 6.1 and 6.2, RFC 6608 -------------------------------------------

Answer = collections.namedtuple("Answer", "name sender stage message notify")
"""stage: how far the session is when the message is sent: connected, opened (OPEN said, its
KEEPALIVE not yet), established. notify None: closed without a word."""

CONNECTED, OPENED, ESTABLISHED = "connected", "opened", "established"
ROLE = Sender("with a role", 65006, "10.99.0.5", "fd99::5", True, False)
CAPS = [bgp.cap_as4(65003)]


def opening(asn=65003, hold=90, router_id="10.99.0.3", caps=None, **more):
    return bgp.open_message(asn, hold, router_id, CAPS if caps is None else caps, **more)


def raw_open(parameters, length=None):
    body = struct.pack("!BHH", 4, 65003, 90) + bytes((10, 99, 0, 3))
    body += bytes((len(parameters) if length is None else length,)) + parameters
    return bgp.message(bgp.OPEN, body)


def headers(stage):
    """Every header error, while a session opens and when it stands."""
    def length(word):
        return 1, 2, struct.pack("!H", word)

    return [Answer(name + " (%s)" % stage, EBGP, stage, message, notify) for name, message, notify in (
        ("a marker with a zero", bgp.message(4, marker=b"\xff" * 15 + b"\xfe"), (1, 1, b"")),
        ("a length of 18", bgp.message(bgp.KEEPALIVE, length=18), length(18)),
        ("a length of 4097", bgp.message(bgp.OPEN, b"\0" * 4078), length(4097)),
        ("OPEN of 28 octets", bgp.message(bgp.OPEN, b"\4" + b"\0" * 8), length(28)),
        ("UPDATE of 22 octets", bgp.message(bgp.UPDATE, b"\0\0\0"), length(22)),
        ("NOTIFICATION of 20 octets", bgp.message(bgp.NOTIFICATION, b"\6"), length(20)),
        ("KEEPALIVE of 20 octets", bgp.message(bgp.KEEPALIVE, b"x"), length(20)),
        ("message type 0", bgp.message(0), (1, 3, b"\0")),
        ("message type 9", bgp.message(9), (1, 3, b"\x09")))]


OPEN_ROWS = [Answer(name, EBGP, CONNECTED, message, notify) for name, message, notify in (
    ("version 3", opening(version=3), (2, 1, b"\0\4")),
    ("version 5", opening(version=5), (2, 1, b"\0\4")),
    ("another AS", opening(65009, caps=[bgp.cap_as4(65009)]), (2, 2, b"")),
    ("AS 0", opening(0, caps=[]), (2, 2, b"")),
    ("AS 0 in the capability", opening(caps=[bgp.cap_as4(0)]), (2, 2, b"")),
    ("BGP identifier 0", opening(router_id="0.0.0.0"), (2, 3, b"")),
    ("an unknown optional parameter", raw_open(b"\1\2ab"), (2, 4, b"")),
    ("hold time 1", opening(hold=1), (2, 6, b"")),
    ("hold time 2", opening(hold=2), (2, 6, b"")),
    ("a hold time below our minimum", opening(hold=5), (2, 6, b"")),
    ("a parameter past the message", raw_open(b"\2\x20\2\0"), (2, 0, b"")),
    ("parameters past the message", raw_open(b"\2\2\2\0", length=9), (2, 0, b"")),
    ("a capability past its parameter", raw_open(b"\2\6\x41\x08\0\0\xfd\xeb"), (2, 0, b"")),
    ("an AS4 capability of three octets", raw_open(b"\2\5\x41\3\0\xfd\xeb"), (2, 0, b"")),
    ("no family of ours", opening(caps=CAPS + [bgp.cap_family(1, 128)]),
     (2, 7, bytes.fromhex("010400010001" "010400020001"))),
)] + [
    Answer("our own BGP identifier inside the AS", IBGP, CONNECTED,
           opening(OWN_AS, router_id=DUT, caps=[bgp.cap_as4(OWN_AS)]), (2, 3, b"")),
    Answer("a role that does not fit ours", ROLE, CONNECTED,
           opening(65006, caps=[bgp.cap_as4(65006), bgp.capability(9, b"\3")]), (2, 11, b"")),
]

SOUND_UPDATE = raw_update(b"", b"".join(parts(EBGP)), bgp.prefix_bytes(VICTIM))

FSM_ROWS = [
    Answer("KEEPALIVE before OPEN", EBGP, CONNECTED, bgp.keepalive(), (5, 1, b"")),
    Answer("UPDATE before OPEN", EBGP, CONNECTED, SOUND_UPDATE, (5, 1, b"")),
    Answer("ROUTE-REFRESH before OPEN", EBGP, CONNECTED, bgp.route_refresh(), (5, 1, b"")),
    Answer("NOTIFICATION before OPEN", EBGP, CONNECTED, bgp.notification(6, 2), None),
    Answer("OPEN instead of KEEPALIVE", EBGP, OPENED, opening(), (5, 2, b"")),
    Answer("UPDATE instead of KEEPALIVE", EBGP, OPENED, SOUND_UPDATE, (5, 2, b"")),
    Answer("ROUTE-REFRESH instead of KEEPALIVE", EBGP, OPENED, bgp.route_refresh(), (5, 2, b"")),
    Answer("a second OPEN", EBGP, ESTABLISHED, opening(), (5, 3, b"")),
    Answer("NOTIFICATION with an unknown code", EBGP, ESTABLISHED, bgp.notification(99, 77, b"x"),
           None),
    Answer("ROUTE-REFRESH of five octets", EBGP, ESTABLISHED,
           bgp.message(bgp.ROUTE_REFRESH, b"\0\1\1\1\x2a"),
           (7, 1, bgp.message(bgp.ROUTE_REFRESH, b"\0\1\1\1\x2a"))),
    Answer("ROUTE-REFRESH of three octets", EBGP, ESTABLISHED,
           bgp.message(bgp.ROUTE_REFRESH, b"\0\1\0"),
           (7, 1, bgp.message(bgp.ROUTE_REFRESH, b"\0\1\0"))),
]

ANSWERS = headers(CONNECTED) + headers(ESTABLISHED) + OPEN_ROWS + FSM_ROWS
