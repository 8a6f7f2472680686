#!/usr/bin/env python3
"""One query over 250,000 series of the head, `sum by (x) (rate(m_total[1m]))`, beside Debian's Prometheus, which scrapes them and sends them on.

Both have the same samples, so the answers must be the same. They are asked in turn; what is told is the median time until the last byte, and
the processor time for an answer.

usage: bench/bench_wide_query.py BUILD [--series=250000] [--targets=50] [--times=10]
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Server, Site, need, wait_until  # noqa: E402

INTERVAL_S, WINDOW_S = 10, 60
EXPR = f"sum by (x) (rate(m_total[{WINDOW_S}s]))"


class Targets(Site):
    """/N/metrics: counters that grow by a different step each, every interval. Sums of whole numbers do not depend on their order."""

    def __init__(self, series: int):
        self.series = series
        super().__init__()

    def text(self, path: str) -> str:
        tick = int(time.time()) // INTERVAL_S
        return "".join(f'm_total{{x="{i % 10}",id="{i}"}} {tick % 100_000 * (i % 97 + 1)}\n' for i in range(self.series))


def ask(server: Server, at: int) -> tuple[float, dict]:
    """(seconds, {x: rate})."""
    begin = time.perf_counter()
    body = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": EXPR, "time": at}), timeout=120)[2]
    took = time.perf_counter() - begin
    return took, {row["metric"]["x"]: float(row["value"][1]) for row in json.loads(body)["data"]["result"]}


def measure(servers: dict[str, Server], times: int, at: int) -> None:
    figures = {}
    answers = {name: ask(server, at)[1] for name, server in servers.items()}
    took: dict[str, list[float]] = {name: [] for name in servers}
    cpu = dict.fromkeys(servers, 0.0)
    for _ in range(times):
        for name, server in servers.items():
            before = server.program.cpu_seconds()
            took[name].append(ask(server, at)[0])
            cpu[name] += server.program.cpu_seconds() - before
    for name in servers:
        figures[name] = statistics.median(took[name]) * 1000, cpu[name] / times * 1000
        print(f"{name}: {figures[name][0]:.1f} ms (median of {times}), {figures[name][1]:.1f} ms of processor time, {len(answers[name])} groups")
    theirs, ours = (figures[name] for name in ("prometheus", "barograph"))
    worst = max((abs(answers["barograph"].get(x, 0) - value) / value for x, value in answers["prometheus"].items()), default=1)
    print(f"ratio: {ours[0] / theirs[0]:.3f} (median), {ours[1] / theirs[1]:.3f} (processor time); answers differ by {worst:.1g} at most; load {os.getloadavg()[0]:.1f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--series", type=int, default=250_000)
    options.add_argument("--targets", type=int, default=50)
    options.add_argument("--times", type=int, default=10)
    args = options.parse_args()
    site = Targets(args.series // args.targets)
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        with Server(str(args.build.resolve() / "barograph"), work, "global: {}\n", "--web.enable-remote-write-receiver") as ours:
            ours.wait_ready()
            targets = [{"targets": [site.address], "labels": {"__metrics_path__": f"/{i}/metrics", "instance": str(i)}}
                       for i in range(args.targets)]
            config = {"global": {"scrape_interval": f"{INTERVAL_S}s"}, "scrape_configs": [{"job_name": "wide", "static_configs": targets}],
                      "remote_write": [{"url": f"http://127.0.0.1:{ours.port}/api/v1/write"}]}
            with Server(need("prometheus"), work, json.dumps(config), name="peer") as theirs:
                theirs.wait_ready()
                begin = int(time.time())
                at = begin + INTERVAL_S * 2 + WINDOW_S
                count = f"count(count_over_time(m_total[{WINDOW_S}s]) >= {WINDOW_S // INTERVAL_S - 1})"
                time.sleep(at + INTERVAL_S - time.time())
                for server in (theirs, ours):
                    wait_until("all samples", lambda: server.query(count, at).get((), 0) == args.series, 120, 1)
                # Else scraping and sending go on beside half of the answers. What has ended is marked and sent once.
                site.stop()
                time.sleep(INTERVAL_S * 2)
                measure({"prometheus": theirs, "barograph": ours}, args.times, at)


main()
