#!/usr/bin/env python3
"""Remote read answered: Debian's prometheus as the reader, which must answer as the store itself does, and requests made by hand.

Usage: tests/remote/run_read.py BUILD [NAME...]
"""

import concurrent.futures
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402
from protobuf import message, uint, varint  # noqa: E402
from remote import WRITE_1, fields, pack, sample, series_1, unpack  # noqa: E402

QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n"
RECEIVE = "--web.enable-remote-write-receiver"
MINUTES = 30


def fill(server: Server, series: int = 20) -> int:
    """Half an hour of samples, until now; returns the last one's time in ms."""
    end = int(time.time()) * 1000
    body = b""
    for i in range(series):
        samples = [sample(end - (MINUTES * 4 - k) * 15000, k * (i + 1) % 977) for k in range(MINUTES * 4 + 1)]
        body += series_1({"__name__": "work_total" if i % 2 else "load", "shard": str(i)}, *samples)
    status, _, text = server.get("/api/v1/write", {"Content-Type": WRITE_1, "Content-Encoding": "snappy"}, "POST", pack(body))
    equal(status, 204, text.decode())
    return end


def request(end: int, kinds: list[int], name: str = "work_total", begin: int = 0) -> bytes:
    matcher = message(3, message(2, "__name__"), message(3, name)) if name else message(3, uint(1, 2), message(2, "__name__"), message(3, ".+"))
    accepted = message(2, b"".join(varint(kind) for kind in kinds)) if kinds else b""
    return pack(message(1, uint(1, begin), uint(2, end), matcher) + accepted)


def read(server: Server, body: bytes) -> tuple[int, dict[str, str], bytes]:
    return server.get("/api/v1/read", {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}, "POST", body, timeout=60)


# None whose meaning 3.x has changed: windows that begin at a sample, extrapolation.
EXPRESSIONS = ["load", "work_total", "sum(load)", "sum_over_time(work_total[301s])", "count_over_time(load[601s])", "load{shard=~'[0-9]'}",
               "count({__name__=~'.+'})", "load offset 7m", "sum by (shard) (load) / on (shard) group_left () load", "work_total{shard!='3'}",
               "absent(nothing)"]


def key(row: dict) -> list:
    return sorted(row["metric"].items())


def test_prometheus_reads_here(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, "global: {external_labels: {zone: x}}\n", RECEIVE, name="store") as store:
        store.wait_ready()
        end = fill(store)
        config = f"remote_read: [{{url: 'http://127.0.0.1:{store.port}/api/v1/read', read_recent: true}}]\n"
        with Server(need("prometheus"), work, config, "--log.level=warn", name="reader") as reader:
            reader.wait_ready()
            for expr in EXPRESSIONS:
                for path, times in (("query", {"time": end / 1000}), ("query_range", {"start": end / 1000 - 1200, "end": end / 1000, "step": 60})):
                    want = store.api(path, query=expr, **times)
                    got = reader.api(path, query=expr.replace("'[0-9]'", "'[0-9]',zone='x'"), **times)
                    for row in got["result"]:
                        # What the store's series have not is added to what is read, and gone where labels are aggregated away.
                        equal(row["metric"].pop("zone", "x"), "x")
                    equal(sorted(got["result"], key=key), sorted(want["result"], key=key), f"{path} {expr}")
            raw = {"query": "{__name__=~'load|work_total'}[1801s]", "time": end / 1000}
            ours, theirs = store.api("query", **raw)["result"], reader.api("query", **raw)["result"]
            for row in theirs:
                row["metric"].pop("zone")
            equal(len(ours), 20)
            equal(sorted(theirs, key=key), sorted(ours, key=key), "every sample")
            equal(reader.api("query", query="load{zone='y'}", time=end / 1000)["result"], [])
        contains(store.get("/metrics")[2].decode(), 'prometheus_http_requests_total{code="200",handler="/api/v1/read"}')


def test_read_by_hand(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET, RECEIVE, "--storage.remote.read-sample-limit=1300",
                "--storage.remote.read-max-bytes-in-frame=64") as server:
        server.wait_ready()
        end = fill(server)
        for kinds in ([], [0], [9, 0]):
            status, headers, body = read(server, request(end, kinds))
            equal((status, headers["content-type"], headers["content-encoding"]), (200, "application/x-protobuf", "snappy"), body[:200])
            (number, result), = fields(unpack(body))
            series = [value for number, value in fields(result)]
            equal((number, len(series)), (1, 10))
            equal(sum(number == 2 for one in series for number, _ in fields(one)), 10 * (MINUTES * 4 + 1))
        status, headers, body = read(server, request(end, [1, 0]))
        equal((status, headers["content-type"]), (200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"))
        equal("content-encoding" in headers, False)
        equal(body.count(b"work_total") > 10, True, "small frames: more than one a series")
        for name, bad, want, part in [
            ("too many samples", request(end, [0], ""), 400, "exceeded sample limit (1300)"),
            ("no type that is known", request(end, [7]), 400, "does not support any of the requested response types"),
            ("no snappy", b"\xff", 400, "snappy"),
            ("no message", pack(b"\x0a\x7f"), 400, "damaged"),
            ("no regular expression", pack(message(1, uint(2, end), message(3, uint(1, 2), message(2, "a"), message(3, "(")))), 400, "regexp"),
        ]:
            status, _, text = read(server, bad)
            equal(status, want, f"{name}: {text[:200]!r}")
            contains(text.decode(), part, name)


def test_slow_readers_wait_and_leave(build: pathlib.Path, work: pathlib.Path) -> None:
    """One place: a client that takes nothing holds it; the next one waits, and is answered when the first has left."""
    with Server(str(build / "barograph"), work, QUIET, RECEIVE, "--storage.remote.read-concurrent-limit=1") as server:
        server.wait_ready()
        for part in range(12):
            body = b"".join(series_1({"__name__": "many", "part": f"{part}-{i}", "pad": "x" * 8000}, sample(int(time.time()) * 1000, i)) for i in range(100))
            equal(server.get("/api/v1/write", {}, "POST", pack(body))[0], 204)
        end = int(time.time() + 60) * 1000
        body = request(end, [1], "many")
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        equal(slow.recv(12), b"HTTP/1.1 200")

        def waiting() -> float:
            return next(float(line.split()[1]) for line in server.get("/metrics")[2].decode().splitlines()
                        if line.startswith("prometheus_remote_read_handler_queries "))

        with concurrent.futures.ThreadPoolExecutor() as pool:
            other = pool.submit(read, server, body)
            wait_until("the second one waits", lambda: waiting() == 2)
            equal(other.done(), False)
            slow.close()
            equal(other.result(60)[0], 200)
            equal(other.result()[2].count(b"many") >= 1200, True)
        wait_until("all have left", lambda: waiting() == 0)
        # One that is at it when the server ends does not keep it.
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        equal(slow.recv(12), b"HTTP/1.1 200")
        equal(server.stop(), 0)
        slow.close()


if __name__ == "__main__":
    main(globals())
