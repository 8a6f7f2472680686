"""Bodies in the protobuf exposition format (io.prometheus.client), for targets that tests play. What tests send, and its numbers to read."""

import struct

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(n: int) -> bytes:
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def varint_read(raw: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    n = shift = 0
    while True:
        byte = raw[at]
        at += 1
        n |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return n, at


def uint(number: int, n: int) -> bytes:
    return varint(number << 3) + varint(n)


def sint(number: int, n: int) -> bytes:
    return uint(number, n << 1 ^ n >> 63)


def double(number: int, v: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", v)


def message(number: int, *parts: bytes | str) -> bytes:
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(number << 3 | 2) + varint(len(body)) + body


def pairs(labels: dict[str, str]) -> bytes:
    return b"".join(message(1, message(1, name), message(2, value)) for name, value in labels.items())


def timestamp(number: int, seconds: float) -> bytes:
    return message(number, uint(1, int(seconds)), uint(2, int(seconds % 1 * 1e9)))


def exemplar(number: int, labels: dict[str, str], value: float, seconds: float | None = None) -> bytes:
    return message(number, pairs(labels), double(2, value), b"" if seconds is None else timestamp(3, seconds))


def value(v: float, *more: bytes) -> bytes:
    """A Gauge, Counter or Untyped."""
    return double(1, v) + b"".join(more)


def summary(count: int, total: float, quantiles: dict[float, float]) -> bytes:
    return uint(1, count) + double(2, total) + b"".join(
        message(3, double(1, q), double(2, v)) for q, v in quantiles.items())


def bucket(upper: float, count: int, *more: bytes) -> bytes:
    return message(3, uint(1, count), double(2, upper), *more)


def spans(number: int, *runs: tuple[int, int]) -> bytes:
    return b"".join(message(number, sint(1, offset), uint(2, length)) for offset, length in runs)


def histogram(count: int, total: float, *more: bytes) -> bytes:
    return uint(1, count) + double(2, total) + b"".join(more)


def native(schema: int, positive: list[int], offset: int = 0, zero: int = 0, threshold: float = 1e-128) -> bytes:
    """The native part of an integer histogram with one run of positive buckets."""
    deltas = [n - before for n, before in zip(positive, [0, *positive])]
    return (sint(5, schema) + double(6, threshold) + uint(7, zero) +
            (spans(12, (offset, len(positive))) if positive else b"") + b"".join(sint(13, d) for d in deltas))


def family(name: str, kind: int, *metrics: tuple[dict[str, str], bytes], help: str = "", unit: str = "") -> bytes:
    """A delimited MetricFamily; each metric is its labels and the message of its kind."""
    field = (3, 2, 4, 5, 7, 7)[kind]
    body = message(1, name) + (message(2, help) if help else b"") + uint(3, kind)
    body += b"".join(message(4, pairs(labels), message(field, part)) for labels, part in metrics)
    body += message(5, unit) if unit else b""
    return varint(len(body)) + body
