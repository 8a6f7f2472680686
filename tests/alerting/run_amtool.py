#!/usr/bin/env python3
"""Debian's amtool, and plain requests, against barograph's Alertmanager API v2."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, contains, equal, free_port, main, need, wait_until  # noqa: E402

CONFIG = """
global:
  resolve_timeout: 7m
route:
  receiver: hook
  group_by: [alertname]
  routes:
  - {receiver: other, matchers: ['team="x"']}
receivers:
- name: hook
  webhook_configs: [{url: 'http://user:SECRET@127.0.0.1:1/'}]
- name: other
inhibit_rules:
- {source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [job]}
"""
PREFIXES = ("", "/alertmanager")


class Alerting:
    """A server with CONFIG, and amtool that talks to it."""

    def __init__(self, build: pathlib.Path, work: pathlib.Path, *flags: str, keep_data: bool = False):
        self.file = work / "alertmanager.yml"
        self.file.write_text(CONFIG)
        self.server = Server(str(build / "barograph"), work, "scrape_configs: []\n",
                             f"--alertmanager.config-file={self.file}", *flags, keep_data=keep_data)
        self.prefix = ""

    def __enter__(self) -> "Alerting":
        self.server.wait_ready()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self.server.__exit__(kind, *rest)

    def amtool(self, *words: object, status: int = 0) -> str:
        done = subprocess.run([need("amtool"), f"--alertmanager.url=http://127.0.0.1:{self.server.port}{self.prefix}",
                               *map(str, words)], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        equal(done.returncode, status, f"amtool {words}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, path: str, method: str = "GET", body: object = None, kind: str = "application/json"):
        """(status, the answer's JSON, or its bytes when it is none)"""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        status, _, answer = self.server.get(f"{self.prefix}/api/v2{path}", {"Content-Type": kind} if raw is not None else {},
                                            method, raw)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer

    def names(self, **params: object) -> list[str]:
        status, alerts = self.ask("/alerts?" + urllib.parse.urlencode(params, doseq=True))
        equal(status, 200, str(alerts))
        return sorted(alert["labels"]["alertname"] for alert in alerts)


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_amtool_alerts(build, work):
    for prefix in PREFIXES:
        with Alerting(build, work) as am:
            am.prefix = prefix
            am.amtool("alert", "add", "alertname=foo", "job=x", "severity=warning", "--annotation=summary=hi")
            am.amtool("alert", "add", "bar", "job=x", "severity=critical", f"--end={at(600)}",
                      "--generator-url=http://prom/graph")
            am.amtool("alert", "add", "baz", "team=x")
            out = am.amtool("alert", "query")
            for text in ("bar", "baz", "active"):
                contains(out, text, "amtool alert query")
            equal("foo" in out, False, "the inhibited one")
            contains(am.amtool("alert", "query", "--inhibited"), "foo")
            contains(am.amtool("alert", "query", "-o", "extended"), "http://prom/graph")
            equal([a["labels"]["alertname"] for a in json.loads(am.amtool("alert", "query", "-o", "json", "--receiver=oth.*"))],
                  ["baz"], "receiver")
            equal([a["labels"]["alertname"] for a in json.loads(am.amtool("alert", "query", "-o", "json", "alertname=~ba."))
                   if a["status"]["state"] == "active"].__len__(), 2, "matchers")


def test_amtool_silences(build, work):
    with Alerting(build, work) as am:
        am.amtool("alert", "add", "foo", "job=x")
        silence = am.amtool("silence", "add", "alertname=foo", "--comment=test", "--author=me", "--duration=1h").strip()
        contains(am.amtool("silence", "query"), silence)
        contains(am.amtool("silence", "query", "alertname=foo"), "me")
        equal(silence in am.amtool("silence", "query", "alertname=other"), False, "a matcher")
        equal("foo" in am.amtool("alert", "query"), False, "silenced")
        contains(am.amtool("alert", "query", "--silenced"), "foo")
        contains(am.amtool("silence", "update", "--duration=2h", "--comment=longer", silence), "longer")
        exported = work / "silences.json"
        exported.write_text(am.amtool("silence", "query", "-o", "json"))
        am.amtool("silence", "expire", silence)
        equal(silence in am.amtool("silence", "query"), False, "expired")
        contains(am.amtool("silence", "query", "--expired"), silence)
        contains(am.amtool("alert", "query"), "foo")
        am.amtool("silence", "expire", silence, status=1)
        imported = am.amtool("silence", "import", exported).strip().splitlines()
        equal(len(imported), 1, "imported")
        equal("foo" in am.amtool("alert", "query"), False, "silenced again")


def test_amtool_configuration(build, work):
    with Alerting(build, work) as am:
        contains(am.amtool("check-config", am.file), "SUCCESS")
        contains(am.amtool("config", "show"), "receiver: hook")
        equal("SECRET" in am.amtool("config", "show"), False, "secrets are not shown")
        contains(am.amtool("config", "routes", "show"), "receiver: other")
        equal(am.amtool("config", "routes", "test", "team=x").strip(), "other", "routes test")
        contains(am.amtool("cluster", "show"), "disabled")


def use_commands(build, work, url):
    """`barograph alert` and `barograph silence` against a server; what they say, without times and identifiers."""
    def run(*words, status=0, given=None):
        done = subprocess.run([str(build / "barograph"), *words[:2], f"--alertmanager.url={url}", *map(str, words[2:])],
                              capture_output=True, text=True, timeout=60, input=given or "")
        equal(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    run("alert", "add", "foo", "job=x", "--annotation=summary=with a space", f"--end={at(3600)}")
    run("alert", "add", "alertname=bar", "job=y", "--generator-url=http://p/graph")
    equal([line.split()[0] for line in run("alert", "query").splitlines()], ["Alertname", "bar", "foo"])
    contains(run("alert", "query", "foo"), "with a space")
    contains(run("alert", "query", "--output=extended", "job=~y|z"), 'alertname="bar" job="y"')
    equal([a["labels"]["job"] for a in json.loads(run("alert", "query", "--output=json", "job!=x"))], ["y"])
    silence = run("silence", "add", "foo", "job=~x", "--author=me", "--comment=why", "--duration=2h").strip()
    equal("foo" in run("alert", "query"), False, "silenced")
    contains(run("alert", "query", "--silenced"), "foo")
    contains(run("silence", "query"), 'alertname="foo" job=~"x"')
    equal(run("silence", "query", "--quiet", "--created-by=me", "--within=3h").strip(), silence)
    equal(run("silence", "query", "--quiet", "--within=1h").strip(), "")
    contains(run("silence", "update", "--comment=longer", "--duration=3h", silence), "longer")
    silence = run("silence", "query", "--quiet").strip()  # Alertmanager 0.25 makes another one
    exported = run("silence", "export")
    run("silence", "expire", silence)
    run("silence", "expire", "nonsense", status=1)
    contains(run("silence", "query", "--expired"), silence)
    contains(run("alert", "query"), "foo")
    equal(len(run("silence", "import", given=exported).split()), 1)
    equal("foo" in run("alert", "query"), False, "silenced again")
    for words in (("alert", "add"), ("alert", "add", "a=b", "c"), ("alert", "add", "a", "--end=soon"), ("silence", "add", "a"),
                  ("silence", "expire"), ("alert", "query", "--output=xml")):
        run(*words, status=2)
    run("alert", "query", "a=~(", status=1)
    run("silence", "import", status=1, given="{}")


def test_commands_against_barograph(build, work):
    with Alerting(build, work) as am:
        use_commands(build, work, f"127.0.0.1:{am.server.port}/")


def test_commands_against_alertmanager(build, work):
    binary, port = need("prometheus-alertmanager"), free_port()
    (work / "am.yml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    program = Program([binary, "--config.file=am.yml", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
                       f"--storage.path={work / 'am-data'}"], work / "am.log", cwd=work)
    try:
        wait_until("alertmanager", lambda: answers(port), 60)
        use_commands(build, work, f"http://127.0.0.1:{port}")
    finally:
        program.stop()


def answers(port):
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 5):
            return True
    return False


def test_status_and_receivers(build, work):
    with Alerting(build, work) as am:
        status, answer = am.ask("/status")
        equal(status, 200)
        equal(sorted(answer), ["cluster", "config", "uptime", "versionInfo"])
        equal(answer["cluster"], {"peers": [], "status": "disabled"})
        equal(am.ask("/receivers"), (200, [{"labels": {"name": name}, "name": name} for name in ("hook", "other")]))


def test_alerts_filters(build, work):
    with Alerting(build, work) as am:
        alerts = [{"labels": {"alertname": name, "job": job, **more}} for name, job, more in
                  (("A", "1", {"severity": "warning"}), ("B", "1", {"severity": "critical"}), ("C", "2", {"team": "x", "empty": ""}),
                   ("D", "2", {}))]
        equal(am.ask("/alerts", "POST", alerts), (200, b""))
        equal(am.ask("/silences", "POST", {"matchers": [{"name": "alertname", "value": "D", "isRegex": False}],
                                           "startsAt": at(-10), "endsAt": at(3600), "createdBy": "me", "comment": "c"})[0], 200)
        for params, want in (({}, "ABCD"), ({"active": "false"}, "AD"), ({"silenced": "false"}, "ABC"),
                             ({"inhibited": "false"}, "BCD"), ({"unprocessed": "false"}, "ABCD"), ({"receiver": "other"}, "C"),
                             ({"receiver": "h.*"}, "ABD"), ({"filter": 'job="1"'}, "AB"), ({"filter": "empty="}, "ABCD"),
                             ({"filter": ['job=~"1|2"', "team!=x"]}, "ABD"), ({"active": "false", "silenced": "false"}, "A")):
            equal(am.names(**params), sorted(want), str(params))
        status, groups = am.ask("/alerts/groups?receiver=hook&silenced=false")
        equal((status, [g["labels"] for g in groups]), (200, [{"alertname": "A"}, {"alertname": "B"}]))
        equal(groups[0]["alerts"][0]["status"], {"inhibitedBy": [groups[1]["alerts"][0]["fingerprint"]], "mutedBy": [],
                                                 "silencedBy": [], "state": "suppressed"})
        for alert in am.ask("/alerts")[1]:
            equal(sorted(set(alert) - {"generatorURL"}), ["annotations", "endsAt", "fingerprint", "labels", "receivers",
                                                          "startsAt", "status", "updatedAt"])


def test_faults_have_alertmanagers_codes(build, work):
    silence = {"matchers": [{"name": "a", "value": "b", "isRegex": False}], "startsAt": at(-10), "endsAt": at(3600),
               "createdBy": "me", "comment": "c"}
    unknown = "01234567-0123-4123-8123-0123456789ab"
    with Alerting(build, work) as am:
        for method, path, body, want, text in (
                ("GET", "/alerts?active=x", None, 422, "active in query must be of type boolean"),
                ("GET", "/alerts?filter=a", None, 400, "bad matcher format"),
                ("GET", "/alerts?receiver=(", None, 400, "failed to parse receiver param"),
                ("GET", "/alerts?receiver_matchers=(", None, 400, "failed to parse receiver_matchers param: "),
                ("GET", "/silences?expired=maybe", None, 422, "expired in query must be of type boolean"),
                ("GET", "/nothing", None, 404, "not found"),
                ("POST", "/alerts", b"[", 400, "parsing alerts body"),
                ("POST", "/alerts", {}, 400, "parsing alerts body"),
                ("POST", "/alerts", [{}], 422, "0.labels in body is required"),
                ("POST", "/alerts", [{"labels": {}}], 400, "at least one label pair required"),
                ("POST", "/alerts", [{"labels": {"a": 1}}], 400, "parsing alerts body"),
                ("POST", "/alerts", [{"labels": {"a": "b"}, "startsAt": "soon"}], 400, "is no time"),
                ("POST", "/alerts", [{"labels": {"a": "b"}, "startsAt": at(10), "endsAt": at(5)}], 400,
                 "start time must be before end time"),
                ("POST", "/alerts", [{"labels": {"a": "b"}, "startsAt": at(10), "endsAt": at(5)}, {"labels": {}}], 400,
                 "start time must be before end time\nat least one label pair required"),
                ("POST", "/silences", {**silence, "matchers": []}, 422, "should have at least 1 items"),
                ("POST", "/silences", {**silence, "comment": None}, 422, "comment in body is required"),
                ("POST", "/silences", {**silence, "endsAt": at(-20)}, 400, "start time must be before end time"),
                ("POST", "/silences", {**silence, "startsAt": at(-20), "endsAt": at(-10)}, 400, "end time can't be in the past"),
                ("POST", "/silences", {**silence, "id": unknown}, 404, "not found"),
                ("POST", "/silences", {**silence, "matchers": [{"name": "a", "value": "", "isRegex": False}]}, 400,
                 "at least one matcher must not match the empty string"),
                ("POST", "/silences", {**silence, "matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400,
                 "invalid label matcher 0"),
                ("POST", "/peer", {"name": "stranger", "entries": []}, 403, "has no peers"),
                ("GET", "/silence/x", None, 422, "silenceID in path must be of type uuid"),
                ("GET", f"/silence/{unknown}", None, 404, ""),
                ("DELETE", f"/silence/{unknown}", None, 404, "")):
            status, answer = am.ask(path, method, body)
            equal(status, want, f"{method} {path} {body}: {answer}")
            contains(str(answer), text, f"{method} {path} {body}")
        equal(am.ask("/alerts", "POST", b"[]", kind="text/plain")[0], 415, "media type")
        equal(am.ask("/alerts", "POST", [{"labels": {"alertname": "good"}}, {"labels": {"": "x"}}])[0], 400, "one is bad")
        equal(am.names(), ["good"], "and the good one is taken")


def test_silences_of_a_state(build, work):
    silence = {"matchers": [{"name": "a", "value": "b", "isRegex": False}], "createdBy": "me"}
    with Alerting(build, work) as am:
        ids = {name: am.ask("/silences", "POST", {**silence, "comment": name, "startsAt": at(begin), "endsAt": at(7200)})[1]["silenceID"]
               for name, begin in (("active", -10), ("pending", 3600), ("expired", -10))}
        equal(am.ask(f"/silence/{ids['expired']}", "DELETE")[0], 200)
        for query, want in (("", ["active", "pending", "expired"]), ("?expired=false", ["active", "pending"]), ("?active=false", ["pending", "expired"]),
                            ("?pending=false&active=true", ["active", "expired"]), ("?active=false&pending=0&expired=false", [])):
            equal([(one["comment"], one["status"]["state"]) for one in am.ask("/silences" + query)[1]], [(name, name) for name in want], query)


def test_silences_have_annotations(build, work):
    silence = {"matchers": [{"name": "a", "value": "b", "isRegex": False}], "createdBy": "me", "comment": "c", "startsAt": at(-10), "endsAt": at(7200)}
    with Alerting(build, work) as am:
        def shown(name, am=am):
            return am.ask(f"/silence/{name}")[1]["annotations"]

        for bad in ([], "x", {"a": 1}, {"a": None}):
            status, answer = am.ask("/silences", "POST", {**silence, "annotations": bad})
            equal((status, "annotations is no object" in str(answer)), (400, True), str(bad))
        plain = am.ask("/silences", "POST", silence)[1]["silenceID"]
        equal(shown(plain), {})
        annotated = am.ask("/silences", "POST", {**silence, "annotations": {"ticket": "T-1", "ä": "<&>"}})[1]["silenceID"]
        equal(shown(annotated), {"ticket": "T-1", "ä": "<&>"})
        begin = am.ask(f"/silence/{annotated}")[1]["startsAt"]
        equal(am.ask("/silences", "POST", {**silence, "startsAt": begin, "id": annotated, "annotations": {"ticket": "T-2"}})[1]["silenceID"], annotated, "an update")
        equal(shown(annotated), {"ticket": "T-2"})
        url = f"--alertmanager.url=http://127.0.0.1:{am.server.port}"

        def barograph(*arguments):
            return subprocess.run([build / "barograph", "silence", *arguments, url], capture_output=True, text=True, timeout=60)

        made = barograph("add", "a=b", "--comment=c", "--annotation=link=http://x/", '--annotation="b c"="d"').stdout.strip()
        equal(shown(made), {"link": "http://x/", "b c": "d"})
        barograph("update", "--duration=3h", made)
        equal(shown(made), {"link": "http://x/", "b c": "d"})
        contains(barograph("export").stdout, '"annotations":{"b c":"d","link":"http://x/"}')
        for wrong in ("--annotation=a", "--annotation=a!=b", "--annotation=a=b,c=d"):
            equal(barograph("add", "a=b", "--comment=c", wrong).returncode != 0, True, wrong)
        am.server.program.stop()
        with Alerting(build, work, keep_data=True) as again:
            equal((shown(annotated, again), shown(plain, again)), ({"ticket": "T-2"}, {}), "after a restart")


def test_v1_posts_are_taken(build, work):
    with Alerting(build, work) as am:
        body = json.dumps([{"labels": {"alertname": "old"}, "annotations": {"a": "b"}}]).encode()
        status, _, answer = am.server.get("/api/v1/alerts", {"Content-Type": "application/json"}, "POST", body)
        equal((status, json.loads(answer)["status"]), (200, "success"))
        contains(answer.decode(), "/api/v2/alerts is current")
        equal(am.names(), ["old"])
        status, _, answer = am.server.get("/api/v1/alerts", {}, "POST", b"nonsense")
        equal((status, json.loads(answer)["errorType"]), (400, "bad_data"))
        equal(am.server.api("alerts")["alerts"], [], "GET is Prometheus's")


def test_hostile_texts_stay_inert(build, work):
    evil = '<script>alert(1)</script>"\'\\\n\u2028{{ .Foo }}%s'
    with Alerting(build, work) as am:
        equal(am.ask("/alerts", "POST", [{"labels": {"alertname": "evil", evil: evil}, "annotations": {evil: evil}}])[0], 200)
        status, raw = am.ask("/alerts")
        equal((raw[0]["labels"][evil], raw[0]["annotations"][evil]), (evil, evil))
        _, _, text = am.server.get("/api/v2/alerts")
        equal(b"<script>" in text, False, "as Go's encoder escapes it")


def test_all_of_it_is_there_after_kill(build, work):
    with Alerting(build, work, "--web.enable-lifecycle") as am:
        equal(am.ask("/alerts", "POST", [{"labels": {"alertname": str(i)}} for i in range(300)])[0], 200)
        made = am.ask("/silences", "POST", {"matchers": [{"name": "alertname", "value": "1.*", "isRegex": True, "isEqual": True}],
                                            "startsAt": at(-10), "endsAt": at(3600), "createdBy": "me", "comment": "kept"})[1]
        am.server.program.process.kill()
        am.server.program.process.wait(20)
        am.server.program.out.close()
        with Alerting(build, work, keep_data=True) as again:
            equal(len(again.names()), 300, "alerts")
            equal(again.names(silenced="false").__len__(), 300 - 111, "silenced")
            equal(again.ask(f"/silence/{made['silenceID']}")[1]["comment"], "kept")


def test_reload_keeps_or_refuses(build, work):
    with Alerting(build, work, "--web.enable-lifecycle") as am:
        equal(am.ask("/alerts", "POST", [{"labels": {"alertname": "A"}}])[0], 200)
        am.file.write_text(CONFIG.replace("receiver: hook", "receiver: missing"))
        status, _, answer = am.server.get("/-/reload", method="POST")
        equal(status, 500, answer.decode())
        contains(answer.decode(), 'undefined receiver "missing"')
        equal(am.ask("/receivers")[1][0]["name"], "hook")
        am.file.write_text(CONFIG.replace("name: hook", "name: crook").replace("receiver: hook", "receiver: crook"))
        equal(am.server.get("/-/reload", method="POST")[0], 200)
        equal(am.ask("/receivers")[1][0]["name"], "crook")
        wait_until("the alert in its new group",
                   lambda: [g["receiver"]["name"] for g in am.ask("/alerts/groups")[1]] == ["crook"])


main(globals())
