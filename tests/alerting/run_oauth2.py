#!/usr/bin/env python3
"""OAuth2's client credentials, and its JWT bearer grant: receivers, scrapes, HTTP discovery and other Alertmanagers, each with a token of a local endpoint.

Usage: tests/alerting/run_oauth2.py BUILD [NAME...]
"""

import base64
import http.server
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402

CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
scrape_configs:
- job_name: app
  http_sd_configs: [{{url: 'http://127.0.0.1:{port}/sd', refresh_interval: 1s, {oauth2}}}]
  {oauth2}
alerting:
  alertmanagers:
  - static_configs: [{{targets: ['127.0.0.1:{port}']}}]
    {oauth2}
"""
RULES = "groups: [{name: g, rules: [{alert: Up, expr: 'up == 1'}]}]\n"
ALERTMANAGER = """
global: {{http_config: {{{oauth2}}}}}
route: {{receiver: all, group_wait: 100ms, group_interval: 500ms, repeat_interval: 1s}}
receivers: [{{name: all, webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook'}}]}}]
"""


JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def unpack(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def is_signed(token, public_key):
    """As OpenSSL sees it."""
    head, claims, signature = (token + "..").split(".")[:3]
    with tempfile.TemporaryDirectory() as place:
        where = pathlib.Path(place)
        (where / "text").write_text(f"{head}.{claims}")
        (where / "signature").write_bytes(unpack(signature))
        digest = "-sha" + json.loads(unpack(head))["alg"][2:]
        return subprocess.run(["openssl", "dgst", digest, "-verify", str(public_key), "-signature", str(where / "signature"), str(where / "text")],
                              capture_output=True, timeout=60).returncode == 0


class Quiet(http.server.ThreadingHTTPServer):
    """Clients that go away are no news."""

    def handle_error(self, *_):
        pass


class Site:
    """A token endpoint and everything that wants its tokens; keeps (path, Authorization, body) of what came."""

    def __init__(self, expires_s=3600, wants_form=False, public_key=None):
        self.public_key = public_key  # a file: of who signs; then nothing else is taken
        self.secret = secrets.token_hex(8)
        self.tokens = []
        self.got = []
        self.refused = 0
        self.proxied = 0  # requests for a whole URL, as proxies get them
        self.lock = threading.Lock()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, kind, body):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def give_token(self, body):
                form = dict(urllib.parse.parse_qsl(body.decode()))
                pair = base64.b64encode(f"me:{site.secret}".encode()).decode()
                by_form = form.get("client_id") == "me" and form.get("client_secret") == site.secret
                good = by_form if wants_form else self.headers.get("Authorization") == f"Basic {pair}"
                if site.public_key:
                    good = is_signed(form.get("assertion", ""), site.public_key) and "client_id" not in form and not self.headers.get("Authorization")
                with site.lock:
                    if not good or form.get("grant_type") != (JWT_BEARER if site.public_key else "client_credentials"):
                        site.refused += 1
                        return self.answer(401, "application/json", b'{"error": "invalid_client", "error_description": "who are you?"}')
                    site.tokens.append((secrets.token_hex(8), form))
                    body = {"access_token": site.tokens[-1][0], "token_type": "bearer", "expires_in": expires_s}
                self.answer(200, "application/json", json.dumps(body).encode())

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.proxied += self.path.startswith("http://")
                path = urllib.parse.urlsplit(self.path).path
                if path == "/token":
                    return self.give_token(body)
                with site.lock:
                    known = {f"Bearer {token}" for token, _ in site.tokens}
                    site.got.append((path, self.headers.get("Authorization") in known, body))
                if self.headers.get("Authorization") not in known:
                    return self.answer(401, "text/plain", b"no token")
                sd = json.dumps([{"targets": [f"127.0.0.1:{site.port}"]}]).encode()
                return self.answer(200, "application/json" if path == "/sd" else "text/plain; version=0.0.4",
                                   sd if path == "/sd" else b"x 1\n" if path == "/metrics" else b"")

            do_GET = do_POST = take

            def log_message(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, path):
        with self.lock:
            return sum(got == path for got, _, _ in self.got)

    def oauth2(self, secret):
        return (f"oauth2: {{client_id: me, {secret}, token_url: 'http://127.0.0.1:{self.port}/token', scopes: [a, b], "
                "endpoint_params: {audience: 'x&y'}}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def serve(build, work, site, secret):
    (work / "rules.yml").write_text(RULES)
    oauth2 = site.oauth2(secret)
    (work / "am.yml").write_text(ALERTMANAGER.format(port=site.port, oauth2=oauth2))
    return Server(str(build / "barograph"), work, CONFIG.format(port=site.port, oauth2=oauth2), f"--alertmanager.config-file={work / 'am.yml'}",
                  "--rules.alert.resend-delay=1s")


def test_every_client_has_its_token(build, work):
    site = Site(wants_form=True)
    (work / "secret").write_text(site.secret + "\n")
    with serve(build, work, site, f"client_secret_file: {work / 'secret'}") as server:
        server.wait_ready()
        wanted = ("/sd", "/metrics", "/api/v2/alerts", "/hook")
        wait_until("all are asked again and again", lambda: all(site.count(path) >= 2 for path in wanted), 120)
        equal({(path, good) for path, good, _ in site.got}, {(path, True) for path in wanted}, "tokens")
        equal({form["scope"] + form["audience"] for _, form in site.tokens}, {"a bx&y"}, "forms")
        # One for each client: discovery, a worker for the target, other Alertmanagers, receivers; each tried Basic before.
        equal(len(site.tokens) <= 4 and site.refused <= 4, True, f"{len(site.tokens)} tokens, {site.refused} refusals")
    site.close()


def test_tokens_end_and_secrets_stay_secret(build, work):
    site = Site(expires_s=5)
    with serve(build, work, site, f"client_secret: {site.secret}") as server:
        server.wait_ready()
        wait_until("a token for each use", lambda: len(site.tokens) > 8 and site.count("/hook") > 1, 120)
        equal(all(good for _, good, _ in site.got), True, "tokens")
        for path in ("/api/v1/status/config", "/api/v2/status"):
            text = server.get(path)[2].decode()
            equal(site.secret in text, False, path)
            contains(text.replace("\\u003c", "<").replace("\\u003e", ">"), "<secret>", path)
        site.secret = secrets.token_hex(8)  # the endpoint does not know us any more
        wait_until("the target's error", lambda: "invalid_client" in str(server.api("targets")["activeTargets"]), 60)
        wait_until("the receiver's error", lambda: "invalid_client" in server.program.text(), 60)
        for text in (server.program.text(), server.get("/api/v1/targets")[2].decode(), server.get("/api/v1/notifications/history")[2].decode()):
            equal(any(token in text for token, _ in site.tokens), False, "a token")
    site.close()


def test_a_signed_assertion(build, work):
    """By the file of a key, which is read anew; through the token endpoint's own proxy."""
    need("openssl")
    key, public = work / "key.pem", work / "public.pem"
    for command in (["genrsa", "-out", str(key), "2048"], ["rsa", "-in", str(key), "-pubout", "-out", str(public)]):
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    site = Site(public_key=public)
    more = f"grant_type: '{JWT_BEARER}', client_certificate_key_file: '{key}', client_certificate_key_id: k1, signature_algorithm: RS384, " \
           f"claims: {{tier: [gold, 1]}}, proxy_url: 'http://127.0.0.1:{site.port}'"
    with serve(build, work, site, more) as server:
        server.wait_ready()
        # Discovery alone: its targets are scraped after 5 s, and all clients go one way.
        wait_until("asked again", lambda: site.count("/sd") >= 2, 120)
        equal({good for _, good, _ in site.got}, {True}, "tokens")
        equal(site.refused, 0, "refused")
        form = site.tokens[0][1]
        equal(set(form), {"grant_type", "assertion", "scope", "audience"}, "the form")
        head, claims = (json.loads(unpack(part)) for part in form["assertion"].split(".")[:2])
        equal(head, {"alg": "RS384", "kid": "k1", "typ": "JWT"}, "the head")
        equal({name: claims[name] for name in ("iss", "sub", "aud", "scope", "tier")},
              {"iss": "me", "sub": "me", "aud": f"http://127.0.0.1:{site.port}/token", "scope": "a b", "tier": ["gold", 1]}, "claims")
        equal(claims["exp"] - claims["iat"], 600, "lifetime")
        equal(site.proxied > 0, True, "by the proxy")
    site.close()


def test_what_cannot_be_is_refused(build, work):
    site = Site()
    for secret, part in (("client_secret_ref: x", "client_secret_ref"), (f"grant_type: '{JWT_BEARER}', signature_algorithm: ES256", "RS256, RS384 and RS512"),
                         (f"grant_type: '{JWT_BEARER}', client_certificate_key_ref: x", "client_certificate_key_ref")):
        (work / "am.yml").write_text(ALERTMANAGER.format(port=site.port, oauth2=site.oauth2(secret)))
        done = subprocess.run([str(build / "barograph"), "serve", f"--alertmanager.config-file={work / 'am.yml'}", f"--storage.tsdb.path={work / 'data'}",
                               "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, timeout=60, cwd=work)
        equal(done.returncode != 0, True, secret)
        contains(done.stderr, part, secret)
    site.close()


def test_as_debian_s_prometheus(build, work):
    """The same endpoint, the same configuration: the same forms, and the scrape works with both."""
    sites = [Site(wants_form=True), Site(wants_form=True)]
    configs = [f"global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n- job_name: app\n"
               f"  {site.oauth2('client_secret: ' + site.secret)}\n  static_configs: [{{targets: ['127.0.0.1:{site.port}']}}]\n" for site in sites]
    with Server(need("prometheus"), work, configs[0], name="theirs"), Server(str(build / "barograph"), work, configs[1], name="ours"):
        wait_until("scrapes", lambda: all(site.count("/metrics") >= 2 for site in sites), 60)
    equal([all(good for _, good, _ in site.got) for site in sites], [True, True], "tokens")
    forms = [[{key: value for key, value in form.items() if key != "client_secret"} for _, form in site.tokens] + [site.refused] for site in sites]
    for site in sites:
        site.close()
    equal(forms[1], forms[0], "what is asked")


if __name__ == "__main__":
    main(globals())
