"""Limits over live sessions: paths, attributes and communities too long or too
many, a neighbour that floods, one that connects again and again, and how much
of that the log repeats. A watcher stands beside each."""

import socket
import threading
import time

import netlab
import speaker as bgp
import wrong_messages
import wrong_rows as rows
from base import Failed, check
from wrong_messages import Wrong, announce_sound, is_gone, marked, told
from wrong_rows import GOOD, VICTIM

PATH_MAX, UNKNOWN_MAX = 1000, 32
FLOOD_S, DELAY_S = 4.0, 2.0
STRANGER = "10.99.0.77"


def log_lines(case, *words):
    with open(case.dut.process.log_path, encoding="utf-8", errors="replace") as file:
        return sum(all(word in line for word in words) for line in file)


# --- one route ------------------------------------------------------------------


def say(session, change=None, extra=()):
    attributes = b"".join(rows.parts(rows.EBGP, change) + list(extra))
    session.send(rows.raw_update(b"", attributes, bgp.prefix_bytes(VICTIM)))


def path_of(count):
    return {bgp.AS_PATH: bgp.as_path([65003] * count)}


def unknown(count):
    return [bgp.attribute(100 + i, bytes((i,)), 0xC0) for i in range(count)]


def communities(count):
    return {bgp.COMMUNITIES: bgp.communities(["65003:%d" % i for i in range(count)])}


def path_length(case, session):
    say(session, path_of(PATH_MAX))
    case.sees(VICTIM, lambda r: r and len(r.as_path.split()) == PATH_MAX + 1, "the longest path")
    say(session, path_of(PATH_MAX + 1))
    case.sees(VICTIM, is_gone, "a longer path")


def attribute_count(case, session):
    say(session, extra=unknown(UNKNOWN_MAX))
    case.sees(VICTIM, lambda r: r and sum(kind >= 100 for kind in r.raw) == UNKNOWN_MAX,
              "as many attributes as are kept")
    say(session, extra=unknown(UNKNOWN_MAX + 1))
    case.sees(VICTIM, is_gone, "one attribute more")


def attribute_size(case, session):
    """4096 octets are full before our AS comes in front: not for this neighbour, then."""
    used = 19 + 4 + len(b"".join(rows.parts(rows.EBGP))) + 4 + len(bgp.prefix_bytes(VICTIM))
    say(session, extra=[bgp.attribute(99, b"x" * (4096 - used), 0xC0)])
    case.sees(VICTIM, is_gone, "a route too long to be passed on")
    check(log_lines(case, "10.98.0.3", "do not fit a message of 4096 octets"), "nothing is logged")


def many_communities(case, session):
    say(session, communities(1000))
    case.sees(VICTIM, lambda r: r and len(r.communities) == 1000, "1000 communities")


def too_many_communities(case, session):
    say(session, communities(16000))
    netlab.wait_for("the route", lambda: len(case.dut.json("show bgp ipv4 unicast " + VICTIM)
                                             ["paths"][0]["community"]["list"]) == 16000, 10, 0.1)
    case.sees(VICTIM, is_gone, "a route too long to be passed on")


SIZES = (path_length, attribute_count, attribute_size, many_communities, too_many_communities)


def sizes(case):
    failures = []
    session = case.speaker(rows.EBGP, more=[bgp.capability(6)])
    for size in SIZES:
        try:
            announce_sound(case, session, rows.EBGP, "65003:1")
            size(case, session)
            check(case.watcher.route(GOOD) is not None, "another prefix fell")
            announce_sound(case, session, rows.EBGP, "65003:2")
            check(not session.closed.is_set(), "the session fell: %s" % session.notifications)
            case.check_watcher()
        except (Failed, netlab.LabError, OSError) as error:
            failures.append("%s: %s" % (size.__name__, error))
    session.close()
    return told(failures, len(SIZES))


# --- one neighbour too many -------------------------------------------------------


def flood(case):
    """What a second neighbour says arrives in time, however much the first one says."""
    block = b"".join(bgp.announce(["10.%d.%d.0/24" % (i >> 8, i & 255)], [65003], "10.99.0.3")
                     + bgp.withdraw(["10.%d.%d.0/24" % (i >> 8, i & 255)]) for i in range(4096))
    loud = case.speaker(rows.EBGP)
    quiet = case.speaker(rows.TWO)
    end = time.monotonic() + FLOOD_S
    sent = [0]

    def talk():
        while time.monotonic() < end:
            loud.send(block)
            sent[0] += 8192

    talker = threading.Thread(target=talk)
    talker.start()
    slowest, count = 0.0, 0
    try:
        while time.monotonic() < end:
            word = "65005:%d" % (count % 1000)
            change = {bgp.COMMUNITIES: bgp.communities([word])}
            begin = time.monotonic()
            quiet.send(rows.raw_update(b"", b"".join(rows.parts(rows.TWO, change)),
                                       bgp.prefix_bytes(GOOD)))
            case.sees(GOOD, marked(word), "amid the flood")
            slowest = max(slowest, time.monotonic() - begin)
            count += 1
    finally:
        talker.join()
        loud.close()
        quiet.close()
    check(slowest < DELAY_S, "a route took %.1f s" % slowest)
    return "%d messages, %d routes beside them, slowest %.0f ms" % (
        sent[0], count, slowest * 1000)


def knock(case, address, count):
    """Connects count times as fast as it goes; gives how often each answer came."""
    sockets = []
    for _ in range(count):
        sock = case.wire.peer.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.bind((address, 0))
        try:
            sock.connect((rows.DUT, 179))
        except OSError:
            sock.close()
            continue
        sockets.append(sock)
    counts = {"OPEN": 0, "NOTIFICATION": 0, "nothing": 0}
    for sock in sockets:
        try:
            data = sock.recv(4096)
        except OSError:
            data = b""
        kind = data[18] if len(data) > 18 else None
        counts["OPEN" if kind == bgp.OPEN else "NOTIFICATION" if kind == bgp.NOTIFICATION
               else "nothing"] += 1
        sock.close()
    return counts


def knocking(case):
    case.wire.peer.ip("addr add %s/24 dev eth0" % STRANGER)
    counts = knock(case, STRANGER, 200)
    check(counts["OPEN"] == 0, "a stranger is spoken to: %s" % counts)
    check(1 <= counts["NOTIFICATION"] <= 10, "a stranger hears %s" % counts)
    check(1 <= log_lines(case, STRANGER) <= 10, "%d lines" % log_lines(case, STRANGER))
    begin = time.monotonic()
    counts = knock(case, rows.EBGP.address, 100)
    seconds = int(time.monotonic() - begin) + 1
    check(counts["OPEN"] <= 16 * seconds, "a neighbor opens too often: %s" % counts)
    time.sleep(1.1)  # the second in which no more are taken
    session = case.speaker(rows.EBGP)
    announce_sound(case, session, rows.EBGP, "65003:2")
    session.close()
    return "300 connections"


def repeating(case):
    session = case.speaker(rows.EBGP)
    wrong = b"".join(row.message for row in rows.VALUE_ROWS
                     if row.sender is rows.EBGP and row.treatment == rows.WITHDRAW)
    begin = time.monotonic()
    for _ in range(100):
        session.send(wrong)
    announce_sound(case, session, rows.EBGP, "65003:2")
    windows = int((time.monotonic() - begin) / 10) + 1
    lines = log_lines(case, "10.99.0.3", "UPDATE: ")
    check(1 <= lines <= 4 * windows, "%d lines about wrong updates" % lines)
    session.close()
    for _ in range(60):
        session = case.speaker(rows.EBGP, wrong_messages.CONNECTED)
        session.send(bgp.message(9))
        case.expect(session, (1, 3, b"\x09"))
        session.close()
    minutes = int((time.monotonic() - begin) / 60) + 1
    lines = log_lines(case, "10.99.0.3", "NOTIFICATION 1/3")
    check(1 <= lines <= 20 * minutes, "%d lines about one neighbor" % lines)
    return "%d lines for 60 sessions" % lines


def cases(make_dut):
    if not hasattr(make_dut, "forgive"):
        return []
    return [
        Wrong(make_dut, "limits of one route", sizes),
        Wrong(make_dut, "limits: a flood beside a quiet neighbor", flood),
        Wrong(make_dut, "limits: connections of one source", knocking),
        Wrong(make_dut, "limits: lines about one neighbor", repeating),
    ]
