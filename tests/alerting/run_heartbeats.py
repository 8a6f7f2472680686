#!/usr/bin/env python3
"""Heartbeats out and in of a running server, against a real one: sent while alerting works, held back when it does not, missed and heard
again, over kill -9."""

import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, contains, equal, main, wait_until  # noqa: E402

RULES = """groups:
- {name: dead-man, interval: 200ms, rules: [{alert: Watchdog, expr: vector(1)}]}
"""
BROKEN = """groups:
- {name: dead-man, interval: 200ms, rules: [{alert: Watchdog, expr: vector(1)}]}
- {name: broken, interval: 200ms, rules: [{record: x, expr: 'label_replace(vector(1), "a", "1", "", "") or label_replace(vector(1), "a", "1", "", "(")'}]}
"""
ALERTING = """
route: {{receiver: hook, group_by: [alertname, heartbeat], group_wait: 0s, group_interval: 200ms, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook'}}]}}]
"""
BEATS = """
send:
- {{name: outside, url: 'http://127.0.0.1:{port}/ping/SECRET', interval: 1s, alert: Watchdog}}
expect:
- {{name: backup, period: {period}, labels: {{severity: page}}}}
"""


class World(Site):
    """Who is pinged at /ping/SECRET and notified at /hook; may refuse notifications."""

    def __init__(self):
        self.pings, self.told, self.refuses = 0, [], False
        super().__init__()

    def take(self, path: str, body: bytes) -> int:
        said = json.loads(body)
        if path == "/ping/SECRET":
            self.pings += 1
            equal((said["name"], said["status"]), ("outside", "ok"))
        elif self.refuses:
            return 400
        else:
            self.told += [(a["labels"]["alertname"], a["labels"].get("heartbeat"), a["status"]) for a in said["alerts"]]
        return 200


def begin(build, work, world, period="1h", rules=RULES, keep_data=False):
    (work / "rules.yml").write_text(rules)
    (work / "am.yml").write_text(ALERTING.format(port=world.port))
    (work / "beats.yml").write_text(BEATS.format(port=world.port, period=period))
    return Server(str(build / "barograph"), work, f"rule_files: [{work / 'rules.yml'}]\n",
                  f"--alertmanager.config-file={work / 'am.yml'}", f"--alerting.heartbeat-file={work / 'beats.yml'}",
                  "--web.enable-lifecycle", "--rules.alert.resend-delay=1s", keep_data=keep_data)


def beats(server):
    data = server.api("heartbeats")
    return data["send"][0], data["expect"][0]


def reload(server):
    status, _, body = server.get("/-/reload", method="POST")
    equal(status, 200, body.decode())


def pinged(world, more=1):
    have = world.pings
    wait_until("pings", lambda: world.pings >= have + more)


def test_they_are_sent_while_alerting_works(build, work):
    with World() as world, begin(build, work, world) as server:
        server.wait_ready()
        pinged(world)
        equal(beats(server)[0]["state"], "ok")
        contains(server.get("/metrics")[2].decode(), 'barograph_heartbeat_calls_total{heartbeat="outside",outcome="sent"}')
        equal("SECRET" in json.dumps(server.api("heartbeats")) + server.program.text(), False, "the URL is a secret")
        # A group whose rules all fail, an alert that does not fire, a receiver that cannot be told.
        for rules, why in ((BROKEN, "all rules of group broken fail"), (RULES.replace("Watchdog", "Other"), "alert Watchdog does not fire here")):
            (work / "rules.yml").write_text(rules)
            reload(server)
            wait_until(why, lambda: beats(server)[0].get("why") == why, 60)
        (work / "rules.yml").write_text(RULES)
        reload(server)
        wait_until("it is sent again", lambda: beats(server)[0]["state"] == "ok", 60)
        world.refuses = True
        server.get("/api/v2/alerts", {"Content-Type": "application/json"}, "POST", b'[{"labels": {"alertname": "x"}}]')
        wait_until("a failing receiver", lambda: beats(server)[0].get("why") == "receiver hook cannot be told over webhook", 60)
        world.refuses = False
        wait_until("it is sent again", lambda: beats(server)[0]["state"] == "ok", 60)


def test_those_that_stay_away_are_alerts(build, work):
    with World() as world:
        with begin(build, work, world, "2s") as server:
            server.wait_ready()
            equal(server.get("/api/v1/heartbeat/backup", method="POST")[0], 200)
            equal(beats(server)[1]["state"], "ok")
            wait_until("it is missed", lambda: ("HeartbeatMissing", "backup", "firing") in world.told)
            equal(beats(server)[1]["state"], "missing")
            server.stop(signal.SIGKILL)
        told = len(world.told)
        with begin(build, work, world, "2s", keep_data=True) as server:
            server.wait_ready()
            wait_until("the alert is there", lambda: "HeartbeatMissing" in server.get("/api/v2/alerts")[2].decode())
            equal(beats(server)[1]["state"], "missing")
            equal(("HeartbeatMissing", "backup", "firing") in world.told[told:], False, "it is told once")
            equal(server.get("/api/v1/heartbeat/backup", method="POST")[0], 200)
            wait_until("it is heard again", lambda: ("HeartbeatMissing", "backup", "resolved") in world.told)
            wait_until("and missed again", lambda: world.told[told:].count(("HeartbeatMissing", "backup", "firing")) == 1)


def test_a_restart_is_no_heartbeat(build, work):
    with World() as world:
        with begin(build, work, world) as server:
            server.wait_ready()
            status, _, body = server.get("/api/v1/heartbeat/backup", method="POST")
            due = json.loads(body)["data"]["dueAt"]
            equal((status, beats(server)[1]["dueAt"]), (200, due))
            server.stop(signal.SIGKILL)
        with begin(build, work, world, keep_data=True) as server:
            server.wait_ready()
            equal(beats(server)[1]["dueAt"], due)
            equal(server.get("/api/v1/heartbeat/other", method="POST")[0], 404)
            equal(server.get("/api/v1/heartbeat/backup")[0] in (404, 405), True, "a GET is none")


def test_faults_have_a_place_and_stop_a_start_and_a_reload(build, work):
    bad = work / "bad.yml"
    bad.write_text("expect:\n- {name: backup}\n")
    done = subprocess.run([build / "barograph", "check", "heartbeats", bad], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 1)
    contains(done.stdout, f"{bad}:2:3: period: at least 1s is wanted")
    done = subprocess.run([build / "barograph", "serve", f"--alerting.heartbeat-file={bad}", f"--storage.tsdb.path={work}/d",
                           "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, timeout=60, cwd=work)
    equal(done.returncode != 0, True)
    contains(done.stderr, f"{bad}:2:3: period")
    with World() as world, begin(build, work, world) as server:
        server.wait_ready()
        (work / "beats.yml").write_text(bad.read_text())
        equal(server.get("/-/reload", method="POST")[0], 500)
        pinged(world)
        (work / "beats.yml").write_text("expect:\n- {name: other, period: 5m}\n")
        reload(server)
        equal([beat["name"] for beat in server.api("heartbeats")["expect"]], ["other"])
        equal(subprocess.run([build / "barograph", "check", "heartbeats", work / "beats.yml"], timeout=60).returncode, 0)


def test_without_a_file_there_are_none(build, work):
    with Server(str(build / "barograph"), work, "scrape_configs: []\n") as server:
        server.wait_ready()
        equal(server.api("heartbeats"), {})
        status, _, body = server.get("/api/v1/heartbeat/backup", method="POST")
        equal(status, 404)
        contains(body.decode(), "--alerting.heartbeat-file")


if __name__ == "__main__":
    main(globals())
