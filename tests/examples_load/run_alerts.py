#!/usr/bin/env python3
"""The faults of the orchestrator and of the extraction service make the alerts of their packs true, by the packs' own expressions.

What a fault cannot reach in a test's time is shortened: windows of minutes are 10 s, ten minutes of extraction one second.
Usage: tests/examples_load/run_alerts.py BUILD [NAME...]
"""

import contextlib
import json
import pathlib
import re
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "packs"), str(HERE.parent / "examples_common"), str(HERE.parent / "examples_extraction")]
from barotest import Server, equal, free_port, main, wait_until  # noqa: E402
from exampletest import Service  # noqa: E402
import packlib  # noqa: E402
import samples  # noqa: E402


class Users:
    """Threads that call their functions over and over, until the end of the block."""

    def __init__(self, *calls):
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=[call], daemon=True) for call in calls]

    def run(self, call):
        number = 0
        while not self.ending.wait(0.1):
            with contextlib.suppress(OSError, ValueError, KeyError):
                call(number)
            number += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(20)


def expressions(pack, name):
    """Of the alerts of that name, with times that fit."""
    found = [rule["expr"] for rule in packlib.rules(pack) if rule["alert"] == name]
    equal(len(found) >= 1, True, f"{pack}: {name} is in the pack")
    return [re.sub(r"> 600\b", "> 1", re.sub(r"\[\d+m\]", "[10s]", expr)) for expr in found]


def await_alerts(build, work, pack, jobs, names):
    """Scrapes the jobs, {job: (port, path)}, until any expression of each alert is true."""
    config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [
        {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, (port, path) in jobs.items()]}
    with Server(str(build / "barograph"), work, json.dumps(config)) as server:
        server.wait_ready()
        for name in names:
            wait_until(f"{pack}: {name}", lambda: any(server.query(expr) for expr in expressions(pack, name)), 30, 0.2)  # noqa: B023


def test_T_A1_to_T_A5(build, work):
    with Service(build, work, "orchestrator/orchestrator", "--fault=failing-stage:post=0.3", "--fault=shedding:50", "--drain=0.1") as bad, \
            Service(build, work, "orchestrator/orchestrator", "--fault=flooded-queue:2000", "--queue=3000", "--fault=slow-stage:stream=5.2",
                    "--drain=0.1") as slow:
        # The floods of the faults are load enough.
        await_alerts(build, work, "orchestrator", {"orchestrator": (bad.port, "/metrics")}, ["HighErrorRate", "HighBackpressure"])
        await_alerts(build, work, "orchestrator", {"orchestrator": (slow.port, "/metrics")}, ["QueueDepthHigh", "HighLatency"])
        # "down" has no port at all: the job's target is one that nobody listens on.
        await_alerts(build, work, "orchestrator", {"orchestrator": (free_port(), "/metrics")}, ["OrchestratorDown"])


def test_P_A1_to_P_A7_and_P_A10(build, work):
    worker, search = free_port(), free_port()
    with Service(build, work, "extraction/extraction", f"--data={work}/bad", f"--worker-listen=127.0.0.1:{worker}", "--search-listen=127.0.0.1:0",
                 "--fault=api-errors:0.3", "--fault=db-errors:0.2", "--fault=extraction-failures:0.5", "--fault=slow-api:1.2", "--fault=slow-db:0.6",
                 "--fault=slow-extraction:2", "--fault=websockets:1001", "--connections=1300", "--workers=4") as bad, \
            Service(build, work, "extraction/extraction", f"--data={work}/empty", "--worker-listen=127.0.0.1:0",
                    f"--search-listen=127.0.0.1:{search}", "--fault=pool-exhausted") as empty:
        def user(i):
            bad.call("POST", f"/api/v1/documents?name=plan{i}.dxf", samples.dxf(f"door {i} {threading.get_ident()}"))
            bad.call("GET", "/api/v1/documents")

        with Users(*[user] * 4):
            await_alerts(build, work, "pybase", {"pybase-backend": (bad.port, "/api/v1/metrics"), "pybase-extraction-worker": (worker, "/metrics")},
                         ["TooManyWebSockets", "HighAPIErrorRate", "HighDBErrorRate", "SlowAPI", "SlowDBQueries", "SlowExtraction",
                          "HighExtractionFailureRate"])
        await_alerts(build, work, "pybase", {"pybase-backend": (empty.port, "/api/v1/metrics")}, ["PostgresPoolExhausted"])


if __name__ == "__main__":
    main(globals())
