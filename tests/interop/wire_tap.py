"""Reads along on a link: what two BGP speakers really say to each other, path identifiers
included, whatever their shells show.
"""

import socket
import struct
import threading

import speaker

ETH_P_ALL = 3
ADD_PATH = 69
RECEIVE, SEND = 1, 2
SYN = 0x02


class Flow:
    """One direction of one connection, put in order."""

    def __init__(self, first):
        self.next = (first + 1) & 0xFFFFFFFF
        self.waiting = {}
        self.buffer = b""
        self.add_path = 0  # of its OPEN, for IPv4
        self.has_updates = False

    def add(self, sequence, data):
        self.waiting[sequence] = max(data, self.waiting.get(sequence, b""), key=len)
        for start in sorted(self.waiting, key=self._behind):
            skipped = -self._behind(start)
            if skipped < 0:
                break  # something before it is missing
            rest = self.waiting.pop(start)[skipped:]
            self.buffer += rest
            self.next = (self.next + len(rest)) & 0xFFFFFFFF

    def _behind(self, sequence):
        """How far sequence is behind what was read last; negative: known already."""
        return (sequence - self.next + 0x80000000) % 0x100000000 - 0x80000000

    def messages(self):
        while len(self.buffer) >= 19:
            length = int.from_bytes(self.buffer[16:18], "big")
            if len(self.buffer) < length:
                return
            kind, body = self.buffer[18], self.buffer[19:length]
            self.buffer = self.buffer[length:]
            yield kind, body


class Tap:
    """From its making on; connections that stand already are not understood."""

    def __init__(self, netns, link):
        self.socket = netns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((link, 0))
        self.socket.settimeout(0.2)
        self.lock = threading.Lock()
        self.flows = {}
        self.said = {}  # by who says it: {(prefix, identifier or None): AS path}
        self.problem = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.is_over.set()
        self.thread.join()
        self.socket.close()

    def paths(self, who, net):
        """{identifier: AS path} of what `who` has announced and not withdrawn."""
        with self.lock:
            return {number: path for (prefix, number), path in self.said.get(who, {}).items()
                    if prefix == net}

    def _run(self):
        while not self.is_over.is_set():
            try:
                frame = self.socket.recv(1 << 17)
            except TimeoutError:
                continue
            try:
                self._take(frame)
            except (speaker.Malformed, struct.error, IndexError) as error:
                self.problem = error

    def _take(self, frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
            return
        start = 14 + (frame[14] & 15) * 4
        end = 14 + int.from_bytes(frame[16:18], "big")
        ports = struct.unpack_from("!HH", frame, start)
        if 179 not in ports:
            return
        ends = [(socket.inet_ntoa(frame[26:30]), ports[0]), (socket.inet_ntoa(frame[30:34]), ports[1])]
        (sequence,) = struct.unpack_from("!I", frame, start + 4)
        key = (ends[0], ends[1])
        if frame[start + 13] & SYN:
            if key not in self.flows or self.flows[key].next != (sequence + 1) & 0xFFFFFFFF:
                self.flows[key] = Flow(sequence)
        elif key in self.flows:
            flow = self.flows[key]
            flow.add(sequence, frame[start + (frame[start + 12] >> 4) * 4:end])
            back = self.flows.get((ends[1], ends[0]))
            for kind, body in flow.messages():
                self._message(flow, back, ends[0][0], kind, body)

    def _message(self, flow, back, who, kind, body):
        if kind == speaker.OPEN:
            for code, data in speaker.read_open(body)["capabilities"]:
                for afi, safi, mode in struct.iter_unpack("!HBB", data) if code == ADD_PATH else ():
                    if (afi, safi) == (speaker.IPV4, speaker.UNICAST):
                        flow.add_path = mode
        elif kind == speaker.UPDATE:
            has_ids = back is not None and flow.add_path & SEND and back.add_path & RECEIVE
            with self.lock:
                if not flow.has_updates:
                    self.said[who] = {}
                flow.has_updates = True
                self._update(self.said[who], body, bool(has_ids))

    @staticmethod
    def _update(said, body, has_ids):
        (gone_length,) = struct.unpack_from("!H", body, 0)
        for path in speaker.read_paths(body[2:2 + gone_length], speaker.IPV4, has_ids):
            said.pop(path, None)
        (attr_length,) = struct.unpack_from("!H", body, 2 + gone_length)
        start = 4 + gone_length
        route = speaker.Route(speaker.read_attributes(body[start:start + attr_length]))
        for path in speaker.read_paths(body[start + attr_length:], speaker.IPV4, has_ids):
            said[path] = route.as_path
