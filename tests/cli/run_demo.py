#!/usr/bin/env python3
"""`barograph demo`: the services, their users, databases and exporters, and a server whose panels all have data; and nobody stays behind.

Usage: tests/cli/run_demo.py BUILD [NAME...]
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "packs"), str(HERE.parent / "examples_common"), str(HERE.parent / "examples_extraction")]
from barotest import ROOT, Program, Server, Skip, contains, equal, free_port, main, need, wait_until  # noqa: E402
import packlib  # noqa: E402

SERVICES = ["studio", "reconstruction", "orchestrator", "extraction", "load", "objectstore"]
# What each job of the packs needs beside the services; all of it is on Debian's test machines.
INSTALLED = {"redis": shutil.which("redis-server") is not None, "postgres": any(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))}
JOBS = sorted(["airflow", "api", "barograph", "cadvisor", "minio", "minio-bucket", "node_exporter", "orchestrator", "orfeas-backend", "orfeas-gpu",
               "orfeas-node", "pybase-backend", "pybase-cadvisor", "pybase-extraction-worker", "pybase-node", "pybase-search-worker",
               "reconstruction", *(f"pybase-{name}" for name, there in INSTALLED.items() if there)])
# What cannot have data after a minute: the past. And what needs a server that is not installed.
ABSENT = re.compile("|".join([r"offset 1[dw]", *(part for name, part in (("redis", "redis_"), ("postgres", "pg_")) if not INSTALLED[name])]))

# Both of its parsers, each on what it is given for its format.
PARSE = """import sys, urllib.request
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
for url in sys.argv[1:]:
    for kind, read in (("text/plain", parser), ("application/openmetrics-text;version=1.0.0", openmetrics)):
        answer = urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": kind}))
        if kind.split(";")[0] in answer.headers["Content-Type"]:
            assert len(list(read.text_string_to_metric_families(answer.read().decode()))) > 1, url
"""


class Demo:
    """The program, and questions to its server."""

    def __init__(self, build, work, *flags):
        self.port = free_port()
        work.chmod(0o755)  # root runs PostgreSQL as another user, who goes through here
        self.program = Program([str(build / "barograph"), "demo", f"--data={work}/demo", f"--web.listen-address=127.0.0.1:{self.port}",
                                "--interval=500ms", *flags], work / "demo.log", cwd=ROOT)

    def query(self, expr):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            conn.request("POST", "/api/v1/query", "query=" + "".join(f"%{b:02x}" for b in expr.encode()),
                         {"Content-Type": "application/x-www-form-urlencoded"})
            return json.loads(conn.getresponse().read()).get("data", {}).get("result", [])
        finally:
            conn.close()

    def rules(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            conn.request("GET", "/api/v1/rules")
            return json.loads(conn.getresponse().read())["data"]["groups"]
        finally:
            conn.close()

    def values(self, expr):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            return [float(row["value"][1]) for row in self.query(expr)]
        return []

    def jobs_up(self):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            return sorted(row["metric"]["job"] for row in self.query("up == 1"))
        return []


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        with contextlib.suppress(OSError):
            one = todo.pop()
            children = [int(child) for child in pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split()]
            found += children
            todo += children
    return found


def is_alive(pid):
    with contextlib.suppress(OSError):
        return " Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    return False


def check_rules(demo):
    """Every rule of the packs is evaluated, without an error. (A group with a long interval has its first turn later.)"""
    wanted = {rule.get("alert", rule.get("record")) for pack in packlib.NAMES for kind in ("alert", "record") for rule in packlib.rules(pack, kind)}
    groups = demo.rules()
    equal({rule["name"] for group in groups for rule in group["rules"]}, wanted, "rules")

    def unfinished():
        return [(rule["name"], rule["health"], rule.get("lastError")) for group in demo.rules() for rule in group["rules"]
                if rule["health"] != ("unknown" if group["interval"] > 60 and rule["health"] == "unknown" else "ok")]
    wait_until("all rules are evaluated", lambda: not [row for row in unfinished() if row[1] == "unknown"], 90, 1)
    equal(unfinished(), [], "rules that are not well")


def check_alert(demo):
    """The fault's alert was pending, then fired, was told to each receiver of its route, ended with the fault, and that was told too."""
    def told(status):
        return re.findall(rf"^notified (slack|mail) .*HighErrorRate.*{status}|^notified (slack|mail) .*{status}.*HighErrorRate.*orchestrator",
                          demo.program.text(), re.M | re.I)
    for state in ("pending", "firing"):
        wait_until(state, lambda: demo.values(f'max_over_time(ALERTS{{alertname="HighErrorRate",system="orchestrator",alertstate="{state}"}}[10m])'), 60, 0.5)  # noqa: B023
    wait_until("told to Slack and by mail", lambda: {kind for pair in told("firing") for kind in pair if kind} == {"slack", "mail"}, 60, 0.5)
    wait_until("the fault's end", lambda: "orchestrator     is without its faults now" in demo.program.text(), 90, 0.5)
    wait_until("no alert", lambda: not demo.values('ALERTS{alertname="HighErrorRate",system="orchestrator"}'), 60, 0.5)
    wait_until("told to be over", lambda: {kind for pair in told("resolved") for kind in pair if kind} == {"slack", "mail"}, 60, 0.5)
    port = re.search(r"^notifications +http://127\.0\.0\.1:(\d+)/", demo.program.text(), re.M)[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        contains(answer.read().decode(), "HighErrorRate (resolved)", "the inbox's page")


def test_all_of_it_runs_and_every_panel_has_data(build, work):
    if not all((build / "examples" / name / name).exists() for name in SERVICES):
        raise Skip("not all example services are built")
    demo = Demo(build, work, "--hurry=30", "--fault=orchestrator=failing-stage:post=0.5", "--fault-for=40s")
    try:
        wait_until("all targets up", lambda: demo.jobs_up() == JOBS, 120, 0.2)
        text = demo.program.text()
        for name in ("studio", "reconstruction-worker", "reconstruction", "orchestrator", "extraction"):
            equal(bool(re.search(rf"^{name} +http://127\.0\.0\.1:\d+/$", text, re.M)), True, f"URL of {name}")
        wait_until("the fault is passed on", lambda: demo.values('orchestrator_errors_total{stage="post"}') not in ([], [0.0]), 60, 0.2)
        every = [(pack, where, expr) for pack in packlib.NAMES for where, expr in packlib.board_expressions(pack) if "annotation" not in where]
        missing = [row for row in every if not ABSENT.search(row[2])]
        equal(len(every) - len(missing) <= 5 or not all(INSTALLED.values()), True, f"{len(missing)} of {len(every)} queries")

        def none_missing():
            missing[:] = [row for row in missing if not any(value == value for value in demo.values(row[2]))]
            return not missing

        with contextlib.suppress(RuntimeError):
            wait_until("data in every panel", none_missing, 240, 1)
        equal(missing, [], "queries without data")
        check_rules(demo)
        check_alert(demo)
        family = descendants(demo.program.process.pid)
        equal(len(family) >= 18, True, f"{len(family)} processes")
    finally:
        equal(demo.program.stop(signal.SIGINT, 90), 0, "exit status")
    equal([pid for pid in family if is_alive(pid)], [], "who stayed behind")


def test_debian_s_prometheus_and_python_read_the_same(build, work):
    """The demo's own configuration in a real Prometheus: all targets up, and not one warning; each exposition in Python's client."""
    prometheus = need("prometheus")
    if not all((build / "examples" / name / name).exists() for name in SERVICES):
        raise Skip("not all example services are built")
    demo = Demo(build, work)
    try:
        wait_until("all targets up", lambda: demo.jobs_up() == JOBS, 120, 0.2)
        config = packlib.load(work / "demo" / "prometheus.yml")
        del config["scrape_config_files"]  # newer than Debian's release: the jobs go into the one file
        config.pop("rule_files", None)
        for path in sorted((work / "demo" / "scrape").glob("*.yml")):
            config["scrape_configs"] += packlib.load(path)["scrape_configs"]
        with Server(prometheus, work, json.dumps(config), name="real") as real:
            real.wait_ready()
            wait_until("all targets up there", lambda: sorted(dict(labels)["job"] for labels in real.query("up == 1")) == JOBS, 90, 0.2)
            time.sleep(2)
            faults = [line for line in real.program.text().splitlines() if "level=warn" in line or "level=error" in line]
            equal(faults, [], "warnings of Prometheus")
            urls = [target["scrapeUrl"] for target in real.api("targets")["activeTargets"]]
        done = subprocess.run(["/usr/bin/python3", "-c", PARSE, *urls], capture_output=True, text=True, timeout=60)
        if "No module named" in done.stderr:
            raise Skip("python3-prometheus-client is not installed")
        equal((done.returncode, done.stderr), (0, ""), "python3-prometheus-client")
    finally:
        equal(demo.program.stop(signal.SIGINT, 90), 0, "exit status")


def test_children_end_with_a_parent_that_is_killed(build, work):
    if not all((build / "examples" / name / name).exists() for name in SERVICES):
        raise Skip("not all example services are built")
    demo = Demo(build, work, "--no-load")
    wait_until("started", lambda: "Ctrl-C" in demo.program.text(), 120)
    family = descendants(demo.program.process.pid)
    equal(len(family) >= 8, True, f"{len(family)} processes")
    os.kill(demo.program.process.pid, signal.SIGKILL)
    demo.program.process.wait(10)
    wait_until("all ended", lambda: not [pid for pid in family if is_alive(pid)], 60)


def test_wrong_usage_teaches(build, work):
    for arguments, part in ((["--fault=nonsense"], "SERVICE=FAULT"), (["--fault=nobody=x"], "studio, reconstruction"),
                            (["--examples=/nowhere"], "/nowhere"), (["--packs=/nowhere"], "/nowhere"), (["--nonsense"], "unknown flag"),
                            (["--web.listen-address=x"], "HOST:PORT"), (["--hurry=0"], "from 1 to"), (["--fault-for=x"], "duration")):
        done = subprocess.run([str(build / "barograph"), "demo", f"--data={work}/demo", *arguments], capture_output=True, text=True, timeout=60,
                              cwd=ROOT)
        equal(done.returncode, 2, str(arguments))
        contains(done.stderr, part, str(arguments))


def test_a_service_that_refuses_its_fault_is_named(build, work):
    if not (build / "examples" / "studio" / "studio").exists():
        raise Skip("the studio is not built")
    done = subprocess.run([str(build / "barograph"), "demo", f"--data={work}/demo", "--fault=studio=nonsense"], capture_output=True, text=True,
                          timeout=60, cwd=ROOT)
    equal(done.returncode, 1, done.stderr)
    contains(done.stderr, "studio: it ended at once: see ", "which, and where to look")


if __name__ == "__main__":
    main(globals())
