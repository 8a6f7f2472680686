#!/usr/bin/env python3
"""Each pack's alerts through their whole life, by nothing but `barograph demo --fault`: pending, firing, told to a receiver, and told to be over once
the faults have ended. Prints a table of seconds since the demo's start of the round. Rules and routes are the packs', with times divided by 60, 30 or 20.

A warning that its critical sister inhibits is told in a round of its own, whose faults are too small for the sister. Busy processors, a full disk and extractions
of ten minutes are simulated by the services (their faults say so), so that the alerts end on a machine that is busy. It takes ten minutes and all cores, so
`make test` leaves it out (tests/cli/run_demo.py goes this way with one alert): tests/packs/alerts_cycle.py BUILD [ROUND...]
"""

import contextlib
import http.client
import json
import pathlib
import re
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE.parent / "examples_common"), str(HERE.parent / "examples_extraction")]
from barotest import ROOT, Program, Skip, equal, free_port, main, wait_until  # noqa: E402
from exampletest import disk  # noqa: E402
from run_alerts import Users  # noqa: E402
import packlib  # noqa: E402
import samples  # noqa: E402

LIMIT_S = 400  # of one round
STAGES = ("pending", "firing", "notified", "resolved")
table: dict[tuple[str, str], dict[str, float]] = {}  # of all rounds
seen: dict[tuple[str, str], dict[str, float]] = {}  # {(system, alert): {stage: second}}
inhibited: set[tuple[str, str]] = set()


class Demo:
    def __init__(self, build, work, fault_s, hurry, *faults):
        self.port = free_port()
        work.chmod(0o755)
        self.begin = time.monotonic()
        self.rows = set()  # of the history, that were seen
        self.program = Program([str(build / "barograph"), "demo", f"--data={work}/demo", f"--web.listen-address=127.0.0.1:{self.port}", "--interval=500ms",
                                f"--hurry={hurry}", f"--fault-for={fault_s}s", *(f"--fault={fault}" for fault in faults)], work / "demo.log", cwd=ROOT)
        wait_until("started", lambda: "Ctrl-C" in self.program.text() or self.program.process.poll() is not None, 120)
        equal(self.program.process.poll(), None, self.program.text())

    def service(self, name):
        return int(re.search(rf"^{name} +http://127\.0\.0\.1:(\d+)/", self.program.text(), re.M)[1])

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return json.load(answer)

    def look(self):
        """Notes what is new about each alert."""
        now = round(time.monotonic() - self.begin, 1)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
                seen.setdefault((alert["labels"]["system"], alert["labels"]["alertname"]), {}).setdefault(alert["state"], now)
            for alert in self.get("/api/v2/alerts?active=false&silenced=false&inhibited=true"):
                if alert["status"]["inhibitedBy"]:
                    inhibited.add((alert["labels"]["system"], alert["labels"]["alertname"]))
            for row in reversed(self.get("/api/v1/notifications/history?limit=1000")["data"]):
                name = re.search(r'alertname="(\w+)", system="(\w+)"', row["groupKey"].rsplit("{", 1)[-1])
                identity = (row["time"], row["receiver"], row["groupKey"], row["status"])
                if name and row["outcome"] == "ok" and identity not in self.rows:
                    self.rows.add(identity)
                    stages = seen.setdefault((name[2], name[1]), {})
                    if row["status"] == "firing":
                        stages.setdefault("notified", now)
                        stages.pop("resolved", None)
                    elif "notified" in stages:
                        stages.setdefault("resolved", now)

    def has(self, alerts, stages):
        self.look()
        return all(stage in seen.get(key, {}) for key in alerts for stage in stages)


def post(port, path, body, kind="application/json"):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        conn.request("POST", path, body, {"Content-Type": kind})
        answer = conn.getresponse()
        return json.loads(answer.read() or b"{}")
    finally:
        conn.close()


def users(demo, drawers):
    """More work than the demo's own users make, so that shares and rates are soon what they are. Many drawers are more than the rate limit allows,
    unless each has to wait for its answer."""
    studio, reconstruction, extraction = (demo.service(name) for name in ("studio", "reconstruction", "extraction"))
    image = []

    def draw(_):
        post(studio, "/api/text-to-image", json.dumps({"prompt": "x"}))

    def model(number):
        if not image:
            image.append(post(studio, "/api/upload-image", disk(48), "image/png")["image_id"])
        post(studio, "/api/generate-3d", json.dumps({"image_id": image[0], "quality": "draft", "relief_mm": 1 + number % 20, "wait": 5}))

    def job(_):
        post(reconstruction, "/api/job", json.dumps({"synthetic": {"shape": "sphere", "views": 4}, "resolution": 16}))

    def document(number):
        post(extraction, f"/api/v1/documents?name=plan{number}.dxf", samples.dxf(f"door {number} {time.monotonic_ns()}"), "application/octet-stream")

    def draw_in_turn(number_of_user):
        def call(number):
            time.sleep(0.7 * number_of_user if number == 0 else 0)
            draw(number)
        return call

    return Users(*map(draw_in_turn, range(drawers)), model, job, document, document, is_patient=False)


def life(build, work, fault_s, faults, alerts, hurry=60, drawers=4, stages=("pending", "firing", "notified")):
    """One round. An alert without `for` is never pending. What is slow needs longer windows, so that requests end in each."""
    quick = {(rule["labels"]["system"], rule["alert"]) for pack in packlib.NAMES for rule in packlib.rules(pack) if "for" not in rule}
    seen.clear()
    inhibited.clear()
    demo = Demo(build, work, fault_s, hurry, *faults)
    try:
        for key in alerts & quick:
            seen.setdefault(key, {})["pending"] = 0
        with users(demo, drawers), contextlib.suppress(RuntimeError):
            wait_until("all told", lambda: demo.has(alerts - inhibited, stages), fault_s + 60, 1)
        wait_until("the faults' end", lambda: demo.look() or "without its faults" in demo.program.text(), fault_s + 60, 1)
        with contextlib.suppress(RuntimeError):
            told = {key for key in alerts if "notified" in seen.get(key, {})}
            wait_until("all over", lambda: demo.has(told, ("resolved",)), LIMIT_S, 1)
        demo.look()
    finally:
        demo.program.stop()
    for key in sorted(alerts):
        print("  " + line(key, seen.get(key, {})) + (" inhibited meanwhile" if key in inhibited else ""), flush=True)
        if len(seen.get(key, {})) > len(table.get(key, {})):
            table[key] = dict(seen[key])
    missing = {key for key in alerts if not set(seen.get(key, {})) >= set(STAGES)}
    equal(missing - inhibited, set(), "alerts that did not go all the way")


def line(key, stages):
    return f"{key[0]:12} {key[1]:26} " + " ".join(f"{stage} {stages.get(stage, '-')!s:6}" for stage in STAGES)


def of(system, *names):
    return {(system, name) for name in names}


def test_round_1_errors(build, work):
    life(build, work, 70, ["studio=errors", "studio=memory-ballast", "studio=disk-fill", "orchestrator=failing-stage:post=0.3", "orchestrator=shedding:50",
                           "reconstruction=slow-http:1.5", "reconstruction=fail-stage:meshing=0.5", "extraction=api-errors:0.3",
                           "extraction=db-errors:0.2", "extraction=extraction-failures:0.5", "extraction=websockets:1001"],
         of("orfeas", "CriticalErrorRate", "HighErrorRate", "CriticalMemoryUsage", "HighMemoryUsage", "LowDiskSpace") | of("orchestrator", "HighErrorRate", "HighBackpressure") |
         of("e2e3d", "HighAPILatency", "JobFailureRateHigh") |
         of("pybase", "HighAPIErrorRate", "HighDBErrorRate", "HighExtractionFailureRate", "TooManyWebSockets"))


def test_round_2_slowness(build, work):
    life(build, work, 90, ["studio=slow-http:8", "orchestrator=flooded-queue:2000", "orchestrator=slow-stage:stream=6",
                           "extraction=slow-api:1.5", "extraction=slow-db:0.6"],
         of("orfeas", "HighLatency") | of("orchestrator", "QueueDepthHigh", "HighLatency") | of("pybase", "SlowAPI", "SlowDBQueries"), hurry=30, drawers=12)


def test_round_3_exhaustion(build, work):
    life(build, work, 120, ["studio=slow-http:35", "orchestrator=down", "extraction=pool-exhausted", "extraction=redis-memory"],
         of("orfeas", "CriticalLatency") | of("orchestrator", "OrchestratorDown") | of("pybase", "PostgresPoolExhausted", "RedisMemoryHigh"), hurry=20, drawers=12)


def test_round_4_flood_and_busy_cores(build, work):
    life(build, work, 50, ["studio=flood:80", "studio=busy-cpu", "reconstruction=busy-host", "extraction=low-disk", "extraction=aged-extraction"],
         of("orfeas", "PossibleDDoS", "CriticalCPUUsage", "HighCPUUsage") | of("e2e3d", "HighCPUUsage") | of("pybase", "DiskSpaceLow", "SlowExtraction"))


def test_round_5_a_crash(build, work):
    life(build, work, 50, ["studio=crash:15"], of("orfeas", "ApplicationDown"))


def test_round_6_generations(build, work):
    life(build, work, 50, ["studio=fail-stage:mesh_export=0.9"], of("orfeas", "HighGenerationFailureRate"), drawers=0)


def test_round_7_warnings_alone(build, work):
    life(build, work, 60, ["studio=errors:0.03", "studio=memory-ballast:220", "studio=busy-cpu:90"],
         of("orfeas", "HighErrorRate", "HighMemoryUsage", "HighCPUUsage"), drawers=1)


def test_the_whole_table(build, work):
    """When all rounds have run: every alert of every pack has gone all the way."""
    if len(sys.argv) > 2:
        raise Skip("only when all rounds have run")
    alerts = {(rule["labels"]["system"], rule["alert"]) for pack in packlib.NAMES for rule in packlib.rules(pack)}
    print(f"  {'pack':12} {'alert':26} " + " ".join(f"{stage:9}" for stage in STAGES))
    for key in sorted(alerts):
        stages = table.get(key, {})
        print(f"  {key[0]:12} {key[1]:26} " + " ".join(f"{stages.get(stage, '-')!s:9}" for stage in STAGES), flush=True)
    equal({key for key in alerts if not set(table.get(key, {})) >= set(STAGES)}, set(), "alerts that did not go all the way")


if __name__ == "__main__":
    main(globals())
