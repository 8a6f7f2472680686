#!/usr/bin/env python3
"""Random expressions over one history, put to a live Prometheus and to barograph: the answers agree bit for bit.

Usage: run_differential.py BUILD [--count=N] [--seed=S] [--report=FILE]

Debian's Prometheus is 2.42. What 3.x answers differently on purpose is listed in EXPLAINED, and nothing else may differ.
"""

import http.client
import json
import math
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, main, need  # noqa: E402
from expressions import Expr, Generator  # noqa: E402

START, STEP, COUNT = 1_700_006_400, 15, 470  # within one block of two hours
END = START + STEP * COUNT
OPTIONS = dict(arg[2:].split("=", 1) for arg in sys.argv[1:] if arg.startswith("--") and "=" in arg)
sys.argv = [arg for arg in sys.argv if not arg.startswith("--")]
TOTAL = int(OPTIONS.get("count", 10_000))
SEED = int(OPTIONS.get("seed", 1))
SHOWN = 40  # differences that are printed
AGAIN = 50  # how often Prometheus is asked once more

# Where 3.x answers otherwise than 2.42, on purpose.
EXPLAINED = (
    "sum(), avg() and avg_over_time() are compensated, stddev() and stdvar() take series in another order: values agree to 1e-9",
    "Go's and C's mathematical functions round differently in the last place: values agree to 1e-9",
    "where such a value was compared, rounded or counted, a point may be there or not",
    "atan2 between a vector and a scalar drops the metric name",
    "stddev() and stdvar() of one NaN or infinite value are NaN, not 0: they are not generated",
    "quantile() and quantile_over_time() beside an infinite value are NaN, as before 3.16: they are not generated",
    "a comparison that filters does not hide that several series match one",
    "which of equal values topk() and bottomk() keep: the heap is another one, and what it is fed comes in random order in 2.42",
    "a sum of -0 is 0",
    "where topk() or bottomk() kept others of equal values, these may have partners where those had none or several",
    "a compensated sum that overflows is infinite, where 2.42 makes it NaN; a line through infinite values likewise",
    "2.42 puts what an operator made into random order, so that max() and min() of 0 and -0 are now the one, now the other: asked again, it agrees",
    "predict_linear(... @ ...) and timestamp(... @ ... offset ...) are computed once, or without offset, by 2.42: not generated",
    "a counter near zero behind a gap is stretched less far back: rate() and increase() of such series are not generated",
    "values of a number that is close to 0 after cancellation: they agree to 1e-9 of the operands",
    "texts of errors: the status and the type of the error agree",
)


def times(begin: int = 0, end: int = COUNT, every: int = 1):
    """Never on a whole second: 2.x counts the left border of a range in, 3.x does not, so no sample lies on one."""
    return (f"{START + STEP * i}.137" for i in range(begin, end, every))


def history(seed: int) -> str:
    """OpenMetrics text. Values are small multiples of 1/8, so that sums do not depend on their order."""
    rng, out = random.Random(seed), ["# TYPE c counter"]
    for job in ("api", "web"):
        for inst in ("a:1", "b:1", "c:1"):
            for code in ("200", "404", "500"):
                value, rate = 1000.0, {"200": 40, "404": 3, "500": 0.2}[code]
                for i, t in enumerate(times()):
                    value = 0.0 if inst == "b:1" and i % 150 == 149 else value + int(rng.expovariate(1 / rate))
                    out.append(f'c_total{{job="{job}",inst="{inst}",code="{code}"}} {value!r} {t}')
    out.append("# TYPE g gauge")
    for room, floor, every, begin, end in (("hall", "0", 1, 0, COUNT), ("cellar", "0", 1, 0, COUNT), ("küche", "1", 1, 0, COUNT),
                                           ("short", "1", 1, 100, 220), ("rare", "1", 30, 0, COUNT)):
        for t in times(begin, end, every):
            out.append(f'g{{room="{room}",floor="{floor}"}} {rng.randrange(-800, 800) / 8!r} {t}')
    out.append("# TYPE odd gauge")
    for kind, special in (("nan", "NaN"), ("inf", "+Inf"), ("zero", "0"), ("flip", "-1")):
        for i, t in enumerate(times()):
            out.append(f'odd{{kind="{kind}"}} {special if i % 7 == 3 or kind == "zero" else rng.randrange(8)} {t}')
    out.append("# TYPE build gauge")
    for inst, version in (("a:1", "1.2"), ("b:1", "1.2"), ("c:1", "1.10")):
        out.extend(f'build{{inst="{inst}",version="{version}"}} 1 {t}' for t in times())
    out.append("# TYPE gap gauge")
    for n in ("1", "2"):
        out.extend(f'gap{{n="{n}"}} {i} {t}' for i, t in enumerate(times()) if i // 40 % 2 == int(n) - 1)
    latencies(rng, out)
    return "\n".join(out + ["# EOF", ""])


# A counter that begins near zero, with a gap before, is stretched less far back by 3.x than by 2.42, so none does here.
def latencies(rng: random.Random, out: list[str]) -> None:
    bounds = (0.1, 0.5, 1.0, 5.0, float("inf"))
    out.append("# TYPE h histogram")
    for path in ("/", "/api", "/never"):
        counts = [0 if path == "/never" else 500 * (i + 1) for i in range(len(bounds))]
        total = float(counts[-1])
        for t in times():
            for _ in range(0 if path == "/never" else rng.randrange(6)):
                value = rng.randrange(1, 64) / 8
                total += value
                for i, bound in enumerate(bounds):
                    counts[i] += value <= bound
            for bound, count in zip(bounds, counts):
                le = "+Inf" if bound == float("inf") else repr(bound)
                out.append(f'h_bucket{{path="{path}",le="{le}"}} {count} {t}')
            out.append(f'h_sum{{path="{path}"}} {total!r} {t}')
            out.append(f'h_count{{path="{path}"}} {counts[-1]} {t}')


class Asker:
    """A kept-alive connection: send() and receive() apart, so that both servers work at once."""

    def __init__(self, server: Server):
        self.conn = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def send(self, url: str) -> None:
        self.conn.request("GET", url)

    def receive(self) -> bytes:
        return self.conn.getresponse().read()


def question(rng: random.Random, expr: Expr) -> str:
    """Half a minute off every whole minute, so that no border of a subquery lies on one of its steps."""
    at = START + rng.randrange(300, COUNT * STEP) // 60 * 60 + 28
    if rng.random() < 0.6:
        return "/api/v1/query?" + urllib.parse.urlencode({"query": expr.text, "time": at})
    step = rng.choice((60, 120, 420))
    return "/api/v1/query_range?" + urllib.parse.urlencode(
        {"query": expr.text, "start": at, "end": at + step * rng.randrange(12), "step": step})


def points(data: dict) -> dict:
    """{(labels, time): value text}"""
    if data["resultType"] in ("scalar", "string"):
        return {((), data["result"][0]): data["result"][1]}
    found = {}
    for row in data["result"]:
        key = tuple(sorted(row["metric"].items()))
        for t, v in row.get("values") or [row["value"]]:
            if (key, t) in found:
                raise AssertionError(f"twice: {key} at {t}")
            found[key, t] = v
    return found


def close(a: str, b: str) -> bool:
    x, y = float(a), float(b)
    return (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)


SUM = re.compile(r"\bsum\b")
COMPENSATED = re.compile(r"\b(sum|avg|stddev|stdvar)(_over_time)?\b")
MATCHING = re.compile("duplicate series for the match group|multiple matches for labels")
COMPARISON = re.compile(r" (==|!=|>|<|>=|<=) ")


def without_names(found: dict) -> dict:
    return {(tuple(pair for pair in key if pair[0] != "__name__"), t): v for (key, t), v in found.items()}


def difference(expr: Expr, theirs: bytes, mine: bytes) -> tuple[str | None, bool]:
    """(what differs beyond explanation, whether anything differs at all)"""
    if theirs == mine:
        return None, False
    their, my = json.loads(theirs), json.loads(mine)
    if their["status"] == "success" and "multiple matches for labels" in my.get("error", "") and COMPARISON.search(expr.text):
        return None, True
    if their["status"] != my["status"] and expr.times and MATCHING.search(their.get("error", "") + my.get("error", "")):
        return None, True
    if their["status"] != my["status"]:
        return f"{their.get('error', 'success')} / {my.get('error', 'success')}", True
    if their["status"] == "error":
        return (None if their["errorType"] == my["errorType"] else f"{their} / {my}"), False
    a, b = points(their["data"]), points(my["data"])
    if " atan2 " in expr.text:
        a, b = without_names(a), without_names(b)
    if a == b:
        return None, False
    rounded = expr.loose or expr.curved or expr.times
    if a.keys() != b.keys():
        if expr.times:
            return None, True
        missing, extra = sorted(a.keys() - b.keys(), key=str)[:2], sorted(b.keys() - a.keys(), key=str)[:2]
        return f"{len(a)} / {len(b)} points, missing {missing}, extra {extra}", True
    for key, value in a.items():
        if {value, b[key]} == {"0", "-0"} and SUM.search(expr.text):
            continue
        if value == "NaN" and b[key] in ("+Inf", "-Inf") and COMPENSATED.search(expr.text):
            continue
        if value != b[key] and not (rounded and (expr.times or close(value, b[key]))):
            return f"{key}: {value} / {b[key]}", True
    return None, True


def agrees_again(ask: Asker, url: str, expr: Expr, mine: bytes) -> bool:
    """Whether one of Prometheus's further answers is ours."""
    for _ in range(AGAIN):
        ask.send(url)
        if difference(expr, ask.receive(), mine)[0] is None:
            return True
    return False


def start_stores(build: pathlib.Path, work: pathlib.Path) -> tuple[Server, Server]:
    prometheus, promtool = need("prometheus"), need("promtool")
    text = work / "history.om"
    text.write_text(history(SEED))
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(work / "blocks")], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in ("theirs", "mine"):
        shutil.copytree(work / "blocks", work / f"{name}-data")
    config = "global:\n  evaluation_interval: 1m\n"
    theirs = Server(prometheus, work, config, "--storage.tsdb.retention.time=100y", name="theirs", keep_data=True)
    mine = Server(str(build / "barograph"), work, config, name="mine", keep_data=True)
    theirs.wait_ready()
    mine.wait_ready()
    return theirs, mine


def test_random_expressions(build: pathlib.Path, work: pathlib.Path) -> None:
    theirs, mine = start_stores(build, work)
    with theirs, mine:
        generator, rng = Generator(SEED, START, END), random.Random(SEED)
        ask_theirs, ask_mine = Asker(theirs), Asker(mine)
        begin, found, explained, answered = time.monotonic(), [], 0, 0
        for _ in range(TOTAL):
            expr = generator.expression()
            url = question(rng, expr)
            ask_theirs.send(url)
            ask_mine.send(url)
            a, b = ask_theirs.receive(), ask_mine.receive()
            answered += b'"result":[]' not in a and a.startswith(b'{"status":"success"')
            what, differs = difference(expr, a, b)
            if what is not None and agrees_again(ask_theirs, url, expr, b):
                what = None
            explained += differs and what is None
            if what is not None:
                found.append(f"{urllib.parse.unquote_plus(url)}\n    {what}")
        print(f"{TOTAL} expressions in {time.monotonic() - begin:.1f} s, seed {SEED}: {answered} with an answer that is not empty, "
              f"{explained} differ as explained, {len(found)} without explanation")
        if "report" in OPTIONS:
            pathlib.Path(OPTIONS["report"]).write_text("\n".join(found))
        if found:
            raise AssertionError("prometheus / barograph\n" + "\n".join(found[:SHOWN]))


if __name__ == "__main__":
    main(globals())
