"""A made-up history for differential tests: the same seed gives the same OpenMetrics text, sample by sample."""

import pathlib
import random
import subprocess

START, STEP, COUNT = 1_700_006_400, 15, 960  # four hours, on a boundary of two-hour blocks
END = START + STEP * COUNT
MID = START + STEP * COUNT // 2


def times(begin: int = 0, end: int = COUNT, every: int = 1):
    """Never on a whole second: 2.x counts the left border of a range in, 3.x does not, so no sample lies on one."""
    return (f"{START + STEP * i}.137" for i in range(begin, end, every))


def counter(out, rng, name, labels, rate, reset_every=0, begin=0, end=COUNT):
    value = 1000.0  # far from zero, to which 3.x extrapolates the first window less far than 2.x
    for i, t in enumerate(times(begin, end)):
        value = 0.0 if reset_every and i % reset_every == reset_every - 1 else value + rng.expovariate(1 / rate)
        out.append(f"{name}{{{labels}}} {value!r} {t}")


def gauge(out, rng, name, labels, middle, spread, every=1, begin=0, end=COUNT, specials=()):
    for i, t in enumerate(times(begin, end, every)):
        value = repr(rng.gauss(middle, spread))
        if specials and i % 7 == 3:
            value = specials[(i // 7) % len(specials)]
        out.append(f"{name}{{{labels}}} {value} {t}")


def requests(out, rng):
    out.append("# TYPE http_requests counter")
    for method in ("GET", "POST"):
        for code in ("200", "404", "500"):
            for instance in ("a:1", "b:1", "c:1"):
                counter(out, rng, "http_requests_total",
                        f'job="api",instance="{instance}",method="{method}",code="{code}"',
                        5.0 if code == "200" else 0.2, reset_every=200 if instance == "b:1" else 0)


def gauges(out, rng):
    out.append("# TYPE temperature gauge")
    for room in ("kitchen", "hall", "cellar", "küche"):
        gauge(out, rng, "temperature", f'job="home",instance="h:1",room="{room}"', 20, 3)
    gauge(out, rng, "temperature", 'job="home",instance="h:1",room="short"', 5, 1, begin=200, end=400)
    gauge(out, rng, "temperature", 'job="home",instance="h:1",room="rare"', 5, 1, every=30)
    out.append("# TYPE odd gauge")
    gauge(out, rng, "odd", 'job="home",kind="nan"', 1, 1, specials=("NaN",))
    gauge(out, rng, "odd", 'job="home",kind="inf"', 1, 1, specials=("+Inf", "-Inf"))
    gauge(out, rng, "odd", 'job="home",kind="huge"', 1e300, 1e299)
    gauge(out, rng, "odd", 'job="home",kind="tiny"', 1e-300, 1e-301)
    gauge(out, rng, "odd", 'job="home",kind="zero"', 0, 0)
    out.append("# TYPE up gauge")
    for job, instance in (("api", "a:1"), ("api", "b:1"), ("api", "c:1"), ("home", "h:1")):
        for t in times():
            out.append(f'up{{job="{job}",instance="{instance}"}} {int(rng.random() > 0.1)} {t}')
    out.append("# TYPE build gauge")
    for instance, version in (("a:1", "1.2"), ("b:1", "1.2"), ("c:1", "1.10")):
        for t in times():
            out.append(f'build{{job="api",instance="{instance}",version="{version}"}} 1 {t}')


def latencies(out, rng):
    bounds = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, float("inf"))
    out.append("# TYPE latency_seconds histogram")
    for path in ("/", "/api", "/never"):
        counts, total = [0] * len(bounds), 0.0
        for t in times():
            for _ in range(0 if path == "/never" else rng.randrange(6)):
                value = rng.lognormvariate(-3, 1.5)
                total += value
                for i, bound in enumerate(bounds):
                    counts[i] += value <= bound
            for bound, count in zip(bounds, counts):
                le = "+Inf" if bound == float("inf") else repr(bound)
                out.append(f'latency_seconds_bucket{{job="api",path="{path}",le="{le}"}} {count} {t}')
            out.append(f'latency_seconds_sum{{job="api",path="{path}"}} {total!r} {t}')
            out.append(f'latency_seconds_count{{job="api",path="{path}"}} {counts[-1]} {t}')


def write_blocks(promtool: str, work: pathlib.Path, data: pathlib.Path) -> None:
    """Writes the history into data as Prometheus's blocks."""
    out: list[str] = []
    rng = random.Random(20231115)
    for part in (requests, gauges, latencies):
        part(out, rng)
    out.append("# EOF\n")
    text = work / "history.om"
    text.write_text("\n".join(out))
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)], check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
