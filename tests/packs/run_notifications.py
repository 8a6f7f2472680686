#!/usr/bin/env python3
"""What people get: a real Alertmanager with each pack's alertmanager.yml sends to local Slack, PagerDuty, webhook and mail servers."""

import http.server
import json
import pathlib
import re
import socketserver
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from barotest import Program, contains, equal, free_port, main, need, wait_until  # noqa: E402
import packlib  # noqa: E402
from packlib import NAMES, PACKS  # noqa: E402
from run_packs import ask  # noqa: E402

# What one alert of each severity must reach: (critical, warning).
WANTED = {
    "orfeas": ({"slack", "webhook", "mail"}, {"slack"}),
    "e2e3d": ({"pagerduty", "slack", "webhook"}, {"slack", "mail"}),
    "orchestrator": ({"slack", "mail"}, None),  # all of its alerts are critical
    "pybase": ({"pagerduty", "slack"}, {"slack", "mail"}),
}


class Inbox:
    """(kind, content) of everything that arrived."""

    def __init__(self):
        self.got = []
        inbox = self

        class Web(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                inbox.got.append((self.path.strip("/"), body))
                self.send_response(202 if self.path == "/pagerduty" else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Mail(socketserver.StreamRequestHandler):
            """Just enough of SMTP to take a letter."""

            def handle(self):
                self.wfile.write(b"220 test\r\n")
                while line := self.rfile.readline(1000):
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        letter = b""
                        while (line := self.rfile.readline(100000)) and line != b".\r\n":
                            letter += line
                        inbox.got.append(("mail", letter.decode(errors="replace")))
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        return

        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        self.mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
        for server in (self.web, self.mail):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def kinds(self, alert):
        return {kind for kind, body in self.got if alert in body}

    def text(self, kind, alert):
        return next(body for got, body in self.got if got == kind and alert in body)

    def close(self):
        for server in (self.web, self.mail):
            server.shutdown()
            server.server_close()


def local(pack, work, inbox):
    """The pack's alertmanager.yml with local addresses and without waits."""
    web, mail = (f"127.0.0.1:{server.server_address[1]}" for server in (inbox.web, inbox.mail))
    text = (PACKS / pack / "alertmanager.yml").read_text()
    (work / "slack-webhook-url").write_text(f"http://{web}/slack")
    (work / "pagerduty-routing-key").write_text("key")
    for pattern, new in ((r"/etc/alertmanager/secrets/", f"{work}/"), (r"smtp\.gmail\.com:587", mail), (r"smtp_require_tls: true", "smtp_require_tls: false"),
                         (r"  smtp_auth_.*\n", ""), (r"group_wait: \d+s", "group_wait: 0s"), (r"http://alert-webhook:8080/alerts", f"http://{web}/webhook"),
                         (r"global:\n", f"global:\n  pagerduty_url: http://{web}/pagerduty\n")):
        text = re.sub(pattern, new, text)
    path = work / "alertmanager.yml"
    path.write_text(text)
    return path


def post(port, rule, pack):
    """The alert as Prometheus would send it, its texts as they would be rendered for one instance."""
    annotations = {name: re.sub(r"\{\{.*?\}\}", "X", text) for name, text in rule["annotations"].items()}
    alert = {"labels": {"alertname": rule["alert"], "instance": "host:1", **rule["labels"]}, "annotations": annotations, "generatorURL": "http://server/graph"}
    equal(ask(port, "POST", "/api/v2/alerts", [alert])[0], 200, f"{pack}: {rule['alert']}")


def check_texts(inbox, kinds, rule):
    for kind in kinds:
        body = inbox.text(kind, rule["alert"])
        # A quoted-printable letter breaks lines and escapes "="; the alert's name and system stay whole in its subject.
        for part in ([rule["alert"], rule["labels"]["system"]] if kind == "mail" else [rule["annotations"]["action"], rule["annotations"]["runbook_url"]]):
            contains(body, part, f"{kind}: {rule['alert']}")
    if "slack" in kinds:
        message = json.loads(inbox.text("slack", rule["alert"]))
        contains(message["attachments"][0]["text"], "Runbook:", "Slack")
        equal("<no value>" in json.dumps(message), False, "Slack: templates")


def test_notifications(build, work):
    program = need("prometheus-alertmanager")
    for pack in NAMES:
        folder = work / pack
        folder.mkdir()
        inbox, port = Inbox(), free_port()
        alertmanager = Program([program, f"--config.file={local(pack, folder, inbox)}", f"--storage.path={folder}/data",
                                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], work / f"{pack}.log")
        try:
            wait_until("ready", lambda: ask(port, "GET", "/-/ready")[0] == 200, 30)  # noqa: B023
            # The last of each severity that silences nothing else.
            for severity, kinds in zip(("critical", "warning"), WANTED[pack]):
                if kinds is None:
                    continue
                rule = [rule for rule in packlib.rules(pack) if rule["labels"]["severity"] == severity and not rule["alert"].endswith("Down")][-1]
                post(port, rule, pack)
                wait_until(f"{pack}: {rule['alert']}: {kinds}", lambda: inbox.kinds(rule["alert"]) == kinds, 15)  # noqa: B023
                check_texts(inbox, kinds, rule)
        finally:
            alertmanager.stop()
            inbox.close()


def test_inhibition(build, work):
    """A backend that is down silences the rest of its system; a critical alert the warning of its kind."""
    program = need("prometheus-alertmanager")
    inbox, port = Inbox(), free_port()
    alertmanager = Program([program, f"--config.file={local('orfeas', work, inbox)}", f"--storage.path={work}/data",
                            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], work / "alertmanager.log")
    try:
        wait_until("ready", lambda: ask(port, "GET", "/-/ready")[0] == 200, 30)
        label = {"job": "orfeas-backend", "instance": "studio:5000", "system": "orfeas"}
        cases = [({"alertname": "CriticalErrorRate", "severity": "critical"}, "active"), ({"alertname": "HighErrorRate", "severity": "warning"}, "suppressed"),
                 ({"alertname": "LowDiskSpace", "severity": "warning"}, "active")]
        equal(ask(port, "POST", "/api/v2/alerts", [{"labels": label | labels} for labels, _ in cases])[0], 200, "posted")

        def states():
            return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in ask(port, "GET", "/api/v2/alerts")[1]}
        wait_until(f"states {cases}", lambda: states() == {labels["alertname"]: state for labels, state in cases}, 15)
        equal(ask(port, "POST", "/api/v2/alerts", [{"labels": label | {"alertname": "ApplicationDown", "severity": "critical"}}])[0], 200, "posted")
        wanted = {"ApplicationDown": "active", "CriticalErrorRate": "suppressed", "HighErrorRate": "suppressed", "LowDiskSpace": "suppressed"}
        wait_until(f"states {wanted}", lambda: states() == wanted, 15)
    finally:
        alertmanager.stop()
        inbox.close()


if __name__ == "__main__":
    main(globals())
