"""A small BGP speaker for tests: builds any message, also wrong ones.

It keeps no table but what it hears, never retries and never reacts by itself
except with keepalives; a test decides everything else. Both roles, IPv4 and
IPv6, 4-octet AS. As a program it runs a script (see --help).
"""

import argparse
import ipaddress
import select
import shlex
import socket
import struct
import sys
import threading
import time

MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH = 1, 2, 3, 4, 5

ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC, AGGREGATOR, COMMUNITIES = range(1, 9)
ORIGINATOR, CLUSTER_LIST = 9, 10
MP_REACH, MP_UNREACH, EXT_COMMUNITIES, AS4_PATH, AS4_AGGREGATOR = range(14, 19)
LARGE_COMMUNITIES = 32

IPV4, IPV6, UNICAST = 1, 2, 1
FLAGS = {
    ORIGIN: 0x40, AS_PATH: 0x40, NEXT_HOP: 0x40, MED: 0x80, LOCAL_PREF: 0x40, ATOMIC: 0x40,
    AGGREGATOR: 0xC0, COMMUNITIES: 0xC0, ORIGINATOR: 0x80, CLUSTER_LIST: 0x80, MP_REACH: 0x80,
    MP_UNREACH: 0x80, EXT_COMMUNITIES: 0xC0, AS4_PATH: 0xC0, AS4_AGGREGATOR: 0xC0,
    LARGE_COMMUNITIES: 0xC0,
}
ORIGINS = ("igp", "egp", "incomplete")
AS_TRANS = 23456


# --- building ----------------------------------------------------------------


def message(kind, body=b"", marker=MARKER, length=None):
    """Any message; length lies when given."""
    return marker + struct.pack("!HB", 19 + len(body) if length is None else length, kind) + body


def keepalive():
    return message(KEEPALIVE)


def notification(code, subcode, data=b""):
    return message(NOTIFICATION, bytes((code, subcode)) + data)


def route_refresh(afi=IPV4, safi=UNICAST, subtype=0):
    return message(ROUTE_REFRESH, struct.pack("!HBB", afi, subtype, safi))


def capability(code, data=b""):
    return bytes((code, len(data))) + data


def cap_family(afi, safi=UNICAST):
    return capability(1, struct.pack("!HBB", afi, 0, safi))


def cap_as4(asn):
    return capability(65, struct.pack("!I", asn))


def default_capabilities(asn, families=((IPV4, UNICAST),)):
    caps = [cap_family(afi, safi) for afi, safi in families]
    return caps + [capability(2), cap_as4(asn)]


def open_message(asn, hold_s, router_id, capabilities=(), version=4):
    parameters = b"".join(bytes((2, len(cap))) + cap for cap in capabilities)
    wire_asn = asn if asn <= 0xFFFF else AS_TRANS
    body = struct.pack("!BHH", version, wire_asn, hold_s) + socket.inet_aton(router_id)
    return message(OPEN, body + bytes((len(parameters),)) + parameters)


def attribute(kind, value, flags=None):
    """One path attribute; the extended length is set where the value needs it."""
    flags = FLAGS.get(kind, 0xC0) if flags is None else flags
    if len(value) > 255 or flags & 0x10:
        return struct.pack("!BBH", flags | 0x10, kind, len(value)) + value
    return struct.pack("!BBB", flags, kind, len(value)) + value


def origin(word="igp"):
    return attribute(ORIGIN, bytes((ORIGINS.index(word),)))


def as_path(asns, sets=(), as4=True):
    """A sequence, then a set when given. An empty path has no segment."""
    wide = "!I" if as4 else "!H"
    value = b""
    for start in range(0, len(asns), 255):
        part = asns[start : start + 255]
        value += bytes((2, len(part))) + b"".join(struct.pack(wide, asn) for asn in part)
    if sets:
        value += bytes((1, len(sets))) + b"".join(struct.pack(wide, asn) for asn in sets)
    return attribute(AS_PATH, value)


def next_hop(address):
    return attribute(NEXT_HOP, ipaddress.ip_address(address).packed)


def med(value):
    return attribute(MED, struct.pack("!I", value))


def local_pref(value):
    return attribute(LOCAL_PREF, struct.pack("!I", value))


def atomic_aggregate():
    return attribute(ATOMIC, b"")


def aggregator(asn, address, as4=True):
    return attribute(AGGREGATOR, struct.pack("!I" if as4 else "!H", asn) + socket.inet_aton(address))


def communities(words):
    """Words as "65001:100"."""
    value = b""
    for word in words:
        high, low = (int(part) for part in word.split(":"))
        value += struct.pack("!HH", high, low)
    return attribute(COMMUNITIES, value)


def large_communities(words):
    value = b"".join(struct.pack("!III", *(int(part) for part in word.split(":"))) for word in words)
    return attribute(LARGE_COMMUNITIES, value)


def ext_communities(words):
    """Words as "rt:65001:300" or "soo:65001:300" (2-octet AS)."""
    value = b""
    for word in words:
        kind, asn, number = word.split(":")
        value += struct.pack("!BBHI", 0, {"rt": 2, "soo": 3}[kind], int(asn), int(number))
    return attribute(EXT_COMMUNITIES, value)


def prefix_bytes(prefix, path_id=None):
    network = ipaddress.ip_network(prefix)
    head = b"" if path_id is None else struct.pack("!I", path_id)
    used = (network.prefixlen + 7) // 8
    return head + bytes((network.prefixlen,)) + network.network_address.packed[:used]


def mp_reach(next_hop_address, prefixes, afi=IPV6, safi=UNICAST, link_local=None):
    hop = ipaddress.ip_address(next_hop_address).packed
    if link_local:
        hop += ipaddress.ip_address(link_local).packed
    value = struct.pack("!HBB", afi, safi, len(hop)) + hop + b"\x00"
    return attribute(MP_REACH, value + b"".join(prefix_bytes(prefix) for prefix in prefixes))


def mp_unreach(prefixes, afi=IPV6, safi=UNICAST):
    value = struct.pack("!HB", afi, safi) + b"".join(prefix_bytes(prefix) for prefix in prefixes)
    return attribute(MP_UNREACH, value)


def update(attributes=(), nlri=(), withdrawn=(), attribute_length=None):
    """An UPDATE; the attribute length lies when given."""
    gone = b"".join(prefix_bytes(prefix) for prefix in withdrawn)
    attrs = b"".join(attributes)
    length = len(attrs) if attribute_length is None else attribute_length
    body = struct.pack("!H", len(gone)) + gone + struct.pack("!H", length) + attrs
    return message(UPDATE, body + b"".join(prefix_bytes(prefix) for prefix in nlri))


def end_of_rib(afi=IPV4, safi=UNICAST):
    if (afi, safi) == (IPV4, UNICAST):
        return update()
    return update([attribute(MP_UNREACH, struct.pack("!HB", afi, safi))])


def announce(prefixes, asns, hop, extra=(), word="igp"):
    """An announcement in the family of the prefixes."""
    head = [origin(word), as_path(asns)]
    if ipaddress.ip_network(prefixes[0]).version == 4:
        return update(head + [next_hop(hop)] + list(extra), prefixes)
    return update([mp_reach(hop, prefixes)] + head + list(extra))


def withdraw(prefixes):
    if ipaddress.ip_network(prefixes[0]).version == 4:
        return update(withdrawn=prefixes)
    return update([mp_unreach(prefixes)])


# --- reading -----------------------------------------------------------------


class Malformed(Exception):
    """What the other side sent is not what the RFCs allow."""


def read_prefixes(data, afi):
    return [prefix for prefix, _number in read_paths(data, afi, False)]


def read_paths(data, afi, has_ids):
    """[(prefix, path identifier or None)]"""
    size = 4 if afi == IPV4 else 16
    found = []
    offset = 0
    while offset < len(data):
        number = None
        if has_ids:
            if offset + 4 >= len(data):
                raise Malformed("path identifier cut")
            (number,) = struct.unpack_from("!I", data, offset)
            offset += 4
        bits = data[offset]
        used = (bits + 7) // 8
        if bits > size * 8 or offset + 1 + used > len(data):
            raise Malformed("prefix of %d bits" % bits)
        raw = data[offset + 1 : offset + 1 + used] + bytes(size - used)
        found.append((str(ipaddress.ip_network((raw, bits), strict=False)), number))
        offset += 1 + used
    return found


def read_attributes(data):
    """[(flags, kind, value)]"""
    found = []
    offset = 0
    while offset < len(data):
        if offset + 3 > len(data):
            raise Malformed("attribute header cut")
        flags, kind = data[offset], data[offset + 1]
        if flags & 0x10:
            (length,) = struct.unpack_from("!H", data, offset + 2)
            offset += 4
        else:
            length = data[offset + 2]
            offset += 3
        if offset + length > len(data):
            raise Malformed("attribute %d runs past the message" % kind)
        found.append((flags, kind, data[offset : offset + length]))
        offset += length
    return found


def read_as_path(value, as4=True):
    """Words: numbers, and {a,b} for a set."""
    words = []
    size = 4 if as4 else 2
    offset = 0
    while offset < len(value):
        kind, count = value[offset], value[offset + 1]
        offset += 2
        asns = [
            str(int.from_bytes(value[offset + i * size : offset + (i + 1) * size], "big"))
            for i in range(count)
        ]
        offset += count * size
        if offset > len(value):
            raise Malformed("AS path segment runs past its attribute")
        words += ["{%s}" % ",".join(asns)] if kind == 1 else asns
    return words


class Route:
    """Attributes of one announcement in words a test can compare."""

    def __init__(self, attributes, as4=True):
        self.raw = {kind: value for _flags, kind, value in attributes}
        self.flags = {kind: flags for flags, kind, _value in attributes}
        raw = self.raw
        self.origin = ORIGINS[raw[ORIGIN][0]] if ORIGIN in raw else None
        self.as_path = " ".join(read_as_path(raw[AS_PATH], as4)) if AS_PATH in raw else None
        self.next_hop = None
        if NEXT_HOP in raw:
            self.next_hop = str(ipaddress.ip_address(raw[NEXT_HOP]))
        self.med = int.from_bytes(raw[MED], "big") if MED in raw else None
        self.atomic = ATOMIC in raw
        self.aggregator = self._aggregator(raw.get(AGGREGATOR), as4)
        self.communities = self._words(raw.get(COMMUNITIES, b""), "!HH")
        self.large = self._words(raw.get(LARGE_COMMUNITIES, b""), "!III")
        self.ext = self.read_ext(raw.get(EXT_COMMUNITIES, b""))

    @staticmethod
    def _aggregator(value, as4):
        if value is None:
            return None
        size = 4 if as4 else 2
        return "%d %s" % (int.from_bytes(value[:size], "big"), socket.inet_ntoa(value[size : size + 4]))

    @staticmethod
    def _words(value, form):
        return {":".join(str(part) for part in item) for item in struct.iter_unpack(form, value)}

    @staticmethod
    def read_ext(value):
        names = {2: "rt", 3: "soo"}
        words = set()
        for kind, subkind, high, low in struct.iter_unpack("!BBHI", value):
            if kind == 0 and subkind in names:
                words.add("%s:%d:%d" % (names[subkind], high, low))
            else:
                words.add("%02x%02x:%d:%d" % (kind, subkind, high, low))
        return words


def read_update(body, as4=True):
    """(announced {prefix: Route}, withdrawn [prefix], end-of-rib family or None)"""
    (gone_length,) = struct.unpack_from("!H", body, 0)
    gone = read_prefixes(body[2 : 2 + gone_length], IPV4)
    (attr_length,) = struct.unpack_from("!H", body, 2 + gone_length)
    start = 4 + gone_length
    attributes = read_attributes(body[start : start + attr_length])
    nlri = read_prefixes(body[start + attr_length :], IPV4)
    route = Route(attributes, as4)
    announced = {prefix: route for prefix in nlri}
    if MP_REACH in route.raw:
        value = route.raw[MP_REACH]
        afi, _safi, hop_length = struct.unpack_from("!HBB", value)
        hop = value[4 : 4 + hop_length]
        if hop_length >= 16 and afi == IPV6:
            route.next_hop = str(ipaddress.ip_address(hop[:16]))
        for prefix in read_prefixes(value[5 + hop_length :], afi):
            announced[prefix] = route
    if MP_UNREACH in route.raw:
        value = route.raw[MP_UNREACH]
        afi, safi = struct.unpack_from("!HB", value)
        gone += read_prefixes(value[3:], afi)
        if len(value) == 3:
            return announced, gone, (afi, safi)
    if len(body) == 4:
        return announced, gone, (IPV4, UNICAST)
    return announced, gone, None


def read_open(body):
    version, asn, hold_s = struct.unpack_from("!BHH", body)
    router_id = socket.inet_ntoa(body[5:9])
    capabilities = []
    offset, end = 10, 10 + body[9]
    while offset + 2 <= end:
        kind, length = body[offset], body[offset + 1]
        inner = body[offset + 2 : offset + 2 + length]
        offset += 2 + length
        while kind == 2 and len(inner) >= 2:
            capabilities.append((inner[0], inner[2 : 2 + inner[1]]))
            inner = inner[2 + inner[1] :]
    for code, data in capabilities:
        if code == 65 and len(data) == 4:
            asn = int.from_bytes(data, "big")
    return {"version": version, "asn": asn, "hold_s": hold_s, "router_id": router_id,
            "capabilities": capabilities}


# --- a session ---------------------------------------------------------------


class Speaker:
    """One session on one connection.

    Give it a socket maker when the session has to live in a namespace. After
    start() a thread of its own reads, answers with keepalives and keeps what
    it heard: routes, withdrawals counted, notifications, the peer's OPEN.
    """

    def __init__(self, asn, router_id, hold_s=90, families=((IPV4, UNICAST),), capabilities=None,
                 make_socket=socket.socket):
        self.asn = asn
        self.router_id = router_id
        self.hold_s = hold_s
        self.capabilities = (
            default_capabilities(asn, families) if capabilities is None else capabilities
        )
        self.make_socket = make_socket
        self.socket = None
        self.peer_open = None
        self.says_open = True
        self.answers_open = True  # with KEEPALIVE
        self.is_silent = False  # no KEEPALIVE of our own
        self.reads = True
        self.refreshes = []  # (afi, subtype)
        self.established = threading.Event()
        self.closed = threading.Event()
        self.routes = {}
        self.ends_of_rib = []
        self.notifications = []
        self.messages = []
        self.update_count = 0
        self.problem = None
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._thread = None

    # --- connecting

    def connect(self, local, remote, port=179, timeout_s=20.0, password=None):
        """Opens the connection, trying again until the peer listens."""
        deadline = time.monotonic() + timeout_s
        while True:
            sock = self._socket(local)
            try:
                if password:
                    set_md5(sock, remote, password)
                sock.bind((local, 0))
                sock.settimeout(3)
                sock.connect((remote, port))
                break
            except OSError:
                sock.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self.socket = sock
        return self

    def listen(self, local, port=179, timeout_s=20.0):
        """Waits for the peer to open the connection."""
        server = self._socket(local)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((local, port))
        server.listen(1)
        server.settimeout(timeout_s)
        try:
            self.socket, _peer = server.accept()
        finally:
            server.close()
        return self

    def _socket(self, local):
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        return self.make_socket(family, socket.SOCK_STREAM)

    # --- talking

    def start(self, say_open=True):
        """Sends OPEN and lets the session run in the background."""
        self.socket.settimeout(None)
        self.says_open = say_open
        if say_open:
            self.send(open_message(self.asn, self.hold_s, self.router_id, self.capabilities))
        self._thread = threading.Thread(target=self._read_all, daemon=True)
        self._thread.start()
        return self

    def send(self, data, timeout_s=30.0):
        """Sends everything, however slowly the peer reads (bounded)."""
        view = memoryview(data)
        deadline = time.monotonic() + timeout_s
        with self._send_lock:
            while view:
                _r, writable, _x = select.select([], [self.socket], [], 1.0)
                if not writable:
                    if time.monotonic() > deadline or self.closed.is_set():
                        raise OSError("the peer does not read")
                    continue
                sent = self.socket.send(view[:65536], socket.MSG_DONTWAIT)
                view = view[sent:]

    def wait_established(self, timeout_s=20.0):
        return self.established.wait(timeout_s)

    def wait_closed(self, timeout_s=20.0):
        return self.closed.wait(timeout_s)

    def wait(self, claim, timeout_s=20.0):
        """Waits until claim(self) is true; gives whether it became so."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if claim(self):
                return True
            time.sleep(0.02)
        return bool(claim(self))

    def route(self, prefix):
        with self._lock:
            return self.routes.get(prefix)

    def prefixes(self):
        with self._lock:
            return set(self.routes)

    def close(self):
        if self.socket:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.socket.close()
        if self._thread:
            self._thread.join(5)

    # --- listening

    def _read_all(self):
        try:
            last = time.monotonic()
            keepalive_s = max(1.0, self.hold_s / 3) if self.hold_s else 3600
            buffer = b""
            while True:
                if not self.reads:
                    time.sleep(0.05)
                    continue
                readable, _w, _x = select.select([self.socket], [], [], 0.5)
                is_due = time.monotonic() - last >= keepalive_s and not self.is_silent
                if is_due and self.established.is_set():
                    self.send(keepalive())
                    last = time.monotonic()
                if not readable:
                    continue
                data = self.socket.recv(65536)
                if not data:
                    return
                buffer = self._messages(buffer + data)
        except (OSError, ValueError):
            pass
        except Malformed as error:
            self.problem = str(error)
        finally:
            self.established.clear()
            self.closed.set()

    def _messages(self, buffer):
        while len(buffer) >= 19:
            if buffer[:16] != MARKER:
                raise Malformed("marker")
            length, kind = struct.unpack_from("!HB", buffer, 16)
            if length < 19:
                raise Malformed("length %d" % length)
            if len(buffer) < length:
                break
            self._handle(kind, buffer[19:length])
            buffer = buffer[length:]
        return buffer

    def _handle(self, kind, body):
        if len(self.messages) < 1000:
            self.messages.append((kind, len(body)))
        if kind == OPEN:
            self.peer_open = read_open(body)
            if self.says_open and self.answers_open:  # a KEEPALIVE before OPEN would be the wrong message judged
                self.send(keepalive())
        elif kind == KEEPALIVE:
            if self.peer_open:
                self.established.set()
        elif kind == NOTIFICATION:
            self.notifications.append((body[0], body[1], body[2:]))
        elif kind == ROUTE_REFRESH:
            self.refreshes.append((int.from_bytes(body[:2], "big"), body[2]))
        elif kind == UPDATE:
            self._take(body)

    def _take(self, body):
        announced, gone, end = read_update(body, self._as4())
        with self._lock:
            self.update_count += 1
            for prefix in gone:
                self.routes.pop(prefix, None)
            self.routes.update(announced)
            if end:
                self.ends_of_rib.append(end)

    def _as4(self):
        ours = any(cap[0] == 65 for cap in self.capabilities)
        theirs = any(code == 65 for code, _data in self.peer_open["capabilities"])
        return ours and theirs


TCP_MD5SIG = 14


def set_md5(sock, remote, password):
    """RFC 2385: the key for one peer, on a socket not yet connected or listening."""
    key = password.encode()
    if sock.family == socket.AF_INET:
        storage = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(remote))
    else:
        storage = struct.pack(
            "=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, remote), 0)
    value = storage.ljust(128, b"\0") + struct.pack("=BBHI", 0, 0, len(key), 0) + key.ljust(80, b"\0")
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, value)


# --- as a program ------------------------------------------------------------


SCRIPT_HELP = """script lines (# begins a remark):
  established [S]              wait for Established, S seconds at most (20)
  announce P... [key=value]    as= (space or comma separated), nexthop=, med=, origin=,
                               community=, large=, ext= (comma separated)
  withdraw P...
  raw HEX                      any bytes
  update-raw HEX               an UPDATE with this body
  heard P [S]                  wait until P is announced to us
  gone P [S]                   wait until P is not (any more) announced to us
  notified C/S [S]             wait for a NOTIFICATION with this code and subcode
  open [S]                     the session must still stand S seconds from now
  closed [S]                   wait until the peer closed
  sleep S"""


class Script:
    """Runs script lines against a session; the first that fails raises."""

    def __init__(self, speaker, hop):
        self.speaker = speaker
        self.hop = hop

    def line(self, text):
        words = shlex.split(text, comments=True)
        if words:
            handler = getattr(self, "do_" + words[0].replace("-", "_"), None)
            if handler is None:
                raise SystemExit("unknown word %s" % words[0])
            if handler(*words[1:]) is False:
                raise SystemExit("not so: " + text)

    def do_established(self, span="20"):
        return self.speaker.wait_established(float(span))

    def do_announce(self, *words):
        options = dict(word.split("=", 1) for word in words if "=" in word)
        prefixes = [word for word in words if "=" not in word]
        asns = [int(x) for x in options.get("as", str(self.speaker.asn)).replace(",", " ").split()]
        extra = []
        if "med" in options:
            extra.append(med(int(options["med"])))
        for key, build in (("community", communities), ("ext", ext_communities),
                           ("large", large_communities)):
            if key in options:
                extra.append(build(options[key].split(",")))
        self.speaker.send(announce(prefixes, asns, options.get("nexthop", self.hop), extra,
                                   options.get("origin", "igp")))

    def do_withdraw(self, *prefixes):
        self.speaker.send(withdraw(list(prefixes)))

    def do_raw(self, text):
        self.speaker.send(bytes.fromhex(text))

    def do_update_raw(self, text):
        self.speaker.send(message(UPDATE, bytes.fromhex(text)))

    def do_heard(self, prefix, span="20"):
        return self.speaker.wait(lambda s: s.route(prefix) is not None, float(span))

    def do_gone(self, prefix, span="20"):
        return self.speaker.wait(lambda s: s.route(prefix) is None, float(span))

    def do_notified(self, what, span="20"):
        code = tuple(int(part) for part in what.split("/"))
        return self.speaker.wait(lambda s: any(n[:2] == code for n in s.notifications), float(span))

    def do_open(self, span="1"):
        return not self.speaker.wait_closed(float(span))

    def do_closed(self, span="20"):
        return self.speaker.wait_closed(float(span))

    def do_sleep(self, span):
        time.sleep(float(span))


def main():
    parser = argparse.ArgumentParser(
        description="A scripted BGP speaker.", epilog=SCRIPT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("local")
    parser.add_argument("remote", nargs="?", help="whom to connect to; without it, listen")
    parser.add_argument("--as", dest="asn", type=int, default=65003)
    parser.add_argument("--router-id", default="192.0.2.3")
    parser.add_argument("--hold", type=int, default=90)
    parser.add_argument("--port", type=int, default=179)
    parser.add_argument("--script", default="-", help="file with script lines (default: stdin)")
    options = parser.parse_args()
    families = ((IPV4, UNICAST), (IPV6, UNICAST))
    speaker = Speaker(options.asn, options.router_id, options.hold, families)
    if options.remote:
        speaker.connect(options.local, options.remote, options.port)
    else:
        speaker.listen(options.local, options.port)
    speaker.start()
    script = Script(speaker, options.local)
    with (sys.stdin if options.script == "-" else open(options.script, encoding="utf-8")) as lines:
        for line in lines:
            script.line(line)
    speaker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
