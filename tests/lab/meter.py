"""Measures packet loss per flow, and what crosses a link in the clear.

Flows are one-way streams of numbered UDP packets between addresses of two
namespaces, so that the two directions are judged apart. Sniffers copy the
headers of every packet that passes a link. Both run in one process of their
own (this file as a program), steered by JSON lines, so that whatever the test
does meanwhile cannot disturb the clock.
"""

import ipaddress
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import netlab  # noqa: E402

PAYLOAD = struct.Struct("!IHIQ")
MAGIC = 0x5EA1A9E5
FLOW_PORT = 9000
FLOWS_MAX = 64

SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
ETH_P_ALL = 3
SNAP = 64
IKE_PORTS = (500, 501, 4500, 4501)
SAMPLES_MAX = 5
INTERVAL_MS = 5  # between two packets of one stream
SETTLE_MS = 300  # a packet on its way is judged that long after it left


class Meter:
    """The test's handle on the measuring process."""

    def __init__(self, flows, sniff, rules, interval_ms=INTERVAL_MS):
        """flows: dicts {name, group, from, source, to, target}; sniff: dicts
        {name, netns, link}; rules: see Classifier."""
        settings = {"flows": flows, "sniff": sniff, "rules": rules, "interval_ms": interval_ms}
        self.process = netlab.Process(
            "meter", [sys.executable, os.path.abspath(__file__)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self._ask(settings)

    def _ask(self, request):
        pipe = self.process.popen
        with self._lock:
            try:
                pipe.stdin.write(json.dumps(request).encode() + b"\n")
                pipe.stdin.flush()
                line = pipe.stdout.readline()
            except BrokenPipeError:
                line = b""
        if not line:
            raise netlab.LabError("the meter ended:\n" + self.process.log_tail())
        return json.loads(line)

    def mark(self):
        """Opens a new window; all later reports are about it."""
        self._ask({"do": "mark"})

    def report(self, settle_ms=400):
        """What happened since mark(), without the youngest settle_ms of packets."""
        return self._ask({"do": "report", "settle_ms": settle_ms})

    def quiet(self, group, span_ms):
        """True when every packet of a group arrived that left in the span_ms before what is still
        on its way."""
        return self._ask({"do": "quiet", "group": group, "span_ms": span_ms})["quiet"]

    def stop(self):
        self.process.stop()


class Flow:
    """One numbered stream and what became of each packet."""

    def __init__(self, index, spec):
        self.index = index
        self.name = spec["name"]
        self.group = spec["group"]
        self.target = (spec["target"], FLOW_PORT)
        self.sent_ns = []
        self.arrived = bytearray()
        self.first = 0
        self.sender = _udp(spec["from"], spec["source"], 20000 + index)

    def send(self, now_ns):
        seq = len(self.sent_ns)
        self.sent_ns.append(now_ns)
        self.arrived.append(0)
        try:
            self.sender.sendto(PAYLOAD.pack(MAGIC, self.index, seq, now_ns), self.target)
        except OSError:
            pass  # no route at the sender's end counts as a lost packet

    def mark(self):
        self.first = len(self.sent_ns)

    def runs(self, first, last):
        """Gaps in [first, last) as (start_ns, end_ns, lost, closed)."""
        gaps = []
        seq = first
        while seq < last:
            seq = self.arrived.find(0, seq, last)
            if seq < 0:
                break
            end = self.arrived.find(1, seq, last)
            closed = end >= 0
            end = end if closed else last
            until = self.sent_ns[end] if end < len(self.sent_ns) else self.sent_ns[end - 1]
            gaps.append((self.sent_ns[seq], until, end - seq, closed))
            seq = end
        return gaps

    def last_before(self, limit_ns):
        last = len(self.sent_ns)
        while last > self.first and self.sent_ns[last - 1] > limit_ns:
            last -= 1
        return last

    def report(self, limit_ns, mark_ns):
        last = self.last_before(limit_ns)
        gaps = self.runs(self.first, last)
        return {
            "name": self.name,
            "group": self.group,
            "sent": last - self.first,
            "lost": sum(gap[2] for gap in gaps),
            "outage_ms": round(sum(gap[1] - gap[0] for gap in gaps) / 1e6, 1),
            "first_loss_ms": round((gaps[0][0] - mark_ns) / 1e6, 1) if gaps else None,
            "last_loss_ms": round((gaps[-1][1] - mark_ns) / 1e6, 1) if gaps else None,
            "open": bool(gaps) and not gaps[-1][3],
            "gaps": len(gaps),
        }


class Classifier:
    """Names the kind of a packet seen on an unprotected link.

    rules: protected (prefixes behind the tunnels), inside (networks whose
    traffic with those must be protected both ways), endpoints (pairs of outer
    tunnel addresses, ours first). Kinds: tunnel_out, tunnel_in, toward, back, back_open, other.
    """

    def __init__(self, rules):
        self.protected = _ranges(rules["protected"])
        self.inside = _ranges(rules["inside"])
        self.pairs = {}
        for here, there in rules["endpoints"]:
            a, b = int(ipaddress.ip_address(here)), int(ipaddress.ip_address(there))
            self.pairs[(a, b)] = "tunnel_out"
            self.pairs[(b, a)] = "tunnel_in"

    def kind(self, packet):
        if len(packet) < 34 or packet[12:14] != b"\x08\x00":
            return "other"
        source, target = struct.unpack_from("!II", packet, 26)
        if (source, target) in self.pairs and self._is_ike_or_esp(packet):
            return self.pairs[(source, target)]
        if _inside(target, self.protected):
            return "toward"
        if _inside(source, self.protected):
            return "back" if _inside(target, self.inside) else "back_open"
        return "other"

    @staticmethod
    def _is_ike_or_esp(packet):
        protocol = packet[23]
        if protocol == 50:
            return True
        ports = 14 + (packet[14] & 0xF) * 4
        if protocol == 1:
            # "Port unreachable" and the like about an ESP packet: no inner data.
            return True
        if protocol != 17 or len(packet) < ports + 4:
            return False
        source, target = struct.unpack_from("!HH", packet, ports)
        return source in IKE_PORTS and target in IKE_PORTS


class Sniffer:
    """Counts kinds of packets on one link, both directions."""

    def __init__(self, spec, classifier):
        self.name = spec["name"]
        self.classifier = classifier
        holder = _Namespace(spec["netns"])
        self.socket = holder.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((spec["link"], ETH_P_ALL))
        self.socket.setblocking(False)
        self.counts = {}
        self.samples = []
        self.missed = 0

    def drain(self):
        for _ in range(512):
            try:
                packet = self.socket.recv(SNAP)
            except OSError:
                return
            kind = self.classifier.kind(packet)
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if kind in ("toward", "back") and len(self.samples) < SAMPLES_MAX:
                self.samples.append(_describe(packet))

    def mark(self):
        self.drain()
        self._missed()
        self.counts = {}
        self.samples = []
        self.missed = 0

    def _missed(self):
        try:
            raw = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            self.missed += struct.unpack("II", raw)[1]
        except OSError:
            pass

    def report(self):
        self.drain()
        self._missed()
        return {"name": self.name, "counts": self.counts, "samples": self.samples,
                "missed": self.missed}


class _Namespace(netlab.Netns):
    """An existing namespace, for its sockets only."""

    def __init__(self, name):  # the namespace is there already: nothing to create
        self.name = name


def _udp(netns, source, port):
    sock = _Namespace(netns).socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, port))
    sock.setblocking(False)
    return sock


def _ranges(prefixes):
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    return [(int(n.network_address), int(n.broadcast_address)) for n in networks]


def _inside(address, ranges):
    return any(low <= address <= high for low, high in ranges)


def _describe(packet):
    source, target = (socket.inet_ntoa(packet[i : i + 4]) for i in (26, 30))
    text = "%s > %s protocol %d" % (source, target, packet[23])
    ports = 14 + (packet[14] & 0xF) * 4
    if packet[23] in (6, 17) and len(packet) >= ports + 4:
        text += " ports %d > %d" % struct.unpack_from("!HH", packet, ports)
    return text


class Engine:
    """The loop of the measuring process."""

    def __init__(self, settings):
        specs = settings["flows"][:FLOWS_MAX]
        self.flows = [Flow(index, spec) for index, spec in enumerate(specs)]
        self.interval_ns = int(settings["interval_ms"] * 1e6)
        self.receivers = [
            _udp(netns, target, FLOW_PORT)
            for netns, target in sorted({(spec["to"], spec["target"]) for spec in specs})
        ]
        classifier = Classifier(settings["rules"])
        self.sniffers = [Sniffer(spec, classifier) for spec in settings["sniff"]]
        self.poll = select.epoll()
        self.handlers = {}
        for sock in self.receivers:
            self._watch(sock.fileno(), lambda s=sock: self._receive(s))
        for sniffer in self.sniffers:
            self._watch(sniffer.socket.fileno(), sniffer.drain)
        self._watch(sys.stdin.fileno(), self._command)
        self.mark_ns = time.monotonic_ns()
        self.buffer = b""
        self.stopped = False

    def _watch(self, fd, handler):
        self.poll.register(fd, select.EPOLLIN)
        self.handlers[fd] = handler

    def run(self):
        start = time.monotonic_ns()
        # The flows take turns within one interval, so together they sample finely.
        step = self.interval_ns / max(1, len(self.flows))
        turn = 0
        while not self.stopped:
            due = start + int(turn * step)
            now = time.monotonic_ns()
            if now >= due:
                if now - due > 4 * self.interval_ns:  # late (a stalled machine): do not burst
                    start += now - due
                if self.flows:
                    self.flows[turn % len(self.flows)].send(now)
                turn += 1
            self._events(max(0.0, (due - now) / 1e9))

    def _events(self, timeout_s):
        for fd, event in self.poll.poll(timeout_s):
            if event & ~(select.EPOLLIN | select.EPOLLERR) and fd == sys.stdin.fileno():
                self.stopped = True
                return
            self.handlers[fd]()

    def _receive(self, sock):
        for _ in range(64):
            try:
                data = sock.recv(256)
            except OSError:
                return
            if len(data) < PAYLOAD.size:
                continue
            magic, index, seq, _sent = PAYLOAD.unpack_from(data)
            if magic != MAGIC or index >= len(self.flows):
                continue
            flow = self.flows[index]
            if seq < len(flow.arrived):
                flow.arrived[seq] = 1

    def _command(self):
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            self.stopped = True
            return
        self.buffer += data
        while b"\n" in self.buffer:
            line, self.buffer = self.buffer.split(b"\n", 1)
            answer = self._answer(json.loads(line))
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    def _answer(self, request):
        now = time.monotonic_ns()
        if request["do"] == "mark":
            self.mark_ns = now
            for item in self.flows + self.sniffers:
                item.mark()
            return {}
        if request["do"] == "quiet":
            return {"quiet": self._quiet(request, now)}
        limit = now - int(request["settle_ms"] * 1e6)
        return {
            "window_ms": round((limit - self.mark_ns) / 1e6, 1),
            "flows": [flow.report(limit, self.mark_ns) for flow in self.flows],
            "links": [sniffer.report() for sniffer in self.sniffers],
        }

    def _quiet(self, request, now):
        limit = now - SETTLE_MS * 1_000_000
        oldest = limit - int(request["span_ms"] * 1e6)
        seen = 0
        for flow in self.flows:
            if flow.group != request["group"]:
                continue
            last = len(flow.sent_ns)
            while last > 0 and flow.sent_ns[last - 1] > limit:
                last -= 1
            first = last
            while first > 0 and flow.sent_ns[first - 1] > oldest:
                first -= 1
            if first == last or flow.arrived.find(0, first, last) >= 0:
                return False
            seen += 1
        return seen > 0


def summary(report, group):
    """The worst flow of a group, the sums, and whether it is over."""
    flows = [flow for flow in report["flows"] if flow["group"] == group]
    worst = max(flows, key=lambda flow: flow["outage_ms"])
    return {
        "flows": len(flows),
        "hit": sum(1 for flow in flows if flow["lost"]),
        "lost": sum(flow["lost"] for flow in flows),
        "sent": sum(flow["sent"] for flow in flows),
        "outage_ms": worst["outage_ms"],
        "open": any(flow["open"] for flow in flows),
    }


def link_counts(report, kind):
    return sum(link["counts"].get(kind, 0) for link in report["links"])


def leaks(report):
    """(packets in the clear, examples) for the protected networks, both ways."""
    count = link_counts(report, "toward") + link_counts(report, "back")
    return count, [text for link in report["links"] for text in link["samples"]]


def missed(report):
    return sum(link["missed"] for link in report["links"])


def main():
    line = sys.stdin.buffer.raw.read(1 << 20)
    while not line.endswith(b"\n"):
        line += sys.stdin.buffer.raw.read(1 << 20)
    engine = Engine(json.loads(line))
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    engine.run()


if __name__ == "__main__":
    main()
