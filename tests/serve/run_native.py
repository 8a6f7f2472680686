#!/usr/bin/env python3
"""Native histograms in blocks that Debian's Prometheus wrote: both programs show the same samples of them."""

import json
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "targets"))
import protobuf as pb  # noqa: E402
from barotest import Server, equal, main, need, wait_until  # noqa: E402
from run_targets import Target  # noqa: E402

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
SCRAPES = 14


class Histograms:
    """A target whose histograms grow, get other buckets, begin anew, and go. No gauge: 2.42 cannot write its chunk."""

    def __init__(self):
        self.turn = 0

    def __call__(self, handler):
        self.turn += 1
        n = self.turn
        growing = [n, 0, 3 * n, n * n, 7]
        wider = growing if n < 6 else [*growing, n]
        resets = [1 + n % 5, 2 + n % 5]
        floats = pb.double(4, 1.5 * n) + pb.double(2, 2.5 * n) + pb.sint(5, -1) + pb.double(6, .25) + pb.double(8, .5 * n) + \
            pb.spans(12, (1, 1), (2, 1)) + pb.double(14, .75 * n) + pb.double(14, .25 * n)
        negative = pb.spans(9, (-2, 1)) + pb.sint(10, 4)
        body = pb.family("h_int", pb.HISTOGRAM,
                         ({"case": "grows"}, pb.histogram(sum(growing) + n, 1.1 * n, pb.native(3, growing, -4, zero=n))),
                         ({"case": "other buckets"}, pb.histogram(sum(wider), n / 3, pb.native(0, wider))),
                         ({"case": "resets"}, pb.histogram(sum(resets), n, pb.native(2, resets, 100))),
                         ({"case": "negative"}, pb.histogram(n + 4, -n, pb.native(0, [n], threshold=.001), negative)),
                         ({"case": "empty"}, pb.histogram(0, 0, pb.native(0, []))))
        body += pb.family("h_float", pb.HISTOGRAM, ({"case": "float"}, floats))
        if n <= 8:
            body += pb.family("h_gone", pb.HISTOGRAM, ({"case": "gone"}, pb.histogram(n, n, pb.native(0, [n]))))
        if n % 2 == 0:
            body += pb.family("mixed", pb.HISTOGRAM, ({}, pb.histogram(n, n, pb.native(0, [n]))))
        else:
            body += pb.family("mixed", pb.GAUGE, ({}, pb.value(n)))
        return 200, {"Content-Type": PROTOBUF}, body


def record(work: pathlib.Path) -> pathlib.Path:
    """A data directory with one block, made by a Prometheus that scraped the histograms."""
    target = Histograms()
    with Target(target) as t:
        text = f"global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}\nscrape_configs: [{{job_name: j, static_configs: [{{targets: ['127.0.0.1:{t.port}']}}]}}]\n"
        with Server(need("prometheus"), work, text, "--enable-feature=native-histograms", "--web.enable-admin-api",
                    name="recorder") as peer:
            peer.wait_ready()
            wait_until("scrapes", lambda: target.turn >= SCRAPES, 40)
            time.sleep(0.2)
            status, _, body = peer.get("/api/v1/admin/tsdb/snapshot", method="POST")
            equal((status, body[:300] if status != 200 else b""), (200, b""), "snapshot")
            name = json.loads(body)["data"]["name"]
            made = work / "made"
            shutil.copytree(next(work.glob(f"**/snapshots/{name}")), made)
    return made


def normal(data: object) -> object:
    """An answer's series by labels; numbers of histograms as numbers, since the two print them in other forms."""
    def number(text):
        return float(text) if isinstance(text, str) else text

    def one(value):
        if isinstance(value, dict):
            buckets = [[b[0], *map(number, b[1:])] for b in value.get("buckets", [])]
            return {"count": number(value["count"]), "sum": number(value["sum"]), "buckets": buckets}
        return value

    def row(series):
        return {key: [[t, one(v)] for t, v in (points if isinstance(points[0], list) else [points])]
                for key, points in series.items() if key != "metric"}

    return {json.dumps(series["metric"], sort_keys=True): row(series) for series in data["result"]}


def test_blocks_of_prometheus(build, work):
    made = record(work)
    now = time.time()
    answers = {}
    # One series at a time: 2.42 mixes up the histograms of several when it answers with ranges.
    series = ["h_float", "h_gone", "mixed", *(f"h_int{{case='{case}'}}" for case in ("grows", "other buckets", "resets", "negative", "empty"))]
    queries = {**{one: f"{one}[{SCRAPES + 30}s]" for one in series}, "at an instant": "{__name__=~'h_(int|float)'} offset 3s",
               "counts": "histogram_count({__name__=~'h_int|h_float'} offset 4s)"}
    for name, binary in (("prometheus", need("prometheus")), ("barograph", str(build / "barograph"))):
        shutil.copytree(made, work / f"{name}-data")
        flags = ["--enable-feature=native-histograms"] if name == "prometheus" else []
        with Server(binary, work, "global: {}\n", "--storage.tsdb.retention.time=100y", *flags, name=name, keep_data=True) as server:
            server.wait_ready()
            answers[name] = {what: normal(server.api("query", query=query, time=f"{now:.3f}")) for what, query in queries.items()}
    samples = [point for one in series for row in answers["prometheus"][one].values() for points in row.values() for point in points]
    print(f"    {len(samples)} samples of {len(series)} series")
    assert len(samples) > 7 * SCRAPES, len(samples)
    for what in queries:
        assert answers["prometheus"][what], what
        equal(answers["barograph"][what], answers["prometheus"][what], what)


if __name__ == "__main__":
    main(globals())
