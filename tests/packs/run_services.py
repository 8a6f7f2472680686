#!/usr/bin/env python3
"""The packs over the example services, all in one server: each panel draws what the services really tell, and nothing mixes."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE.parent / "examples_common"), str(HERE.parent / "examples_extraction")]
from barotest import Server, Skip, equal, free_port, main, wait_until  # noqa: E402
from exampletest import Service, disk  # noqa: E402
import packlib  # noqa: E402
from packlib import PACKS  # noqa: E402
import samples  # noqa: E402

LOAD_S = 4


class Load(threading.Thread):
    """Calls `once(i)` until it is told to end; a service may refuse, that is what some faults are for."""

    def __init__(self, once, pause_s: float):
        super().__init__(daemon=True)
        self.once, self.pause_s, self.ending = once, pause_s, threading.Event()

    def run(self):
        number = 0
        while not self.ending.wait(self.pause_s):
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.once(number)
            number += 1


def studio(stack, build, work):
    """The studio, its load, and {job: (port, path)}."""
    service = stack.enter_context(Service(build, work, "studio/studio", f"--data={work}/studio", "--gpu=simulated", "--rate=25", "--burst=12",
                                          "--fault=fail-stage:mesh_export=0.7"))

    def once(i):
        _, _, body = service.call("POST", "/api/upload-image", disk(32, inside=(i % 200, 90, 200)), {"Content-Type": "image/png"})
        service.post("/api/text-to-image", prompt=f"dragon {i % 3}", art_style="cartoon", wait=5)
        for _ in range(3):
            service.post("/api/generate-3d", image_id=json.loads(body).get("image_id", ""), format=["stl", "obj", "glb"][i % 3], quality="draft", wait=10)
        for _ in range(8 if i % 4 == 0 else 0):  # more than the limit allows
            service.post("/api/generate-3d", image_id="none")
    return once, {"orfeas-backend": (service.port, "/metrics")}


def orchestrator(stack, build, work):
    service = stack.enter_context(Service(build, work, "orchestrator/orchestrator", "--fault=failing-stage:post=0.3", "--fault=shedding:50"))
    return (lambda i: service.post("/v1/prompt", prompt=f"what is a queue {i}?")), {"orchestrator": (service.port, "/metrics")}


def extraction(stack, build, work):
    worker, search = free_port(), free_port()
    service = stack.enter_context(Service(build, work, "extraction/extraction", f"--worker-listen=127.0.0.1:{worker}", f"--search-listen=127.0.0.1:{search}",
                                          f"--data={work}/extraction", "--fault=extraction-failures:0.4", "--fault=db-errors:0.1", "--fault=api-errors:0.2"))

    def once(i):
        service.call("POST", f"/api/v1/documents?name=plan{i}.dxf", samples.dxf(f"door {i}"))
        service.call("GET", "/api/v1/documents")
        service.call("GET", "/api/v1/search?q=door")
    return once, {"pybase-backend": (service.port, "/api/v1/metrics"), "pybase-extraction-worker": (worker, "/metrics"),
                  "pybase-search-worker": (search, "/metrics")}


def reconstruction(stack, build, work):
    service = stack.enter_context(Service(build, work, "reconstruction/reconstruction", "--fault=fail-stage:meshing=0.5"))

    def once(i):
        shape, views = [("sphere", 12), ("cube", 8)][i % 2]
        service.post("/api/job", {"synthetic": {"shape": shape, "views": views}, "resolution": 24, "dataset_type": ["object", "vessel"][i % 2]})
        service.call("GET", "/api/health")
        service.call("GET", "/api/jobs")
    return once, {"api": (service.port, "/metrics")}


SERVICES = {"e2e3d": ("reconstruction/reconstruction", reconstruction), "orfeas": ("studio/studio", studio),
            "orchestrator": ("orchestrator/orchestrator", orchestrator), "pybase": ("extraction/extraction", extraction)}
# What the faults above make true, by the expressions as they are but for a window that fits in a test.
ALERTS = {"e2e3d": {"JobFailureRateHigh"}, "orfeas": {"HighGenerationFailureRate"}, "orchestrator": {"HighErrorRate", "HighBackpressure"},
          "pybase": {"HighAPIErrorRate", "HighExtractionFailureRate", "HighDBErrorRate"}}
# A system at rest in these respects: the test lifts no WebSocket and waits for no disconnect.
QUIET = re.compile(r"websocket_(connection_duration|messages)")


def own_queries(pack):
    """The queries that name metrics of the pack's own catalogue only, and do not look back days."""
    foreign = set(packlib.series(packlib.catalog("exporters")))
    for where, expr in packlib.board_expressions(pack):
        names = set(re.findall(r"[a-zA-Z_:][\w:]*", expr))
        if not names & foreign and "offset" not in expr and "annotation" not in where and not QUIET.search(expr):
            yield where, expr


def has_number(server, expr):
    return any(row["value"][1] != "NaN" for row in server.api("query", query=expr)["result"])


def without_data(server, pack, limit_s=30):
    """The queries that have found nothing until the limit."""
    end, left = time.monotonic() + limit_s, list(own_queries(pack))
    while left and time.monotonic() < end:
        left = [(where, expr) for where, expr in left if not has_number(server, expr)]
        time.sleep(1 if left else 0)
    return left


def check_catalogue(build, pack, port, path):
    done = subprocess.run([str(build / "barograph"), "check", "metrics", f"--catalog={PACKS / pack / 'catalog.yaml'}", f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, timeout=30)
    equal(done.returncode, 0, f"{pack}: {path}: {done.stdout}{done.stderr}")


def check_rules(server, pack):
    """barograph evaluates every rule of the pack without an error, and what the faults make true is at least pending."""
    wanted = {rule["alert"] for rule in packlib.rules(pack)} | {rule["record"] for rule in packlib.rules(pack, "record")}

    def rules():
        return [rule for group in server.api("rules")["groups"] if group["name"].startswith(f"{pack}_") for rule in group["rules"]]
    equal({rule["name"] for rule in rules()}, wanted, f"{pack}: rules")
    equal([rule for rule in rules() if rule["health"] == "err"], [], f"{pack}: rules with errors")

    def active():
        return {alert["labels"]["alertname"] for alert in server.api("alerts")["alerts"] if alert["labels"]["system"] == pack}
    wait_until(f"{pack}: {ALERTS[pack]} are pending or firing", lambda: ALERTS[pack] <= active(), 30, 0.5)


def test_panels_and_alerts_over_real_services(build, work):
    packs = [pack for pack, (binary, _) in SERVICES.items() if (build / "examples" / binary).exists()]
    if not packs:
        raise Skip("no example service is built")
    with contextlib.ExitStack() as stack:
        loads, jobs = [], {}
        for pack in packs:
            once, found = SERVICES[pack][1](stack, build, work)
            loads.append(Load(once, 0.25))
            jobs[pack] = found
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [
            {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for found in jobs.values() for job, (port, path) in found.items()],
                  "rule_files": [str(path) for pack in packs for path in packlib.rule_files(pack)]}
        config["global"]["evaluation_interval"] = "1s"
        server = stack.enter_context(Server(str(build / "barograph"), work, json.dumps(config)))
        server.wait_ready()
        for load in loads:
            load.start()
        time.sleep(LOAD_S)
        wait_until("all targets up", lambda: all(target["health"] == "up" for target in server.api("targets")["activeTargets"]), 20)
        for pack in packs:
            equal(without_data(server, pack), [], f"{pack}: panels without data")
            for alert in ALERTS[pack]:
                expr = re.sub(r"\[\d+[mh]\]", "[10s]", next(rule["expr"] for rule in packlib.rules(pack) if rule["alert"] == alert))
                wait_until(f"{pack}: {alert} is true", lambda: server.api("query", query=expr)["result"], 30, 0.5)  # noqa: B023
            check_rules(server, pack)
            for port, path in jobs[pack].values():
                check_catalogue(build, pack, port, path)
        for load in loads:
            load.ending.set()
        for load in loads:
            load.join(30)


if __name__ == "__main__":
    main(globals())
