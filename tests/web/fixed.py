"""A server with the same data whenever and wherever it runs: what golden pictures and budgets need."""

import datetime
import json
import math
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from weblib import ROOT  # noqa: E402
from barotest import Server, equal  # noqa: E402

BOARDS = ROOT / "tests" / "web" / "fixed"
# 5 January 2026, 08:00 to 12:10 UTC, a sample each 15 s: 1,000 of them.
FIRST_S, STEP_S, COUNT = 1767600000, 15, 1000
TO_MS = (FIRST_S + STEP_S * COUNT) * 1000
LAST_S = FIRST_S + STEP_S * (COUNT - 1)
BOUNDS = ["0.001", "0.0025", "0.005", "0.0075", "0.01", "0.015", "0.025", "0.035", "0.05", "0.075", "0.1", "0.15", "0.25", "0.35", "0.5",
          "0.75", "1", "2.5", "5", "+Inf"]
SERIES = 50
PATHS = ["/", "/cart", "/checkout", "/search"]
HOSTS = ["app-1", "app-2", "app-3"]


class Noise:
    """The same numbers everywhere: a 31-bit linear generator."""

    def __init__(self, seed: int):
        self.state = seed

    def __call__(self) -> float:
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return self.state / 0x7FFFFFFF


def wave(i: int, period: float, shift: float) -> float:
    return math.sin(2 * math.pi * (i / period + shift))


def family(name: str, kind: str, series: dict[str, list[float]]) -> list[str]:
    lines = [f"# TYPE {name} {kind}"]
    for labels, values in series.items():
        sample = f"{name}_total{{{labels}}}" if kind == "counter" else f"{name}{{{labels}}}"
        lines += [f"{sample} {value:.6g} {FIRST_S + i * STEP_S}" for i, value in enumerate(values) if not math.isnan(value)]
    return lines


def counter(increments: list[float]) -> list[float]:
    total, result = 0.0, []
    for one in increments:
        total += round(max(0.0, one))
        result.append(total)
    return result


def histogram(name: str) -> list[str]:
    """Requests whose times move up and down; buckets count on."""
    noise, counts, columns, total, seconds = Noise(7), [0] * len(BOUNDS), [], 0, 0.0
    for i in range(COUNT):
        middle = 6.5 + 3.5 * wave(i, 600, 0.1) + (5 if 700 < i < 740 else 0)
        for k in range(len(BOUNDS)):
            counts[k] += round(60 * math.exp(-((k - middle) / 2.2) ** 2) * (0.7 + 0.6 * noise()))
        total, seconds = sum(counts), seconds + 3 + 2 * noise()
        running, column = 0, []
        for count in counts:
            running += count
            column.append(running)
        columns.append((column, total, seconds))
    lines = [f"# TYPE {name} histogram"]
    for k, bound in enumerate(BOUNDS):
        lines += [f'{name}_bucket{{le="{bound}"}} {column[k]} {FIRST_S + i * STEP_S}' for i, (column, _, _) in enumerate(columns)]
    lines += [f"{name}_count {total} {FIRST_S + i * STEP_S}" for i, (_, total, _) in enumerate(columns)]
    return lines + [f"{name}_sum {seconds:.3f} {FIRST_S + i * STEP_S}" for i, (_, _, seconds) in enumerate(columns)]


def openmetrics() -> str:
    many, requests, state = {}, {}, {}
    for n in range(SERIES):
        noise = Noise(n + 1)
        many[f'series="{n:02d}"'] = [20 + n + 15 * wave(i, 300 + 7 * n, n / 9) + 6 * noise() for i in range(COUNT)]
    for k, path in enumerate(PATHS):
        for code, share in (("200", 1.0), ("500", 0.02 * (k + 1))):
            noise = Noise(100 * k + int(code))
            requests[f'code="{code}",path="{path}"'] = counter([share * (300 - 60 * k) * (1.2 + wave(i, 900, k / 7) + 0.2 * noise()) for i in range(COUNT)])
    for k, host in enumerate(HOSTS):
        state[f'instance="{host}"'] = [0.0 if (i + 130 * k) % 410 < 35 * k else 1.0 for i in range(COUNT)]
    gaps = {'disk="sda"': [math.nan if 300 < i < 420 else 40 + 0.03 * i for i in range(COUNT)]}
    memory = {f'instance="{host}"': [2e9 * (k + 1) + 4e8 * wave(i, 500, k / 3) for i in range(COUNT)] for k, host in enumerate(HOSTS)}
    lines = family("shop_load", "gauge", many) + family("shop_requests", "counter", requests) + family("shop_up", "gauge", state)
    lines += family("shop_disk_used_percent", "gauge", gaps) + family("shop_memory_bytes", "gauge", memory) + histogram("shop_request_seconds")
    return "\n".join([*lines, "# EOF", ""])


# As of "now" of the dashboards; others post them, so that their times are what is said here.
ALERTS = [
    ({"alertname": "QueueGrows", "job": "shop"}, "Orders wait for 12 minutes", 600),
    ({"alertname": "DiskFull", "instance": "app-1"}, "sda of app-1 is full within a day, as it has filled up since midnight", 5400),
    ({"alertname": "CertificateExpires", "instance": "app-2"}, "known, a new one is ordered", 90000),
]
ALERTING = "route: {receiver: nobody, group_by: [alertname]}\nreceivers: [{name: nobody}]\n"
SILENCED = "CertificateExpires"
FAR = "2100-01-01T00:00:00Z"


def stamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def post_alerts(server: Server) -> None:
    """Alerts that fire, and one that is silenced."""
    now = TO_MS / 1000
    silence = {"matchers": [{"name": "alertname", "value": SILENCED, "isRegex": False, "isEqual": True}], "startsAt": stamp(now), "endsAt": FAR,
               "createdBy": "anna", "comment": "known"}
    alerts = [{"labels": labels, "annotations": {"summary": summary}, "startsAt": stamp(now - age), "endsAt": FAR} for labels, summary, age in ALERTS]
    for path, body in (("silences", silence), ("alerts", alerts)):
        status, _, answer = server.get(f"/api/v2/{path}", method="POST", body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        equal(status, 200, answer.decode())


def start_fixed(build: pathlib.Path, work: pathlib.Path) -> Server:
    text, data = work / "fixed.om", work / "fixed-data"
    text.write_text(openmetrics())
    data.mkdir()
    subprocess.run([str(build / "barograph"), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(data)],
                   check=True, timeout=120, stdin=subprocess.DEVNULL)
    boards, alerting = work / "fixed-boards", work / "fixed-alertmanager.yml"
    alerting.write_text(ALERTING)
    shutil.copytree(BOARDS, boards)
    return Server(str(build / "barograph"), work, "global: {scrape_interval: 15s}\n", f"--dashboards.path={boards}", f"--alertmanager.config-file={alerting}",
                  "--storage.tsdb.retention.time=100y", name="fixed", keep_data=True)
