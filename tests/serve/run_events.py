#!/usr/bin/env python3
"""Server-sent events of the real program: what they tell, many and slow clients, going on after a break, shutdown.

Usage: tests/serve/run_events.py BUILD [NAME...]
"""

import contextlib
import http.server
import json
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

CLIENTS_MAX = 128
LIMIT_S = 60
RULES = """
groups:
- name: g
  interval: 1s
  rules: [{alert: Down, expr: up == 0}]
"""


class Target(http.server.BaseHTTPRequestHandler):
    """A target that fails when it is told to."""

    good = True

    def do_GET(self) -> None:
        self.send_response(200 if Target.good else 500)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"x 1\n")

    def log_message(self, *_: object) -> None:
        pass


class Listener:
    """One client: reads events until it has seen what is wanted. Buffers what comes; never blocks for longer than the limit."""

    def __init__(self, port: int, last_id: str = ""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        extra = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(f"GET /api/v1/events HTTP/1.0\r\nHost: h\r\n{extra}\r\n".encode())
        self.text = ""
        self.events: list[tuple[str, str, object]] = []
        self.ended = False

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def more(self) -> None:
        part = self.socket.recv(65536)
        self.ended = not part
        self.take(part.decode())

    def take(self, part: str) -> None:
        self.text += part
        *whole, self.text = self.text.split("\n\n")
        for block in whole:
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in fields:
                self.events.append((fields["event"], fields["id"], json.loads(fields["data"])))

    def wait(self, kind: str, test=lambda data: True) -> tuple[str, object]:
        """(id, data) of the first event of the kind that the test accepts; it and those before it are forgotten."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            for i, (name, at, data) in enumerate(self.events):
                if name == kind and test(data):
                    del self.events[:i + 1]
                    return at, data
            if self.ended:
                break
            self.more()
        raise AssertionError(f"no {kind}: {self.events}")

    def head(self) -> str:
        """The status line and headers; what came behind them is taken in."""
        while "\r\n\r\n" not in self.text and not self.ended:
            part = self.socket.recv(4096)
            self.ended = not part
            self.text += part.decode()
        head, _, rest = self.text.partition("\r\n\r\n")
        self.text = ""
        self.take(rest)
        return head


@contextlib.contextmanager
def serving(build: pathlib.Path, work: pathlib.Path):
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    Target.good = True
    boards = work / "boards"
    boards.mkdir(exist_ok=True)
    (work / "rules.yml").write_text(RULES)
    config = f"""
global: {{scrape_interval: 1s}}
rule_files: [{work / 'rules.yml'}]
scrape_configs:
- job_name: <flappy>
  static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]
"""
    with Server(str(build / "barograph"), work, config, f"--dashboards.path={boards}") as server:
        server.wait_ready()
        yield server
    target.shutdown()


def is_up(server: Server) -> bool:
    targets = server.api("targets")["activeTargets"]
    return bool(targets) and targets[0]["health"] == "up"


def clients(server: Server) -> int:
    text = server.get("/metrics")[2].decode()
    return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith("barograph_events_clients "))))


def test_what_is_told(build: pathlib.Path, work: pathlib.Path) -> None:
    with serving(build, work) as server, Listener(server.port) as page:
        head = page.head()
        for want in ("200 OK", "Content-Type: text/event-stream", "Cache-Control: no-store"):
            contains(head, want)
        _, state = page.wait("hello")
        equal(state["configGood"], True)
        wait_until("up", lambda: is_up(server))
        Target.good = False
        _, data = page.wait("targets", lambda d: d["down"] == 1)
        equal((data["changed"][0]["job"], data["changed"][0]["state"]), ("<flappy>", "down"))
        _, data = page.wait("alerts", lambda d: d["firing"] == 1)
        equal(data["changed"][0]["alertname"], "Down")
        Target.good = True
        last, _ = page.wait("alerts", lambda d: d["firing"] == 0)

        board = work / "boards" / "b.json"
        board.write_text(json.dumps({"uid": "b", "title": "One <b>", "panels": []}))
        _, data = page.wait("dashboards")
        equal(data["changed"], [{"uid": "b", "title": "One <b>", "version": "1", "state": "here"}])
        board.write_text(json.dumps({"uid": "b", "title": "Two", "panels": []}))
        page.wait("dashboards", lambda d: d["changed"][0]["version"] == "2")
        board.unlink()
        page.wait("dashboards", lambda d: d["changed"][0]["state"] == "gone")

        server.program.process.send_signal(signal.SIGHUP)
        equal(page.wait("config")[1]["good"], True)
        good = server.config.read_text()
        server.config.write_text("nonsense: true\n")
        server.program.process.send_signal(signal.SIGHUP)
        equal(page.wait("config")[1]["good"], False)
        contains(page.wait("notice")[1]["text"], "was not reloaded")
        server.config.write_text(good)

        with Listener(server.port, last) as again:
            again.head()
            again.wait("dashboards", lambda d: d["changed"][0].get("title") == "Two")
            equal([e for e in again.events if e[0] in ("hello", "resync")], [], "nothing is asked anew")
        with Listener(server.port, "1-1") as stranger:
            stranger.head()
            stranger.wait("resync")


def test_many_clients_and_slow_ones(build: pathlib.Path, work: pathlib.Path) -> None:
    with serving(build, work) as server:
        pages = [Listener(server.port) for _ in range(CLIENTS_MAX)]  # all but the last one never read
        wait_until("all listen", lambda: clients(server) == CLIENTS_MAX)
        status, headers, body = server.get("/api/v1/events")
        equal((status, headers["retry-after"]), (503, "10"))
        contains(body.decode(), "pages listen already")
        wait_until("up", lambda: is_up(server))
        Target.good = False
        pages[-1].wait("targets", lambda d: d["down"] == 1)
        equal(server.query("1"), {(): 1.0}, "queries go on")
        for page in pages[:100]:
            page.socket.close()
        wait_until("those who left are forgotten", lambda: clients(server) == CLIENTS_MAX - 100)
        with Listener(server.port) as newcomer:
            newcomer.wait("hello")
        begin = time.monotonic()
        equal(server.stop(), 0, "exit status")
        if time.monotonic() - begin > 20:
            raise AssertionError("pages that listen hold the end up")
        end = time.monotonic() + LIMIT_S
        while not pages[-1].ended and time.monotonic() < end:
            pages[-1].more()
        equal(pages[-1].ended, True, "the stream has an end")
        for page in pages[100:]:
            page.socket.close()


def test_killed_while_pages_listen(build: pathlib.Path, work: pathlib.Path) -> None:
    with serving(build, work) as server, Listener(server.port) as page:
        last, _ = page.wait("hello")
        server.stop(signal.SIGKILL)
        with Server(str(build / "barograph"), work, server.config.read_text(), keep_data=True, port=server.port) as after:
            after.wait_ready()
            with Listener(after.port, last) as again:
                again.wait("resync")


if __name__ == "__main__":
    main(globals())
