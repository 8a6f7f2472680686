#!/usr/bin/env python3
"""remote_read: queries here see what Debian's prometheus has, merged with what is here; a remote that fails is a warning.

Usage: tests/remote/run_query.py BUILD [NAME...]
"""

import contextlib
import http.server
import json
import pathlib
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import Server, contains, equal, free_port, main, need, wait_until  # noqa: E402


class Target(barotest.Site):
    """Series whose values are a function of the time of the scrape."""

    def text(self, path: str) -> str:
        now = time.time()
        lines = ["# TYPE work_total counter"]
        lines += [f'work_total{{shard="{i}"}} {int(now * 10) + i}' for i in range(20)]
        return "\n".join(lines) + "\n"


def config(target: Target | None, remotes: str = "", labels: str = "{cluster: c1}", job: str = "t") -> str:
    scrape = f"[{{job_name: {job}, static_configs: [{{targets: ['{target.address}']}}]}}]" if target else "[]"
    return (f"global: {{scrape_interval: 100ms, scrape_timeout: 100ms, external_labels: {labels}}}\n"
            f"scrape_configs: {scrape}\n" + (f"remote_read:\n{remotes}" if remotes else ""))


def start(binary: str, work: pathlib.Path, text: str, name: str, *flags: str) -> Server:
    server = Server(binary, work, text, "--web.enable-lifecycle", *flags, name=name)
    server.wait_ready()
    return server


def filled(work: pathlib.Path, target: Target) -> Server:
    """Debian's prometheus, some samples after its first scrape (which it lets wait for seconds)."""
    server = start(need("prometheus"), work, config(target), "other")
    wait_until("the other one has samples", lambda: any(float(row[1]) > 9 for row in rows(server, "count_over_time(work_total[1m])", time.time()).values()))
    return server


def answer(server: Server, path: str, **params: object) -> dict:
    """The whole answer, warnings included."""
    return json.loads(server.get(f"/api/v1/{path}?{urllib.parse.urlencode(params, doseq=True)}")[2])


def rows(server: Server, expr: str, at: float) -> dict:
    data = answer(server, "query", query=expr, time=at)["data"]
    return {tuple(sorted(row["metric"].items())): row.get("values") or row["value"] for row in data["result"]}


def asked(server: Server) -> float:
    lines = server.get("/metrics")[2].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("prometheus_remote_storage_read_queries_total{"))


def test_queries_see_both(build: pathlib.Path, work: pathlib.Path) -> None:
    """Raw samples, rates and aggregations are those of the remote; series that both have are one."""
    with Target() as target:
        other = filled(work, target)
        remote = f"- {{url: 'http://127.0.0.1:{other.port}/api/v1/read', name: other, read_recent: true}}\n"
        with start(str(build / "barograph"), work, config(None, remote), "here") as here:
            end = time.time() - 0.3
            for expr in ('work_total[1m]', 'sum(work_total)', 'sum by (shard) (rate(work_total[5s]))', 'work_total{shard=~"1.*"}', 'max_over_time(work_total[1m])',
                         'work_total{cluster="c1"}'):
                got, want = rows(here, expr, end), rows(other, expr, end)
                if "cluster" in expr:
                    # A selector that names an external label asks the remote for it, and keeps it.
                    equal(len(got), 20, expr)
                    equal({dict(key).get("cluster") for key in got}, {"c1"}, expr)
                    continue
                equal(len(want) > 0, True, expr)
                equal(got, want, expr)
            equal(answer(here, "query", query="work_total", time=end).get("warnings"), None, "warnings")
            series = answer(here, "series", **{"match[]": "work_total", "start": end - 60, "end": end})["data"]
            equal(len(series), 20, "series")
            # The same job here: the local samples follow those of the remote.
            here.config.write_text(config(target, remote))
            equal(here.get("/-/reload", method="POST")[0], 200, "reload")
            time.sleep(1)
            now = time.time() - 0.2
            both = rows(here, 'count_over_time(work_total{shard="3"}[1m])', now)
            theirs = rows(other, 'count_over_time(work_total{shard="3"}[1m])', now)
            equal(list(both), list(theirs), "one series")
            equal(float(list(both.values())[0][1]) > float(list(theirs.values())[0][1]), True, "with the samples of both")
            here.config.write_text(config(target, remote + remote.replace("name: other, ", "") * 2))
            status, _, body = here.get("/-/reload", method="POST")
            equal(status, 500, "a section that is there twice")
            contains(body.decode(), "duplicate remote read configs are not allowed")
        other.stop()


def test_who_is_asked(build: pathlib.Path, work: pathlib.Path) -> None:
    """required_matchers, filter_external_labels, and without read_recent only what is older than the local store."""
    with Target() as target, Target() as own:
        other = filled(work, target)
        url = f"url: 'http://127.0.0.1:{other.port}/api/v1/read'"
        wanting = f"- {{{url}, read_recent: true, required_matchers: {{job: t, shard: '3'}}}}\n"
        with start(str(build / "barograph"), work, config(own, wanting, job="own"), "here", "--storage.tsdb.min-block-duration=1s",
                   "--storage.tsdb.max-block-duration=1s") as here:
            end = time.time()
            equal(len(rows(here, 'work_total{job="t"}', end)), 0, "a requirement is not met")
            equal(asked(here), 0, "requests")
            equal(len(rows(here, 'work_total{job="t",shard="3"}', end)), 1, "all requirements are met")
            equal(asked(here), 1, "requests")
            here.config.write_text(config(own, f"- {{{url}, filter_external_labels: false, read_recent: true}}\n", "{cluster: elsewhere}", job="own"))
            equal(here.get("/-/reload", method="POST")[0], 200, "reload")
            found = rows(here, 'work_total{job="t",shard="3"}', time.time())
            equal([dict(key).get("cluster") for key in found], ["c1"], "external labels stay")
            here.config.write_text(config(own, f"- {{{url}}}\n", job="own"))
            equal(here.get("/-/reload", method="POST")[0], 200, "reload")

            def asks(expr: str) -> float:
                before = asked(here)
                rows(here, expr, time.time())
                return asked(here) - before

            wait_until("a query of what is here asks nobody else", lambda: asks("work_total[1s]") == 0, 20)
            equal(asks("work_total[1m]"), 1, "one that reaches further back does")
        other.stop()


class Broken(http.server.BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, body = {
            "/status": (503, "text/plain", b"go away"),
            "/kind": (200, "text/html", b"<html>"),
            "/sampled": (200, "application/x-protobuf", b"\x03\x08abc"),
            "/chunked": (200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", b"\x03\x00\x00\x00\x00abc"),
            "/short": (200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", b"\x7f\x00\x00\x00\x00abc"),
        }[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_remote_that_fails_is_a_warning(build: pathlib.Path, work: pathlib.Path) -> None:
    """What is here is answered all the same."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://u:secret@127.0.0.1:{server.server_port}/{path}" for path in ("status", "kind", "sampled", "chunked", "short")]
    urls.append(f"http://127.0.0.1:{free_port()}/nobody")
    with Target() as own, start(str(build / "barograph"), work, config(own), "here") as here:
        wait_until("there is something here", lambda: rows(here, "work_total", time.time()))
        for url in urls:
            here.config.write_text(config(own, f"- {{url: '{url}', read_recent: true}}\n"))
            equal(here.get("/-/reload", method="POST")[0], 200, "reload")
            for path, params in (("query", {"query": "work_total"}), ("series", {"match[]": "work_total"})):
                got = answer(here, path, **params)
                equal((got["status"], len(got["data"] if path == "series" else got["data"]["result"])), ("success", 20), f"{url} {path}")
                equal(len(got.get("warnings", [])), 1, f"{url} {path}: warnings")
                contains(got["warnings"][0], "remote_read: remote server http://")
                equal("secret" in got["warnings"][0], False, "the password is not shown")
                if "status" in url:
                    contains(got["warnings"][0], "returned http status 503 Service Unavailable: go away")
    server.shutdown()
    server.server_close()


class Silent(barotest.Site):
    """Answers nobody before the test is over."""

    def __init__(self):
        self.over = threading.Event()
        super().__init__()

    def take(self, path: str, body: bytes) -> int:
        self.over.wait(60)
        return 503


def test_a_client_that_leaves_frees_the_remote(build: pathlib.Path, work: pathlib.Path) -> None:
    """A query whose client is gone does not go on waiting for a remote that says nothing."""
    with Silent() as silent:
        remotes = f"- {{url: 'http://{silent.address}/', read_recent: true, remote_timeout: 1m}}\n"
        with start(str(build / "barograph"), work, config(None, remotes), "here") as here:
            def running() -> float:
                return next(float(line.rsplit(" ", 1)[1]) for line in here.get("/metrics")[2].decode().splitlines()
                            if line.startswith("prometheus_remote_storage_remote_read_queries{"))

            client = socket.create_connection(("127.0.0.1", here.port))
            client.sendall(b"GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until("the remote is asked", lambda: running() == 1)
            client.close()
            wait_until("the remote is left alone", lambda: running() == 0, 30)
            silent.over.set()


if __name__ == "__main__":
    main(globals())
