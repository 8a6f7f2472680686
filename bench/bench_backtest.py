#!/usr/bin/env python3
"""A backtest of a pack's rules over a history of 30 days: the first run (blocks not yet read) and those behind it, and what they find.

The history is what packs/orfeas asks for: each day one of its incidents, for an hour, so that each alert fires. It is the same on each run.

usage: bench/bench_backtest.py BUILD [--days=30] [--step=15] [--runs=5]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

PACK = pathlib.Path(__file__).resolve().parent.parent / "packs" / "orfeas"
END = 1767225600  # 2026-01-01T00:00:00Z
DAY, INCIDENT = 86_400, 3_600
OWN = 'job="orfeas-backend",instance="studio:5000"'
BOUNDS = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "120", "+Inf"]
INCIDENTS = ["down", "errors", "slow", "processor", "memory", "rejections", "failures", "disk"]


def there(incident, second):
    """Whether that incident lasts: noon to one o'clock, a kind each day."""
    day, rest = divmod(second, DAY)
    return INCIDENTS[day % len(INCIDENTS)] == incident and 0 <= rest - DAY // 2 < INCIDENT


def counters():
    """(name, labels, usual, more during the incident, incident)"""
    for kind in ("timeout", "io", "model"):
        yield "errors_total", f'type="{kind}"', 0.001, 1.2, "errors"
    for method, status in (("GET", 200), ("POST", 200), ("POST", 500), ("GET", 404)):
        yield "http_requests_total", f'method="{method}",status="{status}"', 2.5, 0, None
    for place, bound in enumerate(BOUNDS):
        yield "http_request_duration_seconds_bucket", f'le="{bound}"', min(place, 5) * 0.2, 40 if place > 9 else 0, "slow"
    for stage in ("load", "segment", "mesh", "texture", "export"):
        yield "pipeline_stage_duration_seconds_sum", f'stage="{stage}"', 0.8, 0, None
        yield "pipeline_stage_duration_seconds_count", f'stage="{stage}"', 0.1, 0, None
    yield "rate_limit_rejections_total", "", 0.01, 15, "rejections"
    yield "successful_generations_total", "", 0.2, 0, None
    yield "failed_generations_total", "", 0.001, 0.3, "failures"
    for cache in ("prompt", "mesh"):
        yield "cache_hits_total", f'cache_type="{cache}"', 0.7, 0, None
        yield "cache_misses_total", f'cache_type="{cache}"', 0.3, 0, None


def gauges():
    """(name, labels, usual, during the incident, incident)"""
    yield "up", "", 1, 0, "down"
    for core in range(4):
        yield "cpu_usage_percent", f'core="{core}"', 35 + core, 97, "processor"
    yield "memory_usage_bytes", 'type="used"', 20e9, 62e9, "memory"
    yield "memory_usage_bytes", 'type="total"', 64e9, 64e9, None
    yield "disk_usage_bytes", 'path="/",type="free"', 400e9, 50e9, "disk"
    yield "disk_usage_bytes", 'path="/",type="total"', 1e12, 1e12, None


def values(kind, usual, bad, incident, args):
    """One value a step."""
    total = 0
    for second in range(0, args.days * DAY + 1, args.step):
        lasts = there(incident, second)
        if kind == "gauge":
            yield bad if lasts else usual
            continue
        total += (usual + bad * lasts) * args.step
        yield round(total, 3)


def history(args):
    """OpenMetrics text, and how many series it has."""
    begin = END - args.days * DAY
    lines, series, family = [], 0, None
    for table, kind in ((counters(), "counter"), (gauges(), "gauge")):
        for name, labels, usual, bad, incident in table:
            if name != family:
                total = name.endswith("_total")
                lines.append(f"# TYPE {name.removesuffix('_total')} {kind if total or kind == 'gauge' else 'unknown'}\n")
                family = name
            series += 1
            head = f"{name}{{{OWN}{',' if labels else ''}{labels}}}"
            lines += [f"{head} {value!r} {begin + step * args.step}\n"
                      for step, value in enumerate(values(kind, usual, bad, incident, args))]
    return "".join(lines) + "# EOF\n", series


def backtest(binary, data, days):
    """Seconds, and what it answered."""
    begin = time.monotonic()
    done = subprocess.run([binary, "backtest", "--json", f"--from={days}d", f"--to={END}", f"--storage.tsdb.path={data}",
                           f"--alertmanager.config.file={PACK / 'alertmanager.yml'}", *sorted((PACK / "rules").glob("*.yml"))],
                          capture_output=True, text=True, timeout=300, check=True)
    return time.monotonic() - begin, json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--step", type=int, default=15)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    binary = args.build / "barograph"
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        text, series = history(args)
        (work / "in.om").write_text(text)
        subprocess.run([binary, "tsdb", "create-blocks-from", "openmetrics", work / "in.om", work / "data"], check=True, timeout=600,
                       stdout=subprocess.DEVNULL)
        took = []
        for _ in range(args.runs):
            seconds, answer = backtest(binary, work / "data", args.days)
            took.append(seconds)
    answer = answer.get("data", answer)
    fired = {alert["labels"]["alertname"] for alert in answer["alerts"] if alert["firingAt"]}
    print(f"{args.days} days every {args.step} s, {series} series, {answer['rules']} rules, {answer['evaluations']} evaluations: "
          f"{took[0]:.2f} s the first time, {min(took[1:]):.2f} to {max(took[1:]):.2f} s again; {len(answer['alerts'])} alerts of "
          f"{len(fired)} rules, {len(answer['notifications'])} notifications")


if __name__ == "__main__":
    main()
