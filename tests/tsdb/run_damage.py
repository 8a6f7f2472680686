#!/usr/bin/env python3
"""A write-ahead log with flipped bits in its middle: a start goes on behind them and says what is lost; Debian's promtool
reads what it has mended, and the samples are the same.

Usage: tests/tsdb/run_damage.py BUILD [NAME...]
"""

import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tsdb")]
from barotest import Server, contains, equal, main, wait_until  # noqa: E402
from run_tsdb import Target  # noqa: E402

QUIET = "global: {scrape_interval: 1h}\n"


class Steady(Target):
    """Ten series that stay, so that all records of series come with the first scrape."""

    def text(self, path: str) -> str:
        return "\n".join(line for line in super().text(path).splitlines() if not line.startswith("pod_info")) + "\n"


def dump(program: str, data: pathlib.Path) -> list[str]:
    """Every sample, sorted."""
    done = subprocess.run([program, "tsdb", "dump", str(data)], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"{program} tsdb dump: {done.stderr[-500:]}")
    return sorted(done.stdout.splitlines())


def test_a_start_goes_on_behind_damage(build, work):
    program = str(build / "barograph")
    target = Steady()
    with Server(program, work, target.config("100ms"), name="a") as server:
        server.wait_ready()
        wait_until("scrapes", lambda: server.query("max(count_over_time(work_total[1m]))").get((), 0) >= 16, 60)
        server.stop(signal.SIGKILL)
    target.stop()
    before = dump(program, work / "a-data")
    segment = sorted((work / "a-data" / "wal").glob("0*"))[-1]
    good = segment.read_bytes()
    used = len(good.rstrip(b"\0"))
    seed = time.time_ns() & 0xFFFFFFFF
    print(f"seed {seed}")
    draw = random.Random(seed)
    for turn in range(3):
        data = work / f"{turn}-data"
        shutil.copytree(work / "a-data", data)
        raw = bytearray(good)
        # Behind the records of the series, which come with the first scrape, and before the last ones.
        for _ in range(1 + turn):
            raw[draw.randrange(used // 2, used * 9 // 10)] ^= 1 << draw.randrange(8)
        (data / "wal" / segment.name).write_bytes(raw)
        with Server(program, work, QUIET, name=str(turn), keep_data=True) as server:
            server.wait_ready()
            text = server.get("/metrics")[2].decode()
            counts = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line and line[0] != "#"}
            log = server.program.text()
            # An unused bit of a type may change without harm.
            if counts["prometheus_tsdb_wal_corruptions_total"] > 0:
                contains(log, "the write-ahead log was damaged", "log")
                equal(counts["barograph_tsdb_wal_lost_bytes_total"] > 0, True, "bytes lost")
                equal(len(list((data / "damaged").iterdir())), 1, "set aside")
            server.stop(signal.SIGKILL)
        left = dump(program, data)
        equal(set(left) <= set(before), True, "nothing is made up")
        newest = max(line.split()[-1] for line in before)
        equal(max(line.split()[-1] for line in left), newest, "the newest samples are there")
        # A flipped bit costs one scrape: ten samples, and five health series.
        equal(len(before) - len(left) <= 15 * (1 + turn), True, f"{len(before) - len(left)} of {len(before)} samples are lost")
        verdict = subprocess.run([program, "tsdb", "verify", str(data)], capture_output=True, text=True, timeout=60)
        equal(verdict.returncode, 0, verdict.stdout)
        promtool = shutil.which("promtool")
        if promtool:
            equal(dump(promtool, data), left, "promtool's dump of what was mended")
    if not shutil.which("promtool"):
        print("skipped: promtool is not installed, so it did not read the mended logs")


if __name__ == "__main__":
    main(globals())
