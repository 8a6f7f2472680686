#!/usr/bin/env python3
"""100,000 alerts in 1,000 groups: memory, and how late the groups are told after their group_wait.

usage: bench/bench_alerting.py BUILD [ALERTS [GROUPS]]
"""

import http.server
import json
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Server, wait_until  # noqa: E402

WAIT = 15
CONFIG = """
route: {{receiver: hook, group_by: [team], group_wait: {wait}s, group_interval: 1m}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/', max_alerts: 10}}]}}]
inhibit_rules: [{{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [host]}}]
"""


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    alerts = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    groups = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000
    told = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            told.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        (work / "am.yml").write_text(CONFIG.format(wait=WAIT, port=hook.server_address[1]))
        with Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / 'am.yml'}") as server:
            server.wait_ready()
            begin = memory(server)
            first = time.monotonic()
            for at in range(0, alerts, 2_000):
                body = json.dumps([alert(i, groups) for i in range(at, min(at + 2_000, alerts))]).encode()
                status, _, answer = server.get("/api/v2/alerts", {"Content-Type": "application/json"}, "POST", body)
                assert status == 200, answer
            posted = time.monotonic() - first
            posted_memory = memory(server)
            wait_until("all groups told", lambda: len(told) >= groups, 180)
            peak = max(posted_memory, memory(server))
            due = first + WAIT
            print(f"{alerts} alerts in {groups} groups: posted and on the disk in {posted:.1f} s ({alerts / posted:,.0f}/s)")
            print(f"resident: {begin / 1e6:.0f} MB before, {posted_memory / 1e6:.0f} MB with all alerts, {peak / 1e6:.0f} MB after the flush")
            print(f"notifications: first {told[0] - due:+.2f} s, last {told[groups - 1] - due:+.2f} s after the first group's time "
                  f"({posted:.1f} s of it the alerts took to come)")
            print(f"flush: {groups} notifications within {told[groups - 1] - told[0]:.2f} s")
    hook.shutdown()


def alert(i, groups):
    return {"labels": {"alertname": "DiskFull", "team": f"team-{i % groups}", "host": f"host-{i}", "severity": "warning", "job": "node",
                       "instance": f"10.0.{i // 250 % 250}.{i % 250}:9100", "device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"},
            "annotations": {"summary": f"the disk of host-{i} is full", "description": "less than 10 % of it is free",
                            "runbook_url": "https://runbooks.example/disk"},
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=node_filesystem_free_bytes&g0.tab=1"}


def memory(server):
    text = pathlib.Path(f"/proc/{server.program.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


main()
