#!/usr/bin/env python3
"""Bad input of every kind gives a clear error and a counter, and nothing else notices."""


import json
import pathlib
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"


def good() -> bytes:
    return b"fine 1\n"


def ten_thousand_labels() -> bytes:
    return b"many{" + b",".join(b'l%d="v"' % n for n in range(10_000)) + b"} 1\n"


BODIES = {  # path: (raw answer, part of the error wanted; None = healthy)
    "good": (HEAD + b"Content-Length: 7\r\n\r\n" + good(), None),
    "malformed": (HEAD + b"Content-Length: 9\r\n\r\nbad{a=} 1", "1:7: expected a label value"),
    "truncated": (HEAD + b"Content-Length: 5000\r\n\r\nfine 1\n", ""),
    "huge": (None, "body size limit exceeded"),
    "labels": (HEAD + b"Content-Length: %d\r\n\r\n" % len(ten_thousand_labels()) + ten_thousand_labels(), "label_limit"),
    "status": (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "500"),
    "garbage": (b"\x00\x01\x02\x03 not http at all\r\n\r\n", ""),
    "silent": (None, ""),
}


class Target(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(10)
        try:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 65536:
                head += self.request.recv(65536) or b"\r\n\r\n"
            name = head.split(b" ")[1].split(b"/")[1].decode() if b" " in head else ""
            if name == "silent":
                time.sleep(5)
            elif name == "huge":
                self.request.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
                for _ in range(1024):
                    self.request.sendall(b"x 1\n" * 262144)
            else:
                self.request.sendall(BODIES[name][0])
        except OSError:
            pass


def start_target() -> Target:
    target = Target(("127.0.0.1", 0), Answer)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    return target


def test_bad_targets_do_not_disturb_good_ones(build, work):
    target = start_target()
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
    for name in BODIES:
        config += f"""  - job_name: {name}
    metrics_path: /{name}/metrics
    body_size_limit: 10MB
    label_limit: 100
    static_configs: [{{targets: ["127.0.0.1:{target.server_address[1]}"]}}]
"""
    with Server(str(build / "barograph"), work, config) as server:
        server.wait_ready()
        wait_until("all were tried", lambda: len(server.query("up")) == len(BODIES), 30)
        time.sleep(4)
        health = {dict(k)["job"]: v for k, v in server.query("up").items()}
        equal(health, {name: float(want is None) for name, (_, want) in BODIES.items()}, "up")
        for t in server.api("targets")["activeTargets"]:
            want = BODIES[t["scrapePool"]][1]
            if want is None:
                equal(t["lastError"], "", t["scrapePool"])
            else:
                assert t["lastError"], f"{t['scrapePool']} has an error text"
                contains(t["lastError"], want, t["scrapePool"])
        equal(server.query("count_over_time(fine[1m]) >= 4").keys().__len__(), 1, "the good target went on")
        resident = server.program.resident_bytes()
        assert resident < 300 << 20, f"{resident} bytes resident"
    target.shutdown()


def expect_error(server, path, status_wanted, part):
    status, _, body = server.get(path)
    equal(status, status_wanted, path[:80])
    contains(body.decode(), part, path[:80])


def test_bad_queries_are_refused_with_a_reason(build, work):
    with Server(str(build / "barograph"), work, "global: {}\n", "--query.timeout=5s", "--query.max-samples=100000") as server:
        server.wait_ready()

        def query(text):
            return "/api/v1/query?" + urllib.parse.urlencode({"query": text})

        expect_error(server, query("sum(") , 400, "parse error")
        expect_error(server, query("up{a=~\"(\"}"), 400, "regexp")
        expect_error(server, query("(" * 1000 + "1" + ")" * 1000), 400, "nested")
        expect_error(server, query("-" * 1000 + "1"), 400, "")
        expect_error(server, query("(" * 20_000), 414, "")
        status, _, _ = server.get(query("up{a=~\"(a*)*(a*)*(a*)*b\"}"))
        equal(status, 200, "nested repetition runs in linear time")
        status, _, body = server.get(query("up{a=~\"((((x{100}){100}){100}){100})\"}"))
        equal(status, 400, "a regular expression bomb")
        contains(body.decode(), "regexp", "a regular expression bomb")
        expect_error(server, "/api/v1/query_range?query=1&start=0&end=1000000000&step=1", 400, "11,000")
        expect_error(server, "/api/v1/query?query=1&time=abc", 400, "time")
        expect_error(server, query("vector(1)[1d:1ms]") , 422, "too many samples")
        status, _, _ = server.get("/api/v1/nothing-here")
        equal(status, 404, "an unknown path")
        try:
            status, _, _ = server.get("/api/v1/query", method="POST", body=b"query=" + b"1+" * 9_000_000,
                                      headers={"Content-Type": "application/x-www-form-urlencoded"})
            equal(status, 413, "a form of 18 MB")
        except ConnectionError:
            pass  # refused and closed while the rest was still being sent
        equal(server.query("vector(1)"), {(): 1.0}, "the server is well")


def test_slow_clients_are_let_go(build, work):
    """Connections that never finish their request end by themselves and do not keep others out."""
    with Server(str(build / "barograph"), work, "global: {}\n", "--web.read-timeout=2s", "--web.max-connections=64") as server:
        server.wait_ready()
        slow = []
        for _ in range(40):
            s = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            s.sendall(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            slow.append(s)
        end = time.monotonic() + 20
        open_count = len(slow)
        while open_count and time.monotonic() < end:
            equal(server.query("vector(1)"), {(): 1.0}, "others are served meanwhile")
            for s in slow:
                try:
                    s.sendall(b"x")  # one byte now and then: the trick of slow-loris
                except OSError:
                    pass
            time.sleep(0.3)
            open_count = sum(not is_closed(s) for s in slow)
        equal(open_count, 0, "slow connections that are still open")


def is_closed(s: socket.socket) -> bool:
    s.settimeout(0.01)
    try:
        return s.recv(4096) == b"" or is_closed(s)
    except TimeoutError:
        return False
    except OSError:
        return True


def test_large_headers_and_bodies_are_refused(build, work):
    with Server(str(build / "barograph"), work, "global: {}\n") as server:
        server.wait_ready()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 1_000_000 + b"\r\n\r\n")
            contains(s.recv(100).decode(), "431", "a header of 1 MB")
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as s:
            s.sendall(b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                      b"Content-Length: 1073741824\r\n\r\n")
            try:
                for _ in range(1024):
                    s.sendall(b"x" * 1048576)
            except OSError:
                pass
            answer = b""
            try:
                answer = s.recv(4096)
            except OSError:
                pass
            assert answer == b"" or b"413" in answer, answer[:200]
        equal(server.query("vector(1)"), {(): 1.0}, "the server is well")
        json.loads(server.get("/api/v1/status/runtimeinfo")[2])


if __name__ == "__main__":
    main(globals())
