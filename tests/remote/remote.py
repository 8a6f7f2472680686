"""Messages of remote write and remote read, made by hand, and snappy's block format. What the tests of tests/remote/ share."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from protobuf import double, message, pairs, sint, uint, varint, varint_read  # noqa: E402

WRITE_1 = "application/x-protobuf"
WRITE_2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


def pack(raw: bytes) -> bytes:
    """A block of snappy that is literals alone."""
    parts = [varint(len(raw))]
    for at in range(0, len(raw), 1 << 16):
        part = raw[at:at + (1 << 16)]
        parts += [bytes([61 << 2]), (len(part) - 1).to_bytes(2, "little"), part]
    return b"".join(parts)


def unpack(raw: bytes) -> bytes:
    size, at = varint_read(raw, 0)
    out = bytearray()
    while at < len(raw):
        tag = raw[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                more = length - 59
                length = int.from_bytes(raw[at:at + more], "little")
                at += more
            out += raw[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | raw[at]
            at += 1
        else:
            more = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(raw[at:at + more], "little")
            at += more
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def sample(t: int, v: float, st: int = 0) -> bytes:
    return double(1, v) + uint(2, t) + (uint(3, st) if st else b"")


def series_1(labels: dict[str, str], *samples: bytes) -> bytes:
    return message(1, pairs(labels), *(message(2, s) for s in samples))


def request_2(*series: tuple[dict[str, str], list[bytes], bytes]) -> bytes:
    """Series as (labels, samples, other fields of the series)."""
    symbols = [""]

    def number(text: str) -> int:
        if text not in symbols:
            symbols.append(text)
        return symbols.index(text)

    body = b""
    for labels, samples, more in series:
        refs = b"".join(varint(number(text)) for pair in sorted(labels.items()) for text in pair)
        body += message(5, message(1, refs), *(message(2, s) for s in samples), more)
    return b"".join(message(4, text) for text in symbols) + body


def histogram(t: int, count: int, st: int = 0) -> bytes:
    """An integer histogram with one bucket."""
    return uint(1, count) + double(3, 1.5) + sint(4, 0) + message(11, uint(2, 1)) + message(12, varint(count << 1)) + uint(15, t) + \
        (uint(17, st) if st else b"")


def fields(raw: bytes):
    """(number, value) of each field; messages and strings as bytes."""
    at = 0
    while at < len(raw):
        tag, at = varint_read(raw, at)
        if tag & 7 == 0:
            value, at = varint_read(raw, at)
        elif tag & 7 == 1:
            value, at = struct.unpack_from("<d", raw, at)[0], at + 8
        else:
            size, at = varint_read(raw, at)
            value, at = raw[at:at + size], at + size
        yield tag >> 3, value
