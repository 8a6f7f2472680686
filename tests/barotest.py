"""What the script tests share: programs on free loopback ports, HTTP, and a list of named checks. Standard library only."""

import atexit
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Skip(Exception):
    """Raised by a test that cannot run here; the reason is printed."""


class Program:
    """A child process that is ended by its own pid, its output in a file."""

    def __init__(self, command: list[str], log: pathlib.Path, **kwargs):
        self.log = log
        self.out = open(log, "ab")
        self.process = subprocess.Popen(command, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL, **kwargs)

    def stop(self, how: int = signal.SIGTERM, limit: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(limit)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise
        self.out.close()
        return self.process.returncode

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def cpu_seconds(self) -> float:
        """Processor time that it has used."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        return int(pathlib.Path(f"/proc/{self.process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


class Server:
    """barograph serve or a real prometheus on a free port, with its data directory."""

    def __init__(self, binary: str, work: pathlib.Path, config: str, *flags: str, name: str = "server",
                 port: int | None = None, keep_data: bool = False):
        self.port = port or free_port()
        self.data = work / f"{name}-data"
        if not keep_data:
            shutil.rmtree(self.data, ignore_errors=True)
        self.config = work / f"{name}.yml"
        self.config.write_text(config)
        self.program = Program([binary, f"--config.file={self.config}", f"--storage.tsdb.path={self.data}",
                                f"--web.listen-address=127.0.0.1:{self.port}", *flags], work / f"{name}.log")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Ends a server that still runs, which must end well: a sanitizer tells its findings by the exit status."""
        ended_by_test = self.program.out.closed
        status = self.stop()
        if kind is None and not ended_by_test:
            equal(status, 0, f"{self.program.log.name}: exit status")

    def stop(self, how: int = signal.SIGTERM) -> int:
        return self.program.stop(how)

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: bytes | None = None,
            timeout: float = 30) -> tuple[int, dict[str, str], bytes]:
        """(status, headers in lower case, body)"""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            conn.request(method, path, body=body, headers=headers or {})
            answer = conn.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            conn.close()

    def api(self, path: str, **params: object) -> object:
        """The data of a successful answer; raises with the error text otherwise."""
        status, _, body = self.get(f"/api/v1/{path}?{urllib.parse.urlencode(params, doseq=True)}")
        answer = json.loads(body)
        if answer["status"] != "success":
            raise RuntimeError(f"{path} {params}: {status} {body[:300]!r}")
        return answer["data"]

    def query(self, expr: str, at: float | None = None) -> dict[tuple, float]:
        """{sorted labels: value} of an instant query."""
        data = self.api("query", query=expr, **({} if at is None else {"time": at}))
        if data["resultType"] in ("scalar", "string"):
            return {(): float(data["result"][1])}
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in data["result"]}

    def wait_ready(self, limit: float = 60) -> None:
        wait_until(f"{self.program.log.name}: ready", lambda: self.is_ready(), limit)

    def is_ready(self) -> bool:
        if self.program.process.poll() is not None:
            raise RuntimeError(f"ended with {self.program.process.returncode}:\n{self.program.text()[-3000:]}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/-/ready", timeout=5)[0] == 200
        return False


class Site:
    """A web site on a free port: GET PATH answers with text(PATH), a target's metrics mostly; POST is for take()."""

    def __init__(self):
        site = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(200, site.text(self.path).encode())

            def do_POST(self):
                self.answer(site.take(self.path, self.rfile.read(int(self.headers["Content-Length"]))), b"")

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that is killed breaks off its request."""

        self.server = Quiet(("127.0.0.1", 0), Answer)
        self.port = self.server.server_port
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def text(self, path: str) -> str:
        """What GET path answers with."""
        return ""

    def take(self, path: str, body: bytes) -> int:
        """What happens at POST path; returns the status."""
        return 200

    def config(self, interval: str) -> str:
        """A configuration that scrapes it so often, as job t."""
        return (f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\n"
                f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['{self.address}']}}]}}]\n")

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def wait_until(what: str, test, limit: float = 30, pause: float = 0.05) -> None:
    end = time.monotonic() + limit
    while not test():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {limit:.0f} s")
        time.sleep(pause)


def equal(got: object, want: object, what: str = "") -> None:
    if got != want:
        raise AssertionError(f"{what}: wanted {want!r}, got {got!r}")


def contains(text: str, part: str, what: str = "") -> None:
    if part not in text:
        raise AssertionError(f"{what}: {part!r} is not in {text[:2000]!r}")


def need(program: str) -> str:
    """The path of an installed program, or a skip."""
    path = shutil.which(program)
    if not path:
        raise Skip(f"{program} is not installed")
    return path


def main(tests: dict[str, object]) -> None:
    """Runs test_* functions (build directory, work directory) in order; usage: SCRIPT BUILD [NAME...]."""
    build = pathlib.Path(sys.argv[1]).resolve()
    passed = failed = skipped = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (len(sys.argv) > 2 and not any(part in name for part in sys.argv[2:])):
            continue
        with tempfile.TemporaryDirectory(prefix="barograph-", ignore_cleanup_errors=True) as work:
            begin = time.monotonic()
            try:
                test(build, pathlib.Path(work))
                passed += 1
                print(f"{name}: ok ({time.monotonic() - begin:.1f} s)", flush=True)
            except Skip as reason:
                skipped += 1
                print(f"skipped: {name}: {reason}", flush=True)
            except Exception:  # every fault of a test is its failure
                failed += 1
                print(f"{name}: FAILED\n{traceback.format_exc()}", flush=True)
                for log in sorted(pathlib.Path(work).glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    atexit._run_exitfuncs()  # what tests share ends here: os._exit would leave it running
    os._exit(1 if failed else 0)
