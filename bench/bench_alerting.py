#!/usr/bin/env python3
"""100,000 alerts in 1,000 groups: memory, and how late the groups are told after their group_wait; beside Debian's Alertmanager.

usage: bench/bench_alerting.py BUILD [ALERTS [GROUPS]]
"""

import json
import os
import pathlib
import shutil
import socketserver
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Program, Server, free_port, wait_until  # noqa: E402

WAIT = 15
CONFIG = """
route: {{receiver: hook, group_by: [team], group_wait: {wait}s, group_interval: 1m}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/', max_alerts: 10}}]}}]
inhibit_rules: [{{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [host]}}]
"""


class Hook:
    """Takes webhooks as fast as it can: one thread a connection, which may be used again."""

    def __init__(self):
        self.told = []
        hook = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    length = 0
                    while (line := self.rfile.readline(65536)) not in (b"\r\n", b""):
                        if line[:15].lower() == b"content-length:":
                            length = int(line[15:])
                    if line == b"":
                        return
                    self.rfile.read(length)
                    hook.told.append(time.monotonic())
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        class Server(socketserver.ThreadingTCPServer):
            request_queue_size = 1024
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Alertmanager:
    """Debian's, with the same questions asked as of a Server."""

    def __init__(self, work, config):
        self.port = free_port()
        self.program = Program(["prometheus-alertmanager", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
                                "--cluster.listen-address=", f"--storage.path={work}/am-data"], work / "am.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()

    wait_ready, is_ready, get = Server.wait_ready, Server.is_ready, Server.get


def measure(name, server, hook, alerts, groups):
    server.wait_ready()
    begin = server.program.resident_bytes()
    first = time.monotonic()
    for at in range(0, alerts, 2_000):
        body = json.dumps([alert(i, groups) for i in range(at, min(at + 2_000, alerts))]).encode()
        status, _, answer = server.get("/api/v2/alerts", {"Content-Type": "application/json"}, "POST", body)
        assert status == 200, answer
    posted = time.monotonic() - first
    posted_memory = server.program.resident_bytes()
    wait_until("the first group", lambda: hook.told, 180, 0.001)
    cpu = server.program.cpu_seconds()
    wait_until("all groups told", lambda: len(hook.told) >= groups, 180)
    cpu = server.program.cpu_seconds() - cpu
    peak = max(posted_memory, server.program.resident_bytes())
    due = first + WAIT
    print(f"{name}: {alerts} alerts in {groups} groups: posted{' and on the disk' if name == 'barograph' else ''} in {posted:.1f} s ({alerts / posted:,.0f}/s); "
          f"load {os.getloadavg()[0]:.1f}")
    print(f"  resident: {begin / 1e6:.0f} MB before, {posted_memory / 1e6:.0f} MB with all alerts, {peak / 1e6:.0f} MB after the flush")
    print(f"  notifications: first {hook.told[0] - due:+.2f} s, last {hook.told[groups - 1] - due:+.2f} s after the first group's time "
          f"({posted:.1f} s of it the alerts took to come)")
    print(f"  flush: {groups} notifications within {hook.told[groups - 1] - hook.told[0]:.2f} s, {cpu:.2f} s of processor time", flush=True)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    alerts = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    groups = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        hook = Hook()
        (work / "am.yml").write_text(CONFIG.format(wait=WAIT, port=hook.port))
        with Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / 'am.yml'}") as server:
            measure("barograph", server, hook, alerts, groups)
        if shutil.which("prometheus-alertmanager"):
            hook = Hook()
            (work / "am.yml").write_text(CONFIG.format(wait=WAIT, port=hook.port))
            with Alertmanager(work, work / "am.yml") as server:
                measure("Alertmanager", server, hook, alerts, groups)


def alert(i, groups):
    return {"labels": {"alertname": "DiskFull", "team": f"team-{i % groups}", "host": f"host-{i}", "severity": "warning", "job": "node",
                       "instance": f"10.0.{i // 250 % 250}.{i % 250}:9100", "device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"},
            "annotations": {"summary": f"the disk of host-{i} is full", "description": "less than 10 % of it is free",
                            "runbook_url": "https://runbooks.example/disk"},
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=node_filesystem_free_bytes&g0.tab=1"}


main()
