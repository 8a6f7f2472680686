#!/usr/bin/env python3
"""A data directory that Prometheus 3.16 wrote with --enable-feature=st-storage: XOR2 chunks and histograms with start
timestamps, in a block, in chunks_head and in the WAL (records of samples with start timestamps).

prometheus-3.16-starts.tar.gz was made with Prometheus's package tsdb (EnableSTStorage, XOR2, EnableHistogramSTEncoding): every
15 s from 1767600000 on, samples 0 to 299 and 480 to 739 of the seven series that `rows` below computes; then the first two hours
became a block. The zeros at the end of chunks_head/000001 were cut off.

Usage: tests/tsdb/run_starts.py BUILD [NAME...]
"""

import math
import pathlib
import subprocess
import sys
import tarfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))
from barotest import Server, contains, equal, main  # noqa: E402

MADE = pathlib.Path(__file__).resolve().parent / "prometheus-3.16-starts.tar.gz"
BEGIN = 1767600000
SAMPLES = [*range(0, 300), *range(480, 740)]
FLAGS = ("--storage.tsdb.retention.time=100y", "--enable-feature=use-start-timestamps,promql-experimental-functions",
         "--web.enable-admin-api")
QUIET = "global: {scrape_interval: 1h}\n"


def starts(k: int) -> dict[str, float]:
    """The start timestamps of sample k, in seconds; 0 = unknown."""
    reset = BEGIN - 1 + k // 100 * 1500
    return {"counted_total": reset, "gauge": 0, "delta": BEGIN + k * 15 - 15, "stale": 0, "hist": reset, "fhist": reset, "plainhist": 0}


def values(k: int) -> dict[str, float]:
    """The values of sample k; sums of histograms."""
    total = k % 100 * 1.5
    return {"counted_total": k % 100 * 3, "gauge": round(math.sin(k), 9), "delta": k % 7, "stale": k, "hist": total, "fhist": total, "plainhist": total}


def extract(work: pathlib.Path, name: str) -> None:
    with tarfile.open(MADE) as tar:
        tar.extractall(work / name)


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"{command}: {done.stderr[-500:]}")
    return done.stdout


def check_samples(server: Server, what: str, wanted: list[int], starts_of: list[int]) -> None:
    """Values at all samples, and start timestamps where they are wanted, of every series."""
    for name in values(0):
        histogram = "hist" in name
        data = server.api("query", query=f"{name}[4h]", time=BEGIN + 740 * 15)["result"]
        points = data[0]["histograms" if histogram else "values"]
        got = {round((float(at) - BEGIN) / 15): round(float(v["sum"] if histogram else v), 9) for at, v in points}
        want = {k: values(k)[name] for k in wanted if not (name == "stale" and k % 50 == 49)}
        wrong = [k for k in {**got, **want} if got.get(k) != want.get(k)]
        equal([(k, got.get(k)) for k in wrong[:3]], [(k, want.get(k)) for k in wrong[:3]], f"{what}: {name}")
    for first, last in ((0, 299), (480, 739)):
        for name in values(0):
            data = server.api("query_range", query=f"start_timestamp({name})", start=BEGIN + first * 15, end=BEGIN + last * 15, step=15)
            got = {round((at - BEGIN) / 15): float(v) for at, v in data["result"][0]["values"]} if data["result"] else {}
            for k in starts_of:
                if first <= k <= last and not (name == "stale" and k % 50 == 49):
                    equal(got.get(k, 0), starts(k)[name], f"{what}: the start of {name} at {k}")


def test_commands_read_chunks_with_starts(build, work):
    extract(work, "made")
    program = build / "barograph"
    contains(run(program, "tsdb", "verify", work / "made"), "good: 7 series, 21 chunks, 2100 samples", "verify")
    contains(run(program, "tsdb", "analyze", work / "made"), "Series: 7\n", "analyze")
    lines = run(program, "tsdb", "dump", "--match=counted_total", work / "made").splitlines()
    equal(lines, [f'{{__name__="counted_total", job="j"}} {k % 100 * 3} {(BEGIN + k * 15) * 1000}' for k in SAMPLES], "dump")
    text = run(program, "tsdb", "dump-openmetrics", "--match=gauge", work / "made")
    equal(len(text.splitlines()), len(SAMPLES) + 1, "dump-openmetrics")


def test_queries_see_starts_of_blocks(build, work):
    extract(work, "a-data")
    with Server(str(build / "barograph"), work, QUIET, *FLAGS, name="a", keep_data=True) as server:
        server.wait_ready()
        check_samples(server, "as it was made", SAMPLES, [*range(0, 300)])
        # A counter that rises by 3 every 15 s, and begins anew at 0 one second before each hundredth sample.
        rates = server.query("rate(counted_total[5m])", BEGIN + 50 * 15)
        equal([round(v, 6) for v in rates.values()], [0.2], "rate")
        # What is left of the chunks is packed anew, and keeps its starts.
        status, _, body = server.get(f"/api/v1/admin/tsdb/delete_series?match[]={{job='j'}}&start={BEGIN + 1500}&end={BEGIN + 2000}",
                                     method="POST")
        equal(status, 204, body)
        status, _, body = server.get("/api/v1/admin/tsdb/clean_tombstones", method="POST")
        equal(status, 204, body)
        left = [k for k in SAMPLES if not 1500 <= k * 15 <= 2000]
        check_samples(server, "after a deletion", left, [k for k in left if k < 300])
        equal(server.api("status/tsdb/blocks")["blocks"][0]["stats"]["numSamples"], 7 * len([k for k in left if k < 300]), "samples left")


if __name__ == "__main__":
    main(globals())
