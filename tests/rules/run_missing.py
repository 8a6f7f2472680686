#!/usr/bin/env python3
"""Missing data: a target of a running server goes away, and its alert resolves, goes on or is replaced, as its rule says; it is seen,
and known after a kill -9."""

import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, contains, equal, main, wait_until  # noqa: E402

RULES = """groups:
- name: g
  interval: 200ms
  rules:
  - {alert: Resolves, expr: heat > 50, labels: {severity: page}}
  - {alert: Keeps, expr: heat > 50, annotations: {barograph_missing_data: keep 1h, summary: hot}}
  - {alert: Replaced, expr: heat > 50, annotations: {barograph_missing_data: alert}}
  - {alert: Healthy, expr: other > 50}
  - {alert: NeverAny, expr: no_such_metric > 50}
  - {alert: Blind, expr: 'barograph_alert_no_data_timestamp_seconds{alertname="Resolves"} > 0'}
"""
CONFIG = """
global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs:
- job_name: j
  file_sd_configs: [{{files: [{targets}], refresh_interval: 1s}}]
"""


class Target(Site):
    """Two metrics, one of them too high."""

    def text(self, path: str) -> str:
        return "heat 99\nother 1\n"


def begin(build, work, *flags, keep_data=False):
    rules = work / "rules.yml"
    rules.write_text(RULES)
    return Server(str(build / "barograph"), work, CONFIG.format(rules=rules, targets=work / "targets.json"),
                  "--scrape.discovery-reload-interval=100ms", *flags, keep_data=keep_data)


def set_targets(work, *ports):
    new = work / "targets.new"
    new.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}" for port in ports]}]))
    new.rename(work / "targets.json")


def states(server):
    """{name: state} of the alerts that are, and "NAME?" for those without data."""
    data = server.api("alerts")
    return {a["labels"]["alertname"]: a["state"] + ("?" if "noDataSince" in a else "") for a in data["alerts"]} | \
           {f"({a['labels']['alertname']})": a["state"] for a in data.get("noData", [])}


def rule(server, name):
    return next(rule for group in server.api("rules")["groups"] for rule in group["rules"] if rule["name"] == name)


HOT = {"Resolves": "firing", "Keeps": "firing", "Replaced": "firing"}
BLIND = {"(Resolves)": "inactive", "Keeps": "firing?", "(Replaced)": "inactive", "MissingData": "firing", "Blind": "firing"}


def test_a_target_that_goes_away_is_seen_and_known_after_a_kill(build, work):
    with Target() as target:
        set_targets(work, target.port)
        with begin(build, work, "--rules.alert.for-outage-tolerance=1h") as server:
            server.wait_ready()
            wait_until("alerts fire", lambda: states(server) == HOT)
            equal([name for name in HOT if "noData" in rule(server, name)], [])
            set_targets(work)
            wait_until("alerts have no data", lambda: states(server) == BLIND)
            no_data = rule(server, "Resolves")["noData"]
            equal((no_data["count"], no_data["rule"], [a["labels"]["severity"] for a in no_data["alerts"]]), (1, True, ["page"]))
            contains(str(rule(server, "Keeps")["alerts"]), "no_data_since")
            equal((rule(server, "NeverAny")["noData"]["rule"], "since" in rule(server, "NeverAny")["noData"]), (True, False))
            stand_in, = [a for a in server.api("alerts")["alerts"] if a["labels"]["alertname"] == "MissingData"]
            equal(stand_in["labels"]["rulename"], "Replaced")
            contains(stand_in["annotations"]["summary"], "No data for Replaced since")
            wait_until("the rule's series", lambda: {dict(key)["alertname"] for key in
                       server.query("barograph_rule_no_data_timestamp_seconds")} >= {"Resolves", "Keeps", "Replaced", "Healthy"})
            since = server.query("barograph_alert_no_data_timestamp_seconds")
            equal(sorted(dict(key)["alertname"] for key in since), ["Keeps", "Replaced", "Resolves"])
            server.stop(signal.SIGKILL)
        with begin(build, work, keep_data=True) as server:
            server.wait_ready()
            wait_until("alerts have no data", lambda: states(server) == BLIND)
            again = server.query("barograph_alert_no_data_timestamp_seconds")
            wait_until("it is the time of before", lambda: server.query("barograph_alert_no_data_timestamp_seconds") == since)
            equal(set(again) <= set(since), True)
            set_targets(work, target.port)
            wait_until("alerts fire", lambda: states(server) == HOT)


def test_a_target_that_went_away_while_nobody_looked(build, work):
    with Target() as target:
        set_targets(work, target.port)
        with begin(build, work) as server:
            server.wait_ready()
            wait_until("alerts fire", lambda: states(server) == HOT)
            wait_until("they are stored", lambda: len(server.query('ALERTS{alertstate="firing"}')) == 3)
        set_targets(work)
        with begin(build, work, keep_data=True) as server:
            server.wait_ready()
            # The samples of before the end are within the lookback: a stale marker tells that the target is gone, and none came.
            wait_until("alerts go on", lambda: states(server).get("Keeps", "").startswith("firing"))


def test_the_flag_is_for_rules_that_do_not_say(build, work):
    with Target() as target:
        set_targets(work, target.port)
        with begin(build, work, "--rules.missing-data=keep 1h") as server:
            server.wait_ready()
            wait_until("alerts fire", lambda: states(server) == HOT)
            set_targets(work)
            wait_until("alerts have no data", lambda: states(server) == {
                "Resolves": "firing?", "Keeps": "firing?", "(Replaced)": "inactive", "MissingData": "firing", "Blind": "firing"})
    done = subprocess.run([build / "barograph", "serve", "--rules.missing-data=perhaps", f"--storage.tsdb.path={work}/data",
                           "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, timeout=60, cwd=work)
    equal(done.returncode != 0, True)
    contains(done.stdout + done.stderr, "--rules.missing-data: \"perhaps\": resolve, keep or alert is wanted")


def test_check_rules_knows_the_annotation(build, work):
    for text, status in (("keep 2h", 0), ("alert", 0), ("perhaps", 1)):
        (work / "r.yml").write_text("groups:\n- name: g\n  rules:\n  - {alert: A, expr: x > 1, annotations: "
                                    f"{{barograph_missing_data: {text}}}}}\n")
        done = subprocess.run([build / "barograph", "check", "rules", work / "r.yml"], capture_output=True, text=True, timeout=60)
        equal(done.returncode, status, done.stdout + done.stderr)


if __name__ == "__main__":
    main(globals())
