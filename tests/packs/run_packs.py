#!/usr/bin/env python3
"""The packs as their users load them: rules in promtool, routes in amtool, dashboards in a viewer, pages in a night at 3 a.m."""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from barotest import Program, Server, contains, equal, free_port, main, need, wait_until  # noqa: E402
import packlib  # noqa: E402
from packlib import NAMES, PACKS, ROOT, load  # noqa: E402


def run(*words, good=True):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, cwd=ROOT, stdin=subprocess.DEVNULL,
                          env={**os.environ, "GOGC": "400"})  # promtool collects garbage for a third of its time
    if good is not None:
        equal(done.returncode == 0, good, f"{' '.join(str(w) for w in words)}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout + done.stderr


# ---- alerts

# id, pack, alert, severity, for: as the four documents list them; "at once" where they list no duration.
ALERTS = """
O-A01 orfeas ApplicationDown critical 1m
O-A02 orfeas CriticalErrorRate critical 2m
O-A03 orfeas CriticalLatency critical 2m
O-A04 orfeas CriticalCPUUsage critical 2m
O-A05 orfeas CriticalMemoryUsage critical 2m
O-A06 orfeas PossibleDDoS critical 1m
O-A07 orfeas HighErrorRate warning 5m
O-A08 orfeas HighLatency warning 5m
O-A09 orfeas HighCPUUsage warning 5m
O-A10 orfeas HighMemoryUsage warning 5m
O-A11 orfeas HighGenerationFailureRate warning 5m
O-A12 orfeas LowDiskSpace warning 5m
E-A1 e2e3d HighCPUUsage warning 5m
E-A2 e2e3d HighAPILatency warning 5m
E-A3 e2e3d JobFailureRateHigh critical 15m
T-A1 orchestrator HighErrorRate critical 2m
T-A2 orchestrator HighLatency critical 5m
T-A3 orchestrator HighBackpressure critical 5m
T-A4 orchestrator QueueDepthHigh critical 2m
T-A5 orchestrator OrchestratorDown critical 1m
P-A1 pybase HighAPIErrorRate critical 5m
P-A2 pybase HighExtractionFailureRate warning 10m
P-A3 pybase HighDBErrorRate critical 5m
P-A4 pybase SlowAPI warning 5m
P-A5 pybase SlowExtraction warning 0s
P-A6 pybase SlowDBQueries warning 5m
P-A7 pybase PostgresPoolExhausted critical 0s
P-A8 pybase RedisMemoryHigh warning 0s
P-A9 pybase DiskSpaceLow critical 0s
P-A10 pybase TooManyWebSockets warning 0s
"""
LISTED_ALERTS = [line.split() for line in ALERTS.split("\n") if line]


def test_promtool_takes_every_file(build, work):
    promtool = need("promtool")
    run(promtool, "check", "rules", *[path for pack in NAMES for path in packlib.rule_files(pack)])
    for pack in NAMES:
        run(promtool, "check", "config", PACKS / pack / "prometheus.yml")
        alone = work / f"{pack}.yml"
        alone.write_text((PACKS / pack / "scrape.yml").read_text())
        run(promtool, "check", "config", alone)


def test_every_alert_fires_and_does_not(build, work):
    run(need("promtool"), "test", "rules", *[path for pack in NAMES for path in packlib.rule_tests(pack)])


def test_they_do_so_in_barograph(build, work):
    """The same cases with the windows of Prometheus 3, which leave their left end out."""
    run(build / "barograph", "test", "rules", *[path for pack in NAMES for path in packlib.rule_tests(pack)])


def test_alerts_are_as_listed(build, work):
    found = {(pack, rule["alert"]): rule for pack in NAMES for rule in packlib.rules(pack)}
    equal(set(found), {(pack, alert) for _, pack, alert, _, _ in LISTED_ALERTS}, "the alerts")
    for key, pack, alert, severity, hold in LISTED_ALERTS:
        for rule in [rule for rule in packlib.rules(pack) if rule["alert"] == alert]:
            equal((rule["labels"]["severity"], rule["labels"]["system"]), (severity, pack), f"{key} {alert}: labels")
            equal(packlib.seconds(rule.get("for", "0s")), packlib.seconds(hold), f"{key} {alert}: for")
            equal(set(rule["annotations"]), {"summary", "description", "action", "runbook_url"}, f"{key} {alert}: annotations")
    for pack in NAMES:
        names = [group["name"] for path in packlib.rule_files(pack) for group in load(path)["groups"]]
        equal([name for name in names if not name.startswith(f"{pack}_")], [], f"{pack}: groups named after the system")


def test_e2e3d_expressions_are_the_documents(build, work):
    wanted = {
        "HighCPUUsage": 'avg by(instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) < 0.1',
        "HighAPILatency": "histogram_quantile(0.95, sum(rate(api_request_duration_seconds_bucket[5m])) by (le)) > 1",
        "JobFailureRateHigh": "sum(rate(jobs_failed_total[1h])) / sum(rate(jobs_created_total[1h])) > 0.1",
    }
    equal({rule["alert"]: rule["expr"] for rule in packlib.rules("e2e3d")}, wanted, "E-A1..E-A3")


def test_every_alert_has_cases_of_both_kinds(build, work):
    """A firing case at exactly its duration after a silent one, and a silent one on the good side of the threshold."""
    for pack in NAMES:
        cases = {}
        for path in packlib.rule_tests(pack):
            for group in load(path)["tests"]:
                for case in group.get("alert_rule_test", []):
                    cases.setdefault(case["alertname"], []).append((group["name"], packlib.seconds(case["eval_time"]), bool(case["exp_alerts"])))
        for rule in packlib.rules(pack):
            mine = cases.get(rule["alert"], [])
            hold = packlib.seconds(rule.get("for", "0s"))
            edges = [at for name, at, fires in mine if fires
                     and (name, at - 15, False) in mine and (hold == 0 or (name, at - hold - 15, False) in mine or at - hold <= 15)]
            equal(bool(edges), True, f"{pack}/{rule['alert']}: a case that fires at its duration and is silent one evaluation before")
            equal(any(not fires for name, _, fires in mine), True, f"{pack}/{rule['alert']}: a silent case")


def test_every_recording_rule_has_a_case(build, work):
    for pack in NAMES:
        asked = " ".join(check["expr"] for path in packlib.rule_tests(pack) for group in load(path)["tests"] for check in group.get("promql_expr_test", []))
        equal([rule["record"] for rule in packlib.rules(pack, "record") if rule["record"] not in asked], [], f"{pack}: recording rules without a case")


def changed_threshold(expr, factor):
    return re.sub(r"([<>]) ([\d.]+)(?=\s*$| or db_pool| and redis| and extraction|\n)",
                  lambda found: f"{found[1]} {float(found[2]) * factor:.6g}" if float(found[2]) else found[0], expr.rstrip())


CHANGES = {
    "threshold up": lambda rule: rule.update(expr=changed_threshold(rule["expr"], 1.03)),
    "threshold down": lambda rule: rule.update(expr=changed_threshold(rule["expr"], 0.97)),
    "for longer": lambda rule: rule.update({"for": f"{packlib.seconds(rule.get('for', '0s')) + 15}s"}),
    "for shorter": lambda rule: rule.update({"for": f"{max(0, packlib.seconds(rule.get('for', '0s')) - 15)}s"}),
}


def write_changed(pack, change, folder):
    """The pack's rules, each changed, and their cases as they are; the names of the alerts that are different now."""
    (folder / "tests").mkdir(parents=True)
    different = set()
    for path in packlib.rule_files(pack):
        content = load(path)
        for rule in (rule for group in content["groups"] for rule in group["rules"] if "alert" in rule):
            before = (rule["expr"].strip(), packlib.seconds(rule.get("for", "0s")))
            change(rule)
            if before != (rule["expr"].strip(), packlib.seconds(rule.get("for", "0s"))):
                different.add(rule["alert"])
        (folder / path.name).write_text(yaml.safe_dump(content, width=1000))
    for path in packlib.rule_tests(pack):
        (folder / "tests" / path.name).write_text(path.read_text())
    return different


def unnoticed(build, work, what, pack):
    folder = work / what.replace(" ", "-") / pack
    different = write_changed(pack, CHANGES[what], folder)
    output = run(build / "barograph", "test", "rules", *sorted((folder / "tests").glob("*.yml")), good=None)
    missed = different - set(re.findall(r"alertname: (\w+)", output))
    if what.startswith("threshold"):
        # A quantile stays on its side when the threshold moves within a bucket; up has no value beside 0 and 1.
        of = {rule["alert"]: rule["expr"] for rule in packlib.rules(pack)}
        missed = {alert for alert in missed if "histogram_quantile" not in of[alert] and not of[alert].startswith("up{")}
    return [f"{what}: {pack}/{alert}" for alert in sorted(missed)]


def test_the_rule_tests_notice_every_change(build, work):
    """A threshold that is 3 % off, or a duration that is 15 s off, makes a case of that alert fail."""
    equal([row for what in CHANGES for pack in NAMES for row in unnoticed(build, work, what, pack)], [], "changes that no case noticed")


def test_runbooks(build, work):
    """Each alert leads to a section that says what it means, what is behind it, what to look at, and what to do."""
    for pack in NAMES:
        parts = packlib.sections((PACKS / pack / "README.md").read_text())
        for rule in packlib.rules(pack):
            page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            equal(page, f"packs/{pack}/README.md", f"{rule['alert']}: page")
            text = parts.get(anchor, "")
            for need_text in ("Meaning:", "Likely causes", "Fix:", "```promql"):
                contains(text, need_text, f"{pack}: {rule['alert']}: #{anchor}")


def test_runbooks_can_be_moved(build, work):
    """The line of docs/howto/packs.md that puts an address of one's own in front."""
    line = next(line for line in (ROOT / "docs/howto/packs.md").read_text().splitlines() if "runbook_url" in line and line.strip().startswith("sed"))
    script = re.search(r"'(s,.*?)'", line)[1]
    for path in packlib.rule_files("orfeas"):
        (work / path.name).write_text(path.read_text())
    run("sed", "-i", script, *work.glob("*.yml"))
    moved = load(work / "prometheus-rules.yml")["groups"][0]["rules"][0]["annotations"]["runbook_url"]
    equal(moved, "https://wiki.example.com/packs/orfeas/README.md#applicationdown", "moved")


# ---- notifications and scraping

RECEIVERS = {
    "orfeas": ("slack,webhook,email-alerts", "slack", {"email_configs", "slack_configs", "webhook_configs"}),
    "e2e3d": ("pagerduty,slack,webhook", "slack,email", {"email_configs", "slack_configs", "pagerduty_configs", "webhook_configs"}),
    "orchestrator": ("slack,email", "slack", {"email_configs", "slack_configs"}),
    "pybase": ("pagerduty,slack", "slack,email", {"email_configs", "slack_configs", "pagerduty_configs"}),
}


def test_alertmanager_files(build, work):
    amtool = need("amtool")
    for pack, (critical, warning, kinds) in RECEIVERS.items():
        path = PACKS / pack / "alertmanager.yml"
        run(amtool, "check-config", path)
        for severity, wanted in (("critical", critical), ("warning", warning)):
            run(amtool, "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={wanted}", f"system={pack}", f"severity={severity}")
        config = load(path)
        equal({kind for receiver in config["receivers"] for kind in receiver if kind != "name"}, kinds, f"{pack}: receivers")
        equal(config["global"]["smtp_smarthost"], "smtp.gmail.com:587", f"{pack}: smarthost")
        equal(any(rule["source_matchers"] == ['severity="critical"'] for rule in config["inhibit_rules"]), True, f"{pack}: critical over warning")


def test_no_secret_is_written_down(build, work):
    pattern = re.compile(r"(?i)^\s*[\w.]*(password|api_url|routing_key|token|secret|credentials)\s*[:=]\s*(\S.*)$", re.M)
    for path in sorted(PACKS.rglob("*")):
        if path.suffix in (".yml", ".yaml") or path.name == "Dockerfile":
            equal(pattern.findall(path.read_text()), [], str(path))
    for word in ("orfeas_admin_2025", "orfeas_monitoring_2025"):
        equal([str(path) for path in PACKS.rglob("*") if path.is_file() and word in path.read_text()], [], word)


TARGETS = {
    "orfeas": {"orfeas-backend": "host.docker.internal:5000", "orfeas-node": "node-exporter:9100", "orfeas-gpu": "host.docker.internal:9445"},
    "e2e3d": {"prometheus": "localhost:9090", "node_exporter": "node-exporter:9100", "cadvisor": "cadvisor:8080", "api": "api:5000",
              "reconstruction": "reconstruction:5001", "minio": "minio:9000"},
    "orchestrator": {"orchestrator": "orchestrator:9090"},
    "pybase": {"pybase-backend": "backend:8000", "pybase-extraction-worker": "extraction-worker:9090",
               "pybase-search-worker": "search-worker:9091", "pybase-postgres": "postgres_exporter:9187", "pybase-redis": "redis_exporter:9121"},
}


def test_scrape_files(build, work):
    """The documents' targets, and scrape.yml the same jobs on this host."""
    for pack, wanted in TARGETS.items():
        config = load(PACKS / pack / "prometheus.yml")
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        here = {job["job_name"]: job for job in load(PACKS / pack / "scrape.yml")["scrape_configs"]}
        got = {name: jobs[name]["static_configs"][0]["targets"][0] for name in wanted}
        equal(got, wanted, f"{pack}: targets")
        equal(set(jobs) - {"prometheus"}, set(here), f"{pack}: jobs of scrape.yml")
        for name, job in here.items():
            same = {key: value for key, value in job.items() if key != "static_configs"}
            equal(same, {key: value for key, value in jobs[name].items() if key != "static_configs"}, f"{pack}: {name}")
            port = lambda one: one["static_configs"][0]["targets"][0].split(":")[1]  # noqa: E731
            equal(port(job), port(jobs[name]), f"{pack}: {name}: port")
        equal(config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"], ["alertmanager:9093"], f"{pack}: O-P6, T-P6")
    equal(load(PACKS / "orfeas/scrape.yml")["scrape_configs"][0]["scrape_interval"], "10s", "O-P10")
    equal(load(PACKS / "pybase/scrape.yml")["scrape_configs"][0]["metrics_path"], "/api/v1/metrics", "P-F5")


def test_barograph_takes_the_configuration(build, work):
    for pack in NAMES:
        run(build / "barograph", "check", "config", PACKS / pack / "prometheus.yml")
    for pack in NAMES:  # what the README tells to write
        line = re.search(r"printf '(.*)' > (\S+)", (PACKS / pack / "README.md").read_text())
        (work / line[2]).write_text(line[1].replace("\\n", "\n").replace("packs/", f"{PACKS}/"))
        contains((work / line[2]).read_text(), "rule_files", pack)
        run(build / "barograph", "check", "config", "--strict", work / line[2])
    # Debian's promtool is built without discovery in Kubernetes; barograph knows the whole schema.
    inside = work / "kubernetes.yml"
    for name in ("token", "ca.crt"):
        (work / name).write_text("x")
    inside.write_text((PACKS / "e2e3d/scrape-kubernetes.yml").read_text().replace("/var/run/secrets/kubernetes.io/serviceaccount/", f"{work}/"))
    run(build / "barograph", "check", "config", inside)
    equal({job["job_name"] for job in load(PACKS / "e2e3d/scrape-kubernetes.yml")["scrape_configs"]} <= set(TARGETS["e2e3d"]), True, "the same job names")
    every = [str(PACKS / pack / "scrape.yml") for pack in NAMES]
    rules = [str(path) for pack in NAMES for path in packlib.rule_files(pack)]
    with Server(str(build / "barograph"), work, json.dumps({"scrape_config_files": every, "rule_files": rules})) as server:
        server.wait_ready()
        groups = [group["name"] for group in server.api("rules")["groups"]]
        equal((len(groups), len(set(groups))), (12, 12), f"groups of the four packs: {groups}")
        pools = {target["scrapePool"] for target in server.api("targets")["activeTargets"]}
        wanted = {job["job_name"] for path in every for job in load(pathlib.Path(path))["scrape_configs"]}
        equal(pools, wanted, "jobs of the four packs in one server")


def test_real_prometheus_runs_them(build, work):
    """It loads each pack's files unchanged, and evaluates every rule without an error."""
    prometheus = need("prometheus")
    for pack in NAMES:
        folder = work / pack
        (folder / "rules").mkdir(parents=True)
        for path in packlib.rule_files(pack):
            (folder / "rules" / path.name).write_text(path.read_text())
        config = (PACKS / pack / "prometheus.yml").read_text().replace("interval: 15s", "interval: 1s")
        with Server(prometheus, folder, config) as server:
            server.wait_ready()
            wait_until(f"{pack}: rules evaluated", lambda: evaluated(server), 20)  # noqa: B023
            rules = [rule for group in server.api("rules")["groups"] for rule in group["rules"]]
            equal([rule for rule in rules if rule["health"] == "err"], [], f"{pack}: rules with errors")
            equal(len(rules), len(packlib.rules(pack)) + len(packlib.rules(pack, "record")), f"{pack}: rules")


def evaluated(server):
    """All rules have been evaluated, but for those of groups that wait for minutes."""
    return all(rule["health"] != "unknown" for group in server.api("rules")["groups"] if group["interval"] < 60 for rule in group["rules"])


def test_real_alertmanager_routes_a_test_alert(build, work):
    """O-V9: an alert that is posted by hand reaches the receivers of its severity."""
    program = need("prometheus-alertmanager")
    for pack, (critical, warning, _) in RECEIVERS.items():
        port = free_port()
        alertmanager = Program([program, f"--config.file={PACKS / pack / 'alertmanager.yml'}", f"--storage.path={work}/{pack}",
                                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], work / f"{pack}.log")
        try:
            wait_until("ready", lambda: ask(port, "GET", "/-/ready")[0] == 200, 30)  # noqa: B023
            alerts = [{"labels": {"alertname": "Test", "system": pack, "severity": severity}} for severity in ("critical", "warning")]
            equal(ask(port, "POST", "/api/v2/alerts", alerts)[0], 200, f"{pack}: posted")
            got = {alert["labels"]["severity"]: {receiver["name"] for receiver in alert["receivers"]}
                   for alert in ask(port, "GET", "/api/v2/alerts")[1]}
            equal(got, {"critical": set(critical.split(",")), "warning": set(warning.split(","))}, f"{pack}: receivers")
        finally:
            alertmanager.stop()


def ask(port, method, path, body=None):
    """(status, JSON) of a request to a program on this host; status 0 while it does not answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers={"Content-Type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in (b"[", b"{") else text
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, None


# ---- containers

def test_compose_files(build, work):
    retention = {"orfeas": "30d", "pybase": "15d", "orchestrator": "15d", "e2e3d": "15d"}
    for pack, name in packlib.COMPOSE.items():
        compose = load(PACKS / pack / name)
        services = compose["services"]
        contains(" ".join(services["prometheus"]["command"]), f"--storage.tsdb.retention.time={retention[pack]}", f"{pack}: retention")
        for service, body in services.items():
            for mount in body.get("volumes", []):
                source = mount.split(":")[0]
                if source.startswith("./") and not source.startswith("./secrets/"):
                    equal((PACKS / pack / source).exists(), True, f"{pack}: {service}: {source}")
                elif not source.startswith(("/", "./")):
                    equal(source in compose["volumes"], True, f"{pack}: {service}: volume {source}")
            for secret in body.get("secrets", []):
                equal(secret in compose["secrets"], True, f"{pack}: {service}: secret {secret}")
            for port in body.get("ports", []):
                equal(port.startswith("127.0.0.1:"), True, f"{pack}: {service}: {port} is for this host alone")
        for service in ("prometheus", "alertmanager", "grafana"):
            equal("healthcheck" in services[service], True, f"{pack}: {service}: health check")
        wanted = set(re.findall(r"/etc/alertmanager/secrets/([\w-]+)$", (PACKS / pack / "alertmanager.yml").read_text(), re.M))
        mounted = {mount.split(":")[0].rsplit("/", 1)[1] for mount in services["alertmanager"]["volumes"] if "secrets" in mount}
        equal(mounted, wanted, f"{pack}: secrets that Alertmanager reads")
    orfeas = load(PACKS / "orfeas/docker-compose-monitoring.yml")["services"]
    equal(orfeas["alertmanager"]["container_name"], "orfeas-alertmanager", "O-P9")
    equal(orfeas["grafana"]["ports"], ["127.0.0.1:3001:3000"], "C-01: the example with 3001")
    equal(load(PACKS / "pybase/docker-compose.yml")["services"]["prometheus"]["container_name"], "pybase-prometheus", "P: container")


def test_grafana_and_kubernetes_files(build, work):
    for pack in NAMES:
        source = load(next((PACKS / pack).glob("grafana-datasource*.yml")))["datasources"][0]
        equal((source["type"], source["isDefault"]), ("prometheus", True), f"{pack}: data source")
        provider = load(PACKS / pack / "grafana-dashboards.yml")["providers"][0]
        compose = (PACKS / pack / packlib.COMPOSE[pack]).read_text()
        contains(compose, f"./dashboards:{provider['options']['path']}:ro", f"{pack}: dashboards are where the provider looks")
    goal = re.search(r"ninja -C build (\S+)", (PACKS / "orchestrator/Dockerfile").read_text())[1]
    equal(not (build / "examples/orchestrator").exists() or (build / goal).exists(), True, f"Dockerfile: {goal} is what the build makes")
    kinds = {part["kind"]: part for part in yaml.safe_load_all((PACKS / "orchestrator/kubernetes.yaml").read_text())}
    equal(set(kinds), {"Deployment", "Service"}, "kubernetes.yaml")
    container = kinds["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    equal(container["readinessProbe"]["httpGet"]["path"], "/health", "probe")
    equal(kinds["Service"]["spec"]["selector"], kinds["Deployment"]["spec"]["selector"]["matchLabels"], "selector")


# ---- ids

def spread(text):
    """O-M01..47 E-A1..3 ... as a set of ids."""
    found = set()
    for word in text.split():
        head, _, last = word.partition("..")
        stem, first = re.fullmatch(r"(.*?)(\d+)", head).groups()
        found |= {f"{stem}{number:0{len(first)}d}" for number in range(int(first), int(last or first) + 1)}
    return found


IDS = {
    "orfeas": "O-M01..47 O-F01..12 O-D01..06 O-D10 O-D20 O-D30 O-D40 O-D50 O-D60 O-A01..12 O-N1..3 O-T1 O-P1..14 O-L1..5 O-V1..10 O-Q2 O-Q4 O-Q6 O-R1..7",
    "e2e3d": "E-M01..18 E-D1..5 E-A1..3 E-P1..10",
    "orchestrator": "T-M1..6 T-F1..5 T-F7 T-D1..9 T-A1..5 T-P1..8",
    "pybase": "P-M1..12 P-F1..5 P-D1..4 P-A1..10",
}


def has_place(pack, name, place):
    path = PACKS / pack / name
    if path.name == "catalog.yaml":
        content = load(path)
        found = set(packlib.metrics(content)) | {helper["name"] for helper in content.get("helpers", [])}
        return place in found or ":" in place and place in path.read_text()
    if path.parent.name == "rules" and place != "groups:":
        return any(rule.get("alert") == place for group in load(path)["groups"] for rule in group["rules"])
    if path.suffix == ".json" and ":" not in place:
        board = json.loads(path.read_text())
        return place in {panel["title"] for panel in board["panels"]} | {board["title"]}
    return place in path.read_text() or place in " ".join(path.read_text().split())


def test_every_id_has_its_place(build, work):
    for pack, wanted in IDS.items():
        rows = [line.split("\t") for line in (PACKS / pack / "ids.tsv").read_text().splitlines() if not line.startswith("#")]
        equal(spread(wanted) - {key for key, _, _ in rows}, set(), f"{pack}: ids without a place")
        equal([row for row in rows if not has_place(pack, row[1], row[2])], [], f"{pack}: places that are not there")
        source = packlib.catalog(pack)
        declared = {(metric["id"], name) for name, metric in packlib.metrics(source).items()}
        declared |= {(helper["id"], helper["name"]) for helper in source["helpers"] if "id" in helper}
        equal(declared - {(key, place) for key, _, place in rows}, set(), f"{pack}: ids of the catalogue")
        page = (PACKS / pack / "README.md").read_text()
        for key, name in declared:
            contains(page, f"| {key} | `{name}", f"{pack}: table of the README")


# id -> name and labels, in order, of the documents' tables; what is not here has no labels.
LABELS = {
    "orfeas": "O-M01 method endpoint status|O-M02 method endpoint|O-M05 endpoint|O-M06 type endpoint|O-M07 field error_type|O-M08 endpoint|"
              "O-M09 art_style status|O-M11 format quality status|O-M13 format status|O-M14 type|O-M15 type reason|O-M17 gpu_id|O-M18 gpu_id type|"
              "O-M19 core|O-M20 type|O-M21 path type|O-M23 type|O-M24 type|O-M25 name version|O-M31 stage|O-M32 grade|O-M33 repair_type|"
              "O-M34 stage issue_type|O-M35 threshold|O-M38 cache_type|O-M39 cache_type|O-M40 client_type|O-M41 event_type|O-M42 error_type|"
              "O-M44 stage|O-M45 stage error_type|O-M46 query_type|O-M47 type",
    "e2e3d": "E-M01 method endpoint status|E-M02 method endpoint|E-M07 component status|E-M08 stage dataset_type|E-M09 stage|E-M10 dataset_type|"
             "E-M11 dataset_type|E-M12 stage error_type",
    "orchestrator": "T-M1 stage|T-M2 stage|T-M3 stage|T-M4 stage|T-M5 stage error_type|T-M6 worker_type",
    "pybase": "P-M1 method endpoint status|P-M2 method endpoint|P-M3 task_type status|P-M4 task_type|P-M5 operation|P-M6 operation status",
}


def test_catalogues_have_the_listed_labels(build, work):
    for pack, text in LABELS.items():
        wanted = {row.split()[0]: row.split()[1:] for row in text.split("|")}
        source = packlib.catalog(pack)
        for name, metric in packlib.metrics(source).items():
            if re.fullmatch(r"O-M\d+|E-M(0\d|1[0-2])|T-M\d|P-M[1-7]", metric["id"]):
                equal(list(metric.get("labels") or {}), wanted.get(metric["id"], []), f"{metric['id']} {name}")
    buckets = {name: metric.get("buckets") for name, metric in packlib.metrics(packlib.catalog("pybase")).items()}
    equal(buckets["http_request_duration_seconds"], [.005, .01, .025, .05, .075, .1, .25, .5, 1, 2.5, 5, 7.5, 10], "P-M2, C-38")
    equal(buckets["extraction_duration_seconds"], [1, 5, 10, 30, 60, 120, 300, 600], "P-M4")
    equal(buckets["db_query_duration_seconds"], [.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5], "P-M5")
    for name, metric in packlib.metrics(packlib.catalog("orfeas")).items():
        if name.endswith("duration_seconds") and not name.startswith("db_"):
            equal(metric["buckets"][-1] >= 300, True, f"C-37: {name}")


if __name__ == "__main__":
    main(globals())
