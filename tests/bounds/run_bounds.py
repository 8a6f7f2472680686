#!/usr/bin/env python3
"""Bounds that a running server keeps: the memory limit beside a target whose series explode, and a disk that is full for a
while (a tmpfs of a mount namespace of its own; skipped where those are not allowed).

Usage: tests/bounds/run_bounds.py BUILD [NAME...]
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import Server, Skip, contains, equal, main, need, wait_until  # noqa: E402

MIB = 1 << 20


class Target(barotest.Site):
    """Ten series that stay, and `growth` new ones with each scrape."""

    def __init__(self):
        self.growth = self.made = self.scrapes = 0
        super().__init__()

    def text(self, path: str) -> str:
        self.scrapes += 1
        lines = [f'steady{{shard="{i}"}} {self.scrapes}' for i in range(10)]
        lines += [f'request_seconds{{path="/users/{i}/orders/{i * 7919}",code="200"}} 1'
                  for i in range(self.made, self.made + self.growth)]
        self.made += self.growth
        return "\n".join(lines) + "\n"


def metric(server: Server, name: str) -> float:
    text = server.get("/metrics")[2].decode()
    return float(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[1])


def target_of(server: Server) -> dict:
    return server.api("targets")["activeTargets"][0]


def test_memory_limit(build, work):
    """Under an explosion of series memory stays below the limit, old series are stored, new ones refused and told of."""
    probe = subprocess.run(["nm", "-D", str(build / "barograph")], capture_output=True, text=True).stdout
    if "__asan_init" in probe or "__tsan_init" in probe:
        raise Skip("memory of a sanitized program says nothing")
    target = Target()
    try:
        with Server(str(build / "barograph"), work, target.config("200ms"), name="idle") as idle:
            idle.wait_ready()
            wait_until("scrapes", lambda: target.scrapes > 5)
            base = idle.program.resident_bytes()
        limit = (base // MIB + 40) * MIB
        with Server(str(build / "barograph"), work, target.config("200ms"), f"--storage.memory-limit={limit // MIB}MB", name="limited") as server:
            server.wait_ready()
            wait_until("the steady series", lambda: len(server.query('steady{job="t"}')) == 10)
            equal(metric(server, "barograph_tsdb_memory_limit_bytes"), limit, "the limit as a metric")
            target.growth = 5000
            wait_until("series are refused", lambda: metric(server, "barograph_tsdb_head_series_refused_total") > 50_000, 120)
            created = metric(server, "prometheus_tsdb_head_series")
            most = 0
            for _ in range(20):
                most = max(most, server.program.resident_bytes())
                time.sleep(0.1)
            print(f"limit {limit / MIB:.0f} MiB, resident {most / MIB:.1f} MiB at most, {created:.0f} series, idle {base / MIB:.0f} MiB")
            if most > limit * 1.05:
                raise RuntimeError(f"{most / MIB:.1f} MiB are resident, the limit is {limit / MIB:.0f} MiB")
            if created < 20_000:
                raise RuntimeError(f"only {created:.0f} series were taken before the limit")
            seen = target_of(server)
            equal(seen["health"], "up", "the target")
            contains(seen["lastError"], "new series of this scrape refused: storage: no new series are taken, the memory limit of")
            contains(seen["lastError"], "raise --storage.memory-limit")
            # Old series go on: each scrape's value arrives.
            first = target.scrapes
            wait_until("old series are stored", lambda: all(v >= first + 5 for v in server.query('steady{job="t"}').values()), 60)
            equal(len(server.query('steady{job="t"}')), 10, "old series")
            equal(list(server.query('up{job="t"}').values()), [1], "up")
            # Without the explosion there is nothing to refuse.
            target.growth = 0
            wait_until("no error any more", lambda: target_of(server)["lastError"] == "", 60)
    finally:
        target.stop()


class Confined(Server):
    """A server whose data directory is a small tmpfs of its own mount namespace."""

    def __init__(self, binary: str, work: pathlib.Path, config: str, size: str):
        disk = work / "disk"
        disk.mkdir(exist_ok=True)
        self.port = barotest.free_port()
        self.data = disk / "data"
        self.config = work / "full.yml"
        self.config.write_text(config)
        script = f'mount -t tmpfs -o size={size} none "{disk}" && exec "$@"'
        self.program = barotest.Program(
            [need("unshare"), "-Urm", "sh", "-c", script, "sh", binary, f"--config.file={self.config}",
             f"--storage.tsdb.path={self.data}", f"--web.listen-address=127.0.0.1:{self.port}"], work / "full.log")
        # Seen from outside.
        self.inside = pathlib.Path(f"/proc/{self.program.process.pid}/root{disk}")


def can_mount() -> bool:
    script = "mount -t tmpfs -o size=1m none /tmp && touch /tmp/x"
    return subprocess.run([need("unshare"), "-Urm", "sh", "-c", script], capture_output=True).returncode == 0


def fill(path: pathlib.Path) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass


def test_full_disk(build, work):
    """The disk is full for a while: nothing is ingested, queries go on, /-/ready, a metric and the log say so; with space it
    goes on by itself, and all that was seen before is there, after a restart too."""
    if not can_mount():
        raise Skip("no mount namespaces here")
    target = Target()
    target.growth = 20
    try:
        with Confined(str(build / "barograph"), work, target.config("200ms"), "8m") as server:
            server.wait_ready()
            wait_until("samples", lambda: target.scrapes > 10 and len(server.query('steady{job="t"}')) == 10)
            if not (server.inside / "data").exists():
                raise Skip("the namespace is not seen from outside")
            equal(server.get("/-/ready")[2], b"Prometheus Server is Ready.\n", "ready")
            fill(server.inside / "filler")
            wait_until("read-only is told", lambda: b"storage: read-only: " in server.get("/-/ready")[2], 60)
            wait_until("the metric", lambda: metric(server, "barograph_tsdb_read_only") == 1)
            wait_until("the log", lambda: "storage is read-only" in server.program.text())
            end = time.time()
            before = server.api("query", query='steady{job="t"}[5m]', time=end)["result"]
            equal(len(before), 10, "queries go on")
            scrapes = target.scrapes
            wait_until("scrapes go on", lambda: target.scrapes > scrapes + 5)
            equal(server.api("query", query='steady{job="t"}[5m]', time=end)["result"], before, "nothing changed")
            (server.inside / "filler").unlink()
            scrapes = target.scrapes
            wait_until("it goes on", lambda: any(v > scrapes for v in server.query('steady{job="t"}').values()), 60)
            wait_until("ready", lambda: server.get("/-/ready")[2] == b"Prometheus Server is Ready.\n")
            wait_until("the metric", lambda: metric(server, "barograph_tsdb_read_only") == 0)
            wait_until("the log", lambda: "storage takes samples again" in server.program.text())
            after = {tuple(sorted(row["metric"].items())): row["values"] for row in
                     server.api("query", query='steady{job="t"}[5m]', time=end)["result"]}
            for row in before:
                equal(after[tuple(sorted(row["metric"].items()))], row["values"], "what was seen")
            # The same directory, read by another run.
            copy = work / "copy-data"
            subprocess.run(["cp", "-r", str(server.inside / "data"), str(copy)], check=True)
        with Server(str(build / "barograph"), work, "scrape_configs: []\n", name="copy", keep_data=True) as again:
            again.wait_ready()
            found = {tuple(sorted(row["metric"].items())): row["values"] for row in
                     again.api("query", query='steady{job="t"}[5m]', time=end)["result"]}
            for row in before:
                equal(found[tuple(sorted(row["metric"].items()))], row["values"], "after a restart")
            equal("log was damaged" in again.program.text(), False, "repairs")
    finally:
        target.stop()


if __name__ == "__main__":
    main(dict(globals()))
