#!/usr/bin/env python3
"""Rule files, their unit tests and their evaluation through the program, beside the conformance data and Prometheus."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import ROOT, Server, Skip, contains, equal, free_port, main, need, wait_until  # noqa: E402

DATA = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared")) / "conformance" / "promtool"


def run(build, folder, *words):
    done = subprocess.run([str(build / "barograph"), *words], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def faults(build, command, name):
    """The cases of a folder whose verdict is another one than the manifest's."""
    folder = DATA / name
    if not folder.exists():
        raise Skip("no conformance data for rules")
    found = []
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        args = case.get("global_args", []) + case.get("args", [])
        status, output = run(build, folder, command, "rules", *args, case["file"])
        missing = [text for text in case.get("errors", []) if text not in output]
        if (status == 0) != (case["expect"] == "pass") or status != case.get("exit", status) or missing:
            found.append((case, status, output))
    return found


def test_check_rules_gives_the_verdicts(build, work):
    for name in ("check-rules", "rulefmt", "rule-fixtures"):
        equal(faults(build, "check", name), [], name)


def test_unit_tests_give_the_verdicts(build, work):
    for name in ("test-rules", "own-test-rules"):
        equal(faults(build, "test", name), [], name)


def test_packs_pass_their_unit_tests(build, work):
    files = sorted((ROOT / "packs").glob("*/rules/tests/*.yml"))
    equal(len(files) > 0, True, "there are tests")
    for test in files:
        equal(run(build, test.parent, "test", "rules", test.name)[0], 0, str(test.relative_to(ROOT)))


RULES = """groups:
- name: base
  interval: 1s
  rules:
  - {record: 'job:up:sum', expr: 'sum by (job) (up)', labels: {source: recorded}}
  - {record: 'two', expr: '{__name__=~"up|scrape_samples_scraped"} * 0'}
- name: alerts
  interval: 1s
  labels: {team: ops}
  rules:
  - alert: SelfIsUp
    expr: job:up:sum{job="self"} == 1
    for: 2s
    labels: {severity: page, region: '{{ $externalLabels.region }}'}
    annotations: {summary: '{{ $labels.job }} is {{ $value | humanize }} at {{ $externalURL }}'}
  - alert: Never
    expr: vector(1) > 2
"""

def config(port):
    return (f"global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{region: eu}}}}\n"
            f"rule_files: ['*.rules.yml']\n"
            f"scrape_configs:\n- job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n")


def groups(server, **params):
    return server.api("rules", **params)["groups"]


def rule(server, name):
    return next(rule for group in groups(server) for rule in group["rules"] if rule["name"] == name)


def test_serve_evaluates_rules(build, work):
    (work / "a.rules.yml").write_text(RULES)
    port = free_port()
    with Server(str(build / "barograph"), work, config(port), "--web.external-url=http://graphs.example", port=port) as server:
        server.wait_ready()
        wait_until("the alert fires", lambda: rule(server, "SelfIsUp")["state"] == "firing")
        equal([(g["name"], g["interval"], g["limit"], [r["name"] for r in g["rules"]]) for g in groups(server)],
              [("alerts", 1, 0, ["SelfIsUp", "Never"]), ("base", 1, 0, ["job:up:sum", "two"])], "groups")
        alert = rule(server, "SelfIsUp")
        equal((alert["type"], alert["health"], alert["duration"], alert["labels"]["team"]), ("alerting", "ok", 2, "ops"), "rule")
        active = alert["alerts"][0]
        equal(active["labels"], {"alertname": "SelfIsUp", "job": "self", "region": "eu", "severity": "page",
                                 "source": "recorded", "team": "ops"}, "labels of the alert")
        equal(active["annotations"], {"summary": "self is 1 at http://graphs.example"}, "annotations")
        equal((active["state"], active["value"]), ("firing", "1e+00"), "state and value")
        equal(server.api("alerts")["alerts"][0]["labels"], active["labels"], "alerts")
        equal(rule(server, "Never")["state"], "inactive", "the other alert")
        failing = rule(server, "two")
        equal((failing["health"], failing["type"]), ("err", "recording"), "a rule that fails")
        contains(failing["lastError"], "same labelset", "its error")
        firing = server.query('ALERTS{alertname="SelfIsUp",alertstate="firing"}')
        equal(list(firing.values()), [1.0], "ALERTS")
        equal(len(server.query('ALERTS_FOR_STATE{alertname="SelfIsUp"}')), 1, "ALERTS_FOR_STATE")
        equal(list(server.query('job:up:sum{source="recorded"}').values()), [1.0], "recorded")
        equal([g["name"] for g in groups(server, type="record")], ["base"], "type=record")
        equal([g["name"] for g in groups(server, **{"rule_name[]": "Never"})], ["alerts"], "rule_name[]")
        equal([g["name"] for g in groups(server, **{"match[]": '{severity="page"}'})], ["alerts"], "match[]")
        page = server.api("rules", group_limit="1")
        equal([g["name"] for g in page["groups"]], ["alerts"], "the first page")
        page = server.api("rules", group_limit="1", group_next_token=page["groupNextToken"])
        equal(([g["name"] for g in page["groups"]], page.get("groupNextToken")), (["base"], None), "the last page")


def normal(answer):
    """What must be alike in two answers about rules: all but times and durations."""
    left_out = {"evaluationTime", "lastEvaluation", "activeAt"}
    if isinstance(answer, dict):
        return {key: normal(value) for key, value in answer.items() if key not in left_out}
    return [normal(item) for item in answer] if isinstance(answer, list) else answer


def test_same_answers_as_prometheus(build, work):
    (work / "a.rules.yml").write_text(RULES.replace("  labels: {team: ops}\n", ""))  # 2.42 has no labels of groups
    port = free_port()
    url = "--web.external-url=http://graphs.example"
    with Server(str(build / "barograph"), work, config(port), url, port=port) as ours, \
            Server(need("prometheus"), work, config(port), url, name="prometheus") as theirs:
        for server in (ours, theirs):
            server.wait_ready()
            wait_until("the alert fires", lambda: rule(server, "SelfIsUp")["state"] == "firing")
            wait_until("the failing rule failed", lambda: rule(server, "two")["health"] == "err")
        equal(normal(groups(ours)), normal(groups(theirs)), "/api/v1/rules")
        equal(normal(ours.api("alerts")), normal(theirs.api("alerts")), "/api/v1/alerts")
        for expr in ("ALERTS", "job:up:sum", "count(ALERTS_FOR_STATE)"):
            equal(ours.query(expr), theirs.query(expr), expr)


def test_reload_keeps_alerts_and_refuses_faults(build, work):
    rules = work / "a.rules.yml"
    rules.write_text(RULES)
    port = free_port()
    with Server(str(build / "barograph"), work, config(port), "--web.enable-lifecycle", port=port) as server:
        server.wait_ready()
        wait_until("the alert fires", lambda: rule(server, "SelfIsUp")["state"] == "firing")
        before = rule(server, "SelfIsUp")["alerts"][0]["activeAt"]
        rules.write_text(RULES + "  - {alert: Another, expr: vector(1)}\n")
        equal(server.get("/-/reload", method="POST")[0], 200, "a good file")
        wait_until("the new alert fires", lambda: rule(server, "Another")["state"] == "firing")
        equal(rule(server, "SelfIsUp")["alerts"][0]["activeAt"], before, "the old alert goes on")
        rules.write_text(RULES.replace("sum by (job) (up)", "sum by (job (up)"))
        status, _, body = server.get("/-/reload", method="POST")
        equal(status, 500, "a bad file")
        contains(body.decode(), f"{rules}:5:", "its place")
        contains(body.decode(), "could not parse expression", "what is wrong")
        equal(rule(server, "Another")["state"], "firing", "the running rules stay")
        rules.write_text("groups: []\n")
        equal(server.get("/-/reload", method="POST")[0], 200, "no rules")
        equal((groups(server), server.query("ALERTS"), server.query("job:up:sum")), ([], {}, {}), "stale markers end the series")


def test_alerts_survive_a_restart(build, work):
    (work / "a.rules.yml").write_text(RULES)
    port = free_port()
    flags = ("--rules.alert.for-grace-period=1s",)
    with Server(str(build / "barograph"), work, config(port), *flags, port=port) as server:
        server.wait_ready()
        wait_until("the alert fires", lambda: rule(server, "SelfIsUp")["state"] == "firing")
        since = server.query("ALERTS_FOR_STATE")
    with Server(str(build / "barograph"), work, config(port), *flags, port=port, keep_data=True) as server:
        server.wait_ready()
        wait_until("the alert fires again", lambda: rule(server, "SelfIsUp")["state"] == "firing")
        wait_until("its start is as before", lambda: server.query("ALERTS_FOR_STATE") == since)


def test_faults_end_the_start(build, work):
    (work / "a.rules.yml").write_text("groups:\n- name: g\n  rules:\n  - {alert: a, expr: 'sum('}\n")
    (work / "p.yml").write_text(config(1))
    status, output = run(build, work, "serve", f"--config.file={work}/p.yml", f"--storage.tsdb.path={work}/data")
    equal(status, 1, output)
    contains(output, f"{work}/a.rules.yml:4:", "the place")


if __name__ == "__main__":
    main(globals())
