#!/usr/bin/env python3
"""What node's prom-client exposes is read by barograph, sample by sample. Usage: run_prom_client.py BUILD [NAME...]"""

import contextlib
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest
from barotest import Server, Skip, contains, equal, need, wait_until

HERE = pathlib.Path(__file__).resolve().parent / "prom-client"
TYPES = {"/text": "text/plain; version=0.0.4; charset=utf-8",
         "/openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
CATALOG = """
catalog: node
groups:
- name: all
  metrics:
  - {name: node_jobs_total, type: counter, help: Jobs that were done., labels: {stage: {values: [load, save]}}}
  - {name: node_odd, type: gauge, help: "A \\"help\\" with \\\\ and\\na line break.", labels: {text: {max: 3}}}
  - {name: node_took_seconds, type: histogram, unit: seconds, help: Time., labels: {stage: {values: [load]}}}
  - {name: node_size_bytes, type: summary, unit: bytes, help: Size., objectives: {0.5: 0.01, 0.9: 0.01}}
"""


def installed(build: pathlib.Path) -> pathlib.Path:
    """The folder in which prom-client is, installed by its lock file."""
    need("npm")
    need("node")
    where = build / "prom-client"
    where.mkdir(exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    done = where / "installed-lock.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "expose.js"):
        shutil.copyfile(HERE / name, where / name)
    if not done.exists() or done.read_text() != lock:
        result = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=where, capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            raise Skip(f"npm could not install prom-client: {(result.stderr.strip().splitlines() or ['no reason'])[0][:200]}")
        done.write_text(lock)
    return where


def exposition(where: pathlib.Path, kind: str) -> bytes:
    return subprocess.run(["node", "expose.js", kind], cwd=where, capture_output=True, check=True, timeout=60).stdout


def samples(where: pathlib.Path) -> dict[tuple, float]:
    """What prom-client itself says that it exposes, by name and labels."""
    got = {}
    for name, labels, value in json.loads(exposition(where, "json")):
        got[tuple(sorted({"__name__": name, **{k: str(v) for k, v in labels.items()}}.items()))] = float(value)
    return got


@contextlib.contextmanager
def target(bodies: dict[str, bytes]):
    """A server of these bodies on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", TYPES[self.path])
            self.send_header("Content-Length", str(len(bodies[self.path])))
            self.end_headers()
            self.wfile.write(bodies[self.path])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_exposition_is_judged_well(build: pathlib.Path, work: pathlib.Path) -> None:
    where = installed(build)
    for kind in ("text", "openmetrics"):
        done = subprocess.run([build / "barograph", "check", "metrics", f"--format={kind}"], input=exposition(where, kind),
                              capture_output=True, timeout=60)
        equal((done.returncode, done.stdout), (0, b""), kind)
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=exposition(where, "text"), capture_output=True, timeout=60)
        equal((done.returncode, done.stderr), (0, b""), "promtool")


def test_every_sample_is_scraped(build: pathlib.Path, work: pathlib.Path) -> None:
    where = installed(build)
    want = samples(where)
    with target({f"/{kind}": exposition(where, kind) for kind in ("text", "openmetrics")}) as port:
        jobs = "".join(f"- {{job_name: {kind}, scrape_interval: 1s, scrape_timeout: 1s, metrics_path: /{kind},"
                       f" static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n" for kind in ("text", "openmetrics"))
        with Server(str(build / "barograph"), work, f"scrape_configs:\n{jobs}") as server:
            server.wait_ready()
            for kind in ("text", "openmetrics"):
                wait_until(f"{kind}: scraped", lambda: len(server.query(f'{{job="{kind}", __name__=~"node_.*"}}')) == len(want))
                got = server.query(f'{{job="{kind}", __name__=~"node_.*"}}')
                equal({tuple(pair for pair in labels if pair[0] not in ("job", "instance")): value
                       for labels, value in got.items()}, want, kind)


def test_live_target_is_compared_with_its_catalogue(build: pathlib.Path, work: pathlib.Path) -> None:
    where = installed(build)
    catalog = work / "node.yaml"
    catalog.write_text(CATALOG)
    wrong = work / "wrong.yaml"
    wrong.write_text(CATALOG.replace("[load, save]", "[load]").replace("help: Size.", "help: Sizes."))
    with target({f"/{kind}": exposition(where, kind) for kind in ("text", "openmetrics")}) as port:
        for kind in ("text", "openmetrics"):
            url = f"http://127.0.0.1:{port}/{kind}"
            command = [str(build / "barograph"), "check", "metrics", "--complete", "--catalog"]
            done = subprocess.run([*command, str(catalog), url], capture_output=True, text=True, timeout=60)
            equal((done.returncode, done.stderr), (0, ""), done.stdout)
            contains(done.stdout, f"{url}: good: {len(samples(where))} series are as the catalogue says")
            done = subprocess.run([*command, str(wrong), url], capture_output=True, text=True, timeout=60)
            equal(done.returncode, 1)
            contains(done.stdout, 'node_jobs_total: "save" is no value of label stage')
            contains(done.stdout, "node_size_bytes has another help than the catalogue's")
            equal(len(done.stdout.splitlines()), 2, done.stdout)
    done = subprocess.run([*command, str(catalog), f"http://127.0.0.1:{port}/text"], capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stdout), (1, ""))


if __name__ == "__main__":
    barotest.main(dict(globals()))
