"""Recorded updates (MRT, RFC 6396) sent again over a live session.

Each UPDATE is rebuilt for the session it goes over: our AS is put in front of
the path, the next hop becomes ours, AS numbers have four octets; every other
attribute is passed on as it was recorded.
"""

import gzip
import struct

import speaker

BGP4MP, BGP4MP_ET = 16, 17
MESSAGE, MESSAGE_AS4 = 1, 4
BATCH_BYTES = 256 * 1024


def updates(path):
    """Bodies of the recorded UPDATEs as (body, whether AS numbers have 4 octets)."""
    with gzip.open(path, "rb") as file:
        while True:
            head = file.read(12)
            if len(head) < 12:
                return
            _stamp, kind, subtype, length = struct.unpack("!IHHI", head)
            data = file.read(length)
            if kind == BGP4MP_ET:
                data = data[4:]
            if kind not in (BGP4MP, BGP4MP_ET) or subtype not in (MESSAGE, MESSAGE_AS4):
                continue
            as4 = subtype == MESSAGE_AS4
            offset = 8 if as4 else 4
            (afi,) = struct.unpack_from("!H", data, offset + 2)
            message = data[offset + 4 + (8 if afi == 1 else 32):]
            if len(message) >= 23 and message[18] == speaker.UPDATE:
                yield message[19:], as4


def own_path(value, asn, as4):
    """The AS_PATH value with asn in front and four octets per number."""
    size = 4 if as4 else 2
    segments = []
    offset = 0
    while offset + 2 <= len(value):
        kind, count = value[offset], value[offset + 1]
        offset += 2
        asns = [int.from_bytes(value[offset + i * size: offset + (i + 1) * size], "big")
                for i in range(count)]
        offset += count * size
        segments.append((kind, asns))
    if segments and segments[0][0] == 2 and len(segments[0][1]) < 255:
        segments[0] = (2, [asn] + segments[0][1])
    else:
        segments.insert(0, (2, [asn]))
    return b"".join(bytes((kind, len(asns))) + b"".join(struct.pack("!I", x) for x in asns)
                    for kind, asns in segments)


def rebuild(body, as4, asn, hop4, hop6):
    """(the new UPDATE, prefixes announced, prefixes withdrawn, path words)"""
    announced, gone, end = speaker.read_update(body, as4)
    if end:
        return None
    (gone_length,) = struct.unpack_from("!H", body, 0)
    (attr_length,) = struct.unpack_from("!H", body, 2 + gone_length)
    start = 4 + gone_length
    attributes, words = [], set()
    for flags, kind, value in speaker.read_attributes(body[start: start + attr_length]):
        if kind == speaker.AS_PATH:
            value = own_path(value, asn, as4)
            words = {int(x) for word in speaker.read_as_path(value)
                     for x in word.strip("{}").split(",") if x}
        elif kind == speaker.NEXT_HOP:
            value = speaker.ipaddress.ip_address(hop4).packed
        elif kind == speaker.MP_REACH:
            if value[:3] != b"\x00\x02\x01":
                return None
            hop = speaker.ipaddress.ip_address(hop6).packed
            value = value[:3] + bytes((16,)) + hop + b"\x00" + value[5 + value[3]:]
        elif kind == speaker.MP_UNREACH and value[:3] != b"\x00\x02\x01":
            return None
        elif kind in (speaker.AS4_PATH, speaker.AS4_AGGREGATOR, speaker.LOCAL_PREF):
            continue
        elif kind == speaker.AGGREGATOR and len(value) == 6:
            value = b"\x00\x00" + value
        attributes.append(speaker.attribute(kind, value, flags & 0xEF))
    attrs = b"".join(attributes)
    message = speaker.message(speaker.UPDATE, body[: 2 + gone_length] + struct.pack(
        "!H", len(attrs)) + attrs + body[start + attr_length:])
    if len(message) > 4096:
        return None
    return message, set(announced), set(gone), words


def send_all(path, session, hop4, hop6, looped_asns):
    """Sends the file; gives (prefixes that must be held at the end, messages sent).

    Paths that hold one of looped_asns are loops to somebody on the way: they
    take the prefix away instead of announcing it, so they are left out.
    """
    held = set()
    count = 0
    batch = b""
    for body, as4 in updates(path):
        try:
            rebuilt = rebuild(body, as4, session.asn, hop4, hop6)
        except speaker.Malformed:
            continue
        if rebuilt is None:
            continue
        message, announced, gone, words = rebuilt
        if words & set(looped_asns):
            continue
        held -= gone
        held |= announced
        batch += message
        count += 1
        if len(batch) >= BATCH_BYTES:
            session.send(batch)
            batch = b""
    if batch:
        session.send(batch)
    return held, count
