#!/usr/bin/env python3
"""Every alert of the packs orfeas (O-A01..O-A12) and e2e3d (E-A1..E-A3), fired for real: services with faults, a real
Prometheus, the packs' own rules with their windows and durations made short. It takes two minutes and all cores, so
`make test` leaves it out: tests/examples_studio/alerts.py BUILD
"""

import contextlib
import http.client
import json
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
import exampletest as ex  # noqa: E402
from barotest import ROOT, Program, equal, free_port, main, need  # noqa: E402

LIMIT_S = 100
WINDOW = "20s"


def short_rules(pack: str, name: str, work: pathlib.Path) -> set[str]:
    """Writes the pack's rules with short windows; returns the alerts' names."""
    text = (ROOT / "packs" / pack / "rules" / name).read_text()
    text = re.sub(r"\[(1m|5m|1h)\]", f"[{WINDOW}]", text)
    text = re.sub(r"\bfor: \d+m", "for: 0s", text)
    (work / "rules.yml").write_text(text)
    return set(re.findall(r"- alert: (\w+)", text))


def fire(work: pathlib.Path, wanted: set[str], jobs: dict[str, list[int]], users: list) -> None:
    """Lets users work until all wanted alerts have fired, or it is too late."""
    port = free_port()
    targets = "".join(f"  - job_name: {job}\n    static_configs: [{{targets: {[f'127.0.0.1:{p}' for p in ports]}}}]\n"
                      for job, ports in jobs.items())
    (work / "prometheus.yml").write_text("global: {scrape_interval: 2s, evaluation_interval: 2s}\nrule_files: [rules.yml]\n"
                                         f"scrape_configs:\n{targets}")
    program = Program([need("prometheus"), f"--config.file={work / 'prometheus.yml'}", f"--storage.tsdb.path={work / 'tsdb'}",
                       f"--web.listen-address=127.0.0.1:{port}"], work / "prometheus.log")
    end = time.monotonic() + LIMIT_S
    fired: dict[str, int] = {}

    def repeat(user) -> None:
        while time.monotonic() < end and not wanted <= set(fired):
            with contextlib.suppress(OSError, http.client.HTTPException, AssertionError, KeyError, ValueError):
                user()
            time.sleep(0.2)

    for user in users:
        threading.Thread(target=repeat, args=(user,), daemon=True).start()
    try:
        while time.monotonic() < end and not wanted <= set(fired):
            time.sleep(1)
            with contextlib.suppress(OSError, http.client.HTTPException):
                conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                conn.request("GET", "/api/v1/alerts")
                for alert in json.loads(conn.getresponse().read())["data"]["alerts"]:
                    if alert["state"] == "firing":
                        fired.setdefault(alert["labels"]["alertname"], round(LIMIT_S - (end - time.monotonic())))
                conn.close()
    finally:
        program.stop()
    print("fired after seconds:", json.dumps(fired))
    equal(wanted - set(fired), set(), "alerts that did not fire")


def test_orfeas(build: pathlib.Path, work: pathlib.Path) -> None:
    wanted = short_rules("orfeas", "prometheus-rules.yml", work)
    equal(len(wanted), 12)
    with ex.Service(build, work, "studio/studio", "--data=a", "--rate=0", "--disk-quota=20", "--memory-limit=140",
                    "--drain=0", "--fault=slow-http:32", "--fault=errors", "--fault=memory-ballast:128",
                    "--fault=disk-fill", "--fault=cpu-burn") as slow, \
            ex.Service(build, work, "studio/studio", "--data=b", "--rate=0", "--fault=errors:0.3",
                       "--fault=fail-stage:mesh_export=0.6") as failing, \
            ex.Service(build, work, "studio/studio", "--data=c", "--fault=crash:15") as crashing:
        image: list[str] = []

        def generate() -> None:
            if not image:
                image.append(json.loads(failing.call("POST", "/api/upload-image", ex.disk(48))[2])["image_id"])
            failing.post("/api/generate-3d", image_id=image[0], quality="draft", relief_mm=1 + time.time() % 20, wait=5)

        users = [lambda: slow.post("/api/text-to-image", prompt="x")] * 30 + [generate]
        fire(work, wanted - {"PossibleDDoS"}, {"orfeas-backend": [slow.port, failing.port, crashing.port]}, users)
    # By itself: the many quick refusals of a flood are 95 % of all requests, so they hide the slow ones.
    with ex.Service(build, work, "studio/studio", "--data=d", "--rate=5", "--fault=flood:80") as flooded:
        fire(work, {"PossibleDDoS"}, {"orfeas-backend": [flooded.port]}, [])


def test_e2e3d(build: pathlib.Path, work: pathlib.Path) -> None:
    wanted = short_rules("e2e3d", "alert_rules.yml", work)
    equal(len(wanted), 3)
    node_port = free_port()
    node = Program([need("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}"], work / "node.log")
    try:
        with ex.Service(build, work, "reconstruction/reconstruction", "--fault=slow-http:1.5", "--fault=cpu-burn",
                        "--fault=fail-stage:meshing=0.5") as api:
            def ask() -> None:
                api.post("/api/job", {"synthetic": {"shape": "sphere", "views": 4}, "resolution": 16})

            fire(work, wanted, {"api": [api.port], "node_exporter": [node_port]}, [ask, ask])
    finally:
        node.stop()


if __name__ == "__main__":
    main(globals())
