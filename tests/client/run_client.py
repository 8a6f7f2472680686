#!/usr/bin/env python3
"""libbaro beside those who read it: python3-prometheus-client, promtool, prometheus, curl's view of the server, the amalgamation
under both compilers, a service that forks and is killed, libmicrohttpd.

Usage: tests/client/run_client.py BUILD [NAME...]
"""

import base64
import contextlib
import gzip
import http.client
import http.server
import math
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import contains, equal, need, wait_until  # noqa: E402

ROOT = barotest.ROOT
HERE = ROOT / "tests" / "client"
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
LIBRARIES = ["-lz", "-lgnutls", "-lcrypt", "-pthread"]


def compile_with_library(build: pathlib.Path, source: pathlib.Path, out: pathlib.Path, *more: str, compiler: str = "cc",
                         std: str = "-std=gnu99") -> str:
    run([compiler, std, "-O1", "-Wall", "-Wextra", f"-I{ROOT / 'include'}", str(source), "-o", str(out),
         str(build / "src" / "client" / "libbaro.a"), *more, *LIBRARIES])
    return str(out)


def run(command: list[str], text: bool = True, **kwargs) -> str:
    done = subprocess.run(command, capture_output=True, text=text, timeout=120, stdin=subprocess.DEVNULL, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{command[:3]}: exit {done.returncode}: {(done.stderr or done.stdout)[-3000:]!r}")
    return done.stdout


def demo(build: pathlib.Path, work: pathlib.Path) -> str:
    out = work / "client_demo"
    return str(out) if out.exists() else compile_with_library(build, HERE / "client_demo.c", out)


class Serving:
    """A program that prints "port N" and serves until its input ends."""

    def __init__(self, command: list[str], **kwargs):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **kwargs)
        line = self.process.stdout.readline()
        equal(line.split(" ")[0], "port", f"{command}: first line")
        self.port = int(line.split()[1])

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        if kind is None:
            equal(status, 0, "exit status")

    def get(self, path: str, method: str = "GET", body: bytes | None = None, context: ssl.SSLContext | None = None,
            **headers: str) -> tuple[int, dict[str, str], bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        conn = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=context) if context else \
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            conn.request(method, path, body=body, headers=names)
            answer = conn.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            conn.close()


def parser(module: str):
    """A parser of Debian's package, which another Python than Debian's does not look for by itself."""
    if DEBIAN_PACKAGES not in sys.path:
        sys.path.append(DEBIAN_PACKAGES)
    try:
        return __import__(f"prometheus_client.{module}", fromlist=["parser"])
    except ImportError as missing:
        raise barotest.Skip(f"python3-prometheus-client: {missing}") from missing


def samples_of(families: object) -> dict[tuple, object]:
    return {(s.name, tuple(sorted(s.labels.items()))): s for family in families for s in family.samples}


def test_python_parses_text(build: pathlib.Path, work: pathlib.Path) -> None:
    text = run([demo(build, work), "expose", "text"])
    families = list(parser("parser").text_string_to_metric_families(text))
    samples = samples_of(families)
    types = {family.name: family.type for family in families}
    equal(samples["demo_requests_total", (("code", "café"), ("method", 'P\\"\nT'))].value, 0.5, "labels")
    equal(samples["demo_both_seconds_bucket", (("le", "1"),)].value, 101, "bucket")
    equal(samples["demo_both_seconds_count", ()].value, 1001, "count")
    equal(samples["demo_app_info", (("version", "1.2.3"),)].value, 1, "info")
    equal(samples["demo_state", (("demo_state", "running"),)].value, 1, "state")
    equal(samples["demo_unknown", ()].value, 42, "callback")
    equal(samples["demo_disk_bytes", (("disk", '/dev/"sda"'),)].value, 1e12, "collector")
    equal((types["demo_requests"], types["demo_both_seconds"], types["demo_temperature_celsius"],
           types["demo_latency_seconds"]), ("counter", "histogram", "gauge", "summary"), "types")
    assert samples["process_resident_memory_bytes", ()].value > 1e5


def test_python_parses_openmetrics(build: pathlib.Path, work: pathlib.Path) -> None:
    text = run([demo(build, work), "expose", "openmetrics"])
    families = list(parser("openmetrics.parser").text_string_to_metric_families(text))
    samples = samples_of(families)
    counter = samples["demo_requests_total", (("code", "200"), ("method", "GET"))]
    equal((counter.value, counter.exemplar.labels, counter.exemplar.value, float(counter.exemplar.timestamp)),
          (3, {"trace_id": 'abc"def'}, 3, 1700000000.123), "exemplar of the counter")
    bucket = samples["demo_both_seconds_bucket", (("le", "0.1"),)]
    equal(bucket.exemplar.labels, {"trace_id": "0123456789abcdef0123456789abcdef"}, "exemplar of the bucket")
    units = {family.name: family.unit for family in families}
    equal(units["demo_both_seconds"], "seconds", "unit")
    types = {family.name: family.type for family in families}
    equal((types["demo_app"], types["demo_state"], types["demo_unknown"]), ("info", "stateset", "unknown"), "types")


def test_promtool_is_content(build: pathlib.Path, work: pathlib.Path) -> None:
    promtool = need("promtool")
    text = run([demo(build, work), "expose", "text"])
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "promtool check metrics")


def prometheus_values(build: pathlib.Path, work: pathlib.Path, *flags: str) -> tuple[dict[str, float], dict[tuple, float]]:
    """Scrapes the demo with a real Prometheus and returns some figures, and a native quantile by name."""
    prometheus = need("prometheus")
    with Serving([demo(build, work), "serve", "127.0.0.1:0"]) as program:
        config = ("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: demo\n"
                  f"  static_configs: [{{targets: ['127.0.0.1:{program.port}']}}]\n")
        with barotest.Server(prometheus, work, config, *flags, name="prometheus") as server:
            server.wait_ready()
            wait_until("a scrape", lambda: server.query("up") and next(iter(server.query("up").values())) == 1, 60)
            wait_until("its samples", lambda: server.query("demo_requests_total"), 20)
            got = {name: next(iter(server.query(name).values()), math.nan) for name in (
                "demo_requests_total{code='200'}", "demo_temperature_celsius", "demo_latency_seconds_count",
                "demo_disk_bytes{disk='sdb'}")}
            native = server.query("histogram_quantile(0.5, demo_both_seconds)") if flags else {}
            targets = server.api("targets")
            equal(targets["activeTargets"][0]["lastError"], "", "scrape error")
        assert "err=" not in server.program.text() or "level=error" not in server.program.text()
    return got, native


WANTED = {"demo_requests_total{code='200'}": 3, "demo_temperature_celsius": -1.5, "demo_latency_seconds_count": 1000,
          "demo_disk_bytes{disk='sdb'}": 0.5}


def test_prometheus_scrapes_openmetrics(build: pathlib.Path, work: pathlib.Path) -> None:
    got, _ = prometheus_values(build, work)
    equal(got, WANTED, "figures")


def test_prometheus_scrapes_protobuf_with_native_histograms(build: pathlib.Path, work: pathlib.Path) -> None:
    got, native = prometheus_values(build, work, "--enable-feature=native-histograms")
    equal(got, WANTED, "figures")
    median = next(iter(native.values()), math.nan)
    assert 4.5 < median < 5.5, f"median by the native histogram: {median}"


def test_server_speaks_http(build: pathlib.Path, work: pathlib.Path) -> None:
    with Serving([demo(build, work), "serve", "127.0.0.1:0"]) as s:
        status, headers, body = s.get("/metrics")
        equal((status, headers["content-type"], int(headers["content-length"])),
              (200, "text/plain; version=0.0.4; charset=utf-8", len(body)), "text")
        status, headers, body = s.get("/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        equal((status, headers["content-type"].split(";")[0], body[-6:]), (200, "application/openmetrics-text", b"# EOF\n"), "OpenMetrics")
        status, headers, body = s.get("/metrics", Accept_Encoding="br, gzip")
        equal(headers["content-encoding"], "gzip", "encoding")
        contains(gzip.decompress(body).decode(), "demo_requests_total", "gzip")
        status, headers, body = s.get("/metrics", method="HEAD")
        equal((status, body), (200, b""), "HEAD")
        status, headers, body = s.get("/health")
        equal((status, body), (200, b'{"status":"degraded","components":{"queue":{"status":"degraded",'
                                    b'"message":"queue \\"long\\""}}}\n'), "health")
        equal([s.get(path, method=method)[0] for method, path in
               (("GET", "/"), ("GET", "/metrics?a=b"), ("DELETE", "/metrics"), ("GET", "/metricsx"))],
              [404, 200, 405, 404], "statuses")
        equal(s.get("/metrics", method="POST", body=b"x=1")[0], 400, "a body")
        equal(s.get("/metrics", X="y" * 9000)[0], 431, "a long head")


def raw(port: int, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as conn:
        for part in parts:
            conn.sendall(part)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while more := conn.recv(65536):
                got += more
        return got


def test_server_stands_rude_clients(build: pathlib.Path, work: pathlib.Path) -> None:
    with Serving([demo(build, work), "serve", "127.0.0.1:0"]) as s:
        for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET metrics HTTP/1.1\r\n\r\n", b"GET / HTTP/2\r\n\r\n",
                     b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET /\0 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\n\n",
                     b"GET / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\rTransfer-Encoding: chunked\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 3 \r\n\r\nabc"):
            contains(raw(s.port, junk).decode(), "HTTP/1.1 400 ", repr(junk))
        begin = time.monotonic()
        contains(raw(s.port, b"GET /health HTTP/1.1\r\nConnection: TE , Close \r\n\r\n").decode(), "Connection: close", "a list")
        equal(raw(s.port, *[b"GET /health HTTP/1.1\r\n\r\n"] * 200, b"GET / HTTP/1.0\r\n\r\n").count(b"HTTP/1.1 200"), 200, "many at once")
        assert time.monotonic() - begin < 30, "who asks for an end waits for none"
        answer = raw(s.port, b"GET /health HTTP/1.1\r\n\r\n" * 2 + b"GET /health HTTP/1.0\r\n\r\n")
        equal(answer.count(b"HTTP/1.1 200 OK"), 3, "pipelined requests")
        slow = [socket.create_connection(("127.0.0.1", s.port), timeout=10) for _ in range(8)]
        wait_until("the refusal", lambda: raw(s.port).startswith(b"HTTP/1.1 503"))
        wait_until("the deadline of the slow", lambda: s_ok(s), 10)
        for conn in slow:
            conn.close()


def test_server_rests_without_descriptors(build: pathlib.Path, work: pathlib.Path) -> None:
    """With no descriptor left for a client the listener stays readable: the program's thread must not spin on it."""
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))  # three streams, a listener, a pipe, two clients

    with Serving([demo(build, work), "serve", "127.0.0.1:0"], preexec_fn=few) as s:
        clients = [socket.create_connection(("127.0.0.1", s.port), timeout=10) for _ in range(6)]
        before = ticks_of(s.process.pid)
        time.sleep(1)
        assert ticks_of(s.process.pid) - before < 30, "more than 0.3 s of processor time while nothing can be done"
        for conn in clients:
            conn.close()
        wait_until("clients are served again", lambda: s_ok(s), 20)


def ticks_of(pid: int) -> int:
    """Hundredths of a second of processor time."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def s_ok(s: Serving) -> bool:
    try:
        return s.get("/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_environment_is_obeyed(build: pathlib.Path, work: pathlib.Path) -> None:
    program = demo(build, work)
    with Serving([program, "serve", "127.0.0.1:0"], env={**os.environ, "METRICS_ENDPOINT": "/api/v1/metrics"}) as s:
        equal((s.get("/metrics")[0], s.get("/api/v1/metrics")[0]), (404, 200), "METRICS_ENDPOINT")
    off = {**os.environ, "PROMETHEUS_ENABLED": "false"}
    equal(run([program, "expose", "text"], env=off), "", "PROMETHEUS_ENABLED=false")
    equal(run([program, "expose", "openmetrics"], env=off), "# EOF\n", "PROMETHEUS_ENABLED=false")
    with Serving([program, "serve", "127.0.0.1:0"], env=off) as s:
        equal(s.port, 0, "a server that is off")
    directory = work / "multiproc"
    directory.mkdir()
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        contains(run([program, "expose", "text"], env={**os.environ, name: str(directory)}), "demo_requests_total", name)
        assert (directory / "baro.shm").exists(), name
    equal(re.findall(r"demo_requests_total\{.*200.*\} (\S+)", run([program, "expose", "text"], env={
        **os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)})), ["9"], "the counter of three processes")


def certificate(work: pathlib.Path) -> None:
    run([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(work / "key.pem"), "-out", str(work / "cert.pem")])


def bcrypt_hash(password: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import crypt
    except ImportError as missing:
        raise barotest.Skip("python's crypt is missing") from missing
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))


def test_web_config_protects(build: pathlib.Path, work: pathlib.Path) -> None:
    certificate(work)
    password = base64.b16encode(os.urandom(8)).decode()
    config = work / "web.yml"
    config.write_text("# TLS and a user\ntls_server_config:\n  cert_file: cert.pem\n  key_file: 'key.pem'\n"
                      f"basic_auth_users:\n  \"scraper\": {bcrypt_hash(password)}\n")
    with Serving([demo(build, work), "serve", "127.0.0.1:0", str(config)]) as s:
        context = ssl.create_default_context(cafile=str(work / "cert.pem"))
        good = "Basic " + base64.b64encode(f"scraper:{password}".encode()).decode()
        bad = "Basic " + base64.b64encode(b"scraper:wrong").decode()
        equal([s.get("/metrics", context=context, **headers)[0] for headers in
               ({}, {"Authorization": bad}, {"Authorization": good}, {"Authorization": good}, {"Authorization": "Basic !"})],
              [401, 401, 200, 200, 401], "basic auth")
        assert not raw(s.port, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200"), "plain text on a TLS port"
    config.write_text("tls_server_config:\n  cert_file: missing.pem\n  key_file: key.pem\n")
    done = subprocess.run([demo(build, work), "serve", "127.0.0.1:0", str(config)], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL)
    equal(done.returncode, 1, "a missing certificate")
    contains(done.stderr, "web config: tls_server_config: ", "its message")


class Gateway(http.server.BaseHTTPRequestHandler):
    seen: list[tuple] = []
    may_close = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.command, self.path, self.headers["Authorization"], body.decode()))
        time.sleep(0.3 if "slow" in self.path else 0)
        self.send_response(400 if "refuse" in self.path else 202)
        self.end_headers()
        self.wfile.write(b"no such group" if "refuse" in self.path else b"")
        if "open" in self.path:
            self.wfile.flush()
            self.may_close.wait(60)

    def log_message(self, *_: object) -> None:
        pass


def test_push_and_text_file(build: pathlib.Path, work: pathlib.Path) -> None:
    program = demo(build, work)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/prefix/"
        run([program, "push", url])
        command, path, authorization, body = Gateway.seen[-1]
        equal((command, path), ("POST", "/prefix/metrics/job/a%20job/instance@base64/YS9i/zone/eu"), "request")
        equal(base64.b64decode(authorization.split()[1]), b"me:secret", "authorization")
        contains(body, "demo_requests_total", "body")
        done = subprocess.run([program, "push", url + "refuse"], capture_output=True, text=True, timeout=20)
        equal((done.returncode, done.stderr), (1, "push: the Pushgateway refused: 400 Bad Request no such group\n"), "refusal")
        run([program, "push", url + "slow"])  # signals of a timer meanwhile
        begin = time.monotonic()
        run([program, "push", url + "open"])  # a server that does not close is not waited for
        assert time.monotonic() - begin < 2.5, "the time limit of the push is 3 s"
        for wrong in ("x" * 600, "a?b", "a#b"):
            done = subprocess.run([program, "push", url + wrong], capture_output=True, text=True, timeout=20)
            contains(done.stderr, "the URL's host or path is not one", wrong[:10])
    finally:
        Gateway.may_close.set()
        server.shutdown()
        server.server_close()
    done = subprocess.run([program, "push", f"http://127.0.0.1:{barotest.free_port()}"], capture_output=True, text=True, timeout=20)
    contains(done.stderr, "no connection", "nobody there")
    path = work / "demo.prom"
    run([program, "file", str(path)])
    contains(path.read_text(), "demo_requests_total", "text file")
    equal(sorted(p.name for p in work.glob("demo.prom*")), ["demo.prom"], "no rest of it")


def test_forking_service_keeps_every_count(build: pathlib.Path, work: pathlib.Path) -> None:
    program = compile_with_library(build, HERE / "client_fork.c", work / "client_fork")
    for seed in ("1",):
        directory = work / seed
        directory.mkdir()
        contains(run([program, str(directory), "3", seed]), "ok: ", "24 workers")
        equal([p.name for p in directory.iterdir()], ["baro.shm"], "files")


def test_forking_service_removes_series_for_all(build: pathlib.Path, work: pathlib.Path) -> None:
    program = compile_with_library(build, HERE / "client_remove.c", work / "client_remove")
    directory = work / "shared"
    directory.mkdir()
    equal(run([program, str(directory)]).strip(), "ok", "series removed by hand and by time")


def test_mhd_middleware(build: pathlib.Path, work: pathlib.Path) -> None:
    program = compile_with_library(build, HERE / "client_mhd.c", work / "client_mhd", "-lmicrohttpd")
    with Serving([program]) as s:
        trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
        for i in range(3):
            equal(s.get(f"/jobs/{i}", method="POST", body=b"x" * 500, traceparent=trace)[0], 201, "status")
        equal(s.get("/nothing")[0], 404, "status")
        equal(s.get("/nothing", method="FANCY")[0], 404, "status")

        def text() -> str:
            return s.get("/metrics", Accept="application/openmetrics-text")[2].decode()
        wait_until("the end of the requests", lambda: 'method="other"' in text(), 10)
        got = text()
        contains(got, 'http_requests_total{method="POST",endpoint="/jobs/{id}",status="201"} 3\n', "requests")
        contains(got, 'http_requests_total{method="GET",endpoint="unmatched",status="404"} 1\n', "unmatched")
        contains(got, 'http_request_size_bytes_sum{method="POST",endpoint="/jobs/{id}"} 1500\n', "sizes")
        contains(got, 'http_requests_in_progress{method="POST"} 0\n', "concurrency")
        contains(got, '# {trace_id="0123456789abcdef0123456789abcdef"}', "exemplar")
        sent = float(re.search(r'http_response_size_bytes_sum\{method="POST",endpoint="/jobs/\{id\}"\} (\S+)', got)[1])
        assert 3 * 50 < sent < 3 * 500, f"bytes of three answers: {sent}"


def test_amalgamation_compiles_alone(build: pathlib.Path, work: pathlib.Path) -> None:
    run([str(ROOT / "tools" / "amalgamate"), str(work / "amalgamation")])
    equal(sorted(p.name for p in (work / "amalgamation").iterdir()), ["baro.c", "baro.h"], "files")
    (work / "include" / "baro").mkdir(parents=True)
    shutil.copy(work / "amalgamation" / "baro.h", work / "include" / "baro" / "baro.h")
    for compiler, std in (("gcc", "-std=c99"), ("clang", "-std=c99")):
        need(compiler)
        objects = work / f"{compiler}.o"
        run([compiler, std, "-O0", "-Wall", "-Wextra", "-Werror", "-c", str(work / "amalgamation" / "baro.c"), "-o", str(objects)])
        program = work / f"demo-{compiler}"
        run([compiler, "-std=gnu99", "-Wall", "-Wextra", "-Werror", f"-I{work / 'include'}", str(HERE / "client_demo.c"), str(objects), "-o",
             str(program), "-pthread"])
        contains(run([str(program), "expose", "text"]), "demo_requests_total{method=\"GET\",code=\"200\"} 3\n", compiler)
        symbols = run(["nm", "-g", "--defined-only", str(objects)])
        equal([line for line in symbols.splitlines() if " baro_" not in line], [], "symbols without the prefix")
    need("g++")
    run(["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{work / 'include'}", str(HERE / "client_cpp.cc"),
         str(work / "gcc.o"), "-o", str(work / "cpp"), "-pthread"])
    contains(run([str(work / "cpp")]), 'requests_total{method="GET",code="200"} 1\n', "C++")


def test_programs_of_the_guide(build: pathlib.Path, work: pathlib.Path) -> None:
    guide = (ROOT / "docs" / "client.md").read_text()
    programs = re.findall(r"```c\n(.*?)```\n\n```text\n(.*?)```", guide, re.S)
    equal(len(programs), guide.count("```c\n"), "programs that say what they print")
    for number, (program, wanted) in enumerate(programs):
        source = work / f"guide{number}.c"
        source.write_text(program)
        equal(run([compile_with_library(build, source, work / f"guide{number}", "-Werror")]), wanted, f"program {number + 1} of docs/client.md")
    for number, program in enumerate(re.findall(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)):
        source = work / f"readme{number}.c"
        source.write_text(program)
        compile_with_library(build, source, work / f"readme{number}", "-Werror")


if __name__ == "__main__":
    barotest.main(globals())
