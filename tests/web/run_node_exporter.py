#!/usr/bin/env python3
"""Node Exporter Full over Debian's node exporter, with every collector that works here: what the exporter serves is drawn, all of it."""

import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from run_fixed import browse  # noqa: E402
from weblib import NODE_EXPORTER_FULL, need_ui  # noqa: E402
from barotest import Program, Server, Skip, free_port, main, need, wait_until  # noqa: E402

# One asks a time server, another ends the exporter where the kernel keeps its counters to itself, and two are for services that are not there.
NOT_HERE = {"ntp", "perf", "runit", "supervisord"}
CONFIG = """
global: {scrape_interval: 2s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ['127.0.0.1:%(exporter)d']}]
- job_name: built-in
  metrics_path: /host/metrics
  static_configs: [{targets: ['127.0.0.1:%(own)d']}]
"""


def exporter(work: pathlib.Path, port: int) -> Program:
    program = need("prometheus-node-exporter")
    usage = subprocess.run([program, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, stdin=subprocess.DEVNULL).stdout
    collectors = set(re.findall(r"^ *--collector\.([a-z_0-9]+) ", usage, re.M)) - NOT_HERE
    return Program([program, f"--web.listen-address=127.0.0.1:{port}", "--collector.netstat.fields=.*", "--collector.vmstat.fields=.*",
                    *(f"--collector.{name}" for name in sorted(collectors))], work / "exporter.log")


def served(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def test_node_exporter_full(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    if not NODE_EXPORTER_FULL.exists():
        raise Skip(f"{NODE_EXPORTER_FULL} is not there")
    port, own = free_port(), free_port()
    boards = work / "boards"
    boards.mkdir()
    shutil.copy(NODE_EXPORTER_FULL, boards)
    theirs = exporter(work, port)
    try:
        wait_until("the node exporter", lambda: served(port) != "", 60)
        with Server(str(build / "barograph"), work, CONFIG % {"exporter": port, "own": own}, f"--dashboards.path={boards}", port=own) as server:
            server.wait_ready()
            wait_until("data of both", lambda: len(server.query("count by (job) (rate(node_cpu_seconds_total[10s] offset 20s))")) == 2, 180)
            text = served(port)
            failed = re.findall(r'^node_scrape_collector_success\{collector="(.*)"\} 0$', text, re.M)
            names = set(re.findall(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]", text, re.M))
            print(f"  {len(names)} metrics; collectors that find nothing here: {', '.join(failed) or 'none'}")
            browse("exporter.mjs", f"http://127.0.0.1:{own}", f"http://127.0.0.1:{port}/metrics")
    finally:
        theirs.stop()


if __name__ == "__main__":
    main(globals())
