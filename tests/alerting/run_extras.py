#!/usr/bin/env python3
"""What Alertmanager has not: recurring silences, acknowledgement; kept over kill -9 and told to peers."""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, contains, equal, free_port, main, wait_until  # noqa: E402

CONFIG = """
route: {receiver: nobody, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 2s}
receivers:
- name: nobody
"""
ALWAYS = [{"times": [{"start_time": "00:00", "end_time": "24:00"}], "location": "Europe/Vienna"}]
NEVER = [{"years": ["1999"]}]


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Alerting:
    def __init__(self, build, work, *flags, config=CONFIG, name="server", port=None, keep_data=False):
        self.build = build
        file = work / f"{name}-am.yml"
        file.write_text(config)
        self.server = Server(str(build / "barograph"), work, "scrape_configs: []\n",
                             f"--alertmanager.config-file={file}", *flags, name=name, port=port, keep_data=keep_data)

    def __enter__(self):
        self.server.__enter__()
        self.server.wait_ready()
        return self

    def __exit__(self, *rest):
        self.server.__exit__(*rest)

    def ask(self, path, body=None, method=None, status=200):
        raw = json.dumps(body).encode() if body is not None else None
        got, _, answer = self.server.get(f"/api/v2{path}", {"Content-Type": "application/json"} if raw else {},
                                         method or ("POST" if raw else "GET"), raw)
        equal(got, status, f"{path}: {answer!r}")
        return json.loads(answer) if answer else None

    def run(self, *words, status=0):
        done = subprocess.run([str(self.build / "barograph"), *words[:2],
                               f"--alertmanager.url=http://127.0.0.1:{self.server.port}", *map(str, words[2:])],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        equal(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def silence(self, schedule, **more):
        return self.ask("/silences", {"matchers": [{"name": "alertname", "value": "foo", "isRegex": False}],
                                      "startsAt": at(0), "endsAt": at(86400 * 3), "createdBy": "me", "comment": "why",
                                      "timeIntervals": schedule, **more})["silenceID"]

    def alert(self, name="foo", **labels):
        self.ask("/alerts", [{"labels": {"alertname": name, **labels}}])

    def state_of(self, name="foo"):
        return [a["status"]["state"] for a in self.ask("/alerts") if a["labels"]["alertname"] == name]


def test_a_recurring_silence_is_active_in_its_windows_alone(build, work):
    with Alerting(build, work) as am:
        am.alert()
        never = am.silence(NEVER)
        shown = am.ask(f"/silence/{never}")
        equal((shown["status"]["state"], shown["timeIntervals"], shown["nextWindows"]), ("pending", NEVER, []))
        equal(am.state_of(), ["active"])
        always = am.silence(ALWAYS)
        shown = am.ask(f"/silence/{always}")
        equal((shown["status"]["state"], shown["timeIntervals"], len(shown["nextWindows"])), ("active", ALWAYS, 1))
        equal(shown["nextWindows"][0]["endsAt"], shown["endsAt"])
        equal(am.state_of(), ["suppressed"])
        # A client of Alertmanager changes the comment: it does not know the schedule, and keeps it.
        for id, state in ((never, "pending"), (always, "active")):
            plain = {key: value for key, value in am.ask(f"/silence/{id}").items()
                     if key not in ("timeIntervals", "nextWindows", "status", "updatedAt")}
            equal(am.ask("/silences", {**plain, "comment": "other"}), {"silenceID": id})
            equal(am.ask(f"/silence/{id}")["status"]["state"], state)
        # Without its schedule it is another silence.
        equal(am.ask("/silences", {**plain, "timeIntervals": []})["silenceID"] == always, False)
        for bad, why in (([{}], "always"), ([{"weekdays": ["x"]}], "valid weekday"), ({"x": 1}, "list of time intervals"),
                         ([{"years": ["2030"], "location": "No/Where"}], "unknown time zone")):
            contains(am.ask("/silences", {**plain, "id": "", "timeIntervals": bad}, status=400), why)


def test_the_command_makes_shows_and_moves_recurring_silences(build, work):
    with Alerting(build, work) as am:
        words = ["--comment=nights", "--recurring=weekdays=saturday,sunday times=22:00-24:00 location=Europe/Vienna",
                 '--recurring={"months":["december"]}']
        windows = am.run("silence", "add", "foo", "--preview", *words).splitlines()
        equal(len(windows) >= 1, True, str(windows))
        equal(am.ask("/silences"), [])
        id = am.run("silence", "add", "foo", *words).strip()
        shown = am.ask(f"/silence/{id}")
        equal(shown["timeIntervals"], [{"weekdays": ["saturday", "sunday"],
                                        "times": [{"start_time": "22:00", "end_time": "24:00"}],
                                        "location": "Europe/Vienna"}, {"months": ["december"]}])
        equal(shown["startsAt"][:4] != shown["endsAt"][:4], True, "a year")
        contains(am.run("silence", "preview", id), windows[-1].split("  ")[1])
        contains(am.run("silence", "query"), "nights")
        exported = work / "silences.json"
        exported.write_text(am.run("silence", "export"))
        am.run("silence", "expire", id)
        again = am.run("silence", "import", exported).strip()
        equal(am.ask(f"/silence/{again}")["timeIntervals"], shown["timeIntervals"])
        contains(am.run("silence", "add", "foo", "--comment=x", "--recurring=hours=3", status=2), "none of times")
        plain = am.run("silence", "add", "foo", "--comment=x").strip()
        contains(am.run("silence", "preview", plain, status=2), "no recurring silence")


def test_recurring_silences_survive_a_kill(build, work):
    with Alerting(build, work) as am:
        ids = {am.silence(NEVER): NEVER, am.silence(ALWAYS): ALWAYS}
        am.server.stop(signal.SIGKILL)
    with Alerting(build, work, keep_data=True) as am:
        equal({s["id"]: s["timeIntervals"] for s in am.ask("/silences")}, ids)
        am.alert()
        equal(am.state_of(), ["suppressed"])


class Deadly(Site):
    """A receiver; the first time that it hears of something it runs `kill`, before it answers."""

    def __init__(self, status=200):
        self.kill, self.status, self.told = None, status, []
        super().__init__()

    def take(self, path, body):
        self.told.append((json.loads(body)["status"], json.loads(body)["alerts"][0]["labels"]["alertname"]))
        if self.kill:
            kill, self.kill = self.kill, None
            kill()
        return self.status


def deadly_config(hook):
    return CONFIG.replace("repeat_interval: 2s", "repeat_interval: 1h") + f"  webhook_configs: [{{url: 'http://{hook.address}/'}}]\n"


def test_what_was_told_in_the_moment_of_a_kill_is_told_to_be_over(build, work):
    """The receiver knows that foo fires, foo ends, and the program is killed before it has the receiver's answer: foo's end is told all the
    same. bar, which goes on, may be told twice, as what it is: the first time."""
    for name, expected in (("foo", [("firing", "foo"), ("resolved", "foo")]), ("bar", [("firing", "bar"), ("firing", "bar")])):
        with Deadly() as hook:
            with Alerting(build, work, config=deadly_config(hook), name=name) as am:
                def end_and_kill(am=am, name=name):
                    if name == "foo":
                        am.ask("/alerts", [{"labels": {"alertname": name}, "endsAt": at(-1)}])
                    am.server.program.process.kill()
                hook.kill = end_and_kill
                am.alert(name)
                wait_until("the program is killed", lambda: am.server.program.process.poll() is not None)  # noqa: B023
                am.server.stop()
            with Alerting(build, work, config=deadly_config(hook), name=name, keep_data=True):
                wait_until("it is told", lambda: len(hook.told) > 1)
                equal(hook.told, expected)
                time.sleep(2)  # two intervals, in which nothing is to come
                equal(hook.told, expected, "and once")


def test_what_could_not_be_told_leaves_nothing_behind(build, work):
    """A receiver refuses what it is told; after a kill it does not hear that something is over of which it took nothing."""
    with Deadly(status=400) as hook:
        with Alerting(build, work, config=deadly_config(hook)) as am:
            am.alert()
            wait_until("it is refused", lambda: len(hook.told) > 1)
            am.ask("/alerts", [{"labels": {"alertname": "foo"}, "endsAt": at(-1)}])
            wait_until("it is over", lambda: am.state_of() == [])
            am.server.stop(signal.SIGKILL)
        with Alerting(build, work, config=deadly_config(hook), keep_data=True) as am:
            am.alert("other")
            wait_until("others are told", lambda: ("firing", "other") in hook.told)
            equal([row for row in hook.told if row[0] == "resolved"], [])


def two(build, work, stack):
    """Two servers that know of each other."""
    ports = [free_port(), free_port()]
    both = [stack.enter_context(Alerting(build, work, f"--alertmanager.peer=127.0.0.1:{ports[1 - i]}",
                                         f"--alertmanager.peer-name={'ab'[i]}", name="ab"[i], port=ports[i])) for i in (0, 1)]
    for am in both:
        wait_until("it sees the other", lambda: len(am.ask("/status")["cluster"]["peers"]) == 1, 60)
    return both


def test_peers_hear_of_recurring_silences(build, work):
    with contextlib.ExitStack() as stack:
        a, b = two(build, work, stack)
        id = a.silence(NEVER)
        wait_until("b has it", lambda: [s.get("timeIntervals") for s in b.ask("/silences")] == [NEVER])
        equal([(s["id"], s["status"]["state"]) for s in b.ask("/silences")], [(id, "pending")])


HOOK = """
route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 200ms, repeat_interval: 400ms}}
receivers: [{{name: r, webhook_configs: [{{url: 'http://127.0.0.1:{port}/'}}]}}]
"""


class Inbox(Site):
    """What a webhook receiver was told: one tuple of (i, status) pairs a request."""

    def __init__(self):
        self.got = []
        super().__init__()

    def take(self, path: str, body: bytes) -> int:
        self.got.append(tuple((a["labels"]["i"], a["status"]) for a in json.loads(body)["alerts"]))
        return 200

    def waits_for(self, what, count=1):
        have = self.got.count(what)
        wait_until(f"{what} again", lambda: self.got.count(what) >= have + count, 60)


def held(am):
    """How many repeats were held back."""
    text = am.server.get("/metrics")[2].decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("barograph_alerting_repeats_held_total ")))


def test_an_acknowledged_alert_is_not_repeated_and_all_else_is_told(build, work):
    with Inbox() as inbox, Alerting(build, work, config=HOOK.format(port=inbox.port)) as am:
        am.alert(i="1")
        inbox.waits_for((("1", "firing"),), 2)
        printed = am.run("alert", "ack", "foo", "--author=me", "--comment=on it").split()
        alert, = am.ask("/alerts")
        equal(printed, [alert["fingerprint"]])
        equal({key: alert["acknowledgement"][key] for key in ("createdBy", "comment")}, {"createdBy": "me", "comment": "on it"})
        equal([ack["fingerprint"] for ack in am.ask("/acks")], printed)
        contains(am.run("alert", "ack", "--list"), "on it")
        # Three repeats were due and held back; what is on its way at the time of the command may still arrive.
        wait_until("repeats are held back", lambda: held(am) >= 1, 60)
        told, before = len(inbox.got), held(am)
        wait_until("repeats are held back", lambda: held(am) >= before + 3, 60)
        equal(len(inbox.got), told, "notifications while it is acknowledged")
        am.alert(i="2")
        inbox.waits_for((("1", "firing"), ("2", "firing")), 2)
        am.ask("/acks", {"group": {"labels": {"alertname": "foo"}, "receiver": "r"}, "createdBy": "me", "comment": "both"})
        equal([ack["comment"] for ack in am.ask("/acks")], ["both"] * 2)
        am.ask("/alerts", [{"labels": {"alertname": "foo", "i": "2"}, "startsAt": at(-60), "endsAt": at(-1)}])
        wait_until("the end is told", lambda: (("1", "firing"), ("2", "resolved")) in inbox.got, 60)
        before = held(am)
        wait_until("repeats are held back", lambda: held(am) >= before + 3, 60)
        equal(am.run("alert", "ack", f"--fingerprint={alert['fingerprint']}", "--remove", "--author=you").split(), printed)
        inbox.waits_for((("1", "firing"),), 2)
        _, _, history = am.server.get("/api/v1/notifications/history?limit=1000")
        rows = [(row["status"], row["message"]) for row in json.loads(history)["data"] if row["integration"] == "acknowledgement"]
        equal(sorted(rows), sorted([("acknowledged", "me: on it"), ("acknowledged", "me: both"), ("acknowledged", "me: both"),
                                    ("taken back", "you: ")]))


def test_acknowledgements_are_refused_when_they_are_wrong(build, work):
    with Alerting(build, work) as am:
        am.alert()
        fp = am.ask("/alerts")[0]["fingerprint"]
        for body, status, why in (
                ({"fingerprints": [fp], "comment": "x"}, 400, "an author is wanted"),
                ({"fingerprints": ["x"], "createdBy": "me"}, 400, "16 hexadecimal digits"),
                ({"fingerprints": [], "createdBy": "me"}, 400, "list of 1 to"),
                ({"fingerprints": ["0" * 16], "createdBy": "me"}, 404, "no such alert"),
                ({"fingerprints": [fp], "createdBy": "me", "endsAt": at(-10)}, 400, "in the past"),
                ({"fingerprints": [fp], "createdBy": "me", "endsAt": "soon"}, 400, "no time"),
                ({"group": {}, "createdBy": "me"}, 422, "group.labels"),
                ({"group": {"labels": {"alertname": "bar"}}, "createdBy": "me"}, 404, "no such alert"),
        ):
            contains(str(am.ask("/acks", body, status=status)), why)
        contains(str(am.ask(f"/ack/{fp}", method="DELETE", status=404)), "no such alert is acknowledged")
        contains(am.run("alert", "ack", "bar", status=2), "no alert matches")
        contains(am.run("alert", "ack", status=2), "which alerts?")


def test_acknowledgements_survive_a_kill_and_reach_peers(build, work):
    with contextlib.ExitStack() as stack:
        a, b = two(build, work, stack)
        for am in (a, b):
            am.alert()
        fp = a.ask("/alerts")[0]["fingerprint"]
        a.ask("/acks", {"fingerprints": [fp], "createdBy": "me", "comment": "on it", "endsAt": at(3600)})
        wait_until("b has it", lambda: [ack["comment"] for ack in b.ask("/acks")] == ["on it"])
        b.ask(f"/ack/{fp}?createdBy=you", method="DELETE")
        wait_until("a has heard", lambda: a.ask("/acks") == [])
        b.ask("/acks", {"fingerprints": [fp], "createdBy": "me", "comment": "again"})
        wait_until("a has it", lambda: [ack["comment"] for ack in a.ask("/acks")] == ["again"])
        b.server.stop(signal.SIGKILL)
    with Alerting(build, work, name="b", keep_data=True) as am:
        equal([ack["comment"] for ack in am.ask("/acks")], ["again"])


if __name__ == "__main__":
    main(globals())
