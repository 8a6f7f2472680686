#!/usr/bin/env python3
"""Processor time for a sample that is sent by remote write (1.0): that of a program that scrapes and sends, less that of one that only scrapes; beside Debian's
prometheus. Every program runs alone, one after the other, for the same time, against the same targets and a remote that takes everything.

usage: bench/bench_remote.py BUILD [SERIES [SECONDS]]      on a busy machine: chrt -f 20 bench/bench_remote.py ...
"""

import pathlib
import re
import shutil
import socketserver
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Server, need, wait_until  # noqa: E402

TARGETS = 10


class Handler(socketserver.StreamRequestHandler):
    """GET: the exposition. POST: taken and counted. A connection may be used again."""

    def handle(self):
        while True:
            first, length = self.rfile.readline(65536), 0
            line = first
            while line not in (b"\r\n", b""):
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
                line = self.rfile.readline(65536)
            if line == b"":
                return
            if first.startswith(b"GET"):
                self.wfile.write(self.server.answer)
                continue
            self.rfile.read(length)
            self.server.requests += 1
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Web(socketserver.ThreadingTCPServer):
    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, series: int):
        super().__init__(("0.0.0.0", 0), Handler)
        lines = "".join(f'http_requests_total{{method="GET",path="/api/v1/item/{i}",status="{200 + i % 5}",region="eu-west-1"}} {i * 1000.5}\n' for i in range(series))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(lines)}\r\n\r\n"
        self.answer, self.requests = (head + lines).encode(), 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


def metric(server: Server, name: str) -> float:
    lines = server.get("/metrics")[2].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}[{{ ]", line))


def run(binary: str, web: Web, seconds: float, sends: bool) -> tuple[float, float, float]:
    """Processor seconds, samples stored and samples sent, of `seconds` after the start."""
    port = web.server_address[1]
    targets = ", ".join(f"'127.0.0.1:{port}'" if i == 0 else f"'127.0.0.{i + 1}:{port}'" for i in range(TARGETS))
    config = (f"global: {{scrape_interval: 1s, external_labels: {{cluster: bench}}}}\nscrape_configs: [{{job_name: t, static_configs: [{{targets: [{targets}]}}]}}]\n")
    if sends:
        config += f"remote_write: [{{url: 'http://127.0.0.1:{port}/write', metadata_config: {{send: false}}}}]\n"
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-remote-"))
    server = Server(binary, work, config)
    try:
        server.wait_ready()
        stored, sent = "prometheus_tsdb_head_samples_appended_total", "prometheus_remote_storage_samples_total"
        wait_until("samples are stored", lambda: metric(server, stored) > 0)
        time.sleep(8)
        at = [server.program.cpu_seconds(), metric(server, stored), metric(server, sent)]
        time.sleep(seconds)
        return tuple(now - then for now, then in zip([server.program.cpu_seconds(), metric(server, stored), metric(server, sent)], at))
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    build = pathlib.Path(sys.argv[1]).resolve()
    series = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    web = Web(series)
    web.server_address = web.socket.getsockname()
    costs = {}
    for name, binary in (("barograph", str(build / "barograph")), ("prometheus", need("prometheus"))):
        quiet_cpu, quiet_stored, _ = run(binary, web, seconds, False)
        cpu, stored, sent = run(binary, web, seconds, True)
        # What storing costs is taken out by what it costs alone.
        costs[name] = (cpu - quiet_cpu * stored / quiet_stored) / sent * 1e6
        print(f"{name}: stored alone {quiet_cpu / quiet_stored * 1e6:.3f} us a sample; stored and sent {cpu / stored * 1e6:.3f} us; "
              f"sending {costs[name]:.3f} us a sample ({sent:.0f} sent of {stored:.0f})", flush=True)
    print(f"sending: {costs['barograph'] / costs['prometheus']:.3f} of Prometheus's processor time")


if __name__ == "__main__":
    main()
