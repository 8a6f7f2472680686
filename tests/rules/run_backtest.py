#!/usr/bin/env python3
"""barograph backtest and its API over a data directory made here. Usage: run_backtest.py BUILD [NAME...]"""

import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

END = 1767225600  # 2026-01-01T00:00:00Z
STEP = 60
HOURS = 12
RULES = """
groups:
- name: g
  rules:
  - {record: 'job:up:min', expr: 'min by (job) (up)'}
  - {alert: Down, expr: 'job:up:min == 0', for: 5m, labels: {severity: critical}, annotations: {summary: '{{ $labels.job }} is down'}}
  - {alert: Shaky, expr: up == 0, labels: {severity: warning}}
"""
ALERTMANAGER = """
route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 1h}
receivers:
- name: ops
  webhook_configs: [{url: 'http://127.0.0.1:9/'}]
inhibit_rules:
- {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [job]}
"""


def up(minute: int, instance: str) -> int:
    """b is down for 90 minutes from minute 100 on, a for two minutes at minute 500."""
    return 0 if (instance == "b" and 100 <= minute < 190) or (instance == "a" and 500 <= minute < 502) else 1


def make(build: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """A data directory."""
    lines = ["# TYPE up gauge\n"]
    for instance in "ab":
        for minute in range(HOURS * 60 + 1):
            lines.append(f'up{{job="j",instance="{instance}"}} {up(minute, instance)} {END - HOURS * 3600 + minute * STEP}\n')
    (work / "in.om").write_text("".join(lines) + "# EOF\n")
    (work / "rules.yml").write_text(RULES)
    (work / "am.yml").write_text(ALERTMANAGER)
    data = work / "server-data"
    subprocess.run([build / "barograph", "tsdb", "create-blocks-from", "openmetrics", work / "in.om", data], check=True, timeout=120,
                   stdout=subprocess.DEVNULL)
    return data


def run(build: pathlib.Path, *words: object) -> tuple[int, str, str]:
    done = subprocess.run([str(build / "barograph"), "backtest", *map(str, words)], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def at(minute: float) -> str:
    import datetime
    then = datetime.datetime.fromtimestamp(END - HOURS * 3600 + minute * 60, datetime.timezone.utc)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_alerts_and_notifications(build, work):
    data = make(build, work)
    status, output, errors = run(build, f"--from={HOURS}h", f"--to={END}", f"--storage.tsdb.path={data}",
                                 f"--alertmanager.config.file={work / 'am.yml'}", "--json", work / "rules.yml")
    equal(status, 0, errors)
    answer = json.loads(output)
    equal([(a["labels"]["alertname"], a["pendingAt"], a["firingAt"], a["resolvedAt"]) for a in answer["alerts"]],
          [("Down", at(100), at(105), at(190)), ("Shaky", at(100), at(100), at(190)), ("Down", at(500), None, at(502)),
           ("Shaky", at(500), at(500), at(502))], "alerts")
    equal(answer["alerts"][0]["annotations"], {"summary": "j is down"}, "annotations")
    told = [(n["at"], n["groupKey"], n["reason"], n["firing"], n["resolved"]) for n in answer["notifications"]]
    # Shaky is told of until Down inhibits it; then Down, an hour later again, and the end of both at their groups' turns.
    equal(told[:2], [(at(100.5), '{}:{alertname="Shaky"}', "first notification", 1, 0),
                     (at(105.5), '{}:{alertname="Down"}', "first notification", 1, 0)], "first")
    contains(str(told), f"('{at(170.5)}', '{{}}:{{alertname=\"Down\"}}', 'repeat interval elapsed', 1, 0)")
    contains(str(told), f"('{at(190.5)}', '{{}}:{{alertname=\"Down\"}}', 'all alerts resolved', 0, 1)")
    equal([row for row in told if at(106) < row[0] < at(189) and "Shaky" in row[1]], [], "what is inhibited")
    equal({n["receiver"] + "/" + n["integration"] for n in answer["notifications"]}, {"ops/webhook"}, "receivers")

    status, output, errors = run(build, f"--from={at(0)}", f"--to={END}", f"--storage.tsdb.path={data}", work / "rules.yml")
    equal(status, 0, errors)
    contains(output, f'Down{{alertname="Down", job="j", severity="critical"}}  pending {at(500)}  firing never  resolved {at(502)}\n')
    contains(output, "3 rules, 2163 evaluations: 4 alerts, 3 of them fired\n")


def test_the_api_gives_the_same(build, work):
    data = make(build, work)
    _, output, _ = run(build, f"--from={at(0)}", f"--to={END}", f"--storage.tsdb.path={data}", f"--alertmanager.config.file={work / 'am.yml'}",
                       "--json", work / "rules.yml")
    with Server(str(build / "barograph"), work, "scrape_configs: []\n", "--storage.tsdb.retention.time=100y", keep_data=True) as server:
        server.wait_ready()

        def post(**form: object) -> tuple[int, dict]:
            status, _, body = server.get("/api/v1/backtest", {"Content-Type": "application/x-www-form-urlencoded"}, "POST",
                                         urllib.parse.urlencode(form).encode(), timeout=60)
            return status, json.loads(body)

        status, answer = post(rules=RULES, alertmanager=ALERTMANAGER, start=END - HOURS * 3600, end=END, interval="1m")
        equal(status, 200, str(answer))
        equal(answer["data"], json.loads(output), "the API's answer")
        for form, message in (({}, "the parameter rules is wanted"), ({"rules": "groups: [{name: g, rules: [{alert: a, expr: '('}]}]"}, "rules:1:"),
                              ({"rules": RULES, "start": END, "end": END - 1}, "end timestamp must not be before start time"),
                              ({"rules": RULES, "end": END, "alertmanager": "route: {}"}, "alertmanager:1:")):
            status, answer = post(**form)
            equal(status, 400, str(form))
            contains(answer["error"], message)


def test_a_client_that_leaves_ends_it(build, work):
    """While expressions run and while notifications are worked out; both would take minutes."""
    slow = {"rules": "groups: [{name: g, rules: [{alert: A, expr: 'sum_over_time(vector(1)[1d:1s]) < 1'}]}]", "start": 0, "end": 1900000, "interval": "1s"}
    chatty = {"rules": "groups: [{name: g, rules: [{alert: A, expr: 'vector(1)'}]}]", "start": -5000000, "end": 5000000, "interval": "1h",
              "alertmanager": "route: {receiver: a, group_wait: 1ms, group_interval: 1ms, repeat_interval: 1ms}\n"
                              "receivers: [{name: a, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}]"}
    with Server(str(build / "barograph"), work, "scrape_configs: []\n") as server:
        server.wait_ready()
        for form in (slow, chatty):
            body = urllib.parse.urlencode(form).encode()
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"POST /api/v1/backtest HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                client.settimeout(1)
                try:
                    raise AssertionError(f"an answer: {client.recv(1000)!r}")
                except TimeoutError:
                    pass

        stat = pathlib.Path(f"/proc/{server.program.process.pid}/stat")

        def is_calm():
            before = sum(map(int, stat.read_text().split()[13:15]))
            time.sleep(0.5)
            return sum(map(int, stat.read_text().split()[13:15])) - before < 10
        wait_until("nothing runs any more", is_calm, 10)


def test_wrong_usage(build, work):
    equal(run(build, "x.yml")[0], 2, "no --from")
    equal(run(build, "--from=1h")[0], 2, "no file")
    equal(run(build, "--from=soon", "x.yml")[0], 2, "no time")
    (work / "bad.yml").write_text("groups: [{name: g, rules: [{alert: a, expr: '('}]}]")
    status, _, errors = run(build, "--from=1h", work / "bad.yml")
    equal(status, 1, "a bad file")
    contains(errors, "bad.yml:1:")


if __name__ == "__main__":
    main(globals())
