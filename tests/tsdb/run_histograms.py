#!/usr/bin/env python3
"""Native histograms beside Debian's prometheus, which knows integers and floats but no custom buckets: each opens the data
directory of the other one, after a clean stop and after a kill; both see the same of a service that libbaro instruments.

Usage: tests/tsdb/run_histograms.py BUILD [NAME...]
"""

import concurrent.futures
import importlib.util
import pathlib
import shutil
import signal
import sys
import time
import urllib.parse

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "targets"), str(TESTS / "serve"), str(TESTS / "client"), str(TESTS / "tsdb")]
from barotest import Server, equal, main, need, wait_until  # noqa: E402
from protobuf import varint_read  # noqa: E402
from run_native import Histograms, normal  # noqa: E402
from run_targets import Target  # noqa: E402
from run_tsdb import BLOCKS, KEEP, QUIET, blocks_of, check_promtool  # noqa: E402

STALE = bytes.fromhex("020000000000f07f")
SERIES = ["h_float", "h_gone", "mixed", *(f"h_int{{case='{case}'}}" for case in ("grows", "other buckets", "resets", "negative", "empty"))]


def config(port: int, ours: bool, more: str = "") -> str:
    native = "scrape_native_histograms: true, " if ours else ""
    return (f"global: {{{native}scrape_interval: 200ms, scrape_timeout: 200ms}}\n"
            f"scrape_configs: [{{job_name: j, {more}static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n")


def run(binary: str, work: pathlib.Path, text: str, *, name: str, keep: bool = True) -> Server:
    flags = [] if binary.endswith("barograph") else ["--enable-feature=native-histograms"]
    server = Server(binary, work, text, KEEP, *BLOCKS, *flags, name=name, keep_data=keep)
    server.wait_ready()
    return server


def raw(server: Server, end: float, seconds: int) -> dict[str, dict]:
    """Every sample, one series at a time: 2.42 mixes up the histograms of several when it answers with ranges."""
    return {one: normal(server.api("query", query=f"{one}[{seconds}s]", time=f"{end:.3f}")) for one in SERIES}


def points(answer: dict) -> list:
    """Floats and histograms of one series, by time."""
    return sorted((point for row in answer.values() for points in row.values() for point in points), key=lambda p: p[0])


def compare(a: dict, b: dict, what: str) -> None:
    for one in SERIES:
        assert points(a[one]), (what, one)
        equal(points(a[one]), points(b[one]), f"{what}: {one}")


def begins_with(found: dict, before: dict, what: str) -> None:
    for one in SERIES:
        want = points(before[one])
        equal(points(found[one])[:len(want)], want, f"{what}: {one}")


def fields(raw: bytes) -> list[tuple[int, object]]:
    """The fields of a protobuf message: numbers, and bytes of what has a length or eight bytes."""
    at, found = 0, []
    while at < len(raw):
        key, at = varint_read(raw, at)
        size = {0: 0, 1: 8, 2: None}[key & 7]
        if size == 0:
            n, at = varint_read(raw, at)
            found.append((key >> 3, n))
            continue
        if size is None:
            size, at = varint_read(raw, at)
        found.append((key >> 3, raw[at:at + size]))
        at += size
    return found


def federated(server: Server) -> bytes:
    status, headers, body = server.get("/federate?match[]=" + urllib.parse.quote('{__name__=~"h_.*|mixed"}'), headers={
        "Accept": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"})
    equal((status, headers["content-type"].split(";")[0]), (200, "application/vnd.google.protobuf"), "/federate")
    return body


def families(body: bytes) -> dict[tuple[str, int], list]:
    """Name and type: the metrics, their fields sorted where their order tells nothing."""
    found: dict[tuple[str, int], list] = {}
    while body:
        size, at = varint_read(body, 0)
        parts = fields(body[at:at + size])
        body = body[at + size:]
        key = (dict(parts)[1].decode(), dict(parts)[3])
        metrics = [sorted((n, sorted(fields(v), key=lambda f: f[0]) if n in (1, 5, 7) else v) for n, v in fields(m)) for k, m in parts if k == 4]
        # 2.42 lets stale markers of histograms through, which 3 does not.
        metrics = [metric for metric in metrics if (2, STALE) not in dict(metric).get(7, [])]
        if metrics:
            found[key] = sorted([*found.get(key, []), *metrics], key=str)
    return found


def there_and_back(work: pathlib.Path, first: str, second: str, how: int) -> int:
    answer = Histograms()
    with Target(answer) as target:
        writer = run(first, work, config(target.port, first.endswith("barograph")), name="a", keep=False)
        wait_until("a block", lambda: answer.turn >= 30 and blocks_of(writer.data), 60)
        end = time.time()
        before = raw(writer, end, 60)
        writer.stop(how)
        shutil.copytree(writer.data, work / "b-data")
        again, other = run(first, work, QUIET, name="a"), run(second, work, QUIET, name="b")
        ours, theirs = raw(again, end, 60), raw(other, end, 60)
        compare(ours, theirs, "the same directory")
        answers = [families(federated(server)) for server in (again, other)]
        equal(sorted(answers[0]), sorted(answers[1]), "the families of /federate")
        for key, metrics in answers[1].items():
            equal(answers[0][key], metrics, f"/federate: {key}")
        # A clean stop may have ended the series with stale markers; what was killed did not.
        if how == signal.SIGKILL and first.endswith("barograph"):
            equal(any(kind == 4 for _, kind in answers[0]), True, "histograms in /federate")
        begins_with(theirs, before, "after the change of programs")
        again.stop()
        other.stop()
        begin, made = answer.turn, len(blocks_of(work / "b-data"))
        follower = run(second, work, config(target.port, second.endswith("barograph")), name="b")
        wait_until("another block", lambda: answer.turn >= begin + 20 and len(blocks_of(follower.data)) > made, 60)
        begins_with(raw(follower, end, 60), before, "after the other program went on")
        end = time.time()
        seen = raw(follower, end, 120)
        follower.stop()
        back = run(first, work, QUIET, name="b")
        begins_with(raw(back, end, 120), seen, "after the way back")
        back.stop()
    check_promtool(work / "a-data")
    check_promtool(work / "b-data")
    return sum(len(points(row)) for row in seen.values())


def test_both_programs_open_the_other_ones(build, work):
    ours, theirs = str(build / "barograph"), need("prometheus")
    cases = {"ours": (ours, theirs, signal.SIGTERM), "ours-killed": (ours, theirs, signal.SIGKILL),
             "theirs": (theirs, ours, signal.SIGTERM), "theirs-killed": (theirs, ours, signal.SIGKILL)}

    def one(name: str) -> int:
        (work / name).mkdir()
        try:
            return there_and_back(work / name, *cases[name])
        except Exception as error:
            logs = [f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in (work / name).glob("*.log")]
            raise RuntimeError("\n".join([f"{name}: {error}", *logs])) from error

    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        counts = list(pool.map(one, cases))
    print(f"    {counts} samples")


class Classic:
    """A classic histogram and a gauge, in text."""

    def __init__(self):
        self.turn = 0

    def __call__(self, handler):
        self.turn += 1
        n = self.turn
        body = (f'# TYPE c histogram\nc_bucket{{le="0.57"}} {n}\nc_bucket{{le="1"}} {2 * n}\nc_bucket{{le="+Inf"}} {2 * n + n // 3}\n'
                f"c_sum {n * 1.5}\nc_count {2 * n + n // 3}\n# TYPE g gauge\ng {n}\n")
        return 200, {"Content-Type": "text/plain; version=0.0.4"}, body.encode()


def test_custom_buckets_last(build, work):
    """Classic histograms that become native ones: the same from the head, after a kill, and from blocks."""
    answer = Classic()
    with Target(answer) as target:
        text = config(target.port, True, "convert_classic_histograms_to_nhcb: true, ")
        ours = run(str(build / "barograph"), work, text, name="a", keep=False)
        wait_until("a block", lambda: answer.turn >= 30 and blocks_of(ours.data), 60)
        end = time.time()
        before = points(normal(ours.api("query", query="c[60s]", time=f"{end:.3f}")))
        ours.stop(signal.SIGKILL)
    assert len(before) >= 20, len(before)
    for at, histogram in before:
        n = histogram["sum"] / 1.5
        equal(histogram["count"], 2 * n + n // 3, f"count at {at}")
        equal([bucket[3] for bucket in histogram["buckets"]], [n, n, *([n // 3] if n >= 3 else [])], f"buckets at {at}")
        equal([bucket[2] for bucket in histogram["buckets"]][:2], [0.57, 1], f"bounds at {at}")
    again = run(str(build / "barograph"), work, QUIET, name="a")
    equal(points(normal(again.api("query", query="c[60s]", time=f"{end:.3f}")))[:len(before)], before, "after the kill")
    again.stop()


def test_libbaro_in_both_programs(build, work):
    """The native histogram of a program that libbaro instruments: both scrape it by protobuf and agree on it."""
    spec = importlib.util.spec_from_file_location("run_client", TESTS / "client" / "run_client.py")
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    with client.Serving([client.demo(build, work), "serve", "127.0.0.1:0"]) as program:
        ours = run(str(build / "barograph"), work, config(program.port, True), name="ours", keep=False)
        theirs = run(need("prometheus"), work, config(program.port, False), name="theirs", keep=False)
        answers = {}
        for name, server in (("ours", ours), ("theirs", theirs)):
            wait_until(f"{name}: a scrape", lambda server=server: server.query("histogram_count(demo_both_seconds)"), 60)
            # Quantiles differ: 2.42 interpolates linearly within a bucket, 3.0 and later exponentially.
            answers[name] = [normal(server.api("query", query=query)) for query in (
                "demo_both_seconds", "histogram_count(demo_both_seconds)", "histogram_sum(demo_both_seconds)",
                "histogram_fraction(-Inf, +Inf, demo_both_seconds)")]
        ours.stop()
        theirs.stop()
    for ours, theirs in zip(answers["ours"], answers["theirs"], strict=True):
        strip = lambda rows: [point[1] for row in rows.values() for points in row.values() for point in points]
        assert strip(ours), ours
        equal(strip(ours), strip(theirs), "of one instance")


if __name__ == "__main__":
    main(globals())
