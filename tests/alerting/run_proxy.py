#!/usr/bin/env python3
"""Proxies of http_config: proxy_url, no_proxy, proxy_from_environment and proxy_connect_header, for all that sends requests, with a real proxy.

Usage: tests/alerting/run_proxy.py BUILD [NAME...]
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import secrets
import select
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402

# Every name ends in .test: it is known to the proxy alone.
CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
scrape_configs:
- {{job_name: app, {proxy}, http_sd_configs: [{{url: 'http://sd.test/sd', refresh_interval: 1s, {proxy}}}],
   oauth2: {{client_id: me, client_secret: x, token_url: 'http://token.test/token', {proxy}}}}}
- {{job_name: near, {proxy}, static_configs: [{{targets: ['127.0.0.1:{port}', 'localhost:{port}']}}]}}
alerting: {{alertmanagers: [{{{proxy}, static_configs: [{{targets: ['am.test']}}]}}]}}
"""
RULES = "groups: [{name: g, rules: [{alert: Up, expr: 'up == 1'}]}]\n"
ALERTMANAGER = """
global: {{http_config: {{{proxy}}}}}
route: {{receiver: all, group_wait: 100ms, group_interval: 500ms, repeat_interval: 1s}}
receivers: [{{name: all, webhook_configs: [{{url: 'http://hook.test/hook'}}]}}]
"""


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that go away are no news."""


class Host:
    """Every server of these tests: tokens, discovery, metrics, and all POSTs are taken; keeps (Host header, path, headers)."""

    def __init__(self, context=None):
        self.got = []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urllib.parse.urlsplit(self.path).path
                host.got.append((self.headers["Host"], path, dict(self.headers)))
                body = {"/token": json.dumps({"access_token": "t", "token_type": "bearer", "expires_in": 3600}),
                        "/sd": json.dumps([{"targets": ["app.test:80"]}]), "/metrics": "x 1\n"}.get(path, "")
                self.send_response(302 if path == "/moved" else 200)
                if path == "/moved":
                    self.send_header("Location", "https://secure.test/metrics")
                self.send_header("Content-Type", "application/json" if path in ("/token", "/sd") else "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = take

            def log_message(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, name, path):
        return sum((of, at) == (name, path) for of, at, _ in self.got)


class Proxy:
    """Knows where each name is; keeps (method, target, headers) of what it was asked."""

    def __init__(self, places, context=None):
        self.asked = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def connect(self, host):
                proxy.asked.append((self.command, self.path, dict(self.headers)))
                if host not in places:
                    self.send_error(502)
                    return None
                return socket.create_connection(("127.0.0.1", places[host]))

            def do_CONNECT(self):
                far = self.connect(self.path.rsplit(":", 1)[0])
                self.close_connection = True
                if far:
                    with far:
                        self.wfile.write(b"HTTP/1.1 200 Connection established\r\nX-Of: the proxy\r\n\r\n")
                        pass_on(self.connection, far)

            def forward(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                far = self.connect(url.hostname)
                self.close_connection = True
                if far:
                    with far:
                        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                        far.sendall(f"{self.command} {url.path}?{url.query} HTTP/1.0\r\n{head}\r\n".encode() + body)
                        while data := far.recv(65536):
                            self.wfile.write(data)

            do_GET = do_POST = forward

            def log_message(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hosts(self):
        return {urllib.parse.urlsplit(target).hostname if "//" in target else target for _, target, _ in list(self.asked)}


def pass_on(a, b):
    with contextlib.suppress(OSError):
        while True:
            for ready in select.select([a, b], [], [], 60)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (b if ready is a else a).sendall(data)


@contextlib.contextmanager
def environment(**wanted):
    """For what is started within; nothing of it is left afterwards."""
    names = [name for base in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") for name in (base, base.lower())]
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            del os.environ[name]
        os.environ.update(before)


def tls(work):
    """A server's context for secure.test; its certificate is work/cert.pem."""
    subprocess.run([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", str(work / "key.pem"), "-out", str(work / "cert.pem"), "-subj", "/CN=secure.test",
                    "-addext", "subjectAltName=DNS:secure.test,DNS:localhost"], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "cert.pem", work / "key.pem")
    return context


def everywhere(build, work, proxy, host, settings):
    """Runs all clients with these settings until each has been served, by the proxy alone."""
    (work / "rules.yml").write_text(RULES)
    (work / "am.yml").write_text(ALERTMANAGER.format(proxy=settings))
    with Server(str(build / "barograph"), work, CONFIG.format(port=host.port, proxy=settings), f"--alertmanager.config-file={work / 'am.yml'}",
                "--rules.alert.resend-delay=1s") as server:
        server.wait_ready()
        wanted = [("token.test", "/token"), ("sd.test", "/sd"), ("app.test", "/metrics"), ("am.test", "/api/v2/alerts"), ("hook.test", "/hook")]
        wait_until("all are asked", lambda: all(host.count(*pair) >= 2 for pair in wanted[1:]) and host.count(*wanted[0]), 60)
        wait_until("near ones", lambda: all(host.count(f"{name}:{host.port}", "/metrics") for name in ("127.0.0.1", "localhost")), 60)
        equal(all(headers.get("Authorization") == "Bearer t" for name, _, headers in host.got if name == "app.test"), True, "tokens")
        return server.get("/api/v1/status/config")[2].decode() + server.get("/api/v2/status")[2].decode() + server.program.text()


def places_of(host):
    return {f"{name}.test": host.port for name in ("token", "sd", "app", "am", "hook")}


def test_from_the_environment(build, work):
    host = Host()
    proxy = Proxy(places_of(host))
    with environment(http_proxy=f"127.0.0.1:{proxy.port}", HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="other.test"):
        everywhere(build, work, proxy, host, "proxy_from_environment: true")
    equal(proxy.hosts(), set(places_of(host)), "hosts at the proxy: no loopback ones")


def test_from_the_environment_but_not_those(build, work):
    """NO_PROXY has all names: they are looked up here, where nobody knows them."""
    host = Host()
    proxy = Proxy(places_of(host))
    with environment(HTTP_PROXY=f"http://127.0.0.1:{proxy.port}", no_proxy="*.test"):
        with Server(str(build / "barograph"), work, "scrape_configs:\n- job_name: a\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n"
                    "  proxy_from_environment: true\n  static_configs: [{targets: [app.test, app.example.invalid]}]\n") as server:
            server.wait_ready()
            wait_until("the other is asked for", lambda: "app.example.invalid" in proxy.hosts(), 60)
            wait_until("the first failed", lambda: any(target["labels"]["instance"].startswith("app.test") and target["lastError"]
                                                       for target in server.api("targets")["activeTargets"]), 60)
    equal("app.test" in proxy.hosts(), False, "the name of NO_PROXY at the proxy")


def test_a_url_and_exceptions(build, work):
    host = Host()
    proxy = Proxy(places_of(host))
    password = secrets.token_hex(8)
    told = everywhere(build, work, proxy, host, f"proxy_url: 'http://me:{password}@127.0.0.1:{proxy.port}', no_proxy: 'other.test, 10.0.0.0/8'")
    equal(proxy.hosts(), set(places_of(host)), "hosts at the proxy")
    pair = base64.b64encode(f"me:{password}".encode()).decode()
    equal({headers.get("Proxy-Authorization") for _, _, headers in proxy.asked}, {f"Basic {pair}"}, "who we are")
    equal(any("Proxy-Authorization" in headers for _, _, headers in host.got if headers["Host"].startswith("127.")), False, "near ones")
    equal(password in told, False, "the password")


def test_headers_for_connect(build, work):
    """They go to the proxy with CONNECT alone, and what is for the server does not go to the proxy."""
    host = Host(tls(work))
    plain = Host()
    proxy = Proxy({"secure.test": host.port, "plain.test": plain.port, "moved.test": plain.port})
    secret = secrets.token_hex(8)
    common = f"proxy_url: 'http://127.0.0.1:{proxy.port}'\n  proxy_connect_header: {{X-Ticket: [{secret}, b], Proxy-Authorization: [Own {secret}]}}\n" \
             f"  tls_config: {{ca_file: '{work / 'cert.pem'}'}}\n  authorization: {{credentials: for-the-server}}\n" \
             "  scrape_interval: 500ms\n  scrape_timeout: 500ms\n"
    config = "scrape_configs:\n" + "".join(f"- job_name: {name}\n  {common}  scheme: {scheme}\n  metrics_path: {path}\n  static_configs: [{{targets: [{target}]}}]\n"
                                           for name, scheme, path, target in (("a", "https", "/metrics", "secure.test"), ("b", "http", "/metrics", "plain.test"),
                                                                              ("c", "http", "/moved", "moved.test")))
    with Server(str(build / "barograph"), work, config) as server:
        server.wait_ready()
        wait_until("all are scraped", lambda: server.query("sum(up)") == {(): 3.0}, 60)
        told = server.get("/api/v1/status/config")[2].decode() + server.program.text()
    equal(secret in told, False, "the secret")
    contains(told, r"X-Ticket:\n    - \u003csecret\u003e", "the configuration")
    connects = [headers for method, target, headers in proxy.asked if (method, target) == ("CONNECT", "secure.test:443")]
    equal(len(connects) >= 2, True, "a tunnel for the scrape, and one for what a redirect leads to")
    for headers in connects:
        equal((headers["Proxy-Authorization"], "X-Ticket" in headers, "Authorization" in headers), (f"Own {secret}", True, False), "CONNECT")
    for method, target, headers in proxy.asked:
        if method != "CONNECT":
            equal(("X-Ticket" in headers, headers.get("Authorization")), (False, "Bearer for-the-server"), target)
    for _, _, headers in host.got:
        equal(("X-Ticket" in headers, "Proxy-Authorization" in headers), (False, False), "the server")
    equal({path for _, path, _ in host.got}, {"/metrics"}, "paths")


def test_connect_as_debian_s_prometheus(build, work):
    """What it sends to the proxy, but for its name and Proxy-Connection."""
    host = Host(tls(work))
    asked = []
    for binary in (need("prometheus"), str(build / "barograph")):
        proxy = Proxy({"secure.test": host.port})
        config = f"scrape_configs:\n- job_name: a\n  scheme: https\n  proxy_url: 'http://u:p%40q@127.0.0.1:{proxy.port}'\n  proxy_connect_header: {{X-A: [b, c]}}\n" \
                 f"  tls_config: {{ca_file: '{work / 'cert.pem'}'}}\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n  static_configs: [{{targets: [secure.test]}}]\n"
        with Server(binary, work, config) as server:
            server.wait_ready()
            wait_until("up", lambda: server.query("up") and set(server.query("up").values()) == {1.0}, 60)
        method, target, headers = proxy.asked[0]
        asked.append((method, target, {name: value for name, value in headers.items() if name not in ("User-Agent", "Proxy-Connection")}))
    equal(asked[1], asked[0], "CONNECT")


def test_a_proxy_over_tls(build, work):
    """Its certificate is judged by tls_config too."""
    context = tls(work)
    host = Host(context)
    proxy = Proxy({"secure.test": host.port}, context)
    config = "scrape_configs:\n" + "".join(f"- job_name: {name}\n  scheme: https\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  proxy_url: 'https://localhost:{proxy.port}'\n"
                                           f"  {trust}\n  static_configs: [{{targets: [secure.test]}}]\n"
                                           for name, trust in (("a", f"tls_config: {{ca_file: '{work / 'cert.pem'}'}}"), ("b", "sample_limit: 9"),
                                                               ("c", "tls_config: {insecure_skip_verify: true}")))
    with Server(str(build / "barograph"), work, config) as server:
        server.wait_ready()
        wait_until("those who may", lambda: {dict(key)["job"]: value for key, value in server.query("up").items()} == {"a": 1.0, "b": 0.0, "c": 1.0}, 60)


def test_a_proxy_that_refuses(build, work):
    proxy = Proxy({})
    config = "scrape_configs:\n- job_name: a\n  scheme: https\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n" \
             f"  proxy_url: 'http://127.0.0.1:{proxy.port}'\n  static_configs: [{{targets: [secure.test]}}]\n"
    with Server(str(build / "barograph"), work, config) as server:
        server.wait_ready()
        wait_until("the error", lambda: "502" in server.api("targets")["activeTargets"][0]["lastError"], 60)


if __name__ == "__main__":
    main(globals())
