#!/usr/bin/env python3
"""Every alert of every pack fires, because of a fault: services with --fault, exporters, and the packs' own rules in barograph.

Only times are shortened, so that it takes a minute: windows of minutes and hours are 10 s, `for` is a second, ten minutes of extraction one second. Thresholds are
the packs'. (tests/packs/alerts_slow.py does the same for two packs with longer windows in a real Prometheus; `make test` leaves it out.)

Usage: tests/packs/run_alerts.py BUILD [NAME...]
"""

import contextlib
import json
import os
import pathlib
import re
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE.parent / "examples_common"), str(HERE.parent / "examples_extraction"), str(HERE.parent / "exporter")]
from barotest import Program, Server, Skip, equal, free_port, main, need, wait_until  # noqa: E402
from exampletest import LISTENING, Service, disk  # noqa: E402
import packlib  # noqa: E402
from run_exporters import Exporter  # noqa: E402
import samples  # noqa: E402
import servers  # noqa: E402

LIMIT_S = 120
fired: dict[str, set[str]] = {pack: set() for pack in packlib.NAMES}


class Users:
    """Threads that call their functions over and over, until the end of the block."""

    def __init__(self, *calls, is_patient=True):
        self.is_patient = is_patient  # else they are left to their last call, which its service ends
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
            thread.join(60 if self.is_patient else 0)


def short_rules(pack):
    """The pack's alert rules with times that fit."""
    groups = []
    for number, path in enumerate(packlib.rule_files(pack)):
        for group in packlib.load(path)["groups"]:
            rules = [rule for rule in group["rules"] if "alert" in rule]
            for rule in rules:
                rule["expr"] = re.sub(r"> 600\b", "> 1", re.sub(r"\[\d+[mh]\]", "[10s]", rule["expr"]))
                rule.pop("keep_firing_for", None)
                if "for" in rule:
                    rule["for"] = "1s"
            groups.append({"name": f"{group['name']}-{number}", "rules": rules})
    return json.dumps({"groups": groups})


class Watch:
    """barograph with the pack's rules over these jobs, {job: (port, path)}."""

    def __init__(self, build, work, pack, jobs):
        self.pack = pack
        name = f"watch-{time.monotonic_ns()}"
        (work / f"{name}-rules.yml").write_text(short_rules(pack))
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
                  "rule_files": [f"{name}-rules.yml"], "scrape_configs": [
                      {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                      for job, (port, path) in jobs.items()]}
        self.server = Server(str(build / "barograph"), work, json.dumps(config), name=name)

    def __enter__(self):
        self.server.wait_ready()
        return self

    def __exit__(self, *whatever):
        self.server.__exit__(*whatever)

    def await_fired(self, *names):
        """Until each alert has fired at least once."""
        def look():
            fired[self.pack] |= {alert["labels"]["alertname"] for alert in self.server.api("alerts")["alerts"] if alert["state"] == "firing"}
            return set(names) <= fired[self.pack]
        try:
            wait_until(f"{self.pack}: {names}", look, LIMIT_S, 0.2)
        except RuntimeError as late:
            raise RuntimeError(f"{late}; missing {set(names) - fired[self.pack]}") from None


def test_O_A01_to_O_A12(build, work):
    studio = "studio/studio"

    def watch(port, *names):
        with Watch(build, work, "orfeas", {"orfeas-backend": (port, "/metrics")}) as seen:
            seen.await_fired(*names)

    def in_turn(after_s):
        """A user who begins so late: a rate needs requests that end one after another."""
        def call(number):
            time.sleep(after_s if number == 0 else 0)
            slow.post("/api/text-to-image", prompt="x")
        return call

    with Service(build, work, studio, "--data=slow", "--rate=0", "--drain=0", "--fault=slow-http:32") as slow, \
            Users(*map(in_turn, range(8)), is_patient=False), \
            Watch(build, work, "orfeas", {"orfeas-backend": (slow.port, "/metrics")}) as latency:
        # While those requests take their 32 s:
        watch(free_port(), "ApplicationDown")
        with Service(build, work, studio, "--data=short", "--rate=0", "--drain=0", "--disk-quota=20", "--memory-limit=140", "--fault=memory-ballast:128",
                     "--fault=disk-fill", "--fault=errors") as short, \
                Users(*[lambda _: short.post("/api/text-to-image", prompt="x")] * 4):
            watch(short.port, "CriticalErrorRate", "HighErrorRate", "CriticalMemoryUsage", "HighMemoryUsage", "LowDiskSpace")
        with Service(build, work, studio, "--data=failing", "--rate=0", "--fault=fail-stage:mesh_export=0.6") as failing:
            image = json.loads(failing.call("POST", "/api/upload-image", disk(48))[2])["image_id"]
            with Users(lambda i: failing.post("/api/generate-3d", image_id=image, quality="draft", relief_mm=1 + i % 20, wait=5)):
                watch(failing.port, "HighGenerationFailureRate")
        with Service(build, work, studio, "--data=flooded", "--rate=5", "--fault=flood:80") as flooded:
            watch(flooded.port, "PossibleDDoS")
        with Service(build, work, studio, "--data=busy", "--drain=0", "--fault=cpu-burn") as busy:
            watch(busy.port, "CriticalCPUUsage", "HighCPUUsage")
        latency.await_fired("CriticalLatency", "HighLatency")


def test_E_A1_to_E_A3(build, work):
    with Service(build, work, "reconstruction/reconstruction", "--fault=slow-http:1.5", "--fault=cpu-burn", "--fault=fail-stage:meshing=0.5") as api, \
            Exporter(build, work, "node") as node, \
            Users(*[lambda _: api.post("/api/job", {"synthetic": {"shape": "sphere", "views": 4}, "resolution": 16})] * 2), \
            Watch(build, work, "e2e3d", {"api": (api.port, "/metrics"), "node_exporter": (node.port, "/metrics")}) as seen:
        seen.await_fired("HighCPUUsage", "HighAPILatency", "JobFailureRateHigh")


def test_T_A1_to_T_A5(build, work):
    program = "orchestrator/orchestrator"
    with Service(build, work, program, "--fault=failing-stage:post=0.3", "--fault=shedding:50", "--drain=0.1") as bad, \
            Service(build, work, program, "--fault=flooded-queue:2000", "--queue=3000", "--fault=slow-stage:stream=5.2", "--drain=0.1") as slow:
        # The floods of the faults are load enough. "Down" has no port at all: its target is one that nobody listens on.
        for port, names in ((bad.port, ["HighErrorRate", "HighBackpressure"]), (slow.port, ["QueueDepthHigh", "HighLatency"]),
                            (free_port(), ["OrchestratorDown"])):
            with Watch(build, work, "orchestrator", {"orchestrator": (port, "/metrics")}) as seen:
                seen.await_fired(*names)


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

        with Users(*[user] * 4), Watch(build, work, "pybase", {"pybase-backend": (bad.port, "/api/v1/metrics"),
                                                               "pybase-extraction-worker": (worker, "/metrics")}) as seen:
            seen.await_fired("TooManyWebSockets", "HighAPIErrorRate", "HighDBErrorRate", "SlowAPI", "SlowDBQueries", "SlowExtraction",
                             "HighExtractionFailureRate")
        with Watch(build, work, "pybase", {"pybase-backend": (empty.port, "/api/v1/metrics")}) as seen:
            seen.await_fired("PostgresPoolExhausted")


def test_P_A8_by_redis_own_figures(build, work):
    with servers.Redis(work, "--maxmemory", "12mb") as redis, \
            Service(build, work, "extraction/extraction", f"--data={work}/data", "--worker-listen=127.0.0.1:0", "--search-listen=127.0.0.1:0",
                    f"--redis=redis://127.0.0.1:{redis.port}", "--fault=redis-memory:0.85"), \
            Exporter(build, work, "redis", f"--redis.addr=redis://127.0.0.1:{redis.port}") as exporter, \
            Watch(build, work, "pybase", {"pybase-redis": (exporter.port, "/metrics")}) as seen:
        seen.await_fired("RedisMemoryHigh")


def test_P_A7_by_postgresql_s_own_figures(build, work):
    """The database's connections, not the application's pool: that holds 12 of 16, its workers and the exporter three."""
    fired["pybase"].discard("PostgresPoolExhausted")
    with servers.Postgres(work, "max_connections=16", "superuser_reserved_connections=1") as postgres, \
            Service(build, work, "extraction/extraction", f"--data={work}/data", "--worker-listen=127.0.0.1:0", "--search-listen=127.0.0.1:0",
                    f"--database={postgres.url}", "--db-pool=12", "--workers=1", "--fault=pool-exhausted:1"), \
            Exporter(build, work, "postgres", f"--uri={postgres.url}") as exporter, \
            Watch(build, work, "pybase", {"pybase-postgres": (exporter.port, "/metrics")}) as seen:
        seen.await_fired("PostgresPoolExhausted")


def test_P_A9_a_full_disk(build, work):
    """A file system of the test's own, of 16 MB, in a mount namespace that the service and the exporter share: nobody else's disk is touched."""
    need("unshare"), need("nsenter")
    overlay = "mount -t tmpfs -o size=16m small {0} && mkdir {0}/low {0}/up {0}/work {0}/disk && " \
              "mount -t overlay -o lowerdir={0}/low,upperdir={0}/up,workdir={0}/work disk {0}/disk && exec \"$@\""
    (work / "mnt").mkdir()
    exporter = Program(["unshare", "-Urm", "sh", "-c", overlay.format(work / "mnt"), "sh", str(build / "barograph"), "export", "node",
                        "--web.listen-address=127.0.0.1:0", "--collector.filesystem.fs-types-exclude=^(proc|sysfs|tmpfs|ext4|cgroup2?|devpts|devtmpfs)$"],
                       work / "export.log")
    service = None
    try:
        def port_of(program):
            found = LISTENING.search(program.text())
            if not found and program.process.poll() is not None:
                raise Skip(f"no mounts of one's own here: {program.text().strip()}")
            return int(found[1]) if found else 0
        wait_until("the exporter", lambda: port_of(exporter), 20)
        service = Program(["nsenter", "-t", str(exporter.process.pid), "-U", "-m", "--preserve-credentials", f"--wd={work}",
                           str(build / "examples" / "extraction" / "extraction"), "--listen=127.0.0.1:0", "--worker-listen=127.0.0.1:0",
                           "--search-listen=127.0.0.1:0", f"--data={work}/mnt/disk/data", "--fault=disk-fill"], work / "service.log")
        wait_until("the service", lambda: re.search(r"extraction: listening on port (\d+)", service.text()) or service.process.poll() is not None, 30)
        equal((service.process.poll(), "no effect" in service.text()), (None, False), service.text())
        with Watch(build, work, "pybase", {"pybase-node": (port_of(exporter), "/metrics")}) as seen:
            seen.await_fired("DiskSpaceLow")
    finally:
        if service:
            service.stop()
        exporter.stop()


def test_a_large_disk_is_not_filled(build, work):
    status = os.statvfs(work)
    if status.f_blocks * status.f_frsize <= 1 << 30:
        raise Skip("the disk here is small")
    with Service(build, work, "extraction/extraction", f"--data={work}/data", "--worker-listen=127.0.0.1:0", "--search-listen=127.0.0.1:0",
                 "--fault=disk-fill") as service:
        wait_until("it says so", lambda: "would harm others" in service.program.text(), 20)


def test_all_alerts_were_seen(build, work):
    """When all of the tests above have run: no alert of a pack was left out. (What needs a server or a mount that is not here has said so itself.)"""
    if len(sys.argv) > 2:
        raise Skip("only when all have run")
    skipped = {"DiskSpaceLow", "RedisMemoryHigh", "PostgresPoolExhausted"} - fired["pybase"]
    equal({pack: sorted({rule["alert"] for rule in packlib.rules(pack)} - fired[pack] - skipped) for pack in packlib.NAMES},
          {pack: [] for pack in packlib.NAMES}, "alerts that did not fire")


if __name__ == "__main__":
    main(globals())
