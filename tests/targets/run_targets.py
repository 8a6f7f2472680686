#!/usr/bin/env python3
"""Every way to reach and to limit a target, with a real Prometheus beside where the two must store the same."""

import base64
import contextlib
import gzip
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402

COMPARED_MOST = 8  # times
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Target:
    """An HTTP target on a free port; answer(handler) returns (status, headers, body) and may look at the request."""

    def __init__(self, answer, context: ssl.SSLContext | None = None):
        owner = self
        self.requests: list[tuple[str, dict[str, str]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                status, headers, body = answer(self)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def text(body: str, content_type: str = TEXT, **headers: str):
    return lambda handler: (200, {"Content-Type": content_type, **headers}, body.encode())


def job(name: str, port: int, more: str = "", labels: str = "") -> str:
    return f"  - job_name: {name}\n    static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{{labels}}}}}]\n" + \
        "".join(f"    {line}\n" for line in more.strip().splitlines())


def config(*jobs: str, head: str = "") -> str:
    return f"global: {{scrape_interval: 1s, scrape_timeout: 900ms{head}}}\nscrape_configs:\n" + "".join(jobs)


def serve(build, work, text_of_config, name="barograph", *flags):
    return Server(str(build / "barograph") if name == "barograph" else need(name), work, text_of_config,
                  "--scrape.discovery-reload-interval=100ms", *flags, name=name)


def targets_of(server) -> dict[str, dict]:
    return {t["scrapePool"]: t for t in server.api("targets")["activeTargets"]}


def scraped(server, jobs, times: int = 1) -> None:
    """Waits until every target of these jobs was scraped so many times."""
    def counted():
        targets = [t["labels"] for t in server.api("targets")["activeTargets"] if t["scrapePool"] in jobs]
        counts = server.query("count_over_time(up[5m])")
        late = [labels for labels in targets if counts.get(tuple(sorted(labels.items())), 0) < times]
        if time.monotonic() > end:
            raise RuntimeError(f"{server.program.log.name}: not scraped {times} times: {late} {counts}")
        return targets and not late
    end = time.monotonic() + 19
    wait_until("every target was scraped", counted, 20)
    time.sleep(0.1)


def stored(server, jobs, down) -> dict:
    """Every series of these jobs, without the values that depend on the clock.

    Prometheus remembers the series of a scrape that failed in its middle, barograph those of good ones alone: the former
    counts them in scrape_series_added once, the latter each time.
    """
    out = {}
    for name in jobs:
        for labels, value in server.query(f'{{job="{name}"}}').items():
            metric = dict(labels)["__name__"]
            is_free = metric == "scrape_duration_seconds" or (metric == "scrape_series_added" and name in down)
            out[labels] = "any" if is_free else str(value)
    return out


def faults_of(server, wanted: dict[str, str | None]) -> None:
    """Each job is up (None), or down with this text in lastError; and up says the same. On a busy machine a scrape may
    come too late: then the next ones are looked at, for some seconds."""
    end = time.monotonic() + 8
    while True:
        found = targets_of(server)
        try:
            for name, fault in wanted.items():
                equal(found[name]["health"], "down" if fault else "up", f"{name}: {found[name]['lastError']}")
                contains(found[name]["lastError"], fault or "", name)
                equal(list(server.query(f'up{{job="{name}"}}').values()), [0.0 if fault else 1.0], f"up of {name}")
            return
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def beside_prometheus(build, work, text_of_config, jobs):
    """Both run on the same targets; returns barograph's server, still running, after their series were compared."""
    with serve(build, work, text_of_config, "prometheus") as prometheus, serve(build, work, text_of_config) as barograph:
        for server in (prometheus, barograph):
            server.wait_ready()
            scraped(server, jobs, 2)
        down = [name for name, t in targets_of(barograph).items() if t["health"] == "down"]
        # On a busy machine one of them may have scraped once less than the other.
        for _ in range(COMPARED_MOST):
            mine, theirs = (stored(server, jobs, down) for server in (barograph, prometheus))
            if mine == theirs:
                break
            time.sleep(1)
        for one, other, whose in ((mine, theirs, "barograph"), (theirs, mine, "prometheus")):
            only = sorted(str(item) for item in one.items() - other.items())
            assert not only, f"{len(only)} series only in {whose}:\n" + "\n".join(only)
        health = [{name: t["health"] for name, t in targets_of(s).items()} for s in (prometheus, barograph)]
        equal(health[1], health[0], "health")
        return mine, targets_of(barograph)


def certificates(work):
    """A CA, a stranger's CA, a server certificate for localhost, and a client certificate."""
    def openssl(*args):
        subprocess.run([need("openssl"), *args], cwd=work, check=True, capture_output=True, timeout=60)

    for ca in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{ca}.key",
                "-out", f"{ca}.crt", "-days", "2", "-subj", f"/CN=test {ca}")
    for name, alt in (("server", "DNS:metrics.test"), ("client", "DNS:client.test")):
        (work / f"{name}.ext").write_text(f"subjectAltName={alt}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext")


def tls_context(work, ask_client: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "server.crt", work / "server.key")
    if ask_client:
        context.load_verify_locations(work / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def inline(work, ca: str, client: str = "") -> str:
    """A tls_config with the texts themselves; JSON's strings are YAML's."""
    texts = {"ca": f"{ca}.crt"} | ({"cert": f"{client}.crt", "key": f"{client}.key"} if client else {})
    return "server_name: metrics.test, " + ", ".join(f"{key}: {json.dumps((work / name).read_text())}" for key, name in texts.items())


def test_tls(build, work):
    certificates(work)
    tls = "scheme: https\ntls_config: {%s}"
    good = f"ca_file: {work}/ca.crt, server_name: metrics.test"
    client = f"cert_file: {work}/client.crt, key_file: {work}/client.key"
    with Target(text("a 1\n"), tls_context(work, False)) as plain, Target(text("a 2\n"), tls_context(work, True)) as strict, \
            Target(text("a 3\n")) as no_tls:
        jobs = [
            ("good", plain, good, None), ("insecure", plain, "insecure_skip_verify: true", None),
            ("stranger", plain, f"ca_file: {work}/stranger.crt, server_name: metrics.test", "ertificate"),
            ("unknown", plain, "server_name: metrics.test", "ertificate"),
            ("name", plain, f"ca_file: {work}/ca.crt, server_name: other.test", "other.test"),
            ("address", plain, f"ca_file: {work}/ca.crt", "127.0.0.1"),
            ("client", strict, f"{good}, {client}", None), ("noclient", strict, good, "https://"),
            ("notls", no_tls, good, "https://"), ("too_new", plain, f"{good}, min_version: TLS13", None),
            ("texts", strict, inline(work, "ca", "client"), None), ("strange_text", plain, inline(work, "stranger"), "ertificate"),
        ]
        text_of = config(*(job(name, target.port, tls % setting) for name, target, setting, _ in jobs))
        with serve(build, work, text_of) as server:
            server.wait_ready()
            scraped(server, [j[0] for j in jobs])
            faults_of(server, {name: fault for name, _, _, fault in jobs})
            for name, _, _, fault in jobs:
                if fault:
                    print(f"    {name}: {targets_of(server)[name]['lastError']}")


def test_credentials(build, work):
    """Inline and from files, which may change while the server runs."""
    def guarded(handler):
        given = handler.headers.get("Authorization", "")
        ok = given in ("Basic " + base64.b64encode(b"user:pa:ss").decode(), "Bearer token-1", "Bearer token-2", "Custom x")
        return (200, {"Content-Type": TEXT}, b"a 1\n") if ok else (401, {"WWW-Authenticate": "Basic"}, b"no")

    for name, content in (("password", "pa:ss\n"), ("token", "token-1\n"), ("user", "user\n"), ("wrong", "wrong")):
        (work / name).write_text(content)
    with Target(guarded) as t:
        text_of = config(
            job("basic", t.port, "basic_auth: {username: user, password: 'pa:ss'}"),
            job("basicfile", t.port, f"basic_auth: {{username: user, password_file: {work}/password}}"),
            job("changing", t.port, f"basic_auth: {{username: user, password_file: {work}/wrong}}"),
            job("bearer", t.port, "authorization: {credentials: token-2}"),
            job("bearerfile", t.port, f"authorization: {{credentials_file: {work}/token}}"),
            job("custom", t.port, "authorization: {type: Custom, credentials: x}"),
            job("nofile", t.port, f"authorization: {{credentials_file: {work}/missing}}"),
            job("none", t.port),
            job("relative", t.port, "basic_auth: {username: user, password_file: password}"))
        with serve(build, work, text_of) as server:
            server.wait_ready()
            good = ("basic", "basicfile", "bearer", "bearerfile", "custom", "relative")
            scraped(server, (*good, "changing", "nofile", "none"))
            faults_of(server, {**dict.fromkeys(good), "changing": "401 Unauthorized", "none": "401 Unauthorized",
                               "nofile": f"{work}/missing"})
            (work / "wrong").write_text("pa:ss\n")
            (work / "token").write_text("expired\n")
            wait_until("the changed password is used", lambda: targets_of(server)["changing"]["health"] == "up", 5)
            wait_until("the changed token is used", lambda: targets_of(server)["bearerfile"]["health"] == "down", 5)
            shown = server.api("status/config")["yaml"]
            assert "pa:ss" not in shown and "token-2" not in shown, "secrets are hidden"


def test_requests(build, work):
    """Path, parameters, headers and scheme as configured and as relabelled, seen from the target."""
    with Target(text("a 1\n")) as t:
        text_of = config(
            job("plain", t.port),
            job("params", t.port, "metrics_path: /probe\nparams: {module: [a, b], 'x y': ['1&2']}"),
            job("headers", t.port, "http_headers: {X-Scope: {values: [one]}, X-Secret: {secrets: [two]}}"),
            job("relabelled", t.port, """
params: {module: [old]}
relabel_configs:
  - {target_label: __metrics_path__, replacement: /other}
  - {target_label: __param_module, replacement: new}
  - {target_label: __param_target, replacement: 'http://h/?a=b'}
  - {target_label: instance, replacement: probe}"""),
            job("slow", t.port, "scrape_interval: 2s\nscrape_timeout: 1500ms"))
        with serve(build, work, text_of) as server:
            server.wait_ready()
            scraped(server, ("plain", "params", "headers", "relabelled", "slow"))
            faults_of(server, dict.fromkeys(("plain", "params", "headers", "relabelled")))
            by_path = {urllib.parse.urlsplit(path).path: (urllib.parse.parse_qs(urllib.parse.urlsplit(path).query), headers)
                       for path, headers in t.requests}
            equal(by_path["/probe"][0], {"module": ["a", "b"], "x y": ["1&2"]}, "parameters")
            equal(by_path["/other"][0], {"module": ["new"], "target": ["http://h/?a=b"]}, "relabelled parameters")
            equal(len(server.query('up{instance="probe"}')), 1, "relabelled instance")
            plain = by_path["/metrics"][1]
            contains(plain["accept"], "application/openmetrics-text;version=1.0.0", "accept")
            contains(plain["accept"], "text/plain;version=0.0.4", "accept")
            equal(plain["accept-encoding"], "gzip", "accept-encoding")
            contains(plain["user-agent"], "barograph/", "user agent")
            equal({h.get("x-prometheus-scrape-timeout-seconds") for _, h in t.requests}, {"0.9", "1.5"}, "timeout header")
            assert any(h.get("x-scope") == "one" and h.get("x-secret") == "two" for _, h in t.requests), "own headers"


BODY = """# HELP a_total A counter.
# TYPE a_total counter
a_total{x="1",exported_x="e",instance="theirs",job="theirs"} 5
a_total{x="2"} 7 1700000000000
# TYPE h histogram
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 2
h_sum 3.5
h_count 2
# TYPE s summary
s{quantile="0.5"} NaN
s_sum 1e300
s_count 18446744073709551615
g{a="Ünïcode \\"q\\" \\\\ \\n end",z="",exported_job="e"} +Inf
g{a="-"} -Inf
"""

OM_BODY = """# TYPE c counter
# UNIT c_seconds seconds
c_total{x="1"} 5 # {trace_id="abc"} 0.5 1700000000.1
c_created{x="1"} 1700000000.5
# TYPE i info
i_info{version="1"} 1
# TYPE st stateset
st{st="a"} 1
# TYPE g gauge
g 1.5
# EOF
"""


def moved(handler):
    if handler.path.startswith("/loop"):
        return 302, {"Location": "/loop"}, b""
    if handler.path.startswith("/metrics"):
        return 302, {"Location": "/moved"}, b""
    return 200, {"Content-Type": TEXT}, b"moved 1\n"


def test_same_series_as_prometheus(build, work):
    """One body under many settings: both programs store the same names, labels and values."""
    many = "".join(f'm{{i="{i}"}} {i}\n' for i in range(30))
    with Target(text(BODY)) as t, Target(text(many)) as m, Target(text(OM_BODY, OPENMETRICS)) as om, \
            Target(lambda h: (200, {"Content-Type": TEXT, "Content-Encoding": "gzip"}, gzip.compress(many.encode()))) as z, \
            Target(text('dup{a="1"} 1\ndup{a="1"} 2\n')) as dup, Target(text("good 1\nbad{ 2\n")) as bad, \
            Target(text("hex 0x1p-2\n")) as hexadecimal, Target(moved) as elsewhere, \
            Target(text("")) as empty, Target(text("a 1")) as unfinished, Target(text(OM_BODY[:-6], OPENMETRICS)) as no_eof, \
            Target(text("a 1\n" * 2000)) as big:
        relabel = "metric_relabel_configs:\n"
        jobs = {
            "plain": job("plain", t.port, labels="x: t"),
            "honor": job("honor", t.port, "honor_labels: true", labels="x: t"),
            "times": job("times", t.port, "honor_timestamps: false"),
            "om": job("om", om.port),
            "gzip": job("gzip", z.port),
            "duplicate": job("duplicate", dup.port),
            "bad": job("bad", bad.port),
            "hex": job("hex", hexadecimal.port),
            "follow": job("follow", elsewhere.port),
            "stay": job("stay", elsewhere.port, "follow_redirects: false"),
            "loop": job("loop", elsewhere.port, "metrics_path: /loop"),
            "empty": job("empty", empty.port),
            "unfinished": job("unfinished", unfinished.port),
            "no_eof": job("no_eof", no_eof.port),
            "gone": job("gone", 1),
            "samples": job("samples", m.port, "sample_limit: 29"),
            "samples_ok": job("samples_ok", m.port, "sample_limit: 30"),
            "labels": job("labels", m.port, "label_limit: 3"),
            "labels_ok": job("labels_ok", m.port, "label_limit: 4"),
            "name_length": job("name_length", m.port, "label_name_length_limit: 7"),
            "value_length": job("value_length", m.port, "label_value_length_limit: 11"),
            "body": job("body", big.port, "body_size_limit: 7999B"),
            "body_ok": job("body_ok", big.port, "body_size_limit: 8000B"),
            "drop": job("drop", t.port, relabel + "  - {source_labels: [__name__], regex: 'h_.*|g', action: drop}"),
            "keep": job("keep", t.port, relabel + "  - {source_labels: [x], regex: '1|2', action: keep}"),
            "labelmap": job("labelmap", t.port, relabel + "  - {regex: 'exported_(.*)', replacement: 'was_$1', action: labelmap}"),
            "replace": job("replace", t.port, relabel + "  - {source_labels: [__name__, x], separator: '-', regex: 'a(.*)-(.*)', "
                           "target_label: __name__, replacement: 'b${1}_$2'}"),
            "hashmod": job("hashmod", m.port, relabel + "  - {source_labels: [i], modulus: 7, target_label: h, action: hashmod}\n"
                           "  - {source_labels: [h], regex: '[0-3]', action: keep}"),
            "labeldrop": job("labeldrop", t.port, relabel + "  - {regex: 'exported_.*|a', action: labeldrop}"),
            "nameless": job("nameless", t.port, relabel + "  - {source_labels: [x], regex: '1', target_label: __name__, replacement: ''}"),
            "lower": job("lower", t.port, relabel + "  - {source_labels: [a], target_label: a, action: uppercase}"),
            "samples_kept": job("samples_kept", m.port, "sample_limit: 10\n" + relabel
                                + "  - {source_labels: [i], regex: '.', action: keep}"),
        }
        mine, found = beside_prometheus(build, work, config(*jobs.values()), list(jobs))
        print(f"    {len(mine)} series are equal")
        for name, fault in (("samples", "sample limit exceeded"), ("labels", "label_limit exceeded"),
                            ("name_length", "label_name_length_limit exceeded"),
                            ("value_length", "label_value_length_limit exceeded"), ("body", "body size limit exceeded"),
                            ("bad", "2:4: the labels"), ("no_eof", "EOF"), ("gone", "onnect"), ("stay", "302 Found"), ("loop", "redirect"),
                            ("hex", "1:5:")):
            print(f"    {name}: {found[name]['lastError']}")
            contains(found[name]["lastError"].lower(), fault.lower(), name)
        assert any(dict(labels)["__name__"] == "moved" for labels in mine), "a redirect was followed"


def test_timestamps_and_exemplars(build, work):
    """A target's own timestamps are stored unless they are not honoured; exemplars are kept when the feature is on."""
    begin = time.time()

    def answer(handler):
        now = int((time.time() - 30) * 1000) / 1000
        return 200, {"Content-Type": OPENMETRICS}, (
            f'# TYPE c counter\nc_total{{x="1"}} 5 {now} # {{trace_id="abc"}} 0.5 {int(begin)}\n# EOF\n').encode()

    with Target(answer) as t:
        text_of = config(job("own", t.port), job("ours", t.port, "honor_timestamps: false"))
        with serve(build, work, text_of, "barograph", "--enable-feature=exemplar-storage") as server:
            server.wait_ready()
            scraped(server, ["own", "ours"], 2)
            at = {dict(labels)["job"]: value for labels, value in server.query("timestamp(c_total)").items()}
            now = time.time()
            assert 28 < now - at["own"] < 34, f"honoured: {now - at['own']} s ago"
            assert now - at["ours"] < 3, f"not honoured: {now - at['ours']} s ago"
            rows = server.api("query_exemplars", query="c_total", start=begin - 60, end=now)
            equal(sorted((row["seriesLabels"]["job"], row["exemplars"][0]["labels"], float(row["exemplars"][0]["value"]),
                          float(row["exemplars"][0]["timestamp"])) for row in rows),
                  [(name, {"trace_id": "abc"}, 0.5, float(int(begin))) for name in ("ours", "own")], "exemplars")


def test_target_limit(build, work):
    with Target(text("a 1\n")) as t:
        two = f"static_configs: [{{targets: ['127.0.0.1:{t.port}', 'localhost:{t.port}']}}]\ntarget_limit: "
        text_of = config("  - job_name: over\n    " + (two + "1").replace("\n", "\n    ") + "\n",
                         "  - job_name: within\n    " + (two + "2").replace("\n", "\n    ") + "\n")
        answers = []
        for name in ("prometheus", "barograph"):
            with serve(build, work, text_of, name) as server:
                server.wait_ready()
                scraped(server, ("over", "within"))
                answers.append(sorted((x["scrapePool"], x["scrapeUrl"], x["health"], x["lastError"])
                                      for x in server.api("targets")["activeTargets"]))
                answers.append(server.query("up"))
        equal(answers[2:], answers[:2], "targets and up under target_limit")


def test_content_types(build, work):
    """3.x insists on a content type that it knows, or on fallback_scrape_protocol."""
    fallback = "fallback_scrape_protocol: PrometheusText0.0.4"
    with Target(text("a 1\n", "text/html")) as html, Target(text("a 1\n", "")) as blank, \
            Target(lambda h: (200, {}, b"a 1\n")) as none, Target(text("a 1\n# EOF\n", "nonsense/;;")) as broken, \
            Target(text("a 1\n", "text/plain")) as bare, Target(text("a 1\n", OPENMETRICS)) as no_eof:
        jobs = {
            "html": (html, "", "Content-Type"), "html_fallback": (html, fallback, None),
            "blank": (blank, "", "Content-Type"), "blank_fallback": (blank, fallback, None),
            "none": (none, "", "Content-Type"), "none_fallback": (none, fallback, None),
            "broken": (broken, "", "Content-Type"),
            "broken_fallback": (broken, "fallback_scrape_protocol: OpenMetricsText1.0.0", None),
            "bare": (bare, "", None), "no_eof": (no_eof, fallback, "EOF"),
        }
        text_of = config(*(job(name, t.port, more) for name, (t, more, _) in jobs.items()))
        with serve(build, work, text_of) as server:
            server.wait_ready()
            scraped(server, jobs)
            faults_of(server, {name: fault for name, (_, _, fault) in jobs.items()})
            print("    " + targets_of(server)["html"]["lastError"])


def test_a_gzip_bomb_and_bodies_that_lie(build, work):
    """1 GB in 1 MB ends at the limit; what is cut off or not gzip at all is refused; others are scraped on."""
    bomb = gzip.compress(b"a 1\n" * (64 << 20), 9)
    whole = gzip.compress(b"".join(b"a%d 1\n" % i for i in range(5000)))
    packed = {"Content-Type": TEXT, "Content-Encoding": "gzip"}

    def slow(handler):
        time.sleep(3)
        return 200, {"Content-Type": TEXT}, b"a 1\n"

    with Target(lambda h: (200, packed, bomb)) as b, Target(lambda h: (200, packed, whole[:-200])) as cut, \
            Target(lambda h: (200, packed, b"a 1\n")) as lie, Target(text("a 1\n")) as good, Target(slow) as late, \
            Target(lambda h: (500, {}, b"a 1\n")) as wrong:
        jobs = {"bomb": (b, "body_size_limit: 1MB", "body size limit"), "cut": (cut, "", "gzip"), "lie": (lie, "", "gzip"),
                "good": (good, "", None), "late": (late, "", "deadline exceeded"), "wrong": (wrong, "", "500 Internal Server Error")}
        with serve(build, work, config(*(job(name, t.port, more) for name, (t, more, _) in jobs.items()))) as server:
            server.wait_ready()
            scraped(server, jobs)
            faults_of(server, {name: fault for name, (_, _, fault) in jobs.items()})
            duration = server.query('scrape_duration_seconds{job="late"}').popitem()[1]
            assert 0.8 < duration < 1.3, f"a late scrape took {duration} s"
            pid = server.program.process.pid
            rss = int(next(line.split()[1] for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")))
            assert rss < 300_000, f"{rss} kB at most"


def test_federation(build, work):
    """external_labels go out with /federate, and honor_labels takes them in as they are."""
    with Target(text('a{x="1"} 5\n')) as t:
        text_of = config(job("inner", t.port), head=", external_labels: {region: r1, job: outer}")
        answers = []
        for name in ("prometheus", "barograph"):
            with serve(build, work, text_of, name) as server:
                server.wait_ready()
                scraped(server, ["inner"])
                status, headers, body = server.get("/federate?match[]=" + urllib.parse.quote('{__name__=~"a|up"}'))
                equal(status, 200, "federate")
                lines = sorted(line.rsplit(" ", 1)[0] for line in body.decode().splitlines() if not line.startswith("#"))
                answers.append((headers["content-type"].split(";")[:2], lines))
        equal(answers[1][1], answers[0][1], "federated lines")


def test_stale_series(build, work):
    """A series that is not there any more, and all of a target that fails, are gone at once; history stays."""
    state = {"body": "a 1\nb 1\n", "status": 200}
    with Target(lambda h: (state["status"], {"Content-Type": TEXT}, state["body"].encode())) as t:
        text_of = config(job("stale", t.port))
        with serve(build, work, text_of, "prometheus") as prometheus, serve(build, work, text_of) as barograph:
            servers = (prometheus, barograph)
            for server in servers:
                server.wait_ready()
                wait_until("b is there", lambda s=server: s.query("b"))
            state["body"] = "a 2\n"
            for server in servers:
                wait_until("b is gone", lambda s=server: not s.query("b") and list(s.query("a").values()) == [2.0], 3)
                assert server.query("count_over_time(b[1m])"), "its past stays"
            state["status"] = 500
            for server in servers:
                wait_until("up is 0", lambda s=server: list(s.query("up").values()) == [0.0], 3)
                equal(server.query("a"), {}, "a failed scrape ends every series")
                equal(len(server.query('{__name__=~"scrape_.*"}')), 4, "scrape_ series stay")
            state["status"] = 200
            for server in servers:
                wait_until("a is back", lambda s=server: list(s.query("a").values()) == [2.0], 3)
            barograph.config.write_text("global: {}\n")
            before = barograph.query("count_over_time(a[5m])")
            barograph.stop()
            again = Server(str(build / "barograph"), work, "global: {}\n", name="barograph", keep_data=True)
            with again:
                again.wait_ready()
                equal(sum(again.query("count_over_time(a[5m])").values()) >= sum(before.values()), True, "history after a restart")
                equal(list(again.query("a").values()), [2.0], "an ended server ends no series: it may come back")


if __name__ == "__main__":
    main(globals())
