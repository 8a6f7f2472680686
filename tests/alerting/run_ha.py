#!/usr/bin/env python3
"""Two barographs that notify as one: each notification comes once, silences are shared, and when one is killed or cut off the other
tells."""

import json
import os
import pathlib
import signal
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, equal, free_port, main, wait_until  # noqa: E402

CONFIG = """
route: {{receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: r, webhook_configs: [{{url: 'http://127.0.0.1:{port}/{name}'}}]}}]
"""
PEER_TIMEOUT = 5


class Inbox(Site):
    def __init__(self):
        self.got = []  # (which, alertname, status)
        super().__init__()

    def take(self, path: str, body: bytes) -> int:
        self.got.extend((path[1:], a["labels"]["alertname"], a["status"]) for a in json.loads(body)["alerts"])
        return 200

    def of(self, name):
        return [(which, status) for which, alert, status in list(self.got) if alert == name]


class Pair:
    def __init__(self, build, work, *flags):
        self.build, self.work, self.flags = build, work, flags
        self.inbox = Inbox()
        self.ports = {"a": free_port(), "b": free_port()}
        self.servers = {}
        for name in self.ports:
            (work / f"{name}-am.yml").write_text(CONFIG.format(port=self.inbox.port, name=name))
            self.start(name)
        for name in self.ports:
            wait_until(f"{name} sees the other", lambda: self.sees(name), 60)

    def start(self, name):
        other = self.ports["b" if name == "a" else "a"]
        self.servers[name] = Server(str(self.build / "barograph"), self.work, "scrape_configs: []\n",
                                    f"--alertmanager.config-file={self.work / name}-am.yml",
                                    f"--alertmanager.peer=127.0.0.1:{other}", f"--alertmanager.peer-name={name}",
                                    f"--alertmanager.peer-timeout={PEER_TIMEOUT}s", *self.flags, name=name, port=self.ports[name], keep_data=True)
        self.servers[name].wait_ready()

    def ask(self, name, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[name]}/api/v2{path}",
                                         None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def sees(self, name):
        return len(self.ask(name, "/status")["cluster"]["peers"]) == 1

    def fire(self, alert, names="ab"):
        for name in names:
            self.ask(name, "/alerts", [{"labels": {"alertname": alert}}])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for server in self.servers.values():
            if not server.program.out.closed:
                server.__exit__(kind)
        self.inbox.stop()


def test_each_is_told_once_and_silences_are_shared(build, work):
    with Pair(build, work) as pair:
        equal(pair.ask("a", "/status")["cluster"]["status"], "ready")
        pair.fire("One")
        wait_until("told", lambda: pair.inbox.of("One"), 60)
        silence = pair.ask("b", "/silences", {
            "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": False}], "createdBy": "me", "comment": "c", "annotations": {"ticket": "T-1"},
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5)),
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))})["silenceID"]
        wait_until("the silence at the other", lambda: [s["id"] for s in pair.ask("a", "/silences")] == [silence], 60)
        equal(pair.ask("a", f"/silence/{silence}")["annotations"], {"ticket": "T-1"})
        pair.fire("Quiet")
        pair.fire("Two")
        wait_until("told", lambda: pair.inbox.of("Two"), 60)
        time.sleep(PEER_TIMEOUT + 2)  # the second one's turn comes, and it finds all told
        equal(pair.inbox.of("One"), [("a", "firing")])
        equal(pair.inbox.of("Two"), [("a", "firing")])
        equal(pair.inbox.of("Quiet"), [])


def test_one_that_is_killed_or_cut_off(build, work):
    with Pair(build, work) as pair:
        pair.servers["a"].program.process.kill()
        pair.servers["a"].program.process.wait(20)
        pair.servers["a"].program.out.close()
        pair.fire("Killed", "b")
        wait_until("told by the other", lambda: pair.inbox.of("Killed") == [("b", "firing")], 90)
        pair.start("a")
        wait_until("a sees b", lambda: pair.sees("a"), 60)
        pair.fire("Killed", "a")  # it has heard that all is told
        pair.fire("Three", "a")
        wait_until("told by a", lambda: pair.inbox.of("Three") == [("a", "firing")], 60)
        equal(pair.inbox.of("Killed"), [("b", "firing")])
        os.kill(pair.servers["a"].program.process.pid, signal.SIGSTOP)
        try:
            pair.fire("Cut", "b")
            wait_until("told by the other", lambda: pair.inbox.of("Cut") == [("b", "firing")], 90)
        finally:
            os.kill(pair.servers["a"].program.process.pid, signal.SIGCONT)


def test_a_heartbeat_at_one_is_heard_of_by_all(build, work):
    (work / "beats.yml").write_text("expect: [{name: backup, period: 1h}, {name: other, period: 1h}]\n")
    with Pair(build, work, f"--alerting.heartbeat-file={work}/beats.yml") as pair:
        def heard(name):
            return [beat.get("heardAt") for beat in pair.servers[name].api("heartbeats")["expect"]]

        equal(pair.servers["a"].get("/api/v1/heartbeat/backup", method="POST")[0], 200)
        at = heard("a")
        equal((at[0] is not None, at[1]), (True, None))
        wait_until("the other hears of it", lambda: heard("b") == at, 60)
        pair.servers["b"].program.process.kill()
        pair.servers["b"].program.process.wait(20)
        pair.servers["b"].program.out.close()
        equal(pair.servers["a"].get("/api/v1/heartbeat/other", method="POST")[0], 200)
        pair.start("b")
        wait_until("one that was not there hears of it later", lambda: heard("b") == heard("a") and None not in heard("a"), 60)


main(globals())
