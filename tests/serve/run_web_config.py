#!/usr/bin/env python3
"""--web.config.file: TLS, passwords, headers, a limit on the rate, and changes of the files, over real connections."""

import base64
import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, contains, equal, free_port, main, need, wait_until  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

CONFIG = "scrape_configs: []\n"
HASH_ROUNDS = 16  # 2^4, the least: a test need not wait


def hash_of(password):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=HASH_ROUNDS))


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def openssl(*words):
    subprocess.run([need("openssl"), *words], check=True, capture_output=True)


def make_cert(work, name, ca=None, extra="subjectAltName=DNS:localhost,IP:127.0.0.1"):
    """A key and a certificate, signed by `ca` or by itself."""
    key, cert, request, ext = (work / f"{name}.{kind}" for kind in ("key", "crt", "csr", "ext"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
    openssl("req", "-new", "-key", str(key), "-subj", f"/CN={name}", "-out", str(request))
    ext.write_text(extra + "\n")
    signer = ["-signkey", str(key)] if ca is None else \
        ["-CA", str(work / f"{ca}.crt"), "-CAkey", str(work / f"{ca}.key"), "-CAcreateserial"]
    openssl("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(ext), "-out", str(cert), *signer)


def fetch(port, path, context=None, headers=None, method="GET", body=None):
    """(status, headers, body), over TLS when there is a context."""
    conn = http.client.HTTPSConnection("localhost", port, timeout=30, context=context) if context else \
        http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        conn.request(method, path, body=body, headers=headers or {})
        answer = conn.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        conn.close()


class Web(Server):
    """A server with a web configuration."""

    def __init__(self, build, work, text, *flags, name="web"):
        self.web = work / f"{name}-web.yml"
        self.web.write_text(text)
        super().__init__(str(build / "barograph"), work, CONFIG, f"--web.config.file={self.web}", *flags, name=name)

    def wait_for_line(self):
        wait_until("it serves", lambda: f"ready to serve\" port={self.port} " in self.program.text() or
                   self.program.process.poll() is not None, 60)
        assert self.program.process.poll() is None, self.program.text()[-2000:]


def test_passwords(build, work):
    text = f"basic_auth_users:\n  alice: {hash_of('open')}\n  bob: {hash_of('sesame')}\n  carol: {hash_of('third')}\n"
    with Web(build, work, text) as server:
        server.wait_for_line()
        for headers, want in (({}, 401), (basic("alice", "open"), 200), (basic("alice", "open"), 200),
                              (basic("bob", "sesame"), 200), (basic("bob", "open"), 401), (basic("eve", "open"), 401),
                              (basic("alice", ""), 401), ({"Authorization": "Basic !!!"}, 401),
                              ({"Authorization": "Bearer open"}, 401),
                              (basic("alice", "open\0x"), 401)):
            for path in ("/-/healthy", "/api/v1/query?query=1", "/metrics"):
                status, got, body = fetch(server.port, path, headers=headers)
                equal(status, want, f"{path} {headers}")
                if status == 401:
                    equal((got.get("WWW-Authenticate"), body), ("Basic", b"Unauthorized\n"), "who asks for what")
        status, _, body = fetch(server.port, "/api/v1/query", headers={**basic("bob", "sesame"),
                                "Content-Type": "application/x-www-form-urlencoded"}, method="POST", body="query=2")
        equal((status, json.loads(body)["data"]["result"][1]), (200, "2"), "a form behind a password")
        equal(fetch(server.port, "/api/v1/query", headers={}, method="POST", body="query=2" * 1000)[0], 401, "a body")
        # Nobody without a password learns which paths there are; a password that was not seen yet is worked out first.
        for method, path, body, known in (("POST", "/nowhere", "x", 404), ("PATCH", "/-/healthy", None, 405), ("POST", "/nowhere", None, 404)):
            status, got, _ = fetch(server.port, path, headers=basic("eve", f"{method}{body}"), method=method, body=body)
            equal((status, "Allow" in got), (401, False), f"{method} {path}")
            equal(fetch(server.port, path, headers=basic("carol", "third"), method=method, body=body)[0], known, f"{method} {path}")
        metrics = fetch(server.port, "/metrics", headers=basic("alice", "open"))[2].decode()
        refused = [line for line in metrics.splitlines() if 'refused_total{reason="unauthorized"}' in line]
        assert int(refused[0].split()[-1]) >= 20, refused
        events = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        events.request("GET", "/api/v1/events", headers=basic("bob", "sesame"))
        equal(events.getresponse().status, 200, "a stream behind a password")
        events.close()


def test_users_change_without_a_restart(build, work):
    with Web(build, work, f"basic_auth_users: {{alice: {hash_of('one')}}}\n") as server:
        server.wait_for_line()
        equal(fetch(server.port, "/-/healthy", headers=basic("alice", "one"))[0], 200, "at first")
        server.web.write_text(f"basic_auth_users: {{alice: {hash_of('two')}}}\n")
        wait_until("the new password counts",
                   lambda: fetch(server.port, "/-/healthy", headers=basic("alice", "two"))[0] == 200, 30)
        equal(fetch(server.port, "/-/healthy", headers=basic("alice", "one"))[0], 401, "the old one")
        server.web.write_text("basic_auth_users: {alice: plain}\n")
        good = basic("alice", "two")
        wait_until("a bad file is counted", lambda: b"barograph_http_web_config_failures_total 0\n" not in
                   fetch(server.port, "/metrics", headers=good)[2], 30)
        equal(fetch(server.port, "/-/healthy", headers=good)[0], 200, "what was in force stays")


def test_tls_and_renewal(build, work):
    make_cert(work, "first")
    for kind in ("crt", "key"):
        (work / f"server.{kind}").write_text((work / f"first.{kind}").read_text())
    text = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n" \
           "http_server_config:\n  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1, Content-Security-Policy: default-src 'none'}\n"
    with Web(build, work, text, "--web.enable-lifecycle") as server:
        server.wait_for_line()
        trust = ssl.create_default_context(cafile=str(work / "first.crt"))
        status, headers, _ = fetch(server.port, "/-/healthy", trust)
        equal((status, headers["X-Frame-Options"], headers["Strict-Transport-Security"]), (200, "deny", "max-age=1"))
        status, headers, body = fetch(server.port, "/metrics", trust, {"Accept-Encoding": "gzip"})
        equal((status, headers["Content-Encoding"]), (200, "gzip"), "packed")
        assert len(body) > 1000
        equal(fetch(server.port, "/api/v1/query", trust, {"Content-Type": "application/x-www-form-urlencoded"},
                    "POST", "query=1" + "%20" * 5000)[0], 200, "a form over TLS")
        try:
            status = fetch(server.port, "/api/v1/query", trust, {}, "POST", b"x" * (11 << 20))[0]
        except (OSError, http.client.HTTPException):
            status = 413  # the client may be told by the end of the connection alone
        equal(status, 413, "too large a body over TLS")
        got = server_headers(server.port, "/", trust)
        for name, want in (("x-frame-options", ["deny"]), ("content-security-policy", ["default-src 'none'"])):
            equal([value for key, value in got if key.lower() == name], want, "in place of the page's own")
        for versions in ((ssl.TLSVersion.TLSv1_2,) * 2, (ssl.TLSVersion.TLSv1_3,) * 2):
            trust.minimum_version, trust.maximum_version = versions
            equal(fetch(server.port, "/-/healthy", trust)[0], 200, str(versions))
        refuse_plain(server.port)
        make_cert(work, "second")
        for kind in ("key", "crt"):
            (work / f"server.{kind}").write_text((work / f"second.{kind}").read_text())
        renewed = ssl.create_default_context(cafile=str(work / "second.crt"))
        wait_until("the renewed certificate is used", lambda: is_good(server.port, renewed), 30)
        equal(fetch(server.port, "/-/quit", renewed, method="POST")[0], 200, "it can be ended")
        wait_until("the end", lambda: server.program.process.poll() is not None, 30)


def server_headers(port, path, context):
    conn = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
    try:
        conn.request("GET", path)
        return conn.getresponse().getheaders()
    finally:
        conn.close()


def is_good(port, context):
    try:
        return fetch(port, "/-/healthy", context)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def refuse_plain(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            assert b"200" not in s.recv(1000), "no answer without TLS"
        except ConnectionResetError:
            pass


def test_half_of_a_handshake_costs_nothing(build, work):
    """A client that begins one and waits must not keep a core busy until it is closed."""
    make_cert(work, "server")
    with Web(build, work, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n") as server:
        server.wait_for_line()
        before, clients = server.program.cpu_seconds(), [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(10)]
        for client in clients:
            client.sendall(b"\x16\x03\x01\x02\x00")
        time.sleep(1)
        spent = server.program.cpu_seconds() - before
        for client in clients:
            client.close()
        assert spent < 0.3, f"{spent} s of a core for clients that wait"


def test_clients_with_certificates(build, work):
    make_cert(work, "ca", extra="basicConstraints=critical,CA:TRUE")
    make_cert(work, "server", "ca")
    make_cert(work, "good", "ca", "subjectAltName=DNS:robot.test,IP:10.0.0.1")
    make_cert(work, "other", "ca", "subjectAltName=DNS:other.test")
    make_cert(work, "stranger")
    base = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: "
    ca = "\n  client_ca_file: ca.crt\n"
    for kind, want in (
            ("RequestClientCert\n", {None: True, "good": True, "stranger": True}),
            ("RequireAnyClientCert\n", {None: False, "good": True, "stranger": True}),
            ("VerifyClientCertIfGiven" + ca, {None: True, "good": True, "stranger": False}),
            ("RequireAndVerifyClientCert" + ca, {None: False, "good": True, "other": True, "stranger": False}),
            ("RequireAndVerifyClientCert" + ca + "  client_allowed_sans: [a.test, robot.test]\n",
             {None: False, "good": True, "other": False, "stranger": False}),
            ("RequireAndVerifyClientCert" + ca + "  client_allowed_sans: [10.0.0.1]\n", {"good": True, "other": False})):
        with Web(build, work, base + kind) as server:
            server.wait_for_line()
            for name, good in want.items():
                context = ssl.create_default_context(cafile=str(work / "ca.crt"))
                if name is not None:
                    context.load_cert_chain(str(work / f"{name}.crt"), str(work / f"{name}.key"))
                equal(is_good(server.port, context), good, f"{kind.split()[0]} {name}")


def test_ciphers_and_curves(build, work):
    make_cert(work, "server")
    text = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  max_version: TLS12\n" \
           "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP256]\n"
    with Web(build, work, text) as server:
        server.wait_for_line()
        context = ssl.create_default_context(cafile=str(work / "server.crt"))
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as tls:
            equal(tls.cipher()[:2], ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2"), "what was agreed on")
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        assert not is_good(server.port, context), "a cipher that is not in the list"


def test_rate_limit(build, work):
    with Web(build, work, "rate_limit: {interval: 1h, burst: 3}\n") as server:
        server.wait_for_line()
        equal([fetch(server.port, "/-/healthy")[0] for _ in range(5)], [200, 200, 200, 429, 429], "three in an hour")


def test_refusals(build, work):
    make_cert(work, "server")
    make_cert(work, "other")
    cases = {
        "tls_server_config: {cert_file: none.crt, key_file: server.key}\n": "none.crt",
        "tls_server_config: {cert_file: server.crt, key_file: other.key}\n": "certificate and key",
        "tls_server_config: {cert_file: server.crt, key_file: server.key, cipher_suites: [NEW]}\n": "unknown cipher: NEW",
        "tls_server_config: {cert_file: server.crt, key_file: server.key, curve_preferences: [C]}\n": "unknown curve: C",
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: VerifyClientCertIfGiven, "
        "client_ca_file: server.key}\n": "client_ca_file has no certificate",
        "basic_auth_users: {john: doe}\n": "no bcrypt hash",
        "tls: {}\n": "field tls not found",
    }
    good = work / "good.yml"
    good.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    checked = subprocess.run([str(build / "barograph"), "check", "web-config", str(good)], capture_output=True, text=True)
    equal((checked.returncode, "SUCCESS" in checked.stdout), (0, True), checked.stdout + checked.stderr)
    for number, (text, want) in enumerate(cases.items()):
        path = work / f"bad{number}.yml"
        path.write_text(text)
        checked = subprocess.run([str(build / "barograph"), "check", "web-config", str(path)], capture_output=True, text=True)
        equal(checked.returncode, 1, text)
        contains(checked.stdout, want, text)
        program = Program([str(build / "barograph"), f"--web.config.file={path}", f"--storage.tsdb.path={work}/none",
                           f"--web.listen-address=127.0.0.1:{free_port()}"], work / "refused.log")
        program.process.wait(60)
        contains(program.text(), want, "the server does not start")
        assert program.stop() != 0, text


def test_self_scrape_over_tls(build, work):
    """The embedded configuration follows the scheme."""
    make_cert(work, "server")
    web = work / "self.yml"
    web.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    port = free_port()
    program = Program([str(build / "barograph"), f"--web.config.file={web}", f"--storage.tsdb.path={work}/self",
                       f"--web.listen-address=127.0.0.1:{port}"], work / "self.log", cwd=work)
    trust = ssl.create_default_context(cafile=str(work / "server.crt"))

    def is_up():
        if not is_good(port, trust):
            return False
        status, _, body = fetch(port, "/api/v1/query?query=up", trust)
        if status != 200:
            return False
        data = json.loads(body)
        return [row["value"][1] for row in data["data"]["result"]] == ["1", "1"]
    try:
        wait_until("it scrapes itself over TLS", is_up, 60)
        contains(program.text(), f"https://127.0.0.1:{port}/", "the line that says where")
    finally:
        equal(program.stop(), 0, "exit status")


if __name__ == "__main__":
    main(globals())
