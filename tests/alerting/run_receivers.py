#!/usr/bin/env python3
"""What receivers get: every kind over HTTP at a local server, e-mail at a real SMTP server, and beside Debian's Alertmanager.

receivers.json holds the requests that Alertmanager 0.34 makes of receivers.yml, receivers_new.yml and ALERTS. Usage: run_receivers.py BUILD [NAME...]
"""

import base64
import contextlib
import email
import email.policy
import hashlib
import hmac
import html.parser
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, Skip, contains, equal, free_port, main, need, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
HOSTILE = "<b onclick=x>'\"&\u2028 \\ é\U0001F600 </script>{{.Status}}\r\nBcc: <x@y>"
EXTERNAL = "http://am.example.com:9093"


def alerts(count: int = 3, start: str = "2099-01-02T03:04:05.678Z", end: str = "2099-02-03T04:05:06Z") -> list[dict]:
    return [{"labels": {"alertname": "Hot", "job": "api", "severity": "warning", "i": str(i)},
             "annotations": {"summary": f"s{i} {HOSTILE}", "note": HOSTILE}, "startsAt": start, "endsAt": end,
             "generatorURL": "http://p/graph?g0.expr=a>b&x=1"} for i in range(count)]


class Quiet(http.server.ThreadingHTTPServer):
    """Clients that go away are no news."""

    def handle_error(self, *_: object) -> None:
        pass


class Sink:
    """A server that answers what each kind expects, and keeps (method, path, headers in lower case, body)."""

    ANSWERS = {"sendMessage": ("application/json", b'{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}'),
               "chat.postMessage": ("application/json", b'{"success":true}'), "gettoken": ("text/plain", b'{"access_token":"TOKEN"}'),
               "message/send": ("text/plain", b'{"errcode":0}'), "/search": ("application/json", b'{"issues":[]}'),
               "/sns/": ("text/xml", b"<PublishResponse><PublishResult><MessageId>x</MessageId></PublishResult></PublishResponse>")}

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with sink.lock:
                    sink.got.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                kind, text = next((a for part, a in Sink.ANSWERS.items() if part in self.path), ("text/plain", b"ok"))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        with self.lock:
            got, self.got = self.got, []
        return got

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def config(work: pathlib.Path, url: str, *names: str) -> pathlib.Path:
    path = work / "alertmanager.yml"
    path.write_text("".join((HERE / name).read_text() for name in names).replace("SERVER", url))
    return path


def send(build: pathlib.Path, path: pathlib.Path, *words: str, posted: list[dict] | None = None, receiver: str = "all",
         env: dict[str, str] | None = None) -> tuple[int, str]:
    """barograph alert test-receiver: (exit status, output)"""
    if posted is not None:
        (path.parent / "alerts.json").write_text(json.dumps(posted))
        words = (f"--alerts={path.parent / 'alerts.json'}", *words)
    done = subprocess.run([build / "barograph", "alert", "test-receiver", f"--config.file={path}", f"--web.external-url={EXTERNAL}",
                           "--timeout=30s", receiver, *words], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout + done.stderr


def comparable(requests: list, url: str) -> list[list[str]]:
    """What must be equal: method, path, type, credentials that do not depend on the time, body."""
    shown = []
    for method, path, headers, body in requests:
        credentials = headers.get("authorization", "")
        if credentials.startswith("AWS4"):
            credentials = credentials.split("/", 1)[0]
        shown.append([method, path, headers.get("content-type", ""), credentials, headers.get("x-auth-token", ""),
                      body.decode().replace(url, "SERVER")])
    return sorted(shown)


def test_every_kind_sends_what_alertmanager_sends(build, work):
    golden = json.loads((HERE / "receivers.json").read_text())
    with Sink() as sink:
        status, output = send(build, config(work, sink.url, "receivers.yml", "receivers_new.yml"), posted=alerts())
        equal(status, 0, output)
        got = comparable(sink.take(), sink.url)
        equal([row[:2] for row in got], [row[:2] for row in golden["firing"]], "requests")
        for have, want in zip(got, golden["firing"]):
            equal(have, want, f"{want[0]} {want[1]}")
        over = alerts(start="2026-01-02T03:04:05.678Z", end="2026-02-03T04:05:06Z")
        status, output = send(build, config(work, sink.url, "receivers.yml", "receivers_new.yml"), posted=over)
        equal(status, 0, output)
        for have, want in zip(comparable(sink.take(), sink.url), golden["resolved"]):
            equal(have, want, f"resolved: {want[0]} {want[1]}")


def test_headers(build, work):
    with Sink() as sink:
        send(build, config(work, sink.url, "receivers.yml"), posted=alerts(1))
        for method, path, headers, body in sink.take():
            contains(headers["user-agent"], "barograph/", path)
            for name in ("accept", "expect", "transfer-encoding"):
                equal(headers.get(name) if method != "GET" else None, None, f"{path}: {name}")
            if method != "GET":
                equal(headers["content-length"], str(len(body)), path)


def signature(secret: str, region: str, headers: dict[str, str], path: str, body: bytes) -> str:
    """AWS Signature Version 4, by the book."""
    day = headers["x-amz-date"][:8]
    names = "content-type;host;x-amz-date"
    request = "\n".join(["POST", path, "", *(f"{name}:{headers[name]}" for name in names.split(";")), "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/sns/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (day, region, "sns", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_sns_is_signed(build, work):
    with Sink() as sink:
        send(build, config(work, sink.url, "receivers.yml"), posted=alerts(1))
        _, path, headers, body = next(row for row in sink.take() if row[1].startswith("/sns"))
        contains(headers["authorization"], "Signature=" + signature("aws-secret", "us-east-1", headers, path, body))


class Finder(html.parser.HTMLParser):
    """Tags and attributes of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))


def test_hostile_text_is_inert(build, work):
    bad = alerts(2)
    for one in bad:
        one["labels"].update(job=HOSTILE, alertname=HOSTILE)
        one["generatorURL"] = "javascript:alert(1)"
    with Sink() as sink:
        status, output = send(build, config(work, sink.url, "receivers.yml", "receivers_new.yml"), posted=bad)
        equal(status, 0, output)
        for _, path, headers, body in sink.take():
            equal([name for name in headers if name == "bcc"], [], path)
            if headers.get("content-type") != "application/json":
                continue
            json.loads(body)  # still one document
            equal(b"<b" in body, False, f"{path}: markup")
            if "bot-token/sendMessage" in path:
                finder = Finder()
                finder.feed(json.loads(body)["text"])
                equal(finder.tags, [], "tags in Telegram's HTML")


def test_secrets_come_from_files_and_the_environment(build, work):
    with Sink() as sink:
        path = work / "am.yml"
        path.write_text(f"""
route: {{receiver: all}}
receivers:
- name: all
  opsgenie_configs: [{{api_url: '{sink.url}/', api_key_file: key}}]
  webhook_configs: [{{url_file: url, http_config: {{basic_auth: {{username: u, password_file: password}}}}}}]
  incidentio_configs: [{{url: '{sink.url}/inc', alert_source_token: '${{INCIDENT_TOKEN}}'}}]
""")
        for round_ in ("one", "two"):
            (work / "key").write_text(f" key-{round_}\n")
            (work / "url").write_text(f"{sink.url}/{round_}\n")
            (work / "password").write_text(f"pass-{round_}\n")
            status, output = send(build, path, env={"INCIDENT_TOKEN": f"token-{round_}"})
            equal(status, 0, output)
            got = {row[1]: row[2].get("authorization") for row in sink.take()}
            equal(got["/v2/alerts"], f"GenieKey key-{round_}", "the file")
            equal(got[f"/{round_}"], "Basic " + base64.b64encode(f"u:pass-{round_}".encode()).decode(), "basic_auth")
            equal(got["/inc"], f"Bearer token-{round_}", "the environment")
        (work / "key").unlink()
        status, output = send(build, path)
        equal(status, 1, "a missing file")
        contains(output, str(work / "key"))


def test_dry_run_shows_no_secret(build, work):
    status, output = send(build, config(work, "http://127.0.0.1:9", "receivers.yml", "receivers_new.yml"), "--dry-run", "severity=critical")
    equal(status, 0, output)
    for secret in ("routing-key", "genie-key", "victor-key", "bot-token", "wechat-secret", "aws-secret", "jira-password", "rocket-token",
                   "incident-token"):
        equal(secret in output, False, secret)
    contains(output, "]: would be sent\n{\"channel\":\"#ops\"")


def test_the_api_sends_and_shows(build, work):
    with Sink() as sink:
        (work / "key").write_text("genie-key-2")
        am = config(work, sink.url, "receivers.yml")
        am.write_text(am.read_text().replace("api_key: genie-key", "api_key_file: key"))
        with Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={am}") as server:
            server.wait_ready()

            def post(path: str, *form: tuple[str, str]) -> tuple[int, dict]:
                status, _, body = server.get(path, {"Content-Type": "application/x-www-form-urlencoded"}, "POST",
                                             urllib.parse.urlencode(form).encode(), timeout=60)
                return status, json.loads(body)

            status, answer = post("/api/v1/receivers/test", ("receiver", "all"), ("dry_run", "true"), ("label", "severity=critical"))
            equal(status, 200, str(answer))
            equal({row["outcome"] for row in answer["data"]}, {"rendered"}, "dry run")
            equal("routing-key" in str(answer) or "genie-key" in str(answer), False, "secrets")
            equal(sink.take(), [], "requests of a dry run")
            status, answer = post("/api/v1/receivers/test", ("receiver", "all"), ("label", "severity=critical"), ("annotation", "summary=<b>"))
            equal({row["outcome"] for row in answer["data"]}, {"sent"}, str(answer))
            got = sink.take()
            contains(next(body for _, path, _, body in got if path == "/webhook").decode(), '"severity":"critical"')
            equal(next(headers for _, path, headers, _ in got if path.startswith("/opsgenie"))["authorization"], "GenieKey genie-key-2", "the file")
            equal(post("/api/v1/receivers/test", ("receiver", "none"))[0], 404, "no such receiver")
            equal(post("/api/v1/receivers/test", ("receiver", "all"), ("label", "x"))[0], 400, "no pair")
            status, _, answer = server.get("/api/v1/receivers/test", method="POST", body=b"receiver=all&dry_run=true",
                                           headers={"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"})
            equal((status, "pages of other sites" in answer.decode()), (400, True), "a page of another site")
            text = '{{ define "t" }}[{{ .Status }}]{{ end }}'
            equal(post("/api/v1/templates/preview", ("text", '{{ template "t" . }}<i>{{ "<b>" }}'), ("templates", text), ("type", "html"))[1]["data"],
                  {"text": "[firing]<i>&lt;b&gt;"}, "preview")
            place = '{{ now | tz "Asia/Tokyo" | date "MST -0700" }}'
            equal(post("/api/v1/templates/preview", ("text", place))[1]["data"], {"text": "JST +0900"}, "hours of a place")
            status, answer = post("/api/v1/templates/preview", ("text", "{{ .Nope }}"))
            equal(status, 400, "a template that fails")
            contains(answer["error"], "can't evaluate field Nope")


def test_failures_are_told(build, work):
    path = work / "am.yml"
    path.write_text(f"route: {{receiver: all}}\nreceivers:\n- name: all\n  webhook_configs: [{{url: 'http://127.0.0.1:{free_port()}/s3cret'}}]\n"
                    "  telegram_configs: [{bot_token: x, chat_id: 1, message: '{{ .Nope }}'}]\n")
    status, output = send(build, path)
    equal(status, 1, output)
    contains(output, '"<redacted>"')
    contains(output, "(would be tried again)")
    contains(output, "can't evaluate field Nope")
    equal("s3cret" in output, False, "the URL")


# ---- Fixed addresses, through a proxy that speaks for them ----


def certificate(work: pathlib.Path, *names: str) -> tuple[pathlib.Path, pathlib.Path]:
    key, cert = work / "key.pem", work / "cert.pem"
    alt = ",".join(f"IP:{n}" if n[0].isdigit() else f"DNS:{n}" for n in names)
    subprocess.run([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", f"subjectAltName={alt}", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True, timeout=60)
    return key, cert


class Proxy:
    """A CONNECT proxy that answers in the name of every host."""

    def __init__(self, key: pathlib.Path, cert: pathlib.Path) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        proxy = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)

        class Inner(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.got.append((self.headers["Host"], self.path, body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Outer(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                self.send_response(200)
                self.end_headers()
                with contextlib.suppress(OSError), context.wrap_socket(self.connection, server_side=True) as inside:
                    Inner(inside, self.client_address, self.server)

            def log_message(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Outer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_pushover_and_pagerduty_v1_by_proxy(build, work):
    key, cert = certificate(work, "api.pushover.net", "events.pagerduty.com")
    proxy = Proxy(key, cert)
    http_config = f"{{proxy_url: '{proxy.url}', tls_config: {{ca_file: '{cert}'}}}}"
    path = work / "am.yml"
    path.write_text(f"""
route: {{receiver: all}}
receivers:
- name: all
  pushover_configs: [{{user_key: user, token: token, url_title: '&t', html: true, http_config: {http_config}}}]
  pagerduty_configs: [{{service_key: service, http_config: {http_config}}}]
""")
    status, output = send(build, path, posted=alerts(1))
    equal(status, 0, output)
    by_host = {host: (where, body) for host, where, body in proxy.got}
    form = urllib.parse.parse_qs(urllib.parse.urlparse(by_host["api.pushover.net"][0]).query, keep_blank_values=True)
    equal({name: form[name] for name in ("user", "token", "priority", "retry", "expire", "html", "url_title")},
          {"user": ["user"], "token": ["token"], "priority": ["2"], "retry": ["60"], "expire": ["3600"], "html": ["1"], "url_title": ["&t"]}, "form")
    equal("<b " in form["message"][0], False, "markup in the message")
    equal(list(form), sorted(form), "the order")
    event = json.loads(by_host["events.pagerduty.com"][1])
    equal((by_host["events.pagerduty.com"][0], event["service_key"], event["event_type"], event["payload"], event["details"]["num_firing"]),
          ("/generic/2010-04-15/create_event.json", "service", "trigger", None, 1), "event")
    proxy.server.shutdown()
    proxy.server.server_close()


# ---- E-mail ----


def installed(build: pathlib.Path) -> pathlib.Path:
    """The folder in which smtp-server is, installed by its lock file."""
    need("npm")
    need("node")
    where = build / "smtp-server"
    where.mkdir(exist_ok=True)
    lock = (HERE / "smtp-server" / "package-lock.json").read_text()
    done = where / "installed-lock.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "serve.js"):
        shutil.copyfile(HERE / "smtp-server" / name, where / name)
    if not done.exists() or done.read_text() != lock:
        result = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=where, capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            raise Skip(f"npm could not install smtp-server: {(result.stderr.strip().splitlines() or ['no reason'])[0][:200]}")
        done.write_text(lock)
    return where


class Smtp:
    """smtp-server on a free port; `mails` reads what has come."""

    def __init__(self, where: pathlib.Path, log: pathlib.Path, **options: object) -> None:
        log.unlink(missing_ok=True)
        self.program = Program(["node", "serve.js", json.dumps(options)], log, cwd=where)
        wait_until("smtp-server's port", lambda: "\n" in self.program.text(), 60)
        self.port = int(self.program.text().split("\n", 1)[0])

    def mails(self) -> list[dict]:
        return [json.loads(line) for line in self.program.text().split("\n")[1:] if line.startswith("{")]

    def __enter__(self) -> "Smtp":
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def mail_config(work: pathlib.Path, port: int, more: str, name: str = "am.yml") -> pathlib.Path:
    path = work / name
    path.write_text(f"""
global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: 'Baro <baro@example.com>', smtp_hello: here.example}}
route: {{receiver: all}}
receivers:
- name: all
  email_configs:
  - {{to: 'Ops <ops@example.com>, second@example.com', text: 'Text {{{{ .CommonAnnotations.note }}}}', {more}}}
""")
    return path


def test_mail_arrives_with_tls_and_auth(build, work):
    where = installed(build)
    key, cert = certificate(work, "127.0.0.1", "mail.example")
    tls = {"key": str(key), "cert": str(cert)}
    password = base64.b64encode(os.urandom(12)).decode()
    trust = f"tls_config: {{ca_file: '{cert}'}}"
    login = f"auth_username: me, auth_password: '{password}'"
    (work / "password").write_text(password + "\n")
    rows = [
        ("open", {}, "require_tls: false", ""),
        ("STARTTLS", {**tls, "starttls": True}, trust, ""),
        ("TLS from the start", {**tls, "secure": True}, f"force_implicit_tls: true, {trust}", ""),
        ("another name", {**tls, "starttls": True}, f"tls_config: {{ca_file: '{cert}', server_name: mail.example}}", ""),
        ("PLAIN", {**tls, "starttls": True, "user": "me", "pass": password, "methods": ["PLAIN"]}, f"{trust}, {login}", "PLAIN me"),
        ("LOGIN", {**tls, "starttls": True, "user": "me", "pass": password, "methods": ["LOGIN"]},
         f"{trust}, auth_username: me, auth_password_file: '{work / 'password'}'", "LOGIN me"),
        ("CRAM-MD5", {**tls, "starttls": True, "user": "me", "pass": password, "methods": ["CRAM-MD5"]},
         f"{trust}, auth_username: me, auth_secret: '{password}'", "CRAM-MD5 me"),
    ]
    for name, options, more, user in rows:
        with Smtp(where, work / f"smtp-{name.replace(' ', '-')}.log", **options) as server:
            status, output = send(build, mail_config(work, server.port, more), posted=alerts())
            equal(status, 0, f"{name}: {output}")
            wait_until(f"{name}: a mail", lambda: server.mails(), 30)
            mail = server.mails()[0]
            equal((mail["from"], mail["to"], mail["user"], mail["secure"], mail["hello"]),
                  ("baro@example.com", ["ops@example.com", "second@example.com"], user, bool(options.get("key")), "here.example"), name)


def test_mail_that_must_not_leave(build, work):
    where = installed(build)
    key, cert = certificate(work, "127.0.0.1")
    tls = {"key": str(key), "cert": str(cert), "starttls": True}
    rows = [
        ("no STARTTLS", {}, "require_tls: true", "does not advertise the STARTTLS extension"),
        ("a stranger's certificate", tls, "require_tls: true", "smtp 127.0.0.1"),
        ("a wrong password", {**tls, "user": "me", "pass": "right"}, f"tls_config: {{ca_file: '{cert}'}}, auth_username: me, auth_password: wr0ngpass",
         "smtp 127.0.0.1"),
        ("no password", {**tls, "user": "me", "pass": "right"}, f"tls_config: {{ca_file: '{cert}'}}, auth_username: me",
         "neither password nor secret"),
    ]
    for name, options, more, message in rows:
        with Smtp(where, work / f"smtp-{name.replace(' ', '-')}.log", **options) as server:
            status, output = send(build, mail_config(work, server.port, more), posted=alerts(1))
            equal(status, 1, f"{name}: {output}")
            contains(output, message, name)
            contains(output, "(would be tried again)", name)
            equal(server.mails(), [], name)
            equal("wr0ngpass" in output, False, "the password")


def test_mail_content(build, work):
    where = installed(build)
    with Smtp(where, work / "smtp.log") as server:
        more = ("require_tls: false, threading: {enabled: true, thread_by_date: none}, "
                "headers: {subject: '{{ .CommonAnnotations.note }}', x-state: '{{ .Status }}'}")
        status, output = send(build, mail_config(work, server.port, more), posted=alerts())
        equal(status, 0, output)
        wait_until("a mail", lambda: server.mails(), 30)
        raw = server.mails()[0]["text"]
    mail = email.message_from_string(raw, policy=email.policy.default)
    equal(mail["Bcc"], None, "a header from a label")
    equal(email.header.make_header(email.header.decode_header(email.message_from_string(raw)["Subject"])).__str__(), HOSTILE, "Subject")
    equal((mail["X-State"], mail["To"], mail["From"], mail["MIME-Version"]),
          ("firing", "Ops <ops@example.com>, second@example.com", "Baro <baro@example.com>", "1.0"), "headers")
    key = hashlib.sha256(b'{}:{alertname="Hot"}').hexdigest()[:16]
    equal((mail["References"], mail["In-Reply-To"]), (f"<alert-{key}-@alertmanager>",) * 2, "threading")
    contains(mail["Message-Id"], "@")
    equal(mail.get_content_type(), "multipart/alternative", "type")
    text, page = mail.iter_parts()
    equal((text.get_content_type(), page.get_content_type()), ("text/plain", "text/html"), "parts")
    equal(text.get_payload(decode=True).decode().replace("\r\n", "\n"), "Text " + HOSTILE.replace("\r\n", "\n"), "text")
    shown = page.get_payload(decode=True).decode()
    contains(shown, "<title>[FIRING:3] Hot (api warning)</title>")
    finder = Finder()
    finder.feed(shown)
    equal([tag for tag in finder.tags if tag[0] == "script" or any(name.startswith("on") for name in tag[1])], [], "scripts")
    equal({attrs["href"] for tag, attrs in finder.tags if tag == "a"},
          {EXTERNAL, EXTERNAL + "/#/alerts?receiver=all", "http://p/graph?g0.expr=a%3eb&x=1"}, "links")


# ---- Beside Debian's Alertmanager ----


def known_difference(path: str, want: str, have: str) -> bool:
    """What Alertmanager 0.25 does otherwise than 0.34: webhooks lack two members, PagerDuty's details are texts, SNS's type names UTF-8."""
    if path.startswith("/sns"):
        return want == have
    if path.startswith("/webhook"):
        message = json.loads(have)
        for name in ("notification_reason", "routeLabels"):
            del message[name]
        return json.loads(want) == message
    if path.startswith("/pagerduty"):
        messages = [json.loads(text) for text in (want, have)]
        for message in messages:
            del message["payload"]["custom_details"]
        return messages[0] == messages[1]
    return False


@contextlib.contextmanager
def debians_alertmanager(work: pathlib.Path, path: pathlib.Path):
    """Debian's Alertmanager with this configuration; yields a function that posts alerts to it."""
    program, port = need("prometheus-alertmanager"), free_port()
    base = f"http://127.0.0.1:{port}"
    theirs = Program([program, f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
                      f"--storage.path={work / 'am'}", f"--web.external-url={EXTERNAL}"], work / "am.log")

    def is_ready() -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(base + "/-/ready", timeout=5).status == 200
        return False

    def post(posted: list[dict]) -> None:
        urllib.request.urlopen(urllib.request.Request(base + "/api/v2/alerts", json.dumps(posted).encode(), {"Content-Type": "application/json"}),
                               timeout=30)

    try:
        wait_until("Alertmanager", is_ready, 60)
        yield post
    finally:
        theirs.stop()


def test_as_debians_alertmanager(build, work):
    with Sink() as sink:
        path = config(work, sink.url, "receivers.yml")
        with debians_alertmanager(work, path) as post:
            status, output = send(build, path, posted=alerts())
            equal(status, 0, output)
            ours = comparable(sink.take(), sink.url)
            post(alerts())
            wait_until("their requests", lambda: len(sink.got) >= len(ours), 60)
            wanted = comparable(sink.take(), sink.url)
    equal([row[:2] for row in ours], [row[:2] for row in wanted], "requests")
    for want, have in zip(wanted, ours):
        if want != have and not known_difference(want[1], want[-1], have[-1]):
            raise AssertionError(f"theirs: {want}\nours:   {have}")


def test_mail_as_debians_alertmanager(build, work):
    """All but what is random or of the time: Message-Id, Date, boundary; 0.25 names http://schema.org, 0.34 https."""
    where = installed(build)
    with Smtp(where, work / "smtp.log") as server:
        path = mail_config(work, server.port, "require_tls: false, headers: {X-State: '{{ .Status }}'}")
        path.write_text(path.read_text().replace("{receiver: all}", "{receiver: all, group_by: [alertname], group_wait: 1s}"))
        with debians_alertmanager(work, path) as post:
            post(alerts())
            wait_until("their mail", lambda: len(server.mails()) == 1, 60)
        status, output = send(build, path, posted=alerts())
        equal(status, 0, output)
        wait_until("our mail", lambda: len(server.mails()) == 2, 60)
        theirs, ours = (email.message_from_string(mail["text"], policy=email.policy.default) for mail in server.mails())
    changing = ("Message-Id", "Date", "Content-Type")
    equal(sorted(ours.keys()), sorted(theirs.keys()), "names of headers")
    equal({k: v for k, v in ours.items() if k not in changing}, {k: v for k, v in theirs.items() if k not in changing}, "headers")
    for mine, other in zip(ours.iter_parts(), theirs.iter_parts(), strict=True):
        equal(mine.items(), other.items(), "headers of a part")
        equal(mine.get_payload(decode=True), other.get_payload(decode=True).replace(b"http://schema.org", b"https://schema.org"), "part")


if __name__ == "__main__":
    main(globals())
