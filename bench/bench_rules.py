#!/usr/bin/env python3
"""10,000 rules over 1,000,000 series: whether each group keeps its interval, and what that costs, beside Debian's Prometheus.

The series are 1,000 metrics of 1,000 series each, in ten targets. Each rule asks for a hundred of them, so that an interval's rules ask for
each series once: half of the rules record a sum of rates, half are alerts that do not fire.

usage: bench/bench_rules.py BUILD [--rules=10000] [--series=1000000] [--interval=60] [--rounds=3] [--peer]
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Server, Site, wait_until  # noqa: E402

TARGETS, SERIES_OF_METRIC, GROUP = 10, 1_000, 100


def exposition(target, args, tick):
    metrics = args.series // SERIES_OF_METRIC
    own = SERIES_OF_METRIC // TARGETS
    return "".join(f'metric_{metric}_total{{part="{part % 10}",id="{target}-{part}"}} {tick * (part + 1)}\n'
                   for metric in range(metrics) for part in range(own))


class Targets(Site):
    """Ten targets on one port; what they say grows from round to round, and is made before it is asked for."""

    def __init__(self, args):
        self.interval = args.interval
        self.bodies = [[exposition(target, args, tick) for target in range(TARGETS)] for tick in (1, 2)]
        super().__init__()

    def text(self, path):
        return self.bodies[int(time.time()) // self.interval % 2][int(path.rsplit("/", 1)[1])]


def rules(args):
    metrics = args.series // SERIES_OF_METRIC
    groups = []
    for first in range(0, args.rules, GROUP):
        group = []
        for number in range(first, min(first + GROUP, args.rules)):
            selector = f'metric_{number // 10 % metrics}_total{{part="{number % 10}"}}'
            group.append({"record": f"rule:{number}:rate", "expr": f"sum(rate({selector}[{3 * args.interval}s]))"} if number % 2 else
                         {"alert": f"Rule{number}", "expr": f"max(rate({selector}[{3 * args.interval}s])) > 1e9", "for": "5m"})
        groups.append({"name": f"group-{first // GROUP}", "interval": f"{args.interval}s", "rules": group})
    return json.dumps({"groups": groups})


def measure(name, binary, args, address):
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        (work / "rules.json").write_text(rules(args))
        targets = [{"targets": [address], "labels": {"__metrics_path__": f"/{target}", "instance": str(target)}} for target in range(TARGETS)]
        config = {"global": {"scrape_interval": f"{args.interval}s", "scrape_timeout": f"{args.interval}s", "evaluation_interval": f"{args.interval}s"},
                  "rule_files": [str(work / "rules.json")], "scrape_configs": [{"job_name": "app", "static_configs": targets}]}
        with Server(binary, work, json.dumps(config)) as server:
            server.wait_ready()
            wait_until("all series", lambda: server.query("sum(scrape_samples_scraped)").get((), 0) >= args.series, 10 * args.interval, 1)
            time.sleep(2 * args.interval)
            begin, cpu = time.monotonic(), server.program.cpu_seconds()
            time.sleep(args.rounds * args.interval)
            cpu = (server.program.cpu_seconds() - cpu) / (time.monotonic() - begin)
            groups = server.api("rules")["groups"]
            took = sorted(group["evaluationTime"] for group in groups)
            unhealthy = sum(rule["health"] != "ok" for group in groups for rule in group["rules"])
            metrics = server.get("/metrics", timeout=60)[2].decode()
            missed, done = (sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines()
                                if line.startswith((f"prometheus_rule_group_iterations_{what}{{", f"prometheus_rule_group_iterations_{what} ")))
                            for what in ("missed_total", "total"))
            recorded = server.query('count({__name__=~"rule:.*"})').get((), 0)
            print(f"{name}: {len(groups)} groups, {args.rules} rules, {args.series} series: a group takes {took[len(took) // 2] * 1000:.1f} ms (median), "
                  f"{took[-1] * 1000:.1f} ms (slowest), all {sum(took):.2f} s of {args.interval} s; iterations {done:.0f}, missed {missed:.0f}; "
                  f"unhealthy rules {unhealthy}, recorded series {recorded:.0f}; {cpu:.2f} cores with scrapes; resident {server.program.resident_bytes() / 1e6:.0f} MB; "
                  f"load {os.getloadavg()[0]:.1f}", flush=True)
            return sum(took)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build")
    options.add_argument("--rules", type=int, default=10_000)
    options.add_argument("--series", type=int, default=1_000_000)
    options.add_argument("--interval", type=int, default=60)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--peer", action="store_true", help="Debian's Prometheus, too")
    args = options.parse_args()
    site = Targets(args)
    ours = measure("barograph", str(pathlib.Path(args.build).resolve() / "barograph"), args, site.address)
    if args.peer and shutil.which("prometheus"):
        theirs = measure("prometheus", shutil.which("prometheus"), args, site.address)
        print(f"evaluation: {theirs / ours:.1f} times Prometheus's speed")
    site.stop()


main()
