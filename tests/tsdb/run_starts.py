#!/usr/bin/env python3
"""A data directory that Prometheus 3.16 wrote with --enable-feature=st-storage: XOR2 chunks and histograms with start
timestamps, in a block, in chunks_head and in the WAL (records of samples with start timestamps).

prometheus-3.16-starts.tar.gz was made with Prometheus's package tsdb (EnableSTStorage, XOR2, EnableHistogramSTEncoding): every
15 s from 1767600000 on, samples 0 to 299 and 480 to 739 of the seven series that `rows` below computes; then the first two hours
became a block. The zeros at the end of chunks_head/000001 were cut off.

Usage: tests/tsdb/run_starts.py BUILD [NAME...]
"""

import json
import math
import pathlib
import signal
import subprocess
import sys
import tarfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "targets"), str(TESTS / "tsdb")]
import protobuf as pb  # noqa: E402
from barotest import Server, contains, equal, main, wait_until  # noqa: E402
from run_targets import Target  # noqa: E402
from run_tsdb import blocks_of  # noqa: E402

MADE = pathlib.Path(__file__).resolve().parent / "prometheus-3.16-starts.tar.gz"
BLOCKS = ("--storage.tsdb.min-block-duration=2s", "--storage.tsdb.max-block-duration=2s")
BEGIN = 1767600000
SAMPLES = [*range(0, 300), *range(480, 740)]
FEATURES = "--enable-feature=use-start-timestamps,promql-experimental-functions"
FLAGS = ("--storage.tsdb.retention.time=100y", FEATURES,
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


def histogram(b: int) -> str:
    """The histograms of sample k, b = k % 100."""
    buckets = f", (0.5,0.7071067811865475]:{b}, (0.7071067811865475,1]:{2 * b}" if b else ""
    return f"{{count:{1 + 4 * b}, sum:{1.5 * b:g}, [-0.001,0.001]:{1 + b}{buckets}}}"


def extract(work: pathlib.Path, name: str) -> None:
    with tarfile.open(MADE) as tar:
        tar.extractall(work / name)


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"{command}: {done.stderr[-500:]}")
    return done.stdout


def encodings(data: pathlib.Path) -> set[int]:
    """The encodings of all chunks in blocks: behind eight bytes each is a uvarint, the encoding, so many bytes, and a checksum."""
    found = set()
    for path in data.glob("0*/chunks/0*"):
        raw = path.read_bytes()
        at = 8
        while at < len(raw):
            size = shift = 0
            while True:
                size |= (raw[at] & 0x7f) << shift
                shift += 7
                at += 1
                if raw[at - 1] < 0x80:
                    break
            found.add(raw[at])
            at += 1 + size + 4
    return found


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
    # As promtool 3.16 prints them (2.42 prints no histograms).
    for name in ("hist", "fhist", "plainhist"):
        lines = run(program, "tsdb", "dump", f"--match={name}", work / "made").splitlines()
        want = [f'{{__name__="{name}", job="j"}} {histogram(k % 100)} {(BEGIN + k * 15) * 1000}' for k in SAMPLES]
        equal([pair for pair in zip(lines, want, strict=True) if pair[0] != pair[1]][:2], [], f"dump of {name}")
    text = run(program, "tsdb", "dump-openmetrics", "--match=gauge", work / "made")
    equal(len(text.splitlines()), len(SAMPLES) + 1, "dump-openmetrics")


def test_queries_see_starts_of_others(build, work):
    extract(work, "a-data")
    with Server(str(build / "barograph"), work, QUIET, *FLAGS, name="a", keep_data=True) as server:
        server.wait_ready()
        check_samples(server, "as it was made", SAMPLES, SAMPLES)
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
        check_samples(server, "after a deletion", left, left)
        equal(server.api("status/tsdb/blocks")["blocks"][0]["stats"]["numSamples"], 7 * len([k for k in left if k < 300]), "samples left")


class Counters:
    """Counters and a native histogram that began at known times, in either format that tells of it."""

    def __init__(self):
        self.turn = 0
        self.accepted = ""

    def __call__(self, handler) -> tuple[int, dict[str, str], bytes]:
        self.turn += 1
        self.accepted = handler.headers["Accept"]
        if "/om" in handler.path:
            return 200, {"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}, (
                f"# TYPE c counter\nc_total {self.turn}\nc_created 1767600000.25\n# TYPE g gauge\ng 1\n# EOF\n").encode()
        begun = pb.timestamp(3, 1767600000.25)
        body = pb.family("c_total", pb.COUNTER, ({}, pb.value(self.turn, begun))) + pb.family("g", pb.GAUGE, ({}, pb.value(1)))
        body += pb.family("h", pb.HISTOGRAM, ({}, pb.histogram(self.turn, 1, pb.native(0, [self.turn]), pb.timestamp(15, 1767600001))))
        return 200, {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}, body


def starts_seen(server: Server) -> dict[tuple[str, str], set[float]]:
    """The start timestamps of all samples so far, by job and metric."""
    seen: dict[tuple[str, str], set[float]] = {}
    for name in ("c_total", "g", "h"):
        for row in server.api("query", query=f"start_timestamp({name})")["result"]:
            seen.setdefault((row["metric"]["job"], name), set()).add(float(row["value"][1]))
        for row in server.api("query", query=f"max_over_time(start_timestamp({name})[1m:200ms])")["result"]:
            seen.setdefault((row["metric"]["job"], name), set()).add(float(row["value"][1]))
        for row in server.api("query", query=f"min_over_time(start_timestamp({name})[1m:200ms])")["result"]:
            seen.setdefault((row["metric"]["job"], name), set()).add(float(row["value"][1]))
    return seen


WANTED = {("proto", "c_total"): {1767600000.25}, ("proto", "g"): {0.0}, ("proto", "h"): {1767600001.0},
          ("om", "c_total"): {1767600000.25}, ("om", "g"): {0.0}}


def test_scrapes_keep_starts(build, work):
    """From the scrape to the log, the head, blocks, and back after a stop and a kill."""
    answer = Counters()
    program = str(build / "barograph")
    with Target(answer) as target:
        config = "global: {scrape_interval: 200ms, scrape_timeout: 200ms, scrape_native_histograms: true}\nscrape_configs:\n" + "".join(
            f"- {{job_name: {name}, metrics_path: /{name}, static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}\n" for name in ("proto", "om"))
        flags = [*BLOCKS, FEATURES + ",st-storage"]
        with Server(program, work, config, *flags, name="b") as server:
            server.wait_ready()
            wait_until("a block", lambda: answer.turn >= 10 and len(blocks_of(server.data)) > 0, 60)
            equal(answer.accepted.startswith("application/vnd.google.protobuf"), True, answer.accepted)
            equal(starts_seen(server), WANTED, "while it runs")
            equal("c_created" in server.api("label/__name__/values"), False, "_created is no series")
        for how in (signal.SIGTERM, signal.SIGKILL):
            server = Server(program, work, QUIET, *flags, name="b", keep_data=True)
            server.wait_ready()
            equal(starts_seen(server), WANTED, "after a start")
            server.stop(how)
        contains(run(program, "tsdb", "verify", work / "b-data"), "good: every checksum holds", "verify")
        # Without the feature what is stored stays readable, and nothing new is kept.
        with Server(program, work, config, *BLOCKS, FEATURES, name="b", keep_data=True) as server:
            server.wait_ready()
            wait_until("no start", lambda: [*server.query("start_timestamp(c_total{job='proto'})").values()] == [0.0], 60)
            equal(server.query("max_over_time(start_timestamp(c_total{job='proto'})[1m:200ms])"),
                  {(("instance", f"127.0.0.1:{target.port}"), ("job", "proto")): 1767600000.25}, "the earlier ones")


def test_xor_cannot_store_starts(build, work):
    config = work / "c.yml"
    for encoding, wants in (("xor2", ""), ("xor", 'float chunk encoding "xor" is incompatible with start-timestamp storage')):
        config.write_text(f"storage: {{tsdb: {{chunk_encoding: {{floats: {encoding}}}}}}}\n")
        if wants:
            done = subprocess.run([str(build / "barograph"), f"--config.file={config}", f"--storage.tsdb.path={work / 'd'}",
                                   "--web.listen-address=127.0.0.1:0", "--enable-feature=st-storage"], capture_output=True, text=True, timeout=60)
            equal(done.returncode != 0 and wants in done.stderr, True, done.stderr[-500:])
        else:
            with Server(str(build / "barograph"), work, config.read_text(), "--enable-feature=st-storage", name="c") as server:
                server.wait_ready()


def test_encodings_on_request(build, work):
    """XOR2 for floats by the file, which a reload changes; the features that Prometheus has for it are taken too."""
    text = "global: {scrape_interval: 100ms}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:9']}]}]\n"
    wish = "storage: {tsdb: {chunk_encoding: {floats: xor2}}}\n"
    with Server(str(build / "barograph"), work, text + wish, "--enable-feature=xor2-encoding,histograms-st-encoding", "--web.enable-lifecycle",
                "--web.enable-admin-api", name="e") as server:
        server.wait_ready()
        wait_until("a sample", lambda: len(server.query("up")) > 0)
        for config, wanted in ((text + wish, 4), (text + wish.replace("xor2", "xor"), 1), (text, 4)):
            server.config.write_text(config)
            equal(server.get("/-/reload", method="POST")[0], 200, "reload")
            name = json.loads(server.get("/api/v1/admin/tsdb/snapshot", method="POST")[2])["data"]["name"]
            equal(encodings(server.data / "snapshots" / name), {wanted}, "a block of the head")
        equal(len(server.api("query", query="up[1h]")["result"]), 1, "a query")


if __name__ == "__main__":
    main(globals())
