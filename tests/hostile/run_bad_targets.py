#!/usr/bin/env python3
"""Targets that answer with malice or nonsense: each is bounded, fails with a text that says why, and disturbs nobody.

Each kind is scraped twice: by its address, which goes over the short way of the HTTP client, and by name, which goes over libcurl."""

import gzip
import os
import pathlib
import socket
import socketserver
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

OK = b"HTTP/1.1 200 OK\r\n"
TEXT = b"Content-Type: text/plain; version=0.0.4\r\n"
LIMIT = 1 << 20  # body_size_limit
STALL_S = 30  # longer than any scrape here may take


def whole(body: bytes, more: bytes = TEXT, status: bytes = OK) -> bytes:
    return status + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def labels(count: int) -> bytes:
    return b"many{" + b",".join(b'l%d="v"' % n for n in range(count)) + b"} 1\n"


def forever(connection: socket.socket, part: bytes) -> None:
    """Sends until the other side has had enough."""
    for _ in range(1 << 14):
        connection.sendall(part)


def endless_chunks(connection):
    connection.sendall(OK + TEXT + b"Transfer-Encoding: chunked\r\n\r\n")
    forever(connection, b"10000\r\n" + b"x 1\n" * 16384 + b"\r\n")


def endless_line(connection):
    connection.sendall(OK + TEXT + b"\r\n")
    forever(connection, b"x" * 65536)


def endless_headers(connection):
    connection.sendall(OK)
    forever(connection, b"X-More: " + b"y" * 1000 + b"\r\n")


def endless_status(connection):
    connection.sendall(b"HTTP/1.1 200 ")
    forever(connection, b"z" * 65536)


def endless_trailers(connection):
    connection.sendall(OK + TEXT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    forever(connection, b"X-More: " + b"y" * 1000 + b"\r\n")


def endless_continues(connection):
    forever(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def dripping(connection):
    connection.sendall(OK + TEXT + b"Content-Length: 100000\r\n\r\n")
    for _ in range(STALL_S * 10):
        connection.sendall(b"x")
        time.sleep(0.1)


def stalls(connection):
    time.sleep(STALL_S)


def stalls_in_body(connection):
    connection.sendall(OK + TEXT + b"Content-Length: 100\r\n\r\nfine 1\n")
    time.sleep(STALL_S)


def closes(connection):
    pass


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


BOMB = gzip.compress(b"x 1\n" * (64 << 18), 9)  # 64 MiB in 64 KiB
PACKED = TEXT + b"Content-Encoding: gzip\r\n"

ANY = "whatever"  # libcurl reads to the end what has a length that no number holds, the short way refuses it

# kind: (answer, parts of the error of which one is there; None = healthy)
KINDS = {
    "good": (whole(b"fine 1\n"), None),
    "endless_chunks": (endless_chunks, ["body size limit exceeded", "deadline exceeded"]),
    "endless_line": (endless_line, ["body size limit exceeded", "deadline exceeded"]),
    "endless_headers": (endless_headers, ["header", "deadline exceeded"]),
    "endless_status": (endless_status, ["header", "status line", "response line", "deadline exceeded"]),
    "endless_trailers": (endless_trailers, ["header", "trailer", "closed with outstanding", "deadline exceeded"]),
    "endless_continues": (endless_continues, ["1xx", "Too large response headers", "deadline exceeded"]),
    "dripping": (dripping, ["deadline exceeded"]),
    "stalls": (stalls, ["deadline exceeded"]),
    "stalls_in_body": (stalls_in_body, ["deadline exceeded"]),
    "closes": (closes, ["Empty reply"]),
    "resets": (resets, ["reset", "closed", "failure"]),
    "redirect_loop": (b"HTTP/1.1 302 Found\r\nLocation: /redirect_loop/metrics\r\nContent-Length: 0\r\n\r\n", ["redirect"]),
    "redirect_to_file": (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
                         ["protocol", "redirect", "302", "scheme"]),
    "redirect_nowhere": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", ["302", "redirect", "Location"]),
    "gzip_bomb": (whole(BOMB, PACKED), ["body size limit exceeded"]),
    "gzip_twice": (whole(gzip.compress(gzip.compress(b"fine 1\n")), TEXT + b"Content-Encoding: gzip, gzip\r\n"), [""]),
    "gzip_cut": (whole(gzip.compress(b"fine 1\n" * 1000)[:-20], PACKED), ["gzip", "encod", "corrupt", "early", "deflate", "unpack"]),
    "gzip_not": (whole(b"fine 1\n", PACKED), ["gzip", "encod", "corrupt", "header", "deflate", "unpack"]),
    "brotli": (whole(b"fine 1\n", TEXT + b"Content-Encoding: br\r\n"), None),  # as Go: only gzip is looked at
    "html": (whole(b"<html></html>\n", b"Content-Type: text/html\r\n"), ["Content-Type"]),
    "no_type": (whole(b"fine 1\n", b""), ["Content-Type"]),
    "two_lengths": (OK + TEXT + b"Content-Length: 7\r\nContent-Length: 9\r\n\r\nfine 1\nxx", [""]),
    "bad_length": (OK + TEXT + b"Content-Length: -5\r\n\r\nfine 1\n", ["ength"]),
    "huge_length": (OK + TEXT + b"Content-Length: 99999999999999999999\r\n\r\nfine 1\n", ANY),
    "bad_chunk": (OK + TEXT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nfine 1\n\r\n0\r\n\r\n", ["chunk", "hex", "encod"]),
    "http_9": (b"HTTP/9.9 200 OK\r\n" + TEXT + b"Content-Length: 7\r\n\r\nfine 1\n", [""]),
    "http_2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [""]),
    "switching": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", [""]),
    "not_modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", ["304"]),
    "no_content": (b"HTTP/1.1 204 No Content\r\n\r\n", ["204"]),
    "nul_bytes": (whole(b"fi\0ne 1\n"), ["1:"]),
    "no_newline": (whole(b"fine 1"), None),
    "bad_utf8": (whole(b'x{a="\xff\xfe"} 1\n'), ["UTF-8", "utf-8", "UTF8"]),
    "label_limit": (whole(labels(10_000)), ["label_limit"]),
    "label_value": (whole(b'x{a="' + b"v" * 5000 + b'"} 1\n'), ["label_value_length_limit"]),
    "label_name": (whole(b"x{" + b"n" * 5000 + b'="v"} 1\n'), ["label_name_length_limit"]),
    "samples": (whole(b"".join(b"s%d 1\n" % n for n in range(2000))), ["sample limit", "sample_limit"]),
    "same_again": (whole(b"twice 1\ntwice 2\n"), None),
    "far_future": (whole(b"later 1 99999999999999\n"), None),
}
# Without label_limit a series has 512 labels at most; the target stays up, as it does when the head takes no new series.
UNLIMITED = {"ten_thousand_labels": (whole(labels(10_000)), ["labels, more than 512"]), "long_value": (whole(b'long{a="' + b"v" * 500_000 + b'"} 1\n'), None)}


MAY_BE_UP = ("huge_length", "ten_thousand_labels")


class Target(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 256


class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(STALL_S)
        try:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 65536:
                head += self.request.recv(65536) or b"\r\n\r\n"
            name = head.split(b" ")[1].split(b"/")[1].decode() if head.count(b" ") > 1 else "good"
            answer = {**KINDS, **UNLIMITED}[name][0]
            if callable(answer):
                answer(self.request)
            else:
                self.request.sendall(answer)
        except OSError:
            pass


def config(port):
    text = "global: {scrape_interval: 3s, scrape_timeout: 3s}\nscrape_configs:\n"
    for name in [*KINDS, *UNLIMITED]:
        limits = "" if name in UNLIMITED else f"""
    body_size_limit: {LIMIT}B
    label_limit: 100
    label_name_length_limit: 1000
    label_value_length_limit: 1000
    sample_limit: 1000"""
        for way, host in (("address", "127.0.0.1"), ("name", "localhost")):
            text += f"""  - job_name: {name}/{way}
    metrics_path: /{name}/metrics{limits}
    static_configs: [{{targets: ["{host}:{port}"]}}]
"""
    return text


def tried(server, times):
    counts = {dict(k)["job"]: v for k, v in server.query("count_over_time(up[5m])").items()}
    return len(counts) == 2 * len(KINDS | UNLIMITED) and min(counts.values()) >= times


def faults_of(server):
    faults = []
    for t in server.api("targets")["activeTargets"]:
        name, way = t["scrapePool"].split("/")
        want, error = {**KINDS, **UNLIMITED}[name][1], t["lastError"]
        if want == ANY:
            continue
        if (want is None) != (error == "") or (want and not any(part in error for part in want)):
            faults.append(f"{name} by {way}: wanted {want}, got {t['health']} {error!r}")
    return faults


def test_each_is_bounded_and_told(build, work):
    target = Target(("127.0.0.1", 0), Answer)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    with Server(str(build / "barograph"), work, config(target.server_address[1])) as server:
        server.wait_ready()
        pid = server.program.process.pid
        wait_until("each was tried", lambda: tried(server, 1), 90)
        files = len(os.listdir(f"/proc/{pid}/fd"))
        # On a busy machine a scrape may come too late: then the next ones are looked at.
        limit = time.monotonic() + 60
        while (faults := faults_of(server)) and time.monotonic() < limit:
            time.sleep(1)
        assert not faults, "\n".join(faults)
        up = {dict(k)["job"].split("/")[0] for k in server.query("max_over_time(up[5m]) == 1")}
        equal(up, {name for name, (_, want) in (KINDS | UNLIMITED).items() if want is None or name in MAY_BE_UP}, "those that are up")
        resident = server.program.resident_bytes()
        assert resident < 400 << 20, f"{resident} bytes resident"
        wait_until("the good ones go on", lambda: len(server.query("count_over_time(fine{job=~'good.*'}[5m]) >= 3")) == 2, 90)
        later = len(os.listdir(f"/proc/{pid}/fd"))
        assert later <= files + 40, f"descriptors: {files}, then {later}"
        metrics = server.get("/metrics")[2].decode()
        for counter in ("body_size_limit", "sample_limit"):
            contains(metrics, f"prometheus_target_scrapes_exceeded_{counter}_total ", counter)
            assert f"exceeded_{counter}_total 0\n" not in metrics, counter
        assert "exceeded_label_limits_total 0\n" not in metrics, "label limits are counted"
        assert "sample_duplicate_timestamp_total 0\n" not in metrics, "duplicates are counted"
        assert "sample_out_of_bounds_total 0\n" not in metrics, "times out of bounds are counted"
    target.shutdown()


if __name__ == "__main__":
    main(globals())
