#!/usr/bin/env python3
"""Debian's prometheus and prometheus-alertmanager beside barograph: same targets, rules and alertmanager.yml on scaled time,
and what a webhook is told by each; alerts over the border in both directions; kill -9 in between."""

import contextlib
import http.server
import json
import pathlib
import random
import socket
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, equal, free_port, main, need, wait_until  # noqa: E402

# An hour's events on scaled time: seconds stand for minutes.
PROMETHEUS = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms, external_labels: {{replica: one}}}}
rule_files: [{rules}]
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['127.0.0.1:{target}']}}]
  relabel_configs: [{{target_label: instance, replacement: app}}]
alerting:
  alert_relabel_configs: [{{action: labeldrop, regex: replica}}]
  alertmanagers:
  - static_configs: [{{targets: [{alertmanagers}]}}]
"""
RULES = """
groups:
- name: app
  interval: 500ms
  rules:
  - {alert: Broken, expr: broken > 0, for: 1s, labels: {severity: critical}, annotations: {summary: 'part {{ $labels.part }} <is> {{ $value }}'}}
  - {alert: Slow, expr: slow > 0, labels: {severity: warning}, annotations: {summary: 'slow & "old"'}}
  - {alert: Quiet, expr: quiet > 0, labels: {severity: info}}
"""
ALERTMANAGER = """
global: {{resolve_timeout: 10s}}
route:
  receiver: all
  group_by: [alertname]
  group_wait: 500ms
  group_interval: 1s
  repeat_interval: 6s
  routes:
  - {{receiver: quiet, matchers: [severity=info], continue: true, group_by: ['...']}}
  - {{receiver: all, matchers: ['severity=~"critical|warning|info"']}}
receivers:
- name: all
  webhook_configs: [{{url: 'http://127.0.0.1:{hook}/all', max_alerts: 5}}]
- name: quiet
  webhook_configs: [{{url: 'http://127.0.0.1:{hook}/quiet', send_resolved: false}}]
inhibit_rules:
- {{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [part]}}
"""
# What is set, and what both must have told before the next step: (group's alertname, {part: status}). Steps wait for each other, so
# that no moment of a scrape or an evaluation decides what falls into one notification.
SCRIPT = (
    ({("broken", "a"): 1, ("broken", "b"): 1, ("quiet", "q"): 1},
     (("Broken", {"a": "firing", "b": "firing"}), ("Quiet", {"q": "firing"}))),
    ({("slow", "a"): 1, ("slow", "c"): 1}, (("Slow", {"c": "firing"}),)),  # a is inhibited
    ({("broken", "a"): 0}, (("Broken", {"a": "resolved", "b": "firing"}), ("Slow", {"a": "firing", "c": "firing"}))),
    ({("broken", "c"): 1}, (("Broken", {"b": "firing", "c": "firing"}), ("Slow", {"a": "firing", "c": "firing"}))),
    ({("quiet", "q"): 0, ("slow", "a"): 0}, (("Quiet", {"q": "resolved"}), ("Slow", {"a": "resolved"}))),
    ({("broken", "b"): 0, ("broken", "c"): 0, ("slow", "c"): 0}, (("Broken", {"b": "resolved", "c": "resolved"}),)),
)
# Alerts are sent when they change, and not again within the test: what is resolved is told once.
RESEND = "--rules.alert.resend-delay=5m"


class Hook:
    """Takes webhooks, and is the target whose metrics make alerts."""

    def __init__(self):
        self.told = []  # (seconds, path, body)
        self.metrics = {}
        self.begin = time.monotonic()
        self.lock = threading.Lock()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with hook.lock:
                    hook.told.append((time.monotonic() - hook.begin, self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                with hook.lock:
                    text = "".join(f'{name}{{part="{part}"}} {value}\n' for (name, part), value in hook.metrics.items()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, name, part, value):
        with self.lock:
            self.metrics[name, part] = value

    def events(self):
        with self.lock:
            return list(self.told)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def answers(port):
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 5):
            return True
    return False


class Alertmanager:
    def __init__(self, work, name, config):
        self.port = free_port()
        (work / f"{name}.yml").write_text(config)
        self.program = Program([need("prometheus-alertmanager"), f"--config.file={work / name}.yml",
                                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
                                f"--storage.path={work / name}-data"], work / f"{name}.log", cwd=work)

    def __enter__(self):
        wait_until("alertmanager", lambda: answers(self.port), 60)
        return self

    def __exit__(self, *_):
        self.program.stop()


def shape(body):
    """What has to be the same in a notification: everything but times and addresses."""
    return {"receiver": body["receiver"], "status": body["status"], "groupKey": body["groupKey"],
            "groupLabels": body["groupLabels"], "commonLabels": body["commonLabels"],
            "commonAnnotations": body["commonAnnotations"], "truncatedAlerts": body["truncatedAlerts"], "version": body["version"],
            "alerts": [{"status": a["status"], "labels": a["labels"], "annotations": a["annotations"],
                        "fingerprint": a["fingerprint"], "isOver": a["endsAt"] != "0001-01-01T00:00:00Z"} for a in body["alerts"]]}


def by_group(hook):
    """{(path, group): the notifications of the group, in order, a run of equal ones as one}"""
    groups = {}
    for _, path, body in hook.events():
        told = groups.setdefault((path, body["groupKey"]), [])
        if not told or told[-1] != shape(body):
            told.append(shape(body))
    return groups


def has_told(hook, name, parts):
    """Whether the newest notification of a group to the receiver of all says this."""
    told = [{a["labels"]["part"]: a["status"] for a in body["alerts"]} for _, path, body in hook.events()
            if path == "/all" and body["groupLabels"]["alertname"] == name]
    return told[-1:] == [parts]


def play(hooks):
    for values, wanted in SCRIPT:
        for hook in hooks:
            for (name, part), value in values.items():
                hook.set(name, part, value)
        for hook in hooks:
            for name, parts in wanted:
                wait_until(f"{name} {parts}", lambda: has_told(hook, name, parts), 90)


def barograph(build, work, name, hook, rules, port=None, keep_data=False):
    (work / f"{name}-am.yml").write_text(ALERTMANAGER.format(hook=hook.port))
    return Server(str(build / "barograph"), work, PROMETHEUS.format(rules=rules, target=hook.port, alertmanagers=""),
                  f"--alertmanager.config-file={work / name}-am.yml", RESEND, name=name, port=port, keep_data=keep_data)


def test_the_same_notifications(build, work):
    """Differences that are left out: times, generatorURL and externalURL (they hold the address), and how often an unchanged
    group is repeated, as both start at another moment of the interval."""
    rules = work / "rules.yml"
    rules.write_text(RULES)
    theirs, ours = Hook(), Hook()
    with Alertmanager(work, "theirs", ALERTMANAGER.format(hook=theirs.port)) as alertmanager, \
            Server(need("prometheus"), work, PROMETHEUS.format(rules=rules, target=theirs.port,
                                                              alertmanagers=f"'127.0.0.1:{alertmanager.port}'"),
                   RESEND, name="prometheus") as prometheus, \
            barograph(build, work, "ours", ours, rules) as server:
        prometheus.wait_ready()
        server.wait_ready()
        play((theirs, ours))
        wanted, got = by_group(theirs), by_group(ours)
        for told in (theirs, ours):
            for second, path, body in told.events():
                print(f"  {'theirs' if told is theirs else 'ours  '} {second:5.1f} {path} {body['groupLabels']} {body['status']} "
                      f"{[(a['labels']['alertname'], a['labels'].get('part'), a['status']) for a in body['alerts']]}")
        equal(sorted(got), sorted(wanted), "groups")
        for group, told in wanted.items():
            equal(got[group], told, str(group))
    theirs.close()
    ours.close()


def loaded(build, work, hook, name="loaded"):
    """barograph whose alerts come over the API, for the tests without rules."""
    (work / f"{name}-am.yml").write_text(ALERTMANAGER.format(hook=hook.port))
    return Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / name}-am.yml", name=name,
                  keep_data=True)


def post(port, alerts):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/alerts", json.dumps(alerts).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        equal(answer.status, 200)


def test_alerts_cross_the_border(build, work):
    """barograph's alerts arrive in Debian's Alertmanager, and those of Debian's Prometheus in barograph's."""
    rules = work / "rules.yml"
    rules.write_text(RULES)
    hook = Hook()
    hook.set("broken", "a", 1)
    with Alertmanager(work, "border", ALERTMANAGER.format(hook=hook.port)) as alertmanager, \
            Server(str(build / "barograph"), work,
                   PROMETHEUS.format(rules=rules, target=hook.port, alertmanagers=f"'127.0.0.1:{alertmanager.port}'"),
                   name="out") as out, loaded(build, work, hook) as into:
        into.wait_ready()
        with Server(need("prometheus"), work,
                    PROMETHEUS.format(rules=rules, target=hook.port, alertmanagers=f"'127.0.0.1:{into.port}'"), name="prometheus") as prometheus:
            out.wait_ready()
            prometheus.wait_ready()
            for what, port in (("Alertmanager", alertmanager.port), ("barograph", into.port)):
                wait_until(f"the alert in {what}", lambda: names(port) == ["Broken"], 60)
                alert = alerts_of(port)[0]
                equal(alert["annotations"], {"summary": "part a <is> 1"}, what)
                equal(alert["labels"], {"alertname": "Broken", "instance": "app", "job": "app", "part": "a", "severity": "critical"}, what)
        urls = out.api("alertmanagers")
        equal(urls["activeAlertmanagers"], [{"url": f"http://127.0.0.1:{alertmanager.port}/api/v2/alerts"}])
        equal(out.get("/metrics")[2].decode().count("prometheus_notifications_sent_total{alertmanager="), 1, "metrics")
    hook.close()


LABELLED = """
route:
  receiver: all
  group_by: [alertname]
  group_wait: 100ms
  labels: {{team: base, text: '{{{{ .GroupLabels.alertname }}}} of {{{{ routeLabels "team" }}}}, {{{{ len .Alerts }}}} alerts'}}
  routes:
  - {{receiver: all, matchers: [severity=critical], labels: {{team: night}}}}
receivers:
- {{name: all, labels: {{owner: us}}, webhook_configs: [{{url: 'http://127.0.0.1:{hook}/all'}}]}}
"""


def test_labels_of_routes(build, work):
    """A route's labels are inherited, rendered for each group, and in what webhooks and the API have."""
    hook = Hook()
    (work / "labels-am.yml").write_text(LABELLED.format(hook=hook.port))
    with Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / 'labels-am.yml'}", name="labels") as server:
        server.wait_ready()
        post(server.port, [{"labels": {"alertname": "A", "i": "0"}}, {"labels": {"alertname": "A", "i": "1"}},
                           {"labels": {"alertname": "B", "severity": "critical"}}])
        wait_until("both are told", lambda: len(hook.events()) == 2, 60)
        wanted = {"A": {"team": "base", "text": "A of base, 2 alerts"}, "B": {"team": "night", "text": "B of night, 1 alerts"}}
        equal({body["groupLabels"]["alertname"]: body["routeLabels"] for _, _, body in hook.events()}, wanted, "webhook")
        groups = json.loads(server.get("/api/v2/alerts/groups")[2])
        equal({group["labels"]["alertname"]: group["routeLabels"] for group in groups}, wanted, "API")
        # Receivers by their labels.
        for matcher, count in (("owner%3Dus", 2), ("owner!%3Dus", 0), ("name%3D~a.*", 2), ("team%3D", 2), ("owner", None)):
            for path, scale in (("/api/v2/receivers", 0.5), ("/api/v2/alerts/groups", 1), ("/api/v2/alerts", 1.5)):
                status, _, body = server.get(f"{path}?receiver_matchers={matcher}")
                equal((status, len(json.loads(body)) if status == 200 else None), (400, None) if count is None else (200, count * scale), f"{path} {matcher}")
        equal(json.loads(server.get("/api/v2/receivers")[2]), [{"labels": {"name": "all", "owner": "us"}, "name": "all"}], "receivers")
    hook.close()


def alerts_of(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/alerts", timeout=30) as answer:
        return json.load(answer)


def names(port):
    return sorted(alert["labels"]["alertname"] for alert in alerts_of(port))


def test_kill_at_any_moment(build, work):
    """kill -9 at random moments while alerts come and go: each one that was accepted is told firing and told resolved, in this order.
    Only what a receiver had just been told when the program died, before that could be noted, may come again."""
    seed = random.randrange(1 << 32)
    print(f"  seed {seed}")
    chance = random.Random(seed)
    hook = Hook()
    config = ALERTMANAGER.replace("repeat_interval: 6s", "repeat_interval: 10m")
    (work / "kill-am.yml").write_text(config.format(hook=hook.port))
    kills = 4
    fired, resolved, killed_at = [], [], []
    for round_ in range(kills + 1):
        server = Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / 'kill-am.yml'}",
                        name="kill", keep_data=True)
        server.wait_ready()
        end = time.monotonic() + chance.uniform(0.3, 1.5)
        while time.monotonic() < end or round_ == kills and len(resolved) < len(fired):
            name = f"A{len(fired)}"
            post(server.port, [{"labels": {"alertname": name, "severity": "critical"}}])
            fired.append(name)
            over = fired[len(resolved)]
            if len(fired) - len(resolved) > 4 or round_ == kills:
                wait_until(f"{over} is told", lambda: "firing" in history(hook, over), 30)
                post(server.port, [{"labels": {"alertname": over, "severity": "critical"},
                                    "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}])
                resolved.append(over)
            time.sleep(chance.uniform(0, 0.1))
            if round_ == kills and len(fired) > len(resolved):
                fired_left = [name for name in fired if name not in resolved]
                for name in fired_left:
                    wait_until(f"{name} is told", lambda: "firing" in history(hook, name), 30)
                    post(server.port, [{"labels": {"alertname": name, "severity": "critical"},
                                        "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}])
                    resolved.append(name)
        if round_ < kills:
            server.program.process.kill()
            killed_at.append(time.monotonic() - hook.begin)
            server.program.process.wait(20)
            server.program.out.close()
        else:
            for name in resolved:
                wait_until(f"{name} is told to be over", lambda: history(hook, name)[-1:] == ["resolved"], 60)
            server.stop()
    for name in fired:
        equal(without_interrupted(hook, name, killed_at), ["firing", "resolved"], f"{name}, kills at {killed_at}")
    print(f"  {len(fired)} alerts, {kills} kills")
    hook.close()


def without_interrupted(hook, name, killed_at, window=2):
    """history() less what came again because the program was killed within `window` seconds of telling it first."""
    times = [(second, alert["status"]) for second, _, body in hook.events() for alert in body["alerts"]
             if alert["labels"]["alertname"] == name]
    kept = []
    for second, status in times:
        again = kept and kept[-1][1] == status and any(kept[-1][0] <= kill + 0.5 and kill - kept[-1][0] < window and kill < second
                                                       for kill in killed_at)
        if not again:
            kept.append((second, status))
    return [status for _, status in kept]


def history(hook, name):
    """What was told of an alert, in order."""
    return [alert["status"] for _, _, body in hook.events() for alert in body["alerts"] if alert["labels"]["alertname"] == name]


if __name__ == "__main__":
    main(globals())
